"""How many cells are in their band, and how many could be at most.

The bound holds for every division into as many connected cells as the given one has in each
connected piece of land; for micro cells the pieces are the small cells as divided. What a cell of
the given division holds together is connected, be it by a border that became too short to count
when it was pulled taut. It is proven
from households and neighbours alone, so that the best division may stay below it, but none, of this
number of cells, comes above it:

- m cells in the band hold at least m times its lower end;
- if all cells of a piece are in the band, they hold at most that many times its upper end;
- a cell in the band holds no atom that is heavier than the band's upper end. Such heavy atoms take
  cells of their own, and the cells in the band lie in the land that is left between them;
- heavy atoms that touch may share a cell. Those that do not touch share one only if it reaches from
  one to the other, and the households on its way are lost to the cells in the band. So either each
  group of touching heavy atoms has a cell of its own, or at least the households on the least
  inhabited way between two groups are lost; the better of both counts.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from gridcell.model import Fabric
from gridcell.partition.divide import Division
from gridcell.partition.graph import Graph, make_graph
from gridcell.partition.targets import Targets

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Reach:
    """General cells of one level, by community."""

    cells: Ints
    """(communities,) how many there are."""
    in_band: Ints
    """(communities,) how many of them are in the band."""
    bound: Ints
    """(communities,) how many of them could be at most, never less than `in_band`."""


def reach_of_small(fabric: Fabric, division: Division, targets: Targets) -> Reach:
    """Return how many small cells are in their band and how many could be.

    Parameters
    ----------
    fabric, division, targets
        The division and what its small cells were to reach.
    """
    general, graph = _general(fabric)
    small = division.small[general]
    graph = graph.held_together(small)
    return _reach(graph, graph.components(), small, _home(fabric, general), targets)


def reach_of_micro(fabric: Fabric, division: Division, targets: Targets) -> Reach:
    """Return how many micro cells are in their band and how many could be in these small cells.

    Parameters are those of `reach_of_small`, with the targets of micro cells.
    """
    general, graph = _general(fabric)
    piece = _renumber(division.small[general])
    leaf = division.leaf[general]
    graph = graph.within(piece).held_together(leaf)
    return _reach(graph, piece, leaf, _home(fabric, general), targets)


def most_in_band(
    graph: Graph, piece: Ints, cells: Ints, low: Floats, high: Floats, *, grain: float = 1.0
) -> Ints:
    """Return how many cells of each connected piece of land can be in the band at most.

    Parameters
    ----------
    graph
        The land; atoms of different pieces do not touch. Atoms hold whole households.
    piece
        (atoms,) number of the piece, each of which occurs.
    cells
        (pieces,) number of connected cells that each is divided into.
    low, high
        (pieces,) the band, inclusive.
    grain
        What atoms hold are multiples of this, whole households where it is 1.
    """
    pieces = len(cells)
    if not pieces:
        return np.empty(0, dtype=np.int64)
    # Counted in grains, all is whole.
    least = np.maximum(np.ceil(low / grain - 1e-9), 0.0)
    most = np.floor(high / grain + 1e-9)
    if grain != 1.0:
        graph = replace(graph, weight=np.rint(graph.weight / grain))
    weight = graph.weight
    heavy = weight > most[piece]
    part = graph.within(heavy.astype(np.int64)).components()
    parts = int(part.max(initial=-1)) + 1
    piece_of, is_heavy = np.empty(parts, dtype=np.int64), np.empty(parts, dtype=bool)
    piece_of[part], is_heavy[part] = piece, heavy

    # What the light parts can hold, each by itself.
    counts = (weight > 0) | (least[piece] == 0)
    held = np.bincount(part, weights=weight, minlength=parts)
    usable = np.bincount(part, weights=counts, minlength=parts)
    fit = np.where(is_heavy, 0, np.minimum(usable, _times(held, least[piece_of])))
    room = np.bincount(piece_of, weights=fit, minlength=pieces)

    groups = np.bincount(piece_of, weights=is_heavy, minlength=pieces)
    bound = np.minimum(cells - groups, room)
    several = groups > 1
    if several.any():
        light = np.bincount(piece, weights=np.where(heavy, 0.0, weight), minlength=pieces)
        left = light - _least_way(graph, piece, heavy, part, pieces)
        joined = np.minimum(np.minimum(cells - 1, room), _times(left, least))
        bound = np.where(several, np.maximum(bound, joined), bound)
    total = np.bincount(piece, weights=weight, minlength=pieces)
    bound = np.where(total > cells * most, np.minimum(bound, cells - 1), bound)
    bound = np.where(least > most, 0.0, bound)
    return np.maximum(bound, 0).astype(np.int64)


def _least_way(
    graph: Graph, piece: Ints, heavy: NDArray[np.bool_], part: Ints, pieces: int
) -> Floats:
    """Return the fewest households on a way between two groups of heavy atoms of each piece.

    Infinite where a piece has but one.
    """
    n = len(graph)
    owner, neighbour = graph.owner, graph.neighbour
    # Empty land costs next to nothing, since nothing at all would be no edge.
    step: Floats = np.where(heavy, 0.0, graph.weight) + 0.25 / n
    links = csr_array((step[neighbour], neighbour, graph.first), shape=(n, n), dtype=np.float64)
    way, _, source = dijkstra(
        links, directed=True, indices=np.flatnonzero(heavy).tolist(), min_only=True,
        return_predecessors=True,
    )  # fmt: skip
    reached = source >= 0
    group = np.where(reached, part[np.where(reached, source, 0)], -1)
    meet = reached[owner] & reached[neighbour] & (group[owner] != group[neighbour])
    least = np.full(pieces, np.inf)
    np.minimum.at(least, piece[owner[meet]], way[owner[meet]] + way[neighbour[meet]])
    fewest: Floats = np.floor(least)
    return fewest


def _times(households: Floats | Ints, least: Floats) -> Floats:
    """Return how many times the least number of households fits; infinite where that is none."""
    fits = np.floor(np.maximum(households, 0.0) / np.maximum(least, 1.0))
    return np.where(least > 0, fits, np.inf)


def _reach(graph: Graph, piece: Ints, cell: Ints, home: Ints, targets: Targets) -> Reach:
    communities, pieces = len(targets.low), int(piece.max(initial=-1)) + 1
    cell = _renumber(cell)
    cells = int(cell.max(initial=-1)) + 1
    piece_of_cell, home_of_cell = (np.empty(cells, dtype=np.int64) for _ in range(2))
    piece_of_cell[cell], home_of_cell[cell] = piece, home
    home_of_piece = np.empty(pieces, dtype=np.int64)
    home_of_piece[piece] = home
    load = np.bincount(cell, weights=graph.weight, minlength=cells)
    low, high = targets.low, targets.high
    inside = (load >= low[home_of_cell] - 1e-9) & (load <= high[home_of_cell] + 1e-9)
    bound = most_in_band(
        graph, piece, np.bincount(piece_of_cell, minlength=pieces),
        low[home_of_piece], high[home_of_piece], grain=targets.grain,
    )  # fmt: skip
    return Reach(
        cells=np.bincount(home_of_cell, minlength=communities),
        in_band=np.bincount(home_of_cell[inside], minlength=communities),
        bound=np.bincount(home_of_piece, weights=bound, minlength=communities).astype(np.int64),
    )


def _general(fabric: Fabric) -> tuple[Ints, Graph]:
    general = np.flatnonzero(fabric.atoms["site"].to_numpy() < 0)
    return general, make_graph(fabric, general, searched=False)


def _home(fabric: Fabric, atoms: Ints) -> Ints:
    return fabric.atoms["community"].to_numpy()[atoms]


def _renumber(number: Ints) -> Ints:
    """Return the numbers without those that do not occur, in the same order."""
    return np.unique(number, return_inverse=True)[1].astype(np.int64)
