"""Proof that no border between cells runs through a building."""

import itertools
from collections.abc import Iterator

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from gridcell.arrays import Geometries, run_starts
from gridcell.check.promises.faults import find_rows
from gridcell.coverage.units import size
from gridcell.model import Finding, place_of
from gridcell.words.messages import Message

Ints = NDArray[np.int64]

CUT_M2 = 0.01
"""A building whose outline reaches by less into another cell only touches it: borders lie on
the precision of the fabric, outlines do not."""
_GRID_M = 1e-5
"""Precision of the fabric."""
_OFF_M = 4 * _GRID_M
"""How far borders may be off an outline by the precision of the fabric: of land with kilometres of
outline that comes to more than `CUT_M2`."""
BORDER_M = 0.1
"""Parts of a building with a shorter common border only meet at a corner."""


def find_cut_buildings(
    buildings: gpd.GeoDataFrame, leaves: gpd.GeoDataFrame, *, least_m2: float = CUT_M2
) -> list[Finding]:
    """Return a finding for every building, or slab of one, that a border between leaves cuts.

    The boundary of a community may cut buildings: it is given, and what it cuts off does not count.
    Where outlines overlap, the land is one building's, and the border around that one may run
    through the others.

    Parameters
    ----------
    buildings
        ``bldg_id``, ``code`` of its leaf (NA outside all cells), polygons; one row a slab.
    leaves
        ``code``, ``community``, polygons in the same metric CRS.
    least_m2
        Smallest area in a second leaf that counts.
    """
    outline = np.asarray(buildings.geometry, dtype=object)
    land = np.asarray(leaves.geometry, dtype=object)
    own = find_rows(buildings["code"], leaves["code"])
    piece, leaf = shapely.STRtree(land).query(outline, predicate="intersects")
    community = leaves["community"].to_numpy(dtype=object)
    home = (own[piece] >= 0) & (community[own[piece]] == community[leaf])
    piece, leaf = piece[home], leaf[home]
    # Most buildings stand in one leaf only.
    several = np.bincount(piece, minlength=len(outline))[piece] > 1
    piece, leaf = piece[several], leaf[several]
    order = np.lexsort((leaf, piece))
    piece, leaf = piece[order], leaf[order]
    part = shapely.intersection(outline[piece], land[leaf])
    least = np.maximum(least_m2, _OFF_M * shapely.length(outline))
    large = shapely.area(part) > least[piece]
    piece, leaf, part = piece[large], leaf[large], part[large]
    part = _solid(part)
    names = buildings["bldg_id"].to_numpy(dtype=object)
    code = leaves["code"].to_numpy(dtype=object)
    findings = []
    for a, b in _neighbouring(piece, part):
        less, more = sorted((a, b), key=lambda i: (leaf[i] == own[piece[i]], i))
        alone = _without_others(part[less], piece[less], outline)
        if alone.area > least[piece[less]]:
            findings.append(
                Finding(
                    kind="cut_building",
                    severity="error",
                    cell=str(code[leaf[more]]),
                    community=str(community[leaf[more]]),
                    measure=float(alone.area),
                    place=place_of(alone),
                    text=Message(
                        "finding.cut_building",
                        building=names[piece[more]],
                        cell=code[leaf[more]],
                        part=size(alone.area),
                        area=outline[piece[more]].area,
                        other=code[leaf[less]],
                    ),
                )
            )
    return findings


def _solid(parts: Geometries) -> Geometries:
    """Return the parts without their slivers between an outline and a border.

    A sliver along another part would make neighbours of parts that the land keeps apart.
    """
    polygons, row = shapely.get_parts(parts, return_index=True)
    solid = shapely.area(polygons) > _OFF_M * shapely.length(polygons)
    out = np.full(len(parts), shapely.MultiPolygon(), dtype=object)
    shapely.multipolygons(polygons[solid], indices=row[solid], out=out)
    return out


def _neighbouring(piece: Ints, part: Geometries) -> Iterator[tuple[int, int]]:
    """Yield pairs of parts of one outline that have a border in common."""
    bounds = np.append(run_starts(piece), len(piece)).tolist()
    for first, last in itertools.pairwise(bounds):
        for a, b in itertools.combinations(range(first, last), 2):
            if shapely.intersection(part[a], part[b]).length > BORDER_M:
                yield a, b


def _without_others(part: BaseGeometry, piece: int, outline: Geometries) -> BaseGeometry:
    """Return a part of an outline without what other outlines cover as well."""
    near = shapely.STRtree(outline).query(part, predicate="intersects")
    others = shapely.union_all(outline[np.sort(near[near != piece])])
    # Without a grid GEOS may take nothing away where outlines nearly coincide.
    return shapely.difference(part, others, grid_size=_GRID_M)
