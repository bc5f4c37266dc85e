"""What is published: nobody who adds and subtracts it learns a small count."""

import dataclasses

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from plans import CRS, ORIGIN, plan_with_few, tiny_plan
from scipy.optimize import linprog

from gridcell.disclosure.audit import audit_tables
from gridcell.disclosure.publication import publish_plan
from gridcell.errors import InputError
from gridcell.model import Plan, findings_frame
from gridcell.rules import Rules
from gridcell.schema import CELL_COLUMNS

LEVELS = ("large", "medium", "small", "micro", "leaves")
COUNTS = st.sampled_from([0, 0, 1, 2, 3, 4, 7, 12, 30, 45])
SIDE = 4
SQUARES = np.array([
    shapely.box(ORIGIN[0] + 100 * x, ORIGIN[1] + 100 * y,
                ORIGIN[0] + 100 * x + 100, ORIGIN[1] + 100 * y + 100)
    for x in range(SIDE) for y in range(SIDE)
])  # fmt: skip


def cells(level, members, kind, counts, built):
    """Return a layer of cells, each a set of squares."""
    rows = []
    for code, (parent, squares) in sorted(members.items()):
        rows.append({
            "code": code, "label": code, "level": level, "grid_type": kind.get(code, "general"),
            "parent": parent, "community": code[:2] if level > 1 else None, "name": code,
            "households": int(counts[squares].sum()), "buildings": int(built[squares].sum()),
            "area_m2": 1e4 * len(squares), "compactness": 0.5, "band": "in",
            "estimated": 0, "reason": "building 7 holds 3 households",
            "geometry": shapely.union_all(SQUARES[squares]),
        })  # fmt: skip
    frame = pd.DataFrame(rows, columns=[*CELL_COLUMNS, "geometry"])
    return gpd.GeoDataFrame(frame, geometry="geometry", crs=CRS)


def town(large, medium, small, micro, counts, built):
    """Return a plan of squares, each with its cell at every level; small cell 3 is dedicated."""
    levels = {name: {} for name in LEVELS}
    kind = {}
    for square in range(SIDE**2):
        one = f"{large[square]}"
        two = f"{one}{medium[square]}"
        three = f"{two}{small[square]}"
        four = f"{three}{micro[square]}"
        if small[square] == 3:
            kind[three] = "dedicated"
        chain = [("large", one, None), ("medium", two, one), ("small", three, two)]
        if small[square] != 3:
            chain += [("micro", four, three), ("leaves", four, three)]
        else:
            chain.append(("leaves", three, two))
        for level, code, parent in chain:
            levels[level].setdefault(code, (parent, []))[1].append(square)
    frames = {
        name: cells(number, levels[name], kind, counts, built)
        for number, name in enumerate(LEVELS, 1)
    }
    leaf = {s: code for code, (_, squares) in levels["leaves"].items() for s in squares}
    standing = np.flatnonzero(built)
    buildings = gpd.GeoDataFrame(
        {
            "bldg_id": [f"b{s}" for s in standing], "households": counts[standing],
            "code": [leaf[s] for s in standing],
        },
        geometry=shapely.buffer(shapely.centroid(SQUARES[standing]), 10), crs=CRS,
    )  # fmt: skip
    tiny = tiny_plan()
    return Plan(
        crs=CRS, **frames, buildings=buildings, barriers=tiny.barriers.iloc[:0],
        households=tiny.households, staff=tiny.staff, vacancies=tiny.vacancies,
        lineage=tiny.lineage.iloc[:0], findings=findings_frame([], CRS), rules=Rules(),
    )  # fmt: skip


@st.composite
def towns(draw, counts=None, built=None):
    n = SIDE**2
    if built is None:
        built = np.array([draw(st.integers(0, 5)) > 0 for _ in range(n)])
        counts = np.where(built, [draw(COUNTS) for _ in range(n)], 0)
    digits = [np.array([draw(st.integers(1, most)) for _ in range(n)]) for most in (2, 2, 3, 3)]
    return town(*digits, counts, built), counts, built


