"""Counts hidden so that nobody can work them out from the sums that are public."""

from gridcell.suppress.network import blocks, feasible, ranges
from gridcell.suppress.search import Suppression, suppress

__all__ = ["Suppression", "blocks", "feasible", "ranges", "suppress"]
