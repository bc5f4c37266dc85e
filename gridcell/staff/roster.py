"""The staff roster: who may hold which role where, and what is wrong with the others."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridcell.model import Finding
from gridcell.rules import Role
from gridcell.schema import ROLE_ALIASES
from gridcell.staff.posts import large_codes
from gridcell.words.catalogue import LANGUAGES, section
from gridcell.words.messages import Message, role_name

_LISTED = 20
"""Values of one kind that get a finding each; the rest share one."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Roster:
    """People who belong to a community of the plan, by id, and the roles that each may hold."""

    people: pd.DataFrame
    """``staff_id``, ``community``, ``large``, ``max_cells``, ``max_households`` (float, inf without
    a limit), ``x``, ``y`` (NaN without a home); numbered from 0."""
    entries: pd.DataFrame
    """``person`` (row of the people), ``role_row``; by person, then by role."""
    named: tuple[str, ...]
    """Known names of roles that people bear, sorted."""
    findings: list[Finding]


def read_roster(
    staff: pd.DataFrame,
    homes: NDArray[np.float64],
    medium: gpd.GeoDataFrame,
    roles: Sequence[Role],
) -> Roster:
    """Return the people and roles that a staff roster gives, whatever the order of its rows.

    Parameters
    ----------
    staff
        ``staff_id``, ``roles`` (separated by ``;``), ``community``, ``max_cells``,
        ``max_households``. Whoever names no community belongs to the one around the home.
    homes
        (staff, 2) where each lives, in the cells' CRS; NaN where unknown.
    medium
        The communities, with ``code``, ``community`` and perhaps ``parent``.
    roles
        From ``rules.staffing``.
    """
    listed, findings = _listed_once(staff, homes, medium)
    placed = listed["community"].isin(medium["community"])
    findings += _unplaced(listed[~placed])
    people = listed[placed].reset_index(drop=True)
    large = pd.Series(large_codes(medium), index=medium["community"].to_numpy())
    people["large"] = people["community"].map(large).astype(object)

    borne = people["roles"].str.split(";").explode().str.strip().str.lower()
    borne = borne[borne != ""]
    ours = {name for role in roles for name in (role.name, *role.held_by)}
    called = spoken_roles()
    borne = borne.map(lambda name: name if name in ours else called.get(name, name))
    known = borne.isin(ours)
    findings += _without_role(people, borne, known, roles)
    borne = borne[known]
    findings += _exclusive(people, borne, roles)
    return Roster(
        people=people.drop(columns="roles"), entries=_entries(borne, roles),
        named=tuple(sorted(borne.unique())), findings=findings,
    )  # fmt: skip


@cache
def spoken_roles() -> Mapping[str, str]:
    """Return our names of roles by what people and we ourselves call them, in any language."""
    called = {alias: name for name, aliases in ROLE_ALIASES.items() for alias in aliases}
    for lang in LANGUAGES:
        for said in (section("term", lang), section("role", lang)):
            called |= {said[name].lower(): name for name in ROLE_ALIASES if name in said}
    return MappingProxyType(called)


def exclusions(roles: Sequence[Role]) -> NDArray[np.bool_]:
    """Return (roles, roles) which two of them nobody may hold together."""
    row = {role.name: i for i, role in enumerate(roles)}
    out = np.zeros((len(roles), len(roles)), dtype=bool)
    for role in roles:
        for other in role.exclusive:
            out[row[role.name], row[other]] = out[row[other], row[role.name]] = True
    return out


def _listed_once(
    staff: pd.DataFrame, homes: NDArray[np.float64], medium: gpd.GeoDataFrame
) -> tuple[pd.DataFrame, list[Finding]]:
    """Return the staff sorted by content, the first entry of each id, and who has several."""
    listed = pd.DataFrame(
        {
            "staff_id": staff["staff_id"].astype("str").to_numpy(),
            "roles": staff["roles"].astype("str").fillna("").to_numpy(),
            "community": _communities(staff, homes, medium),
            "max_cells": _limit(staff["max_cells"]),
            "max_households": _limit(staff["max_households"]),
            "x": homes[:, 0],
            "y": homes[:, 1],
        }
    )
    listed = listed.sort_values(list(listed.columns), ignore_index=True, na_position="last")
    twice = listed["staff_id"].duplicated()
    ids = listed.loc[twice, "staff_id"].drop_duplicates()
    return listed[~twice], list(_grouped("staff_twice", ids, None, "staff_twice"))


def _unplaced(people: pd.DataFrame) -> Iterator[Finding]:
    """Yield who belongs to no community of the plan: to none at all, or to a strange one."""
    homeless = people.loc[people["community"].isna(), "staff_id"]
    yield from _grouped("staff_community", homeless, None, "staff_homeless")
    strangers = people.dropna(subset="community")
    yield from _grouped(
        "staff_community", strangers["staff_id"], strangers["community"], "staff_community"
    )


