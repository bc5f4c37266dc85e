"""Dates of cells and codes: ISO 8601, and in order."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridcell.check.promises.faults import cell_faults, fault, texts
from gridcell.model import Finding, Plan
from gridcell.schema import LEVELS
from gridcell.tables.values import as_date
from gridcell.words.messages import Message


def check_dates(plan: Plan) -> Iterator[Finding]:
    """Yield ``wrong_date``: what is no date, or an end before the beginning."""
    for level in LEVELS:
        cells = plan.cells(level)
        said = _faults(cells)
        yield from cell_faults("wrong_date", level, cells, said != None, said)  # noqa: E711 - each
    said = _faults(plan.codes)
    for row in np.flatnonzero(said != None):  # noqa: E711 - compares each of the objects
        code = str(plan.codes["code"].iloc[row])
        yield fault(
            "wrong_date", Message("finding.code_date", code=code, fault=said[row]), cell=code
        )


def _faults(table: pd.DataFrame) -> NDArray[np.object_]:
    """Return what is wrong with the dates of each row, ``None`` where they are right."""
    said = np.full(len(table), None, dtype=object)
    begin, end = (texts(table[name]) for name in ("valid_from", "valid_to"))
    for name, dates in (("valid_from", begin), ("valid_to", end)):
        for row in np.flatnonzero(dates != ""):
            if as_date(dates[row]) != dates[row]:
                said[row] = Message("fault.no_date", column=name, given=dates[row])
    both = np.flatnonzero((begin != "") & (end != "") & (said == None))  # noqa: E711 - each
    for row in both[(end < begin)[both]]:
        said[row] = Message("fault.dates_reversed", begin=begin[row], end=end[row])
    return said
