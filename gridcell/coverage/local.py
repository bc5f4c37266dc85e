"""One round of repair: the cells at a fault are taken apart, settled and put together again."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridcell.arrays import Geometries, run_starts
from gridcell.coverage.arrangement import (
    boundary_segments,
    enclosed_shapes,
    holders,
    shared_borders,
)
from gridcell.coverage.dissolve import dissolve
from gridcell.coverage.faces import inner_points
from gridcell.coverage.proof import CoverageProof
from gridcell.coverage.settle import NOBODY, Claims, Settled, settle

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_OWN: Final = 0.05
"""A cell with a smaller share of its land to itself lies inside another: an enclave."""


_EVEN: Final = 1e-6
"""Margin in metres below which the evidence decides nothing."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Scene:
    """What stays the same from round to round."""

    land: Geometries
    """(parents,) the land that cells have to fill; none where nobody gave it."""
    parent: Ints
    """(cells,) row of the land of each cell; 0 without land."""
    rank: Floats
    """(cells,) who wins where cells overlap: higher over lower; equal ones by evidence."""
    gap_width: float
    """Gaps up to this width are closed, in units of `scale`."""
    near: float
    """Vertices nearer than this are the same, in units of the CRS."""
    scale: tuple[float, float]
    """What a unit of x and y is in metres."""

    @property
    def bounded(self) -> bool:
        """Whether land was given."""
        return len(self.land) > 0

    def is_narrow(self, shapes: Geometries) -> Mask:
        """Tell in which polygons no circle of the width of a gap finds room."""
        metric = shapely.transform(shapes, lambda xy: xy * self.scale)
        return np.asarray(
            shapely.is_empty(shapely.buffer(metric, -self.gap_width / 2, quad_segs=2))
        )


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Move:
    """Land that changed hands."""

    kind: str
    """``gap``, ``overlap``, ``outside`` or ``crumb`` (cut off from its cell)."""
    lost: tuple[int, ...]
    """Rows of the cells that lost it."""
    to: int
    """Row of the cell that has it now, `NOBODY` for none."""
    by: str
    """What decided: ``priority``, ``enclave``, ``only`` (nobody else could have it),
    ``evidence``, ``longest border``."""
    margin: float
    """By how many metres more border would have been accepted for the next best choice."""
    shape: shapely.Geometry


def repair_round(
    cells: Geometries, proof: CoverageProof, scene: Scene
) -> tuple[Geometries, list[Move]]:
    """Return the cells with their faults settled, and what changed hands.

    Parameters
    ----------
    cells
        (n,) valid (Multi)Polygons, ``None`` for none.
    proof
        What is wrong with them: `prove_coverage` with the same land.
    scene
        Land and settings.
    """
    gaps = np.asarray(proof.gap_pieces.geometry, dtype=object)
    narrow = gaps[scene.is_narrow(gaps)]
    touched = _touched(cells, proof, narrow, scene)
    if not len(touched):
        return cells, []
    local = _Local(cells[touched], touched, narrow, scene)
    new, moves = local.repaired()
    out = cells.copy()
    out[touched] = new
    return out, moves


def _touched(cells: Geometries, proof: CoverageProof, narrow: Geometries, scene: Scene) -> Ints:
    """Return the rows of all cells that have a part in a fault."""
    faults = np.concatenate(
        [
            narrow,
            np.asarray(proof.overlap_pieces.geometry, dtype=object),
            np.asarray(proof.outside_pieces.geometry, dtype=object),
        ]
    )
    near = shapely.STRtree(cells).query(faults, predicate="dwithin", distance=scene.near)[1]
    rows = np.concatenate([near, proof.unmatched, proof.off_land])
    rows = np.unique(rows.astype(np.int64))
    return np.asarray(rows[~shapely.is_missing(cells[rows])])


