"""The maps of an atlas: waters, numbers that can be read, pieces far away, whose name is whose."""

import dataclasses
import re
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import shapely.affinity
from atlas_fonts import CHARACTERS, make_font
from plans import tiny_plan
from pypdf import PdfReader
from shapely.geometry import LineString, box

from gridcell.display.water import water_areas, water_outlines
from gridcell.model import Plan
from gridcell.render.atlas import write_atlas
from gridcell.render.atlas.frame import Frame, fit_frame, next_round, split_bounds
from gridcell.render.atlas.furniture import _BARS
from gridcell.render.atlas.ground import WATER
from gridcell.render.atlas.names import NUMBERS, middle_line
from gridcell.render.atlas.sheet import open_sheets
from gridcell.words.messages import Message, counted, say

LARGE = "450802001"
FIRST = f"{LARGE}001"


@pytest.fixture(scope="module")
def font(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_font(tmp_path_factory.mktemp("fonts") / "boxes.ttf")


def page_of(path: Path, head: str) -> str:
    """Return the text of the page that begins so, on one line."""
    texts = [page.extract_text() for page in PdfReader(path).pages]
    return " ".join(next(text for text in texts if text.startswith(head)).split())


def drawn_on(path: Path, head: str) -> str:
    page = next(p for p in PdfReader(path).pages if p.extract_text().startswith(head))
    return page.get_contents().get_data().decode("latin-1")  # type: ignore[union-attr]


def with_barriers(plan: Plan, *lines: LineString, name: str | None = None) -> Plan:
    frame = gpd.GeoDataFrame(
        {"kind": "river", "rank": None, "name": name}, geometry=list(lines), crs=plan.crs,
        index=range(len(lines)),
    )  # fmt: skip
    return dataclasses.replace(plan, barriers=frame)


def with_houses(plan: Plan, ids: list[str], side: float) -> Plan:
    """Return the plan with houses in rows all over the first micro cell."""
    cell = plan.micro[plan.micro["code"] == f"{FIRST}001001"].geometry.iloc[0]
    west, south, _, _ = cell.bounds
    across = int(np.ceil(np.sqrt(len(ids))))
    step = 100 / across
    houses = gpd.GeoDataFrame(
        {"bldg_id": ids, "households": 1, "code": f"{FIRST}001001"},
        geometry=[
            box(x, y, x + side, y + side)
            for x, y in (
                (west + 1 + k % across * step, south + 1 + k // across * step)
                for k in range(len(ids))
            )
        ],
        crs=plan.crs,
    )  # fmt: skip
    small = plan.small.copy()
    small.loc[small["code"] == f"{FIRST}001", "buildings"] = len(ids)
    return dataclasses.replace(plan, buildings=houses, small=small)


def ground(plan: Plan, inset: float) -> LineString:
    west, south, east, north = plan.medium.total_bounds
    ring = box(west + inset, south + inset, east - inset, north - inset)
    return LineString(shapely.get_coordinates(ring))


# --- waters ---------------------------------------------------------------------------------


def test_waters_are_filled_and_named_within_and_rivers_are_lines(
    tmp_path: Path,
    font: Path,
) -> None:
    found = {}
    for kind in ("lake", "line"):
        plan = tiny_plan()
        shore = ground(plan, 80)
        if kind == "line":
            shore = LineString(shore.coords[:-1])
        write_atlas(with_barriers(plan, shore, name="江"), tmp_path / f"{kind}.pdf", font=font)
        page = "荷城社区第1小网格"
        colours = re.findall(r"([\d.]+ [\d.]+ [\d.]+) rg", drawn_on(tmp_path / f"{kind}.pdf", page))
        found[kind] = any(
            np.allclose([float(x) for x in c.split()], np.array(WATER) / 255, atol=0.002)
            for c in colours
        )
        assert "江" in page_of(tmp_path / f"{kind}.pdf", page)
    assert found == {"lake": True, "line": False}


def test_an_outline_within_another_is_an_island_and_a_stream_in_a_ring_no_lake() -> None:
    plan = tiny_plan()
    outer, inner = ground(plan, 10), ground(plan, 50)
    rivers = with_barriers(plan, outer, inner).barriers
    outlines = water_outlines(rivers)
    assert outlines.all()
    area = shapely.Polygon(outer).area - shapely.Polygon(inner).area
    assert water_areas(rivers.geometry[outlines]).area.sum() == pytest.approx(area)
    assert not water_outlines(rivers.assign(rank="stream")).any()
    assert not water_outlines(rivers.assign(kind="road")).any()


def test_the_name_of_a_river_runs_along_its_middle() -> None:
    course = LineString([(0, 0), (60, 10), (120, 0)])
    line = middle_line(course.buffer(5, cap_style="flat"))
    assert line.length > 150
    assert shapely.distance(shapely.points(shapely.get_coordinates(line)), course).max() < 1.5


# --- numbers of buildings -----------------------------------------------------------------------


@pytest.mark.parametrize("count", [6, 60, 240])
def test_every_building_is_numbered_or_listed_and_nothing_is_too_small_to_read(
    tmp_path: Path,
    font: Path,
    count: int,
) -> None:
    ids = [f"way/1{k % 7}{k:04}" for k in range(count)]
    write_atlas(with_houses(tiny_plan(), ids, 4.0), tmp_path / "a.pdf", font=font)
    page = "荷城社区第1小网格"
    text = page_of(tmp_path / "a.pdf", page)
    kept = re.search(r"Buildings carry the last (\d) characters", text)
    assert kept
    short = {k[-int(kept[1]) :] for k in ids}
    assert len(short) == len(ids)
    assert all(k in text for k in short)
    sizes = re.findall(r"/F\d+ ([\d.]+) Tf", drawn_on(tmp_path / "a.pdf", page))
    assert min(map(float, sizes)) >= 5


def test_numbers_are_written_in_full_and_large_where_there_is_room(
    tmp_path: Path,
    font: Path,
) -> None:
    write_atlas(with_houses(tiny_plan(), ["B0017", "B0018"], 40.0), tmp_path / "a.pdf", font=font)
    page = "荷城社区第1小网格"
    text = page_of(tmp_path / "a.pdf", page)
    assert "B0017" in text
    assert "carry the last" not in text
    assert f"{NUMBERS[0]:.2f} Tf" in drawn_on(tmp_path / "a.pdf", page)


# --- tables -----------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [3, 22, 41, 95])
def test_all_micro_grids_of_a_small_grid_are_listed(
    tmp_path: Path,
    font: Path,
    count: int,
) -> None:
    plan = tiny_plan()
    some = plan.micro[plan.micro["parent"] == f"{FIRST}001"].iloc[[0] * count].copy()
    some["code"] = [f"{FIRST}001{k:03}" for k in range(1, count + 1)]
    some["label"] = [f"L{k:03}x" for k in range(1, count + 1)]
    others = plan.micro[plan.micro["parent"] != f"{FIRST}001"]
    micro = gpd.GeoDataFrame(pd.concat([some, others], ignore_index=True), crs=plan.crs)
    write_atlas(dataclasses.replace(plan, micro=micro), tmp_path / "a.pdf", font=font)
    text = page_of(tmp_path / "a.pdf", "荷城社区第1小网格")
    assert all(text.count(label) == 1 for label in some["label"])
    assert "more" not in text


def test_reasons_are_said_in_the_language_of_the_page(tmp_path: Path, font: Path) -> None:
    plan = tiny_plan()
    small = plan.small.copy()
    reason = Message(
        "reason.exhausted", households=counted("household", 79), places=counted("building", 17),
        neighbours=counted("neighbour", 12), least=300, most=500,
    )  # fmt: skip
    small.loc[small["code"] == f"{FIRST}001", "reason"] = str(reason)
    plan = dataclasses.replace(plan, small=small)
    for lang in ("en", "zh"):
        write_atlas(plan, tmp_path / f"{lang}.pdf", lang=lang, font=font)
        text = page_of(tmp_path / f"{lang}.pdf", "荷城社区第1小网格")
        assert say(reason, lang).replace(" ", "") in text.replace(" ", "")


def test_counts_that_are_not_told_are_dashes(tmp_path: Path, font: Path) -> None:
    plan = tiny_plan()
    small = plan.small.astype({"households": "Int64", "buildings": "Int64"})
    small.loc[small["code"] == f"{FIRST}001", ["households", "buildings"]] = pd.NA
    medium = plan.medium.astype({"households": "Int64"})
    medium.loc[0, "households"] = pd.NA
    plan = dataclasses.replace(plan, small=small, medium=medium)
    write_atlas(plan, tmp_path / "a.pdf", font=font)
    text = page_of(tmp_path / "a.pdf", "荷城社区第1小网格")
    assert "Households – hh" in text
    assert "Buildings –" in text
    assert "Households – hh" in page_of(tmp_path / "a.pdf", "荷城街道")


# --- pieces, names, bars ----------------------------------------------------------------------


def test_pieces_far_away_get_a_map_of_their_own(tmp_path: Path, font: Path) -> None:
    plan = tiny_plan()
    small = plan.small.copy()
    row = small.index[small["code"] == f"{FIRST}001"][0]
    home = small.geometry.loc[row]
    away = shapely.affinity.translate(box(*home.bounds), 0, 3000)
    for shape, scales in ((home, 1), (shapely.union(home, away), 2)):
        small.loc[row, "geometry"] = shape
        file = tmp_path / f"{scales}.pdf"
        write_atlas(dataclasses.replace(plan, small=small), file, font=font)
        assert len(re.findall(r"1 : \d", page_of(file, "荷城社区第1小网格"))) == scales
    shown = split_bounds(shapely.union(home, away))
    assert [tuple(bounds) for bounds in shown] == [home.bounds, away.bounds]
    close = shapely.affinity.translate(away, 0, -2700)
    assert len(split_bounds(shapely.union(home, close))) == 1


def test_grids_of_another_community_are_named_in_full(tmp_path: Path, font: Path) -> None:
    write_atlas(tiny_plan(), tmp_path / "a.pdf", font=font)
    text = page_of(tmp_path / "a.pdf", "荷城社区第3小网格")
    assert "东湖社区第" in text
    assert re.search(r"(?<!社区)第2小网格 p\.", text)


@pytest.mark.parametrize("need", [0.7, 1.0, 17.1, 180.0, 9999.0])
def test_scale_bars_have_round_halves(need: float) -> None:
    length = next_round(need, _BARS)
    assert need <= length <= 2 * need
    assert float(f"{length / 2:.1g}") == length / 2


def test_what_is_on_the_ground_comes_to_its_place_on_paper() -> None:
    frame = fit_frame(np.array([1000.0, 2000.0, 1300.0, 2200.0]), 10, 40, 190, 150)
    assert isinstance(frame, Frame)
    bar = frame.paper(np.array([LineString([(1000, 2100), (1200, 2100)])]))
    assert shapely.length(bar)[0] * frame.scale / 1000 == pytest.approx(200)


def test_long_names_are_written_smaller_before_they_are_cut(font: Path) -> None:
    with open_sheets("A4", set(CHARACTERS), title="t", lang="en", font=font) as sheets:
        sheets.add_page()
        end = sheets.lines(10, 20, "荷城社区" * 6, 10, width=50, most=2)
        assert 20 < end < 30
        assert len(sheets.wrap("荷城社区" * 6, 8, 50)) == 2
