"""The leaves of a plan, ready to be asked where points are."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries, run_starts, spread
from gridcell.locator.borders import choose_holder
from gridcell.locator.places import NO_COORDINATES
from gridcell.model import Plan
from gridcell.schema import LEVELS
from gridcell.words.catalogue import LANGUAGES
from gridcell.words.messages import Message, say

CELL_FIELDS: Final = ("code", "label", "large", "medium", "small", "micro", "staff")
LOCATED_COLUMNS: Final = (*CELL_FIELDS, "how", "distance_m", "reason")
"""What is told of each point: the leaf's code and label, the codes of the cells around it
(``micro`` is missing where the leaf is a small or dedicated cell), who answers for it, how the cell
was found (inside, nearest, outside, unplaceable), the distance to it in metres, and the reason why
there is none."""

_IN_SQUARE: Final = 12
_CROWDED: Final = 24

HOW: Final = ("inside", "nearest", "outside", "unplaceable")


@dataclass(frozen=True, eq=False)
class CellIndex:
    """The leaves of a plan with a spatial index."""

    crs: pyproj.CRS
    shapes: Geometries
    """(n,) (Multi)Polygons."""
    fields: pd.DataFrame
    """(n,) rows of `CELL_FIELDS`, by code."""
    staff: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["code", "staff_id"]))
    """Who answers for which cell: ``code`` and ``staff_id``."""

    @cached_property
    def tree(self) -> shapely.STRtree:
        """The index over `shapes`, which are prepared on the way."""
        shapely.prepare(self.shapes)
        return shapely.STRtree(self.shapes)

    def find(
        self, xy: NDArray[np.float64], nearest_m: float = 0.0
    ) -> tuple[NDArray[np.int64], NDArray[np.int8], NDArray[np.float64]]:
        """Return row of the cell (or -1), index into `HOW`, and distance in metres, of each point.

        Parameters
        ----------
        xy
            (n, 2) in `crs`, NaN where there is no place.
        nearest_m
            How far outside the land a point may be and still get the nearest cell.
        """
        row = np.full(len(xy), -1, dtype=np.int64)
        how = np.full(len(xy), HOW.index("outside"), dtype=np.int8)
        distance = np.full(len(xy), np.nan)
        known = np.isfinite(xy[:, 0]) & np.isfinite(xy[:, 1])
        point, cell = self._candidates(xy, np.flatnonzero(known))
        meets = shapely.intersects_xy(self.shapes[cell], xy[point, 0], xy[point, 1])
        point, cell = point[meets], cell[meets]
        hits = np.bincount(point, minlength=len(xy))
        single = hits[point] == 1
        row[point[single]] = cell[single]
        several = np.flatnonzero(~single)
        if len(several):
            several = several[np.lexsort((cell[several], point[several]))]
            chosen = several[choose_holder(xy, point[several], cell[several], self.shapes)]
            row[point[chosen]] = cell[chosen]
        how[hits > 0], distance[hits > 0] = HOW.index("inside"), 0.0
        how[~known] = HOW.index("unplaceable")
        away = np.flatnonzero(known & (hits == 0))
        if len(away) and len(self.shapes):
            cell, distance[away] = self._nearest(np.asarray(shapely.points(xy[away])))
            near = distance[away] <= nearest_m
            row[away[near]], how[away[near]] = cell[near], HOW.index("nearest")
        return row, how, distance

    def _candidates(
        self, xy: NDArray[np.float64], rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return pairs of a point among `rows` and a cell whose box holds it.

        The tree is asked once for all points of a small square.
        """
        order, first = _squares(xy, rows)
        x, y = xy[order, 0], xy[order, 1]
        if not len(order):
            return order, order
        low_x, low_y = (np.minimum.reduceat(v, first) for v in (x, y))
        high_x, high_y = (np.maximum.reduceat(v, first) for v in (x, y))
        square, cell = self.tree.query(np.asarray(shapely.box(low_x, low_y, high_x, high_y)))
        cells = np.bincount(square, minlength=len(first))
        number = np.diff(first, append=len(order))
        if (cells * number).sum() > _CROWDED * len(order):
            # Most points in few squares, far from a lone one.
            point, cell = self.tree.query(np.asarray(shapely.points(x, y)))
            return order[point], cell
        owner = np.repeat(np.arange(len(first)), number)
        point, nth = spread(cells[owner])
        cell = cell[(np.cumsum(cells) - cells)[owner[point]] + nth]
        west, south, east, north = self._bounds
        x, y = x[point], y[point]
        holds = (west[cell] <= x) & (x <= east[cell]) & (south[cell] <= y) & (y <= north[cell])
        return order[point[holds]], cell[holds]

    @cached_property
    def _bounds(self) -> tuple[NDArray[np.float64], ...]:
        return tuple(np.ascontiguousarray(column) for column in shapely.bounds(self.shapes).T)

    def _nearest(
        self, points: NDArray[np.object_]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the nearest cell, by code the first of several, and its distance."""
        (point, cell), distance = self.tree.query_nearest(points, return_distance=True)
        order = np.lexsort((cell, point))
        chosen = order[np.diff(point[order], prepend=-1) != 0]
        return cell[chosen], distance[chosen]

    def answer(
        self,
        row: NDArray[np.int64],
        how: NDArray[np.int8],
        distance: NDArray[np.float64],
        reason: NDArray[np.object_] | None = None,
        lang: str = LANGUAGES[0],
    ) -> pd.DataFrame:
        """Return `LOCATED_COLUMNS` for what `find` found.

        Parameters
        ----------
        row, how, distance
            From `find`.
        reason
            (n,) message why a point has no place, ``None`` where it has one.
        lang
            Language of the reasons.
        """
        taken = self.fields.take(np.maximum(row, 0)) if len(self.fields) else None
        none = row < 0
        some_none = bool(none.any())
        columns: dict[str, Any] = {}
        for name in CELL_FIELDS:
            if taken is None:
                columns[name] = pd.array([None] * len(row), dtype="str")
                continue
            values = taken[name].array
            if some_none:
                values = values.copy()
                values[none] = None
            columns[name] = values
        columns["how"] = pd.array(np.array(HOW, dtype=object), dtype="str").take(how)
        columns["distance_m"] = np.round(distance, 3)
        columns["reason"] = _reasons(how, distance, reason, lang)
        return pd.DataFrame(columns)


def _squares(
    xy: NDArray[np.float64], rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows square by square, a few in each, and where each square begins."""
    if not len(rows):
        return rows, rows
    side = min(max(int((len(rows) / _IN_SQUARE) ** 0.5), 1), 256)
    square = np.zeros(len(rows), dtype=np.uint16)
    for axis in (1, 0):
        there = xy[rows, axis]
        low, high = there.min(), there.max()
        number = np.minimum((there - low) * (side / max(high - low, 1e-300)), side - 1)
        square = square * np.uint16(side) + number.astype(np.uint16)
    # On 16 bits a stable sort is a radix sort.
    order = np.argsort(square, kind="stable")
    return rows[order], run_starts(square[order])


def _reasons(
    how: NDArray[np.int8],
    distance: NDArray[np.float64],
    given: NDArray[np.object_] | None,
    lang: str,
) -> Any:
    if not (how >= HOW.index("outside")).any():
        return pd.array([None], dtype="str").repeat(len(how))
    text = np.full(len(how), None, dtype=object)
    lost = np.flatnonzero(how == HOW.index("unplaceable"))
    reasons = [NO_COORDINATES] * len(lost) if given is None else given[lost].tolist()
    text[lost] = [say(reason, lang) for reason in reasons]
    away = np.flatnonzero(how == HOW.index("outside"))
    text[away] = [say(outside_reason(metres), lang) for metres in distance[away].tolist()]
    return pd.array(text, dtype="str")


def outside_reason(distance: float) -> Message:
    """Return why a point has no cell that is so many metres outside the land."""
    return Message("located.outside", distance=distance)


def index_plan(plan: Plan) -> CellIndex:
    """Return the index of a plan in memory."""
    return make_index(plan.leaves, plan.small, plan.medium, plan.staff, plan.crs)


def make_index(
    leaves: gpd.GeoDataFrame,
    small: pd.DataFrame,
    medium: pd.DataFrame,
    staff: pd.DataFrame,
    crs: pyproj.CRS,
) -> CellIndex:
    """Return the index of a plan's cells, by code of the leaf.

    Parameters
    ----------
    leaves
        ``code``, ``label``, ``level``, ``parent`` and geometry.
    small, medium
        ``code`` and ``parent``.
    staff
        ``staff_id``, ``role``, ``code``.
    crs
        The plan's CRS, metres.
    """
    leaves = leaves.sort_values("code", kind="stable", ignore_index=True)
    code = leaves["code"].astype(object)
    is_micro = (leaves["level"] == LEVELS["micro"]).to_numpy()
    around = {"small": leaves["parent"].astype(object).where(is_micro, code)}
    around["medium"] = around["small"].map(_parents(small))
    around["large"] = around["medium"].map(_parents(medium))
    around["micro"] = code.where(is_micro, None)
    duty = staff_by_cell(
        zip(*(_texts(staff[n]) for n in ("code", "role", "staff_id")), strict=True)
    )
    levels = ("micro", "small", "medium", "large")
    keys = zip(*(around[level].tolist() for level in levels), strict=True)
    fields = pd.DataFrame({"code": code, "label": leaves["label"], **around})
    fields["staff"] = [answering(key, duty) for key in keys]
    table = fields[list(CELL_FIELDS)].astype("str")
    held = staff[["code", "staff_id"]].astype("str")
    return CellIndex(
        crs=crs, shapes=np.asarray(leaves.geometry.array), fields=table, staff=held
    )  # fmt: skip


def _texts(values: "pd.Series[str]") -> list[str | None]:
    return values.astype(object).where(values.notna(), None).tolist()


def _parents(cells: pd.DataFrame) -> dict[str | None, str | None]:
    return dict(zip(_texts(cells["code"]), _texts(cells["parent"]), strict=True))


def staff_by_cell(rows: Any) -> dict[str, list[str]]:
    """Return ``role:staff_id`` of those who answer for each cell, sorted.

    Parameters
    ----------
    rows
        Any number of (code, role, staff_id).
    """
    duty: dict[str, list[str]] = {}
    for code, role, staff_id in sorted(row for row in rows if None not in row):
        duty.setdefault(code, []).append(f"{role}:{staff_id}")
    return duty


def answering(codes: tuple[str | None, ...], duty: dict[str, list[str]]) -> str | None:
    """Return who answers for a leaf: those of the smallest cell first, separated by ``;``."""
    found = [who for code in codes if code is not None for who in duty.get(code, ())]
    return ";".join(found) or None
