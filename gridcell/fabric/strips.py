"""Long strips of land, cut across where streets arrive at them and no building is near.

Between a road and a river, or two carriageways, lies land that is hundreds of metres long. As one
atom it hangs on a single cell; cut where the streets beside it end, every cell gets what lies in
front of it.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries, number_points

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_SLENDER: Final = 9.0
"""Half the outline of a strip is at least so many times its mean width: one seven times as long as
wide."""
_NARROW_M: Final = 80.0
"""Its mean width is at most that: wider land is divided by what lies on it."""
_LEAST_M: Final = 50.0
"""No piece of a strip is shorter."""
_WIDEST: Final = 2.5
"""A cut is at most so many times as long as the strip is wide in the mean."""
_NEAR_M: Final = 1.0
"""A cut ends at a vertex that is so near to where it would end."""
_CLEAR_M: Final = 10.0
"""No cut is nearer to a footprint: between buildings, their land meets halfway."""
_SQUARE: Final = 0.4
"""A cut meets both sides squarely: the cosine of its angle with them is at most that."""
_SIDE_M: Final = 5.0
"""The direction of a side is taken over so much of it before and behind the cut."""
_ON_M: Final = 1e-6
"""What is so near to a line is on it."""
_ROUNDS: Final = 4
"""Cuts that are handed on from strip to strip: road, bank, river, bank."""


def cut_strips(
    streets: Geometries, blocks: Geometries, footprints: Geometries, sites: Geometries
) -> Geometries:
    """Return lines across long strips between streets, from where others arrive at them.

    Parameters
    ----------
    streets
        Noded lines (`gridcell.fabric.linework.street_lines`).
    blocks
        The faces between them.
    footprints, sites
        Polygons. Sites stay whole.

    Returns
    -------
    LineString of two points each. They end on streets, not always at a vertex of theirs.
    """
    strips = [_Strip.of(block) for block in blocks[_is_strip(blocks, sites)]]
    if not strips:
        return np.empty(0, dtype=object)
    tree = shapely.STRtree([strip.ring for strip in strips])
    prints = shapely.STRtree(footprints)
    cuts: list[Geometries] = []
    arrivals = _junctions(streets)
    for _ in range(_ROUNDS):
        point = shapely.points(arrivals)
        at, of = tree.query(point, predicate="dwithin", distance=_ON_M)
        order = np.lexsort((arrivals[at, 1], arrivals[at, 0], of))
        made = [
            line for row, n in zip(of[order].tolist(), at[order].tolist(), strict=True)
            if (line := strips[row].cut_from(arrivals[n], prints)) is not None
        ]  # fmt: skip
        if not made:
            break
        cuts.append(np.asarray(shapely.linestrings(np.array(made))))
        arrivals = np.array([line[1] for line in made])
    return np.concatenate([*cuts, np.empty(0, dtype=object)])


def _is_strip(blocks: Geometries, sites: Geometries) -> NDArray[np.bool_]:
    """Return which blocks are long and narrow, and no site."""
    half = shapely.length(blocks) / 2
    width = shapely.area(blocks) / half
    strip: NDArray[np.bool_] = (half >= _SLENDER * width) & (width <= _NARROW_M)
    strip &= half > _LEAST_M + _WIDEST * width
    rows = np.flatnonzero(strip)
    point = shapely.point_on_surface(blocks[rows])
    strip[rows[shapely.STRtree(sites).query(point, predicate="within")[0]]] = False
    return strip


def _junctions(streets: Geometries) -> Floats:
    """Return where at least three of the lines meet: (junctions, 2)."""
    ends = np.concatenate(
        [shapely.get_coordinates(shapely.get_point(streets, end)) for end in (0, -1)]
    )
    number, count = number_points(ends)
    xy = np.empty((count, 2))
    xy[number] = ends
    return xy[np.bincount(number, minlength=count) >= 3]


@dataclass(eq=False, slots=True)
class _Strip:
    """A strip, and where it has been cut."""

    face: shapely.Polygon
    width: float
    ring: shapely.LinearRing
    length: float
    xy: Floats
    """(vertices of the outer ring, 2) twice round."""
    step: Floats
    """Metres along it."""
    at: list[float]
    """Metres along the outer ring at which a cut begins or ends."""

    @classmethod
    def of(cls, face: shapely.Polygon) -> "_Strip":
        shapely.prepare(face)
        ring = face.exterior
        xy = shapely.get_coordinates(ring)
        twice = np.concatenate([xy[:-1], xy])
        step = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(twice, axis=0).T))])
        width = 2 * face.area / face.length
        return cls(face, width, ring, ring.length, twice, step, [])

    def cut_from(self, start: Floats, prints: shapely.STRtree) -> Floats | None:
        """Return the cut from a point on the outer ring straight to the other side, (2, 2)."""
        along = shapely.line_locate_point(self.ring, shapely.Point(start))
        stop = self._across(start, along) if self._is_free(along) else None
        if stop is None:
            return None
        line = np.array([start, stop])
        ends = [along]
        there = shapely.Point(stop)
        if shapely.distance(self.ring, there) <= _ON_M:
            ends.append(shapely.line_locate_point(self.ring, there))
        if not (self._is_free(ends[-1]) and all(self._is_square(line, end) for end in ends)):
            return None
        if len(prints.query(shapely.LineString(line), "dwithin", distance=_CLEAR_M)):
            return None
        self.at += ends
        return line

    def _across(self, start: Floats, along: float) -> Floats | None:
        """Return the nearest point on the other side, at a vertex where one is near."""
        beside = _LEAST_M + _WIDEST * self.width
        if 2 * beside >= self.length:
            return None
        rest = self._ring_between(along + beside, along + self.length - beside)
        others = [rest, *self.face.interiors]
        far = shapely.distance(others, shapely.Point(start))
        other = others[int(np.argmin(far))]
        reach = float(far.min())
        if not 0 < reach <= _WIDEST * self.width:
            return None
        foot = shapely.get_coordinates(shapely.shortest_line(shapely.Point(start), other))[1]
        corner = shapely.get_coordinates(other)
        nearest = int(np.argmin(np.hypot(*(corner - foot).T)))
        stop = corner[nearest] if np.hypot(*(corner[nearest] - foot)) <= _NEAR_M else foot
        inner = shapely.line_interpolate_point(shapely.LineString([start, stop]), [1e-3, -1e-3])
        inside = shapely.LineString(inner)
        return stop if self.face.contains_properly(inside) else None

    def _ring_between(self, first: float, last: float) -> shapely.LineString:
        """Return the outer ring from one distance along it to a later one, which may be beyond."""
        kept = self.xy[np.searchsorted(self.step, first) : np.searchsorted(self.step, last)]
        return shapely.LineString(kept if len(kept) > 1 else None)

    def _is_square(self, line: Floats, along: float) -> bool:
        """Return whether a cut meets the outer ring squarely at a distance along it."""
        near = np.array([along - _SIDE_M, along + _SIDE_M]) % self.length
        side = np.diff(
            shapely.get_coordinates(shapely.line_interpolate_point(self.ring, near)), axis=0
        )[0]
        cut = line[1] - line[0]
        return bool(abs(cut @ side) <= _SQUARE * np.hypot(*cut) * np.hypot(*side))

    def _is_free(self, along: float) -> bool:
        """Return whether no cut meets the outer ring near a distance along it."""
        away = [abs(along - other) for other in self.at]
        return all(_LEAST_M <= far <= self.length - _LEAST_M for far in away)
