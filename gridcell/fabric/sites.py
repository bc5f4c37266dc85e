"""Sites fitted to whole buildings and to communities."""

from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries
from gridcell.fabric.footprints import Footprints
from gridcell.model import Finding, place_of

Ints = NDArray[np.int64]

_CUT_M2 = 0.01
"""A building nicked by less is left alone: outlines digitised along a wall."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class SiteLand:
    """Land of the sites, one polygon for each community that a site has a real part in."""

    geometry: Geometries
    row: Ints
    """(n,) row of the site."""
    community: Ints
    """(n,) row of the community."""
    findings: list[Finding] = field(default_factory=list)

    def at(self, point: Geometries, community: Ints) -> Ints:
        """Return which of these holds each point of a community, the smallest, or -1."""
        out = np.full(len(point), -1, dtype=np.int64)
        hit, site = shapely.STRtree(self.geometry).query(point, predicate="intersects")
        keep = self.community[site] == community[hit]
        hit, site = hit[keep], site[keep]
        size = shapely.area(self.geometry)
        order = np.lexsort((site, size[site]))[::-1]
        out[hit[order]] = site[order]
        return out


def fit_sites(
    sites: gpd.GeoDataFrame | None,
    prints: Footprints,
    communities: gpd.GeoDataFrame,
    min_share: float,
) -> SiteLand:
    """Return the land of sites: whole buildings in or out, a part for each community.

    Parameters
    ----------
    sites
        ``name``, ``site_id``, polygons.
    prints
        Footprints: one that a site's outline cuts goes to the side where most of it stands.
    communities
        A site that spans several has a part in each that holds at least `min_share` of it.
    """
    if sites is None or not len(sites):
        none = np.empty(0, dtype=np.int64)
        return SiteLand(geometry=np.empty(0, dtype=object), row=none, community=none)
    names = sites["name"].fillna(sites["site_id"]).to_numpy(dtype=object)
    codes = communities["code"].to_numpy(dtype=object)
    land = communities.geometry.to_numpy()
    whole, found = _fit_to_footprints(sites.geometry.to_numpy(), prints, names)

    site, community = shapely.STRtree(land).query(whole, predicate="intersects")
    order = np.lexsort((community, site))
    site, community = site[order], community[order]
    inside = shapely.within(whole[site], land[community])
    part = whole[site].copy()
    part[~inside] = _polygons(shapely.intersection(part[~inside], land[community[~inside]]))
    share = shapely.area(part) / shapely.area(whole[site])
    keep = (share >= min_share) & (shapely.area(part) > 0)
    for i in np.flatnonzero(~keep & (shapely.area(part) > 1.0)):
        found.append(
            Finding(
                kind="site_part_left", severity="note", community=codes[community[i]],
                measure=float(shapely.area(part[i])), place=place_of(part[i]),
                message=(
                    f"site {names[site[i]]}: {shapely.area(part[i]):.0f} m2 "
                    f"({100 * share[i]:.1f} %) lie in {codes[community[i]]} and stay general land"
                ),
            )
        )  # fmt: skip
    spans = np.bincount(site[keep], minlength=len(names))
    for i in np.flatnonzero(spans != 1):
        where = ", ".join(codes[community[keep & (site == i)]]) or "no community"
        found.append(
            Finding(
                kind="site_in_several_communities" if spans[i] else "site_outside",
                severity="note" if spans[i] else "warning",
                place=place_of(whole[i]),
                measure=float(shapely.area(whole[i])),
                message=(
                    f"site {names[i]} lies in {where}: "
                    + ("one dedicated cell in each" if spans[i] else "no cell is made of it")
                ),
            )
        )
    found += _overlaps(part[keep], site[keep], names)
    return SiteLand(geometry=part[keep], row=site[keep], community=community[keep], findings=found)


def _polygons(geometry: Geometries) -> Geometries:
    """Return the areal part of each geometry: intersections may leave lines and points."""
    parts, index = shapely.get_parts(geometry, return_index=True)
    solid = shapely.get_dimensions(parts) == 2
    out = np.full(len(geometry), shapely.MultiPolygon(), dtype=object)
    if solid.any():
        owners = np.unique(index[solid])
        out[owners] = shapely.multipolygons(
            parts[solid], indices=np.searchsorted(owners, index[solid])
        )
    return out


def _fit_to_footprints(
    sites: Geometries, prints: Footprints, names: NDArray[np.object_]
) -> tuple[Geometries, list[Finding]]:
    """Return the sites with every building that their outline cuts wholly in or wholly out."""
    site, piece = shapely.STRtree(prints.geometry).query(sites, predicate="intersects")
    inner = shapely.area(shapely.intersection(sites[site], prints.geometry[piece]))
    total = shapely.area(prints.geometry[piece])
    # A source is taken whole: slabs of one building do not go different ways.
    group = np.unique(
        site * (prints.source.max(initial=0) + 1) + prints.source[piece], return_inverse=True
    )[1]
    inner = np.bincount(group, weights=inner)[group]
    total = np.bincount(group, weights=total)[group]
    cut = (inner > _CUT_M2) & (total - inner > _CUT_M2)
    out = sites.copy()
    found = []
    for i in np.unique(site[cut]):
        mine = cut & (site == i)
        into = prints.geometry[piece[mine & (inner * 2 >= total)]]
        off = prints.geometry[piece[mine & (inner * 2 < total)]]
        fitted = shapely.difference(shapely.union_all([sites[i], *into]), shapely.union_all(off))
        out[i] = _polygons(np.array([fitted], dtype=object))[0]
        found.append(
            Finding(
                kind="site_fitted", severity="note", place=place_of(sites[i]),
                measure=float(mine.sum()),
                message=(
                    f"site {names[i]}: its outline cuts {mine.sum()} buildings; "
                    f"{len(into)} were taken in whole, {len(off)} left out whole"
                ),
            )
        )  # fmt: skip
    return out, found


def _overlaps(part: Geometries, site: Ints, names: NDArray[np.object_]) -> list[Finding]:
    a, b = shapely.STRtree(part).query(part, predicate="intersects")
    pair = (a < b) & (site[a] != site[b])
    a, b = a[pair], b[pair]
    both = shapely.intersection(part[a], part[b])
    area = shapely.area(both)
    return [
        Finding(
            kind="sites_overlap", severity="warning", measure=float(area[i]),
            place=place_of(both[i]),
            message=(
                f"sites {names[site[a[i]]]} and {names[site[b[i]]]} overlap by {area[i]:.0f} m2: "
                "the smaller one has it"
            ),
        )
        for i in np.flatnonzero(area > 1.0)
    ]  # fmt: skip
