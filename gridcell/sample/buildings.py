"""Rows of buildings on parcels of any shape, and how many dwellings each building has."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridcell.sample.cuts import Floats, Geometries, Ints, largest_polygons


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a kind of building stands on its parcel; lengths in metres, ranges are (low, high)."""

    length: tuple[float, float]
    """Of a building, along the row: of one entrance where `units` says how many there are."""
    depth: tuple[float, float]
    gap: tuple[float, float]
    """Between neighbours in a row."""
    between: tuple[float, float]
    """Between one row and the next."""
    inset: float
    """Between the buildings and the rim of the parcel."""
    keep: float = 1.0
    """Share of the places that are built on."""
    jitter: float = 0.0
    """Largest shift of a building off its row; it turns by as many tenths of a radian at most."""
    units: tuple[float, ...] = (1.0,)
    """Shares of buildings with 1, 2, 3 … entrances."""
    floors: tuple[tuple[int, float], ...] = ((1, 1.0),)
    """Storeys and their shares, one draw a parcel."""
    per_floor: tuple[int, int] = (0, 0)
    """Dwellings per entrance and storey, inclusive range; none in workplaces."""
    most: int = 0
    """Dwellings in the largest building."""


LAYOUTS: Final[dict[str, Layout]] = {
    "slab": Layout(
        length=(13.0, 15.5), depth=(11.5, 13.5), gap=(7.0, 11.0), between=(16.0, 23.0), inset=6.0,
        keep=0.96, units=(0, 0, 0.7, 0.3), per_floor=(2, 2), most=56,
        floors=((6, 0.66), (7, 0.34)),
    ),
    "lift": Layout(
        length=(13.0, 15.5), depth=(11.5, 13.5), gap=(9.0, 14.0), between=(24.0, 32.0), inset=7.0,
        keep=0.96, units=(0, 0.6, 0, 0.4), per_floor=(2, 2), most=88,
        floors=((9, 0.5), (11, 0.5)),
    ),
    "tower": Layout(
        length=(25.0, 31.0), depth=(22.0, 26.0), gap=(24.0, 34.0), between=(34.0, 44.0), inset=13.0,
        keep=0.85, floors=((26, 0.3), (30, 0.4), (33, 0.3)), per_floor=(8, 10), most=330,
    ),
    "walkup": Layout(
        length=(9.0, 21.0), depth=(9.5, 12.0), gap=(2.5, 7.0), between=(6.0, 11.0), inset=3.0,
        keep=0.88, jitter=0.6, floors=((4, 0.25), (5, 0.4), (6, 0.35)), per_floor=(1, 3), most=20,
    ),
    "village": Layout(
        length=(9.0, 14.0), depth=(8.0, 12.0), gap=(5.0, 12.0), between=(8.0, 16.0), inset=4.0,
        keep=0.72, jitter=1.2, floors=((2, 0.3), (3, 0.5), (4, 0.2)), per_floor=(1, 1), most=3,
    ),
    "shops": Layout(
        length=(18.0, 46.0), depth=(13.0, 18.0), gap=(5.0, 9.0), between=(12.0, 18.0), inset=5.0,
        keep=0.9, floors=((1, 0.3), (2, 0.5), (3, 0.2)),
    ),
    "school": Layout(
        length=(36.0, 60.0), depth=(13.0, 16.0), gap=(14.0, 24.0), between=(22.0, 30.0), inset=9.0,
        keep=0.6, floors=((4, 0.5), (5, 0.5)),
    ),
    "hospital": Layout(
        length=(42.0, 70.0), depth=(17.0, 22.0), gap=(14.0, 24.0), between=(20.0, 32.0), inset=10.0,
        keep=0.8, floors=((6, 0.4), (11, 0.4), (15, 0.2)),
    ),
    "mall": Layout(
        length=(48.0, 80.0), depth=(38.0, 50.0), gap=(12.0, 16.0), between=(14.0, 20.0), inset=8.0,
        floors=((4, 0.5), (5, 0.5)),
    ),
    "factory": Layout(
        length=(45.0, 85.0), depth=(20.0, 28.0), gap=(10.0, 16.0), between=(12.0, 20.0), inset=9.0,
        keep=0.85, floors=((1, 0.7), (2, 0.3)),
    ),
    "government": Layout(
        length=(36.0, 60.0), depth=(14.0, 19.0), gap=(14.0, 22.0), between=(22.0, 34.0), inset=9.0,
        keep=0.75, floors=((4, 0.4), (6, 0.4), (9, 0.2)),
    ),
}  # fmt: skip
"""By use of the parcel; a use that is not here stays open land."""

LEAST_HOUSE_M, MOST_HOUSE_M = 4.0, 11.0
"""Radius of the land that one house needs, and that the largest takes."""
ROW_TRIALS = 6
"""Places tried for the first row of a parcel."""
STEEPEST = np.radians(22.0)
"""Rows turn with their parcel up to here; beyond it they face south."""


