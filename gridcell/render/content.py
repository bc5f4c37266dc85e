"""What the page of a plan holds: cells, figures and findings as plain data."""

from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridcell.model import Plan
from gridcell.render.colour import colour_cells
from gridcell.render.encode import encode_points, encode_shapes
from gridcell.render.words import words
from gridcell.schema import BARRIER_KINDS, LEVELS, SEVERITIES

COLOURS: Final = 6
"""Fills of small cells."""
MAX_BUILDINGS: Final = 200_000
"""A browser draws about as many with ease; beyond, buildings are left out and the page says so."""
MAX_FINDINGS: Final = 20_000
"""The worst ones are drawn, the others only counted."""
MICRO_AT_FIRST: Final = 3_000
"""Up to so many micro cells are shown from the start."""

_BANDS: Final = {"in": 1, "under": 2, "over": 3}
_RANKS: Final = {
    "motorway": 3, "trunk": 3, "primary": 3, "railway": 3, "secondary": 2, "tertiary": 2,
    "arterial": 3, "street": 2, "主干路": 3, "次干路": 2,
    "river": 3, "canal": 2, "stream": 1, "ditch": 1,
}  # fmt: skip


def page_content(plan: Plan, lang: str) -> dict[str, Any]:
    """Return everything that the page shows, ready for JSON.

    Parameters
    ----------
    plan
        A plan in any CRS.
    lang
        Language of the texts, one of `words.LANGUAGES`. Names stay as they are in the plan.
    """
    text = words(lang)
    levels: dict[str, dict[str, Any]] = {}
    above: gpd.GeoDataFrame | None = None
    for level in LEVELS:
        cells = plan.cells(level)
        levels[level] = _cells(level, cells, above)
        above = cells
    levels["small"]["colour"] = colour_cells(plan.small.geometry, COLOURS).tolist()
    many = len(plan.buildings) > MAX_BUILDINGS
    return {
        "lang": lang,
        "title": map_title(plan, lang),
        "words": text,
        "bounds": _bounds(plan),
        "figures": _figures(plan, text),
        "counts": {
            "small_general": int((plan.small["grid_type"] == "general").sum()),
            "small_dedicated": int((plan.small["grid_type"] == "dedicated").sum()),
            "buildings": int(plan.buildings["bldg_id"].nunique()),
            "findings": len(plan.findings),
        },
        "estimated": bool(_get(plan.report, "households", "estimated")),
        "micro_at_first": len(plan.micro) <= MICRO_AT_FIRST,
        "levels": levels,
        "buildings": None if many else _buildings(plan.buildings),
        "barriers": _barriers(plan.barriers),
        "findings": _findings(plan),
    }


def map_title(plan: Plan, lang: str) -> str:
    """Return the heading: the name of the only large cell or community, else general words."""
    for cells in (plan.large, plan.medium):
        if len(cells) == 1:
            name, code = _texts(cells[["name", "code"]].iloc[0])
            if name and name != code:
                return name
    return words(lang)["plan"]


def _bounds(plan: Plan) -> list[list[float]]:
    west, south, east, north = plan.medium.geometry.to_crs(4326).total_bounds.tolist()
    return [[south, west], [north, east]]


def _texts(values: pd.Series) -> list[str | None]:
    return [None if pd.isna(v) or v == "" else str(v) for v in values]


def _integers(values: pd.Series) -> list[int | None]:
    return [None if pd.isna(v) else int(v) for v in values]


def _cells(level: str, cells: gpd.GeoDataFrame, above: gpd.GeoDataFrame | None) -> dict[str, Any]:
    parent = np.full(len(cells), -1)
    if above is not None:
        parent = pd.Index(above["code"]).get_indexer(pd.Index(cells["parent"]))
    labels = _texts(cells["label"])
    return {
        "code": _texts(cells["code"]),
        "label": labels,
        "name": _texts(cells["name"]),
        "short": _short_names(level, cells, above, parent.tolist()),
        "dedicated": (cells["grid_type"] == "dedicated").astype(int).tolist(),
        "parent": parent.tolist(),
        "households": _integers(cells["households"]),
        "buildings": _integers(cells["buildings"]),
        "band": [_BANDS.get(str(b), 0) for b in cells["band"]],
        "reason": {str(i): r for i, r in enumerate(_texts(cells["reason"])) if r},
        "at": encode_points(cells.geometry.representative_point()),
        "shape": encode_shapes(cells.geometry),
    }


def _short_names(
    level: str, cells: gpd.GeoDataFrame, above: gpd.GeoDataFrame | None, parent: list[int]
) -> list[str]:
    """Return what stands on the map, without what the land around says already.

    A small cell goes by its name without that of its community, a micro cell by its number.
    """
    column = "code" if level == "micro" else "name"
    full = [
        own or label or ""
        for own, label in zip(_texts(cells[column]), _texts(cells["label"]), strict=True)
    ]
    if above is None or level == "medium":
        return full
    prefixes = [text or "" for text in _texts(above[column])]
    return [
        (text.removeprefix(prefixes[p]).strip() if p >= 0 else text) or text
        for text, p in zip(full, parent, strict=True)
    ]


