"""Cells as vector tiles in one PMTiles archive: a layer a level, each from the zoom it is for."""

import gzip
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely import GeometryType

from gridcell.arrays import Geometries
from gridcell.errors import InputError, ProofError, WriteError
from gridcell.extras import needs
from gridcell.formats.layers import COUNTS, READ_COLUMNS, CellLevels, Manifest
from gridcell.formats.mvt import EXTENT, Ints, Value, encode_layer
from gridcell.formats.ogr import read_layer
from gridcell.formats.source import CellSource, Written
from gridcell.read.offline import offline, refuse_pointers
from gridcell.schema import CELL_LAYERS
from gridcell.words.messages import Message

ARCHIVE: Final = "cells.pmtiles"
MAX_ZOOM: Final = 15
MIN_ZOOM: Final = {"large": 6, "medium": 8, "small": 11, "micro": 13, "leaves": 13}
"""Zoom from which each level is drawn."""

_WORLD_M: Final = 40_075_016.68557849
STEP_M: Final = _WORLD_M / 2**MAX_ZOOM / EXTENT
"""Lattice of the deepest tiles, in metres of EPSG:3857."""
_BUFFER: Final = 80
"""Lattice steps that a tile reaches into its neighbours, so that no seam is drawn."""


def as_tiles(source: CellSource, folder: Path) -> Written:
    """Write ``cells.pmtiles``, and prove that every cell is in the deepest tiles, with its figures.

    Raises
    ------
    ProofError
        A cell is missing, has other figures, or another size than the lattice explains.
    InputError
        No ``gridcell[tiles]``.
    """
    with needs("pmtiles", extra="tiles"):
        import pmtiles.writer  # noqa: F401  before the work
    file = folder / ARCHIVE
    tiles: dict[tuple[int, int, int], list[bytes]] = {}
    layers: list[Any] = []
    levels = {level: frame for level, frame in source.levels.items() if len(frame)}
    for level, frame in levels.items():
        columns = [str(name) for name in frame.columns.drop(frame.active_geometry_name)]
        rows = _rows(frame[columns])
        flat = np.asarray(frame.to_crs(3857).geometry, dtype=object)
        for zoom in range(MIN_ZOOM[level], MAX_ZOOM + 1):
            for place, cells, shapes in _cut(flat, zoom):
                origin = np.array(place) * EXTENT
                chosen = [rows[cell] for cell in cells.tolist()]
                tile = encode_layer(level, shapes, origin, columns, chosen)
                # A tile is a list of layers: lists one behind the other are one list.
                tiles.setdefault((zoom, *place), []).append(tile)
        layers.append({
            "id": level, "description": "", "minzoom": MIN_ZOOM[level], "maxzoom": MAX_ZOOM,
            "fields": {
                name: "Number" if pd.api.types.is_numeric_dtype(frame[name].dtype) else "String"
                for name in columns
            },
        })  # fmt: skip
    if not tiles:
        raise WriteError(Message("error.tiles_no_cells"))
    metadata = {
        "name": "gridcell plan", "format": "pbf", "type": "overlay",
        "households": "estimated" if source.estimated else "counted", "vector_layers": layers,
        **({} if source.note is None else {"description": source.note}),
    }  # fmt: skip
    _write_archive(file, tiles, levels["large"], metadata)
    return Written(
        rows={file: sum(map(len, levels.values()))},
        notes=(Message("export.tiles", step=STEP_M * _ground_scale(levels["large"])),),
        proof={**_prove(file, levels), "lattice_m": round(STEP_M, 4)},
    )


