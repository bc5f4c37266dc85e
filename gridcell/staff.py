"""Who answers for which cell: posts filled from the roster, the rest reported as vacancies."""

from collections.abc import Iterator
from typing import Final, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from gridcell.errors import AssignmentError
from gridcell.model import Finding
from gridcell.schema import STAFF_COLUMNS, VACANCY_COLUMNS

ROLES: Final = (
    "community_chief", "small_chief", "dedicated_chief", "micro_chief", "worker", "police",
)  # fmt: skip
"""In the order in which they are filled: one post a cell; workers serve their whole community."""


class _Posts(NamedTuple):
    """Cells that want one holder each, in the order of their codes."""

    code: NDArray[np.str_]
    xy: NDArray[np.float64]
    households: NDArray[np.float64]


def assign_staff(
    medium: gpd.GeoDataFrame,
    small: gpd.GeoDataFrame,
    micro: gpd.GeoDataFrame,
    staff: pd.DataFrame,
    *,
    homes: NDArray[np.float64],
) -> tuple[pd.DataFrame, pd.DataFrame, list[Finding]]:
    """Return who holds which post, the posts that nobody holds, and what was found.

    Within a community and role, as many posts as possible are filled, and with the least sum of
    distances from home to the cell's representative point. Nobody holds two posts of one role,
    more posts than ``max_cells``, or a cell below the community with more than
    ``max_households``. Every worker of a community is assigned to it.

    Parameters
    ----------
    medium, small, micro
        Cells with ``code``, ``community``, ``grid_type`` and ``households``, in one metric CRS.
    staff
        ``staff_id``, ``roles`` (separated by ``;``), ``community``, ``max_cells``,
        ``max_households``. Whoever names no community belongs to the one around the home.
    homes
        (staff, 2) where each lives, in the cells' CRS; NaN where unknown.

    Returns
    -------
    tuple
        `schema.STAFF_COLUMNS` by staff, role and code, ``distance_m`` NaN without a home;
        `schema.VACANCY_COLUMNS` by role and code; findings.

    Raises
    ------
    AssignmentError
        Homes that do not match the staff.
    """
    if homes.shape != (len(staff), 2):
        raise AssignmentError(
            f"homes: expected shape ({len(staff)}, 2), one row for each of the staff, "
            f"got {homes.shape}"
        )
    roster, findings = _roster(staff, homes, medium)
    posts = _posts_by_community(medium, small, micro)
    candidates = dict(iter(roster.groupby(["community", "role"], sort=True)))
    held = pd.Series(0, index=roster.index.unique())
    rows: list[pd.DataFrame] = []
    vacancies: list[pd.DataFrame] = []
    for community, role, cells in posts:
        people = candidates.get((community, role), roster.iloc[:0])
        people = people[held[people.index] < people["max_cells"]]
        if role == "worker":
            person = np.arange(len(people))
            cell = np.zeros(len(people), dtype=np.int64)
        else:
            person, cell = _match(people, cells, limited=role.endswith("_chief"))
        taken = people.iloc[person]
        held[taken.index] += 1
        distance = np.hypot(*(taken[["x", "y"]].to_numpy() - cells.xy[cell]).T)
        rows.append(
            pd.DataFrame(
                {
                    "staff_id": taken["staff_id"].to_numpy(),
                    "role": role,
                    "code": cells.code[cell],
                    "distance_m": np.round(distance, 3),
                }
            )
        )
        empty = np.delete(cells.code, cell)
        vacancies.append(pd.DataFrame({"role": role, "code": empty, "missing": 1}))
        if role != "worker" and len(people) > len(person):
            findings.append(_spare(community, role, len(people) - len(person)))
    return (
        _sorted(rows, STAFF_COLUMNS, by=["staff_id", "role", "code"]),
        _sorted(vacancies, VACANCY_COLUMNS, by=["role", "code"]),
        findings,
    )


