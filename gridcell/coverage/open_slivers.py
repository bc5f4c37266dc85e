"""Slivers that are open at the rim of a coverage: narrow gaps that no border closes."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries
from gridcell.coverage.arrangement import boundary_segments
from gridcell.coverage.faces import inner_points
from gridcell.coverage.noding import overlaid
from gridcell.coverage.proof import CoverageProof
from gridcell.coverage.width import width_of

Floats = NDArray[np.float64]

_LONG: Final = 5.0
"""Area over width squared from which an inlet between two polygons is a sliver between borders that
should be one; shorter ones are the shape of the rim."""
_BUFFER_ERROR: Final = 0.02
"""Share of the width by which edges of a buffer are off: GEOS buffers a simplified line."""
_CORNER: Final = 5.0
"""Limit of mitres: sharper corners are cut."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class OpenSlivers:
    """Slivers, and the lines that close them."""

    shapes: Geometries
    """(n,) Polygons, as exact as a buffer: their edges are not those of the neighbours."""
    mouths: Floats
    """(m, 2, 2) segments from rim to rim."""
    reach: float
    """How far an edge of a sliver may be from the neighbour's, in units of the CRS."""

    @classmethod
    def none(cls) -> "OpenSlivers":
        """Return no slivers at all."""
        return cls(shapes=np.empty(0, dtype=object), mouths=np.empty((0, 2, 2)), reach=0.0)


