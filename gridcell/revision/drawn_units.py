"""Drawn cells on the land: which atoms each has, on which level it is, and what it is part of."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries
from gridcell.assembly import DivisionInput
from gridcell.cells.numbering import assign_community_codes
from gridcell.cells.polygons import LeafBorders, draw_cells
from gridcell.coverage.holders import find_holders
from gridcell.errors import InputError
from gridcell.model import Fabric
from gridcell.partition.drawn import Drawn, TakenCells
from gridcell.partition.settle import main_cells
from gridcell.revision.drawn import DrawnLayer, bare_code
from gridcell.revision.match import atom_shapes
from gridcell.rules import Rules
from gridcell.schema import LEVELS
from gridcell.words.messages import Message
from gridcell.workload import load_of

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Texts = NDArray[np.object_]

_SMALL: Final = LEVELS["small"]
_MICRO: Final = LEVELS["micro"]
BEYOND: Final = 0.25
"""Share of a drawn cell in another community than most of it, from which it is a cell there."""
_MOST: Final = 0.5
_LEAST: Final = 0.05
"""Share of an atom below which a drawn cell only touches it."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class DrawnUnits:
    """What drawn cells have in each community: the cells to be."""

    row_of_atom: Ints
    """(atoms,) row of the layer that has most of it, -1 for none."""
    row_of_piece: Ints
    """(pieces of buildings,) row of the layer that has most of it, -1 for none."""
    unit_of_atom: Ints
    """(atoms,) -1 also where a cell reaches beyond its community."""
    row: Ints
    """(units,) row of the layer."""
    community: Ints
    """(units,) row of the community."""
    is_small: Mask
    """(units,)"""
    group: Ints
    """(units,) number of the small cell, -1 where nothing says which."""
    group_code: Texts
    """(groups,) what the small cell is called, ``None`` where nobody says."""
    group_row: Ints
    """(groups,) row of the layer, -1 for a small cell that only its micro cells name."""
    how: str
    """What told the level: ``given``, ``column``, ``codes`` or ``households``."""
    median: float
    """Households of the middle one of the drawn cells."""

    def drawn(self, locked: Mask | None = None, locked_group: Mask | None = None) -> Drawn:
        """Return them for the division."""
        return Drawn(
            cell=self.unit_of_atom, is_small=self.is_small, group=self.group,
            locked=np.zeros(len(self.row), dtype=bool) if locked is None else locked,
            locked_group=(
                np.zeros(len(self.group_code), dtype=bool) if locked_group is None
                else locked_group
            ),
        )  # fmt: skip


def place_rows(layer: DrawnLayer, given: DivisionInput, rows: Ints) -> tuple[Ints, Ints]:
    """Return the row that has most of each atom, and of each piece of a building; -1 for none.

    Of an atom with households, most of it is where most of them live; of other land, most of its
    area.

    Parameters
    ----------
    layer, given
        The drawn cells and the land.
    rows
        Rows of the layer that count.
    """
    fabric = given.fabric
    pieces = fabric.pieces
    if layer.shapes is None:
        of_piece = _listed(layer, given)
        of_atom = np.full(len(fabric.atoms), -1, dtype=np.int64)
    else:
        shapes = layer.shapes[rows]
        back = np.append(rows, -1)
        of_piece = back[_holders(fabric.outlines.geometry.to_numpy(), shapes)]
        of_atom = back[_holders(atom_shapes(fabric), shapes)]
    placed = np.flatnonzero((pieces["atom"].to_numpy() >= 0) & (of_piece >= 0))
    if len(placed):
        atom = pieces["atom"].to_numpy()[placed]
        held = pieces["households"].to_numpy(dtype=np.float64)[placed]
        area = shapely.area(fabric.outlines.geometry.to_numpy()[placed])
        most = main_cells(atom, of_piece[placed], held, area)
        lived = np.bincount(atom, weights=held, minlength=len(of_atom))[: len(most)] > 0
        take = np.flatnonzero((most >= 0) & (lived | (of_atom[: len(most)] < 0)))
        of_atom[take] = most[take]
    return of_atom, of_piece


