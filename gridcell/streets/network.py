"""The street network as people walk it: built from barriers, asked for metres."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra

from gridcell.arguments import checked
from gridcell.arrays import Geometries, run_starts, spread
from gridcell.model import Plan
from gridcell.rules import Walking
from gridcell.streets.joined import Joined, Segments, join_places
from gridcell.streets.lines import Blocking, StreetLines, ends_of, street_lines

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_AT_ONCE: Final = 8_000_000
"""Distances that are held at once."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class WalkingNetwork:
    """Streets between junctions, and how far it is along them.

    Examples
    --------
    Two houses, a river between them, and the bridge 100 m away:

    >>> import geopandas as gpd, numpy as np
    >>> from shapely import LineString
    >>> road = LineString([(0, 0), (100, 0), (100, 40), (0, 40)])
    >>> river = LineString([(-9, 20), (200, 20)])
    >>> barriers = gpd.GeoDataFrame(
    ...     {"kind": ["road", "river"], "rank": None, "name": None},
    ...     geometry=[road, river], crs=4546,
    ... )
    >>> network = build_network(barriers, crs=barriers.crs)
    >>> houses = network.join(np.array([[10.0, 5.0], [10.0, 35.0]]))
    >>> network.distances(houses, houses).tolist()
    [[0.0, 230.0], [230.0, 0.0]]
    """

    crs: pyproj.CRS
    node_xy: Floats
    """(nodes, 2) ends and junctions of streets, by x, then y."""
    tail: Ints
    head: Ints
    """(streets,) nodes at the start and at the stop of each street."""
    metres: Floats
    """(streets,) length."""
    lines: Geometries
    """(streets,) LineStrings from `tail` to `head`."""
    segments: Segments
    blocking: Blocking
    """What nobody crosses but along a street."""
    linked: int = 0
    """Straight links that were laid between parts that do not meet."""
    linked_m: float = 0.0
    """Length of the longest."""
    parts: int = 0
    """Parts between which there is no way; 0 where there are no streets."""
    speed_kmh: float = Walking().speed_kmh

    @property
    def straight(self) -> bool:
        """Whether there are no streets: distances are then as the crow flies."""
        return not len(self.metres)

    def minutes(self, metres: Floats) -> Floats:
        """Return how long people take for so many metres."""
        out: Floats = metres / (self.speed_kmh * 1000.0 / 60.0)
        return out

    def join(self, points: NDArray[np.object_] | Floats) -> Joined:
        """Return places joined to the street in front of them.

        Each goes straight to the nearest street, across no river, railway, wall or motorway. Where
        every line within 500 m crosses one, across walls and railways, but never a river; what then
        reaches no street is told apart by `Joined.reached`.

        Parameters
        ----------
        points
            (n,) Points, or (n, 2) coordinates, in the network's CRS.
        """
        xy = np.asarray(points)
        if xy.dtype == object:
            xy = shapely.get_coordinates(xy)
        xy = np.asarray(xy, dtype=np.float64).reshape(-1, 2)
        if self.straight:
            zero = np.zeros(len(xy))
            return Joined(
                xy=xy, edge=np.full(len(xy), -1), along_m=zero, access_m=zero, foot=xy,
                over=zero > 0,
            )  # fmt: skip
        return join_places(xy, self.segments, self.blocking)

    def distances(
        self, origins: Joined, destinations: Joined, *, within_m: float | None = None
    ) -> Floats:
        """Return the metres from each origin to each destination, to and from streets included.

        Parameters
        ----------
        origins, destinations
            Places of `join`.
        within_m
            Longer distances are not looked for, which is faster, and come as infinite.

        Returns
        -------
        (origins, destinations) 0 between equal places, infinite where there is no way. The same
        both ways round. For many places see `near`.
        """
        out = np.full((len(origins), len(destinations)), np.inf)
        if self.straight:
            away = origins.xy[:, None, :] - destinations.xy[None, :, :]
            out = np.hypot(away[..., 0], away[..., 1])
        else:
            goal = destinations.reached
            edge = destinations.edge[goal]
            for rows, reach in self._reach(origins, within_m):
                tail = reach[:, self.tail[edge]] + destinations.along_m[goal]
                rest = self.metres[edge] - destinations.along_m[goal]
                best = np.minimum(tail, reach[:, self.head[edge]] + rest)
                out[np.ix_(rows, np.flatnonzero(goal))] = best + destinations.access_m[goal]
            origin, destination, metres = _beside(origins, destinations)
            np.minimum.at(out, (origin, destination), metres)
        if within_m is not None:
            out[out > within_m] = np.inf
        return out

    def near(
        self, origins: Joined, destinations: Joined, *, within_m: float
    ) -> tuple[Ints, Ints, Floats]:
        """Return all pairs within reach: origin, destination, metres; by origin, then destination.

        As `distances`, in memory that grows with the pairs found.
        """
        if self.straight:
            tree = shapely.STRtree(np.asarray(shapely.points(destinations.xy), dtype=object))
            origin, destination = tree.query(
                shapely.points(origins.xy), predicate="dwithin", distance=within_m
            )
            metres = np.hypot(*(origins.xy[origin] - destinations.xy[destination]).T)
            return _least([(origin, destination, metres)], len(destinations), within_m)
        goal = np.flatnonzero(destinations.reached)
        edge, along = destinations.edge[goal], destinations.along_m[goal]
        # By node: the destinations on the streets that begin or end there.
        node = np.concatenate([self.tail[edge], self.head[edge]])
        rest = np.concatenate([along, self.metres[edge] - along])
        rest += np.tile(destinations.access_m[goal], 2)
        order = np.argsort(node, kind="stable")
        whose, rest = np.tile(goal, 2)[order], rest[order]
        first = np.searchsorted(node[order], np.arange(len(self.node_xy) + 1))
        found = [_beside(origins, destinations)]
        for rows, reach in self._reach(origins, within_m):
            row, at = np.nonzero(np.isfinite(reach))
            owner, place = spread(np.diff(first)[at])
            item = first[at][owner] + place
            metres = reach[row[owner], at[owner]] + rest[item]
            kept = metres <= within_m
            found.append((rows[row[owner[kept]]], whose[item[kept]], metres[kept]))
        return _least(found, len(destinations), within_m)

    def _reach(self, origins: Joined, within_m: float | None) -> Iterator[tuple[Ints, Floats]]:
        """Yield rows of origins, and their distances to all nodes."""
        nodes, streets = len(self.node_xy), self._graph()
        rows = np.flatnonzero(origins.reached)
        step = max(1, _AT_ONCE // nodes)
        limit = np.inf if within_m is None else within_m
        for start in range(0, len(rows), step):
            some = rows[start : start + step]
            edge, along = origins.edge[some], origins.along_m[some]
            # Each origin is a node with ways to both ends of its street.
            ways = np.stack([along, self.metres[edge] - along], axis=1)
            ways += origins.access_m[some, None]
            ends = np.stack([self.tail[edge], self.head[edge]], axis=1)
            size = nodes + len(some)
            graph = csr_array(
                (
                    np.concatenate([streets.data, ways.ravel()]),
                    np.concatenate([streets.indices, ends.ravel()]),
                    np.concatenate([streets.indptr, streets.nnz + 2 * np.arange(1, len(some) + 1)]),
                ),
                shape=(size, size),
            )
            reach = dijkstra(graph, indices=np.arange(nodes, size), limit=limit)
            yield some, reach[:, :nodes]

    def _graph(self) -> csr_array:
        """Return the metres between neighbouring nodes: of several streets the shortest."""
        n = len(self.node_xy)
        tail = np.concatenate([self.tail, self.head])
        head = np.concatenate([self.head, self.tail])
        order = np.lexsort((np.tile(self.metres, 2), head, tail))
        first = order[run_starts((tail * n + head)[order])]
        start = np.searchsorted(tail[first], np.arange(n + 1))
        return csr_array((np.tile(self.metres, 2)[first], head[first], start), shape=(n, n))

    def part_of(self, places: Joined) -> Ints:
        """Return the part of the network that each place is joined to, -1 for none."""
        part = connected_components(self._graph(), directed=False)[1].astype(np.int64)
        return np.where(places.edge >= 0, part[self.tail[places.edge]], -1)


def _beside(origins: Joined, destinations: Joined) -> tuple[Ints, Ints, Floats]:
    """Return the pairs on one street, and how far they are along it."""
    order = np.argsort(destinations.edge, kind="stable")
    low = np.searchsorted(destinations.edge[order], origins.edge)
    high = np.searchsorted(destinations.edge[order], origins.edge, side="right")
    origin, place = spread(high - low)
    destination = order[low[origin] + place]
    metres = np.abs(origins.along_m[origin] - destinations.along_m[destination])
    metres += origins.access_m[origin] + destinations.access_m[destination]
    same = (origins.xy[origin] == destinations.xy[destination]).all(axis=1)
    return origin, destination, np.where(same, 0.0, metres)


def _least(
    found: list[tuple[Ints, Ints, Floats]], destinations: int, within_m: float
) -> tuple[Ints, Ints, Floats]:
    """Return each pair once, with the shortest distance."""
    origin, destination, metres = (np.concatenate(parts) for parts in zip(*found, strict=True))
    kept = metres <= within_m
    origin, destination, metres = origin[kept], destination[kept], metres[kept]
    order = np.lexsort((metres, destination, origin))
    first = order[run_starts((origin * destinations + destination)[order])]
    return origin[first], destination[first], metres[first]


@checked
def build_network(
    barriers: gpd.GeoDataFrame | None, *, crs: pyproj.CRS, speed_kmh: float = Walking().speed_kmh
) -> WalkingNetwork:
    """Return the streets that people walk along, from the roads among the barriers.

    Roads meet where they cross or touch, and where an end stops less than 2 m short of another
    road. A road that crosses a river, a railway or a wall is a bridge, a crossing or a gate;
    nothing else gets across. Parts of the network that do not meet are linked by short straight
    lines that cross no river, and no wall, railway or motorway where there is another way. Nobody
    walks along motorways. Roads that were given as areas are walked along their outlines.

    Parameters
    ----------
    barriers
        ``kind``, ``rank``, ``name`` and LineStrings, as `Layers.barriers` and `Plan.barriers` hold
        them; ``None`` for no barriers. Without any road distances are as the crow flies
        (`WalkingNetwork.straight`).
    crs
        Of the barriers: metric.
    speed_kmh
        How fast people walk.

    Returns
    -------
    WalkingNetwork
        The same for the same lines, whatever their order and direction.

    Examples
    --------
    `layers` are those of the example of `read_layers`.

    >>> network = build_network(layers.barriers, crs=layers.crs)
    >>> network.straight, network.parts
    (False, 1)
    """
    none = np.empty(0, dtype=object)
    if barriers is None:
        streets = StreetLines(
            lines=none, blocking=Blocking.of(none, np.empty(0, dtype=bool)),
            linked=0, linked_m=0.0, parts=0,
        )  # fmt: skip
    else:
        streets = street_lines(barriers)
    tail, head, xy = ends_of(streets.lines)
    segments = Segments.of(streets.lines)
    return WalkingNetwork(
        crs=crs, node_xy=xy, tail=tail, head=head,
        metres=segments.street_m, lines=streets.lines,
        segments=segments, blocking=streets.blocking, linked=streets.linked,
        linked_m=streets.linked_m, parts=streets.parts, speed_kmh=speed_kmh,
    )  # fmt: skip


@checked
def walking_network(plan: Plan) -> WalkingNetwork:
    """Return the streets among the barriers of a plan, as `build_network`.

    A plan keeps its barriers, so that one read by `read_plan` needs no other file. The speed is
    ``walking.speed_kmh`` of its rules.

    Examples
    --------
    `plan` is that of the example of `make_plan`. How far is the first building from the second?

    >>> network = walking_network(plan)
    >>> houses = network.join(plan.buildings.representative_point().to_numpy())
    >>> metres = network.distances(houses.take([0]), houses.take([1]))
    >>> metres.shape, bool(metres[0, 0] > 0)
    ((1, 1), True)
    """
    return build_network(plan.barriers, crs=plan.crs, speed_kmh=plan.rules.walking.speed_kmh)
