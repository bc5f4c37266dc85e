"""What may happen to a town, and to its plan, from one year to the next, drawn at random."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely import affinity, ops

import gridcell
from gridcell.model import Layers, Plan
from gridcell.revision.edits import Edit
from gridcell.sample.spec import Sample

KINDS = (
    "nothing", "demolished", "crowded", "built", "site_closed", "site_opened", "merged", "split",
)  # fmt: skip
EDITS = (
    "merge", "merge", "split", "split", "move", "move", "swap", "swap", "nudge", "nudge",
    "rename", "lock", "lock", "unlock", "undo",
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


def recode_town(town: Town, rng: np.random.Generator) -> tuple[Town, dict[str, str]]:
    """Return the town with another code for one of its communities, and which."""
    code = town.communities["code"]
    old, new = str(code.iloc[rng.integers(len(code))]), str(int(code.max()) + 1)
    renamed = town.communities.assign(code=code.replace({old: new}))
    return town._replace(communities=renamed), {old: new}


def draw_edit(plan: Plan, kind: str, rng: np.random.Generator) -> Edit:
    """Return some edit of a kind that looks feasible; the plan may still have reasons to refuse."""
    if kind == "undo":
        return gridcell.Undo()
    if kind == "unlock":
        locked = plan.codes.loc[plan.codes["locked"], "code"]
        return gridcell.Unlock(str(_one(locked if len(locked) else plan.small["code"], rng)))
    if kind == "lock":
        codes = (plan.micro["code"], plan.small["code"], plan.medium["community"])
        held = [column for column in codes if len(column)]
        return gridcell.Lock(str(_one(held[min(len(held) - 1, rng.integers(4) // 2)], rng)))
    level = "micro" if (rng.random() < 0.6 or kind == "swap") and len(plan.micro) else "small"
    cells = plan.cells(level).set_index("code")
    if kind == "rename":
        name = f"quarter {rng.integers(99)}" if rng.random() < 0.7 else None
        return gridcell.Rename(str(_one(cells.index, rng)), name)
    cells = cells[cells["grid_type"] == "general"]
    a = str(_one(cells.index, rng))
    # Micro cells are merged within a small cell, and nothing passes the boundary of a community.
    above = "parent" if kind == "merge" else "community"
    inside = cells[above] == cells.loc[a, above]
    shapes = cells.geometry
    beside = cells.index[inside & (shapes.distance(shapes[a]) < 0.01) & (cells.index != a)]
    b = str(_one(beside if len(beside) else cells.index, rng))
    if kind == "merge":
        return gridcell.Merge(a, b)
    if kind == "split":
        if rng.random() < 0.6:
            return gridcell.Split(a, int(rng.integers(2, 4)))
        return gridcell.Split(a, line=_across(shapes[a], rng))
    column = "code" if level == "micro" else "small"
    homes = plan.buildings.assign(small=_small_of(plan))
    whole = homes.groupby("bldg_id")[column].transform("nunique") == 1
    near = [
        homes[whole & (homes[column] == here)]
        .assign(away=lambda own, to=there: own.distance(shapes[to]))
        .sort_values(["away", "bldg_id"])["bldg_id"].drop_duplicates().head(4)
        for here, there in ((a, b), (b, a))
    ]  # fmt: skip
    mine, theirs = ([str(name) for name in names[: rng.integers(1, 4)]] for names in near)
    if kind == "swap":
        return gridcell.Swap(mine, theirs)
    if kind == "move":
        return gridcell.Move(mine, b)
    if rng.random() < 0.4 and mine:
        return gridcell.Nudge(a, b, buildings=mine)
    return gridcell.Nudge(a, b, line=shapes[b].buffer(3 + 30 * rng.random()).boundary)


def draw_layer(plan: Plan, rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Return a layer of a plan as somebody leaves it who changed some of its cells by hand."""
    levels = [level for level in ("small", "micro", "leaves") if len(plan.cells(level))]
    cells = plan.cells(levels[rng.integers(len(levels))]).copy()
    for _ in range(rng.integers(4)):
        row = int(rng.integers(len(cells)))
        shapes = cells.geometry.to_numpy().copy()
        touching = np.flatnonzero(shapely.distance(shapes, shapes[row]) < 0.01)
        other = int(_one(touching[touching != row], rng)) if len(touching) > 1 else row
        kind = rng.choice(["dissolve", "cut", "shift", "rough", "drop", "rename", "uncode"])
        if kind == "dissolve" and other != row:
            shapes[row] = shapely.union(shapes[row], shapes[other])
            cells = _all_with(cells, shapes).drop(index=cells.index[other])
        elif kind == "cut":
            parts = shapely.get_parts(ops.split(shapes[row], _across(shapes[row], rng)))
            rest = shapely.union_all(parts[1:])
            shapes[row] = parts[0]
            more = [_with(cells.iloc[[row]], rest)] if len(parts) > 1 else []
            cells = pd.concat([_all_with(cells, shapes), *more])
        elif kind == "shift" and other != row:
            near = shapely.buffer(shapes[row], 40 * rng.random())
            gain = shapely.intersection(shapes[other], near)
            shapes[row] = shapely.union(shapes[row], gain)
            shapes[other] = shapely.difference(shapes[other], gain)
            cells = _all_with(cells, shapes)
        elif kind == "rough":
            points, of = np.unique(shapely.get_coordinates(shapes), axis=0, return_inverse=True)
            points[rng.integers(len(points), size=20)] += rng.uniform(-3, 3, (20, 2))
            shapes = shapely.make_valid(shapely.set_coordinates(shapes, points[of.ravel()]))
            cells = _all_with(cells, shapes)
        elif kind == "drop" and len(cells) > 2:
            cells = cells.drop(index=cells.index[row])
        elif kind == "rename":
            cells.loc[cells.index[row], "name"] = f"hand {rng.integers(99)}"
        elif kind == "uncode":
            cells.loc[cells.index[row], "code"] = None
        cells = cells.reset_index(drop=True)
    return cells[~cells.geometry.is_empty].reset_index(drop=True)


def _small_of(plan: Plan) -> "pd.Series[str]":
    over = plan.micro.set_index("code")["parent"]
    code = plan.buildings["code"]
    return code.map(over).where(code.isin(over.index), code)


def _one(things: Sequence[Any], rng: np.random.Generator) -> Any:
    return np.asarray(things, dtype=object)[rng.integers(len(things))]


def _across(shape: shapely.Geometry, rng: np.random.Generator) -> shapely.LineString:
    """Return a line through a cell, in any direction."""
    x0, y0, x1, y1 = shape.bounds
    inside = rng.uniform(0.2, 0.8, 2) * [x1 - x0, y1 - y0] + [x0, y0]
    turn = np.pi * rng.random()
    far = np.hypot(x1 - x0, y1 - y0) * np.array([np.cos(turn), np.sin(turn)])
    return shapely.LineString([inside - far, inside + far])


def _with(row: gpd.GeoDataFrame, shape: shapely.Geometry) -> gpd.GeoDataFrame:
    return row.set_geometry(gpd.GeoSeries([shape], index=row.index, crs=row.crs))


def _all_with(frame: gpd.GeoDataFrame, shapes: np.ndarray) -> gpd.GeoDataFrame:
    return frame.set_geometry(gpd.GeoSeries(shapes, index=frame.index, crs=frame.crs))
