"""The editor: a page that works offline, whose figures and script are those of the plan."""

import dataclasses
import json
import os
import shutil

import numpy as np
import pandas as pd
import pytest
from editing import STATE, Session, comments_shown, differences

import gridcell
from gridcell.revision.comments import comments_of
from gridcell.revision.script import edits_of, read_script
from gridcell_cli import main as frame

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")

HELD = """() => {
  const { division } = editor, out = {};
  division.state.cells.forEach((own, cell) => {
    const atoms = division.atomsOf(cell);
    if (own.general && atoms.length) {
      const { households, pieces, compactness, off } = division.figures(atoms);
      out[division.label(cell)] = [households, pieces, compactness, off > 0];
    }
  });
  return out;
}"""

HOST = """<div id="cell"></div><script type="module">%s
const held = window.held = %s, el = document.getElementById("cell");
const set = (name, value) => { held[name] = value; };
view.render({ el, model: { get: name => held[name], set, save_changes() {} } });
</script>"""
"""What a notebook does for a widget, as far as ours needs it."""


@pytest.fixture(scope="module")
def plan():
    town = gridcell.make_sample(households=2000, seed=5, communities=2)
    layers = gridcell.read_layers(
        town.communities, town.buildings, households=town.households, sites=town.sites,
        barriers=[town.roads, town.rivers],
    )  # fmt: skip
    return gridcell.make_plan(layers)


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture
def editor(plan, browser, tmp_path):
    """Open the editor of the plan; every request and every fault fails the test."""
    [file] = gridcell.write_editor(plan, tmp_path / "edit.html")
    context = browser.new_context(viewport={"width": 1300, "height": 900}, accept_downloads=True)
    page = context.new_page()
    faults = []
    page.on(
        "request", lambda r: None if r.url.startswith(("file:", "blob:")) else faults.append(r.url)
    )
    page.on("pageerror", lambda e: faults.append(str(e)))
    page.on("console", lambda m: faults.append(m.text))
    page.goto(file.as_uri())
    yield page
    assert faults == []
    context.close()


def saved(page, tmp_path):
    with page.expect_download() as download:
        page.click("#do-save")
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    return file


def assert_as_told(page, plan, file):
    """The plan after the script has the figures that the page told."""
    told = page.evaluate(HELD)
    after = gridcell.edit_plan(plan, read_script(file, plan.crs))
    assert gridcell.check_plan(after) == []
    cells = after.micro.set_index("code")
    assert sorted(v[0] for v in told.values()) == sorted(cells["households"])
    for code, (households, pieces, compactness, off) in told.items():
        if code in cells.index and cells.loc[code, "households"] == households:
            cell = cells.loc[code]
            assert abs(cell["compactness"] - compactness) < 2e-3
            assert (cell["band"] != "in") == off
            assert pieces == 1 or cell.geometry.geom_type == "MultiPolygon"
    return after


