"""The street network as people walk it: built from barriers, asked for metres."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from gridcell.arguments import checked
from gridcell.arrays import Geometries, run_starts
from gridcell.model import Plan
from gridcell.rules import Rules, Walking
from gridcell.streets.joined import (
    Joined,
    Segments,
    join_places,
    straight_pairs,
    straight_ways,
)
from gridcell.streets.lines import Blocking, StreetLines, ends_of, street_lines
from gridcell.streets.paths import draw_paths
from gridcell.streets.reach import Ways

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


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
    ways: Ways
    """How far it is between nodes."""
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
        every line within 300 m crosses one, across walls and railways, but never a river; what then
        reaches no street is told apart by `Joined.reached`.

        Parameters
        ----------
        points
            (n,) Points, or (n, 2) coordinates, in the network's CRS. NaN is a place nowhere, which
            is joined to nothing.
        """
        xy = np.asarray(points)
        if xy.dtype == object:
            xy = shapely.get_coordinates(xy)
        xy = np.asarray(xy, dtype=np.float64).reshape(-1, 2)
        known = np.isfinite(xy).all(axis=1)
        access = np.where(known, 0.0, np.inf)
        out = Joined(
            xy=xy, edge=np.full(len(xy), -1), along_m=np.zeros(len(xy)), access_m=access,
            foot=xy.copy(), over=np.zeros(len(xy), dtype=bool),
        )  # fmt: skip
        if self.straight or not known.any():
            return out
        joined = join_places(xy[known], self.segments, self.blocking)
        for name in ("edge", "along_m", "access_m", "foot", "over"):
            getattr(out, name)[known] = getattr(joined, name)
        return out

    def distances(
        self, origins: Joined, destinations: Joined, *, within_m: float | None = None
    ) -> Floats:
        """Return the metres from each origin to each destination, to and from streets included.

        Places that are nearer to each other than to the street, up to 100 m, are reached straight,
        where no river, railway, wall or motorway is between.

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
        if self.straight:
            away = origins.xy[:, None, :] - destinations.xy[None, :, :]
            out = np.hypot(away[..., 0], away[..., 1])
            return out if within_m is None else np.where(out <= within_m, out, np.inf)
        out = np.full((len(origins), len(destinations)), np.inf)
        # What reaches no street is at least where it is.
        rows, columns = np.flatnonzero(~origins.reached), np.flatnonzero(~destinations.reached)
        same = origins.xy[rows, None, :] == destinations.xy[None, columns, :]
        out[np.ix_(rows, columns)] = np.where(same.all(axis=2), 0.0, np.inf)
        rows, columns = np.flatnonzero(origins.reached), np.flatnonzero(destinations.reached)
        out[np.ix_(rows, columns)] = self.ways.table(
            origins.take(rows), destinations.take(columns), within_m
        )
        origin, destination, metres = straight_pairs(origins, destinations, self.blocking)
        near = np.flatnonzero(metres <= (np.inf if within_m is None else within_m))
        out[origin[near], destination[near]] = metres[near]
        return out

    def between(self, places: Joined, a: Ints, b: Ints) -> Floats:
        """Return the metres between pairs of places, as `distances`.

        Parameters
        ----------
        places
            Places of `join`.
        a, b
            (pairs,) their rows. Neighbouring pairs of neighbouring places are fast.

        Returns
        -------
        (pairs,)
        """
        if self.straight:
            out: Floats = np.hypot(*(places.xy[a] - places.xy[b]).T)
            return out
        out = np.where((places.xy[a] == places.xy[b]).all(axis=1), 0.0, np.inf)
        out = np.minimum(out, straight_ways(places, a, b, self.blocking))
        rest = np.flatnonzero(np.isinf(out) & places.reached[a] & places.reached[b])
        out[rest] = self.ways.pairs(places, a, b, rest)
        return out

    def paths(self, places: Joined, a: Ints, b: Ints) -> Geometries:
        """Return the lines walked between pairs of places, from door to door.

        Parameters and order are those of `between`; where there is no way the line is straight.
        """
        if self.straight:
            ends = np.stack([places.xy[a], places.xy[b]], axis=1)
            return np.asarray(shapely.linestrings(ends), dtype=object)
        straight = np.isfinite(straight_ways(places, a, b, self.blocking))
        return draw_paths(self.ways, self.lines, places, a, b, straight)

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
        rows, columns = np.flatnonzero(origins.reached), np.flatnonzero(destinations.reached)
        origin, destination, metres = self.ways.within(
            origins.take(rows), destinations.take(columns), within_m
        )
        found = [(rows[origin], columns[destination], metres)]
        found.append(straight_pairs(origins, destinations, self.blocking))
        return _least(found, len(destinations), within_m)

    def at_nodes(self, nodes: Ints) -> Joined:
        """Return ends of streets as places."""
        n = len(self.node_xy)
        ends = np.concatenate([self.tail, self.head])
        streets = np.tile(np.arange(len(self.metres)), 2)
        along = np.concatenate([np.zeros(len(self.metres)), self.metres])
        some = np.empty(n, dtype=np.int64)
        some[ends] = np.arange(len(ends))
        at, xy = some[nodes], self.node_xy[nodes]
        return Joined(
            xy=xy, edge=streets[at], along_m=along[at], access_m=np.zeros(len(nodes)), foot=xy,
            over=np.zeros(len(nodes), dtype=bool),
        )  # fmt: skip

    def part_of(self, places: Joined) -> Ints:
        """Return the part of the network that each place is joined to, -1 for none."""
        part = connected_components(self.ways.graph, directed=False)[1].astype(np.int64)
        return np.where(places.edge >= 0, part[self.tail[places.edge]], -1)


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
    walks along motorways. Roads that were given as areas are walked along their outlines. Places
    are joined to the street in front (`WalkingNetwork.join`); those that are nearer to each other
    than to the street, up to 100 m, are also reached straight (`WalkingNetwork.distances`).

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
        ways=Ways.of(tail, head, segments.street_m, xy), segments=segments,
        blocking=streets.blocking, linked=streets.linked, linked_m=streets.linked_m,
        parts=streets.parts, speed_kmh=speed_kmh,
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


def network_of_rules(
    barriers: gpd.GeoDataFrame | None, *, crs: pyproj.CRS, rules: Rules
) -> WalkingNetwork | None:
    """Return the streets where the rules want people to be assigned along them, else ``None``."""
    if not rules.walking.network:
        return None
    return build_network(barriers, crs=crs, speed_kmh=rules.walking.speed_kmh)
