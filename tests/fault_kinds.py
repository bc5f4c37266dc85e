"""The ways in which a run is spoiled; each yields an `Outcome` for every time it was tried."""

import contextlib
import errno
import itertools
import mmap
import os
import signal
import sqlite3
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from faults import Bench, Command, Outcome, run, state_of, until_it_writes

NOBODY: Final = 65_534
CALLS: Final = (
    "write,pwrite64,writev,pwritev,ftruncate,fallocate,openat,mkdir,rename,renameat2,unlink,rmdir,"
    "fsync,fdatasync,chmod"
)  # fmt: skip
"""Calls of the system that write, or change a folder."""
AGAIN: Final = 4
"""Of so many faults that are alike the next run is tried after one."""
_MEANT: Final = ("open", "os.", "sqlite3.")


def killed(
    bench: Bench, command: Command, times: int, chance: np.random.Generator
) -> Iterator[Outcome]:
    """Kill -9 at random moments, half of them while the output is written."""
    yield from _struck(bench, command, times, chance, signal.SIGKILL, "kill -9")


def interrupted(
    bench: Bench, command: Command, times: int, chance: np.random.Generator
) -> Iterator[Outcome]:
    """Ctrl-C at random moments, half of them while the output is written."""
    yield from _struck(bench, command, times, chance, signal.SIGINT, "Ctrl-C")


def _struck(
    bench: Bench, command: Command, times: int, chance: np.random.Generator, blow: signal.Signals,
    kind: str,
) -> Iterator[Outcome]:  # fmt: skip
    writes, ends = bench.seconds[command.name]
    for number in range(times):
        before = bench.lay(command, old=number % 4 != 3)
        late = bool(number % 2)
        wait = chance.uniform(0, ends - writes if late else ends)

        def strike(pid: int, *, late: bool = late, wait: float = wait) -> None:
            if late:
                until_it_writes(bench.place, pid)
            time.sleep(wait)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, blow)

        ended = run(bench.words(command), meanwhile=strike)
        dead = blow == signal.SIGKILL
        again = number % AGAIN < 2
        outcome = bench.judge(command, kind, before, ended, killed=dead, again=again)
        expected = {-blow, 0} if dead else {130, 0}
        if ended[0] not in expected:
            outcome.faults.append(f"exit {ended[0]}: {ended[1][-300:]}")
        yield outcome


def calls_refused(bench: Bench, command: Command, *, stride: int = 1) -> Iterator[Outcome]:
    """Let each call of Python that opens a file or changes a folder fail in turn."""
    count = mmap.mmap(-1, 512)

    def spoil(number: int) -> None:
        # Leave is given to read: what is there is no matter of a full disk.
        def called(event: str, arguments: tuple[Any, ...]) -> None:
            if not event.startswith(_MEANT) or not _is_in(bench.place, arguments):
                return
            if event == "open" and not _writes(arguments):
                return
            seen = struct.unpack("q", count[:8])[0]
            count[:8] = struct.pack("q", seen + 1)
            if seen == number:
                told = f"{event} {arguments}"[:200].encode()
                count[8 : 8 + len(told)] = told
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        sys.addaudithook(called)

    for number in itertools.count(0, stride):
        before = bench.lay(command, old=number % 3 != 2)
        count[:] = bytes(512)
        ended = run(bench.words(command), spoil=lambda number=number: spoil(number))
        reached = struct.unpack("q", count[:8])[0] > number
        again = reached and number % AGAIN == 0
        refused = count[8:].rstrip(b"\0").decode("utf-8", "replace")
        # Where it is the removal that is refused, what was to be removed stays.
        kept = refused.startswith(("os.remove", "os.rmdir", "os.scandir"))
        outcome = bench.judge(command, "each call refused", before, ended, killed=kept, again=again)
        outcome.said = f"{refused}: {outcome.said}"
        yield outcome
        if not reached:
            return


def _is_in(place: Path, arguments: tuple[Any, ...]) -> bool:
    return any(
        isinstance(each, str | bytes | os.PathLike) and os.fsdecode(each).startswith(str(place))
        for each in arguments
    )  # fmt: skip


def _writes(arguments: tuple[Any, ...]) -> bool:
    _, mode, flags = arguments
    return bool(flags & (os.O_WRONLY | os.O_RDWR)) if mode is None else not mode.startswith("r")


