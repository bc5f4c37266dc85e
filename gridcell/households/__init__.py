"""Households: counted or estimated by building, placed in slabs and cells, none lost."""

from gridcell.households.areas import without_areas
from gridcell.households.count import HouseholdCounts, count_households
from gridcell.households.entrances import share_by_entrance, with_entrances
from gridcell.households.estimate import estimate_households
from gridcell.households.left_out import LeftOut
from gridcell.households.load import share_out_loads, with_loads
from gridcell.households.tables import (
    building_table,
    household_table,
    outside_findings,
    place_register,
)

__all__ = [
    "HouseholdCounts",
    "LeftOut",
    "building_table",
    "count_households",
    "estimate_households",
    "household_table",
    "outside_findings",
    "place_register",
    "share_by_entrance",
    "share_out_loads",
    "with_entrances",
    "with_loads",
    "without_areas",
]
