"""The map of a city of 33,000 cells: size, time to write, time to the first draw, a scripted pan.

python benchmarks/map.py PLAN [--cells 33000] [--keep FOLDER]

PLAN, such as that of the bundled sample, is laid side by side until there are enough leaves; codes
and names stay distinct. The browser part needs Chromium and playwright; pages are opened with the
network off.
"""

import argparse
import dataclasses
import json
import math
import shutil
import tempfile
import time
from pathlib import Path

import geopandas as gpd
import pandas as pd
from playwright.sync_api import Page, sync_playwright

import gridcell
from gridcell.model import Plan
from gridcell.render.city import write_city_map

STEPS = 12
"""Of the pan; each moves half a screen."""


def city(plan: Plan, cells: int) -> Plan:
    """Return the plan laid side by side, about square, with at least so many leaves."""
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
    """Return seconds to the first draw, and of pans the repaints and the slowest frame."""
    began = time.perf_counter()
    page.goto(file.as_uri())
    page.wait_for_function("window.planMap && planMap.painter.painted > 0", polling=20)
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
    first = time.perf_counter() - began
    found = {"first_draw_s": first, "draw_ms": page.evaluate("planMap.painter.took")}
    for name, zoom in (("whole", 0), ("micro", 0.25), ("near", 2)):
        page.evaluate(NEARER, zoom)
        found |= {f"{name}_{key}": value for key, value in page.evaluate(PAN, STEPS).items()}
    return {key: round(value, 2) for key, value in found.items()}


# To where micro cells just begin to show, many in view: the most that is ever painted.
NEARER = """step => {
  const { map, plan, painter } = planMap;
  map.setView(L.latLngBounds(plan.bounds).getCenter(), map.getZoom() + step, { animate: false });
  while (step && !painter.finelyDrawn()) map.setZoom(map.getZoom() + step, { animate: false });
}"""

PAN = """async steps => {
  const { map, painter } = planMap, repaints = [], frames = [], began = performance.now();
  let last = performance.now(), on = true;
  const tick = now => { frames.push(now - last); last = now; if (on) requestAnimationFrame(tick); };
  requestAnimationFrame(tick);
  for (let k = 0; k < steps; k++) {
    const way = (k / 3 | 0) % 2 ? -0.5 : 0.5;
    map.panBy([way * map.getSize().x, way * map.getSize().y / 3], { animate: false });
    await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
    repaints.push(painter.took);
  }
  on = false;
  repaints.sort((a, b) => a - b);
  frames.sort((a, b) => a - b);
  return {
    seconds: (performance.now() - began) / 1000, repaint_ms: repaints[repaints.length >> 1],
    slowest_repaint_ms: repaints.at(-1), slowest_frame_ms: frames.at(-1),
  };
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("plan", type=Path)
    parser.add_argument("--cells", type=int, default=33_000)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    plan = city(gridcell.read_plan(options.plan), options.cells)
    print(f"{len(plan.medium)} communities, {len(plan.micro)} micro cells, "
          f"{len(plan.leaves)} leaves, {len(plan.buildings)} buildings")  # fmt: skip
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch)
        folder.mkdir(exist_ok=True)
        began = time.perf_counter()
        gridcell.write_map(plan, folder / "map.html")
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
            for file in (files[0], files[1], folder / "map.html"):
                print(file.name, json.dumps(measure(page, file)))
            browser.close()


if __name__ == "__main__":
    main()
