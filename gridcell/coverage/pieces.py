"""The pieces into which two divisions cut the land: whose they are, and what lies in them."""

from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries
from gridcell.coverage.overlay import Ints, Overlay


def pair_table(
    pieces: Overlay,
    code_a: NDArray[np.object_],
    code_b: NDArray[np.object_],
    shapes_a: Geometries,
    shapes_b: Geometries,
) -> pd.DataFrame:
    """Return ``a``, ``b``, ``relation``, ``area_m2``, ``share_a``, ``share_b`` of each piece."""
    columns: dict[str, Any] = {}
    for name, codes, row in (("a", code_a, pieces.a), ("b", code_b, pieces.b)):
        code = codes[np.maximum(row, 0)]
        code[row < 0] = None
        columns[name] = pd.array(code, dtype="str")
    columns["relation"] = pd.array(_relations(pieces, len(shapes_a), len(shapes_b)), dtype="str")
    columns["area_m2"] = np.round(pieces.area, 3)
    for name, shapes, row in (("share_a", shapes_a, pieces.a), ("share_b", shapes_b, pieces.b)):
        share = np.round(pieces.area / shapely.area(shapes)[np.maximum(row, 0)], 6)
        columns[name] = np.where(row < 0, np.nan, np.minimum(share, 1.0))
    return pd.DataFrame(columns)


def holding_most(shapes: Geometries, pieces: Overlay, *, cell: Ints | None = None) -> Ints:
    """Return the piece with most of each outline, the first of equals, slivers last; or -1.

    Parameters
    ----------
    shapes
        (n,) outlines.
    pieces
        The pieces.
    cell
        (n,) the row of A whose pieces alone are looked at; all are by default.
    """
    outline, piece = shapely.STRtree(pieces.shapes).query(shapes, predicate="intersects")
    if cell is not None:
        own = pieces.a[piece] == cell[outline]
        outline, piece = outline[own], piece[own]
    alone = np.bincount(outline, minlength=len(shapes))[outline] == 1
    area = np.where(pieces.is_sliver[piece], -1.0, np.inf)
    several = np.flatnonzero(~alone & ~pieces.is_sliver[piece])
    area[several] = shapely.area(
        shapely.intersection(shapes[outline[several]], pieces.shapes[piece[several]])
    )
    order = np.lexsort((piece, -np.round(area, 6), outline))
    chosen = order[np.diff(outline[order], prepend=-1) != 0]
    out = np.full(len(shapes), -1, dtype=np.int64)
    out[outline[chosen]] = piece[chosen]
    return out


def alone_in(pieces: Overlay, row: Ints, count: int) -> NDArray[np.bool_]:
    """Tell of each piece whether it is all of a cell, but for slivers."""
    parts = np.bincount(row[~pieces.is_sliver & (row >= 0)], minlength=count)
    return np.asarray((row >= 0) & (parts[np.maximum(row, 0)] == 1))


def _relations(pieces: Overlay, count_a: int, count_b: int) -> NDArray[np.object_]:
    """Return how each piece's cell of A relates to its cell of B."""
    alone_a, alone_b = alone_in(pieces, pieces.a, count_a), alone_in(pieces, pieces.b, count_b)
    cases = [pieces.b < 0, pieces.a < 0, alone_a & alone_b, alone_a, alone_b]
    names = ["only_a", "only_b", "equal", "inside", "contains"]
    return np.select(cases, names, "overlaps").astype(object)
