"""Counts of several publications of the same land, and what can be known of them: `Chain`.

Two divisions are two trees behind one another, and their counts flow through a network; three are
none. So the land is cut into the parts that all divisions share, and every count is a sum over such
parts: of each division a part obeys the lowest told count above it. What is known of a sum is
then a question to linear programming (the auditing problem). Households are whole numbers, and
where there are three divisions the programme's corners need not be: ranges are vouched for by whole
numbers that agree with everything told, at both of their ends.

References
----------
Fischetti, M., Salazar, J. J. (2001). Solving the cell suppression problem on tabular data with
linear constraints. Management Science 47, 1008-1027.
Hundepool, A. et al. (2012). Statistical Disclosure Control. Wiley: chapter 4.
Huangfu, Q., Hall, J. A. J. (2018). Parallelizing the dual revised simplex method. Mathematical
Programming Computation 10, 119-142: the solver, HiGHS.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_array, eye_array, vstack
from scipy.sparse.csgraph import connected_components

from gridcell.disclosure.network import Bools, CellTree, Ints

Floats = NDArray[np.float64]

EXACT: Final = 1e-6
"""What the solver may be off by."""
_NODES: Final = 200
"""Of a search for whole numbers: a bound on work, not on time, for the same result everywhere."""
FEASIBLE: Final = 0
"""What the solver says where it found the best."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class ToldPieces:
    """What a publication tells of the land that its leaves share with those of the one before."""

    a: Ints
    """(p,) row of its own division."""
    b: Ints
    """(p,) row of the one before, -1 for land outside."""
    households: Ints
    """(p,) 0 where not told."""
    told: Bools
    single: Bools
    """(p,) whether it holds a single building, and is no cell: `linked.single_buildings`."""


NO_PIECES: Final = ToldPieces(
    a=np.empty(0, dtype=np.int64), b=np.empty(0, dtype=np.int64),
    households=np.empty(0, dtype=np.int64), told=np.empty(0, dtype=np.bool_),
    single=np.empty(0, dtype=np.bool_),
)  # fmt: skip


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class _CountsOf:
    """Where the counts of one division stand among all: cells, total, pieces."""

    parent: Ints
    leaf: Ints
    """(n,) of each part of the land, -1 where it is outside."""
    piece: Ints
    """(n,) count of the piece it is in, -1 for none."""
    cells: int
    """The first count; that of the total is the first after those of cells."""

    @property
    def total(self) -> int:
        return self.cells + len(self.parent)


