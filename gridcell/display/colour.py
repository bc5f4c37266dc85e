"""Few colours for many cells, so that neighbours differ."""

from itertools import pairwise

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray


def colour_cells(cells: gpd.GeoSeries, colours: int) -> NDArray[np.int64]:
    """Return a colour number for every cell, different from those of its neighbours.

    Cells that meet in a single point are neighbours too. Colours are used about equally often.

    Parameters
    ----------
    cells
        Polygons that share their borders.
    colours
        How many there are, numbered from 0. Six are enough for all but contrived divisions: a cell
        whose neighbours take all of them gets the one that the fewest of them have.

    Notes
    -----
    Greedy colouring in the smallest-last order of Matula and Beck (1983), which needs no more than
    six colours where cells meet along lines.
    """
    geometries = np.asarray(cells.array)
    tree = shapely.STRtree(geometries)
    left, right = tree.query(geometries, predicate="intersects")
    pairs = left != right
    order = np.lexsort((right[pairs], left[pairs]))
    left, right = left[pairs][order], right[pairs][order]
    start = np.searchsorted(left, np.arange(len(cells) + 1))
    neighbours = [right[a:b].tolist() for a, b in pairwise(start)]

    result = np.full(len(cells), -1, dtype=np.int64)
    used = np.zeros(colours, dtype=np.int64)
    for cell in _smallest_last(neighbours):
        taken = result[neighbours[cell]]
        clashes = np.bincount(taken[taken >= 0], minlength=colours)
        colour = int(np.lexsort((np.arange(colours), used, clashes))[0])
        result[cell] = colour
        used[colour] += 1
    return result


def _smallest_last(neighbours: list[list[int]]) -> list[int]:
    degree = [len(n) for n in neighbours]
    buckets: list[list[int]] = [[] for _ in range(max(degree, default=0) + 1)]
    for cell in reversed(range(len(degree))):
        buckets[degree[cell]].append(cell)
    removed: list[int] = []
    gone = [False] * len(degree)
    lowest = 0
    while len(removed) < len(degree):
        while not buckets[lowest]:
            lowest += 1
        cell = buckets[lowest].pop()
        if gone[cell] or degree[cell] != lowest:
            continue
        gone[cell] = True
        removed.append(cell)
        for other in neighbours[cell]:
            if not gone[other]:
                degree[other] -= 1
                buckets[degree[other]].append(other)
                lowest = min(lowest, degree[other])
    return removed[::-1]
