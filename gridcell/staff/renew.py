"""A finished plan and a staff roster -> the plan with its staff assigned anew."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridcell.arguments import checked
from gridcell.crs import crs_name, parse_crs
from gridcell.errors import AssignmentError
from gridcell.model import InputRecord, Plan, findings_frame, sort_findings
from gridcell.read.datum import parse_datums
from gridcell.read.fields import check_mapping
from gridcell.read.files import Input
from gridcell.read.people import check_staff
from gridcell.read.rosters import open_roster, personal_findings
from gridcell.rules import Rules, as_rules
from gridcell.staff.assign import Assignment, make_assignment
from gridcell.streets import network_of_rules
from gridcell.words.messages import Message, joined

_OURS = ("staff_", "streets_")
"""What the kinds of findings about staff, and about the streets they go along, begin with."""


@checked
def renew_staff(
    plan: Plan,
    roster: Input,
    *,
    rules: Rules | Mapping[str, Any] | None = None,
    keep: bool = False,
    crs: Any = None,
    encoding: str | None = None,
    datum: str = "wgs84",
) -> Plan:
    """Return the plan with staff, vacancies, their findings and figures made anew.

    Parameters
    ----------
    plan
        Any plan; its cells stay as they are.
    roster
        Staff roster: ``staff_id``, ``roles``, a place (``bldg_id``, a point) or ``community``;
        ``max_cells``, ``max_households``: a path, ``FILE#LAYER`` or a frame.
    rules
        Of these `staffing`, `walking` where it is given, and the column names of the roster count,
        the rest is the plan's: as `Rules`, or as a mapping of the settings that are to differ from
        the plan's. With ``walking.network`` distances are along the streets.
    keep
        Who holds a post in the plan stays, unless there is a reason.
    crs
        CRS of ``x`` and ``y``, and of layers that name none; else the plan's.
    encoding
        Encoding of the text, where the file does not tell.
    datum
        ``wgs84``, ``gcj02`` or ``bd09``.

    Raises
    ------
    InputError
        A roster that cannot be used as it is: which row, what was expected.
    AssignmentError
        A roster in which nobody can hold any post.

    Examples
    --------
    `layers` and `plan` are those of the examples of `read_layers` and `make_plan`. Without its
    police officer the community has one more vacancy:

    >>> import gridcell
    >>> roster = layers.staff[layers.staff["roles"] != "police"]
    >>> renewed = gridcell.renew_staff(plan, roster)
    >>> renewed.vacancies["role"].tolist()
    ['police']
    """
    if rules is not None:
        rules = as_rules(rules, plan.rules)
        fields = {**plan.rules.fields, **{k: v for k, v in rules.fields.items() if k == "staff"}}
        taken: dict[str, Any] = {"staffing": rules.staffing, "fields": fields}
        if "walking" in rules.model_fields_set:
            taken["walking"] = rules.walking
        rules = plan.rules.model_copy(update=taken)
    else:
        rules = plan.rules
    check_mapping(rules)
    source = open_roster(roster, encoding=encoding)
    people, used = check_staff(
        source, plan.crs, rules, fallback=parse_crs(crs),
        datum=parse_datums(datum).get("staff", "wgs84"),
    )  # fmt: skip
    done = make_assignment(
        plan.medium, plan.small, plan.micro, people,
        homes=homes_of(people, plan.buildings), roles=rules.staffing,
        keep=plan.staff if keep else None,
        network=network_of_rules(plan.barriers, crs=plan.crs, rules=rules),
    )  # fmt: skip
    if done.figures is None or not any(role.people for role in done.figures.roles.values()):
        why = [found.text for found in done.findings[:3] if found.kind != "staff_missing"]
        said = joined("clauses", why) if why else Message("fault.no_rows")
        raise AssignmentError(Message("error.nobody_fits", label=source.label, why=said))
    done = replace(done, findings=[*done.findings, *personal_findings(source)])
    record = replace(source.record(), crs=crs_name(used))
    return _renewed(plan, done, rules, record)


def homes_of(staff: pd.DataFrame, buildings: gpd.GeoDataFrame) -> NDArray[np.float64]:
    """Return (staff, 2) where each lives: in the middle of the building named, else at the point.

    Parameters
    ----------
    staff
        ``bldg_id``, ``x``, ``y``.
    buildings
        ``bldg_id`` and polygons of the plan, one row a slab, in the CRS of ``x`` and ``y``.
    """
    homes = staff[["x", "y"]].to_numpy(dtype=np.float64, copy=True)
    wanted = buildings[buildings["bldg_id"].isin(staff["bldg_id"].dropna())]
    centre, area = wanted.geometry.centroid, wanted.geometry.area.to_numpy()
    parts = pd.DataFrame(
        {"area": area, "x": centre.x.to_numpy() * area, "y": centre.y.to_numpy() * area}
    )
    whole = parts.groupby(wanted["bldg_id"].to_numpy(), sort=True).sum()
    at = whole.index.get_indexer(pd.Index(staff["bldg_id"]))
    middle = whole[["x", "y"]].to_numpy() / whole[["area"]].to_numpy()
    homes[at >= 0] = middle[at[at >= 0]]
    return homes


def _renewed(plan: Plan, done: Assignment, rules: Rules, record: InputRecord) -> Plan:
    old = plan.findings[~plan.findings["kind"].str.startswith(_OURS)]
    findings = sort_findings(pd.concat([old, findings_frame(done.findings, plan.crs)]))
    inputs = (*(given for given in plan.inputs if given.role != "staff"), record)
    return replace(
        plan, staff=done.staff, vacancies=done.vacancies, findings=findings, rules=rules,
        inputs=inputs, staffing=done.figures,
    )  # fmt: skip
