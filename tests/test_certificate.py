"""A certificate is the same for the same plan, and tells every file that is another."""

import json
import os
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import pyogrio
import pytest
import test_check_plan as towns

import gridcell.render.map
from gridcell.certificate import (
    NAME,
    PLAN_FILES,
    certify_layer,
    make_certificate,
    read_certificate,
    verify_certificate,
    write_certificate,
)
from gridcell.certificate.verify import compare_figures
from gridcell.errors import InputError, WriteError
from gridcell.folder import write_plan
from gridcell.pipeline import make_plan
from gridcell.read import read_layers
from gridcell.read.files import digest_input, open_input

ROOT = Path(__file__).parents[1]


def make_town(inputs):
    """Write the inputs of the town as files; return their paths by role."""
    town = towns.town()
    town["communities"].to_file(inputs / "communities.gpkg", layer="land")
    town["buildings"].to_file(inputs / "buildings.shp", encoding="utf-8")
    towns.register().to_csv(inputs / "households.csv", index=False)
    return {
        "communities": inputs / "communities.gpkg", "buildings": inputs / "buildings.shp",
        "households": inputs / "households.csv",
    }  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return the folders of a plan and of its inputs."""
    inputs = tmp_path_factory.mktemp("made") / "deep" / "inputs"
    inputs.mkdir(parents=True)
    layers = read_layers(**make_town(inputs), rules=towns.RULES)
    plan = make_plan(layers, rules=towns.RULES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            gridcell.render.map, "write_map", lambda _, path, *, lang: path.write_text(lang)
        )
        write_plan(plan, inputs.parent / "plan")
    return inputs.parent / "plan", inputs


@pytest.fixture
def plan(made, tmp_path):
    """Return a copy of the plan's folder, to do damage to."""
    for path in sorted(made[0].rglob("*")):
        if path.is_file():
            target = tmp_path / "plan" / path.relative_to(made[0])
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    return tmp_path / "plan"


def errors(findings):
    return sorted({f.kind for f in findings if f.severity == "error"})


def edit(file, change):
    data = json.loads(file.read_text("utf-8"))
    change(data)
    file.write_text(json.dumps(data), "utf-8")


# The same certificate

SCRIPT = """
import sys
sys.path.insert(0, "tests")
import test_certificate
test_certificate.write_town(sys.argv[1])
"""


def write_town(folder, *, step=1):
    """Write the plan of the town, with everything in it; `step` -1 turns the rows around."""
    inputs = {**towns.town(), "households": towns.register(), "staff": towns.roster()}
    turned = {name: frame[::step] for name, frame in inputs.items()}
    write_plan(make_plan(read_layers(**turned, rules=towns.RULES), rules=towns.RULES), folder)


def test_a_certificate_has_the_same_bytes_each_time_whatever_the_hash_seed(tmp_path):
    one, two, turned = (tmp_path / name for name in ("one", "two", "turned"))
    write_town(one)
    write_town(turned, step=-1)
    paths = os.pathsep.join([str(ROOT), str(ROOT / "cli")])
    subprocess.run(
        [sys.executable, "-c", SCRIPT, str(two)],
        check=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": paths},
    )
    assert (one / NAME).read_bytes() == (two / NAME).read_bytes()
    assert [f.kind for f in verify_certificate(two)] == ["inputs_not_compared"]
    # Rows in another order are another file, which the history names as well, and nothing else.
    first, other = read_certificate(one), read_certificate(turned)
    assert first.inputs != other.inputs
    differing = {
        table
        for mine, theirs in zip(first.files, other.files, strict=True)
        for table in mine.tables
        if mine.tables[table] != theirs.tables[table]
    }
    assert differing == {"history"}
    alike = {"inputs": other.inputs, "files": other.files}
    assert first.model_copy(update=alike) == other
    assert [f for f in first.files if not f.tables] == [f for f in other.files if not f.tables]


def test_a_certificate_names_no_folder_and_no_household(made):
    folder, inputs = made
    text = (folder / NAME).read_text("utf-8")
    assert str(inputs.parent) not in text
    assert str(folder.name + "/") not in text
    assert "h001" not in text
    data = json.loads(text)
    assert [file["path"] for file in data["files"]] == list(PLAN_FILES)
    assert {record["path"] for record in data["inputs"]} == {
        "communities.gpkg", "buildings.shp", "households.csv"
    }  # fmt: skip
    assert data["proof"]["ok"] is True
    assert data["proof"]["households"] == {"input": 132, "assigned": 130, "unassigned": 2}
    assert data["proof"]["levels"]["leaves"]["exact"] is True


# Verified


def test_untouched_files_and_inputs_are_verified(made):
    folder, inputs = made
    assert verify_certificate(folder, inputs=inputs.parent) == []
    (note,) = verify_certificate(folder / NAME)
    assert (note.kind, note.severity) == ("inputs_not_compared", "note")
    assert make_certificate(folder).to_json() == (folder / NAME).read_text("utf-8")


