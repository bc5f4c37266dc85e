"""Footprints: what stands on the land and is never cut, but between slabs."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries, apportion, run_starts, spread
from gridcell.model import Finding, place_of

TOWER = 1.6
"""A footprint less than so many times as long as it is wide is a tower."""
_TWO_ROWS = 4
"""Slabs from which on a tower is cut into two rows."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Footprints:
    """Connected pieces of land that stay whole: parts and slabs of buildings, or given atoms."""

    geometry: Geometries
    """(pieces,) Polygon."""
    source: NDArray[np.int64]
    """(pieces,) row of the building or given atom."""
    slab: NDArray[np.int64]
    """(pieces,) number among the pieces of the source."""
    slabs: NDArray[np.bool_]
    """(pieces,) whether the source was cut because it holds too many households."""
    households: NDArray[np.int64]
    """(pieces,)"""
    home: NDArray[np.int64]
    """(pieces,) row of the community in which most of the piece stands, -1 outside all of them."""
    rank: NDArray[np.float64]
    """(pieces,) area of the source, m2: where sources overlap, the smaller one has the land."""


def make_footprints(
    geometry: Geometries,
    households: NDArray[np.int64],
    communities: gpd.GeoDataFrame,
    slab_band: NDArray[np.float64],
    *,
    units: NDArray[np.int64] | None = None,
) -> Footprints:
    """Return the pieces of buildings (or given atoms) in their order.

    Parameters
    ----------
    geometry
        (n,) valid Polygon or MultiPolygon, plan CRS.
    households
        (n,) households of each; shared among its pieces by area, to the unit.
    communities
        Their ``geometry``, fitting together.
    slab_band
        (communities, 2) fewest and most households of a micro cell: what holds more than the most
        is cut into slabs. ``inf`` for no slabs.
    units
        (n,) entrances, 0 where unknown: slabs end between entrances where they can.
    """
    part, source = shapely.get_parts(geometry, return_index=True)
    part_households = apportion(households, source, shapely.area(part))
    home = locate_polygons(part, communities.geometry.to_numpy())
    limit = np.where(home >= 0, slab_band[home, 1], np.inf)
    oversize = part_households > limit
    pieces, of_part, share = part, np.arange(len(part)), np.ones(len(part))
    cut = np.flatnonzero(oversize)
    if len(cut):
        entrances = None if units is None else units[source[cut]]
        count = slab_count(part_households[cut], slab_band[home[cut]], entrances)
        if entrances is not None:
            # Not where the slab with one entrance more would be too large.
            most = np.ceil(entrances / count) / np.maximum(entrances, 1) * part_households[cut]
            entrances = np.where(most <= limit[cut], entrances, 0)
        slabs, of_cut, of_slab = cut_slabs(part[cut], count, units=entrances)
        pieces = np.concatenate([part[~oversize], slabs])
        of_part = np.concatenate([np.flatnonzero(~oversize), cut[of_cut]])
        share = np.concatenate([np.ones((~oversize).sum()), of_slab])
        order = np.argsort(of_part, kind="stable")
        pieces, of_part, share = pieces[order], of_part[order], share[order]
    first = np.searchsorted(source[of_part], source[of_part])
    return Footprints(
        geometry=pieces,
        source=source[of_part],
        slab=np.arange(len(pieces)) - first,
        slabs=oversize[of_part],
        households=apportion(part_households, of_part, share),
        home=home[of_part],
        rank=shapely.area(geometry)[source[of_part]],
    )


def cut_slabs(
    geometry: Geometries, count: NDArray[np.int64], *, units: NDArray[np.int64] | None = None
) -> tuple[Geometries, NDArray[np.int64], NDArray[np.float64]]:
    """Return footprints cut across their long axis; towers along it as well.

    A tower, nearly square, is cut into two rows: single slabs across it would be thin, and the land
    before them mere fingers.

    Parameters
    ----------
    geometry
        (n,) Polygon.
    count
        (n,) number of slabs wanted, at least 2.
    units
        (n,) entrances along the axis, 0 where unknown. Where there are at least as many as slabs,
        cuts lie between entrances.

    Returns
    -------
    pieces, index, share
        Polygons in order of footprint, then along the axis from west to east; the footprint of
        each, and its share of it: equal for slabs, or by entrances. A slab of a bent building may
        be several pieces, which have its share by area.
    """
    corners = shapely.get_coordinates(shapely.oriented_envelope(geometry)).reshape(-1, 5, 2)
    side = np.hypot(*np.moveaxis(corners[:, 1:3] - corners[:, 0:2], 2, 0))
    turn = side[:, 0] < side[:, 1]
    corners = np.where(turn[:, None, None], corners[:, [1, 2, 3, 0, 1]], corners)
    # From a, along the long axis, to b; the opposite side from d to c.
    a, b, c, d = (corners[:, i] for i in range(4))
    west = (a[:, 0] < b[:, 0]) | ((a[:, 0] == b[:, 0]) & (a[:, 1] < b[:, 1]))
    a, b = np.where(west[:, None], a, b), np.where(west[:, None], b, a)
    d, c = np.where(west[:, None], d, c), np.where(west[:, None], c, d)

    owner, number = spread(count)
    by_unit = np.zeros(len(count), dtype=bool) if units is None else units >= count
    tower = (side.max(axis=1) < TOWER * side.min(axis=1)) & (count >= _TWO_ROWS) & ~by_unit
    # Columns of one slab, of towers two; the last column of an odd number is one slab.
    depth = np.where(tower, 2, 1)[owner]
    first = number // depth * depth
    last = np.minimum(first + depth, count[owner])
    lower, upper = first / count[owner], last / count[owner]
    share = 1 / count[owner]
    if units is not None:
        steps, at_entrance = np.maximum(units, 1)[owner], by_unit[owner]
        lower = np.where(at_entrance, np.round(lower * steps) / steps, lower)
        upper = np.where(at_entrance, np.round(upper * steps) / steps, upper)
        share = np.where(at_entrance, upper - lower, share)
    # The outermost strips reach beyond the envelope, so that rounding leaves nothing behind.
    lower = np.where(first == 0, -0.01, lower)[:, None]
    upper = np.where(last == count[owner], 1.01, upper)[:, None]
    halved = last - first == 2
    near = np.where(halved & (number > first), 0.5, -0.01)[:, None]
    far = np.where(halved & (number == first), 0.5, 1.01)[:, None]
    across = (d - a)[owner]
    near_a, near_d = a[owner] + near * across, a[owner] + far * across
    along = (b - a)[owner]
    ring = np.stack(
        [near_a + lower * along, near_a + upper * along,
         near_d + upper * along, near_d + lower * along], axis=1,
    )  # fmt: skip
    strips = shapely.intersection(geometry[owner], shapely.polygons(ring))
    pieces, of_strip = shapely.get_parts(strips, return_index=True)
    solid = (shapely.get_dimensions(pieces) == 2) & (shapely.area(pieces) > 0)
    pieces, of_strip = pieces[solid], of_strip[solid]
    area = shapely.area(pieces)
    whole = np.bincount(of_strip, weights=area, minlength=len(owner))
    return pieces, owner[of_strip], share[of_strip] * area / whole[of_strip]


