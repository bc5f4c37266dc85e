"""Repair of a layer of cells: frames in, frames out, every change told, the result proved."""

import html
import json
from dataclasses import dataclass, replace
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridcell.arguments import checked
from gridcell.arrays import Geometries
from gridcell.coverage.faults import Level
from gridcell.coverage.layer import CellTable, column_of, find_column
from gridcell.coverage.levels import find_levels, plan_levels
from gridcell.coverage.mend import Mended, mend
from gridcell.coverage.moves import LandMove
from gridcell.coverage.repair_faces import RepairSettings
from gridcell.coverage.rounds import ROUNDS, RepairedCoverage, repair_coverage
from gridcell.coverage.settle import NOBODY
from gridcell.coverage.units import OWN_UNITS, require_one_crs, size
from gridcell.coverage.width import (
    GAP_WIDTH_M,
    NEAR_M,
    WIDTH_ERROR,
    is_sliver,
    width_above,
    width_of,
)
from gridcell.crs import parse_crs
from gridcell.errors import InputError, ProofError
from gridcell.words.catalogue import notebook_language, section
from gridcell.words.columns import padded
from gridcell.words.messages import Message, Value, counted, say

_NAMED: Final = 5
_MOVE_TEXTS: Final = frozenset({"kind", "lost", "got", "by"})

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Repair:
    """A repaired layer, and what was done to it.

    Examples
    --------
    >>> import geopandas, gridcell, shapely
    >>> west = shapely.box(500_000, 2_500_000, 500_100, 2_500_100)
    >>> east = shapely.box(500_098, 2_500_000, 500_200, 2_500_100)
    >>> cells = geopandas.GeoDataFrame(
    ...     {"code": ["W", "E"]}, geometry=[west, east], crs="EPSG:4547"
    ... )
    >>> repair = gridcell.repair_cells(cells)
    >>> repair.moves[["kind", "lost", "got", "area_m2"]].to_dict("records")
    [{'kind': 'overlap', 'lost': 'E', 'got': 'W', 'area_m2': 200.0}]
    """

    cells: gpd.GeoDataFrame
    """The caller's rows, index and columns; only geometries differ. ``None`` where a row had no
    polygon, or where others got all of its land (see `lost`)."""
    moves: gpd.GeoDataFrame
    """One row a piece of land that changed hands: ``kind`` (gap, overlap, outside, crumb),
    ``lost`` and ``got`` (names of cells; empty for nobody; who got an overlap held it before, as
    those did who lost it), ``area_m2``, ``width_m``, ``by``
    (priority, enclave, earlier row, evidence, longest border, only), ``margin_m`` (by how much more
    border would have had to be accepted for the next best choice; NaN where there was none),
    Polygon. Largest first."""
    changed: Ints
    """Rows, counted from 0, whose geometry differs."""
    mended: tuple[str, ...]
    """Names of cells that were no valid polygon and are one now, before anything else."""
    doubtful: tuple[str, ...]
    """Names of cells whose rings contradict each other and that keep, mended, less than half of
    what these enclose, or nothing: another polygon may have been meant."""
    without: tuple[str, ...]
    """Names of rows that hold no land: missing, empty, lines."""
    lost: tuple[str, ...]
    """Names of cells that had land and have none: others cover all of it."""
    cut_off: tuple[str, ...]
    """Names of cells that had land and have none: it was outside the land to be filled."""
    left: gpd.GeoDataFrame
    """Gaps wider than `gap_width`, left as they are: ``kind`` (hole, or sliver where it is long for
    its width), ``area_m2``, ``width_m``, Polygon. Largest first."""
    doubts: tuple[Message, ...] = ()
    """What is doubtful about the CRS of the layers, or that they have none."""

    @property
    def ok(self) -> bool:
        """Whether every cell that had land still has some, as drawn; all else is proved."""
        return not self.lost and not self.cut_off and not self.doubtful

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is doubtful about the CRS of the layers, in English."""
        return tuple(map(str, self.doubts))

    def to_text(self, *, lang: str = "en") -> str:
        """Return what was done in a few lines, the largest moves first.

        Parameters
        ----------
        lang
            Output language, ``en`` or ``zh``.
        """
        by, kinds = section("by", lang), section("move", lang)
        nobody = say(Message("part.nobody"), lang)
        lines = [
            f"{padded(kinds[move.kind], 8)} {size(move.area_m2):>9} {say(self._unit, lang)}  "
            f"{move.lost or nobody} -> {move.got or nobody}  ({by[move.by]})"
            for move in self.moves.head(20).itertuples()
        ]
        if len(self.moves) > 20:
            lines.append(say(Message("repair.more", n=len(self.moves) - 20), lang))
        return "\n".join([*lines, *(say(line, lang) for line in self._closing())])

    def _closing(self) -> list[Message]:
        figures = self.to_dict()
        done = Message("repair.nothing")
        if len(self.changed):
            done = Message(
                "repair.done", changed=len(self.changed), cells=len(self.cells),
                pieces=counted("land_piece", len(self.moves)), area=size(figures["moved_m2"]),
                unit=self._unit,
            )  # fmt: skip
        slivers = self.left[self.left["kind"] == "sliver"]
        if holes := len(self.left) - len(slivers):
            done = Message("repair.but_holes", done=done, holes=holes)
        lines = [done]
        if len(slivers):
            width = width_above(float(slivers["width_m"].max()))
            lines.append(Message("repair.slivers", number=len(slivers), width=width))
        for names, what in (
            (self.mended, "mended"), (self.doubtful, "doubtful"), (self.without, "without"),
            (self.lost, "lost"), (self.cut_off, "cut_off"),
        ):  # fmt: skip
            if names:
                shown = Message("list.some_comma", names=names[:_NAMED])
                named = shown if len(names) > _NAMED else names
                lines.append(Message(f"repair.{what}", number=len(names), names=named))
        return [*lines, *self.doubts]

    @property
    def _unit(self) -> Message:
        return Message("unit.square" if self.cells.crs is None else "unit.m2")

    def to_dict(self) -> dict[str, Any]:
        """Return what was done as plain data for JSON."""
        by = self.moves.groupby(["kind", "by"], sort=True)["area_m2"].agg(["size", "sum"])
        listed = self.moves.drop(columns=self.moves.active_geometry_name)
        return {
            "ok": self.ok,
            "cells": len(self.cells),
            "changed": len(self.changed),
            "moved_m2": round(float(self.moves["area_m2"].sum()), 6),
            "holes": int((self.left["kind"] == "hole").sum()),
            "wide_slivers": int((self.left["kind"] == "sliver").sum()),
            "mended": list(self.mended),
            "doubtful": list(self.doubtful),
            "without": list(self.without),
            "lost": list(self.lost),
            "cut_off": list(self.cut_off),
            "remarks": list(self.remarks),
            "moves": [
                {"kind": kind, "by": why, "pieces": int(row["size"]), "m2": round(row["sum"], 6)}
                for (kind, why), row in by.iterrows()
            ],
            "list": json.loads(listed.to_json(orient="records")),
        }

    def _repr_html_(self) -> str:
        """Return a summary for a notebook."""
        lang = notebook_language()
        by = self.moves.groupby(["kind", "by"], sort=True)["area_m2"].agg(["size", "sum"])
        reasons, kinds = section("by", lang), section("move", lang)
        rows = "".join(
            f"<tr><td>{html.escape(kinds[kind])}</td><td>{html.escape(reasons[why])}</td>"
            f"<td>{int(row['size']):,}</td><td>{size(float(row['sum']))}</td></tr>"
            for (kind, why), row in by.iterrows()
        )
        names = section("repair", lang)
        titles = (names["moved"], names["by"], names["pieces"], say(self._unit, lang))
        head = "".join(f"<th>{html.escape(title)}</th>" for title in titles)
        closing = html.escape("\n".join(say(line, lang) for line in self._closing()))
        return f"<p>{closing}</p><table><tr>{head}</tr>{rows}</table>"


@checked
def repair_cells(
    cells: gpd.GeoDataFrame,
    within: gpd.GeoDataFrame | None = None,
    *,
    gap_width: float = GAP_WIDTH_M,
    priority: str | None = None,
    crs: Any = None,
) -> Repair:
    """Return the cells as an exact coverage, with every change that this took.

    Gaps up to `gap_width` are closed, overlaps settled, borders matched vertex by vertex, invalid
    polygons mended, and what reaches beyond the land is cut off. Wider gaps are left: they may be
    lakes, or cells that are missing. Cells without a fault stay as they are, but for vertices that
    their neighbours share within 1 mm.

    Parameters
    ----------
    cells
        Polygons in any CRS, on any index; never changed. Without a CRS they are measured in their
        own units, which cannot be degrees.
    within
        The land that they have to fill, in the same CRS. Its borders are law. Each cell belongs to
        the polygon that holds most of it.
    gap_width
        Metres: the diameter of the largest circle that fits into a gap that is closed.
    priority
        Column of numbers: where cells overlap the higher wins.
    crs
        CRS of the layers that name none, such as ``EPSG:4547``; the result has it.

    Raises
    ------
    InputError
        Coordinates in other units than their CRS says, or degrees without a CRS. No polygon at all,
        a missing column, layers in different CRS, several levels at once.
    ProofError
        A coverage that could not be made exact, with the places; nothing was written.

    Notes
    -----
    Where two outlines disagree, one cell has to accept the line of the other. The length of border
    that cells have to accept and did not draw is made as small as possible
    (`gridcell.coverage.settle`): so a border that the other neighbours share wins over one that
    nobody shares, and where nobody else has a say the longest border does. A cell that lies in
    another keeps its land. Gaps are divided into constrained Delaunay triangles first.

    Examples
    --------
    >>> import geopandas, gridcell, shapely
    >>> west = shapely.box(500_000, 2_500_000, 500_100, 2_500_100)
    >>> east = shapely.box(500_098, 2_500_000, 500_200, 2_500_100)
    >>> cells = geopandas.GeoDataFrame(
    ...     {"code": ["W", "E"]}, geometry=[west, east], crs="EPSG:4547"
    ... )
    >>> repair = gridcell.repair_cells(cells)
    >>> print(repair.to_text())
    overlap        200 m2  E -> W  (longest border)
    2 of 2 cells changed, 1 piece of land moved, 200 m2 in all; proved to be an exact coverage
    >>> gridcell.check_cells(repair.cells).ok
    True
    """
    named = parse_crs(crs)
    table = CellTable.of(cells, "cell", named)
    land = None if within is None else CellTable.of(within, "land", named)
    if land is not None:
        require_one_crs(table.frame.crs, land.frame.crs)
        land = land.covering(_sound_land(land))
    rank = _priorities(table, priority)
    mending = mend(table.shapes)
    drawn = mending.shapes
    if shapely.is_missing(drawn).all():
        raise InputError(Message("error.nothing_to_repair"))
    levels = find_levels(table.covering(drawn))
    shapes, moves, left = drawn.copy(), list[LandMove](), list[Geometries]()
    for number in range(len(levels.number)):
        # The level above is law, as it is after its own repair.
        level = _in_order(plan_levels(table.covering(shapes), levels, land)[number], shapes)
        _require_some_inside(level, table, land)
        above = np.empty(0, object) if level.land is None else level.land.cover
        settings = _settings(table, level, above, rank, gap_width)
        repaired = repair_coverage(shapes[level.rows], settings)
        _require_exact(repaired, table, level)
        shapes[level.rows] = repaired.shapes
        moves += [_on_rows(move, level.rows) for move in repaired.moves]
        left.append(np.asarray(repaired.proof.gap_pieces.geometry, dtype=object))
    doubts = (*table.doubts, *(() if land is None else land.doubts))
    return _told(table, mending, drawn, shapes, moves, np.concatenate(left), doubts)


def _require_some_inside(level: Level, table: CellTable, land: CellTable | None) -> None:
    """Raise `InputError` where no cell at all lies in the land: it is another town's."""
    if land is None or level.land is not land or (level.parent >= 0).any():
        return
    raise InputError(
        Message(
            "error.no_cell_in_land", n_cells=len(level.rows),
            cells=_place(table.shapes), land=_place(land.shapes),
        )
    )  # fmt: skip


