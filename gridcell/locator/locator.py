"""A plan on disk that answers at once: `open_locator`.

A service asks for one point at a time and must not load 33,000 polygons to answer. A GeoPackage
carries an R-tree over each layer, kept up by triggers inside the file: it cannot go stale, and
needs no second file beside the plan. Cells are read when they are first asked for.
"""

import math
import os
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Self, overload

import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import ArrayLike, NDArray

from gridcell.arguments import checked
from gridcell.arrays import Geometries
from gridcell.crs import WGS84, is_same_crs, parse_crs, transformer
from gridcell.errors import InputError
from gridcell.formats.geopackage import plan_file
from gridcell.locator.borders import choose_holder
from gridcell.locator.file import open_plan, read_index
from gridcell.locator.frames import locate_in
from gridcell.locator.index import (
    CellIndex,
    answering,
    outside_reason,
    staff_by_cell,
)
from gridcell.locator.location import Location, frame_of, nowhere
from gridcell.locator.people import PeopleNow
from gridcell.locator.places import (
    DEGREES,
    NO_COORDINATES,
    as_pairs,
    beyond,
    in_degrees,
    no_place,
)
from gridcell.locator.positions import Positions, read_positions
from gridcell.schema import LEVELS
from gridcell.words.messages import Message

_NUMBERS: Final = (float, int)
_KEPT: Final = 50_000
"""Cells kept in memory, the last ones asked for: about 50 MB."""
_SINGLY: Final = 64
"""More points in one call are found in an index in memory."""
_SEARCH_M: Final = 100.0
# Sizes of the bounding box in the head of a GeoPackage's geometry, by its code.
_ENVELOPES: Final = (0, 32, 48, 48, 64)


@dataclass(frozen=True, slots=True)
class _Leaf:
    code: str
    shape: shapely.Geometry
    fields: dict[str, Any]
    people: tuple[str, ...]
    """Ids of those who answer for it."""


@dataclass(frozen=True, slots=True)
class _Way:
    source: pyproj.CRS
    move: Callable[[float, float], tuple[float, float]] | None
    """``None`` where the coordinates are in the plan's CRS already."""
    in_degrees: bool


