"""Places of service points, and what is to be served, from files."""

from typing import Final

import numpy as np
import pandas as pd
import pyproj

from gridcell.errors import InputError
from gridcell.read.aliases import field_hint
from gridcell.read.fields import as_count, find_columns, rename
from gridcell.read.files import Source
from gridcell.read.ids import exact_ids, unique_ids
from gridcell.read.people import points_of
from gridcell.rules import Rules
from gridcell.schema import NO, YES
from gridcell.tables.values import as_text
from gridcell.words.messages import Message, either, some

_ROLE: Final = "service_points"
_LISTED: Final = 5


def check_service_points(
    source: Source, crs: pyproj.CRS, rules: Rules, *, fallback: pyproj.CRS | None, datum: str
) -> tuple[pd.DataFrame, pyproj.CRS | None]:
    """Return places with our columns, sorted by id, and the CRS that they were in.

    Parameters
    ----------
    source
        A layer of points, or a table with ``lon``/``lat`` (degrees) or ``x``/``y``.
    crs
        The CRS in which they are returned, metric.
    rules
        For the names of columns.
    fallback
        CRS of ``x``/``y`` and of layers without one; ``x``/``y`` else are in `crs`.
    datum
        Datum of the points.

    Returns
    -------
    tuple
        ``point_id`` (unique), ``tier`` (text or NA), ``locked`` (boolean or NA), ``capacity``
        (Int64 or NA), ``x``, ``y``.

    Raises
    ------
    InputError
        A row without a place; capacities that are no counts; ``locked`` that is neither yes nor
        no.
    """
    found = find_columns(source, rules.fields.get(_ROLE, {}), _ROLE)
    given = rename(source, rules, _ROLE, found=found)
    xy, used = points_of(source, given, found, crs, fallback, datum)
    lost = np.flatnonzero(np.isnan(xy).any(axis=1))
    if len(lost):
        raise InputError(
            Message("error.point_no_place", label=source.label, row=lost[0] + 1, n_rows=len(lost))
        )
    ids = as_text(given["point_id"])
    if "point_id" in found:
        ids = exact_ids(ids, source, "point_id", found["point_id"])
    table = pd.DataFrame({"tier": as_text(given["tier"]), "locked": _yes(given["locked"], source)})
    table["capacity"] = as_count(given["capacity"], source, "capacity")
    table["x"], table["y"] = xy[:, 0], xy[:, 1]
    # Ids that are made up must not depend on the order of rows.
    order = table.assign(id=ids).sort_values(["id", "x", "y"], na_position="last").index
    table, ids = table.loc[order].reset_index(drop=True), ids.loc[order].reset_index(drop=True)
    table.insert(0, "point_id", unique_ids(ids, "P", source, "point_id")[0])
    return table, used


def _yes(values: "pd.Series[str]", source: Source) -> "pd.Series[bool]":
    texts = as_text(values).str.strip().str.lower()
    known = {**dict.fromkeys(YES, True), **dict.fromkeys(NO, False)}
    odd = np.flatnonzero((texts.notna() & ~texts.isin(list(known))).to_numpy())
    if len(odd):
        raise InputError(
            Message(
                "error.not_yes_or_no", label=source.label, row=odd[0] + 1, column="locked",
                given=texts.iloc[odd[0]],
            )
        )  # fmt: skip
    return pd.Series([known.get(t) if isinstance(t, str) else None for t in texts], dtype="boolean")


def check_demand(source: Source, buildings: "pd.Series[str]", rules: Rules) -> "pd.Series[int]":
    """Return what is to be served in each building that a table names, by ``bldg_id``.

    Parameters
    ----------
    source
        A table with ``bldg_id`` and ``demand`` or ``households``; several rows of a building add
        up.
    buildings
        Ids of the plan's buildings.
    rules
        For the names of columns.

    Raises
    ------
    InputError
        A column is missing, a value is no count, or a building is not in the plan.
    """
    found = find_columns(source, rules.fields.get("demand", {}), "demand", wanted=buildings)
    for name in ("bldg_id", "households"):
        if name not in found:
            raise InputError(
                Message(
                    "error.no_key", label=source.label, column=name,
                    columns=either([str(column) for column in source.frame.columns]),
                ),
                field_hint("demand", name),
            )  # fmt: skip
    given = rename(source, rules, "demand", found=found)
    ids = exact_ids(as_text(given["bldg_id"]), source, "bldg_id", found["bldg_id"])
    strange = ids[~ids.isin(buildings)]
    if len(strange):
        raise InputError(
            Message(
                "error.demand_unknown", label=source.label, n_rows=len(strange),
                row=int(strange.index[0]) + 1,
                ids=some(sorted(set(strange.fillna("-"))), _LISTED),
            )
        )  # fmt: skip
    counts = as_count(given["households"], source, "households").fillna(0).astype("int64")
    return counts.groupby(ids.to_numpy()).sum()