class _Local:
    """The cells at the faults, numbered from 0, and the faces between their borders."""

    def __init__(self, cells: Geometries, rows: Ints, narrow: Geometries, scene: Scene) -> None:
        self.cells, self.rows, self.scene = cells, rows, scene
        self.parent, self.rank = scene.parent[rows], scene.rank[rows]
        self.parts, self.cell_of = shapely.get_parts(cells, return_index=True)
        self.cell_of = self.cell_of.astype(np.int64)
        shapes = enclosed_shapes(cells, self._law(), near=scene.near)
        self._know(shapes)
        self._open_gaps(narrow)
        self.choice = self._choices()
        self.settled = self._settle()

    def _law(self) -> Floats:
        """Return the segments of the land near these cells."""
        if not self.scene.bounded:
            return np.empty((0, 2, 2))
        segments, _ = boundary_segments(self.scene.land)
        lines = np.asarray(shapely.linestrings(segments), dtype=object)
        reach = 2 * self.scene.gap_width / min(self.scene.scale) + self.scene.near
        near = shapely.STRtree(lines).query(self.cells, predicate="dwithin", distance=reach)[1]
        return np.asarray(segments[np.unique(near)])

    def _know(self, shapes: Geometries) -> None:
        """Find out who holds each face, and in whose land it lies."""
        self.shapes = shapes
        face, part = holders(shapes, self.parts)
        self.held = (face, part)
        pairs = np.unique(face * len(self.cells) + self.cell_of[part])
        self.holds = (pairs // len(self.cells), pairs % len(self.cells))
        self.of_land = np.zeros(len(shapes), dtype=np.int64)
        if self.scene.bounded:
            self.of_land[:] = -1
            face, row = holders(shapes, self.scene.land)
            self.of_land[face[::-1]] = row[::-1]

    def _rightly(self) -> tuple[Ints, Ints]:
        """Return face and cell of each pair in which the cell lies in its own parent."""
        face, cell = self.holds
        right = self.parent[cell] == self.of_land[face]
        return face[right], cell[right]

    def _open_gaps(self, narrow: Geometries) -> None:
        """Divide narrow gaps into triangles, which may go to different neighbours."""
        bare = np.bincount(self._rightly()[0], minlength=len(self.shapes)) == 0
        bare &= self.of_land >= 0
        rows = np.flatnonzero(bare)
        inside = shapely.STRtree(narrow).query(
            inner_points(self.shapes[rows]), predicate="intersects"
        )[0]
        gaps = rows[np.unique(inside)]
        self.is_gap = np.zeros(len(self.shapes), dtype=bool)
        if not len(gaps):
            return
        triangles = shapely.get_parts(shapely.constrained_delaunay_triangles(self.shapes[gaps]))
        self._know(np.concatenate([np.delete(self.shapes, gaps), triangles]))
        self.is_gap = np.zeros(len(self.shapes), dtype=bool)
        self.is_gap[-len(triangles) :] = True

    def _choices(self) -> tuple[Ints, Ints]:
        """Return face and cell of all who may get each face."""
        face, cell = self._rightly()
        gaps = np.flatnonzero(self.is_gap)
        row, near = shapely.STRtree(self.cells).query(
            self.shapes[gaps], predicate="dwithin", distance=self.scene.near
        )
        kin = self.parent[near] == self.of_land[gaps[row]]
        face = np.concatenate([face, gaps[row[kin]]])
        cell = np.concatenate([cell, near[kin]])
        order = np.lexsort((cell, face))
        return face[order], cell[order]

    def _settle(self) -> Settled:
        face, cell = self.choice
        count = np.bincount(face, minlength=len(self.shapes))
        owner = np.full(len(self.shapes), NOBODY, dtype=np.int64)
        several = count[face] > 1
        owner[face[~several]] = cell[~several]
        self.by = np.full(len(self.shapes), "only", dtype=object)
        face, cell = face[several], cell[several]
        first = self._first_in_rank(face, cell)
        face, cell = face[first], cell[first]
        kept = self._keep_enclaves(face, cell)
        face, cell = face[kept], cell[kept]
        left, right, length = shared_borders(self.shapes, self.scene.scale)
        self.borders = (left, right, length)
        settled = settle(
            Claims(
                faces=len(self.shapes), cells=len(self.cells), left=left, right=right,
                length=length, held=self.holds, owner=owner, choice=(face, cell),
            )
        )  # fmt: skip
        asked = np.bincount(face, minlength=len(self.shapes)) > 1
        clear = settled.by_evidence & (settled.margin > _EVEN)
        self.by[asked] = np.where(clear[asked], "evidence", "longest border")
        return settled

    def _first_in_rank(self, face: Ints, cell: Ints) -> Mask:
        """Tell which choices have the highest priority of their face; gaps have none."""
        top = np.full(len(self.shapes), -np.inf)
        rank = np.where(self.is_gap[face], 0.0, self.rank[cell])
        np.maximum.at(top, face, rank)
        first: Mask = rank == top[face]
        self.by[face[~first]] = "priority"
        return first

    def _keep_enclaves(self, face: Ints, cell: Ints) -> Mask:
        """Tell which choices are left when parts that lie in other cells keep what they hold.

        The smaller comes first, so that of nested ones each keeps its land, and of two equal ones
        the earlier. Slivers are no enclaves, unless they are all that a cell has.
        """
        area = shapely.area(self.shapes)
        held, part = self.held
        right = self.parent[self.cell_of[part]] == self.of_land[held]
        held, part = held[right], part[right]
        alone = np.bincount(self._rightly()[0], minlength=len(area))[held] == 1
        whole = np.bincount(part, area[held], minlength=len(self.parts))
        own = np.bincount(part[alone], area[held[alone]], minlength=len(self.parts))
        inside = np.flatnonzero(own < _OWN * whole)
        single = np.bincount(self.cell_of, minlength=len(self.cells))[self.cell_of[inside]] == 1
        inside = inside[single | ~self.scene.is_narrow(self.parts[inside])]
        order = np.argsort(part, kind="stable")
        start = np.searchsorted(part[order], np.arange(len(self.parts) + 1))
        asked = np.zeros(len(area), dtype=bool)
        asked[face] = True
        asked &= ~self.is_gap
        winner = np.full(len(area), NOBODY, dtype=np.int64)
        for one in inside[np.lexsort((inside, np.round(whole[inside], 6)))].tolist():
            mine = held[order[start[one] : start[one + 1]]]
            winner[mine[asked[mine] & (winner[mine] == NOBODY)]] = self.cell_of[one]
        # Who has the highest priority has it; an enclave of another does not change that.
        winner[~np.isin(winner * len(area) + np.arange(len(area)), cell * len(area) + face)] = (
            NOBODY
        )
        won = winner[face] != NOBODY
        self.by[face[won]] = "enclave"
        kept: Mask = ~won | (winner[face] == cell)
        return kept

    def repaired(self) -> tuple[Geometries, list[Move]]:
        """Return the cells as they are now, and what changed hands."""
        owner = self.settled.owner
        crumbs = self._crumbs(owner)
        face, cell = np.flatnonzero(owner >= 0), owner[owner >= 0]
        new = dissolve(self.shapes[face], cell, len(self.cells))
        same = shapely.equals_identical(_canonical(new), _canonical(self.cells))
        new[same] = self.cells[same]
        return new, self._moves(owner, crumbs)

    def _crumbs(self, owner: Ints) -> Mask:
        """Give pieces that were cut off from their cells to the neighbours; tell which they are."""
        left, right, length = self.borders
        crumbs = np.zeros(len(owner), dtype=bool)
        for _ in range(len(owner)):
            group = self._together(owner)
            loose = self._loose(owner, group)
            if not len(loose):
                break
            in_loose = np.isin(group, loose)
            here = np.concatenate([left, right])
            there = np.concatenate([right, left])
            size = np.concatenate([length, length])
            out = (here >= 0) & (there >= 0)
            here, there, size = here[out], there[out], size[out]
            near = in_loose[here] & (owner[here] != owner[there]) & (owner[there] >= 0)
            near &= ~in_loose[there]
            near[near] = self.parent[owner[there[near]]] == self.of_land[here[near]]
            key = group[here[near]] * len(self.cells) + owner[there[near]]
            pairs, place = np.unique(key, return_inverse=True)
            total = np.bincount(place, size[near])
            if not len(pairs):
                break
            of, to = pairs // len(self.cells), pairs % len(self.cells)
            order = np.lexsort((to, -np.round(total, 9), of))
            best = order[run_starts(of[order])]
            target = np.full(len(owner), NOBODY, dtype=np.int64)
            target[of[best]] = to[best]
            moved = in_loose & (target[group] != NOBODY)
            owner[moved] = target[group[moved]]
            crumbs |= moved
        return crumbs

    def _together(self, owner: Ints) -> Ints:
        """Return the number of the connected piece of its cell in which each face lies."""
        left, right, _ = self.borders
        joined = (right >= 0) & (owner[left] == owner[right])
        graph = coo_array(
            (np.ones(int(joined.sum()), bool), (left[joined], right[joined])),
            shape=(len(owner), len(owner)),
        )
        return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)

    def _loose(self, owner: Ints, group: Ints) -> Ints:
        """Return the pieces that are no longer, or never were, the body of a part of their cell.

        A wide piece of a cell that a neighbour has cut in two stays: that is for people to decide.
        """
        face, part = self.held
        own = owner[face] == self.cell_of[part]
        face, part = face[own], part[own]
        order = np.lexsort((face, -np.round(shapely.area(self.shapes[face]), 9), part))
        body = np.unique(group[face[order[run_starts(part[order])]]])
        mine = np.unique(group[face])
        pieces = np.setdiff1d(np.unique(group[owner >= 0]), body)
        held = pieces[np.isin(pieces, mine)]
        if len(held):
            rows = np.flatnonzero(np.isin(group, held))
            shape = dissolve(self.shapes[rows], np.searchsorted(held, group[rows]), len(held))
            wide = held[~self.scene.is_narrow(shape)]
            pieces = np.setdiff1d(pieces, wide)
        return pieces

    def _moves(self, owner: Ints, crumbs: Mask) -> list[Move]:
        """Return a move for each connected piece that the same cells lost to the same other."""
        face, cell = self.holds
        held = np.bincount(face, minlength=len(owner))
        kept = np.zeros(len(owner), dtype=bool)
        kept[face[cell == owner[face]]] = True
        moved = np.flatnonzero((held > kept) | ((held == 0) & (owner >= 0)))
        start = np.searchsorted(face, np.arange(len(owner) + 1))
        stories: dict[tuple[str, tuple[int, ...], int, str], int] = {}
        story = np.full(len(owner), -1, dtype=np.int64)
        for one in moved.tolist():
            holds = cell[start[one] : start[one + 1]]
            lost = tuple(self.rows[holds[holds != owner[one]]].tolist())
            kind = "overlap" if kept[one] else "crumb" if crumbs[one] else "outside"
            kind = kind if lost else "gap"
            to = int(self.rows[owner[one]]) if owner[one] >= 0 else NOBODY
            key = (kind, lost, to, "longest border" if crumbs[one] else str(self.by[one]))
            story[one] = stories.setdefault(key, len(stories))
        piece = self._together(story)[moved]
        _, number = np.unique(piece, return_inverse=True)
        shapes = dissolve(self.shapes[moved], number, int(number.max(initial=-1)) + 1)
        margin = np.full(len(shapes), np.inf)
        np.minimum.at(margin, number, self.settled.margin[moved])
        told = np.zeros(len(shapes), dtype=np.int64)
        told[number] = story[moved]
        keys = list(stories)
        return [
            Move(
                kind=keys[of][0], lost=keys[of][1], to=keys[of][2], by=keys[of][3],
                margin=much, shape=shape,
            )
            for of, much, shape in zip(told.tolist(), margin.tolist(), shapes, strict=True)
        ]  # fmt: skip


def _canonical(cells: Geometries) -> Geometries:
    """Return the cells drawn in one way: order of vertices, and type where there is one part."""
    parts, row = shapely.get_parts(cells, return_index=True)
    out = np.full(len(cells), None, dtype=object)
    if len(parts):
        shapely.multipolygons(parts, indices=row, out=out)
    return np.asarray(shapely.normalize(out), dtype=object)
