"""Array-only kernels of siting, compiled once and cached beside this file.

Places of demand and the sites that they reach come as rows in one after another: ``start[i]`` to
``start[i + 1]`` are the entries of place ``i`` in ``site`` and ``cost``, the nearest first. What a
place costs that none of its open sites serves is ``limit[i]``.
"""

import heapq

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@njit(cache=True, nogil=True)
def two_nearest(
    i: int, start: Ints, site: Ints, cost: Floats, limit: Floats, is_open: Bools
) -> tuple[int, int, float, float]:
    """Return the nearest and the next open site of a place, -1 without, and what they cost."""
    first, second = -1, -1
    near, next_near = limit[i], limit[i]
    for e in range(start[i], start[i + 1]):
        if cost[e] >= limit[i]:
            break
        if is_open[site[e]]:
            if first < 0:
                first, near = site[e], cost[e]
            else:
                second, next_near = site[e], cost[e]
                break
    return first, second, near, next_near


@njit(cache=True, nogil=True)
def serve(
    start: Ints, site: Ints, cost: Floats, limit: Floats, is_open: Bools
) -> tuple[Ints, Floats]:
    """Return the nearest open site of each place, -1 where none serves it, and what it costs."""
    n = len(start) - 1
    nearest, paid = np.full(n, -1, dtype=np.int64), np.empty(n)
    for i in range(n):
        nearest[i], _, paid[i], _ = two_nearest(i, start, site, cost, limit, is_open)
    return nearest, paid


@njit(cache=True, nogil=True)
def two_nearest_of(
    start: Ints, site: Ints, cost: Floats, limit: Floats, is_open: Bools
) -> tuple[Floats, Floats]:
    """Return what the nearest and the next open site of each place cost."""
    n = len(start) - 1
    near, after = np.empty(n), np.empty(n)
    for i in range(n):
        _, _, near[i], after[i] = two_nearest(i, start, site, cost, limit, is_open)
    return near, after


@njit(cache=True, nogil=True)
def _gain(j: int, of_site: Ints, place: Ints, price: Floats, paid: Floats) -> float:
    gain = 0.0
    for e in range(of_site[j], of_site[j + 1]):
        i = place[e]
        if price[e] < paid[i]:
            gain += paid[i] - price[e]
    return gain


@njit(cache=True, nogil=True)
def add_greedily(
    of_site: Ints, place: Ints, price: Floats, paid: Floats, is_open: Bools, count: int
) -> None:
    """Open further sites, each time the one that saves most; `paid` and `is_open` are updated.

    What a site saves only falls as others open, so that a saving of before bounds it.
    """
    heap = [
        (-_gain(j, of_site, place, price, paid), j, 0)
        for j in range(len(is_open))
        if not is_open[j]
    ]
    heapq.heapify(heap)
    opened = 0
    while opened < count and len(heap) > 0:
        _, j, known = heapq.heappop(heap)
        if known < opened:
            heapq.heappush(heap, (-_gain(j, of_site, place, price, paid), j, opened))
            continue
        is_open[j] = True
        opened += 1
        for e in range(of_site[j], of_site[j + 1]):
            paid[place[e]] = min(paid[place[e]], price[e])


