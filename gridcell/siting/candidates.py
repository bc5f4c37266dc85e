"""Where a service point may stand: buildings, sites, middles of cells, given points."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridcell.coverage.holders import find_holders
from gridcell.model import Plan
from gridcell.siting.demand import Demand, middles_of_leaves
from gridcell.siting.kernels import Bools, Floats, Ints

Texts = NDArray[np.object_]

KINDS: Final = ("buildings", "sites", "cells")


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Candidates:
    """Places for service points: those of a kind by id, then those that exist by id."""

    place: Texts
    """Id of a building, site or given point, code of a cell."""
    xy: Floats
    leaf: Texts
    """(n,) code of the leaf around each; ``None`` outside all land."""
    existing: Bools
    locked: Bools
    capacity: Floats
    """(n,) most households; infinite where there is no such number."""
    tier: Texts
    """(n,) the only tier that it serves in; ``None`` where that is any."""

    def __len__(self) -> int:
        return len(self.place)

    def take(self, rows: Ints) -> "Candidates":
        """Return some of them."""
        return Candidates(
            place=self.place[rows], xy=self.xy[rows], leaf=self.leaf[rows],
            existing=self.existing[rows], locked=self.locked[rows], capacity=self.capacity[rows],
            tier=self.tier[rows],
        )  # fmt: skip


def candidates_of(plan: Plan, kind: str, demand: Demand, capacity: float) -> Candidates:
    """Return the buildings, sites (dedicated cells) or middles of leaves of a plan.

    The middle of a leaf is the building nearest to the middle of its households.
    """
    if kind == "sites":
        own = plan.small[plan.small["grid_type"] == "dedicated"].sort_values("code")
        codes = own["code"].to_numpy(dtype=object)
        middle = shapely.point_on_surface(np.asarray(own.geometry, dtype=object))
        return _new(codes, shapely.get_coordinates(middle).reshape(-1, 2), codes, capacity)
    if kind == "cells":
        rows = middles_of_leaves(demand)
        return _new(demand.leaf[rows], demand.xy[rows], demand.leaf[rows], capacity)
    return _new(demand.bldg_id, demand.xy, demand.leaf, capacity)


def _new(place: Texts, xy: Floats, leaf: Texts, capacity: float) -> Candidates:
    n = len(place)
    return Candidates(
        place=place, xy=xy, leaf=leaf, existing=np.zeros(n, dtype=bool),
        locked=np.zeros(n, dtype=bool), capacity=np.full(n, capacity),
        tier=np.full(n, None, dtype=object),
    )  # fmt: skip


def given_candidates(
    plan: Plan, table: pd.DataFrame, capacity: float, *, existing: bool
) -> Candidates:
    """Return places from a file: `gridcell.read.service_points.check_service_points`.

    Those that exist have to stay where a column ``locked`` does not tell otherwise.
    """
    xy = table[["x", "y"]].to_numpy(dtype=np.float64)
    own: Floats = np.array(table["capacity"].astype("float64"), dtype=np.float64)
    own[np.isnan(own)] = capacity
    locked = np.zeros(len(table), dtype=bool)
    if existing:
        unsaid = table["locked"].isna().all()
        locked = table["locked"].fillna(value=bool(unsaid)).to_numpy(dtype=bool)
    return Candidates(
        place=table["point_id"].to_numpy(dtype=object), xy=xy, leaf=leaves_around(plan, xy),
        existing=np.full(len(table), existing), locked=locked, capacity=own,
        tier=table["tier"].astype(object).where(table["tier"].notna(), None).to_numpy(),
    )  # fmt: skip


def leaves_around(plan: Plan, xy: Floats) -> Texts:
    """Return the code of the leaf that each point is in, ``None`` where it is in none."""
    leaves = plan.leaves.sort_values("code")
    land = np.asarray(leaves.geometry, dtype=object)
    points = np.asarray(shapely.points(xy), dtype=object).reshape(-1)
    row = find_holders(points, land)
    # What stands on a border is held by none of both: the first takes it.
    lost = np.flatnonzero(row < 0)
    at, cell = shapely.STRtree(land).query(points[lost], predicate="intersects")
    for k, own in zip(at[::-1], cell[::-1], strict=True):
        row[lost[k]] = own if row[lost[k]] < 0 else min(row[lost[k]], own)
    codes: Texts = np.array([*leaves["code"], None], dtype=object)[row]
    return codes


def joined(parts: list[Candidates]) -> Candidates:
    """Return candidates one after another."""
    return Candidates(
        **{
            name: np.concatenate([getattr(part, name) for part in parts])
            for name in ("place", "xy", "leaf", "existing", "locked", "capacity", "tier")
        }
    )


def file_name(given: object) -> str:
    """Return what figures call a file or frame."""
    return Path(str(given)).name if isinstance(given, str | Path) else "frame"
