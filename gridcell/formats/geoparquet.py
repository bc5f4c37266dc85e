"""Cells as GeoParquet: a data set a level, in partitions by community."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import geopandas as gpd
import pandas as pd

from gridcell.formats.layers import CellLevels, Manifest, read_cells
from gridcell.formats.ogr import by_code
from gridcell.formats.source import CellSource, Written
from gridcell.schema import CELL_LAYERS

_KEY: Final = "part"
"""Of the folders. Readers make numbers of what folders are called, and may not of codes: the column
``community`` is in the files."""


def as_geoparquet(source: CellSource, folder: Path) -> Written:
    """Write GeoParquet 1.1 with bbox columns: ``large.parquet``, and ``LEVEL/part=CODE/``."""
    rows: dict[Path, int] = {}
    back: dict[str, list[gpd.GeoDataFrame]] = {level: [] for level in CELL_LAYERS}
    names = partition_names(source.levels["medium"]["community"])
    for level, frame in source.levels.items():
        if level == "large":
            groups = [(folder, frame)]
        else:
            groups = [
                (folder / level / f"{_KEY}={names[str(code)]}", group.reset_index(drop=True))
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


def read_geoparquet(folder: Path, manifest: Manifest) -> CellLevels:
    """Return the cells of ``LEVEL.parquet`` of the town and of all communities."""
    levels = {}
    for level in CELL_LAYERS:
        names = [str(file["path"]) for file in manifest["files"]]
        files = [name for name in names if Path(name).name == f"{level}.parquet"]
        if files:
            parts = [read_cells(str(folder / name), level) for name in files]
            levels[level] = pd.concat(parts, ignore_index=True)
    return levels


def partition_names(codes: Iterable[str]) -> dict[str, str]:
    """Return a name for each code: the code itself, where systems that ignore case can have it."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for code in sorted(codes):
        name = code
        while name.upper() in taken:
            name += "_"
        taken.add(name.upper())
        names[code] = name
    return names
