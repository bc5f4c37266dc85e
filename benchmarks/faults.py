"""Commands that are killed, starved and refused while they run: a table of what came of each.

python benchmarks/faults.py [--kills 200] [--calls 20] [--seed 0]
    [--only WORD …] [--commands WORD …]

Linux, as root (disks of its own size, other users) and with strace (every write refused); what
is not to be had is left out, and said. Exit 1 where an output was neither the old one nor the new
one, something was left behind, or the next run did not come to the new one: `tests/faults.py`.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).absolute().parents[1] / "tests"))

import fault_kinds as kinds
import fault_memory as memory
import numpy as np
from faults import COMMANDS, Bench, Command, Outcome, make_bench

SIZES = (0, 511, 8192, 65_536, 90_000, 200_000)
MEMORY = (0.3, 0.5, 0.7, 0.9)
"""Shares of what a command takes, or a worker of it."""

Kind = Callable[[Bench, Command], Iterator[Outcome]]


SHARE = ("repair to a shapefile",)
"""Commands of the share that the tests run."""


def share_of(seed: int) -> dict[str, Kind]:
    """Return the share that the tests run: seconds, and neither root nor strace."""
    chance = np.random.default_rng(seed)
    return {
        "kill -9": partial(kinds.killed, times=2, chance=chance),
        "Ctrl-C": partial(kinds.interrupted, times=2, chance=chance),
        "files of limited size": partial(kinds.files_limited, sizes=(8192,)),
        "clock turned back": kinds.clock_back,
        "two at once": partial(kinds.two_at_once, times=1),
    }


def kinds_of(kills: int, seed: int, calls: int) -> dict[str, Kind]:
    """Return what can be done to a command on this machine."""
    chance = np.random.default_rng(seed)
    each = -(-kills // len(COMMANDS))
    found: dict[str, Kind] = {
        "kill -9": partial(kinds.killed, times=each, chance=chance),
        "Ctrl-C": partial(kinds.interrupted, times=4, chance=chance),
        "each call refused": kinds.calls_refused,
        "files of limited size": partial(kinds.files_limited, sizes=SIZES),
        "no memory": partial(memory.starved, shares=MEMORY),
        "worker lost": partial(memory.worker_lost, times=4, chance=chance),
        "worker without memory": partial(memory.worker_starved, shares=MEMORY),
        "clock turned back": kinds.clock_back,
        "two at once": partial(kinds.two_at_once, times=4),
        "held open by others": kinds.held_open,
    }
    if os.geteuid() == 0:
        found["disk full"] = partial(kinds.disk_full, steps=8)
        found["read-only disk"] = kinds.read_only
        found["permission lost"] = partial(kinds.permission_lost, times=4, chance=chance)
    if shutil.which("strace"):
        for lasting in (False, True):
            name = f"writes refused, {'lasting' if lasting else 'once'}"
            found[name] = partial(kinds.writes_refused, most=calls, lasting=lasting, chance=chance)
    return found


def main() -> None:
    """Spoil every command in every way, and print a line for each kind."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200, help="of all commands together")
    parser.add_argument("--calls", type=int, default=20, help="refused of each command: strace")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", default=[], help="kinds with one of these words")
    parser.add_argument(
        "--commands", nargs="*", default=[], help="commands with one of these words"
    )
    parser.add_argument("--verbose", action="store_true", help="what each run said")
    parser.add_argument("--markdown", action="store_true", help="as the table of the docs")
    parser.add_argument("--share", action="store_true", help="what the tests run, in seconds")
    given = parser.parse_args()
    broken = 0
    meant = SHARE if given.share else tuple(given.commands)
    commands = [c for c in COMMANDS if _is_meant(c.name, meant)]
    chosen = share_of(given.seed) if given.share else kinds_of(given.kills, given.seed, given.calls)
    with tempfile.TemporaryDirectory(prefix="faults") as folder:
        # Whoever loses the permission to write may still look into it.
        Path(folder).chmod(0o755)
        bench = make_bench(Path(folder), tuple(commands))
        for name, spoil in chosen.items():
            if not _is_meant(name, given.only):
                continue
            start, outcomes = time.monotonic(), []
            for command in commands:
                if name.startswith("worker") and not command.workers:
                    continue
                for outcome in spoil(bench, command):
                    outcomes.append(outcome)
                    if outcome.faults:
                        _complain(outcome)
                    elif given.verbose:
                        print(command.name, f"exit {outcome.exit}", outcome.said[-300:], flush=True)
            broken += sum(bool(o.faults) for o in outcomes)
            _tell(name, outcomes, time.monotonic() - start, markdown=given.markdown)
    print(f"{broken} broken")
    sys.exit(1 if broken else 0)


def _complain(outcome: Outcome) -> None:
    told = " ".join([f"exit {outcome.exit}", outcome.said[:300], *outcome.faults])
    print("BROKEN", outcome.kind, outcome.command, told.replace("\n", " "), flush=True)


def _is_meant(name: str, words: Sequence[str]) -> bool:
    return not words or any(word in name for word in words)


def _tell(name: str, outcomes: list[Outcome], seconds: float, *, markdown: bool) -> None:
    states, exits = Counter(o.state for o in outcomes), Counter(o.exit for o in outcomes)
    told = ", ".join(f"{code}: {count}" for code, count in sorted(exits.items()))
    kept = states["old"] + states["nothing"]
    bad = sum(bool(o.faults) for o in outcomes)
    line = "{}: {} runs: {} old, {} new, {} broken; exit codes {}; {:.0f} s"
    if markdown:
        line = "| {} | {} | {} | {} | {} | {} |"
    print(line.format(name, len(outcomes), kept, states["new"], bad, told, seconds), flush=True)


if __name__ == "__main__":
    main()
