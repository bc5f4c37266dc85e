"""Households and staff of a plan: each where the tables say, and the posts that exist."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from gridcell.check.promises.faults import fault, find_rows, numbers, text, texts
from gridcell.check.promises.totals import has_register
from gridcell.model import Finding, Plan
from gridcell.schema import LEVELS

HOW = ("building", "unit", "point", "nearest")
"""How a household may have been placed."""


def check_people(plan: Plan) -> Iterator[Finding]:
    """Yield what is wrong with households, buildings, staff and vacancies.

    Kinds: ``unknown_code``, ``duplicate_household``, ``wrong_household``, ``wrong_building``,
    ``wrong_post``, ``duplicate_post``.
    """
    yield from _known_households(plan)
    yield from _placed_households(plan)
    yield from _buildings(plan)
    yield from _posts(plan)


def _known_households(plan: Plan) -> Iterator[Finding]:
    leaves, table = plan.leaves["code"], plan.households
    assigned = table[table["code"].notna()]
    for row in assigned[~assigned["code"].isin(leaves)].itertuples():
        yield fault(
            "unknown_code", f"household {row.household_id}: {row.code} is no leaf",
            cell=text(row.code),
        )  # fmt: skip
    lost = table[table["code"].isna() & table["reason"].isna()]
    for row in lost.itertuples():
        yield fault("unknown_code", f"household {row.household_id}: neither cell nor reason")
    # Households left out without a register have no id; a line of several may fill several slabs.
    again = table["household_id"].notna() & table["household_id"].duplicated()
    same = table.duplicated(["household_id", "code"]) | table.index.isin(lost.index)
    for row in table[again & same].itertuples():
        yield fault("duplicate_household", f"household {row.household_id} is listed twice")


def _placed_households(plan: Plan) -> Iterator[Finding]:
    """Yield lines whose other columns do not belong to their code."""
    table, leaves = plan.households, plan.leaves
    row = find_rows(table["code"], leaves["code"])
    at_leaf = row >= 0
    level = np.append(numbers(leaves["level"]), np.nan)[row]
    code = np.append(texts(leaves["code"]), "")[row]
    small = np.where(level == LEVELS["small"], code, np.append(texts(leaves["parent"]), "")[row])
    community = np.append(texts(leaves["community"]), "")[row]
    nowhere = table["code"].isna().to_numpy(dtype=bool)
    register = has_register(table)
    count = numbers(table["count"])
    away = numbers(table["distance_m"])
    faults = (
        (at_leaf & (texts(table["small"]) != small), "small is not the small cell of its code"),
        (at_leaf & (texts(table["community"]) != community), "community is not that of its code"),
        (at_leaf & ~np.isin(texts(table["how"]), HOW), f"expected how of {', '.join(HOW)}"),
        (at_leaf & ~(away >= 0), "expected a distance_m from 0"),
        (at_leaf & table["reason"].notna().to_numpy(), "has a cell and a reason for having none"),
        (nowhere & (texts(table["small"]) != ""), "has a small cell and no code"),
        (nowhere & (texts(table["community"]) != ""), "has a community and no code"),
        (~(count >= 0), "expected a count from 0"),
        (table["household_id"].isna().to_numpy() & register, "has no household_id"),
    )
    for mask, said in faults:
        for i in np.flatnonzero(mask):
            yield fault(
                "wrong_household", f"household {text(table['household_id'].iloc[i])}: {said}",
                cell=text(table["code"].iloc[i]),
            )  # fmt: skip


def _buildings(plan: Plan) -> Iterator[Finding]:
    # Buildings outside every community have no code.
    buildings = plan.buildings
    strays = buildings[buildings["code"].notna() & ~buildings["code"].isin(plan.leaves["code"])]
    for row in strays.itertuples():
        yield fault(
            "unknown_code", f"building {row.bldg_id}: {row.code} is no leaf", cell=text(row.code)
        )
    nameless = buildings["bldg_id"].isna().to_numpy(dtype=bool)
    uncounted = ~(numbers(buildings["households"]) >= 0)
    for mask, said in ((nameless, "no bldg_id"), (uncounted, "no number of households")):
        for i in np.flatnonzero(mask):
            yield fault(
                "wrong_building", f"building {text(buildings['bldg_id'].iloc[i])}: {said}",
                cell=text(buildings["code"].iloc[i]),
            )  # fmt: skip


def _posts(plan: Plan) -> Iterator[Finding]:
    """Yield posts on cells that have no such post, and posts held or vacant too often."""
    wanted = _wanted(plan)
    tables = (("staff", plan.staff), ("vacancies", plan.vacancies))
    for name, table in tables:
        role, code = texts(table["role"]), texts(table["code"])
        for i in np.flatnonzero(~pd.MultiIndex.from_arrays([role, code]).isin(wanted.index)):
            yield fault(
                "wrong_post", f"{name}: no cell {code[i] or '-'} has a {role[i] or '-'}",
                cell=code[i] or None,
            )  # fmt: skip
    nobody = plan.staff["staff_id"].isna().to_numpy(dtype=bool)
    nothing = ~(numbers(plan.vacancies["missing"]) >= 1)
    for (name, table), mask, said in zip(
        tables, (nobody, nothing), ("has no staff_id", "misses nobody"), strict=True
    ):
        for row in table[mask].itertuples():
            yield fault("wrong_post", f"{name}: {row.role} of {row.code} {said}",
                        cell=text(row.code))  # fmt: skip
    for (name, table), key in zip(tables, (["staff_id", "role", "code"], ["role", "code"]),
                                  strict=True):  # fmt: skip
        for row in table[table.duplicated(key)].itertuples():
            yield fault(
                "duplicate_post", f"{name}: {row.role} of {row.code} is listed twice",
                cell=text(row.code),
            )  # fmt: skip
    yield from _overfilled(plan, wanted)


def _wanted(plan: Plan) -> "pd.Series[float]":
    """Return how many people each cell wants at most, by role and code."""
    tables = []
    for role in plan.rules.staffing:
        cells = plan.cells(role.level)
        if role.grid_type is not None:
            cells = cells[cells["grid_type"] == role.grid_type]
        number = np.full(len(cells), float(role.posts))
        if role.per_households is not None:
            load = np.nan_to_num(numbers(cells["households"])) / role.per_households
            number = np.maximum(number, np.ceil(load - 1e-9))
        if role.everyone:
            number[:] = np.inf
        key = pd.MultiIndex.from_arrays([np.full(len(cells), role.name, object),
                                         texts(cells["code"])])  # fmt: skip
        tables.append(pd.Series(number, index=key, dtype="float64"))
    posts = pd.concat(tables) if tables else pd.Series(dtype="float64")
    return posts[~posts.index.duplicated()]


def _overfilled(plan: Plan, wanted: "pd.Series[float]") -> Iterator[Finding]:
    held = plan.staff.assign(people=1.0)[["role", "code", "people"]]
    vacant = plan.vacancies.assign(people=numbers(plan.vacancies["missing"]))
    claims = pd.concat([held, vacant[["role", "code", "people"]]], ignore_index=True)
    number = claims.groupby(["role", "code"])["people"].sum()
    most = wanted.reindex(number.index).to_numpy(dtype=np.float64)
    for (role, code), people, limit in zip(number.index, number, most, strict=True):
        if people > limit:
            yield fault(
                "duplicate_post",
                f"{role} of {code}: {people:g} held or vacant, {limit:g} wanted",
                cell=text(code), measure=float(people - limit),
            )  # fmt: skip
    limits = {role.name: role.max_cells for role in plan.rules.staffing}
    cells = plan.staff.groupby(["staff_id", "role"]).size()
    for (person, role), count in zip(cells.index, cells, strict=True):
        if count > limits.get(role, count):
            yield fault(
                "duplicate_post",
                f"staff {person} is {role} of {count} cells, {limits[role]} at most",
                measure=float(count - limits[role]),
            )
