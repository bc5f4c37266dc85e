"""The tour of docs/editing.md: cells brought nearer to their band with the tools of the editor.

Used by make_pictures.py; alone it tells what it did and writes the script:
``python docs/editor_tour.py PLAN edits.json``.
"""

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

import gridcell

_FIND = """const { division } = editor, cell = division.state.cells.findIndex(
  (own, k) => division.label(k) === code && division.atomsOf(k).length);"""
_SHOW = f"code => {{ {_FIND} editor.show(cell); }}"
_CHOSEN = "() => editor.atoms"
_CHOOSE = "atoms => { editor.choose(atoms, false); }"
_OFF = """() => editor.division.totals().off.map(one => ({
  code: editor.division.label(one.cell), households: one.held, away: one.away }))"""
_LEFT = """() => editor.targets.map(cell => {
  const { fault, changed } = editor.division.preview(editor.atoms, cell);
  return fault ? 1e9 : changed.reduce((sum, one) => sum + (one.after ? one.after.off : 0), 0);
})"""
"""For each cell beside what is chosen, the households out of band after a move there."""
_SMALL = """() => {
  editor.turn("small");
  const { division } = editor, general = cell => division.cells("small")[cell].general;
  const fullest = [...division.totals("small").held].filter(([cell]) => general(cell)).sort(
    (a, b) => b[1] - a[1] || a[0] - b[0]);
  for (const [cell] of fullest) {
    for (const unit of division.units(division.atomsOf(cell, "small"), "small")) {
      const atoms = division.atomsOf(unit, "micro"), beside = division.cellsBeside(atoms, "small");
      const fits = to => {
        const { changed, fault } = division.preview(atoms, to, "small");
        return !fault && changed.every(one => one.after && !one.after.off);
      };
      if (!beside.some(to => to !== cell && fits(to))) continue;
      editor.show(cell);
      editor.choose(atoms, false);
      return;
    }
  }
}"""
"""Chooses a micro cell of a full small cell that can go to another one, both in their band."""
_LOG = "() => editor.division.past.map(step => step.words)"


class Planner:
    """Somebody at the editor.

    Parameters
    ----------
    page
        Of Playwright, with the editor of a plan.
    """

    def __init__(self, page: Any) -> None:
        self.page = page

    @property
    def off(self) -> list[dict[str, Any]]:
        """Cells out of band, worst first."""
        found: list[dict[str, Any]] = self.page.evaluate(_OFF)
        return found

    @property
    def log(self) -> list[str]:
        """The edits in words."""
        words: list[str] = self.page.evaluate(_LOG)
        return words

    def show(self, code: str) -> list[int]:
        """Choose a cell, as a click on its line in the list does; return its atoms."""
        self.page.evaluate(_SHOW, code)
        atoms: list[int] = self.page.evaluate(_CHOSEN)
        return atoms

    def turn_to_small(self) -> None:
        """Edit small cells, and choose a micro cell that could go to another one."""
        self.page.evaluate(_SMALL)

    def improve(self, code: str) -> bool:
        """Bring a cell nearer to its band, by the first way that does."""
        atoms = self.show(code)
        pairs = [[atom] for atom in atoms]
        return (
            self._try(lambda: self._press("Enter"))
            or self._try(lambda: self._press("s"))
            or any(self._try(lambda own=own: self._give(own)) for own in pairs)
            or any(self._try(lambda own=own: self._regroup(own)) for own in pairs)
            or self._try(lambda: self._dissolve(code))
        )

    def _press(self, key: str) -> None:
        self.page.keyboard.press(key)

    def _try(self, way: Callable[[], None]) -> bool:
        """Whether less is out of band after it; else it is undone."""
        chosen, start, before = self.page.evaluate(_CHOSEN), len(self.log), self._away()
        way()
        if self._away() < before - 1e-6:
            return True
        while len(self.log) > start:
            self._press("Control+z")
        self.page.evaluate(_CHOOSE, chosen)
        return False

    def _away(self) -> float:
        return float(sum(one["away"] for one in self.off))

    def _give(self, atoms: list[int]) -> None:
        """Move land to the cell beside it where that leaves least out of band."""
        self.page.evaluate(_CHOOSE, atoms)
        left = self.page.evaluate(_LEFT)
        if left:
            self._press(str(1 + left.index(min(left))))

    def _regroup(self, atoms: list[int]) -> None:
        """Make a cell of some land, and let the suggestions fill up what is left."""
        self.page.evaluate(_CHOOSE, atoms)
        before = {one["code"] for one in self.off}
        self._press("n")
        for one in self.off:
            if one["code"] not in before or one["away"] > 0:
                self.show(one["code"])
                self._press("Enter")

    def _dissolve(self, code: str) -> None:
        """Divide a cell and give its halves to cells beside it."""
        whole = set(self.show(code))
        self._press("s")
        for half in [self.show(one["code"]) for one in self.off]:
            if set(half) < whole:
                self._give(half)


@contextmanager
def opened(plan: gridcell.Plan) -> Iterator[Planner]:
    """Give a planner the editor of a plan, in Chromium without a network."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        [file] = gridcell.write_editor(plan, Path(folder) / "edit.html")
        browser = play.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        context = browser.new_context(viewport={"width": 1300, "height": 850}, offline=True)
        page = context.new_page()
        page.goto(file.as_uri())
        yield Planner(page)
        browser.close()


def tour(planner: Planner) -> Iterator[str]:
    """Yield the code of each cell before and after it was seen to."""
    seen: set[str] = set()
    while left := [one["code"] for one in planner.off if one["code"] not in seen]:
        seen.add(left[0])
        planner.show(left[0])
        yield left[0]
        planner.improve(left[0])
        yield left[0]


def main(folder: str, script: str) -> None:
    """Do the tour on a plan, tell it, write what the editor saves."""
    with opened(gridcell.read_plan(folder)) as planner:
        told = 0
        print("out of band:", *(f"{one['code']} {one['households']}" for one in planner.off))
        for code in tour(planner):
            for words in planner.log[told:]:
                print(f"{code}: {words}")
            told = len(planner.log)
        print("out of band:", *(f"{one['code']} {one['households']}" for one in planner.off))
        entries = planner.page.evaluate("() => editor.division.script()")
        Path(script).write_text(json.dumps(entries), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