@njit(cache=True, nogil=True)
def interchange(  # noqa: C901 - functions that take arrays are dear here
    start: Ints,
    site: Ints,
    cost: Floats,
    limit: Floats,
    of_site: Ints,
    place: Ints,
    price: Floats,
    is_open: Bools,
    locked: Bools,
    least: float,
    work: int,
) -> int:
    """Swap an open site for a closed one while that saves more than `least`; return work left.

    Vertex substitution (Teitz & Bart 1968) with the bookkeeping of Whitaker (1983): what each open
    site is worth is known, and only places nearer to the new site than to their second are looked
    at. `work` bounds the entries that are looked at.
    """
    n, m = len(start) - 1, len(is_open)
    first, second = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    near, next_near = np.empty(n), np.empty(n)
    worth, less = np.zeros(m), np.zeros(m)
    for i in range(n):
        first[i], second[i], near[i], next_near[i] = two_nearest(
            i, start, site, cost, limit, is_open
        )
        if first[i] >= 0:
            worth[first[i]] += next_near[i] - near[i]
    opened = np.flatnonzero(is_open & ~locked)
    touched = np.empty(m, dtype=np.int64)
    still, j = 0, 0
    while still < m and work > 0 and len(opened) > 0:
        still += 1
        if not is_open[j]:
            gain, marks = 0.0, 0
            for e in range(of_site[j], of_site[j + 1]):
                i, c = place[e], price[e]
                if c >= next_near[i]:
                    continue
                r = first[i]
                saved = next_near[i] - max(c, near[i])
                if c < near[i]:
                    gain += near[i] - c
                if r >= 0 and saved > 0.0:
                    if less[r] == 0.0:
                        touched[marks] = r
                        marks += 1
                    less[r] += saved
            work -= of_site[j + 1] - of_site[j] + len(opened)
            best, out = np.inf, -1
            for at in range(len(opened)):
                r = opened[at]
                loss = worth[r] - less[r]
                if loss < best:
                    best, out = loss, at
            for at in range(marks):
                less[touched[at]] = 0.0
            if gain - best > least:
                gone = opened[out]
                is_open[gone], is_open[j] = False, True
                opened[out] = j
                worth[gone] = 0.0
                for side in range(2):
                    s = gone if side == 0 else j
                    for e in range(of_site[s], of_site[s + 1]):
                        i = place[e]
                        if side == 0 and first[i] != gone and second[i] != gone:
                            continue
                        if side == 1 and price[e] >= next_near[i]:
                            continue
                        if first[i] >= 0 and first[i] != gone:
                            worth[first[i]] -= next_near[i] - near[i]
                        first[i], second[i], near[i], next_near[i] = two_nearest(
                            i, start, site, cost, limit, is_open
                        )
                        if first[i] >= 0:
                            worth[first[i]] += next_near[i] - near[i]
                    work -= of_site[s + 1] - of_site[s]
                still = 0
        j = (j + 1) % m
    return work


@njit(cache=True, nogil=True)
def relax(  # noqa: C901
    start: Ints,
    site: Ints,
    cost: Floats,
    limit: Floats,
    locked: Bools,
    count: int,
    price: Floats,
    target: float,
    enough: float,
    rounds: int,
) -> tuple[float, Floats, Floats, Bools, float]:
    """Return a lower bound of what all places cost with `count` sites, and what led to it.

    Lagrangian relaxation of the demand that each place is served once (Cornuejols, Fisher &
    Nemhauser 1977), by subgradients; `price` is where it starts, `target` what a solution costs,
    and it stops within `enough` of that. With the bound come the prices, what each site saves at
    them (at most 0), and the best sites met on the way with their cost.
    """
    n, m = len(start) - 1, len(locked)
    price = price.copy()
    best_price, best_reduced = price.copy(), np.zeros(m)
    bound = -np.inf
    met, met_cost = locked.copy(), np.inf
    pace, idle = 1.5, 0
    free = count - np.sum(locked)
    reduced, key = np.empty(m), np.empty(m)
    for _ in range(rounds):
        reduced[:] = 0.0
        total = 0.0
        for i in range(n):
            price[i] = max(0.0, min(price[i], limit[i]))
            total += price[i]
            for e in range(start[i], start[i + 1]):
                if cost[e] >= price[i]:
                    break
                reduced[site[e]] += cost[e] - price[i]
        for j in range(m):
            key[j] = 1.0 if locked[j] else reduced[j]
            if locked[j]:
                total += reduced[j]
        chosen = locked.copy()
        taken = np.argsort(key, kind="mergesort")[:free]
        for j in taken:
            chosen[j] = True
            total += reduced[j]
        improved = total > bound
        if improved:
            if total - bound > 1e-4 * (target - total):
                idle = 0
            bound = total
            best_price[:] = price
            best_reduced[:] = reduced
        idle += 1
        if idle > 20:
            pace, idle = pace / 2, 0
            price[:] = best_price
            if pace < 1e-4:
                break
            continue
        norm, paid = 0.0, 0.0
        slope = np.empty(n)
        for i in range(n):
            times, near = 0, limit[i]
            for e in range(start[i], start[i + 1]):
                if cost[e] >= limit[i]:
                    break
                if cost[e] >= price[i] and (near < limit[i] or not improved):
                    break
                if chosen[site[e]]:
                    near = min(near, cost[e])
                    times += cost[e] < price[i]
            paid += near
            # At its limit a place is served by nobody, which is allowed.
            slope[i] = 1.0 - times
            if price[i] >= limit[i] and slope[i] > 0:
                slope[i] = 0.0
            norm += slope[i] * slope[i]
        if improved and paid < met_cost:
            met_cost = paid
            met[:] = chosen
            target = min(target, paid)
        if norm == 0.0 or target - bound <= enough:
            break
        step = pace * (target - total) / norm
        for i in range(n):
            price[i] += step * slope[i]
    return bound, best_price, best_reduced, met, met_cost


