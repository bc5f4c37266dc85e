"""One community that cannot be divided stops no other, and nobody claims that it is there."""

import dataclasses
import importlib
import json

import geopandas as gpd
import numpy as np
import pytest
import shapely
from click.testing import CliRunner

import gridcell
from gridcell.certificate import read_certificate
from gridcell.fabric import build, tracts
from gridcell_cli.partition import command

# The package has a function of that name.
division = importlib.import_module("gridcell.partition.divide")


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample")
    gridcell.write_sample(gridcell.make_sample(households=2_400, communities=3, seed=1), folder)
    return folder


@pytest.fixture(scope="module")
def layers(sample):
    return gridcell.read_layers(
        sample / "communities.shp", sample / "buildings.shp",
        households=sample / "households.csv", sites=sample / "sites.shp",
        barriers=[sample / "roads.shp"], staff=sample / "staff.csv",
    )  # fmt: skip


@pytest.fixture(scope="module")
def whole(layers):
    return gridcell.make_plan(layers)


def breaking(monkeypatch, stage, row, code):
    """Let the land of a community in a row, or its division, raise something."""
    if stage == "fabric":
        true = tracts.cut_tract

        def cut(tract):
            if row in tract.rows:
                raise shapely.errors.GEOSException("TopologyException: side location conflict")
            return true(tract)

        monkeypatch.setattr(build, "cut_tract", cut)
        return
    divided = division.divide_one

    def divide(land, *args):
        if land.code == code:
            raise MemoryError
        return divided(land, *args)

    monkeypatch.setattr(division, "divide_one", divide)


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("stage", ["fabric", "partition"])
def test_the_others_are_divided_and_proven(layers, whole, stage, grouped, monkeypatch):
    monkeypatch.setattr(tracts, "LEAST_PRINTS", 10_000 if grouped else 0)
    code = layers.communities["code"][1]
    breaking(monkeypatch, stage, 1, code)
    told = []
    plan = gridcell.make_plan(layers, progress=lambda *step: told.append(step))
    assert not plan.ok
    errors = plan.findings[plan.findings["severity"] == "error"]
    assert errors["kind"].tolist() == ["community_left_out"]
    assert errors["community"].tolist() == [code]
    why = "side location" if stage == "fabric" else "not enough memory"
    assert why in errors["message"].iloc[0]
    others = layers.communities[layers.communities["code"] != code]
    assert plan.medium["code"].tolist() == others["code"].tolist()
    assert set(plan.leaves["community"]) == set(others["code"])
    assert np.isclose(plan.leaves.area.sum(), others.area.sum())
    assert gridcell.check_plan(plan) == []
    assert ("failed", 1, 3) in told
    # Every household is in a cell or listed, and those listed are those who live there.
    lost = plan.households[plan.households["code"].isna()]
    held = whole.medium.set_index("code")["households"]
    assert plan.unassigned == held[code] == errors["measure"].iloc[0]
    assert lost["reason"].str.contains("that is not in the plan").all()
    assert plan.leaves["households"].sum() == held.drop(code).sum()
    noise = {"building_outside", "site_outside"} & set(plan.findings["kind"])
    assert noise <= set(whole.findings["kind"])


def test_its_neighbours_are_divided_as_if_it_were_there(layers, whole, monkeypatch):
    code = layers.communities["code"][1]
    breaking(monkeypatch, "partition", 1, code)
    plan = gridcell.make_plan(layers)
    mine = whole.leaves[whole.leaves["community"] != code].reset_index(drop=True)
    columns = ["code", "households", "parent", "grid_type"]
    assert plan.leaves[columns].equals(mine[columns])
    np.testing.assert_allclose(plan.leaves.area, mine.area)


def test_where_all_fail_the_first_error_is_raised(layers, monkeypatch):
    for code in layers.communities["code"]:
        breaking(monkeypatch, "partition", None, code)
    with pytest.raises(MemoryError):
        gridcell.make_plan(layers)


def test_wanted_numbers_of_land_that_could_not_be_cut_are_no_fault(layers, monkeypatch):
    monkeypatch.setattr(tracts, "LEAST_PRINTS", 0)
    breaking(monkeypatch, "fabric", 1, None)
    wanted = layers.communities["n_small"].copy()
    wanted[1] = 2
    asked = dataclasses.replace(layers, communities=layers.communities.assign(n_small=wanted))
    errors = gridcell.make_plan(asked).findings.query("severity == 'error'")
    assert errors["kind"].tolist() == ["community_left_out"]


def test_the_command_names_it_and_retries_it_alone(sample, tmp_path):
    folder = tmp_path / "plan"
    arguments = [
        str(sample / "communities.shp"), str(sample / "buildings.shp"), "--households",
        str(sample / "households.csv"), "-o", str(folder), "--workers", "1", "--lang", "en",
    ]  # fmt: skip
    code = gpd.read_file(sample / "communities.shp").iloc[:, 0].sort_values().iloc[1]
    with pytest.MonkeyPatch.context() as patch:
        breaking(patch, "partition", 1, code)
        run = CliRunner().invoke(command, [*arguments, "--resume"])
    assert isinstance(run.exception, gridcell.ProofError)
    assert run.exception.exit_code == 4
    assert str(run.exception).startswith(
        f"1 community could not be divided and is not in {folder}: {code}"
    )
    assert code in run.stderr
    proof = read_certificate(folder / "certificate.json").proof
    assert (proof["ok"], proof["broken_promises"]) == (False, {"community_left_out": 1})
    assert not json.loads((folder / "report.json").read_text("utf-8"))["ok"]
    tasks = tmp_path / "plan.tasks"
    before = set(tasks.iterdir())
    kept = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shutil.rmtree", lambda path, **_: kept.append(set(path.iterdir())))
        run = CliRunner().invoke(command, [*arguments, "--resume"])
    assert run.exit_code == 0, run.output
    assert len(kept[-1] - before) == 1
    assert read_certificate(folder / "certificate.json").proof["ok"]
