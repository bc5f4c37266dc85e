"""How much a cell holds, households or load, in few classes about its band."""

from collections.abc import Mapping, Sequence
from math import ceil, floor, inf, nextafter
from typing import Any, Final

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from gridcell.display.frames import Limits, PlanFrames
from gridcell.schema import LOAD
from gridcell.words.maps import counting
from gridcell.workload import load_of

CLASSES: Final = 7
"""Two under the band, three thirds of it, two over."""

_SIDES: Final = {"under": (0, 1), "in": (2, 4), "over": (5, 6)}
_FAR: Final = (0.5, 1.5)  # of the least, of the most


def band_classes(plan: PlanFrames, level: str) -> tuple[NDArray[np.int64], dict[str, Any] | None]:
    """Return the class of every cell, -1 without a band, and the legend.

    Parameters
    ----------
    plan
        A plan. Where the band of a community is not known, it is that of the rules.
    level
        ``small`` or ``micro``.

    Returns
    -------
    tuple
        (n,) classes from 0 to 6; the legend holds ``band``, the least and most households, and
        ``ranges``, those of each class; both are ``None`` where communities differ. ``None`` for
        a level without a band.
    """
    cells = plan.cells(level)
    default = getattr(plan.rules, level)
    classes = np.full(len(cells), -1, dtype=np.int64)
    if default is None:
        return classes, None
    communities = cells["community"].to_numpy()
    bands = {code: _band(plan, str(code), level) for code in plan.medium["community"]}
    different = sorted(set(bands.values())) or [(default.min, default.max)]
    for band in different:
        rows = np.array([bands.get(code) == band for code in communities], dtype=bool)
        classes[rows] = _classes(cells[rows], _load_edges(band) if LOAD in cells else _edges(band))
    # In a publication a band may be untold: then that of the rules is not the community's.
    told = plan.publication is None or all(
        (code, level) in plan.bands for code in plan.medium["community"]
    )
    # Of a publication that tells no loads, households tell nothing of the band.
    loads = counts_loads(plan)
    if len(different) > 1 or not told or (loads and plan.publication is not None):
        return classes, {"band": None, "ranges": None}
    ranges = _load_ranges if loads else _ranges
    return classes, {"band": list(different[0]), "ranges": ranges(different[0])}


def counts_loads(plan: PlanFrames) -> bool:
    """Return whether bands of a plan count loads, of which a publication has none."""
    return getattr(plan.rules, "load", None) is not None


def words_of(plan: PlanFrames, text: Mapping[str, str]) -> dict[str, str]:
    """Return words as they are for what a plan counts, households or persons, and bands a load."""
    counted = counting(text, "persons" if plan.counts_persons else None)
    return counting(counted, "load" if counts_loads(plan) else None)


def _band(plan: PlanFrames, community: str, level: str) -> tuple[float, float]:
    band: Limits = plan.bands.get((community, level)) or getattr(plan.rules, level)
    return float(band.min), float(band.max)


def _edges(band: tuple[float, float]) -> list[int]:
    """Return the least number of households of each class but the first."""
    least, most = band
    third = (most - least) / 3
    return [
        ceil(_FAR[0] * least), ceil(least), ceil(least + third), ceil(least + 2 * third),
        floor(most) + 1, floor(_FAR[1] * most) + 1,
    ]  # fmt: skip


def _ranges(band: tuple[float, float]) -> list[list[int | None]]:
    edges = _edges(band)
    return [
        [low, None if high is None else high - 1]
        for low, high in zip([0, *edges], [*edges, None], strict=True)
    ]


def _load_edges(band: tuple[float, float]) -> list[float]:
    """Return the least load of each class but the first; loads are no whole numbers."""
    least, most = band
    third = (most - least) / 3
    return [
        _FAR[0] * least, least, least + third, least + 2 * third,
        nextafter(most, inf), nextafter(_FAR[1] * most, inf),
    ]  # fmt: skip


def _load_ranges(band: tuple[float, float]) -> list[list[float | None]]:
    """Return the ends of each class, rounded to be read: one ends where the next begins."""
    edges = [float(f"{edge:.4g}") for edge in _load_edges(band)]
    return [[low, high] for low, high in zip([0.0, *edges], [*edges, None], strict=True)]


def _classes(cells: gpd.GeoDataFrame, edges: Sequence[float]) -> NDArray[np.int64]:
    found = np.searchsorted(edges, np.nan_to_num(load_of(cells)), side="right")
    # What the plan says of a cell holds: rules may have changed since.
    sides = [_SIDES.get(str(side), (-1, -1)) for side in cells["band"]]
    limits = np.array(sides, dtype=np.int64).reshape(-1, 2)
    clipped: NDArray[np.int64] = np.clip(found, limits[:, 0], limits[:, 1])
    return clipped
