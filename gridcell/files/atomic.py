"""One file: all of it or nothing."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gridcell.errors import Hint, WriteError


def require_writable(path: str | Path, *, overwrite: bool = False) -> Path:
    """Return the path, when a file can be written there, before any work.

    Raises
    ------
    WriteError
        Something is in the way, or the folder is missing.
    """
    file = Path(path)
    if file.is_dir():
        raise WriteError(f"{file}: is a folder; name a file")
    if not file.parent.is_dir():
        raise WriteError(f"{file}: the folder {file.parent} does not exist; make it first")
    if file.exists() and not overwrite:
        raise WriteError(
            f"{file}: is there already; choose another name or allow to replace it",
            Hint("overwrite", value=True),
        )
    return file


@contextmanager
def whole_file(path: str | Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Yield a hidden name beside the file, which takes its place at the end.

    Parameters
    ----------
    path
        The file. The hidden name has the same suffix.
    overwrite
        Replace a file that is there already.

    Raises
    ------
    WriteError
        Something is in the way, or the file cannot be written.
    """
    file = require_writable(path, overwrite=overwrite)
    part = file.with_name(f".{file.stem}-{uuid.uuid4().hex[:8]}.part{file.suffix}")
    try:
        yield part
        part.replace(file)
    except OSError as error:
        if isinstance(error, WriteError):
            raise
        raise WriteError(f"{file}: cannot be written: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)
