"""The check of any polygon layer, whoever drew it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from gridcell.arguments import checked
from gridcell.check.codes import check_codes
from gridcell.check.contents import check_buildings, check_households
from gridcell.check.report import CheckReport
from gridcell.check.shapes import check_shapes
from gridcell.check.shares import check_shares
from gridcell.coverage.faults import Cover, prove_level
from gridcell.coverage.layer import CellTable
from gridcell.coverage.levels import Levels, find_levels, leaves_of, plan_levels
from gridcell.coverage.units import require_one_crs
from gridcell.coverage.width import GAP_WIDTH_M
from gridcell.crs import parse_crs
from gridcell.errors import InputError
from gridcell.model import Finding
from gridcell.words.messages import Message


@checked
def check_cells(
    cells: gpd.GeoDataFrame,
    within: gpd.GeoDataFrame | None = None,
    *,
    buildings: gpd.GeoDataFrame | None = None,
    households: pd.DataFrame | None = None,
    gap_width: float = GAP_WIDTH_M,
    shares: Sequence[tuple[str, str]] = (),
    crs: Any = None,
) -> CheckReport:
    """Return what keeps cells from covering their land exactly, and what else is wrong with them.

    Parameters
    ----------
    cells
        Any polygons, on any index, in any CRS. Without one they are measured in their own units,
        which cannot be degrees. Columns ``code``, ``label``, ``level``,
        ``parent`` and figures are used where there are any; without codes cells are called by
        their label in the index. Levels above each other are checked one by one.
    within
        The land that the uppermost level has to cover, in the same CRS. A cell belongs to the
        polygon that holds most of it. Without it, land that cells enclose and none of them holds
        is a ``hole``, a warning, unless it is a sliver.
    buildings
        Polygons that no border may cut, in any CRS.
    households
        Points that each have to be in one cell, in any CRS; or ``lon`` and ``lat``, ``x`` and
        ``y``, or ``bldg_id`` of `buildings`.
    gap_width
        A gap narrower than this is a sliver, metres; so is a longer one up to 20 m wide that is
        long for its width.
    shares
        Pairs of columns: a part, and the whole that it cannot exceed.
    crs
        CRS of the layers that name none, such as ``EPSG:4547``.

    Returns
    -------
    CheckReport
        Findings worst first with their places, and the polygons of gaps, overlaps and protrusions.
        Areas are in m2 and widths in m whatever the CRS (its own units where there is none);
        places and polygons are in the CRS of the cells.

    Raises
    ------
    InputError
        Coordinates in other units than their CRS says, or degrees without a CRS. The land is in
        another CRS than the cells: borders can only be compared in one. No polygons, a column of
        `shares` that is missing, personal columns in `households`.

    Notes
    -----
    Borders are compared edge by edge (`gridcell.coverage.prove_coverage`); only where they do not
    cancel, geometry is. A polygon given twice is told once, and covers its land once.

    Examples
    --------
    >>> import geopandas, gridcell, shapely
    >>> west = shapely.box(500_000, 2_500_000, 500_100, 2_500_100)
    >>> east = shapely.box(500_098, 2_500_000, 500_200, 2_500_100)
    >>> cells = geopandas.GeoDataFrame(
    ...     {"code": ["W", "E"]}, geometry=[west, east], crs="EPSG:4547"
    ... )
    >>> print(gridcell.check_cells(cells))
    error  overlap  500099.00 2500050.00  E and W share 200 m2, 2 m wide
    1 error
    """
    if not gap_width >= 0:
        raise InputError(Message("error.gap_width", given=gap_width))
    named = parse_crs(crs)
    table, findings = check_shapes(CellTable.of(cells, "cell", named))
    findings += _doubts(table.doubts)
    land = None
    if within is not None:
        land, faults = check_shapes(CellTable.of(within, "land", named))
        require_one_crs(table.frame.crs, land.frame.crs)
        findings += _doubts(land.doubts)
        # Land may be in parts, and is not divided by its own borders.
        findings += [fault for fault in faults if fault.kind != "multipart"]
    levels = find_levels(table)
    plans = plan_levels(table, levels, land)
    covers = [prove_level(table, plan, gap_width=gap_width) for plan in plans]
    for cover in covers:
        findings += cover.findings
    findings += check_codes(table, levels)
    findings += check_shares(table, levels, shares)
    leaves = leaves_of(plans)
    if buildings is not None:
        findings += check_buildings(table, leaves, buildings, named)
    if households is not None:
        findings += check_households(table, leaves, households, buildings, named)
    return CheckReport.of(
        findings,
        table.frame.crs,
        pieces=[piece for cover in covers for piece in cover.pieces],
        figures=_figures(table, levels, covers, findings, gap_width),
    )


def _doubts(doubts: Iterable[Message]) -> list[Finding]:
    return [
        Finding(kind=text.msgid.removeprefix("finding."), severity="warning", text=text)
        for text in doubts
    ]


def _figures(
    table: CellTable,
    levels: Levels,
    covers: list[Cover],
    findings: list[Finding],
    gap_width: float,
) -> dict[str, Any]:
    """Return what was counted and proven over all levels."""
    count = Counter(finding.kind for finding in findings)
    pieces = [piece for cover in covers for piece in cover.pieces]

    def area(*kinds: str) -> float:
        return float(np.sum([p["area_m2"] for p in pieces if p["kind"] in kinds]))

    return {
        "cells": len(table.name),
        "levels": len(levels.number),
        "gap_width_m": float(gap_width),
        "gaps": count["gap"] + count["sliver"],
        "gap_m2": area("gap", "sliver"),
        "slivers": count["sliver"],
        "holes": count["hole"],
        "hole_m2": area("hole"),
        "overlaps": count["overlap"],
        "overlap_m2": area("overlap"),
        "outside": count["outside"] + count["not_nested_geometry"],
        "outside_m2": area("outside", "not_nested_geometry"),
        "unmatched": sum(f.kind == "unmatched_border" and f.severity == "error" for f in findings),
        "invalid": count["invalid_geometry"] + count["empty_geometry"] + count["wrong_type"],
        "duplicates": count["duplicate_geometry"],
        "multipart": count["multipart"],
        "edge_matched": all(not len(cover.proof.unmatched) for cover in covers),
        "closed": all(cover.proof.closed for cover in covers),
        "exact": all(cover.proof.exact for cover in covers),
        "areas_add_up": all(cover.proof.areas_add_up for cover in covers),
        "units": {"area": table.units.area, "length": table.units.length},
    }
