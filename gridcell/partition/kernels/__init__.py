"""Array-only kernels of the division, compiled once and cached beside these files.

`Adjacency` and `Cells` bundle arrays for them; everything else comes and goes as an array or a
number.
"""

from gridcell.partition.kernels.anneal import anneal
from gridcell.partition.kernels.bisect import bisect
from gridcell.partition.kernels.pair import pair_neighbours
from gridcell.partition.kernels.reach import DIRECTIONS
from gridcell.partition.kernels.state import Adjacency, Goal, measure
from gridcell.partition.kernels.subsets import best_partition, connected_sets

__all__ = [
    "DIRECTIONS",
    "Adjacency",
    "Goal",
    "anneal",
    "best_partition",
    "bisect",
    "connected_sets",
    "measure",
    "pair_neighbours",
]