class Chain:
    """Divisions of the same land, the newest first, and the parts that all of them share.

    Parameters
    ----------
    parts
        (n, m) row of the leaf of each part in each division, -1 for land outside it.
    divisions
        The newest, and those published before it, the latest first.
    crosswalks
        Of each with the next.
    """

    def __init__(
        self, parts: Ints, divisions: Sequence[CellTree], crosswalks: Sequence[ToldPieces]
    ) -> None:
        self.parts = parts
        n = len(parts)
        self._divisions: list[_CountsOf] = []
        rows: list[Ints] = []
        columns: list[Ints] = []
        told: list[Any] = []
        values: list[Any] = []
        sensitive: list[Any] = []
        single: list[Any] = []
        at = 0
        for k, (tree, crosswalk) in enumerate(zip(divisions, crosswalks, strict=True)):
            size = len(tree.code)
            piece = np.full(n, -1, dtype=np.int64)
            if len(crosswalk.a):
                # A last division's crosswalk would be with none that is at hand.
                key = pd.MultiIndex.from_arrays([crosswalk.a, crosswalk.b])
                own = pd.MultiIndex.from_arrays([parts[:, k], parts[:, k + 1]])
                piece = key.get_indexer(own).astype(np.int64)
                piece[piece >= 0] += at + size + 1
            division = _CountsOf(parent=tree.parent, leaf=parts[:, k], piece=piece, cells=at)
            self._divisions.append(division)
            inside = np.flatnonzero(division.leaf >= 0)
            for row, column in self._above(division):
                rows.append(at + row)
                columns.append(column)
            rows += [np.full(len(inside), division.total), piece[piece >= 0]]
            columns += [inside, np.flatnonzero(piece >= 0)]
            known = tree.known_total
            told += [tree.published, [known is not None], crosswalk.told]
            values += [tree.households, [known or 0], crosswalk.households]
            # A total that was never told is no count that anybody hid: layers have no sum.
            sensitive += [np.ones(size), [k == 0], np.ones(len(crosswalk.a))]
            single += [np.zeros(size + 1), crosswalk.single]
            at += size + 1 + len(crosswalk.a)
            if k == 0:
                self.newest = slice(0, at)
        self.told: Bools = np.concatenate(told).astype(np.bool_)
        """(c,) of each count: cells, total and pieces of each division."""
        self.households: Ints = np.concatenate(values).astype(np.int64)
        """(c,) what is told."""
        row, column = np.concatenate(rows), np.concatenate(columns)
        sums: Any = csr_array((np.ones(len(row)), (row, column)), shape=(at, n))
        # Where nobody can live there is nothing to know.
        self.sensitive: Bools = np.concatenate(sensitive).astype(np.bool_) & (sums.sum(axis=1) > 0)
        self.single: Bools = np.concatenate([*single, np.zeros(n)]).astype(np.bool_)
        """(c + n,) those of a single building that is no cell: sensitive however large they are."""
        self.sums: Any = vstack([sums, eye_array(n)]).tocsr()
        """(c + n, n) parts that each count is of; then each part by itself."""

    @staticmethod
    def _above(division: _CountsOf) -> list[tuple[Ints, Ints]]:
        """Return the cells above all parts, level by level from the leaves, and the parts."""
        out = []
        cell, part = division.leaf, np.arange(len(division.leaf))
        while len(part := part[cell >= 0]):
            cell = cell[cell >= 0]
            out.append((cell, part))
            cell = division.parent[cell]
        return out

    def lowest(self, told: Bools) -> Ints:
        """Return the lowest told count above each part in each division, -1 for none."""
        out = np.full(self.parts.shape, -1, dtype=np.int64)
        for k, division in enumerate(self._divisions):
            at = out[:, k]
            piece = division.piece
            there = np.flatnonzero(piece >= 0)
            there = there[told[piece[there]]]
            at[there] = piece[there]
            for cell, part in self._above(division):
                lower = (at[part] < 0) & told[division.cells + cell]
                at[part[lower]] = division.cells + cell[lower]
            if told[division.total]:
                at[(at < 0) & (division.leaf >= 0)] = division.total
        return out


class Ranges:
    """Between which bounds the sums of a chain may lie.

    Parameters
    ----------
    chain
        Its sums.
    households
        (n,) of the parts, agreeing with what is told.
    threshold
        As wide as a range is asked to be.
    """

    def __init__(self, chain: Chain, households: Floats, threshold: int) -> None:
        self._sums, self._threshold = chain.sums, threshold
        count: Floats = chain.sums @ households
        self._count, self._low, self._high = count, count.copy(), count.copy()

    def sum(self, number: int) -> Floats:
        """Return (n,) which parts a sum is of."""
        row: Floats = self._sums[[number]].toarray()[0]
        return row

    @property
    def narrow(self) -> Bools:
        """(c + n,) sums whose range is not known to be wide."""
        return np.asarray(self._high - self._low < self._threshold)

    def is_narrow(self, number: int) -> bool:
        """Tell whether the range of a sum is not known to be wide."""
        return bool(self._high[number] - self._low[number] < self._threshold)

    def note(self, deviations: Floats) -> None:
        """Widen the ranges of all sums by numbers that agree with everything told."""
        moved = self._count + self._sums @ deviations
        np.minimum(self._low, moved, out=self._low)
        np.maximum(self._high, moved, out=self._high)

    def bounds(self, number: int, system: "Deviations", *, note: bool = False) -> tuple[int, int]:
        """Return the least and greatest whole number that a sum can be, as far as asked.

        Parameters
        ----------
        number
            The sum.
        system
            What is told.
        note
            Whether what is found widens the ranges of others, parts of households too.
        """
        own, ends = self.sum(number), []
        for sign in (1, -1):
            here, _, moves, most = system.furthest(sign * own, self._threshold)
            ends.append(float(self._count[number]) + sign * most)
            if note and len(here):
                deviations = np.zeros(len(own))
                deviations[here] = moves
                self.note(deviations)
        return int(np.ceil(ends[1] - EXACT)), int(np.floor(ends[0] + EXACT))


