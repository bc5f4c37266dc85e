"""Runs without enough memory, and runs that lose a worker; as `fault_kinds`.

A copy of a process that is warm has memory of its own to spare, and no limit reaches it: runs
without memory are processes started anew.
"""

import contextlib
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
from faults import SECONDS, Bench, Command, Outcome, run

ENDS: Final = ("memory", "bad_alloc")
"""What is said by us, or by a library that ends the process, where there is no memory."""
_ANEW: Final = """
import atexit, sys, time
# What a run took is in the plan, and different each time.
time.perf_counter = lambda: 0.0
def tell():
    lines = open("/proc/self/status").read().splitlines()
    peak = [line.split()[1] for line in lines if line.startswith("VmPeak")]
    open(sys.argv[1], "w").write(peak[0])
atexit.register(tell)
from gridcell_cli.main import main
main(sys.argv[2:])
"""


def starved(bench: Bench, command: Command, shares: tuple[float, ...]) -> Iterator[Outcome]:
    """Let a process started anew have these shares of the memory that the command takes."""
    told = bench.place.parent / "peak"
    bench.lay(command)
    _anew(bench.words(command), told, resource.RLIM_INFINITY)
    peak = int(told.read_text()) << 10
    for number, share in enumerate(shares):
        before = bench.lay(command, old=number % 3 != 2)
        ended = _anew(bench.words(command), told, int(peak * share))
        # Without memory nobody can clean up.
        outcome = bench.judge(command, "no memory", before, ended, killed=ended[0] != 0)
        _require_told(outcome)
        outcome.said = f"{share:.0%} of {peak >> 20} MB: {outcome.said}"
        yield outcome


def _anew(words: list[str], told: Path, limit: int) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _ANEW, str(told), *words],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
        capture_output=True, encoding="utf-8", errors="replace", timeout=SECONDS, check=False,
    )  # fmt: skip
    return done.returncode, done.stderr.strip()


def _require_told(outcome: Outcome) -> None:
    """Add a fault where a run without memory is told by anything but memory."""
    if "Traceback (most" in outcome.said:
        outcome.faults.append(outcome.said[-300:])
    if outcome.exit and not any(words in outcome.said for words in ENDS):
        outcome.faults.append(f"exit {outcome.exit}: {outcome.said[-300:]}")


def worker_lost(
    bench: Bench, command: Command, times: int, chance: np.random.Generator
) -> Iterator[Outcome]:
    """Kill one of the processes that divide and prove, at random moments."""
    seconds = _time_with_workers(bench, command)
    for _ in range(times):
        wait = chance.uniform(0.0, seconds)

        def strike(worker: int, *, wait: float = wait) -> None:
            time.sleep(wait)
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)

        outcome = _with_workers(bench, command, "worker lost", strike)
        if outcome.exit not in (0, 1) or (
            outcome.exit and "worker process ended" not in outcome.said
        ):
            outcome.faults.append(f"exit {outcome.exit}: {outcome.said[-300:]}")
        yield outcome


def worker_starved(bench: Bench, command: Command, shares: tuple[float, ...]) -> Iterator[Outcome]:
    """Let one of the processes that divide have these shares of the memory that it takes."""
    peaks = [0]

    def watch(worker: int) -> None:
        with contextlib.suppress(OSError):
            while True:
                status = Path(f"/proc/{worker}/status").read_text()
                found = [line.split()[1] for line in status.splitlines() if "VmPeak" in line]
                if not found:
                    return
                peaks.append(int(found[0]) << 10)
                time.sleep(0.005)

    _with_workers(bench, command, "", watch)
    for share in shares:
        limit = int(max(peaks) * share)

        def strike(worker: int, *, limit: int = limit) -> None:
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(worker, resource.RLIMIT_AS, (limit, limit))

        outcome = _with_workers(bench, command, "worker without memory", strike)
        _require_told(outcome)
        outcome.said = f"{share:.0%} of {max(peaks) >> 20} MB: {outcome.said}"
        yield outcome


def _time_with_workers(bench: Bench, command: Command) -> float:
    begin = time.monotonic()
    _with_workers(bench, command, "", lambda _: None)
    return time.monotonic() - begin


def _with_workers(
    bench: Bench, command: Command, kind: str, strike: Callable[[int], object]
) -> Outcome:
    """Run a command with two processes; do something to one of them once it is there."""
    import gridcell_cli.workers

    def many() -> None:
        gridcell_cli.workers._MANY_BUILDINGS = 0  # type: ignore[misc]

    def meet(pid: int) -> None:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            if spawned := _spawned(pid):
                threading.Thread(target=strike, args=(spawned[-1],), daemon=True).start()
                return
            time.sleep(0.005)

    before = bench.lay(command)
    ended = run([*bench.words(command), "--workers", "2"], spoil=many, meanwhile=meet)
    return bench.judge(command, kind, before, ended)


def _spawned(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        lines = [(int(c), Path(f"/proc/{c}/cmdline").read_text()) for c in children]
    except OSError:
        return []
    return [number for number, line in lines if "spawn_main" in line]
