"""Where a map is on its page, and how the ground comes onto it."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from gridcell.render.atlas.sheet import Array

_STEPS: Final = (1, 1.25, 1.5, 1.75, 2, 2.25, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10)
_MARGIN: Final = 0.05
_FAR: Final = 1.5
"""So much larger must all of a cell be than its pieces that they get maps of their own."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Frame:
    """Where a map is on its page, and what of the ground it shows."""

    x: float
    y: float
    width: float
    height: float
    """Millimetres of the layout."""
    scale: float
    """Metres on the ground a metre on paper."""
    enlarged: float = 1.0
    """Millimetres on paper a millimetre of the layout."""
    west: float
    north: float
    """Ground at the top left corner, in the plan's CRS."""

    @property
    def per_metre(self) -> float:
        """Millimetres of the layout a metre on the ground."""
        return 1000 / (self.scale * self.enlarged)

    @property
    def ground(self) -> tuple[float, float, float, float]:
        """West, south, east and north of what is shown."""
        east = self.west + self.width / self.per_metre
        return self.west, self.north - self.height / self.per_metre, east, self.north

    def paper(self, shapes: Array) -> Array:
        """Return what of the shapes is in sight, on the page; the others are empty."""
        west, south, east, north = self.ground
        rim = 0.02 * max(east - west, north - south)
        shown = shapely.clip_by_rect(shapes, west - rim, south - rim, east + rim, north + rim)
        factor = self.per_metre
        placed: Array = shapely.transform(
            shown,
            lambda xy: (xy - [self.west, self.north]) * [factor, -factor] + [self.x, self.y],
        )
        return placed


def fit_frame(
    bounds: Array,
    x: float,
    y: float,
    width: float,
    height: float,
    *,
    enlarged: float = 1.0,
    fixed: float | None = None,
) -> Frame:
    """Return the frame that shows some ground in the middle, at the largest round scale.

    Where a scale is fixed it is that one, if all of the ground fits, with no margin at worst.
    """
    west, south, east, north = bounds.tolist()
    room = 1 - 2 * _MARGIN
    need = max((east - west) / width, (north - south) / height) * 1000 / enlarged
    scale = round_scale(max(need / room, 200.0))
    if fixed is not None and fixed >= need:
        scale = fixed
    half = np.array([width, height]) * scale * enlarged / 2000
    return Frame(
        x=x, y=y, width=width, height=height, scale=scale, enlarged=enlarged,
        west=(west + east) / 2 - half[0], north=(south + north) / 2 + half[1],
    )  # fmt: skip


def split_bounds(shape: BaseGeometry) -> list[Array]:
    """Return what each map of a cell shows: two where its pieces lie far apart, else one.

    Then the first map shows the largest piece, the second all others.
    """
    parts = shapely.get_parts(shape)
    parts = parts[np.argsort(-shapely.area(parts), kind="stable")]
    whole = np.asarray(shape.bounds)
    if len(parts) < 2:
        return [whole]
    main, rest = shapely.bounds(parts[0]), shapely.total_bounds(parts[1:])
    sides = [max(b[2] - b[0], b[3] - b[1]) for b in (whole, main, rest)]
    return [whole] if sides[0] <= _FAR * max(sides[1:]) else [main, rest]


def round_scale(need: float) -> float:
    """Return the next round scale: 1 : 1,250 rather than 1 : 1,187."""
    return next_round(need, _STEPS)


def next_round(need: float, steps: tuple[float, ...]) -> float:
    """Return the least of the steps, times a power of ten, that is enough; the last step is 10."""
    power = 10 ** np.floor(np.log10(need))
    return float(next(step for step in steps if step * power >= need * (1 - 1e-9)) * power)
