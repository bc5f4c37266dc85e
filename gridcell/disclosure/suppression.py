"""Which counts to suppress so that sums do not give small ones away: `suppress`.

Primary suppression: counts under the minimum cell count, the threshold. Complementary (secondary)
suppression: others with them, until whoever knows every count that is published still finds, for
each suppressed one, a feasibility interval at least as wide as the threshold: a sliding protection
level (`gridcell.disclosure.intervals` says how intervals are found). The heuristic is Cox's: for
each count in turn the cycle that suppresses the fewest others. Where no single cycle is wide
enough, maximum flows measure what several give together, and more is suppressed until it is enough.

References
----------
Cox, L. H. (1995). Network models for complementary cell suppression. Journal of the American
Statistical Association 90, 1453-1462.
Fischetti, M., Salazar, J. J. (2001). Solving the cell suppression problem on tabular data with
linear constraints. Management Science 47, 1008-1027.
Hundepool, A. et al. (2012). Statistical Disclosure Control. Wiley.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gridcell.disclosure.cycles import Block, cheapest_cycle
from gridcell.disclosure.intervals import Ints, SuppressedCounts, blocks


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Suppression:
    """Which counts of a table to suppress."""

    suppressed: NDArray[np.bool_]
    """(n,) primary and complementary ones. Which is which must not be published."""
    exposed: NDArray[np.bool_]
    """(n,) suppressed counts whose interval stays narrower than the threshold whatever is
    suppressed: what must be published gives them away, as public totals do for the only count of a
    row."""


def suppress(
    tail: Ints,
    head: Ints,
    count: Ints,
    *,
    threshold: int,
    suppressed: NDArray[np.bool_] | None = None,
    nonsensitive: NDArray[np.bool_] | None = None,
) -> Suppression:
    """Return which counts to suppress.

    For each suppressed count that is not `Suppression.exposed`, the whole numbers from 0 that agree
    with all counts published reach over an interval of at least `threshold`.

    Parameters
    ----------
    tail, head
        (n,) nodes, numbered from 0, that each count leads from and to: see
        `disclosure.intervals`. Sums that must be published, and counts that everybody knows, are
        left out. A two-way table with public totals has an arc from its row to its column for each
        count.
    count
        (n,) whole numbers from 0. Zeros may be suppressed to protect others, and are not small.
    threshold
        Minimum cell count and width of intervals: counts from 1 to one below it are suppressed; 0
        suppresses nothing.
    suppressed
        (n,) counts that are suppressed already, whatever they are, and to be protected too.
    nonsensitive
        (n,) counts that are not known either, and that need no protection.

    Examples
    --------
    Two in a row and column of four counts; one alone would follow from public totals.

    >>> import numpy as np
    >>> row, column = np.array([0, 0, 1, 1]), np.array([2, 3, 2, 3])
    >>> suppress(row, column, np.array([3, 9, 20, 7]), threshold=5).suppressed.tolist()
    [True, True, True, True]
    """
    safe = np.zeros(len(count), dtype=bool) if nonsensitive is None else nonsensitive.copy()
    primary = (count > 0) & (count < threshold) | safe
    if suppressed is not None:
        primary |= suppressed
    out, exposed = primary.copy(), np.zeros(len(count), dtype=bool)
    if not primary.any() or threshold < 1:
        return Suppression(suppressed=out, exposed=exposed)
    block = blocks(tail, head)
    order = np.argsort(block, kind="stable")
    for number in np.unique(block[primary]):
        here = order[slice(*np.searchsorted(block[order], [number, number + 1]))]
        _, node = np.unique(np.concatenate([tail[here], head[here]]), return_inverse=True)
        protection = _Protection(node[: len(here)], node[len(here) :], count[here], threshold)
        out[here], exposed[here] = protection.run(primary[here], safe[here])
    return Suppression(suppressed=out, exposed=exposed)


class _Protection:
    """Complementary suppression in one block of the network."""

    def __init__(self, tail: Ints, head: Ints, count: Ints, threshold: int) -> None:
        self._arrays = tail, head, count
        self._block = Block(tail, head, count)
        self._threshold = threshold

    def run(
        self, primary: NDArray[np.bool_], nonsensitive: NDArray[np.bool_]
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return what to suppress, and what stays exposed even so."""
        suppressed, safe = primary.copy(), nonsensitive.copy()
        exposed = np.zeros(len(primary), dtype=bool)
        while len(todo := np.flatnonzero(suppressed & ~safe & ~exposed)):
            for arc in todo.tolist():
                if safe[arc]:
                    continue
                steps = cheapest_cycle(
                    self._block, arc, suppressed, deviation=self._threshold
                ).steps
                if steps is not None:
                    # What goes round moves every count on the cycle by the threshold.
                    on_cycle = [step.arc for step in steps]
                    suppressed[on_cycle] = True
                    safe[[arc, *on_cycle]] = True
                    continue
                enough = self._protect_by_several(arc, suppressed)
                safe[arc], exposed[arc] = enough is not None, enough is None
                if enough is not None:
                    suppressed = enough
        return suppressed, exposed

    def _protect_by_several(
        self, arc: int, suppressed: NDArray[np.bool_]
    ) -> NDArray[np.bool_] | None:
        """Return what to suppress so that several cycles protect a count, if they can."""
        out = suppressed.copy()
        width, exhaustive = self._add_cycles(arc, out)
        if width >= self._threshold:
            return out
        if width == 0 and exhaustive:
            return None
        if not self._is_wide(arc, np.ones_like(out)):
            return None
        while not self._is_wide(arc, out):
            self._suppress_nearby(arc, out)
        return out

    def _add_cycles(self, arc: int, suppressed: NDArray[np.bool_]) -> tuple[int, bool]:
        """Suppress cycles that let a count grow and shrink by the threshold in all.

        Returns
        -------
        How wide they make its interval, and whether all of the network was searched.
        """
        width, exhaustive = 0, True
        for down in (False, True):
            wanted = self._threshold - width
            if down:
                wanted = min(wanted, self._block.count[arc])
            spent: dict[int, int] = {}
            while wanted > 0:
                cycle = cheapest_cycle(
                    self._block, arc, suppressed, deviation=1, down=down, spent=spent
                )
                exhaustive &= cycle.exhaustive
                if not cycle.steps:
                    break
                shrinking = [step.arc for step in cycle.steps if step.shrinks]
                lasts = [self._block.count[k] - spent.get(k, 0) for k in shrinking]
                amount = min([wanted, *lasts])
                for k in shrinking:
                    spent[k] = spent.get(k, 0) + amount
                suppressed[[step.arc for step in cycle.steps]] = True
                wanted -= amount
                width += amount
        return width, exhaustive

    @cached_property
    def _all(self) -> SuppressedCounts:
        return SuppressedCounts(*self._arrays)

    def _is_wide(self, arc: int, suppressed: NDArray[np.bool_]) -> bool:
        """Tell whether a count's interval is wide enough if these are suppressed."""
        if suppressed.all():
            return sum(self._all.deviations(arc, self._threshold)) >= self._threshold
        where = np.flatnonzero(suppressed)
        counts = SuppressedCounts(*(values[where] for values in self._arrays))
        number = int(np.searchsorted(where, arc))
        return sum(counts.deviations(number, self._threshold)) >= self._threshold

    def _suppress_nearby(self, arc: int, suppressed: NDArray[np.bool_]) -> None:
        """Suppress what lies around a count, at its ends or as near as there is any."""
        block = self._block
        nodes = {block.tail[arc], block.head[arc]}
        while True:
            reached = [k for node in sorted(nodes) for k in block.arcs(node)]
            if fresh := [k for k in reached if not suppressed[k]]:
                suppressed[fresh] = True
                return
            nodes.update(block.tail[k] for k in reached)
            nodes.update(block.head[k] for k in reached)
