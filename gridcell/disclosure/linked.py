"""What was published before, of an earlier division of the same land, and the pieces between."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridcell.arrays import Geometries
from gridcell.coverage.overlay import Overlay, overlay
from gridcell.coverage.pieces import holding_most, pair_table
from gridcell.crs import horizontal, require_units
from gridcell.disclosure.network import Bools, CellTree, Ints, Pieces, make_cell_tree
from gridcell.errors import InputError
from gridcell.model import Plan
from gridcell.read.crs import move
from gridcell.words.messages import Message

SLIVER_M: Final = 1.0
_TWICE_M2: Final = 1.0


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Linked:
    """An earlier division, and how the plan's leaves lie on it."""

    division: CellTree
    """Told is what was published; the counts are those of the plan's households."""
    pieces: Pieces
    pairs: pd.DataFrame
    """``a``, ``b``, ``relation``, ``area_m2``, ``share_a``, ``share_b``, ``buildings``,
    ``households`` of all pieces but empty slivers."""
    rows: Ints
    """Rows of `pairs` that are `pieces`: the others are land where nobody lives."""
    standing: pd.DataFrame
    """``bldg_id`` (missing for households of a leaf that no building has), ``households``, ``leaf``
    and ``earlier``: rows of the two divisions, -1 for land outside the earlier one. The same rows
    for the same plan."""
    outside: Geometries
    """Land of the earlier division outside the plan's, of its leaves in the rows `outside_of`."""
    outside_of: Ints


def link_earlier(
    plan: Plan, division: CellTree, earlier: Mapping[str, gpd.GeoDataFrame], total: int | None
) -> Linked:
    """Return how the leaves of a plan lie on an earlier division, with the plan's households.

    A building counts where most of it stands; households of a leaf without a building in its
    largest piece.

    Parameters
    ----------
    plan, division
        The plan and its cells.
    earlier
        Layers of the earlier division as they were published; ``leaves`` is what lies below.
    total
        Households of the earlier division, where published.

    Raises
    ------
    InputError
        The two share no land; earlier cells without polygons, or with such as overlap, are invalid
        or cannot be in their CRS; a plan whose buildings hold more than its leaves.
    """
    leaves, below = plan.leaves, _leaves(earlier)
    shapes = np.asarray(leaves.geometry, dtype=object)
    others = move(_valid(below), horizontal(below.crs), plan.crs)
    found = overlay(shapes, others, SLIVER_M)
    if not ((found.a >= 0) & (found.b >= 0)).any():
        raise InputError(Message("error.publications_no_shared_land"))
    _require_apart(found, shapes, leaves)
    codes = [np.asarray(frame["code"], dtype=object) for frame in (leaves, below)]
    pairs = pair_table(found, codes[0], codes[1], shapes, others)
    standing = _standing(plan, shapes, found)
    pairs["buildings"], pairs["households"] = _contents(standing, len(found.a))
    buildings, households = (pairs[name].to_numpy() for name in ("buildings", "households"))
    inhabited = (found.a >= 0) & ((buildings > 0) | (households > 0))
    kept = np.flatnonzero(inhabited | ~found.is_sliver)
    held = np.flatnonzero(inhabited)
    before = make_cell_tree(earlier, total)
    own = pd.Index(division.code).get_indexer(pd.Index(codes[0]))
    of = np.append(pd.Index(before.code).get_indexer(pd.Index(codes[1])), -1)
    single = single_buildings(pairs)[held]
    pieces = Pieces(
        a=own[found.a[held]], b=of[found.b[held]], households=households[held],
        published=~single, single=single,
        beyond=np.unique(of[found.b[(found.a < 0) & ~found.is_sliver]]),
    )  # fmt: skip
    piece = standing.pop("piece").to_numpy()
    outside = (found.a < 0) & ~found.is_sliver
    return Linked(
        outside=found.shapes[outside],
        outside_of=of[found.b[outside]],
        standing=standing.assign(leaf=own[found.a[piece]], earlier=of[found.b[piece]]),
        division=_recounted(before, pieces),
        pieces=pieces,
        pairs=pairs.iloc[kept].reset_index(drop=True),
        rows=np.searchsorted(kept, held),
    )


def single_buildings(pairs: pd.DataFrame) -> Bools:
    """Tell which pieces hold a single building with people, and are no more than part of cells.

    Where nobody else lives in a cell, its count is that of a grid, as it always was.

    Parameters
    ----------
    pairs
        ``a``, ``b``, ``buildings`` and ``households`` (missing where hidden); without
        ``buildings`` no piece is known to hold a single one.
    """
    if "buildings" not in pairs:
        return np.zeros(len(pairs), dtype=np.bool_)
    people = (pairs["households"] > 0).fillna(value=True)
    inhabited = people | (pairs["buildings"] > 0).fillna(value=False)
    part = inhabited & (pairs["buildings"] == 1).fillna(value=False) & people
    for side in ("a", "b"):
        cell = pairs[side].where(pairs[side] != "")
        others = inhabited.groupby(cell).transform("sum") > 1
        part &= others.where(cell.notna(), other=True).astype(bool)
    return np.asarray(part, dtype=np.bool_)


