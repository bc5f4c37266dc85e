"""The map of a city of 33,000 cells: size, seconds to write and to draw, a scripted pan and zoom.

python benchmarks/map.py PLAN [--cells 33000] [--keep FOLDER] [--overview FILE.html ...]

A PLAN with fewer leaves, such as that of the bundled sample, is laid side by side until there are
enough; codes and names stay distinct. Pages are opened in Chromium (with playwright), the network
off, and moved by mouse and wheel. ``--overview`` measures further pages, such as one drawn before a
change, in the same run.
"""

import argparse
import dataclasses
import json
import math
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import pandas as pd
from playwright.sync_api import Page, sync_playwright

import gridcell
from gridcell.model import Plan
from gridcell.render.city import write_city_map

DRAGS = 8
"""At each zoom; each moves 0.4 of the screen."""


def city(plan: Plan, cells: int) -> Plan:
    """Return the plan laid side by side, about square, with at least so many leaves."""
    if len(plan.leaves) >= cells:
        return plan
    copies = math.ceil(cells / len(plan.leaves))
    across = math.ceil(math.sqrt(copies))
    west, south, east, north = plan.medium.total_bounds
    parts: dict[str, list[pd.DataFrame]] = {}
    for k in range(copies):
        shift = (k % across * 1.02 * (east - west), k // across * 1.02 * (north - south))
        for name in ("large", "medium", "small", "micro", "leaves", "buildings", "barriers",
                     "findings", "vacancies"):  # fmt: skip
            parts.setdefault(name, []).append(_copy(getattr(plan, name), k, shift))
    frames = {
        name: gpd.GeoDataFrame(pd.concat(given, ignore_index=True), crs=plan.crs)
        if isinstance(given[0], gpd.GeoDataFrame)
        else pd.concat(given, ignore_index=True)
        for name, given in parts.items()
    }
    return dataclasses.replace(plan, **frames)  # type: ignore[arg-type]


def _copy(frame: pd.DataFrame, k: int, shift: tuple[float, float]) -> pd.DataFrame:
    out = frame.copy()
    for column in ("code", "label", "parent", "community", "cell", "bldg_id"):
        if column in out:
            out[column] = (f"{k:02d}" + out[column]).where(out[column].notna())
    if isinstance(out, gpd.GeoDataFrame):
        out = out.set_geometry(out.geometry.translate(*shift))
    return out


def measure(page: Page, file: Path) -> dict[str, float]:
    """Return seconds to the first draw, and what frames took while the page was moved.

    For the whole city, where micro cells just begin to show (the most that is ever painted), and
    nearer: ``frame_ms`` is the longest frame, ``stalls`` how many tasks took more than 50 ms,
    ``task_ms`` the longest, ``whole_ms`` the median time until the picture is complete again.
    """
    page.goto("about:blank")
    began = time.perf_counter()
    page.goto(file.resolve().as_uri())
    page.wait_for_function("() => window.planMap && planMap.painter.painted > 0", polling=20)
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
    found = {"first_draw_s": time.perf_counter() - began}
    page.evaluate(WATCH)
    for name, zoom in (("city", 0), ("micro", 0.25), ("near", 2)):
        page.evaluate(NEARER, zoom)
        page.evaluate(SETTLED)
        found |= _watched(page, f"pan_{name}", lambda: [_drag(page, k) for k in range(DRAGS)])
    page.evaluate("() => planMap.map.fitBounds(planMap.plan.bounds, { animate: false })")
    page.evaluate(SETTLED)
    found |= _watched(page, "zoom", lambda: [_wheel(page, k) for k in range(2 * DRAGS)])
    found |= _watched(page, "hover", lambda: _hover(page))
    return {key: round(value, 2) for key, value in found.items()}


def _watched(page: Page, name: str, move: Callable[[], list[float]]) -> dict[str, float]:
    page.evaluate("() => watch.start()")
    whole = statistics.median(move())
    found = page.evaluate("() => watch.stop()") | ({"whole_ms": whole} if whole else {})
    return {f"{name}_{key}": value for key, value in found.items()}


def _drag(page: Page, k: int) -> float:
    way = 300 if k // 2 % 2 else -300
    page.mouse.move(750, 475)
    page.mouse.down()
    for part in range(1, 11):
        page.mouse.move(750 + way * part / 5, 475 + (-1) ** k * 12 * part)
    page.wait_for_timeout(120)  # else the map glides on
    page.mouse.up()
    return float(page.evaluate(SETTLED))


def _wheel(page: Page, k: int) -> float:
    page.mouse.move(600 + 10 * k, 475)
    page.mouse.wheel(0, -240 if k < DRAGS else 240)
    page.wait_for_timeout(400)  # the map waits for more, then zooms for a quarter of a second
    return float(page.evaluate(SETTLED))


def _hover(page: Page) -> list[float]:
    for k in range(60):
        page.mouse.move(450 + 10 * k, 300 + 5 * k)
    return [0.0]


WATCH = """() => {
  const watch = window.watch = { frames: [], tasks: [], on: false, moved: 0 };
  planMap.map.on("moveend", () => { watch.moved = performance.now(); });
  const note = list => watch.tasks.push(...list.getEntries().map(entry => entry.duration));
  new PerformanceObserver(note).observe({ type: "longtask" });
  watch.start = () => {
    let last = performance.now();
    Object.assign(watch, { frames: [], tasks: [], on: true });
    const tick = now => {
      watch.frames.push(now - last);
      last = now;
      if (watch.on) requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  };
  watch.stop = () => {
    watch.on = false;
    const { frames, tasks } = watch;
    return { frame_ms: Math.max(...frames), stalls: tasks.length, task_ms: Math.max(0, ...tasks) };
  };
}"""

SETTLED = """async () => {
  do await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
  while (planMap.painter.busy);
  return performance.now() - watch.moved;
}"""

NEARER = """step => {
  const { map, plan, painter } = planMap;
  map.setView(L.latLngBounds(plan.bounds).getCenter(), map.getZoom() + step, { animate: false });
  while (step && !painter.finelyDrawn()) map.setZoom(map.getZoom() + step, { animate: false });
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("plan", type=Path)
    parser.add_argument("--cells", type=int, default=33_000)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--overview", type=Path, nargs="*", default=[])
    options = parser.parse_args()
    plan = city(gridcell.read_plan(options.plan), options.cells)
    print(f"{len(plan.medium)} communities, {len(plan.micro)} micro cells, "
          f"{len(plan.leaves)} leaves, {len(plan.buildings)} buildings")  # fmt: skip
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch)
        folder.mkdir(exist_ok=True)
        began = time.perf_counter()
        gridcell.write_map(plan, folder / "map.html", overwrite=True)
        print(f"one file: {time.perf_counter() - began:.1f} s, "
              f"{(folder / 'map.html').stat().st_size / 1e6:.2f} MB")  # fmt: skip
        began = time.perf_counter()
        files = write_city_map(plan, folder / "city", overwrite=True)
        sizes = [file.stat().st_size / 1e6 for file in files]
        print(f"folder: {time.perf_counter() - began:.1f} s, {len(files)} pages, "
              f"overview {sizes[0]:.2f} MB, largest page {max(sizes[1:]):.2f} MB, "
              f"all {sum(sizes):.0f} MB")  # fmt: skip
        with sync_playwright() as play:
            browser = play.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"]
            )
            context = browser.new_context(viewport={"width": 1500, "height": 950}, offline=True)
            page = context.new_page()
            for file in (*options.overview, files[0], files[1], folder / "map.html"):
                print(file, json.dumps(measure(page, file)))
            browser.close()


if __name__ == "__main__":
    main()
