"""Proofs over a polygon layer that nobody here drew."""

from collections.abc import Iterator

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries
from gridcell.coverage.proof import CoverageProof, prove_coverage
from gridcell.errors import InputError
from gridcell.model import Finding, place_of


def check_cells(cells: gpd.GeoDataFrame, within: gpd.GeoDataFrame | None = None) -> list[Finding]:
    """Return what keeps cells from being an exact coverage.

    Parameters
    ----------
    cells
        Polygons in any CRS; a column ``code``, if there is one, names them and must be unique.
        Without it they are called by their row, counted from 0.
    within
        The land that they have to cover, in the same CRS, with ``code`` or not. A cell belongs to
        the polygon that holds a point of it. Without it only holes between cells are gaps.

    Returns
    -------
    Findings in no particular order, all errors: ``overlap``, ``gap``, ``outside``,
    ``unmatched_border``, ``invalid_geometry``, ``area_sum``, ``duplicate_code``. Areas are in
    m2, places in the CRS of the cells.

    Raises
    ------
    InputError
        The two layers are in different CRS.
    """
    land = None if within is None else np.asarray(within.geometry, dtype=object)
    parent = None
    if within is not None and land is not None:
        _require_one_crs(cells.crs, within.crs)
        parent = _holding(np.asarray(cells.geometry, dtype=object), land)
    proof = prove_coverage(cells.geometry, land, parent_of=parent)
    return [
        finding
        for findings in (
            _faults(cells, within, proof.invalid_cells, proof.invalid_land),
            _pieces("gap", proof.gap_pieces, _names(within), cells.crs),
            _pieces("overlap", proof.overlap_pieces, _names(cells), cells.crs),
            _pieces("outside", proof.outside_pieces, _names(cells), cells.crs),
            _unmatched(cells, proof.unmatched),
            _untold(proof),
        )
        for finding in findings
    ]


def _require_one_crs(cells: pyproj.CRS | None, within: pyproj.CRS | None) -> None:
    if cells != within:
        name = [crs.name if crs else "no CRS" for crs in (cells, within)]
        raise InputError(
            f"the cells are in {name[0]}, the land in {name[1]}: borders can only be compared in "
            f"one CRS; transform one of them"
        )


def _holding(cells: Geometries, land: Geometries) -> NDArray[np.int64]:
    """Return the row of the land that holds a point of each cell, -1 for none."""
    sound = np.flatnonzero(shapely.is_valid(cells) & ~shapely.is_empty(cells))
    usable = np.flatnonzero(shapely.is_valid(land))
    points = np.asarray(shapely.point_on_surface(cells[sound]), dtype=object)
    cell, row = shapely.STRtree(land[usable]).query(points, predicate="intersects")
    parent = np.full(len(cells), -1, dtype=np.int64)
    # Backwards, so that the first of several stays.
    order = np.lexsort((row, cell))[::-1]
    parent[sound[cell[order]]] = usable[row[order]]
    return parent


def _names(frame: gpd.GeoDataFrame | None) -> list[str]:
    if frame is None:
        return ["the outline of all cells"]
    if "code" not in frame:
        return [f"row {row}" for row in range(len(frame))]
    missing = frame["code"].isna()
    return [
        f"row {row}" if gone else str(code)
        for row, (code, gone) in enumerate(zip(frame["code"], missing, strict=True))
    ]


def _pieces(
    kind: str, frame: gpd.GeoDataFrame, names: list[str], crs: pyproj.CRS | None
) -> Iterator[Finding]:
    text = {
        "gap": "{area:.6g} m2 of {first} lie in none of its cells",
        "overlap": "{first} and {second} share {area:.6g} m2",
        "outside": "{area:.6g} m2 of {first} lie outside the land it belongs to",
    }[kind]
    rows = frame[frame.columns[:-2]].to_numpy()
    metric = frame.geometry
    if len(frame) and crs is not None and crs.is_geographic:
        metric = metric.to_crs(metric.estimate_utm_crs())
    areas = shapely.area(np.asarray(metric, dtype=object))
    for about, area, piece in zip(rows, areas, frame.geometry, strict=True):
        first, second = names[about[0]], names[about[-1]]
        yield Finding(
            kind=kind, severity="error", cell=None if kind == "gap" else first,
            message=text.format(area=area, first=first, second=second),
            measure=float(area), place=place_of(piece),
        )  # fmt: skip


def _unmatched(cells: gpd.GeoDataFrame, rows: NDArray[np.int64]) -> Iterator[Finding]:
    names = _names(cells)
    for row in rows:
        yield Finding(
            kind="unmatched_border", severity="error", cell=names[row],
            message=f"a border of {names[row]} has other vertices than the neighbour's",
            place=place_of(cells.geometry.iloc[row]),
        )  # fmt: skip


def _untold(proof: CoverageProof) -> Iterator[Finding]:
    """Yield what keeps a proof from holding without any piece to show for it."""
    if not proof.areas_add_up:
        yield Finding(
            kind="area_sum", severity="error",
            message="areas of cells, gaps and overlaps do not add up to the land",
        )  # fmt: skip
    elif not (proof.closed or proof.gaps or proof.overlaps or proof.outside or proof.invalid):
        yield Finding(
            kind="unmatched_border", severity="error",
            message="cells and the land draw their common borders differently",
        )  # fmt: skip


def _faults(
    cells: gpd.GeoDataFrame,
    within: gpd.GeoDataFrame | None,
    invalid_cells: NDArray[np.int64],
    invalid_land: NDArray[np.int64],
) -> Iterator[Finding]:
    for what, frame, rows in (("cell", cells, invalid_cells), ("land", within, invalid_land)):
        names = _names(frame)
        for row in rows:
            yield Finding(
                kind="invalid_geometry", severity="error", cell=names[row],
                message=f"{what} {names[row]} is no valid polygon",
            )  # fmt: skip
    if "code" in cells:
        for code in cells.loc[cells["code"].duplicated() & cells["code"].notna(), "code"]:
            yield Finding(
                kind="duplicate_code", severity="error", cell=str(code),
                message=f"{code} names several cells",
            )  # fmt: skip
