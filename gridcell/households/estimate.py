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


def estimate_households(
    buildings: gpd.GeoDataFrame, rules: Households | None = None
) -> NDArray[np.int64]:
    """Return households by building from footprint, floors and use.

    Floor area is footprint times floors (else height over the height of a storey, else 1). A
    building that may be lived in holds at least one household; sheds and other uses none.

    Parameters
    ----------
    buildings
        ``floors``, ``height`` (metres), ``use``, all optional; polygons in a metric CRS.
    rules
        Floor area of a household, height of a storey, smallest footprint lived in.
    """
    rules = rules or Households()
    storeys = storeys_of(buildings, rules).fillna(1.0).to_numpy(dtype=np.float64)
    footprint = buildings.area.to_numpy()
    counts = np.maximum(np.round(footprint * storeys / rules.m2_per_household), 1)
    use = uses_of(buildings)
    empty = (footprint < rules.min_footprint_m2) | use.isin(NOT_LIVED_IN).to_numpy()
    return np.where(empty, 0, counts).astype(np.int64)


def storeys_of(buildings: gpd.GeoDataFrame, rules: Households) -> "pd.Series[float]":
    """Return the floors of each building, at least 1: given, or from its height, or NaN."""
    none = pd.Series(np.nan, index=buildings.index)
    floors = pd.to_numeric(buildings.get("floors", none))
    height = pd.to_numeric(buildings.get("height", none))
    by_height = (height / rules.metres_per_floor).round().clip(lower=1)
    storeys: pd.Series[float] = floors.fillna(by_height).clip(lower=1).astype("float64")
    return storeys


def uses_of(buildings: gpd.GeoDataFrame) -> "pd.Series[str]":
    """Return the use of each building in lower case, missing where none is given."""
    none = pd.Series(None, index=buildings.index, dtype="str")
    uses: pd.Series[str] = buildings.get("use", none).astype("str").str.lower()
    return uses
