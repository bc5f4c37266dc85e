"""Rivers and lakes that were given as polygons: the barriers of a plan hold their outlines."""

from typing import Final

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

_WATERCOURSES: Final = ("river", "canal", "stream", "ditch", "drain")


def water_outlines(barriers: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    """Return which lines are the outlines of waters: closed ones that are no watercourse."""
    closed = shapely.is_closed(np.asarray(barriers.geometry.array))
    course = barriers["rank"].isin(_WATERCOURSES).to_numpy()
    river = (barriers["kind"] == "river").to_numpy()
    return np.asarray(closed & river & ~course, dtype=bool)


def water_areas(outlines: gpd.GeoSeries) -> gpd.GeoSeries:
    """Return the waters within their outlines; an outline within another is an island."""
    if outlines.empty:
        return outlines
    noded = shapely.get_parts(shapely.union_all(np.asarray(outlines.array)))
    areas = shapely.get_parts(shapely.build_area(shapely.multilinestrings(noded)))
    return gpd.GeoSeries(areas, crs=outlines.crs)


def outlines_of_waters(waters: gpd.GeoSeries) -> gpd.GeoDataFrame:
    """Return waters as barriers: an outline, and one for each island, a row."""
    rings = shapely.get_parts(shapely.boundary(np.asarray(waters.array)))
    frame = {"kind": ["river"] * len(rings), "rank": None, "name": None}
    return gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries(rings, crs=waters.crs))
