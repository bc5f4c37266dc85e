"""How the borders of cells look, in figures: vertices, compactness, necks, holes and tails."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries, number_points

NECK_M: Final = 5.0
"""A cell that is narrower than this in the middle has a neck."""
TAIL_M: Final = 20.0
"""What of a cell is narrower than this is a tail."""
LEAST_CONVEX: Final = 0.8
"""Share of its convex hull below which a cell counts as concave."""
LEAST_COMPACT: Final = 0.2
"""Polsby-Popper ratio below which a cell counts as hardly compact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BorderFigures:
    """How the general cells of a level look."""

    vertices: float | None
    """Median over the cells of the vertices on their borders with other general cells of their
    community; ``None`` where there is no cell."""
    below_02: int
    """Cells with a Polsby-Popper ratio under .2."""
    concave: int
    """Cells with less than .8 of the area of their convex hull."""
    necks: int
    """Cells that an opening by 2.5 m (erosion, then dilation) takes apart."""
    holes: int
    """Cells with another general cell in a hole."""
    tails: float | None
    """Share of their area outside their opening by 10 m."""


def border_figures(cells: pd.DataFrame) -> BorderFigures:
    """Return how the general cells of a level look.

    Parameters
    ----------
    cells
        Cells of one level, general and dedicated: ``grid_type``, ``community``, ``compactness`` and
        the polygons.
    """
    shapes = np.asarray(cells["geometry"], dtype=object)
    general = (cells["grid_type"] == "general").to_numpy()
    community = pd.factorize(cells["community"])[0]
    mine = shapes[general]
    if not len(mine):
        return BorderFigures(vertices=None, below_02=0, concave=0, necks=0, holes=0, tails=None)
    count = _vertices(mine, community[general])
    opened = _opened(mine, NECK_M / 2)
    area = shapely.area(mine)
    hull = shapely.area(shapely.convex_hull(mine))
    return BorderFigures(
        vertices=float(np.median(count)),
        below_02=int((cells["compactness"][general] < LEAST_COMPACT).sum()),
        concave=int((area < LEAST_CONVEX * hull).sum()),
        necks=int((shapely.get_num_geometries(opened) > shapely.get_num_geometries(mine)).sum()),
        holes=_holding(mine),
        tails=round(float(1 - shapely.area(_opened(mine, TAIL_M / 2)).sum() / area.sum()), 4),
    )


def _opened(shapes: Geometries, radius: float) -> Geometries:
    eroded = shapely.buffer(shapes, -radius, quad_segs=4)
    return np.asarray(shapely.buffer(eroded, radius, quad_segs=4), dtype=object)


def _vertices(shapes: Geometries, community: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many vertices each cell has on borders with others of its community."""
    parts, of_part = shapely.get_parts(shapes, return_index=True)
    rings, of_ring = shapely.get_rings(parts, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    vertex, n = number_points(xy)
    at = np.flatnonzero(ring[1:] == ring[:-1])
    tail, head, cell = vertex[at], vertex[at + 1], of_part[of_ring[ring[at]]]
    low, high, home = np.minimum(tail, head), np.maximum(tail, head), community[cell]
    order = np.lexsort((home, high, low))
    same = low[order[1:]] == low[order[:-1]]
    same &= (high[order[1:]] == high[order[:-1]]) & (home[order[1:]] == home[order[:-1]])
    shared = np.concatenate([order[1:][same], order[:-1][same]])
    key = np.sort(
        np.concatenate([cell[shared] * n + tail[shared], cell[shared] * n + head[shared]])
    )
    first = np.concatenate([[True], np.diff(key) != 0])[: len(key)]
    return np.bincount(key[first] // n, minlength=len(shapes))


def _holding(shapes: Geometries) -> int:
    """Return how many cells have another one of them in a hole."""
    parts, of_part = shapely.get_parts(shapes, return_index=True)
    with_hole = np.flatnonzero(shapely.get_num_interior_rings(parts) > 0)
    if not len(with_hole):
        return 0
    filled = np.asarray(shapely.polygons(shapely.get_exterior_ring(parts[with_hole])))
    inside, hole = shapely.STRtree(filled).query(
        shapely.point_on_surface(shapes), predicate="within"
    )
    holder = of_part[with_hole[hole]]
    return len(np.unique(holder[holder != inside]))
