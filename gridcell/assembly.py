"""From counted households and atoms to a proven plan: the steps that every way to a plan shares."""

import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridcell.cells.frames import CellFrames, KeptCodes, make_cells
from gridcell.cells.kept import keep_fabric
from gridcell.cells.stored import settle_fabric
from gridcell.check import coverage_figures, prove_plan
from gridcell.check.plan import begin_proofs, check_claims, check_tables
from gridcell.coverage.holders import find_holders
from gridcell.errors import InputError
from gridcell.fabric import build_fabric
from gridcell.fabric.taut import pull_taut
from gridcell.formats.lonlat import begin_lonlat
from gridcell.households import (
    HouseholdCounts,
    LeftOut,
    building_table,
    count_households,
    household_table,
    outside_findings,
    place_register,
    share_by_entrance,
    share_out_loads,
    with_entrances,
    with_loads,
    without_areas,
)
from gridcell.model import (
    DivisionFigures,
    Fabric,
    Finding,
    Layers,
    Plan,
    Progress,
    empty_table,
    findings_frame,
    sort_findings,
)
from gridcell.partition import Division, Targets, set_targets
from gridcell.partition.figures import barrier_share, community_bands, community_bounds
from gridcell.partition.left_out import leave_out
from gridcell.partition.reasons import explain_leaves, explain_small
from gridcell.report import begin_report
from gridcell.rules import Rules
from gridcell.schema import BARRIER_COLUMNS, LOAD, STAFF_COLUMNS, VACANCY_COLUMNS
from gridcell.staff import Assignment, homes_of, make_assignment
from gridcell.streets import network_of_rules
from gridcell.words.messages import Message, some
from gridcell.work import begin
from gridcell.workload import load_of, sum_loads

