"""Edits from a file: a list of operations as JSON, checked once at the door."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import pyproj
import shapely
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from gridcell.errors import InputError
from gridcell.read.crs import settle_crs
from gridcell.read.files import open_input
from gridcell.revision.edits import (
    Assign,
    AtomGroup,
    Comment,
    Edit,
    LandState,
    Lock,
    Merge,
    Move,
    Nudge,
    Rename,
    Split,
    Swap,
    Undo,
    Unlock,
)
from gridcell.words.faults import fault_text
from gridcell.words.messages import Message

Text = Annotated[str, Field(min_length=1)]
Line = Text | Annotated[list[tuple[float, float]], Field(min_length=2)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _MergeEntry(_Entry):
    """Two neighbouring cells become one."""

    operation: Literal["merge"]
    a: Text
    """Code of one cell."""
    b: Text
    """Code of the other."""

    def edit(self, crs: pyproj.CRS) -> Edit:  # noqa: ARG002 - all have it
        return Merge(self.a, self.b)


class _SplitEntry(_Entry):
    """A cell becomes several."""

    operation: Literal["split"]
    cell: Text
    """Code of the cell."""
    parts: Annotated[int, Field(ge=2)] | None = None
    """Into how many cells, the best division that the search knows."""
    line: Line | None = None
    """Along which line: a file, or points in the plan's CRS."""

    def edit(self, crs: pyproj.CRS) -> Edit:
        return Split(self.cell, self.parts, _line(self.line, crs))


class _MoveEntry(_Entry):
    """Buildings move to another cell, or micro cells to another small cell."""

    operation: Literal["move"]
    buildings: Annotated[list[Text], Field(min_length=1)]
    """Ids of buildings, or codes of micro cells."""
    to: Text
    """Code of the cell that gets them."""

    def edit(self, crs: pyproj.CRS) -> Edit:  # noqa: ARG002
        return Move(self.buildings, self.to)


class _SwapEntry(_Entry):
    """Buildings of two cells change places."""

    operation: Literal["swap"]
    these: Annotated[list[Text], Field(min_length=1)]
    """Ids of buildings of one cell."""
    those: Annotated[list[Text], Field(min_length=1)]
    """Ids of buildings of the other."""

    def edit(self, crs: pyproj.CRS) -> Edit:  # noqa: ARG002
        return Swap(self.these, self.those)


class _GroupEntry(_Entry):
    """A leaf, as atoms."""

    atoms: Annotated[list[Annotated[int, Field(ge=0, lt=1 << 53)]], Field(min_length=1)]
    """Their numbers, atom_id of the layer atoms."""
    small: Text
    """Code of the small cell that it is in; any word that is no code names a new one."""
    name: Text | None = None
    """Name of the cell that comes of it."""


class _StateEntry(_Entry):
    """The land and cells of a community when the edit was drawn."""

    operation: Annotated[int, Field(ge=0)]
    """Number of the operation that the plan was at."""
    land: Text
    """Digest of the land."""
    cells: Text
    """Digest of the cells."""


class _AssignEntry(_Entry):
    """The land of some leaves is given out anew."""

    operation: Literal["assign"]
    made: dict[str, _StateEntry] = {}
    """By the code of a community, the state on which it was drawn, which the plan must have."""
    cells: Annotated[list[_GroupEntry], Field(min_length=1)]
    """The leaves that the land makes."""
    small_names: dict[str, Text] = {}
    """Names of small cells, by the word that groups have for them."""

    def edit(self, crs: pyproj.CRS) -> Edit:  # noqa: ARG002
        made = {code: LandState(**state.model_dump()) for code, state in self.made.items()}
        groups = [AtomGroup(cell.atoms, cell.small, cell.name) for cell in self.cells]
        return Assign(groups, made, self.small_names)


class _NudgeEntry(_Entry):
    """The border between two cells moves; both keep their codes."""

    operation: Literal["nudge"]
    a: Text
    """Code of one cell."""
    b: Text
    """Code of the other."""
    line: Line | None = None
    """The new border: a file, or points in the plan's CRS."""
    buildings: list[Text] = []
    """Ids of buildings that change sides, in place of a line."""

    def edit(self, crs: pyproj.CRS) -> Edit:
        return Nudge(self.a, self.b, _line(self.line, crs), self.buildings)


