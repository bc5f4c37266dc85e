"""Atoms joined to blocks, so that the search can move much land at once.

Multilevel refinement (Hendrickson & Leland 1995, doi:10.1145/224170.224228): what is found on
blocks is the start for the search among atoms.
"""

import numpy as np
from numpy.typing import NDArray

from gridcell.partition.graph import Graph, contract
from gridcell.partition.kernels import pair_neighbours

Ints = NDArray[np.int64]

_ROUNDS = 12
_BARRIER = 0.02
"""How much a border on a barrier counts when atoms are joined: blocks end at streets."""


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
    block = np.arange(len(graph))
    for _ in range(_ROUNDS):
        pair = pair_neighbours(graph.land(_BARRIER), heaviest)
        kept, label = np.unique(np.minimum(np.arange(len(graph)), pair), return_inverse=True)
        if len(kept) == len(graph):
            break
        block = label[block]
        graph = contract(graph, label, len(kept))
    return block
