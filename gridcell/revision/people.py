"""Staff of a plan whose cells changed."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridcell.assembly import Assign, no_staff
from gridcell.cells.frames import CellFrames
from gridcell.model import Finding, Layers, Plan, StaffFigures
from gridcell.rules import Rules
from gridcell.schema import STAFF_COLUMNS, VACANCY_COLUMNS
from gridcell.staff import Assignment, homes_of, make_assignment
from gridcell.staff.posts import make_posts
from gridcell.streets import WalkingNetwork, network_of_rules
from gridcell.words.messages import Message

_KEYS = ["role", "code"]


def keep_staff(plan: Plan, layers: Layers, rules: Rules) -> Assign:
    """Return how posts are filled anew: holders stay where their cells do.

    With a roster in the layers all other posts are assigned as well. Without one they are vacant,
    since where people live is not in a plan.
    """
    before = _Before(plan.staff, plan.vacancies, plan.staffing)

    def assign(cells: CellFrames, buildings: gpd.GeoDataFrame) -> Callable[[], Assignment]:
        levels = (cells.medium, cells.small, cells.micro)
        if layers.staff is not None:
            return partial(
                _renewed, before, *levels, layers.staff, homes=homes_of(layers.staff, buildings),
                network=network_of_rules(layers.barriers, crs=layers.crs, rules=rules), rules=rules,
            )  # fmt: skip
        if plan.staff.empty and plan.vacancies.empty:
            return no_staff
        return partial(_kept, before, *levels, rules=rules)

    return assign


@dataclass(frozen=True, eq=False, slots=True)
class _Before:
    """Who held which post."""

    staff: pd.DataFrame
    vacancies: pd.DataFrame
    figures: StaffFigures | None


def _renewed(
    before: _Before,
    medium: gpd.GeoDataFrame,
    small: gpd.GeoDataFrame,
    micro: gpd.GeoDataFrame,
    roster: pd.DataFrame,
    *,
    homes: NDArray[np.float64],
    network: WalkingNetwork | None,
    rules: Rules,
) -> Assignment:
    """Return who holds which post now, by a roster."""
    done = make_assignment(
        medium, small, micro, roster, homes=homes, roles=rules.staffing,
        keep=before.staff if len(before.staff) else None, network=network,
    )  # fmt: skip
    same = done.staff.equals(before.staff) and done.vacancies.equals(before.vacancies)
    # Who was kept is no news where nobody moved.
    return replace(done, figures=before.figures) if same else done


def _kept(
    plan: _Before,
    medium: gpd.GeoDataFrame,
    small: gpd.GeoDataFrame,
    micro: gpd.GeoDataFrame,
    *,
    rules: Rules,
) -> Assignment:
    """Return who holds which post still."""
    named = {role.lower() for role in (*plan.staff["role"], *plan.vacancies["role"])}
    posts = make_posts(medium, small, micro, roles=rules.staffing, named=named)
    wanted = posts.set_index(_KEYS)["wanted"]
    wanted = wanted[~wanted.index.duplicated()]
    stays = pd.MultiIndex.from_frame(plan.staff[_KEYS]).isin(wanted.index)
    staff = plan.staff.loc[stays, list(STAFF_COLUMNS)].reset_index(drop=True)
    held = staff.groupby(_KEYS).size().reindex(wanted.index, fill_value=0)
    missing = (wanted - held).clip(lower=0)
    reason = plan.vacancies.set_index(_KEYS)["reason"]
    reason = reason[~reason.index.duplicated()]
    vacant = missing[missing > 0].rename("missing").reset_index()
    told = reason.reindex(pd.MultiIndex.from_frame(vacant[_KEYS])).to_numpy(dtype=object)
    vacant["reason"] = [
        why if isinstance(why, str) else str(Message("vacancy.cell_changed")) for why in told
    ]
    vacant = vacant.astype({"role": "str", "code": "str", "missing": "int64", "reason": "str"})
    vacant = vacant.sort_values(_KEYS, ignore_index=True)[list(VACANCY_COLUMNS)]
    gone = int((~stays).sum())
    if not gone and vacant.equals(plan.vacancies):
        return Assignment(staff=staff, vacancies=vacant, findings=[], figures=plan.figures)
    text = Message("finding.staff_kept", n=len(staff), gone=gone)
    finding = Finding(kind="staff_kept", severity="warning", measure=float(gone), text=text)
    return Assignment(staff=staff, vacancies=vacant, findings=[finding], figures=None)
