"""Exports hold the cells, keep the customs of their formats, and are read by other tools."""

import csv
import dataclasses
import gzip
import hashlib
import io
import json
import shutil
import subprocess
import xml.etree.ElementTree as ET
import zipfile
from html.parser import HTMLParser

import geopandas as gpd
import h3
import numpy as np
import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from plans import tiny_plan
from shapely.geometry import box

import gridcell.export as make_module
import gridcell.formats.shapefile as shapefile_module
from gridcell.check import check_cells
from gridcell.errors import InputError, ProofError, WriteError
from gridcell.export import EXPORT_FORMATS, export_plan
from gridcell.folder import write_plan
from gridcell.formats.geoparquet import partition_names
from gridcell.formats.hexagons import _apportion
from gridcell.formats.mvt import encode_layer
from gridcell.formats.registry import FORMATS
from gridcell.formats.shapefile import FIELDS, require_size, shorten
from gridcell.read.files import open_input
from gridcell.schema import CELL_COLUMNS, HOUSEHOLD_COLUMNS
from gridcell_cli.export import command

LEVELS = ("large", "medium", "small", "micro", "leaves")
EXACT = ("geojson", "gpkg", "shapefile", "geoparquet", "flatgeobuf", "kml")
NASTY = '<script>alert("1")</script> & ]]> =1+1 荷城'


@pytest.fixture(scope="module")
def plan():
    return tiny_plan()


@pytest.fixture(scope="module")
def exports(plan, tmp_path_factory):
    """Every format of the tiny plan, written once."""
    base = tmp_path_factory.mktemp("exports")
    return {kind: export_plan(plan, base / kind, format=kind) for kind in EXPORT_FORMATS}


@pytest.fixture(scope="module")
def secrets(plan, tmp_path_factory):
    """Every format of the plan with people in it, households estimated."""
    secret = pd.DataFrame([["SECRET-H", *[None] * 7]], columns=list(HOUSEHOLD_COLUMNS))
    staff = pd.DataFrame([["SECRET-S", "micro_chief", "x", 1.0]],
                         columns=["staff_id", "role", "code", "distance_m"])  # fmt: skip
    full = dataclasses.replace(
        plan, households=secret, staff=staff,
        buildings=plan.buildings.assign(bldg_id="SECRET-B" + plan.buildings["bldg_id"]),
        estimated=3,
    )  # fmt: skip
    base = tmp_path_factory.mktemp("secrets")
    return {kind: export_plan(full, base / kind, format=kind) for kind in EXPORT_FORMATS}


def read_level(export, level):
    """Return a level as the tool of its format reads it, with the columns of the plan."""
    folder = export.folder
    if export.format == "geoparquet":
        files = sorted(folder.rglob(f"{level}.parquet"))
        return pd.concat([gpd.read_parquet(file) for file in files], ignore_index=True)
    files = {"gpkg": "cells.gpkg", "shapefile": f"{level}.shp", "flatgeobuf": f"{level}.fgb"}
    file = folder / files.get(export.format, f"{level}.{export.format}")
    options = {"layer": level} if export.format == "gpkg" else {}
    frame = pyogrio.read_dataframe(file, use_arrow=False, **options)
    return frame.rename(columns={"Name": "name", **{v: k for k, v in FIELDS.items()}})


def files_of(folder):
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


# What holds of all formats


@pytest.mark.parametrize("kind", EXACT)
@pytest.mark.parametrize("level", LEVELS)
def test_every_cell_with_every_figure_is_in_every_polygon_format(plan, exports, kind, level):
    back = read_level(exports[kind], level).sort_values("code", ignore_index=True)
    cells = plan.cells(level)
    for name in CELL_COLUMNS:
        here, there = cells[name], back[name]
        if name in {"area_m2", "compactness"}:
            assert np.allclose(here, there, atol=0.005)
        else:
            same = (here == there) | (here.isna() & there.isna())
            assert same.all(), name
    area = back.to_crs(plan.crs).area
    assert np.allclose(area, cells.area, rtol=1e-6)


