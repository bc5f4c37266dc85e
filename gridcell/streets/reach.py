"""How far it is between nodes of the network: shortest paths on the part of it that matters.

A way of d metres stays within d / 2 of its ends. What is found on the nodes within some margin of
all places is therefore the shortest way where it is no longer than twice the margin.

Dijkstra 1959, doi:10.1007/BF01386390, as SciPy has it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from gridcell.arrays import run_starts, spread
from gridcell.streets.joined import Joined

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_AT_ONCE: Final = 8_000_000
"""Distances that are held at once."""
_MARGIN_M: Final = 500.0
"""Least margin around places."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Ways:
    """Streets between neighbouring nodes, as a matrix."""

    graph: csr_array
    """(nodes, nodes) metres of the shortest street between two nodes."""
    node_xy: Floats
    """(nodes, 2)"""
    tail: Ints
    head: Ints
    metres: Floats
    """(streets,) nodes at the ends of each street, and its length."""
    key: Ints
    """(entries of the graph,) ``start * nodes + stop``, sorted."""
    shortest: Ints
    """(entries of the graph,) the street."""

    @classmethod
    def of(cls, tail: Ints, head: Ints, metres: Floats, node_xy: Floats) -> "Ways":
        """Return the ways along (streets,) streets, in both directions."""
        n = len(node_xy)
        start, stop = np.concatenate([tail, head]), np.concatenate([head, tail])
        twice = np.tile(metres, 2)
        order = np.lexsort((twice, stop, start))
        first = order[run_starts((start * n + stop)[order])]
        where = np.searchsorted(start[first], np.arange(n + 1))
        return cls(
            graph=csr_array((twice[first], stop[first], where), shape=(n, n)), node_xy=node_xy,
            tail=tail, head=head, metres=metres, key=start[first] * n + stop[first],
            shortest=first % len(tail) if len(tail) else first,
        )  # fmt: skip

    def table(self, origins: Joined, destinations: Joined, within_m: float | None) -> Floats:
        """Return (origins, destinations) metres, for places all of which are joined."""
        margin = self._margin(np.concatenate([origins.xy, destinations.xy]), within_m)
        near = self._near(np.concatenate([origins.xy, destinations.xy]), margin)
        out = self._table(origins, destinations, near, within_m)
        if within_m is None and not near.all():
            rows = np.flatnonzero((out > 2 * margin).any(axis=1))
            if len(rows):
                near[:] = True
                out[rows] = self._table(origins.take(rows), destinations, near, None)
        if within_m is not None:
            out[out > within_m] = np.inf
        return out

    def pairs(self, places: Joined, a: Ints, b: Ints, some: Ints) -> Floats:
        """Return the metres between rows `a` and `b` of places, for some pairs, which are joined.

        Fast where neighbouring pairs are of neighbouring places.
        """
        return self.over(places, a, b, some, lambda *ask: self._pairs(places, a, b, *ask))

    def over(
        self, places: Joined, a: Ints, b: Ints, some: Ints,
        ask: Callable[[Ints, Ints, Bools], Floats],
    ) -> Floats:  # fmt: skip
        """Return what a function says of some pairs, asked as few of them at a time as fits.

        It gets numbers of pairs, all nodes at the ends of their streets and the nodes near by, and
        returns metres. Where these could be less with more nodes, it is asked again.
        """
        out = np.empty(len(some))
        again = [np.empty(0, dtype=np.int64)]
        stack = [(0, len(some))] if len(some) else []
        while stack:
            low, high = stack.pop()
            asked = some[low:high]
            rows = np.unique(np.concatenate([a[asked], b[asked]]))
            ends = self._ends(places.take(rows))
            margin = self._margin(places.xy[rows], None)
            near = self._near(places.xy[rows], margin)
            if len(ends) * int(near.sum()) > _AT_ONCE and high - low > 1:
                middle = (low + high) // 2
                stack += [(low, middle), (middle, high)]
                continue
            out[low:high] = ask(asked, ends, near)
            if not near.all():
                again.append(low + np.flatnonzero(out[low:high] > 2 * margin))
        far = np.concatenate(again)
        everywhere = np.ones(len(self.node_xy), dtype=bool)
        step = max(1, _AT_ONCE // (4 * len(self.node_xy)))
        for start in range(0, len(far), step):
            rows = far[start : start + step]
            asked = some[rows]
            ends = self._ends(places.take(np.concatenate([a[asked], b[asked]])))
            out[rows] = ask(asked, ends, everywhere)
        return out

    def within(
        self, origins: Joined, destinations: Joined, within_m: float
    ) -> tuple[Ints, Ints, Floats]:
        """Return all pairs within reach: origin, destination, metres, one or more for each."""
        near = self._near(destinations.xy, within_m)
        sources = self._ends(origins)
        ends, rows, to_origin = self.doors(origins)
        at = np.searchsorted(sources, ends)
        order = np.argsort(at, kind="stable")
        of_source = np.searchsorted(at[order], np.arange(len(sources) + 1))
        node, whose, rest = self.doors(destinations)
        by_node = np.argsort(node, kind="stable")
        of_node = np.searchsorted(node[by_node], np.arange(len(self.node_xy) + 1))
        found = [beside(origins, destinations)]
        for start, reach in self._search(sources, near, within_m):
            source, column = np.nonzero(np.isfinite(reach))
            metres = reach[source, column]
            reached, source = np.flatnonzero(near)[column], source + start
            owner, place = spread(np.diff(of_node)[reached])
            item = by_node[of_node[reached][owner] + place]
            metres = metres[owner] + rest[item]
            short = metres <= within_m
            owner, item, metres = owner[short], item[short], metres[short]
            first, place = spread(np.diff(of_source)[source[owner]])
            door = order[of_source[source[owner]][first] + place]
            metres = metres[first] + to_origin[door]
            short = metres <= within_m
            found.append((rows[door[short]], whose[item[first[short]]], metres[short]))
        a, b, metres = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return a, b, metres

    def doors(self, places: Joined) -> tuple[Ints, Ints, Floats]:
        """Return for each place and end of its street: node, place, and metres between them."""
        ends = np.concatenate([self.tail[places.edge], self.head[places.edge]])
        metres = np.concatenate([places.along_m, self.metres[places.edge] - places.along_m])
        metres += np.tile(places.access_m, 2)
        return ends, np.tile(np.arange(len(places)), 2), metres

    def _ends(self, places: Joined) -> Ints:
        return np.unique(np.concatenate([self.tail[places.edge], self.head[places.edge]]))

    def _margin(self, xy: Floats, within_m: float | None) -> float:
        if within_m is not None:
            return within_m / 2
        return max(_MARGIN_M, float(np.hypot(*np.ptp(xy, axis=0))) / 2) if len(xy) else 0.0

    def _near(self, xy: Floats, margin: float) -> Bools:
        """Return which nodes are within a margin of the box around places."""
        if not len(xy):
            return np.zeros(len(self.node_xy), dtype=bool)
        low, high = xy.min(axis=0) - margin, xy.max(axis=0) + margin
        return np.asarray(((self.node_xy >= low) & (self.node_xy <= high)).all(axis=1))

    def _table(
        self, origins: Joined, destinations: Joined, near: Bools, limit: float | None
    ) -> Floats:
        sources, targets = self._ends(origins), self._ends(destinations)
        if len(sources) > len(targets):
            return self._table(destinations, origins, near, limit).T.copy()
        to_target = self._between(sources, targets, near, limit)
        tail = np.searchsorted(targets, self.tail[destinations.edge])
        head = np.searchsorted(targets, self.head[destinations.edge])
        along = destinations.along_m
        to_place = np.minimum(
            to_target[:, tail] + along,
            to_target[:, head] + (self.metres[destinations.edge] - along),
        )
        to_place += destinations.access_m
        tail = np.searchsorted(sources, self.tail[origins.edge])
        head = np.searchsorted(sources, self.head[origins.edge])
        along = origins.along_m[:, None]
        out = np.minimum(
            to_place[tail] + along, to_place[head] + (self.metres[origins.edge][:, None] - along)
        )
        out += origins.access_m[:, None]
        origin, destination, metres = beside(origins, destinations)
        np.minimum.at(out, (origin, destination), metres)
        return out

    def street(self, start: Ints, stop: Ints) -> Ints:
        """Return the shortest street between neighbouring nodes."""
        n = len(self.node_xy)
        return self.shortest[np.searchsorted(self.key, start * n + stop)]

    def _pairs(
        self, places: Joined, a: Ints, b: Ints, some: Ints, _ends: Ints, near: Bools
    ) -> Floats:
        a, b = a[some], b[some]
        from_, to = (self._ends(places.take(np.unique(rows))) for rows in (a, b))
        if len(from_) > len(to):
            a, b, from_, to = b, a, to, from_
        between = self._between(from_, to, near, None)
        out = np.full(len(a), np.inf)
        for from_a, rest_a in self.both_ends(places, a):
            for to_b, rest_b in self.both_ends(places, b):
                i, j = np.searchsorted(from_, from_a), np.searchsorted(to, to_b)
                out = np.minimum(out, rest_a + between[i, j] + rest_b)
        along = np.abs(places.along_m[a] - places.along_m[b])
        along += places.access_m[a] + places.access_m[b]
        out = np.where(places.edge[a] == places.edge[b], np.minimum(out, along), out)
        same = (places.xy[a] == places.xy[b]).all(axis=1)
        return np.where(same, 0.0, out)

    def both_ends(
        self, places: Joined, rows: Ints
    ) -> tuple[tuple[Ints, Floats], tuple[Ints, Floats]]:
        """Return both ends of the streets of places, and the metres to them."""
        edge = places.edge[rows]
        along, access = places.along_m[rows], places.access_m[rows]
        return (
            (self.tail[edge], access + along), (self.head[edge], access + self.metres[edge] - along)
        )  # fmt: skip

    def _between(self, sources: Ints, targets: Ints, near: Bools, limit: float | None) -> Floats:
        out = np.full((len(sources), len(targets)), np.inf)
        number = np.cumsum(near) - 1
        there = np.flatnonzero(near[targets])
        for start, reach in self._search(sources, near, limit):
            out[start : start + len(reach), there] = reach[:, number[targets[there]]]
        return out

    def _search(
        self, sources: Ints, near: Bools, limit: float | None
    ) -> Iterator[tuple[int, Floats]]:
        """Yield the first of some sources, and their distances to the near nodes."""
        graph = self.graph if near.all() else self.graph[near][:, near]
        number = np.where(near, np.cumsum(near) - 1, -1)
        step = max(1, _AT_ONCE // max(1, graph.shape[0]))
        for start in range(0, len(sources), step):
            some = number[sources[start : start + step]]
            reach = np.full((len(some), graph.shape[0]), np.inf)
            inside = some >= 0
            if inside.any():
                reach[inside] = dijkstra(
                    graph, indices=some[inside], limit=np.inf if limit is None else limit
                )
            yield start, reach


def beside(origins: Joined, destinations: Joined) -> tuple[Ints, Ints, Floats]:
    """Return the pairs on one street, and how far they are along it."""
    order = np.argsort(destinations.edge, kind="stable")
    low = np.searchsorted(destinations.edge[order], origins.edge)
    high = np.searchsorted(destinations.edge[order], origins.edge, side="right")
    origin, place = spread(high - low)
    destination = order[low[origin] + place]
    metres = np.abs(origins.along_m[origin] - destinations.along_m[destination])
    metres += origins.access_m[origin] + destinations.access_m[destination]
    same = (origins.xy[origin] == destinations.xy[destination]).all(axis=1)
    return origin, destination, np.where(same, 0.0, metres)