class _RenameEntry(_Entry):
    """A cell gets another name."""

    operation: Literal["rename"]
    cell: Text
    """Code of the cell."""
    name: str | None
    """The name; null gives back the one made of its code."""

    def edit(self, crs: pyproj.CRS) -> Edit:  # noqa: ARG002
        return Rename(self.cell, self.name)


class _LockEntry(_Entry):
    """A cell is locked, or is so no more."""

    operation: Literal["lock", "unlock"]
    cell: Text
    """Code of the cell or community."""

    def edit(self, crs: pyproj.CRS) -> Edit:  # noqa: ARG002
        return Lock(self.cell) if self.operation == "lock" else Unlock(self.cell)


class _CommentEntry(_Entry):
    """A comment for the history of the plan."""

    operation: Literal["comment"]
    cell: Text
    """Code of the cell."""
    text: Text
    """What there is to say."""

    def edit(self, crs: pyproj.CRS) -> Edit:  # noqa: ARG002
        return Comment(self.cell, self.text)


class _UndoEntry(_Entry):
    """The last edit is taken back."""

    operation: Literal["undo"]

    def edit(self, crs: pyproj.CRS) -> Edit:  # noqa: ARG002
        return Undo()


Entry = Annotated[
    _MergeEntry
    | _SplitEntry
    | _MoveEntry
    | _SwapEntry
    | _AssignEntry
    | _NudgeEntry
    | _RenameEntry
    | _CommentEntry
    | _LockEntry
    | _UndoEntry,
    Field(discriminator="operation"),
]
_ENTRY: TypeAdapter[Entry] = TypeAdapter(Entry)


def read_script(path: str | Path, crs: pyproj.CRS) -> list[Edit]:
    """Return the edits that a file lists.

    Parameters
    ----------
    path
        JSON: a list of objects with ``operation`` and the arguments of the edit of that name.
    crs
        CRS of the plan, and of lines that are given as coordinates.

    Raises
    ------
    InputError
        No such file, no JSON, or an entry that is no edit: which one, what was found.
    """
    try:
        data = json.loads(Path(path).read_text("utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise InputError(Message("error.unreadable_json", path=path, error=error)) from None
    if not isinstance(data, list):
        raise InputError(Message("error.not_edits", path=path, found=type(data).__name__))
    return edits_of(data, crs, str(path))


def edits_of(entries: Sequence[Any], crs: pyproj.CRS, where: str) -> list[Edit]:
    """Return the edits that plain data tell; parameters and errors as of `read_script`."""
    edits = []
    for number, entry in enumerate(entries, start=1):
        try:
            edits.append(_ENTRY.validate_python(entry).edit(crs))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            at = "".join(f"{step}." for step in first["loc"])[:-1]
            raise InputError(
                Message(
                    "error.script_edit", where=where, number=number, fault=fault_text(first),
                    at=f"{at}: " if at else "",
                )
            ) from None  # fmt: skip
    return edits


def _line(given: str | list[tuple[float, float]] | None, crs: pyproj.CRS) -> Any:
    """Return a line in the plan's CRS, of a file or of coordinates."""
    if given is None:
        return None
    if not isinstance(given, str):
        return shapely.LineString(given)
    source = open_input(given, "line")
    if source.geometries is None:
        raise InputError(Message("error.line_no_geometry", label=source.label))
    shapes = source.geometries.set_crs(settle_crs(source, None), allow_override=True).to_crs(crs)
    lines = [part for part in shapely.get_parts(shapes.to_numpy()) if part is not None]
    if not lines or any(part.geom_type != "LineString" for part in lines):
        raise InputError(
            Message("error.not_lines", label=source.label, found=shapes.geom_type.iloc[0])
        )
    return lines[0] if len(lines) == 1 else shapely.MultiLineString(lines)
