"""What it costs to serve each place from each site: as far as that matters."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gridcell.siting.kernels import Bools, Floats, Ints, serve

_WHOLE: Final = 4_000_000
"""Entries up to which distances are kept as they are."""
_NEAR: Final = 12
"""Sites kept for a place beyond that, as a multiple of what there is for each point."""
_LEAST: Final = 64
_KEPT: Final = 15_000_000
"""Entries that are kept of sparse distances."""
_ROWS: Final = 512


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class SiteCosts:
    """Places and the sites near them, the nearest first; of equals the one with the lower row."""

    sites: int
    start: Ints
    """(places + 1,) where the entries of each place begin."""
    site: Ints
    cost: Floats
    limit: Floats
    """(places,) what a place costs that no open site of its entries serves."""
    of_site: Ints
    """(sites + 1,) where the entries of each site begin: the same the other way round."""
    place: Ints
    price: Floats

    @property
    def places(self) -> int:
        """How many."""
        return len(self.start) - 1

    def cost_of(self, is_open: Bools) -> float:
        """Return what all places cost with these sites."""
        return float(serve(self.start, self.site, self.cost, self.limit, is_open)[1].sum())

    def scaled(self, weights: Floats) -> "SiteCosts":
        """Return costs and limits times the weight of their place."""
        cost = self.cost * np.repeat(weights, np.diff(self.start))
        return make_reach(np.diff(self.start), self.site, cost, self.limit * weights, self.sites)

    def chosen(self, entries: Bools) -> "SiteCosts":
        """Return some of the entries; limits stay."""
        ends = np.concatenate([[0], np.cumsum(entries)])
        degree = ends[self.start[1:]] - ends[self.start[:-1]]
        return make_reach(degree, self.site[entries], self.cost[entries], self.limit, self.sites)

    def rows(self, rows: Ints) -> "SiteCosts":
        """Return some of the places."""
        keep = np.zeros(self.places, dtype=bool)
        keep[rows] = True
        degree = np.diff(self.start)
        entries = np.repeat(keep, degree)
        return make_reach(
            degree[keep], self.site[entries], self.cost[entries], self.limit[keep], self.sites
        )


def replace_limits(reach: SiteCosts, limit: Floats) -> SiteCosts:
    """Return the same entries with other limits."""
    return replace(reach, limit=limit)


def make_reach(degree: Ints, site: Ints, cost: Floats, limit: Floats, sites: int) -> SiteCosts:
    """Return entries that are sorted by place and cost already, both ways round."""
    start = np.concatenate([[0], np.cumsum(degree)]).astype(np.int64)
    rows = np.repeat(np.arange(len(degree)), degree)
    # Stable, so that the places of a site ascend.
    order = np.argsort(site, kind="stable")
    of_site = np.concatenate([[0], np.cumsum(np.bincount(site, minlength=sites))])
    return SiteCosts(
        sites=sites, start=start, site=site.astype(np.int64), cost=cost.astype(np.float64),
        limit=limit.astype(np.float64), of_site=of_site.astype(np.int64),
        place=rows[order].astype(np.int64), price=cost[order].astype(np.float64),
    )  # fmt: skip


def reach_of(
    distances: "NDArray[np.float64] | sparse.csr_array", *, count: int | None, far: float
) -> SiteCosts:
    """Return the metres from each place to the sites near it.

    Parameters
    ----------
    distances
        (places, sites) metres: a matrix, ``inf`` where there is no way; or sparse, where what is
        not stored is as far as `far` at least.
    count
        Points to come, where that is known: of a large matrix only the nearest sites of a place
        are kept, many times as many as there are for each point, and its limit is the next.
    far
        What counts as the distance of a place that nothing reaches, metres.
    """
    if sparse.issparse(distances):
        table = sparse.csr_array(distances)
        table.sort_indices()
        rows = np.repeat(np.arange(table.shape[0]), np.diff(table.indptr))
        kept = np.flatnonzero(np.isfinite(table.data) & (table.data < far))
        kept = kept[np.lexsort((table.indices[kept], table.data[kept], rows[kept]))]
        degree = np.bincount(rows[kept], minlength=table.shape[0])
        limit = np.full(len(degree), far)
        most = max(_LEAST, _KEPT // max(1, len(degree)))
        if len(kept) > _KEPT and degree.max() > most:
            start = np.cumsum(degree) - degree
            long = np.flatnonzero(degree > most)
            limit[long] = table.data[kept[start[long] + most]]
            place = np.arange(len(kept)) - np.repeat(start, degree)
            kept = kept[(place < most) & (table.data[kept] < limit[rows[kept]])]
            degree = np.bincount(rows[kept], minlength=len(degree))
        site = table.indices[kept].astype(np.int64)
        return make_reach(degree, site, table.data[kept], limit, table.shape[1])
    n, m = distances.shape
    most = m
    if n * m > _WHOLE and count is not None:
        most = min(m, max(_LEAST, -(-_NEAR * m // max(count, 1))))
    sites, costs, degree = [], [], np.zeros(n, dtype=np.int64)
    limit = np.full(n, far)
    for at in range(0, n, _ROWS):
        block = np.asarray(distances[at : at + _ROWS], dtype=np.float64)
        order = np.argsort(block, axis=1, kind="stable")
        ranked = np.take_along_axis(block, order, axis=1)
        if most < m:
            limit[at : at + _ROWS] = np.minimum(far, ranked[:, most])
        order, ranked = order[:, :most], ranked[:, :most]
        near = ranked < limit[at : at + _ROWS, None]
        degree[at : at + _ROWS] = near.sum(axis=1)
        sites.append(order[near])
        costs.append(ranked[near])
    return make_reach(
        degree, np.concatenate([np.empty(0, dtype=np.int64), *sites]),
        np.concatenate([np.empty(0), *costs]), limit, m,
    )  # fmt: skip
