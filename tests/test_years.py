"""Years in the life of a plan: whatever is done to it in whatever order, its promises hold."""

import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from changes import (
    EDITS,
    KINDS,
    Town,
    change_town,
    draw_edit,
    draw_layer,
    read_town,
    recode_town,
    town_of,
)

import gridcell
from gridcell import Band, Plan, Rules
from gridcell.formats.geopackage import write_geopackage
from gridcell.revision.locks import locked_cells
from gridcell.sample.spec import Sample

SEQUENCES = int(os.environ.get("GRIDCELL_SEQUENCES", "4"))
"""How many sequences are tried; more by hand."""
STEPS = ("update",) * 3 + ("edit",) * 5 + ("adopt",) * 2 + ("read",)
STEPS_EACH = 5
TRIES = 8
"""Edits of one kind that are drawn until the plan allows one."""
TOWNS = ((400, 1, 2), (800, 2, 3), (900, 2, 5), (1200, 3, 3))
"""Households, communities, and seed of the towns."""
HOUSES = ("nothing", "demolished", "crowded", "built")
"""Updates that leave communities and sites as they were."""
LEVELS = ("large", "medium", "small", "micro", "leaves")
TABLES = (
    *LEVELS, "buildings", "findings", "households", "staff", "vacancies", "lineage", "codes",
    "history", "undo",
)  # fmt: skip
BANDS = (
    Rules(),
    Rules(small=Band.parse("90:120:160"), micro=Band.parse("20:30:40")),
    Rules(small=Band.parse("30:40:50"), micro=Band.parse("8:10:14")),
)


@pytest.mark.parametrize("seed", range(SEQUENCES))
def test_any_years_keep_every_promise(seed, tmp_path):
    for _ in live(seed, tmp_path):
        pass


def live(seed: int, folder: Path):
    """Yield what was done to a small town, step by step, each proven."""
    rng = np.random.default_rng(seed)
    size = int(rng.integers(len(TOWNS)))
    sample = sample_of(size)
    town = town_of(sample)
    plan = begin(size, rng)
    proven(plan)
    states: list[Plan] = []
    for _ in range(STEPS_EACH):
        step = str(rng.choice(STEPS))
        if step == "read":
            plan = read_again(plan, folder)
            states = [same_plan(read_again(state, folder), state) for state in states[-1:]]
            yield "read"
            continue
        before = plan
        if step == "edit":
            edit, plan, refused = try_edits(before, rng, possible_edits(before, states))
            yield from refused
            if edit is None:
                continue
            if isinstance(edit, gridcell.Undo):
                same_plan(plan, states.pop())
                yield "undo"
                continue
            states.append(before)
            told, locked, may = str(edit), (), False
        else:
            if step == "adopt":
                layer, locked = draw_layer(before, rng), draw_locks(before, rng)
                told, may, after = f"adopt, locked {locked}", False, adopt(layer, before, locked)
            else:
                town, told, options = draw_update(town, before, rng)
                locked, may = options["locked"], True
                after = update_twice(before, read_town(town, sample), told, **options)
            if after is None:
                yield f"refused {told}"
                continue
            plan, states = after, []
        proven(plan)
        goes_on(before, plan, told)
        locks_hold(before, plan, locked, told, may=may)
        yield told
    if states:
        undone = gridcell.edit_plan(plan, [gridcell.Undo()])
        same_plan(undone, states[-1])
        if seed % 5 == 0:
            same_bytes(undone, states[-1], folder)
        for state in states[-2::-1]:
            undone = same_plan(gridcell.edit_plan(undone, [gridcell.Undo()]), state)
        yield f"{len(states)} undone"


def adopt(layer: gpd.GeoDataFrame, plan: Plan, locked: list[str]) -> Plan | None:
    """Return the plan that took a layer back; ``None`` where a town of one cell has lost it."""
    try:
        return gridcell.adopt_cells(layer, plan, locked=locked)
    except gridcell.InputError as error:
        if error.text.msgid != "error.drawn_no_land":
            raise
        return None


def try_edits(plan: Plan, rng: np.random.Generator, kinds: Sequence[str]):
    """Return an edit that the plan allows, the plan after it, and what it refused before."""
    refused = []
    kind = str(rng.choice(kinds))
    for _ in range(TRIES):
        edit = draw_edit(plan, kind, rng)
        try:
            return edit, gridcell.edit_plan(plan, [edit]), refused
        except gridcell.InputError as error:
            refused.append(f"refused {edit}: {error}")
    return None, plan, refused


