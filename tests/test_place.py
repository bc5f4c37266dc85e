"""Service points of a plan: where they stand, whom they serve, and what becomes of them."""

import dataclasses
import itertools

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

import gridcell
from gridcell.certificate import verify_certificate
from gridcell.errors import InputError
from gridcell.siting.place import place_points
from gridcell.siting.tables import beyond_reach, served_cells


@pytest.fixture(scope="module")
def plan(example_town):
    return example_town["plan"]


@pytest.fixture(scope="module")
def tiered(plan):
    return place_points(plan, tiers=["station:medium", "home:small:200"])


def kinds(plan):
    return set(plan.findings["kind"])


def shuffled(frame, seed=3):
    return frame.sample(frac=1, random_state=seed).reset_index(drop=True)


def some_points(plan, n=4, **columns):
    """Points in front of some buildings."""
    houses = plan.buildings.drop_duplicates("bldg_id")
    some = houses.iloc[np.linspace(0, len(houses) - 1, n).astype(int)]
    ids = [f"old-{k}" for k in range(n)]
    return gpd.GeoDataFrame(
        {"point_id": ids, **columns}, geometry=some.representative_point().to_numpy(), crs=plan.crs
    )


def test_every_household_is_served_once_a_tier(plan, tiered):
    total = plan.buildings.groupby("bldg_id")["households"].sum()
    for _, own in tiered.served.groupby("tier"):
        assert own.set_index("bldg_id")["households"].to_dict() == total[total > 0].to_dict()
    for tier, own in tiered.points.groupby("tier"):
        assert own["households"].sum() == total.sum(), tier


def test_each_cell_has_homes_within_reach_of_all_and_a_station_at_one_of_them(plan, tiered):
    points = tiered.points
    homes, stations = (points[points["tier"] == tier] for tier in ("home", "station"))
    assert set(homes["zone"]) == set(plan.small.loc[plan.small["households"] > 0, "code"])
    assert set(stations["zone"]) == set(plan.medium["code"])
    assert set(stations["place"]) <= set(homes["place"])
    assert (homes["code"].str[: len(homes["zone"].iloc[0])] == homes["zone"]).all()
    own = tiered.served[tiered.served["tier"] == "home"]
    assert own["distance_m"].max() <= 200
    assert tiered.report["siting"]["tiers"]["home"]["gap"] == 0
    # Nobody is served by a point of another cell.
    zone = points.set_index("point_id")["zone"]
    cells = served_cells(tiered)
    cells = cells[cells["tier"] == "home"]
    assert (cells["small"] == cells["point_id"].map(zone)).all()


def test_fewer_homes_would_not_reach_all(plan, tiered):
    homes = tiered.points[tiered.points["tier"] == "home"]
    held = homes["zone"].value_counts().sort_index()
    zone, fewer = held.idxmax(), int(held.max()) - 1
    assert fewer > 0
    parts = plan.leaves[plan.leaves["parent"].eq(zone) | plan.leaves["code"].eq(zone)]["code"]
    rows = plan.buildings["code"].isin(parts) & (plan.buildings["households"] > 0)
    houses = plan.buildings[rows].drop_duplicates("bldg_id")
    network = gridcell.streets.walking_network(plan)
    at = network.join(houses.representative_point().to_numpy())
    choice = gridcell.choose_sites(
        network.distances(at, at), np.ones(len(houses)), count=fewer, within=200.0
    )
    assert choice.bound < len(houses)


def test_the_plan_is_written_proven_and_read_back(tiered, tmp_path):
    gridcell.write_plan(tiered, tmp_path / "plan")
    assert [f.kind for f in verify_certificate(tmp_path / "plan") if f.severity == "error"] == []
    back = gridcell.read_plan(tmp_path / "plan")
    assert gridcell.check_plan(back) == []
    assert back.siting == tiered.siting
    pd.testing.assert_frame_equal(pd.DataFrame(back.points), pd.DataFrame(tiered.points))
    pd.testing.assert_frame_equal(back.served, tiered.served)
    names = {file.name for file in (tmp_path / "plan").rglob("*") if file.is_file()}
    assert {"points.csv", "served.csv", "beyond.csv", "points.geojson"} <= names
    layer = gpd.read_file(tmp_path / "plan" / "geojson" / "points.geojson")
    assert layer["point_id"].tolist() == tiered.points["point_id"].tolist()
    away = layer.to_crs(tiered.crs).distance(tiered.points.geometry.set_crs(tiered.crs))
    assert away.max() < 0.05
    (tmp_path / "plan" / "points.csv").write_text("point_id\n")
    assert "file_differs" in {f.kind for f in verify_certificate(tmp_path / "plan")}


def test_a_plan_without_points_has_no_layer_for_them(example_town):
    import pyogrio

    layers = set(pyogrio.list_layers(example_town["plan_folder"] / "plan.gpkg")[:, 0])
    assert not layers & {"points", "served"}
    assert "siting" not in example_town["plan"].report


