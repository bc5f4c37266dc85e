"""The cells in a plan's file, checked without the rest of the plan."""

import warnings
from pathlib import Path
from typing import Final

import geopandas as gpd
import numpy as np
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError

from gridcell.check.plan import find_rows, parent_rows
from gridcell.coverage.proof import prove_coverage
from gridcell.errors import InputError
from gridcell.model import Finding
from gridcell.words.messages import Message, listed

_COLUMNS: Final = ["code", "level", "parent"]
_NAMED: Final = 3


def check_stored_cells(file: Path) -> list[Finding]:
    """Return what keeps the leaves in a plan's GeoPackage from covering their small cells.

    A small part of `check_plan`, for those who read nothing but the cells.

    Raises
    ------
    InputError
        No such layers.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            leaves, small, medium = (
                pyogrio.read_dataframe(file, layer=name, columns=_COLUMNS)
                for name in ("leaves", "small", "medium")
            )
    except (DataSourceError, DataLayerError) as error:
        raise InputError(Message("error.plan_unreadable", file=file, error=error)) from None
    if missing := [
        name for frame in (leaves, small, medium) for name in _COLUMNS if name not in frame
    ]:
        raise InputError(Message("error.plan_column_missing", file=file, column=missing[0]))
    findings = []
    for name, cells, land in (("leaves", leaves, small), ("small", small, medium)):
        codes = cells["code"]
        if len(twice := codes[codes.duplicated()]):
            text = Message("finding.stored_twice", layer=name, code=str(twice.iloc[0]))
            findings.append(Finding(kind="duplicate_code", severity="error", text=text))
        findings += _coverage(name, cells, land)
    return findings


def _coverage(name: str, cells: gpd.GeoDataFrame, land: gpd.GeoDataFrame) -> list[Finding]:
    parent = parent_rows(cells, land) if name == "leaves" else find_rows(
        cells["parent"], land["code"]
    )  # fmt: skip
    proof = prove_coverage(cells.geometry, land.geometry, parent_of=parent)
    if proof.holds:
        return []
    rows = np.unique(
        np.concatenate([proof.unmatched, proof.off_land, proof.invalid_cells]).astype(np.int64)
    )
    codes = [str(code) for code in cells["code"].iloc[rows]]
    text = Message("finding.stored_cells", layer=name, cells=listed(codes, _NAMED))
    return [Finding(kind="gap", severity="error", text=text)]
