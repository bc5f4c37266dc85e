"""The best division of a few atoms, by going through all of them.

Dynamic programming over sets of atoms (Held & Karp 1962, doi:10.1137/0110015): the lowest atom not
yet covered goes with each connected set that has room, so every division comes up once.
"""

import numpy as np
from numpy.typing import NDArray

from gridcell.partition.kernels import Adjacency, Goal, best_partition, connected_sets

Ints = NDArray[np.int64]

MOST_ATOMS = 14
"""Atoms up to which the best division is looked for: the cost doubles with each."""
_MOST_ALONE = 18
"""The same for a few cells on land that is not part of anything larger."""
_FEW_CELLS = 3
_MOST_SETS = 12_000
_MOST_SETS_ALONE = 30_000
_OUT = 1e4
"""What a cell out of the band costs here, far above any sum of energies: in band comes first."""


def divide_exactly(land: Adjacency, count: int, goal: Goal, *, alone: bool = False) -> Ints | None:
    """Return the best division into `count` connected cells: the cell of each atom.

    Best is the most cells in the band, and among these the least energy. ``None`` where there are
    too many atoms or sets to go through.

    Parameters
    ----------
    land
        A connected region.
    count
        Cells, at least 1.
    goal
        What a cell should be.
    alone
        Whether the land is no part of anything larger, so that it is gone through but once: then a
        few more atoms may be.
    """
    n = len(land.weight)
    alone = alone and count <= _FEW_CELLS
    if n > (_MOST_ALONE if alone else MOST_ATOMS) or not 1 <= count <= n:
        return None
    sets, cost, in_band, found = connected_sets(
        land, goal, _MOST_SETS_ALONE if alone else _MOST_SETS
    )
    if found < 0:
        return None
    price = cost[:found] + _OUT * (1 - in_band[:found])
    return best_partition(sets[:found], price, n, count)
