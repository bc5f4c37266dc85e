"""What lies in the cells: buildings that borders cut, households in no cell or in several."""

import itertools
from collections.abc import Iterator

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries, run_starts
from gridcell.check.buildings import find_cut_buildings
from gridcell.check.codes import numbers
from gridcell.coverage.faces import rounding_step
from gridcell.coverage.holders import find_holders
from gridcell.coverage.layer import CellTable, column_of, find_column, only
from gridcell.coverage.mend import mend
from gridcell.coverage.reach import FARTHEST, within_reach
from gridcell.coverage.units import in_measured_crs
from gridcell.crs import WGS84, bounds_of_points, is_same_crs, require_units
from gridcell.errors import InputError
from gridcell.model import Finding
from gridcell.read.footprints import LEAST_INSIDE, find_areas
from gridcell.read.geometry import POINTS, POLYGONS
from gridcell.rules import Households
from gridcell.schema import ALIASES, PERSONAL
from gridcell.tables.values import as_text
from gridcell.words.messages import Message, either, input_name

Rows = NDArray[np.int64]


def check_buildings(
    table: CellTable, leaves: Rows, buildings: gpd.GeoDataFrame, named: pyproj.CRS | None = None
) -> list[Finding]:
    """Return a ``cut_building`` for every building that stands in several cells.

    Areas drawn as buildings (`find_areas`) may be cut, and are told.

    Parameters
    ----------
    table
        The layer.
    leaves
        Rows of its lowest level.
    buildings
        Polygons in any CRS; without one they are taken to be in the one named, else in that of the
        cells.
    named
        The CRS that the user named.

    Raises
    ------
    InputError
        No frame with geometries; coordinates in other units than their CRS says.
    """
    shapes = _geometries(buildings, "buildings", table.units.crs, named)
    solid = within_reach(shapes) & np.isin(shapely.get_type_id(shapes), [int(k) for k in POLYGONS])
    shapes = mend(only(shapes, solid & ~shapely.is_empty(shapes))).shapes
    known = np.flatnonzero(~shapely.is_missing(shapes))
    sound = leaves[~shapely.is_missing(table.cover[leaves])]
    if not len(known) or not len(sound):
        return []
    # One scale for all, so that straight borders stay straight.
    middle = np.asarray(shapely.total_bounds(table.cover[sound]))
    middle = (middle[:2] + middle[2:]) / 2
    scale = table.units.scales(middle[np.newaxis])[0]

    def in_metres(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray((xy - middle) * scale)

    def back(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(xy / scale + middle)

    name = _ids(buildings, ALIASES["buildings"]["bldg_id"])
    outlines = np.asarray(shapely.transform(shapes[known], in_metres), dtype=object)
    area = find_areas(outlines, Households().max_footprint_m2)
    told = _area_findings([name[row] for row in known[area]])
    known = known[~area]
    known = known[_crossed(shapes[known], table.cover[sound])]
    home = find_holders(shapes[known], table.cover[sound])
    known, home = known[home >= 0], sound[home[home >= 0]]
    cells = np.asarray(shapely.transform(table.cover[sound], in_metres), dtype=object)
    outlines = np.asarray(shapely.transform(shapes[known], in_metres), dtype=object)
    found = find_cut_buildings(
        gpd.GeoDataFrame(
            {"bldg_id": [name[row] for row in known], "code": [table.name[row] for row in home]},
            geometry=outlines,
        ),
        gpd.GeoDataFrame(
            {"code": [table.name[row] for row in sound], "community": ""}, geometry=cells
        ),
    )
    title = {table.name[row]: table.title(row) for row in sound.tolist()}
    return told + [
        Finding(
            kind=one.kind, severity=one.severity, text=one.text, measure=one.measure,
            cell=title.get(str(one.cell), one.cell),
            place=None if one.place is None else shapely.transform(one.place, back),
        )
        for one in found
    ]  # fmt: skip


def _area_findings(names: list[str]) -> list[Finding]:
    if not names:
        return []
    text = Message(
        "finding.area_not_checked", n=len(names), limit=Households().max_footprint_m2,
        least=LEAST_INSIDE, building=names[0],
    )  # fmt: skip
    return [Finding(kind="area_not_building", severity="note", text=text)]


def _crossed(buildings: Geometries, cells: Geometries) -> NDArray[np.int64]:
    """Return the buildings that the border of a cell runs through: the others lie whole in it."""
    tree = shapely.STRtree(buildings)
    met = tree.query(cells, predicate="intersects")
    whole = tree.query(cells, predicate="covers")
    count = len(buildings)
    crossing = np.setdiff1d(met[0] * count + met[1], whole[0] * count + whole[1]) % max(count, 1)
    times = np.bincount(crossing, minlength=count)
    within_none = np.ones(count, dtype=bool)
    within_none[whole[1]] = False
    # One cell alone that a building reaches out of is at the rim.
    return np.flatnonzero((times > 1) | ((times == 1) & ~within_none))


def check_households(
    table: CellTable,
    leaves: Rows,
    households: pd.DataFrame,
    buildings: gpd.GeoDataFrame | None = None,
    named: pyproj.CRS | None = None,
) -> list[Finding]:
    """Return the households in no cell (``household_outside``) or several (``household_twice``).

    A point on the common border of cells is in one of them, whichever.

    Parameters
    ----------
    table
        The layer.
    leaves
        Rows of its lowest level.
    households
        Points in any CRS, or columns ``lon`` and ``lat``, or ``x`` and ``y`` in the CRS of the
        cells, or ``bldg_id``.
    buildings
        Where the ``bldg_id`` of households are.
    named
        The CRS that the user named.

    Raises
    ------
    InputError
        Columns that look personal, or no place of the households.
    """
    personal = [str(c) for c in households.columns if any(p in str(c).lower() for p in PERSONAL)]
    if personal:
        raise InputError(Message("error.households_personal", columns=list(personal)))
    name = _ids(households, ALIASES["households"]["household_id"])
    points = _points(table, households, buildings, named)
    sound = leaves[~shapely.is_missing(table.cover[leaves])]
    cells = table.cover[sound]
    placed = np.flatnonzero(~shapely.is_missing(points))
    tree = shapely.STRtree(cells)
    met = np.unique(tree.query(points[placed], predicate="intersects")[0])
    bare = np.setdiff1d(placed, placed[met])
    touching = tree.query(points[bare], predicate="dwithin", distance=rounding_step(cells))[0]
    bare = np.setdiff1d(bare, bare[touching])
    return [
        *_nowhere(name, np.flatnonzero(shapely.is_missing(points))),
        *_outside(name, points, bare),
        *_twice(table, name, points, placed, sound, tree),
    ]


def _nowhere(name: list[str], rows: Rows) -> Iterator[Finding]:
    for row in rows:
        yield Finding(
            kind="household_outside", severity="error",
            text=Message("finding.household_unknown_place", household=name[row]),
        )  # fmt: skip


def _outside(name: list[str], points: Geometries, rows: Rows) -> Iterator[Finding]:
    for row in rows:
        yield Finding(
            kind="household_outside", severity="error", place=points[row],
            text=Message("finding.household_outside", household=name[row]),
        )  # fmt: skip


def _twice(
    table: CellTable,
    name: list[str],
    points: Geometries,
    placed: Rows,
    sound: Rows,
    tree: shapely.STRtree,
) -> Iterator[Finding]:
    point, cell = tree.query(points[placed], predicate="within")
    several = np.bincount(point, minlength=len(placed))[point] > 1
    point, cell = point[several], cell[several]
    order = np.lexsort((cell, point))
    point, cell = placed[point[order]], sound[cell[order]]
    bounds = np.append(run_starts(point), len(point))
    for first, last in itertools.pairwise(bounds.tolist()):
        rows = sorted(cell[first:last].tolist(), key=table.order)
        yield Finding(
            kind="household_twice", severity="error", place=points[point[first]],
            cell=table.title(rows[0]), others=tuple(table.title(row) for row in rows[1:]),
            measure=float(len(rows)),
            text=Message(
                "finding.household_twice", household=name[point[first]], n=len(rows),
                cells=tuple(table.name[row] for row in rows),
            ),
        )  # fmt: skip


def _points(
    table: CellTable,
    households: pd.DataFrame,
    buildings: gpd.GeoDataFrame | None,
    named: pyproj.CRS | None,
) -> Geometries:
    """Return a point of each household in the CRS of the cells, ``None`` where it has none."""
    crs = table.units.crs
    if isinstance(households, gpd.GeoDataFrame) and households.active_geometry_name in households:
        points = _geometries(households, "households", crs, named)
        kind = shapely.get_type_id(points)
        wrong = np.flatnonzero((kind >= 0) & ~np.isin(kind, [int(k) for k in POINTS]))
        if len(wrong):
            raise InputError(
                Message(
                    "error.households_not_points",
                    row=households.index[wrong[0]],
                    found=points[wrong[0]].geom_type,
                    n_rows=len(wrong),
                )
            )
        usable = only(points, within_reach(points) & ~shapely.is_empty(points))
        return np.asarray(shapely.centroid(usable), dtype=object)
    for x, y, source in (("lon", "lat", WGS84), ("x", "y", named or crs)):
        columns = [find_column(households, ALIASES["households"][name]) for name in (x, y)]
        if columns[0] is None or columns[1] is None:
            continue
        xy = np.column_stack([numbers(column_of(households, c)) for c in columns if c is not None])
        known = (np.abs(xy) < FARTHEST).all(axis=1)
        require_units(input_name("households"), source, bounds_of_points(xy[known]))
        points = np.full(len(xy), None, dtype=object)
        points[known] = shapely.points(xy[known])
        series = gpd.GeoSeries(points, crs=source)
        moved = series if crs is None or source is None else series.to_crs(crs)
        return np.asarray(moved.array, dtype=object)
    column = find_column(households, ALIASES["households"]["bldg_id"])
    if column is None or buildings is None:
        had = either([str(column) for column in households.columns])
        raise InputError(Message("error.households_no_place", columns=had))
    shapes = _geometries(buildings, "buildings", crs, named)
    sound = within_reach(shapes) & ~shapely.is_empty(shapes)
    inner = np.asarray(shapely.point_on_surface(only(shapes, sound)), dtype=object)
    names = pd.Index(_ids(buildings, ALIASES["buildings"]["bldg_id"]), dtype=object)
    first = np.flatnonzero(~names.duplicated())
    wanted = pd.Index(as_text(column_of(households, column)), dtype=object)
    row = names[first].get_indexer(wanted)
    return only(inner[first][row], row >= 0)


def _geometries(
    frame: gpd.GeoDataFrame, role: str, crs: pyproj.CRS | None, named: pyproj.CRS | None
) -> Geometries:
    """Return geometries without heights in this CRS, those without one taken to be in it."""
    series = in_measured_crs(frame, role, named or (crs if frame.crs is None else None))[0].geometry
    if crs is not None and not is_same_crs(series.crs, crs):
        series = series.to_crs(crs)
    with np.errstate(invalid="ignore"):
        # Heights that are no numbers.
        return np.asarray(shapely.force_2d(np.asarray(series.array, dtype=object)), dtype=object)


def _ids(frame: pd.DataFrame, names: tuple[str, ...]) -> list[str]:
    column = find_column(frame, names)
    rows = [f"row {label}" for label in frame.index]
    if column is None:
        return rows
    text = as_text(column_of(frame, column))
    return [
        row if gone else str(value)
        for row, value, gone in zip(rows, text, text.isna(), strict=True)
    ]
