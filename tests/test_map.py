"""The offline map: whole in itself, honest about the plan, the same bytes each time."""

import dataclasses
import json
import os
import re
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
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from plans import SITE, tiny_plan
from shapely.geometry import LineString, MultiPolygon, box

from gridcell.display.colour import colour_cells
from gridcell.display.content import page_content
from gridcell.display.encode import UNITS_PER_DEGREE, encode_numbers, encode_shapes, pack_texts
from gridcell.display.load import band_classes
from gridcell.display.map import draw_map
from gridcell.errors import InputError, WriteError
from gridcell.model import Plan, findings_frame
from gridcell.render.map import write_map
from gridcell.rules import Band
from gridcell.words.catalogue import LANGUAGES
from gridcell.words.maps import with_estimated, with_wanted, words
from gridcell_cli.map import command

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
    above: dict[str, Any] | None = None
    for level in ("large", "medium", "small", "micro"):
        above = unpack(data["levels"][level], above)
    return data


def unpack(cells: dict[str, Any], above: dict[str, Any] | None) -> dict[str, Any]:
    """Read the columns of a level as the page does."""
    cells["parent"] = np.cumsum(decode(cells["parent"])).tolist()
    for column in ("code", "label", "name"):
        keep, rest = decode(cells[column]["keep"]), cells[column]["rest"]
        cells[column] = [
            None if text is None else (above[column][parent] or "")[:n] + text if above else text
            for n, text, parent in zip(keep, rest, cells["parent"], strict=True)
        ]
    for column in ("dedicated", "households", "buildings", "band", "load", "colour"):
        if column in cells:
            cells[column] = decode(cells[column])
    return cells


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
    assert [small["name"][i] for i in rows] == [SITE]
    assert [plan.small["grid_type"][i] for i in rows] == ["dedicated"]


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
    monkeypatch.setattr("gridcell.display.content.MAX_FINDINGS", 2)
    content = page_content(plan, "en")
    assert content["findings"]["severity"] == [0, 1]
    assert content["counts"]["findings"] == 3


