"""Real places: how the borders of cells look there, beside an earlier version.

``python benchmarks/places.py FILE... --before ROOT --pictures DIR``. A file has communities in a
layer `admin` (OpenStreetMap, level 8), `commune` or `districts`; otherwise the convex hull of the
buildings is the only one. In place of `buildings` it may have census `blocks` with `TOTPOP`.
Layers `campus`, `roads`, `rivers` and `rail` are read where they are there. ROOT is a checkout of
the earlier version, which runs with the packages that are installed for this one.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio
import shapely

import gridcell
from gridcell.report import make_report

HERE = Path(__file__).parents[1]
_COMMUNITIES = ("admin", "commune", "districts")
_BARRIERS = ("roads", "rivers", "rail")
_LEVELS = ("small", "micro")
_PEOPLE_PER_HOUSEHOLD = 2.5
"""Where a file has people of census blocks in place of buildings."""


def read_place(file: Path) -> gridcell.Layers:
    """Return the layers of a place."""
    names = [str(name) for name, _ in pyogrio.list_layers(file)]
    land = _communities(file, names)
    if "buildings" not in names:
        blocks = gpd.read_file(file, layer="blocks")
        held = (blocks["TOTPOP"] / _PEOPLE_PER_HOUSEHOLD).round().astype(int)
        atoms = gpd.GeoDataFrame(
            {"atom_id": blocks["GEOID10"], "households": held}, geometry=blocks.geometry
        )
        return gridcell.read_layers(land, atoms=atoms)
    return gridcell.read_layers(
        land,
        f"{file}#buildings",
        sites=f"{file}#campus" if "campus" in names else None,
        barriers=[_barriers(file, name) for name in _BARRIERS if name in names],
    )


def _communities(file: Path, names: list[str]) -> gpd.GeoDataFrame:
    known = next((name for name in _COMMUNITIES if name in names), None)
    if known is None:
        buildings = gpd.read_file(file, layer="buildings")
        hull = buildings.union_all().convex_hull
        return gpd.GeoDataFrame(
            {"code": ["1"], "name": [file.stem]}, geometry=[hull], crs=buildings.crs
        )
    land = gpd.read_file(file, layer=known)
    if "admin_level" in land:
        land = land[(land["admin_level"].astype(str) == "8") & land["name"].notna()]
    land = land.reset_index(drop=True)
    land["geometry"] = shapely.force_2d(land.geometry.to_numpy())
    code = [str(1 + row) for row in range(len(land))]
    return gpd.GeoDataFrame({"code": code, "name": code}, geometry=land.geometry, crs=land.crs)


def _barriers(file: Path, name: str) -> gpd.GeoDataFrame:
    lines = gpd.read_file(file, layer=name)
    kind = {"roads": "road", "rivers": "river", "rail": "rail"}[name]
    lines["geometry"] = shapely.force_2d(lines.geometry.to_numpy())
    out = gpd.GeoDataFrame(
        {"kind": kind}, index=lines.index, geometry=lines.geometry, crs=lines.crs
    )
    return out.assign(rank=lines["highway"]) if "highway" in lines else out


def divide(file: Path, out: Path) -> None:
    """Divide a place by the version that is imported, and write its cells and figures."""
    layers = read_place(file)
    begin = time.process_time()
    plan = gridcell.make_plan(layers)
    seconds = time.process_time() - begin
    report = make_report(plan)
    for level in _LEVELS:
        cells = plan.cells(level)
        columns = ["community", "grid_type", "households", "band", "compactness", "geometry"]
        cells[columns].to_parquet(out / f"{level}.parquet")
    (out / "figures.json").write_text(
        json.dumps({"cpu_s": seconds, "streets": report["barrier_share"], "ok": plan.ok})
    )


def run(file: Path, root: Path, out: Path) -> None:
    """Divide a place in a process of its own, by the version in a checkout."""
    env = {**os.environ, "PYTHONPATH": str(root)}
    subprocess.run(
        [sys.executable, __file__, str(file), "--divide", str(out)], env=env, cwd=root, check=True
    )


def rows_of(place: str, version: str, out: Path) -> list[dict[str, object]]:
    """Return what was measured, a row a level."""
    # Earlier versions, which only divide, do not have it.
    from gridcell.borders import border_figures

    told = json.loads((out / "figures.json").read_text())
    rows = []
    for level in _LEVELS:
        cells = gpd.read_parquet(out / f"{level}.parquet")
        figures = border_figures(cells)
        general = cells[cells["grid_type"] == "general"]
        rows.append(
            {
                "place": place, "level": level, "version": version, "cells": len(general),
                "in band %": round(100 * (general["band"] == "in").mean(), 1),
                "compactness": round(general["compactness"].mean(), 3),
                "under .2": figures.below_02, "concave": figures.concave,
                "necks": figures.necks, "holes": figures.holes,
                "tails %": round(100 * (figures.tails or 0), 2), "vertices": figures.vertices,
                "households ≤ 1": int((general["households"] <= 1).sum()),
                "streets %": round(100 * told["streets"][level], 1),
                "CPU s": round(told["cpu_s"], 1),
            }
        )  # fmt: skip
    return rows


def draw(before: Path, after: Path, picture: Path) -> None:
    """Draw the small cells of both versions side by side, the compact ones green."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(14, 7))
    for axis, folder, title in zip(axes, (before, after), ("before", "after"), strict=True):
        cells = gpd.read_parquet(folder / "small.parquet")
        general = cells["grid_type"] == "general"
        cells[general].plot(
            "compactness", ax=axis, cmap="RdYlGn", vmin=0, vmax=0.8, edgecolor="#333", linewidth=0.4
        )
        if not general.all():
            cells[~general].plot(ax=axis, color="#bbb", edgecolor="#333", linewidth=0.4)
        axis.set_title(title)
        axis.set_axis_off()
    figure.tight_layout()
    figure.savefig(picture, dpi=75)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--before", type=Path, help="checkout of an earlier version")
    parser.add_argument("--pictures", type=Path, help="folder for a picture of each place")
    parser.add_argument("--divide", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.divide:
        divide(given.files[0], given.divide)
        return
    versions = {"before": given.before, "after": HERE} if given.before else {"after": HERE}
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for file in given.files:
            if not file.exists():
                print(f"{file}: not there, left out", file=sys.stderr)
                continue
            outs = {name: Path(folder) / f"{file.stem} {name}" for name in versions}
            for name, out in outs.items():
                out.mkdir()
                run(file.resolve(), versions[name].resolve(), out)
                rows += rows_of(file.stem, name, out)
            if given.pictures and given.before:
                given.pictures.mkdir(parents=True, exist_ok=True)
                draw(outs["before"], outs["after"], given.pictures / f"{file.stem}.png")
    table = pd.DataFrame(rows)
    if len(table):
        table = table.sort_values(["place", "level"], ascending=[True, False], kind="stable")
        print("|", " | ".join(table.columns), "|")
        print("|", " | ".join("---" for _ in table.columns), "|")
        for row in table.itertuples(index=False):
            print("|", " | ".join(map(str, row)), "|")


if __name__ == "__main__":
    main()
