"""Staff rosters as they come: ours read back, and what is in them that a division does not need."""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Final

import pandas as pd

from gridcell.errors import InputError
from gridcell.model import Finding
from gridcell.read.files import Input, Source, list_layers, open_input, split_layer
from gridcell.schema import ID_NUMBERS, PERSONAL
from gridcell.tables.values import as_text
from gridcell.words.catalogue import LANGUAGES, section
from gridcell.words.messages import Message, listed

_LOOKED_AT: Final = 1000
"""Values of a column that tell what it holds."""
_ID_NUMBER: Final = re.compile(
    r"[1-9]\d{5}(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])\d{3}[\dX]", re.IGNORECASE
)
_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS: Final = "10X98765432"
_NAMES: Final = ("name", "tel")
"""Columns that tell who somebody is, beside those that contain one of `schema.PERSONAL`."""


def refuse_id_numbers(source: Source) -> None:
    """Raise `InputError` where a column holds numbers of identity documents, by name or by value.

    Parameters
    ----------
    source
        A roster or a register.
    """
    for name in source.frame.columns:
        plain = str(name).lower()
        by_name = any(part in plain for part in ID_NUMBERS)
        if name != "geometry" and (by_name or _holds_id_numbers(source.frame[name])):
            raise InputError(
                Message("error.identity_numbers", label=source.label, column=str(name))
            )


def _holds_id_numbers(column: "pd.Series[Any]") -> bool:
    texts = as_text(column.iloc[:_LOOKED_AT].astype(object)).dropna()
    return any(_is_id_number(text) for text in texts[texts.str.len() == len(_WEIGHTS) + 1])


def _is_id_number(text: str) -> bool:
    """Tell whether a text is a number of a Chinese identity card: its date and check agree."""
    if not _ID_NUMBER.fullmatch(text):
        return False
    total = sum(
        weight * int(digit) for weight, digit in zip(_WEIGHTS, text[: len(_WEIGHTS)], strict=True)
    )
    return _CHECKS[total % 11] == text[-1].upper()


def personal_findings(source: Source) -> list[Finding]:
    """Return a note on the columns of a roster that tell who people are: none of them is read."""
    found = [
        str(name)
        for name in source.frame.columns
        if str(name).lower() in _NAMES or any(part in str(name).lower() for part in PERSONAL)
    ]
    if not found:
        return []
    return [
        Finding(
            kind="staff_personal", severity="note", measure=float(len(found)),
            text=Message("finding.staff_personal", label=source.label, columns=listed(found, 10)),
        )
    ]  # fmt: skip


def open_roster(given: Input, *, encoding: str | None) -> Source:
    """Return a roster, opened; of a workbook that we wrote, its sheet of posts."""
    if isinstance(given, str | Path) and Path(given).suffix.lower() == ".xlsx":
        path, layer = split_layer(str(given))
        if layer is None and path.is_file():
            sheets = list_layers(path)
            ours = [name for name in sheets if name in _titles("posts")]
            if ours and len(sheets) > 1 and sheets[1] in _titles("people"):
                given = f"{given}#{ours[0]}"
    return open_input(given, "staff", encoding=encoding)


def as_people(source: Source, found: dict[str, str]) -> Source:
    """Return a roster with a row for each of the people: our own table of posts has one a post.

    Vacant posts have nobody. Who holds several posts may hold all their roles again, and belongs
    to the community of the first.

    Parameters
    ----------
    source
        Any roster; one that is not ours stays as it is.
    found
        Its columns by our names.
    """
    state = next((c for c in source.frame.columns if str(c) in _titles("state")), None)
    if state is None or source.geometries is not None or not {"staff_id", "roles"} <= found.keys():
        return source
    said = as_text(source.frame[state])
    if not said.dropna().isin({*_titles("held"), *_titles("vacant")}).all():
        return source
    held = source.frame[~said.isin(_titles("vacant")).to_numpy()]
    key, roles = found["staff_id"], found["roles"]
    rest = [column for column in held.columns if column not in (key, roles)]
    how: dict[str, Any] = {roles: _joined, **dict.fromkeys(rest, "first")}
    people = held.groupby(key, sort=False, dropna=False).agg(how)
    return replace(source, frame=people.reset_index()[list(held.columns)])


def _joined(borne: "pd.Series[str]") -> str:
    return ";".join(dict.fromkeys(borne.dropna()))


@cache
def _titles(key: str) -> frozenset[str]:
    """Return what our rosters call a column or a value, in every language."""

    def names() -> Iterator[str]:
        yield key
        for lang in LANGUAGES:
            yield section("roster", lang)[key]

    return frozenset(names())
