"""Cells still outside the band, divided anew together with their neighbours, exactly."""

import numpy as np
from numpy.typing import NDArray

from gridcell.partition.exact import MOST_ATOMS, divide_exactly
from gridcell.partition.graph import Graph, part_of
from gridcell.partition.kernels import Adjacency, Goal
from gridcell.partition.settle import sums

Ints = NDArray[np.int64]

_PASSES = 2


def polish(
    graph: Graph,
    land: Adjacency,
    cell: Ints,
    goal: Goal,
    settled: NDArray[np.bool_] | None = None,
) -> Ints:
    """Improve `cell` in place; return with how many neighbours each cell was tried, without gain.

    Every cell outside the band is taken together with as many of its neighbours as can be gone
    through, those of few atoms first, and their atoms are divided in the best way there is.

    Parameters
    ----------
    graph, land
        The atoms, and what the search knows of them.
    cell
        (atoms,) connected cells, numbered from 0.
    goal
        What a cell should be.
    settled
        (cells,) those that are only tried, not changed: none where it is not given.

    Returns
    -------
    (cells,) 0 where the cell is in the band, or nothing could be gone through; else the number of
    neighbours with which no other division has more cells in the band.
    """
    cells = int(cell.max()) + 1
    fixed = np.zeros(cells, dtype=bool) if settled is None else settled
    neighbours_tried = np.zeros(cells, dtype=np.int64)
    for _ in range(_PASSES):
        improved = False
        load = sums(cell, land.weight, cells)
        for c in np.flatnonzero(~_in_band(load, goal)):
            region = _region(graph, cell, int(c))
            if region is None:
                continue
            atoms, members = region
            best = divide_exactly(part_of(land, atoms), len(members), goal)
            if best is None:
                continue
            after = _in_band(sums(best, land.weight[atoms], len(members)), goal)
            if after.sum() > _in_band(load[members], goal).sum():
                if fixed[members].any():
                    continue
                cell[atoms] = members[best]
                load = sums(cell, land.weight, cells)
                neighbours_tried[members] = 0
                improved = True
            else:
                neighbours_tried[c] = len(members) - 1
        if not improved:
            break
    load = sums(cell, land.weight, cells)
    return np.where(_in_band(load, goal), 0, neighbours_tried)


def in_band(cell: Ints, weight: NDArray[np.float64], cells: int, goal: Goal) -> NDArray[np.bool_]:
    """Return whether each cell is in the band."""
    return _in_band(sums(cell, weight, cells), goal)


def _in_band(load: NDArray[np.float64], goal: Goal) -> NDArray[np.bool_]:
    return (load >= goal.low - 1e-9) & (load <= goal.high + 1e-9)


def _region(graph: Graph, cell: Ints, c: int) -> tuple[Ints, Ints] | None:
    """Return the atoms of a cell and of its smallest neighbours, and these cells."""
    own = np.flatnonzero(cell == c)
    around = np.unique(
        np.concatenate([cell[graph.neighbour[graph.first[i] : graph.first[i + 1]]] for i in own])
    )
    around = around[around != c]
    size = np.array([np.count_nonzero(cell == other) for other in around], dtype=np.int64)
    order = np.lexsort((around, size))
    fits = len(own) + np.cumsum(size[order]) <= MOST_ATOMS
    if len(own) > MOST_ATOMS or not fits.any():
        return None
    members = np.sort(np.append(around[order][fits], c))
    return np.flatnonzero(np.isin(cell, members)), members
