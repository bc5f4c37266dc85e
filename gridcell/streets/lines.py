"""Barriers -> the lines that people walk along, noded, and those that they do not cross."""

from dataclasses import dataclass
from typing import Final

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree
from scipy.spatial import Delaunay

from gridcell.arrays import Geometries, number_points, run_starts
from gridcell.fabric.barriers import PARCEL, RIVER, barrier_classes
from gridcell.fabric.linework import GRID_M
from gridcell.schema import MOTORWAYS

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

SNAP_M: Final = 2.0
"""An end of a street this near to another one is joined to it: it was drawn too short."""
_PIECE_M: Final = 50.0
"""Longest piece of a blocking line: short ones are told apart faster."""
_STEP_M: Final = 25.0
"""Streets that do not meet are linked from such points along them."""
_TOUCH_M: Final = 1e-3
"""What comes this near to a line with its end does not cross it."""
_OVER: Final = 1e7
"""A link over a wall or a railway is worse than any other, metres."""


@dataclass(frozen=True, eq=False, slots=True)
class Blocking:
    """Lines that nobody crosses but along a street."""

    tree: shapely.STRtree
    river: Bools
    """(pieces,) whether a piece is of a river; the others are railways, walls and motorways."""

    @classmethod
    def of(cls, lines: Geometries, river: Bools) -> "Blocking":
        """Return (n,) lines to be asked for."""
        xy, row = shapely.get_coordinates(shapely.segmentize(lines, _PIECE_M), return_index=True)
        same = row[1:] == row[:-1]
        pieces = shapely.linestrings(np.stack([xy[:-1], xy[1:]], axis=1)[same])
        return cls(shapely.STRtree(pieces), np.asarray(river[row[:-1][same]], dtype=bool))

    def crossed(self, start: Floats, stop: Floats) -> Ints:
        """Return what straight lines cross: 0 nothing, 1 walls or railways, 2 a river.

        Parameters
        ----------
        start, stop
            (n, 2) their ends, which may lie on a line.
        """
        out = np.zeros(len(start), dtype=np.int64)
        way = stop - start
        length = np.hypot(*way.T)
        long = np.flatnonzero(length > 2 * _TOUCH_M)
        if not len(long) or not len(self.river):
            return out
        short = way[long] * (_TOUCH_M / length[long])[:, None]
        ends = np.stack([start[long] + short, stop[long] - short], axis=1)
        line, piece = self.tree.query(shapely.linestrings(ends), predicate="intersects")
        np.maximum.at(out, long[line], 1 + self.river[piece])
        return out


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class StreetLines:
    """Streets between junctions."""

    lines: Geometries
    """(streets,) LineStrings that meet only at their ends, in the order of their coordinates."""
    blocking: Blocking
    linked: int
    """Straight links that were laid between parts that do not meet."""
    linked_m: float
    """Length of the longest."""
    parts: int
    """Parts of the network between which there is no way."""


def street_lines(barriers: gpd.GeoDataFrame) -> StreetLines:
    """Return the streets among the barriers, noded, and what nobody crosses.

    A street that crosses a river, a railway or a wall does so by a bridge, a crossing or a gate.
    Parts that do not meet are linked by short straight lines that cross no river, and no wall or
    railway where there is another way.
    """
    shapes = np.asarray(barriers.geometry.array, dtype=object)
    kind = barriers["kind"].astype("str").to_numpy()
    rank = barriers["rank"].astype("str").str.strip().str.lower().str.removesuffix("_link")
    fast = (kind == "road") & rank.isin(MOTORWAYS).to_numpy()
    classes = barrier_classes(barriers)
    river = classes == RIVER
    closed = river | fast | (kind == "rail") | ((kind == "wall") & (classes != PARCEL))
    blocking = Blocking.of(shapes[closed], river[closed])
    lines = _noded(shapes[(kind == "road") & ~fast])
    if not len(lines):
        return StreetLines(lines=lines, blocking=blocking, linked=0, linked_m=0.0, parts=0)
    if len(stubs := _stubs(lines, blocking)):
        lines = _noded(np.concatenate([lines, stubs]))
    links = _links(lines, blocking)
    if len(links):
        lines = _noded(np.concatenate([lines, links]))
    return StreetLines(
        lines=lines, blocking=blocking, linked=len(links),
        linked_m=float(shapely.length(links).max(initial=0.0)),
        parts=int(_parts(lines)[0]),
    )  # fmt: skip


def _noded(lines: Geometries) -> Geometries:
    """Return the pieces between junctions, whatever order and direction the lines had."""
    if not len(lines):
        return np.empty(0, dtype=object)
    whole = shapely.line_merge(shapely.union_all(lines, grid_size=GRID_M))
    pieces = np.asarray(shapely.get_parts(whole), dtype=object)
    pieces = pieces[shapely.length(pieces) > 0]
    if not len(pieces):
        return pieces
    pieces = np.asarray(shapely.normalize(pieces), dtype=object)
    xy, row = shapely.get_coordinates(pieces, return_index=True)
    first = run_starts(row)
    key = np.column_stack([xy[first], xy[np.append(first[1:], len(xy)) - 1], xy[first + 1]])
    return pieces[np.lexsort((shapely.length(pieces), *key.T[::-1]))]


