"""Which counts to suppress after several publications of the same land: `suppress_in_chain`.

Of each count that is hidden, and of each small number of households that live on land which no
single count is of, the range of numbers that agree with everything ever told must be as wide as the
threshold. Where it is not, a linear programme finds the told counts that must move for it to be
wider, those with the fewest households, and they are hidden with it.

References
----------
Fischetti, M., Salazar, J. J. (2001). Solving the cell suppression problem on tabular data with
linear constraints. Management Science 47, 1008-1027.
Kelly, J. P., Golden, B. L., Assad, A. A. (1992). Cell suppression: disclosure protection for
sensitive tabular data. Networks 22, 397-417: the programme, of which each count gets its own.
"""

from typing import Any

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array, eye_array, hstack, vstack

from gridcell.disclosure.chain import (
    EXACT,
    FEASIBLE,
    Chain,
    Deviations,
    Floats,
    Ranges,
    solve_whole,
)
from gridcell.disclosure.intervals import gives_away
from gridcell.disclosure.network import Bools, Ints


def suppress_in_chain(
    chain: Chain, households: Ints, told: Bools, secret: Bools, threshold: int
) -> tuple[Bools, Ints]:
    """Return which counts to tell, and which of those not told stay exposed.

    Parameters
    ----------
    chain
        The newest division and those before it.
    households
        (n,) of each part of the land.
    told
        (c,) counts that are told; of the newest division they may be hidden.
    secret
        (c + n,) of `Chain.sums`, which are not to be worked out. A count hidden for the sake of
        others is kept uncertain too, as long as it can be.
    threshold
        Least width of a range.

    Returns
    -------
    (c,) counts that are told, and the numbers of sums that are given away even if nothing
    is told of the newest division around them, by what was published before or because no whole
    numbers are found that vouch for a wider range: secret ones, and such as may be small for
    all that anybody knows.
    """
    search = _ChainSuppression(chain, households.astype(np.float64), told, secret, threshold)
    search.run()
    return search.told, search.given_away()


class _ChainSuppression:
    def __init__(
        self, chain: Chain, households: Floats, told: Bools, secret: Bools, threshold: int
    ) -> None:
        self._chain, self._households, self._threshold = chain, households, threshold
        self._secret = secret
        self.told = told.copy()
        self._system = Deviations(chain.lowest(self.told), households)
        bare = told.copy()
        bare[chain.newest] = False
        self._before = Deviations(chain.lowest(bare), households)
        self._count: Floats = chain.sums @ households
        # Every number found that agrees with what is told widens the range of all sums.
        self._ranges = Ranges(chain, households, threshold)
        self._exposed: set[int] = set()

    def run(self) -> None:
        while len(todo := self._narrow()):
            for number in todo.tolist():
                if not self._widen(number):
                    self._protect(number)

    def given_away(self) -> Ints:
        exposed = [
            number for number in sorted(self._exposed)
            if self._secret[number] or self._is_given_away(number)
        ]  # fmt: skip
        return np.array(exposed, dtype=np.int64)

    def _is_given_away(self, number: int) -> bool:
        low, high = self._ranges.bounds(number, self._system)
        single = self._chain.single[number]
        return bool(gives_away(low, high, threshold=self._threshold, single=single))

    def _narrow(self) -> Ints:
        """Return the sums whose range is not known to be wide."""
        asked = self._secret.copy()
        asked[: len(self.told)] |= self._chain.sensitive & ~self.told
        asked[list(self._exposed)] = False
        return np.flatnonzero(asked & self._ranges.narrow)

    def _widen(self, number: int) -> bool:
        """Tell whether the range of a sum is wide, as things are told."""
        own = self._ranges.sum(number)
        for sign in (1, -1):
            if not self._ranges.is_narrow(number):
                return True
            self._ranges.note(self._system.deviate(sign * own, self._threshold))
        return not self._ranges.is_narrow(number)

    def _protect(self, number: int) -> None:
        """Hide other counts until the range of a sum is wide, or name it as exposed."""
        own = self._ranges.sum(number)
        up, down = (
            int(np.floor(self._before.furthest(sign * own, self._threshold)[3] + EXACT))
            for sign in (1, -1)
        )
        if up + down < self._threshold:
            self._exposed.add(number)
            return
        amounts = (up, self._threshold - up)
        for whole in (False, True):
            for sign, amount in zip((1, -1), amounts, strict=True):
                if amount > 0:
                    self._hide_cheapest(sign * own, amount, whole=whole)
            if self._widen(number):
                return
        # All that is told of the land around.
        here, _ = self._before.around(own)
        self._hide(self._chain.sums[:, here].sum(axis=1)[: len(self.told)] > 0)
        if not self._widen(number):
            self._exposed.add(number)

    def _hide(self, counts: Bools) -> None:
        newest = np.zeros_like(self.told)
        newest[self._chain.newest] = True
        self.told &= ~(counts & newest)
        self._system = Deviations(self._chain.lowest(self.told), self._households)

    def _hide_cheapest(self, own: Floats, amount: int, *, whole: bool) -> None:
        """Hide the counts that must move for a sum to grow, those with the fewest households."""
        here, rows = self._before.around(own)
        counts = np.flatnonzero(self.told[self._chain.newest])
        sums = self._chain.sums[counts][:, here]
        met = np.diff(sums.indptr) > 0
        counts, sums = counts[met], sums[np.flatnonzero(met)]
        n, m = len(here), len(counts)
        # Deviations of the parts; by how much each count grows, and by how much it shrinks.
        moves = hstack([sums, -eye_array(m), eye_array(m)])
        balance = hstack([rows, csr_array((rows.shape[0], 2 * m))])
        equal: Any = vstack([balance, moves]).tocsr()
        least = np.concatenate([-self._households[here], np.zeros(2 * m)])
        weight = 1.0 + self._count[counts]
        cost = np.concatenate([np.zeros(n), weight, weight])
        wanted = np.concatenate([own[here], np.zeros(2 * m)])
        if whole:
            solution = solve_whole(cost, equal, least, (wanted, float(amount), float(amount)))
        else:
            bounds: Any = np.column_stack([least, np.full(len(least), np.inf)])
            bounded: Any = vstack([equal, csr_array(wanted[None, :])]).tocsr()
            found = linprog(
                cost, A_eq=bounded,
                b_eq=np.append(np.zeros(equal.shape[0]), float(amount)),
                bounds=bounds, method="highs-ds",
            )  # fmt: skip
            solution = found.x if found.status == FEASIBLE else None
        if solution is None:
            return
        moved = np.zeros_like(self.told)
        moved[counts[np.abs(sums @ solution[:n]) > EXACT]] = True
        self._hide(moved)
