"""Whether buildings would fit much better if shifted by the offset of GCJ-02 or BD-09."""

from collections.abc import Callable
from typing import Final

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from gridcell.model import Finding
from gridcell.read.crs import move_points
from gridcell.read.datum import bd09_to_gcj02, gcj02_to_bd09, gcj02_to_wgs84, wgs84_to_gcj02
from gridcell.words.messages import Message

_WGS84: Final = pyproj.CRS.from_epsg(4326)
_MOST: Final = 4000
"""Buildings looked at: every k-th."""
_LEAST: Final = 40
_BETTER: Final = 0.5
"""What may remain of the misfits for a shift to be believed."""
_SIGMAS: Final = 4.0

_Shift = Callable[[NDArray[np.float64]], NDArray[np.float64]]

_SHIFTS: Final[tuple[tuple[str, str, _Shift], ...]] = (
    ("gcj02", "wgs84", gcj02_to_wgs84),
    ("wgs84", "gcj02", wgs84_to_gcj02),
    ("bd09", "wgs84", lambda xy: gcj02_to_wgs84(bd09_to_gcj02(xy))),
    ("wgs84", "bd09", lambda xy: gcj02_to_bd09(wgs84_to_gcj02(xy))),
    ("bd09", "gcj02", bd09_to_gcj02),
    ("gcj02", "bd09", gcj02_to_bd09),
)
"""Datum of the buildings, datum of the boundaries, and what brings the former to the latter."""


def find_offset(
    buildings: gpd.GeoDataFrame,
    communities: gpd.GeoDataFrame,
    barriers: gpd.GeoDataFrame | None,
    crs: pyproj.CRS,
) -> list[Finding]:
    """Return a warning where the buildings look shifted by a Chinese datum, else nothing.

    A building misfits where it is outside every community or a boundary or barrier runs through it.
    A shift is believed if it leaves at most half of the misfits and the difference is four times
    its standard error, which neither well placed nor merely careless data show.

    Parameters
    ----------
    buildings, communities, barriers
        Polygons, polygons, lines, all in `crs`.
    crs
        The work CRS, metres.
    """
    step = max(1, len(buildings) // _MOST)
    footprints = np.asarray(buildings.geometry.array, dtype=object)[::step]
    if len(footprints) < _LEAST:
        return []
    middle = np.mean(shapely.total_bounds(footprints).reshape(2, 2), axis=0, keepdims=True)
    lonlat = move_points(middle, crs, _WGS84)
    areas = np.asarray(communities.geometry.array, dtype=object)
    lines = [shapely.boundary(areas)]
    if barriers is not None:
        lines.append(np.asarray(barriers.geometry.array, dtype=object))
    inside = shapely.STRtree(areas)
    # Segments, not whole lines: a tree over long lines tells little.
    across = shapely.STRtree(_segments(np.concatenate(lines)))
    now = _misfits(footprints, np.zeros(2), inside, across)
    if now <= _SIGMAS * np.sqrt(now * (1 - now) / len(footprints)):
        # Not even a shift that leaves no misfit would be believed.
        return []
    best: tuple[float, str, str, float] | None = None
    for datum, target, shift in _SHIFTS:
        delta = (move_points(shift(lonlat), _WGS84, crs) - middle)[0]
        distance = float(np.hypot(*delta))
        if distance < 1.0:
            continue
        then = _misfits(footprints, delta, inside, across)
        spread = np.sqrt((now * (1 - now) + then * (1 - then)) / len(footprints))
        if (
            then <= _BETTER * now
            and now - then > _SIGMAS * spread
            and (best is None or then < best[0])
        ):
            best = (then, datum, target, distance)
    if best is None:
        return []
    then, datum, target, distance = best
    layers = ["communities"] + (["barriers"] if barriers is not None else [])
    option = ",".join([f"buildings={datum}"] + [f"{name}={target}" for name in layers])
    return [
        Finding(
            kind="datum_offset", severity="warning", measure=round(distance, 1),
            text=Message(
                "finding.datum_offset", distance=distance, now=now, then=then, datum=datum,
                target=target, option=option,
            ),
            place=shapely.Point(*middle[0]),
        )
    ]  # fmt: skip


def _segments(lines: NDArray[np.object_]) -> NDArray[np.object_]:
    xy, owner = shapely.get_coordinates(shapely.get_parts(lines), return_index=True)
    same = owner[1:] == owner[:-1]
    return np.asarray(
        shapely.linestrings(np.stack([xy[:-1][same], xy[1:][same]], axis=1)), dtype=object
    )


def _misfits(
    footprints: NDArray[np.object_], delta: NDArray[np.float64],
    inside: shapely.STRtree, across: shapely.STRtree,
) -> float:  # fmt: skip
    """Return the share of the footprints, shifted, that are outside or crossed by a line."""
    moved = shapely.transform(footprints, lambda xy: xy + delta)
    good = np.zeros(len(moved), dtype=bool)
    good[inside.query(moved, predicate="within")[0]] = True
    good[across.query(moved, predicate="crosses")[0]] = False
    return 1.0 - float(good.mean())
