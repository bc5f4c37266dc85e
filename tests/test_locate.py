"""Points: exactly one cell each, in memory, on disk and in files of any size."""

import csv
import os
import sqlite3
from itertools import pairwise

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pyproj
import pytest
import shapely
from click.testing import CliRunner
from geopandas.testing import assert_geodataframe_equal
from hypothesis import given, settings
from hypothesis import strategies as st
from plans import CRS, LARGE, ORIGIN, tiny_plan
from shapely.geometry import MultiPoint, Point, Polygon, box

from gridcell.errors import AssignmentError, InputError, WriteError
from gridcell.formats.geopackage import write_geopackage
from gridcell.locator import LOCATED_COLUMNS, locate, locate_file, open_locator
from gridcell.locator.borders import choose_holder
from gridcell.locator.index import CellIndex, index_plan
from gridcell_cli.locate import command

X, Y = ORIGIN


@pytest.fixture(scope="module")
def plan():
    made = tiny_plan()
    staff = [("p2", "micro_chief", f"{LARGE}001001001"), ("p1", "community_chief", f"{LARGE}001")]
    frame = pd.DataFrame(staff, columns=["staff_id", "role", "code"]).assign(distance_m=1.0)
    object.__setattr__(made, "staff", frame)
    return made


@pytest.fixture(scope="module")
def file(plan, tmp_path_factory):
    path = tmp_path_factory.mktemp("plan") / "plan.gpkg"
    write_geopackage(plan, path)
    return path


def write_csv(path, rows, header=("id", "x", "y"), encoding="utf-8"):
    with path.open("w", encoding=encoding, newline="") as stream:
        csv.writer(stream).writerows([header, *rows])
    return path


def read_csv(path):
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def coverage(seed, size=5):
    """Quadrilaterals around moved grid points, each split by a diagonal now and then."""
    rng = np.random.default_rng(seed)
    nodes = np.stack(np.meshgrid(np.arange(size), np.arange(size), indexing="ij"), -1).astype(float)
    nodes[1:-1, 1:-1] += np.round(rng.uniform(-0.4, 0.4, (size - 2, size - 2, 2)), 3)
    cells = []
    for i in range(size - 1):
        for j in range(size - 1):
            a, b = nodes[i, j], nodes[i + 1, j]
            c, d = nodes[i + 1, j + 1], nodes[i, j + 1]
            halves = [Polygon([a, b, c]), Polygon([a, c, d])]
            whole = Polygon([a, b, c, d])
            split = rng.random() < 0.5 and all(h.area > 0.05 for h in halves)
            split = split and abs(sum(h.area for h in halves) - whole.area) < 1e-9
            cells += halves if split else [whole]
    return np.array(cells, dtype=object)


def east_of(xy, cells):
    """Return the cell of each point, moved east by a millionth and north by far less."""
    moved = shapely.points(xy + np.array([1e-6, 1e-12]))
    tree = shapely.STRtree(cells)
    point, cell = tree.query(moved, predicate="within")
    out = np.full(len(xy), -1)
    out[point] = cell
    return out


def one_index(cells):
    fields = pd.DataFrame({name: [f"{k:03d}" for k in range(len(cells))] for name in ("code",)})
    return CellIndex(crs=CRS, shapes=cells, fields=fields)


