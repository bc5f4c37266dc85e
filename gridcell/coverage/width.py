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
NEAR_M: Final = 0.001
"""Vertices and edges of two polygons nearer than this are meant to be the same."""
WIDTH_ERROR: Final = 0.005
"""Relative error of the widths that people are told."""
_LONG: Final = 10.0
"""Area over width squared from which a gap is long."""
_LARGE: Final = 64
"""Vertices from which a buffer costs more than the largest circle."""
_DEAR: Final = 256
"""Vertices from which many buffers take seconds: offsets of short edges cross each other."""
_THIN_DEAR: Final = 1000
"""The same for thin polygons, whose offsets go less far."""
_DENSE: Final = 10
"""Points of a border within the radius of the largest circle, that circles are drawn through."""
_ADDED: Final = 40
"""More points for a vertex than this mean long edges for the width, whose offsets rarely cross."""
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
        width that the area allows. Thin ones of more than 1,000 vertices are
        told to one part in 800.

    Notes
    -----
    The area of a polygon without holes is at most its perimeter times the radius of that circle.
    """
    area, length = shapely.area(shapes), shapely.length(shapes)
    count = shapely.get_num_coordinates(shapes)
    high = 2.0 * np.sqrt(area / np.pi)
    least = 2.0 * area / np.maximum(length, np.finfo(float).tiny)
    # Buffers of large polygons are dear, circles in thin ones.
    large = (count > (_DEAR if tolerance is None else _LARGE)) & (least > high * _BROAD)
    width = np.zeros(len(shapes))
    error = high * 2.0**-17 if tolerance is None else tolerance * least
    for row in np.flatnonzero(large):
        width[row] = _circle(shapes[row], error[row])
    rest = ~large
    for row in np.flatnonzero(rest & (count > _THIN_DEAR)):
        width[row] = _through_points(shapes[row])
        rest[row] = width[row] == 0
    if tolerance is None:
        width[rest] = _bisected(
            shapes[rest], np.zeros(int(rest.sum())), high[rest], high[rest] * 2.0**-16, 0.0
        )
        return width
    parts, shape = shapely.get_parts(shapes, return_index=True)
    holes = np.bincount(shape, shapely.get_num_interior_rings(parts), minlength=len(shapes))
    # A convex polygon has at least half its perimeter times that radius, a triangle exactly.
    convex = (holes == 0) & (shapely.area(shapely.convex_hull(shapes)) <= area * (1 + 1e-12))
    triangle = convex & (count == _TRIANGLE)
    width[triangle] = 2.0 * least[triangle]
    rest &= ~triangle
    high = np.where(convex, np.minimum(high, 2 * least), high)
    low = np.where(holes > 0, 0.0, least)[rest]
    width[rest] = _bisected(shapes[rest], low, high[rest], high[rest] * 2.0**-30, tolerance)
    return width


def is_narrower(shapes: Geometries, width: float) -> NDArray[np.bool_]:
    """Tell in which polygons no circle of this diameter finds room, a buffer's error aside.

    Parameters
    ----------
    shapes
        (Multi)Polygons.
    width
        In their unit.
    """
    narrow = np.zeros(len(shapes), dtype=bool)
    dear = shapely.get_num_coordinates(shapes) > _DEAR
    narrow[~dear] = shapely.is_empty(shapely.buffer(shapes[~dear], -width / 2, quad_segs=2))
    # A circle that GEOS finds is there, although a larger one may be.
    for row in np.flatnonzero(dear):
        dear[row] = _circle(shapes[row], width / _DENSE) < width
    narrow[dear] = width_of(shapes[dear], tolerance=WIDTH_ERROR) < width
    return narrow


def _circle(shape: shapely.Geometry, error: float) -> float:
    """Return the diameter of a circle in a polygon: of the largest unless the polygon is thin."""
    circle = shapely.maximum_inscribed_circle(np.array([shape], dtype=object), tolerance=error)
    return 2.0 * float(shapely.length(circle)[0])


def _through_points(shape: shapely.Geometry) -> float:
    """Return the diameter of the largest circle, to one part in 800; 0 where a buffer is better.

    Circles through three points of the border without another one in them are those of a Delaunay
    triangulation: where points are dense, the largest in the polygon is all but one of these.
    """
    border, length = shapely.boundary(shape), shapely.length(shape)
    found = _circle(shape, float(shapely.area(shape) / length)) / 2
    if not found * shapely.get_num_coordinates(shape) * _ADDED > length * _DENSE:
        return 0.0
    dense = shapely.segmentize(border, found / _DENSE)
    xy = np.unique(shapely.get_coordinates(dense), axis=0)
    try:
        triangles = shapely.get_parts(shapely.delaunay_triangles(shapely.multipoints(xy)))
    except shapely.errors.GEOSException:
        return 0.0
    corner = shapely.get_coordinates(triangles).reshape(-1, 4, 2)
    origin = corner[:, 0]
    (bx, by), (cx, cy) = (corner[:, 1] - origin).T, (corner[:, 2] - origin).T
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        twice = 2.0 * (bx * cy - by * cx)
        b, c = bx**2 + by**2, cx**2 + cy**2
        middle = np.stack([cy * b - by * c, bx * c - cx * b], axis=1) / twice[:, np.newaxis]
        radius = np.hypot(middle[:, 0], middle[:, 1])
    # None holds a point of the border, so none larger than the polygon lies in it.
    wide = (radius > found) & (radius**2 * np.pi < shapely.area(shape))
    centre = shapely.points(origin[wide] + middle[wide])
    shapely.prepare(shape)
    centre = centre[shapely.covers(shape, centre)]
    room = shapely.distance(border, centre)
    return 2.0 * float(np.max(room, initial=found))


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