Assign = Callable[[CellFrames, gpd.GeoDataFrame], Callable[[], Assignment]]
"""The work of finding who answers for these cells, given the plan's buildings."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class DivisionInput:
    """What a division starts from: households counted, land cut into atoms, targets set."""

    layers: Layers
    names: NDArray[np.object_]
    """(buildings,) or (given atoms,) ids."""
    households: NDArray[np.int64]
    """(buildings,) or (given atoms,) to the unit."""
    estimated: int
    """Households that are estimates. Where it is a part, atoms tell theirs: ``estimated``."""
    register: pd.DataFrame
    """The register by piece of building: `gridcell.households.place_register`."""
    total: int
    """Households that the inputs hold."""
    fabric: Fabric
    small: Targets
    micro: Targets | None
    """``None`` where the division stops at level 3."""
    findings: tuple[Finding, ...]
    """Of the inputs and of counting."""
    left_out: LeftOut | None = None
    """Communities that the layers had and the plan has not."""
    carried: gpd.GeoDataFrame | None = None
    """Findings of an earlier plan that hold still."""
    settle: Callable[[Fabric, NDArray[np.int64]], Fabric] | None = None
    """Gives the land its final borders, given the leaf of each atom; ``None`` where they are."""

    @property
    def general_load(self) -> NDArray[np.int64] | NDArray[np.float64]:
        """(communities,) households, or what bands count in place of them, on general land."""
        return _general_load(self.fabric.atoms, len(self.layers.communities))


Held = NDArray[np.int64] | NDArray[np.float64]
"""Households to the unit, or loads."""
Aims = Callable[[gpd.GeoDataFrame, Held, Rules], tuple[Targets, Targets | None]]
"""Targets of communities with so much on general land: `set_targets` or another."""


def prepare_input(
    layers: Layers,
    rules: Rules,
    clock: "Clock",
    *,
    aims: Aims = set_targets,
    weave: Callable[..., Fabric] = build_fabric,
) -> DivisionInput:
    """Return what a division of these layers starts from.

    Parameters
    ----------
    layers, rules, clock
        The inputs, the settings, what measures the stages.
    aims
        Sets the targets.
    weave
        Cuts the land into atoms, as `build_fabric` does.

    Raises
    ------
    InputError
        Neither buildings nor atoms, or no household in any community.
    """
    with clock("households"):
        counted = count_households(layers, rules.households)
        layers, counted = without_areas(layers, counted, rules.households)
        names = _source_names(layers)
        layers = with_entrances(layers, counted.register)
        layers, of_loads = with_loads(layers, counted.households, rules)
        expected = _expected_by_community(layers, counted.households)
        small, micro = aims(layers.communities, expected, rules)
    with clock("fabric"):
        leaf = micro or small
        micro_band = np.column_stack([leaf.low, leaf.high])
        fabric = weave(layers, counted.households, micro_band, rules=rules)
        fabric = share_by_entrance(fabric, layers, counted.register)
        fabric = _with_estimates(fabric, counted)
        fabric = share_out_loads(fabric, layers, rules)
        general = _general_load(fabric.atoms, len(layers.communities))
        small, micro = aims(layers.communities, general, rules)
    register = counted.register
    held = register["count"] if len(register) else counted.households
    return DivisionInput(
        layers=layers, names=names, households=counted.households,
        estimated=int(counted.households[counted.is_estimate].sum()),
        register=place_register(fabric.pieces, register), total=int(held.sum()), fabric=fabric,
        small=small, micro=micro, findings=(*layers.findings, *counted.findings, *of_loads),
        settle=settle_taut,
    )  # fmt: skip


def settle_taut(fabric: Fabric, leaf: NDArray[np.int64]) -> Fabric:
    """Return land with taut borders, those of leaves first, as a plan keeps it."""
    return settle_fabric(pull_taut(fabric, [leaf]))


def assemble_plan(
    given: DivisionInput,
    division: Division,
    *,
    rules: Rules,
    clock: "Clock",
    assign: Assign,
    kept: KeptCodes | None = None,
    findings: Sequence[Finding] = (),
    valid_from: str | None = None,
    executor: Executor | None = None,
) -> Plan:
    """Return the plan of a division, proven.

    Parameters
    ----------
    given, division
        The land and the cells that its atoms belong to.
    rules
        Codes, roles …
    clock
        Measures the stages.
    assign
        Gives the staff.
    kept
        Numbers that cells have already; all are numbered anew where it is not given.
    findings
        What else was found.
    valid_from
        From which day cells are valid that have no date of their own.
    executor
        A worker of it assigns the staff while the levels are proven.
    """
    layers, names, small, micro = given.layers, given.names, given.small, given.micro
    bands = community_bands(layers.communities["code"], small, micro)
    with clock("cells"):
        # Land that a plan keeps is settled; once more might take another vertex from it.
        fabric = given.fabric if given.settle is None else given.settle(given.fabric, division.leaf)
        cells = make_cells(
            layers, fabric, division,
            small=explain_small(fabric, division, small, names),
            leaf=None if micro is None else explain_leaves(fabric, division, micro, names),
            rules=rules.codes, kept=kept, bands=bands, estimated=given.estimated > 0,
            valid_from=valid_from,
        )  # fmt: skip
    with clock("assign"):
        missing = _in_left_out(given.left_out, fabric)
        table = household_table(
            given.register, fabric.pieces, names, leaf=cells.leaf_of_atom,
            small=cells.small_of_atom, community=cells.community_of_atom, left_out=missing,
        )  # fmt: skip
        buildings = building_table(fabric, names, cells.leaf_of_atom)
        assigned = begin(assign(cells, buildings), executor)
    with clock("proof"):
        nobody = no_staff()
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
            staff=nobody.staff,
            vacancies=nobody.vacancies,
            lineage=empty_table("lineage"),
            findings=_together((), given),
            rules=rules,
            inputs=layers.inputs,
            bands=bands,
            estimated=given.estimated,
            division=_division_figures(dataclasses.replace(given, fabric=fabric), division),
            cut_from={
                code: digest
                for code, digest in zip(layers.communities["code"], fabric.cut_from, strict=False)
                if digest
            },
            fabric=keep_fabric(
                _coded(fabric, cells.leaf_of_atom), buildings, leaves=cells.leaves,
                small=cells.small, medium=cells.medium,
            ),
        )  # fmt: skip
        begin_proofs(plan, executor)
        begin_report((plan.small, plan.micro), executor)
        begin_lonlat(plan, executor)
        assignment = assigned()
        found = [
            *given.findings, *fabric.findings, *outside_findings(fabric, names, missing),
            *assignment.findings, *_band_findings(cells.small, cells.reasons),
            *_band_findings(cells.micro, cells.reasons),
            *_unused_classes(layers.communities, rules), *_left_out_findings(given, missing),
            *findings,
        ]  # fmt: skip
        plan = dataclasses.replace(
            plan, staff=assignment.staff, vacancies=assignment.vacancies,
            staffing=assignment.figures, findings=_together(found, given),
        )  # fmt: skip
        # While the workers prove.
        found += check_tables(plan)
        proofs = prove_plan(plan)
        plan = dataclasses.replace(plan, coverage=coverage_figures(proofs))
        found += check_claims(plan, proofs)
    return dataclasses.replace(
        plan,
        findings=_together(found, given),
        division=dataclasses.replace(plan.division, seconds=clock.seconds),
    )


def without_communities(
    given: DivisionInput, division: Division, failed: Mapping[int, Exception]
) -> tuple[DivisionInput, Division]:
    """Return what a plan is made of without the communities that failed.

    Parameters
    ----------
    given, division
        Of all communities.
    failed
        What was raised for each of those to leave out, by their rows.
    """
    communities = given.layers.communities
    rows = np.array(sorted(failed))
    others = np.setdiff1d(np.arange(len(communities)), rows)
    left_out = LeftOut(
        communities=communities.iloc[rows], raised=[failed[row] for row in sorted(failed)]
    )
    fabric, division = leave_out(given.fabric, division, rows)
    # Of sites on that land nothing else is known.
    findings = tuple(
        finding
        for finding in fabric.findings
        if finding.kind != "site_outside"
        or not left_out.holds(np.array([finding.place], dtype=object)).any()
    )
    reduced = dataclasses.replace(
        given,
        layers=dataclasses.replace(
            given.layers, communities=communities.iloc[others].reset_index(drop=True)
        ),
        fabric=dataclasses.replace(fabric, findings=findings),
        small=given.small.take(others),
        micro=None if given.micro is None else given.micro.take(others),
        left_out=left_out,
    )
    return reduced, division


def _in_left_out(left_out: LeftOut | None, fabric: Fabric) -> NDArray[np.bool_] | None:
    """Return whether each piece of a building without an atom stands on land that is left out."""
    if left_out is None:
        return None
    missing = (fabric.pieces["atom"] < 0).to_numpy(copy=True)
    missing[missing] = left_out.holds(fabric.outlines.geometry.to_numpy()[missing])
    return missing


def _left_out_findings(given: DivisionInput, missing: NDArray[np.bool_] | None) -> list[Finding]:
    if given.left_out is None or missing is None:
        return []
    outlines = given.fabric.outlines.geometry[missing]
    households = given.fabric.pieces["households"].to_numpy()[missing]
    return given.left_out.findings(
        gpd.GeoDataFrame({"households": households}, geometry=outlines.to_numpy())
    )


def _together(found: Sequence[Finding], given: DivisionInput) -> gpd.GeoDataFrame:
    frame = findings_frame(found, given.layers.crs)
    if given.carried is None or given.carried.empty:
        return frame
    return sort_findings(pd.concat([frame, given.carried]))


def _coded(fabric: Fabric, leaf: NDArray[np.object_]) -> Fabric:
    """Return the land whose atoms have the codes of their leaves."""
    return dataclasses.replace(fabric, atoms=fabric.atoms.assign(code=pd.Series(leaf, dtype="str")))


class Clock:
    """Measures stages and tells of them."""

    seconds: dict[str, float]
    """By stage, of those that are over."""

    def __init__(self, progress: Progress | None) -> None:
        self.seconds = {}
        self._progress = progress

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Measure what runs in it as a stage of this name."""
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
        raise InputError(Message("error.nothing_to_divide_by"))
    return np.asarray(layers.buildings["bldg_id"], dtype=object)


