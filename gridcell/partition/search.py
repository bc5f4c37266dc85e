"""The search: border moves that bring households into the band and borders onto barriers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gridcell.partition.coarsen import join_blocks
from gridcell.partition.exact import divide_exactly
from gridcell.partition.graph import Graph, contract, part_of
from gridcell.partition.kernels import Adjacency, Goal, anneal, measure
from gridcell.partition.polish import in_band, polish
from gridcell.partition.regions import STEEP
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
_ROUNDING, _ROUNDING_SWEEPS = 0.2, 0.3
"""First temperature, and sweeps relative to `Rules.search`, where cells are made convex."""
_REGROUP = 0.03
"""Share of proposals that merge two cells and split one: dear, and needed where atoms are few."""
_ATTEMPTS = 3
"""Searches on blocks, of which the best is kept: alone, one in ten ends in a poor valley."""
_SMALL, _MOST_ATTEMPTS = 600, 30
"""Land of fewer atoms is searched several times, which costs next to nothing."""
_PIECE_ATTEMPTS = 8
"""Attempts to bring a piece of land into the band where there are several: in towns, nearly all
that came in did so at the first."""
_MODEST = 3000
"""Land of fewer atoms is searched once more without blocks, where these left a cell out."""
_BLOCK = 0.3
"""Weight of a block, relative to the target."""
_BLOCK_STREETS = 0.72
"""Share of the discount on barriers that is kept on blocks: they end at streets by themselves."""
_ATOMS_PER_CELL = 12
_BLOCKS_PER_CELL = 3
"""From so many atoms in a cell on, and with so many blocks, blocks are searched first."""
_TRIFLE = 1e-3
"""Part of a grain by which bands of loads are wider in the search."""
_OUT_OF_BAND = 5.0
"""Cost of being outside the band at all: one cell far out is better than two that are near it."""


@dataclass(frozen=True, eq=False, slots=True)
class Divided:
    """Connected cells of a community, and what is known of those outside the band."""

    cell: Ints
    """(atoms,) numbered from 0."""
    neighbours_tried: Ints
    """(cells,) neighbours with which every other division was tried, and none had more cells in the
    band; 0 where nothing was to be tried."""


def divide_pieces(
    graph: Graph, piece: Ints, count: Ints, targets: Targets, row: int, *, rules: Rules, seed: int,
    convex: bool = False,
) -> Divided:  # fmt: skip
    """Return connected cells within connected pieces of land.

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
    convex
        Whether hooks and arms cost something, besides the perimeter.
    """
    goal = goal_of(targets, row, rules.weights)
    cells = int(count.sum())
    land = graph.land(rules.weights.barrier)
    best = divide_exactly(land, cells, goal, alone=True) if len(count) == 1 else None
    found = best
    if found is None and len(graph) >= _ATOMS_PER_CELL * cells:
        found = _by_blocks(graph, piece, count, goal, rules, seed)
        missed = found is not None and not in_band(found, graph.weight, cells, goal).all()
        if found is not None and missed and len(graph) <= _MODEST:
            among_atoms = _among_atoms(graph, land, piece, count, goal, rules, seed)
            found = _better(land, cells, goal, found, among_atoms)
    if found is None:
        found = _among_atoms(graph, land, piece, count, goal, rules, seed)
    if convex and best is None:
        found = _rounded(graph, found, cells, goal, rules, seed)
    tried = polish(graph, land, found, goal)
    if _search_on(land, piece, found, goal, rules.search, seed):
        tried = polish(graph, land, found, goal)
    return Divided(found, tried)


def _rounded(graph: Graph, cell: Ints, cells: int, goal: Goal, rules: Rules, seed: int) -> Ints:
    """Return the cells with fewer hooks and arms, as long as no more are outside the band."""
    rounded = cell.copy()
    land = graph.land(rules.weights.barrier, convex=True)
    turns = round(_ROUNDING_SWEEPS * rules.search)
    anneal(land, rounded, cells, goal, turns, _ROUNDING, _COLD, 0.0, seed)
    before, after = (in_band(of, graph.weight, cells, goal).sum() for of in (cell, rounded))
    return rounded if after >= before else cell


def _search_on(
    land: Adjacency, piece: Ints, cell: Ints, goal: Goal, sweeps: int, seed: int
) -> bool:
    """Search small land on with a steep band, where cells are outside it that need not be.

    Where atoms are heavy and the band is tight, hardly an exchange of two atoms keeps both cells in
    it: the search has to go through cells far out and to come back.

    Parameters
    ----------
    land, goal
        As for `anneal`.
    piece
        (atoms,) number of the connected piece of land.
    cell
        (atoms,) cells within pieces; improved in place.
    sweeps, seed
        `Rules.search`, and any number below 2**32.

    Returns
    -------
    Whether any cell changed.
    """
    outside = ~in_band(cell, land.weight, int(cell.max()) + 1, goal)
    steep = goal._replace(outside=STEEP * goal.outside)
    changed = False
    most = _PIECE_ATTEMPTS if piece.any() else _MOST_ATTEMPTS
    for number in np.unique(piece[outside[cell]]).tolist():
        atoms = np.flatnonzero(piece == number)
        members, local = np.unique(cell[atoms], return_inverse=True)
        weight, count = land.weight[atoms], len(members)
        even = weight.sum() / count
        if (
            len(atoms) > _SMALL or count == 1 or count == len(atoms)
            or weight.max() > goal.high or not goal.low <= even <= goal.high
        ):  # fmt: skip
            continue
        here = part_of(land, atoms)
        best = int(outside[members].sum())
        for attempt in range(int(np.clip(2 * _SMALL // len(atoms), 1, most))):
            other = local.astype(np.int64)
            for aim, hot, cold, turns, regroup in (
                (steep, STEEP, STEEP / 8, sweeps, _REGROUP),
                (goal, _ON_BLOCKS, _COLD, round(_REFINING_SWEEPS * sweeps), 0.0),
            ):
                anneal(here, other, count, aim, turns, hot, cold, regroup, seed + attempt)
            out = int((~in_band(other, weight, count, goal)).sum())
            if out < best:
                best, changed = out, True
                cell[atoms] = members[other]
            if not best:
                break
    return changed


def _among_atoms(
    graph: Graph, land: Adjacency, piece: Ints, count: Ints, goal: Goal, rules: Rules, seed: int
) -> Ints:
    """Return cells found among atoms alone."""
    first = start(graph, piece, count)
    attempts = int(np.clip(_SMALL // len(graph), 1, _MOST_ATTEMPTS))
    return _best(land, first, int(count.sum()), goal, rules.search, _FROM_START, seed, attempts)


def _better(land: Adjacency, cells: int, goal: Goal, *found: Ints) -> Ints:
    """Return the cells of least energy, the first of equals."""
    return min(found, key=lambda cell: float(measure(land, cell, cells, goal).energy.sum()))


def _by_blocks(
    graph: Graph, piece: Ints, count: Ints, goal: Goal, rules: Rules, seed: int
) -> Ints | None:
    """Return cells found on blocks and refined among atoms; ``None`` for too few blocks."""
    block = join_blocks(graph, _BLOCK * goal.target)
    blocks = int(block.max()) + 1
    piece_of_block = np.empty(blocks, dtype=np.int64)
    piece_of_block[block] = piece
    enough = np.bincount(piece_of_block, minlength=len(count)) >= _BLOCKS_PER_CELL * (count - 1)
    if not enough.all():
        return None
    coarse = contract(graph, block, blocks)
    milder = 1 - _BLOCK_STREETS * (1 - rules.weights.barrier)
    first = start(coarse, piece_of_block, count)
    turns = round(_BLOCK_SWEEPS * rules.search)
    cells = int(count.sum())
    cell = _best(coarse.land(milder), first, cells, goal, turns, _ON_BLOCKS, seed, _ATTEMPTS)
    cell = cell[block]
    turns = round(_REFINING_SWEEPS * rules.search)
    anneal(graph.land(milder), cell, cells, goal, turns, _REFINING, _COLD, 0.0, seed)
    return cell


def _best(
    land: Adjacency, first: Ints, cells: int, goal: Goal, sweeps: int, hot: float, seed: int,
    attempts: int,
) -> Ints:  # fmt: skip
    """Return the cells of least energy from several searches."""
    tries = []
    for attempt in range(attempts):
        cell = first.copy()
        left = anneal(land, cell, cells, goal, sweeps, hot, _COLD, _REGROUP, seed + attempt)
        tries.append((left, attempt, cell))
    return min(tries)[2]


def goal_of(targets: Targets, row: int, weights: Weights) -> Goal:
    """Return what the cells of a community should be and what it costs not to be it."""
    # Whole numbers are compared as they are; sums of fractions depend on their order by a trifle.
    slack = 0.0 if targets.grain == 1.0 else _TRIFLE * targets.grain
    return Goal(
        target=float(targets.target[row]),
        low=float(targets.low[row]) - slack,
        high=float(targets.high[row]) + slack,
        balance=weights.balance,
        band=weights.band,
        shape=weights.shape,
        outside=_OUT_OF_BAND,
    )
