"""Cell layers with the columns that every file and every reader of a plan knows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries, run_starts
from gridcell.cells import numbering
from gridcell.cells.columns import Bands, band_figures
from gridcell.cells.polygons import LeafBorders, draw_cells, trace_borders
from gridcell.model import Fabric, Layers
from gridcell.partition import Division
from gridcell.partition.reasons import Verdict
from gridcell.rules import Codes
from gridcell.schema import GIVEN_COLUMNS, LEVELS, LOAD, cell_columns
from gridcell.words import catalogue
from gridcell.words.messages import Message
from gridcell.workload import sum_loads

Ints = NDArray[np.int64]
Texts = NDArray[np.object_]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class CellFrames:
    """Cells of all levels, sorted by code, and the codes of each atom."""

    large: gpd.GeoDataFrame
    medium: gpd.GeoDataFrame
    small: gpd.GeoDataFrame
    micro: gpd.GeoDataFrame
    leaves: gpd.GeoDataFrame
    reasons: dict[str, Message]
    """Why cells are outside their bands, by code."""
    leaf_of_atom: Texts
    small_of_atom: Texts
    community_of_atom: Texts


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class KeptCodes:
    """Numbers that cells have from an earlier plan, and which were given once and never again."""

    small: Ints
    """(smalls,) number within the community, 0 for new cells."""
    leaf: Ints
    """(leaves,) number of a micro cell within its small cell, 0 for new ones."""
    last_small: Mapping[tuple[str, str], int]
    """By code of the community's cell and type, the highest number ever given."""
    last_micro: Mapping[str, int]
    """By code of the small cell, the highest number ever given."""
    small_name: Texts | None = None
    """(smalls,) names that somebody gave, ``None`` for cells that are called by their number."""
    leaf_name: Texts | None = None
    """(leaves,) likewise."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class _NumberedCells:
    """The cells of one level, in the order in which they are numbered."""

    level: str
    geometry: Geometries
    counts: Ints
    """(cells, 3) households, buildings and estimated households."""
    loads: NDArray[np.float64] | None = None
    """(cells,) where bands count loads."""
    code: "pd.Series[str]"
    name: Texts
    community: Texts | None = None
    above: "_NumberedCells | None" = None
    parent: Ints | None = None
    """(cells,) row of the parent in the level above."""
    dedicated: NDArray[np.bool_] | None = None
    verdict: Verdict | None = None
    given: Mapping[str, Texts]
    """`GIVEN_COLUMNS`."""

    def lineage(self) -> list["pd.Series[str]"]:
        """Return the codes of each cell's ancestors, level 1 first, and its own."""
        if self.above is None or self.parent is None:
            return [self.code]
        return [
            *(code.iloc[self.parent].reset_index(drop=True) for code in self.above.lineage()),
            self.code,
        ]

    def reasons(self) -> dict[str, Message]:
        """Return why cells are outside their bands, by code."""
        if self.verdict is None:
            return {}
        pairs = zip(self.code, self.verdict.reason, strict=True)
        return {code: reason for code, reason in pairs if reason is not None}

    def frame(self, crs: pyproj.CRS, bands: Bands) -> gpd.GeoDataFrame:
        """Return the cells with `schema.CELL_COLUMNS`, in the order in which they are numbered."""
        n = len(self.geometry)
        none = np.full(n, None, dtype=object)
        lineage = self.lineage()
        dedicated = np.zeros(n, dtype=bool) if self.dedicated is None else self.dedicated
        text = {
            "code": self.code,
            "label": numbering.labels(*lineage),
            "grid_type": np.where(dedicated, "dedicated", "general"),
            "parent": lineage[-2] if len(lineage) > 1 else none,
            "community": none if self.community is None else self.community,
            "name": self.name,
            "band": none if self.verdict is None else self.verdict.band,
            "reason": none if self.verdict is None else _sentences(self.verdict.reason),
            "valid_to": none,
            **self.given,
        }
        frame = pd.DataFrame(
            {
                key: pd.Series(np.asarray(values, dtype=object), dtype="str")
                for key, values in text.items()
            }
        )
        area = shapely.area(self.geometry)
        frame["level"] = np.full(n, LEVELS[self.level], dtype=np.int64)
        frame["households"], frame["buildings"] = self.counts[:, 0], self.counts[:, 1]
        frame["area_m2"] = area
        frame["compactness"] = 4 * np.pi * area / shapely.length(self.geometry) ** 2
        frame["estimated"] = self.counts[:, 2]
        frame = frame.assign(**band_figures(frame, bands))
        if self.loads is not None:
            frame[LOAD] = self.loads
        return gpd.GeoDataFrame(
            frame[list(cell_columns(frame.columns))], geometry=self.geometry, crs=crs
        )


