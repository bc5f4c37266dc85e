"""Columns of a file that loads are counted from: those that the rules name and are not ours."""

import pandas as pd

from gridcell.errors import InputError
from gridcell.model import Finding
from gridcell.read.aliases import Columns
from gridcell.read.files import Source
from gridcell.rules import Rules
from gridcell.tables.values import as_number
from gridcell.words.messages import Message
from gridcell.workload import OF_BUILDINGS, columns_told


def read_load_columns(
    source: Source, rules: Rules, role: str
) -> tuple[dict[str, "pd.Series[float]"], list[Finding]]:
    """Return the numbers of the columns in `Rules.load` that are none of ours, by their names.

    Parameters
    ----------
    source, rules, role
        The input, the rules, which input it is.

    Raises
    ------
    InputError
        A column that the file lacks or that holds no number, with the columns there are.
    """
    numbers: dict[str, pd.Series[float]] = {}
    findings: list[Finding] = []
    workload = rules.workload
    if workload is None:
        return numbers, findings
    columns = Columns(source, role)
    mapping = rules.fields.get(role, {})
    for name in workload.names:
        if name in OF_BUILDINGS:
            continue
        column = columns.called(name, mapping.get(name, name))
        if column is None:
            raise InputError(
                Message(
                    "error.load_column", label=source.label, column=mapping.get(name, name),
                    load=rules.load, columns=columns_told(columns.names),
                )
            )  # fmt: skip
        numbers[name], unread = as_number(source.frame[column])
        if numbers[name].isna().all() and len(numbers[name]):
            raise InputError(
                Message("error.load_no_numbers", label=source.label, column=column, load=rules.load)
            )
        if unread:
            findings.append(
                Finding(
                    kind="unread_values", severity="note", measure=float(unread),
                    text=Message(
                        "finding.unread_values", label=source.label, n=unread, column=column
                    ),
                )
            )  # fmt: skip
    return numbers, findings
