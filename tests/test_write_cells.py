"""Layers of cells arrive whole in every format, with every row and column, or not at all."""

import contextlib
import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from shapely.geometry import LineString, MultiPolygon, Polygon, box

from gridcell.check import check_cells
from gridcell.errors import GridcellError, WriteError
from gridcell.formats import cells as cells_module
from gridcell.formats.cells import require_format, write_cells

SUFFIXES = ["gpkg", "shp", "geojson", "json", "fgb", "parquet", "geoparquet"]
METRIC = [suffix for suffix in SUFFIXES if "json" not in suffix]
X, Y = 500_000.0, 2_560_000.0


def layer(crs="EPSG:4546", **columns):
    ring = Polygon(
        box(X, Y, X + 90, Y + 90).exterior, [box(X + 30, Y + 30, X + 60, Y + 60).exterior]
    )
    apart = MultiPolygon([box(X + 30, Y + 30, X + 60, Y + 60), box(X + 90, Y, X + 95, Y + 90)])
    shapes = np.empty(4, dtype=object)
    above = [(X, Y + 90), (X + 90, Y + 90), (X + 95, Y + 90), (X + 95, Y + 190.123456789),
             (X, Y + 190)]  # fmt: skip
    shapes[:] = [apart, None, ring, Polygon(above)]
    values = {
        "code": ["007", "2", "010", None], "名称": ["荷城", None, "b", "石羊塘"],
        "count": [4, 3, 2, 1], "size": [0.1, np.nan, 1e-9, 2.5],
    }  # fmt: skip
    return gpd.GeoDataFrame({**values, **columns}, geometry=shapes, crs=crs)


def read(path):
    if path.suffix in {".parquet", ".geoparquet"}:
        return gpd.read_parquet(path)
    return pyogrio.read_dataframe(path)


def parts(shapes):
    return [
        None if shape is None else MultiPolygon(shapely.get_parts(shape)).normalize()
        for shape in shapes
    ]


@pytest.mark.parametrize("suffix", METRIC)
@pytest.mark.parametrize("crs", ["EPSG:4546", "EPSG:2232", None])
def test_rows_columns_crs_and_every_coordinate_arrive_in_order(tmp_path, suffix, crs):
    cells = layer(crs).set_axis(list("wxyz"))
    before = cells.copy(deep=True)
    path = tmp_path / f"cells.{suffix}"
    write_cells(cells, path)
    back = read(path)
    assert parts(back.geometry) == parts(cells.geometry)
    for column in ("code", "名称", "count", "size"):
        pd.testing.assert_series_equal(
            back[column], cells[column].reset_index(drop=True), check_dtype=False
        )
    assert back.crs == crs or (crs is not None and back.crs.to_epsg() == cells.crs.to_epsg())
    pd.testing.assert_frame_equal(pd.DataFrame(cells), pd.DataFrame(before))


@pytest.mark.parametrize("suffix", ["geojson", "json"])
def test_geojson_is_in_degrees_and_what_was_exact_stays_exact(tmp_path, suffix):
    path = tmp_path / f"cells.{suffix}"
    write_cells(layer(), path)
    raw = json.loads(path.read_text("utf-8"))
    assert "crs" not in raw
    assert [row["properties"]["code"] for row in raw["features"]] == ["007", "2", "010", None]
    assert raw["features"][1]["geometry"] is None
    back = read(path)
    assert back.crs == "EPSG:4326"
    report = check_cells(back)
    assert (report.figures["overlaps"], report.figures["unmatched"]) == (0, 0)
    assert report.figures["edge_matched"]
    for number in (0, 2, 3):
        ring = raw["features"][number]["geometry"]["coordinates"][0]
        ring = ring[0] if isinstance(ring[0][0], list) else ring
        assert shapely.LinearRing(ring).is_ccw


@pytest.mark.parametrize("corner", [(111.1, 23.1), (-0.1, 51.4), (-0.001, -0.001), (-1e-12, 0)])
def test_geojson_of_cells_in_degrees_keeps_every_digit_anywhere_on_earth(tmp_path, corner):
    xy = np.random.default_rng(0).uniform(corner, np.add(corner, 0.002), (50, 2))
    shapes = [shapely.Point(at).buffer(1e-4, quad_segs=2) for at in xy]
    cells = gpd.GeoDataFrame({"code": range(50)}, geometry=shapes, crs="EPSG:4326")
    write_cells(cells, tmp_path / "a.geojson")
    assert parts(read(tmp_path / "a.geojson").geometry) == parts(shapes)


def test_geojson_writes_no_digits_that_nobody_gave(tmp_path):
    shape = box(111.1, 0.000000001, 111.123456789, 23.3)
    cells = gpd.GeoDataFrame({"code": ["a"]}, geometry=[shape], crs="EPSG:4326")
    write_cells(cells, tmp_path / "a.geojson")
    text = (tmp_path / "a.geojson").read_text("utf-8")
    assert "111.123456789, 0.000000001" in text
    assert "0000000000" not in text


def test_geojson_needs_a_crs_an_exact_coverage_and_cells_of_some_size(tmp_path):
    path = tmp_path / "a.geojson"
    with pytest.raises(WriteError, match=r"no CRS on the earth; write a \.gpkg"):
        write_cells(layer(None), path)
    overlapping = layer().set_geometry([box(X, Y, X + 9, Y + 9)] * 4, crs="EPSG:4546")
    with pytest.raises(GridcellError):
        write_cells(overlapping, path)
    tiny = gpd.GeoDataFrame(
        {"code": ["a", "b"]}, crs="EPSG:4546",
        geometry=[box(X, Y, X + 9, Y + 9), box(X + 20, Y, X + 20.00001, Y + 0.00001)],
    )  # fmt: skip
    with pytest.raises(WriteError, match="row 2 is too small"):
        write_cells(tiny, path)
    assert list(tmp_path.iterdir()) == []


