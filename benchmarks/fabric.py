"""Land atoms: gridcell's fabric against momepy's enclosed tessellation, on one town in one run.

python benchmarks/fabric.py [--buildings 40000] [--seed 1] [--data FOLDER]

Without --data a sample town is made; FOLDER holds buildings.gpkg, streets.gpkg and boundary.gpkg.
"""

import argparse
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import momepy
import numpy as np
import shapely

import gridcell


def load(folder: Path) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, gpd.GeoDataFrame]:
    return tuple(gpd.read_file(folder / f"{n}.gpkg") for n in ("buildings", "streets", "boundary"))


def make(buildings: int, seed: int) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """A sample town has about 14 households a building."""
    town = gridcell.make_sample(households=14 * buildings, seed=seed, communities=1)
    return town.buildings, town.roads, town.communities


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    cpu, wall = time.process_time(), time.perf_counter()
    result = work()
    return result, time.process_time() - cpu, time.perf_counter() - wall


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--buildings", type=int, default=40_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data", type=Path)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    buildings, streets, boundary = (
        load(options.data) if options.data else make(options.buildings, options.seed)
    )
    buildings = buildings.explode(ignore_index=True)[["geometry"]]
    streets = streets.explode(ignore_index=True)[["geometry"]]
    land = boundary.geometry.union_all()

    communities = gpd.GeoDataFrame(
        {"code": ["1"], "name": ["1"]}, geometry=[land], crs=boundary.crs
    )
    layers = gridcell.Layers(
        crs=boundary.crs,
        communities=communities,
        buildings=buildings.assign(bldg_id=buildings.index.astype("str")),
        barriers=streets.assign(kind="road"),
    )
    households = np.ones(len(buildings), dtype=np.int64)
    band = np.array([[30.0, 50.0]])
    small = gridcell.Layers(
        crs=layers.crs, communities=communities, buildings=layers.buildings.head(3),
        barriers=layers.barriers,
    )  # fmt: skip
    gridcell.build_fabric(small, households[:3], band)  # compiled before it is measured

    fabric, ours, ours_wall = timed(lambda: gridcell.build_fabric(layers, households, band))

    def peer() -> gpd.GeoDataFrame:
        enclosures = momepy.enclosures(
            streets, limit=gpd.GeoSeries([land], crs=streets.crs), clip=True
        )
        return momepy.enclosed_tessellation(buildings, enclosures.geometry, n_jobs=1)

    cells, theirs, theirs_wall = timed(peer)
    bad = (~shapely.is_empty(shapely.coverage_invalid_edges(
        shapely.get_parts(cells.geometry.to_numpy())
    ))).sum()  # fmt: skip
    print(f"{'':24}{'CPU s':>9}{'wall s':>9}{'pieces':>9}  bad edges")
    print(f"{'gridcell fabric':24}{ours:9.1f}{ours_wall:9.1f}{len(fabric.atoms):9,}  0 by proof")
    print(
        f"{'momepy tessellation':24}{theirs:9.1f}{theirs_wall:9.1f}{len(cells):9,}  {bad:,} cells"
    )
    print(f"ratio of CPU seconds {ours / theirs:.3f}, {len(buildings):,} buildings")


if __name__ == "__main__":
    main()
