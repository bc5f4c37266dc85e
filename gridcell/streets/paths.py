"""The lines that people walk from one place to another."""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse.csgraph import dijkstra

from gridcell.arrays import Geometries, run_starts, spread
from gridcell.streets.joined import Joined
from gridcell.streets.reach import Ways

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_FIRST: Final = -2
_LAST: Final = 2**40


class _Steps(NamedTuple):
    """Parts of ways: along a street from one place on it to another."""

    pair: Ints
    number: Ints
    """Their order in the way of a pair."""
    edge: Ints
    """-1 off the streets."""
    start_m: Floats
    stop_m: Floats
    xy: Floats
    """(steps, 2) where they end."""

    def rows(self, rows: Ints | Bools) -> "_Steps":
        return _Steps(
            self.pair[rows], self.number[rows], self.edge[rows], self.start_m[rows],
            self.stop_m[rows], self.xy[rows],
        )  # fmt: skip

    @classmethod
    def join(cls, parts: "list[_Steps]") -> "_Steps":
        return cls(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def draw_paths(
    ways: Ways, lines: Geometries, places: Joined, a: Ints, b: Ints, straight: Bools
) -> Geometries:
    """Return the lines walked between rows `a` and `b` of places; straight where there is no way.

    Parameters
    ----------
    ways
        Between the nodes.
    lines
        (streets,) LineStrings.
    places
        Places.
    a, b
        (pairs,)
    straight
        (pairs,) where people do not take the street.
    """
    tracer = _Tracer(ways, places, a, b)
    reached = np.flatnonzero(places.reached[a] & places.reached[b] & ~straight)
    ways.over(places, a, b, reached, tracer.trace)
    done = tracer.steps()
    joined = np.flatnonzero(tracer.run >= 0)
    every = np.arange(len(a))
    steps = _Steps.join(
        [_off_street(every, _FIRST, places.xy[a]), _off_street(joined, -1, places.foot[a[joined]]),
         done, _off_street(every, _LAST, places.xy[b])]
    )  # fmt: skip
    steps = steps.rows(np.lexsort((steps.number, steps.pair)))
    xy, owner = _vertices(steps, lines)
    return _lines(xy, steps.pair[owner], len(a))


def _off_street(pair: Ints, number: int, xy: Floats) -> _Steps:
    n = len(pair)
    return _Steps(
        pair=pair, number=np.full(n, number), edge=np.full(n, -1), start_m=np.zeros(n),
        stop_m=np.zeros(n), xy=xy,
    )  # fmt: skip


@dataclass(eq=False, slots=True)
class _Tracer:
    """Finds the steps of ways, some pairs at a time."""

    ways: Ways
    places: Joined
    a: Ints
    b: Ints
    run: Ints = field(init=False)
    """(pairs,) the run that found the way of each last: the one that counts."""
    found: list[tuple[int, _Steps]] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.run = np.full(len(self.a), -1, dtype=np.int64)

    def steps(self) -> _Steps:
        none = _off_street(np.empty(0, dtype=np.int64), 0, np.empty((0, 2)))
        return _Steps.join(
            [none] + [steps.rows(self.run[steps.pair] == run) for run, steps in self.found]
        )

    def trace(self, some: Ints, ends: Ints, near: Bools) -> Floats:
        """Return the metres of some pairs, and note their ways."""
        ways, places = self.ways, self.places
        a, b = self.a[some], self.b[some]
        local = np.flatnonzero(near)
        number = np.where(near, np.cumsum(near) - 1, -1)
        graph = ways.graph if near.all() else ways.graph[near][:, near]
        # Ends that are not near are ends of no way that counts.
        sources = ends[near[ends]]
        metres, before = dijkstra(graph, indices=number[sources], return_predecessors=True)
        row = np.full(len(near), -1, dtype=np.int64)
        row[sources] = np.arange(len(sources))
        same = places.edge[a] == places.edge[b]
        least = np.where(
            same,
            np.abs(places.along_m[a] - places.along_m[b]) + places.access_m[a] + places.access_m[b],
            np.inf,
        )
        source, target = np.full(len(some), -1), np.full(len(some), -1)
        for from_a, rest_a in ways.both_ends(places, a):
            for to_b, rest_b in ways.both_ends(places, b):
                there = (row[from_a] >= 0) & (number[to_b] >= 0)
                total = np.full(len(some), np.inf)
                total[there] = metres[row[from_a[there]], number[to_b[there]]]
                total += rest_a + rest_b
                better = total < least
                least = np.where(better, total, least)
                source, target = np.where(better, from_a, source), np.where(better, to_b, target)
        way = np.flatnonzero(np.isfinite(least))
        run = len(self.found)
        self.run[some[way]] = run
        hops = self._hops(way, source, target, row, number, before, local)
        parts = [*hops, self._out_and_in(way, a, b, source, target)]
        steps = _Steps.join(parts)
        self.found.append((run, steps._replace(pair=some[steps.pair])))
        return np.where((places.xy[a] == places.xy[b]).all(axis=1), 0.0, least)

    def _hops(
        self, way: Ints, source: Ints, target: Ints, row: Ints, number: Ints,
        before: NDArray[np.int32], local: Ints,
    ) -> list[_Steps]:  # fmt: skip
        """Return whole streets, from the last of each way back to the first."""
        ways, out = self.ways, []
        pair = way[source[way] >= 0]
        at, step = target[pair], _LAST - 2
        while len(pair):
            on = at != source[pair]
            pair, at = pair[on], at[on]
            if not len(pair):
                break
            previous = local[before[row[source[pair]], number[at]]]
            edge = ways.street(previous, at)
            length = ways.metres[edge]
            ahead = ways.tail[edge] == previous
            out.append(
                _Steps(
                    pair=pair, number=np.full(len(pair), step), edge=edge,
                    start_m=np.where(ahead, 0.0, length), stop_m=np.where(ahead, length, 0.0),
                    xy=ways.node_xy[at],
                )
            )  # fmt: skip
            at, step = previous, step - 1
        return out

    def _out_and_in(self, way: Ints, a: Ints, b: Ints, source: Ints, target: Ints) -> _Steps:
        """Return the parts of the first and the last street, or of the only one."""
        ways, places = self.ways, self.places
        beyond = way[source[way] >= 0]
        alone = way[source[way] < 0]
        first, last = places.edge[a[beyond]], places.edge[b[beyond]]
        out = _Steps(
            pair=beyond, number=np.zeros(len(beyond), dtype=np.int64), edge=first,
            start_m=places.along_m[a[beyond]],
            stop_m=self._end(first, source[beyond], places.along_m[a[beyond]]),
            xy=ways.node_xy[source[beyond]],
        )  # fmt: skip
        home = _Steps(
            pair=beyond, number=np.full(len(beyond), _LAST - 1), edge=last,
            start_m=self._end(last, target[beyond], places.along_m[b[beyond]]),
            stop_m=places.along_m[b[beyond]], xy=places.foot[b[beyond]],
        )  # fmt: skip
        within = _Steps(
            pair=alone, number=np.zeros(len(alone), dtype=np.int64), edge=places.edge[a[alone]],
            start_m=places.along_m[a[alone]], stop_m=places.along_m[b[alone]],
            xy=places.foot[b[alone]],
        )  # fmt: skip
        return _Steps.join([out, home, within])

    def _end(self, edge: Ints, node: Ints, along: Floats) -> Floats:
        """Return where a street ends in a node; of a ring, at the nearer end."""
        ways = self.ways
        length = ways.metres[edge]
        ring = ways.tail[edge] == ways.head[edge]
        at_tail = np.where(ring, 2 * along <= length, ways.tail[edge] == node)
        return np.where(at_tail, 0.0, length)


def _vertices(steps: _Steps, lines: Geometries) -> tuple[Floats, Ints]:
    """Return the vertices along steps, and the step of each."""
    xy, line = shapely.get_coordinates(lines, return_index=True)
    gone = np.zeros(len(xy))
    gone[1:] = np.where(line[1:] == line[:-1], np.hypot(*(xy[1:] - xy[:-1]).T), 0.0)
    passed = np.cumsum(gone)
    first = run_starts(line)
    last = np.append(first[1:], len(xy)) - 1
    on = steps.edge >= 0
    edge = np.where(on, steps.edge, 0)
    low, high = np.minimum(steps.start_m, steps.stop_m), np.maximum(steps.start_m, steps.stop_m)
    # Only vertices within: both ends of a step are known.
    begin = np.searchsorted(passed, passed[first[edge]] + low, side="right")
    end = np.searchsorted(passed, passed[first[edge]] + high, side="left")
    begin = np.clip(begin, first[edge] + 1, last[edge])
    end = np.clip(end, first[edge] + 1, last[edge])
    count = np.where(on, np.maximum(end - begin, 0), 0)
    owner, place = spread(count + 1)
    inner = place < count[owner]
    ahead = (steps.start_m <= steps.stop_m)[owner]
    vertex = np.where(ahead, begin[owner] + place, end[owner] - 1 - place)
    out = steps.xy[owner]
    out[inner] = xy[vertex[inner]]
    return out, owner


def _lines(xy: Floats, pair: Ints, pairs: int) -> Geometries:
    """Return a line for each pair, of at least two points, no two of them equal in a row."""
    again = np.zeros(len(xy), dtype=bool)
    again[1:] = (xy[1:] == xy[:-1]).all(axis=1) & (pair[1:] == pair[:-1])
    ends = np.append(run_starts(pair)[1:], len(pair)) - 1
    alone = np.bincount(pair[~again], minlength=pairs) == 1
    again[ends[alone]] = False
    return np.asarray(shapely.linestrings(xy[~again], indices=pair[~again]), dtype=object)
