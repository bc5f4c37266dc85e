"""CRSs: named, compared, and doubted where coordinates cannot be in them."""

from functools import lru_cache
from typing import Any, Final

import numpy as np
import pyproj
from numpy.typing import NDArray

from gridcell.errors import Hint, InputError
from gridcell.words.messages import Message, Value

Floats = NDArray[np.float64]

WGS84: Final = pyproj.CRS.from_epsg(4326)

NAME_IT: Final = Hint("crs", "EPSG:4547")
"""What helps where a CRS is missing: the value is an example."""
_DEGREES: Final = Hint("crs", "EPSG:4490")
_AROUND: Final = 6.0
"""Degrees beyond its area of use in which a CRS still serves: a zone or two."""
_FEW: Final = 10.0
"""Degrees that a layer in degrees rarely spans; a layer in metres is rarely that small."""


@lru_cache(maxsize=64)
def crs_name(crs: pyproj.CRS | None) -> str | None:
    """Return ``EPSG:4547`` or, where no authority knows the CRS, its name."""
    if crs is None:
        return None
    authority = crs.to_authority(min_confidence=70)
    return ":".join(authority) if authority else crs.name


@lru_cache(maxsize=64)
def crs_text(crs: pyproj.CRS) -> str:
    """Return a text from which `pyproj.CRS` makes the same CRS, however the CRS was given."""
    authority = crs.to_authority(min_confidence=100)
    return ":".join(authority) if authority else crs.to_wkt()


def parse_crs(given: Any) -> pyproj.CRS | None:
    """Return the CRS that the user named, its horizontal part if it has heights as well.

    Parameters
    ----------
    given
        What `pyproj.CRS` understands, or ``None``.

    Raises
    ------
    InputError
        PROJ does not understand it, or it is no CRS of places on a map.
    """
    if given is None:
        return None
    try:
        crs = horizontal(pyproj.CRS.from_user_input(given))
    except pyproj.exceptions.CRSError:
        raise InputError(Message("error.crs_unknown", given=given)) from None
    if crs.is_vertical or crs.is_geocentric:
        raise InputError(Message("error.crs_not_on_map", given=given, found=crs.type_name))
    return crs


def horizontal(crs: pyproj.CRS) -> pyproj.CRS:
    """Return the CRS without heights: of a compound or three-dimensional one its plane part."""
    return crs if len(crs.axis_info) == 2 else crs.to_2d()


def is_on_earth(crs: pyproj.CRS) -> bool:
    """Return whether the CRS is tied to the earth, so that places can be told in another."""
    crs = horizontal(crs)
    if crs.is_vertical or crs.is_geocentric:
        return False
    try:
        transformer(crs, WGS84)
    except pyproj.exceptions.ProjError:
        return False
    return True


def is_same_crs(one: pyproj.CRS | None, other: pyproj.CRS | None) -> bool:
    """Return whether coordinates in one CRS are the same coordinates in the other.

    The order of axes, heights and names are left out: x is before y in every layer. A datum
    without a name is any one with its ellipsoid, because a shapefile loses names.
    """
    if one is None or other is None:
        return one is other
    one, other = horizontal(one), horizontal(other)
    if one.equals(other, ignore_axis_order=True):
        return True
    kinds = [(c.is_projected, c.is_geographic, c.is_bound) for c in (one, other)]
    return (
        kinds[0] == kinds[1]
        and not (one.is_bound or one.is_engineering)
        and one.coordinate_operation == other.coordinate_operation
        and unit_of(one) == unit_of(other)
        and one.prime_meridian == other.prime_meridian
        and _is_same_datum(one.datum, other.datum)
    )


def _is_same_datum(one: Any, other: Any) -> bool:
    if one is None or other is None or one == other:
        return bool(one == other)
    nameless = any("unknown" in datum.name.lower() for datum in (one, other))
    return bool(nameless and one.ellipsoid == other.ellipsoid)


def unit_of(crs: pyproj.CRS) -> float:
    """Return the metres, or of a geographic CRS the radians, in a unit of x."""
    return float(crs.axis_info[0].unit_conversion_factor) if crs.axis_info else 1.0


@lru_cache(maxsize=32)
def transformer(source: pyproj.CRS, target: pyproj.CRS) -> pyproj.Transformer:
    """Return the way from one CRS to another, x before y in both."""
    return pyproj.Transformer.from_crs(source, target, always_xy=True)


def move_coordinates(xy: Floats, source: pyproj.CRS, target: pyproj.CRS) -> Floats:
    """Return (n, 2) coordinates in the target CRS, infinite where it has no place for them."""
    return np.column_stack(transformer(source, target).transform(xy[:, 0], xy[:, 1]))


