"""So many sites that all places together cost least: the p-median, and what can be put as one.

A good solution (greedy addition, then vertex substitution) and Lagrangian bounds close most of the
gap; sites that could not be in any better solution are ruled out by their reduced costs, as are
services that would cost too much; what is left is a small mixed-integer programme in the radius
formulation (Garcia, Labbe & Marin 2011, doi:10.1287/ijoc.1100.0418; Elloumi 2010,
doi:10.1007/s10878-008-9177-5), which HiGHS solves. Limits are on sizes, rounds and nodes, never on
the clock: the same input has the same answer on a slow machine.
"""

import numpy as np

from gridcell.siting.branch import branch
from gridcell.siting.kernels import Bools
from gridcell.siting.reach import SiteCosts
from gridcell.siting.search import Chosen, search


def least_cost(reach: SiteCosts, count: int, locked: Bools, *, step: float = 0.0) -> Chosen:
    """Return so many sites, the locked ones among them, for the least cost.

    Parameters
    ----------
    reach
        Places with their costs.
    count
        Sites to open, the locked ones included.
    locked
        (sites,) those that are open in any case.
    step
        All costs are multiples of it, where there is such a number: better means so much better.
    """
    free = count - int(locked.sum())
    if count >= reach.sites or free <= 0:
        is_open = np.ones(reach.sites, dtype=bool) if free > 0 else locked.copy()
        cost = reach.cost_of(is_open)
        return Chosen(is_open=is_open, cost=cost, bound=cost)
    is_open = search(reach, count, locked)
    cost = reach.cost_of(is_open)
    if free == 1:
        # Greedy addition tried all of them.
        return Chosen(is_open=is_open, cost=cost, bound=cost)
    return branch(reach, count, locked, is_open, step)
