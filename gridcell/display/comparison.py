"""The figures of plans side by side, in words."""

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridcell.words.catalogue import section

_SHARES: Final = ("_in_band", "_deviation", "_on_barriers")
_LEAST: Final = 0.0005
"""Smaller differences are 0 as figures are told."""
_DASH: Final = "–"


def comparison_rows(figures: pd.DataFrame, lang: str) -> list[tuple[str, str, str, str]]:
    """Return title, A, B and difference of every figure that one of the plans knows.

    Parameters
    ----------
    figures
        ``a``, ``b``, ``difference`` by figure, from `gridcell.compare_plans`.
    lang
        Output language.
    """
    words = section("compare", lang)
    rows = []
    for name, (a, b) in _known(figures[["a", "b"]]):
        difference = float(figures["difference"][name])
        is_same = abs(difference) < _LEAST
        told = "" if is_same else _said(name, difference, words, sign="+")
        rows.append((words[name], _said(name, a, words), _said(name, b, words), told))
    return rows


def scenario_rows(figures: pd.DataFrame, lang: str) -> list[tuple[str, ...]]:
    """Return the title of every figure that a plan knows, and what it is in each plan.

    Parameters
    ----------
    figures
        A column a plan, from `gridcell.compare_scenarios`.
    lang
        Output language.
    """
    words = section("compare", lang)
    return [
        (words[name], *(_said(name, value, words) for value in values))
        for name, values in _known(figures)
    ]


def _known(figures: pd.DataFrame) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Yield the figures that a plan knows; how many are estimates only where some are."""
    known = figures.dropna(how="all")
    for name, values in zip(known.index, known.to_numpy(), strict=True):
        if name != "estimated" or values.any():
            yield name, values


def _said(name: str, value: float, words: Mapping[str, str], sign: str = "") -> str:
    """Return a figure as it is read."""
    if np.isnan(value):
        return _DASH
    if name.endswith(_SHARES):
        share = f"{100 * value:{sign}.1f}"
        return words["points"].format(n=share) if sign else f"{share} %"
    return f"{value:{sign},.3f}" if name.endswith("_compactness") else f"{value:{sign},.0f}"
