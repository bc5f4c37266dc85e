"""Coverages: polygons that share their borders, proved or found wanting."""

from gridcell.coverage.proof import CoverageProof, prove_coverage

__all__ = ["CoverageProof", "prove_coverage"]
