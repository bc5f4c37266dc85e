"""A plan as a folder of pages: an overview and one page for each community."""

import dataclasses
import re
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridcell.arguments import checked
from gridcell.display.content import CitySheet, page_content
from gridcell.display.map import PlanMap, check_tiles, make_heading
from gridcell.display.water import outlines_of_waters, water_areas, water_outlines
from gridcell.errors import WriteError
from gridcell.files.folder import require_place, whole_folder
from gridcell.model import Plan
from gridcell.read.files import Input
from gridcell.render.holders import post_holders
from gridcell.render.simpler import simplify_plan
from gridcell.words.messages import Message

Window = tuple[float, float, float, float]

MAX_BYTES: Final = 5_000_000
"""Of a page."""
OVERVIEW: Final = "index.html"
PAGES: Final = "communities"
"""Folder of the pages of the communities."""

_OVERVIEW_M: Final = (3.0, 8.0, 20.0, 50.0, 150.0)  # tried one after another until the page fits
_COMMUNITY_M: Final = (0.0, 1.0, 3.0, 8.0, 20.0)
_MAJOR_ROADS: Final = ("path", "lane", "service", "track", "footway", "cycleway", "steps",
                       "pedestrian", "bridleway", "residential", "living_street", "unclassified",
                       "street", "支路", "小路", "巷", "2", "3")  # fmt: skip
_MARGIN_M: Final = 150.0  # of barriers drawn around a community


@checked
def write_city_map(
    plan: Plan,
    folder: str | Path,
    *,
    lang: str = "en",
    tiles: str | None = None,
    title: str | None = None,
    date: str | None = None,
    contacts: Input | None = None,
    overwrite: bool = False,
) -> list[Path]:
    """Write ``index.html`` and ``communities/*.html``; return the files.

    Each page is whole in itself, needs no network and has less than 5 MB: borders are simplified as
    far as that takes, which each page states. The overview shows all cells without buildings and
    leads to the pages of the communities; these lead to their neighbours and back.

    Parameters
    ----------
    plan, lang, tiles, title, date, contacts
        As for `map.write_map`.
    folder
        Appears whole or not at all. The same plan gives the same bytes.
    overwrite
        Replace a map that is there already.

    Raises
    ------
    InputError
        Another language, no address of tiles, what is no date, contacts that cannot be used.
    WriteError
        Something is in the way, the folder cannot be written, or a page does not fit.

    Examples
    --------
    `plan` is that of the example of `make_plan`, `folder` is an empty folder.

    >>> import gridcell
    >>> [file.name for file in gridcell.write_city_map(plan, folder / "city")]
    ['index.html', 'community-450899001001.html']
    """
    check_tiles(tiles)
    content = partial(
        page_content, lang=lang, tiles=tiles, heading=make_heading(title, date),
        holders=post_holders(plan, contacts),
    )  # fmt: skip
    require_free(folder, overwrite=overwrite)
    names = page_names(plan.medium["code"])
    written = []
    with whole_folder(folder, overwrite=overwrite) as part:
        (part / PAGES).mkdir()
        for name, page in _pages(plan, names, content):
            (part / name).write_text(page, encoding="utf-8", newline="\n")
            written.append(Path(folder) / name)
    return written


def require_free(folder: str | Path, *, overwrite: bool = False) -> None:
    """Raise `WriteError` unless a map can be written there without harm to anything else."""
    require_place(folder, what="map", foreign=_no_map, overwrite=overwrite)


def _no_map(target: Path) -> Message | None:
    inside = sorted(path.name for path in target.iterdir())
    if foreign := [name for name in inside if name not in {PAGES, OVERVIEW}]:
        return Message("part.it_holds", name=foreign[0])
    return None if OVERVIEW in inside else Message("part.it_lacks", name=OVERVIEW)


def page_names(codes: "pd.Series[str]") -> list[str]:
    """Return the file of each community's page: good names in any file system, none twice."""
    plain = [re.sub(r"[^A-Za-z0-9_-]", "_", str(code)) for code in codes]
    twice = pd.Series([name.lower() for name in plain]).duplicated(keep=False)
    return [
        f"{PAGES}/community-{name}{f'-row{row + 1}' if again else ''}.html"
        for row, (name, again) in enumerate(zip(plain, twice, strict=True))
    ]


def _pages(
    plan: Plan, names: list[str], content: Callable[..., dict[str, Any]]
) -> Iterator[tuple[str, str]]:
    sheet = CitySheet(kind="overview", pages=tuple(names))
    overview = dataclasses.replace(
        plan, barriers=_major(plan.barriers), buildings=plan.buildings.iloc[:0]
    )
    yield OVERVIEW, _fitting(overview, OVERVIEW, sheet, _OVERVIEW_M, content)
    here = [Path(name).name for name in names]
    for row, part in enumerate(_communities(plan)):
        yield names[row], _fitting(
            part, names[row],
            CitySheet(kind="community", home=f"../{OVERVIEW}", around=_neighbours(plan, row, here)),
            _COMMUNITY_M, content,
        )  # fmt: skip


