"""Tables as CSV, XLSX and Parquet, row after row: codes stay text, no cell runs as a formula."""

import csv
import datetime as dt
import itertools
import math
import re
import shutil
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from gridcell.errors import WriteError
from gridcell.files.whole import whole_file
from gridcell.tables.written import as_texts, written_text
from gridcell.words.messages import Message

Chunk: TypeAlias = pd.DataFrame | pa.RecordBatch | pa.Table
"""Some rows of a table."""

TABLE_FORMATS: Final = (".csv", ".xlsx", ".parquet")
SHEET_ROWS: Final = 1_048_576
"""Rows of a sheet, the header among them."""

_RUNS: Final = r"^(?:[\t\r\n]|\s*[=+\-@＝＋－＠])"
"""What a spreadsheet may take for a formula, in the full-width forms of Chinese input too."""
_NUMBER: Final = r"^\s*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\s*$"
_ILLEGAL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_CELL_LENGTH: Final = 32_767
_WIDEST: Final = 60
_SAMPLE: Final = 200
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)


def write_table(
    rows: Chunk | Iterable[Chunk],
    path: str | Path,
    *,
    text: Iterable[str] = (),
    overwrite: bool = False,
    bom: bool = False,
) -> int:
    r"""Write a table in the format that the file's suffix names; return its number of rows.

    The same rows give the same bytes. CSV is UTF-8 with commas and ``\n``; a text that a
    spreadsheet could run as a formula gets an apostrophe in front (`safe_text`). In XLSX texts are
    cells of type text, whatever they begin with.

    Parameters
    ----------
    rows
        A frame, or frames (record batches) with the same columns, one after another: only one of
        them is in memory at a time. An index is not written.
    path
        A ``.csv``, ``.xlsx`` or ``.parquet`` file; appears whole or not at all.
    text
        Columns that are written as text whatever they hold, such as codes.
    overwrite
        Replace a file that is there already.
    bom
        Begin CSV with a byte order mark, by which Excel knows UTF-8.

    Raises
    ------
    WriteError
        Another suffix, a file in the way, more rows than a sheet has.
    """
    file = Path(path)
    if file.suffix.lower() not in TABLE_FORMATS:
        raise WriteError(
            Message(
                "error.table_format", file=file, suffix=file.suffix, formats=list(TABLE_FORMATS)
            )
        )
    if file.suffix.lower() == ".xlsx":
        return write_workbook({"Sheet1": rows}, file, text=text, overwrite=overwrite)
    with whole_file(file, overwrite=overwrite) as part:
        tables = _tables(rows, frozenset(text))
        if file.suffix.lower() == ".parquet":
            return _write_parquet(tables, part)
        return _write_csv(tables, part, bom=bom)


def write_workbook(
    sheets: Mapping[str, Chunk | Iterable[Chunk]],
    path: str | Path,
    *,
    text: Iterable[str] = (),
    overwrite: bool = False,
) -> int:
    r"""Write an XLSX file with one sheet a table; return the number of rows in all.

    The header row is bold, stays in sight and has filters. Characters that no workbook may hold
    become U+FFFD. Parameters are those of `write_table`; the keys of `sheets` are the titles, at
    most 31 characters without any of ``[]:*?/\``.

    Raises
    ------
    WriteError
        A file in the way, more rows than a sheet has.
    """
    # They take .15 s to import, and few tables are workbooks.
    import openpyxl
    from openpyxl.writer.excel import ExcelWriter

    texts = frozenset(text)
    with whole_file(path, overwrite=overwrite) as part:
        book = openpyxl.Workbook(write_only=True)
        book.properties.created = book.properties.modified = dt.datetime(*_EPOCH)  # noqa: DTZ001
        written = 0
        try:
            for title, rows in sheets.items():
                sheet = book.create_sheet(title)
                written += _fill(sheet, _tables(rows, texts), Path(path).name)
            with _StillZip(part, "w", zipfile.ZIP_DEFLATED) as archive:
                ExcelWriter(book, archive).write_data()
        except BaseException:
            _abandon(book)
            raise
    return written


