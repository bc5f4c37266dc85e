"""Footprints: what stands on the land and is never cut, but between slabs."""

from dataclasses import dataclass, fields

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries, apportion
from gridcell.coverage.holders import find_holders
from gridcell.fabric.slabs import cut_slabs, slab_count
from gridcell.model import Finding, place_of
from gridcell.words.messages import Message
from gridcell.workload import GRAIN, share_loads


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

    def take(self, rows: NDArray[np.int64]) -> "Footprints":
        """Return some of the pieces."""
        return Footprints(**{each.name: getattr(self, each.name)[rows] for each in fields(self)})


def make_footprints(
    geometry: Geometries,
    households: NDArray[np.int64],
    communities: gpd.GeoDataFrame,
    slab_band: NDArray[np.float64],
    *,
    units: NDArray[np.int64] | None = None,
    load: NDArray[np.float64] | None = None,
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
    load
        (n,) what the band counts in place of households.
    """
    part, source = shapely.get_parts(geometry, return_index=True)
    part_households = apportion(households, source, shapely.area(part))
    part_load: NDArray[np.int64] | NDArray[np.float64] = part_households
    if load is not None:
        part_load = share_loads(load, source, shapely.area(part))
    home = find_holders(part, communities.geometry.to_numpy())
    limit = np.where(home >= 0, slab_band[home, 1], np.inf)
    oversize = part_load > limit
    pieces, of_part, share = part, np.arange(len(part)), np.ones(len(part))
    cut = np.flatnonzero(oversize)
    if len(cut):
        entrances = None if units is None else units[source[cut]]
        count = slab_count(
            part_load[cut], slab_band[home[cut]], entrances, grain=1.0 if load is None else GRAIN
        )
        if entrances is not None:
            # Not where the slab with one entrance more would be too large.
            most = np.ceil(entrances / count) / np.maximum(entrances, 1) * part_load[cut]
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
    home = find_holders(geometry[crossing], land)
    return [
        Finding(
            kind="building_on_boundary",
            severity="note",
            community=codes[home[i]],
            measure=float(total[i] - largest[i]),
            place=place_of(geometry[crossing[i]]),
            text=Message(
                "finding.building_on_boundary",
                building=names[crossing[i]],
                community=codes[home[i]],
                beyond=total[i] - largest[i],
                area=total[i],
            ),
        )
        for i in np.flatnonzero((total - largest > 1.0) & (inside > 0))
    ]
