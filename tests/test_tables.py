"""A cell of a table is one value however it is read, and a value one text in any file."""

import csv
import datetime as dt
import io
import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pyproj
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely import box

from gridcell.errors import InputError, WriteError
from gridcell.formats.cells import write_cells
from gridcell.formats.features import write_features
from gridcell.tables.header import SEPARATORS
from gridcell.tables.read import read_csv, read_xlsx
from gridcell.tables.stream import csv_batches, parquet_batches, sheet_batches
from gridcell.tables.write import write_table
from gridcell.tables.written import written_text

VECTOR = (".gpkg", ".geojson", ".fgb", ".parquet", ".shp")
LONG = list(range(1500))
TIMES = pa.timestamp("us", "Asia/Shanghai")
TIME = dt.datetime(2024, 5, 1, 9, 30, tzinfo=dt.timezone(dt.timedelta(hours=8)))


def book(path, rows, change=lambda _sheet: None):
    workbook = openpyxl.Workbook()
    for row in rows:
        workbook.active.append(row)
    change(workbook.active)
    workbook.save(path)
    return path


def both_ways(path):
    """Return a sheet read at once and row after row, as texts."""
    whole, _ = read_xlsx(path, None)
    streamed = pa.concat_tables(sheet_batches(path, None)).to_pydict()
    texts = {name: [written_text(v) for v in values] for name, values in streamed.items()}
    return whole.astype(object).where(whole.notna(), None).to_dict("list"), texts


TEXTS = st.text("ab12张号,;\"\n\t 'é", max_size=8).map(str.strip)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(st.tuples(TEXTS.filter(bool), TEXTS, TEXTS), min_size=1, max_size=5),
    st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16"]),
    st.sampled_from(SEPARATORS),
    st.integers(0, 2),
)
def test_a_csv_file_is_the_same_read_at_once_and_row_after_row(
    tmp_path, rows, encoding, separator, blank
):
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, lineterminator="\n")
    writer.writerows([("id", "名称", "n"), *rows])
    file = tmp_path / "a.csv"
    file.write_bytes(("\n" * blank + text.getvalue()).encode(encoding))
    whole, served = read_csv(file, None)
    batches, has_bom = csv_batches(file, None)
    assert pa.concat_tables(batches).to_pylist() == whole.fillna("").to_dict("records")
    assert whole.to_numpy(dtype=object, na_value="").tolist() == [list(row) for row in rows]
    assert has_bom == (encoding == "utf-8-sig")
    # Bytes of GB18030 may be UTF-8 as well, but not those of this header.
    assert served == encoding.upper().removesuffix("-SIG")


def test_a_cell_is_the_same_read_at_once_and_row_after_row(tmp_path):
    def zeros(sheet):
        sheet["A4"].number_format = sheet["A5"].number_format = "0000"

    day = dt.datetime(2024, 5, 1, 9, 30)  # noqa: DTZ001
    rows = [[], [" id ", "n", "day", "b", None, "f"], [None], [12, 3.0, day, True, "x", "=1+1"],
            [7, 2.5, None, False, None, 4.5e17]]  # fmt: skip
    del rows[2]
    whole, streamed = both_ways(book(tmp_path / "a.xlsx", [[None], *rows], zeros))
    assert whole == streamed
    assert whole["id"] == ["0012", "0007"]
    assert list(whole) == ["id", "n", "day", "b", "Unnamed: 4", "f"]
    assert whole["day"][0] == "2024-05-01T09:30:00"
    assert whole["f"] == ["=1+1 (a formula without its value)", "450000000000000000"]


def test_cells_beyond_the_header_are_a_column_without_a_name_in_both(tmp_path):
    whole, streamed = both_ways(book(tmp_path / "a.xlsx", [["id"], ["a", None, "note"]]))
    assert whole == streamed == {"id": ["a"], "Unnamed: 1": [None], "Unnamed: 2": ["note"]}


