"""Runs the notebooks and keeps what they show, so that it stays true.

Run in the repository, with gridcell and its extra ``notebook`` installed, and nbclient:
``python docs/run_notebooks.py``, or with the beginning of some names: ``… 01 03``. With
``--into FOLDER`` the notebooks stay as they are and copies are written. Interactive maps are left
out of what is kept: they are 0.6 MB.
"""

import argparse
import base64
import io
import re
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from PIL import Image

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
COLOURS = 64
_STYLED = re.compile(r"\bT_[0-9a-f]{5}(?=[_\"])")
"""Ids that pandas draws by chance for the tables it styles."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Runs the notebooks and keeps what they show.")
    parser.add_argument("names", nargs="*", default=[""], help="beginnings of file names; all")
    parser.add_argument("--into", type=Path, default=NOTEBOOKS, help="folder for the results")
    asked = parser.parse_args()
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        if path.name.startswith(tuple(asked.names)):
            start = time.perf_counter()
            notebook = run(path)
            keep_small(notebook)
            text = nbformat.writes(notebook) + "\n"
            (asked.into / path.name).write_text(text, encoding="utf-8", newline="\n")
            print(f"{path.name}: {time.perf_counter() - start:.0f} s, {len(text) / 1000:.0f} kB")


def run(path: Path) -> NotebookNode:
    """Return the notebook with new outputs, or raise where a cell fails."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, timeout=120, kernel_name="python3", record_timing=False,
        resources={"metadata": {"path": str(path.parent)}},
    )  # fmt: skip
    client.execute()
    return notebook


def keep_small(notebook: NotebookNode) -> None:
    """Leave interactive maps out, make pictures small, forget what differs from run to run."""
    notebook.metadata.language_info = {"name": "python"}
    for place, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        cell.outputs = [
            out for out in cell.outputs
            if "<iframe" not in _html(out) and "\r" not in out.get("text", "")  # maps, progress
        ]  # fmt: skip
        for number, out in enumerate(cell.outputs):
            data = out.get("data", {})
            if "text/html" in data:
                # Every reader shows the page; the words beside it name addresses and seconds.
                data.pop("text/plain", None)
                data["text/html"] = _STYLED.sub(f"T_{place}_{number}", _html(out))
            if "image/png" in data:
                data["image/png"] = _fewer_colours(data["image/png"])


def _html(output: NotebookNode) -> str:
    return "".join(output.get("data", {}).get("text/html", ""))


def _fewer_colours(png: str) -> str:
    picture = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
    small = io.BytesIO()
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(small, "png", optimize=True)
    return base64.b64encode(small.getvalue()).decode("ascii") + "\n"


if __name__ == "__main__":
    main()
