"""Sites fitted to whole buildings and to communities."""

from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridcell.arrays import Geometries, rows_of
from gridcell.fabric.footprints import Footprints
from gridcell.model import Finding, place_of
from gridcell.words.messages import Message

Ints = NDArray[np.int64]

_TOLD_M2 = 1.0
"""Land that is left out or claimed twice is worth a finding above this."""

_CUT_M2 = 0.01
"""A building nicked by less is not worth a finding: outlines digitised along a wall."""

_NECK_M = 1e-3
"""Two halves of a footprint that hang together by less count as torn: noding may part them."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class SiteLand:
    """Land of the sites, one polygon for each community that a site has a real part in.

    Buildings go wholly in or out, whatever the polygons say: `of_print` decides for them.
    """

    geometry: Geometries
    row: Ints
    """(n,) row of the site."""
    community: Ints
    """(n,) row of the community."""
    of_print: Ints
    """(footprints,) row of the site that each belongs to, -1 for none."""
    names: NDArray[np.object_]
    """Name of each site."""
    findings: list[Finding] = field(default_factory=list)

    def take(self, parts: Ints, prints: Ints) -> "SiteLand":
        """Return the land of some parts, beside some of the footprints; without findings."""
        return SiteLand(
            geometry=self.geometry[parts], row=self.row[parts], community=self.community[parts],
            of_print=self.of_print[prints], names=self.names,
        )  # fmt: skip

    def holding(self, point: Geometries, community: Ints, piece: Ints) -> Ints:
        """Return which of these each point of a community belongs to, or -1.

        Parameters
        ----------
        point
            (m,) points.
        community
            (m,) row of the community each lies in.
        piece
            (m,) footprint that stands there; where it is -1, the smallest site has the point.
        """
        out = np.full(len(point), -1, dtype=np.int64)
        hit, site = shapely.STRtree(self.geometry).query(point, predicate="intersects")
        keep = (self.community[site] == community[hit]) & (piece[hit] < 0)
        hit, site = hit[keep], site[keep]
        size = shapely.area(self.geometry)
        order = np.lexsort((site, size[site]))[::-1]
        out[hit[order]] = site[order]

        built = np.flatnonzero(piece >= 0)
        width = max(self.community.max(initial=0), community.max(initial=0)) + 1
        known = self.row * width + self.community
        wanted = self.of_print[piece[built]] * width + community[built]
        if len(known):
            at = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
            out[built] = np.where(known[at] == wanted, at, -1)
        return out

    def missing(self, used: Ints) -> list[Finding]:
        """Return a finding for every part that has no land: buildings outside it took all.

        Parameters
        ----------
        used
            Parts that have some, in any order.
        """
        return [
            Finding(
                kind="site_outside",
                severity="warning",
                place=place_of(self.geometry[i]),
                measure=float(shapely.area(self.geometry[i])),
                text=Message("finding.site_outside_covered", site=self.names[self.row[i]]),
            )
            for i in np.setdiff1d(np.arange(len(self.row)), used)
        ]


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
        return SiteLand(
            geometry=np.empty(0, dtype=object), row=none, community=none, names=none.astype(object),
            of_print=np.full(len(prints.geometry), -1, dtype=np.int64),
        )  # fmt: skip
    names = sites["name"].fillna(sites["site_id"]).to_numpy(dtype=object)
    codes = communities["code"].to_numpy(dtype=object)
    land = communities.geometry.to_numpy()
    whole = sites.geometry.to_numpy()
    of_print, found = _assign_footprints(whole, prints, land, names)

    parts = _parts_by_community(whole, land)
    keep = (parts.share >= min_share) & (shapely.area(parts.geometry) > 0)
    found += _parts_left(parts, ~keep, names, codes)
    parts = parts.only(keep)
    found += _not_in_one(parts, whole, names, codes)
    found += _overlaps(parts.geometry, parts.site, names)
    return SiteLand(
        geometry=parts.geometry, row=parts.site, community=parts.community, of_print=of_print,
        names=names, findings=found,
    )  # fmt: skip


@dataclass(frozen=True, eq=False, slots=True)
class _SiteParts:
    """What each site has in each community, by site, then by community."""

    site: Ints
    community: Ints
    geometry: Geometries
    share: NDArray[np.float64]
    """Of the site's area."""

    def only(self, keep: NDArray[np.bool_]) -> "_SiteParts":
        """Return some of the parts."""
        return _SiteParts(
            self.site[keep], self.community[keep], self.geometry[keep], self.share[keep]
        )


def _parts_by_community(sites: Geometries, land: Geometries) -> _SiteParts:
    site, community = shapely.STRtree(land).query(sites, predicate="intersects")
    order = np.lexsort((community, site))
    site, community = site[order], community[order]
    inside = shapely.within(sites[site], land[community])
    part = sites[site].copy()
    part[~inside] = _polygons(shapely.intersection(part[~inside], land[community[~inside]]))
    share = shapely.area(part) / shapely.area(sites[site])
    return _SiteParts(site, community, part, share)


def _parts_left(
    parts: _SiteParts,
    left: NDArray[np.bool_],
    names: NDArray[np.object_],
    codes: NDArray[np.object_],
) -> list[Finding]:
    """Return a finding for each part that makes no cell of its own, but for slivers."""
    area = shapely.area(parts.geometry)
    return [
        Finding(
            kind="site_part_left", severity="note", community=codes[parts.community[i]],
            measure=float(area[i]), place=place_of(parts.geometry[i]),
            text=Message(
                "finding.site_part_left", site=names[parts.site[i]], area=area[i],
                percent=100 * parts.share[i], community=codes[parts.community[i]],
            ),
        )
        for i in np.flatnonzero(left & (area > _TOLD_M2))
    ]  # fmt: skip


