"""Leaves of a plan: exactly the cells without children, with their shapes and figures."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridcell.check.promises.faults import fault, find_rows, numbers, text, texts
from gridcell.model import Finding, Plan
from gridcell.schema import BAND_FIGURES, LOAD, cell_columns
from gridcell.words.messages import Message

_FIGURES = (
    "level", "households", "buildings", "area_m2", "compactness", "estimated", *BAND_FIGURES, LOAD,
)  # fmt: skip


def check_leaves(plan: Plan) -> Iterator[Finding]:
    """Yield ``wrong_leaf``: leaves that are no cells without children, or differ from them."""
    small = plan.small[~plan.small["code"].isin(plan.micro["parent"])]
    names = cell_columns(plan.small.columns)
    names = tuple(name for name in names if name in plan.micro and name in plan.leaves)
    columns = [*names, "geometry"]
    cells = pd.concat([small[columns], plan.micro[columns]], ignore_index=True)
    row = find_rows(cells["code"], plan.leaves["code"])
    for code in cells["code"][row < 0]:
        yield fault("wrong_leaf", Message("finding.no_leaf", cell=code), cell=text(code))
    there = row >= 0
    cells, leaves = cells[there], plan.leaves.iloc[row[there]]
    differs = {
        name: ~_equal(cells[name], leaves[name]) if name in _FIGURES
        else texts(cells[name]) != texts(leaves[name])
        for name in names
    }  # fmt: skip
    differs["shape"] = ~shapely.equals_identical(
        np.asarray(cells["geometry"], dtype=object), np.asarray(leaves.geometry, dtype=object)
    )
    for name, mask in differs.items():
        for code in cells["code"][mask]:
            said = Message("finding.leaf_differs", cell=code, column=name)
            yield fault("wrong_leaf", said, cell=text(code))
    known = plan.leaves["code"].isin(cells["code"]) & ~plan.leaves["code"].duplicated()
    for code in plan.leaves["code"][~known]:
        yield fault("wrong_leaf", Message("finding.strange_leaf", cell=code), cell=text(code))


def _equal(a: "pd.Series[float]", b: "pd.Series[float]") -> NDArray[np.bool_]:
    left, right = numbers(a), numbers(b)
    return np.asarray((left == right) | (np.isnan(left) & np.isnan(right)))
