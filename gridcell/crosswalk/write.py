"""A crosswalk as CSV, XLSX, GeoPackage or GeoJSON."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyogrio

from gridcell.arguments import checked
from gridcell.crosswalk.tables import Crosswalk
from gridcell.errors import WriteError
from gridcell.files.whole import require_writable, whole_file
from gridcell.formats.geopackage import dated
from gridcell.tables.write import write_table, write_workbook
from gridcell.words.catalogue import LANGUAGES, require_language, section
from gridcell.words.messages import Message

CROSSWALK_FORMATS: Final = (".csv", ".xlsx", ".gpkg", ".geojson")
_CODES: Final = ("a", "b", "code", "into")


def require_format(path: str | Path, *, overwrite: bool = False) -> None:
    """Make sure that a crosswalk can be written to this file, before any work.

    Raises
    ------
    WriteError
        An unknown suffix, or something in the way.
    """
    if Path(path).suffix.lower() not in CROSSWALK_FORMATS:
        raise WriteError(
            Message(
                "error.unknown_format",
                path=path,
                suffix=Path(path).suffix,
                formats=list(CROSSWALK_FORMATS),
            )
        )
    require_writable(path, overwrite=overwrite)


@checked
def write_crosswalk(
    crosswalk: Crosswalk,
    path: str | Path,
    *,
    overwrite: bool = False,
    lang: str = LANGUAGES[0],
) -> list[Path]:
    """Write a crosswalk in the format that the file's suffix names; return the file.

    CSV and GeoJSON hold the pairs; XLSX has sheets, and a GeoPackage layers, of pairs, slivers and
    the cells of both divisions.

    Parameters
    ----------
    crosswalk
        From `make_crosswalk`.
    path
        A ``.csv``, ``.xlsx``, ``.gpkg`` or ``.geojson`` file; appears whole or not at all.
    overwrite
        Replace a file that is there already.
    lang
        Language of sheets and columns in XLSX, which is read by people; other formats keep keys.

    Raises
    ------
    WriteError
        An unknown suffix, a file in the way, or one that cannot be written.

    Examples
    --------
    `plan` is that of the example of `make_plan`, `folder` is an empty folder.

    >>> import gridcell
    >>> crosswalk = gridcell.make_crosswalk(plan.small, plan.leaves)
    >>> [file.name for file in gridcell.write_crosswalk(crosswalk, folder / "pairs.csv")]
    ['pairs.csv']
    """
    require_format(path, overwrite=overwrite)
    suffix = Path(path).suffix.lower()
    layers = {
        "pairs": crosswalk.pairs, "cells_a": crosswalk.cells_a, "cells_b": crosswalk.cells_b,
        "slivers": crosswalk.slivers,
    }  # fmt: skip
    if suffix == ".csv":
        write_table(_table(crosswalk.pairs), path, text=_CODES, overwrite=overwrite)
        return [Path(path)]
    if suffix == ".xlsx":
        summary = pd.DataFrame(_figures(crosswalk.summary), columns=["figure", "value"])
        sheets = {"summary": summary, **{name: _table(layer) for name, layer in layers.items()}}
        codes: Sequence[str] = _CODES
        if require_language(lang) != LANGUAGES[0]:
            titles, figures = section("sheet", lang), section("figure", lang)
            headers = dict(section("header", lang))
            relations = section("crosswalk", lang)
            summary["figure"] = [figures[name] for name in summary["figure"]]
            summary["value"] = summary["value"].replace(dict(section("value", lang)))
            for table in sheets.values():
                if "relation" in table:
                    table["relation"] = table["relation"].map(lambda key: relations.get(key, key))
            sheets = {titles[name]: table.rename(columns=headers) for name, table in sheets.items()}
            codes = [headers[name] for name in _CODES]
        write_workbook(sheets, path, text=codes, overwrite=overwrite)
        return [Path(path)]
    with whole_file(path, overwrite=overwrite) as part, dated():
        if suffix == ".geojson":
            pairs = crosswalk.pairs.to_crs(4326)
            _write(pairs, part, "GeoJSON", layer="pairs", RFC7946="YES")
        else:
            for name, layer in layers.items():
                _write(layer, part, "GPKG", layer=name, FID="gridcell_fid")
    return [Path(path)]


def _figures(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the figures by name, those of a group as ``GROUP.NAME``."""
    rows = []
    for name, value in summary.items():
        if isinstance(value, Mapping):
            rows += [(f"{name}.{key}", str(number)) for key, number in value.items()]
        else:
            rows.append((name, str(value)))
    return rows


def _table(layer: Any) -> pd.DataFrame:
    return pd.DataFrame(layer.drop(columns="geometry"))


def _write(frame: Any, part: Path, driver: str, *, layer: str, **options: str) -> None:
    pyogrio.write_dataframe(
        frame, part, layer=layer, driver=driver, append=part.exists(), use_arrow=False,
        geometry_type="MultiPolygon", promote_to_multi=True, layer_options=options,
    )  # fmt: skip
