"""Chains of borders pulled taut through the edges of triangles that they cross.

A border in the open crosses one edge of a triangle after another: its gates. Which gates it crosses
tells on which side every building lies; where it crosses them is free. The taut line is the
shortest through all gates that keeps clear of their ends (the funnel algorithm of Lee and
Preparata), with vertices left out or brought together where fewer pass through the gates as well.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


class GatedVertices(NamedTuple):
    """Vertices of borders: the gates in which they may move, and where they are now."""

    ends: Ints
    """(vertices, 3) `gridcell.model.Gates.ends`."""
    room: Floats
    """(vertices, 2) how far the line keeps from the ends of gates."""
    raw: Floats
    """(vertices, 2) where they were at first: in the middle."""
    still: Mask
    """(vertices,) which stay where `xy` has them."""
    clearance: float
    """How far the line keeps from the ends of gates, metres."""
    xy: Floats
    """(vertices, 2) changed: where each is now."""
    alias: Ints
    """(vertices,) changed: which vertex each has become one with."""
    gone: Mask
    """(vertices,) changed: whether the line has no bend there."""
    leg: Floats
    """(vertices, 4) changed: the stretch of the line on which one in a triangle may lie."""


_SHARE = 0.45
"""The line keeps away from the end of a gate by no more than this share of its length."""
_CLOSER = 0.6
"""Where that saves vertices, it may come closer by this factor."""
_REACH = 6.0
"""Two bends become one at most so many clearances away from them."""


@njit(cache=True, nogil=True)
def _turn(ox: float, oy: float, ax: float, ay: float, bx: float, by: float) -> float:
    """Return twice the area of the triangle o, a, b: positive where it turns left."""
    return (ax - ox) * (by - oy) - (ay - oy) * (bx - ox)


@njit(cache=True, nogil=True)
def _funnel(
    left: Floats, right: Floats, n: int, begin: Floats, end: Floats, bend: Floats, at: Ints
) -> int:
    """Write the bends of the shortest way through n gates, and at which gate each is.

    Parameters
    ----------
    left, right
        (n,2) ends of the gates, as seen on the way.
    n
        Number of gates.
    begin, end
        Where the way begins and ends.
    bend, at
        Filled: coordinates and gates.

    Returns
    -------
    Number of bends.
    """
    count = 0
    ax, ay, here = begin[0], begin[1], -1
    lx, ly, li = ax, ay, -1
    rx, ry, ri = ax, ay, -1
    i = 0
    while i <= n:
        if i < n:
            nlx, nly, nrx, nry = left[i, 0], left[i, 1], right[i, 0], right[i, 1]
        else:
            nlx, nly, nrx, nry = end[0], end[1], end[0], end[1]
        if _turn(ax, ay, rx, ry, nrx, nry) >= 0 or ri == here:
            if ri == here or _turn(ax, ay, lx, ly, nrx, nry) <= 0 or li == here:
                rx, ry, ri = nrx, nry, i
            else:
                bend[count, 0], bend[count, 1], at[count] = lx, ly, li
                count += 1
                ax, ay, here = lx, ly, li
                rx, ry, ri = lx, ly, li
                i = here + 1
                continue
        if _turn(ax, ay, lx, ly, nlx, nly) <= 0 or li == here:
            if li == here or _turn(ax, ay, rx, ry, nlx, nly) >= 0 or ri == here:
                lx, ly, li = nlx, nly, i
            else:
                bend[count, 0], bend[count, 1], at[count] = rx, ry, ri
                count += 1
                ax, ay, here = rx, ry, ri
                lx, ly, li = rx, ry, ri
                i = here + 1
                continue
        i += 1
    return count


@njit(cache=True, nogil=True)
def _crossing(
    gate: Floats,
    k: int,
    px: float,
    py: float,
    qx: float,
    qy: float,
    near_left: float,
    near_right: float,
) -> tuple[float, float]:
    """Return where the segment from p to q crosses gate k: shares of the segment and of the gate.

    The share of the segment is -1 where it does not cross it forward, or nearer to an end of the
    gate than these shares of its length.
    """
    lx, ly, rx, ry = gate[k, 0], gate[k, 1], gate[k, 2], gate[k, 3]
    gx, gy, dx, dy = rx - lx, ry - ly, qx - px, qy - py
    forward = gx * dy - gy * dx
    if forward <= 0:
        return -1.0, 0.0
    share = ((px - lx) * dy - (py - ly) * dx) / forward
    if share < near_left or share > 1 - near_right:
        return -1.0, 0.0
    along = ((px - lx) * gy - (py - ly) * gx) / forward
    if along < 0 or along > 1:
        return -1.0, 0.0
    return along, share


@njit(cache=True, nogil=True)
def _gates_before(
    gate: Floats,
    margin: Floats,
    first: int,
    stop: int,
    px: float,
    py: float,
    qx: float,
    qy: float,
) -> int:
    """Return the first gate from `first` to `stop` that a segment does not cross in its turn."""
    before = 0.0
    for k in range(first, stop):
        along, _ = _crossing(gate, k, px, py, qx, qy, margin[k, 0], margin[k, 1])
        if along < before:
            return k
        before = along
    return stop


@njit(cache=True, nogil=True)
def _passes(
    gate: Floats,
    margin: Floats,
    first: int,
    stop: int,
    px: float,
    py: float,
    qx: float,
    qy: float,
) -> bool:
    """Return whether a segment crosses gates `first` to `stop - 1`, one after another."""
    return _gates_before(gate, margin, first, stop, px, py, qx, qy) == stop


@njit(cache=True, nogil=True)
def _skip_bends(
    gate: Floats,
    margin: Floats,
    n: int,
    begin: Floats,
    end: Floats,
    bend: Floats,
    at: Ints,
    count: int,
) -> int:
    """Leave out bends where a straight line passes through the gates as well.

    Returns
    -------
    Number of bends left, which are moved to the front.
    """
    kept = 0
    i = -1
    px, py, after = begin[0], begin[1], 0
    while i < count:
        best = i + 1
        for j in range(min(count, i + 40), i + 1, -1):
            if j == count:
                qx, qy, before = end[0], end[1], n
            else:
                qx, qy, before = bend[j, 0], bend[j, 1], at[j]
            if _passes(gate, margin, after, before, px, py, qx, qy):
                best = j
                break
        if best == count:
            break
        i = best
        px, py, after = bend[i, 0], bend[i, 1], at[i] + 1
        bend[kept, 0], bend[kept, 1], at[kept] = px, py, at[i]
        kept += 1
    return kept


@njit(cache=True, nogil=True)
def _clear_of_third_side(gate: Floats, k: int, x: float, y: float, clear: float) -> bool:
    """Return whether a point between gates k - 1 and k keeps clear of the side beside them."""
    for at, inside in ((0, -1.0), (2, 1.0)):
        ax, ay, bx, by = gate[k - 1, at], gate[k - 1, at + 1], gate[k, at], gate[k, at + 1]
        size = np.hypot(bx - ax, by - ay)
        if size > 0 and inside * _turn(ax, ay, bx, by, x, y) < clear * size:
            return False
    return True


@njit(cache=True, nogil=True)
def _merge_bends(
    gate: Floats,
    margin: Floats,
    n: int,
    begin: Floats,
    end: Floats,
    bend: Floats,
    at: Ints,
    count: int,
    place: Ints,
    clearance: float,
) -> int:
    """Bring two bends to the same side together where the lines beyond them meet.

    The new bend lies between the gate that ``at`` has for it and the next, in a triangle where no
    other border ends: gates that follow each other in the chain have places that do.

    Returns
    -------
    Number of bends left, which are moved to the front.
    """
    reach = _REACH * clearance
    i = 0
    while i + 1 < count:
        px, py, after = begin[0], begin[1], 0
        if i > 0:
            px, py, after = bend[i - 1, 0], bend[i - 1, 1], at[i - 1] + 1
        qx, qy, before = end[0], end[1], n
        if i + 2 < count:
            qx, qy, before = bend[i + 2, 0], bend[i + 2, 1], at[i + 2]
        ax, ay, bx, by = bend[i, 0], bend[i, 1], bend[i + 1, 0], bend[i + 1, 1]
        side = _turn(px, py, ax, ay, bx, by)
        ux, uy, vx, vy = ax - px, ay - py, qx - bx, qy - by
        cross = ux * vy - uy * vx
        i += 1
        if side * _turn(ax, ay, bx, by, qx, qy) <= 0 or side * cross <= 0:
            continue
        s = ((bx - px) * vy - (by - py) * vx) / cross
        x, y = px + s * ux, py + s * uy
        if s < 1 or np.hypot(x - ax, y - ay) > reach or np.hypot(x - bx, y - by) > reach:
            continue
        k = _gates_before(gate, margin, after, before, px, py, x, y)
        if k in (after, n) or place[k] != place[k - 1] + 1:
            continue
        if not _passes(gate, margin, k, before, x, y, qx, qy):
            continue
        if _clear_of_third_side(gate, k, x, y, _CLOSER * clearance):
            i -= 1
            bend[i, 0], bend[i, 1], at[i] = x, y, k - 1
            for j in range(i + 1, count - 1):
                bend[j, 0], bend[j, 1], at[j] = bend[j + 1, 0], bend[j + 1, 1], at[j + 1]
            count -= 1
    return count


@njit(cache=True, nogil=True)
def _gates_of(
    vertex: Ints, first: int, last: int, ends: Ints, begin: int, end: int
) -> tuple[Ints, int, int]:
    """Return where in the chain gates are, and which of them the line has to go through.

    From a vertex that stays the line may leave across the triangles around it, and so arrive.
    """
    place = np.empty(last - first, dtype=np.int64)
    m = 0
    for i in range(first + 1, last):
        if ends[vertex[i], 2] < 0:
            place[m] = i
            m += 1
    low, high = 0, m
    while low < m:
        v = vertex[place[low]]
        if ends[v, 0] != begin and ends[v, 1] != begin:
            break
        low += 1
    while high > low:
        v = vertex[place[high - 1]]
        if ends[v, 0] != end and ends[v, 1] != end:
            break
        high -= 1
    return place[:m], low, high


@njit(cache=True, nogil=True)
def _sides(
    vertex: Ints, place: Ints, ends: Ints, room: Floats, raw: Floats
) -> tuple[Floats, Floats]:
    """Return the left and right end of gates, and the shares of them that are too near to each."""
    n = len(place)
    gate, near = np.empty((n, 4)), np.empty((n, 2))
    for k in range(n):
        i = place[k]
        v = vertex[i]
        a, b, near_a, near_b = ends[v, 0], ends[v, 1], room[v, 0], room[v, 1]
        ahead, behind = raw[vertex[i + 1]], raw[vertex[i - 1]]
        gx, gy = raw[b, 0] - raw[a, 0], raw[b, 1] - raw[a, 1]
        if gx * (ahead[1] - behind[1]) - gy * (ahead[0] - behind[0]) < 0:
            a, b, near_a, near_b = b, a, near_b, near_a
        size = max(np.hypot(gx, gy), 1e-9)
        near[k, 0], near[k, 1] = min(near_a / size, _SHARE), min(near_b / size, _SHARE)
        gate[k, 0], gate[k, 1], gate[k, 2], gate[k, 3] = raw[a, 0], raw[a, 1], raw[b, 0], raw[b, 1]
    return gate, near


@njit(cache=True, nogil=True)
def _taut_line(
    gate: Floats, near: Floats, begin: Floats, end: Floats, place: Ints, clearance: float
) -> tuple[Floats, Ints]:
    """Return the bends of the taut line, and at or after which gate each is."""
    n = len(gate)
    left, right = np.empty((n, 2)), np.empty((n, 2))
    margin = np.empty((n, 2))
    for k in range(n):
        for i in range(2):
            span = gate[k, 2 + i] - gate[k, i]
            left[k, i] = gate[k, i] + near[k, 0] * span
            right[k, i] = gate[k, 2 + i] - near[k, 1] * span
            margin[k, i] = _CLOSER * near[k, i]
    bend, at = np.empty((n + 1, 2)), np.empty(n + 1, dtype=np.int64)
    count = _funnel(left, right, n, begin, end, bend, at)
    count = _skip_bends(gate, margin, n, begin, end, bend, at, count)
    count = _merge_bends(gate, margin, n, begin, end, bend, at, count, place, clearance)
    return bend[:count], at[:count]


@njit(cache=True, nogil=True)
def _cross(gate: Floats, begin: Floats, end: Floats, bend: Floats, at: Ints, out: Floats) -> None:
    """Fill `out` with where the line crosses each gate, or the bend that is at or after it."""
    p, j = begin, 0
    for k in range(len(gate)):
        if j < len(at) and at[j] == k:
            p = bend[j]
            out[k, 0], out[k, 1] = p[0], p[1]
            j += 1
            continue
        q = bend[j] if j < len(at) else end
        gx, gy, dx, dy = gate[k, 2] - gate[k, 0], gate[k, 3] - gate[k, 1], q[0] - p[0], q[1] - p[1]
        forward = gx * dy - gy * dx
        share = 0.5
        if forward > 0:
            share = ((p[0] - gate[k, 0]) * dy - (p[1] - gate[k, 1]) * dx) / forward
            share = min(max(share, 0.0), 1.0)
        out[k, 0], out[k, 1] = gate[k, 0] + share * gx, gate[k, 1] + share * gy


@njit(cache=True, nogil=True)
def _place_ends(
    vertex: Ints, first: int, last: int, of: GatedVertices, crossed: Floats, side: Ints
) -> None:
    """Put the points where borders of lower rank end on the line, within their triangles.

    Parameters
    ----------
    vertex, first, last, of
        The chain.
    crossed, side
        Where the line crosses each gate, its beginning before the first and its end after the last,
        and whether that is where it begins (0), ends (2), or between (1).
    """
    ends, xy, alias, leg = of.ends, of.xy, of.alias, of.leg
    k = 0
    for i in range(first + 1, last):
        v = vertex[i]
        if ends[v, 2] < 0:
            k += 1
            continue
        alias[v] = v
        if side[k] == side[k + 1] and side[k] != 1:
            alias[v] = alias[vertex[first if side[k] == 0 else last]]
        p, q = crossed[k], crossed[k + 1]
        leg[v, 0], leg[v, 1], leg[v, 2], leg[v, 3] = p[0], p[1], q[0], q[1]
        xy[v, 0], xy[v, 1] = (p[0] + q[0]) / 2, (p[1] + q[1]) / 2


@njit(cache=True, nogil=True)
def _pull_run(vertex: Ints, first: int, last: int, of: GatedVertices) -> None:
    """Pull the stretch of a chain between two vertices that stay."""
    ends, raw, xy, alias, gone = of.ends, of.raw, of.xy, of.alias, of.gone
    begin_at, end_at = alias[vertex[first]], alias[vertex[last]]
    begin, end = xy[begin_at].copy(), xy[end_at].copy()
    place, low, high = _gates_of(vertex, first, last, ends, begin_at, end_at)
    m = len(place)
    if m == 0:
        return
    crossed, side = np.empty((m + 2, 2)), np.empty(m + 2, dtype=np.int64)
    for k in range(m + 2):
        side[k] = 0 if k <= low else 2 if k > high else 1
        point = end if k > high else begin
        crossed[k, 0], crossed[k, 1] = point[0], point[1]
    for k in range(m):
        gone[vertex[place[k]]] = True
    if low < high:
        gate, near = _sides(vertex, place[low:high], ends, of.room, raw)
        bend, at = _taut_line(gate, near, begin, end, place[low:high], of.clearance)
        _cross(gate, begin, end, bend, at, crossed[low + 1 : high + 1])
        for j in range(len(at)):
            v = vertex[place[low + at[j]]]
            gone[v] = False
            xy[v, 0], xy[v, 1] = bend[j, 0], bend[j, 1]
    else:
        # Straight on it would run along an edge that others cross, or go around nothing.
        stays = range(m) if begin_at == end_at else range(max(low - 1, 0), max(low, 1))
        for k in stays:
            v = vertex[place[k]]
            gone[v] = False
            xy[v, 0], xy[v, 1] = raw[v, 0], raw[v, 1]
            crossed[k + 1, 0], crossed[k + 1, 1], side[k + 1] = raw[v, 0], raw[v, 1], 1
    _place_ends(vertex, first, last, of, crossed, side)


@njit(cache=True, nogil=True)
def _begin_at_bend(vertex: Ints, first: int, last: int, of: GatedVertices) -> None:
    """Turn a closed chain without a vertex that stays until it begins at a bend."""
    ends, raw, xy, gone = of.ends, of.raw, of.xy, of.gone
    turned = vertex[first:last].copy()
    n = last - first
    best = -1
    for i in range(n):
        v = turned[i]
        if ends[v, 2] < 0 and (
            best < 0
            or raw[v, 0] < raw[turned[best], 0]
            or (raw[v, 0] == raw[turned[best], 0] and raw[v, 1] < raw[turned[best], 1])
        ):
            best = i
    if best < 0:
        return
    for attempt in range(2):
        for i in range(n):
            vertex[first + i] = turned[(best + i) % n]
        vertex[last] = vertex[first]
        if attempt:
            break
        v = vertex[first]
        xy[v, 0], xy[v, 1] = raw[v, 0], raw[v, 1]
        gone[v] = False
        _pull_run(vertex, first, last, of)
        turned = vertex[first:last].copy()
        best = -1
        for i in range(1, n):
            if ends[turned[i], 2] < 0 and not gone[turned[i]]:
                best = i
                break
        if best < 0:
            break


@njit(cache=True, nogil=True)
def pull_chains(start: Ints, vertex: Ints, of: GatedVertices, beside: Floats) -> None:
    """Pull chains taut between the vertices that stay, their ends among them.

    Parameters
    ----------
    start, vertex
        Chains as `chain_edges` returns them; closed ones may be turned.
    of
        Their vertices, which are changed.
    beside
        (chains, 2, 2) filled: the bend after the first and before the last vertex of each chain.
    """
    ends, still, xy, alias, gone = of.ends, of.still, of.xy, of.alias, of.gone
    for c in range(len(start) - 1):
        s, e = start[c], start[c + 1] - 1
        if vertex[s] == vertex[e] and not still[vertex[s]] and ends[vertex[s], 0] >= 0:
            loose = True
            for i in range(s, e):
                if still[vertex[i]]:
                    loose = False
            if loose:
                _begin_at_bend(vertex, s, e, of)
        first = s
        for i in range(s + 1, e + 1):
            if i == e or still[vertex[i]]:
                _pull_run(vertex, first, i, of)
                first = i
        i = s + 1
        while i < e and not still[vertex[i]] and (ends[vertex[i], 2] >= 0 or gone[vertex[i]]):
            i += 1
        v = alias[vertex[i]]
        beside[c, 0, 0], beside[c, 0, 1] = xy[v, 0], xy[v, 1]
        i = e - 1
        while i > s and not still[vertex[i]] and (ends[vertex[i], 2] >= 0 or gone[vertex[i]]):
            i -= 1
        v = alias[vertex[i]]
        beside[c, 1, 0], beside[c, 1, 1] = xy[v, 0], xy[v, 1]


@njit(cache=True, nogil=True)
def settle_ends(end: Ints, toward: Floats, of: GatedVertices) -> None:
    """Move the ends of chains to where they are shortest.

    Where three chains end, that is the point with the least sum of distances from their next bends,
    within the triangle; where one ends on a line that stays, it meets it squarely.

    Parameters
    ----------
    end, toward
        (ends,) and (ends, 2) vertices at which chains end, sorted, and the bend next to each.
    of
        All vertices, which are changed.
    """
    ends, raw, still, leg, xy = of.ends, of.raw, of.still, of.leg, of.xy
    i = 0
    while i < len(end):
        v = end[i]
        stop = i
        while stop < len(end) and end[stop] == v:
            stop += 1
        if ends[v, 2] >= 0:
            if not still[v] and stop - i == 3:
                x, y = _least_sum(toward[i:stop], xy[v, 0], xy[v, 1])
                _move_within(v, x, y, ends, raw, xy)
            elif still[v] and stop - i == 1:
                px, py, dx, dy = leg[v, 0], leg[v, 1], leg[v, 2] - leg[v, 0], leg[v, 3] - leg[v, 1]
                length = dx * dx + dy * dy
                if length > 1e-12:
                    share = ((toward[i, 0] - px) * dx + (toward[i, 1] - py) * dy) / length
                    share = min(max(share, 0.1), 0.9)
                    xy[v, 0], xy[v, 1] = px + share * dx, py + share * dy
        i = stop


@njit(cache=True, nogil=True)
def _least_sum(points: Floats, x: float, y: float) -> tuple[float, float]:
    """Return the point with the least sum of distances from others (Weiszfeld's iteration)."""
    for _ in range(25):
        sx, sy, total = 0.0, 0.0, 0.0
        for k in range(len(points)):
            weight = 1 / max(np.hypot(points[k, 0] - x, points[k, 1] - y), 1e-3)
            sx += weight * points[k, 0]
            sy += weight * points[k, 1]
            total += weight
        x, y = sx / total, sy / total
    return x, y


@njit(cache=True, nogil=True)
def _move_within(v: int, x: float, y: float, ends: Ints, raw: Floats, xy: Floats) -> None:
    """Move a vertex towards a point as far as its triangle goes, a tenth kept free at its rim."""
    mx, my = raw[v, 0], raw[v, 1]
    share = 1.0
    for k in range(3):
        a, b = ends[v, k], ends[v, (k + 1) % 3]
        # Twice the areas over an edge: of the middle, and of the point.
        inside = _turn(raw[a, 0], raw[a, 1], raw[b, 0], raw[b, 1], mx, my)
        there = _turn(raw[a, 0], raw[a, 1], raw[b, 0], raw[b, 1], x, y)
        if there < 0.3 * inside:
            share = min(share, 0.7 * inside / (inside - there))
    xy[v, 0], xy[v, 1] = mx + share * (x - mx), my + share * (y - my)
