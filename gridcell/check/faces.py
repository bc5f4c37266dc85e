"""Faces between left-over borders: which cells and parents hold each, and what is wrong there."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries, fold

ROUNDING_ULPS = 8
"""A piece narrower than this many steps of the largest coordinate is rounding: an intersection
that GEOS computes is off by one or two steps, a piece has two sides, and the parent may lack the
vertex (metres in a UTM zone: 4e-9 m; degrees: 2e-13)."""

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


def enclosed_faces(segments: Geometries, step: float) -> Geometries:
    """Return the faces that the segments enclose, without those of rounding."""
    if not len(segments):
        return segments
    lines = shapely.get_parts(shapely.union_all(segments))
    faces = shapely.get_parts(shapely.polygonize(lines))
    return np.asarray(faces[~is_rounding(faces, step)])


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Faces:
    """Faces, inside each of which the number of cells and of parents is everywhere the same."""

    faces: Geometries
    cells: Geometries
    good: Rows
    """Rows of the valid cells; the others count as if they were not there."""
    parent: Rows
    """Parent of each cell, -1 for none."""
    cell_hits: tuple[Rows, Rows]
    """Face and cell of each pair that meet."""
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
        points = np.asarray(shapely.point_on_surface(faces), dtype=object)
        face_of_cell, cell = _meeting(points, cells[good])
        face_of_land, row = _meeting(points, land[good_land])
        return cls(
            faces=faces, cells=cells, good=good, parent=parent,
            cell_hits=(face_of_cell, good[cell]), land_hits=(face_of_land, good_land[row]),
        )  # fmt: skip

    def gaps(self) -> Pieces:
        """Return parent (twice) and piece of land that lies in no cell of its parent."""
        face, land = self.land_hits
        held = self._pairs(self.cell_hits[0], self.parent[self.cell_hits[1]])
        bare = ~np.isin(self._pairs(face, land), held)
        return self._merged(land[bare], face[bare])

    def holes(self) -> Pieces:
        """Return 0 (twice) and each piece that cells enclose but do not hold."""
        bare = np.setdiff1d(np.arange(len(self.faces)), self.cell_hits[0])
        return self._merged(np.zeros(len(bare), dtype=np.int64), bare)

    def outside(self, bad_land: Rows) -> Pieces:
        """Return cell (twice) and piece where a cell reaches out of its parent.

        Cells of bad land are left out: nobody can tell.
        """
        face, cell = self.cell_hits
        out = ~np.isin(self._pairs(face, self.parent[cell]), self._pairs(*self.land_hits))
        out &= ~np.isin(self.parent[cell], bad_land)
        return self._merged(cell[out], face[out])

    def overlaps(self, step: float) -> Pieces:
        """Return each pair of cells that overlap, and where."""
        face, count = np.unique(self.cell_hits[0], return_counts=True)
        # A face may be made of several pairs: a cell drawn over many others.
        crowd = self.good[
            np.unique(_meeting(self.faces[face[count > 1]], self.cells[self.good])[1])
        ]
        cells = self.cells[crowd]
        left, right = _meeting(cells, cells)
        left, right = left[left < right], right[left < right]
        order = np.lexsort((right, left))
        left, right = left[order], right[order]
        shared = shapely.intersection(cells[left], cells[right])
        parts, pair = shapely.get_parts(shared, return_index=True)
        real = ~is_rounding(parts, step)
        pair = pair[real]
        starts = fold(pair)
        whole = np.asarray(shapely.multipolygons(parts[real], indices=_run(pair)), dtype=object)
        return crowd[left[pair[starts]]], crowd[right[pair[starts]]], whole

    def _pairs(self, face: Rows, parent: Rows) -> Rows:
        return parent * max(len(self.faces), 1) + face

    def _merged(self, row: Rows, face: Rows) -> Pieces:
        """Return the faces of each row, those that touch along a line made one."""
        order = np.lexsort((face, row))
        row, face = row[order], face[order]
        groups = shapely.geometrycollections(self.faces[face], indices=_run(row))
        whole = shapely.union_all(np.asarray(groups, dtype=object).reshape(-1, 1), axis=1)
        pieces, group = shapely.get_parts(whole, return_index=True)
        rows = row[fold(row)][group]
        return rows, rows, pieces


def _meeting(some: Geometries, others: Geometries) -> tuple[Rows, Rows]:
    left, right = shapely.STRtree(others).query(some, predicate="intersects")
    return left.astype(np.int64), right.astype(np.int64)


def _run(ordered: Rows) -> Rows:
    """Return the number of the run of equal values that each item is in."""
    marks = np.zeros(len(ordered), dtype=np.int64)
    marks[fold(ordered)[1:]] = 1
    return np.cumsum(marks)
