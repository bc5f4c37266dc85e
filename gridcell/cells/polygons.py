"""Cell numbers to polygons that share every border vertex."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries, run_starts
from gridcell.fabric.arcs import arcs_in_order, edges_of, take_arcs
from gridcell.fabric.kernels import straighten
from gridcell.model import Fabric

Ints = NDArray[np.int64]

_STRAIGHT_M = 2e-5
"""A vertex this close to the line between its neighbours says nothing: points set on straight
streets for the fabric's sake, off by what its precision rounds."""

_INSIDE: Final = (0, 1, 3)
"""Places in a DE-9IM where the interior of one of two lines meets the other, ends included."""
_PAIRS: Final = 100_000
"""So many are related at once: each has a text meanwhile."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class LeafBorders:
    """The borders between leaves, once, from which cells of every level are made."""

    xy: NDArray[np.float64]
    """(vertices, 2) metres."""
    start: Ints
    """(arcs + 1,) where each arc begins in `vertex`."""
    vertex: Ints
    left: Ints
    """(arcs,) leaf on the left, -1 outside."""
    right: Ints
    """(arcs,) leaf on the right."""


def trace_borders(fabric: Fabric, leaf: Ints) -> LeafBorders:
    """Return the borders between leaves.

    Parameters
    ----------
    fabric
        The atoms.
    leaf
        (atoms,) number of the leaf of each atom.
    """
    return trace_arcs(
        leaf, fabric.xy, fabric.arc_start, fabric.arc_vertices, fabric.arc_left, fabric.arc_right
    )


def trace_arcs(
    leaf: Ints, xy: NDArray[np.float64], start: Ints, vertex: Ints, left: Ints, right: Ints
) -> LeafBorders:
    """Return the borders between leaves, of arcs as `gridcell.model.Fabric` holds them."""
    side = np.append(leaf, -1)
    left, right = side[left], side[right]
    kept = np.flatnonzero(left != right)
    start, vertex = take_arcs(start, vertex, kept)
    tail, head, arc = edges_of(start, vertex)
    arcs = arcs_in_order(
        xy, tail, head, left[kept][arc], right[kept][arc], np.zeros(len(arc), dtype=np.int64)
    )
    start, vertex = straighten_safely(arcs.start, arcs.vertex, arcs.xy)
    return LeafBorders(xy=arcs.xy, start=start, vertex=vertex, left=arcs.left, right=arcs.right)


def draw_cells(borders: LeafBorders, cell: Ints, count: int) -> Geometries:
    """Return the polygons of cells that are unions of leaves.

    Parameters
    ----------
    borders
        From `trace_borders`.
    cell
        (leaves,) number of the cell of each leaf, -1 for none.
    count
        Number of cells.

    Returns
    -------
    (count,) Polygon, or MultiPolygon where a cell is not one piece; shells counter-clockwise.
    Cells of all levels share every vertex of their common borders, also where three of them meet
    on one side only.
    """
    side = np.append(cell, -1)
    left, right = side[borders.left], side[borders.right]
    kept = np.flatnonzero(left != right)
    start, vertex = take_arcs(borders.start, borders.vertex, kept)
    lines = _lines(borders.xy, start, vertex)
    # Normalised, so that land which did not change is drawn to the byte as it was.
    faces = shapely.orient_polygons(shapely.normalize(shapely.get_parts(shapely.polygonize(lines))))

    # The first edge of a shell tells whose face it is: cells lie on its left.
    edge_of, cell_of = _directed(start, vertex, left[kept], right[kept], len(borders.xy))
    shell = shapely.get_exterior_ring(faces)
    points, face = shapely.get_coordinates(shell, return_index=True)
    first = run_starts(face)
    ends = _find_vertices(borders.xy, vertex, np.concatenate([points[first], points[first + 1]]))
    key = ends[: len(faces)] * len(borders.xy) + ends[len(faces) :]
    owner = cell_of[np.searchsorted(edge_of, key)]

    faces, owner = faces[owner >= 0], owner[owner >= 0]
    order = np.lexsort((-shapely.area(faces), owner))
    faces, owner = faces[order], owner[order]
    out = np.empty(count, dtype=object)
    number = np.bincount(owner, minlength=count)
    single = number[owner] == 1
    out[owner[single]] = faces[single]
    several = np.flatnonzero(number > 1)
    if len(several):
        group = np.searchsorted(several, owner[~single])
        out[several] = shapely.multipolygons(faces[~single], indices=group)
    return out


def straighten_safely(start: Ints, vertex: Ints, xy: NDArray[np.float64]) -> tuple[Ints, Ints]:
    """Return arcs without vertices on straight lines, those as they were that would cross.

    Parameters
    ----------
    start, vertex, xy
        Arcs as `gridcell.model.Fabric` holds them.
    """
    light_start, light_vertex = straighten(start, vertex, xy, _STRAIGHT_M)
    changed = np.diff(light_start) < np.diff(start)
    while True:
        # Both kinds behind each other, and of each arc the one that counts.
        starts = np.concatenate([start[:-1], len(vertex) + light_start])
        row = np.arange(len(changed)) + changed * len(changed)
        new_start, new_vertex = take_arcs(starts, np.concatenate([vertex, light_vertex]), row)
        lines = _lines(xy, new_start, new_vertex)
        light = np.flatnonzero(changed)
        a, b = shapely.STRtree(lines).query(lines[light], predicate="intersects")
        a = light[a]
        a, b = a[a != b], b[a != b]
        crosses = _cross(lines, a, b)
        back = np.zeros(len(changed), dtype=bool)
        back[a[crosses]] = back[b[crosses]] = True
        back[light[~shapely.is_simple(lines[light])]] = True
        back &= changed
        if not back.any():
            return new_start, new_vertex
        changed &= ~back


def _cross(lines: Geometries, a: Ints, b: Ints) -> NDArray[np.bool_]:
    """Tell which pairs of arcs meet elsewhere than at their ends: an end on another's interior."""
    out = np.zeros(len(a), dtype=bool)
    for first in range(0, len(a), _PAIRS):
        some = slice(first, first + _PAIRS)
        relation = shapely.relate(lines[a[some]], lines[b[some]]).astype("S9").view("S1")
        out[some] = (relation.reshape(-1, 9)[:, list(_INSIDE)] != b"F").any(axis=1)
    return out


