"""Several publications of the same land: all together tell no small count."""

import dataclasses
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from plans import CRS, plan_with_few
from scipy.optimize import Bounds, LinearConstraint, milp
from test_publish import SIDE, SQUARES, layers, told_and_hidden, town, towns

from gridcell.disclosure import chain, chain_suppression
from gridcell.disclosure.audit_chain import audit_chain
from gridcell.disclosure.audit_files import check_published
from gridcell.disclosure.chain import Deviations
from gridcell.disclosure.earlier import EarlierPublication
from gridcell.disclosure.publication import publish_plan
from gridcell.errors import InputError
from gridcell.export import export_plan
from gridcell_cli.main import main

SHAPES = shapely.centroid(SQUARES)


def leaf_of(plan):
    """Return the code of the leaf of each square."""
    at, row = plan.leaves.sindex.query(SHAPES, predicate="within")
    return plan.leaves["code"].to_numpy()[row[np.argsort(at)]]


@st.composite
def chains(draw):
    """Return three or four divisions of the same squares, some redrawn but a little."""
    plan, counts, built = draw(towns())
    plans = [plan]
    for _ in range(draw(st.integers(2, 3))):
        if draw(st.booleans()):
            plans.append(draw(towns(counts, built))[0])
            continue
        digits = [
            np.array([int(code[k]) if len(code) > k else 1 for code in leaf_of(plans[-1])])
            for k in range(4)
        ]
        for _ in range(draw(st.integers(1, 4))):
            digits[draw(st.integers(2, 3))][draw(st.integers(0, SIDE**2 - 1))] = draw(
                st.integers(1, 3)
            )
        plans.append(town(*digits, counts, built))
    return plans, counts, built


def publish_all(plans, threshold):
    """Return what is published of each plan after those before it, the latest first."""
    publications, before = [], []
    for plan in plans:
        publication = publish_plan(plan, threshold=threshold, earlier=before)
        before.insert(0, told_of(publication))
        publications.insert(0, publication)
    return publications, before


def told_of(publication):
    return EarlierPublication(
        levels=layers(publication.plan), total=publication.record.households,
        pairs=publication.pairs,
    )  # fmt: skip


def everything_told(publications, plans):
    """Return the squares and the count, NaN where hidden, of all that was ever told."""
    frames = []
    for publication, plan, before in zip(publications, plans, [*plans[1:], None], strict=True):
        frames += layers(publication.plan).values()
        if publication.pairs is not None:
            new, old = (each.leaves.set_index("code").geometry for each in (plan, before))
            shapes = shapely.intersection(
                new[publication.pairs["a"]].to_numpy(), old[publication.pairs["b"]].to_numpy()
            )
            frames.append(gpd.GeoDataFrame(publication.pairs, geometry=shapes, crs=CRS))
    masks, values = told_and_hidden(frames)
    totals = [p.record.households for p in publications if p.record.households is not None]
    if totals:
        masks, values = np.vstack([masks, np.ones(SIDE**2)]), np.append(values, totals[0])
    return masks, values


def widths(masks, values, targets, built):
    """Return the ranges that an optimiser over whole numbers finds of sums of squares."""
    told = ~np.isnan(values)
    known = LinearConstraint(masks[told], values[told], values[told])
    bounds = Bounds(0, np.where(built, 1000.0, 0.0))
    out = []
    for target in targets:
        ends = [
            milp(sign * target, constraints=known, bounds=bounds, integrality=np.ones(SIDE**2)).fun
            for sign in (1, -1)
        ]
        out.append(-ends[1] - ends[0])
    return np.array(out)


