"""Tiers of service points: what each is to be, and which of the candidates it takes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy import sparse

from gridcell.errors import InputError
from gridcell.schema import LEVELS
from gridcell.siting.candidates import Candidates
from gridcell.siting.demand import Demand, Texts, middles_of_leaves
from gridcell.siting.goals import SiteChoice, choose_sites
from gridcell.siting.kernels import Bools, Floats, Ints
from gridcell.streets import Joined, WalkingNetwork
from gridcell.words.messages import Message

_PAIRS: Final = 25_000_000
"""Pairs of places and candidates up to which all distances are looked for."""
_ROUND: Final = 2.4
"""How far is looked for beyond, in radii of the land that there is for each point."""
_AT_ONCE: Final = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """What the points of one tier are to be."""

    name: str
    level: str | None = None
    """Each cell of this level gets points of its own; ``None`` for the whole plan."""
    within: float | None = None
    """Metres on foot that a point should be away at most."""


def parse_tiers(given: Sequence[str]) -> list[Tier]:
    """Return the tiers that ``NAME:LEVEL`` or ``NAME:LEVEL:METRES`` name, the finest first.

    Raises
    ------
    InputError
        Another form, an unknown level, a distance that is none, a name or level given twice.
    """
    tiers = []
    for text in given:
        name, *rest = (part.strip() for part in text.split(":"))
        if not name or len(rest) not in (1, 2):
            raise InputError(Message("error.tier_form", given=text))
        if rest[0] not in LEVELS:
            raise InputError(Message("error.tier_level", given=text, levels=list(LEVELS)))
        try:
            within = float(rest[1]) if len(rest) > 1 else None
        except ValueError:
            raise InputError(Message("error.tier_form", given=text)) from None
        if within is not None and not (within > 0 and np.isfinite(within)):
            raise InputError(Message("error.siting_within", within=rest[1]))
        tiers.append(Tier(name=name, level=rest[0], within=within))
    for what in ("name", "level"):
        values = [getattr(tier, what) for tier in tiers]
        if len(set(values)) < len(values):
            twice = sorted(value for value in set(values) if values.count(value) > 1)
            raise InputError(Message("error.tier_twice", given=twice[0]))
    return sorted(tiers, key=lambda tier: -LEVELS[str(tier.level)])


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Town:
    """Who is to be served, where points may stand, and how people walk between them."""

    network: WalkingNetwork
    demand: Demand
    homes: Joined
    candidates: Candidates
    doors: Joined
    """The candidates, joined to their streets."""

    def metres(self, candidates: Ints, rows: Ints) -> Floats:
        """Return (rows, candidates) how far it is."""
        table = self.network.distances(self.doors.take(candidates), self.homes.take(rows))
        return np.ascontiguousarray(table.T)

    def near(self, candidates: Ints, rows: Ints, within: float) -> "sparse.csr_array":
        """Return (rows, candidates) how far it is, as far as that is not too far."""
        homes = self.homes.take(rows)
        found = []
        for at in range(0, len(candidates), _AT_ONCE):
            doors = self.doors.take(candidates[at : at + _AT_ONCE])
            door, home, metres = self.network.near(doors, homes, within_m=within)
            found.append((door + at, home, metres))
        door, home, metres = (np.concatenate(parts) for parts in zip(*found, strict=True))
        table: sparse.csr_array = sparse.csr_array(
            sparse.coo_array((metres, (home, door)), shape=(len(rows), len(candidates)))
        )
        return table


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Zone:
    """The points of a tier in one cell, or in all."""

    code: str | None
    sites: Ints
    """Rows of the candidates."""
    objective: float
    bound: float
    left_out: int = 0
    """Candidates that were not compared, because there are too many."""


def too_many_pairs(places: int, candidates: int) -> bool:
    """Return whether so many places and candidates are not compared each with each."""
    return places * candidates > _PAIRS


def choose_everywhere(
    town: Town, pool: Ints, *, goal: str | None, count: int | None, within: float | None,
    middles: Ints,
) -> Zone:  # fmt: skip
    """Return the points of a tier that serves the whole plan.

    Parameters
    ----------
    town, pool
        The town, and the candidates that may be taken.
    goal, count, within
        As `choose_sites`.
    middles
        Buildings that stand for their leaves where there are too many pairs to look at all: then
        `pool` holds as few.
    """
    rows = np.flatnonzero(town.demand.households > 0)
    weights = town.demand.households.astype(np.float64)[rows]
    if too_many_pairs(len(rows), len(pool)) and len(middles):
        weights = _weights_of_leaves(town.demand, middles)
        rows = middles
    known, table = None, None
    if too_many_pairs(len(rows), len(pool)):
        known = _far_enough(town.demand.xy[rows], count, within)
        table = town.near(pool, rows, known)
    choice = choose_sites(
        town.metres(pool, rows) if table is None else table, weights, goal=goal, count=count,
        within=within, locked=town.candidates.locked[pool],
        capacity=_capacity(town.candidates, pool), known_m=known,
    )  # fmt: skip
    return _zone(None, pool, choice)


def _weights_of_leaves(demand: Demand, middles: Ints) -> Floats:
    total: dict[object, int] = {}
    for leaf, households in zip(demand.leaf.tolist(), demand.households.tolist(), strict=True):
        total[leaf] = total.get(leaf, 0) + households
    return np.array([total[leaf] for leaf in demand.leaf[middles]], dtype=np.float64)


def _far_enough(xy: Floats, count: int | None, within: float | None) -> float:
    """Return a distance beyond which hardly anybody is from the nearest of so many points."""
    area = float(np.prod(np.ptp(xy, axis=0)))
    radius = np.sqrt(area / np.pi / count) * _ROUND if count is not None else 0.0
    return float(max(radius if within is None else 0.0, within or 0.0, 1.0))


def choose_by_cell(
    town: Town, tier: Tier, pool: Ints, zone_of_home: Texts, zone_of_door: Texts, below: Ints
) -> Iterator[Zone]:
    """Yield the points of each cell of a tier's level that has households or points to keep.

    As few points as reach all households within the tier's distance, or one where it has none or
    nobody can be reached. They stand where points of the tier below do, as long as these reach all
    whom any candidate would reach.

    Parameters
    ----------
    town, tier, pool
        The town, what is wanted, and the candidates that may be taken.
    zone_of_home, zone_of_door
        Codes of the cells around buildings and candidates; ``None`` for none.
    below
        Candidates that the tier below took.
    """
    demand, candidates = town.demand, town.candidates
    lower = np.zeros(len(candidates), dtype=bool)
    lower[below] = True
    doors, homes = _rows_by(zone_of_door, pool), _rows_by(
        zone_of_home, np.flatnonzero(demand.households > 0)
    )  # fmt: skip
    kept = {zone for zone in doors if candidates.locked[doors[zone]].any()}
    for code in sorted(set(homes) | kept):
        rows = homes.get(code, np.empty(0, dtype=np.int64))
        own = doors.get(code, np.empty(0, dtype=np.int64))
        if not len(own) or not len(rows):
            sites = own[candidates.locked[own]]
            yield Zone(code=code, sites=sites, objective=0.0, bound=0.0)
            continue
        weights = demand.households[rows].astype(np.float64)
        there = len(own)
        if too_many_pairs(len(rows), len(own)):
            own, rows, weights = _fewer(town, own, rows, lower)
        left_out = there - len(own)
        metres = town.metres(own, rows)
        nested = lower[own] | candidates.locked[own]
        if len(below) and lower[own].any() and _reach_as_many(metres, nested, tier.within):
            own, metres = own[nested], metres[:, nested]
        zone = _zone(code, own, _of_cell(town, tier, own, metres, weights))
        yield replace(zone, left_out=left_out)


def _fewer(town: Town, own: Ints, rows: Ints, lower: Bools) -> tuple[Ints, Ints, Floats]:
    """Return fewer candidates, places and weights of a cell that has too many to compare all.

    Candidates are those that the tier below took, else those in the middle of leaves; where these
    are too many still, the middles of leaves stand for their buildings.
    """
    demand, candidates = town.demand, town.candidates
    local = demand.take(rows)
    middles = rows[middles_of_leaves(local)]
    kept = lower[own] | candidates.locked[own]
    if not lower[own].any():
        ids = set(demand.bldg_id[middles].tolist())
        middle = np.array([place in ids for place in candidates.place[own]], dtype=bool)
        kept |= middle if middle.any() else True
    own = own[kept]
    if not too_many_pairs(len(rows), len(own)):
        return own, rows, demand.households[rows].astype(np.float64)
    return own, middles, _weights_of_leaves(local, middles_of_leaves(local))


def _rows_by(zones: Texts, rows: Ints) -> dict[str, Ints]:
    """Return the rows of each zone, ascending."""
    known = rows[[zone is not None for zone in zones[rows]]] if len(rows) else rows
    if not len(known):
        return {}
    codes, label = np.unique(zones[known].astype(str), return_inverse=True)
    order = np.argsort(label, kind="stable")
    parts = np.split(known[order], np.cumsum(np.bincount(label))[:-1])
    return dict(zip(codes.tolist(), parts, strict=True))


def _reach_as_many(metres: Floats, some: Bools, within: float | None) -> bool:
    limit = np.finfo(np.float64).max if within is None else within
    return bool(((metres[:, some] <= limit).any(axis=1) == (metres <= limit).any(axis=1)).all())


def _of_cell(
    town: Town, tier: Tier, own: Ints, metres: Floats, weights: Floats
) -> SiteChoice:  # fmt: skip
    locked, capacity = town.candidates.locked[own], _capacity(town.candidates, own)
    if tier.within is not None and (metres <= tier.within).any():
        return choose_sites(metres, weights, within=tier.within, locked=locked, capacity=capacity)
    return choose_sites(
        metres, weights, count=max(1, int(locked.sum())), locked=locked, capacity=capacity
    )


def _capacity(candidates: Candidates, rows: Ints) -> Floats | None:
    capacity = candidates.capacity[rows]
    return None if np.isinf(capacity).all() else capacity


def _zone(code: str | None, pool: Ints, choice: SiteChoice) -> Zone:
    return Zone(code=code, sites=pool[choice.sites], objective=choice.objective, bound=choice.bound)
