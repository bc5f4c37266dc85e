"""The rules that every plan keeps, checked on the finished plan alone."""

from collections.abc import Iterator, Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from gridcell.check.buildings import find_cut_buildings
from gridcell.coverage.proof import CoverageProof, prove_coverage
from gridcell.model import Finding, Plan, Severity, place_of
from gridcell.schema import LEVELS

PROVEN = ("large", "medium", "small", "leaves")
"""Levels that cover their land, each within the one before."""


def prove_plan(plan: Plan) -> dict[str, CoverageProof]:
    """Return the proof of each level: large, medium, small, leaves.

    Large cells are compared with the union of their communities, every other level with the cells
    of the level above it.
    """
    above = {"medium": plan.large, "small": plan.medium, "leaves": plan.small}
    proofs = {"large": _prove_large(plan)}
    for level, land in above.items():
        cells = plan.cells(level)
        proofs[level] = prove_coverage(
            cells.geometry, land.geometry, parent_of=parent_rows(cells, land)
        )
    return proofs


def check_plan(plan: Plan, proofs: Mapping[str, CoverageProof] | None = None) -> list[Finding]:
    """Return a finding for every place where a plan breaks a rule; none of them is an exception.

    Parameters
    ----------
    plan
        Any plan, computed or read from files.
    proofs
        What `prove_plan` returned, if it was called before.

    Returns
    -------
    Findings in no particular order. Kinds: ``gap``, ``overlap``, ``outside``, ``unmatched_border``,
    ``invalid_geometry``, ``area_sum``, ``multipart``, ``duplicate_code``, ``wrong_parent``,
    ``wrong_level``, ``code_not_nested``, ``wrong_leaf``, ``totals``, ``unknown_code``,
    ``duplicate_household``, ``cut_building``.
    """
    proofs = prove_plan(plan) if proofs is None else proofs
    findings = [f for level in PROVEN for f in _coverage_findings(plan, level, proofs[level])]
    findings.extend(_multipart(plan))
    for level in LEVELS:
        findings.extend(_codes(plan, level))
    findings.extend(_leaves(plan))
    findings.extend(_totals(plan))
    findings.extend(_references(plan))
    findings.extend(find_cut_buildings(plan.buildings, plan.leaves))
    return findings


def coverage_figures(
    plan: Plan, proofs: Mapping[str, CoverageProof] | None = None
) -> dict[str, Any]:
    """Return ``coverage`` and ``multipart_cells`` for the report.

    Parameters
    ----------
    plan
        The plan.
    proofs
        What `prove_plan` returned, if it was called before.
    """
    proofs = prove_plan(plan) if proofs is None else proofs
    coverage = {
        level: {
            "gaps": proof.gaps,
            "gap_m2": round(proof.gap_m2, 6),
            "overlaps": proof.overlaps,
            "overlap_m2": round(proof.overlap_m2, 6),
            "edge_matched": proof.edge_matched and proof.exact,
        }
        for level, proof in proofs.items()
    }
    cells = pd.concat([plan.small["geometry"], plan.micro["geometry"]])
    return {"coverage": coverage, "multipart_cells": int((_parts(cells) > 1).sum())}


def _prove_large(plan: Plan) -> CoverageProof:
    owner = find_rows(plan.medium["parent"], plan.large["code"])
    sound = np.asarray(plan.medium.geometry.is_valid & (owner >= 0))
    medium = np.asarray(plan.medium.geometry, dtype=object)
    land = np.full(len(plan.large), None, dtype=object)
    for row in np.unique(owner[sound]):
        land[row] = shapely.coverage_union_all(medium[sound & (owner == row)])
    return prove_coverage(plan.large.geometry, land, parent_of=np.arange(len(land)))


def find_rows(codes: "pd.Series[str]", table: "pd.Series[str]") -> NDArray[np.int64]:
    """Return the row of each code in the table, -1 where it is unknown."""
    first = ~table.duplicated()
    rows = pd.Series(np.flatnonzero(first), index=pd.Index(table[first], dtype=object))
    found = rows.reindex(pd.Index(codes, dtype=object))
    return found.fillna(-1).to_numpy(np.int64)


def parent_rows(cells: gpd.GeoDataFrame, land: gpd.GeoDataFrame) -> NDArray[np.int64]:
    """Return for each cell the row of its parent in the level above, -1 where there is none.

    A leaf of level 3 is itself the small cell that it has to fill.
    """
    itself = cells["code"].isin(land["code"]) & (cells["level"] == LEVELS["small"])
    return find_rows(cells["parent"].where(~itself, cells["code"]), land["code"])


def _parts(geometry: "pd.Series[Any]") -> NDArray[np.int64]:
    return shapely.get_num_geometries(np.asarray(geometry, dtype=object)).astype(np.int64)