def _place(shapes: Geometries) -> str:
    west, south, east, north = shapely.total_bounds(shapes)
    return f"{west:.6g} {south:.6g} {east:.6g} {north:.6g}"


def _in_order(level: Level, shapes: Geometries) -> Level:
    """Return the level with its rows in the order of their shapes, whatever the order of rows.

    Where the evidence is even the first wins; only of equal polygons that is the earlier row.
    """
    shapes = shapes[level.rows]
    middle = shapely.get_coordinates(shapely.centroid(shapes[~shapely.is_missing(shapes)]))
    keys = np.full((len(shapes), 7), np.inf)
    keys[:, :4], keys[:, 4] = shapely.bounds(shapes), shapely.area(shapes)
    keys[~shapely.is_missing(shapes), 5:] = middle
    order = np.lexsort(keys.T)
    return replace(level, rows=level.rows[order], parent=level.parent[order])


def _require_exact(repaired: RepairedCoverage, table: CellTable, level: Level) -> None:
    """Raise `ProofError` with the places where faults are left."""
    if repaired.exact:
        return
    proof = repaired.proof
    frames = (proof.overlap_pieces, proof.outside_pieces, proof.gap_pieces)
    places = pd.concat([frame.geometry for frame in frames])
    rows = np.concatenate([proof.unmatched, proof.overlap_pieces["left"].to_numpy(np.int64)])
    names = [table.name[row] for row in level.rows[np.unique(rows)][:5]]
    near: Value = ""
    if len(places):
        near = Message("part.near", place=shapely.point_on_surface(places.iloc[0]).wkt)
    raise ProofError(
        Message(
            "error.not_repaired", number=len(places), rounds=ROUNDS, near=near,
            cells=tuple(names) or Message("part.the_rim"),
        )
    )  # fmt: skip


