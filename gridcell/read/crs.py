"""One metric CRS for all layers: chosen, applied, and doubted where layers do not meet."""

from typing import Final

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from gridcell.coverage.reach import FARTHEST
from gridcell.crs import (
    NAME_IT,
    WGS84,
    choose_crs,
    crs_name,
    doubt_place,
    horizontal,
    is_on_earth,
    is_same_crs,
    move_coordinates,
    overruled,
    require_units,
    unusable,
)  # fmt: skip
from gridcell.errors import Hint, InputError
from gridcell.read.files import Source
from gridcell.words.messages import Message

_CHINA: Final = shapely.Polygon([
    (73.5, 39.5), (80.2, 42.0), (80.3, 45.0), (82.5, 45.5), (83.0, 47.2), (85.5, 47.1),
    (87.8, 49.2), (91.0, 46.6), (91.0, 45.2), (95.4, 44.3), (96.4, 42.7), (101.8, 42.5),
    (105.0, 41.6), (110.4, 42.7), (112.0, 43.7), (111.9, 45.0), (115.7, 45.6), (119.7, 46.7),
    (115.6, 47.9), (119.8, 52.8), (123.6, 53.6), (126.0, 52.8), (127.5, 49.8), (130.7, 48.9),
    (135.1, 48.4), (133.1, 45.1), (131.0, 44.9), (130.6, 42.4), (128.0, 42.0), (124.4, 40.1),
    (123.5, 37.5), (122.9, 30.0), (122.2, 24.5), (118.5, 18.0), (109.5, 16.0), (107.5, 21.5),
    (105.0, 23.0), (102.0, 22.3), (99.0, 22.0), (97.5, 24.0), (98.6, 27.5), (94.0, 29.2),
    (91.6, 27.8), (88.8, 27.6), (86.0, 28.0), (81.2, 30.2), (78.8, 31.5), (78.9, 34.2),
    (74.8, 37.2),
])  # fmt: skip
"""The mainland and Hainan, roughly: only chooses between two CRSs that both serve."""

_SCALE_TOLERANCE: Final = 0.03
"""By how much a metre of the CRS may differ from a metre on the ground (areas, so squared)."""


def settle_crs(source: Source, fallback: pyproj.CRS | None) -> pyproj.CRS:
    """Return the CRS of an input: its own if it can be used, else the one named by the user.

    Of a CRS with heights it is the horizontal part.

    Raises
    ------
    InputError
        Neither is there, or coordinates that cannot be in that CRS.
    """
    geometries = source.geometries
    bounds = np.full(4, np.nan) if geometries is None else geometries.total_bounds
    crs = choose_crs(source.crs, fallback, bounds)
    if crs is None:
        fault = source.crs_fault or Message("fault.crs_missing")
        raise InputError(Message("error.name_crs", label=source.label, fault=fault), NAME_IT)
    if not is_on_earth(crs):
        raise unusable(source.label, crs)
    crs = horizontal(crs)
    require_units(source.label, crs, bounds)
    if doubt := doubt_place(crs, bounds):
        raise InputError(Message("error.in_layer", label=source.label, doubt=doubt))
    return crs


def crs_doubts(source: Source, crs: pyproj.CRS | None) -> tuple[Message, ...]:
    """Return what to say where an input is taken in another CRS than it names."""
    # Heights that are left out are no doubt.
    own = None if source.crs is None else horizontal(source.crs)
    said = overruled(own, crs)
    if said is None:
        return ()
    return (Message("finding.crs_overruled", label=source.label, fault=said),)


def is_metric(crs: pyproj.CRS, lon: float, lat: float) -> bool:
    """Return whether a unit of the projected CRS is a metre on the ground at that place."""
    if not crs.is_projected or any(a.unit_conversion_factor != 1.0 for a in crs.axis_info[:2]):
        return False
    factors = pyproj.Proj(crs).get_factors(lon, lat, radians=False)
    return bool(abs(factors.areal_scale - 1.0) <= _SCALE_TOLERANCE)


