"""Buildings moved to other cells, and borders moved a little."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from gridcell.errors import InputError
from gridcell.partition.graph import Graph
from gridcell.partition.settle import absorb
from gridcell.revision.holding import CellHolding, CellPlace
from gridcell.revision.recut import faces_between, sides_of
from gridcell.words.messages import Message, listed

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False, slots=True)
class _Shift:
    """Land that goes to a cell."""

    atoms: Ints
    what: Message
    """What it is, for messages."""
    to: CellPlace


def move_buildings(holding: CellHolding, buildings: Sequence[str], to: str) -> None:
    """Give the land of buildings to a cell beside it."""
    cell = holding.general_cell(to)
    atoms = atoms_of(holding, buildings)
    there = holding.cell_of(cell.level)[atoms] == cell.row
    if there.all():
        raise InputError(
            Message("error.already_in_cell", buildings=_named(buildings), code=cell.code)
        )
    _shift(holding, [_Shift(atoms[~there], _named(buildings), cell)])


def swap_buildings(holding: CellHolding, these: Sequence[str], those: Sequence[str]) -> None:
    """Exchange buildings between the leaves of two sides, in one step."""
    sides = [_side(holding, names) for names in (these, those)]
    (a, home_a), (b, home_b) = sides
    if home_a.row == home_b.row:
        raise InputError(
            Message("error.all_in_one_cell", buildings=_named([*these, *those]), code=home_a.code)
        )
    _shift(
        holding, [_Shift(a, _named(these), home_b), _Shift(b, _named(those), home_a)]
    )  # fmt: skip


def nudge_border(
    holding: CellHolding, a: str, b: str, line: shapely.Geometry | None, buildings: Sequence[str]
) -> None:
    """Move the border of two cells a little: to a line, or around buildings of either.

    What the line cuts off a cell on the side of the other goes to the other.
    """
    cells = [holding.general_cell(code) for code in (a, b)]
    if cells[0].level != cells[1].level or cells[0].row == cells[1].row:
        raise InputError(Message("error.cells_one_level", a=a, b=b))
    if cells[0].community != cells[1].community:
        raise InputError(Message("error.cells_two_communities", a=a, b=b))
    shifts = []
    for cell, other in (cells, cells[::-1]):
        atoms = holding.atoms_in(cell)
        if line is None:
            mine = np.intersect1d(atoms, atoms_of(holding, buildings))
        else:
            mine = _cut_off(holding, cell, other, atoms, line)
        if 2 * holding.households(mine) > holding.households(atoms):
            raise InputError(
                Message(
                    "error.nudge_too_far",
                    code=cell.code,
                    lost=holding.households(mine),
                    households=holding.households(atoms),
                )
            )
        if len(mine):
            what = Message("part.across_border", cell=cell.code)
            shifts.append(_Shift(mine, what, other))
    if not shifts:
        raise InputError(Message("error.nudge_nothing", a=a, b=b))
    _shift(holding, shifts)


def atoms_of(holding: CellHolding, buildings: Iterable[str]) -> Ints:
    """Return the atoms that stand for buildings, with whatever else stands on them.

    Raises
    ------
    InputError
        No such building, one in no cell, or on the land of a site.
    """
    pieces = holding.given.fabric.pieces
    site = holding.given.fabric.atoms["site"].to_numpy()
    by_name = pieces.groupby(pieces["bldg_id"])["atom"]
    found = []
    for name in buildings:
        if name not in by_name.groups:
            raise InputError(Message("error.no_such_building", building=name))
        atoms = by_name.get_group(name).to_numpy()
        atoms = atoms[atoms >= 0]
        if not len(atoms):
            raise InputError(Message("error.building_in_no_cell", building=name))
        if (site[atoms] >= 0).any():
            raise InputError(Message("error.building_on_site", building=name))
        found.append(atoms)
    if not found:
        raise InputError(Message("error.no_building_named"))
    return np.unique(np.concatenate(found))


def _side(holding: CellHolding, names: Sequence[str]) -> tuple[Ints, CellPlace]:
    atoms = atoms_of(holding, names)
    rows = np.unique(holding.leaf[atoms])
    codes = [str(code) for code in holding.plan.leaves["code"].iloc[rows]]
    if len(rows) > 1:
        raise InputError(
            Message(
                "error.buildings_in_cells",
                buildings=_named(names),
                number=len(rows),
                cells=list(codes),
            )
        )
    return atoms, holding.general_cell(codes[0])


def _cut_off(
    holding: CellHolding, cell: CellPlace, other: CellPlace, atoms: Ints, line: shapely.Geometry
) -> Ints:
    """Return the atoms that a line cuts off a cell on the side of another."""
    faces = faces_between(shapely.coverage_union_all(holding.shapes(atoms)), line)
    if len(faces) < 2:
        return atoms[:0]
    part = sides_of(holding, cell, atoms, faces)
    part = np.unique(part, return_inverse=True)[1]
    load = np.bincount(part, weights=holding.given.fabric.atoms["households"].to_numpy()[atoms])
    main = int(np.argmax(load))
    both = np.sort(np.concatenate([atoms, holding.atoms_in(other)]))
    graph = holding.graph(both, cell.community)
    label = np.full(len(both), -1, dtype=np.int64)
    label[np.searchsorted(both, atoms)] = part
    meets = np.unique(label[graph.owner[label[graph.neighbour] < 0]])
    gone = np.isin(part, meets[meets >= 0]) & (part != main)
    cut: Ints = atoms[gone]
    return cut


def _shift(holding: CellHolding, shifts: Sequence[_Shift]) -> None:
    """Give land to cells; empty land that is in the way, or would be cut off, goes along."""
    fabric = holding.given.fabric
    communities = fabric.atoms["community"].to_numpy()
    for shift in shifts:
        if (communities[shift.atoms] != shift.to.community).any():
            raise InputError(
                Message("error.other_community", buildings=shift.what, code=shift.to.code)
            )
    community = shifts[0].to.community
    land = holding.land(community)
    graph, rows = land.graph, land.atoms
    level = shifts[0].to.level
    cell = holding.cell_of(level)[rows]
    before, moved = cell.copy(), np.full(len(rows), -1, dtype=np.int64)
    for shift in shifts:
        moved[np.searchsorted(rows, shift.atoms)] = shift.to.row
    cell = np.where(moved >= 0, moved, cell)
    for shift in shifts:
        cell = _with_way(graph, cell, before, moved, shift)
    sources = np.unique(before[moved >= 0])
    for source in sources.tolist():
        to = next(shift.to for shift in shifts if shift.to.row != source)
        cell = _with_strays(holding, graph, cell, source, to, level)
    for shift in shifts:
        _require_one_piece(graph, cell, before, shift)

    changed = np.flatnonzero(cell != before)
    _apply(holding, graph, rows, cell, changed, level)


def _with_way(graph: Graph, cell: Ints, before: Ints, moved: Ints, shift: _Shift) -> Ints:
    """Return the cells with empty land given along that lies between what moves and its cell."""
    target = shift.to.row
    source = np.isin(cell, np.unique(before[moved == target])) & (graph.weight == 0)
    allowed = source | (cell == target)
    at_home = (before == target) & (cell == target)
    if not at_home.any():
        return cell
    inside = allowed[graph.owner] & allowed[graph.neighbour]
    step = np.where(source[graph.neighbour], 1.0, 1e-6)
    links = csr_array(
        (step[inside], (graph.owner[inside], graph.neighbour[inside])), shape=(len(cell),) * 2
    )
    way, earlier, _ = dijkstra(
        links, indices=np.flatnonzero(at_home).tolist(), min_only=True, return_predecessors=True
    )
    cell = cell.copy()
    for atom in np.flatnonzero((moved == target) & (way < np.inf)).tolist():
        at = int(earlier[atom])
        while at >= 0:
            cell[at] = target
            at = int(earlier[at])
    return cell


def _with_strays(
    holding: CellHolding, graph: Graph, cell: Ints, source: int, to: CellPlace, level: str
) -> Ints:
    """Return the cells with empty land given along that the moved land cuts off its own.

    Raises
    ------
    InputError
        A cell would vanish, or somebody lives on what would be cut off.
    """
    names = (holding.plan.small if level == "small" else holding.plan.leaves)["code"]
    code = names.iloc[source]
    left = np.flatnonzero(cell == source)
    if not len(left):
        raise InputError(Message("error.cell_no_land_left", code=code, to=to.code))
    piece = graph.take(left).components()
    pieces = int(piece.max()) + 1
    if pieces == 1:
        return cell
    held = np.bincount(piece, weights=graph.weight[left], minlength=pieces)
    area = np.bincount(piece, weights=graph.area[left], minlength=pieces)
    main = int(np.lexsort((np.arange(pieces), -area, -held))[0])
    others = round(float(held.sum() - held[main]))
    if others:
        raise InputError(
            Message(
                "error.cell_falls_apart",
                code=code,
                pieces=np.count_nonzero(held) + (held[main] == 0),
                households=others,
            )
        )
    strays = left[piece != main]
    known = np.where(cell == to.row, cell, -2)
    known[strays] = -1
    filled = absorb(graph.first, graph.neighbour, graph.length, known)
    out = cell.copy()
    out[strays] = np.where(filled[strays] >= 0, filled[strays], cell[strays])
    rest = np.flatnonzero(out == source)
    if int(graph.take(rest).components().max()) > 0:
        raise InputError(Message("error.cell_loses_empty_land", code=code, to=to.code))
    return out


def _require_one_piece(graph: Graph, cell: Ints, before: Ints, shift: _Shift) -> None:
    now = int(graph.take(np.flatnonzero(cell == shift.to.row)).components().max()) + 1
    was = np.flatnonzero(before == shift.to.row)
    if now > int(graph.take(was).components().max()) + 1:
        raise InputError(
            Message("error.not_beside_cell", buildings=shift.what, code=shift.to.code, pieces=now)
        )


def _apply(
    holding: CellHolding, graph: Graph, rows: Ints, cell: Ints, changed: Ints, level: str
) -> None:
    """Write the changed cells of one level, and what follows for the other."""
    if level == "small":
        holding.small[rows[changed]] = cell[changed]
        if not holding.has_micro:
            holding.settle_leaves(rows, _community(holding, rows))
            return
        touched = np.unique([*holding.before.small[rows[changed]], *cell[changed]])
        # Each joins the micro cell of its new small cell that it has most border with.
        for small in np.unique(cell[changed]).tolist():
            mine = changed[cell[changed] == small]
            known = np.where(cell == small, holding.leaf[rows], -2)
            known[mine] = -1
            filled = absorb(graph.first, graph.neighbour, graph.length, known)
            holding.leaf[rows[mine]] = filled[mine]
        near = rows[np.isin(cell, touched)]
        holding.settle_leaves(near, _community(holding, rows))
        return
    holding.leaf[rows[changed]] = cell[changed]
    over = pd.Series(holding.before.small, index=holding.before.leaf)
    over = over[~over.index.duplicated()]
    earlier = np.unique(holding.small[rows[changed]])
    holding.small[rows[changed]] = over.reindex(cell[changed]).to_numpy(dtype=np.int64)
    codes = holding.plan.small["code"]
    for small in np.unique([*earlier, *holding.small[rows[changed]]]).tolist():
        code = codes.iloc[small]
        if not (holding.small == small).any():
            raise InputError(Message("error.small_no_land_left", code=code))
        holding.require_connected(
            small, "small", _community(holding, rows),
            Message("error.small_falls_apart", code=code),
        )  # fmt: skip


def _community(holding: CellHolding, rows: Ints) -> int:
    return int(holding.given.fabric.atoms["community"].to_numpy()[rows[0]])


def _named(buildings: Sequence[str]) -> Message:
    return Message("part.buildings", n=len(buildings), names=listed(buildings, 5))