@pytest.mark.parametrize("kind", EXACT)
def test_levels_cover_the_same_land_in_the_files_and_share_their_vertices(exports, kind):
    export = exports[kind]
    land = shapely.union_all(read_level(export, "large").geometry)
    for level in ("medium", "small", "leaves"):
        shapes = np.asarray(read_level(export, level).geometry)
        assert shapely.coverage_is_valid(shapes)
        assert shapely.area(shapes).sum() == pytest.approx(land.area, rel=1e-12)
        assert shapely.union_all(shapes).symmetric_difference(land).area < 1e-12 * land.area
    assert {figures["holds"] for figures in export.manifest["coverage"].values()} == {True}
    assert set(export.manifest["coverage"]) == {"large", "medium", "small", "leaves"}


@pytest.mark.parametrize("kind", EXPORT_FORMATS)
def test_the_same_plan_gives_the_same_bytes_whatever_the_order_of_its_rows(
    plan, exports, kind, tmp_path
):
    turned = {
        name: getattr(plan, name).iloc[::-1].reset_index(drop=True)
        for name in (*LEVELS, "buildings")
    }
    again = export_plan(dataclasses.replace(plan, **turned), tmp_path / "again", format=kind)
    assert files_of(again.folder) == files_of(exports[kind].folder)


@pytest.mark.parametrize("kind", EXPORT_FORMATS)
def test_the_manifest_names_every_file_with_its_digest(exports, kind):
    export = exports[kind]
    found = files_of(export.folder)
    manifest = json.loads(found.pop("export.json"))
    assert manifest == export.manifest
    assert {file["path"] for file in manifest["files"]} == set(found)
    for file in manifest["files"]:
        assert file["sha256"] == hashlib.sha256(found[file["path"]]).hexdigest()
    assert manifest["ok"] is True
    assert manifest["households"] == "counted"
    assert manifest["cells"] == {"large": 1, "medium": 2, "small": 6, "micro": 12, "leaves": 13}
    assert [str(file.relative_to(export.folder)) for file in export.files][-1] == "export.json"


def test_no_export_holds_households_staff_or_buildings(secrets):
    for export in secrets.values():
        for name, raw in files_of(export.folder).items():
            if name.endswith(".xlsx"):
                with zipfile.ZipFile(io.BytesIO(raw)) as archive:
                    raw = b"".join(archive.read(entry) for entry in archive.namelist())
            assert b"SECRET" not in raw, name


@pytest.mark.parametrize("kind", EXPORT_FORMATS)
def test_estimated_households_are_marked_in_the_files(secrets, kind):
    export = secrets[kind]
    assert export.manifest["households"] == "estimated"
    if kind in {"gpkg", "shapefile", "geoparquet", "flatgeobuf", "kml"}:
        assert set(read_level(export, "micro")["households_are"]) == {"estimated"}
    elif kind == "csv":
        assert "households_are" in (export.folder / "micro.csv").read_text("utf-8-sig")
    elif kind in {"geojson", "h3"}:
        name = "micro.geojson" if kind == "geojson" else "hexagons.geojson"
        assert json.loads((export.folder / name).read_text("utf-8"))["households"] == "estimated"


@pytest.mark.parametrize("kind", ["geojson", "gpkg", "shapefile"])
def test_a_plan_with_a_hole_is_exported_as_it_is_and_said_not_to_hold(plan, kind, tmp_path):
    leaves = plan.leaves.copy()
    x0, y0 = leaves.geometry[3].bounds[:2]
    hole = box(x0 + 20, y0 + 20, x0 + 40, y0 + 40)
    leaves.loc[3, "geometry"] = leaves.geometry[3].difference(hole)
    broken = dataclasses.replace(plan, leaves=leaves)
    export = export_plan(broken, tmp_path / "x", format=kind)
    assert not export.ok
    assert export.manifest["coverage"]["leaves"]["gaps"] == 1
    assert export.manifest["coverage"]["small"]["holds"]


