"""What became of each code: pairs of old and new cells, and the events between them."""

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridcell.model import Plan
from gridcell.revision.match import Descent
from gridcell.schema import LINEAGE_COLUMNS

Ints = NDArray[np.int64]
Texts = NDArray[np.object_]

_KEYS: Final = ["old", "new"]


def make_lineage(before: Plan, after: Plan, descent: Descent, operation: int) -> pd.DataFrame:
    """Return `gridcell.schema.LINEAGE_COLUMNS` of one operation, sorted by old and new code.

    Parameters
    ----------
    before, after
        The plans; `after` with its land.
    descent
        Where the atoms of `after` lay in `before`.
    operation
        Its number.

    Notes
    -----
    Events follow the kinds of change of statistical areas (Office for National Statistics, Lower
    layer Super Output Areas 2011 to 2021): U the same cell; S one of several cells that an old one
    became; M several old cells became it; X any other.
    """
    fabric = after.fabric
    assert fabric is not None  # noqa: S101
    leaf = np.asarray(fabric.atoms["code"], dtype=object)
    old_leaf = np.array(before.leaves["code"].take(descent.leaf), dtype=object)
    old_leaf[descent.leaf < 0] = None
    households = fabric.atoms["households"].to_numpy()
    area = fabric.atoms["area_m2"].to_numpy()
    pairs = pd.concat(
        [
            _pairs(old_leaf, leaf, households, area),
            _pairs(_smalls(before, old_leaf), _smalls(after, leaf), households, area),
            *people_pairs(before, after),
        ],
        ignore_index=True,
    )
    return lineage_of(before, after, pairs, operation)


def lineage_of(before: Plan, after: Plan, pairs: pd.DataFrame, operation: int) -> pd.DataFrame:
    """Return the lineage that pairs of cells make: `gridcell.schema.LINEAGE_COLUMNS`.

    Parameters
    ----------
    before, after
        The plans.
    pairs
        ``old``, ``new``, ``households``, ``area_m2`` of cells that share land or households.
    operation
        Number of the operation.
    """
    # A dedicated cell is both a small cell and a leaf; a household may have moved across.
    pairs = pairs.groupby(_KEYS, sort=True).max().reset_index()
    return _with_events(before, after, pairs, operation)


def changes_of(lineage: pd.DataFrame) -> dict[str, int]:
    """Return how many codes each event concerns: new codes, of retired ones the old."""
    code = lineage["new"].where(lineage["new"].notna(), lineage["old"])
    count = lineage.assign(code=code).drop_duplicates(["code", "event"])["event"].value_counts()
    return {str(event): int(count[event]) for event in sorted(count.index)}


def _pairs(old: Texts, new: Texts, households: Ints, area: NDArray[np.float64]) -> pd.DataFrame:
    table = pd.DataFrame({"old": old, "new": new, "households": households, "area_m2": area})
    table = table[table["old"].notna()]
    return table.groupby(_KEYS, sort=True).sum().reset_index()


def people_pairs(before: Plan, after: Plan) -> list[pd.DataFrame]:
    """Return the pairs of households that are in both registers, by leaf and by small cell."""
    columns = ["household_id", "code", "small", "count"]
    old, new = (
        plan.households.loc[plan.households["code"].notna(), columns].dropna(subset="household_id")
        for plan in (before, after)
    )
    both = old.merge(new, on="household_id", suffixes=("_old", "_new"))
    moved = both[both["code_old"] != both["code_new"]]
    tables = []
    for name in ("code", "small"):
        table = pd.DataFrame(
            {
                "old": moved[f"{name}_old"], "new": moved[f"{name}_new"],
                "households": moved["count_new"], "area_m2": 0.0,
            }
        )  # fmt: skip
        tables.append(table.groupby(_KEYS, sort=True).sum().reset_index())
    return tables


def _with_events(before: Plan, after: Plan, pairs: pd.DataFrame, operation: int) -> pd.DataFrame:
    heirs = pairs.groupby("old")["new"].transform("size").to_numpy()
    origins = pairs.groupby("new")["old"].transform("size").to_numpy()
    # Of a cell that came out of one cell, or went into one, all others must have done so as well.
    pure_split = pd.Series(origins == 1).groupby(pairs["old"]).transform("all").to_numpy()
    pure_merge = pd.Series(heirs == 1).groupby(pairs["new"]).transform("all").to_numpy()
    same = (pairs["old"] == pairs["new"]).to_numpy()
    event = np.select(
        [
            same & (heirs == 1) & (origins == 1),
            (heirs > 1) & pure_split,
            (origins > 1) & pure_merge,
        ],
        ["U", "S", "M"],
        "X",
    )
    codes_before, codes_after = (
        pd.concat([plan.small, plan.micro])[["code", "households", "area_m2"]]
        for plan in (before, after)
    )
    new = codes_after[~codes_after["code"].isin(pairs["new"])]
    gone = codes_before[~codes_before["code"].isin(pairs["old"])]
    table = pd.concat(
        [
            pairs.assign(event=event),
            new.rename(columns={"code": "new"}).assign(event="N"),
            gone.rename(columns={"code": "old"}).assign(event="R", households=0, area_m2=0.0),
        ],
        ignore_index=True,
    )
    table["operation"] = operation
    table["area_m2"] = table["area_m2"].astype("float64").round(3)
    table = table.astype({"households": "int64", "old": "str", "new": "str", "event": "str"})
    order = (
        table.assign(none=table["old"].isna()).sort_values(["none", *_KEYS], kind="stable").index
    )
    return pd.DataFrame(table.loc[order, list(LINEAGE_COLUMNS)]).reset_index(drop=True)


def _smalls(plan: Plan, leaf: Texts) -> Texts:
    """Return the code of the small cell of each leaf; ``None`` for none."""
    itself = plan.leaves["code"].isin(plan.small["code"])
    over = plan.leaves["parent"].where(~itself, plan.leaves["code"]).to_numpy(dtype=object)
    row = pd.Index(plan.leaves["code"]).get_indexer(pd.Index(leaf, dtype=object))
    small: Texts = over[row]
    small[row < 0] = None
    return small
