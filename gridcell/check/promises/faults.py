"""Findings about cells, in the words and with the places that all checks of a plan share."""

from collections.abc import Iterator
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray
from shapely.geometry import Point
from shapely.geometry.base import BaseGeometry

from gridcell.coverage.reach import within_reach
from gridcell.model import Finding, Severity, place_of
from gridcell.texts import arrow_texts
from gridcell.words.messages import Message


def fault(
    kind: str,
    text: Message,
    *,
    severity: Severity = "error",
    cell: str | None = None,
    others: tuple[str, ...] = (),
    community: str | None = None,
    piece: shapely.Geometry | None = None,
    measure: float | None = None,
) -> Finding:
    """Return a finding that is marked somewhere on `piece`."""
    return Finding(
        kind=kind, severity=severity, text=text, cell=cell, others=others,
        community=community, measure=measure, place=_placed(piece),
    )  # fmt: skip


def cell_faults(
    kind: str,
    level: str,
    cells: gpd.GeoDataFrame,
    mask: Any,
    said: Message | NDArray[np.object_],
    *,
    severity: Severity = "error",
) -> Iterator[Finding]:
    """Yield a finding for each cell that the mask marks, in the order of the cells.

    Parameters
    ----------
    kind, severity
        Of the findings.
    level, cells
        The cells and what they are called.
    mask
        (cells,) which of them are at fault.
    said
        What is wrong: one message ``fault.…`` for all, or (cells,) of them.
    """
    rows = np.flatnonzero(np.asarray(mask, dtype=bool))
    geometry = np.asarray(cells.geometry, dtype=object)
    code, community = cells["code"].to_numpy(object), cells["community"].to_numpy(object)
    for row in rows:
        one = said if isinstance(said, Message) else said[row]
        name = text(code[row]) or Message("part.no_code")
        yield fault(
            kind, Message("finding.cell", level=layer(level), cell=name, fault=one),
            severity=severity, cell=text(code[row]), community=text(community[row]),
            piece=_usable(geometry[row]),
        )  # fmt: skip


def layer(level: str) -> Message:
    """Return what messages call a level."""
    return Message(f"layer.{level}")


def text(value: object) -> str | None:
    """Return the value as text, ``None`` for what is missing."""
    return None if value is None or pd.isna(value) else str(value)  # type: ignore[call-overload]


def texts(column: "pd.Series[Any]") -> NDArray[np.object_]:
    """Return a column as texts, the empty one for what is missing."""
    out = np.array(column, dtype=object)
    out[column.isna().to_numpy(dtype=bool)] = ""
    return out


def numbers(column: "pd.Series[Any]") -> NDArray[np.float64]:
    """Return a column as numbers, NaN for what is missing."""
    return np.asarray(pd.to_numeric(column), dtype=np.float64)


def find_rows(codes: "pd.Series[str]", table: "pd.Series[str]") -> NDArray[np.int64]:
    """Return the row of each code in the table, -1 where it is unknown."""
    first = np.flatnonzero((~table.duplicated() & table.notna()).to_numpy(dtype=bool))
    if codes.dtype == "str" and table.dtype == "str":
        known, sought = arrow_texts(table.iloc[first]), arrow_texts(codes)
        row = pc.index_in(sought, value_set=known, skip_nulls=True).fill_null(-1)
        found = row.to_numpy(zero_copy_only=False)
    else:
        found = pd.Index(table.iloc[first], dtype=object).get_indexer(pd.Index(codes, dtype=object))
    rows: NDArray[np.int64] = np.append(first, -1)[found].astype(np.int64)
    return rows


def _usable(geometry: BaseGeometry | None) -> BaseGeometry | None:
    if geometry is None or not within_reach(np.array([geometry], dtype=object)).all():
        return None
    return geometry if geometry.area > 0 and geometry.is_valid else None


def _placed(piece: shapely.Geometry | None) -> Point | None:
    if piece is None or not within_reach(np.array([piece], dtype=object)).all():
        return None
    return place_of(piece)
