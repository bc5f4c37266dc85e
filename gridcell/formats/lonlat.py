"""Cells in longitude and latitude: exact coverages on a lattice."""

from collections.abc import Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Final

import geopandas as gpd
import numpy as np
import pyproj
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
from gridcell.work.known import Claim, prove_ahead, taken

_ABOVE: Final = ("small", "medium", "large")
"""Levels above the leaves, each made of the one before."""


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
    frames = _sorted(plan)
    if not all(proof.holds and proof.exact for proof in proofs.values()):
        plain = {
            level: round_to_lattice(cell_geometry(frame), plan.crs, decimals=decimals)
            for level, frame in frames.items()
        }
        return LonLatCells(
            levels=_lonlat(frames, plain), findings=(), estimated=estimated, note=plan.note()
        )
    leaves, geometry = taken(*_claim(frames, plan.crs, decimals))
    itself = find_rows(frames["micro"]["code"], frames["leaves"]["code"])
    return LonLatCells(
        levels=_lonlat(frames, {**geometry, "micro": leaves.cells[itself]}),
        findings=tuple(_lattice_findings(frames["leaves"], leaves)),
        estimated=estimated,
        note=plan.note(),
    )


def begin_lonlat(plan: Plan, executor: Executor | None) -> None:
    """Let a worker find what `cells_lonlat` will be asked for.

    Parameters
    ----------
    plan
        The plan.
    executor
        Whose workers; see `gridcell.work.known.prove_ahead`.
    """
    prove_ahead(*_claim(_sorted(plan), plan.crs, DECIMALS), executor=executor)


def _sorted(plan: Plan) -> dict[str, gpd.GeoDataFrame]:
    return {
        level: plan.cells(level).sort_values("code", kind="stable", ignore_index=True)
        for level in CELL_LAYERS
    }


def _claim(frames: Mapping[str, gpd.GeoDataFrame], crs: pyproj.CRS, decimals: int) -> Claim:
    """Return what levels above the leaves consist of, and the leaves, as arrays to round."""
    below = zip(("leaves", *_ABOVE), _ABOVE, strict=False)
    return (
        f"lattice {decimals} {crs.to_wkt()}", partial(_rounded, crs=crs, decimals=decimals),
        cell_geometry(frames["leaves"]),
        *(parent_rows(frames[level], frames[above]) for level, above in below),
        np.array([len(frames[level]) for level in _ABOVE]),
    )  # fmt: skip


def _rounded(
    leaves: Geometries, *of: NDArray[np.int64], crs: pyproj.CRS, decimals: int
) -> tuple[LatticeCoverage, dict[str, Geometries]]:
    """Return the leaves on the lattice, and the cells of all levels that cover their land.

    Parameters
    ----------
    leaves
        Their polygons.
    of
        For each level, from the leaves on, the row of each cell's parent; at last the numbers of
        cells above the leaves.
    crs, decimals
        As for `cells_lonlat`.
    """
    *parents, counts = of
    lattice = to_lattice(leaves, crs, decimals=decimals)
    geometry = {"leaves": lattice.cells}
    cells = lattice.cells
    for level, parent, count in zip(_ABOVE, parents, counts.tolist(), strict=True):
        geometry[level] = dissolve(cells, parent, count)
        _require_cover(cells, geometry[level], parent, level)
        cells = geometry[level]
    return lattice, geometry


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