def test_checks_notice_points_that_serve_what_they_do_not_say(tiered):
    points = tiered.points.assign(households=tiered.points["households"] + 1)
    assert {f.kind for f in gridcell.check_plan(dataclasses.replace(tiered, points=points))} == {
        "wrong_point"
    }
    served = tiered.served.iloc[1:]
    found = {f.kind for f in gridcell.check_plan(dataclasses.replace(tiered, served=served))}
    assert "wrong_service" in found
    moved = tiered.points.assign(code=tiered.points["code"].iloc[::-1].to_numpy())
    found = {f.kind for f in gridcell.check_plan(dataclasses.replace(tiered, points=moved))}
    assert "wrong_point" in found


def test_the_order_of_rows_does_not_matter(plan):
    given = some_points(plan, capacity=[500, 40, None, 60])
    ours = place_points(plan, count=3, candidates=given)
    theirs = place_points(plan, count=3, candidates=shuffled(given))
    pd.testing.assert_frame_equal(ours.points, theirs.points)
    pd.testing.assert_frame_equal(ours.served, theirs.served)


@pytest.mark.parametrize("kind", ["buildings", "sites", "cells"])
def test_points_stand_on_candidates(plan, kind):
    sited = place_points(plan, goal="centre", count=1, candidates=kind)
    known = {
        "buildings": plan.buildings["bldg_id"], "cells": plan.leaves["code"],
        "sites": plan.small.loc[plan.small["grid_type"] == "dedicated", "code"],
    }[kind]  # fmt: skip
    assert set(sited.points["place"]) <= set(known)
    assert gridcell.check_plan(sited) == []


def test_existing_points_stay_and_others_come_beside_them(plan):
    sited = place_points(plan, count=6, existing=some_points(plan))
    old = sited.points[sited.points["existing"]]
    assert old["point_id"].tolist() == ["old-0", "old-1", "old-2", "old-3"]
    assert old["locked"].all()
    assert len(sited.points) == 6
    with pytest.raises(InputError, match="4 locked"):
        place_points(plan, count=2, existing=some_points(plan))


def test_existing_points_that_are_not_locked_may_be_given_up(plan):
    free = some_points(plan, locked=["yes", "no", None, "否"])
    sited = place_points(plan, count=1, existing=free)
    assert sited.points["point_id"].tolist() == ["old-0"]
    assert "existing_dropped" in kinds(sited)


def test_a_point_has_room_for_so_many(plan):
    enough = int(plan.buildings["households"].sum() // 3) + 60
    sited = place_points(plan, count=3, capacity=enough)
    assert sited.points["households"].max() <= enough
    assert "over_capacity" not in kinds(sited)
    short = place_points(plan, count=2, capacity=100)
    assert "over_capacity" in kinds(short)
    assert short.points["households"].sum() == plan.buildings["households"].sum()


def test_whoever_walks_too_far_is_listed(plan):
    sited = place_points(plan, count=1, within=150)
    far = beyond_reach(sited)
    assert (far["distance_m"] > 150).all()
    tier = sited.report["siting"]["tiers"]["point"]
    assert far["households"].sum() == tier["beyond"] > 0
    found = sited.findings[sited.findings["kind"] == "beyond_reach"]
    assert found["measure"].sum() == tier["beyond"]
    assert found.geometry.notna().all()
    assert tier["objective"] == tier["bound"] == tier["households"] - tier["beyond"]


def test_other_demand_than_households_is_served(plan):
    ids = plan.buildings["bldg_id"].drop_duplicates().tolist()
    table = pd.DataFrame({"bldg_id": [ids[3], ids[5], ids[3]], "demand": [2, 3, 4]})
    sited = place_points(plan, goal="centre", count=2, demand=table)
    assert sited.served.set_index("bldg_id")["households"].to_dict() == {ids[3]: 6, ids[5]: 3}
    assert sited.report["siting"]["demand"] == "frame"
    assert gridcell.check_plan(sited) == []
    with pytest.raises(InputError, match="nowhere"):
        place_points(plan, count=1, demand=table.assign(bldg_id="nowhere"))


def test_without_roads_distances_are_straight_and_that_is_said(plan):
    bare = dataclasses.replace(plan, barriers=plan.barriers.iloc[:0])
    sited = place_points(bare, count=2)
    assert sited.siting.straight
    assert "straight_distances" in kinds(sited)
    assert "straight_distances" not in kinds(place_points(plan, count=2))


def test_edits_keep_points_and_say_when_others_are_served(tiered):
    codes = tiered.small.loc[tiered.small["grid_type"] == "general", "code"].tolist()
    named = gridcell.edit_plan(tiered, [gridcell.Rename(codes[0], "north")])
    pd.testing.assert_frame_equal(named.points, tiered.points)
    assert named.siting == tiered.siting
    merged = gridcell.edit_plan(tiered, [gridcell.Merge(*codes[:2])])
    assert merged.points["point_id"].tolist() == tiered.points["point_id"].tolist()
    assert merged.points.geometry.geom_equals(tiered.points.geometry).all()
    assert gridcell.check_plan(merged) == []
    assert "points_kept" in kinds(merged)
    assert merged.report["siting"]["tiers"]["home"]["gap"] is None


def test_updates_keep_points_and_serve_whom_there_is(tiered, example_town):
    layers = example_town["layers"]
    fewer = dataclasses.replace(layers, households=layers.households.iloc[40:])
    updated = gridcell.update_plan(tiered, fewer)
    assert updated.points["place"].tolist() == tiered.points["place"].tolist()
    assert updated.points["households"].sum() == 2 * updated.buildings["households"].sum()
    assert gridcell.check_plan(updated) == []
    same = gridcell.update_plan(tiered, layers)
    pd.testing.assert_frame_equal(same.points, tiered.points)
    assert same.siting == tiered.siting


def test_points_are_not_published(tiered):
    told = gridcell.publish_plan(tiered).plan
    assert told.siting is None
    assert len(told.points) == len(told.served) == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "count"),
        ({"tiers": ["home"]}, "home"),
        ({"tiers": ["home:street:300"]}, "street"),
        ({"tiers": ["home:small:near"]}, "near"),
        ({"tiers": ["a:small", "b:small"]}, "small"),
        ({"tiers": ["a:small"], "count": 3}, "count"),
        ({"count": 10_000}, "10000"),
        ({"count": 1, "candidates": "nowhere.gpkg"}, "nowhere"),
    ],
)
def test_what_cannot_be_placed_is_told(plan, options, said):
    with pytest.raises(InputError, match=said):
        place_points(plan, **options)


