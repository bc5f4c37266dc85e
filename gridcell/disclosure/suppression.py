"""Which counts to hide so that sums do not give small ones away: `suppress`.

A count under the threshold is hidden, and then others: whoever knows every count that is shown
still finds, for each hidden one, a range of possible values at least as wide as the threshold
(`gridcell.disclosure.intervals` says how ranges are found). What to hide is found by shortest paths
(Cox's network heuristic): few counts and near ones, then small ones. Where they find no way that is
wide enough alone, maximum flows measure what several ways give together, and more is hidden until
it is enough.

References
----------
Cox, L. H. (1995). Network models for complementary cell suppression. Journal of the American
Statistical Association 90, 1453-1462.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gridcell.disclosure.intervals import Flows, Ints, blocks

_NEW_STEP: Final = 4
_OLD_STEP: Final = 1
_FARTHEST: Final = 64
"""How far the search for ways goes: each step costs, one over a count not hidden yet more."""

_Cost = tuple[int, int]
"""Steps, then the counts newly hidden."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Suppression:
    """Which counts of a table to hide."""

    hidden: NDArray[np.bool_]
    """(n,) small counts, and those hidden with them. Which is which must not be published."""
    exposed: NDArray[np.bool_]
    """(n,) hidden counts whose range stays narrower than the threshold whatever is hidden: what
    must be shown gives them away, as public totals do for the only count of a row."""


def suppress(
    tail: Ints,
    head: Ints,
    count: Ints,
    *,
    threshold: int,
    hidden: NDArray[np.bool_] | None = None,
    unguarded: NDArray[np.bool_] | None = None,
) -> Suppression:
    """Return which counts to hide.

    For each hidden count that is not `Suppression.exposed`, the whole numbers from 0 that agree
    with all counts shown reach over a range of at least `threshold`.

    Parameters
    ----------
    tail, head
        (n,) nodes, numbered from 0, that each count leads from and to: see
        `disclosure.intervals`. Sums that must be shown, and counts that everybody knows, are
        left out. A two-way table with public totals has an arc from its row to its column for each
        count.
    count
        (n,) whole numbers from 0. Zeros may be hidden to protect others, and are not small.
    threshold
        Counts from 1 to one below it are hidden; 0 hides nothing.
    hidden
        (n,) counts that are hidden already, whatever they are, and to be protected too.
    unguarded
        (n,) counts that are not known either, and that need no protection.
    """
    safe = np.zeros(len(count), dtype=bool) if unguarded is None else unguarded.copy()
    hide = (count > 0) & (count < threshold) | safe
    if hidden is not None:
        hide |= hidden
    exposed = np.zeros(len(count), dtype=bool)
    if not hide.any() or threshold < 1:
        return Suppression(hidden=hide, exposed=exposed)
    block = blocks(tail, head)
    order = np.argsort(block, kind="stable")
    for number in np.unique(block[hide]):
        here = order[slice(*np.searchsorted(block[order], [number, number + 1]))]
        _, place = np.unique(np.concatenate([tail[here], head[here]]), return_inverse=True)
        search = _Search(place[: len(here)], place[len(here) :], count[here], threshold)
        hide[here], exposed[here] = search.protect(hide[here], safe[here])
    return Suppression(hidden=hide, exposed=exposed)