@given(st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_every_point_of_the_land_has_one_cell_and_on_borders_it_is_the_one_to_the_east(seed):
    cells = coverage(seed)
    rng = np.random.default_rng(seed)
    vertices = np.unique(shapely.get_coordinates(cells), axis=0)
    anywhere = rng.uniform(0, 4, (50, 2))
    # Nearer to a border than `east_of` moves a point, it would tell of the other side.
    borders = shapely.union_all(shapely.boundary(cells))
    anywhere = anywhere[shapely.distance(shapely.points(anywhere), borders) > 1e-5]
    xy = np.vstack([vertices, anywhere])
    row, how, distance = one_index(cells).find(xy)
    assert (how == 0).all()
    assert (distance == 0).all()
    expected = east_of(xy, cells)
    inland = expected >= 0
    assert inland.sum() > 50
    np.testing.assert_array_equal(row[inland], expected[inland])
    assert (shapely.distance(cells[row], shapely.points(xy)) == 0).all()


@given(st.integers(0, 1000), st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None)
def test_the_order_of_cells_and_of_their_vertices_changes_nothing(seed, random):
    cells = coverage(seed)
    xy = np.unique(shapely.get_coordinates(cells), axis=0)
    order = random.sample(range(len(cells)), len(cells))
    turned = shapely.reverse(cells) if random.random() < 0.5 else cells
    rows = one_index(turned[order]).find(xy)[0]
    np.testing.assert_array_equal(np.array(order)[rows], one_index(cells).find(xy)[0])


def test_points_along_straight_borders_belong_to_the_cell_in_the_east_or_north():
    cells = np.array([box(0, 0, 1, 1), box(1, 0, 2, 1), box(0, 1, 1, 2), box(1, 1, 2, 2)])
    xy = np.array([[1, 0.5], [0.5, 1], [1, 1], [2, 1], [2, 0.5], [1, 2], [2, 2], [0, 0], [0, 1]])
    expected = [1, 2, 3, 3, 1, 2, 3, 0, 2]
    assert one_index(cells).find(xy)[0].tolist() == expected


def test_a_point_where_a_cell_meets_itself_has_one_cell():
    touching = Polygon(
        box(0, 0, 3, 3).exterior, [[(1, 1), (0, 1.5), (1, 2)], [(1, 1), (2, 1), (1.5, 0.5)]]
    )
    holes = [Polygon(r) for r in touching.interiors]
    cells = np.array([touching, *holes], dtype=object)
    row, how, _ = one_index(cells).find(np.array([[1.0, 1.0], [0.0, 1.5]]))
    assert (how == 0).all()
    assert row.tolist() == [0, 1]


def test_where_cells_overlap_the_one_with_the_point_inside_wins():
    cells = np.array([box(0, 0, 1, 1), box(0.5, 0, 2, 1), box(0, 0, 3, 3)])
    assert one_index(cells).find(np.array([[1.0, 0.5]]))[0].tolist() == [1]


def test_many_points_in_one_corner_and_a_lone_one_far_away_are_found():
    cells = np.array([box(i, j, i + 1, j + 1) for i in range(40) for j in range(40)])
    xy = np.vstack([np.random.default_rng(0).uniform(0, 40, (3000, 2)), [[1e7, 1e7]]])
    row, how, _ = one_index(cells).find(xy)
    assert row[:-1].tolist() == (np.floor(xy[:-1, 0]) * 40 + np.floor(xy[:-1, 1])).tolist()
    assert (row[-1], how[-1]) == (-1, 2)


def test_choosing_gives_one_pair_a_point():
    cells = np.array([box(0, 0, 1, 1), box(1, 0, 2, 1)])
    xy = np.array([[1.0, 0.5], [1.0, 1.0]])
    point, cell = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    assert choose_holder(xy, point, cell, cells).tolist() == [1, 2]


def test_a_located_point_knows_the_cells_of_all_levels_and_who_answers_for_them(plan):
    found = locate(plan, ([X + 50, X + 750], [Y + 350, Y + 50]))
    assert tuple(found.columns) == LOCATED_COLUMNS
    first, site = found.to_dict("records")
    assert first["code"] == first["micro"] == f"{LARGE}001001001"
    assert (first["small"], first["medium"], first["large"]) == (
        f"{LARGE}001001", f"{LARGE}001", LARGE,
    )  # fmt: skip
    assert first["staff"] == "micro_chief:p2;community_chief:p1"
    assert site["code"] == site["small"] == f"{LARGE}002801"
    assert pd.isna(site["micro"])
    assert pd.isna(site["staff"])


def test_the_answer_stands_on_the_index_of_the_caller_whose_frame_is_not_changed(plan):
    points = gpd.GeoDataFrame(
        {"name": list("abcd")}, index=[7, 3, 3, 9], crs=CRS,
        geometry=[Point(X + 50, Y + 350), None, Point(), Point(X - 30, Y + 50)],
    )  # fmt: skip
    before = points.copy(deep=True)
    found = locate(plan, points, nearest_m=20)
    pd.testing.assert_index_equal(found.index, points.index)
    assert found["how"].tolist() == ["inside", "unplaceable", "unplaceable", "outside"]
    assert found["distance_m"].tolist()[::3] == [0.0, 30.0]
    assert found["reason"].tolist()[1] == "no geometry"
    assert "30.0 m" in found["reason"].tolist()[3]
    assert_geodataframe_equal(points, before)


def test_points_in_another_crs_are_moved(plan):
    points = gpd.GeoSeries([Point(X + 50, Y + 350)], crs=CRS).to_crs(4326)
    assert locate(plan, points)["code"].tolist() == [f"{LARGE}001001001"]
    lon, lat = points.iloc[0].coords[0]
    assert locate(plan, ([lon], [lat]), crs=4326)["code"].tolist() == [f"{LARGE}001001001"]


def test_a_point_outside_gets_the_nearest_cell_within_the_limit(plan):
    found = locate(plan, ([X - 10, X - 30, np.nan], [Y + 350, Y + 350, 1.0]), nearest_m=20)
    assert found["how"].tolist() == ["nearest", "outside", "unplaceable"]
    assert found["code"].notna().tolist() == [True, False, False]
    assert found["distance_m"].tolist()[:2] == [10.0, 30.0]


def test_what_is_no_point_is_said_to_be_none(plan):
    shapes = [MultiPoint([(X + 50, Y + 350)]), MultiPoint([(0, 0), (1, 1)]), box(0, 0, 1, 1)]
    found = locate(plan, gpd.GeoSeries(shapes, crs=CRS))
    assert found["how"].tolist() == ["inside", "unplaceable", "unplaceable"]
    assert found["reason"].tolist()[1:] == [
        "the geometry is a MultiPoint, expected a point",
        "the geometry is a Polygon, expected a point",
    ]


def test_faults_of_the_caller_are_named(plan):
    with pytest.raises(InputError, match="CRS is missing"):
        locate(plan, gpd.GeoSeries([Point(0, 0)]))
    with pytest.raises(AssignmentError, match="one length"):
        locate(plan, ([1, 2], [1]))
    with pytest.raises(AssignmentError, match="as numbers"):
        locate(plan, (["a"], [1]))


def samples(plan):
    rng = np.random.default_rng(1)
    corners = shapely.get_coordinates(plan.leaves.geometry)
    around = rng.uniform([X - 150, Y - 150], [X + 950, Y + 550], (300, 2))
    return np.vstack([corners, around])


def test_an_edge_due_east_belongs_to_the_cell_above_it_whatever_the_sign_of_zero():
    cells = np.array([box(-1, -1, 1, 0), box(-1, 0, 1, 1)])
    assert one_index(cells).find(np.array([[0.0, 0.0], [0.0, -0.0], [1.0, 0.0]]))[0].tolist() == [
        1, 1, 1,
    ]  # fmt: skip


def test_one_point_from_disk_gets_the_answer_of_many_in_memory(plan, file):
    xy = samples(plan)
    expected = locate(plan, (xy[:, 0], xy[:, 1]), nearest_m=60)
    assert set(expected["how"]) == {"inside", "nearest", "outside"}
    with open_locator(file) as locator:
        for (x, y), row in zip(xy.tolist(), expected.to_dict("records"), strict=True):
            one = locator.locate(x, y, crs=CRS, nearest_m=60)
            for name in LOCATED_COLUMNS:
                want = None if pd.isna(row[name]) else row[name]
                assert getattr(one, name) == want, (name, x, y)
        many = locator.locate(xy[:, 0], xy[:, 1], crs=CRS, nearest_m=60)
        few = locator.locate(xy[:20, 0], xy[:20, 1], crs=CRS, nearest_m=60)
    pd.testing.assert_frame_equal(many, expected)
    pd.testing.assert_frame_equal(few, expected.iloc[:20])


def test_a_locator_takes_degrees_and_says_what_is_no_place(file):
    lon, lat = gpd.GeoSeries([Point(X + 50, Y + 350)], crs=CRS).to_crs(4326).iloc[0].coords[0]
    with open_locator(file.parent) as locator:
        assert locator.locate(lon, lat).code == f"{LARGE}001001001"
        assert locator.locate(lon, 93).reason == "lat is 93, expected degrees from -90 to 90"
        assert locator.locate(float("nan"), 1.0).how == "unplaceable"
        assert locator.locate(np.array([lon, 200.0]), np.array([lat, 1.0]))["how"].tolist() == [
            "inside",
            "unplaceable",
        ]
        assert locator.locate(lon, lat, crs="EPSG:4490").code == f"{LARGE}001001001"
        with pytest.raises(InputError, match="unknown"):
            locator.locate(lon, lat, crs="nonsense")


def test_a_locator_reads_only_the_cells_it_is_asked_for(file):
    with open_locator(file) as locator:
        locator.locate(X + 50, Y + 350, crs=CRS)
        assert len(locator._leaves) == 1


def test_a_plan_that_took_the_place_of_another_is_seen(plan, tmp_path):
    path, other = tmp_path / "plan.gpkg", tmp_path / "other.gpkg"
    write_geopackage(plan, path)
    write_geopackage(plan, other)
    with sqlite3.connect(other) as connection:
        connection.execute("SELECT load_extension('') WHERE 0")
        triggers = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'leaves'"
        ).fetchall()
        for (name,) in triggers:
            connection.execute(f'DROP TRIGGER "{name}"')
        connection.execute("UPDATE leaves SET label = 'new'")
    connection.close()
    if os.name == "nt":
        pytest.skip("an open file cannot be replaced")
    with open_locator(path) as locator:
        assert locator.locate(X + 50, Y + 350, crs=CRS).label != "new"
        other.replace(path)
        assert locator.locate(X + 50, Y + 350, crs=CRS).label == "new"


