"""What a locator tells of one point."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd

from gridcell.locator.index import LOCATED_COLUMNS
from gridcell.locator.positions import NEAREST_COLUMNS
from gridcell.words.messages import Message

_METRES: Final = ("distance_m", "nearest_m", "nearest_min")
"""Columns of numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Where one point is."""

    code: str | None
    """Code of the leaf; ``None`` outside the land."""
    label: str | None
    large: str | None
    medium: str | None
    small: str | None
    micro: str | None
    """``None`` where the leaf is a small or dedicated cell."""
    staff: str | None
    """Who answers for it, ``role:staff_id`` separated by ``;``, the smallest cell's first."""
    how: str
    """inside, nearest, outside or unplaceable."""
    distance_m: float
    """To the nearest cell; 0 inside, NaN without a place."""
    reason: str | None
    """Why there is no cell."""
    nearest: str | None = None
    """Id of who is nearest along the streets, of those who answer for the cell; ``None`` for
    nobody, and where no positions are known."""
    nearest_m: float = math.nan
    """Metres of that way."""
    nearest_min: float = math.nan
    """Minutes of that way."""


def nowhere(how: str, distance: float, reason: Message) -> Location:
    """Return what is told of a point without a cell."""
    return Location(
        code=None, label=None, large=None, medium=None, small=None, micro=None, staff=None,
        how=how, distance_m=distance, reason=str(reason),
    )  # fmt: skip


def frame_of(rows: Sequence[Location], *, nearest: bool) -> pd.DataFrame:
    """Return locations as a frame, with `NEAREST_COLUMNS` where positions are known."""
    names = [*LOCATED_COLUMNS, *(NEAREST_COLUMNS if nearest else ())]
    columns = {
        name: pd.array(
            [getattr(row, name) for row in rows], dtype="float64" if name in _METRES else "str"
        )
        for name in names
    }
    return pd.DataFrame(columns)
