"""Tables of people's places: the household register and the staff roster."""

import re
from typing import Final

import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from gridcell.crs import bounds_of_points, require_units
from gridcell.errors import InputError
from gridcell.model import Finding
from gridcell.read.aliases import field_hint, is_guessed, ranges, unread_numbers
from gridcell.read.crs import move_points, settle_crs
from gridcell.read.datum import points_to_wgs84
from gridcell.read.fields import as_count, find_columns, key_hints, rename
from gridcell.read.files import Source
from gridcell.read.geometry import POINTS, check_types, geometries_of
from gridcell.read.ids import exact_ids
from gridcell.read.rosters import as_people, refuse_id_numbers
from gridcell.rules import Rules
from gridcell.schema import PERSONAL
from gridcell.tables.values import as_number, as_text
from gridcell.texts import repeated
from gridcell.words.messages import Message, Value, either

_WGS84: Final = pyproj.CRS.from_epsg(4326)
_SEPARATORS: Final = re.compile(r"\s*[;,|、，；/]\s*")


def check_households(
    source: Source, crs: pyproj.CRS, rules: Rules, *, fallback: pyproj.CRS | None, datum: str
) -> tuple[pd.DataFrame, pyproj.CRS | None]:
    """Return the register with our columns, sorted by id, and the CRS its points were in.

    Ids that occur more than once stay so: who counts and who assigns says what becomes of them.

    Parameters
    ----------
    source
        A table with ``bldg_id``, ``lon``/``lat`` (degrees) or ``x``/``y``, or a layer of points.
    crs
        The work CRS, in which ``x`` and ``y`` are returned, metres.
    rules
        For the names of columns.
    fallback
        CRS of ``x``/``y`` and of layers without one; ``x``/``y`` else are in `crs`.
    datum
        Datum of the points.

    Raises
    ------
    InputError
        Personal columns; ids that are missing; no place; counts that are no counts.
    """
    refuse_id_numbers(source)
    _refuse_personal(source)
    found = find_columns(source, rules.fields.get("households", {}), "households")
    ids = _ids(source, found, "households", "household_id")
    given = rename(source, rules, "households", found=found)
    xy, used = points_of(source, given, found, crs, fallback, datum)
    if "bldg_id" not in found and used is None:
        raise InputError(
            Message("error.register_no_place", label=source.label, columns=_columns(source)),
            field_hint("households", "bldg_id"),
        )
    table = pd.DataFrame({"household_id": ids})
    table["bldg_id"] = as_text(given["bldg_id"])
    table["bldg_id"] = exact_ids(table["bldg_id"], source, "bldg_id", found.get("bldg_id"))
    table["unit"] = as_text(given["unit"])
    table["count"] = as_count(given["count"], source, "count").fillna(1).astype("int64")
    table["x"], table["y"] = xy[:, 0], xy[:, 1]
    return _sorted(table), used


def unread_counts(source: Source, rules: Rules) -> list[Finding]:
    """Return the note that each line of a register counts as one household, with unread numbers."""
    found = find_columns(source, rules.fields.get("households", {}), "households")
    numbers = [] if "count" in found else unread_numbers(source, found)
    if not numbers:
        return []
    return [
        Finding(
            kind="figures_unread", severity="note", measure=float(len(numbers)),
            text=Message(
                "finding.figures_unread_lines", label=source.label, columns=ranges(numbers)
            ),
        )
    ]  # fmt: skip


def check_staff(
    source: Source, crs: pyproj.CRS, rules: Rules, *, fallback: pyproj.CRS | None, datum: str
) -> tuple[pd.DataFrame, pyproj.CRS | None]:
    """Return the roster with our columns, sorted by id, and the CRS its points were in.

    Parameters are those of `check_households`; roles are separated by ``;`` in the result.

    Raises
    ------
    InputError
        Numbers of identity documents; ids that are missing; limits that are no counts.
    """
    refuse_id_numbers(source)
    found = find_columns(source, rules.fields.get("staff", {}), "staff")
    source = as_people(source, found)
    if "roles" in found:
        column = source.frame[found["roles"]]
        source.frame[found["roles"]] = [_role_text(value) for value in column]
    ids = _ids(source, found, "staff", "staff_id")
    given = rename(source, rules, "staff", found=found)
    xy, used = points_of(source, given, found, crs, fallback, datum)
    table = pd.DataFrame({"staff_id": ids})
    for name in ("roles", "bldg_id", "community"):
        table[name] = as_text(given[name])
    table["bldg_id"] = exact_ids(table["bldg_id"], source, "bldg_id", found.get("bldg_id"))
    for name in ("max_cells", "max_households"):
        table[name] = as_count(given[name], source, name)
    table["x"], table["y"] = xy[:, 0], xy[:, 1]
    return _sorted(table), used


