"""Margins of sites: the strips between a site and the streets around it, which become the site's.

A site drawn along its fence leaves a strip up to the middle of the street. Given to a general cell,
the strip makes a ring around the site, or a tail along it.
"""

from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries, rows_of
from gridcell.coverage.noding import overlaid
from gridcell.fabric.footprints import Footprints
from gridcell.fabric.sites import SiteLand
from gridcell.work import begin, pack, unpack

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
_WINDOW = 3
"""Land is looked at as far from a site as so many widths."""
_REACH_M = 1.0
"""And so much farther, so that rounding leaves out nothing."""
_GRID_M = 1e-5
"""Precision of what GEOS fails for without one."""
_TOGETHER = 64
"""Sites of one task."""

_overlaid = partial(overlaid, grid_size=_GRID_M)


@dataclass(frozen=True, eq=False, slots=True)
class Margins:
    """Sites with their margins."""

    sites: SiteLand
    cuts: Geometries
    """Lines across the land where margins end."""


@dataclass(frozen=True, eq=False, slots=True)
class _SitesHere:
    """Some sites, and what is around them."""

    own: Geometries
    row: Ints
    """(own,) rows of these sites."""
    sites: Geometries
    lines: Geometries
    prints: Geometries
    of_print: Ints
    """(prints,) row of the site of each, -1 for none."""
    width: float


def add_margins(
    sites: SiteLand,
    prints: Footprints,
    land: Geometries,
    barriers: Geometries,
    width: float,
    *,
    executor: Executor | None = None,
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
    executor
        Its processes look at some sites each. They change nothing but the time.
    """
    own = sites.geometry
    if not len(own) or width <= 0:
        return Margins(sites, np.empty(0, dtype=object))
    lines = np.concatenate([shapely.boundary(land), barriers])
    trees = [shapely.STRtree(each) for each in (own, lines, prints.geometry)]
    begun = []
    for first in range(0, len(own), _TOGETHER):
        some = slice(first, first + _TOGETHER)
        beside, line, piece = (
            np.unique(tree.query(own[some], "dwithin", distance=_WINDOW * width + _REACH_M)[1])
            for tree in trees
        )
        here = _SitesHere(
            own[some], sites.row[some], own[beside], lines[line], prints.geometry[piece],
            sites.of_print[piece], width,
        )  # fmt: skip
        begun.append(begin(partial(_grown_here, pack(here)), executor))
    grown, cuts = zip(*(each() for each in begun), strict=True)
    return Margins(replace(sites, geometry=np.concatenate(grown)), np.concatenate(cuts))


def _grown_here(packed: object) -> tuple[Geometries, Geometries]:
    """Return sites with their margins, and where these end."""
    here: _SitesHere = unpack(packed)
    own, width = here.own, here.width
    window = shapely.buffer(own, _WINDOW * width, quad_segs=2)
    lines = _clipped(here.lines, window)
    taken = _clipped(here.sites, window)
    free = _overlaid(shapely.difference, window, taken)
    free = _overlaid(shapely.difference, free, shapely.buffer(lines, _GAP_M, quad_segs=1))
    wide = _offset(_offset(free, -width / 2), width / 2)
    near = _overlaid(shapely.intersection, free, _offset(own, width))
    narrow = _overlaid(shapely.difference, near, wide)
    strip, of = _polygons(_offset(_offset(narrow, -_HAIR_M / 2), _HAIR_M / 2))
    beside = shapely.intersection(shapely.boundary(own)[of], shapely.buffer(strip, _NEAR_M))
    kept = (shapely.length(beside) >= _TOUCH_M) & ~_built_on(strip, here.row[of], here)
    strip, of = strip[kept], of[kept]
    grown = own.copy()
    mine, group = np.unique(of, return_inverse=True)
    if len(mine):
        grown[mine] = _overlaid(shapely.union, own[mine], _union(strip, group))
    along = shapely.buffer(shapely.union(lines, shapely.boundary(taken)), 2 * _NEAR_M)
    return grown, _longer(shapely.difference(shapely.boundary(strip), along[of]))


def _offset(land: Geometries, metres: float) -> Geometries:
    """Return land with its outline moved outward, corners kept."""
    return np.asarray(shapely.buffer(land, metres, join_style="mitre", mitre_limit=2.0))


def _union(items: Geometries, owner: Ints) -> Geometries:
    return np.asarray(shapely.union_all(rows_of(items, owner), axis=1), dtype=object)


def _clipped(items: Geometries, window: Geometries) -> Geometries:
    """Return the union of what lies in each window."""
    row, item = shapely.STRtree(items).query(window, predicate="intersects")
    order = np.lexsort((item, row))
    row, item = row[order], item[order]
    out = np.full(len(window), shapely.GeometryCollection(), dtype=object)
    some, group = np.unique(row, return_inverse=True)
    if len(some):
        out[some] = _union(_overlaid(shapely.intersection, items[item], window[row]), group)
    return out


def _polygons(land: Geometries) -> tuple[Geometries, Ints]:
    """Return the polygons of each geometry, and which they are of."""
    part, of = shapely.get_parts(land, return_index=True)
    solid = shapely.get_dimensions(part) == 2
    return part[solid], of[solid]


def _built_on(strip: Geometries, site: Ints, here: _SitesHere) -> NDArray[np.bool_]:
    """Return on which strips a building stands that is not the site's."""
    at, piece = shapely.STRtree(here.prints).query(strip, predicate="intersects")
    out = np.zeros(len(strip), dtype=bool)
    out[at[here.of_print[piece] != site[at]]] = True
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
