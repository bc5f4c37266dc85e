"""Atoms as polygons with every vertex of the fabric, and the arcs that their rings run along."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries, run_starts, spread
from gridcell.cells.kernels import split_rings, turn_clockwise
from gridcell.fabric.arcs import BorderArcs

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class AtomRings:
    """The rings of all atoms, in the order of their polygons' coordinates."""

    polygons: Geometries
    """(atoms,) shells counter-clockwise; a MultiPolygon where an atom is in several parts."""
    ring: Ints
    """(half-arcs,) the ring of each, ascending."""
    half: Ints
    """(half-arcs,) twice its arc, plus 1 where the ring runs along it from its end."""


def draw_atoms(arcs: BorderArcs, atoms: int) -> AtomRings:
    """Return the polygons of atoms.

    Parameters
    ----------
    arcs
        The borders; `left` and `right` are atoms, -1 outside.
    atoms
        Their number; each occurs.
    """
    face = np.column_stack([arcs.left, arcs.right]).ravel()
    start, half = _rings(arcs, face)
    ring = np.repeat(np.arange(len(start) - 1), np.diff(start))
    lines, area, middle = _lines(arcs, half, ring)
    owner = face[half[start[:-1]]]

    shell = np.flatnonzero(area > 0)
    part_of = np.full(len(owner), -1, dtype=np.int64)
    part_of[shell] = np.arange(len(shell))
    holes = np.flatnonzero(area <= 0)
    part_of[holes] = _shells_of(holes, lines, middle, owner, area, shell, atoms)
    # By atom, then by part, the shell before its holes.
    order = np.lexsort((np.arange(len(owner)), area <= 0, part_of, owner))
    part = np.concatenate([[0], np.cumsum(np.diff(part_of[order]) != 0)])
    parts: Geometries = np.asarray(shapely.polygons(lines[order], indices=part), dtype=object)
    of_part = owner[order][run_starts(part)]
    polygons = np.empty(atoms, dtype=object)
    single = np.bincount(of_part, minlength=atoms)[of_part] == 1
    polygons[of_part[single]] = parts[single]
    if not single.all():
        several, group = np.unique(of_part[~single], return_inverse=True)
        polygons[several] = shapely.multipolygons(parts[~single], indices=group)

    size = np.diff(start)[order]
    ring, place = spread(size)
    return AtomRings(polygons=polygons, ring=ring, half=half[start[order][ring] + place])


def _rings(arcs: BorderArcs, face: Ints) -> tuple[Ints, Ints]:
    """Return the rings of atoms as runs of half-arcs: where each begins, and the half-arcs."""
    first, last = arcs.start[:-1], arcs.start[1:] - 1
    xy, vertex, n = arcs.xy, arcs.vertex, len(arcs.xy)
    tail = np.column_stack([vertex[first], vertex[last]]).ravel()
    head = np.column_stack([vertex[last], vertex[first]]).ravel()
    after = np.column_stack([vertex[first + 1], vertex[last - 1]]).ravel()
    before = np.column_stack([vertex[last - 1], vertex[first + 1]]).ravel()

    mine = np.flatnonzero(face >= 0)
    key = face[mine] * n + tail[mine]
    order = np.argsort(key, kind="stable")
    wanted = face[mine] * n + head[mine]
    out, back = xy[after] - xy[tail], xy[before] - xy[head]
    following = np.full(len(face), -1, dtype=np.int64)
    following[mine] = turn_clockwise(
        mine, np.searchsorted(key[order], wanted), np.searchsorted(key[order], wanted, "right"),
        mine[order], np.arctan2(back[:, 1], back[:, 0]), np.arctan2(out[:, 1], out[:, 0]),
    )  # fmt: skip
    return split_rings(following, tail, n)


def _lines(
    arcs: BorderArcs, half: Ints, ring: Ints
) -> tuple[Geometries, NDArray[np.float64], NDArray[np.float64]]:
    """Return the rings as lines, their signed areas and the middles of their first segments."""
    arc, back = half // 2, half % 2
    count = np.diff(arcs.start)[arc] - 1
    owner, place = spread(count)
    at = np.where(
        back[owner], arcs.start[arc[owner] + 1] - 1 - place, arcs.start[arc[owner]] + place
    )
    xy, of_ring = arcs.xy[arcs.vertex[at]], ring[owner]
    first = run_starts(of_ring)
    begin = np.repeat(first, np.diff(np.append(first, len(xy))))
    following = np.arange(1, len(xy) + 1)
    following[np.append(first[1:], len(xy)) - 1] = first
    p, q = xy - xy[begin], xy[following] - xy[begin]
    area = np.add.reduceat(p[:, 0] * q[:, 1] - q[:, 0] * p[:, 1], first) / 2
    middle = (xy[first] + xy[first + 1]) / 2
    lines: Geometries = np.asarray(shapely.linearrings(xy, indices=of_ring), dtype=object)
    return lines, area, middle


def _shells_of(
    holes: Ints,
    lines: Geometries,
    middle: NDArray[np.float64],
    owner: Ints,
    area: NDArray[np.float64],
    shell: Ints,
    atoms: int,
) -> Ints:
    """Return the number among shells of that which each hole is in."""
    number = np.bincount(owner[shell], minlength=atoms)
    only = np.empty(atoms, dtype=np.int64)
    only[owner[shell]] = np.arange(len(shell))
    out = only[owner[holes]]
    # Of an atom in several parts, the smallest that holds a point of the hole's edge.
    unsure = np.flatnonzero(number[owner[holes]] > 1)
    if len(unsure):
        rows = np.flatnonzero(number[owner[shell]] > 1)
        solid: Geometries = np.asarray(shapely.polygons(lines[shell[rows]]), dtype=object)
        points = shapely.points(middle[holes[unsure]])
        hole, of_row = shapely.STRtree(solid).query(points, predicate="intersects")
        same = owner[holes[unsure[hole]]] == owner[shell[rows[of_row]]]
        hole, inside = hole[same], rows[of_row[same]]
        order = np.lexsort((area[shell[inside]], hole))[::-1]
        out[unsure[hole[order]]] = inside[order]
    return out
