"""Inputs that somebody made to do harm, and what gridcell must say of each.

Each case writes its files into a folder and says which command meets them. What must come of it is
one of: done (exit 0), or refused (exit 3, one message). Nothing may be half-written, fetched, or
take more than its seconds and memory.
"""

import gzip
import sqlite3
import struct
import zipfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

CRS = "EPSG:4547"
X, Y = 500_000.0, 2_500_000.0


@dataclass(frozen=True, kw_only=True)
class Hostile:
    """A hostile input."""

    name: str
    write: Callable[[Path], list[str]]
    """Writes files into a folder, and returns the command and its arguments, without ``-o``."""
    code: int
    """The exit code it must come to."""
    says: str = ""
    """A part of what must be said then."""
    large: bool = False
    """Whether it takes more than some seconds: tried by `benchmarks/threats.py` alone."""


CASES: list[Hostile] = []


def case(
    name: str, code: int, says: str = "", *, large: bool = False
) -> Callable[[Callable[[Path], list[str]]], Callable[[Path], list[str]]]:
    """Register a case."""

    def add(write: Callable[[Path], list[str]]) -> Callable[[Path], list[str]]:
        CASES.append(Hostile(name=name, write=write, code=code, says=says, large=large))
        return write

    return add


def town_land(**columns: object) -> gpd.GeoDataFrame:
    """Return two communities of 200 by 200 m."""
    land = [shapely.box(X, Y, X + 200, Y + 200), shapely.box(X + 200, Y, X + 400, Y + 200)]
    named = {"code": ["450802001001", "450802001002"], "name": ["West", "East"], **columns}
    return gpd.GeoDataFrame(named, geometry=land, crs=CRS)


def communities(folder: Path, **columns: object) -> Path:
    """Write the two communities, and return the file."""
    path = folder / "communities.gpkg"
    town_land(**columns).to_file(path, layer="communities")
    return path


def houses(side: int = 6) -> gpd.GeoDataFrame:
    """Return rows of houses with ten households each, in both communities."""
    at = np.arange(side) * (200 / side) + 5
    boxes = [
        shapely.box(X + west + a, Y + b, X + west + a + 8, Y + b + 8)
        for west in (0, 200) for a in at for b in at
    ]  # fmt: skip
    ids = [f"B{k}" for k in range(len(boxes))]
    return gpd.GeoDataFrame({"bldg_id": ids, "households": 10}, geometry=boxes, crs=CRS)


def buildings(folder: Path, frame: gpd.GeoDataFrame | None = None) -> Path:
    path = folder / "buildings.gpkg"
    (houses() if frame is None else frame).to_file(path, layer="buildings")
    return path


def partition(*files: Path | str) -> list[str]:
    return ["partition", *map(str, files)]


# Names.

NASTY_NAMES = (
    "</script><script>alert(1)</script>", "=cmd|' /C calc'!A0", "\u202eevil\u2066",
    "a\x01\x1b[31mb", "'; DROP TABLE cells; --", "{{7*7}}${7*7}", "%s%n%x",
)  # fmt: skip


@case("markup, formulas, control and bidirectional characters in names", 0)
def _names(folder: Path) -> list[str]:
    frame = houses()
    sites = gpd.GeoDataFrame(
        {"name": list(NASTY_NAMES)},
        geometry=[shapely.box(X + 25 * k, Y + 60, X + 25 * k + 20, Y + 80) for k in range(7)],
        crs=CRS,
    )
    sites.to_file(folder / "sites.gpkg")
    land = communities(folder, name=[NASTY_NAMES[0], NASTY_NAMES[2]])
    return partition(land, buildings(folder, frame), "--sites", folder / "sites.gpkg")


@case("a name of 10 MB", 0, large=True)
def _long_name(folder: Path) -> list[str]:
    return partition(communities(folder, name=["W" * 10_000_000, "East"]), buildings(folder))


@case("a code that is a path", 3, "code")
def _code_is_path(folder: Path) -> list[str]:
    return partition(communities(folder, code=["../../evil", "b"]), buildings(folder))


@case("codes that Windows reserves as file names", 0)
def _reserved(folder: Path) -> list[str]:
    return partition(communities(folder, code=["CON", "NUL"]), buildings(folder))


@case("layer and column names that are SQL", 0)
def _sql_names(folder: Path) -> list[str]:
    land = gpd.read_file(communities(folder))
    land['x"); DROP TABLE gpkg_contents; --'] = "1"
    path = folder / "sql.gpkg"
    layer = 'c"; DELETE FROM gpkg_contents; --'
    land.to_file(path, layer=layer)
    return partition(f"{path}#{layer}", buildings(folder))


