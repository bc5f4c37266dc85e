"""Simulated annealing over border moves.

Kirkpatrick et al. 1983, doi:10.1126/science.220.4598.671.
"""

from numba import njit

from gridcell.partition.kernels.regroup import regroup_cells
from gridcell.partition.kernels.state import (
    Adjacency,
    Cells,
    Goal,
    Ints,
    Scratch,
    accepts,
    draw,
    energy,
    leaving,
    measure,
    new_scratch,
    put,
    shared,
)
from gridcell.partition.kernels.walk import gather, holds_without

_SWAPS = 0.3
"""Share of border moves in which two atoms change places."""


@njit(cache=True, nogil=True)
def anneal(
    land: Adjacency, of: Ints, count: int, goal: Goal, sweeps: int, hot: float, cold: float,
    regroup: float, seed: int,
) -> float:  # fmt: skip
    """Improve the cells in place and return their energy; every cell stays connected.

    The energy of the cells alone: what it costs that atoms left their homes is not in it.

    Parameters
    ----------
    land
        The atoms.
    of
        (atoms,) number of the cell of each.
    count
        Number of cells; it stays.
    goal
        What cells should be.
    sweeps
        Proposals per atom; the last tenth takes improvements only.
    hot, cold
        First and last temperature of the geometric schedule.
    regroup
        Probability that a proposal is to merge two cells and to split one, the merged one or any
        other: so cells vanish where there are too many and come up where there are too few. 0
        where atoms have homes, since these moves do not count what it costs to leave them.
    seed
        Of the random numbers.
    """
    n = len(of)
    cells = measure(land, of, count, goal)
    scratch = new_scratch(n, seed)
    cooling = max(1, sweeps * 9 // 10)
    for sweep in range(sweeps):
        heat = hot * (cold / hot) ** (sweep / cooling) if sweep < cooling else 0.0
        for _ in range(n):
            i = int(draw(scratch.state) * n)
            degree = land.first[i + 1] - land.first[i]
            if degree == 0:
                continue
            j = land.neighbour[land.first[i] + int(draw(scratch.state) * degree)]
            if of[i] == of[j]:
                continue
            if regroup > 0.0 and draw(scratch.state) < regroup:
                regroup_cells(i, j, heat, land, cells, goal, scratch)
            elif cells.size[of[i]] == 1 or draw(scratch.state) < _SWAPS:
                _swap(i, j, heat, land, cells, goal, scratch)
            else:
                _shift(i, of[j], heat, land, cells, goal, scratch)
    return float(cells.energy.sum())


@njit(cache=True, nogil=True)
def _shift(
    i: int, y: int, heat: float, land: Adjacency, cells: Cells, goal: Goal, scratch: Scratch
) -> None:
    """Move atom i to the cell y beside it."""
    x = cells.of[i]
    rim = land.perimeter[i]
    wx, wy = cells.weight[x] - land.weight[i], cells.weight[y] + land.weight[i]
    ax, ay = cells.area[x] - land.area[i], cells.area[y] + land.area[i]
    px = cells.perimeter[x] - rim + 2 * shared(i, x, land, cells.of)
    py = cells.perimeter[y] + rim - 2 * shared(i, y, land, cells.of)
    after = energy(wx, ax, px, goal) + energy(wy, ay, py, goal) + leaving(i, x, y, land)
    if not accepts(after - cells.energy[x] - cells.energy[y], heat, scratch.state):
        return
    if not holds_without(i, land, cells, scratch):
        return
    cells.of[i] = y
    put(x, wx, ax, px, cells.size[x] - 1, cells, goal)
    put(y, wy, ay, py, cells.size[y] + 1, cells, goal)


@njit(cache=True, nogil=True)
def _swap(
    i: int, j: int, heat: float, land: Adjacency, cells: Cells, goal: Goal, scratch: Scratch
) -> None:
    """Let the neighbours i and j of different cells change places."""
    x, y = cells.of[i], cells.of[j]
    ij = 0.0
    for k in range(land.first[i], land.first[i + 1]):
        if land.neighbour[k] == j:
            ij = land.length[k]
    to_y = shared(i, y, land, cells.of) - ij
    to_x = shared(j, x, land, cells.of) - ij
    # Each must touch what the other leaves behind, unless it leaves nothing.
    if (to_y <= 0.0 and cells.size[y] > 1) or (to_x <= 0.0 and cells.size[x] > 1):
        return
    more = land.weight[j] - land.weight[i]
    wider = land.area[j] - land.area[i]
    wx, wy = cells.weight[x] + more, cells.weight[y] - more
    ax, ay = cells.area[x] + wider, cells.area[y] - wider
    px = cells.perimeter[x] - land.perimeter[i] + 2 * shared(i, x, land, cells.of)
    px += land.perimeter[j] - 2 * to_x
    py = cells.perimeter[y] - land.perimeter[j] + 2 * shared(j, y, land, cells.of)
    py += land.perimeter[i] - 2 * to_y
    after = energy(wx, ax, px, goal) + energy(wy, ay, py, goal)
    after += leaving(i, x, y, land) + leaving(j, y, x, land)
    if not accepts(after - cells.energy[x] - cells.energy[y], heat, scratch.state):
        return
    cells.of[i], cells.of[j] = y, x
    if (
        gather(j, x, x, land, cells.of, scratch) < cells.size[x]
        or gather(i, y, y, land, cells.of, scratch) < cells.size[y]
    ):
        cells.of[i], cells.of[j] = x, y
        return
    put(x, wx, ax, px, cells.size[x], cells, goal)
    put(y, wy, ay, py, cells.size[y], cells, goal)
