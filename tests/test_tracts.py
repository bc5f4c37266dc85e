"""Tracts: land cut community by community fits along every border, whoever cuts it."""

import dataclasses
import pickle
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from strategies import awkward_towns
from towns import broken_promises, town, weave

import gridcell
from gridcell.fabric import build, tracts
from gridcell.rules import Rules
from gridcell.work import begin, pack, run_each, unpack

thorough = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    """Every community a tract, however few its buildings."""
    monkeypatch.setattr(tracts, "LEAST_PRINTS", 0)


def assert_same(one, two):
    pd.testing.assert_frame_equal(one.atoms, two.atoms)
    pd.testing.assert_frame_equal(one.pieces, two.pieces)
    for field in dataclasses.fields(one):
        if field.name.startswith("arc_") or field.name == "xy":
            np.testing.assert_array_equal(getattr(one, field.name), getattr(two, field.name))


@thorough
@given(awkward_towns())
def test_any_town_cut_community_by_community_is_covered_exactly(case):
    layers, households = case
    fabric = weave(layers, households, band=(26, 44))
    assert broken_promises(layers, fabric, sum(households)) == []


@settings(thorough, max_examples=25)
@given(awkward_towns(given_atoms=True))
def test_given_atoms_cut_community_by_community_are_covered_exactly(case):
    layers, households = case
    assert broken_promises(layers, weave(layers, households), sum(households)) == []


@settings(thorough, max_examples=30)
@given(awkward_towns())
def test_communities_cut_together_or_apart_have_the_same_borders(case):
    layers, households = case
    apart = weave(layers, households, band=(26, 44))
    try:
        tracts.LEAST_PRINTS = 10_000
        joined = weave(layers, households, band=(26, 44))
    finally:
        tracts.LEAST_PRINTS = 0
    np.testing.assert_array_equal(apart.xy, joined.xy)
    pd.testing.assert_frame_equal(
        apart.atoms.drop(columns=["x", "y", "area_m2"]),
        joined.atoms.drop(columns=["x", "y", "area_m2"]),
    )
    for name in ("arc_start", "arc_vertices", "arc_left", "arc_right", "arc_barrier", "arc_open"):
        np.testing.assert_array_equal(getattr(apart, name), getattr(joined, name))


TOWN = town(
    """
    AAAAABBBBB
    AAAAABBBBB
    AAAAABBBBB
    CCCCCDDDDD
    CCCCCDDDDD
    CCCCCDDDDD
    """,
    """
    ..........
    .a.b..c.d.
    ....ee....
    ....ff....
    .g.h..i.j.
    ..........
    """,
    barriers=[[(0, 30), (100, 30)], [(50, 0), (50, 60)]],
)


HOUSEHOLDS = np.ones(len(TOWN.buildings), dtype=np.int64)
BAND = np.array([[0.0, np.inf]] * 4)


def test_tracts_that_do_not_fit_are_cut_as_one(monkeypatch):
    whole = weave(TOWN)
    shaken = []

    def shake(tract):
        atoms = tracts.cut_tract(tract)
        if tract.rows.tolist() == [1]:
            shaken.append(tract.rows)
            inner = atoms.xy[:, 0] == atoms.xy[:, 0].min()
            moved = atoms.xy.copy()
            moved[np.flatnonzero(inner)[1:-1], 1] += 1e-4
            return dataclasses.replace(atoms, xy=moved)
        return atoms

    monkeypatch.setattr(build, "cut_tract", shake)
    assert_same(weave(TOWN), whole)
    assert len(shaken) == 1


class Post(Executor):
    """Does at once what it gets, as bytes: as if in another process."""

    def __init__(self):
        self.sent = 0

    def submit(self, function, *args):
        function, args = mailed((function, args))
        self.sent += 1
        future = Future()
        try:
            future.set_result(mailed(function(*args)))
        except ValueError as error:
            future.set_exception(error)
        return future


def mailed(value):
    return pickle.loads(pickle.dumps(value))  # noqa: S301


def test_workers_in_threads_or_elsewhere_change_nothing():
    alone = build.build_fabric(TOWN, HOUSEHOLDS, BAND)
    post = Post()
    with ThreadPoolExecutor(2) as pool:
        for executor in (pool, post):
            assert_same(build.build_fabric(TOWN, HOUSEHOLDS, BAND, executor=executor), alone)
    assert post.sent == 4


def _double(number):
    if number > 2:
        raise ValueError(number)
    return 2 * number


@pytest.mark.parametrize("executor", [None, Post()])
def test_results_come_in_the_order_of_the_tasks_and_the_first_failure_is_told(executor):
    told = []

    def tell(*over):
        told.append(over)

    settings = {"executor": executor, "told": tell}
    assert run_each(_double, [2, 0, 1], sizes=[0, 2, 1], **settings) == [4, 0, 2]
    assert sorted(told) == [(0, False), (1, False), (2, False)]
    told.clear()
    with pytest.raises(ValueError, match="3"):
        run_each(_double, [1, 3, 4], sizes=[0, 1, 2], **settings)
    assert sorted(told) == [(0, False), (1, True), (2, True)]


class Lost(Executor):
    """An executor whose workers are killed."""

    def submit(self, *_, **__):
        future = Future()
        future.set_exception(BrokenExecutor("terminated abruptly"))
        return future


def test_a_worker_that_is_lost_is_told():
    with pytest.raises(gridcell.WorkerError, match="want of memory"):
        run_each(_double, [1], executor=Lost())
    with pytest.raises(gridcell.WorkerError, match="want of memory"):
        begin(int, Lost())()


def test_what_is_packed_is_unpacked_as_it_was():
    prints = build._footprints(TOWN, HOUSEHOLDS, BAND, Rules())
    assert mailed(pack(prints)) is not prints
    again = unpack(mailed(pack(prints)))
    assert (again.geometry == prints.geometry).all()
    np.testing.assert_array_equal(again.home, prints.home)
