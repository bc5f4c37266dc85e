"""Atoms given out to cells anew: what a map editor writes."""

import dataclasses

import numpy as np
import pytest

import gridcell
from gridcell import Assign, AtomGroup
from gridcell.revision.holding import CellHolding
from gridcell.revision.script import edits_of
from gridcell.revision.states import land_states


@pytest.fixture(scope="module")
def plan():
    town = gridcell.make_sample(households=2000, seed=5)
    layers = gridcell.read_layers(
        town.communities, town.buildings, households=town.households, sites=town.sites,
        barriers=[town.roads, town.rivers], staff=town.staff,
    )  # fmt: skip
    return gridcell.make_plan(layers)


def groups_of(plan, codes):
    """Return the land of some leaves as groups of atoms."""
    parent = dict(zip(plan.leaves["code"], plan.leaves["parent"], strict=True))
    atoms = plan.fabric.atoms["code"]
    return [AtomGroup(np.flatnonzero(atoms == code).tolist(), parent[code]) for code in codes]


def neighbours(plan, *, across):
    """Return a border atom, the leaf it is in and the one beside it, which live without it."""
    fabric = plan.fabric
    code = fabric.atoms["code"].to_numpy()
    general = set(plan.micro["code"])
    parent = dict(zip(plan.leaves["code"], plan.leaves["parent"], strict=True))
    for a, b in zip(fabric.arc_left, fabric.arc_right, strict=True):
        if min(a, b) < 0 or code[a] == code[b] or not {code[a], code[b]} <= general:
            continue
        if code[a][:12] != code[b][:12] or (parent[code[a]] != parent[code[b]]) != across:
            continue
        try:
            gridcell.edit_plan(plan, [moved(plan, int(a), code[a], code[b])])
        except gridcell.InputError:
            continue
        return int(a), code[a], code[b]
    raise AssertionError("no such border")


def moved(plan, atom, source, target):
    """Return the edit that gives an atom to another leaf."""
    one, other = groups_of(plan, [source, target])
    rest = [k for k in one.atoms if k != atom]
    return Assign([AtomGroup(rest, one.small), AtomGroup([*other.atoms, atom], other.small)])


def households(plan):
    return plan.micro.set_index("code")["households"]


@pytest.mark.parametrize("across", [False, True])
def test_an_atom_goes_to_the_cell_beside_it(plan, across):
    atom, source, target = neighbours(plan, across=across)
    after = gridcell.edit_plan(plan, [moved(plan, atom, source, target)])
    assert gridcell.check_plan(after) == []
    held = plan.fabric.atoms["households"][atom]
    change = households(after).reindex(households(plan).index) - households(plan)
    assert change[source] == -held
    assert change[target] == held
    assert (change.drop([source, target]) == 0).all()
    undone = gridcell.edit_plan(after, [gridcell.Undo()])
    assert undone.micro.equals(plan.micro)


def test_the_same_groups_change_nothing(plan):
    after = gridcell.edit_plan(plan, [Assign(groups_of(plan, plan.micro["code"][:5]))])
    assert after.leaves.equals(plan.leaves)


def test_groups_make_merge_and_divide_cells(plan):
    atom, source, target = neighbours(plan, across=False)
    one, other = groups_of(plan, [source, target])
    merged = gridcell.edit_plan(plan, [Assign([AtomGroup([*one.atoms, *other.atoms], one.small)])])
    assert len(merged.micro) == len(plan.micro) - 1
    assert gridcell.check_plan(merged) == []
    apart = [AtomGroup([atom], one.small)]
    apart += [AtomGroup([k for k in one.atoms if k != atom], one.small)]
    divided = gridcell.edit_plan(plan, [Assign(apart)])
    assert len(divided.micro) == len(plan.micro) + 1
    assert gridcell.check_plan(divided) == []


def test_a_new_name_makes_a_new_small_cell(plan):
    small = plan.small[plan.small["grid_type"] == "general"]["code"].iloc[0]
    inside = plan.micro[plan.micro["parent"] == small]["code"].tolist()
    first, *rest = groups_of(plan, inside)
    groups = [AtomGroup(first.atoms, "new"), *rest]
    after = gridcell.edit_plan(plan, [Assign(groups)])
    assert len(after.small) == len(plan.small) + 1
    assert gridcell.check_plan(after) == []


