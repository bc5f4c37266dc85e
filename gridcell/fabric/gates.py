"""Where borders in the open may run: from which points of a street, and through which gates."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gridcell.arrays import run_starts
from gridcell.model import Gates

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_LEAST_SINE: Final = 0.05
"""Of the angle between a wall and an edge of triangles: what is flatter runs along the wall."""
_STRAIGHT_M: Final = 2e-5
"""A point on a street this close to the line between its neighbours bends nothing."""
_REST: Final = 0.05
"""A point that moves along a street leaves so much of the way to the next one."""


@dataclass(frozen=True, eq=False, slots=True)
class Walls:
    """Directed edges with a footprint on their left."""

    key: Ints
    """``start * vertices + stop``, sorted."""
    label: Ints

    @classmethod
    def of(cls, key: Ints, label: Ints) -> "Walls":
        """Return walls in any order."""
        order = np.argsort(key, kind="stable")
        return cls(key[order], label[order])

    def behind(self, key: Ints) -> Ints:
        """Return the footprint on the left of each edge, -1 where there is none."""
        if not len(self.key):
            return np.full(len(key), -1, dtype=np.int64)
        at = np.minimum(np.searchsorted(self.key, key), len(self.key) - 1)
        return np.where(self.key[at] == key, self.label[at], -1)


def gates_between(ends: Ints, walls: Walls, xy: Floats) -> Gates:
    """Return no gates for known vertices, and those of further ones on edges of triangles.

    Parameters
    ----------
    ends
        (edges, 2) vertices at the ends of the edge that each further vertex is on.
    walls, xy
        Walls and known vertices.
    """
    none = Gates.none(len(xy))
    return Gates(
        ends=np.concatenate([none.ends, np.insert(ends, 2, -1, axis=1)]),
        slant=np.concatenate([none.slant, _slants(ends, walls, xy)]),
    )


def _slants(ends: Ints, walls: Walls, xy: Floats) -> Floats:
    """Return `Gates.slant` of edges between two vertices."""
    ahead, behind = np.full(len(xy), -1, dtype=np.int64), np.full(len(xy), -1, dtype=np.int64)
    start, stop = walls.key // len(xy), walls.key % len(xy)
    ahead[start], behind[stop] = stop, start
    sine = np.ones(ends.shape)
    along = xy[ends[:, 1]] - xy[ends[:, 0]]
    for side, way in ((0, along), (1, -along)):
        for wall in (ahead[ends[:, side]], behind[ends[:, side]]):
            to = xy[wall] - xy[ends[:, side]]
            size = np.hypot(*way.T) * np.hypot(*to.T)
            acute = (wall >= 0) & ((way * to).sum(axis=1) > 0)
            of = np.abs(_cross(way, to)) / np.maximum(size, 1e-12)
            sine[:, side] = np.minimum(sine[:, side], np.where(acute, of, 1.0))
    return 1 / np.maximum(sine, _LEAST_SINE)


def straight_vertices(start: Ints, stop: Ints, home: Ints, xy: Floats) -> NDArray[np.bool_]:
    """Return which vertices lie on a straight line between the only two neighbours they have.

    Those on the boundary of a community are none of them: its other side may be another task's.

    Parameters
    ----------
    start, stop
        Edges of all faces; one that two faces share comes twice, both ways round.
    home
        (edges,) community of the face.
    xy
        (vertices, 2)
    """
    tail, head, home = (
        np.concatenate(both) for both in ((start, stop), (stop, start), (home, home))
    )
    order = np.lexsort((home, head, tail))
    tail, head, home = tail[order], head[order], home[order]
    first = run_starts(tail * len(xy) + head)
    last = np.append(first[1:], len(tail)) - 1
    within = (last > first) & (home[first] == home[last])
    tail, head = tail[first], head[first]
    rim = np.zeros(len(xy), dtype=bool)
    rim[tail[~within]] = True
    two = (np.bincount(tail, minlength=len(xy)) == 2) & ~rim
    head = head[two[tail]].reshape(-1, 2)
    vertex = np.flatnonzero(two)
    ahead, behind = xy[head[:, 1]] - xy[vertex], xy[head[:, 0]] - xy[vertex]
    span = ahead - behind
    away = np.abs(_cross(span, ahead)) / np.maximum(np.hypot(*span.T), 1e-12)
    opposite = (ahead * behind).sum(axis=1) < 0
    out = np.zeros(len(xy), dtype=bool)
    out[vertex[(away <= _STRAIGHT_M) & opposite]] = True
    return out


def slide_vertices(vertex: Ints, toward: Ints, share: Floats, corners: Ints, xy: Floats) -> Floats:
    """Return the vertices, some of them moved along a street, as far as no triangle turns over.

    Parameters
    ----------
    vertex, toward, share
        What is to be moved, to which neighbour, by which share of the way; a vertex that is wanted
        in several places goes to the middle of them.
    corners
        (triangles, 3) vertices of all triangles, turning left.
    xy
        (vertices, 2)
    """
    step = np.minimum(share, 1 - _REST)[:, None] * (xy[toward] - xy[vertex])
    count = np.bincount(vertex, minlength=len(xy))
    total = [np.bincount(vertex, weights=step[:, i], minlength=len(xy)) for i in (0, 1)]
    move = np.column_stack(total) / np.maximum(count, 1)[:, None]
    touched = corners[(count[corners] > 0).any(axis=1)]
    before = _double_area(xy[touched])
    while True:
        # A triangle keeps a tenth of its size, and so its sense.
        turned = _double_area((xy + move)[touched]) < 0.1 * before
        if not turned.any():
            return xy + move
        move[touched[turned].ravel()] = 0


def _double_area(corner: Floats) -> Floats:
    return _cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])


def _cross(a: Floats, b: Floats) -> Floats:
    out: Floats = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    return out
