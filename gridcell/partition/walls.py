"""Walls that two houses share: borders cost more along them, so that rows stay whole."""

from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries
from gridcell.model import Fabric

Ints = NDArray[np.int64]

_NEAR_M: Final = 0.1
"""Houses nearer than this touch, however carefully they were drawn."""
_LEAST_M: Final = 1.0
"""Houses that meet in less than this meet at a corner."""


def shared_walls(fabric: Fabric, atoms: Ints) -> tuple[Ints, Ints, NDArray[np.float64]]:
    """Return pairs of rows of `atoms` on which houses share a wall, and the metres of it.

    Parameters
    ----------
    fabric
        The land. Given atoms are no houses; the slabs of one building are one.
    atoms
        (n,) rows of `fabric.atoms`.
    """
    number = np.full(len(fabric.atoms) + 1, -1, dtype=np.int64)
    number[atoms] = np.arange(len(atoms))
    number[:-1][(fabric.atoms["kind"] == "given").to_numpy()] = -1
    place = number[fabric.pieces["atom"].to_numpy()]
    rows = np.flatnonzero(place >= 0)
    shapes: Geometries = fabric.outlines.geometry.to_numpy()[rows]
    place, building = place[rows], fabric.pieces["building"].to_numpy()[rows]
    a, b = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=_NEAR_M)
    apart = (a < b) & (place[a] != place[b]) & (building[a] != building[b])
    a, b = a[apart], b[apart]
    near = shapely.buffer(shapes[b], _NEAR_M, quad_segs=1)
    metres = shapely.length(shapely.intersection(shapely.boundary(shapes[a]), near))
    long = np.asarray(metres >= _LEAST_M)
    return place[a[long]], place[b[long]], metres[long]
