"""Edges chained into arcs, and arcs without vertices that say nothing."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@njit(cache=True, nogil=True)
def _edges_at(low: Ints, high: Ints, vertices: int) -> tuple[Ints, Ints]:
    """Return the edges at vertex v: ``incident[first[v]:first[v + 1]]``."""
    first = np.zeros(vertices + 1, dtype=np.int64)
    for e in range(len(low)):
        first[low[e] + 1] += 1
        first[high[e] + 1] += 1
    for v in range(vertices):
        first[v + 1] += first[v]
    fill = first[:-1].copy()
    incident = np.empty(2 * len(low), dtype=np.int64)
    for e in range(len(low)):
        incident[fill[low[e]]] = e
        fill[low[e]] += 1
        incident[fill[high[e]]] = e
        fill[high[e]] += 1
    return first, incident


@njit(cache=True, nogil=True)
def _junctions(
    first: Ints, incident: Ints, left: Ints, right: Ints, flag: Ints
) -> NDArray[np.bool_]:
    """Return at which vertices arcs end: where not just two edges meet, alike on both sides."""
    junction = np.zeros(len(first) - 1, dtype=np.bool_)
    for v in range(len(first) - 1):
        degree = first[v + 1] - first[v]
        if degree == 0:
            continue
        if degree != 2:
            junction[v] = True
            continue
        a, b = incident[first[v]], incident[first[v] + 1]
        same = (left[a] == left[b] and right[a] == right[b]) or (
            left[a] == right[b] and right[a] == left[b]
        )
        junction[v] = not same or flag[a] != flag[b]
    return junction


@njit(cache=True, nogil=True)
def chain_edges(
    low: Ints, high: Ints, left: Ints, right: Ints, flag: Ints, vertices: int
) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """Return edges chained into arcs between junctions.

    An edge runs from `low` to `high` with `left` and `right` beside it. Edges are chained through
    a vertex where just two of them meet and both have the same sides and flag.

    Returns
    -------
    start, vertex, arc_left, arc_right, arc_flag
        Arc i has the vertices ``vertex[start[i]:start[i + 1]]``; a closed arc ends where it began.
    """
    first, incident = _edges_at(low, high, vertices)
    junction = _junctions(first, incident, left, right, flag)
    n = len(low)
    used = np.zeros(n, dtype=np.bool_)
    start = np.empty(n + 1, dtype=np.int64)
    vertex = np.empty(2 * n, dtype=np.int64)
    arc_left = np.empty(n, dtype=np.int64)
    arc_right = np.empty(n, dtype=np.int64)
    arc_flag = np.empty(n, dtype=np.int64)
    arcs = 0
    size = 0
    # First arcs that begin at a junction, then closed ones without any.
    for closed in range(2):
        for v in range(vertices):
            if closed == 0 and not junction[v]:
                continue
            for k in range(first[v], first[v + 1]):
                e = incident[k]
                if used[e]:
                    continue
                start[arcs] = size
                forward = low[e] == v
                arc_left[arcs] = left[e] if forward else right[e]
                arc_right[arcs] = right[e] if forward else left[e]
                arc_flag[arcs] = flag[e]
                vertex[size] = v
                size += 1
                here = v
                while True:
                    used[e] = True
                    here = high[e] if low[e] == here else low[e]
                    vertex[size] = here
                    size += 1
                    if here == v or junction[here]:
                        break
                    other = incident[first[here]]
                    e = incident[first[here] + 1] if other == e else other
                arcs += 1
    start[arcs] = size
    return start[: arcs + 1], vertex[:size], arc_left[:arcs], arc_right[:arcs], arc_flag[:arcs]


@njit(cache=True, nogil=True)
def straighten(
    start: Ints, vertex: Ints, xy: NDArray[np.float64], tolerance: float
) -> tuple[Ints, Ints]:
    """Return arcs without the inner vertices on the straight line between their neighbours.

    Parameters
    ----------
    start, vertex
        Arcs as `chain_edges` returns them.
    xy
        (vertices, 2) coordinates.
    tolerance
        Largest distance of a vertex left out from the line that remains, in the unit of `xy`.
    """
    kept = np.empty_like(vertex)
    new_start = np.empty_like(start)
    size = 0
    for arc in range(len(start) - 1):
        new_start[arc] = size
        a, stop = start[arc], start[arc + 1] - 1
        kept[size] = vertex[a]
        size += 1
        while a < stop:
            b = a + 1
            while b < stop:
                px, py = xy[vertex[a], 0], xy[vertex[a], 1]
                dx, dy = xy[vertex[b + 1], 0] - px, xy[vertex[b + 1], 1] - py
                norm = np.hypot(dx, dy)
                fits = norm > 0
                for i in range(a + 1, b + 1):
                    qx, qy = xy[vertex[i], 0] - px, xy[vertex[i], 1] - py
                    along = qx * dx + qy * dy
                    if (
                        abs(qx * dy - qy * dx) > tolerance * norm
                        or along < 0
                        or along > norm * norm
                    ):
                        fits = False
                        break
                if not fits:
                    break
                b += 1
            kept[size] = vertex[b]
            size += 1
            a = b
    new_start[len(start) - 1] = size
    return new_start, kept[:size]
