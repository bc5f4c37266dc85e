"""Which polygon of some land holds most of a shape."""

import numpy as np
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries, run_starts

Rows = NDArray[np.int64]


def find_holders(shapes: Geometries, land: Geometries) -> Rows:
    """Return for each shape the row of the polygon that holds most of it, -1 where none does.

    Of polygons with equal shares, to one part in a billion, the first. What only touches a polygon
    is not held by it. Intersections are computed only where a shape lies in no polygon as a whole.

    Parameters
    ----------
    shapes
        (n,) polygons, or points; ``None`` is held by nobody.
    land
        (m,) valid polygons, which may overlap; ``None`` holds nothing.

    Examples
    --------
    >>> import numpy as np, shapely
    >>> land = np.array([shapely.box(0, 0, 5, 5), shapely.box(5, 0, 9, 5)])
    >>> find_holders(np.array([shapely.box(4, 1, 7, 2), shapely.Point(20, 20)]), land).tolist()
    [1, -1]
    """
    holder = np.full(len(shapes), -1, dtype=np.int64)
    sound = np.flatnonzero(~shapely.is_missing(shapes))
    usable = np.flatnonzero(~shapely.is_missing(land))
    # GEOS prepares the geometry that asks, and land may have many vertices.
    row, shape = shapely.STRtree(shapes[sound]).query(land[usable], predicate="contains")
    first = np.lexsort((row, shape))[::-1]
    holder[sound[shape[first]]] = usable[row[first]]
    rest = sound[holder[sound] < 0]
    row, shape = shapely.STRtree(shapes[rest]).query(land[usable], predicate="intersects")
    row, shape = usable[row], rest[shape]
    area = shapely.area(shapely.intersection(shapes[shape], land[row]))
    row, shape, area = row[area > 0], shape[area > 0], area[area > 0]
    share = np.round(area / shapely.area(shapes[shape]), 9)
    order = np.lexsort((row, -share, shape))
    best = order[run_starts(shape[order])]
    holder[shape[best]] = row[best]
    return holder
