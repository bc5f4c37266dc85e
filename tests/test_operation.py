"""Cells formed anew from a plan alone are the plan."""

import dataclasses

import pandas as pd
import pytest

import gridcell
from gridcell.assembly import Clock
from gridcell.partition.revise import take_cells
from gridcell.revision.operation import cells_of, go_on, input_of
from gridcell.revision.people import keep_staff


@pytest.fixture(scope="module")
def plan():
    town = gridcell.make_sample(households=3000, seed=5)
    layers = gridcell.read_layers(
        town.communities, town.buildings, households=town.households, sites=town.sites,
        barriers=[town.roads, town.rivers], staff=town.staff,
    )  # fmt: skip
    return gridcell.make_plan(layers)


def same_again(plan):
    given = input_of(plan)
    cells, descent = cells_of(plan)
    division = take_cells(
        given.fabric, given.small, given.micro, cells.small, cells.leaf,
        codes=given.layers.communities["code"].tolist(), rules=plan.rules,
    )  # fmt: skip
    return go_on(
        plan, given, division, descent, rules=plan.rules, clock=Clock(None),
        assign=keep_staff(plan, given.layers, plan.rules), operation="edit", command="nothing",
    )  # fmt: skip


def test_cells_formed_from_the_land_of_a_plan_are_its_own(plan):
    again = same_again(plan)
    for level in ("large", "medium", "small", "micro", "leaves", "buildings", "findings"):
        pd.testing.assert_frame_equal(getattr(again, level), getattr(plan, level))
    for table in ("households", "staff", "vacancies", "lineage", "codes"):
        pd.testing.assert_frame_equal(getattr(again, table), getattr(plan, table))
    assert {**again.report, "seconds": 0} == {**plan.report, "seconds": 0}
    assert again.history["changes"].tolist()[1:] == [f'{{"U": {len(plan.codes)}}}']


def test_a_plan_without_its_land_says_what_to_do(plan):
    with pytest.raises(gridcell.InputError, match="keeps no land"):
        input_of(dataclasses.replace(plan, fabric=None))
