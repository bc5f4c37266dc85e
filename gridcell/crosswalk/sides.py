"""The two divisions and what stands on their land, read and checked."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries
from gridcell.errors import InputError
from gridcell.formats.geopackage import is_plan, plan_file
from gridcell.model import Plan
from gridcell.read.aliases import field_hint
from gridcell.read.crs import choose_work_crs, crs_doubts, move, settle_crs
from gridcell.read.fields import as_count, find_columns, name_columns
from gridcell.read.files import Input, Source, open_input, split_layer
from gridcell.read.people import check_households
from gridcell.rules import Rules
from gridcell.tables.values import as_text
from gridcell.words.messages import Message, Value, either, some

Given: TypeAlias = str | Path | gpd.GeoDataFrame | Plan
"""A plan, its folder or GeoPackage, ``PLAN#LAYER``, any polygon layer, or a frame."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class CrosswalkSide:
    """One of the two divisions."""

    label: Value
    code: NDArray[np.object_]
    """(n,) unique texts, sorted."""
    shapes: Geometries
    crs: pyproj.CRS
    buildings: Input | None
    """What stands on it, where it is a plan."""
    notes: tuple[Message, ...]
    """What is doubtful about its CRS."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Contents:
    """Buildings and households, in the CRS of the first division."""

    shapes: Geometries
    """(n,) outlines of buildings."""
    is_building: NDArray[np.bool_]
    """(n,) whether a row counts as a building: the first slab of each."""
    households: NDArray[np.int64] | None
    """(n,) in each outline."""
    xy: NDArray[np.float64]
    """(m, 2) points of households."""
    count: NDArray[np.int64]
    """(m,) households at each point."""
    lost: int
    """Households without a place."""
    notes: tuple[Message, ...]
    """What is doubtful about the CRS of buildings and households."""


def open_side(
    given: Given,
    role: str,
    *,
    crs: pyproj.CRS | None,
    encoding: str | None,
    fields: Mapping[str, str],
) -> CrosswalkSide:
    """Return a division, sorted by code.

    Parameters
    ----------
    given
        A plan stands for its leaves; ``PLAN#small`` for another of its layers.
    role
        ``A`` or ``B``, for messages.
    crs
        CRS of a file that names none.
    encoding
        Encoding of shapefiles.
    fields
        Columns of cells by our names.

    Raises
    ------
    InputError
        No polygons, no codes, codes that are missing or repeated, invalid geometries.
    """
    buildings: Input | None = None
    if isinstance(given, Plan):
        buildings = given.buildings if len(given.buildings) else None
        given = given.leaves
    elif isinstance(given, str | Path):
        path, layer = split_layer(str(given))
        if is_plan(path):
            plan = str(plan_file(path))
            given = f"{plan}#{layer or 'leaves'}"
            buildings = f"{plan}#buildings"
    source = open_input(given, role, encoding=encoding)
    if source.geometries is None:
        raise InputError(Message("error.not_polygons_table", label=source.label))
    own = settle_crs(source, crs)
    frame = (
        name_columns(source.frame, fields, source.label, role.lower()) if fields else source.frame
    )
    source = replace(source, frame=frame)
    column = find_columns(source, {}, "communities", called=role.lower()).get("code")
    column = column or find_columns(source, {}, "atoms").get("atom_id")
    if column is None:
        columns = either([str(c) for c in source.frame.columns if c != "geometry"])
        raise InputError(
            Message("error.no_code_column", label=source.label, columns=columns),
            field_hint(role.lower(), "code"),
        )
    code = as_text(source.frame[column])
    _check_codes(source, code)
    shapes = _polygons(source)
    order = np.argsort(code.astype(object).to_numpy(), kind="stable")
    return CrosswalkSide(
        label=source.label, code=code.astype(object).to_numpy()[order], shapes=shapes[order],
        crs=own, buildings=buildings, notes=crs_doubts(source, own),
    )  # fmt: skip


def _check_codes(source: Source, code: "pd.Series[str]") -> None:
    missing = np.flatnonzero(code.isna())
    if len(missing):
        raise InputError(
            Message(
                "error.cells_without_code",
                label=source.label,
                n_cells=len(missing),
                row=missing[0] + 1,
            )
        )
    twice = sorted(code[code.duplicated()].unique())
    if twice:
        raise InputError(
            Message("error.codes_twice", label=source.label, number=len(twice), codes=some(twice))
        )


def _polygons(source: Source) -> Geometries:
    shapes: Geometries = shapely.force_2d(np.asarray(source.frame.geometry.array))
    kind = shapely.get_type_id(shapes)
    polygonal = (kind == shapely.GeometryType.POLYGON) | (kind == shapely.GeometryType.MULTIPOLYGON)
    bad = np.flatnonzero(~polygonal | shapely.is_empty(shapes))
    if len(bad):
        raise InputError(Message("error.row_no_polygon", label=source.label, row=bad[0] + 1))
    bad = np.flatnonzero(~shapely.is_valid(shapes))
    if len(bad):
        raise InputError(
            Message(
                "error.row_invalid_polygon",
                label=source.label,
                row=bad[0] + 1,
                reason=shapely.is_valid_reason(shapes[bad[0]]),
            )
        )
    return shapes


def work_crs(side: CrosswalkSide) -> pyproj.CRS:
    """Return the metric CRS in which areas are measured: the first division's own, if it is one."""
    return choose_work_crs(side.crs, gpd.GeoSeries(side.shapes, crs=side.crs))


