"""Tables without geometry: CSV, XLSX and Parquet, with codes kept as text."""

from itertools import zip_longest
from pathlib import Path

import pandas as pd

from gridcell.errors import InputError
from gridcell.tables.text import settle_csv
from gridcell.tables.written import written_text
from gridcell.tables.xlsx import column_names, open_sheet
from gridcell.words.messages import Message

TABLE_SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx", ".xlsm")
"""Suffixes read here; Parquet is told from GeoParquet by its metadata."""


def read_csv(path: Path, encoding: str | None) -> tuple[pd.DataFrame, str]:
    """Return the table, every value as text or missing, and the encoding that served.

    Without `encoding`: UTF-8 with or without a byte order mark, UTF-16 with one, else GB18030.
    Titles above the row that names the columns are passed over (`header_row`).

    Raises
    ------
    InputError
        Bytes in none of them, no header, rows of different lengths.
    """
    text = settle_csv(path, encoding)
    try:
        with path.open(encoding=text.encoding, newline="") as stream:
            for _ in range(text.skipped):
                stream.readline()
            # Without a header of its own: pandas then tells of rows longer than the first.
            frame = pd.read_csv(
                stream, sep=text.separator, dtype=str, keep_default_na=False, na_values=[""],
                header=None, skipinitialspace=True,
            )  # fmt: skip
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise InputError(Message("error.table_header", name=path.name, reason=error)) from None
    return _with_header(frame), text.name


def _with_header(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows below the first, which names the columns, without those that are empty."""
    first = frame.iloc[0] if len(frame) else pd.Series([], dtype=object)
    names = column_names(first.astype(object).where(first.notna(), None).tolist(), len(first))
    rows = frame.iloc[1:].dropna(how="all").reset_index(drop=True).astype("str")
    rows.columns = pd.Index(names, dtype="str")
    return rows


def read_xlsx(path: Path, title: str | None) -> tuple[pd.DataFrame, str]:
    """Return a sheet as a table, every value as text or missing, and the sheet's title.

    The first row names the columns, titles above it apart (`header_row`). Numbers are as they show
    where they show leading zeros: 12 in the format ``0000`` is ``0012``. A formula that was saved
    without its value is the text of the formula.

    Raises
    ------
    InputError
        As `open_sheet`.
    """
    sheet = open_sheet(path, title)
    rows = [[written_text(value) for value in row] for row in (sheet.header, *sheet.rows())]
    table = pd.DataFrame(list(zip_longest(*rows)), dtype=object).T
    return _with_header(table), sheet.title
