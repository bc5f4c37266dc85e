"""Sites beside spopt.locate: optima on its tutorial and on random cases, time and gap by size.

``python benchmarks/place.py [--random 200] [--sizes 100 1000 10000] [--limit 300] [--cases …]``,
with ``pip install spopt spaghetti highspy`` beside gridcell. Both get the same distance matrix.
spopt builds a programme in PuLP, which HiGHS solves here without a gap; `--limit` ends that after
so many seconds, and what it says then is only the best found.

The tutorial case is that of spopt's notebooks: 100 clients and 10 facilities near a lattice of
streets, four to be chosen, seeds 5 and 6, weights 1 to 11 from seed 0; distances are Euclidean.
"""

import argparse
import time
import warnings
from typing import Any

import geopandas as gpd
import numpy as np
import pulp
import spaghetti
from spopt.locate import LSCP, MCLP, PCenter, PMedian
from spopt.locate.util import simulated_geo_points

from gridcell.siting import SiteChoice, choose_sites

GOALS = ("median", "cover", "fewest", "centre")


def tutorial() -> tuple[np.ndarray, np.ndarray, int, float]:
    """Return distances, weights, the number of facilities and the radius of spopt's tutorials."""
    lattice = spaghetti.regular_lattice((0, 0, 10, 10), 9, exterior=True)
    streets = gpd.GeoDataFrame(geometry=[c.vertices for c in lattice] and _lines(lattice))
    area = streets.buffer(0.2).union_all()
    frame = gpd.GeoDataFrame(geometry=[area])
    clients = simulated_geo_points(frame, needed=100, seed=5).geometry
    places = simulated_geo_points(frame, needed=10, seed=6).geometry
    np.random.seed(0)  # noqa: NPY002 - as the tutorials do
    weights = np.random.randint(1, 12, 100).astype(float)  # noqa: NPY002
    metres = np.array([clients.distance(place) for place in places]).T
    return metres, weights, 4, 5.0


def _lines(lattice: Any) -> list[Any]:
    from shapely import LineString

    return [LineString(chain.vertices) for chain in lattice]


def random_case(seed: int, n: int, m: int) -> tuple[np.ndarray, np.ndarray]:
    """Return distances between random places and sites in metres, and households."""
    rng = np.random.default_rng(seed)
    side = 60.0 * np.sqrt(n)
    xy = rng.uniform(0, side, (n, 2))
    sites = xy if m == n else rng.uniform(0, side, (m, 2))
    metres = np.hypot(*(xy[:, None] - sites[None]).transpose(2, 0, 1)).round(3)
    return metres, rng.integers(1, 60, n).astype(float)


def theirs(
    goal: str, metres: np.ndarray, weights: np.ndarray, count: int, within: float, limit: float
) -> tuple[float | None, str]:
    """Return spopt's optimum, and the solver's status."""
    build = {
        "median": lambda: PMedian.from_cost_matrix(metres, weights, count),
        "cover": lambda: MCLP.from_cost_matrix(metres, weights, within, count),
        "fewest": lambda: LSCP.from_cost_matrix(metres, within),
        "centre": lambda: PCenter.from_cost_matrix(metres, count),
    }[goal]
    model = build()
    solver = pulp.HiGHS(msg=False, timeLimit=limit, gapRel=0.0)
    model.problem.solve(solver)
    status = pulp.LpStatus[model.problem.status]
    value = model.problem.objective.value()
    told = "optimal" if model.problem.sol_status == pulp.LpSolutionOptimal else status.lower()
    return value, told


def ours(
    goal: str, metres: np.ndarray, weights: np.ndarray, count: int, within: float
) -> SiteChoice:
    """Return our choice."""
    options: dict[str, Any] = {
        "median": {"count": count}, "cover": {"count": count, "within": within},
        "fewest": {"within": within}, "centre": {"goal": "centre", "count": count},
    }[goal]  # fmt: skip
    return choose_sites(metres, weights, **options)


def same(mine: float, other: float | None) -> bool:
    return other is not None and abs(mine - other) <= 1e-6 * max(1.0, abs(other))


def compare_optima(cases: int) -> None:
    metres, weights, count, within = tutorial()
    for goal in GOALS:
        # The notebook on covering all has a wider radius: 5 does not reach all clients.
        radius = 8.0 if goal == "fewest" else within
        mine = ours(goal, metres, weights, count, radius)
        other, told = theirs(goal, metres, weights, count, radius, 60.0)
        agrees = same(mine.objective, other)
        print(f"tutorial {goal:8} ours {mine.objective:.6g} spopt {other:.6g} ({told}) "
              f"{'equal' if agrees else 'DIFFERS'}", flush=True)  # fmt: skip
    equal = dict.fromkeys(GOALS, 0)
    proven = dict.fromkeys(GOALS, 0)
    for seed in range(cases):
        rng = np.random.default_rng(seed)
        n, m = int(rng.integers(10, 60)), int(rng.integers(5, 25))
        metres, weights = random_case(seed, n, m)
        count = int(rng.integers(1, m))
        # All places can be reached: spopt has no answer else.
        within = float(max(metres.min(axis=1).max(), np.quantile(metres, 0.2)))
        for goal in GOALS:
            mine = ours(goal, metres, weights, count, within)
            other, _ = theirs(goal, metres, weights, count, within, 60.0)
            equal[goal] += same(mine.objective, other)
            proven[goal] += mine.gap == 0
    for goal in GOALS:
        print(f"random {goal:8} {equal[goal]} of {cases} equal, {proven[goal]} proven", flush=True)


def compare_times(sizes: list[int], limit: float, most: int) -> None:
    print("| places | goal | ours, s | gap | spopt, s | spopt |\n|---|---|---|---|---|---|")
    for n in sizes:
        metres, weights = random_case(1, n, n)
        count = {100: 5, 1000: 20}.get(n, 100)
        within = 60.0 * np.sqrt(n) / np.sqrt(count) * 0.75
        for goal in GOALS:
            start = time.process_time()
            mine = ours(goal, metres, weights, count, within)
            seconds = time.process_time() - start
            other, told, its = None, "not tried", float("nan")
            if n <= most:
                start = time.process_time()
                other, told = theirs(goal, metres, weights, count, within, limit)
                its = time.process_time() - start
            if other is not None:
                away = (mine.objective - other) / other
                told = f"{told}, ours {away:+.3%}"
            print(f"| {n:,} | {goal} | {seconds:.1f} | {mine.gap:.3%} | {its:.1f} | {told} |",
                  flush=True)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--random", type=int, default=200)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 1000, 10_000])
    parser.add_argument("--limit", type=float, default=300.0)
    parser.add_argument("--most", type=int, default=1000, help="Places that spopt is given at most")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    if given.random:
        compare_optima(given.random)
    # What numba compiles is compiled now.
    for goal in GOALS:
        ours(goal, *random_case(0, 30, 30), 3, 150.0)
    compare_times(given.sizes, given.limit, given.most)


if __name__ == "__main__":
    main()
