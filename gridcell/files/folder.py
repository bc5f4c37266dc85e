"""One folder: all of it or nothing, and whole again after a run that was killed."""

import ctypes
import hashlib
import os
import re
import shutil
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from gridcell.errors import Hint, WriteError
from gridcell.files.whole import is_stale, recover_file, settle, settle_names, write_errors
from gridcell.words.messages import Message

_LONGEST: Final = 200
"""Bytes of a name that can be part of another name."""
_AT_FDCWD: Final = -100
_SWAP: Final = 2
"""RENAME_EXCHANGE of Linux and RENAME_SWAP of macOS."""
# Scanners and indexers of Windows hold new files for a moment.
_TRIES: Final = 10 if sys.platform == "win32" else 1
_WAIT_S: Final = 0.1


def require_place(
    folder: str | Path, *, what: str, foreign: Callable[[Path], Message | None], overwrite: bool
) -> None:
    """Make sure that a folder can appear here, before any work.

    Parameters
    ----------
    folder
        It may be absent, with the folders around it, or empty.
    what
        What may be overwritten: the text ``overwritten.WHAT``.
    foreign
        Tells of a folder that is there, and not empty, why it is none of that kind; ``None`` where
        it is one.
    overwrite
        Whether one of that kind may be there.

    Raises
    ------
    WriteError
        Something is in the way; it is named.
    """
    recover_folder(folder)
    with write_errors(folder):
        target = Path(folder).resolve()
        around = next(parent for parent in target.parents if parent.exists())
        if not around.is_dir():
            raise WriteError(Message("error.around_is_file", folder=folder, around=around))
        if not target.exists():
            return
        if not target.is_dir():
            raise WriteError(Message("error.not_a_folder", folder=folder))
        if target.is_mount():
            raise WriteError(Message("error.folder_is_mount", folder=folder))
        if not any(target.iterdir()):
            return
        if not overwrite:
            raise WriteError(
                Message("error.folder_not_empty", folder=folder),
                Hint("overwrite", value=True),
            )
        if found := foreign(target):
            raise WriteError(
                Message(
                    "error.folder_foreign", folder=folder, what=Message(f"overwritten.{what}"),
                    found=found,
                )
            )  # fmt: skip


@contextmanager
def whole_folder(folder: str | Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Yield a new folder beside the place that takes it at the end.

    Where the system can, the old folder and the new one change places in one step. Elsewhere the
    old one steps aside first, and whoever next reads or writes the place completes what a killed
    run left half done: `recover_folder`. Leftovers are swept away after a day.

    Parameters
    ----------
    folder
        The place; `require_place` says whether it can be had.
    overwrite
        Replace also what another run has put there meanwhile.

    Raises
    ------
    WriteError
        The folder cannot be written, or not replaced; the old one stays.
    """
    target = Path(folder).resolve()
    part = _hidden(target, uuid.uuid4().hex[:8])
    try:
        with write_errors(folder, part):
            recover_folder(target)
            _sweep(target)
            was_free = _is_free(target)
            part.mkdir(parents=True)
            yield part
            settle(part)
            if was_free and not overwrite and not _is_free(target):
                # Another run came first.
                raise WriteError(
                    Message("error.folder_not_empty", folder=folder),
                    Hint("overwrite", value=True),
                )
            _put(part, target)
            settle_names(target.parent)
    finally:
        # While neither is in place, both are needed.
        if not _is_half_done(part, target):
            shutil.rmtree(part, ignore_errors=True)


def recover_folder(path: str | Path) -> None:
    """Complete the replacement of a folder, or a file, that was killed when none was in its place.

    Called by everything that reads or writes a folder of ours, it does nothing where there is
    something at the path. Of a file: `recover_file`.

    Parameters
    ----------
    path
        The folder, or a file in it.

    Raises
    ------
    WriteError
        The new folder is there and cannot be moved to its place.
    """
    place = Path(path)
    try:
        if place.exists():
            return
        recover_file(place)
        place = place.resolve()
        while not place.parent.exists():
            place = place.parent
        parts = [part for part in _left(place) if _is_half_done(part, place)]
    except OSError:
        # Who reads or writes there says what is wrong.
        return
    for part in parts:
        with write_errors(place):
            _rename(part, place)


def _is_free(target: Path) -> bool:
    return not target.exists() or (target.is_dir() and not any(target.iterdir()))


def _hidden(target: Path, mark: str) -> Path:
    """Return the name under which a folder is made that will take this place."""
    return target.with_name(f".{_short(target.name)}-{mark}.part")


def _aside(part: Path) -> Path:
    """Return the name under which the old folder steps aside for this new one."""
    return part.with_suffix(".old.part")


def _short(name: str) -> str:
    raw = os.fsencode(name)
    return name if len(raw) <= _LONGEST else hashlib.sha256(raw).hexdigest()


def _left(target: Path) -> list[Path]:
    """Return what other runs made, or make now, to take this place."""
    ours = re.compile(rf"\.{re.escape(_short(target.name))}-[0-9a-f]{{8}}(\.old)?\.part")
    if not target.parent.is_dir():
        return []
    return sorted(path for path in target.parent.iterdir() if ours.fullmatch(path.name))


def _is_half_done(part: Path, target: Path) -> bool:
    """Tell whether the old folder is aside and the new one, complete, not yet in its place."""
    return _aside(part).exists() and part.exists() and not target.exists()


def _sweep(target: Path) -> None:
    """Remove what killed runs left beside the target a day ago or earlier."""
    for left in _left(target):
        if is_stale(left):
            shutil.rmtree(left, ignore_errors=True)


def _put(part: Path, target: Path) -> None:
    """Let the new folder take its place; what was there is removed."""
    if not target.exists():
        try:
            _rename(part, target)
        except OSError:
            # Another run may have put its own there just now.
            if not target.exists():
                raise
        else:
            return
    # Who could not look into the old one cannot look into the new one either.
    shutil.copymode(target, part)
    if exchange(part, target):
        return
    old = _aside(part)
    _rename(target, old)
    try:
        _rename(part, target)
    except BaseException:
        if target.exists():
            # Somebody who came to read has completed it: `recover_folder`.
            shutil.rmtree(old, ignore_errors=True)
            return
        _rename(old, target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def exchange(one: Path, other: Path) -> bool:
    """Let two folders change places in one step; return whether the system could."""
    first, second = os.fsencode(one), os.fsencode(other)
    arguments: tuple[Any, ...]
    if sys.platform == "linux":
        name, arguments = "renameat2", (_AT_FDCWD, first, _AT_FDCWD, second, _SWAP)
    elif sys.platform == "darwin":
        name, arguments = "renamex_np", (first, second, _SWAP)
    else:
        return False
    function = getattr(ctypes.CDLL(None), name, None)
    if function is None:
        return False
    sys.audit("os.rename", one, other, -1, -1)
    return bool(function(*arguments) == 0)


def _rename(path: Path, target: Path) -> None:
    for last in range(_TRIES - 1, -1, -1):
        try:
            path.rename(target)
        except PermissionError:
            if not last:
                raise
            time.sleep(_WAIT_S)
        else:
            return
