"""Cells brought back into their band, each with as few neighbours as will do."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from gridcell.partition.graph import Graph, part_of
from gridcell.partition.kernels import Adjacency, Goal, anneal
from gridcell.partition.settle import absorb, connected, sums
from gridcell.rules import Rules

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_HOT, _COLD = 0.5, 0.02
"""First and last temperature, in the unit of the energy: a compact cell costs about 1.5."""
_ROUNDING = 0.1
"""First temperature for cells that are in the band already."""
_ATTEMPTS = 3
"""Searches in a region, of which the best is kept."""
_FEW_ATOMS = 600
"""Regions of no more atoms are also searched with a steep band."""
STEEP = 4.0
"""How much more it costs to be outside the band where a search goes on for it alone, and the first
temperature of that."""
_MOST_ATOMS = 3000
"""Atoms of a region up to which it is searched."""
PINNED = 1e7
"""What it costs that land of a locked cell leaves its cell: more than any energy."""
_WORTH = 0.1
"""Share of the distance to the band by which a cell that cannot get in has to come nearer."""


class CellState:
    """Cells while they are mended: numbers of cells may be added, and cells may become empty."""

    def __init__(self, cell: Ints, touched: Mask, locked: Mask) -> None:
        self.cell = cell.copy()
        self.touched = touched
        self.locked = locked

    def add(self, count: int) -> None:
        """Make room for more cells."""
        self.touched = np.append(self.touched, np.ones(count, dtype=bool))
        self.locked = np.append(self.locked, np.zeros(count, dtype=bool))

    @property
    def cells(self) -> int:
        """Numbers of cells, used or not."""
        return len(self.touched)


def bring_into_band(
    graph: Graph,
    state: CellState,
    home: Ints,
    hold: Floats,
    goal: Goal,
    rules: Rules,
    seed: int,
    *,
    free: bool,
) -> None:
    """Bring cells into the band that left it, each with as few neighbours as will do.

    Parameters
    ----------
    graph, state
        The land and its cells, which are changed.
    home, hold
        (atoms,) the cell in which each should stay, and what it costs to leave it.
    goal, rules, seed
        Of the search.
    free
        Whether the number of cells may change.
    """
    plain = graph.land(rules.weights.barrier)
    land = plain._replace(home=home, hold=hold)
    stuck: set[int] = set()
    while True:
        load = sums(state.cell, graph.weight, state.cells)
        away = _away(load, goal)
        away[np.bincount(state.cell, minlength=state.cells) == 0] = 0
        open_ = np.flatnonzero((away > 0) & state.touched & ~state.locked)
        open_ = open_[~np.isin(open_, list(stuck))]
        if not len(open_):
            return
        worst = int(open_[np.argmax(away[open_])])
        for regions in _widening(graph, state, worst):
            found = [
                change
                for members in regions
                for change in _changes(land, state, members, goal, rules, seed, free=free)
            ]
            if found:
                best = min(found, key=lambda change: change.rank)
                state.add(max(0, int(best.cell.max()) + 1 - state.cells))
                state.cell[best.atoms] = best.cell
                state.touched[best.cell] = True
                break
        else:
            stuck.add(worst)


def round_off(
    graph: Graph, state: CellState, home: Ints, hold: Floats, goal: Goal, rules: Rules, seed: int,
    *, convex: bool,
) -> None:  # fmt: skip
    """Make the cells that changed compact, where that costs no household more than it is worth.

    Parameters are those of `bring_into_band` and, whether hooks and arms cost something, of
    `gridcell.partition.search.divide_pieces`.
    """
    land = graph.land(rules.weights.barrier, convex=convex)._replace(home=home, hold=hold)
    away = state.cell != home
    changed = np.zeros(state.cells, dtype=bool)
    changed[state.cell[away]] = True
    changed[home[away & (home >= 0)]] = True
    changed &= ~state.locked
    region = graph.within(changed[state.cell].astype(np.int64)).components()
    for number in np.unique(region[changed[state.cell]]).tolist():
        atoms = np.flatnonzero(region == number)
        members, now = np.unique(state.cell[atoms], return_inverse=True)
        if len(members) < 2 or len(atoms) > _MOST_ATOMS:
            continue
        part = part_of(land, atoms)
        local = np.full(state.cells + 1, -1, dtype=np.int64)
        local[members] = np.arange(len(members))
        part = part._replace(home=local[part.home])
        cell = now.astype(np.int64)
        before = anneal(part, cell.copy(), len(members), goal, 0, 1.0, 1.0, 0.0, seed)
        after = anneal(
            part, cell, len(members), goal, rules.search, _ROUNDING, _COLD, 0.0, seed
        )  # fmt: skip
        out = [
            np.count_nonzero(_away(sums(of, part.weight, len(members)), goal)) for of in (now, cell)
        ]
        left = [float(part.hold[(part.home >= 0) & (of != part.home)].sum()) for of in (now, cell)]
        if out[1] <= out[0] and after + left[1] < before + left[0] - 1e-9:
            state.cell[atoms] = members[cell]


@dataclass(frozen=True, eq=False, slots=True)
class _Change:
    """Another division of a region that is nearer to the band."""

    rank: tuple[int, float, float]
    """Less is better."""
    atoms: Ints
    cell: Ints
    """(atoms,)"""


def _widening(graph: Graph, state: CellState, cell: int) -> Iterator[list[Ints]]:
    """Yield ever wider regions around a cell: of each width those to choose from."""
    yield [np.array([cell])]
    around = _beside(graph, state, np.array([cell]))
    if not len(around):
        return
    yield [np.array([cell, other]) for other in around]
    ring = np.append(cell, around)
    yield [ring]
    second = _beside(graph, state, ring)
    if len(second):
        yield [np.concatenate([ring, second])]


def _beside(graph: Graph, state: CellState, members: Ints) -> Ints:
    """Return the cells that touch these and may change, ascending."""
    mine = np.isin(state.cell, members)
    other = state.cell[graph.neighbour[mine[graph.owner]]]
    near = np.unique(other)
    return near[~np.isin(near, members) & ~state.locked[near]]


def _changes(
    land: Adjacency, state: CellState, members: Ints, goal: Goal, rules: Rules, seed: int, *,
    free: bool,
) -> Iterator[_Change]:  # fmt: skip
    """Yield divisions of a region with more cells in the band, or cells much nearer to it."""
    atoms = np.flatnonzero(np.isin(state.cell, members))
    if len(atoms) > _MOST_ATOMS:
        return
    part = part_of(land, atoms)
    local = np.full(state.cells + 1, -1, dtype=np.int64)
    local[members] = np.arange(len(members))
    now = local[state.cell[atoms]]
    home = local[part.home]
    load = sums(now, part.weight, len(members))
    before = _away(load, goal)
    out = _out(load, goal)
    if _is_best(part.weight, out, float(before.sum()), goal):
        return
    # A cell that cannot get in comes nearer only by more households than change their cell.
    household = rules.weights.stay / goal.target
    for count in _counts(float(load.sum()), len(members), len(atoms), goal, free=free):
        if count == 1 and len(members) == 1:
            continue
        # Cells beyond the members have no home.
        homed = part._replace(home=home)
        for first in _starts(part, now, load, count):
            for attempt in range(_ATTEMPTS if len(atoms) > _FEW_ATOMS else 2 * _ATTEMPTS):
                cell = first.copy()
                if attempt >= _ATTEMPTS:
                    # Where atoms are heavy, the way into the band leads through cells far out.
                    steep = goal._replace(outside=STEEP * goal.outside)
                    anneal(
                        homed, cell, count, steep, rules.search, STEEP, STEEP / 8, 0.0,
                        seed + attempt,
                    )  # fmt: skip
                energy = anneal(
                    homed, cell, count, goal, rules.search, _HOT, _COLD, 0.0, seed + attempt
                )
                held = sums(cell, part.weight, count)
                after = _away(held, goal)
                fewer = _out(held, goal) - out
                nearer = float(after.sum() - before.sum())
                if not _is_worth(fewer, nearer, float(before.sum())):
                    continue
                name = _named(cell, home, part.hold, members, state.cells)
                left = part.hold[(home >= 0) & (name[cell] != members[home])].sum()
                if left >= PINNED or (fewer == 0 and left >= -nearer * household):
                    continue
                rank = (fewer, 0.0 if fewer < 0 else round(nearer), float(energy + left))
                yield _Change(rank, atoms, name[cell])


def _is_worth(fewer: int, nearer: float, before: float) -> bool:
    """Tell whether so many more cells out of the band, so much farther out, are worth a change."""
    return fewer < 0 or (fewer == 0 and nearer <= -max(1.0, _WORTH * before))


def _is_best(weight: Floats, out: int, before: float, goal: Goal) -> bool:
    """Tell whether no division of some atoms can be worth a change, for the heavy ones among them.

    Whatever cell holds an atom above the band is above it too, and counts at least as much.
    """
    heavy = weight[weight > goal.high + 1e-9]
    least = int(np.floor(heavy / goal.high).sum())
    return not _is_worth(least - out, float((heavy - goal.high).sum()) - before, before)


def _counts(load: float, now: int, atoms: int, goal: Goal, *, free: bool) -> list[int]:
    """Return the numbers of cells that a region may have, the present one first."""
    if not free:
        return [now]
    # Land of nobody needs a cell as well.
    least = max(1, int(np.ceil(load / goal.high - 1e-9)))
    most = int(np.floor(load / max(goal.low, 1e-9) + 1e-9))
    best = round(load / goal.target)
    if least > most:
        counts = {now, now - 1, now + 1, best, least}
    else:
        counts = {now, int(np.clip(now, least, most)), int(np.clip(best, least, most))}
    return sorted(
        (count for count in counts if 1 <= count <= atoms),
        key=lambda count: (abs(count - now), count),
    )


def _starts(part: Adjacency, now: Ints, load: Floats, count: int) -> Iterator[Ints]:
    """Yield first divisions into so many cells, near the present one."""
    cells = len(load)
    if count == cells:
        yield now
    elif count > cells:
        cell = now.copy()
        for new in range(cells, count):
            load = sums(cell, part.weight, new)
            size = np.bincount(cell, minlength=new)
            heaviest = int(np.argmax(np.where(size > 1, load, -1.0)))
            mine = np.flatnonzero(cell == heaviest)
            if len(mine) < 2:
                return
            cell[mine[_halved(part, mine) == 1]] = new
        yield cell
    else:
        # Whichever cell goes, the lighter ones first.
        for gone in np.argsort(load, kind="stable")[:3].tolist():
            cell, left = now.copy(), cells
            cell[cell == gone] = -1
            cell = absorb(part.first, part.neighbour, part.length, cell)
            if (cell < 0).any():
                continue
            while left - 1 > count:
                left -= 1
                weight = sums(cell, part.weight, cells)
                weight[np.bincount(cell, minlength=cells) == 0] = np.inf
                cell[cell == int(np.argmin(weight))] = -1
                cell = absorb(part.first, part.neighbour, part.length, cell)
            if (cell >= 0).all():
                yield np.unique(cell, return_inverse=True)[1].astype(np.int64)


def _halved(part: Adjacency, atoms: Ints) -> Ints:
    """Return 0 or 1 for each of some connected atoms: two connected halves."""
    own = part_of(part, atoms)
    order = _walk(own)
    mass = own.weight + 1e-3 * own.weight.mean() + 1e-9
    far = np.zeros(len(atoms), dtype=np.int64)
    # The far end of a walk through the land, until half of it is there; then mended to two pieces.
    far[order[np.cumsum(mass[order]) > mass.sum() / 2]] = 1
    if far.all() or not far.any():
        far[:] = 0
        far[order[-1]] = 1
    links = np.repeat(np.arange(len(atoms)), np.diff(own.first))
    same = far[links] == far[own.neighbour]
    piece = connected(links[same], own.neighbour[same], len(atoms))
    keep = [
        int(np.argmax(np.bincount(piece[far == side], weights=mass[far == side])))
        for side in (0, 1)
    ]
    label = np.where(piece == keep[0], 0, np.where(piece == keep[1], 1, -1))
    return absorb(own.first, own.neighbour, own.length, label)


def _walk(part: Adjacency) -> Ints:
    """Return the atoms by number of steps from one at the end of the land."""
    order = np.arange(1)
    for _ in range(2):
        seen = np.zeros(len(part.weight), dtype=bool)
        order = order[-1:]
        seen[order] = True
        head = 0
        walk = order.tolist()
        while head < len(walk):
            i = walk[head]
            head += 1
            for j in part.neighbour[part.first[i] : part.first[i + 1]].tolist():
                if not seen[j]:
                    seen[j] = True
                    walk.append(j)
        order = np.array(walk, dtype=np.int64)
    return order


def _named(cell: Ints, home: Ints, hold: Floats, members: Ints, cells: int) -> Ints:
    """Return the number of each cell of a region: of the members that which it has most of."""
    count = int(cell.max()) + 1
    shared = np.zeros((count, len(members)))
    known = home >= 0
    # Land without households has a little weight, so that it decides where nothing else does.
    np.add.at(shared, (cell[known], home[known]), hold[known] + 1e-9)
    mine, theirs = linear_sum_assignment(-shared)
    name = np.full(count, -1, dtype=np.int64)
    name[mine] = members[theirs]
    new = np.flatnonzero(name < 0)
    name[new] = cells + np.arange(len(new))
    return name


def _out(load: Floats, goal: Goal) -> int:
    """Return how many cells are out of the band, one that would fill several as so many."""
    many = np.maximum(1, np.floor(load / goal.high)).astype(np.int64)
    return int(many[_away(load, goal) > 0].sum())


def _away(load: Floats, goal: Goal) -> Floats:
    """Return how many households each cell is away from the band, 0 for those in it."""
    away = np.maximum(np.maximum(goal.low - load, load - goal.high), 0.0)
    return np.where(away > 1e-9, away, 0.0)