@st.composite
def pairs_of_towns(draw):
    """Return two divisions of the same squares with the same households."""
    new, counts, built = draw(towns())
    old, _, _ = draw(towns(counts, built))
    if draw(st.booleans()):
        # As redrawings are: most cells stay.
        old = new
        moved = draw(st.integers(0, 3))
        if moved:
            digits = [
                np.array([int(code[k]) if len(code) > k else 1 for code in _leaf_of(new)])
                for k in range(4)
            ]
            for square in range(moved):
                digits[3][square] = draw(st.integers(1, 3))
            old = town(*digits, counts, built)
    return new, old, counts, built


def _leaf_of(plan):
    leaf = [None] * SIDE**2
    for code, shape in zip(plan.leaves["code"], plan.leaves.geometry, strict=True):
        for square in np.flatnonzero(shapely.covers(shape.buffer(1), SQUARES)):
            leaf[square] = code
    return leaf


def squares_of(shape):
    return shapely.covers(shape.buffer(1), SQUARES)


def told_and_hidden(frames):
    """Return the squares that each count is of, and the count or NaN, of some layers."""
    masks, values = [], []
    for frame in frames:
        for shape, count in zip(frame.geometry, frame["households"], strict=True):
            masks.append(squares_of(shape))
            values.append(np.nan if pd.isna(count) else float(count))
    return np.array(masks, dtype=float).reshape(-1, SIDE**2), np.array(values)


def attack(masks, values, total, built):
    """Return the widths of what linear programming finds of each hidden count."""
    known = ~np.isnan(values)
    a, b = masks[known], values[known]
    if total is not None:
        a, b = np.vstack([a, np.ones(SIDE**2)]), np.append(b, total)
    bounds = [(0, None if house else 0) for house in built]
    widths = []
    for mask in masks[~known]:
        ends = [linprog(sign * mask, A_eq=a, b_eq=b, bounds=bounds) for sign in (1, -1)]
        assert ends[0].status == 0
        high = np.inf if ends[1].status == 3 else -ends[1].fun
        widths.append(high - ends[0].fun)
    return np.array(widths)


def layers(plan):
    return {level: plan.cells(level) for level in LEVELS}


@given(towns(), st.sampled_from([3, 5, 10]))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_no_count_of_a_division_follows_from_its_levels_and_types(drawn, threshold):
    plan, counts, built = drawn
    publication = publish_plan(plan, threshold=threshold)
    masks, values = told_and_hidden(layers(publication.plan).values())
    assert not ((values > 0) & (values < threshold)).any()
    np.testing.assert_array_equal(values[~np.isnan(values)], (masks @ counts)[~np.isnan(values)])
    total = publication.record.households
    assert (attack(masks, values, total, built) >= threshold - 1e-6).all()
    assert publication.record.exposed == 0
    assert audit_tables(layers(publication.plan), threshold=threshold, total=total) == []


@given(pairs_of_towns(), st.sampled_from([3, 5]))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_no_count_follows_from_a_division_an_earlier_one_and_their_crosswalk(drawn, threshold):
    new, old, counts, built = drawn
    before = publish_plan(old, threshold=threshold)
    earlier = layers(before.plan)
    old_total = before.record.households
    publication = publish_plan(new, threshold=threshold, earlier=earlier, earlier_total=old_total)
    total = publication.record.households
    pairs = publication.pairs
    pieces = pairs.assign(
        geometry=[
            shapely.intersection(_shape(new, a), _shape(old, b))
            for a, b in zip(pairs["a"], pairs["b"], strict=True)
        ]
    )
    frames = [*layers(publication.plan).values(), gpd.GeoDataFrame(pieces, crs=CRS)]
    masks, values = told_and_hidden([*frames, *earlier.values()])
    assert not ((values > 0) & (values < threshold)).any()
    np.testing.assert_array_equal(values[~np.isnan(values)], (masks @ counts)[~np.isnan(values)])
    both = total if total is not None else old_total
    widths = attack(masks, values, both, built)
    # Exposed is only what the earlier publication gives away whatever is hidden now: nothing here.
    assert publication.record.exposed == 0
    assert (widths >= threshold - 1e-6).all()
    findings = audit_tables(
        layers(publication.plan), threshold=threshold, total=total, pairs=pairs, earlier=earlier,
        earlier_total=old_total,
    )  # fmt: skip
    assert findings == []


