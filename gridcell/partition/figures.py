"""What a division knows of itself: bands, how many cells could be in them, barriers."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridcell.fabric.barriers import PARCEL
from gridcell.model import Fabric
from gridcell.partition.bounds import reach_of_micro, reach_of_small
from gridcell.partition.divide import Division
from gridcell.partition.targets import Targets
from gridcell.rules import Band

Ints = NDArray[np.int64]


def community_bands(
    codes: "pd.Series[str]", small: Targets, micro: Targets | None
) -> dict[tuple[str, str], Band]:
    """Return the band of each community and level; none for micro where there are no targets."""
    levels = {"small": small} if micro is None else {"small": small, "micro": micro}
    return {
        (code, level): Band(
            min=float(targets.low[row]),
            target=float(targets.target[row]),
            max=float(targets.high[row]),
        )
        for row, code in enumerate(codes)
        for level, targets in levels.items()
    }


def community_bounds(
    codes: "pd.Series[str]",
    fabric: Fabric,
    division: Division,
    small: Targets,
    micro: Targets | None,
) -> dict[tuple[str, str], int]:
    """Return how many cells of each community and level could be in their band at most."""
    levels = {"small": reach_of_small(fabric, division, small)}
    if micro is not None:
        levels["micro"] = reach_of_micro(fabric, division, micro)
    return {
        (code, level): int(reach.bound[row])
        for row, code in enumerate(codes)
        for level, reach in levels.items()
    }


def barrier_share(fabric: Fabric, cell: Ints) -> float:
    """Return the share of borders between general cells of one community that is on barriers.

    The outlines of sites are given, not chosen, and do not count; lines between parcels are no
    barriers to anybody.

    Parameters
    ----------
    fabric
        The land.
    cell
        (atoms,) which cell each belongs to.
    """
    general = np.append(fabric.atoms["site"].to_numpy() < 0, [False])
    inner = general[fabric.arc_left] & general[fabric.arc_right]
    left, right = fabric.arc_left[inner], fabric.arc_right[inner]
    community = fabric.atoms["community"].to_numpy()
    border = (cell[left] != cell[right]) & (community[left] == community[right])
    length = fabric.arc_length[inner][border]
    barrier = fabric.arc_barrier[inner][border]
    on = (barrier > 0) & (barrier != 1 + PARCEL)
    return round(float(length[on].sum() / length.sum()), 4) if length.sum() > 0 else 0.0
