"""Recursive bisection of connected land into connected parts."""

import numpy as np
from numba import njit

from gridcell.partition.kernels.state import Floats, Ints


@njit(cache=True, nogil=True)
def bisect(
    first: Ints, neighbour: Ints, mass: Floats, xy: Floats, order: Ints, bounds: Ints, count: Ints
) -> Ints:
    """Return the cell of each atom.

    `order` holds the atoms of one piece after another, ascending in each, and is used up.
    """
    n = len(order)
    cell = np.zeros(n, dtype=np.int64)
    # Runs of `order` still to be halved: where they begin and end, and into how many cells.
    low, high, parts = (
        np.empty(n + 1, np.int64),
        np.empty(n + 1, np.int64),
        np.empty(n + 1, np.int64),
    )
    side = np.zeros(n, dtype=np.int64)
    label = np.full(n, -1)
    queue = np.empty(n, dtype=np.int64)
    made = 0
    for p in range(len(count)):
        low[0], high[0], parts[0] = bounds[p], bounds[p + 1], count[p]
        depth = 1
        while depth > 0:
            depth -= 1
            a, b, k = low[depth], high[depth], parts[depth]
            if k == 1:
                for i in range(a, b):
                    cell[order[i]] = made
                made += 1
                continue
            rows = order[a:b].copy()
            ranked = rows[np.argsort(_along(rows, mass, xy), kind="mergesort")]
            total = 0.0
            for v in ranked:
                total += mass[v]
            wanted = total * (k // 2) / k
            at, running = 0, 0.0
            while at < len(rows) - 1 and (at == 0 or running + mass[ranked[at]] / 2 <= wanted):
                running += mass[ranked[at]]
                at += 1
            for i in range(len(ranked)):
                side[ranked[i]] = 1 if i < at else 2
            _connect_halves(rows, first, neighbour, side, label, queue)
            near, weight = 0, 0.0
            for v in rows:
                if side[v] == 1:
                    order[a + near] = v
                    near += 1
                    weight += mass[v]
            far = near
            for v in rows:
                if side[v] == 2:
                    order[a + far] = v
                    far += 1
                side[v] = 0
            share = int(np.rint(k * weight / total))
            share = min(max(share, 1, k - (far - near)), k - 1, near)
            low[depth], high[depth], parts[depth] = a + near, b, k - share
            low[depth + 1], high[depth + 1], parts[depth + 1] = a, a + near, share
            depth += 2
    return cell


@njit(cache=True, nogil=True)
def _along(rows: Ints, mass: Floats, xy: Floats) -> Floats:
    """Return where each atom lies along the longest axis of them all."""
    total, cx, cy = 0.0, 0.0, 0.0
    for v in rows:
        total += mass[v]
        cx += mass[v] * xy[v, 0]
        cy += mass[v] * xy[v, 1]
    cx, cy = cx / total, cy / total
    xx, yy, xy_ = 0.0, 0.0, 0.0
    for v in rows:
        dx, dy = xy[v, 0] - cx, xy[v, 1] - cy
        xx += mass[v] * dx * dx
        yy += mass[v] * dy * dy
        xy_ += mass[v] * dx * dy
    angle = 0.5 * np.arctan2(2 * xy_, xx - yy)
    ux, uy = np.cos(angle), np.sin(angle)
    out = np.empty(len(rows))
    for i in range(len(rows)):
        # To the millimetre, so that ties are ties on every machine.
        out[i] = np.rint(((xy[rows[i], 0] - cx) * ux + (xy[rows[i], 1] - cy) * uy) * 1e3)
    return out


@njit(cache=True, nogil=True)
def _connect_halves(
    rows: Ints, first: Ints, neighbour: Ints, side: Ints, label: Ints, queue: Ints
) -> None:
    """Make each side connected: what is cut off from it goes to the other one."""
    # Not by two calls: numba compiles a function anew for each constant that it is given.
    for mine in range(1, 3):
        _keep_largest(rows, mine, 3 - mine, first, neighbour, side, label, queue)


@njit(cache=True, nogil=True)
def _keep_largest(
    rows: Ints, mine: int, other: int, first: Ints, neighbour: Ints, side: Ints, label: Ints,
    queue: Ints,
) -> None:  # fmt: skip
    """Move all but the largest connected piece of one side to the other side."""
    best, best_size, pieces = -1, 0, 0
    for v in rows:
        if side[v] != mine or label[v] >= 0:
            continue
        label[v] = pieces
        queue[0] = v
        head, tail = 0, 1
        while head < tail:
            u = queue[head]
            head += 1
            for k in range(first[u], first[u + 1]):
                w = neighbour[k]
                if side[w] == mine and label[w] < 0:
                    label[w] = pieces
                    queue[tail] = w
                    tail += 1
        if tail > best_size:
            best, best_size = pieces, tail
        pieces += 1
    for v in rows:
        if side[v] == mine and label[v] != best:
            side[v] = other
        label[v] = -1
