"""Orders of visit: proven on random cells, their gaps and what they cost on a plan; staff on foot.

python benchmarks/walk.py                 500 random cells of 12 stops against integer programming
python benchmarks/walk.py --plan DIR      all cells of a plan: gaps, CPU, memory
python benchmarks/walk.py --plan DIR --roster FILE   also its staff, as the crow flies and on foot
"""

import argparse
import resource
import sys
import time
from pathlib import Path

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

import gridcell
from gridcell.visits.kernels import best_order, good_order

_OPEN = False
"""No way back to the first stop."""


def peak_gb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
        1e6 if sys.platform != "darwin" else 1e9
    )


def lap(name, function):
    start, cpu = time.perf_counter(), time.process_time()
    result = function()
    print(f"{name}: {time.perf_counter() - start:.1f} s, {time.process_time() - cpu:.1f} CPU s, "
          f"peak {peak_gb():.2f} GB", flush=True)  # fmt: skip
    return result


def shortest_by_milp(d: np.ndarray) -> float:
    """Return the length of the shortest way through all stops: two streets at each, and cuts.

    A stop at no distance from all others makes the way a round.
    """
    n = len(d) + 1
    a, b = np.triu_indices(n, 1)
    cost = np.where(b < n - 1, d[a, np.minimum(b, n - 2)], 0.0)
    at = coo_array(
        (np.ones(2 * len(a)), (np.concatenate([a, b]), np.tile(np.arange(len(a)), 2))),
        shape=(n, len(a)),
    ).tocsr()
    rules = [LinearConstraint(at, 2, 2)]
    while True:
        found = milp(cost, integrality=np.ones(len(a)), bounds=Bounds(0, 1), constraints=rules)
        used = found.x > 0.5
        links = coo_array((np.ones(used.sum()), (a[used], b[used])), shape=(n, n))
        parts, part = connected_components(links, directed=False)
        if parts == 1:
            return float(found.fun)
        for number in range(parts):
            inside = part == number
            rules.append(LinearConstraint(1.0 * (inside[a] & inside[b]), 0, inside.sum() - 1))


def random_cells(count: int, stops: int) -> None:
    rng = np.random.default_rng(1)
    shortest = searched = 0
    gaps, milp_s, ours_s = [], 0.0, 0.0
    best_order(np.zeros((2, 2)), _OPEN)
    good_order(np.ones((14, 14)), _OPEN)
    for _ in range(count):
        xy = rng.random((stops, 2)) * 300
        d = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))
        start = time.process_time()
        total = best_order(d, _OPEN)[1]
        ours_s += time.process_time() - start
        start = time.process_time()
        proven = shortest_by_milp(d)
        milp_s += time.process_time() - start
        shortest += abs(total - proven) < 1e-6
        _, length, bound = good_order(d, _OPEN)
        searched += length < proven + 1e-6
        assert bound <= proven + 1e-6
        gaps.append(1 - bound / proven)
    print(f"{count} random cells of {stops} stops: {shortest} shortest by dynamic programming "
          f"({ours_s:.1f} CPU s; integer programming {milp_s:.1f}), {searched} by the search; "
          f"bound below by {np.mean(gaps):.2%} on average, {np.max(gaps):.2%} at most")  # fmt: skip


def cells_of(folder: Path) -> gridcell.Plan:
    plan = lap("plan read", lambda: gridcell.read_plan(folder, atoms=False))
    network = lap("network", lambda: gridcell.walking_network(plan))
    print(
        f"{len(network.lines):,} streets, {len(network.node_xy):,} nodes, {network.parts} part(s)"
    )
    orders = lap("orders", lambda: gridcell.visiting_orders(plan))
    lap("lines", lambda: orders.ways)
    walked = orders.cells[orders.cells["visits"] > 1]
    print(f"{len(orders.cells):,} cells, {orders.cells['visits'].sum():,} visits; of "
          f"{len(walked):,} with several, {(walked['gap'] <= 0).mean():.2%} shortest for sure, "
          f"gap {walked['gap'].mean():.3%} on average, {walked['gap'].max():.2%} at most; "
          f"{(walked['visits'] > 12).sum():,} of more than 12 stops: "
          f"{walked.loc[walked['visits'] > 12, 'gap'].mean():.3%}")  # fmt: skip
    return plan


def staff_of(plan: gridcell.Plan, roster: str) -> None:
    done = {}
    for name, on_foot in (("as the crow flies", _OPEN), ("on foot", True)):
        rules = {"walking": {"network": on_foot}}
        done[name] = lap(
            f"staff {name}", lambda r=rules: gridcell.renew_staff(plan, roster, rules=r)
        )
        print(f"  {len(done[name].staff):,} posts held, "
              f"{done[name].staff['distance_m'].mean():,.0f} m on average")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cells", type=int, default=500)
    parser.add_argument("--stops", type=int, default=12)
    parser.add_argument("--plan", type=Path)
    parser.add_argument("--roster")
    options = parser.parse_args()
    if options.plan is None:
        random_cells(options.cells, options.stops)
        return
    plan = cells_of(options.plan)
    if options.roster is not None:
        staff_of(plan, options.roster)


if __name__ == "__main__":
    main()
