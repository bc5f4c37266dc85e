"""What files hold and what is wrong with them, before anything is computed."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from gridcell.arguments import checked
from gridcell.coverage.mend import mend
from gridcell.crs import crs_name, overruled, parse_crs
from gridcell.errors import Hint, InputError, Saying
from gridcell.read.aliases import is_guessed
from gridcell.read.compare import Looked, compare
from gridcell.read.crs import choose_work_crs, move, settle_crs
from gridcell.read.fields import check_mapping
from gridcell.read.files import Input, Source, list_layers, open_input, split_layer
from gridcell.read.geometry import LINES, POLYGONS, invalid_reason
from gridcell.read.remarks import columns_of, given_ids, layer_remarks, table_remarks
from gridcell.read.vector import PARQUET
from gridcell.rules import Rules
from gridcell.tables.read import TABLE_SUFFIXES
from gridcell.tables.values import as_number
from gridcell.words.catalogue import LANGUAGES
from gridcell.words.messages import Message, either, say

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
    fault: Saying | str | None = None
    """Why it cannot be read, to be put into words; all else is empty then."""
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
    invalid_rows: tuple[Message, ...] = ()
    """The first invalid geometries: row, reason, place."""
    duplicates: int = 0
    """Geometries that occurred before."""
    overlaps: int | None = None
    """Pairs of polygons that overlap by more than 0.01 m2; none counted without a CRS."""
    households: int | None = None
    """Sum of the households, where the column is recognised."""
    notes: tuple[Saying | str, ...] = ()
    """What else should be looked at, comparisons with the other files among it."""
    label: Saying | str = ""
    """What messages call the layer."""

    @property
    def error(self) -> str | None:
        """Why it cannot be read, in English."""
        return None if self.fault is None else str(self.fault)

    @property
    def invalid_places(self) -> tuple[str, ...]:
        """The first invalid geometries, in English."""
        return tuple(map(str, self.invalid_rows))

    @property
    def remarks(self) -> tuple[str, ...]:
        """What else should be looked at, in English."""
        return tuple(self.remarks_in(LANGUAGES[0]))

    def remarks_in(self, lang: str) -> list[str]:
        """Return what else should be looked at, without the name of the layer that it is about."""
        empty = Message("error.in_layer", label=self.label, doubt="")
        return [say(note, lang).removeprefix(say(empty, lang)) for note in self.notes]

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain data for JSON."""
        said = {"fault": "error", "invalid_rows": "invalid_places", "notes": "remarks"}
        names = [said.get(each.name, each.name) for each in fields(self) if each.name != "label"]
        data = {name: getattr(self, name) for name in names}
        return data | {
            "hints": [asdict(hint) for hint in self.hints],
            "fields": [asdict(each) for each in self.fields],
        }


