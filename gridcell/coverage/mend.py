"""Geometries that are no polygons made polygons, as far as what was drawn can be told."""

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import GeometryType

from gridcell.arrays import Geometries
from gridcell.coverage.dissolve import dissolve


def mend(geometries: Geometries) -> Geometries:
    """Return valid (Multi)Polygons in two dimensions, ``None`` where no area is left.

    Vertices whose coordinates are no numbers are left out; outlines that cross themselves are
    taken apart where they cross (structure method of `shapely.make_valid`); spikes and lines fall
    away. A geometry that is a valid polygon is returned as it is.
    """
    out = np.array(geometries, dtype=object)
    out[shapely.is_empty(out)] = None
    flat = shapely.has_z(out)
    out[flat] = shapely.force_2d(out[flat])
    xy, row = shapely.get_coordinates(out, return_index=True)
    for bad in np.unique(row[~np.isfinite(xy).all(axis=1)]):
        out[bad] = _without_bad_vertices(out[bad])
    crooked = np.flatnonzero(~shapely.is_missing(out) & ~(_is_area(out) & shapely.is_valid(out)))
    if len(crooked):
        mended = shapely.make_valid(out[crooked], method="structure", keep_collapsed=False)
        out[crooked] = _areas(mended)
    return out


def _is_area(geometries: Geometries) -> NDArray[np.bool_]:
    kind = shapely.get_type_id(geometries)
    return np.asarray((kind == GeometryType.POLYGON) | (kind == GeometryType.MULTIPOLYGON))


def _areas(geometries: Geometries) -> Geometries:
    """Return the polygons in each geometry, as one."""
    parts, row = shapely.get_parts(geometries, return_index=True)
    parts, again = shapely.get_parts(parts, return_index=True)
    area = shapely.get_type_id(parts) == GeometryType.POLYGON
    area &= ~shapely.is_empty(parts)
    return dissolve(parts[area], row[again][area], len(geometries))


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
