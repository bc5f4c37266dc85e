"""Dates of cells that an operation left where they were."""

import dataclasses

import geopandas as gpd
import pandas as pd

from gridcell.model import Plan
from gridcell.schema import CELL_LAYERS

_DATES = ["valid_from", "valid_to"]


def with_kept_dates(before: Plan, after: Plan, lineage: pd.DataFrame) -> Plan:
    """Return a plan in which cells that have the land of before have the dates of before.

    Parameters
    ----------
    before, after
        The plans.
    lineage
        Of the operation.
    """
    cells = (plan.cells(level) for plan in (before, after) for level in CELL_LAYERS)
    if not any(frame[_DATES].notna().to_numpy().any() for frame in cells):
        return after
    # Who moved house changed no cell: such rows share no land.
    land = lineage[~(lineage["area_m2"] == 0) | lineage["event"].isin(["N", "R"])]
    pairs = land[["old", "new"]]
    same = _unchanged(pairs[_one_of(pairs, "leaves", before, after)])
    for level in ("small", "medium", "large"):
        if level == "small":
            pairs = pairs[_one_of(pairs, "small", before, after)]
        same |= _unchanged(pairs)
        pairs = pd.DataFrame(
            {
                "old": pairs["old"].map(before.cells(level).set_index("code")["parent"]),
                "new": pairs["new"].map(after.cells(level).set_index("code")["parent"]),
            }
        ).drop_duplicates()
    frames = {level: _dated(after.cells(level), before.cells(level), same) for level in CELL_LAYERS}
    return dataclasses.replace(after, **frames)


def _one_of(pairs: pd.DataFrame, level: str, before: Plan, after: Plan) -> "pd.Series[bool]":
    """Tell which pairs are of cells of a level."""
    old, new = (pairs[side].isin(plan.cells(level)["code"])
                for side, plan in (("old", before), ("new", after)))  # fmt: skip
    return (old | pairs["old"].isna()) & (new | pairs["new"].isna()) & (old | new)


def _unchanged(pairs: pd.DataFrame) -> set[str]:
    """Return the codes whose land is all theirs, before and after."""
    heirs = pairs.groupby("old", dropna=False)["new"].transform("size")
    origins = pairs.groupby("new", dropna=False)["old"].transform("size")
    return set(pairs.loc[(pairs["old"] == pairs["new"]) & (heirs == 1) & (origins == 1), "old"])


def _dated(cells: gpd.GeoDataFrame, old: gpd.GeoDataFrame, same: set[str]) -> gpd.GeoDataFrame:
    known = old[old["code"].isin(same)].drop_duplicates("code")
    row = pd.Index(known["code"], dtype=object).get_indexer(pd.Index(cells["code"], dtype=object))
    kept = {}
    for name in _DATES:
        dates = cells[name].to_numpy(dtype=object, copy=True)
        dates[row >= 0] = known[name].to_numpy(dtype=object)[row[row >= 0]]
        kept[name] = pd.Series(dates, index=cells.index, dtype="str")
    return cells.assign(**kept)
