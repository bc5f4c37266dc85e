"""The posts: which cells want how many holders of which role."""

from collections.abc import Collection, Sequence
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridcell.rules import SIX_CHIEFS_AND_TWO_MEMBERS, Role

ROLES: Final = tuple(role.name for role in SIX_CHIEFS_AND_TWO_MEMBERS if not role.optional)
"""Names of the roles that every plan has by the default rules, in their order."""


def make_posts(
    medium: gpd.GeoDataFrame,
    small: gpd.GeoDataFrame,
    micro: gpd.GeoDataFrame,
    *,
    roles: Sequence[Role] = SIX_CHIEFS_AND_TWO_MEMBERS,
    named: Collection[str] | None = None,
) -> pd.DataFrame:
    """Return what each cell wants: one row a role and cell, by role in their order, then by code.

    Parameters
    ----------
    medium, small, micro
        Cells with ``code``, ``community``, ``grid_type`` and ``households``, in one metric CRS;
        `medium` with ``parent`` where a role serves or spans large cells.
    roles
        From ``rules.staffing``.
    named
        Roles that the roster has, lower case: optional roles that it lacks have no posts. ``None``
        leaves all optional roles in.

    Returns
    -------
    pandas.DataFrame
        ``role``, ``code``; ``wanted``; ``role_row`` (position in `roles`); ``zone`` (whom its
        holders have to belong to: ``community CODE`` or ``large CODE``); ``households``; ``x``,
        ``y`` (representative point of the cell, metres).
    """
    used = [
        (row, role)
        for row, role in enumerate(roles)
        if not role.optional or named is None or {role.name, *role.held_by} & {*named}
    ]
    large_of = pd.Series(large_codes(medium), index=medium["community"].to_numpy())
    frames = {"medium": medium, "small": small, "micro": micro}
    if any(role.level == "large" for _, role in used):
        frames["large"] = _large_cells(medium)
    places = {level: _places(frame, large_of) for level, frame in frames.items()}
    tables = [_posts_of(role, row, places[role.level]) for row, role in used]
    empty = _posts_of(
        Role(name="none", level="medium"), 0, _places(medium.iloc[:0], large_of)
    )  # fmt: skip
    return pd.concat([table for table in tables if len(table)] or [empty], ignore_index=True)


def large_codes(medium: gpd.GeoDataFrame) -> NDArray[np.object_]:
    """Return the code of the large cell of each community, empty where there is none."""
    if "parent" not in medium:
        return np.full(len(medium), "", dtype=object)
    parent = medium["parent"].astype(object)
    return np.asarray(parent.where(parent.notna(), ""), dtype=object)


def _large_cells(medium: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the large cells: the unions of their communities."""
    code = large_codes(medium)
    order = np.argsort(code, kind="stable")
    rows = [rows for _, rows in sorted(pd.Series(order).groupby(code[order]).indices.items())]
    shape = medium.geometry.to_numpy()[order]
    households = medium["households"].to_numpy()[order]
    return pd.DataFrame(
        {
            "code": [code[order][at[0]] for at in rows],
            "community": None,
            "grid_type": "general",
            "households": [int(households[at].sum()) for at in rows],
            "geometry": [shapely.coverage_union_all(shape[at]) for at in rows],
        }
    )


def _places(cells: pd.DataFrame, large_of: "pd.Series[str]") -> pd.DataFrame:
    """Return the cells by code, with representative points in place of geometries."""
    cells = cells.sort_values("code")
    point = shapely.point_on_surface(cells["geometry"].to_numpy(dtype=object))
    community = cells["community"].astype(object).to_numpy()
    large = pd.Series(community).map(large_of).fillna(pd.Series(cells["code"].to_numpy()))
    return pd.DataFrame(
        {
            "code": cells["code"].astype(object).to_numpy(),
            "community": [f"community {code}" for code in community],
            "large": [f"large {code}" for code in large],
            "grid_type": cells["grid_type"].astype(object).to_numpy(),
            "households": cells["households"].to_numpy(dtype=np.float64),
            "x": shapely.get_x(point),
            "y": shapely.get_y(point),
        }
    )


def _posts_of(role: Role, row: int, cells: pd.DataFrame) -> pd.DataFrame:
    if role.grid_type is not None:
        cells = cells[cells["grid_type"] == role.grid_type]
    wanted = np.full(len(cells), role.posts, dtype=np.int64)
    if role.per_households is not None:
        by_load = np.ceil(cells["households"].to_numpy() / role.per_households - 1e-9)
        wanted = np.maximum(wanted, by_load.astype(np.int64))
    zone = "large" if role.level == "large" else role.within
    return pd.DataFrame(
        {
            "role": pd.Series(role.name, index=cells.index, dtype=object),
            "code": cells["code"],
            "wanted": wanted,
            "role_row": np.full(len(cells), row, dtype=np.int64),
            "zone": cells[zone],
            "households": cells["households"],
            "x": cells["x"],
            "y": cells["y"],
        }
    )
