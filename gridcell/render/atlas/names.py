"""What is written on maps of cells: numbers of buildings, streets, waters, neighbours."""

from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from gridcell.render.atlas.content import Content, text_of
from gridcell.render.atlas.frame import Frame
from gridcell.render.atlas.furniture import MICRO
from gridcell.render.atlas.ground import Ground, shapes_of
from gridcell.render.atlas.labels import Labels
from gridcell.render.atlas.sheet import GREY, Array, Sheets

WATER_TEXT: Final = (40, 90, 140)
STREET_TEXT: Final = (85, 75, 60)

NUMBERS: Final = (8.0, 7.0, 6.0, 5.5, 5.0)
"""Sizes of the numbers of buildings, points: nothing smaller is read with ease on paper."""
_USUAL: Final = 6.0
"""Larger ones only where there is room within the buildings."""
_FIT: Final = 0.9
"""Share of the buildings that are as wide as their numbers where these have room."""
_KEPT: Final = 3
"""Characters of a number that are written at least."""
_PART_MM2: Final = 30.0
"""Separate pieces of a cell from this size on have its number too."""


class Names:
    """Writes on one map what is there."""

    def __init__(self, sheets: Sheets, content: Content, frame: Frame, labels: Labels) -> None:
        self._sheets = sheets
        self._content = content
        self._frame = frame
        self._labels = labels

    def cells(
        self, cells: gpd.GeoDataFrame, sizes: tuple[float, ...], numbers: list[str], yards: Array
    ) -> None:
        """Write the number of each cell, framed, outside its buildings if there is room.

        Parameters
        ----------
        cells
            Cells.
        sizes
            Points, the best first.
        numbers
            What to write in each.
        yards
            What of each cell is free, on the page.
        """
        shapes = self._frame.paper(shapes_of(cells))
        for yard, shape, number in zip(yards, shapes, numbers, strict=True):
            for piece in pieces_of(shape):
                free = [some for some in pieces_of(yard) if some.intersects(piece)][:1]
                points = np.concatenate([points_in(some) for some in [*free, piece]])
                self._labels.put(points, number, sizes, colour=MICRO, under="plate")

    def buildings(self, buildings: gpd.GeoDataFrame) -> tuple[list[str], int]:
        """Write the numbers of buildings.

        Returns
        -------
        missing
            Those for which there was no room, as they would have been written.
        kept
            How many characters of each, from its end, are written; 0 for all.
        """
        shapes = self._frame.paper(shapes_of(buildings))
        ids = buildings["bldg_id"].map(text_of).to_numpy(dtype=str)
        areas = shapely.area(shapes)
        order = np.lexsort((-areas, ids))
        first = np.append(True, ids[order][1:] != ids[order][:-1]) if len(ids) else order > 0
        chosen = order[first]
        kept, sizes = self._style(shapes[chosen], ids[chosen])
        missing = []
        tree = shapely.STRtree(shapes)
        # The smallest first: they have the least choice.
        for row in chosen[np.argsort(areas[chosen], kind="stable")].tolist():
            shape, name = shapes[row], str(ids[row])[-kept:]
            if shape.is_empty:
                continue
            reach = self._sheets.measure(name, sizes[0]) + 4
            close = np.sort(tree.query(shapely.buffer(shape, reach)))
            others = shapes[close[close != row]]
            inside = points_in(shape)
            if not (
                self._labels.put(inside, name, sizes, avoid=others)
                or self._labels.put(self._beside(shape, name), name, sizes[-2:], avoid=others)
                or self._labels.put(inside, name, sizes[-1:])
            ):
                missing.append(name)
        return sorted(missing), kept

    def _style(self, shapes: Array, ids: Array) -> tuple[int, tuple[float, ...]]:
        """Return how many last characters of the numbers are written, 0 for all, and their sizes.

        They are written in full where most buildings are as wide as that, else so far that no two
        are the same.
        """
        seen = ~shapely.is_empty(shapes)
        shapes, texts = shapes[seen], ids[seen].tolist()
        if not texts:
            return 0, NUMBERS[-1:]
        kept = 0
        if self._share(shapes, texts, NUMBERS[-2]) < _FIT and len(texts) > 1:
            longest = max(map(len, texts))
            kept = next(
                (k for k in range(_KEPT, longest) if len({t[-k:] for t in texts}) == len(texts)), 0
            )
            texts = [text[-kept:] for text in texts]
        fit = [
            size for size in NUMBERS
            if size <= _USUAL or self._share(shapes, texts, size) >= _FIT
        ]  # fmt: skip
        return kept, tuple(fit)

    def _share(self, shapes: Array, texts: list[str], size: float) -> float:
        """Return the share of the buildings that are as wide as their numbers."""
        west, _, east, _ = shapely.bounds(shapes).T
        wide = np.array([self._sheets.measure(text, size) for text in texts])
        return float((wide <= east - west).mean())

    def _beside(self, shape: BaseGeometry, name: str) -> Array:
        """Return points next to a building, for a number of the least size."""
        across = self._sheets.measure(name, NUMBERS[-2]) / 2 + 0.3
        west, north, east, south = shape.bounds
        x, y = (west + east) / 2, (north + south) / 2
        return np.array([
            [x, north - 1.1], [x, south + 1.1], [west - across, y], [east + across, y],
            [east + across, north - 0.5], [west - across, south + 0.5],
            [west - across, north - 0.5], [east + across, south + 0.5],
        ])  # fmt: skip

    def streets(self, ground: Ground, own: Array) -> None:
        """Write the names of streets along them, those of waters within."""
        frame = self._frame
        barriers = ground.near("barriers", frame)
        window = (frame.x, frame.y, frame.x + frame.width, frame.y + frame.height)
        names = barriers["name"].map(text_of).to_numpy(dtype=str)
        rivers = (barriers["kind"] == "river").to_numpy()
        water = ground.water(frame)
        whole = shapes_of(barriers)
        border = shapely.boundary(own)
        for name in sorted({str(name) for name in names if name}):
            mine = names == name
            lines = shapely.clip_by_rect(frame.paper(whole[mine & ~water]), *window)
            parts: list[BaseGeometry] = [shapely.line_merge(shapely.union_all(lines))]
            if (outlines := whole[mine & water]).size:
                area = shapely.build_area(shapely.union_all(outlines))
                inside = shapely.clip_by_rect(frame.paper(np.array([area])), *window)
                parts += [middle_line(piece) for piece in pieces_of(inside[0])]
            found = shapely.get_parts(np.array(parts))
            found = found[shapely.get_type_id(found) == 1]
            colour = WATER_TEXT if rivers[mine].any() else STREET_TEXT
            under = "" if outlines.size else "veil"
            done = 0
            for part in found[np.argsort(-shapely.length(found), kind="stable")]:
                done += self._labels.along(part, name, (7.0, 6.0, 5.0), colour, border, under=under)
                if done == 2:
                    break

    def neighbours(
        self, near: gpd.GeoDataFrame, own: Array, cell: "pd.Series[Any]", pages: dict[str, int]
    ) -> None:
        """Write the names of other cells, and on which page each is.

        Names are short: what they have in common with that of the cell goes without saying.
        """
        frame, content = self._frame, self._content
        inset = shapely.box(frame.x, frame.y, frame.x + frame.width, frame.y + frame.height)
        shapes = shapely.intersection(frame.paper(shapes_of(near)), inset)
        for shape, (_, other) in zip(shapes, near.iterrows(), strict=True):
            page = pages.get(other["code"])
            at = "" if page is None else "  " + content.words["page_n"].format(n=page)
            if shape.is_empty or shape.area < 40:
                continue
            points = points_in(shape)
            said_so = [content.short(other, cell)]
            if page is not None or other["parent"] == cell["parent"]:
                said_so.append(content.number(other))
            for said in said_so:
                if self._labels.put(
                    points, said + at, (7.5, 6.5, 5.5), colour=GREY, under="veil", avoid=own
                ):
                    break


def pieces_of(shape: BaseGeometry) -> list[BaseGeometry]:
    """Return the polygons of a shape, the largest first; small ones only where it is alone."""
    parts = shapely.get_parts(shape)
    parts = parts[(shapely.get_type_id(parts) == 3) & ~shapely.is_empty(parts)]
    parts = parts[np.argsort(-shapely.area(parts), kind="stable")]
    keep = (shapely.area(parts) >= _PART_MM2) | (np.arange(len(parts)) == 0)
    return list(parts[keep])


def middle_line(shape: BaseGeometry) -> BaseGeometry:
    """Return lines well within a polygon; along the middle where it is a band, as a river is."""
    radius = shapely.length(shapely.maximum_inscribed_circle(np.array([shape]), 0.2))[0]
    lines: BaseGeometry = shapely.boundary(shapely.buffer(shape, -0.8 * radius))
    return lines


def points_in(shape: BaseGeometry) -> Array:
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
