"""What can be worked out of counts and their sums: `feasibility_intervals`, the auditing problem.

Counts and sums are the arcs of a network, and what flows into a node flows out of it. A total that
is divided is a node: the total comes in, its parts go out. Two divisions of the same land are two
such trees (linked hierarchical tables), one upside down behind the other, with the pieces in which
their cells overlap between them. The feasibility interval of a suppressed count is then a question
of flows: the count can grow by as much as can go round, from its head over suppressed arcs that
grow and (against their direction) shrink, back to its tail, and only arcs of its own block (its
2-connected part of the suppressed network) matter.

References
----------
Castro, J. (2012). Recent advances in optimization techniques for statistical tabular data
protection. European Journal of Operational Research 216, 257-269.
Gusfield, D. (1988). A graph theoretic approach to statistical data security. SIAM Journal on
Computing 17, 552-571.
Hundepool, A. et al. (2012). Statistical Disclosure Control. Wiley.
Hopcroft, J., Tarjan, R. (1973). Algorithm 447: efficient algorithms for graph manipulation.
Communications of the ACM 16, 372-378.
"""

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, maximum_flow

Ints = NDArray[np.int64]

UNBOUNDED: Final = 10**6
"""What a count may grow by at most, as far as anybody asks."""

_NO_END: Final = 2**30


def gives_away(
    low: ArrayLike, high: ArrayLike, *, threshold: int, single: ArrayLike = False
) -> NDArray[np.bool_]:
    """Tell which intervals give a count away: the one rule of every audit and every suppression.

    Sensitive (primary) are counts from 1 to one below the threshold, and those of a single building
    that is no cell. Whoever has only what is published cannot tell which suppressed counts
    these are, so an interval that can be one's must be as wide as the threshold. A suppressed count
    that is surely the threshold or more, or 0, was suppressed for the sake of others, and needs no
    interval (Hundepool et al. 2012, chapter 4).

    Parameters
    ----------
    low, high
        Least and greatest values.
    threshold
        Minimum cell count, and width of intervals.
    single
        Which counts are those of a single building that is no cell.

    Examples
    --------
    Of these the second can be 4 and is known to within 3, the last is 7 in a single building.

    >>> gives_away([0, 4, 5, 7], [5, 6, 6, 7], threshold=5, single=[False, False, False, True])
    array([False,  True, False,  True])
    """
    least, most = np.asarray(low), np.asarray(high)
    sensitive = (most >= 1) & ((least < threshold) | np.asarray(single))
    return np.asarray(sensitive & (most - least < threshold), dtype=np.bool_)


def feasibility_intervals(
    tail: Ints,
    head: Ints,
    count: Ints,
    suppressed: NDArray[np.bool_],
    wanted: NDArray[np.bool_] | None = None,
) -> tuple[Ints, Ints]:
    """Return the least and greatest value of each count for who knows all that are published.

    Parameters
    ----------
    tail, head
        (n,) nodes, numbered from 0, that each count leads from and to.
    count
        (n,) whole numbers from 0; what flows into a node flows out of it. Values of suppressed
        counts may be any that agree with the others, as from `feasible_counts`: the intervals are
        the same.
    suppressed
        (n,) which counts are not known, but that they are no less than 0.
    wanted
        (n,) of which suppressed counts intervals are wanted; all if not given.

    Returns
    -------
    Two (n,) arrays; for counts that are published or not wanted both are the count. Counts without
    an upper end are given as `UNBOUNDED` more.

    Examples
    --------
    A total of 9 over two counts that are suppressed: each may be any number up to it.

    >>> import numpy as np
    >>> tail, head = np.array([0, 1, 1]), np.array([1, 0, 0])
    >>> low, high = feasibility_intervals(
    ...     tail, head, np.array([9, 2, 7]), np.array([False, True, True])
    ... )
    >>> low.tolist(), high.tolist()
    ([9, 0, 0], [9, 9, 9])
    """
    low, high = count.copy(), count.copy()
    where = np.flatnonzero(suppressed)
    unknown = SuppressedCounts(tail[where], head[where], count[where])
    for number, arc in enumerate(where):
        if wanted is not None and not wanted[arc]:
            continue
        up, down = unknown.deviations(number)
        low[arc], high[arc] = count[arc] - down, count[arc] + up
    return low, high