def possible_edits(plan: Plan, states: Sequence[Plan]) -> list[str]:
    """Return the kinds of edits of which the plan may allow one, as often as they are drawn."""
    never = set() if states else {"undo"}
    never |= set() if plan.codes["locked"].any() else {"unlock"}
    return [kind for kind in EDITS if kind not in never]


@cache
def sample_of(size: int) -> Sample:
    households, communities, seed = TOWNS[size]
    return gridcell.make_sample(households=households, communities=communities, seed=seed)


@cache
def searched(size: int, bands: int) -> Plan:
    sample = sample_of(size)
    return gridcell.make_plan(read_town(town_of(sample), sample), rules=BANDS[bands])


def begin(size: int, rng: np.random.Generator) -> Plan:
    """Return the first plan of a town: searched, or of drawn cells, snapped or exact."""
    bands = int(rng.integers(len(BANDS)))
    plan = searched(size, bands)
    way = rng.choice(["search", "search", "snap", "exact"])
    if way == "search":
        return plan
    layers = read_town(town_of(sample_of(size)), sample_of(size))
    drawn = draw_layer(plan, rng)
    return gridcell.adopt_cells(drawn, layers, borders=str(way), rules=BANDS[bands])


def draw_update(town: Town, plan: Plan, rng: np.random.Generator) -> tuple[Town, str, dict]:
    """Return the town a year later, what happened, and the options of the update."""
    options = {"locked": draw_locks(plan, rng)}
    if rng.random() < 0.1:
        town, options["recoded"] = recode_town(town, rng)
        told = f"recoded {options['recoded']}"
    else:
        told = str(rng.choice(KINDS))
        town = change_town(town, told, rng)
    if rng.random() < 0.3:
        town, wish = with_wish(town, plan, rng)
        told += f", {wish}"
    if rng.random() < 0.2:
        options["rules"] = BANDS[rng.integers(len(BANDS))]
    if rng.random() < 0.3:
        options["valid_from"] = f"{2030 + len(plan.history)}-01-31"
    return town, f"update {told} {options}", options


def with_wish(town: Town, plan: Plan, rng: np.random.Generator) -> tuple[Town, str]:
    """Return the town with wanted numbers: as many as there are, more or less, or none."""
    column, share = str(rng.choice(["n_small", "n_micro"])), float(rng.choice([0, 0.9, 1, 1.1]))
    cells = plan.small if column == "n_small" else plan.micro
    general = cells.loc[cells["grid_type"] == "general", "community"].value_counts()
    held = general.reindex(town.communities["code"]).fillna(0).to_numpy()
    wish = pd.array(np.round(held * share), "Float64").astype("Int64")
    wish[np.asarray(wish == 0)] = pd.NA
    return town._replace(communities=town.communities.assign(**{column: wish})), f"{column} {share}"


def draw_locks(plan: Plan, rng: np.random.Generator) -> list[str]:
    """Return codes of cells, now and then."""
    codes = pd.concat([plan.small["code"], plan.micro["code"]]).to_numpy()
    return [str(code) for code in rng.choice(codes, 2)] if rng.random() < 0.2 else []


def read_again(plan: Plan, folder: Path) -> Plan:
    file = folder / "plan.gpkg"
    write_geopackage(plan, file)
    again = same_plan(gridcell.read_plan(file), plan)
    file.unlink()
    return again


def proven(plan: Plan) -> None:
    """Assert that a plan keeps its promises, and its totals agree."""
    errors = [finding for finding in gridcell.check_plan(plan) if finding.severity == "error"]
    assert not errors, [str(finding.text) for finding in errors[:5]]
    assert plan.ok
    held = {int(plan.cells(level)["households"].sum()) for level in LEVELS if level != "micro"}
    assigned = plan.households.loc[plan.households["code"].notna(), "count"].sum()
    assert held == {int(assigned)}
    in_use = {*plan.small["code"], *plan.micro["code"]}
    assert plan.codes["code"].is_unique
    assert set(plan.codes.loc[plan.codes["retired"].isna(), "code"]) == in_use


