"""Codes and figures of a layer: unique, checked, nested, adding up."""

import re
from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely.geometry import Point

from gridcell.cells.iso7064 import check_characters
from gridcell.coverage.layer import CellTable, column_of, find_column
from gridcell.coverage.levels import Levels
from gridcell.model import Finding
from gridcell.schema import ALIASES, CELL_ALIASES
from gridcell.words.messages import Message

SUMMED: Final[dict[str, tuple[str, ...]]] = {
    "households": ALIASES["communities"]["households"],
    "population": ("population", "人口", "总人口", "人口数"),
    "members": ("members", "会员", "会员数"),
}
"""Columns in which the children of a cell add up to it."""

_LABEL: Final = re.compile(r"[0-9A-Za-z]+(?:-[0-9A-Za-z]+)*-[0-9A-Za-z]")
"""A code as `gridcell.cells.codes.label` writes it: segments, then one check character."""


def check_codes(table: CellTable, levels: Levels) -> list[Finding]:
    """Return what is wrong with codes, labels, parents and sums."""
    return [
        *_codes(table),
        *_labels(table),
        *_parents(table, levels),
        *_totals(table, levels),
    ]


def _place(table: CellTable, row: int) -> Point | None:
    shape = table.cover[row]
    return None if shape is None else shapely.point_on_surface(shape)


def _codes(table: CellTable) -> Iterator[Finding]:
    if table.column is None:
        return
    if not table.has_codes:
        if len(table.name):
            yield Finding(
                kind="duplicate_code", severity="warning",
                text=Message("finding.no_codes", column=table.column),
            )  # fmt: skip
        return
    codes = pd.Series(table.code, dtype=object)
    for row in np.flatnonzero(codes.isna()).tolist():
        yield Finding(
            kind="missing_code", severity="error", place=_place(table, row),
            cell=table.title(row),
            text=Message("finding.missing_code", cell=table.name[row], column=table.column),
        )  # fmt: skip
    again = codes.notna() & codes.duplicated(keep=False)
    for code, rows in codes[again].groupby(codes[again]).groups.items():
        labels = tuple(str(table.frame.index[row]) for row in rows)
        yield Finding(
            kind="duplicate_code", severity="error", cell=str(code), measure=float(len(rows)),
            place=_place(table, int(rows[-1])),
            text=Message("finding.duplicate_code", code=code, n=len(rows), rows=labels),
        )  # fmt: skip


def _labels(table: CellTable) -> Iterator[Finding]:
    """Compare check characters, where most labels are written as ours and have a right one."""
    columns = [find_column(table.frame, CELL_ALIASES["label"]), table.column]
    for column in dict.fromkeys(name for name in columns if name is not None):
        text = table.code if column == table.column else table.text((column,))
        assert text is not None  # noqa: S101
        rows = np.array([row for row, t in enumerate(text) if t is not None], dtype=np.int64)
        ours = np.array([_LABEL.fullmatch(text[row]) is not None for row in rows], dtype=bool)
        labels = text[rows[ours]].astype(np.str_)
        if not len(labels):
            continue
        bare = np.char.replace(labels, "-", "")
        wanted = check_characters(np.array([label[:-1] for label in bare], dtype=np.str_))
        right = wanted == np.char.upper(np.array([label[-1] for label in bare], dtype=np.str_))
        if 2 * right.sum() <= len(rows):
            continue
        for row in rows[~ours].tolist():
            yield Finding(
                kind="wrong_check_character", severity="error", cell=table.title(row),
                place=_place(table, row),
                text=Message("finding.label_style", column=column, label=text[row]),
            )  # fmt: skip
        for row, want in zip(rows[ours][~right].tolist(), wanted[~right], strict=True):
            yield Finding(
                kind="wrong_check_character", severity="error", cell=table.title(row),
                place=_place(table, row),
                text=Message(
                    "finding.wrong_check_character", column=column, label=text[row], expected=want
                ),
            )  # fmt: skip


def _parents(table: CellTable, levels: Levels) -> Iterator[Finding]:
    named, parent, rank = levels.named, levels.parent, levels.rank
    if named is None or not (parent >= 0).any():
        return
    code = table.code
    below = np.flatnonzero(parent >= 0)
    begins = np.array(
        [
            code[row] is None or str(code[row]).startswith(code[parent[row]])
            for row in below.tolist()
        ],
        dtype=bool,
    )
    # Codes of which most do not begin with their parent's are of another scheme.
    for row in below[~begins].tolist() if 2 * begins.sum() >= len(begins) else []:
        yield Finding(
            kind="code_not_nested", severity="error", cell=table.title(row),
            others=(table.title(int(parent[row])),), place=_place(table, row),
            text=Message("finding.code_not_nested", cell=table.name[row], parent=named[row]),
        )  # fmt: skip
    for row in range(len(parent)):
        said = None
        if named[row] is not None and parent[row] < 0:
            if named[row] == code[row]:
                said = Message("fault.own_parent")
            elif rank[row] > 0:  # the uppermost level may name parents that are elsewhere
                said = Message("fault.parent_not_in_layer", parent=named[row])
        elif named[row] is None and rank[row] > 0:
            said = Message("fault.no_parent_named")
        elif parent[row] >= 0 and rank[parent[row]] >= rank[row]:
            said = Message("fault.parent_not_above", parent=named[row])
        if said is not None:
            yield Finding(
                kind="wrong_parent", severity="error", cell=table.title(row),
                place=_place(table, row),
                text=Message("finding.named_cell", cell=table.name[row], fault=said),
            )  # fmt: skip


def _totals(table: CellTable, levels: Levels) -> Iterator[Finding]:
    child = np.flatnonzero(levels.parent >= 0)
    if not len(child):
        return
    parent = levels.parent[child]
    parents = np.unique(parent)
    for what, names in SUMMED.items():
        column = find_column(table.frame, names)
        if column is None:
            continue
        values = numbers(column_of(table.frame, column))
        place = np.searchsorted(parents, parent)
        total = np.bincount(place, weights=values[child], minlength=len(parents))
        wrong = np.abs(values[parents] - total) > 1e-9 * np.maximum(1, np.abs(total))
        known = np.isfinite(values[parents]) & np.isfinite(total)
        for at in np.flatnonzero(wrong & known).tolist():
            row = int(parents[at])
            yield Finding(
                kind="totals", severity="error", cell=table.title(row),
                measure=float(abs(values[row] - total[at])), place=_place(table, row),
                text=Message(
                    "finding.layer_totals", cell=table.name[row], given=values[row], column=what,
                    total=total[at],
                ),
            )  # fmt: skip


def numbers(values: "pd.Series[str]") -> NDArray[np.float64]:
    """Return a column as numbers, NaN where there is none."""
    found = pd.to_numeric(values.astype(object), errors="coerce")
    return found.to_numpy(dtype=np.float64, na_value=np.nan)
