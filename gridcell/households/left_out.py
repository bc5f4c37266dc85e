"""Communities that are not in a plan because dividing them failed, and who lives there."""

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from gridcell.arrays import Geometries
from gridcell.coverage.holders import find_holders
from gridcell.errors import GridcellError
from gridcell.model import Finding, place_of
from gridcell.words.messages import Message


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class LeftOut:
    """Communities that are left out, and what was raised when they were divided."""

    communities: gpd.GeoDataFrame
    """As in `Layers.communities`."""
    raised: Sequence[Exception]
    """(communities,)"""

    def holds(self, shapes: Geometries) -> NDArray[np.bool_]:
        """Return whether each shape stands on their land."""
        return find_holders(shapes, self.communities.geometry.to_numpy()) >= 0

    def findings(self, lost: gpd.GeoDataFrame) -> list[Finding]:
        """Return an error for each community.

        Parameters
        ----------
        lost
            ``households`` of pieces of buildings that have no cell, and their geometry.
        """
        land = self.communities.geometry.to_numpy()
        home = find_holders(lost.geometry.to_numpy(), land)
        held = np.bincount(
            home[home >= 0], weights=lost["households"].to_numpy()[home >= 0], minlength=len(land)
        )
        return [
            Finding(
                kind="community_left_out", severity="error", community=code, measure=float(n),
                place=place_of(outline),
                text=Message(
                    "finding.community_left_out", community=code, n=int(n), why=_reason(error)
                ),
            )
            for code, n, outline, error in zip(
                self.communities["code"], held, land, self.raised, strict=True
            )
        ]  # fmt: skip


def _reason(error: Exception) -> Message | str:
    if isinstance(error, MemoryError):
        return Message("part.no_memory")
    if isinstance(error, GridcellError):
        return error.text if isinstance(error.text, Message) else error.message
    said = str(error)
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
