"""A plan in one GeoPackage, written and read."""

import dataclasses
import json
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyogrio
import pyproj
import shapely
from pyarrow import ArrowException
from pyogrio.errors import DataLayerError, DataSourceError

from gridcell.arguments import checked
from gridcell.arrays import simplest
from gridcell.cells.columns import with_later_columns
from gridcell.cells.kept import place_atoms, with_atom_ids
from gridcell.cells.stored import fabric_frames, fabric_from_frames
from gridcell.errors import InputError, RulesError
from gridcell.files.folder import recover_folder
from gridcell.files.whole import write_errors
from gridcell.formats.facts import read_facts
from gridcell.formats.housekeeping import require_housekeeping
from gridcell.formats.layers import CellLevels, Manifest, read_levels
from gridcell.formats.ogr import by_code, read_layer, write_layer
from gridcell.formats.source import CellSource, Written
from gridcell.formats.styles import write_styles
from gridcell.model import Plan, empty_table, no_points
from gridcell.read.files import list_layers
from gridcell.read.offline import offline, refuse_pointers
from gridcell.rules import Rules
from gridcell.schema import (
    ATOM_COLUMNS,
    BAND_FIGURES,
    BARRIER_COLUMNS,
    BORDER_COLUMNS,
    BUILDING_COLUMNS,
    CELL_COLUMNS,
    CELL_LAYERS,
    CODE_COLUMNS,
    FINDING_COLUMNS,
    HISTORY_COLUMNS,
    HOUSEHOLD_COLUMNS,
    LATER_COLUMNS,
    LINEAGE_COLUMNS,
    LOAD,
    MESSAGE_COLUMNS,
    POINT_COLUMNS,
    SERVED_COLUMNS,
    STAFF_COLUMNS,
    UNDO_COLUMNS,
    VACANCY_COLUMNS,
    cell_columns,
)
from gridcell.version import __version__
from gridcell.words.catalogue import LANGUAGES
from gridcell.words.messages import Message
from gridcell.words.sentences import in_english, in_language

PLAN_FILE: Final = "cells.gpkg"
"""The file of an export."""
_LAYERS: Final = {
    **dict.fromkeys(CELL_LAYERS, (CELL_COLUMNS, "Polygon")),
    "buildings": (BUILDING_COLUMNS, "Polygon"),
    "barriers": (BARRIER_COLUMNS, "LineString"),
    "findings": ((*FINDING_COLUMNS, *MESSAGE_COLUMNS), "Point"),
    "points": (POINT_COLUMNS, "Point"),
    "atoms": (ATOM_COLUMNS, "Polygon"),
}
_TABLES: Final = {
    "households": HOUSEHOLD_COLUMNS,
    "staff": STAFF_COLUMNS,
    "vacancies": VACANCY_COLUMNS,
    "served": SERVED_COLUMNS,
    "lineage": LINEAGE_COLUMNS,
    "codes": CODE_COLUMNS,
    "history": HISTORY_COLUMNS,
    "undo": UNDO_COLUMNS,
    "borders": BORDER_COLUMNS,
}
PLAN_FRAMES: Final = (*_LAYERS, *_TABLES)
"""Layers and tables that a plan may have."""
_LAND: Final = ("atoms", "borders")
"""What a plan has that keeps its land; in `Plan` both are its `fabric`."""
# Plans of gridcell 0.1.0 have none of these.
_LATER: Final = ("codes", "history", "undo", *_LAND)
_SITED: Final = ("points", "served")
"""What only plans with service points have: both or neither."""
_WHOLE: Final = (
    "level", "households", "buildings", "estimated", "count", "missing", "operation", "given",
    "number", "atom_id", "a", "segments", "beyond",
)  # fmt: skip
# Lineage numbers its operations, history names them.
_NAMED: Final[Mapping[tuple[str, ...], tuple[str, ...]]] = {HISTORY_COLUMNS: ("operation",)}
_WHOLE_OR_NONE: Final = ("retired", "b")
_REAL: Final = (
    "area_m2", "compactness", "distance_m", "measure", "metres", "mean_m", "max_m", "capacity",
    *BAND_FIGURES, LOAD,
)  # fmt: skip
_EITHER: Final = ("open", "locked", "existing")
# Findings and barriers are looked at, not counted on.
_NEEDED: Final = {
    "findings": ("kind", "severity", "message"), "barriers": ("kind",),
    "vacancies": ("role", "code", "missing"), "lineage": ("old", "new", "event"),
    **dict.fromkeys(CELL_LAYERS, tuple(c for c in CELL_COLUMNS if c not in LATER_COLUMNS)),
}  # fmt: skip
_FORMAT: Final = "gridcell plan"
_CUT_FROM: Final = "cut_from"
"""Key of the digests of what land was cut by, where the land is kept."""
_LANGUAGE: Final = "language"
"""Key of the language of a plan's sentences, where that is not English."""
_SAID: Final = (*CELL_LAYERS, "households", "findings")
"""Layers and tables with sentences."""
# The fid column gets a name that no input uses, or a column named so would vanish.
_OPTIONS: Final = {"FID": "gridcell_fid"}
_DATE: Final = "2000-01-01T00:00:00Z"
"""What every file says it was changed at, so that the same plan gives the same bytes."""


