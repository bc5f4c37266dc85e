"""A cluster of Dask divides as one machine does, though a worker is lost in the middle."""

import os
import signal
import sys
import threading

import pytest

import gridcell
from gridcell.fabric import tracts
from gridcell.work.dask import cluster_workers

distributed = pytest.importorskip("distributed")
pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL"),
    pytest.mark.filterwarnings("default"),
]


@pytest.fixture(scope="module")
def cluster():
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0",
        host="127.0.0.1", silence_logs=50,
    ) as local:  # fmt: skip
        yield local


@pytest.fixture(scope="module")
def layers():
    town = gridcell.make_sample(households=3_000, communities=5, seed=1)
    return gridcell.read_layers(
        town.communities, town.buildings, households=town.households, barriers=[town.roads]
    )


def test_a_worker_that_is_killed_costs_only_its_tasks(cluster, layers, monkeypatch):
    monkeypatch.setattr(tracts, "LEAST_PRINTS", 0)
    alone = gridcell.make_plan(layers)
    killed = threading.Event()

    def kill(stage, done, _total):
        if stage == "fabric" and done and not killed.is_set():
            killed.set()
            victim = next(iter(cluster.workers.values()))
            os.kill(victim.process.process.pid, signal.SIGKILL)

    with cluster_workers(cluster.scheduler_address) as workers:
        plan = gridcell.make_plan(layers, executor=workers, progress=kill)
    assert killed.is_set()
    for level in ("large", "medium", "small", "micro", "leaves"):
        assert plan.cells(level).to_json() == alone.cells(level).to_json()
    assert plan.households.equals(alone.households)
    assert plan.report | {"seconds": 0} == alone.report | {"seconds": 0}


def test_no_scheduler_no_worker_and_another_version_are_told(cluster, monkeypatch):
    monkeypatch.setattr("gridcell.work.dask._PATIENCE_S", 1)
    with (
        pytest.raises(gridcell.WorkerError, match="no Dask scheduler answers"),
        cluster_workers("tcp://127.0.0.1:9"),
    ):
        pass
    monkeypatch.setattr("gridcell.work.dask.__version__", "0.0.1")
    with (
        pytest.raises(gridcell.WorkerError, match=r"this is 0\.0\.1"),
        cluster_workers(cluster.scheduler_address),
    ):
        pass
    with (
        distributed.LocalCluster(
            n_workers=0, dashboard_address="127.0.0.1:0", host="127.0.0.1", silence_logs=50
        ) as empty,
        pytest.raises(gridcell.WorkerError, match="has no worker"),
        cluster_workers(empty.scheduler_address),
    ):
        pass
