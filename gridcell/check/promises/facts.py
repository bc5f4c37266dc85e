"""The facts of a plan, held against its cells, its tables and a new proof."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict

import numpy as np

from gridcell.check.promises.faults import numbers
from gridcell.check.promises.report import differences, differs
from gridcell.coverage.proof import CoverageProof
from gridcell.model import CoverageFigures, Finding, Plan


def coverage_figures(proofs: Mapping[str, CoverageProof]) -> dict[str, CoverageFigures]:
    """Return what the proofs of the levels came to.

    Parameters
    ----------
    proofs
        What `prove_plan` returned.
    """
    return {
        level: CoverageFigures(
            gaps=proof.gaps,
            gap_m2=round(proof.gap_m2, 6),
            overlaps=proof.overlaps,
            overlap_m2=round(proof.overlap_m2, 6),
            edge_matched=proof.edge_matched and proof.exact,
        )
        for level, proof in proofs.items()
    }


def check_facts(plan: Plan, proofs: Mapping[str, CoverageProof]) -> Iterator[Finding]:
    """Yield ``report_differs`` for every fact that the plan itself contradicts.

    What nothing else tells is not compared: ``inputs``, ``seconds``, ``atoms``. A plan without
    proofs or without bands has nothing to compare.
    """
    if plan.coverage:
        told, true = plan.coverage, coverage_figures(proofs)
        for path, given, expected in differences(
            {level: asdict(figures) for level, figures in told.items()},
            {level: asdict(figures) for level, figures in true.items()},
            ("coverage",),
        ):
            yield differs(path, given, expected)
    households = plan.division.households
    if households is not None and plan.publication is None:
        held = int(np.nansum(np.maximum(numbers(plan.leaves["estimated"]), 0)))
        if not held <= plan.estimated <= min(held + plan.unassigned, households):
            yield differs(("households", "estimated"), plan.estimated, f"those of cells, {held}")
    yield from _bands(plan)


def _bands(plan: Plan) -> Iterator[Finding]:
    """Yield communities without a band where others have one, and those that the plan lacks."""
    if not plan.bands:
        return
    for code in plan.medium["community"].dropna():
        for level in ("small", "micro"):
            # Where the division stops at level 3 there is no band of micro cells.
            absent = level == "micro" and plan.rules.micro is None
            if (code, level) not in plan.bands and not absent:
                yield differs(("communities", code, level, "band"), None, "min, target and max")
    known = set(plan.medium["community"])
    for code, level in plan.bands:
        if code not in known:
            yield differs(("communities", code, level), "there", "no such community")
