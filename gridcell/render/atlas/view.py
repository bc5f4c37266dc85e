"""The map of a sheet: a cell with its surroundings, at a round scale."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

from gridcell.fabric.barriers import barrier_classes
from gridcell.render.atlas.content import Content, text_of
from gridcell.render.atlas.labels import Labels
from gridcell.render.atlas.sheet import ACCENT, GREY, INK, PALE, WHITE, Array, Colour, Sheets
from gridcell.render.colour import colour_cells
from gridcell.schema import BARRIER_CLASSES

FILLS: Final[tuple[Colour, ...]] = (
    (250, 219, 196), (207, 228, 243), (217, 236, 205), (248, 238, 190), (232, 216, 238),
    (205, 236, 230),
)  # fmt: skip
LAND: Final = (246, 246, 243)
OWN: Final = (255, 249, 226)
WATER: Final = (150, 190, 224)
WATER_TEXT: Final = (40, 90, 140)
STREET_TEXT: Final = (85, 75, 60)
MICRO: Final = (0, 92, 115)
RAIL: Final = (70, 70, 70)
COMMUNITY: Final = (90, 40, 110)
HOUSE: Final = (238, 200, 158)
HOUSE_LINE: Final = (150, 110, 70)
OTHER_HOUSE: Final = (226, 226, 224)

_STEPS: Final = (1, 1.25, 1.5, 1.75, 2, 2.25, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10)
_MARGIN: Final = 0.05
_NUMBERS: Final = (6.0, 5.2, 4.5, 3.8)
"""Sizes of the numbers of buildings, points."""
_ROAD_M: Final = {"arterial": 18.0, "street": 9.0, "path": 4.5}
"""Width on the ground, metres: what a road is drawn with unless that is too thin or thick."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Frame:
    """Where a map is on its page, and what of the ground it shows."""

    x: float
    y: float
    width: float
    height: float
    """Millimetres."""
    scale: float
    """Metres on the ground a metre on paper."""
    west: float
    north: float
    """Ground at the top left corner, in the plan's CRS."""

    @property
    def ground(self) -> tuple[float, float, float, float]:
        """West, south, east and north of what is shown."""
        east = self.west + self.width * self.scale / 1000
        return self.west, self.north - self.height * self.scale / 1000, east, self.north

    def paper(self, shapes: Array) -> Array:
        """Return what of the shapes is in sight, on the page; the others are empty."""
        west, south, east, north = self.ground
        rim = 0.02 * max(east - west, north - south)
        shown = shapely.clip_by_rect(shapes, west - rim, south - rim, east + rim, north + rim)
        factor = 1000 / self.scale
        placed: Array = shapely.transform(
            shown,
            lambda xy: (xy - [self.west, self.north]) * [factor, -factor] + [self.x, self.y],
        )
        return placed


def fit_frame(bounds: Array, x: float, y: float, width: float, height: float) -> Frame:
    """Return the frame that shows some ground in the middle, at the largest round scale."""
    west, south, east, north = bounds.tolist()
    room = 1 - 2 * _MARGIN
    need = max((east - west) / width, (north - south) / height) * 1000 / room
    scale = round_scale(max(need, 200.0))
    half = np.array([width, height]) * scale / 2000
    return Frame(
        x=x, y=y, width=width, height=height, scale=scale,
        west=(west + east) / 2 - half[0], north=(south + north) / 2 + half[1],
    )  # fmt: skip


def round_scale(need: float) -> float:
    """Return the next round number: 1 : 1,250 rather than 1 : 1,187."""
    power = 10 ** np.floor(np.log10(need))
    return float(next(step for step in _STEPS if step * power >= need * (1 - 1e-9)) * power)


