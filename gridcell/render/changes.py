"""What differs between two plans as one page that needs no network: a list and a map."""

from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import pandas as pd

from gridcell.display.comparison import comparison_rows
from gridcell.display.encode import encode_shapes
from gridcell.display.page_html import leaflet_page
from gridcell.files.whole import write_text
from gridcell.model import Plan
from gridcell.words.catalogue import section
from gridcell.words.maps import control_words
from gridcell.words.messages import say

_KINDS: Final = ("changed", "new", "retired")


def write_changes(
    table: pd.DataFrame,
    before: Plan,
    after: Plan,
    path: str | Path,
    *,
    figures: dict[str, int],
    sides: pd.DataFrame | None = None,
    lang: str = "en",
    overwrite: bool = False,
) -> Path:
    """Write the changes between two plans as one HTML file that needs no network; return it.

    Cells that changed are listed side by side with the reason, and drawn as they were and as they
    are. Vertices are rounded to about 0.1 m, for display only.

    Parameters
    ----------
    table
        A row a cell that changed: `gridcell.revision.changes.CHANGE_COLUMNS`.
    before, after
        The plans.
    path
        The file. The same plans give the same bytes.
    figures
        Further numbers to tell, by their words in the section ``changes`` of the catalogue.
    sides
        Figures of both plans, for a comparison of A and B: `gridcell.compare_plans`.
    lang
        Output language, ``en`` or ``zh``.
    overwrite
        Replace a file that is there already.

    Raises
    ------
    InputError
        For another language.
    WriteError
        The file is in the way or cannot be written.
    """
    content = _content(table, before, after, figures, sides, lang)
    page = leaflet_page(
        content, title=content["words"]["title"], scripts=("shapes", "place", "named", "changes"),
        styles=("changes",), boxes=("list", "map"), start="drawChanges",
    )  # fmt: skip
    return write_text(path, page, overwrite=overwrite)


def _content(
    table: pd.DataFrame,
    before: Plan,
    after: Plan,
    figures: dict[str, int],
    sides: pd.DataFrame | None,
    lang: str,
) -> dict[str, Any]:
    words = {**section("changes", lang), **control_words(lang)}
    compared = []
    if sides is not None:
        own = section("compare", lang)
        words |= {name: own[name] for name in words if name in own}
        head = ("", own["a"], own["b"], own["difference"])
        compared = [head, *comparison_rows(sides, lang)]
    then, now = (_shapes(plan, table) for plan in (before, after))
    names = pd.concat([before.medium, after.medium]).drop_duplicates("community", keep="last")
    around = after.small[after.small["community"].isin(table["community"])]
    drawn = pd.concat([then, now, around.geometry])
    if table.empty:
        drawn = after.medium.geometry
    west, south, east, north = gpd.GeoSeries(drawn, crs=after.crs).to_crs(4326).total_bounds
    count = table["change"].value_counts()
    plain = table.astype(object).where(table.notna(), None)
    return {
        "lang": lang,
        "words": words,
        "bounds": [[float(south), float(west)], [float(north), float(east)]],
        "sides": compared,
        "figures": [
            *([words[kind], f"{int(count.get(kind, 0)):,}"] for kind in _KINDS),
            *([words[name], f"{number:,}"] for name, number in figures.items()),
        ],
        "communities": {
            str(code): str(name)
            for code, name in zip(names["community"], names["name"], strict=True)
            if code in set(table["community"])
        },
        "cells": {
            **{
                name: plain[name].tolist()
                for name in ("group", "code", "level", "community", "change", "before", "after",
                             "moved")
            },
            "why": ["" if why is None else say(why, lang) for why in table["why"]],
        },
        "then": {"shape": encode_shapes(then)},
        "now": {"shape": encode_shapes(now)},
        "around": {"shape": encode_shapes(around.geometry)},
    }  # fmt: skip


def _shapes(plan: Plan, table: pd.DataFrame) -> gpd.GeoSeries:
    """Return the shape of each cell of the table in a plan, empty where it has none there."""
    cells = pd.concat([plan.small, plan.micro]).set_index("code").geometry
    return gpd.GeoSeries(cells.reindex(table["code"]).to_numpy(), crs=plan.crs)
