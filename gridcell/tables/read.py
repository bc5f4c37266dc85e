"""Tables without geometry: CSV, XLSX and Parquet, with codes kept as text."""

import io
import warnings
import zipfile
from itertools import zip_longest
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd

from gridcell.errors import Hint, InputError

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
        except UnicodeError:
            continue
        except (LookupError, ValueError):
            raise InputError(f"{path.name}: unknown encoding {name[:40]!r}") from None
        served = "UTF-8" if name == "utf-8-sig" else name.upper()
        return _parse_csv(text.removeprefix("\ufeff"), path), served
    raise InputError(
        f"{path.name}: the text is not in {' nor in '.join(n.upper() for n in tries)}; "
        "name its encoding",
        Hint("encoding"),
    )


def _parse_csv(text: str, path: Path) -> pd.DataFrame:
    header = text.split("\n", 1)[0]
    separator = max(",;\t", key=header.count)
    try:
        # Without a header of its own: pandas then tells of rows with more fields than the first.
        frame = pd.read_csv(
            io.StringIO(text), sep=separator, dtype=str, keep_default_na=False, na_values=[""],
            header=None, skipinitialspace=True,
        )  # fmt: skip
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        said = " ".join(str(error).split())
        raise InputError(f"{path.name}: expected a table with one header row, {said}") from None
    return _with_header(frame)


def _with_header(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows below the first, which names the columns, without those that are empty."""
    names = [
        f"Unnamed: {number}" if pd.isna(name) or not str(name).strip() else str(name).strip()
        for number, name in enumerate(frame.iloc[0] if len(frame) else [])
    ]
    rows = frame.iloc[1:].dropna(how="all").reset_index(drop=True).astype("str")
    rows.columns = pd.Index(names, dtype="str")
    return rows


def read_xlsx(path: Path, sheet: str | None) -> tuple[pd.DataFrame, str]:
    """Return a sheet as a table, every value as text or missing, and the sheet's name.

    Without `sheet` the only sheet that holds anything is read. The first row that is not empty
    names the columns. Numbers are as they show where they show leading zeros: 12 in the format
    ``0000`` is ``0012``. A formula that was saved without its value is the text of the formula.

    Raises
    ------
    InputError
        No workbook, a missing sheet, several sheets and none named, or merged cells below the
        header: nobody can tell whether their value is for one row or for all.
    """
    try:
        with warnings.catch_warnings():
            # Of what openpyxl does not know, nothing is in the cells.
            warnings.simplefilter("ignore")
            rows, sheet, merged = _read_sheet(path, sheet)
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001  openpyxl raises whatever its parsers raise
        raise InputError(f"{path.name}: cannot be read as XLSX, {error}") from None
    if merged:
        raise InputError(
            f"{path.name}#{sheet}: merged cells {', '.join(merged[:5])}"
            f"{' …' if len(merged) > 5 else ''}; unmerge them and fill every row"
        )
    return _with_header(pd.DataFrame(list(zip_longest(*rows)), dtype=object).T), sheet


def _read_sheet(path: Path, name: str | None) -> tuple[list[list[str | None]], str, list[str]]:
    """Return the cells of a sheet from its header on, its name and its merged data cells."""
    # From memory: openpyxl leaves a damaged file open.
    data = path.read_bytes()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = [archive.read(n) for n in archive.namelist() if n.startswith("xl/worksheets/")]
    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    formulas = (
        openpyxl.load_workbook(io.BytesIO(data), read_only=True)
        if any(b"<f" in part for part in parts)
        else None
    )
    try:
        for each in (book, formulas):
            for sheet in each.worksheets if each is not None else []:
                # Some programs write dimensions that are not those of the table.
                sheet.reset_dimensions()
        filled = [
            sheet.title
            for sheet in book.worksheets
            if any(cell.value is not None for row in sheet.iter_rows() for cell in row)
        ]
        if not filled:
            raise InputError(f"{path.name}: the workbook is empty; expected a table in a sheet")
        if name is None and len(filled) == 1:
            name = filled[0]
        if name is None or name not in filled:
            fault = "several sheets" if name is None else f"no sheet {name!r}"
            raise InputError(
                f"{path.name}: {fault}; name one of {', '.join(filled)} as {path.name}#SHEET"
            )
        rows = [[_shown(cell) for cell in row] for row in book[name].iter_rows()]
        if formulas is not None:
            for row, cells in zip(rows, formulas[name].iter_rows(), strict=False):
                for column, cell in enumerate(cells[: len(row)]):
                    if cell.data_type == "f" and row[column] is None:
                        row[column] = f"{cell.value} (a formula without its value)"
    finally:
        book.close()
        if formulas is not None:
            formulas.close()
    head = next(number for number, row in enumerate(rows) if any(v is not None for v in row))
    merged = []
    if any(b"<mergeCell " in part for part in parts):
        ranges = openpyxl.load_workbook(io.BytesIO(data))[name].merged_cells.ranges
        below = sorted(
            (r.bounds[1], r.bounds[0], r.coord) for r in ranges if r.bounds[3] > head + 1
        )
        merged = [coordinates for *_, coordinates in below]
    return rows[head:], name, merged


def _shown(cell: Any) -> str | None:
    value = cell.value
    if value is None or value == "":
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        zeros = str(cell.number_format)
        return str(value).zfill(len(zeros)) if zeros.strip("0") == "" else str(value)
    return str(value)