def write_geopackage(plan: Plan, file: Path, *, lang: str = LANGUAGES[0]) -> None:
    """Write all layers and tables of a plan.

    Parameters
    ----------
    plan
        The plan.
    file
        A file that does not exist yet.
    lang
        Language of the sentences in it: messages of findings and reasons of cells. `read_plan`
        returns them as they were.

    Raises
    ------
    WriteError
        The file cannot be written.
    """
    with write_errors(file.name, file.parent), dated():
        frames = _frames(plan)
        for name in _SAID:
            frames[name] = in_language(frames[name], plan.findings, lang)
        for name, frame in frames.items():
            if name in _LAYERS:
                _write_layer(frame, file, name)
            else:
                _write(_typed(pd.DataFrame(frame), _TABLES[name]), file, name)
        _write(_metadata(plan, lang), file, "metadata")
        columns = {name: layer for name, (layer, _) in _LAYERS.items() if name in frames}
        columns |= {name: cell_columns(frames[name].columns) for name in CELL_LAYERS}
        write_styles(file, columns, lang)
        _on_disk(file)
        require_housekeeping(file, unindexed=_LAND)


def _frames(plan: Plan) -> dict[str, Any]:
    """Return the layers and tables of a plan, by name, in their order in the file."""
    frames = _own_frames(plan)
    if plan.fabric is None:
        return frames
    atoms, frames["borders"] = fabric_frames(plan.fabric)
    frames["atoms"] = atoms.drop(columns=["community", "site"])
    return {name: frames[name] for name in PLAN_FRAMES if name in frames}


def _own_frames(plan: Plan) -> dict[str, Any]:
    """Return the layers and tables of a plan but its land, with what refers to it."""
    left_out = _LAND if plan.siting is not None else (*_LAND, *_SITED)
    frames = {name: getattr(plan, name) for name in PLAN_FRAMES if name not in left_out}
    if plan.fabric is None:
        frames["households"] = plan.households.drop(columns="atoms", errors="ignore")
    else:
        frames["buildings"] = with_atom_ids(plan.buildings, plan.fabric.pieces["atom"])
    return frames


def plan_file(path: str | Path) -> Path:
    """Return the GeoPackage of a plan: the file, or ``plan.gpkg`` in the folder.

    Raises
    ------
    InputError
        There is no such file.
    """
    recover_folder(path)
    file = Path(path)
    if file.is_dir():
        file /= "plan.gpkg"
    if not file.is_file():
        raise InputError(Message("error.no_plan_file", file=file))
    return file


@checked
def read_plan(path: str | Path, *, atoms: bool = True) -> Plan:
    """Return the plan that was written into a folder, or into its ``plan.gpkg``.

    Parameters
    ----------
    path
        The folder or the GeoPackage.
    atoms
        Read the land as well, where the plan keeps it. Without it, `Plan.fabric` is ``None``:
        enough to look at a plan, and not to go on from it.

    Raises
    ------
    InputError
        There is no such file, or it is no plan.

    Examples
    --------
    `plan_folder` is where the plan of the example of `make_plan` was written.

    >>> import gridcell
    >>> plan = gridcell.read_plan(plan_folder)
    >>> plan.ok, plan.small["code"].tolist()
    (True, ['450899001001001', '450899001001002', '450899001001801'])
    """
    file = plan_file(path)
    try:
        return _read_plan(file, atoms=atoms)
    except (DataSourceError, DataLayerError, shapely.errors.ShapelyError) as error:
        raise InputError(Message("error.plan_unreadable_gpkg", file=file, error=error)) from None
    except (KeyError, ValueError, RecursionError, pyproj.exceptions.CRSError) as error:
        if isinstance(error, (InputError, RulesError)):
            raise
        raise InputError(Message("error.plan_damaged", file=file, error=error)) from None


