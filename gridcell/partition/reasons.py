"""Why a cell is outside its band, in words that a planner can act on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gridcell.model import Fabric
from gridcell.partition.divide import Division
from gridcell.partition.targets import Targets

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Reasons:
    """A sentence for each cell outside its band, ``None`` for the others."""

    small: NDArray[np.object_]
    leaf: NDArray[np.object_]


def explain(
    fabric: Fabric,
    division: Division,
    small: Targets,
    micro: Targets | None,
    households: Ints,
    names: NDArray[np.object_],
) -> Reasons:
    """Return why cells are outside their band.

    Parameters
    ----------
    fabric, division, small, micro
        The division and what it was to reach.
    households
        (pieces,) of `fabric.pieces`, as finally placed.
    names
        (buildings,) ids.
    """
    community = division.community_of_small
    none = np.full(len(division.small_of_leaf), None, dtype=object)
    by_small = _explain(
        fabric, division.small, small, community, division.site_of_small >= 0, households, names
    )
    if micro is None:
        return Reasons(small=by_small, leaf=none)
    parent = division.small_of_leaf
    leaf = _explain(
        fabric, division.leaf, micro, community[parent], division.site_of_small[parent] >= 0,
        households, names,
    )  # fmt: skip
    return Reasons(small=by_small, leaf=leaf)


def _explain(
    fabric: Fabric,
    cell: Ints,
    targets: Targets,
    community: Ints,
    dedicated: NDArray[np.bool_],
    households: Ints,
    names: NDArray[np.object_],
) -> NDArray[np.object_]:
    pieces = fabric.pieces
    placed = np.flatnonzero(pieces["atom"].to_numpy() >= 0)
    at = cell[pieces["atom"].to_numpy()[placed]]
    total = np.bincount(at, weights=households[placed], minlength=len(community))
    lived_in = np.bincount(at, weights=households[placed] > 0, minlength=len(community))
    low, high = targets.low[community], targets.high[community]
    out = np.full(len(community), None, dtype=object)
    # The fullest building of each cell, as an example to look at.
    order = np.lexsort((-households[placed], at))
    fullest = np.full(len(community), -1, dtype=np.int64)
    fullest[at[order][::-1]] = placed[order][::-1]
    neighbours = _neighbours(fabric, cell, community)
    wrong = ~dedicated & ((total < low - 1e-9) | (total > high + 1e-9))
    for c in np.flatnonzero(wrong):
        piece = fullest[c]
        name = "" if piece < 0 else names[pieces["building"].iat[piece]]
        if total[c] > high[c] and lived_in[c] == 1:
            out[c] = f"building {name} alone holds {total[c]:.0f} households"
        elif not neighbours[c]:
            out[c] = f"cut off by sites or the boundary: {total[c]:.0f} households in this piece"
        elif total[c] == 0:
            out[c] = "nobody lives on this land, and no neighbour can take it in"
        else:
            out[c] = (
                f"{total[c]:.0f} households in {lived_in[c]:.0f} buildings; no exchange with a "
                f"neighbour was found that brings it into {low[c]:.0f} to {high[c]:.0f}"
            )
    return out


def _neighbours(fabric: Fabric, cell: Ints, community: Ints) -> Ints:
    """Return for each cell how many arcs it shares with other general cells of its community."""
    side = np.append(cell, -1)
    a, b = side[fabric.arc_left], side[fabric.arc_right]
    general = np.append(fabric.atoms["site"].to_numpy() < 0, False)  # noqa: FBT003
    inner = (a != b) & general[fabric.arc_left] & general[fabric.arc_right]
    inner[inner] = community[a[inner]] == community[b[inner]]
    ends = np.concatenate([a[inner], b[inner]])
    return np.bincount(ends, minlength=len(community))
