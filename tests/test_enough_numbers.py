"""Codes that have too few numbers are told before anything is searched, with the rule to set."""

import pytest

import gridcell
from gridcell.errors import CodeError


@pytest.fixture(scope="module")
def layers():
    town = gridcell.make_sample(households=1200, seed=1, communities=1)
    return gridcell.read_layers(town.communities, town.buildings)


def rules(**codes):
    return gridcell.Rules.build({"small": "30:40:50", "micro": "6:10:14", "codes": codes})


def test_a_community_of_too_many_small_cells_is_refused_before_the_search(layers, monkeypatch):
    monkeypatch.setattr("gridcell.pipeline.divide", lambda *_, **__: pytest.fail("searched"))
    few = {"small_digits": 1, "general_last": 7, "dedicated_first": 8, "dedicated_last": 9}
    with pytest.raises(CodeError, match=r" [0-9,]+ households .* for 7;") as caught:
        gridcell.make_plan(layers, rules=rules(**few))
    assert "set codes.small_digits = 2, codes.general_last = 79" in str(caught.value)
    assert caught.value.exit_code == 3


def test_the_rule_that_is_told_serves(layers):
    wide = {"small_digits": 2, "general_last": 79, "dedicated_first": 81, "dedicated_last": 99}
    plan = gridcell.make_plan(layers, rules=rules(**wide).model_copy(update={"search": 10}))
    assert plan.ok


def test_so_are_micro_cells(layers, monkeypatch):
    monkeypatch.setattr("gridcell.pipeline.divide", lambda *_, **__: pytest.fail("searched"))
    many = gridcell.Rules.build({"micro": "6:10:14", "codes": {"micro_digits": 1}})
    with pytest.raises(CodeError, match=r"set codes.micro_digits = 2"):
        gridcell.make_plan(layers, rules=many)