def _settings(
    table: CellTable, level: Level, above: Geometries, rank: Floats, gap_width: float
) -> RepairSettings:
    scale = table.scale()
    # Cells outside all land have no parent: row -1 of the land.
    return RepairSettings(
        land=above, parent=level.parent if len(above) else np.zeros(len(level.rows), np.int64),
        rank=rank[level.rows], gap_width=gap_width, near=NEAR_M / max(scale),
        scale=scale,
    )  # fmt: skip


def _sound_land(land: CellTable) -> Geometries:
    """Return the polygons of the land.

    Raises
    ------
    InputError
        A row that is no valid polygon: law must be beyond doubt.
    """
    bad = np.flatnonzero(~shapely.is_valid(land.shapes) | shapely.is_empty(land.shapes))
    if len(bad):
        raise InputError(
            Message(
                "error.land_invalid",
                row=land.name[bad[0]],
                n_invalid=len(bad),
                n_rows=len(land.name),
                reason=shapely.is_valid_reason(land.shapes[bad[0]]),
            )
        )
    return land.shapes


def _priorities(table: CellTable, priority: str | None) -> Floats:
    if priority is None:
        return np.zeros(len(table.name))
    column = find_column(table.frame, (priority,))
    if column is None:
        known = ", ".join(str(name) for name in table.frame.columns[:12])
        raise InputError(Message("error.priority_no_column", column=priority, columns=known))
    numbers = pd.to_numeric(column_of(table.frame, column), errors="coerce")
    if numbers.isna().any():
        row = int(np.flatnonzero(numbers.isna())[0])
        raise InputError(Message("error.priority_no_number", column=column, row=table.name[row]))
    return numbers.to_numpy(np.float64)


