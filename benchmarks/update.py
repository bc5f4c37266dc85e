"""Updates against divisions from scratch: what changes when some of the buildings change.

``python benchmarks/update.py`` divides the sample town; ``--data FILE`` with the layers `admin`,
`buildings`, `roads` and `rivers` anything else. Changes: growth in a quarter (twice the
households), a compound demolished, or scattered ones (a third of the buildings gone, a third with
more households, a third replaced by smaller ones).
"""

import argparse
import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

import gridcell
from gridcell.model import Layers, Plan

SAMPLE = Path(__file__).parents[1] / "data" / "samples" / "hecheng"
KINDS = ("scattered", "growth", "demolished")


def sample_layers() -> Layers:
    return gridcell.read_layers(
        SAMPLE / "communities.shp", SAMPLE / "buildings.shp",
        households=SAMPLE / "households.csv", sites=SAMPLE / "sites.shp",
        barriers=[SAMPLE / "roads.shp", SAMPLE / "rivers.shp"],
    )  # fmt: skip


def file_layers(file: str) -> Layers:
    """Return the layers of a file whose communities are administrative areas with names."""
    land = gpd.read_file(file, layer="admin")
    land = land[(land["admin_level"].astype(str) == "8") & land["name"].notna()]
    land = land.rename(columns={"osm_id": "code"})[["code", "name", "geometry"]]
    return gridcell.read_layers(
        land, f"{file}#buildings", barriers=[f"{file}#roads", f"{file}#rivers"]
    )


def changed(layers: Layers, kind: str, share: float, seed: int) -> tuple[Layers, set[str]]:
    """Return the layers after a change, and the buildings that it concerns."""
    rng = np.random.default_rng(seed)
    buildings, table = layers.buildings, layers.households
    assert buildings is not None
    ids = buildings["bldg_id"].to_numpy(dtype=object)
    count = round(share * len(ids))
    if kind == "scattered":
        chosen = rng.choice(len(ids), count, replace=False)
    else:
        centre = shapely.get_coordinates(shapely.centroid(buildings.geometry.to_numpy()))
        chosen = np.argsort(np.hypot(*(centre - centre[rng.integers(len(ids))]).T))[:count]
    parts = {
        "scattered": np.array_split(rng.permutation(chosen), 3),
        "growth": [chosen[:0], chosen, chosen[:0]],
        "demolished": [chosen, chosen[:0], chosen[:0]],
    }[kind]
    gone, grown, rebuilt = parts
    geometry = buildings.geometry.to_numpy().copy()
    for row in rebuilt:
        geometry[row] = shapely.affinity.scale(geometry[row], 0.9, 0.9)
    new = buildings.set_geometry(gpd.GeoSeries(geometry, index=buildings.index, crs=layers.crs))
    if table is not None:
        more = table[table["bldg_id"].isin(set(ids[grown]))]
        if kind == "scattered":
            more = more.sample(frac=0.4, random_state=seed)
        more = more.assign(household_id="new " + more["household_id"])
        table = pd.concat([table[~table["bldg_id"].isin(set(ids[gone]))], more], ignore_index=True)
    elif "floors" in new:
        floors = new["floors"].to_numpy(dtype=np.float64, copy=True)
        floors[grown] = 2 * np.nan_to_num(floors[grown], nan=2.0)
        new = new.assign(floors=floors)
    new = new.drop(index=new.index[gone]).reset_index(drop=True)
    return dataclasses.replace(layers, buildings=new, households=table), set(ids[chosen])


def moved(before: Plan, after: Plan, but: set[str]) -> float:
    """Return the share of households of unchanged buildings whose leaf has another code."""
    held = []
    for plan in (before, after):
        own = plan.buildings[plan.buildings["code"].notna() & ~plan.buildings["bldg_id"].isin(but)]
        held.append(own.groupby(["bldg_id", "code"])["households"].sum())
    both = pd.concat(held, axis=1, keys=["old", "new"]).fillna(0)
    return float(1 - both.min(axis=1).sum() / both["old"].sum())


def figures(plan: Plan) -> list[str]:
    out = []
    for level in ("small", "micro"):
        cells = plan.cells(level)
        cells = cells[cells["grid_type"] == "general"]
        out += [f"{(cells['band'] == 'in').mean():.1%}", f"{cells['compactness'].mean():.3f}"]
    return out


def rows(layers: Layers, kinds: list[str], shares: list[float], seed: int) -> Iterator[list[str]]:
    gridcell.make_plan(layers)  # compiles
    first = gridcell.make_plan(layers)
    for kind in kinds:
        for share in shares:
            new, concerned = changed(layers, kind, share, seed)
            start = time.process_time()
            updated = gridcell.update_plan(first, new)
            middle = time.process_time()
            scratch = gridcell.make_plan(new)
            took = middle - start, time.process_time() - middle
            for name, plan, seconds in (
                ("update", updated, took[0]), ("from scratch", scratch, took[1]),
            ):  # fmt: skip
                yield [
                    kind, f"{share:.0%}", name, f"{moved(first, plan, concerned):.2%}",
                    *figures(plan), "yes" if plan.ok else "NO", f"{seconds:.2f}",
                ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="sample", help="sample, or a GeoPackage")
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=KINDS)
    parser.add_argument("--shares", nargs="+", type=float, default=[0.01, 0.05, 0.2])
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    layers = sample_layers() if given.data == "sample" else file_layers(given.data)
    names = (
        "change", "buildings", "way", "other code", "small in band", "compactness",
        "micro in band", "compactness", "proofs hold", "CPU s",
    )  # fmt: skip
    print("| " + " | ".join(names) + " |")
    print("|---|---:|---|---:|---:|---:|---:|---:|---|---:|")
    for row in rows(layers, given.kinds, given.shares, given.seed):
        print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
