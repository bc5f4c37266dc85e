"""Cell layers with the columns that every file and every reader of a plan knows."""

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridcell import codes
from gridcell.arrays import Geometries
from gridcell.cells import draw_cells, trace_borders
from gridcell.model import Fabric, Layers
from gridcell.partition import Division, Targets
from gridcell.partition.reasons import Reasons
from gridcell.rules import Rules
from gridcell.schema import CELL_COLUMNS

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class CellFrames:
    """Cells of all levels, sorted by code, and the codes of each atom."""

    large: gpd.GeoDataFrame
    medium: gpd.GeoDataFrame
    small: gpd.GeoDataFrame
    micro: gpd.GeoDataFrame
    leaves: gpd.GeoDataFrame
    leaf_of_atom: "pd.Series[str]"
    small_of_atom: "pd.Series[str]"
    community_of_atom: "pd.Series[str]"


def make_cells(
    layers: Layers,
    fabric: Fabric,
    division: Division,
    small: Targets,
    micro: Targets | None,
    pieces: pd.DataFrame,
    reasons: Reasons,
    rules: Rules,
) -> CellFrames:
    """Return the cells of every level: polygons, codes, names and figures.

    Parameters
    ----------
    layers
        Communities and sites give names and codes.
    fabric, division
        The atoms and the cells they belong to.
    small, micro
        The bands that cells are held against.
    pieces
        Buildings by atom with their households.
    reasons
        Why cells outside their band are there.
    rules
        `Rules.codes`.
    """
    communities = layers.communities
    n_leaf, n_small = len(division.small_of_leaf), len(division.community_of_small)
    borders = trace_borders(fabric, division.leaf)
    small_of_leaf = division.small_of_leaf
    community_of_small = division.community_of_small
    names = codes.assign_community_codes(communities)
    large_codes, large_of_community = np.unique(
        names["large"].to_numpy(dtype=object).astype(str), return_inverse=True
    )

    drawn = {
        "leaf": draw_cells(borders, np.arange(n_leaf), n_leaf),
        "small": draw_cells(borders, small_of_leaf, n_small),
        "medium": draw_cells(borders, community_of_small[small_of_leaf], len(communities)),
        "large": draw_cells(
            borders, large_of_community[community_of_small[small_of_leaf]], len(large_codes)
        ),
    }
    dedicated = division.site_of_small >= 0
    kind = np.where(dedicated, "dedicated", "general")
    point = shapely.get_coordinates(shapely.point_on_surface(drawn["small"]))
    medium_of_small = names["medium"].iloc[community_of_small].reset_index(drop=True)
    small_code = codes.small_codes(
        medium_of_small, pd.Series(kind), point[:, 0], point[:, 1],
        shapely.area(drawn["small"]), rules=rules.codes,
    ).reset_index(drop=True)  # fmt: skip

    counted = _totals(pieces, division.leaf, n_leaf)
    in_small = _sums(counted, small_of_leaf, n_small)
    in_medium = _sums(in_small, community_of_small, len(communities))
    in_large = _sums(in_medium, large_of_community, len(large_codes))
    titles = _small_names(layers, division, small_code, rules)
    medium = names["medium"].astype("str").reset_index(drop=True)
    large = names["large"].astype("str").reset_index(drop=True)

    frames = {
        "large": _frame(
            drawn["large"], in_large, layers, level=1, code=pd.Series(large_codes, dtype="str"),
            label=codes.labels(pd.Series(large_codes, dtype="str")), parent=None,
            community=None, name=pd.Series(large_codes, dtype="str"), grid_type="general",
        ),
        "medium": _frame(
            drawn["medium"], in_medium, layers, level=2, code=medium,
            label=codes.labels(large, medium), parent=large,
            community=communities["code"], name=communities["name"], grid_type="general",
        ),
        "small": _frame(
            drawn["small"], in_small, layers, level=3, code=small_code,
            label=codes.labels(
                large.iloc[community_of_small].reset_index(drop=True), medium_of_small, small_code
            ),
            parent=medium_of_small, community=communities["code"].iloc[community_of_small],
            name=titles, grid_type=kind,
            band=_band(in_small[:, 0], small, community_of_small, dedicated),
            reason=reasons.small,
        ),
    }  # fmt: skip
    leaf_is_small = dedicated[small_of_leaf] if micro is not None else np.ones(n_leaf, dtype=bool)
    frames["micro"] = _micro_frame(
        layers, division, drawn["leaf"], counted, leaf_is_small, small_code, large,
        medium_of_small, titles, micro, reasons, rules,
    )  # fmt: skip
    leaf_code = small_code.iloc[small_of_leaf].to_numpy(dtype=object)
    leaf_code[~leaf_is_small] = frames["micro"]["code"].to_numpy(dtype=object)
    frames["leaves"] = pd.concat(
        [
            frames["small"].iloc[small_of_leaf[leaf_is_small]],
            frames["micro"],
        ],
        ignore_index=True,
    )
    # A leaf on level 3 is drawn as a leaf: the same ring from the same borders.
    ready = {
        level: frame.sort_values("code", kind="stable", ignore_index=True)
        for level, frame in frames.items()
    }
    return CellFrames(
        **ready,
        leaf_of_atom=pd.Series(leaf_code[division.leaf], dtype="str"),
        small_of_atom=small_code.iloc[division.small].reset_index(drop=True),
        community_of_atom=communities["code"]
        .iloc[community_of_small[division.small]]
        .reset_index(drop=True),
    )


