"""Any file or frame, opened: its rows, where they came from, in which encoding and CRS."""

import hashlib
import re
import shutil
import struct
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pyproj
import shapely
from numpy.typing import NDArray
from pyarrow.parquet import read_schema

from gridcell.coverage.reach import FARTHEST
from gridcell.errors import Hint, InputError
from gridcell.files.digest import digest_files
from gridcell.model import InputRecord
from gridcell.read.encodings import decode_columns, raw_texts, shapefile_encoding, siblings
from gridcell.read.offline import offline, refuse_pointers
from gridcell.tables.read import TABLE_SUFFIXES, read_csv, read_xlsx

_SHAPEFILE: Final = (".shp", ".dbf", ".shx")
_LONG: Final = 300
"""Characters of a library's message that are shown."""

Input = str | Path | pd.DataFrame
"""A file, ``FILE#LAYER``, or a frame."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Source:
    """One opened input, with its own columns and CRS."""

    frame: pd.DataFrame
    """A `GeoDataFrame` where there are geometries. Ours: it may be changed. Indexed from 0."""
    role: str
    name: str
    """File name without folders, or ``frame``."""
    layer: str | None
    encoding: str | None
    crs: pyproj.CRS | None
    sha256: str
    is_shapefile: bool = False

    @property
    def label(self) -> str:
        """What messages call it."""
        return f"{self.role} ({self.name}{'#' + self.layer if self.layer else ''})"

    @property
    def geometries(self) -> gpd.GeoSeries | None:
        """The geometries, or ``None`` for a table."""
        return self.frame.geometry if isinstance(self.frame, gpd.GeoDataFrame) else None

    def record(self) -> InputRecord:
        """Return where the input came from, for the report."""
        return InputRecord(
            role=self.role, path=self.name, layer=self.layer, rows=len(self.frame),
            encoding=self.encoding, crs=crs_name(self.crs), sha256=self.sha256,
        )  # fmt: skip


def crs_name(crs: pyproj.CRS | None) -> str | None:
    """Return ``EPSG:4547`` or, where no authority knows the CRS, its name."""
    if crs is None:
        return None
    authority = crs.to_authority(min_confidence=70)
    return ":".join(authority) if authority else crs.name


def open_input(
    given: Input, role: str, *, encoding: str | None = None, any_coordinates: bool = False
) -> Source:
    """Return the rows of a file or frame as they are, with their origin.

    Parameters
    ----------
    given
        A path, ``FILE#LAYER``, or a frame; frames are copied, never changed.
    role
        Which input it is, for messages and the report.
    encoding
        Encoding of shapefiles and CSV files, where the user named one.
    any_coordinates
        Accept coordinates that are no numbers.

    Raises
    ------
    InputError
        A file that is missing, broken or empty, a layer that is missing or not named.
    """
    if isinstance(given, pd.DataFrame):
        source = _open_frame(given, role)
    elif isinstance(given, str | Path):
        source = _open_path(str(given), role, encoding, any_coordinates=any_coordinates)
    else:
        raise InputError(f"{role}: expected a file or a frame, got {type(given).__name__}")
    if not len(source.frame):
        raise InputError(f"{source.label}: the layer holds no rows")
    return source


def open_polygons(given: Input, role: str, *, encoding: str | None = None) -> Source:
    """Return the rows of a file or frame with geometries, whatever is wrong with these.

    For those who look for faults: coordinates that are no numbers are theirs to find.

    Parameters
    ----------
    given, role, encoding
        As in `open_input`.

    Raises
    ------
    InputError
        As `open_input`, and for a table without geometries.
    """
    source = open_input(given, role, encoding=encoding, any_coordinates=True)
    if source.geometries is None:
        raise InputError(f"{source.label}: expected polygons, found a table")
    return source


def split_layer(text: str) -> tuple[Path, str | None]:
    """Return the path and the layer of ``FILE#LAYER``; a file whose name holds ``#`` wins."""
    path, mark, layer = text.rpartition("#")
    if not mark or Path(text).exists():
        return Path(text), None
    return Path(path), layer or None


def digest_input(path: Path) -> str:
    """Return the digest of an input as `InputRecord.sha256` has it: a shapefile with its parts."""
    return digest_files(siblings(path) if path.suffix.lower() in _SHAPEFILE else [path])


