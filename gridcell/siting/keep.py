"""Service points that stay while the plan around them goes on."""

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridcell.model import Finding, Plan
from gridcell.siting.candidates import leaves_around
from gridcell.siting.demand import Demand, cell_above, demand_of
from gridcell.siting.frames import served_table
from gridcell.siting.place import unproven, with_points
from gridcell.siting.serve import TierPoints, serve_buildings
from gridcell.streets import walking_network
from gridcell.words.messages import Message


def keep_points(before: Plan, after: Plan) -> Plan:
    """Return a plan that goes on from another with the service points of that.

    Points are places in town: none moves, none ends. Each stands in the cell that is there now,
    and serves the cell of its tier's level there. Where buildings, households or such cells
    changed, who serves whom is found anew, and a finding says so; how good the choice is is then
    not known any more.

    Parameters
    ----------
    before
        The earlier plan.
    after
        The plan that goes on from it, without points.
    """
    if before.siting is None:
        return after
    siting, points, demand = before.siting, before.points.copy(), demand_of(after)
    if siting.demand != "households":
        demand = _as_served(before, demand)
    xy = shapely.get_coordinates(np.asarray(points.geometry, dtype=object)).reshape(-1, 2)
    leaf = leaves_around(after, xy)
    community = after.leaves.set_index("code")["community"]
    points["code"] = pd.Series(leaf, dtype="str")
    points["community"] = pd.Series(
        [None if code is None else community.get(code) for code in leaf], dtype="str"
    )
    for tier in siting.tiers:
        own = (points["tier"] == tier.name).to_numpy()
        if tier.level is not None:
            points.loc[own, "zone"] = cell_above(after, leaf[own], tier.level)
    points["zone"] = points["zone"].astype("str")
    if _is_unchanged(before, after, points, demand):
        return with_points(after, points, before.served, siting, demand, unproven(siting))
    network = walking_network(after)
    homes, tables = network.join(demand.xy), []
    for tier in siting.tiers:
        rows = np.flatnonzero(points["tier"] == tier.name)
        own = points.iloc[rows]
        zone = own["zone"].astype(object).where(own["zone"].notna(), None).to_numpy()
        capacity = np.array(own["capacity"].fillna(np.inf), dtype=np.float64)
        nearest, metres = serve_buildings(
            network, TierPoints(doors=network.join(xy[rows]), capacity=capacity, zone=zone),
            demand, homes,
            None if tier.level is None else cell_above(after, demand.leaf, tier.level),
        )  # fmt: skip
        tables.append(served_table(tier.name, own["point_id"], demand, nearest, metres))
    served = pd.concat(tables, ignore_index=True)
    siting = replace(
        siting, straight=network.straight,
        tiers=tuple(replace(tier, objective=None, bound=None) for tier in siting.tiers),
    )  # fmt: skip
    told = Finding(
        kind="points_kept", severity="note", measure=float(len(points)),
        text=Message("finding.points_kept", n=len(points)),
    )  # fmt: skip
    return with_points(
        after, gpd.GeoDataFrame(points, crs=after.crs), served, siting, demand, [told]
    )


def _as_served(before: Plan, demand: Demand) -> Demand:
    """Return the buildings with what was to be served in them; new ones have nothing."""
    first = before.served[before.served["tier"] == before.served["tier"].iloc[0]]
    wanted = first.set_index("bldg_id")["households"].reindex(demand.bldg_id).fillna(0)
    return replace(demand, households=wanted.to_numpy(dtype=np.int64))


def _is_unchanged(before: Plan, after: Plan, points: pd.DataFrame, demand: Demand) -> bool:
    """Tell whether all buildings and the cells that tiers serve are what they were."""
    assert before.siting is not None  # noqa: S101
    if not points["zone"].equals(before.points["zone"]):
        return False
    earlier = demand_of(before)
    if before.siting.demand != "households":
        earlier = _as_served(before, earlier)
    same = (
        np.array_equal(earlier.bldg_id, demand.bldg_id)
        and np.array_equal(earlier.households, demand.households)
        and np.array_equal(earlier.xy, demand.xy)
        and len(before.barriers) == len(after.barriers)
        and bool((before.barriers.geometry.to_wkb() == after.barriers.geometry.to_wkb()).all())
    )
    levels = {tier.level for tier in before.siting.tiers if tier.level is not None}
    return same and all(
        np.array_equal(
            cell_above(before, earlier.leaf, level), cell_above(after, demand.leaf, level)
        )
        for level in sorted(levels)
    )
