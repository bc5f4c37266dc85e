"""Sessions of random edits in the page of the editor, and what it shows of them."""

import random
from collections.abc import Callable, Sequence
from typing import Any

import gridcell
from gridcell.revision.editor import cell_names
from gridcell.revision.holding import CellHolding

SHOWN = """() => {
  const { division } = editor, listed = {};
  for (const level of division.levels) {
    for (const { cell, pieces, away } of division.totals(level).off) listed[`${level} ${cell}`] = [pieces, away > 0];
  }
  return division.levels.flatMap(level => division.cells(level).flatMap((own, cell) => {
    const atoms = division.atomsOf(cell, level);
    if (!own.general || !atoms.length) return [];
    const { households, pieces, band, compactness } = division.figures(atoms, level), code = division.codeOf(cell, level);
    const [low, , high] = band || [-1, 0, 1e9], under = households < low - 1e-9, over = households > high + 1e-9;
    return [{
      level, atoms: atoms.map(i => division.id[i]), code: code < 0 ? null : division.label(cell, level), households, pieces, compactness,
      band: under ? "under" : over ? "over" : "in", listed: listed[`${level} ${cell}`] ?? [1, false],
      small: division.label(division.isUpper(level) ? cell : own.small, "small"), locked: division.isLocked(cell, level), name: division.nameOf(cell, level),
    }];
  }));
}"""  # noqa: E501
"""Every general cell of the page, small and micro."""

STATE = """() => {
  const { leaf, cells, smalls, comments } = editor.division.state;
  return JSON.stringify([[...leaf], cells, smalls, comments]);
}"""

_SPOT = """([draw, beside]) => {
  const { division, view, level } = editor, good = [], at = i => division.cellAt(i, level);
  for (let i = 0; i < division.size; i++) {
    if (!division.isGeneral(i)) continue;
    if (division.neighbours[i].some(j => at(j) !== at(i))) good.push(i);
  }
  let i = good[Math.floor(draw * good.length)];
  if (beside) i = division.neighbours[i].find(j => at(j) !== at(i));
  const box = view.canvas.getBoundingClientRect(), [x, y] = view.toScreen(view.atoms[i].middle);
  return [x + box.left, y + box.top, view.scale * Math.sqrt(division.area[i]) * 100];
}"""
"""The middle of an atom at a border of cells: which one, a number from 0 to 1 draws."""


