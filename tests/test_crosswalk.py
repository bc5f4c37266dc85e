"""Two divisions of the same land: every pair, every household once, and no small count told."""

import json
import re
import shutil
import subprocess

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from plans import CRS, LARGE, ORIGIN, tiny_plan
from shapely.geometry import Point, box

from gridcell.crosswalk import make_crosswalk, write_crosswalk
from gridcell.errors import InputError, WriteError
from gridcell.formats.geopackage import write_geopackage
from gridcell.render.crosswalk import write_crosswalk_map
from gridcell_cli.crosswalk import command

X, Y = ORIGIN
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def cells(*boxes, crs=CRS):
    """Return cells given as (code, west, south, east, north) in metres from the origin."""
    shapes = [box(X + w, Y + s, X + e, Y + n) for _, w, s, e, n in boxes]
    return gpd.GeoDataFrame({"code": [b[0] for b in boxes]}, geometry=shapes, crs=crs)


def houses(*places, size=4):
    """Return buildings given as (x, y, households)."""
    shapes = [Point(X + x, Y + y).buffer(size, cap_style="square") for x, y, _ in places]
    frame = {"bldg_id": [f"b{k}" for k in range(len(places))], "households": [p[2] for p in places]}
    return gpd.GeoDataFrame(frame, geometry=shapes, crs=CRS)


A = cells(("a1", 0, 0, 100, 100), ("a2", 100, 0, 200, 100), ("a3", 200, 0, 300, 100))
B = cells(("b1", 0, 0, 100, 100), ("b2", 100, 0, 150, 100), ("b3", 150, 0, 300, 100))
HOUSES = houses((50, 50, 20), (120, 50, 10), (180, 50, 7), (250, 50, 30), (148, 20, 9))


@pytest.fixture(scope="module")
def plan_file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plan")
    write_geopackage(tiny_plan(), folder / "plan.gpkg")
    return folder


def by_pair(crosswalk):
    pairs = crosswalk.pairs
    return {(r.a, r.b): r for r in pairs.itertuples()}


def test_every_pair_comes_with_its_area_shares_contents_and_relation():
    pairs = by_pair(make_crosswalk(A, B, buildings=HOUSES, threshold=0))
    assert list(pairs) == [("a1", "b1"), ("a2", "b2"), ("a2", "b3"), ("a3", "b3")]
    assert [p.relation for p in pairs.values()] == ["equal", "contains", "overlaps", "inside"]
    assert [p.area_m2 for p in pairs.values()] == [10_000, 5_000, 5_000, 10_000]
    assert [p.share_a for p in pairs.values()] == [1, 0.5, 0.5, 1]
    assert [round(p.share_b, 3) for p in pairs.values()] == [1, 1, 0.333, 0.667]
    assert [p.buildings for p in pairs.values()] == [1, 2, 1, 1]
    assert [p.households for p in pairs.values()] == [20, 19, 7, 30]


def test_cells_and_the_summary_tell_who_is_inside_whom_and_who_is_split():
    crosswalk = make_crosswalk(A, B, buildings=HOUSES, threshold=0)
    assert crosswalk.cells_a["relation"].tolist() == ["equal", "overlaps", "inside"]
    assert crosswalk.cells_b["relation"].tolist() == ["equal", "inside", "overlaps"]
    assert crosswalk.cells_a["into"].tolist() == ["b1", "b2;b3", "b3"]
    assert crosswalk.cells_a["households"].tolist() == [20, 26, 30]
    assert crosswalk.cells_b["households"].tolist() == [20, 19, 37]
    summary = crosswalk.summary
    assert (summary["one_to_one"], summary["a_inside_b"], summary["a_split"]) == (1, 2, 1)
    assert summary["households_one_to_one_share"] == round(20 / 76, 4)
    assert summary["lost"] == {"buildings": 0, "households": 0}


def test_land_of_one_division_alone_is_a_row_without_the_other():
    crosswalk = make_crosswalk(A, B.iloc[:1], buildings=HOUSES, threshold=0)
    pairs = crosswalk.pairs
    assert pairs["relation"].tolist() == ["equal", "only_a", "only_a"]
    assert pairs["b"].isna().tolist() == [False, True, True]
    assert pairs["households"].sum() == 76
    assert crosswalk.summary["a_outside"] == 2
    other = make_crosswalk(A.iloc[:1], B, threshold=0)
    assert other.pairs["relation"].tolist() == ["equal", "only_b", "only_b"]


