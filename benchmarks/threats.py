"""Every hostile input through the command line, in a process of its own: what came of it.

python benchmarks/threats.py [--only WORD …] [--markdown]

The inputs are those of `tests/hostile.py`, the large ones too. Exit 1 where one did not come to
what is written there, left anything beside its output, or took more than half an hour.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from threading import Timer

sys.path.insert(0, str(Path(__file__).absolute().parents[1] / "tests"))

SECONDS = 1800


def main() -> None:
    """Run the cases, and print a line for each."""
    from hostile import CASES

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", default=[], help="cases with one of these words")
    parser.add_argument("--markdown", action="store_true", help="as the table of the docs")
    given = parser.parse_args()
    broken = 0
    line = "{}: {}, {:.0f} CPU s, {:.1f} GB: {}"
    if given.markdown:
        line = "| {} | {} | {:.0f} | {:.1f} | {} |"
    for case in CASES:
        if given.only and not any(word in case.name for word in given.only):
            continue
        with tempfile.TemporaryDirectory() as scratch:
            code, said, seconds, resident, beside = run(case.write, Path(scratch))
        as_told = code == case.code and case.says in said and not beside
        broken += not as_told
        outcome = {0: "done", 3: "refused", 4: "done, with a fault"}.get(code, f"exit {code}")
        if not as_told:
            outcome = f"NOT AS TOLD: {outcome} {beside}"
        last = said.strip().splitlines()[-1:] if code else []
        print(line.format(case.name, outcome, seconds, resident, "".join(last)[:160]), flush=True)
    sys.exit(1 if broken else 0)


def run(
    write: Callable[[Path], list[str]], folder: Path
) -> tuple[int, str, float, float, list[str]]:
    """Return exit code, what was said, CPU seconds, GB at most, and files beside the output."""
    given = folder / "in"
    given.mkdir()
    arguments = write(given)
    before = set(folder.rglob("*"))
    command = [sys.executable, "-m", "gridcell_cli", *arguments, "-o", str(folder / "out")]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as process:
        timed = Timer(SECONDS, process.kill)
        timed.start()
        assert process.stderr is not None
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        timed.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
    out = folder / "out"
    beside = [p.name for p in set(folder.rglob("*")) - before if p != out and out not in p.parents]
    seconds = usage.ru_utime + usage.ru_stime
    return process.returncode, said, seconds, usage.ru_maxrss / 1e6, beside


if __name__ == "__main__":
    main()
