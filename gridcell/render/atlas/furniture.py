"""What stands on or beside every map: scale bar, north arrow, legend."""

from typing import Final

import numpy as np
import shapely
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

from gridcell.render.atlas.frame import Frame, next_round
from gridcell.render.atlas.ground import RAIL, ROAD_EDGE, SHORE, WATER
from gridcell.render.atlas.labels import Labels
from gridcell.render.atlas.sheet import ACCENT, GREY, INK, PALE, WHITE, Array, Sheets

LAND: Final = (246, 246, 243)
OWN: Final = (255, 249, 226)
WALK: Final = (20, 92, 190)
POINT: Final = (15, 122, 84)
MICRO: Final = (0, 92, 115)
COMMUNITY: Final = (90, 40, 110)
HOUSE: Final = (238, 200, 158)
HOUSE_LINE: Final = (150, 110, 70)
OTHER_HOUSE: Final = (226, 226, 224)
HATCH: Final = (190, 92, 44)
_HATCH: Final = 1.9
"""Between the lines of a hatch, mm along the axes."""
_BARS: Final = (1, 2, 4, 6, 8, 10)
"""Lengths of a scale bar of which the half is round too."""


def furnish(
    sheets: Sheets, frame: Frame, labels: Labels, shapes: Array, words: dict[str, str]
) -> None:
    """Draw scale bar and north arrow where they cover least of the shapes, and keep their places.

    Parameters
    ----------
    sheets
        With the map.
    frame
        Of the map.
    labels
        Of the map, before the first is written.
    shapes
        On the page.
    words
        Of the language.
    """
    length_m = next_round(0.18 * frame.width / frame.per_metre, _BARS)
    bar = length_m * frame.per_metre
    width = max(bar, 24) + 10
    whole = shapely.union_all(shapes)
    x, y = _corner(frame, width, 9, whole, [(0, 1), (1, 1), (0, 0), (1, 0)])
    sheets.box(x, y, width, 9, fill=WHITE, line=PALE, opacity=0.9)
    labels.keep(x, y, width, 9)
    whole = shapely.union(whole, shapely.box(x, y, x + width, y + 9))
    unit = (length_m / 1000, "km") if length_m >= 2000 else (length_m, "m")
    for half in (0, 1):
        sheets.box(
            x + 3 + half * bar / 2, y + 5.4, bar / 2, 1.4,
            fill=(WHITE, INK)[1 - half], line=INK, thick=0.15,
        )  # fmt: skip
    sheets.text(x + 3, y + 4, f"1 : {frame.scale:,.0f}", 7)
    sheets.text(x + width - 1.5, y + 4, f"{unit[0]:,g} {unit[1]}", 7, align="right", colour=GREY)
    x, y = _corner(frame, 9, 14, whole, [(1, 0), (0, 0), (1, 1), (0, 1)])
    sheets.box(x, y, 9, 14, fill=WHITE, line=PALE, opacity=0.9)
    labels.keep(x, y, 9, 14)
    sheets.text(x + 4.5, y + 4.2, words["north"], 9, align="centre")
    left = np.array([[x + 4.5, y + 5], [x + 1.8, y + 12.6], [x + 4.5, y + 10.6]])
    right = left * [-1, 1] + [2 * x + 9, 0]
    sheets.polygons(np.array([Polygon(left)]), INK, INK, 0.15)
    sheets.polygons(np.array([Polygon(right)]), WHITE, INK, 0.15)


def draw_legend(
    sheets: Sheets, x: float, y: float, words: dict[str, str], *, inner: bool, dedicated: bool,
    walk: bool, point: bool,
) -> float:  # fmt: skip
    """Explain the lines of the maps of cells; return where that ends.

    The last four are whether the maps show these.
    """
    rows = ["own", "building", "near", "community", "barriers"]
    if dedicated:
        rows.insert(1, "dedicated")
    if inner:
        rows.insert(2, "inner")
    if walk:
        rows.append("walk")
    if point:
        rows.append("point")
    for row in rows:
        _draw_sample(sheets, row, x, y)
        sheets.text(x + 15, y + 0.9, words[f"legend_{row}"], 7.5, colour=GREY)
        y += 4.6
    return y


