"""The report of a division: what ``report.json`` holds."""

import dataclasses
from collections import Counter
from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridcell.check import coverage_figures
from gridcell.coverage import CoverageProof
from gridcell.households import HouseholdCounts
from gridcell.model import Fabric, Finding, Layers, Plan, findings_frame
from gridcell.partition import Division, Targets
from gridcell.partition.bounds import reach_of_micro, reach_of_small
from gridcell.rules import Rules
from gridcell.version import __version__
from gridcell.words.messages import Message, some

Ints = NDArray[np.int64]


def make_report(
    plan: Plan,
    findings: list[Finding],
    *,
    proofs: Mapping[str, CoverageProof],
    layers: Layers,
    fabric: Fabric,
    division: Division,
    targets: tuple[Targets, Targets | None],
    counted: HouseholdCounts,
    staffing: Mapping[str, Any],
    seconds: dict[str, float],
) -> Plan:
    """Return the plan with its findings and its report.

    Parameters
    ----------
    plan
        The cells.
    findings
        All there are; an ``error`` among them makes the report not ok.
    proofs
        Of the coverages, by level.
    layers, fabric, division, targets, counted
        What the plan was made of.
    staffing
        Figures of the assignment.
    seconds
        By stage: the only figures that differ from run to run.
    """
    pieces = fabric.pieces
    assigned = int(pieces.loc[pieces["atom"] >= 0, "households"].sum())
    total = (
        int(counted.register["count"].sum())
        if len(counted.register)
        else int(counted.households.sum())
    )
    communities = layers.communities["code"]
    small_target = pd.Series(targets[0].target, index=communities)
    # Without micro cells there is nothing to compare, whatever the target.
    micro_target = pd.Series((targets[1] or targets[0]).target, index=communities)
    lost = total - assigned
    listed = int(plan.households.loc[plan.households["code"].isna(), "count"].sum())
    if lost != listed:
        told = Message("finding.totals_unassigned", n=lost, total=total, listed=listed)
        findings = [*findings, Finding(kind="totals", severity="error", text=told)]
    findings = [*findings, *_unused_classes(layers.communities, plan.rules)]
    frame = findings_frame(findings, plan.crs)
    ok = not (frame["severity"] == "error").any() and all(proof.holds for proof in proofs.values())
    general = plan.small["grid_type"] == "general"
    report: dict[str, Any] = {
        "ok": bool(ok),
        "version": __version__,
        "crs": plan.crs.to_string(),
        "inputs": [record.as_dict() for record in layers.inputs],
        "rules": plan.rules.model_dump(mode="json"),
        "counts": {
            "cells": {
                "large": len(plan.large),
                "medium": len(plan.medium),
                "small_general": int(general.sum()),
                "small_dedicated": int((~general).sum()),
                "micro": len(plan.micro),
            },
            "communities": len(layers.communities),
            "buildings": 0 if layers.buildings is None else len(layers.buildings),
            "atoms": len(fabric.atoms),
            "households": total,
        },
        "households": {
            "input": total,
            "assigned": assigned,
            "unassigned": lost,
            "estimated": int(counted.households.sum()) if counted.estimated else 0,
        },
        **coverage_figures(plan, proofs),
        "balance": {
            "small": _balance(plan.small, small_target),
            "micro": _balance(plan.micro, micro_target),
        },
        "communities": _reached(communities, fabric, division, targets),
        "compactness": {
            "small": _mean(plan.small.loc[general, "compactness"]),
            "micro": _mean(plan.micro["compactness"]),
        },
        "barrier_share": {
            "small": _barrier_share(fabric, division.small),
            "micro": _barrier_share(fabric, division.leaf) if len(plan.micro) else 0.0,
        },
        "cut_buildings": int((frame["kind"] == "cut_building").sum()),
        "staff": dict(staffing),
        "findings": dict(sorted(Counter(frame["kind"]).items())),
        "seconds": {**seconds, "total": round(sum(seconds.values()), 3)},
    }
    return dataclasses.replace(plan, findings=frame, report=report)


def _balance(cells: gpd.GeoDataFrame, target: "pd.Series[float]") -> dict[str, Any]:
    """Return how near the general cells of a level are to the target of their community."""
    general = cells[cells["grid_type"] == "general"]
    goal = general["community"].map(target).to_numpy(dtype=np.float64)
    deviation = np.abs(general["households"].to_numpy() - goal) / goal
    return {
        "cells": len(general),
        "in_band": int((general["band"] == "in").sum()),
        "mean_abs_dev": round(float(deviation.mean()), 4) if len(general) else 0.0,
        "max_abs_dev": round(float(deviation.max()), 4) if len(general) else 0.0,
    }


def _reached(
    codes: "pd.Series[str]",
    fabric: Fabric,
    division: Division,
    targets: tuple[Targets, Targets | None],
) -> dict[str, Any]:
    """Return for each community how many cells are in their band, and how many could be."""
    small, micro = targets
    reached = {"small": reach_of_small(fabric, division, small)}
    if micro is not None:
        reached["micro"] = reach_of_micro(fabric, division, micro)
    figures = ("cells", "in_band", "bound")
    return {
        code: {
            level: {
                **{
                    name: int(getattr(reached[level], name)[row]) if level in reached else 0
                    for name in figures
                },
                "band": _band(small if level == "small" else micro, row),
            }
            for level in ("small", "micro")
        }
        for row, code in enumerate(codes)
    }


def _band(targets: Targets | None, row: int) -> dict[str, float] | None:
    """Return the band of a community, ``None`` where the division stops above."""
    if targets is None:
        return None
    limits = {"min": targets.low, "target": targets.target, "max": targets.high}
    return {name: float(values[row]) for name, values in limits.items()}


def _unused_classes(communities: gpd.GeoDataFrame, rules: Rules) -> list[Finding]:
    """Return a note where communities are of classes and the rules make no difference."""
    if rules.classes or "class" not in communities or communities["class"].isna().all():
        return []
    known = sorted(communities["class"].dropna().unique())
    told = Message("finding.classes_unused", classes=some(known))
    return [Finding(kind="classes_unused", severity="note", text=told)]


def _mean(values: "pd.Series[float]") -> float:
    return round(float(values.mean()), 4) if len(values) else 0.0


def _barrier_share(fabric: Fabric, cell: Ints) -> float:
    """Return the share of borders between general cells of one community that is on barriers.

    The outlines of sites are given, not chosen, and do not count.
    """
    general = np.append(fabric.atoms["site"].to_numpy() < 0, [False])
    inner = general[fabric.arc_left] & general[fabric.arc_right]
    left, right = fabric.arc_left[inner], fabric.arc_right[inner]
    community = fabric.atoms["community"].to_numpy()
    border = (cell[left] != cell[right]) & (community[left] == community[right])
    length = fabric.arc_length[inner][border]
    on = fabric.arc_barrier[inner][border] > 0
    return round(float(length[on].sum() / length.sum()), 4) if length.sum() > 0 else 0.0
