"""Borders of polygons as directed edges between numbered vertices: what an exact proof counts."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridcell.arrays import Geometries, run_starts


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
        first = run_starts(low * len(self.xy) + high)
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
        stretch[run_starts(self.low * len(self.xy) + self.high)[1:]] = 1
        key = np.cumsum(stretch) * within + group
        order = np.argsort(key, kind="stable")
        starts = run_starts(key[order])
        total = np.add.reduceat((weight * self.sign)[order], starts) if len(key) else starts
        size = np.diff(np.append(starts, len(key)))
        return np.sort(order[np.repeat(total != 0, size) & (weight[order] != 0)])

    def snapped(self, rows: NDArray[np.int64], step: float) -> "BorderEdges":
        """Return these edges, split at every vertex they run through.

        Parameters
        ----------
        rows
            (m,) edges.
        step
            Vertices closer than this, in units of the CRS, become one, and an edge runs through
            those that are closer.
        """
        used = np.unique(np.concatenate([self.low[rows], self.high[rows]]))
        points = np.asarray(shapely.points(self.xy[used]), dtype=object)
        pair = shapely.STRtree(points).query(points, predicate="dwithin", distance=step)
        links = coo_array((np.ones(len(pair[0]), bool), tuple(pair)), shape=(len(used),) * 2)
        cluster = connected_components(links, directed=False)[1]
        _, first = np.unique(cluster, return_index=True)
        vertex = used[first[cluster]]
        low = vertex[np.searchsorted(used, self.low[rows])]
        high = vertex[np.searchsorted(used, self.high[rows])]
        kept = low != high
        low, high, rows = low[kept], high[kept], rows[kept]

        line, near = shapely.STRtree(points[first]).query(
            shapely.linestrings(np.stack([self.xy[low], self.xy[high]], axis=1)),
            predicate="dwithin", distance=step,
        )  # fmt: skip
        through = used[first[near]]
        along = np.einsum("ij,ij->i", self.xy[through] - self.xy[low[line]],
                          self.xy[high[line]] - self.xy[low[line]])  # fmt: skip
        along[through == low[line]] = -np.inf
        along[through == high[line]] = np.inf
        order = np.lexsort((through, along, line))
        line, through = line[order], through[order]
        inside = line[1:] == line[:-1]
        start, stop, of = through[:-1][inside], through[1:][inside], rows[line[:-1][inside]]
        return _sorted_edges(self.xy, start, stop, owner=self.owner[of], forward=self.sign[of])


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
    return _sorted_edges(ordered[new], start, stop, owner=of, forward=np.ones_like(of))


def _sorted_edges(
    xy: NDArray[np.float64],
    start: NDArray[np.int64],
    stop: NDArray[np.int64],
    *,
    owner: NDArray[np.int64],
    forward: NDArray[np.int64],
) -> BorderEdges:
    low, high = np.minimum(start, stop), np.maximum(start, stop)
    order = np.lexsort((owner, high, low))
    return BorderEdges(
        xy=xy,
        low=low[order],
        high=high[order],
        sign=np.where(start < stop, forward, -forward)[order],
        owner=owner[order],
    )
