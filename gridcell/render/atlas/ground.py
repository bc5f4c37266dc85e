"""What lies on the ground of a map: waters, roads, railways, and the borders of cells."""

from functools import cached_property
from typing import Final

import geopandas as gpd
import numpy as np
import shapely

from gridcell.display.water import water_areas, water_outlines
from gridcell.fabric.barriers import barrier_classes
from gridcell.render.atlas.content import Content
from gridcell.render.atlas.frame import Frame
from gridcell.render.atlas.sheet import WHITE, Array, Colour, Sheets
from gridcell.schema import BARRIER_CLASSES

WATER: Final = (198, 220, 240)
SHORE: Final = (140, 182, 220)
RAIL: Final = (70, 70, 70)
ROAD_EDGE: Final = (178, 178, 172)

_ROAD_M: Final = {"arterial": 18.0, "street": 9.0, "path": 4.5}
"""Width on the ground, metres: what a road is drawn with unless that is too thin or thick."""


class Ground:
    """Finds what is near by trees that are built once, and draws it."""

    def __init__(self, sheets: Sheets, content: Content) -> None:
        self._sheets = sheets
        plan = content.plan
        self._barriers = plan.barriers
        self._layers = {
            "around": content.around, "buildings": plan.buildings, "barriers": plan.barriers,
            "medium": plan.medium,
        }  # fmt: skip
        self._trees = {name: shapely.STRtree(shapes_of(f)) for name, f in self._layers.items()}

    def near(self, layer: str, frame: Frame) -> gpd.GeoDataFrame:
        """Return the rows of a layer (around, buildings, barriers, medium) that are in sight."""
        return self._layers[layer].iloc[self._rows(layer, frame)]

    def water(self, frame: Frame) -> Array:
        """Return which of the barriers in sight are the outlines of waters."""
        return self._outline[self._rows("barriers", frame)]

    def draw(self, frame: Frame, *, arterial_only: bool = False) -> None:
        """Draw waters, roads, railways and walls."""
        rows = self._rows("barriers", frame)
        lines = frame.paper(shapes_of(self._barriers)[rows])
        classes, kinds = self._classes[rows], self._kinds[rows]
        near = np.sort(self._water_tree.query(shapely.box(*frame.ground)))
        self._sheets.polygons(frame.paper(self._waters[near]), WATER)
        outline = self._outline[rows]
        self.strokes(lines[outline], SHORE, 0.25)
        self.strokes(lines[(kinds == "river") & ~outline], SHORE, _wide(14, frame, 0.5, 3))
        names = ("arterial",) if arterial_only else ("path", "street", "arterial")
        for thick, colour in ((0.24, ROAD_EDGE), (0, WHITE)):
            for name in names:
                wide = _wide(_ROAD_M[name], frame, 0.35, 4)
                if wide > 0.5 or thick == 0:
                    shade = colour if wide > 0.5 else (190, 190, 184)
                    is_it = (kinds == "road") & (classes == name)
                    self.strokes(lines[is_it], shade, wide + thick)
        for kind, colour, wide, dash in (
            ("rail", RAIL, 0.8, 0.0), ("rail", WHITE, 0.5, 1.6), ("wall", (130, 90, 60), 0.3, 0.0),
        ):  # fmt: skip
            if not arterial_only or kind == "rail":
                self.strokes(lines[kinds == kind], colour, wide, dash)

    def borders(
        self, cells: gpd.GeoDataFrame, frame: Frame, colour: Colour, width: float, dash: float
    ) -> None:
        """Draw the borders of cells, a shared one once: two rows of dashes make no dashes."""
        rings = shapely.boundary(frame.paper(shapes_of(cells)))
        lines = shapely.line_merge(shapely.union_all(rings))
        self.strokes(np.array([lines]), colour, width, dash)

    def strokes(self, lines: Array, colour: Colour, width: float, dash: float = 0) -> None:
        """Draw lines that are on the page already."""
        parts = shapely.get_parts(lines)
        for part in parts[(shapely.get_type_id(parts) == 1) & ~shapely.is_empty(parts)]:
            self._sheets.line(shapely.get_coordinates(part), colour, width, dash)

    def _rows(self, layer: str, frame: Frame) -> Array:
        found: Array = np.sort(self._trees[layer].query(shapely.box(*frame.ground)))
        return found

    @cached_property
    def _classes(self) -> Array:
        names = np.array([*BARRIER_CLASSES])
        classes: Array = names[barrier_classes(self._barriers)]
        return classes

    @cached_property
    def _kinds(self) -> Array:
        kinds: Array = self._barriers["kind"].to_numpy(dtype=str)
        return kinds

    @cached_property
    def _outline(self) -> Array:
        return water_outlines(self._barriers)

    @cached_property
    def _waters(self) -> Array:
        return np.asarray(water_areas(self._barriers.geometry[self._outline]).array)

    @cached_property
    def _water_tree(self) -> shapely.STRtree:
        return shapely.STRtree(self._waters)


def shapes_of(frame: gpd.GeoDataFrame) -> Array:
    """Return the geometries of a frame."""
    shapes: Array = np.asarray(frame.geometry.array)
    return shapes


def _wide(ground_m: float, frame: Frame, least: float, most: float) -> float:
    return float(np.clip(ground_m * frame.per_metre, least, most))
