"""All lines noded once, and the faces between them."""

import numpy as np
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries, rows_of

Ints = NDArray[np.int64]

GRID_M = 1e-5
"""Metres: the precision to which lines are noded. Far below any survey, so that a straight boundary
of a kilometre moves by less than 0.01 m2, and far above what a double resolves at national
eastings (1e-8 m)."""

SMOOTH_M = 0.25
"""Metres: streets and rivers lose the vertices that bend them by less, between one junction and the
next. A border still runs on them (`gridcell.fabric.barriers.ON_BARRIER_M`)."""

_CROWD = 60
"""A face with more footprints is split: triangulation grows faster than linearly."""

_WALL_M = 0.5
"""Shorter straight pieces get no vertex in the middle."""

_PASSES = 12


def node(lines: Geometries, relief: Geometries | None = None) -> Geometries:
    """Return the pieces of all lines, meeting only at their ends, nodes to that precision.

    A straight piece has a vertex in its middle: of a wall between two neighbours, whose corners may
    be theirs, at least that is its own.

    Parameters
    ----------
    lines
        All lines.
    relief
        Those of them that need no such vertex.
    """
    pieces = shapely.get_parts(shapely.union_all(lines, grid_size=GRID_M))
    straight = (shapely.get_num_coordinates(pieces) == 2) & (shapely.length(pieces) > _WALL_M)
    if relief is not None and len(relief):
        middle = shapely.line_interpolate_point(pieces, 0.5, normalized=True)
        tree = shapely.STRtree(relief)
        straight[tree.query(middle, predicate="dwithin", distance=10 * GRID_M)[0]] = False
    half = shapely.length(pieces[straight]) * 0.500001
    pieces[straight] = shapely.segmentize(pieces[straight], half)
    return pieces


def faces_of(noded: Geometries) -> Geometries:
    """Return the faces that noded lines enclose, shells counter-clockwise."""
    return shapely.orient_polygons(shapely.get_parts(shapely.polygonize(noded)))


def street_lines(
    land: Geometries,
    outlines: Geometries,
    barriers: Geometries,
    footprints: Geometries,
    frontage: float,
) -> Geometries:
    """Return boundaries, site outlines and barriers as noded lines with a vertex every few metres.

    The vertices are where land of two owners may meet along the line.

    Parameters
    ----------
    land
        Communities.
    outlines
        Lines around sites. They and the barriers are left out where they run inside a footprint, so
        that nothing is cut.
    barriers
        Lines.
    footprints
        Polygons that stay whole.
    frontage
        Longest stretch without a vertex, metres.
    """
    law = np.concatenate([shapely.boundary(land), outside(outlines, footprints)])
    pieces = node(np.concatenate([law, outside(barriers, footprints)]))
    middle = shapely.line_interpolate_point(pieces, 0.5, normalized=True)
    free = np.ones(len(pieces), dtype=bool)
    # What is asked of a tree is indexed by its segments, what is in it is not.
    free[shapely.STRtree(middle).query(law, predicate="dwithin", distance=10 * GRID_M)[1]] = False
    pieces[free] = shapely.simplify(pieces[free], SMOOTH_M)
    return shapely.segmentize(pieces, frontage)


def outside(lines: Geometries, footprints: Geometries) -> Geometries:
    """Return the lines without what runs through the interior of a footprint."""
    line, hit = shapely.STRtree(footprints).query(lines, predicate="intersects")
    touched, group = np.unique(line, return_inverse=True)
    out = lines.copy()
    if len(touched):
        covers = shapely.union_all(rows_of(footprints[hit], group), axis=1)
        out[touched] = shapely.difference(lines[touched], covers)
    return out[~shapely.is_empty(out)]


def relief_lines(blocks: Geometries, footprints: Geometries) -> tuple[Geometries, Ints]:
    """Return artificial lines that split crowded blocks, for the triangulation's sake alone.

    They pass between footprints, and borders cross them as if they were not there.

    Parameters
    ----------
    blocks
        (n,) faces between streets.
    footprints
        Polygons that stay whole.

    Returns
    -------
    lines, crowded
        The lines, and which blocks they split.
    """
    faces = blocks
    point = shapely.point_on_surface(footprints)
    cuts: list[Geometries] = []
    split = np.empty(0, dtype=np.int64)
    for _ in range(_PASSES):
        inside, face = shapely.STRtree(faces).query(point, predicate="within")
        crowd = np.bincount(face, minlength=len(faces))
        crowded = np.flatnonzero(crowd > _CROWD)
        if not len(crowded):
            break
        if not cuts:
            split = crowded
        halves, lines = _halve(faces, crowded, shapely.get_coordinates(point[inside]), face)
        cuts.append(lines)
        faces = halves
    if not cuts:
        return np.empty(0, dtype=object), split
    return outside(np.concatenate(cuts), footprints), split


def _halve(
    faces: Geometries, crowded: NDArray[np.int64], xy: NDArray[np.float64], face: NDArray[np.int64]
) -> tuple[Geometries, Geometries]:
    """Return the crowded faces halved across their longer extent, and the cutting lines."""
    order = np.argsort(face, kind="stable")
    face, xy = face[order], xy[order]
    in_crowd = np.isin(face, crowded)
    face, xy = face[in_crowd], xy[in_crowd]
    start = np.searchsorted(face, crowded)
    stop = np.searchsorted(face, crowded, side="right")
    low = np.minimum.reduceat(xy, start, axis=0)
    high = np.maximum.reduceat(xy, start, axis=0)
    axis = (high - low).argmax(axis=1)
    along = np.where(axis[np.searchsorted(crowded, face)] == 0, xy[:, 0], xy[:, 1])
    ranked = along[np.lexsort((along, face))]
    middle = (start + stop) // 2
    at = (ranked[middle - 1] + ranked[middle]) / 2
    x0, y0, x1, y1 = shapely.bounds(faces[crowded]).T
    upright = axis == 0
    ends = np.stack(
        [np.where(upright, at, x0 - 1), np.where(upright, y0 - 1, at),
         np.where(upright, at, x1 + 1), np.where(upright, y1 + 1, at)], axis=1,
    )  # fmt: skip
    line = shapely.linestrings(ends.reshape(-1, 2, 2))
    boxes = shapely.box(
        x0 - 1, y0 - 1, np.where(upright, at, x1 + 1), np.where(upright, y1 + 1, at)
    )
    cut = shapely.intersection(line, faces[crowded])
    first = shapely.intersection(faces[crowded], boxes)
    second = shapely.difference(faces[crowded], boxes)
    rest = np.delete(faces, crowded)
    parts = shapely.get_parts(np.concatenate([first, second]))
    return np.concatenate([rest, parts[shapely.area(parts) > 0]]), cut
