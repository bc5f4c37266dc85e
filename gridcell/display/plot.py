"""A plan as a matplotlib figure, for notebooks and papers: `plot_plan`.

matplotlib is optional (``pip install gridcell[notebook]``) and imported when a plan is drawn.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd

from gridcell.display.colour import colour_cells
from gridcell.display.frames import PlanFrames
from gridcell.display.load import words_of
from gridcell.display.paths import add_lines, add_polygons
from gridcell.display.water import water_areas, water_outlines
from gridcell.errors import GridcellError, InputError
from gridcell.schema import LEVELS
from gridcell.words.catalogue import section
from gridcell.words.maps import words
from gridcell.words.messages import Message

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_NUMBERS: Final = ("households", "buildings", "area_m2", "compactness")

_FILLS: Final = ("#f4e6c4", "#d3e5d0", "#cddff0", "#f1d6d3", "#ddd5ea", "#e7e9bf")
_DEDICATED: Final = "#fdd3a2"
_HATCH: Final = "#ec7a43"
_CLASSES: Final = {
    "band": {"in": "#d9ead3", "under": "#7fb0e0", "over": "#e08a80"},
    "grid_type": {"general": "#e3e6ea", "dedicated": _DEDICATED},
}
_NO_BAND: Final = "#eeeeee"
_RAMP: Final = "YlGnBu"
_BORDER: Final = "#4d5560"
_RIVER: Final = "#7fb2d6"
_STREET: Final = "#a39b8d"
_BUILDING: Final = "#8d8579"
_EDGE: Final = {"large": 1.6, "medium": 1.3, "small": 0.8, "micro": 0.4, "leaves": 0.4}

COLUMNS: Final = (*_CLASSES, *_NUMBERS)
"""Columns that cells can be coloured by."""

_CJK_FONTS: Final = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN",
    "Microsoft YaHei", "PingFang SC", "Hiragino Sans GB", "SimHei", "Heiti SC", "STHeiti",
    "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Noto Sans CJK JP", "Droid Sans Fallback",
    "Noto Serif CJK SC", "Noto Serif CJK JP", "SimSun", "Songti SC", "AR PL UMing CN",
    "Arial Unicode MS",
)  # fmt: skip
"""Fonts with Chinese characters that Linux, Windows and macOS bring or offer, best first.
matplotlib before 3.11 sees only the first face of a collection, the Japanese one of Noto."""


def plot_plan(
    plan: PlanFrames,
    *,
    level: str = "small",
    column: str | None = None,
    ax: "Axes | None" = None,
    labels: bool = False,
    buildings: bool = False,
    barriers: bool = False,
    legend: bool = True,
    lang: str = "en",
) -> "Axes":
    """Return axes on which the cells of a level are drawn, in the plan's CRS.

    Parameters
    ----------
    plan
        A plan.
    level
        ``large``, ``medium``, ``small``, ``micro`` or ``leaves``.
    column
        What colours them: ``band``, ``grid_type``, ``households``, ``buildings``, ``area_m2`` or
        ``compactness``. Without it neighbours differ, and dedicated cells are hatched.
    ax
        Axes to draw on; new ones without it.
    labels
        Write the number of each cell into it, and names at the levels large and medium.
    buildings, barriers
        Draw these too, over the fills and under the borders, as far as the cells reach.
    legend
        Tell what the colours mean, where `column` is given.
    lang
        Output language, ``en`` or ``zh``.

    Raises
    ------
    InputError
        An unknown level, column or language.
    GridcellError
        matplotlib is not installed, or no font that has the characters to be written.
    """
    cells = _cells(plan, level, column)
    text = words_of(plan, words(lang) | dict(section("plot", lang)))
    if ax is None:
        ax = _new_axes()
    if column in _NUMBERS:
        _fill_by_number(ax, cells, column)
    else:
        _fill_by_class(ax, cells, column)
    if barriers:
        _draw_barriers(ax, plan.barriers)
    if buildings:
        add_polygons(ax, plan.buildings.geometry, facecolor=_BUILDING, linewidth=0, zorder=2)
    add_polygons(
        ax, cells.geometry, facecolor="none", edgecolor=_BORDER, linewidth=_EDGE[level], zorder=3
    )
    if len(cells):
        west, south, east, north = cells.total_bounds
        ax.update_datalim([(west, south), (east, north)])
        ax.autoscale_view()
    ax.set_aspect("equal")
    ax.set_axis_off()
    if legend and column is not None:
        _tell_colours(ax, cells, column, text)
    if labels:
        _write_labels(ax, cells, level)
    return ax


def _cells(plan: PlanFrames, level: str, column: str | None) -> gpd.GeoDataFrame:
    levels = (*LEVELS, "leaves")
    if level not in levels:
        raise InputError(Message("error.level_one_of", level=level, levels=list(levels)))
    if column is not None and column not in COLUMNS:
        raise InputError(Message("error.column_one_of", column=column, columns=list(COLUMNS)))
    return plan.cells(level)


def _new_axes() -> "Axes":
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        raise GridcellError(Message("error.needs_matplotlib")) from None
    _, ax = plt.subplots(figsize=(7, 6), layout="constrained")
    return ax


def _fill_by_number(ax: "Axes", cells: gpd.GeoDataFrame, column: str) -> None:
    add_polygons(ax, cells.geometry, array=cells[column].to_numpy(), cmap=_RAMP, linewidth=0)


def _fill_by_class(ax: "Axes", cells: gpd.GeoDataFrame, column: str | None) -> None:
    dedicated = (cells["grid_type"] == "dedicated").to_numpy()
    if column is None:
        numbers = colour_cells(cells.geometry, len(_FILLS))
        colours = np.where(dedicated, _DEDICATED, np.array(_FILLS, dtype=object)[numbers])
    else:
        colours = cells[column].map(_CLASSES[column]).fillna(_NO_BAND).to_numpy(dtype=object)
    add_polygons(ax, cells.geometry, facecolor=colours.tolist(), linewidth=0)
    if column is None:
        add_polygons(
            ax, cells.geometry[dedicated], facecolor="none", edgecolor=_HATCH, hatch="////",
            linewidth=0,
        )  # fmt: skip


def _tell_colours(ax: "Axes", cells: gpd.GeoDataFrame, column: str, text: dict[str, str]) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize
    from matplotlib.patches import Patch

    if column in _NUMBERS:
        if len(cells):
            scale = Normalize(cells[column].min(), cells[column].max())
            bar = ax.figure.colorbar(ScalarMappable(scale, _RAMP), ax=ax, shrink=0.6)
            bar.set_label(text[column], fontfamily=_families([text[column]]))
        return
    named = {
        text[kind]: colour
        for kind, colour in _CLASSES[column].items()
        if (cells[column] == kind).any()
    }
    if cells[column].isna().any():
        named[text["no_band"]] = _NO_BAND
    patches = [Patch(facecolor=fill, edgecolor=_BORDER, label=name) for name, fill in named.items()]
    ax.legend(
        handles=patches, loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False,
        prop={"family": _families(named)},
    )  # fmt: skip


def _draw_barriers(ax: "Axes", barriers: gpd.GeoDataFrame) -> None:
    river = (barriers["kind"] == "river").to_numpy()
    area = water_outlines(barriers)
    add_polygons(
        ax, water_areas(barriers.geometry[area]), facecolor=_RIVER, linewidth=0, zorder=1.5
    )
    for some, colour, width in ((~river, _STREET, 0.7), (river & ~area, _RIVER, 1.6)):
        add_lines(ax, barriers.geometry[some], color=colour, linewidth=width, zorder=2)


def _write_labels(ax: "Axes", cells: gpd.GeoDataFrame, level: str) -> None:
    from matplotlib.patheffects import withStroke

    points = cells.representative_point()
    if level in ("large", "medium"):
        texts = cells["name"].fillna(cells["code"]).tolist()
    else:  # what the code says beyond the parent's
        texts = [
            code.removeprefix("" if pd.isna(parent) else str(parent)).lstrip("0") or code
            for code, parent in zip(cells["code"], cells["parent"], strict=True)
        ]
    size = {"large": 11, "medium": 11, "small": 8}.get(level, 6)
    family = _families(texts)
    halo = [withStroke(linewidth=1.5, foreground="#ffffffcc")]
    for text, x, y in zip(texts, points.x, points.y, strict=True):
        # A name is no formula: "$" would begin one.
        ax.text(
            x, y, text, size=size, ha="center", va="center", color="#222222", zorder=4,
            clip_on=True, parse_math=False, fontfamily=family, path_effects=halo,
        )  # fmt: skip


def _families(texts: Iterable[str]) -> list[str]:
    """Return the fonts to write the texts with: the usual one, and another if it lacks any."""
    import matplotlib as mpl

    usual: list[str] = list(mpl.rcParams["font.family"])
    texts = [text for text in texts if not text.isascii()]
    needed = {ord(c) for text in texts for c in text} - _glyphs(usual)
    if not needed:
        return usual
    family = _find_font(needed)
    if family is None:
        example = next(text for text in texts if needed & {ord(c) for c in text})
        raise GridcellError(Message("error.no_font_to_draw", text=example))
    return [*usual, family]


def _find_font(needed: set[int]) -> str | None:
    from matplotlib import font_manager

    manager = font_manager.fontManager
    for fresh in (False, True):
        if fresh:  # the list of fonts is kept from an earlier day
            known = {entry.fname for entry in manager.ttflist}
            _add_fonts(sorted(set(font_manager.findSystemFonts()) - known))
        there = set(manager.get_font_names())
        for family in _CJK_FONTS:
            if family in there and needed <= _glyphs([family]):
                return family
    return None


def _add_fonts(paths: list[str]) -> None:
    from matplotlib import font_manager

    for path in paths:
        try:
            font_manager.fontManager.addfont(path)
        except (OSError, RuntimeError):  # no outlines, or damaged
            continue


def _glyphs(families: list[str]) -> set[int]:
    from matplotlib import font_manager

    properties = font_manager.FontProperties(family=families)
    font: Any = font_manager.get_font(font_manager.findfont(properties))
    return {ord("\n"), *font.get_charmap()}
