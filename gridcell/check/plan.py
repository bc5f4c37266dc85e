"""The rules that every plan keeps, checked on the finished plan alone."""

import json
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from gridcell.arguments import checked
from gridcell.arrays import Geometries
from gridcell.check.buildings import find_cut_buildings
from gridcell.check.promises.bands import check_bands
from gridcell.check.promises.codes import check_codes, check_lineage
from gridcell.check.promises.dates import check_dates
from gridcell.check.promises.facts import check_facts, coverage_figures
from gridcell.check.promises.faults import find_rows
from gridcell.check.promises.land import check_land, land_claims
from gridcell.check.promises.leaves import check_leaves
from gridcell.check.promises.loads import check_loads
from gridcell.check.promises.people import check_people
from gridcell.check.promises.points import check_points
from gridcell.check.promises.report import compare_report
from gridcell.check.promises.shapes import coverage_findings, measures, multipart
from gridcell.check.promises.totals import check_totals
from gridcell.coverage.proof import CoverageProof, prove_coverage
from gridcell.files.digest import digest_arrays, digest_frame, digest_json
from gridcell.model import Finding, Plan
from gridcell.schema import CELL_LAYERS, LEVELS
from gridcell.work.known import Claim, prove_ahead, prove_once

Texts = NDArray[np.object_]

PROVEN = ("large", "medium", "small", "leaves")
"""Levels that cover their land, each within the one before."""

__all__ = [
    "PROVEN", "begin_proofs", "check_claims", "check_plan", "check_tables", "compare_report",
    "coverage_figures", "find_rows", "parent_rows", "prove_plan",
]  # fmt: skip


def prove_plan(plan: Plan) -> dict[str, CoverageProof]:
    """Return the proof of each level: large, medium, small, leaves.

    Large cells are compared with the union of their communities, every other level with the cells
    of the level above it.
    """
    return {level: prove_once(*claim) for level, claim in _coverage_claims(plan).items()}


def begin_proofs(plan: Plan, executor: Executor | None) -> None:
    """Let workers prove what `prove_plan` and `check_plan` will ask for.

    Parameters
    ----------
    plan
        The plan, with its land and its buildings.
    executor
        Whose workers; see `gridcell.work.known.prove_ahead`.
    """
    for claim in (*_coverage_claims(plan).values(), _cut_claim(plan), *land_claims(plan)):
        prove_ahead(*claim, executor=executor)


def _coverage_claims(plan: Plan) -> dict[str, Claim]:
    """Return by level what is to be proven of which arrays."""
    owner = find_rows(plan.medium["parent"], plan.large["code"])
    sound = np.asarray(plan.medium.geometry.is_valid & (owner >= 0))
    large, medium = (np.asarray(each.geometry, dtype=object) for each in (plan.large, plan.medium))
    claims: dict[str, Claim] = {"large": ("large", _prove_large, large, medium, owner, sound)}
    above = {"medium": plan.large, "small": plan.medium, "leaves": plan.small}
    for level, land in above.items():
        cells = plan.cells(level)
        claims[level] = (
            "coverage", partial(_prove, crs=plan.crs), np.asarray(cells.geometry, dtype=object),
            np.asarray(land.geometry, dtype=object), parent_rows(cells, land),
        )  # fmt: skip
    return claims


def _prove(
    cells: Geometries, land: Geometries, parent: NDArray[np.int64], *, crs: pyproj.CRS
) -> CoverageProof:
    return prove_coverage(gpd.GeoSeries(cells, crs=crs), land, parent_of=parent)


def _prove_large(
    large: Geometries, medium: Geometries, owner: NDArray[np.int64], sound: NDArray[np.bool_]
) -> CoverageProof:
    land = np.full(len(large), None, dtype=object)
    for row in np.unique(owner[sound]):
        land[row] = shapely.coverage_union_all(medium[sound & (owner == row)])
    return prove_coverage(large, land, parent_of=np.arange(len(land)))


@checked
def check_plan(plan: Plan, proofs: Mapping[str, CoverageProof] | None = None) -> list[Finding]:
    """Return a finding for every place where a plan breaks a promise; none is an exception.

    Parameters
    ----------
    plan
        Any plan, computed or read from files.
    proofs
        What `prove_plan` returned, if it was called before.

    Returns
    -------
    Findings in no particular order. Kinds:

    - of shapes: ``gap``, ``overlap``, ``outside``, ``unmatched_border``, ``invalid_geometry``,
      ``area_sum``, ``multipart``, ``wrong_area``, ``wrong_compactness``, ``wrong_leaf``,
      ``cut_building``;
    - of codes: ``duplicate_code``, ``wrong_code``, ``wrong_label``, ``wrong_check_character``,
      ``code_not_nested``, ``wrong_parent``, ``wrong_level``, ``wrong_grid_type``,
      ``wrong_community``, ``wrong_lineage``;
    - of figures: ``totals``, ``wrong_load``, ``wrong_band``, ``wrong_reason``, ``wrong_date``,
      ``share_above_100``, ``report_differs``;
    - of people: ``unknown_code``, ``duplicate_household``, ``wrong_household``,
      ``wrong_building``, ``wrong_post``, ``duplicate_post``;
    - of service points: ``wrong_point``, ``wrong_service``;
    - of the land that it keeps: ``wrong_atoms``.

    Notes
    -----
    Whole numbers and texts must be equal, other figures to a millionth. What is written into a
    file as its report is compared by `compare_report`, what is written into a folder beside the
    plan by `gridcell.certificate.folder.check_plan_folder`.

    Examples
    --------
    `plan` is that of the example of `make_plan`. It keeps every promise, until somebody changes it:

    >>> import dataclasses, gridcell
    >>> gridcell.check_plan(plan)
    []
    >>> changed = dataclasses.replace(plan, large=plan.large.assign(households=901))
    >>> [finding.kind for finding in gridcell.check_plan(changed)]
    ['totals']
    """
    proofs = prove_plan(plan) if proofs is None else proofs
    return [*check_tables(plan), *check_claims(plan, proofs)]


