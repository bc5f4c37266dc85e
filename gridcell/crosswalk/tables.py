"""How two divisions relate: `make_crosswalk`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from gridcell.arguments import checked
from gridcell.arrays import Geometries
from gridcell.coverage.overlay import Overlay, overlay
from gridcell.coverage.pieces import alone_in, holding_most, pair_table
from gridcell.coverage.width import width_of
from gridcell.crosswalk.points import holding_point
from gridcell.crosswalk.sides import (
    Contents,
    CrosswalkSide,
    Given,
    open_side,
    read_contents,
    work_crs,
)
from gridcell.crs import crs_name, is_same_crs, parse_crs
from gridcell.disclosure.suppression import suppress
from gridcell.errors import Hint, InputError
from gridcell.read.crs import move
from gridcell.read.fields import check_mapping
from gridcell.rules import Rules, as_rules
from gridcell.words.messages import Message

Ints = NDArray[np.int64]

PAIR_COLUMNS: Final = (
    "a", "b", "relation", "area_m2", "share_a", "share_b", "buildings", "households", "suppressed",
)  # fmt: skip
"""``a`` and ``b`` are codes, missing for land of one division alone. ``relation`` is seen from A:
equal, inside, contains, overlaps, or only_a, only_b; slivers do not count. ``households`` is
missing where ``suppressed``, and where nobody counted any."""

CELL_COLUMNS: Final = ("code", "area_m2", "cells", "relation", "buildings", "households", "into")
"""Of the cells of one division: with how many of the other they share land, how they relate to it
(equal, inside, contains, overlaps, outside), and the codes of those, separated by ``;``."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Crosswalk:
    """How the cells of two divisions of the same land relate.

    Examples
    --------
    `plan` is that of the example of `make_plan`.

    >>> import gridcell
    >>> crosswalk = gridcell.make_crosswalk(plan.small, plan.leaves)
    >>> crosswalk.cells_a[["code", "relation"]].iloc[-1].tolist(), crosswalk.summary["a_split"]
    (['450899001001801', 'equal'], 2)
    """

    crs: pyproj.CRS
    pairs: gpd.GeoDataFrame
    """`PAIR_COLUMNS` and the land in common, by ``a``, then ``b``."""
    slivers: gpd.GeoDataFrame
    """Land in common too narrow to count: `PAIR_COLUMNS` without ``relation``, ``width_m``."""
    cells_a: gpd.GeoDataFrame
    """`CELL_COLUMNS` and the whole cells of A."""
    cells_b: gpd.GeoDataFrame
    summary: dict[str, Any]
    """What it comes to, in numbers."""
    notes: tuple[Message, ...] = ()
    """What is doubtful about the CRS of the inputs."""


