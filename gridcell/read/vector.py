"""Vector files as GDAL and GeoParquet hold them: layers, rows, rings that are not closed."""

import io
import json
import mmap
import re
import warnings
from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pyogrio
import shapely
from numpy.typing import NDArray

from gridcell.errors import Hint, InputError
from gridcell.read.offline import offline, refuse_pointers
from gridcell.read.views import check_views
from gridcell.words.messages import Message, Value, quoted, some

PARQUET: Final = (".parquet", ".geoparquet", ".pq")
_GEOJSON: Final = (".geojson", ".json")
_GEOMETRY: Final = "geometry"
_LONG: Final = 300
"""Characters of a library's message that are shown."""
_LISTED: Final = 5


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Features:
    """The rows of a layer or table."""

    frame: pd.DataFrame
    """A `GeoDataFrame` whose one geometry column is ``geometry``, where there is one. Ours: it may
    be changed. Indexed from 0."""
    unclosed: tuple[int, ...] = ()
    """Rows with rings that do not end where they begin; they were closed."""
    notes: tuple[Message, ...] = field(default=())
    """Columns that are not as in the file."""
    crs_fault: "Value | None" = None
    """Why the CRS that the file names cannot be used, where it names one."""


def file_layers(path: Path) -> list[str]:
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
        raise InputError(
            Message("error.unreadable", name=path.name, error=one_line(error))
        ) from None


def choose_layer(path: Path, layer: str | None) -> str:
    """Return the layer that is wanted, or the only one.

    Raises
    ------
    InputError
        No such layer, none at all, or several and none named.
    """
    layers = file_layers(path)
    if not layers:
        raise InputError(Message("error.file_no_layers", path=path.name))
    if layer is not None and layer not in layers:
        raise InputError(
            Message("error.no_such_layer", path=path.name, layer=layer, layers=list(layers))
        )
    if layer is None and len(layers) > 1:
        raise InputError(Message("error.several_layers", path=path.name, layers=list(layers)))
    return layer or layers[0]


def read_features(path: Path, *, name: str | None = None, **options: Any) -> Features:
    """Return the rows that GDAL reads from a file.

    The numbers that GeoJSON gives its features become a column ``id``, as GDAL does with texts.

    Parameters
    ----------
    path
        The file.
    name
        What messages call it.
    **options
        Of `pyogrio.read_dataframe`.

    Raises
    ------
    InputError
        A file that cannot be read.
    """
    name = name or path.name
    is_json = path.suffix.lower() in _GEOJSON
    check_views(path, options.get("layer"))
    try:
        with warnings.catch_warnings(), offline():
            warnings.simplefilter("ignore")
            try:
                frame = pyogrio.read_dataframe(path, fid_as_index=is_json, **options)
                unclosed: tuple[int, ...] = ()
            except shapely.errors.GEOSException:
                frame, unclosed = _read_closing(path, name, is_json=is_json, **options)
            hidden = _hidden_property(path, frame, **options)
    except UnicodeDecodeError:
        raise InputError(Message("error.not_utf8", name=name)) from None
    except UnboundLocalError:
        # pyogrio forgets to say that GDAL cannot write the CRS as WKT.
        raise InputError(
            Message("error.crs_damaged", name=name),
            Hint("crs", "EPSG:4547"),
        ) from None
    except (
        RuntimeError, ValueError, OSError, MemoryError, shapely.errors.ShapelyError
    ) as error:  # fmt: skip
        if isinstance(error, InputError):
            raise
        raise InputError(Message("error.unreadable", name=name, error=one_line(error))) from None
    check_columns(frame, name)
    feature_ids = _hidden_ids(path, frame) if is_json and "id" in frame else None
    if is_json and "id" not in frame and not np.array_equal(frame.index, np.arange(len(frame))):
        frame.insert(0, "id", frame.index.to_numpy())
    read = settle_geometry(frame.reset_index(drop=True), name)
    if feature_ids is not None:
        free = _free("id", read.frame)
        read.frame[free] = feature_ids
        read = replace(read, notes=(*read.notes, Message("read.feature_ids", name=free)))
    if hidden is not None:
        free = _free(_GEOMETRY, read.frame)
        read.frame[free] = hidden.to_numpy()
        read = replace(read, notes=(*read.notes, _renamed(free)))
    return replace(read, unclosed=unclosed)


