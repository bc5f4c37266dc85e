"""Cells in longitude and latitude: exact coverages on a lattice."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries
from gridcell.check.plan import find_rows, parent_rows, prove_plan
from gridcell.coverage.dissolve import dissolve
from gridcell.coverage.lattice import (
    DECIMALS,
    LONLAT,
    LatticeCoverage,
    round_to_lattice,
    to_lattice,
)
from gridcell.coverage.proof import CoverageProof, prove_coverage
from gridcell.errors import ProofError
from gridcell.model import Finding, Plan, place_of
from gridcell.schema import CELL_LAYERS
from gridcell.words.messages import Message


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class LonLatCells:
    """The cells of a plan in longitude and latitude."""

    levels: Mapping[str, gpd.GeoDataFrame]
    """By level, sorted by code; no geometry where a cell is smaller than the lattice."""
    findings: tuple[Finding, ...]
    """``collapsed`` and ``split`` cells."""
    estimated: bool
    """Whether households were estimated: the files say so."""
    note: str | None
    """What published files say of themselves."""


def cells_lonlat(
    plan: Plan,
    *,
    decimals: int = DECIMALS,
    proofs: Mapping[str, CoverageProof] | None = None,
) -> LonLatCells:
    """Return the cells of every level in WGS 84, each level again an exact coverage.

    Leaves are rounded, every level above is made of the one below. A plan whose own levels do not
    cover their land is not mended: its cells are rounded as they are.

    Parameters
    ----------
    plan
        The plan.
    decimals
        Digits of a degree.
    proofs
        What `gridcell.check.prove_plan` returned, if it was called before.

    Raises
    ------
    ProofError
        The levels fitted before, but do not on this lattice.
    """
    proofs = prove_plan(plan) if proofs is None else proofs
    estimated = plan.is_estimated
    frames = {
        level: plan.cells(level).sort_values("code", kind="stable", ignore_index=True)
        for level in CELL_LAYERS
    }
    if not all(proof.holds and proof.exact for proof in proofs.values()):
        plain = {
            level: round_to_lattice(cell_geometry(frame), plan.crs, decimals=decimals)
            for level, frame in frames.items()
        }
        return LonLatCells(
            levels=_lonlat(frames, plain), findings=(), estimated=estimated, note=plan.note()
        )
    leaves = to_lattice(cell_geometry(frames["leaves"]), plan.crs, decimals=decimals)
    geometry = {"leaves": leaves.cells}
    below = "leaves"
    for level in ("small", "medium", "large"):
        parent = parent_rows(frames[below], frames[level])
        geometry[level] = dissolve(geometry[below], parent, len(frames[level]))
        _require_cover(geometry[below], geometry[level], parent, level)
        below = level
    itself = find_rows(frames["micro"]["code"], frames["leaves"]["code"])
    geometry["micro"] = leaves.cells[itself]
    return LonLatCells(
        levels=_lonlat(frames, geometry),
        findings=tuple(_lattice_findings(frames["leaves"], leaves)),
        estimated=estimated,
        note=plan.note(),
    )


def cell_geometry(frame: gpd.GeoDataFrame) -> Geometries:
    """Return the shapes of a layer as an array."""
    return np.asarray(frame.geometry, dtype=object)


def _require_cover(
    cells: Geometries, land: Geometries, parent: NDArray[np.int64], level: str
) -> None:
    """Prove what is about to be written."""
    there = ~shapely.is_missing(cells)
    proof = prove_coverage(cells[there], land, parent_of=parent[there])
    # A parent all of whose cells are smaller than the lattice is gone with them.
    gone = np.flatnonzero(shapely.is_missing(land))
    sound = not len(np.setdiff1d(proof.invalid_land, gone)) and not len(proof.invalid_cells)
    faults = proof.gaps + proof.overlaps + proof.outside + len(proof.unmatched)
    if faults or not (sound and proof.exact and proof.areas_add_up):
        raise ProofError(
            Message(
                "error.bug_lonlat",
                level=level,
                gaps=proof.gaps,
                overlaps=proof.overlaps,
                unmatched=len(proof.unmatched),
            )
        )


def _lattice_findings(frame: gpd.GeoDataFrame, leaves: LatticeCoverage) -> Iterator[Finding]:
    for kind, rows in (("collapsed", leaves.collapsed), ("split", leaves.split)):
        for cell in frame.iloc[rows].itertuples():
            yield Finding(
                kind=kind, severity="warning", cell=cell.code, community=cell.community,
                text=Message(f"finding.{kind}", cell=cell.code), place=place_of(cell.geometry),
            )  # fmt: skip


def _lonlat(
    frames: Mapping[str, gpd.GeoDataFrame], geometry: Mapping[str, Geometries]
) -> dict[str, gpd.GeoDataFrame]:
    return {
        level: frame.drop(columns="geometry").set_geometry(geometry[level], crs=LONLAT)
        for level, frame in frames.items()
    }
