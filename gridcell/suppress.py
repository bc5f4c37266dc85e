"""Counts in a table with public totals, hidden so that nobody can work them out: `suppress`.

A count under the threshold is hidden, and then others, so that sums do not give it away: whoever
knows the total of every row and column and every count shown still finds, for each hidden one, a
range of possible values at least as wide as the threshold. In a table of two dimensions that range
is a question of flows: a hidden count can grow by as much as can go round, from its column over
hidden counts that shrink and grow in turn, back to its row. What to hide is found by shortest paths
(Cox's network heuristic): few counts and near ones, then small ones. Where they find no way that is
wide enough alone, maximum flows measure what several ways give together, and more is hidden until
it is enough.

References
----------
Cox, L. H. (1995). Network models for complementary cell suppression. Journal of the American
Statistical Association 90, 1453-1462.
"""

import heapq
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, maximum_flow

Ints = NDArray[np.int64]

_PLENTY: Final = 10**6
"""More than any width asked for: what a count may grow by."""

_NEW_STEP: Final = 4
_OLD_STEP: Final = 1
_FARTHEST: Final = 48
"""How far the search for ways goes: each step costs, one over a count not hidden yet more."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Suppression:
    """Which counts of a table to hide."""

    hidden: NDArray[np.bool_]
    """(n,) small counts, and those hidden with them. Which is which must not be published."""
    exposed: NDArray[np.bool_]
    """(n,) hidden counts whose range stays narrower than the threshold whatever is hidden: public
    totals alone give them away, as for the only count in a row."""


def suppress(row: Ints, column: Ints, count: Ints, *, threshold: int) -> Suppression:
    """Return which counts of a two-way table to hide, when all its totals are public.

    For each hidden count that is not `Suppression.exposed`, the whole numbers from 0 that agree
    with all totals and all counts shown reach over a range of at least `threshold`.

    Parameters
    ----------
    row, column
        (n,) place of each count. Places that are not listed are known to hold 0.
    count
        (n,) whole numbers from 0. Zeros may be hidden to protect others, and are not small.
    threshold
        Counts from 1 to one below it are hidden; 0 hides nothing.
    """
    hidden = (count > 0) & (count < threshold)
    exposed = np.zeros(len(count), dtype=bool)
    if not hidden.any():
        return Suppression(hidden=hidden, exposed=exposed)
    rows, columns = int(row.max()) + 1, int(column.max()) + 1
    graph = csr_array((np.ones(len(row)), (row, rows + column)), shape=(rows + columns,) * 2)
    _, part = connected_components(graph, directed=False)
    for number in np.unique(part[row[hidden]]):
        cells = np.flatnonzero(part[row] == number)
        _, r = np.unique(row[cells], return_inverse=True)
        _, c = np.unique(column[cells], return_inverse=True)
        table = _Table(r.tolist(), c.tolist(), count[cells].tolist(), threshold)
        hidden[cells], exposed[cells] = table.protect(hidden[cells])
    return Suppression(hidden=hidden, exposed=exposed)


def ranges(row: Ints, column: Ints, count: Ints, hidden: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Return the least and greatest value that each count can have for who knows all the others.

    Parameters
    ----------
    row, column, count
        As in `suppress`.
    hidden
        (n,) which counts are not known.

    Returns
    -------
    Two (n,) arrays; for counts that are shown both are the count. Counts that can grow without
    end within `suppress`'s horizon are given as a million more.
    """
    low, high = count.copy(), count.copy()
    where = np.flatnonzero(hidden)
    flows = _Flows(row[where], column[where], count[where])
    for number, cell in enumerate(where):
        up, down = flows.room(number)
        low[cell], high[cell] = count[cell] - down, count[cell] + up
    return low, high


class _Flows:
    """Hidden counts as a network of rows and columns."""

    def __init__(self, row: Ints, column: Ints, count: Ints) -> None:
        _, self._row = np.unique(row, return_inverse=True)
        _, c = np.unique(column, return_inverse=True)
        self._rows = int(self._row.max(initial=-1)) + 1
        self._column = self._rows + c
        self._count = np.minimum(count, _PLENTY)
        size = self._rows + int(c.max(initial=-1)) + 1
        self._shape = (size, size)
        pairs = np.ones(len(row)), (self._row, self._column)
        _, self._part = connected_components(csr_array(pairs, shape=self._shape), directed=False)

    def room(self, number: int, enough: int = _PLENTY) -> tuple[int, int]:
        """Return by how much a hidden count can grow and shrink, up to what is enough."""
        here = self._part[self._row] == self._part[self._row[number]]
        here[number] = False
        row, column, count = self._row[here], self._column[here], self._count[here]
        # A count grows along row -> column, and shrinks, at most to 0, along column -> row.
        cap = np.concatenate([np.full(len(row), enough), np.minimum(count, enough)])
        here_row, here_column = int(self._row[number]), int(self._column[number])
        up, down = (
            _flow(row, column, cap, source, sink, self._shape[0], enough)
            for source, sink in ((here_column, here_row), (here_row, here_column))
        )
        return int(up), int(min(down, self._count[number]))


def _flow(
    row: Ints, column: Ints, cap: Ints, source: int, sink: int, size: int, enough: int
) -> int:
    """Return how much can flow from one node to another, up to what is enough."""
    start, end = np.concatenate([row, column, [size]]), np.concatenate([column, row, [source]])
    caps = np.append(cap, enough).astype(np.int32)
    # The last node feeds the source: the search for ways ends when enough has flown.
    graph = csr_array((caps, (start, end)), shape=(size + 1, size + 1))
    return int(maximum_flow(graph, size, sink).flow_value)


