"""Array-only kernels of cells."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@njit(cache=True, nogil=True)
def turn_clockwise(
    h: Ints, first: Ints, last: Ints, candidate: Ints, back: Floats, out: Floats
) -> Ints:
    """Return with which half-arc the border of a face goes on after each half-arc.

    Where a face touches itself, several leave the vertex: the next is the first clockwise.

    Parameters
    ----------
    h
        (n,) half-arcs.
    first, last
        (n,) where those that leave its end with the same face on their left stand in `candidate`.
    candidate
        Half-arcs.
    back, out
        (half-arcs,) angle of the way back from its end, and of its beginning, radians.
    """
    following = np.empty(len(h), dtype=np.int64)
    for i in range(len(h)):
        best = candidate[first[i]]
        if last[i] - first[i] > 1:
            least = np.inf
            for k in range(first[i], last[i]):
                turn = (back[h[i]] - out[candidate[k]]) % (2 * np.pi)
                if turn < least:
                    least = turn
                    best = candidate[k]
        following[i] = best
    return following


@njit(cache=True, nogil=True)
def split_rings(following: Ints, tail: Ints, vertices: int) -> tuple[Ints, Ints]:
    """Return the rings that half-arcs make, none of which comes to a vertex twice.

    Parameters
    ----------
    following
        (half-arcs,) the next along the border of a face; -1 for half-arcs of none.
    tail
        (half-arcs,) vertex at which each begins.
    vertices
        Number of vertices.

    Returns
    -------
    start, half
        Ring i has the half-arcs ``half[start[i]:start[i + 1]]``.
    """
    n = len(following)
    used = following < 0
    at = np.full(vertices, -1, dtype=np.int64)
    stack = np.empty(n, dtype=np.int64)
    start = np.zeros(n + 1, dtype=np.int64)
    half = np.empty(n, dtype=np.int64)
    rings = 0
    size = 0
    for seed in range(n):
        if used[seed]:
            continue
        top = 0
        h = seed
        while True:
            # What was gone through since the last time at this vertex is a ring of its own.
            if at[tail[h]] >= 0:
                bottom = at[tail[h]]
                for k in range(bottom, top):
                    half[size] = stack[k]
                    size += 1
                    at[tail[stack[k]]] = -1
                top = bottom
                rings += 1
                start[rings] = size
            if used[h]:
                break
            used[h] = True
            at[tail[h]] = top
            stack[top] = h
            top += 1
            h = following[h]
    return start[: rings + 1], half[:size]