def _match(
    people: pd.DataFrame, cells: _Posts, *, limited: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows of people and cells that belong together."""
    if not len(people) or not len(cells.code):
        none = np.empty(0, dtype=np.int64)
        return none, none
    away = people[["x", "y"]].to_numpy()[:, None, :] - cells.xy[None, :, :]
    cost = np.round(np.hypot(away[..., 0], away[..., 1]), 3)
    known = ~np.isnan(cost)
    # Homes that are known come first: only between them can distance decide.
    farthest = cost[known].max() + 1 if known.any() else 1.0
    cost[~known] = farthest
    allowed = np.ones(cost.shape, dtype=bool)
    if limited:
        allowed = cells.households[None, :] <= people["max_households"].to_numpy()[:, None]
    # Dearer than any choice of allowed pairs: used only where no other pair fills the post.
    cost[~allowed] = (farthest + 1) * (min(cost.shape) + 1)
    person, cell = linear_sum_assignment(cost)
    kept = allowed[person, cell]
    return person[kept], cell[kept]


def _roster(
    staff: pd.DataFrame, homes: NDArray[np.float64], medium: gpd.GeoDataFrame
) -> tuple[pd.DataFrame, list[Finding]]:
    """Return the staff, one row a role, on an index of persons, and what is wrong with others."""
    roster = pd.DataFrame(
        {
            "staff_id": staff["staff_id"].astype("str").to_numpy(),
            "role": staff["roles"].astype("str").fillna("").to_numpy(),
            "community": _communities(staff, homes, medium).to_numpy(),
            "max_cells": _limit(staff["max_cells"]),
            "max_households": _limit(staff["max_households"]),
            "x": homes[:, 0],
            "y": homes[:, 1],
        }
    )
    roster = roster.sort_values(list(roster.columns), ignore_index=True, na_position="last")
    findings: list[Finding] = []
    twice = roster["staff_id"].duplicated()
    findings += [
        _warning("staff_twice", person, "is listed more than once; the first entry counts")
        for person in roster.loc[twice, "staff_id"].drop_duplicates()
    ]
    roster = roster[~twice]

    homeless = ~roster["community"].isin(medium["community"])
    findings += [
        _warning(
            "staff_community",
            person,
            f"belongs to no community of the plan (community {name!r}); expected a community's "
            f"code, or a home in one"
            if isinstance(name, str)
            else "names no community and has no home in one; expected either",
        )
        for person, name in roster.loc[homeless, ["staff_id", "community"]].itertuples(index=False)
    ]
    roster = roster[~homeless].reset_index(drop=True)

    wanted = roster["role"].str.split(";").explode().str.strip().str.lower()
    wanted = wanted[wanted != ""]
    unknown = wanted[~wanted.isin(ROLES)]
    findings += [
        _warning(
            "staff_role",
            roster["staff_id"].iloc[row],
            f"has the unknown role {role!r}; expected {', '.join(ROLES)}",
        )
        for row, role in zip(unknown.index, unknown, strict=True)
    ]
    findings += [
        _warning("staff_role", person, f"has no role; expected {', '.join(ROLES)}")
        for person in roster.loc[~roster.index.isin(wanted.index), "staff_id"]
    ]
    known = wanted[wanted.isin(ROLES)].rename("role").reset_index().drop_duplicates()
    entries = roster.drop(columns="role").join(known.set_index("index"), how="inner")
    return entries, findings


def _communities(
    staff: pd.DataFrame, homes: NDArray[np.float64], medium: gpd.GeoDataFrame
) -> pd.Series:
    """Return the community of each of the staff: the one named, else the one around the home."""
    own = pd.Series(medium["community"].to_numpy(), index=medium["code"].to_numpy())
    named = staff["community"].astype("object").where(staff["community"].notna(), None)
    named = named.map(lambda code: own.get(code, code) if code is not None else None)
    named = named.reset_index(drop=True)
    unnamed = np.flatnonzero(named.isna().to_numpy() & ~np.isnan(homes).any(axis=1))
    order = medium.sort_values("code")
    points = shapely.points(homes[unnamed])
    point, area = shapely.STRtree(order.geometry.to_numpy()).query(points, predicate="intersects")
    # A home on a border belongs to the community with the first code.
    around = pd.Series(area).groupby(point).min()
    named.iloc[unnamed[around.index]] = order["community"].to_numpy()[around.to_numpy()]
    return named


def _posts_by_community(
    medium: gpd.GeoDataFrame, small: gpd.GeoDataFrame, micro: gpd.GeoDataFrame
) -> Iterator[tuple[str, str, _Posts]]:
    """Yield the posts by community and, within it, in the order of `ROLES`."""
    dedicated = small["grid_type"] == "dedicated"
    frames = (medium, small[~dedicated], small[dedicated], micro, medium, medium)
    posts = [_posts(frame) for frame in frames]
    for community in sorted(medium["community"]):
        for role, of_role in zip(ROLES, posts, strict=True):
            if community in of_role:
                yield community, role, of_role[community]


def _posts(cells: gpd.GeoDataFrame) -> dict[str, _Posts]:
    cells = cells.sort_values("code")
    xy = shapely.get_coordinates(shapely.point_on_surface(cells.geometry.to_numpy()))
    code = cells["code"].to_numpy(dtype=np.str_)
    households = cells["households"].to_numpy(dtype=np.float64)
    rows = pd.Series(np.arange(len(cells))).groupby(cells["community"].to_numpy()).indices
    return {
        str(community): _Posts(code[of_it], xy[of_it], households[of_it])
        for community, of_it in rows.items()
    }


def _limit(column: pd.Series) -> NDArray[np.float64]:
    return np.asarray(column.astype("Float64").fillna(np.inf), dtype=np.float64)


def _warning(kind: str, person: object, message: str) -> Finding:
    return Finding(kind=kind, severity="warning", message=f"staff {person!r} {message}")


def _spare(community: str, role: str, number: int) -> Finding:
    return Finding(
        kind="staff_spare",
        severity="note",
        community=community,
        measure=float(number),
        message=f"community {community!r}: {number} of the staff with role {role} hold no post",
    )


def _sorted(frames: list[pd.DataFrame], columns: tuple[str, ...], *, by: list[str]) -> pd.DataFrame:
    kinds = {"distance_m": "float64", "missing": "int64"}
    filled = [frame for frame in frames if len(frame)]
    table = pd.concat(filled) if filled else pd.DataFrame(columns=list(columns))
    table = table.astype({name: kinds.get(name, "str") for name in columns})
    return table.sort_values(by, ignore_index=True)[list(columns)]
