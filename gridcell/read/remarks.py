"""What a division would say of a layer, found by the same checks, before anything is computed."""

from collections.abc import Callable, Iterable
from typing import Final

import numpy as np
import pandas as pd
import pyproj

from gridcell.arrays import Geometries
from gridcell.errors import GridcellError, Saying
from gridcell.model import Finding
from gridcell.read.atoms import check_atoms
from gridcell.read.buildings import check_buildings, unread_figures
from gridcell.read.communities import community_codes
from gridcell.read.features import check_barriers, check_sites
from gridcell.read.fields import find_columns
from gridcell.read.files import Source
from gridcell.read.ids import rounded_ids, short_codes
from gridcell.read.people import check_households, check_staff, unread_counts
from gridcell.read.rosters import personal_findings
from gridcell.rules import Rules
from gridcell.tables.values import as_text
from gridcell.words.messages import Message, some

_WGS84: Final = pyproj.CRS.from_epsg(4326)
_COUNTED: Final = frozenset({"building_mended", "site_mended", "atom_mended", "surrogate_id"})
"""Kinds of findings that the report on a layer tells by its counts."""
_LISTED: Final = 5


def layer_remarks(
    source: Source, role: str | None, values: Geometries, work: pyproj.CRS, rules: Rules
) -> list[Saying | str]:
    """Return what a division would say of a layer.

    Parameters
    ----------
    source
        The layer.
    role
        The input that it looks like.
    values
        Its geometries in `work`, ``None`` where there is none.
    work
        A metric CRS.
    rules
        For the names of columns.
    """

    def check() -> Iterable[Finding]:
        if role == "communities":
            return short_codes(community_codes(source, rules), source)
        if role == "buildings":
            found = check_buildings(source, values, work, rules)[1]
            return [*found, *unread_figures(source, rules)]
        if role == "sites":
            return check_sites(source, values, work, rules)[1]
        if role == "atoms":
            return check_atoms(source, values, work, rules)[1]
        if role == "barriers":
            check_barriers(source, values, work, rules)
        return []

    return _found(check)


def table_remarks(
    source: Source, role: str | None, fallback: pyproj.CRS | None, rules: Rules
) -> tuple[list[Saying | str], "pd.Series[str] | None"]:
    """Return what a division would say of a register or roster, and the buildings that it names.

    Parameters
    ----------
    source
        The table or layer of points.
    role
        ``households``, ``staff``, or what else it looks like.
    fallback
        CRS of coordinates that name none.
    rules
        For the names of columns.
    """
    if role not in {"households", "staff"}:
        return [], None
    ids: list[pd.Series[str]] = []
    key = "household_id" if role == "households" else "staff_id"

    def check() -> Iterable[Finding]:
        run = check_households if role == "households" else check_staff
        frame, _ = run(source, fallback or _WGS84, rules, fallback=fallback, datum="wgs84")
        ids.append(frame["bldg_id"])
        twice = sorted(frame[key][frame[key].duplicated()].unique())
        found = [*rounded_ids(frame[key], source, key)]
        found += rounded_ids(frame["bldg_id"], source, "bldg_id")
        found += personal_findings(source) if role == "staff" else []
        if role == "households":
            found += unread_counts(source, rules)
        if twice:
            found.append(
                Finding(
                    kind="duplicate_id", severity="warning", measure=float(len(twice)),
                    text=Message(
                        "finding.repeated_id", label=source.label, n=len(twice), column=key,
                        ids=some(twice, _LISTED),
                    ),
                )
            )  # fmt: skip
        return found

    said = _found(check)
    return said, ids[0] if ids else None


def register_remarks(
    named: "pd.Series[str]", ids: "pd.Series[str]", buildings: str
) -> list[Saying | str]:
    """Return how many rows of a register find their building, unless all do.

    Parameters
    ----------
    named
        The building of each row, missing where it names none.
    ids
        Ids of the buildings.
    buildings
        Name of their file.
    """
    named = named.dropna()
    found = int(named.isin(ids).sum())
    if found == len(named):
        return []
    lost = named[~named.isin(ids)]
    return [
        Message(
            "read.rows_find", found=found, rows=len(named), file=buildings, lost=str(lost.iloc[0])
        )
    ]


def columns_of(source: Source, role: str, rules: Rules) -> dict[str, str]:
    """Return the columns that an input of that role has here; none where that is not clear."""
    try:
        return find_columns(source, rules.fields.get(role, {}), role)
    except GridcellError:
        return {}


def given_ids(source: Source, role: str, rules: Rules) -> "pd.Series[str] | None":
    """Return the ids of buildings as they are in a layer, if it has any."""
    column = columns_of(source, role, rules).get("bldg_id")
    ids = None if column is None else as_text(source.frame[column])
    return None if ids is None or ids.isna().all() else ids


def _found(check: Callable[[], Iterable[Finding]]) -> list[Saying | str]:
    """Return what a check finds, or why it cannot go on."""
    try:
        with np.errstate(invalid="ignore"):
            return [found.text for found in check() if found.kind not in _COUNTED]
    except GridcellError as error:
        return [error.text]
