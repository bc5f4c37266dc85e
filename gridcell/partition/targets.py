"""How many cells each community should have, and how many households each of them."""

from dataclasses import dataclass
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridcell.arguments import checked
from gridcell.rules import WANTED_BAND, Band, Rules
from gridcell.workload import GRAIN

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Targets:
    """The band of one level, for each community."""

    low: Floats
    target: Floats
    high: Floats
    wanted: Ints
    """Number of general cells asked for, 0 where the number is free."""
    grain: float = 1.0
    """What cells hold are multiples of this: households are whole, loads are finer."""

    def take(self, rows: Ints) -> "Targets":
        """Return the targets of some communities."""
        return Targets(
            low=self.low[rows], target=self.target[rows], high=self.high[rows],
            wanted=self.wanted[rows], grain=self.grain,
        )  # fmt: skip

    def cells_for(self, households: Floats, community: Ints) -> Ints:
        """Return the number of cells nearest to the target that the band allows, at least 1."""
        least = np.ceil(households / self.high[community] - 1e-9)
        most = np.maximum(
            np.floor(households / np.maximum(self.low[community], 1e-9) + 1e-9), least
        )
        nearest = np.round(households / self.target[community])
        return np.maximum(np.clip(nearest, least, most), 1).astype(np.int64)


@checked
def set_targets(
    communities: gpd.GeoDataFrame, households: Ints | Floats, rules: Rules
) -> tuple[Targets, Targets | None]:
    """Return the targets of small and micro cells; none for micro where the rules stop at small.

    Parameters
    ----------
    communities
        ``code`` and, each where given, before the next: ``n_small`` and ``n_micro``, wanted
        numbers of cells (the target is households over this number, the band `WANTED_BAND` of
        it); ``small`` and ``micro``, bands as ``MIN:TARGET:MAX``; ``class``, a name in
        `Rules.classes`.
    households
        (communities,) households on general land; loads where the rules have them.
    rules
        `Rules.classes`; `Rules.small` and `Rules.micro` for all that have nothing of their own.

    Raises
    ------
    InputError
        A community of a class that the rules do not know.

    Examples
    --------
    `layers` are those of the example of `read_layers`: one community that wants no certain
    number of cells.

    >>> import gridcell, numpy as np
    >>> small, micro = gridcell.set_targets(layers.communities, np.array([900]), gridcell.Rules())
    >>> small.target.tolist(), small.cells_for(np.array([900.0]), np.array([0])).tolist()
    ([400.0], [2])
    """
    if "class" in communities:
        known = communities[communities["class"].notna()]
        rules.require_classes(zip(known["code"], known["class"], strict=True))
    small = _targets(communities, "small", rules.small, households, rules)
    if rules.micro is None:
        return small, None
    return small, _targets(communities, "micro", rules.micro, households, rules)


def _targets(
    communities: gpd.GeoDataFrame,
    level: Literal["small", "micro"],
    default: Band,
    households: Ints | Floats,
    rules: Rules,
) -> Targets:
    bands = np.tile(_row(default), (len(communities), 1))
    of_class = {name: getattr(own, level) or default for name, own in rules.classes.items()}
    if of_class:
        _fill(bands, communities, "class", of_class)
    _fill(bands, communities, level, None)
    wanted = _wanted(communities, f"n_{level}")
    asked = wanted > 0
    target = np.where(asked, np.maximum(households, 1) / np.maximum(wanted, 1), bands[:, 1])
    return Targets(
        low=np.where(asked, WANTED_BAND[0] * target, bands[:, 0]),
        target=target,
        high=np.where(asked, WANTED_BAND[1] * target, bands[:, 2]),
        wanted=wanted,
        grain=1.0 if rules.load is None else GRAIN,
    )


def _fill(
    bands: Floats, communities: gpd.GeoDataFrame, column: str, known: dict[str, Band] | None
) -> None:
    """Put the bands that a column names, or spells out, into the rows where it does."""
    if column not in communities:
        return
    number, distinct = pd.factorize(communities[column].astype(object), use_na_sentinel=True)
    if len(distinct):
        given = [Band.parse(text) if known is None else known[text] for text in distinct]
        table = np.array([_row(band) for band in given])
        bands[number >= 0] = table[number[number >= 0]]


def _row(band: Band) -> tuple[float, float, float]:
    return float(band.min), band.target, float(band.max)


def _wanted(communities: gpd.GeoDataFrame, column: str) -> Ints:
    if column not in communities:
        return np.zeros(len(communities), dtype=np.int64)
    wanted: Ints = pd.to_numeric(communities[column]).fillna(0).to_numpy(dtype=np.int64)
    return wanted
