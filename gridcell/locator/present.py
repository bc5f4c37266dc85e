"""Where people are now, and who of them is nearest along the streets."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rtree.index import Index
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from gridcell.arrays import run_starts, spread
from gridcell.locator.index import CellIndex
from gridcell.locator.positions import NEAREST_COLUMNS
from gridcell.streets import Joined, WalkingNetwork, straight_pairs

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_FEW: Final = 8
"""People that are looked at first, as the crow flies; twice as many each time."""


class Present:
    """People and the places where they are, on the streets. Whoever moves is moved in place."""

    def __init__(self, network: WalkingNetwork, staff_id: NDArray[np.object_], xy: Floats) -> None:
        """Take (n,) ids, each once, and (n, 2) places in the network's CRS, NaN for nowhere."""
        order = np.argsort(staff_id.astype(np.str_), kind="stable")
        self.network = network
        self.ids = staff_id[order]
        self.rows = {str(name): row for row, name in enumerate(self.ids.tolist())}
        self.places = network.join(xy[order])
        self._tree: Index | None = None

    def move(self, row: int, xy: Floats) -> None:
        """Take the new place of somebody."""
        before = self.places.xy[row].copy()
        there = self.network.join(xy[None])
        for name in ("xy", "edge", "along_m", "access_m", "foot", "over"):
            getattr(self.places, name)[row] = getattr(there, name)[0]
        if self._tree is not None:
            # The index follows: nothing is built anew.
            if np.isfinite(before).all():
                self._tree.delete(row, (*before, *before))
            if np.isfinite(xy).all():
                self._tree.insert(row, (*xy, *xy))

    def nearest(self, xy: Floats, rows: Ints) -> tuple[int, float]:
        """Return who of some people is nearest to a place: row and metres, -1 for nobody.

        Of several as near the one whose id comes first.
        """
        if not len(rows):
            return -1, np.nan
        metres = self.network.distances(self.network.join(xy[None]), self.places.take(rows))[0]
        best = int(np.argmin(np.round(metres, 6)))
        return (int(rows[best]), float(metres[best])) if np.isfinite(metres[best]) else (-1, np.nan)

    def nearest_of_all(self, xy: Floats) -> tuple[int, float]:
        """Return who of all is nearest to a place, as `nearest`.

        Nobody is nearer along the streets than as the crow flies: of those who are beyond, in the
        order of an R-tree, none is looked at.
        """
        count = len(self.ids)
        wanted = _FEW
        while True:
            rows = np.sort(np.fromiter(self.tree.nearest((*xy, *xy), wanted), dtype=np.int64))
            row, metres = self.nearest(xy, rows)
            away = np.hypot(*(self.places.xy[rows] - xy).T).max(initial=0.0)
            if metres < away or wanted >= count:
                return row, metres
            wanted *= 2

    @property
    def tree(self) -> Index:
        """An R-tree over where people are, kept up as they move."""
        if self._tree is None:
            known = np.flatnonzero(np.isfinite(self.places.xy).all(axis=1))
            self._tree = Index(_boxes(known, self.places.xy)) if len(known) else Index()
        return self._tree


def _boxes(rows: Ints, xy: Floats) -> Iterator[tuple[int, tuple[float, ...], None]]:
    for row, (x, y) in zip(rows.tolist(), xy[rows].tolist(), strict=True):
        yield row, (x, y, x, y), None


