"""A plan as one page that needs no network: `draw_map`, in a notebook `show_plan`.

The page is a `folium.Map` whose assets are inlined: stock folium loads ten from four hosts and
stays blank on a closed network. A content security policy in the page makes the browser refuse
every request, whatever is added to the map later.
"""

import datetime as dt
import html
import re
from importlib.resources import files
from typing import Any

import folium
from branca.element import Element, Figure

from gridcell.arguments import checked
from gridcell.display.content import Heading, page_content
from gridcell.display.encode import data_of_page
from gridcell.display.frames import PlanFrames
from gridcell.errors import InputError
from gridcell.words.messages import Message

_TILES = re.compile(r"(https?://)((?:\{s\}\.)?[A-Za-z0-9.-]+(?::[0-9]+)?)/[^\s\"'<>;]*")
POLICY = (
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
    "script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; font-src data:\">\n"
    '<link rel="icon" href="data:,">'
)


class _Text(Element):
    """Text that is no template: a name may hold two braces."""

    def __init__(self, text: str) -> None:
        super().__init__("{{ this.text }}")
        self.text = text


class PlanMap(folium.Map):
    """A `folium.Map` of a plan, whole in itself and the same bytes for the same plan.

    Parameters
    ----------
    content
        What `content.page_content` returns.
    """

    default_js: list[tuple[str, str]] = []  # noqa: RUF012
    default_css: list[tuple[str, str]] = []  # noqa: RUF012

    def __init__(self, content: dict[str, Any]) -> None:
        (south, west), (north, east) = content["bounds"]
        super().__init__(
            location=[(south + north) / 2, (west + east) / 2],
            zoom_start=14,
            tiles=None,
            prefer_canvas=True,
            zoom_control=False,
            font_size="13px",
            attribution_control=False,
            zoom_snap=0.25,
            zoom_delta=0.5,
            max_zoom=21,
            min_zoom=6,
        )
        self._id = "plan"  # folium would draw lots
        self._content = content

    def render(self, **kwargs: object) -> None:  # type: ignore[override]
        """Put the page's parts into the figure, as every folium element does."""
        figure = self.get_root()
        assert isinstance(figure, Figure)  # noqa: S101
        figure.title = html.escape(self._content["title"])
        data = data_of_page(self._content)
        parts = {
            "policy": _policy(self._content["tiles"]),
            "licence": f"<!--\n{asset('vendor/LICENSE')}-->",
            "leaflet_css": f"<style>\n{asset('vendor/leaflet.css')}</style>",
            "map_css": f"<style>\n{asset('page/map.css')}</style>",
            "leaflet_js": f"<script>\n{asset('vendor/leaflet.js')}</script>",
            **{
                name: f"<script>\n{asset(f'page/{name}.js')}</script>"
                for name in ("shapes", "ground", "paint", "marks", "place", "tips", "panel", "map")
            },
            "plan": f'<script type="application/json" id="plan-data">{data}</script>',
        }
        for name, text in parts.items():
            figure.header.add_child(_Text(text), name=name)
        super().render(**kwargs)  # type: ignore[no-untyped-call]
        start = (
            f'drawPlan({self.get_name()}, JSON.parse(document.getElementById("plan-data").text));'
        )
        figure.script.add_child(_Text(start), name="draw_plan")


@checked
def draw_map(
    plan: PlanFrames,
    *,
    lang: str = "en",
    tiles: str | None = None,
    title: str | None = None,
    date: str | None = None,
) -> folium.Map:
    """Return the plan as an interactive map that works without a network.

    Levels, buildings, barriers and findings are layers to switch; a tooltip tells a cell's label,
    name, households and band. Vertices are rounded to about 0.1 m, for display only. More than
    200,000 buildings and findings beyond the 20,000 worst are left out, and the page says so.

    Parameters
    ----------
    plan
        A plan in any CRS.
    lang
        Output language, ``en`` or ``zh``; names stay as they are in the plan.
    tiles
        Address of base map tiles with ``{z}``, ``{x}`` and ``{y}``, such as those of a server of
        your own. The page then loads them, and nothing else, from that server.
    title
        What stands above the map, instead of the name of the only large cell or community.
    date
        Day of the map, as ``2026-11-27``; none by default, so that bytes do not change by the day.

    Returns
    -------
    folium.Map
        Shows itself in a notebook; layers can be added as to any folium map.

    Raises
    ------
    InputError
        For another language, an address without the places for numbers, or what is no date.

    Examples
    --------
    `plan` is that of the example of `make_plan`.

    >>> import folium, gridcell
    >>> page = gridcell.draw_map(plan, lang="zh")
    >>> office = folium.CircleMarker([23.1, 109.6]).add_to(page)
    >>> "微网格" in page.get_root().render()
    True
    """
    check_tiles(tiles)
    return PlanMap(page_content(plan, lang, tiles=tiles, heading=make_heading(title, date)))


def make_heading(title: str | None, date: str | None) -> Heading:
    """Return what stands above a map.

    Raises
    ------
    InputError
        For what is no date.
    """
    try:
        day = None if date is None else dt.date.fromisoformat(date.strip()).isoformat()
    except ValueError:
        raise InputError(Message("error.not_a_date", what="date", given=date)) from None
    return Heading(title=(title or "").strip() or None, date=day)


def show_plan(plan: PlanFrames, *, lang: str = "en", height: int = 600) -> folium.Map:
    """Return the interactive map of `draw_map`, so high in a notebook.

    The map needs no network and no trust in other hosts; the notebook keeps all of it in its
    output: about 0.6 MB for a thousand micro cells. For a whole city write it to a file
    (`gridcell.write_map`).

    Parameters
    ----------
    plan, lang
        As for `draw_map`.
    height
        Pixels.

    Raises
    ------
    InputError
        For another language, or a height below 1.
    """
    if height < 1:
        raise InputError(Message("error.height_pixels", height=height))
    drawn = draw_map(plan, lang=lang)
    figure = drawn.get_root()
    assert isinstance(figure, Figure)  # noqa: S101
    figure.height = f"{int(height)}px"
    return drawn


def check_tiles(tiles: str | None) -> None:
    """Raise `InputError` for what is no address of tiles."""
    if tiles is None:
        return
    if not _TILES.fullmatch(tiles) or not all(f"{{{k}}}" in tiles for k in "zxy"):
        raise InputError(Message("error.tiles_address", tiles=tiles))


def _policy(tiles: str | None) -> str:
    """Return what the browser may load: nothing, or images of the one server."""
    found = _TILES.match(tiles) if tiles else None
    if not found:
        return POLICY
    server = found[1] + found[2].replace("{s}", "*")
    return POLICY.replace("img-src data:", f"img-src data: {server}")


def asset(name: str) -> str:
    """Return the text of a file that belongs to pages: a script, a style, a licence."""
    return files("gridcell.display").joinpath(name).read_text("utf-8")