def _leaves(earlier: Mapping[str, gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    """Return the leaves of the earlier division, whose coordinates can be in their CRS."""
    below = earlier.get("leaves")
    if not isinstance(below, gpd.GeoDataFrame):
        held = tuple(map(str, earlier)) or Message("part.nothing")
        raise InputError(Message("error.earlier_no_leaves", held=held))
    missing = [name for name in ("code", "households") if name not in below]
    if below.crs is None or missing:
        fault = (
            Message("fault.no_column", column=missing[0]) if missing else Message("fault.no_crs")
        )
        raise InputError(Message("error.earlier_leaves", fault=fault))
    require_units("leaves of the earlier publication", horizontal(below.crs), below.total_bounds)
    return below


def _valid(below: gpd.GeoDataFrame) -> Geometries:
    shapes = np.asarray(below.geometry, dtype=object)
    nothing = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    bad = np.flatnonzero(nothing | ~shapely.is_valid(shapes))
    if len(bad):
        row = int(bad[0])
        found = (
            Message("fault.no_polygon") if nothing[row] else shapely.is_valid_reason(shapes[row])
        )
        raise InputError(
            Message(
                "error.earlier_invalid",
                row=row + 1,
                code=below["code"].iloc[row],
                found=found,
                n_rows=len(bad),
            )
        )
    return shapes


def _require_apart(found: Overlay, shapes: Geometries, leaves: gpd.GeoDataFrame) -> None:
    """Refuse earlier cells that cover land twice: what stands there would count twice."""
    inside = found.a >= 0
    covered = np.bincount(found.a[inside], found.area[inside], minlength=len(shapes))
    twice = covered - shapely.area(shapes)
    if len(twice) and twice.max() > _TWICE_M2:
        code = leaves["code"].iloc[int(np.argmax(twice))]
        raise InputError(Message("error.earlier_overlaps", area=twice.max(), code=code))


def _standing(plan: Plan, shapes: Geometries, found: Overlay) -> pd.DataFrame:
    """Return what stands in which piece: buildings, and households of leaves without one."""
    order = np.lexsort((-found.area, found.a))
    order = order[found.a[order] >= 0]
    # Every leaf has land, so that each has a largest piece.
    largest = order[np.searchsorted(found.a[order], np.arange(len(shapes)))]
    frame = plan.buildings
    leaf = pd.Index(plan.leaves["code"]).get_indexer(pd.Index(frame["code"]))
    outlines = np.asarray(frame.geometry, dtype=object)
    there = (leaf >= 0) & ~shapely.is_missing(outlines) & ~shapely.is_empty(outlines)
    leaf, frame = leaf[there], frame[there]
    piece = holding_most(outlines[there], found, cell=leaf)
    piece = np.where(piece >= 0, piece, largest[leaf])
    counts = pd.to_numeric(frame["households"]).fillna(0).to_numpy(dtype=np.int64)
    housed = np.bincount(leaf, counts, minlength=len(shapes)).astype(np.int64)
    rest = plan.leaves["households"].to_numpy(dtype=np.int64) - housed
    if (rest < 0).any():
        raise InputError(
            Message("error.leaf_overfull", code=plan.leaves["code"].iloc[int(np.argmin(rest))])
        )
    more = np.flatnonzero(rest)
    return pd.DataFrame({
        "bldg_id": [*frame["bldg_id"], *[None] * len(more)],
        "households": np.concatenate([counts, rest[more]]),
        "piece": np.concatenate([piece, largest[more]]),
    })  # fmt: skip


def _contents(standing: pd.DataFrame, pieces: int) -> tuple[Ints, Ints]:
    """Return buildings and households of each piece."""
    households = np.bincount(standing["piece"], standing["households"], minlength=pieces)
    buildings = standing.dropna(subset="bldg_id").drop_duplicates(["piece", "bldg_id"])["piece"]
    return (
        np.bincount(buildings, minlength=pieces).astype(np.int64), households.astype(np.int64)
    )  # fmt: skip


def _recounted(before: CellTree, pieces: Pieces) -> CellTree:
    """Return the earlier division with the households that the pieces bring to it."""
    count = np.zeros(len(before.code), dtype=np.int64)
    inside = pieces.b >= 0
    np.add.at(count, pieces.b[inside], pieces.households[inside])
    # From the leaves up: a cell's parent stands before it.
    for row in range(len(count) - 1, -1, -1):
        if before.parent[row] >= 0:
            count[before.parent[row]] += count[row]
    total = None if before.known_total is None else int(count[before.parent < 0].sum())
    return replace(before, households=count, total=total)
