"""Any file or frame, opened: its rows, where they came from, in which encoding and CRS."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from gridcell.coverage.reach import FARTHEST
from gridcell.coverage.units import in_measured_crs
from gridcell.crs import NAME_IT, crs_name, overruled
from gridcell.errors import InputError
from gridcell.files.digest import digest_files
from gridcell.files.folder import recover_folder
from gridcell.model import InputRecord
from gridcell.read.containers import (
    AtHand,
    at_hand,
    container_layers,
    container_parts,
    is_container,
)
from gridcell.read.partitioned import partition_files, read_partitioned
from gridcell.read.shapefiles import read_shapefile, shapefile_parts
from gridcell.read.steering import without_steering
from gridcell.read.vector import (
    PARQUET,
    Features,
    check_columns,
    choose_layer,
    file_layers,
    named_index,
    read_features,
    read_parquet,
    settle_geometry,
)
from gridcell.tables.read import TABLE_SUFFIXES, read_csv, read_xlsx
from gridcell.words.messages import Message, Value, input_name, some

_SHAPEFILE: Final = (".shp", ".dbf", ".shx")
_LISTED: Final = 5
"""How many rows a remark lists."""

Input = str | Path | pd.DataFrame
"""A file, folder, archive or folder of partitions, ``FILE#LAYER``, or a frame."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Source:
    """One opened input, with its own columns and CRS."""

    frame: pd.DataFrame
    """A `GeoDataFrame` where there are geometries. Ours: it may be changed. Indexed from 0."""
    role: str
    name: str
    """Name of the file, folder or archive without folders before it, or ``frame``."""
    file: str
    """Name of the file that holds the rows: `name`, or one in it."""
    layer: str | None
    encoding: str | None
    crs: pyproj.CRS | None
    sha256: str
    crs_fault: "Value | None" = None
    """Why the CRS that the file names cannot be used, where it names one."""
    is_shapefile: bool = False
    unclosed: tuple[int, ...] = ()
    """Rows with rings that do not end where they begin; they were closed."""
    notes: tuple[Message, ...] = ()
    """Columns that are not as in the file, in words."""

    @property
    def label(self) -> Message:
        """What messages call it."""
        name = f"{self.name}#{self.layer}" if self.layer else self.name
        return Message("label.layer", role=input_name(self.role), name=name)

    @property
    def geometries(self) -> gpd.GeoSeries | None:
        """The geometries, or ``None`` for a table."""
        return self.frame.geometry if isinstance(self.frame, gpd.GeoDataFrame) else None

    @property
    def column_remarks(self) -> list[Message]:
        """What was read otherwise than it is in the columns of the file."""
        return [Message("error.in_layer", label=self.label, doubt=note) for note in self.notes]

    @property
    def remarks(self) -> list[Message]:
        """What was read otherwise than it is in the file: columns, rings."""
        said = self.column_remarks
        if self.unclosed:
            rows = some([str(row + 1) for row in self.unclosed], _LISTED)
            closed = Message("read.closed", n=len(self.unclosed), rows=rows)
            said.append(Message("error.in_layer", label=self.label, doubt=closed))
        return said

    def record(self) -> InputRecord:
        """Return where the input came from, for the report."""
        return InputRecord(
            role=self.role, path=self.name, layer=self.layer, rows=len(self.frame),
            encoding=self.encoding, crs=crs_name(self.crs), sha256=self.sha256,
        )  # fmt: skip