def test_narrow_land_in_common_is_a_sliver_and_no_relation():
    shifted = cells(("b1", 0, 0, 100.4, 100), ("b2", 100.4, 0, 200, 100), ("b3", 200, 0, 300, 100))
    crosswalk = make_crosswalk(A, shifted, buildings=HOUSES, threshold=0)
    assert crosswalk.pairs["relation"].tolist() == ["equal"] * 3
    (sliver,) = crosswalk.slivers.itertuples()
    assert (sliver.a, sliver.b) == ("a2", "b1")
    assert sliver.width_m == pytest.approx(0.4, rel=0.02)
    assert crosswalk.summary["sliver_m2"] == pytest.approx(40)
    wide = make_crosswalk(A, shifted, threshold=0, sliver_m=0.1)
    assert len(wide.pairs) == 4


def test_a_cell_that_is_narrow_itself_is_no_sliver():
    strip = cells(("s", 0, 0, 300, 0.5))
    crosswalk = make_crosswalk(strip, cells(("b", 0, 0, 300, 100)), threshold=0)
    assert crosswalk.pairs["relation"].tolist() == ["inside", "only_b"]


def test_another_crs_is_moved_into_that_of_a_and_said():
    crosswalk = make_crosswalk(A, B.to_crs(4326), threshold=0)
    assert crosswalk.summary["reprojected"]
    assert crosswalk.summary["crs"] == "EPSG:4546"
    assert crosswalk.pairs["relation"].tolist() == ["equal", "contains", "overlaps", "inside"]
    degrees = make_crosswalk(A.to_crs(4326), B, threshold=0)
    assert degrees.crs.is_projected
    assert degrees.pairs["area_m2"].sum() == pytest.approx(30_000, rel=1e-3)


def test_points_on_borders_count_once_and_a_register_of_ids_counts_in_buildings():
    xy = [(X + 100, Y + 50), (X + 150, Y + 50), (X + 150, Y), (X + 300, Y + 100), (X + 999, Y)]
    register = pd.DataFrame(xy, columns=["x", "y"]).assign(household_id=list("abcde"))
    crosswalk = make_crosswalk(A, B, households=register, threshold=0)
    assert crosswalk.pairs["households"].tolist() == [0, 1, 2, 1]
    assert crosswalk.summary["lost"]["households"] == 1
    ids = pd.DataFrame({"household_id": ["1", "2", "3"], "bldg_id": ["b0", "b4", "b9"]})
    crosswalk = make_crosswalk(A, B, buildings=HOUSES, households=ids, threshold=0)
    assert crosswalk.pairs["households"].tolist() == [1, 1, 0, 0]
    assert crosswalk.summary["lost"]["households"] == 1