class _Search:
    """A block of the network, on plain lists: what is looked at is small."""

    def __init__(self, tail: Ints, head: Ints, count: Ints, threshold: int) -> None:
        self._arrays = tail, head, count
        self.tail: list[int] = tail.tolist()
        self.head: list[int] = head.tolist()
        self.count: list[int] = count.tolist()
        self.threshold = threshold
        self.gave_up = False
        size = max(*self.tail, *self.head) + 1
        self.leaving: list[list[int]] = [[] for _ in range(size)]
        self.coming: list[list[int]] = [[] for _ in range(size)]
        for arc, (start, end) in enumerate(zip(self.tail, self.head, strict=True)):
            self.leaving[start].append(arc)
            self.coming[end].append(arc)

    @cached_property
    def _all(self) -> Flows:
        return Flows(*self._arrays)

    def protect(
        self, first: NDArray[np.bool_], unguarded: NDArray[np.bool_]
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return what to hide, and what stays exposed even so."""
        hidden, safe = first.copy(), unguarded.copy()
        exposed = np.zeros(len(first), dtype=bool)
        while len(todo := np.flatnonzero(hidden & ~safe & ~exposed)):
            for arc in todo.tolist():
                if safe[arc]:
                    continue
                path = self._path(arc, hidden, self.threshold)
                if path is not None:
                    # What goes round moves every count on the way by the threshold.
                    steps = [step for step, _ in path]
                    hidden[steps] = True
                    safe[[arc, *steps]] = True
                    continue
                before, self.gave_up = hidden.copy(), False
                width = self._gather(arc, hidden)
                doubtful = width < self.threshold and (width > 0 or self.gave_up)
                if doubtful and self._is_wide(arc, np.ones_like(hidden)):
                    while not self._is_wide(arc, hidden):
                        self._widen(arc, hidden)
                    width = self.threshold
                safe[arc], exposed[arc] = width >= self.threshold, width < self.threshold
                if exposed[arc]:
                    hidden[:] = before
        return hidden, exposed

    def _gather(self, arc: int, hidden: NDArray[np.bool_]) -> int:
        """Hide what lets a count grow and shrink by the threshold in all; return how far it came.

        Several ways round add up. 0 says that there is none, not that the search found none.
        """
        width = 0
        for down in (False, True):
            limit = self.threshold - width
            if down:
                limit = min(limit, self.count[arc])
            used: dict[int, int] = {}
            while limit > 0 and (path := self._path(arc, hidden, 1, used=used, down=down)):
                shrinking = [step for step, shrinks in path if shrinks]
                amount = min([limit, *(self.count[k] - used.get(k, 0) for k in shrinking)])
                for k in shrinking:
                    used[k] = used.get(k, 0) + amount
                hidden[[step for step, _ in path]] = True
                limit -= amount
                width += amount
        return width

    def _is_wide(self, arc: int, hidden: NDArray[np.bool_]) -> bool:
        """Tell whether a count could be one of many if these were hidden."""
        if hidden.all():
            return sum(self._all.room(arc, self.threshold)) >= self.threshold
        where = np.flatnonzero(hidden)
        flows = Flows(*(values[where] for values in self._arrays))
        number = int(np.searchsorted(where, arc))
        return sum(flows.room(number, self.threshold)) >= self.threshold

    def _path(
        self,
        arc: int,
        hidden: NDArray[np.bool_],
        need: int,
        *,
        used: dict[int, int] | None = None,
        down: bool = False,
    ) -> list[tuple[int, bool]] | None:
        """Return the cheapest way round by which a count can grow (or shrink) by a need, if any.

        To grow: from the head of its arc along arcs that grow, or against those that can shrink by
        so much, to its tail. To shrink: the same from its tail to its head. Steps come with whether
        they shrink. The search goes from both ends, from where fewer arcs are to be looked at:
        where everything ends in one node, as in a single division, that is never looked through.
        """
        used = used or {}
        ends = (self.tail[arc], self.head[arc]) if down else (self.head[arc], self.tail[arc])
        sides = [_Side(end) for end in ends]
        meeting: tuple[_Cost, int] | None = None
        while all(side.heap for side in sides):
            tops = [side.heap[0][0] for side in sides]
            reach = (tops[0][0] + tops[1][0], tops[0][1] + tops[1][1])
            if meeting is not None and reach >= meeting[0]:
                break
            if reach[0] > _FARTHEST:
                self.gave_up = True
                return None
            work = [self._degree(side.heap[0][1]) for side in sides]
            back = work[1] < work[0]
            side, other = sides[back], sides[not back]
            cost, node = heapq.heappop(side.heap)
            if cost > side.best[node]:
                continue
            for step, after, shrinks in self._steps(node, back=back):
                if step == arc or (shrinks and self.count[step] - used.get(step, 0) < need):
                    continue
                more = (_OLD_STEP, 0) if hidden[step] else (_NEW_STEP, self.count[step])
                total = (cost[0] + more[0], cost[1] + more[1])
                if after in side.best and total >= side.best[after]:
                    continue
                side.best[after], side.came[after] = total, (node, step, shrinks)
                heapq.heappush(side.heap, (total, after))
                if after in other.best:
                    both = (total[0] + other.best[after][0], total[1] + other.best[after][1])
                    if meeting is None or (both, after) < meeting:
                        meeting = both, after
        if meeting is None:
            return None
        return [*reversed(list(sides[0].trace(meeting[1]))), *sides[1].trace(meeting[1])]

    def _degree(self, node: int) -> int:
        return len(self.leaving[node]) + len(self.coming[node])

    def _steps(self, node: int, *, back: bool) -> Iterator[tuple[int, int, bool]]:
        """Yield the arcs at a node, where they lead (or come from), and whether they shrink."""
        grow, shrink = (self.coming, self.leaving) if back else (self.leaving, self.coming)
        for step in grow[node]:
            yield step, (self.tail if back else self.head)[step], False
        for step in shrink[node]:
            yield step, (self.head if back else self.tail)[step], True

    def _widen(self, arc: int, hidden: NDArray[np.bool_]) -> None:
        """Hide what lies around a count, at its ends or as near as there is any."""
        nodes = {self.tail[arc], self.head[arc]}
        while True:
            reached = [
                k for node in sorted(nodes) for k in (*self.leaving[node], *self.coming[node])
            ]
            if fresh := [k for k in reached if not hidden[k]]:
                hidden[fresh] = True
                return
            nodes.update(self.tail[k] for k in reached)
            nodes.update(self.head[k] for k in reached)


class _Side:
    """What a search has reached from one end."""

    def __init__(self, start: int) -> None:
        self.best: dict[int, _Cost] = {start: (0, 0)}
        self.came: dict[int, tuple[int, int, bool]] = {}
        self.heap: list[tuple[_Cost, int]] = [((0, 0), start)]

    def trace(self, node: int) -> Iterator[tuple[int, bool]]:
        """Yield the steps from a node back to the end."""
        while node in self.came:
            node, step, shrinks = self.came[node]
            yield step, shrinks