def choose_work_crs(crs: pyproj.CRS, geometries: gpd.GeoSeries) -> pyproj.CRS:
    """Return the metric CRS in which everything is done.

    The communities' own if it is projected, in metres and true to scale there (Web Mercator is
    not); else, in China, the CGCS2000 three-degree zone without zone prefix (EPSG:4534 to 4554);
    else the UTM zone.

    Parameters
    ----------
    crs
        CRS of the communities.
    geometries
        The communities.

    Raises
    ------
    InputError
        A place without UTM zone, such as a pole.
    """
    west, south, east, north = geometries.total_bounds
    centre = np.array([[(west + east) / 2, (south + north) / 2]])
    lon, lat = move_coordinates(centre, crs, WGS84)[0]
    if is_metric(crs, float(lon), float(lat)):
        return crs
    if _CHINA.contains(shapely.Point(lon, lat)):
        meridian = min(max(3 * round(float(lon) / 3), 75), 135)
        return pyproj.CRS.from_epsg(4534 + (meridian - 75) // 3)
    try:
        utm: pyproj.CRS = gpd.GeoSeries([shapely.Point(lon, lat)], crs=WGS84).estimate_utm_crs()
    except (RuntimeError, ValueError):
        raise InputError(Message("error.no_metric_crs", lon=lon, lat=lat)) from None
    return utm


def move(
    geometries: NDArray[np.object_], source: pyproj.CRS, target: pyproj.CRS
) -> NDArray[np.object_]:
    """Return the geometries in the target CRS, x before y; in two dimensions."""
    flat = shapely.force_2d(geometries)
    if is_same_crs(source, target):
        return flat
    return shapely.transform(flat, lambda xy: move_coordinates(xy, source, target))


def move_points(
    xy: NDArray[np.float64], source: pyproj.CRS, target: pyproj.CRS
) -> NDArray[np.float64]:
    """Return (n, 2) coordinates in the target CRS, x before y; NaN stays NaN."""
    out = xy.astype("float64", copy=True)
    there = np.isfinite(out).all(axis=1)
    if there.any() and not is_same_crs(source, target):
        out[there] = move_coordinates(out[there], source, target)
    return out


def check_moved(source: Source, xy: NDArray[np.float64], rows: NDArray[np.int64]) -> None:
    """Raise `InputError` where coordinates have no place in the work CRS: PROJ made them infinite.

    Parameters
    ----------
    source
        The layer, for the message.
    xy
        (n, 2) coordinates in the work CRS; NaN stands for no point.
    rows
        (n,) the row of each.
    """
    bad = (np.abs(xy) >= FARTHEST).any(axis=1)
    if bad.any():
        raise InputError(
            Message(
                "error.row_outside_crs", label=source.label, row=int(rows[bad][0]) + 1,
                crs=crs_name(source.crs) or Message("part.as_named"),
                n_rows=len(np.unique(rows[bad])),
            )
        )  # fmt: skip


def check_meeting(
    source: Source, geometries: NDArray[np.object_], communities: NDArray[np.object_],
    *, share: float = 0.0,
) -> None:  # fmt: skip
    """Raise `InputError` where a layer and the communities do not meet.

    Parameters
    ----------
    source
        The layer, for the message.
    geometries, communities
        Both in the work CRS.
    share
        The share of the geometries that has to meet a community; 0 asks for one of them.
    """
    there = geometries[~(shapely.is_missing(geometries) | shapely.is_empty(geometries))]
    if not len(there):
        return
    meets = np.zeros(len(there), dtype=bool)
    # GEOS prepares the geometry that asks, and communities have many vertices.
    meets[shapely.STRtree(there).query(communities, predicate="intersects")[1]] = True
    if meets.any() and meets.mean() >= share:
        return
    ours, theirs = shapely.total_bounds(communities), shapely.total_bounds(there)
    far = shapely.distance(shapely.box(*ours), shapely.box(*theirs))
    found = (
        Message("fault.few_meet", meets=int(meets.sum()), features=len(there))
        if meets.any()
        else Message("fault.none_meets")
    )
    raise InputError(
        Message(
            "error.layers_far_apart",
            label=source.label,
            found=found,
            far=far / 1000,
            x=np.mean(ours[::2]),
            y=np.mean(ours[1::2]),
            own_x=np.mean(theirs[::2]),
            own_y=np.mean(theirs[1::2]),
        ),
        Hint("crs"),
        Hint("datum"),
    )
