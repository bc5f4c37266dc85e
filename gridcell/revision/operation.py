"""An operation on a plan: other cells, with the codes, lineage and history of before."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridcell.arrays import run_starts
from gridcell.assembly import Assign, Clock, DivisionInput, assemble_plan
from gridcell.cells.registry import carry_codes, record
from gridcell.check.promises.land import check_land
from gridcell.errors import InputError
from gridcell.model import Finding, Layers, Plan, findings_frame, sort_findings
from gridcell.partition import Division, Targets
from gridcell.revision.dates import with_kept_dates
from gridcell.revision.lineage import changes_of, make_lineage
from gridcell.revision.locks import lock_findings
from gridcell.revision.match import Descent, keep_codes
from gridcell.rules import Rules
from gridcell.schema import GIVEN_COLUMNS, LEVELS
from gridcell.siting.keep import keep_points
from gridcell.words.messages import Message
from gridcell.workload import GRAIN, load_of

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
Texts = NDArray[np.object_]

_ON_KEPT_LAND = ("edit", "adopt")
"""Operations that do not cut the land."""
_MADE_ANEW = (
    "under_band", "over_band", "building_outside", "lock_border", "lock_not_kept",
    "locked_out_of_band", "wanted_number",
)  # fmt: skip
"""Kinds of findings about cells, beside those about staff."""


def go_on(
    before: Plan,
    given: DivisionInput,
    division: Division,
    descent: Descent,
    *,
    rules: Rules,
    clock: Clock,
    assign: Assign,
    operation: str,
    command: str,
    locked: Mask | None = None,
    recoded: Mapping[str, str] | None = None,
    findings: Sequence[Finding] = (),
    wanted: Mapping[tuple[str, str], int] | None = None,
    names: tuple[Texts, Texts] | None = None,
    time: str | None = None,
    valid_from: str | None = None,
    executor: Executor | None = None,
) -> Plan:
    """Return the plan of a division that goes on from an earlier plan.

    Parameters
    ----------
    before
        The earlier plan.
    given, division, descent
        The land, its cells, and where its atoms were.
    rules, clock, assign
        As for `gridcell.assembly.assemble_plan`.
    operation, command, time
        For the history.
    locked
        From `gridcell.revision.locks.locked_cells`: what was to stay.
    recoded
        New codes of communities, by their earlier ones.
    findings
        What else was found.
    wanted
        Wanted numbers that were met (`DivisionFigures.wanted`); by default those of `before`.
    names
        New names of small cells and leaves, ``None`` where they stay.
    valid_from
        From which day cells are valid that are new or changed, and codes that end are no more.
    executor
        As for `gridcell.assembly.assemble_plan`.
    """
    kept = keep_codes(before, given, descent, division, rules.codes, recoded or {})
    if names is not None:
        small, leaf = (
            new if old is None else np.where(pd.isna(new), old, new)
            for new, old in zip(names, (kept.small_name, kept.leaf_name), strict=True)
        )
        kept = dataclasses.replace(kept, small_name=small, leaf_name=leaf)
    after = assemble_plan(
        given, division, rules=rules, clock=clock, kept=kept, assign=assign, findings=findings,
        valid_from=valid_from, executor=executor,
    )  # fmt: skip
    if given.layers.staff is None:
        after = _with_staff_findings(before, after)
    with clock("lineage"):
        number = int(before.history["number"].max()) + 1
        lineage = make_lineage(before, after, descent, number)
        if locked is not None:
            after = with_findings(after, lock_findings(before, after, locked, lineage))
        after = with_kept_dates(before, after, lineage)
        after = _recorded(before, after, lineage, operation, command, time, valid_from)
    after = keep_points(before, after)
    if operation in _ON_KEPT_LAND:
        after = dataclasses.replace(after, cut_from=before.cut_from)
    wanted = before.division.wanted if wanted is None else wanted
    return dataclasses.replace(
        after,
        division=dataclasses.replace(after.division, seconds=clock.seconds, wanted=wanted),
    )


def input_of(plan: Plan) -> DivisionInput:
    """Return what a plan was divided from, as far as it keeps it: enough to form cells anew.

    Raises
    ------
    InputError
        The plan does not keep its land.
    """
    if plan.fabric is None:
        raise InputError(Message("error.plan_without_atoms"))
    communities, sites = _communities(plan), _sites(plan)
    leaves = plan.leaves.set_index("code")
    code = plan.fabric.atoms["code"]
    dedicated = pd.Series(np.arange(len(sites)), index=sites["site_id"])
    atoms = plan.fabric.atoms.assign(
        community=pd.Index(communities["code"]).get_indexer(
            pd.Index(leaves["community"].reindex(code))
        ),
        site=dedicated.reindex(code).fillna(-1).to_numpy(dtype=np.int64),
    )
    pieces = plan.fabric.pieces
    building = pieces["building"].to_numpy()
    held = np.bincount(building, weights=pieces["households"])
    names = np.full(len(held), None, dtype=object)
    names[building] = pieces["bldg_id"].to_numpy(dtype=object)
    register = _register(plan)
    total = plan.division.households
    return DivisionInput(
        layers=Layers(
            crs=plan.crs, communities=communities, sites=sites, barriers=plan.barriers,
            inputs=plan.inputs,
        ),
        names=names,
        households=held.astype(np.int64),
        estimated=plan.estimated,
        register=register,
        total=int(held.sum()) if total is None else total,
        fabric=dataclasses.replace(plan.fabric, atoms=atoms, findings=()),
        small=_targets(plan, communities["code"], "small"),
        micro=_targets(plan, communities["code"], "micro") if _has_micro(plan) else None,
        findings=(),
        carried=_carried(plan),
    )  # fmt: skip


def require_sound_land(plan: Plan) -> None:
    """Make sure that the land that a plan keeps is that of its cells, before they are changed.

    Raises
    ------
    InputError
        It is not: what is wrong, and what to do.
    """
    faults = list(check_land(plan))
    if faults:
        raise InputError(Message("error.land_not_of_cells", n=len(faults), fault=faults[0].text))


@dataclass(frozen=True, eq=False, slots=True)
class CellRows:
    """The cells of a plan by atom, as rows of its layers: what edits change."""

    small: Ints
    """(atoms,) row in `Plan.small`; what is no row is a new cell."""
    leaf: Ints
    """(atoms,) row in `Plan.leaves`; what is no row is a new cell."""


def cells_of(plan: Plan) -> tuple[CellRows, Descent]:
    """Return the cells of a plan on its own land, and that each atom is where it was."""
    assert plan.fabric is not None  # noqa: S101
    leaves, small, atoms = plan.leaves, plan.small, plan.fabric.atoms
    itself = leaves["level"].to_numpy() == LEVELS["small"]
    over = np.where(itself, leaves["code"], leaves["parent"])
    small_of_leaf = pd.Index(small["code"]).get_indexer(pd.Index(over)).astype(np.int64)
    leaf = pd.Index(leaves["code"]).get_indexer(pd.Index(atoms["code"])).astype(np.int64)
    descent = Descent(
        leaf=leaf, settled=load_of(atoms),
        small_of_leaf=small_of_leaf, community=small["community"].to_numpy(dtype=object),
    )  # fmt: skip
    return CellRows(small_of_leaf[leaf], leaf), descent


def with_findings(plan: Plan, findings: Sequence[Finding]) -> Plan:
    """Return the plan with further findings, all in their order."""
    if not findings:
        return plan
    frame = findings_frame(findings, plan.crs)
    return dataclasses.replace(plan, findings=sort_findings(pd.concat([plan.findings, frame])))


def _recorded(
    before: Plan,
    after: Plan,
    lineage: pd.DataFrame,
    operation: str,
    command: str,
    time: str | None,
    valid_from: str | None,
) -> Plan:
    """Return a plan with its codes, lineage and history, which go on from those of another.

    An operation that changes no code leaves the lineage as it was.
    """
    changes = changes_of(lineage)
    number = int(before.history["number"].max()) + 1
    codes = carry_codes(before.codes, after, lineage, number, ended_on=valid_from)
    history = record(before.history, operation, command, after.inputs, changes, time)
    if set(changes) <= {"U"}:
        table = before.lineage
    else:
        earlier = before.lineage[before.lineage["event"] != "U"]
        table = pd.concat([earlier, lineage], ignore_index=True) if len(earlier) else lineage
    return dataclasses.replace(after, lineage=table, codes=codes, history=history)


def _communities(plan: Plan) -> gpd.GeoDataFrame:
    medium = plan.medium.sort_values("community", ignore_index=True)
    table = pd.DataFrame(
        {"code": medium["community"], "name": medium["name"], "large": medium["parent"]}
    )
    for name in ("n_small", "n_micro"):
        table[name] = pd.array([pd.NA] * len(table), dtype="Int64")
    for name in ("small", "micro", "class"):
        table[name] = pd.Series([None] * len(table), dtype="str")
    for name in GIVEN_COLUMNS:
        table[name] = medium[name]
    return gpd.GeoDataFrame(table, geometry=medium.geometry.to_numpy(), crs=plan.crs)


def _sites(plan: Plan) -> gpd.GeoDataFrame:
    own = plan.small[plan.small["grid_type"] == "dedicated"].reset_index(drop=True)
    table = pd.DataFrame({"site_id": own["code"], "name": own["name"]})
    table["category"] = pd.Series([None] * len(table), dtype="str")
    for name in GIVEN_COLUMNS:
        table[name] = own[name]
    return gpd.GeoDataFrame(table, geometry=own.geometry.to_numpy(), crs=plan.crs)


def _has_micro(plan: Plan) -> bool:
    return any(level == "micro" for _, level in plan.bands)


def _targets(plan: Plan, codes: "pd.Series[str]", level: str) -> Targets:
    default = getattr(plan.rules, level) or plan.rules.small
    bands = [plan.bands.get((code, level), default) for code in codes]
    return Targets(
        low=np.array([float(band.min) for band in bands]),
        target=np.array([float(band.target) for band in bands]),
        high=np.array([float(band.max) for band in bands]),
        wanted=np.zeros(len(bands), dtype=np.int64),
        grain=1.0 if plan.rules.load is None else GRAIN,
    )


def _register(plan: Plan) -> pd.DataFrame:
    """Return the register of a plan by piece of building; no rows where there was none."""
    table = plan.households
    table = table[table["household_id"].notna()].reset_index(drop=True)
    assert plan.fabric is not None  # noqa: S101
    pieces = plan.fabric.pieces
    order = np.lexsort((np.arange(len(pieces)), pieces["atom"]))
    first = order[run_starts(pieces["atom"].to_numpy()[order])]
    piece_at = pd.Series(first, index=pieces["atom"].to_numpy()[first])
    rows = list(_placed(table))
    line = np.array([row for row, _, _ in rows], dtype=np.int64)
    atom = np.array([atom for _, atom, _ in rows], dtype=np.int64)
    piece = np.where(atom >= 0, piece_at.reindex(atom).fillna(-1).to_numpy(dtype=np.int64), -1)
    building = np.append(pieces["building"].to_numpy(), -1)[piece]
    reason = table["reason"].astype(object).where(table["reason"].notna(), None).to_numpy()[line]
    return pd.DataFrame(
        {
            "household_id": table["household_id"].to_numpy()[line],
            "count": np.array([count for _, _, count in rows], dtype=np.int64),
            "building": building,
            "how": table["how"].to_numpy()[line],
            "distance_m": table["distance_m"].to_numpy()[line],
            "piece": piece,
        },
        index=line,
    ).assign(reason=pd.Series(reason, index=line, dtype="object"))  # as text it has no None


def _placed(table: pd.DataFrame) -> Iterator[tuple[int, int, int]]:
    """Yield line, atom (-1 for none) and count of each part of a register."""
    for row, (atoms, count) in enumerate(zip(table["atoms"], table["count"], strict=True)):
        if not isinstance(atoms, str):
            yield row, -1, int(count)
            continue
        for part in atoms.split(";"):
            atom, _, number = part.partition(":")
            yield row, int(atom), int(number) if number else int(count)


def _with_staff_findings(before: Plan, after: Plan) -> Plan:
    """Return the plan with what was found about the staff before, if nothing about it changed."""
    same = after.staff.equals(before.staff) and after.vacancies.equals(before.vacancies)
    told = before.findings[before.findings["kind"].str.startswith("staff_")]
    if not same or told.empty:
        return after
    found = after.findings[~after.findings["kind"].str.startswith("staff_")]
    return dataclasses.replace(after, findings=sort_findings(pd.concat([found, told])))


def _carried(plan: Plan) -> gpd.GeoDataFrame:
    """Return the findings about the data, which an operation on cells leaves as they are."""
    found = plan.findings
    anew = found["kind"].isin(_MADE_ANEW) | found["kind"].str.startswith("staff_")
    return found[~anew & (found["severity"] != "error")].reset_index(drop=True)