def test_what_is_no_plan_cannot_be_opened(tmp_path):
    layer = tmp_path / "layer.gpkg"
    gpd.GeoDataFrame({"code": ["1"]}, geometry=[box(0, 0, 1, 1)], crs=CRS).to_file(layer)
    text = tmp_path / "text.gpkg"
    text.write_text("nonsense " * 200, encoding="utf-8")
    for path, message in (
        (layer, "no plan"), (text, "no readable plan"), (tmp_path / "none", "no such file"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=message):
            open_locator(path)
        with pytest.raises(InputError, match=message):
            locate_file(path, "points.csv", tmp_path / "out.csv")


ROWS = [
    ["0012", X + 50, Y + 350],
    ["=cmd", X - 10, Y + 350],
    ["", "", ""],
    ["x", "1,5", Y],
    ["0007", X + 5000, Y],
]
HOW = ["inside", "nearest", "unplaceable", "unplaceable", "outside"]


@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".gpkg", ".geojson", ".parquet"])
@pytest.mark.parametrize("source", [".csv", ".xlsx", ".parquet"])
def test_a_table_comes_out_with_the_same_rows_in_every_format(file, tmp_path, source, suffix):
    frame = pd.DataFrame(ROWS, columns=["id", "x", "y"]).astype(str)
    points = tmp_path / f"points{source}"
    if source == ".csv":
        frame.to_csv(points, index=False)
    elif source == ".xlsx":
        frame.to_excel(points, index=False)
    else:
        frame.to_parquet(points)
    out = tmp_path / f"out{suffix}"
    report = locate_file(file, points, out, nearest_m=20)
    assert report.counts == {"inside": 1, "nearest": 1, "outside": 1, "unplaceable": 2}
    if suffix == ".csv":
        read = read_csv(out)
    elif suffix == ".xlsx":
        read = pd.read_excel(out, dtype=str, keep_default_na=False)
    elif suffix == ".parquet":
        read = pd.read_parquet(out)
    else:
        read = gpd.read_file(out)
        assert read.geometry.notna().tolist() == [True, True, False, False, True]
    assert read["how"].tolist() == HOW
    ids = [value or "" for value in read["id"].where(read["id"].notna(), "")]
    assert ids[0] == "0012"
    # A workbook made by a program holds formulas without results.
    without = " (a formula without its value)" if source == ".xlsx" else ""
    assert ids[1].lstrip("'") == f"=cmd{without}"
    assert ids[3:] == ["x", "0007"]
    assert read["code"].iloc[0] == f"{LARGE}001001001"
    assert read["reason"].iloc[3] == "x is '1,5', expected a number"


