"""Sites and barriers: the dedicated premises, and the lines along which borders should run."""

from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from gridcell.arrays import Geometries
from gridcell.coverage.mend import mend
from gridcell.errors import InputError
from gridcell.model import Finding
from gridcell.read.fields import as_dates, rename
from gridcell.read.files import Source
from gridcell.read.geometry import (
    LINES,
    POLYGONS,
    canonical_order,
    check_types,
    mended_findings,
)
from gridcell.read.ids import unique_ids
from gridcell.rules import Rules
from gridcell.schema import BARRIER_KINDS
from gridcell.tables.values import as_text
from gridcell.words.messages import Message

_KIND_WORDS: Final = {
    "river": ("river", "water", "stream", "canal", "河", "水"),
    "rail": ("rail", "铁路", "轨道"),
    "wall": ("wall", "fence", "墙", "围栏"),
    "road": ("road", "street", "highway", "路", "街"),
}
"""Words in the name of a layer, or in a value, that tell the kind of a barrier."""

_OSM_KINDS: Final = {"waterway": "river", "railway": "rail", "highway": "road"}
"""Columns of OpenStreetMap lines whose values make the kind."""


def check_sites(
    source: Source, geometries: Geometries, crs: pyproj.CRS, rules: Rules
) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    """Return the sites with our columns in canonical order, and what was found.

    Raises
    ------
    InputError
        Points or lines; a site without geometry; a date that is none.
    """
    check_types(source, geometries, POLYGONS, "sites")
    missing = np.flatnonzero(shapely.is_missing(geometries))
    if len(missing):
        raise InputError(
            Message(
                "error.site_without_geometry",
                label=source.label,
                row=missing[0] + 1,
                n_rows=len(missing),
            )
        )
    given = rename(source, rules, "sites")
    names = ("site_id", "name", "category", "responsible", "management")
    table = pd.DataFrame({name: as_text(given[name]) for name in names})
    table["valid_from"] = as_dates(given["valid_from"], source, "valid_from")
    mending = mend(geometries)
    findings = mended_findings(source, mending, "site_mended")
    mended = mending.shapes
    gone = shapely.is_missing(mended)
    if gone.any():
        findings.append(
            Finding(
                kind="site_dropped", severity="warning", measure=float(gone.sum()),
                text=Message(
                    "finding.site_dropped", label=source.label, n=gone.sum(),
                    row=np.flatnonzero(gone)[0] + 1,
                ),
            )
        )  # fmt: skip
    order = canonical_order(mended[~gone], table[~gone])
    frame = gpd.GeoDataFrame(
        table[~gone].iloc[order].reset_index(drop=True), geometry=mended[~gone][order], crs=crs
    )
    frame["site_id"], made = unique_ids(frame["site_id"], "s", source, "site_id")
    frame["name"] = frame["name"].where(frame["name"].notna(), frame["site_id"])
    return frame, findings + made


def check_barriers(
    source: Source, geometries: Geometries, crs: pyproj.CRS, rules: Rules
) -> gpd.GeoDataFrame:
    """Return the barriers as single lines with our columns, rows as in the file.

    Polygons become their outlines. The kind is the column's; else that of the OpenStreetMap column
    (``waterway``, ``railway``, ``highway``) that has a value; else what the name of the layer says;
    else road.

    Raises
    ------
    InputError
        Points, or a kind that is none of road, river, rail, wall.
    """
    check_types(source, geometries, (*LINES, *POLYGONS), "barriers")
    given = rename(source, rules, "barriers")
    table = pd.DataFrame({"kind": _kinds(source, as_text(given["kind"]))})
    table["rank"] = as_text(given["rank"])
    table["name"] = as_text(given["name"])
    lines = geometries.copy()
    outlines = np.isin(shapely.get_type_id(lines), [int(t) for t in POLYGONS])
    lines[outlines] = shapely.boundary(lines[outlines])
    parts, rows = shapely.get_parts(lines, return_index=True)
    ring = shapely.get_type_id(parts) == shapely.GeometryType.LINEARRING
    parts[ring] = [shapely.LineString(part.coords) for part in parts[ring]]
    long = shapely.length(parts) > 0
    return gpd.GeoDataFrame(
        table.iloc[rows[long]].reset_index(drop=True), geometry=parts[long], crs=crs
    )


def join_barriers(frames: list[gpd.GeoDataFrame], crs: pyproj.CRS) -> gpd.GeoDataFrame:
    """Return the barriers of several files as one frame in canonical order, without repetitions."""
    table = pd.concat([pd.DataFrame(f.drop(columns="geometry")) for f in frames], ignore_index=True)
    lines = np.concatenate([f.geometry.to_numpy() for f in frames])
    order = canonical_order(lines, table)
    table, lines = table.iloc[order].reset_index(drop=True), lines[order]
    blobs = pd.Series(shapely.to_wkb(shapely.normalize(lines)))
    first = ~table.assign(blob=blobs).duplicated().to_numpy()
    return gpd.GeoDataFrame(table[first].reset_index(drop=True), geometry=lines[first], crs=crs)


def _kinds(source: Source, given: "pd.Series[str]") -> "pd.Series[str]":
    default = _kind_of(f"{source.layer or ''} {source.file}".lower()) or "road"
    texts = given
    for column in source.frame.columns:
        if (kind := _OSM_KINDS.get(str(column).lower())) is not None:
            texts = texts.where(texts.notna() | source.frame[column].isna(), kind)
    texts = texts.where(texts.notna(), default)
    kinds = {}
    for text in sorted(set(texts)):
        kind = text.lower() if text.lower() in BARRIER_KINDS else _kind_of(text.lower())
        if kind is None:
            row = int(np.flatnonzero(texts == text)[0])
            raise InputError(
                Message(
                    "error.barrier_kind",
                    label=source.label,
                    row=row + 1,
                    given=text,
                    kinds=list(BARRIER_KINDS),
                )
            )
        kinds[text] = kind
    return texts.map(kinds).astype("str")


def _kind_of(text: str) -> str | None:
    return next(
        (kind for kind, words in _KIND_WORDS.items() if any(w in text for w in words)), None
    )
