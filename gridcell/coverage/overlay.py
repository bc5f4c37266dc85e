"""Which cells of two divisions meet, and the land they share."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries, rows_of, run_starts

Ints = NDArray[np.int64]

NOISE_M2: Final = 1e-4
"""Less land in common comes from rounding alone."""
_MOST: Final = 0.5


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Overlay:
    """The pieces into which two divisions cut the land, by cell of A, then of B."""

    a: Ints
    """(n,) row of A, -1 for land of B alone."""
    b: Ints
    """(n,) row of B, -1 for land of A alone."""
    shapes: Geometries
    """(n,) (Multi)Polygons."""
    area: NDArray[np.float64]
    is_sliver: NDArray[np.bool_]
    """(n,) narrower than the width given, and less than half of either cell."""


def overlay(a: Geometries, b: Geometries, sliver_m: float) -> Overlay:
    """Return the land shared by each pair of cells, and what belongs to one division only.

    Parameters
    ----------
    a, b
        Valid (Multi)Polygons in one metric CRS.
    sliver_m
        Pieces narrower than this come from digitizing, metres.
    """
    i, j = shapely.STRtree(b).query(a, predicate="intersects")
    order = np.lexsort((j, i))
    i, j = i[order], j[order]
    shared = _polygonal(shapely.intersection(a[i], b[j]))
    keep = shapely.area(shared) > NOISE_M2
    i, j, shared = i[keep], j[keep], shared[keep]
    rest_a, rest_b = _rest(a, b, i, j), _rest(b, a, j, i)
    only_a = np.flatnonzero(shapely.area(rest_a) > NOISE_M2)
    only_b = np.flatnonzero(shapely.area(rest_b) > NOISE_M2)
    rows = np.concatenate([i, only_a, np.full(len(only_b), -1)]).astype(np.int64)
    columns = np.concatenate([j, np.full(len(only_a), -1), only_b]).astype(np.int64)
    shapes = np.concatenate([shared, rest_a[only_a], rest_b[only_b]])
    # Land of one division alone stands after its pairs.
    order = np.lexsort((_last(columns), _last(rows)))
    rows, columns, shapes = rows[order], columns[order], shapes[order]
    area = shapely.area(shapes)
    share = np.maximum(_share(area, rows, shapely.area(a)), _share(area, columns, shapely.area(b)))
    thin = _is_thin(shapes, area, sliver_m) & (share < _MOST)
    return Overlay(a=rows, b=columns, shapes=shapes, area=area, is_sliver=thin)


def _last(number: Ints) -> Ints:
    return np.where(number < 0, np.iinfo(np.int64).max, number)


def _share(area: NDArray[np.float64], row: Ints, whole: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(row < 0, 0.0, area / whole[np.maximum(row, 0)])


def _polygonal(shapes: Geometries) -> Geometries:
    """Return the parts that have an area, as one (Multi)Polygon each."""
    mixed = np.flatnonzero(shapely.get_type_id(shapes) == shapely.GeometryType.GEOMETRYCOLLECTION)
    if len(mixed):
        shapes = shapes.copy()
        parts, owner = shapely.get_parts(shapes[mixed], return_index=True)
        flat = shapely.get_dimensions(parts) == 2
        shapes[mixed] = shapely.multipolygons(np.empty(0, dtype=object))
        owner, parts = owner[flat], parts[flat]
        bounds = np.append(run_starts(owner), len(owner))
        for start, end in pairwise(bounds.tolist()):
            shapes[mixed[owner[start]]] = shapely.multipolygons(parts[start:end])
    return shapes


def _rest(own: Geometries, other: Geometries, i: Ints, j: Ints) -> Geometries:
    """Return what of each cell no cell of the other division covers."""
    rest = own.copy()
    if not len(i):
        return rest
    met, owner = np.unique(i, return_inverse=True)
    around = shapely.union_all(rows_of(other[j], owner), axis=1)
    rest[met] = _polygonal(shapely.difference(own[met], around))
    return rest


def _is_thin(shapes: Geometries, area: NDArray[np.float64], width: float) -> NDArray[np.bool_]:
    """Tell which polygons hold no circle of that diameter."""
    thin = np.zeros(len(shapes), dtype=bool)
    if width <= 0:
        return thin
    # A polygon without holes holds a circle of radius area / perimeter at least.
    doubtful = np.flatnonzero(2 * area < width * shapely.length(shapes))
    eroded = shapely.buffer(shapes[doubtful], -width / 2, quad_segs=2)
    thin[doubtful] = shapely.is_empty(eroded)
    return thin
