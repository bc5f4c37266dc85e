"""Plans are written whole or not at all, read back as they were, and exact in every file."""

import dataclasses
import json
import os
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from plans import facts, tiny_plan
from shapely.geometry import MultiPolygon, Polygon, box
from strategies import coverages

import gridcell.render.map
from gridcell import folder as folder_module
from gridcell.check import check_plan, compare_report
from gridcell.coverage import prove_coverage
from gridcell.coverage.dissolve import dissolve
from gridcell.coverage.lattice import round_to_lattice, to_lattice
from gridcell.errors import InputError, WriteError
from gridcell.files import folder as replacing
from gridcell.folder import require_free, write_plan
from gridcell.formats.geopackage import is_plan, read_plan, stored_report
from gridcell.formats.lonlat import cells_lonlat
from gridcell.schema import CELL_COLUMNS

LONLAT = pyproj.CRS.from_epsg(4326)
CELL_LAYERS = ("large", "medium", "small", "micro", "leaves")
LAYERS = (*CELL_LAYERS, "buildings", "barriers", "findings")
TABLES = ("households", "staff", "vacancies", "lineage")


@pytest.fixture(autouse=True)
def quick_map(monkeypatch):
    """Write a stand-in for the map, which has tests of its own."""
    monkeypatch.setattr(
        gridcell.render.map, "write_map", lambda _, path, *, lang: path.write_text(lang)
    )


# Rounding


def assert_exact(cells, area):
    """Assert that cells tile land of this area and share every vertex."""
    assert shapely.is_valid(cells).all()
    assert not len(prove_coverage(cells).unmatched)
    assert shapely.area(cells).sum() == pytest.approx(area, rel=1e-12)
    assert shapely.union_all(cells).area == pytest.approx(area, rel=1e-12)


@settings(max_examples=50, deadline=None)
@given(coverages(size=10.0, most=30), st.integers(0, 2))
def test_random_coverages_stay_exact_on_coarse_lattices_and_lose_only_slivers(cells, decimals):
    step = 10.0**-decimals
    found = to_lattice(cells, LONLAT, decimals=decimals)
    kept = np.flatnonzero(~shapely.is_missing(found.cells))
    assert sorted([*kept, *found.collapsed]) == list(range(len(cells)))
    assert_exact(found.cells[kept], 100.0)
    xy = shapely.get_coordinates(found.cells[kept])
    assert (xy == np.round(xy, decimals)).all()
    lost = cells[found.collapsed]
    assert (shapely.area(lost) <= 2 * step * shapely.length(lost)).all()
    added = shapely.difference(found.cells[kept], shapely.buffer(cells[kept], 2 * step))
    assert (shapely.area(added) <= 2 * step * shapely.length(added)).all()


@settings(max_examples=30, deadline=None)
@given(coverages(size=10.0, most=30), st.integers(1, 5), st.integers(0, 2))
def test_unions_of_rounded_cells_nest_exactly(cells, groups, decimals):
    rounded = to_lattice(cells, LONLAT, decimals=decimals).cells
    there = ~shapely.is_missing(rounded)
    parent = np.arange(len(cells)) % groups
    land = dissolve(rounded, parent, groups)
    some = ~shapely.is_missing(land)
    number = np.cumsum(some) - 1
    proof = prove_coverage(rounded[there], land[some], parent_of=number[parent[there]])
    assert proof.holds
    assert proof.exact


def needle():
    """Return cells of which one has a vertex a hair beside a neighbour's long edge."""
    spike = Polygon([(0, 0), (10, 3), (4, 1.21)])
    above = Polygon([(0, 0), (4, 1.21), (10, 3), (10, 10), (0, 10)])
    below = Polygon([(0, 0), (10, 0), (10, 3)])
    return np.array([spike, above, below])


def test_a_vertex_that_rounding_pushes_over_an_edge_is_put_right():
    plain = round_to_lattice(needle(), LONLAT, decimals=0)
    assert not prove_coverage(plain, [box(0, 0, 10, 10)]).holds
    found = to_lattice(needle(), LONLAT, decimals=0)
    assert_exact(found.cells[~shapely.is_missing(found.cells)], 100.0)


