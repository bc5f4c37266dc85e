"""What was published before, several times, and a plan after it: `hide_after`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd

from gridcell.arrays import Geometries
from gridcell.coverage.overlay import overlay
from gridcell.disclosure.chain import NO_PIECES, Chain, ToldPieces
from gridcell.disclosure.chain_suppression import suppress_in_chain
from gridcell.disclosure.linked import SLIVER_M, Linked, single_buildings
from gridcell.disclosure.names import chain_names
from gridcell.disclosure.network import Bools, CellTree, Ints
from gridcell.errors import InputError
from gridcell.words.messages import Message


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class EarlierPublication:
    """What was published before, of a division of the same land.

    Examples
    --------
    `plan` is that of the example of `make_plan`. A third publication after two:

    >>> import gridcell
    >>> names = ("large", "medium", "small", "micro", "leaves")
    >>> before = []
    >>> for _ in range(2):
    ...     told = gridcell.publish_plan(plan, earlier=before)
    ...     levels = {name: told.plan.cells(name) for name in names}
    ...     before.insert(
    ...         0,
    ...         gridcell.EarlierPublication(
    ...             levels=levels, total=told.record.households, pairs=told.pairs
    ...         ),
    ...     )
    >>> gridcell.publish_plan(plan, earlier=before).exposed
    ()
    """

    levels: Mapping[str, gpd.GeoDataFrame]
    """Layers with ``code``, ``parent`` and ``households``, missing where hidden; ``leaves`` with
    polygons."""
    total: int | None = None
    """Households of all its cells, where published."""
    pairs: pd.DataFrame | None = None
    """`Publication.pairs`, where it was published after another: the land that it shares with
    that."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Hidden:
    """What is not told of a division."""

    cells: Bools
    total: bool
    pieces: Bools
    """Of the pieces with the latest publication; none without one."""
    exposed: tuple[str, ...]
    """Names of counts that what was published before gives away, whatever is hidden now."""


def hide_after(
    division: CellTree,
    before: Sequence[Linked],
    crosswalks: Sequence[ToldPieces],
    hidden: Hidden,
    threshold: int,
) -> Hidden:
    """Return what to hide of a division after several publications.

    Parameters
    ----------
    division
        The cells.
    before
        How they lie on what was published before, the latest first.
    crosswalks
        Of each of these with the next.
    hidden
        What is hidden at least.
    threshold
        Least width of a range.
    """
    where = np.column_stack([before[0].standing["leaf"], *(x.standing["earlier"] for x in before)])
    outside = common_parts([(each.outside, each.outside_of) for each in before])
    beyond = np.column_stack([np.full(len(outside), -1, dtype=np.int64), outside])
    parts, part = np.unique(
        np.concatenate([where, beyond]).astype(np.int64), axis=0, return_inverse=True
    )
    part = part[: len(where)]
    standing = before[0].standing
    households = np.bincount(part, standing["households"], minlength=len(parts)).astype(np.int64)
    houses = standing.assign(part=part).dropna(subset="bldg_id")
    houses = houses.drop_duplicates(["part", "bldg_id"])
    buildings = np.bincount(houses["part"], minlength=len(parts))
    pieces = before[0].pieces
    own = ToldPieces(
        a=pieces.a, b=pieces.b, households=pieces.households, told=~hidden.pieces,
        single=pieces.single,
    )  # fmt: skip
    trees = [division, *(each.division for each in before)]
    chain = Chain(parts, trees, [own, *crosswalks])
    told = chain.told.copy()
    told[chain.newest] = ~np.concatenate([hidden.cells, [hidden.total], hidden.pieces])
    count = chain.sums @ households
    single = chain.single.copy()
    single[len(told) :] = (buildings == 1) & ~_is_cell(parts)
    secret = (count > 0) & ((count < threshold) | single)
    secret[: len(told)] &= ~told & chain.sensitive
    n, m = len(division.code), len(pieces.a)
    told, exposed = suppress_in_chain(chain, households, told, secret, threshold)
    names = chain_names(chain, trees, [own, *crosswalks])
    return Hidden(
        cells=~told[:n], total=not told[n], pieces=~told[n + 1 : n + 1 + m],
        exposed=tuple(names[number] for number in exposed),
    )  # fmt: skip


def _is_cell(parts: Ints) -> Bools:
    """Tell which parts are a cell of some division: nobody lives in the rest of it."""
    alone = np.zeros(len(parts), dtype=np.bool_)
    for leaf in parts.T:
        alone |= (leaf >= 0) & (np.bincount(leaf[leaf >= 0], minlength=1)[leaf] == 1)
    return alone


def common_parts(divisions: Sequence[tuple[Geometries, Ints]]) -> Ints:
    """Return (n, m) the parts into which divisions cut the land: a leaf of each, -1 for none.

    Parameters
    ----------
    divisions
        The polygons of each, and the numbers to give for them.
    """
    parts = np.full((0, len(divisions)), -1, dtype=np.int64)
    shapes: Geometries = np.empty(0, dtype=object)
    for k, (others, numbers) in enumerate(divisions):
        if not len(others):
            continue
        if not len(shapes):
            shapes = others
            parts = np.full((len(others), len(divisions)), -1, dtype=np.int64)
            parts[:, k] = numbers
            continue
        found = overlay(shapes, others, SLIVER_M)
        kept = ~found.is_sliver
        alone = np.full((1, len(divisions)), -1, dtype=np.int64)
        # The last row is that of land where none of those before it reaches.
        parts = np.concatenate([parts, alone])[found.a[kept]]
        parts[:, k] = np.append(numbers, -1)[found.b[kept]]
        shapes = found.shapes[kept]
    return parts


def crosswalk_of(pairs: pd.DataFrame | None, own: CellTree, before: CellTree) -> ToldPieces:
    """Return what a crosswalk tells of the land that two divisions share.

    Raises
    ------
    InputError
        A code that is none of the two divisions'.
    """
    if pairs is None:
        return NO_PIECES
    row: dict[str, Ints] = {}
    for side, tree in (("a", own), ("b", before)):
        code = pairs[side].where(pairs[side].notna() & (pairs[side] != ""))
        row[side] = pd.Index(tree.code).get_indexer(pd.Index(code)).astype(np.int64)
        if len(unknown := code[(row[side] < 0) & code.notna().to_numpy()]):
            raise InputError(Message("error.audit_foreign_code", code=unknown.iloc[0]))
    inside = row["a"] >= 0
    count = pd.to_numeric(pairs["households"]).astype("Int64")[inside]
    return ToldPieces(
        a=row["a"][inside], b=row["b"][inside],
        households=np.asarray(count.fillna(0), dtype=np.int64),
        told=count.notna().to_numpy(np.bool_), single=single_buildings(pairs)[inside],
    )  # fmt: skip
