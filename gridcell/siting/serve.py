"""Whom points serve: each building by the nearest that has room, and what that comes to."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from gridcell.siting.capacity import serve_within
from gridcell.siting.demand import Demand, Texts
from gridcell.siting.kernels import Floats, Ints
from gridcell.siting.reach import reach_of
from gridcell.streets import Joined, WalkingNetwork

_AT_ONCE: Final = 30_000_000
"""Distances that are looked for at once."""
_NEAREST: Final = 8
"""Points that a building may be served by, where room is short and there are many."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class TierPoints:
    """The points of a tier, in their order."""

    doors: Joined
    capacity: Floats
    zone: Texts
    """(points,) code of the cell that each serves; ``None`` where that is the whole plan."""


def serve_buildings(
    network: WalkingNetwork, points: TierPoints, demand: Demand, homes: Joined, zone: Texts | None
) -> tuple[Ints, Floats]:
    """Return the row of the point that serves each building, and metres on foot.

    Buildings without households, and those that no point can be reached from, have -1 and NaN.

    Parameters
    ----------
    network, demand, homes
        How people walk, from where.
    points
        The points.
    zone
        (buildings,) the cells around the buildings, whose points alone serve them; ``None`` where
        any point may.
    """
    nearest = np.full(len(homes), -1, dtype=np.int64)
    metres = np.full(len(homes), np.nan)
    rows = np.flatnonzero(demand.households > 0)
    if zone is None:
        step = max(1, _AT_ONCE // max(1, len(points.capacity)))
        if not np.isinf(points.capacity).all():
            step = len(rows) or 1
        every = np.arange(len(points.capacity))
        for at in range(0, len(rows), step):
            part = rows[at : at + step]
            nearest[part], metres[part] = _serve(network, points, demand, homes, every, part)
        return nearest, metres
    own = pd.Series(np.arange(len(points.zone))).groupby(points.zone, dropna=True).indices
    there = rows[[code in own for code in zone[rows]]] if len(rows) else rows
    for code, some in pd.Series(there).groupby(zone[there]).indices.items():
        home: Ints = there[np.asarray(some)]
        nearest[home], metres[home] = _serve(
            network, points, demand, homes, np.asarray(own[code]), home
        )
    return nearest, metres


def _serve(
    network: WalkingNetwork, points: TierPoints, demand: Demand, homes: Joined, own: Ints,
    rows: Ints,
) -> tuple[Ints, Floats]:  # fmt: skip
    table = network.distances(points.doors.take(own), homes.take(rows)).T
    capacity = points.capacity[own]
    if np.isinf(capacity).all():
        nearest = table.argmin(axis=1)
        metres = table[np.arange(len(rows)), nearest]
    else:
        weights = demand.households[rows].astype(np.float64)
        known = table[np.isfinite(table)]
        far = 2 * max(1.0, float(known.max(initial=0.0)))
        # Room is looked for among the nearest where there are many.
        many = table.size > _AT_ONCE // _NEAREST and len(own) > _NEAREST
        if many:
            limit = np.partition(table, _NEAREST, axis=1)[:, _NEAREST]
            table = np.where(table < limit[:, None], table, np.inf)
        reach = reach_of(table, count=None, far=far)
        nearest, cost = serve_within(
            reach.scaled(weights), np.ones(len(own), dtype=bool), weights, capacity
        )
        metres = cost / weights
    lost = ~np.isfinite(table).any(axis=1)
    return np.where(lost, -1, own[nearest]), np.where(lost, np.nan, np.round(metres, 3))
