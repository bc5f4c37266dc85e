"""The cells of a plan by atom, as edits take them: found by code, kept in one piece, proven."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridcell.arrays import Geometries
from gridcell.assembly import Clock, DivisionInput
from gridcell.cells.polygons import LeafBorders, draw_cells
from gridcell.errors import InputError
from gridcell.model import Plan, Progress
from gridcell.partition.divide import CommunityLand, Division, community_land
from gridcell.partition.graph import Graph
from gridcell.partition.revise import take_cells
from gridcell.partition.search import goal_of
from gridcell.partition.settle import settle
from gridcell.revision.locks import locked_cells
from gridcell.revision.operation import cells_of, go_on, input_of
from gridcell.revision.people import keep_staff
from gridcell.words.messages import Message

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class CellPlace:
    """A general cell that an edit names."""

    code: str
    level: str
    """``small`` or ``micro``."""
    row: int
    """Of `Plan.small` or `Plan.leaves`."""
    community: int
    """Row of the community."""


@dataclass(frozen=True, slots=True)
class GivenNames:
    """Names that an edit gives to the cells which hold some atoms after it."""

    small: Mapping[int, str] = field(default_factory=dict)
    """By atom, of the small cell that holds it."""
    leaf: Mapping[int, str] = field(default_factory=dict)
    """By atom, of the leaf that holds it."""


class CellHolding:
    """The atoms of a plan and the cells that hold them, while one edit changes them.

    Parameters
    ----------
    plan
        A plan that keeps its land.

    Raises
    ------
    InputError
        It does not.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.given: DivisionInput = input_of(plan)
        self.before, self._descent = cells_of(plan)
        self.small, self.leaf = self.before.small.copy(), self.before.leaf.copy()
        self._lands: dict[int, CommunityLand] = {}

    @property
    def has_micro(self) -> bool:
        """Whether small cells are divided further."""
        return self.given.micro is not None

    @cached_property
    def codes(self) -> list[str]:
        """Codes of the communities, in the order of their rows."""
        return [str(code) for code in self.given.layers.communities["code"]]

    def general_cell(self, text: str) -> CellPlace:
        """Return a general cell by its code or label.

        Raises
        ------
        InputError
            There is none; the message says what the code is.
        """
        level, row = find_cell(self.plan, text)
        frame = self.plan.cells(level)
        cell = frame.iloc[row]
        code = str(cell["code"])
        if cell["grid_type"] != "general":
            raise InputError(Message("error.cell_dedicated", code=code))
        if level == "micro":
            row = int(pd.Index(self.plan.leaves["code"]).get_loc(code))
        return CellPlace(code, level, row, self.codes.index(str(cell["community"])))

    def cell_of(self, level: str) -> Ints:
        """Return (atoms,) the cell of a level, as edited so far."""
        return self.small if level == "small" else self.leaf

    def atoms_in(self, cell: CellPlace) -> Ints:
        """Return the atoms of a cell, ascending."""
        return np.flatnonzero(self.cell_of(cell.level) == cell.row)

    def land(self, community: int) -> CommunityLand:
        """Return the general land of a community."""
        if community not in self._lands:
            self._lands[community] = community_land(
                self.given.fabric, self.given.small, community, self.codes[community]
            )
        return self._lands[community]

    def graph(self, atoms: Ints, community: int) -> Graph:
        """Return the graph of some atoms of a community."""
        land = self.land(community)
        return land.graph.take(np.searchsorted(land.atoms, atoms))

    def shapes(self, atoms: Ints) -> Geometries:
        """Return the polygons of atoms."""
        fabric = self.given.fabric
        number = np.full(len(fabric.atoms) + 1, -1, dtype=np.int64)
        number[atoms] = np.arange(len(atoms))
        left, right = number[fabric.arc_left], number[fabric.arc_right]
        borders = LeafBorders(
            xy=fabric.xy, start=fabric.arc_start, vertex=fabric.arc_vertices, left=left, right=right
        )
        return draw_cells(borders, np.arange(len(atoms)), len(atoms))

    def households(self, atoms: Ints) -> int:
        """Return the households on some atoms."""
        return int(self.given.fabric.atoms["households"].to_numpy()[atoms].sum())

    def new_rows(self, level: str, count: int) -> Ints:
        """Return numbers that no cell of a level has."""
        first = max(int(self.cell_of(level).max()) + 1, len(self.plan.small), len(self.plan.leaves))
        return first + np.arange(count)

    def settle_leaves(self, atoms: Ints, community: int) -> None:
        """Give every part of a micro cell that its small cell lost to a cell beside it.

        Of a micro cell in several parts the one with most households goes on; the others join
        the neighbours in their small cell, unless they are enough for a cell, or alone there.
        """
        if not self.has_micro:
            self.leaf[atoms] = self._leaf_per_small(atoms)
            return
        assert self.given.micro is not None  # noqa: S101
        graph = self.graph(atoms, community).within(self.small[atoms])
        names, home = np.unique(self.leaf[atoms], return_inverse=True)
        goal = goal_of(self.given.micro, community, self.plan.rules.weights)
        cell = settle(
            graph, home.astype(np.int64), graph.weight, np.zeros(len(names), dtype=bool), goal
        )
        fresh = self.new_rows("micro", max(0, int(cell.max()) + 1 - len(names)))
        self.leaf[atoms] = np.append(names, fresh)[cell]

    def _leaf_per_small(self, atoms: Ints) -> Ints:
        """Return the leaves where small cells are not divided: each small cell is one."""
        leaf_of = pd.Series(self.before.leaf, index=self.before.small)
        leaf_of = leaf_of[~leaf_of.index.duplicated()]
        mine = leaf_of.reindex(self.small[atoms]).to_numpy(dtype=np.float64)
        fresh = np.isnan(mine)
        # Numbers of new small cells are beyond those of all leaves as well.
        return np.where(fresh, self.small[atoms], np.nan_to_num(mine)).astype(np.int64)

    def edited(
        self,
        command: str,
        *,
        time: str | None = None,
        progress: Progress | None = None,
        valid_from: str | None = None,
        names: GivenNames | None = None,
    ) -> Plan:
        """Return the plan with these cells, proven and entered into its history.

        Raises
        ------
        InputError
            A lock does not allow it: the cell and the lock.
        """
        self._require_unlocked()
        before, rules, given = self.plan, self.plan.rules, self.given
        division = take_cells(
            given.fabric, given.small, given.micro, self.small, self.leaf, codes=self.codes,
            rules=rules,
        )  # fmt: skip
        locked = locked_cells(before)
        after = go_on(
            before, given, division, self._descent, rules=rules, clock=Clock(progress),
            assign=keep_staff(before, given.layers, rules), operation="edit", command=command,
            locked=locked, names=None if names is None else self._names_by_cell(division, names),
            time=time, valid_from=valid_from,
        )  # fmt: skip
        codes = pd.concat([before.small, before.leaves])["code"][locked]
        lost = sorted(set(codes) - {*after.small["code"], *after.micro["code"]})
        if lost:
            raise InputError(Message("error.cell_locked_lost", code=lost[0]))
        return after

    def _names_by_cell(
        self, division: Division, names: GivenNames
    ) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
        """Return the name of each small cell and leaf of a division, ``None`` where it stays."""
        small = np.full(len(division.site_of_small), None, dtype=object)
        leaf = np.full(len(division.small_of_leaf), None, dtype=object)
        for atom, name in names.small.items():
            small[division.small[atom]] = name.strip()
        of_leaf, leaf_of = (leaf, division.leaf) if self.has_micro else (small, division.small)
        for atom, name in names.leaf.items():
            of_leaf[leaf_of[atom]] = name.strip()
        return small, leaf

    def _require_unlocked(self) -> None:
        locked = locked_cells(self.plan)
        if not locked.any():
            return
        smalls, n = len(self.plan.small), len(locked)
        recut = self.small != self.before.small
        small = _touched(self.before.small, self.small, recut, smalls)
        leaf = _touched(
            self.before.leaf, self.leaf, recut | (self.leaf != self.before.leaf), n - smalls
        )
        hit = np.flatnonzero(np.concatenate([small, leaf]) & locked)
        if not len(hit):
            return
        cell = pd.concat([self.plan.small, self.plan.leaves]).iloc[int(hit[0])]
        own = set(self.plan.codes.loc[self.plan.codes["locked"], "code"])
        lock = next((c for c in (cell["parent"], cell["code"]) if c in own), cell["code"])
        inside = "" if lock == cell["code"] else Message("part.with_all_of", cell=lock)
        raise InputError(Message("error.cell_locked", code=cell["code"], inside=inside, lock=lock))

    def require_connected(self, cell: int, level: str, community: int, why: Message) -> None:
        """Raise `InputError` where a cell would be in more pieces than its land is anyway."""
        atoms = np.flatnonzero(self.cell_of(level) == cell)
        earlier = self.before.small if level == "small" else self.before.leaf
        was = np.flatnonzero(earlier == cell)
        pieces = int(self.graph(atoms, community).components().max(initial=-1)) + 1
        allowed = 1 if not len(was) else int(self.graph(was, community).components().max()) + 1
        if pieces > max(1, allowed):
            raise InputError(why)


