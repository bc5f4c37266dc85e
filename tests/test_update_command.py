"""``gridcell update`` from outside: what it reads, what it writes, what it says."""

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
from click.testing import CliRunner

import gridcell
from gridcell.certificate import verify_certificate
from gridcell.certificate.folder import check_plan_folder
from gridcell.render.changes import write_changes
from gridcell.revision.changes import CHANGE_COLUMNS, list_changes
from gridcell.revision.recoded import read_recoded
from gridcell.words.messages import Message
from gridcell_cli import main as frame
from gridcell_cli.main import cli

ROOT = Path(__file__).parents[1]
BANDS = ("--small", "60:80:100", "--micro", "10:20:30")


@pytest.fixture(autouse=True)
def _own_logging(monkeypatch):
    """Keep the frame's changes to logging out of the other tests."""
    monkeypatch.setattr(frame, "_be_quiet", lambda: None)
    for name in [name for name in os.environ if name.startswith("GRIDCELL_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    folder = tmp_path_factory.mktemp("update") / "town"
    gridcell.write_sample(gridcell.make_sample(households=600, seed=2, communities=1), folder)
    buildings = gpd.read_file(folder / "buildings.shp")
    held = pd.read_csv(folder / "households.csv", dtype=str)["bldg_id"].value_counts()
    one = held[held <= 12].index[0]
    grown = buildings.copy()
    grown.loc[grown["bldg_id"] == one, "households"] += 60
    grown.to_file(folder / "grown.gpkg")
    return folder


@pytest.fixture(scope="module")
def plan(town, tmp_path_factory):
    """The folder of a plan whose bands are not the usual ones."""
    rules = gridcell.read_rules(small="60:80:100", micro="10:20:30")
    layers = gridcell.read_layers(town / "communities.shp", town / "buildings.shp", rules=rules)
    folder = tmp_path_factory.mktemp("update") / "plan"
    gridcell.write_plan(gridcell.make_plan(layers, rules=rules), folder)
    return folder


@pytest.fixture(scope="module")
def updated(town, plan, tmp_path_factory):
    """The folder of the plan after its update, and what the command said."""
    folder = tmp_path_factory.mktemp("update") / "next"
    files = (town / "communities.shp", town / "grown.gpkg")
    done = CliRunner().invoke(cli, [*map(str, ("update", plan, *files, "-o", folder))])
    assert done.exit_code == 0, done.output
    return folder, done.output


@pytest.fixture
def run(capsys):
    """Run a command here; its exit code, stdout and stderr."""

    def run(*arguments):
        with pytest.raises(SystemExit) as exit_:
            frame.main([*map(str, arguments)])
        out, err = capsys.readouterr()
        return exit_.value.code, out, err

    return run


def contents(folder):
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def test_the_same_data_leave_every_cell(run, town, plan, tmp_path):
    files = (town / "communities.shp", town / "buildings.shp")
    code, out, _ = run("update", plan, *files, "-o", tmp_path / "next")
    assert code == 0
    assert "changes     none" in out
    before, after = contents(plan), contents(tmp_path / "next")
    assert set(before) == set(after)
    for name in before:
        if name.startswith("geojson/") or name == "map.html":
            assert before[name] == after[name], name


def test_the_rules_are_those_of_the_plan_below_what_is_given(run, town, plan, updated, tmp_path):
    assert gridcell.read_plan(updated[0]).rules == gridcell.read_plan(plan).rules
    files = (town / "communities.shp", town / "buildings.shp")
    assert run("update", plan, *files, "--micro", "15:20:25", "-o", tmp_path / "b")[0] == 0
    rules = gridcell.read_plan(tmp_path / "b").rules
    assert rules.small.target == 80
    assert (rules.micro.min, rules.micro.max) == (15, 25)


def test_what_changed_is_told_with_the_reason(run, town, plan, updated):
    files = (town / "communities.shp", town / "grown.gpkg")
    _, out = updated
    assert "left its band:" in out
    assert "households get another code" in out
    assert "proofs      all hold" in out
    code, out, _ = run("update", plan, *files, "--dry-run", "--json")
    told = json.loads(out)["changes"]
    assert code == 0
    assert set(told["cells"][0]) == set(CHANGE_COLUMNS)
    kinds = {cell["change"] for cell in told["cells"]}
    assert "new" in kinds or "changed" in kinds
    assert told["moved"] <= told["households"]


def test_every_cell_that_changed_is_listed_once_and_no_other(town, plan):
    before = gridcell.read_plan(plan)
    layers = gridcell.read_layers(town / "communities.shp", town / "grown.gpkg", rules=before.rules)
    after = gridcell.update_plan(before, layers)
    changes = list_changes(before, after)
    assert changes.table["code"].is_unique
    shapes = [pd.concat([p.small, p.micro]).set_index("code").geometry for p in (before, after)]
    both = pd.concat([pd.Series(shape) for shape in shapes], axis=1, keys=["before", "after"])
    same = [
        then is not None and now is not None and then.equals_exact(now, 1e-6, normalize=True)
        for then, now in both.where(both.notna(), None).itertuples(index=False)
    ]
    differ = both.index[~pd.Series(same)]
    assert set(changes.table["code"]) == set(differ)
    assert changes.kept == len(both) - len(differ)
    new = changes.table[changes.table["change"] == "new"]["code"]
    assert set(new) == set(shapes[1].index) - set(shapes[0].index)


def test_a_page_tells_the_changes_in_both_languages_and_is_certified(
    run, town, plan, updated, tmp_path
):
    files = (town / "communities.shp", town / "grown.gpkg")
    folder, out = updated
    assert "changes.html, lineage.csv" in out
    code, out, _ = run("update", plan, *files, "--lang", "zh", "-o", tmp_path / "zh")
    assert code == 0
    assert "changes.html, lineage.csv" in out
    pages = {
        lang: (place / "changes.html").read_text("utf-8")
        for lang, place in {"en": folder, "zh": tmp_path / "zh"}.items()
    }
    assert "left its band:" in pages["en"]
    assert "超出区间" in pages["zh"]
    assert "http://" not in pages["en"].split("LICENSE")[0].split("<style>")[0]
    before = gridcell.read_plan(plan)
    layers = gridcell.read_layers(*files, rules=before.rules)
    after = gridcell.update_plan(before, layers)
    written = gridcell.write_plan(after, tmp_path / "again", before=before)
    again = (tmp_path / "again" / "changes.html").read_text("utf-8")
    assert again == pages["en"]
    assert {"changes.html", "lineage.csv"} <= {file.name for file in written}
    certified = json.loads((folder / "certificate.json").read_text("utf-8"))["files"]
    assert {"changes.html", "lineage.csv"} <= {file["path"] for file in certified}
    assert run("check", folder)[0] == 0
    for name in ("changes.html", "lineage.csv"):
        file = tmp_path / "zh" / name
        file.write_text(file.read_text("utf-8") + " ", "utf-8")
    found = verify_certificate(tmp_path / "zh")
    assert [f.params for f in found if f.kind == "file_differs"] == [
        '{"file": "changes.html"}', '{"file": "lineage.csv"}'
    ]  # fmt: skip


def test_names_in_the_page_are_no_markup(plan, tmp_path):
    before = gridcell.read_plan(plan)
    evil = "</script><script>alert(1)</script>"
    named = dataclasses.replace(before, medium=before.medium.assign(name=evil))
    table = pd.DataFrame({name: [0] for name in CHANGE_COLUMNS}).assign(
        code=before.micro["code"].iloc[0], level=4, community=before.medium["community"].iloc[0],
        change="changed", why=[Message("change.new_site", name=evil)],
    )  # fmt: skip
    file = write_changes(table, named, named, tmp_path / "page.html", figures={})
    assert "<script>alert" not in file.read_text("utf-8")


def test_lineage_is_a_table_that_keeps_codes(updated, tmp_path):
    shutil.copytree(updated[0], tmp_path / "next")
    file = tmp_path / "next" / "lineage.csv"
    assert file.read_bytes().startswith(b"\xef\xbb\xbfold,new,event,")
    told = pd.read_csv(file, dtype={"old": str, "new": str})
    kept = gridcell.read_plan(tmp_path / "next").lineage
    assert told["new"].dropna().tolist() == kept["new"].dropna().tolist()
    assert told["households"].tolist() == kept["households"].tolist()
    rows = file.read_text("utf-8-sig").splitlines(keepends=True)
    file.write_text("".join(rows[:-1]), "utf-8-sig")
    found = check_plan_folder(gridcell.read_plan(tmp_path / "next"), tmp_path / "next")
    assert [(f.kind, f.msgid) for f in found] == [("file_differs", "finding.file_lineage")]
    file.unlink()
    found = check_plan_folder(gridcell.read_plan(tmp_path / "next"), tmp_path / "next")
    assert [f.kind for f in found] == ["missing_file"]


def test_a_micro_cell_that_came_into_another_small_cell_says_so(town):
    rules = gridcell.read_rules(small="60:80:100", micro="10:20:30")
    layers = gridcell.read_layers(town / "communities.shp", town / "buildings.shp", rules=rules)
    before = gridcell.make_plan(layers, rules=rules)
    one = before.small["code"].iloc[0]
    after = gridcell.edit_plan(before, [gridcell.Split(one, 2)])
    (new,) = set(after.small["code"]) - set(before.small["code"])
    table = list_changes(before, after).table
    told = [why.params["cell"] for why in table["why"] if why.msgid == "change.parent"]
    assert told
    assert set(told) <= {one, new}


def test_a_dry_run_writes_nothing(run, town, plan, tmp_path):
    files = (town / "communities.shp", town / "grown.gpkg")
    before = contents(plan)
    code, out, _ = run("update", plan, *files, "--dry-run", "-o", tmp_path / "next")
    assert code == 0
    assert "files " not in out
    assert list(tmp_path.iterdir()) == []
    assert contents(plan) == before


def test_without_a_folder_or_a_dry_run_it_is_usage(run, town, plan):
    code, _, err = run("update", plan, town / "communities.shp", town / "buildings.shp")
    assert code == 2
    assert "--dry-run" in err


def test_a_plan_is_updated_in_its_place(run, town, plan, tmp_path):
    own = tmp_path / "own"
    shutil.copytree(plan, own)
    files = (town / "communities.shp", town / "grown.gpkg")
    code, _, err = run("update", own, *files, "-o", own)
    assert code == 3
    assert "--overwrite" in err
    assert run("update", own, *files, "-o", own, "--overwrite")[0] == 0
    assert run("check", own)[0] == 0
    assert gridcell.read_plan(own).leaves["code"].size > 0


def test_locks_of_the_command_hold(run, town, plan, tmp_path):
    files = (town / "communities.shp", town / "grown.gpkg")
    old = gridcell.read_plan(plan)
    names = ",".join(old.micro["code"].iloc[:2])
    code, _, _ = run(
        "update", plan, *files, "--locked", names, "--locked", "micro", "-o", tmp_path / "next"
    )
    assert code == 0
    new = gridcell.read_plan(tmp_path / "next")
    assert new.micro["code"].tolist() == old.micro["code"].tolist()
    code, _, err = run("update", plan, *files, "--locked", "0815", "--dry-run")
    assert code == 3
    assert "0815" in err


def recoded_town(town, folder):
    """Write the communities under another code; return the file, the old code and the new one."""
    communities = gpd.read_file(town / "communities.shp")
    old = communities["code"].iloc[0]
    new = old[:-3] + "777"
    communities.assign(code=new).to_file(folder / "recoded.gpkg")
    return folder / "recoded.gpkg", old, new


@pytest.mark.parametrize("form", ["pair", "csv", "xlsx"])
def test_recoded_communities_keep_their_numbers(run, town, plan, tmp_path, form):
    file, old, new = recoded_town(town, tmp_path)
    given = f"{old}={new}"
    if form != "pair":
        given = tmp_path / f"codes.{form}"
        table = pd.DataFrame({"old": [old], "new": [new]})
        table.to_csv(given, index=False) if form == "csv" else table.to_excel(given, index=False)
    code, _, err = run(
        "update", plan, file, town / "buildings.shp", "--recoded", given, "-o", tmp_path / "next"
    )
    assert code == 0, err
    codes = [gridcell.read_plan(p).micro["code"] for p in (plan, tmp_path / "next")]
    assert sorted(codes[0].str.slice(12)) == sorted(codes[1].str.slice(12))
    assert codes[1].str.startswith(new).all()


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ({"old": ["1"], "neu": ["2"]}, "no column new"),
        ({"old": ["1", "1"], "new": ["2", "3"]}, "row 2: '1' is '3' now, and '1' is '2' before"),
        ({"old": ["1", "2"], "new": ["3", "3"]}, "row 2: '2' is '3' now, and '1' is '3' before"),
        ({"old": ["1", None], "new": ["2", "3"]}, "row 2 has no code in old"),
        ({"old": ["4.5E+11"], "new": ["2"]}, "spreadsheet"),
    ],
)
def test_a_table_of_codes_that_cannot_be_is_refused(rows, said):
    with pytest.raises(gridcell.InputError, match=said):
        read_recoded(pd.DataFrame(rows))


