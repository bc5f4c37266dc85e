"""Coverages made whole: gaps closed, overlaps settled, borders matched, every change listed."""

from gridcell.repair.cells import Repair, repair_cells

__all__ = ["Repair", "repair_cells"]