def find_units(
    layer: DrawnLayer, given: DivisionInput, rules: Rules, *, level: str | None
) -> DrawnUnits:
    """Return the cells to be: on which level they are, and which small cell they are part of.

    Parameters
    ----------
    layer
        General drawn cells.
    given
        The land.
    rules
        Widths of codes.
    level
        ``small`` or ``micro``, where somebody said so.

    Raises
    ------
    InputError
        No drawn cell has any land, or micro cells where the rules stop at small ones.
    """
    fabric = given.fabric
    medium = medium_codes(given)
    every = np.arange(len(layer))
    levels, how = _known_levels(layer, medium, rules, level)
    of_atom, of_piece = place_rows(layer, given, every)
    general = fabric.atoms["site"].to_numpy() < 0
    of_atom[~general] = -1
    if (of_atom < 0).all():
        raise InputError(Message("error.drawn_no_land"))
    held = load_of(fabric.atoms)
    met = of_atom >= 0
    load = np.bincount(of_atom[met], weights=held[met], minlength=len(layer)).astype(np.float64)
    seen = np.bincount(of_atom[met], minlength=len(layer)) > 0
    if (levels == 0).any():
        known = levels[levels > 0]
        levels = levels.copy()
        if len(known):
            levels[levels == 0] = _SMALL if 2 * (known == _SMALL).sum() >= len(known) else _MICRO
        else:
            levels[:] = _level_by_load(load[seen], given)
            how = "households"
    small = levels == _SMALL
    if given.micro is None and not small.all() and small.any():
        # Micro cells have no place in a division that stops above them.
        of_atom, of_piece = place_rows(layer, given, np.flatnonzero(small))
        of_atom[~general] = -1
    elif small.any() and not small.all():
        of_atom, of_piece = _finest(layer, given, small)
        of_atom[~general] = -1
    return _units(layer, given, rules, of_atom, of_piece, small, how)


def row_shapes(fabric: Fabric, number: Ints, count: int) -> NDArray[np.object_]:
    """Return the land of so many numbered cells, each a union of atoms; -1 is no cell."""
    borders = LeafBorders(
        xy=fabric.xy, start=fabric.arc_start, vertex=fabric.arc_vertices, left=fabric.arc_left,
        right=fabric.arc_right,
    )  # fmt: skip
    return draw_cells(borders, number, count)


def origins(given: DivisionInput, taken: TakenCells) -> tuple[Ints, Ints]:
    """Return the group that each small cell is, and the unit that each leaf is, -1 for none."""
    division = taken.division
    small = np.full(len(division.community_of_small), -1, dtype=np.int64)
    leaf = np.full(len(division.small_of_leaf), -1, dtype=np.int64)
    general = given.fabric.atoms["site"].to_numpy() < 0
    small[division.small[general]] = taken.group[general]
    leaf[division.leaf[general]] = taken.cell[general]
    return small, leaf


def medium_codes(given: DivisionInput) -> list[str]:
    """Return the code of the level-2 cell of each community."""
    codes: list[str] = assign_community_codes(given.layers.communities)["medium"].tolist()
    return codes


def _holders(land: Geometries, cells: Geometries) -> Ints:
    """Return the cell that has most of each piece of land, -1 where none has more than a sliver."""
    holder = find_holders(land, cells)
    doubtful = np.flatnonzero(holder >= 0)
    inner = shapely.area(shapely.intersection(land[doubtful], cells[holder[doubtful]]))
    holder[doubtful[inner < _LEAST * shapely.area(land[doubtful])]] = -1
    return holder


