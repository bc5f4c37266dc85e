"""The cells of a plan's file, without the rest of the plan."""

import json
import sqlite3
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyogrio
import pyproj
from pyogrio.errors import DataLayerError, DataSourceError

from gridcell.errors import InputError
from gridcell.formats.geopackage import plan_file, read_metadata
from gridcell.locator.index import CellIndex, make_index
from gridcell.rules import Rules
from gridcell.streets import WalkingNetwork, build_network
from gridcell.words.messages import Message

_WANTED: Final = ("leaves", "small", "medium", "staff", "metadata")


def open_plan(file: Path) -> tuple[sqlite3.Connection, pyproj.CRS]:
    """Return a connection to a plan's file, which only reads, and the plan's CRS.

    Raises
    ------
    InputError
        It is no GeoPackage, or holds no plan.
    """
    connection: sqlite3.Connection | None = None
    try:
        # The lock of the caller keeps threads apart.
        connection = sqlite3.connect(
            f"{file.resolve().as_uri()}?mode=ro", uri=True, check_same_thread=False
        )
        _check_tables(connection, file)
        wkt = connection.execute("SELECT value FROM metadata WHERE key = 'crs'").fetchone()
        crs = pyproj.CRS.from_wkt(wkt[0] if wkt else "")
    except (sqlite3.Error, pyproj.exceptions.CRSError) as error:
        if connection is not None:
            connection.close()
        raise InputError(Message("error.plan_unreadable", file=file, error=error)) from None
    except InputError:
        if connection is not None:
            connection.close()
        raise
    return connection, crs


def _check_tables(connection: sqlite3.Connection, file: Path) -> None:
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    if missing := [name for name in (*_WANTED, "gpkg_contents") if name not in tables]:
        raise InputError(Message("error.plan_layers_missing", file=file, layers=list(missing)))


def read_index(path: str | Path) -> CellIndex:
    """Return the index of the plan in a folder or GeoPackage, reading nothing but its cells.

    Raises
    ------
    InputError
        There is no such file, or it is no plan.
    """
    file = plan_file(path)
    connection, crs = open_plan(file)
    connection.close()
    try:
        leaves = _read(file, "leaves", ["code", "label", "level", "parent"], geometry=True)
        small = _read(file, "small", ["code", "parent"])
        medium = _read(file, "medium", ["code", "parent"])
        staff = _read(file, "staff", ["staff_id", "role", "code"])
        if leaves.empty:
            raise InputError(Message("error.plan_no_leaves", file=file))
        leaves["geometry"] = np.asarray(leaves["geometry"].array)
        return make_index(leaves, small, medium, staff, crs)
    except (DataSourceError, DataLayerError, KeyError) as error:
        raise InputError(Message("error.plan_unreadable", file=file, error=error)) from None


def _read(file: Path, layer: str, columns: list[str], *, geometry: bool = False) -> Any:
    frame: Any = pyogrio.read_dataframe(
        file, layer=layer, columns=columns, read_geometry=geometry, use_arrow=False
    )
    if missing := [name for name in columns if name not in frame]:
        raise InputError(
            Message("error.table_no_column", file=file, layer=layer, column=list(missing))
        )
    for name in columns:
        if name != "level":
            text = pd.Series(frame[name], dtype=object)
            frame[name] = text.where(text.notna(), None).astype("str")
    return frame


def read_streets(path: str | Path) -> WalkingNetwork:
    """Return the streets of the plan in a folder or GeoPackage, reading nothing but its barriers.

    Raises
    ------
    InputError
        There is no such file, or it is no plan.
    """
    file = plan_file(path)
    metadata = read_metadata(file)
    try:
        barriers = pyogrio.read_dataframe(
            file, layer="barriers", columns=["kind", "rank", "name"], use_arrow=False
        )
        rules = Rules.build(json.loads(metadata["rules"]), source=f"{file}: rules")
        crs = pyproj.CRS.from_wkt(metadata["crs"])
    except (DataSourceError, DataLayerError, KeyError, ValueError) as error:
        raise InputError(Message("error.plan_unreadable", file=file, error=error)) from None
    return build_network(barriers, crs=crs, speed_kmh=rules.walking.speed_kmh)
