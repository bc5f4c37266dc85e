"""Buildings: valid polygons with unique ids and checked counts; no household lost unseen."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from gridcell.arrays import Geometries
from gridcell.coverage.mend import mend
from gridcell.errors import Hint
from gridcell.model import Finding
from gridcell.read.fields import as_count, rename
from gridcell.read.files import Source
from gridcell.read.geometry import POLYGONS, canonical_order, check_types, mended_findings
from gridcell.rules import Rules
from gridcell.tables.values import as_number, as_text


def check_buildings(
    source: Source, geometries: Geometries, crs: pyproj.CRS, rules: Rules
) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    """Return the buildings with our columns in canonical order, and what was found.

    Parameters
    ----------
    source
        The input, for its columns and for messages.
    geometries
        Its geometries, row by row, in `crs`.
    crs
        The work CRS.
    rules
        For the names of columns.

    Raises
    ------
    InputError
        Points or lines; household counts that are negative, fractions or text.
    """
    check_types(
        source, geometries, POLYGONS,
        "buildings are polygons (footprints); points of households are an input of their own",
        Hint("households"),
    )  # fmt: skip
    given = rename(source, rules, "buildings")
    table = pd.DataFrame({"bldg_id": as_text(given["bldg_id"])})
    table["households"] = as_count(given["households"], source, "households")
    findings: list[Finding] = []
    for name in ("floors", "height"):
        table[name], unread = as_number(given[name])
        if unread:
            findings.append(_unread(source, name, unread))
    units, unread = as_number(given["units"])
    whole = units.where((units >= 1) & (units < 2**53) & (units == np.floor(units)))
    unread += int((units.notna() & whole.isna()).sum())
    table["units"] = whole.astype("Int64")
    if unread:
        findings.append(_unread(source, "units", unread))
    table["use"] = as_text(given["use"])
    mending = mend(geometries)
    findings += mended_findings(source, mending, "building_mended")
    mended = mending.shapes
    gone = shapely.is_missing(mended)
    findings += _lost(source, table, gone)
    order = canonical_order(mended[~gone], table[~gone])
    frame = gpd.GeoDataFrame(
        table[~gone].iloc[order].reset_index(drop=True), geometry=mended[~gone][order], crs=crs
    )
    frame["bldg_id"], twice = unique_ids(frame["bldg_id"], "b")
    if twice:
        findings.append(
            Finding(
                kind="duplicate_id", severity="warning", measure=float(len(twice)),
                message=f"{source.label}: {len(twice)} bldg_id occur more than once and got a "
                f"suffix: {_some(twice)}",
            )
        )  # fmt: skip
    return frame, findings


def unique_ids(ids: "pd.Series[str]", prefix: str) -> tuple["pd.Series[str]", list[str]]:
    """Return ids made unique in row order, and those that occurred more than once.

    Missing ones become `prefix` and the row's number; a repeated ``7`` becomes ``7-2``.
    """
    out = ids.astype(object).to_numpy().copy()
    missing = ids.isna().to_numpy()
    taken = set(ids.dropna())
    repeated = ids.duplicated(keep="first").to_numpy() & ~missing
    for row in np.flatnonzero(missing | repeated):
        base = f"{prefix}{row + 1:06d}" if missing[row] else str(out[row])
        number, name = 1 if missing[row] else 2, base if missing[row] else f"{base}-2"
        while name in taken:
            number += 1
            name = f"{base}-{number}"
        taken.add(name)
        out[row] = name
    twice = sorted(set(ids[repeated]))
    return pd.Series(out, index=ids.index, dtype=object).astype("str"), twice


def _unread(source: Source, name: str, count: int) -> Finding:
    return Finding(
        kind="unread_values", severity="note", measure=float(count),
        message=f"{source.label}: {count} values of {name} are no numbers and count as missing",
    )  # fmt: skip


def _lost(
    source: Source, table: pd.DataFrame, gone: "np.ndarray[tuple[int], np.dtype[np.bool_]]"
) -> list[Finding]:
    """Return the findings about rows without a geometry: none may take households along unseen."""
    counts = table["households"].fillna(0).astype("int64").to_numpy()
    peopled = gone & (counts > 0)
    findings = []
    for row in np.flatnonzero(peopled):
        name = table["bldg_id"].iloc[row]
        findings.append(
            Finding(
                kind="building_without_geometry", severity="error", measure=float(counts[row]),
                message=f"{source.label}: row {row + 1}, building "
                f"{name if isinstance(name, str) else '(no id)'} has no geometry; its "
                f"{counts[row]} households are in no cell; draw it or correct the row",
            )
        )  # fmt: skip
    bare = gone & ~peopled
    if bare.any():
        findings.append(
            Finding(
                kind="building_without_geometry", severity="warning", measure=0.0,
                message=f"{source.label}: {int(bare.sum())} rows without geometry and without "
                f"households were dropped, first row {int(np.flatnonzero(bare)[0]) + 1}",
            )
        )  # fmt: skip
    return findings


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
