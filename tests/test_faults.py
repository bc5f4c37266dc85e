"""Commands that are killed, interrupted and two at once: a share of `benchmarks/faults.py`."""

import subprocess
import sys
from pathlib import Path

import pytest

FAULTS = Path(__file__).parents[1] / "benchmarks" / "faults.py"


@pytest.mark.skipif(sys.platform != "linux", reason="forks, and looks into /proc")
def test_whatever_stops_a_command_the_output_is_whole_and_the_next_run_works():
    command = [sys.executable, "-W", "ignore", str(FAULTS), "--share"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("0 broken\n")
    assert done.stdout.count("runs:") == 5
