"""The levels of a layer: which rows cover the same land together, and within which parents."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries
from gridcell.coverage.faults import Level
from gridcell.coverage.holders import find_holders
from gridcell.coverage.layer import CellTable
from gridcell.schema import CELL_ALIASES

Rows = NDArray[np.int64]

_SAMPLE: Final = 500
"""Points that tell whether cells of two levels lie over each other."""
_DEEPEST: Final = 32
"""More levels than this are parents that go in a circle."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Levels:
    """How the rows of a layer stand above each other."""

    rank: Rows
    """(n,) 0 for the uppermost level."""
    number: list[str]
    """(levels,) what each is called in the layer."""
    parent: Rows
    """(n,) row of the parent that each row names, -1 for none that is there."""
    named: NDArray[np.object_] | None
    """(n,) code of the parent, ``None`` where it is missing; without such a column ``None``."""

    @property
    def stacked(self) -> bool:
        """Whether there is more than one level."""
        return len(self.number) > 1


def find_levels(table: CellTable) -> Levels:
    """Return the levels of a layer.

    Rows are on several levels where a column ``level`` says so and their cells do lie over each
    other (leaves of levels 3 and 4 side by side are one coverage), or where the column
    ``parent`` names rows of the same layer.
    """
    named = table.text(CELL_ALIASES["parent"])
    parent = np.full(len(table.name), -1, dtype=np.int64)
    if named is not None and table.has_codes:
        first = pd.Series(np.arange(len(table.code)), index=pd.Index(table.code, dtype=object))
        first = first[first.index.notna() & ~first.index.duplicated()]
        found = first.reindex(pd.Index(named, dtype=object)).to_numpy(dtype=np.float64)
        parent = np.where(np.isnan(found), -1, found).astype(np.int64)
        parent[parent == np.arange(len(parent))] = -1
    depth = _depth(parent)
    text = table.text(CELL_ALIASES["level"])
    level = (
        pd.to_numeric(pd.Series(text, dtype=object), errors="coerce") if text is not None else None
    )
    distinct = np.array([]) if level is None else np.sort(level.dropna().unique())
    if level is not None and len(distinct) > 1:
        rank = np.searchsorted(distinct, level.to_numpy(dtype=np.float64, na_value=np.nan))
        # A row that names no level is one below its parent, or above all.
        lost = level.isna().to_numpy()
        rank[lost] = np.where(parent[lost] >= 0, rank[parent[lost]] + 1, 0)
        rank = np.minimum(rank, len(distinct) - 1)
        if (parent >= 0).any() or _lie_over_each_other(table.cover, rank):
            number = [f"level {value:g}" for value in distinct]
            return Levels(rank=rank, number=number, parent=parent, named=named)
    strays = np.zeros(len(parent), dtype=bool)
    if named is not None and depth.any():
        strays = (depth == 0) & np.array([name is not None for name in named], dtype=bool)
        # Parents that most cells of the uppermost level name are elsewhere; those of few are wrong.
        strays &= 2 * strays.sum() <= np.count_nonzero(depth == 0)
    depth[strays] = depth.max(initial=0)
    number = [f"level {value + 1}" for value in range(int(depth.max(initial=0)) + 1)]
    return Levels(rank=depth, number=number, parent=parent, named=named)


def plan_levels(table: CellTable, levels: Levels, within: CellTable | None) -> list[Level]:
    """Return which rows have to cover which land, level by level.

    The uppermost level covers `within`, each other one the level above: cells without children
    stay what they are, and a cell belongs to the parent that it names or else to the one that
    holds most of it.
    """
    rows = np.flatnonzero(levels.rank == 0)
    parent = (
        np.full(len(rows), -1) if within is None else find_holders(table.cover[rows], within.cover)
    )
    plans = [Level(rows=rows, land=within, parent=parent)]
    front = rows
    for rank in range(1, len(levels.number)):
        rows = np.flatnonzero(levels.rank == rank)
        place = np.full(len(table.name), -1)
        place[front] = np.arange(len(front))
        home = np.where(levels.parent[rows] >= 0, place[levels.parent[rows]], -1)
        lost = np.flatnonzero(home < 0)
        home[lost] = find_holders(table.cover[rows[lost]], table.cover[front])
        childless = np.ones(len(front), dtype=bool)
        childless[home[home >= 0]] = False
        kept = front[childless]
        above = front
        front = np.concatenate([kept, rows])
        plan = Level(
            rows=front,
            land=table.taking(above),
            parent=np.concatenate([np.flatnonzero(childless), home]),
            nested=True,
            known=frozenset(kept.tolist()),
        )
        plans.append(plan)
    return plans


def leaves_of(levels: list[Level]) -> Rows:
    """Return the rows of the lowest level, and of those above without children."""
    return levels[-1].rows


def _depth(parent: Rows) -> Rows:
    """Return how many parents each row has above it; rows of a circle have none."""
    depth, above = np.zeros(len(parent), dtype=np.int64), parent.copy()
    for _ in range(len(parent)):
        up = above >= 0
        if not up.any():
            return depth
        depth[up] += 1
        if depth.max() > _DEEPEST:
            break
        above = np.where(up, parent[above], -1)
    depth[above >= 0] = 0
    return depth


def _lie_over_each_other(cover: Geometries, rank: Rows) -> bool:
    """Tell whether most cells of a level lie in cells of the one above it."""
    sound = ~shapely.is_missing(cover)
    for upper in range(int(rank.max(initial=0))):
        above, below = cover[sound & (rank == upper)], cover[sound & (rank == upper + 1)]
        sample = below[:: max(1, len(below) // _SAMPLE)]
        points = shapely.point_on_surface(sample)
        met = np.unique(shapely.STRtree(above).query(points, predicate="intersects")[0])
        if len(sample) and 2 * len(met) > len(sample):
            return True
    return False
