"""The division of every community: start, search, for small and then for micro cells."""

import hashlib
import itertools
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from gridcell.arguments import checked
from gridcell.errors import PartitionError
from gridcell.model import Fabric, Progress
from gridcell.partition.counts import require_possible
from gridcell.partition.dissolve import dissolve
from gridcell.partition.graph import Graph, contract, make_graph
from gridcell.partition.search import Divided, divide_pieces
from gridcell.partition.targets import Targets
from gridcell.rules import Rules
from gridcell.words.messages import Message
from gridcell.work import Tally, run_each, try_each, workers_of

Ints = NDArray[np.int64]
TargetsOrNone = TypeVar("TargetsOrNone", Targets, Targets | None)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Division:
    """The cells of every atom, numbered from 0 over all communities."""

    small: Ints
    """(atoms,) number of the small cell, general or dedicated."""
    leaf: Ints
    """(atoms,) number of the leaf: micro or dedicated, or small where there are no micro cells."""
    small_of_leaf: Ints
    """(leaves,)"""
    community_of_small: Ints
    """(smalls,) row of the community."""
    site_of_small: Ints
    """(smalls,) row of the site, -1 for general cells."""
    small_neighbours_tried: Ints
    """(smalls,) for a cell outside its band: the neighbours with which every other division was
    gone through, and none has more cells in the band. 0 where that was not needed or too much."""
    leaf_neighbours_tried: Ints
    """(leaves,) likewise."""


@checked
def divide(
    fabric: Fabric,
    small: Targets,
    micro: Targets | None,
    *,
    codes: Sequence[str],
    rules: Rules | None = None,
    workers: int = 1,
    executor: Executor | None = None,
    progress: Progress | None = None,
    left_out: dict[int, Exception] | None = None,
) -> Division:
    """Return small and micro cells for all communities.

    Parameters
    ----------
    fabric
        The land.
    small, micro
        What cells should hold; without `micro` the small cells are the leaves.
    codes
        (communities,) codes. A community's result depends on its own land, code and the
        random seed alone.
    rules
        `Rules.weights`, `Rules.search` and `Rules.seed` are read.
    workers
        Threads; they change nothing but the time.
    executor
        Whose workers divide, instead of threads.
    progress
        Called after each community.
    left_out
        Where it is given, a community that cannot be divided stops no other: all its land is one
        cell, and what was raised is put into this, by its row. Those that are in it have no land.

    Raises
    ------
    PartitionError
        A wanted number of cells that the land cannot have: every such community, with the nearest
        number that works. Nothing is searched before.
    Exception
        What was raised where a community cannot be divided, and `left_out` is not given.

    Notes
    -----
    Every cell is connected. Land that sites, water or the boundary cut into several pieces is
    divided piece by piece, at least one cell each.

    Examples
    --------
    `layers` are those of the example of `read_layers`: 900 households and a school.

    >>> import gridcell, numpy as np
    >>> households = gridcell.households.count_households(layers).households
    >>> small, micro = gridcell.set_targets(layers.communities, np.array([900]), gridcell.Rules())
    >>> micro_band = np.column_stack([micro.low, micro.high])
    >>> fabric = gridcell.build_fabric(layers, households, micro_band)
    >>> division = gridcell.divide(fabric, small, micro, codes=["450899001001"])
    >>> division.site_of_small.tolist()
    [-1, -1, 0]
    """
    rules = rules or Rules()
    if left_out:
        small, micro = of_free_numbers(small, left_out), of_free_numbers(micro, left_out)
    tasks, atoms = community_tasks(fabric, small, micro, codes=codes)
    with workers_of(workers, executor) as chosen:
        divided, raised = try_each(
            partial(divide_task, rules=rules), tasks, executor=chosen,
            sizes=[len(task.graph) for task in tasks],
            told=Tally("partition", [1] * len(tasks), progress),
        )  # fmt: skip
    if left_out is not None:
        left_out.update(raised)
    if raised and (left_out is None or len(left_out) == len(tasks)):
        raise raised[min(raised)]
    for row in raised:
        as_one = Divided(np.zeros(len(atoms[row]), np.int64), np.zeros(1, np.int64))
        divided[row] = as_one, as_one
    return _number(fabric, atoms, [divided[row] for row in range(len(tasks))])


def of_free_numbers(targets: TargetsOrNone, rows: Iterable[int]) -> TargetsOrNone:
    """Return targets by which communities in some rows want no certain number of cells."""
    if targets is None:
        return targets
    wanted = targets.wanted.copy()
    wanted[list(rows)] = 0
    return replace(targets, wanted=wanted)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class CommunityTask:
    """All that the division of one community depends on, but for the rules."""

    code: str
    graph: Graph
    building: Ints
    """(atoms,) number of the building of each slab that a small cell can hold whole; else -1."""
    small: Targets
    """Of this community alone, as `micro`."""
    micro: Targets | None


