"""Who gets each contested face: so that cells accept as little border as possible they never drew.

Every cell drew its own outline. Where two outlines disagree, one of the two cells has to accept the
other's line. The length of all border that somebody has to accept is what `settle` makes least: a
line on which two neighbours agree costs nothing, a line that one of them drew costs its length
once, a line that nobody drew twice. Giving up a line on which two neighbours agreed costs its
length too. So borders that others share win over borders that nobody shares; where the evidence
is even, the shorter border wins: a piece goes to the neighbour with the longest border on it.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridcell.arrays import run_starts, spread

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

NOBODY: Final = -1
"""Label of land that stays outside all cells."""

_AGREED: Final = 1.0
"""What it costs to give up a metre of border on which two neighbours agreed."""
_EXHAUSTED: Final = 4096
"""All ways to settle a group of faces are compared while there are no more than this."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Claims:
    """Faces, which cells hold them, and who may get those that are contested."""

    faces: int
    cells: int
    left: Ints
    """(borders,) a face …"""
    right: Ints
    """(borders,) … and its neighbour, -1 outside all faces."""
    length: Floats
    """(borders,) what they share."""
    held: tuple[Ints, Ints]
    """Face and cell of each pair that hold each other, sorted by both."""
    owner: Ints
    """(faces,) the cell of each face that is not contested, `NOBODY` for holes; else ignored."""
    choice: tuple[Ints, Ints]
    """Face and cell that may get it, sorted by face: the contested faces, each at least once."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Settled:
    """Who got each face, and how clear that was."""

    owner: Ints
    """(faces,) the cell, `NOBODY` for none."""
    margin: Floats
    """(faces,) by how much more border cells had to accept if another one got the face; infinite
    where there was no choice."""
    by_evidence: NDArray[np.bool_]
    """(faces,) whether borders on which neighbours agree decided; else the longest border did."""


def settle(claims: Claims) -> Settled:
    """Return the owners that make cells accept as little border as possible they did not draw."""
    owner = claims.owner.copy()
    face, label = claims.choice
    count = np.bincount(face, minlength=claims.faces)
    # A single choice is no question.
    single = count[face] == 1
    owner[face[single]] = label[single]
    table = _Table(claims, owner, count > 1)
    for group in table.groups():
        table.settle(group)
    return Settled(owner=table.owner, margin=table.margin, by_evidence=table.by_evidence)


class _Table:
    """The borders of faces that are asked for, with what each choice on their two sides costs."""

    def __init__(self, claims: Claims, owner: Ints, asked: NDArray[np.bool_]) -> None:
        self.owner = owner
        self.asked = asked
        self.margin = np.full(claims.faces, np.inf)
        self.by_evidence = np.zeros(claims.faces, dtype=bool)
        right = claims.right
        met = asked[claims.left] | (asked[right] & (right >= 0))
        self.left, self.right = claims.left[met], right[met]
        self.length = claims.length[met]
        face, label = claims.choice
        keep = asked[face]
        face, label = face[keep], label[keep]
        self.start = np.searchsorted(face, np.arange(claims.faces + 1))
        self.label = label
        self.cells = claims.cells
        # A last key that is never asked for, so that every search ends inside.
        held = claims.held[0] * claims.cells + claims.held[1]
        self._key = np.append(held, np.iinfo(np.int64).max)
        self._price()

    def _holds(self, face: Ints, cell: Ints) -> NDArray[np.bool_]:
        key = face * self.cells + cell
        found: NDArray[np.bool_] = self._key[np.searchsorted(self._key, key)] == key
        return found & (face >= 0) & (cell >= 0)

    def _price(self) -> None:
        """Compute for each border what each pair of choices costs."""
        n_left, n_right = self._choices(self.left), self._choices(self.right)
        border, nth = spread(n_left * n_right)
        i, j = nth // n_right[border], nth % n_right[border]
        one = self._label(self.left[border], i)
        two = self._label(self.right[border], j)
        f, g = self.left[border], self.right[border]
        drew_one = (one == NOBODY) | (self._holds(f, one) & ~self._holds(g, one))
        drew_two = (two == NOBODY) | (self._holds(g, two) & ~self._holds(f, two))
        apart = one != two
        accepted = apart * (2.0 - drew_one - drew_two)
        self.agreed = self._agreed()
        given_up = self.agreed[border] & ~(apart & drew_one & drew_two)
        price = self.length[border] * (accepted + _AGREED * given_up)
        self.first = np.concatenate([[0], np.cumsum(n_left * n_right)])
        self.wide = n_right
        self.price = price

    def _agreed(self) -> NDArray[np.bool_]:
        """Tell on which borders a cell on one side and another on the other side agree."""
        drawn = []
        for here, there in ((self.left, self.right), (self.right, self.left)):
            low = np.searchsorted(self._key, here * self.cells)
            high = np.searchsorted(self._key, (here + 1) * self.cells)
            count = np.where(here >= 0, high - low, 0)
            border, nth = spread(count)
            cell = self._key[low[border] + nth] % self.cells
            only = ~self._holds(there[border], cell)
            drawn.append(np.bincount(border[only], minlength=len(here)) > 0)
        return np.asarray(drawn[0] & drawn[1])

    def _choices(self, face: Ints) -> Ints:
        """Return the number of choices of faces: 1 where nothing is asked."""
        asked = self.asked[face] & (face >= 0)
        return np.where(asked, self.start[face + 1] - self.start[face], 1)

    def _label(self, face: Ints, nth: Ints) -> Ints:
        asked = self.asked[face] & (face >= 0)
        known = np.where(face >= 0, self.owner[face], NOBODY)
        place = np.where(asked, self.start[face] + nth, 0)
        return np.where(asked, self.label[place], known)

    def groups(self) -> list[Ints]:
        """Return the borders of each group of faces whose choices depend on each other."""
        both = self.asked[self.left] & self.asked[self.right] & (self.right >= 0)
        count = len(self.asked)
        graph = coo_array(
            (np.ones(int(both.sum()), bool), (self.left[both], self.right[both])),
            shape=(count, count),
        )
        _, group = connected_components(graph, directed=False)
        face = np.where(self.asked[self.left], self.left, self.right)
        of = group[face]
        order = np.argsort(of, kind="stable")
        bounds = np.append(run_starts(of[order]), len(order))
        return [order[a:b] for a, b in pairwise(bounds.tolist())]

    def settle(self, borders: Ints) -> None:
        """Choose for the faces of a group of borders."""
        left, right = self.left[borders], self.right[borders]
        both = np.concatenate([left, right[right >= 0]])
        faces = np.unique(both[self.asked[both]])
        sizes = self.start[faces + 1] - self.start[faces]
        group = _FaceGroup(
            sizes=sizes,
            labels=[self.label[self.start[f] : self.start[f + 1]] for f in faces.tolist()],
            left=self._place(faces, left),
            right=self._place(faces, right),
            first=self.first[borders],
            wide=self.wide[borders],
            price=self.price,
        )
        choice, self.margin[faces] = group.best()
        self.owner[faces] = self.label[self.start[faces] + choice]
        longest = self._longest(borders, faces)
        self.by_evidence[faces] = self.agreed[borders].any() | (longest != self.owner[faces])

    def _longest(self, borders: Ints, faces: Ints) -> Ints:
        """Return for each face the one of its choices with the longest border on it."""
        face = np.concatenate([self.left[borders], self.right[borders]])
        other = np.concatenate([self.right[borders], self.left[borders]])
        length = np.tile(self.length[borders], 2)
        mine = self.asked[face] & (face >= 0)
        face, other, length = face[mine], other[mine], length[mine]
        owner = np.where(other >= 0, self.owner[other], NOBODY)
        key = face * (self.cells + 1) + owner + 1
        sums, place = np.unique(key, return_inverse=True)
        total = np.append(np.bincount(place, length), 0.0)
        row, nth = spread(self.start[faces + 1] - self.start[faces])
        label = self.label[self.start[faces[row]] + nth]
        wanted = faces[row] * (self.cells + 1) + label + 1
        at = np.minimum(np.searchsorted(sums, wanted), len(sums) - 1)
        shared = np.round(np.where(sums[at] == wanted, total[at], 0.0), 9)
        order = np.lexsort((nth, -shared, row))
        return np.asarray(label[order[run_starts(row[order])]])

    def _place(self, faces: Ints, of: Ints) -> Ints:
        """Return where faces stand in a group, `len(faces)` for those outside it."""
        place = np.minimum(np.searchsorted(faces, of), len(faces) - 1)
        return np.where(faces[place] == of, place, len(faces))


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class _FaceGroup:
    """Faces whose choices depend on each other, numbered from 0."""

    sizes: Ints
    labels: list[Ints]
    left: Ints
    right: Ints
    first: Ints
    wide: Ints
    price: Floats

    def best(self) -> tuple[Ints, Floats]:
        """Return the cheapest choices, of all where they are few, and the margin of each face."""
        if np.log2(self.sizes).sum() <= np.log2(_EXHAUSTED):
            ways = np.indices(tuple(self.sizes)).reshape(len(self.sizes), -1)
            cost = self.cost(ways)
            best = ways[:, np.argmin(np.round(cost, 9))]
            other = np.where(ways != best[:, None], cost, np.inf).min(axis=1)
            return best, np.maximum(other - cost.min(), 0.0)
        best = self._searched()
        return best, self._flipped_margin(best)

    def cost(self, ways: Ints) -> Floats:
        """Return the cost of each column of choices, (faces, ways)."""
        padded = np.vstack([ways, np.zeros((1, ways.shape[1]), dtype=np.int64)])
        place = self.first[:, None] + padded[self.left] * self.wide[:, None] + padded[self.right]
        total: Floats = self.price[place].sum(axis=0)
        return total

    def _searched(self) -> Ints:
        """Return choices that no change of one face, nor of one cell everywhere, makes cheaper."""
        # numba takes longer to import than most layers take to settle.
        from gridcell.coverage.kernels import Group, improve

        faces = len(self.sizes)
        label = np.concatenate(self.labels)
        by_cell = np.argsort(label, kind="stable")
        side = np.concatenate([self.left, self.right])
        inner = np.flatnonzero(side < faces)
        inner = inner[np.argsort(side[inner], kind="stable")]
        group = Group(
            start=np.concatenate([[0], np.cumsum(self.sizes)]),
            label=label,
            face_of=np.repeat(np.arange(faces), self.sizes),
            cell_start=np.append(run_starts(label[by_cell]), len(label)),
            cell_entry=by_cell,
            border_start=np.searchsorted(side[inner], np.arange(faces + 1)),
            border=np.tile(np.arange(len(self.left)), 2)[inner],
            left=self.left,
            right=self.right,
            first=self.first,
            wide=self.wide,
            price=self.price,
        )
        choice = np.zeros(faces + 1, dtype=np.int64)
        improve(group, choice)
        return choice[:faces]

    def _flipped_margin(self, best: Ints) -> Floats:
        """Return by how much the best other choice of each face alone would be dearer."""
        face, nth = spread(self.sizes)
        padded = np.append(best, 0)
        at = [(padded[side], side) for side in (self.left, self.right)]
        now = self.price[self.first + at[0][0] * self.wide + at[1][0]]
        dearer = np.zeros(len(face))
        begin = np.concatenate([[0], np.cumsum(self.sizes)])
        for own, (_, side) in enumerate(at):
            theirs = at[1 - own][0]
            inner = np.flatnonzero(side < len(self.sizes))
            row, choice = spread(self.sizes[side[inner]])
            border = inner[row]
            pair = (choice, theirs[border]) if own == 0 else (theirs[border], choice)
            price = self.price[self.first[border] + pair[0] * self.wide[border] + pair[1]]
            dearer += np.bincount(
                begin[side[border]] + choice, price - now[border], minlength=len(face)
            )
        dearer[nth == best[face]] = np.inf
        margin = np.full(len(self.sizes), np.inf)
        np.minimum.at(margin, face, dearer)
        return np.asarray(np.maximum(margin, 0.0))
