"""Cells that no operation may move."""

from collections.abc import Iterable
from typing import Final

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridcell.errors import InputError
from gridcell.files.digest import digest_arrays
from gridcell.model import Finding, Plan, place_of
from gridcell.schema import CELL_COLUMNS, LEVELS, LOAD
from gridcell.words.messages import Message

Mask = NDArray[np.bool_]

_ROUNDING_M2: Final = 1.0
"""Land that the border of a cell may take or leave by rounding."""


def locked_cells(plan: Plan, locked: Iterable[str] = ()) -> Mask:
    """Return which small cells and leaves must stay, one after the other.

    A lock covers a cell and everything inside it. Locks of the registry count always.

    Parameters
    ----------
    plan
        The plan.
    locked
        Further ones: codes of cells or communities, names of levels, or of a column of its cell
        layers that is true for locked cells.

    Raises
    ------
    InputError
        A name that is none of these.
    """
    frames = {level: plan.cells(level) for level in LEVELS}
    codes = set(plan.codes.loc[plan.codes["locked"], "code"])
    for name in locked:
        codes |= _named(frames, name)
    cells = pd.concat([plan.small, plan.leaves])
    inside: Mask = np.zeros(len(cells), dtype=bool)
    for code in (cells["code"], *_ancestors(plan, cells)):
        inside |= code.isin(codes).to_numpy(dtype=bool)
    return inside


def lock_digests(plan: Plan, shut: Mask) -> dict[str, str]:
    """Return by community the digest of the outlines of its leaves that must stay, if it has any.

    Parameters
    ----------
    plan, shut
        The plan, and what `locked_cells` says of it.
    """
    leaves = plan.leaves[shut[len(plan.small) :]]
    return {
        str(community): digest_arrays(
            cells["code"].to_numpy(dtype=object), np.asarray(cells.geometry, dtype=object)
        )
        for community, cells in leaves.groupby("community")
    }


def lock_findings(before: Plan, after: Plan, locked: Mask, lineage: pd.DataFrame) -> list[Finding]:
    """Return what locks made impossible, and which could not be kept.

    Parameters
    ----------
    before, after
        The plans.
    locked
        From `locked_cells`, of `before`.
    lineage
        Of the operation.
    """
    shut = pd.concat([before.small, before.leaves])[locked].drop_duplicates("code")
    shape = shut.set_index("code").geometry
    unchanged = set(lineage.loc[lineage["event"] == "U", "old"])
    cells = pd.concat([after.small, after.micro]).set_index("code", drop=False)
    findings = []
    for code in sorted(shape.index):
        if code not in unchanged:
            text = Message("finding.lock_not_kept", cell=code)
            findings.append(Finding(kind="lock_not_kept", severity="warning", cell=code, text=text))
            continue
        now = cells.geometry[code]
        moved = float(shapely.area(shapely.symmetric_difference(shape[code], now)))
        if moved > _ROUNDING_M2:
            text = Message("finding.lock_border", cell=code, area=moved)
            findings.append(
                Finding(
                    kind="lock_border", severity="note", cell=code, measure=moved,
                    community=cells["community"][code], place=place_of(now), text=text,
                )
            )  # fmt: skip
        if cells["band"].get(code) in ("under", "over"):
            row = cells.loc[code]
            findings.append(
                Finding(
                    kind="locked_out_of_band", severity="warning", cell=code,
                    community=row["community"],
                    measure=float(row[LOAD] if LOAD in row else row["households"]),
                    place=place_of(row["geometry"]),
                    text=(
                        Message("finding.locked_out_of_band_load", cell=code, n=float(row[LOAD]))
                        if LOAD in row
                        else Message(
                            "finding.locked_out_of_band", cell=code, n=int(row["households"])
                        )
                    ),
                )
            )  # fmt: skip
    return findings


def _named(frames: dict[str, pd.DataFrame], name: str) -> set[str]:
    """Return the codes that a name stands for."""
    if name in frames:
        return set(frames[name]["code"])
    found: set[str] = set()
    known = False
    for frame in frames.values():
        same = (frame["code"] == name) | (frame["community"] == name)
        if same.any():
            return set(frame.loc[same, "code"])
        if name in frame and name not in CELL_COLUMNS:
            known = True
            found |= set(frame.loc[_true(frame[name]), "code"])
    if not known:
        raise InputError(Message("error.locked_unknown", name=name))
    return found


def _true(column: "pd.Series[str]") -> Mask:
    text = column.astype("str").str.strip().str.lower()
    return np.asarray(text.isin(["1", "1.0", "true", "yes", "y", "t", "是"]), dtype=bool)


def _ancestors(plan: Plan, cells: pd.DataFrame) -> list["pd.Series[str]"]:
    """Return the codes of the cells above each, level by level."""
    parents = pd.concat([plan.medium, plan.small, plan.micro]).set_index("code")["parent"]
    parents = parents[~parents.index.duplicated()]
    out, above = [], cells["parent"]
    for _ in range(len(LEVELS) - 1):
        out.append(above)
        above = above.map(parents)
    return out
