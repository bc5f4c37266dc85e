"""The one way in which a value becomes text in a table, a layer or a sheet."""

import datetime as dt
import json
import math
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import shapely

_WHOLE: Final = 1e21
"""Below it whole floats are written with all their digits, as JavaScript does."""


def written_text(value: object) -> str | None:
    """Return a value as people write it in a table.

    Whole floats are whole numbers, times ISO 8601, durations too, bytes hexadecimal, geometries
    WKT, lists and objects JSON on one line.

    Examples
    --------
    >>> written_text(12.0), written_text([1, 2.5, None]), written_text({"k": "荷"})
    ('12', '[1, 2.5, null]', '{"k": "荷"}')
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float | np.floating):
        number = float(value)
        return str(int(number)) if number.is_integer() and abs(number) < _WHOLE else repr(number)
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, dt.timedelta | np.timedelta64):
        return pd.Timedelta(value).isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, shapely.Geometry):
        return shapely.to_wkt(value, rounding_precision=-1)
    if isinstance(value, list | tuple | dict | np.ndarray):
        return json.dumps(_plain(value), ensure_ascii=False, allow_nan=False)
    return str(value)


def as_texts(values: pa.Array | pa.ChunkedArray) -> pa.ChunkedArray:
    """Return an Arrow column as texts, each as `written_text` writes it."""
    texts = pa.array([written_text(value) for value in values.to_pylist()], pa.string())
    return pa.chunked_array([texts])


def _plain(value: Any) -> Any:
    """Return nested data as JSON knows it."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return None if value is pd.NaT or value is pd.NA else written_text(value)
