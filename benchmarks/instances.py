"""The search where cells are few heavy atoms and bands are tight, on instances with known optima.

python benchmarks/instances.py --data FOLDER [--instances ME-county KS-county ...] [--seeds 20]

FOLDER is a copy of https://github.com/hamidrezavalidi/Political-Districting-to-Minimize-Cut-Edges:
counties and census tracts of 15 states of the USA, to be divided into districts within half a
percent of each other (Validi & Buchanan 2022, doi:10.1287/ijoc.2022.1175). Their optimum is the
least number of cut edges of connected districts in the band, or, where that is not known, the best
division and a bound.

For each instance: how many of the seeds end with all cells in the band, the fewest and the median
cut edges of these, and the CPU seconds of one. Every border counts as long as any other, as there.
"""

import argparse
import csv
import json
import time
from pathlib import Path

import numpy as np

from gridcell.partition.divide import cells_within
from gridcell.partition.graph import Graph
from gridcell.partition.targets import Targets
from gridcell.rules import Rules

FIPS = {
    "AL": "01", "AR": "05", "IA": "19", "ID": "16", "KS": "20", "LA": "22", "ME": "23", "MS": "28",
    "NE": "31", "NH": "33", "NM": "35", "NV": "32", "OK": "40", "UT": "49", "WV": "54",
}  # fmt: skip


def known_optima(folder: Path) -> dict[str, tuple[int, float, float, float, float]]:
    """Return districts, band, best cut edges and bound of each instance, by their size."""
    found: dict[str, tuple[int, int, float, float, float, float]] = {}
    for table in sorted(folder.glob("results/*/results_*.csv")):
        with table.open(encoding="utf-8") as stream:
            for row in csv.DictReader(stream):
                if row["contiguity"] == "none":
                    continue
                try:
                    cut, bound = float(row["MIP_obj"]), float(row["MIP_bound"])
                except ValueError:
                    continue
                name = f"{row['state']}-{row['level']}"
                old = found.get(name, (0, 0, 0.0, 0.0, np.inf, 0.0))
                found[name] = (
                    int(row["n"]), int(row["k"]), float(row["L"]), float(row["U"]),
                    min(cut, old[4]), max(round(bound, 3), old[5]),
                )  # fmt: skip
    by_size = sorted(found, key=lambda name: found[name][0])
    return {name: found[name][1:] for name in by_size}


def read_graph(folder: Path, name: str) -> Graph:
    """Return an instance whose borders are all one metre long, and whose atoms are one m2."""
    state, level = name.split("-")
    file = folder / "data" / level / "dual_graphs" / f"{level}{FIPS[state]}.json"
    data = json.loads(file.read_text(encoding="utf-8"))
    number = {node["id"]: row for row, node in enumerate(data["nodes"])}
    near = [sorted(number[other["id"]] for other in row) for row in data["adjacency"]]
    degree = np.array([len(row) for row in near])
    n, pairs = len(near), int(degree.sum())
    nodes = data["nodes"]
    return Graph(
        first=np.concatenate([[0], np.cumsum(degree)]), neighbour=np.concatenate(near).astype(int),
        length=np.ones(pairs), on_barrier=np.zeros(pairs), rim=np.zeros(n),
        rim_on_barrier=np.zeros(n), weight=np.array([float(node["TOTPOP"]) for node in nodes]),
        area=np.ones(n),
        xy=np.array([[float(node["INTPTLON10"]), float(node["INTPTLAT10"])] for node in nodes]),
        reach=np.empty((n, 0)),
    )  # fmt: skip


def solve(graph: Graph, count: int, low: float, high: float, seed: int) -> tuple[bool, int, float]:
    """Return whether all cells are in the band, the cut edges, and CPU seconds."""
    goal = Targets(
        low=np.array([low]), target=np.array([graph.weight.sum() / count]), high=np.array([high]),
        wanted=np.array([count]),
    )  # fmt: skip
    start = time.process_time()
    rules = Rules.build({"seed": seed})
    cell = cells_within(graph, graph.components(), 0, goal, "small", "1", rules).cell
    seconds = time.process_time() - start
    load = np.bincount(cell, weights=graph.weight)
    cut = int((cell[graph.owner] != cell[graph.neighbour]).sum()) // 2
    return bool(((load >= low) & (load <= high)).all()) and len(load) == count, cut, seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--instances", nargs="*")
    parser.add_argument("--seeds", type=int, default=20)
    args = parser.parse_args()
    optima = known_optima(args.data)
    print("| instance | atoms | cells | in band | cut edges: best, median | known | CPU s |")
    print("|---|---|---|---|---|---|---|")
    for name in args.instances or optima:
        count, low, high, best, bound = optima[name]
        graph = read_graph(args.data, name)
        solve(graph, count, low, high, 0)
        runs = [solve(graph, count, low, high, seed) for seed in range(args.seeds)]
        cuts = [cut for ok, cut, _ in runs if ok]
        told = f"{min(cuts)}, {np.median(cuts):g}" if cuts else "-"
        known = f"{best:g}" if bound >= best - 0.5 else f"{bound:.0f} to {best:g}"
        print(
            f"| {name} | {len(graph)} | {count} | {len(cuts)} of {len(runs)} | {told} | {known} "
            f"| {np.mean([s for *_, s in runs]):.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