@needs_browser
@pytest.mark.parametrize("seed", range(1, 1 + int(os.environ.get("GRIDCELL_SESSIONS", "1"))))
def test_what_a_session_of_random_edits_shows_is_what_the_command_line_makes(
    plan, editor, tmp_path, monkeypatch, capsys, seed
):
    """The environment asks for more of it: GRIDCELL_SESSIONS=9 GRIDCELL_EDITS=200."""
    monkeypatch.setattr(frame, "_be_quiet", lambda: None)
    edits = int(os.environ.get("GRIDCELL_EDITS", "20"))
    start = editor.evaluate(STATE)
    session = Session(editor, seed)
    session.run(edits, reload_at=[edits // 2])
    file = saved(editor, tmp_path)
    gridcell.write_plan(plan, tmp_path / "plan")
    with pytest.raises(SystemExit) as end:
        frame.main(["edit", str(tmp_path / "plan"), "--script", str(file),
                    "-o", str(tmp_path / "after")])  # fmt: skip
    assert not end.value.code, capsys.readouterr().err
    after = gridcell.read_plan(tmp_path / "after")
    assert differences(editor, plan, after) == []
    assert gridcell.check_plan(after) == []
    assert sorted(text for _, text in comments_of(after)) == sorted(comments_shown(editor))
    for _ in range(session.done):
        editor.keyboard.press("Control+z")
    assert editor.evaluate(STATE) == start
    assert editor.evaluate("() => editor.division.script()") == []


def test_the_same_plan_gives_the_same_page(plan, tmp_path):
    one, two = (gridcell.write_editor(plan, tmp_path / n)[0] for n in ("a.html", "b.html"))
    assert one.read_bytes() == two.read_bytes()
    assert "http://" not in one.read_text(encoding="utf-8")


def test_a_plan_without_its_land_is_refused(plan, tmp_path):
    gridcell.write_plan(plan, tmp_path / "plan", atoms=False)
    bare = gridcell.read_plan(tmp_path / "plan")
    with pytest.raises(gridcell.InputError, match="land"):
        gridcell.write_editor(bare, tmp_path / "edit.html")
    assert not (tmp_path / "edit.html").exists()


def test_a_city_has_a_page_for_each_community(plan, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(frame, "_be_quiet", lambda: None)
    gridcell.write_plan(plan, tmp_path / "plan")
    with pytest.raises(SystemExit) as end:
        frame.main(["map", str(tmp_path / "plan"), "--edit", "-o", f"{tmp_path / 'edit'}/"])
    assert not end.value.code, capsys.readouterr().err
    pages = sorted(file.stem for file in (tmp_path / "edit").iterdir())
    assert pages == sorted(plan.medium["code"])
    with pytest.raises(SystemExit) as end:
        frame.main(["map", str(tmp_path / "plan"), "--edit", "--publish", "-o", "x.html"])
    assert end.value.code == 2


@needs_browser
def test_the_page_tells_the_figures_of_the_plan(plan, editor):
    told = editor.evaluate(HELD)
    cells = plan.micro.set_index("code")
    assert set(told) == set(cells.index)
    for code, (households, pieces, compactness, off) in told.items():
        cell = cells.loc[code]
        assert households == cell["households"]
        assert abs(compactness - cell["compactness"]) < 2e-3
        assert (cell["band"] != "in") == off
        assert pieces == 1 or cell.geometry.geom_type == "MultiPolygon"


@needs_browser
def test_moves_divisions_and_merges_are_applied_as_shown(plan, editor, tmp_path):
    done = editor.evaluate("""() => {
      const { division } = editor;
      let moves = 0;
      for (let i = 0; i < division.size && moves < 6; i += 7) {
        if (!division.state.cells[division.state.leaf[i]].general) continue;
        for (const target of division.cellsBeside([i])) {
          editor.view.chosen = new Set([i]);
          const before = division.past.length;
          editor.moveTo(target);
          if (division.past.length > before) { moves++; break; }
        }
      }
      const general = division.state.cells.findIndex(
        (own, cell) => own.general && division.atomsOf(cell).length > 3);
      editor.view.chosen = new Set(division.atomsOf(general));
      editor.halve();
      return [moves, division.past.length];
    }""")
    assert done[0] == 6
    assert done[1] == 7
    file = saved(editor, tmp_path)
    assert [entry["operation"] for entry in json.loads(file.read_text("utf-8"))] == ["assign"]
    after = assert_as_told(editor, plan, file)
    assert len(after.history) == len(plan.history) + 1


@needs_browser
def test_undo_leaves_nothing_to_save_and_redo_brings_it_back(editor):
    start = editor.evaluate(HELD)
    moved = editor.evaluate("""() => {
      const { division } = editor;
      for (let i = 0; i < division.size; i++) for (const target of division.cellsBeside([i])) {
        editor.view.chosen = new Set([i]);
        editor.moveTo(target);
        if (division.past.length) return true;
      }
      return false;
    }""")
    assert moved
    now = editor.evaluate(HELD)
    assert now != start
    editor.keyboard.press("Control+z")
    assert editor.evaluate(HELD) == start
    assert editor.evaluate("() => editor.division.script()") == []
    editor.keyboard.press("Control+y")
    assert editor.evaluate(HELD) == now
    editor.reload()
    assert editor.evaluate(HELD) == now


@needs_browser
def test_a_move_that_tears_a_cell_is_told_and_not_made(editor):
    fault = editor.evaluate("""() => {
      const { division } = editor;
      for (let i = 0; i < division.size; i++) {
        for (const target of division.cellsBeside([i])) {
          const { fault } = division.preview([i], target);
          if (fault && fault.includes("in one piece")) {
            editor.view.chosen = new Set([i]);
            editor.moveTo(target);
            return [division.past.length, document.querySelector(".fault").textContent];
          }
        }
      }
      return null;
    }""")
    assert fault is None or (fault[0] == 0 and "in one piece" in fault[1])


@needs_browser
def test_land_is_chosen_with_the_pointer_and_moved_by_a_key(editor):
    x, y, atom = editor.evaluate("""() => {
      const { division, view } = editor, box = view.canvas.getBoundingClientRect();
      for (let i = 0; i < division.size; i++) {
        const at = view.toScreen(view.atoms[i].middle), others = division.cellsBeside([i]);
        if (view.atomAt(...at) !== i || division.isFixed(i)) continue;
        if (others.some(cell => !division.preview([i], cell).fault)) {
          return [at[0] + box.left, at[1] + box.top, i];
        }
      }
    }""")
    editor.mouse.click(x, y)
    assert editor.evaluate("() => [...editor.view.chosen]") == [atom]
    assert editor.locator("button.row kbd").count() >= 1
    good = editor.evaluate("""() => 1 + editor.targets.findIndex(
      cell => !editor.division.preview(editor.atoms, cell).fault)""")
    editor.keyboard.press(str(good))
    assert editor.evaluate("() => editor.division.past.length") == 1
    assert editor.locator("#log li").count() == 1
    editor.keyboard.press("b")
    editor.mouse.move(400, 10)
    editor.mouse.down()
    editor.mouse.move(1290, 890, steps=3)
    editor.mouse.up()
    assert editor.evaluate("() => editor.view.chosen.size") > 1
    editor.keyboard.press("Escape")
    assert editor.evaluate("() => editor.view.chosen.size") == 0
    scale = editor.evaluate("() => editor.view.scale")
    editor.mouse.wheel(0, -300)
    editor.wait_for_function(f"() => editor.view.scale > {scale}")
    for way in (-1, 1):
        editor.evaluate(
            "way => { for (let k = 0; k < 99; k++) editor.view.zoom(Math.exp(way), 300, 300); }",
            way,
        )
        assert 1e-5 < editor.evaluate("() => editor.view.scale") < 1


@needs_browser
def test_a_link_begins_at_a_cell(plan, editor):
    code = plan.micro["code"].iloc[3]
    editor.goto(editor.url.partition("#")[0] + f"#{code}")
    editor.reload()
    assert editor.evaluate("() => editor.cells.map(cell => editor.division.label(cell))") == [code]


@needs_browser
def test_names_and_locks_are_saved_and_locks_hold(plan, editor, tmp_path):
    editor.evaluate("""() => {
      const { division } = editor, cell = division.state.cells.findIndex(own => own.general);
      editor.view.chosen = new Set(division.atomsOf(cell));
      editor.ask("name");
    }""")
    editor.fill("#answer", "Old Mill")
    editor.press("#answer", "Enter")
    editor.evaluate("() => editor.lock()")
    refused = editor.evaluate("""() => {
      const { division } = editor, [first] = [...editor.view.chosen];
      const own = division.state.leaf[first];
      const other = division.cellsBeside([first]).find(cell => cell !== own);
      return division.preview([first], other).fault;
    }""")
    assert refused.endswith("is locked")
    file = saved(editor, tmp_path)
    after = gridcell.edit_plan(plan, read_script(file, plan.crs))
    named = after.micro[after.micro["name"] == "Old Mill"]
    assert len(named) == 1
    assert after.codes.set_index("code").loc[named["code"].iloc[0], "locked"]


@needs_browser
def test_a_line_drawn_across_a_cell_splits_it(plan, editor, tmp_path):
    path = editor.evaluate("""() => {
      const { division, view } = editor, box = view.canvas.getBoundingClientRect();
      for (let cell = 0; cell < division.state.cells.length; cell++) {
        const atoms = division.atomsOf(cell);
        if (!division.state.cells[cell].general || atoms.length < 4) continue;
        const xy = atoms.map(i => view.atoms[i].middle);
        const mean = k => xy.reduce((sum, at) => sum + at[k], 0) / xy.length;
        const at = [mean(0), mean(1)];
        const line = [[at[0] - 1e4, at[1]], at, [at[0] + 1e4, at[1]]];
        if (!division.sideOf(cell, line, view.atoms.map(one => one.middle))) continue;
        if (division.state.leaf[view.atomAt(...view.toScreen(at))] !== cell) continue;
        view.chosen = new Set(atoms);
        const [x, y] = view.toScreen(at);
        return [x + box.left, y + box.top, division.label(cell)];
      }
    }""")
    x, y, label = path
    editor.keyboard.press("d")
    editor.mouse.move(x - 15, y)
    editor.mouse.down()
    editor.mouse.move(x, y, steps=3)
    editor.mouse.move(x + 15, y, steps=3)
    editor.mouse.up()
    assert label in editor.locator("#log li").text_content()
    after = assert_as_told(editor, plan, saved(editor, tmp_path))
    assert len(after.micro) == len(plan.micro) + 1


@needs_browser
def test_a_click_chooses_the_land_along_one_side_of_a_street(editor):
    sides = editor.evaluate("""() => {
      const { division, view } = editor, { arcs } = division, found = [];
      const fronts = i => division.arcsOf[i].some(k => arcs.barrier[k]);
      for (let i = 0; i < division.size; i++) {
        if (fronts(i)) found.push(division.streetSide(i, (k, forward) => view.tips(k, forward)));
      }
      const bare = [...Array(division.size).keys()].find(i => !fronts(i));
      const alone = division.streetSide(bare, (k, forward) => view.tips(k, forward));
      const across = found.some(side => side.some(i => division.arcsOf[i].some(k => {
        const other = arcs.left[k] === i ? arcs.right[k] : arcs.left[k];
        return arcs.barrier[k] && other !== i && side.length === 2 && side.includes(other);
      })));
      return { longest: Math.max(...found.map(side => side.length)), alone: alone.length, across,
        fronting: found.every(side => side.every(fronts)) };
    }""")
    assert sides["longest"] >= 3
    assert sides == {"longest": sides["longest"], "alone": 1, "across": False, "fronting": True}


@needs_browser
def test_comments_are_texts_and_stay_with_their_cell(plan, editor, browser, tmp_path):
    said = '<img src=x onerror="document.title=1"> 夜间锁门'
    code = plan.micro.loc[plan.micro["grid_type"] == "general", "code"].iloc[0]
    editor.evaluate("""code => {
      const { division } = editor;
      const cell = division.cellOf(code);
      editor.view.chosen = new Set(division.atomsOf(cell));
      editor.refresh();
    }""", code)  # fmt: skip
    editor.keyboard.press("m")
    editor.fill("#answer", said)
    editor.press("#answer", "Enter")
    assert said in editor.locator("#comments li").text_content()
    after = gridcell.edit_plan(plan, read_script(saved(editor, tmp_path), plan.crs))
    assert after.leaves.equals(plan.leaves)
    gridcell.write_plan(after, tmp_path / "plan")
    [file] = gridcell.write_editor(
        gridcell.read_plan(tmp_path / "plan"), tmp_path / "again.html", community=code[:12]
    )
    page = browser.new_page()
    page.goto(f"{file.as_uri()}#{code}")
    assert said in page.locator("#comments li").text_content()
    assert page.evaluate("() => editor.division.script()") == []
    page.close()


@needs_browser
def test_what_was_saved_is_opened_again_and_what_is_of_another_plan_is_refused(
    plan, editor, browser, tmp_path
):
    start = editor.evaluate(HELD)
    for operation in ("halve", "makeCell", "lock"):
        editor.evaluate("""operation => {
          const { division } = editor;
          const cell = division.state.cells.findIndex(
            (own, cell) => own.general && division.codeOf(cell) >= 0 && !division.isLocked(cell)
              && division.halves(cell));
          const part = division.halves(cell);
          editor.view.chosen = new Set(operation === "makeCell" ? part : division.atomsOf(cell));
          editor[operation]();
        }""", operation)  # fmt: skip
    done = editor.evaluate(HELD)
    assert done != start
    file = saved(editor, tmp_path)
    [other] = gridcell.write_editor(plan, tmp_path / "other.html")
    page = browser.new_page()
    page.goto(other.as_uri())
    strange = [{"small": "x", "atoms": [99_999_999]}]
    entries = [{"operation": "undo"}, {"operation": "lock", "cell": "1"},
               {"operation": "assign", "cells": strange}]  # fmt: skip
    for text in ("[]", "{", *(json.dumps([entry]) for entry in entries)):
        (tmp_path / "bad.json").write_text(text)
        page.set_input_files("#open", tmp_path / "bad.json")
        page.wait_for_selector(".fault")
        assert page.evaluate(HELD) == start
    page.set_input_files("#open", file)
    page.wait_for_selector("#log li")
    assert sorted(page.evaluate(HELD).values()) == sorted(done.values())
    assert page.evaluate("() => editor.division.script()") == json.loads(file.read_text("utf-8"))
    page.close()


@needs_browser
def test_what_is_carried_to_a_cell_tells_what_would_be_before_it_is_let_go(editor):
    at = editor.evaluate("""() => {
      const { division, view } = editor, box = view.canvas.getBoundingClientRect(), found = {};
      const middle = i => {
        const [x, y] = view.toScreen(view.atoms[i].middle);
        return view.atomAt(x, y) === i ? [x + box.left, y + box.top] : null;
      };
      const show = i => division.atomsOf(i).map(middle).find(Boolean);
      for (let i = 0; i < division.size && !(found.good && found.bad); i++) {
        if (division.isFixed(i) || !middle(i)) continue;
        for (let cell = 0; cell < division.state.cells.length; cell++) {
          if (!division.state.cells[cell].general || cell === division.state.leaf[i]) continue;
          const { fault } = division.preview([i], cell), to = show(cell);
          if (to) found[fault ? "bad" : "good"] ??= [middle(i), to];
        }
      }
      return found;
    }""")
    for way, moves in (("bad", 0), ("good", 1)):
        start, end = at[way]
        editor.keyboard.press("Escape")
        editor.mouse.click(*start)
        editor.mouse.move(*start)
        editor.mouse.down()
        editor.mouse.move(*end, steps=4)
        told = editor.locator("#tip").text_content()
        assert ("→" in told) == (way == "good"), told
        assert editor.evaluate("() => editor.division.past.length") == 0
        editor.mouse.up()
        assert editor.evaluate("() => editor.division.past.length") == moves
        assert editor.locator("#tip").is_hidden()


@needs_browser
def test_a_box_tells_of_what_is_in_it_while_it_is_drawn(editor):
    editor.keyboard.press("b")
    editor.mouse.move(420, 20)
    editor.mouse.down()
    editor.mouse.move(1200, 800, steps=4)
    editor.wait_for_selector("#do-merge")
    assert editor.evaluate("() => editor.view.chosen.size") > 1
    editor.mouse.up()


@needs_browser
def test_the_file_of_an_older_plan_is_refused_with_what_differs(plan, editor, browser, tmp_path):
    editor.evaluate("""() => {
      const { division } = editor;
      editor.view.chosen = new Set(division.atomsOf(division.state.cells.findIndex(
        (own, cell) => own.general && division.halves(cell))));
      editor.halve();
    }""")
    file = saved(editor, tmp_path)
    after = gridcell.edit_plan(plan, read_script(file, plan.crs))
    with pytest.raises(gridcell.InputError, match="other cells"):
        gridcell.edit_plan(after, read_script(file, plan.crs))
    [newer] = gridcell.write_editor(after, tmp_path / "newer.html")
    page = browser.new_page()
    page.goto(newer.as_uri())
    page.set_input_files("#open", file)
    assert "other cells" in page.wait_for_selector(".fault").text_content()
    assert page.evaluate("() => editor.division.past.length") == 0
    page.close()


@needs_browser
@pytest.mark.parametrize(
    "evil", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)> {cell}$&']
)
def test_hostile_names_are_text_everywhere(plan, browser, tmp_path, evil):
    named = {
        level: plan.cells(level).assign(name=evil).astype({"name": "str"})
        for level in ("medium", "small", "micro", "leaves")
    }
    hostile = dataclasses.replace(plan, **named, barriers=plan.barriers.assign(name=evil))
    code = plan.medium["code"].iloc[0]
    [file] = gridcell.write_editor(hostile, tmp_path / "edit.html", community=code)
    page = browser.new_page()
    faults = []
    page.on("pageerror", lambda e: faults.append(str(e)))
    page.on("console", lambda m: faults.append(m.text))
    page.on("dialog", lambda d: (faults.append(d.message), d.dismiss()))
    page.goto(file.as_uri())
    count = "document.querySelectorAll('script, img, iframe').length"
    scripts = page.evaluate(count)
    assert evil in page.locator("h1").text_content()
    page.evaluate("""() => {
      const { division } = editor;
      editor.view.chosen = new Set(division.atomsOf(
        division.state.cells.findIndex(own => own.general)));
      editor.refresh();
    }""")
    for key in "rm":
        page.keyboard.press(key)
        page.fill("#answer", evil)
        page.press("#answer", "Enter")
    page.keyboard.press("r")
    assert page.locator("#answer").input_value() == evil
    assert all(evil in text for text in page.locator("#log li").all_text_contents())
    assert evil in page.locator("#comments li").text_content()
    assert page.evaluate(count) == scripts
    assert faults == []
    page.close()


@needs_browser
def test_in_a_notebook_edits_come_back_to_python(plan, browser, tmp_path):
    pytest.importorskip("anywidget")
    widget = plan.edit(height=500)
    assert widget.apply().leaves.equals(plan.leaves)
    held = json.dumps({"page": widget.page, "height": 500, "script": []}).replace("<", "\\u003c")
    host = tmp_path / "notebook.html"
    host.write_text(HOST % (widget._esm.replace("export default", "const view ="), held), "utf-8")
    page = browser.new_page(viewport={"width": 1200, "height": 700})
    page.goto(host.as_uri())
    frame = page.frame_locator("iframe")
    frame.locator("#do-save").wait_for()
    inner = page.frames[1]
    inner.evaluate("""() => {
      const { division } = editor;
      const cell = division.state.cells.findIndex(
        (own, cell) => own.general && division.halves(cell));
      editor.view.chosen = new Set(division.atomsOf(cell));
      editor.halve();
      editor.turn("small");
      editor.show(division.state.smalls.findIndex(
        (own, small) => own.general && division.halves(small, "small")));
      editor.halve();
      division.rename(editor.cells[0], "small", "North", "named");
      editor.done();
      if (document.querySelector(".bad")?.textContent === division.data.words.not_kept) throw 1;
    }""")
    page.wait_for_function("() => JSON.stringify(held.script).includes('North')")
    widget.script = page.evaluate("() => held.script")
    after = widget.apply()
    assert len(after.micro) == len(plan.micro) + 1
    assert len(after.small) == len(plan.small) + 1
    assert "North" in set(after.small["name"])
    assert len(after.history) == len(plan.history) + len(widget.edits)
    page.close()


@needs_browser
def test_suggestions_bring_a_cell_nearer_to_its_band(plan, browser, tmp_path):
    bands = dict(plan.bands)
    first = plan.micro.sort_values("households")["code"].iloc[-1]
    community = plan.micro.set_index("code").loc[first, "community"]
    high = float(plan.micro["households"].max() - 1)
    tight = gridcell.Band(min=1, target=high / 2, max=high)
    bands[community, "micro"] = tight
    page = browser.new_page()
    [file] = gridcell.write_editor(
        dataclasses.replace(plan, bands=bands), tmp_path / "edit.html", lang="zh"
    )
    page.goto(file.as_uri())
    off = page.evaluate("() => editor.division.totals().off.map(one => one.away)")
    row = page.locator("#off button").first
    row.click()
    assert page.locator("h2", has_text="建议").count() == 1
    if page.evaluate("() => editor.offers.length"):
        page.keyboard.press("Enter")
        after = page.evaluate("() => editor.division.totals().off.map(one => one.away)")
        assert sum(after) <= sum(off)
        assert page.evaluate("() => editor.division.past.length") == 1
    page.close()


def test_scripts_of_two_communities_are_put_together(plan):
    entries = []
    for code in plan.medium["code"]:
        cells = plan.micro[plan.micro["community"].isin(
            plan.medium.loc[plan.medium["code"] == code, "community"])]  # fmt: skip
        parent = cells["parent"].iloc[0]
        inside = cells[cells["parent"] == parent]["code"].tolist()
        atoms = plan.fabric.atoms["code"]
        groups = [np.flatnonzero(atoms == one).tolist() for one in inside]
        entries.append(
            {"operation": "assign", "cells": [{"atoms": own, "small": parent} for own in groups]}
        )
    after = gridcell.edit_plan(plan, edits_of(entries, plan.crs, "script"))
    assert after.leaves.equals(plan.leaves)


@needs_browser
def test_title_day_and_holders_are_told_only_where_asked_for(plan, browser, tmp_path):
    town = gridcell.make_sample(households=2000, seed=5, communities=2)
    staffed = gridcell.renew_staff(plan, town.staff)
    holder = staffed.staff[staffed.staff["code"].isin(plan.micro["code"])].iloc[0]
    contacts = pd.DataFrame({"staff_id": [holder["staff_id"]], "name": ["Ms <b>Li</b>"]})
    [file] = gridcell.write_editor(
        staffed, tmp_path / "edit.html", title="Hills & Dales", date="2026-11-27",
        contacts=contacts,
    )  # fmt: skip
    page = browser.new_page()
    page.goto(f"{file.as_uri()}#{holder['code']}")
    assert page.locator("h1").text_content() == "Hills & Dales"
    assert page.locator("#about").text_content() == "edit by hand · 2026-11-27"
    assert "Ms <b>Li</b>" in page.locator("#holders").text_content()
    page.close()
    [file] = gridcell.write_editor(staffed, tmp_path / "plain.html")
    text = file.read_text(encoding="utf-8")
    assert "2026-11" not in text
    assert holder["staff_id"] not in text
    with pytest.raises(gridcell.InputError, match=r"27\.11\.2026"):
        gridcell.write_editor(plan, tmp_path / "no.html", date="27.11.2026")


@needs_browser
def test_the_page_is_dark_for_who_likes_it_and_light_on_paper(editor):
    editor.emulate_media(color_scheme="dark")
    editor.wait_for_function("() => editor.view.ink === NIGHT && editor.view.isWhole")
    before = editor.evaluate("() => [editor.view.scale, editor.view.offset]")
    pixel = "() => [...editor.view.front.ctx.getImageData(2, 2, 1, 1).data.slice(0, 3)]"
    assert max(editor.evaluate(pixel)) < 60
    # A browser prints what is there when the event has been heard: no frame later.
    assert editor.evaluate("""() => {
      dispatchEvent(new Event('beforeprint'));
      return editor.view.isWhole && editor.view.ink === PAPER;
    }""")
    assert min(editor.evaluate(pixel)) > 200
    editor.evaluate("dispatchEvent(new Event('afterprint'))")
    editor.wait_for_function("() => editor.view.ink === NIGHT && editor.view.isWhole")
    assert editor.evaluate("() => [editor.view.scale, editor.view.offset]") == before


@needs_browser
def test_an_edit_repaints_what_it_changed_as_a_new_picture_would(editor):
    """Tile by tile, whatever changes: the same pixels."""
    editor.evaluate("""() => {
      const { division } = editor;
      editor.show(division.state.cells.findIndex(
        (own, cell) => own.general && division.halves(cell)));
      editor.view.zoom(0.3, 400, 400); // with other cells around
    }""")
    pixels, seen = "() => editor.view.canvas.toDataURL()", []
    for step in (
        "editor.halve()", "editor.choose([], false)", "editor.undo()",
        "editor.nextUnit(1)", "editor.choose(division.atomsOf(0), false)", "editor.lock()",
        "division.comment(editor.cells[0], 'micro', 'x', 'x'); editor.done()", "editor.turn()",
        "editor.halve()", "editor.lock()", "editor.undo(); editor.undo()", "editor.turn()",
    ):  # fmt: skip
        editor.evaluate(f"() => {{ const {{ division }} = editor; {step}; }}")
        editor.wait_for_function("() => editor.view.isWhole")
        seen.append(editor.evaluate(pixels))
        editor.evaluate("() => editor.view.finish()")
        assert editor.evaluate(pixels) == seen[-1], step
    assert len(set(seen)) > 7


@needs_browser
def test_everything_is_reached_by_keys_and_has_a_name(editor):
    editor.keyboard.press("Tab")
    first = editor.evaluate("() => document.activeElement.id")
    assert first == "do-level_micro"
    editor.keyboard.press("Tab")
    editor.keyboard.press("Enter")
    assert editor.evaluate("() => [editor.level, document.activeElement.id]") == [
        "small", "do-level_small",
    ]  # fmt: skip
    editor.keyboard.press("u")
    editor.keyboard.press(".")
    editor.keyboard.press("]")
    assert editor.evaluate("() => editor.atoms.length") == 1
    assert editor.locator("[role=status]").text_content().startswith("1 piece of land")
    unnamed = editor.evaluate("""() => [...document.querySelectorAll("button, input, canvas")]
      .filter(one => !one.hidden && !(one.textContent.trim() || one.getAttribute("aria-label")))
      .map(one => one.outerHTML)""")
    assert unnamed == []


@needs_browser
def test_a_cell_made_in_the_page_is_named_there(plan, editor, tmp_path):
    editor.evaluate("""() => {
      const { division } = editor;
      editor.show(division.state.cells.findIndex(
        (own, cell) => own.general && division.halves(cell)));
      editor.halve();
    }""")
    made = "() => editor.division.codeOf(editor.cells[0], editor.level) < 0"
    if not editor.evaluate(made):  # the other half is the new one
        editor.evaluate(
            """() => editor.show(editor.division.state.cells.findIndex((own, cell) =>
              editor.division.atomsOf(cell).length && editor.division.codeOf(cell) < 0))"""
        )
    assert editor.evaluate(made)
    editor.keyboard.press("r")
    editor.fill("#answer", "Old Mill")
    editor.press("#answer", "Enter")
    after = gridcell.edit_plan(plan, read_script(saved(editor, tmp_path), plan.crs))
    new = after.micro[~after.micro["code"].isin(plan.micro["code"])]
    assert new["name"].tolist() == ["Old Mill"]
    assert "“Old Mill”" in editor.locator("#chosen").text_content()


@needs_browser
def test_cells_and_buildings_are_found_by_what_they_are_called(plan, editor):
    told = "() => editor.cells.map(cell => editor.label(cell))"
    micro = plan.micro.iloc[5]
    building = plan.buildings[plan.buildings["code"].isin(plan.micro["code"])].iloc[3]
    for text, found, level in (
        (micro["code"], [micro["code"]], "micro"), (micro["parent"], [micro["parent"]], "small"),
        (micro["code"][-6:], [micro["code"]], "micro"),
        (building["bldg_id"].lower(), [building["code"]], "micro"),
    ):  # fmt: skip
        editor.keyboard.press("/")
        editor.fill("#find", text)
        editor.press("#find", "Enter")
        assert editor.evaluate(told)[:1] == found[:1], text
        assert editor.evaluate("() => editor.level") == level
    editor.fill("#find", "<b>nowhere</b>")
    editor.press("#find", "Enter")
    assert "<b>nowhere</b>" in editor.locator(".fault").text_content()
