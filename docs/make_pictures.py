"""Makes the pictures of README and docs from data in the repository.

Run in the repository, with gridcell and its extra ``notebook`` installed, Chromium, Poppler
(``pdftoppm``) and a Chinese font: ``python docs/make_pictures.py``, or with some of their names:
``… hecheng preferences``.
"""

import subprocess
import sys
import tempfile
from functools import lru_cache
from pathlib import Path

import geopandas as gpd
import matplotlib as mpl
import matplotlib.pyplot as plt
import shapely
from editor_tour import opened, tour
from PIL import Image

import gridcell

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
SAMPLE = ROOT / "data" / "samples" / "hecheng"
BUBENEC = ROOT / "notebooks" / "data"
COLOURS = 256
CHROMIUM = (
    "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--window-size=1500,950", "--virtual-time-budget=8000",
)  # fmt: skip
POPPLER = ("pdftoppm", "-r", "90", "-png", "-singlefile")


def main(names: list[str]) -> None:
    mpl.use("Agg")
    for name, draw in PICTURES.items():
        if name in (names or PICTURES):
            draw(IMAGES / f"{name}.png")
            for picture in sorted({*IMAGES.glob(f"{name}.png"), *IMAGES.glob(f"{name}-*.png")}):
                fewer = Image.open(picture).convert("RGB").quantize(COLOURS)
                fewer.save(picture, optimize=True)
                print(f"{picture}: {picture.stat().st_size / 1000:.0f} kB")


@lru_cache(maxsize=1)
def sample_layers() -> gridcell.Layers:
    """Return the sample town."""
    return gridcell.read_layers(
        SAMPLE / "communities.shp",
        SAMPLE / "buildings.shp",
        households=SAMPLE / "households.csv",
        sites=SAMPLE / "sites.shp",
        barriers=[SAMPLE / "roads.shp", SAMPLE / "rivers.shp"],
        staff=SAMPLE / "staff.csv",
    )


@lru_cache(maxsize=1)
def sample_plan() -> gridcell.Plan:
    """Return the sample town, divided."""
    return gridcell.make_plan(sample_layers())


def shoot_page(address: str, picture: Path) -> None:
    """Draw a page as a browser shows it."""
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [*CHROMIUM, f"--user-data-dir={profile}", f"--screenshot={picture}", address],
            check=True, capture_output=True,
        )  # fmt: skip


def draw_hecheng(picture: Path) -> None:
    """Draw the page that is written with the plan of the sample town."""
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "map.html"
        gridcell.write_map(sample_plan(), page, overwrite=True)
        shoot_page(page.as_uri(), picture)


def draw_editor(picture: Path) -> None:
    """Draw the editor of the sample town at the cell that is farthest out of its band."""
    plan = sample_plan()
    over = plan.micro[plan.micro["band"] == "over"]
    worst = over["code"][(over["households"] / over["target"]).idxmax()]
    with tempfile.TemporaryDirectory() as folder:
        [page] = gridcell.write_editor(plan, Path(folder) / "edit.html")
        shoot_page(f"{page.as_uri()}#{worst}", picture)


def draw_tour(picture: Path) -> None:
    """Draw the tour of the editor: the worst cell, a half of one before it goes, the end."""
    with opened(sample_plan()) as planner:

        def shoot(name: str) -> None:
            planner.page.wait_for_timeout(300)
            planner.page.screenshot(path=picture.with_name(f"{picture.stem}-{name}.png"))

        first = planner.off
        planner.show(first[0]["code"])
        shoot("worst")
        under = next(one["code"] for one in first if one["households"] < first[0]["households"])
        planner.show(under)
        planner.page.keyboard.press("s")
        half = next(one["code"] for one in planner.off if one not in first)
        planner.show(half)
        shoot("half")
        planner.page.keyboard.press("Control+z")
        for _ in tour(planner):
            pass
        planner.page.keyboard.press("Escape")
        planner.page.keyboard.press("f")
        shoot("done")
        planner.turn_to_small()
        shoot("small")
        print(f"out of band: {len(first)} before, {len(planner.off)} after")


def draw_atlas(picture: Path) -> None:
    """Draw two pages of the atlas of a community side by side: it, and a small grid."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "atlas.pdf"
        gridcell.write_atlas(sample_plan(), file, community="450802001013")
        pages = []
        for page in ("3", "5"):
            part = Path(folder) / page
            subprocess.run(
                [*POPPLER, "-f", page, "-l", page, file, part],
                check=True,
            )
            pages.append(Image.open(part.with_suffix(".png")))
        both = Image.new("RGB", (2 * pages[0].width + 12, pages[0].height), "#c8c8c8")
        for place, image in enumerate(pages):
            both.paste(image, (place * (image.width + 12), 0))
        both.save(picture)


def draw_preferences(picture: Path) -> None:
    """Draw the same real footprints divided by three preferences, with what each gives."""
    buildings = gpd.read_file(BUBENEC / "bubenec_buildings.geojson").to_crs("EPSG:32633")
    streets = gpd.read_file(BUBENEC / "bubenec_streets.geojson").to_crs("EPSG:32633")
    land = shapely.Polygon(buildings.buffer(40).union_all().exterior).buffer(-25).simplify(1)
    layers = gridcell.read_layers(
        gpd.GeoDataFrame({"code": ["B"], "name": ["Bubeneč"]}, geometry=[land], crs=32633),
        buildings.assign(floors=4),
        barriers=[streets.assign(kind="road")],
    )
    figure, axes = plt.subplots(1, 3, figsize=(12, 4.8), layout="constrained")
    for ax, prefer in zip(axes, ("balance", "default", "streets"), strict=True):
        rules = gridcell.read_rules(small="100:160:220", micro="none", prefer=prefer)
        plan = gridcell.make_plan(layers, rules=rules)
        plan.plot(ax=ax, buildings=True, barriers=True)
        off = plan.report["balance"]["small"]["mean_abs_dev"]
        share = plan.report["barrier_share"]["small"]
        ax.set_title(f"{prefer}: {off:.0%} off target, {share:.0%} on streets", fontsize=12)
    figure.savefig(picture, dpi=100)
    plt.close(figure)


def draw_scenarios(picture: Path) -> None:
    """Draw the sample town divided by three preferences, side by side."""
    plans = {"default": sample_plan()}
    for prefer in ("compact", "balance"):
        plans[prefer] = gridcell.make_plan(sample_layers(), rules={"prefer": prefer})
    with tempfile.TemporaryDirectory() as folder:
        scenarios = gridcell.compare_scenarios(plans)
        [page] = gridcell.write_scenarios(scenarios, Path(folder) / "scenarios.html")
        shoot_page(page.as_uri(), picture)


PICTURES = {
    "hecheng": draw_hecheng, "editor": draw_editor, "tour": draw_tour, "atlas": draw_atlas,
    "preferences": draw_preferences, "scenarios": draw_scenarios,
}  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1:])
