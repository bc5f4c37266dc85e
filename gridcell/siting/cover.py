"""Fewest sites that reach every place, and most households that so many sites reach.

Location set covering: Toregas, Swain, ReVelle & Bergman 1971 (doi:10.1287/opre.19.6.1363); maximal
covering: Church & ReVelle 1974 (doi:10.1007/BF01942293). Places that are reached whenever another
one is, and sites that reach no more than another, go first; what is left falls into parts, and
HiGHS solves each.
"""

from typing import Final

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse.csgraph import connected_components

from gridcell.siting.branch import branch
from gridcell.siting.kernels import (
    Bools,
    Floats,
    Ints,
    cover_greedily,
    drop_dominated,
    relax,
)
from gridcell.siting.reach import SiteCosts, make_reach
from gridcell.siting.search import Chosen, kick, search

_ROUNDS: Final = 6
_NODES: Final = 400
_ENTRIES: Final = 400_000
"""Entries of a part that HiGHS is given."""
_SUBGRADIENTS: Final = 300


def most_covered(near: SiteCosts, weights: Floats, count: int, locked: Bools) -> Chosen:
    """Return so many sites, the locked ones among them, that leave least uncovered.

    Parameters
    ----------
    near
        Entries are the places that a site reaches; what they cost does not matter.
    weights
        (places,) of each.
    count, locked
        As `gridcell.siting.median.least_cost`.
    """
    whole = bool((weights == np.round(weights)).all())
    merged, weights = _merged(near, weights)
    sites = np.ones(near.sites, dtype=bool)
    drop_dominated(merged.of_site, merged.place, merged.start, merged.site, sites, 0)
    sites |= locked
    if sites.sum() < count:
        sites[np.flatnonzero(~sites)[: count - int(sites.sum())]] = True
    merged = merged.chosen(sites[merged.site])
    reach = make_reach(
        np.diff(merged.start), merged.site, np.zeros(len(merged.site)), weights, near.sites
    )
    is_open = search(reach, count, locked)
    return branch(reach, count, locked, is_open, 1.0 if whole else 0.0)


def _merged(near: SiteCosts, weights: Floats) -> tuple[SiteCosts, Floats]:
    """Return places that the same sites reach as one; those that nothing reaches are left out."""
    degree = np.diff(near.start)
    site = _ascending(near)
    seen: dict[bytes, int] = {}
    label = np.array(
        [
            seen.setdefault(site[near.start[i] : near.start[i + 1]].tobytes(), len(seen))
            for i in range(near.places)
        ],
        dtype=np.int64,
    )
    first = np.full(len(seen), near.places, dtype=np.int64)
    np.minimum.at(first, label, np.arange(near.places))
    total: Floats = np.bincount(label, weights, minlength=len(seen)).astype(np.float64)
    there = degree[first] > 0
    return near.rows(first[there]), total[there]


def fewest_sites(near: SiteCosts, locked: Bools) -> Chosen:
    """Return as few sites as can be that reach every place with an entry, and all locked ones.

    Parameters
    ----------
    near
        Entries are the places that a site reaches; what they cost does not matter.
    locked
        (sites,) those that are open in any case.
    """
    rows = np.repeat(np.arange(near.places), np.diff(near.start))
    covered = np.diff(near.start) == 0
    covered[rows[locked[near.site]]] = True
    left = _reduced(near.rows(np.flatnonzero(~covered)))
    part_of_place, parts = parts_of(left)
    chosen, bound = locked.copy(), int(locked.sum())
    order = np.argsort(part_of_place, kind="stable")
    ends = np.searchsorted(part_of_place[order], np.arange(parts + 1))
    for part in np.flatnonzero(np.diff(ends) > 0):
        own = left.rows(order[ends[part] : ends[part + 1]])
        sites, least = _solve(own)
        chosen[sites] = True
        bound += least
    return Chosen(is_open=chosen, cost=float(chosen.sum()), bound=float(bound))


