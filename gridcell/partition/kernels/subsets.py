"""Connected sets of a few atoms, every one of them."""

import numpy as np
from numba import njit

from gridcell.partition.kernels.state import Adjacency, Floats, Goal, Ints, Words, energy


@njit(cache=True, nogil=True, inline="always")
def _shared_with(atom: int, inside: np.uint64, land: Adjacency) -> float:
    """Return how long an atom's border with a set is."""
    out = 0.0
    for k in range(land.first[atom], land.first[atom + 1]):
        if inside >> np.uint64(land.neighbour[k]) & np.uint64(1):
            out += land.length[k]
    return out


@njit(cache=True, nogil=True)
def connected_sets(land: Adjacency, goal: Goal, most: int) -> tuple[Words, Floats, Ints, int]:
    """Return all connected sets of atoms, with their cost.

    Every set is grown from its lowest atom, by neighbours that are higher and not yet decided
    against: each comes up once.

    Parameters
    ----------
    land
        At most 63 atoms.
    goal
        What a cell should be.
    most
        Room for so many sets.

    Returns
    -------
    sets, cost, in_band, count
        Sets as bits, their energies, and 1 for those in the band. A count of -1: there are more.
    """
    n = len(land.weight)
    beside = np.zeros(n, dtype=np.uint64)
    one = np.uint64(1)
    for i in range(n):
        for k in range(land.first[i], land.first[i + 1]):
            beside[i] |= one << np.uint64(land.neighbour[k])
    sets = np.empty(most, dtype=np.uint64)
    cost = np.empty(most)
    in_band = np.zeros(most, dtype=np.int64)
    count = 0
    # Sets still to be grown: members, atoms decided against, and their figures.
    room = 64 * n + 64
    member, barred = np.empty(room, dtype=np.uint64), np.empty(room, dtype=np.uint64)
    figures = np.empty((room, 3))
    for root in range(n):
        lower = (one << np.uint64(root)) - one
        member[0], barred[0] = one << np.uint64(root), lower
        figures[0, 0], figures[0, 1] = land.weight[root], land.area[root]
        figures[0, 2] = land.perimeter[root]
        depth = 1
        while depth > 0:
            depth -= 1
            inside, out = member[depth], barred[depth]
            w, a, p = figures[depth, 0], figures[depth, 1], figures[depth, 2]
            if count == most:
                return sets, cost, in_band, -1
            sets[count], cost[count] = inside, energy(w, a, p, goal)
            in_band[count] = goal.low <= w <= goal.high
            count += 1
            around = np.uint64(0)
            for i in range(n):
                if inside >> np.uint64(i) & one:
                    around |= beside[i]
            around &= ~(inside | out)
            for i in range(root + 1, n):
                bit = one << np.uint64(i)
                if not around & bit:
                    continue
                shared = _shared_with(i, inside, land)
                member[depth], barred[depth] = inside | bit, out
                figures[depth, 0], figures[depth, 1] = w + land.weight[i], a + land.area[i]
                figures[depth, 2] = p + land.perimeter[i] - 2 * shared
                depth += 1
                out |= bit
    return sets, cost, in_band, count


@njit(cache=True, nogil=True, inline="always")
def _lowest(covered: int) -> int:
    """Return the lowest bit that is not set."""
    bit = 0
    while (covered >> bit) & 1:
        bit += 1
    return bit


@njit(cache=True, nogil=True)
def best_partition(sets: Words, price: Floats, atoms: int, count: int) -> Ints:
    """Return the cell of each atom in the cheapest choice of `count` sets that covers all once.

    Parameters
    ----------
    sets, price
        As `connected_sets` returns them, grown from their lowest atom: in order of it.
    atoms, count
        Atoms, at most 20, and cells.
    """
    full = (1 << atoms) - 1
    best = np.full((full + 1, count + 1), np.inf)
    last = np.full((full + 1, count + 1), -1)
    begin = np.zeros(atoms + 1, dtype=np.int64)
    for q in range(len(sets)):
        begin[_lowest(int(~np.int64(sets[q]))) + 1] = q + 1
    for a in range(atoms):
        begin[a + 1] = max(begin[a + 1], begin[a])
    best[0, 0] = 0.0
    for covered in range(full):
        used = -1
        for j in range(count):
            if best[covered, j] < np.inf:
                used = j
        if used < 0:
            continue
        lowest = _lowest(covered)
        for q in range(begin[lowest], begin[lowest + 1]):
            members = np.int64(sets[q])
            if members & covered:
                continue
            then = covered | members
            for j in range(used + 1):
                total = best[covered, j] + price[q]
                if total < best[then, j + 1]:
                    best[then, j + 1] = total
                    last[then, j + 1] = q
    return _read(last, sets, atoms, count)


@njit(cache=True, nogil=True)
def _read(last: Ints, sets: Words, atoms: int, count: int) -> Ints:
    """Return the cell of each atom from the last set of every best choice."""
    cell = np.zeros(atoms, dtype=np.int64)
    covered = (1 << atoms) - 1
    for j in range(count, 0, -1):
        members = np.int64(sets[last[covered, j]])
        for i in range(atoms):
            if (members >> i) & 1:
                cell[i] = j - 1
        covered ^= int(members)
    return cell