# Archives.


def _zip_of(path: Path, names: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in names.items():
            archive.writestr(name, data)
    return path


@case("a zip bomb: a shapefile of 4 GB in 4 MB", 3, "zip", large=True)
def _zip_bomb(folder: Path) -> list[str]:
    path = folder / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for suffix in (".shp", ".shx", ".dbf"):
            with archive.open(f"bomb{suffix}", "w", force_zip64=True) as out:
                for _ in range(1400):
                    out.write(bytes(1 << 20))
    return partition(path, buildings(folder))


@case("an archive whose members leave the folder", 3)
def _zip_slip(folder: Path) -> list[str]:
    source = communities(folder).read_bytes()
    path = _zip_of(folder / "slip.zip", {"../../evil.gpkg": source})
    return partition(path, buildings(folder))


@case("an archive with absolute paths, read where it is", 0)
def _zip_absolute(folder: Path) -> list[str]:
    source = communities(folder).read_bytes()
    path = _zip_of(folder / "absolute.zip", {"/tmp/evil.gpkg": source})  # noqa: S108
    return partition(path, buildings(folder))


_SHEET = "xl/worksheets/sheet1.xml"


def _workbook(folder: Path) -> tuple[Path, dict[str, bytes]]:
    """Write a register as a workbook, and return the file and what is packed in it."""
    path = folder / "register.xlsx"
    pd.DataFrame({"household_id": ["a"], "bldg_id": ["B1"]}).to_excel(path, index=False)
    with zipfile.ZipFile(path) as good:
        return path, {name: good.read(name) for name in good.namelist()}


@case("a workbook that unpacks to 2 GB", 3, "xlsx", large=True)
def _xlsx_bomb(folder: Path) -> list[str]:
    path, parts = _workbook(folder)
    del parts[_SHEET]
    _zip_of(path, parts)
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive,
        archive.open(_SHEET, "w", force_zip64=True) as out,
    ):
        for _ in range(2000):
            out.write(b" " * (1 << 20))
    return partition(communities(folder), buildings(folder), "--households", path)


# XML.

LAUGHS = (
    "<!DOCTYPE k ["
    '<!ENTITY a0 "ha">'
    + "".join(f'<!ENTITY a{k} "{f"&a{k - 1};" * 10}">' for k in range(1, 10))
    + "]>"
)


def _kml(folder: Path, doctype: str, name: str) -> list[str]:
    path = folder / "land.kml"
    path.write_text(
        f'<?xml version="1.0"?>{doctype}<kml xmlns="http://www.opengis.net/kml/2.2"><Document>'
        f"<Placemark><name>{name}</name><Point><coordinates>1,2</coordinates></Point></Placemark>"
        "</Document></kml>",
        encoding="utf-8",
    )
    return partition(path, buildings(folder))


@case("a billion laughs in KML", 3)
def _kml_bomb(folder: Path) -> list[str]:
    return _kml(folder, LAUGHS, "&a9;")


@case("KML that names a file of the machine", 3)
def _kml_external(folder: Path) -> list[str]:
    secret = folder / "secret.txt"
    secret.write_text("secret word", encoding="utf-8")
    return _kml(folder, f'<!DOCTYPE k [<!ENTITY x SYSTEM "{secret.as_uri()}">]>', "&x;")


@case("a billion laughs in a workbook", 3)
def _xlsx_laughs(folder: Path) -> list[str]:
    path, parts = _workbook(folder)
    sheet = parts[_SHEET].decode()
    head, rest = (
        sheet.split("?>", 1) if sheet.startswith("<?xml") else ("<?xml version='1.0'", sheet)
    )
    parts[_SHEET] = f"{head}?>{LAUGHS}{rest}".replace(
        "</sheetData>",
        '<row r="3"><c r="A3" t="inlineStr"><is><t>&a9;</t></is></c></row></sheetData>',
    ).encode()
    _zip_of(path, parts)
    return partition(communities(folder), buildings(folder), "--households", path)


# Databases.


@case("a GeoPackage with triggers that delete", 0)
def _triggers(folder: Path) -> list[str]:
    path = communities(folder)
    with closing(sqlite3.connect(path)) as base, base:
        base.execute(
            "CREATE TRIGGER evil BEFORE UPDATE ON gpkg_contents BEGIN DELETE FROM communities; END"
        )
    return partition(path, buildings(folder))


@case("a GeoPackage whose layer is an endless view", 3, "view")
def _endless_view(folder: Path) -> list[str]:
    path = communities(folder)
    with closing(sqlite3.connect(path)) as base, base:
        base.execute("ALTER TABLE communities RENAME TO real_communities")
        base.execute(
            "CREATE VIEW communities AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1"
            " FROM n) SELECT n.i AS fid, geom, code, name FROM real_communities, n"
        )
    return partition(f"{path}#communities", buildings(folder))