def read_parquet(path: Path) -> Features:
    """Return the rows of a Parquet or GeoParquet file.

    Raises
    ------
    InputError
        A file that cannot be read.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            metadata = pq.read_schema(path).metadata or {}
            unclosed: tuple[int, ...] = ()
            if b"geo" not in metadata:
                frame = pd.read_parquet(path)
            else:
                try:
                    frame = gpd.read_parquet(path)
                except shapely.errors.GEOSException:
                    frame, unclosed = _read_parquet_closing(path)
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001  damaged metadata raise whatever they come across
        raise InputError(
            Message("error.unreadable_parquet", name=path.name, reason=one_line(error))
        ) from None
    frame.columns = frame.columns.astype(str)
    check_columns(frame, path.name)
    return replace(settle_geometry(named_index(frame), path.name), unclosed=unclosed)


def named_index(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame indexed from 0; an index with a name becomes a column, if none has it."""
    levels = [name for name in frame.index.names if name is not None]
    new = [name for name in levels if name not in frame.columns]
    drop: list[Hashable] = [k for k, name in enumerate(frame.index.names) if name not in new]
    if len(drop) == frame.index.nlevels:
        return frame.reset_index(drop=True)
    kept = frame.droplevel(drop) if drop else frame
    return kept.reset_index()


def settle_geometry(frame: pd.DataFrame, name: str) -> Features:
    """Return the frame with its active geometries in ``geometry``, and no others.

    A column that is called so already gets another name; further geometries become WKT.

    Raises
    ------
    InputError
        Columns that occur twice.
    """
    check_columns(frame, name)
    if not isinstance(frame, gpd.GeoDataFrame):
        return Features(frame=frame)
    active = frame.active_geometry_name
    if active is None or active not in frame.columns:
        return Features(frame=pd.DataFrame(frame))
    notes = []
    for other in [c for c in frame.columns if c != active]:
        if isinstance(frame[other], gpd.GeoSeries):
            texts = shapely.to_wkt(np.asarray(frame[other].array, dtype=object), -1)
            frame = frame.copy()
            frame[other] = pd.Series(texts, index=frame.index, dtype="str")
            notes.append(Message("read.as_wkt", column=other))
    if active != _GEOMETRY:
        if _GEOMETRY in frame.columns:
            free = _free(_GEOMETRY, frame)
            frame = frame.rename(columns={_GEOMETRY: free})
            notes.append(_renamed(free))
        frame = gpd.GeoDataFrame(frame, geometry=active).rename_geometry(_GEOMETRY)
    return Features(frame=frame, notes=tuple(notes))


def one_line(error: BaseException) -> Message:
    """Return what an error says, without advice that users of gridcell cannot follow."""
    text = " ".join(str(error).split()) or type(error).__name__
    text = re.split(r"; It might help|Set SHAPE_RESTORE_SHX", text)[0].strip()
    return quoted(error, text if len(text) <= _LONG else f"{text[:_LONG]} …")


def check_columns(frame: pd.DataFrame, name: str) -> None:
    """Raise `InputError` naming the columns that occur twice."""
    twice = sorted({str(column) for column in frame.columns[frame.columns.duplicated()]})
    if twice:
        raise InputError(Message("error.columns_twice", name=name, columns=list(twice)))


def _free(name: str, frame: pd.DataFrame) -> str:
    taken = {str(column).casefold() for column in frame.columns}
    return next(n for n in (f"{name}_{k}" for k in range(1, len(taken) + 2)) if n not in taken)