@given(st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_areas_and_households_add_up_whatever_the_borders(seed):
    rng = np.random.default_rng(seed)

    def division(name):
        cuts = np.concatenate([[0], np.sort(rng.uniform(5, 295, 4)), [300]])
        return cells(*((f"{name}{k}", cuts[k], 0, cuts[k + 1], 100) for k in range(5)))

    a, b = division("a"), division("b")
    places = np.column_stack([rng.uniform(0, 300, (40, 2)) * [1, 1 / 3], rng.integers(0, 9, 40)])
    crosswalk = make_crosswalk(a, b, buildings=houses(*places, size=3), threshold=0)
    everything = pd.concat([crosswalk.pairs, crosswalk.slivers])
    assert everything["area_m2"].sum() == pytest.approx(30_000, abs=0.1)
    assert everything["households"].sum() == places[:, 2].sum()
    assert everything["buildings"].sum() == 40
    for side, frame in (("a", crosswalk.cells_a), ("b", crosswalk.cells_b)):
        sums = everything.groupby(side)["households"].sum()
        assert frame.set_index("code")["households"].to_dict() == sums.to_dict()


def test_the_order_of_rows_changes_nothing():
    turned = make_crosswalk(A[::-1], B[::-1], buildings=HOUSES)
    straight = make_crosswalk(A, B, buildings=HOUSES)
    pd.testing.assert_frame_equal(
        pd.DataFrame(turned.pairs.drop(columns="geometry")),
        pd.DataFrame(straight.pairs.drop(columns="geometry")),
    )
    assert turned.summary == straight.summary


def test_a_plan_stands_for_its_leaves_with_its_buildings(plan_file):
    crosswalk = make_crosswalk(plan_file, f"{plan_file}#small")
    assert crosswalk.summary["a_inside_b"] == len(crosswalk.cells_a) == 13
    assert crosswalk.summary["one_to_one"] == 1
    site = crosswalk.pairs.set_index("a").loc[f"{LARGE}002801"]
    assert site["relation"] == "equal"
    assert crosswalk.pairs["households"].sum() == 475


BOW_TIE = shapely.Polygon([(X, Y), (X + 9, Y + 9), (X + 9, Y), (X, Y + 9)])


@pytest.mark.parametrize(
    ("a", "message"),
    [
        (A.assign(code=["1", "1", "2"]), "occur more than once: 1"),
        (A.assign(code=["1", None, "2"]), "no code, first row 2"),
        (A.rename(columns={"code": "xyz"}), "no column code; the columns are xyz"),
        (A.set_geometry(A.boundary), "expected a polygon"),
        (A.set_geometry([A.geometry[0], None, A.geometry[2]], crs=CRS), "expected a polygon"),
        (A.set_geometry([BOW_TIE] * 3, crs=CRS), "invalid polygon"),
        (A.set_geometry(A.translate(90_000, 0)), "share no land"),
    ],
)
def test_divisions_that_cannot_be_used_are_named_with_the_reason(a, message):
    with pytest.raises(InputError, match=message):
        make_crosswalk(a, B)


def test_a_threshold_of_0_hides_nothing():
    crosswalk = make_crosswalk(A, B, buildings=houses((120, 50, 2), (180, 50, 3)), threshold=0)
    assert crosswalk.pairs["households"].tolist() == [0, 2, 3, 0]


SMALL = houses((120, 50, 2), (180, 50, 40), (250, 50, 60), (50, 50, 9))
C = cells(("c1", 0, 0, 300, 50), ("c2", 0, 50, 300, 100))
MANY = houses((50, 25, 30), (50, 75, 3), (150, 25, 40), (150, 75, 50), (250, 25, 60), (250, 75, 70))


@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".gpkg", ".geojson", ".html"])
def test_no_output_holds_a_hidden_count(tmp_path, suffix):
    crosswalk = make_crosswalk(A, C, buildings=MANY)
    hidden = crosswalk.pairs["suppressed"]
    assert hidden.sum() == 4
    assert crosswalk.pairs["households"][hidden].isna().all()
    out = tmp_path / f"out{suffix}"
    if suffix == ".html":
        write_crosswalk_map(crosswalk, out)
        data = json.loads(re.search(r'id="data">(.*?)</script>', out.read_text("utf-8"))[1])
        told = data["pairs"]["households"]
    else:
        write_crosswalk(crosswalk, out)
        if suffix == ".csv":
            told = pd.read_csv(out)["households"].tolist()
        elif suffix == ".xlsx":
            told = pd.read_excel(out, sheet_name="pairs")["households"].tolist()
        else:
            layer = {"layer": "pairs"} if suffix == ".gpkg" else {}
            told = gpd.read_file(out, **layer)["households"].tolist()
    assert [pd.isna(value) for value in told] == hidden.tolist()


def test_the_zero_of_land_without_buildings_hides_nothing():
    crosswalk = make_crosswalk(A, B, buildings=SMALL)
    pairs = by_pair(crosswalk)
    assert pairs["a1", "b1"].households == 9
    # a2 and b3 hold 40 together, and b2 nothing else: the totals alone tell the 2.
    assert pairs["a2", "b2"].suppressed
    assert crosswalk.summary["exposed_by_totals"] == 1