def _read_plan(file: Path, *, atoms: bool) -> Plan:
    refuse_pointers(file)
    # What GDAL only warns of in a damaged file shows in what was read.
    with warnings.catch_warnings(), offline():
        warnings.simplefilter("ignore")
        layers = set(pyogrio.list_layers(file)[:, 0])
        wanted = {*PLAN_FRAMES, "metadata"} - set(_LATER) - set(_SITED)
        # Half of the land is no land.
        wanted |= set(_LAND) if layers & set(_LAND) else set()
        wanted |= set(_SITED) if layers & set(_SITED) else set()
        if missing := sorted(wanted - layers):
            raise InputError(Message("error.plan_layers_missing", file=file, layers=list(missing)))
        metadata = read_metadata(file)
        crs = pyproj.CRS.from_wkt(metadata["crs"])
        names = [name for name in PLAN_FRAMES if name in layers and (atoms or name not in _LAND)]
        frames = {name: _read(file, name, crs) for name in names}
        if _LANGUAGE in metadata:
            findings = frames["findings"]
            for name in _SAID:
                frames[name] = in_english(frames[name], findings)
        plan = Plan(
            crs=crs,
            rules=Rules.build(json.loads(metadata["rules"]), source=f"{file}: rules"),
            **read_facts(metadata["report"], f"{file}: report"),
            cut_from=_cut_from(metadata) if "atoms" in frames else {},
            **_plan_fields(frames, file),
        )
    later = {
        name: with_later_columns(frames[name], plan.bands, estimated=plan.is_estimated)
        for name in CELL_LAYERS
    }
    return dataclasses.replace(plan, **later)


