"""The whole way at the size of a city: seconds, CPU and memory, by workers and by stage.

    python benchmarks/city.py --town 24000/4 --town 240000/10 --town 1320000/56
    python benchmarks/city.py --town 240000/10 --gridcell OLD/gridcell --gridcell NEW/gridcell
    python benchmarks/city.py --town 240000/10 --workers 1 --shards 4

Each town is drawn (`gridcell sample`, seed 1) and divided from files to proven files with every
input, with one worker and with two, by each `gridcell` that is named, one after another. On a
machine that has other work to do wall seconds say little; CPU seconds say more, and least of all
depends the ratio of two lines of one run. With --shards the same town is then divided in so many
shares, with one worker, and these are joined: a line each, with the size of the shard's folder.
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


def divide(program: str, town: Path, workers: int, *options: object) -> dict[str, float]:
    """Return what a division of a town costs."""
    folder = town / "plan"
    shutil.rmtree(folder, ignore_errors=True)
    cost = measured(
        program, "partition", town / "communities.shp", town / "buildings.shp", "-o", folder,
        "--households", town / "households.csv", "--sites", town / "sites.shp",
        "--barriers", town / "roads.shp", "--barriers", town / "rivers.shp",
        "--staff", town / "staff.csv", "--workers", workers, "-q", *options,
    )  # fmt: skip
    if options:
        return cost
    seconds = json.loads((folder / "report.json").read_text("utf-8"))["seconds"]
    return {
        **cost,
        **{stage: seconds.get(stage, math.nan) for stage in STAGES},
        "rest": cost["wall"] - seconds["total"],
    }


def measured(*command: object) -> dict[str, float]:
    """Return what a command costs."""
    start = time.perf_counter()
    process = subprocess.Popen([str(part) for part in command])
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    if status:
        sys.exit(f"{command[0]} ended with {os.waitstatus_to_exitcode(status)}")
    cpu, peak = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
    return {"wall": wall, "cpu": cpu, "peak_mb": peak}


def divide_in_shards(program: str, town: Path, shards: int) -> None:
    """Print what the shards of a town cost, and to join them."""
    folders = [town / f"shard{number}" for number in range(1, shards + 1)]
    for number, folder in enumerate(folders, start=1):
        share = f"{number}/{shards}"
        cost = divide(program, town, 1, "--shard", share, "-o", folder)
        files = [file.stat().st_size for file in folder.rglob("*") if file.is_file()]
        tell("shard", share, *cost.values(), sum(files) / 2**20)
    cost = measured(program, "merge", *folders, "-o", town / "joined", "--workers", 1, "-q")
    tell("merge", shards, *cost.values())


def tell(*words: object) -> None:
    """Print a line of words and figures."""
    said = [f"{word:.1f}" if isinstance(word, float) else str(word) for word in words]
    print(*said, flush=True)


def main() -> None:
    """Print a line for each town, program and number of workers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--town", action="append", required=True, help="HOUSEHOLDS/COMMUNITIES")
    parser.add_argument("--gridcell", action="append", help="programs; the one beside this Python")
    parser.add_argument("--workers", type=int, action="append", help="1 and 2 by default")
    parser.add_argument("--shards", type=int, help="divide in so many shares as well")
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
            for workers in given.workers or (1, 2):
                for program in programs:
                    cost = divide(program, town, workers)
                    costs.setdefault((program, workers), []).append((households, cost["cpu"]))
                    tell(households, workers, program, *cost.values())
            if given.shards:
                divide_in_shards(programs[0], town, given.shards)
    for (program, workers), line in costs.items():
        (small, least), (large, most) = line[0], line[-1]
        if large > small:
            growth = math.log(most / least) / math.log(large / small)
            print(f"growth of CPU, {workers} workers: {growth:.2f} ({program})")


if __name__ == "__main__":
    main()
