"""People are assigned by their way along the streets where that is wanted: over bridges alone."""

import dataclasses

import geopandas as gpd
import numpy as np
import pandas as pd
from plans import LARGE, ORIGIN, tiny_plan
from shapely import LineString
from test_staff import roster, town

import gridcell
from gridcell.streets import build_network

RIVER = [(60, -10), (60, 990)]
BRIDGE = [(0, 0), (55, 0), (55, 1000), (65, 1000), (65, 0), (200, 0)]
BANKS = ([(0, 0), (55, 0)], [(65, 0), (200, 0)])


def network_of(*roads):
    lines = [LineString(line) for line in (*roads, RIVER)]
    kinds = ["road"] * len(roads) + ["river"]
    frame = gpd.GeoDataFrame({"kind": kinds, "rank": None, "name": None}, geometry=lines, crs=4547)
    return build_network(frame, crs=frame.crs)


def chief(network, x=95):
    people, homes = roster(("p", "micro_chief", "A", x))
    staff, _, findings = gridcell.assign_staff(*town(), people, homes=homes, network=network)
    return staff[["code", "distance_m"]].iloc[0].tolist(), [f.kind for f in findings]


def test_the_nearest_cell_is_not_the_one_across_the_river():
    assert chief(None)[0] == ["A001001", 45.0]
    assert chief(network_of(BRIDGE))[0] == ["A001002", 55.0]


def test_distances_over_a_bridge_count_its_way():
    people, homes = roster(("p", "community_chief", "A", 20), ("q", "community_chief", "A", np.nan))
    network = network_of(BRIDGE)
    staff, _, _ = gridcell.assign_staff(*town(), people, homes=homes, network=network)
    assert staff["distance_m"].tolist() == [35 + 950 + 10 + 950 + 35]


def test_who_has_no_way_holds_a_post_without_a_distance_and_it_is_told():
    (code, metres), kinds = chief(network_of(*BANKS), x=95)
    assert (code, metres) == ("A001002", 55.0)
    assert "streets_apart" in kinds
    medium, small, micro = town()
    people, homes = roster(("p", "micro_chief", "A", 95))
    staff, _, findings = gridcell.assign_staff(
        medium, small, micro.iloc[:1], people, homes=homes, network=network_of(*BANKS)
    )
    assert staff["distance_m"].isna().tolist() == [True]
    assert [f.measure for f in findings if f.kind == "staff_no_way"] == [1.0]


def test_the_rule_is_kept_with_the_plan_and_said_by_the_flag(tmp_path):
    plan = tiny_plan()
    x, y = ORIGIN
    people = pd.DataFrame(
        {"staff_id": ["p"], "roles": "community_chief", "community": f"{LARGE}001", "x": x + 250,
         "y": y + 350}
    )  # fmt: skip
    straight = gridcell.renew_staff(plan, people)
    walked = gridcell.renew_staff(plan, people, rules={"walking": {"network": True}})
    assert straight.staff["distance_m"].iloc[0] < walked.staff["distance_m"].iloc[0]
    assert walked.rules.walking.network
    # What is not said again stays.
    gridcell.write_plan(walked, tmp_path / "p")
    again = gridcell.renew_staff(gridcell.read_plan(tmp_path / "p"), people)
    assert again.staff.equals(walked.staff)
    roles = gridcell.Rules(staffing=plan.rules.staffing)
    assert gridcell.renew_staff(walked, people, rules=roles).rules.walking.network


def test_without_roads_it_is_told_that_ways_are_straight():
    plan = tiny_plan()
    plan = dataclasses.replace(plan, barriers=plan.barriers.iloc[:0])
    people = pd.DataFrame(
        {"staff_id": ["p"], "roles": "community_chief", "community": f"{LARGE}001"}
        | dict(zip("xy", ([c] for c in ORIGIN), strict=True))
    )
    walked = gridcell.renew_staff(plan, people, rules={"walking": {"network": True}})
    assert "streets_none" in walked.findings["kind"].tolist()
    straight = gridcell.renew_staff(walked, people, rules={"walking": {"network": False}})
    assert "streets_none" not in straight.findings["kind"].tolist()
    assert straight.staff.equals(walked.staff)


def test_a_division_assigns_along_the_streets(example_town):
    layers, plan = example_town["layers"], example_town["plan"]
    network = gridcell.walking_network(plan)
    homes = gridcell.staff.homes_of(layers.staff, plan.buildings)
    staff, _, _ = gridcell.assign_staff(
        plan.medium, plan.small, plan.micro, layers.staff, homes=homes, network=network
    )
    walked = gridcell.update_plan(
        plan, layers, rules=plan.rules.model_copy(
            update={"walking": plan.rules.walking.model_copy(update={"network": True})}
        ),
    )  # fmt: skip
    held = plan.staff.merge(walked.staff, on=["staff_id", "role", "code"])
    assert len(held) == len(plan.staff)
    assert (held["distance_m_y"] >= held["distance_m_x"] - 0.01).all()
    assert len(staff) == len(plan.staff)
    assert staff["distance_m"].sum() <= walked.staff["distance_m"].sum() + 0.01
