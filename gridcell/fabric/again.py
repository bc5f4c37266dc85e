"""Land cut anew for those communities alone for which something changed."""

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gridcell.fabric.build import digests_of, draw_linework, fabric_of
from gridcell.fabric.seams import join_tracts, unfit_communities
from gridcell.fabric.sites import SiteLand
from gridcell.fabric.tracts import cut_tract, cut_tracts, group_communities
from gridcell.model import Fabric, Layers
from gridcell.rules import Rules
from gridcell.work import run_each

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

_BESIDE_M = 0.01
"""Land that is nearer may share vertices."""


def within_locks(digest: str, locks: str) -> str:
    """Return what stands for land that was cut along the outlines of locked cells as well."""
    return f"{digest} {locks}"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class RecutLand:
    """The land of some communities, cut as it would be with all others."""

    fabric: Fabric
    """Atoms and borders of these communities alone; pieces and outlines of the whole town, with
    atom -1 where the land was not cut."""
    fresh: Mask
    """(communities,) for which something changed."""
    cut: Mask
    """(communities,) these, and those beside them."""
    part: Ints
    """(atoms,) part of a site, -1 for general land."""
    sites: SiteLand
    home: Ints
    """(pieces,) community in which each stands, -1 outside all of them."""


def recut_land(
    layers: Layers,
    households: Ints,
    micro_band: NDArray[np.float64],
    *,
    known: Mapping[str, str],
    locks: Mapping[str, str],
    rules: Rules,
    executor: Executor | None = None,
) -> RecutLand | None:
    """Return the land of the communities for which something changed, and of those beside them.

    Parameters
    ----------
    layers, households, micro_band, rules, executor
        As for `build_fabric`.
    known
        By community, the digest of what its land was cut by before (`Fabric.cut_from`), with that
        of its locks where these had a say (`within_locks`).
    locks
        By community with locked cells, the digest of their outlines.

    Returns
    -------
    RecutLand
        ``None`` where all land has to be cut.
    """
    linework, sites = draw_linework(layers, households, micro_band, rules, executor)
    together = group_communities(linework)
    tracts = cut_tracts(linework, together, rules.sites.absorb_m2)
    digest = digests_of(tracts, layers)
    codes = layers.communities["code"]
    had = np.array([known.get(code, "") for code in codes], dtype=object)
    locked = np.array([code in locks for code in codes])
    inside = [
        within_locks(now, locks.get(code, "")) for code, now in zip(codes, digest, strict=True)
    ]
    # A lock that is new changes nothing: the cells are where they were without it.
    held = locked & (had == np.array(inside, dtype=object))
    fresh = (had != digest) & ~held
    if (fresh & locked).any():
        return None
    tree = shapely.STRtree(linework.land)
    beside = tree.query(linework.land[fresh], predicate="dwithin", distance=_BESIDE_M)[1]
    cut = np.isin(together, together[beside])
    if fresh.all() or (held & cut).any():
        return None
    digest[held] = had[held]
    own = run_each(cut_tract, [tract for tract in tracts if cut[tract.rows[0]]], executor=executor)
    atoms = join_tracts(own, len(linework.prints.geometry))
    a, b = unfit_communities(atoms, linework.land)
    if (cut[a] & cut[b] & (together[a] != together[b])).any():
        return None
    return RecutLand(
        fabric=fabric_of(layers, linework, sites, atoms, digest.tolist(), there=cut),
        fresh=fresh, cut=cut, part=atoms.site, sites=sites, home=linework.prints.home,
    )  # fmt: skip
