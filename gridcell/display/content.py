"""What the page of a plan holds: cells, figures and findings as plain data."""

from dataclasses import dataclass
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridcell.display.colour import colour_cells
from gridcell.display.encode import encode_numbers, encode_points, encode_shapes, pack_texts
from gridcell.display.figures import plan_figures
from gridcell.display.frames import PlanFrames
from gridcell.display.load import band_classes, counts_loads, words_of
from gridcell.display.water import water_areas, water_outlines
from gridcell.schema import BARRIER_KINDS, LEVELS, LOAD, SEVERITIES, VACANCY_COLUMNS
from gridcell.words.maps import load_text, with_wanted, words
from gridcell.words.messages import Message, say
from gridcell.words.sentences import say_findings, say_kinds, say_reasons
from gridcell.words.terms import term

COLOURS: Final = 6
"""Fills of small cells, and of the buildings of neighbouring leaves."""
MAX_BUILDINGS: Final = 200_000
"""A browser draws about as many with ease; beyond, buildings are left out and the page says so."""
MAX_FINDINGS: Final = 20_000
"""The worst ones are drawn, the others only counted."""
MANY_MICRO: Final = 3_000
"""With more micro cells, they show only from where they can be told apart with ease."""

OVERVIEW_FINDINGS: Final = 2_000
"""So many on the overview of a city; the others are on the pages of their communities."""

_BANDS: Final = {"in": 1, "under": 2, "over": 3}
_RANKS: Final = {
    "motorway": 3, "trunk": 3, "primary": 3, "railway": 3, "secondary": 2, "tertiary": 2,
    "arterial": 3, "street": 2, "主干路": 3, "次干路": 2,
    "river": 3, "canal": 2, "stream": 1, "ditch": 1,
}  # fmt: skip
_FEW: Final = 4  # communities that are named below a title
_COMMA: Final = {"en": ", ", "zh": "、"}
_DEDICATED, _NOWHERE = COLOURS, COLOURS + 1  # colours of buildings


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class CitySheet:
    """What one page shows of a plan that is drawn on several."""

    kind: str
    """``overview`` or ``community``."""
    pages: tuple[str, ...] = ()
    """On the overview, the address of each community's page, in the order of the communities."""
    home: str | None = None
    """On the page of a community, the address of the overview."""
    around: gpd.GeoDataFrame | None = None
    """On the page of a community, its neighbours: ``name``, ``page`` and a geometry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """What stands above a map."""

    title: str | None = None
    """Instead of the name of the land."""
    date: str | None = None
    """Of the map, as ISO 8601 has it: told only where somebody says it, so that bytes stay."""


def page_content(
    plan: PlanFrames, lang: str, *, sheet: CitySheet | None = None, accuracy_m: float = 0.0,
    tiles: str | None = None, heading: Heading | None = None,
    holders: pd.DataFrame | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Return everything that the page shows, ready for JSON.

    Parameters
    ----------
    plan
        A plan in any CRS, or what one page shows of it.
    lang
        Output language, one of `words.LANGUAGES`. Names stay as they are in the plan.
    sheet
        Which of several pages it is; ``None`` where there is only one.
    accuracy_m
        How far the geometry was simplified, metres.
    tiles
        Address of base map tiles.
    heading
        What stands above the map.
    holders
        ``code``, ``role`` and ``holder`` of the posts that are told.
    """
    text = words_of(plan, words(lang))
    levels: dict[str, dict[str, Any]] = {}
    above: gpd.GeoDataFrame | None = None
    for level in LEVELS:
        cells = plan.cells(level)
        levels[level] = _cells(cells, above, plan.findings, lang, by_load=counts_loads(plan))
        above = cells
    levels["small"]["colour"] = encode_numbers(colour_cells(plan.small.geometry, COLOURS))
    legends = {}
    for level in ("small", "micro"):
        classes, legends[level] = band_classes(plan, level)
        levels[level]["load"] = encode_numbers(classes)
    overview = sheet is not None and sheet.kind == "overview"
    community = sheet is not None and sheet.kind == "community"
    many = len(plan.buildings) > MAX_BUILDINGS
    return {
        "lang": lang,
        **_headed(plan, lang, heading or Heading(), community=community),
        "words": text,
        "bounds": _bounds(plan),
        "figures": plan_figures(plan, text, part=community),
        "counts": {
            "small_general": int((plan.small["grid_type"] == "general").sum()),
            "small_dedicated": int((plan.small["grid_type"] == "dedicated").sum()),
            "buildings": int(plan.buildings["bldg_id"].nunique()),
            "findings": len(plan.findings),
            "points": len(plan.points),
            "vacancies": int(plan.vacancies["missing"].sum()) if len(plan.vacancies) else 0,
        },
        "note": plan.note(lang),
        "estimated": plan.is_estimated,
        "many": len(plan.micro) > MANY_MICRO,
        "precision": _precision(text, accuracy_m, overview=overview),
        "loads": legends,
        "levels": levels,
        "buildings": None if many or overview else _buildings(plan),
        "barriers": _barriers(plan.barriers),
        "findings": _findings(plan, OVERVIEW_FINDINGS if overview else MAX_FINDINGS, lang),
        "vacancies": _vacancies(plan, lang),
        "points": _points(plan, lang),
        "holders": _holders(plan, holders, lang),
        "sheet": None if sheet is None else sheet.kind,
        "pages": list(sheet.pages) if sheet is not None else [],
        "home": sheet.home if sheet is not None else None,
        "around": _around(sheet),
        "tiles": tiles,
    }  # fmt: skip


