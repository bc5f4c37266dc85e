"""What drawings need of a plan: its frames and figures, whoever holds them."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import geopandas as gpd
import pandas as pd
import pyproj

from gridcell.facts import CoverageFigures, PublicationRecord


class Limits(Protocol):
    """A band: `gridcell.Band`."""

    @property
    def min(self) -> float:
        """Fewest households."""

    @property
    def max(self) -> float:
        """Most households."""


@runtime_checkable
class PlanFrames(Protocol):
    """The part of a plan that is drawn; `gridcell.Plan` has all of it.

    Drawings stand below the plan, which shows itself in notebooks through them: so they take
    frames with the columns of `gridcell.schema`, and know nothing of how a plan is made.
    """

    @property
    def crs(self) -> pyproj.CRS:
        """CRS of all frames."""

    @property
    def large(self) -> gpd.GeoDataFrame:
        """Cells of level 1."""

    @property
    def medium(self) -> gpd.GeoDataFrame:
        """Cells of level 2."""

    @property
    def small(self) -> gpd.GeoDataFrame:
        """Cells of level 3."""

    @property
    def micro(self) -> gpd.GeoDataFrame:
        """Cells of level 4."""

    @property
    def leaves(self) -> gpd.GeoDataFrame:
        """Cells without children."""

    @property
    def buildings(self) -> gpd.GeoDataFrame:
        """Buildings, one row a slab."""

    @property
    def barriers(self) -> gpd.GeoDataFrame:
        """Barriers."""

    @property
    def vacancies(self) -> pd.DataFrame:
        """Vacant posts."""

    @property
    def points(self) -> gpd.GeoDataFrame:
        """Service points."""

    @property
    def findings(self) -> gpd.GeoDataFrame:
        """Findings, worst first."""

    @property
    def rules(self) -> object:
        """The rules, with the bands `small` and `micro`."""

    @property
    def bands(self) -> Mapping[tuple[str, str], Limits]:
        """By community and level, the band that its cells were made for."""

    @property
    def coverage(self) -> Mapping[str, CoverageFigures]:
        """By level, what the proof came to."""

    @property
    def unassigned(self) -> int:
        """Households in no cell."""

    @property
    def counts_persons(self) -> bool:
        """Whether persons stand where households would."""

    @property
    def is_estimated(self) -> bool:
        """Whether households are estimates."""

    @property
    def publication(self) -> PublicationRecord | None:
        """What was hidden, where this is to be published."""

    def note(self, lang: str | None = None) -> str | None:
        """Return what a publication says of itself."""

    def cells(self, level: str) -> gpd.GeoDataFrame:
        """Return the cells of a level."""
