"""The search through choices of many faces that depend on each other, compiled."""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_LESS = 1e-9
_SWEEPS = 200


class Group(NamedTuple):
    """Faces whose choices depend on each other, numbered from 0, and the prices of choices."""

    start: Ints
    """(faces + 1,) where the labels of each face begin."""
    label: Ints
    """Cells that each face may get, one face after another."""
    face_of: Ints
    """(labels,)"""
    cell_start: Ints
    cell_entry: Ints
    """Entries of `label` with the same cell, one cell after another."""
    border_start: Ints
    border: Ints
    """Borders of each face, one face after another."""
    left: Ints
    right: Ints
    """(borders,) the faces on both sides; the number of faces for any other."""
    first: Ints
    wide: Ints
    """(borders,) where the table of prices of each begins, and its number of columns."""
    price: Floats


@njit(cache=True, nogil=True)
def improve(group: Group, choice: Ints) -> None:
    """Change choices until no other one of a face, nor of a cell everywhere, is cheaper.

    Parameters
    ----------
    group
        What depends on what.
    choice
        (faces + 1,) which of its labels each face has; changed. The last stands for all others.
    """
    before = np.empty(len(choice), np.int64)
    seen = np.full(len(group.left), -1)
    turn = 0
    for _ in range(_SWEEPS):
        changed = False
        for f in range(len(choice) - 1):
            old = choice[f]
            _settle_face(group, choice, f, -1)
            changed |= choice[f] != old
        for c in range(len(group.cell_start) - 1):
            entries = group.cell_entry[group.cell_start[c] : group.cell_start[c + 1]]
            for gives in range(2):
                was = _cost(group, choice, entries, seen, turn)
                _move_cell(group, choice, entries, before, gives)
                if _cost(group, choice, entries, seen, turn + 1) < was - _LESS:
                    changed = True
                else:
                    for e in entries:
                        choice[group.face_of[e]] = before[group.face_of[e]]
                turn += 2
        if not changed:
            return


@njit(cache=True, nogil=True)
def _move_cell(group: Group, choice: Ints, entries: Ints, before: Ints, gives: int) -> None:
    """Let a cell have all faces that it may have (`gives` 0), or none; note what was before."""
    for e in entries:
        before[group.face_of[e]] = choice[group.face_of[e]]
    for e in entries:
        f = group.face_of[e]
        mine = e - group.start[f]
        if gives == 0:
            choice[f] = mine
        elif before[f] == mine:
            _settle_face(group, choice, f, mine)


@njit(cache=True, nogil=True)
def _settle_face(group: Group, choice: Ints, f: int, banned: int) -> None:
    """Give a face its cheapest label, but not the banned one."""
    best, least = choice[f], np.inf
    if best != banned:
        least = _around(group, choice, f)
    for k in range(group.start[f + 1] - group.start[f]):
        if k != banned:
            choice[f] = k
            cost = _around(group, choice, f)
            if cost < least - _LESS:
                best, least = k, cost
    choice[f] = best


@njit(cache=True, nogil=True)
def _around(group: Group, choice: Ints, f: int) -> float:
    total = 0.0
    for k in range(group.border_start[f], group.border_start[f + 1]):
        total += _price(group, choice, group.border[k])
    return total


@njit(cache=True, nogil=True)
def _cost(group: Group, choice: Ints, entries: Ints, seen: Ints, turn: int) -> float:
    """Return the price of all borders of some faces, each once."""
    total = 0.0
    for e in entries:
        f = group.face_of[e]
        for k in range(group.border_start[f], group.border_start[f + 1]):
            b = group.border[k]
            if seen[b] != turn:
                seen[b] = turn
                total += _price(group, choice, b)
    return total


@njit(cache=True, nogil=True)
def _price(group: Group, choice: Ints, b: int) -> float:
    column = group.wide[b] * choice[group.left[b]] + choice[group.right[b]]
    return float(group.price[group.first[b] + column])
