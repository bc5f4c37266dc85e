"""What is true of cells: proofs of coverages, and the rules that every plan keeps."""

from gridcell.check.layer import check_cells
from gridcell.check.plan import check_plan, compare_report, coverage_figures, prove_plan
from gridcell.check.report import CheckReport

__all__ = [
    "CheckReport",
    "check_cells",
    "check_plan",
    "compare_report",
    "coverage_figures",
    "prove_plan",
]
