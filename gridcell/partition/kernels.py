"""Array-only kernels of the division: start, search, connectivity.

Randomness is xorshift64* (Vigna 2016, doi:10.1145/2845077) from a seed that is handed in, so that a
result depends on nothing but its arguments.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Words = NDArray[np.uint64]


@njit(cache=True, nogil=True, inline="always")
def _random(state: Words) -> float:
    """Return the next number in [0, 1)."""
    x = state[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    state[0] = x
    return np.float64((x * np.uint64(2685821657736338717)) >> np.uint64(11)) / 9007199254740992.0


@njit(cache=True, nogil=True, inline="always")
def _energy(w: float, a: float, p: float, goal: Floats) -> float:
    """Return the cost of a cell: goal is target, low, high, balance, band, shape."""
    dev = (w - goal[0]) / goal[0]
    out = goal[3] * dev * dev
    if w < goal[1]:
        out += goal[4] * (goal[1] - w) / goal[0] + goal[6]
    elif w > goal[2]:
        out += goal[4] * (w - goal[2]) / goal[0] + goal[6]
    return out + goal[5] * p * p / (12.566370614359172 * a)


@njit(cache=True, nogil=True)
def _holds_without(
    i: int, first: Ints, neighbour: Ints, cell: Ints, mark: Ints, queue: Ints, stamp: int
) -> bool:
    """Return whether the cell of atom i stays one piece without it; it must have others."""
    a = cell[i]
    wanted = 0
    source = -1
    for k in range(first[i], first[i + 1]):
        j = neighbour[k]
        if cell[j] == a:
            wanted += 1
            source = j
            mark[j] = -stamp
    if wanted <= 1:
        return wanted == 1
    mark[source] = stamp
    mark[i] = stamp
    queue[0] = source
    wanted -= 1
    head, tail = 0, 1
    while head < tail:
        v = queue[head]
        head += 1
        for k in range(first[v], first[v + 1]):
            j = neighbour[k]
            if cell[j] == a and mark[j] != stamp:
                if mark[j] == -stamp:
                    wanted -= 1
                    if wanted == 0:
                        return True
                mark[j] = stamp
                queue[tail] = j
                tail += 1
    return False


@njit(cache=True, nogil=True, inline="always")
def _shared(i: int, c: int, first: Ints, neighbour: Ints, length: Floats, cell: Ints) -> float:
    out = 0.0
    for k in range(first[i], first[i + 1]):
        if cell[neighbour[k]] == c:
            out += length[k]
    return out


@njit(cache=True, nogil=True)
def measure(
    first: Ints, neighbour: Ints, length: Floats, perimeter: Floats, weight: Floats, area: Floats,
    cell: Ints, cells: int,
) -> tuple[Floats, Floats, Floats, Ints]:  # fmt: skip
    """Return weight, area, perimeter and number of atoms of each cell."""
    w, a, p = np.zeros(cells), np.zeros(cells), np.zeros(cells)
    n = np.zeros(cells, dtype=np.int64)
    for i in range(len(cell)):
        c = cell[i]
        w[c] += weight[i]
        a[c] += area[i]
        p[c] += perimeter[i] - _shared(i, c, first, neighbour, length, cell)
        n[c] += 1
    return w, a, p, n


@njit(cache=True, nogil=True)
def anneal(
    first: Ints, neighbour: Ints, length: Floats, perimeter: Floats, weight: Floats, area: Floats,
    cell: Ints, cells: int, goal: Floats, sweeps: int, hot: float, cold: float, regroup: float,
    seed: int,
) -> None:  # fmt: skip
    """Improve `cell` in place: atoms change sides or places at borders, cells stay connected.

    With probability `regroup` a proposal is to merge two cells and to split one, the merged one or
    any other: so cells vanish where there are too many and come up where there are too few.

    Simulated annealing (Kirkpatrick et al. 1983, doi:10.1126/science.220.4598.671) with a geometric
    schedule from `hot` to `cold`; the last tenth of the sweeps takes improvements only.
    """
    n = len(cell)
    w, a, p, size = measure(first, neighbour, length, perimeter, weight, area, cell, cells)
    e = np.empty(cells)
    for c in range(cells):
        e[c] = _energy(w[c], a[c], p[c], goal)
    mark = np.zeros(n, dtype=np.int64)
    queue = np.empty(n, dtype=np.int64)
    side = np.zeros(n, dtype=np.int64)
    stamp = 0
    state = np.array([np.uint64(seed) * np.uint64(2) + np.uint64(1)])
    for _ in range(8):
        _random(state)
    cooling = max(1, sweeps * 9 // 10)
    for sweep in range(sweeps):
        t = hot * (cold / hot) ** (sweep / cooling) if sweep < cooling else 0.0
        for _ in range(n):
            i = int(_random(state) * n)
            degree = first[i + 1] - first[i]
            if degree == 0:
                continue
            j = neighbour[first[i] + int(_random(state) * degree)]
            x, y = cell[i], cell[j]
            if x == y:
                continue
            if regroup > 0.0 and _random(state) < regroup:
                stamp = _regroup(
                    i, j, t, first, neighbour, length, perimeter, weight, area, cell, goal,
                    w, a, p, size, e, mark, queue, side, stamp, state,
                )  # fmt: skip
                continue
            swap = size[x] == 1 or _random(state) < 0.3
            ix = _shared(i, x, first, neighbour, length, cell)
            iy = _shared(i, y, first, neighbour, length, cell)
            if not swap:
                wx, wy = w[x] - weight[i], w[y] + weight[i]
                ax, ay = a[x] - area[i], a[y] + area[i]
                px, py = p[x] - perimeter[i] + 2 * ix, p[y] + perimeter[i] - 2 * iy
            else:
                jx = _shared(j, x, first, neighbour, length, cell)
                jy = _shared(j, y, first, neighbour, length, cell)
                ij = 0.0
                for k in range(first[i], first[i + 1]):
                    if neighbour[k] == j:
                        ij = length[k]
                # Each must touch what the other leaves behind, unless it leaves nothing.
                if (iy - ij <= 0.0 and size[y] > 1) or (jx - ij <= 0.0 and size[x] > 1):
                    continue
                wx, wy = w[x] - weight[i] + weight[j], w[y] + weight[i] - weight[j]
                ax, ay = a[x] - area[i] + area[j], a[y] + area[i] - area[j]
                px = p[x] - perimeter[i] + 2 * ix + perimeter[j] - 2 * (jx - ij)
                py = p[y] - perimeter[j] + 2 * jy + perimeter[i] - 2 * (iy - ij)
            ex, ey = _energy(wx, ax, px, goal), _energy(wy, ay, py, goal)
            rise = ex + ey - e[x] - e[y]
            if rise > 0.0 and (t <= 0.0 or _random(state) >= np.exp(-rise / t)):
                continue
            if not swap:
                stamp += 1
                if not _holds_without(i, first, neighbour, cell, mark, queue, stamp):
                    continue
                cell[i] = y
                size[x] -= 1
                size[y] += 1
            else:
                cell[i], cell[j] = y, x
                stamp += 2
                if not _is_piece(j, size[x], first, neighbour, cell, mark, queue, stamp - 1) or (
                    not _is_piece(i, size[y], first, neighbour, cell, mark, queue, stamp)
                ):
                    cell[i], cell[j] = x, y
                    continue
            w[x], w[y], a[x], a[y], p[x], p[y] = wx, wy, ax, ay, px, py
            e[x], e[y] = ex, ey


@njit(cache=True, nogil=True)
def _gather(
    i: int, j: int, first: Ints, neighbour: Ints, cell: Ints, mark: Ints, queue: Ints, stamp: int
) -> int:
    """Put the atoms of the cells of i and j into `queue`; return how many."""
    x, y = cell[i], cell[j]
    mark[i] = stamp
    queue[0] = i
    head, tail = 0, 1
    while head < tail:
        v = queue[head]
        head += 1
        for k in range(first[v], first[v + 1]):
            u = neighbour[k]
            if (cell[u] == x or cell[u] == y) and mark[u] != stamp:
                mark[u] = stamp
                queue[tail] = u
                tail += 1
    return tail


@njit(cache=True, nogil=True)
def _rest_is_piece(
    atoms: Ints, count: int, first: Ints, neighbour: Ints, side: Ints, group: int, mark: Ints,
    stamp: int, stack: Ints,
) -> bool:  # fmt: skip
    """Return whether those of the atoms whose side is `group` are one piece."""
    total, source = 0, -1
    for k in range(count):
        if side[atoms[k]] == group:
            total += 1
            source = atoms[k]
    if total == 0:
        return False
    mark[source] = stamp
    stack[0] = source
    depth, seen = 1, 1
    while depth > 0:
        depth -= 1
        v = stack[depth]
        for k in range(first[v], first[v + 1]):
            u = neighbour[k]
            if side[u] == group and mark[u] != stamp:
                mark[u] = stamp
                stack[depth] = u
                depth += 1
                seen += 1
    return seen == total


@njit(cache=True, nogil=True)
def _regroup(
    i: int, j: int, t: float, first: Ints, neighbour: Ints, length: Floats, perimeter: Floats,
    weight: Floats, area: Floats, cell: Ints, goal: Floats, w: Floats, a: Floats, p: Floats,
    size: Ints, e: Floats, mark: Ints, queue: Ints, side: Ints, stamp: int, state: Words,
) -> int:  # fmt: skip
    """Merge the cells of i and j, split the result or another cell in two; return the stamp."""
    x, y = cell[i], cell[j]
    z = y
    source, other = i, j
    if _random(state) < 0.5:
        # The heaviest of a few: that is where a cell is missing.
        for _ in range(3):
            v = int(_random(state) * len(cell))
            if cell[v] != x and cell[v] != y and (z == y or w[cell[v]] > w[z]):
                z = cell[v]
                source = other = v
    elsewhere = z != y
    if elsewhere and size[z] < 2:
        return stamp
    stamp += 1
    count = _gather(source, other, first, neighbour, cell, mark, queue, stamp)
    if count > 64:
        return stamp
    atoms = queue[:count].copy()
    stack = np.empty(count, dtype=np.int64)
    for k in range(count):
        side[atoms[k]] = 1

    # A random growth; of all its stages the one that makes the best two cells.
    seed_atom = atoms[int(_random(state) * count)]
    shared_xy = 0.0
    if elsewhere:
        wr, ar, pr = w[z], a[z], p[z]
    else:
        for k in range(count):
            if cell[atoms[k]] == x:
                shared_xy += _shared(atoms[k], y, first, neighbour, length, cell)
        wr, ar, pr = w[x] + w[y], a[x] + a[y], p[x] + p[y] - 2 * shared_xy
    wg, ag, pg = 0.0, 0.0, 0.0
    best, best_stage = np.inf, -1
    bw, ba, bp = 0.0, 0.0, 0.0
    order = np.empty(count, dtype=np.int64)
    v = seed_atom
    for stage in range(count - 1):
        to_grown = _shared(v, 2, first, neighbour, length, side)
        to_rest = _shared(v, 1, first, neighbour, length, side)
        side[v] = 2
        order[stage] = v
        wg, ag, pg = wg + weight[v], ag + area[v], pg + perimeter[v] - 2 * to_grown
        wr, ar, pr = wr - weight[v], ar - area[v], pr - perimeter[v] + 2 * to_rest
        cost = _energy(wg, ag, pg, goal) + _energy(wr, ar, pr, goal)
        if cost < best:
            stamp += 1
            if _rest_is_piece(atoms, count, first, neighbour, side, 1, mark, stamp, stack):
                best, best_stage, bw, ba, bp = cost, stage, wg, ag, pg
        # The next one: a random neighbour of what has grown.
        pool = 0
        for k in range(count):
            u = atoms[k]
            if side[u] != 1:
                continue
            for m in range(first[u], first[u + 1]):
                if side[neighbour[m]] == 2:
                    pool += 1
                    if _random(state) * pool < 1.0:
                        v = u
                    break
        if pool == 0:
            break
    for k in range(count):
        side[atoms[k]] = 0
    if best_stage < 0:
        return stamp
    if elsewhere:
        both = 0.0
        # The border between x and y, summed over the smaller of the two.
        stamp += 1
        small, large = (x, y) if size[x] <= size[y] else (y, x)
        own = i if small == x else j
        members = _gather(own, own, first, neighbour, cell, mark, queue, stamp)
        for k in range(members):
            both += _shared(queue[k], large, first, neighbour, length, cell)
        wm, am, pm = w[x] + w[y], a[x] + a[y], p[x] + p[y] - 2 * both
        em = _energy(wm, am, pm, goal)
        rise = em + best - e[x] - e[y] - e[z]
        if rise > 0.0 and (t <= 0.0 or _random(state) >= np.exp(-rise / t)):
            return stamp
        for k in range(members):
            cell[queue[k]] = large
        w[large], a[large], p[large], e[large] = wm, am, pm, em
        size[large] += size[small]
        for k in range(best_stage + 1):
            cell[order[k]] = small
        w[small], a[small], p[small] = bw, ba, bp
        size[small] = best_stage + 1
        size[z] -= best_stage + 1
        inner = 0.0
        for k in range(best_stage + 1):
            inner += _shared(order[k], z, first, neighbour, length, cell)
        w[z], a[z], p[z] = w[z] - bw, a[z] - ba, p[z] - bp + 2 * inner
        e[small] = _energy(w[small], a[small], p[small], goal)
        e[z] = _energy(w[z], a[z], p[z], goal)
        return stamp
    rise = best - e[x] - e[y]
    if rise > 0.0 and (t <= 0.0 or _random(state) >= np.exp(-rise / t)):
        return stamp
    total_w, total_a, total_p = w[x] + w[y], a[x] + a[y], p[x] + p[y] - 2 * shared_xy
    for k in range(count):
        cell[atoms[k]] = y
    for k in range(best_stage + 1):
        cell[order[k]] = x
    inner = 0.0
    for k in range(best_stage + 1):
        inner += _shared(order[k], y, first, neighbour, length, cell)
    w[x], a[x], p[x], size[x] = bw, ba, bp, best_stage + 1
    w[y], a[y], p[y] = total_w - bw, total_a - ba, total_p - bp + 2 * inner
    size[y] = count - best_stage - 1
    e[x], e[y] = _energy(w[x], a[x], p[x], goal), _energy(w[y], a[y], p[y], goal)
    return stamp


@njit(cache=True, nogil=True)
def _is_piece(
    i: int, size: int, first: Ints, neighbour: Ints, cell: Ints, mark: Ints, queue: Ints, stamp: int
) -> bool:
    """Return whether the cell of atom i, of `size` atoms, is one piece."""
    c = cell[i]
    mark[i] = stamp
    queue[0] = i
    head, tail = 0, 1
    while head < tail:
        v = queue[head]
        head += 1
        for k in range(first[v], first[v + 1]):
            j = neighbour[k]
            if cell[j] == c and mark[j] != stamp:
                mark[j] = stamp
                queue[tail] = j
                tail += 1
    return tail == size


@njit(cache=True, nogil=True)
def match_neighbours(
    first: Ints, neighbour: Ints, length: Floats, perimeter: Floats, weight: Floats, heaviest: float
) -> Ints:
    """Return for each node the neighbour it is paired with, or itself: both choose each other."""
    n = len(weight)
    choice = np.arange(n)
    for i in range(n):
        best = 0.0
        for k in range(first[i], first[i + 1]):
            j = neighbour[k]
            if weight[i] + weight[j] > heaviest:
                continue
            fit = length[k] / min(perimeter[i], perimeter[j])
            # Ties go to the pair of lowest numbers, seen alike from both sides.
            if fit > best or (fit == best and j < choice[i]):
                best = fit
                choice[i] = j
    pair = np.arange(n)
    for i in range(n):
        if choice[choice[i]] == i:
            pair[i] = choice[i]
    return pair