class Session:
    """Somebody who edits at random; the same seed gives the same session."""

    def __init__(self, page: Any, seed: int) -> None:
        self.page, self.draw = page, random.Random(seed)  # noqa: S311
        self.tried: dict[str, int] = {}
        self.made: dict[str, int] = {}
        self.ways: list[Callable[[], None]] = [
            self.pick, self.pick, self.pick, self.right_click, self.paint, self.box, self.lasso,
            self.street, self.merge, self.halve, self.cut, self.swap, self.swap, self.rename,
            self.comment, self.lock, self.suggestion, self.undo, self.redo, self.turn, self.turn,
        ]  # fmt: skip

    @property
    def done(self) -> int:
        return int(self.page.evaluate("() => editor.division.past.length"))

    def run(self, edits: int, *, reload_at: Sequence[int] = (), tries: int = 40) -> None:
        """Edit until so many edits are in the log, a reload at some of them."""
        left, waiting = edits * tries, sorted(reload_at)
        while (before := self.done) < edits and left:
            left -= 1
            way = self.draw.choice(self.ways)
            name = f"{way.__name__} {self.page.evaluate('() => editor.level')}"
            way()
            self.tried[name] = self.tried.get(name, 0) + 1
            self.made[name] = self.made.get(name, 0) + (self.done > before)
            if waiting and self.done >= waiting[0]:
                waiting.pop(0)
                was = self.page.evaluate(STATE)
                steps = self.done
                self.page.reload()
                assert self.page.evaluate(STATE) == was
                assert self.done == steps
        assert self.done >= edits, self.made

    def spot(self, *, at: float | None = None, beside: bool = False) -> tuple[float, float, float]:
        draw = self.draw.random() if at is None else at
        x, y, size = self.page.evaluate(_SPOT, [draw, beside])
        return x, y, size

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)

    def click(self, x: float, y: float, *, adds: bool = False, button: str = "left") -> None:
        if adds:
            self.page.keyboard.down("Shift")
        self.page.mouse.click(x, y, button=button)
        if adds:
            self.page.keyboard.up("Shift")

    def drag(self, *points: tuple[float, float]) -> None:
        self.page.mouse.move(*points[0])
        self.page.mouse.down()
        for x, y in points[1:]:
            self.page.mouse.move(x, y, steps=3)
        self.page.mouse.up()

    def send(self) -> None:
        """Move what is chosen to one of the cells beside it, or make a cell of it."""
        before = self.done
        for key in self.draw.sample(["1", "2", "3", "n"], 3):
            self.press(key)
            if self.done > before:
                return

    def pick(self) -> None:
        self.press("v")
        x, y, size = self.spot()
        self.click(x, y)
        if self.draw.random() < 0.4:
            self.click(x + size, y, adds=True)
        self.send()

    def right_click(self) -> None:
        self.press("v")
        at = self.draw.random()
        self.click(*self.spot(at=at)[:2])
        self.click(*self.spot(at=at, beside=True)[:2], button="right")

    def paint(self) -> None:
        self.press("Escape")
        self.press("p")
        x, y, size = self.spot()
        self.drag((x, y), (x + size, y), (x + size, y + size))
        self.send()

    def box(self) -> None:
        self.press("b")
        x, y, size = self.spot()
        self.drag((x - size, y - size), (x + size, y + size))
        self.send()

    def lasso(self) -> None:
        self.press("l")
        x, y, size = self.spot()
        self.drag((x - size, y - size), (x + size, y - size), (x, y + size))
        self.send()

    def street(self) -> None:
        self.press("t")
        self.click(*self.spot()[:2])
        self.send()

    def merge(self) -> None:
        self.press("c")
        at = self.draw.random()
        self.click(*self.spot(at=at)[:2])
        self.click(*self.spot(at=at, beside=True)[:2], adds=True)
        self.press("g")

    def halve(self) -> None:
        self.press("c")
        self.click(*self.spot()[:2])
        self.press("s")

    def cut(self) -> None:
        self.press("Escape")
        self.press("d")
        x, y, size = self.spot()
        u, v = self.draw.uniform(-3, 3) * size, self.draw.uniform(-3, 3) * size
        self.drag((x - u, y - v), (x, y), (x + u, y + v))

    def swap(self) -> None:
        self.press("v")
        at = self.draw.random()
        self.click(*self.spot(at=at)[:2])
        self.click(*self.spot(at=at, beside=True)[:2], adds=True)
        self.press("x")

    def _answer(self, key: str, text: str) -> None:
        self.press("c")
        self.click(*self.spot()[:2])
        self.press(key)
        if self.page.locator("#answer").count():
            self.page.keyboard.type(text)
            self.press("Enter")

    def turn(self) -> None:
        """Go to the other level."""
        self.press("u")

    def rename(self) -> None:
        self._answer("r", f"Mill {self.draw.randrange(1000)}")

    def comment(self) -> None:
        self._answer("m", f"<b>see {self.draw.randrange(1000)}</b>")

    def lock(self) -> None:
        """Lock a cell; of those that are locked already unlock one half of the time."""
        self.press("c")
        self.click(*self.spot()[:2])
        locked = self.page.evaluate(
            "() => editor.cells.some(cell => editor.division.isLocked(cell, editor.level))"
        )
        # A locked small cell is many cells that nothing changes.
        small = self.page.evaluate("() => editor.division.isUpper(editor.level)")
        if locked or self.draw.random() < (0.15 if small else 0.5):
            self.press("k")

    def suggestion(self) -> None:
        rows = self.page.locator("#off button")
        self.press("Escape")
        if not rows.count():
            return
        rows.nth(self.draw.randrange(rows.count())).click()
        self.press("Enter")

    def undo(self) -> None:
        for _ in range(self.draw.randrange(1, 3)):
            self.press("Control+z")

    def redo(self) -> None:
        self.press("Control+y")


def differences(page: Any, before: gridcell.Plan, after: gridcell.Plan) -> list[str]:
    """Return what the page shows otherwise than the plan after its script."""
    holding = CellHolding(after)
    leaf = after.fabric.atoms["code"]
    over = after.leaves.set_index("code")["parent"]
    named = cell_names(after)
    locked = set(after.codes.loc[after.codes["locked"], "code"])
    told, shown = [], page.evaluate(SHOWN)
    for cell in shown:
        is_micro = cell["level"] == "micro"
        home = leaf.map(over) if len(before.micro) and not is_micro else leaf
        frame = after.cells(cell["level"]).set_index("code")
        codes = set(home.iloc[cell["atoms"]])
        if len(codes) != 1 or not codes <= set(frame.index):
            told.append(f"{cell['code']}: lies in {sorted(codes)}")
            continue
        code = codes.pop()
        row = frame.loc[code]
        atoms = home.index[home == code].to_numpy()
        community = holding.codes.index(str(row["community"]))
        pieces = int(holding.graph(atoms, community).components().max()) + 1
        found = {
            "atoms": atoms.tolist(), "households": int(row["households"]), "band": row["band"],
            "pieces": pieces, "listed": [pieces, row["band"] != "in"], "locked": code in locked,
            "name": named[code],
        }  # fmt: skip
        if cell["code"] is not None or code in set(before.codes["code"]):
            found["code"] = code
        if is_micro and row["parent"] in set(before.small["code"]):
            found["small"] = row["parent"]
        told += [
            f"{code}: {key} {cell[key]} shown, {value} in the plan"
            for key, value in found.items() if cell[key] != value
        ]  # fmt: skip
        if abs(cell["compactness"] - row["compactness"]) > 2e-3:
            told.append(f"{code}: compactness {cell['compactness']}, {row['compactness']}")
    general = sum((cells["grid_type"] == "general").sum() for cells in (after.small, after.micro))
    if general != len(shown):
        told.append(f"{general} cells in the plan, {len(shown)} shown")
    return told


def comments_shown(page: Any) -> list[str]:
    """Return the comments made in the page."""
    out: list[str] = page.evaluate("() => editor.division.state.comments.map(one => one.text)")
    return out
