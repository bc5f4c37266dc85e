"""Estimates: where figures are sparse, by what they rest on, told per cell, and never fatal."""

import dataclasses

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from test_cell_columns import RULES, town
from test_households import CRS, buildings, layers
from towns import box

import gridcell
from gridcell.check import check_plan
from gridcell.folder import write_plan
from gridcell.formats.geopackage import read_plan
from gridcell.households import count_households, estimate_households
from gridcell.households.count import MOST_HOUSEHOLDS
from gridcell.revision.edits import Merge
from gridcell.rules import Households


def figures(*known, n=10):
    """Return figures of the first buildings, none of the others."""
    return pd.array([*known, *[None] * (n - len(known))], dtype="Int64")


def kinds(found):
    return [finding.kind for finding in found]


def test_few_figures_are_no_register_the_others_are_estimated():
    houses = buildings(10, households=figures(7, 0, 5), floors=[11.0] * 10)
    counted = count_households(layers(houses))
    assert counted.households.tolist() == [7, 0, 5, *[10] * 7]
    assert counted.is_estimate.tolist() == [False] * 3 + [True] * 7
    (told,) = (f for f in counted.findings if f.kind == "estimated")
    assert (told.severity, told.measure) == ("warning", 70.0)
    assert "3 of 10 buildings have a figure, 12 households in all" in told.message
    assert "70 households were estimated in 7 others, 110 m2" in told.message


def test_the_threshold_and_the_switch_are_rules():
    houses = buildings(10, households=figures(*[2] * 6))

    def held(**rules):
        return count_households(layers(houses), Households(**rules)).households.sum()

    assert held() == 12
    assert held(complete_share=0.7) == 16
    assert held(estimate="missing") == 16
    assert held(estimate="never", complete_share=0.7) == 12
    none = layers(buildings(10))
    assert count_households(none, Households(estimate="never")).households.sum() == 0


def test_only_buildings_to_live_in_are_expected_to_have_figures():
    use = ["yes"] * 3 + ["school"] * 7
    counted = count_households(layers(buildings(10, households=figures(2, 2, 2), use=use)))
    assert counted.households.tolist() == [2, 2, 2, *[0] * 7]
    assert not counted.estimated
    assert [(f.kind, f.severity) for f in counted.findings] == [("households_unknown", "note")]
    counted = count_households(layers(buildings(10, households=figures(*[2] * 6))))
    assert [(f.kind, f.severity) for f in counted.findings] == [("households_unknown", "warning")]


def test_enough_figures_tell_the_floor_of_a_household_each_by_its_like():
    floors = pd.array([4.0, 4.0, None, None] * 25, dtype="Float64")
    known = np.full(100, np.nan)
    # 100 m2 of footprint: 8 households on 400 m2 of floor, 5 where floors are unknown.
    known[:8] = [8, 8, 5, 5] * 2
    houses = buildings(100, floors=floors)
    rules = Households(calibrate_from=4)
    assert estimate_households(houses, rules, known=known)[8:12].tolist() == [8, 8, 5, 5]
    assert estimate_households(houses, known=known)[8:12].tolist() == [4, 4, 1, 1]
    # Known nobodies count, too: half of the houses are empty, on average.
    known[:8] = [8, 0, 5, 0] * 2
    known[8:16] = [8, 0, 5, 0] * 2
    assert estimate_households(houses, rules, known=known)[16:20].tolist() == [4, 4, 2, 2]


def test_footprints_that_no_building_has_hold_nobody_unless_the_file_says_so():
    houses = buildings(4, households=figures(3, n=4))
    field = shapely.box(0, 1000, 3000, 3000)
    houses.loc[3, "geometry"] = field
    counted = count_households(layers(houses))
    assert counted.households.tolist() == [3, 1, 1, 0]
    (odd,) = (f for f in counted.findings if f.kind == "footprint_implausible")
    assert "b3 with 6,000,000 m2" in odd.message
    assert odd.place is not None
    houses["households"] = figures(3, None, None, 80, n=4)
    assert count_households(layers(houses)).households.tolist() == [3, 1, 1, 80]
    wide = Households(max_footprint_m2=1e7, m2_per_household=0.001)
    houses["households"] = figures(n=4)
    assert count_households(layers(houses), wide).households.max() == MOST_HOUSEHOLDS


@pytest.mark.parametrize("held", [None, 0])
def test_estates_drawn_as_buildings_are_left_out_and_their_houses_divided(held):
    communities, houses, _ = town()
    x, y = communities.total_bounds[:2]
    estate = shapely.box(x + 5, y + 5, x + 255, y + 255)
    told = {"bldg_id": "estate", "households": held}
    given = pd.concat([houses, gpd.GeoDataFrame([told], geometry=[estate], crs=houses.crs)])
    plan, without = (
        gridcell.make_plan(gridcell.read_layers(communities, each, rules=RULES), rules=RULES)
        for each in (given, houses)
    )
    (area,) = plan.findings[plan.findings["kind"] == "area_not_building"].itertuples()
    assert "estate with 62,500 m2" in area.message
    assert plan.ok
    assert plan.micro.equals(without.micro)
    assert "estate" not in set(plan.buildings["bldg_id"])


