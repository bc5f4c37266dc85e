"""Pure assignment: one place, one taker. Solved by scipy and proven by prices of our own."""

from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from gridcell.staff.problem import Bools, Ints


class Match(NamedTuple):
    """As many allowed pairs as possible, the cheapest of these, and the proof."""

    row: Ints
    column: Ints
    most: int
    """Pairs that there can be at most."""
    cost: int
    bound: int
    """No choice of as many pairs costs less."""
    slack: Ints
    """(rows, columns) by how much a solution with the pair costs more than the bound, at least."""


def match(cost: Ints, allowed: Bools) -> Match:
    """Return the cheapest of the largest sets of allowed pairs.

    Parameters
    ----------
    cost
        (rows, columns) whole numbers from 0.
    allowed
        (rows, columns).

    Notes
    -----
    `scipy.optimize.linear_sum_assignment` finds the pairs (shortest augmenting paths, Crouse 2016).
    Prices of rows and columns, computed from its answer alone, prove it: where no pair is cheaper
    than its two prices, their sum bounds every assignment from below, whoever found it.
    """
    if len(cost) > len(cost.T):
        turned = match(cost.T, allowed.T)
        return turned._replace(row=turned.column, column=turned.row, slack=turned.slack.T)
    if not cost.size:
        none = np.empty(0, dtype=np.int64)
        return Match(none, none, 0, 0, 0, cost)
    # Dearer than any choice of allowed pairs: used only where no other pair fills the row.
    forbidden = (int(cost.max(where=allowed, initial=0)) + 1) * (len(cost) + 1)
    full = np.where(allowed, cost, forbidden)
    row, column = linear_sum_assignment(full)
    price = _column_prices(full, column)
    slack = full - price[None, :]
    row_price = slack.min(axis=1)
    slack -= row_price[:, None]
    least = int(row_price.sum() + price.sum())
    unfilled, bound = divmod(least, forbidden)
    kept = allowed[row, column]
    row, column = row[kept], column[kept]
    return Match(row, column, len(cost) - unfilled, int(cost[row, column].sum()), bound, slack)


def _column_prices(cost: Ints, column: Ints) -> Ints:
    """Return prices, at most 0 and 0 for free columns, that no exchange along a path undercuts."""
    price = np.zeros(cost.shape[1], dtype=np.int64)
    own = cost[np.arange(len(cost)), column]
    moved = np.arange(len(cost))
    for _ in range(len(cost) + 1):
        offer = (cost[moved] + (price[column[moved]] - own[moved])[:, None]).min(axis=0)
        better = offer < price
        if not better.any():
            break
        price = np.where(better, offer, price)
        moved = np.flatnonzero(better[column])
        if not len(moved):
            break
    return price
