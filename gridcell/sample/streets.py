"""Communities, blocks and parcels, and the streets between them, on flat ground."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import shapely
import shapely.ops
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from gridcell.sample.cuts import (
    Floats,
    Geometries,
    Ints,
    Land,
    cut,
    join,
    lines_of,
    middles,
    split_by,
)
from gridcell.sample.terrain import FIELDS, Terrain, density, points_inside

RANKS = ("arterial", "street", "lane")
HALF_WIDTH_M = np.array([18.0, 10.0, 5.0])
"""From the centre line of a street of each rank to the land beside it."""
WALL_M = 2.0
"""Between the land of a parcel and the line that divides it from the next."""
RIM_M = 6.0
"""Between the outline of the town and the land within."""

CITY = 0.4
"""Less urban places have smaller parcels, more lanes and more crooked ones."""
ARTERIAL_HA, STREET_HA = 30.0, 7.0
"""Larger pieces are divided by arterials and by streets."""
NECK_M = 25.0
"""Pieces with a shorter border in common do not hold a community together."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class StreetPlan:
    """What is drawn on flat ground."""

    parcels: Land
    """Land to build on, a few to a block, walls between them."""
    blocks: Land
    """Land between streets; ``gross`` covers both banks."""
    water: Land
    """The river with its embankments, each piece in a community."""
    lines: Geometries
    """Centre lines of streets."""
    rank: Ints
    """(lines,) index into `RANKS`."""
    borders: Geometries
    """Lines without a street that bound communities: on the river."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class _Drawing:
    """Lines collected while the land is cut."""

    lines: list[Geometries]
    rank: list[Ints]

    def add(self, geometries: Geometries, rank: Ints) -> None:
        lines, row = lines_of(geometries)
        self.lines.append(lines)
        self.rank.append(rank[row])


def lay_out(
    terrain: Terrain, north: Sequence[float], south: Sequence[float], rng: np.random.Generator
) -> StreetPlan:
    """Return the plan of a town.

    Parameters
    ----------
    terrain
        The ground.
    north, south
        Households of the communities on each bank, numbered on from north to south. Where the
        south has none, the last community of the north holds both banks.
    rng
        Chance.
    """
    drawing = _Drawing(lines=[], rank=[])
    borders = []
    banks, water = [], []
    level = np.asarray(terrain.river.coords)
    for bank in shapely.get_parts(shapely.ops.split(terrain.outline, terrain.river)):
        centre = shapely.point_on_surface(bank)
        is_north = bool(centre.y > np.interp(centre.x, *level.T))
        if is_north:
            weights, first = north, 0
        else:
            weights, first = (south, len(north)) if south else ([1.0], len(north) - 1)
        land, cuts = _divide_bank(terrain, bank, weights, first, rng)
        wet, dry = split_by(land, terrain.corridor)
        water.append(wet)
        banks.append(dry)
        drawing.add(shapely.difference(cuts, terrain.corridor), np.zeros(len(cuts), dtype=np.int64))
        borders.append(lines_of(shapely.intersection(cuts, terrain.corridor))[0])
    land = _set_back(join(banks), terrain)
    riverside = lines_of(
        np.array([shapely.intersection(terrain.corridor.boundary, terrain.outline)], dtype=object)
    )[0]
    riverside = riverside[_along(riverside, terrain)]
    drawing.add(riverside, np.ones(len(riverside), dtype=np.int64))
    blocks = _blocks(land, terrain, drawing, rng)
    n_blocks, wet_land = len(blocks), join(water)
    traded = _trade_blocks(join([blocks, wet_land]), n_blocks, len(north) + len(south), rng)
    blocks, wet_land = traded.take(slice(n_blocks)), traded.take(slice(n_blocks, None))
    parcels = _parcels(blocks, terrain, drawing, rng)
    drawing.add(*_bridges(terrain, np.concatenate(drawing.lines), np.concatenate(drawing.rank)))
    return StreetPlan(
        parcels=parcels,
        blocks=blocks,
        water=wet_land,
        lines=np.concatenate(drawing.lines),
        rank=np.concatenate(drawing.rank),
        borders=np.concatenate(borders),
    )


def _divide_bank(
    terrain: Terrain,
    bank: shapely.Polygon,
    weights: Sequence[float],
    first: int,
    rng: np.random.Generator,
) -> tuple[Land, Geometries]:
    """Divide a bank among its communities by straight lines, heaviest halves first."""
    bounds = np.array(bank.bounds)
    points = rng.uniform(bounds[:2], bounds[2:], (max(4_000, 1_000 * len(weights)), 2))
    whole = np.array([bank], dtype=object)
    start = Land(
        gross=whole, net=whole, community=np.array([first]), block=np.array([-1]),
    )  # fmt: skip
    done, lines = [], []
    stack = [(0, len(weights), start, points_inside(bank, points))]
    while stack:
        low, high, land, inside = stack.pop()
        if high - low < 2 or not len(inside):
            owner = np.full(len(land), first + low, dtype=np.int64)
            done.append(replace(land, community=owner))
            continue
        sums = np.cumsum(weights[low:high])
        middle = low + 1 + int(np.argmin(np.abs(sums[:-1] - sums[-1] / 2)))
        wide = np.ptp(inside[:, 0]) >= np.ptp(inside[:, 1])
        tilt = np.radians(rng.normal(0, 5.0))
        direction = np.array(
            [np.sin(tilt), np.cos(tilt)] if wide else [-np.cos(tilt), np.sin(tilt)]
        )
        along = inside @ np.array([direction[1], -direction[0]])
        order = np.argsort(along, kind="stable")
        held = np.cumsum(density(terrain.urbanity(inside))[order])
        share = sums[middle - low - 1] / sums[-1]
        at = order[min(int(np.searchsorted(held, share * held[-1])), len(order) - 1)]
        n = len(land)
        left, right, line = cut(
            land, np.tile(inside[at], (n, 1)), np.tile(direction, (n, 1)),
            np.full(n, HALF_WIDTH_M[0]),
        )  # fmt: skip
        lines.append(line)
        is_left = along <= along[at]
        stack.append((middle, high, right, inside[~is_left]))
        stack.append((low, middle, left, inside[is_left]))
    return join(done), np.concatenate(lines) if lines else np.empty(0, dtype=object)


def _set_back(land: Land, terrain: Terrain) -> Land:
    """Keep net land off the outline and the riverside road."""
    road = terrain.corridor.buffer(HALF_WIDTH_M[1])
    inner = shapely.difference(terrain.outline.buffer(-RIM_M), road)
    return replace(land, net=shapely.intersection(land.net, inner))


def _along(lines: Geometries, terrain: Terrain) -> NDArray[np.bool_]:
    """Which parts of the corridor's outline run along the river, not across it."""
    middle = shapely.line_interpolate_point(lines, 0.5, normalized=True)
    width = terrain.river_width_m / 2 + terrain.green_width_m
    along: NDArray[np.bool_] = shapely.distance(middle, terrain.river) > 0.8 * width
    return along


