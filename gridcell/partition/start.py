"""A first division: connected cells of about equal weight, by halving again and again."""

import numpy as np
from numpy.typing import NDArray

from gridcell.partition.graph import Graph
from gridcell.partition.kernels import bisect

Ints = NDArray[np.int64]


def start(graph: Graph, piece: Ints, count: Ints) -> Ints:
    """Return a cell number from 0 for each atom: `count` connected cells in each piece.

    Recursive inertial bisection (Simon 1991, doi:10.1016/0956-0521(91)90014-V): across the longest
    axis of the piece, in proportion to the number of cells on either side. What is cut off from
    its half goes to the other one, so that every cell is connected.

    Parameters
    ----------
    graph
        The land.
    piece
        (atoms,) number of the connected piece of land.
    count
        (pieces,) cells wanted in each, between 1 and its number of atoms.
    """
    order = np.argsort(piece, kind="stable")
    bounds = np.concatenate([[0], np.cumsum(np.bincount(piece, minlength=len(count)))])
    # A little weight for empty land, so that halves of it have a middle as well.
    mass = graph.weight + 1e-3 * graph.weight.mean() + 1e-9
    return bisect(graph.first, graph.neighbour, mass, graph.xy, order, bounds, count)
