"""Branch and bound over sites with Lagrangian bounds, and HiGHS where little is left."""

import heapq
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from gridcell.siting.kernels import Bools, Floats, Ints, relax, two_nearest_of
from gridcell.siting.reach import SiteCosts, make_reach
from gridcell.siting.search import Chosen, better, kick

_FIRST_ROUNDS: Final = 800
_ROUNDS: Final = 120
"""Rounds of subgradients at the root, and at each node."""
_NODES: Final = 3_000
_WORK: Final = 500_000_000
"""Nodes times entries at the root."""
_HELD: Final = 20_000_000
"""Entries of all open nodes together, some 50 bytes each."""
_STEPS: Final = 1_500
"""Steps of distance in a programme that HiGHS is given."""
NODES: Final = 2_000
"""Nodes of HiGHS."""
_TINY: Final = 1e-9


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class _Node:
    """What is left of a problem where some sites are decided."""

    reach: SiteCosts
    """Of undecided sites; limits are what the nearest site costs that is open for sure."""
    sites: Ints
    """Rows of these in the whole problem."""
    fixed: Ints
    """Rows of those open for sure."""
    count: int
    """Of the undecided ones, how many open."""
    base: float
    """What places cost for which nothing is undecided."""
    price: Floats
    bound: float


@dataclass(eq=False, slots=True)
class _Best:
    """The best solution so far."""

    reach: SiteCosts
    locked: Bools
    is_open: Bools
    cost: float
    slack: float

    def offer(self, sites: Ints, *, improve: bool = True) -> None:
        """Take sites, by their rows, where they are better after swaps."""
        other = np.zeros(self.reach.sites, dtype=bool)
        other[sites] = True
        if improve:
            self.is_open, self.cost = better(
                self.reach, self.is_open, self.cost, other, self.locked
            )
        elif (cost := self.reach.cost_of(other)) < self.cost:
            self.is_open, self.cost = other, cost

    @property
    def goal(self) -> float:
        """What a better solution costs at most."""
        return self.cost - self.slack


