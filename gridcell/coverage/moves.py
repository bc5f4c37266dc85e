"""Land that changed hands in a repair: pieces, who lost them, who has them and why."""

from dataclasses import dataclass

import numpy as np
import shapely

from gridcell.coverage.decide import Decision
from gridcell.coverage.detached import connected_faces
from gridcell.coverage.dissolve import dissolve
from gridcell.coverage.repair_faces import HeldFaces, Ints, Mask
from gridcell.coverage.settle import NOBODY


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class LandMove:
    """Land that changed hands."""

    kind: str
    """``gap``, ``overlap``, ``outside`` or ``crumb`` (a part that was detached from its cell)."""
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


def list_moves(
    faces: HeldFaces, decision: Decision, owner: Ints, detached: Mask, rows: Ints
) -> list[LandMove]:
    """Return a move for each connected piece that the same cells lost to the same other.

    Parameters
    ----------
    faces, decision
        The faces, and what was decided about them.
    owner
        (faces,) the cell that has each in the end.
    detached
        (faces,) whether it was part of a detached part.
    rows
        (cells,) what rows the cells are called by.
    """
    face, cell = faces.holds
    held = np.bincount(face, minlength=len(owner))
    kept = np.zeros(len(owner), dtype=bool)
    kept[face[cell == owner[face]]] = True
    moved = np.flatnonzero((held > kept) | ((held == 0) & (owner >= 0)))
    start = np.searchsorted(face, np.arange(len(owner) + 1))
    kinds: dict[tuple[str, tuple[int, ...], int, str], int] = {}
    kind_of = np.full(len(owner), -1, dtype=np.int64)
    for one in moved.tolist():
        holds = cell[start[one] : start[one + 1]]
        lost = tuple(rows[holds[holds != owner[one]]].tolist())
        kind = "overlap" if kept[one] else "crumb" if detached[one] else "outside"
        kind = kind if lost else "gap"
        to = int(rows[owner[one]]) if owner[one] >= 0 else NOBODY
        by = "longest border" if detached[one] else str(decision.by[one])
        kind_of[one] = kinds.setdefault((kind, lost, to, by), len(kinds))
    piece = connected_faces(decision, kind_of)[moved]
    _, number = np.unique(piece, return_inverse=True)
    shapes = dissolve(faces.shapes[moved], number, int(number.max(initial=-1)) + 1)
    margin = np.full(len(shapes), np.inf)
    np.minimum.at(margin, number, decision.margin[moved])
    of_piece = np.zeros(len(shapes), dtype=np.int64)
    of_piece[number] = kind_of[moved]
    told = list(kinds)
    listed = [told[at] for at in of_piece.tolist()]
    return [
        LandMove(kind=kind, lost=lost, to=to, by=by, margin=much, shape=shape)
        for (kind, lost, to, by), much, shape in zip(listed, margin.tolist(), shapes, strict=True)
    ]