def feasible_counts(
    tail: Ints, head: Ints, count: Ints, suppressed: NDArray[np.bool_]
) -> tuple[Ints, NDArray[np.bool_]]:
    """Return counts that agree with all that are published, and where there are such.

    Parameters
    ----------
    tail, head
        As in `feasibility_intervals`.
    count
        (n,) values of suppressed counts are not looked at.
    suppressed
        (n,) which counts are not known.

    Returns
    -------
    (n,) counts, and (n,) whether there are counts that agree with those published at both ends and
    at all nodes that suppressed counts join to these; elsewhere what is published contradicts
    itself.
    """
    nodes = int(max(tail.max(initial=-1), head.max(initial=-1))) + 1
    published = np.where(suppressed, 0, count)
    # What published counts bring to a node and do not take away must leave over suppressed ones.
    brought, taken = (np.bincount(ends, published, nodes) for ends in (head, tail))
    surplus = (brought - taken).astype(np.int64)
    source, target = nodes, nodes + 1
    gives, takes = np.flatnonzero(surplus > 0), np.flatnonzero(surplus < 0)
    where = np.flatnonzero(suppressed)
    start = np.concatenate([tail[where], np.full(len(gives), source), takes])
    end = np.concatenate([head[where], gives, np.full(len(takes), target)])
    cap = np.concatenate([np.full(len(where), _NO_END), surplus[gives], -surplus[takes]])
    # Arcs side by side are one arc of the solver; the first of them takes what flows.
    pair = start * (nodes + 2) + end
    _, first = np.unique(pair, return_index=True)
    graph = csr_array(
        (cap[first].astype(np.int32), (start[first], end[first])), shape=(nodes + 2,) * 2
    )
    flown = maximum_flow(graph, source, target).flow.tocoo()
    by_pair = pd.Series(flown.data, index=flown.row.astype(np.int64) * (nodes + 2) + flown.col)
    flow = by_pair.reindex(pair, fill_value=0).to_numpy(np.int64)
    out = published.copy()
    used = first[first < len(where)]
    # The flow back is told as a negative one.
    out[where[used]] = np.maximum(flow[used], 0)
    suppressed_arcs = csr_array(
        (np.ones(len(where)), (tail[where], head[where])), shape=(nodes, nodes)
    )
    _, part = connected_components(suppressed_arcs, directed=False)
    lacking = np.zeros(nodes, dtype=np.int64)
    np.add.at(lacking, part[np.concatenate([gives, takes])], cap[len(where) :])
    np.subtract.at(lacking, part[np.concatenate([gives, takes])], flow[len(where) :])
    agrees = (lacking == 0)[part]
    return out, agrees[tail] & agrees[head]


def blocks(tail: Ints, head: Ints) -> Ints:
    """Return the block of each arc: two arcs are in one block where a closed way has both.

    Parameters
    ----------
    tail, head
        (n,) nodes, numbered from 0, two different ones each; directions do not matter.
    """
    nodes = int(max(tail.max(initial=-1), head.max(initial=-1))) + 1
    order = np.argsort(np.concatenate([tail, head]), kind="stable")
    ends = np.concatenate([head, tail])[order].tolist()
    arcs = np.concatenate([np.arange(len(tail))] * 2)[order].tolist()
    starts = np.searchsorted(np.concatenate([tail, head])[order], np.arange(nodes + 1)).tolist()
    out = np.full(len(tail), -1, dtype=np.int64)
    seen, lowest = [0] * nodes, [0] * nodes
    clock = number = 0
    for root in range(nodes):
        if seen[root]:
            continue
        clock += 1
        seen[root] = lowest[root] = clock
        way = [(root, -1, starts[root])]
        open_arcs: list[int] = []
        while way:
            node, came, at = way.pop()
            if at < starts[node + 1]:
                way.append((node, came, at + 1))
                arc, end = arcs[at], ends[at]
                if arc == came or (seen[end] > seen[node]):
                    continue
                open_arcs.append(arc)
                if seen[end]:
                    lowest[node] = min(lowest[node], seen[end])
                else:
                    clock += 1
                    seen[end] = lowest[end] = clock
                    way.append((end, arc, starts[end]))
            elif way:
                above = way[-1][0]
                lowest[above] = min(lowest[above], lowest[node])
                if lowest[node] >= seen[above]:
                    arc = -1
                    while arc != came:
                        arc = open_arcs.pop()
                        out[arc] = number
                    number += 1
    return out


class SuppressedCounts:
    """Suppressed counts as a network of their own, block by block."""

    def __init__(self, tail: Ints, head: Ints, count: Ints) -> None:
        block = blocks(tail, head)
        order = np.argsort(block, kind="stable")
        edges = np.searchsorted(block[order], np.arange(int(block.max(initial=-1)) + 2))
        self._count = np.minimum(count, UNBOUNDED)
        self._ends = tail, head
        self._block, self._order, self._edges = block, order, edges

    def deviations(self, number: int, enough: int = UNBOUNDED) -> tuple[int, int]:
        """Return by how much a suppressed count can grow and shrink, up to what is enough."""
        block = self._block[number]
        here = self._order[self._edges[block] : self._edges[block + 1]]
        tail, head = (ends[here] for ends in self._ends)
        nodes, place = np.unique(np.concatenate([tail, head]), return_inverse=True)
        tail, head = place[: len(here)], place[len(here) :]
        own = int(np.searchsorted(here, number))
        others = np.arange(len(here)) != own
        count = self._count[here][others]
        # A count grows along tail -> head, and shrinks, at most to 0, along head -> tail.
        cap = np.concatenate([np.full(len(count), enough), np.minimum(count, enough)])
        ends = int(tail[own]), int(head[own])
        up, down = (
            _flow(tail[others], head[others], cap, source, sink, len(nodes), enough)
            for source, sink in (ends[::-1], ends)
        )
        return up, min(down, int(self._count[number]))


def _flow(tail: Ints, head: Ints, cap: Ints, source: int, sink: int, size: int, enough: int) -> int:
    """Return how much can flow from one node to another, up to what is enough."""
    start, end = np.concatenate([tail, head, [size]]), np.concatenate([head, tail, [source]])
    caps = np.append(cap, enough).astype(np.int64)
    # The last node feeds the source: the search for ways ends when enough has flown.
    graph = csr_array((caps, (start, end)), shape=(size + 1, size + 1))
    graph.data = np.minimum(graph.data, _NO_END)
    return int(maximum_flow(graph.astype(np.int32), size, sink).flow_value)