def check_tables(plan: Plan) -> list[Finding]:
    """Return the findings of `check_plan` that need no proof: workers may prove meanwhile."""
    return prove_once("promises", partial(_check_tables, plan), np.array([_digest(plan)]))


def check_claims(plan: Plan, proofs: Mapping[str, CoverageProof]) -> list[Finding]:
    """Return the findings of `check_plan` beside those of `check_tables`.

    Parameters
    ----------
    plan
        Any plan.
    proofs
        What `prove_plan` returned.
    """
    return [
        *(f for level in PROVEN for f in coverage_findings(plan, level, proofs[level])),
        *check_lineage(plan),
        *check_dates(plan),
        *check_points(plan),
        *check_loads(plan),
        *_cut_buildings(plan),
        *check_facts(plan, proofs),
    ]


def _check_tables(plan: Plan, _digest: Texts) -> list[Finding]:
    return [
        *multipart(plan),
        *measures(plan),
        *check_codes(plan),
        *check_leaves(plan),
        *check_totals(plan),
        *check_bands(plan),
        *check_people(plan),
        *check_land(plan),
    ]


def _digest(plan: Plan) -> str:
    """Return the digest of all that `_check_tables` looks at."""
    frames: list[pd.DataFrame] = [
        *(plan.cells(level) for level in CELL_LAYERS), plan.buildings, plan.households, plan.staff,
        plan.vacancies,
    ]  # fmt: skip
    land: list[str] = []
    if plan.fabric is not None:
        kept = plan.fabric
        frames += [kept.atoms, kept.pieces]
        arcs = (kept.xy, kept.arc_start, kept.arc_vertices, kept.arc_left, kept.arc_right)
        land = [digest_arrays(*arcs)]
    told = replace(plan.division, seconds={})
    facts = (
        plan.rules.model_dump_json(), sorted(plan.bands.items()), plan.estimated, told,
        plan.publication, plan.staffing,
    )  # fmt: skip
    kinds = [str(dtype) for frame in frames for dtype in frame.dtypes]
    return digest_json([[digest_frame(frame) for frame in frames], kinds, land, repr(facts)])


def _cut_claim(plan: Plan) -> Claim:
    """Return that buildings are cut by no border, as what is to be proven of which arrays."""
    return (
        "cut buildings", _find_cut,
        *(
            np.asarray(frame[name], dtype=object)
            for frame, names in (
                (plan.buildings, ("bldg_id", "code", "geometry")),
                (plan.leaves, ("code", "community", "geometry")),
            )
            for name in names
        ),
    )  # fmt: skip


def _find_cut(
    names: Texts, code: Texts, outlines: Geometries, leaf: Texts, community: Texts, land: Geometries
) -> list[Finding]:
    buildings = {"bldg_id": pd.Series(names, dtype="str"), "code": pd.Series(code, dtype="str")}
    leaves = {"code": pd.Series(leaf, dtype="str"), "community": pd.Series(community, dtype="str")}
    return find_cut_buildings(
        gpd.GeoDataFrame(buildings, geometry=outlines), gpd.GeoDataFrame(leaves, geometry=land)
    )


def _cut_buildings(plan: Plan) -> list[Finding]:
    """Return the buildings that borders cut, but for those that drawn borders do, as is told."""
    told = plan.findings[
        (plan.findings["kind"] == "cut_building") & (plan.findings["severity"] == "warning")
    ]
    known = {str(json.loads(params)["building"]) for params in told["params"].dropna()}
    found = prove_once(*_cut_claim(plan))
    return [one for one in found if str(one.text.params["building"]) not in known]


def parent_rows(cells: gpd.GeoDataFrame, land: gpd.GeoDataFrame) -> NDArray[np.int64]:
    """Return for each cell the row of its parent in the level above, -1 where there is none.

    A leaf of level 3 is itself the small cell that it has to fill.
    """
    itself = cells["code"].isin(land["code"]) & (cells["level"] == LEVELS["small"])
    return find_rows(cells["parent"].where(~itself, cells["code"]), land["code"])
