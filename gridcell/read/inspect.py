"""What files hold and what is wrong with them, before anything is computed."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from gridcell.coverage.mend import mend
from gridcell.crs import crs_name, parse_crs
from gridcell.errors import Hint, InputError
from gridcell.read.crs import choose_work_crs, move, settle_crs
from gridcell.read.fields import find_columns
from gridcell.read.files import Input, Source, list_layers, open_input, split_layer
from gridcell.read.geometry import LINES, POLYGONS
from gridcell.read.offset import find_offset
from gridcell.read.vector import PARQUET
from gridcell.tables.read import TABLE_SUFFIXES
from gridcell.tables.values import as_number

_LISTED: Final = 5
_BUILDING_M2: Final = 2000.0
"""Polygons whose median is smaller look like buildings."""
_SINGLE: Final = (*TABLE_SUFFIXES, *PARQUET, ".shp", ".shx", ".dbf")
"""Suffixes of files that hold one layer."""
_OVERLAP_M2: Final = 0.01
"""Smaller overlaps are rounding."""


@dataclass(frozen=True, kw_only=True)
class FieldInfo:
    """One column of a layer."""

    name: str
    type: str
    missing: int
    meaning: str | None
    """Our name for it, where it is recognised without a mapping."""


@dataclass(frozen=True, kw_only=True)
class LayerInfo:
    """What one layer of a file holds."""

    path: str
    layer: str | None = None
    error: str | None = None
    """Why it cannot be read; all else is empty then."""
    hints: tuple[Hint, ...] = ()
    """Settings with which it may be read."""
    rows: int = 0
    role: str | None = None
    """The input that it looks like: ``communities``, ``buildings`` …"""
    geometry_types: dict[str, int] = field(default_factory=dict)
    crs: str | None = None
    encoding: str | None = None
    bounds: tuple[float, float, float, float] | None = None
    """West, south, east, north in the layer's CRS."""
    fields: tuple[FieldInfo, ...] = ()
    without_geometry: int = 0
    invalid: int = 0
    invalid_places: tuple[str, ...] = ()
    """The first invalid geometries: row, reason, place."""
    duplicates: int = 0
    """Geometries that occurred before."""
    overlaps: int | None = None
    """Pairs of polygons that overlap by more than 0.01 m2; none counted without a CRS."""
    households: int | None = None
    """Sum of the households, where the column is recognised."""
    remarks: tuple[str, ...] = ()
    """What else should be looked at, comparisons with the other files among it."""

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain data for JSON."""
        return asdict(self)


def inspect_files(
    paths: Sequence[str | Path], *, encoding: str | None = None, crs: str | None = None
) -> list[LayerInfo]:
    """Return what each layer of the files holds; a file that cannot be read has an `error`.

    Parameters
    ----------
    paths
        Files, or ``FILE#LAYER``; without a layer all layers of a file are looked at. Several files
        are compared: features outside the extent of the communities, and the offset of a Chinese
        datum between buildings and boundaries.
    encoding
        Encoding of shapefiles and CSV files.
    crs
        CRS of the files that name none.

    Raises
    ------
    InputError
        `crs` is no CRS.
    """
    fallback = parse_crs(crs)
    looked: list[tuple[LayerInfo, gpd.GeoDataFrame | None]] = []
    for path in paths:
        for given in _layers(str(path)):
            looked.append(_look(given, encoding, fallback))  # noqa: PERF401  long lines otherwise
    return _compare(looked)


def _layers(text: str) -> list[str]:
    path, layer = split_layer(text)
    if layer is not None or not path.exists() or path.suffix.lower() in _SINGLE:
        return [text]
    try:
        layers = list_layers(path)
    except InputError:
        return [text]
    return [f"{text}#{name}" for name in layers] if len(layers) > 1 else [text]


def _look(
    given: Input, encoding: str | None, fallback: pyproj.CRS | None
) -> tuple[LayerInfo, gpd.GeoDataFrame | None]:
    """Return the report on a layer, and its geometries with their CRS where both are there."""
    path, layer = split_layer(str(given))
    try:
        source = open_input(given, "layer", encoding=encoding)
    except InputError as error:
        return LayerInfo(path=path.name, layer=layer, error=error.message, hints=error.hints), None
    info = LayerInfo(
        path=source.name, layer=source.layer, rows=len(source.frame), encoding=source.encoding
    )
    series = source.geometries
    if series is None or shapely.is_missing(np.asarray(series.array, dtype=object)).all():
        role = _table_role(source)
        return replace(info, role=role, **_describe(source, role)), None
    values = np.asarray(series.array, dtype=object)
    there = ~(shapely.is_missing(values) | shapely.is_empty(values))
    remarks = []
    own = work = None
    try:
        own = settle_crs(source, fallback)
        work = choose_work_crs(own, series[there])
    except InputError as error:
        remarks = [error.message.split(": ", 1)[-1]]
    names, counts = np.unique([g.geom_type for g in values[there]], return_counts=True)
    bad = np.flatnonzero(there & ~shapely.is_valid(values))
    metric = None
    if own is not None and work is not None:
        metric = gpd.GeoDataFrame(geometry=move(values[there], own, work), crs=work)
    role = _layer_role(source, metric)
    info = replace(
        info,
        role=role,
        geometry_types=dict(zip(names.tolist(), counts.tolist(), strict=True)),
        crs=crs_name(own or source.crs),
        bounds=_bounds(series),
        without_geometry=int((~there).sum()),
        invalid=len(bad),
        invalid_places=tuple(
            f"row {row + 1}: {shapely.is_valid_reason(values[row])}" for row in bad[:_LISTED]
        ),
        duplicates=int(
            pd.Series(shapely.to_wkb(shapely.normalize(values[there]))).duplicated().sum()
        ),
        overlaps=None if metric is None else _overlaps(metric),
        remarks=tuple(remarks),
        **_describe(source, role),
    )
    return info, metric


def _bounds(series: gpd.GeoSeries) -> tuple[float, float, float, float]:
    west, south, east, north = (float(bound) for bound in series.total_bounds)
    return west, south, east, north


def _describe(source: Source, role: str | None) -> dict[str, Any]:
    """Return the fields with their meanings, and the sum of the households."""
    found = find_columns(source, {}, role) if role else {}
    meanings: dict[str, str] = {}
    for ours, column in found.items():
        meanings.setdefault(column, ours)
    fields = tuple(
        FieldInfo(
            name=str(name), type=_type(source.frame[name]), meaning=meanings.get(str(name)),
            missing=int(source.frame[name].isna().sum()),
        )
        for name in source.frame.columns
        if name != "geometry"
    )  # fmt: skip
    total: int | None = None
    counted: str | None = found.get("count" if role == "households" else "households")
    if counted is not None:
        total = int(as_number(source.frame[counted])[0].sum())
    elif role == "households":
        total = len(source.frame)
    return {"fields": fields, "households": total}


def _type(column: "pd.Series[Any]") -> str:
    if pd.api.types.is_bool_dtype(column):
        return "boolean"
    if pd.api.types.is_integer_dtype(column):
        return "integer"
    if pd.api.types.is_float_dtype(column):
        return "number"
    return "date" if pd.api.types.is_datetime64_any_dtype(column) else "text"


def _table_role(source: Source) -> str | None:
    for role, key in (("households", "household_id"), ("staff", "staff_id")):
        if key in find_columns(source, {}, role):
            return role
    return None


def _layer_role(source: Source, metric: gpd.GeoDataFrame | None) -> str | None:
    types = shapely.get_type_id(np.asarray(source.frame.geometry.array, dtype=object))
    types = types[types >= 0]
    if np.isin(types, [int(t) for t in LINES]).all():
        return "barriers"
    if not np.isin(types, [int(t) for t in POLYGONS]).all():
        return _table_role(source)
    if "code" in find_columns(source, {}, "communities"):
        return "communities"
    if {"floors", "units", "use"} & find_columns(source, {}, "buildings").keys():
        return "buildings"
    if metric is not None and float(np.median(shapely.area(metric.geometry.array))) < _BUILDING_M2:
        return "buildings"
    if "category" in find_columns(source, {}, "sites"):
        return "sites"
    return "atoms" if "households" in find_columns(source, {}, "atoms") else None


def _overlaps(metric: gpd.GeoDataFrame) -> int:
    values = mend(np.asarray(metric.geometry.array, dtype=object)).shapes
    values = values[~shapely.is_missing(values)]
    one, two = shapely.STRtree(values).query(values, predicate="intersects")
    one, two = one[one < two], two[one < two]
    # Neighbours that only touch are the bulk: no need to intersect them.
    inner = ~shapely.touches(values[one], values[two])
    return int(
        (
            shapely.area(shapely.intersection(values[one[inner]], values[two[inner]])) > _OVERLAP_M2
        ).sum()
    )


def _compare(looked: list[tuple[LayerInfo, gpd.GeoDataFrame | None]]) -> list[LayerInfo]:
    """Return the reports with remarks on how the layers lie to the first of communities."""
    base = next(
        (
            i
            for i, (info, frame) in enumerate(looked)
            if info.role == "communities" and frame is not None
        ),
        None,
    )
    if base is None:
        return [info for info, _ in looked]
    communities = looked[base][1]
    assert communities is not None  # noqa: S101
    crs = communities.crs
    extent = shapely.box(*communities.total_bounds)
    shared = {
        i: gpd.GeoDataFrame(geometry=move(frame.geometry.to_numpy(), frame.crs, crs), crs=crs)
        for i, (_, frame) in enumerate(looked)
        if frame is not None
    }
    lines = [shared[i].geometry for i in shared if looked[i][0].role == "barriers"]
    barriers = gpd.GeoDataFrame(geometry=pd.concat(lines, ignore_index=True)) if lines else None
    out = []
    for i, (info, _) in enumerate(looked):
        remarks = list(info.remarks)
        if i in shared and i != base:
            outside = int((~shared[i].intersects(extent)).sum())
            if outside:
                remarks.append(
                    f"{outside} of {len(shared[i])} features lie outside the extent of "
                    f"{looked[base][0].path}"
                )
            if info.role == "buildings":
                found = find_offset(shared[i], communities, barriers, crs)
                remarks += [finding.message for finding in found]
        out.append(replace(info, remarks=tuple(remarks)))
    return out
