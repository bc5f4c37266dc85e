"""Geometries as no reader should have to expect them: broken, empty, endless, of any kind."""

import math

import geopandas as gpd
import numpy as np
import shapely
from damage_bytes import DOUBLES, Rng, pick
from shapely import affinity
from small_files import CRS, X, Y

SHAPES = (
    "square", "square", "square", "bowtie", "twisted", "holes", "hole_outside", "hole_touching",
    "hole_twice", "nested", "spike", "flat", "repeated", "empty", "none", "collection", "point",
    "line", "ring", "tiny", "huge", "far", "not_finite", "z", "zm", "comb", "crossing_parts",
    "empty_part", "multi_empty", "deep", "star", "denormal", "big",
)  # fmt: skip


def nasty_geometry(  # noqa: C901  one line a shape
    name: str, rng: Rng, x: float, y: float
) -> shapely.Geometry | None:
    """Return a geometry of a name in `SHAPES` near a corner, about 100 m wide."""
    box = shapely.box(x, y, x + 100, y + 100)
    around = rng.uniform(0, 100, (int(rng.integers(4, 40)), 2)) + np.array([x, y])
    inner = [(x + a, y + b) for a, b in ((20, 20), (20, 60), (60, 60), (60, 20))]
    with np.errstate(all="ignore"):
        match name:
            case "bowtie":
                return shapely.Polygon([(x, y), (x + 100, y + 100), (x + 100, y), (x, y + 100)])
            case "twisted":
                return shapely.Polygon(around)
            case "holes":
                return shapely.Polygon(box.exterior.coords, [inner])
            case "hole_outside":
                return shapely.Polygon(box.exterior.coords, [[(a + 300, b) for a, b in inner]])
            case "hole_touching":
                return shapely.Polygon(box.exterior.coords, [[(x, y + 50), *inner[1:]]])
            case "hole_twice":
                return shapely.Polygon(box.exterior.coords, [inner, inner])
            case "nested":
                return shapely.MultiPolygon([box, shapely.Polygon(inner)])
            case "spike":
                spike = [(x, y), (x + 100, y), (x + 500, y), (x + 100, y), (x, y + 100)]
                return shapely.Polygon(spike)
            case "flat":
                return shapely.Polygon([(x, y), (x + 50, y), (x + 100, y), (x, y)])
            case "repeated":
                return shapely.Polygon(np.repeat(shapely.get_coordinates(box), 3, axis=0))
            case "empty":
                return pick(rng, [shapely.Polygon(), shapely.MultiPolygon(), shapely.Point(),
                                  shapely.LineString(), shapely.GeometryCollection()])  # fmt: skip
            case "none":
                return None
            case "collection":
                some = [box, shapely.Point(x, y), shapely.LineString(around)]
                return shapely.GeometryCollection(some[: int(rng.integers(1, 4))])
            case "point":
                return pick(rng, [shapely.Point(x, y), shapely.MultiPoint(around)])
            case "line":
                return pick(rng, [shapely.LineString(around),
                                  shapely.MultiLineString([around, around])])  # fmt: skip
            case "ring":
                return shapely.LinearRing(around)
            case "tiny":
                return affinity.scale(box, 1e-9, 1e-9)
            case "huge":
                return affinity.scale(box, 1e300, pick(rng, [1, 1e300]))
            case "far":
                return affinity.translate(box, pick(rng, [1e7, 1e12, 1e200]), 0)
            case "not_finite":
                xy = shapely.get_coordinates(box)
                # The first and last vertex stay: a ring has to close.
                xy[int(rng.integers(1, 4)), int(rng.integers(2))] = pick(rng, DOUBLES[:3])
                return shapely.polygons(xy)
            case "z":
                return shapely.force_3d(box, pick(rng, DOUBLES[1:]))
            case "zm":
                wkt = "POLYGON ZM ((0 0 1 2, 9 0 nan 2, 9 9 inf 2, 0 9 1 2, 0 0 1 2))"
                return affinity.translate(shapely.from_wkt(wkt), x, y)
            case "comb":
                teeth = np.arange(0, 100, 0.5)
                top = np.where(np.arange(len(teeth)) % 2, 100.0, 1.0)
                comb = np.column_stack([x + teeth, y + top])
                return shapely.Polygon([(x, y), *comb, (x + 100, y)])
            case "crossing_parts":
                return shapely.MultiPolygon([box, affinity.translate(box, 50, 50)])
            case "empty_part":
                return shapely.MultiPolygon([box, shapely.Polygon()])
            case "multi_empty":
                return shapely.MultiPolygon([shapely.Polygon(), shapely.Polygon()])
            case "deep":
                deep: shapely.Geometry = box
                for _ in range(50):
                    deep = shapely.GeometryCollection([deep])
                return deep
            case "star":
                turn = np.linspace(0, 2 * math.pi * 7, 5000, endpoint=False)
                return shapely.Polygon(
                    np.column_stack([x + 50 + 50 * np.cos(turn), y + 50 + 50 * np.sin(turn * 1.1)])
                )
            case "big":
                return big_ring(pick(rng, [1000, 100_000]), x, y)
            case "denormal":
                return shapely.box(x, y, x + 100, math.nextafter(y, math.inf))
    return box


