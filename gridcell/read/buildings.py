"""Buildings: valid polygons with unique ids and checked counts; no household lost unseen."""

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from gridcell.arrays import Geometries
from gridcell.coverage.mend import mend
from gridcell.errors import Hint, InputError
from gridcell.model import Finding
from gridcell.read.aliases import ranges, unread_numbers
from gridcell.read.fields import as_count, find_columns, rename
from gridcell.read.files import Source
from gridcell.read.footprints import drop_repeated
from gridcell.read.geometry import POLYGONS, canonical_order, check_types, mended_findings
from gridcell.read.ids import exact_ids, rounded_ids, unique_ids
from gridcell.read.load import read_load_columns
from gridcell.rules import Rules
from gridcell.tables.values import as_number, as_text
from gridcell.words.messages import Message


def check_buildings(
    source: Source,
    geometries: Geometries,
    crs: pyproj.CRS,
    rules: Rules,
    *,
    named: Sequence["pd.Series[str]"] = (),
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
    named
        Ids by which registers name buildings.

    Raises
    ------
    InputError
        Points or lines; household counts that are negative, fractions or text; ids in scientific
        notation, or rounded and thus alike.
    """
    check_types(
        source, geometries, POLYGONS,
        "buildings",
        Hint("households"),
    )  # fmt: skip
    wanted = pd.concat([ids.dropna() for ids in named]) if len(named) else None
    found = find_columns(source, rules.fields.get("buildings", {}), "buildings", wanted=wanted)
    given = rename(source, rules, "buildings", found=found)
    table = pd.DataFrame({"bldg_id": as_text(given["bldg_id"])})
    table["households"] = as_count(given["households"], source, "households")
    table["bldg_id"] = exact_ids(table["bldg_id"], source, "bldg_id", found.get("bldg_id"))
    findings = rounded_ids(table["bldg_id"], source, "bldg_id")
    if findings and table["bldg_id"].dropna().duplicated().any():
        # Different buildings have become one: its register would fill the first of them.
        raise InputError(findings[0].text)
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
    numbers, unread_loads = read_load_columns(source, rules, "buildings")
    table = table.assign(**numbers)
    findings += unread_loads
    mending = mend(geometries)
    findings += mended_findings(source, mending, "building_mended")
    mended = mending.shapes
    gone = shapely.is_missing(mended)
    findings += _lost(source, table, gone)
    counts, repeated = drop_repeated(source, mended, table)
    findings += repeated
    kept = ~gone & counts
    order = canonical_order(mended[kept], table[kept])
    frame = gpd.GeoDataFrame(
        table[kept].iloc[order].reset_index(drop=True), geometry=mended[kept][order], crs=crs
    )
    frame["bldg_id"], made = unique_ids(frame["bldg_id"], "b", source, "bldg_id", named=named)
    return frame, findings + made


def unread_figures(source: Source, rules: Rules) -> list[Finding]:
    """Return the finding that no column counts households, with those of numbers that are not read.

    Households will be estimated: where one of these columns counts them, it has to be named.
    """
    found = find_columns(source, rules.fields.get("buildings", {}), "buildings")
    if "households" in found and source.frame[found["households"]].notna().any():
        return []
    numbers = unread_numbers(source, found)
    if not numbers:
        return []
    return [
        Finding(
            kind="figures_unread", severity="warning", measure=float(len(numbers)),
            text=Message("finding.figures_unread", label=source.label, columns=ranges(numbers)),
        )
    ]  # fmt: skip


def _unread(source: Source, name: str, count: int) -> Finding:
    return Finding(
        kind="unread_values", severity="note", measure=float(count),
        text=Message("finding.unread_values", label=source.label, n=count, column=name),
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
                text=Message(
                    "finding.building_without_geometry", label=source.label, row=row + 1,
                    building=name if isinstance(name, str) else Message("part.no_id"),
                    n=counts[row],
                ),
            )
        )  # fmt: skip
    bare = gone & ~peopled
    if bare.any():
        findings.append(
            Finding(
                kind="building_without_geometry", severity="warning", measure=0.0,
                text=Message(
                    "finding.building_without_geometry_empty", label=source.label, n=bare.sum(),
                    row=np.flatnonzero(bare)[0] + 1,
                ),
            )
        )  # fmt: skip
    return findings
