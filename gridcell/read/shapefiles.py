"""Shapefiles: their parts, whether these are whole, and their text in the right encoding."""

import shutil
import struct
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import geopandas as gpd
import pyogrio
import pyproj

from gridcell.errors import InputError
from gridcell.read.containers import SHAPEFILE, parts_of
from gridcell.read.encodings import decode_columns, raw_texts, shapefile_encoding
from gridcell.read.offline import refuse_pointers
from gridcell.read.vector import Features, read_features
from gridcell.words.messages import Message, Value

_SHP_HEAD = 100
_SHX_ROW = 8
_PRJ_BYTES = 65_536


def shapefile_parts(path: Path) -> dict[str, Path]:
    """Return the files that belong to a shapefile, by suffix in small letters, sorted by it."""
    names = [p.name for p in path.parent.iterdir() if p.suffix.lower() in SHAPEFILE]
    parts = parts_of(path.name, names)
    return {suffix: path.parent / parts[suffix] for suffix in sorted(parts)}


def read_shapefile(path: Path, option: str | None) -> tuple[Features, str]:
    """Return the rows of a shapefile or of a table in DBF, and the encoding that served.

    Parameters
    ----------
    path
        The ``.shp``, ``.shx`` or ``.dbf`` file.
    option
        The encoding that the user named.

    Raises
    ------
    InputError
        Files that are missing, cut off or damaged; text in another encoding than named.
    """
    refuse_pointers(path)
    parts = shapefile_parts(path)
    main = path
    if path.suffix.lower() == ".shx":
        if ".shp" not in parts:
            raise InputError(Message("error.shp_missing", path=path.name))
        main = parts[".shp"]
    is_table = main.suffix.lower() == ".dbf"
    _check_whole(parts, is_table=is_table)
    if is_table:
        parts = {suffix: part for suffix, part in parts.items() if suffix in {".dbf", ".cpg"}}
    own, fault = _named_crs(parts.get(".prj"))
    if fault is not None:
        # GDAL reads nothing beside a CRS that it does not understand.
        parts = {suffix: part for suffix, part in parts.items() if suffix != ".prj"}
    if fault is None and _is_plain(main, parts) and (is_table or _has_index(parts)):
        read = read_features(main, encoding="ISO-8859-1")
    else:
        read = _read_copy(main, parts)
    encoding = shapefile_encoding(main, parts, raw_texts(read.frame), option)
    decode_columns(read.frame, encoding)
    frame = read.frame
    if own is not None and isinstance(frame, gpd.GeoDataFrame) and frame.crs is None:
        frame = frame.set_crs(own)
    return replace(read, frame=frame, crs_fault=fault), encoding


def _named_crs(prj: Path | None) -> "tuple[pyproj.CRS | None, Value | None]":
    """Return the CRS that a ``.prj`` names in WKT, or why it cannot be used.

    GDAL knows WKT of the kind of ESRI and forms without brackets, PROJ all of WKT.
    """
    if prj is None:
        return None, None
    text = _head(prj, _PRJ_BYTES).decode("utf-8", "replace").strip("\ufeff\0 \r\n")
    if "[" not in text:
        return None, None if text else Message("fault.prj_empty", file=prj.name)
    try:
        return _crs_of_wkt(text), None
    except pyproj.exceptions.CRSError:
        return None, Message("fault.prj_unknown", file=prj.name, text=text[:40])


@lru_cache(maxsize=16)
def _crs_of_wkt(text: str) -> pyproj.CRS:
    """Return the CRS of a text: layers of one town mostly have the same."""
    return pyproj.CRS.from_wkt(text)


def _is_plain(main: Path, parts: dict[str, Path]) -> bool:
    """Tell whether GDAL finds the parts: it tries suffixes in small and in capital letters."""
    return all(
        part.stem == main.stem and part.suffix in {suffix, suffix.upper()}
        for suffix, part in parts.items()
    )


def _has_index(parts: dict[str, Path]) -> bool:
    """Tell whether the ``.shx`` is there and whole; one that is not hides rows from GDAL."""
    if (shx := parts.get(".shx")) is None:
        return False
    size, head = shx.stat().st_size, _head(shx, 28)
    if len(head) < 28 or 2 * struct.unpack(">i", head[24:28])[0] != size:
        return False
    rows, rest = divmod(size - _SHP_HEAD, _SHX_ROW)
    dbf = _head(parts[".dbf"], 8) if ".dbf" in parts else b""
    return rest == 0 and (len(dbf) < 8 or rows == struct.unpack("<I", dbf[4:8])[0])


def _read_copy(main: Path, parts: dict[str, Path]) -> Features:
    """Read a copy whose parts GDAL finds; it makes the ``.shx`` anew."""
    with TemporaryDirectory(prefix="gridcell-", ignore_cleanup_errors=True) as folder:
        for suffix, part in parts.items():
            if suffix != ".shx":
                shutil.copyfile(part, Path(folder) / f"{main.stem}{suffix}")
        before = pyogrio.get_gdal_config_option("SHAPE_RESTORE_SHX")
        pyogrio.set_gdal_config_options({"SHAPE_RESTORE_SHX": "YES"})
        try:
            copy = Path(folder) / f"{main.stem}{main.suffix.lower()}"
            return read_features(copy, name=main.name, encoding="ISO-8859-1")
        finally:
            pyogrio.set_gdal_config_options({"SHAPE_RESTORE_SHX": before})


def _check_whole(parts: dict[str, Path], *, is_table: bool) -> None:
    """Refuse truncated files: GDAL reads them without a word, with geometries missing."""
    shp, dbf = parts.get(".shp"), parts.get(".dbf")
    if shp is not None and not is_table:
        head = _head(shp, 28)
        said = 2 * struct.unpack(">i", head[24:28])[0] if len(head) == 28 else _SHP_HEAD
        _check_size(shp, max(said, _SHP_HEAD))
    if dbf is not None:
        head = _head(dbf, 32)
        rows, start, width = struct.unpack("<IHH", head[4:12]) if len(head) == 32 else (0, 0, 0)
        # The end mark is left out by some programs.
        _check_size(dbf, max(32, start + rows * width) - (width > 0))
        if width == 0:
            _check_size(dbf, dbf.stat().st_size + 1)


def _check_size(part: Path, expected: int) -> None:
    if part.stat().st_size < expected:
        raise InputError(
            Message(
                "error.file_cut_off", file=part.name, size=part.stat().st_size, expected=expected
            )
        )


def _head(path: Path, size: int) -> bytes:
    with path.open("rb") as file:
        return file.read(size)
