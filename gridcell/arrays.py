"""Small array idioms that several rooms share."""

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

Geometries = NDArray[np.object_]
"""An array of shapely geometries."""


def run_starts(key: NDArray[Any]) -> NDArray[np.int64]:
    """Return the position at which each run of equal values in a sorted array begins."""
    if not len(key):
        return np.empty(0, dtype=np.int64)
    return np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))


def spread(count: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return owner and number of each item: ``[2, 3]`` gives ``[0 0 1 1 1]``, ``[0 1 0 1 2]``."""
    owner = np.repeat(np.arange(len(count)), count)
    return owner, np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)


def number_points(xy: NDArray[np.float64]) -> tuple[NDArray[np.int64], int]:
    """Return the number of each point, and how many there are.

    Equal points have one number; they are numbered by x, then y.
    """
    order = np.lexsort((xy[:, 1], xy[:, 0]))
    ranked = xy[order]
    new = np.concatenate([[True], (ranked[1:] != ranked[:-1]).any(axis=1)])[: len(xy)]
    number = np.empty(len(xy), dtype=np.int64)
    number[order] = np.cumsum(new) - 1
    return number, int(new.sum())


def rows_of(items: Geometries, owner: NDArray[np.int64]) -> Geometries:
    """Return the items of each owner as a row of a table, filled up with ``None``.

    Parameters
    ----------
    items
        (m,)
    owner
        (m,) 0 to n - 1, each at least once, in any order.
    """
    order = np.argsort(owner, kind="stable")
    row, column = spread(np.bincount(owner))
    table = np.full((int(owner.max(initial=-1)) + 1, int(column.max(initial=-1)) + 1), None, object)
    table[row, column] = items[order]
    return table


def simplest(geometries: Geometries) -> Geometries:
    """Return collections of one part as that part, and all else as it is."""
    out = geometries.copy()
    single = shapely.get_num_geometries(out) == 1
    out[single] = shapely.get_geometry(out[single], 0)
    return out


def apportion(
    total: NDArray[np.int64], owner: NDArray[np.int64], weight: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return whole shares of totals in proportion to weights, by largest remainder.

    Parameters
    ----------
    total
        (n,) what is shared out.
    owner
        (m,) row of `total` that each share is of; every row with a total > 0 occurs.
    weight
        (m,) not negative. Where a row's weights are all zero they count as equal.

    Returns
    -------
    (m,) shares; those of a row add up to its total. Ties go to the earlier share.
    """
    sums = np.bincount(owner, weights=weight, minlength=len(total))
    weight = np.where(sums[owner] > 0, weight, 1.0)
    sums = np.bincount(owner, weights=weight, minlength=len(total))
    exact = total[owner] * (weight / sums[owner])
    share = np.floor(exact + 1e-9).astype(np.int64)
    left = total - np.bincount(owner, weights=share, minlength=len(total)).astype(np.int64)
    order = np.lexsort((np.arange(len(owner)), -np.round(exact - share, 9), owner))
    sorted_owner = owner[order]
    place = np.arange(len(order)) - np.searchsorted(sorted_owner, sorted_owner)
    share[order] += place < left[sorted_owner]
    return share
