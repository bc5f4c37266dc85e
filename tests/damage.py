"""Ways to damage files: blindly, and where it hurts; each told by one number."""

# ruff: noqa: S608  the names in the statements are those of our own files

import io
import json
import math
import sqlite3
import zipfile
import zlib
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from damage_bytes import (
    DOUBLES,
    Bytes,
    Rng,
    damage_bytes,
    damage_spots,
    damage_wkb,
    dbf_spots,
    fgb_spots,
    pick,
    shp_spots,
    shx_spots,
)
from small_files import SUFFIXES, valid

CODEPAGES = (
    b"", b"\0", b"UTF-99", b"rot13", b"hex", b"idna", b"punycode", b"utf-7", b"utf-16", b"utf-32",
    b"unicode_escape", b"undefined", b"mbcs", b"65001", b"936", b"ANSI 1252", b"OEM 437", b"0",
    b"99999", b"\xff\xfe", b"x" * 70_000, b"UTF-8\nGBK", b"base64", b"zlib", b"cp037", b"a\0b",
)  # fmt: skip
JUNK: tuple[Any, ...] = (
    None, True, False, 0, -1, 1e308, -1e308, 2**70, 0.5, "", "x", "1", "NaN", [], [[]], [[[]]],
    [None], [0, 0], [1, 2, 3, 4, 5], ["a", "b"], {}, {"a": {}}, {"type": "Polygon"},
    {"type": "Polygon", "coordinates": []}, {"type": "Polygon", "coordinates": [[]]},
    {"type": "GeometryCollection", "geometries": []}, {"type": "Point", "coordinates": [1, 2]},
    {"type": "Feature"}, "Polygon", "MultiPolygon", "Feature", "FeatureCollection", "Topology",
    "GeometryCollection", "CurvePolygon", "\ud83d\ude00", "\0", "a" * 5000, "2020-13-45T99:99:99Z",
)  # fmt: skip


def damage(form: str, role: str, rng: Rng, folder: Path) -> Path:
    """Write a damaged input into the folder and return its path.

    Parameters
    ----------
    form
        One of `FORMATS`.
    role
        Which input.
    rng
        Says where and how.
    folder
        An empty folder.
    """
    encoding = pick(rng, ["UTF-8", "GBK"]) if form in {"shapefile", "dbf", "csv"} else "UTF-8"
    parts = {suffix: bytes(data) for suffix, data in valid(form, role, encoding).items()}
    path = folder / f"town{SUFFIXES[form]}"
    for _ in range(pick(rng, [1, 1, 1, 2, 4])):
        suffix = pick(rng, sorted(parts)) if form in {"shapefile", "dbf"} else path.suffix
        if form == "geopackage" and rng.random() < 0.7:
            parts[suffix] = damage_geopackage(parts[suffix], rng, path)
        elif len(parts) > 1 and rng.random() < 0.03:
            del parts[suffix]
        else:
            parts[suffix] = _DAMAGES.get(form if suffix == path.suffix else suffix, damage_bytes)(
                parts[suffix], rng
            )
    for suffix, data in parts.items():
        (folder / f"town{suffix}").write_bytes(data)
    return path


def _damage_codepage(_data: Bytes, rng: Rng) -> bytes:
    return bytes(pick(rng, CODEPAGES))


def _damage_text(data: Bytes, rng: Rng) -> bytes:
    """Damage text as text: encodings, marks, quotes, numbers, or its bytes."""
    way = int(rng.integers(10))
    text = data.decode("utf-8", "surrogateescape")
    if way == 0:
        return text.encode(pick(rng, ["utf-16", "utf-8-sig", "utf-16-le", "utf-32"]), "replace")
    if way == 1:
        return b"\xef\xbb\xbf" * 2 + data
    if way == 2:
        old, new = pick(
            rng,
            [('"', ""), (",", ";"), ("\n", "\r"), ("{", "{" * 999), ("[", "[" * 20_000), ("]", ""),
             (".", "e400."), ("10", "1e999"), ("<", "&"), ("type", "Type"), (",", "\0"),
             (",", ',"'), ("0", "９"), ("1", "-"), ("\n", "\n\n"), (",", "\t"), ("}", "},{")],
        )  # fmt: skip
        start = int(rng.integers(len(text) + 1))
        text = text[:start] + text[start:].replace(old, new, pick(rng, [1, 1, 3, 50]))
        return text.encode("utf-8", "surrogateescape")
    return damage_bytes(data, rng)


