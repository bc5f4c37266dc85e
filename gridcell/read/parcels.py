"""Parcels: the lines between two of them that are built on, along which borders may run."""

from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries
from gridcell.coverage.mend import mend
from gridcell.read.files import Source
from gridcell.read.geometry import LINES, POLYGONS, check_types
from gridcell.schema import PARCEL_RANK

_APART_M: Final = 0.3
"""Parcels as surveyed fit together so far; what is farther apart has a lane between."""
_LEAST_M: Final = 1.0
"""Shorter common lines are corners."""
_FRONT_M: Final = 25.0
"""Lines go on straight over the pavement to the street, the boundary or another line this near."""
_MEET_M: Final = 0.01
"""So far beyond, that they do meet."""


def parcel_lines(
    source: Source,
    parcels: Geometries,
    buildings: Geometries,
    streets: Geometries,
    crs: pyproj.CRS,
) -> gpd.GeoDataFrame:
    """Return the lines between parcels as barriers of kind wall and rank parcel.

    Fronts towards streets, which are parcels of their own in many a cadastre, and lines around open
    land are left out: borders run there on the street, or wherever it suits.

    Parameters
    ----------
    source
        For messages.
    parcels
        Polygons, or the lines between them, which all count then; metres.
    buildings
        Footprints in the same CRS: a parcel with the middle of one is built on.
    streets
        Other lines on which borders run: barriers and boundaries of communities.
    crs
        Their CRS.

    Raises
    ------
    InputError
        Points.
    """
    check_types(source, parcels, (*LINES, *POLYGONS), "parcels")
    given = parcels[~shapely.is_missing(parcels)]
    is_line = shapely.get_dimensions(given) == 1
    lines = shapely.get_parts(given[is_line])
    between = _lines_between(mend(given[~is_line]).shapes, buildings)
    between = between[shapely.length(between) >= _LEAST_M]
    lines = np.concatenate([lines, _to_the_street(between, streets)])
    table = {name: np.repeat(name_of, len(lines)) for name, name_of in
             (("kind", "wall"), ("rank", PARCEL_RANK))}  # fmt: skip
    frame = gpd.GeoDataFrame(table, geometry=lines, crs=crs)
    return frame.assign(name=pd.Series(pd.NA, index=frame.index, dtype="str"))[
        ["kind", "rank", "name", "geometry"]
    ]


def _lines_between(parcels: Geometries, buildings: Geometries) -> Geometries:
    """Return the common lines of polygons that are built on."""
    parcels = parcels[~shapely.is_missing(parcels)]
    middle = shapely.point_on_surface(buildings)
    built = np.unique(shapely.STRtree(parcels).query(middle, predicate="intersects")[1])
    shapes: NDArray[np.object_] = parcels[built]
    a, b = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=_APART_M)
    a, b = a[a < b], b[a < b]
    common = shapely.intersection(
        shapely.boundary(shapes[a]), shapely.buffer(shapes[b], _APART_M, quad_segs=1)
    )
    return shapely.get_parts(shapely.line_merge(shapely.get_parts(common)))


def _to_the_street(lines: Geometries, streets: Geometries) -> Geometries:
    """Return the lines, and the straight stretches from their loose ends to what is in front."""
    long = lines[shapely.length(lines) > 2 * (_APART_M + _LEAST_M)]
    # At its end a common line may turn for `_APART_M` into the fronts.
    length = shapely.length(long)
    end, before = (
        shapely.get_coordinates(
            np.concatenate(
                [shapely.line_interpolate_point(long, at) for at in (inward, length - inward)]
            )
        )
        for inward in (_APART_M + _MEET_M, _APART_M + _LEAST_M)
    )
    at = np.asarray(shapely.points(end), dtype=object)
    near = shapely.STRtree(lines).query(at, "dwithin", distance=2 * _APART_M)[0]
    loose = np.bincount(near, minlength=len(end)) < 2
    at, step = at[loose], (end - before)[loose]
    step /= np.hypot(*step.T)[:, None]
    end = end[loose]
    rays = np.asarray(
        shapely.linestrings(np.stack([end, end + _FRONT_M * step], axis=1)), dtype=object
    )
    goals = np.concatenate([streets, lines])
    ray, goal = shapely.STRtree(goals).query(rays, predicate="intersects")
    # The line that goes on touches its own end.
    beyond = shapely.distance(goals[goal], at[ray]) > 2 * _APART_M
    ray, goal = ray[beyond], goal[beyond]
    away = shapely.distance(shapely.intersection(rays[ray], goals[goal]), at[ray])
    nearest = np.full(len(rays), np.inf)
    np.minimum.at(nearest, ray, away)
    there = np.isfinite(nearest)
    reach = (nearest[there] + _MEET_M)[:, None] * step[there]
    on = shapely.linestrings(np.stack([end[there], end[there] + reach], axis=1))
    return np.concatenate([lines, np.asarray(on, dtype=object)])