def require_units(label: Value, crs: pyproj.CRS | None, bounds: Floats) -> None:
    """Raise `InputError` where coordinates are in other units or another order than their CRS.

    Degrees that are called metres, metres that are called degrees, latitude before longitude;
    degrees without a CRS. Every length and area would be wrong.

    Parameters
    ----------
    label
        What messages call the layer.
    crs
        Of the coordinates; without one they may be in units of their own that are no degrees.
    bounds
        (4,) west, south, east, north; bounds that are not finite are told of elsewhere.
    """
    if not np.isfinite(bounds).all():
        return
    reach = np.abs(bounds).reshape(2, 2).max(axis=0)
    if crs is None:
        if reach.max() <= 180:
            raise InputError(
                Message("error.crs_missing_degrees", label=label, span=_span(bounds)),
                _DEGREES,
            )
        return
    if crs.is_geographic:
        half = np.pi / unit_of(crs) * 1.0001
        if reach[0] > half or reach[1] > half / 2:
            swapped = reach[0] <= half / 2 and reach[1] <= half
            found = Message("fault.swapped" if swapped else "fault.projected")
            raise InputError(
                Message(
                    "error.crs_out_of_area",
                    label=label,
                    crs=crs_name(crs),
                    span=_span(bounds),
                    fault=found,
                ),
                *(() if swapped else (NAME_IT,)),
            )
    elif crs.is_projected and reach.max() <= 180:
        size = max(bounds[2] - bounds[0], bounds[3] - bounds[1])
        if size < _FEW:
            raise InputError(
                Message(
                    "error.crs_not_projected", label=label, crs=crs_name(crs), span=_span(bounds)
                ),
                _DEGREES,
            )


def choose_crs(
    own: pyproj.CRS | None, named: pyproj.CRS | None, bounds: Floats
) -> pyproj.CRS | None:
    """Return the CRS of a layer: its own where that can be used, else the one that the user named.

    Its own cannot be used where it is damaged or the coordinates are in other units, if they are
    in those of the named one: GeoJSON is in degrees unless it says otherwise, and its writers
    forget that. What is wrong with the one returned is for `require_units` to say.

    Parameters
    ----------
    own, named
        The two.
    bounds
        (4,) of the layer.
    """
    if own is None or named is None:
        return own if named is None else named
    if not is_on_earth(own):
        return named
    return named if not _is_in(own, bounds) and _is_in(named, bounds) else own


def overruled(own: pyproj.CRS | None, crs: pyproj.CRS | None) -> Message | None:
    """Return what to say where a layer is taken in another CRS than its own, if that is sound."""
    if own is None or crs is None or is_same_crs(own, crs) or not is_on_earth(own):
        return None
    return Message("fault.crs_overruled", own=crs_name(own), crs=crs_name(crs))


def _is_in(crs: pyproj.CRS, bounds: Floats) -> bool:
    """Return whether coordinates can be in the units of a CRS of places on a map."""
    if not is_on_earth(crs):
        return False
    try:
        require_units("", horizontal(crs), bounds)
    except InputError:
        return False
    return True


def settle_measured(
    label: Value, own: pyproj.CRS | None, named: pyproj.CRS | None, bounds: Floats
) -> pyproj.CRS | None:
    """Return the CRS in which a layer is measured, or ``None``: in units of its own.

    Parameters
    ----------
    label
        What messages call the layer.
    own
        The CRS that it names; a local one serves where the user named no other.
    named
        The CRS that the user named.
    bounds
        (4,) of most of its shapes.

    Raises
    ------
    InputError
        No CRS of places on a map; coordinates that are in other units than those of the CRS.
    """
    crs = choose_crs(own, named, bounds)
    if crs is None or not crs.is_engineering:
        if crs is not None and not is_on_earth(crs):
            raise unusable(label, crs)
        crs = None if crs is None else horizontal(crs)
        require_units(label, crs, bounds)
    return crs


def unusable(label: Value, crs: pyproj.CRS) -> InputError:
    """Return the error about a CRS from which no way leads to longitude and latitude."""
    return InputError(Message("error.crs_unusable", label=label, crs=crs_name(crs)), NAME_IT)


def bounds_of_points(xy: Floats) -> Floats:
    """Return west, south, east, north (4,) of (n, 2) coordinates, without those that are none."""
    known = xy[np.isfinite(xy).all(axis=1)]
    if not len(known):
        return np.full(4, np.nan)
    return np.concatenate([known.min(axis=0), known.max(axis=0)])


def doubt_place(crs: pyproj.CRS, bounds: Floats) -> Message | None:
    """Return why these bounds (4,) are no place for the CRS, or ``None``.

    Sizes are right where only the zone or its number in front of x is wrong.
    """
    if not np.isfinite(bounds).all() or not is_on_earth(crs):
        return None
    centre = np.array([[(bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2]])
    lon, lat = move_coordinates(centre, crs, WGS84)[0]
    area = crs.area_of_use
    if np.isfinite([lon, lat]).all() and (
        area is None
        or area.west > area.east
        or (
            area.west - _AROUND <= lon <= area.east + _AROUND
            and area.south - _AROUND <= lat <= area.north + _AROUND
        )
    ):
        return None
    west, south, east, north = bounds
    return Message(
        "fault.outside_area_of_use", crs=crs_name(crs), west=west, east=east, south=south,
        north=north,
    )  # fmt: skip


def _span(bounds: Floats) -> Message:
    west, south, east, north = bounds
    return Message("part.span", west=west, east=east, south=south, north=north)
