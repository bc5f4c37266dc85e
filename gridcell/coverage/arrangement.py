"""The faces between borders: near vertices made one, everything noded, polygonized, told apart."""

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridcell.arrays import Geometries, run_starts
from gridcell.coverage.edges import border_edges
from gridcell.coverage.faces import inner_points, rounding_step

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def enclosed_shapes(polygons: Geometries, law: Floats, *, near: float) -> Geometries:
    """Return the faces between the borders of polygons and of lines that must not move.

    Vertices nearer than `near` to a vertex or an edge of another polygon become part of it; no
    other coordinate changes, and none of the law's.

    Parameters
    ----------
    polygons
        Valid (Multi)Polygons.
    law
        (m, 2, 2) segments that bound faces as well.
    near
        In units of the CRS.

    Returns
    -------
    (n,) Polygons without overlap; neighbours share every vertex.
    """
    segments, owners = boundary_segments(polygons)
    segments = np.concatenate([segments, law])
    owners = np.concatenate([owners, np.full(len(law), -1, dtype=np.int64)])
    lines = shapely.union_all(shapely.linestrings(matched(segments, owners, near)))
    return np.asarray(shapely.get_parts(shapely.polygonize(shapely.get_parts(lines))))


def shared_borders(shapes: Geometries, scale: tuple[float, float]) -> tuple[Ints, Ints, Floats]:
    """Return which faces share borders, and how long these are.

    Parameters
    ----------
    shapes
        Polygons without overlap, whose neighbours share every vertex.
    scale
        What a unit of x and of y is in the unit in which lengths are wanted.

    Returns
    -------
    The lower of two faces with a common border, or the only one; the other, -1 outside all faces;
    the length that they share. Each pair once, sorted by both.
    """
    edges = border_edges(shapes)
    ends = edges.ends(np.arange(len(edges.low)))
    run = (ends[:, 1] - ends[:, 0]) * scale
    length = np.hypot(run[:, 0], run[:, 1])
    starts = run_starts(edges.low * len(edges.xy) + edges.high)
    size = np.diff(np.append(starts, len(edges.low)))
    left = edges.owner[starts]
    right = np.where(size > 1, edges.owner[starts + size - 1], -1)
    order = np.lexsort((right, left))
    left, right, length = left[order], right[order], length[starts][order]
    first = run_starts(left * (len(shapes) + 1) + right + 1)
    total = np.add.reduceat(length, first) if len(first) else length
    return left[first], right[first], total


def boundary_segments(polygons: Geometries) -> tuple[Floats, Ints]:
    """Return the (n, 2, 2) segments of the boundaries and the polygon that each belongs to."""
    parts, part_owner = shapely.get_parts(polygons, return_index=True)
    rings, ring_part = shapely.get_rings(parts, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    same = ring[1:] == ring[:-1]
    segments = np.stack([xy[:-1][same], xy[1:][same]], axis=1)
    return segments, part_owner[ring_part][ring[:-1][same]].astype(np.int64)


def holders(shapes: Geometries, polygons: Geometries) -> tuple[Ints, Ints]:
    """Return each pair of a face and a polygon that holds it, sorted by both."""
    # GEOS prepares the geometry that asks, and polygons may have many vertices.
    row, face = shapely.STRtree(inner_points(shapes)).query(polygons, predicate="intersects")
    order = np.lexsort((row, face))
    return face[order].astype(np.int64), row[order].astype(np.int64)


def matched(segments: Floats, owners: Ints, near: float) -> Floats:
    """Return the segments with near vertices merged and near edges split, each once.

    Parameters
    ----------
    segments
        (n, 2, 2)
    owners
        (n,) polygon of each; -1 for those that must not move. What is near only to segments of the
        same polygon is its own detail, and stays.
    near
        In units of the CRS.
    """
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
    vertices = _onto(segments[owners < 0], vertices, low >= 0, near)
    merged = _merge(vertices, low, high, np.bincount(number), near)
    ends = merged[number].reshape(-1, 2)
    kept = ends[:, 0] != ends[:, 1]
    ends, owners = ends[kept], owners[kept]
    lines = np.asarray(shapely.linestrings(vertices[ends]), dtype=object)
    used = np.flatnonzero(np.bincount(ends.ravel(), minlength=len(vertices)))
    vertex, line = shapely.STRtree(lines).query(
        shapely.points(vertices[used]), predicate="dwithin", distance=near
    )
    vertex = used[vertex]
    own = (low[vertex] == owners[line]) & (high[vertex] == owners[line])
    real = (ends[line] != vertex[:, None]).all(axis=1) & ~own
    # Lines of the law are not bent: what lies beside them, at a sharp corner, is not on them.
    law = np.flatnonzero(real & (owners[line] < 0))
    beside = shapely.distance(shapely.points(vertices[vertex[law]]), lines[line[law]])
    real[law[beside > 2 * rounding_step(lines)]] = False
    pairs = _split(ends, vertices, vertex[real], line[real])
    pairs = np.sort(pairs, axis=1)
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    first = np.ones(len(pairs), dtype=bool)
    first[1:] = (np.diff(pairs, axis=0) != 0).any(axis=1)
    split: Floats = vertices[pairs[first & (pairs[:, 0] != pairs[:, 1])]]
    return split


def _onto(law: Floats, vertices: Floats, free: NDArray[np.bool_], near: float) -> Floats:
    """Return the vertices with free ones near a line of the law on that line."""
    if not len(law):
        return vertices
    lines = np.asarray(shapely.linestrings(law), dtype=object)
    rows = np.flatnonzero(free)
    points = np.asarray(shapely.points(vertices[rows]), dtype=object)
    point, line = shapely.STRtree(lines).query_nearest(points, max_distance=near, all_matches=False)
    along = shapely.line_locate_point(lines[line], points[point])
    out = vertices.copy()
    out[rows[point]] = shapely.get_coordinates(shapely.line_interpolate_point(lines[line], along))
    return out


def _merge(vertices: Floats, low: Ints, high: Ints, uses: Ints, near: float) -> Ints:
    """Return for each vertex the one of those near it that stays: the law's, else the most used."""
    points = np.asarray(shapely.points(vertices), dtype=object)
    one, two = shapely.STRtree(points).query(points, predicate="dwithin", distance=near)
    alone = (low[one] == high[one]) & (low[two] == high[two]) & (low[one] == low[two])
    close = (one < two) & ~alone
    count = len(vertices)
    if not close.any():
        return np.arange(count)
    graph = coo_array((np.ones(int(close.sum())), (one[close], two[close])), shape=(count, count))
    _, group = connected_components(graph, directed=False)
    order = np.lexsort((np.arange(count), -uses, low >= 0, group))
    chosen = order[run_starts(group[order])]
    out = chosen[group]
    law = low < 0
    out[law] = np.flatnonzero(law)
    return out


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