@checked
def make_crosswalk(
    a: Given,
    b: Given,
    *,
    buildings: Any = None,
    households: Any = None,
    threshold: int = 5,
    sliver_m: float = 1.0,
    crs: Any = None,
    encoding: str | None = None,
    rules: Rules | Mapping[str, Any] | None = None,
) -> Crosswalk:
    """Return every pair of cells that share land, with what lies in both.

    A building counts where most of it stands, a household's point in exactly one cell of each
    division (see `gridcell.locator.borders`). All totals of A and B are taken to be public, so
    counts of households under the threshold are hidden together with others that would give them
    away: see `gridcell.disclosure.suppression`.

    Parameters
    ----------
    a, b
        Plans (their leaves, or ``PLAN#small``), polygon layers with codes, or frames. Areas are
        measured in A's CRS if that is metric; B is moved into it.
    buildings
        Outlines, optionally with ``households``; those of A's plan by default.
    households
        A register: points, or ids of buildings. It wins over counts on buildings.
    threshold
        Fewest households that are told of a pair; 0 tells all.
    sliver_m
        Land in common narrower than this, in metres, comes from digitizing.
    crs, encoding
        Of files that name none.
    rules
        ``fields`` maps the columns of ``a``, ``b``, ``buildings`` and ``households``; as `Rules`
        or as a mapping, ``{"fields": {"a": {"code": "OLD_CODE"}}}``.

    Raises
    ------
    InputError
        Inputs that cannot be used, or divisions that share no land.

    Examples
    --------
    >>> import geopandas, gridcell, shapely
    >>> x, y = 500_000, 2_500_000
    >>> old = geopandas.GeoDataFrame(
    ...     {"code": ["A"]}, geometry=[shapely.box(x, y, x + 100, y + 50)], crs="EPSG:4547"
    ... )
    >>> halves = [shapely.box(x, y, x + 40, y + 50), shapely.box(x + 40, y, x + 100, y + 50)]
    >>> new = geopandas.GeoDataFrame({"code": ["B1", "B2"]}, geometry=halves, crs="EPSG:4547")
    >>> crosswalk = gridcell.make_crosswalk(old, new)
    >>> crosswalk.pairs[["a", "b", "relation", "area_m2", "share_a"]]
       a   b  relation  area_m2  share_a
    0  A  B1  contains   2000.0      0.4
    1  A  B2  contains   3000.0      0.6
    """
    named = parse_crs(crs)
    rules = as_rules(rules)
    check_mapping(rules)
    side_a = open_side(a, "A", crs=named, encoding=encoding, fields=rules.fields.get("a", {}))
    side_b = open_side(b, "B", crs=named, encoding=encoding, fields=rules.fields.get("b", {}))
    work = work_crs(side_a)
    shapes_a = move(side_a.shapes, side_a.crs, work)
    shapes_b = move(side_b.shapes, side_b.crs, work)
    contents = read_contents(
        side_a, work, buildings, households, crs=named, encoding=encoding, rules=rules
    )
    pieces = overlay(shapes_a, shapes_b, sliver_m)
    table = pair_table(pieces, side_a.code, side_b.code, shapes_a, shapes_b)
    lost, empty = _fill(table, pieces, contents, shapes_a, shapes_b, work)
    hidden, exposed = _hide(table, pieces, ~empty, threshold)
    alone_a = alone_in(pieces, pieces.a, len(shapes_a))
    alone_b = alone_in(pieces, pieces.b, len(shapes_b))
    shared = ~pieces.is_sliver & (pieces.a >= 0) & (pieces.b >= 0)
    if not shared.any():
        raise InputError(
            Message("error.no_shared_land", a=side_a.label, b=side_b.label, crs=crs_name(work)),
            Hint("crs"),
        )
    cells_a = _cells(side_a, shapes_a, pieces.a, shared, (alone_a, alone_b), table, "b")
    cells_b = _cells(side_b, shapes_b, pieces.b, shared, (alone_b, alone_a), table, "a")
    table["suppressed"] = hidden
    if table["households"].notna().any():
        table["households"] = table["households"].mask(hidden)
    frame = gpd.GeoDataFrame(table, geometry=pieces.shapes, crs=work)
    thin = pieces.is_sliver
    slivers = frame[thin].drop(columns="relation").reset_index(drop=True)
    slivers.insert(3, "width_m", np.round(width_of(pieces.shapes[thin], tolerance=0.01), 3))
    return Crosswalk(
        crs=work,
        pairs=frame[~thin].reset_index(drop=True),
        slivers=slivers,
        cells_a=gpd.GeoDataFrame(cells_a, geometry=shapes_a, crs=work),
        cells_b=gpd.GeoDataFrame(cells_b, geometry=shapes_b, crs=work),
        summary={
            **_summary(cells_a, cells_b, table[~thin]),
            "slivers": int(thin.sum()),
            "sliver_m2": round(float(pieces.area[thin].sum()), 3),
            "threshold": threshold,
            "suppressed": int(hidden.sum()),
            "exposed_by_totals": int(exposed.sum()),
            "lost": lost,
            "crs": crs_name(work),
            "reprojected": not is_same_crs(side_b.crs, work),
        },
        notes=(*side_a.notes, *side_b.notes, *contents.notes),
    )


def _fill(
    table: pd.DataFrame,
    pieces: Overlay,
    contents: Contents,
    shapes_a: Geometries,
    shapes_b: Geometries,
    work: pyproj.CRS,
) -> tuple[dict[str, int], NDArray[np.bool_]]:
    """Count buildings and households into the pieces, in place.

    Returns what is in no piece, and which pieces are seen to be empty: land without buildings,
    where buildings are known.
    """
    n = len(table)
    unseen = np.full(n, len(contents.shapes) > 0)
    lost = {"buildings": 0, "households": contents.lost}
    empty = pd.array([pd.NA] * n, dtype="Int64")
    table["buildings"], table["households"] = empty, empty.copy()
    counts = np.zeros(n, dtype=np.int64)
    known = contents.households is not None or len(contents.xy) > 0
    if len(contents.shapes):
        piece = holding_most(contents.shapes, pieces)
        inside = piece >= 0
        unseen[piece[inside]] = False
        single = inside & contents.is_building
        table["buildings"] = pd.array(np.bincount(piece[single], minlength=n), dtype="Int64")
        lost["buildings"] = int((~inside & contents.is_building).sum())
        if contents.households is not None:
            number = contents.households
            counts += np.bincount(piece[inside], number[inside], minlength=n).astype(np.int64)
            lost["households"] += int(number[~inside].sum())
    if len(contents.xy):
        piece = holding_point(contents.xy, pieces, shapes_a, shapes_b, work)
        inside = piece >= 0
        number = contents.count
        counts += np.bincount(piece[inside], number[inside], minlength=n).astype(np.int64)
        lost["households"] += int(number[~inside].sum())
    if known:
        table["households"] = pd.array(counts, dtype="Int64")
    return lost, unseen & (counts == 0)


