"""The search: border moves that bring households into the band and borders onto barriers."""

import numpy as np
from numpy.typing import NDArray

from gridcell.partition.coarsen import join_blocks
from gridcell.partition.graph import Graph, contract
from gridcell.partition.kernels import anneal
from gridcell.partition.kernels.state import Goal
from gridcell.partition.start import start
from gridcell.partition.targets import Targets
from gridcell.rules import Rules, Weights

Ints = NDArray[np.int64]

_COLD = 0.02
"""Last temperature, in the unit of the energy: a compact cell costs about 1.5."""
_FROM_START, _ON_BLOCKS, _REFINING = 1.0, 0.3, 0.1
"""First temperatures: from a rough start, on blocks, and for what blocks have settled already."""
_BLOCK_SWEEPS, _REFINING_SWEEPS = 3.0, 0.3
"""Sweeps relative to `Rules.search`: blocks are few, and refining has little left to do."""
_REGROUP = 0.03
"""Share of proposals that merge two cells and split one: dear, and needed where atoms are few."""
_ATTEMPTS = 3
"""Searches on blocks, of which the best is kept: alone, one in ten ends in a poor valley."""
_BLOCK = 0.3
"""Weight of a block, relative to the target."""
_BLOCK_STREETS = 0.72
"""Share of the discount on barriers that is kept on blocks: they end at streets by themselves."""
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
    sweeps, discount = rules.search, rules.weights.barrier
    if len(graph) >= _ATOMS_PER_CELL * cells:
        block = join_blocks(graph, _BLOCK * float(targets.target[row]))
        blocks = int(block.max()) + 1
        coarse_piece = np.empty(blocks, dtype=np.int64)
        coarse_piece[block] = piece
        enough = np.bincount(coarse_piece, minlength=len(count)) >= _BLOCKS_PER_CELL * (count - 1)
        if enough.all():
            coarse = contract(graph, block, blocks)
            milder = 1 - _BLOCK_STREETS * (1 - discount)
            turns = round(_BLOCK_SWEEPS * sweeps)
            first = start(coarse, coarse_piece, count)
            tries = []
            for attempt in range(_ATTEMPTS):
                cell = first.copy()
                left = anneal(
                    coarse.land(milder), cell, cells, goal, turns, _ON_BLOCKS, _COLD, _REGROUP,
                    seed + attempt,
                )  # fmt: skip
                tries.append((left, attempt, cell))
            cell = min(tries)[2]
            cell = cell[block]
            turns = round(_REFINING_SWEEPS * sweeps)
            anneal(graph.land(milder), cell, cells, goal, turns, _REFINING, _COLD, 0.0, seed)
            return cell
    cell = start(graph, piece, count)
    anneal(graph.land(discount), cell, cells, goal, sweeps, _FROM_START, _COLD, _REGROUP, seed)
    return cell


def _goal(targets: Targets, row: int, weights: Weights) -> Goal:
    return Goal(
        target=float(targets.target[row]),
        low=float(targets.low[row]),
        high=float(targets.high[row]),
        balance=weights.balance,
        band=weights.band,
        shape=weights.shape,
        outside=_OUT_OF_BAND,
    )
