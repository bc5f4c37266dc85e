"""The editor of one community: seconds until it shows, milliseconds that edits and moves take.

python benchmarks/editor.py [PLAN --community CODE] [--edits 60] [--repeat 5] [--keep FILE.html]
python benchmarks/editor.py --town 180000 --households 70000

Without PLAN a community of 30,000 households and 5,000 buildings is made and divided, or another.
The page is opened in Chromium (with playwright), the network off, as often as ``--repeat`` says,
and edited at random with pointer and keys (`tests/editing.py`). A frame is a task of the page's
thread: what the page does, and paints, before the browser shows the next picture. CPU time counts
on a shared machine.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

import gridcell

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from editing import Session

PAINTED = "() => editor.view.isWhole"
TRACED = ["toplevel", "disabled-by-default-devtools.timeline", "__metadata"]


def made_plan(town_households: int, households: int) -> gridcell.Plan:
    """Return a community with the buildings of a town but fewer households, divided."""
    town = gridcell.make_sample(households=town_households, seed=1, communities=1)
    kept = town.households.iloc[
        [round(k * town_households / households) for k in range(households)]
    ].reset_index(drop=True)
    layers = gridcell.read_layers(
        town.communities, town.buildings, households=kept, sites=town.sites,
        barriers=[town.roads, town.rivers],
    )  # fmt: skip
    return gridcell.make_plan(layers)


def tasks(
    browser: Browser, page: Page, does: Callable[[], None]
) -> tuple[list[float], list[float]]:
    """Return milliseconds, of the clock and of CPU, that each task of the page's thread took."""
    browser.start_tracing(page=page, categories=TRACED)
    does()
    events = json.loads(browser.stop_tracing())["traceEvents"]
    main = {
        (event["pid"], event["tid"]) for event in events
        if event["name"] == "thread_name" and event["args"]["name"] == "CrRendererMain"
    }  # fmt: skip
    own = [
        event for event in events
        if (event["pid"], event["tid"]) in main and event["name"].endswith("RunTask")
        and "tdur" in event
    ]  # fmt: skip
    return [event["dur"] / 1e3 for event in own], [event["tdur"] / 1e3 for event in own]


def opened(browser: Browser, page: Page, file: Path) -> tuple[float, float]:
    """Return seconds to the first picture of the page, and CPU seconds of its thread for it."""
    page.goto("about:blank")
    took = []

    def does() -> None:
        began = time.perf_counter()
        page.goto(file.resolve().as_uri())
        page.wait_for_function(PAINTED)
        took.append(time.perf_counter() - began)

    _, cpu = tasks(browser, page, does)
    return took[0], sum(cpu) / 1e3


def edited(browser: Browser, page: Page, edits: int) -> dict[str, Any]:
    """Return what tasks took in a session of random edits, zooming and panning at its end."""
    session = Session(page, 1)

    def does() -> None:
        session.run(edits)
        for _ in range(10):
            page.mouse.wheel(0, -120)
            page.keyboard.press("ArrowLeft")
        page.wait_for_function(PAINTED)

    found: dict[str, Any] = {}
    for clock, took in zip(("wall", "cpu"), tasks(browser, page, does), strict=True):
        found[clock] = {
            "longest_ms": round(max(took), 1), "over_50_ms": sum(ms > 50 for ms in took),
            "over_16_ms": sum(ms > 16.7 for ms in took), "tasks": len(took),
        }  # fmt: skip
    return {"edits": edits, "tried": sum(session.tried.values()), **found}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("plan", nargs="?", type=Path)
    parser.add_argument("--community")
    parser.add_argument("--edits", type=int, default=60)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--town", type=int, default=77_000, help="has 5,000 buildings")
    parser.add_argument("--households", type=int, default=30_000)
    given = parser.parse_args()
    plan = gridcell.read_plan(given.plan) if given.plan else made_plan(given.town, given.households)
    shown = (
        plan.medium
        if given.community is None
        else plan.medium[plan.medium["code"] == given.community]
    )
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        file = given.keep or Path(folder) / "edit.html"
        gridcell.write_editor(plan, file, community=given.community, overwrite=True)
        browser = play.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        context = browser.new_context(viewport={"width": 1440, "height": 900}, offline=True)
        page = context.new_page()
        times = [opened(browser, page, file) for _ in range(given.repeat)]
        found = {
            "households": int(shown["households"].sum()),
            "buildings": int(shown["buildings"].sum()),
            "atoms": page.evaluate("() => editor.division.size"),
            "cells": page.evaluate("() => editor.division.totals().cells"),
            "mb": round(file.stat().st_size / 1e6, 2),
            "opened_s": [round(wall, 2) for wall, _ in times],
            "opened_cpu_s": [round(cpu, 2) for _, cpu in times],
            **edited(browser, page, given.edits),
        }  # fmt: skip
        browser.close()
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
