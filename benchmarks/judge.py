"""Cells drawn at random from a real place, to be judged by eye, with the measures of each.

``python benchmarks/judge.py FILE --cells 50 --sheets DIR``. A file is read as `places.py` reads it.
DIR gets contact sheets of 25 micro cells each (dark outline) amid their neighbours, with buildings,
streets and water, and `cells.csv`: number on the sheets, code and measures. `--torn` alone prints
how many pairs of buildings that share a wall are in different micro cells, though one cell could
hold both with all that are attached to them.
"""

import argparse
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from PIL import Image, ImageDraw
from places import read_place
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

import gridcell
from gridcell.borders import NECK_M, TAIL_M

_A_SHEET = 25
_SIDE = 300
_TOUCH_M = 0.1
_WALL_M = 1.0
"""Least length of a wall that two buildings share."""


def touching(buildings: gpd.GeoDataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs of rows of buildings that share a wall."""
    shapes = buildings.geometry.to_numpy()
    a, b = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=_TOUCH_M)
    a, b = a[a < b], b[a < b]
    near = shapely.buffer(shapes[b], _TOUCH_M, join_style="mitre")
    wall = shapely.length(shapely.intersection(shapely.boundary(shapes[a]), near))
    return a[wall >= _WALL_M], b[wall >= _WALL_M]


def torn_pairs(plan: gridcell.Plan) -> dict[str, float]:
    """Return how many touching pairs there are, and how many are torn though they need not be."""
    buildings = plan.buildings[plan.buildings["code"].notna()].reset_index(drop=True)
    a, b = touching(buildings)
    n = len(buildings)
    links = coo_array((np.ones(len(a), dtype=np.int8), (a, b)), shape=(n, n))
    block = connected_components(links, directed=False)[1]
    held = np.bincount(block, weights=buildings["households"])
    most = plan.rules.micro.max if plan.rules.micro else np.inf
    code = buildings["code"].to_numpy(dtype=object)
    general = buildings["code"].isin(plan.micro["code"]).to_numpy()
    small = plan.micro.set_index("code")["parent"].reindex(code).to_numpy(dtype=object)
    fits = general[a] & general[b] & (held[block[a]] <= most)
    apart = fits & (code[a] != code[b])
    blocks = np.bincount(block) > 1
    mine = np.zeros(len(blocks), dtype=bool)
    mine[block[a][apart]] = True
    able = np.zeros(len(blocks), dtype=bool)
    able[block[a][fits]] = True
    return {
        "buildings": n, "touching": len(a), "that fit": int(fits.sum()), "torn": int(apart.sum()),
        "torn %": round(100 * apart.sum() / max(fits.sum(), 1), 1),
        "by small cells": int((apart & (small[a] != small[b])).sum()),
        "blocks": int(able.sum()), "blocks torn": int(mine.sum()),
    }  # fmt: skip


def measures(plan: gridcell.Plan) -> pd.DataFrame:
    """Return what is measured of each micro cell."""
    cells = plan.micro
    shapes = cells.geometry.to_numpy()
    hull = shapely.area(shapely.convex_hull(shapes))
    wide = shapely.area(shapely.buffer(shapely.buffer(shapes, -TAIL_M / 2), TAIL_M / 2))
    core = shapely.buffer(shapely.buffer(shapes, -NECK_M / 2), NECK_M / 2)
    box = shapely.minimum_rotated_rectangle(shapes)
    side = [np.sort(np.hypot(*np.diff(shapely.get_coordinates(b)[:3], axis=0).T)) for b in box]
    a, b = touching(plan.buildings)
    code = plan.buildings["code"].to_numpy(dtype=object)
    torn = pd.Series(np.concatenate([code[a][code[a] != code[b]], code[b][code[a] != code[b]]]))
    return pd.DataFrame(
        {
            "code": cells["code"], "households": cells["households"], "band": cells["band"],
            "compactness": cells["compactness"].round(3),
            "hull": (shapely.area(shapes) / hull).round(3),
            "tail": (1 - wide / shapely.area(shapes)).round(3),
            "necks": shapely.get_num_geometries(core) - 1,
            "aspect": [round(float(s[1] / s[0]), 2) for s in side],
            "torn": cells["code"].map(torn.value_counts()).fillna(0).astype(int),
            "hectares": (shapely.area(shapes) / 1e4).round(2),
        }
    )  # fmt: skip


def draw_sheets(plan: gridcell.Plan, rows: np.ndarray, folder: Path) -> None:
    """Draw the cells in some rows, 25 a sheet, each amid what lies around it."""
    for sheet in range(0, len(rows), _A_SHEET):
        page = Image.new("RGB", (5 * _SIDE, 5 * _SIDE), "white")
        for place, row in enumerate(rows[sheet : sheet + _A_SHEET]):
            corner = (place % 5 * _SIDE, place // 5 * _SIDE)
            page.paste(_picture(plan, int(row), 1 + sheet + place), corner)
        page.save(folder / f"sheet{1 + sheet // _A_SHEET}.png")


def _picture(plan: gridcell.Plan, row: int, number: int) -> Image.Image:
    """Return a cell with what lies around it, and its figures."""
    micro, buildings = plan.micro, plan.buildings
    cell = micro.iloc[row]
    west, south, east, north = cell.geometry.bounds
    half = 0.75 * max(east - west, north - south) + 15
    x, y = (west + east) / 2 - half, (south + north) / 2 + half
    scale = _SIDE / (2 * half)
    window = shapely.box(x, y - 2 * half, x + 2 * half, y)
    image = Image.new("RGB", (_SIDE, _SIDE), "white")
    pen = ImageDraw.Draw(image)

    def put(shapes: gpd.GeoSeries, *, fill: str | None, line: str | None, width: int = 1) -> None:
        near = shapes[shapes.intersects(window)]
        for part in shapely.get_parts(shapely.intersection(near.to_numpy(), window)):
            rings = [part.exterior, *part.interiors] if part.geom_type == "Polygon" else [part]
            for ring in rings:
                if ring.is_empty or "Point" in ring.geom_type:
                    continue
                flat = [
                    ((a - x) * scale, (y - b) * scale) for a, b in shapely.get_coordinates(ring)
                ]
                if fill and ring is rings[0]:
                    pen.polygon(flat, fill=fill)
                if line:
                    pen.line(flat, fill=line, width=width)

    mine = micro["code"] == cell["code"]
    dedicated = plan.small["grid_type"] == "dedicated"
    put(plan.small.geometry[dedicated], fill="#f4d9b0", line=None)
    put(micro.geometry[mine], fill="#d5e7f8", line=None)
    own = buildings["code"] == cell["code"]
    put(buildings.geometry[~own], fill="#bbbbbb", line="#dddddd")
    put(buildings.geometry[own], fill="#3b6ea5", line="#ffffff")
    for kind, colour in (("road", "#e09020"), ("river", "#4aa3df"), ("rail", "#333333")):
        put(plan.barriers.geometry[plan.barriers["kind"] == kind], fill=None, line=colour)
    put(micro.geometry, fill=None, line="#777777")
    put(micro.geometry[mine], fill=None, line="#000000", width=3)
    said = f"{number}: {cell['households']} hh  {cell['compactness']:.2f}  {2 * half:.0f} m"
    pen.rectangle((0, 0, 6 * len(said) + 8, 14), fill="white")
    pen.text((4, 2), said, fill="black")
    pen.rectangle((0, 0, _SIDE - 1, _SIDE - 1), outline="#999999")
    return image


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("place", type=Path, help="a file as places.py reads it, or a plan's folder")
    parser.add_argument("--cells", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sheets", type=Path, help="folder of the sheets and cells.csv")
    parser.add_argument("--keep", type=Path, help="write the plan into this folder")
    parser.add_argument("--torn", action="store_true")
    given = parser.parse_args()
    if given.place.is_dir():
        plan = gridcell.read_plan(given.place)
    else:
        plan = gridcell.make_plan(read_place(given.place))
    if given.keep:
        gridcell.write_plan(plan, given.keep, overwrite=True)
    print(given.place.stem, torn_pairs(plan))
    if given.torn or not given.sheets:
        return
    given.sheets.mkdir(parents=True, exist_ok=True)
    chance = np.random.default_rng(given.seed)
    rows = np.sort(chance.permutation(len(plan.micro))[: given.cells])
    table = measures(plan).iloc[rows].reset_index(drop=True)
    table.insert(0, "number", np.arange(1, len(table) + 1))
    table.to_csv(given.sheets / "cells.csv", index=False)
    draw_sheets(plan, rows, given.sheets)


if __name__ == "__main__":
    main()
