"""What is told of estimates: how many there are, on what they rest, who was left out."""

from typing import Final

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from gridcell.households.estimate import (
    MOST_FLOORS,
    NOT_LIVED_IN,
    may_be_lived_in,
    storeys_of,
    uses_of,
)
from gridcell.model import Finding, place_of
from gridcell.rules import Households
from gridcell.words.messages import Message

_LOUD: Final = 0.1
"""From this share of the buildings that may be lived in, those without a figure are a warning."""


def estimate_findings(
    buildings: gpd.GeoDataFrame,
    figures: NDArray[np.float64],
    households: NDArray[np.int64],
    rules: Households,
) -> list[Finding]:
    """Return what is told where households were estimated.

    Parameters
    ----------
    buildings
        As in `estimate_households`.
    figures
        (buildings,) households where they are known, NaN elsewhere.
    households
        (buildings,) with the estimates.
    rules
        What they rest on.
    """
    unknown = np.isnan(figures)
    held = households[unknown].sum()
    if unknown.all():
        text = Message("finding.estimated", n=held, m2=rules.m2_per_household)
    else:
        homes = unknown & may_be_lived_in(buildings, rules)
        storeys = storeys_of(buildings, rules).fillna(1.0).to_numpy(dtype=np.float64)
        floor_m2 = (buildings.area.to_numpy() * storeys)[homes].sum()
        text = Message(
            "finding.estimated_sparse", n=held, known=int((~unknown).sum()), total=len(unknown),
            figures=figures[~unknown].sum(), buildings=int(homes.sum()),
            m2=floor_m2 / max(households[homes].sum(), 1),
        )  # fmt: skip
    found = [Finding(kind="estimated", severity="warning", measure=float(held), text=text)]
    return found + _implausible(buildings, unknown, rules)


def unknown_findings(
    buildings: gpd.GeoDataFrame, unknown: NDArray[np.bool_], rules: Households
) -> list[Finding]:
    """Return what is told where buildings without a figure hold nobody.

    Parameters
    ----------
    buildings, rules
        As in `estimate_findings`.
    unknown
        (buildings,) whether there is no figure.
    """
    if not unknown.any():
        return []
    homes = may_be_lived_in(buildings, rules)
    missing = int((unknown & homes).sum())
    loud = missing > _LOUD * homes.sum()
    return [
        Finding(
            kind="households_unknown", severity="warning" if loud else "note",
            measure=float(unknown.sum()),
            text=Message(
                "finding.households_unknown", n=unknown.sum(), total=len(unknown), homes=missing
            ),
        )
    ]  # fmt: skip


def _implausible(
    buildings: gpd.GeoDataFrame, unknown: NDArray[np.bool_], rules: Households
) -> list[Finding]:
    """Return the findings about footprints and floors that no building has."""
    area = buildings.area.to_numpy()
    other = uses_of(buildings).isin(NOT_LIVED_IN).to_numpy()
    large = np.flatnonzero(unknown & (area > rules.max_footprint_m2) & ~other)
    found = []
    if len(large):
        row = int(large[area[large].argmax()])
        found.append(
            Finding(
                kind="footprint_implausible", severity="warning", measure=float(area[row]),
                place=place_of(buildings.geometry.iloc[row]),
                text=Message(
                    "finding.footprint_implausible", n=len(large), limit=rules.max_footprint_m2,
                    building=buildings["bldg_id"].iloc[row], area=area[row],
                ),
            )
        )  # fmt: skip
    if "floors" in buildings:
        floors = buildings["floors"].astype("float64").to_numpy()
        high = np.flatnonzero(unknown & (floors > MOST_FLOORS))
        if len(high):
            row = int(high[0])
            found.append(
                Finding(
                    kind="floors_implausible", severity="warning", measure=float(len(high)),
                    place=place_of(buildings.geometry.iloc[row]),
                    text=Message(
                        "finding.floors_implausible", n=len(high), limit=MOST_FLOORS,
                        building=buildings["bldg_id"].iloc[row], floors=floors[row],
                    ),
                )
            )  # fmt: skip
    return found
