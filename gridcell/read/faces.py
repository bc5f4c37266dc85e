"""Land faces between borders: near vertices made one, everything noded, polygonized, told apart."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridcell.read.geometry import Geometries

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
    segments = _match(segments, owners)
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


def boundary_segments(polygons: Geometries) -> tuple[Floats, Ints]:
    """Return the (n, 2, 2) segments of the boundaries and the polygon that each belongs to."""
    parts, part_owner = shapely.get_parts(polygons, return_index=True)
    rings, ring_part = shapely.get_rings(parts, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    same = ring[1:] == ring[:-1]
    segments = np.stack([xy[:-1][same], xy[1:][same]], axis=1)
    return segments, part_owner[ring_part][ring[:-1][same]].astype(np.int64)


def _match(segments: Floats, owners: Ints) -> Floats:
    """Return the segments with near vertices merged and near edges split, each once."""
    xy = segments.reshape(-1, 2)
    order = np.lexsort((xy[:, 1], xy[:, 0]))
    fresh = np.ones(len(xy), dtype=bool)
    fresh[1:] = (np.diff(xy[order], axis=0) != 0).any(axis=1)
    number = np.empty(len(xy), dtype=np.int64)
    number[order] = np.cumsum(fresh) - 1
    vertices = xy[order][fresh]
    twice = np.repeat(owners, 2)
    low = np.full(len(vertices), np.iinfo(np.int64).max)
    high = np.full(len(vertices), -2, dtype=np.int64)
    np.minimum.at(low, number, twice)
    np.maximum.at(high, number, twice)
    merged = _merge(vertices, low, high)
    ends = merged[number].reshape(-1, 2)
    kept = ends[:, 0] != ends[:, 1]
    ends, owners = ends[kept], owners[kept]
    lines = np.asarray(shapely.linestrings(vertices[ends]), dtype=object)
    used = np.flatnonzero(np.bincount(ends.ravel(), minlength=len(vertices)))
    vertex, line = shapely.STRtree(lines).query(
        shapely.points(vertices[used]), predicate="dwithin", distance=SNAP_M
    )
    vertex = used[vertex]
    own = (low[vertex] == owners[line]) & (high[vertex] == owners[line])
    real = (ends[line] != vertex[:, None]).all(axis=1) & ~own
    pairs = _split(ends, vertices, vertex[real], line[real])
    pairs = np.sort(pairs, axis=1)
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    first = np.ones(len(pairs), dtype=bool)
    first[1:] = (np.diff(pairs, axis=0) != 0).any(axis=1)
    split: Floats = vertices[pairs[first & (pairs[:, 0] != pairs[:, 1])]]
    return split


def _merge(vertices: Floats, low: Ints, high: Ints) -> Ints:
    """Return for each vertex the first of those near it that belong to other polygons."""
    points = np.asarray(shapely.points(vertices), dtype=object)
    one, two = shapely.STRtree(points).query(points, predicate="dwithin", distance=SNAP_M)
    alone = (low[one] == high[one]) & (low[two] == high[two]) & (low[one] == low[two])
    near = (one < two) & ~alone
    if not near.any():
        return np.arange(len(vertices))
    count = len(vertices)
    graph = coo_array((np.ones(int(near.sum())), (one[near], two[near])), shape=(count, count))
    _, group = connected_components(graph, directed=False)
    first = np.full(group.max() + 1, count, dtype=np.int64)
    np.minimum.at(first, group, np.arange(count))
    return first[group]


def _split(ends: Ints, vertices: Floats, vertex: Ints, line: Ints) -> Ints:
    """Return the pairs of vertices that are left when vertices are put into lines, in order."""
    start, end = vertices[ends[:, 0]], vertices[ends[:, 1]]
    along = ((vertices[vertex] - start[line]) * (end[line] - start[line])).sum(axis=1)
    along /= ((end[line] - start[line]) ** 2).sum(axis=1)
    inner = (along > 0) & (along < 1)
    vertex, line, along = vertex[inner], line[inner], along[inner]
    rows = np.concatenate([np.arange(len(ends)), line, np.arange(len(ends))])
    where = np.concatenate([np.full(len(ends), -1.0), along, np.full(len(ends), 2.0)])
    chain = np.concatenate([ends[:, 0], vertex, ends[:, 1]])
    order = np.lexsort((where, rows))
    rows, chain = rows[order], chain[order]
    same = rows[1:] == rows[:-1]
    return np.column_stack([chain[:-1][same], chain[1:][same]])


def neighbours(shapes: Geometries) -> tuple[Ints, Ints, Floats]:
    """Return pairs of polygons that share segments, each pair twice, and the lengths shared."""
    segments, face = boundary_segments(shapes)
    swap = (segments[:, 0, 0] > segments[:, 1, 0]) | (
        (segments[:, 0, 0] == segments[:, 1, 0]) & (segments[:, 0, 1] > segments[:, 1, 1])
    )
    segments[swap] = segments[swap][:, ::-1]
    flat = segments.reshape(-1, 4)
    order = np.lexsort(flat.T[::-1])
    flat, face = flat[order], face[order]
    same = np.flatnonzero((flat[1:] == flat[:-1]).all(axis=1))
    one, two = face[same], face[same + 1]
    length = np.hypot(flat[same, 2] - flat[same, 0], flat[same, 3] - flat[same, 1])
    left, right = np.concatenate([one, two]), np.concatenate([two, one])
    rank = np.lexsort((right, left))
    return left[rank], right[rank], np.concatenate([length, length])[rank]
