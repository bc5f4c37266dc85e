"""Households and buildings of a plan: equal at every level, in every layer and table."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridcell.check.promises.faults import cell_faults, fault, find_rows, layer, numbers, text
from gridcell.model import Finding, Plan
from gridcell.schema import LEVELS
from gridcell.words.messages import Message

_COUNTS: Final = ("households", "buildings", "estimated")


def check_totals(plan: Plan) -> Iterator[Finding]:
    """Yield ``totals`` and ``share_above_100``: figures that do not agree."""
    for level in LEVELS:
        yield from _figures(plan, level)
    for above, level in (("large", "medium"), ("medium", "small"), ("small", "micro")):
        yield from _children(plan, above, level)
    yield from _households(plan)
    yield from _given(plan)
    yield from _buildings(plan)
    yield from _shares(plan)


def has_register(households: pd.DataFrame) -> bool:
    """Tell whether the table lists every household; without a register it lists those left out."""
    return bool(households["household_id"].notna().any())


def _figures(plan: Plan, level: str) -> Iterator[Finding]:
    cells = plan.cells(level)
    for name in _COUNTS:
        wrong = ~(numbers(cells[name]) >= 0)
        yield from cell_faults(
            "totals", level, cells, wrong, Message("fault.expected_number", column=name)
        )
    given, most = numbers(cells["estimated"]), numbers(cells["households"])
    right = _estimated(plan, level)
    off = (given >= 0) & ~np.isnan(right) & (given != right)
    # Of a plan without its land only the sums are known.
    over = (given > most) & np.isnan(right)
    right, off = np.where(over, most, right), off | over
    said = np.full(len(cells), None, dtype=object)
    said[off] = [
        Message("fault.wrong_estimated", given=a, true=b)
        for a, b in zip(given[off], right[off], strict=True)
    ]
    yield from cell_faults("totals", level, cells, off, said)


def _estimated(plan: Plan, level: str) -> NDArray[np.float64]:
    """Return how many households of each cell are estimates, NaN where only its sums tell."""
    cells = plan.cells(level)
    if not plan.is_estimated:
        return np.zeros(len(cells))
    atoms = None if plan.fabric is None else plan.fabric.atoms
    if plan.division.households in (None, plan.estimated) or plan.publication is not None:
        return numbers(cells["households"])
    if atoms is None or "estimated" not in atoms:
        return np.full(len(cells), np.nan)
    held = atoms.groupby("code")["estimated"].sum()
    return np.asarray(held.reindex(cells["code"]).to_numpy(dtype=np.float64))


def _children(plan: Plan, above: str, level: str) -> Iterator[Finding]:
    cells, parents = plan.cells(level), plan.cells(above)
    row = find_rows(cells["parent"], parents["code"])
    with_children = np.bincount(row[row >= 0], minlength=len(parents)) > 0
    for name in _COUNTS:
        figure = np.nan_to_num(numbers(cells[name]))
        total = np.bincount(row[row >= 0], weights=figure[row >= 0], minlength=len(parents))
        given = numbers(parents[name])
        for i in np.flatnonzero(with_children & (given != total) & ~np.isnan(given)):
            yield fault(
                "totals",
                Message(
                    "finding.totals", level=layer(above), cell=parents["code"].iloc[i],
                    given=given[i], column=name, total=total[i],
                ),
                cell=text(parents["code"].iloc[i]), community=text(parents["community"].iloc[i]),
                measure=float(abs(given[i] - total[i])),
            )  # fmt: skip


def _households(plan: Plan) -> Iterator[Finding]:
    """Compare the leaves with the buildings in them, and with the register."""
    yield from _compare(plan, plan.buildings, "households", "buildings_hold")
    if has_register(plan.households):
        yield from _compare(plan, plan.households, "count", "register_places")


def _compare(plan: Plan, table: pd.DataFrame, column: str, key: str) -> Iterator[Finding]:
    leaves = plan.leaves
    row = find_rows(table["code"], leaves["code"])
    held = np.nan_to_num(numbers(table[column]))
    total = np.bincount(row[row >= 0], weights=held[row >= 0], minlength=len(leaves))
    given = numbers(leaves["households"])
    for i in np.flatnonzero((given != total) & ~np.isnan(given)):
        yield fault(
            "totals",
            Message(
                f"finding.totals_{key}", cell=leaves["code"].iloc[i], given=given[i],
                total=total[i],
            ),
            cell=text(leaves["code"].iloc[i]), community=text(leaves["community"].iloc[i]),
            measure=float(abs(given[i] - total[i])),
        )  # fmt: skip


def _buildings(plan: Plan) -> Iterator[Finding]:
    """Compare numbers of buildings: one in slabs counts once, in the leaf with most of it."""
    leaves = plan.leaves
    placed = plan.buildings[["bldg_id", "code", "households"]]
    placed = placed[find_rows(placed["code"], leaves["code"]) >= 0]
    held = placed.groupby(["bldg_id", "code"], as_index=False)["households"].sum()
    most = held["households"] == held.groupby("bldg_id")["households"].transform("max")
    # Of leaves that hold the same share, either may be the one.
    rivals = most.groupby(held["bldg_id"]).transform("sum")
    row = find_rows(held["code"], leaves["code"])
    least = np.bincount(row[(most & (rivals == 1)).to_numpy()], minlength=len(leaves))
    limit = np.bincount(row[most.to_numpy()], minlength=len(leaves))
    given = numbers(leaves["buildings"])
    for i in np.flatnonzero((given < least) | (given > limit)):
        there = Message("part.range", least=least[i], most=limit[i])
        yield fault(
            "totals",
            Message(
                "finding.totals_buildings", cell=leaves["code"].iloc[i], given=given[i],
                standing=least[i] if least[i] == limit[i] else there,
            ),
            cell=text(leaves["code"].iloc[i]), community=text(leaves["community"].iloc[i]),
            measure=float(max(least[i] - given[i], given[i] - limit[i])),
        )  # fmt: skip
    total = int(np.nan_to_num(given).sum())
    if total != (number := held["bldg_id"].nunique()):
        yield fault(
            "totals", Message("finding.totals_all_buildings", total=total, standing=number),
            measure=float(abs(total - number)),
        )  # fmt: skip


def _given(plan: Plan) -> Iterator[Finding]:
    """Compare what is in cells, and what is listed as in none, with what the inputs hold."""
    given = plan.division.households
    if given is None:
        return
    lost = given - int(np.nan_to_num(numbers(plan.leaves["households"])).sum())
    if lost != plan.unassigned:
        told = Message("finding.totals_unassigned", n=lost, total=given, listed=plan.unassigned)
        yield Finding(
            kind="totals", severity="error", text=told,
            measure=float(abs(lost - plan.unassigned)),
        )  # fmt: skip


def _shares(plan: Plan) -> Iterator[Finding]:
    """Yield parts that are more than the whole."""
    if plan.staffing is not None:
        people, named = plan.staffing.people, plan.staff["staff_id"].nunique()
        if named > people:
            yield fault(
                "share_above_100",
                Message("finding.share_above_100_staff", holders=named, people=people),
                measure=float(named - people),
            )
    for level, share in plan.division.barrier_share.items():
        if not 0 <= share <= 1:
            yield fault(
                "share_above_100",
                Message("finding.share_above_100_barrier", level=level, share=share),
                measure=float(share),
            )
    for level in ("small", "micro"):
        cells = plan.cells(level)
        general = cells[cells["grid_type"] == "general"]
        number = Counter(general["community"])
        inside = Counter(general.loc[general["band"] == "in", "community"])
        for (code, name), most in plan.division.bounds.items():
            if name == level and not inside[code] <= most <= number[code]:
                yield fault(
                    "share_above_100",
                    Message(
                        "finding.share_above_100_bound", community=code, level=level, most=most,
                        inside=inside[code], cells=number[code],
                    ),
                    community=code, measure=float(most),
                )  # fmt: skip
