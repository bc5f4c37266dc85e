"""Layers of a database that are views: whether they come to an end."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from gridcell.errors import InputError
from gridcell.words.messages import Message

_DATABASES: Final = (".gpkg", ".sqlite", ".db")
_STEPS: Final = 1_000_000
"""Instructions of SQLite between two looks at the count."""
_MOST: Final = 200
"""Looks that a view may take to be counted: some seconds, for millions of rows."""


def check_views(path: Path, layer: str | None) -> None:
    """Raise `InputError` where a layer is a view that takes too long to count: it may be endless.

    Parameters
    ----------
    path
        A file; others than databases are not looked at.
    layer
        Name of the layer.
    """
    if layer is None or path.suffix.lower() not in _DATABASES or not path.is_file():
        return
    looks = 0

    def look() -> int:
        nonlocal looks
        looks += 1
        return int(looks > _MOST)

    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as base:
            named = "SELECT 1 FROM sqlite_master WHERE type = 'view' AND lower(name) = lower(?)"
            if base.execute(named, [layer]).fetchone() is None:
                return
            base.set_progress_handler(look, _STEPS)
            quoted = layer.replace('"', '""')
            base.execute(f'SELECT count(*) FROM "{quoted}"').fetchone()  # noqa: S608  a quoted name
    except sqlite3.Error as error:
        # What GDAL alone knows (its functions, a file of its own kind) it says itself.
        if looks > _MOST:
            raise InputError(Message("error.endless_view", name=path.name, layer=layer)) from error
