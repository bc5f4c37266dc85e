"""Which land of a new plan was which cell of an earlier one, and which cells stay themselves."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries, run_starts
from gridcell.assembly import DivisionInput
from gridcell.cells.frames import KeptCodes, cell_titles
from gridcell.cells.numbering import assign_community_codes
from gridcell.cells.polygons import LeafBorders, draw_cells
from gridcell.cells.registry import last_numbers
from gridcell.model import Fabric, Plan
from gridcell.partition import Division
from gridcell.partition.revise import Previous
from gridcell.rules import Codes
from gridcell.schema import LEVELS, LOAD
from gridcell.workload import GRAIN, load_of

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_SMALL: Final = LEVELS["small"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Descent:
    """The cells of an earlier plan in which the atoms of a new one lie."""

    leaf: Ints
    """(atoms,) row of the earlier leaf that holds the atom, -1 for none."""
    settled: Floats
    """(atoms,) households in buildings that stood there before, at most as many as before; their
    load where bands count loads."""
    small_of_leaf: Ints
    """(earlier leaves,) row of the earlier small cell."""
    community: NDArray[np.object_]
    """(earlier small cells,) code that the community has now."""


def trace_descent(
    plan: Plan, given: DivisionInput, recoded: Mapping[str, str], only: Mask | None = None
) -> Descent:
    """Return where the atoms of a new plan come from.

    An atom with buildings is where most of its households lived before: each piece of a building
    is looked for among the earlier ones, by its place. All other land is where a point inside it
    lies. So no stored land is needed, and earlier plans of any origin will do.

    Parameters
    ----------
    plan
        The earlier plan.
    given
        The new land, in the same CRS.
    recoded
        New codes of communities, by their earlier ones.
    only
        (atoms,) those whose point is looked for where no building tells; all by default.
    """
    fabric = given.fabric
    leaves, small = plan.leaves, plan.small
    itself = leaves["level"].to_numpy() == _SMALL
    over = np.where(itself, leaves["code"], leaves["parent"])
    small_of_leaf = pd.Index(small["code"]).get_indexer(pd.Index(over)).astype(np.int64)
    settled, leaf = _settled(plan, given)
    unknown = np.flatnonzero((leaf < 0) if only is None else (leaf < 0) & only)
    point = shapely.point_on_surface(atom_shapes(fabric, unknown))
    leaf[unknown] = _rows_at(point, leaves.geometry.to_numpy())
    community = small["community"].map(lambda code: recoded.get(code, code))
    return Descent(
        leaf=leaf, settled=settled, small_of_leaf=small_of_leaf,
        community=community.to_numpy(dtype=object),
    )  # fmt: skip


def previous_division(plan: Plan, given: DivisionInput, descent: Descent, locked: Mask) -> Previous:
    """Return the earlier division, as `gridcell.partition.revise` wants it.

    Parameters
    ----------
    plan, given, descent
        As for and from `trace_descent`.
    locked
        (earlier small cells + earlier leaves,) those that must stay, one after the other.
    """
    atoms = given.fabric.atoms
    general = (plan.leaves["grid_type"] == "general").to_numpy()
    leaf = np.where(general[descent.leaf] & (descent.leaf >= 0), descent.leaf, -1)
    leaf = _at_home(leaf, atoms["community"].to_numpy(), descent.settled, atoms["area_m2"])
    small_of_leaf = descent.small_of_leaf
    small = np.where(leaf >= 0, small_of_leaf[leaf], -1)
    if not (plan.leaves["level"] > _SMALL).any() and given.micro is not None:
        # Nothing was divided into micro cells before.
        leaf = np.full(len(leaf), -1, dtype=np.int64)
    smalls = len(plan.small)
    shut = locked[:smalls]
    return Previous(
        small=small,
        leaf=leaf,
        settled=descent.settled,
        small_load=load_of(plan.small),
        leaf_load=load_of(plan.leaves),
        small_band=_bands(plan, plan.small, "small"),
        leaf_band=_bands(plan, plan.leaves, "micro"),
        small_locked=shut,
        leaf_locked=locked[smalls:] | shut[small_of_leaf],
    )


def _bands(plan: Plan, cells: pd.DataFrame, level: str) -> Floats:
    """Return least and most households of each cell, by its community; nan for none."""
    bands = [plan.bands.get((str(code), level)) for code in cells["community"]]
    limits = [(np.nan, np.nan) if band is None else (band.min, band.max) for band in bands]
    return np.array(limits, dtype=np.float64).reshape(-1, 2)


def keep_codes(
    plan: Plan,
    given: DivisionInput,
    descent: Descent,
    division: Division,
    rules: Codes,
    recoded: Mapping[str, str],
) -> KeptCodes:
    """Return the numbers that new cells have from an earlier plan, and those ever given.

    A cell keeps its number while at least half of its settled households, or without any of its
    land, stay together, and no other cell has more of them. A micro cell keeps it only within its
    small cell, and a small cell only within its community. Names that somebody gave stay with the
    number.

    Parameters
    ----------
    plan, given, descent
        As for and from `trace_descent`.
    division
        The new cells.
    rules
        Widths of codes, those of the earlier plan.
    recoded
        New codes of communities, by their earlier ones.
    """
    atoms, communities = given.fabric.atoms, given.layers.communities
    known = descent.leaf >= 0
    area = atoms["area_m2"].to_numpy()
    code_of = communities["code"].to_numpy(dtype=object)
    dedicated = division.site_of_small >= 0
    was_dedicated = (plan.small["grid_type"] == "dedicated").to_numpy()

    old_small = np.where(known, descent.small_of_leaf[descent.leaf], -1)
    heir = _heirs(old_small, division.small, descent.settled, area, len(plan.small), len(dedicated))
    found = np.flatnonzero(heir >= 0)
    fits = was_dedicated[heir[found]] == dedicated[found]
    fits &= descent.community[heir[found]] == code_of[division.community_of_small[found]]
    heir[np.delete(np.arange(len(heir)), found[fits])] = -1
    number = _number(plan.small["code"], rules.small_digits)
    medium = assign_community_codes(communities)["medium"].to_numpy(dtype=object)
    above = medium[division.community_of_small]
    # A community may get a code that another one had before.
    ended = set(plan.codes.loc[plan.codes["retired"].notna(), "code"])
    for cell in np.flatnonzero(heir >= 0).tolist():
        if f"{above[cell]}{number[heir[cell]]:0{rules.small_digits}d}" in ended:
            heir[cell] = -1
    small = np.where(heir >= 0, number[heir], 0)

    origin = _heirs(
        descent.leaf, division.leaf, descent.settled, area, len(plan.leaves),
        len(division.small_of_leaf),
    )  # fmt: skip
    is_micro = (plan.leaves["level"] > _SMALL).to_numpy()
    kept = np.flatnonzero(origin >= 0)
    stays = is_micro[origin[kept]]
    stays &= descent.small_of_leaf[origin[kept]] == heir[division.small_of_leaf[kept]]
    leaf = np.zeros(len(origin), dtype=np.int64)
    number = _number(plan.leaves["code"], rules.micro_digits)
    leaf[kept[stays]] = number[origin[kept[stays]]]
    for cell in np.flatnonzero(leaf > 0).tolist():
        within = division.small_of_leaf[cell]
        code = f"{above[within]}{small[within]:0{rules.small_digits}d}"
        if f"{code}{leaf[cell]:0{rules.micro_digits}d}" in ended:
            leaf[cell] = 0
    last_small, last_micro = _last(plan, communities, rules, recoded)
    stayed = np.where(leaf > 0, origin, -1)
    small_name = given_names(plan.small, plan.medium, rules.small_digits, "small")
    leaf_name = given_names(plan.leaves, plan.small, rules.micro_digits, "micro")
    return KeptCodes(
        small=small, leaf=leaf, last_small=last_small, last_micro=last_micro,
        small_name=small_name[np.where(dedicated, -1, heir)],
        leaf_name=leaf_name[stayed],
    )  # fmt: skip


def given_names(
    cells: pd.DataFrame, above: pd.DataFrame, digits: int, level: str
) -> NDArray[np.object_]:
    """Return the names of cells that somebody gave, ``None`` where they tell the number alone.

    A last ``None`` is for cells that are new.
    """
    name = cells["name"].to_numpy(dtype=object)
    title = cell_titles(
        cells["parent"].map(above.set_index("code")["name"]).to_numpy(dtype=object),
        cells["code"], digits, f"name.{level}",
    )  # fmt: skip
    given = np.full(len(name) + 1, None, dtype=object)
    told = np.flatnonzero(cells["name"].notna().to_numpy() & (name != title))
    given[told] = name[told]
    return given


def _last(
    plan: Plan, communities: pd.DataFrame, rules: Codes, recoded: Mapping[str, str]
) -> tuple[dict[tuple[str, str], int], dict[str, int]]:
    """Return the highest numbers ever given, also under the codes that communities have now."""
    used = plan.codes if len(plan.codes) else pd.concat([plan.small, plan.micro])
    small, micro = last_numbers(used, rules.small_digits, rules.micro_digits)
    now = dict(zip(communities["code"], assign_community_codes(communities)["medium"], strict=True))
    for row in plan.medium.itertuples():
        new = now.get(recoded.get(row.community, row.community))
        if new is None or new == row.code:
            continue
        for (code, kind), number in list(small.items()):
            if code == row.code:
                small[new, kind] = max(number, small.get((new, kind), 0))
        for code, number in list(micro.items()):
            if code.startswith(row.code):
                renamed = new + code[len(row.code) :]
                micro[renamed] = max(number, micro.get(renamed, 0))
    return small, micro


def atom_shapes(fabric: Fabric, rows: Ints | None = None) -> Geometries:
    """Return the polygon of each atom, or of those in some rows, with every vertex of the fabric.

    Parameters
    ----------
    fabric
        The land.
    rows
        Of atoms, each once.
    """
    rows = np.arange(len(fabric.atoms)) if rows is None else rows
    number = np.full(len(fabric.atoms), -1, dtype=np.int64)
    number[rows] = np.arange(len(rows))
    borders = LeafBorders(
        xy=fabric.xy, start=fabric.arc_start, vertex=fabric.arc_vertices, left=fabric.arc_left,
        right=fabric.arc_right,
    )  # fmt: skip
    return draw_cells(borders, number, len(rows))


def _rows_at(point: Geometries, land: Geometries) -> Ints:
    """Return the row of the polygon at each point, the first of several; -1 for none."""
    found, row = shapely.STRtree(land).query(point, predicate="intersects")
    order = np.lexsort((row, found))
    first = order[run_starts(found[order])]
    out = np.full(len(point), -1, dtype=np.int64)
    out[found[first]] = row[first]
    return out


def _settled(plan: Plan, given: DivisionInput) -> tuple[Floats, Ints]:
    """Return what stayed of households or load, and the earlier leaf of most of it, by atom."""
    fabric = given.fabric
    n = len(fabric.atoms)
    held, known = np.zeros(n), np.full(n, -1, dtype=np.int64)
    before = plan.buildings[plan.buildings["code"].notna()]
    pieces = fabric.pieces
    inside = np.flatnonzero(pieces["atom"].to_numpy() >= 0)
    if not len(before) or not len(inside):
        return held, known
    outline = fabric.outlines.geometry.to_numpy()[inside]
    row = _rows_at(shapely.point_on_surface(outline), before.geometry.to_numpy())
    there = row >= 0
    inside, row = inside[there], row[there]

    building = pieces["building"].to_numpy()
    held_now = load_of(pieces)
    counted = LOAD if LOAD in pieces and LOAD in before else "households"
    least = 1.0 if counted == "households" else GRAIN
    now = np.bincount(building, weights=pieces[counted])
    name = pd.factorize(before["bldg_id"])[0]
    earlier = pd.to_numeric(before[counted]).fillna(0).to_numpy(dtype=np.float64)
    had = np.bincount(name, weights=earlier)
    share = np.minimum(1.0, had[name[row]] / np.maximum(now[building[inside]], least))
    stayed = held_now[inside] * share
    atom = pieces["atom"].to_numpy()[inside]
    held = np.bincount(atom, weights=stayed, minlength=n).astype(np.float64)

    leaf = pd.Index(plan.leaves["code"]).get_indexer(pd.Index(before["code"]))[row]
    area = shapely.area(fabric.outlines.geometry.to_numpy()[inside])
    order = np.lexsort((leaf, -area, -stayed, atom))
    best = order[run_starts(atom[order])]
    known[atom[best]] = leaf[best]
    return held, known


def _at_home(leaf: Ints, community: Ints, settled: Floats, area: "pd.Series[float]") -> Ints:
    """Return the leaves without those parts that came into another community than the most."""
    mine = np.flatnonzero(leaf >= 0)
    if not len(mine):
        return leaf
    width = int(community.max()) + 1
    key, row = np.unique(leaf[mine] * width + community[mine], return_inverse=True)
    held = np.bincount(row, weights=settled[mine])
    land = np.bincount(row, weights=area.to_numpy()[mine])
    owner = key // width
    order = np.lexsort((key, -land, -held, owner))
    most = np.zeros(len(key), dtype=bool)
    most[order[run_starts(owner[order])]] = True
    out = leaf.copy()
    out[mine[~most[row]]] = -1
    return out


def _heirs(old: Ints, new: Ints, held: Floats, area: Floats, olds: int, news: int) -> Ints:
    """Return for each new cell the earlier one that it goes on from, -1 for none."""
    mine = np.flatnonzero(old >= 0)
    key, row = np.unique(old[mine] * news + new[mine], return_inverse=True)
    source, target = np.divmod(key, news)
    shared = np.bincount(row, weights=held[mine], minlength=len(key))
    land = np.bincount(row, weights=area[mine], minlength=len(key))
    whole = np.bincount(source, weights=shared, minlength=olds)[source]
    whole_land = np.bincount(source, weights=land, minlength=olds)[source]
    half = np.where(whole > 0, 2 * shared >= whole - 1e-9, 2 * land >= whole_land)
    out = np.full(news, -1, dtype=np.int64)
    taken = np.zeros(olds, dtype=bool)
    # Strongest claims first; each earlier cell has one heir, each new cell one origin.
    for pair in np.lexsort((target, source, -land, -shared)):
        if half[pair] and out[target[pair]] < 0 and not taken[source[pair]]:
            out[target[pair]] = source[pair]
            taken[source[pair]] = True
    return out


def _number(code: "pd.Series[str]", digits: int) -> Ints:
    return np.asarray(code.str.slice(-digits).astype("int64"), dtype=np.int64)
