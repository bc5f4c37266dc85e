"""Coordinates that are numbers of some CRS: others are damage, and overflow where they are used."""

from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries

FARTHEST: Final = 1e12
"""Coordinates beyond are damage: no unit of a CRS is so small, and sums of squares overflow."""


def within_reach(shapes: Geometries) -> NDArray[np.bool_]:
    """Tell which geometries have no coordinate that is NaN, infinite or beyond `FARTHEST`.

    Missing and empty ones have none.
    """
    xy, row = shapely.get_coordinates(shapes, return_index=True)
    near = np.ones(len(shapes), dtype=bool)
    near[row[~(np.abs(xy) < FARTHEST).all(axis=1)]] = False
    return near
