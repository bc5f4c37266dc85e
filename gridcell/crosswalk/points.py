"""The piece of two divisions that each point lies in."""

import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries
from gridcell.coverage.overlay import Ints, Overlay
from gridcell.locator.index import CellIndex


def holding_point(
    xy: NDArray[np.float64],
    pieces: Overlay,
    shapes_a: Geometries,
    shapes_b: Geometries,
    work: pyproj.CRS,
) -> Ints:
    """Return the piece of each point: of its cell of A and its cell of B; or -1."""
    rows = [
        CellIndex(crs=work, shapes=shapes, fields=pd.DataFrame()).find(xy)[0]
        for shapes in (shapes_a, shapes_b)
    ]
    known = pd.MultiIndex.from_arrays([pieces.a, pieces.b])
    out = known.get_indexer(pd.MultiIndex.from_arrays(rows)).astype(np.int64)
    # Cells that meet in a point or line alone share no land: the nearest piece of A's cell has it.
    stray = np.flatnonzero((out < 0) & ((rows[0] >= 0) | (rows[1] >= 0)))
    for k in stray:
        side, row = (pieces.a, rows[0][k]) if rows[0][k] >= 0 else (pieces.b, rows[1][k])
        near = np.flatnonzero(side == row)
        out[k] = near[np.argmin(shapely.distance(pieces.shapes[near], shapely.Point(xy[k])))]
    return out