def _expected_by_community(layers: Layers, households: NDArray[np.int64]) -> Held:
    """Return what is on general land, before the land is cut: enough to size slabs by."""
    sources = layers.atoms if layers.atoms is not None else layers.buildings
    assert sources is not None  # noqa: S101
    land = layers.communities.geometry.to_numpy()
    point = shapely.point_on_surface(sources.geometry.to_numpy())
    home = find_holders(point, land) if len(point) else np.empty(0, dtype=np.int64)
    general = home >= 0
    if layers.sites is not None and len(layers.sites):
        inside = shapely.STRtree(layers.sites.geometry.to_numpy()).query(point, "intersects")[0]
        general[inside] = False
    if not households[home >= 0].sum() and LOAD not in sources:
        raise InputError(
            Message("error.no_households", households=households.sum(), n_buildings=len(sources))
        )
    if LOAD in sources:
        return sum_loads(home[general], sources[LOAD].to_numpy()[general], len(land))
    total = np.bincount(home[general], weights=households[general], minlength=len(land))
    return total.astype(np.int64)


def _with_estimates(fabric: Fabric, counted: HouseholdCounts) -> Fabric:
    """Return the land whose atoms tell how many of their households are estimates, if some are."""
    if not counted.estimated or counted.is_estimate.all():
        return fabric
    pieces = fabric.pieces
    rows = (pieces["atom"] >= 0) & counted.is_estimate[pieces["building"].to_numpy()]
    some = pieces[rows.to_numpy()]
    held = np.bincount(some["atom"], weights=some["households"], minlength=len(fabric.atoms))
    atoms = fabric.atoms.assign(estimated=held.astype(np.int64))
    return dataclasses.replace(fabric, atoms=atoms)


