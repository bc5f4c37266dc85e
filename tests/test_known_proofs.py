"""Proofs are used again where the very bytes were proven before, and nowhere else."""

import json
import sqlite3

import numpy as np
import pytest
import shapely
from plans import tiny_plan

import gridcell
from gridcell.check.plan import prove_plan
from gridcell.files.digest import digest_arrays
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
