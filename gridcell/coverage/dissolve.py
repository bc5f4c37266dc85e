"""Unions of polygons that share every vertex of their borders."""

import numpy as np
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries, simplest
from gridcell.coverage.faces import union_parts

Rows = NDArray[np.int64]


def dissolve(cells: Geometries, parent_of: Rows, count: int) -> Geometries:
    """Return the unions of cells of a coverage, every vertex of their outlines kept.

    Parameters
    ----------
    cells
        (n,) (Multi)Polygons or ``None``.
    parent_of
        (n,) number of the union.
    count
        Number of unions; one without cells is ``None``.
    """
    order = np.argsort(parent_of, kind="stable")
    order = order[~shapely.is_missing(cells[order])]
    parts, row = shapely.get_parts(cells[order], return_index=True)
    parent = parent_of[order][row]
    groups = np.full(count, None, dtype=object)
    if len(parts):
        shapely.multipolygons(parts, indices=parent, out=groups)
        some, size = np.unique(parent, return_counts=True)
        several = some[size > 1]
        groups[several] = union_parts(groups[several])
        groups[some] = shapely.orient_polygons(simplest(groups[some]))
    return groups
