"""Runs what README and the documentation tell people to type: every fenced block of sh and python.

Run in the repository: ``python docs/run_examples.py``, or with parts of names of pages: ``…
tutorial walking``. Each page gets a folder of its own, its blocks run in their order, and the first
that fails ends the page. Comments that nobody sees tell more, above a block:

``<!-- runs in: NAME -->``
    The folder of the page, from here on, is a new one with certain files: ``empty``, ``town`` (the
    files of ``gridcell sample`` and others by their usual names), ``plan`` (with a plan besides),
    ``blocks`` (communities and census blocks). Without it, ``plan``.
``<!-- before: LINES -->``
    What has to be there, in the language of the block; it is run, and not shown.
``<!-- not run: REASON -->``
    The block needs what no test has: a cluster, a download.
``<!-- finds errors -->``
    ``gridcell check`` finds some, as the page says, and ends with exit code 4.

Of blocks in ``console`` the lines behind ``$`` are run. ``GRIDCELL_EXAMPLES`` may name a folder to
keep; else there is a temporary one.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TRANSLATED = ROOT / "docs" / "zh" / "recipes"
# README.zh.md and the recipes in Chinese have the commands of the English pages, as tests say.
PAGES = [
    ROOT / "README.md",
    *(page for page in sorted((ROOT / "docs").rglob("*.md")) if page.parent != TRANSLATED),
]
RUN = ("sh", "console", "python")
_BLOCK = re.compile(
    r"^(?P<indent> *)```(?P<language>[\w]*)\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
_MARK = re.compile(
    r"<!--\s*(runs in|before|not run|finds errors|test command)(?::\s*(.*?))?\s*-->", re.DOTALL
)


_TOLERANT = """gridcell() {
  local code=0
  command gridcell "$@" || code=$?
  [ "$1" = check ] && [ $code = 4 ] && code=0
  return $code
}
"""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page, and what the comments above it say."""

    page: Path
    line: int
    language: str
    text: str
    marks: dict[str, str] = field(default_factory=dict)

    @property
    def runs(self) -> bool:
        """Whether it is to be run."""
        return self.language in RUN and not {"not run", "test command"} & set(self.marks)

    @property
    def where(self) -> str:
        """Page and line."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks_of(page: Path) -> list[Block]:
    """Return the fenced blocks of a page."""
    text = page.read_text("utf-8")
    found, end = [], 0
    for match in _BLOCK.finditer(text):
        marks: dict[str, str] = {}
        for name, said in _MARK.findall(text[end : match.start()]):
            marks[name] = f"{marks[name]}\n{said}" if name in marks else said
        found.append(Block(
            page, text.count("\n", 0, match.start()) + 1, match["language"], match["text"], marks,
        ))  # fmt: skip
        end = match.end()
    return found


class FailedError(Exception):
    """A block of a page does not do what it says."""


def run_page(page: Path, scratch: Path) -> str:
    """Run the blocks of a page; return what was done."""
    start, done, left = time.perf_counter(), 0, 0
    name = page.relative_to(ROOT).with_suffix("").as_posix().replace("/", "-")
    number, folder = 0, None
    for block in blocks_of(page):
        if folder is None or "runs in" in block.marks:
            number += 1
            folder = prepare(block.marks.get("runs in", "plan"), scratch, f"{name}-{number}")
            python: list[str] = []
        if block.language not in RUN:
            continue
        if not block.runs:
            left += 1
            continue
        before = block.marks.get("before", "")
        if block.language == "python":
            python += [before, block.text]
            _run([sys.executable, "-W", "ignore", "-c", "\n".join(python)], block, folder)
        else:
            folder = _run_shell(before, block, folder)
        done += 1
    seconds = time.perf_counter() - start
    return f"{page.relative_to(ROOT)}: {done} blocks in {seconds:.0f} s, {left} left out"


def _run_shell(before: str, block: Block, folder: Path) -> Path:
    """Run a block of a shell; return the folder in which the next one goes on."""
    text = block.text
    if block.language == "console":
        text = "\n".join(re.findall(r"^\$ (.*)$", text, re.MULTILINE))
    last = folder / ".folder"
    tolerant = _TOLERANT if "finds errors" in block.marks else ""
    script = f"set -e\n{tolerant}{before}\n{text}\npwd > '{last}'\n"
    _run(["bash", "-c", script], block, folder)
    return Path(last.read_text().strip())


def _run(command: list[str], block: Block, folder: Path) -> None:
    environment = {
        **os.environ, "LC_ALL": "C.UTF-8", "MPLBACKEND": "Agg",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }  # fmt: skip
    environment.pop("GRIDCELL_LANG", None)
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False
    )
    if done.returncode != 0:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-12:])
        raise FailedError(f"{block.where}: exit code {done.returncode}\n{block.text}\n{said}")


def prepare(kind: str, scratch: Path, name: str) -> Path:
    """Return a new folder with the files of a kind."""
    folder = scratch / name
    if kind == "empty":
        folder.mkdir(parents=True)
    else:
        shutil.copytree(scene(kind, scratch / "scenes"), folder)
    return folder


@cache
def scene(kind: str, scenes: Path) -> Path:
    """Return the files that pages of a kind find, made once."""
    folder = scenes / kind
    if folder.exists():
        return folder
    subprocess.run(
        [sys.executable, Path(__file__).with_name("example_files.py"), kind, folder],
        check=True, capture_output=True,
    )  # fmt: skip
    return folder


def main(parts: list[str]) -> int:
    kept = os.environ.get("GRIDCELL_EXAMPLES")
    pages = [page for page in PAGES if not parts or any(part in str(page) for part in parts)]
    with tempfile.TemporaryDirectory() as temporary:
        scratch = Path(kept or temporary)
        for kind in ("town", "plan", "blocks"):
            scene(kind, scratch / "scenes")
        workers = int(os.environ.get("GRIDCELL_WORKERS", os.cpu_count() or 1))
        with ThreadPoolExecutor(workers) as pool:
            failed = 0
            for work in [pool.submit(run_page, page, scratch) for page in pages]:
                try:
                    print(work.result(), flush=True)
                except FailedError as error:
                    print(f"FAILED {error}\n", flush=True)
                    failed += 1
    print(f"{len(pages)} pages, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
