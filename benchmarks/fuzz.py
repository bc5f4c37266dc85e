"""Damaged files, nasty geometries and wild towns by the thousand.

python benchmarks/fuzz.py [--cases 2000] [--first 0] [--kinds shapefile geojson …] [--only check]
python benchmarks/fuzz.py --towns 10000 [--seed 0] [--workers 2]
python benchmarks/fuzz.py --case shapefile:4711

Damaged files are read, or gridcell says what is wrong. Towns go the whole way: divided, written,
updated, edited, adopted, exported, repaired; after every step all proofs must hold, and households
and land are counted again with plain geopandas (`tests/wild_towns.py`, `tests/town_ways.py`).

Cases run in batches in processes of their own. A case fails that raises anything but gridcell's own
errors, lets a warning or a line on stderr out, takes more than 20 CPU s or 1.5 GB, or ends the
process. Failures are printed as they are found, with the case that makes them happen again.
"""

import argparse
import contextlib
import faulthandler
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).absolute().parents[1] / "tests"))

SECONDS = 20.0
"""Of CPU that a case may take."""
TOWN_SECONDS = 120.0
RESIDENT_KB = 1_500_000
ADDRESSES = 4 << 30
"""Bytes of address space that a batch may take beyond what it starts with."""
BATCH = 400


def work(kind: str, first: int, count: int, only: tuple[str, ...], log: Path) -> None:
    """Run cases one after another, and append what came of each to the log."""
    from fuzzing import TOWN, run_case

    resident = _limit()
    with log.open("a") as out, (log.parent / "trace").open("w+b") as trace:
        errors = os.dup(2)
        os.dup2(trace.fileno(), 2)
        for seed in range(first, first + count):
            print(json.dumps({"seed": seed}), file=out, flush=True)
            _watch(TOWN_SECONDS if kind == TOWN else SECONDS)
            start, said = time.process_time(), trace.seek(0, os.SEEK_END)
            outcomes, failures = run_case(kind, seed, only=only)
            _watch(0)
            faults = [vars(f) for f in failures]
            os.lseek(2, said, os.SEEK_SET)
            if text := os.read(2, 400).decode("utf-8", "replace"):
                faults.append({"call": "stderr", "what": text, "where": "stderr"})
            if (grown := resident()) > RESIDENT_KB:
                faults.append({"call": "memory", "what": f"{grown} kB", "where": "memory"})
            took = time.process_time() - start
            row = {"seed": seed, "outcomes": outcomes, "faults": faults, "seconds": took}
            print(json.dumps(row), file=out, flush=True)
            _tell(kind, row)
            if grown > RESIDENT_KB:
                break
        os.dup2(errors, 2)


def _limit() -> Any:
    """Limit the process's memory, and return what tells how much it had at most."""
    faulthandler.enable()
    try:
        import resource
    except ImportError:  # Windows
        return lambda: 0
    pages = int(Path("/proc/self/statm").read_text().split()[0]) if Path("/proc").exists() else 0
    limit = pages * resource.getpagesize() + ADDRESSES
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
    return lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _watch(seconds: float) -> None:
    """End the process after so many CPU seconds, or ten times as many by the clock; 0 never."""
    faulthandler.cancel_dump_traceback_later()
    if hasattr(signal, "setitimer"):
        faulthandler.register(signal.SIGPROF, all_threads=False, chain=True)
        signal.setitimer(signal.ITIMER_PROF, seconds)
    if seconds:
        faulthandler.dump_traceback_later(10 * seconds, exit=True)


def run_kind(
    kind: str, first: int, cases: int, only: tuple[str, ...], workers: int
) -> list[dict[str, Any]]:
    """Return a row for each case, run in processes of `BATCH` cases, so many at once."""
    rows: list[dict[str, Any]] = []
    starts = range(first, first + cases, BATCH)
    with ThreadPoolExecutor(workers) as pool:
        batches = pool.map(
            lambda start: run_batch(kind, start, min(BATCH, first + cases - start), only), starts
        )
        for batch in batches:
            rows += batch
            if cases > BATCH:
                print(f"{kind}: {len(rows)} of {cases}", flush=True)
    return rows


