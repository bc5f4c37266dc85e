"""Borders as edges between numbered vertices, chained into arcs in an order of their own."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gridcell.arrays import number_points, spread
from gridcell.fabric.kernels import chain_edges

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class BorderArcs:
    """Chains of vertices between junctions, with what lies on either side."""

    xy: NDArray[np.float64]
    """(vertices, 2) metres."""
    start: Ints
    """(arcs + 1,) where each arc begins in `vertex`."""
    vertex: Ints
    left: Ints
    """(arcs,)"""
    right: Ints
    """(arcs,)"""
    flag: Ints
    """(arcs,)"""


def edges_of(start: Ints, vertex: Ints) -> tuple[Ints, Ints, Ints]:
    """Return where the edges of arcs start and stop, and the arc of each.

    Parameters
    ----------
    start, vertex
        BorderArcs as `gridcell.model.Fabric` holds them.
    """
    arc = np.repeat(np.arange(len(start) - 1), np.diff(start))
    at = np.flatnonzero(arc[1:] == arc[:-1])
    return vertex[at], vertex[at + 1], arc[at]


def take_arcs(start: Ints, vertex: Ints, rows: Ints) -> tuple[Ints, Ints]:
    """Return the arcs in some rows, one after another: where each begins, and their vertices.

    Parameters
    ----------
    start, vertex
        Arcs as `gridcell.model.Fabric` holds them.
    rows
        Rows of arcs, in any order.
    """
    size = np.diff(start)[rows]
    arc, step = spread(size)
    return np.concatenate([[0], np.cumsum(size)]), vertex[start[rows][arc] + step]


def arcs_in_order(
    xy: NDArray[np.float64], tail: Ints, head: Ints, left: Ints, right: Ints, flag: Ints
) -> BorderArcs:
    """Return edges chained into arcs that depend on nothing but where they lie.

    Vertices are those of the edges, numbered by x, then y; an arc begins at its lower end. So the
    same borders give the same arcs, whatever numbers their vertices had and in whatever order and
    direction their edges came.

    Parameters
    ----------
    xy
        (vertices, 2) metres.
    tail, head
        (edges,) vertices at which each undirected edge, given once, begins and ends.
    left, right, flag
        (edges,) what lies beside it, and what else arcs are not chained across.
    """
    is_end = np.zeros(len(xy), dtype=bool)
    is_end[tail] = is_end[head] = True
    number, count = number_points(xy[is_end])
    placed = np.empty((count, 2))
    placed[number] = xy[is_end]
    new = np.empty(len(xy), dtype=np.int64)
    new[is_end] = number
    tail, head = new[tail], new[head]
    turned = tail > head
    low, high = np.minimum(tail, head), np.maximum(tail, head)
    left, right = np.where(turned, right, left), np.where(turned, left, right)
    order = np.lexsort((high, low))
    start, vertex, left, right, flag = chain_edges(
        low[order], high[order], left[order], right[order], flag[order], count
    )
    return BorderArcs(xy=placed, start=start, vertex=vertex, left=left, right=right, flag=flag)