class Locator:
    """A plan's file, open for questions from any thread. Closes with `close` or ``with``.

    Parameters
    ----------
    path
        The plan's folder or its ``plan.gpkg``. When that file is replaced by another plan, the
        next answer comes from the new one.

    Raises
    ------
    InputError
        There is no such file, or it is no plan.

    Examples
    --------
    `plan_folder` is where the plan of the example of `make_plan` was written. Of many points the
    cells are a frame:

    >>> import gridcell
    >>> locator = gridcell.Locator(plan_folder)
    >>> locator.locate([356_500, 0], [2_556_300, 0], crs="EPSG:4546")["how"].tolist()
    ['inside', 'outside']
    >>> locator.close()
    """

    def __init__(self, path: str | Path) -> None:
        self._file = plan_file(path)
        self._lock = threading.RLock()
        self._index: CellIndex | None = None
        self._open()
        self._people = PeopleNow(self._file, self._crs)

    @property
    def crs(self) -> pyproj.CRS:
        """The plan's CRS."""
        return self._crs

    @overload
    def locate(
        self, lon: float, lat: float, *, crs: Any = ..., nearest_m: float = ...,
        anyone: bool = ...,
    ) -> Location: ...  # fmt: skip

    @overload
    def locate(
        self, lon: ArrayLike, lat: ArrayLike, *, crs: Any = ..., nearest_m: float = ...,
        anyone: bool = ...,
    ) -> pd.DataFrame: ...  # fmt: skip

    def locate(
        self, lon: Any, lat: Any, *, crs: Any = None, nearest_m: float = 0.0, anyone: bool = False
    ) -> Location | pd.DataFrame:
        """Return the cell of a point, or of each of many.

        Parameters
        ----------
        lon, lat
            Degrees in WGS 84; or x and y in `crs`. Numbers, or arrays of one length.
        crs
            CRS of the coordinates where it is another.
        nearest_m
            A point outside the land, but at most so many metres from it, gets the nearest cell.
        anyone
            Where positions are known (`set_positions`): the nearest of all people, whatever cells
            they answer for.

        Returns
        -------
        Location or pd.DataFrame
            For numbers one `Location`; for arrays `LOCATED_COLUMNS`, one row a point, and
            `NEAREST_COLUMNS` where positions are known.
        """
        with self._lock:
            self._renew()
            way = self._way(crs)
            if isinstance(lon, _NUMBERS) and isinstance(lat, _NUMBERS):
                return self._one(float(lon), float(lat), way, nearest_m, anyone=anyone)
            if np.ndim(lon) == 0 and np.ndim(lat) == 0:
                (x, y), *_ = as_pairs(lon, lat).tolist()
                return self._one(x, y, way, nearest_m, anyone=anyone)
            xy = as_pairs(lon, lat)
            if self._index is None and len(xy) <= _SINGLY:
                rows = [self._one(x, y, way, nearest_m, anyone=anyone) for x, y in xy.tolist()]
                return frame_of(rows, nearest=self._people.known)
            if self._index is None:
                self._index = read_index(self._file)
            return locate_in(
                self._index, (xy[:, 0], xy[:, 1]), crs=way.source, nearest_m=nearest_m,
                nearest=self._people.table(self._index, anyone=anyone),
            )  # fmt: skip

    def set_positions(self, positions: Positions, *, crs: Any = None) -> None:
        """Take the places where people are now, in place of all that were known.

        From then on answers tell who is nearest along the streets of the plan.

        Parameters
        ----------
        positions
            A frame or a file: ``staff_id``, and ``lon`` and ``lat`` (WGS 84), ``x`` and ``y``, or
            points. Who is not in it is nowhere.
        crs
            CRS of coordinates that name none; else the plan's.

        Raises
        ------
        InputError
            No ids, no coordinates, somebody twice.

        Examples
        --------
        `plan_folder` is where the plan of the example of `make_plan` was written.

        >>> import gridcell, pandas as pd
        >>> chief = gridcell.read_plan(plan_folder).staff.query("role == 'community_chief'")
        >>> now = chief[["staff_id"]].assign(x=356_500, y=2_556_300)
        >>> with gridcell.open_locator(plan_folder) as locator:
        ...     locator.set_positions(now, crs="EPSG:4546")
        ...     found = locator.locate(356_500, 2_556_300, crs="EPSG:4546")
        >>> found.nearest == chief["staff_id"].item(), found.nearest_m
        (True, 0.0)
        """
        with self._lock:
            self._renew()
            self._people.take(*read_positions(positions, self._crs, crs=parse_crs(crs)))

    def move(self, staff_id: str, lon: float, lat: float, *, crs: Any = None) -> None:
        """Take the new place of one of the people, or of another one; NaN is nowhere.

        Parameters are those of `locate`.
        """
        with self._lock:
            self._renew()
            way = self._way(crs)
            x, y = way.move(lon, lat) if way.move is not None else (lon, lat)
            self._people.move(staff_id, x, y)

    def close(self) -> None:
        """Close the file; the locator cannot be asked any more."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self) -> None:
        self._state = _state(self._file)
        self._connection, self._crs = open_plan(self._file)
        self._index = None
        self._leaves: OrderedDict[int, _Leaf] = OrderedDict()
        self._last: tuple[Any, _Way] = (self, _Way(self._crs, None, in_degrees=False))
        try:
            name = self._connection.execute(
                "SELECT column_name FROM gpkg_geometry_columns WHERE table_name = 'leaves'"
            ).fetchone()
            self._geometry = str(name[0]) if name else "geom"
            self._boxes = f'"rtree_leaves_{self._geometry}"'
            self._extent = self._connection.execute(
                f"SELECT min(minx), min(miny), max(maxx), max(maxy) FROM {self._boxes}"  # noqa: S608
            ).fetchone()
            self._small = self._parents("small")
            self._medium = self._parents("medium")
            rows = self._connection.execute("SELECT code, role, staff_id FROM staff").fetchall()
            self._duty = staff_by_cell(rows)
            self._held: dict[str, list[str]] = {}
            for code, _, staff_id in rows:
                self._held.setdefault(code, []).append(staff_id)
        except sqlite3.Error as error:
            self._connection.close()
            raise InputError(
                Message("error.plan_unreadable", file=self._file, error=error)
            ) from None
        if self._extent is None or self._extent[0] is None:
            self._connection.close()
            raise InputError(Message("error.plan_no_leaves", file=self._file))

    def _renew(self) -> None:
        """Open the file anew when another one has taken its place."""
        if _state(self._file) != self._state:
            self._connection.close()
            self._open()
            self._people.forget(self._crs)

    def _parents(self, level: str) -> dict[str, str | None]:
        rows = self._connection.execute(f"SELECT code, parent FROM {level}")  # noqa: S608
        return {code: parent for code, parent in rows}  # noqa: C416  typed

    def _way(self, crs: Any) -> _Way:
        """Return how coordinates get into the plan's CRS; the last way asked for is kept."""
        if crs is not self._last[0]:
            source = WGS84 if crs is None else parse_crs(crs) or WGS84
            same = is_same_crs(source, self._crs)
            move = None
            if not same:
                move = transformer(source, self._crs).transform
            self._last = crs, _Way(source, move, in_degrees(source))
        return self._last[1]

    def _one(
        self, x: float, y: float, way: _Way, nearest_m: float, *, anyone: bool = False
    ) -> Location:
        if not (math.isfinite(x) and math.isfinite(y)):
            return nowhere("unplaceable", math.nan, NO_COORDINATES)
        if way.in_degrees:
            for (name, limit), value in zip(DEGREES.items(), (x, y), strict=True):
                if abs(value) > limit:
                    return nowhere("unplaceable", math.nan, beyond(name, value, limit))
        if way.move is not None:
            x, y = way.move(x, y)
            if not (math.isfinite(x) and math.isfinite(y)):
                return nowhere("unplaceable", math.nan, no_place(self._crs))
        touched = [
            leaf for leaf in self._near(x, y, 0.0) if shapely.intersects_xy(leaf.shape, x, y)
        ]
        if touched:
            leaf = touched[0] if len(touched) == 1 else _holder(x, y, touched)
            return self._found(leaf, x, y, "inside", 0.0, anyone=anyone)
        leaf, distance = self._nearest(x, y)
        metres = round(distance, 3)
        if distance <= nearest_m:
            return self._found(leaf, x, y, "nearest", metres, anyone=anyone)
        found = nowhere("outside", metres, outside_reason(distance))
        if not (anyone and self._people.known):
            return found
        return replace(found, **self._people.nearest(x, y, None)._asdict())

    def _found(
        self, leaf: _Leaf, x: float, y: float, how: str, metres: float, *, anyone: bool
    ) -> Location:
        if not self._people.known:
            return Location(**leaf.fields, how=how, distance_m=metres, reason=None)
        who = self._people.nearest(x, y, None if anyone else leaf.people)
        return Location(
            **leaf.fields, how=how, distance_m=metres, reason=None, **who._asdict()
        )  # fmt: skip

    def _near(self, x: float, y: float, reach: float) -> list[_Leaf]:
        """Return the leaves whose boxes are within reach, by code."""
        rows = self._connection.execute(
            f"SELECT id FROM {self._boxes} "  # noqa: S608
            "WHERE minx <= ? AND maxx >= ? AND miny <= ? AND maxy >= ?",
            (x + reach, x - reach, y + reach, y - reach),
        ).fetchall()
        leaves = [self._leaf(number) for (number,) in rows]
        return sorted(leaves, key=lambda leaf: leaf.code) if len(leaves) > 1 else leaves

    def _nearest(self, x: float, y: float) -> tuple[_Leaf, float]:
        west, south, east, north = self._extent
        reach = _SEARCH_M + math.hypot(max(west - x, 0.0, x - east), max(south - y, 0.0, y - north))
        point = shapely.Point(x, y)
        while True:
            near = self._near(x, y, reach)
            if near:
                distances = shapely.distance(np.array([leaf.shape for leaf in near]), point)
                best = int(np.argmin(distances))
                if distances[best] <= reach:
                    return near[best], float(distances[best])
            reach *= 2

    def _leaf(self, number: int) -> _Leaf:
        leaf = self._leaves.get(number)
        if leaf is not None:
            self._leaves.move_to_end(number)
            return leaf
        row = self._connection.execute(
            f'SELECT code, label, level, parent, "{self._geometry}" FROM leaves WHERE rowid = ?',  # noqa: S608
            (number,),
        ).fetchone()
        code, label, level, parent, blob = row
        small = parent if level == LEVELS["micro"] else code
        medium = self._small.get(small)
        large = self._medium.get(medium) if medium is not None else None
        micro = code if level == LEVELS["micro"] else None
        fields = {
            "code": code, "label": label, "large": large, "medium": medium, "small": small,
            "micro": micro, "staff": answering((micro, small, medium, large), self._duty),
        }  # fmt: skip
        shape = _shape(blob)
        shapely.prepare(shape)
        held = (self._held.get(c or "", ()) for c in (micro, small, medium, large))
        people = tuple(dict.fromkeys(name for names in held for name in names))
        leaf = _Leaf(code, shape, fields, people)
        self._leaves[number] = leaf
        if len(self._leaves) > _KEPT:
            self._leaves.popitem(last=False)
        return leaf


