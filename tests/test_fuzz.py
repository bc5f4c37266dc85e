"""Whatever is in a file or frame: gridcell reads it or says what is wrong, and nothing else."""

import os
import sqlite3
import struct
import warnings
from contextlib import closing
from pathlib import Path

import damage
import geopandas as gpd
import nasty
import numpy as np
import pandas as pd
import pytest
import shapely
from damage_bytes import generator
from fuzzing import TOWN, run_case
from plans import tiny_plan
from small_files import CRS, FORMATS, SUFFIXES, X, Y, frames, valid

from gridcell.check import check_cells, check_plan
from gridcell.coverage.fit import fit_together
from gridcell.coverage.width import is_narrower, width_of
from gridcell.errors import InputError
from gridcell.formats.geopackage import read_plan, write_geopackage
from gridcell.read import inspect_files, read_layers
from gridcell.read.files import open_input, open_polygons

CASES = dict.fromkeys(FORMATS, 10) | {"frames": 16, "fit": 6}


def written(folder: Path, form: str, role: str, **parts: bytes) -> Path:
    """Write an undamaged input, some of its files replaced: ``cpg=b"UTF-8"``."""
    files = valid(form, role) | {f".{name}": data for name, data in parts.items()}
    for suffix, data in files.items():
        (folder / f"town{suffix}").write_bytes(data)
    return folder / f"town{SUFFIXES[form]}"


@pytest.mark.parametrize("kind", CASES)
def test_a_damaged_input_is_read_or_refused(kind: str) -> None:
    failures = [
        failure
        for seed in range(CASES[kind])
        for failure in run_case(kind, seed, only=("read", "inspect", "fit"))[1]
    ]
    assert failures == []


@pytest.mark.parametrize("form", FORMATS)
def test_an_undamaged_input_is_read(form: str, tmp_path: Path) -> None:
    """Or else the fuzz would look at files that were broken from the start."""
    for role in FORMATS[form]:
        folder = tmp_path / role
        folder.mkdir()
        path = written(folder, form, role)
        if role == "communities":
            layers = read_layers(path)
        else:
            layers = read_layers(frames()["communities"], **{role: path})  # type: ignore[arg-type]
        assert len(getattr(layers, role)) >= 3 or role == "sites"


def test_a_case_is_always_the_same(tmp_path: Path) -> None:
    for form in FORMATS:
        twice = []
        for name in ("one", "two"):
            folder = tmp_path / form / name
            folder.mkdir(parents=True)
            role = FORMATS[form][0]
            path = damage.damage(form, role, generator(form, 7), folder)
            twice.append({p.name: p.read_bytes() for p in path.parent.iterdir()})
        assert twice[0] == twice[1], form


@pytest.mark.parametrize("name", ["rot13", "hex", "idna", "utf-16", "undefined", "cp037", "a\0b"])
def test_a_code_page_that_is_none_of_shapefiles_is_refused(name: str, tmp_path: Path) -> None:
    path = written(tmp_path, "shapefile", "communities", cpg=name.encode())
    with pytest.raises(InputError, match=r"town\.cpg: unknown encoding"):
        read_layers(path)


def test_a_long_code_page_does_not_flood_the_message(tmp_path: Path) -> None:
    path = written(tmp_path, "shapefile", "communities", cpg=b"x" * 70_000)
    with pytest.raises(InputError) as caught:
        read_layers(path)
    assert len(str(caught.value)) < 300


def test_a_crs_that_cannot_be_written_as_wkt_is_refused(tmp_path: Path) -> None:
    prj = valid("shapefile", "communities")[".prj"].replace(b'["CGCS', b'["\xc3GCS', 1)
    path = written(tmp_path, "shapefile", "communities", prj=prj)
    with pytest.raises(InputError, match=r"CRS is damaged.*crs="):
        read_layers(path)


def test_a_crs_that_leads_nowhere_is_refused(tmp_path: Path) -> None:
    prj = valid("shapefile", "communities")[".prj"]
    broken = prj.replace(b'"Latitude_Of_Origin",0.0', b'"Latitude_Of_Origin",5e5')
    assert broken != prj
    path = written(tmp_path, "shapefile", "communities", prj=broken)
    with pytest.raises(InputError, match=r"CRS .* is damaged"):
        read_layers(path)
    assert "is damaged" in inspect_files([path])[0].remarks[0]


def test_fields_of_a_shapefile_that_share_a_name_are_refused(tmp_path: Path) -> None:
    dbf = bytearray(valid("dbf", "staff")[".dbf"])
    dbf[64:75] = dbf[32:43]
    (tmp_path / "town.dbf").write_bytes(dbf)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        outcome = open_or_refuse(tmp_path / "town.dbf")
    assert outcome is None or "twice" in outcome


def open_or_refuse(path: Path) -> str | None:
    try:
        open_input(path, "staff")
    except InputError as error:
        return str(error)
    return None


