"""The offline map: whole in itself, honest about the plan, the same bytes each time."""

import json
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import folium
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from plans import SITE, tiny_plan
from shapely.geometry import LineString, MultiPolygon, box

from gridcell.errors import InputError, WriteError
from gridcell.model import Plan, findings_frame
from gridcell.render.colour import colour_cells
from gridcell.render.content import page_content
from gridcell.render.encode import UNITS_PER_DEGREE, encode_numbers, encode_shapes
from gridcell.render.map import draw_map, write_map
from gridcell.render.words import LANGUAGES, words
from gridcell_cli.map import command

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def decode(text: str) -> list[int]:
    numbers, value, shift = [], 0, 0
    for digit in map(ALPHABET.index, text):
        value |= (digit & 31) << shift
        shift += 5
        if digit < 32:
            numbers.append(-((value + 1) // 2) if value & 1 else value // 2)
            value = shift = 0
    return numbers


def page(plan: Plan, **options: Any) -> str:
    return str(draw_map(plan, **options).get_root().render())


def embedded(text: str) -> dict[str, Any]:
    found = re.search(
        r'<script type="application/json" id="plan-data">(.*?)</script>', text, re.DOTALL
    )
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


class Loads(HTMLParser):
    """Collects what a page would load, and the text of its scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.scripts = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        self.links += [
            value or ""
            for name, value in attrs
            if name in {"src", "href", "srcset", "data", "action", "poster", "background"}
        ]
        assert tag not in {"iframe", "object", "embed", "base"}


@pytest.fixture(scope="module")
def plan() -> Plan:
    return tiny_plan()


@pytest.fixture(scope="module")
def text(plan: Plan) -> str:
    return page(plan)


def test_the_page_loads_nothing(text: str) -> None:
    loads = Loads()
    loads.feed(text)
    assert [link for link in loads.links if not link.startswith("data:")] == []
    assert re.findall(r"url\(\s*[\"']?(?!data:)[\w/]", text) == []
    assert (
        re.findall(r"@import|\bfetch\(|XMLHttpRequest|importScripts|sourceMappingURL", text) == []
    )
    assert re.findall(r"""(?:src|href)\s*=\s*\\?["']?(?:https?:)?//""", text) == []


def test_the_browser_is_told_to_refuse_every_request(text: str) -> None:
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert policy
    assert policy[1].startswith("default-src 'none';")
    assert "http" not in policy[1]
    assert "*" not in policy[1]
    assert policy.start() < text.index("<script")


def test_the_map_is_a_folium_map_to_which_layers_can_be_added(plan: Plan) -> None:
    drawn = draw_map(plan)
    assert isinstance(drawn, folium.Map)
    folium.CircleMarker([22.9, 114.0]).add_to(drawn)
    assert "L.circleMarker" in drawn.get_root().render()


def test_the_same_plan_gives_the_same_bytes(plan: Plan, text: str, tmp_path: Path) -> None:
    assert page(plan) == text
    write_map(plan, tmp_path / "a.html")
    assert (tmp_path / "a.html").read_bytes() == text.encode()
    assert [p.name for p in tmp_path.iterdir()] == ["a.html"]


def test_bytes_do_not_depend_on_the_hash_seed(text: str, tmp_path: Path) -> None:
    code = (
        "import sys; from plans import tiny_plan; from gridcell.render.map import write_map;"
        "write_map(tiny_plan(), sys.argv[1])"
    )
    root = Path(__file__).parents[1]
    paths = os.pathsep.join([str(root), str(Path(__file__).parent)])
    subprocess.run(
        [sys.executable, "-c", code, tmp_path / "m.html"],
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "77", "PYTHONPATH": paths},
    )
    assert (tmp_path / "m.html").read_bytes() == text.encode()


def test_every_cell_of_every_level_is_in_the_page(plan: Plan, text: str) -> None:
    levels = embedded(text)["levels"]
    for level in ("large", "medium", "small", "micro"):
        cells = plan.cells(level)
        assert levels[level]["label"] == cells["label"].tolist()
        assert levels[level]["name"] == cells["name"].tolist()
        assert levels[level]["households"] == cells["households"].tolist()
        assert len(decode(levels[level]["shape"]["rings"])) == len(cells)
        for label in cells["label"]:
            assert f'"{label}"' in text


def test_cells_know_their_parents_bands_and_reasons(plan: Plan, text: str) -> None:
    levels = embedded(text)["levels"]
    for level, above in (("medium", "large"), ("small", "medium"), ("micro", "small")):
        codes = plan.cells(above)["code"]
        assert [codes[p] for p in levels[level]["parent"]] == plan.cells(level)["parent"].tolist()
    number = {"in": 1, "under": 2, "over": 3}
    assert levels["micro"]["band"] == [number[b] for b in plan.micro["band"]]
    reason = plan.micro["reason"].dropna()
    assert levels["micro"]["reason"] == {str(row): text for row, text in reason.items()}


def test_dedicated_cells_are_told_apart_and_carry_their_own_name(plan: Plan, text: str) -> None:
    small = embedded(text)["levels"]["small"]
    rows = [i for i, dedicated in enumerate(small["dedicated"]) if dedicated]
    assert [small["short"][i] for i in rows] == [SITE]
    assert [plan.small["grid_type"][i] for i in rows] == ["dedicated"]


def test_names_on_the_map_leave_out_what_the_land_around_says(text: str) -> None:
    levels = embedded(text)["levels"]
    assert levels["medium"]["short"][0] == "荷城社区"
    assert levels["small"]["short"][0] == "第1小网格"
    assert levels["micro"]["short"][:3] == ["001", "002", "001"]


def test_findings_are_marked_where_they_are_or_where_their_cell_is(plan: Plan, text: str) -> None:
    findings = embedded(text)["findings"]
    assert findings["severity"] == [0, 1, 2]
    assert findings["message"] == plan.findings["message"].tolist()
    assert findings["placed"] == [0, 1]
    xy = np.cumsum(np.reshape(decode(findings["at"]), (-1, 2)), axis=0) / UNITS_PER_DEGREE
    places = gpd.GeoSeries(shapely.points(xy), crs=4326).to_crs(plan.crs)
    assert places[0].distance(plan.findings.geometry[0]) < 0.1
    cell = plan.micro.set_index("code").geometry[plan.findings["cell"][1]]
    assert cell.contains(places[1])
    assert findings["cell"][1] == plan.micro.set_index("code")["label"][plan.findings["cell"][1]]


def test_findings_beyond_the_limit_are_counted(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gridcell.render.content.MAX_FINDINGS", 2)
    content = page_content(plan, "en")
    assert content["findings"]["severity"] == [0, 1]
    assert content["counts"]["findings"] == 3


def test_buildings_beyond_the_limit_are_left_out(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gridcell.render.content.MAX_BUILDINGS", 2)
    content = page_content(plan, "en")
    assert content["buildings"] is None
    assert content["counts"]["buildings"] == 13


@pytest.mark.parametrize(
    "evil",
    [
        "<script>alert(1)</script>",
        "</script><b>",
        "<!--<script>",
        "{{ 7*7 }}{% raw %}{#",
        '"&quot;\\',
        "\u2028",
    ],
)
def test_names_from_the_data_never_become_markup_or_template(evil: str) -> None:
    plan = tiny_plan(community_name=evil, message=evil)
    plan.large["name"] = evil
    text = page(plan)
    data = embedded(text)
    assert data["title"] == evil
    assert data["levels"]["medium"]["name"][0] == evil
    assert data["findings"]["message"][0] == evil
    calm, wild = Loads(), Loads()
    calm.feed(page(tiny_plan()))
    wild.feed(text)
    assert wild.scripts == calm.scripts
    assert "<script>alert" not in text
    assert "<b>" not in text


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_panel_tells_the_figures_of_the_plan(plan: Plan, lang: str) -> None:
    content, word = page_content(plan, lang), words(lang)
    figures = {row[0]: row[1:] for row in content["figures"]}
    assert content["title"] == "荷城街道"
    assert figures[word["small_general"]][0] == "5"
    assert figures[word["small_dedicated"]][0] == "1"
    assert figures[word["micro"]][0] == "12"
    assert figures[word["households"]][0] == f"{plan.large['households'][0]}"
    assert figures[word["in_band_small"]][0].startswith("80 %")
    assert figures[word["findings_error"]] == ["1", "bad"]
    assert figures[word["coverage"]] == [word["proven"], "good"]


def test_a_broken_proof_shows() -> None:
    broken = tiny_plan()
    broken.report["coverage"]["leaves"]["gaps"] = 1
    assert ["Exact coverage", "not given", "bad"] in page_content(broken, "en")["figures"]


def test_a_plan_without_report_micro_buildings_or_findings_can_be_drawn() -> None:
    full = tiny_plan()
    bare = Plan(
        **{
            name: getattr(full, name)
            for name in ("crs", "large", "medium", "small", "staff", "rules")
        },
        micro=full.micro.iloc[:0],
        leaves=full.small,
        buildings=full.buildings.iloc[:0],
        barriers=full.barriers.iloc[:0],
        households=pd.DataFrame(),
        vacancies=pd.DataFrame(),
        lineage=pd.DataFrame(),
        findings=findings_frame([], full.crs),
    )
    content = page_content(bare, "en")
    assert ["Exact coverage", "not checked", ""] in content["figures"]
    assert content["levels"]["micro"]["label"] == []
    assert page(bare).startswith("<!DOCTYPE html>")


def test_estimated_households_are_marked() -> None:
    guessed = tiny_plan()
    guessed.report["households"]["estimated"] = 437
    content = page_content(guessed, "en")
    assert content["estimated"] is True
    assert dict(row[:2] for row in content["figures"])["Households"].endswith("(estimated)")


def test_the_plan_is_not_changed(plan: Plan) -> None:
    before = tiny_plan()
    page_content(before, "zh")
    for level in ("large", "medium", "small", "micro", "leaves"):
        pd.testing.assert_frame_equal(before.cells(level), plan.cells(level))
    pd.testing.assert_frame_equal(before.findings, plan.findings)


def test_another_language_is_refused(plan: Plan) -> None:
    with pytest.raises(InputError, match="'fr': expected one of en, zh"):
        draw_map(plan, lang="fr")


def test_a_page_that_cannot_be_written_is_an_error(plan: Plan, tmp_path: Path) -> None:
    with pytest.raises(WriteError, match="nowhere"):
        write_map(plan, tmp_path / "nowhere" / "map.html")


@given(st.lists(st.integers(-(2**58), 2**58)))
def test_numbers_survive_their_text(numbers: list[int]) -> None:
    assert decode(encode_numbers(np.array(numbers, dtype=np.int64))) == numbers


def test_shapes_keep_their_holes_and_parts_within_a_decimetre() -> None:
    ring = box(0, 0, 300, 300).difference(box(100, 100, 200, 200))
    parts = MultiPolygon([box(500, 0, 600, 9), box(700, 0, 710, 90)])
    shapes = gpd.GeoSeries([parts, ring], crs=4546).translate(500_000, 2_560_000)
    coded = encode_shapes(shapes)
    assert decode(coded["rings"]) == [2, 2]
    assert decode(coded["points"]) == [4, 4, 4, 4]
    xy = np.cumsum(np.reshape(decode(coded["xy"]), (-1, 2)), axis=0) / UNITS_PER_DEGREE
    back = gpd.GeoSeries(shapely.polygons(xy.reshape(4, 4, 2)), crs=4326).to_crs(4546)
    assert shapely.hausdorff_distance(back[0], shapes[0].geoms[0]) < 0.1
    assert shapely.hausdorff_distance(back[2].exterior, shapes[1].exterior) < 0.1


def test_lines_keep_both_ends() -> None:
    lines = gpd.GeoSeries([LineString([(113, 22), (113.1, 22), (113, 22)])], crs=4326)
    assert decode(encode_shapes(lines)["points"]) == [3]


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 1000))
def test_neighbours_have_different_colours(columns: int, rows: int, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(columns * rows)
    cells = gpd.GeoSeries(
        [box(i % columns, i // columns, i % columns + 1, i // columns + 1) for i in order]
    )
    colours = colour_cells(cells, 6)
    left, right = shapely.STRtree(cells.array).query(cells.array, predicate="intersects")
    apart = left != right
    assert (colours[left[apart]] != colours[right[apart]]).all()
    assert colours.max() < 6


BEFORE = """<script>
window.faults = [];
addEventListener("error", event => faults.push(event.message));
addEventListener("securitypolicyviolation", event => faults.push(event.blockedURI));
</script>"""
AFTER = """<script>
function inked() {
  const canvas = document.querySelector("canvas.leaflet-zoom-animated");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let count = 0; // of pixels darker than bare land
  for (let i = 0; i < data.length; i += 4) count += data[i + 3] === 255 && data[i] < 245;
  return count;
}
const seen = { at_first: inked() };
map_plan.setZoom(map_plan.getZoom() + 1, { animate: false });
seen.nearer = inked();
const centre = map_plan.getCenter();
map_plan.fire("mousemove", { latlng: centre, layerPoint: map_plan.latLngToLayerPoint(centre) });
seen.tip = document.querySelector(".plan-tip").innerText;
for (const box of document.querySelectorAll(".leaflet-control-layers-selector")) {
  if (box.checked) box.click();
}
seen.nothing = inked();
seen.boxes = document.querySelectorAll(".leaflet-control-layers-selector").length;
seen.panel = document.querySelector(".plan-panel").innerText;
seen.faults = faults;
seen.requests = performance.getEntriesByType("resource").map(entry => entry.name);
document.title = JSON.stringify(seen);
</script>"""


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
def test_a_browser_draws_the_page_without_faults_or_requests(tmp_path: Path) -> None:
    evil = "<b>Lotus</b>"
    text = page(tiny_plan(community_name=evil))
    text = text.replace("<head>", f"<head>{BEFORE}", 1).replace("</html>", f"{AFTER}</html>")
    (tmp_path / "map.html").write_text(text, "utf-8")
    done = subprocess.run(
        [
            str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
            "--no-first-run", "--disable-background-networking", "--disable-component-update",
            "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--user-data-dir={tmp_path / 'profile'}",
            "--window-size=1200,800", "--virtual-time-budget=3000", "--dump-dom",
            (tmp_path / "map.html").as_uri(),
        ],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    title = re.search(r"<title>(.*?)</title>", done.stdout.decode("utf-8"), re.DOTALL)
    assert title
    seen = json.loads(title[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
    assert seen["faults"] == []
    assert seen["requests"] == []
    assert seen["at_first"] > 10_000
    assert seen["nearer"] > seen["at_first"]
    assert seen["nothing"] == 0
    assert seen["boxes"] == 10
    assert "Micro grids" in seen["panel"]
    assert "Households: " in seen["tip"]


@pytest.fixture
def plan_file(plan: Plan, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    def read_plan(path: Path) -> Plan:
        assert path == tmp_path / "plan.gpkg"
        return plan

    monkeypatch.setattr("gridcell.write.read_plan", read_plan)
    return tmp_path / "plan.gpkg"


def test_the_command_writes_the_page_in_the_language_asked_for(
    plan: Plan, plan_file: Path, tmp_path: Path
) -> None:
    output = tmp_path / "karte.html"
    result = CliRunner().invoke(command, [str(plan_file), "-o", str(output), "--lang", "zh"])
    assert (result.exit_code, result.stdout) == (0, "")
    assert output.read_text("utf-8") == page(plan, lang="zh")


def test_the_command_spares_a_file_unless_told_to_overwrite(
    plan_file: Path, tmp_path: Path
) -> None:
    output = tmp_path / "map.html"
    output.write_text("mine", "utf-8")
    arguments = [str(plan_file), "-o", str(output)]
    refused = CliRunner().invoke(command, arguments)
    assert isinstance(refused.exception, WriteError)
    assert output.read_text("utf-8") == "mine"
    folder = CliRunner().invoke(command, [str(plan_file), "-o", str(tmp_path), "--overwrite"])
    assert "name a file" in str(folder.exception)
    assert CliRunner().invoke(command, [*arguments, "--overwrite", "--json"]).exit_code == 0
    assert output.stat().st_size > 100_000
