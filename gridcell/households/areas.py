"""Areas among the buildings: estates, fields, harbours drawn as footprints with houses in them."""

from dataclasses import replace

import numpy as np
import shapely

from gridcell.households.count import HouseholdCounts
from gridcell.model import Finding, Layers, place_of
from gridcell.read.footprints import LEAST_INSIDE, find_areas
from gridcell.rules import Households
from gridcell.words.messages import Message


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