def _damage_json(data: Bytes, rng: Rng) -> bytes:
    """Damage GeoJSON as a tree: junk for a member, members lost, repeated, renamed, wrapped."""
    try:
        tree = json.loads(data)
    except (ValueError, RecursionError):
        return _damage_text(data, rng)
    if rng.random() < 0.35:
        return _damage_text(data, rng)
    tree = damage_tree(tree, rng)
    text = json.dumps(tree, ensure_ascii=bool(rng.random() < 0.5))
    if rng.random() < 0.1:
        text = text.replace('"type":', '"type": "Point", "type":', 3)
    return text.encode("utf-8", "surrogatepass")


def damage_tree(tree: Any, rng: Rng) -> Any:
    """Return plain data with one node changed."""
    nodes: list[tuple[Any, Any]] = []
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, (dict, list)):
            items = list(node.items()) if isinstance(node, dict) else list(enumerate(node))
            nodes += [(node, key) for key, _ in items]
            waiting += [value for _, value in items]
    if not nodes:
        return pick(rng, JUNK)
    # Numbers of coordinates are the bulk: look at other nodes as often.
    rare = [(n, k) for n, k in nodes if isinstance(n, dict)] or nodes
    node, key = pick(rng, rare if rng.random() < 0.6 else nodes)
    way = int(rng.integers(8))
    if way == 0:
        del node[key]
    elif way == 1:
        node[key] = [node[key]]
    elif way == 2 and isinstance(node, dict):
        node[pick(rng, ["x", "type", "geometry", "code", "fid", "GEOMETRY", ""])] = node.pop(key)
    elif way == 3 and isinstance(node, list):
        node.insert(key, node[key])
    elif way == 4:
        for _ in range(pick(rng, [3, 40, 300])):
            node[key] = [node[key]]
    elif way == 5 and isinstance(node[key], (int, float)):
        node[key] = pick(rng, DOUBLES)
    else:
        node[key] = pick(rng, JUNK)
    return tree


def _damage_zip(data: Bytes, rng: Rng) -> bytes:
    """Damage a member of an archive, or the archive."""
    if rng.random() < 0.3:
        return damage_bytes(data, rng)
    out = io.BytesIO()
    with suppress(
        zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, RuntimeError
    ):
        with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
            victim = pick(rng, old.namelist())
            for name in old.namelist():
                member = old.read(name)
                if name == victim:
                    known = _DAMAGES.get({".shp": "shapefile"}.get(name[-4:], name[-4:]))
                    member = (known or _damage_text)(member, rng)
                if name != victim or rng.random() < 0.95:
                    new.writestr(name, member)
        return out.getvalue()
    return damage_bytes(data, rng)


def _damage_parquet(data: Bytes, rng: Rng) -> bytes:
    """Damage the columns, the geometries or the ``geo`` metadata of Parquet, or its bytes."""
    if rng.random() < 0.4:
        return damage_bytes(data, rng)
    try:
        table = pq.read_table(io.BytesIO(data))
        names = table.column_names
    except (OSError, ValueError):
        return damage_bytes(data, rng)
    metadata = dict(table.schema.metadata or {})
    name = pick(rng, names) if names else None
    way = int(rng.integers(6))
    if way <= 1:
        key = b"geo" if b"geo" in metadata else b"pandas"
        with suppress(ValueError, KeyError, RecursionError):
            tree = damage_tree(json.loads(metadata[key]), rng)
            metadata[key] = json.dumps(tree).encode("utf-8", "replace")
    elif way == 2:
        metadata[b"geo"] = pick(rng, [b"", b"{}", b"[]", b"null", b"x", b"\xff", b'{"columns":{}}'])
    elif way == 3 and name is not None:
        table = table.drop_columns([name])
    elif way == 4 and name is not None:
        table = table.set_column(0, name, table.column(name))
    elif "geometry" in names:
        blobs = [b.as_py() for b in table.column("geometry")]
        if all(isinstance(b, bytes | None) for b in blobs):
            row = int(rng.integers(len(blobs)))
            blobs[row] = damage_wkb(blobs[row] or b"", rng)
            at = names.index("geometry")
            table = table.set_column(at, "geometry", [blobs])
    out = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(metadata), out)
    return out.getvalue()


