"""Points in memory: `locate`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from gridcell.arguments import checked
from gridcell.crs import NAME_IT, bounds_of_points, horizontal, parse_crs, require_units
from gridcell.errors import InputError
from gridcell.locator.index import CellIndex, index_plan
from gridcell.locator.places import as_pairs, point_coordinates, settle_places
from gridcell.locator.positions import read_positions
from gridcell.locator.present import NearestTable, Present, nearest_table
from gridcell.model import Plan
from gridcell.streets import walking_network
from gridcell.words.messages import Message, input_name

Points: TypeAlias = (
    gpd.GeoDataFrame | gpd.GeoSeries | tuple[Any, Any] | Sequence[Any] | shapely.Geometry
)
"""A frame or series of points, points alone or in a sequence, or a pair of arrays."""


@checked
def locate(
    plan: Plan,
    points: Points,
    *,
    crs: Any = None,
    nearest_m: float = 0.0,
    positions: pd.DataFrame | str | Path | None = None,
    anyone: bool = False,
) -> pd.DataFrame:
    """Return the cells of each point at every level, and who answers for them.

    A point on a border or vertex has exactly one cell: that due east of it, just north of the line
    (see `gridcell.locator.borders`).

    Parameters
    ----------
    plan
        The plan.
    points
        A frame or series of points, points alone or in a sequence, or a pair of arrays: x (or
        longitude) and y (or latitude).
    crs
        CRS of the points where they carry none; what is no frame or series is in the plan's by
        default.
    nearest_m
        A point outside the land, but at most so many metres from it, gets the nearest cell.
    positions
        Where people are now: ``staff_id``, and ``lon`` and ``lat``, ``x`` and ``y``, or points.
    anyone
        With `positions`: the nearest of all people, whatever cells they answer for.

    Returns
    -------
    pd.DataFrame
        `LOCATED_COLUMNS` on the index of `points`, or on 0, 1, … for arrays. ``how`` is inside,
        nearest, outside or unplaceable; ``distance_m`` is the distance to the nearest cell. With
        `positions` also ``nearest``, who of those that answer for the cell is nearest along the
        streets (`gridcell.walking_network`), ``nearest_m`` and ``nearest_min`` of that way.

    Raises
    ------
    InputError
        Points without a CRS, or degrees in a CRS of metres; what is neither points nor a pair.
    AssignmentError
        Arrays of two lengths.

    Examples
    --------
    `plan` is that of the example of `make_plan`.

    >>> import gridcell
    >>> doors = plan.buildings.representative_point()
    >>> located = gridcell.locate(plan, doors)
    >>> bool((located["code"] == plan.buildings["code"]).all()), located["how"].unique().tolist()
    (True, ['inside'])
    """
    cells = index_plan(plan)
    nearest = None
    if positions is not None:
        people = read_positions(positions, plan.crs, crs=parse_crs(crs))
        nearest = nearest_table(cells, Present(walking_network(plan), *people), anyone=anyone)
    return locate_in(cells, points, crs=crs, nearest_m=nearest_m, nearest=nearest)


def locate_in(
    cells: CellIndex, points: Any, *, crs: Any = None, nearest_m: float = 0.0,
    nearest: NearestTable | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Return what `locate` returns, from cells that are indexed already."""
    fault: NDArray[np.object_] | None = None
    index: pd.Index[Any] | None = None
    source = parse_crs(crs)
    if isinstance(points, gpd.GeoDataFrame | gpd.GeoSeries):
        index = points.index
        source = source if points.crs is None else horizontal(points.crs)
        if source is None:
            raise InputError(Message("error.points_no_crs"), NAME_IT)
        xy, fault = point_coordinates(np.asarray(points.geometry.array))
        if source.is_projected:  # Of degrees each point is doubted by itself.
            require_units(input_name("points"), source, bounds_of_points(xy))
    elif (shapes := _shapes_of(points)) is not None:
        xy, fault = point_coordinates(shapes)
        source = source or cells.crs
    else:
        if not isinstance(points, tuple | list) or len(points) != 2:
            raise InputError(Message("error.not_points", found=type(points).__name__))
        xy = as_pairs(*points)
        source = source or cells.crs
    places, reason = settle_places(xy, source, cells.crs, fault)
    row, how, distance = cells.find(places, nearest_m)
    located = cells.answer(row, how, distance, reason)
    if nearest is not None:
        located = located.assign(**nearest.columns(places, row))
    return located if index is None else located.set_axis(index)


def _shapes_of(points: Any) -> NDArray[np.object_] | None:
    """Return geometries that are given without a frame, ``None`` where they are not all ones."""
    if isinstance(points, BaseGeometry):
        points = [points]
    if not isinstance(points, list | tuple | np.ndarray) or not len(points):
        return None
    shapes = np.empty(len(points), dtype=object)
    shapes[:] = list(points)
    return shapes if shapely.is_geometry(shapes).all() else None
