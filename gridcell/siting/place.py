"""A plan -> the plan with service points, and who is served from where."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd

from gridcell.arguments import checked
from gridcell.crs import crs_name, parse_crs
from gridcell.errors import InputError
from gridcell.facts import SitingFigures, TierFigures
from gridcell.model import Finding, InputRecord, Plan, findings_frame, sort_findings
from gridcell.read.datum import parse_datums
from gridcell.read.files import Input, open_input
from gridcell.read.service_points import check_demand, check_service_points
from gridcell.rules import Rules, as_rules
from gridcell.siting.candidates import (
    KINDS,
    Candidates,
    candidates_of,
    file_name,
    given_candidates,
    joined,
)
from gridcell.siting.demand import Demand, cell_above, demand_of, middles_of_leaves
from gridcell.siting.figures import KINDS as FINDINGS
from gridcell.siting.figures import point_figures, siting_findings
from gridcell.siting.frames import points_and_served
from gridcell.siting.goals import goal_of
from gridcell.siting.tiers import (
    Tier,
    Town,
    Zone,
    choose_by_cell,
    choose_everywhere,
    parse_tiers,
    too_many_pairs,
)
from gridcell.streets import walking_network
from gridcell.words.messages import Message, some

ROLES: Final = ("service_points", "demand")
"""Inputs of siting."""
_LISTED: Final = 10


@checked
def place_points(
    plan: Plan,
    *,
    count: int | None = None,
    within: float | None = None,
    goal: str | None = None,
    tiers: Sequence[str] = (),
    candidates: Input = "buildings",
    existing: Input | None = None,
    demand: Input | None = None,
    capacity: int | None = None,
    rules: Rules | Mapping[str, Any] | None = None,
    crs: Any = None,
    encoding: str | None = None,
    datum: str = "wgs84",
) -> Plan:
    """Return the plan with service points where they serve its households best.

    Distances are those on foot along the streets among the plan's barriers; without roads there
    they are as the crow flies, and a finding says so. The points, who is served from where, how
    good the choice is and what was found are part of the plan; its cells stay as they are. Points
    that it had are replaced.

    Parameters
    ----------
    plan
        Any plan.
    count, within, goal
        What is wanted, as `gridcell.siting.choose_sites` says: with `count` alone the least walk
        of all households; with both the most households within so many metres; with `within`
        alone the fewest points for all; with ``goal="centre"`` the least walk of the farthest.
    tiers
        Instead: ``NAME:LEVEL`` or ``NAME:LEVEL:METRES``. Each cell of the level gets one point, or
        as few as reach all its households within so many metres. A coarser tier stands where
        points of the finer do, as long as these reach all whom others would reach.
    candidates
        Where a point may stand: ``buildings``, ``sites`` (dedicated cells), ``cells`` (the
        building nearest to the middle of the households of each leaf), or a file or frame of
        points: ``point_id``, ``capacity`` and a place.
    existing
        Points that there are: ``point_id``, ``tier``, ``locked``, ``capacity`` and a place. Those
        locked stay, all where there is no such column; the others are candidates.
    demand
        What is to be served where that is not the plan's households: ``bldg_id`` and ``demand``.
    capacity
        Most households of a point that has no number of its own. A building is served as a whole.
    rules
        Of these the column names of the inputs count.
    crs
        CRS of ``x`` and ``y``, and of layers that name none; else the plan's.
    encoding
        Encoding of the text, where a file does not tell.
    datum
        ``wgs84``, ``gcj02`` or ``bd09``, of the points.

    Raises
    ------
    InputError
        Inputs that cannot be used as they are; goals and numbers that do not fit together; nobody
        to serve or no candidate.

    Examples
    --------
    `plan` is that of the example of `make_plan`. Two points for all, and how far it is to them:

    >>> import gridcell
    >>> sited = gridcell.place_points(plan, count=2)
    >>> int(sited.points["households"].sum())
    900
    >>> sited.report["siting"]["tiers"]["point"]["gap"]
    0.0

    A home within 400 m in each small cell, a station in the community, at one of them:

    >>> sited = gridcell.place_points(plan, tiers=["home:small:400", "station:medium"])
    >>> sited.points.groupby("tier").size().to_dict()
    {'home': 4, 'station': 1}
    """
    wanted = _wanted(tiers, goal, count, within)
    if rules is not None:
        given = as_rules(rules, plan.rules).fields
        fields = {**plan.rules.fields, **{k: v for k, v in given.items() if k in ROLES}}
        plan = replace(plan, rules=plan.rules.model_copy(update={"fields": fields}))
    rules = plan.rules
    reader = _SitingInputs(plan, rules, parse_crs(crs), encoding, parse_datums(datum))
    places = demand_of(plan, None if demand is None else reader.demand(demand))
    if not (places.households > 0).any():
        raise InputError(Message("error.nobody_to_serve"))
    most = np.inf if capacity is None else float(capacity)
    if most <= 0:
        raise InputError(Message("error.siting_capacity", capacity=capacity))
    pool = reader.candidates(candidates, places, most)
    found: list[Finding] = []
    if not tiers and too_many_pairs(int((places.households > 0).sum()), len(pool)):
        pool, thinned = _thinned(plan, pool, places, most)
        found += thinned
    if existing is not None:
        pool = joined([pool, reader.existing(existing, most, wanted)])
    if not len(pool):
        raise InputError(Message("error.no_candidates"))
    network = walking_network(plan)
    town = Town(
        network=network, demand=places, homes=network.join(places.xy), candidates=pool,
        doors=network.join(pool.xy),
    )  # fmt: skip
    chosen, figures = _chosen(plan, town, wanted, goal, count)
    siting = SitingFigures(
        candidates=candidates if isinstance(candidates, str) and candidates in KINDS
        else file_name(candidates),
        demand="households" if demand is None else file_name(demand),
        straight=network.straight, tiers=tuple(figures),
    )  # fmt: skip
    points, served = points_and_served(plan, town, wanted, chosen)
    found += [*_dropped(pool, chosen), *_not_compared(wanted, chosen), *unproven(siting)]
    plan = replace(
        plan,
        inputs=(*(r for r in plan.inputs if r.role not in ROLES), *reader.records),
    )  # fmt: skip
    return with_points(plan, points, served, siting, places, found)


def with_points(
    plan: Plan, points: gpd.GeoDataFrame, served: pd.DataFrame, siting: SitingFigures,
    demand: Demand, found: Sequence[Finding],
) -> Plan:  # fmt: skip
    """Return the plan with these points and what is found about them, instead of any it had."""
    points = point_figures(points, served, siting)
    anew = [*found, *siting_findings(plan, points, served, siting, demand)]
    others = plan.findings[~plan.findings["kind"].isin(FINDINGS)]
    findings = sort_findings(pd.concat([others, findings_frame(anew, plan.crs)]))
    return replace(plan, points=points, served=served, siting=siting, findings=findings)


def _wanted(
    tiers: Sequence[str], goal: str | None, count: int | None, within: float | None
) -> list[Tier]:
    if not tiers:
        goal_of(goal, count, within)
        return [Tier(name="point", within=within)]
    if goal is not None or count is not None or within is not None:
        raise InputError(Message("error.tiers_alone"))
    return parse_tiers(tiers)


class _SitingInputs:
    """Reads the inputs of siting, and records them."""

    def __init__(
        self,
        plan: Plan,
        rules: Rules,
        fallback: Any,
        encoding: str | None,
        datum: Mapping[str, str],
    ) -> None:
        self.records: list[InputRecord] = []
        self._plan, self._rules = plan, rules
        self._fallback, self._encoding = fallback, encoding
        self._datum = datum.get("service_points", "wgs84")

    def demand(self, given: Input) -> "pd.Series[int]":
        source = open_input(given, "demand", encoding=self._encoding)
        self.records.append(source.record())
        return check_demand(source, self._plan.buildings["bldg_id"], self._rules)

    def candidates(self, given: Input, demand: Demand, capacity: float) -> Candidates:
        if isinstance(given, str) and given in KINDS:
            return candidates_of(self._plan, given, demand, capacity)
        return given_candidates(self._plan, self._points(given), capacity, existing=False)

    def existing(self, given: Input, capacity: float, wanted: Sequence[Tier]) -> Candidates:
        """Return the points that there are, each of a tier that is wanted."""
        table = self._points(given)
        names = [tier.name for tier in wanted]
        if len(names) == 1:
            table["tier"] = table["tier"].fillna(names[0])
        strange = table[~table["tier"].isin(names)]
        if len(strange):
            row = strange.iloc[0]
            raise InputError(
                Message(
                    "error.existing_tier", point=row["point_id"], tiers=names,
                    tier="-" if pd.isna(row["tier"]) else row["tier"],
                )
            )  # fmt: skip
        return given_candidates(self._plan, table, capacity, existing=True)

    def _points(self, given: Input) -> pd.DataFrame:
        source = open_input(given, "service_points", encoding=self._encoding)
        table, used = check_service_points(
            source, self._plan.crs, self._rules, fallback=self._fallback, datum=self._datum
        )
        self.records.append(replace(source.record(), crs=crs_name(used)))
        return table


def _thinned(
    plan: Plan, pool: Candidates, demand: Demand, capacity: float
) -> tuple[Candidates, list[Finding]]:
    """Return a candidate a leaf, where all of them would be too many to compare."""
    fewer = candidates_of(plan, "cells", demand, capacity)
    if len(fewer) >= len(pool):
        return pool, []
    text = Message("finding.candidates_thinned", n=len(pool), kept=len(fewer))
    found = Finding(kind="candidates_thinned", severity="note", text=text, measure=float(len(pool)))
    return fewer, [found]


def _not_compared(wanted: Sequence[Tier], chosen: Sequence[Sequence[Zone]]) -> list[Finding]:
    """Return a note for each cell whose candidates were too many to compare all of them."""
    return [
        Finding(
            kind="candidates_thinned", severity="note", measure=float(zone.left_out),
            cell=zone.code,
            text=Message(
                "finding.candidates_not_compared", n=zone.left_out, tier=tier.name, cell=zone.code
            ),
        )
        for tier, zones in zip(wanted, chosen, strict=True) for zone in zones if zone.left_out
    ]  # fmt: skip


def _chosen(
    plan: Plan, town: Town, wanted: Sequence[Tier], goal: str | None, count: int | None
) -> tuple[list[list[Zone]], list[TierFigures]]:
    """Return the points of each tier by zone, and how good they are."""
    chosen: list[list[Zone]] = []
    figures = []
    below = np.empty(0, dtype=np.int64)
    for tier in wanted:
        mine = np.array([name in (None, tier.name) for name in town.candidates.tier], dtype=bool)
        pool = np.flatnonzero(mine)
        if tier.level is None:
            meant = goal_of(goal, count, tier.within)
            zones = [
                choose_everywhere(
                    town, pool, goal=meant, count=count, within=tier.within,
                    middles=middles_of_leaves(town.demand),
                )
            ]  # fmt: skip
        else:
            meant = "median" if tier.within is None else "fewest"
            zones = list(
                choose_by_cell(
                    town,
                    tier,
                    pool,
                    cell_above(plan, town.demand.leaf, tier.level),
                    cell_above(plan, town.candidates.leaf, tier.level),
                    below,
                )
            )
            # What is kept outside all land serves nobody, and is told.
            lost = pool[town.candidates.locked[pool]]
            lost = (
                lost[[leaf is None for leaf in town.candidates.leaf[lost]]] if len(lost) else lost
            )
            zones.append(Zone(code=None, sites=lost, objective=0.0, bound=0.0))
        below = np.concatenate([zone.sites for zone in zones])
        chosen.append(zones)
        objective, bound = (
            float(sum(getattr(zone, name) for zone in zones)) for name in ("objective", "bound")
        )
        figures.append(
            TierFigures(
                name=tier.name, level=tier.level, goal=meant, within_m=tier.within,
                objective=objective, bound=bound,
            )
        )  # fmt: skip
    return chosen, figures


def _dropped(pool: Candidates, chosen: Sequence[Sequence[Zone]]) -> list[Finding]:
    taken = np.zeros(len(pool), dtype=bool)
    for zones in chosen:
        for zone in zones:
            taken[zone.sites] = True
    lost = np.flatnonzero(pool.existing & ~taken)
    if not len(lost):
        return []
    text = Message(
        "finding.existing_dropped", n=len(lost), points=some(pool.place[lost].tolist(), _LISTED)
    )
    return [Finding(kind="existing_dropped", severity="note", text=text, measure=float(len(lost)))]


def unproven(siting: SitingFigures) -> list[Finding]:
    """Return a note for each tier of which no proof says that it is the best."""
    return [
        Finding(
            kind="not_proven", severity="note", measure=tier.gap,
            text=Message("finding.not_proven", tier=tier.name, gap=tier.gap),
        )
        for tier in siting.tiers
        if tier.gap
    ]  # fmt: skip