def test_existing_points_name_their_tier_where_there_are_several(plan):
    tiers = ["home:small", "station:medium"]
    with pytest.raises(InputError, match="old-0"):
        place_points(plan, tiers=tiers, existing=some_points(plan))
    sited = place_points(plan, tiers=tiers, existing=some_points(plan, tier="station"))
    assert (sited.points.loc[sited.points["existing"], "tier"] == "station").all()


def test_files_tell_which_row_is_wrong(plan):
    table = pd.DataFrame({"point_id": ["a", "b"], "lon": [109.6, None], "lat": [23.1, 23.1]})
    with pytest.raises(InputError, match="row 2"):
        place_points(plan, count=1, candidates=table)
    odd = some_points(plan, locked=["yes", "perhaps", "no", "no"])
    with pytest.raises(InputError, match="perhaps"):
        place_points(plan, count=2, existing=odd)


def test_cells_without_a_candidate_are_told_once(plan):
    stations = some_points(plan, n=1)
    sited = place_points(plan, tiers=["home:small:300"], candidates=stations)
    found = sited.findings["kind"].tolist()
    held = plan.small[plan.small["households"] > 0]
    assert found.count("zone_without_point") == len(held) - 1
    own = sited.points["zone"].iloc[0]
    assert set(sited.findings.loc[sited.findings["kind"] == "beyond_reach", "cell"]) <= {own}
    assert gridcell.check_plan(sited) == []


def test_tiers_of_every_level_stand_inside_one_another(plan):
    levels = ["micro", "small", "medium", "large"]
    sited = place_points(plan, tiers=[f"{level}:{level}" for level in levels])
    assert gridcell.check_plan(sited) == []
    for fine, coarse in itertools.pairwise(levels):
        own = sited.points.set_index("tier")["place"]
        assert set(np.atleast_1d(own[coarse])) <= set(np.atleast_1d(own[fine]))


def test_rules_lend_their_names_of_columns_and_nothing_else(plan):
    table = some_points(plan).rename(columns={"point_id": "Nr"})
    rules = {"fields": {"service_points": {"point_id": "Nr"}}, "seed": 99}
    sited = place_points(plan, count=2, candidates=table, rules=rules)
    assert set(sited.points["place"]) <= set(table["Nr"])
    assert sited.rules.model_copy(update={"fields": plan.rules.fields}) == plan.rules


def test_cells_with_too_many_pairs_take_points_of_the_tier_below(plan, tiered, monkeypatch):
    monkeypatch.setattr("gridcell.siting.tiers._PAIRS", 200)
    sited = place_points(plan, tiers=["station:medium", "home:small:200"])
    assert gridcell.check_plan(sited) == []
    own = sited.points.set_index("tier")["place"]
    assert {own["station"]} <= set(own["home"])
    told = sited.findings[sited.findings["kind"] == "candidates_thinned"]
    assert set(told["cell"]) >= {plan.medium["code"].iloc[0]}
    assert "candidates_thinned" not in set(tiered.findings["kind"])
    assert sited.points["households"].sum() == tiered.points["households"].sum()