def test_a_plan_opened_and_saved_without_a_change_is_verified(plan):
    file = plan / "plan.gpkg"
    before = file.read_bytes()
    frame = pyogrio.read_dataframe(file, layer="staff")
    pyogrio.write_dataframe(frame, file, layer="scratch", append=True)
    assert file.read_bytes() != before
    added, _ = verify_certificate(plan)
    assert (added.kind, added.severity) == ("file_differs", "warning")
    assert "scratch" in added.message


def test_every_file_that_is_another_or_gone_is_named(plan):
    others = [name for name in PLAN_FILES if name != "plan.gpkg"]
    for name in others:
        content = (plan / name).read_bytes()
        (plan / name).write_bytes(content[: len(content) // 2])
    found = [f for f in verify_certificate(plan) if f.severity == "error"]
    assert [(f.kind, f.message.split()[0]) for f in found] == [("file_differs", n) for n in others]
    (plan / "plan.gpkg").write_bytes((plan / "plan.gpkg").read_bytes()[:5000])
    assert "plan.gpkg cannot be read any more" in verify_certificate(plan)[0].message
    for name in PLAN_FILES:
        (plan / name).unlink()
    found = verify_certificate(plan)
    assert [(f.kind, f.message.split()[0]) for f in found] == [
        ("missing_file", name) for name in PLAN_FILES
    ]


def test_seconds_are_not_certified_and_figures_are(plan):
    edit(plan / "report.json", lambda data: data["seconds"].update(total=1e9))
    assert errors(verify_certificate(plan)) == []
    edit(plan / "report.json", lambda data: data["counts"].update(atoms=1))
    assert errors(verify_certificate(plan)) == ["file_differs"]


def edit_plan(file, layer, change):
    frame = pyogrio.read_dataframe(file, layer=layer)
    change(frame)
    pyogrio.write_dataframe(frame, file, layer=layer, append=False)


def test_an_edited_layer_is_named_and_the_proof_no_longer_the_same(plan):
    def shrink(frame):
        frame.loc[0, "geometry"] = frame.geometry[0].buffer(-1)

    edit_plan(plan / "plan.gpkg", "leaves", shrink)
    found = verify_certificate(plan)
    assert errors(found) == ["file_differs", "proof_differs"]
    assert found[0].message.endswith("in leaves")
    assert any("levels.leaves.gap" in f.message for f in found)


def test_a_plan_that_breaks_a_promise_is_certified_as_one_that_does(plan):
    assert make_certificate(plan).proof["ok"] is True

    def recount(frame):
        frame.loc[0, "households"] += 1

    edit_plan(plan / "plan.gpkg", "micro", recount)
    proof = make_certificate(plan).proof
    assert all(figures["exact"] for figures in proof["levels"].values())
    assert proof["ok"] is False
    assert proof["broken_promises"].keys() >= {"totals"}


def test_other_rules_and_inputs_in_the_plan_are_found(plan):
    def rewrite(table):
        rules = json.loads(table.loc[table["key"] == "rules", "value"].iloc[0])
        report = json.loads(table.loc[table["key"] == "report", "value"].iloc[0])
        rules["weights"]["shape"] = report["rules"]["weights"]["shape"] = 9.0
        report["inputs"][0]["sha256"] = "0" * 64
        table.loc[table["key"] == "rules", "value"] = json.dumps(rules)
        table.loc[table["key"] == "report", "value"] = json.dumps(report)

    edit_plan(plan / "plan.gpkg", "metadata", rewrite)
    assert errors(verify_certificate(plan)) == ["file_differs", "inputs_differ", "rules_differ"]


@pytest.mark.parametrize("name", ["communities.gpkg", "buildings.dbf", "households.csv"])
def test_inputs_that_changed_or_are_gone_are_found(made, tmp_path, name):
    folder, inputs = made
    for path in inputs.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    with (tmp_path / name).open("ab") as file:
        file.write(b"\0")
    (found,) = verify_certificate(folder, inputs=tmp_path)
    assert found.kind == "file_differs"
    assert name.split(".")[0] in found.message
    (tmp_path / "households.csv").unlink()
    assert "missing_file" in errors(verify_certificate(folder, inputs=tmp_path))


def test_a_figure_of_the_proof_that_is_edited_is_found(plan):
    edit(plan / NAME, lambda data: data["proof"]["levels"]["small"].update(gaps=1, gap_m2=1e-9))
    (found,) = [f for f in verify_certificate(plan) if f.severity == "error"]
    assert found.kind == "proof_differs"
    assert found.message == "levels.small.gaps: certified 1, found 0"
    edit(plan / NAME, lambda data: data["proof"].update(ok=False))
    assert "proof_fails" in errors(verify_certificate(plan))


# Other forms


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: data.clear(), "its format is not"),
        (lambda data: data.update(format_version=2, version="9.0"), "gridcell 9.0"),
        (lambda data: data.pop("proof"), "damaged certificate: proof"),
        (lambda data: data.update(extra=1), "damaged certificate: extra"),
        (lambda data: data["files"][0].update(digest="md5"), "damaged certificate: files.0"),
        (lambda data: data["files"][1].update(path="../../secret"), "not a file beside it"),
        (lambda data: data["files"][1].update(path="/etc/passwd"), "not a file beside it"),
        (lambda data: data["files"][1].update(path="C:\\secret"), "not a file beside it"),
    ],
)
def test_a_damaged_certificate_is_bad_input(plan, change, said):
    edit(plan / NAME, change)
    with pytest.raises(InputError, match=said):
        verify_certificate(plan)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[" * 100_000, b"[]"])
def test_what_is_no_certificate_is_bad_input(tmp_path, content):
    with pytest.raises(InputError, match="no certificate can be read"):
        read_certificate(tmp_path)
    (tmp_path / NAME).write_bytes(content)
    with pytest.raises(InputError, match="no certificate"):
        verify_certificate(tmp_path)


def test_inputs_are_looked_for_in_a_folder_that_exists(made, tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        verify_certificate(made[0], inputs=tmp_path / "nowhere")


def test_the_check_of_a_layer_is_certified_by_the_same_form(made, tmp_path):
    _, inputs = made
    files = [open_input(f"{inputs / 'communities.gpkg'}#land", "cells").record()]
    figures = {"ok": True, "gaps": 0, "gap_m2": 0.1 + 0.2, "kinds": {"overlap": 2}}
    path = write_certificate(certify_layer(figures, files), tmp_path / "c.json")
    assert read_certificate(path).subject == "layer"
    assert errors(verify_certificate(path, figures=figures)) == ["missing_file"]
    assert verify_certificate(path, inputs=inputs, figures={**figures, "gap_m2": 0.3}) == []
    (note,) = verify_certificate(path, inputs=inputs)
    assert (note.kind, note.severity) == ("proof_not_compared", "note")
    worse = {**figures, "kinds": {"overlap": 3}}
    (found,) = verify_certificate(path, inputs=inputs, figures=worse)
    assert found.message == "kinds.overlap: certified 2, found 3"
    gpd.read_file(inputs / "communities.gpkg")[:1].to_file(tmp_path / "communities.gpkg")
    assert errors(verify_certificate(path, figures=figures)) == ["file_differs"]


def test_a_certificate_replaces_certificates_only(tmp_path):
    certificate = certify_layer({}, [])
    path = write_certificate(certificate, tmp_path / "c.json")
    with pytest.raises(WriteError, match="there already"):
        write_certificate(certificate, path)
    assert write_certificate(certificate, path, overwrite=True) == path
    path.write_text("my notes")
    with pytest.raises(WriteError, match="only those are overwritten"):
        write_certificate(certificate, path, overwrite=True)
    with pytest.raises(WriteError, match="nowhere does not exist; make it first"):
        write_certificate(certificate, tmp_path / "nowhere" / "c.json")


def test_the_digest_of_an_input_is_the_one_in_the_report(made):
    for path in sorted(made[1].iterdir()):
        if path.suffix in (".gpkg", ".shp", ".csv"):
            given = f"{path}#land" if path.suffix == ".gpkg" else path
            assert digest_input(path) == open_input(given, "input").sha256


@pytest.mark.parametrize(
    ("certified", "found", "same"),
    [
        (1000.0, 1000.000999, True),
        (1000.0, 1000.001001, False),
        (1000.0, 999.999001, True),
        (1000.0, 999.998999, False),
        (-1000.0, -1000.000999, True),
        (-1000.0, -1000.001002, False),
        (1000.000999, 1000.0, True),
        (0.0, 9.9e-7, True),
        (0.0, 1e-6, True),
        (0.0, 1.1e-6, False),
        (0.0, -1.1e-6, False),
        (0.5, 0.5000009, True),
        (0.5, 0.5000011, False),
        (1000, 1000.000999, True),
        (1000, 1001, False),
        (10_000_000, 10_000_001, False),
        (1, True, False),
        (0.0, False, False),
        (1, "1", False),
        (None, 0, False),
        ("a", "a", True),
        ("a", "b", False),
    ],
)
def test_figures_are_the_same_to_a_millionth_and_counts_exactly(certified, found, same):
    differing = list(compare_figures({"a": {"b": certified}}, {"a": {"b": found}}))
    assert [finding.kind for finding in differing] == ([] if same else ["proof_differs"])


def test_a_figure_that_only_one_side_has_differs():
    assert [f.message for f in compare_figures({"a": 1}, {})] == ["a: certified 1, found nothing"]
    assert [f.message for f in compare_figures({}, {"a": 0})] == ["a: certified nothing, found 0"]
