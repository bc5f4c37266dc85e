"""Updates spare communities for which nothing changed, and come to the same plan to the byte."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from workers import Here

import gridcell
from gridcell.fabric import again, tracts
from gridcell.revision import spared


@pytest.fixture(scope="module", autouse=True)
def _each_community_is_a_tract():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tracts, "LEAST_PRINTS", 1)
        yield


@pytest.fixture(scope="module")
def layers():
    town = gridcell.make_sample(households=4000, seed=3, communities=16)
    return gridcell.read_layers(
        town.communities, town.buildings, households=town.households, sites=town.sites,
        barriers=[town.roads, town.rivers], staff=town.staff,
    )  # fmt: skip


@pytest.fixture(scope="module")
def plan(layers):
    return gridcell.make_plan(layers)


@pytest.fixture
def lands(monkeypatch):
    """What was spared in each update."""
    found = []
    true = spared.SparedLand.of.__func__

    def of(cls, *given, **named):
        found.append(true(cls, *given, **named))
        return found[-1]

    monkeypatch.setattr(spared.SparedLand, "of", classmethod(of))
    return found


def within(layers, row):
    """Return the ids of the lived-in buildings of a community."""
    houses = layers.buildings[layers.buildings["bldg_id"].isin(layers.households["bldg_id"])]
    inside = houses.representative_point().within(layers.communities.geometry.iloc[row])
    return houses.loc[inside, "bldg_id"].tolist()


def changed(layers, how, ids):
    buildings, table = layers.buildings, layers.households
    mine, lives = buildings["bldg_id"].isin(ids), table["bldg_id"].isin(ids)
    if how == "demolished":
        buildings, table = buildings[~mine].reset_index(drop=True), table[~lives]
    elif how == "fuller":
        more = table[lives].assign(household_id="new " + table["household_id"][lives])
        table = pd.concat([table, more])
    elif how == "rebuilt":
        shapes = buildings.geometry.where(~mine, buildings.geometry.scale(0.8, 0.8))
        buildings = buildings.set_geometry(shapes)
    return dataclasses.replace(layers, buildings=buildings, households=table.reset_index(drop=True))


def plain(plan):
    division = dataclasses.replace(plan.division, seconds={})
    return dataclasses.replace(plan, division=division)


def files_of(plan, folder, before, executor=None):
    gridcell.write_plan(plain(plan), folder, before=before, executor=executor)
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def whole_update(plan, layers, **options):
    return gridcell.update_plan(dataclasses.replace(plan, cut_from={}), layers, **options)


def assert_same(one, other):
    for field in dataclasses.fields(one):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if isinstance(a, pd.DataFrame):
            assert list(a.columns) == list(b.columns), field.name
            assert a.equals(b), field.name
        elif field.name == "fabric":
            for part in dataclasses.fields(a):
                x, y = getattr(a, part.name), getattr(b, part.name)
                if isinstance(x, np.ndarray):
                    assert x.shape == y.shape, part.name
                    assert (x == y).all(), part.name
                elif isinstance(x, pd.DataFrame):
                    assert x.equals(y), part.name
        elif field.name != "division":
            assert a == b, field.name
    assert plain(one).division == plain(other).division


def test_processes_change_no_byte_of_an_update(plan, layers, lands, tmp_path):
    new = changed(layers, "demolished", within(layers, 3)[:2])
    alone = gridcell.update_plan(plan, new)
    shared = gridcell.update_plan(plan, new, executor=Here())
    assert [land is not None for land in lands] == [True, True]
    assert_same(alone, shared)
    assert files_of(alone, tmp_path / "a", plan) == files_of(shared, tmp_path / "b", plan, Here())


@pytest.mark.parametrize("seed", range(2))
def test_sparing_changes_nothing_however_many_updates_follow_each_other(plan, layers, lands, seed):
    rng = np.random.default_rng(seed)
    for how in rng.permutation(["demolished", "fuller", "rebuilt"]):
        ids = within(layers, int(rng.integers(len(layers.communities))))
        size = int(rng.integers(1, 4))
        layers = changed(layers, how, set(rng.choice(ids, size, replace=False).tolist()))
        short = gridcell.update_plan(plan, layers)
        assert_same(short, whole_update(plan, layers))
        plan = short
    spared_each = [land.spared.sum() for land in lands if land is not None]
    assert len(spared_each) >= 2
    assert min(spared_each) > len(layers.communities) / 2


def test_every_file_is_the_same_to_the_byte(plan, layers, lands, tmp_path):
    gridcell.write_plan(plan, tmp_path / "plan")
    plan = gridcell.read_plan(tmp_path / "plan")
    layers = changed(layers, "demolished", within(layers, 5)[:2])
    short = files_of(gridcell.update_plan(plan, layers), tmp_path / "short", plan)
    whole = files_of(whole_update(plan, layers), tmp_path / "whole", plan)
    assert lands[0].spared.sum() == len(layers.communities) - 1
    assert short == whole


def test_land_is_cut_for_the_changed_community_and_those_beside_it_alone(plan, layers, monkeypatch):
    cut = []
    true = again.cut_tract

    def count(tract):
        cut.extend(tract.rows.tolist())
        return true(tract)

    monkeypatch.setattr(again, "cut_tract", count)
    gridcell.update_plan(plan, changed(layers, "demolished", within(layers, 5)[:1]))
    land = layers.communities.geometry
    assert cut == np.flatnonzero(land.distance(land.iloc[5]) < 0.01).tolist()
    assert len(cut) < len(land)


def test_one_wish_more_in_a_community_is_met_and_others_are_spared(
    plan, layers, lands, monkeypatch
):
    had = int((plan.small["community"] == layers.communities["code"][12]).sum())
    wishes = layers.communities["n_small"].astype("Int64").copy()
    wishes[12] = had + 1
    layers = changed(layers, "demolished", within(layers, 5)[:1])
    layers = dataclasses.replace(layers, communities=layers.communities.assign(n_small=wishes))
    after = gridcell.update_plan(plan, layers)
    assert [np.flatnonzero(~land.spared).tolist() for land in lands] == [[5, 12]]
    assert (after.small["community"] == layers.communities["code"][12]).sum() == had + 1
    whole = whole_update(plan, layers)
    assert_same(after, whole)
    # Whatever else a community should hold is seen once its land is cut.
    lands.clear()
    monkeypatch.setattr("gridcell.revision.update.new_wishes", lambda *_: set())
    assert_same(gridcell.update_plan(plan, layers), whole)
    assert [np.flatnonzero(~land.spared).tolist() for land in lands] == [[5], [5, 12]]


@pytest.mark.parametrize("how", ["rules", "locked", "other version", "no land"])
def test_all_land_is_cut_where_the_plan_does_not_stand_for_it(plan, layers, lands, how):
    rules, locked = plan.rules, ()
    if how == "rules":
        rules = rules.model_copy(update={"seed": 7})
    elif how == "locked":
        home = layers.communities["code"].iloc[5]
        locked = [plan.micro["code"][plan.micro["community"] == home].iloc[0]]
    elif how == "other version":
        plan = dataclasses.replace(
            plan, division=dataclasses.replace(plan.division, version="0.0.1")
        )
    else:
        plan = dataclasses.replace(plan, fabric=None)
    layers = changed(layers, "demolished", within(layers, 5)[:1])
    after = gridcell.update_plan(plan, layers, rules=rules, locked=locked)
    assert not [land for land in lands if land is not None]
    assert after.cut_from


def test_locks_and_edits_elsewhere_do_not_keep_an_update_from_sparing(plan, layers, lands):
    home = plan.micro["community"]
    first, second = layers.communities["code"].iloc[[0, 9]]
    most = plan.micro.sort_values("buildings", ascending=False)
    in_first, in_second = (most["code"][home == code].iloc[0] for code in (first, second))
    edited = gridcell.edit_plan(
        plan, [gridcell.Lock(in_first), gridcell.Rename(in_first, "Gate"),
               gridcell.Split(in_second, 2)]
    )  # fmt: skip
    after = gridcell.update_plan(edited, changed(layers, "demolished", within(layers, 5)[:1]))
    spared = layers.communities["code"][lands[-1].spared]
    assert first in set(spared)
    assert set(layers.communities["code"]) - set(spared) == {
        second,
        layers.communities["code"].iloc[5],
    }
    assert after.ok
    assert after.micro.set_index("code").loc[in_first, "name"] == "Gate"


def test_rules_of_staff_alone_change_no_cell(plan, layers, lands):
    rules = gridcell.Rules(**{**plan.rules.model_dump(), "staffing": plan.rules.staffing[:3]})
    after = gridcell.update_plan(plan, layers, rules=rules)
    assert lands[-1].spared.all()
    assert after.leaves.equals(plan.leaves)
    assert after.rules == rules


def test_the_same_data_change_nothing_after_an_update_under_a_lock(plan, layers, lands):
    home = layers.communities["code"].iloc[5]
    locked = plan.micro["code"][plan.micro["community"] == home].iloc[:1].tolist()
    less = changed(layers, "demolished", within(layers, 5)[:3])
    once = gridcell.update_plan(plan, less, locked=locked)
    assert lands[-1] is None
    again = gridcell.update_plan(once, less, locked=locked)
    assert lands[-1].spared.all()
    assert again.leaves.equals(once.leaves)
    assert again.cut_from == once.cut_from
    gridcell.update_plan(again, less)
    assert not lands[-1].spared[5]


def test_undo_gives_back_what_an_update_spares_by(plan, tmp_path):
    code = plan.micro["code"].iloc[0]
    edited = gridcell.edit_plan(plan, [gridcell.Rename(code, "Gate")])
    back = gridcell.edit_plan(edited, [gridcell.Undo()])
    assert back.cut_from == plan.cut_from
    gridcell.write_plan(back, tmp_path / "plan")
    assert gridcell.read_plan(tmp_path / "plan").cut_from == plan.cut_from
    assert gridcell.read_plan(tmp_path / "plan", atoms=False).cut_from == {}


def test_the_digest_of_a_tract_does_not_depend_on_its_rows(layers, plan):
    far = changed(layers, "demolished", within(layers, 0)[:1])
    after = gridcell.make_plan(far)
    same = [code for code in plan.cut_from if after.cut_from.get(code) == plan.cut_from[code]]
    beside = layers.communities.geometry.distance(layers.communities.geometry.iloc[0]) < 1
    assert set(layers.communities["code"][~beside]) <= set(same)
    assert layers.communities["code"].iloc[0] not in same