@pytest.mark.parametrize("kind", ["geojson", "flatgeobuf", "kml", "pmtiles", "h3"])
def test_a_plan_without_micro_grids_is_exported_too(plan, kind, tmp_path):
    small = plan.small
    short = dataclasses.replace(
        plan, micro=plan.micro.iloc[:0], leaves=small,
        buildings=plan.buildings.assign(code=plan.buildings["code"].str[:15]),
    )  # fmt: skip
    export = export_plan(short, tmp_path / "x", format=kind)
    assert export.ok
    assert export.manifest["cells"]["micro"] == 0


@pytest.mark.parametrize("kind", ["geoparquet", "shapefile", "kml"])
def test_a_lost_vertex_is_noticed_before_anything_is_there(plan, kind, tmp_path, monkeypatch):
    def spoil(level, shapes):
        if level != "small":
            return shapes
        return shapely.transform(shapes, lambda xy: xy + 1e-6)

    whole = make_module.prove_files

    def spoilt(source, written):
        back = {
            level: frame.set_geometry(
                gpd.GeoSeries(spoil(level, np.asarray(frame.geometry)), crs=frame.crs)
            )
            for level, frame in written.back.items()
        }
        same = dataclasses.replace(written, back=back, intended=back)
        with pytest.raises(WriteError, match="small: geometry of"):
            whole(source, dataclasses.replace(written, back=back))
        return whole(source, same)

    monkeypatch.setattr(make_module, "prove_files", spoilt)
    with pytest.raises(ProofError, match="leaves"):
        export_plan(plan, tmp_path / "x", format=kind)
    assert not list(tmp_path.iterdir())


# Customs of each format


def test_geojson_is_rfc_7946(exports):
    for level in LEVELS:
        text = (exports["geojson"].folder / f"{level}.geojson").read_text("utf-8")
        data = json.loads(text)
        assert "crs" not in data
        for feature in data["features"]:
            ring = np.array(feature["geometry"]["coordinates"][0])
            assert shapely.is_ccw(shapely.linearrings(ring))
            assert ((ring[:, 0] > 109) & (ring[:, 0] < 112)).all()
            assert isinstance(feature["properties"]["code"], str)


def test_shapefile_names_are_short_ascii_and_told_in_a_table(exports):
    shapefile = pytest.importorskip("shapefile")
    folder = exports["shapefile"].folder
    with (folder / "fields.csv").open(encoding="utf-8-sig", newline="") as stream:
        table = {row["field"]: row for row in csv.DictReader(stream)}
    for level in LEVELS:
        assert (folder / f"{level}.cpg").read_text("ascii") == "UTF-8"
        assert (folder / f"{level}.prj").is_file()
        with shapefile.Reader(str(folder / f"{level}.shp")) as reader:
            names = [field[0] for field in reader.fields if field[0] != "DeletionFlag"]
            assert all(name.isascii() and len(name) <= 10 for name in names)
            assert [table[name]["column"] for name in names] == list(CELL_COLUMNS)
            kinds = {field[0]: field[1] for field in reader.fields[1:]}
            assert kinds["code"] == kinds["parent"] == kinds["community"] == "C"
    assert all(row["zh"] and row["en"] for row in table.values())


def test_another_reader_finds_the_polygons_and_chinese_names_of_the_shapefile(plan, exports):
    shapefile = pytest.importorskip("shapefile")
    with shapefile.Reader(str(exports["shapefile"].folder / "small.shp")) as reader:
        rows = {item.record["code"]: item for item in reader.iterShapeRecords()}
    for cell in plan.small.itertuples():
        row = rows[cell.code]
        assert row.record["name"] == cell.name
        assert row.record["households"] == cell.households
        assert shapely.geometry.shape(row.shape).equals(cell.geometry)


