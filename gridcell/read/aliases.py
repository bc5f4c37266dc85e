"""Which column of a file is which of ours, where several could be."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd

from gridcell.errors import Hint, InputError
from gridcell.read.files import Source
from gridcell.schema import ALIASES, LAST_ALIASES
from gridcell.tables.names import plain_name
from gridcell.tables.values import as_number, as_text
from gridcell.words.messages import Message, joined

_NAME_BYTES: Final = 10
"""Length of a field name in a shapefile."""
_KEYS: Final = ("code", "bldg_id", "household_id", "staff_id")
"""Columns that tell rows apart."""
_DECISIVE: Final = frozenset({
    ("communities", "code"), ("buildings", "households"), ("households", "count"),
    ("atoms", "households"),
})  # fmt: skip
"""Columns of which it must be clear which one is meant: nothing shows later that it was another."""
_CODE: Final = r"[0-9A-Za-z]+|\d\.\d+[eE]\+\d+"
"""Codes, also those that a spreadsheet made numbers: they may have all their digits."""
_OFFERED: Final = 3
"""How many columns a message offers."""
_LISTED: Final = 8
_MOST: Final = 10_000
"""Above it a number is hardly one of households of a building."""


def field_hint(role: str, name: str, column: str = "COLUMN") -> Hint:
    """Return the hint to name the column that serves as one of ours."""
    return Hint(f"fields.{role}.{name}", column)


class Columns:
    """The columns of a file, found by name."""

    def __init__(self, source: Source, role: str, hinted: str | None = None) -> None:
        self.source, self.role, self.hinted = source, role, hinted or role
        self.names = [str(c) for c in source.frame.columns if c != "geometry"]
        self._plain: dict[str, list[str]] = {}
        for column in self.names:
            self._plain.setdefault(plain_name(column), []).append(column)

    def called(self, name: str, alias: str) -> str | None:
        """Return the column of that name, its writing apart.

        Raises
        ------
        InputError
            Several columns that differ from it, and from each other, by their writing alone.
        """
        alike = self._plain.get(plain_name(alias), [])
        if len(alike) > 1 and alias not in alike:
            same_case = [c for c in alike if c.lower() == alias.lower()]
            if len(same_case) == 1:
                return same_case[0]
            raise self._unclear(name, alike)
        return alias if alias in alike else next(iter(alike), None)

    def choose(self, name: str, wanted: "pd.Series[str] | None" = None) -> str | None:
        """Return the column that serves as one of ours, by its aliases.

        Parameters
        ----------
        name
            Our name.
        wanted
            Ids by which other inputs name these rows, for a column of ids.

        Raises
        ------
        InputError
            Several columns that could each be it, with different values, where it matters.
        """
        found = self._by_aliases(name, ALIASES[self.role][name])
        last = self._by_aliases(name, LAST_ALIASES.get(self.role, {}).get(name, ()))
        last = [column for column in last if column not in found]
        if wanted is not None and len(wanted):
            return self._most_wanted(found + last, wanted)
        if found:
            cut = self._by_aliases(name, ALIASES[self.role][name], unsure=True)
            return self._first(name, found + [column for column in cut if column not in found])
        keys = [column for column in last if self._is_key(name, column)]
        if name == "bldg_id":
            # Numbers of rows tell nothing apart: repeated buildings have other ones.
            keys = [c for c in keys if not self._numbers_rows(c)]
        if len(keys) > 1 and self._differ(keys) and (self.role, name) in _DECISIVE:
            return None
        return next(iter(keys), None)

    def likely_keys(self) -> list[str]:
        """Return the columns that could be codes or ids: a value in every row, each another."""
        return [c for c in self.names if self._is_key("code", c)][:_OFFERED]

    def _by_aliases(self, name: str, aliases: Iterable[str], *, unsure: bool = False) -> list[str]:
        found: dict[str, None] = {}
        for alias in aliases:
            match = self.called(name, alias)
            if match is None and self.source.is_shapefile:
                match = self._cut(name, alias, unsure=unsure)
            if match is not None:
                found.setdefault(match)
        return list(found)

    def _cut(self, name: str, alias: str, *, unsure: bool) -> str | None:
        """Return the column of that name cut as shapefiles do; unless `unsure`, no other is."""
        cut = _shortened(alias, self.source.encoding)
        match = self.called(name, cut) if cut != alias else None
        if match is None or unsure:
            return match
        if any(
            plain_name(_shortened(other, self.source.encoding)) == plain_name(cut)
            for another, others in ALIASES[self.role].items()
            if another != name
            for other in others
        ):
            return None
        return match

    def _first(self, name: str, found: list[str]) -> str:
        if len(found) == 1:
            return found[0]
        filled = [c for c in found if self.source.frame[c].notna().any()] or found[:1]
        if plain_name(filled[0]) == plain_name(name):
            return filled[0]
        if name in _KEYS:
            filled = [c for c in filled if self._is_key(name, c)] or filled[:1]
        if (self.role, name) in _DECISIVE and self._differ(filled):
            raise self._unclear(name, filled)
        return filled[0]

    def _most_wanted(self, found: list[str], wanted: "pd.Series[str]") -> str | None:
        """Return the column that holds most of the ids, the first of several."""
        ids = wanted.unique()
        share = [int(pd.Index(as_text(self.source.frame[c]).dropna().unique()).isin(ids).sum())
                 for c in found]  # fmt: skip
        best = int(np.argmax(share)) if found else 0
        sure = [c for c in found if c in self._by_aliases("bldg_id", ALIASES[self.role]["bldg_id"])]
        return found[best] if found and share[best] else next(iter(sure), None)

    def _differ(self, columns: Sequence[str]) -> bool:
        first, *others = (as_text(self.source.frame[c]).fillna("") for c in columns)
        return any(not first.equals(other) for other in others)

    def _is_key(self, name: str, column: str) -> bool:
        texts = as_text(self.source.frame[column])
        if texts.isna().any() or texts.duplicated().any():
            return False
        return name != "code" or bool(texts.str.fullmatch(_CODE).all())

    def _numbers_rows(self, column: str) -> bool:
        whole = pd.api.types.is_integer_dtype(self.source.frame[column].dtype)
        return bool(whole) and plain_name(column) != "osmid"

    def _unclear(self, name: str, columns: Sequence[str]) -> InputError:
        return InputError(
            Message(
                "error.columns_unclear",
                label=self.source.label,
                columns=joined("and", columns),
                name=name,
            ),
            *(field_hint(self.hinted, name, column) for column in columns[:_OFFERED]),
        )


def is_guessed(column: str, role: str, name: str) -> bool:
    """Return whether a column serves as one of ours by a name of many meanings."""
    return plain_name(column) in map(plain_name, LAST_ALIASES.get(role, {}).get(name, ()))


def unread_numbers(source: Source, found: Mapping[str, str]) -> list[tuple[str, float, float]]:
    """Return the columns of numbers that none of ours are: name, least and greatest.

    Those that could be households first: whole numbers of a size that a building may hold, not
    another one in every row.

    Parameters
    ----------
    source
        The layer.
    found
        The columns that are read.
    """
    likely: list[tuple[str, float, float]] = []
    others: list[tuple[str, float, float]] = []
    for column in source.frame.columns:
        values = source.frame[column]
        if column == "geometry" or column in found.values() or values.isna().all():
            continue
        if pd.api.types.is_bool_dtype(values) or pd.api.types.is_datetime64_any_dtype(values):
            continue
        numbers, unread = as_number(values, "homes")
        if unread or numbers.isna().all():
            continue
        known = numbers.dropna()
        whole = bool(((known == np.floor(known)) & (known >= 0) & (known <= _MOST)).all())
        rows = whole and (len(known) == 1 or not known.is_unique)
        (likely if rows else others).append((str(column), known.min(), known.max()))
    return (likely + others)[:_LISTED]


def ranges(numbers: Iterable[tuple[str, float, float]]) -> tuple[str, ...]:
    """Return columns of numbers as messages name them, with what is in them."""
    return tuple(
        f"{name} ({least:.15g})" if least == most else f"{name} ({least:.15g} – {most:.15g})"
        for name, least, most in numbers
    )


def _shortened(alias: str, encoding: str | None) -> str:
    return alias.encode(encoding or "utf-8", errors="ignore")[:_NAME_BYTES].decode(
        encoding or "utf-8", errors="ignore"
    )
