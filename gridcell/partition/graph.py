"""The atoms of a piece of land as a graph: what they weigh and how long they touch."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from gridcell.arrays import run_starts, spread
from gridcell.fabric.arcs import take_arcs
from gridcell.model import Fabric
from gridcell.partition.kernels import DIRECTIONS, Adjacency
from gridcell.partition.rivers import neighbouring
from gridcell.partition.walls import shared_walls
from gridcell.schema import BARRIER_CLASSES
from gridcell.workload import load_of

TOUCH_M = 0.05
"""Land with a shorter common border does not touch: a cell held together by so narrow a neck would
fall apart on any map."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_WALL = 3.0
"""A metre of wall between two houses is the opposite of so many metres of street."""
_LEAST = 0.05
"""A metre of border is never cheaper than this, however good the barrier."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Graph:
    """Atoms and shared borders, as compressed rows: all that the search knows of the land."""

    first: Ints
    """(atoms + 1,) where the neighbours of each atom begin."""
    neighbour: Ints
    """(2 * pairs,) ascending for each atom."""
    length: Floats
    """(2 * pairs,) metres of shared border."""
    on_barrier: Floats
    """(2 * pairs,) metres of it on barriers, each times the strength of its class; less for walls
    that houses share."""
    rim: Floats
    """(atoms,) metres of border with land outside the graph."""
    rim_on_barrier: Floats
    """(atoms,) metres of it on barriers, each times the strength of its class."""
    weight: Floats
    """(atoms,) households, or loads where bands count them."""
    area: Floats
    """(atoms,) m2."""
    xy: Floats
    """(atoms, 2) centroids."""
    reach: Floats
    """(atoms, directions) how far each reaches in so many directions, evenly spread over the
    circle: the support function of its convex hull. Nothing where that is not known."""

    def __len__(self) -> int:
        return len(self.weight)

    @property
    def owner(self) -> Ints:
        """(2 * pairs,) the atom that each neighbour is one of."""
        return np.repeat(np.arange(len(self)), np.diff(self.first))

    def land(self, discount: float, *, convex: bool = False) -> Adjacency:
        """Return the arrays of the search; a metre on a street costs `discount` of one off it.

        Whether cells are convex matters to it where that is asked for.

        A metre on a barrier of strength s costs 1 - (1 - discount) s, at least `_LEAST`, unless
        `discount` itself is less.
        """
        saved, least = 1 - discount, min(_LEAST, discount)
        length = np.maximum(self.length - saved * self.on_barrier, least * self.length)
        rim = np.maximum(self.rim - saved * self.rim_on_barrier, least * self.rim)
        shared = np.bincount(self.owner, weights=length, minlength=len(self)).astype(np.float64)
        return Adjacency(
            self.first, self.neighbour, length, rim + shared, self.weight, self.area,
            np.full(len(self), -1, dtype=np.int64), np.zeros(len(self)),
            _from_within(self) if convex else np.empty((len(self), 0)),
        )  # fmt: skip

    def within(self, part: Ints) -> "Graph":
        """Return the graph without the borders between different parts, which become rim."""
        owner, n = self.owner, len(self)
        kept = part[owner] == part[self.neighbour]
        cut = ~kept

        def with_cut(rim: Floats, length: Floats) -> Floats:
            return rim + np.bincount(owner[cut], weights=length[cut], minlength=n)

        return replace(
            self,
            first=_bounds(owner[kept], n),
            neighbour=self.neighbour[kept],
            length=self.length[kept],
            on_barrier=self.on_barrier[kept],
            rim=with_cut(self.rim, self.length),
            rim_on_barrier=with_cut(self.rim_on_barrier, self.on_barrier),
        )

    def held_together(self, cell: Ints) -> "Graph":
        """Return the graph in which cells are in one piece, by links of no length where need be."""
        piece = self.within(cell).components()
        first = np.unique(piece, return_index=True)[1]
        first = first[np.argsort(cell[first], kind="stable")]
        same = cell[first[1:]] == cell[first[:-1]]
        if not same.any():
            return self
        upper = self.owner < self.neighbour
        nothing = np.zeros(int(same.sum()))
        pairs = _rows(
            np.concatenate([self.owner[upper], first[:-1][same]]),
            np.concatenate([self.neighbour[upper], first[1:][same]]),
            len(self),
            np.concatenate([self.length[upper], nothing]),
            np.concatenate([self.on_barrier[upper], nothing]),
        )
        return replace(
            self, first=pairs.first, neighbour=pairs.neighbour, length=pairs.length,
            on_barrier=pairs.on_barrier,
        )  # fmt: skip

    def rows(self, start: int, stop: int) -> "Graph":
        """Return the graph of a run of rows that touches no other row."""
        pairs, atoms = slice(self.first[start], self.first[stop]), slice(start, stop)
        return Graph(
            first=self.first[start : stop + 1] - self.first[start],
            neighbour=self.neighbour[pairs] - start,
            length=self.length[pairs],
            on_barrier=self.on_barrier[pairs],
            rim=self.rim[atoms],
            rim_on_barrier=self.rim_on_barrier[atoms],
            weight=self.weight[atoms],
            area=self.area[atoms],
            xy=self.xy[atoms],
            reach=self.reach[atoms],
        )

    def take(self, atoms: Ints) -> "Graph":
        """Return the graph of some atoms alone; their borders with others become rim."""
        n = len(atoms)
        number = np.full(len(self), -1, dtype=np.int64)
        number[atoms] = np.arange(n)
        owner, step = spread(np.diff(self.first)[atoms])
        entry = self.first[atoms][owner] + step
        neighbour = number[self.neighbour[entry]]
        kept = neighbour >= 0

        def with_cut(rim: Floats, length: Floats) -> Floats:
            cut = np.bincount(owner[~kept], weights=length[entry][~kept], minlength=n)
            return rim[atoms] + cut

        return Graph(
            first=_bounds(owner[kept], n),
            neighbour=neighbour[kept],
            length=self.length[entry][kept],
            on_barrier=self.on_barrier[entry][kept],
            rim=with_cut(self.rim, self.length),
            rim_on_barrier=with_cut(self.rim_on_barrier, self.on_barrier),
            weight=self.weight[atoms],
            area=self.area[atoms],
            xy=self.xy[atoms],
            reach=self.reach[atoms],
        )

    def components(self) -> Ints:
        """Return the number of the connected piece of each atom, numbered by first atom."""
        n = len(self)
        links = csr_array(
            (np.ones(len(self.neighbour), dtype=np.int8), self.neighbour, self.first), shape=(n, n)
        )
        return connected_components(links, directed=False)[1].astype(np.int64)


def make_graph(fabric: Fabric, atoms: Ints, *, searched: bool = True) -> Graph:
    """Return the graph of some atoms, numbered as they are given.

    Atoms of different communities, and of different sides of a river without a bridge, do not
    touch: their common border is rim.

    Parameters
    ----------
    fabric
        The land.
    atoms
        (n,) rows of `fabric.atoms`, each once.
    searched
        Whether cells are searched on it: then borders cost more along walls that two houses share,
        and it is known how far atoms reach.
    """
    number = np.full(len(fabric.atoms) + 1, -1, dtype=np.int64)
    number[atoms] = np.arange(len(atoms))
    a, b = number[fabric.arc_left], number[fabric.arc_right]
    length = fabric.arc_length
    on_barrier = length * np.array([0.0, *BARRIER_CLASSES.values()])[fabric.arc_barrier]
    n = len(atoms)
    inner = neighbouring(fabric, atoms)

    def rim(metres: Floats) -> Floats:
        out = np.zeros(n)
        for side in (a, b):
            mine = (side >= 0) & ~inner
            out += np.bincount(side[mine], weights=metres[mine], minlength=n)
        return out

    ends, metres, barred = (a[inner], b[inner]), length[inner], on_barrier[inner]
    if searched:
        one, other, wall = shared_walls(fabric, atoms)
        if len(wall):
            ends = np.append(ends[0], one), np.append(ends[1], other)
            metres = np.append(metres, np.zeros(len(wall)))
            barred = np.append(barred, -_WALL * wall)
    pairs = _rows(*ends, n, metres, barred, least=TOUCH_M)
    table = fabric.atoms.iloc[atoms]
    return Graph(
        first=pairs.first,
        neighbour=pairs.neighbour,
        length=pairs.length,
        on_barrier=pairs.on_barrier,
        rim=rim(length),
        rim_on_barrier=rim(on_barrier),
        weight=load_of(table),
        # Own arrays, as in `contract`: pandas would lend read-only ones in columns, and numba
        # compile every kernel once more for them.
        area=table["area_m2"].to_numpy(dtype=np.float64, copy=True),
        xy=np.ascontiguousarray(table[["x", "y"]].to_numpy(dtype=np.float64, copy=True)),
        reach=_reach(fabric, a, b, n) if searched and n else np.empty((n, 0)),
    )


def contract(graph: Graph, group: Ints, groups: int) -> Graph:
    """Return the graph whose atoms are groups of atoms; every group is connected and occurs."""
    a, b = group[graph.owner], group[graph.neighbour]
    outer = a < b
    pairs = _rows(a[outer], b[outer], groups, graph.length[outer], graph.on_barrier[outer])

    def total(values: Floats) -> Floats:
        return np.bincount(group, weights=values, minlength=groups).astype(np.float64)

    area = total(graph.area)
    return Graph(
        first=pairs.first,
        neighbour=pairs.neighbour,
        length=pairs.length,
        on_barrier=pairs.on_barrier,
        rim=total(graph.rim),
        rim_on_barrier=total(graph.rim_on_barrier),
        weight=total(graph.weight),
        area=area,
        xy=np.column_stack([total(graph.area * graph.xy[:, i]) / area for i in (0, 1)]),
        # Whether cells are convex is asked of atoms alone.
        reach=np.empty((groups, 0)),
    )


def part_of(land: Adjacency, atoms: Ints) -> Adjacency:
    """Return some atoms as land of their own; borders with others stay in the perimeter."""
    number = np.full(len(land.weight), -1, dtype=np.int64)
    number[atoms] = np.arange(len(atoms))
    owner, step = spread(np.diff(land.first)[atoms])
    entry = land.first[atoms][owner] + step
    neighbour = number[land.neighbour[entry]]
    kept = neighbour >= 0
    return Adjacency(
        _bounds(owner[kept], len(atoms)), neighbour[kept], land.length[entry][kept],
        land.perimeter[atoms], land.weight[atoms], land.area[atoms], land.home[atoms],
        land.hold[atoms], land.reach[atoms],
    )  # fmt: skip


def _reach(fabric: Fabric, a: Ints, b: Ints, n: int) -> Floats:
    """Return how far atoms reach in each of `DIRECTIONS` directions.

    Parameters
    ----------
    fabric
        The land.
    a, b
        (arcs,) number of the atom on each side, -1 for others.
    n
        Atoms, each of which has a border.
    """
    rows = np.flatnonzero((a >= 0) | (b >= 0))
    start, vertex = take_arcs(fabric.arc_start, fabric.arc_vertices, rows)
    sides = np.concatenate([a[rows], b[rows]])
    order = np.argsort(sides, kind="stable")
    order = order[np.searchsorted(sides[order], 0) :]
    first, arc = run_starts(sides[order]), order % max(len(rows), 1)
    out = np.empty((n, DIRECTIONS))
    x, y = fabric.xy[vertex].T
    for k, (cosine, sine) in enumerate(_half_circle(DIRECTIONS)):
        # Sums by hand: those of a matrix product depend on the machine.
        along = cosine * x + sine * y
        for column, values in ((k, along), (k + DIRECTIONS // 2, -along)):
            of_arc = np.maximum.reduceat(values, start[:-1])
            out[:, column] = np.maximum.reduceat(of_arc[arc], first)
    return out


def _half_circle(directions: int) -> Floats:
    """Return the first half of so many directions: (directions / 2, 2)."""
    angle = 2 * np.pi * np.arange(directions // 2) / max(directions, 1)
    return np.column_stack([np.cos(angle), np.sin(angle)])


def _from_within(graph: Graph) -> Floats:
    """Return how far atoms reach from a point among them: numbers from afar would lose digits."""
    if not len(graph):
        return graph.reach
    cosine, sine = _half_circle(graph.reach.shape[1]).T
    along = cosine * graph.xy[0, 0] + sine * graph.xy[0, 1]
    out: Floats = graph.reach - np.concatenate([along, -along])
    return out


@dataclass(frozen=True, eq=False, slots=True)
class _Neighbours:
    first: Ints
    neighbour: Ints
    length: Floats
    on_barrier: Floats


def _bounds(owner: Ints, n: int) -> Ints:
    return np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=n))]).astype(np.int64)


def _rows(
    a: Ints, b: Ints, n: int, length: Floats, on_barrier: Floats, *, least: float = 0.0
) -> _Neighbours:
    """Return pairs as compressed rows, both ways round, lengths of equal pairs added up.

    Pairs that share less than `least` in all are left out.
    """
    row, column = np.concatenate([a, b]), np.concatenate([b, a])
    order = np.lexsort((column, row))
    row, column = row[order], column[order]
    pair = run_starts(row * (n + 1) + column)

    def total(metres: Floats) -> Floats:
        both = np.concatenate([metres, metres])[order]
        return np.add.reduceat(both, pair) if len(pair) else both

    metres, barred = total(length), total(on_barrier)
    kept = metres >= least
    return _Neighbours(_bounds(row[pair][kept], n), column[pair][kept], metres[kept], barred[kept])
