"""Cells as GeoPackage, FlatGeobuf, GeoParquet and GeoJSON."""

import re
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely

from gridcell.formats.geojson import write_geojson
from gridcell.formats.geopackage import dated
from gridcell.formats.source import NOTE, CellSource, Levels, Written
from gridcell.formats.styles import write_styles
from gridcell.schema import CELL_LAYERS

PLAN_FILE: Final = "cells.gpkg"
_DEVICE: Final = re.compile("CON|PRN|AUX|NUL|(COM|LPT)[0-9]")
"""Names that Windows keeps for itself."""
ROUNDED: Final = {"area_m2": 0.005, "compactness": 0.00005}
"""How far figures may be off in text formats, which keep 2 and 4 decimals."""


def as_geopackage(source: CellSource, folder: Path) -> Written:
    """Write ``cells.gpkg``: a layer a level, styled for QGIS."""
    file = folder / PLAN_FILE
    with dated():
        for level, frame in source.levels.items():
            write_layer(frame, file, driver="GPKG", layer=level, append=file.exists(),
                        layer_options={"FID": "gridcell_fid"})  # fmt: skip
        if source.note is not None:
            write_note(source.note, file)
        write_styles(file, CELL_LAYERS)
    return Written(
        rows={file: sum(map(len, source.levels.values()))},
        back=by_code({level: read_layer(file, layer=level) for level in CELL_LAYERS}),
        intended=source.levels,
    )


def as_flatgeobuf(source: CellSource, folder: Path) -> Written:
    """Write ``LEVEL.fgb`` with a spatial index, which sorts the features along a curve."""
    files = {level: folder / f"{level}.fgb" for level in CELL_LAYERS}
    for level, frame in source.levels.items():
        # There is no index over nothing.
        index = "YES" if len(frame) else "NO"
        told = {} if source.note is None else {"DESCRIPTION": source.note}
        write_layer(frame, files[level], driver="FlatGeobuf", layer=level,
                    layer_options={"SPATIAL_INDEX": index, **told})  # fmt: skip
    return Written(
        rows={files[level]: len(frame) for level, frame in source.levels.items()},
        back=by_code({level: read_layer(file) for level, file in files.items()}),
        intended=source.levels,
    )


def as_geojson(source: CellSource, folder: Path) -> Written:
    """Write ``LEVEL.geojson`` by RFC 7946, as beside every plan."""
    cells, intended = source.lonlat()
    files = write_geojson(cells, folder)
    back = by_code({file.stem: read_layer(file) for file in files})
    # The collection says it, not every feature.
    intended = {
        level: frame.drop(columns=NOTE, errors="ignore") for level, frame in intended.items()
    }
    return Written(
        rows={file: len(intended[file.stem]) for file in files},
        back=back,
        intended=intended,
        rounding=ROUNDED,
        notes=tuple(finding.message for finding in cells.findings),
    )


def as_geoparquet(source: CellSource, folder: Path) -> Written:
    """Write GeoParquet 1.1 with bbox columns: ``large.parquet``, and a folder a community."""
    rows: dict[Path, int] = {}
    back: dict[str, list[gpd.GeoDataFrame]] = {level: [] for level in CELL_LAYERS}
    names = folder_names(source.levels["medium"]["community"])
    for level, frame in source.levels.items():
        if level == "large":
            groups = [(folder, frame)]
        else:
            groups = [
                (folder / "communities" / names[str(code)], group.reset_index(drop=True))
                for code, group in frame.groupby("community", sort=True)
            ]
        for place, group in groups:
            place.mkdir(parents=True, exist_ok=True)
            file = place / f"{level}.parquet"
            group.to_parquet(
                file, index=False, schema_version="1.1.0", write_covering_bbox=True,
                compression="zstd",
            )  # fmt: skip
            rows[file] = len(group)
            back[level].append(gpd.read_parquet(file))
    return Written(
        rows=rows,
        back=by_code({
            level: pd.concat(frames, ignore_index=True) if frames else source.levels[level]
            for level, frames in back.items()
        }),
        intended=source.levels,
    )  # fmt: skip


def folder_names(codes: Iterable[str]) -> dict[str, str]:
    """Return a folder name for each code: the code itself, where every system can have it."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for code in sorted(codes):
        name = code
        while name.upper() in taken or _DEVICE.fullmatch(name.upper()):
            name += "_"
        taken.add(name.upper())
        names[code] = name
    return names


def write_layer(frame: gpd.GeoDataFrame, file: Path, **options: Any) -> None:
    """Write a layer of polygons with GDAL: all of them multipolygons where one is."""
    multi = bool((shapely.get_num_geometries(np.asarray(frame.geometry)) > 1).any())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pyogrio.write_dataframe(
            frame, file, use_arrow=False, geometry_type="MultiPolygon" if multi else "Polygon",
            promote_to_multi=multi, **options,
        )  # fmt: skip


def write_note(note: str, file: Path) -> None:
    """Add the table ``publication`` to a GeoPackage: what the file says of itself."""
    table = pd.DataFrame({"key": ["note"], "value": [note]})
    pyogrio.write_dataframe(
        table, file, layer="publication", driver="GPKG", append=True, use_arrow=False,
        layer_options={"FID": "gridcell_fid"},
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
