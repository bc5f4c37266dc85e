"""An independent scorer of zones: it trusts only their geometry and recounts everything else."""

import geopandas as gpd
import numpy as np
import shapely

CRUMB_M2 = 0.01
"""Pieces below this are rounding."""


def score(
    zones: gpd.GeoDataFrame,
    atoms: gpd.GeoDataFrame,
    *,
    target: float,
    band: tuple[float, float],
    streets: gpd.GeoDataFrame | None = None,
) -> dict[str, float]:
    """Return figures of zones: features that share a ``zone`` make one.

    ``good`` is the share of zones in the band and in one piece, of the zones asked for or made,
    whichever are more; ``streets`` the share of inner borders within 1 m of a street.
    """
    ids, inverse = np.unique(zones["zone"].to_numpy(), return_inverse=True)
    order = np.argsort(inverse, kind="stable")
    groups = np.split(zones.geometry.to_numpy()[order], np.cumsum(np.bincount(inverse))[:-1])
    shapes = np.array([shapely.union_all(g) for g in groups])
    load = np.zeros(len(ids))
    tree = shapely.STRtree(shapes)
    hit, zone = tree.query(shapely.point_on_surface(atoms.geometry.to_numpy()), "intersects")
    first = np.unique(hit, return_index=True)[1]
    np.add.at(load, zone[first], atoms["households"].to_numpy(float)[hit[first]])
    inside = (load >= band[0] * target - 1e-9) & (load <= band[1] * target + 1e-9)
    parts, owner = shapely.get_parts(shapes, return_index=True)
    pieces = np.bincount(owner[shapely.area(parts) > CRUMB_M2], minlength=len(ids))
    asked = round(atoms["households"].sum() / target)
    out = {
        "zones": len(ids),
        "good": 100 * (inside & (pieces == 1)).sum() / max(len(ids), asked),
        "in_band": 100 * inside.mean(),
        "connected": 100 * (pieces == 1).mean(),
        "mean_dev": float((np.abs(load - target) / target).mean()),
        "compactness": float(
            (4 * np.pi * shapely.area(shapes) / shapely.length(shapes) ** 2).mean()
        ),
        "bad_edges": int((~shapely.is_empty(shapely.coverage_invalid_edges(shapes))).sum()),
        "lost_m2": float(shapely.area(shapely.union_all(atoms.geometry.to_numpy()))
                         - shapely.area(shapely.union_all(shapes))),
    }  # fmt: skip
    if streets is not None:
        land = shapely.union_all(shapes)
        rim = shapely.buffer(shapely.boundary(land), 0.5)
        inner = shapely.difference(shapely.union_all(shapely.boundary(shapes)), rim)
        near = shapely.buffer(shapely.union_all(streets.geometry.to_numpy()), 1.0, quad_segs=2)
        out["streets"] = (
            100
            * shapely.length(shapely.intersection(inner, near))
            / max(shapely.length(inner), 1e-9)
        )
    return out
