"""The model of the editor, tested by node's own test runner."""

import shutil
import subprocess
from pathlib import Path

import pytest

NODE = shutil.which("node")
TESTS = sorted((Path(__file__).parent / "page").glob("*.test.mjs"))


@pytest.mark.skipif(NODE is None, reason="needs node")
@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.name)
def test_the_page_s_own_tests_pass(file: Path) -> None:
    done = subprocess.run([str(NODE), "--test", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
