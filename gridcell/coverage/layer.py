"""The layer that is checked: its rows, what they are called, and what they cover."""

from dataclasses import dataclass, replace
from typing import Final, Self

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries
from gridcell.coverage.reach import FARTHEST
from gridcell.coverage.units import Units, in_measured_crs
from gridcell.schema import CELL_ALIASES
from gridcell.tables.names import plain_name
from gridcell.tables.values import as_text
from gridcell.words.messages import Message, input_name

_LABELS: Final = {"cell": "cells", "land": "within"}


def find_column(frame: pd.DataFrame, names: tuple[str, ...]) -> str | None:
    """Return the column of the frame that has the first of these names, their writing apart."""
    plain: dict[str, str] = {}
    for column in frame.columns:
        if isinstance(column, str):
            plain.setdefault(plain_name(column), column)
    return next((plain[plain_name(name)] for name in names if plain_name(name) in plain), None)


def column_of(frame: pd.DataFrame, column: str) -> "pd.Series[str]":
    """Return a column, the first where several have the name."""
    return frame.iloc[:, list(frame.columns).index(column)]


def only(shapes: Geometries, mask: NDArray[np.bool_]) -> Geometries:
    """Return the shapes, ``None`` where the mask does not hold."""
    kept = shapes.copy()
    kept[~mask] = None
    return kept


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class CellTable:
    """Rows of a layer in the order of the caller, numbered from 0."""

    frame: gpd.GeoDataFrame
    """The caller's, in the CRS in which it is measured; never changed."""
    what: str
    """What messages call a row: ``cell`` or ``land``."""
    shapes: Geometries
    """(n,) geometries without heights, as they were given."""
    cover: Geometries
    """(n,) what each row covers: ``None`` where that cannot be told."""
    code: NDArray[np.object_]
    """(n,) text, ``None`` where it is missing or the layer has no codes."""
    has_codes: bool
    column: str | None
    """Column that looks like the codes, if there is one."""
    name: list[str]
    """(n,) what messages call each row: its code, or ``row`` and the label in the index."""
    units: Units
    doubts: tuple[Message, ...]
    """What is to be said of its CRS and its place."""

    @classmethod
    def of(cls, frame: gpd.GeoDataFrame, what: str, crs: pyproj.CRS | None = None) -> Self:
        """Return a frame, opened.

        Parameters
        ----------
        frame
            Any geometries.
        what
            What messages call a row.
        crs
            The CRS that the user named, for a frame that names none.

        Raises
        ------
        InputError
            As `in_measured_crs`.
        """
        frame, doubts = in_measured_crs(frame, input_name(_LABELS[what]), crs)
        shapes = np.asarray(frame.geometry.array, dtype=object)
        with np.errstate(invalid="ignore"):
            # Heights that are no numbers.
            shapes = np.asarray(shapely.force_2d(shapes), dtype=object)
        column = find_column(frame, CELL_ALIASES["code"])
        code = np.full(len(frame), None, dtype=object)
        if column is not None:
            text = as_text(column_of(frame, column))
            code = text.astype(object).where(text.notna(), None).to_numpy(dtype=object)
        known = pd.Series(code, dtype=object).dropna()
        # A column of classes, which most rows share, names nobody.
        has_codes = len(known) > 0 and (known.nunique() > len(known) / 2 or len(known) < 4)
        code = code if has_codes else np.full(len(frame), None, dtype=object)
        near = shapely.get_coordinates(shapes)
        near = near[(np.abs(near) < FARTHEST).all(axis=1)]
        bounds = np.full(4, np.nan)
        if len(near):
            bounds = np.concatenate([near.min(axis=0), near.max(axis=0)])
        return cls(
            frame=frame, what=what, shapes=shapes, cover=shapes, code=code, has_codes=has_codes,
            column=column, name=_names(code, frame.index, what), units=Units.of(frame.crs, bounds),
            doubts=doubts,
        )  # fmt: skip

    def covering(self, cover: Geometries) -> Self:
        """Return the same rows, covering this."""
        return replace(self, cover=cover)

    def taking(self, rows: NDArray[np.int64]) -> Self:
        """Return some of the rows, called what they are called here."""
        return replace(
            self, frame=self.frame.iloc[rows], shapes=self.shapes[rows], cover=self.cover[rows],
            code=self.code[rows], name=[self.name[row] for row in rows.tolist()],
        )  # fmt: skip

    def scale(self) -> tuple[float, float]:
        """Return how many metres a unit of x and of y is in the middle of the layer."""
        box = shapely.total_bounds(self.cover)
        middle = np.array([[(box[0] + box[2]) / 2, (box[1] + box[3]) / 2]])
        x, y = self.units.scales(middle)[0].tolist()
        return x, y

    def text(self, names: tuple[str, ...]) -> NDArray[np.object_] | None:
        """Return a column as text, ``None`` where a value is missing or there is no column."""
        column = find_column(self.frame, names)
        if column is None:
            return None
        text = as_text(column_of(self.frame, column))
        return text.astype(object).where(text.notna(), None).to_numpy(dtype=object)

    def order(self, row: int) -> tuple[str, int]:
        """Return what rows are sorted by where findings list them: code, then place."""
        return self.code[row] or "", row

    def called(self, row: int) -> str:
        """Return the row as the subject of a sentence."""
        return self.name[row] if self.code[row] is None else f"{self.what} {self.name[row]}"

    def title(self, row: int) -> str:
        """Return what a finding says it is about: the code, or the row."""
        return self.code[row] if self.code[row] is not None else self.name[row]


def _names(code: NDArray[np.object_], index: pd.Index, what: str) -> list[str]:
    if what == "land" and len(code) == 1 and code[0] is None:
        return ["the land"]
    several = pd.Series(code, dtype=object).duplicated(keep=False).to_numpy()
    return [
        f"row {label}" if text is None else f"{text} (row {label})" if again else str(text)
        for text, again, label in zip(code, several, index, strict=True)
    ]