def writes_refused(
    bench: Bench, command: Command, *, most: int, lasting: bool, chance: np.random.Generator
) -> Iterator[Outcome]:
    """Let calls of the system fail in turn, those of GDAL and SQLite too: needs strace.

    Parameters
    ----------
    most
        How many of the calls are tried, at random where there are more.
    lasting
        Whether all calls after it fail as well, as on a full disk.
    """
    log = bench.place.parent / "trace"
    _traced(bench, command, ["-o", str(log), "-e", f"trace={CALLS}"])
    lines = [line.split(None, 1)[1] for line in log.read_text("utf-8", "replace").splitlines()]
    names = [line.partition("(")[0] for line in lines]
    # Counted by name: each call of the system has its own counter.
    seen: dict[str, int] = {}
    moments = []
    for name, line in zip(names, lines, strict=True):
        if name not in CALLS.split(","):
            continue
        seen[name] = seen.get(name, 0) + 1
        if name == "openat" and (str(bench.place) not in line or "O_RDONLY" in line):
            continue
        moments.append((name, seen[name]))
    if len(moments) > most:
        moments = [moments[k] for k in sorted(chance.choice(len(moments), most, replace=False))]
    for number, (name, which) in enumerate(moments):
        before = bench.lay(command, old=number % 3 != 2)
        fails = f"inject={name}:error=ENOSPC:when={which}{'+' if lasting else ''}"
        ended = _traced(bench, command, ["-o", os.devnull, "-e", f"trace={name}", "-e", fails])
        outcome = bench.judge(
            command,
            f"writes refused, {'lasting' if lasting else 'once'}",
            before,
            ended,
            # A folder that cannot be opened cannot be emptied either.
            killed=lasting and name in ("unlink", "rmdir", "openat"),
        )
        outcome.said = f"{name} {which}: {outcome.said}"
        yield outcome


def _traced(bench: Bench, command: Command, options: list[str]) -> tuple[int, str]:
    """Run a command under strace, from when it is at work."""
    tracers = []

    def trace(pid: int) -> None:
        os.waitpid(pid, os.WUNTRACED)
        tracer = subprocess.Popen(
            ["strace", "-f", "-qq", "-e", "signal=none", *options, "-p", str(pid)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        tracers.append(tracer)
        status = Path(f"/proc/{pid}/status")
        while "TracerPid:\t0\n" in status.read_text() and tracer.poll() is None:
            time.sleep(0.002)
        os.kill(pid, signal.SIGCONT)

    ended = run(
        bench.words(command), spoil=lambda: os.kill(os.getpid(), signal.SIGSTOP), meanwhile=trace
    )
    for tracer in tracers:
        tracer.wait()
    return ended


def files_limited(bench: Bench, command: Command, sizes: tuple[int, ...]) -> Iterator[Outcome]:
    """Let no file grow beyond so many bytes, as if the disk were full then."""
    import resource

    for number, size in enumerate(sizes):
        before = bench.lay(command, old=number % 3 != 2)
        ended = run(
            bench.words(command),
            spoil=lambda size=size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
        )  # fmt: skip
        yield bench.judge(command, "files of limited size", before, ended)


def disk_full(bench: Bench, command: Command, steps: int) -> Iterator[Outcome]:
    """Write onto disks of growing size (a tmpfs: for root)."""
    old = sum(p.stat().st_size for p in bench.outputs[command.name][0].rglob("*") if p.is_file())
    bench.lay(command)
    run(bench.words(command))
    new = sum(p.stat().st_size for p in bench.place.rglob("*") if p.is_file())
    for step in range(steps):
        size = old + 65_536 + int((new + 500_000) * 1.3 * step / (steps - 1))
        with _disk(bench.place.parent / "disk", size) as disk:
            before = bench.lay(command, place=disk)
            ended = run(bench.words(command, disk))
            outcome = bench.judge(command, "disk full", before, ended, place=disk, again=False)
            if outcome.exit:
                subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
                outcome = bench.judge(command, "disk full", before, ended, place=disk)
        yield outcome


def read_only(bench: Bench, command: Command) -> Iterator[Outcome]:
    """Write into a folder of a disk that is read-only (for root)."""
    with _disk(bench.place.parent / "disk", 64 << 20) as disk:
        before = bench.lay(command, place=disk)
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        ended = run(bench.words(command, disk))
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
        outcome = bench.judge(command, "read-only disk", before, ended, place=disk)
    if ended[0] != 3:
        outcome.faults.append(f"exit {ended[0]}: {ended[1][-300:]}")
    yield outcome


@contextlib.contextmanager
def _disk(at: Path, size: int) -> Iterator[Path]:
    at.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(at)], check=True)
    try:
        yield at
    finally:
        subprocess.run(["umount", "-l", str(at)], check=True)


