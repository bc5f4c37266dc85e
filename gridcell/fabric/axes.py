"""The long axis of footprints, from west to east: slabs lie and entrances stand along it."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries, run_starts

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class LongAxes:
    """The smallest rectangle around each footprint.

    Examples
    --------
    >>> house, room = np.array([shapely.box(0, 0, 90, 10), shapely.box(27, 0, 54, 10)])
    >>> axes = LongAxes.of(np.array([house]))
    >>> axes.along.tolist()
    [[90.0, 0.0]]
    >>> west, east = axes.extent_of(np.array([room]), np.array([0]))
    >>> west.round(3).tolist(), east.round(3).tolist()
    ([0.3], [0.6])
    """

    west: Floats
    """(n, 2) western end of one of the long sides; the southern one where it runs north."""
    along: Floats
    """(n, 2) vector from there to the other end."""
    across: Floats
    """(n, 2) vector from there to the opposite side."""
    length: Floats
    """(n,) metres, at least `width`."""
    width: Floats

    @classmethod
    def of(cls, footprints: Geometries) -> Self:
        """Return the axes of (n,) polygons that have an area."""
        corner = shapely.get_coordinates(shapely.oriented_envelope(footprints)).reshape(-1, 5, 2)
        side = np.hypot(*np.moveaxis(np.diff(corner[:, :3], axis=1), 2, 0))
        turned = (side[:, 0] < side[:, 1])[:, None, None]
        corner = np.where(turned, corner[:, [1, 2, 3, 0]], corner[:, :4])
        # From a, along the axis, to b; on the opposite side from d to c.
        a, b, c, d = np.moveaxis(corner, 1, 0)
        eastward = ((a[:, 0] < b[:, 0]) | ((a[:, 0] == b[:, 0]) & (a[:, 1] < b[:, 1])))[:, None]
        west = np.where(eastward, a, b)
        return cls(
            west=west,
            along=np.where(eastward, b, a) - west,
            across=np.where(eastward, d, c) - west,
            length=side.max(axis=1),
            width=side.min(axis=1),
        )

    def extent_of(self, pieces: Geometries, footprint: Ints) -> tuple[Floats, Floats]:
        """Return where pieces begin and end along the axis of their footprint.

        Parameters
        ----------
        pieces
            (m,) polygons.
        footprint
            (m,) number of the footprint of each.

        Returns
        -------
        west, east
            (m,) 0 at the western end of the footprint, 1 at the eastern one.
        """
        xy, piece = shapely.get_coordinates(pieces, return_index=True)
        row = footprint[piece]
        scale = (self.along**2).sum(axis=1)
        place = ((xy - self.west[row]) * self.along[row]).sum(axis=1) / scale[row]
        first = run_starts(piece)
        return np.minimum.reduceat(place, first), np.maximum.reduceat(place, first)
