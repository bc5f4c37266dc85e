"""A file of points in, the same rows with their cells out, however large: `locate_file`."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyproj
import shapely
from numpy.typing import NDArray

from gridcell.arguments import checked
from gridcell.crs import crs_name, parse_crs
from gridcell.errors import WriteError
from gridcell.files.whole import require_writable
from gridcell.formats.features import write_features
from gridcell.locator.file import read_index, read_streets
from gridcell.locator.index import HOW, LOCATED_COLUMNS, CellIndex
from gridcell.locator.places import settle_places
from gridcell.locator.positions import NEAREST_COLUMNS, read_positions
from gridcell.locator.present import NearestTable, Present, nearest_table
from gridcell.locator.rows import Batch, PointRows, open_points
from gridcell.read.crs import move_points
from gridcell.read.fields import check_names
from gridcell.streets import street_findings
from gridcell.tables.write import write_table, write_workbook
from gridcell.words.catalogue import LANGUAGES, require_language, section
from gridcell.words.messages import Message

OUTPUT_FORMATS: Final = (".csv", ".xlsx", ".parquet", ".gpkg", ".geojson")
_WGS84: Final = pyproj.CRS.from_epsg(4326)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class LocateReport:
    """What became of the rows of a file."""

    rows: int
    counts: dict[str, int]
    """Rows by ``how``: inside, nearest, outside, unplaceable."""
    crs: str | None
    """CRS that the points were taken to be in."""
    columns: tuple[str, ...]
    """Names of the columns added."""
    far_m: float | None
    """Where every point is outside: how far the nearest of them is."""
    notes: tuple[Message, ...] = ()
    """What is doubtful about the CRS of the points."""

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain data for JSON."""
        return {
            "rows": self.rows, **self.counts, "crs": self.crs, "columns": list(self.columns),
        }  # fmt: skip


@checked
def locate_file(
    plan: str | Path,
    points: str | Path,
    output: str | Path,
    *,
    crs: Any = None,
    encoding: str | None = None,
    nearest_m: float = 0.0,
    overwrite: bool = False,
    fields: Mapping[str, str] | None = None,
    lang: str = LANGUAGES[0],
    positions: str | Path | None = None,
    anyone: bool = False,
) -> LocateReport:
    """Write the rows of a file again, in their order, with the cells that hold them.

    Memory does not grow with the number of rows, but for shapefiles. All columns of the file stay
    as they are; a column of ours whose name is taken already is called ``cell_`` and that name.

    Parameters
    ----------
    plan
        A plan's folder or its ``plan.gpkg``.
    points
        CSV, XLSX, Parquet or any layer of points, as ``FILE`` or ``FILE#LAYER``. Tables have
        columns ``lon`` and ``lat`` (WGS 84), or ``x`` and ``y`` (in `crs`, else the plan's CRS).
    output
        A ``.csv``, ``.xlsx``, ``.parquet``, ``.gpkg`` or ``.geojson`` file. A table made of a layer
        gets the coordinates as columns.
    crs
        CRS of points that name none.
    encoding
        Encoding of CSV and shapefiles.
    nearest_m
        A point outside the land, but at most so many metres from it, gets the nearest cell.
    overwrite
        Replace a file that is there already.
    fields
        Columns of a table that are called otherwise: ``{"lon": "LNG_84", "lat": "LAT_84"}``.
    lang
        Language of the reasons; of XLSX, which is read by people, also of our columns and of
        ``how``.
    positions
        A table or layer of where people are now: ``staff_id`` and coordinates as of `points`. Adds
        who of those that answer for a cell is nearest along the streets.
    anyone
        With `positions`: the nearest of all people, whatever cells they answer for.

    Raises
    ------
    InputError
        The plan or the points cannot be read.
    WriteError
        The output cannot be written.

    Examples
    --------
    `plan_folder` is where the plan of the example of `make_plan` was written, `folder` an empty
    folder.

    >>> import gridcell, pandas as pd
    >>> doors = pd.DataFrame({"door": ["0012"], "x": [356_500], "y": [2_556_300]})
    >>> doors.to_csv(folder / "doors.csv", index=False)
    >>> report = gridcell.locate_file(
    ...     plan_folder, folder / "doors.csv", folder / "located.csv", crs="EPSG:4546"
    ... )
    >>> report.counts
    {'inside': 1, 'nearest': 0, 'outside': 0, 'unplaceable': 0}
    """
    suffix = Path(output).suffix.lower()
    if suffix not in OUTPUT_FORMATS:
        raise WriteError(
            Message(
                "error.unknown_format", path=output, suffix=suffix, formats=list(OUTPUT_FORMATS)
            )
        )
    require_writable(output, overwrite=overwrite)
    cells = read_index(plan)
    named = parse_crs(crs)
    check_names(fields or {}, "points")
    nearest = None
    if positions is not None:
        people = read_positions(positions, cells.crs, crs=named, encoding=encoding)
        nearest = nearest_table(cells, Present(read_streets(plan), *people), anyone=anyone)
    with open_points(
        points, cells.crs, crs=named, encoding=encoding, fields=fields or {}
    ) as source:
        run = _Run(cells, source, nearest_m, suffix, require_language(lang), nearest)
        if run.in_words:
            sheets = {section("sheet", lang)["points"]: run.tables()}
            rows = write_workbook(sheets, output, overwrite=overwrite)
        elif run.geometry is None:
            rows = write_table(run.tables(), output, overwrite=overwrite, bom=source.has_bom)
        else:
            rows = write_features(
                run.tables(), output, geometry=run.geometry, kind="Point", crs=run.crs,
                layer="points", overwrite=overwrite,
            )  # fmt: skip
    return LocateReport(
        rows=rows,
        counts={how: run.counts[how] for how in HOW},
        crs=crs_name(source.crs),
        columns=run.added,
        far_m=run.far_m if rows and run.counts["outside"] == rows else None,
        notes=(*source.notes, *_remarks(nearest, cells, anyone=anyone)),
    )