def test_a_shapefile_beyond_2_gb_is_refused_before_it_is_written(plan, tmp_path, monkeypatch):
    monkeypatch.setattr(shapefile_module, "_LIMIT", 8_000)
    with pytest.raises(WriteError, match=r"micro\.dbf: needs about .* GB, and a shapefile holds 2"):
        export_plan(plan, tmp_path / "x", format="shapefile")
    assert not list(tmp_path.iterdir())


def test_the_size_of_a_shapefile_is_foretold_and_never_too_small(plan, exports, monkeypatch):
    for level in LEVELS:
        for suffix in ("shp", "dbf"):
            size = (exports["shapefile"].folder / f"{level}.{suffix}").stat().st_size
            monkeypatch.setattr(shapefile_module, "_LIMIT", size - 1_000)
            with pytest.raises(WriteError):
                require_size(plan.cells(level).rename(columns=FIELDS), level)


@given(st.text(max_size=400))
def test_long_texts_are_cut_between_characters(text):
    assert isinstance(short := shorten(text), str)
    assert len(short.encode()) <= 254
    assert short == text or (short.endswith("…") and text.startswith(short[:-1]))


def test_long_reasons_fit_into_a_shapefile_and_are_told(plan, tmp_path):
    micro = plan.micro.copy()
    micro["reason"] = micro["reason"].where(micro["reason"].isna(), "楼" * 300)
    leaves = pd.concat([micro, plan.leaves[plan.leaves["level"] == 3]], ignore_index=True)
    export = export_plan(
        dataclasses.replace(plan, micro=micro, leaves=leaves), tmp_path / "x", format="shapefile"
    )
    assert "micro: 2 texts are shortened to 254 bytes" in export.manifest["notes"]
    texts = read_level(export, "micro")["reason"].dropna()
    assert set(texts) == {"楼" * 83 + "…"}


def test_geoparquet_is_1_1_with_bbox_covering_and_a_partition_a_community(plan, exports):
    folder = exports["geoparquet"].folder
    for level in ("medium", "small", "micro", "leaves"):
        parts = sorted(p.name for p in (folder / level).iterdir())
        assert parts == [f"part={code}" for code in plan.medium["code"]]
    for file in folder.rglob("*.parquet"):
        geo = json.loads(pq.read_schema(file).metadata[b"geo"])
        assert geo["version"] == "1.1.0"
        column = geo["columns"]["geometry"]
        assert column["covering"]["bbox"]["xmin"] == ["bbox", "xmin"]
        assert column["encoding"] == "WKB"
        table = pq.read_table(file)
        for shape, bbox in zip(table["geometry"], table["bbox"], strict=True):
            assert shapely.from_wkb(shape.as_py()).bounds == tuple(bbox.as_py().values())


def test_geopandas_reads_a_level_of_geoparquet_whole_and_by_place(plan, exports):
    folder = exports["geoparquet"].folder / "leaves"
    whole = gpd.read_parquet(folder)
    assert whole.crs == plan.crs
    assert whole["code"].tolist() == plan.leaves["code"].tolist()
    assert whole["community"].tolist() == plan.leaves["community"].tolist()
    first = plan.leaves.geometry[0]
    near = gpd.read_parquet(folder, bbox=first.bounds)
    assert plan.leaves["code"][0] in set(near["code"])
    assert len(near) < len(whole)


def test_duckdb_reads_codes_of_all_communities_as_text(plan, exports):
    duckdb = pytest.importorskip("duckdb")
    files = (exports["geoparquet"].folder / "leaves" / "**" / "*.parquet").as_posix()
    rows = duckdb.sql(
        f"SELECT typeof(code), typeof(community), count(*), sum(households) "  # noqa: S608
        f"FROM read_parquet('{files}') GROUP BY ALL"
    ).fetchall()
    assert rows == [("VARCHAR", "VARCHAR", 13, plan.leaves["households"].sum())]


