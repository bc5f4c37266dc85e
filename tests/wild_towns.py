"""Towns as nobody plans them: every nastiness that real layers have, drawn at random.

A town is drawn in metres around 0, 0 and put somewhere on earth at last: near 0, far out, in
degrees, in feet.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from damage_bytes import Rng, pick
from numpy.typing import NDArray
from shapely import affinity

Shapes = list[shapely.Geometry]

PLACES: tuple[tuple[str, float, float, float], ...] = (
    ("EPSG:4546", 500_000, 2_560_000, 1),
    ("EPSG:4546", 500_000, 2_560_000, 1),
    ("EPSG:4525", 37_500_000, 2_560_000, 1),
    ("EPSG:32650", 450_000, 4_420_000, 1),
    ("EPSG:32756", 334_000, 6_252_000, 1),
    ("EPSG:2193", 1_570_000, 5_180_000, 1),
    ("EPSG:3035", 4_321_000, 3_210_000, 1),
    ("EPSG:3857", 12_900_000, 4_850_000, 1.3),
    ("EPSG:2263", 980_000, 200_000, 1 / 0.3048006096),
    ("+proj=tmerc +lat_0=24 +lon_0=111 +ellps=GRS80 +units=m +type=crs", 0, 0, 1),
    ("+proj=tmerc +lat_0=24 +lon_0=111 +x_0=4e7 +y_0=4e7 +ellps=GRS80 +units=m +type=crs",
     40_000_000, 40_000_000, 1),
)  # fmt: skip
"""CRS, where the town's corner is in it, and how many of its units are a metre."""
DEGREES = ("EPSG:4326", "EPSG:4490")
BANDS: tuple[tuple[str, str], ...] = (
    ("30:40:50", "8:10:14"), ("30:40:50", "8:10:14"), ("60:80:100", "15:20:25"),
    ("300:400:500", "30:40:50"), ("1:1:1", "1:1:1"), ("1:2:3", "1:1:2"), ("5:10:1000", "1:5:500"),
    ("90:120:160", "none"), ("40:40:40", "10:10:10"),
)  # fmt: skip

WAYS = (
    "across", "down", "dangling", "any", "boundary", "wall", "closed", "area", "twice", "star",
    "zigzag", "short", "parallel",
)  # fmt: skip
"""How a barrier runs."""


@dataclass(eq=False)
class WildTown:
    """The inputs of a town, as frames in one CRS, and what it is divided by."""

    communities: gpd.GeoDataFrame
    buildings: gpd.GeoDataFrame | None
    households: pd.DataFrame | None = None
    sites: gpd.GeoDataFrame | None = None
    barriers: list[gpd.GeoDataFrame] = field(default_factory=list)
    atoms: gpd.GeoDataFrame | None = None
    staff: pd.DataFrame | None = None
    rules: dict[str, Any] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    """What is nasty about it."""

    def given(self) -> dict[str, Any]:
        """Return the arguments of `gridcell.read_layers`."""
        buildings = self.buildings if self.atoms is None else None
        return {
            "communities": self.communities, "buildings": buildings, "atoms": self.atoms,
            "households": self.households, "sites": self.sites, "barriers": self.barriers,
            "staff": self.staff, "rules": self.rules,
        }  # fmt: skip

    def shuffled(self, rng: Rng) -> "WildTown":
        """Return the same town with its rows in another order."""

        def mixed(frame: Any) -> Any:
            return None if frame is None else frame.iloc[rng.permutation(len(frame))]

        return WildTown(
            mixed(self.communities), mixed(self.buildings), mixed(self.households),
            mixed(self.sites), [mixed(frame) for frame in self.barriers], mixed(self.atoms),
            mixed(self.staff), self.rules, self.told,
        )  # fmt: skip


