"""The land that a plan keeps: its atoms are the land of its leaves, and hold their households."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries
from gridcell.check.promises.faults import cell_faults, fault, find_rows, numbers, text, texts
from gridcell.check.promises.totals import has_register
from gridcell.model import Fabric, Finding, Plan
from gridcell.words.messages import Message
from gridcell.work.known import Claim, prove_once

Ints = NDArray[np.int64]

_OFF_M: Final = 5e-5
"""How far borders drawn anew may lie from those of a cell: straight ones lose vertices."""


def check_land(plan: Plan) -> Iterator[Finding]:
    """Yield ``wrong_atoms``: atoms that are not what leaves, buildings and households are made of.

    Nothing where the plan does not keep its land.
    """
    if plan.fabric is None:
        return
    leaf = find_rows(plan.fabric.atoms["code"], plan.leaves["code"])
    yield from _leaves(plan, plan.fabric, leaf)
    yield from _buildings(plan, plan.fabric)
    yield from _households(plan, plan.fabric)


def _leaves(plan: Plan, fabric: Fabric, leaf: Ints) -> Iterator[Finding]:
    """Yield atoms of no leaf, and leaves with other land or other households than their atoms."""
    leaves = plan.leaves
    for atom in np.flatnonzero(leaf < 0):
        code = text(fabric.atoms["code"].iloc[atom])
        named = code or Message("part.no_code")
        yield fault(
            "wrong_atoms", Message("finding.atom_no_leaf", atom=int(atom), cell=named), cell=code
        )

    off = prove_once(*_claim(plan, fabric, leaf))
    yield from cell_faults(
        "wrong_atoms", "leaves", leaves, off > 0,
        _messages(off > 0, lambda row: Message("fault.atoms_other_land", area=off[row])),
    )  # fmt: skip
    held = _sum_up(leaf, fabric.atoms["households"].to_numpy(), len(leaves))
    given = numbers(leaves["households"])
    wrong = (held != given) & ~np.isnan(given)
    yield from cell_faults(
        "wrong_atoms", "leaves", leaves, wrong,
        _messages(
            wrong, lambda row: Message("fault.atoms_households", found=held[row], given=given[row])
        ),
    )  # fmt: skip


def land_claims(plan: Plan) -> list[Claim]:
    """Return what `check_land` proves of which arrays."""
    if plan.fabric is None:
        return []
    leaf = find_rows(plan.fabric.atoms["code"], plan.leaves["code"])
    return [_claim(plan, plan.fabric, leaf)]


def _claim(plan: Plan, fabric: Fabric, leaf: Ints) -> Claim:
    return (
        "land of leaves", _differing_m2, leaf, np.asarray(plan.leaves.geometry, dtype=object),
        fabric.xy, fabric.arc_start, fabric.arc_vertices, fabric.arc_left, fabric.arc_right,
    )  # fmt: skip


def _messages(wrong: NDArray[np.bool_], said: Callable[[int], Message]) -> NDArray[np.object_]:
    """Return what is said of the rows that are wrong."""
    out = np.full(len(wrong), None, dtype=object)
    for row in np.flatnonzero(wrong).tolist():
        out[row] = said(row)
    return out


def _sum_up(at: Ints, number: NDArray[Any], n: int) -> NDArray[np.float64]:
    """Return the sum of the numbers at each of n places, but for those at none (-1)."""
    inside = (at >= 0) & (at < n)
    sums = np.bincount(at[inside], weights=number[inside], minlength=n)
    return sums.astype(np.float64)


def _differing_m2(leaf: Ints, shapes: Geometries, *arcs: NDArray[Any]) -> NDArray[np.float64]:
    """Return how much land each leaf has and its atoms have not, or the other way round.

    Parameters
    ----------
    leaf
        (atoms,) row of the leaf of each, -1 for none.
    shapes
        (leaves,) their polygons.
    arcs
        Vertices and arcs of the land, as `gridcell.cells.polygons.trace_arcs` takes them.
    """
    # Compiled code takes a second to load, and layers without land need none.
    from gridcell.cells.polygons import draw_cells, trace_arcs

    n = len(shapes)
    number = np.where(leaf < 0, n, leaf)
    drawn = draw_cells(trace_arcs(number, *arcs), np.arange(n + 1), n + 1)[:n]
    off = np.zeros(n)
    # What is no polygon is told by the proof.
    sound = shapely.is_valid(shapes) & ~shapely.is_missing(shapes)
    near = shapely.equals_exact(drawn, shapes, tolerance=0, normalize=True)
    for_sure = np.flatnonzero(sound & ~near)
    theirs = np.array([shapely.Polygon() if one is None else one for one in drawn[for_sure]])
    area = shapely.area(shapely.symmetric_difference(theirs, shapes[for_sure]))
    allowed = _OFF_M * shapely.length(shapes[for_sure])
    off[for_sure] = np.where(area > allowed, area, 0.0)
    return off


def _buildings(plan: Plan, fabric: Fabric) -> Iterator[Finding]:
    """Yield buildings on atoms of other cells, and atoms with other households than theirs."""
    pieces = fabric.pieces
    atom = pieces["atom"].to_numpy()
    code = np.append(texts(fabric.atoms["code"]), "")[atom]
    buildings = plan.buildings
    strays = np.flatnonzero(code != texts(buildings["code"]))
    for row in strays:
        name = text(buildings["bldg_id"].iloc[row]) or Message("part.no_id")
        yield fault(
            "wrong_atoms",
            Message("finding.building", building=name, fault=Message("fault.atom_elsewhere")),
            cell=text(buildings["code"].iloc[row]),
        )
    held = _sum_up(atom, pieces["households"].to_numpy(), len(fabric.atoms))
    yield from _sums(fabric, held, "finding.atom_buildings")


def _households(plan: Plan, fabric: Fabric) -> Iterator[Finding]:
    """Yield households whose atoms are not of their cell, and atoms that hold others."""
    table, n = plan.households, len(fabric.atoms)
    if "atoms" not in table or not has_register(table):
        return
    line, atom, count = atoms_of_lines(table)
    known = (atom >= 0) & (atom < n)
    code = np.append(texts(fabric.atoms["code"]), "")[np.where(known, atom, -1)]
    assigned = table["code"].notna().to_numpy()
    right = known & (code == texts(table["code"])[line])
    wrong = _sum_up(line, ~right, len(table)) > 0
    total = _sum_up(line, count, len(table))
    wrong |= assigned & (total != np.nan_to_num(numbers(table["count"])))
    wrong |= assigned & (np.bincount(line, minlength=len(table)) == 0)
    for row in np.flatnonzero(wrong):
        name = text(table["household_id"].iloc[row]) or Message("part.no_id")
        yield fault(
            "wrong_atoms",
            Message("finding.household", household=name, fault=Message("fault.atoms_elsewhere")),
            cell=text(table["code"].iloc[row]),
        )
    yield from _sums(fabric, _sum_up(atom, count, n), "finding.atom_register")


def _sums(fabric: Fabric, held: NDArray[np.float64], key: str) -> Iterator[Finding]:
    given = fabric.atoms["households"].to_numpy()
    for atom in np.flatnonzero(held != given):
        said = Message(key, atom=atom, given=int(given[atom]), found=held[atom])
        yield fault("wrong_atoms", said, cell=text(fabric.atoms["code"].iloc[atom]))


def atoms_of_lines(table: pd.DataFrame) -> tuple[Ints, Ints, NDArray[np.float64]]:
    """Return where the households of each line live: line, atom and number of households.

    Parameters
    ----------
    table
        `Plan.households` of a plan that keeps its land. Lines without atoms do not occur, and an
        atom that is no number is -1.
    """
    rows = np.flatnonzero(table["atoms"].notna())
    named = table["atoms"].iloc[rows].astype("str").reset_index(drop=True)
    # Most lines live in one atom.
    alone = named.str.isdigit().to_numpy(dtype=bool)
    parts = named[~alone].str.split(";").explode()
    split = parts.str.partition(":").reindex(columns=range(3))
    line: Ints = np.concatenate([rows[alone], rows[parts.index.to_numpy(dtype=np.int64)]])
    atom = pd.to_numeric(pd.concat([named[alone], split[0]]), errors="coerce").fillna(-1)
    share = pd.to_numeric(split[2], errors="coerce").to_numpy(dtype=np.float64)
    count = np.nan_to_num(numbers(table["count"]))[line]
    divided = np.flatnonzero(split[1].to_numpy(dtype=object) == ":")
    count[int(alone.sum()) + divided] = np.nan_to_num(share[divided])
    return line, atom.to_numpy(dtype=np.int64), count
