"""The proof that cells cover their land: no gap, no overlap, every border vertex shared.

`shapely.coverage_is_valid` alone proves nothing: it is true with an enclosed hole, with a cell
missing at the rim, for a bow-tie and for NaN coordinates. Here the directed border edges of the
cells of each parent must cancel to the border edges of the parent. Where they do, the parent is
covered exactly, by arithmetic on vertex numbers alone. Where they do not, the edges left over
enclose every fault, and only there geometry is compared.
"""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely import GeometryType

from gridcell.arrays import Geometries, run_starts, spread
from gridcell.coverage.edges import BorderEdges, border_edges
from gridcell.coverage.faces import Faces, Pieces, Rows, enclosed_faces, rounding_step
from gridcell.coverage.reach import within_reach
from gridcell.display.cards import proof_html
from gridcell.errors import InputError
from gridcell.words.messages import Message


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class CoverageProof:
    """What was found when cells were compared with their land. Rows are numbered from 0.

    Examples
    --------
    >>> import gridcell, shapely
    >>> proof = gridcell.prove_coverage([shapely.box(0, 0, 10, 10), shapely.box(8, 0, 20, 10)])
    >>> proof.holds, proof.overlap_pieces[["left", "right", "area_m2"]].to_dict("records")
    (False, [{'left': 0, 'right': 1, 'area_m2': 20.0}])
    """

    gap_pieces: gpd.GeoDataFrame
    """``parent`` (row of the land), ``area_m2``, Polygon: land in none of its cells."""
    overlap_pieces: gpd.GeoDataFrame
    """``left``, ``right`` (rows of cells), ``area_m2``, (Multi)Polygon: land in two cells."""
    outside_pieces: gpd.GeoDataFrame
    """``cell`` (row), ``area_m2``, Polygon: where a cell reaches out of its parent."""
    unmatched: Rows
    """Rows of cells with a border on which a neighbour lacks or adds a vertex."""
    junctions: gpd.GeoDataFrame
    """``straight``, ``corner`` (rows of cells), Point: a vertex of one on a straight border of the
    other (a T-junction), or beside the vertex that should be the same."""
    off_land: Rows
    """Rows of cells whose borders are not, vertex by vertex, those of other cells or of the land;
    none where no land was given."""
    invalid_cells: Rows
    """Rows of cells that are no valid polygon: None, empty, NaN, crossing themselves, lines."""
    invalid_land: Rows
    """Rows of the land that are no valid polygon."""
    closed: bool
    """Whether the borders of cells cancel to those of their land, but for rounding; no
    intersection is computed to tell."""
    areas_add_up: bool
    """Whether the areas of cells, of the pieces and of the land agree: whether to trust them."""
    exact: bool
    """Whether land and cells share every vertex too, so that nothing was left to a tolerance."""
    rim: NDArray[np.float64]
    """(m, 2, 2) edges of cells that do not cancel, vertex by vertex, to each other or the land."""
    rim_of: Rows
    """(m,) rows of these cells."""

    @property
    def gaps(self) -> int:
        """Number of gaps."""
        return len(self.gap_pieces)

    @property
    def gap_m2(self) -> float:
        """Area in no cell."""
        return float(self.gap_pieces["area_m2"].sum())

    @property
    def overlaps(self) -> int:
        """Number of pairs of cells that overlap."""
        return len(self.overlap_pieces)

    @property
    def overlap_m2(self) -> float:
        """Area in two cells; what is in three counts for each of the three pairs."""
        return float(self.overlap_pieces["area_m2"].sum())

    @property
    def outside(self) -> int:
        """Number of pieces of cells outside their parents."""
        return len(self.outside_pieces)

    @property
    def outside_m2(self) -> float:
        """Area of cells outside their parents."""
        return float(self.outside_pieces["area_m2"].sum())

    @property
    def invalid(self) -> int:
        """Number of geometries, cells and land, that are no valid polygon."""
        return len(self.invalid_cells) + len(self.invalid_land)

    @property
    def edge_matched(self) -> bool:
        """Whether neighbours share every vertex of their borders, over the whole level."""
        return not len(self.unmatched) and not len(self.invalid_cells)

    @property
    def holds(self) -> bool:
        """Whether the cells cover their land exactly."""
        faults = self.gaps or self.overlaps or self.outside or self.invalid
        return not faults and self.edge_matched and self.closed and self.areas_add_up

    def _repr_html_(self) -> str:
        faults = {
            "gaps": (self.gaps, self.gap_m2),
            "overlaps": (self.overlaps, self.overlap_m2),
            "outside_land": (self.outside, self.outside_m2),
            "unmatched": (len(self.unmatched), None),
            "invalid": (self.invalid, None),
        }
        return proof_html(faults, holds=self.holds)