def _without_role(
    people: pd.DataFrame, borne: "pd.Series[str]", known: "pd.Series[bool]", roles: Sequence[Role]
) -> Iterator[Finding]:
    """Yield who bears a role that the rules do not know, and who bears none."""
    expected = tuple(role_name(role.name) for role in roles)
    strange = borne[~known]
    ids = people["staff_id"].reindex(strange.index)
    yield from _grouped("staff_role", ids, strange, "staff_role", roles=expected)
    none = people.loc[~people.index.isin(borne.index), "staff_id"]
    yield from _grouped("staff_role", none, None, "staff_roleless", roles=expected)


def _entries(borne: "pd.Series[str]", roles: Sequence[Role]) -> pd.DataFrame:
    opens = pd.DataFrame(
        [(name, row) for row, role in enumerate(roles) for name in (role.name, *role.held_by)],
        columns=["name", "role_row"],
    )
    bearers = pd.DataFrame({"person": borne.index, "name": borne.to_numpy()})
    pairs = bearers.merge(opens, on="name")[["person", "role_row"]].drop_duplicates()
    return pairs.astype("int64").sort_values(["person", "role_row"], ignore_index=True)


def _exclusive(
    people: pd.DataFrame, borne: "pd.Series[str]", roles: Sequence[Role]
) -> Iterator[Finding]:
    """Yield who bears offices that exclude each other."""
    names = [role.name for role in roles]
    one, other = np.nonzero(np.triu(exclusions(roles)))
    bearers = {name: borne.index[borne == name] for name in names}
    for a, b in zip(one, other, strict=True):
        both = bearers[names[a]].intersection(bearers[names[b]]).unique().sort_values()
        pair = Message("part.both", a=role_name(names[a]), b=role_name(names[b]))
        yield from _grouped(
            "staff_exclusive", people["staff_id"].loc[both],
            pd.Series(str(pair), index=both, dtype=object), "staff_exclusive", value=pair,
        )  # fmt: skip


def _grouped(
    kind: str,
    ids: "pd.Series[str]",
    values: "pd.Series[str] | None",
    key: str,
    **params: object,
) -> Iterator[Finding]:
    """Yield a finding for each value, or each person where there are none.

    The texts are ``finding.KEY`` for one person, ``…_several`` for more, ``…_rest`` for those
    behind the first `_LISTED`.
    """
    of = ids if values is None else values
    groups = pd.DataFrame({"id": ids.to_numpy(), "of": of.to_numpy()})
    found = groups.groupby("of", sort=True)["id"].agg(["first", "size"])
    for value, first, size in found.iloc[:_LISTED].itertuples(name=None):
        told: dict[str, object] = {"first": first, "value": value, **params}
        yield Finding(
            kind=kind, severity="warning", measure=float(size),
            text=Message(f"finding.{key}", **told)
            if size == 1
            else Message(f"finding.{key}_several", **told, n=size - 1),
        )  # fmt: skip
    rest = found.iloc[_LISTED:]
    if len(rest):
        size = int(rest["size"].sum())
        yield Finding(
            kind=kind, severity="warning", measure=float(size),
            text=Message(f"finding.{key}_rest", **params, n=size),
        )  # fmt: skip


def _communities(
    staff: pd.DataFrame, homes: NDArray[np.float64], medium: gpd.GeoDataFrame
) -> NDArray[np.object_]:
    """Return the community of each of the staff: the one named, else the one around the home.

    It is named by its code, or by its name.
    """
    own = pd.Series(medium["community"].to_numpy(), index=medium["code"].to_numpy())
    if "name" in medium:
        # Codes come first; a name that several have says nothing.
        names = medium.loc[~medium["name"].duplicated(keep=False)]
        names = names[names["name"].notna() & ~names["name"].isin(own.index)]
        own = pd.concat([own, pd.Series(names["community"].to_numpy(), index=names["name"])])
    given = staff["community"].astype("object").reset_index(drop=True)
    named = given.map(own).where(given.isin(own.index), given)
    named = named.astype("object").where(given.notna(), None)
    unnamed = np.flatnonzero(named.isna().to_numpy() & ~np.isnan(homes).any(axis=1))
    order = medium.sort_values("code")
    points = shapely.points(homes[unnamed])
    point, area = shapely.STRtree(order.geometry.to_numpy()).query(points, predicate="intersects")
    # A home on a border belongs to the community with the first code.
    around = pd.Series(area).groupby(point).min()
    named.iloc[unnamed[around.index]] = order["community"].to_numpy()[around.to_numpy()]
    return named.to_numpy(dtype=object)


def _limit(column: "pd.Series[int]") -> NDArray[np.float64]:
    return np.asarray(column.astype("Float64").fillna(np.inf), dtype=np.float64)
