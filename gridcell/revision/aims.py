"""What cells should hold in an update: wanted numbers that were met go on as their bands."""

import json
from collections.abc import Mapping
from dataclasses import replace

import geopandas as gpd
import numpy as np

from gridcell.assembly import Aims, DivisionInput, Held, wanted_numbers
from gridcell.model import Finding, Plan
from gridcell.partition import Division, Targets, set_targets
from gridcell.rules import Rules
from gridcell.words.messages import Message

Wanted = dict[tuple[str, str], int]
"""Number of cells by community and level."""


def kept_aims(plan: Plan, recoded: Mapping[str, str]) -> Aims:
    """Return the targets of an update.

    Where a community wants as many cells as the plan has, or as were met before, the band that the
    number gave then stays, and the number is free. Held to it, cells would have to vanish or come
    up far from where anything changed; what grew, and what was done by hand, would be undone at the
    next update of the same data. Another number is a wish, and is met.

    Parameters
    ----------
    plan
        The earlier plan.
    recoded
        New codes of communities, by their earlier ones.
    """
    earlier = {new: old for old, new in recoded.items()}
    met = _met_before(plan)

    def aims(
        communities: gpd.GeoDataFrame, households: Held, rules: Rules
    ) -> tuple[Targets, Targets | None]:
        small, micro = set_targets(communities, households, rules)
        codes = [earlier.get(code, code) for code in communities["code"]]
        small = _kept(plan, "small", codes, small, met)
        return small, None if micro is None else _kept(plan, "micro", codes, micro, met)

    return aims


def met_numbers(
    plan: Plan, given: DivisionInput, division: Division, recoded: Mapping[str, str]
) -> Wanted:
    """Return the wanted numbers that an update met, or that were met before.

    Parameters
    ----------
    plan, recoded
        As for `kept_aims`.
    given, division
        What the update was given, and what it made of it.
    """
    earlier = {new: old for old, new in recoded.items()}
    before, made = _met_before(plan), _made(given, division)
    return {
        (code, level): wanted
        for (code, level), wanted in wanted_numbers(given.layers.communities).items()
        if wanted in {made[code, level], *before.get((earlier.get(code, code), level), ())}
    }


def wanted_findings(given: DivisionInput, division: Division) -> list[Finding]:
    """Return a note for each community that has another number of cells than it wants."""
    made = _made(given, division)
    findings = []
    for (code, level), wanted in wanted_numbers(given.layers.communities).items():
        count = made[code, level]
        if count == wanted or (level == "micro" and given.micro is None):
            continue
        text = Message(
            "finding.wanted_number", community=code, made=count, wanted=wanted, column=f"n_{level}"
        )
        findings.append(
            Finding(
                kind="wanted_number", severity="note", community=code,
                measure=float(count - wanted), text=text,
            )
        )  # fmt: skip
    return findings


def unmet_numbers(plan: Plan) -> Wanted:
    """Return the wanted numbers that the last operation could not meet, as `wanted_findings`."""
    told = plan.findings.loc[plan.findings["kind"] == "wanted_number", "params"]
    found = [json.loads(params) for params in told.dropna()]
    return {
        (said["community"], said["column"].removeprefix("n_")): said["wanted"] for said in found
    }


def new_wishes(plan: Plan, communities: gpd.GeoDataFrame) -> set[str]:
    """Return the codes of communities with a wanted number that no operation knew of before.

    Parameters
    ----------
    plan
        The earlier plan.
    communities
        As they are now, under the same codes.
    """
    met, unmet = _met_before(plan), unmet_numbers(plan)
    return {
        at[0]
        for at, wanted in wanted_numbers(communities).items()
        if at in plan.bands and wanted not in met.get(at, ()) and unmet.get(at) != wanted
    }


def _made(given: DivisionInput, division: Division) -> Wanted:
    """Return how many general cells each community has."""
    codes = given.layers.communities["code"].tolist()
    general = division.site_of_small < 0
    small = division.community_of_small[general]
    leaf = division.community_of_small[division.small_of_leaf][general[division.small_of_leaf]]
    return {
        (code, level): number
        for level, home in (("small", small), ("micro", leaf))
        for code, number in zip(
            codes, np.bincount(home, minlength=len(codes)).tolist(), strict=True
        )
    }


def _met_before(plan: Plan) -> dict[tuple[str, str], set[int]]:
    """Return by community and level the wanted numbers that a plan has, or that were met before."""
    met = {at: {wanted} for at, wanted in plan.division.wanted.items()}
    for level in ("small", "micro"):
        cells = plan.cells(level)
        count = cells.loc[cells["grid_type"] == "general", "community"].value_counts()
        for code, number in count.items():
            met.setdefault((str(code), level), set()).add(int(number))
    return met


def _kept(
    plan: Plan,
    level: str,
    codes: list[str],
    targets: Targets,
    met: Mapping[tuple[str, str], set[int]],
) -> Targets:
    low, target, high = targets.low.copy(), targets.target.copy(), targets.high.copy()
    wanted = targets.wanted.copy()
    for row, code in enumerate(codes):
        band = plan.bands.get((code, level))
        if band is not None and wanted[row] > 0 and wanted[row] in met.get((code, level), ()):
            low[row], target[row], high[row] = band.min, band.target, band.max
            wanted[row] = 0
    return replace(targets, low=low, target=target, high=high, wanted=wanted)
