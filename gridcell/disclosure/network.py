"""The cells of a division, and what is published of their households, as a network of counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from gridcell.schema import CELL_LAYERS

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class CellTree:
    """All cells of a division as one tree, each once."""

    code: NDArray[np.object_]
    """(n,) sorted level by level."""
    parent: Ints
    """(n,) row of the cell above, -1 for the whole."""
    households: Ints
    """(n,) 0 where not published."""
    published: Bools
    """(n,) whether households are published."""
    empty: Bools
    """(n,) whether the cell is seen to hold nobody: no building in it, and no household."""
    total: int | None
    """Households of all cells, where published."""
    contradicting: tuple[str, ...]
    """Codes of cells of which two layers publish different counts."""

    @property
    def known_total(self) -> int | None:
        """Households of all cells, where published or the sum of what is."""
        roots = self.parent < 0
        if self.total is None and self.published[roots].all():
            return int(self.households[roots].sum())
        return self.total

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
    """(m,) row of the earlier one, -1 for land outside it."""
    households: Ints
    """(m,) 0 where not published."""
    published: Bools
    single: Bools
    """(m,) whether it holds a single building, and is no cell: `linked.single_buildings`."""
    beyond: Ints
    """Rows of the earlier division whose land reaches out of the newer one."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Network:
    """Counts as arcs between nodes.

    In this order: those of the division's cells, its total, the pieces, the earlier division's
    cells and total, and what lies beyond.
    """

    tail: Ints
    head: Ints
    count: Ints
    published: Bools
    protected: Bools
    """Published, and no candidate for suppression: published before, or plain to see."""
    nonsensitive: Bools
    """Not published, and no count to protect: nobody minds who works it out."""
    single: Bools
    """That of a single building that is no cell: sensitive however large it is."""
    cells: slice
    total: int
    pieces: slice
    earlier: slice


def make_cell_tree(levels: Mapping[str, pd.DataFrame], total: int | None) -> CellTree:
    """Return the cells of some layers as a tree.

    Parameters
    ----------
    levels
        Any of large, medium, small, micro, leaves, with ``code``, ``parent``, ``households``
        (missing where hidden) and ``buildings``; a layer without parents is a tree of its own.
    total
        Households of all cells, where published.
    """
    wanted = ("code", "parent", "households", "buildings")
    frames = [
        pd.DataFrame(levels[level]).reindex(columns=list(wanted)).sort_values("code")
        for level in CELL_LAYERS
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
    published = households.notna().to_numpy(dtype=np.bool_)
    count = households.fillna(0).to_numpy(dtype=np.int64)
    nothing = (cells["buildings"] == 0).fillna(value=False).to_numpy(dtype=np.bool_)
    return CellTree(
        code=code,
        parent=pd.Index(code).get_indexer(pd.Index(cells["parent"])).astype(np.int64),
        households=count,
        published=published,
        empty=published & (count == 0) & nothing,
        total=total,
        contradicting=tuple(different.index[different].astype(str)),
    )


def make_network(
    division: CellTree, pieces: Pieces | None = None, earlier: CellTree | None = None
) -> Network:
    """Return the counts of a division, alone or with those of an earlier one of the same land.

    From the whole, households go over the cells to the leaves. There they are at the end, or go on
    over the pieces to the leaves of the earlier division, and over its cells to the end. The total
    of all cells leads from the end back to the whole.
    """
    n = len(division.code)
    whole, end, cells = 0, 1, 2 + np.arange(n)
    arcs = _Arcs()
    above = np.where(division.parent < 0, whole, cells[division.parent])
    below = np.where(division.is_leaf, end, cells) if earlier is None else cells
    arcs.add(
        above, below, division.households, published=division.published, protected=division.empty
    )
    arcs.add(
        [end], [whole], [division.known_total or 0], published=division.known_total is not None
    )
    if pieces is not None and earlier is not None:
        others = 2 + n + np.arange(len(earlier.code))
        last = 2 + n + len(earlier.code)
        into = np.where(pieces.b < 0, end, others[pieces.b])
        arcs.add(
            cells[pieces.a], into, pieces.households, published=pieces.published,
            single=pieces.single,
        )  # fmt: skip
        over = np.where(earlier.parent < 0, last, others[earlier.parent])
        arcs.add(
            others,
            over,
            earlier.households,
            published=earlier.published,
            protected=earlier.published,
        )
        known = earlier.known_total is not None
        total = earlier.known_total or earlier.households[earlier.parent < 0].sum()
        # Not published, it is no count that anybody hid: cells of a layer have no sum.
        arcs.add([last], [end], [total], published=known, protected=known, nonsensitive=not known)
        nobody = np.zeros(len(pieces.beyond), dtype=np.int64)
        arcs.add(nobody + end, others[pieces.beyond], nobody, published=False, nonsensitive=True)
    return arcs.network(n, 0 if pieces is None else len(pieces.a))


class _Arcs:
    """Arcs, kind by kind."""

    def __init__(self) -> None:
        self._kinds: list[tuple[NDArray[Any], ...]] = []

    def add(
        self,
        tail: ArrayLike,
        head: ArrayLike,
        count: ArrayLike,
        *,
        published: Bools | bool,
        protected: Bools | bool = False,
        nonsensitive: Bools | bool = False,
        single: Bools | bool = False,
    ) -> None:
        kind = np.broadcast_arrays(tail, head, count, published, protected, nonsensitive, single)
        self._kinds.append(tuple(kind))

    def network(self, cells: int, pieces: int) -> Network:
        columns = [np.concatenate(column) for column in zip(*self._kinds, strict=True)]
        tail, head, count = (column.astype(np.int64) for column in columns[:3])
        published, protected, nonsensitive, single = (
            column.astype(np.bool_) for column in columns[3:]
        )
        after = cells + 1 + pieces
        earlier = len(self._kinds[3][0]) if len(self._kinds) > 3 else 0
        return Network(
            tail=tail, head=head, count=count,
            published=published, protected=protected, nonsensitive=nonsensitive, single=single,
            cells=slice(0, cells), total=cells, pieces=slice(cells + 1, after),
            earlier=slice(after, after + earlier),
        )  # fmt: skip
