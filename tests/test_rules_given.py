"""Rules as people give them: all faults at once, bands as texts, settings as a mapping."""

import geopandas as gpd
import pytest
from shapely import box

import gridcell
from gridcell.errors import RulesError

BAD = """\
small = {min = 300, target = 400}
foo = 1
seed = -1
micro = "30:40"
[fields.comunities]
code = "x"
[fields.buildings]
housholds = "y"
[codes]
small_digits = 9
"""


def test_every_fault_of_a_file_is_told(tmp_path):
    (tmp_path / "bad.toml").write_text(BAD, "utf-8")
    with pytest.raises(RulesError) as caught:
        gridcell.read_rules(tmp_path / "bad.toml")
    told = str(caught.value).splitlines()
    for place in (
        "small.max", "foo", "seed", "micro", "fields.comunities", "fields.buildings.housholds",
        "codes.small_digits",
    ):  # fmt: skip
        assert sum(f"bad.toml: {place}: " in line for line in told) == 1, place
    assert len(told) == 7
    assert "expected one of communities, buildings" in str(caught.value)


def test_bands_may_be_written_as_on_the_command_line():
    rules = gridcell.Rules(small="200:250:300", micro="none")
    assert (rules.small, rules.micro) == (gridcell.Band(min=200, target=250, max=300), None)
    with pytest.raises(ValueError, match="expected MIN:TARGET:MAX"):
        gridcell.Rules(small="200:250")


def test_rules_may_be_a_mapping_of_what_is_not_at_its_default():
    town = gridcell.make_sample(households=900, seed=1, communities=1)
    given = {"micro": None, "small": "200:250:300", "search": 20}
    layers = gridcell.read_layers(town.communities, town.buildings, rules={"seed": 1})
    plan = gridcell.make_plan(layers, rules=given)
    assert plan.rules == gridcell.Rules(micro=None, small="200:250:300", search=20)
    again = gridcell.update_plan(plan, layers, rules={"seed": 7})
    assert again.rules == gridcell.Rules(micro=None, small="200:250:300", search=20, seed=7)
    with pytest.raises(RulesError, match="smal: unknown setting"):
        gridcell.make_plan(layers, rules={"smal": "200:250:300"})


def test_staff_is_renewed_by_settings_over_those_of_the_plan():
    town = gridcell.make_sample(households=900, seed=1, communities=1)
    layers = gridcell.read_layers(town.communities, town.buildings)
    plan = gridcell.make_plan(layers, rules={"micro": None, "search": 20})
    roster = town.staff.rename(columns={"staff_id": "who"})
    renewed = gridcell.renew_staff(plan, roster, rules={"fields": {"staff": {"staff_id": "who"}}})
    assert set(renewed.staff["staff_id"]) <= set(roster["who"])
    assert len(renewed.staff)
    assert renewed.rules.search == 20
    assert renewed.rules.staffing == plan.rules.staffing
    with pytest.raises(RulesError, match="stafing: unknown setting"):
        gridcell.renew_staff(plan, roster, rules={"stafing": {}})


def test_columns_of_a_crosswalk_are_named_by_a_mapping():
    old = gpd.GeoDataFrame({"KEY": ["A"]}, geometry=[box(0, 0, 90, 50)], crs="EPSG:4547")
    new = gpd.GeoDataFrame({"code": ["B"]}, geometry=[box(0, 0, 90, 50)], crs="EPSG:4547")
    for frame in (old, new):
        frame.geometry = frame.translate(500_000, 2_500_000)
    crosswalk = gridcell.make_crosswalk(old, new, rules={"fields": {"a": {"code": "KEY"}}})
    assert crosswalk.pairs[["a", "b"]].to_numpy().tolist() == [["A", "B"]]