@checked
def inspect_files(
    paths: Sequence[str | Path],
    *,
    encoding: str | None = None,
    crs: Any = None,
    fields: Mapping[str, Mapping[str, str]] | None = None,
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
    fields
        Columns by input and our name, ``{"communities": {"code": "XZQDM"}}``: they serve in every
        layer that has them.

    Raises
    ------
    InputError
        `crs` is no CRS; no layer has a column of `fields`.
    RulesError
        `fields` names unknown inputs or columns.

    Examples
    --------
    `layers` are those of the example of `read_layers`, `folder` is an empty folder.

    >>> import gridcell
    >>> layers.communities[["code", "geometry"]].to_file(folder / "town.gpkg")
    >>> (info,) = gridcell.inspect_files([folder / "town.gpkg"])
    >>> info.role, info.rows, info.crs, [field.meaning for field in info.fields]
    ('communities', 1, 'EPSG:4546', ['code'])
    """
    fallback = parse_crs(crs)
    rules = Rules(fields={role: dict(names) for role, names in (fields or {}).items()})
    check_mapping(rules)
    looked = [
        _look(given, encoding, fallback, rules) for path in paths for given in _layers(str(path))
    ]
    _require_named([one.info for one in looked], rules)
    return compare(looked)


def _require_named(layers: Sequence[LayerInfo], rules: Rules) -> None:
    """Raise `InputError` where no layer has a column that the mapping names."""
    there = list(dict.fromkeys(field.name for layer in layers for field in layer.fields))
    lower = {name.lower() for name in there}
    for role, names in rules.fields.items():
        for name, column in names.items():
            if column.lower() not in lower and all(layer.error is None for layer in layers):
                raise InputError(
                    Message(
                        "error.no_file_has_column", role=role, name=name, column=column,
                        columns=either(there),
                    )
                )  # fmt: skip


def _serving(source: Source, rules: Rules) -> Rules:
    """Return the rules with the names of those columns that a layer has."""
    lower = {str(column).lower() for column in source.frame.columns}
    return Rules(
        fields={
            role: {name: column for name, column in names.items() if column.lower() in lower}
            for role, names in rules.fields.items()
        }
    )


def _layers(text: str) -> list[str]:
    path, layer = split_layer(text)
    if layer is not None or not path.exists() or path.suffix.lower() in _SINGLE:
        return [text]
    try:
        layers = list_layers(path)
    except InputError:
        return [text]
    return [f"{text}#{name}" for name in layers] if len(layers) > 1 else [text]


def _look(given: Input, encoding: str | None, fallback: pyproj.CRS | None, rules: Rules) -> Looked:
    """Return the report on a layer, and what others are compared with."""
    path, layer = split_layer(str(given))
    try:
        source = open_input(given, "layer", encoding=encoding)
    except InputError as error:
        return Looked(
            info=LayerInfo(path=path.name, layer=layer, fault=error.text, hints=error.hints)
        )
    rules = _serving(source, rules)
    info = LayerInfo(
        path=source.name, layer=source.layer, rows=len(source.frame), encoding=source.encoding,
        label=source.label,
    )  # fmt: skip
    series = source.geometries
    if series is None or shapely.is_missing(np.asarray(series.array, dtype=object)).all():
        role = _table_role(source, rules)
        remarks, named = table_remarks(source, role, fallback, rules)
        info = replace(
            info, role=role, notes=(*source.notes, *remarks), **_describe(source, role, rules)
        )
        return Looked(info=info, ids=named)
    return _look_at_layer(source, series, info, fallback, rules)


def _look_at_layer(
    source: Source,
    series: gpd.GeoSeries,
    info: LayerInfo,
    fallback: pyproj.CRS | None,
    rules: Rules,
) -> Looked:
    values = np.asarray(series.array, dtype=object)
    there = ~(shapely.is_missing(values) | shapely.is_empty(values))
    remarks: list[Saying | str] = [*source.notes]
    own = work = metric = ids = None
    try:
        own = settle_crs(source, fallback)
        work = choose_work_crs(own, series[there])
        if said := overruled(source.crs, own):
            remarks.append(said)
    except InputError as error:
        remarks.append(error.text)
    if own is not None and work is not None:
        moved = values.copy()
        moved[~there] = None
        moved[there] = move(values[there], own, work)
        metric = gpd.GeoDataFrame(geometry=moved[there], crs=work)
    role = _layer_role(source, metric, rules)
    if role in {"households", "staff"}:
        found, ids = table_remarks(source, role, fallback, rules)
        remarks += found
    elif metric is not None and work is not None:
        remarks += layer_remarks(source, role, moved, work, rules)
        ids = given_ids(source, "buildings", rules) if role == "buildings" else None
    bad = there & ~shapely.is_valid(values)
    bad[list(source.unclosed)] = True
    names, counts = np.unique([g.geom_type for g in values[there]], return_counts=True)
    info = replace(
        info,
        role=role,
        geometry_types=dict(zip(names.tolist(), counts.tolist(), strict=True)),
        crs=crs_name(own or source.crs),
        bounds=_bounds(series),
        without_geometry=int((~there).sum()),
        invalid=int(bad.sum()),
        invalid_rows=tuple(
            Message("fault.of_row", row=row + 1, fault=invalid_reason(source, values, int(row)))
            for row in np.flatnonzero(bad)[:_LISTED]
        ),
        duplicates=int(
            pd.Series(shapely.to_wkb(shapely.normalize(values[there]))).duplicated().sum()
        ),
        overlaps=None if metric is None else _overlaps(metric),
        notes=tuple(remarks),
        **_describe(source, role, rules),
    )
    return Looked(info=info, shapes=metric, ids=ids)


def _bounds(series: gpd.GeoSeries) -> tuple[float, float, float, float]:
    west, south, east, north = (float(bound) for bound in series.total_bounds)
    return west, south, east, north


def _describe(source: Source, role: str | None, rules: Rules) -> dict[str, Any]:
    """Return the fields with their meanings, and the sum of the households."""
    found = columns_of(source, role, rules) if role else {}
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
        total = int(as_number(source.frame[counted], "homes")[0].sum())
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


def _table_role(source: Source, rules: Rules) -> str | None:
    keys = {"households": "household_id", "staff": "staff_id"}
    found = {role: columns_of(source, role, rules) for role in keys}
    sure = [
        role for role, key in keys.items()
        if key in found[role] and not is_guessed(found[role][key], role, key)
    ]  # fmt: skip
    guessed = [role for role, key in keys.items() if key in found[role]]
    if not sure and "roles" in found["staff"] and "staff" in guessed:
        return "staff"
    return next(iter(sure + guessed), None)


def _layer_role(source: Source, metric: gpd.GeoDataFrame | None, rules: Rules) -> str | None:
    types = shapely.get_type_id(np.asarray(source.frame.geometry.array, dtype=object))
    types = types[types >= 0]
    if np.isin(types, [int(t) for t in LINES]).all():
        return "barriers"
    if not np.isin(types, [int(t) for t in POLYGONS]).all():
        return _table_role(source, rules)
    small = metric is not None and np.median(shapely.area(metric.geometry.array)) < _BUILDING_M2
    # A column like osm_id or ID, named or guessed, is in many a layer.
    code = columns_of(source, "communities", rules).get("code")
    unsure = "code" in rules.fields.get("communities", {}) or (
        code is not None and is_guessed(code, "communities", "code")
    )
    if code is not None and not (unsure and small):
        return "communities"
    if {"floors", "units", "use"} & columns_of(source, "buildings", rules).keys():
        return "buildings"
    if small:
        return "buildings"
    if "category" in columns_of(source, "sites", rules):
        return "sites"
    return "atoms" if "households" in columns_of(source, "atoms", rules) else None


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