def open_input(
    given: Input,
    role: str,
    *,
    encoding: str | None = None,
    any_coordinates: bool = False,
    may_be_empty: bool = False,
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
    may_be_empty
        Accept a layer without rows.

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
        raise InputError(
            Message("error.not_file_or_frame", role=input_name(role), found=type(given).__name__)
        )
    if not len(source.frame) and not may_be_empty:
        raise InputError(Message("error.layer_no_rows", label=source.label))
    return source


def open_polygons(
    given: Input,
    role: str,
    *,
    encoding: str | None = None,
    named: pyproj.CRS | None = None,
    beside: pyproj.CRS | None = None,
) -> Source:
    """Return the rows of a file or frame with geometries, whatever is wrong with these.

    For those who look for faults: coordinates that are no numbers are theirs to find.

    Parameters
    ----------
    given, role, encoding
        As in `open_input`.
    named
        The CRS that the user named, for a file that names none that can be used.
    beside
        The CRS of the layer that it goes with, for a file that names none at all.

    Raises
    ------
    InputError
        As `open_input`, for a table without geometries, and as `in_measured_crs`.
    """
    source = open_input(given, role, encoding=encoding, any_coordinates=True)
    if source.geometries is None:
        raise InputError(Message("error.not_polygons_table", label=source.label))
    if named is None and source.crs is None and source.crs_fault is None:
        named = beside
    if source.crs is None and named is None and source.crs_fault:
        raise InputError(
            Message("error.name_crs", label=source.label, fault=source.crs_fault), NAME_IT
        )
    frame, _ = in_measured_crs(source.frame, source.label, named)
    # The frame no longer knows; what else is doubted of its place is found by those who measure.
    said = overruled(source.crs, frame.crs)
    notes = source.notes if said is None else (*source.notes, said)
    return replace(source, frame=frame, crs=frame.crs, notes=notes)


def split_layer(text: str) -> tuple[Path, str | None]:
    """Return the path and the layer of ``FILE#LAYER``; a file whose name holds ``#`` wins."""
    recover_folder(text.partition("#")[0] or text)
    if Path(text).exists():
        return Path(text), None
    pieces = text.split("#")
    for end in range(len(pieces) - 1, 0, -1):
        path = Path("#".join(pieces[:end]))
        if path.exists():
            return path, "#".join(pieces[end:]) or None
    path_text, mark, layer = text.rpartition("#")
    return (Path(path_text), layer or None) if mark else (Path(text), None)


def list_layers(path: Path) -> list[str]:
    """Return the layers of a file, a folder or an archive, as they are named behind ``#``.

    Raises
    ------
    InputError
        A file that cannot be opened, or that names data elsewhere.
    """
    if partition_files(path):
        return [path.name]
    return container_layers(path, file_layers) if is_container(path) else file_layers(path)


def digest_input(path: Path, layer: str | None = None) -> str:
    """Return the digest of an input as `InputRecord.sha256` has it.

    A shapefile counts with its parts, a folder with the files of the layer, one of partitions with
    all of them, an archive as it is.
    """
    if path.suffix.lower() in _SHAPEFILE:
        return digest_files(shapefile_parts(path).values())
    return digest_files(container_parts(path, layer) if is_container(path) else [path])


def _open_frame(frame: pd.DataFrame, role: str) -> Source:
    if isinstance(frame.columns, pd.MultiIndex):
        raise InputError(
            Message("error.frame_levels", role=input_name(role), levels=frame.columns.nlevels)
        )
    copy = frame.set_axis(frame.columns.astype(str), axis="columns")
    if isinstance(frame, gpd.GeoDataFrame) and frame.active_geometry_name in frame.columns:
        check_columns(copy, f"{role} (frame)")
        copy = gpd.GeoDataFrame(copy, geometry=str(frame.active_geometry_name), crs=frame.crs)
    read = settle_geometry(named_index(copy), f"{role} (frame)")
    digest = hashlib.sha256()
    for name in sorted(read.frame.columns):
        column = read.frame[name]
        if name == "geometry" and isinstance(read.frame, gpd.GeoDataFrame):
            values = column.to_wkb()
        else:
            values = column.astype(object)
        digest.update(repr((name, list(values))).encode())
    return _source(read, role, name="frame", file="frame", sha256=digest.hexdigest())


def _source(read: Features, role: str, **origin: Any) -> Source:
    read = without_steering(read)
    crs = read.frame.crs if isinstance(read.frame, gpd.GeoDataFrame) else None
    origin = {"layer": None, "encoding": None} | origin
    return Source(
        frame=read.frame,
        role=role,
        crs=crs,
        unclosed=read.unclosed,
        notes=read.notes,
        crs_fault=read.crs_fault,
        **origin,
    )


def _open_path(text: str, role: str, encoding: str | None, *, any_coordinates: bool) -> Source:
    path, layer = split_layer(text)
    if not path.exists():
        raise InputError(Message("error.no_file", role=input_name(role), path=path))
    with at_hand(path, layer) as hand:
        read, inner, served = _read(hand, encoding)
        if isinstance(read.frame, gpd.GeoDataFrame) and not any_coordinates:
            check_coordinates(read.frame.geometry.array, hand.path.name)
    if hand.title is not None:
        inner = hand.title if inner is None else f"{hand.title}#{inner}"
    return _source(
        read, role, name=path.name, file=hand.path.name, layer=inner, encoding=served,
        sha256=digest_input(path, layer), is_shapefile=hand.path.suffix.lower() in _SHAPEFILE,
    )  # fmt: skip


def _read(hand: AtHand, encoding: str | None) -> tuple[Features, str | None, str | None]:
    """Return the rows of plain files, the layer where it has a name of its own, the encoding."""
    path, layer = hand.path, hand.layer
    if partition_files(path):
        if layer not in {None, path.name}:
            raise InputError(
                Message("error.no_such_layer", path=path.name, layer=layer, layers=path.name)
            )
        return read_partitioned(path), None, None
    suffix = path.suffix.lower()
    if suffix in TABLE_SUFFIXES:
        if suffix.startswith(".xls"):
            frame, layer = read_xlsx(path, layer)
            return settle_geometry(frame, path.name), layer, None
        frame, served = read_csv(path, encoding)
        return settle_geometry(frame, path.name), None, served
    if suffix in PARQUET:
        return read_parquet(path), None, None
    if suffix in _SHAPEFILE:
        read, served = read_shapefile(path, encoding)
        return read, None, served
    chosen = choose_layer(path, layer)
    # GeoJSON and its like name their one layer by themselves: not worth a mention.
    named = layer or (chosen if suffix == ".gpkg" else None)
    return read_features(path, layer=chosen), named, "UTF-8"


def check_coordinates(values: NDArray[np.object_], label: Value) -> None:
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
            Message(
                "error.coordinates_no_numbers",
                label=label,
                row=int(rows[bad][0]) + 1,
                x=x,
                y=y,
                n_rows=len(np.unique(rows[bad])),
            )
        )
