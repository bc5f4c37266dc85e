"""Progress of long stages, on a terminal only."""

import sys
import time
from typing import Final, Self

import click

PATIENCE_S: Final = 2.0
"""Shorter stages show nothing."""

_PAUSE_S: Final = 0.1


class ProgressLine:
    """One line on stderr that shows how far the current stage is.

    Pass it as the ``progress`` of a library call and use it as a context, which clears the line
    at the end. It writes nothing when stderr is no terminal.

    Parameters
    ----------
    quiet
        Write nothing at all.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._shown = not quiet and sys.stderr.isatty()
        self._stage = ""
        self._since = self._next = 0.0
        self._width = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._clear()

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Take note that so many steps of a stage are done."""
        if not self._shown:
            return
        now = time.monotonic()
        if stage != self._stage:
            self._clear()
            self._stage, self._since = stage, now
            self._next = now + PATIENCE_S
        if now < self._next:
            return
        self._next = now + _PAUSE_S
        share = f" {100 * done // total:3d} %" if total > 0 else ""
        line = f"{stage}{share}  {now - self._since:.0f} s"
        click.echo("\r" + line.ljust(self._width), err=True, nl=False)
        self._width = len(line)

    def _clear(self) -> None:
        if self._width:
            click.echo("\r" + " " * self._width + "\r", err=True, nl=False)
            self._width = 0