def raise_buildings(
    parcels: Geometries, use: NDArray[np.object_], rng: np.random.Generator
) -> pd.DataFrame:
    """Return buildings on the parcels according to their use.

    Parameters
    ----------
    parcels
        (n,) polygons in metres, y to the north.
    use
        (n,) a key of `LAYOUTS`, or anything else for open land.
    rng
        Chance.

    Returns
    -------
    pandas.DataFrame
        ``parcel`` (row), ``use``, ``units``, ``floors``, ``dwellings`` and ``geometry``, in order
        of the parcels and from row to row. Buildings lie in their parcels and apart.
    """
    frames: list[pd.DataFrame] = []
    for name, layout in LAYOUTS.items():
        rows = np.flatnonzero(use == name)
        if len(rows) or not frames:
            frames.append(_raise(parcels[rows], layout, rng).assign(use=name).pipe(_number, rows))
    return pd.concat(frames).sort_values("parcel", kind="stable", ignore_index=True)


def raise_houses(parcels: Geometries, households: Ints) -> pd.DataFrame:
    """Return one house in the middle of each parcel that has room for it.

    Parameters
    ----------
    parcels
        (n,) polygons in metres.
    households
        (n,) how many there are to be at home: more floors are built for them.

    Returns
    -------
    pandas.DataFrame
        As `raise_buildings` returns.
    """
    circle = shapely.maximum_inscribed_circle(parcels)
    radius = shapely.length(circle)
    rows = np.flatnonzero(radius >= LEAST_HOUSE_M)
    x, y = shapely.get_coordinates(circle[rows])[::2].T
    half = (np.minimum(radius[rows], MOST_HOUSE_M) - 1.0) / np.sqrt(2.0)
    living = np.clip(households[rows], 1, LAYOUTS["tower"].most)
    corners = np.column_stack([x - half, y - half, x + half, y + half])
    return pd.DataFrame(
        {
            "parcel": rows, "units": 1, "floors": np.clip(-(-living // 10), 2, 33),
            "dwellings": living, "geometry": shapely.box(*np.round(corners, 3).T),
            "use": "village",
        }
    )  # fmt: skip


def _number(frame: pd.DataFrame, rows: Ints) -> pd.DataFrame:
    return frame.assign(parcel=rows[frame["parcel"]])


def _raise(parcels: Geometries, layout: Layout, rng: np.random.Generator) -> pd.DataFrame:
    inset = largest_polygons(shapely.buffer(parcels, -layout.inset, join_style="mitre"))
    angle = _row_angle(inset)
    local = _turn(inset, -angle)
    n = len(parcels)
    depth = rng.uniform(*layout.depth, n)
    pitch = depth + rng.uniform(*layout.between, n)
    owner, base = _best_rows(local, depth, pitch, layout)
    west, east = _room(local[owner], base, depth[owner])

    rows, start, units, length = _fill(west, east, layout, rng)
    parcel = owner[rows]
    shift = rng.uniform(-layout.jitter, layout.jitter, (len(rows), 2))
    turn = rng.uniform(-0.1, 0.1, len(rows)) * layout.jitter
    half = np.column_stack([length, depth[parcel]]) / 2
    centre = np.column_stack([start, base[rows]]) + half + shift
    corners = half[:, None, :] * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    corners = _rotate(corners, turn[:, None]) + centre[:, None, :]
    shapely.prepare(local)
    inside = shapely.contains(local[parcel], shapely.polygons(corners))
    keep = inside & (rng.uniform(size=len(rows)) < layout.keep)
    built, first = np.unique(parcel[inside], return_index=True)
    keep[np.flatnonzero(inside)[first[~np.isin(built, parcel[keep])]]] = True
    world = _rotate(corners, angle[parcel][:, None])
    storeys, share = zip(*layout.floors, strict=True)
    floors = rng.choice(np.array(storeys), n, p=np.array(share))[parcel]
    per_floor = rng.integers(layout.per_floor[0], layout.per_floor[1] + 1, len(rows))
    dwellings = np.minimum(units * floors * per_floor, layout.most)
    if layout.most == LAYOUTS["village"].most:
        dwellings = rng.choice(np.array([1, 2, 3]), len(rows), p=[0.55, 0.33, 0.12])
    return pd.DataFrame(
        {
            "parcel": parcel[keep], "units": units[keep], "floors": floors[keep],
            "dwellings": dwellings[keep], "geometry": shapely.polygons(np.round(world[keep], 3)),
        }
    )  # fmt: skip


def _row_angle(polygons: Geometries) -> Floats:
    """Direction of rows on each parcel: along the side that runs most nearly east, radians."""
    angle = np.zeros(len(polygons))
    filled = ~shapely.is_empty(polygons)
    box = shapely.get_coordinates(shapely.oriented_envelope(polygons[filled])).reshape(-1, 5, 2)
    side = box[:, 1] - box[:, 0]
    quarter = np.pi / 2
    turned = np.arctan2(side[:, 1], side[:, 0])
    turned -= quarter * np.round(turned / quarter)
    angle[filled] = np.where(np.abs(turned) <= STEEPEST, turned, 0.0)
    return angle


def _best_rows(
    local: Geometries, depth: Floats, pitch: Floats, layout: Layout
) -> tuple[Ints, Floats]:
    """Parcel and southern edge of each row, the first row where most can be built."""
    n = len(local)
    bounds = shapely.bounds(local)
    trial = np.tile(np.arange(n), ROW_TRIALS)
    first = np.repeat(np.arange(ROW_TRIALS) / ROW_TRIALS, n) * pitch[trial]
    height = np.nan_to_num(bounds[:, 3] - bounds[:, 1], nan=-1.0)[trial] - first - depth[trial]
    count = np.where(height >= 0, 1 + np.floor(height / pitch[trial]), 0).astype(np.int64)
    row = np.repeat(np.arange(len(trial)), count)
    nth = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    owner = trial[row]
    base = bounds[owner, 1] + first[row] + nth * pitch[owner]
    west, east = _room(local[owner], base, depth[owner])
    room = np.nan_to_num(east - west, nan=0.0)
    useful = np.where(room >= _smallest(layout), room, 0.0)
    total = np.bincount(row, useful, minlength=len(trial)).reshape(ROW_TRIALS, n)
    best = total.argmax(axis=0) * n + np.arange(n)
    chosen = np.isin(row, best)
    return owner[chosen], base[chosen]


def _smallest(layout: Layout) -> float:
    """Length of the smallest building."""
    return _fewest(layout) * layout.length[0]


def _fewest(layout: Layout) -> int:
    """Entrances of the building that still goes in where the usual ones do not."""
    return 1 + int(np.flatnonzero(layout.units)[0])


def _room(local: Geometries, base: Floats, depth: Floats) -> tuple[Floats, Floats]:
    """From where to where each row may reach: where both its long sides are in the parcel."""
    bounds = shapely.bounds(local)
    west, east = bounds[:, 0] - 1.0, bounds[:, 2] + 1.0
    rim = west, east
    for y in (base + 0.01, base + depth - 0.01):
        ends = np.stack([np.column_stack([x, y]) for x in rim], axis=1)
        chord = shapely.bounds(shapely.intersection(local, shapely.linestrings(ends)))
        west = np.maximum(west, chord[:, 0] + 0.01)
        east = np.minimum(east, chord[:, 2] - 0.01)
    return west, east


def _fill(
    west: Floats, east: Floats, layout: Layout, rng: np.random.Generator
) -> tuple[Ints, Floats, Ints, Floats]:
    """Fill rows with buildings: row, western end, entrances and length of each."""
    room = np.nan_to_num(east - west, nan=0.0)
    most = 2 + int(max(room.max(initial=0.0), 0.0) / (_smallest(layout) + layout.gap[0]))
    shape = (len(room), most)
    units = 1 + rng.choice(len(layout.units), shape, p=np.array(layout.units))
    entrance = rng.uniform(*layout.length, shape)
    gap = rng.uniform(*layout.gap, shape)
    line = np.arange(len(room))
    end = np.cumsum(units * entrance + gap, axis=1) - gap
    number = (end <= room[:, None]).sum(axis=1)
    # Where the next building is too long, its smallest kin may go in.
    units[line, number] = _fewest(layout)
    entrance[line, number] = layout.length[0]
    length = units * entrance
    end = np.cumsum(length + gap, axis=1) - gap
    number += end[line, number] <= room
    fits = np.arange(most) < number[:, None]
    used = np.where(number > 0, end[line, np.maximum(number - 1, 0)], 0.0)
    spread = np.minimum((room - used) / (number + 1), layout.gap[1])
    offset = (room - used - spread * np.maximum(number - 1, 0)) / 2
    start = west[:, None] + offset[:, None] + end - length + spread[:, None] * np.arange(most)
    rows = np.repeat(line, number)
    return rows, start[fits], units[fits], length[fits]


def _turn(polygons: Geometries, angle: Floats) -> Geometries:
    xy, row = shapely.get_coordinates(polygons, return_index=True)
    turned: Geometries = shapely.set_coordinates(polygons.copy(), _rotate(xy, angle[row]))
    return turned


def _rotate(xy: Floats, angle: Floats) -> Floats:
    cos, sin = np.cos(angle), np.sin(angle)
    x, y = xy[..., 0], xy[..., 1]
    return np.stack([cos * x - sin * y, sin * x + cos * y], axis=-1)
