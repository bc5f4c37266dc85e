"""One file, or the few that are one: all of it or nothing, with one error."""

import os
import re
import shutil
import sqlite3
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from pyogrio.errors import DataLayerError, DataSourceError

from gridcell.errors import GridcellError, Hint, WriteError
from gridcell.words.messages import Message

STALE_S: Final = 86_400.0
"""After which what a killed run left is swept away, seconds."""

_PART: Final = re.compile(r"\.gridcell-[0-9a-f]{8}\.part")
_PROBE: Final = b"\0" * 65_536
_BESIDE: Final = {
    # SQLite would play the log of the old database into the new one.
    ".gpkg": ("{name}-wal", "{name}-shm", "{name}-journal"),
    # Indices of the old rows.
    ".shp": ("{stem}.qix", "{stem}.sbn", "{stem}.sbx"),
}
"""What other programs lay beside a file, and would take for a part of the new one."""


@contextmanager
def write_errors(path: str | Path, part: Path | None = None) -> Iterator[None]:
    """Turn what the system, GDAL and SQLite say meanwhile into a `WriteError` that names the path.

    Parameters
    ----------
    path
        What is written, as the caller named it.
    part
        The folder in which it is written, if another. Libraries keep the system's reason to
        themselves, so that it is looked for there: a full disk, one that is read-only by now.
    """
    try:
        yield
    except GridcellError:
        raise
    except (OSError, DataSourceError, DataLayerError, sqlite3.Error) as error:
        why = _reason(error, part)
        raise WriteError(Message("error.cannot_write", path=path, reason=why)) from error


def require_writable(path: str | Path, *, overwrite: bool = False) -> Path:
    """Return the path, when a file can be written there, before any work.

    Raises
    ------
    WriteError
        Something is in the way, or the folder is missing or cannot be written into.
    """
    file = Path(path)
    with write_errors(path):
        # Names that no file can have: `exists` knows of none before Python 3.14.
        with suppress(FileNotFoundError, NotADirectoryError):
            file.lstat()
        if file.is_dir():
            raise WriteError(Message("error.not_a_file", file=file))
        if not file.parent.is_dir():
            raise WriteError(Message("error.no_parent_folder", file=file, folder=file.parent))
        if file.exists():
            if not file.is_file():
                raise WriteError(Message("error.no_ordinary_file", file=file))
            if not overwrite:
                raise WriteError(
                    Message("error.file_exists", file=file),
                    Hint("overwrite", value=True),
                )
        if not os.access(file.resolve().parent, os.W_OK):
            _make_part(file.resolve()).rmdir()
    return file


@contextmanager
def whole_file(path: str | Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Yield a path of the same name in a hidden folder; the file takes its place at the end.

    So do all files written beside it, such as the ``.dbf`` of a shapefile: all of them or none.
    Nothing is left of what fails. A link is followed, and stays.

    Parameters
    ----------
    path
        The file.
    overwrite
        Replace files that are there already.

    Raises
    ------
    WriteError
        Something is in the way, or the file cannot be written.
    """
    file = require_writable(path, overwrite=overwrite).resolve()
    with write_errors(path):
        part = _make_part(file)
    try:
        with write_errors(path, part):
            yield part / file.name
            _put(part, file, overwrite=overwrite)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def write_text(path: str | Path, text: str, *, overwrite: bool = False) -> Path:
    r"""Write a text as one file, whole or not at all, in UTF-8 with ``\n``; return the path.

    Raises
    ------
    WriteError
        As `whole_file`.
    """
    with whole_file(path, overwrite=overwrite) as part:
        part.write_text(text, encoding="utf-8", newline="\n")
    return Path(path)


def require_space(folder: Path) -> None:
    """Raise `OSError` where nothing more can be written: some libraries do not notice."""
    probe = folder / "probe"
    try:
        probe.write_bytes(_PROBE)
    finally:
        probe.unlink(missing_ok=True)


def is_stale(path: Path) -> bool:
    """Tell whether nothing has changed in a folder for a day."""
    try:
        return path.is_dir() and time.time() - path.stat().st_mtime > STALE_S
    except OSError:
        return False


def _make_part(file: Path) -> Path:
    """Return a new hidden folder beside the file, whose name is short whatever that of the file."""
    with suppress(OSError):
        for left in file.parent.iterdir():
            if _PART.fullmatch(left.name) and is_stale(left):
                shutil.rmtree(left, ignore_errors=True)
    part = file.with_name(f".gridcell-{uuid.uuid4().hex[:8]}.part")
    part.mkdir()
    return part


def _put(part: Path, file: Path, *, overwrite: bool) -> None:
    """Move the files of the hidden folder to where they belong, the one that was asked for last."""
    require_space(part)
    new = [path for path in sorted(part.iterdir()) if path.name != file.name]
    for path in new:
        require_writable(file.with_name(path.name), overwrite=overwrite)
    for name in _BESIDE.get(file.suffix.lower(), ()):
        beside = file.with_name(name.format(name=file.name, stem=file.stem))
        if not (part / beside.name).exists():
            beside.unlink(missing_ok=True)
    if not new:
        (part / file.name).replace(file)
        return
    old = part / "old"
    old.mkdir()
    done: list[Path] = []
    try:
        for path in [*new, part / file.name]:
            target = file.with_name(path.name)
            if target.exists():
                target.replace(old / target.name)
            done.append(target)
            path.replace(target)
    except BaseException:
        for target in done:
            if (old / target.name).exists():
                (old / target.name).replace(target)
            else:
                target.unlink(missing_ok=True)
        raise


def _reason(error: Exception, part: Path | None) -> Exception:
    """Return the error of the system behind one of a library, without a file that nobody named."""
    if isinstance(error, OSError) and error.errno is not None:
        # Arrow's own words end in more.
        return OSError(error.errno, os.strerror(error.errno))
    return _refusal(part) or error


def _refusal(part: Path | None) -> OSError | None:
    """Return why the system lets nobody write into a folder; ``None`` where it does."""
    if part is None:
        return None
    try:
        require_space(part)
    except OSError as error:
        return OSError(error.errno, error.strerror)
    return None