def test_buildings_beyond_the_limit_are_left_out(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gridcell.display.content.MAX_BUILDINGS", 2)
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
    plan = tiny_plan()
    leaves = dataclasses.replace(plan.coverage["leaves"], gaps=1)
    broken = dataclasses.replace(plan, coverage={**plan.coverage, "leaves": leaves})
    assert ["Exact coverage", "not given", "bad"] in page_content(broken, "en")["figures"]


def test_a_plan_without_proofs_micro_buildings_or_findings_can_be_drawn() -> None:
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
    assert content["levels"]["micro"]["label"]["rest"] == []
    assert page(bare).startswith("<!DOCTYPE html>")


def test_estimated_households_are_marked() -> None:
    guessed = dataclasses.replace(tiny_plan(), estimated=437)
    content = page_content(guessed, "en")
    assert content["estimated"] is True
    assert dict(row[:2] for row in content["figures"])["Households"].endswith("(estimated)")


def with_bands(plan: Plan, low: float, high: float, estimated: int) -> Plan:
    """Return the plan with one band for all small cells, and estimates in the first of them."""
    small = plan.small.copy()
    small.loc[small["grid_type"] == "general", ["band_min", "band_max"]] = low, high
    small.loc[0, "estimated"] = estimated
    medium = plan.medium.copy()
    medium.loc[0, "estimated"] = estimated
    return dataclasses.replace(plan, small=small, medium=medium, estimated=estimated)


def test_the_panel_tells_how_many_households_are_estimated() -> None:
    plan = with_bands(tiny_plan(), 60, 90, 12)
    row = dict(row[:2] for row in page_content(plan, "en")["figures"])
    assert row["Households"] == f"{plan.medium['households'].sum()} (of these 12 estimated)"
    row = dict(row[:2] for row in page_content(plan, "zh")["figures"])
    assert row["户数"] == f"{plan.medium['households'].sum()}（其中估算 12）"


@pytest.mark.parametrize(("low", "high", "said"), [
    (468.75, 781.25, "7, wanted 469 to 781"), (30, 50, "7, wanted 30 to 50"),
    (30 + 1e-12, 50 - 1e-12, "7, wanted 30 to 50"), (900, 1200.5, "7, wanted 900 to 1,200"),
    (0.75, 1.25, "7, wanted 1"), (1.25, 1.75, "7, wanted 1.25 to 1.75"),
])  # fmt: skip
def test_a_band_is_told_by_the_whole_numbers_in_it(low: float, high: float, said: str) -> None:
    plan = with_bands(tiny_plan(), low, high, 0)
    cells = page_content(plan, "en")["levels"]["small"]
    told = [cells["wanteds"][k] for k in decode(cells["wanted"])]
    wanted = said.replace("7", "{households}", 1)
    assert told == [wanted if kind == "general" else None for kind in plan.small["grid_type"]]
    assert with_wanted(words("en"), "7", low, high) == said


def test_every_cell_knows_how_many_of_its_households_are_estimated() -> None:
    plan = with_bands(tiny_plan(), 60, 90, 12)
    small = plan.small.astype({"estimated": "Int64"})
    small.loc[1, "estimated"] = pd.NA
    content = page_content(dataclasses.replace(plan, small=small), "en")
    assert decode(content["levels"]["small"]["estimated"]) == [12, -1, 0, 0, 0, 0]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_estimates_are_all_some_or_none_of_the_households(lang: str) -> None:
    text = words(lang)
    assert with_estimated(text, "9", 0, 9) == "9"
    assert text["estimated"] in with_estimated(text, "9", 9, 9)
    assert with_estimated(text, "9", None, 9) == with_estimated(text, "9", 9, 9)
    assert "4" in with_estimated(text, "9", 4, 9)


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


def test_an_exclave_has_a_place_for_a_name_of_its_own() -> None:
    plan = tiny_plan()
    near, far = box(0, 0, 100, 100), box(300, 0, 340, 60)
    plan.medium.loc[0, "geometry"] = MultiPolygon([far, near])
    coded = page_content(plan, "en")["levels"]["medium"]["places"]
    assert np.cumsum(decode(coded["row"])).tolist() == [0, 0, 1]
    wide = decode(coded["wide"])
    assert wide[0] > 2 * wide[1]  # the larger part comes first, each with its own room


def test_rivers_given_as_polygons_are_waters_with_islands_and_lines_stay_lines() -> None:
    plan = tiny_plan()
    x, y = plan.medium.total_bounds[:2]
    lake, island = box(x, y, x + 200, y + 100), box(x + 50, y + 40, x + 90, y + 60)
    moat = box(x + 300, y, x + 400, y + 100)
    rings = [lake.exterior, island.exterior, moat.exterior]
    plan = dataclasses.replace(
        plan,
        barriers=gpd.GeoDataFrame(
            {"kind": ["river"] * 3, "rank": [None, None, "ditch"], "name": [None] * 3},
            geometry=[LineString(ring.coords) for ring in rings],
            crs=plan.crs,
        ),
    )
    coded = page_content(plan, "en")["barriers"]
    assert decode(coded["water"]["rings"]) == [2]  # a lake and the island in it
    assert decode(coded["shape"]["rings"]) == [1]
    assert decode(coded["kind"]) == [1]


def test_classes_of_households_follow_the_band_of_the_community() -> None:
    plan = tiny_plan()
    classes, legend = band_classes(plan, "micro")
    assert legend is not None
    band = plan.micro["band"].to_numpy()
    assert ((classes >= 2) & (classes <= 4)).tolist() == (band == "in").tolist()
    assert (classes[band == "under"] < 2).all()
    assert (classes[band == "over"] > 4).all()
    assert legend["band"] == [30, 50]
    ranges = legend["ranges"]
    assert ranges[2][0] == 30
    assert ranges[4][1] == 50
    assert [r[0] for r in ranges[1:]] == [r[1] + 1 for r in ranges[:-1]]
    own = {(plan.medium["code"][1], "micro"): Band(min=10, target=15, max=20)}
    differing = dataclasses.replace(plan, bands=own)
    assert band_classes(differing, "micro")[1] == {"band": None, "ranges": None}
    assert (band_classes(plan, "small")[0][plan.small["grid_type"] == "dedicated"] == -1).all()


def test_vacancies_are_known_by_their_cell_in_the_language_asked_for() -> None:
    plan = tiny_plan()
    code = plan.micro["code"][3]
    vacant = pd.DataFrame(
        [("micro_chief", code, 2, "capacity"), ("beekeeper", plan.medium["code"][1], 1, None)],
        columns=["role", "code", "missing", "reason"],
    )
    plan = dataclasses.replace(plan, vacancies=vacant)
    found = page_content(plan, "zh")["vacancies"]
    assert (decode(found["level"]), decode(found["row"])) == ([1, 3], [1, 3])
    assert decode(found["missing"]) == [1, 2]
    assert [found["roles"][k] for k in decode(found["role"])] == ["beekeeper", "微网格长"]
    assert decode(found["reason"]) == [-1, 0]
    assert found["reasons"] == ["承载已满"]
    assert ["Vacancies", "3", ""] in page_content(plan, "en")["figures"]


def test_buildings_take_the_colour_of_their_leaf(plan: Plan) -> None:
    coded = page_content(plan, "en")["buildings"]
    counts = [len(decode(shapes["rings"])) for shapes in coded]
    assert sum(counts) == len(plan.buildings)
    assert counts[6:] == [1, 0]  # the one on dedicated land, none without a leaf
    assert sum(n > 0 for n in counts[:6]) > 1


@given(st.lists(st.tuples(st.none() | st.text(), st.none() | st.text())))
def test_texts_survive_their_packing(pairs: list[tuple[str | None, str | None]]) -> None:
    texts, above = [text for text, _ in pairs], [other for _, other in pairs]
    try:
        packed = pack_texts(texts, above)
    except UnicodeEncodeError:
        assume(False)
    for text, other, rest, keep in zip(
        texts, above, packed["rest"], decode(packed["keep"]), strict=True
    ):
        units = (other or "").encode("utf-16-le")[: 2 * keep].decode("utf-16-le")
        assert text == (None if rest is None else units + rest)


TILES = "https://{s}.tiles.example:8080/base/{z}/{x}/{y}.png"


def test_tiles_are_loaded_from_their_server_alone_and_only_when_asked_for(text: str) -> None:
    with_tiles = page(tiny_plan(), tiles=TILES)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', with_tiles)
    assert policy
    assert "img-src data: https://*.tiles.example:8080;" in policy[1]
    assert embedded(with_tiles)["tiles"] == TILES
    assert embedded(text)["tiles"] is None


@pytest.mark.parametrize(
    "address",
    ["", "tiles", "ftp://a/{z}/{x}/{y}", "https://a/{z}/{x}", "https://a/{z}/{x}/{y}\"><script>",
     "https://a;script-src */{z}/{x}/{y}", "https:///{z}/{x}/{y}"],
)  # fmt: skip
def test_what_is_no_address_of_tiles_is_refused(address: str) -> None:
    with pytest.raises(InputError, match="expected an address such as"):
        draw_map(tiny_plan(), tiles=address)


@pytest.fixture
def plan_file(plan: Plan, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    def open_plan(path: Path, *, atoms: bool, quiet: bool) -> Plan:
        assert path == tmp_path / "plan.gpkg"
        assert not atoms
        assert not quiet
        return plan

    monkeypatch.setattr("gridcell_cli.plans.open_plan", open_plan)
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
    (tmp_path / "folder.html").mkdir()
    folder = ["-o", str(tmp_path / "folder.html"), "--overwrite"]
    assert "name a file" in str(CliRunner().invoke(command, [str(plan_file), *folder]).exception)
    assert CliRunner().invoke(command, [*arguments, "--overwrite", "--json"]).exit_code == 0
    assert output.stat().st_size > 100_000
