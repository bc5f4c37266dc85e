"""Random inputs for property tests: coverages, exact by construction, and awkward towns."""

from typing import Any

import numpy as np
import shapely
import towns
from hypothesis import strategies as st
from numpy.typing import NDArray
from shapely import affinity
from shapely.geometry import box

from gridcell.model import Layers

Geometries = NDArray[Any]


def _points(seed: int, count: int, size: float, squeeze: float) -> NDArray[np.float64]:
    """Return points, some of them squeezed onto a line to make slivers."""
    rng = np.random.default_rng(seed)
    xy = rng.uniform(0, size, (count, 2))
    near = rng.random(count) < 0.4
    xy[near, 1] = size / 3 + (xy[near, 1] - size / 3) * squeeze
    return xy


def _triangles(xy: NDArray[np.float64], size: float) -> Geometries:
    corners = [[0, 0], [size, 0], [size, size], [0, size]]
    points = shapely.multipoints(np.vstack([xy, corners]))
    return shapely.get_parts(shapely.delaunay_triangles(points))


def _lines(xy: NDArray[np.float64], size: float) -> Geometries:
    """Return the faces between random lines across the square."""
    half = len(xy) // 2
    lines = shapely.linestrings(np.stack([xy[:half], xy[half : 2 * half]], axis=1))
    noded = shapely.union_all([*lines, box(0, 0, size, size).exterior], grid_size=size / 2**40)
    return shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))


def _merged(faces: Geometries, seed: int, groups: int) -> Geometries:
    """Return random unions of neighbouring faces, each in one piece."""
    order = np.random.default_rng(seed).permutation(len(faces))
    cells: list[Any] = []
    for rows in np.array_split(order, groups):
        if len(rows):
            cells.extend(shapely.get_parts(shapely.coverage_union_all(faces[np.sort(rows)])))
    return np.array(cells, dtype=object)


@st.composite
def coverages(draw: st.DrawFn, *, size: float = 100.0, most: int = 40) -> Geometries:
    """Return 2 or more polygons that tile a square of this size, some of them slivers.

    Delaunay triangles or the faces between lines, merged at random or not: with holes, enclaves
    and vertices at which many cells meet.
    """
    seed = draw(st.integers(0, 2**32 - 1))
    count = draw(st.integers(4, most))
    squeeze = draw(st.sampled_from([1.0, 0.1, 1e-3, 1e-6]))
    xy = _points(seed, count, size, squeeze)
    make = draw(st.sampled_from([_triangles, _lines]))
    cells = make(xy, size)
    if len(cells) > 3 and draw(st.booleans()):
        cells = _merged(cells, seed, draw(st.integers(2, max(2, len(cells) // 2))))
    return np.array(cells, dtype=object)


def _footprint(rng: np.random.Generator, size: float) -> Any:
    """Return a building, often an awkward one: bent, with a courtyard, in two parts, tiny."""
    x, y = rng.uniform(0, size, 2)
    w, h = rng.uniform(4, size / 4, 2)
    block = towns.box(x, y, x + w, y + h)
    shape = [
        block,
        block.difference(towns.box(x + 0.3 * w, y + 0.3 * h, x + 0.7 * w, y + h)),
        block.difference(towns.box(x + 0.3 * w, y + 0.3 * h, x + 0.7 * w, y + 0.7 * h)),
        shapely.union_all([block, towns.box(x + 1.5 * w, y, x + 2 * w, y + h)]),
        towns.box(x, y, x + 3 * w, y + rng.choice([0.01, 0.2, 3])),
        towns.box(x, y, x + 10 ** rng.uniform(-3, 0.3), y + 10 ** rng.uniform(-3, 0.3)),
    ][rng.integers(6)]
    return affinity.rotate(shape, rng.choice([0, rng.uniform(0, 90)]))


def _nearly(rng: np.random.Generator, shape: Any) -> Any:
    """Return what was digitised a second time."""
    by = rng.choice([0, 1e-6, 1e-5, 3e-5, 1e-3, 0.1, 1], 2) * rng.choice([-1, 1], 2)
    return affinity.translate(shape, *by)


def _solid(shape: Any) -> Any:
    """Return a valid (Multi)Polygon, as the reader hands it over, or nothing."""
    parts = shapely.get_parts(shapely.make_valid(shape))
    whole = shapely.union_all(parts[shapely.get_dimensions(parts) == 2])
    return whole if whole.area > 1e-6 else None


def _grounds(rng: np.random.Generator, size: float) -> list[Any]:
    """Return communities: one, a grid, one around another, one in two parts, one with a lake."""
    third, square = size / 3, towns.box(0, 0, size, size)
    inner = towns.box(third, third, 2 * third, 2 * third)
    flank = towns.box(third, 0, 2 * third, size)
    grid = [
        towns.box(i * third, j * third, (i + 1) * third, (j + 1) * third)
        for i in range(3)
        for j in range(3)
    ]
    around = square.difference(inner)
    return [[square], grid, [around, inner], [square.difference(flank), flank], [around]][
        rng.integers(5)
    ]


def _barrier(rng: np.random.Generator, size: float) -> Any:
    """Return a line, maybe across itself, or a roundabout."""
    points = rng.uniform(-0.1 * size, 1.1 * size, (rng.integers(2, 6), 2))
    if rng.random() < 0.2:
        return shapely.Point(towns.at(tuple(points[0]))[0]).buffer(size / 10).exterior
    return shapely.LineString(towns.at(*map(tuple, points)))


@st.composite
def awkward_towns(draw: st.DrawFn, *, given_atoms: bool = False) -> tuple[Layers, list[int]]:
    """Return the layers of a town that nobody should have drawn, and the households of its houses.

    Footprints, sites and barriers lie over each other, over boundaries and twice in one place.
    """
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size = float(draw(st.sampled_from([60, 150])))
    grounds = _grounds(rng, size)
    houses: list[Any] = []
    for _ in range(draw(st.integers(0, 30))):
        again = houses and rng.random() < 0.3
        house = _solid(_nearly(rng, rng.choice(houses)) if again else _footprint(rng, size))
        houses += [house] if house else []
    barriers: list[Any] = []
    for _ in range(draw(st.integers(0, 6))):
        again = barriers and rng.random() < 0.3
        barriers.append(_nearly(rng, rng.choice(barriers)) if again else _barrier(rng, size))
    sites: list[Any] = []
    for _ in range(draw(st.integers(0, 3))):
        model = rng.choice([*houses, *grounds, _footprint(rng, 3 * size)])
        site = _solid(_nearly(rng, model))
        sites += [site] if site else []
    atoms = None
    if given_atoms:
        side = rng.uniform(0.1, 1.5) * size
        steps = np.arange(-1, int(size / side) + 2) * side
        middle = shapely.Point(towns.CORNER)
        atoms = [
            affinity.rotate(towns.box(x, y, x + side, y + side), 11, origin=middle)
            for x in steps
            for y in steps
        ] + houses
    count = len(houses) if atoms is None else len(atoms)
    units = [None if rng.random() < 0.5 else int(rng.integers(0, 8)) for _ in houses]
    layers = towns.make_layers(
        grounds, houses, sites=sites, barriers=barriers, units=units, atoms=atoms
    )
    return layers, rng.choice([0, 1, 5, 40, 64, 300], count).tolist()
