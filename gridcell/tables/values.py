"""Values of columns, whatever file they are from, as text and as numbers."""

import numpy as np
import pandas as pd


def as_text(values: "pd.Series[str]") -> "pd.Series[str]":
    """Return the values as stripped text, missing where there is none; 12.0 becomes ``12``."""
    values = values.astype(object)
    try:
        codes, distinct = pd.factorize(values, use_na_sentinel=True)
    except TypeError:
        # GeoJSON and Parquet hold lists and objects, too.
        values = values.map(lambda v: str(v) if isinstance(v, list | dict | np.ndarray) else v)
        codes, distinct = pd.factorize(values, use_na_sentinel=True)
    texts: list[str | None] = [_text(value) for value in distinct]
    taken = np.array([*texts, None], dtype=object)[codes]
    return pd.Series(taken, index=values.index, dtype=object).astype("str")


def as_number(values: "pd.Series[str]") -> tuple["pd.Series[float]", int]:
    """Return the values as numbers, NaN where they are none, and how many texts did not parse."""
    texts = as_text(values)
    numbers = pd.to_numeric(texts, errors="coerce").astype("float64")
    numbers = numbers.where(np.isfinite(numbers))
    return numbers, int((texts.notna() & numbers.isna()).sum())


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