def _not_in_one(
    parts: _SiteParts,
    sites: Geometries,
    names: NDArray[np.object_],
    codes: NDArray[np.object_],
) -> list[Finding]:
    """Return a finding for each site that has a part in no community, or in several."""
    found = []
    spans = np.bincount(parts.site, minlength=len(names))
    for i in np.flatnonzero(spans != 1):
        where = tuple(codes[parts.community[parts.site == i]])
        found.append(
            Finding(
                kind="site_in_several_communities" if where else "site_outside",
                severity="note" if where else "warning",
                place=place_of(sites[i]),
                measure=float(shapely.area(sites[i])),
                text=Message(
                    "finding.site_in_several_communities", site=names[i], communities=where
                )
                if where
                else Message("finding.site_outside", site=names[i]),
            )
        )
    return found


def _solid_parts(geometry: Geometries) -> tuple[Geometries, Ints]:
    """Return the polygons in each geometry: intersections may leave lines and points."""
    parts, index = shapely.get_parts(geometry, return_index=True)
    solid = shapely.get_dimensions(parts) == 2
    return parts[solid], index[solid]


def _polygons(geometry: Geometries) -> Geometries:
    """Return the areal part of each geometry."""
    parts, index = _solid_parts(geometry)
    out = np.full(len(geometry), shapely.MultiPolygon(), dtype=object)
    if len(parts):
        owners, group = np.unique(index, return_inverse=True)
        out[owners] = shapely.multipolygons(parts, indices=group)
    return out


def _assign_footprints(
    sites: Geometries, prints: Footprints, land: Geometries, names: NDArray[np.object_]
) -> tuple[Ints, list[Finding]]:
    """Return the site of every footprint: the smallest that holds half of its building, or -1."""
    site, piece = shapely.STRtree(prints.geometry).query(sites, predicate="intersects")
    # A building is taken whole: slabs and what it is entangled with do not go different ways.
    bundle = _bundles(prints, land)
    size = np.bincount(bundle, weights=shapely.area(prints.geometry))
    inner = shapely.area(shapely.intersection(sites[site], prints.geometry[piece]))
    pair, group = np.unique(site * len(size) + bundle[piece], return_inverse=True)
    of_site, of_bundle = pair // len(size), pair % len(size)
    inner = np.bincount(group, weights=inner, minlength=len(pair))
    total = size[of_bundle]
    into = (inner > 0) & (inner * 2 >= total)
    chosen = np.full(len(size), -1, dtype=np.int64)
    order = np.lexsort((of_site, shapely.area(sites)[of_site]))[::-1]
    order = order[into[order]]
    chosen[of_bundle[order]] = of_site[order]

    found = []
    cut = (inner > _CUT_M2) & (total - inner > _CUT_M2)
    for i in np.unique(of_site[cut]):
        mine = cut & (of_site == i)
        taken = int((mine & into).sum())
        found.append(
            Finding(
                kind="site_fitted", severity="note", place=place_of(sites[i]),
                measure=float(mine.sum()),
                text=Message(
                    "finding.site_fitted", site=names[i], n=mine.sum(), taken=taken,
                    left=mine.sum() - taken,
                ),
            )
        )  # fmt: skip
    return chosen[bundle], found


def _bundles(prints: Footprints, land: Geometries) -> Ints:
    """Return a number for each footprint, alike for those that must have one owner.

    These are the pieces of one building, and a footprint that smaller ones, standing across it,
    tear into several pieces, together with these.
    """
    shape, n = prints.geometry, len(prints.geometry)
    a, b = shapely.STRtree(shape).query(shape, predicate="intersects")
    over = (prints.rank[b] < prints.rank[a]) | ((prints.rank[b] == prints.rank[a]) & (b < a))
    a, b = a[over], b[over]
    solid = shapely.area(shapely.intersection(shape[a], shape[b])) > 0
    a, b = a[solid], b[solid]
    under, group = np.unique(a, return_inverse=True)
    cover = np.asarray(shapely.union_all(rows_of(shape[b], group), axis=1), dtype=object)
    # Within a community: what its boundary parts stays apart anyway.
    row, home = shapely.STRtree(land).query(shape[under], predicate="intersects")
    part, of_part = _solid_parts(shapely.intersection(shape[under[row]], land[home]))
    row = row[of_part]
    _, of_rest = _solid_parts(shapely.difference(part, shapely.buffer(cover[row], _NECK_M)))
    torn = np.zeros(len(under), dtype=bool)
    torn[row[np.bincount(of_rest, minlength=len(part)) > 1]] = True
    a, b = a[torn[group]], b[torn[group]]
    first = np.searchsorted(prints.source, prints.source)
    tail, head = np.concatenate([a, np.arange(n)]), np.concatenate([b, first])
    graph = coo_array((np.ones(len(tail), dtype=np.int8), (tail, head)), shape=(n, n))
    return connected_components(graph, directed=False)[1].astype(np.int64)


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
            text=Message(
                "finding.sites_overlap", a=names[site[a[i]]], b=names[site[b[i]]], area=area[i]
            ),
        )
        for i in np.flatnonzero(area > _TOLD_M2)
    ]  # fmt: skip
