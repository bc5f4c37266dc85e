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
    operation: Literal["merge"]
    a: Text
    b: Text

    def edit(self, crs: pyproj.CRS) -> Edit:  # noqa: ARG002 - all have it
        return Merge(self.a, self.b)


class _SplitEntry(_Entry):
    operation: Literal["split"]
    cell: Text
    parts: Annotated[int, Field(ge=2)] | None = None
    line: Line | None = None

    def edit(self, crs: pyproj.CRS) -> Edit:
        return Split(self.cell, self.parts, _line(self.line, crs))


class _MoveEntry(_Entry):
    operation: Literal["move"]
    buildings: Annotated[list[Text], Field(min_length=1)]
    to: Text

    def edit(self, crs: pyproj.CRS) -> Edit:  # noqa: ARG002
        return Move(self.buildings, self.to)


class _SwapEntry(_Entry):
    operation: Literal["swap"]
    these: Annotated[list[Text], Field(min_length=1)]
    those: Annotated[list[Text], Field(min_length=1)]

    def edit(self, crs: pyproj.CRS) -> Edit:  # noqa: ARG002
        return Swap(self.these, self.those)


class _GroupEntry(_Entry):
    atoms: Annotated[list[Annotated[int, Field(ge=0, lt=1 << 53)]], Field(min_length=1)]
    small: Text
    name: Text | None = None


class _StateEntry(_Entry):
    operation: Annotated[int, Field(ge=0)]
    land: Text
    cells: Text


class _AssignEntry(_Entry):
    operation: Literal["assign"]
    made: dict[str, _StateEntry] = {}
    cells: Annotated[list[_GroupEntry], Field(min_length=1)]
    small_names: dict[str, Text] = {}

    def edit(self, crs: pyproj.CRS) -> Edit:  # noqa: ARG002
        made = {code: LandState(**state.model_dump()) for code, state in self.made.items()}
        groups = [AtomGroup(cell.atoms, cell.small, cell.name) for cell in self.cells]
        return Assign(groups, made, self.small_names)


class _NudgeEntry(_Entry):
    operation: Literal["nudge"]
    a: Text
    b: Text
    line: Line | None = None
    buildings: list[Text] = []

    def edit(self, crs: pyproj.CRS) -> Edit:
        return Nudge(self.a, self.b, _line(self.line, crs), self.buildings)


class _RenameEntry(_Entry):
    operation: Literal["rename"]
    cell: Text
    name: str | None

    def edit(self, crs: pyproj.CRS) -> Edit:  # noqa: ARG002
        return Rename(self.cell, self.name)


class _LockEntry(_Entry):
    operation: Literal["lock", "unlock"]
    cell: Text

    def edit(self, crs: pyproj.CRS) -> Edit:  # noqa: ARG002
        return Lock(self.cell) if self.operation == "lock" else Unlock(self.cell)


class _CommentEntry(_Entry):
    operation: Literal["comment"]
    cell: Text
    text: Text

    def edit(self, crs: pyproj.CRS) -> Edit:  # noqa: ARG002
        return Comment(self.cell, self.text)


class _UndoEntry(_Entry):
    operation: Literal["undo"]

    def edit(self, crs: pyproj.CRS) -> Edit:  # noqa: ARG002
        return Undo()


_Any = Annotated[
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
_ENTRY: TypeAdapter[_Any] = TypeAdapter(_Any)


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
