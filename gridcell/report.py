"""The report of a plan: what ``report.json`` holds."""

from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries
from gridcell.borders import BorderFigures, border_figures
from gridcell.crs import crs_text
from gridcell.display.frames import PlanFrames
from gridcell.facts import (
    DivisionFigures,
    InputRecord,
    PublicationRecord,
    SitingFigures,
    StaffFigures,
    StaffProof,
)
from gridcell.rules import Band, Rules
from gridcell.work.known import Claim, prove_ahead, prove_once
from gridcell.workload import load_of


class Reported(PlanFrames, Protocol):
    """The part of a plan that is reported; `gridcell.Plan` has all of it."""

    @property
    def staff(self) -> pd.DataFrame:
        """Who holds which post."""

    @property
    def rules(self) -> Rules:
        """The rules."""

    @property
    def inputs(self) -> tuple[InputRecord, ...]:
        """Where its layers came from."""

    @property
    def bands(self) -> Mapping[tuple[str, str], Band]:
        """By community and level, the band that its cells were made for."""

    @property
    def estimated(self) -> int:
        """Households that are estimates."""

    @property
    def staffing(self) -> StaffFigures | None:
        """What is known of the assignment."""

    @property
    def points(self) -> pd.DataFrame:
        """Service points."""

    @property
    def served(self) -> pd.DataFrame:
        """Which point serves each building."""

    @property
    def siting(self) -> SitingFigures | None:
        """What is known of the service points."""

    @property
    def division(self) -> DivisionFigures:
        """What only the division knew."""

    @property
    def ok(self) -> bool:
        """Whether it keeps its promises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """How near the general cells of a level are to the target of their community."""

    cells: int
    in_band: int
    mean_abs_dev: float | None
    """Relative to the target; ``None`` where the target of a community is not known."""
    max_abs_dev: float | None


def make_report(plan: Reported) -> dict[str, Any]:
    """Return what ``report.json`` holds: a view of the plan, the same for the same plan.

    Of a plan to publish it tells proofs and bands, and nothing that was counted.
    """
    if plan.publication is not None:
        return _published(plan, plan.publication)
    general = plan.small["grid_type"] == "general"
    kinds = Counter(plan.findings["kind"])
    assigned, unassigned = _sum(plan.leaves["households"]), plan.unassigned
    given = plan.division.households
    total = assigned + unassigned if given is None else given
    buildings = any(record.role == "buildings" for record in plan.inputs)
    shares = plan.division.barrier_share
    seconds = plan.division.seconds
    return {
        "ok": plan.ok,
        "version": plan.division.version,
        "crs": crs_text(plan.crs),
        "inputs": [record.as_dict() for record in plan.inputs],
        "rules": plan.rules.model_dump(mode="json"),
        "counts": {
            "cells": {
                "large": len(plan.large),
                "medium": len(plan.medium),
                "small_general": int(general.sum()),
                "small_dedicated": int((~general).sum()),
                "micro": len(plan.micro),
            },
            "communities": len(plan.medium),
            # Given atoms take the place of buildings in the plan.
            "buildings": int(plan.buildings["bldg_id"].nunique()) if buildings else 0,
            "atoms": plan.division.atoms,
            "households": total,
        },
        "households": {
            "input": total,
            "assigned": assigned,
            "unassigned": unassigned,
            "estimated": plan.estimated,
        },
        **_load(plan),
        "coverage": {level: asdict(proof) for level, proof in plan.coverage.items()},
        "multipart_cells": _multipart(plan.small) + _multipart(plan.micro),
        "balance": {level: asdict(balance(plan, level)) for level in ("small", "micro")},
        "communities": _communities(plan),
        "compactness": {
            "small": _mean(plan.small.loc[general, "compactness"]),
            "micro": _mean(plan.micro["compactness"]),
        },
        "borders": {level: asdict(_borders(plan.cells(level))) for level in ("small", "micro")},
        "barrier_share": {level: shares.get(level) for level in ("small", "micro")},
        "cut_buildings": kinds["cut_building"],
        "staff": _staff(plan),
        **({} if plan.siting is None else {"siting": _siting(plan, plan.siting)}),
        "findings": dict(sorted(kinds.items())),
        "seconds": {**seconds, "total": round(sum(seconds.values()), 3)},
    }


def _load(plan: Reported) -> dict[str, Any]:
    """Return what bands count in place of households: the expression, and its sum."""
    if plan.rules.load is None:
        return {}
    total = float(np.round(load_of(plan.leaves).sum(), 3))
    return {"load": {"expression": plan.rules.load, "assigned": total}}


def begin_report(cells: Iterable[pd.DataFrame], executor: Executor | None) -> None:
    """Let workers measure what the report of a plan will tell of small and micro cells.

    Parameters
    ----------
    cells
        Small and micro cells.
    executor
        Whose workers; see `gridcell.work.known.prove_ahead`.
    """
    for each in cells:
        prove_ahead(*_borders_claim(each), executor=executor)


def _borders(cells: pd.DataFrame) -> BorderFigures:
    figures: BorderFigures = prove_once(*_borders_claim(cells))
    return figures


def _borders_claim(cells: pd.DataFrame) -> Claim:
    columns = ("grid_type", "community", "geometry")
    return (
        "borders", _measure_borders, *(np.asarray(cells[name], dtype=object) for name in columns),
        cells["compactness"].to_numpy(),
    )  # fmt: skip


def _measure_borders(
    grid_type: NDArray[np.object_], community: NDArray[np.object_], shapes: Geometries,
    compactness: NDArray[np.float64],
) -> BorderFigures:  # fmt: skip
    columns = {"grid_type": grid_type, "community": community, "geometry": shapes}
    return border_figures(pd.DataFrame({**columns, "compactness": compactness}))


def balance(plan: Reported, level: str) -> Balance:
    """Return how near the general cells of a level, small or micro, are to their targets."""
    cells = plan.cells(level)
    general = cells[cells["grid_type"] == "general"]
    targets = {
        community: band.target for (community, name), band in plan.bands.items() if name == level
    }
    goal = general["community"].map(targets).to_numpy(dtype=np.float64)
    away = np.abs(load_of(general) - goal) / goal
    known = not np.isnan(away).any()
    return Balance(
        cells=len(general),
        in_band=int((general["band"] == "in").sum()),
        mean_abs_dev=(round(float(away.mean()), 4) if len(away) else 0.0) if known else None,
        max_abs_dev=(round(float(away.max()), 4) if len(away) else 0.0) if known else None,
    )


def _communities(plan: Reported) -> dict[str, Any]:
    """Return for each community how many cells are in their band, and how many could be."""
    counted = {}
    for level in ("small", "micro"):
        cells = plan.cells(level)
        general = cells[cells["grid_type"] == "general"]
        inside = general.loc[general["band"] == "in", "community"]
        counted[level] = Counter(general["community"]), Counter(inside)
    figures: dict[str, Any] = {}
    for code in plan.medium["community"]:
        figures[code] = {}
        for level, (number, inside) in counted.items():
            band = plan.bands.get((code, level))
            figures[code][level] = {
                "cells": number[code],
                "in_band": inside[code],
                "bound": plan.division.bounds.get((code, level), 0),
                "band": None if band is None else band.model_dump(),
            }
            if (wanted := plan.division.wanted.get((code, level))) is not None:
                figures[code][level]["wanted"] = wanted
    return figures


def _staff(plan: Reported) -> dict[str, Any]:
    filled, vacant = len(plan.staff), _sum(plan.vacancies["missing"])
    known = plan.staffing
    if known is None:
        return {"people": 0, "posts_filled": filled, "vacancies": vacant}
    held = Counter(plan.staff["role"])
    missing = pd.to_numeric(plan.vacancies["missing"]).groupby(plan.vacancies["role"]).sum()
    away = plan.staff["distance_m"].dropna()
    return {
        "people": known.people,
        "posts": known.posts,
        "posts_filled": filled,
        "vacancies": vacant,
        "without_post": known.without_post,
        "kept": known.kept,
        "roles": {
            name: {
                "people": role.people,
                "posts": role.posts,
                "held": held[name],
                "vacant": int(missing.get(name, 0)),
                "more_people": role.more_people,
            }
            for name, role in known.roles.items()
        },
        "distance_m": {
            "mean": round(float(away.mean()), 1) if len(away) else None,
            "max": round(float(away.max()), 1) if len(away) else None,
        },
        "proof": {
            **_reached(known.proof),
            "communities": {code: _reached(own) for code, own in known.proof.communities.items()},
        },
    }


def _siting(plan: Reported, known: SitingFigures) -> dict[str, Any]:
    tiers: dict[str, Any] = {}
    points, served = plan.points, plan.served
    for tier in known.tiers:
        own, theirs = points[points["tier"] == tier.name], served[served["tier"] == tier.name]
        households = pd.to_numeric(theirs["households"]).to_numpy(dtype=np.float64)
        metres = theirs["distance_m"].to_numpy(dtype=np.float64)
        there = np.isfinite(metres) & (households > 0)
        far = ~np.isfinite(metres) | (metres > (tier.within_m or np.inf))
        total = households[there].sum()
        mean = float((metres * households)[there].sum() / total) if total else None
        tiers[tier.name] = {
            "level": tier.level,
            "goal": tier.goal,
            "within_m": tier.within_m,
            "points": len(own),
            "households": _sum(theirs["households"]),
            "beyond": int(households[far].sum()),
            "mean_m": None if mean is None else round(mean, 1),
            "max_m": round(float(metres[there].max()), 1) if there.any() else None,
            "objective": tier.objective,
            "bound": tier.bound,
            "gap": None if tier.gap is None else round(tier.gap, 6),
        }
    return {
        "candidates": known.candidates,
        "demand": known.demand,
        "straight": known.straight,
        "tiers": tiers,
    }


def _reached(proof: StaffProof) -> dict[str, Any]:
    figures = asdict(proof)
    del figures["communities"]
    return figures


def _published(plan: Reported, record: PublicationRecord) -> dict[str, Any]:
    communities: dict[str, Any] = {code: {} for code in plan.medium["community"]}
    for (code, level), band in plan.bands.items():
        communities[code][level] = {"band": band.model_dump()}
    return {
        "ok": record.ok,
        "version": plan.division.version,
        "coverage": {level: asdict(proof) for level, proof in plan.coverage.items()},
        "communities": communities,
        "households": {"estimated": record.estimated},
        "publication": record.as_dict(),
    }


def _multipart(cells: pd.DataFrame) -> int:
    parts = shapely.get_num_geometries(np.asarray(cells["geometry"], dtype=object))
    return int((parts > 1).sum())


def _sum(column: "pd.Series[Any]") -> int:
    return int(pd.to_numeric(column).fillna(0).sum())


def _mean(values: "pd.Series[float]") -> float:
    return round(float(values.mean()), 4) if len(values) else 0.0
