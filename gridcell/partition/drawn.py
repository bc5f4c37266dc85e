"""Cells that somebody drew, on the atoms of the land: connected, nothing left over."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gridcell.model import Fabric
from gridcell.partition.divide import (
    CommunityLand,
    Division,
    cells_within,
    divide_each,
    divide_one,
    slabs_together,
)
from gridcell.partition.graph import Graph, contract
from gridcell.partition.revise import LevelLand, Previous, revised_level, tried_neighbours
from gridcell.partition.search import Divided
from gridcell.partition.settle import absorb, main_cells, sums
from gridcell.partition.targets import Targets
from gridcell.rules import Rules
from gridcell.work import workers_of

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Drawn:
    """Which atoms are in which drawn cell: small cells, micro cells, or some of both."""

    cell: Ints
    """(atoms,) drawn cell of each, -1 for none; a drawn cell lies in one community."""
    is_small: Mask
    """(drawn cells,) whether it is a small cell, to be divided into micro cells."""
    group: Ints
    """(drawn cells,) the same for cells of one small cell; -1 where the search has to say."""
    locked: Mask
    """(drawn cells,) those that get no other land."""
    locked_group: Mask
    """(groups,) likewise."""
    exact: bool = False
    """Whether borders run where they were drawn, also between the slabs of a building."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class TakenCells:
    """The division, and what became of drawn cells."""

    division: Division
    cell: Ints
    """(atoms,) drawn cell whose land each is in the end, -1 for cells that the search made."""
    group: Ints
    """(atoms,) likewise for groups."""


def take_drawn(
    fabric: Fabric,
    small: Targets,
    micro: Targets | None,
    drawn: Drawn,
    *,
    codes: list[str],
    rules: Rules,
    previous: Previous | None = None,
    workers: int = 1,
) -> TakenCells:
    """Return the division into drawn cells.

    What is in no cell goes to the neighbour with which it shares most border, or, where it has
    households enough for a cell of its own, is divided by the search. Of a cell in several pieces
    the one with most households stays, the others go to their neighbours. Small cells are divided
    into micro cells by the search; micro cells of no small cell are grouped by it.

    Parameters
    ----------
    fabric, small, micro, codes, rules, workers
        As for `divide`.
    drawn
        The drawn cells.
    previous
        An earlier division: small cells are divided as near to it as can be.

    Raises
    ------
    PartitionError
        A wanted number of cells that a community without drawn cells cannot have.
    """
    cell = np.full(len(fabric.atoms), -1, dtype=np.int64)
    group = cell.copy()
    free = replace(small, wanted=np.zeros_like(small.wanted))
    free_micro = None if micro is None else replace(micro, wanted=np.zeros_like(micro.wanted))

    def one(land: CommunityLand) -> tuple[Divided, Divided]:
        if not len(land.graph) or (drawn.cell[land.atoms] < 0).all():
            return divide_one(land, small, micro, rules)
        own = _Community(land, free, free_micro, drawn, rules, previous)
        smalls, leaves = own.divided()
        cell[land.atoms], group[land.atoms] = own.cell, own.group
        return smalls, leaves

    with workers_of(workers, None) as chosen:
        division = divide_each(
            fabric, free, free_micro, one, codes=codes, executor=chosen, progress=None
        )
    return TakenCells(division=division, cell=cell, group=group)