@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".gpkg", ".geojson", ".parquet"])
def test_a_layer_comes_out_with_its_columns_and_geometry(file, tmp_path, suffix):
    layer = gpd.GeoDataFrame(
        {"fid_": [1, 2], "text": ["0012", None], "n": [1.5, np.nan],
         "day": pd.to_datetime(["2024-03-01", None])},
        geometry=[Point(X + 50, Y + 350), None], crs=CRS,
    )  # fmt: skip
    points = tmp_path / "points.gpkg"
    layer.to_file(points, layer="here")
    out = tmp_path / f"out{suffix}"
    locate_file(file, f"{points}#here", out)
    if suffix in {".csv", ".xlsx"}:
        read = read_csv(out) if suffix == ".csv" else pd.read_excel(out, dtype=str)
        assert float(read["x"].iloc[0]) == X + 50
        assert read["text"].iloc[0] == "0012"
    else:
        read = gpd.read_parquet(out) if suffix == ".parquet" else gpd.read_file(out)
        assert read.geometry.iloc[0].distance(layer.to_crs(read.crs).geometry.iloc[0]) < 1e-6
        assert read["n"].iloc[0] == 1.5
        assert read.geometry.iloc[1] is None
    assert read["how"].tolist() == ["inside", "unplaceable"]


