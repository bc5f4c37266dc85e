"""Commands that read a plan verify it, and say in one line what they found."""

import json
import shutil
import sqlite3

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest

import gridcell
from gridcell_cli import main as frame


@pytest.fixture(autouse=True)
def _own_logging(monkeypatch):
    monkeypatch.setattr(frame, "_be_quiet", lambda: None)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    town = gridcell.make_sample(households=900, seed=1, communities=1)
    layers = gridcell.read_layers(town.communities, town.buildings, staff=town.staff)
    plan = gridcell.make_plan(layers, rules=gridcell.Rules(search=20))
    folder = tmp_path_factory.mktemp("verified")
    gridcell.write_plan(plan, folder / "plan")
    town.communities.to_file(folder / "areas.gpkg")
    town.buildings.to_file(folder / "houses.gpkg")
    town.staff.to_csv(folder / "staff.csv", index=False)
    places = plan.leaves.representative_point().to_crs(4326)
    pd.DataFrame({"lon": places.x, "lat": places.y}).to_csv(folder / "doors.csv", index=False)
    return folder


def with_other_number(file):
    """Change one figure without touching anything else."""
    with sqlite3.connect(file) as base:
        for (name,) in base.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE '%leaves%'"
        ).fetchall():
            base.execute(f'DROP TRIGGER "{name}"')
        base.execute("UPDATE leaves SET households = households + 7 WHERE rowid = 2")


def with_moved_border(file):
    leaves = gpd.read_file(file, layer="leaves")
    leaves.loc[1, "geometry"] = leaves.geometry[1].buffer(-2)
    pyogrio.write_dataframe(leaves, file, layer="leaves", append=False)


COMMANDS = {
    "map": ("map", "PLAN", "-o", "m.html"),
    "atlas": ("atlas", "PLAN", "-o", "a.pdf"),
    "export": ("export", "PLAN", "--format", "csv", "-o", "e"),
    "roster": ("roster", "PLAN", "-o", "r.csv"),
    "staff": ("staff", "PLAN", "staff.csv", "-o", "s"),
    "history": ("history", "PLAN"),
    "compare": ("compare", "PLAN", "plan"),
    "edit": ("edit", "PLAN", "-o", "x", "rename", "CODE", "New"),
    "update": ("update", "PLAN", "areas.gpkg", "houses.gpkg", "--dry-run"),
    "locate": ("locate", "PLAN", "doors.csv", "-o", "l.csv"),
    "crosswalk": ("crosswalk", "PLAN", "plan", "-o", "w.csv"),
    "adopt": ("adopt", "plan/plan.gpkg#micro", "PLAN", "-o", "d"),
}


def run(capsys, monkeypatch, folder, out, name, plan, *more):
    """Run a command in the folder of the inputs, its outputs elsewhere."""
    code = gridcell.read_plan(folder / "plan").micro["code"].iloc[0]
    words = [str(plan) if w == "PLAN" else code if w == "CODE" else w for w in COMMANDS[name]]
    at = words.index("-o") + 1 if "-o" in words else None
    if at is not None:
        words[at] = str(out / words[at])
    monkeypatch.chdir(folder)
    with pytest.raises(SystemExit):
        frame.main([*words, *more])
    return capsys.readouterr().err


@pytest.mark.parametrize("name", COMMANDS)
def test_a_sound_plan_is_said_to_be_one(written, tmp_path, capsys, monkeypatch, name):
    said = run(capsys, monkeypatch, written, tmp_path, name, "plan")
    verified = [line for line in said.splitlines() if line.startswith("plan: verified, ")]
    assert verified
    assert "Warning: plan" not in said


@pytest.mark.parametrize("name", COMMANDS)
def test_a_plan_edited_by_hand_is_not_read_in_silence(written, tmp_path, capsys, monkeypatch, name):
    file = tmp_path / "plan.gpkg"
    file.write_bytes((written / "plan" / "plan.gpkg").read_bytes())
    # Who reads nothing but the cells sees what is wrong with the cells.
    change = with_moved_border if name in {"locate", "crosswalk"} else with_other_number
    change(file)
    said = run(capsys, monkeypatch, written, tmp_path, name, file, "-q")
    lines = [line for line in said.splitlines() if line.startswith(f"Warning: {file}: ")]
    assert len(lines) == 1
    assert "changed by hand or damaged" in lines[0]
    assert f"'gridcell check {file}' lists" in lines[0]


def test_what_is_certified_is_not_proven_again(written, monkeypatch):
    from gridcell import check
    from gridcell_cli.plans import open_plan

    def refuse(*_):
        raise AssertionError

    monkeypatch.setattr(check, "check_plan", refuse)
    open_plan(written / "plan")


@pytest.mark.parametrize("name", ["version", "ok", "inputs", "no JSON", "missing"])
def test_a_certificate_that_does_not_stand_for_the_file_spares_nothing(written, tmp_path, name):
    from gridcell.certificate.certify import stands_certified

    shutil.copytree(written / "plan", tmp_path / "plan")
    file, beside = tmp_path / "plan/plan.gpkg", tmp_path / "plan/certificate.json"
    plan = gridcell.read_plan(file)
    assert stands_certified(plan, file)
    told = json.loads(beside.read_text("utf-8"))
    if name == "version":
        told["version"] = "0.0.1"
    elif name == "ok":
        told["proof"]["ok"] = False
    elif name == "inputs":
        told["inputs"][0]["sha256"] = "0" * 64
    beside.write_text("x" if name == "no JSON" else json.dumps(told), encoding="utf-8")
    if name == "missing":
        beside.unlink()
    assert not stands_certified(plan, file)


def test_an_edited_file_is_not_what_was_certified(written, tmp_path):
    from gridcell.certificate.certify import stands_certified

    shutil.copytree(written / "plan", tmp_path / "plan")
    with_other_number(tmp_path / "plan/plan.gpkg")
    plan = gridcell.read_plan(tmp_path / "plan")
    assert not stands_certified(plan, tmp_path / "plan/plan.gpkg")