class _Community:
    """Drawn cells on the land of one community."""

    cell: Ints
    """(atoms of the graph,) drawn cell, -1 for land of cells that the search makes."""
    group: Ints

    def __init__(
        self,
        land: CommunityLand,
        small: Targets,
        micro: Targets | None,
        drawn: Drawn,
        rules: Rules,
        previous: Previous | None,
    ) -> None:
        self.land, self.graph, self.rules = land, land.graph, rules
        self.small, self.micro, self.drawn, self.previous = small, micro, drawn, previous

    def divided(self) -> tuple[Divided, Divided]:
        """Return small cells and leaves, each numbered from 0."""
        known = self.drawn.cell[self.land.atoms]
        piece = self._settled_leaves(known)
        drawn = len(self.drawn.is_small)
        self.cell = np.where(piece < drawn, piece, -1)
        grouped = bool((self.drawn.group[known[known >= 0]] >= 0).any())
        if self.micro is None and grouped:
            leaf = piece
        elif self.previous is not None and self.drawn.is_small[known[known >= 0]].all():
            return self._as_before(piece, self.previous)
        else:
            leaf = self._divided_further(piece)
        smalls = self._grouped(leaf, piece, search=not grouped)
        if self.micro is None:
            return smalls, smalls
        leaves = np.unique(leaf, return_inverse=True)[1].astype(np.int64)
        inside = self.graph.within(smalls.cell)
        return smalls, self._told(inside, leaves, self.micro)

    def _settled_leaves(self, known: Ints) -> Ints:
        """Return connected cells: numbers of drawn ones, and higher ones for missing ones."""
        drawn, graph = self.drawn, self.graph
        whole = (known < 0) | drawn.is_small[known]
        # What a locked cell has of a building stays in it, and it gets no more.
        apart = (known >= 0) & drawn.locked[known]
        building = np.where(whole & ~apart & (not drawn.exact), self.land.building, -1)
        together = np.where(building >= 0, building, -1 - np.arange(len(graph)))
        block = graph.within(together).components()
        coarse = contract(graph, block, int(block.max()) + 1)
        home = main_cells(block, known, graph.weight, graph.area)
        at_small = self.micro is None or bool(drawn.is_small[known[known >= 0]].any())
        aim = self.small if at_small else self.micro
        assert aim is not None  # noqa: S101
        low = float(aim.low[self.land.row])
        first = len(drawn.is_small)
        region = coarse.within(home).components()
        load = sums(region, coarse.weight, int(region.max()) + 1)
        missing = (home < 0) & (load[region] >= max(low, 1))
        if missing.any():
            home = home.copy()
            home[missing] = first + self._made(coarse, missing, region, aim, at_small=at_small)
        return settle_pieces(coarse, home, np.append(drawn.locked, False), first)[block]

    def _made(
        self, graph: Graph, missing: Mask, region: Ints, aim: Targets, *, at_small: bool
    ) -> Ints:
        """Return cells of land for which none is drawn, numbered from 0."""
        where = np.flatnonzero(missing)
        if not at_small:
            return np.unique(region[where], return_inverse=True)[1].astype(np.int64)
        return self._searched(graph, where, region[where], aim, "small")

    def _searched(self, graph: Graph, atoms: Ints, region: Ints, aim: Targets, level: str) -> Ints:
        """Return the cells that the search makes of some atoms within regions of them."""
        part = np.full(len(graph), -1, dtype=np.int64)
        part[atoms] = region
        inner = graph.within(part).take(atoms)
        piece = inner.components()
        found = cells_within(inner, piece, self.land.row, aim, level, self.land.code, self.rules)
        return found.cell

    def _divided_further(self, piece: Ints) -> Ints:
        """Return the leaves: drawn micro cells, and what the search makes of all other cells."""
        if self.micro is None:
            return piece
        drawn = len(self.drawn.is_small)
        whole = (piece >= drawn) | np.append(self.drawn.is_small, True)[np.minimum(piece, drawn)]
        if not whole.any():
            return piece
        leaf = piece.copy()
        where = np.flatnonzero(whole)
        region = np.unique(piece[where], return_inverse=True)[1].astype(np.int64)
        made = self._searched(self.graph, where, region, self.micro, "micro")
        leaf[where] = int(piece.max()) + 1 + made
        return leaf

    def _grouped(self, leaf: Ints, piece: Ints, *, search: bool) -> Divided:
        """Return the small cells: unions of leaves."""
        names, of_atom = np.unique(leaf, return_inverse=True)
        of_atom = of_atom.astype(np.int64)
        coarse = contract(self.graph, of_atom, len(names))
        first = np.unique(of_atom, return_index=True)[1]
        self.group = np.full(len(leaf), -1, dtype=np.int64)
        if search:
            found = cells_within(
                coarse, coarse.components(), self.land.row, self.small, "small", self.land.code,
                self.rules,
            )  # fmt: skip
            return Divided(found.cell[of_atom], found.neighbours_tried)
        drawn = len(self.drawn.is_small)
        groups = len(self.drawn.locked_group)
        at = piece[first]
        alone = at >= drawn
        home = np.append(self.drawn.group, -1)[np.minimum(at, drawn)]
        low = self.small.low[self.land.row]
        load = sums(piece, self.graph.weight, int(piece.max()) + 1)[at]
        at_small = self.micro is None or self.drawn.is_small[at[~alone]].any()
        home = np.where(alone & (at_small | (load >= low)), groups + at, home)
        cell = settle_pieces(coarse, home, np.append(self.drawn.locked_group, False), groups)
        self.group = np.where(cell < groups, cell, -1)[of_atom]
        cell = np.unique(cell, return_inverse=True)[1].astype(np.int64)
        return self._told(coarse, cell, self.small, of_atom)

    def _as_before(self, piece: Ints, previous: Previous) -> tuple[Divided, Divided]:
        """Return drawn small cells, divided into micro cells as near to before as can be."""
        drawn = self.drawn
        self.group = np.append(drawn.group, -1)[self.cell]
        smalls = np.unique(piece, return_inverse=True)[1].astype(np.int64)
        block = self.graph.within(_pair(smalls, slabs_together(self.land))).components()
        coarse = contract(self.graph, block, int(block.max()) + 1)
        of_block = smalls[np.unique(block, return_index=True)[1]]
        told = self._told(coarse, of_block, self.small, block)
        told = Divided(smalls, told.neighbours_tried)
        if self.micro is None:
            return told, told
        known = previous.leaf[self.land.atoms]
        pinned = (known >= 0) & previous.leaf_locked[known]
        level = LevelLand(
            self.graph.within(smalls), known, previous.settled[self.land.atoms], pinned,
            previous.leaf_load, previous.leaf_band, previous.leaf_locked, "micro",
        )  # fmt: skip
        leaves = revised_level(level, self.land, self.micro, self.rules)
        assert leaves is not None  # noqa: S101
        return told, leaves

    def _told(
        self, graph: Graph, cell: Ints, targets: Targets, of_atom: Ints | None = None
    ) -> Divided:
        tried = tried_neighbours(graph, cell, targets, self.land.row, self.rules)
        return Divided(cell if of_atom is None else cell[of_atom], tried)