def list_layers(path: Path) -> list[str]:
    """Return the layers of a vector file.

    Raises
    ------
    InputError
        A file that GDAL cannot open, or that names data elsewhere.
    """
    refuse_pointers(path)
    try:
        with warnings.catch_warnings(), offline():
            warnings.simplefilter("ignore")
            return [str(name) for name, _ in pyogrio.list_layers(path)]
    except (RuntimeError, ValueError, OSError) as error:
        raise InputError(f"{path.name}: cannot be read, {_one_line(error)}") from None


def _open_frame(frame: pd.DataFrame, role: str) -> Source:
    copy = frame.reset_index(drop=True)
    copy.columns = copy.columns.astype(str)
    if (
        isinstance(frame, gpd.GeoDataFrame)
        and frame.columns.isin([frame.active_geometry_name]).any()
    ):
        copy = gpd.GeoDataFrame(copy, geometry=frame.active_geometry_name, crs=frame.crs)
        if copy.active_geometry_name != "geometry":
            copy = copy.rename_geometry("geometry")
    digest = hashlib.sha256()
    for name in sorted(copy.columns):
        column = copy[name]
        if name == "geometry" and isinstance(copy, gpd.GeoDataFrame):
            values = column.to_wkb()
        else:
            values = column.astype(object)
        digest.update(repr((name, list(values))).encode())
    crs = copy.crs if isinstance(copy, gpd.GeoDataFrame) else None
    return Source(
        frame=copy, role=role, name="frame", layer=None, encoding=None, crs=crs,
        sha256=digest.hexdigest(),
    )  # fmt: skip


def _open_path(text: str, role: str, encoding: str | None, *, any_coordinates: bool) -> Source:
    path, layer = split_layer(text)
    if not path.exists():
        raise InputError(f"{role}: no file {path}")
    suffix = path.suffix.lower()
    served: str | None
    frame: pd.DataFrame
    is_shapefile = suffix in _SHAPEFILE
    if suffix in TABLE_SUFFIXES:
        if suffix.startswith(".xls"):
            (frame, layer), served = read_xlsx(path, layer), None
        else:
            (frame, served), layer = read_csv(path, encoding), None
    elif suffix in {".parquet", ".geoparquet", ".pq"}:
        (frame, served), layer = (_read_parquet(path), None), None
    elif is_shapefile:
        path = path.with_suffix(".shp") if suffix == ".shx" else path
        (frame, served), layer = _read_shapefile(path, encoding), None
    else:
        frame, layer, served = _read_vector(path, layer)
    _check_columns(frame, path)
    if isinstance(frame, gpd.GeoDataFrame) and not any_coordinates:
        check_coordinates(frame.geometry.array, path.name)
    crs = frame.crs if isinstance(frame, gpd.GeoDataFrame) else None
    return Source(
        frame=frame, role=role, name=path.name, layer=layer, encoding=served, crs=crs,
        sha256=digest_input(path), is_shapefile=is_shapefile,
    )  # fmt: skip


def _check_columns(frame: pd.DataFrame, path: Path) -> None:
    twice = sorted(set(frame.columns[frame.columns.duplicated()]))
    if twice:
        raise InputError(f"{path.name}: columns that occur twice: {', '.join(map(str, twice))}")


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            metadata = read_schema(path).metadata or {}
            if b"geo" in metadata:
                frame: Any = gpd.read_parquet(path)
                if frame.active_geometry_name != "geometry":
                    frame = frame.rename_geometry("geometry")
            else:
                frame = pd.read_parquet(path)
    except Exception as error:  # noqa: BLE001  damaged metadata raise whatever they come across
        raise InputError(f"{path.name}: cannot be read as Parquet, {_one_line(error)}") from None
    frame.columns = frame.columns.astype(str)
    table: pd.DataFrame = frame.reset_index(drop=True)
    return table


def _read_vector(path: Path, layer: str | None) -> tuple[pd.DataFrame, str | None, str]:
    layers = list_layers(path)
    if not layers:
        raise InputError(f"{path.name}: the file holds no layers")
    if layer is not None and layer not in layers:
        raise InputError(f"{path.name}: no layer {layer!r}; the file holds {', '.join(layers)}")
    if layer is None and len(layers) > 1:
        raise InputError(
            f"{path.name}: the file holds several layers, name one as {path.name}#LAYER: "
            f"{', '.join(layers)}"
        )
    frame = _read_ogr(path, layer=layer or layers[0])
    # GeoJSON and its like name their one layer by themselves: not worth a mention.
    return frame, layer or (layers[0] if path.suffix.lower() == ".gpkg" else None), "UTF-8"


