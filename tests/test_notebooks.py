"""The notebooks run from top to bottom, and what they keep is small and says where nothing is."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LARGEST = 300_000

pytestmark = pytest.mark.skipif(not NOTEBOOKS, reason="a source archive has no notebooks")
every = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def code_cells(path):
    cells = json.loads(path.read_text("utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


@every
def test_a_notebook_runs_without_an_error_or_a_warning(path, tmp_path):
    for module in ("nbclient", "ipykernel", "matplotlib"):
        pytest.importorskip(module)
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "run_notebooks.py", "--into", tmp_path, path.name],
        capture_output=True, encoding="utf-8", timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    told = [output for cell in code_cells(tmp_path / path.name) for output in cell["outputs"]]
    assert [output["text"] for output in told if output.get("name") == "stderr"] == []
    assert (tmp_path / path.name).stat().st_size < LARGEST


@every
def test_what_a_notebook_shows_was_made_in_one_run(path):
    counts = [cell["execution_count"] for cell in code_cells(path)]
    assert counts == list(range(1, len(counts) + 1))
    kinds = {output["output_type"] for cell in code_cells(path) for output in cell["outputs"]}
    assert "error" not in kinds
    assert "display_data" in kinds  # pictures are kept


@every
def test_a_notebook_is_small_and_names_no_machine(path):
    text = path.read_text("utf-8")
    assert len(text) < LARGEST
    assert "<iframe" not in text
    for trace in ("/home/", "/root/", "/tmp/", "C:\\\\Users", str(ROOT)):  # noqa: S108
        assert trace not in text


@every
def test_a_notebook_reads_only_files_of_the_repository(path):
    for cell in code_cells(path):
        assert "http" not in "".join(cell["source"])
