"""Progress of long stages, on a terminal only."""

import sys
import threading
import time
from typing import Final, Self

import click

PATIENCE_S: Final = 2.0
"""Shorter stages show nothing."""

_PAUSE_S: Final = 0.5


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
        self._stage, self._share = "", ""
        self._since = 0.0
        self._width = 0
        self._over = threading.Event()
        # A stage may be silent for long, compiling for one: the clock runs beside it.
        self._clock = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> Self:
        if self._shown:
            self._clock.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._clock.is_alive():
            self._clock.join()
        if self._width:
            click.echo("\r" + " " * self._width + "\r", err=True, nl=False)

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Take note that so many steps of a stage are done."""
        if stage != self._stage:
            self._stage, self._since = stage, time.monotonic()
        self._share = f" {100 * done // total:3d} %" if total > 1 else ""

    def _tick(self) -> None:
        while not self._over.wait(_PAUSE_S):
            passed = time.monotonic() - self._since
            line = f"{self._stage}{self._share}  {passed:.0f} s" if passed > PATIENCE_S else ""
            if line or self._width:
                click.echo("\r" + line.ljust(self._width), err=True, nl=False)
                self._width = len(line)
