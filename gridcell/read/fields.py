"""Columns found under our names, and their values as checked counts."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from gridcell.errors import Hint, InputError, RulesError
from gridcell.read.aliases import Columns, field_hint
from gridcell.read.files import Source
from gridcell.rules import Rules
from gridcell.schema import ALIASES, FIELDS, LOADED
from gridcell.tables.figures import says_nothing
from gridcell.tables.values import as_date, as_number, as_text
from gridcell.words.messages import Message, Value, either


def check_mapping(rules: Rules) -> None:
    """Raise `RulesError` where ``fields`` of the rules names inputs or columns that we lack."""
    for role, names in rules.fields.items():
        check_names(names, role, loads_of(rules) if role in LOADED else ())


def loads_of(rules: Rules) -> tuple[str, ...]:
    """Return the columns that loads are counted from."""
    return () if rules.workload is None else rules.workload.names


def check_names(names: Iterable[str], role: str, more: Sequence[str] = ()) -> None:
    """Raise `RulesError` where a mapping of one input names it or its columns as nobody does.

    Parameters
    ----------
    names, role
        Our names of columns, and which input it is.
    more
        Names that serve as well.
    """
    if role not in FIELDS:
        raise RulesError(Message("error.fields_input", role=role, known=list(FIELDS)))
    for name in names:
        if name not in (known := (*FIELDS[role], *more)):
            raise RulesError(
                Message("error.fields_column", role=role, name=name, known=list(known))
            )


def name_columns(
    frame: pd.DataFrame, mapping: Mapping[str, str], label: Value, role: str = "cells"
) -> pd.DataFrame:
    """Return a frame whose mapped columns have our names, in their places.

    For layers whose columns are found by those who use them. A column that has one of our names,
    but is not the one that the mapping names, is called otherwise.

    Parameters
    ----------
    frame
        Any layer or table.
    mapping
        Columns of the frame by our names.
    label
        What messages call the frame.
    role
        Which input of `schema.FIELDS` it is.

    Raises
    ------
    InputError
        A mapped column that the frame lacks, with those it has.
    """
    columns = [str(c) for c in frame.columns]
    lower = {column.lower(): column for column in reversed(columns)}
    shape = frame.active_geometry_name if isinstance(frame, gpd.GeoDataFrame) else None
    new = dict(zip(columns, columns, strict=True))
    taken = {}
    for name, wanted in mapping.items():
        column = wanted if wanted in new else lower.get(wanted.lower())
        if column is None or column == shape:
            raise InputError(
                Message(
                    "error.no_mapped_column", label=label, role=role, name=name, column=wanted,
                    columns=either([c for c in columns if c != shape]),
                )
            )  # fmt: skip
        taken[name] = column
    for column in columns:
        if column.lower() in taken and column not in taken.values():
            new[column] = f"{column} (not used)"
    new |= {column: name for name, column in taken.items()}
    return frame.set_axis([new[column] for column in columns], axis="columns")


def find_columns(
    source: Source,
    mapping: Mapping[str, str],
    role: str,
    *,
    wanted: "pd.Series[str] | None" = None,
    called: str | None = None,
) -> dict[str, str]:
    """Return the file's column for each of our names that the file has.

    The mapping wins; then the aliases of `schema.ALIASES`, the first in the list that is there and
    not empty; of ids and codes those with a value in every row, each another, come first. Case,
    accents, full width, spaces, marks and units in brackets do not matter. Shapefiles hold names
    of at most 10 bytes, so their fields match aliases cut to that length too. Names of many
    meanings (`schema.LAST_ALIASES`) serve where no other does.

    Parameters
    ----------
    source, mapping, role
        The input, the columns that are named, which input it is.
    wanted
        Ids by which registers name buildings: the column that holds most of them is ``bldg_id``.
    called
        What hints call the input, where it is not `role`.

    Raises
    ------
    InputError
        A mapped column that the file lacks, with those it has; several columns that could each be
        the one that counts households or holds codes, with different values, and those that differ
        from ours, and from each other, by their writing alone.
    """
    columns = Columns(source, role, called)
    found: dict[str, str] = {}
    for name in ALIASES[role]:
        if name in mapping:
            mapped = columns.called(name, mapping[name])
            if mapped is None:
                raise InputError(
                    Message(
                        "error.no_mapped_column", label=source.label, role=role, name=name,
                        column=mapping[name], columns=either(columns.names),
                    )
                )  # fmt: skip
            found[name] = mapped
        elif (match := columns.choose(name, wanted if name == "bldg_id" else None)) is not None:
            found[name] = match
    return found


def rename(
    source: Source, rules: Rules, role: str, *, found: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Return the columns of the input that we know, under our names, all of ``ALIASES[role]``.

    Columns that the file lacks are missing (``None``) throughout. Values are as in the file.

    Parameters
    ----------
    source, rules, role
        The input, what names its columns, which input it is.
    found
        What `find_columns` returned, where that is known.
    """
    if found is None:
        found = find_columns(source, rules.fields.get(role, {}), role)
    out = pd.DataFrame(index=source.frame.index)
    for name in ALIASES[role]:
        out[name] = _as_given(source.frame[found[name]]) if name in found else None
    return out


def _as_given(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return a column of texts, or of whatever objects."""
    return column if column.dtype == "str" else column.astype(object)


def key_hints(source: Source, role: str, name: str) -> list[Hint]:
    """Return hints to name the column of codes or ids: those that could be, else any."""
    likely = Columns(source, role).likely_keys()
    return [field_hint(role, name, column) for column in likely] or [field_hint(role, name)]


def as_count(
    values: "pd.Series[str]", source: Source, what: str, *, least: int = 0
) -> "pd.Series[int]":
    """Return the values as whole numbers (Int64), missing where there is none.

    ``12户``, ``1,234``, ``１２``, ``1.2千`` and ``12.0`` are numbers; a dash is an empty field.

    Raises
    ------
    InputError
        With row and value: text, fractions, or numbers below `least`.
    """
    texts = as_text(values)
    homes = what in ("households", "count", "max_households")
    numbers, _ = as_number(values, "homes" if homes else "measures")
    empty = texts.isna() | texts.isin([t for t in texts.dropna().unique() if says_nothing(t)])
    bad = ~empty & ~(
        np.isfinite(numbers)
        & (numbers >= least)
        & (numbers == np.floor(numbers))
        & (numbers < 2**53)
    )
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise InputError(
            Message(
                "error.not_a_count",
                label=source.label,
                row=row + 1,
                column=what,
                given=texts.iloc[row],
                least=least,
                n_rows=int(bad.sum()),
            )
        )
    return numbers.astype("Int64")


def as_dates(values: "pd.Series[str]", source: Source, what: str) -> "pd.Series[str]":
    """Return the values as dates of ISO 8601, missing where there is none.

    Raises
    ------
    InputError
        With row and value: what is no date.
    """
    texts = as_text(values)
    known = {text: as_date(text) for text in texts.dropna().unique()}
    dates = texts.map(known).astype("str")
    bad = np.flatnonzero(texts.notna() & dates.isna())
    if len(bad):
        raise InputError(
            Message(
                "error.not_dates",
                label=source.label,
                row=bad[0] + 1,
                column=what,
                given=texts.iloc[bad[0]],
                n_rows=len(bad),
            )
        )
    return dates
