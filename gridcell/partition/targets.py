"""How many cells each community should have, and how many households each of them."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridcell.rules import Band, Rules

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

WANTED_BAND = (0.75, 1.25)
"""The band, relative to the target, where a number of cells is wanted."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Targets:
    """The band of one level, for each community."""

    low: Floats
    target: Floats
    high: Floats
    wanted: Ints
    """Number of general cells asked for, 0 where the number is free."""

    def cells_for(self, households: Floats, community: Ints) -> Ints:
        """Return the number of cells nearest to the target that the band allows, at least 1."""
        least = np.ceil(households / self.high[community] - 1e-9)
        most = np.maximum(
            np.floor(households / np.maximum(self.low[community], 1e-9) + 1e-9), least
        )
        nearest = np.round(households / self.target[community])
        return np.maximum(np.clip(nearest, least, most), 1).astype(np.int64)


def set_targets(
    communities: gpd.GeoDataFrame, households: Ints, rules: Rules
) -> tuple[Targets, Targets | None]:
    """Return the targets of small and micro cells; none for micro where the rules stop at small.

    Parameters
    ----------
    communities
        ``n_small`` and ``n_micro``: where given, the target is households over this number.
    households
        (communities,) households on general land.
    rules
        `Rules.small` and `Rules.micro`.
    """
    small = _targets(rules.small, _wanted(communities, "n_small"), households)
    if rules.micro is None:
        return small, None
    return small, _targets(rules.micro, _wanted(communities, "n_micro"), households)


def _wanted(communities: gpd.GeoDataFrame, column: str) -> Ints:
    if column not in communities:
        return np.zeros(len(communities), dtype=np.int64)
    wanted: Ints = pd.to_numeric(communities[column]).fillna(0).to_numpy(dtype=np.int64)
    return wanted


def _targets(band: Band, wanted: Ints, households: Ints) -> Targets:
    asked = wanted > 0
    target = np.where(asked, np.maximum(households, 1) / np.maximum(wanted, 1), band.target)
    return Targets(
        low=np.where(asked, WANTED_BAND[0] * target, band.min),
        target=target,
        high=np.where(asked, WANTED_BAND[1] * target, band.max),
        wanted=wanted,
    )