@case("pickled metadata in parquet", 3, "register.parquet")
def _pickled(folder: Path) -> list[str]:
    # Opens a file, if anybody should unpickle it.
    harm = b"c__builtin__\nopen\n(V" + str(folder / "was-run").encode() + b"\nVw\ntR."
    table = pa.table({"household_id": ["a"], "bldg_id": ["B1"]})
    table = table.replace_schema_metadata({b"pandas": harm})
    pq.write_table(table, folder / "register.parquet")
    return partition(
        communities(folder), buildings(folder), "--households", folder / "register.parquet"
    )


@case("rules that are code", 3, "MIN:TARGET:MAX")
def _rules(folder: Path) -> list[str]:
    path = folder / "rules.toml"
    path.write_text("small = \"__import__('os').system('true')\"", encoding="utf-8")
    return partition(communities(folder), buildings(folder), "--rules", path)


# Files that lie about their size.


@case("a shapefile that claims 2^31 rows", 3)
def _many_rows(folder: Path) -> list[str]:
    path = folder / "land.shp"
    gpd.read_file(communities(folder)).to_file(path)
    data = bytearray((folder / "land.dbf").read_bytes())
    data[4:8] = struct.pack("<I", 2**31 - 1)
    (folder / "land.dbf").write_bytes(data)
    return partition(path, buildings(folder))


@case("a shapefile whose ring claims 2^31 vertices", 3)
def _many_vertices(folder: Path) -> list[str]:
    path = folder / "land.shp"
    gpd.read_file(communities(folder)).to_file(path)
    data = bytearray(path.read_bytes())
    data[108 + 4 + 32 + 4 : 108 + 4 + 32 + 8] = struct.pack("<i", 2**31 - 1)
    path.write_bytes(data)
    return partition(path, buildings(folder))


@case("GeoJSON nested 100,000 deep", 3)
def _deep_json(folder: Path) -> list[str]:
    path = folder / "land.geojson"
    path.write_text("[" * 100_000 + "]" * 100_000, encoding="utf-8")
    return partition(path, buildings(folder))


@case("GeoJSON of one polygon that is cut off", 3)
def _cut_json(folder: Path) -> list[str]:
    path = folder / "land.geojson"
    gpd.read_file(communities(folder)).to_crs(4326).to_file(path)
    path.write_bytes(path.read_bytes()[:-40])
    return partition(path, buildings(folder))


# Coordinates.


def _with_coordinates(folder: Path, x: float, y: float) -> list[str]:
    frame = houses()
    shapes = frame.geometry.to_numpy().copy()
    with np.errstate(invalid="ignore"):
        shapes[0] = shapely.Polygon([(X, Y), (X + 5, Y), (x, y), (X, Y)])
    path = folder / "buildings.parquet"
    frame.set_geometry(gpd.GeoSeries(shapes, crs=CRS)).to_parquet(path)
    return partition(communities(folder), path)


@case("a building at infinity", 3, "row 1")
def _infinite(folder: Path) -> list[str]:
    return _with_coordinates(folder, np.inf, Y)


@case("a building at 1e300", 3, "row 1")
def _enormous(folder: Path) -> list[str]:
    return _with_coordinates(folder, 1e300, Y)


@case("a building at NaN", 3, "row 1")
def _not_a_number(folder: Path) -> list[str]:
    return _with_coordinates(folder, np.nan, Y)


def _in_degrees(
    folder: Path, lon: float, lat: float, *, wide: float = 1, swapped: bool = False
) -> list[str]:
    step = 0.002
    boxes = [
        shapely.box(lon + k * step * wide, lat, lon + (k + 1) * step * wide, lat + step)
        for k in range(2)
    ]
    if swapped:
        boxes = [shapely.transform(box, lambda xy: xy[:, ::-1]) for box in boxes]
    land = folder / "land.gpkg"
    gpd.GeoDataFrame({"code": ["a", "b"]}, geometry=boxes, crs=4326).to_file(land)
    built = [
        shapely.box(lon + a * wide, lat + b, lon + (a + 1e-4) * wide, lat + b + 1e-4)
        for a in np.linspace(2e-4, 3.6e-3, 12) for b in np.linspace(2e-4, 1.6e-3, 6)
    ]  # fmt: skip
    if swapped:
        built = [shapely.transform(box, lambda xy: xy[:, ::-1]) for box in built]
    frame = gpd.GeoDataFrame({"households": 10}, index=range(len(built)), geometry=built, crs=4326)
    return partition(land, buildings(folder, frame))


