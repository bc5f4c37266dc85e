"""Cells merged and divided."""

import numpy as np
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries
from gridcell.errors import InputError
from gridcell.partition.divide import seed_of, share_out
from gridcell.partition.graph import Graph, contract
from gridcell.partition.search import divide_pieces, goal_of
from gridcell.partition.settle import connected, settle, sums
from gridcell.partition.targets import Targets
from gridcell.revision.holding import CellHolding, CellPlace
from gridcell.rules import WANTED_BAND
from gridcell.words.messages import Message, counted

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def merge_cells(holding: CellHolding, a: str, b: str) -> None:
    """Make one cell of two neighbours of one level."""
    first, second = holding.general_cell(a), holding.general_cell(b)
    _require_mergeable(holding, first, second)
    sides = [holding.atoms_in(cell) for cell in (first, second)]
    both = np.sort(np.concatenate(sides))
    graph = holding.graph(both, first.community)
    owner = np.searchsorted(both, sides[0])
    mine = np.zeros(len(both), dtype=bool)
    mine[owner] = True
    if not (mine[graph.owner] != mine[graph.neighbour]).any():
        raise InputError(Message("error.cells_do_not_touch", a=first.code, b=second.code))
    # The one with more households goes on, as its code will.
    weight, area = graph.weight, graph.area
    size = [(weight[side].sum(), area[side].sum()) for side in (mine, ~mine)]
    heir = first if size[0] >= size[1] else second
    holding.cell_of(first.level)[both] = heir.row
    if first.level == "small" and not holding.has_micro:
        holding.settle_leaves(both, first.community)


def split_cell(holding: CellHolding, code: str, parts: int) -> None:
    """Divide a cell into so many connected ones, in the best way that the search knows.

    A small cell is divided between its micro cells, unless atoms bring more parts into the band.
    """
    cell = holding.general_cell(code)
    atoms = holding.atoms_in(cell)
    graph = holding.graph(atoms, cell.community)
    level = holding.given.small if cell.level == "small" else holding.given.micro
    assert level is not None  # noqa: S101
    targets = _targets_of_parts(level, cell.community, float(graph.weight.sum()), parts)
    best: Ints | None = None
    reached = -1
    for block in _grains(holding, cell, atoms, graph):
        coarse = contract(graph, block, int(block.max()) + 1)
        found = _divided(holding, cell, coarse, targets, parts)
        if found is None:
            continue
        load = sums(found, coarse.weight, parts)
        inside = int(((load >= targets.low[0]) & (load <= targets.high[0])).sum())
        if inside > reached:
            best, reached = found[block], inside
        if reached == parts:
            break
    if best is None:
        pieces = int(graph.components().max()) + 1
        raise InputError(
            Message(
                "error.cell_not_divisible",
                code=cell.code,
                parts=parts,
                atoms=counted("atom", len(atoms)),
                pieces=counted("piece", pieces),
            )
        )
    _hand_out(holding, cell, atoms, best)


def split_along(holding: CellHolding, code: str, line: shapely.Geometry) -> None:
    """Divide a cell along a line: each atom goes to the side on which most of it lies."""
    cell = holding.general_cell(code)
    atoms = holding.atoms_in(cell)
    land = shapely.coverage_union_all(holding.shapes(atoms))
    faces = faces_between(land, line)
    if len(faces) < 2:
        raise InputError(Message("error.line_does_not_cut", code=cell.code))
    part = sides_of(holding, cell, atoms, faces)
    if len(np.unique(part)) < 2:
        raise InputError(Message("error.line_divides_nothing", code=cell.code))
    _hand_out(holding, cell, atoms, part)


def faces_between(land: shapely.Geometry, line: shapely.Geometry) -> Geometries:
    """Return the pieces of land between lines, largest first."""
    noded = shapely.union(shapely.boundary(land), line)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    inside = shapely.contains_properly(shapely.buffer(land, 1e-6), shapely.point_on_surface(faces))
    faces = faces[inside]
    return np.asarray(faces[np.argsort(-shapely.area(faces), kind="stable")], dtype=object)


def sides_of(holding: CellHolding, cell: CellPlace, atoms: Ints, faces: Geometries) -> Ints:
    """Return the face of each atom: that with most of it, every face in one piece.

    At the small level the slabs of a building stay together.
    """
    graph = holding.graph(atoms, cell.community)
    block = _whole_buildings(holding, cell, atoms, graph)
    shapes = holding.shapes(atoms)
    share = np.column_stack([shapely.area(shapely.intersection(shapes, face)) for face in faces])
    blocks = int(block.max()) + 1
    of_block = np.column_stack([sums(block, part, blocks) for part in share.T])
    home = np.argmax(of_block, axis=1)
    names, home = np.unique(home, return_inverse=True)
    coarse = contract(graph, block, blocks)
    level = holding.given.small if cell.level == "small" else holding.given.micro
    assert level is not None  # noqa: S101
    goal = goal_of(level, cell.community, holding.plan.rules.weights)
    # No piece that is cut off becomes a cell of its own.
    goal = goal._replace(low=np.inf)
    none = np.zeros(len(names), dtype=bool)
    part = settle(coarse, home.astype(np.int64), coarse.weight, none, goal)
    return np.append(names, -1 - np.arange(int(part.max()) + 1))[part][block]