def _on_rows(move: LandMove, rows: Ints) -> LandMove:
    """Return a move with rows of the layer instead of rows of its level."""
    to = int(rows[move.to]) if move.to != NOBODY else NOBODY
    return replace(move, lost=tuple(int(rows[row]) for row in move.lost), to=to)


def _told(
    table: CellTable,
    mending: Mended,
    drawn: Geometries,
    shapes: Geometries,
    moves: list[LandMove],
    left: Geometries,
    doubts: tuple[Message, ...],
) -> Repair:
    new = np.array(table.frame.geometry.array, dtype=object)
    changed = np.flatnonzero([a is not b for a, b in zip(shapes, table.shapes, strict=True)])
    new[changed] = shapes[changed]
    frame = table.frame.copy()
    frame[frame.active_geometry_name] = gpd.GeoSeries(new, index=frame.index, crs=frame.crs)
    nothing = shapely.is_missing(drawn)
    gone = shapely.is_missing(shapes) & ~nothing
    outside = np.zeros(len(gone), dtype=bool)
    outside[[row for move in moves if move.kind == "outside" for row in move.lost]] = True
    covered, cut_off = np.flatnonzero(gone & ~outside), np.flatnonzero(gone & outside)
    return Repair(
        cells=frame,
        moves=_moves_frame(table, moves, covered),
        changed=changed,
        mended=_names(table, np.flatnonzero(mending.invalid & ~nothing)),
        doubtful=_names(table, np.flatnonzero(mending.doubtful)),
        without=_names(table, np.flatnonzero(nothing & ~mending.doubtful)),
        lost=_names(table, covered),
        cut_off=_names(table, cut_off),
        left=_left_frame(table, left),
        doubts=(
            *doubts,
            *([OWN_UNITS] if frame.crs is None else []),
        ),
    )


