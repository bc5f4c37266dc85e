"""The maps on sheets: a cell with its surroundings, and overviews, at a round scale."""

from functools import cached_property
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridcell.display.colour import colour_cells
from gridcell.render.atlas.content import Content
from gridcell.render.atlas.frame import Frame
from gridcell.render.atlas.furniture import (
    COMMUNITY,
    HOUSE,
    HOUSE_LINE,
    LAND,
    MICRO,
    OTHER_HOUSE,
    OWN,
    POINT,
    WALK,
    draw_legend,
    draw_point,
    furnish,
    hatch,
)
from gridcell.render.atlas.ground import Ground, shapes_of
from gridcell.render.atlas.labels import Labels
from gridcell.render.atlas.names import Names, pieces_of, points_in
from gridcell.render.atlas.sheet import ACCENT, GREY, INK, PALE, Colour, Sheets

FILLS: Final[tuple[Colour, ...]] = (
    (250, 219, 196), (207, 228, 243), (217, 236, 205), (248, 238, 190), (232, 216, 238),
    (205, 236, 230),
)  # fmt: skip
_BESIDE: Final = np.array([(0, 0), (2.4, 0), (-2.4, 0), (0, 2.4), (0, -2.4)])
"""Where the number of a visit may stand, mm from the place."""
_COARSE: Final = 25_000
"""Beyond this scale only arterial roads are drawn."""


