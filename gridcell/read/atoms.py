"""Atoms given instead of buildings: census blocks, parcels, or H3 hexagons."""

import re
from collections.abc import Sequence
from typing import Final

import geopandas as gpd
import h3
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from gridcell.arrays import Geometries
from gridcell.coverage.mend import mend, polygons_of
from gridcell.errors import Hint, InputError
from gridcell.model import Finding
from gridcell.read.aliases import field_hint
from gridcell.read.crs import move
from gridcell.read.fields import as_count, find_columns, rename
from gridcell.read.files import Input, Source
from gridcell.read.geometry import (
    POLYGONS,
    canonical_order,
    check_types,
    mended_findings,
)
from gridcell.read.ids import exact_ids, rounded_ids, unique_ids
from gridcell.read.load import read_load_columns
from gridcell.rules import Rules
from gridcell.tables.values import as_text
from gridcell.words.messages import Message, either

MOST_HEXAGONS: Final = 200_000
_WGS84: Final = pyproj.CRS.from_epsg(4326)


def check_atoms(
    source: Source,
    geometries: Geometries,
    crs: pyproj.CRS,
    rules: Rules,
    *,
    named: Sequence["pd.Series[str]"] = (),
) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    """Return the given atoms with our columns in canonical order, and what was found.

    Parameters are those of `gridcell.read.buildings.check_buildings`.

    Raises
    ------
    InputError
        Points or lines; an atom without geometry; no column of households or population.
    """
    check_types(source, geometries, POLYGONS, "atoms")
    found = find_columns(source, rules.fields.get("atoms", {}), "atoms")
    if "households" not in found:
        columns = either([str(c) for c in source.frame.columns if c != "geometry"])
        raise InputError(
            Message("error.atoms_column", label=source.label, columns=columns),
            field_hint("atoms", "households"),
        )
    given = rename(source, rules, "atoms", found=found)
    table = pd.DataFrame({"atom_id": as_text(given["atom_id"])})
    counts = as_count(given["households"], source, "households").fillna(0)
    table["households"] = counts.astype("int64")
    numbers, unread_loads = read_load_columns(source, rules, "atoms")
    table = table.assign(**numbers)
    mending = mend(geometries)
    mended = mending.shapes
    gone = np.flatnonzero(shapely.is_missing(mended))
    if len(gone):
        raise InputError(
            Message(
                "error.atom_without_geometry", label=source.label, row=gone[0] + 1, n_rows=len(gone)
            )
        )
    table["atom_id"] = exact_ids(table["atom_id"], source, "atom_id", found.get("atom_id"))
    findings = [*unread_loads, *rounded_ids(table["atom_id"], source, "atom_id")]
    if "pop" in found["households"].lower():
        findings.append(
            Finding(
                kind="persons_as_households", severity="warning", measure=float(counts.sum()),
                text=Message(
                    "finding.persons_as_households", label=source.label, column=found["households"]
                ),
            )
        )  # fmt: skip
    findings += mended_findings(source, mending, "atom_mended")
    order = canonical_order(mended, table)
    frame = gpd.GeoDataFrame(
        table.iloc[order].reset_index(drop=True), geometry=mended[order], crs=crs
    )
    frame["atom_id"], made = unique_ids(frame["atom_id"], "a", source, "atom_id", named=named)
    return frame, findings + made


def hexagon_resolution(given: Input) -> int | None:
    """Return the resolution in ``h3:RES``, or ``None`` where a file or frame is given.

    Raises
    ------
    InputError
        A resolution that is no number from 0 to 15.
    """
    if not isinstance(given, str) or not given.lower().startswith("h3:"):
        return None
    text = given[3:]
    if not re.fullmatch(r"\d{1,2}", text) or int(text) > 15:
        raise InputError(Message("error.atoms_form", given=given))
    return int(text)


