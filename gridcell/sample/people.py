"""Who lives where and who answers for it: exact numbers of households, the register, the staff."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridcell.sample.cuts import Ints
from gridcell.sample.spec import CommunitySpec

DORMITORY_SHARE = 0.02
"""Share of buildings on sites in which somebody lives."""


def settle(
    buildings: pd.DataFrame, community: Ints, site: NDArray[np.bool_], wanted: Sequence[int],
    rng: np.random.Generator,
) -> pd.DataFrame:  # fmt: skip
    """Return the buildings that are wanted, with ``households`` that sum up exactly.

    Parcels of housing are taken in an order of chance until a community has its households; what
    is left stays open land. Where a community has too few dwellings, every building gets more.

    Parameters
    ----------
    buildings
        As `raise_buildings` makes them.
    community
        (n,) position of each building's community in `wanted`.
    site
        (n,) whether it stands on a site.
    wanted
        Households of each community.
    rng
        Chance.
    """
    dwellings = buildings["dwellings"].to_numpy(dtype=np.int64).copy()
    home = rng.uniform(size=len(buildings)) < DORMITORY_SHARE
    dwellings[site & home] = rng.integers(2, 9, int((site & home).sum()))
    parcel = buildings["parcel"].to_numpy(dtype=np.int64)
    # How full a building is depends on its compound more than on itself.
    full = rng.uniform(0.84, 1.0, int(parcel.max(initial=0)) + 1)[parcel]
    full = np.minimum(full + rng.normal(0, 0.04, len(full)), 1.0)
    households = np.where(dwellings > 0, np.maximum(np.rint(dwellings * full), 1), 0).astype(
        np.int64
    )
    households[(dwellings <= 20) & (rng.uniform(size=len(full)) < 0.015)] = 0
    priority = rng.permutation(int(parcel.max(initial=0)) + 1)
    keep = np.zeros(len(buildings), dtype=bool)
    for number, want in enumerate(wanted):
        rows = np.flatnonzero(community == number)
        rows = rows[np.lexsort((rows, priority[parcel[rows]], ~site[rows]))]
        reached = np.cumsum(households[rows])
        last = min(int(np.searchsorted(reached, want)), len(rows) - 1)
        # Whole parcels only; workplaces beside homes do not count and come along.
        taken = site[rows] | (priority[parcel[rows]] <= priority[parcel[rows[last]]])
        rows = rows[taken & (len(rows) > 0)]
        keep[rows] = True
        households[rows] = _exactly(households[rows], dwellings[rows], want, rng)
    result = buildings[keep].assign(households=households[keep], community=community[keep])
    return result.reset_index(drop=True)


def _exactly(households: Ints, dwellings: Ints, want: int, rng: np.random.Generator) -> Ints:
    """Spread what is missing or too much over the buildings, in proportion to their dwellings."""
    missing = want - int(households.sum())
    limit = dwellings - households if missing > 0 else households - np.minimum(households, 1)
    if limit.sum() < abs(missing):
        limit = dwellings * (1 + abs(missing) // max(int(dwellings.sum()), 1))
        if missing < 0:
            limit = households
    share = limit * (abs(missing) / max(int(limit.sum()), 1))
    change = np.floor(share).astype(np.int64)
    order = rng.permutation(len(share))
    open_ = order[change[order] < limit[order]]
    left = abs(missing) - int(change.sum())
    change[open_[:left]] += 1
    settled: Ints = households + (change if missing > 0 else -change)
    return settled


def register(buildings: pd.DataFrame) -> pd.DataFrame:
    """Return one row a household: ``household_id``, ``bldg_id``, ``unit``."""
    count = buildings["households"].to_numpy(dtype=np.int64)
    row = np.repeat(np.arange(len(count)), count)
    nth = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    units = buildings["units"].to_numpy(dtype=np.int64)[row]
    width = max(5, len(str(len(row))))
    return pd.DataFrame(
        {
            "household_id": [f"H{i:0{width}d}" for i in range(1, len(row) + 1)],
            "bldg_id": buildings["bldg_id"].to_numpy()[row],
            "unit": (1 + nth * units // count[row]).astype(np.int64),
        }
    )


def hire(
    buildings: pd.DataFrame, specs: Sequence[CommunitySpec], sites: Sequence[int],
    rng: np.random.Generator,
) -> pd.DataFrame:  # fmt: skip
    """Return the staff: nearly enough people for every cell that is to be expected.

    Parameters
    ----------
    buildings
        With ``bldg_id``, ``households`` and ``community``.
    specs
        The communities.
    sites
        How many sites each of them has.
    rng
        Chance.

    Returns
    -------
    pandas.DataFrame
        ``staff_id``, ``roles`` (separated by ``;``), ``bldg_id`` (home), ``community``,
        ``max_cells`` and ``max_households`` (Int64, often NA).
    """
    frames = []
    community = buildings["community"].to_numpy()
    homes = buildings["bldg_id"].to_numpy()
    lived = buildings["households"].to_numpy(dtype=np.float64)
    for number, (spec, count) in enumerate(zip(specs, sites, strict=True)):
        roles = _roles(spec, count)
        rows = np.flatnonzero(community == number)
        weight = lived[rows] / lived[rows].sum()
        capped = rng.uniform(size=len(roles)) < 0.3
        single = [r in {"micro_chief", "dedicated_chief", "small_chief"} for r in roles]
        cells = [1 if s else 2 if ";" in r else pd.NA for r, s in zip(roles, single, strict=True)]
        most = [
            60 if c and r == "micro_chief" else pd.NA for r, c in zip(roles, capped, strict=True)
        ]
        frames.append(
            pd.DataFrame(
                {
                    "roles": roles,
                    "bldg_id": homes[rng.choice(rows, len(roles), p=weight)],
                    "community": spec.code,
                    "max_cells": pd.array(cells, dtype="Int64"),
                    "max_households": pd.array(most, dtype="Int64"),
                }
            )
        )
    staff = pd.concat(frames, ignore_index=True)
    staff.insert(0, "staff_id", [f"S{i:05d}" for i in range(1, len(staff) + 1)])
    return staff


def _roles(spec: CommunitySpec, sites: int) -> list[str]:
    """Roles of each person of a community; a few people hold two."""
    small = spec.n_small or max(1, round(spec.households / 400))
    micro = (spec.n_micro or max(1, round(spec.households / 40))) - spec.missing_micro
    dedicated = max(sites - spec.missing_dedicated, 0)
    both = min(small // 6, micro)
    double = min(dedicated // 6, small - both)
    return (
        ["community_chief"]
        + ["worker"] * max(1, round(spec.households / 12_000))
        + ["police"]
        + ["small_chief;micro_chief"] * both
        + ["small_chief;dedicated_chief"] * double
        + ["small_chief"] * (small - both - double)
        + ["dedicated_chief"] * (dedicated - double)
        + ["micro_chief"] * (micro - both)
    )