def big_ring(vertices: int, x: float = X, y: float = Y) -> shapely.Polygon:
    """Return a valid ring of so many vertices, about 1 km wide."""
    turn = np.linspace(0, 2 * math.pi, vertices, endpoint=False)
    radius = 500 + 5 * np.sin(997 * turn)
    return shapely.Polygon(
        np.column_stack([x + 500 + radius * np.cos(turn), y + 500 + radius * np.sin(turn)])
    )


def nasty_frame(rng: Rng) -> gpd.GeoDataFrame:
    """Return a frame of up to a dozen cells on a grid, some of them nasty."""
    count = int(rng.integers(0, 13))
    share = pick(rng, [0.1, 0.3, 1.0])
    scale = pick(rng, [100.0, 100.0, 100.0, 90.0, 99.9995])
    values = []
    for i in range(count):
        name = pick(rng, SHAPES) if rng.random() < share else "square"
        corner = X + scale * (i % 4), Y + scale * (i // 4)
        shape = nasty_geometry(name, rng, *corner)
        if shape is not None and rng.random() < 0.1:
            with np.errstate(all="ignore"):
                noise = pick(rng, [1e-9, 1e-4, 0.01, 3.0, 1e5])
                # The same for the same vertex, or rings would not close.
                shape = shapely.transform(shape, lambda xy: xy + noise * np.sin(997 * xy[:, ::-1]))  # noqa: B023
        values.append(shape)
    if values and rng.random() < 0.1:
        values += values[: int(rng.integers(1, 3))]
    data = {
        "code": [pick(rng, ["a1", "A", None, "450802001001", f"c{i}"])
                 if rng.random() < 0.1 else f"45080200{i:04d}" for i in range(len(values))],
        "households": [pick(rng, [0, 1, 30, None]) for _ in values],
        "floors": [6.0 for _ in values],
    }  # fmt: skip
    crs = pick(rng, [CRS, CRS, CRS, "EPSG:4326", None, "EPSG:3857", "EPSG:4978", "EPSG:2263"])
    frame = gpd.GeoDataFrame(data, geometry=np.array(values, dtype=object), crs=crs)
    if rng.random() < 0.2 and count:
        frame.index = pick(
            rng, [frame.index[::-1], [0] * len(frame), [f"r{i}" for i in frame.index]]
        )
    return frame


def rough_coverage(rng: Rng) -> list[shapely.Geometry]:
    """Return valid polygons on a grid whose borders nearly meet, for the fitting of communities."""
    shift = pick(rng, [0.0, 1e-7, 1e-4, 0.2, 0.9, 3.0])
    far = pick(rng, [0.0, 0.0, 1e7])
    size = pick(rng, [100.0, 100.0, 3.0, 1e6])
    out = []
    for i in range(int(rng.integers(1, 10))):
        corners = np.array([(0, 0), (1, 0), (1, 0.5), (1, 1), (0.5, 1), (0, 1)]) * size
        corners += np.array([far + X + size * (i % 3), Y + size * (i // 3)])
        shape = shapely.Polygon(corners + rng.uniform(-shift, shift, corners.shape))
        if rng.random() < 0.2 and shapely.is_valid(shape):
            shape = shapely.difference(shape, shapely.centroid(shape).buffer(size / 5))
        if rng.random() < 0.1 and shapely.is_valid(shape):
            shape = shapely.union_all([shape, affinity.translate(shape, 20 * size)])
        if rng.random() < 0.05 and size == 100.0:
            shape = big_ring(pick(rng, [1000, 20_000]), X, Y)
        if shapely.is_valid(shape) and shapely.area(shape) >= 1.0:
            out.append(shape)
    return out
