"""The check of a layer against the strongest peer: pairwise intersections and a hull difference.

python benchmarks/check.py [--side 182] [--seed 0] [--runs 5] [--cells FILE --land FILE]

Without --cells a dirty coverage is made (side x side irregular cells, `tests/dirty.py`). The peer
is what one writes by hand: an STRtree query `overlaps`, the intersections of the pairs, and the
land less the union of all cells. It finds no invalid, missing or doubled cell and no T-junction.

python benchmarks/check.py --giants 100 200 400 800 [--crowded]

So many polygons of 400 vertices and 3 km, each overlapping some others: CPU s for each vertex and
crossing of two outlines, which are to stay the same. Crowded, all lie on the same land, and
crossings grow with the square of the polygons.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

import gridcell

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
import dirty


def peer(cells: gpd.GeoDataFrame, land: gpd.GeoDataFrame) -> np.ndarray:
    shapes = np.asarray(cells.geometry.array, dtype=object)
    shapes = shapes[shapely.is_valid(shapes) & ~shapely.is_missing(shapes)]
    left, right = shapely.STRtree(shapes).query(shapes, predicate="overlaps")
    once = left < right
    overlaps = shapely.intersection(shapes[left[once]], shapes[right[once]])
    hull = shapely.union_all(land.geometry.array)
    gaps = shapely.get_parts(shapely.difference(hull, shapely.union_all(shapes)))
    found = np.concatenate([overlaps, gaps])
    return found[shapely.area(found) > 0.001]


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    cpu = time.process_time()
    result = work()
    return result, time.process_time() - cpu


def giants(number: int, *, crowded: bool, seed: int) -> gpd.GeoDataFrame:
    """Return star-shaped polygons of 400 vertices and some 3 km."""
    chance = np.random.default_rng(seed)
    side = 3_000.0 if crowded else 1_500.0 * np.sqrt(number)
    centres = chance.uniform(0.0, side, (number, 1, 2)) + 500_000.0
    turn = np.linspace(0.0, 2 * np.pi, 400, endpoint=False)
    waves = chance.uniform(0.0, 2 * np.pi, (number, 3, 1))
    far = 1_500.0 + 120.0 * np.sin(turn * np.array([[3], [7], [19]]) + waves).sum(axis=1)
    rays = np.stack([np.cos(turn), np.sin(turn)], axis=-1)
    shapes = shapely.polygons(centres + far[..., None] * rays)
    codes = [f"{k:05}" for k in range(number)]
    return gpd.GeoDataFrame({"code": codes}, geometry=shapes, crs="EPSG:4547")


def crossings(cells: gpd.GeoDataFrame) -> tuple[int, int]:
    """Return in how many points the outlines of two cells cross, and how many pairs do."""
    lines = shapely.boundary(np.asarray(cells.geometry.array, dtype=object))
    left, right = shapely.STRtree(lines).query(lines, predicate="intersects")
    once = left < right
    points = shapely.intersection(lines[left[once]], lines[right[once]])
    return int(shapely.get_num_coordinates(points).sum()), int(once.sum())


def tell_giants(numbers: list[int], *, crowded: bool, seed: int) -> None:
    gridcell.check_cells(giants(3, crowded=True, seed=seed))
    print("| polygons | vertices | pairs | crossings | CPU s | ms a vertex or crossing | a pair |")
    print("|---|---|---|---|---|---|---|")
    for number in numbers:
        cells = giants(number, crowded=crowded, seed=seed)
        met, pairs = crossings(cells)
        vertices = int(shapely.get_num_coordinates(cells.geometry.array).sum()) - number
        _, seconds = timed(partial(gridcell.check_cells, cells))
        each, pair = (1000 * seconds / size for size in (vertices + met, pairs))
        sizes = " | ".join(f"{size:,}" for size in (number, vertices, pairs, met))
        print(f"| {sizes} | {seconds:.2f} | {each:.3f} | {pair:.2f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--giants", type=int, nargs="+")
    parser.add_argument("--crowded", action="store_true")
    parser.add_argument("--side", type=int, default=182)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--cells", type=Path)
    parser.add_argument("--land", type=Path)
    options = parser.parse_args()
    if options.giants:
        tell_giants(options.giants, crowded=options.crowded, seed=options.seed)
        return
    town = None
    if options.cells:
        cells, land = gpd.read_file(options.cells), gpd.read_file(options.land)
    else:
        town = dirty.dirty_cells(options.side, options.seed)
        cells, land = town.cells, town.land
    ours, bare, theirs = [], [], []
    for _ in range(options.runs):
        report, seconds = timed(lambda: gridcell.check_cells(cells, land))
        ours.append(seconds)
        bare.append(timed(lambda: gridcell.check_cells(cells))[1])
        pieces, seconds = timed(lambda: peer(cells, land))
        theirs.append(seconds)
    best = statistics.median(theirs)
    print(f"{len(cells):,} cells, CPU s, median of {options.runs} runs")
    print(f"{'':28}{'CPU s':>8}{'of peer':>9}{'found':>8}")
    for name, times, count in (
        ("gridcell check, with land", ours, len(report.findings)),
        ("gridcell check, without", bare, len(gridcell.check_cells(cells).findings)),
        ("STRtree pairs, hull less all", theirs, len(pieces)),
    ):
        middle = statistics.median(times)
        print(f"{name:28}{middle:8.2f}{middle / best:9.2f}{count:8,}")
    if town is not None:
        for within in (False, True):
            found = gridcell.check_cells(cells, land if within else None).findings
            invented, missed = dirty.score(found, town.faults, within=within)
            told = sum(within or fault.name not in dirty.RIM for fault in town.faults)
            print(
                f"{'with' if within else 'without'} land: {told:,} faults, recall "
                f"{1 - len(missed) / told:.4f}, precision {1 - len(invented) / len(found):.4f}"
            )


if __name__ == "__main__":
    main()