def test_a_level_of_geoparquet_is_an_input_like_any_other(plan, exports):
    folder = exports["geoparquet"].folder
    read = open_input(folder / "leaves", "cells")
    assert read.frame["code"].tolist() == plan.leaves["code"].tolist()
    assert check_cells(read.frame).ok
    assert (read.name, read.layer, read.crs) == ("leaves", None, plan.crs)


def test_partitions_have_names_that_differ_where_case_does_not_count():
    codes = ["a1", "A1", "a1_", "12"]
    names = partition_names(codes)
    assert names["12"] == "12"
    assert set(names) == set(codes)
    assert len({name.casefold() for name in names.values()}) == len(codes)


def test_flatgeobuf_has_a_spatial_index(plan, exports):
    file = exports["flatgeobuf"].folder / "micro.fgb"
    # The size of index nodes, 16 by default, stands in the header; 0 would be none.
    found = pyogrio.read_info(file)
    assert found["capabilities"]["fast_spatial_filter"]
    some = pyogrio.read_dataframe(file, bbox=tuple(plan.micro.geometry[0].buffer(-1).bounds))
    assert list(some["code"]) == [plan.micro["code"][0]]


@pytest.mark.parametrize("kind", ["gpkg", "flatgeobuf", "shapefile", "kml"])
def test_ogrinfo_counts_the_same_cells(exports, kind):
    if not (tool := shutil.which("ogrinfo")):
        pytest.skip("no ogrinfo")
    suffix = {"gpkg": "cells.gpkg", "flatgeobuf": "micro.fgb", "shapefile": "micro.shp",
              "kml": "micro.kml"}[kind]  # fmt: skip
    said = subprocess.run(
        [tool, "-so", str(exports[kind].folder / suffix), "micro"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "Feature Count: 12" in said.stdout
    assert "code: String" in said.stdout


class _Text(HTMLParser):
    def __init__(self):
        super().__init__()
        self.text, self.tags = "", set()

    def handle_data(self, data):
        self.text += data

    def handle_starttag(self, tag, attrs):  # noqa: ARG002
        self.tags.add(tag)


@pytest.mark.parametrize(("lang", "word"), [("en", "Households"), ("zh", "户数")])
def test_balloons_are_readable_and_show_names_as_text(tmp_path, lang, word):
    nasty = tiny_plan(community_name=NASTY)
    export = export_plan(nasty, tmp_path / "x", format="kml", lang=lang)
    space = {"k": "http://www.opengis.net/kml/2.2"}
    tree = ET.parse(export.folder / "medium.kml")  # noqa: S314
    marks = tree.findall(".//k:Placemark", space)
    assert marks[0].findtext("k:name", namespaces=space) == NASTY
    balloon = _Text()
    balloon.feed(marks[0].findtext("k:description", namespaces=space))
    assert balloon.tags == {"h3", "table", "tr", "td"}
    assert balloon.text.startswith(NASTY)
    assert f"{word}270" in balloon.text
    assert "450802001-001" in balloon.text


def test_kml_needs_no_network(exports):
    for file in exports["kml"].folder.glob("*.kml"):
        text = file.read_text("utf-8").replace("http://www.opengis.net/kml/2.2", "")
        assert "http" not in text
        assert "href" not in text


def test_control_characters_do_not_break_kml(tmp_path):
    export = export_plan(tiny_plan(community_name="a\x00b\nc"), tmp_path / "x", format="kml")
    assert "a\ufffdb\ufffdc" in read_level(export, "medium")["name"].to_list()


def test_csv_is_utf_8_with_a_mark_and_codes_as_they_are(plan, exports):
    raw = (exports["csv"].folder / "micro.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    assert b"\r" not in raw
    rows = list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"))))
    assert [row["code"] for row in rows] == list(plan.micro["code"])
    for row, cell in zip(rows, plan.micro.to_crs(4326).geometry, strict=True):
        assert cell.contains(shapely.Point(float(row["lon"]), float(row["lat"])))


def test_codes_in_a_workbook_are_text(plan, tmp_path):
    book = openpyxl.load_workbook(
        export_plan(plan, tmp_path / "x", format="xlsx").folder / "cells.xlsx"
    )
    assert book.sheetnames == [*LEVELS, "fields"]
    rows = list(book["micro"].iter_rows())
    header = [cell.value for cell in rows[0]]
    for name in ("code", "label", "parent", "community"):
        column = [row[header.index(name)] for row in rows[1:]]
        assert {cell.data_type for cell in column} == {"s"}
        assert {cell.number_format for cell in column} == {"@"}
        assert [cell.value for cell in column] == list(plan.micro[name])
    households = [row[header.index("households")].value for row in rows[1:]]
    assert households == list(plan.micro["households"])


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_the_households_table_comes_only_when_asked_for(plan, kind, tmp_path):
    row = ["0012", plan.leaves["code"][0], plan.small["code"][0], plan.medium["code"][0], "unit",
           None, 1, None]  # fmt: skip
    full = dataclasses.replace(
        plan, households=pd.DataFrame([row], columns=list(HOUSEHOLD_COLUMNS))
    )
    export = export_plan(full, tmp_path / "x", format=kind, households=True)
    if kind == "csv":
        assert "\n0012,450802001001001001," in (export.folder / "households.csv").read_text("utf-8")
    else:
        sheet = openpyxl.load_workbook(export.folder / "cells.xlsx")["households"]
        assert sheet["A2"].value == "0012"
    with pytest.raises(InputError, match="csv and xlsx only"):
        export_plan(full, tmp_path / "y", format="gpkg", households=True)


def test_pmtiles_has_a_layer_a_level_each_from_its_zoom(plan, exports):
    reader = pytest.importorskip("pmtiles.reader")
    decoder = pytest.importorskip("mapbox_vector_tile")
    file = exports["pmtiles"].folder / "cells.pmtiles"
    with file.open("rb") as stream:
        archive = reader.Reader(reader.MmapSource(stream))
        header, metadata = archive.header(), archive.metadata()
        tiles = {
            place: decoder.decode(gzip.decompress(data))
            for place, data in reader.all_tiles(reader.MmapSource(stream))
        }
    assert [layer["id"] for layer in metadata["vector_layers"]] == list(LEVELS)
    assert (header["min_zoom"], header["max_zoom"]) == (6, 15)
    found = {level: min(z for (z, _, _), t in tiles.items() if level in t) for level in LEVELS}
    assert found == {"large": 6, "medium": 8, "small": 11, "micro": 13, "leaves": 13}
    deepest = [tile for (z, _, _), tile in tiles.items() if z == 15]
    rows = {
        feature["properties"]["code"]: feature["properties"]["households"]
        for tile in deepest
        for feature in tile["micro"]["features"]
    }
    assert rows == dict(zip(plan.micro["code"], plan.micro["households"], strict=True))


def test_a_tile_gives_back_polygons_with_holes_parts_and_every_kind_of_value():
    decoder = pytest.importorskip("mapbox_vector_tile")
    holed = box(-80, 10, 300, 4176).difference(box(0, 50, 100, 90))
    parts = shapely.MultiPolygon([box(3000, 0, 3010, 7), holed, box(4000, 4000, 4096, 4100)])
    moved = np.array([shapely.transform(shape, lambda xy: np.add(xy, (4096, 8192)))
                      for shape in (parts, holed)])  # fmt: skip
    rows = [("007", 7, -1.5, None), ("荷城", -3, 7.0, "7")]
    raw = encode_layer("cells", moved, np.array([4096, 8192]), ["a", "b", "c", "d"], rows)
    layer = decoder.decode(raw + encode_layer("more", moved[:1], np.zeros(2, int), ["a"], ["x"]),
                           default_options={"y_coord_down": True})  # fmt: skip
    assert list(layer) == ["cells", "more"]
    for feature, shape, row in zip(layer["cells"]["features"], (parts, holed), rows, strict=True):
        assert shapely.geometry.shape(feature["geometry"]).equals(shape)
        known = dict(zip("abcd", row, strict=True))
        assert feature["properties"] == {k: v for k, v in known.items() if v is not None}
        assert isinstance(feature["properties"]["a"], str)


def test_tiles_are_said_not_to_be_exact(exports):
    export = exports["pmtiles"]
    assert export.manifest["coverage"] == {}
    assert "coverage is not exact" in export.manifest["notes"][0]
    assert export.manifest["proof"]["cells"]["leaves"] == 13
    assert export.manifest["proof"]["worst_area_error_in_lattice_widths"] <= 1


@pytest.mark.parametrize("resolution", [5, 9, 11])
def test_hexagons_hold_every_household_and_building_once(plan, tmp_path, resolution):
    export = export_plan(plan, tmp_path / "x", format="h3", resolution=resolution)
    with (export.folder / "hexagons.csv").open(encoding="utf-8-sig") as stream:
        rows = list(csv.DictReader(stream))
    assert sum(int(row["households"]) for row in rows) == plan.leaves["households"].sum()
    assert sum(int(row["buildings"]) for row in rows) == len(plan.buildings)
    assert all(h3.is_valid_cell(row["h3"]) for row in rows)
    assert {h3.get_resolution(row["h3"]) for row in rows} == {resolution}
    held = {row["h3"]: int(row["households"]) for row in rows}
    at = plan.buildings.to_crs(4326).representative_point()
    expected = dict.fromkeys(held, 0)
    for point, households in zip(at, plan.buildings["households"], strict=True):
        expected[h3.latlng_to_cell(point.y, point.x, resolution)] += households
    assert held == expected


def test_hexagons_join_with_cells_and_their_shapes_with_their_index(plan, exports):
    folder = exports["h3"].folder
    pairs = pd.read_csv(folder / "cells_hexagons.csv", dtype={"code": "str", "h3": "str"})
    by_leaf = pairs.groupby("code")["households"].sum()
    assert by_leaf.to_dict() == dict(
        zip(plan.leaves["code"], plan.leaves["households"], strict=True)
    )
    shapes = pyogrio.read_dataframe(folder / "hexagons.geojson")
    assert pd.api.types.is_string_dtype(shapes["h3"])
    for row in shapes.itertuples():
        lat, lng = h3.cell_to_latlng(row.h3)
        assert row.geometry.contains(shapely.Point(lng, lat))
    assert (
        plan.large.to_crs(4326).geometry[0].within(shapely.union_all(shapes.geometry).buffer(1e-8))
    )


def test_households_without_buildings_are_apportioned_by_area(plan, tmp_path):
    bare = dataclasses.replace(plan, buildings=plan.buildings.iloc[:0])
    export = export_plan(bare, tmp_path / "x", format="h3", resolution=11)
    pairs = pd.read_csv(export.folder / "cells_hexagons.csv", dtype={"code": "str"})
    whole = pairs.groupby("code")["households"].sum()
    assert whole.to_dict() == dict(zip(plan.leaves["code"], plan.leaves["households"], strict=True))
    assert pairs[pairs["code"] == plan.micro["code"][0]]["h3"].nunique() > 3


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 500), st.lists(st.floats(0.001, 1e4), min_size=1, max_size=6)),
        min_size=1, max_size=5,
    )
)  # fmt: skip
def test_apportioned_households_are_whole_within_one_of_their_share_and_add_up(groups):
    group = pd.Series([str(k) for k, (_, ws) in enumerate(groups) for _ in ws])
    weight = np.array([w for _, ws in groups for w in ws])
    total = np.array([n for n, ws in groups for _ in ws], dtype=np.int64)
    share = _apportion(group, weight, total)
    sums = pd.Series(share).groupby(group).sum()
    assert [int(sums[str(k)]) for k in range(len(groups))] == [n for n, _ in groups]
    exact = total * weight / pd.Series(weight).groupby(group).transform("sum").to_numpy()
    assert (np.abs(share - exact) < 1 + 1e-6).all()


