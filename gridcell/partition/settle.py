"""Earlier cells on new land: which atom is whose, every cell in one piece, nothing left over."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from gridcell.partition.graph import Graph
from gridcell.partition.kernels import Goal

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


def settle(graph: Graph, home: Ints, settled: Floats, locked: Mask, goal: Goal) -> Ints:
    """Return connected cells: the earlier ones where they are, and of all other land.

    Of a cell in several pieces the one with most settled households stays. What is left joins
    neighbours by its longest border, unless it has enough households for a cell of its own, or no
    neighbour but locked cells, which get nothing.
    """
    piece = graph.within(home).components()
    pieces = int(piece.max()) + 1
    whose = np.empty(pieces, dtype=np.int64)
    whose[piece] = home
    held = np.bincount(piece, weights=settled, minlength=pieces)
    area = np.bincount(piece, weights=graph.area, minlength=pieces)
    order = np.lexsort((np.arange(pieces), -area, -held, whose))
    kept = np.zeros(pieces, dtype=bool)
    first = np.flatnonzero(np.diff(whose[order], prepend=-2) != 0)
    kept[order[first]] = True
    kept &= whose >= 0
    cell = np.where(kept[piece], home, -1)
    cells = int(home.max()) + 1

    rest = graph.within(np.where(cell < 0, -1, cell)).components()
    load = np.bincount(rest, weights=graph.weight)
    for number in np.unique(rest[cell < 0]).tolist():
        if load[number] >= goal.low:
            cell[rest == number] = cells
            cells += 1
    if len(locked) and locked.any():
        # Neither -1 nor cells made of the rest are locked.
        shut = np.append(locked, False)[np.minimum(cell, len(locked))]
        mine = np.where(shut, -2, cell)
        filled = absorb(graph.first, graph.neighbour, graph.length, mine)
        cell = np.where(filled == -2, cell, filled)
    else:
        cell = absorb(graph.first, graph.neighbour, graph.length, cell)
    for number in np.unique(rest[cell < 0]).tolist():
        cell[(rest == number) & (cell < 0)] = cells
        cells += 1
    return cell


def absorb(first: Ints, neighbour: Ints, length: Floats, cell: Ints) -> Ints:
    """Return the cells, atoms in none (-1) joined to that with which they share most border."""
    cell = cell.copy()
    owner = np.repeat(np.arange(len(cell)), np.diff(first))
    while True:
        edge = np.flatnonzero((cell[owner] == -1) & (cell[neighbour] >= 0))
        if not len(edge):
            return cell
        atom, to = owner[edge], cell[neighbour[edge]]
        order = np.lexsort((to, atom))
        atom, to, metres = atom[order], to[order], length[edge][order]
        begin = np.flatnonzero((np.diff(atom, prepend=-1) != 0) | (np.diff(to, prepend=-1) != 0))
        atom, to, metres = atom[begin], to[begin], np.add.reduceat(metres, begin)
        best = np.lexsort((to, -metres, atom))
        chosen = best[np.flatnonzero(np.diff(atom[best], prepend=-1) != 0)]
        cell[atom[chosen]] = to[chosen]


def main_cells(group: Ints, known: Ints, settled: Floats, area: Floats) -> Ints:
    """Return for each group of atoms the earlier cell of most of it, -1 for none."""
    out = np.full(int(group.max()) + 1, -1, dtype=np.int64)
    mine = np.flatnonzero(known >= 0)
    key = group[mine] * (int(known.max(initial=0)) + 1) + known[mine]
    pairs, row = np.unique(key, return_inverse=True)
    held = np.bincount(row, weights=settled[mine])
    land = np.bincount(row, weights=area[mine])
    owner, value = np.divmod(pairs, int(known.max(initial=0)) + 1)
    order = np.lexsort((value, -land, -held, owner))
    best = order[np.flatnonzero(np.diff(owner[order], prepend=-1) != 0)]
    out[owner[best]] = value[best]
    return out


def join_touching(graph: Graph, block: Ints, together: Ints) -> Ints:
    """Return blocks in which atoms of one number in `together` (not -1) that touch are one."""
    owner = graph.owner
    a, b = together[owner], together[graph.neighbour]
    link = ((a == b) & (a >= 0)) | (block[owner] == block[graph.neighbour])
    return connected(owner[link], graph.neighbour[link], len(graph))


def connected(a: Ints, b: Ints, count: int) -> Ints:
    """Return the number of the connected piece of each of so many atoms, linked in pairs."""
    links = csr_array((np.ones(len(a), dtype=np.int8), (a, b)), shape=(count, count))
    return connected_components(links, directed=False)[1].astype(np.int64)


def sums(group: Ints, values: Floats, count: int) -> Floats:
    """Return the sum of values in each of so many groups."""
    return np.bincount(group, weights=values, minlength=count).astype(np.float64)