def _names(table: CellTable, rows: Ints) -> tuple[str, ...]:
    return tuple(table.name[row] for row in rows)


def _left_frame(table: CellTable, gaps: Geometries) -> gpd.GeoDataFrame:
    metric = table.units.in_metres(gaps)
    area, width = np.asarray(shapely.area(metric)), width_of(metric, tolerance=WIDTH_ERROR)
    frame = gpd.GeoDataFrame(
        {
            "kind": np.where(is_sliver(area, width), "sliver", "hole"),
            "area_m2": area,
            "width_m": width,
        },
        geometry=gaps,
        crs=table.frame.crs,
    )
    return frame.sort_values("area_m2", ascending=False, kind="stable", ignore_index=True)


def _moves_frame(table: CellTable, moves: list[LandMove], gone: Ints) -> gpd.GeoDataFrame:
    shapes = np.array([move.shape for move in moves], dtype=object)
    metric = table.units.in_metres(shapes)
    columns = {
        "kind": [move.kind for move in moves],
        "lost": [";".join(sorted(table.name[row] for row in move.lost)) for move in moves],
        "got": ["" if move.to == NOBODY else table.name[move.to] for move in moves],
        "area_m2": shapely.area(metric),
        "width_m": width_of(metric, tolerance=WIDTH_ERROR),
        # Who lost everything to an enclave was the same polygon again.
        "by": ["earlier row" if set(move.lost) & set(gone.tolist()) else move.by for move in moves],
        "margin_m": [move.margin if np.isfinite(move.margin) else np.nan for move in moves],
    }
    # Without a move, columns would have no type of their own, and files numbers for texts.
    typed = {
        name: pd.Series(values, dtype="str" if name in _MOVE_TEXTS else "float64")
        for name, values in columns.items()
    }
    frame = gpd.GeoDataFrame(typed, geometry=shapes, crs=table.frame.crs)
    order = frame.sort_values(
        ["area_m2", "kind", "lost", "got"], ascending=[False, True, True, True], kind="stable"
    ).index
    return frame.loc[order].reset_index(drop=True)
