"""The CRS in which a layer is measured; areas and widths in metres, whatever it is."""

from dataclasses import dataclass
from typing import Final, Self

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries
from gridcell.coverage.reach import within_reach
from gridcell.crs import crs_name, doubt_place, horizontal, is_same_crs, overruled, settle_measured
from gridcell.errors import InputError
from gridcell.words.messages import Message, Value

_TRUE: float = 0.03
"""Areas of a projection that are off by less count as they are (a UTM zone: 0.1 %)."""


OWN_AREA: Final = "square units"
OWN_UNITS: Final = Message("part.own_units")


def in_measured_crs(
    frame: gpd.GeoDataFrame, label: Value, named: pyproj.CRS | None
) -> tuple[gpd.GeoDataFrame, tuple[Message, ...]]:
    """Return a layer in the CRS in which it is measured, and what is to be said of that.

    The door of every command that measures a layer as it is. Coordinates are never changed, and
    neither is the caller's frame.

    Parameters
    ----------
    frame
        Any geometries, damaged ones among them.
    label
        What messages call the layer.
    named
        The CRS that the user named, for a layer that names none that can be used.

    Raises
    ------
    InputError
        No frame with geometries; coordinates that are in other units than those of the CRS; degrees
        without a CRS.
    """
    if not isinstance(frame, gpd.GeoDataFrame) or frame.active_geometry_name not in frame:
        found = type(frame).__name__
        raise InputError(Message("error.not_a_geodataframe", label=label, found=found))
    bounds = _bounds_of_most(np.asarray(frame.geometry.array, dtype=object))
    crs = settle_measured(label, frame.crs, named, bounds)
    said = {
        "finding.crs_overruled": overruled(frame.crs, crs),
        "finding.outside_area_of_use": None if crs is None else doubt_place(crs, bounds),
    }
    if crs is not None and not is_same_crs(frame.crs, crs):
        frame = frame.set_crs(crs, allow_override=True)
    return frame, tuple(
        Message(name, label=label, fault=fault) for name, fault in said.items() if fault
    )


def _bounds_of_most(shapes: Geometries) -> NDArray[np.float64]:
    """Return bounds (4,) that a few damaged shapes do not move.

    Of shapes that could be in degrees, where most could: their extent; else the median of each.
    """
    sound = within_reach(shapes) & ~shapely.is_missing(shapes) & ~shapely.is_empty(shapes)
    if not sound.any():
        return np.full(4, np.nan)
    bounds = shapely.bounds(shapes[sound])
    small = (np.abs(bounds) <= 180).all(axis=1)
    if small.mean() <= 0.5:
        return np.asarray(np.median(bounds, axis=0))
    bounds = bounds[small]
    return np.concatenate([bounds[:, :2].min(axis=0), bounds[:, 2:].max(axis=0)])


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Units:
    """How units of a CRS become metres on the ground, near each shape."""

    crs: pyproj.CRS | None
    unit: float
    """Metres in a unit of a projected CRS; 1 where there is none."""
    area: str
    """``m2``, or ``square units`` without a CRS."""
    length: str
    distorted: bool
    """Whether the scale of the projection has to be looked up at each place (Web Mercator)."""

    @classmethod
    def of(cls, crs: pyproj.CRS | None, bounds: NDArray[np.float64]) -> Self:
        """Return the units of a CRS, within these bounds (4,)."""
        if crs is None:
            return cls(
                crs=None, unit=1.0, area=OWN_AREA, length="units", distorted=False
            )  # fmt: skip
        crs = horizontal(crs)
        unit = 1.0
        if not crs.is_geographic and crs.axis_info:
            unit = float(crs.axis_info[0].unit_conversion_factor) or 1.0
        units = cls(crs=crs, unit=unit, area="m2", length="m", distorted=False)
        if crs.is_projected and np.isfinite(bounds).all():
            middle = np.array([[(bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2]])
            scale = float(units._areal_scale(middle)[0])
            if abs(scale - 1) > _TRUE:
                return cls(crs=crs, unit=unit, area="m2", length="m", distorted=True)
        return units

    @property
    def area_name(self) -> Message:
        """The unit of areas, for messages."""
        return Message("unit.square" if self.crs is None else "unit.m2")

    @property
    def length_name(self) -> Message:
        """The unit of lengths, for messages."""
        return Message("unit.length" if self.crs is None else "unit.m")

    def in_metres(self, shapes: Geometries) -> Geometries:
        """Return each shape in metres about its own middle; its place is lost, its size true."""
        if self.unit == 1.0 and not self.distorted and not self._is_geographic:
            return shapes
        box = shapely.bounds(shapes)
        middle = (box[:, :2] + box[:, 2:]) / 2
        scale = self.scales(middle)
        xy, row = shapely.get_coordinates(shapes, return_index=True)
        moved = (xy - middle[row]) * scale[row]
        return np.asarray(shapely.set_coordinates(shapes.copy(), moved), dtype=object)

    def scales(self, places: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (n, 2) metres in a unit of x and of y, at places (n, 2)."""
        if self._is_geographic and self.crs is not None:
            return _metres_in_degrees(self.crs, places[:, 1])
        scale = np.full((len(places), 2), self.unit)
        if self.distorted:
            scale /= np.sqrt(self._areal_scale(places))[:, np.newaxis]
        return scale

    @property
    def _is_geographic(self) -> bool:
        return self.crs is not None and bool(self.crs.is_geographic)

    def _areal_scale(self, places: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the area on the map of one on the ground, 1 where PROJ cannot tell."""
        assert self.crs is not None  # noqa: S101
        try:
            projection = pyproj.Proj(self.crs)
            lon, lat = projection(places[:, 0] * self.unit, places[:, 1] * self.unit, inverse=True)
            scale = np.asarray(projection.get_factors(lon, lat).areal_scale, dtype=float)
        except pyproj.exceptions.ProjError:
            return np.ones(len(places))
        return np.where(np.isfinite(scale) & (scale > 0), scale, 1.0)


def size(value: float) -> str:
    """Return an area as people read it: three digits, whole from a thousand."""
    return f"{value:,.0f}" if value >= 999.5 else f"{value:.3g}"


def width(value: float) -> str:
    """Return a width as people read it: two digits."""
    return f"{float(f'{value:.2g}'):,.6g}"


def _metres_in_degrees(crs: pyproj.CRS, latitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (n, 2) metres in a unit of longitude and of latitude."""
    ellipsoid = crs.ellipsoid
    major = ellipsoid.semi_major_metre if ellipsoid else 6_378_137.0
    minor = ellipsoid.semi_minor_metre if ellipsoid else 6_356_752.3
    radian = float(crs.axis_info[0].unit_conversion_factor) if crs.axis_info else np.pi / 180
    angle = latitude * radian
    eccentricity = 1 - (minor / major) ** 2
    root = np.sqrt(1 - eccentricity * np.sin(angle) ** 2)
    east = major * np.cos(angle) / root
    north = major * (1 - eccentricity) / root**3
    return np.stack([east, north], axis=1) * radian


def require_one_crs(cells: pyproj.CRS | None, within: pyproj.CRS | None) -> None:
    """Raise `InputError` where cells and land are in different CRS."""
    if not is_same_crs(cells, within):
        name = [crs_name(crs) or Message("part.no_crs") for crs in (cells, within)]
        raise InputError(Message("error.crs_of_land_differs", cells=name[0], land=name[1]))
