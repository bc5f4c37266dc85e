"""Edits from the command line, and from a script."""

import json

import pytest

import gridcell
from gridcell.revision.changes import list_changes
from gridcell_cli.edit import parse_operations
from gridcell_cli.main import main


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("edit")
    town = gridcell.make_sample(households=1000, seed=4, communities=2)
    layers = gridcell.read_layers(
        town.communities, town.buildings, households=town.households, sites=town.sites,
        barriers=[town.roads],
    )  # fmt: skip
    plan = gridcell.make_plan(layers)
    gridcell.write_plan(plan, place / "plan")
    return place


@pytest.fixture(scope="module")
def pair(folder):
    """Two neighbouring micro cells of one small cell."""
    micro = gridcell.read_plan(folder / "plan").micro
    for row in micro.itertuples():
        beside = micro[(micro["parent"] == row.parent) & (micro["code"] != row.code)]
        beside = beside[beside.geometry.intersection(row.geometry).length > 1]
        if len(beside):
            return row.code, beside["code"].iloc[0]
    raise AssertionError("no neighbours")


def run(*words):
    with pytest.raises(SystemExit) as left:
        main([str(word) for word in words])
    return left.value.code


def test_an_edit_and_its_undo_give_the_bytes_of_before(folder, pair, tmp_path, capsys):
    plan = folder / "plan"
    assert run("edit", plan, "merge", *pair, "-o", tmp_path / "merged") == 0
    told = capsys.readouterr().out
    assert f"merge {pair[0]} {pair[1]}" in told
    assert "retired" in told
    assert (tmp_path / "merged" / "changes.html").is_file()
    assert run("edit", tmp_path / "merged", "undo", "-o", tmp_path / "back") == 0
    for name in ("plan.gpkg", "map.html", "geojson/micro.geojson", "geojson/leaves.geojson"):
        assert (plan / name).read_bytes() == (tmp_path / "back" / name).read_bytes(), name


def test_a_script_does_what_is_typed(folder, pair, tmp_path):
    script = tmp_path / "edits.json"
    entries = [
        {"operation": "merge", "a": pair[0], "b": pair[1]},
        {"operation": "lock", "cell": pair[0][:12]},
    ]
    script.write_text(json.dumps(entries), "utf-8")
    assert run("edit", folder / "plan", "--script", script, "-o", tmp_path / "a") == 0
    typed = ["merge", *pair, ",", "lock", pair[0][:12]]
    assert run("edit", folder / "plan", *typed, "-o", tmp_path / "b") == 0
    # The report in plan.gpkg tells how long it took.
    for name in ("map.html", "lineage.csv", "geojson/leaves.geojson"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert gridcell.read_plan(tmp_path / "a").codes["locked"].any()


def test_one_page_tells_what_several_edits_changed_together(folder, pair, tmp_path):
    plan = folder / "plan"
    renamed = ["rename", pair[0], "Old Mill"]
    assert (
        run("edit", plan, *renamed, ",", "merge", *pair, ",", *renamed[:2], "-o", tmp_path / "a")
        == 0
    )
    before, after = gridcell.read_plan(plan), gridcell.read_plan(tmp_path / "a")
    assert list_changes(before, after).table["code"].tolist() == sorted(pair)
    page = (tmp_path / "a" / "changes.html").read_text("utf-8")
    assert all(code in page for code in pair)
    # What came back is no change, and what an undo changed is one.
    assert run("edit", plan, "merge", *pair, ",", "undo", "-o", tmp_path / "b") == 0
    assert not (tmp_path / "b" / "changes.html").exists()
    assert run("edit", tmp_path / "a", "undo", ",", "undo", "-o", tmp_path / "c") == 0
    assert all(code in (tmp_path / "c" / "changes.html").read_text("utf-8") for code in pair)


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ('{"operation": "merge"}', "expected a list of edits"),
        ("[{", "cannot be read as JSON"),
        ('[{"operation": "fly"}]', "edit 1"),
        ('[{"operation": "undo"}, {"operation": "merge", "a": "1"}]', "edit 2: merge.b"),
        ('[{"operation": "split", "cell": "1", "parts": 1}]', "edit 1: split.parts"),
    ],
)
def test_a_script_that_is_none_is_refused(folder, tmp_path, capsys, entries, said):
    script = tmp_path / "edits.json"
    script.write_text(entries, "utf-8")
    assert run("edit", folder / "plan", "--script", script, "-o", tmp_path / "out") == 3
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_what_cannot_be_done_is_told_and_nothing_is_written(folder, tmp_path, capsys):
    assert run("edit", folder / "plan", "merge", "X", "Y", "-o", tmp_path / "out") == 3
    assert "not in the plan" in capsys.readouterr().err
    assert run("edit", folder / "plan", "fly", "-o", tmp_path / "out") == 2
    assert run("edit", folder / "plan", "-o", tmp_path / "out") == 2
    assert not (tmp_path / "out").exists()


def test_operations_are_separated_by_commas():
    typed = "split A --line l.geojson , move b1 b2 C , swap b1 with b2 , rename A"
    words = typed.split()
    assert parse_operations(words) == [
        {"operation": "split", "cell": "A", "line": "l.geojson"},
        {"operation": "move", "buildings": ["b1", "b2"], "to": "C"},
        {"operation": "swap", "these": ["b1"], "those": ["b2"]},
        {"operation": "rename", "cell": "A", "name": None},
    ]
