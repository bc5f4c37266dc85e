"""Places for texts on a map: none over another."""

from typing import Final

import numpy as np
import shapely
from shapely.geometry import LineString
from shapely.geometry.base import BaseGeometry

from gridcell.render.atlas.sheet import INK, WHITE, Array, Colour, Sheets

_POINT: Final = 25.4 / 72
_ALONG: Final = np.array([0.5, 0.3, 0.7, 0.15, 0.85, 0, 1])
"""Shares of a line at which a text may stand, the best first."""
_STRAIGHT: Final = 0.985
"""A line along which a text stands is not much longer than straight."""


class Labels:
    """Texts of one map, which keep clear of each other and of its rim. All in mm on the page."""

    def __init__(self, sheets: Sheets, x: float, y: float, width: float, height: float) -> None:
        self._sheets = sheets
        self._frame = shapely.box(x, y, x + width, y + height)
        self._taken: list[BaseGeometry] = []

    def keep(self, x: float, y: float, width: float, height: float) -> None:
        """Keep a rectangle free of texts."""
        self._taken.append(shapely.box(x, y, x + width, y + height))

    def put(
        self, points: Array, text: str, sizes: tuple[float, ...], *, colour: Colour = INK,
        under: str = "", angles: Array | None = None, avoid: Array | None = None,
    ) -> bool:  # fmt: skip
        """Write a text about the first of the points at which there is room; return whether.

        Parameters
        ----------
        points
            (n, 2) where its middle may be, the best first.
        text
            One line.
        sizes
            Points, the best first: a smaller one is taken before the text is left out.
        colour
            Of the text.
        under
            ``plate``: a white one with a frame; ``veil``: what is below shows through a little.
        angles
            (n,) degrees against the clock; level without.
        avoid
            Shapes that it must not touch.
        """
        if not len(points):
            return False
        turned = np.zeros(len(points)) if angles is None else angles
        for size in sizes:
            wide, high = self._sheets.measure(text, size), size * _POINT
            pad = 0.5 if under == "plate" else 0.15
            boxes = _boxes(points, wide + 2 * pad, high * 0.9 + 2 * pad, turned)
            free = shapely.contains_properly(self._frame, boxes)
            if self._taken:
                taken = np.array(self._taken)
                free &= ~shapely.intersects(boxes[:, None], taken[None, :]).any(axis=1)
            if avoid is not None and len(avoid):
                free &= ~shapely.intersects(boxes[:, None], avoid[None, :]).any(axis=1)
            if not free.any():
                continue
            best = int(np.argmax(free))
            self._taken.append(boxes[best])
            x, y = points[best].tolist()
            if under == "plate":
                self._sheets.polygons(boxes[best : best + 1], WHITE, colour, 0.15)
            elif under == "veil":
                self._sheets.veil(boxes[best])
            angle = float(turned[best])
            turn = np.radians(angle)
            down = high * 0.36  # from the middle of capitals to their base line
            self._sheets.text(
                x + down * np.sin(turn), y + down * np.cos(turn), text, size,
                colour=colour, align="centre", angle=angle,
            )  # fmt: skip
            return True
        return False

    def along(
        self, line: LineString, text: str, sizes: tuple[float, ...], colour: Colour,
        avoid: Array, under: str = "veil",
    ) -> bool:  # fmt: skip
        """Write a text on a straight part of a line, or beside it; return whether there is room.

        What is to be avoided is covered only where there is no other place.
        """
        for size, shift, clear in _tries(sizes):
            half = self._sheets.measure(text, size) / 2
            if line.length < 2 * half + 1:
                continue
            middle = half + (line.length - 2 * half) * _ALONG
            ends = np.stack([
                shapely.get_coordinates(shapely.line_interpolate_point(line, middle + side))
                for side in (-half, half)
            ])  # fmt: skip
            across, down = (ends[1] - ends[0]).T
            chord = np.hypot(across, down)
            straight = chord >= 2 * half * _STRAIGHT
            aside = np.stack([-down, across], axis=1) / np.maximum(chord, 1e-9)[:, None]
            points = ends.mean(axis=0) + aside * shift * (size * _POINT / 2 + 0.7)
            angles = -np.degrees(np.arctan2(down, across))
            angles = (angles + 90.001) % 180 - 90.001
            if self.put(
                points[straight], text, (size,), colour=colour, under=under,
                angles=angles[straight], avoid=avoid if clear else None,
            ):  # fmt: skip
                return True
        return False


def _tries(sizes: tuple[float, ...]) -> list[tuple[float, int, bool]]:
    """Return size, side of the line and whether to keep clear: the best first."""
    clear = [(size, side, True) for size in sizes for side in (0, 1, -1)]
    return [*clear, (sizes[-1], 0, False)]


def _boxes(points: Array, width: float, height: float, angles: Array) -> Array:
    turns = np.radians(angles)
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [width / 2, height / 2]
    cos, sin = np.cos(turns), np.sin(turns)
    # The page's y runs down: against the clock is the other way round.
    matrices = np.array([[cos, -sin], [sin, cos]])
    boxes: Array = shapely.polygons(
        points[:, None, :] + np.einsum("ci,ijp->pcj", corners, matrices)
    )
    return boxes
