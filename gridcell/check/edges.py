"""Borders of polygons as directed edges between numbered vertices: what an exact proof counts."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries, fold


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class BorderEdges:
    """The edges of some polygons, land on the left of each, sorted by their vertices."""

    xy: NDArray[np.float64]
    """(vertices, 2) coordinates, each pair once."""
    low: NDArray[np.int64]
    """(edges,) the lower vertex number."""
    high: NDArray[np.int64]
    """(edges,) the higher vertex number."""
    sign: NDArray[np.int64]
    """(edges,) 1 where the ring runs from low to high, else -1."""
    owner: NDArray[np.int64]
    """(edges,) row of the polygon."""

    def segments(self, rows: NDArray[np.int64]) -> Geometries:
        """Return these edges as lines, each stretch between two vertices once."""
        low, high = self.low[rows], self.high[rows]
        order = np.lexsort((high, low))
        low, high = low[order], high[order]
        first = fold(low * len(self.xy) + high)
        return np.asarray(shapely.linestrings(self.ends(rows[order[first]])), dtype=object)

    def ends(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return (rows, 2, 2) coordinates of both ends of these edges."""
        return np.stack([self.xy[self.low[rows]], self.xy[self.high[rows]]], axis=1)

    def unbalanced(
        self, group: NDArray[np.int64], weight: NDArray[np.int64], *, within: int
    ) -> NDArray[np.int64]:
        """Return the edges that do not cancel against others of their group.

        Parameters
        ----------
        group
            (edges,) numbers from 0 to below `within`.
        weight
            (edges,) how much an edge counts; 0 leaves it out.
        within
            Number of groups.
        """
        stretch = np.zeros(len(self.low), dtype=np.int64)
        stretch[fold(self.low * len(self.xy) + self.high)[1:]] = 1
        key = np.cumsum(stretch) * within + group
        order = np.argsort(key, kind="stable")
        starts = fold(key[order])
        total = np.add.reduceat((weight * self.sign)[order], starts) if len(key) else starts
        size = np.diff(np.append(starts, len(key)))
        return np.sort(order[np.repeat(total != 0, size) & (weight[order] != 0)])


def border_edges(polygons: Geometries) -> BorderEdges:
    """Return the edges of valid (Multi)Polygons.

    The sum of the directed borders of polygons is the border of the sum of their indicator
    functions. So where the edges of cells cancel each other and what is left is exactly the border
    of their land, every point of the land lies in exactly one cell: no tolerance, no overlay.
    """
    parts, row = shapely.get_parts(shapely.orient_polygons(polygons), return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    owner = row[part].astype(np.int64)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    order = np.lexsort((xy[:, 1], xy[:, 0]))
    ordered = xy[order]
    new = np.ones(len(xy), dtype=bool)
    new[1:] = np.any(ordered[1:] != ordered[:-1], axis=1)
    vertex = np.empty(len(xy), dtype=np.int64)
    vertex[order] = np.cumsum(new) - 1

    inside = (ring[1:] == ring[:-1]) & (vertex[1:] != vertex[:-1])
    start, stop, of = vertex[:-1][inside], vertex[1:][inside], owner[ring[:-1][inside]]
    low, high = np.minimum(start, stop), np.maximum(start, stop)
    order_edges = np.lexsort((of, high, low))
    return BorderEdges(
        xy=ordered[new],
        low=low[order_edges],
        high=high[order_edges],
        sign=np.where(start < stop, 1, -1)[order_edges],
        owner=of[order_edges],
    )
