"""The table of styles in a GeoPackage."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import pandas as pd
import pyogrio

from gridcell.formats.styles.layers import styles_of
from gridcell.formats.styles.names import names_of
from gridcell.formats.styles.qml import qml
from gridcell.formats.styles.sld import sld
from gridcell.words.catalogue import LANGUAGES

STYLES: Final = "layer_styles"
"""The table's name, fixed by QGIS."""
_GEOMETRY: Final = "geom"
"""What GDAL calls the geometry column of a GeoPackage."""


def write_styles(file: Path, layers: Mapping[str, Sequence[str]], lang: str = LANGUAGES[0]) -> None:
    """Add the styles of these layers to a GeoPackage that has none yet.

    Parameters
    ----------
    file
        The GeoPackage.
    layers
        Names of its layers and of their columns; layers that nothing is known of keep QGIS's own
        look.
    lang
        Language in which QGIS names columns and values; in English they are called by their keys.
    """
    rows = [
        {
            # QGIS looks for empty texts, not for nothing.
            "f_table_catalog": "",
            "f_table_schema": "",
            "f_table_name": layer,
            "f_geometry_column": _GEOMETRY,
            "styleName": style.title,
            "styleQML": qml(style, names_of(columns, lang)),
            "styleSLD": sld(style, layer),
            "useAsDefault": style.default,
            "description": style.about,
            "owner": "",
            "ui": None,
            "update_time": pd.Timestamp("2000-01-01"),
        }
        for layer, columns in layers.items()
        for style in styles_of(layer, lang)
    ]
    table = pd.DataFrame(rows)
    table["ui"] = table["ui"].astype("str")
    pyogrio.write_dataframe(
        table, file, layer=STYLES, driver="GPKG", append=True, use_arrow=False,
        layer_options={"FID": "id"},
    )  # fmt: skip
