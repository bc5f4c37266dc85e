"""Every export is read by a tool that did not write it: codes stay text, and cells cover the land.

GDAL in pyogrio writes some formats; the ``ogr2ogr`` of the system is another GDAL, and here it only
hands over to SQLite, whose blobs shapely decodes. Codes begin with a nought, which numbers lose.
"""

import csv
import dataclasses
import shutil
import sqlite3
import subprocess
from contextlib import closing

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from plans import tiny_plan

from gridcell.export import EXPORT_FORMATS, export_plan

LEVELS = ("large", "medium", "small", "micro", "leaves")
TEXTS = ("code", "parent", "community")


@pytest.fixture(scope="module")
def plan():
    whole = tiny_plan()

    def nought(frame):
        changed = {name: frame[name].str.replace("^45", "05", regex=True)
                   for name in (*TEXTS, "label") if name in frame}  # fmt: skip
        return frame.assign(**changed)

    return dataclasses.replace(
        whole, **{name: nought(getattr(whole, name)) for name in (*LEVELS, "buildings")}
    )


@pytest.fixture(scope="module")
def exports(plan, tmp_path_factory):
    base = tmp_path_factory.mktemp("exports")
    return {kind: export_plan(plan, base / kind, format=kind).folder for kind in EXPORT_FORMATS}


def by_sqlite(file, table):
    """Return a table of a GeoPackage as SQLite has it, with the types of its values."""
    with closing(sqlite3.connect(file)) as base:
        known = [row[1] for row in base.execute(f"PRAGMA table_info({table})")]
        rows = base.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608
    frame = pd.DataFrame(rows, columns=known, dtype=object)
    if "geom" in frame:
        # Bits 1 to 3 of the flags say how long an envelope stands between header and WKB.
        wkb = [blob[8 + (0, 32, 48, 48, 64)[blob[3] >> 1 & 7] :] for blob in frame.pop("geom")]
        return gpd.GeoDataFrame(frame, geometry=shapely.from_wkb(wkb))
    return frame


def by_ogr(file, layer, folder):
    """Return a layer as the GDAL of the system reads it."""
    if not (tool := shutil.which("ogr2ogr")):
        pytest.skip("no ogr2ogr")
    target = folder / f"{file.stem}-{layer}.gpkg"
    subprocess.run(
        [tool, "-f", "GPKG", target, file, layer, "-nln", "cells", "-lco", "GEOMETRY_NAME=geom"],
        check=True, capture_output=True,
    )  # fmt: skip
    return by_sqlite(target, "cells")


def by_pyshp(file):
    shapefile = pytest.importorskip("shapefile")
    with shapefile.Reader(str(file)) as reader:
        rows = [item.record.as_dict() for item in reader.iterShapeRecords()]
        shapes = [shapely.geometry.shape(item) for item in reader.iterShapes()]
    return gpd.GeoDataFrame(pd.DataFrame(rows, dtype=object), geometry=shapes)


def by_duckdb(query):
    duckdb = pytest.importorskip("duckdb")
    answer = duckdb.sql(query)
    return pd.DataFrame(answer.fetchall(), columns=answer.columns, dtype=object)


def parquet(folder, level):
    place = folder if level == "large" else folder / level / "*"
    frame = by_duckdb(
        "SELECT * EXCLUDE (geometry), geometry::BLOB AS wkb FROM "  # noqa: S608
        f"read_parquet('{(place / level).as_posix()}.parquet', hive_partitioning=false)"
    )
    return gpd.GeoDataFrame(frame, geometry=shapely.from_wkb(list(frame.pop("wkb"))))


POLYGONS = {
    "geojson": lambda x, level, tmp: by_ogr(x / f"{level}.geojson", level, tmp),
    "gpkg": lambda x, level, _: by_sqlite(x / "cells.gpkg", level),
    "shapefile": lambda x, level, _: by_pyshp(x / f"{level}.shp"),
    "geoparquet": lambda x, level, _: parquet(x, level),
    "flatgeobuf": lambda x, level, tmp: by_ogr(x / f"{level}.fgb", level, tmp),
    "kml": lambda x, level, tmp: by_ogr(x / f"{level}.kml", level, tmp),
}
TABLES = {
    "csv": lambda x, level, tmp: by_ogr(x / f"{level}.csv", level, tmp),
    "xlsx": lambda x, level, tmp: by_ogr(x / "cells.xlsx", level, tmp),
}


