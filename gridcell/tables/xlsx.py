"""A sheet of a workbook: its header and rows of values, one after another, however many."""

import io
import re
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

from gridcell.errors import InputError
from gridcell.tables.header import LOOKED_AT, header_row
from gridcell.words.messages import Message, some

_MERGED: Final = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z]+)(\d+):([A-Z]+)(\d+)"')
_FORMULA: Final = re.compile(rb"<(?:\w+:)?f[\s>/]")
_BLOCK: Final = 1 << 20
_OVERLAP: Final = 256
"""Bytes in which an element of these ends."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Sheet:
    """A sheet, opened."""

    name: str
    """Of the file."""
    title: str
    header: list[Any]
    """Values of the row that names the columns."""
    _data: bytes
    _start: int
    """Rows up to the header, that one among them."""
    _formulas: bool

    def rows(self) -> Iterator[list[Any]]:
        """Yield the values below the header, an empty row too: `cell_value`."""
        with _errors(self.name):
            for number, row in enumerate(_rows(self._data, self.title, formulas=self._formulas)):
                if number >= self._start:
                    yield row


def open_sheet(path: Path, title: str | None) -> Sheet:
    """Return a sheet; without a title the only one that holds anything.

    Raises
    ------
    InputError
        No workbook, a missing sheet, several sheets and none named, or merged cells below the
        header: nobody can tell whether their value is for one row or for all.
    """
    with _errors(path.name):
        # From memory: openpyxl leaves a damaged file open.
        data = path.read_bytes()
        title, part = _choose(path.name, data, title)
        marks = _marks(data, part)
        head = list(islice(_rows(data, title, formulas=marks.formulas), LOOKED_AT))
        while not any(value is not None for row in head for value in row):
            head = list(islice(_rows(data, title, formulas=marks.formulas), 2 * len(head)))
        start = header_row(head)
        header, start = head[start], start + 1
        merged = [text for last, _, text in sorted(marks.merged) if last > start]
    if merged:
        raise InputError(
            Message("error.merged_cells", file=path.name, sheet=title, cells=some(merged))
        )
    return Sheet(
        name=path.name, title=title, header=header, _data=data, _start=start,
        _formulas=marks.formulas,
    )  # fmt: skip


def column_names(header: list[Any], width: int) -> list[str]:
    """Return the names in a header row, stripped; ``Unnamed: 3`` for the fourth without one."""
    given = [*header, *[None] * (width - len(header))]
    texts = ["" if name is None else str(name).strip() for name in given]
    return [text or f"Unnamed: {number}" for number, text in enumerate(texts)]


def cell_value(cell: Any) -> Any:
    """Return what a cell shows: a number, a date, a text, or ``None`` where it is empty.

    A whole number is one, whatever its type in the file; in a format of zeros it is the text with
    them: 12 in the format ``0000`` is ``0012``.
    """
    value = cell.value
    if value is None or value == "":
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        zeros = str(cell.number_format)
        return str(value).zfill(len(zeros)) if zeros.strip("0") == "" else value
    return value


@contextmanager
def _errors(name: str) -> Iterator[None]:
    try:
        with warnings.catch_warnings():
            # Of what openpyxl does not know, nothing is in the cells.
            warnings.simplefilter("ignore")
            yield
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001  openpyxl raises whatever its parsers raise
        raise InputError(Message("error.unreadable_xlsx", name=name, error=error)) from None


@contextmanager
def _book(data: bytes, *, values: bool = True) -> Iterator[Any]:
    # It takes .15 s to import, and few tables are workbooks.
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=values)
    try:
        for sheet in book.worksheets:
            # Some programs write dimensions that are not those of the table.
            sheet.reset_dimensions()
        yield book
    finally:
        book.close()


def _choose(name: str, data: bytes, title: str | None) -> tuple[str, str]:
    """Return the title of the sheet to read, and where it is in the archive."""
    with _book(data) as book:
        filled = {
            sheet.title: sheet._worksheet_path  # noqa: SLF001  nothing public tells it
            for sheet in book.worksheets
            if any(value is not None for row in sheet.iter_rows(values_only=True) for value in row)
        }
    if not filled:
        raise InputError(Message("error.workbook_empty", name=name))
    if title is None and len(filled) == 1:
        title = next(iter(filled))
    if title is None or title not in filled:
        fault = (
            Message("fault.several_sheets")
            if title is None
            else Message("fault.no_sheet", name=title)
        )
        raise InputError(Message("error.which_sheet", name=name, fault=fault, sheets=list(filled)))
    return title, str(filled[title]).lstrip("/")


@dataclass(slots=True)
class _Marks:
    """What the reader of rows does not tell."""

    formulas: bool
    merged: set[tuple[int, str, str]]
    """Last row, first column and name of each merged range."""


def _marks(data: bytes, part: str) -> _Marks:
    marks = _Marks(formulas=False, merged=set())
    with zipfile.ZipFile(io.BytesIO(data)) as archive, archive.open(part) as file:
        tail = b""
        while block := file.read(_BLOCK):
            text = tail + block
            marks.formulas = marks.formulas or _FORMULA.search(text) is not None
            for first, top, last, bottom in _MERGED.findall(text):
                name = b"%s%s:%s%s" % (first, top, last, bottom)
                marks.merged.add((int(bottom), first.decode(), name.decode()))
            tail = text[-_OVERLAP:]
    return marks


def _rows(data: bytes, title: str, *, formulas: bool) -> Iterator[list[Any]]:
    """Yield the values of all rows; a formula without its value is its text, and says so."""
    with _book(data) as book:
        shown = ([cell_value(cell) for cell in row] for row in book[title].iter_rows())
        if not formulas:
            yield from shown
            return
        with _book(data, values=False) as written:
            for row, cells in zip(shown, written[title].iter_rows(), strict=False):
                for column, cell in enumerate(cells[: len(row)]):
                    if row[column] is None and cell.data_type == "f":
                        row[column] = f"{cell.value} (a formula without its value)"
                yield row
