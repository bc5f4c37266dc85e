"""The larger move: two cells become one, and one, the same or another, becomes two."""

import numpy as np
from numba import njit

from gridcell.partition.kernels.state import (
    Adjacency,
    Cells,
    Goal,
    Ints,
    Scratch,
    accepts,
    draw,
    energy,
    put,
    shared,
)
from gridcell.partition.kernels.walk import gather

_MOST = 64
"""Atoms of a cell up to which it is split: the cost grows with the square."""
_TRIES = 3
"""Atoms drawn to find a heavy cell to split."""


@njit(cache=True, nogil=True)
def regroup_cells(
    i: int, j: int, heat: float, land: Adjacency, cells: Cells, goal: Goal, scratch: Scratch
) -> None:
    """Merge the cells of i and j, and split the result or another cell in two."""
    state = scratch.state
    x, y = cells.of[i], cells.of[j]
    both = _border(i, j, land, cells, scratch)
    weight, area = cells.weight[x] + cells.weight[y], cells.area[x] + cells.area[y]
    perimeter = cells.perimeter[x] + cells.perimeter[y] - 2 * both
    size = cells.size[x] + cells.size[y]
    before = cells.energy[x] + cells.energy[y]

    source = j if draw(state) < 0.5 else _heavy(j, x, y, cells, scratch)
    z = cells.of[source]
    elsewhere = z != y
    if elsewhere:
        if cells.size[z] < 2 or cells.size[z] > _MOST:
            return
        count = gather(source, z, z, land, cells.of, scratch)
        atoms = scratch.queue[:count].copy()
        w, a, p = cells.weight[z], cells.area[z], cells.perimeter[z]
        before += cells.energy[z]
    else:
        if size > _MOST:
            return
        count = gather(source, x, y, land, cells.of, scratch)
        atoms = scratch.queue[:count].copy()
        w, a, p = weight, area, perimeter
    order, stage, after, grown = _split(atoms, w, a, p, land, goal, scratch)
    if stage == 0:
        return
    if elsewhere:
        after += energy(weight, area, perimeter, goal)
    if not accepts(after - before, heat, state):
        return

    # What grew takes the number x; the merged cell keeps y.
    if elsewhere:
        for k in range(gather(i, x, x, land, cells.of, scratch)):
            cells.of[scratch.queue[k]] = y
        put(y, weight, area, perimeter, size, cells, goal)
    else:
        for k in range(count):
            cells.of[atoms[k]] = y
    for k in range(stage):
        cells.of[order[k]] = x
    inner = 0.0
    for k in range(stage):
        inner += shared(order[k], z, land, cells.of)
    put(x, grown[0], grown[1], grown[2], stage, cells, goal)
    put(z, w - grown[0], a - grown[1], p - grown[2] + 2 * inner, count - stage, cells, goal)


@njit(cache=True, nogil=True)
def _heavy(j: int, x: int, y: int, cells: Cells, scratch: Scratch) -> int:
    """Return an atom of the heaviest of a few other cells, j if there is none.

    That is where a cell is missing.
    """
    chosen, weight = j, -1.0
    for _ in range(_TRIES):
        v = int(draw(scratch.state) * len(cells.of))
        c = cells.of[v]
        if c != x and c != y and cells.weight[c] > weight:
            chosen, weight = v, cells.weight[c]
    return chosen


@njit(cache=True, nogil=True)
def _border(i: int, j: int, land: Adjacency, cells: Cells, scratch: Scratch) -> float:
    """Return the length of the border between the cells of i and j, counted on the smaller."""
    x, y = cells.of[i], cells.of[j]
    if cells.size[x] > cells.size[y]:
        i, x, y = j, y, x
    out = 0.0
    for k in range(gather(i, x, x, land, cells.of, scratch)):
        out += shared(scratch.queue[k], y, land, cells.of)
    return out


@njit(cache=True, nogil=True)
def _split(
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
    count, side, state = len(atoms), scratch.side, scratch.state
    for k in range(count):
        side[atoms[k]] = 1
    order = np.empty(count, dtype=np.int64)
    best, stage = np.inf, 0
    grown = (0.0, 0.0, 0.0)
    w, a, p = 0.0, 0.0, 0.0
    v = atoms[int(draw(state) * count)]
    for k in range(count - 1):
        to_grown, to_rest = shared(v, 2, land, side), shared(v, 1, land, side)
        side[v] = 2
        order[k] = v
        w, a, p = w + land.weight[v], a + land.area[v], p + land.perimeter[v] - 2 * to_grown
        perimeter += 2 * to_rest - land.perimeter[v]
        cost = energy(w, a, p, goal) + energy(weight - w, area - a, perimeter, goal)
        if cost < best and _is_one(atoms, land, scratch, count - k - 1):
            best, stage, grown = cost, k + 1, (w, a, p)
        v = _next(atoms, land, side, scratch)
        if v < 0:
            break
    for k in range(count):
        side[atoms[k]] = 0
    return order, stage, best, grown


@njit(cache=True, nogil=True)
def _is_one(atoms: Ints, land: Adjacency, scratch: Scratch, rest: int) -> bool:
    """Return whether the `rest` of the atoms, those on side 1, is one piece."""
    for k in range(len(atoms)):
        if scratch.side[atoms[k]] == 1:
            return gather(atoms[k], 1, 1, land, scratch.side, scratch) == rest
    return False


@njit(cache=True, nogil=True)
def _next(atoms: Ints, land: Adjacency, side: Ints, scratch: Scratch) -> int:
    """Return a random atom on side 1 that touches side 2, -1 where there is none."""
    chosen, pool = -1, 0
    for k in range(len(atoms)):
        u = atoms[k]
        if side[u] != 1:
            continue
        for m in range(land.first[u], land.first[u + 1]):
            if side[land.neighbour[m]] == 2:
                pool += 1
                if draw(scratch.state) * pool < 1.0:
                    chosen = u
                break
    return chosen
