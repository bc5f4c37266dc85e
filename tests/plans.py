"""A tiny plan drawn in code: two communities of squares, for tests that need no division."""

import dataclasses

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from shapely.geometry import LineString, Point, box

from gridcell.cells.codes import label
from gridcell.check import coverage_figures, prove_plan
from gridcell.model import DivisionFigures, Finding, InputRecord, Plan, findings_frame
from gridcell.rules import Rules
from gridcell.schema import (
    CELL_COLUMNS,
    HOUSEHOLD_COLUMNS,
    LINEAGE_COLUMNS,
    STAFF_COLUMNS,
    VACANCY_COLUMNS,
)
from gridcell.words.messages import Message

CRS = pyproj.CRS.from_epsg(4546)
ORIGIN = (500_000.0, 2_560_000.0)
LARGE = "450802001"


def in_words(sentence: str) -> Message:
    """Return a message that says just this, in every language."""
    return Message("finding.other", sentence=sentence)


# One letter a square of 100 m. Capitals are dedicated; a cell may be any connected set of squares.
#   community 001    community 002
TOWN = """
    aabb  hhii
    ccdd  jjkk
    eeff  llSS
    egff  llSS
"""
SMALL = {
    "001": {"001": "ab", "002": "cd", "003": "efg"},
    "002": {"001": "hi", "002": "jkl", "801": "S"},
}
HOUSEHOLDS = dict(
    zip("abcdefghijklS", (40, 39, 39, 52, 20, 44, 36, 30, 50, 48, 35, 42, 0), strict=True)
)
REASONS = {"d": "building 4 holds 52 households", "e": "no neighbour has one to spare"}
NAMES = {"001": "荷城社区", "002": "东湖社区"}
SITE = "荷城中学"


def _squares() -> dict[str, shapely.Geometry]:
    parts: dict[str, list[shapely.Geometry]] = {}
    rows = [line.split() for line in TOWN.strip().splitlines()]
    for down, row in enumerate(rows):
        for across, letter in enumerate("".join(row)):
            x, y = ORIGIN[0] + 100 * across, ORIGIN[1] + 100 * (len(rows) - 1 - down)
            parts.setdefault(letter, []).append(box(x, y, x + 100, y + 100))
    return {letter: shapely.coverage_union_all(shapes) for letter, shapes in parts.items()}


def _frame(rows: list[dict[str, object]]) -> gpd.GeoDataFrame:
    frame = gpd.GeoDataFrame(pd.DataFrame(rows), geometry="geometry", crs=CRS)
    area, length = frame.geometry.area, frame.geometry.length
    frame["area_m2"] = area
    frame["compactness"] = 4 * np.pi * area / length**2
    frame["estimated"] = 0
    frame[["target", "band_min", "band_max"]] = np.nan
    frame[["valid_from", "valid_to", "responsible", "management"]] = None
    for name in (
        "code", "label", "grid_type", "parent", "community", "name", "band", "reason", "valid_from",
        "valid_to", "responsible", "management",
    ):  # fmt: skip
        frame[name] = frame[name].astype("str")
    return frame[[*CELL_COLUMNS, "geometry"]].sort_values("code", ignore_index=True)


def _row(
    code: str, parent: str | None, level: int, name: str, shapes: list[shapely.Geometry]
) -> dict[str, object]:
    split = [code[:9], code[9:12], code[12:15], code[15:18]]
    return {
        "code": code,
        "label": label([part for part in split if part]),
        "level": level,
        "grid_type": "dedicated" if code[12:13] == "8" else "general",
        "parent": parent,
        "community": code[:12] if level > 1 else None,
        "name": name,
        "households": 0,
        "buildings": 0,
        "band": None,
        "reason": None,
        "geometry": shapely.coverage_union_all(shapes),
    }