def prove_coverage(
    cells: gpd.GeoSeries | ArrayLike,
    land: gpd.GeoSeries | ArrayLike | None = None,
    *,
    parent_of: Rows | None = None,
) -> CoverageProof:
    """Return the proof that cells cover their land exactly, or the places where they do not.

    Parameters
    ----------
    cells
        (n,) geometries; anything that is no valid (Multi)Polygon is a fault and covers nothing.
    land
        (m,) parents. Without it the land is whatever the outline of all cells encloses: a hole
        between cells is then a gap, a bay at the rim is not.
    parent_of
        (n,) row of the land of each cell, -1 for none. Without it every cell belongs to the only
        row of the land.

    Raises
    ------
    InputError
        What is no sequence of geometries.
    ValueError
        `parent_of` is missing with several parents, or of the wrong length.

    Notes
    -----
    The sum of the borders, as chains of directed edges, is the border of the sum of the indicator
    functions. If edges of the cells of a parent cancel to those of the parent, the two sums are
    the same function: each point of the parent is in one cell. The parents themselves are
    compared with each other in the same way. Edges that do not cancel are noded and polygonized;
    inside each such face the number of cells is everywhere the same, so one point of it tells how
    many hold it. Where it is not one, all borders of the cells around are added, so that one point
    tells which. At last the areas of faces are held against those of cells and land.

    Examples
    --------
    >>> import gridcell, shapely
    >>> west, east = shapely.box(0, 0, 9, 10), shapely.box(10, 0, 20, 10)
    >>> proof = gridcell.prove_coverage([west, east], [shapely.box(0, 0, 20, 10)])
    >>> proof.holds, proof.gaps, proof.gap_m2
    (False, 1, 10.0)
    """
    crs = getattr(cells, "crs", None)
    rows = _geometries(cells, "cells")
    parents = _geometries([] if land is None else land, "land")
    parent = _parents(parent_of, len(rows), len(parents), bounded=land is not None)
    fine, fine_land = _is_polygon(rows), _is_polygon(parents)
    good, good_land = np.flatnonzero(fine), np.flatnonzero(fine_land)
    bad, bad_land = np.flatnonzero(~fine), np.flatnonzero(~fine_land)

    polygons = np.concatenate([rows[good], parents[good_land]])
    step = rounding_step(polygons)
    edges = border_edges(polygons)
    borders = _Borders(
        edges=edges, step=step, parent=parent, parents=len(parents),
        row=np.concatenate([good, good_land]), cells=len(good),
    )  # fmt: skip
    left_over = borders.unbalanced(edges)
    rim = edges.snapped(borders.rim(edges), step)
    apart = edges.snapped(left_over, step)
    faults = borders.unbalanced(apart)
    segments = np.concatenate([apart.segments(faults), rim.segments(borders.rim(rim))])

    def compare(segments: Geometries, grid_size: float | None) -> Faces:
        return Faces.compare(
            enclosed_faces(segments, step, grid_size=grid_size), rows, parents,
            parent=parent, good=good, good_land=good_land,
        )  # fmt: skip

    # Crossings at a fixed precision are always noded well, but slowly; in floating point mostly
    # they are too.
    for grid_size in (None, 2.0 ** np.floor(np.log2(step)) if step else None):
        found = compare(segments, grid_size)
        crowded = found.faces[found.crowded(bounded=land is not None)]
        around = borders.around(crowded, polygons)
        if len(around) and not (len(faults) == len(apart.low) and np.isin(around, left_over).all()):
            found = compare(borders.apart(around, left_over), grid_size)
        areas_add_up = _areas_add_up(found, rows, parents, parent, good, good_land, step)
        if areas_add_up:
            break
    gaps = found.holes() if land is None else found.gaps()
    overlaps = found.overlaps()
    unpaired = _unpaired(edges, borders.is_cell(edges))
    unmatched, junctions = _unmatched(edges, borders.row[edges.owner], unpaired, step)
    of_cells = left_over[borders.is_cell(edges)[left_over]]
    outside = _NOTHING if land is None else found.outside(bad_land)
    return CoverageProof(
        gap_pieces=_frame({"parent": gaps[0]}, gaps[2], crs),
        overlap_pieces=_frame({"left": overlaps[0], "right": overlaps[1]}, overlaps[2], crs),
        outside_pieces=_frame({"cell": outside[0]}, outside[2], crs),
        unmatched=np.union1d(unmatched, np.concatenate(overlaps[:2])),
        junctions=gpd.GeoDataFrame(
            {"straight": junctions[0], "corner": junctions[1]}, geometry=junctions[2], crs=crs
        ),
        off_land=_rows_of_cells(borders, edges, left_over) if land is not None else bad[:0],
        invalid_cells=bad,
        invalid_land=bad_land,
        closed=not len(faults) or land is None,
        areas_add_up=areas_add_up,
        exact=not len(left_over) or land is None,
        rim=edges.ends(of_cells),
        rim_of=borders.row[edges.owner[of_cells]],
    )  # fmt: skip


