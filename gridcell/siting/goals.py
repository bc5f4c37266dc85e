"""Sites chosen on distances that somebody brings: the goals of location science."""

from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gridcell.arguments import checked
from gridcell.errors import InputError
from gridcell.siting.capacity import choose_with_room, serve_within
from gridcell.siting.centre import least_distance
from gridcell.siting.cover import fewest_sites, most_covered, parts_of
from gridcell.siting.kernels import Bools, Floats, Ints, serve
from gridcell.siting.median import least_cost
from gridcell.siting.reach import SiteCosts, reach_of, replace_limits
from gridcell.siting.search import Chosen, improve
from gridcell.words.messages import Message

Goal = Literal["median", "cover", "fewest", "centre"]
GOALS: Final[tuple[str, ...]] = get_args(Goal)
_FAR: Final = 2.0
"""A place that no site reaches counts as so many times the farthest distance there is."""
_FIRST: Final = 1e4
"""How much more the goal counts than the way, where of equal sites the nearer are wanted."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class SiteChoice:
    """Sites for a goal, whom they serve, and how good that is."""

    goal: str
    sites: Ints
    """Rows of the sites, ascending."""
    nearest: Ints
    """(places,) row of the site that serves each; -1 where none does."""
    distance_m: Floats
    """(places,) how far it is; infinite where none does."""
    objective: float
    """median: metres times weight, a place without a site counting as twice the farthest distance;
    cover: weight within reach; fewest: sites; centre: metres to the farthest."""
    bound: float
    """No choice is better than this."""

    @property
    def gap(self) -> float:
        """By which share of the objective it could be better at most."""
        away = abs(self.objective - self.bound)
        return 0.0 if away <= 1e-9 * max(1.0, abs(self.objective)) else away / abs(self.objective)


def goal_of(goal: str | None, count: int | None, within: float | None) -> Goal:
    """Return the goal that is meant by what is given.

    Raises
    ------
    InputError
        Something is missing, or too much.
    """
    if goal is None:
        if count is None and within is None:
            raise InputError(Message("error.siting_nothing"))
        goal = "fewest" if count is None else "median" if within is None else "cover"
    needed = {
        "median": (True, False), "cover": (True, True), "fewest": (False, True),
        "centre": (True, False),
    }  # fmt: skip
    if goal not in needed:
        raise InputError(Message("error.siting_goal", goal=goal, goals=list(GOALS)))
    if needed[goal] != (count is not None, within is not None):
        raise InputError(Message("error.siting_needs", goal=goal))
    if count is not None and count < 1:
        raise InputError(Message("error.siting_count", count=count))
    if within is not None and not (within > 0 and np.isfinite(within)):
        raise InputError(Message("error.siting_within", within=str(within)))
    return goal  # type: ignore[return-value]


@checked
def choose_sites(
    distances: "NDArray[np.float64] | sparse.csr_array",
    weights: NDArray[np.float64],
    *,
    goal: str | None = None,
    count: int | None = None,
    within: float | None = None,
    locked: NDArray[np.bool_] | None = None,
    capacity: NDArray[np.float64] | None = None,
    known_m: float | None = None,
) -> SiteChoice:
    """Return the sites that serve places best, with a bound that tells how good they are.

    Of sites that are equal for the goal those are taken that are nearer to people, as far as swaps
    find them, then the first in the order of the rows. The answer depends on nothing else: neither
    on the clock nor on the machine's load.

    Parameters
    ----------
    distances
        (places, sites) metres, ``inf`` where there is no way; or sparse, where what is not stored
        is out of reach.
    weights
        (places,) households or whatever is served, not negative.
    goal
        ``median``: least metres times weight with `count` sites (Hakimi 1964); ``cover``: most
        weight within `within` metres of `count` sites (Church & ReVelle 1974); ``fewest``: as few
        sites as reach all places with weight within `within` metres (Toregas et al. 1971), those
        that no site reaches left out; ``centre``: the farthest place with weight as near as can be
        with `count` sites. By default what `count` and `within` ask for. Places that no site at all
        reaches do not count for any goal; nor, for ``centre``, those beyond the `count` parts with
        most weight between which there is no way.
    count
        Sites, the locked ones included.
    within
        Metres.
    locked
        (sites,) which are there in any case.
    capacity
        (sites,) most weight that each can serve, infinite where there is no such number. Places
        are served as wholes, by the nearest site that has room; where none has, by the nearest.
    known_m
        Of sparse distances: all up to so many metres are stored. What is not stored counts as so
        far, so that no bound is too high.

    Raises
    ------
    InputError
        Goals, numbers or shapes that do not fit together.

    Examples
    --------
    Four houses along a street, 100 m apart, the last with many households:

    >>> import numpy as np
    >>> from gridcell.siting import choose_sites
    >>> x = np.array([0.0, 100.0, 200.0, 300.0])
    >>> metres = np.abs(x[:, None] - x[None, :])
    >>> choice = choose_sites(metres, np.array([1.0, 1.0, 1.0, 9.0]), count=1)
    >>> choice.sites.tolist(), choice.objective, choice.gap
    ([3], 600.0, 0.0)
    >>> choose_sites(metres, np.ones(4), within=100.0).sites.tolist()
    [0, 2]
    """
    wanted = goal_of(goal, count, within)
    m = distances.shape[1]
    weights = np.asarray(weights, dtype=np.float64)
    kept = np.zeros(m, dtype=bool) if locked is None else np.asarray(locked, dtype=bool)
    _require_shapes(distances, weights, kept, capacity)
    if count is not None and not int(kept.sum()) <= count <= m:
        raise InputError(
            Message("error.siting_too_many", count=count, locked=int(kept.sum()), sites=m)
        )
    values = distances.data if sparse.issparse(distances) else distances
    known = values[np.isfinite(values)]
    far = known_m or _FAR * max(1.0, float(known.max(initial=0.0)), within or 0.0)
    table = reach_of(distances, count=count if wanted == "median" else None, far=far)
    # What no site reaches decides nothing; where only near ones are known, there is no such place.
    reached = (np.diff(table.start) > 0) | (known_m is not None)
    if wanted == "centre" and count is not None:
        reached &= _within_parts(table, np.where(reached, weights, 0.0), count)
    heavy = np.flatnonzero((weights > 0) & reached)
    near = table.rows(heavy)
    chosen = _chosen(wanted, near, weights[heavy], kept, count, within)
    if capacity is not None:
        chosen = _with_room(wanted, near, weights[heavy], kept, capacity, within, chosen)
    return _choice(wanted, chosen, table, np.where(reached, weights, 0.0), within, capacity)


def _within_parts(table: SiteCosts, weights: Floats, count: int) -> Bools:
    """Return the places of so many parts, between which there is no way, with most weight."""
    part, parts = parts_of(table)
    held = np.bincount(part, weights, minlength=parts)
    first = np.argsort(-held, kind="stable")[:count]
    return np.isin(part, first)


def _chosen(
    goal: str,
    near: SiteCosts,
    weights: Floats,
    locked: Bools,
    count: int | None,
    within: float | None,
) -> Chosen:
    """Return the sites for a goal; costs are such that less is better."""
    if goal == "median":
        assert count is not None  # noqa: S101
        return least_cost(near.scaled(weights), count, locked)
    if goal == "centre":
        assert count is not None  # noqa: S101
        chosen = least_distance(near, count, locked)
        return _nearer(near, weights, locked, chosen, chosen.cost)
    assert within is not None  # noqa: S101
    reached = near.chosen(near.cost <= within)
    if goal == "fewest":
        return _nearer(near, weights, locked, fewest_sites(reached, locked), within)
    assert count is not None  # noqa: S101
    # Some places nobody reaches, whatever is chosen.
    lost = float(weights[np.diff(reached.start) == 0].sum())
    chosen = most_covered(reached, weights, count, locked)
    chosen = Chosen(
        is_open=chosen.is_open, cost=chosen.cost + lost, bound=chosen.bound + lost
    )  # fmt: skip
    return _nearer(near, weights, locked, chosen, within)


def _nearer(
    near: SiteCosts, weights: Floats, locked: Bools, chosen: Chosen, within: float
) -> Chosen:
    """Return as many sites that reach as much within so many metres, at less distance."""
    reached = near.chosen(near.cost <= within)
    # Whom nobody reaches within that is served by the nearest, and no reason for a swap.
    there = np.flatnonzero(np.diff(reached.start) > 0)
    reach = reached.rows(there)
    reach = replace_limits(reach, np.full(len(there), _FIRST * within)).scaled(weights[there])
    before = _missed(reach, chosen.is_open, weights[there])
    is_open = improve(reach, chosen.is_open, locked)
    if _missed(reach, is_open, weights[there]) > before:
        return chosen
    return Chosen(is_open=is_open, cost=chosen.cost, bound=chosen.bound)


def _missed(reach: SiteCosts, is_open: Bools, weights: Floats) -> float:
    nearest, _ = serve(reach.start, reach.site, reach.cost, reach.limit, is_open)
    return float(weights[nearest < 0].sum())


def _with_room(
    goal: str, near: SiteCosts, weights: Floats, locked: Bools, capacity: Floats,
    within: float | None, chosen: Chosen,
) -> Chosen:  # fmt: skip
    """Return sites that can serve what comes to them, as far as there are such."""
    reach = near
    if within is not None:
        reach = near.chosen(near.cost <= within)
        reach = replace_limits(reach, np.full(reach.places, _FIRST * within))
    reach = reach.scaled(weights)
    if goal != "fewest":
        found = choose_with_room(reach, weights, capacity, locked, chosen)
        # Costs are metres here whatever the goal: only those of the median are its own.
        own = found if goal == "median" else chosen
        return Chosen(is_open=found.is_open, cost=own.cost, bound=own.bound)
    rows = np.flatnonzero(np.diff(reach.start) > 0)
    reach, weights = reach.rows(rows), weights[rows]
    bound = chosen.bound
    while True:
        found = choose_with_room(reach, weights, capacity, locked, chosen)
        nearest, _ = serve_within(reach, found.is_open, weights, capacity)
        load = np.bincount(nearest[nearest >= 0], weights[nearest >= 0], minlength=reach.sites)
        if (load <= capacity + 1e-9).all() and (nearest >= 0).all():
            break
        if found.is_open.all():
            break
        more = least_cost(reach, int(found.is_open.sum()) + 1, locked)
        chosen = Chosen(is_open=more.is_open, cost=float(more.is_open.sum()), bound=bound)
    return Chosen(is_open=found.is_open, cost=float(found.is_open.sum()), bound=bound)


def _choice(
    goal: str, chosen: Chosen, table: SiteCosts, weights: Floats, within: float | None,
    capacity: Floats | None,
) -> SiteChoice:  # fmt: skip
    """Return whom the sites serve, and what that is by the goal."""
    if capacity is None:
        nearest, metres = serve(table.start, table.site, table.cost, table.limit, chosen.is_open)
    else:
        # Places without weight need no room.
        heavy = np.maximum(weights, 1e-12)
        nearest, cost = serve_within(table.scaled(heavy), chosen.is_open, heavy, capacity)
        metres = cost / heavy
    distance = np.where(nearest >= 0, metres, np.inf)
    objective, bound = chosen.cost, chosen.bound
    if goal == "median":
        objective = float((metres * weights).sum())
        bound = min(bound, objective)
    elif goal == "cover":
        assert within is not None  # noqa: S101
        total = float(weights.sum())
        objective, bound = float(weights[distance <= within].sum()), total - chosen.bound
    elif goal == "centre":
        objective = float(metres[weights > 0].max(initial=0.0))
    return SiteChoice(
        goal=goal, sites=np.flatnonzero(chosen.is_open), nearest=nearest, distance_m=distance,
        objective=objective, bound=bound,
    )  # fmt: skip


def _require_shapes(
    distances: "NDArray[np.float64] | sparse.csr_array", weights: Floats, locked: Bools,
    capacity: Floats | None,
) -> None:  # fmt: skip
    n, m = distances.shape
    if weights.shape != (n,) or locked.shape != (m,):
        raise InputError(
            Message(
                "error.siting_shapes", places=n, sites=m, weights=str(weights.shape),
                locked=str(locked.shape),
            )
        )  # fmt: skip
    if capacity is not None and np.shape(capacity) != (m,):
        raise InputError(
            Message(
                "error.siting_shapes", places=n, sites=m, weights=str(weights.shape),
                locked=str(np.shape(capacity)),
            )
        )  # fmt: skip
    values = distances.data if sparse.issparse(distances) else distances
    if np.isnan(values).any() or (values < 0).any() or not (weights >= 0).all():
        raise InputError(Message("error.siting_negative"))