def read_contents(
    a: CrosswalkSide,
    work: pyproj.CRS,
    buildings: Any,
    households: Any,
    *,
    crs: pyproj.CRS | None,
    encoding: str | None,
    rules: Rules,
) -> Contents:
    """Return buildings and households: those given, else those of the first division's plan.

    Parameters
    ----------
    a
        The first division.
    work
        CRS of the result.
    buildings, households
        Files or frames as for a partition, or ``None``. A register with points counts there; one
        with building ids counts in the buildings; it wins over counts on buildings.
    crs, encoding
        Of files that name none.
    rules
        For the names of columns.

    Raises
    ------
    InputError
        Layers that cannot be used.
    """
    if buildings is None:
        buildings = a.buildings
    shapes: Geometries = np.empty(0, dtype=object)
    counts: NDArray[np.int64] | None = None
    ids = np.empty(0, dtype=object)
    notes: tuple[Message, ...] = ()
    if buildings is not None:
        source = open_input(buildings, "buildings", encoding=encoding)
        if source.geometries is None:
            raise InputError(Message("error.not_polygons_table", label=source.label))
        own = settle_crs(source, crs)
        notes += crs_doubts(source, own)
        shapes = move(_polygons(source), own, work)
        found = find_columns(source, rules.fields.get("buildings", {}), "buildings")
        if "households" in found:
            figures = as_count(source.frame[found["households"]], source, "households")
            counts = np.asarray(figures.fillna(0).to_numpy(), dtype=np.int64)
        if "bldg_id" in found:
            ids = as_text(source.frame[found["bldg_id"]]).astype(object).to_numpy()
    first = np.ones(len(shapes), dtype=np.bool_)
    if len(ids):
        first = np.asarray(~pd.Series(ids).duplicated().to_numpy() | pd.isna(ids))
    xy, lost = np.empty((0, 2)), 0
    number: NDArray[np.int64] = np.empty(0, dtype=np.int64)
    if households is not None:
        source = open_input(households, "households", encoding=encoding)
        if source.geometries is not None:
            notes += crs_doubts(source, settle_crs(source, crs))
        register, _ = check_households(source, work, rules, fallback=crs, datum="wgs84")
        counts, xy, number, lost = _register(register, ids)
    return Contents(
        shapes=shapes, is_building=first, households=counts, xy=xy, count=number, lost=lost,
        notes=notes,
    )  # fmt: skip


def _register(
    register: pd.DataFrame, ids: NDArray[np.object_]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64], int]:
    """Return households by building, and points and counts of those that have no building."""
    number = register["count"].to_numpy(np.int64)
    known = pd.Series(np.arange(len(ids)), index=ids)
    known = known[~known.index.duplicated() & known.index.notna()]
    building = register["bldg_id"].astype(object).map(known).fillna(-1).to_numpy(np.int64)
    xy = register[["x", "y"]].to_numpy(np.float64)
    pointed = np.isfinite(xy).all(axis=1)
    housed = ~pointed & (building >= 0)
    counts = np.bincount(building[housed], weights=number[housed], minlength=len(ids))
    lost = int(number[~pointed & ~housed].sum())
    return counts.astype(np.int64), xy[pointed], number[pointed], lost