def test_podiums_and_estates_with_figures_stay_buildings():
    communities, houses, _ = town()
    x, y = communities.total_bounds[:2]
    few, many = shapely.box(x, y, x + 145, y + 145), shapely.box(x, y, x + 255, y + 255)
    for households, outline in ((0, few), (5, many)):
        told = {"bldg_id": "large", "households": households}
        given = pd.concat([houses, gpd.GeoDataFrame([told], geometry=[outline], crs=houses.crs)])
        plan = gridcell.make_plan(
            gridcell.read_layers(communities, given, rules=RULES), rules=RULES
        )
        assert plan.ok
        assert "large" in set(plan.buildings["bldg_id"])


def test_borders_may_cut_estates_drawn_as_buildings():
    communities, houses, _ = town()
    estate = shapely.box(*communities.total_bounds)
    given = pd.concat(
        [houses, gpd.GeoDataFrame([{"bldg_id": "estate"}], geometry=[estate], crs=houses.crs)]
    )
    report = gridcell.check_cells(communities, buildings=given)
    assert report.ok
    assert report.findings["kind"].tolist() == ["area_not_building"]


def test_floors_that_no_building_has_are_no_floors():
    houses = buildings(4, floors=[2005.0, 3.0, np.nan, np.nan], height=[np.nan, 9, 9, 9999.0])
    counted = count_households(layers(houses))
    assert counted.households.tolist() == [1, 3, 3, 1]
    assert "floors_implausible" in kinds(counted.findings)


@pytest.fixture(scope="module")
def mixed():
    """Return a plan of 72 buildings of which 8 have figures, 2 households each."""
    communities, houses, school = town()
    houses["households"] = figures(*[2] * 8, n=72)
    houses["floors"] = 2.0 * 110 / 100
    given = gridcell.read_layers(communities, houses, sites=school, rules=RULES)
    return gridcell.make_plan(given, rules=RULES)


def test_cells_tell_which_of_their_households_are_estimates(mixed, tmp_path):
    assert mixed.ok
    assert (mixed.estimated, mixed.report["households"]["estimated"]) == (128, 128)
    assert int(mixed.leaves["households"].sum()) == 144
    for level in ("large", "medium", "leaves"):
        assert int(mixed.cells(level)["estimated"].sum()) == 128
    part = mixed.leaves["estimated"]
    assert (part < mixed.leaves["households"]).any()
    write_plan(mixed, tmp_path / "plan")
    again = read_plan(tmp_path / "plan")
    assert again.ok
    pd.testing.assert_series_equal(again.leaves["estimated"], part)


def test_an_edit_keeps_what_is_an_estimate(mixed):
    cells = mixed.micro[mixed.micro["grid_type"] == "general"]
    pair = next(
        (a, b) for _, group in cells.groupby("parent")
        for a, b in zip(group.index, group.index[1:], strict=False)
        if shapely.intersection(group.geometry[a], group.geometry[b]).length > 1
    )  # fmt: skip
    after = gridcell.edit_plan(mixed, [Merge(*cells["code"][list(pair)])])
    assert after.ok
    assert after.estimated == 128
    assert int(after.leaves["estimated"].sum()) == 128


def test_estimates_that_were_changed_are_found(mixed):
    micro = mixed.micro.copy()
    row = int(np.flatnonzero(micro["estimated"] > 1)[0])
    micro.loc[row, "estimated"] -= 1
    found = check_plan(dataclasses.replace(mixed, micro=micro))
    assert any("of its households are estimates, expected" in f.message for f in found)
    other = check_plan(dataclasses.replace(mixed, estimated=127))
    assert {"report_differs"} <= {f.kind for f in other}


def test_an_estate_over_its_own_houses_breaks_no_promise():
    houses = [
        box(x, y, x + 12, y + 12) for x in range(100, 2900, 140)
        for y in range(100, 1900, 130)
    ]  # fmt: skip
    halves = [box(0, 0, 1500, 2000), box(1500, 0, 3000, 2000)]
    estate, overlapping = box(50, 50, 2950, 1950), box(700, 300, 2200, 900)
    communities = gpd.GeoDataFrame({"code": ["A", "B"]}, geometry=halves, crs=CRS)
    shapes = [*houses, estate, overlapping, box(5, 5, 2995, 1995)]
    given = gridcell.read_layers(communities, gpd.GeoDataFrame(geometry=shapes, crs=CRS))
    plan = gridcell.make_plan(given)
    assert plan.ok, plan.findings["kind"].value_counts()
    assert int(plan.leaves["households"].sum()) == len(houses)
