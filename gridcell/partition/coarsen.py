"""Atoms joined to blocks, so that the search can move much land at once.

Multilevel refinement (Hendrickson & Leland 1995, doi:10.1145/224170.224228): what is found on blocks
is the start for the search among atoms.
"""

import numpy as np
from numpy.typing import NDArray

from gridcell.partition.graph import Graph, contract
from gridcell.partition.kernels import match_neighbours

Ints = NDArray[np.int64]

_ROUNDS = 12
_BARRIER = 0.02
"""How little a border on a barrier counts when atoms are joined: blocks end at streets."""


def join_blocks(graph: Graph, heaviest: float) -> Ints:
    """Return the block of each atom, numbered from 0; every block is connected.

    Neighbours join in pairs, round by round, those first whose common border is long for their
    perimeter and not on a barrier.

    Parameters
    ----------
    graph
        The land.
    heaviest
        Most households of a block of several atoms.
    """
    group = np.arange(len(graph))
    affinity = graph.length * (1 - (1 - _BARRIER) * graph.on_barrier)
    current = Graph(
        first=graph.first, neighbour=graph.neighbour, length=affinity, on_barrier=graph.on_barrier,
        perimeter=graph.perimeter, weight=graph.weight, area=graph.area, xy=graph.xy,
    )  # fmt: skip
    for _ in range(_ROUNDS):
        pair = match_neighbours(
            current.first, current.neighbour, current.length, current.perimeter, current.weight,
            heaviest,
        )  # fmt: skip
        kept, label = np.unique(np.minimum(np.arange(len(current)), pair), return_inverse=True)
        if len(kept) == len(current):
            break
        group = label[group]
        current = contract(current, label, len(kept))
    return group
