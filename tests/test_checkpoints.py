"""A run that was stopped goes on where it was, with the same bytes."""

import dataclasses
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from towns import town

import gridcell
from gridcell.certificate import read_certificate
from gridcell.fabric import build, tracts
from gridcell.work import CheckpointExecutor, run_each

HOUSEHOLDS = 2_400
# The package has a function of that name.
division = importlib.import_module("gridcell.partition.divide")


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """Return the folder of a small town in the input formats."""
    folder = tmp_path_factory.mktemp("sample")
    gridcell.write_sample(
        gridcell.make_sample(households=HOUSEHOLDS, communities=3, seed=1), folder
    )
    return folder


@pytest.fixture(scope="module")
def layers(sample):
    return gridcell.read_layers(
        sample / "communities.shp", sample / "buildings.shp",
        households=sample / "households.csv", barriers=[sample / "roads.shp"],
    )  # fmt: skip


def assert_same(plan, other):
    for level in ("small", "micro", "leaves"):
        assert plan.cells(level).equals(other.cells(level))
    assert plan.households.equals(other.households)


@pytest.mark.parametrize("workers", [None, 2])
def test_what_was_done_before_a_failure_is_not_done_again(layers, tmp_path, monkeypatch, workers):
    monkeypatch.setattr(tracts, "LEAST_PRINTS", 0)
    plan = gridcell.make_plan(layers)
    true = division.cells_within

    def fail(graph, piece, row, targets, level, code, rules):
        if code == layers.communities["code"][1]:
            raise MemoryError
        return true(graph, piece, row, targets, level, code, rules)

    inner = None if workers is None else ThreadPoolExecutor(workers)
    stopped = CheckpointExecutor(tmp_path / "tasks", inner)
    with monkeypatch.context() as patch:
        patch.setattr(division, "cells_within", fail)
        assert not gridcell.make_plan(layers, executor=stopped).ok
    assert (stopped.done, stopped.found, stopped.failed) == (6, 0, 1)
    resumed = CheckpointExecutor(tmp_path / "tasks", inner)
    assert_same(gridcell.make_plan(layers, executor=resumed), plan)
    assert (resumed.done, resumed.found) == (1, 5)


def test_other_data_or_rules_are_done_anew(layers, tmp_path, monkeypatch):
    monkeypatch.setattr(tracts, "LEAST_PRINTS", 0)
    gridcell.make_plan(layers, executor=CheckpointExecutor(tmp_path))
    fewer = dataclasses.replace(layers, households=layers.households.drop(index=7))
    other = CheckpointExecutor(tmp_path)
    assert_same(gridcell.make_plan(fewer, executor=other), gridcell.make_plan(fewer))
    assert other.done
    seeded = CheckpointExecutor(tmp_path)
    gridcell.make_plan(layers, rules={"seed": 2}, executor=seeded)
    assert (seeded.done, seeded.found) == (3, 3)


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 no more", None])
def test_results_that_cannot_be_read_are_found_anew(tmp_path, damage):
    made = town("AAABBB\nAAABBB", "a..b..\n...c..")
    tasks = CheckpointExecutor(tmp_path)
    args = (made, np.array([3, 4, 5]), np.array([[0.0, np.inf]] * 2))
    whole = build.build_fabric(*args, executor=tasks)
    assert tasks.done == 1
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:-200] if damage is None else damage)
    again = CheckpointExecutor(tmp_path)
    assert build.build_fabric(*args, executor=again).atoms.equals(whole.atoms)
    assert (again.done, again.found) == (1, 0)


def test_no_record_is_made_but_ours(tmp_path):
    tasks = CheckpointExecutor(tmp_path)
    assert run_each(abs, [-1], executor=tasks) == [1]
    (file,) = tmp_path.iterdir()
    foreign = json.dumps({"kind": ["subprocess", "Popen"], "fields": {"args": {"value": "false"}}})
    np.savez(file, structure=np.array(foreign))
    again = CheckpointExecutor(tmp_path)
    assert run_each(abs, [-1], executor=again) == [1]
    assert again.found == 0


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_run_that_was_killed_goes_on_and_writes_the_same_bytes(sample, tmp_path):
    def command(folder, *options):
        return [
            sys.executable, "-m", "gridcell_cli", "partition", str(sample / "communities.shp"),
            str(sample / "buildings.shp"), "--households", str(sample / "households.csv"),
            "-o", str(folder), "-q", "--workers", "1", *options,
        ]  # fmt: skip

    subprocess.run(command(tmp_path / "whole"), check=True)
    tasks = tmp_path / "stopped.tasks"
    with subprocess.Popen(command(tmp_path / "stopped", "--resume")) as run:
        while run.poll() is None and not list(tasks.glob("*.npz")):
            time.sleep(0.002)
        os.kill(run.pid, signal.SIGKILL)
    assert list(tasks.glob("*.npz"))
    assert not (tmp_path / "stopped").exists()
    subprocess.run(command(tmp_path / "stopped", "--resume"), check=True)
    assert not tasks.exists()
    for name in ("map.html", "geojson/micro.geojson", "geojson/small.geojson"):
        assert (tmp_path / "stopped" / name).read_bytes() == (
            tmp_path / "whole" / name
        ).read_bytes()
    one, two = (
        read_certificate(tmp_path / folder / "certificate.json") for folder in ("whole", "stopped")
    )
    assert one == two