def _blocks(land: Land, terrain: Terrain, drawing: _Drawing, rng: np.random.Generator) -> Land:
    """Divide the land by arterials and streets until every piece is a block."""
    done = []
    while len(land):
        hectares = shapely.area(land.gross) / 10_000.0
        small = hectares < STREET_HA * rng.uniform(0.75, 1.3, len(land))
        done.append(land.take(small))
        land, hectares = land.take(~small), hectares[~small]
        if not len(land):
            break
        rural = terrain.urbanity(middles(land.gross)) < FIELDS
        rank = np.where((hectares > ARTERIAL_HA) & ~rural, 0, 1)
        land = _halve(
            land, terrain=terrain, rank=rank, setback_m=HALF_WIDTH_M[rank], drawing=drawing, rng=rng
        )
    blocks = join(done)
    return replace(blocks, block=np.arange(len(blocks)))


def _parcels(blocks: Land, terrain: Terrain, drawing: _Drawing, rng: np.random.Generator) -> Land:
    """Divide the blocks into parcels: by lanes while they are large or rural, then by walls."""
    lanes = partial(_halve, terrain=terrain, rank=2, setback_m=HALF_WIDTH_M[2], drawing=drawing)
    walls = partial(_halve, terrain=terrain, rank=-1, setback_m=WALL_M, drawing=drawing)
    land = blocks
    for halve, least, city_share, village_share in (
        (lanes, 2.0, 0.5, 0.8),
        (walls, 0.0, 1.0, 1.0),
    ):
        done = []
        while len(land):
            hectares = shapely.area(land.gross) / 10_000.0
            city = terrain.urbanity(middles(land.gross)) > CITY
            limit = rng.uniform(np.where(city, 1.1, 0.7), np.where(city, 4.2, 2.2))
            chance = rng.uniform(size=len(land)) < np.where(city, city_share, village_share)
            cut_it = (hectares >= np.maximum(limit, least)) & chance
            done.append(land.take(~cut_it))
            land = halve(land.take(cut_it), rng=rng) if cut_it.any() else land.take(cut_it)
        land = join(done)
    return land


def _halve(
    land: Land,
    *,
    terrain: Terrain,
    rank: int | Ints,
    setback_m: float | Floats,
    drawing: _Drawing,
    rng: np.random.Generator,
) -> Land:
    """Cut every piece across its longer side; draw the lines whose rank is not negative."""
    rank, setback_m = np.full(len(land), rank), np.full(len(land), setback_m)
    bounds = shapely.bounds(land.gross)
    low, size = bounds[:, :2], bounds[:, 2:] - bounds[:, :2]
    at = low + size * rng.uniform(0.36, 0.64, (len(land), 2))
    urban = terrain.urbanity(middles(land.gross))
    tilt = np.radians(rng.normal(0, 1.0, len(land)) * np.where(urban > CITY, 4.0, 11.0))
    wide = size[:, 0] * rng.uniform(0.85, 1.15, len(land)) >= size[:, 1]
    direction = np.where(
        wide[:, None],
        np.column_stack([np.sin(tilt), np.cos(tilt)]),
        np.column_stack([np.cos(tilt), np.sin(tilt)]),
    )
    left, right, lines = cut(land, at, direction, setback_m)
    drawn = rank >= 0
    drawing.add(lines[drawn], rank[drawn])
    return join([left, right])