def _listed(layer: DrawnLayer, given: DivisionInput) -> Ints:
    """Return the row that a table of buildings names for each piece of a building."""
    assert layer.buildings is not None  # noqa: S101
    pieces, table = given.fabric.pieces, layer.buildings
    building = pieces["building"].to_numpy()
    slab = pd.Series(building).groupby(building).cumcount().to_numpy()
    number = pd.Index(given.names).get_indexer(pd.Index(table["bldg_id"]))
    table = table.assign(building=number, place=table.groupby("bldg_id").cumcount())
    table = table[table["building"] >= 0]
    lines = table.groupby("building").size().reindex(np.arange(len(given.names)), fill_value=0)
    parts = np.bincount(building, minlength=len(given.names))
    weight = table["households"] if "households" in table else pd.Series(1.0, index=table.index)
    votes = table.assign(weight=weight).groupby(["building", "row"])["weight"].sum().reset_index()
    votes = votes.sort_values(["building", "weight", "row"], ascending=[True, False, True])
    main = votes.drop_duplicates("building").set_index("building")["row"]
    out = main.reindex(building).fillna(-1).to_numpy(dtype=np.int64).copy()
    # A line for each slab: they are in their order.
    each = table.set_index(["building", "place"])["row"]
    fits = (lines.to_numpy() == parts)[building]
    exact = each.reindex(pd.MultiIndex.from_arrays([building, slab])).to_numpy(dtype=np.float64)
    known = fits & ~np.isnan(exact)
    out[known] = exact[known].astype(np.int64)
    return out


def _known_levels(
    layer: DrawnLayer, medium: list[str], rules: Rules, level: str | None
) -> tuple[Ints, str]:
    """Return the level of each row, 0 where neither columns nor codes say, and what told it."""
    levels = np.where(layer.level >= _SMALL, layer.level, 0)
    if level is not None:
        return np.where(levels == 0, LEVELS[level], levels), "given"
    if (levels > 0).all():
        return levels, "column"
    short, full = rules.codes.small_digits, rules.codes.small_digits + rules.codes.micro_digits
    found = levels.copy()
    for row in np.flatnonzero(levels == 0).tolist():
        if layer.code[row] is None:
            continue
        code = bare_code(layer.code[row])
        rest = [code[len(above) :] for above in medium if code.startswith(above)]
        digits = {len(text) for text in rest if text.isdigit()}
        found[row] = _SMALL if short in digits else _MICRO if full in digits else 0
    return found, "column" if (levels > 0).any() else "codes"


def _level_by_load(load: Floats, given: DivisionInput) -> int:
    """Return the level whose band most of the cells are in; of equals, whose target is nearer."""
    if given.micro is None:
        return _SMALL
    median = max(float(np.median(load)), 1e-3)
    scores = []
    for level, targets in ((_SMALL, given.small), (_MICRO, given.micro)):
        low, high, target = (
            float(np.median(of)) for of in (targets.low, targets.high, targets.target)
        )
        inside = float(((load >= low) & (load <= high)).mean())
        scores.append((-round(inside, 2), abs(float(np.log(median / target))), level))
    return min(scores)[2]


def _finest(layer: DrawnLayer, given: DivisionInput, small: Mask) -> tuple[Ints, Ints]:
    """Return rows of micro cells where there are any, of small cells without them elsewhere."""
    of_atom, of_piece = place_rows(layer, given, np.flatnonzero(~small))
    above, above_piece = place_rows(layer, given, np.flatnonzero(small))
    both = (of_atom >= 0) & (above >= 0)
    divided = np.zeros(len(layer), dtype=bool)
    # A sliver of a micro cell of the neighbour does not divide a small cell.
    area = given.fabric.atoms["area_m2"].to_numpy()
    inner = np.bincount(above[both], weights=area[both], minlength=len(layer))
    whole = np.bincount(above[above >= 0], weights=area[above >= 0], minlength=len(layer))
    divided = inner > _MOST * whole
    use = (above >= 0) & ~divided[above]
    use_piece = (above_piece >= 0) & ~divided[above_piece]
    return np.where(use, above, of_atom), np.where(use_piece, above_piece, of_piece)