def require_same_rows(frame, cells):
    """Assert that codes are the plan's texts, and that households are what they were."""
    frame = frame.sort_values("code", ignore_index=True)
    for name in TEXTS:
        there = [value or None for value in frame[name]]
        assert there == [None if pd.isna(value) else value for value in cells[name]], name
        assert {type(value) for value in there} <= {str, type(None)}
    assert [int(value) for value in frame["households"]] == list(cells["households"])


@pytest.mark.parametrize("kind", POLYGONS)
def test_another_reader_finds_text_codes_and_an_exact_coverage(plan, exports, kind, tmp_path):
    shapes = {}
    for level in LEVELS:
        frame = POLYGONS[kind](exports[kind], level, tmp_path)
        renamed = frame.rename(columns={"hholds": "households"})
        require_same_rows(renamed, plan.cells(level))
        shapes[level] = np.asarray(frame.geometry)
    land = shapely.union_all(shapes["large"])
    for level in ("medium", "small", "leaves"):
        assert shapely.coverage_is_valid(shapes[level]), level
        assert shapely.area(shapes[level]).sum() == pytest.approx(land.area, rel=1e-12)
        whole = shapely.union_all(shapes[level])
        assert whole.symmetric_difference(land).area <= 1e-12 * land.area


@pytest.mark.parametrize("kind", TABLES)
def test_another_reader_finds_text_codes_in_every_table(plan, exports, kind, tmp_path):
    for level in LEVELS:
        frame = TABLES[kind](exports[kind], level, tmp_path)
        cells = plan.cells(level)
        require_same_rows(frame, cells)
        points = shapely.points(frame["lon"].astype(float), frame["lat"].astype(float))
        assert shapely.contains(np.asarray(cells.to_crs(4326).geometry), points).all()


def test_the_tiles_are_read_by_gdal_and_cover_the_land_within_their_lattice(plan, exports):
    if "r" not in pyogrio.list_drivers().get("PMTiles", ""):
        pytest.skip("a GDAL without PMTiles")
    land = plan.large.to_crs(3857).geometry[0]
    step = 40_075_016.68557849 / 2**15 / 4096
    for level in LEVELS:
        pieces = pyogrio.read_dataframe(
            exports["pmtiles"] / "cells.pmtiles", layer=level, use_arrow=False
        )
        cells = pieces.dissolve("code", aggfunc="first").reset_index()
        require_same_rows(cells, plan.cells(level))
        if level != "micro":
            # Pieces of a tile end where the next begins, so that what is counted twice is overlap.
            assert shapely.area(cells.geometry).sum() == pytest.approx(
                land.area, abs=step * land.length
            )
            gap = shapely.union_all(cells.geometry).symmetric_difference(land)
            assert gap.buffer(-step).is_empty


def test_hexagons_are_joined_with_cells_by_duckdb(plan, exports, tmp_path):
    folder = exports["h3"]
    read = "read_csv('{}', types={{{}}})".format
    pairs = read((folder / "cells_hexagons.csv").as_posix(),
                 "'h3': 'VARCHAR', 'code': 'VARCHAR', 'community': 'VARCHAR'")  # fmt: skip
    hexagons = read((folder / "hexagons.csv").as_posix(), "'h3': 'VARCHAR'")
    by_cell = by_duckdb(
        f"SELECT code, sum(p.households) AS n FROM {pairs} p JOIN {hexagons} h USING (h3) "  # noqa: S608
        "GROUP BY code ORDER BY code"
    )
    assert list(by_cell["code"]) == list(plan.leaves["code"])
    assert [int(n) for n in by_cell["n"]] == list(plan.leaves["households"])
    shapes = by_ogr(folder / "hexagons.geojson", "hexagons", tmp_path)
    with (folder / "hexagons.csv").open(encoding="utf-8-sig") as stream:
        assert sorted(shapes["h3"]) == sorted(row["h3"] for row in csv.DictReader(stream))
    land = plan.large.to_crs(4326).geometry[0]
    assert land.within(shapely.union_all(shapes.geometry).buffer(1e-8))
    assert shapely.area(shapes.geometry).sum() == pytest.approx(
        shapely.union_all(shapes.geometry).area, rel=1e-9
    )


def test_every_format_is_read_by_another_tool_here():
    assert {*POLYGONS, *TABLES, "pmtiles", "h3"} == set(EXPORT_FORMATS)
