"""What a notebook shows of a plan: pictures, summaries and the map, whatever names hold."""

import dataclasses
import html.parser
import re
import shutil
import subprocess
import sys

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from plans import CRS, ORIGIN, SMALL, in_words, tiny_plan
from shapely.geometry import Point, Polygon, box

from gridcell.coverage import prove_coverage
from gridcell.display import cards as pieces
from gridcell.display import plot
from gridcell.display.map import show_plan
from gridcell.display.plot import COLUMNS, plot_plan
from gridcell.display.thumbnail import thumbnail
from gridcell.errors import GridcellError, InputError
from gridcell.fabric import build_fabric
from gridcell.model import Finding
from gridcell.read import read_layers
from gridcell.rules import Rules

EVIL = '<script>alert(1)</script> & "荷城" {{ braces }}'
X, Y = ORIGIN
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def tiny_layers(*, name="荷城社区"):
    communities = gpd.GeoDataFrame(
        {"code": ["450802001001"], "name": [name]}, geometry=[box(X, Y, X + 200, Y + 100)], crs=CRS
    )
    buildings = gpd.GeoDataFrame(
        {"bldg_id": ["a", "b", "c"], "households": [20, 30, 25]},
        geometry=[box(X + x, Y + 30, X + x + 20, Y + 60) for x in (20, 90, 150)],
        crs=CRS,
    )
    street = gpd.GeoDataFrame(
        {"kind": ["road"]}, geometry=[shapely.LineString([(X + 70, Y), (X + 70, Y + 100)])], crs=CRS
    )
    return read_layers(communities, buildings, barriers=[street])


def tiny_fabric():
    layers = tiny_layers()
    counts = layers.buildings["households"].to_numpy(dtype=np.int64)
    return build_fabric(layers, counts, np.array([[30.0, 50.0]]))


def texts_of(fragment):
    """Return the texts of well-formed HTML: every element that begins also ends."""
    texts, open_tags = [], []

    class Reader(html.parser.HTMLParser):
        def handle_starttag(self, tag, _attrs):
            assert tag != "script"
            open_tags.append(tag)

        def handle_startendtag(self, _tag, _attrs):
            pass

        def handle_endtag(self, tag):
            assert open_tags.pop() == tag

        def handle_data(self, data):
            texts.append(data)

    reader = Reader()
    reader.feed(fragment)
    reader.close()
    assert not open_tags
    return texts


# -- summaries --------------------------------------------------------------------------------


def test_a_plan_tells_its_levels_bands_proof_and_findings():
    texts = texts_of(tiny_plan()._repr_html_())
    rows = "|".join(texts)
    assert "Micro cells|12|10 of 12|" in rows
    assert "Dedicated cells|1|0|" in rows
    line = texts[-1]
    assert line.startswith("Exact coverage: ✓ proven · 1 buildings cut")
    assert "Findings: 1 error, 1 warning, 1 note" in line
    assert "EPSG:4546" in line


def test_a_plan_that_is_not_proven_says_so():
    plan = tiny_plan()
    small = dataclasses.replace(plan.coverage["small"], gaps=1)
    broken = dataclasses.replace(plan, coverage={**plan.coverage, "small": small})
    assert "Exact coverage: ✗ not given" in texts_of(broken._repr_html_())[-1]
    unchecked = dataclasses.replace(plan, coverage={})
    assert "Exact coverage: not checked" in texts_of(unchecked._repr_html_())[-1]


def test_layers_tell_rows_households_files_and_crs():
    rows = "|".join(texts_of(tiny_layers()._repr_html_()))
    assert "buildings|3|75|frame|EPSG:4546|" in rows
    assert "all in EPSG:4546" in rows


def test_a_fabric_tells_its_atoms_and_the_borders_on_streets():
    fabric = tiny_fabric()
    texts = texts_of(fabric._repr_html_())
    rows = "|".join(texts)
    assert f"all|{len(fabric.atoms)}|75|2.00" in rows
    assert "0.1 km on streets" in texts[-1]