def can_cover(near: SiteCosts, count: int, locked: Bools) -> tuple[Bools | None, bool]:
    """Return so many sites that reach every place, where a search finds them.

    With them comes whether there may be such sites: not where a Lagrangian bound says that some
    place stays without.
    """
    if (np.diff(near.start) == 0).any() or locked.sum() > count:
        return None, False
    reach = make_reach(
        np.diff(near.start), near.site, np.zeros(len(near.site)), np.ones(near.places), near.sites
    )
    is_open = search(reach, count, locked)
    missed = reach.cost_of(is_open)
    if missed == 0:
        return is_open, True
    if count >= near.sites:
        return None, False
    bound, _, _, met, _ = relax(
        reach.start, reach.site, reach.cost, reach.limit, locked, count,
        np.full(near.places, 0.5), 1.0, 0.99, _SUBGRADIENTS,
    )  # fmt: skip
    if bound > 1e-6:
        return None, False
    for start in (is_open, met):
        found, missed = kick(reach, start, reach.cost_of(start), locked, goal=0.0)
        if missed == 0:
            return found, True
    return None, True


def _reduced(reach: SiteCosts) -> SiteCosts:
    """Return the places and entries that decide: what covers these covers all."""
    for _ in range(_ROUNDS):
        size = len(reach.site)
        places = np.ones(reach.places, dtype=bool)
        start, site = reach.start, _ascending(reach)
        drop_dominated(start, site, reach.of_site, reach.place, places, 1)
        reach = reach.rows(np.flatnonzero(places))
        sites = np.diff(reach.of_site) > 0
        drop_dominated(reach.of_site, reach.place, reach.start, reach.site, sites, 0)
        reach = reach.chosen(sites[reach.site])
        if len(reach.site) == size:
            break
    return reach


def _ascending(reach: SiteCosts) -> Ints:
    """Return the sites of each place in ascending order."""
    rows = np.repeat(np.arange(reach.places), np.diff(reach.start))
    return reach.site[np.lexsort((reach.site, rows))]


def parts_of(reach: SiteCosts) -> tuple[Ints, int]:
    """Return the part that each place is in, and how many numbers of parts there are."""
    n, m = reach.places, reach.sites
    rows = np.repeat(np.arange(n), np.diff(reach.start))
    links = sparse.coo_array(
        (np.ones(len(rows), dtype=np.int8), (rows, n + reach.site)), shape=(n + m, n + m)
    )
    parts, label = connected_components(links, directed=False)
    return label[:n].astype(np.int64), int(parts)


def _solve(part: SiteCosts) -> tuple[Ints, int]:
    """Return rows of sites that cover all places of a part, and the fewest that could."""
    sites = np.flatnonzero(np.diff(part.of_site) > 0)
    index = np.full(part.sites, -1)
    index[sites] = np.arange(len(sites))
    reach = make_reach(
        np.diff(part.start), index[part.site], np.zeros(len(part.site)), part.limit, len(sites)
    )
    none = np.zeros(len(sites), dtype=bool)
    best = cover_greedily(reach.of_site, reach.place, reach.start, reach.site, none)
    least = 1 if best.sum() == 1 else 2
    while best.sum() > least:
        fewer, possible = can_cover(reach, int(best.sum()) - 1, none)
        if fewer is not None:
            best = fewer
        elif possible:
            break
        else:
            least = int(best.sum())
    if best.sum() == least:
        return sites[best], least
    below = int(best.sum()) - 2
    while below >= least and can_cover(reach, below, none)[1]:
        below -= 1
    least = max(least, below + 1)
    if len(reach.site) > _ENTRIES:
        return sites[best], least
    ones = np.ones(len(sites))
    table: sparse.csr_array[np.float64] = sparse.csr_array(
        (np.ones(len(reach.site)), reach.site, reach.start), shape=(reach.places, len(sites))
    )
    found = milp(
        ones, integrality=np.ones(len(sites), dtype=np.int64), bounds=Bounds(0, 1),
        constraints=[
            LinearConstraint(table, 1.0, np.inf),
            LinearConstraint(ones[None, :], least, float(best.sum() - 1)),
        ],
        options={"mip_rel_gap": 0.0, "node_limit": _NODES},
    )  # fmt: skip
    if found.x is not None:
        best = found.x > 0.5
    if found.status in (0, 2):
        return sites[best], int(best.sum())
    dual = found.mip_dual_bound
    if dual is not None and np.isfinite(dual):
        least = min(int(best.sum()), max(least, int(np.ceil(dual - 1e-6))))
    return sites[best], least