def _remarks(nearest: NearestTable | None, cells: CellIndex, *, anyone: bool) -> Iterator[Message]:
    """Yield what is to be known of positions and of the streets."""
    if nearest is None:
        return
    yield from (finding.text for finding in street_findings(nearest.network))
    strange = int((~pd.Series(nearest.present.ids).isin(cells.staff["staff_id"])).sum())
    if strange and not anyone:
        yield Message("located.strange_people", n=strange)


class _Run:
    """One pass over the points."""

    def __init__(
        self, cells: CellIndex, source: PointRows, nearest_m: float, suffix: str, lang: str,
        nearest: NearestTable | None,
    ) -> None:  # fmt: skip
        self.nearest = nearest
        self.columns = LOCATED_COLUMNS + (NEAREST_COLUMNS if nearest is not None else ())
        self.cells, self.source, self.nearest_m, self.lang = cells, source, nearest_m, lang
        self.in_words = suffix == ".xlsx" and lang != LANGUAGES[0]
        """Whether our columns have names rather than keys."""
        self.counts: Counter[str] = Counter()
        self.far_m = np.inf
        self.added: tuple[str, ...] = ()
        as_layer = suffix in {".gpkg", ".geojson"} or (suffix == ".parquet" and source.is_layer)
        self.geometry: str | None = "geometry" if as_layer else None
        self.crs = _WGS84 if suffix == ".geojson" else source.crs
        self._rows = iter(source.batches)
        self._first = next(self._rows)
        self._name(self._first.table.column_names)

    def _name(self, taken: list[str]) -> None:
        """Choose names that the file does not use, whatever their case."""
        used = {name.casefold() for name in taken}
        wanted = list(self.columns)
        if self.geometry is not None:
            wanted.append("geometry")
        elif self.source.is_layer:
            wanted += ["lon", "lat"] if self.source.crs.is_geographic else ["x", "y"]
        called = section("header", self.lang) if self.in_words else {}
        mark = called.get("cell", "cell")
        names = []
        for name in wanted:
            free = called.get(name, name)
            while free.casefold() in used:
                free = f"{mark}_{free}"
            used.add(free.casefold())
            names.append(free)
        if self.geometry is not None:
            self.geometry = names.pop()
        self.added = tuple(names)

    def tables(self) -> Iterator[pa.Table]:
        """Yield the rows with their cells."""
        yield self._located(self._first)
        for batch in self._rows:
            yield self._located(batch)

    def _located(self, batch: Batch) -> pa.Table:
        places, reason = settle_places(batch.xy, self.source.crs, self.cells.crs, batch.fault)
        row, how, distance = self.cells.find(places, self.nearest_m)
        for number, count in enumerate(np.bincount(how, minlength=len(HOW)).tolist()):
            self.counts[HOW[number]] += count
        away = distance[how == HOW.index("outside")]
        self.far_m = min(self.far_m, float(away.min(initial=np.inf)))
        answer = self.cells.answer(row, how, distance, reason, self.lang)
        if self.nearest is not None:
            answer = answer.assign(**self.nearest.columns(places, row))
        if self.in_words:
            answer["how"] = answer["how"].map(section("value", self.lang))
        columns = [pa.array(answer[name], from_pandas=True) for name in self.columns]
        columns = [
            column.cast(pa.string()) if pa.types.is_large_string(column.type) else column
            for column in columns
        ]
        if self.geometry is None and self.source.is_layer:
            columns += [pa.array(batch.xy[:, axis], from_pandas=True) for axis in (0, 1)]
        table = batch.table
        for name, column in zip(self.added, columns, strict=True):
            table = table.append_column(name, column)
        if self.geometry is not None:
            known = how != HOW.index("unplaceable")
            xy = move_points(np.where(known[:, None], batch.xy, np.nan), self.source.crs, self.crs)
            table = table.append_column(self.geometry, _wkb(xy))
        return table


def _wkb(xy: NDArray[np.float64]) -> pa.Array:
    points = np.asarray(shapely.points(xy), dtype=object)
    points[~np.isfinite(xy).all(axis=1)] = None
    return pa.array(shapely.to_wkb(points), pa.binary())
