"""Places joined to the street in front of them."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries, run_starts
from gridcell.streets.lines import Blocking

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_PIECE_M: Final = 50.0
"""Longest piece of a street that is looked at as a whole."""
_FARTHER: Final = 2.0
"""By how much the search for another street widens each time."""
_DIRECT_M: Final = 100.0
"""People go straight to a place this near that is nearer than the street."""
_FARTHEST_M: Final = 300.0
"""Where no street within this distance can be reached in a straight line, walls are no matter."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Joined:
    """Places, and where each meets its street."""

    xy: Floats
    """(n, 2) the places."""
    edge: Ints
    """(n,) street; -1 where none is reached without crossing a river, or there are none."""
    along_m: Floats
    """(n,) from the start of the street to where it is met."""
    access_m: Floats
    """(n,) straight from the place to its street; infinite where it reaches none."""
    foot: Floats
    """(n, 2) where the street is met; the place itself without one."""
    over: Bools
    """(n,) whether the straight line crosses a wall or a railway, for want of any other."""

    def __len__(self) -> int:
        return len(self.edge)

    @property
    def reached(self) -> Bools:
        """Which places are joined: those to which there is any way."""
        return np.isfinite(self.access_m)

    def beside(self, others: "Joined") -> "Joined":
        """Return these places, and others behind them."""
        names = ("xy", "edge", "along_m", "access_m", "foot", "over")
        parts = ((getattr(self, name), getattr(others, name)) for name in names)
        return Joined(**dict(zip(names, map(np.concatenate, parts), strict=True)))

    def take(self, rows: Ints | Bools) -> "Joined":
        """Return some of them."""
        return Joined(
            xy=self.xy[rows], edge=self.edge[rows], along_m=self.along_m[rows],
            access_m=self.access_m[rows], foot=self.foot[rows], over=self.over[rows],
        )  # fmt: skip


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Segments:
    """Straight pieces of streets, to be found from places."""

    a: Floats
    b: Floats
    """(pieces, 2) ends."""
    edge: Ints
    along_m: Floats
    """(pieces,) from the start of the street to `a`."""
    street_m: Floats
    """(streets,) length of each whole street."""
    tree: shapely.STRtree

    @classmethod
    def of(cls, lines: Geometries) -> "Segments":
        """Return the pieces of (n,) lines."""
        xy, row = shapely.get_coordinates(shapely.segmentize(lines, _PIECE_M), return_index=True)
        same = row[1:] == row[:-1]
        step = np.where(same, np.hypot(*(xy[1:] - xy[:-1]).T), 0.0)
        passed = np.concatenate([[0.0], np.cumsum(step)])[: len(xy)]
        passed -= np.repeat(passed[run_starts(row)], np.bincount(row))
        street_m = np.zeros(len(lines))
        np.maximum.at(street_m, row, passed)
        ends = np.stack([xy[:-1], xy[1:]], axis=1)[same]
        return cls(
            a=ends[:, 0], b=ends[:, 1], edge=row[:-1][same], along_m=passed[:-1][same],
            street_m=street_m,
            tree=shapely.STRtree(np.asarray(shapely.linestrings(ends), dtype=object)),
        )  # fmt: skip

    def foot(self, xy: Floats, piece: Ints) -> tuple[Floats, Floats, Floats]:
        """Return where pieces are nearest to points: share of the piece, place, metres to it."""
        way = self.b[piece] - self.a[piece]
        share = ((xy - self.a[piece]) * way).sum(axis=1) / np.maximum((way**2).sum(axis=1), 1e-18)
        share = np.clip(share, 0.0, 1.0)
        foot = self.a[piece] + share[:, None] * way
        return share, foot, np.hypot(*(foot - xy).T)


def join_places(xy: Floats, segments: Segments, blocking: Blocking) -> Joined:
    """Return (n, 2) places joined to the nearest street that a straight line reaches.

    The line crosses no river, railway, wall or motorway. Where each such line within 300 m does,
    the nearest one that crosses no river. Places with none are told apart (`Joined.reached`).
    """
    n = len(xy)
    piece = np.full(n, -1, dtype=np.int64)
    over = np.zeros(n, dtype=bool)
    if n:
        points = np.asarray(shapely.points(xy), dtype=object)
        point, near = segments.tree.query_nearest(points)
        order = np.lexsort((near, point))
        piece = near[order[run_starts(point[order])]].astype(np.int64)
        _, foot, metres = segments.foot(xy, piece)
        worst = blocking.crossed(xy, foot)
        rows = np.flatnonzero(worst)
        found = _search(points, xy, rows, metres[rows], segments, blocking)
        for allowed in (0, 1):
            better = (worst[rows] > allowed) & (found[allowed] >= 0)
            done = rows[better]
            piece[done], worst[done] = found[allowed][better], allowed
        over = worst == 1
        piece[worst > 1] = -1
    return _joined(xy, piece, over, segments)


