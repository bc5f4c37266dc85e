"""Footprints that are no building of their own: repetitions, and areas with buildings in them."""

from typing import Final

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries
from gridcell.model import Finding, place_of
from gridcell.read.files import Source
from gridcell.words.messages import Message

_DIGITS: Final = 3
"""Footprints that differ by less than a millimetre are the same."""
LEAST_INSIDE: Final = 10
"""Podiums carry fewer towers; estates hold more houses."""


def first_alike(values: Geometries) -> NDArray[np.int64]:
    """Return for each polygon the first row with the same one, to the millimetre.

    Parameters
    ----------
    values
        (n,) polygons in metres, ``None`` where there is none: those are like nothing.
    """
    first = np.arange(len(values), dtype=np.int64)
    # Few footprints share their bounds: only those are looked at.
    bounds = pd.DataFrame(shapely.bounds(values)).round(_DIGITS)
    rows = np.flatnonzero(bounds.duplicated(keep=False) & bounds.notna().all(axis=1))
    if len(rows):
        rounded = shapely.transform(values[rows], lambda xy: np.round(xy, _DIGITS) + 0.0)
        blobs = pd.Series(shapely.to_wkb(shapely.normalize(shapely.force_2d(rounded))))
        groups = blobs.groupby(blobs).transform(lambda group: group.index[0])
        first[rows] = rows[groups.to_numpy(dtype=np.int64)]
    return first


def drop_repeated(
    source: Source, values: Geometries, table: pd.DataFrame
) -> tuple[NDArray[np.bool_], list[Finding]]:
    """Return which buildings count, and the findings on footprints that occur more than once.

    A row that repeats another one, footprint and every column alike, does not count again: its
    households would be counted twice. Whole numbers that differ in every row are numbers of rows
    and tell nothing apart, unless they are the ids. Rows of one footprint that differ in anything
    else all count: they may be entrances or owners.

    Parameters
    ----------
    source
        The input; its other columns tell rows apart, too.
    values
        (n,) valid footprints in metres, ``None`` where there is none.
    table
        (n,) ``bldg_id`` and ``households``, missing where unknown.
    """
    first = first_alike(values)
    again = first != np.arange(len(values))
    keep = np.ones(len(values), dtype=np.bool_)
    if not again.any():
        return keep, []
    rows = np.flatnonzero(np.isin(first, first[again]))
    told = pd.DataFrame({"first": first[rows], "bldg_id": table["bldg_id"].to_numpy()[rows]})
    for name in source.frame.columns:
        column = source.frame[name]
        is_number = pd.api.types.is_integer_dtype(column.dtype) and column.is_unique
        if name != "geometry" and not is_number:
            told[f"column {name}"] = column.iloc[rows].astype(object).map(str).to_numpy()
    repeats = rows[told.duplicated().to_numpy()]
    keep[repeats] = False
    counts = table["households"].fillna(0).to_numpy(dtype=np.int64)
    stacked = rows[keep[rows] & again[rows]]
    findings = []
    for key, some in (
        ("finding.building_repeated", repeats),
        ("finding.building_stacked", stacked),
    ):
        if len(some):
            held = counts[some].sum()
            text = Message(
                key, label=source.label, n=len(some), households=held, row=some[0] + 1,
                like=first[some[0]] + 1,
            )  # fmt: skip
            findings.append(
                Finding(
                    kind="duplicate_building", severity="warning", measure=float(held),
                    place=place_of(values[some[0]]), text=text,
                )
            )  # fmt: skip
    return keep, findings


def find_areas(outlines: Geometries, largest_m2: float) -> NDArray[np.bool_]:
    """Return which footprints are too large for a building and have at least `LEAST_INSIDE` in it.

    As buildings they would make one piece of all that stands in them, which no border may cut.

    Parameters
    ----------
    outlines
        (buildings,) polygons in metres.
    largest_m2
        Area that no building exceeds.

    Returns
    -------
    NDArray[np.bool_]
        (buildings,).
    """
    area = np.zeros(len(outlines), dtype=bool)
    large = np.flatnonzero(shapely.area(outlines) > largest_m2)
    if len(large):
        others = shapely.STRtree(shapely.point_on_surface(outlines))
        outer, inner = others.query(outlines[large], predicate="intersects")
        inside = np.bincount(outer[large[outer] != inner], minlength=len(large))
        area[large] = inside >= LEAST_INSIDE
    return area
