"""Shares of the communities divided apart are, joined, the plan of one machine, to the byte."""

import functools
import json
import shutil

import geopandas as gpd
import numpy as np
import pytest
import shapely
from click.testing import CliRunner

import gridcell
from gridcell.certificate import read_certificate
from gridcell.fabric import build, tracts
from gridcell.shards import TASKS, read_shards, share_of
from gridcell.work import CheckpointExecutor
from gridcell_cli import merge, partition


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample")
    gridcell.write_sample(gridcell.make_sample(households=2_400, communities=4, seed=1), folder)
    return folder


@pytest.fixture(scope="module")
def layers(sample):
    return gridcell.read_layers(
        sample / "communities.shp", sample / "buildings.shp",
        households=sample / "households.csv", barriers=[sample / "roads.shp"],
    )  # fmt: skip


@pytest.fixture(autouse=True)
def _one_tract_a_community(monkeypatch):
    monkeypatch.setattr(tracts, "LEAST_PRINTS", 0)


def run(command, *arguments):
    return CliRunner().invoke(
        command, [*map(str, arguments), "--workers", "1", "--lang", "en"], catch_exceptions=True
    )


def arguments(sample):
    return [
        sample / "communities.shp", sample / "buildings.shp", "--households",
        sample / "households.csv", "--barriers", sample / "roads.shp", "--sites",
        sample / "sites.shp", "--staff", sample / "staff.csv", "--small", "300:390:500",
        "--valid-from", "2026-01-31",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def shards(sample, tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tracts, "LEAST_PRINTS", 0)
        for number in (1, 2):
            done = run(
                partition.command, *arguments(sample), "--shard", f"{number}/2", "-o",
                folder / str(number),
            )  # fmt: skip
            assert done.exit_code == 0, done.output
            assert f"share {number} of 2: 2 communities divided" in done.output
    return [folder / "1", folder / "2"]


def test_joined_shards_are_the_plan_of_one_machine_to_the_byte(sample, shards, tmp_path):
    one = run(partition.command, *arguments(sample), "-o", tmp_path / "one", "--quiet")
    assert one.exit_code == 0, one.output
    counted = []

    class Counted(CheckpointExecutor):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            counted.append(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gridcell.work.CheckpointExecutor", Counted)
        joined = run(merge.command, *reversed(shards), "-o", tmp_path / "joined", "--quiet")
    assert joined.exit_code == 0, joined.output
    # Nothing was divided twice: the shards had the results of all tasks.
    assert [(tasks.done, tasks.found) for tasks in counted] == [(0, 8)]
    for name in ("map.html", "geojson/small.geojson", "geojson/micro.geojson"):
        assert (tmp_path / "joined" / name).read_bytes() == (tmp_path / "one" / name).read_bytes()
    certificates = [
        read_certificate(tmp_path / name / "certificate.json") for name in ("one", "joined")
    ]
    assert certificates[0] == certificates[1]
    reports = [
        json.loads((tmp_path / name / "report.json").read_text("utf-8"))
        for name in ("one", "joined")
    ]
    for report in reports:
        del report["seconds"]
    assert reports[0] == reports[1]


def test_every_community_is_in_one_share_and_shares_are_even(layers):
    for of in (1, 2, 3, 4, 7):
        shares = [share_of(layers, number, of) for number in range(1, of + 1)]
        assert np.concatenate(shares).tolist() == list(range(len(layers.communities)))
    assert [len(share_of(layers, number, 4)) for number in (1, 2, 3, 4)] == [1, 1, 1, 1]


def test_what_failed_in_a_shard_is_tried_again_by_who_joins(layers, tmp_path):
    code = layers.communities["code"][3]
    true = build.cut_tract

    @functools.wraps(true)
    def cut(tract):
        if 3 in tract.rows:
            raise shapely.errors.GEOSException("TopologyException")
        return true(tract)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "cut_tract", cut)
        folders = [tmp_path / str(number) for number in (1, 2)]
        made = [
            gridcell.divide_shard(layers, folder, number=number, of=2)
            for number, folder in enumerate(folders, start=1)
        ]
    assert [shard.failed for shard in made] == [(), (code,)]
    tasks = gridcell.merged_tasks(folders, tmp_path / "tasks")
    plan = gridcell.make_plan(layers, executor=tasks)
    assert plan.ok
    assert plan.leaves.equals(gridcell.make_plan(layers).leaves)
    # Its land and its division, and that of neighbours, which had another rim.
    assert tasks.done + tasks.found == 8
    assert tasks.found >= 4


def test_a_shard_that_was_stopped_goes_on(layers, tmp_path):
    with pytest.MonkeyPatch.context() as patch:

        def stop(*_args, **_options):
            raise KeyboardInterrupt

        patch.setattr("gridcell.shards.divide_task", stop)
        with pytest.raises(KeyboardInterrupt):
            gridcell.divide_shard(layers, tmp_path / "a", number=1, of=2)
    assert not (tmp_path / "a").exists()
    before = {file.name for file in (tmp_path / "a.tasks").iterdir()}
    assert before
    gridcell.divide_shard(layers, tmp_path / "a", number=1, of=2)
    assert before < {file.name for file in (tmp_path / "a" / TASKS).iterdir()}
    assert not (tmp_path / "a.tasks").exists()


def test_what_does_not_belong_together_is_refused(layers, shards, tmp_path):
    other = tmp_path / "other"
    gridcell.divide_shard(layers, other, number=2, of=2, rules={"seed": 2})
    with pytest.raises(gridcell.InputError, match="not shards of one division"):
        read_shards([shards[0], other])
    with pytest.raises(gridcell.InputError, match="share 2 of 2 is missing"):
        read_shards(shards[:1])
    shutil.copytree(shards[0], tmp_path / "copy")
    with pytest.raises(gridcell.InputError, match="are both share 1"):
        read_shards([shards[0], tmp_path / "copy"])
    with pytest.raises(gridcell.InputError, match="no shard of a division"):
        read_shards([tmp_path])
    record = tmp_path / "copy" / "shard.json"
    record.write_text(record.read_text("utf-8").replace(gridcell.__version__, "0.0.1"), "utf-8")
    with pytest.raises(gridcell.InputError, match=r"of gridcell 0\.0\.1"):
        read_shards([tmp_path / "copy"])
    with pytest.raises(gridcell.RulesError, match="no share 3 of 2"):
        gridcell.divide_shard(layers, tmp_path / "b", number=3, of=2)
    with pytest.raises(gridcell.WriteError, match="holds no shard"):
        gridcell.divide_shard(layers, tmp_path, number=1, of=2, overwrite=True)


def test_inputs_that_changed_are_refused(sample, tmp_path):
    town = tmp_path / "town"
    shutil.copytree(sample, town)
    for number in (1, 2):
        given = (town / "communities.shp", town / "buildings.shp", "--shard", f"{number}/2")
        assert run(partition.command, *given, "-o", tmp_path / str(number)).exit_code == 0
    homes = gpd.read_file(town / "buildings.shp")
    homes.iloc[1:].to_file(town / "buildings.shp", encoding="utf-8")
    joined = run(merge.command, tmp_path / "1", tmp_path / "2", "-o", tmp_path / "plan")
    assert isinstance(joined.exception, gridcell.InputError)
    assert "is not the file that" in str(joined.exception)
    assert not (tmp_path / "plan").exists()


@pytest.mark.parametrize("share", ["3/2", "0/2", "1", "a/b"])
def test_what_is_no_share_is_bad_usage(share, tmp_path):
    done = run(partition.command, "a.shp", "b.shp", "-o", tmp_path / "x", "--shard", share)
    assert done.exit_code == 2
    assert f"{share} is not a share" in done.output