def test_columns_of_the_file_are_untouched_and_ours_step_aside(file, tmp_path):
    header = ["Code", "x", "y", " note ", "how"]
    rows = [["A1", X + 50, Y + 350, ' a "b", c\nd ', "by foot"], ["0", X + 51, Y + 350, "", ""]]
    points = write_csv(tmp_path / "points.csv", rows, header)
    report = locate_file(file, points, tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as stream:
        read = list(csv.reader(stream))
    assert read[0][:5] == header
    assert [row[:5] for row in read[1:]] == [[str(value) for value in row] for row in rows]
    assert report.columns[0] == "cell_code"
    assert "cell_how" in report.columns


def test_cells_that_a_spreadsheet_could_run_are_written_as_text(file, tmp_path):
    nasty = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\tx", "＝1+1", " =1", "-0.15", "ok"]
    rows = [[text, X + 50, Y + 350] for text in nasty]
    points = write_csv(tmp_path / "points.csv", rows)
    locate_file(file, points, tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as stream:
        read = [row[0] for row in csv.reader(stream)][1:]
    assert read == [*(f"'{text}" for text in nasty[:7]), "-0.15", "ok"]
    locate_file(file, points, tmp_path / "out.xlsx")
    book = openpyxl.load_workbook(tmp_path / "out.xlsx")
    cells = [row[0] for row in book.active.iter_rows(min_row=2)]
    assert [cell.value for cell in cells] == nasty
    assert {cell.data_type for cell in cells} == {"s"}
    assert all(cell.quotePrefix for cell in cells[:7])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_text_in_any_encoding_comes_out_as_utf8(file, tmp_path, encoding):
    rows = [["荷城路1号", X + 50, Y + 350]]
    points = write_csv(tmp_path / "p.csv", rows, ["地址", "x", "y"], encoding)
    locate_file(file, points, tmp_path / "out.csv")
    data = (tmp_path / "out.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf") == (encoding == "utf-8-sig")
    read = pd.read_csv(tmp_path / "out.csv", dtype=str, encoding="utf-8-sig")
    assert read["地址"].tolist() == ["荷城路1号"]


def test_a_sheet_keeps_numbers_dates_and_texts(file, tmp_path):
    book = openpyxl.Workbook()
    day = pd.Timestamp("2024-03-01 10:30").to_pydatetime()
    for row in (["x", "y", "n", "day", "mixed"], [X + 50, Y + 350, 7, day, "0012"],
                [None, None, None, None, None], [X + 50, Y + 350, 8, None, 12]):  # fmt: skip
        book.active.append(row)
    book.save(tmp_path / "p.xlsx")
    locate_file(file, tmp_path / "p.xlsx", tmp_path / "out.xlsx")
    rows = list(openpyxl.load_workbook(tmp_path / "out.xlsx").active.values)
    assert rows[1][2:5] == (7, day, "0012")
    assert rows[3][2:5] == (8, None, "12")
    how = rows[0].index("how")
    assert [row[how] for row in rows[1:]] == ["inside", "unplaceable", "inside"]


def test_many_batches_give_the_rows_in_their_order(file, tmp_path, monkeypatch):
    monkeypatch.setattr("gridcell.tables.stream._BLOCK", 4096)
    rng = np.random.default_rng(0)
    xy = rng.uniform([X, Y], [X + 800, Y + 400], (3000, 2)).tolist()
    rows = [[f"{k:05d}", repr(x), repr(y)] for k, (x, y) in enumerate(xy)]
    points = write_csv(tmp_path / "p.csv", rows)
    report = locate_file(file, points, tmp_path / "out.csv")
    read = read_csv(tmp_path / "out.csv")
    assert report.rows == 3000
    assert read[["id", "x", "y"]].to_numpy().tolist() == rows
    (cells,) = {tuple(read["code"])}
    with open_locator(file) as locator:
        assert cells[:50] == tuple(locator.locate(x, y, crs=CRS).code for x, y in xy[:50])


def test_memory_does_not_grow_with_the_rows(plan, tmp_path, monkeypatch):
    from gridcell.locator.stream import _Run
    from gridcell.tables import stream as tabular

    monkeypatch.setattr(tabular, "_BLOCK", 4096)
    seen = []
    kept = _Run._located
    monkeypatch.setattr(
        _Run, "_located", lambda run, batch: seen.append(batch.table.num_rows) or kept(run, batch)
    )
    file = tmp_path / "plan.gpkg"
    write_geopackage(plan, file)
    rows = [[k, X + 50, Y + 350] for k in range(5000)]
    locate_file(file, write_csv(tmp_path / "p.csv", rows), tmp_path / "out.csv")
    assert sum(seen) == 5000
    assert max(seen) < 400


BAD = [
    ("p.csv", b"a,b\n1,2\n", "no coordinates"),
    ("p.csv", b"", "header"),
    ("p.csv", b"x,y\n", "no rows"),
    ("p.csv", b"x,y\n1,2\n1,2,3\n", "Expected 2 columns, got 3"),
    ("p.csv", b"x,x,y\n1,2,3\n", "occur twice"),
    ("p.csv", b"x,y\n\xff\xfe\x81,1\n", "encoding"),
    ("p.xlsx", b"nonsense", "XLSX"),
    ("p.parquet", b"nonsense", "Parquet"),
    ("p.gpkg", b"nonsense", "cannot be read"),
]


@pytest.mark.parametrize(("name", "data", "message"), BAD)
def test_files_that_cannot_be_used_are_named_with_the_reason(file, tmp_path, name, data, message):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=message) as caught:
        locate_file(file, tmp_path / name, tmp_path / "out.csv")
    assert name in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == [name]


def test_layers_that_are_no_points_are_refused(file, tmp_path):
    gpd.GeoDataFrame(geometry=[box(X, Y, X + 1, Y + 1)], crs=CRS).to_file(tmp_path / "p.gpkg")
    with pytest.raises(InputError, match="expected points, found geometries of type"):
        locate_file(file, tmp_path / "p.gpkg", tmp_path / "out.csv")
    with pytest.warns(UserWarning, match="crs"):
        gpd.GeoSeries([Point(X, Y)]).to_file(tmp_path / "q.shp")
    with pytest.raises(InputError, match="CRS is missing"):
        locate_file(file, tmp_path / "q.shp", tmp_path / "out.csv")
    report = locate_file(file, tmp_path / "q.shp", tmp_path / "out.csv", crs="EPSG:4546")
    assert report.counts["inside"] == 1


def test_the_same_input_gives_the_same_bytes(file, tmp_path):
    points = write_csv(tmp_path / "p.csv", ROWS)
    for suffix in (".csv", ".xlsx", ".gpkg", ".geojson", ".parquet"):
        outs = [tmp_path / f"{k}{suffix}" for k in range(2)]
        for out in outs:
            locate_file(file, points, out)
        assert len({out.read_bytes() for out in outs}) == 1, suffix


def test_an_output_in_the_way_or_of_unknown_format_is_refused(file, tmp_path):
    points = write_csv(tmp_path / "p.csv", ROWS)
    out = tmp_path / "out.csv"
    out.write_text("mine", encoding="utf-8")
    with pytest.raises(WriteError, match="is there already"):
        locate_file(file, points, out)
    with pytest.raises(WriteError, match="unknown format"):
        locate_file(file, points, tmp_path / "out.doc")
    assert out.read_text(encoding="utf-8") == "mine"
    locate_file(file, points, out, overwrite=True)
    assert len(read_csv(out)) == len(ROWS)


def test_the_command_writes_the_file_and_reports(file, tmp_path):
    points = write_csv(tmp_path / "p.csv", ROWS)
    out = tmp_path / "out.csv"
    arguments = [str(file), str(points), "-o", str(out), "--nearest", "20"]
    done = CliRunner().invoke(command, arguments)
    assert done.exit_code == 0, done.output
    assert "5 rows: 1 inside, 1 nearest, 1 outside, 2 unplaceable" in done.stderr
    done = CliRunner().invoke(command, [*arguments, "--overwrite", "--json"])
    assert '"unplaceable": 2' in done.stdout


def test_the_command_warns_when_no_point_lies_in_the_land(file, tmp_path):
    points = write_csv(tmp_path / "p.csv", [["a", 23.1, 109.6]], ["id", "lon", "lat"])
    done = CliRunner().invoke(command, [str(file), str(points), "-o", str(tmp_path / "o.csv")])
    assert done.exit_code == 0
    points = write_csv(tmp_path / "q.csv", [["a", X - 900, Y]])
    done = CliRunner().invoke(command, [str(file), str(points), "-o", str(tmp_path / "q2.csv")])
    assert "no point lies in the land" in done.stderr


def test_plans_read_whole_and_in_part_have_the_same_cells(plan, file):
    from gridcell.locator.file import read_index

    ours, theirs = index_plan(plan), read_index(file)
    pd.testing.assert_frame_equal(ours.fields, theirs.fields)
    assert shapely.equals(ours.shapes, theirs.shapes).all()
    assert all(a < b for a, b in pairwise(ours.fields["code"]))
    assert ours.crs.equals(pyproj.CRS(theirs.crs))
