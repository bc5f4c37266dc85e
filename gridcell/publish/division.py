"""The cells of a division, and what is told of their households, as a network of counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_LEVELS: Final = ("large", "medium", "small", "micro", "leaves")


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Division:
    """All cells of a division as one tree, each once."""

    code: NDArray[np.object_]
    """(n,) sorted level by level."""
    parent: Ints
    """(n,) row of the cell above, -1 for the whole."""
    households: Ints
    """(n,) 0 where not told."""
    told: Bools
    """(n,) whether households are told."""
    empty: Bools
    """(n,) whether the cell is seen to hold nobody: no building in it, and no household."""
    total: int | None
    """Households of all cells, where told."""
    contradicting: tuple[str, ...]
    """Codes of cells of which two layers tell different counts."""

    @property
    def is_leaf(self) -> Bools:
        """(n,) whether a cell has no parts."""
        leaf = np.ones(len(self.code), dtype=np.bool_)
        leaf[self.parent[self.parent >= 0]] = False
        return leaf


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Pieces:
    """The land that cells of two divisions share, where anybody may live."""

    a: Ints
    """(m,) row of the newer division."""
    b: Ints
    """(m,) row of the older one, -1 for land outside it."""
    households: Ints
    """(m,) 0 where not told."""
    told: Bools
    beyond: Ints
    """Rows of the older division whose land reaches out of the newer one."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Network:
    """Counts as arcs between nodes.

    In this order: those of the division's cells, its total, the pieces, the older division's cells
    and total, and what lies beyond.
    """

    tail: Ints
    head: Ints
    count: Ints
    told: Bools
    fixed: Bools
    """Told, and nothing can be done about it: published before, or plain to see."""
    unguarded: Bools
    """Not told, and nobody minds who works it out."""
    cells: slice
    total: int
    pieces: slice
    older: slice


def make_division(levels: Mapping[str, pd.DataFrame], total: int | None) -> Division:
    """Return the cells of some layers as a tree.

    Parameters
    ----------
    levels
        Any of large, medium, small, micro, leaves, with ``code``, ``parent``, ``households``
        (missing where hidden) and ``buildings``; a layer without parents is a tree of its own.
    total
        Households of all cells, where told.
    """
    wanted = ("code", "parent", "households", "buildings")
    frames = [
        pd.DataFrame(levels[level]).reindex(columns=list(wanted))
        for level in _LEVELS
        if level in levels and len(levels[level])
    ]
    rows = pd.concat(frames, ignore_index=True)
    for name in ("households", "buildings"):
        rows[name] = pd.to_numeric(rows[name]).astype("Int64")
    # A leaf is in a layer of its level too: who sees both knows what either tells.
    groups = rows.groupby("code", sort=False)
    cells = groups.first()
    different = groups["households"].max() != groups["households"].min()
    different = different.fillna(value=False)
    code = cells.index.to_numpy(dtype=object)
    households = cells["households"]
    told = households.notna().to_numpy(dtype=np.bool_)
    count = households.fillna(0).to_numpy(dtype=np.int64)
    nothing = (cells["buildings"] == 0).fillna(value=False).to_numpy(dtype=np.bool_)
    return Division(
        code=code,
        parent=pd.Index(code).get_indexer(pd.Index(cells["parent"])).astype(np.int64),
        households=count,
        told=told,
        empty=told & (count == 0) & nothing,
        total=total,
        contradicting=tuple(different.index[different].astype(str)),
    )


def make_network(
    division: Division, pieces: Pieces | None = None, older: Division | None = None
) -> Network:
    """Return the counts of a division, alone or with those of an older one of the same land.

    From the whole, households go over the cells to the leaves. There they are at the end, or go on
    over the pieces to the leaves of the older division, and over its cells to the end.
    """
    n, m = len(division.code), 0 if older is None else len(older.code)
    whole, end, first, second = 0, 1, 2, 2 + n
    leaf = division.is_leaf
    tails = [np.where(division.parent < 0, whole, first + division.parent)]
    heads = [first + np.arange(n)]
    if older is None:
        heads[0] = np.where(leaf, end, heads[0])
    total = division.total
    roots = division.parent < 0
    if total is None and division.told[roots].all():
        total = int(division.households[roots].sum())
    tails.append(np.array([end]))
    heads.append(np.array([whole]))
    counts = [division.households, np.array([total or 0])]
    told = [division.told, np.array([total is not None])]
    fixed = [division.empty, np.array([False])]
    unguarded = [np.zeros(n + 1, dtype=np.bool_)]
    if older is not None and pieces is not None:
        last = second + m
        outside = pieces.b < 0
        tails.append(first + pieces.a)
        heads.append(np.where(outside, end, second + pieces.b))
        counts.append(pieces.households)
        told.append(pieces.told)
        fixed.append(np.zeros(len(pieces.a), dtype=np.bool_))
        known = older.total is not None or bool(older.told[older.parent < 0].all())
        tails += [second + np.arange(m), np.array([last]), np.full(len(pieces.beyond), end)]
        heads += [
            np.where(older.parent < 0, last, second + older.parent), np.array([end]),
            second + pieces.beyond,
        ]  # fmt: skip
        sums = int(older.households[older.parent < 0].sum())
        counts += [
            older.households, np.array([sums if older.total is None else older.total]),
            np.zeros(len(pieces.beyond), dtype=np.int64),
        ]  # fmt: skip
        told += [older.told, np.array([known]), np.zeros(len(pieces.beyond), dtype=np.bool_)]
        fixed += [older.told, np.array([known]), np.zeros(len(pieces.beyond), dtype=np.bool_)]
        unguarded += [
            np.zeros(len(pieces.a) + m + 1, dtype=np.bool_),
            np.ones(len(pieces.beyond), dtype=np.bool_),
        ]
    many = 0 if pieces is None else len(pieces.a)
    return Network(
        tail=np.concatenate(tails).astype(np.int64),
        head=np.concatenate(heads).astype(np.int64),
        count=np.concatenate(counts).astype(np.int64),
        told=np.concatenate(told),
        fixed=np.concatenate(fixed),
        unguarded=np.concatenate(unguarded),
        cells=slice(0, n),
        total=n,
        pieces=slice(n + 1, n + 1 + many),
        older=slice(n + 1 + many, n + 1 + many + m),
    )