def _lines(xy: NDArray[np.float64], start: Ints, vertex: Ints) -> Geometries:
    owner = np.repeat(np.arange(len(start) - 1), np.diff(start))
    out = np.empty(len(start) - 1, dtype=object)
    out[:] = shapely.linestrings(xy[vertex], indices=owner)
    return out


def _directed(start: Ints, vertex: Ints, left: Ints, right: Ints, n: int) -> tuple[Ints, Ints]:
    """Return the sorted keys of all directed edges, and the cell on the left of each."""
    arc = np.repeat(np.arange(len(left)), np.diff(start))
    inner = arc[1:] == arc[:-1]
    a, b, arc = vertex[:-1][inner], vertex[1:][inner], arc[:-1][inner]
    key = np.concatenate([a * n + b, b * n + a])
    cell = np.concatenate([left[arc], right[arc]])
    order = np.argsort(key)
    return key[order], cell[order]


def _find_vertices(xy: NDArray[np.float64], used: Ints, points: NDArray[np.float64]) -> Ints:
    """Return the number of the vertex at each point."""
    used = np.unique(used)
    known = xy[used]
    order = np.lexsort((known[:, 1], known[:, 0]))
    used, known = used[order], known[order]
    both = np.concatenate([known, points])
    rank = np.lexsort((np.arange(len(both)) >= len(known), both[:, 1], both[:, 0]))
    is_known = rank < len(known)
    last = np.maximum.accumulate(np.where(is_known, np.arange(len(rank)), -1))
    found = np.empty(len(both), dtype=np.int64)
    found[rank] = used[rank[last]]
    return found[len(known) :]
