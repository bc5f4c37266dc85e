"""Shares above 100 %: columns of percentages, and parts counted against their whole."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridcell.check.codes import SUMMED, numbers
from gridcell.coverage.layer import CellTable, column_of, find_column
from gridcell.coverage.levels import Levels
from gridcell.errors import InputError
from gridcell.model import Finding, Severity
from gridcell.words.messages import Message, either

PARTS: Final[tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]] = (
    (("members", "member_households", "会员", "会员数", "会员户数"), SUMMED["households"]),
    (("occupied", "occupied_households", "入住户数", "已入住户数"), SUMMED["households"]),
    (("registered", "registered_households", "登记户数", "已登记户数"), SUMMED["households"]),
    (("households", "户数", "总户数"), SUMMED["population"]),
    (("voters", "registered_voters", "选民", "选民数"), SUMMED["population"]),
    (("insured", "参保人数"), SUMMED["population"]),
    (("permanent_population", "户籍人口"), ("total_population", "总人口")),
)
"""Columns of a part, and those of the whole that it cannot exceed, compared without being asked."""

_SHARE: Final = re.compile(r"share|percent|(?<![a-z])pct(?![a-z])|%|占比|比例|比重|百分比|百分率")
_RATE: Final = re.compile(r"(?<![a-z])(?:rate|ratio)(?![a-z])|率")
_NO_SHARE: Final = re.compile(
    r"shared|growth|增长|增速|容积率|性别比|change|变化|birth|death|出生|死亡"
)
"""What is no part of a whole, or is counted by the thousand."""


def check_shares(
    table: CellTable, levels: Levels, pairs: Sequence[tuple[str, str]]
) -> list[Finding]:
    """Return a finding for every share above 100 %, of each cell and of all together.

    Parameters
    ----------
    table, levels
        The layer.
    pairs
        Columns of a part and of its whole, beside those that `PARTS` knows.

    Raises
    ------
    InputError
        A column of a pair that the layer lacks, or that holds no numbers.
    """
    given = [(_required(table, part), _required(table, whole)) for part, whole in pairs]
    known = [
        (find_column(table.frame, part), find_column(table.frame, whole)) for part, whole in PARTS
    ]
    found = [(part, whole) for part, whole in known if part is not None and whole is not None]
    findings = list(_columns(table))
    for part, whole in dict.fromkeys([*given, *found]):
        findings.extend(_pair(table, levels, part, whole))
    return findings


def _required(table: CellTable, name: str) -> str:
    column = name if name in table.frame.columns else find_column(table.frame, (name,))
    if column is None:
        had = [str(c) for c in table.frame.columns if c != table.frame.active_geometry_name]
        raise InputError(Message("error.share_no_column", column=name, columns=either(had)))
    if len(table.name) and not np.isfinite(numbers(column_of(table.frame, column))).any():
        raise InputError(Message("error.share_no_numbers", column=name))
    return column


def _columns(table: CellTable) -> Iterator[Finding]:
    for column in dict.fromkeys(c for c in table.frame.columns if isinstance(c, str)):
        values = column_of(table.frame, column)
        name = column.lower()
        is_share = _SHARE.search(name) is not None
        if not (is_share or _RATE.search(name)) or _NO_SHARE.search(name):
            continue
        if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
            continue
        share = numbers(values)
        whole = _whole(share)
        severity: Severity = "error" if is_share else "warning"
        for row in np.flatnonzero(share > whole * (1 + 1e-9)).tolist():
            percent = 100 * share[row] / whole
            yield Finding(
                kind="share_above_100", severity=severity, cell=table.title(row), measure=percent,
                place=_place(table, row),
                text=Message(
                    "finding.share_column", cell=table.name[row], column=column, share=share[row],
                    percent=_percent(percent),
                ),
            )  # fmt: skip


def _whole(share: NDArray[np.float64]) -> float:
    """Return what stands for 100 % in a column: 1 of fractions, 100 of percentages, else inf."""
    known = share[np.isfinite(share)]
    if not len(known):
        return np.inf
    middle, upper = np.quantile(known, [0.5, 0.9])
    if middle <= 1 and upper <= 1.5 and known.max() <= 10:
        return 1.0
    return 100.0 if middle <= 100 else np.inf


def _pair(table: CellTable, levels: Levels, part: str, whole: str) -> Iterator[Finding]:
    some, all_of = (numbers(column_of(table.frame, column)) for column in (part, whole))
    known = np.isfinite(some) & np.isfinite(all_of)
    for row in np.flatnonzero(known & (some > all_of * (1 + 1e-9))).tolist():
        yield Finding(
            kind="share_above_100", severity="error", cell=table.title(row),
            measure=_ratio(some[row], all_of[row]), place=_place(table, row),
            text=Message(
                "finding.share_above_100", cell=table.name[row],
                told=_told(part, some[row], whole, all_of[row]),
            ),
        )  # fmt: skip
    for rank, name in enumerate(levels.number):
        rows = known & (levels.rank == rank)
        total, of = float(some[rows].sum()), float(all_of[rows].sum())
        if np.count_nonzero(rows) > 1 and total > of * (1 + 1e-9):
            which = (
                Message("part.all_of_level", level=name)
                if levels.stacked
                else Message("part.all_cells")
            )
            yield Finding(
                kind="share_above_100", severity="error", measure=_ratio(total, of),
                text=Message(
                    "finding.share_above_100", cell=which, told=_told(part, total, whole, of)
                ),
            )  # fmt: skip


def _told(part: str, some: float, whole: str, all_of: float) -> Message:
    figures = {"part": some, "part_column": part, "whole": all_of, "whole_column": whole}
    ratio = _ratio(some, all_of)
    if ratio is None:
        return Message("part.share", **figures)
    return Message("part.share_percent", **figures, percent=_percent(ratio))


def _percent(value: float) -> str:
    """Return a percentage with as many digits as tell it from 100."""
    digits = int(np.clip(-np.floor(np.log10(max(value - 100, 1e-9))), 0, 6))
    return f"{value:,.{digits}f} %"


def _ratio(some: float, all_of: float) -> float | None:
    return float(100 * some / all_of) if all_of > 0 else None


def _place(table: CellTable, row: int) -> shapely.Point | None:
    shape = table.cover[row]
    return None if shape is None else shapely.point_on_surface(shape)
