"""Who gets each face at a fault: by priority, as an enclave, else by the evidence of borders."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from gridcell.coverage.arrangement import shared_borders
from gridcell.coverage.repair_faces import Floats, HeldFaces, Ints, Mask, RepairSettings
from gridcell.coverage.settle import NOBODY, Claims, settle

_OWN: Final = 0.05
"""A cell with a smaller share of its land to itself lies inside another: an enclave."""
_EVEN: Final = 1e-6
"""Margin in metres below which the evidence decides nothing."""

Choices = tuple[Ints, Ints]
"""Face, and a cell that may get it, sorted by both."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Decision:
    """Who got each face and why."""

    owner: Ints
    """(faces,) the cell, `NOBODY` for none."""
    by: NDArray[np.object_]
    """(faces,) ``priority``, ``enclave``, ``only``, ``evidence`` or ``longest border``."""
    margin: Floats
    """(faces,) by how much more border would have been accepted for the next best choice."""
    borders: tuple[Ints, Ints, Floats]
    """Two faces that touch (the second -1 outside all) and the length that they share."""


def decide(faces: HeldFaces, rank: Floats, settings: RepairSettings) -> Decision:
    """Return who gets each face.

    Parameters
    ----------
    faces
        The faces, and who holds them.
    rank
        (cells,) who wins where cells overlap: higher over lower.
    settings
        For widths and lengths.
    """
    count = len(faces.shapes)
    by = np.full(count, "only", dtype=object)
    owner = np.full(count, NOBODY, dtype=np.int64)
    face, cell = _choices(faces, settings)
    several = np.bincount(face, minlength=count)[face] > 1
    owner[face[~several]] = cell[~several]
    face, cell = face[several], cell[several]
    first = _has_first_rank(faces, (face, cell), rank)
    by[face[~first]] = "priority"
    face, cell = face[first], cell[first]
    enclave = _enclaves(faces, (face, cell), settings)[face]
    by[face[enclave != NOBODY]] = "enclave"
    kept = (enclave == NOBODY) | (enclave == cell)
    face, cell = face[kept], cell[kept]
    borders = shared_borders(faces.shapes, settings.scale)
    left, right, length = borders
    settled = settle(
        Claims(
            faces=count, cells=len(faces.cells), left=left, right=right, length=length,
            held=faces.holds, owner=owner, choice=(face, cell),
        )
    )  # fmt: skip
    asked = np.bincount(face, minlength=count) > 1
    clear = settled.by_evidence & (settled.margin > _EVEN)
    by[asked] = np.where(clear[asked], "evidence", "longest border")
    return Decision(owner=settled.owner, by=by, margin=settled.margin, borders=borders)


def _choices(faces: HeldFaces, settings: RepairSettings) -> Choices:
    """Return who may get each face: who holds it, and of a gap who touches it."""
    face, cell = faces.at_home()
    gaps = np.flatnonzero(faces.is_gap)
    row, near = shapely.STRtree(faces.cells).query(
        faces.shapes[gaps], predicate="dwithin", distance=settings.near
    )
    kin = faces.parent[near] == faces.of_land[gaps[row]]
    face = np.concatenate([face, gaps[row[kin]]])
    cell = np.concatenate([cell, near[kin]])
    order = np.lexsort((cell, face))
    return face[order], cell[order]


def _has_first_rank(faces: HeldFaces, choices: Choices, rank: Floats) -> Mask:
    """Tell which choices have the highest priority of their face; gaps have none."""
    face, cell = choices
    top = np.full(len(faces.shapes), -np.inf)
    of_choice = np.where(faces.is_gap[face], 0.0, rank[cell])
    np.maximum.at(top, face, of_choice)
    return np.asarray(of_choice == top[face])


def _enclaves(faces: HeldFaces, choices: Choices, settings: RepairSettings) -> Ints:
    """Return for each face the cell of which a part in another cell keeps it, `NOBODY` for none.

    The smaller comes first, so that of nested ones each keeps its land, and of two equal ones
    the earlier. Slivers are no enclaves, unless they are all that a cell has. Who has the highest
    priority has it: an enclave of another does not change that.
    """
    face, cell = choices
    area = shapely.area(faces.shapes)
    held, part = faces.held
    home = faces.is_home(held, faces.cell_of[part])
    held, part = held[home], part[home]
    alone = np.bincount(faces.at_home()[0], minlength=len(area))[held] == 1
    whole = np.bincount(part, area[held], minlength=len(faces.parts))
    own = np.bincount(part[alone], area[held[alone]], minlength=len(faces.parts))
    inside = np.flatnonzero(own < _OWN * whole)
    single = np.bincount(faces.cell_of, minlength=len(faces.cells))[faces.cell_of[inside]] == 1
    inside = inside[single | ~settings.is_narrow(faces.parts[inside])]
    order = np.argsort(part, kind="stable")
    start = np.searchsorted(part[order], np.arange(len(faces.parts) + 1))
    asked = np.zeros(len(area), dtype=bool)
    asked[face] = True
    asked &= ~faces.is_gap
    winner = np.full(len(area), NOBODY, dtype=np.int64)
    for one in inside[np.lexsort((inside, np.round(whole[inside], 6)))].tolist():
        mine = held[order[start[one] : start[one + 1]]]
        winner[mine[asked[mine] & (winner[mine] == NOBODY)]] = faces.cell_of[one]
    may = np.isin(winner * len(area) + np.arange(len(area)), cell * len(area) + face)
    return np.where(may, winner, NOBODY)
