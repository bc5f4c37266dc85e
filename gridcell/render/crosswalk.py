"""A crosswalk as one page that needs no network: `write_crosswalk_map`."""

from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import pandas as pd

from gridcell.crosswalk.tables import Crosswalk
from gridcell.display.encode import encode_shapes
from gridcell.display.page_html import leaflet_page
from gridcell.files.whole import write_text
from gridcell.words.catalogue import section
from gridcell.words.maps import control_words, words

_FIGURES: Final = (
    "cells_a", "cells_b", "pairs", "one_to_one", "a_inside_b", "b_inside_a", "a_split", "b_split",
    "households_one_to_one_share", "households_inside_share",
)  # fmt: skip


def write_crosswalk_map(
    crosswalk: Crosswalk, path: str | Path, *, lang: str = "en", overwrite: bool = False
) -> list[Path]:
    """Write the map of a crosswalk as one HTML file that needs no network; return the file.

    Pairs have the colour of their relation and tell their figures; hidden counts are not in the
    file. Vertices are rounded to about 0.1 m, for display only.

    Parameters
    ----------
    crosswalk
        From `gridcell.crosswalk.make_crosswalk`.
    path
        The file. The same crosswalk gives the same bytes.
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
    content = _content(crosswalk, lang)
    page = leaflet_page(
        content, title=content["title"], scripts=("shapes", "place", "named", "crosswalk"),
        styles=("map", "crosswalk"), boxes=("map",), start="drawCrosswalk",
    )  # fmt: skip
    return [write_text(path, page, overwrite=overwrite)]


def _content(crosswalk: Crosswalk, lang: str) -> dict[str, Any]:
    common = words(lang)
    own = section("crosswalk", lang)
    text = {
        **own, **control_words(lang),
        "buildings": common["buildings"], "households": common["households"],
    }  # fmt: skip
    pairs = crosswalk.pairs
    west, south, east, north = pairs.geometry.to_crs(4326).total_bounds.tolist()
    return {
        "lang": lang,
        "title": own["title"],
        "words": text,
        "bounds": [[south, west], [north, east]],
        "figures": [
            [own[name], _figure(name, crosswalk.summary[name])]
            for name in _FIGURES
            if name in crosswalk.summary
        ],
        "counts": {str(k): int(n) for k, n in pairs["relation"].value_counts().items()},
        "pairs": {
            **{name: _plain(pairs[name]) for name in ("a", "b", "share_a", "share_b")},
            **{name: _plain(pairs[name]) for name in ("relation", "buildings", "households")},
            "area": _plain(pairs["area_m2"].round(1)),
            "suppressed": pairs["suppressed"].tolist(),
            "shape": encode_shapes(pairs.geometry),
        },
        "cells_a": {"shape": _outlines(crosswalk.cells_a)},
        "cells_b": {"shape": _outlines(crosswalk.cells_b)},
    }


def _outlines(cells: gpd.GeoDataFrame) -> dict[str, str]:
    return encode_shapes(cells.geometry)


def _plain(values: "pd.Series[Any]") -> list[Any]:
    plain: list[Any] = values.astype(object).where(values.notna(), None).tolist()
    return plain


def _figure(name: str, value: float) -> str:
    return f"{value:.1%}" if name.endswith("_share") else f"{value:,}"