def _trade_blocks(
    land: Land, n_blocks: int, communities: int, rng: np.random.Generator
) -> Land:  # fmt: skip
    """Let some blocks at a border change sides: borders follow streets, but not straight ones.

    The first `n_blocks` pieces are blocks, the others water. Every community stays, or becomes, one
    connected piece.
    """
    gross, owner = land.gross, land.community.copy()
    i, j = shapely.STRtree(gross).query(gross, predicate="intersects")
    i, j = i[i != j], j[i != j]
    shared = shapely.length(
        shapely.intersection(shapely.buffer(gross[i], 0.01), shapely.boundary(gross[j]))
    )
    firm = shared > NECK_M
    i, j, shared = i[firm], j[firm], shared[firm]
    area = shapely.area(gross)
    _attach_strays(owner, i, j, area)
    share = shared / shapely.length(gross)[i]
    want = (owner[i] != owner[j]) & (share > 0.15) & (share < 0.45)
    want &= (i < n_blocks) & (j < n_blocks)
    block, other = i[want], j[want]
    order = rng.permutation(len(block))[: 3 * communities]
    touched = np.zeros(len(land), dtype=bool)
    for row, neighbour in zip(block[order].tolist(), other[order].tolist(), strict=True):
        if touched[row] or touched[neighbour]:
            continue
        rest = owner == owner[row]
        rest[row] = False
        # Nobody gives away what little there is.
        if (
            area[:n_blocks][rest[:n_blocks]].sum() > 4 * area[row]
            and len(np.unique(_components(rest, i, j)[rest])) == 1
        ):
            owner[row] = owner[neighbour]
            touched[j[i == row]] = touched[row] = True
    return replace(land, community=owner)


def _components(members: NDArray[np.bool_], i: Ints, j: Ints) -> Ints:
    """Return the number of the connected piece of each member, given who touches whom."""
    inside = members[i] & members[j]
    graph = sparse.coo_matrix(
        (np.ones(int(inside.sum())), (i[inside], j[inside])), shape=(len(members), len(members))
    )
    label = csgraph.connected_components(graph, directed=False)[1]
    return np.asarray(label, dtype=np.int64)


def _attach_strays(owner: Ints, i: Ints, j: Ints, area: Floats) -> None:
    """Give pieces that are cut off from the rest of their community to a neighbour, in place."""
    for community in range(int(owner.max()) + 1):
        members = owner == community
        label = _components(members, i, j)
        size = np.bincount(label[members], area[members])
        stray = members & (label != np.argmax(size))
        for piece in np.unique(label[stray]).tolist():
            part = stray & (label == piece)
            around = owner[j[part[i] & ~part[j]]]
            if len(around):
                owner[part] = np.bincount(around).argmax()


def _bridges(terrain: Terrain, lines: Geometries, rank: Ints) -> tuple[Geometries, Ints]:
    """Carry arterials on over the river where they meet it; streets where there are none."""
    straight = shapely.get_num_coordinates(lines) == 2
    for value in (0, 1):
        bridges = _spans(terrain, lines[straight & (rank == value)])
        if len(bridges):
            return bridges, np.full(len(bridges), value)
    x = terrain.outline.centroid.x
    _, low, _, high = terrain.outline.bounds
    central = shapely.LineString([[x, low], [x, high]])
    over = np.full(1, shapely.intersection(central, terrain.corridor), dtype=object)
    bridges = lines_of(over)[0][:1]
    return bridges, np.ones(len(bridges), dtype=np.int64)


def _spans(terrain: Terrain, lines: Geometries) -> Geometries:
    """Continuations of straight lines from one bank to the other, not too close together."""
    corridor = terrain.corridor
    reach = 3 * (terrain.river_width_m + 2 * terrain.green_width_m)
    ends = shapely.get_coordinates(lines).reshape(-1, 2, 2)
    way = ends[:, 1] - ends[:, 0]
    way /= np.hypot(way[:, 0], way[:, 1])[:, None]
    tips = np.concatenate([ends[:, 0], ends[:, 1]])
    out = np.concatenate([-way, way])
    at_river = shapely.distance(shapely.points(tips), corridor) < 1.0
    over = np.stack([tips[at_river], tips[at_river] + reach * out[at_river]], axis=1)
    spans = np.asarray(shapely.linestrings(over), dtype=object)
    parts, row = lines_of(shapely.intersection(spans, corridor))
    whole = (np.bincount(row)[row] == 1) & (shapely.length(parts) < 0.6 * reach)
    parts = parts[whole & shapely.covered_by(parts, terrain.outline)]
    spacing = max(0.35 * terrain.radius_m, 4 * terrain.river_width_m)
    chosen: list[shapely.Geometry] = []
    for bridge in parts:
        if not chosen or shapely.distance(np.array(chosen), bridge).min() > spacing:
            chosen.append(bridge)
    return np.array(chosen, dtype=object)
