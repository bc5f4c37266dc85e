"""Cells that the land has no households for, joined to a neighbour that has room.

How many cells a piece of land gets is told by its households before anything is known of its atoms.
Where atoms are heavy, the last cell may be left with nobody.
"""

import numpy as np
from numpy.typing import NDArray

from gridcell.partition.graph import Graph, contract

Ints = NDArray[np.int64]


def dissolve(graph: Graph, cell: Ints, tried: Ints, low: float, high: float) -> tuple[Ints, Ints]:
    """Return the cells, those under the band joined to a neighbour where the band allows both.

    The lightest first, to the neighbour with the longest common border among those with room; land
    of nobody joins any neighbour. The cells in the band become no fewer.

    Parameters
    ----------
    graph
        The land; borders between pieces of it are left out.
    cell
        (atoms,) connected cells, numbered from 0.
    tried
        (cells,) `gridcell.partition.search.Divided.neighbours_tried`.
    low, high
        The band, inclusive.

    Returns
    -------
    cell, tried
        Renumbered; nothing was tried for what is new, or beside it.
    """
    while True:
        whole = contract(graph, cell, len(tried))
        load = whole.weight
        owner, other = whole.owner, whole.neighbour
        room = (load[owner] + load[other] <= high + 1e-9) | (load[owner] == 0)
        pair = np.flatnonzero((load[owner] < low - 1e-9) & room)
        if not len(pair):
            return cell, tried
        first = pair[np.lexsort((other[pair], -whole.length[pair], owner[pair], load[owner[pair]]))]
        gone, kept = owner[first[0]], other[first[0]]
        tried = tried.copy()
        beside = np.isin(owner, (gone, kept))
        tried[np.append(other[beside], kept)] = 0
        tried = np.delete(tried, gone)
        cell = np.where(cell == gone, kept, cell)
        cell = cell - (cell > gone)
