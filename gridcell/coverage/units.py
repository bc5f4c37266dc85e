"""Areas and widths in metres, whatever the CRS of the shapes."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries
from gridcell.errors import InputError

_TRUE: float = 0.03
"""Areas of a projection that are off by less count as they are (a UTM zone: 0.1 %)."""


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
            return cls(crs=None, unit=1.0, area="square units", length="units", distorted=False)
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
    if cells != within:
        name = [crs.name if crs else "no CRS" for crs in (cells, within)]
        raise InputError(
            f"the cells are in {name[0]}, the land in {name[1]}: borders can only be compared in "
            f"one CRS; transform one of them"
        )
