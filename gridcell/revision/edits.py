"""Edits of a plan: operations as values, each proven and each an entry of the plan's history."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pandas as pd
import shapely

from gridcell.arguments import checked
from gridcell.cells.columns import require_date
from gridcell.cells.registry import record, register_first
from gridcell.errors import GridcellError, InputError
from gridcell.model import Plan, Progress
from gridcell.revision.assign import AtomGroup, assign_atoms, names_of_groups
from gridcell.revision.comments import comment_command
from gridcell.revision.holding import CellHolding, find_cell
from gridcell.revision.moves import nudge_border, swap_buildings
from gridcell.revision.names import rename_cell
from gridcell.revision.operation import require_sound_land
from gridcell.revision.recut import merge_cells, split_along, split_cell
from gridcell.revision.regroup import move_land
from gridcell.revision.states import LandState, land_states, require_state
from gridcell.revision.undo import remember, undo_last
from gridcell.siting.keep import keep_points
from gridcell.words.messages import Message

__all__ = [
    "Assign", "AtomGroup", "Comment", "Edit", "LandState", "Lock", "Merge", "Move", "Nudge",
    "Rename", "Split", "Swap", "Undo", "Unlock", "edit_plan",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Merge:
    """Two neighbouring cells become one: small cells of a community, or micro cells of a small one.

    It has the code of the one with more households.

    Examples
    --------
    >>> import gridcell
    >>> str(gridcell.Merge("450899001001001", "450899001001002"))
    'merge 450899001001001 450899001001002'
    """

    a: str
    b: str

    def __str__(self) -> str:
        """Return the command."""
        return f"merge {self.a} {self.b}"


@dataclass(frozen=True, slots=True)
class Split:
    """A cell becomes several connected ones: so many, or those on the sides of a line.

    Examples
    --------
    >>> import gridcell
    >>> str(gridcell.Split("450899001001001", 2))
    'split 450899001001001 2'
    """

    cell: str
    parts: int | None = None
    """2 or more: the best division that the search knows."""
    line: shapely.LineString | shapely.MultiLineString | None = None
    """In the plan's CRS, from one side of the cell to the other; buildings stay whole."""

    def __str__(self) -> str:
        """Return the command."""
        return f"split {self.cell} {_drawn(self.line) if self.parts is None else self.parts}"


@dataclass(frozen=True, slots=True)
class Move:
    """Buildings go to a cell beside theirs, small or micro; whole micro cells to a small one.

    Examples
    --------
    >>> import gridcell
    >>> str(gridcell.Move(["B7", "B9"], "450899001001002001"))
    'move B7 B9 450899001001002001'
    >>> str(gridcell.Move(["450899001001001004"], "450899001001002"))
    'move 450899001001001004 450899001001002'
    """

    buildings: Sequence[str]
    """By ``bldg_id``, or micro cells by code or label where none of them is a building."""
    to: str

    def __str__(self) -> str:
        """Return the command."""
        return f"move {' '.join(self.buildings)} {self.to}"


@dataclass(frozen=True, slots=True)
class Swap:
    """Buildings of one leaf change places with buildings of another, in one step.

    Examples
    --------
    >>> import gridcell
    >>> str(gridcell.Swap(["B7"], ["B9"]))
    'swap B7 with B9'
    """

    these: Sequence[str]
    those: Sequence[str]

    def __str__(self) -> str:
        """Return the command."""
        return f"swap {' '.join(self.these)} with {' '.join(self.those)}"


@dataclass(frozen=True, slots=True)
class Assign:
    """Leaves become other leaves of the same land, given as groups of atoms.

    What a map editor writes: any number of moves at once. Cells keep their codes while most of
    their households stay.

    Examples
    --------
    >>> import gridcell
    >>> group = gridcell.AtomGroup([3, 4, 7], "450899001001001")
    >>> str(gridcell.Assign([group]))
    'assign 3 atoms to 1 cells'
    """

    groups: Sequence[AtomGroup]
    """Together exactly the land of some leaves."""
    made: Mapping[str, LandState] = field(default_factory=dict)
    """What communities were when this was drawn, by their codes; refused where they are not."""
    small_names: Mapping[str, str] = field(default_factory=dict)
    """What small cells are called from now on, by the word that groups have for them."""

    def __str__(self) -> str:
        """Return what it does, in short."""
        atoms = sum(len(group.atoms) for group in self.groups)
        return f"assign {atoms} atoms to {len(self.groups)} cells"


@dataclass(frozen=True, slots=True)
class Nudge:
    """The border of two cells moves a little, and both keep their codes.

    It moves to a line, or around buildings that go to the other cell.

    Examples
    --------
    >>> import gridcell
    >>> str(gridcell.Nudge("450899001001001", "450899001001002", buildings=["B7"]))
    'nudge 450899001001001 450899001001002 B7'
    """

    a: str
    b: str
    line: shapely.LineString | shapely.MultiLineString | None = None
    buildings: Sequence[str] = ()

    def __str__(self) -> str:
        """Return the command."""
        to = _drawn(self.line) if self.line is not None else " ".join(self.buildings)
        return f"nudge {self.a} {self.b} {to}"


