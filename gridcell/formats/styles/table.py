"""The table of styles in a GeoPackage."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import pandas as pd
import pyogrio

from gridcell.formats.styles.layers import LAYERS
from gridcell.formats.styles.qml import qml
from gridcell.formats.styles.sld import sld

STYLES: Final = "layer_styles"
"""The table's name, fixed by QGIS."""
_GEOMETRY: Final = "geom"
"""What GDAL calls the geometry column of a GeoPackage."""


def write_styles(file: Path, layers: Iterable[str]) -> None:
    """Add the styles of these layers to a GeoPackage that has none yet.

    Parameters
    ----------
    file
        The GeoPackage.
    layers
        Names of its layers; those that nothing is known of keep QGIS's own look.
    """
    rows = [
        {
            # QGIS looks for empty texts, not for nothing.
            "f_table_catalog": "",
            "f_table_schema": "",
            "f_table_name": layer,
            "f_geometry_column": _GEOMETRY,
            "styleName": style.title,
            "styleQML": qml(style),
            "styleSLD": sld(style, layer),
            "useAsDefault": style.default,
            "description": style.about,
            "owner": "",
            "ui": None,
            "update_time": pd.Timestamp("2000-01-01"),
        }
        for layer in layers
        for style in LAYERS.get(layer, ())
    ]
    table = pd.DataFrame(rows)
    table["ui"] = table["ui"].astype("str")
    pyogrio.write_dataframe(
        table, file, layer=STYLES, driver="GPKG", append=True, use_arrow=False,
        layer_options={"FID": "id"},
    )  # fmt: skip