def test_a_cell_smaller_than_the_lattice_is_reported_and_its_land_goes_to_a_neighbour():
    tiny = box(2.1, 2.1, 2.3, 2.3)
    found = to_lattice(np.array([box(0, 0, 5, 5).difference(tiny), tiny]), LONLAT, decimals=0)
    assert found.collapsed.tolist() == [1]
    assert found.cells[0].equals(box(0, 0, 5, 5))


def test_holes_in_the_land_and_enclaves_survive_rounding():
    lake, island = box(2.2, 2.2, 4.7, 4.7), box(6.1, 6.1, 8.2, 8.2)
    land = box(0, 0, 10, 10).difference(lake)
    found = to_lattice(np.array([land.difference(island), island]), LONLAT, decimals=0)
    assert found.cells[0].equals(box(0, 0, 10, 10) - box(2, 2, 5, 5) - box(6, 6, 8, 8))
    assert found.cells[1].equals(box(6, 6, 8, 8))


def test_a_dumbbell_whose_neck_closes_is_reported_as_split():
    bell = shapely.union_all([box(0, 0, 9, 9), box(9, 3.9, 12, 4.1), box(12, 0, 21, 9)])
    rest = box(0, 0, 21, 9).difference(bell)
    found = to_lattice(np.array([bell, *rest.geoms]), LONLAT, decimals=0)
    assert found.split.tolist() == [0]
    assert_exact(found.cells, 21.0 * 9)


# GeoJSON


def read_geojson(path):
    return json.loads(path.read_text("utf-8"))


def test_geojson_levels_are_exact_and_nested_as_read_from_the_files(tmp_path):
    write_plan(tiny_plan(), tmp_path / "p")
    frames = {
        level: gpd.read_file(tmp_path / f"p/geojson/{level}.geojson") for level in CELL_LAYERS
    }
    for level, above in (("medium", "large"), ("small", "medium"), ("micro", "small")):
        cells, land = frames[level], frames[above]
        if level == "micro":
            land = land[land["grid_type"] == "general"].reset_index()
        rows = pd.Index(land["code"]).get_indexer(cells["parent"])
        proof = prove_coverage(cells.geometry, land.geometry, parent_of=rows)
        assert proof.holds
        assert proof.exact
    assert prove_coverage(frames["leaves"].geometry, frames["large"].geometry).exact


def test_geojson_follows_rfc_7946(tmp_path):
    write_plan(tiny_plan(), tmp_path / "p")
    for level in CELL_LAYERS:
        file = tmp_path / f"p/geojson/{level}.geojson"
        data = read_geojson(file)
        assert data["type"] == "FeatureCollection"
        assert "crs" not in data
        codes = [feature["properties"]["code"] for feature in data["features"]]
        assert codes == sorted(codes)
        for feature in data["features"]:
            assert tuple(feature["properties"]) == CELL_COLUMNS
            polygon = shapely.geometry.shape(feature["geometry"])
            assert polygon.exterior.is_ccw
            xy = shapely.get_coordinates(polygon)
            assert (xy == np.round(xy, 9)).all()
            assert (np.abs(xy - [111.0, 23.14]) < 0.02).all()
    large = data["features"][0]["properties"]
    assert (large["households"], large["area_m2"], large["reason"]) == (40, 20000.0, None)
    assert "荷城社区" in file.read_text("utf-8")


def test_geojson_has_the_same_bytes_whatever_the_order_of_rows(tmp_path):
    plan = tiny_plan()
    turned = dataclasses.replace(
        plan, **{level: plan.cells(level)[::-1].reset_index(drop=True) for level in CELL_LAYERS}
    )
    write_plan(plan, tmp_path / "a")
    write_plan(turned, tmp_path / "b")
    for level in CELL_LAYERS:
        name = f"geojson/{level}.geojson"
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def without_micro(plan):
    buildings = plan.buildings.assign(code=plan.buildings["code"].str[:15])
    micro = plan.micro[:0]
    return dataclasses.replace(
        plan, micro=micro, leaves=plan.small, buildings=buildings
    )  # fmt: skip