class _Table:
    """A connected part of the table, on plain lists: what is looked at is small."""

    def __init__(self, row: list[int], column: list[int], count: list[int], threshold: int) -> None:
        self.row, self.column, self.count = row, column, count
        self.threshold = threshold
        self.gave_up = False
        self.in_row: list[list[int]] = [[] for _ in range(max(row) + 1)]
        self.in_column: list[list[int]] = [[] for _ in range(max(column) + 1)]
        for cell, (r, c) in enumerate(zip(row, column, strict=True)):
            self.in_row[r].append(cell)
            self.in_column[c].append(cell)

    @cached_property
    def _all(self) -> _Flows:
        return _Flows(*(np.array(x) for x in (self.row, self.column, self.count)))

    def protect(self, small: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return what to hide, and what stays exposed even so."""
        hidden = small.copy()
        exposed = np.zeros(len(small), dtype=bool)
        safe = np.zeros(len(small), dtype=bool)
        while len(todo := np.flatnonzero(hidden & ~safe & ~exposed)):
            for cell in todo.tolist():
                if safe[cell]:
                    continue
                path = self._path(cell, hidden, self.threshold)
                if path is not None:
                    # What goes round moves every count on the way by the threshold.
                    steps = [step for step, _ in path]
                    hidden[steps] = True
                    safe[[cell, *steps]] = True
                    continue
                before, self.gave_up = hidden.copy(), False
                width = self._gather(cell, hidden)
                doubtful = width < self.threshold and (width > 0 or self.gave_up)
                if doubtful and self._is_wide(cell, np.ones_like(hidden)):
                    while not self._is_wide(cell, hidden):
                        self._widen(cell, hidden)
                    width = self.threshold
                safe[cell], exposed[cell] = width >= self.threshold, width < self.threshold
                if exposed[cell]:
                    hidden[:] = before
        return hidden, exposed

    def _gather(self, cell: int, hidden: NDArray[np.bool_]) -> int:
        """Hide what lets a count grow and shrink by the threshold in all; return how far it came.

        Several ways round add up. 0 says that there is none, not that the search found none.
        """
        width = 0
        for down in (False, True):
            limit = self.threshold - width
            if down:
                limit = min(limit, self.count[cell])
            used: dict[int, int] = {}
            while limit > 0 and (path := self._path(cell, hidden, 1, used=used, down=down)):
                shrinking = [step for step, shrinks in path if shrinks]
                amount = min(limit, *(self.count[k] - used.get(k, 0) for k in shrinking))
                for k in shrinking:
                    used[k] = used.get(k, 0) + amount
                hidden[[step for step, _ in path]] = True
                limit -= amount
                width += amount
        return width

    def _is_wide(self, cell: int, hidden: NDArray[np.bool_]) -> bool:
        """Tell whether a count could be one of many if these were hidden."""
        if min(len(self.in_row[self.row[cell]]), len(self.in_column[self.column[cell]])) == 1:
            return False
        if hidden.all():
            return sum(self._all.room(cell, self.threshold)) >= self.threshold
        where = np.flatnonzero(hidden)
        flows = _Flows(*(np.array(x)[where] for x in (self.row, self.column, self.count)))
        number = int(np.searchsorted(where, cell))
        return sum(flows.room(number, self.threshold)) >= self.threshold

    def _path(
        self,
        cell: int,
        hidden: NDArray[np.bool_],
        need: int,
        *,
        used: dict[int, int] | None = None,
        down: bool = False,
    ) -> list[tuple[int, bool]] | None:
        """Return the cheapest way round by which a count can grow (or shrink) by a need, if any.

        To grow: from the count's column over a count that can shrink by so much to its row, over
        any count that grows to its column, and so on to the count's own row. To shrink: the same
        from its row to its column. Steps come with whether they shrink.
        """
        used = used or {}
        ends = (1, self.column[cell]), (0, self.row[cell])
        start, goal = ends[::-1] if down else ends
        best = {start: (0, 0)}
        came: dict[tuple[int, int], tuple[tuple[int, int], int]] = {}
        heap: list[tuple[tuple[int, int], tuple[int, int]]] = [((0, 0), start)]
        while heap:
            cost, node = heapq.heappop(heap)
            if cost > best[node]:
                continue
            if cost[0] > _FARTHEST:
                self.gave_up = True
                return None
            if node == goal:
                return _trace(came, node, start)
            side, place = node
            for step in (self.in_column if side else self.in_row)[place]:
                if step == cell or (side and self.count[step] - used.get(step, 0) < need):
                    continue
                after = (0, self.row[step]) if side else (1, self.column[step])
                more = (_OLD_STEP, 0) if hidden[step] else (_NEW_STEP, self.count[step])
                total = (cost[0] + more[0], cost[1] + more[1])
                if after not in best or total < best[after]:
                    best[after] = total
                    came[after] = (node, step)
                    heapq.heappush(heap, (total, after))
        return None

    def _widen(self, cell: int, hidden: NDArray[np.bool_]) -> None:
        """Hide what lies around a count, in its row and column or as near as there is any."""
        rows, columns = {self.row[cell]}, {self.column[cell]}
        while True:
            reached = [
                *(k for r in sorted(rows) for k in self.in_row[r]),
                *(k for c in sorted(columns) for k in self.in_column[c]),
            ]
            if fresh := [k for k in reached if not hidden[k]]:
                hidden[fresh] = True
                return
            rows.update(self.row[k] for k in reached)
            columns.update(self.column[k] for k in reached)


def _trace(
    came: dict[tuple[int, int], tuple[tuple[int, int], int]],
    node: tuple[int, int],
    start: tuple[int, int],
) -> list[tuple[int, bool]]:
    path = []
    while node != start:
        node, step = came[node]
        path.append((step, node[0] == 1))
    return path
