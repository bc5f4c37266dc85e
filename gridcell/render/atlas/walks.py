"""The ways through cells as the maps of an atlas show them."""

from dataclasses import dataclass
from typing import Self

import geopandas as gpd
import pandas as pd

from gridcell.model import Plan
from gridcell.visits import visiting_orders
from gridcell.words.messages import Message


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Walks:
    """Orders of visit, by the code of the leaf."""

    cells: pd.DataFrame
    """Measures, on the codes."""
    ways: gpd.GeoDataFrame
    """Lines of the cells with several visits, on the codes."""
    visits: gpd.GeoDataFrame
    """``visit`` and place, on the codes."""

    @classmethod
    def of(cls, plan: Plan, codes: list[str]) -> Self:
        """Return the ways through some cells, of any level."""
        orders = visiting_orders(plan, cells=codes)
        return cls(
            cells=orders.cells.set_index("code"), ways=orders.ways.set_index("code"),
            visits=orders.visits.set_index("code"),
        )  # fmt: skip

    def told(self, leaves: list[str]) -> Message | None:
        """Return how far it is through some leaves, one after another; ``None`` without visits."""
        cells = self.cells[self.cells.index.isin(leaves)]
        if not cells["visits"].sum():
            return None
        return Message(
            "part.walk", metres=float(cells["metres"].sum()),
            minutes=float(cells["minutes"].sum()), n=int(cells["visits"].sum()),
        )  # fmt: skip
