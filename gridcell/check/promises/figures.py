"""The figures of a report, counted anew from the plan and compared."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridcell.check.promises.bands import band_limits
from gridcell.check.promises.faults import fault, numbers
from gridcell.check.promises.shapes import PRECISION, parts
from gridcell.check.promises.totals import figure
from gridcell.coverage.proof import CoverageProof
from gridcell.errors import RulesError
from gridcell.model import Finding, Plan
from gridcell.rules import Rules

_ROUNDED: Final = 1.0001e-4
"""Means and shares have four decimals: where they fall between two, either may stand."""


def coverage_figures(plan: Plan, proofs: Mapping[str, CoverageProof]) -> dict[str, Any]:
    """Return ``coverage`` and ``multipart_cells`` for the report.

    Parameters
    ----------
    plan
        The plan.
    proofs
        What `prove_plan` returned.
    """
    coverage = {
        level: {
            "gaps": proof.gaps,
            "gap_m2": round(proof.gap_m2, 6),
            "overlaps": proof.overlaps,
            "overlap_m2": round(proof.overlap_m2, 6),
            "edge_matched": proof.edge_matched and proof.exact,
        }
        for level, proof in proofs.items()
    }
    cells = pd.concat([plan.small["geometry"], plan.micro["geometry"]])
    return {"coverage": coverage, "multipart_cells": int((parts(cells) > 1).sum())}


def balance_figures(cells: gpd.GeoDataFrame, target: NDArray[np.float64]) -> dict[str, Any]:
    """Return how near the general cells of a level are to the target of their community.

    Parameters
    ----------
    cells
        With ``grid_type``, ``households`` and ``band``.
    target
        (cells,) households aimed at.
    """
    general = (cells["grid_type"] == "general").to_numpy(dtype=bool)
    goal = target[general]
    deviation = np.abs(numbers(cells["households"])[general] - goal) / goal
    return {
        "cells": int(general.sum()),
        "in_band": int((cells["band"][general] == "in").sum()),
        "mean_abs_dev": round(float(deviation.mean()), 4) if len(goal) else 0.0,
        "max_abs_dev": round(float(deviation.max()), 4) if len(goal) else 0.0,
    }


def check_report(plan: Plan, proofs: Mapping[str, CoverageProof]) -> Iterator[Finding]:
    """Yield ``report_differs`` for every figure of the report that the plan contradicts.

    A plan without a report has nothing to compare. What the files do not hold is not compared:
    ``inputs``, ``seconds``, ``counts.atoms``, ``barrier_share``, ``bound`` and people of the staff.
    """
    if not plan.report:
        return
    for path, true in _paths(recount(plan, proofs)):
        given = figure(plan.report, *path)
        if not _same(given, true):
            found = "missing" if given is None else f"{given!r}"
            yield fault("report_differs", f"report: {'.'.join(path)} is {found}, expected {true!r}")
    if not _same_rules(plan):
        yield fault("report_differs", "report: rules are not those that the plan was made by")
    estimated = figure(plan.report, "households", "estimated")
    if estimated not in (0, figure(plan.report, "households", "input")):
        yield fault(
            "report_differs",
            f"report: households.estimated is {estimated!r}, expected all of them or 0",
        )
    yield from _bands_told(plan)
    yield from _strangers(plan)


def recount(plan: Plan, proofs: Mapping[str, CoverageProof]) -> dict[str, Any]:
    """Return the figures of the report that follow from the plan itself."""
    general = plan.small["grid_type"] == "general"
    assigned = int(np.nan_to_num(numbers(plan.leaves["households"])).sum())
    nowhere = plan.households["code"].isna()
    unassigned = int(np.nan_to_num(numbers(plan.households.loc[nowhere, "count"])).sum())
    found = plan.findings
    kinds = Counter(found["kind"])
    total = assigned + unassigned
    ok = not (found["severity"] == "error").any() and all(proof.holds for proof in proofs.values())
    return {
        "ok": bool(ok),
        "crs": plan.crs.to_string(),
        "counts": {
            "cells": {
                "large": len(plan.large),
                "medium": len(plan.medium),
                "small_general": int(general.sum()),
                "small_dedicated": int((~general).sum()),
                "micro": len(plan.micro),
            },
            "communities": len(plan.medium),
            "buildings": int(plan.buildings["bldg_id"].nunique()) if _has_buildings(plan) else 0,
            "households": total,
        },
        "households": {"input": total, "assigned": assigned, "unassigned": unassigned},
        **coverage_figures(plan, proofs),
        "balance": {level: _balance(plan, level) for level in ("small", "micro")},
        "communities": _communities(plan),
        "compactness": {
            "small": _mean(plan.small.loc[general, "compactness"]),
            "micro": _mean(plan.micro["compactness"]),
        },
        "cut_buildings": kinds["cut_building"],
        "staff": {
            "posts_filled": len(plan.staff),
            "vacancies": int(np.nan_to_num(numbers(plan.vacancies["missing"])).sum()),
        },
        "findings": dict(sorted(kinds.items())),
    }


def _has_buildings(plan: Plan) -> bool:
    """Tell whether atoms were made of buildings: given ones take their place in the plan."""
    inputs = plan.report.get("inputs")
    records = inputs if isinstance(inputs, list) else []
    return any(figure(record, "role") == "buildings" for record in records)


def _same_rules(plan: Plan) -> bool:
    """Compare rules as models: a setting that is younger than the plan has its default."""
    told = plan.report.get("rules")
    try:
        return isinstance(told, dict) and Rules.build(told) == plan.rules
    except RulesError:
        return False


def _balance(plan: Plan, level: str) -> dict[str, Any]:
    cells = plan.cells(level)
    _, target, _ = band_limits(plan.report, level, cells)
    figures = balance_figures(cells, target)
    # Without the bands of the communities only numbers of cells can be told.
    return {name: value for name, value in figures.items() if not np.isnan(value)}


def _communities(plan: Plan) -> dict[str, Any]:
    codes = [code for code in plan.medium["community"] if isinstance(code, str)]
    figures: dict[str, Any] = {code: {} for code in codes}
    for level in ("small", "micro"):
        cells = plan.cells(level)
        general = cells[cells["grid_type"] == "general"]
        number = general.groupby("community").size()
        inside = general[general["band"] == "in"].groupby("community").size()
        for code in codes:
            figures[code][level] = {
                "cells": int(number.get(code, 0)), "in_band": int(inside.get(code, 0)),
            }  # fmt: skip
    return figures


def _bands_told(plan: Plan) -> Iterator[Finding]:
    """Yield communities whose band is no band, or missing where others have one."""
    communities = figure(plan.report, "communities")
    codes = list(communities) if isinstance(communities, dict) else []
    paths = [("communities", code, level) for code in codes for level in ("small", "micro")]
    bands = {path: figure(plan.report, *path, "band") for path in paths}
    if all(band is None for band in bands.values()):
        return
    for path, band in bands.items():
        limits = [figure(band, name) for name in ("min", "target", "max")]
        numeric = all(isinstance(value, (int, float)) for value in limits)
        # Where the division stops at level 3 there is no band of micro cells.
        absent = band is None and path[-1] == "micro" and plan.rules.micro is None
        if not absent and not (numeric and limits[0] <= limits[1] <= limits[2]):
            yield fault(
                "report_differs",
                f"report: {'.'.join(path)}.band is {band!r}, expected min, target and max",
            )


def _strangers(plan: Plan) -> Iterator[Finding]:
    """Yield communities and kinds of findings that only the report knows."""
    known = {"communities": set(plan.medium["community"]), "findings": set(plan.findings["kind"])}
    for name, here in known.items():
        told = figure(plan.report, name)
        for key in told if isinstance(told, dict) else ():
            if key not in here:
                yield fault("report_differs", f"report: {name}.{key}: the plan has no such one")


def _paths(figures: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(figures, dict) and figures:
        for key, value in figures.items():
            yield from _paths(value, (*path, key))
    elif figures != {}:
        yield path, figures


def _same(given: Any, true: Any) -> bool:
    if isinstance(true, bool) or isinstance(given, bool) or not isinstance(true, float):
        return bool(given == true) and isinstance(given, bool) == isinstance(true, bool)
    if not isinstance(given, (int, float)):
        return False
    return bool(abs(given - true) <= max(_ROUNDED, PRECISION * abs(true)))


def _mean(values: "pd.Series[float]") -> float:
    return round(float(values.mean()), 4) if len(values) else 0.0