def goes_on(before: Plan, after: Plan, told: str) -> None:
    """Assert that no code returns, and that lineage explains every household and every code."""
    assert after.history["number"].tolist() == [*range(1, len(before.history) + 2)], told
    assert set(before.codes["code"]) <= set(after.codes["code"]), told
    old, new = (plan.codes.set_index("code")["retired"] for plan in (before, after))
    ended = old[old.notna()]
    assert new.reindex(ended.index).equals(ended), told
    in_use = [{*plan.small["code"], *plan.micro["code"]} for plan in (before, after)]
    lineage = after.lineage[after.lineage["operation"] == after.history["number"].max()]
    if lineage.empty:
        assert in_use[0] == in_use[1], told
        known = {(code, code) for code in in_use[0]}
    else:
        assert set(lineage["old"].dropna()) == in_use[0], told
        assert set(lineage["new"].dropna()) == in_use[1], told
        known = set(zip(lineage["old"], lineage["new"], strict=True))
    both = before.households.dropna(subset=["household_id", "code"]).merge(
        after.households.dropna(subset="code"), on="household_id"
    )
    for level in ("code", "small"):
        pairs = set(zip(both[f"{level}_x"], both[f"{level}_y"], strict=True))
        assert pairs <= known, (told, sorted(pairs - known)[:5])


def update_twice(before: Plan, layers: gridcell.Layers, told: str, **options) -> Plan | None:
    """Return the plan a year later, after the same data were seen to change nothing any more.

    ``None`` where a community is to have more cells than its land can.
    """
    try:
        plan = gridcell.update_plan(before, layers, **options)
    except gridcell.PartitionError:
        return None
    locked = options["locked"]
    if {*locked} <= {*plan.small["code"], *plan.micro["code"]}:
        same_cells(gridcell.update_plan(plan, layers, locked=locked), plan, told)
    return plan


def same_cells(plan: Plan, other: Plan, told: str) -> None:
    """Assert that two plans have the same cells, to the byte."""
    for level in LEVELS:
        one, two = plan.cells(level), other.cells(level)
        assert one["code"].tolist() == two["code"].tolist(), (told, level)
        assert one["households"].tolist() == two["households"].tolist(), (told, level)
        shapes = [shapely.to_wkb(np.asarray(cells.geometry)).tolist() for cells in (one, two)]
        assert shapes[0] == shapes[1], (told, level)


def locks_hold(before: Plan, after: Plan, also: list[str], told: str, *, may: bool) -> None:
    """Assert that locked cells are what they were, or, where the land itself changed, are told."""
    locked = locked_cells(before, also)
    cells = pd.concat([before.small, before.leaves])[locked].drop_duplicates("code")
    now = pd.concat([after.small, after.micro]).set_index("code").geometry
    kinds = ["lock_not_kept", "lock_border"]
    told_of = after.findings[after.findings["kind"].isin(kinds)]
    found = set(told_of["cell"])
    lost = set(told_of.loc[told_of["kind"] == "lock_not_kept", "cell"])
    for code, shape in zip(cells["code"], cells.geometry, strict=True):
        # No house moves a border; boundaries and sites do, for they are given.
        if may and code in (lost if told.split()[1] in HOUSES else found):
            continue
        assert code in now.index, (told, code)
        moved = shapely.area(shapely.symmetric_difference(now[code], shape))
        # Where the cells around it meet elsewhere it has other vertices, on the same lines to the
        # 10 micrometres that coordinates have.
        assert moved <= (1e-2 if may else 1e-5 * shape.length), (told, code, moved)
    earlier = before.findings.loc[before.findings["kind"].isin(kinds), "cell"]
    assert may or found <= set(earlier), told


def same_plan(plan: Plan, other: Plan) -> Plan:
    """Assert that two plans are the same, geometries to the byte; return the first."""
    for name in TABLES:
        one, two = (pd.DataFrame(getattr(p, name)) for p in (plan, other))
        if "geometry" in one:
            shapes = [np.asarray(frame.pop("geometry")) for frame in (one, two)]
            assert shapely.to_wkb(shapes[0]).tolist() == shapely.to_wkb(shapes[1]).tolist(), name
        pd.testing.assert_frame_equal(one, two, obj=name)
    assert plan.report == other.report
    return plan


def same_bytes(plan: Plan, other: Plan, folder: Path) -> None:
    """Assert that two plans make the same folders."""
    folders = [folder / "one", folder / "other"]
    for place, written in zip(folders, (plan, other), strict=True):
        gridcell.write_plan(written, place)
    files = [sorted(p.relative_to(place) for p in place.rglob("*") if p.is_file())
             for place in folders]  # fmt: skip
    assert files[0] == files[1]
    for name in files[0]:
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes(), name