def _require_mergeable(holding: CellHolding, a: CellPlace, b: CellPlace) -> None:
    if a.code == b.code:
        raise InputError(Message("error.merge_itself", code=a.code))
    if a.level != b.level:
        raise InputError(
            Message("error.merge_levels", a=a.code, b=b.code, level_a=a.level, level_b=b.level)
        )
    if a.community != b.community:
        names = [holding.codes[cell.community] for cell in (a, b)]
        raise InputError(
            Message(
                "error.merge_communities",
                a=a.code,
                b=b.code,
                community_a=names[0],
                community_b=names[1],
            )
        )
    if a.level == "micro":
        above = [int(holding.small[holding.atoms_in(cell)[0]]) for cell in (a, b)]
        if above[0] != above[1]:
            small = holding.plan.small["code"]
            over = [small.iloc[row] for row in above]
            raise InputError(
                Message("error.merge_smalls", a=a.code, b=b.code, small_a=over[0], small_b=over[1])
            )


def _targets_of_parts(level: Targets, row: int, load: float, parts: int) -> Targets:
    """Return what the parts of a cell should hold: equal shares, in the band if that is in it."""
    share = max(load, 1.0) / parts
    low, high = float(level.low[row]), float(level.high[row])
    if not low <= share <= high:
        low, high = (share * bound for bound in WANTED_BAND)
    return Targets(
        low=np.array([low]), target=np.array([share]), high=np.array([high]),
        wanted=np.zeros(1, dtype=np.int64), grain=level.grain,
    )  # fmt: skip


def _grains(holding: CellHolding, cell: CellPlace, atoms: Ints, graph: Graph) -> list[Ints]:
    """Return the blocks of land to divide between, the ones to prefer first."""
    whole = _whole_buildings(holding, cell, atoms, graph)
    if cell.level == "micro" or not holding.has_micro:
        return [whole]
    leaf = holding.leaf[atoms]
    inside = leaf[graph.owner] == leaf[graph.neighbour]
    together = inside | (whole[graph.owner] == whole[graph.neighbour])
    rough = connected(graph.owner[together], graph.neighbour[together], len(graph))
    return [rough, whole]


def _whole_buildings(holding: CellHolding, cell: CellPlace, atoms: Ints, graph: Graph) -> Ints:
    """Return blocks: at the small level the slabs of a building are one, else every atom is."""
    if cell.level == "micro":
        return np.arange(len(atoms))
    land = holding.land(cell.community)
    building = land.building[np.searchsorted(land.atoms, atoms)]
    return graph.within(np.where(building >= 0, building, -1 - np.arange(len(atoms)))).components()


def _divided(
    holding: CellHolding, cell: CellPlace, graph: Graph, targets: Targets, parts: int
) -> Ints | None:
    """Return the part of each block; ``None`` where there cannot be so many."""
    piece = graph.components()
    pieces = int(piece.max()) + 1
    if not max(2, pieces) <= parts <= len(graph):
        return None
    load = np.bincount(piece, weights=graph.weight, minlength=pieces).astype(np.float64)
    count = share_out(parts, load, np.bincount(piece, minlength=pieces))
    rules = holding.plan.rules
    seed = seed_of(rules.seed, cell.code, cell.level)
    found = divide_pieces(graph, piece, count, targets, 0, rules=rules, seed=seed)
    return found.cell if len(found.neighbours_tried) == parts else None


def _hand_out(holding: CellHolding, cell: CellPlace, atoms: Ints, part: Ints) -> None:
    """Give the parts of a cell to cells: the largest goes on, the others are new."""
    names, part = np.unique(part, return_inverse=True)
    graph = holding.graph(atoms, cell.community)
    load, area = (sums(part, values, len(names)) for values in (graph.weight, graph.area))
    order = np.lexsort((np.arange(len(names)), -area, -load))
    row = np.empty(len(names), dtype=np.int64)
    row[order] = np.append(cell.row, holding.new_rows(cell.level, len(names) - 1))
    holding.cell_of(cell.level)[atoms] = row[part]
    if cell.level == "small":
        holding.settle_leaves(atoms, cell.community)
