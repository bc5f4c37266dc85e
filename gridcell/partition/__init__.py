"""Fabric to cell numbers: small cells, then micro cells within them."""

from gridcell.partition.divide import Division, divide
from gridcell.partition.targets import Targets, set_targets

__all__ = ["Division", "Targets", "divide", "set_targets"]