@dataclass(frozen=True, slots=True)
class Rename:
    """A cell gets a name, which stays with its code; ``None`` takes it back.

    Examples
    --------
    >>> import gridcell
    >>> str(gridcell.Rename("450899001001001", "Old Mill"))
    'rename 450899001001001 "Old Mill"'
    """

    cell: str
    name: str | None

    def __str__(self) -> str:
        """Return the command."""
        return f"rename {self.cell}" + ("" if self.name is None else f' "{self.name}"')


@dataclass(frozen=True, slots=True)
class Lock:
    """A cell, or all cells of a community, are changed by no operation until unlocked.

    Examples
    --------
    >>> import gridcell
    >>> str(gridcell.Lock("450899001001001"))
    'lock 450899001001001'
    """

    cell: str

    def __str__(self) -> str:
        """Return the command."""
        return f"lock {self.cell}"


@dataclass(frozen=True, slots=True)
class Unlock:
    """The locks of a cell, or of a community, and of all cells inside it are taken away.

    Examples
    --------
    >>> import gridcell
    >>> str(gridcell.Unlock("450899001001001"))
    'unlock 450899001001001'
    """

    cell: str

    def __str__(self) -> str:
        """Return the command."""
        return f"unlock {self.cell}"


@dataclass(frozen=True, slots=True)
class Comment:
    """Something said about a cell, for those who edit next: it stands in the history alone.

    Examples
    --------
    >>> import gridcell
    >>> str(gridcell.Comment("450899001001001", "gate closed at night"))
    'comment 450899001001001 "gate closed at night"'
    """

    cell: str
    text: str

    def __str__(self) -> str:
        """Return the command."""
        return comment_command(self.cell, self.text)


@dataclass(frozen=True, slots=True)
class Undo:
    """The last edit never was: cells, codes, lineage and history are those of before.

    Examples
    --------
    >>> import gridcell
    >>> str(gridcell.Undo())
    'undo'
    """

    def __str__(self) -> str:
        """Return the command."""
        return "undo"


Edit = Assign | Merge | Split | Move | Swap | Nudge | Rename | Comment | Lock | Unlock | Undo


@checked
def edit_plan(
    plan: Plan,
    edits: Sequence[Edit],
    *,
    progress: Progress | None = None,
    time: str | None = None,
    valid_from: str | None = None,
) -> Plan:
    """Return the plan after edits, one after another, each proven and entered into the history.

    Parameters
    ----------
    plan
        A plan that keeps its land.
    edits
        Operations. Later ones know the cells that earlier ones made. Cells are named by code or
        label, buildings by ``bldg_id``.
    progress
        Called with the stage, what is done and the total.
    time
        What the history says of when this was; nothing where it is not given.
    valid_from
        From which day cells are valid whose land changed, as in `update_plan`.

    Returns
    -------
    Plan
        With as many more operations in its history, each with codes and lineage of its own.

    Raises
    ------
    InputError
        An edit that the land, a lock or the plan does not allow, or a plan whose stored land is
        damaged: what was found, what to do. The plan is as it was.

    Notes
    -----
    Land is moved in atoms (`gridcell.Fabric`), so no edit cuts a building. `Undo` takes back edits
    one by one, up to the last update: the land of before an update is gone.

    Examples
    --------
    `plan` is that of the example of `make_plan`.

    >>> import gridcell
    >>> a, b = plan.small["code"][:2]
    >>> merged = gridcell.edit_plan(plan, [gridcell.Merge(a, b)])
    >>> merged.ok, merged.small["code"].tolist()
    (True, ['450899001001002', '450899001001801'])
    >>> merged.codes[merged.codes["code"] == a][["retired", "became"]].values.tolist()
    [[2, '450899001001002']]
    >>> undone = gridcell.edit_plan(merged, [gridcell.Undo()])
    >>> undone.small.equals(plan.small)
    True
    """
    valid_from = require_date(valid_from, "valid_from")
    require_sound_land(plan)
    plan = plan if len(plan.history) else register_first(plan)
    for number, edit in enumerate(edits, start=1):
        try:
            plan = _edited(plan, edit, progress, time, valid_from)
        except GridcellError as error:
            key = "error.edit_of" if len(edits) > 1 else "error.edit"
            place = {"number": number, "all": len(edits)} if len(edits) > 1 else {}
            said = Message(key, edit=_short(edit), error=error, **place)
            raise type(error)(said, *error.hints) from None
    return plan