class Views:
    """Draws maps of a plan; what is near is found by trees that are built once."""

    def __init__(self, sheets: Sheets, content: Content, pages: dict[str, int]) -> None:
        self._sheets = sheets
        self._content = content
        self._pages = pages
        plan = content.plan
        self._trees = {
            "around": shapely.STRtree(_array(content.around)),
            "buildings": shapely.STRtree(_array(plan.buildings)),
            "barriers": shapely.STRtree(_array(plan.barriers)),
            "medium": shapely.STRtree(_array(plan.medium)),
        }

    @cached_property
    def _classes(self) -> Array:
        names = np.array([*BARRIER_CLASSES])
        classes: Array = names[barrier_classes(self._content.plan.barriers)]
        return classes

    @cached_property
    def _kinds(self) -> Array:
        kinds: Array = self._content.plan.barriers["kind"].to_numpy(dtype=str)
        return kinds

    @cached_property
    def _micro(self) -> dict[str, gpd.GeoDataFrame]:
        micro = self._content.plan.micro.sort_values("code")
        return {str(code): rows for code, rows in micro.groupby("parent", sort=True)}

    def draw_cell(self, cell: "pd.Series[Any]", frame: Frame) -> list[str]:
        """Draw a cell; return the numbers of buildings for which there was no room."""
        sheets, content = self._sheets, self._content
        labels = Labels(sheets, frame.x, frame.y, frame.width, frame.height)
        own = frame.paper(np.array([cell.geometry]))
        inner = self._micro.get(cell["code"]) if content.inner else None
        around = content.around.iloc[self._near("around", frame)]
        near = around[around["code"] != cell["code"]]
        buildings = content.plan.buildings.iloc[self._near("buildings", frame)]
        mine = buildings["code"].eq(cell["code"])
        if inner is not None:
            mine |= buildings["code"].isin(inner["code"])
        with sheets.clip(frame.x, frame.y, frame.width, frame.height):
            sheets.box(frame.x, frame.y, frame.width, frame.height, fill=LAND)
            sheets.polygons(own, OWN)
            self._draw_barriers(frame)
            sheets.polygons(frame.paper(_array(buildings[~mine])), OTHER_HOUSE, PALE, 0.08)
            sheets.polygons(frame.paper(_array(buildings[mine])), HOUSE, HOUSE_LINE, 0.12)
            self._borders(near, frame, GREY, 0.25, 1.2)
            if inner is not None:
                sheets.polygons(frame.paper(_array(inner)), None, MICRO, 0.3)
            medium = content.plan.medium.iloc[self._near("medium", frame)]
            self._borders(medium, frame, COMMUNITY, 0.6, 3)
            sheets.polygons(own, None, ACCENT, 0.9)
            self._furnish(frame, labels, own)
            missing = self._label_own(frame, labels, inner, buildings[mine])
            self._label_streets(frame, labels, own)
            self._label_neighbours(frame, labels, near, own)
        sheets.box(frame.x, frame.y, frame.width, frame.height, line=INK, thick=0.3)
        return missing

    def draw_overview(
        self, cells: gpd.GeoDataFrame, frame: Frame, names: list[str], *, sizes: tuple[float, ...]
    ) -> None:
        """Draw cells in colours with their names, over what lies around."""
        sheets = self._sheets
        labels = Labels(sheets, frame.x, frame.y, frame.width, frame.height)
        with sheets.clip(frame.x, frame.y, frame.width, frame.height):
            sheets.box(frame.x, frame.y, frame.width, frame.height, fill=LAND)
            shapes = frame.paper(_array(cells))
            colours = colour_cells(cells.geometry, len(FILLS))
            for number, fill in enumerate(FILLS):
                sheets.polygons(shapes[colours == number], fill)
            self._draw_barriers(frame, arterial_only=frame.scale > 25_000)
            sheets.polygons(shapes, None, GREY, 0.2)
            medium = self._content.plan.medium.iloc[self._near("medium", frame)]
            self._borders(medium, frame, COMMUNITY, 0.6, 3)
            self._furnish(frame, labels, shapes)
            for shape, name in zip(shapes, names, strict=True):
                if not shape.is_empty:
                    labels.put(_inside(shape), name, sizes)
            codes = cells["code"].tolist()
            for shape, code in zip(shapes, codes, strict=True):
                if code in self._pages and not shape.is_empty:
                    x, y, east, south = shape.bounds
                    across, down = east - x, south - y
                    sheets.link(
                        x + across / 4, y + down / 4, across / 2, down / 2, self._pages[code]
                    )
        sheets.box(frame.x, frame.y, frame.width, frame.height, line=INK, thick=0.3)

    def draw_legend(self, x: float, y: float) -> None:
        """Explain the lines of the maps of cells."""
        sheets, said = self._sheets, self._content.words
        rows = ["own", "building", "near", "community", "barriers"]
        if self._content.inner:
            rows.insert(2, "inner")
        for row in rows:
            ends = np.array([[x, y], [x + 12, y]])
            if row == "own":
                sheets.box(x, y - 1.5, 12, 3, fill=OWN, line=ACCENT, thick=0.7)
            elif row == "building":
                sheets.box(x + 3, y - 1.5, 6, 3, fill=HOUSE, line=HOUSE_LINE, thick=0.12)
            elif row == "inner":
                sheets.line(ends, MICRO, 0.3)
                sheets.box(x + 3, y - 1.6, 6, 3.2, fill=WHITE, line=MICRO, thick=0.15)
                sheets.text(x + 6, y + 0.9, "001", 7, colour=MICRO, align="centre")
            elif row == "near":
                sheets.line(ends, GREY, 0.25, 1.2)
            elif row == "community":
                sheets.line(ends, COMMUNITY, 0.6, 3)
            else:
                for shift, wide, colour, dash in (
                    (0, 1.6, (178, 178, 172), 0.0), (0, 1.3, WHITE, 0.0), (4.2, 1.4, WATER, 0.0),
                    (8.4, 0.8, RAIL, 0.0), (8.4, 0.5, WHITE, 1.6),
                ):  # fmt: skip
                    sheets.line(
                        ends[0] + np.array([[shift, 0], [shift + 3.6, 0]]), colour, wide, dash
                    )
            sheets.text(x + 15, y + 0.9, said[f"legend_{row}"], 7.5, colour=GREY)
            y += 4.6

    def _near(self, layer: str, frame: Frame) -> Array:
        found: Array = np.sort(self._trees[layer].query(shapely.box(*frame.ground)))
        return found

    def _draw_barriers(self, frame: Frame, *, arterial_only: bool = False) -> None:
        rows = self._near("barriers", frame)
        lines = frame.paper(_array(self._content.plan.barriers)[rows])
        classes, kinds = self._classes[rows], self._kinds[rows]
        self._strokes(lines[kinds == "river"], WATER, _wide(14, frame.scale, 0.5, 3))
        names = ("arterial",) if arterial_only else ("path", "street", "arterial")
        for thick, colour in ((0.24, (178, 178, 172)), (0, WHITE)):
            for name in names:
                wide = _wide(_ROAD_M[name], frame.scale, 0.35, 4)
                if wide > 0.5 or thick == 0:
                    shade = colour if wide > 0.5 else (190, 190, 184)
                    is_it = (kinds == "road") & (classes == name)
                    self._strokes(lines[is_it], shade, wide + thick)
        for kind, colour, wide, dash in (
            ("rail", RAIL, 0.8, 0.0), ("rail", WHITE, 0.5, 1.6), ("wall", (130, 90, 60), 0.3, 0.0),
        ):  # fmt: skip
            if not arterial_only or kind == "rail":
                self._strokes(lines[kinds == kind], colour, wide, dash)

    def _borders(
        self, cells: gpd.GeoDataFrame, frame: Frame, colour: Colour, width: float, dash: float
    ) -> None:
        """Draw the borders of cells, a shared one once: two rows of dashes make no dashes."""
        rings = shapely.boundary(frame.paper(_array(cells)))
        lines = shapely.line_merge(shapely.union_all(rings))
        self._strokes(np.array([lines]), colour, width, dash)

    def _strokes(self, lines: Array, colour: Colour, width: float, dash: float = 0) -> None:
        parts = shapely.get_parts(lines)
        for part in parts[(shapely.get_type_id(parts) == 1) & ~shapely.is_empty(parts)]:
            self._sheets.line(shapely.get_coordinates(part), colour, width, dash)

    def _furnish(self, frame: Frame, labels: Labels, shapes: Array) -> None:
        """Draw scale bar and north arrow where they cover least, and keep their places."""
        sheets = self._sheets
        length_m = round_scale(0.09 * frame.width * frame.scale / 1000) * 2
        bar = length_m * 1000 / frame.scale
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
        scale = f"1 : {frame.scale:,.0f}"
        sheets.text(x + 3, y + 4, scale, 7)
        sheets.text(
            x + width - 1.5, y + 4, f"{unit[0]:,g} {unit[1]}", 7, align="right", colour=GREY
        )
        x, y = _corner(frame, 9, 14, whole, [(1, 0), (0, 0), (1, 1), (0, 1)])
        sheets.box(x, y, 9, 14, fill=WHITE, line=PALE, opacity=0.9)
        labels.keep(x, y, 9, 14)
        sheets.text(x + 4.5, y + 4.2, self._content.words["north"], 9, align="centre")
        left = np.array([[x + 4.5, y + 5], [x + 1.8, y + 12.6], [x + 4.5, y + 10.6]])
        right = left * [-1, 1] + [2 * x + 9, 0]
        sheets.polygons(np.array([Polygon(left)]), INK, INK, 0.15)
        sheets.polygons(np.array([Polygon(right)]), WHITE, INK, 0.15)

    def _label_own(
        self, frame: Frame, labels: Labels, inner: gpd.GeoDataFrame | None,
        buildings: gpd.GeoDataFrame,
    ) -> list[str]:  # fmt: skip
        shapes = frame.paper(_array(buildings))
        if inner is not None:
            numbers = [self._content.number(row) for _, row in inner.iterrows()]
            cells = frame.paper(_array(inner))
            yards = shapely.difference(cells, shapely.union_all(shapes))
            for yard, shape, number in zip(yards, cells, numbers, strict=True):
                if not shape.is_empty:
                    points = [_inside(some) for some in (yard, shape) if not some.is_empty]
                    labels.put(
                        np.concatenate(points), number, (7.5, 6.5, 5.5, 4.5), colour=MICRO,
                        under="plate",
                    )  # fmt: skip
        missing = []
        areas = shapely.area(shapes)
        order = np.lexsort((-areas, buildings["bldg_id"].to_numpy(dtype=str)))
        ids = buildings["bldg_id"].to_numpy(dtype=str)[order]
        first = np.append(True, ids[1:] != ids[:-1]) if len(ids) else np.zeros(0, dtype=bool)
        chosen = order[first]
        # The smallest first: they have the least choice.
        for row in chosen[np.argsort(areas[chosen], kind="stable")].tolist():
            name = text_of(buildings["bldg_id"].iloc[row])
            if shapes[row].is_empty:
                continue
            inside, others = _inside(shapes[row]), np.delete(shapes, row)
            if not (
                labels.put(inside, name, _NUMBERS, avoid=others)
                or labels.put(inside, name, _NUMBERS[-1:])
                or labels.put(self._beside(shapes[row], name), name, _NUMBERS[-1:], avoid=others)
            ):
                missing.append(name)
        return sorted(missing)

    def _beside(self, shape: BaseGeometry, name: str) -> Array:
        """Return points next to a building, for a number of the least size."""
        across = self._sheets.measure(name, _NUMBERS[-1]) / 2 + 0.4
        west, north, east, south = shape.bounds
        x, y = (west + east) / 2, (north + south) / 2
        return np.array([
            [x, north - 1], [x, south + 1], [west - across, y], [east + across, y],
            [east + across, north - 0.5], [west - across, south + 0.5],
        ])  # fmt: skip

    def _label_streets(self, frame: Frame, labels: Labels, own: Array) -> None:
        rows = self._near("barriers", frame)
        barriers = self._content.plan.barriers.iloc[rows]
        names = barriers["name"].map(text_of).to_numpy(dtype=str)
        lines = shapely.clip_by_rect(
            frame.paper(_array(barriers)), frame.x, frame.y, frame.x + frame.width,
            frame.y + frame.height,
        )  # fmt: skip
        kinds = self._kinds[rows]
        border = shapely.boundary(own)
        for name in sorted({str(name) for name in names if name}):
            mine = names == name
            whole = shapely.line_merge(shapely.union_all(lines[mine]))
            parts = shapely.get_parts(whole)
            parts = parts[shapely.get_type_id(parts) == 1]
            colour = WATER_TEXT if (kinds[mine] == "river").any() else STREET_TEXT
            done = 0
            for part in parts[np.argsort(-shapely.length(parts), kind="stable")]:
                done += labels.along(part, name, (7.0, 6.0, 5.0), colour, border)
                if done == 2:
                    break

    def _label_neighbours(
        self, frame: Frame, labels: Labels, near: gpd.GeoDataFrame, own: Array
    ) -> None:
        inset = shapely.box(frame.x, frame.y, frame.x + frame.width, frame.y + frame.height)
        shapes = shapely.intersection(frame.paper(_array(near)), inset)
        for shape, (_, cell) in zip(shapes, near.iterrows(), strict=True):
            page = self._pages.get(cell["code"])
            at = "" if page is None else "  " + self._content.words["page_n"].format(n=page)
            if shape.is_empty or shape.area < 40:
                continue
            points = _inside(shape)
            for said in (self._content.short(cell), self._content.number(cell)):
                if labels.put(
                    points, said + at, (7.5, 6.5, 5.5), colour=GREY, under="veil", avoid=own
                ):
                    break


