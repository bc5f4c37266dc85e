"""Makes the pictures of README and docs.

Run in the repository, with gridcell and its extras ``print`` and ``notebook`` installed, Chromium,
Poppler (``pdftoppm``) and a Chinese font: ``python docs/make_pictures.py``, or with some of their
names: ``… hecheng preferences``. Most are drawn from data in the repository; those of real places
need data that are not (`place_pictures.py`), those of QGIS a QGIS (``qgis``,
`make_qgis_pictures.py`). Where something is missing, a picture stays as it is and that is said.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from functools import lru_cache
from pathlib import Path

import geopandas as gpd
import matplotlib as mpl
import matplotlib.pyplot as plt
import place_pictures
import shapely
from editor_tour import opened, tour
from PIL import Image

import gridcell

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
SAMPLE = ROOT / "data" / "samples" / "hecheng"
BUBENEC = ROOT / "notebooks" / "data"
COLOURS = 256
LOGO = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="120" height="64" viewBox="0 0 120 64">'
    '<rect width="120" height="64" rx="6" fill="#1f4e6e"/>'
    '<circle cx="36" cy="32" r="20" fill="#f2c879"/>'
    '<path d="M66 52 L82 14 L98 52 Z" fill="white"/></svg>'
)
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
            try:
                draw(IMAGES / f"{name}.png")
            except place_pictures.MissingError as error:
                print(f"{name}: left as it is, {error}")
                continue
            if name in place_pictures.PICTURES:
                made = {IMAGES / f"{name}.png"}
            else:
                made = {*IMAGES.glob(f"{name}.png"), *IMAGES.glob(f"{name}-*.png")}
            for picture in sorted(made):
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


def draw_imprint(picture: Path) -> None:
    """Draw a title page with imprint in Chinese, and a landscape page on A3 beside it."""
    with tempfile.TemporaryDirectory() as folder:
        logo = Path(folder) / "logo.svg"
        logo.write_text(LOGO)
        given = {"date": "2026-11-27", "overwrite": True}
        pages = []
        for number, options in enumerate((
            {"title": "荷城街道网格图册", "department": "荷城街道社会治理办公室", "lang": "zh",
             "sign_off": True, "logo": logo, "page": 1},
            {"department": "Office of Grids", "community": "450802001013", "paper": "A3",
             "orientation": "landscape", "scale": 2500, "page": 4},
        )):  # fmt: skip
            file = Path(folder) / f"{number}.png"
            gridcell.write_atlas(sample_plan(), file, **given, **options)
            page = Image.open(file)
            pages.append(page.resize((page.width * 7 // 20, page.height * 7 // 20)))
        wide = sum(page.width for page in pages) + 36
        both = Image.new("RGB", (wide, max(page.height for page in pages) + 24), "#d0d0d0")
        left = 12
        for page in pages:
            both.paste(page, (left, (both.height - page.height) // 2))
            left += page.width + 12
        both.save(picture)


def draw_qgis(picture: Path) -> None:
    """Draw the dialog of Partition in two languages, and what QGIS shows after it."""
    python = next((one for one in ("/usr/bin/python3", "python3") if _has_qgis(one)), None)
    if python is None:
        raise place_pictures.MissingError("no Python here has QGIS")
    with tempfile.TemporaryDirectory(prefix="gridcell-") as folder:
        profile = Path(folder) / "home" / "profiles" / "default"
        profile.mkdir(parents=True)
        script = Path(__file__).with_name("make_qgis_pictures.py")
        paths = [str(Path(sys.executable).parent), os.environ["PATH"]]
        env = {
            **os.environ, "PATH": os.pathsep.join(paths), "QT_QPA_PLATFORM": "offscreen",
            "QGIS_CUSTOM_CONFIG_PATH": f"{folder}/home",
        }  # fmt: skip
        install = ["gridcell", "qgis", "install", "--profiles", profile.parent]
        subprocess.run(install, env=env, check=True, capture_output=True)
        for locale in ("C.UTF-8", "zh_CN.UTF-8"):
            subprocess.run(
                [python, script, f"{folder}/home", folder], env={**env, "LC_ALL": locale},
                check=True, capture_output=True,
            )  # fmt: skip
        for made in Path(folder).glob("qgis-*.png"):
            shutil.copy(made, picture.parent)


def _has_qgis(python: str) -> bool:
    if shutil.which(python) is None:
        return False
    done = subprocess.run([python, "-c", "import qgis.core"], capture_output=True, check=False)
    return done.returncode == 0


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
    "imprint": draw_imprint, "preferences": draw_preferences, "scenarios": draw_scenarios,
    "qgis": draw_qgis, **place_pictures.PICTURES,
}  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1:])
