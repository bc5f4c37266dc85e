"""The figures of a plan as rows of its panel."""

import numpy as np

from gridcell.display.frames import PlanFrames
from gridcell.schema import SEVERITIES
from gridcell.words.maps import with_estimated


def plan_figures(plan: PlanFrames, text: dict[str, str], *, part: bool = False) -> list[list[str]]:
    """Return rows of word, value and mark (``good``, ``bad`` or nothing).

    Parameters
    ----------
    plan
        A plan, or a part of one.
    text
        The words of a language.
    part
        Whether the plan is one community of a plan: figures of the whole are left out.
    """
    dedicated = int((plan.small["grid_type"] == "dedicated").sum())
    households = _households(plan, text, part=part)
    rows = [
        [text["small_general"], _count(len(plan.small) - dedicated), ""],
        [text["small_dedicated"], _count(dedicated), ""],
        [text["micro"], _count(len(plan.micro)), ""],
        [
            text["households"],
            _with_estimated(plan, text, households) if plan.is_estimated else households,
            "",
        ],
    ]
    if not part:
        above = (("large", plan.large), ("medium", plan.medium))
        rows = [[text[level], _count(len(cells)), ""] for level, cells in above] + rows
        if plan.unassigned:
            rows.append([text["unassigned"], _count(plan.unassigned), "bad"])
    for level, cells in (("small", plan.small), ("micro", plan.micro)):
        band = cells["band"].dropna()
        if len(band):
            inside = int((band == "in").sum())
            share = np.floor(1000 * inside / len(band)) / 10  # 99.97 % is not all
            value = f"{share:g} %\n{_count(inside)} {text['of']} {_count(len(band))}"
            rows.append([text[f"in_band_{level}"], value, ""])
    if plan.publication is not None:
        # Vacancies and findings are not published: none is no number of them.
        return [*rows, _coverage(plan, text)]
    if len(plan.vacancies):
        rows.append([text["vacancies"], _count(int(plan.vacancies["missing"].sum())), ""])
    return [*rows, *_findings(plan, text), _coverage(plan, text)]


def _households(plan: PlanFrames, text: dict[str, str], *, part: bool) -> str:
    told = plan.publication
    if told is None or (part and plan.medium["households"].notna().all()):
        return _count(int(plan.medium["households"].sum()))
    total = None if part else told.households
    return text["hidden"] if total is None else _count(total)


def _with_estimated(plan: PlanFrames, text: dict[str, str], households: str) -> str:
    """Return the households with how many are estimates, where that is told of all."""
    cells = plan.medium
    told = cells[["estimated", "households"]].notna().all(axis=None) and cells["estimated"].any()
    part, whole = (int(cells[name].sum()) for name in ("estimated", "households"))
    return with_estimated(text, households, part if told else None, whole)


def _findings(plan: PlanFrames, text: dict[str, str]) -> list[list[str]]:
    counts = plan.findings["severity"].value_counts()
    rows = [
        [text[f"findings_{s}"], _count(int(counts[s])), "bad" if s == "error" else ""]
        for s in SEVERITIES
        if s in counts.index
    ]
    return rows or [[text["findings"], text["no_findings"], ""]]


def _coverage(plan: PlanFrames, text: dict[str, str]) -> list[str]:
    if not plan.coverage:
        return [text["coverage"], text["unchecked"], ""]
    holds = all(figures.holds for figures in plan.coverage.values())
    return [text["coverage"], text["proven" if holds else "disproven"], "good" if holds else "bad"]


def _count(number: int) -> str:
    return f"{number:,}"