def _geometries(values: gpd.GeoSeries | ArrayLike, name: str) -> NDArray[np.object_]:
    rows = np.asarray(values, dtype=object)
    if rows.ndim != 1 or not shapely.is_valid_input(rows).all():
        raise InputError(Message("error.not_geometries", name=name, found=type(values).__name__))
    return rows


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class _Borders:
    """Borders of cells and of their land, and which of them belong together."""

    edges: BorderEdges
    step: float
    parent: Rows
    """Parent of each cell, -1 for none."""
    parents: int
    row: Rows
    """Row of the cell or of the land of each owner of edges: first the cells."""
    cells: int
    """Number of owners that are cells."""

    def is_cell(self, edges: BorderEdges) -> NDArray[np.bool_]:
        return np.asarray(edges.owner < self.cells)

    def unbalanced(self, edges: BorderEdges) -> Rows:
        """Return the edges of each parent's cells that do not cancel to the parent's own."""
        is_cell, row = self.is_cell(edges), self.row[edges.owner]
        group = row.copy()
        group[is_cell] = self.parent[row[is_cell]]
        weight = np.where(is_cell, 1, -1)
        return edges.unbalanced(group + 1, weight, within=self.parents + 1)

    def rim(self, edges: BorderEdges) -> Rows:
        """Return the edges of parents that do not cancel among themselves.

        Parents that overlap each other show only there.
        """
        weight = np.where(self.is_cell(edges), 0, 1)
        return edges.unbalanced(np.zeros_like(weight), weight, within=1)

    def around(self, crowded: Geometries, polygons: Geometries) -> Rows:
        """Return all edges of cells that meet crowded faces."""
        met = shapely.STRtree(polygons[: self.cells]).query(crowded, predicate="intersects")[1]
        known = np.zeros(len(polygons), dtype=bool)
        known[met] = True
        return np.flatnonzero(known[self.edges.owner])

    def apart(self, around: Rows, left_over: Rows) -> Geometries:
        """Return all these borders, with those left over elsewhere.

        Between them not only the number of cells is everywhere the same, but the cells are.
        """
        chosen = np.union1d(np.union1d(left_over, self.rim(self.edges)), around)
        edges = self.edges.snapped(chosen, self.step)
        return edges.segments(np.arange(len(edges.low)))


_NOTHING: Pieces = (np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, object))


def _parents(parent_of: Rows | None, cells: int, parents: int, *, bounded: bool) -> Rows:
    if parent_of is None:
        if bounded and parents != 1:
            raise ValueError(f"parent_of: expected a row of the {parents} parents for each cell")
        return np.full(cells, 0 if bounded else -1)
    parent = np.asarray(parent_of, dtype=np.int64)
    if parent.shape != (cells,) or (cells and (parent.min() < -1 or parent.max() >= parents)):
        raise ValueError(f"parent_of: expected {cells} numbers from -1 to {parents - 1}")
    return parent


def _is_polygon(geometries: Geometries) -> NDArray[np.bool_]:
    kind = shapely.get_type_id(geometries)
    area = (kind == GeometryType.POLYGON) | (kind == GeometryType.MULTIPOLYGON)
    with np.errstate(over="ignore", invalid="ignore"):
        sound = area & ~shapely.is_empty(geometries) & shapely.is_valid(geometries)
    return np.asarray(sound & within_reach(geometries))


