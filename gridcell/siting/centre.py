"""So many sites that the farthest place is as near as can be: the p-centre.

Hakimi 1964 (doi:10.1287/opre.12.3.450). A distance is possible if as many sites cover all within
it; which, is found by bisection over the distances that there are (Minieka 1970,
doi:10.1137/1012016): first as far as a search and Lagrangian bounds tell, then with HiGHS.
"""

import numpy as np

from gridcell.siting.cover import can_cover, fewest_sites
from gridcell.siting.kernels import Bools, serve
from gridcell.siting.reach import SiteCosts
from gridcell.siting.search import Chosen, search


def least_distance(reach: SiteCosts, count: int, locked: Bools) -> Chosen:
    """Return so many sites, the locked ones among them, for the least distance of the farthest.

    Parameters
    ----------
    reach
        Places with their distances, whatever their weight.
    count, locked
        As `gridcell.siting.median.least_cost`.
    """
    best = search(reach, count, locked)
    most = _farthest(reach, best)
    metres = np.unique(np.append(reach.cost[reach.cost <= most], most))
    low = int(np.searchsorted(metres, _least(reach)))
    high = len(metres) - 1
    # The least that a search finds, then the least that no bound forbids.
    at, end = low, high
    while at < end:
        middle = (at + end) // 2
        found, possible = can_cover(_within(reach, metres[middle]), count, locked)
        if found is not None:
            best, end = found, middle
        else:
            at = middle + 1
            low = low if possible else at
    high = at = end
    while low < at:
        middle = (low + at) // 2
        if can_cover(_within(reach, metres[middle]), count, locked)[1]:
            at = middle
        else:
            low = middle + 1
    while low < high:
        middle = (low + high) // 2
        cover = fewest_sites(_within(reach, metres[middle]), locked)
        if cover.cost <= count:
            best, high = _filled(cover.is_open, count), middle
        elif cover.bound > count:
            low = middle + 1
        else:
            break
    return Chosen(is_open=best, cost=_farthest(reach, best), bound=float(metres[low]))


def _filled(is_open: Bools, count: int) -> Bools:
    """Return the sites with the first others, up to so many."""
    more = is_open.copy()
    more[np.flatnonzero(~is_open)[: count - int(is_open.sum())]] = True
    return more


def _within(reach: SiteCosts, metres: float) -> SiteCosts:
    return reach.chosen(reach.cost <= metres)


def _farthest(reach: SiteCosts, is_open: Bools) -> float:
    paid = serve(reach.start, reach.site, reach.cost, reach.limit, is_open)[1]
    return float(paid.max()) if len(paid) else 0.0


def _least(reach: SiteCosts) -> float:
    """Return a distance below which some place has no site."""
    degree = np.diff(reach.start)
    if not len(degree) or (degree == 0).any():
        return 0.0
    return float(reach.cost[reach.start[:-1]].max())
