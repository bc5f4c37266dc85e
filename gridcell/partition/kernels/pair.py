"""Pairs of neighbours that belong together."""

import numpy as np
from numba import njit

from gridcell.partition.kernels.state import Adjacency, Ints


@njit(cache=True, nogil=True)
def pair_neighbours(land: Adjacency, heaviest: float) -> Ints:
    """Return for each atom the neighbour it is paired with, or itself: both choose each other."""
    n = len(land.weight)
    choice = np.arange(n)
    for i in range(n):
        best = 0.0
        for k in range(land.first[i], land.first[i + 1]):
            j = land.neighbour[k]
            if land.weight[i] + land.weight[j] > heaviest:
                continue
            fit = land.length[k] / min(land.perimeter[i], land.perimeter[j])
            # Ties go to the pair of lowest numbers, seen alike from both sides.
            if fit > best or (fit == best and j < choice[i]):
                best = fit
                choice[i] = j
    pair = np.arange(n)
    for i in range(n):
        if choice[choice[i]] == i:
            pair[i] = choice[i]
    return pair