def _edited(
    plan: Plan, edit: Edit, progress: Progress | None, time: str | None, valid_from: str | None
) -> Plan:
    if isinstance(edit, Undo):
        return keep_points(plan, undo_last(plan))
    if isinstance(edit, Lock | Unlock):
        after = _locked(plan, edit, time)
    elif isinstance(edit, Comment):
        after = _commented(plan, edit, time)
    elif isinstance(edit, Rename):
        name = None if edit.name is None else edit.name.strip()
        if name == "":
            raise InputError(Message("error.empty_name"))
        level, row = find_cell(plan, edit.cell)
        renamed = rename_cell(plan, level, row, name)
        after = CellHolding(renamed).edited(str(edit), time=time, progress=progress)
    else:
        holding = CellHolding(plan)
        _recut(holding, edit)
        names = None
        if isinstance(edit, Assign):
            names = names_of_groups(edit.groups, edit.small_names)
        after = holding.edited(
            str(edit), time=time, progress=progress, valid_from=valid_from, names=names
        )
    return remember(plan, after)


def _recut(holding: CellHolding, edit: Assign | Merge | Split | Move | Swap | Nudge) -> None:
    if isinstance(edit, Merge):
        merge_cells(holding, edit.a, edit.b)
    elif isinstance(edit, Split):
        if (edit.parts is None) == (edit.line is None):
            raise InputError(Message("error.split_choice"))
        if edit.line is not None:
            split_along(holding, edit.cell, edit.line)
            return
        assert edit.parts is not None  # noqa: S101
        if edit.parts < 2:
            raise InputError(Message("error.split_parts", parts=edit.parts))
        split_cell(holding, edit.cell, edit.parts)
    elif isinstance(edit, Move):
        move_land(holding, edit.buildings, edit.to)
    elif isinstance(edit, Swap):
        swap_buildings(holding, edit.these, edit.those)
    elif isinstance(edit, Assign):
        if not edit.groups or not all(len(group.atoms) for group in edit.groups):
            raise InputError(Message("error.assign_nothing"))
        if edit.made:
            now = land_states(holding.plan, holding.given.fabric, holding.codes)
            require_state(holding.plan, now, edit.made)
        assign_atoms(holding, edit.groups)
    else:
        if (edit.line is None) == (not edit.buildings):
            raise InputError(Message("error.nudge_choice"))
        nudge_border(holding, edit.a, edit.b, edit.line, edit.buildings)


def _locked(plan: Plan, edit: Lock | Unlock, time: str | None) -> Plan:
    """Return the plan with other locks: nothing about its cells changes."""
    codes, findings = plan.codes.copy(), plan.findings
    named, inside = _named_cells(plan, edit.cell)
    if isinstance(edit, Lock):
        # The lock of a cell covers what is inside.
        chosen = codes["code"].isin(named)
        if codes.loc[chosen, "locked"].all():
            raise InputError(Message("error.locked_already", cell=edit.cell))
    else:
        chosen = codes["code"].isin([*named, *inside]) & codes["locked"]
        if not chosen.any():
            over = plan.micro.loc[plan.micro["code"].isin(named), "parent"]
            above = codes.loc[codes["locked"] & codes["code"].isin(over), "code"].tolist()
            if above:
                raise InputError(Message("error.lock_is_above", cell=edit.cell, above=above[0]))
            raise InputError(Message("error.no_own_lock", cell=edit.cell))
        told = (findings["kind"] == "locked_out_of_band") & findings["cell"].isin([*named, *inside])
        findings = findings[~told].reset_index(drop=True)
    codes.loc[chosen, "locked"] = isinstance(edit, Lock)
    history = record(plan.history, "edit", str(edit), plan.inputs, {}, time)
    return replace(plan, codes=codes, history=history, findings=findings)


def _commented(plan: Plan, edit: Comment, time: str | None) -> Plan:
    text = edit.text.strip()
    if not text:
        raise InputError(Message("error.empty_comment"))
    level, row = find_cell(plan, edit.cell)
    said = Comment(str(plan.cells(level)["code"].iloc[row]), text)
    history = record(plan.history, "edit", str(said), plan.inputs, {}, time)
    return replace(plan, history=history)


def _named_cells(plan: Plan, text: str) -> tuple[list[str], list[str]]:
    """Return the code of the cell, or of the small cells of the community, and all inside."""
    cells = pd.concat([plan.small, plan.micro])
    named = cells.loc[(cells["code"] == text) | (cells["label"] == text), "code"].tolist()
    if not named:
        own = plan.medium
        own = own[(own["community"] == text) | (own["code"] == text) | (own["label"] == text)]
        named = plan.small.loc[plan.small["parent"].isin(own["code"]), "code"].tolist()
    if not named:
        raise InputError(Message("error.no_cell_nor_community", code=text))
    return named, plan.micro.loc[plan.micro["parent"].isin(named), "code"].tolist()


def _drawn(line: shapely.Geometry | None) -> str:
    return "" if line is None else f"along {shapely.to_wkt(line, rounding_precision=2)}"


def _short(edit: Edit) -> str:
    text = str(edit)
    return text if len(text) <= 80 else text[:77] + "..."
