"""The division: gridcell and the peers that install from PyPI, on the same atoms, one scorer.

python benchmarks/division.py [--data FOLDER] [--target T ...] [--seeds 1 2 3] [--peers a,b]

FOLDER holds atoms.gpkg (``households``, an exact coverage) and, optionally, streets.gpkg; without
it the atoms of a sample town are used. Every case runs in a process of its own; what goes over the
cap is shown as such. Seconds are CPU seconds of the division alone, compiled beforehand.
"""

import argparse
import dataclasses
import json
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
from score import score

import gridcell
from gridcell.cells.polygons import draw_cells, trace_borders
from gridcell.partition.graph import Graph, make_graph
from gridcell.partition.targets import Targets

BAND = (0.7, 1.3)
STREET = 0.5
"""What peers with street weights count a border on a street for: the best of those tried."""


def sample_atoms(folder: Path, households: int, seed: int) -> None:
    """Write the atoms and streets of a sample town."""
    town = gridcell.make_sample(households=households, seed=seed, communities=1)
    layers = gridcell.read_layers(
        town.communities, town.buildings.drop(columns="geometry_type", errors="ignore"),
        barriers=[town.roads],
    )  # fmt: skip
    counts = layers.buildings["households"].to_numpy(dtype=np.int64)
    rules = gridcell.Rules.build({"fabric": {"oversize": "whole"}})
    fabric = gridcell.build_fabric(layers, counts, np.array([[30.0, 50.0]]), rules=rules)
    n = len(fabric.atoms)
    shapes = draw_cells(trace_borders(fabric, np.arange(n)), np.arange(n), n)
    gpd.GeoDataFrame(
        {"households": fabric.atoms["households"]}, geometry=shapes, crs=layers.crs
    ).to_file(folder / "atoms.gpkg")
    layers.barriers[["geometry"]].to_file(folder / "streets.gpkg")


class Case:
    """Atoms as gridcell sees them, and as graph partitioners take them."""

    def __init__(self, folder: Path, target: float) -> None:
        self.atoms = gpd.read_file(folder / "atoms.gpkg")
        self.target = target
        street_file = folder / "streets.gpkg"
        self.streets = gpd.read_file(street_file) if street_file.exists() else None
        self.count = max(2, round(self.atoms["households"].sum() / target))
        land = gpd.GeoDataFrame(
            {"code": ["1"], "name": ["1"]},
            geometry=[shapely.coverage_union_all(self.atoms.geometry.to_numpy())],
            crs=self.atoms.crs,
        )
        barriers = None
        if self.streets is not None:
            barriers = self.streets[["geometry"]].explode(ignore_index=True).assign(kind="road")
        layers = gridcell.Layers(
            crs=self.atoms.crs, communities=land, barriers=barriers,
            atoms=self.atoms.assign(atom_id=self.atoms.index.astype("str")),
        )  # fmt: skip
        self.households = self.atoms["households"].to_numpy(dtype=np.int64)
        self.fabric = gridcell.build_fabric(layers, self.households, np.array([[0.0, np.inf]]))

    def graph(self, street: float) -> Graph:
        """Return the graph with street borders counted at this share of their length."""
        graph = make_graph(self.fabric, np.arange(len(self.fabric.atoms)))
        return dataclasses.replace(graph, length=graph.land(street).length)

    def zones(self, cell: np.ndarray) -> gpd.GeoDataFrame:
        """Return the atoms as they were given, with the zone of each."""
        atom = self.fabric.pieces.groupby("building")["atom"].first()
        rows = atom.reindex(range(len(self.atoms))).to_numpy()
        return self.atoms[["geometry"]].assign(zone=np.asarray(cell)[rows])


Solve = Callable[[], np.ndarray]


def gridcell_default(case: Case, seed: int, **settings: object) -> Solve:
    rules = gridcell.Rules.build({"seed": seed, "micro": None, **settings})
    goal = Targets(
        low=np.array([BAND[0] * case.target]), target=np.array([case.target]),
        high=np.array([BAND[1] * case.target]), wanted=np.array([case.count]),
    )  # fmt: skip
    quick = rules.model_copy(update={"search": 1})
    gridcell.divide(case.fabric, goal, None, codes=["1"], rules=quick)
    return lambda: gridcell.divide(case.fabric, goal, None, codes=["1"], rules=rules).small


def metis(case: Case, seed: int, *, contiguous: bool, loose: int, street: float) -> Solve:
    import pymetis

    graph = case.graph(street)
    weights = np.maximum(1, np.round(graph.length / graph.length.mean() * 100)).astype(int)
    options = pymetis.Options(ufactor=loose, seed=seed)
    return lambda: np.array(
        pymetis.part_graph(
            case.count, xadj=graph.first, adjncy=graph.neighbour, eweights=weights,
            vweights=graph.weight.astype(int), contiguous=contiguous, recursive=not contiguous,
            options=options,
        )[1]
    )  # fmt: skip


def kahip(case: Case, seed: int, *, imbalance: float, mode: str, street: float) -> Solve:
    import kahip as library

    graph = case.graph(street)
    weights = np.maximum(1, np.round(graph.length / graph.length.mean() * 100)).astype(int)
    lists = [a.astype(int).tolist() for a in (graph.weight, graph.first, weights, graph.neighbour)]
    return lambda: np.array(
        library.kaffpa(*lists, case.count, imbalance, 1, seed, getattr(library, mode))[1]
    )


