"""What keeps the cells of one level from covering their land: pieces of it, and junctions."""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import Point

from gridcell.arrays import Geometries, run_starts
from gridcell.coverage.faces import rounding_step
from gridcell.coverage.layer import CellTable
from gridcell.coverage.open_slivers import find_open_slivers
from gridcell.coverage.proof import CoverageProof, prove_coverage
from gridcell.coverage.units import size
from gridcell.coverage.units import width as width_text
from gridcell.coverage.width import NEAR_M, THIN_M, WIDTH_ERROR, is_sliver, width_above, width_of
from gridcell.model import Finding, Severity
from gridcell.words.messages import Message, Value, listed

Rows = NDArray[np.int64]

_NEAR: Final = 16
"""Steps of rounding within which a junction lies at a piece, and a piece at a cell."""
_NAMED: Final = 3
"""Cells beside a gap that its message names."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Cover:
    """What is wrong with one level."""

    findings: list[Finding] = field(default_factory=list)
    pieces: list[dict[str, Any]] = field(default_factory=list)
    """Kind, cells, area, width and polygon of each gap, overlap and protrusion."""
    proof: CoverageProof


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Level:
    """Cells that have to cover some land together."""

    rows: Rows
    """Rows of the table."""
    land: CellTable | None
    """Without land only what cells enclose can be missing."""
    parent: Rows
    """(rows,) row of the land of each, -1 for none."""
    nested: bool = False
    """Whether the land is the level above, in the same layer."""
    known: frozenset[int] = frozenset()
    """Rows of cells of a level above without children, whose overlaps are told there."""


def prove_level(table: CellTable, level: Level, *, gap_width: float) -> Cover:
    """Return the findings and pieces of one level.

    Parameters
    ----------
    table
        The layer.
    level
        Which of its rows cover which land.
    gap_width
        Gaps narrower than this are slivers, metres.
    """
    rows, land = level.rows, level.land
    shapes = table.cover[rows]
    proof = prove_coverage(
        shapes,
        None if land is None else land.cover,
        parent_of=None if land is None else level.parent,
    )
    step = rounding_step(shapes[~shapely.is_missing(shapes)])
    found = Cover(proof=proof)
    _gaps(found, table, level, gap_width, step)
    _open_slivers(found, table, level, gap_width)
    _overlaps(found, table, level)
    _outside(found, table, level)
    _junctions(found, table, level, step)
    _untold(found, table, level, step)
    return found


def _add(
    found: Cover,
    kind: str,
    severity: Severity,
    shapes: Geometries,
    areas: NDArray[np.float64],
    widths: NDArray[np.float64],
    cells: list[list[str]],
    messages: list[Message],
) -> None:
    """Add a finding and a piece for each shape; its place is a point of the largest part."""
    parts, of = shapely.get_parts(shapes, return_index=True)
    order = np.lexsort((-shapely.area(parts), of))
    points = shapely.point_on_surface(parts[order[run_starts(of[order])]])
    for shape, area, width, names, message, point in zip(
        shapes, areas.tolist(), widths.tolist(), cells, messages, points, strict=True
    ):
        found.findings.append(
            Finding(
                kind=kind, severity=severity, text=message, measure=area, place=point,
                cell=names[0] if names else None, others=tuple(names[1:]),
            )
        )  # fmt: skip
        found.pieces.append({
            "kind": kind, "cells": ";".join(names), "area_m2": area, "width_m": width,
            "geometry": shape,
        })  # fmt: skip


def _sizes(table: CellTable, shapes: Geometries) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    metric = table.units.in_metres(shapes)
    return np.asarray(shapely.area(metric)), width_of(metric, tolerance=WIDTH_ERROR)


def _below_grid(
    table: CellTable, level: Level, shapes: Geometries, widths: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Tell which pieces lie along the border of a land that is no level of the layer, within 1 mm.

    Who divides a land puts vertices on its borders where others meet them, at coordinates that are
    rounded. Between cells themselves nothing is below a grid.
    """
    land = level.land
    below = np.zeros(len(shapes), dtype=bool)
    thin = np.flatnonzero(widths < NEAR_M)
    if land is None or level.nested or not len(thin):
        return below
    borders = shapely.boundary(land.cover[~shapely.is_missing(land.cover)])
    # With the middle of each edge: a slit across the land has its ends alone on the border.
    ends, of = shapely.get_coordinates(shapes[thin], return_index=True)
    middle, part = (ends[1:] + ends[:-1]) / 2, of[1:] == of[:-1]
    xy, of = np.concatenate([ends, middle[part]]), np.concatenate([of, of[1:][part]])
    points = np.asarray(shapely.points(xy), dtype=object)
    near = np.unique(
        shapely.STRtree(points).query(
            borders, predicate="dwithin", distance=NEAR_M / max(table.scale())
        )[1]
    )
    count = np.bincount(of, minlength=len(thin))
    below[thin] = np.bincount(of[near], minlength=len(thin)) == count
    return below


