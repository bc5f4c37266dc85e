"""The larger move: two cells become one, and one, the same or another, becomes two."""

import numpy as np
from numba import njit

from gridcell.partition.kernels.state import (
    Adjacency,
    Cells,
    Goal,
    Ints,
    Scratch,
    draw,
    energy,
)
from gridcell.partition.kernels.walk import gather

_MOST = 64
"""Atoms of a cell up to which it is split: the cost grows with the square."""
_TRIES = 3
"""Atoms drawn to find a heavy cell to split."""


@njit(cache=True, nogil=True)
def regroup_cells(  # noqa: C901 - see `anneal`
    i: int, j: int, heat: float, land: Adjacency, cells: Cells, goal: Goal, scratch: Scratch
) -> None:
    """Merge the cells of i and j, and split the result or another cell in two; heat is above 0."""
    state = scratch.state
    first, neighbour, length = land.first, land.neighbour, land.length
    of, mark, queue, stamp = cells.of, scratch.mark, scratch.queue, scratch.stamp
    x, y = of[i], of[j]
    both = _border(i, j, land, cells, scratch)
    weight, area = cells.weight[x] + cells.weight[y], cells.area[x] + cells.area[y]
    perimeter = cells.perimeter[x] + cells.perimeter[y] - 2 * both
    size = cells.size[x] + cells.size[y]
    before = cells.energy[x] + cells.energy[y]
    merged = 0.0

    source = j if draw(state) < 0.5 else _heavy(j, x, y, cells, scratch)
    z = of[source]
    elsewhere = z != y
    most = -heat * np.log(draw(state))
    if elsewhere:
        if cells.size[z] < 2 or cells.size[z] > _MOST:
            return
        # No split is better than two discs.
        merged = energy(weight, area, perimeter, goal)
        if merged + 2 * goal.shape - before - cells.energy[z] > most:
            return
        count = gather(source, z, z, first, neighbour, of, mark, queue, stamp)
        atoms = queue[:count].copy()
        w, a, p = cells.weight[z], cells.area[z], cells.perimeter[z]
        before += cells.energy[z]
    else:
        if size > _MOST:
            return
        count = gather(source, x, y, first, neighbour, of, mark, queue, stamp)
        atoms = queue[:count].copy()
        w, a, p = weight, area, perimeter
    order, stage, after, grown = _split(atoms, w, a, p, land, goal, scratch)
    if stage == 0:
        return
    if after + merged - before > most:
        return

    # What grew takes the number x; the merged cell keeps y.
    if elsewhere:
        for k in range(gather(i, x, x, first, neighbour, of, mark, queue, stamp)):
            of[queue[k]] = y
        _put(y, weight, area, perimeter, size, cells, goal)
    else:
        for k in range(count):
            of[atoms[k]] = y
    for k in range(stage):
        of[order[k]] = x
    inner = 0.0
    for k in range(stage):
        own = 0.0
        for m in range(first[order[k]], first[order[k] + 1]):
            if of[neighbour[m]] == z:
                own += length[m]
        inner += own
    _put(x, grown[0], grown[1], grown[2], stage, cells, goal)
    _put(z, w - grown[0], a - grown[1], p - grown[2] + 2 * inner, count - stage, cells, goal)


@njit(cache=True, nogil=True, inline="always")
def _put(
    cell: int, weight: float, area: float, perimeter: float, size: int, cells: Cells, goal: Goal
) -> None:
    """Set the figures of a cell."""
    cells.weight[cell], cells.area[cell], cells.perimeter[cell] = weight, area, perimeter
    cells.size[cell] = size
    cells.energy[cell] = energy(weight, area, perimeter, goal)


@njit(cache=True, nogil=True)
def _heavy(j: int, x: int, y: int, cells: Cells, scratch: Scratch) -> int:
    """Return an atom of the heaviest of a few other cells, j if there is none.

    That is where a cell is missing.
    """
    of, held, state = cells.of, cells.weight, scratch.state
    chosen, weight = j, -1.0
    for _ in range(_TRIES):
        v = int(draw(state) * len(of))
        c = of[v]
        if c != x and c != y and held[c] > weight:
            chosen, weight = v, held[c]
    return chosen


@njit(cache=True, nogil=True)
def _border(i: int, j: int, land: Adjacency, cells: Cells, scratch: Scratch) -> float:
    """Return the length of the border between the cells of i and j, counted on the smaller."""
    first, neighbour, length, of = land.first, land.neighbour, land.length, cells.of
    queue = scratch.queue
    x, y = of[i], of[j]
    if cells.size[x] > cells.size[y]:
        i, x, y = j, y, x
    out = 0.0
    for k in range(gather(i, x, x, first, neighbour, of, scratch.mark, queue, scratch.stamp)):
        own = 0.0
        for m in range(first[queue[k]], first[queue[k] + 1]):
            if of[neighbour[m]] == y:
                own += length[m]
        out += own
    return out


@njit(cache=True, nogil=True)
def _split(  # noqa: C901
    atoms: Ints, weight: float, area: float, perimeter: float, land: Adjacency, goal: Goal,
    scratch: Scratch,
) -> tuple[Ints, int, float, tuple[float, float, float]]:  # fmt: skip
    """Return the best stage of a random growth within some connected atoms.

    Returns
    -------
    order, stage, cost, (weight, area, perimeter)
        The first `stage` atoms of `order` are the one half, with these figures; both halves are
        connected. Stage 0: none of the stages leaves a connected rest.
    """
    first, neighbour, length, rim, heavy, wide = land[:6]
    mark, queue, side, stamp, state = scratch
    count = len(atoms)
    for k in range(count):
        side[atoms[k]] = 1
    order = np.empty(count, dtype=np.int64)
    best, stage = np.inf, 0
    grown = (0.0, 0.0, 0.0)
    w, a, p = 0.0, 0.0, 0.0
    v = atoms[int(draw(state) * count)]
    for k in range(count - 1):
        to_grown, to_rest = 0.0, 0.0
        for m in range(first[v], first[v + 1]):
            if side[neighbour[m]] == 2:
                to_grown += length[m]
            elif side[neighbour[m]] == 1:
                to_rest += length[m]
        side[v] = 2
        order[k] = v
        w, a, p = w + heavy[v], a + wide[v], p + rim[v] - 2 * to_grown
        perimeter += 2 * to_rest - rim[v]
        cost = energy(w, a, p, goal) + energy(weight - w, area - a, perimeter, goal)
        if cost < best and _is_one(
            atoms, count - k - 1, first, neighbour, side, mark, queue, stamp
        ):
            best, stage, grown = cost, k + 1, (w, a, p)
        # Any atom of the rest that touches what has grown, each as likely as the others.
        v, pool = -1, 0
        for u in atoms:
            if side[u] != 1:
                continue
            for m in range(first[u], first[u + 1]):
                if side[neighbour[m]] == 2:
                    pool += 1
                    if draw(state) * pool < 1.0:
                        v = u
                    break
        if v < 0:
            break
    for k in range(count):
        side[atoms[k]] = 0
    return order, stage, best, grown


@njit(cache=True, nogil=True)
def _is_one(
    atoms: Ints, rest: int, first: Ints, neighbour: Ints, side: Ints, mark: Ints, queue: Ints,
    stamp: Ints,
) -> bool:  # fmt: skip
    """Return whether the `rest` of the atoms, those on side 1, is one piece."""
    for k in range(len(atoms)):
        mine = side[atoms[k]]
        if mine == 1:
            return gather(atoms[k], mine, mine, first, neighbour, side, mark, queue, stamp) == rest
    return False