def _general_load(atoms: pd.DataFrame, communities: int) -> Held:
    general = atoms[atoms["site"] < 0]
    home = general["community"].to_numpy()
    if LOAD in general:
        return sum_loads(home, general[LOAD].to_numpy(), communities)
    return np.bincount(home, weights=general["households"], minlength=communities).astype(np.int64)


def assign_roster(layers: Layers, rules: Rules) -> Assign:
    """Return how the people of the layers' roster are assigned; without one nobody is."""

    def assign(cells: CellFrames, buildings: gpd.GeoDataFrame) -> Callable[[], Assignment]:
        if layers.staff is None:
            return no_staff
        return partial(
            make_assignment, cells.medium, cells.small, cells.micro, layers.staff,
            homes=homes_of(layers.staff, buildings), roles=rules.staffing,
            network=network_of_rules(layers.barriers, crs=layers.crs, rules=rules),
        )  # fmt: skip

    return assign


def no_staff() -> Assignment:
    """Return the assignment where there is no roster."""
    staff = pd.DataFrame({name: pd.Series(dtype="str") for name in STAFF_COLUMNS})
    vacancies = pd.DataFrame({name: pd.Series(dtype="str") for name in VACANCY_COLUMNS})
    return Assignment(
        staff=staff.astype({"distance_m": "float64"}),
        vacancies=vacancies.astype({"missing": "int64"}),
        findings=[],
        figures=None,
    )


def _band_findings(cells: gpd.GeoDataFrame, reasons: dict[str, Message]) -> list[Finding]:
    off = cells[cells["reason"].notna()]
    point = shapely.point_on_surface(off.geometry.to_numpy())
    return [
        Finding(
            kind=f"{row.band}_band", severity="note", cell=row.code, community=row.community,
            measure=float(held), place=place,
            text=Message(f"finding.{row.band}_band", label=row.label, reason=reasons[row.code]),
        )
        for row, held, place in zip(off.itertuples(), load_of(off), point, strict=True)
    ]  # fmt: skip


def _division_figures(given: DivisionInput, division: Division) -> DivisionFigures:
    fabric, small, micro = given.fabric, given.small, given.micro
    leaf = 0.0 if micro is None else barrier_share(fabric, division.leaf)
    return DivisionFigures(
        households=given.total,
        atoms=len(fabric.atoms),
        bounds=community_bounds(given.layers.communities["code"], fabric, division, small, micro),
        wanted=wanted_numbers(given.layers.communities),
        barrier_share={"small": barrier_share(fabric, division.small), "micro": leaf},
    )


def wanted_numbers(communities: gpd.GeoDataFrame) -> dict[tuple[str, str], int]:
    """Return by community and level how many cells are wanted, where that is said."""
    found: dict[tuple[str, str], int] = {}
    for column, level in (("n_small", "small"), ("n_micro", "micro")):
        if column in communities:
            wishes = communities[column].fillna(0).to_numpy(dtype=np.int64)
            at = np.flatnonzero(wishes > 0)
            codes = communities["code"].iloc[at].tolist()
            found |= {(c, level): n for c, n in zip(codes, wishes[at].tolist(), strict=True)}
    return found


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
    empty = {name: pd.Series(dtype="str") for name in BARRIER_COLUMNS}
    return gpd.GeoDataFrame(empty, geometry=[], crs=layers.crs)