def _gaps(found: Cover, table: CellTable, level: Level, gap_width: float, step: float) -> None:
    frame, units = found.proof.gap_pieces, table.units
    shapes = np.asarray(frame.geometry.array, dtype=object)
    if not len(shapes):
        return
    areas, widths = _sizes(table, shapes)
    kept = ~_below_grid(table, level, shapes, widths)
    shapes, areas, widths, frame = shapes[kept], areas[kept], widths[kept], frame[kept]
    if not len(shapes):
        return
    beside = _beside(table, level, shapes, _NEAR * step)
    thin = (widths < gap_width) | is_sliver(areas, widths, max(THIN_M, gap_width))
    parents = frame["parent"].to_numpy()
    for kind, severity, chosen in _gap_kinds(thin, bounded=level.land is not None):
        messages = []
        for piece in chosen:
            told = {
                "area": size(areas[piece]), "unit": units.area_name,
                "width": width_text(widths[piece]), "length": units.length_name,
            }  # fmt: skip
            near = listed([table.name[row] for row in beside[piece]], _NAMED)
            if level.land is None:
                text = Message("finding.layer_hole", **told, beside=near)
            elif not near:
                text = Message("finding.layer_gap", **told, land=level.land.name[parents[piece]])
            else:
                home = level.land.name[parents[piece]]
                text = Message("finding.layer_gap_beside", **told, land=home, beside=near)
            if kind == "hole":
                text = Message("finding.lake_or_gap", gap=text)
            if kind == "sliver" and widths[piece] >= gap_width:
                wide = width_above(widths[piece])
                text = Message("finding.gap_to_close", gap=text, width=wide)
            messages.append(text)
        _add(
            found, kind, severity, shapes[chosen], areas[chosen], widths[chosen],
            [[table.title(row) for row in beside[piece]] for piece in chosen], messages,
        )  # fmt: skip


def _gap_kinds(
    thin: NDArray[np.bool_], *, bounded: bool
) -> list[tuple[str, Severity, NDArray[np.int64]]]:
    wide: tuple[str, Severity] = ("gap", "error") if bounded else ("hole", "warning")
    kinds: list[tuple[str, Severity, NDArray[np.int64]]] = [
        ("sliver", "error", np.flatnonzero(thin)), (*wide, np.flatnonzero(~thin))
    ]  # fmt: skip
    return [kind for kind in kinds if len(kind[2])]


def _open_slivers(found: Cover, table: CellTable, level: Level, gap_width: float) -> None:
    """Add what repair would close of a coverage without land that is no gap of it."""
    if level.land is not None or not len(found.proof.rim):
        return
    scale, units = table.scale(), table.units
    near = NEAR_M / max(scale)
    slivers = find_open_slivers(
        table.cover[level.rows], found.proof, gap_width, near=near, scale=scale
    )
    if not len(slivers.shapes):
        return
    areas, widths = _sizes(table, slivers.shapes)
    beside = _beside(table, level, slivers.shapes, slivers.reach + near)
    messages = [
        Message(
            "finding.layer_open_sliver", area=size(area), unit=units.area_name,
            width=width_text(width), length=units.length_name,
            beside=listed([table.name[row] for row in rows], _NAMED),
        )
        for area, width, rows in zip(areas, widths, beside, strict=True)
    ]  # fmt: skip
    titles = [[table.title(row) for row in rows] for rows in beside]
    _add(found, "open_sliver", "warning", slivers.shapes, areas, widths, titles, messages)