def test_too_many_hexagons_are_refused(plan, tmp_path):
    wide = dataclasses.replace(plan, large=plan.large.assign(area_m2=1e9))
    with pytest.raises(InputError, match="choose a smaller number"):
        export_plan(wide, tmp_path / "x", format="h3", resolution=15)
    assert not list(tmp_path.iterdir())


# Whole or not at all


def test_an_export_is_replaced_only_when_allowed_and_nothing_else_ever(plan, tmp_path):
    folder = tmp_path / "out"
    export_plan(plan, folder, format="csv")
    with pytest.raises(WriteError, match="is not empty"):
        export_plan(plan, folder, format="gpkg")
    export_plan(plan, folder, format="gpkg", overwrite=True)
    assert sorted(file.name for file in folder.iterdir()) == ["cells.gpkg", "export.json"]
    (folder / "mine.txt").write_text("x", "utf-8")
    with pytest.raises(WriteError, match=r"it holds mine\.txt"):
        export_plan(plan, folder, format="gpkg", overwrite=True)
    other = tmp_path / "other"
    other.mkdir()
    (other / "export.json").write_text('{"files": [{"path": "x"}]}', "utf-8")
    (other / "x").write_text("mine", "utf-8")
    with pytest.raises(WriteError, match="it holds x"):
        export_plan(plan, other, format="gpkg", overwrite=True)


