"""Loads of a plan whose bands count them: counted again from what they are made of."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridcell.check.promises.faults import cell_faults, fault, find_rows, layer, numbers, text
from gridcell.model import Fabric, Finding, Plan
from gridcell.schema import LEVELS, LOAD, OF_LOAD
from gridcell.words.messages import Message
from gridcell.workload import GRAIN, STREET, Workload, street_metres, sum_loads

Floats = NDArray[np.float64]

_OFF: Final = GRAIN / 2
_OFF_STREET: Final = 0.005
"""Part of the streets of a community by which borders drawn anew may change their metres."""
_OFF_M: Final = 1.0


def check_loads(plan: Plan) -> Iterator[Finding]:
    """Yield ``wrong_load``: loads that are not what the rules make of buildings and streets.

    Nothing where bands count households, and in publications, which have no loads.
    """
    workload = plan.rules.workload
    if workload is None or plan.publication is not None:
        return
    if lacking := [level for level in (*LEVELS, "leaves") if LOAD not in plan.cells(level)]:
        for level in lacking:
            yield fault("wrong_load", Message("finding.no_loads", level=layer(level)))
        return
    for level in LEVELS:
        cells = plan.cells(level)
        none = ~(numbers(cells[LOAD]) >= 0)
        said = Message("fault.expected_number", column=LOAD)
        yield from cell_faults("wrong_load", level, cells, none, said)
    for above, level in (("large", "medium"), ("medium", "small"), ("small", "micro")):
        yield from _children(plan, above, level)
    if len(plan.buildings) and LOAD in plan.buildings:
        yield from _buildings(plan, workload)
    if plan.fabric is not None and LOAD in plan.fabric.atoms:
        yield from _land(plan, plan.fabric, workload)
    elif not workload.street and LOAD in plan.buildings:
        held = _held(plan.buildings["code"], numbers(plan.buildings[LOAD]), plan.leaves["code"])
        yield from _differing(plan, held, "fault.wrong_load_buildings")


def held_against(plan: Plan, cells: pd.DataFrame) -> Floats:
    """Return what bands are held against: loads or households, NaN where it is not told.

    Parameters
    ----------
    plan, cells
        A plan and cells of it.
    """
    if LOAD in cells:
        return numbers(cells[LOAD])
    if plan.rules.load is not None:
        return np.full(len(cells), np.nan)
    return numbers(cells["households"])


def _children(plan: Plan, above: str, level: str) -> Iterator[Finding]:
    cells, parents = plan.cells(level), plan.cells(above)
    row = find_rows(cells["parent"], parents["code"])
    there = row >= 0
    parted = np.bincount(row[there], minlength=len(parents)) > 0
    total = sum_loads(row[there], np.nan_to_num(numbers(cells[LOAD]))[there], len(parents))
    given = numbers(parents[LOAD])
    for i in np.flatnonzero(parted & (np.abs(given - total) > _OFF)):
        yield fault(
            "wrong_load",
            Message(
                "finding.totals", level=layer(above), cell=parents["code"].iloc[i],
                given=given[i], column=LOAD, total=total[i],
            ),
            cell=text(parents["code"].iloc[i]), community=text(parents["community"].iloc[i]),
            measure=float(abs(given[i] - total[i])),
        )  # fmt: skip


def _buildings(plan: Plan, workload: Workload) -> Iterator[Finding]:
    """Yield buildings whose load is not what the expression makes of what is kept of them."""
    table = plan.buildings
    number, names = pd.factorize(table["bldg_id"])
    n = len(names)
    first = np.unique(number, return_index=True)[1]
    kept = {
        name: numbers(table[OF_LOAD + name])[first]
        for name in workload.names
        if OF_LOAD + name in table
    }
    households = np.nan_to_num(numbers(table["households"]))
    kept["households"] = np.bincount(number, weights=households).astype(np.float64)
    if set(workload.names) - set(kept):
        yield fault("wrong_load", Message("finding.no_load_columns", load=plan.rules.load))
        return
    given = sum_loads(number, np.nan_to_num(numbers(table[LOAD])), n)
    right = workload.of(kept, n)
    for row in np.flatnonzero(~(np.abs(given - right) <= _OFF)):
        yield fault(
            "wrong_load",
            Message(
                "finding.building", building=text(names[row]) or Message("part.no_id"),
                fault=Message("fault.wrong_load", given=given[row], true=right[row]),
            ),
            measure=float(np.nan_to_num(abs(given[row] - right[row]))),
        )  # fmt: skip


def _land(plan: Plan, fabric: Fabric, workload: Workload) -> Iterator[Finding]:
    """Yield leaves that do not hold the loads of their atoms, and these not what makes them up."""
    atoms, pieces, n = fabric.atoms, fabric.pieces, len(fabric.atoms)
    held = _held(atoms["code"], numbers(atoms[LOAD]), plan.leaves["code"])
    yield from _differing(plan, held, "fault.wrong_load_atoms")
    standing = np.zeros(n)
    if LOAD in pieces:
        inside = (pieces["atom"] >= 0).to_numpy()
        at, loads = pieces["atom"].to_numpy()[inside], numbers(pieces[LOAD])[inside]
        standing = sum_loads(at, np.nan_to_num(loads), n)
    along = np.zeros(n)
    if workload.street:
        if STREET not in atoms:
            yield fault("wrong_load", Message("finding.no_load_columns", load=plan.rules.load))
            return
        along = workload.along(numbers(atoms[STREET]))
    off = np.flatnonzero(~(np.abs(numbers(atoms[LOAD]) - standing - along) <= _OFF))
    for atom in off:
        said = Message(
            "finding.atom_load", atom=int(atom), given=float(atoms[LOAD].iloc[atom]),
            found=float(standing[atom] + along[atom]),
        )  # fmt: skip
        yield fault("wrong_load", said, cell=text(atoms["code"].iloc[atom]))
    if workload.street:
        yield from _streets(plan, fabric)


def _streets(plan: Plan, fabric: Fabric) -> Iterator[Finding]:
    """Yield communities whose land has other metres of street than its borders have.

    Where borders in the open end on a street moves with them, so a community is the least land
    that keeps its metres.
    """
    home = fabric.atoms["community"].to_numpy()
    along = street_metres(
        len(home), fabric.arc_left, fabric.arc_right, fabric.arc_length, fabric.arc_barrier
    )
    known = home >= 0
    given, true = (
        np.bincount(home[known], weights=metres[known], minlength=len(plan.medium))
        for metres in (numbers(fabric.atoms[STREET]), along)
    )
    for row in np.flatnonzero(~(np.abs(given - true) <= _OFF_M + _OFF_STREET * true)):
        code = text(plan.medium["community"].iloc[row])
        said = Message("finding.wrong_street", community=code, given=given[row], true=true[row])
        yield fault("wrong_load", said, community=code)


def _held(codes: "pd.Series[str]", loads: Floats, known: "pd.Series[str]") -> Floats:
    row = find_rows(codes, known)
    there = row >= 0
    return sum_loads(row[there], np.nan_to_num(loads)[there], len(known))


def _differing(plan: Plan, held: Floats, key: str) -> Iterator[Finding]:
    given = numbers(plan.leaves[LOAD])
    off = np.abs(given - held) > _OFF
    said = np.full(len(given), None, dtype=object)
    said[off] = [Message(key, given=a, found=b) for a, b in zip(given[off], held[off], strict=True)]
    yield from cell_faults("wrong_load", "leaves", plan.leaves, off, said)