def _beside(table: CellTable, level: Level, shapes: Geometries, near: float) -> list[list[int]]:
    """Return the rows of the cells nearer than this to each piece, by what they are called."""
    piece, cell = shapely.STRtree(table.cover[level.rows]).query(
        shapes, predicate="dwithin", distance=near
    )
    beside: list[list[int]] = [[] for _ in shapes]
    for one, row in zip(piece.tolist(), level.rows[cell].tolist(), strict=True):
        beside[one].append(row)
    return [sorted(rows, key=table.order) for rows in beside]


def _overlaps(found: Cover, table: CellTable, level: Level) -> None:
    frame, units = found.proof.overlap_pieces, table.units
    pair = level.rows[frame[["left", "right"]].to_numpy(dtype=np.int64)].reshape(-1, 2)
    new = ~np.isin(pair, list(level.known)).all(axis=1)
    shapes, pair = np.asarray(frame.geometry.array, dtype=object)[new], pair[new]
    if not len(shapes):
        return
    areas, widths = _sizes(table, shapes)
    whole = shapely.area(shapes)[:, np.newaxis] >= (1 - 1e-9) * shapely.area(table.cover[pair])
    cells, messages = [], []
    for rows, area, width, inside in zip(pair.tolist(), areas, widths, whole.tolist(), strict=True):
        if inside[0] and not inside[1]:
            rows.reverse()
        first, second = rows
        if any(inside):
            text = Message(
                "finding.layer_inside", inner=table.name[second], outer=table.name[first],
                area=size(area), unit=units.area_name,
            )  # fmt: skip
        else:
            first, second = sorted(rows, key=table.order)
            text = Message(
                "finding.layer_overlap", a=table.name[first], b=table.name[second],
                area=size(area), unit=units.area_name, width=width_text(width),
                length=units.length_name,
            )  # fmt: skip
        cells.append([table.title(first), table.title(second)])
        messages.append(text)
    _add(found, "overlap", "error", shapes, areas, widths, cells, messages)


def _outside(found: Cover, table: CellTable, level: Level) -> None:
    frame, units = found.proof.outside_pieces, table.units
    land = level.land
    if land is None or not len(frame):
        return
    local = frame["cell"].to_numpy(dtype=np.int64)
    rows, parent = level.rows[local], level.parent[local]
    told = np.isin(rows, list(level.known))
    shapes = np.asarray(frame.geometry.array, dtype=object)[~told]
    rows, parent = rows[~told], parent[~told]
    areas, widths = _sizes(table, shapes)
    kept = ~_below_grid(table, level, shapes, widths)
    shapes, areas, widths = shapes[kept], areas[kept], widths[kept]
    rows, parent = rows[kept], parent[kept]
    kind = "not_nested_geometry" if level.nested else "outside"
    cells, messages = [], []
    for row, home, area, width in zip(rows.tolist(), parent.tolist(), areas, widths, strict=True):
        if home < 0:
            where: Value = Message("part.all_parents" if level.nested else "part.the_land")
        elif level.nested:
            where = Message("part.its_parent", cell=land.name[home])
        else:
            where = land.name[home]
        messages.append(
            Message(
                "finding.layer_outside", area=size(area), unit=units.area_name,
                cell=table.name[row], land=where, width=width_text(width),
                length=units.length_name,
            )
        )  # fmt: skip
        above = [land.title(home)] if level.nested and home >= 0 else []
        cells.append([table.title(row), *above])
    if len(shapes):
        _add(found, kind, "error", shapes, areas, widths, cells, messages)


