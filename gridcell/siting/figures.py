"""What is found about the service points of a plan, from its tables alone."""

from collections.abc import Iterator
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridcell.facts import SitingFigures
from gridcell.model import Finding, Plan
from gridcell.siting.demand import Demand, cell_above
from gridcell.words.messages import Message

KINDS: Final = (
    "beyond_reach", "over_capacity", "zone_without_point", "straight_distances", "point_outside",
    "existing_dropped", "candidates_thinned", "not_proven", "points_kept",
)  # fmt: skip
"""Kinds of findings about service points."""


def point_figures(points: pd.DataFrame, served: pd.DataFrame, siting: SitingFigures) -> Any:
    """Return the points with what they serve: households, buildings, distances, those beyond."""
    within = {tier.name: tier.within_m or np.inf for tier in siting.tiers}
    limit = served["tier"].map(within).to_numpy(dtype=np.float64)
    table = pd.DataFrame(
        {
            "point_id": served["point_id"].to_numpy(dtype=object),
            "households": served["households"].to_numpy(dtype=np.int64),
            "metres": served["distance_m"].to_numpy(dtype=np.float64),
        }
    )
    table["walked"] = table["households"] * table["metres"]
    table["beyond"] = table["households"].where(table["metres"] > limit, 0)
    table = table[table["point_id"].notna()]
    by = table.groupby("point_id")
    sums = by[["households", "walked", "beyond"]].sum().reindex(points["point_id"])
    households = sums["households"].fillna(0).to_numpy(dtype=np.int64)
    out = points.copy()
    out["households"] = households
    out["buildings"] = by.size().reindex(points["point_id"]).fillna(0).to_numpy(dtype=np.int64)
    with np.errstate(invalid="ignore"):
        out["mean_m"] = np.round(sums["walked"].to_numpy(dtype=np.float64) / households, 1)
    out["max_m"] = np.round(by["metres"].max().reindex(points["point_id"]).to_numpy(), 1)
    out["beyond"] = sums["beyond"].fillna(0).to_numpy(dtype=np.int64)
    return out


def siting_findings(
    plan: Plan, points: gpd.GeoDataFrame, served: pd.DataFrame, siting: SitingFigures,
    demand: Demand,
) -> list[Finding]:  # fmt: skip
    """Return what follows from the points and whom they serve."""
    found = [
        *_beyond(plan, points, served, siting, demand), *_over_capacity(points),
        *_without_point(plan, points, siting, demand), *_outside(points),
    ]  # fmt: skip
    if siting.straight:
        text = Message("finding.straight_distances")
        found.append(Finding(kind="straight_distances", severity="warning", text=text))
    return found


def _beyond(
    plan: Plan, points: gpd.GeoDataFrame, served: pd.DataFrame, siting: SitingFigures,
    demand: Demand,
) -> Iterator[Finding]:  # fmt: skip
    """Yield one finding a tier and small cell, at the building that has farthest to walk."""
    row = pd.Index(demand.bldg_id).get_indexer(pd.Index(served["bldg_id"]))
    small = cell_above(plan, demand.leaf, "small")[row]
    metres = served["distance_m"].to_numpy(dtype=np.float64)
    community = dict(zip(plan.small["code"], plan.small["community"], strict=True))
    for tier in siting.tiers:
        far = (served["tier"] == tier.name).to_numpy(copy=True)
        far &= np.isnan(metres) | (metres > (tier.within_m or np.inf))
        if tier.level is not None:
            # Cells without a point are told apart.
            zone = cell_above(plan, demand.leaf, tier.level)[row]
            far &= np.isin(zone.astype(str), points.loc[points["tier"] == tier.name, "zone"])
        rows = np.flatnonzero(far)
        table = pd.DataFrame(
            {
                "row": rows, "small": small[rows], "none": np.isnan(metres[rows]),
                "metres": metres[rows], "households": served["households"].to_numpy()[rows],
                "bldg_id": served["bldg_id"].to_numpy(dtype=object)[rows],
            }
        )  # fmt: skip
        table = table.sort_values(["small", "none", "metres", "bldg_id"],
                                  ascending=[True, True, False, True])  # fmt: skip
        for (small_code, none), own in table.groupby(["small", "none"], sort=True):
            code, first = str(small_code), own.iloc[0]
            said = {"n": int(own["households"].sum()), "cell": code, "tier": tier.name,
                    "building": first["bldg_id"]}  # fmt: skip
            text = (
                Message("finding.beyond_reach_no_way", **said)
                if none
                else Message("finding.beyond_reach", metres=float(first["metres"]),
                             within=float(tier.within_m or 0.0), **said)
            )  # fmt: skip
            at = shapely.Point(demand.xy[row[int(first["row"])]])
            yield Finding(
                kind="beyond_reach", severity="warning", text=text, cell=code,
                community=community.get(code), measure=float(said["n"]), place=at,
            )  # fmt: skip


def _over_capacity(points: gpd.GeoDataFrame) -> Iterator[Finding]:
    capacity = pd.to_numeric(points["capacity"]).to_numpy(dtype=np.float64)
    for k in np.flatnonzero(points["households"].to_numpy(dtype=np.float64) > capacity):
        point = points.iloc[k]
        text = Message(
            "finding.over_capacity", point=point["point_id"], n=int(point["households"]),
            capacity=float(capacity[k]),
        )  # fmt: skip
        yield Finding(
            kind="over_capacity", severity="warning", text=text, cell=_known(point["code"]),
            community=_known(point["community"]),
            measure=float(point["households"] - capacity[k]), place=point.geometry,
        )  # fmt: skip


def _without_point(
    plan: Plan, points: gpd.GeoDataFrame, siting: SitingFigures, demand: Demand
) -> Iterator[Finding]:
    for tier in siting.tiers:
        if tier.level is None:
            continue
        cells = plan.leaves if tier.level == "micro" else plan.cells(tier.level)
        cells = cells.set_index("code")
        zone = cell_above(plan, demand.leaf, tier.level)
        held = pd.Series(demand.households).groupby(zone).sum()
        own = set(points.loc[points["tier"] == tier.name, "zone"].dropna())
        for own_code, households in held.items():
            code = str(own_code)
            if households > 0 and code not in own:
                text = Message(
                    "finding.zone_without_point", tier=tier.name, cell=code, n=int(households)
                )
                yield Finding(
                    kind="zone_without_point", severity="warning", text=text, cell=code,
                    community=_known(cells.loc[code, "community"]), measure=float(households),
                    place=shapely.point_on_surface(cells.loc[code, "geometry"]),
                )  # fmt: skip


def _outside(points: gpd.GeoDataFrame) -> Iterator[Finding]:
    for k in np.flatnonzero(points["code"].isna()):
        point = points.iloc[k]
        text = Message("finding.point_outside", point=point["point_id"])
        yield Finding(kind="point_outside", severity="warning", text=text, place=point.geometry)


def _known(value: Any) -> str | None:
    return None if pd.isna(value) else str(value)
