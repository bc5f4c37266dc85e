"""Cutting many polygons at once by straight lines, with room for a street along each line."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Geometries = NDArray[np.object_]

SPECK_M2 = 1.0
"""Smaller pieces are no land."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Land:
    """Pieces of land on flat ground."""

    gross: Geometries
    """Up to the centre lines of the streets around: the pieces cover the ground."""
    net: Geometries
    """What is left beside the streets."""
    community: Ints
    block: Ints
    """Pieces of one block have no street between them; -1 before there are blocks."""
    origin: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    """Row that each piece was cut from."""

    def __len__(self) -> int:
        return len(self.gross)

    def take(self, rows: NDArray[np.bool_] | Ints | slice) -> "Land":
        """Return the chosen pieces, remembering which they were."""
        origin = np.arange(len(self))[rows]
        return Land(
            gross=self.gross[rows], net=self.net[rows], community=self.community[rows],
            block=self.block[rows], origin=origin,
        )  # fmt: skip


def join(parts: Sequence[Land]) -> Land:
    """Return all pieces in one."""
    return Land(
        gross=np.concatenate([p.gross for p in parts]),
        net=np.concatenate([p.net for p in parts]),
        community=np.concatenate([p.community for p in parts]),
        block=np.concatenate([p.block for p in parts]),
    )


def cut(
    land: Land, at: Floats, direction: Floats, setback_m: Floats
) -> tuple[Land, Land, Geometries]:
    """Return the land on either side of a line through each piece, and the lines.

    Parameters
    ----------
    land
        n pieces.
    at, direction
        (n, 2) a point of each line and its unit direction.
    setback_m
        (n,) how far the net land stays from the line.

    Returns
    -------
    left, right
        The pieces towards ``(-dy, dx)`` and away from it, in order of their origin.
    lines
        (n,) the part of each line within the gross land: lines, or collections of them.
    """
    bounds = shapely.total_bounds(land.gross)
    reach = 2.0 * float(np.hypot(bounds[2] - bounds[0], bounds[3] - bounds[1])) + 1.0
    normal = np.column_stack([-direction[:, 1], direction[:, 0]])
    lines = shapely.linestrings(np.stack([at - reach * direction, at + reach * direction], axis=1))
    sides = []
    for sign in (1.0, -1.0):
        gross = shapely.intersection(land.gross, _half(at, direction, sign * normal, reach))
        edge = at + sign * normal * setback_m[:, None]
        net = shapely.intersection(land.net, _half(edge, direction, sign * normal, reach))
        sides.append(_pieces(gross, net, land))
    return sides[0], sides[1], shapely.intersection(land.gross, lines)


def split_by(land: Land, blade: shapely.Geometry) -> tuple[Land, Land]:
    """Return the land inside and outside a polygon."""
    inside = _pieces(
        shapely.intersection(land.gross, blade), shapely.intersection(land.net, blade), land
    )
    outside = _pieces(
        shapely.difference(land.gross, blade), shapely.difference(land.net, blade), land
    )
    return inside, outside


def polygons_of(geometries: Geometries) -> tuple[Geometries, Ints]:
    """Return the polygons in the geometries and the row of each, specks left out."""
    parts, row = shapely.get_parts(geometries, return_index=True)
    parts, inner = shapely.get_parts(parts, return_index=True)
    keep = (shapely.get_type_id(parts) == shapely.GeometryType.POLYGON) & (
        shapely.area(parts) > SPECK_M2
    )
    return parts[keep], row[inner][keep]


def lines_of(geometries: Geometries) -> tuple[Geometries, Ints]:
    """Return the lines in the geometries and the row of each."""
    parts, row = shapely.get_parts(geometries, return_index=True)
    keep = (shapely.get_type_id(parts) == shapely.GeometryType.LINESTRING) & (
        shapely.length(parts) > 0
    )
    return parts[keep], row[keep]


def largest_polygons(geometries: Geometries) -> Geometries:
    """Return the largest polygon of each geometry; an empty one where there is none."""
    result = np.full(len(geometries), shapely.Polygon(), dtype=object)
    parts, row = polygons_of(geometries)
    order = np.lexsort((shapely.area(parts), row))
    result[row[order]] = parts[order]
    return result


def _half(at: Floats, direction: Floats, normal: Floats, reach: float) -> Geometries:
    a, b = at - reach * direction, at + reach * direction
    ring = np.stack([a, b, b + reach * normal, a + reach * normal], axis=1)
    return np.asarray(shapely.polygons(ring), dtype=object)


def _pieces(gross: Geometries, net: Geometries, land: Land) -> Land:
    parts, row = polygons_of(gross)
    return Land(
        gross=parts,
        net=largest_polygons(shapely.intersection(net[row], parts)),
        community=land.community[row],
        block=land.block[row],
        origin=row,
    )


def middles(shapes: Geometries) -> Floats:
    """Return (n, 2) the centroids, NaN for a shape of which nothing is left."""
    xy = np.full((len(shapes), 2), np.nan)
    there = ~shapely.is_empty(shapes)
    xy[there] = shapely.get_coordinates(shapely.centroid(shapes[there]))
    return xy
