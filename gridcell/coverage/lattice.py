"""Coverages in longitude and latitude on a fixed lattice, exact in spite of rounding.

A file holds decimals. Rounding every vertex for itself keeps neighbours together, but may push a
vertex over an edge opposite. Where that happens the borders around are noded on the lattice again
and every face goes to the cell in which it lay before. Upper levels are made of rounded leaves, so
that nesting is exact too.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from shapely import GeometryType

from gridcell.arrays import Geometries, run_starts
from gridcell.coverage.dissolve import dissolve
from gridcell.coverage.edges import border_edges
from gridcell.coverage.proof import CoverageProof, prove_coverage
from gridcell.crs import WGS84, move_coordinates
from gridcell.errors import ProofError
from gridcell.words.messages import Message

DECIMALS: Final = 9
"""Digits of a degree: a lattice of about 0.1 mm."""

LONLAT: Final = WGS84
"""CRS of the result; coordinates are longitude, latitude."""
_REACH: Final = 2
"""A face outside every cell, after noding, belongs to a cell within this many lattice steps; a
part cut off and narrower than this belongs to the neighbour with the longest border."""

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class LatticeCoverage:
    """Cells in longitude and latitude whose coordinates are whole lattice steps."""

    cells: Geometries
    """In the order given; ``None`` where a cell is smaller than the lattice."""
    collapsed: Rows
    """Rows of cells that rounding left without area."""
    split: Rows
    """Rows of cells whose neck rounding closed: they have more parts than before."""


class _Projection:
    """The way from a CRS to lattice steps and back."""

    def __init__(self, crs: pyproj.CRS, decimals: int) -> None:
        self._crs = crs
        self.scale = 10.0**decimals

    def steps(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        lonlat = move_coordinates(xy, self._crs, LONLAT)
        # Adding zero turns -0.0 into 0.0.
        return np.asarray(np.floor(lonlat * self.scale + 0.5) + 0.0)

    def degrees(self, steps: Geometries) -> Geometries:
        # A quotient of two whole numbers is the double that the decimal is read as.
        degrees = np.asarray(shapely.transform(steps, lambda xy: xy / self.scale), dtype=object)
        # Vertices that fell on one are dropped: the same ones in every cell. What collapsed is left
        # to its own treatment.
        xy, row = shapely.get_coordinates(degrees, return_index=True)
        twice = np.unique(row[1:][(xy[1:] == xy[:-1]).all(axis=1) & (row[1:] == row[:-1])])
        twice = twice[shapely.is_valid(degrees[twice])]
        degrees[twice] = shapely.remove_repeated_points(degrees[twice])
        return degrees

    def back(self, steps: NDArray[np.float64]) -> NDArray[np.float64]:
        return move_coordinates(steps / self.scale, LONLAT, self._crs)


def to_lattice(cells: Geometries, crs: pyproj.CRS, *, decimals: int = DECIMALS) -> LatticeCoverage:
    """Return an exact coverage in WGS 84 whose coordinates have few decimals.

    Parameters
    ----------
    cells
        (n,) (Multi)Polygons, proven to be an exact coverage; holes in the land are allowed.
    crs
        CRS of the cells.
    decimals
        Digits of a degree.

    Raises
    ------
    ProofError
        No rounding was found that keeps the coverage.
    """
    projection = _Projection(crs, decimals)
    plain = np.asarray(shapely.transform(cells, projection.steps), dtype=object)
    tree = shapely.STRtree(cells)
    drawn = plain
    patch = np.zeros(len(cells), dtype=bool)
    while True:
        degrees = projection.degrees(drawn)
        faulty = _faulty(degrees, drawn, cells, projection)
        if not faulty.any():
            break
        if patch.all():
            raise ProofError(
                Message(
                    "error.cells_unfit_lonlat",
                    n_faulty=int(faulty.sum()),
                    n_cells=len(cells),
                    decimals=decimals,
                )
            )
        near = np.unique(tree.query(cells[patch | faulty], predicate="intersects")[1])
        if patch[near].all():
            near = np.arange(len(cells))
        patch[near] = True
        rows = np.flatnonzero(patch)
        drawn = plain.copy()
        drawn[rows] = _noded(plain[rows], cells[rows], projection)
    parts, before = shapely.get_num_geometries(drawn), shapely.get_num_geometries(cells)
    return LatticeCoverage(
        cells=np.asarray(shapely.orient_polygons(degrees), dtype=object),
        collapsed=np.flatnonzero(shapely.is_missing(drawn)),
        split=np.flatnonzero(parts > before),
    )


def round_to_lattice(cells: Geometries, crs: pyproj.CRS, *, decimals: int = DECIMALS) -> Geometries:
    """Return the cells in WGS 84, every vertex rounded for itself and nothing proven."""
    projection = _Projection(crs, decimals)
    degrees = projection.degrees(shapely.transform(cells, projection.steps))
    area = np.isin(shapely.get_type_id(degrees), (GeometryType.POLYGON, GeometryType.MULTIPOLYGON))
    degrees[area] = shapely.orient_polygons(degrees[area])
    return degrees


def _faulty(
    degrees: Geometries, drawn: Geometries, cells: Geometries, projection: _Projection
) -> NDArray[np.bool_]:
    """Tell which cells break the coverage."""
    proof = prove_coverage(degrees)
    faulty = np.zeros(len(degrees), dtype=bool)
    faulty[proof.invalid_cells] = True
    faulty[shapely.is_missing(drawn)] = False
    faulty[proof.unmatched] = True
    for side in ("left", "right"):
        faulty[proof.overlap_pieces[side].to_numpy()] = True
    faulty[_around_gaps(proof, degrees, cells, projection)] = True
    return faulty


def _around_gaps(
    proof: CoverageProof, degrees: Geometries, cells: Geometries, projection: _Projection
) -> Rows:
    """Return the cells around holes that were land before."""
    pieces = np.asarray(proof.gap_pieces.geometry, dtype=object)
    places = shapely.get_coordinates(shapely.point_on_surface(pieces))
    points = shapely.points(projection.back(places * projection.scale))
    was_land = np.unique(shapely.STRtree(cells).query(points, predicate="intersects")[0])
    return np.unique(shapely.STRtree(degrees).query(pieces[was_land], predicate="intersects")[1])


def _noded(plain: Geometries, cells: Geometries, projection: _Projection) -> Geometries:
    """Return cells whose borders are noded on the lattice, in lattice steps."""
    origin = np.floor(shapely.total_bounds(plain)[:2])
    rings = shapely.get_rings(shapely.get_parts(plain))
    rings = shapely.transform(rings, lambda xy: xy - origin)
    lines = shapely.get_parts(shapely.union_all(rings, grid_size=1.0))
    faces = shapely.get_parts(shapely.polygonize(lines))
    faces = shapely.transform(faces, lambda xy: np.rint(xy) + origin)
    inside = shapely.get_coordinates(shapely.point_on_surface(faces))
    points = projection.back(inside)
    reach = np.abs(projection.back(inside + _REACH) - points).max(initial=0.0)
    face, owner = shapely.STRtree(cells).query_nearest(
        shapely.points(points), max_distance=max(reach, np.finfo(float).tiny), all_matches=False
    )
    faces, owner = faces[face], owner.astype(np.int64)
    owner = _connected(faces, owner, shapely.get_num_geometries(cells).astype(np.int64))
    return dissolve(faces, owner, len(cells))


def _connected(faces: Geometries, owner: Rows, parts: Rows) -> Rows:
    """Return owners such that no sliver of a cell lies apart from the rest of it."""
    edges = border_edges(faces)
    key = edges.low * len(edges.xy) + edges.high
    left = np.flatnonzero(key[1:] == key[:-1])
    a, b = edges.owner[left], edges.owner[left + 1]
    length = np.hypot(*(edges.xy[edges.low[left]] - edges.xy[edges.high[left]]).T)
    thin = 2 * shapely.area(faces) <= _REACH * shapely.length(faces)
    for _ in range(len(faces)):
        same = owner[a] == owner[b]
        graph = coo_array((np.ones(same.sum()), (a[same], b[same])), shape=(len(faces),) * 2)
        group = connected_components(graph, directed=False)[1].astype(np.int64)
        size = np.bincount(group, shapely.area(faces))
        # Best first: the largest connected parts of a cell, as many as it had.
        order = np.lexsort((group, -size[group], owner))
        apart = np.zeros(len(faces), dtype=bool)
        apart[order] = _rank(owner[order], group[order]) >= parts[owner[order]]
        apart &= thin
        here = np.concatenate([a, b])
        there = np.concatenate([b, a])
        use = apart[here] & ~apart[there] & (owner[here] != owner[there])
        if not use.any():
            return owner
        here, there, weight = here[use], there[use], np.tile(length, 2)[use]
        best = np.lexsort((owner[there], -weight, here))
        first = best[run_starts(here[best])]
        owner = owner.copy()
        owner[here[first]] = owner[there[first]]
    return owner


def _rank(owner: Rows, group: Rows) -> Rows:
    """Return for each item how many groups of its owner come before its own."""
    new_owner = np.zeros(len(owner), dtype=bool)
    new_owner[run_starts(owner)] = True
    new_group = new_owner.copy()
    new_group[run_starts(group)] = True
    number = np.cumsum(new_group) - 1
    return number - np.maximum.accumulate(np.where(new_owner, number, 0))