def _hide(
    table: pd.DataFrame, pieces: Overlay, may_hold: NDArray[np.bool_], threshold: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which counts to hide, and which of them public totals give away.

    A piece without buildings is known to hold nobody: hiding its zero would protect nothing.
    """
    hidden, exposed = (np.zeros(len(table), dtype=bool) for _ in range(2))
    if table["households"].isna().all() or not may_hold.any():
        return hidden, exposed
    # Land outside one division is a cell of it, whose total is as public as the others.
    row = np.where(pieces.a < 0, pieces.a.max() + 1, pieces.a)[may_hold]
    column = np.where(pieces.b < 0, pieces.b.max() + 1, pieces.b)[may_hold]
    count = table["households"].to_numpy(np.int64)[may_hold]
    found = suppress(row, row.max() + 1 + column, count, threshold=threshold)
    hidden[may_hold], exposed[may_hold] = found.suppressed, found.exposed
    return hidden, exposed


def _cells(
    side: CrosswalkSide,
    shapes: Geometries,
    row: Ints,
    shared: NDArray[np.bool_],
    alone: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    table: pd.DataFrame,
    other: str,
) -> pd.DataFrame:
    """Return `CELL_COLUMNS` of one division, in its order.

    Parameters
    ----------
    side, shapes
        The division.
    row
        Its cell of each piece, or -1.
    shared
        Which pieces are land of both divisions, and no slivers.
    alone
        Which pieces are all of the division's own cell, and of the other's.
    table
        The pieces. Totals of households are public; they count slivers too.
    other
        Column of the other division's code.
    """
    n = len(shapes)
    number = np.bincount(row[shared], minlength=n)
    own, whole = (np.bincount(row[shared & a], minlength=n) for a in alone)
    equal = np.bincount(row[shared & alone[0] & alone[1]], minlength=n)
    cases = [number == 0, equal > 0, own > 0, whole == number]
    names = ["outside", "equal", "inside", "contains"]
    into = table.loc[shared, other].groupby(row[shared]).agg(";".join).reindex(range(n))
    cells = pd.DataFrame({"code": pd.array(side.code, dtype="str")})
    cells["area_m2"] = np.round(shapely.area(shapes), 3)
    cells["cells"] = number
    cells["relation"] = pd.array(np.select(cases, names, "overlaps"), dtype="str")
    mine = row >= 0
    for name in ("buildings", "households"):
        values = table[name]
        cells[name] = pd.array([pd.NA] * n, dtype="Int64")
        if values.notna().any():
            sums = np.bincount(row[mine], values.to_numpy(np.int64)[mine], minlength=n)
            cells[name] = pd.array(sums.astype(np.int64), dtype="Int64")
    cells["into"] = into.astype("str").to_numpy()
    return cells[list(CELL_COLUMNS)]


def _summary(cells_a: pd.DataFrame, cells_b: pd.DataFrame, pairs: pd.DataFrame) -> dict[str, Any]:
    """Return the figures, all of them from public totals: none gives a hidden count away."""
    shared = pairs[pairs["a"].notna() & pairs["b"].notna()]
    relations = shared["relation"].value_counts()
    out: dict[str, Any] = {
        "cells_a": len(cells_a),
        "cells_b": len(cells_b),
        "pairs": len(shared),
        "relations": {
            name: int(relations.get(name, 0))
            for name in ("equal", "inside", "contains", "overlaps")
        },
        "one_to_one": int((cells_a["relation"] == "equal").sum()),
        "a_inside_b": int(cells_a["relation"].isin(["equal", "inside"]).sum()),
        "b_inside_a": int(cells_b["relation"].isin(["equal", "inside"]).sum()),
        "a_split": int((cells_a["cells"] > 1).sum()),
        "b_split": int((cells_b["cells"] > 1).sum()),
        "a_outside": int((cells_a["relation"] == "outside").sum()),
        "b_outside": int((cells_b["relation"] == "outside").sum()),
        "area_m2": round(float(shared["area_m2"].sum()), 1),
    }
    households = cells_a["households"]
    if households.notna().any() and (total := int(households.sum())):
        out["households"] = total
        for name, kinds in (
            ("households_one_to_one", ["equal"]),
            ("households_inside", ["equal", "inside"]),
        ):
            part = int(households[cells_a["relation"].isin(kinds)].sum())
            out[f"{name}_share"] = round(part / total, 4)
    return out