def _abandon(book: Any) -> None:
    """Close the temporary files of a workbook that is not saved: left open, they end in noise."""
    for sheet in book.worksheets:
        with suppress(Exception):
            sheet.close()
        with suppress(Exception):
            sheet._writer.cleanup()  # noqa: SLF001  nothing public removes it


def safe_text(values: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Return texts that no spreadsheet runs: with an apostrophe in front of those it could.

    These begin with ``=``, ``+``, ``-`` or ``@``, plain or full-width, after any spaces, or with a
    tab or line break. Plain numbers such as ``-0.15`` stay as they are.
    """
    runs = pc.and_not(
        pc.match_substring_regex(values, _RUNS), pc.match_substring_regex(values, _NUMBER)
    )
    if not pc.any(runs).as_py():
        return values
    return pc.if_else(runs, pc.binary_join_element_wise("'", values, ""), values)


def as_table(rows: Chunk, text: frozenset[str] = frozenset()) -> pa.Table:
    """Return the rows as an Arrow table; columns in `text`, and those of mixed kinds, as texts."""
    if isinstance(rows, pa.RecordBatch):
        rows = pa.Table.from_batches([rows])
    if isinstance(rows, pa.Table):
        names = rows.column_names
        columns = [_typed(rows.column(k), as_text=name in text) for k, name in enumerate(names)]
    else:
        names = [str(name) for name in rows.columns]
        columns = [_column(rows.iloc[:, k], as_text=n in text) for k, n in enumerate(names)]
    return pa.Table.from_arrays(columns, names=names)


def _column(values: "pd.Series[Any]", *, as_text: bool) -> pa.Array:
    if not as_text:
        try:
            return _typed(pa.array(values, from_pandas=True), as_text=False)
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            pass  # kinds are mixed
    plain = values.astype(object)
    return pa.array(
        [
            None if missing else written_text(v)
            for v, missing in zip(plain, values.isna(), strict=True)
        ],
        pa.string(),
    )


def _typed(values: Any, *, as_text: bool) -> Any:
    kind = values.type
    if pa.types.is_dictionary(kind):
        values = values.cast(kind.value_type)
        kind = values.type
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return values.cast(pa.string())
    if pa.types.is_null(kind):
        return values.cast(pa.string())
    if as_text and not pa.types.is_string(kind):
        return as_texts(values)
    return values


def _tables(rows: Chunk | Iterable[Chunk], text: frozenset[str]) -> Iterator[pa.Table]:
    chunks = [rows] if isinstance(rows, pd.DataFrame | pa.RecordBatch | pa.Table) else rows
    for chunk in chunks:
        yield as_table(chunk, text)


def _write_parquet(tables: Iterator[pa.Table], part: Path) -> int:
    first = next(tables, pa.table({}))
    written = 0
    with pq.ParquetWriter(part, first.schema) as writer:
        for table in itertools.chain([first], tables):
            writer.write_table(table.cast(first.schema))
            written += table.num_rows
    return written


def _write_csv(tables: Iterator[pa.Table], part: Path, *, bom: bool) -> int:
    written = 0
    with part.open("w", encoding="utf-8-sig" if bom else "utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        for number, table in enumerate(tables):
            if number == 0:
                writer.writerow(safe_text(pa.array(table.column_names, pa.string())).to_pylist())
            writer.writerows(zip(*(_csv_values(c) for c in table.columns), strict=True))
            written += table.num_rows
    return written


def _csv_values(column: pa.ChunkedArray) -> Iterable[object]:
    kind = column.type
    if pa.types.is_string(kind):
        # Missing values and empty ones look alike in CSV.
        values: NDArray[np.object_] = safe_text(column).to_numpy()
        return values
    items: list[object] = column.to_pylist()
    if pa.types.is_integer(kind):
        return items
    if pa.types.is_floating(kind):
        return [None if isinstance(v, float) and math.isnan(v) else written_text(v) for v in items]
    safe: list[object] = safe_text(
        pa.array([written_text(v) for v in items], pa.string())
    ).to_pylist()
    return safe


class _StillZip(zipfile.ZipFile):
    """An archive in which every file is as old as the format: the same bytes at any time."""

    def writestr(self, zinfo_or_arcname: Any, data: Any, *args: Any, **options: Any) -> None:
        super().writestr(self._info(str(zinfo_or_arcname)), data, *args, **options)

    def write(self, filename: Any, arcname: Any = None, *_args: Any, **_options: Any) -> None:
        with Path(filename).open("rb") as file, self.open(self._info(str(arcname)), "w") as out:
            shutil.copyfileobj(file, out)

    def _info(self, name: str) -> zipfile.ZipInfo:
        info = zipfile.ZipInfo(name.lstrip("/"), _EPOCH)
        info.compress_type, info.create_system = zipfile.ZIP_DEFLATED, 0
        return info


def _fill(sheet: Any, tables: Iterator[pa.Table], name: str) -> int:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    first = next(tables, None)
    if first is None or not first.num_columns:
        return 0
    sheet.freeze_panes = "A2"
    for number, column in enumerate(first.columns, start=1):
        title = first.column_names[number - 1]
        cells = [title, *(written_text(v) or "" for v in column.slice(0, _SAMPLE).to_pylist())]
        letter = get_column_letter(number)
        sheet.column_dimensions[letter].width = min(max(map(_shown_width, cells)) + 3, _WIDEST)
    put = _cell_maker(sheet)
    bold = Font(bold=True)
    header = []
    for title in first.column_names:
        cell = WriteOnlyCell(sheet)
        cell._value, cell.data_type = _legal(title), "s"  # noqa: SLF001  its setter sees formulas
        cell.font = bold
        header.append(cell)
    sheet.append(header)
    written = 0
    for table in itertools.chain([first], tables):
        written += table.num_rows
        if written >= SHEET_ROWS:
            raise WriteError(Message("error.sheet_too_many_rows", name=name, most=SHEET_ROWS - 1))
        columns = [_sheet_values(column) for column in table.columns]
        for row in zip(*columns, strict=True):
            sheet.append(put(row))
    sheet.auto_filter.ref = f"A1:{get_column_letter(first.num_columns)}{written + 1}"
    return written


def _cell_maker(sheet: Any) -> Callable[[tuple[Any, ...]], Iterator[Any]]:
    """Return a function from values to cells; one cell serves all texts, as openpyxl's own does."""
    from openpyxl.cell import WriteOnlyCell

    plain, guarded = WriteOnlyCell(sheet), WriteOnlyCell(sheet)
    for cell in (plain, guarded):
        cell.data_type, cell.number_format = "s", "@"
    # As if typed with an apostrophe: editing such a cell does not make it a formula either.
    guarded.quotePrefix = True
    runs = re.compile(_RUNS)

    def put(row: tuple[Any, ...]) -> Iterator[Any]:
        for value in row:
            if not isinstance(value, str):
                yield value
            elif not value:
                yield None
            else:
                cell = guarded if runs.match(value) else plain
                cell._value = _legal(value)  # noqa: SLF001  its setter sees formulas in texts
                yield cell

    return put


def _sheet_values(column: pa.ChunkedArray) -> list[Any]:
    kind, values = column.type, column.to_pylist()
    if pa.types.is_string(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        # Beyond 15 digits a sheet would round.
        return [written_text(v) if type(v) is int and abs(v) >= 10**15 else v for v in values]
    if pa.types.is_floating(kind):
        return [v if v is not None and np.isfinite(v) else None for v in values]
    if pa.types.is_date(kind) or (pa.types.is_timestamp(kind) and kind.tz is None):
        return [v.to_pydatetime(warn=False) if isinstance(v, pd.Timestamp) else v for v in values]
    return [written_text(value) for value in values]


def _legal(text: str) -> str:
    if len(text) > _CELL_LENGTH:
        raise WriteError(
            Message("error.sheet_long_text", length=len(text), most=_CELL_LENGTH, start=text[:30])
        )
    return _ILLEGAL.sub("\ufffd", text)


def _shown_width(text: str) -> int:
    """Return the width in Latin letters; Chinese ones are twice as wide."""
    return sum(2 if ord(letter) > 0x2E7F else 1 for letter in text[:_WIDEST])