class NearestTable:
    """Who is nearest to many places, while nobody moves.

    What is known of the ends of streets is kept from one call to the next.

    Parameters
    ----------
    present
        The people.
    cell, person
        (pairs,) cells and people who answer for them, sorted by cell, then person; ``None`` where
        whoever is nearest counts, whatever he answers for.
    """

    def __init__(self, present: Present, cell: Ints | None, person: Ints | None) -> None:
        self.present, self.network = present, present.network
        reached = np.flatnonzero(present.places.reached)
        if cell is None or person is None:
            # All places are as in one cell for which everybody answers.
            cell, person = np.zeros(len(reached), dtype=np.int64), reached
            self.one = True
        else:
            here = present.places.reached[person]
            cell, person = cell[here], person[here]
            self.one = False
        self.cell, self.person = cell, person
        self.known = np.empty(0, dtype=np.int64)
        self.of_end, self.from_end = np.empty(0, dtype=np.int64), np.empty(0)
        self._by_street()

    def nearest(self, xy: Floats, cell: Ints) -> tuple[Ints, Floats]:
        """Return for each place row and metres of the nearest: -1 and NaN for nobody.

        Parameters
        ----------
        xy
            (n, 2) NaN for nowhere.
        cell
            (n,) cell of each, -1 for none; of no matter where whoever is nearest counts.
        """
        if self.one:
            cell = np.where(np.isfinite(xy).all(axis=1), 0, -1)
        places = self.network.join(xy)
        asked = np.flatnonzero(places.reached & (cell >= 0))
        some, cell = places.take(asked), cell[asked]
        pairs = self._straight(some, cell) if self.network.straight else self._walked(some, cell)
        place, person, metres = pairs
        order = np.lexsort((person, np.round(metres, 6), place))
        order = order[np.isfinite(metres[order])]
        first = order[run_starts(place[order])]
        who, away = np.full(len(xy), -1, dtype=np.int64), np.full(len(xy), np.nan)
        who[asked[place[first]]], away[asked[place[first]]] = person[first], metres[first]
        return who, away

    def columns(self, xy: Floats, cell: Ints) -> dict[str, Any]:
        """Return `NEAREST_COLUMNS` of places, for parameters as of `nearest`."""
        row, metres = self.nearest(xy, cell)
        names = self.present.ids.take(np.maximum(row, 0)) if len(self.present.ids) else None
        who = np.full(len(row), None, dtype=object) if names is None else names
        who[row < 0] = None
        values = (
            pd.array(who, dtype="str"), np.round(metres, 3),
            np.round(self.network.minutes(metres), 2),
        )  # fmt: skip
        return dict(zip(NEAREST_COLUMNS, values, strict=True))

    def _of_cells(self, cell: Ints) -> tuple[Ints, Ints]:
        """Return each cell's people: row in `cell`, person."""
        low = np.searchsorted(self.cell, cell)
        owner, place = spread(np.searchsorted(self.cell, cell, side="right") - low)
        return owner, self.person[low[owner] + place]

    def _straight(self, places: Joined, cell: Ints) -> tuple[Ints, Ints, Floats]:
        place, person = self._of_cells(cell)
        away = places.xy[place] - self.present.places.xy[person]
        return place, person, np.hypot(*away.T)

    def _walked(self, places: Joined, cell: Ints) -> tuple[Ints, Ints, Floats]:
        """Return for each place those who are nearest by either end of its street, or on it."""
        ways, nodes = self.network.ways, len(self.network.node_xy)
        node, place, rest = ways.doors(places)
        key = cell[place] * nodes + node
        self._look_up(np.setdiff1d(key, self.known))
        at = np.searchsorted(self.known, key)
        person, metres = self.of_end[at], self.from_end[at] + rest
        parts = [(place, person, metres), self._on_street(places, cell), self._near(places, cell)]
        return tuple(map(np.concatenate, zip(*parts, strict=True)))  # type: ignore[return-value]

    def _near(self, places: Joined, cell: Ints) -> tuple[Ints, Ints, Floats]:
        """Return who of the cells' people is nearer than the street."""
        place, person, metres = straight_pairs(places, self.present.places, self.network.blocking)
        size = len(self.present.ids)
        held = self.cell * size + self.person
        wanted = cell[place] * size + person
        at = np.minimum(np.searchsorted(held, wanted), max(len(held) - 1, 0))
        own = held[at] == wanted if len(held) else np.zeros(len(at), dtype=bool)
        return place[own], person[own], metres[own]

    def _by_street(self) -> None:
        edge = self.present.places.edge[self.person]
        key = self.cell * max(len(self.network.metres), 1) + edge
        order = np.argsort(key, kind="stable")
        self._street_key, self._street_person = key[order], self.person[order]

    def _on_street(self, places: Joined, cell: Ints) -> tuple[Ints, Ints, Floats]:
        key = cell * len(self.network.metres) + places.edge
        low = np.searchsorted(self._street_key, key)
        place, number = spread(np.searchsorted(self._street_key, key, side="right") - low)
        person = self._street_person[low[place] + number]
        people = self.present.places
        metres = np.abs(places.along_m[place] - people.along_m[person])
        metres += places.access_m[place] + people.access_m[person]
        same = (places.xy[place] == people.xy[person]).all(axis=1)
        return place, person, np.where(same, 0.0, metres)

    def _look_up(self, key: Ints) -> None:
        """Find who of a cell's people is nearest to ends of streets: new pairs of both."""
        if not len(key):
            return
        nodes = len(self.network.node_xy)
        who, metres = self._from_all(key) if self.one else self._from_people(key, nodes)
        where = np.searchsorted(self.known, key)
        self.known = np.insert(self.known, where, key)
        self.of_end = np.insert(self.of_end, where, who)
        self.from_end = np.insert(self.from_end, where, metres)

    def _from_people(self, key: Ints, nodes: int) -> tuple[Ints, Floats]:
        owner, person = self._of_cells(key // nodes)
        ends, number = np.unique(key % nodes, return_inverse=True)
        people = self.present.places
        places = people.beside(self.network.at_nodes(ends))
        metres = self.network.between(places, person, len(people) + number[owner])
        order = np.lexsort((person, np.round(metres, 6), owner))
        first = order[run_starts(owner[order])]
        who, away = np.full(len(key), -1, dtype=np.int64), np.full(len(key), np.inf)
        who[owner[first]], away[owner[first]] = person[first], metres[first]
        return who, away

    def _from_all(self, key: Ints) -> tuple[Ints, Floats]:
        """Search once from everybody at the same time."""
        ways, nodes = self.network.ways, len(self.network.node_xy)
        people = self.present.places.take(self.person)
        node, row, metres = ways.doors(people)
        order = np.argsort(row, kind="stable")
        size = nodes + len(people)
        graph = csr_array(
            (
                np.concatenate([ways.graph.data, metres[order]]),
                np.concatenate([ways.graph.indices, node[order]]),
                np.concatenate(
                    [ways.graph.indptr, ways.graph.nnz + 2 * np.arange(1, len(people) + 1)]
                ),
            ),
            shape=(size, size),
        )
        reach, _, source = dijkstra(
            graph, indices=np.arange(nodes, size), min_only=True, return_predecessors=True
        )
        found = np.isfinite(reach[key])
        who = self.person[np.where(found, source[key] - nodes, 0)] if len(people) else key * 0
        return np.where(found, who, -1), np.asarray(reach[key], dtype=np.float64)


def nearest_table(cells: CellIndex, present: Present, *, anyone: bool) -> NearestTable:
    """Return who is nearest of those who answer for cells, or of all."""
    if anyone:
        return NearestTable(present, None, None)
    return NearestTable(present, *answering_people(cells.fields, cells.staff, present.rows))


def answering_people(
    fields: pd.DataFrame, staff: pd.DataFrame, rows: dict[str, int]
) -> tuple[Ints, Ints]:
    """Return which people answer for which leaves, sorted: rows of leaves, rows of people.

    Parameters
    ----------
    fields
        Codes of the leaves and of the cells around them, by level.
    staff
        ``code`` and ``staff_id``.
    rows
        The people who are present, by id.
    """
    person = staff["staff_id"].map(rows)
    held = pd.DataFrame({"code": staff["code"], "person": person}).dropna()
    parts = [pd.DataFrame({"cell": pd.Series(dtype="int64"), "person": pd.Series(dtype="int64")})]
    for level in ("micro", "small", "medium", "large"):
        cells: Any = pd.DataFrame({"cell": np.arange(len(fields)), "code": fields[level]}).dropna()
        parts.append(cells.merge(held, on="code")[["cell", "person"]])
    pairs = pd.concat(parts).astype("int64").drop_duplicates().sort_values(["cell", "person"])
    return pairs["cell"].to_numpy(), pairs["person"].to_numpy()
