"""Makes the files that the examples of the documentation find: ``example_files.py KIND FOLDER``.

``town`` is a small part of the sample, with codes of the same kind as in the documentation, and by
their usual names a division that somebody drew, addresses, contacts and the like; ``plan`` has a
plan of it as well; ``blocks`` has communities and census blocks.
"""

import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely

import gridcell
from gridcell.sample import write_sample
from gridcell.sample.spec import CommunitySpec
from gridcell.sample.town import build_town

STREET = "450802001"


def main(kind: str, folder: Path) -> None:
    if kind == "plan":
        shutil.copytree(folder.with_name("town"), folder)
        divide(folder)
        return
    town(folder)
    if kind == "blocks":
        blocks(folder)


def town(folder: Path) -> None:
    specs = [
        CommunitySpec(code=f"{STREET}013", quarter="荷城", households=5600, sites=5),
        CommunitySpec(code=f"{STREET}014", quarter="港宁", households=900, sites=2),
    ]
    made = build_town(specs, seed=6, south_urbanity=0.5, title="a town", command="", notes=())
    write_sample(made, folder)
    drawn(folder, made.communities)
    people(folder, made.staff, made.buildings)


def drawn(folder: Path, land: gpd.GeoDataFrame) -> None:
    """Write cells that somebody drew: strips across the communities, each off by a bit."""
    west, south, east, north = land.total_bounds
    edges = np.linspace(west, east, 8)
    strips = [shapely.box(a, south, b + 0.4, north) for a, b in pairwise(edges)]
    pieces = []
    for code, shape in zip(land["code"], land.geometry, strict=True):
        parts = [part for strip in strips for part in shapely.get_parts(strip & shape)]
        own = [part for part in parts if part.area > 4e4]
        # What a strip cuts off goes to whoever is beside it, as people would draw it.
        for crumb in (part for part in parts if 1 < part.area <= 4e4):
            at = max(range(len(own)), key=lambda n: shapely.length(own[n] & crumb.buffer(1)))
            own[at] = own[at] | crumb
        pieces += [(f"{code}{number:03}", piece) for number, piece in enumerate(own, 1)]
    cells = gpd.GeoDataFrame(
        {"code": [code for code, _ in pieces]}, geometry=[p for _, p in pieces], crs=land.crs
    )
    pyogrio.write_dataframe(cells, folder / "cells.shp", encoding="UTF-8")
    cells.to_crs(4326).to_file(folder / "police.geojson", engine="pyogrio")
    counted = land[["code", "geometry"]].assign(households=[5600, 900])
    counted.to_file(folder / "counted.gpkg", engine="pyogrio")


def people(folder: Path, staff: pd.DataFrame, buildings: gpd.GeoDataFrame) -> None:
    """Write addresses, reports, positions and contacts."""
    chosen = buildings.iloc[::7]
    places = chosen.geometry.representative_point().to_crs(4326)
    x, y = (at.to_numpy().round(7) for at in (places.x, places.y))
    points = pd.DataFrame({"lon": x, "lat": y})
    points.assign(address=np.arange(len(points))).to_csv(folder / "addresses.csv", index=False)
    points.iloc[:9].to_csv(folder / "reports.csv", index=False)
    ids = staff["staff_id"].drop_duplicates().iloc[: len(points)]
    points.iloc[: len(ids)].assign(staff_id=ids.to_numpy()).to_csv(folder / "now.csv", index=False)
    contacts = pd.DataFrame({"staff_id": ids, "name": [f"N. {n}" for n in range(len(ids))]})
    contacts.assign(phone="+86 771 0000000").to_csv(folder / "contacts.csv", index=False)
    pairs = pd.DataFrame({"bldg_id": buildings["bldg_id"]})
    middles = buildings.geometry.centroid.x.rank(pct=True)
    codes = [f"{STREET}013{number:03}" for number in (middles * 12).astype(int) + 1]
    pairs.assign(code=codes).to_csv(folder / "cells.csv", index=False)


def blocks(folder: Path) -> None:
    """Write census blocks with dwellings: a lattice over the communities."""
    land = gpd.read_file(folder / "communities.shp", engine="pyogrio")
    west, south, east, north = land.total_bounds
    step = 120.0
    squares = [
        shapely.box(x, y, x + step, y + step)
        for x in np.arange(west, east, step) for y in np.arange(south, north, step)
    ]  # fmt: skip
    whole = land.geometry.union_all()
    kept = [square for square in squares if shapely.intersection(square, whole).area > 1]
    ids, dwellings = [f"{n:08}" for n in range(len(kept))], 20 + np.arange(len(kept)) % 30
    cells = gpd.GeoDataFrame({"GEOID20": ids, "HOUSING20": dwellings}, geometry=kept, crs=land.crs)
    cells.to_file(folder / "blocks.gpkg", engine="pyogrio")


def divide(folder: Path) -> None:
    names = ("--households", "households.csv", "--sites", "sites.shp", "--barriers", "roads.shp",
             "--barriers", "rivers.shp", "--staff", "staff.csv")  # fmt: skip
    program = [
        sys.executable,
        "-m",
        "gridcell_cli",
        "partition",
        "communities.shp",
        "buildings.shp",
    ]
    subprocess.run([*program, *names, "-q", "-o", "plan"], cwd=folder, check=True)
    plan = gridcell.read_plan(folder / "plan", atoms=False)
    edited = plan.small[["code", "geometry"]]
    edited.to_file(folder / "edited.gpkg", engine="pyogrio")
    (folder / "edits.json").write_text(
        f'[{{"operation": "lock", "cell": "{plan.small["code"].iloc[0]}"}}]', "utf-8"
    )
    x, y = shapely.get_coordinates(plan.small.geometry.iloc[1].centroid)[0]
    line = shapely.LineString([(x, y - 2000), (x, y + 2000)])
    streets = gpd.GeoSeries([line], crs=plan.crs).to_crs(4326)
    streets.to_file(folder / "street.geojson", engine="pyogrio")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