def make_cells(
    layers: Layers,
    fabric: Fabric,
    division: Division,
    *,
    small: Verdict,
    leaf: Verdict | None,
    rules: Codes,
    kept: KeptCodes | None = None,
    bands: Bands | None = None,
    estimated: bool = False,
    valid_from: str | None = None,
) -> CellFrames:
    """Return the cells of every level: polygons, codes, names and figures.

    Parameters
    ----------
    layers
        Communities and sites give names and codes.
    fabric, division
        The atoms and the cells they belong to.
    small, leaf
        How small cells and leaves stand to their bands; `leaf` is ``None`` where the division
        stops at level 3.
    rules
        Widths and ranges of codes.
    kept
        Numbers that cells have already; all are numbered anew where it is not given.
    bands
        By community and level, the band that cells are made for.
    estimated
        Whether households are estimates: of atoms with a column ``estimated`` so many, else all.
    valid_from
        From which day cells are valid, where communities and sites have no date of their own.
        Without it, the cells of a community have the date of the community.

    Notes
    -----
    Households and buildings of a cell are the sums over its children: a building in several slabs
    counts once, in the leaf that has most of its households.
    """
    community_of_small, small_of_leaf = division.community_of_small, division.small_of_leaf
    smalls, leaves = len(community_of_small), len(small_of_leaf)
    leaf_counts = _count(fabric, division.leaf, leaves, estimated=estimated)
    small_counts = _sum_up(leaf_counts, small_of_leaf, smalls)
    borders = trace_borders(fabric, division.leaf)

    large_level, medium_level = _upper_levels(
        layers.communities, borders, community_of_small[small_of_leaf],
        _sum_up(small_counts, community_of_small, len(layers.communities)), valid_from,
    )  # fmt: skip
    small_level = _small_level(
        medium_level, draw_cells(borders, small_of_leaf, smalls), small_counts, layers, division,
        small, rules, kept, valid_from,
    )  # fmt: skip
    # Dedicated cells are leaves on level 3, and so are all where the division stops there.
    micro = np.flatnonzero(division.site_of_small[small_of_leaf] < 0)
    micro = micro if leaf is not None else micro[:0]
    micro_level = _micro_level(
        small_level, small_of_leaf[micro],
        draw_cells(borders, np.arange(leaves), leaves)[micro], leaf_counts[micro],
        None if leaf is None else Verdict(band=leaf.band[micro], reason=leaf.reason[micro]), rules,
        None if kept is None else kept.leaf[micro], {} if kept is None else kept.last_micro,
        None if kept is None or kept.leaf_name is None else kept.leaf_name[micro],
        valid_from,
    )  # fmt: skip

    small_code = small_level.code.to_numpy(dtype=object)
    leaf_code = small_code[small_of_leaf]
    leaf_code[micro] = micro_level.code.to_numpy(dtype=object)
    on_small = np.delete(small_of_leaf, micro)
    community = layers.communities["code"].to_numpy(dtype=object)
    return CellFrames(
        **_layers(
            _with_loads(
                (large_level, medium_level, small_level, micro_level), fabric, division, micro
            ),
            on_small,
            layers.crs,
            bands or {},
        ),
        reasons={**small_level.reasons(), **micro_level.reasons()},
        leaf_of_atom=leaf_code[division.leaf],
        small_of_atom=small_code[division.small],
        community_of_atom=community[community_of_small[division.small]],
    )


