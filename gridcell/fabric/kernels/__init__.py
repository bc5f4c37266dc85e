"""Array-only kernels of the fabric, compiled once and cached beside these files."""

from gridcell.fabric.kernels.chains import chain_edges, straighten
from gridcell.fabric.kernels.taut import GatedVertices, pull_chains, settle_ends

__all__ = ["GatedVertices", "chain_edges", "pull_chains", "settle_ends", "straighten"]
