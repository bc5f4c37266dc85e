"""How far cells reach in some directions, kept while atoms come and go: their convex hulls."""

import numpy as np
from numba import njit

from gridcell.partition.kernels.state import Floats, Goal, Ints

_CONVEX = 0.9
"""Share of its hull from which a cell counts as convex."""
_CONCAVE = 4.0
"""What it costs to have nothing of the hull."""


@njit(cache=True, nogil=True)
def concavity(area: float, reach: Floats, goal: Goal) -> float:
    """Return what it costs that a cell of this area reaches so far.

    Its hull is the polygon whose edges touch it in these directions, evenly spread over the circle:
    by 1.3 % more than a disc of 16.
    """
    directions = len(reach)
    if directions == 0:
        return 0.0
    turn = 2 * np.pi / directions
    straight, across = np.cos(turn), np.sin(turn)
    twice = 0.0
    for k in range(directions):
        beside = reach[k - 1] + reach[(k + 1) % directions]
        twice += reach[k] * (beside - 2 * straight * reach[k]) / across
    return goal.shape * _CONCAVE * max(0.0, _CONVEX - 2 * area / twice)


@njit(cache=True, nogil=True)
def reach_of_cells(of: Ints, reach: Floats, count: int) -> Floats:
    """Return how far each of so many cells reaches: (cells, directions)."""
    out = np.full((count, reach.shape[1]), -np.inf)
    for i in range(len(of)):
        for k in range(reach.shape[1]):
            out[of[i], k] = max(out[of[i], k], reach[i, k])
    return out


@njit(cache=True, nogil=True)
def reach_after(
    lost: int, won: int, whole: Floats, reach: Floats, first: int, after: Ints, out: Floats
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
            i = after[i]
    if won >= 0:
        for k in range(len(out)):
            out[k] = max(out[k], reach[won, k])


@njit(cache=True, nogil=True)
def atoms_of_cells(of: Ints, count: int) -> tuple[Ints, Ints, Ints]:
    """Return the first atom of each cell, the next of each atom and the one before it, or -1."""
    first = np.full(count, -1)
    after, before = np.full(len(of), -1), np.full(len(of), -1)
    for i in range(len(of)):
        put_in(i, of[i], first, after, before)
    return first, after, before


@njit(cache=True, nogil=True, inline="always")
def put_in(i: int, cell: int, first: Ints, after: Ints, before: Ints) -> None:
    """Put an atom into the list of a cell."""
    after[i], before[i] = first[cell], -1
    if first[cell] >= 0:
        before[first[cell]] = i
    first[cell] = i


@njit(cache=True, nogil=True, inline="always")
def take_out(i: int, cell: int, first: Ints, after: Ints, before: Ints) -> None:
    """Take an atom out of the list of a cell."""
    if before[i] >= 0:
        after[before[i]] = after[i]
    else:
        first[cell] = after[i]
    if after[i] >= 0:
        before[after[i]] = before[i]
