"""Faces between left-over borders: which cells and parents hold each, and what is wrong there."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries, run_starts, simplest, spread

ROUNDING_ULPS = 8
"""A piece narrower than this many steps of the largest coordinate is rounding: an intersection
that GEOS computes is off by one or two steps, a piece has two sides, and the parent may lack the
vertex (metres in a UTM zone: 4e-9 m; degrees: 2e-13)."""

_MANY_FACES = 32
"""An overlap of more faces is found from its two cells."""
_DEEP = 12
"""So are those of cells that lie over each other in faces of more: each of these is part of the
overlaps of all their pairs."""

Rows = NDArray[np.int64]
Pieces = tuple[Rows, Rows, Geometries]
"""Two rows that a piece is about (or one row twice), and the pieces."""


def rounding_step(polygons: Geometries) -> float:
    """Return the width below which pieces of these polygons are rounding."""
    if not len(polygons):
        return 0.0
    return ROUNDING_ULPS * float(np.spacing(np.abs(shapely.total_bounds(polygons)).max()))


def is_rounding(pieces: Geometries, step: float) -> NDArray[np.bool_]:
    """Tell which polygons are narrower than the step, by their mean width."""
    return np.asarray(2 * shapely.area(pieces) <= step * shapely.length(pieces))


def enclosed_faces(segments: Geometries, step: float, *, grid_size: float | None) -> Geometries:
    """Return the faces that the segments enclose, without those of rounding.

    Parameters
    ----------
    segments
        Lines that may cross each other.
    step
        Narrower faces are rounding.
    grid_size
        Precision of the crossings, in units of the coordinates; None computes them as exactly
        as floating point allows.
    """
    if not len(segments):
        return segments
    lines = shapely.get_parts(shapely.union_all(segments, grid_size=grid_size))
    faces = shapely.get_parts(shapely.polygonize(lines))
    return np.asarray(faces[~is_rounding(faces, step)])


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Faces:
    """Faces, and the cells and parents that hold a point of each."""

    faces: Geometries
    cells: Geometries
    parent: Rows
    """Parent of each cell, -1 for none."""
    cell_hits: tuple[Rows, Rows]
    """Face and cell of each pair that meet, in this order."""
    land_hits: tuple[Rows, Rows]
    """Face and parent of each pair that meet."""

    @classmethod
    def compare(
        cls,
        faces: Geometries,
        cells: Geometries,
        land: Geometries,
        *,
        parent: Rows,
        good: Rows,
        good_land: Rows,
    ) -> Self:
        """Look up a point of each face in the good cells and the good land."""
        points = inner_points(faces)
        face_of_cell, cell = _meeting(points, cells[good])
        face_of_land, row = _meeting(points, land[good_land])
        order = np.lexsort((cell, face_of_cell))
        return cls(
            faces=faces,
            cells=cells,
            parent=parent,
            cell_hits=(face_of_cell[order], good[cell[order]]),
            land_hits=(face_of_land, good_land[row]),
        )

    def crowded(self, *, bounded: bool) -> Rows:
        """Return the faces that hold more cells than they should.

        Parameters
        ----------
        bounded
            Whether land is given, out of which a cell may reach.
        """
        face, cell = self.cell_hits
        count = np.bincount(face, minlength=len(self.faces))
        many = np.flatnonzero(count > 1)
        return np.union1d(many, face[self._strays(cell, face)]) if bounded else many

    def gaps(self) -> Pieces:
        """Return parent (twice) and piece of land that lies in no cell of its parent."""
        face, land = self.land_hits
        held = self._pairs(self.cell_hits[0], self.parent[self.cell_hits[1]])
        bare = ~np.isin(self._pairs(face, land), held)
        row, piece = self._merged(land[bare], face[bare])
        return row, row, piece

    def holes(self) -> Pieces:
        """Return 0 (twice) and each piece that cells enclose but do not hold."""
        bare = np.setdiff1d(np.arange(len(self.faces)), self.cell_hits[0])
        row, piece = self._merged(np.zeros(len(bare), dtype=np.int64), bare)
        return row, row, piece

    def outside(self, bad_land: Rows) -> Pieces:
        """Return cell (twice) and piece where a cell reaches out of its parent.

        Cells of bad land are left out: nobody can tell.
        """
        face, cell = self.cell_hits
        out = self._strays(cell, face) & ~np.isin(self.parent[cell], bad_land)
        row, piece = self._merged(cell[out], face[out])
        return row, row, piece

    def overlaps(self) -> Pieces:
        """Return each pair of cells that overlap, and where."""
        face, cell = self.cell_hits
        n = max(len(self.parent), 1)
        starts = run_starts(face)
        size = np.diff(np.append(starts, len(face)))
        deep = size > _DEEP
        direct, common = self._deep_overlaps(np.unique(cell[np.repeat(deep, size)]))
        pairs = np.repeat(starts + size, size) - np.arange(len(face)) - 1
        pairs[np.repeat(deep, size)] = 0
        # One of each deep face, should GEOS have found none there.
        pairs[starts[deep]] = 1
        first, nth = spread(pairs)
        key = cell[first] * n + cell[first + 1 + nth]
        new = ~np.isin(key, direct)
        pair, of_pair = np.unique(key[new], return_inverse=True)
        piece = self._by_faces(pair // n, pair % n, of_pair, face[first][new])
        pair, piece = np.concatenate([direct, pair]), np.concatenate([common, piece])
        order = np.argsort(pair)
        return pair[order] // n, pair[order] % n, piece[order]

    def _deep_overlaps(self, rows: Rows) -> tuple[Rows, Geometries]:
        """Return the pairs among these cells that overlap, as ``left * n + right``, and where."""
        shapes = self.cells[rows]
        left, right = shapely.STRtree(shapes).query(shapes, predicate="intersects")
        left, right = rows[left[left < right]], rows[right[left < right]]
        common = _common_land(self.cells[left], self.cells[right])
        there = ~(shapely.is_missing(common) | is_rounding(common, rounding_step(self.faces)))
        return left[there] * len(self.parent) + right[there], common[there]

    def _by_faces(self, left: Rows, right: Rows, pair: Rows, face: Rows) -> Geometries:
        """Return where pairs of cells overlap.

        Parameters
        ----------
        left, right
            (pairs,) cells.
        pair, face
            (n,) the faces that both cells of a pair hold.
        """
        piece = np.full(len(left), None, dtype=object)
        many = np.flatnonzero(np.bincount(pair, minlength=len(left)) > _MANY_FACES)
        piece[many] = _common_land(self.cells[left[many]], self.cells[right[many]])
        # GEOS may take too much or too little where outlines nearly coincide.
        held = np.bincount(pair, shapely.area(self.faces)[face], minlength=len(left))
        rest = ~np.isclose(shapely.area(piece), held, rtol=1e-6, atol=0)
        piece[rest] = self._merged(pair[rest[pair]], face[rest[pair]], whole=True)[1]
        return piece

    def balance(self, parents: int) -> tuple[NDArray[np.float64], float]:
        """Return by how much cells exceed their land, and the area of all land, by the faces.

        Returns
        -------
        (parents + 1,) area of cells less that of their parent, -1 first; total area of the land
        where every parent counts.
        """
        area = np.asarray(shapely.area(self.faces), dtype=float)
        face, cell = self.cell_hits
        of_cells = np.bincount(self.parent[cell] + 1, area[face], minlength=parents + 1)
        face, land = self.land_hits
        of_land = np.bincount(land + 1, area[face], minlength=parents + 1)
        return np.asarray(of_cells - of_land, dtype=float), float(area[face].sum())

    def _strays(self, cell: Rows, face: Rows) -> NDArray[np.bool_]:
        return ~np.isin(self._pairs(face, self.parent[cell]), self._pairs(*self.land_hits))

    def _pairs(self, face: Rows, parent: Rows) -> Rows:
        return parent * max(len(self.faces), 1) + face

    def _merged(self, row: Rows, face: Rows, *, whole: bool = False) -> tuple[Rows, Geometries]:
        """Return the faces of each row, those that touch along a line made one."""
        order = np.lexsort((face, row))
        row, face = row[order], face[order]
        starts = run_starts(row)
        size = np.diff(np.append(starts, len(row)))
        merged = self.faces[face[starts]]
        several = np.flatnonzero(size > 1)
        owner = np.repeat(np.arange(len(starts)), size)
        held = size[owner] > 1
        groups = shapely.multipolygons(
            self.faces[face[held]], indices=np.cumsum(_marks(owner[held])) - 1
        )
        merged[several] = union_parts(np.asarray(groups, dtype=object))
        if whole:
            return row[starts], merged
        pieces, group = shapely.get_parts(merged, return_index=True)
        return row[starts][group], pieces


def _common_land(some: Geometries, others: Geometries) -> Geometries:
    """Return the polygons that pairs of cells have in common, ``None`` where GEOS fails."""
    try:
        common = np.asarray(shapely.intersection(some, others), dtype=object)
    except shapely.errors.GEOSException:
        return np.full(len(some), None, dtype=object)
    parts, pair = shapely.get_parts(common, return_index=True)
    solid = shapely.get_dimensions(parts) == 2
    out = np.full(len(some), None, dtype=object)
    shapely.multipolygons(parts[solid], indices=pair[solid], out=out)
    return simplest(out)


def union_parts(groups: Geometries) -> Geometries:
    """Return the union of the parts of each group, which share their borders vertex by vertex.

    `shapely.union_all` may lose a large piece beside a sliver, and `shapely.coverage_union_all`
    may fail for slivers (GEOS 3.14): then parts that are rounding are left out, and a group that
    has no union without them either stays as it is.

    Parameters
    ----------
    groups
        (n,) MultiPolygons.
    """
    try:
        whole = np.asarray(shapely.coverage_union_all(groups.reshape(-1, 1), axis=1), dtype=object)
    except shapely.errors.GEOSException:
        if len(groups) == 1:
            return _union_solid(groups)
        half = len(groups) // 2
        return np.concatenate([union_parts(groups[:half]), union_parts(groups[half:])])
    same = np.isclose(shapely.area(whole), shapely.area(groups), rtol=1e-9, atol=0)
    return np.where(same, whole, groups)


def _union_solid(group: Geometries) -> Geometries:
    """Return the union of the parts of one group that are no rounding; else the group itself."""
    parts = shapely.get_parts(group)
    solid = parts[~is_rounding(parts, rounding_step(parts))]
    if not 0 < len(solid) < len(parts):
        return group
    return union_parts(np.array([shapely.multipolygons(solid)], dtype=object))


def inner_points(faces: Geometries) -> Geometries:
    """Return a point inside each face.

    Aside from the middle, where regular cells have their borders.
    """
    points = np.asarray(shapely.point_on_surface(faces), dtype=object)
    room = shapely.distance(points, shapely.boundary(faces))
    xy = shapely.get_coordinates(points) + room[:, np.newaxis] * [0.3183098861, 0.2360679774]
    return np.asarray(shapely.points(xy), dtype=object)


def _meeting(some: Geometries, others: Geometries) -> tuple[Rows, Rows]:
    # The other way round: GEOS prepares the geometry that asks, and land may have many vertices.
    right, left = shapely.STRtree(some).query(others, predicate="intersects")
    order = np.lexsort((right, left))
    return left[order].astype(np.int64), right[order].astype(np.int64)


def _marks(ordered: Rows) -> Rows:
    """Return 1 where a run of equal values begins, else 0."""
    marks = np.zeros(len(ordered), dtype=np.int64)
    marks[run_starts(ordered)] = 1
    return marks
