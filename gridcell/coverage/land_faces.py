"""Land faces between borders: near vertices made one, everything noded, polygonized, told apart."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries
from gridcell.coverage.arrangement import boundary_segments, matched, shared_borders

SNAP_M: Final = 0.001
"""Vertices and edges of two communities nearer than this are meant to be the same."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Faces:
    """The faces of the plane that the borders enclose."""

    shapes: Geometries
    owners: list[Ints]
    """Communities in which each face lies: none in a gap, several in an overlap."""
    left: Ints
    """(borders,) a face, ascending …"""
    right: Ints
    """(borders,) … and another with which it shares border, each pair twice."""
    length: Floats
    """(borders,) metres that they share."""


def build_faces(polygons: Geometries, mouths: Floats) -> Faces:
    """Return the faces between the borders of the polygons, noded once.

    Vertices nearer than `SNAP_M` to a vertex or an edge of another polygon become part of it; no
    other coordinate changes.

    Parameters
    ----------
    polygons
        Valid (Multi)Polygons, metres.
    mouths
        (n, 2, 2) segments that close the open ends of slits.
    """
    segments, owners = boundary_segments(polygons)
    segments = np.concatenate([segments, mouths])
    owners = np.concatenate([owners, np.full(len(mouths), -1, dtype=np.int64)])
    segments = matched(segments, owners, SNAP_M)
    lines = shapely.get_parts(shapely.union_all(shapely.linestrings(segments)))
    shapes = shapely.get_parts(shapely.polygonize(lines))
    point, polygon = shapely.STRtree(polygons).query(
        shapely.point_on_surface(shapes), predicate="intersects"
    )
    order = np.lexsort((polygon, point))
    bounds = np.searchsorted(point[order], np.arange(1, len(shapes)))
    left, right, length = neighbours(shapes)
    return Faces(
        shapes=shapes,
        owners=np.split(polygon[order], bounds),
        left=left,
        right=right,
        length=length,
    )


def neighbours(shapes: Geometries) -> tuple[Ints, Ints, Floats]:
    """Return pairs of polygons that share segments, each pair twice, and the lengths shared."""
    one, two, length = shared_borders(shapes, (1.0, 1.0))
    inner = two >= 0
    one, two, length = one[inner], two[inner], length[inner]
    left, right = np.concatenate([one, two]), np.concatenate([two, one])
    rank = np.lexsort((right, left))
    return left[rank], right[rank], np.concatenate([length, length])[rank]