class Views:
    """Draws maps of a plan."""

    def __init__(self, sheets: Sheets, content: Content, pages: dict[str, int]) -> None:
        self._sheets = sheets
        self._content = content
        self._pages = pages
        self._ground = Ground(sheets, content)

    @cached_property
    def _micro(self) -> dict[str, gpd.GeoDataFrame]:
        micro = self._content.plan.micro
        micro = micro[micro["parent"].isin(self._content.cells["code"])].sort_values("code")
        return {str(code): rows for code, rows in micro.groupby("parent", sort=True)}

    def draw_cell(self, cell: "pd.Series[Any]", frame: Frame) -> tuple[list[str], int]:
        """Draw a cell.

        Returns
        -------
        missing
            Numbers of buildings for which there was no room.
        kept
            How many characters of each, from its end, are written; 0 for all.
        """
        sheets, content, ground = self._sheets, self._content, self._ground
        labels = Labels(sheets, frame.x, frame.y, frame.width, frame.height)
        names = Names(sheets, content, frame, labels)
        own = frame.paper(np.array([cell.geometry]))
        inner = self._micro.get(cell["code"]) if content.inner else None
        around = ground.near("around", frame)
        near = around[around["code"] != cell["code"]]
        buildings = ground.near("buildings", frame)
        mine = buildings["code"].eq(cell["code"])
        if inner is not None:
            mine |= buildings["code"].isin(inner["code"])
        houses = frame.paper(shapes_of(buildings[mine]))
        with sheets.clip(frame.x, frame.y, frame.width, frame.height):
            sheets.box(frame.x, frame.y, frame.width, frame.height, fill=LAND)
            sheets.polygons(own, OWN)
            ground.draw(frame)
            sheets.polygons(frame.paper(shapes_of(buildings[~mine])), OTHER_HOUSE, PALE, 0.08)
            sheets.polygons(houses, HOUSE, HOUSE_LINE, 0.12)
            hatch(sheets, frame.paper(shapes_of(around[around["grid_type"] == "dedicated"])))
            ground.borders(near, frame, GREY, 0.25, 1.2)
            if inner is not None:
                sheets.polygons(frame.paper(shapes_of(inner)), None, MICRO, 0.3)
            ground.borders(ground.near("medium", frame), frame, COMMUNITY, 0.6, 3)
            sheets.polygons(own, None, ACCENT, 0.9)
            furnish(sheets, frame, labels, own, content.words)
            self._draw_walks(cell, frame, labels)
            self._draw_points(frame, labels)
            if inner is not None:
                yards = shapely.difference(frame.paper(shapes_of(inner)), shapely.union_all(houses))
                numbers = [content.number(row) for _, row in inner.iterrows()]
                names.cells(inner, (7.5, 6.5, 5.5, 5.0), numbers, yards)
            missing, kept = names.buildings(buildings[mine])
            names.streets(ground, own)
            names.neighbours(near, own, cell, self._pages)
        sheets.box(frame.x, frame.y, frame.width, frame.height, line=INK, thick=0.3)
        return missing, kept

    def _draw_walks(self, cell: "pd.Series[Any]", frame: Frame, labels: Labels) -> None:
        """Draw the way through each leaf of a page, and the number of each visit."""
        walks, leaves = self._content.walks, self._content.leaves(cell)
        if walks is None:
            return
        ways = walks.ways[walks.ways.index.isin(leaves)]
        parts = shapely.get_parts(frame.paper(shapes_of(ways)))
        for part in parts[~shapely.is_empty(parts)]:
            self._sheets.line(shapely.get_coordinates(part), WALK, 0.5)
        visits = walks.visits[walks.visits.index.isin(ways.index)]
        places = frame.paper(shapes_of(visits))
        for place, number in zip(places, visits["visit"].tolist(), strict=True):
            if not place.is_empty:
                labels.put(
                    shapely.get_coordinates(place) + _BESIDE, str(number), (6.0, 5.0),
                    colour=WALK, under="plate",
                )  # fmt: skip

    def _draw_points(self, frame: Frame, labels: Labels) -> None:
        """Draw the service points of a map with their ids, coarser tiers larger."""
        sited = self._content.sited
        if sited is None:
            return
        rank = [sited.tiers.index(tier) for tier in sited.points["tier"]]
        rows = sited.points.assign(rank=rank).sort_values("rank", ascending=False, kind="stable")
        places = frame.paper(shapes_of(rows))
        for place, tier, name in zip(places, rows["rank"], rows["point_id"], strict=True):
            if place.is_empty:
                continue
            x, y = place.x, place.y
            if not (0 <= x - frame.x <= frame.width and 0 <= y - frame.y <= frame.height):
                continue
            half = 1.7 + 0.9 * tier
            draw_point(self._sheets, x, y, half)
            labels.keep(x - half, y - half, 2 * half, 2 * half)
            beside = np.array([(0, half + 1.9), (0, -half - 1.9), (half + 6, 0), (-half - 6, 0)])
            labels.put(
                np.array([[x, y]]) + beside, str(name), (6.5, 5.5), colour=POINT, under="plate"
            )

    def draw_overview(
        self,
        cells: gpd.GeoDataFrame,
        frame: Frame,
        names: list[str],
        *,
        sizes: tuple[float, ...],
        around: bool = False,
        inside: gpd.GeoDataFrame | None = None,
    ) -> None:
        """Draw cells in colours with their names, over what lies around.

        `around` draws the borders of cells without pages as well, where only some were chosen.
        The cells `inside` them get their borders, and their numbers where there is room.
        """
        sheets, ground = self._sheets, self._ground
        labels = Labels(sheets, frame.x, frame.y, frame.width, frame.height)
        with sheets.clip(frame.x, frame.y, frame.width, frame.height):
            sheets.box(frame.x, frame.y, frame.width, frame.height, fill=LAND)
            shapes = frame.paper(shapes_of(cells))
            colours = colour_cells(cells.geometry, len(FILLS))
            for number, fill in enumerate(FILLS):
                sheets.polygons(shapes[colours == number], fill)
            ground.draw(frame, arterial_only=frame.scale > _COARSE)
            dedicated = (cells if inside is None else inside)["grid_type"] == "dedicated"
            hatched = (cells if inside is None else inside)[dedicated]
            hatch(sheets, frame.paper(shapes_of(hatched)))
            if inside is not None:
                ground.borders(inside, frame, GREY, 0.15, 0)
            sheets.polygons(shapes, None, GREY, 0.2)
            if around and self._content.left_out:
                ground.borders(ground.near("around", frame), frame, GREY, 0.2, 1.2)
            ground.borders(ground.near("medium", frame), frame, COMMUNITY, 0.6, 3)
            furnish(sheets, frame, labels, shapes, self._content.words)
            self._draw_points(frame, labels)
            for shape, name in zip(shapes, names, strict=True):
                for piece in pieces_of(shape):
                    labels.put(points_in(piece), name, sizes)
            if inside is not None:
                pieces = frame.paper(shapes_of(inside))
                for piece, (_, cell) in zip(pieces, inside.iterrows(), strict=True):
                    if not piece.is_empty:
                        labels.put(points_in(piece), self._content.number(cell), (6.5, 5.5, 5))
            for shape, code in zip(shapes, cells["code"].tolist(), strict=True):
                if code in self._pages and not shape.is_empty:
                    x, y, east, south = shape.bounds
                    across, down = east - x, south - y
                    sheets.link(
                        x + across / 4, y + down / 4, across / 2, down / 2, self._pages[code]
                    )
        sheets.box(frame.x, frame.y, frame.width, frame.height, line=INK, thick=0.3)

    def draw_legend(self, x: float, y: float) -> float:
        """Explain the lines of the maps of cells; return where that ends."""
        content = self._content
        return draw_legend(
            self._sheets, x, y, content.words, inner=bool(content.inner),
            dedicated=bool((content.around["grid_type"] == "dedicated").any()),
            walk=content.walks is not None, point=content.sited is not None,
        )  # fmt: skip