def _shape(plan, code):
    return plan.leaves.set_index("code").geometry[code]


def test_a_publication_holds_no_people_and_no_single_building():
    plan, leaf = plan_with_few()
    published = publish_plan(plan).plan
    for name in ("households", "staff", "vacancies", "findings"):
        assert len(getattr(published, name)) == 0
    assert published.buildings["households"].isna().all()
    row = published.micro.set_index("code").loc[leaf]
    assert row[["households", "band"]].isna().all()
    for level in LEVELS:
        frame = published.cells(level)
        assert frame["reason"].isna().all()
        assert frame["band"][frame["households"].isna()].isna().all()
    assert published.micro["households"].isna().sum() == 2
    told = str(published.report)
    assert "staff" not in published.report
    assert "balance" not in told
    assert plan.micro["households"].notna().all()


def test_of_private_tables_not_a_row_is_published():
    plan = plan_with_few()[0]
    for name in ("households", "staff", "vacancies"):
        table = getattr(plan, name)
        rows = table.reindex(range(3))
        assert len(getattr(publish_plan(dataclasses.replace(plan, **{name: rows})).plan, name)) == 0


def test_the_order_of_rows_changes_nothing():
    plan, _ = plan_with_few()
    frames = {name: plan.cells(name).iloc[::-1].reset_index(drop=True) for name in LEVELS}
    one = publish_plan(plan).plan
    two = publish_plan(dataclasses.replace(plan, **frames)).plan
    for name in LEVELS:
        a, b = (p.cells(name).set_index("code")["households"].sort_index() for p in (one, two))
        pd.testing.assert_series_equal(a, b)


def test_a_threshold_below_2_is_refused():
    with pytest.raises(InputError, match="threshold 1: expected 2 or more"):
        publish_plan(tiny_plan(), threshold=1)


def test_an_earlier_division_elsewhere_is_refused():
    plan = tiny_plan()
    leaves = plan.leaves.set_geometry(plan.leaves.translate(50_000, 0))
    with pytest.raises(InputError, match="share no land"):
        publish_plan(plan, earlier={"leaves": leaves})


def test_a_count_told_twice_differently_is_a_contradiction():
    levels = layers(publish_plan(tiny_plan()).plan)
    levels["leaves"] = levels["leaves"].assign(households=levels["leaves"]["households"] + 1)
    kinds = {finding.kind for finding in audit_tables(levels, threshold=5)}
    assert kinds == {"contradiction"}


def test_two_plans_with_other_households_are_proven_by_what_follows_from_any_numbers():
    plan, leaf = plan_with_few()
    before = publish_plan(plan)
    later = dataclasses.replace(
        plan, **{
            name: plan.cells(name).assign(households=plan.cells(name)["households"] * 2)
            for name in LEVELS
        },
        buildings=plan.buildings.assign(households=plan.buildings["households"] * 2),
    )  # fmt: skip
    publication = publish_plan(
        later, threshold=7, earlier=layers(before.plan), earlier_total=before.record.households
    )
    assert leaf in set(publication.plan.micro.query("households.isna()")["code"])
    found = audit_tables(
        layers(publication.plan), threshold=7, pairs=publication.pairs,
        total=publication.record.households, earlier=layers(before.plan),
        earlier_total=before.record.households,
    )  # fmt: skip
    assert {finding.kind for finding in found} <= {"counts_differ"}
    # Told by the newer, the one cell hidden beside it in the earlier gives the small one away.
    told = layers(publication.plan)
    hidden = told["micro"]["households"].isna()
    other = told["micro"]["code"][hidden & (told["micro"]["code"] != leaf)].iloc[0]
    for name in ("micro", "leaves"):
        frame = told[name].copy()
        frame.loc[frame["code"] == other, "households"] = later.leaves.set_index("code").loc[
            other, "households"
        ]
        told[name] = frame
    found = audit_tables(told, threshold=7)
    assert {(finding.kind, finding.cell) for finding in found} == {("recoverable", leaf)}