def read_tiles(folder: Path, _manifest: Manifest) -> CellLevels:
    """Return the figures of the cells in ``cells.pmtiles``, each once.

    Raises
    ------
    InputError
        An archive without the levels of a plan.
    """
    file = folder / ARCHIVE
    refuse_pointers(file)
    levels = {}
    for level in CELL_LAYERS:
        with offline():
            try:
                frame = read_layer(file, layer=level, CLIP="NO", read_geometry=False)
            except (RuntimeError, ValueError):
                continue
        known = [name for name in READ_COLUMNS if name in frame]
        if not len(frame) or "code" not in known:
            continue
        levels[level] = _typed(frame[known].drop_duplicates(ignore_index=True))
    if len(levels) < len(CELL_LAYERS) - 1:
        raise InputError(Message("error.export_unreadable", file=file))
    return levels


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    out = frame.copy()
    for name in COUNTS:
        if name == "estimated" and name not in out:
            continue
        out[name] = (
            pd.to_numeric(out[name]).astype("Int64") if name in out
            else pd.array([pd.NA] * len(out), dtype="Int64")
        )  # fmt: skip
    return out


def _rows(frame: pd.DataFrame) -> list[tuple[Value | None, ...]]:
    columns = [
        [None if gone else value for value, gone in zip(column.tolist(), missing, strict=True)]
        for column, missing in ((frame[name], frame[name].isna()) for name in frame)
    ]
    return list(zip(*columns, strict=True))


def _cut(flat: Geometries, zoom: int) -> Iterator[tuple[tuple[int, int], Ints, Geometries]]:
    """Yield column and row of each tile with the cells in it, on its lattice, y downwards."""
    scale = 2**zoom * EXTENT / _WORLD_M
    half = _WORLD_M / 2
    drawn = shapely.transform(flat, lambda xy: (xy * (1, -1) + half) * scale)
    # Valid again on the lattice; what is smaller than it becomes empty.
    drawn = np.asarray(shapely.set_precision(drawn, 1.0), dtype=object)
    left, top, right, bottom = _tile_range(shapely.bounds(drawn))
    wide, high = right - left + 1, bottom - top + 1
    cell = np.repeat(np.arange(len(drawn)), wide * high)
    number = np.arange(len(cell)) - np.repeat(np.cumsum(wide * high) - wide * high, wide * high)
    x, y = left[cell] + number % wide[cell], top[cell] + number // wide[cell]
    box = shapely.box(
        x * EXTENT - _BUFFER, y * EXTENT - _BUFFER,
        (x + 1) * EXTENT + _BUFFER, (y + 1) * EXTENT + _BUFFER,
    )  # fmt: skip
    shapes = drawn[cell]
    whole = (wide * high)[cell] == 1
    whole[whole] = shapely.covers(box[whole], shapes[whole])
    shapes[~whole] = shapely.intersection(shapes[~whole], box[~whole], grid_size=1.0)
    shapes = _areas(shapes)
    there = np.flatnonzero(~shapely.is_missing(shapes))
    there = there[np.lexsort((cell[there], y[there], x[there]))]
    new = np.flatnonzero(np.diff(x[there], prepend=-1) | np.diff(y[there], prepend=-1))
    for rows in np.split(there, new[1:]):
        if len(rows):
            yield (int(x[rows[0]]), int(y[rows[0]])), cell[rows], shapes[rows]


def _tile_range(bounds: NDArray[np.float64]) -> tuple[Ints, Ints, Ints, Ints]:
    """Return the first and last column and row of tiles; nothing is in none."""
    empty = np.isnan(bounds[:, 0])
    known = np.where(empty[:, None], 0.0, bounds)
    first = np.floor((known[:, :2] - _BUFFER) / EXTENT).astype(np.int64)
    last = np.floor((known[:, 2:] + _BUFFER) / EXTENT).astype(np.int64)
    last[empty] = first[empty] - 1
    return first[:, 0], first[:, 1], last[:, 0], last[:, 1]


def _areas(shapes: Geometries) -> Geometries:
    """Return the polygons in each geometry, without what has no area; ``None`` for none."""
    parts, of = shapely.get_parts(shapes, return_index=True)
    area = shapely.get_type_id(parts) == GeometryType.POLYGON
    area &= ~shapely.is_empty(parts)
    out = np.full(len(shapes), None, dtype=object)
    if area.any():
        shapely.multipolygons(parts[area], indices=of[area], out=out)
    return out


