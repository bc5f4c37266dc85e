"""Cells of an export read back, with our columns whatever the format calls them."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import geopandas as gpd
import pandas as pd

from gridcell.errors import InputError
from gridcell.read.crs import settle_crs
from gridcell.read.fields import as_count, find_columns
from gridcell.read.files import open_input
from gridcell.schema import BAND_FIGURES, CELL_LAYERS
from gridcell.tables.values import as_number, as_text
from gridcell.words.messages import Message

COUNTS: Final = ("households", "buildings", "estimated")
READ_COLUMNS: Final = ("code", "parent", *COUNTS, "band", "reason", *BAND_FIGURES)
"""Columns of cells that readers return, as far as there are such."""

Manifest = Mapping[str, Any]
CellLevels = dict[str, pd.DataFrame]
_NO_NAMES: Final[Mapping[str, str]] = MappingProxyType({})


def read_level_files(folder: Path, suffix: str, names: Mapping[str, str] = _NO_NAMES) -> CellLevels:
    """Return the cells of ``LEVEL`` and a suffix, a file a level; `names` as `read_cells`."""
    return read_levels({level: f"{folder / level}{suffix}" for level in CELL_LAYERS}, names)


def read_levels(places: Mapping[str, str], names: Mapping[str, str] = _NO_NAMES) -> CellLevels:
    """Return the cells of each level from ``FILE`` or ``FILE#LAYER``; `names` as `read_cells`."""
    levels = {}
    for level, place in places.items():
        try:
            levels[level] = read_cells(place, level, names)
        except InputError as error:
            # Plans that stop at level 3 have no micro cells.
            if level != "micro" or getattr(error.text, "msgid", "") != "error.layer_no_rows":
                raise
    return levels


def read_cells(place: str, role: str, names: Mapping[str, str] = _NO_NAMES) -> pd.DataFrame:
    """Return a layer with `READ_COLUMNS`, and polygons where it has them.

    Parameters
    ----------
    place
        ``FILE`` or ``FILE#LAYER``.
    role
        What messages call it.
    names
        Our names of columns by those of the format.

    Raises
    ------
    InputError
        A file that cannot be read, or without ``code`` and ``households``.
    """
    source = open_input(place, role)
    frame = source.frame.rename(columns=dict(names))
    found = find_columns(source, {}, "communities")
    frame = frame.rename(
        columns={
            found[name]: name
            for name in ("code", "households")
            if name not in frame and name in found
        }
    )
    for name in ("code", "households"):
        if name not in frame:
            raise InputError(Message("error.no_export_cells", label=source.label, column=name))
    out = pd.DataFrame(index=frame.index)
    for name in READ_COLUMNS:
        if name not in frame:
            continue
        column = frame[name]
        if name in COUNTS:
            out[name] = as_count(column, source, name)
        elif name in BAND_FIGURES:
            out[name] = as_number(column)[0]
        else:
            out[name] = as_text(column)
    if source.geometries is None:
        return out
    shapes = source.geometries.to_numpy()
    placed: pd.DataFrame = gpd.GeoDataFrame(out, geometry=shapes, crs=settle_crs(source, None))
    return placed
