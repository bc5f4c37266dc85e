"""Layers as GDAL writes and reads them."""

import warnings
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pyogrio
import shapely

from gridcell.formats.source import Levels

ROUNDED: Final = {"area_m2": 0.005, "compactness": 0.00005}
"""How far figures may be off in text formats, which keep 2 and 4 decimals."""


def write_layer(frame: gpd.GeoDataFrame, file: Path, **options: Any) -> None:
    """Write a layer of polygons with GDAL: all of them multipolygons where one is."""
    multi = bool((shapely.get_num_geometries(np.asarray(frame.geometry)) > 1).any())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pyogrio.write_dataframe(
            frame, file, use_arrow=False, geometry_type="MultiPolygon" if multi else "Polygon",
            promote_to_multi=multi, **options,
        )  # fmt: skip


def read_layer(file: Path, **options: Any) -> gpd.GeoDataFrame:
    """Return a layer as GDAL reads it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame: gpd.GeoDataFrame = pyogrio.read_dataframe(file, use_arrow=False, **options)
    return frame


def by_code(levels: Levels) -> Levels:
    """Return the layers sorted by code, whatever order a format keeps."""
    return {
        # Without rows some formats have no columns either.
        level: frame.sort_values("code", kind="stable", ignore_index=True) if len(frame) else frame
        for level, frame in levels.items()
    }
