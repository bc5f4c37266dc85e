"""Coordinates as they come, and the reason why one is no place."""

from typing import Any, Final

import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from gridcell.crs import crs_name
from gridcell.errors import AssignmentError
from gridcell.read.crs import move_points
from gridcell.words.messages import Message

DEGREES: Final = {"lon": 180.0, "lat": 90.0}
"""Largest longitude and latitude."""

NO_COORDINATES: Final = Message("located.no_coordinates")
_NO_GEOMETRY: Final = Message("located.no_geometry")


def settle_places(
    xy: NDArray[np.float64],
    source: pyproj.CRS,
    target: pyproj.CRS,
    fault: NDArray[np.object_] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.object_]]:
    """Return the coordinates in the target CRS, NaN where there is no place, and why.

    Parameters
    ----------
    xy
        (n, 2), x (or longitude) before y; NaN where there is none.
    source, target
        CRS of the points and of the plan.
    fault
        (n,) messages that are known already; ``None`` elsewhere.
    """
    reason = np.full(len(xy), None, dtype=object) if fault is None else fault.copy()
    out = np.asarray(xy, dtype=np.float64).copy()
    good = _finite(out)
    if fault is not None:
        good &= pd.isna(fault)
        reason[~good & pd.isna(fault)] = NO_COORDINATES
    else:
        reason[~good] = NO_COORDINATES
    if in_degrees(source):
        for axis, (name, limit) in enumerate(DEGREES.items()):
            for row in np.flatnonzero(good & (np.abs(out[:, axis]) > limit)):
                reason[row] = beyond(name, float(out[row, axis]), limit)
                good[row] = False
    out[~good] = np.nan
    out = move_points(out, source, target)
    lost = good & ~_finite(out)
    reason[lost] = no_place(target)
    out[lost] = np.nan
    return out, reason


def as_pairs(x: Any, y: Any) -> NDArray[np.float64]:
    """Return (n, 2) coordinates; what is no number is NaN.

    Raises
    ------
    AssignmentError
        Two lengths.
    """
    columns = [np.atleast_1d(_numbers(values)) for values in (x, y)]
    if columns[0].shape != columns[1].shape or columns[0].ndim != 1:
        raise AssignmentError(
            Message("error.points_two_arrays", a=str(columns[0].shape), b=str(columns[1].shape))
        )
    return np.column_stack(columns)


def _numbers(values: Any) -> NDArray[np.float64]:
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise AssignmentError(Message("error.points_no_numbers")) from None


def in_degrees(crs: pyproj.CRS) -> bool:
    """Tell whether coordinates in the CRS are longitudes and latitudes in degrees."""
    unit = crs.axis_info[0].unit_conversion_factor if crs.axis_info else 0.0
    return bool(crs.is_geographic and abs(unit - np.pi / 180) < 1e-9)


def beyond(name: str, value: float, limit: float) -> Message:
    """Return why a longitude or latitude is none."""
    return Message("located.beyond", name=name, value=value, limit=limit)


def no_place(crs: pyproj.CRS) -> Message:
    """Return why a point that the plan's CRS cannot hold has no cell."""
    return Message("located.no_place", crs=crs_name(crs))


def _finite(xy: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.isfinite(xy[:, 0]) & np.isfinite(xy[:, 1])


def point_coordinates(
    geometries: NDArray[np.object_],
) -> tuple[NDArray[np.float64], NDArray[np.object_]]:
    """Return x and y of each point, NaN where there is none, and the message why."""
    fault = np.full(len(geometries), None, dtype=object)
    kind = shapely.get_type_id(geometries)
    points = geometries
    odd = np.flatnonzero((kind != shapely.GeometryType.POINT) | shapely.is_empty(geometries))
    if len(odd):
        points = geometries.copy()
        for row in odd:
            points[row], fault[row] = _as_point(geometries[row])
    xy = np.column_stack([shapely.get_x(points), shapely.get_y(points)])
    empty = np.isnan(xy).any(axis=1) & pd.isna(fault)
    fault[empty] = _NO_GEOMETRY
    return xy, fault


def _as_point(geometry: BaseGeometry | None) -> tuple[BaseGeometry | None, Message | None]:
    """Return the one point that a geometry is, or why it is none."""
    parts = shapely.get_parts(geometry) if isinstance(geometry, shapely.MultiPoint) else [geometry]
    if geometry is None or geometry.is_empty:
        return None, _NO_GEOMETRY
    if len(parts) == 1 and isinstance(parts[0], shapely.Point):
        return parts[0], None
    return None, Message("located.other_geometry", kind=geometry.geom_type)
