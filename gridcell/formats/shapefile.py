"""Cells as shapefiles, within what the format can hold."""

import datetime as dt
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridcell.errors import WriteError
from gridcell.formats.layers import CellLevels, Manifest, read_level_files
from gridcell.formats.ogr import by_code, read_layer, write_layer
from gridcell.formats.source import CellSource, Written
from gridcell.tables.write import write_table
from gridcell.words.catalogue import LANGUAGES, section
from gridcell.words.messages import Message

FIELDS: Final = {
    "compactness": "compact", "households_are": "hh_are", "responsible": "responsibl",
}  # fmt: skip
"""Names of columns that have more than 10 bytes; all others stay as they are."""

ALIASES: Final = "fields.csv"
_LIMIT: Final = 2**31 - 1
"""Bytes of a ``.shp`` or ``.dbf`` that every reader understands."""
_TEXT: Final = 254
_NUMBER_BYTES: Final = 24
_DATE: Final = dt.date(2000, 1, 1).isoformat()


def as_shapefile(source: CellSource, folder: Path) -> Written:
    """Write ``LEVEL.shp`` with UTF-8 text, its ``.cpg``, and ``fields.csv`` that tells the names.

    Raises
    ------
    WriteError
        A level does not fit into 2 GB.
    """
    back, intended, rows = {}, {}, {}
    notes: list[Message] = []
    for level, frame in source.levels.items():
        fitting, cut = _fitting(frame)
        if cut:
            notes.append(
                Message("export.shortened", level=Message(f"layer.{level}"), n=cut, bytes=_TEXT)
            )
        intended[level] = fitting
        named = fitting.rename(columns=FIELDS)
        require_size(named, level)
        file = folder / f"{level}.shp"
        write_layer(
            named, file, driver="ESRI Shapefile", encoding="UTF-8",
            layer_options={"DBF_DATE_LAST_UPDATE": _DATE, "SPATIAL_INDEX": "NO"},
        )  # fmt: skip
        rows[file] = len(frame)
        names = {short: name for name, short in FIELDS.items()}
        back[level] = read_layer(file).rename(columns=names)
    aliases = alias_table(list(source.levels["large"].columns.drop("geometry")))
    rows[folder / ALIASES] = write_table(aliases, folder / ALIASES, bom=True)
    return Written(rows=rows, back=by_code(back), intended=intended, notes=tuple(notes))


def read_shapefile(folder: Path, _manifest: Manifest) -> CellLevels:
    """Return the cells of ``LEVEL.shp``, the names of columns whole again."""
    return read_level_files(folder, ".shp", {short: name for name, short in FIELDS.items()})


def alias_table(columns: list[str]) -> pd.DataFrame:
    """Return ``field`` (in the shapefile), ``column`` (elsewhere) and what it means."""
    return pd.DataFrame({
        "field": [FIELDS.get(name, name) for name in columns],
        "column": columns,
        **{lang: [section("column", lang)[name] for name in columns] for lang in LANGUAGES},
    })  # fmt: skip


def require_size(frame: gpd.GeoDataFrame, level: str) -> None:
    """Raise `WriteError` where a shapefile would grow beyond 2 GB."""
    shapes = np.asarray(frame.geometry, dtype=object)
    rings = int(shapely.get_num_coordinates(shapes).sum()) * 16 + len(frame) * 128
    # Texts are as wide as the widest of their column, in every row.
    width = 1
    for name in frame.columns.drop(frame.active_geometry_name):
        column: pd.Series[Any] = frame[name]
        text = not pd.api.types.is_numeric_dtype(column.dtype)
        width += max(80, _widest(column)) if text else _NUMBER_BYTES
    table = width * len(frame)
    for suffix, size in ((".shp", rings), (".dbf", table)):
        if size > _LIMIT:
            raise WriteError(
                Message(
                    "error.shapefile_too_large",
                    level=level,
                    suffix=suffix,
                    size=size / 1e9,
                )
            )


def _fitting(frame: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, int]:
    """Return the frame with texts of at most 254 bytes, and how many were shortened."""
    cut, out = 0, frame.copy()
    for name in frame.columns.drop(frame.active_geometry_name):
        column = frame[name]
        if pd.api.types.is_numeric_dtype(column.dtype) or _widest(column) <= _TEXT:
            continue
        long = column.notna() & (_bytes(column) > _TEXT)
        cut += int(long.sum())
        out[name] = column.where(~long, [shorten(text) for text in column])
    return out, cut


def shorten(text: object) -> object:
    """Return a text of at most 254 bytes, never cut within a character."""
    raw = text.encode() if isinstance(text, str) else b""
    if len(raw) <= _TEXT:
        return text
    mark = "…"
    return raw[: _TEXT - len(mark.encode())].decode(errors="ignore") + mark


def _bytes(column: "pd.Series[Any]") -> "pd.Series[Any]":
    return column.fillna("").map(lambda text: len(text.encode()))


def _widest(column: "pd.Series[Any]") -> int:
    return int(_bytes(column).max()) if len(column) else 0