def _fitting(
    plan: Plan,
    name: str,
    sheet: CitySheet,
    accuracies: tuple[float, ...],
    content: Callable[..., dict[str, Any]],
) -> str:
    """Return the page with the finest borders that keep it below the limit."""
    size = 0
    for metres in accuracies:
        drawn = simplify_plan(plan, metres)
        page: str = PlanMap(content(drawn, sheet=sheet, accuracy_m=metres)).get_root().render()
        size = len(page.encode())
        if size < MAX_BYTES:
            return page
    raise WriteError(
        Message("error.page_too_large", name=name, size=size / 1e6, most=MAX_BYTES / 1e6)
    )


def _major(barriers: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    rank = barriers["rank"].astype("str").str.removesuffix("_link")
    minor = (barriers["kind"] == "road") & (rank.isin(_MAJOR_ROADS) | barriers["rank"].isna())
    return barriers[~minor & (barriers["kind"] != "wall")]


def _communities(plan: Plan) -> Iterator[Plan]:
    """Yield the part of the plan in each community."""
    codes = plan.medium["community"]
    owner = {
        level: pd.Index(codes).get_indexer(pd.Index(plan.cells(level)["community"]))
        for level in ("small", "micro", "leaves")
    }
    leaf = pd.Index(plan.leaves["code"]).get_indexer(pd.Index(plan.buildings["code"]))
    of_building = np.where(leaf >= 0, np.append(owner["leaves"], -1)[leaf], -1)
    rows = {level: _groups(numbers, len(codes)) for level, numbers in owner.items()}
    buildings = _groups(of_building, len(codes))
    findings = _groups(_owners(plan, plan.findings, "community"), len(codes))
    vacancies = _groups(_owners(plan, plan.vacancies, None), len(codes))
    wet = water_outlines(plan.barriers)
    lines, waters = plan.barriers[~wet], water_areas(plan.barriers.geometry[wet])
    for row in range(len(codes)):
        medium = plan.medium.iloc[[row]].reset_index(drop=True)
        west, south, east, north = medium.total_bounds
        land = (west - _MARGIN_M, south - _MARGIN_M, east + _MARGIN_M, north + _MARGIN_M)
        cells = {
            level: plan.cells(level).iloc[rows[level][row]].reset_index(drop=True) for level in rows
        }
        large = plan.large[plan.large["code"].isin(medium["parent"])].reset_index(drop=True)
        yield dataclasses.replace(
            plan,
            large=large.assign(households=medium["households"], buildings=medium["buildings"])
            .set_geometry(medium.geometry),
            medium=medium,
            **cells,
            buildings=plan.buildings.iloc[buildings[row]].reset_index(drop=True),
            barriers=_clipped(lines, land, waters, _surroundings(medium)),
            findings=plan.findings.iloc[findings[row]].reset_index(drop=True),
            vacancies=plan.vacancies.iloc[vacancies[row]].reset_index(drop=True),
            points=plan.points[(plan.points["community"] == codes.iloc[row]).to_numpy()],
        )  # fmt: skip


def _clipped(
    lines: gpd.GeoDataFrame, land: Window, waters: gpd.GeoSeries, around: Window
) -> gpd.GeoDataFrame:
    """Return the barriers near a community: lines, and waters as far as neighbours are drawn."""
    near = lines.iloc[np.sort(lines.sindex.intersection(land))]
    near = near.set_geometry(near.geometry.clip_by_rect(*land))
    wet = waters.iloc[np.sort(waters.sindex.intersection(around))].clip_by_rect(*around)
    near = near[~near.geometry.is_empty]
    wet = wet[~wet.is_empty]
    return near if wet.empty else pd.concat([near, outlines_of_waters(wet)], ignore_index=True)


def _owners(plan: Plan, table: pd.DataFrame, column: str | None) -> NDArray[np.int64]:
    """Return the row of the community of each finding or vacancy, -1 where it has none."""
    everything = pd.concat(
        [plan.cells(level).set_index("code")["community"] for level in ("medium", "small", "micro")]
    )
    if table.empty:
        return np.zeros(0, dtype=np.int64)
    codes = table["code"].map(everything) if column is None else table[column]
    return np.asarray(pd.Index(plan.medium["community"]).get_indexer(pd.Index(codes)))


def _groups(owner: NDArray[np.int64], count: int) -> list[NDArray[np.int64]]:
    """Return the positions of each owner's rows, in their order."""
    order = np.argsort(owner, kind="stable")
    edges = np.searchsorted(owner[order], np.arange(count + 1))
    return [order[a:b] for a, b in pairwise(edges)]


def _surroundings(medium: gpd.GeoDataFrame) -> Window:
    west, south, east, north = medium.total_bounds
    reach = max(east - west, north - south) / 2
    return (west - reach, south - reach, east + reach, north + reach)


def _neighbours(plan: Plan, row: int, pages: list[str]) -> gpd.GeoDataFrame:
    """Return the communities around one, cut to what is near it."""
    medium = plan.medium
    window = _surroundings(medium.iloc[[row]])
    near = np.sort(medium.sindex.intersection(window))
    near = near[near != row]
    around = medium.iloc[near]
    shapes = around.geometry.clip_by_rect(*window).simplify(1.0)
    frame = gpd.GeoDataFrame(
        {"name": around["name"].to_numpy(), "page": [pages[k] for k in near]},
        geometry=shapes.to_numpy(), crs=plan.crs,
    )  # fmt: skip
    return frame[~frame.geometry.is_empty].reset_index(drop=True)
