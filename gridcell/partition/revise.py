"""An earlier division, kept where it holds and changed as little as possible where it does not."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from gridcell.model import Fabric, Progress
from gridcell.partition.divide import (
    CommunityLand,
    Division,
    divide_each,
    divide_one,
    seed_of,
    slabs_together,
)
from gridcell.partition.graph import Graph, contract
from gridcell.partition.kernels import Goal
from gridcell.partition.polish import polish
from gridcell.partition.regions import PINNED, CellState, bring_into_band, round_off
from gridcell.partition.search import Divided, goal_of
from gridcell.partition.settle import join_touching, main_cells, settle, sums
from gridcell.partition.targets import Targets
from gridcell.rules import Rules
from gridcell.work import workers_of

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


_SAME: Final = 1e-6
"""Difference of sums of loads that is none."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Previous:
    """The division that is to be kept, as far as the land has it."""

    small: Ints
    """(atoms,) small cell that most of the atom was in, from 0; -1 for none."""
    leaf: Ints
    """(atoms,) leaf likewise."""
    settled: Floats
    """(atoms,) households that have lived there since, or the load that has been there: what counts
    as moved when an atom is."""
    small_load: Floats
    """(earlier small cells,) households, or load, that each had."""
    leaf_load: Floats
    """(earlier leaves,) likewise."""
    small_band: Floats
    """(earlier small cells, 2) least and most households that each should have had."""
    leaf_band: Floats
    """(earlier leaves, 2) likewise; nan where that is not known."""
    small_locked: Mask
    """(earlier small cells,) those that must stay as they are."""
    leaf_locked: Mask
    """(earlier leaves,) likewise; all leaves of a locked small cell are."""
    spared: Mask | None = None
    """(communities,) those in which nothing changed: their cells are taken as they are."""
    small_tried: Ints | None = None
    """(earlier small cells,) neighbours with which each was tried before, where some are spared."""
    leaf_tried: Ints | None = None
    """(earlier leaves,) likewise."""


def revise(
    fabric: Fabric,
    small: Targets,
    micro: Targets | None,
    previous: Previous,
    *,
    codes: Sequence[str],
    rules: Rules,
    workers: int = 1,
    progress: Progress | None = None,
) -> Division:
    """Return a division near an earlier one: small and micro cells for all communities.

    Cells in their band stay as they are, and so do others whose land and band are as before. Any
    other cell that is out of its band is divided anew alone, then
    with one neighbour, with all of them, with theirs: the first of these regions that brings more
    cells into the band is taken, and in it the division in which the fewest households change
    their cell, weighed against compactness (`gridcell.rules.Weights.stay`). Communities of which
    nothing was divided before are divided as by `divide`.

    Parameters
    ----------
    fabric, small, micro, codes, workers, progress
        As for `divide`.
    previous
        The earlier division.
    rules
        `Rules.weights`, `Rules.search` and `Rules.seed` are read.

    Raises
    ------
    PartitionError
        A wanted number of cells that the land cannot have.
    """
    one = partial(_revise_one, small=small, micro=micro, previous=previous, rules=rules)
    with workers_of(workers, None) as chosen:
        return divide_each(
            fabric, small, micro, one, codes=codes, executor=chosen, progress=progress
        )