def _finding(
    kind: str,
    message: str,
    *,
    severity: Severity = "error",
    cell: str | None = None,
    community: str | None = None,
    piece: shapely.Geometry | None = None,
    measure: float | None = None,
) -> Finding:
    return Finding(
        kind=kind, severity=severity, message=message, cell=cell, community=community,
        measure=measure, place=None if piece is None else place_of(piece),
    )  # fmt: skip


def _text(value: object) -> str | None:
    return None if value is None or pd.isna(value) else str(value)  # type: ignore[call-overload]


def _coverage_findings(plan: Plan, level: str, proof: CoverageProof) -> Iterator[Finding]:
    cells = plan.cells(level)
    land = {"large": plan.large, "medium": plan.large, "small": plan.medium}.get(level, plan.small)
    code, above = cells["code"].to_numpy(object), land["code"].to_numpy(object)
    community = cells["community"].to_numpy(object)
    for row, area, piece in _rows_of(proof.gap_pieces, "parent"):
        yield _finding(
            "gap", f"{level}: {area:.6g} m2 of {above[row]} lie in none of its cells",
            cell=_text(above[row]), community=_text(land["community"].iloc[row]),
            piece=piece, measure=area,
        )  # fmt: skip
    for left, right, area, piece in _rows_of(proof.overlap_pieces, "left", "right"):
        yield _finding(
            "overlap", f"{level}: {code[left]} and {code[right]} share {area:.6g} m2",
            cell=_text(code[left]), community=_text(community[left]), piece=piece, measure=area,
        )  # fmt: skip
    for row, area, piece in _rows_of(proof.outside_pieces, "cell"):
        yield _finding(
            "outside", f"{level}: {area:.6g} m2 of {code[row]} lie outside its parent",
            cell=_text(code[row]), community=_text(community[row]), piece=piece, measure=area,
        )  # fmt: skip
    for row in proof.unmatched:
        yield _finding(
            "unmatched_border",
            f"{level}: a border of {code[row]} has other vertices than the neighbour's",
            cell=_text(code[row]), community=_text(community[row]),
            piece=cells.geometry.iloc[row],
        )  # fmt: skip
    for row in proof.invalid_cells:
        geometry = cells.geometry.iloc[row]
        yield _finding(
            "invalid_geometry", f"{level}: {code[row]}: {_why_invalid(geometry)}",
            cell=_text(code[row]), community=_text(community[row]),
        )  # fmt: skip
    if not proof.exact and not proof.gaps and not proof.overlaps and not proof.outside:
        yield _finding(
            "unmatched_border",
            f"{level}: cells and the level above them draw their common borders differently",
        )
    if not proof.areas_add_up:
        yield _finding("area_sum", f"{level}: areas of cells do not add up to their parents'")


def _why_invalid(geometry: BaseGeometry | None) -> str:
    if geometry is None or geometry.is_empty:
        return "no geometry"
    if geometry.geom_type not in ("Polygon", "MultiPolygon"):
        return f"expected a polygon, got a {geometry.geom_type}"
    return str(shapely.is_valid_reason(geometry))


def _rows_of(frame: gpd.GeoDataFrame, *rows: str) -> Iterator[tuple[Any, ...]]:
    columns = [frame[name] for name in (*rows, "area_m2", "geometry")]
    return zip(*columns, strict=True)


def _multipart(plan: Plan) -> Iterator[Finding]:
    scattered = set(plan.medium.loc[_parts(plan.medium.geometry) > 1, "code"])
    for level in LEVELS:
        cells = plan.cells(level)
        for cell in cells[_parts(cells.geometry) > 1].itertuples():
            given = (
                level in ("large", "medium")
                or cell.grid_type == "dedicated"
                or cell.community in scattered
            )
            yield _finding(
                "multipart", f"{level}: {cell.code} is not one connected piece",
                severity="warning" if given else "error",
                cell=_text(cell.code), community=_text(cell.community), piece=cell.geometry,
                measure=float(shapely.get_num_geometries(cell.geometry)),
            )  # fmt: skip