class Deviations:
    """What follows for deviations from numbers that agree with all counts told.

    Parameters
    ----------
    lowest
        (n, m) of each part, as `Chain.lowest`.
    households
        (n,) of the parts, agreeing with what is told.
    known
        (n,) parts of which that is known anyway.
    """

    def __init__(self, lowest: Ints, households: Floats, known: Bools | None = None) -> None:
        self._households = households
        group = np.full(lowest.shape, -1, dtype=np.int64)
        group[lowest >= 0] = np.unique(lowest[lowest >= 0], return_inverse=True)[1]
        groups = int(group.max(initial=-1)) + 1
        n = len(households)
        fixed = np.zeros(n, dtype=np.bool_) if known is None else known.copy()
        while True:
            # Alone under a told count, a part is known; what is left under others counts anew.
            left = np.where(fixed[:, None], -1, group)
            size = np.bincount(left[left >= 0], minlength=groups)
            alone = left.copy()
            alone[left >= 0] = size[left[left >= 0]]
            single = (alone == 1).any(axis=1)
            if not single.any():
                break
            fixed |= single
        self.fixed: Bools = fixed
        """(n,) parts that cannot move."""
        part, column = np.nonzero(left >= 0)
        of = left[part, column]
        self._sums: Any = csr_array((np.ones(len(part)), (of, part)), shape=(groups, n))
        joined = csr_array((np.ones(len(part)), (part, n + of)), shape=(n + groups,) * 2)
        self._component = connected_components(joined, directed=False)[1][:n]

    def around(self, sums: Floats) -> tuple[Ints, Any]:
        """Return the parts that move with those of a sum, and rows of those that must make up.

        Parts that are known are none of them; each row's deviations add up to 0.
        """
        own = (sums != 0) & ~self.fixed
        moves = np.isin(self._component, np.unique(self._component[own])) & ~self.fixed
        here = np.flatnonzero(moves)
        rows = self._sums[:, here]
        return here, rows[np.flatnonzero(np.diff(rows.indptr))]

    def furthest(self, sums: Floats, enough: int) -> tuple[Ints, Any, Floats, float]:
        """Return deviations by which a sum grows as much as it can, parts of households as well.

        Parameters
        ----------
        sums
            (n,) 1 for the parts of the sum, -1 to let it shrink.
        enough
            By how much at most.

        Returns
        -------
        As `around`; the deviations there, and the growth.
        """
        here, rows = self.around(sums)
        if not len(here):
            return here, rows, np.empty(0), 0.0
        wanted = sums[here]
        bounds: Any = np.column_stack([-self._households[here], np.full(len(here), np.inf)])
        found: Any = linprog(
            -wanted, A_ub=wanted[None, :], b_ub=[float(enough)],
            A_eq=rows if rows.shape[0] else None,
            b_eq=np.zeros(rows.shape[0]) if rows.shape[0] else None,
            bounds=bounds, method="highs-ds",
        )  # fmt: skip
        if found.status != FEASIBLE:
            # As if nothing could move: who protects counts hides more, who audits names them.
            return here, rows, np.zeros(len(here)), 0.0
        return here, rows, found.x, -float(found.fun)

    def deviate(self, sums: Floats, enough: int) -> Floats:
        """Return whole deviations of all parts by which a sum grows as much as is found.

        Parameters
        ----------
        sums, enough
            As in `furthest`.
        """
        out = np.zeros(len(sums))
        here, rows, found, _ = self.furthest(sums, enough)
        least = -self._households[here]
        whole: Floats | None = np.rint(found)
        if not _agrees(rows, np.rint(found), least):
            wanted = sums[here]
            whole = solve_whole(-wanted, rows, least, (wanted, -np.inf, float(enough)))
        if whole is not None:
            out[here] = whole
        return out


def solve_whole(
    cost: Floats, rows: Any, least: Floats, limit: tuple[Floats, float, float]
) -> Floats | None:
    """Return the cheapest whole numbers whose rows add up to 0, that a bounded search finds.

    Parameters
    ----------
    cost, least
        (n,) of each number.
    rows
        (r, n) what adds up to 0.
    limit
        (n,) of one more row, and its bounds.
    """
    limits = [LinearConstraint(csr_array(limit[0][None, :]), *limit[1:])]
    if rows.shape[0]:
        limits.append(LinearConstraint(rows, 0.0, 0.0))
    found: Any = milp(
        cost, integrality=np.ones(len(cost), dtype=np.int64), constraints=limits,
        bounds=Bounds(least, np.inf),
        options={"node_limit": _NODES},
    )  # fmt: skip
    whole = None if found.x is None else np.rint(found.x)
    return whole if whole is not None and _agrees(rows, whole, least) else None


def _agrees(rows: Any, whole: Floats, least: Floats) -> bool:
    return bool((rows @ whole == 0).all() and (whole >= least).all())