def test_a_proof_tells_that_it_holds_or_what_is_missing():
    plan = tiny_plan()
    holds = prove_coverage(plan.small.geometry, plan.large.geometry)
    assert "".join(texts_of(holds._repr_html_())) == "✓ The cells cover their land exactly"
    fails = prove_coverage(plan.small.geometry.iloc[1:], plan.large.geometry)
    rows = "|".join(texts_of(fails._repr_html_()))
    assert rows.startswith("✗ The cells do not cover their land exactly")
    assert "gaps|1|40,000.000" in rows


def test_rules_tell_the_bands_and_what_differs_from_the_defaults():
    rows = "|".join(texts_of(Rules()._repr_html_()))
    assert "small|300:400:500|" in rows
    assert "weights" not in rows
    given = {"prefer": "streets", "micro": None, "classes": {"rural": {"small": "150:200:250"}}}
    rows = "|".join(texts_of(Rules.build(given)._repr_html_()))
    assert "micro|none|30:40:50" in rows
    assert "classes.rural.small|150:200:250" in rows
    assert "weights.barrier|0.25|0.5" in rows
    assert "classes.rural.micro" not in rows


def all_pieces(monkeypatch, lang):
    monkeypatch.setenv("GRIDCELL_LANG", lang)
    plan = tiny_plan()
    shown = {
        "plan": plan,
        "layers": tiny_layers(),
        "fabric": tiny_fabric(),
        "proof": prove_coverage(plan.small.geometry.iloc[1:]),
        "rules": Rules(),
    }
    return {name: value._repr_html_() for name, value in shown.items()}


def test_summaries_exist_in_chinese_by_argument_and_by_environment(monkeypatch):
    told = all_pieces(monkeypatch, "zh")
    assert pieces.plan_html(tiny_plan(), "zh") == told["plan"]
    # a summary never fails for a setting
    assert all_pieces(monkeypatch, "xx") == all_pieces(monkeypatch, "en")
    for name, text in told.items():
        assert re.search("[\u4e00-\u9fff]", text), name
    with pytest.raises(InputError, match="expected one of en, zh"):
        pieces.plan_html(tiny_plan(), "xx")


def test_summaries_fit_a_cell(monkeypatch):
    for name, text in all_pieces(monkeypatch, "en").items():
        assert len(text) < 20_000, name
        assert text.count("<tr>") < 15, name


def test_nothing_from_data_is_markup():
    plan = tiny_plan()
    medium = plan.medium.assign(name=EVIL).iloc[:1]
    large = plan.large.assign(name=EVIL)
    plan = dataclasses.replace(plan, medium=medium, large=large)
    layers = tiny_layers(name=EVIL)
    record = dataclasses.replace(layers.inputs[0], path=EVIL, encoding=EVIL, crs=EVIL, layer=EVIL)
    layers = dataclasses.replace(
        layers,
        inputs=(record,),
        findings=(Finding(kind=EVIL, severity="note", text=in_words(EVIL)),),
    )
    fabric = tiny_fabric()
    fabric = dataclasses.replace(fabric, atoms=fabric.atoms.assign(kind=EVIL))
    rules = Rules.build(
        {"fields": {"buildings": {"floors": EVIL}}, "staffing": [{"name": "<b>", "level": "small"}]}
    )
    for text in (
        plan._repr_html_(), layers._repr_html_(), fabric._repr_html_(),
        rules._repr_html_(),
    ):  # fmt: skip
        assert "<script" not in text
        assert "<b>:" not in text
        texts_of(text)
    assert EVIL in texts_of(plan._repr_html_())


def test_the_picture_is_small_and_left_out_where_it_would_be_crowded():
    plan = tiny_plan()
    picture = thumbnail(plan)
    assert picture.startswith("<svg")
    assert len(picture) < 2000
    assert picture.count("<path") >= 2
    many = gpd.GeoDataFrame(
        {"grid_type": "general"},
        geometry=[box(x, 0, x + 1, 1) for x in range(601)], index=range(601), crs=CRS,
    )  # fmt: skip
    crowded = dataclasses.replace(plan, small=many, medium=many)
    assert thumbnail(crowded) == ""
    only_communities = dataclasses.replace(plan, small=many)
    assert "<path" in thumbnail(only_communities)


# -- the map ----------------------------------------------------------------------------------