def refused(plan, groups):
    with pytest.raises(gridcell.InputError) as error:
        gridcell.edit_plan(plan, [Assign(groups)])
    return str(error.value)


def test_what_cannot_be_is_refused_with_the_reason(plan):
    atom, source, target = neighbours(plan, across=False)
    one = groups_of(plan, [source])[0]
    assert "expected groups" in refused(plan, [])
    assert "expected all of them" in refused(plan, [AtomGroup(one.atoms[1:], one.small)])
    assert "in two groups" in refused(plan, [one, one])
    assert "numbered from 0" in refused(plan, [AtomGroup([10**6], one.small)])
    sites = np.flatnonzero(plan.fabric.atoms["site"] >= 0)
    assert "land of a site" in refused(plan, [AtomGroup([int(sites[0])], one.small)])
    locked = gridcell.edit_plan(plan, [gridcell.Lock(target)])
    assert "lock" in refused(locked, moved(plan, atom, source, target).groups)


def test_a_cell_in_pieces_is_refused(plan):
    small = plan.small[plan.small["grid_type"] == "general"]["code"].iloc[0]
    inside = groups_of(plan, plan.micro[plan.micro["parent"] == small]["code"])
    shapes = plan.micro.set_index("code").geometry
    codes = plan.micro[plan.micro["parent"] == small]["code"].tolist()
    far = next(k for k, code in enumerate(codes) if shapes[code].distance(shapes[codes[0]]) > 30)
    torn = [AtomGroup([*inside[0].atoms, *inside[far].atoms], small)]
    assert "in one piece" in refused(plan, torn)


def test_scripts_know_the_operation(plan):
    entry = {"operation": "assign", "cells": [{"atoms": [1, 2], "small": "x"}]}
    assert edits_of([entry], plan.crs, "script") == [Assign([AtomGroup([1, 2], "x")])]
    with pytest.raises(gridcell.InputError, match="atoms"):
        edits_of([{**entry, "cells": [{"atoms": [], "small": "x"}]}], plan.crs, "script")


def made(plan, code):
    """Return an edit that says on what it was made, as the page of a community writes it."""
    holding = CellHolding(plan)
    return land_states(plan, holding.given.fabric, holding.codes)[code]


def test_edits_that_were_made_on_an_older_plan_are_refused_with_what_differs(plan):
    atom, source, target = neighbours(plan, across=False)
    home = plan.leaves.set_index("code").loc[source, "community"]
    edit = dataclasses.replace(moved(plan, atom, source, target), made={home: made(plan, home)})
    once = gridcell.edit_plan(plan, [edit])
    with pytest.raises(gridcell.InputError, match=r"other cells .* operation 1 .*2 edit"):
        gridcell.edit_plan(once, [edit])
    same = gridcell.edit_plan(
        once, [gridcell.Undo(), gridcell.Lock(source), gridcell.Unlock(source)]
    )
    gridcell.edit_plan(same, [edit])
    large = plan.fabric.atoms["code"].value_counts().loc[lambda atoms: atoms > 2].index
    away = plan.micro["code"].isin(large) & (plan.micro["community"] != home)
    there = plan.micro[away]["code"].iloc[0]
    elsewhere = gridcell.edit_plan(plan, [gridcell.Split(there, 2), edit])
    assert gridcell.check_plan(elsewhere) == []
    land = dataclasses.replace(made(plan, home), land="else")
    for states, said in (({home: land}, "other land"), ({"9": land}, "does not have")):
        with pytest.raises(gridcell.InputError, match=said):
            gridcell.edit_plan(plan, [dataclasses.replace(edit, made=states)])


