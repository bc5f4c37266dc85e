"""The whole way from layers to a proven plan, step by step."""

import dataclasses
import time
from collections.abc import Iterator
from contextlib import contextmanager

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridcell.arguments import checked
from gridcell.cells.frames import CellFrames, make_cells
from gridcell.check import check_plan, coverage_figures, prove_plan
from gridcell.coverage.holders import find_holders
from gridcell.errors import InputError
from gridcell.fabric import build_fabric
from gridcell.households import (
    HouseholdCounts,
    building_table,
    count_households,
    household_table,
    outside_findings,
    place_register,
    share_by_entrance,
    with_entrances,
)
from gridcell.model import DivisionFigures, Fabric, Finding, Layers, Plan, Progress, findings_frame
from gridcell.partition import Division, Targets, divide, set_targets
from gridcell.partition.figures import barrier_share, community_bands, community_bounds
from gridcell.partition.reasons import explain_leaves, explain_small
from gridcell.rules import Rules
from gridcell.schema import LINEAGE_COLUMNS, STAFF_COLUMNS, VACANCY_COLUMNS
from gridcell.staff import Assignment, homes_of, make_assignment
from gridcell.words.messages import Message, some


@checked
def make_plan(
    layers: Layers,
    *,
    rules: Rules | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> Plan:
    """Return a complete division of the communities, with the proof of what it promises.

    Parameters
    ----------
    layers
        Checked inputs, from `read_layers`.
    rules
        Targets, weights, codes; the defaults where not given.
    workers
        Threads. They change nothing but the time.
    progress
        Called with the stage, what is done and the total.

    Returns
    -------
    Plan
        Its ``ok`` tells whether every proof holds; what broke is among its findings.

    Raises
    ------
    InputError
        Neither buildings nor atoms, or no household in any community.

    Examples
    --------
    `layers` are those of the example of `read_layers`: one community, 900 households, a school.

    >>> import gridcell
    >>> plan = gridcell.make_plan(layers)
    >>> plan.ok, int(plan.micro["households"].sum()), plan.unassigned
    (True, 900, 0)
    >>> plan.small[["code", "grid_type", "band"]]
                  code  grid_type band
    0  450899001001001    general   in
    1  450899001001002    general   in
    2  450899001001801  dedicated  NaN
    """
    rules = rules or Rules()
    clock = _Clock(progress)
    names = _source_names(layers)

    with clock("households"):
        counted = count_households(layers, rules.households)
        layers = with_entrances(layers, counted.register)
        expected = _households_by_community(layers, counted.households)
        small, micro = set_targets(layers.communities, expected, rules)
    with clock("fabric"):
        leaf = micro or small
        micro_band = np.column_stack([leaf.low, leaf.high])
        fabric = build_fabric(layers, counted.households, micro_band, rules=rules)
        fabric = share_by_entrance(fabric, layers, counted.register)
        general = _general_households(fabric.atoms, len(layers.communities))
        small, micro = set_targets(layers.communities, general, rules)
    with clock("partition"):
        division = divide(
            fabric, small, micro, codes=layers.communities["code"].tolist(), rules=rules,
            workers=workers, progress=progress,
        )  # fmt: skip
    with clock("cells"):
        cells = make_cells(
            layers, fabric, division,
            small=explain_small(fabric, division, small, names),
            leaf=None if micro is None else explain_leaves(fabric, division, micro, names),
            rules=rules.codes,
        )  # fmt: skip
    with clock("assign"):
        table = household_table(
            place_register(fabric.pieces, counted.register), fabric.pieces, names,
            leaf=cells.leaf_of_atom, small=cells.small_of_atom, community=cells.community_of_atom,
        )  # fmt: skip
        buildings = building_table(fabric, names, cells.leaf_of_atom)
        assignment = _assign_staff(layers, cells, buildings, rules)
    with clock("proof"):
        found = [
            *layers.findings, *counted.findings, *fabric.findings,
            *outside_findings(fabric, names), *assignment.findings,
            *_band_findings(cells.small, cells.reasons),
            *_band_findings(cells.micro, cells.reasons),
            *_unused_classes(layers.communities, rules),
        ]  # fmt: skip
        plan = Plan(
            crs=layers.crs,
            large=cells.large,
            medium=cells.medium,
            small=cells.small,
            micro=cells.micro,
            leaves=cells.leaves,
            buildings=buildings,
            barriers=_barriers(layers),
            households=table,
            staff=assignment.staff,
            vacancies=assignment.vacancies,
            lineage=pd.DataFrame({name: pd.Series(dtype="str") for name in LINEAGE_COLUMNS}),
            findings=findings_frame(found, layers.crs),
            rules=rules,
            inputs=layers.inputs,
            bands=community_bands(layers.communities["code"], small, micro),
            estimated=int(counted.households.sum()) if counted.estimated else 0,
            staffing=assignment.figures,
            division=_division_figures(layers, counted, fabric, division, small, micro),
        )
        proofs = prove_plan(plan)
        plan = dataclasses.replace(plan, coverage=coverage_figures(proofs))
        found += check_plan(plan, proofs)
    return dataclasses.replace(
        plan,
        findings=findings_frame(found, layers.crs),
        division=dataclasses.replace(plan.division, seconds=clock.seconds),
    )


class _Clock:
    """Measures stages and tells of them."""

    def __init__(self, progress: Progress | None) -> None:
        self.seconds: dict[str, float] = {}
        self._progress = progress

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        if self._progress is not None:
            self._progress(stage, 0, 1)
        start = time.perf_counter()
        yield
        self.seconds[stage] = round(time.perf_counter() - start, 3)
        if self._progress is not None:
            self._progress(stage, 1, 1)


def _source_names(layers: Layers) -> NDArray[np.object_]:
    if layers.atoms is not None:
        return np.asarray(layers.atoms["atom_id"], dtype=object)
    if layers.buildings is None:
        raise InputError(
            "nothing to divide by: expected buildings, or atoms (a polygon file with households, "
            "or h3:RES) in their place"
        )
    return np.asarray(layers.buildings["bldg_id"], dtype=object)


def _households_by_community(layers: Layers, households: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the households on general land, before the land is cut: enough to size slabs by."""
    sources = layers.atoms if layers.atoms is not None else layers.buildings
    assert sources is not None  # noqa: S101
    land = layers.communities.geometry.to_numpy()
    point = shapely.point_on_surface(sources.geometry.to_numpy())
    home = find_holders(point, land) if len(point) else np.empty(0, dtype=np.int64)
    general = home >= 0
    if layers.sites is not None and len(layers.sites):
        inside = shapely.STRtree(layers.sites.geometry.to_numpy()).query(point, "intersects")[0]
        general[inside] = False
    total = np.bincount(home[general], weights=households[general], minlength=len(land))
    if not households[home >= 0].sum():
        raise InputError(
            f"no households in any community: {households.sum()} in {len(sources)} buildings; "
            "expected figures on buildings or a register that refers to them"
        )
    return total.astype(np.int64)


def _general_households(atoms: pd.DataFrame, communities: int) -> NDArray[np.int64]:
    general = atoms[atoms["site"] < 0]
    return np.bincount(
        general["community"], weights=general["households"], minlength=communities
    ).astype(np.int64)


def _assign_staff(
    layers: Layers, cells: CellFrames, buildings: gpd.GeoDataFrame, rules: Rules
) -> Assignment:
    if layers.staff is None:
        staff = pd.DataFrame({name: pd.Series(dtype="str") for name in STAFF_COLUMNS})
        names = VACANCY_COLUMNS
        vacancies = pd.DataFrame({name: pd.Series(dtype="str") for name in names})
        return Assignment(
            staff=staff.astype({"distance_m": "float64"}),
            vacancies=vacancies.astype({"missing": "int64"}),
            findings=[],
            figures=None,
        )
    return make_assignment(
        cells.medium, cells.small, cells.micro, layers.staff,
        homes=homes_of(layers.staff, buildings), roles=rules.staffing,
    )  # fmt: skip


def _band_findings(cells: gpd.GeoDataFrame, reasons: dict[str, Message]) -> list[Finding]:
    off = cells[cells["reason"].notna()]
    point = shapely.point_on_surface(off.geometry.to_numpy())
    return [
        Finding(
            kind=f"{row.band}_band", severity="note", cell=row.code, community=row.community,
            measure=float(row.households), place=place,
            text=Message(f"finding.{row.band}_band", label=row.label, reason=reasons[row.code]),
        )
        for row, place in zip(off.itertuples(), point, strict=True)
    ]  # fmt: skip


def _division_figures(
    layers: Layers,
    counted: HouseholdCounts,
    fabric: Fabric,
    division: Division,
    small: Targets,
    micro: Targets | None,
) -> DivisionFigures:
    register = counted.register
    households = register["count"] if len(register) else counted.households
    leaf = 0.0 if micro is None else barrier_share(fabric, division.leaf)
    return DivisionFigures(
        households=int(households.sum()),
        atoms=len(fabric.atoms),
        bounds=community_bounds(layers.communities["code"], fabric, division, small, micro),
        barrier_share={"small": barrier_share(fabric, division.small), "micro": leaf},
    )


def _unused_classes(communities: gpd.GeoDataFrame, rules: Rules) -> list[Finding]:
    """Return a note where communities are of classes and the rules make no difference."""
    if rules.classes or "class" not in communities or communities["class"].isna().all():
        return []
    known = sorted(communities["class"].dropna().unique())
    told = Message("finding.classes_unused", classes=some(known))
    return [Finding(kind="classes_unused", severity="note", text=told)]


def _barriers(layers: Layers) -> gpd.GeoDataFrame:
    if layers.barriers is not None:
        return layers.barriers[["kind", "rank", "name", "geometry"]]
    empty = {name: pd.Series(dtype="str") for name in ("kind", "rank", "name")}
    return gpd.GeoDataFrame(empty, geometry=[], crs=layers.crs)
