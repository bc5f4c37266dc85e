"""Margins of sites: the strips between a site and the streets around it, which become the site's.

A site drawn along its fence leaves a strip up to the middle of the street. Given to a general cell,
the strip makes a ring around the site, or a tail along it.
"""

from dataclasses import dataclass, replace

import numpy as np
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries, rows_of
from gridcell.fabric.footprints import Footprints
from gridcell.fabric.sites import SiteLand

Ints = NDArray[np.int64]

_GAP_M = 2e-3
"""Land ends so far before a line."""
_NEAR_M = 0.05
"""What is nearer than this to a line runs on it."""
_HAIR_M = 0.5
"""Thinner land is no strip: it comes of lines that are not quite parallel."""
_TOUCH_M = 1.0
"""A strip has at least so much border with its site."""
_OVERSHOOT_M = 0.3
"""Cuts are drawn so far beyond the lines that they end on."""


@dataclass(frozen=True, eq=False, slots=True)
class Margins:
    """Sites with their margins."""

    sites: SiteLand
    cuts: Geometries
    """Lines across the land where margins end."""


def add_margins(
    sites: SiteLand, prints: Footprints, land: Geometries, barriers: Geometries, width: float
) -> Margins:
    """Return the sites with the open land along them that is narrower than a width.

    Narrow is what an opening by half the width (erosion, then dilation) leaves out of the land
    between the sites and the lines around. A strip with a building that is not the site's stays.

    Parameters
    ----------
    sites
        The land of sites.
    prints
        Footprints.
    land
        Communities.
    barriers
        Lines.
    width
        Metres; 0 leaves all sites as they are.
    """
    own = sites.geometry
    if not len(own) or width <= 0:
        return Margins(sites, np.empty(0, dtype=object))
    window = shapely.buffer(own, 3 * width, quad_segs=2)
    lines = _clipped(np.concatenate([shapely.boundary(land), barriers]), window)
    taken = _clipped(own, window)
    free = shapely.difference(window, taken)
    free = shapely.difference(free, shapely.buffer(lines, _GAP_M, quad_segs=1))
    wide = _offset(_offset(free, -width / 2), width / 2)
    narrow = shapely.difference(shapely.intersection(free, _offset(own, width)), wide)
    strip, of = _polygons(_offset(_offset(narrow, -_HAIR_M / 2), _HAIR_M / 2))
    beside = shapely.intersection(shapely.boundary(own)[of], shapely.buffer(strip, _NEAR_M))
    kept = (shapely.length(beside) >= _TOUCH_M) & ~_built_on(
        strip, sites.row[of], prints, sites.of_print
    )
    strip, of = strip[kept], of[kept]
    grown = own.copy()
    mine, group = np.unique(of, return_inverse=True)
    if len(mine):
        grown[mine] = shapely.union(own[mine], _union(strip, group))
    along = shapely.buffer(shapely.union(lines, shapely.boundary(taken)), 2 * _NEAR_M)
    ends = shapely.difference(shapely.boundary(strip), along[of])
    return Margins(replace(sites, geometry=grown), _longer(ends))


def _offset(land: Geometries, metres: float) -> Geometries:
    """Return land with its outline moved outward, corners kept."""
    return np.asarray(shapely.buffer(land, metres, join_style="mitre", mitre_limit=2.0))


def _union(items: Geometries, owner: Ints) -> Geometries:
    return np.asarray(shapely.union_all(rows_of(items, owner), axis=1), dtype=object)


def _clipped(items: Geometries, window: Geometries) -> Geometries:
    """Return the union of what lies in each window."""
    row, item = shapely.STRtree(items).query(window, predicate="intersects")
    out = np.full(len(window), shapely.GeometryCollection(), dtype=object)
    some, group = np.unique(row, return_inverse=True)
    if len(some):
        out[some] = _union(shapely.intersection(items[item], window[row]), group)
    return out


def _polygons(land: Geometries) -> tuple[Geometries, Ints]:
    """Return the polygons of each geometry, and which they are of."""
    part, of = shapely.get_parts(land, return_index=True)
    solid = shapely.get_dimensions(part) == 2
    return part[solid], of[solid]


def _built_on(
    strip: Geometries, site: Ints, prints: Footprints, of_print: Ints
) -> NDArray[np.bool_]:
    """Return on which strips a building stands that is not the site's."""
    at, piece = shapely.STRtree(prints.geometry).query(strip, predicate="intersects")
    out = np.zeros(len(strip), dtype=bool)
    out[at[of_print[piece] != site[at]]] = True
    return out


def _longer(lines: Geometries) -> Geometries:
    """Return each line longer at both ends."""
    lines = shapely.get_parts(shapely.line_merge(lines))
    lines = lines[shapely.length(lines) > 0]
    xy, line = shapely.get_coordinates(lines, return_index=True)
    first = np.searchsorted(line, np.arange(len(lines)))
    last = np.searchsorted(line, np.arange(len(lines)), side="right") - 1
    for end, inner in ((first, first + 1), (last, last - 1)):
        step = xy[end] - xy[inner]
        xy[end] += _OVERSHOOT_M * step / np.hypot(step[:, :1], step[:, 1:])
    return np.asarray(shapely.linestrings(xy, indices=line), dtype=object)
