"""The whole way at the size of a city: seconds, CPU and memory, by workers and by stage.

    python benchmarks/city.py --town 24000/4 --town 240000/10 --town 1320000/56
    python benchmarks/city.py --town 240000/10 --gridcell OLD/gridcell --gridcell NEW/gridcell

Each town is drawn (`gridcell sample`, seed 1) and divided from files to proven files with every
input, with one worker and with two, by each `gridcell` that is named, one after another. On a
machine that has other work to do wall seconds say little; CPU seconds say more, and least of all
depends the ratio of two lines of one run.
"""

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

STAGES = ("households", "fabric", "partition", "cells", "assign", "proof")


def divide(program: str, town: Path, workers: int) -> dict[str, float]:
    """Return what a division of a town costs."""
    folder = town / "plan"
    shutil.rmtree(folder, ignore_errors=True)
    command = [
        program, "partition", town / "communities.shp", town / "buildings.shp", "-o", folder,
        "--households", town / "households.csv", "--sites", town / "sites.shp",
        "--barriers", town / "roads.shp", "--barriers", town / "rivers.shp",
        "--staff", town / "staff.csv", "--workers", str(workers), "-q",
    ]  # fmt: skip
    start = time.perf_counter()
    process = subprocess.Popen([str(part) for part in command])
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    if status:
        sys.exit(f"{program} ended with {os.waitstatus_to_exitcode(status)}")
    seconds = json.loads((folder / "report.json").read_text("utf-8"))["seconds"]
    return {
        "wall": wall,
        "cpu": used.ru_utime + used.ru_stime,
        "peak_mb": used.ru_maxrss / 1024,
        **{stage: seconds.get(stage, math.nan) for stage in STAGES},
        "rest": wall - seconds["total"],
    }


def main() -> None:
    """Print a line for each town, program and number of workers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--town", action="append", required=True, help="HOUSEHOLDS/COMMUNITIES")
    parser.add_argument("--gridcell", action="append", help="programs; the one beside this Python")
    given = parser.parse_args()
    programs = given.gridcell or [str(Path(sys.executable).with_name("gridcell"))]
    print("households workers program", "wall cpu peak_mb", *STAGES, "rest")
    costs: dict[tuple[str, int], list[tuple[int, float]]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for size in given.town:
            households, communities = map(int, size.split("/"))
            town = Path(scratch) / str(households)
            subprocess.run(
                [programs[0], "sample", town, "--households", str(households),
                 "--communities", str(communities), "--seed", "1"],
                check=True, stdout=subprocess.DEVNULL,
            )  # fmt: skip
            for workers in (1, 2):
                for program in programs:
                    cost = divide(program, town, workers)
                    costs.setdefault((program, workers), []).append((households, cost["cpu"]))
                    told = " ".join(f"{value:.1f}" for value in cost.values())
                    print(households, workers, program, told, flush=True)
    for (program, workers), line in costs.items():
        (small, least), (large, most) = line[0], line[-1]
        if large > small:
            growth = math.log(most / least) / math.log(large / small)
            print(f"growth of CPU, {workers} workers: {growth:.2f} ({program})")


if __name__ == "__main__":
    main()
