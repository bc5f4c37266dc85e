"""Progress in a notebook: one line under the cell that runs long, gone at the end."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from gridcell.words.catalogue import notebook_language, section
from gridcell.words.columns import width

Progress = Callable[[str, int, int], None]

_DELAY_S: Final = 3.0
"""What is done by then leaves no line at all."""


class _Line:
    """One line of a notebook that says how far a stage is."""

    def __init__(self) -> None:
        self._names = section("stage", notebook_language())
        self._from = time.monotonic() + _DELAY_S
        self._width = 0

    def __call__(self, stage: str, done: int, total: int) -> None:
        if time.monotonic() < self._from or stage == "failed":
            return
        share = f" {100 * done // total} %" if total > 1 else ""
        self.write(f"{self._names.get(stage, stage)}{share}")

    def clear(self) -> None:
        """Write blanks over what is shown, if anything is."""
        if self._width:
            self.write("")

    def write(self, line: str) -> None:
        """Write a line over the one before."""
        blank = " " * max(0, self._width - width(line))
        sys.stdout.write(f"\r{line}{blank}" + ("" if line else "\r"))
        sys.stdout.flush()
        self._width = width(line)


@contextmanager
def shown_progress(given: Progress | None) -> Iterator[Progress | None]:
    """Yield what tells of progress: what is given, else a line in notebooks, else nothing."""
    if given is not None or not in_notebook():
        yield given
        return
    line = _Line()
    try:
        yield line
    finally:
        line.clear()


def in_notebook() -> bool:
    """Tell whether an IPython kernel runs this, without loading one."""
    ipython = sys.modules.get("IPython")
    if ipython is None or "ipykernel" not in sys.modules:
        return False
    return getattr(ipython.get_ipython(), "kernel", None) is not None