def _with_loads(
    levels: Sequence[_NumberedCells], fabric: Fabric, division: Division, micro: Ints
) -> list[_NumberedCells]:
    """Return the four levels with the sums of the loads of their atoms, if these have any."""
    if LOAD not in fabric.atoms:
        return list(levels)
    loads = fabric.atoms[LOAD].to_numpy(dtype=np.float64)
    medium, small = levels[1], levels[2]
    assert medium.parent is not None and small.parent is not None  # noqa: S101, PT018
    community = small.parent[division.small]
    owners = (medium.parent[community], community, division.small)
    sums = [
        sum_loads(owner, loads, len(level.geometry))
        for owner, level in zip(owners, levels, strict=False)
    ]
    sums.append(sum_loads(division.leaf, loads, len(division.small_of_leaf))[micro])
    return [replace(level, loads=own) for level, own in zip(levels, sums, strict=True)]


def _layers(
    levels: Sequence[_NumberedCells], small_leaves: Ints, crs: pyproj.CRS, bands: Bands
) -> dict[str, gpd.GeoDataFrame]:
    """Return the layers of the levels and of the leaves, sorted by code.

    The leaves are some small cells, by number, and all micro cells.
    """
    frames = {cells.level: cells.frame(crs, bands) for cells in levels}
    frames["leaves"] = pd.concat(
        [frames["small"].iloc[small_leaves], frames["micro"]], ignore_index=True
    )
    return {
        level: frame.sort_values("code", kind="stable", ignore_index=True)
        for level, frame in frames.items()
    }


def _upper_levels(
    communities: gpd.GeoDataFrame,
    borders: LeafBorders,
    community_of_leaf: Ints,
    counts: Ints,
    valid_from: str | None,
) -> tuple[_NumberedCells, _NumberedCells]:
    """Return the cells of levels 1 and 2: unions of communities, and the communities."""
    names = numbering.assign_community_codes(communities)
    large, parent = np.unique(
        names["large"].to_numpy(dtype=object).astype(str), return_inverse=True
    )
    code = pd.Series(large, dtype="str")
    nothing = {name: np.full(len(code), None, dtype=object) for name in GIVEN_COLUMNS}
    of_large = _handed_down(nothing, np.arange(len(code)), valid_from)
    of_medium = _handed_down(of_large, parent, valid_from)
    rows = np.arange(len(communities))
    _take_own(of_medium, rows, communities, rows)
    large_level = _NumberedCells(
        level="large",
        geometry=draw_cells(borders, parent[community_of_leaf], len(code)),
        counts=_sum_up(counts, parent, len(code)),
        code=code,
        # No input names level 1.
        name=code.to_numpy(dtype=object),
        given=of_large,
    )
    return large_level, _NumberedCells(
        level="medium",
        geometry=draw_cells(borders, community_of_leaf, len(communities)),
        counts=counts,
        code=names["medium"].astype("str").reset_index(drop=True),
        name=communities["name"].to_numpy(dtype=object),
        community=communities["code"].to_numpy(dtype=object),
        above=large_level,
        parent=parent,
        given=of_medium,
    )


def _small_level(
    medium: _NumberedCells,
    geometry: Geometries,
    counts: Ints,
    layers: Layers,
    division: Division,
    verdict: Verdict,
    rules: Codes,
    kept: KeptCodes | None,
    valid_from: str | None,
) -> _NumberedCells:
    parent = division.community_of_small
    dedicated = division.site_of_small >= 0
    point = shapely.get_coordinates(shapely.point_on_surface(geometry))
    code = numbering.small_codes(
        medium.code.iloc[parent].reset_index(drop=True),
        pd.Series(np.where(dedicated, "dedicated", "general"), dtype="str"),
        point[:, 0], point[:, 1], shapely.area(geometry), rules=rules,
        kept=None if kept is None else kept.small,
        last_given=None if kept is None else kept.last_small,
    ).reset_index(drop=True)  # fmt: skip
    name = cell_titles(medium.name[parent], code, rules.small_digits, "name.small")
    name = _renamed(name, None if kept is None else kept.small_name)
    given = _handed_down(medium.given, parent, valid_from)
    if layers.sites is not None and len(layers.sites):
        place = np.flatnonzero(dedicated)
        _take_own(given, place, layers.sites, division.site_of_small[place])
        site = layers.sites["name"].fillna(layers.sites["site_id"]).to_numpy(dtype=object)
        name[dedicated] = site[division.site_of_small[dedicated]]
    return _NumberedCells(
        level="small",
        geometry=geometry,
        counts=counts,
        code=code,
        name=name,
        community=layers.communities["code"].to_numpy(dtype=object)[parent],
        above=medium,
        parent=parent,
        dedicated=dedicated,
        verdict=verdict,
        given=given,
    )


