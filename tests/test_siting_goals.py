"""Sites for the goals of location science: as good as all sites tried one after another."""

import itertools

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from gridcell.errors import InputError
from gridcell.siting import choose_sites, reach


def town(seed):
    """A few places, a few sites: some on a lattice, some without a way, some locked."""
    rng = np.random.default_rng(seed)
    n, m = rng.integers(2, 12), rng.integers(2, 8)
    places, sites = rng.uniform(0, 1000, (n, 2)), rng.uniform(0, 1000, (m, 2))
    if seed % 3 == 0:
        places, sites = places.round(-2), sites.round(-2)
    metres = np.hypot(*(places[:, None] - sites[None]).transpose(2, 0, 1))
    if seed % 4 == 1:
        metres[rng.random(metres.shape) < 0.3] = np.inf
    weights = rng.integers(0, 9, n).astype(float)
    weights[0] += 0.25 if seed % 5 == 2 else 1
    locked = rng.random(m) < 0.15
    count = int(rng.integers(max(1, locked.sum()), m + 1))
    return metres, weights, locked, count, float(rng.uniform(50, 600))


def value(goal, metres, weights, within):
    """What sites are worth of which the nearest of each place is so far: less is better."""
    if goal == "median":
        return float((weights * metres).sum())
    if goal == "cover":
        return -float(weights[metres <= within].sum())
    return float(metres[weights > 0].max())


def best_of_all(goal, metres, weights, locked, count, within):
    far = 2 * max(1.0, metres[np.isfinite(metres)].max(initial=0.0), within or 0.0)
    reached = np.isfinite(metres).any(axis=1)
    metres, weights = metres[reached], weights[reached]
    near = np.minimum(metres, far)
    kept = set(np.flatnonzero(locked))
    choices = (set(c) for c in itertools.combinations(range(metres.shape[1]), count))
    return min(
        value(goal, near[:, sorted(c)].min(axis=1), weights, within) for c in choices if kept <= c
    )


def fewest_of_all(metres, weights, locked, within):
    reached = (metres <= within)[(weights > 0) & (metres <= within).any(axis=1)]
    kept = set(np.flatnonzero(locked))
    for count in range(metres.shape[1] + 1):
        for c in itertools.combinations(range(metres.shape[1]), count):
            if kept <= set(c) and reached[:, list(c)].any(axis=1).all():
                return count
    raise AssertionError


@pytest.mark.parametrize("seed", range(40))
def test_choices_are_the_best_of_all(seed):
    metres, weights, locked, count, within = town(seed)
    for goal, radius in (("median", None), ("cover", within), ("centre", None)):
        choice = choose_sites(metres, weights, goal=goal, count=count, within=radius, locked=locked)
        best = best_of_all(goal, metres, weights, locked, count, radius)
        assert choice.objective == pytest.approx(abs(best))
        assert choice.gap == 0
        assert len(choice.sites) == count
        assert set(np.flatnonzero(locked)) <= set(choice.sites)
        served = choice.nearest >= 0
        assert (metres[served, choice.nearest[served]] == choice.distance_m[served]).all()
        assert (choice.distance_m == metres[:, choice.sites].min(axis=1)).all()
    fewest = choose_sites(metres, weights, within=within, locked=locked)
    assert len(fewest.sites) == fewest.objective == fewest.bound
    assert fewest.objective == fewest_of_all(metres, weights, locked, within)


def test_what_no_site_reaches_decides_nothing():
    metres = np.array([[0.0, 50.0, np.inf], [50.0, 0.0, np.inf], [np.inf, np.inf, 0.0]])
    lost = np.vstack([metres, np.full(3, np.inf)])
    for goal in ("median", "centre"):
        ours = choose_sites(lost, np.array([3.0, 2.0, 1.0, 9.0]), goal=goal, count=2)
        assert ours.objective == pytest.approx(100.0 if goal == "median" else 50.0)
        assert ours.nearest[3] == -1
    # One site for two parts: the heavier counts.
    alone = choose_sites(metres, np.array([3.0, 2.0, 1.0]), goal="centre", count=1)
    assert alone.objective == 50.0
    assert alone.sites.tolist() == [0]


def median_by_programme(metres, weights, count):
    """The p-median as a textbook has it: every place is given one open site."""
    n, m = metres.shape
    served = sparse.hstack([sparse.csr_array((n, m)), sparse.kron(np.eye(n), np.ones((1, m)))])
    opened = sparse.hstack([sparse.kron(np.ones((n, 1)), -np.eye(m)), sparse.eye_array(n * m)])
    number = np.concatenate([np.ones(m), np.zeros(n * m)])[None, :]
    found = milp(
        np.concatenate([np.zeros(m), (metres * weights[:, None]).ravel()]),
        integrality=np.concatenate([np.ones(m), np.zeros(n * m)]),
        bounds=Bounds(0, 1),
        constraints=[
            LinearConstraint(served, 1, 1), LinearConstraint(opened, -np.inf, 0),
            LinearConstraint(number, count, count),
        ],
        options={"mip_rel_gap": 0.0},
    )  # fmt: skip
    return found.fun


