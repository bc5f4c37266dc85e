"""Progress of `make_plan`: a line in notebooks, nothing elsewhere."""

import itertools
import sys
import types

import pytest

import gridcell


@pytest.fixture(scope="module")
def layers():
    town = gridcell.make_sample(households=60, seed=1, communities=1)
    return gridcell.read_layers(town.communities, town.buildings)


def kernel(monkeypatch, shell):
    ipython = types.ModuleType("IPython")
    ipython.get_ipython = lambda: shell
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "ipykernel", types.ModuleType("ipykernel"))


def clock(monkeypatch, step):
    """Let every look at the clock find it so many seconds later."""
    seconds = itertools.count(0.0, step)
    monkeypatch.setattr(
        "gridcell.display.progress.time", types.SimpleNamespace(monotonic=lambda: next(seconds))
    )


def test_a_notebook_shows_nothing_of_what_is_soon_done(layers, monkeypatch, capsys):
    kernel(monkeypatch, types.SimpleNamespace(kernel=object()))
    clock(monkeypatch, 1e-6)
    gridcell.make_plan(layers)
    assert capsys.readouterr() == ("", "")


def test_a_notebook_shows_one_line_of_a_long_run_that_is_gone_at_the_end(
    layers, monkeypatch, capsys
):
    kernel(monkeypatch, types.SimpleNamespace(kernel=object()))
    clock(monkeypatch, 2.0)
    gridcell.make_plan(layers)
    told, err = capsys.readouterr()
    assert "partition" in told
    assert "\n" not in told
    assert told.endswith("\r")
    assert not told.split("\r")[-2].strip()
    assert not err


def test_nothing_is_shown_elsewhere_or_where_progress_is_taken(layers, monkeypatch, capsys):
    gridcell.make_plan(layers)
    kernel(monkeypatch, types.SimpleNamespace())
    gridcell.make_plan(layers)
    kernel(monkeypatch, types.SimpleNamespace(kernel=object()))
    stages = []
    gridcell.make_plan(layers, progress=lambda *told: stages.append(told[0]))
    assert "partition" in stages
    assert capsys.readouterr() == ("", "")