def _micro_level(
    small: _NumberedCells,
    parent: Ints,
    geometry: Geometries,
    counts: Ints,
    verdict: Verdict | None,
    rules: Codes,
    kept: Ints | None,
    last_given: Mapping[str, int],
    given_name: Texts | None,
    valid_from: str | None,
) -> _NumberedCells:
    assert small.community is not None  # noqa: S101
    point = shapely.get_coordinates(shapely.point_on_surface(geometry))
    code = numbering.micro_codes(
        small.code.iloc[parent].reset_index(drop=True),
        point[:, 0], point[:, 1], shapely.area(geometry), rules=rules, kept=kept,
        last_given=last_given,
    ).reset_index(drop=True)  # fmt: skip
    return _NumberedCells(
        level="micro",
        geometry=geometry,
        counts=counts,
        code=code,
        name=_renamed(
            cell_titles(small.name[parent], code, rules.micro_digits, "name.micro"), given_name
        ),
        community=small.community[parent],
        above=small,
        parent=parent,
        verdict=verdict,
        given=_handed_down(small.given, parent, valid_from),
    )


def _handed_down(
    above: Mapping[str, Texts], parent: Ints, valid_from: str | None
) -> dict[str, Texts]:
    """Return `GIVEN_COLUMNS` of cells as those of their parents, but for a date of their own."""
    given = {column: values[parent] for column, values in above.items()}
    if valid_from is not None:
        given["valid_from"] = np.full(len(parent), valid_from, dtype=object)
    return given


def _take_own(given: dict[str, Texts], cells: Ints, things: gpd.GeoDataFrame, rows: Ints) -> None:
    """Put what communities or sites have of `GIVEN_COLUMNS` themselves into those of cells."""
    for column in GIVEN_COLUMNS:
        if column in things:
            own = things[column].iloc[rows]
            there = own.notna().to_numpy(dtype=bool)
            given[column][cells[there]] = own.to_numpy(dtype=object)[there]


def cell_titles(above: Texts, code: "pd.Series[str]", digits: int, key: str) -> Texts:
    """Return names of numbered cells, in Chinese where the name of the cell above is.

    Parameters
    ----------
    above
        Names of the cells above.
    code
        Codes, which end with the number.
    digits
        How many digits the number has.
    key
        Of the text: ``name.small`` or ``name.micro``.
    """
    text = pd.Series(above, dtype="str")
    in_chinese = text.str.contains("[\u3400-\u9fff]", regex=True).to_numpy()
    template = np.where(in_chinese, catalogue.text(key, "zh"), catalogue.text(key, "en"))
    number = code.str.slice(-digits).str.lstrip("0")
    titles = zip(template.tolist(), above, number, strict=True)
    return np.array([t.format(above=a, number=n) for t, a, n in titles], dtype=object)


def _renamed(name: Texts, given: Texts | None) -> Texts:
    return name if given is None else np.where(pd.isna(given), name, given)


def _sentences(reasons: Texts) -> list[str | None]:
    return [None if reason is None else str(reason) for reason in reasons]


def _count(fabric: Fabric, leaf: Ints, n: int, *, estimated: bool) -> Ints:
    """Return households, buildings and estimated households of each leaf."""
    pieces = fabric.pieces
    placed = pieces[pieces["atom"] >= 0]
    at = leaf[placed["atom"].to_numpy()]
    building = placed["building"].to_numpy()
    held = placed.groupby([building, at])["households"].transform("sum").to_numpy()
    order = np.lexsort((np.arange(len(at)), -held, building))
    most = order[run_starts(building[order])]
    households = np.bincount(at, weights=placed["households"], minlength=n)
    part = households if estimated else np.zeros(n)
    if "estimated" in fabric.atoms:
        part = np.bincount(leaf, weights=fabric.atoms["estimated"], minlength=n)
    columns = [households, np.bincount(at[most], minlength=n), part]
    return np.column_stack(columns).astype(np.int64)


def _sum_up(counts: Ints, parent: Ints, n: int) -> Ints:
    """Return the sums of the counts over the children of each of n cells."""
    columns = [np.bincount(parent, weights=column, minlength=n) for column in counts.T]
    return np.column_stack(columns).astype(np.int64)
