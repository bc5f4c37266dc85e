"""What GDAL keeps beside the rows of a GeoPackage, which it may lose without a word."""

import errno
import math
import os
import sqlite3
import struct
from collections.abc import Collection
from contextlib import closing
from pathlib import Path
from typing import Final

_EMPTY: Final = 0x10
"""Flag of a geometry without coordinates."""
_ENVELOPE: Final = 0x0E
"""Flags of a geometry that tells its envelope."""


def require_housekeeping(file: Path, *, unindexed: Collection[str] = ()) -> None:
    """Raise `OSError` where a failed write cost an extent, a count, a trigger or an index.

    Rows are read back and proven anyhow; GDAL says nothing of the rest.

    Parameters
    ----------
    file
        A GeoPackage as GDAL wrote it.
    unindexed
        Layers that were written without a spatial index.
    """
    with closing(sqlite3.connect(file.absolute().as_uri() + "?mode=ro", uri=True)) as base:
        there = {name for (name,) in base.execute("SELECT name FROM sqlite_master")}
        layers = base.execute("SELECT table_name, column_name FROM gpkg_geometry_columns")
        columns = {table: column for table, column in layers if table not in unindexed}
        counts = base.execute("SELECT table_name, feature_count FROM gpkg_ogr_contents").fetchall()
        for table, count in counts:
            named = '"' + table.replace('"', '""') + '"'
            (rows,) = base.execute(f"SELECT count(*) FROM {named}").fetchone()  # noqa: S608
            wanted = {f"trigger_{what}_feature_count_{table}" for what in ("insert", "delete")}
            if rows and table in columns:
                index = f"rtree_{table}_{columns[table]}"
                wanted |= {index, f"{index}_insert", f"{index}_delete"}
            if rows != count or not wanted <= there or _lacks_extent(base, table, named):
                raise OSError(errno.EIO, os.strerror(errno.EIO))


def _lacks_extent(base: sqlite3.Connection, table: str, named: str) -> bool:
    layer = base.execute(
        "SELECT column_name FROM gpkg_geometry_columns JOIN gpkg_contents USING (table_name) "
        "WHERE table_name = ? AND min_x IS NULL",
        (table,),
    ).fetchone()
    if layer is None:
        return False
    column = '"' + layer[0].replace('"', '""') + '"'
    found = base.execute(
        f"SELECT substr({column}, 1, 40) FROM {named} WHERE {column} IS NOT NULL LIMIT 1"  # noqa: S608
    ).fetchone()
    return found is not None and not found[0][3] & _EMPTY and _is_finite(found[0])


def _is_finite(header: bytes) -> bool:
    """Return whether the envelope in the header of a geometry, if there is one, ends anywhere."""
    if not header[3] & _ENVELOPE:
        return True
    order = "<" if header[3] & 1 else ">"
    return all(map(math.isfinite, struct.unpack(f"{order}4d", header[8:40])))