def branch(reach: SiteCosts, count: int, locked: Bools, is_open: Bools, step: float) -> Chosen:
    """Return the best sites, from good ones on.

    Parameters
    ----------
    reach, count, locked, step
        As `gridcell.siting.median.least_cost`.
    is_open
        Sites that no swap improves.
    """
    cost = reach.cost_of(is_open)
    slack = max(step * (1 - 1e-6), _TINY * max(1.0, cost))
    best = _Best(reach, locked, is_open, cost, slack)
    near, after = two_nearest_of(reach.start, reach.site, reach.cost, reach.limit, is_open)
    root = _Node(
        reach=reach, sites=np.arange(reach.sites), fixed=np.empty(0, dtype=np.int64), count=count,
        base=0.0, price=near + (after - near) / 2, bound=-np.inf,
    )  # fmt: skip
    root = _compact(root, keep=np.ones(len(reach.site), dtype=bool), opened=np.flatnonzero(locked),
                    closed=np.zeros(reach.sites, dtype=bool))  # fmt: skip
    made, nodes = 0, min(_NODES, 1 + _WORK // max(1, len(reach.site)))
    heap = [(root.bound, made, root)]
    done = held = 0
    while heap and heap[0][0] < best.goal and done < nodes and held <= _HELD:
        _, _, node = heapq.heappop(heap)
        held -= len(node.reach.site) if done else 0
        done += 1
        for child in _branches(node, best, first=done == 1):
            if child.bound < best.goal:
                made += 1
                held += len(child.reach.site)
                heapq.heappush(heap, (child.bound, made, child))
    bound = min([best.cost, *(bound for bound, _, _ in heap)])
    if bound >= best.goal:
        bound = best.cost
    elif step:
        bound = step * float(np.ceil(bound / step - 1e-6))
    return Chosen(is_open=best.is_open, cost=best.cost, bound=float(bound))


def _branches(node: _Node, best: _Best, *, first: bool) -> list[_Node]:
    """Return what remains to be looked at of a node."""
    reach = node.reach
    if node.count >= reach.sites or node.count <= 0:
        best.offer(np.concatenate([node.fixed, node.sites[: max(0, node.count)]]), improve=False)
        return []
    nobody = np.zeros(reach.sites, dtype=bool)
    bound, price, reduced, met, _ = relax(
        reach.start, reach.site, reach.cost, reach.limit, nobody, node.count, node.price,
        best.cost - node.base, best.slack, _FIRST_ROUNDS if first else _ROUNDS,
    )  # fmt: skip
    bound = max(node.bound, bound + node.base)
    if bound >= best.goal:
        return []
    best.offer(np.concatenate([node.fixed, node.sites[met]]))
    if first and bound < best.goal:
        best.is_open, best.cost = kick(best.reach, best.is_open, best.cost, best.locked)
    room = best.goal - bound
    if room <= 0:
        return []
    order = np.argsort(reduced, kind="stable")
    last, following = reduced[order[node.count - 1]], reduced[order[node.count]]
    among = np.zeros(reach.sites, dtype=bool)
    among[order[: node.count]] = True
    closed = ~among & (reduced - last > room)
    opened = np.flatnonzero(among & (following - reduced > room))
    # A place served at more than its price costs the difference, whatever else is open.
    most = price + room
    keep = reach.cost <= np.repeat(most, np.diff(reach.start))
    rest = _Node(
        reach=reach, sites=node.sites, fixed=node.fixed, count=node.count, base=node.base,
        price=price, bound=bound,
    )  # fmt: skip
    # Places must be served at what they can cost at most; their limits tell whether they are.
    rest = _compact(rest, keep=keep, opened=opened, closed=closed)
    if rest.count < 0 or rest.reach.sites < rest.count or rest.base >= best.goal:
        return []
    if not len(rest.reach.site) or rest.count in (0, rest.reach.sites):
        best.offer(np.concatenate([rest.fixed, rest.sites[: rest.count]]), improve=False)
        return []
    if _levels(rest.reach) <= _STEPS:
        solved = _programme(rest, best)
        if solved:
            return []
    return _split(rest, reduced, node)


def _split(rest: _Node, reduced: Floats, node: _Node) -> list[_Node]:
    """Return the node with its most valuable site open, and with it closed."""
    worth = dict(zip(node.sites.tolist(), reduced.tolist(), strict=True))
    saved = np.array([worth[site] for site in rest.sites.tolist()])
    site = int(np.argsort(saved, kind="stable")[0])
    keep = np.ones(len(rest.reach.site), dtype=bool)
    no = np.zeros(rest.reach.sites, dtype=bool)
    shut = no.copy()
    shut[site] = True
    return [
        _compact(rest, keep=keep, opened=np.array([site]), closed=no),
        _compact(rest, keep=keep, opened=np.empty(0, dtype=np.int64), closed=shut),
    ]


def _compact(node: _Node, *, keep: Bools, opened: Ints, closed: Bools) -> _Node:
    """Return the node without what is decided.

    Parameters
    ----------
    keep
        (entries,) which may matter.
    opened, closed
        Sites of the node that are open for sure, by their rows; and, a mark each, closed.
    """
    reach = node.reach
    limit = reach.limit.copy()
    for site in opened:
        some = slice(reach.of_site[site], reach.of_site[site + 1])
        np.minimum.at(limit, reach.place[some], reach.price[some])
    decided = closed.copy()
    decided[opened] = True
    rows = np.repeat(np.arange(reach.places), np.diff(reach.start))
    keep = keep & ~decided[reach.site] & (reach.cost < limit[rows])
    free = np.flatnonzero(~decided)
    index = np.full(reach.sites, -1)
    index[free] = np.arange(len(free))
    degree = np.bincount(rows[keep], minlength=reach.places)
    there = degree > 0
    return _Node(
        reach=make_reach(
            degree[there], index[reach.site[keep]], reach.cost[keep], limit[there], len(free)
        ),
        sites=node.sites[free], fixed=np.concatenate([node.fixed, node.sites[opened]]),
        count=node.count - len(opened), base=node.base + float(limit[~there].sum()),
        price=node.price[there], bound=node.bound,
    )  # fmt: skip


def _levels(reach: SiteCosts) -> int:
    rows = np.repeat(np.arange(reach.places), np.diff(reach.start))
    return int(((rows[1:] != rows[:-1]) | (reach.cost[1:] != reach.cost[:-1])).sum()) + 1


def _programme(node: _Node, best: _Best) -> bool:
    """Offer the best solution of a node to the best of all; return whether nothing is left."""
    rest = node.reach
    rows = np.repeat(np.arange(rest.places), np.diff(rest.start))
    # A level is a distance at which a place has sites.
    first = np.ones(len(rows), dtype=bool)
    first[1:] = (rows[1:] != rows[:-1]) | (rest.cost[1:] != rest.cost[:-1])
    level, levels = np.cumsum(first) - 1, int(first.sum())
    row_of, at = rows[first], rest.cost[first]
    nearest = np.concatenate([[True], row_of[1:] != row_of[:-1]])
    last = np.append(nearest[1:], True)
    beyond = np.where(last, rest.limit[row_of], np.append(at[1:], 0.0))
    k, inner = rest.sites, np.flatnonzero(~nearest)
    scale = max(best.cost - node.bound, 1e-12)
    table = sparse.csr_array(
        (
            np.concatenate([np.ones(len(rows) + levels), -np.ones(len(inner))]),
            (
                np.concatenate([level, np.arange(levels), inner]),
                np.concatenate([rest.site, k + np.arange(levels), k + inner - 1]),
            ),
        ),
        shape=(levels, k + levels),
    )
    number = np.concatenate([np.ones(k), np.zeros(levels)])
    found = milp(
        np.concatenate([np.zeros(k), (beyond - at) / scale]),
        integrality=number,
        bounds=Bounds(0, 1),
        constraints=[
            LinearConstraint(table, nearest.astype(np.float64), np.inf),
            LinearConstraint(number[None, :], node.count, node.count),
        ],
        options={"mip_rel_gap": 0.0, "node_limit": NODES},
    )
    if found.x is not None:
        best.offer(np.concatenate([node.fixed, node.sites[found.x[:k] > 0.5]]), improve=False)
    return bool(found.status == 0)
