"""Proofs are used again where the very bytes were proven before, and nowhere else."""

import json
import sqlite3

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import example, given
from hypothesis import strategies as st
from plans import tiny_plan
from workers import Here, Lost

import gridcell
from gridcell.check.plan import prove_plan
from gridcell.files.digest import digest_arrays, digest_frame
from gridcell.folder import write_plan
from gridcell.work import known

BOX = shapely.box(0, 0, 1, 1)


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch):
    monkeypatch.setattr(known, "_proofs", {})


@pytest.fixture
def counted(monkeypatch):
    """How often coverage was proven."""
    from gridcell.check import plan

    calls = []
    true = plan.prove_coverage

    def prove(*args, **kwargs):
        calls.append(1)
        return true(*args, **kwargs)

    monkeypatch.setattr(plan, "prove_coverage", prove)
    return calls


def test_a_plan_is_proven_once_however_often_it_is_written_and_read(tmp_path, counted):
    plan = tiny_plan()
    prove_plan(plan)
    assert len(counted) == 4
    write_plan(plan, tmp_path / "a")
    gridcell.check_plan(gridcell.read_plan(tmp_path / "a"))
    assert len(counted) == 4


def test_tables_are_checked_once_and_again_where_a_value_is_another(tmp_path, monkeypatch):
    from gridcell.check import plan as promises

    calls, true = [], promises._check_tables
    monkeypatch.setattr(promises, "_check_tables", lambda *of: calls.append(1) or true(*of))
    plan = tiny_plan()
    write_plan(plan, tmp_path / "a")
    assert len(calls) == 1
    back = gridcell.read_plan(tmp_path / "a")
    assert gridcell.check_plan(back) == []
    assert len(calls) == 1
    back.buildings.loc[0, "households"] += 1
    assert {finding.kind for finding in gridcell.check_plan(back)} == {"totals"}
    assert len(calls) == 2


def test_borders_are_measured_once_for_every_report_of_a_plan(monkeypatch):
    from gridcell import report

    measured, calls = report.border_figures, []
    monkeypatch.setattr(report, "border_figures", lambda cells: calls.append(1) or measured(cells))
    plan = tiny_plan()
    first = plan.report["borders"]
    assert plan.report["borders"] == first
    assert len(calls) == 2
    plan.small["compactness"] = 0.1
    assert plan.report["borders"]["small"]["below_02"] == (plan.small.grid_type == "general").sum()


def test_a_plan_with_one_vertex_elsewhere_is_proven_anew():
    plan = tiny_plan()
    assert all(proof.holds for proof in prove_plan(plan).values())
    cells = plan.small.copy()
    moved = shapely.get_coordinates(cells.geometry.iloc[0])
    moved[1] += 1e-6
    shapes = cells.geometry.to_numpy()
    shapes[0] = shapely.Polygon(moved)
    plan.small.geometry = shapes
    assert not prove_plan(plan)["small"].holds


def test_a_file_damaged_after_it_was_written_is_not_certified(tmp_path, monkeypatch):
    from gridcell.render import map as page

    plan = tiny_plan()
    prove_plan(plan)
    draw = page.write_map

    def damage(plan, file, **options):
        """Give one leaf the shape of another."""
        with sqlite3.connect(file.parent / "plan.gpkg") as db:
            named = "select name from sqlite_master where type = 'trigger' and tbl_name = 'leaves'"
            for (name,) in db.execute(named).fetchall():
                db.execute(f'drop trigger "{name}"')
            db.execute(
                "update leaves set geom = (select geom from leaves where rowid = 2) where rowid = 1"
            )
        draw(plan, file, **options)

    monkeypatch.setattr(page, "write_map", damage)
    write_plan(plan, tmp_path / "a")
    proof = json.loads((tmp_path / "a/certificate.json").read_text("utf-8"))["proof"]
    assert proof["ok"] is False
    assert proof["levels"]["leaves"]["gaps"]
    assert proof["levels"]["leaves"]["overlaps"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (np.array([1.0, 2.0]), np.array([2.0, 1.0])),
        (np.array([1, 2]), np.array([1.0, 2.0])),
        (np.array([1, 2]), np.array([[1], [2]])),
        (np.array(["a", "bc"], dtype=object), np.array(["ab", "c"], dtype=object)),
        (np.array([None, "None"], dtype=object), np.array(["None", None], dtype=object)),
        (np.array([BOX, None]), np.array([None, BOX])),
        (np.array([BOX]), np.array([BOX.reverse()])),
        (np.array([BOX]), np.array([repr(BOX.wkb)], dtype=object)),
    ],
)
def test_arrays_that_differ_in_anything_have_other_digests(one, other):
    assert digest_arrays(one) != digest_arrays(other)
    assert digest_arrays(one) == digest_arrays(one.copy())


def test_only_the_latest_proofs_are_kept():
    for number in range(50):
        known.prove_once("kind", lambda _: 0, np.array([number]))
    assert len(known.proofs_known()) == known._MOST


def length(shapes):
    return float(shapely.length(shapes).sum())


def fails(_shapes):
    raise ValueError("no proof")


def never(_shapes):
    raise AssertionError("done twice")


def test_what_a_worker_proved_ahead_is_not_proven_again():
    known.prove_ahead("length", length, np.array([BOX]), executor=Here())
    assert known.prove_once("length", never, np.array([BOX])) == 4.0
    assert list(known.proofs_known().values()) == [4.0]


def test_what_a_worker_raised_is_raised_by_whoever_asks_and_by_nobody_else():
    known.prove_ahead("length", fails, np.array([BOX]), executor=Here())
    assert known.proofs_known() == {}
    with pytest.raises(ValueError, match="no proof"):
        known.prove_once("length", never, np.array([BOX]))


def test_what_a_lost_worker_should_have_proven_is_proven_here():
    known.prove_ahead("length", length, np.array([BOX]), executor=Lost())
    assert known.prove_once("length", length, np.array([BOX])) == 4.0


def test_what_is_taken_is_not_kept():
    known.prove_ahead("length", length, np.array([BOX]), executor=Here())
    assert known.taken("length", never, np.array([BOX])) == 4.0
    assert known.taken("length", length, np.array([BOX])) == 4.0
    assert known.proofs_known() == {}


def test_workers_write_the_same_plan_and_prove_what_is_asked_for(tmp_path, counted):
    from gridcell.check.plan import begin_proofs

    plan = tiny_plan()
    begin_proofs(plan, Here())
    assert len(counted) == 4
    assert gridcell.check_plan(plan) == []
    write_plan(plan, tmp_path / "a")
    write_plan(plan, tmp_path / "b", executor=Here())
    assert len(counted) == 4
    for file in sorted((tmp_path / "a").rglob("*.*")):
        assert file.read_bytes() == (tmp_path / "b" / file.relative_to(tmp_path / "a")).read_bytes()


@given(st.lists(st.none() | st.text(alphabet=st.characters(codec="utf-8"))))
@example(["plain", None, "null"])
@example([])
def test_the_digest_of_texts_is_that_of_their_json(texts):
    column = pd.Series(texts, dtype="str")
    as_objects = pd.Series(texts, dtype=object)
    assert digest_frame(column.to_frame("a")) == digest_frame(as_objects.to_frame("a"))
    assert digest_frame(column[1:].to_frame("a")) == digest_frame(as_objects[1:].to_frame("a"))