def take_cells(
    fabric: Fabric,
    small: Targets,
    micro: Targets | None,
    small_of_atom: Ints,
    leaf_of_atom: Ints,
    *,
    codes: Sequence[str],
    rules: Rules,
) -> Division:
    """Return the division into given cells: nothing is searched, but told what could be better.

    Parameters
    ----------
    fabric, small, micro, codes, rules
        As for `divide`; wanted numbers of cells are not looked at.
    small_of_atom, leaf_of_atom
        (atoms,) any numbers, the same for atoms of one general cell; a leaf lies in one small cell,
        and a small cell in one community.
    """

    def one(land: CommunityLand) -> tuple[Divided, Divided]:
        mine = [of[land.atoms] for of in (small_of_atom, leaf_of_atom)]
        smalls, leaves = (np.unique(of, return_inverse=True)[1].astype(np.int64) for of in mine)
        if not len(land.graph):
            nothing = Divided(smalls, smalls)
            return nothing, nothing
        block = land.graph.within(_pairs(smalls, slabs_together(land))).components()
        whole = contract(land.graph, block, int(block.max()) + 1)
        of_block = smalls[np.unique(block, return_index=True)[1]]
        told = Divided(smalls, tried_neighbours(whole, of_block, small, land.row, rules))
        if micro is None:
            return told, told
        inside = land.graph.within(smalls)
        return told, Divided(leaves, tried_neighbours(inside, leaves, micro, land.row, rules))

    free_micro = None if micro is None else free(micro)
    return divide_each(
        fabric, free(small), free_micro, one, codes=codes, executor=None, progress=None
    )


def free(targets: Targets) -> Targets:
    """Return targets without wanted numbers of cells."""
    return replace(targets, wanted=np.zeros_like(targets.wanted))


def tried_neighbours(graph: Graph, cell: Ints, targets: Targets, row: int, rules: Rules) -> Ints:
    """Return with how many neighbours each cell was tried, without changing any."""
    settled = np.ones(int(cell.max()) + 1, dtype=bool)
    goal = goal_of(targets, row, rules.weights)
    return polish(graph, graph.land(rules.weights.barrier), cell.copy(), goal, settled)


def _revise_one(
    land: CommunityLand, small: Targets, micro: Targets | None, previous: Previous, rules: Rules
) -> tuple[Divided, Divided]:
    """Return small cells and leaves of one community, each numbered from 0."""
    graph = land.graph
    known_small, known_leaf = previous.small[land.atoms], previous.leaf[land.atoms]
    if previous.spared is not None and previous.spared[land.row]:
        own = _taken(known_small, previous.small_tried)
        return own, own if micro is None else _taken(known_leaf, previous.leaf_tried)
    if not len(graph) or (known_small < 0).all():
        return divide_one(land, small, micro, rules)
    settled = previous.settled[land.atoms]
    pinned = (known_leaf >= 0) & previous.leaf_locked[known_leaf]

    # Land of a locked leaf goes to no other small cell.
    block = slabs_together(land)
    if pinned.any():
        block = join_touching(graph, block, np.where(pinned, known_leaf, -1))
    blocks = int(block.max()) + 1
    level = LevelLand(
        contract(graph, block, blocks), main_cells(block, known_small, settled, graph.area),
        sums(block, settled, blocks), np.bincount(block, weights=pinned) > 0,
        previous.small_load, previous.small_band, previous.small_locked, "small",
    )  # fmt: skip
    grain = main_cells(block, known_leaf, settled, graph.area)
    smalls = revised_level(level, land, small, rules, grain=grain)
    if smalls is None and pinned.any():
        # A lock comes before a wanted number.
        smalls = revised_level(level, land, free(small), rules, grain=grain)
    if smalls is None:
        return divide_one(land, small, micro, rules)
    smalls = Divided(smalls.cell[block], smalls.neighbours_tried)
    if micro is None:
        return smalls, smalls
    inside = graph.within(smalls.cell)
    level = LevelLand(
        inside, known_leaf, settled, pinned, previous.leaf_load, previous.leaf_band,
        previous.leaf_locked, "micro",
    )  # fmt: skip
    leaves = revised_level(level, land, micro, rules)
    if leaves is None and pinned.any():
        leaves = revised_level(level, land, free(micro), rules)
    return (smalls, leaves) if leaves is not None else divide_one(land, small, micro, rules)


def _taken(known: Ints, tried: Ints | None) -> Divided:
    """Return earlier cells as they are."""
    assert tried is not None  # noqa: S101
    names, cell = np.unique(known, return_inverse=True)
    return Divided(cell.astype(np.int64), tried[names])


