"""Array-only kernels: the shortest order of the stops of a cell, and a bound below which none is.

Up to 12 stops by dynamic programming over sets of stops (Held and Karp 1962, doi:10.1137/0110015).
Beyond by moves of two streets (Croes 1958, doi:10.1287/opre.6.6.791) and of short chains (Or 1976)
among near stops, again and again from what kicks leave (Martin, Otto and Felten 1991).
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from gridcell.visits.bound import tree_bound

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

EXACT = 12
"""Stops up to which every order is weighed."""
_NEAR = 10
"""Near stops of each that moves try."""
_CHAIN = 3
"""Longest chain that is moved."""
_EPS = 1e-7
"""Metres: what is gained by less is not gained."""
_SMALL = 1e-9
_KICKS = 40
"""For each stop."""


@njit(cache=True, nogil=True)
def order_stops(
    metres: Floats, start: Ints, count: Ints, closed: bool,  # noqa: FBT001 no keywords here
    order: Ints, length: Floats, bound: Floats,
) -> None:  # fmt: skip
    """Write for each cell the order in which its stops are visited.

    Parameters
    ----------
    metres
        Tables of distances, (n, n) for a cell of n stops, symmetric, one after another.
    start
        (cells,) where the table of each begins.
    count
        (cells,) stops of each, at least one.
    closed
        Whether the way ends where it began; else it begins and ends at any two stops.
    order
        (stops,) is filled with the numbers of the stops of each cell, cell after cell.
    length, bound
        (cells,) are filled: metres of the way, and those that no order falls below.
    """
    at = 0
    for cell in range(len(count)):
        n = count[cell]
        table = metres[start[cell] : start[cell] + n * n].copy().reshape(n, n)
        if n <= EXACT:
            own, total = best_order(table, closed)
            low = total
        else:
            own, total, low = good_order(table, closed)
        # Of two directions, and of a round of all starts, always the same.
        if closed:
            own = _turned(own)
        elif own[0] > own[n - 1]:
            own = own[::-1].copy()
        for k in range(n):
            order[at + k] = own[k]
        length[cell] = total
        bound[cell] = min(low, total)
        at += n


@njit(cache=True, nogil=True)
def _turned(own: Ints) -> Ints:
    n = len(own)
    first = 0
    for k in range(n):
        if own[k] == 0:
            first = k
    out = np.empty(n, dtype=np.int64)
    back = n > 2 and own[(first + 1) % n] > own[(first - 1) % n]
    for k in range(n):
        out[k] = own[(first - k) % n] if back else own[(first + k) % n]
    return out


@njit(cache=True, nogil=True)
def best_order(d: Floats, closed: bool) -> tuple[Ints, float]:  # noqa: FBT001
    """Return the shortest order of (n, n) distances and its length."""
    n = len(d)
    sets = 1 << n
    best = np.full((sets, n), np.inf)
    before = np.full((sets, n), -1, dtype=np.int8)
    for j in range(n):
        if j == 0 or not closed:
            best[1 << j, j] = 0.0
    for visited in range(1, sets):
        for last in range(n):
            so_far = best[visited, last]
            if so_far == np.inf:
                continue
            for j in range(n):
                if visited & (1 << j):
                    continue
                then = visited | (1 << j)
                total = so_far + d[last, j]
                if total < best[then, j]:
                    best[then, j] = total
                    before[then, j] = last
    end, least = 0, np.inf
    for j in range(n):
        total = best[sets - 1, j] + (d[j, 0] if closed else 0.0)
        if total < least:
            end, least = j, total
    out = np.empty(n, dtype=np.int64)
    visited = sets - 1
    for k in range(n - 1, -1, -1):
        out[k] = end
        previous = before[visited, end]
        visited ^= 1 << end
        end = previous
    return out, least


@njit(cache=True, nogil=True)
def good_order(d: Floats, closed: bool) -> tuple[Ints, float, float]:  # noqa: FBT001
    """Return a short order of (n, n) distances, its length, and the bound."""
    n = len(d)
    if closed:
        table = d
    else:
        # A stop at no distance from all others turns a way into a round.
        table = np.zeros((n + 1, n + 1))
        table[:n, :n] = d
    m = len(table)
    near = _near_stops(table)
    tour = np.empty(m, dtype=np.int64)
    place = np.empty(m, dtype=np.int64)
    best = np.empty(m, dtype=np.int64)
    stack = np.empty(m, dtype=np.int64)
    waits = np.zeros(m, dtype=np.bool_)
    least = np.inf
    for first in (0, m // 2, m - 1):
        _nearest_first(table, first, tour)
        for k in range(m):
            place[tour[k]] = k
            stack[k] = tour[k]
            waits[k] = True
        _improve(table, near, tour, place, stack, m, waits)
        total = _length(table, tour)
        if total < least - _EPS:
            least = total
            best[:] = tour
    low = tree_bound(table, least)
    if least > low * (1 + _SMALL) + _EPS:
        least = _kick(table, near, best, least, low)
        low = max(low, tree_bound(table, least))
    if closed:
        return best, least, low
    out = np.empty(n, dtype=np.int64)
    gap = 0
    for k in range(m):
        if best[k] == n:
            gap = k
    for k in range(n):
        out[k] = best[(gap + 1 + k) % m]
    return out, least, low


@njit(cache=True, nogil=True)
def _near_stops(d: Floats) -> Ints:
    m = len(d)
    size = min(_NEAR, m - 1)
    near = np.empty((m, size), dtype=np.int64)
    for i in range(m):
        row = np.argsort(d[i], kind="mergesort")
        k = 0
        for j in row:
            if j != i and k < size:
                near[i, k] = j
                k += 1
    return near


@njit(cache=True, nogil=True)
def _nearest_first(d: Floats, first: int, tour: Ints) -> None:
    m = len(d)
    seen = np.zeros(m, dtype=np.bool_)
    at = first
    for k in range(m):
        tour[k] = at
        seen[at] = True
        least, nearest = np.inf, -1
        for j in range(m):
            if not seen[j] and d[at, j] < least:
                least, nearest = d[at, j], j
        at = nearest


@njit(cache=True, nogil=True)
def _length(d: Floats, tour: Ints) -> float:
    total = 0.0
    for k in range(len(tour)):
        total += d[tour[k - 1], tour[k]]
    return total


@njit(cache=True, nogil=True)
def _reverse(tour: Ints, place: Ints, i: int, j: int) -> None:
    """Turn round what stands from place i forward to place j."""
    m = len(tour)
    inner = (j - i) % m + 1
    if 2 * inner > m:
        # The same round, with the other part turned.
        i, j = (j + 1) % m, (i - 1) % m
        inner = m - inner
    for _ in range(inner // 2):
        a, b = tour[i], tour[j]
        tour[i], tour[j] = b, a
        place[b], place[a] = i, j
        i = (i + 1) % m
        j = (j - 1) % m


@njit(cache=True, nogil=True)
def _improve(
    d: Floats, near: Ints, tour: Ints, place: Ints, stack: Ints, size: int,
    waits: NDArray[np.bool_],
) -> None:  # fmt: skip
    """Make moves around the stops on the stack until none of them shortens the round."""
    m = len(tour)
    touched = np.empty(8, dtype=np.int64)
    while size:
        size -= 1
        a = stack[size]
        waits[a] = False
        moved = True
        while moved:
            moved = False
            count = 0
            for side in (1, -1):
                p = tour[(place[a] + side) % m]
                for k in range(near.shape[1]):
                    c = near[a, k]
                    gain = d[a, p] - d[a, c]
                    if gain <= _EPS:
                        break
                    # Two streets: (a, p) and (c, q) become (a, c) and (p, q).
                    q = tour[(place[c] + side) % m]
                    if gain + d[c, q] - d[p, q] > _EPS:
                        if side > 0:
                            _reverse(tour, place, place[p], place[c])
                        else:
                            _reverse(tour, place, place[c], place[p])
                        touched[0], touched[1], touched[2], touched[3] = a, p, c, q
                        count = 4
                        break
                    count = _move_chain(d, tour, place, a, c, side, touched)
                    if count:
                        break
                if count:
                    break
            for k in range(count):
                if not waits[touched[k]]:
                    waits[touched[k]] = True
                    stack[size] = touched[k]
                    size += 1
            moved = count > 0


@njit(cache=True, nogil=True)
def _move_chain(
    d: Floats, tour: Ints, place: Ints, a: int, c: int, side: int, touched: Ints
) -> int:
    """Move a short chain that begins with `a` to beside `c`; return how many stops that touched.

    The chain goes away from the neighbour of `a` on the given side.
    """
    m = len(tour)
    p = tour[(place[a] + side) % m]
    for size in range(1, _CHAIN + 1):
        if size > m - 3:
            break
        e = tour[(place[a] - side * (size - 1)) % m]
        q = tour[(place[e] - side) % m]
        if ((place[a] - place[c]) * side) % m < size:
            break
        freed = d[p, a] + d[e, q] - d[p, q]
        for way in (1, -1):
            f = tour[(place[c] + way) % m]
            if ((place[a] - place[f]) * side) % m < size:
                continue
            if freed - d[a, c] - d[e, f] + d[c, f] > _EPS:
                _transplant(tour, place, a, side, size, c, way)
                touched[0], touched[1], touched[2] = a, e, p
                touched[3], touched[4], touched[5] = q, c, f
                return 6
    return 0


@njit(cache=True, nogil=True)
def _transplant(tour: Ints, place: Ints, a: int, side: int, size: int, c: int, way: int) -> None:
    """Put the chain that begins with `a` between `c` and its neighbour on the side `way`."""
    m = len(tour)
    chain = np.empty(size, dtype=np.int64)
    for k in range(size):
        chain[k] = tour[(place[a] - side * k) % m]
    rest = np.empty(m, dtype=np.int64)
    at = 0
    inside = np.zeros(m, dtype=np.bool_)
    for k in range(size):
        inside[chain[k]] = True
    for k in range(m):
        stop = tour[k]
        if inside[stop]:
            continue
        if stop == c and way < 0:
            # ... f, e .. a, c ...
            for i in range(size - 1, -1, -1):
                rest[at] = chain[i]
                at += 1
        rest[at] = stop
        at += 1
        if stop == c and way > 0:
            for i in range(size):
                rest[at] = chain[i]
                at += 1
    for k in range(m):
        tour[k] = rest[k]
        place[rest[k]] = k


@njit(cache=True, nogil=True)
def _kick(d: Floats, near: Ints, best: Ints, least: float, low: float) -> float:
    """Improve a round in place: two chains change places, and moves mend what that broke."""
    m = len(best)
    tour, place = best.copy(), np.empty(m, dtype=np.int64)
    stack = np.empty(m, dtype=np.int64)
    waits = np.zeros(m, dtype=np.bool_)
    for k in range(m):
        place[tour[k]] = k
    state = np.uint64(88172645463325252)
    longest = max(1, min(30, (m - 2) // 3))
    moved = np.empty(2 * longest, dtype=np.int64)
    for _ in range(_KICKS * m):
        if least <= low * (1 + _SMALL) + _EPS:
            break
        draws = np.empty(3, dtype=np.int64)
        for k in range(3):
            state ^= state << np.uint64(13)
            state ^= state >> np.uint64(7)
            state ^= state << np.uint64(17)
            draws[k] = np.int64(state >> np.uint64(2))
        at = draws[0] % m
        one, two = 1 + draws[1] % longest, 1 + draws[2] % longest
        for k in range(one + two):
            moved[k] = tour[(at + (k + one if k < two else k - two)) % m]
        for k in range(one + two):
            tour[(at + k) % m] = moved[k]
            place[moved[k]] = (at + k) % m
        size = 0
        for k in (at - 1, at, at + two - 1, at + two, at + one + two - 1, at + one + two):
            stop = tour[k % m]
            if not waits[stop]:
                waits[stop] = True
                stack[size] = stop
                size += 1
        _improve(d, near, tour, place, stack, size, waits)
        total = _length(d, tour)
        if total < least - _EPS:
            least = total
            best[:] = tour
        else:
            for k in range(m):
                tour[k] = best[k]
                place[best[k]] = k
    return least
