"""Tables and layers of points, read batch by batch."""

import itertools
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyogrio
import pyproj
import shapely
from numpy.typing import NDArray
from pyogrio.errors import DataLayerError, DataSourceError

from gridcell.errors import InputError
from gridcell.locator.places import point_coordinates
from gridcell.read.aliases import field_hint
from gridcell.read.containers import at_hand
from gridcell.read.crs import crs_doubts, settle_crs
from gridcell.read.files import Source, open_input, split_layer
from gridcell.read.offline import offline
from gridcell.read.vector import PARQUET, choose_layer
from gridcell.schema import FIELDS
from gridcell.tables.stream import csv_batches, parquet_batches, sheet_batches
from gridcell.words.messages import Message, either

BATCH: Final = 65_536
"""Rows in memory at a time."""

_PAIRS: Final = (("lon", "lat"), ("x", "y"))
_NUMBER: Final = r"^[0-9.eE+-]+$"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Batch:
    """Some rows of the points' file."""

    table: pa.Table
    """All columns as they are in the file, but for geometry."""
    xy: NDArray[np.float64]
    """(n, 2) NaN where there is no place."""
    fault: NDArray[np.object_]
    """(n,) message why there is no place, ``None`` elsewhere."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class PointRows:
    """A file of points, opened."""

    label: str
    crs: pyproj.CRS
    """CRS of the coordinates."""
    is_layer: bool
    """Whether the points are geometries rather than two columns."""
    has_bom: bool
    """Whether a CSV file begins with a byte order mark."""
    batches: Iterator[Batch]
    notes: tuple[Message, ...] = ()
    """What is doubtful about the CRS."""


@contextmanager
def open_points(
    given: str | Path,
    plan_crs: pyproj.CRS,
    *,
    crs: pyproj.CRS | None,
    encoding: str | None,
    fields: Mapping[str, str],
) -> Iterator[PointRows]:
    """Yield the rows of a CSV, XLSX, Parquet or vector file, of which few are read at a time.

    Shapefiles, which end at 2 GB, are read whole: their encoding is told from all their text.

    Parameters
    ----------
    given
        The file, or ``FILE#LAYER`` (``FILE#SHEET``).
    plan_crs
        In which columns ``x`` and ``y`` are, unless `crs` says otherwise. ``lon`` and ``lat`` are
        degrees in WGS 84, unless `crs` is another geographic one.
    crs
        CRS that the user named.
    encoding
        Encoding that the user named.
    fields
        Columns of a table by our names: ``lon`` and ``lat``, or ``x`` and ``y``.

    Raises
    ------
    InputError
        No such file or layer, no rows, no coordinates, no CRS, a named column that is not there.
    """
    path, layer = split_layer(str(given))
    if not path.exists():
        raise InputError(Message("error.points_no_file", path=path))
    with at_hand(path, layer) as hand:
        if hand.path.suffix.lower() in {".shp", ".shx", ".dbf"}:
            source = open_input(given, "points", encoding=encoding)
            yield _shapefile_rows(source, plan_crs, crs, fields)
        else:
            yield _plain_rows(hand.path, hand.layer, plan_crs, crs, encoding, fields)


def _plain_rows(
    path: Path,
    layer: str | None,
    plan_crs: pyproj.CRS,
    crs: pyproj.CRS | None,
    encoding: str | None,
    fields: Mapping[str, str],
) -> PointRows:
    suffix = path.suffix.lower()
    if suffix in {".csv", ".tsv", ".txt"}:
        tables, has_bom = csv_batches(path, encoding)
        return _table_rows(path.name, tables, plan_crs, crs, fields, has_bom=has_bom)
    if suffix in {".xlsx", ".xlsm"}:
        return _table_rows(path.name, sheet_batches(path, layer), plan_crs, crs, fields)
    if suffix in PARQUET:
        tables, name, own = parquet_batches(path, BATCH)
        if name is None:
            return _table_rows(path.name, tables, plan_crs, crs, fields)
        return _layer_rows(path.name, tables, name, own, crs)
    return _vector_rows(path, layer, plan_crs, crs, fields)


def _first(tables: Iterator[pa.Table], name: str) -> tuple[pa.Table, Iterator[pa.Table]]:
    """Return the first table with rows, and all of them."""
    filled = (table for table in tables if table.num_rows)
    first = next(filled, None)
    if first is None:
        raise InputError(Message("error.points_no_rows", name=name))
    twice = sorted({n for n in first.column_names if first.column_names.count(n) > 1})
    if twice:
        raise InputError(Message("error.columns_twice", name=name, columns=list(twice)))
    return first, itertools.chain([first], filled)


def _table_rows(
    name: str,
    tables: Iterator[pa.Table],
    plan_crs: pyproj.CRS,
    crs: pyproj.CRS | None,
    fields: Mapping[str, str],
    *,
    has_bom: bool = False,
) -> PointRows:
    first, tables = _first(tables, name)
    lower = {column.strip().lower(): column for column in reversed(first.column_names)}
    # The exact name counts, whatever the order of the columns.
    lower |= {column: column for column in first.column_names if column == column.lower()}
    for pair in _PAIRS:
        found = [
            _named(name, n, fields[n], lower) if n in fields
            else next((lower[a.lower()] for a in FIELDS["points"][n] if a.lower() in lower), None)
            for n in pair
        ]  # fmt: skip
        # What is named comes before what would be found.
        if None not in found and (not fields or fields.keys() & set(pair)):
            break
    else:
        raise InputError(
            Message("error.no_coordinates", name=name, columns=either(first.column_names)),
            field_hint("points", "lon"),
            field_hint("points", "lat"),
        )
    if pair == ("lon", "lat"):
        own = crs if crs is not None and crs.is_geographic else pyproj.CRS.from_epsg(4326)
    else:
        own = crs or plan_crs
    columns = [str(column) for column in found]
    return PointRows(
        label=name, crs=own, is_layer=False, has_bom=has_bom,
        batches=(_coordinates(table, columns) for table in tables),
    )  # fmt: skip


def _named(file: str, name: str, column: str, lower: Mapping[str, str]) -> str:
    there = lower.get(column, lower.get(column.lower()))
    if there is None:
        raise InputError(
            Message(
                "error.points_no_such_column",
                file=file,
                name=name,
                column=column,
                columns=list(dict.fromkeys(lower.values())),
            )
        )
    return there


def _coordinates(table: pa.Table, columns: list[str]) -> Batch:
    """Return the rows with the numbers in two columns, exactly as they are written."""
    fault = np.full(table.num_rows, None, dtype=object)
    xy = np.empty((table.num_rows, 2))
    for axis, name in enumerate(columns):
        values = table.column(name)
        xy[:, axis], unread = _numbers(values)
        if unread.any():
            texts = values.to_pylist()
            for row in np.flatnonzero(unread & pd.isna(fault)):
                fault[row] = Message(
                    "located.not_a_number", name=name.strip(), given=str(texts[row])
                )
    xy[np.isnan(xy).any(axis=1)] = np.nan
    return Batch(table=table, xy=xy, fault=fault)


def _numbers(values: pa.ChunkedArray) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the numbers, NaN where there is none, and where a text is none."""
    kind = values.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return values.cast(pa.float64()).to_numpy().astype(np.float64), np.zeros(len(values), bool)
    if not pa.types.is_string(kind):
        values = values.cast(pa.string())
    text = pc.utf8_trim_whitespace(values)
    text = pc.if_else(pc.equal(text, ""), None, text)
    looks = pc.match_substring_regex(text, _NUMBER)
    plain = pc.if_else(looks, pc.replace_substring_regex(text, r"^\+", ""), None)
    try:
        numbers = plain.cast(pa.float64()).to_numpy().astype(np.float64)
    except pa.ArrowInvalid:  # 1.2.3 or 1-2
        numbers = pd.to_numeric(plain.to_pandas(), errors="coerce").to_numpy(
            np.float64, na_value=np.nan
        )
    numbers = np.where(np.isfinite(numbers), numbers, np.nan)
    there = text.is_valid().to_numpy().astype(bool)
    return numbers, there & np.isnan(numbers)


