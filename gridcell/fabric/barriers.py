"""Barriers: their classes, the borders that run on them, and the bridges over rivers."""

from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries, spread
from gridcell.schema import BARRIER_CLASSES, BARRIER_RANKS

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

ON_BARRIER_M: Final = 0.5
"""A border within this distance of a barrier runs on it."""

CLASSES: Final = tuple(BARRIER_CLASSES)
RIVER: Final = CLASSES.index("river")
PARCEL: Final = CLASSES.index("parcel")
_ROADS: Final = tuple(CLASSES.index(name) for name in ("arterial", "street", "path"))
"""What crosses a river on a bridge and lets people across."""
_AROUND_M: Final = 0.1
"""Radius of the ring about a crossing on which lines are told apart by their direction."""
_ALONG_M: Final = 0.001
"""A road this near to the river on that ring runs along it, to neither side."""


def barrier_classes(barriers: gpd.GeoDataFrame) -> Ints:
    """Return the index in `schema.BARRIER_CLASSES` of each barrier, from its kind and rank.

    Ranks are compared without case, surrounding blanks and the ``_link`` of slip roads; whole
    numbers may have decimals (``1.0``), as columns with gaps get them.
    """
    kind = barriers["kind"].astype("str")
    name = kind.where(kind != "road", "street")
    if "rank" in barriers:
        rank = barriers["rank"].astype("str").str.strip().str.lower()
        rank = rank.str.removesuffix("_link").str.removesuffix(".0")
        for of_kind, ranks in BARRIER_RANKS.items():
            known = {text: cls for cls, texts in ranks.items() for text in texts}
            name = name.where((kind != of_kind) | ~rank.isin(list(known)), rank.map(known))
    return pd.Index(CLASSES).get_indexer(pd.Index(name)).astype(np.int64)


def edge_classes(a: Floats, b: Floats, barriers: Geometries, classes: Ints) -> Ints:
    """Return for each edge 0, or 1 + the class of the strongest barrier on which it runs.

    Parameters
    ----------
    a, b
        (edges, 2) its ends.
    barriers
        Lines.
    classes
        (barriers,) their classes.
    """
    if not len(barriers):
        return np.zeros(len(a), dtype=np.int64)
    by_strength = np.argsort(list(BARRIER_CLASSES.values()), kind="stable")
    level = np.argsort(by_strength) + 1
    lines = shapely.segmentize(barriers, 100.0)
    xy, line = shapely.get_coordinates(lines, return_index=True)
    same = line[1:] == line[:-1]
    segments = shapely.linestrings(np.stack([xy[:-1], xy[1:]], axis=1)[same])
    level_of_segment = level[classes][line[:-1][same]]
    tree = shapely.STRtree(segments)
    # Both ends of the middle half near the barrier: an edge that only crosses it does not count.
    near = []
    for share in (0.25, 0.75):
        point = shapely.points(a + (b - a) * share)
        edge, segment = tree.query(point, predicate="dwithin", distance=ON_BARRIER_M)
        best = np.zeros(len(a), dtype=np.int64)
        np.maximum.at(best, edge, level_of_segment[segment])
        near.append(best)
    return np.append(0, by_strength + 1)[np.minimum(*near)]


def bridges(barriers: Geometries, classes: Ints) -> Floats:
    """Return the points at which roads cross the lines of rivers.

    A road crosses where it leads away on both sides of the river, be it one line or several that
    meet there; a road that only reaches the river or runs along it does not.

    Parameters
    ----------
    barriers
        Lines.
    classes
        (barriers,) their classes.

    Returns
    -------
    (bridges, 2) coordinates.
    """
    rivers, roads = barriers[classes == RIVER], barriers[np.isin(classes, _ROADS)]
    tree = shapely.STRtree(rivers)
    road, river = tree.query(roads, predicate="intersects")
    if not len(road):
        return np.empty((0, 2))
    met = shapely.get_parts(shapely.intersection(roads[road], rivers[river]))
    # A common stretch begins and ends in points.
    stretch = shapely.get_dimensions(met) == 1
    ends = np.concatenate([shapely.get_point(met[stretch], i) for i in (0, -1)])
    xy = shapely.get_coordinates(np.concatenate([met[~stretch], ends]))
    xy = np.unique(xy, axis=0)
    points: Geometries = np.asarray(shapely.points(xy))

    def around(lines: Geometries) -> tuple[Ints, Floats]:
        """Return where lines lead away from a point: the point and coordinates on its ring."""
        point, line = shapely.STRtree(lines).query(points, "dwithin", distance=_AROUND_M)
        ring = shapely.boundary(shapely.buffer(points[point], _AROUND_M))
        hit, of_hit = shapely.get_coordinates(
            shapely.intersection(ring, lines[line]), return_index=True
        )
        return point[of_hit], hit

    def turned(at: Ints, hit: Floats) -> Floats:
        """Return a key that grows with the point, then with the direction from it."""
        key: Floats = at * 10.0 + np.arctan2(*(hit - xy[at]).T[::-1])
        return key

    at_river, hit = around(rivers)
    river_key = np.sort(turned(at_river, hit))
    at_road, hit = around(roads)
    along = np.unique(tree.query(shapely.points(hit), "dwithin", distance=_ALONG_M)[0])
    at_road, hit = np.delete(at_road, along), np.delete(hit, along, axis=0)
    # Each road lies in one of the sectors between the directions of the river.
    sectors = np.bincount(at_river, minlength=len(xy))
    first = np.cumsum(sectors) - sectors
    sector = np.searchsorted(river_key, turned(at_road, hit)) - first[at_road]
    sector %= np.maximum(sectors[at_road], 1)
    low = np.full(len(xy), np.iinfo(np.int64).max)
    high = np.full(len(xy), -1, dtype=np.int64)
    np.minimum.at(low, at_road, sector)
    np.maximum.at(high, at_road, sector)
    return xy[high > low]


def open_arcs(
    xy: Floats, start: Ints, vertex: Ints, barrier: Ints, bridge: Floats
) -> NDArray[np.bool_]:
    """Return which arcs people get across: all but those on rivers that no bridge touches.

    Parameters
    ----------
    xy, start, vertex
        Arcs as `Fabric` holds them.
    barrier
        (arcs,) as `Fabric.arc_barrier`.
    bridge
        (bridges, 2) where roads cross rivers.
    """
    out: NDArray[np.bool_] = barrier != RIVER + 1
    closed = np.flatnonzero(~out)
    if len(closed) and len(bridge):
        owner, place = spread(np.diff(start)[closed])
        lines = shapely.linestrings(xy[vertex[start[closed][owner] + place]], indices=owner)
        touched = shapely.STRtree(lines).query(
            shapely.points(bridge), "dwithin", distance=ON_BARRIER_M
        )[1]
        out[closed[touched]] = True
    return out
