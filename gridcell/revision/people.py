"""Staff of a plan whose cells changed."""

from dataclasses import replace
from functools import partial

import geopandas as gpd
import pandas as pd

from gridcell.assembly import Assign, no_staff
from gridcell.cells.frames import CellFrames
from gridcell.model import Finding, Layers, Plan
from gridcell.rules import Rules
from gridcell.schema import STAFF_COLUMNS, VACANCY_COLUMNS
from gridcell.staff import Assignment, homes_of, make_assignment
from gridcell.staff.posts import make_posts
from gridcell.streets import network_of_rules
from gridcell.words.messages import Message

_KEYS = ["role", "code"]


def keep_staff(plan: Plan, layers: Layers, rules: Rules) -> Assign:
    """Return how posts are filled anew: holders stay where their cells do.

    With a roster in the layers all other posts are assigned as well. Without one they are vacant,
    since where people live is not in a plan.
    """

    def assign(cells: CellFrames, buildings: gpd.GeoDataFrame) -> Assignment:
        if layers.staff is not None:
            done = make_assignment(
                cells.medium, cells.small, cells.micro, layers.staff,
                homes=homes_of(layers.staff, buildings), roles=rules.staffing,
                keep=plan.staff if len(plan.staff) else None,
                network=network_of_rules(layers.barriers, crs=layers.crs, rules=rules),
            )  # fmt: skip
            same = done.staff.equals(plan.staff) and done.vacancies.equals(plan.vacancies)
            # Who was kept is no news where nobody moved.
            return replace(done, figures=plan.staffing) if same else done
        if plan.staff.empty and plan.vacancies.empty:
            return no_staff()
        return _kept(plan, cells, rules)

    return lambda cells, buildings: partial(assign, cells, buildings)


def _kept(plan: Plan, cells: CellFrames, rules: Rules) -> Assignment:
    named = {role.lower() for role in (*plan.staff["role"], *plan.vacancies["role"])}
    posts = make_posts(cells.medium, cells.small, cells.micro, roles=rules.staffing, named=named)
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
        return Assignment(staff=staff, vacancies=vacant, findings=[], figures=plan.staffing)
    text = Message("finding.staff_kept", n=len(staff), gone=gone)
    finding = Finding(kind="staff_kept", severity="warning", measure=float(gone), text=text)
    return Assignment(staff=staff, vacancies=vacant, findings=[finding], figures=None)
