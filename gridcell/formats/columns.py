"""Columns made to fit what a vector format can hold: nothing is cut, shifted or dropped unsaid."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa

from gridcell.errors import WriteError
from gridcell.tables.written import as_texts, written_text
from gridcell.words.messages import Message

_CASELESS: Final = {"GPKG": "a GeoPackage", "ESRI Shapefile": "a shapefile"}
"""Formats in which names that differ by case alone are one name."""

_DIGITS: Final = 15
"""Decimal digits that a double keeps."""


def require_names(names: Iterable[str], driver: str, path: Path) -> None:
    """Raise `WriteError` where the format takes two columns for one."""
    if driver not in _CASELESS:
        return
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.casefold(), name)
        if other != name:
            raise WriteError(
                Message(
                    "error.columns_differ_by_case",
                    path=path,
                    a=other,
                    b=name,
                    format=_CASELESS[driver],
                )
            )


def geopackage_names(names: Iterable[str]) -> dict[str, str]:
    """Return the layer options that name the columns of ids and geometries as no other is."""
    taken = {name.casefold() for name in names}
    options = {}
    for option, wanted in (("FID", "gridcell_fid"), ("GEOMETRY_NAME", "geom")):
        name = wanted
        while name in taken:
            name = f"cell_{name}"
        options[option] = name
        taken.add(name)
    return options


def fit_frame(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the frame with values that GDAL writes as they are.

    Lists and objects become JSON, further geometries WKT, durations ISO 8601, whole numbers beyond
    64 bits text.
    """
    out = frame.reset_index(drop=True)
    for place, name in enumerate(frame.columns):
        if name == frame.active_geometry_name:
            continue
        column = out.iloc[:, place]
        if not _is_held(column):
            out = out.assign(**{str(name): _texts(column)})
    return out


def nested_frame(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the frame with values that Parquet holds: as they are, or text where kinds are mixed.

    Lists, objects and further geometries stay what they are.
    """
    out = frame.reset_index(drop=True)
    for name in [name for name in out if pd.api.types.is_object_dtype(out[name].dtype)]:
        try:
            pa.array(out[name], from_pandas=True)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
            out = out.assign(**{str(name): _texts(out[name])})
    return out


def fit_table(table: pa.Table, zones: dict[str, str]) -> pa.Table:
    """Return the rows in types that GDAL reads from Arrow as they are.

    As `fit_frame`. Times of a zone get one offset from UTC, that of their first, where `zones` does
    not name another.

    Parameters
    ----------
    table
        Some rows.
    zones
        By column, the offset; filled with the first rows, obeyed with all others. By ``*``, that
        of all columns: a GeoPackage holds times in UTC.
    """
    columns = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        kind = column.type
        if pa.types.is_dictionary(kind):
            column = column.cast(kind.value_type)
            kind = column.type
        if pa.types.is_null(kind) or kind == pa.string_view():
            column = column.cast(pa.string())
        elif kind == pa.binary_view():
            column = column.cast(pa.binary())
        elif pa.types.is_timestamp(kind) and kind.tz is not None:
            zone = zones.get("*") or zones.setdefault(name, _offset(column))
            column = column.cast(pa.timestamp(kind.unit, zone))
        elif not _is_read(kind):
            column = as_texts(column)
        columns.append(column)
    return pa.Table.from_arrays(columns, names=table.column_names)


def _texts(column: "pd.Series[Any]") -> "pd.Series[str]":
    texts = [
        None if gone else written_text(value)
        for value, gone in zip(column.astype(object), _missing(column), strict=True)
    ]
    return pd.Series(texts, index=column.index, dtype="str")


def _is_held(column: "pd.Series[Any]") -> bool:
    kind = column.dtype
    if isinstance(column, gpd.GeoSeries) or isinstance(
        kind, pd.CategoricalDtype | pd.PeriodDtype | pd.IntervalDtype
    ):
        return False
    if pd.api.types.is_timedelta64_dtype(kind) or pd.api.types.is_complex_dtype(kind):
        return False
    if pd.api.types.is_unsigned_integer_dtype(kind):
        return bool((column.dropna() < 2**63).all())
    if pd.api.types.is_object_dtype(kind):
        return all(isinstance(value, str) for value in column[~_missing(column)])
    if isinstance(kind, pd.ArrowDtype):
        return _is_read(kind.pyarrow_dtype) and not pa.types.is_null(kind.pyarrow_dtype)
    return True


def _missing(column: "pd.Series[Any]") -> Any:
    return np.asarray(column.isna(), dtype=bool)


def _is_read(kind: pa.DataType) -> bool:
    """Tell whether GDAL reads a type of Arrow, and keeps its values."""
    if pa.types.is_decimal(kind):
        return bool(kind.precision <= _DIGITS)
    return bool(
        not pa.types.is_nested(kind)
        and not pa.types.is_duration(kind)
        and not pa.types.is_interval(kind)
        and not pa.types.is_uint64(kind)
    )


def _offset(column: pa.ChunkedArray) -> str:
    """Return the offset from UTC of the first time: ``+08:00``."""
    first = column.drop_null().slice(0, 1).to_pylist()
    if not first:
        return "UTC"
    offset = first[0].utcoffset()
    minutes = int(offset.total_seconds() // 60)
    if offset.total_seconds() % 60 or not minutes:
        return "UTC"
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