def _units(
    layer: DrawnLayer,
    given: DivisionInput,
    rules: Rules,
    of_atom: Ints,
    of_piece: Ints,
    small: Mask,
    how: str,
) -> DrawnUnits:
    """Return the cells to be from the row that each atom is of."""
    atoms = given.fabric.atoms
    community = atoms["community"].to_numpy()
    count = len(given.layers.communities)
    met = np.flatnonzero(of_atom >= 0)
    key, place = np.unique(of_atom[met] * count + community[met], return_inverse=True)
    row, home = np.divmod(key, count)
    area = np.bincount(place, weights=atoms["area_m2"].to_numpy()[met])
    whole = np.bincount(row, weights=area, minlength=len(layer))
    land = np.bincount(community, weights=atoms["area_m2"], minlength=count)
    first = np.zeros(len(key), dtype=bool)
    order = np.lexsort((home, -area, row))
    first[order[np.flatnonzero(np.diff(row[order], prepend=-1) != 0)]] = True
    keep = first | (area >= BEYOND * whole[row]) | (area >= _MOST * land[home])
    number = np.where(keep, np.cumsum(keep) - 1, -1)
    unit_of_atom = np.full(len(atoms), -1, dtype=np.int64)
    unit_of_atom[met] = number[place]
    row, home = row[keep].astype(np.int64), home[keep].astype(np.int64)
    load = np.bincount(
        of_atom[met], weights=atoms["households"].to_numpy()[met], minlength=len(layer)
    )
    names, group = _groups(layer, given, rules, row, home, small)
    return DrawnUnits(
        row_of_atom=of_atom, row_of_piece=of_piece, unit_of_atom=unit_of_atom, row=row,
        community=home, is_small=small[row], group=group,
        median=float(np.median(load[np.unique(row)])),
        group_code=np.array([name for name, _ in names], dtype=object),
        group_row=np.array([of for _, of in names], dtype=np.int64), how=how,
    )  # fmt: skip


def _groups(
    layer: DrawnLayer, given: DivisionInput, rules: Rules, row: Ints, home: Ints, small: Mask
) -> tuple[list[tuple[str | None, int]], Ints]:
    """Return name and row of each small cell, and the small cell of each unit."""
    medium = medium_codes(given)
    own = given.layers.communities["code"].tolist()
    above = np.flatnonzero(small)
    of_code = {bare_code(layer.code[at]): at for at in above[::-1].tolist() if layer.code[at]}
    over = np.full(len(layer), -1, dtype=np.int64)
    if layer.shapes is not None and len(above) and not small.all():
        holder = find_holders(layer.shapes[~small], layer.shapes[above])
        over[~small] = np.append(above, -1)[holder]
    group = np.full(len(row), -1, dtype=np.int64)
    names: list[tuple[str | None, int]] = []
    numbers: dict[tuple[str | int, int], int] = {}
    for unit, (at, where) in enumerate(zip(row.tolist(), home.tolist(), strict=True)):
        if small[at]:
            key: str | int | None = at
        else:
            text = _small_code(layer, at, (medium[where], own[where]), rules)
            key = None if text is None else of_code.get(text, text)
            if not isinstance(key, int) and over[at] >= 0:
                key = int(over[at])
        if key is None:
            continue
        if (key, where) not in numbers:
            numbers[key, where] = len(names)
            names.append((layer.code[key], key) if isinstance(key, int) else (key, -1))
        group[unit] = numbers[key, where]
    return names, group


def _small_code(
    layer: DrawnLayer, row: int, community: tuple[str, str], rules: Rules
) -> str | None:
    """Return the code of the small cell that a micro cell names, or begins with."""
    text = layer.parent[row]
    if text is not None and bare_code(text) not in community:
        return bare_code(text)
    if layer.code[row] is None:
        return None
    code, above = bare_code(layer.code[row]), community[0]
    rest = code[len(above) :]
    full = rules.codes.small_digits + rules.codes.micro_digits
    fits = code.startswith(above) and rest.isdigit() and len(rest) == full
    return code[: -rules.codes.micro_digits] if fits else None
