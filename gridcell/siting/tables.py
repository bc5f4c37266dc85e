"""What a plan tells of its service points as tables: by cell, and whom they are too far from."""

from typing import Final

import numpy as np
import pandas as pd

from gridcell.model import Plan
from gridcell.siting.demand import cell_above, demand_of

SERVED_CELLS: Final = (
    "tier", "point_id", "code", "small", "community", "households", "buildings", "mean_m",
    "max_m", "beyond",
)  # fmt: skip
BEYOND: Final = (
    "tier", "bldg_id", "households", "point_id", "distance_m", "within_m", "code", "small",
    "community", "x", "y",
)  # fmt: skip


def buildings_served(plan: Plan) -> pd.DataFrame:
    """Return `Plan.served` with the cells around each building, and how far it should be at most.

    Further columns: ``code`` of the leaf, ``small``, ``community``, ``within_m``, ``beyond``
    (households), ``x`` and ``y``.
    """
    places = demand_of(plan)
    row = pd.Index(places.bldg_id).get_indexer(pd.Index(plan.served["bldg_id"]))
    out = plan.served.copy()
    leaf = places.leaf[row]
    community = dict(zip(plan.leaves["code"], plan.leaves["community"], strict=True))
    out["code"], out["small"] = leaf, cell_above(plan, leaf, "small")
    out["community"] = [community.get(code) for code in leaf]
    tiers = () if plan.siting is None else plan.siting.tiers
    within = {tier.name: tier.within_m for tier in tiers}
    out["within_m"] = out["tier"].map(within).astype("float64")
    metres = out["distance_m"].to_numpy(dtype=np.float64)
    far = np.isnan(metres) | (metres > out["within_m"].fillna(np.inf).to_numpy())
    out["beyond"] = np.where(far, out["households"], 0)
    out["x"], out["y"] = np.round(places.xy[row].T, 3)
    return out


def served_cells(plan: Plan) -> pd.DataFrame:
    """Return by tier, point and leaf the households served and how far they walk."""
    table = buildings_served(plan)
    table["walked"] = table["households"] * table["distance_m"]
    keys = ["tier", "point_id", "code", "small", "community"]
    by = table.groupby(keys, sort=True, dropna=False)
    out = by[["households", "walked", "beyond"]].sum()
    out["buildings"], out["max_m"] = by.size(), by["distance_m"].max().round(1)
    out["mean_m"] = (out["walked"] / out["households"]).where(out["max_m"].notna()).round(1)
    return out.reset_index()[list(SERVED_CELLS)]


def beyond_reach(plan: Plan) -> pd.DataFrame:
    """Return the buildings whose households walk too far or have no way, the farthest first."""
    table = buildings_served(plan)
    table = table[table["beyond"] > 0]
    order = table.assign(none=table["distance_m"].isna()).sort_values(
        ["tier", "none", "distance_m", "bldg_id"], ascending=[True, False, False, True]
    )
    return order[list(BEYOND)].reset_index(drop=True)
