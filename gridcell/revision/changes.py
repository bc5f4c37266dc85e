"""What an operation changed, as a planner reads it: cells, the reasons, households that move."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridcell.model import Plan
from gridcell.revision.lineage import make_lineage
from gridcell.revision.match import trace_descent
from gridcell.revision.operation import input_of
from gridcell.rules import Band
from gridcell.schema import LEVELS, LOAD
from gridcell.words.messages import Message, some

CHANGE_COLUMNS: Final = (
    "group", "code", "level", "grid_type", "community", "change", "before", "after", "moved",
    "others", "why",
)  # fmt: skip
"""``group`` numbers the cells that changed together. ``change`` is changed (another land, the same
code), new or retired; ``before`` and ``after`` are households, missing where there is no cell.
``moved`` counts households of today on land that came from other cells, of retired cells on land
that went to others; ``others`` are these cells; ``why`` is a `gridcell.words.messages.Message`."""

_SAME_M: Final = 1e-6
"""By how far vertices of the same border may be apart."""
_LAND_M2: Final = 0.01
"""Land that may come or go by rounding."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class ChangeList:
    """The cells that differ between a plan and the one before."""

    table: pd.DataFrame
    """`CHANGE_COLUMNS`: by community, then cells that changed together, small cells first."""
    moved: int
    """Households of today on land whose leaf has another code than before."""
    households: int
    """Households on land that was in the plan before."""
    kept: int
    """Small and micro cells with the same code and the same land."""

    def __len__(self) -> int:
        """Return how many cells changed."""
        return len(self.table)


def list_changes(before: Plan, after: Plan) -> ChangeList:
    """Return what an operation on a plan changed, or several together.

    Parameters
    ----------
    before
        The plan before.
    after
        The plan with its history and lineage: from `gridcell.update_plan` or any other operation.
        Of several operations, and of edits that were undone, its land tells what they changed.

    Examples
    --------
    `plan` and `layers` are those of the examples of `make_plan` and `read_layers`.

    >>> import gridcell
    >>> from gridcell.revision.changes import list_changes
    >>> changes = list_changes(plan, gridcell.update_plan(plan, layers))
    >>> len(changes), changes.moved
    (0, 0)
    """
    last = int(after.history["number"].max())
    if after.fabric is None or _is_next(before.history, after.history):
        lineage = after.lineage[after.lineage["operation"] == last]
    else:
        lineage = make_lineage(before, after, trace_descent(before, input_of(after), {}), last)
        if set(lineage["event"]) == {"U"}:
            lineage = lineage.iloc[:0]
    return changes_of_lineage(before, after, lineage.reset_index(drop=True))


def changes_of_lineage(before: Plan, after: Plan, lineage: pd.DataFrame) -> ChangeList:
    """Return what changed between two plans.

    Parameters
    ----------
    before, after
        The plans.
    lineage
        What became of the codes of `before`: `gridcell.schema.LINEAGE_COLUMNS`; without any rows
        nothing changed.
    """
    pairs = lineage[lineage["old"].notna() & lineage["new"].notna()].reset_index(drop=True)
    cells = pd.concat([after.small, after.micro])
    if lineage.empty:
        held = int(after.leaves["households"].sum())
        return ChangeList(table=_frame([]), moved=0, households=held, kept=cells["code"].nunique())
    leaves = pairs["old"].isin(before.leaves["code"]) & pairs["new"].isin(after.leaves["code"])
    other = leaves & (pairs["old"] != pairs["new"])
    table = _frame(_rows(before, after, lineage, pairs))
    same = (pairs["event"] == "U") & ~pairs["old"].isin(table["code"])
    return ChangeList(
        table=table,
        moved=int(pairs.loc[other, "households"].sum()),
        households=int(pairs.loc[leaves, "households"].sum()),
        kept=int(same.sum()),
    )


def _is_next(before: pd.DataFrame, after: pd.DataFrame) -> bool:
    """Tell whether one history has exactly one operation more than another."""
    earlier = after.iloc[:-1].reset_index(drop=True)
    return len(earlier) == len(before) and earlier.equals(before.reset_index(drop=True))


def _frame(rows: list[dict[str, object]]) -> pd.DataFrame:
    table = pd.DataFrame({name: [row[name] for row in rows] for name in CHANGE_COLUMNS})
    for name in ("before", "after"):
        table[name] = table[name].astype("Int64")
    return table


def _rows(
    before: Plan, after: Plan, lineage: pd.DataFrame, pairs: pd.DataFrame
) -> list[dict[str, object]]:
    old, new = (
        pd.concat([plan.small, plan.micro]).set_index("code", drop=False)
        for plan in (before, after)
    )
    changed = lineage[lineage["event"] != "U"]
    moving = pairs[pairs["event"] != "U"]
    redrawn = _redrawn(old, new)
    codes = sorted({*changed["old"].dropna(), *changed["new"].dropna(), *redrawn})
    whys = {code: Message("change.border") for code in redrawn}
    whys |= _causes(before, after, old, new, pairs, codes)
    group = _groups(moving, codes)
    away = moving[moving["old"] != moving["new"]]
    gave = away.groupby("old")["households"].sum()
    took = away.groupby("new")["households"].sum()
    heirs = away.groupby("old")["new"].agg(list)
    origins = away.groupby("new")["old"].agg(list)
    rows = []
    for code in codes:
        cell = new.loc[code] if code in new.index else old.loc[code]
        there, then = code in new.index, code in old.index
        others = sorted({*heirs.get(code, []), *origins.get(code, [])} - {code})
        rows.append(
            {
                "group": group[code],
                "code": code,
                "level": int(cell["level"]),
                "grid_type": cell["grid_type"],
                "community": cell["community"],
                "change": "changed" if there and then else "new" if there else "retired",
                "before": int(old.loc[code, "households"]) if then else pd.NA,
                "after": int(new.loc[code, "households"]) if there else pd.NA,
                "moved": int((took if there else gave).get(code, 0)),
                "others": ";".join(others),
                "why": whys.get(code) or _along(others, whys, origins.get(code, [])),
            }
        )
    return _numbered(rows)


