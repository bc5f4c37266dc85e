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
    row, column = np.concatenate([a[inner], b[inner]]), np.concatenate([b[inner], a[inner]])
    cost = np.concatenate([cost[inner], cost[inner]])
    order = np.lexsort((column, row))
    row, column, cost = row[order], column[order], cost[order]
    pair = fold(row * (n + 1) + column)
    table = fabric.atoms.iloc[atoms]
    return Graph(
        first=np.concatenate([[0], np.cumsum(np.bincount(row[pair], minlength=n))]),
        neighbour=column[pair],
        length=np.add.reduceat(cost, pair) if len(pair) else cost,
        perimeter=perimeter,
        weight=table["households"].to_numpy(dtype=np.float64),
        area=table["area_m2"].to_numpy(dtype=np.float64),
        xy=table[["x", "y"]].to_numpy(dtype=np.float64),
    )