def settle_pieces(graph: Graph, home: Ints, locked: Mask, first: int) -> Ints:
    """Return connected cells that cover everything.

    Parameters
    ----------
    graph
        The land.
    home
        (atoms,) number of a cell, -1 for none.
    locked
        (numbers + 1,) which get no further land.
    first
        The first number that is free: land without another neighbour gets one of its own.
    """
    cell = _absorb(graph, home, locked)
    piece = graph.within(cell).components()
    pieces = int(piece.max()) + 1
    whose = np.empty(pieces, dtype=np.int64)
    whose[piece] = cell
    mine = home == cell
    held = np.bincount(piece, weights=graph.weight * mine, minlength=pieces)
    area = np.bincount(piece, weights=graph.area * mine, minlength=pieces)
    order = np.lexsort((np.arange(pieces), -area, -held, whose))
    kept = np.zeros(pieces, dtype=bool)
    kept[order[np.flatnonzero(np.diff(whose[order], prepend=-2) != 0)]] = True
    kept &= whose >= 0
    cell = _absorb(graph, np.where(kept[piece], cell, -1), locked)
    lost = np.flatnonzero(cell < 0)
    if len(lost):
        alone = np.unique(piece[lost], return_inverse=True)[1]
        cell[lost] = max(first, int(cell.max()) + 1) + alone
    return cell


def _absorb(graph: Graph, cell: Ints, locked: Mask) -> Ints:
    """Return the cells, atoms in none joined to neighbours; locked ones get nothing."""
    shut = (cell >= 0) & locked[np.minimum(cell, len(locked) - 1)]
    filled = absorb(graph.first, graph.neighbour, graph.length, np.where(shut, -2, cell))
    return np.where(shut, cell, filled)


def _pair(a: Ints, b: Ints) -> Ints:
    """Return one number for each pair of numbers."""
    return a * (int(b.max(initial=0)) + 1) + b
