"""Households by building from footprint, floors and use, where nobody counted them."""

from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridcell.rules import Households

NOT_LIVED_IN: Final = (
    "agricultural", "allotment_house", "barn", "bridge", "bunker", "cabin", "carport", "chapel",
    "church", "cathedral", "civic", "commercial", "construction", "cowshed", "factory",
    "farm_auxiliary", "fire_station", "garage", "garages", "government", "grandstand", "greenhouse",
    "hangar", "hospital", "hut", "industrial", "kindergarten", "kiosk", "mosque", "office",
    "parking", "public", "religious", "retail", "roof", "ruins", "school", "service", "shed",
    "silo", "sports_hall", "stable", "storage_tank", "sty", "supermarket", "temple", "toilets",
    "tower", "train_station", "transformer_tower", "university", "warehouse",
    "agricole", "annexe", "commercial et services", "industriel", "religieux", "sportif",
    "商业", "工业", "办公", "学校", "医院", "仓库", "公共",
)  # fmt: skip
"""Uses of buildings in which an estimate counts nobody, in lower case: values of OpenStreetMap's
``building``, of the French BD TOPO, and Chinese ones."""

LIVED_IN: Final = (
    "apartments", "bungalow", "detached", "dormitory", "farm", "house", "residential",
    "semidetached_house", "terrace", "résidentiel", "住宅", "居住", "宿舍", "民居",
)  # fmt: skip
"""Uses of buildings in which somebody should live, in lower case."""


MOST_FLOORS: Final = 200
"""More floors than any building has: years, codes and heights in the column of floors."""


def estimate_households(
    buildings: gpd.GeoDataFrame,
    rules: Households | None = None,
    *,
    known: NDArray[np.float64] | None = None,
) -> NDArray[np.int64]:
    """Return households by building from footprint, floors and use.

    Floor area is footprint times floors (else height over the height of a storey, else 1). A
    building that may be lived in holds at least one household; sheds, other uses and what is too
    large for a building (`may_be_lived_in`) none.

    Where enough buildings have a figure, a household gets as much floor area as it has in them: the
    sum of their floor area over the sum of their households, for buildings whose floors are known
    and those whose floors are not each by their like. Else it gets `Households.m2_per_household`.

    Parameters
    ----------
    buildings
        ``floors``, ``height`` (metres), ``use``, all optional; polygons in a metric CRS.
    rules
        Floor area of a household, height of a storey, which footprints are lived in, how many
        figures suffice.
    known
        (buildings,) households where they are known, NaN elsewhere. Returned as they are.
    """
    rules = rules or Households()
    storeys = storeys_of(buildings, rules)
    floor_m2 = buildings.area.to_numpy() * storeys.fillna(1.0).to_numpy(dtype=np.float64)
    lived_in = may_be_lived_in(buildings, rules)
    m2 = np.full(len(buildings), rules.m2_per_household)
    if known is not None:
        told = storeys.notna().to_numpy()
        for alike in (told, ~told):
            of = alike & lived_in & ~np.isnan(known)
            if (known[of] > 0).sum() >= rules.calibrate_from:
                m2[alike] = floor_m2[of].sum() / known[of].sum()
    counts = np.where(lived_in, np.maximum(np.round(floor_m2 / m2), 1), 0)
    if known is not None:
        counts = np.where(np.isnan(known), counts, known)
    return counts.astype(np.int64)


def may_be_lived_in(buildings: gpd.GeoDataFrame, rules: Households) -> NDArray[np.bool_]:
    """Return which buildings an estimate gives households, by their size and use.

    Parameters
    ----------
    buildings
        As in `estimate_households`.
    rules
        The smallest and the largest footprint.
    """
    footprint = buildings.area.to_numpy()
    fits = (footprint >= rules.min_footprint_m2) & (footprint <= rules.max_footprint_m2)
    other = uses_of(buildings).isin(NOT_LIVED_IN).to_numpy(dtype=np.bool_)
    return np.asarray(fits & ~other)


def storeys_of(buildings: gpd.GeoDataFrame, rules: Households) -> "pd.Series[float]":
    """Return the floors of each building, at least 1: given, or from its height, or NaN.

    More than `MOST_FLOORS` are none.
    """
    none = pd.Series(np.nan, index=buildings.index)
    floors = pd.to_numeric(buildings.get("floors", none)).astype("float64")
    height = pd.to_numeric(buildings.get("height", none)).astype("float64")
    by_height = (height / rules.metres_per_floor).round().clip(lower=1)
    floors, by_height = (s.where(s <= MOST_FLOORS) for s in (floors, by_height))
    storeys: pd.Series[float] = floors.fillna(by_height).clip(lower=1)
    return storeys


def uses_of(buildings: gpd.GeoDataFrame) -> "pd.Series[str]":
    """Return the use of each building in lower case, missing where none is given."""
    none = pd.Series(None, index=buildings.index, dtype="str")
    uses: pd.Series[str] = buildings.get("use", none).astype("str").str.lower()
    return uses
