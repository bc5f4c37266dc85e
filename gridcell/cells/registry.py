"""Every code ever given: by which operation, what became of it, and which cells are locked."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace

import pandas as pd

from gridcell.errors import InputError
from gridcell.model import InputRecord, Plan, empty_table
from gridcell.schema import CODE_COLUMNS, HISTORY_COLUMNS
from gridcell.words.messages import Message


def register_first(plan: Plan, operation: str = "partition") -> Plan:
    """Return the plan with its codes as given by the first operation on it."""
    codes = _given(plan, 1).sort_values("code", kind="stable", ignore_index=True)
    return replace(
        plan,
        codes=codes,
        history=record(
            empty_table("history"), operation, operation, plan.inputs, {"N": len(codes)}
        ),
    )


def record(
    history: pd.DataFrame,
    operation: str,
    command: str,
    inputs: Iterable[InputRecord],
    changes: Mapping[str, int],
    time: str | None = None,
) -> pd.DataFrame:
    """Return the history with one more operation.

    Parameters
    ----------
    history
        `Plan.history`.
    operation
        ``partition``, ``update``, ``edit``, ``adopt`` or ``staff``.
    command
        What was asked.
    inputs
        The files that it read.
    changes
        How often each event of `gridcell.schema.LINEAGE_EVENTS` came up.
    time
        When, if that is to be told: it makes files differ.
    """
    files = [{"role": r.role, "path": r.path, "layer": r.layer, "sha256": r.sha256} for r in inputs]
    row = {
        "number": int(history["number"].max()) + 1 if len(history) else 1,
        "operation": operation,
        "command": command,
        "inputs": json.dumps(files, ensure_ascii=False),
        "changes": json.dumps(dict(changes)),
        "time": time,
    }
    new = pd.DataFrame({name: [row[name]] for name in HISTORY_COLUMNS})
    new = new.astype({name: "str" for name in HISTORY_COLUMNS if name != "number"})
    return pd.concat([history, new], ignore_index=True)


def carry_codes(
    before: pd.DataFrame,
    plan: Plan,
    lineage: pd.DataFrame,
    operation: int,
    *,
    ended_on: str | None = None,
) -> pd.DataFrame:
    """Return the registry after an operation.

    Parameters
    ----------
    before
        `Plan.codes` before it.
    plan
        The cells after it.
    lineage
        Rows of the operation.
    operation
        Its number.
    ended_on
        The first day on which codes that end are no more valid, where it is known.

    Raises
    ------
    InputError
        A code would end before the day from which it is valid.
    """
    now = _given(plan, operation)
    heirs = lineage[lineage["new"].notna() & lineage["old"].notna()]
    became = heirs.groupby("old")["new"].agg(";".join)
    old = before.copy()
    ended = old["retired"].isna() & ~old["code"].isin(now["code"])
    old.loc[ended, "retired"] = operation
    old.loc[ended, "became"] = old.loc[ended, "code"].map(became)
    old.loc[ended, "locked"] = False
    if ended_on is not None:
        later = old[ended & (old["valid_from"] > ended_on)]
        if len(later):
            code, begin = later[["code", "valid_from"]].iloc[0]
            last = later["valid_from"].max()
            raise InputError(
                Message(
                    "error.ends_before_begin", cell=code, ended=ended_on, begin=begin, last=last
                )
            )
        old.loc[ended, "valid_to"] = ended_on
    fresh = now[~now["code"].isin(old["code"])]
    table = pd.concat([old, fresh], ignore_index=True)
    return table.sort_values("code", kind="stable", ignore_index=True)


def last_numbers(
    codes: pd.DataFrame, small_digits: int, micro_digits: int
) -> tuple[dict[tuple[str, str], int], dict[str, int]]:
    """Return the highest number ever given to small and to micro cells.

    Returns
    -------
    small, micro
        By code of the cell above, and for small cells by type.
    """
    small = codes[codes["level"] == 3]
    number = small["code"].str.slice(-small_digits).astype("int64")
    above = small["code"].str.slice(0, -small_digits)
    of_small: dict[tuple[str, str], int] = {}
    for code, kind, last in zip(above, small["grid_type"], number, strict=True):
        of_small[code, kind] = max(last, of_small.get((code, kind), 0))
    micro = codes[codes["level"] == 4]
    number = micro["code"].str.slice(-micro_digits).astype("int64")
    of_micro = number.groupby(micro["code"].str.slice(0, -micro_digits)).max()
    return of_small, {str(code): int(last) for code, last in of_micro.items()}


def _given(plan: Plan, operation: int) -> pd.DataFrame:
    """Return the codes of a plan's cells as if an operation had given all of them."""
    columns = ["code", "level", "grid_type", "valid_from"]
    cells = pd.concat([plan.small, plan.micro])[columns]
    table = cells.reset_index(drop=True).assign(
        given=operation,
        retired=pd.array([pd.NA] * len(cells), dtype="Int64"),
        became=pd.Series([None] * len(cells), dtype="str"),
        locked=False,
        valid_to=pd.Series([None] * len(cells), dtype="str"),
    )
    return pd.DataFrame(table[list(CODE_COLUMNS)])
