"""The search: border moves that bring households into the band and borders onto barriers."""

import numpy as np
from numpy.typing import NDArray

from gridcell.partition.coarsen import join_blocks
from gridcell.partition.graph import Graph, contract
from gridcell.partition.kernels import anneal
from gridcell.partition.start import start
from gridcell.partition.targets import Targets
from gridcell.rules import Rules, Weights

Ints = NDArray[np.int64]

_COLD = 0.02
"""Last temperature, in the unit of the energy: a compact cell costs about 1.5."""
_FROM_START, _ON_BLOCKS, _REFINING = 1.0, 0.3, 0.1
"""First temperatures: from a rough start, on blocks, and for what blocks have settled already."""
_BLOCK_SWEEPS, _REFINING_SWEEPS = 8.0, 0.3
"""Sweeps relative to `Rules.search`: blocks are few, and refining has little left to do."""
_REGROUP = 0.03
"""Share of proposals that merge two cells and split one: dear, and needed where atoms are few."""
_BLOCK = 0.3
"""Weight of a block, relative to the target."""
_ATOMS_PER_CELL = 12
_BLOCKS_PER_CELL = 3
"""From so many atoms in a cell on, and with so many blocks, blocks are searched first."""
_OUT_OF_BAND = 0.5
"""Cost of being outside the band at all, so that one cell far out is preferred to several near."""


def divide_pieces(
    graph: Graph, piece: Ints, count: Ints, targets: Targets, row: int, *, rules: Rules, seed: int
) -> Ints:
    """Return connected cells within connected pieces of land, numbered from 0.

    Parameters
    ----------
    graph
        The land; atoms of different pieces have no border.
    piece
        (atoms,) number of the piece.
    count
        (pieces,) cells wanted in each.
    targets, row
        What cells of the community in this row should hold.
    rules
        `Rules.weights` and `Rules.search`: proposals per atom.
    seed
        Any number below 2**32.
    """
    goal = _goal(targets, row, rules.weights)
    cells = int(count.sum())
    sweeps = rules.search
    if len(graph) >= _ATOMS_PER_CELL * cells:
        block = join_blocks(graph, _BLOCK * float(targets.target[row]))
        blocks = int(block.max()) + 1
        coarse_piece = np.empty(blocks, dtype=np.int64)
        coarse_piece[block] = piece
        enough = np.bincount(coarse_piece, minlength=len(count)) >= _BLOCKS_PER_CELL * (count - 1)
        if enough.all():
            coarse = contract(graph, block, blocks)
            cell = start(coarse, coarse_piece, count)
            turns = round(_BLOCK_SWEEPS * sweeps)
            _improve(coarse, cell, cells, goal, turns, _ON_BLOCKS, _REGROUP, seed)
            cell = cell[block]
            turns = round(_REFINING_SWEEPS * sweeps)
            _improve(graph, cell, cells, goal, turns, _REFINING, 0.0, seed)
            return cell
    cell = start(graph, piece, count)
    _improve(graph, cell, cells, goal, sweeps, _FROM_START, _REGROUP, seed)
    return cell


def _goal(targets: Targets, row: int, weights: Weights) -> NDArray[np.float64]:
    return np.array(
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


def _improve(
    graph: Graph, cell: Ints, cells: int, goal: NDArray[np.float64], sweeps: int, hot: float,
    regroup: float, seed: int,
) -> None:  # fmt: skip
    """Improve `cell` in place."""
    anneal(
        graph.first, graph.neighbour, graph.length, graph.perimeter, graph.weight, graph.area,
        cell, cells, goal, sweeps, hot, _COLD, regroup, seed,
    )  # fmt: skip