def community_tasks(
    fabric: Fabric, small: Targets, micro: Targets | None, *, codes: Sequence[str]
) -> tuple[list[CommunityTask], list[Ints]]:
    """Return the tasks of all communities, and the rows of the atoms of each.

    Parameters
    ----------
    fabric, small, micro, codes
        As for `divide`.

    Raises
    ------
    PartitionError
        A wanted number of cells that the land cannot have.
    """
    lands = _lands(fabric, small, micro, codes)
    tasks = []
    for land in lands:
        row = np.array([land.row])
        # Numbers of buildings are rows of all buildings, on which nothing here depends.
        building = np.unique(np.append(land.building, -1), return_inverse=True)[1][:-1] - 1
        own = None if micro is None else micro.take(row)
        tasks.append(
            CommunityTask(
                code=land.code, graph=land.graph, building=building, small=small.take(row),
                micro=own,
            )
        )  # fmt: skip
    return tasks, [land.atoms for land in lands]


def divide_task(task: CommunityTask, rules: Rules) -> tuple[Divided, Divided]:
    """Return small cells and leaves of one community, each numbered from 0."""
    land = CommunityLand(
        row=0, code=task.code, graph=task.graph, atoms=np.arange(len(task.graph)),
        building=task.building,
    )  # fmt: skip
    return divide_one(land, task.small, task.micro, rules)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class CommunityLand:
    """The general land of one community."""

    row: int
    code: str
    graph: Graph
    atoms: Ints
    """(atoms of the graph,) their rows in the fabric."""
    building: Ints
    """(atoms of the graph,) building of each slab that a small cell can hold whole; else -1."""


def community_land(fabric: Fabric, small: Targets, row: int, code: str) -> CommunityLand:
    """Return the general land of the community in a row.

    Parameters
    ----------
    fabric, small
        As for `divide`.
    row, code
        The community.
    """
    mine = (fabric.atoms["community"] == row) & (fabric.atoms["site"] < 0)
    atoms = np.flatnonzero(mine.to_numpy())
    return CommunityLand(
        row=row, code=code, graph=make_graph(fabric, atoms), atoms=atoms,
        building=_buildings_in_slabs(fabric, small)[atoms],
    )  # fmt: skip


def divide_each(
    fabric: Fabric,
    small: Targets,
    micro: Targets | None,
    one: Callable[[CommunityLand], tuple[Divided, Divided]],
    *,
    codes: Sequence[str],
    executor: Executor | None,
    progress: Progress | None,
) -> Division:
    """Return the division of all communities by a way to divide one.

    Parameters
    ----------
    fabric, small, micro, codes, progress
        As for `divide`.
    one
        Gives small cells and leaves of a community, each numbered from 0: see
        `gridcell.work.run_each`.
    executor
        Whose workers divide; without one it is done here.

    Raises
    ------
    PartitionError
        A wanted number of cells that the land cannot have.
    """
    lands = _lands(fabric, small, micro, codes)
    results = run_each(
        one, lands, executor=executor, sizes=[len(land.graph) for land in lands],
        told=Tally("partition", [1] * len(lands), progress),
    )  # fmt: skip
    return _number(fabric, [land.atoms for land in lands], results)


def _lands(
    fabric: Fabric, small: Targets, micro: Targets | None, codes: Sequence[str]
) -> list[CommunityLand]:
    """Return the general land of all communities."""
    general = np.flatnonzero(fabric.atoms["site"].to_numpy() < 0)
    community = fabric.atoms["community"].to_numpy()[general]
    graph = make_graph(fabric, general)
    require_possible(graph, community, small, micro, codes)
    bounds = np.searchsorted(community, np.arange(len(codes) + 1)).tolist()
    building = _buildings_in_slabs(fabric, small)[general]
    return [
        CommunityLand(
            row=row, code=codes[row], graph=graph.rows(start, stop), atoms=general[start:stop],
            building=building[start:stop],
        )
        for row, (start, stop) in enumerate(itertools.pairwise(bounds))
    ]  # fmt: skip


def _number(
    fabric: Fabric, atoms: Sequence[Ints], divided: Sequence[tuple[Divided, Divided]]
) -> Division:
    """Return the cells of all communities numbered through, those of sites behind all others.

    Parameters
    ----------
    fabric
        The land.
    atoms
        General atoms of each community.
    divided
        Small cells and leaves of each community, numbered from 0.
    """
    community, site = (fabric.atoms[name].to_numpy() for name in ("community", "site"))
    sites = np.flatnonzero(site >= 0)
    small, small_tried = _number_level(atoms, [own for own, _ in divided], sites)
    leaf, leaf_tried = _number_level(atoms, [own for _, own in divided], sites)
    small_of_leaf = np.empty(len(leaf_tried), dtype=np.int64)
    small_of_leaf[leaf] = small
    community_of_small = np.empty(len(small_tried), dtype=np.int64)
    community_of_small[small] = community
    site_of_small = np.full(len(small_tried), -1, dtype=np.int64)
    site_of_small[small[sites]] = site[sites]
    return Division(
        small=small,
        leaf=leaf,
        small_of_leaf=small_of_leaf,
        community_of_small=community_of_small,
        site_of_small=site_of_small,
        small_neighbours_tried=small_tried,
        leaf_neighbours_tried=leaf_tried,
    )


