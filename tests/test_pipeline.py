"""The whole way on towns drawn in code: totals to the unit, whatever the input is like."""

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.affinity import translate

from gridcell.check.buildings import find_cut_buildings
from gridcell.errors import InputError
from gridcell.formats.geopackage import plain
from gridcell.model import Plan
from gridcell.pipeline import make_plan
from gridcell.read import read_layers
from gridcell.rules import Rules

CRS = "EPSG:4547"
X, Y = 500_000.0, 2_560_000.0
RULES = Rules.build({
    "small": {"min": 30, "target": 40, "max": 50},
    "micro": {"min": 8, "target": 12, "max": 16},
    "search": 50,
})  # fmt: skip
CODES = ["450802001013", "450802001014"]


def house(x, y, size=10.0):
    return shapely.box(X + x, Y + y, X + x + size, Y + y + size)


def land(codes=CODES):
    """Return two communities of 100 m by 100 m, side by side."""
    shapes = [shapely.box(X + 100 * i, Y, X + 100 * i + 100, Y + 100) for i in range(2)]
    return gpd.GeoDataFrame({"code": codes}, geometry=shapes, crs=CRS)


def homes(held=5, shapes=()):
    """Return 3 by 3 houses in each community, and more."""
    grid = [house(100 * c + 15 + 30 * i, 15 + 30 * j)
            for c in range(2) for j in range(3) for i in range(3)]  # fmt: skip
    every = [*grid, *(shape for shape, _ in shapes)]
    counts = [*[held] * len(grid), *(count for _, count in shapes)]
    ids = [f"b{i:02}" for i in range(len(every))]
    return gpd.GeoDataFrame({"bldg_id": ids, "households": counts}, geometry=every, crs=CRS)


def plan_of(buildings=None, *, rules=RULES, communities=None, **inputs) -> Plan:
    communities = land() if communities is None else communities
    return make_plan(read_layers(communities, buildings, rules=rules, **inputs), rules=rules)


def kept(plan: Plan, given: int, *, ok: bool = True) -> Plan:
    """Return the plan if its figures agree everywhere, and no promise is broken if it is to be."""
    figures = plan.report["households"]
    assert figures["input"] == plan.report["counts"]["households"] == given
    assert figures["assigned"] + figures["unassigned"] == given
    for level in ("large", "medium", "small", "leaves"):
        assert plan.cells(level)["households"].sum() == figures["assigned"]
        assert plan.cells(level)["buildings"].sum() == plan.large["buildings"].sum()
    placed = plan.buildings[plan.buildings["code"].notna()]
    held = placed.groupby("code")["households"].sum()
    leaves = plan.leaves.set_index("code")["households"]
    assert (held.reindex(leaves.index, fill_value=0) == leaves).all()
    assert (
        plan.households.loc[plan.households["code"].isna(), "count"].sum()
        == (figures["unassigned"])
    )
    errors = plan.findings[plan.findings["severity"] == "error"]
    assert plan.ok or not ok, errors["message"].tolist()
    json.dumps(plain(plan.report), allow_nan=False)
    return plan


def kinds(plan):
    return plan.report["findings"]


def test_figures_on_buildings_add_up_at_every_level():
    plan = kept(plan_of(homes()), 90)
    assert plan.report["households"]["unassigned"] == 0
    assert plan.households.empty
    assert plan.medium["households"].tolist() == [45, 45]


def test_a_register_adds_up_with_lines_of_several_and_lines_that_fit_nowhere():
    people = pd.DataFrame(
        {
            "household_id": ["1", "2", "3", "4", "5"],
            "bldg_id": ["b00", "b01", "nowhere", None, "b17"],
            "count": [40, 1, 7, 3, 2],
        }
    )
    plan = kept(plan_of(homes(), households=people), 53)
    assert plan.report["households"] == {
        "input": 53, "assigned": 43, "unassigned": 10, "estimated": 0,
    }  # fmt: skip
    table = plan.households.set_index("household_id")
    assert table.loc["1", "count"].sum() == 40
    assert len(table.loc[["1"]]) > 1
    assert table.loc[["3", "4"], "reason"].notna().all()
    assert table.loc[["3", "4"], ["code", "small", "community", "how"]].isna().all(axis=None)
    assert {"household_unplaced", "register_differs"} <= kinds(plan).keys()


def test_points_of_a_register_outside_everything_are_listed_with_the_reason():
    people = pd.DataFrame(
        {
            "household_id": ["in", "near", "far", "out"],
            "x": [X + 20, X - 5, X - 500, X + 405],
            "y": [Y + 20, Y + 20, Y, Y + 5],
        }
    )
    away = homes(0, [(house(400, 0), 0)])
    table = kept(plan_of(away, households=people), 4).households.set_index("household_id")
    assert table["how"].fillna("").to_dict() == {
        "in": "point",
        "near": "nearest",
        "far": "",
        "out": "",
    }
    assert table.loc["near", "distance_m"] == 20
    assert "more than 50 m" in table.loc["far", "reason"]
    assert table.loc["out", "reason"] == "building b18 stands outside every community"


@pytest.mark.parametrize("register", [False, True])
def test_parts_of_a_building_count_where_they_stand_and_those_outside_are_told(register):
    parts = shapely.MultiPolygon([house(3, 3, 8), house(153, 3, 8), house(400, 0, 8)])
    buildings = homes(5, [(parts, 9)])
    inputs = {}
    if register:
        ids = buildings["bldg_id"]
        inputs["households"] = pd.DataFrame(
            {"household_id": ids, "bldg_id": ids, "count": buildings["households"]}
        )
    plan = kept(plan_of(buildings, **inputs), 99)
    assert plan.report["households"]["unassigned"] == 3
    assert plan.medium["households"].tolist() == [48, 48]
    assert kinds(plan)["building_outside"] == 1
    assert plan.buildings["code"].isna().sum() == 1


