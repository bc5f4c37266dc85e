"""The repair of a layer against peers: time, and land that ends up with the wrong cell.

python benchmarks/repair.py [--side 182] [--seed 0] [--runs 3] [--mapshaper CMD]
                            [--cells FILE --clean FILE [--land FILE] [--code COLUMN]]

Without --cells a dirty coverage is made (side x side irregular cells, `tests/dirty.py`). What a
cell should be is known, so what it has too much or lacks is wrong. Cells beside one that is missing
are not counted: how far a real hole was swallowed is told by itself. A cell laid over another keeps
its land in truth.
"""

import argparse
import json
import resource
import shlex
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

import gridcell

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
import dirty

GAP_WIDTH = 3.0
FAULTS = ["jitter", "drop", "grow", "enclave", "junction", "multipart", "spill", "rim_gap"]
"""Those that peers take (shapely shifts rows after one without geometry), and whose truth is known:
what a bow-tie should have been nobody can tell."""

Shapes = np.ndarray


@dataclass(frozen=True)
class Town:
    cells: gpd.GeoDataFrame
    truth: Shapes
    """What each row should be, ``None`` where nobody knows."""
    land: gpd.GeoDataFrame | None
    holes: Shapes


def shapes_of(frame: gpd.GeoDataFrame) -> Shapes:
    return np.asarray(frame.geometry.array, dtype=object)


def make_town(side: int, seed: int) -> Town:
    town = dirty.dirty_cells(side, seed, names=FAULTS)
    clean = town.clean.set_index("code").geometry
    truth = shapes_of(clean.reindex(town.cells["code"]).to_frame())
    row = {code: number for number, code in enumerate(town.cells["code"])}
    for fault in town.faults:
        if fault.name == "multipart":
            truth[row[fault.cells[0]]] = fault.place
        elif fault.name == "enclave":
            host, laid = (row[code] for code in fault.cells)
            truth[host], truth[laid] = truth[host].difference(fault.place), fault.place
    holes = [fault.place for fault in town.faults if fault.name == "drop"]
    return Town(town.cells, truth, town.land, np.array(holes, dtype=object))


def read_town(options: argparse.Namespace) -> Town:
    cells, clean = gpd.read_file(options.cells), gpd.read_file(options.clean)
    clean = clean.set_index(options.code).geometry
    gone = clean.index.difference(cells[options.code])
    return Town(
        cells=cells.rename(columns={options.code: "code"}),
        truth=shapes_of(clean.reindex(cells[options.code]).to_frame()),
        land=gpd.read_file(options.land) if options.land else None,
        holes=np.asarray(clean[gone].array, dtype=object),
    )


def of_mapshaper(command: str, *arguments: str) -> Callable[[gpd.GeoDataFrame], Shapes]:
    def clean(cells: gpd.GeoDataFrame) -> Shapes:
        with tempfile.TemporaryDirectory() as name:
            given, made = Path(name) / "in.geojson", Path(name) / "out.geojson"
            rows = cells.geometry.to_frame("geometry").assign(row=range(len(cells)))
            rows.to_file(given, driver="GeoJSON", COORDINATE_PRECISION=9)
            program = [*shlex.split(command), str(given), *arguments, "-o", str(made)]
            subprocess.run(program, check=True, capture_output=True)
            features = json.loads(made.read_text("utf-8"))["features"]
        out = np.full(len(cells), None, dtype=object)
        for feature in features:
            if feature["geometry"]:
                out[feature["properties"]["row"]] = shapely.geometry.shape(feature["geometry"])
        return out

    return clean


def cpu() -> float:
    own, children = (resource.getrusage(who) for who in (0, -1))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def figures(town: Town, shapes: Shapes) -> tuple[float, int, float, int]:
    """Return wrong area, cells with more than 1 cm2 of it, area of holes swallowed, cells lost."""
    shapes = shapely.make_valid(shapes)
    beside = shapely.STRtree(town.truth).query(town.holes, predicate="dwithin", distance=0.5)[1]
    counted = ~shapely.is_missing(town.truth)
    counted[beside] = False
    there = ~shapely.is_missing(shapes)
    wrong = np.where(there, 0.0, shapely.area(town.truth))
    both = np.flatnonzero(there & counted)
    wrong[both] = shapely.area(shapely.symmetric_difference(shapes[both], town.truth[both]))
    near, hole = shapely.STRtree(town.holes).query(shapes[there], predicate="intersects")
    taken = shapely.area(shapely.intersection(shapes[there][near], town.holes[hole])).sum()
    lost = int((counted & (~there | shapely.is_empty(shapes))).sum())
    return wrong[counted].sum(), int((wrong[counted] > 1e-4).sum()), taken, lost


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--side", type=int, default=182)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--cells", type=Path)
    parser.add_argument("--clean", type=Path)
    parser.add_argument("--land", type=Path)
    parser.add_argument("--code", default="code")
    parser.add_argument("--mapshaper", help="the command, where there is one")
    options = parser.parse_args()
    town = read_town(options) if options.cells else make_town(options.side, options.seed)
    tools: dict[str, Callable[[gpd.GeoDataFrame], Shapes]] = {
        "coverage_clean, gap_width=3": lambda cells: shapely.coverage_clean(
            shapes_of(cells), gap_width=GAP_WIDTH
        ),
        "gridcell repair": lambda cells: shapes_of(gridcell.repair_cells(cells).cells),
    }
    if town.land is not None:
        tools["gridcell repair, with land"] = lambda cells: shapes_of(
            gridcell.repair_cells(cells, town.land).cells
        )
    if options.mapshaper:
        tools["mapshaper -clean"] = of_mapshaper(options.mapshaper, "-clean")
    # What is compiled at the first call is compiled before.
    gridcell.repair_cells(dirty.dirty_cells(17).cells)
    seconds: dict[str, list[float]] = {name: [] for name in tools}
    results: dict[str, Shapes] = {"as it is": shapes_of(town.cells)}
    for _ in range(options.runs):
        for name, tool in tools.items():
            start = cpu()
            results[name] = tool(town.cells)
            seconds[name].append(cpu() - start)
    base = statistics.median(seconds["coverage_clean, gap_width=3"])
    print(f"{len(town.cells):,} cells, {len(town.holes):,} holes, median of {options.runs} runs")
    print(f"{'':28}{'CPU s':>8}{'ratio':>7}{'wrong m2':>11}{'cells':>8}{'holes m2':>10}{'lost':>6}")
    for name, shapes in results.items():
        middle = statistics.median(seconds.get(name, [0.0]))
        area, count, taken, lost = figures(town, shapes)
        print(f"{name:28}{middle:8.2f}{middle / base:7.2f}{area:11,.1f}{count:8,}{taken:10,.1f}"
              f"{lost:6,}")  # fmt: skip


if __name__ == "__main__":
    main()
