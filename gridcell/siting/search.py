"""Good sites found quickly: greedy addition, vertex substitution, kicks."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from gridcell.siting.kernels import (
    Bools,
    add_greedily,
    interchange,
    serve,
)
from gridcell.siting.reach import SiteCosts

WORK: Final = 6_000_000_000
"""Entries that one search may look at."""
_KICKS: Final = 30
_TINY: Final = 1e-9


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Chosen:
    """Sites, what they cost by the goal, and the bound below which no others come."""

    is_open: Bools
    """(sites,)."""
    cost: float
    bound: float

    @property
    def proven(self) -> bool:
        """Whether nothing better is possible, to nine digits."""
        return self.cost - self.bound <= _TINY * max(1.0, abs(self.cost))


def search(reach: SiteCosts, count: int, locked: Bools) -> Bools:
    """Return sites that no single swap improves: added greedily, then interchanged."""
    is_open = locked.copy()
    paid = serve(reach.start, reach.site, reach.cost, reach.limit, is_open)[1]
    add_greedily(reach.of_site, reach.place, reach.price, paid, is_open, count - int(locked.sum()))
    return improve(reach, is_open, locked)


def improve(reach: SiteCosts, is_open: Bools, locked: Bools, *, work: int = WORK) -> Bools:
    """Return the sites after all swaps that save anything."""
    is_open = is_open.copy()
    least = _TINY * max(1.0, reach.cost_of(is_open))
    interchange(
        reach.start, reach.site, reach.cost, reach.limit, reach.of_site, reach.place, reach.price,
        is_open, locked, least, work,
    )  # fmt: skip
    return is_open


def better(
    reach: SiteCosts, is_open: Bools, cost: float, other: Bools, locked: Bools
) -> tuple[Bools, float]:
    """Return the better of the sites and of others after swaps."""
    other = improve(reach, other, locked)
    found = reach.cost_of(other)
    return (other, found) if found < cost else (is_open, cost)


def kick(
    reach: SiteCosts, is_open: Bools, cost: float, locked: Bools, *, goal: float = -np.inf
) -> tuple[Bools, float]:
    """Return the best sites after some are swapped at random and all is improved, several times.

    Iterated local search, until it costs no more than the goal; chance has a fixed seed.
    """
    chance = np.random.default_rng(0)
    kicks = min(_KICKS, int(1 + 2_000_000_000 // max(1, 20 * len(reach.site))))
    for _ in range(kicks):
        if cost <= goal:
            break
        ours, theirs = np.flatnonzero(is_open & ~locked), np.flatnonzero(~is_open)
        some = min(max(1, len(ours) // 8), len(theirs))
        other = is_open.copy()
        other[chance.choice(ours, some, replace=False)] = False
        other[chance.choice(theirs, some, replace=False)] = True
        is_open, cost = better(reach, is_open, cost, other, locked)
    return is_open, cost