@pytest.mark.parametrize("read", [read_xlsx, lambda *given: list(sheet_batches(*given))])
def test_merged_cells_below_the_header_are_refused_by_both(tmp_path, read):
    rows = [["title"], ["id", "n"], ["a", 1], ["b", 2]]
    sure = book(tmp_path / "a.xlsx", rows[1:], lambda sheet: sheet.merge_cells("D1:E1"))
    read(sure, None)
    file = book(tmp_path / "b.xlsx", rows, lambda sheet: sheet.merge_cells("B3:B4"))
    with pytest.raises(InputError, match="merged cells B3:B4"):
        read(file, None)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12.0, "12"), (1e20, "100000000000000000000"), (1e21, "1e+21"), (0.1, "0.1"),
        (dt.timedelta(hours=1, minutes=30), "P0DT1H30M0S"), (b"\x01\xff", "01ff"),
        (np.array([1, 2]), "[1, 2]"), ([float("nan"), "荷"], '[null, "荷"]'),
        ({"k": (1, np.float64(2.5))}, '{"k": [1, 2.5]}'), (shapely.Point(1, 2.5), "POINT (1 2.5)"),
    ],
)  # fmt: skip
def test_a_value_is_one_text(value, text):
    assert written_text(value) == text


def cells(**columns):
    shapes = [box(0, 0, 100, 100), box(100, 0, 200, 100)]
    return gpd.GeoDataFrame(columns, geometry=shapes, crs="EPSG:4547")


def read(path):
    return gpd.read_parquet(path) if path.suffix == ".parquet" else pyogrio.read_dataframe(path)


