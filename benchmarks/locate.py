"""A million points into 33,000 cells: CPU time beside geopandas, a service, memory of a stream.

    python benchmarks/locate.py                  points in memory, and one at a time
    python benchmarks/locate.py --stream 5000000 a CSV file of so many rows
    python benchmarks/locate.py --nearest PLAN ROSTER   who is nearest along the streets of a plan

Two points in a hundred lie exactly on vertices of cells. Without ``--cells FILE``, cells are those
of a Voronoi diagram.
"""

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from rtree.index import Index

from gridcell import Rules, read_plan, renew_staff, walking_network
from gridcell.formats.geopackage import write_geopackage
from gridcell.locator import locate, open_locator
from gridcell.model import Plan, findings_frame
from gridcell.schema import CELL_COLUMNS, HOUSEHOLD_COLUMNS, LINEAGE_COLUMNS, VACANCY_COLUMNS

CRS = pyproj.CRS.from_epsg(32650)
ROUNDS = 5


def make_cells(file: str | None, count: int) -> np.ndarray:
    if file is not None:
        return np.asarray(gpd.read_file(file).geometry.array)
    rng = np.random.default_rng(1)
    land = shapely.box(448_000, 4_418_000, 453_000, 4_422_000)
    seeds = shapely.multipoints(rng.uniform(*np.reshape(land.bounds, (2, 2)), (count, 2)))
    cells = shapely.get_parts(shapely.voronoi_polygons(seeds, extend_to=land))
    return shapely.coverage_clean(shapely.intersection(cells, land))


def make_points(cells: np.ndarray, count: int) -> np.ndarray:
    rng = np.random.default_rng(7)
    land = shapely.coverage_union_all(cells)
    shapely.prepare(land)
    corners = count // 50
    xy = np.empty((0, 2))
    while len(xy) < count - corners:
        more = rng.uniform(land.bounds[:2], land.bounds[2:], (count, 2))
        xy = np.vstack([xy, more[shapely.contains_xy(land, more)]])
    vertices = shapely.get_coordinates(cells)
    xy = np.vstack([xy[: count - corners], vertices[rng.integers(0, len(vertices), corners)]])
    return xy[rng.permutation(count)]


def frame(code: list[str], parent: list[str | None], level: int, shapes: np.ndarray):
    table = pd.DataFrame(dict.fromkeys(CELL_COLUMNS), index=range(len(code)))
    table = table.assign(
        code=code, label=code, parent=parent, level=level, grid_type="general", households=0,
        buildings=0, area_m2=shapely.area(shapes), compactness=0.5,
    )  # fmt: skip
    return gpd.GeoDataFrame(table, geometry=shapes, crs=CRS)


