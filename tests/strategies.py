"""Random coverages for property tests: partitions of a rectangle, exact by construction."""

from typing import Any

import numpy as np
import shapely
from hypothesis import strategies as st
from numpy.typing import NDArray
from shapely.geometry import box

Geometries = NDArray[Any]


def _points(seed: int, count: int, size: float, squeeze: float) -> NDArray[np.float64]:
    """Return points, some of them squeezed onto a line to make slivers."""
    rng = np.random.default_rng(seed)
    xy = rng.uniform(0, size, (count, 2))
    near = rng.random(count) < 0.4
    xy[near, 1] = size / 3 + (xy[near, 1] - size / 3) * squeeze
    return xy


def _triangles(xy: NDArray[np.float64], size: float) -> Geometries:
    corners = [[0, 0], [size, 0], [size, size], [0, size]]
    points = shapely.multipoints(np.vstack([xy, corners]))
    return shapely.get_parts(shapely.delaunay_triangles(points))


def _lines(xy: NDArray[np.float64], size: float) -> Geometries:
    """Return the faces between random lines across the square."""
    half = len(xy) // 2
    lines = shapely.linestrings(np.stack([xy[:half], xy[half : 2 * half]], axis=1))
    noded = shapely.union_all([*lines, box(0, 0, size, size).exterior], grid_size=size / 2**40)
    return shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))


def _merged(faces: Geometries, seed: int, groups: int) -> Geometries:
    """Return random unions of neighbouring faces, each in one piece."""
    order = np.random.default_rng(seed).permutation(len(faces))
    cells: list[Any] = []
    for rows in np.array_split(order, groups):
        if len(rows):
            cells.extend(shapely.get_parts(shapely.coverage_union_all(faces[np.sort(rows)])))
    return np.array(cells, dtype=object)


@st.composite
def coverages(draw: st.DrawFn, *, size: float = 100.0, most: int = 40) -> Geometries:
    """Return 2 or more polygons that tile a square of this size, some of them slivers.

    Delaunay triangles or the faces between lines, merged at random or not: with holes, enclaves
    and vertices at which many cells meet.
    """
    seed = draw(st.integers(0, 2**32 - 1))
    count = draw(st.integers(4, most))
    squeeze = draw(st.sampled_from([1.0, 0.1, 1e-3, 1e-6]))
    xy = _points(seed, count, size, squeeze)
    make = draw(st.sampled_from([_triangles, _lines]))
    cells = make(xy, size)
    if len(cells) > 3 and draw(st.booleans()):
        cells = _merged(cells, seed, draw(st.integers(2, max(2, len(cells) // 2))))
    return np.array(cells, dtype=object)
