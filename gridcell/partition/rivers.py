"""Which atoms are neighbours: those of one community that no river keeps apart."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridcell.arrays import run_starts, spread
from gridcell.model import Fabric
from gridcell.schema import BARRIER_CLASSES

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_ON_RIVER = 1 + list(BARRIER_CLASSES).index("river")


def neighbouring(fabric: Fabric, atoms: Ints) -> Mask:
    """Return for each arc whether its two sides may be parts of one cell.

    They may where both are among the atoms and of one community, and no river keeps them apart: a
    bridge touches their common border, or at least half of it is off rivers.

    Land on which nobody lives, alone beyond a river, is not cut off, since it would make a cell of
    nobody: water between two banks, an island, a far strip. It goes with the lived-in bank that it
    has the longest border with. There each of its atoms keeps the neighbour with which it has the
    longest border, and those beside that one: all others would be reached across the water.

    Parameters
    ----------
    fabric
        The land.
    atoms
        (n,) rows of `fabric.atoms`, each once.

    Returns
    -------
    (arcs,) False as well for arcs beside other atoms.
    """
    n = len(atoms)
    number = np.full(len(fabric.atoms) + 1, -1, dtype=np.int64)
    number[atoms] = np.arange(n)
    community = np.append(fabric.atoms["community"].to_numpy(), -1)
    left, right = fabric.arc_left, fabric.arc_right
    inner: Mask = (number[left] >= 0) & (number[right] >= 0)
    inner &= community[left] == community[right]
    arc = np.flatnonzero(inner)
    closed = ~fabric.arc_open[arc]
    if not closed.any():
        return inner
    a, b = number[left[arc]], number[right[arc]]
    key, pair = np.unique(np.minimum(a, b) * n + np.maximum(a, b), return_inverse=True)
    metres = fabric.arc_length[arc]
    length = _total(pair, metres)
    over_river = _total(pair, metres * closed)
    bridged = np.bincount(pair, weights=~closed & (fabric.arc_barrier[arc] == _ON_RIVER)) > 0
    joined = bridged | (over_river <= length / 2)
    lived_in = fabric.atoms["households"].to_numpy()[atoms] > 0
    inner[arc] = _moor(key // n, key % n, length, joined, lived_in)[pair]
    return inner


def _moor(a: Ints, b: Ints, length: Floats, joined: Mask, lived_in: Mask) -> Mask:
    """Return the pairs that are neighbours, once land without households has gone to a bank.

    Parameters
    ----------
    a, b
        (pairs,) atoms with a common border, ``a < b``, ascending.
    length
        (pairs,) metres of it.
    joined
        (pairs,) whether no river keeps them apart.
    lived_in
        (atoms,) whether an atom holds households.
    """
    n = len(lived_in)
    joined = joined.copy()
    while True:
        piece = _components(a[joined], b[joined], n)
        lived = np.bincount(piece, weights=lived_in)[piece] > 0
        pair = np.flatnonzero(~joined & (lived[a] != lived[b]))
        if not len(pair):
            # What no lived-in land is near to stays together.
            return joined | ~(lived[a] | lived[b])
        shore = np.where(lived[a[pair]], a[pair], b[pair])
        empty = np.where(lived[a[pair]], b[pair], a[pair])
        links = _Links.of(a[joined], b[joined], n)
        bank = links.groups(piece[empty], shore)
        best = _longest(piece[empty], _total(bank, length[pair])[bank])
        pair, shore, empty = (x[bank == bank[best]] for x in (pair, shore, empty))
        best = _longest(empty, length[pair])
        joined[pair[(shore == shore[best]) | links.among(shore, shore[best])]] = True


def _total(group: Ints, metres: Floats) -> Floats:
    return np.bincount(group, weights=metres).astype(np.float64)


def _components(a: Ints, b: Ints, n: int) -> Ints:
    links = coo_array((np.ones(len(a), dtype=np.int8), (a, b)), shape=(n, n))
    return connected_components(links, directed=False)[1].astype(np.int64)


def _longest(group: Ints, length: Floats) -> Ints:
    """Return for each item the item of its group with the greatest length, the first of equals."""
    order = np.lexsort((np.arange(len(group)), -np.round(length, 6), group))
    first = run_starts(group[order])
    at = np.searchsorted(group[order][first], group)
    return order[first][at]


class _Links:
    """Pairs of neighbours, to be looked up."""

    def __init__(self, key: Ints, n: int) -> None:
        self.key, self.n = key, n
        self.first = np.searchsorted(key, np.arange(n + 1) * n)

    @classmethod
    def of(cls, a: Ints, b: Ints, n: int) -> "_Links":
        return cls(np.sort(np.concatenate([a * n + b, b * n + a])), n)

    def among(self, a: Ints, b: Ints) -> Mask:
        """Return whether `a` and `b` are neighbours."""
        return _found(self.key, a * self.n + b) >= 0

    def groups(self, owner: Ints, atom: Ints) -> Ints:
        """Return a number for each item: equal where atoms of one owner are connected."""
        item, of_item = np.unique(owner * self.n + atom, return_inverse=True)
        owner, atom = item // self.n, item % self.n
        source, place = spread(np.diff(self.first)[atom])
        near = self.key[self.first[atom][source] + place] % self.n
        target = _found(item, owner[source] * self.n + near)
        kept = target >= 0
        return _components(source[kept], target[kept], len(item))[of_item]


def _found(keys: Ints, wanted: Ints) -> Ints:
    """Return where each wanted key is among the sorted ones, -1 where it is not."""
    if not len(keys):
        return np.full(len(wanted), -1, dtype=np.int64)
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, at, -1)
