"""Ids of rows: as given, unique, and not spoilt by spreadsheets."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

import numpy as np
import pandas as pd

from gridcell.errors import InputError
from gridcell.model import Finding
from gridcell.read.files import Source
from gridcell.words.messages import Message, Value, some

_SCIENTIFIC: Final = r"[+-]?\d(?:\.\d+)?[eE]\+\d+"
_LONG_ID: Final = r"\d{16,}"
_EXACT_DIGITS: Final = 15
"""Digits of a number that spreadsheet programs keep."""
_EXACT: Final = 2**53
"""Whole numbers up to this one are exact as floating-point numbers."""
_ENOUGH: Final = 2
"""Rows with long numbers, all of them round, that are no accident."""
_MOST_DIGITS: Final = 40
_DENSE: Final = 3
"""Running numbers use at least one in so many."""
_LISTED: Final = 5


def exact_ids(
    ids: "pd.Series[str]", source: Source, what: str, column: str | None = None
) -> "pd.Series[str]":
    """Return the ids, those in scientific notation with their digits where all of them are there.

    ``1.10101001001E+11`` is 110101001001; of ``1.10101E+11`` six digits are lost.

    Parameters
    ----------
    ids
        Texts, missing where there is none.
    source
        The input, for messages.
    what
        Our name of the column.
    column
        Its name in the file.

    Raises
    ------
    InputError
        Naming the first id whose digits are lost.
    """
    odd = ids.str.fullmatch(_SCIENTIFIC).fillna(value=False).astype(bool)
    if not odd.any():
        return ids
    mended = ids.where(~odd, ids[odd].map(_in_digits)).astype("str")
    bad = np.flatnonzero(odd & mended.isna())
    if len(bad):
        called: Value = what
        if column is not None and column != what:
            called = Message("part.called_column", name=what, column=column)
        raise InputError(
            Message(
                "error.scientific_ids",
                label=source.label,
                called=called,
                given=ids.iloc[bad[0]],
                row=bad[0] + 1,
                n_rows=len(bad),
            )
        )
    return mended


def _in_digits(text: str) -> str | None:
    """Return a number in scientific notation in digits, ``None`` where it does not tell all."""
    mantissa, _, exponent = text.upper().lstrip("+").partition("E")
    tail = mantissa.partition(".")[2]
    if len(tail) < int(exponent) or int(exponent) > _MOST_DIGITS:
        return None
    number = Decimal(text)
    return str(int(number)) if number == int(number) else None


def rounded_ids(ids: "pd.Series[str]", source: Source, what: str) -> list[Finding]:
    """Return the finding that ids were rounded by a spreadsheet program.

    Numbers of more than 15 digits lose the rest there: to zeros, or to what a floating-point number
    can hold. Single ones may be so by themselves; all of them are not.

    Parameters
    ----------
    ids
        Texts, missing where there is none.
    source
        The input, for messages.
    what
        Our name of the column.
    """
    is_long = ids.str.fullmatch(_LONG_ID).fillna(value=False)
    long = ids[is_long].unique().tolist()
    if is_long.sum() < _ENOUGH or not (
        all(not text[_EXACT_DIGITS:].strip("0") for text in long)
        or all(int(text) > _EXACT and int(float(text)) == int(text) for text in long)
    ):
        return []
    return [
        Finding(
            kind="rounded_id", severity="warning", measure=float(is_long.sum()),
            text=Message(
                "finding.rounded_id", label=source.label, n=is_long.sum(), column=what,
                digits=_EXACT_DIGITS, example=long[0],
            ),
        )
    ]  # fmt: skip


def short_codes(codes: "pd.Series[str]", source: Source) -> list[Finding]:
    """Return the finding that codes may have lost the zeros they began with.

    They are digits, most of them of one length, and the others shorter. Running numbers, which have
    most numbers between the least and the greatest, are shorter at their beginning.

    Parameters
    ----------
    codes
        Codes of communities, all of them there.
    source
        The input, for messages.
    """
    if not codes.str.fullmatch(r"[0-9]+").all() or not len(codes):
        return []
    lengths = codes.str.len()
    longest = int(lengths.max())
    short = codes[lengths < longest]
    numbers = codes.map(int)
    is_running = len(codes) * _DENSE > numbers.max() - numbers.min()
    if not 0 < len(short) < len(codes) / 2 or is_running or longest > _MOST_DIGITS:
        return []
    example = short.iloc[0]
    return [
        Finding(
            kind="short_code", severity="warning", measure=float(len(short)),
            text=Message(
                "finding.short_code", label=source.label, n=len(short), total=len(codes),
                codes=some(short.tolist(), _LISTED), digits=longest,
                example=example, restored=example.zfill(longest),
            ),
        )
    ]  # fmt: skip


def unique_ids(
    ids: "pd.Series[str]",
    prefix: str,
    source: Source,
    what: str,
    *,
    named: Iterable["pd.Series[str]"] = (),
) -> tuple["pd.Series[str]", list[Finding]]:
    """Return ids made unique in row order, and findings on those that were made up.

    A missing one becomes `prefix` and the row's number; a repeated ``7`` becomes ``7-2``. None of
    them is an id that is given, here or in `named`.

    Parameters
    ----------
    ids
        Texts, missing where there is none.
    prefix
        Beginning of surrogate ids.
    source
        The input, for messages.
    what
        Our name of the column.
    named
        Ids by which other inputs name these rows.
    """
    out = ids.astype(object).to_numpy().copy()
    missing = ids.isna().to_numpy()
    repeated = ids.duplicated(keep="first").to_numpy() & ~missing
    made = np.flatnonzero(missing | repeated)
    if not len(made):
        return ids.astype("str"), []
    others = [texts.dropna() for texts in named]
    taken = {*ids.dropna(), *(text for texts in others for text in texts)}
    for row in made:
        base = f"{prefix}{row + 1:06d}" if missing[row] else str(out[row])
        number, name = (1, base) if missing[row] else (2, f"{base}-2")
        while name in taken:
            number += 1
            name = f"{base}-{number}"
        taken.add(name)
        out[row] = name
    findings = []
    if missing.any():
        sought = any(len(texts) for texts in others)
        findings.append(
            Finding(
                kind="surrogate_id", severity="warning" if sought else "note",
                measure=float(missing.sum()),
                text=Message(
                    "finding.surrogate_id_sought" if sought else "finding.surrogate_id",
                    label=source.label, n=missing.sum(), total=len(ids), column=what,
                    first=out[missing][0],
                ),
            )
        )  # fmt: skip
    if twice := sorted(set(ids[repeated])):
        findings.append(
            Finding(
                kind="duplicate_id", severity="warning", measure=float(len(twice)),
                text=Message(
                    "finding.duplicate_id", label=source.label, n=len(twice), column=what,
                    ids=some(twice, _LISTED),
                ),
            )
        )  # fmt: skip
    return pd.Series(out, index=ids.index, dtype=object).astype("str"), findings
