"""Who lives where and who answers for it: exact numbers of households, the register, the staff."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridcell.sample.cuts import Ints
from gridcell.sample.spec import CommunitySpec

DORMITORY_SHARE = 0.02
"""Share of buildings on sites in which somebody lives."""
MOST_UNITS = 6
"""Entrances of the longest building."""
EMPTIEST = 0.75
"""Share of its dwellings that are lived in where a building stands emptiest."""
USUAL = 0.98
"""Share of a cell's target that buildings of about that size hold on average."""
MISFIT_SHARE = 0.01
"""Share of buildings that hold what they hold, whether that suits a cell or not."""


def settle(
    buildings: pd.DataFrame, community: Ints, site: NDArray[np.bool_], wanted: Sequence[int],
    micro: Sequence[float], rng: np.random.Generator,
) -> pd.DataFrame:  # fmt: skip
    """Return the buildings that are wanted, with ``households`` that sum up exactly.

    Parcels of housing are taken in an order of chance until a community has its households; what
    is left stays open land, and the last compound is half built. Flats stand empty so that
    buildings hold numbers that micro cells can be made of, as far as that goes.

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
    micro
        Households that a micro cell of each community is to have.
    rng
        Chance.
    """
    dwellings = buildings["dwellings"].to_numpy(dtype=np.int64).copy()
    units = buildings["units"].to_numpy(dtype=np.int64)
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
    for number, (want, target) in enumerate(zip(wanted, micro, strict=True)):
        rows = np.flatnonzero(community == number)
        rows = rows[np.lexsort((rows, priority[parcel[rows]], ~site[rows]))]
        if not len(rows):
            continue
        # Some people stay where their house fits no cell, as everywhere.
        easy = rng.uniform(size=len(rows)) >= MISFIT_SHARE
        suits = suitable(target, int(dwellings.max()))
        single = (units[rows] > 1) & (dwellings[rows] <= 1.6 * target)
        aim = households[rows]
        aim[single] = _around(USUAL * target, aim[single], dwellings[rows[single]])
        households[rows], low, high = _suit(aim, dwellings[rows], units[rows], easy, suits)
        reached = np.cumsum(households[rows])
        last = min(int(np.searchsorted(reached, want)), len(rows) - 1)
        if reached[last] - want > want - reached[max(last - 1, 0)]:
            last = max(last - 1, 0)
        # Workplaces beside homes do not count and come along.
        before = priority[parcel[rows]] <= priority[parcel[rows[last]]]
        idle = before & (dwellings[rows] == 0)
        taken = site[rows] | idle | (np.arange(len(rows)) <= last)
        rows, low, high = rows[taken], low[taken], high[taken]
        keep[rows] = True
        households[rows] = _exactly(households[rows], low, high, dwellings[rows], want, rng)
        # In a hamlet without room for all of them, they share the largest house.
        households[rows[np.argmax(dwellings[rows])]] += max(want - int(households[rows].sum()), 0)
    result = buildings[keep].assign(households=households[keep], community=community[keep])
    return result.reset_index(drop=True)


def suitable(target: float, most: int) -> NDArray[np.bool_]:
    """Return which numbers of households suit cells of 0.75 to 1.25 times the target.

    A number suits if every slab of a building with so many households fits the band alone, or is
    small enough to find company; a building is cut between entrances into the fewest slabs that
    the band allows.

    Parameters
    ----------
    target
        Households of a cell.
    most
        Largest number asked about.

    Returns
    -------
    numpy.ndarray
        (`MOST_UNITS` + 1, most + 1): by entrances, then by households.
    """
    low, high = 0.75 * target, 1.25 * target
    number = np.arange(most + 1)
    slabs = np.maximum(np.ceil(number / high - 1e-9), 1).astype(np.int64)
    suits = np.empty((MOST_UNITS + 1, most + 1), dtype=bool)
    for units in range(MOST_UNITS + 1):
        fits = (slabs == 1) | (number / slabs >= low)
        for nth in range(int(slabs.max())):
            ends = np.array([nth, nth + 1])[:, None] / slabs
            ends = np.where(units >= slabs, np.round(ends * units) / max(units, 1), ends)
            slab = (ends[1] - ends[0]) * number
            alone = (np.floor(slab) >= low) & (np.ceil(slab) <= high)
            # Small houses stand among their like, a slab among larger ones.
            company = high / (2.5 if units < 2 else 3)
            fits &= alone | (np.ceil(slab) <= company) | (nth >= slabs)
        suits[units] = fits
    return suits


def _around(mean: float, households: Ints, dwellings: Ints) -> Ints:
    """Draw buildings that make a cell each towards the mean that they should have together."""
    aim = (households + mean) / 2
    for _ in range(3):
        aim = aim + mean - aim.mean() if len(aim) else aim
        aim = np.clip(aim, EMPTIEST * dwellings, dwellings)
    return np.rint(aim).astype(np.int64)


def _suit(
    households: Ints, dwellings: Ints, units: Ints, easy: NDArray[np.bool_],
    suits: NDArray[np.bool_],
) -> tuple[Ints, Ints, Ints]:  # fmt: skip
    """Move numbers of households to the nearest suitable ones; the range each may vary in, too."""
    number = np.arange(suits.shape[1])
    below = np.maximum.accumulate(np.where(suits, number, -1), axis=1)
    above = np.minimum.accumulate(np.where(suits, number, len(number))[:, ::-1], axis=1)[:, ::-1]
    row = np.minimum(units, len(suits) - 1)
    down, up = below[row, households], above[row, households]
    least = np.ceil(EMPTIEST * dwellings).astype(np.int64)
    can_down, can_up = easy & (down >= least), easy & (up <= dwellings)
    go_up = can_up & (~can_down | (up - households < households - down))
    moved = np.where(go_up, up, np.where(can_down, down, households))
    gap_below = np.maximum.accumulate(np.where(suits, -1, number), axis=1)
    gap_above = np.minimum.accumulate(np.where(suits, len(number), number)[:, ::-1], axis=1)
    low = np.maximum(gap_below[row, moved] + 1, np.minimum(least, moved))
    high = np.minimum(gap_above[:, ::-1][row, moved] - 1, dwellings)
    fixed = ~suits[row, moved] | (moved == 0)
    return moved, np.where(fixed, moved, low), np.where(fixed, moved, high)


def _exactly(
    households: Ints, low: Ints, high: Ints, dwellings: Ints, want: int, rng: np.random.Generator
) -> Ints:
    """Spread what is missing or too much over the buildings, within their ranges if that will do.

    If not, homes that suit no cell are the lesser evil, then more households than dwellings.
    """
    missing = want - int(households.sum())
    limit = high - households if missing > 0 else households - low
    if limit.sum() < abs(missing):
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
        if not lived[rows].sum():
            # Nobody lives here who could serve.
            continue
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
        + ["worker"] * max(1, math.ceil(spec.households / 12_000))
        + ["police"]
        + ["small_chief;micro_chief"] * both
        + ["small_chief;dedicated_chief"] * double
        + ["small_chief"] * (small - both - double)
        + ["dedicated_chief"] * (dedicated - double)
        + ["micro_chief"] * (micro - both)
    )