def map_title(plan: PlanFrames, lang: str, *, community: bool = False) -> str:
    """Return the heading: the name of the only large cell or community, else general words."""
    for cells in (plan.medium,) if community else (plan.large, plan.medium):
        if len(cells) == 1:
            name, code = _texts(cells[["name", "code"]].iloc[0])
            if name and name != code:
                return name
    return words(lang)["plan"]


def _headed(
    plan: PlanFrames, lang: str, heading: Heading, *, community: bool
) -> dict[str, str | None]:
    """Return the title, what kind of page it is, the place and the day."""
    general, place = words(lang)["plan"], map_title(plan, lang, community=community)
    title = heading.title if heading.title and not community else place
    if place == general:  # no name for all of it: those of its communities, if they are few
        names = [text for text in _texts(plan.medium["name"]) if text]
        place = _COMMA[lang].join(names) if len(names) <= _FEW else ""
    above = heading.title if heading.title and community else general
    return {
        "title": title,
        "above": above if above != title else "",
        "place": place if place != title else "",
        "date": heading.date,
    }


def _precision(text: dict[str, str], accuracy_m: float, *, overview: bool) -> str:
    if overview:
        return text["overview"].replace("{m}", f"{accuracy_m:g}")
    return text["coarse"].replace("{m}", f"{accuracy_m:g}") if accuracy_m else text["precision"]


def _bounds(plan: PlanFrames) -> list[list[float]]:
    west, south, east, north = plan.medium.geometry.to_crs(4326).total_bounds.tolist()
    return [[south, west], [north, east]]


def _texts(values: pd.Series) -> list[str | None]:
    return [None if pd.isna(v) or v == "" else str(v) for v in values]


def _numbers(values: pd.Series) -> str:
    """Return counts as text, -1 where there is none."""
    return encode_numbers(values.fillna(-1).to_numpy(dtype=np.int64))


def _cells(
    cells: gpd.GeoDataFrame,
    above: gpd.GeoDataFrame | None,
    findings: gpd.GeoDataFrame,
    lang: str,
    *,
    by_load: bool,
) -> dict[str, Any]:
    parent = np.full(len(cells), -1)
    if above is not None:
        parent = pd.Index(above["code"]).get_indexer(pd.Index(cells["parent"]))
    packed = {}
    reasons = say_reasons(cells["code"], cells["reason"], findings, lang)
    for column in ("code", "label", "name"):
        texts = _texts(cells[column])
        parents = None
        if above is not None:
            known = [*_texts(above[column]), None]
            parents = [known[row] for row in parent]
        packed[column] = pack_texts(texts, parents)
    return {
        **packed,
        "dedicated": encode_numbers((cells["grid_type"] == "dedicated").to_numpy(np.int64)),
        "parent": encode_numbers(np.diff(parent, prepend=0)),
        "households": _numbers(cells["households"]),
        "estimated": _numbers(cells["estimated"]),
        **_wanted(cells, lang, by_load=by_load),
        "buildings": _numbers(cells["buildings"]),
        "band": encode_numbers(
            np.array([_BANDS.get(str(b), 0) for b in cells["band"]], dtype=np.int64)
        ),
        "reason": {str(i): reason for i, reason in enumerate(reasons) if reason},
        "places": _places(cells.geometry),
        "shape": encode_shapes(cells.geometry),
    }


