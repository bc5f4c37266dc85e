"""The search: border moves that bring households into the band and borders onto barriers."""

import numpy as np
from numpy.typing import NDArray

from gridcell.partition.graph import Graph
from gridcell.partition.kernels import anneal
from gridcell.partition.targets import Targets
from gridcell.rules import Weights

Ints = NDArray[np.int64]

_HOT, _COLD = 1.0, 0.02
"""Temperatures, in the unit of the energy: one compact cell costs about 1.5."""
_OUT_OF_BAND = 0.5
"""Cost of being outside the band at all, so that one cell far out is preferred to several near."""

_REGROUP = 0.03
"""Share of proposals that merge two cells and split one: dear, and needed where cells are few atoms."""


def search(
    graph: Graph,
    cell: Ints,
    targets: Targets,
    row: int,
    *,
    weights: Weights,
    sweeps: int,
    regroup: bool,
    seed: int,
) -> Ints:
    """Return cells improved by simulated annealing; their number stays, each stays connected.

    Parameters
    ----------
    graph
        The land; atoms of different pieces have no border.
    cell
        (atoms,) connected cells, numbered from 0.
    targets, row
        What cells of the community in this row should hold.
    weights
        What is weighed against what.
    sweeps
        Proposals per atom.
    regroup
        Whether cells may vanish in one place and come up in another.
    seed
        Any number below 2**32.
    """
    cell = cell.copy()
    goal = np.array(
        [
            targets.target[row],
            targets.low[row],
            targets.high[row],
            weights.balance,
            weights.band,
            weights.shape,
            _OUT_OF_BAND,
        ]
    )
    anneal(
        graph.first, graph.neighbour, graph.length, graph.perimeter, graph.weight, graph.area,
        cell, int(cell.max()) + 1, goal, sweeps, _HOT, _COLD, _REGROUP if regroup else 0.0, seed,
    )  # fmt: skip
    return cell
