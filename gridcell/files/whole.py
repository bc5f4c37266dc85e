"""One file, or the few that are one: all of it or nothing, with one error."""

import errno
import os
import re
import shutil
import sqlite3
import sys
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
LOGS: Final = ("-wal", "-shm", "-journal")
"""What SQLite adds to the name of a database for its log, while a program has it open."""
_BESIDE: Final = {
    # SQLite would play the log of the old database into the new one.
    ".gpkg": tuple(f"{{name}}{log}" for log in LOGS),
    # Indices of the old rows.
    ".shp": ("{stem}.qix", "{stem}.sbn", "{stem}.sbx"),
}
"""What other programs lay beside a file, and would take for a part of the new one."""
_OLD: Final = "old"
"""Where in the hidden folder the files stand aside that the new ones replace."""


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
    recover_file(file)
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
    Nothing is left of what fails. A link is followed, and stays. Where several files are one, the
    old one goes first and the new one comes last: a run that is killed meanwhile leaves no file of
    that name, and whoever next reads or writes it completes it: `recover_file`.

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
        # While the old files are aside and the new ones not in their places, all are needed.
        if not _is_half_done(part):
            shutil.rmtree(part, ignore_errors=True)


def recover_file(path: str | Path) -> None:
    """Complete the replacement of a file, and those that are one with it, that was killed.

    Called by everything that reads or writes a file of ours, it does nothing where the file is
    there.

    Raises
    ------
    WriteError
        The new file is there and cannot be moved to its place.
    """
    try:
        file = Path(path).resolve()
        if file.exists() or not file.parent.is_dir():
            return
        parts = [part for part in _parts_in(file.parent) if (part / file.name).exists()]
    except OSError:
        # Who reads or writes there says what is wrong.
        return
    for part in parts:
        if _is_half_done(part):
            with write_errors(path):
                _complete(part)
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


def settle(folder: Path) -> None:
    """Have the disk take what is written in a folder, before anything points to it.

    Without that a machine that loses its power may keep the new name and lose what it names.
    """
    for path in (*folder.rglob("*"), folder):
        _settle_one(path)


def settle_names(folder: Path) -> None:
    """Have the disk take which names a folder holds."""
    _settle_one(folder)


def _settle_one(path: Path) -> None:
    is_folder = path.is_dir()
    if is_folder and sys.platform == "win32":
        return
    mode = os.O_RDONLY if is_folder or sys.platform != "win32" else os.O_RDWR
    file = os.open(path, mode)
    try:
        os.fsync(file)
    except OSError as error:
        # Some network disks cannot.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(file)


def _parts_in(folder: Path) -> list[Path]:
    """Return the hidden folders of other runs."""
    return sorted(path for path in folder.iterdir() if _PART.fullmatch(path.name))


def _make_part(file: Path) -> Path:
    """Return a new hidden folder beside the file, whose name is short whatever that of the file."""
    with suppress(OSError):
        for left in _parts_in(file.parent):
            if not is_stale(left):
                continue
            if _is_half_done(left):
                _complete(left)
            shutil.rmtree(left, ignore_errors=True)
    part = file.with_name(f".gridcell-{uuid.uuid4().hex[:8]}.part")
    part.mkdir()
    return part


def _is_half_done(part: Path) -> bool:
    """Tell whether old files are aside and the new one that the others belong to is not there."""
    try:
        main = _main(part)
        return (
            main is not None
            and not part.with_name(main.name).exists()
            and (part / _OLD).is_dir()
            and any((part / _OLD).iterdir())
        )
    except OSError:
        return False


def _main(part: Path) -> Path | None:
    """Return the new file that the others belong to, while it is not in its place."""
    return next((path for path in part.iterdir() if path.suffix.lower() in _BESIDE), None)


def _complete(part: Path) -> None:
    """Move all new files to their places, the one that the others belong to last."""
    main = _main(part)
    new = [path for path in part.iterdir() if path.name != _OLD]
    if main is not None:
        for beside in _beside(part.with_name(main.name)):
            if not (part / beside.name).exists():
                beside.unlink(missing_ok=True)
    for path in sorted(new, key=lambda path: (path == main, path.name)):
        path.replace(part.with_name(path.name))


def _put(part: Path, file: Path, *, overwrite: bool) -> None:
    """Move the files of the hidden folder to where they belong, the one that was asked for last."""
    require_space(part)
    settle(part)
    new = [path for path in sorted(part.iterdir()) if path.name != file.name]
    targets = [file.with_name(path.name) for path in new]
    # Another run may have come first.
    for target in (*targets, file):
        require_writable(target, overwrite=overwrite)
    aside = [path for path in (*targets, *_beside(file)) if path.exists()]
    if new or aside:
        _exchange(part, file, aside)
    else:
        (part / file.name).replace(file)
    settle_names(file.parent)


def _beside(file: Path) -> list[Path]:
    """Return what other programs may have laid beside a file."""
    names = _BESIDE.get(file.suffix.lower(), ())
    return [file.with_name(name.format(name=file.name, stem=file.stem)) for name in names]


def _exchange(part: Path, file: Path, aside: list[Path]) -> None:
    """Let the old files stand aside, the one that was asked for first, and put the new ones."""
    old = part / _OLD
    old.mkdir()
    new = [path for path in sorted(part.iterdir()) if path not in (old, part / file.name)]
    done: list[Path] = []
    try:
        for target in (file, *aside):
            if target.exists():
                target.replace(old / target.name)
        for path in (*new, part / file.name):
            path.replace(file.with_name(path.name))
            done.append(file.with_name(path.name))
    except BaseException as error:
        moved = not (part / file.name).exists() and len(done) <= len(new)
        if isinstance(error, FileNotFoundError) and moved and file.exists():
            # Somebody who came to read has completed it: `recover_file`.
            return
        for target in done:
            target.unlink(missing_ok=True)
        for path in sorted(old.iterdir(), key=lambda path: path.name == file.name):
            path.replace(file.with_name(path.name))
        old.rmdir()
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