def test_the_map_is_a_frame_of_the_height_asked_for():
    shown = show_plan(tiny_plan(), height=321)
    frame = shown._repr_html_()
    assert frame.startswith("<iframe srcdoc=")
    assert 'height="321px"' in frame
    assert frame == shown._repr_html_() == tiny_plan().explore(height=321)._repr_html_()
    with pytest.raises(InputError, match="expected pixels"):
        show_plan(tiny_plan(), height=0)


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_the_map_draws_inside_a_notebook_and_leaves_the_page_alone(tmp_path):
    frame = tiny_plan(community_name=EVIL).explore(height=400)._repr_html_()
    page = tmp_path / "notebook.html"
    page.write_text(f"<!doctype html><title>kept</title>{frame}<p>after", encoding="utf-8")
    picture = tmp_path / "notebook.png"
    done = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--window-size=900,460",
         f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=4000",
         "--host-resolver-rules=MAP * ~NOTFOUND", f"--screenshot={picture}", page.as_uri()],
        capture_output=True, encoding="utf-8", timeout=60, check=True,
    )  # fmt: skip
    assert "Uncaught" not in done.stderr
    image = pytest.importorskip("matplotlib.image").imread(picture)
    assert len(np.unique((image[:400, 20:880, :3] * 15).astype(int).reshape(-1, 3), axis=0)) > 30


# -- plots ------------------------------------------------------------------------------------


@pytest.fixture
def plt():
    mpl = pytest.importorskip("matplotlib")
    mpl.use("Agg")
    pyplot = pytest.importorskip("matplotlib.pyplot")
    yield pyplot
    pyplot.close("all")


@pytest.mark.parametrize("column", [None, *COLUMNS])
@pytest.mark.parametrize("level", ["large", "medium", "small", "micro", "leaves"])
@pytest.mark.usefixtures("plt")
def test_every_level_is_drawn_by_every_column(level, column):
    plan = tiny_plan()
    ax = plan.plot(level=level, column=column)
    assert len(ax.collections[0].get_paths()) == len(plan.cells(level))
    ax.figure.canvas.draw()
    west, south, east, north = plan.large.total_bounds
    assert ax.get_xlim()[0] <= west < east <= ax.get_xlim()[1]
    assert ax.get_ylim()[0] <= south < north <= ax.get_ylim()[1]


def test_a_plot_goes_on_the_axes_it_is_given(plt):
    _, axes = plt.subplots(1, 2)
    assert plot_plan(tiny_plan(), ax=axes[1], buildings=True, barriers=True) is axes[1]
    assert not axes[0].collections
    assert len(plt.get_fignums()) == 1


@pytest.mark.usefixtures("plt")
def test_waters_given_as_polygons_are_filled():
    from matplotlib.colors import to_hex

    plan = tiny_plan()
    west, south, _, north = plan.large.total_bounds
    lake = shapely.box(west + 50, south + 50, west + 150, north - 50)
    outline = gpd.GeoDataFrame(
        {"kind": ["river"], "rank": [None], "name": [None]}, geometry=[lake.exterior], crs=plan.crs
    )
    ax = plot_plan(dataclasses.replace(plan, barriers=outline), barriers=True)
    (water,) = (c for c in ax.collections if {*map(to_hex, c.get_facecolor())} == {plot._RIVER})
    assert water.get_paths()[0].contains_point(lake.centroid.coords[0])


@pytest.mark.usefixtures("plt")
def test_streets_that_go_on_do_not_make_the_cells_small():
    plan = tiny_plan()
    far = plan.barriers.set_geometry(plan.barriers.scale(50, 50))
    ax = plot_plan(dataclasses.replace(plan, barriers=far), barriers=True)
    assert ax.get_xlim() == plot_plan(plan).get_xlim()
    assert ax.get_ylim() == plot_plan(plan).get_ylim()


@pytest.mark.usefixtures("plt")
def test_cells_that_touch_differ_and_a_number_has_its_colour():
    plan = tiny_plan()
    ax = plot_plan(plan, level="micro")
    fills = [tuple(colour) for colour in ax.collections[0].get_facecolor()]
    shapes = plan.micro.geometry
    for one, other in zip(*shapes.sindex.query(shapes, predicate="touches"), strict=True):
        assert fills[one] != fills[other]
    ax = plot_plan(plan, level="micro", column="households")
    assert ax.collections[0].get_array().tolist() == plan.micro["households"].tolist()


