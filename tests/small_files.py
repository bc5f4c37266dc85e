"""A tiny town in every input and format: files as they should be, before they are damaged."""

import zipfile
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import geopandas as gpd
import pandas as pd
from shapely import LineString, MultiLineString, MultiPolygon, Polygon, box

CRS = "EPSG:4545"
X, Y = 500_000.0, 2_550_000.0

LAYERS = ("communities", "buildings", "sites", "barriers", "atoms", "households", "staff")
TABLES = ("households", "staff")
FORMATS: dict[str, tuple[str, ...]] = {
    "shapefile": LAYERS, "geojson": LAYERS, "geopackage": LAYERS, "flatgeobuf": LAYERS,
    "geoparquet": LAYERS, "zip": ("communities", "buildings"), "kml": ("communities", "buildings"),
    "csv": TABLES, "xlsx": TABLES, "dbf": TABLES, "parquet": TABLES,
}  # fmt: skip
"""Which inputs are damaged in which format."""
SUFFIXES = {
    "shapefile": ".shp", "geojson": ".geojson", "geopackage": ".gpkg", "flatgeobuf": ".fgb",
    "geoparquet": ".parquet", "zip": ".zip", "kml": ".kml", "csv": ".csv", "xlsx": ".xlsx",
    "dbf": ".dbf", "parquet": ".parquet",
}  # fmt: skip


@cache
def frames() -> dict[str, pd.DataFrame]:
    """Return every input of a tiny town: an enclave, a hole, several parts, Chinese names."""
    yard = box(X + 300, Y + 300, X + 400, Y + 400)
    shapes = [
        Polygon(box(X, Y, X + 500, Y + 500).exterior, [yard.exterior]),
        yard,
        MultiPolygon([box(X + 500, Y, X + 900, Y + 500), box(X + 950, Y, X + 990, Y + 50)]),
        box(X, Y + 500, X + 900, Y + 900),
    ]
    codes = [f"45080200100{i + 1}" for i in range(4)]
    communities = gpd.GeoDataFrame(
        {
            "code": codes, "name": ["荷城社区", "石羊塘", "社区三", None],
            "households": [30, None, 12, 8], "n_small": [1, 1, 2, None], "since": [1.5, 2, None, 4],
        },
        geometry=shapes, crs=CRS,
    )  # fmt: skip
    spots = [(X + 20 + 60 * (i % 4), Y + 20 + 60 * (i // 4)) for i in range(12)]
    footprints = [box(x, y, x + 14, y + 10) for x, y in spots]
    footprints[0] = footprints[0].difference(box(X + 24, Y + 24, X + 28, Y + 26))
    buildings = gpd.GeoDataFrame(
        {
            "bldg_id": [f"楼{i}" for i in range(12)], "households": [i % 5 for i in range(12)],
            "floors": [6.0] * 12, "height": [None, *[18.5] * 11], "units": [1, 2] * 6,
        },
        geometry=footprints, crs=CRS,
    )  # fmt: skip
    sites = gpd.GeoDataFrame(
        {"site_id": ["s1", "s2"], "name": ["学校", "hospital"], "category": ["school", None]},
        geometry=[box(X + 600, Y + 50, X + 700, Y + 150), box(X + 20, Y + 600, X + 90, Y + 700)],
        crs=CRS,
    )
    barriers = gpd.GeoDataFrame(
        {"kind": ["road", "river", "路"], "rank": ["1", None, "主"], "name": ["大街", "河", None]},
        geometry=[
            LineString([(X, Y + 250), (X + 900, Y + 250)]),
            LineString([(X + 100, Y), (X + 120, Y + 400), (X + 90, Y + 880)]),
            MultiLineString([[(X, Y), (X + 50, Y + 50)], [(X + 60, Y + 60), (X + 90, Y + 60)]]),
        ],
        crs=CRS,
    )
    atoms = gpd.GeoDataFrame(
        {"atom_id": ["a", "b", "c"], "households": [3, 4, 0]},
        geometry=[box(X + 100 * i, Y, X + 100 * (i + 1), Y + 200) for i in range(3)], crs=CRS,
    )  # fmt: skip
    middles = gpd.points_from_xy([x + 7 for x, _ in spots], [y + 5 for _, y in spots], crs=CRS)
    households = gpd.GeoDataFrame(
        {"household_id": [f"h{i}" for i in range(12)], "bldg_id": [f"楼{i}" for i in range(12)],
         "unit": ["1"] * 12, "count": [1, 2] * 6}, geometry=middles,
    )  # fmt: skip
    staff = gpd.GeoDataFrame(
        {"staff_id": ["p1", "p2", "p3"], "roles": ["网格员", "lead;floor", None],
         "community": codes[:3], "max_cells": [1, None, 3]}, geometry=middles[:3],
    )  # fmt: skip
    return {
        "communities": communities, "buildings": buildings, "sites": sites, "barriers": barriers,
        "atoms": atoms, "households": households, "staff": staff,
    }  # fmt: skip


@cache
def valid(form: str, role: str, encoding: str = "UTF-8") -> dict[str, bytes]:
    """Return the files of an undamaged input: suffix -> bytes."""
    frame = frames()[role]
    with TemporaryDirectory() as name:
        path = Path(name) / f"town{SUFFIXES[form]}"
        if form in {"csv", "xlsx", "dbf", "parquet"}:
            table = pd.DataFrame(frame.drop(columns="geometry"))
            lonlat = frame.geometry.to_crs(4326)
            table["lon"], table["lat"] = lonlat.x, lonlat.y
            if form == "csv":
                table.to_csv(path, index=False, encoding=encoding)
            elif form == "xlsx":
                table.to_excel(path, index=False)
            elif form == "parquet":
                table.to_parquet(path)
            else:
                table = table.rename(columns={"household_id": "hh_id"})
                empty = gpd.GeoDataFrame(table, geometry=[None] * len(table), crs=CRS)
                empty.to_file(path.with_suffix(".shp"), encoding=encoding, geometry_type="Point")
                path.with_suffix(".shp").unlink()
                path.with_suffix(".shx").unlink()
        elif form == "geoparquet":
            frame.to_parquet(path, write_covering_bbox=len(frame) > 3)
        elif form == "zip":
            with zipfile.ZipFile(path, "w") as archive:
                for suffix, data in valid("shapefile", role, encoding).items():
                    archive.writestr(f"town{suffix}", data)
        elif form == "kml":
            frame.to_crs(4326).to_file(path, driver="KML")
        elif form == "geojson":
            frame.to_crs(4326).to_file(path)
        else:
            short = frame.rename(columns={"household_id": "hh_id"})
            short.to_file(path, **({"encoding": encoding} if form == "shapefile" else {}))
        if encoding != "UTF-8":
            path.with_suffix(".cpg").unlink(missing_ok=True)
        path.with_suffix(".prj" if form == "dbf" else ".none").unlink(missing_ok=True)
        return {p.suffix: p.read_bytes() for p in sorted(Path(name).iterdir())}