def test_a_plan_without_micro_cells_has_an_empty_micro_layer_with_all_columns(tmp_path):
    plan = without_micro(tiny_plan())
    assert check_plan(plan) == []
    write_plan(plan, tmp_path / "p")
    assert read_geojson(tmp_path / "p/geojson/micro.geojson")["features"] == []
    back = read_plan(tmp_path / "p")
    assert list(back.micro.columns) == [*CELL_COLUMNS, "geometry"]
    assert_frame_equal(back.micro, plan.micro)


def test_a_cell_that_collapses_is_null_in_geojson_and_a_finding(tmp_path, monkeypatch):
    plan = tiny_plan()
    coarse = cells_lonlat(plan, decimals=2)
    assert {finding.kind for finding in coarse.findings} >= {"collapsed"}
    monkeypatch.setattr(folder_module, "cells_lonlat", lambda _: coarse)
    write_plan(plan, tmp_path / "p")
    features = read_geojson(tmp_path / "p/geojson/leaves.geojson")["features"]
    gone = [f["properties"]["code"] for f in features if f["geometry"] is None]
    back = read_plan(tmp_path / "p")
    found = back.findings[back.findings["kind"] == "collapsed"]
    assert sorted(found["cell"]) == gone
    assert back.report["findings"]["collapsed"] == len(gone)
    assert "collapsed" not in plan.report["findings"]


# GeoPackage


def full_plan():
    """Return a plan with something awkward in every table."""
    plan = tiny_plan()
    leaf = plan.leaves["code"][0]
    x, y = plan.large.total_bounds[:2]
    buildings = plan.buildings.copy()
    buildings.insert(3, "fid", range(100, 100 + len(buildings)))
    buildings.loc[0, "bldg_id"] = "0012"
    buildings.loc[1, "geometry"] = MultiPolygon(
        [box(x, y, x + 1, y + 1), box(x + 2, y, x + 3, y + 1)]
    )
    text = {"household_id": ["001", "002"], "code": [leaf, None], "small": [leaf[:15], None]}
    text |= {"community": [leaf[:12], None], "how": ["point", None]}
    register = pd.DataFrame(text).astype("str").assign(distance_m=[1.5, np.nan])
    register["count"] = pd.array([1, None], dtype="Int64")
    register["reason"] = pd.Series([None, "no point"], dtype="str")
    staff = pd.DataFrame({"staff_id": ["0007"], "role": ["网格员"], "code": [leaf]}).astype("str")
    vacancies = pd.DataFrame({"role": ["网格长"], "code": [leaf]}).astype("str")
    lineage = pd.DataFrame({"old": ["1", None], "new": [leaf, leaf], "event": ["S", "N"]})
    lineage = lineage.astype("str").assign(households=[3, 4], area_m2=[2.5, 0.0], operation=[2, 2])
    return dataclasses.replace(
        plan, buildings=buildings, households=register, staff=staff.assign(distance_m=[3.25]),
        vacancies=vacancies.assign(missing=[2]), lineage=lineage,
    )  # fmt: skip


def test_a_plan_is_read_back_as_it_was_written(tmp_path):
    plan = full_plan()
    write_plan(plan, tmp_path / "p")
    for path in (tmp_path / "p", tmp_path / "p" / "plan.gpkg"):
        assert is_plan(path)
        back = read_plan(path)
        for name in (*LAYERS, *TABLES):
            assert_frame_equal(getattr(back, name), getattr(plan, name))
        assert back.crs == plan.crs
        assert all(getattr(back, name).crs == plan.crs for name in LAYERS)
        assert (back.rules, facts(back)) == (plan.rules, facts(plan))


def test_a_crs_that_no_authority_knows_is_kept(tmp_path):
    text = "+proj=tmerc +lon_0=110.7 +x_0=40000 +ellps=GRS80 +units=m"
    crs = pyproj.CRS.from_proj4(text)
    plan = tiny_plan()
    moved = {name: getattr(plan, name).set_crs(crs, allow_override=True) for name in LAYERS}
    write_plan(dataclasses.replace(plan, crs=crs, **moved), tmp_path / "p")
    back = read_plan(tmp_path / "p")
    assert back.crs == crs
    told = stored_report(tmp_path / "p" / "plan.gpkg")
    assert list(compare_report(back, told)) == []
    # However it was written: as PROJ text once, and as WKT.
    assert list(compare_report(back, {**told, "crs": text})) == []
    assert list(compare_report(back, {**told, "crs": "EPSG:4546"})) != []