@pytest.mark.parametrize("entry", [
    {"made": None}, {"made": {"1": {}}},
    {"made": {"1": {"operation": -1, "land": "a", "cells": "b"}}},
    {"cells": [{"atoms": [10**30], "small": "x"}]}, {"cells": [{"atoms": [-1], "small": "x"}]},
    {"cells": [{"atoms": [[1]], "small": "x"}]}, {"cells": {}}, {"more": 1},
])  # fmt: skip
def test_hostile_scripts_are_refused_with_one_message(plan, entry):
    whole = {"operation": "assign", "cells": [{"atoms": [1], "small": "x"}], **entry}
    with pytest.raises(gridcell.InputError, match="script"):
        edits_of([whole], plan.crs, "script")


def test_cells_get_names_with_their_land(plan):
    small = plan.small[plan.small["grid_type"] == "general"]["code"].iloc[0]
    inside = plan.micro[plan.micro["parent"] == small]["code"].tolist()
    first, *rest = groups_of(plan, inside)
    entry = {
        "operation": "assign", "small_names": {"a": "North"},
        "cells": [
            {"atoms": first.atoms, "small": "a", "name": " Mill "},
            *({"atoms": group.atoms, "small": group.small} for group in rest),
        ],
    }  # fmt: skip
    after = gridcell.edit_plan(plan, edits_of([entry], plan.crs, "script"))
    new = after.micro[~after.micro["code"].isin(plan.micro["code"])]
    assert new["name"].tolist() == ["Mill"]
    assert after.small.set_index("code").loc[new["parent"], "name"].tolist() == ["North"]
    same = after.micro.merge(plan.micro, on="code")
    assert (same["name_x"] == same["name_y"]).all()
    later = gridcell.edit_plan(after, [Assign(groups_of(after, after.micro["code"][:3]))])
    assert later.leaves.equals(after.leaves)


def test_names_of_nothing_are_refused(plan):
    groups = groups_of(plan, plan.micro["code"][:2])
    nobody = Assign(groups, small_names={"elsewhere": "North"})
    with pytest.raises(gridcell.InputError, match="small cell elsewhere, in which no group is"):
        gridcell.edit_plan(plan, [nobody])
    blank = Assign([AtomGroup(groups[0].atoms, groups[0].small, "  ")])
    with pytest.raises(gridcell.InputError, match="an empty name"):
        gridcell.edit_plan(plan, [blank])


def small_neighbours(plan):
    """Return a micro cell and a small cell beside it which it can join."""
    code = plan.fabric.atoms["code"].to_numpy()
    parent = dict(zip(plan.micro["code"], plan.micro["parent"], strict=True))
    for a, b in zip(plan.fabric.arc_left, plan.fabric.arc_right, strict=True):
        if min(a, b) < 0 or not {code[a], code[b]} <= set(parent):
            continue
        if parent[code[a]] != parent[code[b]] and code[a][:12] == code[b][:12]:
            try:
                move = gridcell.Move([code[a]], parent[code[b]])
                return move, gridcell.edit_plan(plan, [move])
            except gridcell.InputError:
                continue
    raise AssertionError("no such border")


def test_a_micro_cell_goes_whole_to_the_small_cell_beside_it(plan):
    move, after = small_neighbours(plan)
    assert gridcell.check_plan(after) == []
    [cell] = move.buildings
    home = plan.fabric.atoms["code"].to_numpy() == cell
    became = after.fabric.atoms["code"].to_numpy()[home]
    assert len(set(became)) == 1
    assert became[0].startswith(move.to)
    assert (after.fabric.atoms["code"].to_numpy() == became[0]).sum() == home.sum()
    changed = (
        after.small.set_index("code")["households"] - plan.small.set_index("code")["households"]
    )
    held = plan.micro.set_index("code").loc[cell, "households"]
    assert changed[changed != 0].to_dict() == {cell[:-3]: -held, move.to: held}


def test_a_micro_cell_goes_to_no_micro_cell_and_to_no_other_community(plan):
    micro = plan.micro[["code", "parent"]]
    for to, why in (
        (micro["code"].iloc[-1], "is not a small cell"),
        (micro["parent"].iloc[0], "already in cell"),
        (micro["parent"].iloc[-1], "in another community"),
    ):
        with pytest.raises(gridcell.InputError, match=why):
            gridcell.edit_plan(plan, [gridcell.Move([micro["code"].iloc[0]], to)])
