"""Whether an error comes of a want of memory, by whatever words libraries tell it."""

import errno
import mmap
from typing import Final

_NO_MEMORY: Final = (
    "bad_alloc", "can't start new thread", "failed to map segment", "out of memory",
)  # fmt: skip
"""What GEOS, Python, the loader of libraries and SQLite (of PROJ) say where they get no memory."""
_NO_LIBRARY: Final = "Could not find/load shared object"
"""What llvmlite says of its library, whether it is not there or finds no room."""
_LIBRARY_BYTES: Final = 256 << 20


def lacks_memory(error: BaseException | None) -> bool:
    """Tell whether an error comes of one that the system, or a library, had no memory."""
    while error is not None:
        if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
            return True
        if any(words in str(error) for words in _NO_MEMORY):
            return True
        if _NO_LIBRARY in str(error) and not _has_room():
            return True
        error = error.__cause__ or error.__context__
    return False


def _has_room() -> bool:
    """Tell whether a large library still finds room in memory."""
    try:
        mmap.mmap(-1, _LIBRARY_BYTES).close()
    except (OSError, MemoryError):
        return False
    return True
