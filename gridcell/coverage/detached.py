"""Parts that a repair cut off from their cells, given to the neighbours."""

import numpy as np
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridcell.arrays import run_starts
from gridcell.coverage.decide import Decision
from gridcell.coverage.dissolve import dissolve
from gridcell.coverage.repair_faces import HeldFaces, Ints, Mask, RepairSettings
from gridcell.coverage.settle import NOBODY


def join_detached(
    faces: HeldFaces, decision: Decision, settings: RepairSettings
) -> tuple[Ints, Mask]:
    """Return the owners of faces when detached parts have joined neighbours, and which these are.

    A detached part goes to the cell of the same land with the longest border on it. A wide one
    that a cell has lost touch with stays: that is for people to decide.
    """
    left, right, length = decision.borders
    both = right >= 0
    here = np.concatenate([left[both], right[both]])
    there = np.concatenate([right[both], left[both]])
    length = np.concatenate([length[both], length[both]])
    owner = decision.owner.copy()
    detached = np.zeros(len(owner), dtype=bool)
    # A part may have none but detached neighbours at first.
    for _ in range(len(owner)):
        group = connected_faces(decision, owner)
        is_loose = np.isin(group, _detached_groups(faces, owner, group, settings))
        out = is_loose[here] & ~is_loose[there] & (owner[there] >= 0)
        out[out] = faces.parent[owner[there[out]]] == faces.of_land[here[out]]
        pairs, place = np.unique(
            group[here[out]] * len(faces.cells) + owner[there[out]], return_inverse=True
        )
        if not len(pairs):
            break
        total = np.bincount(place, length[out])
        of, to = pairs // len(faces.cells), pairs % len(faces.cells)
        order = np.lexsort((to, -np.round(total, 9), of))
        best = order[run_starts(of[order])]
        target = np.full(len(owner), NOBODY, dtype=np.int64)
        target[of[best]] = to[best]
        moved = is_loose & (target[group] != NOBODY)
        owner[moved] = target[group[moved]]
        detached |= moved
    return owner, detached


def connected_faces(decision: Decision, label: Ints) -> Ints:
    """Return the number of the connected piece of faces with one label in which each lies."""
    left, right, _ = decision.borders
    joined = (right >= 0) & (label[left] == label[right])
    graph = coo_array(
        (np.ones(int(joined.sum()), bool), (left[joined], right[joined])),
        shape=(len(label), len(label)),
    )
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _detached_groups(faces: HeldFaces, owner: Ints, group: Ints, settings: RepairSettings) -> Ints:
    """Return the pieces that are no longer, or never were, the body of a part of their cell."""
    face, part = faces.held
    own = owner[face] == faces.cell_of[part]
    face, part = face[own], part[own]
    order = np.lexsort((face, -np.round(shapely.area(faces.shapes[face]), 9), part))
    body = np.unique(group[face[order[run_starts(part[order])]]])
    pieces = np.setdiff1d(np.unique(group[owner >= 0]), body)
    held = pieces[np.isin(pieces, group[face])]
    if not len(held):
        return pieces
    rows = np.flatnonzero(np.isin(group, held))
    shape = dissolve(faces.shapes[rows], np.searchsorted(held, group[rows]), len(held))
    return np.setdiff1d(pieces, held[~settings.is_narrow(shape)])
