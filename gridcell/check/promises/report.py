"""A report that somebody handed on, compared with the one that the plan itself makes."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import pyproj

from gridcell.check.promises.faults import fault
from gridcell.check.promises.shapes import PRECISION
from gridcell.crs import is_same_crs
from gridcell.errors import RulesError
from gridcell.model import Finding, Plan, make_report
from gridcell.rules import Rules
from gridcell.words.messages import Message

_ROUNDED: Final = {
    ("balance",): 1.0001e-4, ("borders",): 1.0001e-4, ("compactness",): 1.0001e-4,
    ("coverage",): 1.0001e-6, ("staff", "distance_m"): 0.10001,
}  # fmt: skip
"""Figures counted anew have few decimals: where they fall between two, either may stand."""

_MISSING: Final = object()
_SHOWN: Final = 60

Path = tuple[str, ...]


def compare_report(plan: Plan, told: Any) -> Iterator[Finding]:
    """Yield ``report_differs`` for every figure of a report that is not the plan's own.

    Parameters
    ----------
    plan
        The plan.
    told
        What a file holds as its report.
    """
    own = make_report(plan)
    for path, given, true in differences(told, own):
        # Earlier reports tell nothing of borders, or not how many cells are concave.
        if given is not _MISSING or (path != ("borders",) and path[-1:] != ("concave",)):
            yield differs(path, given, true)


def differs(path: Path, given: Any, true: Any) -> Finding:
    """Return the finding that a figure of the report is another one."""
    name = ".".join(path) or Message("part.all_of_it")
    if true is _MISSING:
        return fault("report_differs", Message("finding.report_stranger", name=name))
    found, expected = _said(given), _said(true)
    said = Message("finding.report_differs", name=name, found=found, expected=expected)
    return fault("report_differs", said)


def differences(told: Any, true: Any, path: Path = ()) -> Iterator[tuple[Path, Any, Any]]:
    """Yield where two reports differ, with what is told and what is true.

    Whole numbers and texts must be equal, figures with decimals as far as these are told. Rules
    are compared as rules: a setting that is younger than the plan has its default; a CRS as a CRS,
    however it is written.
    """
    if path == ("rules",):
        same = _same_rules(told, true)
    elif path == ("crs",):
        same = _same_crs(told, true)
    elif isinstance(told, dict) and isinstance(true, Mapping):
        for key in [*true, *(key for key in told if key not in true)]:
            inner = (*path, str(key))
            yield from differences(told.get(key, _MISSING), true.get(key, _MISSING), inner)
        return
    elif isinstance(told, list) and isinstance(true, list) and len(told) == len(true):
        for row, (given, expected) in enumerate(zip(told, true, strict=True)):
            yield from differences(given, expected, (*path, str(row)))
        return
    else:
        same = _same(told, true, _ROUNDED.get(path[:1], 0.0) or _ROUNDED.get(path[:2], 0.0))
    if not same:
        yield path, told, true


def _same(told: Any, true: Any, step: float) -> bool:
    if isinstance(true, float) and isinstance(told, (int, float)) and not isinstance(told, bool):
        return bool(abs(told - true) <= max(step, PRECISION * abs(true)))
    return isinstance(told, bool) == isinstance(true, bool) and bool(told == true)


def _same_rules(told: Any, true: Any) -> bool:
    try:
        return isinstance(told, dict) and Rules.build(told) == Rules.build(true)
    except RulesError:
        return False


def _same_crs(told: Any, true: Any) -> bool:
    if not isinstance(told, str) or not isinstance(true, str):
        return False
    try:
        return is_same_crs(pyproj.CRS.from_user_input(told), pyproj.CRS.from_user_input(true))
    except pyproj.exceptions.CRSError:
        return False


def _said(value: Any) -> str:
    if value is _MISSING:
        return "missing"
    text = value if isinstance(value, str) and " " in value else repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]} …"
