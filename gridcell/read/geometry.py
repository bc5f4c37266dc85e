"""Geometries checked at the door: kinds, gaps in them, validity, order."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries
from gridcell.coverage.mend import Mended
from gridcell.errors import Hint, InputError
from gridcell.model import Finding, place_of
from gridcell.read.files import Source, check_coordinates
from gridcell.words.faults import geometry_fault
from gridcell.words.messages import Message, Value

POLYGONS: Final = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)
LINES: Final = (
    shapely.GeometryType.LINESTRING, shapely.GeometryType.LINEARRING,
    shapely.GeometryType.MULTILINESTRING,
)  # fmt: skip
POINTS: Final = (shapely.GeometryType.POINT, shapely.GeometryType.MULTIPOINT)


def geometries_of(source: Source) -> Geometries:
    """Return the geometries of an input, missing ones as ``None``, empty ones as well.

    Raises
    ------
    InputError
        A table without geometries, or coordinates that are not numbers.
    """
    series = source.geometries
    if series is None:
        raise InputError(Message("error.table_no_geometries", label=source.label))
    values: Geometries = np.asarray(series.array, dtype=object).copy()
    values[shapely.is_empty(values)] = None
    check_coordinates(values, source.label)
    return values


def check_types(
    source: Source,
    values: Geometries,
    allowed: Sequence[shapely.GeometryType],
    wanted: str,
    *hints: Hint,
) -> None:
    """Raise `InputError` naming the first row whose geometry is of another type.

    The text ``geometries.WANTED`` says which types the input has.
    """
    types = shapely.get_type_id(values)
    bad = (types >= 0) & ~np.isin(types, [int(t) for t in allowed])
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise InputError(
            Message(
                "error.other_geometry",
                label=source.label,
                row=row + 1,
                found=values[row].geom_type,
                n_rows=int(bad.sum()),
                rows=len(values),
                expected=Message(f"geometries.{wanted}"),
            ),
            *hints,
        )


def invalid_reason(source: Source, values: Geometries, row: int) -> Value:
    """Return why a row of an input is invalid, in the words of GEOS, with the place."""
    reason = str(shapely.is_valid_reason(values[row]))
    if row not in source.unclosed:
        return geometry_fault(reason)
    # It was closed to be read at all.
    if reason == "Valid Geometry":
        return Message("fault.not_closed")
    return Message("fault.not_closed_and", fault=geometry_fault(reason))


def mended_findings(source: Source, mending: Mended, kind: str) -> list[Finding]:
    """Return the finding that polygons of an input were mended; a warning where in doubt."""
    rows = np.union1d(np.flatnonzero(mending.invalid), np.array(source.unclosed, dtype=np.int64))
    if not len(rows):
        return []
    told = {"label": source.label, "n": len(rows), "row": rows[0] + 1}
    text = Message("finding.mended", **told)
    doubtful = np.flatnonzero(mending.doubtful)
    if len(doubtful):
        text = Message(
            "finding.mended_doubtful", **told, doubtful=len(doubtful), doubtful_row=doubtful[0] + 1
        )
    kept = rows[~shapely.is_missing(mending.shapes[rows])]
    return [
        Finding(
            kind=kind, severity="warning" if len(doubtful) else "note", measure=float(len(rows)),
            place=place_of(mending.shapes[kept[0]]) if len(kept) else None, text=text,
        )
    ]  # fmt: skip


def unclosed_rings(source: Source) -> list[Finding]:
    """Return the findings that rings of an input were closed to be read at all."""
    shapes = np.asarray([] if source.geometries is None else source.geometries.array, dtype=object)
    return [
        Finding(
            kind="unclosed_ring", severity="warning", place=place_of(shapes[row]),
            text=Message("finding.unclosed_ring", label=source.label, row=row + 1),
        )
        for row in source.unclosed
    ]  # fmt: skip


def canonical_order(values: Geometries, attributes: pd.DataFrame) -> NDArray[np.int64]:
    """Return the order of rows by content: normalised geometry, then the attributes as text."""
    blobs = shapely.to_wkb(shapely.normalize(values), include_srid=False)
    keys = [blob if blob is not None else b"" for blob in blobs]
    columns = [attributes[name].astype(object).map(str).tolist() for name in attributes.columns]
    rows = list(zip(keys, *columns, strict=True))
    return np.array(sorted(range(len(rows)), key=rows.__getitem__), dtype=np.int64)
