"""Areas among the buildings: estates, fields, harbours drawn as footprints with houses in them."""

from dataclasses import replace
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries
from gridcell.households.count import HouseholdCounts
from gridcell.model import Finding, Layers, place_of
from gridcell.rules import Households
from gridcell.words.messages import Message

LEAST_INSIDE: Final = 10
"""Podiums carry fewer towers; estates hold more houses."""


def find_areas(outlines: Geometries, largest_m2: float) -> NDArray[np.bool_]:
    """Return which footprints are too large for a building and have at least `LEAST_INSIDE` in it.

    As buildings they would make one piece of all that stands in them, which no border may cut.

    Parameters
    ----------
    outlines
        (buildings,) polygons in metres.
    largest_m2
        Area that no building exceeds.

    Returns
    -------
    NDArray[np.bool_]
        (buildings,).
    """
    area = np.zeros(len(outlines), dtype=bool)
    large = np.flatnonzero(shapely.area(outlines) > largest_m2)
    if len(large):
        others = shapely.STRtree(shapely.point_on_surface(outlines))
        outer, inner = others.query(outlines[large], predicate="intersects")
        inside = np.bincount(outer[large[outer] != inner], minlength=len(large))
        area[large] = inside >= LEAST_INSIDE
    return area


def without_areas(
    layers: Layers, counted: HouseholdCounts, rules: Households
) -> tuple[Layers, HouseholdCounts]:
    """Return layers and counts without the areas that are no buildings and hold no household.

    Parameters
    ----------
    layers, counted
        The inputs, and the households of their buildings.
    rules
        How large buildings are.
    """
    buildings = layers.buildings
    if layers.atoms is not None or buildings is None:
        return layers, counted
    outlines = buildings.geometry.to_numpy()
    drop = find_areas(outlines, rules.max_footprint_m2) & (counted.households == 0)
    if not drop.any():
        return layers, counted
    size = shapely.area(outlines) * drop
    row = int(size.argmax())
    finding = Finding(
        kind="area_not_building", severity="warning", measure=float(size[row]),
        place=place_of(outlines[row]),
        text=Message(
            "finding.area_not_building", n=int(drop.sum()), limit=rules.max_footprint_m2,
            least=LEAST_INSIDE, building=buildings["bldg_id"].iloc[row], area=size[row],
        ),
    )  # fmt: skip
    renumbered = np.append(np.cumsum(~drop) - 1, -1)
    register = counted.register
    return replace(layers, buildings=buildings[~drop].reset_index(drop=True)), replace(
        counted, households=counted.households[~drop], is_estimate=counted.is_estimate[~drop],
        register=register.assign(building=renumbered[register["building"].to_numpy()]),
        findings=(*counted.findings, finding),
    )  # fmt: skip
