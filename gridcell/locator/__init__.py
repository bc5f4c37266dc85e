"""Where points are: the cells that hold them, and who answers for these."""

from gridcell.locator.frames import locate
from gridcell.locator.index import LOCATED_COLUMNS
from gridcell.locator.location import Location
from gridcell.locator.locator import Locator, open_locator
from gridcell.locator.positions import NEAREST_COLUMNS
from gridcell.locator.stream import LocateReport, locate_file

__all__ = [
    "LOCATED_COLUMNS",
    "NEAREST_COLUMNS",
    "LocateReport",
    "Location",
    "Locator",
    "locate",
    "locate_file",
    "open_locator",
]
