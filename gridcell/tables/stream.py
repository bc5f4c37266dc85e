"""CSV, XLSX and Parquet as a stream of Arrow tables; text stays text."""

import csv
import datetime as dt
import itertools
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pyproj
import shapely

from gridcell.errors import InputError
from gridcell.tables.text import CsvText, settle_csv
from gridcell.tables.written import written_text
from gridcell.tables.xlsx import column_names, open_sheet
from gridcell.words.messages import Message, quoted

_BLOCK: Final = 2 << 20
_SHEET_BATCH: Final = 8_192


def csv_batches(path: Path, encoding: str | None) -> tuple[Iterator[pa.Table], bool]:
    """Return the rows, every value as text exactly as written, and whether there is a BOM.

    Without `encoding`: UTF-8 with or without a byte order mark, UTF-16 with one, else GB18030.

    Raises
    ------
    InputError
        Bytes in none of them, no header, rows of different lengths.
    """
    text = settle_csv(path, encoding)
    try:
        names = next(csv.reader(text.head[text.skipped :], delimiter=text.separator), [])
    except csv.Error as error:
        raise InputError(Message("error.header_unreadable", name=path.name, error=error)) from None
    if not any(name.strip() for name in names):
        raise InputError(Message("error.table_no_header", name=path.name))
    return _csv_tables(path, text, names), text.has_bom


def _csv_tables(path: Path, text: CsvText, names: list[str]) -> Iterator[pa.Table]:
    unique = [str(k) for k in range(len(names))]
    try:
        # Given a path, pyarrow maps the file, and all of it counts as memory in the end.
        with pa.OSFile(str(path)) as file, pacsv.open_csv(
            file,
            read_options=pacsv.ReadOptions(
                use_threads=False, block_size=_BLOCK, column_names=unique, skip_rows_after_names=1,
                # Arrow passes over the mark of UTF-8 by itself.
                encoding=text.encoding.removesuffix("-sig"), skip_rows=text.skipped,
            ),
            parse_options=pacsv.ParseOptions(delimiter=text.separator, newlines_in_values=True),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(unique, pa.string()), strings_can_be_null=False,
            ),
        ) as reader:  # fmt: skip
            for batch in reader:
                yield pa.Table.from_batches([batch]).rename_columns(names)
    except (pa.ArrowException, UnicodeError) as error:
        raise InputError(
            Message("error.unreadable_csv", name=path.name, reason=_said(error))
        ) from None


def _said(error: Exception) -> Message:
    return quoted(error, " ".join(str(error).removeprefix("CSV parse error: ").split())[:300])


def parquet_batches(
    path: Path, rows: int
) -> tuple[Iterator[pa.Table], str | None, pyproj.CRS | None]:
    """Return the rows, the name of the geometry column (or ``None``) and its CRS.

    Further geometry columns are texts, WKT: layers have one, and tables none.

    Raises
    ------
    InputError
        No Parquet, or geometry in another encoding than WKB.
    """
    try:
        file = pq.ParquetFile(path)
        geo = json.loads((file.schema_arrow.metadata or {}).get(b"geo", b"null"))
        name, encoding, crs = None, "WKB", None
        others: list[str] = []
        if geo is not None:
            name = geo["primary_column"]
            encoding = geo["columns"][name]["encoding"]
            others = [
                other
                for other, told in geo["columns"].items()
                if other != name and told["encoding"] == "WKB"
            ]
            # The format's default is longitude and latitude in WGS 84.
            crs = pyproj.CRS.from_user_input(geo["columns"][name].get("crs") or "OGC:CRS84")
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            Message("error.unreadable_parquet", name=path.name, reason=_said(error))
        ) from None
    if encoding != "WKB":
        raise InputError(Message("error.parquet_geometry", name=path.name, encoding=encoding))
    tables = (
        _with_wkt(pa.Table.from_batches([batch]).replace_schema_metadata(None), others)
        for batch in file.iter_batches(batch_size=rows)
    )
    return tables, name, crs


def _with_wkt(table: pa.Table, names: list[str]) -> pa.Table:
    for name in names:
        shapes = shapely.from_wkb(table.column(name).to_numpy(), on_invalid="ignore")
        texts = pa.array([written_text(shape) for shape in shapes], pa.string())
        table = table.set_column(table.column_names.index(name), name, texts)
    return table


def sheet_batches(path: Path, title: str | None) -> Iterator[pa.Table]:
    """Return the rows of a sheet: numbers, dates and texts as they are in it.

    The sheet is read twice, so that a column has one type from its first row to its last: that of
    its values, or text where they are mixed. Empty rows stay, but for those at the end.

    Raises
    ------
    InputError
        As `gridcell.tables.xlsx.open_sheet`.
    """
    sheet = open_sheet(path, title)
    kinds: list[set[str]] = [set() for name in sheet.header]
    count = 0
    for number, row in enumerate(sheet.rows(), start=1):
        kinds += [set() for _ in range(len(row) - len(kinds))]
        for kind, value in zip(kinds, row, strict=False):
            kind.add(_kind(value))
        if any(value is not None for value in row):
            count = number
    while kinds and kinds[-1] <= {"none"} and len(kinds) > _last_name(sheet.header):
        kinds.pop()
    names = column_names(sheet.header[: len(kinds)], len(kinds))
    fields = [pa.field(n, _arrow_type(kind)) for n, kind in zip(names, kinds, strict=True)]
    return _sheet_tables(itertools.islice(sheet.rows(), count), pa.schema(fields))


def _last_name(header: list[Any]) -> int:
    return max((place for place, name in enumerate(header, 1) if name is not None), default=0)


def _sheet_tables(rows: Iterator[list[Any]], schema: pa.Schema) -> Iterator[pa.Table]:
    while block := list(itertools.islice(rows, _SHEET_BATCH)):
        columns = itertools.zip_longest(*(row[: len(schema)] for row in block))
        filled = itertools.islice(itertools.chain(columns, itertools.repeat(())), len(schema))
        arrays = [
            _array(values or [None] * len(block), field.type)
            for values, field in zip(filled, schema, strict=True)
        ]
        yield pa.Table.from_arrays(arrays, schema=schema)


def _array(values: Iterable[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_string(kind):
        return pa.array([written_text(value) for value in values], kind)
    return pa.array(values, kind)


def _kind(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int" if abs(value) < 2**63 else "text"
    if isinstance(value, float):
        return "float"
    return "date" if isinstance(value, dt.datetime) else "text"


def _arrow_type(kinds: set[str]) -> pa.DataType:
    found = kinds - {"none"}
    if found <= {"int"} and found:
        return pa.int64()
    if found <= {"int", "float"} and found:
        return pa.float64()
    single = {"bool": pa.bool_(), "date": pa.timestamp("us")}
    return single[found.pop()] if len(found) == 1 and found <= set(single) else pa.string()
