"""Shapes on matplotlib axes, all of a layer at once.

`GeoDataFrame.plot` draws the whole figure anew for every layer that is added to it.
"""

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import LineCollection, PathCollection
    from matplotlib.path import Path


def add_polygons(ax: "Axes", shapes: gpd.GeoSeries, **style: Any) -> "PathCollection":
    """Draw polygons, multi or not, holes left open, and return them, one path a row.

    Parameters
    ----------
    ax
        Axes; their limits stay as they are.
    shapes
        Polygons; empty and missing ones draw nothing.
    **style
        As for `matplotlib.collections.PathCollection`; ``array`` colours the rows by number.
    """
    from matplotlib.collections import PathCollection

    collection = PathCollection(_paths(shapes), **style)
    ax.add_collection(collection, autolim=False)
    return collection


def add_lines(ax: "Axes", shapes: gpd.GeoSeries, **style: Any) -> "LineCollection":
    """Draw lines, or the outlines of polygons, and return them.

    Parameters
    ----------
    ax
        Axes; their limits stay as they are.
    shapes
        Lines or polygons, multi or not.
    **style
        As for `matplotlib.collections.LineCollection`.
    """
    from matplotlib.collections import LineCollection

    geometries = np.asarray(shapes.array)
    parts = shapely.get_parts(geometries)
    solid = shapely.get_dimensions(parts) == 2
    lines = np.concatenate([parts[~solid], shapely.get_rings(parts[solid])])
    xy, line = shapely.get_coordinates(lines, return_index=True)
    ends = np.searchsorted(line, np.arange(len(lines) + 1))
    collection = LineCollection([xy[a:b] for a, b in pairwise(ends)], **style)
    ax.add_collection(collection, autolim=False)
    return collection


def _paths(shapes: gpd.GeoSeries) -> list["Path"]:
    from matplotlib.path import Path

    # Opposite directions of shells and holes leave holes open under either rule of filling.
    geometries = shapely.orient_polygons(np.asarray(shapes.array))
    parts, owner = shapely.get_parts(geometries, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    code = np.full(len(xy), Path.LINETO, dtype=Path.code_type)
    code[np.diff(ring, prepend=-1) != 0] = Path.MOVETO
    code[np.diff(ring, append=len(rings)) != 0] = Path.CLOSEPOLY
    row = owner[part][ring]
    ends = np.searchsorted(row, np.arange(len(geometries) + 1))
    return [Path(xy[a:b], code[a:b]) for a, b in pairwise(ends)]
