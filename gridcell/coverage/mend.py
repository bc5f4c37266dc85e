"""Geometries that are no polygons made polygons, as far as what was drawn can be told."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import GeometryType

from gridcell.arrays import Geometries

_SAME: Final = 1e-6
"""Two rings that differ by no more than this share of what they enclose are one, drawn twice."""
_KEPT: Final = 0.5
"""A polygon whose rings contradict each other and that keeps less than this share of what they
enclose may be another one than was meant."""

Mask = NDArray[np.bool_]
Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Mended:
    """Valid polygons, and which of them were none before."""

    shapes: Geometries
    """(n,) valid (Multi)Polygons in two dimensions, ``None`` where no area is left."""
    invalid: Mask
    """(n,) whether something was there that was no valid polygon."""
    doubtful: Mask
    """(n,) whether rings enclose land of which nothing, or by rings that contradict each other
    less than half, is left: people have to look."""


def mend(geometries: Geometries) -> Mended:
    """Return valid polygons that hold the land which the rings enclose.

    Vertices whose coordinates are no numbers are left out. Outlines that cross themselves are taken
    apart where they cross, spikes and lines fall away. Rings count by what lies in what, as on any
    map (even-odd), not by their order or direction: of a hole and a shell in the wrong order the
    outer one is the shell, a hole in a hole is land, a ring that is drawn twice counts once. A
    hole that crosses its shell is cut out of it, one elsewhere makes no land. The parts of a
    multipolygon are united. A valid polygon is returned as it is.

    Parameters
    ----------
    geometries
        (n,) any geometries, ``None`` included.

    Notes
    -----
    `shapely.make_valid` turns the first ring into the shell: it removes a polygon whose rings
    are in the wrong order, and makes land of a hole that lies elsewhere.

    Examples
    --------
    >>> import numpy as np, shapely
    >>> lake, outline = shapely.box(2, 1, 4, 3).exterior, shapely.box(0, 0, 8, 4).exterior
    >>> drawn = np.array([shapely.Polygon(lake, [outline])], dtype=object)
    >>> mend(drawn).shapes[0].area
    28.0
    """
    out = np.array(geometries, dtype=object)
    out[shapely.is_empty(out)] = None
    there = ~shapely.is_missing(out)
    high = shapely.has_z(out)
    out[high] = shapely.force_2d(out[high])
    xy, row = shapely.get_coordinates(out, return_index=True)
    broken = np.unique(row[~np.isfinite(xy).all(axis=1)])
    for bad in broken.tolist():
        out[bad] = _without_bad_vertices(out[bad])
    # Damaged coordinates may overflow on the way to nothing.
    with np.errstate(over="ignore", invalid="ignore"):
        invalid = ~shapely.is_missing(out) & ~(_is_area(out) & shapely.is_valid(out))
        rows = np.flatnonzero(invalid)
        doubtful = np.zeros(len(out), dtype=bool)
        out[rows], doubtful[rows] = _mended(out[rows])
    invalid[broken] = there[broken]
    return Mended(shapes=out, invalid=invalid, doubtful=doubtful)


def polygons_of(geometries: Geometries) -> Geometries:
    """Return the polygons in each geometry as one (Multi)Polygon, ``None`` where there are none."""
    parts, row = shapely.get_parts(geometries, return_index=True)
    parts, again = shapely.get_parts(parts, return_index=True)
    area = (shapely.get_type_id(parts) == GeometryType.POLYGON) & ~shapely.is_empty(parts)
    return _united(parts[area], row[again][area], len(geometries))


def _is_area(geometries: Geometries) -> Mask:
    kind = shapely.get_type_id(geometries)
    return np.asarray((kind == GeometryType.POLYGON) | (kind == GeometryType.MULTIPOLYGON))


def _mended(geometries: Geometries) -> tuple[Geometries, Mask]:
    """Return what the rings of each geometry enclose, and whether that is doubtful."""
    parts, row = shapely.get_parts(geometries, return_index=True)
    parts, again = shapely.get_parts(parts, return_index=True)
    row = row[again]
    area = (shapely.get_type_id(parts) == GeometryType.POLYGON) & ~shapely.is_empty(parts)
    parts, row = parts[area], row[area]
    shells = _enclosed(shapely.get_exterior_ring(parts))
    holes = shapely.get_num_interior_rings(parts) > 0
    land, enclosed, contradict = shells.copy(), shells.copy(), np.zeros(len(parts), dtype=bool)
    for part in np.flatnonzero(holes).tolist():
        rings = _enclosed(shapely.get_rings(parts[part]))
        land[part], enclosed[part], contradict[part] = _even_odd(rings)
    left, drawn = (np.nan_to_num(shapely.area(some)) for some in (land, enclosed))
    few = np.where(contradict, left < _KEPT * drawn, (left == 0) & (drawn > 0))
    doubtful = np.zeros(len(geometries), dtype=bool)
    doubtful[row[few]] = True
    some = ~shapely.is_missing(land)
    return _united(land[some], row[some], len(geometries)), doubtful


def _enclosed(rings: Geometries) -> Geometries:
    """Return what each ring encloses, ``None`` where that has no area."""
    closed = np.asarray(shapely.polygons(rings), dtype=object)
    out = polygons_of(shapely.make_valid(closed, method="structure", keep_collapsed=False))
    # An outline that is drawn there and back winds around nothing.
    flat = np.flatnonzero(shapely.is_missing(out))
    out[flat] = polygons_of(shapely.make_valid(closed[flat]))
    return out


def _even_odd(rings: Geometries) -> tuple[shapely.Geometry | None, shapely.Geometry | None, bool]:
    """Return the land between rings, what the outermost encloses, and whether they contradict.

    Parameters
    ----------
    rings
        What each ring encloses; the first was drawn as the shell.
    """
    known = np.flatnonzero(~shapely.is_missing(rings))
    own_shell = len(known) > 0 and known[0] == 0
    rings = rings[known]
    once = _drawn_once(rings)
    twice = len(once) < len(rings)
    rings = rings[once]
    if not len(rings):
        return None, None, False
    inner, outer = shapely.STRtree(rings).query(rings, predicate="covered_by")
    inner, outer = inner[inner != outer], outer[inner != outer]
    around = outer[inner == 0]
    outline = int(around[np.argmax(shapely.area(rings[around]))]) if len(around) else 0
    depth = np.bincount(inner, minlength=len(rings))
    held = np.zeros(len(rings), dtype=bool)
    held[inner[outer == outline]] = True
    astray = ~held
    astray[outline] = False
    depth[astray] = 1
    depth[outline] = 0
    land = rings[outline]
    for level in range(1, int(depth.max()) + 1):
        change = shapely.union_all(rings[depth == level])
        combine = shapely.difference if level % 2 else shapely.union
        land = combine(land, change)
    contradict = twice or outline != 0 or not own_shell or bool(astray.any())
    return polygons_of(np.array([land], dtype=object))[0], rings[outline], contradict


def _drawn_once(rings: Geometries) -> Rows:
    """Return the rows of the rings, the first of those that are the same but for a trifle."""
    area = shapely.area(rings)
    one, two = shapely.STRtree(rings).query(rings, predicate="intersects")
    alike = (one < two) & (np.abs(area[one] - area[two]) <= _SAME * area[one])
    one, two = one[alike], two[alike]
    apart = shapely.area(shapely.symmetric_difference(rings[one], rings[two]))
    again = np.zeros(len(rings), dtype=bool)
    again[two[apart <= _SAME * area[one]]] = True
    return np.flatnonzero(~again)


def _united(parts: Geometries, row: Rows, count: int) -> Geometries:
    """Return the union of the parts of each row, ``None`` for rows without one."""
    out = np.full(count, None, dtype=object)
    if not len(parts):
        return out
    size = np.bincount(row, minlength=count)
    single = size[row] == 1
    out[row[single]] = parts[single]
    groups = np.full(count, None, dtype=object)
    if not single.all():
        shapely.geometrycollections(parts[~single], indices=row[~single], out=groups)
    for several in np.flatnonzero(size > 1).tolist():
        out[several] = shapely.union_all(shapely.get_parts(groups[several]))
    return out


def _without_bad_vertices(geometry: shapely.Geometry) -> shapely.Geometry | None:
    polygons = []
    for part in shapely.get_parts(shapely.get_parts(geometry)):
        if shapely.get_type_id(part) != GeometryType.POLYGON:
            continue
        rings = [shapely.get_coordinates(ring) for ring in shapely.get_rings(part)]
        rings = [ring[np.isfinite(ring).all(axis=1)] for ring in rings]
        if len(rings[0]) >= 3:
            polygons.append(shapely.Polygon(rings[0], [r for r in rings[1:] if len(r) >= 3]))
    return shapely.MultiPolygon(polygons) if polygons else None
