"""Values of columns, whatever file they are from, as text and as numbers."""

import datetime as dt
import re
from typing import Final

import numpy as np
import pandas as pd
import pyarrow.compute as pc
from numpy.typing import NDArray

from gridcell.schema import DAY, MONTH, YEAR
from gridcell.tables.figures import figure_of, says_nothing
from gridcell.texts import arrow_texts, text_bytes

_DATE: Final = re.compile(
    rf"(\d{{4}})(?:[-/.{YEAR}](\d{{1,2}})[-/.{MONTH}](\d{{1,2}}){DAY}?|(\d\d)(\d\d))(?!\d)"
)
_PLAIN: Final = r"[!-\-/-~]+"
"""Texts without blanks and points."""
_PLAIN_BYTES: Final = np.isin(np.arange(256), [*range(ord("!"), ord("~") + 1)])
_PLAIN_BYTES[ord(".")] = False
_MIDNIGHT: Final = re.compile(r"[ T]00:00(:00(\.0*)?)?(Z|[+-]\d\d:?\d\d)?")


def as_text(values: "pd.Series[str]") -> "pd.Series[str]":
    """Return the values as stripped text, missing where there is none; 12.0 becomes ``12``."""
    if values.dtype == "str" and _is_plain(values):
        return values.rename(None)
    values = values.astype(object)
    try:
        codes, distinct = pd.factorize(values, use_na_sentinel=True)
    except TypeError:
        # GeoJSON and Parquet hold lists and objects, too.
        values = values.map(lambda v: str(v) if isinstance(v, list | dict | np.ndarray) else v)
        codes, distinct = pd.factorize(values, use_na_sentinel=True)
    texts = _texts(np.array([*distinct, None], dtype=object))
    taken = texts[codes]
    return pd.Series(taken, index=values.index, dtype=object).astype("str")


def as_number(values: "pd.Series[str]", kind: str = "measures") -> tuple["pd.Series[float]", int]:
    """Return the values as numbers, NaN where they are none, and how many texts did not parse.

    Parameters
    ----------
    values
        A column of any type.
    kind
        Whose units may follow a number, a key of `gridcell.tables.figures.UNITS`.
    """
    texts = as_text(values)
    numbers = pd.to_numeric(texts, errors="coerce").astype("float64")
    odd = texts.notna() & numbers.isna()
    if odd.any():
        known = {text: figure_of(text, kind) for text in texts[odd].unique()}
        numbers[odd] = texts[odd].astype(object).map(known).astype("float64")
        odd &= ~texts.fillna("").map(says_nothing).astype(bool)
    numbers = numbers.where(np.isfinite(numbers))
    return numbers, int((odd & numbers.isna()).sum())


def as_date(text: str) -> str | None:
    """Return a date as ISO 8601 has it, ``None`` for what is none.

    Dates as tables hold them are understood: ``2026-01-31``, ``20260131``, ``2026/1/31``,
    ``2026年1月31日``, and with midnight behind them.
    """
    found = _DATE.match(text)
    if found is None:
        return None
    rest = text[found.end() :]
    if rest and _MIDNIGHT.fullmatch(rest) is None:
        return None
    try:
        return dt.date(*(int(part) for part in found.groups() if part)).isoformat()
    except ValueError:
        return None


def _is_plain(values: "pd.Series[str]") -> bool:
    """Tell whether all texts of a column are plain, which then are as they should be."""
    texts = arrow_texts(values)
    return bool(_PLAIN_BYTES[text_bytes(texts)].all()) and not pc.any(pc.equal(texts, "")).as_py()


def _texts(distinct: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return the text of each value but the last, which is none; plain texts stay as they are."""
    out, values = distinct.copy(), distinct[:-1]
    odd = np.ones(len(values), dtype=bool)
    if pd.api.types.infer_dtype(values, skipna=False) == "string":
        odd = ~pd.Series(values, dtype="str").str.fullmatch(_PLAIN).to_numpy(dtype=bool)
    for at in np.flatnonzero(odd).tolist():
        out[at] = _text(values[at])
    return out


def _text(value: object) -> str | None:
    if isinstance(value, float | np.floating):
        if not np.isfinite(value):
            return str(value)
        return str(int(value)) if value == int(value) else repr(float(value))
    text = str(value).strip()
    head, dot, tail = text.partition(".")
    if dot and tail.strip("0") == "" and head.isdigit() and head.isascii():
        # A table that went through a float column: 450802001013.0
        return head
    return text or None
