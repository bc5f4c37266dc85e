"""The linear programme of some blocks: the limits of people and posts, solved by HiGHS."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import coo_array, csr_array, hstack, vstack

from gridcell.arrays import run_starts
from gridcell.staff.problem import MM, Bools, Floats, Ints, Problem, RoleBlock

_NODES: Final = 200_000
"""Nodes of the search times variables: a limit that, unlike time, is the same on every machine."""
_INTEGRAL: Final = 1e-9
"""How near to whole numbers an optimum in fractions must be."""


class Pairs(NamedTuple):
    """Pairs that take part, as rows of a programme's entries and posts."""

    entry: Ints
    post: Ints
    metres: Floats


class Relaxed(NamedTuple):
    """An optimum in fractions of pairs."""

    share: Floats
    """One a pair."""
    value: float
    prices: Floats
    """One a constraint, at most 0; the last one of the extra constraint, if there is one."""


class Whole(NamedTuple):
    """A choice of pairs."""

    taken: Ints
    """Positions among the pairs."""
    value: float
    bound: float
    """No choice of these pairs has a smaller value."""


class Programme:
    """The constraints on pairs of some blocks.

    Rows: posts, people, entries, loads of people, loads of entries, then two a pair of entries
    that exclude each other. Each of these has a variable of its own, behind the pairs, that says
    which of the two may be used.
    """

    def __init__(self, problem: Problem, blocks: Sequence[RoleBlock]) -> None:
        self.blocks = blocks
        self.entries = np.concatenate([block.entries for block in blocks])
        self.posts = np.concatenate([block.posts for block in blocks])
        self._entry_at = np.cumsum([0, *(len(block.entries) for block in blocks)])
        self._post_at = np.cumsum([0, *(len(block.posts) for block in blocks)])
        ordered = np.sort(problem.entry_person[self.entries])
        people = ordered[run_starts(ordered)]
        self.person = np.searchsorted(people, problem.entry_person[self.entries])
        self._load = problem.post_load[self.posts]
        self._cells = np.maximum(problem.entry_cells[self.entries], 0).astype(np.float64)
        place = np.argsort(self.entries, kind="stable")
        rivals = np.array(list(problem.rivals(self.entries[place])), dtype=np.int64).reshape(-1, 2)
        self._rivals = place[np.searchsorted(self.entries[place], rivals)]
        upper = (
            problem.post_wanted[self.posts], problem.person_cells[people],
            problem.entry_cells[self.entries], problem.person_load[people],
            problem.entry_load[self.entries], np.zeros(len(rivals)),
            self._cells[self._rivals[:, 1]],
        )  # fmt: skip
        self._starts = np.cumsum([0, *map(len, upper)])
        self._upper = np.concatenate(upper).astype(np.float64)

    def pairs(self, masks: Sequence[Bools]) -> Pairs:
        """Return the pairs of the blocks that the masks hold."""
        parts = [np.nonzero(mask) for mask in masks]
        at = range(len(parts))
        return Pairs(
            np.concatenate([parts[b][0] + self._entry_at[b] for b in at]),
            np.concatenate([parts[b][1] + self._post_at[b] for b in at]),
            np.concatenate([self.blocks[b].cost[parts[b]] for b in at]) / MM,
        )

    def relax(
        self, pairs: Pairs, value: Floats, extra: tuple[Floats, float] | None = None
    ) -> Relaxed:
        """Return the optimum in fractions, and the prices of the constraints.

        Parameters
        ----------
        pairs
            What takes part.
        value
            (pairs,) to be made small in sum.
        extra
            One more constraint: coefficients of the pairs and the upper limit.
        """
        system, upper, finite = self._system(pairs, [] if extra is None else [extra])
        weights = np.append(value, np.zeros(len(self._rivals)))
        done = linprog(
            weights,
            A_ub=system,
            b_ub=upper,
            bounds=(0, 1),
            method="highs-ds",  # type: ignore[call-overload]  # the stubs know no sparse arrays
        )
        prices = np.zeros(len(finite))
        prices[finite] = done.ineqlin.marginals
        return Relaxed(done.x[: len(value)], float(done.fun), prices)

    def search(
        self,
        pairs: Pairs,
        value: Floats,
        extras: Sequence[tuple[Floats, float]] = (),
        *,
        even: Ints | None = None,
    ) -> Whole | None:
        """Return the best choice of whole pairs, or ``None`` where none was found in time.

        Parameters are those of `relax`; with `even`, (people,) how many posts each holds elsewhere,
        the value is instead how unevenly posts are shared out: 1 for a person's second post, 2
        more for the third, and so on.
        """
        system, upper, _ = self._system(pairs, extras)
        weights = np.append(value, np.zeros(len(self._rivals)))
        if even is not None:
            system, upper, weights = self._with_steps(pairs, system, upper, even)
        # Nearly every such programme has whole pairs among its optima in fractions, which are found
        # several times sooner.
        eased = linprog(
            weights, A_ub=system, b_ub=upper, bounds=(0, 1),
            method="highs-ds",  # type: ignore[call-overload]  # the stubs know no sparse arrays
        )  # fmt: skip
        if eased.x is not None and np.abs(eased.x - np.rint(eased.x)).max(initial=0.0) < _INTEGRAL:
            chosen = np.flatnonzero(eased.x[: len(value)] > 0.5)
            return Whole(chosen, float(eased.fun), float(eased.fun))
        done = milp(
            weights, integrality=np.ones(len(weights), dtype=np.int64), bounds=Bounds(0, 1),
            constraints=LinearConstraint(system, -np.inf, upper),
            options={
                "mip_rel_gap": 0.0,
                "node_limit": 1 + _NODES // len(weights),
            },
        )  # fmt: skip
        if done.x is None:
            return None
        bound = done.fun if done.mip_dual_bound is None else done.mip_dual_bound
        return Whole(np.flatnonzero(done.x[: len(value)] > 0.5), float(done.fun), float(bound))

    def reduced(self, value: Sequence[Floats], relaxed: Relaxed) -> list[Floats]:
        """Return by block what a pair adds to the relaxed optimum at least; 0 if it is in it.

        An extra constraint must have had the coefficient -1 for every pair.
        """
        at, prices = self._starts, relaxed.prices
        own = prices[at[1] : at[2]][self.person] + prices[at[2] : at[3]]
        load = prices[at[3] : at[4]][self.person] + prices[at[4] : at[5]]
        for side, first in enumerate(at[5:7]):
            np.add.at(own, self._rivals[:, side], prices[first : first + len(self._rivals)])
        extra = prices[at[7]] if len(prices) > at[7] else 0.0
        out = []
        for b, cost in enumerate(value):
            entry = slice(self._entry_at[b], self._entry_at[b + 1])
            post = slice(self._post_at[b], self._post_at[b + 1])
            of_load = load[entry][:, None] * self._load[post][None, :]
            out.append(cost - own[entry][:, None] - of_load - prices[post][None, :] + extra)
        return out

    def _system(
        self, pairs: Pairs, extras: Sequence[tuple[Floats, float]]
    ) -> tuple[csr_array, Floats, Bools]:
        """Return constraints with a limit, their limits, and which of all constraints they are."""
        n, at, idle = len(pairs.entry), self._starts, np.zeros(len(self._rivals))
        load, pair, person = self._load[pairs.post], np.arange(n), self.person[pairs.entry]
        rows = [
            pairs.post,
            at[1] + person,
            at[2] + pairs.entry,
            at[3] + person,
            at[4] + pairs.entry,
        ]
        columns = [pair] * 5
        values = [np.ones(n)] * 3 + [load] * 2
        order = np.argsort(pairs.entry, kind="stable")
        for side, sign in ((0, -1.0), (1, 1.0)):
            rival = self._rivals[:, side]
            first, last = (np.searchsorted(pairs.entry[order], rival, where) for where in _SIDES)
            count = last - first
            nth = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
            row = at[5 + side] + np.arange(len(rival))
            rows += [np.repeat(row, count), row]
            columns += [order[np.repeat(first, count) + nth], n + np.arange(len(rival))]
            values += [np.ones(len(nth)), sign * self._cells[rival]]
        system = coo_array(
            (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))),
            shape=(len(self._upper), n + len(idle)),
        ).tocsr()
        finite = np.isfinite(self._upper)
        added = [csr_array(np.append(of_pair, idle)[None, :]) for of_pair, _ in extras]
        return (
            vstack([system[finite], *added], format="csr"),
            np.append(self._upper[finite], [limit for _, limit in extras]),
            np.append(finite, np.ones(len(extras), dtype=bool)),
        )

    def _with_steps(
        self, pairs: Pairs, system: csr_array, upper: Floats, held: Ints
    ) -> tuple[csr_array, Floats, Floats]:
        """Return the system with a variable for each post that a person may hold."""
        person = self.person[pairs.entry]
        most = np.bincount(person, minlength=len(held))
        whose = np.repeat(np.arange(len(held)), most)
        nth = np.arange(len(whose)) - np.repeat(np.cumsum(most) - most, most)
        columns = np.concatenate([np.arange(len(person)), system.shape[1] + np.arange(len(whose))])
        sign = np.repeat([1.0, -1.0], [len(person), len(whose)])
        steps = coo_array(
            (sign, (np.concatenate([person, whose]), columns)),
            shape=(len(held), system.shape[1] + len(whose)),
        ).tocsr()  # fmt: skip
        wider = hstack([system, csr_array((system.shape[0], len(whose)))], format="csr")
        weights = np.zeros(steps.shape[1])
        weights[-len(whose) :] = held[whose] + nth
        return (
            vstack([wider, steps], format="csr"),
            np.append(upper, np.zeros(len(held))),
            weights,
        )


_SIDES: Final = ("left", "right")