def test_a_building_across_a_boundary_counts_where_most_of_it_stands():
    plan = kept(plan_of(homes(5, [(house(92, 45, 12), 7)])), 97)
    assert plan.medium["households"].tolist() == [52, 45]
    assert kinds(plan)["building_on_boundary"] == 1
    assert plan.report["cut_buildings"] == 0


def test_overlapping_and_repeated_footprints_lose_nobody():
    twins = [(house(60, 60, 12), 3), (house(60, 60, 12), 4), (house(62, 62, 3), 2)]
    kept(plan_of(homes(5, twins)), 99)


def test_a_large_building_is_divided_among_leaves_by_slabs():
    block = shapely.box(X + 5, Y + 3, X + 95, Y + 11)
    plan = kept(plan_of(homes(1, [(block, 60)])), 78)
    rows = plan.buildings[plan.buildings["bldg_id"] == "b18"]
    assert rows["code"].nunique() > 2
    assert rows["households"].sum() == 60
    assert plan.report["counts"]["buildings"] == 19


def test_without_figures_the_estimate_is_the_input():
    plan = plan_of(homes().drop(columns="households").assign(floors=10))
    figures = kept(plan, 162).report["households"]
    assert figures["estimated"] == 162
    assert kinds(plan)["estimated"] == 1


def test_given_atoms_take_the_place_of_buildings():
    squares = [house(10 * i, 10 * j) for i in range(20) for j in range(10)]
    atoms = gpd.GeoDataFrame({"atom_id": range(200), "households": 1}, geometry=squares, crs=CRS)
    plan = kept(plan_of(atoms=atoms), 200)
    assert plan.report["counts"]["buildings"] == 0
    assert plan.medium["households"].tolist() == [100, 100]


def test_without_micro_cells_every_key_of_the_report_is_there():
    rules = Rules.build({**RULES.model_dump(), "micro": None})
    plan = kept(plan_of(homes(), rules=rules), 90)
    assert plan.report["balance"]["micro"] == {
        "cells": 0, "in_band": 0, "mean_abs_dev": 0.0, "max_abs_dev": 0.0,
    }  # fmt: skip
    assert plan.report["compactness"]["micro"] == plan.report["barrier_share"]["micro"] == 0.0


def test_an_empty_community_is_a_cell_and_says_why_it_is_under_its_band():
    buildings = homes()
    plan = kept(plan_of(buildings[buildings.geometry.bounds["maxx"] < X + 100]), 45)
    empty = plan.small[plan.small["community"] == CODES[1]]
    assert empty["reason"].tolist() == ["its community holds only 0 households"]


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({}, "nothing to divide by"),
        ({"buildings": homes(0)}, "no households in any community"),
    ],
)
def test_what_cannot_be_divided_is_bad_input(inputs, said):
    with pytest.raises(InputError, match=said):
        plan_of(**inputs)


def test_progress_is_told_stage_by_stage():
    told = []
    layers = read_layers(land(), homes(), rules=RULES)
    make_plan(layers, rules=RULES, progress=lambda *step: told.append(step))
    stages = list(dict.fromkeys(stage for stage, _, _ in told))
    assert stages == ["households", "fabric", "partition", "cells", "assign", "proof"]
    assert all(done <= total for _, done, total in told)


def test_inputs_stay_as_they_were():
    communities, buildings = land(), homes()
    before = communities.copy(), buildings.copy()
    plan_of(buildings, communities=communities)
    pd.testing.assert_frame_equal(communities, before[0])
    pd.testing.assert_frame_equal(buildings, before[1])


def test_a_border_through_a_building_is_found():
    plan = plan_of(homes())
    assert find_cut_buildings(plan.buildings, plan.leaves) == []
    moved = plan.buildings.copy()
    moved.loc[:, "geometry"] = [translate(shape, 15.0, 0.0) for shape in moved.geometry]
    found = find_cut_buildings(moved, plan.leaves)
    assert found
    assert {(f.kind, f.severity) for f in found} == {("cut_building", "error")}


def test_a_building_that_another_one_stands_across_is_not_called_cut():
    plan = plan_of(homes())
    border = plan.leaves.geometry.iloc[0].boundary
    at = border.interpolate(0.3, normalized=True)
    rows = plan.buildings.iloc[[0]].assign(geometry=[at.buffer(2.0)])
    over = plan.buildings.iloc[[1]].assign(geometry=[at.buffer(3.0)], bldg_id="over")
    both = pd.concat([rows, over], ignore_index=True)
    names = {f.message.split()[1] for f in find_cut_buildings(both, plan.leaves)}
    assert rows["bldg_id"].iloc[0] not in names


@st.composite
def odd_buildings(draw):
    """Return buildings anywhere in and around the communities, some on top of others."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shapes = []
    for _ in range(draw(st.integers(1, 8))):
        x, y, size = *rng.uniform(-30, 220, 2).round(1), float(rng.choice([0.4, 5, 15, 40]))
        shapes.append((house(x, y * 0.6, size), int(rng.integers(0, 30))))
    return shapes


@settings(max_examples=12, deadline=None)
@given(odd_buildings())
def test_no_household_is_lost_whatever_stands_where(shapes):
    buildings = homes(2, shapes)
    plan = plan_of(buildings)
    kept(plan, int(buildings["households"].sum()), ok=False)