def make_plan(cells: np.ndarray) -> Plan:
    """Return a plan whose leaves are the cells, with 20 in a small grid and 600 in a community."""
    order = np.lexsort(shapely.get_coordinates(shapely.centroid(cells)).T)
    cells = cells[order]
    n = np.arange(len(cells))
    medium = [f"450802001{k:03d}" for k in n // 600]
    small = [f"{m}{k:03d}" for m, k in zip(medium, n % 600 // 20, strict=True)]
    leaf = [f"{s}{k:03d}" for s, k in zip(small, n % 20, strict=True)]
    levels = {}
    for name, codes, level in (("small", small, 3), ("medium", medium, 2)):
        groups = pd.Series(n).groupby(codes)
        shapes = np.array([shapely.coverage_union_all(cells[rows]) for _, rows in groups])
        names = list(groups.groups)
        parents = [c[:12] if level == 3 else c[:9] for c in names]
        levels[name] = frame(names, parents, level, shapes)
    micro = frame(leaf, small, 4, cells)
    land = np.array([shapely.coverage_union_all(cells)])
    empty = gpd.GeoDataFrame(geometry=[], crs=CRS)
    staff = pd.DataFrame({"staff_id": [f"s{k:05d}" for k in range(2 * len(n))]})
    staff["role"], staff["code"], staff["distance_m"] = "micro_chief", np.repeat(leaf, 2), 10.0
    return Plan(
        crs=CRS, large=frame(["450802001"], [None], 1, land), **levels, micro=micro, leaves=micro,
        buildings=empty.assign(bldg_id="", households=0, code=""),
        barriers=empty.assign(kind="", rank="", name=""),
        households=pd.DataFrame(columns=list(HOUSEHOLD_COLUMNS)), staff=staff,
        vacancies=pd.DataFrame(columns=list(VACANCY_COLUMNS)),
        lineage=pd.DataFrame(columns=list(LINEAGE_COLUMNS)),
        findings=findings_frame([], CRS), rules=Rules(), report={},
    )  # fmt: skip


def cpu(function) -> tuple[float, object]:
    start = time.process_time()
    result = function()
    return time.process_time() - start, result


def in_memory(plan: Plan, xy: np.ndarray) -> None:
    points = gpd.GeoDataFrame(geometry=shapely.points(xy), crs=CRS)
    ours, theirs = [], []
    for _ in range(ROUNDS):
        # A fresh copy each time: nothing is indexed or prepared beforehand.
        cells = plan.leaves.copy()
        cells["geometry"] = shapely.from_wkb(shapely.to_wkb(cells.geometry.array))
        fresh = Plan(**{n: getattr(plan, n) for n in Plan.__slots__} | {"leaves": cells})
        seconds, joined = cpu(
            lambda c=cells: gpd.sjoin(points, c[["code", "geometry"]], how="left")
        )
        theirs.append(seconds)
        seconds, located = cpu(lambda p=fresh: locate(p, points))
        ours.append(seconds)
    assert (located["how"] == "inside").all()
    twice = int(joined.index.value_counts().gt(1).sum())
    print(f"{len(xy):,} points, {len(plan.leaves):,} cells, the best of {ROUNDS} rounds, CPU s")
    print(f"geopandas sjoin  {min(theirs):6.2f}  {twice:,} points in several cells")
    print(f"gridcell locate  {min(ours):6.2f}  0 points in several cells, all levels and staff")
    ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    print(f"ratio of one round, median: {ratio:.2f}")


def as_service(file: Path, xy: np.ndarray) -> None:
    pairs = xy[:30_000].tolist()
    start = time.perf_counter()
    locator = open_locator(file)
    opened = time.perf_counter() - start
    locator.locate(*pairs[0], crs=CRS)
    answered = time.perf_counter() - start
    print(f"open a plan of {file.stat().st_size / 1e6:.0f} MB: {opened:.3f} s, "
          f"with the first answer {answered:.3f} s")  # fmt: skip
    to_degrees = pyproj.Transformer.from_crs(CRS, 4326, always_xy=True)
    degrees = np.column_stack(to_degrees.transform(*xy[:30_000].T)).tolist()
    for name, places, crs in (("x, y, cold", pairs, CRS), ("x, y", pairs, CRS),
                              ("lon, lat", degrees, None)):  # fmt: skip
        start = time.process_time()
        for x, y in places:
            locator.locate(x, y, crs=crs)
        rate = len(places) / (time.process_time() - start)
        print(f"one at a time, {name}: {rate:,.0f} per CPU second")
    locator.close()


def as_stream(folder: Path, file: Path, xy: np.ndarray, rows: int) -> None:
    points, out = folder / "points.csv", folder / "out.csv"
    with points.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "address", "x", "y"])
        for start in range(0, rows, len(xy)):
            part = xy[: rows - start].tolist()
            writer.writerows(
                [f"{start + k:07d}", f"荷城路{k}号", x, y] for k, (x, y) in enumerate(part)
            )
    script = (
        "import json, re, sys, time\n"
        "from pathlib import Path\n"
        "from gridcell.locator import locate_file\n"
        "def peak():  # ru_maxrss begins with that of the parent\n"
        "    text = Path('/proc/self/status').read_text()\n"
        "    return int(re.search(r'VmHWM:\\s+(\\d+)', text)[1]) / 1024\n"
        "rest, start = peak(), time.process_time()\n"
        "rows = locate_file(*sys.argv[1:], overwrite=True).rows\n"
        "print(json.dumps([rows, time.process_time() - start, rest, peak()]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, file, points, out],
        stdout=subprocess.PIPE, check=True, encoding="utf-8", env=os.environ,
    )  # fmt: skip
    count, seconds, rest, peak = json.loads(done.stdout)
    print(f"{count:,} rows of CSV, {points.stat().st_size / 1e6:.0f} MB: {seconds:.1f} CPU s, "
          f"peak {peak:.0f} MB of which {rest:.0f} MB libraries")  # fmt: skip


def nearest(folder: str, roster: str, count: int) -> None:
    """Ask who is nearest for many points, and for one at a time while people move."""
    plan = renew_staff(read_plan(folder, atoms=False), roster)
    held = plan.staff.drop_duplicates("staff_id")
    cells = pd.concat([plan.cells(level) for level in ("micro", "small", "medium", "large")])
    middle = cells.drop_duplicates("code").set_index("code").representative_point()
    rng = np.random.default_rng(3)
    xy = shapely.get_coordinates(middle.loc[held["code"]].to_numpy())
    xy += rng.normal(0, 60, xy.shape)
    now = pd.DataFrame({"staff_id": held["staff_id"].to_numpy(), "x": xy[:, 0], "y": xy[:, 1]})
    points = gpd.GeoDataFrame(
        geometry=shapely.points(make_points(np.asarray(plan.leaves.geometry.array), count)),
        crs=plan.crs,
    )  # fmt: skip
    people = gpd.GeoDataFrame(now[["staff_id"]], geometry=shapely.points(xy), crs=plan.crs)
    print(f"{len(points):,} points, {len(plan.leaves):,} cells, {len(now):,} people; CPU s")

    def joined():
        cells = gpd.sjoin(points, plan.leaves[["code", "geometry"]], how="left")
        return cells, gpd.sjoin_nearest(points, people)

    print(f"geopandas sjoin + sjoin_nearest, as the crow flies  {cpu(joined)[0]:6.1f}")
    seconds, _ = cpu(lambda: walking_network(plan))
    print(f"streets of {len(plan.barriers):,} barriers  {seconds:6.1f}")
    seconds, alone = cpu(lambda: locate(plan, points))
    print(f"locate  {seconds:6.1f}")
    for name, anyone in (("of those who answer for the cell", False), ("of all", True)):
        seconds, found = cpu(lambda a=anyone: locate(plan, points, positions=now, anyone=a))
        print(f"locate with the nearest {name}, along the streets  {seconds:6.1f}  "
              f"{found['nearest'].notna().mean():.1%} with somebody")  # fmt: skip
    assert (found["code"] == alone["code"]).all()
    moving(now, points)


def moving(now: pd.DataFrame, points: gpd.GeoDataFrame) -> None:
    """Move somebody, then ask who is near: an index that follows, and one built anew."""
    xy = now[["x", "y"]].to_numpy()
    rng = np.random.default_rng(5)
    who = rng.integers(0, len(xy), 500)
    to = xy[who] + rng.normal(0, 30, (500, 2))
    asked = shapely.get_coordinates(points.geometry.to_numpy()[:500])

    def follow():
        here = xy.copy()
        for k, row in enumerate(who.tolist()):
            tree.delete(row, (*here[row], *here[row]))
            here[row] = to[k]
            tree.insert(row, (*here[row], *here[row]))
            list(tree.nearest((*asked[k], *asked[k]), 8))

    def anew():
        here = xy.copy()
        for k, row in enumerate(who[:50].tolist()):
            here[row] = to[k]
            shapely.STRtree(shapely.points(here)).query_nearest(shapely.Point(asked[k]))

    built, tree = cpu(
        lambda: Index((k, (x, y, x, y), None) for k, (x, y) in enumerate(xy.tolist()))
    )
    print(f"R-tree of {len(xy):,} people: {built:.2f} CPU s; then a move and a question "
          f"{cpu(follow)[0] / len(who) * 1000:.3f} ms; STRtree built anew for each "
          f"{cpu(anew)[0] / 50 * 1000:.1f} ms")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cells", help="a layer of cells that fit together")
    parser.add_argument("--count", type=int, default=33_000)
    parser.add_argument("--points", type=int, default=1_020_000)
    parser.add_argument("--stream", type=int, nargs="*", default=[])
    parser.add_argument("--nearest", nargs=2, metavar=("PLAN", "ROSTER"))
    options = parser.parse_args()
    if options.nearest is not None:
        nearest(*options.nearest, options.points)
        return
    plan = make_plan(make_cells(options.cells, options.count))
    xy = make_points(np.asarray(plan.leaves.geometry.array), options.points)
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "plan.gpkg"
        write_geopackage(plan, file)
        if not options.stream:
            in_memory(plan, xy)
            as_service(file, xy)
        for rows in options.stream:
            as_stream(Path(name), file, xy, rows)


if __name__ == "__main__":
    main()