def _codes(plan: Plan, level: str) -> Iterator[Finding]:
    cells = plan.cells(level)
    others = [plan.cells(name)["code"] for name, number in LEVELS.items() if number < LEVELS[level]]
    seen = cells["code"].duplicated() | cells["code"].isin(pd.concat([*others, cells["code"][:0]]))
    wrong = cells["level"] != LEVELS[level]
    faults: list[tuple[str, Any, str]] = [
        ("duplicate_code", seen | cells["code"].isna(), "the code is missing or used before"),
        ("wrong_level", wrong, f"expected level {LEVELS[level]}"),
    ]
    if level != "large":
        above = {"medium": plan.large, "small": plan.medium, "micro": plan.small}[level]
        known = cells["parent"].isin(above["code"])
        nested = [
            isinstance(parent, str) and str(code).startswith(parent)
            for code, parent in zip(cells["code"], cells["parent"], strict=True)
        ]
        faults.append(("wrong_parent", ~known, "its parent is not among the level above"))
        faults.append(("code_not_nested", known & ~np.array(nested, dtype=bool),
                       "the code does not begin with its parent's"))  # fmt: skip
    else:
        faults.append(("wrong_parent", cells["parent"].notna(), "expected no parent"))
    for kind, mask, text in faults:
        # Codes of communities and of the large cells they name are both given.
        severity: Severity = (
            "warning" if (kind, level) == ("code_not_nested", "medium") else "error"
        )
        for cell in cells[np.asarray(mask, dtype=bool)].itertuples():
            yield _finding(
                kind, f"{level}: {cell.code}: {text}", severity=severity,
                cell=_text(cell.code), community=_text(cell.community),
            )  # fmt: skip


def _leaves(plan: Plan) -> Iterator[Finding]:
    """Compare the leaves with the cells that have no children."""
    childless = plan.small[~plan.small["code"].isin(plan.micro["parent"])]
    cells = pd.concat([childless[["code", "geometry"]], plan.micro[["code", "geometry"]]])
    row = find_rows(cells["code"], plan.leaves["code"])
    same = shapely.equals_identical(
        np.asarray(cells["geometry"], dtype=object),
        np.asarray(plan.leaves.geometry, dtype=object)[row] if len(plan.leaves) else None,
    )
    for code, place, equal in zip(cells["code"], row, same, strict=True):
        if place < 0:
            yield _finding("wrong_leaf", f"{code} has no children and is no leaf", cell=_text(code))
        elif not equal:
            yield _finding("wrong_leaf", f"{code}: cell and leaf differ in shape", cell=_text(code))
    for code in plan.leaves["code"][~plan.leaves["code"].isin(cells["code"])]:
        yield _finding("wrong_leaf", f"leaf {code} is no cell without children", cell=_text(code))


def _totals(plan: Plan) -> Iterator[Finding]:
    for above, level in (("large", "medium"), ("medium", "small"), ("small", "micro")):
        parents = plan.cells(above).drop_duplicates("code").set_index("code")
        grouped = plan.cells(level).groupby("parent")
        sums = grouped["households"].sum()
        shared = parents.index.intersection(sums.index)
        got = parents.loc[shared, "households"]
        for code in shared[(got != sums[shared]).to_numpy(dtype=bool)]:
            yield _finding(
                "totals",
                f"{above}: {code} has {got[code]} households, its cells {sums[code]}",
                cell=code, measure=float(abs(got[code] - sums[code])),
            )  # fmt: skip
        # A building cut into slabs counts in each cell that has one, and once above them.
        most, all_of = grouped["buildings"].max(), grouped["buildings"].sum()
        count = parents.loc[shared, "buildings"]
        wrong = (count < most[shared]) | (count > all_of[shared])
        for code in shared[wrong.to_numpy(dtype=bool)]:
            yield _finding(
                "totals",
                f"{above}: {code} has {count[code]} buildings, its cells {all_of[code]}",
                cell=code, measure=float(abs(count[code] - all_of[code])),
            )  # fmt: skip


def _references(plan: Plan) -> Iterator[Finding]:
    leaves = plan.leaves["code"]
    assigned = plan.households[plan.households["code"].notna()]
    for row in assigned[~assigned["code"].isin(leaves)].itertuples():
        yield _finding(
            "unknown_code", f"household {row.household_id}: {row.code} is no leaf",
            cell=_text(row.code),
        )  # fmt: skip
    lost = plan.households[plan.households["code"].isna() & plan.households["reason"].isna()]
    for row in lost.itertuples():
        yield _finding("unknown_code", f"household {row.household_id}: neither cell nor reason")
    # Households left out without a register have no id; a line of several may fill several slabs.
    known = plan.households["household_id"].notna()
    again = known & plan.households["household_id"].duplicated()
    same = plan.households.duplicated(["household_id", "code"])
    twice = plan.households[again & (same | plan.households.index.isin(lost.index))]
    for row in twice.itertuples():
        yield _finding("duplicate_household", f"household {row.household_id} is listed twice")
    # Buildings outside every community have no code.
    inside = plan.buildings["code"].notna()
    strays = plan.buildings[inside & ~plan.buildings["code"].isin(leaves)]
    for row in strays.itertuples():
        yield _finding(
            "unknown_code", f"building {row.bldg_id}: {row.code} is no leaf", cell=_text(row.code)
        )
