"""One page with maps by Leaflet that needs no network: everything it uses is in it."""

import html
from collections.abc import Mapping, Sequence
from typing import Any

from gridcell.display.encode import data_of_page
from gridcell.display.map import POLICY, asset


def leaflet_page(
    content: Mapping[str, Any],
    *,
    title: str,
    scripts: Sequence[str],
    styles: Sequence[str],
    boxes: Sequence[str],
    start: str,
) -> str:
    """Return a page as HTML.

    Parameters
    ----------
    content
        What the page shows, ready for JSON.
    title
        Of the window.
    scripts
        Names of those in ``page``, in their order, after Leaflet's.
    styles
        Names of those in ``page``, after Leaflet's.
    boxes
        Ids of the elements that the scripts fill.
    start
        The function that is called with the content.
    """
    data = data_of_page(content)
    loaded = "\n".join(
        f"<script>\n{asset(name)}</script>"
        for name in ("vendor/leaflet.js", *(f"page/{name}.js" for name in scripts))
    )
    look = "".join(
        asset(name) for name in ("vendor/leaflet.css", *(f"page/{name}.css" for name in styles))
    )
    body = "\n".join(f'<div id="{box}"></div>' for box in boxes)
    return (
        f'<!DOCTYPE html>\n<html>\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width">\n{POLICY}\n'
        f"<title>{html.escape(title)}</title>\n<!--\n{asset('vendor/LICENSE')}-->\n"
        f"<style>\n{look}</style>\n{loaded}\n</head>\n<body>\n{body}\n"
        f'<script type="application/json" id="data">{data}</script>\n'
        f'<script>{start}(JSON.parse(document.getElementById("data").text));</script>\n'
        "</body>\n</html>\n"
    )
