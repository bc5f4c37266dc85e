"""The installed command ``gridcell``: found, run in a process of its own, and stopped.

Nothing here needs QGIS.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

SETTING = "GRIDCELL_COMMAND"
"""Of Processing's options, and of the environment: where the command is, if not where it was."""

_WRITTEN = Path(__file__).with_name("command.json")
_NAME = "gridcell.exe" if os.name == "nt" else "gridcell"
_OF_QGIS = (
    "PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONEXECUTABLE", "__PYVENV_LAUNCHER__",
    "GDAL_DATA", "GDAL_DRIVER_PATH", "GDAL_FILENAME_IS_UTF8", "PROJ_LIB", "PROJ_DATA",
    "OSGEO4W_ROOT", "QT_PLUGIN_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR",
)  # fmt: skip
"""What QGIS sets for its own libraries, of which another Python would take the wrong ones."""
_STAGES = {
    "reading": (0, 10), "households": (10, 12), "fabric": (12, 35), "lineage": (35, 38),
    "partition": (38, 75), "repair": (38, 75), "cells": (75, 80), "assign": (80, 85),
    "proof": (85, 88), "writing": (88, 100),
}  # fmt: skip
"""About where in the whole each stage begins and ends, in percent."""
_HIDDEN = 0x08000000 if os.name == "nt" else 0
"""No window of a console on Windows."""
_PAUSE_S = 0.2
_GRACE_S = 3.0


@dataclass
class Done:
    """How the command ended."""

    code: int
    printed: list[str] = field(default_factory=list)
    cancelled: bool = False


def find_command(chosen: str = "", environment: Mapping[str, str] = os.environ) -> list[str] | None:
    """Return how the command is called: as set, as written at installation, else where tools are.

    Parameters
    ----------
    chosen
        The setting of Processing; nothing if it is empty.
    environment
        Variables by name.
    """
    for told in (chosen, environment.get(SETTING, "")):
        if told and shutil.which(told):
            return [told]
    written: list[str] = []
    with suppress(OSError, ValueError, KeyError):
        written = json.loads(_WRITTEN.read_text(encoding="utf-8"))["command"]
    if written and Path(written[0]).exists():
        return written
    home = Path(environment.get("USERPROFILE") or environment.get("HOME") or Path.home())
    places = [
        environment.get("PATH", ""),
        # pipx and uv put tools there, pip --user and conda in the others.
        *(str(home / place) for place in (".local/bin", "miniconda3/bin", "miniforge3/bin")),
        "/opt/homebrew/bin", "/usr/local/bin",
    ]  # fmt: skip
    found = shutil.which(_NAME, path=os.pathsep.join(filter(None, places)))
    return [found] if found else None


def clean_environment(environment: Mapping[str, str], lang: str) -> dict[str, str]:
    """Return the variables for the command: none of QGIS's own libraries, and the language."""
    own = {name: value for name, value in environment.items() if name not in _OF_QGIS}
    own["GRIDCELL_PROGRESS"] = "json"
    own["PYTHONUTF8"] = "1"
    # Of messages alone: files have the language that an option names.
    own["LC_ALL"] = {"zh": "zh_CN.UTF-8"}.get(lang, "C.UTF-8")
    return own


def run(
    command: list[str],
    environment: Mapping[str, str],
    *,
    say: Callable[[str], None],
    progress: Callable[[float, str], None],
    is_cancelled: Callable[[], bool],
) -> Done:
    """Run a command to its end, or until it is cancelled, when nothing of it goes on.

    Parameters
    ----------
    command
        The program and its arguments.
    environment
        Its variables.
    say
        Gets each line of messages.
    progress
        Gets the percentage and what is being done.
    is_cancelled
        Asked several times a second.
    """
    process = subprocess.Popen(  # noqa: S603
        command, env=dict(environment), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, encoding="utf-8", errors="replace",
        start_new_session=os.name != "nt", creationflags=_HIDDEN,
    )  # fmt: skip
    done = Done(0)
    lines: queue.Queue[tuple[str, str]] = queue.Queue()
    readers = []
    for name, stream in (("out", process.stdout), ("err", process.stderr)):
        readers.append(threading.Thread(target=_read, args=(name, stream, lines), daemon=True))
        readers[-1].start()
    for name, line in _until_over(lines, readers, process, is_cancelled, done):
        if name == "out":
            done.printed.append(line)
        elif (step := _step(line)) is None:
            say(line)
        else:
            progress(*step)
    done.code = process.wait()
    return done


def _until_over(
    lines: queue.Queue[tuple[str, str]],
    readers: list[threading.Thread],
    process: subprocess.Popen[str],
    is_cancelled: Callable[[], bool],
    done: Done,
) -> Iterator[tuple[str, str]]:
    while True:
        if not done.cancelled and is_cancelled():
            done.cancelled = True
            stop(process)
        try:
            yield lines.get(timeout=_PAUSE_S)
        except queue.Empty:
            over = process.poll() is not None
            if over and (done.cancelled or not any(reader.is_alive() for reader in readers)):
                return


def stop(process: subprocess.Popen[str]) -> None:
    """End a process with all that it started, gently first."""
    if sys.platform == "win32":
        killer = Path(os.environ.get("SYSTEMROOT", "C:/Windows")) / "System32" / "taskkill.exe"
        stopped = [str(killer), "/F", "/T", "/PID", str(process.pid)]
        subprocess.run(stopped, check=False, creationflags=_HIDDEN)  # noqa: S603
        return
    # An interrupted command takes away what it had begun to write.
    for kind in (signal.SIGINT, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, kind)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_S)


def _read(name: str, stream: IO[str] | None, lines: queue.Queue[tuple[str, str]]) -> None:
    if stream is not None:
        with stream:
            for line in stream:
                lines.put((name, line.rstrip("\r\n")))


def _step(line: str) -> tuple[float, str] | None:
    """Return the percentage and the name of a stage from a line that tells of progress."""
    if not line.startswith('{"progress"'):
        return None
    told = json.loads(line)["progress"]
    begin, end = _STAGES.get(told["stage"], (0, 0))
    share = told["done"] / told["total"] if told["total"] else 0.0
    return begin + (end - begin) * share, told["name"]