def _read_shapefile(path: Path, option: str | None) -> tuple[pd.DataFrame, str]:
    parts = {p.suffix.lower(): p for p in siblings(path)}
    refuse_pointers(path)
    _check_whole(parts, path)
    if ".shx" in parts or path.suffix.lower() == ".dbf":
        frame = _read_ogr(path, encoding="ISO-8859-1")
    else:
        frame = _read_without_index(parts)
    _check_columns(frame, path)
    encoding = shapefile_encoding(path, raw_texts(frame), option)
    decode_columns(frame, encoding)
    return frame, encoding


def _read_without_index(parts: dict[str, Path]) -> pd.DataFrame:
    """Read a shapefile that lost its ``.shx``; GDAL restores it, in a copy."""
    with tempfile.TemporaryDirectory() as folder:
        for suffix, part in parts.items():
            shutil.copyfile(part, Path(folder) / f"copy{suffix}")
        before = pyogrio.get_gdal_config_option("SHAPE_RESTORE_SHX")
        pyogrio.set_gdal_config_options({"SHAPE_RESTORE_SHX": "YES"})
        try:
            return _read_ogr(
                Path(folder) / "copy.shp", encoding="ISO-8859-1", name=parts[".shp"].name
            )
        finally:
            pyogrio.set_gdal_config_options({"SHAPE_RESTORE_SHX": before})


def _check_whole(parts: dict[str, Path], path: Path) -> None:
    """Refuse truncated files: GDAL reads them without a word, with geometries missing."""
    shp, dbf = parts.get(".shp"), parts.get(".dbf")
    if shp is not None and path.suffix.lower() == ".shp":
        head = _head(shp, 28)
        if len(head) < 28 or (said := 2 * struct.unpack(">i", head[24:28])[0]) > shp.stat().st_size:
            said = 100 if len(head) < 28 else said
            raise InputError(
                f"{shp.name}: the file is cut off, {shp.stat().st_size} bytes of {said}; "
                "copy it anew"
            )
    if dbf is not None:
        head = _head(dbf, 32)
        rows, start, width = struct.unpack("<IHH", head[4:12]) if len(head) == 32 else (0, 0, 0)
        if width == 0 or start + rows * width > dbf.stat().st_size + 1:
            raise InputError(
                f"{dbf.name}: the file is cut off, {dbf.stat().st_size} bytes of "
                f"{max(32, start + rows * width)}; copy it anew"
            )


def _head(path: Path, size: int) -> bytes:
    with path.open("rb") as file:
        return file.read(size)


def _read_ogr(path: Path, *, name: str | None = None, **options: Any) -> pd.DataFrame:
    name = name or path.name
    try:
        with warnings.catch_warnings(), offline():
            warnings.simplefilter("ignore")
            frame: pd.DataFrame = pyogrio.read_dataframe(path, **options)
    except UnicodeDecodeError:
        raise InputError(f"{name}: text that is not UTF-8; convert the file to UTF-8") from None
    except UnboundLocalError:
        # pyogrio forgets to say that GDAL cannot write the CRS as WKT.
        raise InputError(
            f"{name}: its CRS is damaged; remove it (the .prj of a shapefile) and name the right "
            "one",
            Hint("crs", "EPSG:4547"),
        ) from None
    except (
        RuntimeError, ValueError, OSError, MemoryError, shapely.errors.ShapelyError
    ) as error:  # fmt: skip
        raise InputError(f"{name}: cannot be read, {_one_line(error)}") from None
    return frame


def check_coordinates(values: NDArray[np.object_], label: str) -> None:
    """Raise `InputError` where coordinates are NaN, infinite or farther off than any CRS reaches.

    Parameters
    ----------
    values
        Geometries, ``None`` among them.
    label
        What the message calls the input.
    """
    xy, rows = shapely.get_coordinates(values, return_index=True)
    bad = ~(np.abs(xy) < FARTHEST).all(axis=1)
    if bad.any():
        x, y = xy[bad][0]
        raise InputError(
            f"{label}: row {int(rows[bad][0]) + 1} has coordinates that are not numbers of any "
            f"CRS: x {x:.6g}, y {y:.6g} ({len(np.unique(rows[bad]))} such rows); mend or remove it"
        )


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    # GDAL proposes its own drivers and switches, which users of gridcell cannot set.
    text = re.split(r"; It might help|Set SHAPE_RESTORE_SHX", text)[0].strip()
    return text if len(text) <= _LONG else f"{text[:_LONG]} …"
