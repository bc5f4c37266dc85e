"""Earlier cells on new land: in one piece, locked ones as they are, new ones where nobody was."""

import numpy as np
import pytest

from gridcell.partition.graph import Graph
from gridcell.partition.search import goal_of
from gridcell.partition.settle import settle
from gridcell.partition.targets import Targets
from gridcell.rules import Weights


def row_of(households):
    """Return so many atoms in a row, each 10 m wide."""
    n = len(households)
    pairs = [(i, j) for i in range(n) for j in (i - 1, i + 1) if 0 <= j < n]
    ends = np.full(len(pairs), 10.0)
    first = np.searchsorted([i for i, _ in pairs], np.arange(n + 1))
    return Graph(
        first=first, neighbour=np.array([j for _, j in pairs]), length=ends, on_barrier=0 * ends,
        rim=np.full(n, 20.0), rim_on_barrier=np.zeros(n),
        weight=np.asarray(households, dtype=np.float64), area=np.full(n, 100.0),
        xy=np.column_stack([10.0 * np.arange(n), np.zeros(n)]),
        reach=np.empty((n, 0)),
    )  # fmt: skip


def settled(households, home, locked=()):
    home = np.array(home, dtype=np.int64)
    aim = Targets(
        low=np.array([8.0]), target=np.array([10.0]), high=np.array([14.0]),
        wanted=np.zeros(1, dtype=np.int64),
    )  # fmt: skip
    shut = np.isin(np.arange(int(home.max()) + 1), locked)
    graph = row_of(households)
    return settle(graph, home, graph.weight, shut, goal_of(aim, 0, Weights())).tolist()


@pytest.mark.parametrize(
    ("households", "home", "locked", "cells"),
    [
        # Of a cell in two pieces the larger stays, the other joins what is beside it.
        ([9, 9, 1], [0, 1, 0], [], [0, 1, 1]),
        # What is enough for a cell becomes one.
        ([9, 9, 9], [0, 1, 0], [], [0, 1, 2]),
        # A locked cell gets nothing that another could have.
        ([9, 1, 9], [0, -1, 1], [0], [0, 1, 1]),
        # Several new cells beside a locked one.
        ([9, 9, 9, 9, 9, 9], [-1, 0, -1, 1, -1, 1], [0], [2, 0, 3, 1, 4, 4]),
    ],
)
def test_earlier_cells_settle_on_new_land(households, home, locked, cells):
    assert settled(households, home, locked) == cells
