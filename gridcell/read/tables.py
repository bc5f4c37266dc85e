"""Tables without geometry: CSV, XLSX and Parquet, with codes kept as text."""

import io
from pathlib import Path

import pandas as pd

from gridcell.errors import InputError

TABLE_SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx", ".xlsm")
"""Suffixes read here; Parquet is told from GeoParquet by its metadata."""


def read_csv(path: Path, encoding: str | None) -> tuple[pd.DataFrame, str]:
    """Return the table, every value as text or missing, and the encoding that served.

    Without `encoding`: UTF-8 with or without a byte order mark, UTF-16 with one, else GB18030.

    Raises
    ------
    InputError
        Bytes in none of them, no header, rows of different lengths.
    """
    data = path.read_bytes()
    if encoding is not None:
        tries = [encoding]
    elif data.startswith((b"\xff\xfe", b"\xfe\xff")):
        tries = ["utf-16"]
    else:
        tries = ["utf-8-sig", "gb18030"]
    for name in tries:
        try:
            text = data.decode(name)
        except UnicodeDecodeError:
            continue
        except LookupError:
            raise InputError(f"{path.name}: unknown encoding {name!r}") from None
        served = "UTF-8" if name == "utf-8-sig" else name.upper()
        return _parse_csv(text.removeprefix("\ufeff"), path), served
    raise InputError(
        f"{path.name}: the text is not in {' nor in '.join(n.upper() for n in tries)}; "
        "name its encoding with --encoding"
    )


def _parse_csv(text: str, path: Path) -> pd.DataFrame:
    header = text.split("\n", 1)[0]
    separator = max(",;\t", key=header.count)
    try:
        frame = pd.read_csv(
            io.StringIO(text), sep=separator, dtype=str, keep_default_na=False, na_values=[""],
            index_col=False, skipinitialspace=True,
        )  # fmt: skip
    except (pd.errors.ParserError, pd.errors.EmptyDataError, pd.errors.ParserWarning) as error:
        raise InputError(f"{path.name}: expected a table with one header row, {error}") from None
    frame.columns = frame.columns.str.strip()
    return frame


def read_xlsx(path: Path, sheet: str | None) -> tuple[pd.DataFrame, str]:
    """Return a sheet as a table, every value as text or missing, and the sheet's name.

    Without `sheet` the only sheet that holds anything is read.

    Raises
    ------
    InputError
        No workbook, a missing sheet, or several sheets and none named.
    """
    try:
        book = pd.read_excel(
            path, sheet_name=None, dtype=str, keep_default_na=False, na_values=[""],
            engine="openpyxl",
        )  # fmt: skip
    except Exception as error:  # noqa: BLE001  openpyxl raises whatever its parsers raise
        raise InputError(f"{path.name}: cannot be read as XLSX, {error}") from None
    filled = {str(name): table for name, table in book.items() if len(table.columns)}
    if sheet is None and len(filled) == 1:
        sheet = next(iter(filled))
    if sheet is None or sheet not in filled:
        fault = "several sheets" if sheet is None else f"no sheet {sheet!r}"
        raise InputError(
            f"{path.name}: {fault}; name one of {', '.join(filled) or '(all are empty)'} "
            f"as {path.name}#SHEET"
        )
    frame = filled[sheet]
    frame.columns = frame.columns.astype(str).str.strip()
    return frame, sheet
