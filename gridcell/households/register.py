"""Lines of a register: made unique, and each brought to its building."""

from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridcell.arrays import run_starts
from gridcell.model import Finding
from gridcell.texts import repeated
from gridcell.words.messages import Message, some

Ints = NDArray[np.int64]
Reals = NDArray[np.float64]

_CONTENT: Final = ("household_id", "bldg_id", "unit", "count", "x", "y")


def unique_lines(register: pd.DataFrame) -> tuple[pd.DataFrame, list[Finding]]:
    """Return the register with unique ids, and which ids were repeated.

    Every line counts: a second ``H7`` becomes ``H7-2``, so that no household is lost where two got
    one id. Lines alike in everything are told, they may be one household entered twice.

    Parameters
    ----------
    register
        `Layers.households`.
    """
    if not repeated(register["household_id"]).any():
        return register, []
    number = register.groupby("household_id", sort=False).cumcount().to_numpy()
    table = register.copy()
    again = np.flatnonzero(number)
    ids = table["household_id"].to_numpy(dtype=object, copy=True)
    taken = set(ids)
    for row in again:
        # A register may hold H7, H7 and H7-2.
        step, name = number[row] + 1, f"{ids[row]}-{number[row] + 1}"
        while name in taken:
            step += 1
            name = f"{ids[row]}-{step}"
        taken.add(name)
        ids[row] = name
    names = table["household_id"].iloc[again].drop_duplicates()
    alike = int(table.duplicated(list(_CONTENT)).sum())
    told = {"n": len(names), "ids": some(names.tolist()), "further": len(again)}
    finding = Finding(
        kind="duplicate_id", severity="warning", measure=float(len(again)),
        text=Message(
            "finding.duplicate_household_id_alike", **told,
            alike=Message("part.lines_alike", n=alike),
        )
        if alike
        else Message("finding.duplicate_household_id", **told),
    )  # fmt: skip
    table["household_id"] = pd.Series(ids, index=table.index, dtype="str")
    return table, [finding]


def locate_lines(
    register: pd.DataFrame, buildings: gpd.GeoDataFrame, nearest_m: float
) -> pd.DataFrame:
    """Return the register with the building of each line, how it was found, or why not.

    By the id of the building; else by the point, in the building around it, or the nearest one.
    Where several are around a point or equally near, the smallest has it.

    Parameters
    ----------
    register
        ``household_id``, ``bldg_id``, ``unit``, ``count``, ``x``, ``y``.
    buildings
        ``bldg_id`` and polygons in the CRS of ``x`` and ``y``.
    nearest_m
        How far from the nearest building a point may be, metres.

    Returns
    -------
    pd.DataFrame
        ``household_id``, ``unit``, ``count``, ``building`` (row or -1), ``how`` (building, unit,
        point, nearest), ``distance_m``, ``reason`` (a `Message` or ``None``), in the order of the
        register.
    """
    table = register[["household_id", "unit", "count"]].reset_index(drop=True)
    wanted = register["bldg_id"].reset_index(drop=True)
    building = _rows_of_ids(wanted, buildings["bldg_id"])
    how = np.full(len(table), None, dtype=object)
    how[building >= 0] = "building"
    how[(building >= 0) & table["unit"].notna().to_numpy()] = "unit"
    distance = np.where(building >= 0, 0.0, np.nan)
    reason = np.full(len(table), None, dtype=object)

    xy = register[["x", "y"]].to_numpy(dtype=np.float64)
    has_point = np.isfinite(xy).all(axis=1)
    rest = np.flatnonzero((building < 0) & has_point)
    if len(rest) and len(buildings):
        # Nearest covers both: inside a building the distance is 0.
        near, row, far = nearest_rows(buildings, xy[rest])
        ok = far <= nearest_m
        at = rest[near[ok]]
        building[at], distance[at] = row[ok], far[ok]
        how[at] = np.where(far[ok] > 0, "nearest", "point")
        reason[rest[near[~ok]]] = [
            Message("unplaced.far", distance=d, limit=nearest_m) for d in far[~ok]
        ]
    lost = (building < 0) & ~has_point
    reason[lost] = [
        Message("unplaced.no_place") if pd.isna(b) else Message("unplaced.unknown_id", id=b)
        for b in wanted[lost]
    ]
    return table.assign(
        building=building,
        how=how,
        distance_m=distance,
        # An array would be searched for texts.
        reason=pd.Series(reason, dtype=object),
    )


def _rows_of_ids(wanted: "pd.Series[str]", ids: "pd.Series[str]") -> Ints:
    """Return the row of the building with each id, -1 where there is none."""
    if wanted.isna().all():
        return np.full(len(wanted), -1, dtype=np.int64)
    codes, distinct = pd.factorize(wanted)
    row = pd.Index(ids.to_numpy(dtype=object)).get_indexer(pd.Index(distinct, dtype=object))
    return np.append(row, -1)[codes].astype(np.int64)


def nearest_rows(frame: gpd.GeoDataFrame, xy: Reals) -> tuple[Ints, Ints, Reals]:
    """Return point, nearest row (of several the smallest) and distance, one entry a point."""
    geometry = frame.geometry.to_numpy()
    points = np.asarray(shapely.points(xy), dtype=object)
    tree = shapely.STRtree(geometry)
    # Most points are inside, which is found much faster than the nearest of all.
    inside, around = tree.query(points, predicate="intersects")
    rest = np.flatnonzero(np.bincount(inside, minlength=len(points)) == 0)
    (outside, beside), away = tree.query_nearest(points[rest], return_distance=True)
    point, row = np.append(inside, rest[outside]), np.append(around, beside)
    far = np.append(np.zeros(len(inside)), away)
    order = np.lexsort((row, shapely.area(geometry)[row], point))
    point, row, far = point[order], row[order], far[order]
    first = run_starts(point)
    return point[first], row[first], far[first]