def permission_lost(
    bench: Bench, command: Command, times: int, chance: np.random.Generator
) -> Iterator[Outcome]:
    """Take the permission to write away while the output is written (from root to nobody)."""
    writes, ends = bench.seconds[command.name]
    for _ in range(times):
        before = bench.lay(command)
        for path in (bench.place, *bench.place.rglob("*")):
            os.chown(path, NOBODY, NOBODY)

        def take(pid: int) -> None:
            until_it_writes(bench.place, pid)
            time.sleep(chance.uniform(0, ends - writes))
            bench.place.chmod(0o555)

        try:
            ended = run(bench.words(command), spoil=lambda: os.setuid(NOBODY), meanwhile=take)
        finally:
            bench.place.chmod(0o755)
        # Nobody may remove the leftovers either.
        outcome = bench.judge(command, "permission lost", before, ended, killed=True)
        if ended[0] not in (0, 3):
            outcome.faults.append(f"exit {ended[0]}: {ended[1][-300:]}")
        yield outcome


def clock_back(bench: Bench, command: Command) -> Iterator[Outcome]:
    """Turn the clock back, before a run and in it, over what a killed run left."""
    before = bench.lay(command)
    for name in (f".{command.output}-0123abcd.part", ".gridcell-0123abcd.part"):
        (bench.place / name).mkdir()
    for path in (*bench.place.iterdir(), bench.place):
        os.utime(path, (4e9, 4e9))
    now = itertools.count(1e9, -1000.0)

    def turn() -> None:
        time.time = lambda: next(now)

    ended = run(bench.words(command), spoil=turn)
    outcome = bench.judge(command, "clock turned back", before, ended, killed=True)
    if ended[0]:
        outcome.faults.append(f"exit {ended[0]}: {ended[1][-300:]}")
    yield outcome


def _second(words: list[str], codes: list[int], _pid: int) -> None:
    codes.append(run(words)[0])


def two_at_once(bench: Bench, command: Command, times: int) -> Iterator[Outcome]:
    """Let two runs write to one place: with leave to overwrite, and without."""
    other = [
        part.format(inputs=bench.inputs, out=bench.place / command.output) for part in command.old
    ]
    other.append("-q")
    old = bench.lay(command)
    new = bench.outputs[command.name][1]
    for number in range(times):
        leave = ["--overwrite"] if number % 2 else []
        bench.lay(command, old=False)
        codes: list[int] = []

        second = partial(_second, [*other, *leave], codes)
        words = [word for word in bench.words(command) if word != "--overwrite"]
        ended = run([*words, *leave], meanwhile=second)
        found = state_of(bench.place)
        outcome = bench.judge(command, "two at once", old, ended)
        codes.append(ended[0])
        if leave and outcome.state == "old":
            # The other run came last.
            outcome.faults.remove("exit 0 and no new output")
        if leave and codes != [0, 0]:
            outcome.faults.append(f"exits {codes}: {ended[1][-200:]}")
        if not leave and sorted(codes) != [0, 3]:
            outcome.faults.append(
                f"exits {codes}, nobody gave leave to overwrite: {ended[1][-200:]}"
            )
        if not leave and found != (new if ended[0] == 0 else old):
            outcome.faults.append("the place holds what the refused run wrote")
        yield outcome


def held_open(bench: Bench, command: Command) -> Iterator[Outcome]:
    """Have the old output open, with a log beside it as other programs keep it."""
    before = bench.lay(command)
    databases = list(bench.place.rglob("*.gpkg"))
    with contextlib.ExitStack() as stack:
        for path in databases:
            base = stack.enter_context(contextlib.closing(sqlite3.connect(path)))
            base.execute("PRAGMA journal_mode = wal")
            base.execute("CREATE TABLE others (x)")
            base.execute("BEGIN")
            base.execute("SELECT * FROM sqlite_master").fetchall()
        for path in bench.place.rglob("*"):
            if path.is_file() and path.suffix != ".gpkg":
                stack.enter_context(path.open("rb"))
        ended = run(bench.words(command))
    outcome = bench.judge(command, "held open by others", before, ended)
    if ended[0]:
        outcome.faults.append(f"exit {ended[0]}: {ended[1][-300:]}")
    yield outcome