@pytest.mark.parametrize("metadata", [b"[]", b"{}", b"x", b'{"columns": {"geometry": {}}}'])
def test_damaged_metadata_of_geoparquet_is_refused(metadata: bytes, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    path = written(tmp_path, "geoparquet", "communities")
    table = pq.read_table(path)
    pq.write_table(table.replace_schema_metadata({b"geo": metadata}), path)
    with pytest.raises(InputError, match=r"town\.parquet: cannot be read as Parquet"):
        read_layers(path)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300, -1e16])
def test_coordinates_of_no_crs_are_refused_with_their_row(value: float, tmp_path: Path) -> None:
    frame = frames()["communities"].copy()
    xy = shapely.get_coordinates(shapely.box(X, Y, X + 9, Y + 9))
    xy[2, 1] = value
    with np.errstate(invalid="ignore"):
        frame.loc[1, "geometry"] = shapely.polygons(xy)
    with pytest.raises(InputError, match="row 2 has coordinates that are not numbers"):
        read_layers(frame)
    path = tmp_path / "town.parquet"
    with np.errstate(all="ignore"):
        frame.to_parquet(path)
    assert "row 2" in str(inspect_files([path])[0].error)


def test_lists_and_objects_in_columns_are_text() -> None:
    frame = frames()["buildings"].copy()
    frame["bldg_id"] = [[i, "x"] if i % 2 else {"id": i} for i in range(len(frame))]
    layers = read_layers(frames()["communities"], frame)
    assert layers.buildings is not None
    assert "[1, 'x']" in layers.buildings["bldg_id"].tolist()


def test_entrances_beyond_counting_are_noted_and_left_out() -> None:
    frame = frames()["buildings"].assign(units=[1e300, *[2.0] * 11])
    layers = read_layers(frames()["communities"], frame)
    assert layers.buildings is not None
    assert layers.buildings["units"].isna().sum() == 1


def test_communities_without_any_geometry_are_refused() -> None:
    frame = frames()["communities"].copy()
    frame["geometry"] = None
    with pytest.raises(InputError, match="no row has a geometry"):
        read_layers(frame)


def test_empty_geometries_are_looked_at_without_a_warning(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame({"code": ["a"]}, geometry=[shapely.Polygon()], crs=CRS)
    frame.to_parquet(tmp_path / "empty.parquet")
    info = inspect_files([tmp_path / "empty.parquet"])[0]
    assert (info.rows, info.without_geometry) == (1, 1)


def test_a_layer_outside_the_world_of_its_crs_is_refused() -> None:
    frame = frames()["buildings"].to_crs(32648)
    # One to the west and one to the east: the middle of the layer is where it should be.
    frame.loc[3, "geometry"] = shapely.box(-1e11, 2e6, -1e11 + 9, 3e6)
    frame.loc[4, "geometry"] = shapely.box(1e11, 2e6, 1e11 + 9, 3e6)
    with pytest.raises(InputError, match=r"row 4 lies outside the world that its CRS EPSG:32648"):
        read_layers(frames()["communities"], frame)


def test_a_ring_of_a_hundred_thousand_vertices_is_read() -> None:
    frame = gpd.GeoDataFrame({"code": ["a"]}, geometry=[nasty.big_ring(100_000)], crs=CRS)
    communities = read_layers(frame).communities
    assert shapely.get_num_coordinates(communities.geometry.iloc[0]) == 100_001


def test_a_register_that_lists_places_at_infinity_is_refused() -> None:
    register = pd.DataFrame({"household_id": ["a"], "x": ["1e300"], "y": ["5"]})
    with pytest.raises(InputError):
        read_layers(frames()["communities"], households=register)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e13, 1e300])
@pytest.mark.parametrize("suffix", [".gpkg", ".parquet", ".fgb"])
def test_a_vertex_that_is_no_number_is_a_finding_of_the_check(
    value: float, suffix: str, tmp_path: Path
) -> None:
    frame = frames()["communities"].copy()
    xy = shapely.get_coordinates(shapely.box(X + 500, Y, X + 900, Y + 500))
    xy[2, 1] = value
    with np.errstate(all="ignore"):
        frame.loc[2, "geometry"] = shapely.polygons(xy)
        path = tmp_path / f"town{suffix}"
        if suffix == ".parquet":
            frame.to_parquet(path)
        else:
            frame.to_file(path, **({"SPATIAL_INDEX": "NO"} if suffix == ".fgb" else {}))
    findings = check_cells(open_polygons(path, "cells").frame).findings
    findings = findings[findings["kind"] == "invalid_geometry"]
    assert "450802001003 is not a valid polygon" in findings["message"].item()
    assert shapely.get_coordinates(findings.geometry.array).tolist() == [[X + 900, Y]]


