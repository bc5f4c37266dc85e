"""Proof that no border between cells runs through a building."""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridcell.arrays import fold
from gridcell.model import Finding, place_of

CUT_M2 = 0.01
"""A building whose outline reaches by less into another cell only touches it: borders lie on a
1 mm grid, outlines do not."""


def find_cut_buildings(
    buildings: gpd.GeoDataFrame, leaves: gpd.GeoDataFrame, *, least_m2: float = CUT_M2
) -> list[Finding]:
    """Return a finding for every building, or slab of one, that a border between leaves cuts.

    The boundary of a community may cut buildings: it is given.

    Parameters
    ----------
    buildings
        ``bldg_id``, ``code`` of its leaf (NA outside all cells), polygons; one row a slab.
    leaves
        ``code``, ``community``, polygons in the same metric CRS.
    least_m2
        Smallest area in another leaf that counts.
    """
    outline = np.asarray(buildings.geometry, dtype=object)
    land = np.asarray(leaves.geometry, dtype=object)
    own = pd.Index(leaves["code"]).get_indexer(pd.Index(buildings["code"]))
    community = leaves["community"].to_numpy(dtype=object)
    piece, leaf = shapely.STRtree(land).query(outline, predicate="intersects")
    other = (own[piece] >= 0) & (own[piece] != leaf)
    other &= community[own[piece]] == community[leaf]
    order = np.lexsort((leaf[other], piece[other]))
    piece, leaf = piece[other][order], leaf[other][order]
    both = shapely.intersection(outline[piece], land[leaf])
    area = shapely.area(both)
    cut = area > least_m2
    piece, leaf, both, area = piece[cut], leaf[cut], both[cut], area[cut]
    names = buildings["bldg_id"].to_numpy(dtype=object)
    code = leaves["code"].to_numpy(dtype=object)
    return [
        Finding(
            kind="cut_building",
            severity="error",
            cell=str(code[own[piece[i]]]),
            community=str(community[leaf[i]]),
            measure=float(area[i]),
            place=place_of(both[i]),
            message=(
                f"building {names[piece[i]]} in {code[own[piece[i]]]} reaches into {code[leaf[i]]}: "
                f"{area[i]:.3g} of {shapely.area(outline[piece[i]]):.0f} m2"
            ),
        )
        for i in fold(piece)
    ]