@checked
def open_locator(path: str | Path) -> Locator:
    """Return a locator over the plan in a folder or GeoPackage, ready at once.

    Parameters
    ----------
    path
        The plan's folder or its ``plan.gpkg``.

    Raises
    ------
    InputError
        There is no such file, or it is no plan.

    Examples
    --------
    `plan_folder` is where the plan of the example of `make_plan` was written.

    >>> import gridcell
    >>> with gridcell.open_locator(plan_folder) as locator:
    ...     locator.locate(356_500, 2_556_300, crs="EPSG:4546").medium
    '450899001001'
    """
    return Locator(path)


def _state(file: Path) -> tuple[int, int, int]:
    try:
        found = os.stat(file)  # noqa: PTH116  half the time of Path.stat
    except OSError:
        raise InputError(Message("error.plan_gone", file=file)) from None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _holder(x: float, y: float, touched: list[_Leaf]) -> _Leaf:
    shapes: Geometries = np.array([leaf.shape for leaf in touched], dtype=object)
    cell: NDArray[np.int64] = np.arange(len(touched))
    (chosen,) = choose_holder(np.array([[x, y]]), np.zeros_like(cell), cell, shapes)
    return touched[int(chosen)]


def _shape(blob: bytes) -> shapely.Geometry:
    """Return the geometry of a GeoPackage's cell: WKB behind a head with a box."""
    return shapely.from_wkb(blob[8 + _ENVELOPES[(blob[3] >> 1) & 7] :])