def test_the_time_is_told_only_when_asked_for(run, town, plan):
    # What is written of a history is a matter of the format; here, that the option arrives.
    files = (town / "communities.shp", town / "buildings.shp")
    seen = []
    original = gridcell.revision.update.update_plan

    def spy(*args, **options):
        seen.append(options["time"])
        return original(*args, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gridcell.revision.update.update_plan", spy)
        assert run("update", plan, *files, "--dry-run")[0] == 0
        assert run("update", plan, *files, "--dry-run", "--time")[0] == 0
    assert seen[0] is None
    assert pd.Timestamp(seen[1]).tzinfo is not None


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_a_killed_update_leaves_the_old_plan(town, plan, tmp_path):
    own = tmp_path / "own"
    shutil.copytree(plan, own)
    before = contents(own)
    words = [
        sys.executable, "-m", "gridcell_cli", "update", own, town / "communities.shp",
        town / "grown.gpkg", "-o", own, "--overwrite",
    ]  # fmt: skip
    path = os.pathsep.join([str(ROOT), str(ROOT / "cli")])
    run = subprocess.Popen(
        [*map(str, words)], env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    # Until it writes: a hidden folder beside the plan.
    end = time.monotonic() + 300
    while run.poll() is None and time.monotonic() < end:
        if any(entry.name.endswith(".part") for entry in tmp_path.iterdir()):
            break
        time.sleep(0.01)
    run.send_signal(signal.SIGKILL)
    assert run.wait() == -signal.SIGKILL
    assert contents(own) == before