def _layer_rows(
    name: str,
    tables: Iterator[pa.Table],
    geometry: str,
    own: pyproj.CRS | None,
    crs: pyproj.CRS | None,
) -> PointRows:
    first, tables = _first(tables, name)
    shapes = _from_wkb(first.column(geometry))
    _check_kind(shapes, name)
    sample = pd.DataFrame(index=range(len(shapes)))
    source = _source(sample, shapes, name, own)
    settled = settle_crs(source, crs)
    return PointRows(
        label=name, crs=settled, is_layer=True, has_bom=False, notes=crs_doubts(source, settled),
        batches=(_placed(table, geometry) for table in tables),
    )  # fmt: skip


def _source(frame: pd.DataFrame, shapes: Any, name: str, own: pyproj.CRS | None) -> Source:
    import geopandas as gpd

    return Source(
        frame=gpd.GeoDataFrame(frame, geometry=shapes, crs=own), role="points", name=name,
        file=name, layer=None, encoding=None, crs=own, sha256="",
    )  # fmt: skip


def _check_kind(shapes: NDArray[np.object_], name: str) -> None:
    """Refuse a layer that begins with other geometries; later ones are told of row by row."""
    kind = shapely.get_type_id(shapes)
    kind = kind[(kind >= 0) & ~shapely.is_empty(shapes)]
    points = (kind == shapely.GeometryType.POINT) | (kind == shapely.GeometryType.MULTIPOINT)
    if len(kind) and not points.any():
        found = shapely.GeometryType(int(kind[0])).name.lower()
        raise InputError(Message("error.points_other_type", name=name, found=found))


