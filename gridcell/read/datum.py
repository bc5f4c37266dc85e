"""GCJ-02 and BD-09, the obfuscated datums of Chinese web maps, and back to WGS 84."""

from typing import Final

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from gridcell.errors import InputError
from gridcell.read.crs import move_points
from gridcell.words.messages import Message

DATUMS: Final = ("wgs84", "gcj02", "bd09")
ROLES: Final = (
    "communities", "buildings", "households", "sites", "barriers", "parcels", "staff", "atoms",
)  # fmt: skip

_WGS84: Final = pyproj.CRS.from_epsg(4326)
_A: Final = 6378245.0
"""Semi-major axis of the Krasovsky 1940 ellipsoid, as the published formula has it."""
_EE: Final = 0.00669342162296594323
_X_PI: Final = np.pi * 3000.0 / 180.0
_AREA: Final = (72.004, 0.8293, 137.8347, 55.8271)
"""West, south, east, north: the formula leaves other places alone."""

Coordinates = NDArray[np.float64]


def parse_datums(text: str) -> dict[str, str]:
    """Return the datum of each input: ``gcj02`` for all, or ``buildings=gcj02,sites=bd09``.

    Raises
    ------
    InputError
        An unknown datum or input.
    """
    datums: dict[str, str] = {}
    for item in text.lower().replace(" ", "").split(","):
        role, mark, datum = item.rpartition("=")
        if datum not in DATUMS or (mark and role not in ROLES) or (not mark and "," in text):
            raise InputError(
                Message("error.datum_form", given=text, datums=list(DATUMS), roles=list(ROLES))
            )
        datums |= {role: datum} if mark else dict.fromkeys(ROLES, datum)
    return datums


def to_wgs84(
    geometries: NDArray[np.object_], crs: pyproj.CRS, datum: str
) -> tuple[NDArray[np.object_], pyproj.CRS]:
    """Return the geometries freed from their datum, and the CRS they are in then.

    Parameters
    ----------
    geometries
        In `crs`, x before y.
    crs
        The CRS of the file.
    datum
        One of `DATUMS`; with ``wgs84`` nothing changes.
    """
    if datum == "wgs84":
        return geometries, crs
    moved = shapely.transform(
        shapely.force_2d(geometries), lambda xy: points_to_wgs84(xy, crs, datum)
    )
    return moved, _WGS84


def points_to_wgs84(xy: Coordinates, crs: pyproj.CRS, datum: str) -> Coordinates:
    """Return (n, 2) longitudes and latitudes in WGS 84 of coordinates in `crs` and `datum`."""
    lonlat = move_points(xy, crs, _WGS84)
    if datum == "bd09":
        lonlat = bd09_to_gcj02(lonlat)
    return gcj02_to_wgs84(lonlat) if datum != "wgs84" else lonlat


def wgs84_to_gcj02(lonlat: Coordinates) -> Coordinates:
    """Return GCJ-02 coordinates of WGS 84 ones, degrees, (n, 2) longitude and latitude.

    The published approximation of the Chinese obfuscation (``transformLat``/``transformLon`` with
    the Krasovsky 1940 ellipsoid), known since the 2010 leak as *eviltransform*
    (github.com/googollee/eviltransform, MIT). Places outside China are left alone.
    """
    lon, lat = lonlat[:, 0], lonlat[:, 1]
    x, y = lon - 105.0, lat - 35.0
    root = np.sqrt(np.abs(x))
    common = (20.0 * np.sin(6.0 * x * np.pi) + 20.0 * np.sin(2.0 * x * np.pi)) * 2.0 / 3.0
    north = (
        -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + common
        + (20.0 * np.sin(y * np.pi) + 40.0 * np.sin(y / 3.0 * np.pi)) * 2.0 / 3.0
        + (160.0 * np.sin(y / 12.0 * np.pi) + 320.0 * np.sin(y * np.pi / 30.0)) * 2.0 / 3.0
    )  # fmt: skip
    east = (
        300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + common
        + (20.0 * np.sin(x * np.pi) + 40.0 * np.sin(x / 3.0 * np.pi)) * 2.0 / 3.0
        + (150.0 * np.sin(x / 12.0 * np.pi) + 300.0 * np.sin(x / 30.0 * np.pi)) * 2.0 / 3.0
    )  # fmt: skip
    magic = 1.0 - _EE * np.sin(np.radians(lat)) ** 2
    north = np.degrees(north / (_A * (1.0 - _EE) / magic**1.5))
    east = np.degrees(east / (_A / np.sqrt(magic) * np.cos(np.radians(lat))))
    inside = (lon >= _AREA[0]) & (lon <= _AREA[2]) & (lat >= _AREA[1]) & (lat <= _AREA[3])
    return lonlat + np.where(inside[:, None], np.column_stack([east, north]), 0.0)


def gcj02_to_wgs84(lonlat: Coordinates) -> Coordinates:
    """Return WGS 84 coordinates of GCJ-02 ones, exact to 1e-9 degree by iteration."""
    guess = lonlat.copy()
    for _ in range(12):
        miss = wgs84_to_gcj02(guess) - lonlat
        guess = guess - miss
        if not len(miss) or np.nanmax(np.abs(miss), initial=0.0) < 1e-11:
            break
    return np.asarray(guess, dtype=np.float64)


def gcj02_to_bd09(lonlat: Coordinates) -> Coordinates:
    """Return BD-09 coordinates (Baidu) of GCJ-02 ones, by the published formula."""
    lon, lat = lonlat[:, 0], lonlat[:, 1]
    radius = np.hypot(lon, lat) + 0.00002 * np.sin(lat * _X_PI)
    angle = np.arctan2(lat, lon) + 0.000003 * np.cos(lon * _X_PI)
    return np.column_stack([radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006])


def bd09_to_gcj02(lonlat: Coordinates) -> Coordinates:
    """Return GCJ-02 coordinates of BD-09 ones, exact to 1e-9 degree by iteration."""
    guess = lonlat - np.array([0.0065, 0.006])
    for _ in range(12):
        miss = gcj02_to_bd09(guess) - lonlat
        guess = guess - miss
        if not len(miss) or np.nanmax(np.abs(miss), initial=0.0) < 1e-11:
            break
    return np.asarray(guess, dtype=np.float64)