def _wanted(cells: gpd.GeoDataFrame, lang: str, *, by_load: bool) -> dict[str, Any]:
    """Return what the band of each cell wants, said once for all that want the same.

    Where bands count loads, the load of each cell is told, with what is wanted of it.
    """
    limits = cells[["band_min", "band_max"]].astype("float64").fillna(-1.0)
    if by_load:
        told: dict[str, Any] = {}
        if LOAD in cells:
            rows = zip(cells[LOAD], *limits.to_numpy().T, strict=True)
            told["loads"] = [load_text(words(lang), load, low, high) for load, low, high in rows]
            told["held"] = encode_numbers(np.rint(cells[LOAD].to_numpy()).astype(np.int64))
        return {
            "wanted": encode_numbers(np.zeros(len(cells), dtype=np.int64)), "wanteds": [None],
            **told,
        }  # fmt: skip
    ends, index = np.unique(limits.to_numpy(), axis=0, return_inverse=True)
    text = words(lang)
    return {
        "wanted": encode_numbers(index.reshape(-1).astype(np.int64)),
        "wanteds": [
            None if low < 0 else with_wanted(text, "{households}", low, high) for low, high in ends
        ],
    }


def _places(cells: gpd.GeoSeries) -> dict[str, str]:
    """Return where names may stand: a point in every part of a cell, its largest part first.

    With each comes the width and height of the part, so that a name stays with the land it names
    where a cell has exclaves.
    """
    shapes = np.asarray(cells.to_crs(4326).array)
    parts, row = shapely.get_parts(shapes, return_index=True)
    solid = ~shapely.is_empty(parts)
    parts, row = parts[solid], row[solid]
    order = np.lexsort((-shapely.area(parts), row))
    parts, row = parts[order], row[order]
    box = np.rint(shapely.bounds(parts).reshape(-1, 4) * 1e6).astype(np.int64)
    points = gpd.GeoSeries(shapely.point_on_surface(parts), crs=4326)
    return {
        "row": encode_numbers(np.diff(row, prepend=0)),
        "wide": encode_numbers(box[:, 2] - box[:, 0]),
        "tall": encode_numbers(box[:, 3] - box[:, 1]),
        "at": encode_points(points),
    }


def _buildings(plan: PlanFrames) -> list[dict[str, Any]]:
    """Return the buildings by colour: those of one leaf share one, neighbouring leaves differ.

    With their ids, but for a publication.
    """
    buildings, leaves = plan.buildings, plan.leaves
    colours = colour_cells(leaves.geometry, COLOURS)
    colours[(leaves["grid_type"] == "dedicated").to_numpy()] = _DEDICATED
    row = pd.Index(leaves["code"]).get_indexer(pd.Index(buildings["code"]))
    colour = np.where(row >= 0, np.append(colours, _NOWHERE)[row], _NOWHERE)
    # Neighbours in a row make short differences, and chunks that can be skipped out of sight.
    order = np.arange(len(buildings))
    if len(buildings):
        order = np.argsort(buildings.geometry.hilbert_distance().to_numpy(), kind="stable")
    told = plan.publication is None
    rows = [order[colour[order] == k] for k in range(_NOWHERE + 1)]
    return [
        {
            **encode_shapes(buildings.geometry.iloc[own]),
            "id": _texts(buildings["bldg_id"].iloc[own]) if told else [],
        }
        for own in rows
    ]