@dataclass(frozen=True, eq=False, slots=True)
class LevelLand:
    """The land of one level, and where its atoms were."""

    graph: Graph
    known: Ints
    """(atoms,) earlier cell, -1 for none."""
    settled: Floats
    pinned: Mask
    held: Floats
    """(earlier cells,)"""
    band: Floats
    """(earlier cells, 2)"""
    locked: Mask
    """(earlier cells,)"""
    name: Literal["small", "micro"]


def revised_level(
    level: LevelLand,
    land: CommunityLand,
    targets: Targets,
    rules: Rules,
    grain: Ints | None = None,
) -> Divided | None:
    """Return the cells of one level, numbered from 0; ``None`` for not as many as wanted.

    Parameters
    ----------
    level, land, targets, rules
        The land, what its cells should hold.
    grain
        (atoms,) earlier cell of the level below, -1 for none: such cells move as a whole, as long
        as that will do.
    """
    graph, wanted = level.graph, int(targets.wanted[land.row])
    goal = goal_of(targets, land.row, rules.weights)
    names, home = _numbered(level.known)
    locked = level.locked[names]
    cell = settle(graph, home, level.settled, locked, goal)
    cells = int(cell.max()) + 1
    load = sums(cell, graph.weight, cells)
    lost = np.bincount(home[(cell != home) & (home >= 0)], minlength=cells)[:cells] > 0
    gained = np.bincount(cell[(cell != home) & (home >= 0)], minlength=cells) > 0
    before = np.append(level.held[names], np.full(cells - len(names), -1.0))
    touched = (np.abs(load - before) > _SAME) | lost | gained
    # Others that miss a band that was another before are tried as well.
    touched[: len(names)] |= _misses_new_band(load[: len(names)], level.band[names], goal)
    hold = rules.weights.stay * level.settled / goal.target
    hold[level.pinned] = PINNED
    locked = np.append(locked, np.zeros(cells - len(names), dtype=bool))
    seed = seed_of(rules.seed, land.code, level.name)
    state = CellState(cell, touched, locked)
    if grain is not None:
        block = graph.within(_pairs(cell, grain)).components()
        coarse = contract(graph, block, int(block.max()) + 1)
        first = np.unique(block, return_index=True)[1]
        rough = CellState(cell[first], touched.copy(), locked)
        held = sums(block, hold, len(coarse))
        bring_into_band(coarse, rough, home[first], held, goal, rules, seed, free=not wanted)
        state = CellState(rough.cell[block], rough.touched, rough.locked)
    bring_into_band(graph, state, home, hold, goal, rules, seed, free=not wanted)
    round_off(graph, state, home, hold, goal, rules, seed, convex=level.name == "micro")

    used, cell = np.unique(state.cell, return_inverse=True)
    if wanted and len(used) != wanted:
        return None
    locked, touched = state.locked[used], state.touched[used]
    apart = graph.within(np.where(locked[cell], cell, -1)) if locked.any() else graph
    tried = polish(apart, graph.land(rules.weights.barrier), cell, goal, ~touched | locked)
    return Divided(cell, tried)


def _misses_new_band(load: Floats, band: Floats, goal: Goal) -> Mask:
    """Tell which cells are out of their band, which was another before."""
    other = ((band != [goal.low, goal.high]) & ~np.isnan(band)).any(axis=1)
    out: Mask = other & ((load < goal.low) | (load > goal.high))
    return out


def _pairs(a: Ints, b: Ints) -> Ints:
    """Return one number for each pair of numbers."""
    return a * (int(b.max(initial=0)) + 2) + b + 1


def _numbered(known: Ints) -> tuple[Ints, Ints]:
    """Return the numbers that occur, ascending, and for each atom the place of its own, or -1."""
    names = np.unique(known[known >= 0])
    home = np.searchsorted(names, known)
    return names, np.where(known >= 0, home, -1).astype(np.int64)