@case("a town across the antimeridian", 0)
def _antimeridian(folder: Path) -> list[str]:
    return _in_degrees(folder, 179.998, -16.5)


@case("a town at the North Pole", 3, "metric CRS")
def _pole(folder: Path) -> list[str]:
    return _in_degrees(folder, 15.0, 89.9, wide=500)


@case("degrees in the order of latitude and longitude", 3)
def _swapped(folder: Path) -> list[str]:
    return _in_degrees(folder, 111.0, 23.0, swapped=True)


# Shapes.


@case("a community of no area", 3)
def _no_area(folder: Path) -> list[str]:
    land = gpd.read_file(communities(folder))
    shapes = land.geometry.to_numpy().copy()
    shapes[0] = shapely.Polygon([(X, Y), (X + 100, Y), (X + 200, Y), (X, Y)])
    path = folder / "flat.gpkg"
    land.set_geometry(gpd.GeoSeries(shapes, crs=CRS)).to_file(path)
    return partition(path, buildings(folder))


@case("a community of 1,000,000 vertices", 0, large=True)
def _many_corners(folder: Path) -> list[str]:
    turn = np.linspace(0, 2 * np.pi, 1_000_000, endpoint=False)
    ring = np.column_stack([X + 200 + 190 * np.cos(turn), Y + 100 + 190 * np.sin(turn)])
    path = folder / "round.gpkg"
    gpd.GeoDataFrame({"code": ["a"]}, geometry=[shapely.Polygon(ring)], crs=CRS).to_file(path)
    return partition(path, buildings(folder))


@case("a community of 10,000 holes", 0, large=True)
def _many_holes(folder: Path) -> list[str]:
    a, b = np.meshgrid(np.arange(100), np.arange(100))
    corner = np.column_stack([X + 0.3 + a.ravel(), Y + 0.3 + b.ravel()])
    ring = np.array([(0, 0), (0.3, 0), (0.3, 0.3), (0, 0.3), (0, 0)])
    holes = ring + corner[:, None]
    whole = shapely.Polygon([(X, Y), (X + 401, Y), (X + 401, Y + 251), (X, Y + 251)], holes)
    path = folder / "holes.gpkg"
    gpd.GeoDataFrame({"code": ["a"]}, geometry=[whole], crs=CRS).to_file(path)
    return partition(path, buildings(folder))


@case("no building", 3)
def _no_building(folder: Path) -> list[str]:
    return partition(communities(folder), buildings(folder, houses().iloc[:0]))


@case("one building", 0)
def _one_building(folder: Path) -> list[str]:
    return partition(communities(folder), buildings(folder, houses().iloc[:1]))


@case("50,000 touching footprints in one block without roads", 0, large=True)
def _touching(folder: Path) -> list[str]:
    a, b = np.meshgrid(np.arange(250), np.arange(200))
    boxes = shapely.box(
        X + 10.0 * a.ravel(),
        Y + 10.0 * b.ravel(),
        X + 10.0 * a.ravel() + 10,
        Y + 10.0 * b.ravel() + 10,
    )
    frame = gpd.GeoDataFrame({"households": 3}, index=range(len(boxes)), geometry=boxes, crs=CRS)
    land = gpd.GeoDataFrame(
        {"code": ["a"]}, geometry=[shapely.box(X - 20, Y - 20, X + 2520, Y + 2020)], crs=CRS
    )
    land.to_file(folder / "land.gpkg")
    return partition(folder / "land.gpkg", buildings(folder, frame))


@case("30,000 footprints in one face", 0, large=True)
def _one_face(folder: Path) -> list[str]:
    a, b = np.meshgrid(np.arange(200), np.arange(150))
    x, y = X + 20.0 * a.ravel(), Y + 20.0 * b.ravel()
    frame = gpd.GeoDataFrame(
        {"households": 3}, index=range(a.size), geometry=shapely.box(x, y, x + 10, y + 10), crs=CRS
    )
    land = gpd.GeoDataFrame(
        {"code": ["a"]}, geometry=[shapely.box(X - 20, Y - 20, X + 4020, Y + 3020)], crs=CRS
    )
    land.to_file(folder / "land.gpkg")
    return partition(folder / "land.gpkg", buildings(folder, frame))


@case("a register compressed a thousand times", 3)
def _gzip(folder: Path) -> list[str]:
    path = folder / "register.csv.gz"
    path.write_bytes(gzip.compress(b"household_id,bldg_id\n" + b"a,B1\n" * 10_000))
    return partition(communities(folder), buildings(folder), "--households", path)
