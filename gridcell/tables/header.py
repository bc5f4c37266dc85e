"""Where a table begins: the row that names the columns, below titles and remarks."""

import csv
from collections.abc import Sequence
from typing import Any, Final

from gridcell.schema import ALIASES, LAST_ALIASES
from gridcell.tables.names import plain_name

LOOKED_AT: Final = 20
"""Rows among which the header is."""
SEPARATORS: Final = ",;\t"
_KNOWN: Final = frozenset(
    plain_name(alias)
    for table in (ALIASES, LAST_ALIASES)
    for names in table.values()
    for aliases in names.values()
    for alias in aliases
)


def header_row(rows: Sequence[Sequence[Any]]) -> int:
    """Return the number of the row that names the columns.

    The first row that is not empty, unless it fills less of the columns than names do, as titles
    do, and a row below it is full of different texts: known names, where the first fills half.

    Parameters
    ----------
    rows
        The first rows of a table, ``None`` or an empty text where a cell is empty.

    Examples
    --------
    >>> header_row([["Register of 2026", None, None], ["id", "unit", "count"], ["7", "2", "1"]])
    1
    """
    filled = [[str(cell).strip() for cell in row if not _is_empty(cell)] for row in rows]
    first = next((number for number, row in enumerate(filled) if row), 0)
    width = max(map(len, filled), default=0)
    title = filled[first] if filled else []
    if _is_known(title) or (len(title) > 1 and 2 * len(title) >= width):
        return first
    below = [
        number
        for number, row in enumerate(filled)
        if number > first and len(row) > 1 and 2 * len(row) >= width and _names(row)
    ]
    known = [number for number in below if _is_known(filled[number])]
    return next(iter(known or (below if 2 * len(title) < width else [])), first)


def csv_start(lines: Sequence[str]) -> tuple[str, int]:
    """Return the separator of a CSV file, and how many lines come before its header.

    Parameters
    ----------
    lines
        The first lines, with their ends.
    """
    first = next((line for line in lines if line.strip()), "")
    separator = max(SEPARATORS, key=first.count)
    if not first.count(separator):
        # A title alone on its line tells nothing.
        separator = max(SEPARATORS, key=lambda mark: sum(line.count(mark) for line in lines))
    reader = csv.reader(lines, delimiter=separator)
    rows: list[list[str]] = []
    ends: list[int] = [0]
    try:
        for row in reader:
            rows.append(row)
            ends.append(reader.line_num)
    except csv.Error:
        return separator, 0
    return separator, ends[header_row(rows)] if rows else 0


def _is_empty(cell: Any) -> bool:
    return cell is None or not str(cell).strip()


def _names(row: Sequence[str]) -> bool:
    return len(set(row)) == len(row) and not any(_is_number(text) for text in row)


def _is_known(row: Sequence[str]) -> bool:
    return any(plain_name(text) in _KNOWN for text in row)


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", ""))
    except ValueError:
        return False
    return True
