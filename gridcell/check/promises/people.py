"""Households and staff of a plan: each where the tables say, and the posts that exist."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from gridcell.check.promises.faults import fault, find_rows, numbers, text, texts
from gridcell.check.promises.totals import has_register
from gridcell.model import Finding, Plan
from gridcell.schema import LEVELS
from gridcell.texts import repeated
from gridcell.words.messages import Message, Value, role_name

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
    table = plan.households
    assigned = table["code"].notna().to_numpy(dtype=bool)
    nowhere = find_rows(table["code"], plan.leaves["code"]) < 0
    for row in table[assigned & nowhere].itertuples():
        yield fault(
            "unknown_code",
            Message("finding.household_no_leaf", household=_id(row.household_id), cell=row.code),
            cell=text(row.code),
        )  # fmt: skip
    lost = table[~assigned & table["reason"].isna().to_numpy()]
    for row in lost.itertuples():
        said = Message("finding.household_nowhere", household=_id(row.household_id))
        yield fault("unknown_code", said)
    # Households left out without a register have no id; a line of several may fill several slabs.
    again = table["household_id"].notna() & repeated(table["household_id"])
    if not again.any():
        return
    same = table.duplicated(["household_id", "code"]) | table.index.isin(lost.index)
    for row in table[again & same].itertuples():
        said = Message("finding.duplicate_household", household=row.household_id)
        yield fault("duplicate_household", said)


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
        (at_leaf & (texts(table["small"]) != small), Message("fault.wrong_small")),
        (at_leaf & (texts(table["community"]) != community), Message("fault.wrong_community")),
        (
            at_leaf & ~np.isin(texts(table["how"]), HOW),
            Message("fault.expected_how", ways=tuple(HOW)),
        ),
        (at_leaf & ~(away >= 0), Message("fault.expected_distance")),
        (at_leaf & table["reason"].notna().to_numpy(), Message("fault.cell_and_reason")),
        (nowhere & (texts(table["small"]) != ""), Message("fault.small_without_code")),
        (nowhere & (texts(table["community"]) != ""), Message("fault.community_without_code")),
        (~(count >= 0), Message("fault.expected_count")),
        (table["household_id"].isna().to_numpy() & register, Message("fault.no_household_id")),
    )
    for mask, said in faults:
        for i in np.flatnonzero(mask):
            yield fault(
                "wrong_household",
                Message(
                    "finding.household", household=_id(table["household_id"].iloc[i]), fault=said
                ),
                cell=text(table["code"].iloc[i]),
            )  # fmt: skip


def _buildings(plan: Plan) -> Iterator[Finding]:
    # Buildings outside every community have no code.
    buildings = plan.buildings
    nowhere = find_rows(buildings["code"], plan.leaves["code"]) < 0
    strays = buildings[buildings["code"].notna().to_numpy() & nowhere]
    for row in strays.itertuples():
        yield fault(
            "unknown_code",
            Message("finding.building_no_leaf", building=_id(row.bldg_id), cell=row.code),
            cell=text(row.code),
        )
    nameless = buildings["bldg_id"].isna().to_numpy(dtype=bool)
    uncounted = ~(numbers(buildings["households"]) >= 0)
    for mask, said in (
        (nameless, Message("fault.no_bldg_id")),
        (uncounted, Message("fault.no_households")),
    ):
        for i in np.flatnonzero(mask):
            yield fault(
                "wrong_building",
                Message(
                    "finding.building", building=_id(buildings["bldg_id"].iloc[i]),
                    fault=said,
                ),
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
                "wrong_post",
                Message(
                    "finding.post_nowhere", table=name, cell=code[i] or "-",
                    role=role_name(role[i]) if role[i] else "-",
                ),
                cell=code[i] or None,
            )  # fmt: skip
    nobody = plan.staff["staff_id"].isna().to_numpy(dtype=bool)
    nothing = ~(numbers(plan.vacancies["missing"]) >= 1)
    for (name, table), mask, said in zip(
        tables,
        (nobody, nothing),
        (Message("fault.no_staff_id"), Message("fault.misses_nobody")),
        strict=True,
    ):
        for row in table[mask].itertuples():
            yield fault("wrong_post", _post(name, row, said), cell=text(row.code))
    for (name, table), key in zip(tables, (["staff_id", "role", "code"], ["role", "code"]),
                                  strict=True):  # fmt: skip
        for row in table[table.duplicated(key)].itertuples():
            yield fault(
                "duplicate_post", _post(name, row, Message("fault.listed_twice")),
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


def _post(table: str, row: Any, said: Message) -> Message:
    role = role_name(row.role) if text(row.role) else "-"
    return Message("finding.post", table=table, role=role, cell=text(row.code) or "-", fault=said)


def _id(value: object) -> Value:
    return text(value) or Message("part.no_id")


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
                Message(
                    "finding.post_overfilled", role=role_name(role), cell=code, people=people,
                    limit=limit,
                ),
                cell=text(code), measure=float(people - limit),
            )  # fmt: skip
    limits = {role.name: role.max_cells for role in plan.rules.staffing}
    cells = plan.staff.groupby(["staff_id", "role"]).size()
    for (person, role), count in zip(cells.index, cells, strict=True):
        if count > limits.get(role, count):
            yield fault(
                "duplicate_post",
                Message(
                    "finding.post_overloaded",
                    person=person,
                    role=role_name(role),
                    cells=count,
                    limit=limits[role],
                ),
                measure=float(count - limits[role]),
            )
