"""Rounds of repair: the cells at faults are taken apart, decided about and put together again."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely

from gridcell.arrays import Geometries
from gridcell.coverage.decide import decide
from gridcell.coverage.detached import join_detached
from gridcell.coverage.dissolve import dissolve
from gridcell.coverage.moves import LandMove, list_moves
from gridcell.coverage.open_slivers import OpenSlivers, find_open_slivers
from gridcell.coverage.proof import CoverageProof, prove_coverage
from gridcell.coverage.repair_faces import Ints, RepairSettings, take_apart

ROUNDS: Final = 6
"""Rounds after which a layer counts as beyond repair; nearly all need one, some two."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class RepairedCoverage:
    """Cells after some rounds of repair."""

    shapes: Geometries
    moves: list[LandMove]
    proof: CoverageProof
    """The proof of `shapes`."""
    exact: bool
    """Whether they are an exact coverage but for gaps wider than were to be closed."""


def repair_coverage(
    shapes: Geometries, settings: RepairSettings, *, proof: CoverageProof | None = None
) -> RepairedCoverage:
    """Return the cells as an exact coverage but for wide gaps, what changed hands, and the proof.

    Narrow gaps are closed, those that are open at the rim as well: within land they are gaps of
    that; without, inlets between two cells (`gridcell.coverage.open_slivers`).

    Parameters
    ----------
    shapes
        (n,) valid (Multi)Polygons, ``None`` for none. Where the evidence is even the first wins.
    settings
        Land, priorities and widths.
    proof
        The proof of `shapes` within the same land, where it is known.
    """
    moves: list[LandMove] = []
    proof = proof or _prove(shapes, settings)
    slivers = OpenSlivers.none()
    if not settings.bounded:
        slivers = find_open_slivers(
            shapes, proof, settings.gap_width, near=settings.near, scale=settings.scale
        )
    for _ in range(ROUNDS):
        settled = _is_settled(shapes, proof, settings)
        if settled and not len(slivers.shapes):
            return RepairedCoverage(shapes=shapes, moves=moves, proof=proof, exact=True)
        after, more = _round(shapes, proof, slivers, settings)
        # What is left of a sliver after it was closed once is the shape of the rim.
        slivers = OpenSlivers.none()
        if more or not settled:
            shapes, proof = after, _prove(after, settings)
            moves += more
    exact = _is_settled(shapes, proof, settings)
    return RepairedCoverage(shapes=shapes, moves=moves, proof=proof, exact=exact)


def _prove(shapes: Geometries, settings: RepairSettings) -> CoverageProof:
    if not settings.bounded:
        return prove_coverage(shapes)
    return prove_coverage(shapes, settings.land, parent_of=settings.parent)


def _is_settled(shapes: Geometries, proof: CoverageProof, settings: RepairSettings) -> bool:
    """Tell whether nothing is left to settle: cells and gaps that stay are the whole land."""
    gaps = np.asarray(proof.gap_pieces.geometry, dtype=object)
    of = proof.gap_pieces["parent"].to_numpy(np.int64)
    narrow = np.flatnonzero(settings.is_narrow(gaps))
    # Nobody can fill a gap in land that has no cell there.
    gap, cell = shapely.STRtree(shapes).query(
        gaps[narrow], predicate="dwithin", distance=settings.near
    )
    fillable = (settings.parent[cell] == of[narrow[gap]]).any()
    if proof.overlaps or proof.outside or len(proof.unmatched) or fillable:
        return False
    # Around gaps borders cannot cancel; there areas have to add up.
    return proof.areas_add_up and (proof.closed or bool(len(gaps)))


def _round(
    cells: Geometries, proof: CoverageProof, slivers: OpenSlivers, settings: RepairSettings
) -> tuple[Geometries, list[LandMove]]:
    """Return the cells with their faults settled, and what changed hands."""
    gaps = np.asarray(proof.gap_pieces.geometry, dtype=object)
    gaps = gaps[settings.is_narrow(gaps)]
    rows = _at_faults(cells, proof, gaps, slivers, settings)
    if not len(rows):
        return cells, []
    before = cells[rows]
    faces = take_apart(
        before,
        settings.parent[rows],
        np.concatenate([gaps, slivers.shapes]),
        slivers.mouths,
        settings,
    )
    decision = decide(faces, settings.rank[rows], settings)
    owner, detached = join_detached(faces, decision, settings)
    held = np.flatnonzero(owner >= 0)
    after = dissolve(faces.shapes[held], owner[held], len(before))
    same = shapely.equals_identical(_canonical(after), _canonical(before))
    after[same] = before[same]
    out = cells.copy()
    out[rows] = after
    return out, list_moves(faces, decision, owner, detached, rows)


def _at_faults(
    cells: Geometries,
    proof: CoverageProof,
    gaps: Geometries,
    slivers: OpenSlivers,
    settings: RepairSettings,
) -> Ints:
    """Return the rows of all cells that have a part in a fault."""
    faults = [gaps, *(frame.geometry for frame in (proof.overlap_pieces, proof.outside_pieces))]
    faults = [np.asarray(pieces, dtype=object) for pieces in faults]
    tree = shapely.STRtree(cells)
    near = tree.query(np.concatenate(faults), predicate="dwithin", distance=settings.near)[1]
    beside = tree.query(
        slivers.shapes, predicate="dwithin", distance=slivers.reach + settings.near
    )[1]
    rows = np.concatenate([near, beside, proof.unmatched, proof.off_land])
    rows = np.unique(rows.astype(np.int64))
    return np.asarray(rows[~shapely.is_missing(cells[rows])])


def _canonical(cells: Geometries) -> Geometries:
    """Return the cells drawn in one way: order of vertices, and type where there is one part."""
    parts, row = shapely.get_parts(cells, return_index=True)
    out = np.full(len(cells), None, dtype=object)
    if len(parts):
        shapely.multipolygons(parts, indices=row, out=out)
    return np.asarray(shapely.normalize(out), dtype=object)
