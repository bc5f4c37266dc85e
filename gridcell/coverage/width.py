"""How wide a piece of land is: what tells a sliver between two borders from a real hole."""

from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries

THIN_M: Final = 20.0
"""A gap narrower than this and long for its width is a fault; others are holes."""
GAP_WIDTH_M: Final = 3.0
"""A gap narrower than this is a fault whatever its shape, and repair closes it: no land of its own
is as narrow, and borders that two hands drew rarely part by more."""
WIDTH_ERROR: Final = 0.005
"""Relative error of the widths that people are told."""
_LONG: Final = 10.0
"""Area over width squared from which a gap is long."""
_LARGE: Final = 64
"""Vertices from which a buffer costs more than the largest circle."""
_TRIANGLE: Final = 4
"""Vertices of a triangle, the first again at its end."""
_BROAD: Final = 0.05
"""Mean width over the largest that the area allows, from which a polygon is not thin."""


def width_of(shapes: Geometries, *, tolerance: float | None = None) -> NDArray[np.float64]:
    """Return the width of each polygon, in its own unit: the diameter of the largest circle in it.

    Parameters
    ----------
    shapes
        (Multi)Polygons.
    tolerance
        Relative error allowed. Without it bisection goes to one part in 65,000 of the largest
        width that the area allows.

    Notes
    -----
    The area of a polygon without holes is at most its perimeter times the radius of that circle.
    """
    area, length = shapely.area(shapes), shapely.length(shapes)
    high = 2.0 * np.sqrt(area / np.pi)
    if tolerance is None:
        return _bisected(shapes, np.zeros(len(shapes)), high, high * 2.0**-16, 0.0)
    least = 2.0 * area / np.maximum(length, np.finfo(float).tiny)
    parts, shape = shapely.get_parts(shapes, return_index=True)
    holes = np.bincount(shape, shapely.get_num_interior_rings(parts), minlength=len(shapes))
    # Buffers of large polygons are dear, circles in thin ones.
    large = (shapely.get_num_coordinates(shapes) > _LARGE) & (least > high * _BROAD)
    width = np.zeros(len(shapes))
    for row in np.flatnonzero(large):
        circle = shapely.maximum_inscribed_circle(shapes[row], tolerance=tolerance * least[row])
        width[row] = 2.0 * shapely.length(circle)
    rest = ~large
    # A convex polygon has at least half its perimeter times that radius, a triangle exactly.
    convex = (holes == 0) & (shapely.area(shapely.convex_hull(shapes)) <= area * (1 + 1e-12))
    triangle = convex & (shapely.get_num_coordinates(shapes) == _TRIANGLE)
    width[triangle] = 2.0 * least[triangle]
    rest &= ~triangle
    high = np.where(convex, np.minimum(high, 2 * least), high)
    low = np.where(holes > 0, 0.0, least)[rest]
    width[rest] = _bisected(shapes[rest], low, high[rest], high[rest] * 2.0**-30, tolerance)
    return width


def _bisected(
    shapes: Geometries,
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    finest: NDArray[np.float64],
    tolerance: float,
) -> NDArray[np.float64]:
    """Return the widths between bounds, to an absolute or a relative error, whichever is more."""
    while len(rows := np.flatnonzero(high - low > np.maximum(finest, low * tolerance))):
        middle = (low[rows] + high[rows]) / 2
        if tolerance:
            # Thin ones are far below the largest that their area allows.
            middle = np.where(low[rows] > 0, np.sqrt(low[rows] * high[rows]), middle)
        fits = ~shapely.is_empty(shapely.buffer(shapes[rows], -middle / 2, quad_segs=2))
        low[rows] = np.where(fits, middle, low[rows])
        high[rows] = np.where(fits, high[rows], middle)
    return np.asarray((low + high) / 2)


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


def width_above(width: float) -> str:
    """Return a width to close a gap with: what people were told, rounded up to three digits."""
    digit = 10.0 ** (np.floor(np.log10(width)) - 2)
    return f"{(np.ceil(width * (1 + WIDTH_ERROR) / digit) + 1) * digit:.4g}"
