"""Years in the life of small towns by the hundred: updates, edits, drawn layers, undone and read.

python benchmarks/years.py [--sequences 500] [--first 0]

Each sequence is one of `tests/test_years.py`: after every step codes, lineage, totals, locks and
all proofs must hold. Prints how often each operation was done, how many edits a plan refused, and
every sequence that broke a promise, with its number.
"""

import argparse
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).absolute().parents[1] / "tests"))


def main() -> None:
    """Run the sequences, and print what was done."""
    from test_years import live

    parser = argparse.ArgumentParser(description="Sequences of operations on small towns.")
    parser.add_argument("--sequences", type=int, default=500)
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    warnings.simplefilter("error")
    done: Counter[str] = Counter()
    broken = []
    begin = time.process_time()
    for seed in range(options.first, options.first + options.sequences):
        try:
            with tempfile.TemporaryDirectory() as folder:
                done.update(operation(told) for told in live(seed, Path(folder)))
        except Exception as error:  # noqa: BLE001
            broken.append(seed)
            print(f"{seed}: {type(error).__name__}: {str(error)[:300]}", flush=True)
            traceback.print_exc(limit=-3)
    print(f"{options.sequences} sequences, {time.process_time() - begin:.0f} CPU s")
    print(", ".join(f"{name} {count}" for name, count in sorted(done.items())))
    print(f"broken: {broken or 'none'}")


def operation(told: str) -> str:
    """Return the name of what was done: `merge`, `update demolished`, `refused`."""
    first, second = [*told.replace(",", "").split(), ""][:2]
    return f"{first} {second}" if first == "update" else first if not first.isdigit() else "undo"


if __name__ == "__main__":
    main()