def _renamed(free: str) -> Message:
    return Message("read.renamed", column=_GEOMETRY, name=free)


def _hidden_property(path: Path, frame: pd.DataFrame, **options: Any) -> "pd.Series[Any] | None":
    """Return the property called ``geometry``, which pyogrio covers with the geometries."""
    if not isinstance(frame, gpd.GeoDataFrame):
        return None
    if path.suffix.lower() in _GEOJSON:
        # Its fields are known only to who reads all of it: most files have no such text to spare.
        if _count(path, b'"geometry"') <= len(frame):
            return None
    elif _GEOMETRY not in pyogrio.read_info(path, **options)["fields"]:
        return None
    found = pyogrio.read_dataframe(path, columns=[_GEOMETRY], read_geometry=False, **options)
    column: pd.Series[Any] | None = found.get(_GEOMETRY)
    return column


def _hidden_ids(path: Path, frame: pd.DataFrame) -> list[str | None] | None:
    """Return the features' own ids, which GDAL leaves for a property ``id``, where they differ."""
    if _count(path, b'"id"') <= len(frame):
        return None
    try:
        features = json.loads(path.read_bytes())["features"]
    except (ValueError, KeyError, TypeError):
        # One feature a line, or no collection: without ids of their own.
        return None
    ids = [feature.get("id") for feature in features]
    texts = [None if one is None else str(one) for one in ids]
    if len(texts) != len(frame) or not any(texts) or texts == frame["id"].astype("str").tolist():
        return None
    return texts


def _count(path: Path, text: bytes) -> int:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        found, start = 0, data.find(text)
        while start >= 0:
            found, start = found + 1, data.find(text, start + len(text))
    return found


def _read_closing(
    path: Path, name: str, *, is_json: bool, **options: Any
) -> tuple[pd.DataFrame, tuple[int, ...]]:
    frame = pyogrio.read_dataframe(path, read_geometry=False, fid_as_index=is_json, **options)
    meta, _, blobs, _ = pyogrio.raw.read(path, columns=[], **options)
    values, rows = _closed(np.asarray(blobs, dtype=object), name)
    closed: pd.DataFrame = gpd.GeoDataFrame(
        frame.drop(columns=_GEOMETRY, errors="ignore"), geometry=values, crs=meta["crs"]
    )
    return closed, rows


def _read_parquet_closing(path: Path) -> tuple[pd.DataFrame, tuple[int, ...]]:
    table = pq.read_table(path)
    unclosed: list[int] = []
    for number, column in enumerate(table.schema):
        if str(column.type) not in {"binary", "large_binary"}:
            continue
        values, rows = _closed(table.column(number).to_numpy(), path.name)
        if rows:
            unclosed += rows
            table = table.set_column(
                number, column, [shapely.to_wkb(values).tolist()]
            ).replace_schema_metadata(table.schema.metadata)
    copy = io.BytesIO()
    pq.write_table(table, copy)
    copy.seek(0)
    return gpd.read_parquet(copy), tuple(sorted(set(unclosed)))


def _closed(blobs: NDArray[np.object_], name: str) -> tuple[NDArray[np.object_], tuple[int, ...]]:
    """Return the geometries, rings closed, and the rows in which that was needed."""
    values = np.asarray(shapely.from_wkb(blobs, on_invalid="ignore"), dtype=object)
    rows = np.flatnonzero(shapely.is_missing(values) & ~pd.isna(blobs))
    values[rows] = shapely.from_wkb(blobs[rows], on_invalid="fix")
    lost = rows[shapely.is_missing(values[rows])]
    if len(lost):
        shown = Message(
            "part.rows", n=len(lost), rows=some([str(row + 1) for row in lost], _LISTED)
        )
        raise InputError(Message("error.geometries_unreadable", name=name, rows=shown))
    return values, tuple(rows.tolist())