@pytest.mark.usefixtures("plt")
def test_the_legend_is_in_the_language_asked_for():
    def legend(lang):
        ax = plot_plan(tiny_plan(), level="micro", column="band", lang=lang)
        return [text.get_text() for text in ax.get_legend().get_texts()]

    assert legend("en") == ["in band", "under", "over"]
    if not pytest.importorskip("gridcell.display.plot")._find_font({ord("达")}):
        pytest.skip("no font with Chinese characters")
    assert legend("zh") == ["达标", "不足", "超出"]
    assert plot_plan(tiny_plan(), column="band", legend=False).get_legend() is None


def test_holes_stay_open(plt):
    plan = tiny_plan()
    ring = Polygon(box(0, 0, 9, 9).exterior, [box(3, 3, 6, 6).exterior])
    for shape in (ring, shapely.reverse(ring)):
        small = plan.small.iloc[:1].set_geometry([shape], crs=CRS)
        _, ax = plt.subplots(figsize=(2, 2))
        plot_plan(dataclasses.replace(plan, small=small), ax=ax)
        ax.figure.canvas.draw()
        picture = np.asarray(ax.figure.canvas.buffer_rgba())
        x, y = ax.transData.transform((4.5, 4.5)).astype(int)
        assert picture[picture.shape[0] - y, x, :3].tolist() == [255, 255, 255]


@pytest.mark.usefixtures("plt")
def test_labels_say_what_the_code_adds_to_its_parent():
    def labels(level):
        return sorted(
            text.get_text() for text in plot_plan(tiny_plan(), level=level, labels=True).texts
        )

    assert labels("small") == sorted(code.lstrip("0") for cells in SMALL.values() for code in cells)


@pytest.mark.usefixtures("plt")
def test_a_name_is_no_formula():
    plan = tiny_plan()
    plan = dataclasses.replace(plan, medium=plan.medium.assign(name="$x_$ {} \\frac"))
    plot_plan(plan, level="medium", labels=True).figure.canvas.draw()


@pytest.mark.usefixtures("plt")
def test_chinese_names_are_written_or_the_missing_font_is_named(monkeypatch):
    plot = pytest.importorskip("gridcell.display.plot")
    if plot._find_font({ord(c) for c in "荷城东湖社区"}):
        ax = plot_plan(tiny_plan(), level="medium", labels=True)
        ax.figure.canvas.draw()  # a missing glyph would warn, and warnings are errors
        assert {text.get_text() for text in ax.texts} == {"荷城社区", "东湖社区"}
    monkeypatch.setattr(plot, "_CJK_FONTS", ())
    with pytest.raises(GridcellError, match=r"社区' cannot be written.*fonts-noto-cjk"):
        plot_plan(tiny_plan(), level="medium", labels=True)
    plot_plan(tiny_plan(), level="medium").figure.canvas.draw()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"level": "tiny"}, "level 'tiny': expected one of large, medium, small, micro, leaves"),
        ({"column": "name"}, "column 'name': expected one of band, grid_type, households"),
        ({"lang": "fr"}, "language 'fr': expected one of en, zh"),
    ],
)
def test_what_cannot_be_drawn_is_said(options, message):
    with pytest.raises(InputError, match=message):
        plot_plan(tiny_plan(), **options)


@pytest.mark.usefixtures("plt")
def test_an_empty_level_is_an_empty_plot():
    plan = tiny_plan()
    plan = dataclasses.replace(plan, micro=plan.micro.iloc[:0], buildings=plan.buildings.iloc[:0])
    for column in (None, "band", "households"):
        plot_plan(
            plan, level="micro", column=column, buildings=True, labels=True
        ).figure.canvas.draw()


def test_without_matplotlib_the_message_says_what_to_install(monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(GridcellError, match=r"pip install 'gridcell\[notebook\]'"):
        plot_plan(tiny_plan())


def test_importing_gridcell_does_not_import_matplotlib():
    code = "import sys, gridcell, gridcell.display.plot; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.usefixtures("plt")
def test_a_plot_leaves_the_plan_as_it_was():
    plan, same = tiny_plan(), tiny_plan()
    plot_plan(plan, column="band", buildings=True, barriers=True)
    pd.testing.assert_frame_equal(plan.small, same.small)
    assert plan.findings.geometry.iloc[0].equals(Point(X + 150, Y + 350))
