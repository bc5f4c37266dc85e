"""Posts are filled as well as they can be, and everybody keeps to every limit."""

import dataclasses
import functools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from staffing import Case, assign_together, brute_force, draw, draw_roles, greedy

from gridcell.rules import Role
from gridcell.staff import pricing, solve
from gridcell.staff.matching import match


def cases_of(seed, number=20):
    """Return cases that share random roles."""
    rng = np.random.default_rng(seed)
    roles = draw_roles(rng)
    return [draw(rng, roles, f"C{i:03d}") for i in range(number)]


@functools.cache
def solved(seed):
    """Return cases and their assignment, which no test changes."""
    cases = cases_of(seed)
    return cases, assign_together(cases)


def own_pairs(done, case):
    return case.pairs_of(done.staff[done.staff["code"].str.startswith(case.community)])


@pytest.mark.parametrize("seed", range(10))
def test_no_choice_at_all_is_better(seed):
    """200 cases against trying everything: posts filled, millimetres, unevenness."""
    cases, done = solved(seed)
    for case in cases:
        pairs = own_pairs(done, case)
        assert case.keeps_limits(pairs), case
        assert case.value(pairs) == brute_force(case), case
    proof = done.figures.proof
    assert (proof.gap, proof.most) == (0, proof.filled)


def test_taking_the_nearest_first_is_worse():
    worse = fewer = 0
    for seed in range(10):
        cases, done = solved(seed)
        for case in cases:
            best, by_hand = case.value(own_pairs(done, case)), greedy(case)
            assert by_hand >= best
            worse += by_hand > best
            fewer += by_hand[0] > best[0]
    assert worse >= 10
    assert fewer >= 5


@pytest.mark.parametrize("seed", [3, 4, 6])
def test_pairs_that_are_priced_in_change_nothing(seed, monkeypatch):
    """Programmes that begin with few pairs end where those with all of them do."""
    cases, whole = solved(seed)
    monkeypatch.setattr(pricing, "_ALL_PAIRS", 0)
    monkeypatch.setattr(pricing, "_NEAREST", 1)
    monkeypatch.setattr(solve, "_MATRIX", 0)
    priced = assign_together(cases)
    for case in cases:
        assert case.value(own_pairs(priced, case)) == case.value(own_pairs(whole, case))
    assert priced.figures.proof.gap == 0


def test_bounds_and_limits_hold_where_the_best_choice_is_out_of_reach(monkeypatch):
    cases, known = solved(7)
    best = known.figures.proof
    for name in ("_SEARCHED", "_SMALL", "_ALL_PAIRS"):
        monkeypatch.setattr(pricing, name, 0)
    monkeypatch.setattr(pricing, "_FEW", 1)
    monkeypatch.setattr(solve, "_MATRIX", 0)
    done = assign_together(cases)
    proof = done.figures.proof
    assert all(case.keeps_limits(own_pairs(done, case)) for case in cases)
    assert proof.filled <= best.filled <= proof.most
    if proof.filled == best.filled:
        assert proof.bound_m <= best.distance_m <= proof.distance_m


@given(st.integers(1, 7), st.integers(1, 7), st.integers(0, 2**32 - 1))
@settings(max_examples=50, deadline=None)
def test_prices_prove_every_matching(rows, columns, seed):
    rng = np.random.default_rng(seed)
    cost, allowed = rng.integers(0, 9, (rows, columns)), rng.random((rows, columns)) < 0.6
    found = match(cost, allowed)
    assert allowed[found.row, found.column].all()
    assert len(np.unique(found.row)) == len(np.unique(found.column)) == len(found.row)
    assert found.most == len(found.row)
    assert found.bound == found.cost
    assert (found.slack >= 0).all()


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=6, deadline=None)
def test_nobody_is_given_more_than_the_limits_allow(seed):
    rng = np.random.default_rng(seed)
    roles = draw_roles(rng)
    cases = [draw(rng, roles, f"C{i:03d}") for i in range(3)]
    done = assign_together(cases)
    assert all(case.keeps_limits(own_pairs(done, case)) for case in cases)
    wanted = sum(post[4] for case in cases for post in case.posts())
    assert len(done.staff) + done.vacancies["missing"].sum() == wanted


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=6, deadline=None)
def test_whoever_holds_a_post_keeps_it_and_nothing_gets_worse_for_others(seed):
    rng = np.random.default_rng(seed)
    roles = draw_roles(rng)
    cases = [draw(rng, roles, f"C{i:03d}") for i in range(3)]
    first = assign_together(cases)
    again = assign_together(cases, keep=first.staff)
    pd.testing.assert_frame_equal(first.staff, again.staff)
    assert again.figures.kept == len(first.staff)
    # Everybody moves to the other end of the street: that alone is no reason to leave.
    for case in cases:
        case.people = [{**person, "x": 400 - person["x"]} for person in case.people]
    moved = assign_together(cases, keep=first.staff)
    columns = ["staff_id", "role", "code"]
    pd.testing.assert_frame_equal(first.staff[columns], moved.staff[columns])


def test_of_somebody_who_holds_too_much_as_much_as_possible_is_kept():
    role = Role(name="a", level="micro", max_cells=3)
    person = {"id": "p", "roles": ["a"], "x": 50.0, "max_cells": None, "max_households": None}
    case = Case([role], [40, 30, 20], [person])
    before = assign_together([case])
    assert len(before.staff) == 3
    limited = dataclasses.replace(case, people=[{**person, "max_households": 60}])
    after = assign_together([limited], keep=before.staff)
    assert list(after.staff["code"]) == ["A000", "A002"]
    assert after.figures.kept == 2


def test_loads_are_even_where_distance_does_not_decide():
    roles = [Role(name="a", level="micro"), Role(name="b", level="micro")]
    both = {"roles": ["a", "b"], "x": 50.0, "max_cells": None, "max_households": None}
    case = Case(roles, [40], [{"id": "p", **both}, {"id": "q", **both}])
    done = assign_together([case])
    assert sorted(done.staff["staff_id"]) == ["p", "q"]


SCRIPT = """
import sys
sys.path.insert(0, {tests!r})
import numpy as np
from staffing import assign_together, draw, draw_roles
rng = np.random.default_rng(2)
roles = draw_roles(rng)
done = assign_together([draw(rng, roles, f"C{{i:03d}}") for i in range(20)])
print(done.staff.to_csv(), done.vacancies.to_csv(), done.figures)
"""


def test_neither_hash_seed_nor_order_of_rows_matters():
    script = SCRIPT.format(tests=str(Path(__file__).parent))
    outputs = []
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"},
        )  # fmt: skip
        outputs.append(done.stdout)
    assert outputs[0] == outputs[1] != ""
    cases, straight = solved(2)
    turned = assign_together([dataclasses.replace(c, people=c.people[::-1]) for c in cases[::-1]])
    pd.testing.assert_frame_equal(straight.staff, turned.staff)
    pd.testing.assert_frame_equal(straight.vacancies, turned.vacancies)
    assert straight.figures == turned.figures