def _junctions(found: Cover, table: CellTable, level: Level, step: float) -> None:
    """Add a finding for every vertex on a border that lacks it, where no piece tells of it."""
    frame = found.proof.junctions
    if not len(frame):
        return
    points = np.asarray(frame.geometry.array, dtype=object)
    pieces = [
        np.asarray(part.geometry.array, dtype=object)
        for part in (found.proof.gap_pieces, found.proof.overlap_pieces, found.proof.outside_pieces)
    ]
    told = np.zeros(len(points), dtype=bool)
    # GEOS prepares the geometry that asks, and pieces may have many vertices.
    at = shapely.STRtree(points).query(
        np.concatenate(pieces), predicate="dwithin", distance=_NEAR * step
    )[1]
    told[at] = True
    pair = level.rows[frame[["straight", "corner"]].to_numpy(dtype=np.int64)].reshape(-1, 2)
    # The crossing of an invalid polygon is a vertex that nobody drew.
    drawn = np.array([table.cover[row] is table.shapes[row] for row in pair.ravel()], dtype=bool)
    kept = ~told & drawn.reshape(-1, 2).all(axis=1)
    kept &= ~np.isin(pair, list(level.known)).all(axis=1)
    pair, xy = pair[kept], shapely.get_coordinates(points[kept])
    spot = np.round(xy / (64 * step)) if step else xy
    order = np.lexsort((pair[:, 1], pair[:, 0], spot[:, 1], spot[:, 0]))
    pair, xy, spot = pair[order], xy[order], spot[order]
    new = np.ones(len(xy), dtype=bool)
    new[1:] = np.any(spot[1:] != spot[:-1], axis=1)
    bounds = np.append(np.flatnonzero(new), len(xy))
    places = shapely.points(xy[bounds[:-1]])
    for first, last, place in zip(bounds[:-1], bounds[1:], places, strict=True):
        straight = sorted({int(row) for row in pair[first:last, 0]}, key=table.order)
        others = sorted({int(row) for row in pair[first:last, 1]} - set(straight), key=table.order)
        lacking = listed([table.name[row] for row in straight], _NAMED)
        having = listed([table.name[row] for row in others], _NAMED)
        text = Message("finding.vertex_lacking", having=having, lacking=lacking)
        if not others:
            text = Message("finding.vertices_beside", lacking=lacking)
        found.findings.append(
            Finding(
                kind="unmatched_border", severity="error", text=text, place=place,
                cell=table.title(straight[0]),
                others=tuple(table.title(row) for row in [*straight[1:], *others]),
            )
        )  # fmt: skip


def _untold(found: Cover, table: CellTable, level: Level, step: float) -> None:
    """Add what keeps a proof from holding without a piece to show for it."""
    proof = found.proof
    if not proof.areas_add_up:
        found.findings.append(
            Finding(
                kind="area_sum", severity="error",
                text=Message("finding.layer_area_sum"),
            )
        )  # fmt: skip
    faults = proof.gaps or proof.overlaps or proof.outside or proof.invalid
    if level.land is None or faults or proof.exact:
        return
    place = _where_rims_differ(table.cover[level.rows], level.land.cover, step)
    if proof.closed and place is None:
        # It is cells alone that differ, and each such junction is told.
        return
    text = Message("finding.rim_vertices" if proof.closed else "finding.rim_rounding")
    found.findings.append(
        Finding(
            kind="unmatched_border", severity="note" if proof.closed else "error", text=text,
            place=place,
        )
    )  # fmt: skip


def _where_rims_differ(cells: Geometries, land: Geometries, step: float) -> Point | None:
    """Return a vertex that only cells or only their land have on the rim."""
    inner, outer = (
        np.unique(shapely.get_coordinates(some).view(np.complex128)) for some in (cells, land)
    )
    lacking = np.setdiff1d(outer, inner)
    if not len(lacking):
        added = np.setdiff1d(inner, outer)
        points = np.asarray(shapely.points(added.real, added.imag), dtype=object)
        near = shapely.STRtree(points).query(
            shapely.boundary(land), predicate="dwithin", distance=step
        )[1]
        lacking = added[np.sort(near)]
    return Point(lacking[0].real, lacking[0].imag) if len(lacking) else None