def _search(
    points: Geometries, xy: Floats, rows: Ints, nearest: Floats, segments: Segments,
    blocking: Blocking,
) -> tuple[Ints, Ints]:  # fmt: skip
    """Return for some places the nearest pieces to which a line crosses nothing, or no river."""
    found = np.full((2, len(rows)), -1, dtype=np.int64)
    least = np.full((2, len(rows)), np.inf)
    before, radius = np.zeros(len(rows)), nearest * _FARTHER + 10.0
    left = np.arange(len(rows))
    while len(left):
        point, piece = segments.tree.query(
            points[rows[left]], predicate="dwithin", distance=radius[left]
        )
        at = left[point]
        _, foot, metres = segments.foot(xy[rows[at]], piece)
        # What is nearer was looked at before.
        new = metres > before[at]
        at, piece, foot, metres = at[new], piece[new], foot[new], metres[new]
        crossed = blocking.crossed(xy[rows[at]], foot)
        for allowed in (0, 1):
            free = np.flatnonzero(crossed <= allowed)
            free = free[np.lexsort((piece[free], np.round(metres[free], 6), at[free]))]
            best = free[run_starts(at[free])]
            best = best[metres[best] < least[allowed, at[best]]]
            found[allowed, at[best]], least[allowed, at[best]] = piece[best], metres[best]
        before[left] = radius[left]
        left = left[(found[0, left] < 0) & (radius[left] < _FARTHEST_M)]
        radius[left] = np.minimum(radius[left] * _FARTHER, _FARTHEST_M)
    return found[0], found[1]


def _joined(xy: Floats, piece: Ints, over: Bools, segments: Segments) -> Joined:
    reached = piece >= 0
    edge = np.full(len(xy), -1, dtype=np.int64)
    along, access = np.zeros(len(xy)), np.full(len(xy), np.inf)
    foot = xy.copy()
    of = piece[reached]
    share, foot[reached], access[reached] = segments.foot(xy[reached], of)
    edge[reached] = segments.edge[of]
    length = np.hypot(*(segments.b[of] - segments.a[of]).T)
    along[reached] = np.minimum(
        segments.along_m[of] + share * length, segments.street_m[segments.edge[of]]
    )
    return Joined(xy=xy, edge=edge, along_m=along, access_m=access, foot=foot, over=over & reached)


def straight_ways(places: Joined, a: Ints, b: Ints, blocking: Blocking) -> Floats:
    """Return the metres straight between rows `a` and `b` of places, infinite where nobody goes so.

    People go straight where that is shorter than to the street and back, up to 100 m, across no
    river, railway, wall or motorway: as between houses in one yard.
    """
    metres = np.hypot(*(places.xy[a] - places.xy[b]).T)
    out = np.full(len(a), np.inf)
    near = np.flatnonzero(
        (metres <= _DIRECT_M) & (metres < places.access_m[a] + places.access_m[b])
        & places.reached[a] & places.reached[b]
    )  # fmt: skip
    free = near[blocking.crossed(places.xy[a[near]], places.xy[b[near]]) == 0]
    out[free] = metres[free]
    return out


def straight_pairs(
    origins: Joined, destinations: Joined, blocking: Blocking
) -> tuple[Ints, Ints, Floats]:
    """Return the pairs between which people go straight, as `straight_ways`: rows and metres."""
    rows, columns = np.flatnonzero(origins.reached), np.flatnonzero(destinations.reached)
    if not len(rows) or not len(columns):
        return rows[:0], columns[:0], np.empty(0)
    reach = np.minimum(origins.access_m[rows] + destinations.access_m[columns].max(), _DIRECT_M)
    tree = shapely.STRtree(np.asarray(shapely.points(destinations.xy[columns]), dtype=object))
    a, b = tree.query(shapely.points(origins.xy[rows]), predicate="dwithin", distance=reach)
    a, b = rows[a], columns[b]
    both = origins.take(a).beside(destinations.take(b))
    half = np.arange(len(a))
    metres = straight_ways(both, half, len(a) + half, blocking)
    there = np.isfinite(metres)
    return a[there], b[there], metres[there]
