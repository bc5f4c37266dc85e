"""Who is to be served: the buildings of a plan with their households, and the cells around them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridcell.model import Plan
from gridcell.schema import LEVELS
from gridcell.siting.kernels import Floats, Ints

Texts = NDArray[np.object_]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Demand:
    """Buildings with households to serve, by id."""

    bldg_id: Texts
    xy: Floats
    """(buildings, 2) a point in each, in the plan's CRS."""
    households: Ints
    leaf: Texts
    """(buildings,) code of the leaf around that point, of several the one with most households."""

    def take(self, rows: Ints) -> "Demand":
        """Return some of them."""
        return Demand(
            bldg_id=self.bldg_id[rows], xy=self.xy[rows], households=self.households[rows],
            leaf=self.leaf[rows],
        )  # fmt: skip


def demand_of(plan: Plan, households: "pd.Series[int] | None" = None) -> Demand:
    """Return all buildings of a plan, those without households among them.

    Parameters
    ----------
    plan
        Any plan; of a building in several slabs the place of the one with most households counts.
    households
        Other numbers than the plan's, by ``bldg_id``; buildings that it lacks have none.
    """
    table = plan.buildings
    held = pd.DataFrame(
        {
            "bldg_id": table["bldg_id"].to_numpy(dtype=object),
            "households": pd.to_numeric(table["households"]).fillna(0).to_numpy(dtype=np.int64),
            "code": table["code"].astype(object).to_numpy(),
            "area": table.geometry.area.to_numpy(),
        }
    )
    held = held[pd.notna(held["code"])]
    order = held.sort_values(
        ["bldg_id", "households", "area", "code"], ascending=[True, False, False, True]
    )
    main = order.drop_duplicates("bldg_id")
    total = held.groupby("bldg_id")["households"].sum().reindex(main["bldg_id"])
    if households is not None:
        total = households.reindex(main["bldg_id"]).fillna(0)
    ids = main["bldg_id"].to_numpy(dtype=object)
    inside = shapely.point_on_surface(np.asarray(table.geometry, dtype=object)[main.index])
    return Demand(
        bldg_id=ids, xy=shapely.get_coordinates(inside).reshape(-1, 2),
        households=total.to_numpy(dtype=np.int64), leaf=main["code"].to_numpy(dtype=object),
    )  # fmt: skip


def cell_above(plan: Plan, leaf: Texts, level: str) -> Texts:
    """Return the code of the cell of a level that each leaf is in; ``None`` for no leaf."""
    above: dict[object, object] = {None: None}
    own = plan.leaves[["code", "parent", "level"]]
    number = LEVELS[level]
    parents = {
        code: parent
        for name in ("medium", "small")
        for code, parent in zip(plan.cells(name)["code"], plan.cells(name)["parent"], strict=True)
    }
    for code, parent, at in zip(own["code"], own["parent"], own["level"], strict=True):
        up, height = code, int(at)
        while height > number:
            up, height = (parent if up == code else parents[up]), height - 1
        above[code] = up
    return np.array([above.get(code) for code in leaf], dtype=object)


def middles_of_leaves(demand: Demand) -> Ints:
    """Return for each leaf with households the row of the building nearest to their middle."""
    weights = np.maximum(demand.households, 0).astype(np.float64)
    label, codes = pd.factorize(demand.leaf, sort=True)
    total = np.bincount(label, weights, minlength=len(codes))
    centre: Floats = np.column_stack(
        [np.bincount(label, weights * demand.xy[:, k], minlength=len(codes)) for k in (0, 1)]
    )
    there = total > 0
    centre[there] = centre[there] / total[there, None]
    away = np.hypot(*(demand.xy - centre[label]).T)
    order = np.lexsort((np.arange(len(label)), np.round(away, 6), label))
    first = order[np.flatnonzero(np.diff(label[order], prepend=-1))]
    return first[there[label[first]]].astype(np.int64)
