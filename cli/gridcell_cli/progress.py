"""Progress of long stages: a line on a terminal, or lines that other programs read."""

import json
import os
import sys
import threading
import time
from typing import Final, Self

import click

from gridcell.words.catalogue import section
from gridcell.words.columns import width
from gridcell.words.messages import Message, say
from gridcell_cli.language import language

PATIENCE_S: Final = 2.0
"""Shorter stages show nothing."""

VARIABLE: Final = "GRIDCELL_PROGRESS"
"""With the value ``json`` each step is a line of JSON on stderr, for programs that show it."""

_PAUSE_S: Final = 0.5
_BY_COMMUNITY: Final = ("fabric", "partition")
"""Stages whose steps are communities."""


class ProgressLine:
    """One line on stderr that shows how far the current stage is.

    Pass it as the ``progress`` of a library call and use it as a context, which clears the line
    at the end. It writes nothing when stderr is no terminal, unless `VARIABLE` asks for lines.

    Parameters
    ----------
    quiet
        Write nothing at all.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._lang = language()
        self._names = section("stage", self._lang)
        self._as_lines = not quiet and os.environ.get(VARIABLE) == "json"
        self._shown = not quiet and not self._as_lines and sys.stderr.isatty()
        self._stage = ""
        self._done = self._total = 0
        self._failed: dict[str, int] = {}
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
        """Take note that so many steps of a stage are done, or that so many of them failed."""
        if stage == "failed":
            self._failed[self._stage] = done
            return
        if stage != self._stage or not done:
            # What failed together is tried again one by one.
            self._failed.pop(stage, None)
        is_new = stage != self._stage
        if is_new:
            self._since = time.monotonic()
        # A step that changes no percentage is no news.
        news = is_new or 100 * done // max(total, 1) != 100 * self._done // max(self._total, 1)
        self._stage, self._done, self._total = stage, done, total
        if self._as_lines and news:
            told = {"stage": stage, "name": self._names.get(stage, stage), "done": done}
            line = json.dumps({"progress": {**told, "total": total}}, ensure_ascii=False)
            click.echo(line, err=True)

    def _tick(self) -> None:
        while not self._over.wait(_PAUSE_S):
            passed = time.monotonic() - self._since
            line = say(self._told(passed), self._lang) if passed > PATIENCE_S else ""
            if line or self._width:
                # Nothing of the line before may be left over.
                blank = " " * max(0, self._width - width(line))
                click.echo(f"\r{line}{blank}", err=True, nl=False)
                self._width = width(line)

    def _told(self, passed: float) -> Message:
        stage, done, total = self._stage, self._done, self._total
        values = {
            "stage": self._names.get(stage, stage), "passed": passed,
            "share": f" {100 * done // total:3d} %" if total > 1 else "",
        }  # fmt: skip
        failed = sum(self._failed.values())
        if stage not in _BY_COMMUNITY or total <= 1 or not done:
            return Message("cli.stage", **values)
        minutes, seconds = divmod(round(passed * (total - done) / done), 60)
        return Message(
            "cli.stage_communities", done=done, total=total, rate=60 * done / passed,
            left=f"{minutes}:{seconds:02d}",
            failed=Message("cli.some_failed", n=failed) if failed else "", **values,
        )  # fmt: skip
