"""What each parcel is used for: housing of several ages, sites with a duty of their own, parks."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from gridcell.sample.cuts import Floats, Geometries, Ints, middles
from gridcell.sample.ground import BuildableLand
from gridcell.sample.terrain import FIELDS

HOUSING: Final = ("slab", "lift", "tower", "walkup", "village", "shops", "open")
_MIX: Final = {
    "core": (0.68, 0.08, 0.04, 0.12, 0.0, 0.02, 0.06),
    "old": (0.11, 0.01, 0.01, 0.79, 0.0, 0.03, 0.05),
    "edge": (0.38, 0.04, 0.02, 0.22, 0.20, 0.02, 0.12),
    "village": (0.02, 0.0, 0.0, 0.10, 0.80, 0.02, 0.06),
    "fields": (0.0, 0.0, 0.0, 0.01, 0.20, 0.0, 0.79),
}  # fmt: skip
"""Shares of `HOUSING` among the parcels of a zone."""

CATEGORIES: Final = (
    "school", "government", "mall", "school", "hospital", "factory", "school", "government", "mall",
    "school", "factory", "hospital", "government", "school",
)  # fmt: skip
"""In what order a community gets its sites, begun again when there are more."""
WANTED_HA: Final = {
    "school": 1.9, "hospital": 2.2, "mall": 1.7, "factory": 3.2, "government": 1.1,
}  # fmt: skip
SLAB_M2, TOWER_M2 = 4_500.0, 9_000.0
"""Smaller parcels take no slabs and no towers."""
SITE_M2 = 4_500.0


def zone_parcels(
    net: Geometries, urbanity: Floats, patch: Floats, hamlet: Floats, rng: np.random.Generator
) -> NDArray[np.object_]:
    """Return the use of each parcel, one of `HOUSING`.

    Parameters
    ----------
    net
        (n,) land of the parcels.
    urbanity
        (n,) how urban the place is, 0 to 1.
    patch, hamlet
        (n,) noise that says which quarters are old, and where houses gather among the fields.
    rng
        Chance.
    """
    area = shapely.area(net)
    zone = np.select(
        [(urbanity < FIELDS) & (hamlet > 0.0), urbanity < FIELDS, urbanity < 0.6, patch > 0.9],
        ["village", "fields", "edge", "old"],
        "core",
    )
    use = np.full(len(net), "open", dtype=object)
    for name, shares in _MIX.items():
        rows = np.flatnonzero(zone == name)
        use[rows] = rng.choice(np.array(HOUSING, dtype=object), len(rows), p=np.array(shares))
    use[(use == "tower") & (area < TOWER_M2)] = "slab"
    use[np.isin(use, ("slab", "lift")) & (area < SLAB_M2)] = "walkup"
    return use


def infill(net: Geometries, urbanity: Floats) -> NDArray[np.object_]:
    """Return what to build on open parcels where homes are short."""
    slab = (shapely.area(net) >= SLAB_M2) & (urbanity >= FIELDS)
    return np.where(slab, "slab", "walkup").astype(object)


def choose_sites(
    net: Geometries, community: Ints, land: Geometries, urbanity: Floats, wanted: Sequence[int],
    rng: np.random.Generator,
) -> tuple[Ints, list[str]]:  # fmt: skip
    """Return the parcels that are sites, and the category of each.

    A community gets as many as wanted, or as many as it has compact parcels of a fitting size that
    leave the rest of its land in one piece.

    Parameters
    ----------
    net
        (n,) land of the parcels.
    community
        (n,) row of each parcel's community.
    land
        (communities,) their land.
    urbanity
        (n,) how urban the place is, 0 to 1.
    wanted
        (communities,) sites of each.
    rng
        Chance.
    """
    area = shapely.area(net)
    length = shapely.length(net)
    centre = middles(net)
    compact = 4 * np.pi * area / np.maximum(length, 1e-9) ** 2 > 0.6
    chosen: list[int] = []
    categories: list[str] = []
    for number, count in enumerate(wanted):
        own = np.flatnonzero(community == number)
        ground = BuildableLand.of(land[number], net[own])
        free = own[compact[own] & (area[own] > SITE_M2)]
        free = free[rng.permutation(len(free))]
        most = min(count, len(free) // 2)
        crowd = {category: np.zeros(len(net)) for category in WANTED_HA}
        nth = 0
        while nth < most and len(free):
            category = CATEGORIES[nth % len(CATEGORIES)]
            misfit = np.abs(np.log(area[free] / 10_000.0 / WANTED_HA[category]))
            # Most sites stand where people live, factories at the edge.
            distance = urbanity[free] if category == "factory" else 1.0 - urbanity[free]
            luck = rng.uniform(0, 0.5, len(free))
            best = int(np.argmin(misfit + 0.8 * distance + crowd[category][free] + luck))
            site = int(free[best])
            free = np.delete(free, best)
            rest = ground.without(net[site])
            if rest.pieces() > max(ground.pieces(), 1):
                continue
            ground = rest
            nth += 1
            chosen.append(site)
            categories.append(category)
            near = np.exp(-np.hypot(*(centre[free] - centre[site]).T) / 180.0)
            for kind, crowded in crowd.items():
                crowded[free] += (2.0 if kind == category else 0.8) * near
    return np.array(chosen, dtype=np.int64), categories
