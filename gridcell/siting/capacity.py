"""Places served by sites that can serve no more than so much.

For given sites this is a transportation problem (Hitchcock 1941, doi:10.1002/sapm1941201224): its
linear programme serves all places but a few as wholes, and these go where there is room. Which
sites to open decides a mixed-integer programme where it is small, else each group of places is
given its best site in turn, as long as that helps (Cooper 1964, doi:10.1137/1006005).
"""

from typing import Final

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from gridcell.siting.kernels import Bools, Floats, Ints, serve
from gridcell.siting.reach import SiteCosts
from gridcell.siting.search import Chosen

_ENTRIES: Final = 200_000
"""Pairs of places and open sites up to which the transportation problem is solved."""
_JOINT: Final = 4_000
"""Pairs of places and sites up to which sites are chosen by a programme."""
_NODES: Final = 500
_ROUNDS: Final = 20
_HALF: Final = 0.5


def serve_within(
    reach: SiteCosts, is_open: Bools, weights: Floats, capacity: Floats
) -> tuple[Ints, Floats]:
    """Return the site that serves each place and what it costs, keeping to what sites can serve.

    Places for which no site has room are served by the nearest, which is then over its capacity.

    Parameters
    ----------
    reach
        Costs in proportion to weights; a place without a site has -1 and its limit.
    is_open
        (sites,).
    weights
        (places,).
    capacity
        (sites,) most weight of each.
    """
    nearest, cost = serve(reach.start, reach.site, reach.cost, reach.limit, is_open)
    load = np.bincount(nearest[nearest >= 0], weights[nearest >= 0], minlength=reach.sites)
    if (load <= capacity + 1e-9).all():
        return nearest, cost
    rows = np.repeat(np.arange(reach.places), np.diff(reach.start))
    entries = np.flatnonzero(is_open[reach.site] & (reach.cost < reach.limit[rows]))
    place, site, price = rows[entries], reach.site[entries], reach.cost[entries]
    wanted = np.zeros(len(entries))
    if len(entries) <= _ENTRIES:
        wanted = _transport(place, site, price, weights, capacity, reach)
    # Whole shares first, then the heaviest, each to where its share is largest and there is room.
    order = np.lexsort((price, -wanted, place))
    place, site, price, wanted = place[order], site[order], price[order], wanted[order]
    first = np.searchsorted(place, np.arange(reach.places + 1))
    served = first[1:] > first[:-1]
    share = np.zeros(reach.places)
    share[served] = wanted[first[:-1][served]]
    room = capacity.copy()
    for i in np.lexsort((np.arange(reach.places), -weights, -np.round(share, 6))):
        for e in range(first[i], first[i + 1]):
            if room[site[e]] >= weights[i] - 1e-9:
                room[site[e]] -= weights[i]
                nearest[i], cost[i] = site[e], price[e]
                break
        else:
            if nearest[i] >= 0:
                room[nearest[i]] -= weights[i]
    return nearest, cost


def _transport(
    place: Ints, site: Ints, price: Floats, weights: Floats, capacity: Floats, reach: SiteCosts
) -> Floats:
    """Return the share of each place that each site serves at least cost."""
    k, n = len(place), reach.places
    sites = np.unique(site[np.isfinite(capacity[site])])
    index = np.full(reach.sites, -1)
    index[sites] = np.arange(len(sites))
    bound = np.flatnonzero(index[site] >= 0)
    columns = np.arange(k)
    ones = sparse.hstack(
        [sparse.csr_array((np.ones(k), (place, columns)), shape=(n, k)), sparse.eye_array(n)]
    )
    load = sparse.csr_array(
        (weights[place[bound]], (index[site[bound]], bound)), shape=(len(sites), k + n)
    )
    dear = np.maximum(reach.limit, weights * float((price / weights[place]).max(initial=0.0)))
    found = milp(
        np.concatenate([price, 4 * dear + 1.0]),
        # Few places are given whole from the start.
        integrality=np.full(k + n, int(k <= _JOINT)),
        bounds=Bounds(0, np.inf),
        constraints=[
            LinearConstraint(ones, 1.0, 1.0), LinearConstraint(load, -np.inf, capacity[sites]),
        ],
        options={"mip_rel_gap": 0.0, "node_limit": _NODES},
    )  # fmt: skip
    return np.round(found.x[:k], 9) if found.x is not None else np.zeros(k)