def test_a_failure_leaves_nothing_and_what_was_there_stays(plan, tmp_path, monkeypatch):
    folder = tmp_path / "out"
    export_plan(plan, folder, format="csv")
    before = files_of(folder)

    def fail(*_args, **_options):
        raise WriteError("the disk is full")

    monkeypatch.setattr(make_module, "make_manifest", fail)
    with pytest.raises(WriteError, match="disk is full"):
        export_plan(plan, folder, format="csv", overwrite=True)
    assert files_of(folder) == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"format": "dwg"}, "expected one of geojson"),
        ({"format": "gpkg", "resolution": 9}, "of h3 only"),
        ({"format": "h3", "resolution": 16}, "0 to 15"),
        ({"format": "kml", "lang": "fr"}, "expected one of en, zh"),
    ],
)
def test_unknown_options_are_refused_with_what_is_known(plan, tmp_path, options, message):
    with pytest.raises(InputError, match=message):
        export_plan(plan, tmp_path / "x", **options)
    assert not list(tmp_path.iterdir())


# The command


@pytest.fixture(scope="module")
def folder(plan, tmp_path_factory):
    place = tmp_path_factory.mktemp("plan") / "plan"
    write_plan(plan, place)
    return place


def run(*arguments):
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def test_every_format_has_a_writer_and_a_reader():
    assert tuple(FORMATS) == EXPORT_FORMATS


def test_the_command_knows_the_formats_of_the_library():
    kinds = {option.name: option.type for option in command.params}
    assert tuple(kinds["format_"].choices) == EXPORT_FORMATS


def test_the_command_exports_and_prints_what_it_did(folder, tmp_path):
    result = run(folder, "--format", "shapefile", "-o", tmp_path / "x")
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "exact coverage" in result.stderr
    again = run(folder, "--format", "h3", "--resolution", 8, "-o", tmp_path / "x", "--overwrite",
                "--json")  # fmt: skip
    assert json.loads(again.stdout)["proof"]["resolution"] == 8
    quiet = run(folder, "--format", "csv", "-o", tmp_path / "y", "-q")
    assert quiet.output == ""


def test_the_command_names_a_missing_plan_and_an_unknown_format(folder, tmp_path):
    result = run(tmp_path / "none", "--format", "csv", "-o", tmp_path / "x")
    assert isinstance(result.exception, InputError)
    assert run(folder, "--format", "dwg", "-o", tmp_path / "x").exit_code == 2