def _micro_frame(
    layers: Layers,
    division: Division,
    drawn: Geometries,
    counted: NDArray[np.int64],
    leaf_is_small: NDArray[np.bool_],
    small_code: "pd.Series[str]",
    large: "pd.Series[str]",
    medium_of_small: "pd.Series[str]",
    titles: "pd.Series[str]",
    micro: Targets | None,
    reasons: Reasons,
    rules: Rules,
) -> gpd.GeoDataFrame:
    rows = np.flatnonzero(~leaf_is_small)
    parent_row = division.small_of_leaf[rows]
    geometry = drawn[rows]
    point = shapely.get_coordinates(shapely.point_on_surface(geometry))
    parent = small_code.iloc[parent_row].reset_index(drop=True)
    code = codes.micro_codes(
        parent, point[:, 0], point[:, 1], shapely.area(geometry), rules=rules.codes
    ).reset_index(drop=True)
    community = division.community_of_small[parent_row]
    number = code.str.slice(-rules.codes.micro_digits).str.lstrip("0")
    band = None
    if micro is not None:
        band = _band(counted[rows, 0], micro, community, np.zeros(len(rows), dtype=bool))
    return _frame(
        geometry, counted[rows], layers, level=4, code=code,
        label=codes.labels(
            large.iloc[community].reset_index(drop=True),
            medium_of_small.iloc[parent_row].reset_index(drop=True), parent, code,
        ),
        parent=parent, community=layers.communities["code"].iloc[community],
        name=titles.iloc[parent_row].reset_index(drop=True) + "第" + number + "微网格",
        grid_type="general", band=band, reason=reasons.leaf[rows],
    )  # fmt: skip


def _frame(
    geometry: Geometries,
    counted: NDArray[np.int64],
    layers: Layers,
    *,
    level: int,
    code: "pd.Series[str]",
    label: "pd.Series[str]",
    parent: "pd.Series[str] | None",
    community: "pd.Series[str] | None",
    name: "pd.Series[str]",
    grid_type: str | NDArray[np.str_],
    band: Sequence[str | None] | NDArray[np.object_] | None = None,
    reason: NDArray[np.object_] | None = None,
) -> gpd.GeoDataFrame:
    n = len(geometry)
    none = np.full(n, None, dtype=object)
    text = {
        "code": code,
        "label": label,
        "grid_type": np.broadcast_to(np.asarray(grid_type, dtype=object), n),
        "parent": none if parent is None else parent,
        "community": none if community is None else community,
        "name": name,
        "band": none if band is None else band,
        "reason": none if reason is None else reason,
    }
    frame = pd.DataFrame(
        {key: pd.Series(np.asarray(v, dtype=object), dtype="str") for key, v in text.items()}
    )
    area = shapely.area(geometry)
    length = shapely.length(geometry)
    frame["level"] = np.full(n, level, dtype=np.int64)
    frame["households"], frame["buildings"] = counted[:, 0], counted[:, 1]
    frame["area_m2"] = area
    frame["compactness"] = 4 * np.pi * area / np.maximum(length, 1e-9) ** 2
    return gpd.GeoDataFrame(frame[list(CELL_COLUMNS)], geometry=geometry, crs=layers.crs)


def _totals(pieces: pd.DataFrame, leaf: Ints, n: int) -> NDArray[np.int64]:
    """Return households and buildings of each leaf; a building counts once, at its first slab."""
    placed = pieces[pieces["atom"] >= 0]
    at = leaf[placed["atom"].to_numpy()]
    first = ~placed["building"].duplicated()
    return np.column_stack(
        [
            np.bincount(at, weights=placed["households"], minlength=n),
            np.bincount(at, weights=first, minlength=n),
        ]
    ).astype(np.int64)


def _sums(table: NDArray[np.int64], group: Ints, n: int) -> NDArray[np.int64]:
    columns = [np.bincount(group, weights=table[:, i], minlength=n) for i in (0, 1)]
    return np.column_stack(columns).astype(np.int64)


def _band(
    households: Ints, targets: Targets, community: Ints, dedicated: NDArray[np.bool_]
) -> NDArray[np.object_]:
    low, high = targets.low[community] - 1e-9, targets.high[community] + 1e-9
    band = np.where(households < low, "under", np.where(households > high, "over", "in"))
    return np.where(dedicated, None, band)


def _small_names(
    layers: Layers, division: Division, code: "pd.Series[str]", rules: Rules
) -> "pd.Series[str]":
    community = layers.communities["name"].iloc[division.community_of_small].to_numpy(dtype=object)
    number = code.str.slice(-rules.codes.small_digits).str.lstrip("0").to_numpy(dtype=object)
    general = community + "第" + number + "小网格"
    if layers.sites is None or not len(layers.sites):
        return pd.Series(general, dtype="str")
    site = layers.sites["name"].fillna(layers.sites["site_id"]).to_numpy(dtype=object)
    named = np.append(site, None)[division.site_of_small]
    return pd.Series(np.where(division.site_of_small >= 0, named, general), dtype="str")
