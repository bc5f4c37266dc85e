"""What is wanted of a community, and what a sample consists of."""

from dataclasses import dataclass

import geopandas as gpd
import pandas as pd

MICRO_TARGET = 40.0
"""Households of a micro cell where nobody wants a certain number of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommunitySpec:
    """What a community of the town is to be like."""

    code: str
    quarter: str
    """Name without 社区."""
    households: int
    sites: int
    """Wanted number; a place too small for them has fewer."""
    n_small: int | None = None
    n_micro: int | None = None
    missing_micro: int = 0
    """Micro cells without anybody to be their chief."""
    missing_dedicated: int = 0
    south: bool = False
    """On the south bank of the river."""

    @property
    def name(self) -> str:
        """Full name."""
        return f"{self.quarter}社区"

    @property
    def micro_target(self) -> float:
        """Households that a micro cell is to have."""
        return self.households / self.n_micro if self.n_micro else MICRO_TARGET


def command_of(**options: str | int) -> str:
    """Return the command that makes a sample, for its README."""
    return " ".join(["gridcell sample DIR", *(f"--{name} {options[name]}" for name in options)])


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Sample:
    """A synthetic town in the input formats; frames in EPSG:4546, numbered from 0."""

    communities: gpd.GeoDataFrame
    """``code``, ``name``, ``n_small``, ``n_micro`` (Int64, NA where nothing is wanted); polygons
    that share every border vertex. Sorted by code."""
    buildings: gpd.GeoDataFrame
    """``bldg_id``, ``households``, ``floors``, ``units``; rectangles that do not touch each other,
    streets, sites or communities. Sorted by `bldg_id`."""
    households: pd.DataFrame
    """``household_id``, ``bldg_id``, ``unit``; one row a household."""
    sites: gpd.GeoDataFrame
    """``site_id``, ``name``, ``category`` (school, hospital, mall, factory, government); polygons,
    each inside one community."""
    roads: gpd.GeoDataFrame
    """``kind`` (road), ``rank`` (arterial, street, lane), ``name``; lines from junction to
    junction."""
    rivers: gpd.GeoDataFrame
    """``kind`` (river), ``name``; the water as a polygon."""
    staff: pd.DataFrame
    """``staff_id``, ``roles`` (separated by ``;``), ``bldg_id`` (home), ``community``,
    ``max_cells``, ``max_households`` (Int64, NA for no limit)."""
    title: str
    """What the town is, for its README."""
    notes: tuple[str, ...] = ()
    """What else to know about it, for its README."""
    command: str
    """The command that makes it."""
