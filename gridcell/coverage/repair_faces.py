"""The cells at faults taken apart: faces between their borders, and who holds each."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries
from gridcell.coverage.arrangement import boundary_segments, enclosed_shapes, holders
from gridcell.coverage.faces import inner_points
from gridcell.coverage.width import is_narrower

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class RepairSettings:
    """What stays the same from round to round."""

    land: Geometries
    """(parents,) the land that cells have to fill; none where nobody gave it."""
    parent: Ints
    """(cells,) row of the land of each cell; 0 without land."""
    rank: Floats
    """(cells,) who wins where cells overlap: higher over lower; equal ones by evidence."""
    gap_width: float
    """Gaps up to this width are closed, in units of `scale`."""
    near: float
    """Vertices nearer than this are the same, in units of the CRS."""
    scale: tuple[float, float]
    """What a unit of x and y is in metres."""

    @property
    def bounded(self) -> bool:
        """Whether land was given."""
        return len(self.land) > 0

    def is_narrow(self, shapes: Geometries) -> Mask:
        """Tell in which polygons no circle of the width of a gap finds room."""
        return is_narrower(shapely.transform(shapes, lambda xy: xy * self.scale), self.gap_width)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class HeldFaces:
    """Faces between the borders of some cells; faces, cells and parts are numbered from 0."""

    cells: Geometries
    parent: Ints
    """(cells,) row of the land of each."""
    parts: Geometries
    """Connected parts of the cells."""
    cell_of: Ints
    """(parts,)"""
    shapes: Geometries
    """(faces,) Polygon."""
    of_land: Ints
    """(faces,) row of the land in which each lies, -1 for none; 0 without land."""
    is_gap: Mask
    """(faces,) whether it is part of a gap that is to be closed."""
    held: tuple[Ints, Ints]
    """Face and part of each pair that hold each other, sorted by both."""

    @property
    def holds(self) -> tuple[Ints, Ints]:
        """Return face and cell of each pair that hold each other, sorted by both."""
        face, part = self.held
        pairs = np.unique(face * len(self.cells) + self.cell_of[part])
        return pairs // len(self.cells), pairs % len(self.cells)

    def at_home(self) -> tuple[Ints, Ints]:
        """Return face and cell of each such pair in which the cell lies in its own land."""
        face, cell = self.holds
        home = self.is_home(face, cell)
        return face[home], cell[home]

    def is_home(self, face: Ints, cell: Ints) -> Mask:
        """Tell in which pairs the face is land of the cell: outside all land nothing is."""
        of_land = self.of_land[face]
        return np.asarray((of_land >= 0) & (self.parent[cell] == of_land))


def take_apart(
    cells: Geometries, parent: Ints, gaps: Geometries, mouths: Floats, settings: RepairSettings
) -> HeldFaces:
    """Return the faces between the borders of cells, of their land, and of the mouths of slivers.

    Parameters
    ----------
    cells
        (n,) valid (Multi)Polygons.
    parent
        (n,) row of the land of each.
    gaps
        Polygons over gaps that are to be closed: their faces are divided into triangles
        (constrained Delaunay), which may go to different neighbours.
    mouths
        (m, 2, 2) segments that close slivers.
    settings
        For the land and what counts as near.
    """
    law = np.concatenate([_land_near(cells, settings), mouths])
    shapes = enclosed_shapes(cells, law, near=settings.near)
    faces = _held(cells, parent, shapes, np.zeros(len(shapes), dtype=bool), settings)
    bare = np.bincount(faces.at_home()[0], minlength=len(shapes)) == 0
    rows = np.flatnonzero(bare & (faces.of_land >= 0))
    inside = shapely.STRtree(gaps).query(inner_points(shapes[rows]), predicate="intersects")[0]
    chosen = rows[np.unique(inside)]
    if not len(chosen):
        return faces
    triangles = shapely.get_parts(shapely.constrained_delaunay_triangles(shapes[chosen]))
    shapes = np.concatenate([np.delete(shapes, chosen), triangles])
    is_gap = np.arange(len(shapes)) >= len(shapes) - len(triangles)
    return _held(cells, parent, shapes, is_gap, settings)


def _held(
    cells: Geometries, parent: Ints, shapes: Geometries, is_gap: Mask, settings: RepairSettings
) -> HeldFaces:
    parts, cell_of = shapely.get_parts(cells, return_index=True)
    of_land = np.zeros(len(shapes), dtype=np.int64)
    if settings.bounded:
        of_land[:] = -1
        face, row = holders(shapes, settings.land)
        of_land[face[::-1]] = row[::-1]
    return HeldFaces(
        cells=cells, parent=parent, parts=parts, cell_of=cell_of.astype(np.int64), shapes=shapes,
        of_land=of_land, is_gap=is_gap, held=holders(shapes, parts),
    )  # fmt: skip


def _land_near(cells: Geometries, settings: RepairSettings) -> Floats:
    """Return the segments of the land near these cells."""
    if not settings.bounded:
        return np.empty((0, 2, 2))
    segments, _ = boundary_segments(settings.land)
    lines = np.asarray(shapely.linestrings(segments), dtype=object)
    reach = 2 * settings.gap_width / min(settings.scale) + settings.near
    near = shapely.STRtree(lines).query(cells, predicate="dwithin", distance=reach)[1]
    return np.asarray(segments[np.unique(near)])
