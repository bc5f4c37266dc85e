"""The bound below which no round is: one-trees with prices on stops.

Held and Karp 1970, doi:10.1287/opre.18.6.1138, and 1971, doi:10.1007/BF01584070; steps after
Volgenant and Jonker 1982, doi:10.1016/0377-2217(82)90015-7.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_SMALL = 1e-9
_STEPS = 300
_PATIENCE = 10
"""Steps without a better bound, after which they become shorter."""


@njit(cache=True, nogil=True)
def tree_bound(d: Floats, least: float) -> float:
    """Return a length that no round through (m, m) distances falls below.

    Parameters
    ----------
    d
        Distances, symmetric, of at least three stops.
    least
        Length of a round.
    """
    m = len(d)
    price, push = np.zeros(m), np.zeros(m)
    degree = np.empty(m, dtype=np.int64)
    bound, scale, stale = 0.0, 2.0, 0
    for _ in range(_STEPS):
        total = _one_tree(d, price, degree)
        if total > bound + _SMALL * least:
            bound, stale = total, 0
        else:
            stale += 1
            if stale >= _PATIENCE:
                scale, stale = scale * 0.6, 0
        square = 0.0
        for i in range(m):
            square += (degree[i] - 2) ** 2
        if square == 0.0 or bound >= least * (1 - _SMALL) or scale < 1e-3:
            break
        step = scale * (least - total) / square
        for i in range(m):
            push[i] = 0.7 * (degree[i] - 2) + 0.3 * push[i]
            price[i] += step * push[i]
    return min(bound, least)


@njit(cache=True, nogil=True)
def _one_tree(d: Floats, price: Floats, degree: Ints) -> float:
    """Return the length of the shortest one-tree, prices taken off, and fill its degrees.

    It is the shortest tree over all stops but the last, and the two shortest ways from there.
    """
    m = len(d)
    root = m - 1
    key, link = np.full(m, np.inf), np.full(m, -1, dtype=np.int64)
    done = np.zeros(m, dtype=np.bool_)
    degree[:] = 0
    total: float = 2 * price[root] - 2 * price.sum()
    key[0] = 0.0
    for _ in range(root):
        i = -1
        for j in range(root):
            if not done[j] and (i < 0 or key[j] < key[i]):
                i = j
        done[i] = True
        total += key[i]
        if link[i] >= 0:
            degree[i] += 1
            degree[link[i]] += 1
        for j in range(root):
            away = d[i, j] + price[i] + price[j]
            if not done[j] and away < key[j]:
                key[j] = away
                link[j] = i
    one, two = -1, -1
    for j in range(root):
        away = d[root, j] + price[j]
        if one < 0 or away < d[root, one] + price[one]:
            one, two = j, one
        elif two < 0 or away < d[root, two] + price[two]:
            two = j
    degree[one] += 1
    degree[two] += 1
    degree[root] = 2
    total += d[root, one] + d[root, two] + price[one] + price[two]
    return total
