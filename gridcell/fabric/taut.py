"""Borders in the open as taut lines: few vertices, clear of walls, the same for both sides.

A border between the lands of two buildings crosses edges of triangles, and may cross each of them
anywhere: no building is cut, and nothing else is met, wherever that is (`Fabric.gates`). So borders
are pulled taut like strings through the gates, those of the highest level first; what ends on them
ends on the line. The land keeps its atoms, and which of them touch.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gridcell.arrays import run_starts
from gridcell.fabric.arcs import edges_of
from gridcell.fabric.kernels import GatedVertices, chain_edges, pull_chains, settle_ends
from gridcell.model import Fabric

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

CLEARANCE_M: Final = 1.0
"""Borders keep so far from buildings, or nearly half of the gap where that is narrow."""

_ROUNDS: Final = 3
"""How often lines are pulled while the points move at which they meet."""


def pull_taut(fabric: Fabric, cells: Sequence[Ints]) -> Fabric:
    """Return the land with taut borders in the open.

    Parameters
    ----------
    fabric
        The land, as it was built.
    cells
        (atoms,) cell of each atom, one array a level, the highest first. Their borders are pulled
        in that order, and those of atoms at last.
    """
    if fabric.gates is None:
        return fabric
    gate, raw = fabric.gates.ends, fabric.xy
    xy, alias = raw.copy(), np.arange(len(raw))
    still, gone = gate[:, 0] < 0, np.zeros(len(raw), dtype=bool)
    # Where the kind of border changes, it stays.
    ends = np.concatenate([fabric.arc_start[:-1], fabric.arc_start[1:] - 1])
    still[fabric.arc_vertices[ends][gate[fabric.arc_vertices[ends], 2] < 0]] = True
    of = GatedVertices(
        ends=gate, room=CLEARANCE_M * fabric.gates.slant, raw=raw, still=still,
        clearance=CLEARANCE_M, xy=xy, alias=alias, gone=gone, leg=np.zeros((len(raw), 4)),
    )  # fmt: skip
    tail, head, arc = edges_of(fabric.arc_start, fabric.arc_vertices)
    left, right = fabric.arc_left[arc], fabric.arc_right[arc]
    drawn = np.zeros(len(tail), dtype=bool)
    for level in (*cells, np.arange(len(fabric.atoms))):
        number = np.append(level, -1)
        now = np.flatnonzero((number[left] != number[right]) & ~drawn)
        drawn[now] = True
        start, vertex = _chains(raw, tail[now], head[now], number[left[now]], number[right[now]])
        beside = np.empty((len(start) - 1, 2, 2))
        for turn in range(_ROUNDS):
            pull_chains(start, vertex, of, beside)
            if turn + 1 < _ROUNDS:
                ends = np.concatenate([vertex[start[:-1]], vertex[start[1:] - 1]])
                order = np.argsort(ends, kind="stable")
                toward = np.concatenate([beside[:, 0], beside[:, 1]])
                settle_ends(ends[order], toward[order], of)
        still[vertex] = True
    return _redrawn(fabric, xy, alias, gone)


def _chains(xy: Floats, tail: Ints, head: Ints, left: Ints, right: Ints) -> tuple[Ints, Ints]:
    """Return edges chained, each chain from its lower end by x, then y."""
    turned = tail > head
    low, high = np.minimum(tail, head), np.maximum(tail, head)
    left, right = np.where(turned, right, left), np.where(turned, left, right)
    start, vertex, *_ = chain_edges(low, high, left, right, np.zeros_like(low), len(xy))
    first, last = xy[vertex[start[:-1]]], xy[vertex[start[1:] - 1]]
    closed = vertex[start[:-1]] == vertex[start[1:] - 1]
    # Closed chains by their second vertex and their last but one.
    second, before = xy[vertex[start[:-1] + 1]], xy[vertex[start[1:] - 2]]
    first, last = np.where(closed[:, None], second, first), np.where(closed[:, None], before, last)
    back = (first[:, 0] > last[:, 0]) | ((first[:, 0] == last[:, 0]) & (first[:, 1] > last[:, 1]))
    chain = np.repeat(np.arange(len(back)), np.diff(start))
    at = np.arange(len(vertex))
    mirrored = start[chain] + start[chain + 1] - 1 - at
    return start, vertex[np.where(back[chain], mirrored, at)]


def _redrawn(fabric: Fabric, xy: Floats, alias: Ints, gone: NDArray[np.bool_]) -> Fabric:
    """Return the land with vertices moved, brought together and left out."""
    arc = np.repeat(np.arange(len(fabric.arc_left)), np.diff(fabric.arc_start))
    vertex = alias[fabric.arc_vertices]
    kept = ~gone[vertex]
    arc, vertex = arc[kept], vertex[kept]
    again = np.concatenate([[False], (arc[1:] == arc[:-1]) & (vertex[1:] == vertex[:-1])])
    arc, vertex = arc[~again[: len(arc)]], vertex[~again[: len(vertex)]]
    size = np.bincount(arc, minlength=len(fabric.arc_left))
    line = size > 1
    vertex, size = vertex[line[arc]], size[line]
    start = np.concatenate([[0], np.cumsum(size)])
    left, right = fabric.arc_left[line], fabric.arc_right[line]
    tail, head, of = edges_of(start, vertex)
    step = xy[head] - xy[tail]
    area, centroid = _measure(len(fabric.atoms), xy, tail, head, left[of], right[of])
    return replace(
        fabric,
        atoms=fabric.atoms.assign(area_m2=area, x=centroid[:, 0], y=centroid[:, 1]),
        xy=xy,
        arc_start=start,
        arc_vertices=vertex,
        arc_left=left,
        arc_right=right,
        arc_length=np.add.reduceat(np.hypot(step[:, 0], step[:, 1]), run_starts(of)),
        arc_barrier=fabric.arc_barrier[line],
        arc_open=fabric.arc_open[line],
        gates=None,
    )


def _measure(
    atoms: int, xy: Floats, tail: Ints, head: Ints, left: Ints, right: Ints
) -> tuple[Floats, Floats]:
    """Return areas and centroids of atoms, from the edges around them."""
    owner = np.concatenate([left, right])
    p, q = np.concatenate([tail, head]), np.concatenate([head, tail])
    inside = owner >= 0
    owner, p, q = owner[inside], xy[p[inside]], xy[q[inside]]
    # About a vertex of each atom, so that far from the origin nothing cancels.
    anchor = np.empty((atoms, 2))
    anchor[owner] = p
    p, q = p - anchor[owner], q - anchor[owner]
    cross = p[:, 0] * q[:, 1] - q[:, 0] * p[:, 1]
    area = np.bincount(owner, weights=cross, minlength=atoms) / 2
    moment = [
        np.bincount(owner, weights=(p[:, i] + q[:, i]) * cross, minlength=atoms) / 6 for i in (0, 1)
    ]
    return area, anchor + np.column_stack(moment) / area[:, None]