def _barriers(barriers: gpd.GeoDataFrame) -> dict[str, Any]:
    kinds = {kind: i for i, kind in enumerate(BARRIER_KINDS)}
    width = [_RANKS.get(str(rank).removesuffix("_link"), 1) for rank in barriers["rank"]]
    area = water_outlines(barriers)
    lines = barriers.geometry[~area]
    return {
        "kind": encode_numbers(
            np.array([kinds.get(str(k), 0) for k in barriers["kind"]], np.int64)[~area]
        ),
        "width": encode_numbers(np.array(width, np.int64)[~area]),
        "shape": encode_shapes(lines),
        "water": encode_shapes(water_areas(barriers.geometry[area])),
    }


def _findings(plan: PlanFrames, most: int, lang: str) -> dict[str, Any]:
    rows = plan.findings.iloc[:most]
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
        "kind": say_kinds(rows, lang),
        "message": say_findings(rows, lang),
        "cell": _texts(rows["cell"].map(labels).fillna(rows["cell"])),
        "placed": np.flatnonzero(~lost).tolist(),
        "at": encode_points(gpd.GeoSeries(points[~lost], crs=plan.crs)),
        "left_out": len(plan.findings) - len(rows),
    }


def _points(plan: PlanFrames, lang: str) -> dict[str, Any] | None:
    """Return the service points, the finest tier first, and what each serves."""
    points = plan.points
    if points.empty:
        return None
    tiers = list(dict.fromkeys(points["tier"]))
    persons = "_persons" if plan.counts_persons else ""
    told = []
    for row in points[["households", "mean_m", "max_m", "beyond"]].itertuples(index=False):
        walked = {} if pd.isna(row.mean_m) else {"mean": float(row.mean_m), "max": float(row.max_m)}
        lines = [Message(f"map.point_{'serves' if walked else 'alone'}{persons}",
                         n=int(row.households), **walked)]  # fmt: skip
        if row.beyond:
            lines.append(Message(f"map.point_beyond{persons}", n=int(row.beyond)))
        told.append([say(line, lang) for line in lines])
    return {
        "tier": encode_numbers(np.array([tiers.index(t) for t in points["tier"]], dtype=np.int64)),
        "tiers": tiers,
        "id": _texts(points["point_id"]),
        "told": told,
        "at": encode_points(gpd.GeoSeries(points.geometry.to_numpy(), crs=plan.crs)),
    }


def _vacancies(plan: PlanFrames, lang: str) -> dict[str, Any]:
    """Return the cells with vacant posts, by level and row, and who is missing there."""
    vacant = plan.vacancies.reindex(columns=list(VACANCY_COLUMNS))  # plans of 0.1.0 tell no reason
    tables = [pd.DataFrame(columns=["level", "row", "role", "missing", "reason"])]
    for number, level in enumerate(LEVELS if len(vacant) else ()):
        row = pd.Index(plan.cells(level)["code"]).get_indexer(pd.Index(vacant["code"]))
        here = vacant[row >= 0].assign(level=number, row=row[row >= 0])
        tables.append(here.sort_values(["row", "role"]))
    found = pd.concat(tables[1:] or tables)
    numbers: dict[str, Any] = {name: _numbers(found[name]) for name in ("level", "row", "missing")}
    for name in ("role", "reason"):
        index, texts = pd.factorize(np.array(_texts(found[name]), dtype=object), sort=True)
        numbers[name] = encode_numbers(index)
        numbers[f"{name}s"] = [term(str(text), lang) for text in texts]
    return numbers


def _holders(plan: PlanFrames, holders: pd.DataFrame | None, lang: str) -> dict[str, Any]:
    """Return by level and row of a cell the posts that are held there, as texts."""
    told: dict[str, Any] = {}
    if holders is None:
        return told
    for level in LEVELS:
        row = pd.Index(plan.cells(level)["code"]).get_indexer(pd.Index(holders["code"]))
        here = holders.assign(row=row)[row >= 0]
        posts: dict[str, list[list[str]]] = {}
        for post in here.itertuples():
            posts.setdefault(str(post.row), []).append([term(str(post.role), lang), post.holder])
        told[level] = posts
    return told


def _around(sheet: CitySheet | None) -> dict[str, Any] | None:
    if sheet is None or sheet.around is None:
        return None
    around = sheet.around
    return {
        "name": _texts(around["name"]),
        "page": _texts(around["page"]),
        "places": _places(around.geometry),
        "shape": encode_shapes(around.geometry),
    }