def run_batch(kind: str, first: int, cases: int, only: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return a row for each case; after one that ends the process, another goes on."""
    rows: list[dict[str, Any]] = []
    seed, last = first, first + cases
    while seed < last:
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder) / "log"
            command = [sys.executable, __file__, "--work", kind, str(seed), str(last - seed)]
            environment = {**os.environ, "TMPDIR": folder}
            done = subprocess.run([*command, str(log), *only], check=False, env=environment)
            lines = [json.loads(line) for line in log.read_text().splitlines()]
            ran = [line for line in lines if "outcomes" in line]
            rows += ran
            if lines and "outcomes" not in lines[-1]:
                trace = (Path(folder) / "trace").read_text("utf-8", "replace")
                hang = "Timeout" in trace or done.returncode == -getattr(signal, "SIGPROF", 0)
                fault = {
                    "call": "process", "where": _innermost(trace),
                    "what": "too many CPU s" if hang else f"exit {done.returncode}",
                }  # fmt: skip
                rows.append({"seed": lines[-1]["seed"], "outcomes": [], "faults": [fault]})
                _tell(kind, rows[-1])
            elif not lines:
                raise RuntimeError(f"{kind}: the process ended before its first case")
            seed = lines[-1]["seed"] + 1
    return rows


def _tell(kind: str, row: dict[str, Any]) -> None:
    """Print the failures of a case at once: a long run may be ended before its table."""
    for fault in row["faults"]:
        print(f"FAILED {kind}:{row['seed']}", fault["call"], fault["what"][:400], flush=True)


def _innermost(trace: str) -> str:
    steps = [line.strip() for line in trace.splitlines() if "/gridcell/" in line]
    return steps[0] if steps else trace[-300:]


def main() -> None:
    if len(sys.argv) > 1 and sys.argv[1] == "--work":
        kind, first, count, log, *only = sys.argv[2:]
        work(kind, int(first), int(count), tuple(only), Path(log))
        return
    from fuzzing import KINDS, TOWN, run_case

    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=2000, help="of each kind")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--kinds", nargs="*", default=KINDS)
    parser.add_argument(
        "--only", nargs="*", default=[], help="some calls: read, inspect, check, within, plan, fit"
    )
    parser.add_argument("--case", help="run one case here, for example shapefile:4711")
    parser.add_argument("--towns", type=int, help="so many towns, and nothing else")
    parser.add_argument("--seed", type=int, default=0, help="of the first town")
    parser.add_argument("--workers", type=int, default=1, help="processes at once")
    given = parser.parse_args()
    if given.towns:
        given.kinds, given.cases, given.first = [TOWN], given.towns, given.seed
    if given.case:
        kind, _, seed = given.case.partition(":")
        outcomes, failures = run_case(kind, int(seed), only=tuple(given.only))
        print("\n".join(map(str, [*outcomes, *failures])))
        return
    total, failed = 0, 0
    for kind in given.kinds:
        start = time.perf_counter()
        rows = run_kind(kind, given.first, given.cases, tuple(given.only), given.workers)
        outcomes = Counter(o for row in rows for o in row["outcomes"] if ": " not in o)
        faults: dict[tuple[str, str, str], list[int]] = {}
        for row in rows:
            for f in row["faults"]:
                key = (f["call"], f["where"], f["what"][:160])
                faults.setdefault(key, []).append(row["seed"])
        total, failed = total + len(rows), failed + sum(bool(r["faults"]) for r in rows)
        slowest = max((r.get("seconds", 0.0), r["seed"]) for r in rows)
        print(
            f"{kind}: {len(rows)} cases in {time.perf_counter() - start:.0f} s, slowest "
            f"{slowest[0]:.1f} CPU s ({kind}:{slowest[1]}); "
            + ", ".join(f"{n} {name}" for name, n in sorted(outcomes.items())),
            flush=True,
        )
        for (call, where, what), seeds in sorted(faults.items(), key=lambda item: -len(item[1])):
            print(f"  {len(seeds)} x {call} at {where}: {what}")
            print("    " + " ".join(f"{kind}:{seed}" for seed in seeds[:4]), flush=True)
    print(f"{total} cases, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