def test_a_column_called_fid_and_names_of_layers_survive_in_a_geopackage(tmp_path):
    cells = layer(fid=[9, 8, 7, 7])
    write_cells(cells, tmp_path / "a.gpkg", layer="小区")
    assert pyogrio.list_layers(tmp_path / "a.gpkg")[:, 0].tolist() == ["小区"]
    assert read(tmp_path / "a.gpkg")["fid"].tolist() == [9, 8, 7, 7]


def test_a_shapefile_keeps_its_encoding_and_refuses_long_names(tmp_path):
    path = tmp_path / "a.shp"
    write_cells(layer(), path, encoding="GB18030")
    names = pyogrio.read_dataframe(path, encoding="GB18030")["名称"]
    assert names.tolist()[::3] == ["荷城", "石羊塘"]
    assert "荷城".encode("gb18030") in path.with_suffix(".dbf").read_bytes()
    with pytest.raises(WriteError, match="population_2020: names in a shapefile have at most 10"):
        write_cells(layer(population_2020=1), tmp_path / "b.shp")
    # Four signs of three bytes each in UTF-8, of two in GB18030.
    write_cells(layer(居民户数=1), tmp_path / "c.shp", encoding="GB18030")
    with pytest.raises(WriteError, match="居民户数"):
        write_cells(layer(居民户数=1), tmp_path / "d.shp")
    assert {file.stem for file in tmp_path.iterdir()} == {"a", "c"}


def test_an_unknown_suffix_or_a_file_in_the_way_is_refused_before_anything(tmp_path):
    with pytest.raises(WriteError, match=r"suffix '\.txt'; expected \.gpkg, \.shp"):
        require_format(tmp_path / "a.txt")
    with pytest.raises(WriteError, match=r"expected \.gpkg"):
        write_cells(layer(), tmp_path / "a")
    path = tmp_path / "a.gpkg"
    path.write_text("mine", "utf-8")
    with pytest.raises(WriteError, match="is there already"):
        write_cells(layer(), path)
    assert path.read_text("utf-8") == "mine"
    with pytest.raises(WriteError, match="does not exist"):
        write_cells(layer(), tmp_path / "none" / "a.gpkg")
    write_cells(layer(), path, overwrite=True)
    assert len(read(path)) == 4


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_that_cannot_be_written_or_read_back_as_it_was_leaves_no_trace(
    tmp_path, monkeypatch, suffix
):
    path = tmp_path / f"a.{suffix}"
    cells = layer()
    real = cells_module._write

    def spoil(frame, *rest):
        moved = frame.geometry.translate(0.001, 0)
        real(frame.set_geometry(moved.where(frame.geometry.notna())), *rest)

    monkeypatch.setattr(cells_module, "_write", spoil)
    with pytest.raises(WriteError, match="does not keep the polygon of row 1"):
        write_cells(cells, path)
    monkeypatch.setattr(cells_module, "_write", lambda frame, *rest: real(frame.iloc[1:], *rest))
    with pytest.raises(WriteError, match="4 rows were written, 3 read back"):
        write_cells(cells, path)

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cells_module, "_write", fail)
    with pytest.raises(WriteError, match="No space left"):
        write_cells(cells, path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_odd_columns_are_kept_or_refused_but_never_lost(tmp_path, suffix):
    odd = {
        "day": pd.to_datetime(["2024-05-01", None, "2024-05-03", "2024-05-04"]),
        "flag": [True, False, True, True],
        "kind": pd.Categorical(["a", "b", "a", None]),
        "some": pd.array([1, None, 3, 2**40], dtype="Int64"),
        "list": [[1], [2], [], None],
        "spot": gpd.points_from_xy([1, 2, 3, 4], [1, 2, 3, 4]),
    }
    for name, values in odd.items():
        path = tmp_path / f"{name}.{suffix}"
        with contextlib.suppress(WriteError):
            write_cells(layer(**{name: values}), path)
        assert list(tmp_path.glob(".*")) == []
        if path.exists():
            assert read(path)[name].isna().tolist() == pd.Series(values).isna().tolist()


@pytest.mark.parametrize("suffix", METRIC)
def test_a_layer_of_no_rows_or_of_moves_is_written_too(tmp_path, suffix):
    none = layer().iloc[:0]
    write_cells(none, tmp_path / f"none.{suffix}")
    assert len(read(tmp_path / f"none.{suffix}")) == 0
    lines = layer().set_geometry([LineString([(0, 0), (1, 1)])] * 4, crs="EPSG:4546")
    with pytest.raises(WriteError, match="row 1 is a LineString"):
        write_cells(lines, tmp_path / f"lines.{suffix}")
    assert not (tmp_path / f"lines.{suffix}").exists()


@pytest.mark.parametrize("east", [36_856_250.0, 1e9])
def test_cells_that_are_nowhere_on_the_earth_have_no_place_in_geojson(east, tmp_path):
    cells = layer()
    moved = cells.set_geometry(cells.translate(east, 0))
    with pytest.raises(WriteError, match=r"row 1 lies outside what its CRS EPSG:4546 can show"):
        write_cells(moved, tmp_path / "cells.geojson")
    assert not list(tmp_path.iterdir())
    write_cells(moved, tmp_path / "cells.gpkg")
