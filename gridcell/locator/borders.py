"""Whose is a point on a border: the half-open rule, on arrays alone.

A point on the border of cells belongs to the one that lies due east of it, just north of that
line: the cell that holds the point moved east by an infinitely small step and then north by one
infinitely smaller still. On the rim of the land, where no cell lies there, it is the first one met
when turning from east over north to west. Every point of the land has thus exactly one cell,
whatever the order of cells and their vertices; only signs of differences are looked at.
"""

from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries, run_starts, spread

_TURN: Final = 2 * np.pi
_EDGES_AT_ONCE: Final = 2_000_000
# A point that GEOS finds on an edge, exactly, has a cross product below this bound in doubles.
_ERROR: Final = 8 * 2.0**-53


def choose_holder(
    xy: NDArray[np.float64],
    point: NDArray[np.int64],
    cell: NDArray[np.int64],
    shapes: Geometries,
) -> NDArray[np.int64]:
    """Return, for each point that several cells touch, the position of the pair that holds it.

    Parameters
    ----------
    xy
        (n, 2) coordinates of all points.
    point, cell
        (m,) pairs of a row of `xy` and a row of `shapes` that touches it, by ascending point.
    shapes
        (Multi)Polygons in the same plane. Where they overlap, against the rule, one with the
        point inside wins over one with it on its border, then the first.

    Returns
    -------
    (k,) positions in `point`, ascending, one for each distinct point.
    """
    key = _turns(xy, point, cell, shapes)
    order = np.lexsort((cell, key, point))
    return np.asarray(order[run_starts(point[order])])


def _turns(
    xy: NDArray[np.float64],
    point: NDArray[np.int64],
    cell: NDArray[np.int64],
    shapes: Geometries,
) -> NDArray[np.float64]:
    """Return by how much to turn, from east to the left, until the cell is met; -1 inside it."""
    used, local = np.unique(cell, return_inverse=True)
    start, end, ahead, first = _edges(shapes[used])
    count = first[local + 1] - first[local]
    # Around the point, land lies to the left of rays out and to the right of rays back: it lies in
    # the east where the first ray met when turning left from there is one back.
    first_out, first_back = (np.full(len(point), np.inf) for _ in range(2))
    block = np.cumsum(count) // _EDGES_AT_ONCE
    for low, high in zip(run_starts(block), [*run_starts(block)[1:], len(block)], strict=True):
        pair, number = spread(count[low:high])
        edge = first[local[low:high]][pair] + number
        here = xy[point[low:high]][pair]
        back, out = start[edge] - here, end[edge] - here
        across = back[:, 0] * out[:, 1], back[:, 1] * out[:, 0]
        between = (back * out).sum(axis=1) < 0
        along = np.abs(across[0] - across[1]) <= _ERROR * (np.abs(across[0]) + np.abs(across[1]))
        arrives = (out == 0).all(axis=1)
        hit = np.flatnonzero(arrives | (along & between))
        out = np.where(arrives[hit, None], ahead[edge[hit]] - here[hit], out[hit])
        np.minimum.at(first_out, low + pair[hit], _turn(out))
        np.minimum.at(first_back, low + pair[hit], _turn(back[hit]))
    key = np.where(first_back < first_out, 0.0, first_out)
    key[np.isinf(first_out)] = -1.0
    return key


def _turn(ray: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the angle from east to each ray, more than 0 and at most a full turn."""
    angle = np.arctan2(ray[:, 1], ray[:, 0]) % _TURN
    return np.where(angle > 0, angle, _TURN)


def _edges(
    shapes: Geometries,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Return start, end and next vertex of each edge, land on its left, and each shape's first."""
    turned = shapely.orient_polygons(shapely.remove_repeated_points(shapes))
    parts, part_shape = shapely.get_parts(turned, return_index=True)
    rings, ring_part = shapely.get_rings(parts, return_index=True)
    vertices, ring = shapely.get_coordinates(rings, return_index=True)
    last = np.diff(ring, append=-1) != 0
    begin = np.flatnonzero(~last)
    edge_ring = ring[begin]
    opening = run_starts(edge_ring)
    follower = np.arange(1, len(begin) + 1)
    follower[np.append(opening[1:], len(begin)) - 1] = opening
    end = vertices[begin + 1]
    shape = part_shape[ring_part[edge_ring]]
    first = np.searchsorted(shape, np.arange(len(shapes) + 1))
    return vertices[begin], end, end[follower], first
