"""What may happen to a town from one year to the next, drawn at random."""

from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely import affinity

import gridcell
from gridcell.model import Layers
from gridcell.sample.spec import Sample

KINDS = (
    "nothing", "demolished", "crowded", "built", "site_closed", "site_opened", "merged", "split",
)  # fmt: skip


class Town(NamedTuple):
    """The inputs of a town that change."""

    communities: gpd.GeoDataFrame
    buildings: gpd.GeoDataFrame
    households: pd.DataFrame
    sites: gpd.GeoDataFrame


def town_of(sample: Sample) -> Town:
    """Return a sample town that wants no certain number of cells."""
    free = sample.communities.assign(n_small=pd.NA, n_micro=pd.NA)
    return Town(free, sample.buildings, sample.households, sample.sites)


def read_town(town: Town, sample: Sample) -> Layers:
    return gridcell.read_layers(
        town.communities, town.buildings, households=town.households,
        sites=town.sites if len(town.sites) else None, barriers=[sample.roads, sample.rivers],
    )  # fmt: skip


def change_town(town: Town, kind: str, rng: np.random.Generator) -> Town:
    """Return the town after something happened."""
    communities, buildings, households, sites = town
    some = max(1, int(0.3 * rng.random() * len(buildings)))
    chosen = set(rng.choice(buildings["bldg_id"], some, replace=False))
    if kind == "demolished":
        buildings = buildings[~buildings["bldg_id"].isin(chosen)]
        households = households[~households["bldg_id"].isin(chosen)]
    elif kind == "crowded":
        more = households[households["bldg_id"].isin(chosen)]
        new = more["household_id"] + f"+{rng.integers(10**9)}"
        households = pd.concat([households, more.assign(household_id=new)])
    elif kind == "built":
        name = f"new {rng.integers(10**9)}"
        row = buildings.iloc[[rng.integers(len(buildings))]]
        moved = affinity.translate(row.geometry.iloc[0], *(60 * rng.random(2)))
        buildings = pd.concat([buildings, _with(row, moved).assign(bldg_id=name)])
        ids = [f"{name}-{k}" for k in range(rng.integers(1, 60))]
        new = pd.DataFrame({"household_id": ids, "bldg_id": name, "unit": None})
        households = pd.concat([households, new])
    elif kind == "site_closed" and len(sites):
        sites = sites.drop(index=sites.index[rng.integers(len(sites))])
    elif kind == "site_opened":
        around = buildings.geometry.iloc[rng.integers(len(buildings))]
        site = {"site_id": [f"new {rng.integers(10**9)}"], "name": ["new"], "category": ["school"]}
        land = [around.buffer(5 + 40 * rng.random())]
        sites = pd.concat([sites, gpd.GeoDataFrame(site, geometry=land, crs=sites.crs)])
    elif kind == "merged" and len(communities) > 1:
        heir, gone = rng.choice(len(communities), 2, replace=False)
        both = shapely.union_all(communities.geometry.iloc[[heir, gone]].to_numpy())
        shapes = communities.geometry.to_numpy().copy()
        shapes[heir] = both
        communities = _all_with(communities, shapes).drop(index=communities.index[gone])
    elif kind == "split":
        row = rng.integers(len(communities))
        shapes = communities.geometry.to_numpy().copy()
        west, south, east, north = shapes[row].bounds
        middle = west + (east - west) * (0.3 + 0.4 * rng.random())
        half = shapely.box(west - 1, south - 1, middle, north + 1)
        rest = _with(communities.iloc[[row]], shapes[row].difference(half))
        shapes[row] = shapes[row].intersection(half)
        code = str(int(communities["code"].max()) + 1)
        communities = pd.concat([_all_with(communities, shapes), rest.assign(code=code)])
    return Town(
        *(frame.reset_index(drop=True) for frame in (communities, buildings, households, sites))
    )


def _with(row: gpd.GeoDataFrame, shape: shapely.Geometry) -> gpd.GeoDataFrame:
    return row.set_geometry(gpd.GeoSeries([shape], index=row.index, crs=row.crs))


def _all_with(frame: gpd.GeoDataFrame, shapes: np.ndarray) -> gpd.GeoDataFrame:
    return frame.set_geometry(gpd.GeoSeries(shapes, index=frame.index, crs=frame.crs))