def _write_archive(
    file: Path,
    tiles: Mapping[tuple[int, int, int], list[bytes]],
    land: gpd.GeoDataFrame,
    metadata: dict[str, Any],
) -> None:
    from pmtiles.tile import Compression, TileType, zxy_to_tileid
    from pmtiles.writer import Writer

    west, south, east, north = land.to_crs(4326).total_bounds.tolist()
    header = {
        "tile_type": TileType.MVT,
        "tile_compression": Compression.GZIP,
        "min_lon_e7": int(west * 1e7), "min_lat_e7": int(south * 1e7),
        "max_lon_e7": int(east * 1e7), "max_lat_e7": int(north * 1e7),
        "center_zoom": MIN_ZOOM["small"],
        "center_lon_e7": int((west + east) / 2 * 1e7),
        "center_lat_e7": int((south + north) / 2 * 1e7),
    }  # fmt: skip
    with file.open("wb") as stream:
        writer: Any = Writer(stream)  # type: ignore[no-untyped-call]
        for number, place in sorted((zxy_to_tileid(*place), place) for place in tiles):
            writer.write_tile(number, gzip.compress(b"".join(tiles[place]), mtime=0))
        writer.finalize(header, metadata)


def _prove(file: Path, levels: Mapping[str, gpd.GeoDataFrame]) -> dict[str, Any]:
    """Return how well the cells of the deepest tiles, put together again, are those of the plan."""
    worst, shares = 0.0, {}
    for level, frame in levels.items():
        # GDAL loses parts of polygons where it clips tiles to their edges.
        back = read_layer(file, layer=level, CLIP="NO")
        flat = frame.to_crs(3857)
        area = pd.Series(shapely.area(np.asarray(flat.geometry)), index=flat["code"])
        length = pd.Series(shapely.length(np.asarray(flat.geometry)), index=flat["code"])
        drawn = _areas_of(back)
        lost = area.index.difference(drawn.index)
        # A cell thinner than the lattice leaves no polygon.
        lost = lost[area[lost].to_numpy() > STEP_M * length[lost].to_numpy()]
        if len(lost) or len(drawn.index.difference(area.index)):
            raise ProofError(Message("error.bug_tiles_lost", level=level, number=len(lost)))
        off = (drawn - area.loc[drawn.index]).abs() / (length.loc[drawn.index] * STEP_M)
        if (off > 1).any():
            raise ProofError(Message("error.tiles_size_differs", level=level, code=off.idxmax()))
        _require_figures(level, frame, back)
        worst = max(worst, float(off.max()))
        shares[level] = len(drawn)
    return {"cells": shares, "worst_area_error_in_lattice_widths": round(worst, 3), "holds": True}


def _areas_of(back: gpd.GeoDataFrame) -> "pd.Series[float]":
    """Return the area of each cell, whose pieces in neighbouring tiles overlap."""
    several = back["code"].duplicated(keep=False)
    whole = back[~several].set_index("code").geometry.area
    pieces = back.loc[several, ["code", "geometry"]].dissolve("code").geometry.area
    areas: pd.Series[float] = pd.concat([whole, pieces])
    return areas


def _require_figures(level: str, frame: gpd.GeoDataFrame, back: gpd.GeoDataFrame) -> None:
    known = frame.set_index("code")
    for name in known.columns.drop(["geometry", "area_m2", "compactness"]):
        here = known[name].loc[back["code"]].reset_index(drop=True)
        if name not in back and here.isna().all():
            continue
        there = back[name]
        if pd.api.types.is_numeric_dtype(here.dtype):
            here, there = here.astype("float64"), there.astype("float64")
        if not ((here == there) | (here.isna() & there.isna())).all():
            raise ProofError(Message("error.bug_tiles_value", level=level, column=name))


def _ground_scale(land: gpd.GeoDataFrame) -> float:
    """Return metres on the ground for a metre of EPSG:3857."""
    _, south, _, north = land.to_crs(4326).total_bounds
    return float(np.cos(np.radians((south + north) / 2)))
