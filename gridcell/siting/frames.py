"""Service points and whom they serve, as the tables of a plan."""

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridcell.model import Plan
from gridcell.schema import POINT_COLUMNS
from gridcell.siting.candidates import Candidates
from gridcell.siting.demand import Demand, Texts, cell_above
from gridcell.siting.kernels import Bools, Ints
from gridcell.siting.serve import TierPoints, serve_buildings
from gridcell.siting.tiers import Tier, Town, Zone


def points_and_served(
    plan: Plan, town: Town, wanted: Sequence[Tier], chosen: Sequence[Sequence[Zone]]
) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Return the points of all tiers, and who serves each building."""
    frames, tables = [], []
    taken = set(town.candidates.place[town.candidates.existing].tolist())
    for tier, zones in zip(wanted, chosen, strict=True):
        sites = np.concatenate([zone.sites for zone in zones])
        code = np.array([zone.code for zone in zones for _ in zone.sites], dtype=object)
        frame = points_frame(plan, tier.name, town.candidates.take(sites), code, taken)
        doors = town.doors.take(sites)
        frames.append(frame)
        zone = None if tier.level is None else cell_above(plan, town.demand.leaf, tier.level)
        own = TierPoints(doors=doors, capacity=town.candidates.capacity[sites], zone=code)
        nearest, metres = serve_buildings(town.network, own, town.demand, town.homes, zone)
        tables.append(served_table(tier.name, frame["point_id"], town.demand, nearest, metres))
    points = pd.concat(frames, ignore_index=True)
    return gpd.GeoDataFrame(points, crs=plan.crs), pd.concat(tables, ignore_index=True)


def points_frame(
    plan: Plan, tier: str, sites: Candidates, zone: Texts, taken: set[str]
) -> gpd.GeoDataFrame:
    """Return the points of a tier, without what they serve; new ones get no id that is taken."""
    leaves = plan.leaves.set_index("code")["community"]
    width = len(str(max(1, len(sites))))
    new = [f"{tier}-{number + 1:0{width}d}" for number in range(len(sites))]
    ids = np.where(sites.existing, sites.place, np.array(new, dtype=object))
    table = pd.DataFrame(dict.fromkeys(POINT_COLUMNS), index=range(len(sites)))
    table["point_id"], table["tier"] = _distinct(ids, sites.existing, taken), tier
    table["code"], table["zone"] = sites.leaf, zone
    table["community"] = [None if leaf is None else leaves.get(leaf) for leaf in sites.leaf]
    table["place"], table["existing"] = sites.place, sites.existing
    table["locked"] = sites.locked
    table["capacity"] = np.where(np.isinf(sites.capacity), np.nan, sites.capacity)
    for name in ("point_id", "tier", "code", "zone", "community", "place"):
        table[name] = table[name].astype("str")
    shape = np.asarray(shapely.points(sites.xy), dtype=object).reshape(-1)
    return gpd.GeoDataFrame(table, geometry=shape, crs=plan.crs)


def _distinct(ids: Texts, existing: Bools, taken: set[str]) -> list[str]:
    out = []
    for own, given in zip(ids, existing, strict=True):
        name = str(own)
        while not given and name in taken:
            name += "+"
        out.append(name)
    return out


def served_table(
    tier: str, point_id: "pd.Series[str]", demand: Demand, nearest: Ints, metres: Any
) -> pd.DataFrame:
    """Return who serves each building with households, by building."""
    rows = np.flatnonzero(demand.households > 0)
    ids = np.array([*point_id, None], dtype=object)
    table = pd.DataFrame(
        {
            "tier": tier, "point_id": ids[nearest[rows]], "bldg_id": demand.bldg_id[rows],
            "households": demand.households[rows], "distance_m": metres[rows],
        }
    )  # fmt: skip
    for name in ("tier", "point_id", "bldg_id"):
        table[name] = table[name].astype("str")
    return table
