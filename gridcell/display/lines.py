"""What `repr` shows of plans and layers: at most ten lines of plain text."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from gridcell.display.frames import PlanFrames


def plan_lines(plan: PlanFrames, crs: Any, *, ok: bool) -> str:
    """Return the figures of a plan, a line a level, then what holds and what was found."""
    general = plan.small["grid_type"] == "general"
    levels = {
        "large": plan.large, "medium": plan.medium, "small, general": plan.small[general],
        "small, dedicated": plan.small[~general], "micro": plan.micro,
    }  # fmt: skip
    lines = ["<gridcell.Plan>"]
    for name, cells in levels.items():
        banded = cells["band"].dropna()
        inside = f", {int((banded == 'in').sum()):,} in their band" if len(banded) else ""
        lines.append(f"  {name:<17} {len(cells):,} cells{inside}")
    estimated = " (estimated)" if plan.is_estimated else ""
    lines.append(
        f"  households        {int(plan.leaves['households'].sum()):,} assigned, "
        f"{plan.unassigned:,} not{estimated}"
    )
    lines.append(f"  findings          {_counted(plan.findings['severity'])}")
    lines.append(f"  proofs            {'all hold' if ok else 'NOT ALL HOLD'}")
    lines.append(f"  CRS               {crs}")
    return "\n".join(lines)


def layers_lines(frames: Mapping[str, pd.DataFrame], findings: "pd.Series[str]", crs: Any) -> str:
    """Return the number of rows of each input, then what was found."""
    lines = ["<gridcell.Layers>"]
    lines += [f"  {role:<12} {len(frame):,} rows" for role, frame in frames.items()]
    lines.append(f"  {'findings':<12} {_counted(findings)}")
    lines.append(f"  {'CRS':<12} {crs}")
    return "\n".join(lines)


def _counted(severities: "pd.Series[str]") -> str:
    count = severities.value_counts()
    told = [f"{count[kind]:,} {kind}s" for kind in ("error", "warning", "note") if kind in count]
    return ", ".join(told) or "none"
