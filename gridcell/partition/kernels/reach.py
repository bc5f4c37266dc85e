"""How far cells reach in some directions, kept while atoms come and go: their convex hulls."""

from math import cos, pi, sin

import numpy as np
from numba import njit

from gridcell.partition.kernels.state import Floats, Goal, Ints

DIRECTIONS = 16
"""Evenly spread over the circle, from the first axis on."""
_STRAIGHT, _ACROSS = cos(2 * pi / DIRECTIONS), sin(2 * pi / DIRECTIONS)
_CONVEX = 0.9
"""Share of its hull from which a cell counts as convex."""
_CONCAVE = 4.0
"""What it costs to have nothing of the hull."""


@njit(cache=True, nogil=True)
def concavity(area: float, reach: Floats, goal: Goal) -> float:
    """Return what it costs that a cell of this area reaches so far.

    Its hull is the polygon whose edges touch it in all directions: by 1.3 % more than a disc.
    """
    twice, before, here = 0.0, reach[-2], reach[-1]
    for beyond in reach:
        twice += here * (before + beyond - 2 * _STRAIGHT * here)
        before, here = here, beyond
    return goal.shape * _CONCAVE * max(0.0, _CONVEX - 2 * area * _ACROSS / twice)


@njit(cache=True, nogil=True)
def reach_of_cells(of: Ints, reach: Floats, cell_reach: Floats, lists: Ints, first: Ints) -> None:
    """Find how far cells reach, and the atoms of each.

    Parameters
    ----------
    of
        (atoms,) cell of each.
    reach
        (atoms, directions)
    cell_reach
        (cells, directions) is filled.
    lists
        (2, atoms) is filled: the next atom of the cell and the one before it, or -1.
    first
        (cells,) is filled: its first atom.
    """
    cell_reach[:] = -np.inf
    first[:] = -1
    for i in range(len(of)):
        put_in(i, of[i], first, lists)
        for k in range(reach.shape[1]):
            cell_reach[of[i], k] = max(cell_reach[of[i], k], reach[i, k])


@njit(cache=True, nogil=True)
def reach_after(
    lost: int, won: int, whole: Floats, reach: Floats, first: int, lists: Ints, out: Floats
) -> None:
    """Find how far a cell reaches without one atom and with another; -1 stands for none."""
    changed = False
    for k in range(len(out)):
        out[k] = whole[k]
        if lost >= 0 and reach[lost, k] >= whole[k]:
            out[k] = -np.inf
            changed = True
    if changed:
        i = first
        while i >= 0:
            if i != lost:
                for k in range(len(out)):
                    out[k] = max(out[k], reach[i, k])
            i = lists[0, i]
    if won >= 0:
        for k in range(len(out)):
            out[k] = max(out[k], reach[won, k])


@njit(cache=True, nogil=True)
def put_in(i: int, cell: int, first: Ints, lists: Ints) -> None:
    """Put an atom into the list of a cell."""
    lists[0, i], lists[1, i] = first[cell], -1
    if first[cell] >= 0:
        lists[1, first[cell]] = i
    first[cell] = i


@njit(cache=True, nogil=True)
def take_out(i: int, cell: int, first: Ints, lists: Ints) -> None:
    """Take an atom out of the list of a cell."""
    after, before = lists[0, i], lists[1, i]
    if before >= 0:
        lists[0, before] = after
    else:
        first[cell] = after
    if after >= 0:
        lists[1, after] = before
