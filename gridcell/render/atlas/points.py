"""Service points as the sheets of an atlas show them."""

from dataclasses import dataclass
from typing import Any, Final, Self

import geopandas as gpd
import pandas as pd

from gridcell.model import Plan
from gridcell.siting.tables import served_cells
from gridcell.words.messages import Message

_NAMED: Final = 3
"""So many points of a cell are named."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class SitedPoints:
    """The points of a plan, and who serves its leaves."""

    points: gpd.GeoDataFrame
    """`schema.POINT_COLUMNS`."""
    tiers: tuple[str, ...]
    """The finest first."""
    served: pd.DataFrame
    """`gridcell.siting.tables.SERVED_CELLS`."""

    @classmethod
    def of(cls, plan: Plan) -> Self | None:
        """Return the points of a plan, if it has any."""
        if plan.siting is None or plan.points.empty:
            return None
        tiers = tuple(tier.name for tier in plan.siting.tiers)
        return cls(points=plan.points, tiers=tiers, served=served_cells(plan))

    def told(self, cell: "pd.Series[Any]") -> list[tuple[str, Message]]:
        """Return for each tier its name, which points serve a cell, and how far away they are."""
        column = {2: "community", 3: "small"}.get(int(cell["level"]), "code")
        key = cell["community"] if column == "community" else cell["code"]
        own = self.served[(self.served[column] == key) & self.served["point_id"].notna()]
        rows = []
        for tier in self.tiers:
            here = own[own["tier"] == tier]
            names = sorted(set(here["point_id"]))
            if not names:
                continue
            walked = float((here["households"] * here["mean_m"]).sum() / here["households"].sum())
            points: Any = (
                Message("count.point", n=len(names)) if len(names) > _NAMED else tuple(names)
            )
            far = float(here["max_m"].max())
            rows.append((tier, Message("part.served_by", points=points, mean=walked, max=far)))
        return rows
