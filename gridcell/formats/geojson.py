"""Cells as GeoJSON (RFC 7946), always the same bytes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries
from gridcell.errors import ProofError
from gridcell.formats.layers import CellLevels, Manifest, read_level_files
from gridcell.formats.lonlat import LonLatCells, cell_geometry
from gridcell.formats.ogr import ROUNDED, by_code, read_layer
from gridcell.formats.source import NOTE, CellSource, Written
from gridcell.schema import BAND_FIGURES, CELL_LAYERS, LOAD, cell_columns
from gridcell.words.messages import Message

_KINDS: Final[dict[str, Callable[[Any], object]]] = {
    "level": int,
    "households": int,
    "buildings": int,
    "area_m2": lambda value: round(float(value), 2),
    "compactness": lambda value: round(float(value), 4),
    "estimated": int,
    # Not rounded: no household more or less may be in the band than the plan says.
    **dict.fromkeys((*BAND_FIGURES, LOAD), float),
}


def as_geojson(source: CellSource, folder: Path) -> Written:
    """Write ``LEVEL.geojson`` by RFC 7946, as beside every plan."""
    cells, intended = source.lonlat()
    files = write_geojson(cells, folder)
    # Texts that look like dates stay texts.
    back = by_code({file.stem: read_layer(file, DATE_AS_STRING="YES") for file in files})
    # The collection says it, not every feature.
    intended = {
        level: frame.drop(columns=NOTE, errors="ignore") for level, frame in intended.items()
    }
    return Written(
        rows={file: len(intended[file.stem]) for file in files},
        back=back,
        intended=intended,
        rounding=ROUNDED,
        notes=tuple(finding.text for finding in cells.findings),
    )


def read_geojson(folder: Path, _manifest: Manifest) -> CellLevels:
    """Return the cells of ``LEVEL.geojson``."""
    return read_level_files(folder, ".geojson")


def write_geojson(cells: LonLatCells, folder: Path) -> list[Path]:
    """Write one file a level into a folder that exists; return the files.

    Features are sorted by code, one a line. A cell without geometry has ``null``. Where households
    were estimated, the collection has a member ``households`` that says ``estimated``; published
    ones have a member ``note``.
    """
    note = '"households":"estimated",' if cells.estimated else ""
    if cells.note is not None:
        note += f'"note":{json.dumps(cells.note, ensure_ascii=False)},'
    files = []
    for level in CELL_LAYERS:
        frame = cells.levels[level]
        geometry = cell_geometry(frame)
        texts = shapely.to_geojson(geometry)
        _require_same(geometry, texts, level)
        properties = _properties(frame)
        features = [
            f'{{"type":"Feature","properties":{_dump(row)},"geometry":{text or "null"}}}'
            for row, text in zip(properties, texts, strict=True)
        ]
        body = ",\n".join(features)
        file = folder / f"{level}.geojson"
        file.write_text(
            f'{{"type":"FeatureCollection","name":"{level}",{note}"features":[\n{body}\n]}}\n',
            encoding="utf-8", newline="\n",
        )  # fmt: skip
        files.append(file)
    return files


def _require_same(geometry: Geometries, texts: NDArray[Any], level: str) -> None:
    """Prove that the text is read as the very coordinates that were proven."""
    back = shapely.from_geojson(texts)
    missing = shapely.is_missing(geometry)
    same = shapely.equals_identical(back, geometry) | (missing & shapely.is_missing(back))
    if not np.all(same | ~shapely.is_valid(geometry)):
        raise ProofError(Message("error.bug_geojson_text", level=level))


def _properties(frame: gpd.GeoDataFrame) -> list[dict[str, Any]]:
    names = cell_columns(frame.columns)
    columns = pd.DataFrame(frame[list(names)])
    values = {}
    for name in names:
        kind = _KINDS.get(name, str)
        missing = columns[name].isna()
        values[name] = [
            None if gone else kind(value)
            for value, gone in zip(columns[name], missing, strict=True)
        ]
    return [dict(zip(names, row, strict=True)) for row in zip(*values.values(), strict=True)]


_dump: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
