"""The same shapefile on every way in: plain, in folders, in archives of every making."""

import shutil
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd

Parts = dict[str, bytes]
"""Suffix -> bytes."""


def shapefile(frame: gpd.GeoDataFrame, encoding: str, names: dict[str, str]) -> Parts:
    """Return a shapefile with Chinese field names, without ``.cpg`` and language byte."""
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder) / "a.shp"
        frame.to_file(path, encoding=encoding, engine="pyogrio")
        parts = {p.suffix: p.read_bytes() for p in sorted(Path(folder).iterdir())}
    del parts[".cpg"]
    dbf = bytearray(parts[".dbf"])
    dbf[29] = 0
    for old, new in names.items():
        start = dbf.index(old.encode() + b"\0")
        dbf[start : start + 11] = new.encode(encoding)[:10].ljust(11, b"\0")
    return parts | {".dbf": bytes(dbf)}


def _plain(
    folder: Path, parts: Parts, stem: str = "house", case: Callable[[str], str] = str
) -> str:
    folder.mkdir(exist_ok=True, parents=True)
    for suffix, data in parts.items():
        (folder / f"{stem}{case(suffix)}").write_bytes(data)
    return str(folder / f"{stem}{case('.shp')}")


def _folder(folder: Path, parts: Parts) -> str:
    _plain(folder / "set", parts)
    return str(folder / "set")


def _among_others(folder: Path, parts: Parts) -> str:
    _plain(folder / "set", parts)
    _plain(folder / "set", parts, "other")
    (folder / "set" / "notes.txt").write_text("notes")
    return str(folder / "set") + "#house"


def _zip(
    folder: Path, parts: Parts, name: str = "house.zip", inside: str = "house{}", *extra: str
) -> str:
    folder.mkdir(exist_ok=True, parents=True)
    with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
        for suffix, data in parts.items():
            archive.writestr(inside.format(suffix), data)
            for stem in extra:
                archive.writestr(f"{stem}{suffix}", data)
    return str(folder / name)


def _mac(folder: Path, parts: Parts) -> str:
    path = _zip(folder, parts, "house.zip", "set/house{}")
    with zipfile.ZipFile(path, "a") as archive:
        for suffix in parts:
            archive.writestr(f"__MACOSX/set/._house{suffix}", b"\0\5\x16\7")
        archive.writestr("set/.DS_Store", b"\0")
        archive.writestr("set/readme.txt", b"\0")
    return path


def _gbk_name(folder: Path, parts: Parts) -> str:
    """Write an archive as Windows in China does: names in GBK, which no flag tells."""
    path = Path(_zip(folder, parts, "house.zip", "xxxx{}"))
    path.write_bytes(path.read_bytes().replace(b"xxxx.", "楼栋".encode("gbk") + b"."))
    return f"{path}#楼栋"


def _many(folder: Path, parts: Parts) -> str:
    return _zip(folder, parts, "all.zip", "a/house{}", "a/other", "b/third") + "#house"


def _twins(folder: Path, parts: Parts) -> str:
    return _zip(folder, parts, "all.zip", "a/house{}", "b/house") + "#b/house.shp"


def _mixed(suffix: str) -> str:
    return suffix.title() if suffix != ".dbf" else ".dBF"


WAYS: dict[str, Callable[[Path, Parts], str]] = {
    "plain": _plain,
    "capitals": lambda f, p: _plain(f, p, "HOUSE", str.upper),
    "mixed case": lambda f, p: _plain(f, p, "house", _mixed),
    "name with #": lambda f, p: _plain(f / "a#b", p),
    "by index": lambda f, p: _plain(f, p).replace(".shp", ".shx"),
    "without index": lambda f, p: _plain(f, {k: v for k, v in p.items() if k != ".shx"}),
    "index cut off": lambda f, p: _plain(f, p | {".shx": p[".shx"][:-24]}),
    "folder": _folder,
    "folder with #": lambda f, p: _folder(f, p) + "#house",
    "folder with others": _among_others,
    "zip": _zip,
    "zip with #": lambda f, p: _zip(f, p) + "#house",
    "ZIP": lambda f, p: _zip(f, p, "HOUSE.ZIP", "HOUSE{}"),
    "shz": lambda f, p: _zip(f, p, "house.shz"),
    "shp.zip": lambda f, p: _zip(f, p, "house.shp.zip"),
    "shp.zip, other name": lambda f, p: _zip(f, p, "a.shp.zip"),
    "zip with folders": lambda f, p: _zip(f, p, "house.zip", "x/y/house{}"),
    "zip, backslashes": lambda f, p: _zip(f, p, "house.zip", "x\\house{}"),
    "zip with others": _many,
    "zip with twins": _twins,
    "zip of a Mac": _mac,
    "zip, names in GBK": _gbk_name,
    "zip without index": lambda f, p: _zip(f, {k: v for k, v in p.items() if k != ".shx"}),
}
"""How a shapefile comes in."""


def damaged(parts: Parts, suffix: str, keep: int) -> Parts:
    """Return the parts with one of them cut off."""
    return parts | {suffix: parts[suffix][:keep]}


def one_file(path: Path, folder: Path) -> str:
    """Return an archive that holds one file, whose name has nothing to do with its own."""
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / "packed.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(path, f"deep/{path.name}")
    return str(folder / "packed.zip")


def beside(path: Path, folder: Path) -> str:
    """Return a folder that holds one file."""
    folder.mkdir(exist_ok=True)
    shutil.copyfile(path, folder / path.name)
    return str(folder)