def _neighbours(case: Case) -> list[list[int]]:
    graph = case.graph(1.0)
    return [a.tolist() for a in np.split(graph.neighbour, graph.first[1:-1])]


def spopt_maxp(case: Case, seed: int) -> Solve:
    import random

    from libpysal.weights import W
    from spopt.region import MaxPHeuristic

    graph = case.graph(1.0)
    frame = gpd.GeoDataFrame(
        {"x": graph.xy[:, 0], "y": graph.xy[:, 1], "households": graph.weight},
        geometry=gpd.points_from_xy(*graph.xy.T),
    )
    weights = W(dict(enumerate(_neighbours(case))), silence_warnings=True)

    def solve() -> np.ndarray:
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        model = MaxPHeuristic(
            frame, weights, ["x", "y"], "households", BAND[0] * case.target, top_n=2,
            max_iterations_construction=9, max_iterations_sa=2,
        )  # fmt: skip
        model.solve()
        return np.asarray(model.labels_)

    return solve


def pygeoda_maxp(case: Case, seed: int) -> Solve:
    import pygeoda

    atom = case.fabric.pieces.groupby("building")["atom"].first().reindex(range(len(case.atoms)))
    rows = atom.to_numpy()
    graph = case.graph(1.0)
    geoda = pygeoda.open(case.atoms.set_index(np.arange(len(case.atoms))))
    weights = pygeoda.rook_weights(geoda)
    data = [graph.xy[rows, 0].tolist(), graph.xy[rows, 1].tolist()]
    bound = case.atoms["households"].tolist()

    def solve() -> np.ndarray:
        found = pygeoda.maxp_greedy(
            weights, data, bound, BAND[0] * case.target, iterations=9, random_seed=seed,
            cpu_threads=1,
        )  # fmt: skip
        cell = np.zeros(len(case.fabric.atoms), dtype=np.int64)
        cell[rows] = found["Clusters"]
        return cell

    return solve


PEERS: dict[str, Callable[[Case, int], Solve]] = {
    "gridcell": gridcell_default,
    "metis_contiguous_30": lambda c, s: metis(c, s, contiguous=True, loose=300, street=1.0),
    "metis_contiguous_30_streets": lambda c, s: metis(
        c, s, contiguous=True, loose=300, street=STREET
    ),
    "metis_recursive_streets": lambda c, s: metis(c, s, contiguous=False, loose=30, street=STREET),
    "kahip_eco_streets": lambda c, s: kahip(c, s, imbalance=0.03, mode="ECO", street=STREET),
    "kahip_strong": lambda c, s: kahip(c, s, imbalance=0.03, mode="STRONG", street=1.0),
    "spopt_maxp": spopt_maxp,
    "pygeoda_maxp": pygeoda_maxp,
}


def one(folder: Path, target: float, peer: str, seed: int) -> dict[str, float]:
    case = Case(folder, target)
    solve = PEERS[peer](case, seed)
    start = time.process_time()
    cell = solve()
    seconds = time.process_time() - start
    figures = score(case.zones(cell), case.atoms, target=target, band=BAND, streets=case.streets)
    heavy = int((case.households > BAND[1] * target).sum())
    return {**figures, "asked": case.count, "heavy": heavy, "cpu_s": seconds}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path)
    parser.add_argument("--households", type=int, default=24_000, help="of the sample town")
    parser.add_argument("--target", type=float, nargs="+", default=[626.0, 35.27])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--cap", type=int, default=180)
    parser.add_argument("--one", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        warnings.simplefilter("ignore")
        folder, target, peer, seed = options.one
        print(json.dumps(one(Path(folder), float(target), peer, int(seed))))
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.data or Path(scratch) / "sample"
        if options.data is None:
            folder.mkdir()
            sample_atoms(folder, options.households, 1)
        print("| atoms | target | peer | seed | zones | asked | good % | in band % | connected % "
              "| mean dev | compactness | streets % | bad edges | CPU s |")  # fmt: skip
        print("|---|---:|---|---:|" + "---:|" * 10)
        for target in options.target:
            for peer in options.peers.split(","):
                for seed in options.seeds:
                    print(_row(folder, target, peer, seed, options.cap), flush=True)


def _row(folder: Path, target: float, peer: str, seed: int, cap: int) -> str:
    head = f"| {folder.name} | {target:g} | {peer} | {seed} "
    try:
        done = subprocess.run(
            [sys.executable, __file__, "--one", folder, str(target), peer, str(seed)],
            capture_output=True, text=True, timeout=cap, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return head + f"| over {cap} s" + " |" * 10
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        return head + f"| {last[:80]}" + " |" * 10
    r = json.loads(lines[-1])
    streets = f"{r['streets']:.0f}" if "streets" in r else "-"
    return head + (
        f"| {r['zones']:,} | {r['asked']:,} | {r['good']:.1f} | {r['in_band']:.1f} "
        f"| {r['connected']:.1f} | {r['mean_dev']:.3f} | {r['compactness']:.3f} | {streets} "
        f"| {r['bad_edges']} | {r['cpu_s']:.2f} |"
    )


if __name__ == "__main__":
    main()