@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".gpkg", ".geojson"])
def test_files_keep_codes_as_text_and_are_the_same_bytes_each_time(tmp_path, suffix):
    a = A.assign(code=["001", "002", "003"])
    crosswalk = make_crosswalk(a, B, buildings=HOUSES)
    outs = [tmp_path / f"{k}{suffix}" for k in range(2)]
    for out in outs:
        write_crosswalk(crosswalk, out)
    assert outs[0].read_bytes() == outs[1].read_bytes()
    if suffix == ".csv":
        codes = pd.read_csv(outs[0], dtype=str)["a"]
    elif suffix == ".xlsx":
        sheet = openpyxl.load_workbook(outs[0])["pairs"]
        codes = pd.Series([row[0].value for row in sheet.iter_rows(min_row=2)])
    else:
        pairs = gpd.read_file(outs[0], **({"layer": "pairs"} if suffix == ".gpkg" else {}))
        codes = pairs["a"]
        assert pairs.to_crs(CRS).area.sum() == pytest.approx(30_000, rel=1e-4)
    assert codes.tolist() == ["001", "002", "002", "003"]
    with pytest.raises(WriteError, match="is there already"):
        write_crosswalk(crosswalk, outs[0])


def test_the_page_needs_no_network_and_text_in_it_stays_text(tmp_path):
    a = A.assign(code=["</script><b>x", "2", "3"])
    out = tmp_path / "map.html"
    write_crosswalk_map(make_crosswalk(a, B, buildings=HOUSES), out, lang="zh")
    page = out.read_text("utf-8")
    assert "</script><b>x" not in page
    links = re.findall(r'(?:src|href)\s*=\s*["\'](?!data:)[^"\']*', page.split("<body>")[1])
    assert links == []
    assert "default-src 'none'" in page
    assert "网格对照" in page


@pytest.mark.skipif(CHROMIUM is None, reason="no browser")
def test_the_page_draws_in_a_browser(tmp_path):
    out = tmp_path / "map.html"
    write_crosswalk_map(make_crosswalk(A, B, buildings=HOUSES), out)
    done = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom",
         "--virtual-time-budget=2000", out.as_uri()],
        capture_output=True, check=True, encoding="utf-8", timeout=60,
    )  # fmt: skip
    assert "leaflet-container" in done.stdout
    assert "A inside B" in done.stdout
    assert "Borders of B" in done.stdout


def test_the_command_writes_file_and_map_and_prints_the_summary(plan_file, tmp_path):
    out, page = tmp_path / "x.csv", tmp_path / "x.html"
    arguments = [str(plan_file), f"{plan_file}#small", "-o", str(out), "--map", str(page)]
    done = CliRunner().invoke(command, arguments)
    assert done.exit_code == 0, done.output
    assert "inside one of the other: 13 of A, 1 of B" in done.stdout
    assert page.stat().st_size > 100_000
    done = CliRunner().invoke(command, [*arguments, "--overwrite", "--json", "--threshold", "0"])
    assert json.loads(done.stdout)["one_to_one"] == 1
    done = CliRunner().invoke(command, arguments)
    assert "is there already" in str(done.exception)


def test_lines_that_touch_polygons_do_not_make_pairs():
    touching = cells(("t", 300, 0, 400, 100), ("u", 0, 0, 50, 100))
    crosswalk = make_crosswalk(A, touching, threshold=0)
    assert crosswalk.summary["pairs"] == 1


def test_cells_that_only_touch_share_nothing():
    # They touch along an edge and at a point apart: an intersection without any polygon.
    spike = shapely.Polygon([(X + 100, Y + 80), (X + 150, Y + 60), (X + 150, Y + 95)])
    touching = shapely.MultiPolygon([box(X + 100, Y, X + 150, Y + 40), spike])
    a = cells(("a1", 0, 0, 100, 100), ("a2", 100, 0, 200, 100))
    b = cells(("b1", 0, 0, 100, 100), ("b2", 0, 0, 1, 1))
    b.loc[1, "geometry"] = touching
    pairs = make_crosswalk(a, b).pairs
    shared = pairs[pairs["relation"].isin(["equal", "inside", "contains", "overlaps"])]
    assert sorted(zip(shared["a"], shared["b"], strict=True)) == [("a1", "b1"), ("a2", "b2")]
