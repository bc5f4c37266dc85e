"""Cells of a plan as shapes: coverage, connectedness, and the figures that shapes tell."""

from collections.abc import Iterator
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from gridcell.check.promises.faults import cell_faults, fault, layer, numbers, text
from gridcell.coverage.proof import CoverageProof
from gridcell.coverage.reach import within_reach
from gridcell.model import Finding, Plan, Severity
from gridcell.schema import LEVELS
from gridcell.words.messages import Message

PRECISION = 1e-6
"""Figures with decimals are equal where they differ by no more than this share of them."""


def coverage_findings(plan: Plan, level: str, proof: CoverageProof) -> Iterator[Finding]:
    """Yield what the proof of a level found, with codes in place of rows."""
    cells = plan.cells(level)
    land = {"large": plan.large, "medium": plan.large, "small": plan.medium}.get(level, plan.small)
    code, above = cells["code"].to_numpy(object), land["code"].to_numpy(object)
    community = cells["community"].to_numpy(object)
    for row, area, piece in _rows_of(proof.gap_pieces, "parent"):
        yield fault(
            "gap", Message("finding.gap", level=layer(level), area=area, cell=above[row]),
            cell=text(above[row]), community=text(land["community"].iloc[row]),
            piece=piece, measure=area,
        )  # fmt: skip
    for left, right, area, piece in _rows_of(proof.overlap_pieces, "left", "right"):
        yield fault(
            "overlap",
            Message("finding.overlap", level=layer(level), a=code[left], b=code[right], area=area),
            cell=text(code[left]), others=(str(code[right]),), community=text(community[left]),
            piece=piece, measure=area,
        )  # fmt: skip
    for row, area, piece in _rows_of(proof.outside_pieces, "cell"):
        yield fault(
            "outside", Message("finding.outside", level=layer(level), area=area, cell=code[row]),
            cell=text(code[row]), community=text(community[row]), piece=piece, measure=area,
        )  # fmt: skip
    for row in proof.unmatched:
        yield fault(
            "unmatched_border",
            Message("finding.unmatched_border", level=layer(level), cell=code[row]),
            cell=text(code[row]), community=text(community[row]),
            piece=cells.geometry.iloc[row],
        )  # fmt: skip
    for row in proof.invalid_cells:
        yield fault(
            "invalid_geometry",
            Message(
                "finding.cell", level=layer(level), cell=code[row],
                fault=_why_invalid(cells.geometry.iloc[row]),
            ),
            cell=text(code[row]), community=text(community[row]),
        )  # fmt: skip
    if not proof.exact and not proof.gaps and not proof.overlaps and not proof.outside:
        yield fault(
            "unmatched_border",
            Message("finding.unmatched_border_above", level=layer(level)),
        )
    if not proof.areas_add_up:
        yield fault("area_sum", Message("finding.area_sum", level=layer(level)))


def multipart(plan: Plan) -> Iterator[Finding]:
    """Yield the cells in several pieces; where a community or a site is, they are excused."""
    scattered = set(plan.medium.loc[parts(plan.medium.geometry) > 1, "community"])
    for level in LEVELS:
        cells = plan.cells(level)
        for cell in cells[parts(cells.geometry) > 1].itertuples():
            given = (
                level in ("large", "medium")
                or cell.grid_type == "dedicated"
                or cell.community in scattered
            )
            severity: Severity = "warning" if given else "error"
            yield fault(
                "multipart", Message("finding.multipart", level=layer(level), cell=cell.code),
                severity=severity, cell=text(cell.code), community=text(cell.community),
                piece=cell.geometry, measure=float(shapely.get_num_geometries(cell.geometry)),
            )  # fmt: skip


def measures(plan: Plan) -> Iterator[Finding]:
    """Yield ``wrong_area`` and ``wrong_compactness``: figures that are not those of the shape."""
    for level in LEVELS:
        cells = plan.cells(level)
        geometry = np.array(cells.geometry, dtype=object)
        # What has no area is no valid geometry either, and reported as such.
        geometry[~within_reach(geometry)] = None
        area, length = shapely.area(geometry), shapely.length(geometry)
        sound = area > 0
        ratio = 4 * np.pi * area / np.where(sound, length, 1.0) ** 2
        for kind, name, true in (
            ("wrong_area", "area_m2", area),
            ("wrong_compactness", "compactness", ratio),
        ):
            given = numbers(cells[name])
            off = sound & ~(np.abs(given - true) <= PRECISION * true)
            said = np.full(len(cells), None, dtype=object)
            said[off] = [
                Message("fault.shape_figure", name=name, given=got, true=fact)
                for got, fact in zip(given[off], true[off], strict=True)
            ]
            yield from cell_faults(kind, level, cells, off, said)


def parts(geometry: "pd.Series[Any]") -> NDArray[np.int64]:
    """Return the number of parts of each geometry."""
    return shapely.get_num_geometries(np.asarray(geometry, dtype=object)).astype(np.int64)


def _why_invalid(geometry: BaseGeometry | None) -> Message:
    if geometry is None or geometry.is_empty:
        return Message("fault.no_geometry")
    if geometry.geom_type not in ("Polygon", "MultiPolygon"):
        return Message("fault.wrong_type", type=geometry.geom_type)
    if not within_reach(np.array([geometry], dtype=object)).all():
        return Message("fault.out_of_reach")
    return Message("fault.invalid", reason=str(shapely.is_valid_reason(geometry)))


def _rows_of(frame: gpd.GeoDataFrame, *rows: str) -> Iterator[tuple[Any, ...]]:
    columns = [frame[name] for name in (*rows, "area_m2", "geometry")]
    return zip(*columns, strict=True)
