"""What became of a code over all operations on a plan, and where it came from."""

from dataclasses import dataclass

import pandas as pd

from gridcell.arguments import checked
from gridcell.errors import InputError
from gridcell.model import Plan
from gridcell.schema import LINEAGE_COLUMNS
from gridcell.words.messages import Message


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class CodeTrace:
    """The life of a code.

    Examples
    --------
    `plan` is that of the example of `make_plan`.

    >>> import gridcell
    >>> trace = gridcell.trace_code(plan, plan.micro["code"].iloc[0])
    >>> trace.in_use, trace.given, trace.retired, len(trace.origins)
    (True, 1, None, 0)
    """

    code: str
    level: int
    grid_type: str
    given: int
    """Number of the operation that gave it."""
    retired: int | None
    """Number of the operation that ended it; ``None`` while in use."""
    origins: pd.DataFrame
    """`gridcell.schema.LINEAGE_COLUMNS`: what led to it, codes before those included, the first
    operation first. Operations that left a code as it was are not in it."""
    heirs: pd.DataFrame
    """The same of what became of its land, up to the codes of today."""

    @property
    def in_use(self) -> bool:
        """Whether a cell has it."""
        return self.retired is None


@checked
def trace_code(plan: Plan, code: str) -> CodeTrace:
    """Return where a code came from and what became of it.

    Parameters
    ----------
    plan
        The plan, with its codes and lineage.
    code
        A code of a small or micro cell, of today or of any time before.

    Raises
    ------
    InputError
        The code was never given.

    Examples
    --------
    `plan` is that of the example of `make_plan`.

    >>> import gridcell
    >>> gridcell.trace_code(plan, plan.small["code"].iloc[0]).heirs.empty
    True
    """
    known = plan.codes[plan.codes["code"] == code]
    if known.empty:
        # A plan of an earlier version knows the codes in use alone.
        cells = pd.concat([plan.small, plan.micro])
        known = cells[cells["code"] == code].assign(given=1, retired=pd.NA)
    if known.empty:
        raise InputError(Message("error.code_never_given", code=code))
    row = known.iloc[0]
    moves = plan.lineage[plan.lineage["event"] != "U"]
    return CodeTrace(
        code=code,
        level=int(row["level"]),
        grid_type=str(row["grid_type"]),
        given=int(row["given"]),
        retired=None if pd.isna(row["retired"]) else int(row["retired"]),
        origins=_chain(moves, code, back=True),
        heirs=_chain(moves, code, back=False),
    )


def _chain(moves: pd.DataFrame, code: str, *, back: bool) -> pd.DataFrame:
    """Return the rows that lead to a code, or on from it, operation by operation."""
    here, there = ("new", "old") if back else ("old", "new")
    reached = {code}
    found = []
    for number in sorted(moves["operation"].unique(), reverse=back):
        rows = moves[(moves["operation"] == number) & moves[here].isin(reached)]
        found.append(rows)
        left = set(rows[here])
        reached = (reached - left) | set(rows[there].dropna())
    table = pd.concat(found) if found else moves.iloc[:0]
    return table[list(LINEAGE_COLUMNS)].sort_index().reset_index(drop=True)