def tiny_plan(
    *, community_name: str = NAMES["001"], message: str = "building 7 stands across a border"
) -> Plan:
    """Return a plan of 1 large, 2 medium, 6 small (one dedicated) and 12 micro cells.

    Micro cell ``d`` holds too many households, ``e`` too few; the findings are one error
    with a place, one warning known by its cell and one note without any place.
    """
    squares = _squares()
    names = {**NAMES, "001": community_name}
    levels: dict[str, list[dict[str, object]]] = {"medium": [], "small": [], "micro": []}
    buildings = []
    for community, small_cells in SMALL.items():
        medium = LARGE + community
        everything = [squares[x] for letters in small_cells.values() for x in letters]
        levels["medium"].append(_row(medium, LARGE, 2, names[community], everything))
        for number, letters in small_cells.items():
            code = medium + number
            name = SITE if letters == "S" else f"{names[community]}第{int(number)}小网格"
            small = _row(code, medium, 3, name, [squares[x] for x in letters])
            small["households"] = sum(HOUSEHOLDS[x] for x in letters)
            small["buildings"] = len(letters)
            small["band"] = None if letters == "S" else "under" if letters == "ab" else "in"
            small["reason"] = "the community is too small" if letters == "ab" else None
            levels["small"].append(small)
            for k, letter in enumerate(letters, 1):
                leaf = code
                if letter != "S":
                    leaf = f"{code}{k:03d}"
                    micro = _row(leaf, code, 4, f"{name}第{k}微网格", [squares[letter]])
                    micro["households"], micro["buildings"] = HOUSEHOLDS[letter], 1
                    micro["band"] = "over" if letter == "d" else "under" if letter == "e" else "in"
                    micro["reason"] = REASONS.get(letter)
                    levels["micro"].append(micro)
                place = shapely.point_on_surface(squares[letter]).buffer(12, cap_style="square")
                buildings.append((f"b{letter}", HOUSEHOLDS[letter], leaf, place))
    for row in levels["medium"]:
        own = [s for s in levels["small"] if s["parent"] == row["code"]]
        row["households"] = sum(int(str(s["households"])) for s in own)
        row["buildings"] = sum(int(str(s["buildings"])) for s in own)
    large = _row(LARGE, None, 1, "荷城街道", [m["geometry"] for m in levels["medium"]])  # type: ignore[misc]
    large["households"] = sum(int(str(m["households"])) for m in levels["medium"])
    large["buildings"] = len(buildings)

    small_frame, micro_frame = _frame(levels["small"]), _frame(levels["micro"])
    leaves = pd.concat([micro_frame, small_frame[small_frame["grid_type"] == "dedicated"]])
    x, y = ORIGIN
    findings = [
        Finding(kind="cut_building", severity="error", text=in_words(message),
                cell=f"{LARGE}001001001", community=f"{LARGE}001", measure=12.5,
                place=Point(x + 150, y + 350)),
        Finding(kind="band", severity="warning", text=in_words("micro cell holds 52 households"),
                cell=f"{LARGE}001002002", community=f"{LARGE}001", measure=52.0),
        Finding(kind="estimate", severity="note", text=in_words("households were counted")),
    ]  # fmt: skip
    plan = Plan(
        crs=CRS,
        large=_frame([large]),
        medium=_frame(levels["medium"]),
        small=small_frame,
        micro=micro_frame,
        leaves=leaves.sort_values("code", ignore_index=True),
        buildings=gpd.GeoDataFrame(
            pd.DataFrame([b[:3] for b in buildings], columns=["bldg_id", "households", "code"]),
            geometry=[b[3] for b in buildings],
            crs=CRS,
        ),
        barriers=gpd.GeoDataFrame(
            {"kind": ["road", "river"], "rank": ["primary", None], "name": ["人民路", None]},
            geometry=[
                LineString([(x, y + 200), (x + 800, y + 200)]),
                LineString([(x + 400, y), (x + 400, y + 400)]),
            ],
            crs=CRS,
        ),
        households=pd.DataFrame(columns=list(HOUSEHOLD_COLUMNS)),
        staff=pd.DataFrame(columns=list(STAFF_COLUMNS)),
        vacancies=pd.DataFrame(columns=list(VACANCY_COLUMNS)),
        lineage=pd.DataFrame(columns=list(LINEAGE_COLUMNS)),
        findings=findings_frame(findings, CRS),
        rules=Rules(),
        division=DivisionFigures(households=int(large["households"])),  # type: ignore[call-overload]
        inputs=(
            InputRecord(
                role="buildings", path="frame", layer=None, rows=len(buildings), encoding=None,
                crs=None, sha256="0" * 64,
            ),
        ),
    )  # fmt: skip
    return dataclasses.replace(plan, coverage=coverage_figures(prove_plan(plan)))


FACTS = (
    "inputs", "bands", "estimated", "coverage", "staffing", "siting", "division", "publication",
)  # fmt: skip


def facts(plan: Plan) -> dict[str, object]:
    """Return what a plan knows beside its cells and tables."""
    return {name: getattr(plan, name) for name in FACTS}


def plan_with_few() -> tuple[Plan, str]:
    """Return the tiny plan with only 3 households in its first micro cell, and that cell's code."""
    plan = tiny_plan()
    leaf = plan.micro["code"][0]
    lost = int(plan.micro["households"][0]) - 3
    frames = {}
    for level in ("large", "medium", "small", "micro", "leaves"):
        frame = plan.cells(level).copy()
        frame.loc[[leaf.startswith(code) for code in frame["code"]], "households"] -= lost
        frames[level] = frame
    buildings = plan.buildings.copy()
    buildings.loc[buildings["code"] == leaf, "households"] -= lost
    given = int(frames["large"]["households"].sum())
    return dataclasses.replace(
        plan, **frames, buildings=buildings, division=DivisionFigures(households=given)
    ), leaf