def _cut_from(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return `Plan.cut_from`; without it all land is cut anew in an update."""
    told = json.loads(metadata.get(_CUT_FROM, "{}"))
    return {str(k): str(v) for k, v in told.items()} if isinstance(told, dict) else {}


def _plan_fields(frames: dict[str, Any], file: Path) -> dict[str, Any]:
    """Return the fields of a plan that its layers and tables make."""
    buildings = frames["buildings"]
    fields = {
        "codes": empty_table("codes"), "history": empty_table("history"),
        "undo": empty_table("undo"), "points": no_points().set_crs(buildings.crs),
        "served": empty_table("served"),
        **{name: frame for name, frame in frames.items() if name not in _LAND},
        "buildings": buildings.drop(columns="atom_id", errors="ignore"),
    }  # fmt: skip
    if "atoms" not in frames:
        fields["households"] = frames["households"].drop(columns="atoms", errors="ignore")
        return fields
    if "atom_id" not in buildings:
        raise InputError(Message("error.plan_no_atom_id", file=file))
    cells = {name: frames[name] for name in ("leaves", "small", "medium")}
    placed = place_atoms(frames["atoms"], **cells)
    try:
        land = fabric_from_frames(placed, frames["borders"], buildings, buildings.crs)
    except InputError as error:
        raise InputError(Message("error.in_file", file=file, error=error)) from None
    return {**fields, "fabric": land}


def stored_frames(plan: Plan, file: Path) -> dict[str, Any]:
    """Return the layers and tables of a plan, by name, as they stand in its file.

    Parameters
    ----------
    plan, file
        The plan, and the GeoPackage that it was read from.
    """
    frames = _own_frames(plan)
    if plan.fabric is None:
        return frames
    with warnings.catch_warnings(), offline():
        warnings.simplefilter("ignore")
        return {**frames, **{name: _read(file, name, plan.crs) for name in _LAND}}


def read_metadata(file: Path) -> dict[str, str]:
    """Return what a plan's GeoPackage says of itself: CRS, rules, report …, as texts.

    Raises
    ------
    InputError
        The table is not readable.
    """
    try:
        with warnings.catch_warnings(), offline():
            warnings.simplefilter("ignore")
            table = pyogrio.read_dataframe(file, layer="metadata", use_arrow=False)
        return {str(k): str(v) for k, v in zip(table["key"], table["value"], strict=True)}
    except (DataSourceError, DataLayerError, KeyError) as error:
        raise InputError(Message("error.plan_no_metadata", file=file, error=error)) from None


def read_rules_of(file: Path) -> Rules:
    """Return the rules that a plan was made by, reading nothing else of it."""
    return Rules.build(json.loads(read_metadata(file)["rules"]), source=f"{file}: rules")


def stored_report(file: Path) -> Any:
    """Return the report that stands in a plan's GeoPackage, as it stands there.

    Raises
    ------
    InputError
        There is none, or it is no JSON.
    """
    try:
        return json.loads(read_metadata(file)["report"])
    except (KeyError, ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(Message("error.plan_report_damaged", file=file, error=error)) from None


def is_plan(path: str | Path) -> bool:
    """Tell whether the path is a plan's folder or its GeoPackage."""
    recover_folder(path)
    file = Path(path)
    if file.is_dir():
        return (file / "plan.gpkg").is_file()
    if not file.is_file() or file.suffix.lower() != ".gpkg":
        return False
    try:
        return {"leaves", "metadata"} <= set(list_layers(file))
    except InputError:
        return False


def plain(value: object) -> object:
    """Return report data as JSON knows it: numpy numbers as numbers, NaN as null."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


def _metadata(plan: Plan, lang: str) -> pd.DataFrame:
    rows = {
        "format": _FORMAT,
        "version": __version__,
        "households": "estimated" if plan.is_estimated else "counted",
        "crs": plan.crs.to_wkt(),
        "rules": plan.rules.model_dump_json(),
        "report": json.dumps(plain(plan.report), ensure_ascii=False),
    }
    if plan.fabric is not None and plan.cut_from:
        rows[_CUT_FROM] = json.dumps(dict(plan.cut_from), ensure_ascii=False)
    if lang != LANGUAGES[0]:
        rows[_LANGUAGE] = lang
    return pd.DataFrame({"key": list(rows), "value": list(rows.values())})


def _typed(frame: Any, columns: tuple[str, ...]) -> Any:
    """Return the frame with its columns in order and of the kind that their names promise."""
    known = [name for name in columns if name in frame]
    rest = [name for name in frame.columns if name not in columns and name != "geometry"]
    geometry = ["geometry"] if "geometry" in frame else []
    out = frame[[*known, *rest, *geometry]].reset_index(drop=True)
    for name in [*known, *rest]:
        column = out[name]
        if name in _WHOLE_OR_NONE:
            typed = pd.to_numeric(column).astype("Int64")
        elif name in _EITHER:
            typed = column.astype("bool")
        elif name in _WHOLE and name not in _NAMED.get(columns, ()):
            typed = _whole(column)
        elif name in _REAL:
            typed = pd.to_numeric(column).astype("float64")
        elif column.dtype == "str":
            typed = _in_one_piece(column)
        elif name in columns or not pd.api.types.is_numeric_dtype(column.dtype):
            typed = column.astype(object).where(column.notna(), None).astype("str")
        else:
            continue
        if typed is not column:
            out[name] = typed
    return out


def _in_one_piece(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return a column of texts as one array of Arrow: `pandas.concat` leaves several.

    Each would be a transaction of its own, and SQLite writes their number into the file.
    """
    held = pa.array(column)
    if not isinstance(held, pa.ChunkedArray) or held.num_chunks < 2:
        return column
    return pd.Series(pd.array(held.combine_chunks(), dtype="str"), index=column.index)


def _whole(column: "pd.Series[Any]") -> "pd.Series[Any]":
    if column.dtype == "int64":
        return column
    whole = pd.to_numeric(column).astype("Int64")
    return whole if whole.hasnans or column.isna().any() else whole.astype("int64")


def _write_layer(frame: gpd.GeoDataFrame, file: Path, name: str) -> None:
    columns, kind = _LAYERS[name]
    frame = _typed(frame, columns)
    several = shapely.get_num_geometries(np.asarray(frame.geometry, dtype=object)) > 1
    multi = bool(several.any())
    # Atoms are looked at from near, and few at a time: an index would be a tenth of their size.
    options = {} if name not in _LAND else {"SPATIAL_INDEX": "NO"}
    _write(
        frame, file, name, options,
        geometry_type=f"Multi{kind}" if multi else kind, promote_to_multi=multi,
    )  # fmt: skip


def _write(
    frame: Any, file: Path, name: str, layer: Mapping[str, str] | None = None, **options: object
) -> None:
    pyogrio.write_dataframe(
        frame, file, layer=name, driver="GPKG", append=file.exists(),
        layer_options={**_OPTIONS, **(layer or {})}, use_arrow=True, **options,
    )  # fmt: skip


def _read(file: Path, name: str, crs: pyproj.CRS) -> Any:
    try:
        frame = pyogrio.read_dataframe(file, layer=name, use_arrow=True)
    except ArrowException:
        # Text that is not in UTF-8: read so that the damage shows where it stands.
        frame = pyogrio.read_dataframe(file, layer=name, use_arrow=False)
    columns = _LAYERS[name][0] if name in _LAYERS else _TABLES[name]
    needed = _NEEDED.get(name, columns)
    if name in CELL_LAYERS and any(column in frame for column in LATER_COLUMNS):
        needed = columns
    missing = [column for column in needed if column not in frame]
    if missing:
        raise InputError(
            Message("error.plan_columns_missing", file=file, layer=name, columns=list(missing))
        )
    if name in _TABLES:
        table = pd.DataFrame(frame)
        if name == "lineage":
            # Plans of gridcell 0.1.0 have fewer columns there, and no rows.
            table = table.reindex(columns=[*table, *(c for c in columns if c not in table)])
        return _typed(table, columns)
    # A layer with one multipolygon holds multipolygons only.
    geometry = simplest(np.array(frame["geometry"], dtype=object))
    attributes = _typed(pd.DataFrame(frame.drop(columns="geometry")), columns)
    return gpd.GeoDataFrame(attributes, geometry=geometry, crs=crs)


@contextmanager
def dated() -> Iterator[None]:
    """Let GDAL date every file alike meanwhile, so that the same rows give the same bytes.

    SQLite does not wait for the disk after each layer either: what is written has another name, or
    stands in another folder, until all of it is there.
    """
    options = {"OGR_CURRENT_DATE": _DATE, "OGR_SQLITE_SYNCHRONOUS": "OFF"}
    before = {name: pyogrio.get_gdal_config_option(name) for name in options}
    pyogrio.set_gdal_config_options(options)
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options(before)


def _on_disk(file: Path) -> None:
    """Wait until a file is on the disk."""
    with file.open("rb+") as written:
        os.fsync(written.fileno())


def as_geopackage(source: CellSource, folder: Path, *, lang: str = LANGUAGES[0]) -> Written:
    """Write ``cells.gpkg``: a layer a level, styled for QGIS."""
    file = folder / PLAN_FILE
    with dated():
        for level, frame in source.levels.items():
            write_layer(frame, file, driver="GPKG", layer=level, append=file.exists(),
                        layer_options={"FID": "gridcell_fid"})  # fmt: skip
        if source.note is not None:
            write_note(source.note, file)
        columns = {level: cell_columns(frame.columns) for level, frame in source.levels.items()}
        write_styles(file, columns, lang)
    return Written(
        rows={file: sum(map(len, source.levels.values()))},
        back=by_code({level: read_layer(file, layer=level) for level in CELL_LAYERS}),
        intended=source.levels,
    )


def read_geopackage(folder: Path, _manifest: Manifest) -> CellLevels:
    """Return the cells of the layers of ``cells.gpkg``."""
    return read_levels({level: f"{folder / PLAN_FILE}#{level}" for level in CELL_LAYERS})


def write_note(note: str, file: Path) -> None:
    """Add the table ``publication`` to a GeoPackage: what the file says of itself."""
    table = pd.DataFrame({"key": ["note"], "value": [note]})
    pyogrio.write_dataframe(
        table, file, layer="publication", driver="GPKG", append=True, use_arrow=False,
        layer_options={"FID": "gridcell_fid"},
    )  # fmt: skip
