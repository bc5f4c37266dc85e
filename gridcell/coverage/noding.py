"""Overlays of pairs, whatever GEOS makes of their crossings."""

from collections.abc import Callable

import numpy as np
import shapely

from gridcell.arrays import Geometries


def overlaid(
    operation: Callable[..., Geometries], some: Geometries, others: Geometries, *, grid_size: float
) -> Geometries:
    """Return an overlay of pairs, those for which GEOS fails at a fixed precision.

    Edges of a buffer run all but on those of what was buffered: crossings of such edges in floating
    point sometimes cannot be noded (a TopologyException), those at a fixed precision always can,
    unless an outline is invalid by a hair.

    Parameters
    ----------
    operation
        `shapely.difference`, `shapely.intersection` or `shapely.union`.
    some, others
        (n,) the pairs.
    grid_size
        The precision, in the unit of the coordinates.
    """
    try:
        return np.asarray(operation(some, others), dtype=object)
    except shapely.errors.GEOSException:
        if len(some) > 1:
            half = len(some) // 2
            halves = (slice(half), slice(half, None))
            return np.concatenate(
                [overlaid(operation, some[at], others[at], grid_size=grid_size) for at in halves]
            )
        return np.asarray(operation(_sound(some), _sound(others), grid_size=grid_size), object)


def _sound(shapes: Geometries) -> Geometries:
    return np.where(
        shapely.is_valid(shapes), shapes, shapely.make_valid(shapes, method="structure")
    )
