"""Two plans of the same land side by side."""

import dataclasses
import json
import os

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from atlas_fonts import make_font
from changes import read_town, town_of

import gridcell
from gridcell_cli import main as frame

RULES = {"small": "60:80:100", "micro": "10:20:30"}


@pytest.fixture(autouse=True)
def _own_logging(monkeypatch):
    monkeypatch.setattr(frame, "_be_quiet", lambda: None)
    for name in [name for name in os.environ if name.startswith("GRIDCELL_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="module")
def plan():
    sample = gridcell.make_sample(households=1000, seed=2, communities=2)
    rules = gridcell.read_rules(**RULES)
    return gridcell.make_plan(read_town(town_of(sample), sample), rules=rules)


@pytest.fixture(scope="module")
def merged(plan):
    """The plan with two neighbours merged, and another cell renamed."""
    micro = plan.micro[plan.micro["parent"] == plan.micro["parent"].iloc[0]]
    touch = micro.geometry.intersection(micro.geometry.iloc[0]).length
    a, b = micro["code"].iloc[0], micro["code"][touch.drop(micro.index[0]).idxmax()]
    edits = [gridcell.Merge(a, b), gridcell.Rename(plan.small["code"].iloc[-1], "Old Mill")]
    return gridcell.edit_plan(plan, edits)


@pytest.fixture(scope="module")
def other():
    """The same land divided otherwise."""
    sample = gridcell.make_sample(households=1000, seed=2, communities=2)
    rules = gridcell.read_rules(small="90:120:150", micro="20:30:40")
    return gridcell.make_plan(read_town(town_of(sample), sample), rules=rules)


def test_a_plan_differs_from_itself_in_nothing(plan):
    comparison = gridcell.compare_plans(plan, plan)
    assert comparison.goes_on
    assert not len(comparison.changes)
    assert comparison.changes.moved == 0
    assert (comparison.figures["difference"].dropna() == 0).all()
    assert set(comparison.lineage["event"]) == {"U"}
    assert comparison.changed_pages() == comparison.retired_pages() == []


def test_what_edits_changed_is_what_the_comparison_tells(plan, merged):
    comparison = gridcell.compare_plans(plan, merged)
    told = comparison.changes.table.set_index("code")["change"]
    gone = set(plan.micro["code"]) - set(merged.micro["code"])
    assert set(told[told == "retired"].index) == gone
    assert (told.drop(list(gone)) == "changed").all()
    assert comparison.figures.loc["micro", "difference"] == -1
    moved = merged.lineage[merged.lineage["old"].isin(gone)]
    assert comparison.changes.moved == moved["households"].sum()
    assert comparison.communities["moved"].sum() == comparison.changes.moved


def test_pages_are_those_of_changed_cells_names_and_posts(plan, merged):
    comparison = gridcell.compare_plans(plan, merged)
    changed = set(comparison.changes.table["code"]) - set(comparison.retired_pages())
    assert set(comparison.changed_pages()) == changed | {plan.small["code"].iloc[-1]}
    code = plan.micro["code"].iloc[-1]
    staff = pd.DataFrame({"staff_id": ["S1"], "role": ["micro_grid_chief"], "code": [code]})
    staffed = dataclasses.replace(plan, staff=staff.assign(distance_m=np.nan))
    assert gridcell.compare_plans(plan, staffed).changed_pages() == [code]


def test_households_of_every_pair_add_up_to_both_plans(plan, other):
    comparison = gridcell.compare_plans(plan, other)
    assert not comparison.goes_on
    assert comparison.changes.table["why"].isna().all()
    for level in ("leaves", "small"):
        for side, cells in (("old", plan.cells(level)), ("new", other.cells(level))):
            pairs = comparison.lineage[
                comparison.lineage["old"].isin(plan.cells(level)["code"])
                & comparison.lineage["new"].isin(other.cells(level)["code"])
            ]
            held = pairs.groupby(side)["households"].sum().reindex(cells["code"])
            assert (held.to_numpy() == cells["households"].to_numpy()).all(), (level, side)


def test_a_plan_in_another_crs_is_moved(plan):
    frames = {
        name: getattr(plan, name).to_crs(32649)
        for name in ("large", "medium", "small", "micro", "leaves", "buildings", "barriers")
    }
    moved = dataclasses.replace(plan, crs=frames["small"].crs, fabric=None, **frames)
    comparison = gridcell.compare_plans(plan, moved)
    assert not len(comparison.changes)
    assert comparison.b.crs == plan.crs


def test_publications_and_other_places_are_refused(plan):
    published = gridcell.publish_plan(plan).plan
    with pytest.raises(gridcell.InputError, match="B is a publication"):
        gridcell.compare_plans(plan, published)
    names = ("large", "medium", "small", "micro", "leaves", "buildings", "barriers")
    frames = {}
    for name in names:
        held: gpd.GeoDataFrame = getattr(plan, name)
        frames[name] = held.set_geometry(held.geometry.translate(1e5, 0))
    with pytest.raises(gridcell.InputError, match="share no land"):
        gridcell.compare_plans(plan, dataclasses.replace(plan, **frames))


@pytest.fixture(scope="module")
def folders(plan, merged, tmp_path_factory):
    folder = tmp_path_factory.mktemp("compare")
    for name, one in (("a", plan), ("b", merged)):
        gridcell.write_plan(one, folder / name, atoms=name == "a")
    return folder


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as end:
        frame.main([str(argument) for argument in arguments])
    told = capsys.readouterr()
    return end.value.code or 0, told.out, told.err


def test_the_command_tells_figures_changes_and_communities(folders, capsys):
    code, out, _ = run(capsys, "compare", folders / "a", folders / "b")
    assert code == 0
    assert "micro cells" in out
    assert "other land" in out
    assert "does not go on" not in out
    code, out, _ = run(capsys, "compare", folders / "a", folders / "a", "--lang", "zh")
    assert "网格完全相同" in out


def test_the_command_gives_the_same_as_data_and_as_a_page(folders, capsys):
    page = folders / "page.html"
    code, out, _ = run(capsys, "compare", folders / "a", folders / "b", "-o", page, "--json")
    assert code == 0
    data = json.loads(out)
    assert data["goes_on"]
    figures = {row["figure"]: row["difference"] for row in data["figures"]}
    assert figures["micro"] == -1
    assert {cell["change"] for cell in data["changes"]["cells"]} == {"changed", "retired"}
    text = page.read_text(encoding="utf-8")
    assert "Two plans side by side" in text
    assert "http://" not in text.replace("http://www.w3.org", "")
    code, _, err = run(capsys, "compare", folders / "a", folders / "b", "-o", page)
    assert code == 3
    assert "--overwrite" in err


def test_an_atlas_can_have_the_changed_pages_alone(folders, plan, merged, capsys):
    font_file = make_font(folders / "boxes.ttf")
    comparison = gridcell.compare_plans(plan, merged)
    codes = set(comparison.changed_pages())
    small = {*codes.intersection(merged.small["code"])}
    small |= set(merged.micro.loc[merged.micro["code"].isin(codes), "parent"])
    arguments = ["--changed-since", folders / "a", "-o", folders / "atlas.pdf", "--json"]
    code, out, err = run(capsys, "atlas", folders / "b", "--font", font_file, *arguments)
    assert code == 0, err
    communities = merged.small.loc[merged.small["code"].isin(small), "community"].nunique()
    told = json.loads(out)
    assert told["pages"] == 2 + communities + len(small)
    assert told["retired"] == []
    again = ["--overwrite", "--level", "micro"]
    code, out, err = run(capsys, "atlas", folders / "b", "--font", font_file, *arguments, *again)
    assert code == 0, err
    assert json.loads(out)["retired"] == comparison.retired_pages()
    code, _, err = run(
        capsys, "atlas", folders / "a", "--changed-since", folders / "a", "-o", folders / "c.pdf"
    )
    assert code == 3
    assert "nothing to print" in err
    assert not (folders / "c.pdf").exists()
