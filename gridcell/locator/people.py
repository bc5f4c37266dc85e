"""The people that a locator knows the places of, on the streets of a plan's file."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyproj
from numpy.typing import NDArray

from gridcell.crs import is_same_crs
from gridcell.locator.file import read_streets
from gridcell.locator.index import CellIndex
from gridcell.locator.present import NearestTable, Present, nearest_table
from gridcell.read.crs import move_points
from gridcell.streets import WalkingNetwork

_NOWHERE = float("nan")


class Nearest(NamedTuple):
    """Who is nearest to a place, and how far that is."""

    nearest: str | None = None
    nearest_m: float = _NOWHERE
    nearest_min: float = _NOWHERE


class PeopleNow:
    """Where people are, kept while the plan's file is replaced by another.

    Parameters
    ----------
    file
        The plan's ``plan.gpkg``.
    crs
        Its CRS.
    """

    def __init__(self, file: Path, crs: pyproj.CRS) -> None:
        self._file, self._crs = file, crs
        self._ids: NDArray[np.object_] | None = None
        self._xy: NDArray[np.float64] = np.empty((0, 2))
        self.forget(crs)

    @property
    def known(self) -> bool:
        """Whether any positions were given."""
        return self._ids is not None

    def forget(self, crs: pyproj.CRS) -> None:
        """Forget the streets: the file is another one, in this CRS."""
        if not is_same_crs(crs, self._crs):
            self._xy = move_points(self._xy, self._crs, crs)
        self._crs = crs
        self._streets: WalkingNetwork | None = None
        self._present: Present | None = None
        self._tables: dict[bool, NearestTable] = {}

    def take(self, ids: NDArray[np.object_], xy: NDArray[np.float64]) -> None:
        """Take (n,) ids and (n, 2) places in the plan's CRS in place of all that were known."""
        self._ids, self._xy = ids, xy
        self._present, self._tables = None, {}

    def move(self, staff_id: str, x: float, y: float) -> None:
        """Take the new place of somebody, in the plan's CRS."""
        place = np.array([x, y])
        if not np.isfinite(place).all():
            place[:] = np.nan
        ids = np.empty(0, dtype=object) if self._ids is None else self._ids
        self._tables = {}
        rows = np.flatnonzero(ids == staff_id)
        if not len(rows):
            self.take(
                np.append(ids, np.array([staff_id], dtype=object)), np.vstack([self._xy, place])
            )
            return
        self._xy[rows[0]] = place
        if self._present is not None:
            self._present.move(self._present.rows[staff_id], place)

    def table(self, cells: CellIndex, *, anyone: bool) -> NearestTable | None:
        """Return who is nearest to many places; ``None`` where no positions are known."""
        if not self.known:
            return None
        if anyone not in self._tables:
            self._tables[anyone] = nearest_table(cells, self._here(), anyone=anyone)
        return self._tables[anyone]

    def nearest(self, x: float, y: float, people: Iterable[str] | None) -> Nearest:
        """Return who of some people, or of all, is nearest to a place in the plan's CRS."""
        if not self.known:
            return Nearest()
        here, place = self._here(), np.array([x, y])
        if people is None:
            row, metres = here.nearest_of_all(place)
        else:
            rows = sorted({here.rows[name] for name in people if name in here.rows})
            row, metres = here.nearest(place, np.array(rows, dtype=np.int64))
        if row < 0:
            return Nearest()
        minutes = float(here.network.minutes(np.array(metres)))
        return Nearest(str(here.ids[row]), round(metres, 3), round(minutes, 2))

    def _here(self) -> Present:
        if self._streets is None:
            self._streets = read_streets(self._file)
        if self._present is None:
            ids = np.empty(0, dtype=object) if self._ids is None else self._ids
            self._present = Present(self._streets, ids, self._xy)
        return self._present