def wild_town(rng: Rng) -> WildTown:
    """Return a town; what is nasty about it is drawn, each kind now and then."""
    wide, high = rng.uniform(120, 500, 2)
    land, told = _communities(rng, wide, high)
    houses, of = _buildings(rng, wide, high, land)
    told += of
    premises = _sites(rng, wide, high, land, houses) if rng.random() < 0.45 else []
    lines = _barriers(rng, wide, high, land, houses) if rng.random() < 0.7 else []
    places = _place_of(rng)
    told.append(places.name)
    crs = places.crs
    codes = [f"45080200{1 + k // 3:01d}{1 + k:03d}" for k in range(len(land))]
    communities = gpd.GeoDataFrame({"code": codes}, geometry=[places(g) for g in land], crs=crs)
    if rng.random() < 0.15:
        communities["n_micro"] = [int(rng.integers(1, 9)) for _ in land]
        told.append("n_micro")
    if rng.random() < 0.1:
        communities["n_small"] = [int(rng.integers(1, 4)) for _ in land]
        told.append("n_small")
    ids = [f"B{k:03d}" for k in range(len(houses))]
    buildings = gpd.GeoDataFrame({"bldg_id": ids}, geometry=[places(g) for g in houses], crs=crs)
    buildings, register, told_counts = _loads(rng, buildings)
    told.append(told_counts)
    town = WildTown(communities, buildings, register, told=told)
    if premises:
        names = [f"site {k}" for k in range(len(premises))]
        town.sites = gpd.GeoDataFrame(
            {"name": names}, geometry=[places(g) for g in premises], crs=crs
        )
    for kind in sorted({kind for kind, _ in lines}):
        own = [places(line) for what, line in lines if what == kind]
        town.barriers.append(gpd.GeoDataFrame({"kind": [kind] * len(own)}, geometry=own, crs=crs))
    small, micro = pick(rng, BANDS)
    town.rules = {"small": small, "micro": micro, "seed": int(rng.integers(5))}
    told.append(f"{small} {micro}")
    if rng.random() < 0.1:
        town.rules["sites"] = {"margin_m": float(pick(rng, [0, 5, 100]))}
    if register is None and rng.random() < 0.07:
        told.append("atoms")
        town.atoms = _atoms(rng, communities, land, places)
    if rng.random() < 0.15:
        town.staff = _staff(rng, ids, codes)
    return town


@dataclass(frozen=True)
class _Place:
    """Puts what is drawn in metres somewhere on earth."""

    name: str
    crs: str
    move: Callable[[NDArray[np.float64]], NDArray[np.float64]]

    def __call__(self, shape: shapely.Geometry) -> shapely.Geometry:
        return shapely.transform(shape, self.move)


