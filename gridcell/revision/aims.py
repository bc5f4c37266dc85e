"""What cells should hold in an update: wanted numbers that were met go on as their bands."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd

from gridcell.assembly import Aims, DivisionInput, Held
from gridcell.model import Finding, Plan
from gridcell.partition import Division, Targets, set_targets
from gridcell.rules import Rules
from gridcell.schema import LEVELS
from gridcell.words.messages import Message

_BY_HAND: Final = frozenset({"edit", "adopt"})
"""Operations in which people, not wanted numbers, say how many cells there are."""


def kept_aims(plan: Plan, recoded: Mapping[str, str]) -> Aims:
    """Return the targets of an update.

    Where a community wants as many cells as the plan has, or had before somebody changed cells by
    hand, the number was met: the band that it gave then stays, and the number is free. Held to it,
    cells would have to vanish or come up far from where anything changed, and what was done by hand
    would be undone. Another number is a wish, and is met.

    Parameters
    ----------
    plan
        The earlier plan.
    recoded
        New codes of communities, by their earlier ones.
    """
    earlier = {new: old for old, new in recoded.items()}

    def aims(
        communities: gpd.GeoDataFrame, households: Held, rules: Rules
    ) -> tuple[Targets, Targets | None]:
        small, micro = set_targets(communities, households, rules)
        codes = [earlier.get(code, code) for code in communities["code"]]
        small = _kept(plan, "small", codes, small)
        return small, None if micro is None else _kept(plan, "micro", codes, micro)

    return aims


def wanted_findings(given: DivisionInput, division: Division) -> list[Finding]:
    """Return a note for each community that has another number of cells than it wants."""
    communities = given.layers.communities
    general = division.site_of_small < 0
    small = division.community_of_small[general]
    leaf = division.community_of_small[division.small_of_leaf][general[division.small_of_leaf]]
    findings = []
    for column, home in (("n_small", small), ("n_micro", leaf)):
        if column not in communities or (column == "n_micro" and given.micro is None):
            continue
        count = np.bincount(home, minlength=len(communities))
        wishes = communities[column].fillna(0).to_numpy(dtype=np.int64)
        for row in np.flatnonzero((wishes > 0) & (wishes != count)).tolist():
            code, made, wanted = communities["code"].iloc[row], int(count[row]), int(wishes[row])
            text = Message(
                "finding.wanted_number", community=code, made=made, wanted=wanted, column=column
            )
            findings.append(
                Finding(
                    kind="wanted_number", severity="note", community=code,
                    measure=float(made - wanted), text=text,
                )
            )  # fmt: skip
    return findings


def _kept(plan: Plan, level: str, codes: list[str], targets: Targets) -> Targets:
    met = _met(plan, level)
    low, target, high = targets.low.copy(), targets.target.copy(), targets.high.copy()
    wanted = targets.wanted.copy()
    for row, code in enumerate(codes):
        band = plan.bands.get((code, level))
        if band is not None and wanted[row] > 0 and wanted[row] in met.get(code, ()):
            low[row], target[row], high[row] = band.min, band.target, band.max
            wanted[row] = 0
    return replace(targets, low=low, target=target, high=high, wanted=wanted)


def _met(plan: Plan, level: str) -> dict[str, set[int]]:
    """Return the numbers of general cells that each community has, and had before edits.

    Updates that left the number of cells as it was are passed over.
    """
    cells = plan.cells(level)
    count = cells.loc[cells["grid_type"] == "general", "community"].value_counts()
    met = {str(code): {int(number)} for code, number in count.items()}
    digits = plan.rules.codes.small_digits
    if level == "micro":
        digits += plan.rules.codes.micro_digits
    known = plan.codes[
        (plan.codes["level"] == LEVELS[level]) & (plan.codes["grid_type"] == "general")
    ]
    home = known["code"].str[:-digits]
    ended = known["retired"].fillna(len(plan.history) + 1)

    def had(number: int) -> "pd.Series[int]":
        return home[(known["given"] <= number) & (ended > number)].value_counts()

    open_ = set(met)
    numbers, operations = (plan.history[name].tolist() for name in ("number", "operation"))
    for number, operation in zip(numbers[::-1], operations[::-1], strict=True):
        after, before = had(number), had(number - 1)
        for code in sorted(open_):
            now = int(after.get(code, 0))
            met[code].add(now)
            if operation not in _BY_HAND and now != before.get(code, 0):
                open_.discard(code)
    return met
