"""The cheapest way round by which a count of a network can deviate: `cheapest_cycle`.

A count deviates with others: it grows where more flows over its arc and back from the arc's head to
its tail, along arcs whose counts grow as well and against arcs whose counts shrink. A count is
uncertain to whoever knows no count of such a cycle. The cycle that suppresses fewest others is a
shortest path in a network whose arcs cost little where their counts are suppressed already.

References
----------
Cox, L. H. (1995). Network models for complementary cell suppression. Journal of the American
Statistical Association 90, 1453-1462.
Pohl, I. (1971). Bi-directional search. Machine Intelligence 6, 127-140.
"""

import heapq
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gridcell.disclosure.intervals import Ints

_STEP: Final = 1 << 40
"""Cost of a step. Below it, steps being equal, counts newly suppressed add up."""
_KNOWN_STEPS, _NEW_STEPS = 1, 4
"""A step over a count that is suppressed already, and over one that is not yet."""
_FARTHEST: Final = 64 * _STEP
"""What a cycle may cost: beyond, several cycles are looked for instead."""


class Step(NamedTuple):
    """A count on a cycle."""

    arc: int
    shrinks: bool
    """Whether it is passed against its direction: it shrinks when the cycle's own count grows."""


class Cycle(NamedTuple):
    """What a search found."""

    steps: list[Step] | None
    """The counts of the cycle but for the one that it was looked for; ``None``: none was found."""
    exhaustive: bool
    """Whether there is no other: false where the search was given up for its cost."""


class Block:
    """A block of a network of counts, on plain lists: what is looked at of it is small."""

    def __init__(self, tail: Ints, head: Ints, count: Ints) -> None:
        self.tail: list[int] = tail.tolist()
        self.head: list[int] = head.tolist()
        self.count: list[int] = count.tolist()
        nodes = max(*self.tail, *self.head) + 1
        self._leaving: list[list[int]] = [[] for _ in range(nodes)]
        self._entering: list[list[int]] = [[] for _ in range(nodes)]
        for arc, (start, end) in enumerate(zip(self.tail, self.head, strict=True)):
            self._leaving[start].append(arc)
            self._entering[end].append(arc)

    def arcs(self, node: int) -> list[int]:
        """Return the arcs at a node."""
        return self._leaving[node] + self._entering[node]

    def degree(self, node: int) -> int:
        """Return how many arcs are at a node."""
        return len(self._leaving[node]) + len(self._entering[node])

    def steps_from(self, node: int) -> Iterator[tuple[Step, int]]:
        """Yield the steps that leave a node, and where they lead."""
        for arc in self._leaving[node]:
            yield Step(arc, shrinks=False), self.head[arc]
        for arc in self._entering[node]:
            yield Step(arc, shrinks=True), self.tail[arc]

    def steps_to(self, node: int) -> Iterator[tuple[Step, int]]:
        """Yield the steps that lead to a node, and where they come from."""
        for arc in self._entering[node]:
            yield Step(arc, shrinks=False), self.tail[arc]
        for arc in self._leaving[node]:
            yield Step(arc, shrinks=True), self.head[arc]


def cheapest_cycle(
    block: Block,
    arc: int,
    suppressed: NDArray[np.bool_],
    *,
    deviation: int,
    down: bool = False,
    spent: Mapping[int, int] | None = None,
) -> Cycle:
    """Return the cheapest cycle on which a count can deviate.

    Parameters
    ----------
    block
        The counts.
    arc
        The count that deviates.
    suppressed
        (n,) which counts nobody knows; others cost more.
    deviation
        By how much; a count that shrinks must hold so many.
    down
        Whether it shrinks; else it grows.
    spent
        What counts have lost to other cycles.

    Notes
    -----
    The search goes from both ends of the cycle, each time from where fewer arcs are to be looked
    at: where everything ends in one node, as in a single division, that node is never expanded.
    Of cycles that cost the same the one found is always the same.
    """
    left = spent or {}

    def price(step: Step) -> int | None:
        count = block.count[step.arc]
        if step.arc == arc or (step.shrinks and count - left.get(step.arc, 0) < deviation):
            return None
        return _KNOWN_STEPS * _STEP if suppressed[step.arc] else _NEW_STEPS * _STEP + count

    ends = (block.tail[arc], block.head[arc]) if down else (block.head[arc], block.tail[arc])
    ahead, behind = _Front(ends[0], block.steps_from), _Front(ends[1], block.steps_to)
    best: tuple[int, int] | None = None
    while ahead.heap and behind.heap:
        least = ahead.next_cost + behind.next_cost
        if best is not None and least >= best[0]:
            break
        if least >= _FARTHEST + _STEP:
            return Cycle(None, exhaustive=False)
        turn_back = block.degree(behind.next_node) < block.degree(ahead.next_node)
        front, other = (behind, ahead) if turn_back else (ahead, behind)
        for node in front.advance(price):
            if node in other.cost:
                met = front.cost[node] + other.cost[node], node
                best = met if best is None else min(best, met)
    if best is None:
        return Cycle(None, exhaustive=True)
    way, rest = ahead.trace(best[1]), behind.trace(best[1])
    return Cycle([*reversed(way), *rest], exhaustive=True)


class _Front:
    """What Dijkstra's algorithm has reached from one end."""

    def __init__(self, start: int, steps_at: Callable[[int], Iterator[tuple[Step, int]]]) -> None:
        self.cost: dict[int, int] = {start: 0}
        self.heap: list[tuple[int, int]] = [(0, start)]
        """Cost and node, the cheapest first; also those that were reached for less since."""
        self._steps_at = steps_at
        self._came: dict[int, tuple[int, Step]] = {}

    @property
    def next_cost(self) -> int:
        return self.heap[0][0]

    @property
    def next_node(self) -> int:
        return self.heap[0][1]

    def advance(self, price: Callable[[Step], int | None]) -> list[int]:
        """Go on from the nearest node; return the nodes reached, or reached for less."""
        cost, node = heapq.heappop(self.heap)
        reached: list[int] = []
        if cost > self.cost[node]:
            return reached
        for step, after in self._steps_at(node):
            more = price(step)
            if more is None or cost + more >= self.cost.get(after, cost + more + 1):
                continue
            self.cost[after], self._came[after] = cost + more, (node, step)
            heapq.heappush(self.heap, (cost + more, after))
            reached.append(after)
        return reached

    def trace(self, node: int) -> list[Step]:
        """Return the steps from a node back to the end that this started from."""
        steps: list[Step] = []
        while node in self._came:
            node, step = self._came[node]
            steps.append(step)
        return steps