def _number_level(
    atoms: Sequence[Ints], divided: Sequence[Divided], sites: Ints
) -> tuple[Ints, Ints]:
    """Return the cell of each atom, and with how many neighbours each cell was tried."""
    tried = [own.neighbours_tried for own in divided]
    first = np.cumsum([0, *map(len, tried)])
    cell = np.empty(sum(map(len, atoms)) + len(sites), dtype=np.int64)
    for start, rows, own in zip(first[:-1], atoms, divided, strict=True):
        cell[rows] = start + own.cell
    cell[sites] = first[-1] + np.arange(len(sites))
    return cell, np.concatenate([*tried, np.zeros(len(sites), dtype=np.int64)])


def _buildings_in_slabs(fabric: Fabric, small: Targets) -> Ints:
    """Return for each slab its building, where a small cell can hold it whole; else -1."""
    pieces = fabric.pieces[fabric.pieces["atom"] >= 0]
    total = pieces.groupby("building")["households"].transform("sum").to_numpy()
    atom = pieces["atom"].to_numpy()
    home = fabric.atoms["community"].to_numpy()[atom]
    whole = (fabric.atoms["kind"].to_numpy()[atom] == "slab") & (total <= small.high[home])
    building = np.full(len(fabric.atoms), -1, dtype=np.int64)
    building[atom[whole]] = pieces["building"].to_numpy()[whole]
    return building


def divide_one(
    land: CommunityLand, small: Targets, micro: Targets | None, rules: Rules
) -> tuple[Divided, Divided]:
    """Return small cells and leaves of one community, each numbered from 0."""
    graph, row, code = land.graph, land.row, land.code
    if not len(graph):
        nothing = Divided(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
        return nothing, nothing
    block = slabs_together(land)
    whole = contract(graph, block, int(block.max()) + 1)
    found = cells_within(whole, whole.components(), row, small, "small", code, rules)
    smalls = Divided(found.cell[block], found.neighbours_tried)
    if micro is None:
        return smalls, smalls
    inside = graph.within(smalls.cell)
    return smalls, cells_within(inside, smalls.cell, row, micro, "micro", code, rules)


def slabs_together(land: CommunityLand) -> Ints:
    """Return a number from 0 for each atom, the same for slabs that a small cell has to hold whole.

    Borders of small cells do not run between the slabs of a building.
    """
    together = np.where(land.building >= 0, land.building, -1 - np.arange(len(land.graph)))
    return land.graph.within(together).components()


def cells_within(
    graph: Graph, piece: Ints, row: int, targets: Targets, level: str, code: str, rules: Rules
) -> Divided:
    """Return the cells of one level within connected pieces of land."""
    pieces = int(piece.max()) + 1
    households = np.bincount(piece, weights=graph.weight, minlength=pieces).astype(np.float64)
    atoms = np.bincount(piece, minlength=pieces)
    free = targets.cells_for(households, np.full(pieces, row))
    wanted = int(targets.wanted[row])
    count = share_out(wanted, households, atoms) if wanted else np.minimum(free, atoms)
    seed = seed_of(rules.seed, code, level)
    # Small cells end at streets; of micro cells, a plain shape is asked for first.
    divided = divide_pieces(
        graph, piece, count, targets, row, rules=rules, seed=seed, convex=level == "micro"
    )
    made = len(divided.neighbours_tried)
    if wanted and made != wanted:
        raise PartitionError(
            Message(
                "error.wanted_cells_not_made", community=code, wanted=wanted, level=level, made=made
            )
        )
    if wanted:
        return divided
    low, high = float(targets.low[row]), float(targets.high[row])
    return Divided(*dissolve(graph, divided.cell, divided.neighbours_tried, low, high))


def share_out(wanted: int, households: NDArray[np.float64], atoms: Ints) -> Ints:
    """Return how many of the wanted cells each piece of land gets: at least one, by households.

    Seats are given one by one to the largest average that remains (Sainte-Lague), never more to a
    piece than it has atoms. The sum is `wanted` unless there are more pieces than that or fewer
    atoms.
    """
    count = np.ones(len(atoms), dtype=np.int64)
    for _ in range(wanted - len(atoms)):
        average = np.where(count < atoms, (households + 1e-6) / (2 * count + 1), -1.0)
        best = int(np.argmax(average))
        if average[best] < 0:
            break
        count[best] += 1
    return count


def seed_of(seed: int, code: str, level: str) -> int:
    """Return the random seed of one community and level."""
    digest = hashlib.sha256(f"{seed}/{code}/{level}".encode()).digest()
    return int.from_bytes(digest[:4], "little")
