"""An edited layer of a plan: what was not touched stays, the rest goes on from it."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridcell.assembly import Clock, DivisionInput
from gridcell.cells.registry import register_first
from gridcell.model import Finding, InputRecord, Plan, place_of
from gridcell.partition.drawn import TakenCells, take_drawn
from gridcell.partition.settle import main_cells
from gridcell.revision.drawn import DrawnLayer, bare_code
from gridcell.revision.drawn_findings import drawn_findings
from gridcell.revision.drawn_units import DrawnUnits, find_units, origins
from gridcell.revision.locks import locked_cells
from gridcell.revision.match import Descent, previous_division
from gridcell.revision.operation import CellRows, cells_of, go_on, input_of, require_sound_land
from gridcell.revision.people import keep_staff
from gridcell.schema import LEVELS
from gridcell.words.messages import Message, some

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
Texts = NDArray[np.object_]


def take_back(
    layer: DrawnLayer,
    plan: Plan,
    source: InputRecord,
    *,
    level: str | None,
    locked: Iterable[str],
    clock: Clock,
    workers: int,
    time: str | None,
    valid_from: str | None,
) -> Plan:
    """Return the plan whose cells are as an edited layer of it has them.

    Parameters
    ----------
    layer
        The edited layer: small cells, micro cells or leaves; communities of which it has nothing
        stay as they are.
    plan
        The plan, with its land.
    source
        Where the layer is from.
    level, locked, clock, workers, time, valid_from
        As for `gridcell.revision.adopt.adopt_cells`.

    Raises
    ------
    InputError
        A plan that does not keep its land, or not that of its cells; a lock that it does not know.
    """
    require_sound_land(plan)
    rules = plan.rules
    plan = plan if len(plan.history) else register_first(plan)
    shut = locked_cells(plan, locked)
    given = input_of(plan)
    earlier = (record for record in given.layers.inputs if record.role != source.role)
    given = replace(given, layers=replace(given.layers, inputs=(*earlier, source)))
    now, descent = cells_of(plan)
    layer, left_out = _general(layer, plan)
    units = find_units(layer, given, rules, level=level)
    stays = shut
    while True:
        with clock("partition"):
            taken, names, findings = _taken(
                layer, units, plan, given, now, descent, stays, workers=workers
            )
        after = go_on(
            plan, given, taken.division, descent, rules=rules, clock=clock,
            assign=keep_staff(plan, given.layers, rules), operation="adopt", command="adopt",
            locked=shut, findings=[*left_out, *findings], names=names, time=time,
            valid_from=valid_from,
        )  # fmt: skip
        wider = _with_small_cells(plan, after, descent, shut, stays)
        if (wider == stays).all():
            return after
        stays = wider


def _taken(
    layer: DrawnLayer,
    units: DrawnUnits,
    plan: Plan,
    given: DivisionInput,
    now: CellRows,
    descent: Descent,
    shut: Mask,
    *,
    workers: int,
) -> tuple[TakenCells, tuple[Texts, Texts], list[Finding]]:
    """Return the division in which locked cells stay, names that were changed, and findings."""
    at_small = bool(units.is_small.all())
    units, aside, findings = _without_locked(units, plan, given, now, shut)
    layer, units, locked_units = _with_stays(layer, units, plan, given, now.small, now.leaf, shut)
    groups = np.zeros(len(units.group_code), dtype=bool)
    whole = shut[: len(plan.small)]
    for unit in np.flatnonzero(locked_units).tolist():
        group = units.group[unit]
        name = units.group_code[group]
        groups[group] |= bool(whole[plan.small["code"].to_numpy() == name].any())
    taken = take_drawn(
        given.fabric, given.small, given.micro, units.drawn(locked_units, groups),
        codes=given.layers.communities["code"].tolist(), rules=plan.rules, workers=workers,
        previous=previous_division(plan, given, descent, shut) if at_small else None,
    )  # fmt: skip
    findings += drawn_findings(layer, given, units, taken, stays=aside)
    return taken, _new_names(layer, plan, given, units, taken), findings


def _with_small_cells(plan: Plan, after: Plan, descent: Descent, shut: Mask, stays: Mask) -> Mask:
    """Return the cells that have to stay, with the small cells of locked ones that lost their code.

    The code of a micro cell begins with that of its small cell, which goes on only as a whole.
    """
    smalls = len(plan.small)
    in_use = {*after.small["code"], *after.micro["code"]}
    lost = shut[smalls:] & ~plan.leaves["code"].isin(in_use).to_numpy(dtype=bool)
    small = stays[:smalls].copy()
    small[descent.small_of_leaf[lost]] = True
    leaf = stays[smalls:] | small[descent.small_of_leaf]
    wider: Mask = np.concatenate([small, leaf])
    return wider


def _general(layer: DrawnLayer, plan: Plan) -> tuple[DrawnLayer, list[Finding]]:
    """Return the general cells; dedicated ones come of sites, and stay."""
    own = set(plan.small.loc[plan.small["grid_type"] == "dedicated", "code"])
    codes = np.array([code is not None and bare_code(code) in own for code in layer.code], bool)
    new = layer.dedicated & ~codes
    findings = []
    if new.any():
        names = some([layer.called(row) for row in np.flatnonzero(new).tolist()])
        text = Message("finding.drawn_dedicated", cells=names, n=int(new.sum()))
        findings.append(Finding(kind="drawn_dedicated", severity="warning", text=text))
    keep = ~(codes | layer.dedicated)
    if layer.shapes is None or keep.all():
        return layer, findings
    return replace(layer.taking(keep), left_out=layer.left_out), findings


def _without_locked(
    units: DrawnUnits, plan: Plan, given: DivisionInput, now: CellRows, shut: Mask
) -> tuple[DrawnUnits, Ints, list[Finding]]:
    """Return the units without land that locked cells would have gained.

    With the rows that draw locked cells, and what locks kept from being changed.
    """
    at_small = bool(units.is_small.all())
    cells, cell_now = (plan.small, now.small) if at_small else (plan.leaves, now.leaf)
    locked = shut[: len(plan.small)] if at_small else shut[len(plan.small) :]
    atoms = given.fabric.atoms
    general = atoms["site"].to_numpy() < 0
    area = atoms["area_m2"].to_numpy()
    row = units.row_of_atom
    if not locked.any():
        return units, row[:0], []
    main = np.full(len(cells), -1, dtype=np.int64)
    most = main_cells(cell_now, row, atoms["households"].to_numpy(dtype=np.float64), area)
    main[: len(most)] = most
    unit_of_atom, row_of_atom = units.unit_of_atom.copy(), row.copy()
    findings = []
    for cell in np.flatnonzero(locked).tolist():
        mine = general & (cell_now == cell)
        if main[cell] < 0 or not mine.any():
            continue
        gained = general & ~mine & (row == main[cell]) & ~locked[cell_now]
        other = float(area[(mine & (row != main[cell])) | gained].sum())
        if other:
            code = str(cells["code"].iloc[cell])
            text = Message("finding.drawn_lock_kept", cell=code, area=other)
            findings.append(
                Finding(
                    kind="drawn_lock_kept", severity="warning", cell=code, measure=other,
                    community=str(cells["community"].iloc[cell]),
                    place=place_of(cells.geometry.iloc[cell]), text=text,
                )
            )  # fmt: skip
        # What it would have gained goes back to the cell that it is of.
        back = np.where(main[cell_now] == main[cell], -1, main[cell_now])[gained]
        home = atoms["community"].to_numpy()[gained]
        unit_of = pd.Series(
            np.arange(len(units.row)), index=pd.MultiIndex.from_arrays([units.row, units.community])
        )
        found = unit_of.reindex(pd.MultiIndex.from_arrays([back, home])).fillna(-1)
        unit_of_atom[gained] = found.to_numpy(dtype=np.int64)
        row_of_atom[gained] = np.where(unit_of_atom[gained] >= 0, back, -1)
    drawn = main[locked]
    units = replace(units, unit_of_atom=unit_of_atom, row_of_atom=row_of_atom)
    return units, drawn[drawn >= 0], findings


def _with_stays(
    layer: DrawnLayer,
    units: DrawnUnits,
    plan: Plan,
    given: DivisionInput,
    small_now: Ints,
    leaf_now: Ints,
    shut: Mask,
) -> tuple[DrawnLayer, DrawnUnits, Mask]:
    """Return layer and units with the cells that stay, and which units are locked.

    Locked cells stay, and the cells of communities of which the layer has nothing.
    """
    atoms = given.fabric.atoms
    community = atoms["community"].to_numpy()
    general = atoms["site"].to_numpy() < 0
    at_small = bool(units.is_small.all())
    cells = plan.small if at_small else plan.leaves
    cell_now = small_now if at_small else leaf_now
    smalls = len(plan.small)
    locked = shut[:smalls] if at_small else shut[smalls:]
    absent = np.ones(len(given.layers.communities), dtype=bool)
    absent[units.community] = False
    stays = general & (absent[community] | locked[cell_now])
    unit_of_atom, row_of_atom = units.unit_of_atom.copy(), units.row_of_atom.copy()
    row_of_piece = units.row_of_piece.copy()
    if at_small and shut[smalls:].any():
        # A locked micro cell goes to one small cell as a whole.
        inside = np.flatnonzero(general & shut[smalls:][leaf_now] & ~stays & (unit_of_atom >= 0))
        table = pd.DataFrame(
            {
                "leaf": leaf_now[inside], "unit": unit_of_atom[inside],
                "held": (atoms["households"] + 1e-9 * atoms["area_m2"]).to_numpy()[inside],
            }
        )  # fmt: skip
        votes = table.groupby(["leaf", "unit"])["held"].sum().reset_index()
        best = votes.sort_values(["leaf", "held", "unit"], ascending=[True, False, True])
        most = best.drop_duplicates("leaf").set_index("leaf")["unit"]
        wide = np.flatnonzero(general & np.isin(leaf_now, most.index) & ~stays)
        unit_of_atom[wide] = most.reindex(leaf_now[wide]).to_numpy(dtype=np.int64)
    kept = np.unique(cell_now[stays])
    if not len(kept):
        return layer, replace(units, unit_of_atom=unit_of_atom), np.zeros(len(units.row), bool)
    first_row, first_unit, first_group = len(layer), len(units.row), len(units.group_code)
    at = np.searchsorted(kept, cell_now[stays])
    unit_of_atom[stays], row_of_atom[stays] = first_unit + at, first_row + at
    piece_atom = given.fabric.pieces["atom"].to_numpy()
    mine = np.flatnonzero((piece_atom >= 0) & np.append(stays, False)[piece_atom])
    row_of_piece[mine] = row_of_atom[piece_atom[mine]]
    frame = cells.iloc[kept]
    code = frame["code"].to_numpy(dtype=object)
    over = code if at_small else np.where(
        frame["level"].to_numpy() == LEVELS["small"], code, frame["parent"].to_numpy(dtype=object)
    )  # fmt: skip
    groups, group = np.unique(over.astype(str), return_inverse=True)
    # Nobody else is part of a small cell that stays as a whole.
    old = units.group.copy()
    gone = np.isin(np.array([str(name) for name in units.group_code], dtype=object), groups)
    part = np.append(shut[:smalls], False)[
        pd.Index(plan.small["code"]).get_indexer(pd.Index(units.group_code))
    ]
    shared = {str(name): number for number, name in enumerate(units.group_code)}
    number = np.array([
        shared[name] if name in shared and not part[shared[name]] else first_group + place
        for place, name in enumerate(groups)
    ], dtype=np.int64)  # fmt: skip
    old[(old >= 0) & np.append(gone & part, False)[old]] = -1
    homes = pd.Index(given.layers.communities["code"]).get_indexer(pd.Index(frame["community"]))
    longer = DrawnLayer(
        shapes=None if layer.shapes is None
        else np.concatenate([layer.shapes, frame.geometry.to_numpy()]),
        buildings=layer.buildings,
        code=np.concatenate([layer.code, code]),
        name=np.concatenate([layer.name, frame["name"].to_numpy(dtype=object)]),
        level=np.concatenate([layer.level, frame["level"].to_numpy(dtype=np.int64)]),
        dedicated=np.append(layer.dedicated, np.zeros(len(kept), dtype=bool)),
        parent=np.concatenate([layer.parent, frame["parent"].to_numpy(dtype=object)]),
        left_out=layer.left_out,
    )  # fmt: skip
    row = first_row + np.arange(len(kept))
    return longer, replace(
        units, unit_of_atom=unit_of_atom, row_of_atom=row_of_atom, row_of_piece=row_of_piece,
        row=np.concatenate([units.row, row]),
        community=np.concatenate([units.community, homes.astype(np.int64)]),
        is_small=np.append(units.is_small, np.full(len(kept), at_small)),
        group=np.concatenate([old, number[group]]),
        group_code=np.concatenate([units.group_code, groups.astype(object)]),
        group_row=np.concatenate(
            [units.group_row, row if at_small else np.full(len(groups), -1)]
        ).astype(np.int64),
    ), np.append(np.zeros(first_unit, dtype=bool), locked[kept])  # fmt: skip


def _new_names(
    layer: DrawnLayer, plan: Plan, given: DivisionInput, units: DrawnUnits, taken: TakenCells
) -> tuple[Texts, Texts]:
    """Return names that somebody changed, of small cells and leaves, ``None`` for all others."""
    cells = pd.concat([plan.small, plan.micro])
    known = dict(zip(cells["code"], cells["name"], strict=True))

    def changed(row: int) -> str | None:
        name, code = layer.name[row], layer.code[row]
        if name is None or (code is not None and known.get(bare_code(code)) == name):
            return None
        return str(name)

    small_of, leaf_of = origins(given, taken)
    small = np.full(len(small_of), None, dtype=object)
    leaf = np.full(len(leaf_of), None, dtype=object)
    for cell in np.flatnonzero(small_of >= 0).tolist():
        row = int(units.group_row[small_of[cell]])
        small[cell] = None if row < 0 else changed(row)
    for cell in np.flatnonzero(leaf_of >= 0).tolist():
        if not units.is_small[leaf_of[cell]]:
            leaf[cell] = changed(int(units.row[leaf_of[cell]]))
    return small, leaf