def _redrawn(old: pd.DataFrame, new: pd.DataFrame) -> list[str]:
    """Return the codes of cells with other borders, whoever lives in them."""
    both = old.index.intersection(new.index)
    then, now = (
        np.asarray(shapely.normalize(cells.geometry.loc[both].array), dtype=object)
        for cells in (old, new)
    )
    differ = np.flatnonzero(~shapely.equals_exact(then, now, tolerance=_SAME_M))
    land = shapely.area(shapely.symmetric_difference(then[differ], now[differ]))
    # A vertex more where others meet is no other border.
    return [str(code) for code in both[differ[land > _LAND_M2]]]


def _numbered(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """Return the rows in their order, with groups numbered as they come."""
    first: dict[object, tuple[object, object, object]] = {}
    for row in rows:
        key = (row["community"], row["level"], row["code"])
        first[row["group"]] = min(first.get(row["group"], key), key)
    rows = sorted(rows, key=lambda row: (first[row["group"]], row["level"], row["code"]))
    number = {group: n for n, group in enumerate(dict.fromkeys(row["group"] for row in rows), 1)}
    return [{**row, "group": number[row["group"]]} for row in rows]


def _groups(moving: pd.DataFrame, codes: list[str]) -> dict[str, int]:
    """Return a number for each code, the same for those that share land, old or new."""
    row = pd.Index(codes)
    one, two = (row.get_indexer(pd.Index(moving[name])) for name in ("old", "new"))
    graph = coo_array((np.ones(len(one)), (one, two)), shape=(len(codes), len(codes)))
    number = connected_components(graph, directed=False)[1]
    return dict(zip(codes, number.tolist(), strict=True))


def _causes(
    before: Plan,
    after: Plan,
    old: pd.DataFrame,
    new: pd.DataFrame,
    pairs: pd.DataFrame,
    codes: list[str],
) -> dict[str, Message]:
    """Return the cells that had a reason of their own to change."""
    today = pairs.groupby("old")["households"].sum()
    area = pairs.groupby("old")["area_m2"].sum()
    moving = pairs[pairs["old"].isin(codes)]
    homes = _most_common(moving["old"], moving["new"].map(new["community"]))
    dedicated = pairs[pairs["new"].map(new["grid_type"]).eq("dedicated").to_numpy()]
    sites = dedicated[~dedicated["new"].isin(old.index)].drop_duplicates("old")
    site = sites.set_index("old")["new"].map(new["name"])
    known = set(before.medium["community"])
    most = pairs.sort_values(["households", "area_m2"], ascending=False, kind="stable")
    small = new["parent"].where(new["level"] == LEVELS["micro"], new["code"])
    parent = most.drop_duplicates("old").set_index("old")["new"].map(small)
    # What of a cell's load is on its earlier land is not known: what it has now is.
    loads = new[LOAD].to_dict() if LOAD in new else {}
    whys = {}
    for code in codes:
        if code not in old.index:
            if new.loc[code, "community"] not in known:
                whys[code] = Message("change.new_community")
            continue
        cell = old.loc[code]
        level = "small" if cell["level"] == LEVELS["small"] else "micro"
        home_now = homes.get(code)
        band = after.bands.get((str(home_now or cell["community"]), level))
        held = int(today.get(code, 0))
        general = cell["grid_type"] == "general"
        if code not in area.index:
            whys[code] = Message("change.land_gone")
        elif not general and code not in new.index:
            whys[code] = Message("change.site_closed", name=cell["name"])
        elif general and code in site.index:
            whys[code] = Message("change.new_site", name=site[code])
        elif home_now != cell["community"]:
            whys[code] = Message("change.community", community=home_now)
        elif general and band is not None and (why := _left_band(held, loads.get(code), band)):
            whys[code] = why
        elif abs(area[code] - cell["area_m2"]) > _LAND_M2:
            kind = "land" if general else "premises"
            whys[code] = Message(f"change.{kind}")
        elif level == "micro" and general and parent[code] != cell["parent"]:
            whys[code] = Message("change.parent", cell=parent[code])
    return whys


def _left_band(held: int, load: float | None, band: Band) -> Message | None:
    """Return that households or load of today are out of the band, ``None`` where they are not."""
    if load is not None:
        if band.min - 1e-9 <= load <= band.max + 1e-9:
            return None
        return Message("change.band_load", n=load, low=float(band.min), high=band.max)
    if band.min <= held <= band.max:
        return None
    # The whole numbers that are in the band.
    low, high = math.ceil(band.min - 1e-9), math.floor(band.max + 1e-9)
    return Message("change.band", n=held, low=low, high=high)


def _most_common(group: "pd.Series[str]", value: "pd.Series[str]") -> "pd.Series[str]":
    """Return the most common value of each group, the first of equals."""
    count = pd.DataFrame({"group": group, "value": value}).value_counts(sort=False).reset_index()
    count = count.sort_values(["count", "value"], ascending=[False, True], kind="stable")
    return count.drop_duplicates("group").set_index("group")["value"]


def _along(others: list[str], whys: dict[str, Message], origins: list[str]) -> Message:
    """Return why a cell changed that had no reason of its own."""
    if causes := [other for other in others if other in whys]:
        return Message("change.with", cells=some(causes, 3))
    if origins:
        return Message("change.from", cells=some(origins, 3))
    return Message("change.around")