def ends_of(lines: Geometries) -> tuple[Ints, Ints, Floats]:
    """Return the node at the start and at the stop of each line, and the coordinates of nodes."""
    ends = np.concatenate([shapely.get_coordinates(shapely.get_point(lines, i)) for i in (0, -1)])
    number, nodes = number_points(ends)
    xy = np.empty((nodes, 2))
    xy[number] = ends
    return number[: len(lines)], number[len(lines) :], xy


def _parts(lines: Geometries) -> tuple[int, Ints]:
    """Return the number of connected parts, and that of each line."""
    tail, head, xy = ends_of(lines)
    links = coo_array((np.ones(len(tail), dtype=np.int8), (tail, head)), shape=(len(xy),) * 2)
    parts, part = connected_components(links, directed=False)
    return int(parts), part[tail].astype(np.int64)


def _stubs(lines: Geometries, blocking: Blocking) -> Geometries:
    """Return what ends that were drawn too short lack to the next street."""
    tail, head, xy = ends_of(lines)
    degree = np.bincount(np.concatenate([tail, head]), minlength=len(xy))
    loose = np.flatnonzero(degree == 1)
    own = np.full(len(xy), -1, dtype=np.int64)
    own[tail] = own[head] = np.arange(len(tail))
    points = np.asarray(shapely.points(xy[loose]), dtype=object)
    point, line = shapely.STRtree(lines).query(points, predicate="dwithin", distance=SNAP_M)
    other = line != own[loose[point]]
    point, line = point[other], line[other]
    way = shapely.get_coordinates(shapely.shortest_line(points[point], lines[line])).reshape(
        -1, 2, 2
    )
    length = np.hypot(*(way[:, 1] - way[:, 0]).T)
    free = (length > 0) & (blocking.crossed(way[:, 0], way[:, 1]) == 0)
    point, way, length = point[free], way[free], length[free]
    order = np.lexsort((way[:, 1, 1], way[:, 1, 0], np.round(length, 6), point))
    best = order[run_starts(point[order])]
    return np.asarray(shapely.linestrings(way[best]), dtype=object)


def _links(lines: Geometries, blocking: Blocking) -> Geometries:
    """Return straight lines that link the parts of the network, as short as neighbours allow."""
    parts, part = _parts(lines)
    if parts < 2:
        return np.empty(0, dtype=object)
    xy, line = shapely.get_coordinates(shapely.segmentize(lines, _STEP_M), return_index=True)
    number, n = number_points(xy)
    points, part_of = np.empty((n, 2)), np.empty(n, dtype=np.int64)
    points[number], part_of[number] = xy, part[line]
    a, b = _neighbours(points)
    apart = part_of[a] != part_of[b]
    a, b = a[apart], b[apart]
    over = blocking.crossed(points[a], points[b])
    a, b, over = a[over < 2], b[over < 2], over[over < 2]
    if not len(a):
        return np.empty(0, dtype=object)
    metres = np.hypot(*(points[a] - points[b]).T)
    cost = metres + _OVER * over
    low = np.minimum(part_of[a], part_of[b])
    high = np.maximum(part_of[a], part_of[b])
    order = np.lexsort((a, np.round(cost, 6), high, low))
    first = order[run_starts((low * parts + high)[order])]
    weights = coo_array((cost[first], (low[first], high[first])), shape=(parts, parts))
    tree = minimum_spanning_tree(weights.tocsr()).tocoo()
    chosen = np.isin(low[first] * parts + high[first], tree.row.astype(np.int64) * parts + tree.col)
    ends = np.stack([points[a[first[chosen]]], points[b[first[chosen]]]], axis=1)
    return np.asarray(shapely.linestrings(ends), dtype=object)


def _neighbours(points: Floats) -> tuple[Ints, Ints]:
    """Return pairs of points that a triangulation joins: the shortest ways between parts do so.

    The shortest tree over points has only edges of their Delaunay triangulation.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    far = (high - low).max() + 1000.0
    # Beyond four far corners points on one line are triangulated, too.
    corners = np.array([[-1, -1], [1, -1], [-1, 1], [1, 1]]) * far
    middle = (low + high) / 2
    corner = Delaunay(np.concatenate([points - middle, corners])).simplices.astype(np.int64)
    pairs = np.sort(np.concatenate([corner[:, [0, 1]], corner[:, [1, 2]], corner[:, [0, 2]]]))
    pairs = pairs[pairs[:, 1] < len(points)]
    key = np.sort(pairs[:, 0] * len(points) + pairs[:, 1])
    key = key[run_starts(key)]
    return key // len(points), key % len(points)
