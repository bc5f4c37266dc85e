"""Parquet in folders ``KEY=VALUE``, as DuckDB, Spark and Dask write it: one layer of many files."""

from pathlib import Path
from typing import Final
from urllib.parse import unquote

import geopandas as gpd
import pandas as pd

from gridcell.crs import crs_name
from gridcell.errors import InputError
from gridcell.read.vector import PARQUET, Features, read_parquet
from gridcell.words.messages import Message

_MISSING: Final = "__HIVE_DEFAULT_PARTITION__"
"""The folder of rows without a value."""


def partition_files(path: Path) -> list[Path]:
    """Return the Parquet files in folders ``KEY=VALUE`` of a folder, by name; none elsewhere."""
    if not path.is_dir():
        return []
    files = (
        file
        for folder in path.iterdir()
        if folder.is_dir() and "=" in folder.name
        for file in folder.rglob("*")
        if file.suffix.lower() in PARQUET and file.is_file() and file.name[0] not in "._"
    )
    return sorted(files, key=lambda file: file.relative_to(path).as_posix())


def read_partitioned(path: Path) -> Features:
    """Return the rows of all files of a partitioned layer, in the order of their names.

    A column that only the names of folders tell is text: ``community=0450`` stays ``0450``.

    Parameters
    ----------
    path
        A folder in which `partition_files` finds some.

    Raises
    ------
    InputError
        A file that cannot be read, or of another CRS than the first.
    """
    parts: list[pd.DataFrame] = []
    notes: dict[Message, None] = {}
    unclosed: list[int] = []
    rows = 0
    for file in partition_files(path):
        name = file.relative_to(path).as_posix()
        read = read_parquet(file)
        frame = read.frame
        for folder in file.relative_to(path).parts[:-1]:
            key, equals, value = folder.partition("=")
            if equals and key not in frame:
                frame[key] = pd.Series(
                    None if value == _MISSING else unquote(value), index=frame.index, dtype="str"
                )
        if parts:
            _require_alike(parts[0], frame, name)
        parts.append(frame)
        notes |= dict.fromkeys(read.notes)
        unclosed += [rows + row for row in read.unclosed]
        rows += len(frame)
    whole = pd.concat(parts, ignore_index=True)
    return Features(frame=whole, unclosed=tuple(unclosed), notes=tuple(notes))


def _require_alike(first: pd.DataFrame, other: pd.DataFrame, name: str) -> None:
    crs = [frame.crs if isinstance(frame, gpd.GeoDataFrame) else None for frame in (first, other)]
    kinds = [isinstance(frame, gpd.GeoDataFrame) for frame in (first, other)]
    if kinds[0] != kinds[1] or crs[0] != crs[1]:
        raise InputError(
            Message(
                "error.partition_differs", file=name, found=crs_name(crs[1]) or "–",
                expected=crs_name(crs[0]) or "–",
            )
        )  # fmt: skip