@njit(cache=True, nogil=True)
def drop_dominated(  # noqa: C901
    of_site: Ints, place: Ints, start: Ints, site: Ints, keep: Bools, larger: int
) -> None:
    """Mark as not kept each row whose entries another kept row has as well.

    With `larger` (1, else 0) it is that other one that is not kept.
    Rows are ``place[of_site[j]:of_site[j + 1]]``, ascending; ``start`` and ``site`` are the same
    pairs the other way round. Of equal rows the first is kept.
    """
    degree = of_site[1:] - of_site[:-1]
    for j in range(len(keep)):
        if not keep[j] or degree[j] == 0:
            continue
        fewest, at = np.iinfo(np.int64).max, -1
        for e in range(of_site[j], of_site[j + 1]):
            here = start[place[e] + 1] - start[place[e]]
            if here < fewest:
                fewest, at = here, place[e]
        for e in range(start[at], start[at + 1]):
            k = site[e]
            if k == j or not keep[k] or degree[k] < degree[j]:
                continue
            if degree[k] == degree[j] and (k < j) == (larger == 1):
                continue
            a, b = of_site[j], of_site[k]
            while a < of_site[j + 1] and b < of_site[k + 1]:
                if place[a] == place[b]:
                    a += 1
                    b += 1
                elif place[a] > place[b]:
                    b += 1
                else:
                    break
            if a == of_site[j + 1]:
                keep[k if larger == 1 else j] = False
                if larger == 0:
                    break


@njit(cache=True, nogil=True)
def cover_greedily(  # noqa: C901
    of_site: Ints, place: Ints, start: Ints, site: Ints, is_open: Bools
) -> Bools:
    """Open sites until all places are covered, the one that covers most first; drop spare ones.

    Sites open before stay. Returns the sites opened with these.
    """
    n, m = len(start) - 1, len(is_open)
    times = np.zeros(n, dtype=np.int64)
    fresh = np.zeros(m, dtype=np.int64)
    chosen = is_open.copy()
    for j in range(m):
        if chosen[j]:
            for e in range(of_site[j], of_site[j + 1]):
                times[place[e]] += 1
    heap = [(0, -1)]
    heap.pop()
    for j in range(m):
        for e in range(of_site[j], of_site[j + 1]):
            fresh[j] += times[place[e]] == 0
        if not chosen[j] and fresh[j] > 0:
            heap.append((-fresh[j], j))
    heapq.heapify(heap)
    while len(heap) > 0:
        told, j = heapq.heappop(heap)
        if fresh[j] == 0:
            continue
        if -told != fresh[j]:
            heapq.heappush(heap, (-fresh[j], j))
            continue
        chosen[j] = True
        for e in range(of_site[j], of_site[j + 1]):
            i = place[e]
            if times[i] == 0:
                for f in range(start[i], start[i + 1]):
                    fresh[site[f]] -= 1
            times[i] += 1
    for j in range(m - 1, -1, -1):
        if chosen[j] and not is_open[j]:
            spare = True
            for e in range(of_site[j], of_site[j + 1]):
                if times[place[e]] == 1:
                    spare = False
                    break
            if spare:
                chosen[j] = False
                for e in range(of_site[j], of_site[j + 1]):
                    times[place[e]] -= 1
    return chosen