def find_open_slivers(
    polygons: Geometries,
    proof: CoverageProof,
    width: float,
    *,
    near: float,
    scale: tuple[float, float] = (1.0, 1.0),
) -> OpenSlivers:
    """Return the inlets of the rim that are long, narrow, and lie between two polygons or more.

    Parameters
    ----------
    polygons
        (n,) valid (Multi)Polygons or ``None``; they may overlap.
    proof
        Of these, without land.
    width
        Wider inlets are none, in units of `scale`.
    near
        Vertices nearer than this are the same, in units of the CRS.
    scale
        What a unit of x and of y is in the unit of `width`.
    """
    if width <= 0 or not len(proof.rim):
        return OpenSlivers.none()
    lines = np.asarray(shapely.linestrings(proof.rim), dtype=object)
    outline = _outline(polygons, lines)
    scaled = shapely.transform(outline, lambda xy: xy * scale)
    metric_near = near * max(scale)
    closed = shapely.buffer(scaled, width / 2, join_style="mitre", mitre_limit=_CORNER)
    closed = shapely.buffer(closed, -width / 2, join_style="mitre", mitre_limit=_CORNER)
    pieces = shapely.get_parts(_difference(closed, scaled, metric_near))
    area, length = shapely.area(pieces), shapely.length(pieces)
    # No polygon is narrower than twice its area over its perimeter.
    pieces = pieces[(area > _LONG * metric_near**2) & (length**2 > 4 * _LONG * area)]
    reach = _BUFFER_ERROR * width
    drawn = np.asarray(shapely.transform(pieces, lambda xy: xy / scale), dtype=object)
    reach_here = reach / min(scale)
    piece, line = shapely.STRtree(lines).query(drawn, predicate="dwithin", distance=reach_here)
    pairs = np.unique(piece * len(polygons) + proof.rim_of[line])
    between = np.bincount(pairs // len(polygons), minlength=len(pieces)) > 1
    between[between] = shapely.area(pieces[between]) > _LONG * width_of(pieces[between]) ** 2
    pieces, drawn = pieces[between], drawn[between]
    if not len(pieces):
        return OpenSlivers.none()
    rim = _segments_near(pieces, scaled, width)
    mouths = _mouths(pieces, rim, reach, metric_near) / scale
    # The vertices of the outline itself: scaled and back they are off by a rounding step.
    rim = _segments_near(drawn, outline, width / min(scale))
    return OpenSlivers(
        shapes=drawn, mouths=_snapped_to(rim, mouths, reach_here, near), reach=reach_here
    )


def _outline(polygons: Geometries, loose: Geometries) -> shapely.Geometry:
    """Return the union of polygons, of which these edges do not cancel: few where they fit."""
    lines = shapely.get_parts(shapely.union_all(loose))
    faces = np.asarray(shapely.get_parts(shapely.polygonize(lines)), dtype=object)
    held = shapely.STRtree(polygons).query(inner_points(faces), predicate="intersects")[0]
    return shapely.union_all(faces[np.unique(held)])


def _difference(some: shapely.Geometry, other: shapely.Geometry, near: float) -> shapely.Geometry:
    """Return what of some geometry lies outside another one."""
    pair = (np.array([each], dtype=object) for each in (some, other))
    left: shapely.Geometry = overlaid(shapely.difference, *pair, grid_size=near / 16)[0]
    return left


def _segments_near(pieces: Geometries, outline: shapely.Geometry, distance: float) -> Floats:
    """Return the segments of an outline nearer than this to the boxes of pieces."""
    segments, _ = boundary_segments(np.array([outline], dtype=object))
    low, high = segments.min(axis=1) - distance, segments.max(axis=1) + distance
    boxes = np.asarray(shapely.box(*low.T, *high.T), dtype=object)
    near = shapely.STRtree(pieces).query(boxes)[0]
    return np.asarray(segments[np.unique(near)])


def _mouths(pieces: Geometries, rim: Floats, reach: float, near: float) -> Floats:
    """Return the segments on which pieces end where no rim is."""
    edges = np.asarray(shapely.linestrings(rim), dtype=object)
    tree = shapely.STRtree(edges)
    close = np.unique(tree.query(pieces, predicate="dwithin", distance=reach)[1])
    # A mouth may lie on the line of an edge: what is left of the outline off the rim is the mouth.
    strip = shapely.buffer(shapely.multilinestrings(edges[close]), near / 10, quad_segs=2)
    drawn = shapely.union_all(shapely.boundary(pieces))
    rest = shapely.get_parts(shapely.line_merge(_difference(drawn, strip, near)))
    middles = shapely.line_interpolate_point(rest, 0.5, normalized=True)
    point, edge = tree.query_nearest(middles, all_matches=False)
    away = np.zeros(len(rest))
    away[point] = shapely.distance(middles[point], edges[edge])
    mouths = rest[away > 0.2 * shapely.length(rest)]
    xy, line = shapely.get_coordinates(mouths, return_index=True)
    same = line[1:] == line[:-1]
    return np.stack([xy[:-1][same], xy[1:][same]], axis=1)


def _snapped_to(rim: Floats, segments: Floats, reach: float, near: float) -> Floats:
    """Return the segments with their ends on the nearest vertex, else edge, of the rim in reach."""
    ends = segments.reshape(-1, 2).copy()
    points = np.asarray(shapely.points(ends), dtype=object)
    vertices = np.asarray(shapely.points(rim[:, 0]), dtype=object)
    edges = np.asarray(shapely.linestrings(rim), dtype=object)
    row, edge = shapely.STRtree(edges).query_nearest(points, max_distance=reach, all_matches=False)
    along = shapely.line_locate_point(edges[edge], points[row])
    ends[row] = shapely.get_coordinates(shapely.line_interpolate_point(edges[edge], along))
    row, vertex = shapely.STRtree(vertices).query_nearest(
        points, max_distance=reach, all_matches=False
    )
    # A narrow mouth must not collapse into one of its two lips.
    lips = np.repeat(0.3 * np.hypot(*(segments[:, 1] - segments[:, 0]).T), 2)[row]
    close = np.hypot(*(rim[vertex, 0] - ends[row]).T) <= np.maximum(lips, near)
    ends[row[close]] = rim[vertex[close], 0]
    out = ends.reshape(-1, 2, 2)
    kept: Floats = out[(out[:, 0] != out[:, 1]).any(axis=1)]
    return kept
