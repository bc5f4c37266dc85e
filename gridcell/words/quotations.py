"""What other programs say within our sentences: known by its kind, else quoted as it is."""

import errno
import re
from typing import Final

OTHER: Final = "other"
ENCODING: Final = "encoding"

_KNOWN: Final = frozenset({
    "EACCES", "EBUSY", "EDQUOT", "EEXIST", "EFBIG", "EIO", "EISDIR", "EMFILE", "ENAMETOOLONG",
    "ENOENT", "ENOSPC", "ENOTDIR", "ENOTEMPTY", "EROFS",
})  # fmt: skip
"""Errors of the system with a text ``quoted.NAME`` in the catalogue."""
_ALIKE: Final = {"EPERM": "EACCES"}
_TEXTS: Final = (
    ("EACCES", r"Permission denied"),
    ("ENOENT", r"No such file or directory"),
    ("ENOSPC", r"No space left on device"),
    ("EISDIR", r"Is a directory"),
    ("EROFS", r"Read-only file system"),
    ("format", r"not recognized as (?:a|being in a) supported file format"),
    ("no_zip", r"File is not a zip file"),
    ("locked", r"database is locked"),
    ("malformed", r"database disk image is malformed"),
    ("no_database", r"file is (?:encrypted or is )?not a database"),
    ("no_parquet", r"Parquet magic bytes not found|smaller than the minimum file footer"),
)
"""What GDAL, SQLite and others say, and the text ``quoted.NAME`` that says it in any language."""


def kind_of(error: BaseException, text: str) -> str:
    """Return the kind of what another program says, `OTHER` where it is none that is known.

    Parameters
    ----------
    error
        The error.
    text
        What it says.

    Examples
    --------
    >>> kind_of(PermissionError(13, "Permission denied"), "[Errno 13] Permission denied")
    'EACCES'
    >>> kind_of(ValueError("odd"), "odd")
    'other'
    """
    if isinstance(error, UnicodeError):
        return ENCODING if isinstance(error, UnicodeDecodeError) else OTHER
    if isinstance(error, OSError) and error.errno is not None:
        name = errno.errorcode.get(error.errno, "")
        name = _ALIKE.get(name, name)
        if name in _KNOWN:
            return name
    return next((kind for kind, said in _TEXTS if re.search(said, text)), OTHER)