def _buildings(buildings: gpd.GeoDataFrame) -> dict[str, str]:
    # Neighbours in a row make short differences, and chunks that can be skipped out of sight.
    if buildings.empty:
        return encode_shapes(buildings.geometry)
    order = np.argsort(buildings.geometry.hilbert_distance().to_numpy(), kind="stable")
    return encode_shapes(buildings.geometry.iloc[order])


def _barriers(barriers: gpd.GeoDataFrame) -> dict[str, Any]:
    kinds = {kind: i for i, kind in enumerate(BARRIER_KINDS)}
    width = [_RANKS.get(str(rank).removesuffix("_link"), 1) for rank in barriers["rank"]]
    return {
        "kind": [kinds.get(str(kind), 0) for kind in barriers["kind"]],
        "width": width,
        "shape": encode_shapes(barriers.geometry),
    }


def _findings(plan: Plan) -> dict[str, Any]:
    rows = plan.findings.iloc[:MAX_FINDINGS]
    points = np.asarray(rows.geometry.array).copy()
    for column, layer in (("cell", plan.leaves), ("cell", plan.small), ("community", plan.medium)):
        lost = shapely.is_missing(points) | shapely.is_empty(points)
        row = pd.Index(layer["code"]).get_indexer(pd.Index(rows[column]))
        known = lost & (row >= 0)
        points[known] = shapely.point_on_surface(np.asarray(layer.geometry.array)[row[known]])
    lost = shapely.is_missing(points) | shapely.is_empty(points)
    points[~lost] = shapely.point_on_surface(points[~lost])
    codes = pd.concat([layer.set_index("code")["label"] for layer in (plan.leaves, plan.small)])
    labels = codes[~codes.index.duplicated()]
    return {
        "severity": [SEVERITIES.index(s) for s in rows["severity"]],
        "kind": _texts(rows["kind"]),
        "message": _texts(rows["message"]),
        "cell": _texts(rows["cell"].map(labels).fillna(rows["cell"])),
        "placed": np.flatnonzero(~lost).tolist(),
        "at": encode_points(gpd.GeoSeries(points[~lost], crs=plan.crs)),
        "left_out": len(plan.findings) - len(rows),
    }


def _get(report: dict[str, Any], *keys: str) -> Any:
    value: Any = report
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _figures(plan: Plan, text: dict[str, str]) -> list[list[str]]:
    """Return rows of word, value and mark (``good``, ``bad`` or nothing)."""
    dedicated = int((plan.small["grid_type"] == "dedicated").sum())
    estimated = _get(plan.report, "households", "estimated")
    households = _count(int(plan.medium["households"].sum()))
    rows = [
        [text["large"], _count(len(plan.large)), ""],
        [text["medium"], _count(len(plan.medium)), ""],
        [text["small_general"], _count(len(plan.small) - dedicated), ""],
        [text["small_dedicated"], _count(dedicated), ""],
        [text["micro"], _count(len(plan.micro)), ""],
        [
            text["households"],
            f"{households} ({text['estimated']})" if estimated else households,
            "",
        ],
    ]
    if unassigned := _get(plan.report, "households", "unassigned"):
        rows.append([text["unassigned"], _count(int(unassigned)), "bad"])
    for level, cells in (("small", plan.small), ("micro", plan.micro)):
        band = cells["band"].dropna()
        if len(band):
            inside = int((band == "in").sum())
            share = np.floor(1000 * inside / len(band)) / 10  # 99.97 % is not all
            value = f"{share:g} %\n{_count(inside)} {text['of']} {_count(len(band))}"
            rows.append([text[f"in_band_{level}"], value, ""])
    counts = plan.findings["severity"].value_counts()
    for severity in SEVERITIES:
        if severity in counts.index:
            bad = "bad" if severity == "error" else ""
            rows.append([text[f"findings_{severity}"], _count(int(counts[severity])), bad])
    if not len(plan.findings):
        rows.append([text["findings"], text["no_findings"], ""])
    return [*rows, _coverage(plan, text)]


def _coverage(plan: Plan, text: dict[str, str]) -> list[str]:
    proofs = _get(plan.report, "coverage")
    if not isinstance(proofs, dict) or not proofs:
        return [text["coverage"], text["unchecked"], ""]
    holds = all(
        _get(proofs, level, "gaps") == 0
        and _get(proofs, level, "overlaps") == 0
        and bool(_get(proofs, level, "edge_matched"))
        for level in proofs
    )
    return [text["coverage"], text["proven" if holds else "disproven"], "good" if holds else "bad"]


def _count(number: int) -> str:
    return f"{number:,}"
