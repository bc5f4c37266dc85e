"""How two divisions of the same land relate: pairs of cells, and what lies in both."""

from gridcell.crosswalk.tables import Crosswalk, make_crosswalk
from gridcell.crosswalk.write import write_crosswalk

__all__ = ["Crosswalk", "make_crosswalk", "write_crosswalk"]
