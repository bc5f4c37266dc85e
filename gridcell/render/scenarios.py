"""Plans of the same land as one page that needs no network: a table, and maps side by side."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import geopandas as gpd
import pandas as pd

from gridcell.display.comparison import scenario_rows
from gridcell.display.content import Heading, page_content
from gridcell.display.encode import encode_shapes
from gridcell.display.page_html import leaflet_page
from gridcell.files.whole import write_text
from gridcell.model import Plan
from gridcell.words.catalogue import section
from gridcell.words.maps import control_words

_SCRIPTS: Final = ("shapes", "ground", "paint", "marks", "place", "tips", "map", "scenarios")


def write_side_by_side(
    plans: Mapping[str, Plan],
    figures: pd.DataFrame,
    differing: Sequence[gpd.GeoSeries],
    path: str | Path,
    *,
    lang: str = "en",
    overwrite: bool = False,
) -> Path:
    """Write plans as one HTML file that needs no network; return it.

    Vertices are rounded to about 0.1 m, for display only.

    Parameters
    ----------
    plans
        The plans by their names, in one CRS.
    figures
        A column a plan, a row a figure: `gridcell.compare_scenarios`.
    differing
        For each plan the buildings to mark on its map.
    path
        The file. The same plans give the same bytes.
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
    words = section("compare", lang)
    content = {
        "lang": lang,
        "words": {**words, **control_words(lang)},
        "plans": [
            page_content(plan, lang, heading=Heading(title=name)) for name, plan in plans.items()
        ],
        "differing": [encode_shapes(shapes) for shapes in differing],
        "figures": [["", *plans], *scenario_rows(figures, lang)],
    }
    page = leaflet_page(
        content, title=words["scenarios"], scripts=_SCRIPTS, styles=("map", "scenarios"),
        boxes=("scenarios",), start="drawScenarios",
    )  # fmt: skip
    return write_text(path, page, overwrite=overwrite)