def _array(frame: gpd.GeoDataFrame) -> Array:
    shapes: Array = np.asarray(frame.geometry.array)
    return shapes


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


def _wide(ground_m: float, scale: float, least: float, most: float) -> float:
    return float(np.clip(ground_m * 1000 / scale, least, most))


def _inside(shape: BaseGeometry) -> Array:
    """Return points at which a name may stand, those far from the outline first."""
    parts = shapely.get_parts(shape)
    best = parts[int(np.argmax(shapely.area(parts)))]
    west, north, east, south = best.bounds
    middle = shapely.get_coordinates(shapely.point_on_surface(best))
    centre = shapely.get_coordinates(shapely.centroid(best))
    shares = (np.arange(9) + 0.5) / 9
    grid = np.stack(np.meshgrid(shares, shares), axis=-1).reshape(-1, 2)
    spread = [west, north] + grid * [east - west, south - north]
    points = np.concatenate([centre, middle, spread])
    shapely.prepare(best)
    points = points[shapely.contains_xy(best, points)]
    depth = shapely.distance(shapely.boundary(best), shapely.points(points))
    # The deepest first; the centre is as good as what is a little deeper.
    order = np.argsort(-np.round(depth / max(depth.max(initial=0), 1e-9) * 4), kind="stable")
    return np.concatenate([points[order], middle])
