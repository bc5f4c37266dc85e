"""Communities: unique codes, valid polygons, and borders that fit together exactly."""

import re
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from gridcell.arrays import Geometries
from gridcell.coverage.fit import fit_together
from gridcell.errors import InputError, RulesError
from gridcell.model import Finding
from gridcell.read.fields import as_count, as_dates, find_columns, key_hints, rename
from gridcell.read.files import Source
from gridcell.read.geometry import POLYGONS, check_types, invalid_reason
from gridcell.read.ids import exact_ids, short_codes
from gridcell.rules import Band, Rules
from gridcell.tables.values import as_text
from gridcell.words.messages import Message, either, joined, some

_CODE: Final = re.compile(r"[0-9A-Za-z]+")
_LISTED: Final = 10
"""How many faults of a kind a message lists."""


def check_communities(
    source: Source, geometries: Geometries, crs: pyproj.CRS, rules: Rules
) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    """Return the communities with our columns, sorted by code and fitted together.

    Parameters
    ----------
    source
        The input, for its columns and for messages.
    geometries
        Its geometries, row by row, in `crs`.
    crs
        The work CRS, metres.
    rules
        For the names of columns, ``boundaries.heal_width`` and the names of classes.

    Raises
    ------
    InputError
        Codes that are missing, repeated or no codes; geometries that are missing, no polygons or
        invalid; numbers, dates, bands or classes that are none; faults between communities that are
        too wide to heal. All faults of a kind at once.
    """
    codes = community_codes(source, rules)
    _check_geometries(source, geometries, codes, crs)
    given = rename(source, rules, "communities")
    table = pd.DataFrame({"code": codes})
    names = as_text(given["name"])
    table["name"] = names.where(names.notna(), codes)
    table["large"] = as_text(given["large"])
    for name in ("n_small", "n_micro"):
        table[name] = as_count(given[name], source, name, least=1)
    for name in ("small", "micro"):
        table[name] = _bands(as_text(given[name]), codes, source, name)
    table["class"] = as_text(given["class"])
    known = table["class"].notna()
    rules.require_classes(
        zip(table["code"][known], table["class"][known], strict=True), label=source.label
    )
    table["households"] = as_count(given["households"], source, "households")
    for name in ("responsible", "management"):
        table[name] = as_text(given[name])
    table["valid_from"] = as_dates(given["valid_from"], source, "valid_from")
    order = np.argsort(codes.astype(object).to_numpy(), kind="stable")
    table = table.iloc[order].reset_index(drop=True)
    fitted, findings = fit_together(
        geometries[order], table["code"].tolist(), rules.boundaries.heal_width, label=source.label
    )
    return gpd.GeoDataFrame(table, geometry=fitted, crs=crs), [
        *short_codes(codes, source), *findings,
    ]  # fmt: skip


def _bands(
    texts: "pd.Series[str]", codes: "pd.Series[str]", source: Source, name: str
) -> "pd.Series[str]":
    """Return the texts, which are bands or missing."""
    # A colon typed with a Chinese keyboard is one all the same.
    texts = texts.str.replace("：", ":")
    bad = [text for text in texts.dropna().unique() if not _is_band(text)]
    rows = np.flatnonzero(texts.isin(bad))
    if len(rows):
        faults = [
            Message("fault.no_band", community=codes.iloc[row], name=name, given=texts.iloc[row])
            for row in rows[:_LISTED]
        ]
        rest = len(rows) - _LISTED
        raise InputError(
            Message(
                "error.bands_form", label=source.label, faults=joined("clauses", faults),
                more=Message("part.more", n=rest) if rest > 0 else "",
            )
        )  # fmt: skip
    return texts


def _is_band(text: str) -> bool:
    try:
        Band.parse(text)
    except RulesError:
        return False
    return True


def community_codes(source: Source, rules: Rules) -> "pd.Series[str]":
    """Return the code of each row, all of them there, unique, ASCII letters and digits.

    Raises
    ------
    InputError
        No such column; codes that are missing, repeated or no codes: all of them at once.
    """
    columns = [str(c) for c in source.frame.columns if c != "geometry"]
    found = find_columns(source, rules.fields.get("communities", {}), "communities")
    if "code" not in found:
        raise InputError(
            Message("error.no_code", label=source.label, columns=either(columns)),
            *key_hints(source, "communities", "code"),
        )
    codes = exact_ids(as_text(source.frame[found["code"]]), source, "code", found["code"])
    faults: list[Message] = []
    missing = np.flatnonzero(codes.isna())
    if len(missing):
        faults.append(Message("fault.code_missing", rows=_rows(missing)))
    strange = codes.dropna()
    strange = strange[~strange.map(_is_code)].iloc[:_LISTED]
    faults += [
        Message("fault.code_no_ascii", row=row + 1, code=code)
        for row, code in zip(strange.index, strange, strict=True)
    ]
    for code, rows in codes[codes.duplicated(keep=False)].groupby(codes):
        where = _rows(rows.index.to_numpy())
        faults.append(Message("fault.code_repeated", code=str(code), rows=where))
        if len(faults) >= 2 * _LISTED:
            break
    if faults:
        said = joined("clauses", faults)
        raise InputError(Message("error.in_layer", label=source.label, doubt=said))
    return codes


def _check_geometries(
    source: Source, geometries: Geometries, codes: "pd.Series[str]", crs: pyproj.CRS
) -> None:
    check_types(source, geometries, POLYGONS, "communities")
    missing = np.flatnonzero(shapely.is_missing(geometries))
    if len(missing):
        named = [repr(codes.iloc[row]) for row in missing[:_LISTED]]
        raise InputError(
            Message("error.communities_without_geometry", label=source.label, communities=named)
        )
    bad = ~shapely.is_valid(geometries)
    bad[list(source.unclosed)] = True
    invalid = np.flatnonzero(bad)
    if len(invalid):
        faults = [
            Message(
                "fault.of_community", community=codes.iloc[row],
                fault=invalid_reason(source, geometries, row),
            )
            for row in invalid[:_LISTED]
        ]  # fmt: skip
        raise InputError(
            Message(
                "error.invalid_polygons", label=source.label, number=len(invalid), crs=crs.name,
                faults=joined("clauses", faults),
            )
        )  # fmt: skip
    flat = np.flatnonzero(shapely.area(geometries) < 1.0)
    if len(flat):
        row = int(flat[0])
        raise InputError(
            Message(
                "error.community_tiny",
                label=source.label,
                community=codes.iloc[row],
                area=shapely.area(geometries[row]),
            )
        )


def _is_code(value: object) -> bool:
    return isinstance(value, str) and _CODE.fullmatch(value) is not None


def _rows(rows: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> Message:
    return Message("part.rows", n=len(rows), rows=some([str(row + 1) for row in rows], _LISTED))