def _draw_sample(sheets: Sheets, row: str, x: float, y: float) -> None:
    """Draw what a line of the legend explains."""
    ends = np.array([[x, y], [x + 12, y]])
    if row == "own":
        sheets.box(x, y - 1.5, 12, 3, fill=OWN, line=ACCENT, thick=0.7)
    elif row == "building":
        sheets.box(x + 3, y - 1.5, 6, 3, fill=HOUSE, line=HOUSE_LINE, thick=0.12)
    elif row == "dedicated":
        hatch(sheets, np.array([shapely.box(x, y - 1.5, x + 12, y + 1.5)]))
        sheets.box(x, y - 1.5, 12, 3, line=HATCH, thick=0.2)
    elif row == "inner":
        sheets.line(ends, MICRO, 0.3)
        sheets.box(x + 3, y - 1.6, 6, 3.2, fill=WHITE, line=MICRO, thick=0.15)
        sheets.text(x + 6, y + 0.9, "001", 7, colour=MICRO, align="centre")
    elif row == "walk":
        sheets.line(ends, WALK, 0.5)
        sheets.box(x + 4.5, y - 1.4, 3, 2.8, fill=WHITE, line=WALK, thick=0.15)
        sheets.text(x + 6, y + 0.8, "1", 6, colour=WALK, align="centre")
    elif row == "point":
        draw_point(sheets, x + 6, y, 1.9)
    elif row == "near":
        sheets.line(ends, GREY, 0.25, 1.2)
    elif row == "community":
        sheets.line(ends, COMMUNITY, 0.6, 3)
    else:
        part = ends[0] + np.array([[0, 0], [3.6, 0]])
        sheets.box(x, y - 1.5, 3.6, 3, fill=LAND)
        sheets.line(part, ROAD_EDGE, 1.8)
        sheets.line(part, WHITE, 1.4)
        sheets.box(x + 4.2, y - 1.5, 3.6, 3, fill=WATER, line=SHORE, thick=0.25)
        sheets.box(x + 8.4, y - 1.5, 3.6, 3, fill=LAND)
        rail = np.array([[8.4, 0]]) + part
        sheets.line(rail, RAIL, 0.8)
        sheets.line(rail, WHITE, 0.5, 0.9)


def hatch(sheets: Sheets, shapes: Array) -> None:
    """Hatch polygons that are on the page already, as dedicated cells are on every map."""
    for shape in shapes:
        if shape.is_empty:
            continue
        west, south, east, north = shape.bounds
        # From the same origin everywhere: neighbours have one pattern.
        first, last = np.floor((west + south) / _HATCH), np.ceil((east + north) / _HATCH)
        sums = np.arange(first, last + 1) * _HATCH
        ends = np.stack([np.full_like(sums, west), sums - west], axis=1)
        others = np.stack([np.full_like(sums, east), sums - east], axis=1)
        lines = shapely.intersection(shapely.linestrings(np.stack([ends, others], axis=1)), shape)
        parts = shapely.get_parts(lines)
        for part in parts[(shapely.get_type_id(parts) == 1) & ~shapely.is_empty(parts)]:
            sheets.line(shapely.get_coordinates(part), HATCH, 0.18)


def draw_point(sheets: Sheets, x: float, y: float, half: float) -> None:
    """Draw the mark of a service point, so high and wide on either side of its middle."""
    mark = Polygon([(x, y - half), (x + half, y), (x, y + half), (x - half, y)])
    sheets.polygons(np.array([mark]), POINT, WHITE, 0.25)


def _corner(
    frame: Frame, width: float, height: float, shapes: BaseGeometry,
    corners: list[tuple[int, int]],
) -> tuple[float, float]:  # fmt: skip
    """Return where a box goes: the corner in which it covers least, the first among equals."""
    right, down = np.array(corners).T
    x = frame.x + 2 + right * (frame.width - width - 4)
    y = frame.y + 2 + down * (frame.height - height - 4)
    covered = shapely.area(shapely.intersection(shapely.box(x, y, x + width, y + height), shapes))
    best = int(np.argmin(np.round(covered, 6)))
    return float(x[best]), float(y[best])