def test_every_file_has_the_same_bytes_each_time(tmp_path):
    for name in ("a", "b"):
        files = write_plan(full_plan(), tmp_path / name)
    for file in files:
        other = tmp_path / "a" / file.relative_to(tmp_path / "b")
        assert file.read_bytes() == other.read_bytes(), file


def test_what_is_no_plan_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_plan(tmp_path)
    (tmp_path / "text.gpkg").write_text("hello")
    with pytest.raises(InputError, match="no readable GeoPackage"):
        read_plan(tmp_path / "text.gpkg")
    tiny_plan().small.to_file(tmp_path / "small.gpkg")
    with pytest.raises(InputError, match="layers barriers, buildings"):
        read_plan(tmp_path / "small.gpkg")
    assert not any(is_plan(tmp_path / name) for name in (".", "text.gpkg", "small.gpkg", "none"))


# The folder


def names(path):
    return sorted(entry.name for entry in path.iterdir())


def test_the_folder_holds_what_was_promised(tmp_path):
    files = write_plan(tiny_plan(), tmp_path / "p", lang="zh")
    assert names(tmp_path) == ["p"]
    assert names(tmp_path / "p") == [
        "certificate.json", "geojson", "map.html", "plan.gpkg", "report.json",
    ]  # fmt: skip
    assert names(tmp_path / "p/geojson") == sorted(f"{level}.geojson" for level in CELL_LAYERS)
    assert all(file.is_file() for file in files)
    assert [file.name for file in files[-2:]] == ["report.json", "certificate.json"]
    assert (tmp_path / "p/map.html").read_text() == "zh"
    report = json.loads((tmp_path / "p/report.json").read_text("utf-8"))
    assert report == tiny_plan().report


def test_a_plan_that_cannot_take_its_place_leaves_the_old_one(tmp_path, monkeypatch):
    write_plan(tiny_plan(), tmp_path / "p")
    rename = Path.rename

    def refuse(self, target):
        if "old" not in str(self) and "old" not in str(target):
            raise PermissionError(13, "in use")
        return rename(self, target)

    monkeypatch.setattr(replacing, "exchange", lambda *_: False)
    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(WriteError, match="Permission denied"):
        write_plan(tiny_plan(), tmp_path / "p", overwrite=True)
    assert names(tmp_path) == ["p"]
    assert is_plan(tmp_path / "p")


def test_overwriting_replaces_a_plan_but_nothing_else(tmp_path):
    target = tmp_path / "p"
    target.mkdir()
    write_plan(tiny_plan(), target)
    with pytest.raises(WriteError, match="not empty"):
        write_plan(tiny_plan(), target)
    write_plan(tiny_plan(community_name="东湖"), target, overwrite=True)
    assert read_plan(target).medium["name"][0] == "东湖"
    (target / "thesis.docx").write_text("years of work")
    with pytest.raises(WriteError, match=r"thesis\.docx"):
        write_plan(tiny_plan(), target, overwrite=True)
    assert (target / "thesis.docx").exists()


def test_what_a_run_killed_long_ago_left_is_swept_away(tmp_path):
    old, new = tmp_path / ".p-0123abcd.part", tmp_path / ".p-4567cdef.part"
    for folder in (old, new):
        folder.mkdir()
    os.utime(old, (0, 0))
    write_plan(tiny_plan(), tmp_path / "p")
    assert names(tmp_path) == [".p-4567cdef.part", "p"]


def test_require_free_names_what_is_in_the_way(tmp_path):
    require_free(tmp_path / "new")
    require_free(tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(WriteError, match="is a file"):
        require_free(tmp_path / "file", overwrite=True)
    require_free(tmp_path / "missing" / "p")
    with pytest.raises(WriteError, match="is a file"):
        require_free(tmp_path / "file" / "p")
    with pytest.raises(WriteError, match="only a plan's folder"):
        require_free(tmp_path, overwrite=True)


def test_a_parent_that_cannot_be_written_is_a_write_error(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(WriteError, match="Permission denied"):
        write_plan(tiny_plan(), tmp_path / "p")
    assert names(tmp_path) == []
