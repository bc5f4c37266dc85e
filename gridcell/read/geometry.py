"""Geometries checked at the door: kinds, gaps in them, validity, order."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridcell.errors import Hint, InputError
from gridcell.read.files import Source, check_coordinates

POLYGONS: Final = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)
LINES: Final = (
    shapely.GeometryType.LINESTRING, shapely.GeometryType.LINEARRING,
    shapely.GeometryType.MULTILINESTRING,
)  # fmt: skip
POINTS: Final = (shapely.GeometryType.POINT, shapely.GeometryType.MULTIPOINT)

Geometries = NDArray[np.object_]


def geometries_of(source: Source) -> Geometries:
    """Return the geometries of an input, missing ones as ``None``, empty ones as well.

    Raises
    ------
    InputError
        A table without geometries, or coordinates that are not numbers.
    """
    series = source.geometries
    if series is None:
        raise InputError(f"{source.label}: the table has no geometries, expected polygons or lines")
    values: Geometries = np.asarray(series.array, dtype=object).copy()
    values[shapely.is_empty(values)] = None
    check_coordinates(values, source.label)
    return values


def check_types(
    source: Source,
    values: Geometries,
    allowed: Sequence[shapely.GeometryType],
    advice: str,
    *hints: Hint,
) -> None:
    """Raise `InputError` naming the first row whose geometry is of another type."""
    types = shapely.get_type_id(values)
    bad = (types >= 0) & ~np.isin(types, [int(t) for t in allowed])
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise InputError(
            f"{source.label}: row {row + 1} is a {values[row].geom_type} "
            f"({int(bad.sum())} of {len(values)} rows); {advice}",
            *hints,
        )


def mend_polygons(values: Geometries) -> tuple[Geometries, NDArray[np.bool_]]:
    """Return valid polygons and which were not; what has no area left becomes ``None``."""
    invalid = ~shapely.is_valid(values) & ~shapely.is_missing(values)
    out = values.copy()
    if invalid.any():
        # Damaged coordinates may overflow on the way to nothing.
        with np.errstate(over="ignore", invalid="ignore"):
            mended = shapely.make_valid(values[invalid], method="structure", keep_collapsed=False)
        out[invalid] = only_polygons(mended)
    return out, invalid


def only_polygons(values: Geometries) -> Geometries:
    """Return the polygons of each geometry as one (Multi)Polygon, ``None`` where there are none."""
    out: Geometries = values.copy()
    types = shapely.get_type_id(values)
    for row in np.flatnonzero(~np.isin(types, [int(t) for t in POLYGONS])):
        parts = shapely.get_parts(shapely.get_parts(values[row : row + 1]))
        parts = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
        out[row] = shapely.union_all(parts) if len(parts) else None
    out[shapely.is_empty(out)] = None
    return out


def canonical_order(values: Geometries, attributes: pd.DataFrame) -> NDArray[np.int64]:
    """Return the order of rows by content: normalised geometry, then the attributes as text."""
    blobs = shapely.to_wkb(shapely.normalize(values), include_srid=False)
    keys = [blob if blob is not None else b"" for blob in blobs]
    columns = [attributes[name].astype(object).map(str).tolist() for name in attributes.columns]
    rows = list(zip(keys, *columns, strict=True))
    return np.array(sorted(range(len(rows)), key=rows.__getitem__), dtype=np.int64)
