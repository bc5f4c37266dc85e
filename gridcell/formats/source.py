"""What is exported of a plan: its cells, and nothing about people."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd

from gridcell.check.plan import prove_plan
from gridcell.coverage.proof import CoverageProof
from gridcell.formats.lonlat import LonLatCells, cells_lonlat
from gridcell.model import Plan
from gridcell.schema import BAND_FIGURES, CELL_LAYERS, LOAD, cell_columns
from gridcell.words.messages import Message

NOTE: Final = "households_are"
"""A column that says ``counted``, ``estimated`` or ``hidden``; in exports of plans whose households
were estimated, and in publications."""

_WHOLE: Final = ("level", "buildings")
_COUNTED: Final = ("households", "estimated")
_REAL: Final = ("area_m2", "compactness", *BAND_FIGURES, LOAD)

Levels = Mapping[str, gpd.GeoDataFrame]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class CellSource:
    """The cells of a plan as they go into files."""

    plan: Plan
    levels: Levels
    """By level, sorted by code, in the plan's CRS: `schema.cell_columns`, `NOTE` where there is
    one, and the geometry. ``households`` and ``estimated`` are Int64, missing where hidden."""
    proofs: Mapping[str, CoverageProof]
    """What `gridcell.check.prove_plan` says of the plan itself."""
    estimated: bool
    pairs: pd.DataFrame | None
    """`gridcell.Publication.pairs`."""

    @property
    def note(self) -> str | None:
        """What a published file says of itself."""
        return self.plan.note()

    @property
    def holds(self) -> bool:
        """Whether the plan's own levels cover their land exactly."""
        return all(proof.holds for proof in self.proofs.values())

    def lonlat(self) -> tuple[LonLatCells, Levels]:
        """Return the cells in WGS 84, exact again, and the same with the columns of `levels`."""
        cells = cells_lonlat(self.plan, proofs=self.proofs)
        moved = {
            level: frame.set_geometry(
                np.asarray(cells.levels[level].geometry, dtype=object),
                crs=cells.levels[level].crs,
            )
            for level, frame in self.levels.items()
        }
        return cells, moved


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Written:
    """What a format made of the cells."""

    rows: Mapping[Path, int]
    """Rows (features) of the data files."""
    back: Levels | None = None
    """The cells as they were read back; ``None`` where a format has its own proof."""
    intended: Levels | None = None
    """What should have been read back: the cells in the CRS of the format."""
    rounding: Mapping[str, float] | None = None
    """By column, how far figures may be off; nothing by default."""
    notes: tuple[Message, ...] = ()
    """What a reader of the files must know."""
    proof: dict[str, Any] | None = None
    """Figures of a format that has its own proof."""


def make_source(plan: Plan, pairs: pd.DataFrame | None = None) -> CellSource:
    """Return the cells of a plan, typed and sorted; `pairs` are published with them."""
    noted = plan.is_estimated or plan.publication is not None
    word = ("estimated" if plan.is_estimated else "counted") if noted else None
    return CellSource(
        plan=plan,
        levels={level: _typed(plan.cells(level), word) for level in CELL_LAYERS},
        proofs=prove_plan(plan),
        estimated=plan.is_estimated,
        pairs=pairs,
    )


def without_geometry(frame: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the columns of a layer alone."""
    return pd.DataFrame(frame.drop(columns=frame.active_geometry_name))


def _typed(cells: gpd.GeoDataFrame, word: str | None) -> gpd.GeoDataFrame:
    cells = cells.sort_values("code", kind="stable", ignore_index=True)
    frame = pd.DataFrame(index=cells.index)
    for name in cell_columns(cells.columns):
        column = cells[name]
        if name in _WHOLE:
            frame[name] = pd.to_numeric(column).astype("int64")
        elif name in _COUNTED:
            frame[name] = pd.to_numeric(column).astype("Int64")
        elif name in _REAL:
            frame[name] = pd.to_numeric(column).astype("float64")
        else:
            frame[name] = column.astype(object).where(column.notna(), None).astype("str")
    if word is not None:
        hidden = frame["households"].isna()
        frame[NOTE] = pd.Series(word, index=frame.index, dtype="str").mask(hidden, "hidden")
    return gpd.GeoDataFrame(frame, geometry=np.asarray(cells.geometry, dtype=object), crs=cells.crs)