@pytest.mark.parametrize("suffix", VECTOR)
def test_lists_are_whole_in_every_vector_format_or_refused(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    given = cells(many=[LONG, ["a", "荷"]], few=[np.array([1, 2]), None])
    if suffix == ".shp":
        with pytest.raises(WriteError, match="does not keep many of row 1"):
            write_cells(given, path)
        given = given.drop(columns="many")
    write_cells(given, path)
    if suffix == ".geojson":
        features = json.loads(path.read_text("utf-8"))["features"]
        assert [feature["properties"]["many"] for feature in features] == [LONG, ["a", "荷"]]
        return
    back = read(path)
    for name in given.columns.drop("geometry"):
        for row in range(2):
            text = back[name].iloc[row]
            if given[name].iloc[row] is not None:
                found = json.loads(text) if isinstance(text, str) else list(text)
                assert found == list(given[name].iloc[row])


@pytest.mark.parametrize("suffix", VECTOR)
def test_values_that_gdal_does_not_know_arrive_as_text(tmp_path, suffix):
    given = cells(
        took=pd.to_timedelta(["1h", None]), big=pd.array([2**63 + 1, None], dtype="UInt64"),
        kind=pd.Categorical(["a", None]), mixed=[1, "b"],
        spot=gpd.GeoSeries([shapely.Point(1, 2), None], crs="EPSG:4547"),
    )  # fmt: skip
    write_cells(given, tmp_path / f"a{suffix}")
    back = read(tmp_path / f"a{suffix}")
    if suffix != ".parquet":
        assert back["took"].tolist()[0] == "P0DT1H0M0S"
        assert str(back["big"].tolist()[0]) == str(2**63 + 1)
        assert back["spot"].tolist()[0] == "POINT (1 2)"
    assert back["kind"].tolist()[0] == "a"
    assert back["mixed"].tolist() == ["1", "b"]
    assert back[["took", "big", "kind", "spot"]].iloc[1].isna().all()


@pytest.mark.parametrize("suffix", VECTOR)
@pytest.mark.parametrize("name", ["geom", "GEOM", "fid", "ogc_fid", "gridcell_fid", "id"])
def test_no_name_of_a_format_is_forbidden_to_a_column(tmp_path, suffix, name):
    path = tmp_path / f"a{suffix}"
    if suffix == ".shp" and len(name) > 10:
        pytest.skip("too long for a shapefile")
    write_cells(cells(**{name: ["x", "y"]}), path)
    assert read(path)[name].tolist() == ["x", "y"]


@pytest.mark.parametrize("suffix", VECTOR)
def test_columns_that_differ_by_case_are_kept_or_both_named(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    given = cells(Fixme=["a", "b"], fixme=["c", "d"])
    if suffix in {".gpkg", ".shp"}:
        with pytest.raises(WriteError, match=r"Fixme and fixme differ by case.*\.parquet"):
            write_cells(given, path)
        return
    write_cells(given, path)
    assert read(path)[["Fixme", "fixme"]].to_numpy().tolist() == [["a", "c"], ["b", "d"]]


def streamed(path: Path, **columns: pa.Array) -> Path:
    points = pa.array(shapely.to_wkb(shapely.points([[109, 23], [110, 24]])), pa.binary())
    tables = [pa.table({**columns, "geometry": points}).slice(k, 1) for k in range(2)]
    write_features(tables, path, geometry="geometry", kind="Point", crs=pyproj.CRS(4326), layer="p")
    return path


@pytest.mark.parametrize("suffix", [".gpkg", ".geojson", ".parquet"])
def test_points_keep_times_nothing_durations_and_lists(tmp_path, suffix):
    path = streamed(
        tmp_path / f"a{suffix}", ts=pa.array([TIME, None], TIMES), none=pa.nulls(2),
        took=pa.array([dt.timedelta(hours=1), None], pa.duration("us")),
        many=pa.array([LONG, None]), d=pa.array([{"k": 1}, None]), geom=pa.array(["x", "y"]),
        big=pa.array([2**63 + 1, None], pa.uint64()), fid=pa.array([7, 8]),
    )  # fmt: skip
    back = read(path)
    assert pd.Timestamp(back["ts"].iloc[0]) == TIME
    assert back["none"].isna().all()
    assert back["geom"].tolist() == ["x", "y"]
    assert back["fid"].tolist() == [7, 8]
    if suffix == ".parquet":
        assert pq.read_table(path)["many"].to_pylist() == [LONG, None]
        return
    assert back["took"].iloc[0] == "P0DT1H0M0S"
    assert back["big"].iloc[0] == str(2**63 + 1)
    many, d = back["many"].iloc[0], back["d"].iloc[0]
    assert (json.loads(many) if isinstance(many, str) else list(many)) == LONG
    assert (json.loads(d) if isinstance(d, str) else d) == {"k": 1}


def test_a_second_geometry_column_of_points_is_text_in_every_row(tmp_path):
    points = gpd.GeoDataFrame(
        {"plot": gpd.GeoSeries([box(0, 0, 1, 1), None], crs=4547)},
        geometry=gpd.points_from_xy([1, 2], [3, 4]), crs=4547,
    )  # fmt: skip
    points.to_parquet(tmp_path / "a.parquet")
    tables, name, _ = parquet_batches(tmp_path / "a.parquet", 1)
    found = pa.concat_tables(tables)
    assert name == "geometry"
    assert found.column("plot").to_pylist() == [box(0, 0, 1, 1).wkt, None]


def test_points_with_names_that_are_one_in_a_geopackage_are_refused(tmp_path):
    with pytest.raises(WriteError, match="code and Code differ by case alone"):
        streamed(tmp_path / "a.gpkg", code=pa.array(["a", "b"]), Code=pa.array(["c", "d"]))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_tables_hold_lists_and_durations_as_layers_do(tmp_path, suffix):
    frame = pd.DataFrame({"many": [LONG, ["荷"]], "took": pd.to_timedelta(["1h", None])})
    write_table(frame, tmp_path / f"a{suffix}")
    read_back = pd.read_csv if suffix == ".csv" else pd.read_excel
    back = read_back(tmp_path / f"a{suffix}")
    assert [json.loads(text) for text in back["many"]] == [LONG, ["荷"]]
    assert back["took"].iloc[0] == "P0DT1H0M0S"
    assert pd.isna(back["took"].iloc[1])


@given(st.lists(st.none() | st.text(alphabet="a1.0 -户\x1f\u3000", max_size=6)))
def test_plain_texts_stand_as_they_are_and_others_are_stripped(texts):
    from gridcell.tables.values import _text, as_text

    found = as_text(pd.Series(texts, dtype=object))
    expected = [None if text is None else _text(text) for text in texts]
    assert [None if pd.isna(text) else text for text in found] == expected
