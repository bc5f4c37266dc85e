"""A first division: connected parts of about equal weight, by halving again and again."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from gridcell.partition.graph import Graph

Ints = NDArray[np.int64]


def bisect(graph: Graph, atoms: Ints, count: int) -> Ints:
    """Return a part number from 0 for each atom of a connected piece of the graph.

    Recursive inertial bisection (Simon 1991, doi:10.1016/0956-0521(91)90014-V): across the longest
    axis of the piece, in proportion to the number of parts on either side. What is cut off from
    its half goes to the other one, so that every part is connected.

    Parameters
    ----------
    graph
        The land.
    atoms
        Rows of one connected piece.
    count
        Parts wanted, at least 1. There are never more than atoms.
    """
    n = len(graph)
    links = csr_array(
        (np.ones(len(graph.neighbour), dtype=np.int8), graph.neighbour, graph.first), shape=(n, n)
    )
    part = np.zeros(n, dtype=np.int64)
    todo, made = [(atoms, min(count, len(atoms)))], 0
    while todo:
        rows, parts = todo.pop()
        if parts == 1:
            part[rows] = made
            made += 1
            continue
        near, far = _halves(graph, links, rows, parts // 2 / parts)
        weight = graph.weight[near].sum() / max(graph.weight[rows].sum(), 1e-9)
        share = round(parts * weight)
        share = min(max(share, 1, parts - len(far)), parts - 1, len(near))
        todo += [(far, parts - share), (near, share)]
    return part[atoms]


def _halves(graph: Graph, links: csr_array, rows: Ints, share: float) -> tuple[Ints, Ints]:
    """Return two connected halves, the first with about `share` of the weight."""
    xy = graph.xy[rows]
    mass = np.maximum(graph.weight[rows], 1e-3 * graph.weight[rows].mean() + 1e-9)
    centred = xy - np.average(xy, axis=0, weights=mass)
    _, axes = np.linalg.eigh((centred * mass[:, None]).T @ centred)
    axis = axes[:, 1]
    axis = axis * (1.0 if (axis[0], axis[1]) > (0.0, 0.0) else -1.0)
    order = np.lexsort((rows, np.round(centred @ axis, 6)))
    running = np.cumsum(mass[order])
    at = int(np.searchsorted(running, share * running[-1])) + 1
    at = min(max(at, 1), len(rows) - 1)
    near, off = _largest(links, rows[np.sort(order[:at])])
    far, back = _largest(links, np.sort(np.concatenate([rows[order[at:]], off])))
    return np.sort(np.concatenate([near, back])), far


def _largest(links: csr_array, rows: Ints) -> tuple[Ints, Ints]:
    """Return the largest connected piece of some atoms, and the rest."""
    label = connected_components(links[rows][:, rows], directed=False)[1]
    main = label == np.argmax(np.bincount(label))
    return rows[main], rows[~main]