def damage_geopackage(data: Bytes, rng: Rng, path: Path) -> bytes:
    """Damage tables, geometries or the schema of a GeoPackage; `path` is a place to work at."""
    path.write_bytes(data)
    with (
        suppress(sqlite3.Error, OverflowError, UnicodeDecodeError),
        closing(sqlite3.connect(path)) as base,
    ):
        base.text_factory = bytes
        for (name,) in base.execute("select name from sqlite_master where type = 'trigger'"):
            base.execute(f'drop trigger "{name.decode()}"')
        names = [
            row[0].decode("utf-8", "replace")
            for row in base.execute("select name from sqlite_master where type = 'table'")
        ]
        ours = [n for n in names if not n.startswith(("gpkg_", "sqlite_", "rtree_"))]
        known = ["gpkg_contents", "gpkg_geometry_columns", "gpkg_spatial_ref_sys"]
        for _ in range(pick(rng, [1, 1, 2, 3])):
            table = pick(rng, ours or names) if rng.random() < 0.55 else pick(rng, known)
            _damage_table(base, table, rng)
            base.commit()
    out = path.read_bytes()
    path.unlink()
    for rest in path.parent.glob(f"{path.name}-*"):
        rest.unlink()
    return out


def _damage_table(base: sqlite3.Connection, table: str, rng: Rng) -> None:
    columns = [row[1].decode() for row in base.execute(f'pragma table_info("{table}")')]
    if not columns:
        return
    column = pick(rng, columns)
    junk = pick(
        rng,
        [None, "", "x", "POLYGON", "CURVEPOLYGON", "GEOMETRY", "features", "attributes", "tiles",
         "large", -1, 0, 4326, 99999, 2**62, 1.5, math.inf, b"\xff\xfe", b"GP", "x" * 9999,
         'PROJCS["', "2020-01-01", "{}", "[]", "null", "code"],
    )  # fmt: skip
    where = pick(rng, ["", " where rowid = (select min(rowid) from {0})"]).format(f'"{table}"')
    way = pick(rng, ["value", "value", "geometry", "geometry", "drop", "delete", "rename", "schema",
                     "add", "type"])  # fmt: skip
    if way == "geometry" and "geom" in columns:
        for row, blob in base.execute(
            f'select rowid, geom from "{table}" order by (rowid * 7 + ?) % 11 limit 1',
            (int(rng.integers(11)),),
        ).fetchall():
            damaged = damage_wkb(blob if isinstance(blob, bytes) else b"", rng)
            base.execute(f'update "{table}" set geom = ? where rowid = ?', (damaged, row))
    elif way == "drop":
        base.execute(f'drop table "{table}"')
    elif way == "delete":
        base.execute(f'delete from "{table}"{where}')
    elif way == "rename":
        base.execute(
            f'alter table "{table}" rename column "{column}" to '
            + pick(rng, ['"x"', '"fid"', '"geometry"', '"Code"', '"rowid"', '"\u00e9"'])
        )
    elif way == "add":
        base.execute(f'alter table "{table}" add column "{column.upper()} " text default 1')
    elif way in {"schema", "type"}:
        base.execute("pragma writable_schema = on")
        old, new = pick(rng, [("TEXT", "DATE"), ("TEXT", "BLOB"), ("REAL", "BOOLEAN"),
                              ("TEXT", "DATETIME"), ("INTEGER", "TINYINT"), ("TABLE", "VIEW"),
                              ("POLYGON", "TEXT"), ("REAL", "JSON"), ("(", "(("),
                              ("PRIMARY KEY", ""), ("INTEGER", "")])  # fmt: skip
        base.execute("update sqlite_master set sql = replace(sql, ?, ?) where name = ?",
                     (old, new, table))  # fmt: skip
    else:
        base.execute(f'update "{table}" set "{column}" = ?{where}', (junk,))


_DAMAGES: dict[str, Callable[[Bytes, Rng], bytes]] = {
    "shapefile": damage_spots(shp_spots),
    ".shx": damage_spots(shx_spots),
    ".dbf": damage_spots(dbf_spots),
    "dbf": damage_spots(dbf_spots),
    ".prj": _damage_text,
    ".cpg": _damage_codepage,
    "geojson": _damage_json,
    "flatgeobuf": damage_spots(fgb_spots),
    "geoparquet": _damage_parquet,
    "parquet": _damage_parquet,
    "zip": _damage_zip,
    "xlsx": _damage_zip,
    "csv": _damage_text,
    "kml": _damage_text,
}
