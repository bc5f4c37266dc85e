"""Whether the land of a community holds together once its sites are taken out."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import shapely

from gridcell.sample.cuts import Geometries

DEPTHS_M = (6.0, 9.0)
"""Land is in one piece if it is after losing so much at its rim: it has no necks of twice that.

Two depths, since land that is lost at the one may be cut off at the other.
"""
CRUMB_M2 = 200.0
"""Smaller pieces do not count where nothing can be built on them."""
PREMISES_M = 3.0
"""Nearer to the rim of a parcel nothing is built."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class BuildableLand:
    """Land of a community without its sites, eroded by each of `DEPTHS_M`."""

    cores: tuple[shapely.Geometry, ...]
    built: shapely.STRtree
    """Where buildings may stand."""

    @classmethod
    def of(cls, land: shapely.Geometry, parcels: Geometries) -> Self:
        """Return the land of a community that has these parcels."""
        return cls(
            cores=tuple(shapely.buffer(land, -depth) for depth in DEPTHS_M),
            built=shapely.STRtree(shapely.buffer(parcels, -PREMISES_M, join_style="mitre")),
        )

    def without(self, site: shapely.Geometry) -> Self:
        """Return what is left of the land beside one more site."""
        # Eroding a difference is taking the grown part away from the eroded whole.
        cores = (
            shapely.difference(core, shapely.buffer(site, depth))
            for core, depth in zip(self.cores, DEPTHS_M, strict=True)
        )
        return type(self)(cores=tuple(cores), built=self.built)

    def pieces(self) -> int:
        """Return of how many pieces the land is, crumbs aside."""
        most = 0
        for core in self.cores:
            parts = shapely.get_parts(core)
            area = shapely.area(parts)
            small = np.flatnonzero(area < CRUMB_M2)
            lived = np.unique(self.built.query(parts[small], predicate="intersects")[0])
            most = max(most, len(parts) - len(small) + len(lived))
        return most