@pytest.mark.parametrize("seed", range(3))
def test_medians_of_more_places_are_those_of_another_formulation(seed):
    rng = np.random.default_rng(seed)
    xy = rng.uniform(0, 1000, (45, 2))
    metres = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))
    weights = rng.integers(1, 60, 45).astype(float)
    choice = choose_sites(metres, weights, count=4 + 3 * seed)
    assert choice.gap == 0
    assert choice.objective == pytest.approx(median_by_programme(metres, weights, 4 + 3 * seed))


def test_sparse_distances_say_the_same_as_a_matrix():
    metres, weights, locked, count, within = town(6)
    full = choose_sites(metres, weights, count=count, within=within, locked=locked)
    rows, columns = np.nonzero(metres <= within)
    # A stored zero is a distance, too.
    table = sparse.csr_array(
        sparse.coo_array((metres[rows, columns], (rows, columns)), shape=metres.shape)
    )
    near = choose_sites(table, weights, count=count, within=within, locked=locked)
    assert near.objective == full.objective
    assert near.sites.tolist() == full.sites.tolist()


def test_bounds_hold_where_only_the_nearest_sites_are_looked_at(monkeypatch):
    monkeypatch.setattr(reach, "_WHOLE", 10_000)
    rng = np.random.default_rng(3)
    xy = rng.uniform(0, 9000, (420, 2))
    metres = np.hypot(*(xy[:, None] - xy[None, :400]).transpose(2, 0, 1))
    weights = rng.integers(1, 9, 420).astype(float)
    assert reach.reach_of(metres, count=40, far=9e9).cost.size < metres.size / 2
    choice = choose_sites(metres, weights, count=40)
    nearest = metres[:, choice.sites].min(axis=1)
    assert choice.objective == pytest.approx((nearest * weights).sum())
    assert choice.bound <= choice.objective
    assert choice.gap < 0.01


def loads(choice, weights, sites):
    return np.bincount(choice.nearest, weights, minlength=sites)


def with_room_of_all(metres, weights, capacity, count):
    best = np.inf
    for c in itertools.combinations(range(metres.shape[1]), count):
        for given in itertools.product(c, repeat=len(weights)):
            if (np.bincount(given, weights, minlength=len(capacity)) <= capacity).all():
                cost = (metres[np.arange(len(weights)), list(given)] * weights).sum()
                best = min(best, cost)
    return best


@pytest.mark.parametrize("seed", range(6))
def test_nobody_serves_more_than_there_is_room_for(seed):
    rng = np.random.default_rng(seed)
    places, sites = rng.uniform(0, 1000, (6, 2)), rng.uniform(0, 1000, (4, 2))
    metres = np.hypot(*(places[:, None] - sites[None]).transpose(2, 0, 1))
    weights = rng.integers(1, 9, 6).astype(float)
    capacity = np.full(4, np.ceil(weights.sum() / 2) + 3)
    choice = choose_sites(metres, weights, count=2, capacity=capacity)
    best = with_room_of_all(metres, weights, capacity, 2)
    assert (loads(choice, weights, 4) <= capacity).all()
    assert choice.objective == pytest.approx(best)
    assert choice.gap == 0
    enough = choose_sites(metres, weights, within=2000.0, capacity=capacity / 2)
    assert (loads(enough, weights, 4) <= capacity / 2).all() or len(enough.sites) == 4


def test_where_there_is_no_room_the_nearest_serves_all_the_same():
    choice = choose_sites(
        np.array([[10.0, 90.0], [20.0, 80.0]]), np.array([5.0, 5.0]), count=1,
        capacity=np.array([6.0, 6.0]),
    )  # fmt: skip
    assert choice.sites.tolist() == [0]
    assert choice.nearest.tolist() == [0, 0]


def test_places_without_weight_are_served_and_decide_nothing():
    choice = choose_sites(
        np.array([[0.0, 900.0], [900.0, 0.0]]), np.array([1.0, 0.0]), goal="centre", count=1
    )
    assert choice.sites.tolist() == [0]
    assert choice.objective == 0
    assert choice.distance_m.tolist() == [0.0, 900.0]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "count"),
        ({"goal": "nearest", "count": 1}, "nearest"),
        ({"goal": "cover", "count": 1}, "cover"),
        ({"count": 0}, "0"),
        ({"within": -5.0}, "-5"),
        ({"count": 3}, "3"),
        ({"count": 1, "capacity": np.ones(5)}, "5"),
        ({"count": 1, "locked": np.ones(3, dtype=bool)}, "3"),
    ],
)
def test_what_does_not_fit_together_is_refused(options, said):
    with pytest.raises(InputError, match=said):
        choose_sites(np.ones((2, 2)), np.ones(2), **options)


def test_distances_and_weights_are_no_less_than_nothing():
    for metres, weights in ((-np.ones((2, 2)), np.ones(2)), (np.ones((2, 2)), -np.ones(2))):
        with pytest.raises(InputError, match="negative"):
            choose_sites(metres, weights, count=1)
