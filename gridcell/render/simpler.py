"""A plan with fewer vertices, for pages of whole cities."""

import dataclasses
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridcell.model import Plan


def simplify_plan(plan: Plan, tolerance_m: float) -> Plan:
    """Return the plan with simpler borders that still fit together, for drawing only.

    Parameters
    ----------
    plan
        A plan in a metric CRS.
    tolerance_m
        About how far a border may move, metres; 0 changes nothing.

    Notes
    -----
    The leaves are simplified as a coverage (Visvalingam and Whyatt, 1993) and joined to the levels
    above, so that borders of all levels stay the same lines.
    """
    if not tolerance_m:
        return plan
    leaves = np.asarray(plan.leaves.geometry.array)
    shapes = pd.Series(shapely.coverage_simplify(leaves, tolerance_m), index=plan.leaves["code"])
    levels = {"leaves": _drawn(plan.leaves, shapes)}
    for level in ("micro", "small", "medium", "large"):
        levels[level] = _drawn(plan.cells(level), shapes)
        below = levels[level].dropna(subset="parent")
        if len(below):
            joined = below.dissolve(by="parent", method="coverage").geometry
            shapes = pd.concat([shapes[~shapes.index.isin(joined.index)], joined.astype(object)])
    barriers = plan.barriers.set_geometry(plan.barriers.geometry.simplify(tolerance_m))
    return dataclasses.replace(plan, barriers=barriers, **levels)


def _drawn(cells: gpd.GeoDataFrame, shapes: "pd.Series[Any]") -> gpd.GeoDataFrame:
    drawn = shapes.reindex(cells["code"]).to_numpy(dtype=object, copy=True)
    lost = shapely.is_missing(drawn) | shapely.is_empty(drawn)
    drawn[lost] = np.asarray(cells.geometry.array)[lost]
    return cells.set_geometry(gpd.GeoSeries(drawn, index=cells.index, crs=cells.crs))
