"""``gridcell adopt``: files in, a folder of a plan out, and what was found on the terminal."""

import itertools

import pandas as pd
import pytest
from click.testing import CliRunner

import gridcell
from gridcell_cli.main import cli


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """Files of a town, its layers, and the files of a division that somebody drew."""
    folder = tmp_path_factory.mktemp("town")
    gridcell.write_sample(gridcell.make_sample(households=2400, seed=5), folder, overwrite=True)
    layers = gridcell.read_layers(
        folder / "communities.shp", folder / "buildings.shp",
        households=folder / "households.csv", sites=folder / "sites.shp",
    )  # fmt: skip
    plan = gridcell.make_plan(layers)
    plan.small.to_file(folder / "drawn.gpkg", layer="small")
    pd.DataFrame(plan.buildings[["bldg_id", "code"]]).to_csv(folder / "cells.csv", index=False)
    return folder, plan


def run(*arguments):
    return CliRunner().invoke(cli, ["adopt", *map(str, arguments)])


def inputs(folder):
    return [
        "--communities", folder / "communities.shp", "--buildings", folder / "buildings.shp",
        "--households", folder / "households.csv",
    ]  # fmt: skip


def test_a_drawn_layer_becomes_a_plan(town, tmp_path):
    folder, plan = town
    result = run(folder / "drawn.gpkg#small", *inputs(folder), "-o", tmp_path / "plan")
    assert result.exit_code == 0, result.output
    assert "adopted as small cells" in result.stdout
    assert "proofs      all hold" in result.stdout
    adopted = gridcell.read_plan(tmp_path / "plan")
    assert adopted.small["code"].tolist() == plan.small["code"].tolist()
    assert [record.role for record in adopted.inputs][-1] == "cells"


def test_a_table_of_buildings_becomes_a_plan(town, tmp_path):
    folder, plan = town
    result = run(
        folder / "cells.csv", *inputs(folder), "--sites", folder / "sites.shp",
        "-o", tmp_path / "plan", "-q",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    adopted = gridcell.read_plan(tmp_path / "plan")
    assert adopted.small["code"].tolist() == plan.small["code"].tolist()


def test_an_adopted_plan_is_valid_from_a_day_and_takes_the_rules_of_a_division(town, tmp_path):
    folder, _ = town
    result = run(
        folder / "drawn.gpkg#small", *inputs(folder), "--valid-from", "2030-01-31",
        "--prefer", "streets", "--heal-width", "2", "-o", tmp_path / "plan", "-q",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    adopted = gridcell.read_plan(tmp_path / "plan")
    assert set(adopted.micro["valid_from"]) == {"2030-01-31"}
    assert adopted.rules.boundaries.heal_width == 2
    assert adopted.rules.weights != gridcell.Rules().weights
    taken = run(
        adopted_layer(tmp_path), tmp_path / "plan", "--valid-from", "2031-01-31", "--time",
        "-o", tmp_path / "again", "-q",
    )  # fmt: skip
    assert taken.exit_code == 0, taken.output
    again = gridcell.read_plan(tmp_path / "again")
    assert again.history["time"].notna().tolist() == [False, True]
    dates = again.small.set_index("code")["valid_from"]
    assert set(dates) == {"2030-01-31", "2031-01-31"}


def adopted_layer(folder):
    """Return the file of a plan's small cells of which two are drawn as one."""
    cells = gridcell.read_plan(folder / "plan").small
    general = cells[cells["grid_type"] == "general"]
    shapes = general.geometry
    first = shapes.iloc[0]
    other = next(i for i in shapes.index[1:] if shapes[i].intersection(first).length > 1)
    drawn = general.drop(index=other)
    drawn.loc[general.index[0], "geometry"] = first.union(shapes[other])
    drawn.to_file(folder / "edited.gpkg")
    return folder / "edited.gpkg"


def test_an_edited_layer_comes_back_into_its_plan(town, tmp_path):
    _, plan = town
    gridcell.write_plan(plan, tmp_path / "plan")
    if gridcell.read_plan(tmp_path / "plan").fabric is None:
        pytest.skip("the plan was written without its land")
    layer = f"{tmp_path / 'plan' / 'plan.gpkg'}#micro"
    for way in ([tmp_path / "plan"], ["--communities", tmp_path / "plan"]):
        result = run(layer, *way, "-o", tmp_path / "again", "--overwrite", "-q")
        assert result.exit_code == 0, result.output
        again = gridcell.read_plan(tmp_path / "again")
        assert again.micro["code"].tolist() == plan.micro["code"].tolist()
        assert again.micro.geometry.to_wkb().tolist() == plan.micro.geometry.to_wkb().tolist()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ([], "give --communities, or the PLAN"),
        (["plan", "--communities", "c.shp"], "give --communities, or the PLAN"),
        (["plan", "--buildings", "b.shp"], "take new data in with 'gridcell update'"),
        (["--communities", "c.shp", "--locked", "x"], "--locked: belongs to PLAN"),
    ],
)
def test_what_does_not_go_together_is_refused(tmp_path, more, said):
    result = run("cells.gpkg", *more, "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert said in result.output


def test_an_edited_layer_comes_with_a_page_of_what_changed(town, tmp_path, monkeypatch):
    plan = town[1]
    gridcell.write_plan(plan, tmp_path / "plan")
    # With its land, whatever the file keeps of it.
    monkeypatch.setattr("gridcell_cli.adopt.open_plan", lambda *_, **__: plan)
    small = plan.small[plan.small["grid_type"] == "general"]
    home = small["community"].value_counts().index[0]
    # The code of the one with more households goes on.
    mine = small[small["community"] == home].sort_values("households", ascending=False)
    mine = mine.set_index("code").geometry
    one, two = next(
        pair for pair in itertools.combinations(mine.index, 2)
        if mine[pair[0]].intersection(mine[pair[1]]).length > 5
    )  # fmt: skip
    edited = plan.small.replace({"code": {two: one}}).dissolve("code", as_index=False)
    edited.to_file(tmp_path / "edited.gpkg")
    result = run(tmp_path / "edited.gpkg", tmp_path / "plan", "-o", tmp_path / "next")
    assert result.exit_code == 0, result.output
    page = (tmp_path / "next" / "changes.html").read_text("utf-8")
    assert two in page
    lineage = pd.read_csv(tmp_path / "next" / "lineage.csv", dtype=str)
    assert two in set(lineage["old"])
    assert two not in set(lineage["new"])
