"""Edits: cells change as asked and no further, codes last, locks hold, undo gives what was."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import shapely

import gridcell
from gridcell import Lock, Merge, Move, Nudge, Rename, Split, Swap, Undo, Unlock

FRAMES = (
    "large", "medium", "small", "micro", "leaves", "buildings", "findings", "households", "staff",
    "vacancies", "lineage", "codes", "history", "undo",
)  # fmt: skip


@pytest.fixture(scope="module")
def plan():
    town = gridcell.make_sample(households=2000, seed=5)
    layers = gridcell.read_layers(
        town.communities, town.buildings, households=town.households, sites=town.sites,
        barriers=[town.roads, town.rivers], staff=town.staff,
    )  # fmt: skip
    return gridcell.make_plan(layers)


def neighbours(cells):
    """Return the codes of the first two general cells with one parent that touch."""
    cells = cells[cells["grid_type"] == "general"]
    for _, group in cells.groupby("parent"):
        for a, b in zip(group.index, group.index[1:], strict=False):
            if shapely.intersection(group.geometry[a], group.geometry[b]).length > 20:
                return group["code"][a], group["code"][b]
    raise AssertionError("no neighbours")


def crossing(plan, level, code):
    """Return a line through the middle of a cell, and beyond it."""
    shape = plan.cells(level).set_index("code").geometry[code]
    x0, y0, x1, y1 = shape.bounds
    if x1 - x0 > y1 - y0:
        x = shape.centroid.x
        return shapely.LineString([(x, y0 - 9), (x, y1 + 9)])
    y = shape.centroid.y
    return shapely.LineString([(x0 - 9, y), (x1 + 9, y)])


def assert_same(a, b):
    for name in FRAMES:
        pd.testing.assert_frame_equal(
            pd.DataFrame(getattr(a, name)), pd.DataFrame(getattr(b, name)), obj=name
        )
    for level in ("large", "medium", "small", "micro", "leaves"):
        one, other = (shapely.to_wkb(p.cells(level).geometry.to_numpy()) for p in (a, b))
        assert (one == other).all(), level
    assert a.report == b.report


def test_two_micro_cells_become_one_with_the_code_of_the_larger(plan):
    a, b = neighbours(plan.micro)
    merged = gridcell.edit_plan(plan, [Merge(a, b)])
    held = plan.micro.set_index("code")["households"]
    land = plan.micro.set_index("code")["area_m2"]
    gone, heir = sorted([a, b], key=lambda code: (held[code], land[code]))
    assert merged.ok
    assert set(plan.micro["code"]) - set(merged.micro["code"]) == {gone}
    assert merged.micro.set_index("code")["households"][heir] == held[a] + held[b]
    code = merged.codes.set_index("code").loc[gone]
    assert (code["retired"], code["became"]) == (2, heir)
    last = merged.lineage[merged.lineage["new"] == heir]
    assert last["event"].tolist() == ["M", "M"]


def test_of_two_merged_small_cells_micro_codes_of_the_heir_stay(plan):
    a, b = neighbours(plan.small)
    merged = gridcell.edit_plan(plan, [Merge(a, b)])
    assert merged.ok
    heir = next(code for code in (a, b) if code in set(merged.small["code"]))
    gone = b if heir == a else a
    kept = set(plan.micro.loc[plan.micro["parent"] == heir, "code"])
    inside = merged.micro[merged.micro["parent"] == heir]
    assert kept <= set(inside["code"])
    assert len(inside) == (plan.micro["parent"].isin([heir, gone])).sum()
    fresh = set(inside["code"]) - kept
    assert min(fresh) > max(kept)
    others = plan.micro[~plan.micro["parent"].isin([heir, gone])]
    after = merged.micro.set_index("code").geometry
    assert all(
        after[code].equals(shape)
        for code, shape in zip(others["code"], others.geometry, strict=True)
    )


def test_a_split_is_even_and_connected(plan):
    code = plan.micro.sort_values("households")["code"].iloc[-1]
    split = gridcell.edit_plan(plan, [Split(code, 2)])
    assert split.ok
    fresh = split.micro[~split.micro["code"].isin(plan.micro["code"])]
    parts = split.micro[split.micro["code"].isin([code, *fresh["code"]])]
    assert len(parts) == 2
    assert parts["households"].sum() == plan.micro.set_index("code")["households"][code]
    assert (shapely.get_num_geometries(parts.geometry.to_numpy()) == 1).all()
    assert parts["households"].min() >= 0.25 * parts["households"].sum()


def test_a_split_small_cell_keeps_its_micro_cells_whole(plan):
    code = neighbours(plan.small)[0]
    before = plan.micro[plan.micro["parent"] == code]
    split = gridcell.edit_plan(plan, [Split(code, 2)])
    assert split.ok
    assert len(split.small) == len(plan.small) + 1
    shapes = {shapely.to_wkb(shape) for shape in split.micro.geometry}
    whole = [shapely.to_wkb(shape) in shapes for shape in before.geometry]
    assert np.mean(whole) >= 0.5


@pytest.mark.parametrize("level", ["small", "micro"])
def test_a_split_along_a_line_cuts_no_building(plan, level):
    cells = plan.cells(level)
    cells = cells[cells["grid_type"] == "general"]
    code = cells["code"][cells["buildings"].idxmax()]
    line = crossing(plan, level, code)
    split = gridcell.edit_plan(plan, [Split(code, line=line)])
    assert split.ok
    assert split.report["cut_buildings"] == 0
    assert len(split.cells(level)) > len(plan.cells(level))


def test_a_line_that_does_not_cross_is_refused(plan):
    code = plan.micro["code"].iloc[0]
    middle = plan.micro.geometry.iloc[0].representative_point()
    line = shapely.LineString([(middle.x, middle.y), (middle.x + 0.1, middle.y)])
    with pytest.raises(gridcell.InputError, match="does not cut it in two"):
        gridcell.edit_plan(plan, [Split(code, line=line)])


def test_an_edit_leaves_the_land_as_it_is_though_a_vertex_lies_on_a_straight_line(plan):
    """Land settled twice may lose another vertex, and undo would not give the bytes of before."""
    a, b = neighbours(plan.small)
    fabric = plan.fabric
    arc = int(np.argmax(np.diff(fabric.arc_start) == 2))
    ends = fabric.arc_vertices[fabric.arc_start[arc] : fabric.arc_start[arc + 1]]
    middle = fabric.xy[ends].mean(axis=0)
    at = fabric.arc_start[arc] + 1
    more = np.arange(len(fabric.arc_start)) > arc
    land = dataclasses.replace(
        fabric, xy=np.vstack([fabric.xy, middle]), arc_start=fabric.arc_start + more,
        arc_vertices=np.insert(fabric.arc_vertices, at, len(fabric.xy)),
    )  # fmt: skip
    merged = gridcell.edit_plan(dataclasses.replace(plan, fabric=land), [gridcell.Merge(a, b)])
    assert len(merged.fabric.xy) == len(land.xy)


def test_an_edit_dates_the_cells_that_it_changes_and_undo_takes_the_date_back(plan):
    a, b = neighbours(plan.small)
    merged = gridcell.edit_plan(plan, [gridcell.Merge(a, b)], valid_from="2030-06-01")
    dated = merged.small["valid_from"] == "2030-06-01"
    assert set(merged.small.loc[dated, "code"]) <= {a, b}
    assert dated.sum() == 1
    old = merged.codes.set_index("code")["valid_to"]
    assert set(old[old == "2030-06-01"].index) & {a, b} == {a, b} - set(merged.small["code"])
    undone = gridcell.edit_plan(merged, [gridcell.Undo()])
    assert undone.small.equals(plan.small)
    assert undone.codes.equals(gridcell.edit_plan(plan, []).codes)
    with pytest.raises(gridcell.InputError, match="valid_from"):
        gridcell.edit_plan(plan, [], valid_from="June")


@pytest.fixture(scope="module")
def moves(plan):
    """Return two micro cells, and of each a building that can go to the other, also at once."""
    for small in plan.small.loc[plan.small["grid_type"] == "general", "code"]:
        cells = plan.micro[(plan.micro["parent"] == small) & (plan.micro["buildings"] > 2)]
        for a in cells["code"]:
            for b in cells["code"]:
                there = movable(plan, a, b) if a < b else None
                back = movable(plan, b, a) if there else None
                if there and back and swappable(plan, there[0], back[0]):
                    return a, b, there, back
    raise AssertionError("nothing can be moved")


def movable(plan, a, b):
    """Return a building of one cell that can go to another, and the plan after."""
    shapes = plan.micro.set_index("code").geometry
    if shapely.intersection(shapes[a], shapes[b]).length < 5:
        return None
    own = plan.buildings[plan.buildings["code"] == a]
    for name in own.loc[own.distance(shapes[b]) < 15, "bldg_id"].unique()[:4]:
        try:
            return name, gridcell.edit_plan(plan, [Move([name], b)])
        except gridcell.InputError:
            continue
    return None


def swappable(plan, one, other):
    try:
        return gridcell.edit_plan(plan, [Swap([one], [other])]).ok
    except gridcell.InputError:
        return False


def test_a_moved_building_takes_its_land_and_its_households(plan, moves):
    a, b, (name, moved), _ = moves
    rows = moved.buildings[moved.buildings["bldg_id"] == name]
    target = rows["code"].iloc[0]
    assert target in (a, b)
    assert moved.ok
    assert target != plan.buildings.set_index("bldg_id")["code"][name]
    held, was = (p.micro.set_index("code")["households"] for p in (moved, plan))
    assert held[target] - was[target] == rows["households"].sum()
    assert moved.micro["code"].tolist() == plan.micro["code"].tolist()


def test_a_move_that_cuts_off_households_is_refused(plan):
    refused = []
    a, b = neighbours(plan.micro)
    for name in plan.buildings.loc[plan.buildings["code"] == a, "bldg_id"].unique():
        try:
            gridcell.edit_plan(plan, [Move([name], b)])
        except gridcell.InputError as error:
            refused.append(str(error))
    known = ("would fall apart", "does not touch", "no land left")
    assert all(any(part in text for part in known) for text in refused)
    far = plan.micro["code"].iloc[-1]
    with pytest.raises(gridcell.InputError, match=r"never moved|does not touch"):
        gridcell.edit_plan(plan, [Move([name], far)])


def test_a_swap_is_two_moves_at_once(plan, moves):
    a, b, (one, _), (other, _) = moves
    swapped = gridcell.edit_plan(plan, [Swap([one], [other])])
    home = swapped.buildings.drop_duplicates("bldg_id").set_index("bldg_id")["code"]
    assert (home[one], home[other]) == (b, a)
    assert swapped.ok


def test_a_nudge_keeps_both_codes(plan, moves):
    a, b, (name, moved), _ = moves
    nudged = gridcell.edit_plan(plan, [Nudge(a, b, buildings=[name])])
    assert nudged.micro["code"].tolist() == plan.micro["code"].tolist()
    assert nudged.micro.geometry.equals(moved.micro.geometry)


def test_a_border_nudged_to_a_line_moves_what_lies_between(plan, moves):
    a, b, (name, moved), _ = moves
    shapes = [p.micro.set_index("code").geometry[a] for p in (plan, moved)]
    gained = shapely.difference(*shapes)
    nudged = gridcell.edit_plan(plan, [Nudge(a, b, line=gained.boundary)])
    assert nudged.ok
    home = nudged.buildings.set_index("bldg_id")["code"]
    assert set(home[[name]]) == {b}


def test_micro_cells_of_two_small_cells_do_not_merge(plan):
    several = plan.micro.groupby("community")["parent"].nunique()
    own = plan.micro[plan.micro["community"] == several.index[several > 1][0]]
    a, b = own.iloc[0], own.iloc[-1]
    with pytest.raises(gridcell.InputError, match="merge these first, or move"):
        gridcell.edit_plan(plan, [Merge(a["code"], b["code"])])


def test_what_cannot_be_is_refused_with_a_reason(plan):
    a, b = neighbours(plan.micro)
    dedicated = plan.small.loc[plan.small["grid_type"] == "dedicated", "code"].iloc[0]
    merged = gridcell.edit_plan(plan, [Merge(a, b)])
    gone = a if a not in set(merged.micro["code"]) else b
    for base, edit, why in (
        (plan, Merge(a, "0815"), "is not in the plan"),
        (plan, Merge(a, a), "with itself"),
        (plan, Merge(a, plan.small["code"].iloc[0]), "different levels"),
        (plan, Merge(a, plan.medium["code"].iloc[0]), "boundary is never moved"),
        (plan, Split(dedicated, 2), "dedicated"),
        (plan, Split(a, 100_000), "cannot be divided"),
        (plan, Split(a), "a number of parts or a line"),
        (plan, Move(["nowhere"], a), "is not in the plan"),
        (plan, Undo(), "no edit to take back"),
        (merged, Split(gone, 2), "operation 2 ended it"),
    ):
        with pytest.raises(gridcell.InputError, match=why):
            gridcell.edit_plan(base, [edit])


def test_names_stay_with_codes_through_later_edits(plan):
    a, b = neighbours(plan.small)
    other = plan.small.loc[~plan.small["code"].isin([a, b]), "code"].iloc[0]
    named = gridcell.edit_plan(plan, [Rename(other, "Old Mill"), Merge(a, b)])
    assert named.small.set_index("code")["name"][other] == "Old Mill"
    inside = named.micro.loc[named.micro["parent"] == other, "name"]
    assert inside.str.contains("Old Mill").all()
    plainly = gridcell.edit_plan(named, [Rename(other, None)])
    assert (
        plainly.small.set_index("code")["name"][other]
        == (plan.small.set_index("code")["name"][other])
    )


def test_locks_hold_under_every_edit(plan, moves):
    a, b = neighbours(plan.micro)
    small = plan.micro.set_index("code")["parent"][a]
    locked = gridcell.edit_plan(plan, [Lock(small)])
    for edit in (Merge(a, b), Split(small, 2)):
        with pytest.raises(gridcell.InputError, match=f"unlock {small} first"):
            gridcell.edit_plan(locked, [edit])
    with pytest.raises(gridcell.InputError, match="it is inside"):
        gridcell.edit_plan(locked, [Unlock(a)])
    c, d, (building, _), (other, _) = moves
    locked_too = gridcell.edit_plan(plan, [Lock(c)])
    for edit in (Move([building], d), Move([other], c), Swap([building], [other]), Split(c, 2)):
        with pytest.raises(gridcell.InputError, match=f"unlock {c} first"):
            gridcell.edit_plan(locked_too, [edit])
    free = gridcell.edit_plan(locked, [Unlock(small), Merge(a, b)])
    assert free.ok


def test_a_lock_on_a_community_covers_all_of_it(plan):
    code = plan.medium["community"].iloc[0]
    locked = gridcell.edit_plan(plan, [Lock(code)])
    inside = plan.small.loc[plan.small["community"] == code, "code"]
    assert set(locked.codes.loc[locked.codes["locked"], "code"]) == set(inside)


def test_each_edit_is_an_entry_of_the_history_and_undo_takes_them_back(plan):
    a, b = neighbours(plan.micro)
    c, d = neighbours(plan.small)
    edits = [Rename(c, "Old Mill"), Merge(a, b), Merge(c, d), Lock(plan.small["code"].iloc[-1])]
    states = [plan]
    for edit in edits:
        states.append(gridcell.edit_plan(states[-1], [edit]))
    assert states[-1].history["command"].tolist()[1:] == [str(edit) for edit in edits]
    now = states[-1]
    for state in states[-2::-1]:
        now = gridcell.edit_plan(now, [Undo()])
        assert_same(now, state)


def test_households_placed_nowhere_keep_their_reasons():
    """They stand in the register without a cell, whatever is done to the cells of others."""
    town = gridcell.make_sample(households=800, seed=2, communities=2)
    households = town.households.copy()
    households.loc[[3, 9], "bldg_id"] = "nowhere"
    layers = gridcell.read_layers(town.communities, town.buildings, households=households)
    before = gridcell.make_plan(layers)
    a, b = neighbours(before.micro)
    after = gridcell.edit_plan(before, [Merge(a, b)])
    assert after.ok
    assert before.unassigned == after.unassigned == 2
    for column in ("household_id", "reason", "how", "count"):
        assert after.households[column].equals(before.households[column]), column


def test_damaged_land_is_refused_before_anything_is_changed(plan):
    """Atoms of a leaf that there is not, or of another one than their land is."""
    a, b = neighbours(plan.micro)
    fabric = plan.fabric
    code = fabric.atoms["code"]
    unknown = code.where(code != a, "999")
    swapped = code.replace({a: b, b: a})
    for atoms, why in ((unknown, "999"), (swapped, "atoms")):
        land = dataclasses.replace(fabric, atoms=fabric.atoms.assign(code=atoms))
        damaged = dataclasses.replace(plan, fabric=land)
        for edit in (Merge(a, b), Undo(), Rename(a, "Old Mill")):
            with pytest.raises(gridcell.InputError, match=f"is not that of its cells.*{why}"):
                gridcell.edit_plan(damaged, [edit])
        with pytest.raises(gridcell.InputError, match="update the plan with its communities"):
            gridcell.adopt_cells(plan.micro, damaged)


def test_undo_gives_back_the_dates_of_each_cell():
    """Cells have dates of several updates, and what an edit made has others."""
    town = gridcell.make_sample(households=800, seed=2, communities=2)

    def read(households):
        return gridcell.read_layers(town.communities, town.buildings, households=households)

    first = gridcell.make_plan(read(town.households), valid_from="2025-01-01")
    full = first.buildings.loc[first.buildings["code"].isin(first.micro["code"][:2]), "bldg_id"]
    more = town.households[town.households["bldg_id"].isin(full)]
    more = more.assign(household_id="new " + more["household_id"])
    crowded = read(pd.concat([town.households, more]))
    plan = gridcell.update_plan(first, crowded, valid_from="2026-01-31")
    assert set(plan.micro["valid_from"]) == {"2025-01-01", "2026-01-31"}
    now, states = plan, []
    for edit in (Merge(*neighbours(plan.micro)), Split(plan.small["code"].iloc[0], 2)):
        states.append(now)
        now = gridcell.edit_plan(now, [edit])
        assert not [one for one in gridcell.check_plan(now) if one.severity == "error"]
    for state in states[::-1]:
        now = gridcell.edit_plan(now, [Undo()])
        assert_same(now, state)


def test_the_fault_among_several_edits_is_named(plan):
    a, b = neighbours(plan.micro)
    with pytest.raises(gridcell.InputError, match=r"edit 2 of 2 \(merge "):
        gridcell.edit_plan(plan, [Merge(a, b), Merge(a, b)])
