"""Exports read back by those who got them: `read_export`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import geopandas as gpd
import pandas as pd

from gridcell.errors import InputError
from gridcell.files.folder import recover_folder
from gridcell.formats.geopackage import PLAN_FILE
from gridcell.formats.manifest import read_manifest
from gridcell.formats.ogr import read_layer
from gridcell.formats.shapefile import FIELDS
from gridcell.formats.sheets import WORKBOOK, column_keys, sheet_name
from gridcell.formats.tiles import ARCHIVE
from gridcell.read.crs import settle_crs
from gridcell.read.fields import as_count, find_columns
from gridcell.read.files import open_input
from gridcell.read.offline import offline, refuse_pointers
from gridcell.schema import BAND_FIGURES, CELL_LAYERS
from gridcell.tables.values import as_number, as_text
from gridcell.words.catalogue import LANGUAGES
from gridcell.words.messages import Message

CROSSWALK: Final = "crosswalk.csv"
"""The land that a published division shares with an earlier one."""

_COUNTS: Final = ("households", "buildings", "estimated")
_COLUMNS: Final = ("code", "parent", *_COUNTS, "band", "reason", *BAND_FIGURES)
_SUFFIXES: Final = {
    "geojson": ".geojson", "shapefile": ".shp", "flatgeobuf": ".fgb", "kml": ".kml", "csv": ".csv",
}  # fmt: skip


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Exported:
    """What somebody who gets an export has in hand."""

    label: str
    levels: Mapping[str, pd.DataFrame]
    """By level ``code``, ``parent``, ``households`` (Int64, missing where hidden), ``buildings``,
    ``estimated``, ``band``, ``reason`` and the figures of bands, as far as there are such columns;
    with polygons where the format has them."""
    pairs: pd.DataFrame | None
    """`gridcell.Publication.pairs`."""
    manifest: Mapping[str, Any]
    """What ``export.json`` holds; nothing for a layer."""

    @property
    def publication(self) -> Mapping[str, Any] | None:
        """What the export says of what was hidden, where it is published."""
        figures = self.manifest.get("publication")
        return figures if isinstance(figures, dict) else None


def read_export(path: str | Path) -> Exported:
    """Return the cells of an export in any format, or of one polygon layer with codes.

    Parameters
    ----------
    path
        A folder with ``export.json``; or ``FILE`` or ``FILE#LAYER``, whose cells are leaves.

    Raises
    ------
    InputError
        No export and no layer with ``code`` and ``households``; files that cannot be read.
    """
    recover_folder(path)
    folder = Path(path)
    if not folder.is_dir():
        layer = _layer(str(path), "publication")
        return Exported(label=folder.name, levels={"leaves": layer}, pairs=None, manifest={})
    manifest = read_manifest(folder)
    kind = str(manifest.get("format"))
    levels: dict[str, pd.DataFrame]
    names = [str(file["path"]) for file in manifest["files"]]
    if missing := [name for name in names if not (folder / name).is_file()]:
        raise InputError(Message("error.export_file_missing", folder=folder, file=missing[0]))
    if kind == "h3":
        levels = {"leaves": _of_hexagons(folder)}
    elif kind == "pmtiles":
        levels = _of_tiles(folder / ARCHIVE)
    else:
        lang = str(manifest.get("language", LANGUAGES[0]))
        found = {level: _level(folder, kind, level, names, lang) for level in CELL_LAYERS}
        levels = {level: layer for level, layer in found.items() if layer is not None}
    if kind == "pmtiles" and len(levels) < len(CELL_LAYERS) - 1:
        raise InputError(Message("error.export_unreadable", file=folder / ARCHIVE))
    if not levels:
        raise InputError(Message("error.export_format_unknown", folder=folder, format=kind))
    pairs = folder / CROSSWALK
    return Exported(
        label=folder.name, levels=levels, pairs=_pairs(pairs) if pairs.is_file() else None,
        manifest=manifest,
    )  # fmt: skip


def _level(folder: Path, kind: str, level: str, names: list[str], lang: str) -> pd.DataFrame | None:
    """Return the rows of a level; ``None`` where it has none."""
    if kind == "geoparquet":
        files = [name for name in names if Path(name).name == f"{level}.parquet"]
        parts = [_layer(str(folder / name), level) for name in files]
        return pd.concat(parts, ignore_index=True) if parts else None
    if kind == "gpkg":
        place = f"{folder / PLAN_FILE}#{level}"
    elif kind == "xlsx":
        place = f"{folder / WORKBOOK}#{sheet_name(level, lang)}"
    elif kind in _SUFFIXES:
        place = str(folder / f"{level}{_SUFFIXES[kind]}")
    else:
        return None
    try:
        return _layer(place, level, column_keys(lang) if kind == "xlsx" else {})
    except InputError as error:
        # Plans that stop at level 3 have no micro cells.
        if level == "micro" and "holds no rows" in str(error):
            return None
        raise


def _layer(place: str, level: str, keys: Mapping[str, str] = MappingProxyType({})) -> pd.DataFrame:
    """Return a layer with our columns, whatever the format and the language call them."""
    source = open_input(place, level)
    short = {short: name for name, short in FIELDS.items()}
    frame = source.frame.rename(columns=short | dict(keys))
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
    for name in _COLUMNS:
        if name not in frame:
            continue
        column = frame[name]
        if name in _COUNTS:
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


def _of_tiles(file: Path) -> dict[str, pd.DataFrame]:
    """Return the figures of the cells in vector tiles, each once."""
    refuse_pointers(file)
    levels = {}
    for level in CELL_LAYERS:
        with offline():
            try:
                frame = read_layer(file, layer=level, CLIP="NO", read_geometry=False)
            except (RuntimeError, ValueError):
                continue
        known = [name for name in _COLUMNS if name in frame]
        if not len(frame) or "code" not in known:
            continue
        levels[level] = _typed(frame[known].drop_duplicates(ignore_index=True))
    return levels


def _of_hexagons(folder: Path) -> pd.DataFrame:
    """Return the leaves that a summary by hexagons tells of."""
    source = open_input(str(folder / "cells_hexagons.csv"), "hexagons")
    for name in ("code", "households"):
        if name not in source.frame:
            raise InputError(Message("error.export_no_column", label=source.label, column=name))
    shares = as_count(source.frame["households"], source, "households")
    groups = shares.groupby(as_text(source.frame["code"]))
    # Who sees a hidden share knows no total.
    return pd.DataFrame({
        "code": pd.array([str(code) for code, _ in groups], dtype="str"),
        "households": pd.array([part.sum(skipna=False) for _, part in groups], dtype="Int64"),
    })  # fmt: skip


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    out = frame.copy()
    for name in _COUNTS:
        if name == "estimated" and name not in out:
            continue
        out[name] = (
            pd.to_numeric(out[name]).astype("Int64") if name in out
            else pd.array([pd.NA] * len(out), dtype="Int64")
        )  # fmt: skip
    return out


def _pairs(file: Path) -> pd.DataFrame:
    source = open_input(str(file), "crosswalk")
    frame = source.frame
    if missing := {"a", "b", "households"} - set(frame.columns):
        raise InputError(Message("error.export_no_column", label=source.label, column=min(missing)))
    out = pd.DataFrame({name: as_text(frame[name]) for name in ("a", "b")})
    for name in ("households", "buildings"):
        if name in frame:
            out[name] = as_count(frame[name], source, name)
    return out