def _rows_of_cells(borders: _Borders, edges: BorderEdges, of: Rows) -> Rows:
    """Return the rows of the cells that own some of these edges."""
    return np.unique(borders.row[edges.owner[of[borders.is_cell(edges)[of]]]])


def _unpaired(edges: BorderEdges, is_cell: NDArray[np.bool_]) -> Rows:
    """Return the edges of cells that are not shared by exactly one cell on each side."""
    rows = np.flatnonzero(is_cell)
    starts = run_starts(edges.low[rows] * len(edges.xy) + edges.high[rows])
    if not len(rows):
        return rows
    size = np.diff(np.append(starts, len(rows)))
    paired = (size == 2) & (np.add.reduceat(edges.sign[rows], starts) == 0)
    return np.asarray(rows[np.repeat(~paired, size)])


def _unmatched(edges: BorderEdges, owner: Rows, unpaired: Rows, step: float) -> tuple[Rows, Pieces]:
    """Return the cells with a border that a neighbour draws with other vertices, and where.

    Not `shapely.coverage_invalid_edges`: GEOS 3.14 finds fault with sound cells beside a polygon
    whose hole touches its shell.
    """
    lines = np.asarray(shapely.linestrings(edges.ends(unpaired)), dtype=object)
    low, high, row = edges.low[unpaired], edges.high[unpaired], owner[unpaired]
    vertex = np.unique(np.concatenate([low, high]))
    line, near = shapely.STRtree(shapely.points(edges.xy[vertex])).query(
        lines, predicate="dwithin", distance=step
    )
    within = (vertex[near] != low[line]) & (vertex[near] != high[line])
    line, met = line[within], vertex[near[within]]
    corner = np.isin(low, met) | np.isin(high, met)
    junctions = _junctions(edges, met, row[line], unpaired[corner], row[corner])
    # Two vertices of one cell beside each other are nobody else's business.
    return np.unique(np.concatenate(junctions[:2])), junctions


def _junctions(edges: BorderEdges, met: Rows, straight: Rows, at: Rows, owner: Rows) -> Pieces:
    """Return cell with a straight border, cell with a vertex on it, and the vertex.

    Parameters
    ----------
    met, straight
        Vertices, and the cells on whose borders they lie.
    at, owner
        Edges that end at such vertices, and their cells.
    """
    ends = np.concatenate([edges.low[at], edges.high[at]])
    cell = np.concatenate([owner, owner])
    order = np.lexsort((cell, ends))
    ends, cell = ends[order], cell[order]
    first = np.searchsorted(ends, met)
    which, nth = spread(np.searchsorted(ends, met, side="right") - first)
    found = np.stack([met[which], straight[which], cell[first[which] + nth]], axis=1)
    found = np.unique(found[found[:, 1] != found[:, 2]], axis=0)
    points = np.asarray(shapely.points(edges.xy[found[:, 0]]), dtype=object)
    return found[:, 1], found[:, 2], points


def _areas_add_up(
    found: Faces,
    cells: Geometries,
    land: Geometries,
    parent: Rows,
    good: Rows,
    good_land: Rows,
    step: float,
) -> bool:
    """Tell whether the faces account for each parent's cells: a second witness, deaf to edges.

    What the areas of cells exceed their parent's by must be what the faces say: less gaps, plus
    what is outside or in several cells.
    """
    owner, count = parent[good] + 1, len(land) + 1
    area, border = np.zeros(count), np.zeros(count)
    area[good_land + 1] = shapely.area(land[good_land])
    border[good_land + 1] = shapely.length(land[good_land])
    excess = np.bincount(owner, shapely.area(cells[good]), minlength=count) - area
    border = border + np.bincount(owner, shapely.length(cells[good]), minlength=count)
    by_faces, land_area = found.balance(len(land))
    error = np.append(excess - by_faces, area.sum() - land_area)
    return bool(np.all(np.abs(error) <= step * np.append(border, border.sum())))


def _frame(rows: dict[str, Rows], pieces: Geometries, crs: object) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({**rows, "area_m2": shapely.area(pieces)}, geometry=pieces, crs=crs)