def _sorted(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows by id, and those of one id by the rest, whatever their order in the file."""
    key, *rest = table.columns
    keys = [key, *rest] if repeated(table[key]).any() else [key]
    return table.sort_values(keys, ignore_index=True, na_position="last")


def _columns(source: Source) -> Value:
    return either([str(column) for column in source.frame.columns])


def _refuse_personal(source: Source) -> None:
    columns = [str(c) for c in source.frame.columns]
    personal = [c for c in columns if any(part in c.lower() for part in PERSONAL)]
    if personal:
        raise InputError(
            Message("error.personal_columns", label=source.label, columns=list(personal))
        )


def _ids(source: Source, found: dict[str, str], role: str, key: str) -> "pd.Series[str]":
    if key not in found:
        other, its_key = ("staff", "staff_id") if role == "households" else (
            "households", "household_id"
        )  # fmt: skip
        strange = find_columns(source, {}, other).get(its_key)
        if strange is not None and not is_guessed(strange, other, its_key):
            raise InputError(
                Message(f"error.looks_like_{other}", label=source.label, column=strange)
            )
        raise InputError(
            Message("error.no_key", label=source.label, column=key, columns=_columns(source)),
            *key_hints(source, role, key),
        )
    ids = as_text(source.frame[found[key]])
    missing = np.flatnonzero(ids.isna())
    if len(missing):
        raise InputError(
            Message(
                "error.rows_without_key",
                label=source.label,
                number=len(missing),
                column=key,
                row=missing[0] + 1,
            )
        )
    return exact_ids(ids, source, key, found[key])


def points_of(
    source: Source,
    given: pd.DataFrame,
    found: dict[str, str],
    crs: pyproj.CRS,
    fallback: pyproj.CRS | None,
    datum: str,
) -> tuple[NDArray[np.float64], pyproj.CRS | None]:
    """Return the points in the work CRS, NaN where there is none, and their own CRS."""
    values = None if source.geometries is None else geometries_of(source)
    if values is not None and not shapely.is_missing(values).all():
        check_types(source, values, POINTS, source.role)
        own = settle_crs(source, fallback)
        centres = shapely.centroid(values)
        xy = np.column_stack([shapely.get_x(centres), shapely.get_y(centres)])
    elif {"lon", "lat"} <= found.keys():
        own, xy = _WGS84, _pair(source, given, "lon", "lat")
        for axis, name, limit in ((0, "lon", 180.0), (1, "lat", 90.0)):
            bad = np.abs(xy[:, axis]) > limit
            if bad.any():
                row = int(np.flatnonzero(bad)[0])
                raise InputError(
                    Message(
                        "error.not_degrees",
                        label=source.label,
                        row=row + 1,
                        column=name,
                        given=xy[row, axis],
                    )
                )
    elif {"x", "y"} <= found.keys():
        own, xy = fallback or crs, _pair(source, given, "x", "y")
        require_units(source.label, own, bounds_of_points(xy))
    else:
        return np.full((len(given), 2), np.nan), None
    if datum != "wgs84":
        return move_points(points_to_wgs84(xy, own, datum), _WGS84, crs), own
    return move_points(xy, own, crs), own


def _pair(source: Source, given: pd.DataFrame, first: str, second: str) -> NDArray[np.float64]:
    columns = []
    for name in (first, second):
        numbers, unread = as_number(given[name])
        if unread:
            row = int(np.flatnonzero(as_text(given[name]).notna() & numbers.isna())[0])
            raise InputError(
                Message(
                    "error.not_a_number",
                    label=source.label,
                    row=row + 1,
                    column=name,
                    given=given[name].iloc[row],
                    n_rows=unread,
                )
            )
        columns.append(numbers.to_numpy(dtype="float64"))
    xy: NDArray[np.float64] = np.column_stack(columns).astype(np.float64)
    xy[np.isnan(xy).any(axis=1)] = np.nan
    return xy


def _role_text(value: object) -> str | None:
    if isinstance(value, list | tuple | np.ndarray):
        parts = [str(part).strip() for part in value]
    elif value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return None
    else:
        parts = _SEPARATORS.split(str(value).strip())
    return ";".join(part for part in parts if part) or None
