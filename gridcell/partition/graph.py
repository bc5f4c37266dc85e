"""The atoms of a piece of land as a graph: what they weigh and how long they touch."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from gridcell.arrays import fold
from gridcell.model import Fabric

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Graph:
    """Atoms and shared borders, as compressed rows: all that the search knows of the land."""

    first: Ints
    """(atoms + 1,) where the neighbours of each atom begin."""
    neighbour: Ints
    """(2 * pairs,) ascending for each atom."""
    length: Floats
    """(2 * pairs,) metres of shared border, discounted where it runs on a barrier."""
    on_barrier: Floats
    """(2 * pairs,) share of the shared border that runs on barriers, 0 to 1."""
    perimeter: Floats
    """(atoms,) metres of border in all, discounted likewise; what is not shared is outside."""
    weight: Floats
    """(atoms,) households."""
    area: Floats
    """(atoms,) m2."""
    xy: Floats
    """(atoms, 2) centroids."""

    def __len__(self) -> int:
        return len(self.weight)

    def within(self, part: Ints) -> "Graph":
        """Return the graph without the borders between different parts, which become outside."""
        owner = np.repeat(np.arange(len(self)), np.diff(self.first))
        kept = part[owner] == part[self.neighbour]
        count = np.bincount(owner[kept], minlength=len(self))
        return Graph(
            first=np.concatenate([[0], np.cumsum(count)]),
            neighbour=self.neighbour[kept],
            length=self.length[kept],
            on_barrier=self.on_barrier[kept],
            perimeter=self.perimeter,
            weight=self.weight,
            area=self.area,
            xy=self.xy,
        )

    def rows(self, start: int, stop: int) -> "Graph":
        """Return the graph of a run of rows that touches no other row."""
        first, last = self.first[start], self.first[stop]
        return Graph(
            first=self.first[start : stop + 1] - first,
            neighbour=self.neighbour[first:last] - start,
            length=self.length[first:last],
            on_barrier=self.on_barrier[first:last],
            perimeter=self.perimeter[start:stop],
            weight=self.weight[start:stop],
            area=self.area[start:stop],
            xy=self.xy[start:stop],
        )

    def components(self) -> Ints:
        """Return the number of the connected piece of each atom, numbered by first atom."""
        n = len(self)
        links = csr_array(
            (np.ones(len(self.neighbour), dtype=np.int8), self.neighbour, self.first), shape=(n, n)
        )
        return connected_components(links, directed=False)[1].astype(np.int64)


def make_graph(fabric: Fabric, atoms: Ints, discount: Floats) -> Graph:
    """Return the graph of some atoms, numbered as they are given; communities do not touch.

    Parameters
    ----------
    fabric
        The land.
    atoms
        (n,) rows of `fabric.atoms`, each once.
    discount
        (flags,) what a metre of border costs by its `Fabric.arc_barrier`; 1 off barriers.
    """
    number = np.full(len(fabric.atoms) + 1, -1, dtype=np.int64)
    number[atoms] = np.arange(len(atoms))
    a, b = number[fabric.arc_left], number[fabric.arc_right]
    cost = fabric.arc_length * discount[fabric.arc_barrier]
    n = len(atoms)
    perimeter = np.zeros(n)
    for side in (a, b):
        mine = side >= 0
        perimeter += np.bincount(side[mine], weights=cost[mine], minlength=n)
    home = fabric.atoms["community"].to_numpy()[atoms]
    inner = (a >= 0) & (b >= 0)
    inner[inner] = home[a[inner]] == home[b[inner]]
    first, neighbour, sums = _rows(
        a[inner], b[inner], n,
        [cost[inner], fabric.arc_length[inner], fabric.arc_length[inner] * (fabric.arc_barrier[inner] > 0)],
    )  # fmt: skip
    table = fabric.atoms.iloc[atoms]
    return Graph(
        first=first,
        neighbour=neighbour,
        length=sums[0],
        on_barrier=sums[2] / np.maximum(sums[1], 1e-9),
        perimeter=perimeter,
        weight=table["households"].to_numpy(dtype=np.float64),
        area=table["area_m2"].to_numpy(dtype=np.float64),
        xy=table[["x", "y"]].to_numpy(dtype=np.float64),
    )


def contract(graph: Graph, group: Ints, groups: int) -> Graph:
    """Return the graph whose atoms are groups of atoms; every group is connected and occurs."""
    row = np.repeat(np.arange(len(graph)), np.diff(graph.first))
    a, b = group[row], group[graph.neighbour]
    outer = a < b
    first, neighbour, sums = _rows(
        a[outer], b[outer], groups,
        [graph.length[outer], graph.length[outer] * graph.on_barrier[outer]],
    )  # fmt: skip
    within = np.bincount(a[a == b], weights=graph.length[a == b], minlength=groups)

    def total(values: Floats) -> Floats:
        return np.bincount(group, weights=values, minlength=groups).astype(np.float64)

    area = total(graph.area)
    return Graph(
        first=first,
        neighbour=neighbour,
        length=sums[0],
        on_barrier=sums[1] / np.maximum(sums[0], 1e-9),
        perimeter=total(graph.perimeter) - within,
        weight=total(graph.weight),
        area=area,
        xy=np.column_stack([total(graph.area * graph.xy[:, i]) / area for i in (0, 1)]),
    )


def _rows(a: Ints, b: Ints, n: int, values: list[Floats]) -> tuple[Ints, Ints, list[Floats]]:
    """Return pairs as compressed rows, both ways round, values of equal pairs added up."""
    row, column = np.concatenate([a, b]), np.concatenate([b, a])
    order = np.lexsort((column, row))
    row, column = row[order], column[order]
    pair = fold(row * (n + 1) + column)
    sums = [
        np.add.reduceat(np.concatenate([v, v])[order], pair) if len(pair) else v for v in values
    ]
    first = np.concatenate([[0], np.cumsum(np.bincount(row[pair], minlength=n))])
    return first, column[pair], sums