def _place_of(rng: Rng) -> _Place:
    if rng.random() < 0.25:
        degrees = pick(rng, list(DEGREES))
        turned = pyproj.Transformer.from_crs("EPSG:4546", degrees, always_xy=True)

        def to_degrees(xy: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.column_stack(turned.transform(xy[:, 0] + 5e5, xy[:, 1] + 2.56e6))

        return _Place(degrees, degrees, to_degrees)
    crs, x, y, scale = pick(rng, list(PLACES))
    return _Place(crs, crs, lambda xy: xy * scale + np.array([x, y]))


def _communities(rng: Rng, wide: float, high: float) -> tuple[Shapes, list[str]]:
    """Return communities that cover a rectangle, some of them nasty, and what they are."""
    count = int(rng.integers(1, 6))
    whole = shapely.box(0, 0, wide, high)
    if count == 1:
        land = [whole]
    elif rng.random() < 0.5:
        points = shapely.multipoints(rng.uniform(0, 1, (count, 2)) * [wide, high])
        cells = shapely.voronoi_polygons(points, extend_to=whole)
        land = [shapely.intersection(cell, whole) for cell in shapely.get_parts(cells)]
    else:
        cuts = np.sort(rng.uniform(0, wide, count - 1))
        ends = [0.0, *cuts, wide]
        land = [shapely.box(a, 0, b, high) for a, b in itertools.pairwise(ends)]
    told: list[str] = []
    if rng.random() < 0.2:
        told.append("enclave")
        x, y = rng.uniform(0.2, 0.8, 2) * [wide, high]
        hole = shapely.Point(x, y).buffer(rng.uniform(5, 40), quad_segs=int(rng.integers(1, 6)))
        hole = hole.intersection(whole)
        land = [shapely.difference(cell, hole) for cell in land]
        if rng.random() < 0.6:
            land.append(hole)
    if rng.random() < 0.12:
        told.append("island")
        row = int(rng.integers(len(land)))
        away = shapely.box(wide + 20, 0, wide + rng.uniform(30, 90), rng.uniform(10, 80))
        land[row] = shapely.union(land[row], away)
    if rng.random() < 0.1:
        told.append("corner")
        row = int(rng.integers(len(land)))
        land[row] = shapely.union(land[row], shapely.box(wide, high, wide + 30, high + 30))
    if rng.random() < 0.08:
        told.append("spike")
        row, y = int(rng.integers(len(land))), rng.uniform(0.1, 0.9) * high
        x = land[row].bounds[2] - 0.5
        spike = shapely.Polygon([(x, y - 0.001), (x, y + 0.001), (wide + 200, y)])
        beyond = shapely.difference(spike, shapely.box(-1, -1, wide, high + 1))
        land[row] = shapely.union(land[row], beyond)
    if len(land) > 1 and rng.random() < 0.15:
        told.append("loose")
        width = float(pick(rng, [0.0005, 0.01, 0.3, 0.8]))
        row = int(rng.integers(len(land)))
        land[row] = shapely.buffer(land[row], width * pick(rng, [-0.5, 0.5]), join_style="mitre")
    if rng.random() < 0.1:
        told.append("noisy")
        land = [shapely.segmentize(cell, float(rng.uniform(5, 30))) for cell in land]
    return [cell for cell in land if not cell.is_empty and cell.area > 1], told


def _buildings(rng: Rng, wide: float, high: float, land: Shapes) -> tuple[Shapes, list[str]]:
    """Return footprints, and which nasty kinds are among them."""
    count = int(pick(rng, [0, 1, 2, 5, 10, 20, 30, 40, 60]))
    houses = [_house(rng, wide, high) for _ in range(count)]
    told = [f"{count} houses"]
    if rng.random() < 0.3:
        told.append("row")
        x, y = rng.uniform(0, 1, 2) * [wide, high]
        turn, step = rng.uniform(0, 180), rng.uniform(4, 9)
        gap = float(pick(rng, [0, 0, 0.0004, 0.01, -0.3]))
        for k in range(int(rng.integers(2, 14))):
            one = shapely.box(x + k * (step + gap), y, x + k * (step + gap) + step, y + 10)
            houses.append(affinity.rotate(one, turn, origin=(x, y)))
    for kind, share in (
        ("nested", 0.2), ("twice", 0.2), ("overlap", 0.25), ("touch", 0.2), ("tiny", 0.15),
        ("huge", 0.08), ("courtyard", 0.2), ("over boundary", 0.3), ("broken", 0.12),
        ("parts", 0.12), ("round", 0.15), ("outside", 0.15), ("thin", 0.1), ("ring", 0.06),
    ):  # fmt: skip
        if houses and rng.random() < share:
            told.append(kind)
            houses += _odd_houses(rng, kind, pick(rng, houses), land, wide, high)
    if houses and rng.random() < 0.1:
        told.append("dense")
        x, y = rng.uniform(0, 0.5, 2) * [wide, high]
        houses += [
            shapely.box(x + 8 * i, y + 8 * j, x + 8 * i + 8, y + 8 * j + 8)
            for i in range(6) for j in range(6)
        ]  # fmt: skip
    return [house for house in houses if not house.is_empty], told


def _house(rng: Rng, wide: float, high: float) -> shapely.Geometry:
    x, y = rng.uniform(0, 1, 2) * [wide, high]
    a, b = rng.uniform(3, 30, 2)
    one = shapely.box(x, y, x + a, y + b)
    if rng.random() < 0.3:
        one = shapely.union(one, shapely.box(x, y, x + b, y + a))
    return affinity.rotate(one, rng.uniform(0, 90)) if rng.random() < 0.6 else one


def _odd_houses(  # noqa: C901  one line a kind
    rng: Rng, kind: str, house: shapely.Geometry, land: Shapes, wide: float, high: float
) -> Shapes:
    x, y = house.representative_point().coords[0]
    match kind:
        case "nested":
            return [affinity.scale(house, 0.5, 0.5)]
        case "twice":
            return [house, affinity.translate(house, float(pick(rng, [0, 0.0002, 0.05])), 0)]
        case "overlap":
            return [affinity.translate(house, *rng.uniform(-8, 8, 2)) for _ in range(3)]
        case "touch":
            _, y0, x1, y1 = house.bounds
            return [shapely.box(x1, y0, x1 + 8, y1), shapely.box(x1, y1, x1 + 5, y1 + 5)]
        case "tiny":
            return [shapely.box(x + 40, y, x + 40.0 + s, y + s) for s in (0.0008, 0.02, 0.5)]
        case "huge":
            return [shapely.box(-50, -50, wide * rng.uniform(0.3, 1.2), high + 50)]
        case "courtyard":
            block = shapely.box(x, y, x + 40, y + 40)
            yard = shapely.box(x + 8, y + 8, x + 32, y + 32)
            inside = [shapely.box(x + 15, y + 15, x + 22, y + 22)] if rng.random() < 0.5 else []
            return [shapely.difference(block, yard), *inside]
        case "over boundary":
            rim = pick(rng, land).boundary
            points = rim.interpolate(rng.uniform(0, rim.length, 3))
            return [point.buffer(rng.uniform(2, 12), cap_style="square") for point in points]
        case "broken":
            return [shapely.Polygon([(x, y), (x + 20, y + 20), (x + 20, y), (x, y + 20)])]
        case "parts":
            more = affinity.translate(house, rng.uniform(1, 80), rng.uniform(1, 80))
            return [shapely.MultiPolygon([*_parts(house), *_parts(more)])]
        case "round":
            return [shapely.Point(x + 25, y).buffer(9, quad_segs=int(rng.integers(4, 60)))]
        case "outside":
            return [affinity.translate(house, wide + float(pick(rng, [0, 5, 300])), 0)]
        case "thin":
            long = rng.uniform(30, 200)
            return [affinity.rotate(shapely.box(x, y, x + long, y + 0.4), rng.uniform(0, 90))]
        case _:
            around = shapely.Point(x, y).buffer(60, quad_segs=8)
            return [shapely.difference(around, around.buffer(-6))]


def _parts(shape: shapely.Geometry) -> Shapes:
    parts = shapely.get_parts(shape)
    return [part for part in parts if part.geom_type == "Polygon" and not part.is_empty]


def _sites(rng: Rng, wide: float, high: float, land: Shapes, houses: Shapes) -> Shapes:
    """Return premises of every awkward kind."""
    x, y = rng.uniform(0, 1, 2) * [wide, high]
    whole = shapely.box(x, y, x + rng.uniform(10, 120), y + rng.uniform(10, 120))
    cell = pick(rng, land)
    odd = {
        "plain": [whole],
        "cover": [cell.buffer(float(pick(rng, [-5, 0, 5])))],
        "overlap": [whole, affinity.translate(whole, 6, 6)],
        "nest": [whole, affinity.scale(whole, 0.4, 0.4)],
        "touch": [whole, affinity.translate(whole, whole.bounds[2] - whole.bounds[0], 0)],
        "split": [shapely.box(-10, high * 0.4, wide + 10, high * 0.4 + rng.uniform(2, 30))],
        "across": [shapely.box(wide * 0.2, high * 0.2, wide * 0.8, high * 0.8)],
        "outside": [shapely.box(wide + 500, 0, wide + 550, 50)],
        "twice": [whole, whole],
        "ring": [shapely.difference(whole.buffer(20), whole)],
        "house": [pick(rng, houses).buffer(0)] if houses else [whole],
        "two parts": [shapely.union(whole, affinity.translate(whole, 200, 0))],
        "sliver": [shapely.box(x, y, x + 80, y + 0.05)],
    }
    names = list(odd)
    found = [site for _ in range(int(rng.integers(1, 4))) for site in odd[pick(rng, names)]]
    return [site for site in found if not site.is_empty]


def _barriers(  # noqa: C901  one line a kind
    rng: Rng, wide: float, high: float, land: Shapes, houses: Shapes
) -> list[tuple[str, shapely.Geometry]]:
    """Return lines and areas of every kind, wherever they run."""
    out: list[tuple[str, shapely.Geometry]] = []
    for _ in range(int(rng.integers(1, 9))):
        kind = pick(rng, ["road", "road", "road", "river", "rail", "wall"])
        x, y = rng.uniform(0, wide), rng.uniform(0, high)
        way = pick(rng, list(WAYS))
        match way:
            case "across":
                lines = [shapely.LineString([(-20, y), (wide + 20, y + rng.uniform(-30, 30))])]
            case "down":
                lines = [shapely.LineString([(x, -20), (x + rng.uniform(-30, 30), high + 20)])]
            case "dangling":
                lines = [shapely.LineString([(x, y), (wide + 10, y)])]
            case "any":
                lines = [shapely.LineString(rng.uniform(0, 1, (5, 2)) * [wide, high])]
            case "boundary":
                rim = pick(rng, land).boundary
                lines = list(shapely.get_parts(rim))
            case "wall":
                lines = [pick(rng, houses).boundary if houses else pick(rng, land).boundary]
                lines = list(shapely.get_parts(lines[0]))
            case "closed":
                lines = [shapely.Point(x, y).buffer(rng.uniform(10, 90), quad_segs=4).exterior]
            case "area":
                line = shapely.LineString([(-20, y), (wide / 2, high / 2), (wide + 20, y)])
                lines = [line.buffer(rng.uniform(1, 12), quad_segs=2)]
            case "twice":
                line = shapely.LineString([(x, 0), (x, high)])
                lines = [line, line, affinity.translate(line, float(pick(rng, [0.0003, 2])), 0)]
            case "star":
                ends = rng.uniform(-80, 80, (6, 2)) + np.array([x, y])
                lines = [shapely.LineString([(x, y), end]) for end in ends]
            case "zigzag":
                xs = np.linspace(0, wide, 30)
                lines = [shapely.LineString(np.column_stack([xs, y + rng.uniform(-6, 6, 30)]))]
            case "short":
                lines = [shapely.LineString([(x, y), (x + 0.0004, y)])]
            case _:
                lines = [shapely.LineString([(0, y + k), (wide, y + k)]) for k in (0, 1.5, 3)]
        out += [(kind, line) for line in lines if not line.is_empty]
    return out


def _loads(
    rng: Rng, buildings: gpd.GeoDataFrame
) -> tuple[gpd.GeoDataFrame, pd.DataFrame | None, str]:
    """Return the buildings with counts, a register where they have none, and how they are."""
    count = len(buildings)
    way = pick(rng, ["some", "some", "zeros", "ones", "one", "heavy", "none", "gaps", "register",
                     "points"])  # fmt: skip
    figures = {
        "some": rng.integers(0, 12, count), "zeros": np.zeros(count, dtype=np.int64),
        "ones": np.ones(count, dtype=np.int64), "one": np.zeros(count, dtype=np.int64),
        "heavy": rng.integers(0, 200, count), "gaps": rng.integers(0, 12, count),
    }  # fmt: skip
    if way in ("register", "points"):
        return buildings, _register(rng, buildings, by_point=way == "points"), way
    if way == "none":
        if rng.random() < 0.5:
            buildings = buildings.assign(floors=rng.integers(1, 8, count))
        return buildings, None, way
    if way == "one" and count:
        figures["one"][rng.integers(count)] = int(pick(rng, [1, 60, 700]))
    loads = figures[way].astype(np.float64)
    if way == "gaps" and count:
        loads[rng.random(count) < 0.3] = np.nan
    return buildings.assign(households=loads), None, way


def _register(rng: Rng, buildings: gpd.GeoDataFrame, *, by_point: bool) -> pd.DataFrame:
    rows = rng.integers(0, max(len(buildings), 1), int(rng.integers(1, 160)))
    if not len(buildings):
        rows = rows[:0]
    ids = [f"H{k:04d}" for k in range(len(rows))]
    if not by_point:
        names = buildings["bldg_id"].to_numpy(dtype=object)[rows]
        table = pd.DataFrame({"household_id": ids, "bldg_id": names})
        if rng.random() < 0.3 and len(table):
            table.loc[rng.integers(len(table)), "bldg_id"] = "no such building"
        if rng.random() < 0.3:
            table["count"] = rng.integers(1, 4, len(table))
        return table
    places = shapely.point_on_surface(buildings.geometry.make_valid().to_numpy())[rows]
    return gpd.GeoDataFrame({"household_id": ids}, geometry=places, crs=buildings.crs)


def _atoms(
    rng: Rng, communities: gpd.GeoDataFrame, land: Shapes, places: _Place
) -> gpd.GeoDataFrame:
    """Return pieces that cover the communities, with loads."""
    pieces: Shapes = []
    for cell in land:
        x0, y0, x1, y1 = cell.bounds
        grid = [
            shapely.intersection(cell, shapely.box(x, y, x + 40, y + 40))
            for x in np.arange(x0, x1, 40) for y in np.arange(y0, y1, 40)
        ]  # fmt: skip
        pieces += [part for piece in grid for part in _parts(piece)]
    loads = rng.integers(0, 12, len(pieces))
    return gpd.GeoDataFrame(
        {"atom_id": [f"a{k}" for k in range(len(pieces))], "households": loads},
        geometry=[places(piece) for piece in pieces], crs=communities.crs,
    )  # fmt: skip


def _staff(rng: Rng, ids: list[str], codes: list[str]) -> pd.DataFrame:
    count = int(rng.integers(1, 12))
    staff = pd.DataFrame({"staff_id": [f"s{k}" for k in range(count)]})
    if ids and rng.random() < 0.7:
        staff["bldg_id"] = [pick(rng, ids) for _ in range(count)]
    else:
        staff["community"] = [pick(rng, codes) for _ in range(count)]
    return staff
