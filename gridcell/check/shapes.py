"""Geometries that are no cells: missing, of another type, invalid, in parts, given twice."""

import re
from collections.abc import Iterator
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import Point

from gridcell.arrays import Geometries, run_starts
from gridcell.coverage.layer import CellTable, only
from gridcell.coverage.mend import mend
from gridcell.coverage.reach import FARTHEST, within_reach
from gridcell.coverage.units import size
from gridcell.model import Finding
from gridcell.read.geometry import POLYGONS
from gridcell.words.messages import Message

_PLACE: Final = re.compile(r"^(.*?)\s*\[\s*(\S+)\s+(\S+?)\s*\]$")


def check_shapes(table: CellTable) -> tuple[CellTable, list[Finding]]:
    """Return the table with what its rows cover, and what is wrong with their geometries.

    A row covers nothing where it has no polygon, coordinates that are no numbers of any CRS, or the
    polygon of a row before it; an invalid polygon covers what its rings enclose (`mend`).
    """
    shapes = table.shapes
    missing = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    wrong = ~missing & ~np.isin(shapely.get_type_id(shapes), [int(kind) for kind in POLYGONS])
    solid = ~missing & ~wrong
    endless = ~within_reach(shapes)
    cover = only(shapes, solid & ~endless)
    mended = mend(cover)
    cover, crossed = mended.shapes, mended.invalid
    first = _first_alike(cover)
    again = np.flatnonzero(first != np.arange(len(cover)))
    cover[again] = None
    findings = [
        *_missing(table, np.flatnonzero(missing)),
        *_wrong(table, np.flatnonzero(wrong)),
        *_invalid(table, np.flatnonzero(crossed)),
        *_endless(table, np.flatnonzero(solid & endless)),
        *_again(table, again, first),
        *_multipart(table, np.flatnonzero(solid & ~endless & ~crossed)),
    ]
    return table.covering(cover), findings


def _missing(table: CellTable, rows: NDArray[np.int64]) -> Iterator[Finding]:
    for row in rows:
        empty = table.shapes[row] is not None
        yield Finding(
            kind="empty_geometry", severity="error", cell=table.title(row),
            text=Message(
                "finding.empty_geometry" if empty else "finding.no_geometry",
                cell=table.called(row),
            ),
        )  # fmt: skip


def _wrong(table: CellTable, rows: NDArray[np.int64]) -> Iterator[Finding]:
    for row in rows:
        yield Finding(
            kind="wrong_type", severity="error", cell=table.title(row),
            text=Message(
                "finding.wrong_type", cell=table.called(row), type=table.shapes[row].geom_type
            ),
            place=_first_vertex(table.shapes[row]),
        )  # fmt: skip


def _invalid(table: CellTable, rows: NDArray[np.int64]) -> Iterator[Finding]:
    for row, said in zip(rows, shapely.is_valid_reason(table.shapes[rows]), strict=True):
        told = _PLACE.match(str(said))
        reason, place = str(said), _first_vertex(table.shapes[row])
        if told is not None:
            reason = told[1]
            at = [float(number) for number in told.groups()[1:]]
            place = Point(at) if np.isfinite(at).all() else place
        yield Finding(
            kind="invalid_geometry", severity="error", cell=table.title(row),
            text=Message("finding.invalid_geometry", cell=table.called(row), reason=reason),
            place=place,
        )  # fmt: skip


def _endless(table: CellTable, rows: NDArray[np.int64]) -> Iterator[Finding]:
    for row in rows:
        xy = shapely.get_coordinates(table.shapes[row])
        x, y = xy[~(np.abs(xy) < FARTHEST).all(axis=1)][0]
        yield Finding(
            kind="invalid_geometry", severity="error", cell=table.title(row),
            text=Message("finding.endless_geometry", cell=table.called(row), x=x, y=y),
            place=_first_vertex(table.shapes[row]),
        )  # fmt: skip


def _again(
    table: CellTable, rows: NDArray[np.int64], first: NDArray[np.int64]
) -> Iterator[Finding]:
    areas = shapely.area(table.units.in_metres(table.shapes[rows]))
    points = shapely.point_on_surface(table.shapes[rows])
    for row, area, point in zip(rows, areas, points, strict=True):
        one = int(first[row])
        yield Finding(
            kind="duplicate_geometry", severity="error",
            cell=table.title(one), others=(table.title(row),), measure=float(area), place=point,
            text=Message(
                "finding.duplicate_geometry", a=table.called(one), b=table.called(row),
                area=size(area), unit=table.units.area_name,
            ),
        )  # fmt: skip


def _multipart(table: CellTable, rows: NDArray[np.int64]) -> Iterator[Finding]:
    rows = rows[shapely.get_num_geometries(table.shapes[rows]) > 1]
    parts, of = shapely.get_parts(table.shapes[rows], return_index=True)
    area = shapely.area(table.units.in_metres(parts))
    order = np.lexsort((area, of))
    least = order[run_starts(of[order])]
    count = np.bincount(of, minlength=len(rows))
    points = shapely.point_on_surface(parts[least])
    for row, number, small, point in zip(rows, count, area[least], points, strict=True):
        yield Finding(
            kind="multipart", severity="warning", cell=table.title(row), measure=float(number),
            text=Message(
                "finding.layer_multipart", cell=table.called(row), n=number, area=size(small),
                unit=table.units.area_name,
            ),
            place=point,
        )  # fmt: skip


def _first_vertex(shape: shapely.Geometry) -> Point | None:
    xy = shapely.get_coordinates(shape)
    near = xy[(np.abs(xy) < FARTHEST).all(axis=1)]
    return Point(near[0]) if len(near) else None


def _first_alike(shapes: Geometries) -> NDArray[np.int64]:
    """Return for each polygon the first row with the same one, drawn from any vertex."""
    first = np.arange(len(shapes))
    box = np.column_stack([shapely.bounds(shapes), shapely.get_num_coordinates(shapes)])
    order = np.lexsort(box.T)
    order = order[~shapely.is_missing(shapes[order])]
    same = np.all(box[order][1:] == box[order][:-1], axis=1)
    maybe = np.zeros(len(order), dtype=bool)
    maybe[1:] |= same
    maybe[:-1] |= same
    rows = np.sort(order[maybe])
    seen: dict[bytes, int] = {}
    for row, text in zip(rows, shapely.to_wkb(shapely.normalize(shapes[rows])), strict=True):
        first[row] = seen.setdefault(text, int(row))
    return first
