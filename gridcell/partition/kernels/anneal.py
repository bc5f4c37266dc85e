"""Simulated annealing over border moves.

Kirkpatrick et al. 1983, doi:10.1126/science.220.4598.671.
"""

import numpy as np
from numba import njit

from gridcell.partition.kernels.reach import (
    concavity,
    put_in,
    reach_after,
    reach_of_cells,
    take_out,
)
from gridcell.partition.kernels.regroup import regroup_cells
from gridcell.partition.kernels.state import (
    Adjacency,
    Goal,
    Ints,
    accepts,
    draw,
    energy,
    leaving,
    measure,
    new_scratch,
)
from gridcell.partition.kernels.walk import gather, holds_without

_SWAPS = 0.3
"""Share of border moves in which two atoms change places."""
_REGROUP_HEAT = 0.06
"""Temperature below which no cells are merged and split: hardly any such move is taken there."""


@njit(cache=True, nogil=True)
def anneal(  # noqa: C901 - functions that take arrays are dear here, see below
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
        where atoms have homes, since these moves do not count what it costs to leave them, and
        where atoms tell how far they reach: nor do they count how convex cells are.
    seed
        Of the random numbers.
    """
    n = len(of)
    cells = measure(land, of, count, goal)
    scratch = new_scratch(n, seed)
    # One loop over the arrays themselves: whenever an array is taken out of a tuple or handed to a
    # function, numba counts it as in use, which takes longer than a proposal.
    first, neighbour, length, perimeter, weight, area, home, hold, reach = land
    _, weights, areas, perimeters, size, cost = cells
    mark, queue, _, stamp, state = scratch
    directions = reach.shape[1]
    cell_reach, concave = np.empty((count, directions)), np.zeros(count)
    head, lists = np.empty(count, dtype=np.int64), np.empty((2, n), dtype=np.int64)
    reach_x, reach_y = np.empty(directions), np.empty(directions)
    concave_x, concave_y = 0.0, 0.0
    if directions:
        reach_of_cells(of, reach, cell_reach, lists, head)
        for c in range(count):
            concave[c] = concavity(areas[c], cell_reach[c], goal)
    cooling = max(1, sweeps * 9 // 10)
    for sweep in range(sweeps):
        heat = hot * (cold / hot) ** (sweep / cooling) if sweep < cooling else 0.0
        for _ in range(n):
            i = int(draw(state) * n)
            degree = first[i + 1] - first[i]
            if degree == 0:
                continue
            j = neighbour[first[i] + int(draw(state) * degree)]
            x, y = of[i], of[j]
            if x == y:
                continue
            if regroup > 0.0 and heat > _REGROUP_HEAT and draw(state) < regroup:
                regroup_cells(i, j, heat, land, cells, goal, scratch)
                continue
            # Atom i goes over to y, and in a swap its neighbour j to x.
            swap = size[x] == 1 or draw(state) < _SWAPS
            i_to_x, i_to_y, between = 0.0, 0.0, 0.0
            for k in range(first[i], first[i + 1]):
                if of[neighbour[k]] == x:
                    i_to_x += length[k]
                elif of[neighbour[k]] == y:
                    i_to_y += length[k]
                    if neighbour[k] == j:
                        between = length[k]
            moved, wider = weight[i], area[i]
            px = perimeters[x] - perimeter[i] + 2 * i_to_x
            left = leaving(home[i], hold[i], x, y)
            if swap:
                j_to_x, j_to_y = 0.0, 0.0
                for k in range(first[j], first[j + 1]):
                    if of[neighbour[k]] == x:
                        j_to_x += length[k]
                    elif of[neighbour[k]] == y:
                        j_to_y += length[k]
                i_to_y, j_to_x = i_to_y - between, j_to_x - between
                # Each must touch what the other leaves behind, unless it leaves nothing.
                if (i_to_y <= 0.0 and size[y] > 1) or (j_to_x <= 0.0 and size[x] > 1):
                    continue
                moved, wider = moved - weight[j], wider - area[j]
                px += perimeter[j] - 2 * j_to_x
                py = perimeters[y] - perimeter[j] + 2 * j_to_y
                py += perimeter[i] - 2 * i_to_y
                left += leaving(home[j], hold[j], y, x)
            else:
                py = perimeters[y] + perimeter[i] - 2 * i_to_y
            wx, wy = weights[x] - moved, weights[y] + moved
            ax, ay = areas[x] - wider, areas[y] + wider
            cost_x, cost_y = energy(wx, ax, px, goal), energy(wy, ay, py, goal)
            rise = cost_x + cost_y + left - cost[x] - cost[y] - concave[x] - concave[y]
            if directions:
                # How far they reach is worth finding out only if it can still be taken.
                most = -heat * np.log(1.0 - draw(state)) if heat > 0.0 else 0.0
                if rise > most:
                    continue
                other = j if swap else -1
                reach_after(i, other, cell_reach[x], reach, head[x], lists, reach_x)
                reach_after(other, i, cell_reach[y], reach, head[y], lists, reach_y)
                concave_x = concavity(ax, reach_x, goal)
                concave_y = concavity(ay, reach_y, goal)
                if rise + concave_x + concave_y > most:
                    continue
            elif not accepts(rise, heat, state):
                continue
            if swap:
                of[i], of[j] = y, x
                if (
                    gather(j, x, x, first, neighbour, of, mark, queue, stamp) < size[x]
                    or gather(i, y, y, first, neighbour, of, mark, queue, stamp) < size[y]
                ):
                    of[i], of[j] = x, y
                    continue
            elif holds_without(i, first, neighbour, of, mark, queue, stamp):
                of[i] = y
                size[x] -= 1
                size[y] += 1
            else:
                continue
            weights[x], areas[x], perimeters[x], cost[x] = wx, ax, px, cost_x
            weights[y], areas[y], perimeters[y], cost[y] = wy, ay, py, cost_y
            if directions:
                cell_reach[x], concave[x] = reach_x, concave_x
                cell_reach[y], concave[y] = reach_y, concave_y
                take_out(i, x, head, lists)
                put_in(i, y, head, lists)
                if swap:
                    take_out(j, y, head, lists)
                    put_in(j, x, head, lists)
    return float(cost.sum() + concave.sum())