def choose_with_room(
    reach: SiteCosts, weights: Floats, capacity: Floats, locked: Bools, first: Chosen
) -> Chosen:
    """Return as many sites that serve better within what they can serve.

    Parameters
    ----------
    reach, weights, capacity
        As `serve_within`.
    locked
        (sites,) those that are open in any case.
    first
        Sites chosen without regard to capacities; their bound holds with them all the more.
    """
    count = int(first.is_open.sum())
    if len(reach.site) <= _JOINT:
        found = _joint(reach, weights, capacity, locked, count)
        if found is not None:
            return found
    is_open, cost = first.is_open, _cost(reach, first.is_open, weights, capacity)
    for _ in range(_ROUNDS):
        other = _recentred(reach, is_open, weights, capacity, locked)
        now = _cost(reach, other, weights, capacity)
        if now >= cost:
            break
        is_open, cost = other, now
    return Chosen(is_open=is_open, cost=cost, bound=min(first.bound, cost))


def _cost(reach: SiteCosts, is_open: Bools, weights: Floats, capacity: Floats) -> float:
    """Return what all cost, and for each too many at a site a great deal more."""
    nearest, cost = serve_within(reach, is_open, weights, capacity)
    there = nearest >= 0
    load = np.bincount(nearest[there], weights[there], minlength=reach.sites)
    over = np.maximum(load - capacity, 0.0).sum()
    dear = float((reach.limit / weights).max(initial=0.0))
    return float(cost.sum() + over * dear)


def _recentred(
    reach: SiteCosts, is_open: Bools, weights: Floats, capacity: Floats, locked: Bools
) -> Bools:
    """Return the sites, each moved to where its places are served best."""
    nearest, _ = serve_within(reach, is_open, weights, capacity)
    rows = np.repeat(np.arange(reach.places), np.diff(reach.start))
    saved = np.maximum(reach.limit[rows] - reach.cost, 0.0)
    other = locked.copy()
    for site in np.flatnonzero(is_open & ~locked):
        own = (nearest == site)[rows]
        worth = np.bincount(reach.site[own], saved[own], minlength=reach.sites)
        load = weights[nearest == site].sum()
        worth[(capacity < min(load, capacity[site])) | other] = -1.0
        best = site if worth[site] >= worth.max() and not other[site] else int(worth.argmax())
        other[best] = True
    return other


def _joint(
    reach: SiteCosts, weights: Floats, capacity: Floats, locked: Bools, count: int
) -> Chosen | None:
    """Return the best sites by a programme, ``None`` where none serves all within capacities."""
    k, n, m = len(reach.site), reach.places, reach.sites
    rows = np.repeat(np.arange(n), np.diff(reach.start))
    limited = np.isfinite(capacity)
    size = m + k + n
    columns = m + np.arange(k)
    served = sparse.csr_array(
        (np.ones(k + n), (np.concatenate([rows, np.arange(n)]), np.arange(m, size))),
        shape=(n, size),
    )
    opened = sparse.csr_array(
        (
            np.concatenate([np.ones(k), -np.ones(k)]),
            (np.tile(np.arange(k), 2), np.concatenate([columns, reach.site])),
        ),
        shape=(k, size),
    )
    own = limited[reach.site]
    load = sparse.csr_array(
        (
            np.concatenate([weights[rows[own]], -np.where(limited, capacity, 0.0)]),
            (
                np.concatenate([reach.site[own], np.arange(m)]),
                np.concatenate([columns[own], np.arange(m)]),
            ),
        ),
        shape=(m, size),
    )
    number = np.concatenate([np.ones(m), np.zeros(k + n)])
    found = milp(
        np.concatenate([np.zeros(m), reach.cost, reach.limit]),
        integrality=np.ones(size, dtype=np.int64),
        bounds=Bounds(np.concatenate([locked.astype(np.float64), np.zeros(k + n)]), 1.0),
        constraints=[
            LinearConstraint(served, 1.0, 1.0), LinearConstraint(opened, -np.inf, 0.0),
            LinearConstraint(load, -np.inf, 0.0),
            LinearConstraint(number[None, :], count, count),
        ],
        options={"mip_rel_gap": 0.0, "node_limit": _NODES},
    )  # fmt: skip
    if found.x is None:
        return None
    is_open = found.x[:m] > _HALF
    bound = found.fun if found.status == 0 else min(found.mip_dual_bound, found.fun)
    return Chosen(is_open=is_open, cost=float(found.fun), bound=float(bound))