def locate_polygons(geometry: Geometries, land: Geometries) -> NDArray[np.int64]:
    """Return for each polygon the row of `land` that holds most of it, -1 where none does."""
    home = np.full(len(geometry), -1, dtype=np.int64)
    tree = shapely.STRtree(land)
    inside, row = tree.query(geometry, predicate="within")
    home[inside[::-1]] = row[::-1]
    rest = np.flatnonzero(home < 0)
    piece, row = tree.query(geometry[rest], predicate="intersects")
    share = shapely.area(shapely.intersection(geometry[rest[piece]], land[row]))
    keep = share > 0
    piece, row, share = piece[keep], row[keep], share[keep]
    order = np.lexsort((row, -share, piece))
    first = run_starts(piece[order])
    home[rest[piece[order][first]]] = row[order][first]
    return home


def boundary_findings(
    geometry: Geometries, names: NDArray[np.object_], communities: gpd.GeoDataFrame
) -> list[Finding]:
    """Return a finding for every building that a community boundary cuts by more than 1 m2."""
    land = communities.geometry.to_numpy()
    tree = shapely.STRtree(shapely.boundary(land))
    crossing = np.unique(tree.query(geometry, predicate="intersects")[0])
    piece, row = shapely.STRtree(land).query(geometry[crossing], predicate="intersects")
    area = shapely.area(shapely.intersection(geometry[crossing[piece]], land[row]))
    total = shapely.area(geometry[crossing])
    inside = np.bincount(piece, weights=area, minlength=len(crossing))
    largest = np.zeros(len(crossing))
    np.maximum.at(largest, piece, area)
    codes = communities["code"].to_numpy(dtype=object)
    home = locate_polygons(geometry[crossing], land)
    return [
        Finding(
            kind="building_on_boundary",
            severity="note",
            community=codes[home[i]],
            measure=float(total[i] - largest[i]),
            place=place_of(geometry[crossing[i]]),
            message=(
                f"building {names[crossing[i]]} crosses the boundary of {codes[home[i]]}: "
                f"{total[i] - largest[i]:.0f} of {total[i]:.0f} m2 stand beyond it; "
                "it counts where most of it stands"
            ),
        )
        for i in np.flatnonzero((total - largest > 1.0) & (inside > 0))
    ]


def slab_count(
    households: NDArray[np.int64], band: NDArray[np.float64], units: NDArray[np.int64] | None
) -> NDArray[np.int64]:
    """Return into how many slabs oversize footprints are cut.

    The fewest slabs between entrances that are each in the band, else the fewest equal ones. Where
    no number gives that (a building of 45 where 26 to 44 are allowed) the slabs are about half a
    cell, or single entrances, so that some of them can join what stands beside.

    Parameters
    ----------
    households
        (n,) more than the most of the band.
    band
        (n, 2) fewest and most households of a micro cell.
    units
        (n,) entrances, 0 where unknown.
    """
    low, most = np.ceil(band[:, 0] - 1e-9), np.maximum(np.floor(band[:, 1] + 1e-9), 1)
    fewest = np.ceil(households / most)
    fits = households / fewest >= low
    half = np.maximum(np.ceil(households / (band.sum(axis=1) / 4)), fewest)
    count = np.where(fits, fewest, half)
    if units is not None:
        entrances = np.minimum(units, households)[:, None]
        each = np.minimum(np.arange(1, entrances.max(initial=1) + 1), np.maximum(entrances, 1))
        per = (households / np.maximum(entrances[:, 0], 1))[:, None]
        good = (
            (np.ceil(entrances / each) * per <= most[:, None])
            & (np.floor(entrances / each) * per >= low[:, None])
            & (each >= fewest[:, None])
            & (entrances > 0)
        )
        single = np.where(units >= fewest, np.minimum(units, half), half)
        count = np.where(fits, fewest, single)
        count = np.where(good.any(axis=1), good.argmax(axis=1) + 1, count)
    return count.astype(np.int64)