def hexagons(
    resolution: int, communities: gpd.GeoDataFrame, register: pd.DataFrame | None
) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    """Return H3 hexagons that cover the communities, cut at their borders, with households.

    Counts come from the points of the register; else each community's ``households`` is spread
    over its pieces by area (largest remainder), which a finding marks as ``estimated``.

    Parameters
    ----------
    resolution
        H3 resolution, 0 to 15.
    communities
        Checked communities in the work CRS.
    register
        Checked register, or ``None``.

    Raises
    ------
    InputError
        More than `MOST_HEXAGONS` cells, or nothing that says where households are.
    """
    area = float(communities.area.sum())
    expected = area / h3.average_hexagon_area(resolution, unit="m^2")
    if expected > MOST_HEXAGONS:
        fit = max(
            r
            for r in range(16)
            if r == 0 or area / h3.average_hexagon_area(r, unit="m^2") <= MOST_HEXAGONS
        )
        raise InputError(
            Message(
                "error.atoms_too_many", resolution=resolution, expected=expected, most=MOST_HEXAGONS
            ),
            Hint("atoms", f"h3:{fit}"),
        )
    has_points = register is not None and bool(register["x"].notna().any())
    if not has_points and communities["households"].isna().any():
        raise InputError(
            Message("error.atoms_no_households", resolution=resolution, alias="户数"),
            Hint("households"),
        )
    pieces, cells, owners = _pieces(resolution, communities)
    table = pd.DataFrame({"atom_id": cells, "households": np.zeros(len(cells), dtype=np.int64)})
    findings = []
    if has_points and register is not None:
        table["households"] = _count_points(pieces, register)
    else:
        totals = communities["households"].astype("int64").to_numpy()
        table["households"] = _spread(totals, owners, shapely.area(pieces))
        findings.append(
            Finding(
                kind="estimated", severity="warning", measure=float(totals.sum()),
                text=Message(
                    "finding.estimated_hexagons", n=totals.sum(), hexagons=len(cells)
                ),
            )
        )  # fmt: skip
    order = canonical_order(pieces, table)
    frame = gpd.GeoDataFrame(
        table.iloc[order].reset_index(drop=True), geometry=pieces[order], crs=communities.crs
    )
    frame["atom_id"] = frame["atom_id"].astype("str")
    return frame, findings


def _pieces(
    resolution: int, communities: gpd.GeoDataFrame
) -> tuple[Geometries, list[str], NDArray[np.int64]]:
    outlines = np.asarray(communities.geometry.array, dtype=object)
    degrees = move(outlines, communities.crs, _WGS84)
    names: set[str] = set()
    for outline in degrees:
        names.update(
            h3.h3shape_to_cells_experimental(h3.geo_to_h3shape(outline), resolution, "overlap")
        )
    cells = np.array(sorted(names), dtype=object)
    rings = [[(lon, lat) for lat, lon in h3.cell_to_boundary(cell)] for cell in cells]
    shapes = move(
        np.array([shapely.Polygon(ring) for ring in rings], dtype=object), _WGS84, communities.crs
    )
    owner, cell = shapely.STRtree(shapes).query(outlines, predicate="intersects")
    shapely.prepare(outlines)
    whole = shapely.contains_properly(outlines[owner], shapes[cell])
    parts = shapes[cell].copy()
    parts[~whole] = polygons_of(shapely.intersection(outlines[owner][~whole], parts[~whole]))
    codes = communities["code"].to_numpy()
    ids = [
        name if inside else f"{name}-{code}"
        for name, code, inside in zip(cells[cell], codes[owner], whole, strict=True)
    ]
    kept = ~shapely.is_missing(parts)
    return parts[kept], [i for i, k in zip(ids, kept, strict=True) if k], owner[kept]


def _count_points(pieces: Geometries, register: pd.DataFrame) -> NDArray[np.int64]:
    placed = register[register["x"].notna()]
    points = shapely.points(placed["x"].to_numpy(), placed["y"].to_numpy())
    point, piece = shapely.STRtree(pieces).query(points, predicate="intersects")
    # A point on a border belongs to the first of its pieces.
    first = pd.DataFrame({"point": point, "piece": piece}).groupby("point")["piece"].min()
    counts = np.zeros(len(pieces), dtype=np.int64)
    np.add.at(counts, first.to_numpy(), placed["count"].to_numpy()[first.index])
    return counts


def _spread(
    totals: NDArray[np.int64], owners: NDArray[np.int64], areas: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return whole numbers that add up to each owner's total, by area, largest remainders first."""
    sums = np.bincount(owners, weights=areas, minlength=len(totals))
    exact = totals[owners] * areas / sums[owners]
    whole = np.floor(exact).astype(np.int64)
    rest = totals - np.bincount(owners, weights=whole, minlength=len(totals)).astype(np.int64)
    order = np.lexsort((np.arange(len(owners)), whole - exact, owners))
    start = np.searchsorted(owners[order], np.arange(len(totals)))
    rank = np.arange(len(owners)) - start[owners[order]]
    whole[order] += rank < rest[owners[order]]
    return whole