def _placed(table: pa.Table, geometry: str) -> Batch:
    xy, fault = point_coordinates(_from_wkb(table.column(geometry)))
    return Batch(table=table.drop_columns([geometry]), xy=xy, fault=fault)


def _from_wkb(column: pa.ChunkedArray) -> NDArray[np.object_]:
    return np.asarray(shapely.from_wkb(column.to_numpy(), on_invalid="ignore"))


def _shapefile_rows(
    source: Source, plan_crs: pyproj.CRS, crs: pyproj.CRS | None, fields: Mapping[str, str]
) -> PointRows:
    attributes = pa.Table.from_pandas(
        pd.DataFrame(source.frame.drop(columns="geometry", errors="ignore")), preserve_index=False
    ).replace_schema_metadata(None)
    if source.geometries is None:
        return _table_rows(source.name, iter([attributes]), plan_crs, crs, fields)
    shapes = np.asarray(source.geometries.array)
    _check_kind(shapes, source.name)
    xy, fault = point_coordinates(shapes)
    starts = range(0, len(xy), BATCH)
    settled = settle_crs(source, crs)
    return PointRows(
        label=source.name, crs=settled, is_layer=True, has_bom=False,
        notes=crs_doubts(source, settled),
        batches=(
            Batch(
                table=attributes.slice(k, BATCH), xy=xy[k : k + BATCH], fault=fault[k : k + BATCH]
            )
            for k in starts
        ),
    )  # fmt: skip


def _vector_rows(
    path: Path,
    layer: str | None,
    plan_crs: pyproj.CRS,
    crs: pyproj.CRS | None,
    fields: Mapping[str, str],
) -> PointRows:
    chosen = choose_layer(path, layer)
    try:
        with warnings.catch_warnings(), offline():
            warnings.simplefilter("ignore")
            info = pyogrio.read_info(path, layer=chosen)
    except (DataSourceError, DataLayerError, UnicodeDecodeError, ValueError) as error:
        raise InputError(Message("error.unreadable", name=path.name, error=error)) from None
    tables = _arrow_tables(path, chosen)
    if info["geometry_type"] is None:
        return _table_rows(path.name, (t for _, t in tables), plan_crs, crs, fields)
    own = pyproj.CRS.from_user_input(info["crs"]) if info["crs"] else None
    name, first = next(tables, ("", pa.table({})))
    chained = itertools.chain([first], (table for _, table in tables))
    return _layer_rows(path.name, chained, name, own, crs)


def _arrow_tables(path: Path, layer: str) -> Iterator[tuple[str, pa.Table]]:
    """Yield the name of the geometry column and some rows, as GDAL reads them."""
    try:
        with ExitStack() as stack:
            with warnings.catch_warnings(), offline():
                warnings.simplefilter("ignore")
                meta, reader = stack.enter_context(
                    pyogrio.open_arrow(path, layer=layer, batch_size=BATCH, use_pyarrow=True)
                )
            name = meta["geometry_name"] or "wkb_geometry"
            while (batch := _next(reader)) is not None:
                yield name, pa.Table.from_batches([batch]).replace_schema_metadata(None)
    except (DataSourceError, DataLayerError, pa.ArrowException, OSError) as error:
        raise InputError(Message("error.unreadable", name=path.name, error=error)) from None


def _next(reader: Any) -> pa.RecordBatch | None:
    with warnings.catch_warnings(), offline():
        warnings.simplefilter("ignore")
        return next(reader, None)
