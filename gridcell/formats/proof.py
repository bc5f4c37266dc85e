"""Exports read back: the same cells, and again exact coverages that nest."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridcell.arrays import Geometries, simplest
from gridcell.check.plan import find_rows, prove_plan
from gridcell.coverage.proof import CoverageProof
from gridcell.errors import ProofError, WriteError
from gridcell.formats.source import CellSource, Levels, Written
from gridcell.schema import CELL_LAYERS
from gridcell.words.messages import Message

_RELATIVE: Final = 1e-12
"""Decimal text keeps no more of a double in every format."""


def prove_files(source: CellSource, written: Written) -> dict[str, Any]:
    """Return the figures of the proof that the files hold the cells as an exact coverage.

    The cells are what was read back from the files, in the coordinates of the files.

    Raises
    ------
    WriteError
        A row, a value or a polygon did not arrive.
    ProofError
        The plan's own levels cover their land, and those in the files do not.
    """
    assert written.back is not None  # noqa: S101
    assert written.intended is not None  # noqa: S101
    # A level without cells is a file without columns in some formats.
    back = {
        level: written.back[level] if len(frame) or len(written.back[level]) else frame
        for level, frame in written.intended.items()
    }
    for level in CELL_LAYERS:
        _require_same(written.intended[level], back[level], level, written.rounding or {})
    proofs = _prove(source, back)
    broken = [level for level, proof in proofs.items() if not proof.holds]
    if broken and source.holds:
        raise ProofError(Message("error.bug_read_back", levels=list(broken)))
    return {level: _figures(proof, len(back[level])) for level, proof in proofs.items()}


def _prove(source: CellSource, back: Levels) -> dict[str, CoverageProof]:
    """Return the proof of each level and of its nesting in the one above."""
    there = {
        # A cell smaller than the decimals of a format has no geometry there; its land is gone too.
        level: frame[~shapely.is_missing(np.asarray(frame.geometry, dtype=object))].reset_index(
            drop=True
        )
        for level, frame in back.items()
    }
    # Micro cells are leaves, so that they fill what no dedicated cell takes.
    micro, leaves = there["micro"], there["leaves"]
    of = find_rows(micro["code"], leaves["code"])
    same = (of >= 0) & shapely.equals_identical(
        _plain(micro), _plain(leaves)[of] if len(leaves) else _plain(micro)
    )
    if source.holds and not same.all():
        code = micro["code"][int(np.flatnonzero(~same)[0])]
        raise ProofError(Message("error.proof_leaf_differs", code=code))
    return prove_plan(replace(source.plan, crs=there["large"].crs, **there))


def _require_same(
    intended: gpd.GeoDataFrame, back: gpd.GeoDataFrame, level: str, rounding: Mapping[str, float]
) -> None:
    if len(intended) != len(back) or list(intended["code"]) != list(back["code"]):
        raise WriteError(
            Message("error.proof_codes_differ", level=level, written=len(intended), found=len(back))
        )
    for name in intended.columns:
        if name == intended.active_geometry_name:
            same = shapely.equals_identical(_plain(intended), _plain(back))
            same |= shapely.is_missing(_plain(intended)) & shapely.is_missing(_plain(back))
        elif name not in back:
            raise WriteError(Message("error.proof_column_lost", level=level, column=name))
        else:
            same = _same_values(intended[name], back[name], rounding.get(str(name), 0.0))
        if not same.all():
            row = int(np.flatnonzero(~same)[0])
            raise WriteError(
                Message(
                    "error.proof_value_differs",
                    level=level,
                    column=name,
                    code=intended["code"].iloc[row],
                    n_rows=int((~same).sum()),
                )
            )


def _same_values(here: "pd.Series[Any]", there: "pd.Series[Any]", off: float) -> Any:
    if pd.api.types.is_numeric_dtype(here.dtype):
        # A column of nothing has no type in every format.
        if not pd.api.types.is_numeric_dtype(there.dtype) and there.notna().any():
            return np.zeros(len(here), dtype=bool)
        a, b = (column.to_numpy(dtype=float, na_value=np.nan) for column in (here, there))
        return np.isclose(a, b, rtol=_RELATIVE, atol=off, equal_nan=True)
    # Numbers made of codes would differ here: "007" is not 7.
    a, b = here.to_numpy(dtype=object), there.to_numpy(dtype=object)
    return (a == b) | (np.asarray(here.isna()) & np.asarray(there.isna()))


def _plain(frame: gpd.GeoDataFrame) -> Geometries:
    """Return polygons alike whether the format knows only multipolygons, or starts rings anew."""
    shapes = simplest(np.array(frame.geometry, dtype=object))
    return np.asarray(shapely.normalize(shapely.force_2d(shapes)), dtype=object)


def _figures(proof: CoverageProof, cells: int) -> dict[str, Any]:
    return {
        "cells": cells, "gaps": proof.gaps, "overlaps": proof.overlaps, "outside": proof.outside,
        "invalid": proof.invalid, "edge_matched": proof.edge_matched, "exact": proof.exact,
        "holds": proof.holds,
    }  # fmt: skip
