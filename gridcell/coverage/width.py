"""How wide a piece of land is: what tells a sliver between two borders from a real hole."""

from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries

THIN_M: Final = 20.0
"""A gap narrower than this and long for its width is a fault; others are holes."""
_LONG: Final = 10.0
"""Area over width squared from which a gap is long."""


def width_of(shapes: Geometries) -> NDArray[np.float64]:
    """Return the width of each polygon, in its own unit: the diameter of the largest circle in it.

    Found by bisection to one part in 65,000 of the largest it can be.
    """
    low = np.zeros(len(shapes))
    high = 2.0 * np.sqrt(shapely.area(shapes) / np.pi)
    for _ in range(16):
        middle = (low + high) / 2
        fits = ~shapely.is_empty(shapely.buffer(shapes, -middle / 2, quad_segs=2))
        low, high = np.where(fits, middle, low), np.where(fits, high, middle)
    return (low + high) / 2


def is_sliver(
    area: NDArray[np.float64], width: NDArray[np.float64], thin: float = THIN_M
) -> NDArray[np.bool_]:
    """Tell which gaps are narrow and long: a border drawn twice, rather than land of nobody.

    Parameters
    ----------
    area, width
        Of each gap, in units of the CRS.
    thin
        Width above which no gap is a sliver, in the same unit.
    """
    return (width < thin) & (area > _LONG * width**2)