def find_cell(plan: Plan, text: str) -> tuple[str, int]:
    """Return level (``small``, ``micro``) and row there of a cell, by its code or label."""
    for level in ("small", "micro"):
        frame = plan.cells(level)
        hit = np.flatnonzero(((frame["code"] == text) | (frame["label"] == text)).to_numpy())
        if len(hit):
            return level, int(hit[0])
    known = plan.codes[plan.codes["code"] == text]
    if len(known) and pd.notna(known["retired"].iloc[0]):
        became = known["became"].iloc[0]
        after = Message("part.land_since", cell=became) if isinstance(became, str) else ""
        raise InputError(
            Message("error.cell_ended", code=text, operation=known["retired"].iloc[0], after=after)
        )
    above = pd.concat([plan.large, plan.medium])
    if text in set(above["code"]) | set(above["label"]) | set(above["community"].dropna()):
        raise InputError(Message("error.cell_too_large", code=text))
    raise InputError(Message("error.no_such_cell", code=text))


def _touched(before: Ints, after: Ints, changed: Mask, count: int) -> Mask:
    """Return which earlier cells lost or got atoms."""
    out: Mask = np.zeros(count, dtype=bool)
    rows = np.unique(np.concatenate([before[changed], after[changed]]))
    out[rows[(rows >= 0) & (rows < count)]] = True
    return out
