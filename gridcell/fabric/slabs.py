"""Slabs: buildings of more households than a micro cell may hold, cut across their long axis."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries, spread
from gridcell.fabric.axes import LongAxes

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

TOWER: Final = 1.6
"""A footprint less than so many times as long as it is wide is a tower."""
TWO_ROWS: Final = 4
"""Slabs from which on a tower is cut into two rows."""
_BEYOND: Final = 0.01
"""How far the outermost slabs reach beyond the envelope, relative to its sides: rounding must leave
nothing behind."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class _SlabPlaces:
    """Where slabs lie in the rectangle around their footprint: from 0 to 1 along and across it."""

    footprint: Ints
    west: Floats
    east: Floats
    near: Floats
    far: Floats
    share: Floats
    """Of the households of the footprint."""

    def rectangles(self, axes: LongAxes) -> Geometries:
        west, along, across = (
            vector[self.footprint] for vector in (axes.west, axes.along, axes.across)
        )
        near = west + self.near[:, None] * across
        far = west + self.far[:, None] * across
        begin, end = self.west[:, None] * along, self.east[:, None] * along
        ring = np.stack([near + begin, near + end, far + end, far + begin], axis=1)
        return np.asarray(shapely.polygons(ring), dtype=object)


def cut_slabs(
    geometry: Geometries, count: Ints, *, units: Ints | None = None
) -> tuple[Geometries, Ints, Floats]:
    """Return footprints cut across their long axis; towers along it as well.

    A tower, nearly square, is cut into two rows: single slabs across it would be thin, and the land
    before them mere fingers.

    Parameters
    ----------
    geometry
        (n,) Polygon, metres.
    count
        (n,) number of slabs wanted, at least 2.
    units
        (n,) entrances along the axis, 0 where unknown. Where there are at least as many as slabs,
        cuts lie between entrances.

    Returns
    -------
    pieces, index, share
        Polygons in order of footprint, then along the axis from west to east; the footprint of
        each, and its share of it: equal for slabs, or by entrances. A slab of a bent building may
        be several pieces, which have its share by area.

    Examples
    --------
    >>> block = np.array([shapely.box(0, 0, 60, 12)])
    >>> pieces, index, share = cut_slabs(block, np.array([2]), units=np.array([3]))
    >>> shapely.bounds(pieces).tolist(), share.round(2).tolist()
    ([[0.0, 0.0, 40.0, 12.0], [40.0, 0.0, 60.0, 12.0]], [0.67, 0.33])
    """
    units = np.zeros(len(count), dtype=np.int64) if units is None else units
    axes = LongAxes.of(geometry)
    tower = axes.length < TOWER * axes.width
    places = _place_slabs(count, units, tower)
    slabs = shapely.intersection(geometry[places.footprint], places.rectangles(axes))
    pieces, of_slab = shapely.get_parts(slabs, return_index=True)
    solid = (shapely.get_dimensions(pieces) == 2) & (shapely.area(pieces) > 0)
    pieces, of_slab = pieces[solid], of_slab[solid]
    area = shapely.area(pieces)
    whole = np.bincount(of_slab, weights=area, minlength=len(slabs))
    return pieces, places.footprint[of_slab], places.share[of_slab] * area / whole[of_slab]


def _place_slabs(count: Ints, units: Ints, tower: NDArray[np.bool_]) -> _SlabPlaces:
    """Return the slabs of each footprint, column by column from west to east.

    A column is one slab, of a tower two; the last column of an odd number is one slab.
    """
    footprint, number = spread(count)
    slabs = count[footprint]
    by_unit = units >= count
    rows = np.where(tower & (count >= TWO_ROWS) & ~by_unit, 2, 1)[footprint]
    first = number // rows * rows
    last = np.minimum(first + rows, slabs)

    west, east, share = first / slabs, last / slabs, 1 / slabs
    at_entrance, entrances = by_unit[footprint], np.maximum(units, 1)[footprint]
    west = np.where(at_entrance, np.round(west * entrances) / entrances, west)
    east = np.where(at_entrance, np.round(east * entrances) / entrances, east)
    in_two = last - first == 2
    return _SlabPlaces(
        footprint=footprint,
        west=np.where(first == 0, -_BEYOND, west),
        east=np.where(last == slabs, 1 + _BEYOND, east),
        near=np.where(in_two & (number > first), 0.5, -_BEYOND),
        far=np.where(in_two & (number == first), 0.5, 1 + _BEYOND),
        share=np.where(at_entrance, east - west, share),
    )


def slab_count(
    households: NDArray[np.int64] | NDArray[np.float64],
    band: NDArray[np.float64],
    units: NDArray[np.int64] | None,
    *,
    grain: float = 1.0,
) -> NDArray[np.int64]:
    """Return into how many slabs oversize footprints are cut.

    The fewest slabs between entrances that are each in the band, else the fewest equal ones. Where
    no number gives that (a building of 45 where 26 to 44 are allowed) the slabs are about half a
    cell, or single entrances, so that some of them can join what stands beside.

    Parameters
    ----------
    households
        (n,) more than the most of the band.
    band
        (n, 2) fewest and most households of a micro cell.
    units
        (n,) entrances, 0 where unknown.
    grain
        What `households` are multiples of: less than 1 where they are loads.
    """
    low = np.ceil(band[:, 0] / grain - 1e-9) * grain
    most = np.maximum(np.floor(band[:, 1] / grain + 1e-9), 1) * grain
    fewest = np.ceil(households / most)
    fits = households / fewest >= low
    half = np.maximum(np.ceil(households / (band.sum(axis=1) / 4)), fewest)
    count = np.where(fits, fewest, half)
    if units is not None:
        entrances = (np.minimum(units, households) if grain == 1.0 else units)[:, None]
        each = np.minimum(np.arange(1, entrances.max(initial=1) + 1), np.maximum(entrances, 1))
        per = (households / np.maximum(entrances[:, 0], 1))[:, None]
        good = (
            (np.ceil(entrances / each) * per <= most[:, None])
            & (np.floor(entrances / each) * per >= low[:, None])
            & (each >= fewest[:, None])
            & (entrances > 0)
        )
        single = np.where(units >= fewest, np.minimum(units, half), half)
        count = np.where(fits, fewest, single)
        count = np.where(good.any(axis=1), good.argmax(axis=1) + 1, count)
    return count.astype(np.int64)