@pytest.mark.parametrize("name", ["huge", "far", "zm", "z", "not_finite"])
def test_coordinates_beyond_any_crs_cover_nothing_and_overflow_nowhere(name: str) -> None:
    rng = generator("frames", 1)
    squares = [shapely.box(X + 100 * i, Y, X + 100 * (i + 1), Y + 100) for i in range(3)]
    for _ in range(8):
        odd = nasty.nasty_geometry(name, rng, X, Y + 500)
        cells = gpd.GeoDataFrame({"code": list("abcd")}, geometry=[*squares, odd], crs=CRS)
        for report in (check_cells(cells), check_cells(cells.iloc[:3], cells)):
            kinds = report.findings["kind"]
            assert kinds.isin(["invalid_geometry", "gap"]).all()


def test_heights_that_are_no_numbers_are_no_fault() -> None:
    zm = shapely.from_wkt(
        "POLYGON ZM ((500 0 1 2, 900 0 nan 2, 900 9 inf 2, 500 9 1 nan, 500 0 1 2))"
    )
    cells = gpd.GeoDataFrame({"code": ["a"]}, geometry=[zm], crs=CRS)
    assert check_cells(cells, cells).ok


def test_a_plan_with_cells_at_infinity_is_checked(tmp_path: Path) -> None:
    plan = tiny_plan()
    for value in (np.nan, np.inf, 1e200):
        with np.errstate(all="ignore"):
            xy = shapely.get_coordinates(plan.leaves.geometry.iloc[0])
            xy[1] = value
            plan.leaves.loc[0, "geometry"] = shapely.polygons(xy)
            file = tmp_path / f"{value}.gpkg"
            write_geopackage(plan, file)
        said = [f.message for f in check_plan(read_plan(file)) if f.kind == "invalid_geometry"]
        assert any("coordinates that are not numbers" in text for text in said)


def test_a_plan_with_a_ring_that_is_not_closed_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "plan.gpkg"
    write_geopackage(tiny_plan(), file)
    ring = struct.pack("<BIII8d", 1, 3, 1, 4, 0, 0, 9, 0, 9, 9, 0, 9)
    with closing(sqlite3.connect(file)) as base:
        for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
            base.execute(f'DROP TRIGGER "{name}"')
        base.execute("UPDATE leaves SET geom = ?", (b"GP\0\1" + struct.pack("<i", 0) + ring,))
        base.commit()
    with pytest.raises(InputError, match=r"no readable GeoPackage|no plan"):
        read_plan(file)


def test_a_ring_of_a_hundred_thousand_vertices_over_others_is_checked() -> None:
    ring = nasty.big_ring(100_000)
    shapes = [ring, shapely.box(X + 400, Y + 400, X + 600, Y + 600)]
    findings = check_cells(gpd.GeoDataFrame({"code": list("ab")}, geometry=shapes)).findings
    assert findings["kind"].tolist() == ["overlap"]
    assert findings["measure"].item() == pytest.approx(40_000)


def test_a_plan_whose_leaves_share_codes_is_checked() -> None:
    plan = tiny_plan()
    plan.leaves["code"] = plan.leaves["code"].iloc[0]
    assert "wrong_leaf" in {finding.kind for finding in check_plan(plan)}


def jagged(vertices: int, wide: float) -> shapely.Polygon:
    """Return a strip 200 m long between two borders that are jagged by half a metre."""
    x = np.linspace(0, 200, vertices)
    teeth = 0.5 * (np.arange(vertices) % 2)
    low, high = np.column_stack([x, teeth]), np.column_stack([x, teeth + wide])
    return shapely.Polygon([*low, *high[::-1]])


def test_the_width_of_jagged_polygons_is_told_at_once() -> None:
    ring, strip = nasty.big_ring(5000), jagged(2000, 2.0)
    for tolerance in (None, 0.005):
        widths = width_of(np.array([ring, strip], dtype=object), tolerance=tolerance)
        assert widths == pytest.approx([990.0, 1.5], rel=0.006)
    assert is_narrower(np.array([ring, strip, strip], dtype=object), 1.6).tolist() == [
        False, True, True,
    ]  # fmt: skip
    assert is_narrower(np.array([ring, strip], dtype=object), 1.4).tolist() == [False, False]


def test_communities_with_jagged_borders_are_fitted_together() -> None:
    ring = nasty.big_ring(1200)
    other = shapely.box(X + 950, Y - 50, X + 2000, Y + 1050).difference(ring.buffer(0.2))
    fitted, _ = fit_together(np.array([ring, other], dtype=object), ["a", "b"], 1.0, label="towns")
    assert shapely.area(fitted).sum() == pytest.approx(shapely.area(shapely.union_all(fitted)))


TOWNS = int(os.environ.get("GRIDCELL_TOWNS", "12"))
"""How many wild towns go the whole way; more by hand."""


@pytest.mark.parametrize("seed", range(TOWNS))
def test_a_wild_town_keeps_every_promise(seed: int) -> None:
    assert run_case(TOWN, seed)[1] == []