@given(chains(), st.sampled_from([3, 5, 8]))
@settings(
    max_examples=7, deadline=None, derandomize=True, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
def test_no_small_count_follows_from_a_chain_of_publications(drawn, threshold):
    """The attacker has all levels, types, totals and crosswalks, and sees where nobody lives."""
    plans, counts, built = drawn
    publications, before = publish_all(plans, threshold)
    masks, values = everything_told(publications, plans[::-1])
    told = ~np.isnan(values)
    np.testing.assert_array_equal(values[told], (masks @ counts)[told])
    assert not ((values > 0) & (values < threshold)).any()
    # Hidden counts, and the land that all divisions share, which is no cell of any.
    leaves = np.array([leaf_of(plan) for plan in plans])
    parts = (leaves[:, :, None] == leaves[:, None, :]).all(axis=0).astype(float)
    targets = np.unique(np.vstack([masks[~told], parts]), axis=0)
    small = (targets @ counts > 0) & (targets @ counts < threshold)
    assert (widths(masks, values, targets[small], built) >= threshold - 1e-6).all()
    errors = [f for f in audit_chain(before, threshold=threshold) if f.severity == "error"]
    assert errors == []


def redrawn_twice():
    """Return three divisions; of the first and the last follows what squares 4 and 5 hold."""
    counts = np.full(SIDE**2, 20)
    counts[4:6] = 1
    built = np.ones(SIDE**2, dtype=bool)
    ones = np.ones(SIDE**2, dtype=np.int64)
    west_to_east = ("1111113333333333", "2222222223333333", "1111222223333333")
    micro = [np.array([int(digit) for digit in cells]) for cells in west_to_east]
    return [town(ones, ones, ones, digits, counts, built) for digits in micro]


def test_what_the_first_and_the_last_of_three_tell_together_is_found_and_prevented():
    plans = redrawn_twice()
    first, second = publish_all(plans[:2], 5)[1][::-1]
    # As if the first had been forgotten.
    forgetful = dataclasses.replace(second, pairs=None)
    third = publish_plan(plans[2], earlier=[forgetful])
    found = audit_chain([told_of(third), second, first], threshold=5)
    assert {(f.kind, f.severity) for f in found} == {("recoverable", "error")}
    again = publish_plan(plans[2], earlier=[second, first])
    assert audit_chain([told_of(again), second, first], threshold=5) == []
    assert again.exposed == ()


def test_a_chain_is_published_the_same_whatever_the_order_of_rows():
    plans = redrawn_twice()
    before = publish_all(plans[:2], 5)[1]
    turned = dataclasses.replace(
        plans[2],
        **{
            name: frame.iloc[::-1].reset_index(drop=True)
            for name, frame in layers(plans[2]).items()
        },
    )
    one, two = (
        publish_plan(plan, earlier=before).plan.leaves.set_index("code")["households"].sort_index()
        for plan in (plans[2], turned)
    )
    assert one.equals(two)


def test_what_was_given_away_before_is_named():
    plans = redrawn_twice()
    # Told without thought: the small count is the difference of two.
    bare = [EarlierPublication(levels=layers(plan)) for plan in plans]
    publication = publish_plan(plans[1], earlier=[bare[2], bare[0]])
    assert publication.record.exposed == len(publication.exposed) > 0
    kinds = {f.severity for f in audit_chain([told_of(publication), bare[2], bare[0]], threshold=5)}
    assert kinds == {"warning"}


def test_a_count_hidden_alone_is_given_away_only_if_it_is_small():
    plan = redrawn_twice()[0]
    leaves = plan.leaves.set_index("code")["households"]
    for code in leaves[leaves > 0].index:
        levels = {
            name: frame.assign(households=frame["households"].mask(frame["code"] == code))
            for name, frame in layers(plan).items()
        }
        found = audit_chain([EarlierPublication(levels=levels)], threshold=5)
        assert [f.cell for f in found if f.cell == code] == [code] * int(leaves[code] < 5), code


@pytest.mark.parametrize(("buildings", "severities"), [(1, ["error"]), (2, [])])
def test_a_hidden_count_of_a_single_building_is_given_away_however_large(buildings, severities):
    plans = redrawn_twice()
    second, first = publish_all(plans[:2], 2)[1]
    # Of a cell the part that another cell had: 60 households, which the rest of both cells tell.
    part = (second.pairs["a"] == "1112") & (second.pairs["b"] == "1113")
    assert second.pairs.loc[part, "households"].tolist() == [60]
    pairs = second.pairs.assign(
        households=second.pairs["households"].mask(part),
        buildings=second.pairs["buildings"].mask(part, buildings),
    )
    found = audit_chain([dataclasses.replace(second, pairs=pairs), first], threshold=2)
    assert [f.severity for f in found] == severities


def test_publications_that_cannot_count_the_same_households_are_named():
    plans = redrawn_twice()
    before = publish_all(plans, 5)[1]
    levels = {
        name: frame.assign(households=frame["households"] + 50)
        for name, frame in before[2].levels.items()
    }
    other = dataclasses.replace(before[2], levels=levels, total=None)
    (finding,) = audit_chain([*before[:2], other], threshold=5)
    assert (finding.kind, finding.severity) == ("counts_differ", "warning")


def test_where_halves_of_households_would_do_whole_ones_are_found():
    # Each two of the first three share a told sum with a part of their own, which holds one.
    lowest = np.array([[0, -1, 2], [0, 1, -1], [-1, 1, 2], [0, -1, -1], [-1, 1, -1], [-1, -1, 2]])
    system = Deviations(lowest, np.ones(6))
    wanted = np.array([1.0, 1, 1, 0, 0, 0])
    assert system.furthest(wanted, 5)[3] == pytest.approx(1.5)
    moved = system.deviate(wanted, 5)
    assert moved @ wanted == 1
    assert (moved == np.rint(moved)).all()
    assert (moved >= -1).all()
    for group in range(3):
        assert moved[(lowest == group).any(axis=1)].sum() == 0


def test_where_no_cheapest_counts_are_found_all_around_is_hidden(monkeypatch):
    plans = redrawn_twice()
    before = publish_all(plans[:2], 5)[1]
    best = publish_plan(plans[2], earlier=before)
    nothing = SimpleNamespace(status=4, x=None)
    monkeypatch.setattr(chain_suppression, "linprog", lambda *_, **__: nothing)
    monkeypatch.setattr(chain_suppression, "solve_whole", lambda *_: None)
    rough = publish_plan(plans[2], earlier=before)
    assert audit_chain([told_of(rough), *before], threshold=5) == []
    assert sum(rough.record.hidden.values()) >= sum(best.record.hidden.values()) > 0
    assert rough.exposed == ()


def test_what_nothing_vouches_for_is_hidden_and_named(monkeypatch):
    plans = redrawn_twice()
    before = publish_all(plans[:2], 5)[1]
    nothing = SimpleNamespace(status=4, x=None, message="")
    monkeypatch.setattr(chain, "linprog", lambda *_, **__: nothing)
    publication = publish_plan(plans[2], earlier=before)
    assert "1112 in 1112 in 1111" in publication.exposed


def test_land_outside_the_newest_division_may_hold_anybody():
    new = redrawn_twice()[2]
    leaves = new.leaves.iloc[:1]
    keep = {name: layers(new)[name] for name in ("large", "medium", "small")}
    shrunk = dataclasses.replace(
        new, micro=leaves, leaves=leaves,
        **{
            name: frame.assign(households=leaves["households"].iloc[0], geometry=leaves.geometry[0])
            for name, frame in keep.items()
        },
        buildings=new.buildings[new.buildings["code"] == leaves["code"].iloc[0]],
    )  # fmt: skip
    before = publish_all(redrawn_twice()[:2], 5)[1]
    publication = publish_plan(shrunk, earlier=before)
    assert publication.exposed == ()
    assert {f.severity for f in audit_chain([told_of(publication), *before], threshold=5)} <= {
        "warning"
    }


def test_a_crosswalk_with_codes_of_neither_is_refused():
    first, second, third = redrawn_twice()
    (latest, before) = publish_all([first, second], 5)[1]
    pairs = latest.pairs.assign(b="999")
    with pytest.raises(InputError, match="999"):
        publish_plan(third, earlier=[dataclasses.replace(latest, pairs=pairs), before])


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Return a plan, and folders of three publications in a row, the latest first."""
    plan, _ = plan_with_few()
    folder = tmp_path_factory.mktemp("chain")
    done = []
    for name in ("first", "second", "third"):
        export_plan(
            plan, folder / name, format="geojson", publish=True, earlier=done,
            publish_level="small" if name == "first" else "micro",
        )  # fmt: skip
        done.insert(0, folder / name)
    return plan, done


def test_a_chain_of_files_is_proven(published):
    _, done = published
    report = check_published(done[0], earlier=done[1:])
    assert report.ok, report
    assert report.figures["published"]["earlier"] == 2


def test_files_of_a_chain_that_are_missing_or_in_another_order_are_named(
    published, tmp_path, capsys
):
    plan, (third, second, first) = published
    with pytest.raises(InputError, match="itself published after another"):
        check_published(third, earlier=second)
    other = tmp_path / "other"
    export_plan(plan, other, format="geojson", publish=True, threshold=50)
    options = [text for path in (second, other) for text in ("--older", str(path))]
    with pytest.raises(SystemExit, match="3"):
        main(["check", str(third), "--publish", *options])
    assert "second was published after another publication than other" in capsys.readouterr().err
    with pytest.raises(InputError, match="itself published after another"):
        publish_plan(plan, earlier=[told_of(publish_plan(plan, earlier=layers(plan)))])
    export_plan(plan, tmp_path / "csv", format="csv", publish=True, earlier=[third, second, first])
    with pytest.raises(InputError, match="polygons"):
        check_published(tmp_path / "csv", earlier=[third, second, first])
