"""What sheets and cards say about cells: frames turned into plain values."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

import geopandas as gpd
import pandas as pd

from gridcell.display.content import map_title
from gridcell.display.load import counts_loads, words_of
from gridcell.errors import Hint, InputError
from gridcell.model import Plan
from gridcell.read.files import Input
from gridcell.render.atlas.points import SitedPoints
from gridcell.render.atlas.walks import Walks
from gridcell.render.holders import post_table
from gridcell.schema import LOAD
from gridcell.words.maps import atlas_words, load_text, with_estimated, with_wanted
from gridcell.words.messages import Message, say, some
from gridcell.words.sentences import say_reasons
from gridcell.words.terms import term

LEVELS: Final = ("small", "micro")
"""Levels that an atlas can have a page a cell for."""

Row = tuple[str, str]

PAPERS: Final = {"A4": (210.0, 297.0), "A3": (297.0, 420.0)}
ENLARGED: Final = {"A4": 1.0, "A3": 1.2}
"""How much larger texts, lines and tables are on a paper, which is read from further away."""
"""Width and height, mm."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Post:
    """A post, and who holds it."""

    role: str
    holder: str
    """Name and phone where they are known, else the id; nothing for a vacant post."""
    vacant: bool


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Content:
    """A plan as sheets and cards tell it, in one language."""

    plan: Plan
    lang: str
    words: dict[str, str]
    level: str
    cells: gpd.GeoDataFrame
    """Those with a page of their own, by code, on their codes."""
    around: gpd.GeoDataFrame
    """All cells of that level, on their codes."""
    left_out: int
    """Cells of the communities shown that have no page, where some were chosen."""
    inner: dict[str, pd.DataFrame]
    """Micro cells by their small cell; nothing where they have pages themselves."""
    posts: dict[str, list[Post]]
    """By the code of the cell."""
    parents: dict[str, str]
    """The cell around each community and small cell, by code."""
    standing: dict[str, str]
    """The id of a building in each leaf, whole or not, by code."""
    names: dict[str, str]
    """What communities are called, by their codes in the cells and of their own, and with a page
    a leaf what small cells are."""
    reasons: dict[str, str]
    """Why cells are outside their bands, by code."""
    walks: Walks | None = None
    """How their buildings are visited, where that is wanted."""
    sited: SitedPoints | None = None
    """The service points of the plan, if it has any."""

    def communities(self) -> gpd.GeoDataFrame:
        """Return the communities of the cells, by code."""
        medium = self.plan.medium
        return medium[medium["community"].isin(self.cells["community"])].sort_values("code")

    def title(self) -> str:
        """Return what the document is called: after its only community, else after the plan."""
        shown = self.communities()
        return self.name(shown.iloc[0]) if len(shown) == 1 else map_title(self.plan, self.lang)

    def within(self, community: str) -> gpd.GeoDataFrame:
        """Return the cells with pages in a community, named by its code in the cells."""
        return self.cells[self.cells["community"] == community]

    def name(self, cell: "pd.Series[Any]") -> str:
        """Return what a cell is called."""
        return text_of(cell["name"]) or text_of(cell["label"])

    def short(self, cell: "pd.Series[Any]", beside: "pd.Series[Any] | None" = None) -> str:
        """Return the name without what the land around says already.

        Parameters
        ----------
        cell
            A cell.
        beside
            The cell from which it is seen: what both lie in goes without saying. By default what
            the cell itself lies in.
        """
        name = self.name(cell)
        for around in ("parent", "community"):
            if beside is None or cell[around] == beside[around]:
                return name.removeprefix(self.names.get(cell[around], "")).strip() or name
        return name

    def number(self, cell: "pd.Series[Any]") -> str:
        """Return the cell's own digits, the end of its code."""
        return str(cell["code"]).removeprefix(text_of(cell["parent"]))

    def place(self, cell: "pd.Series[Any]") -> str:
        """Return where a cell is: its type, the community, the large cell."""
        medium = self.plan.medium
        own = medium[medium["community"] == cell["community"]]
        names = [self.words[text_of(cell["grid_type"])]]
        if cell["level"] == 4:
            names = [self.words["one_micro"]]
        for one in own.itertuples():
            names.append(text_of(one.name) or text_of(one.code))
            large = self.plan.large[self.plan.large["code"] == one.parent]
            names += [text_of(other.name) or text_of(other.code) for other in large.itertuples()]
        return " · ".join(dict.fromkeys(names))

    def households(self, number: float, estimated: float) -> str:
        """Return a number of households with its unit, and how many of them are estimates.

        Parameters
        ----------
        number
            The households, missing where they are not told.
        estimated
            Those of them that are estimates, missing where it is not told how many.
        """
        return self._marked(f"{count_text(number)} {self.words['unit']}", number, estimated)

    def held(self, cell: "pd.Series[Any]") -> str:
        """Return the households of a cell: how many, wanted and estimated."""
        number, low, high = cell["households"], cell["band_min"], cell["band_max"]
        said = f"{count_text(number)} {self.words['unit']}"
        if pd.notna(low) and not counts_loads(self.plan):
            said = with_wanted(self.words, said, float(low), float(high))
        return self._marked(said, number, cell["estimated"])

    def _marked(self, said: str, number: float, estimated: float) -> str:
        if not self.estimated or pd.isna(number):
            return said
        part = None if pd.isna(estimated) else int(estimated)
        return with_estimated(self.words, said, part, int(number))

    @property
    def note(self) -> str | None:
        """What a publication says of itself."""
        return self.plan.note(self.lang)

    @property
    def estimated(self) -> bool:
        """Whether the households are."""
        return self.plan.is_estimated

    def figures(self, cell: "pd.Series[Any]") -> list[Row]:
        """Return what is counted of a cell, as titles and values."""
        said = self.words
        rows = [(said["households"], self.held(cell))]
        if LOAD in cell:
            low, high = (float(cell[name]) for name in ("band_min", "band_max"))
            rows.append((said["load_of"], load_text(said, float(cell[LOAD]), low, high)))
        if band := text_of(cell["band"]):
            rows.append((said["band"], said[band]))
        if reason := self.reasons.get(cell["code"]):
            rows.append((said["reason"], reason))
        rows += [
            (said["n_buildings"], self.buildings(cell)),
            (said["area"], self.area(float(cell["area_m2"]))),
        ]
        if cell["code"] in self.inner:
            rows.append((said["n_micro"], f"{len(self.inner[cell['code']]):,}"))
        if self.walks is not None and (walk := self.walks.told(self.leaves(cell))):
            rows.append((said["walk"], say(walk, self.lang)))
        if self.sited is not None:
            rows += [(tier, say(text, self.lang)) for tier, text in self.sited.told(cell)]
        return rows

    def leaves(self, cell: "pd.Series[Any]") -> list[str]:
        """Return the codes of the leaves on a cell's page: its micro cells, or itself."""
        inner = self.inner.get(cell["code"])
        return [cell["code"]] if inner is None else inner["code"].tolist()

    def buildings(self, cell: "pd.Series[Any]") -> str:
        """Return how many buildings a cell has; of a divided one that counts elsewhere, its id."""
        if self.has_part(cell):
            return self.words["part_of"].format(id=self.standing[cell["code"]])
        return count_text(cell["buildings"])

    def has_part(self, cell: "pd.Series[Any]") -> bool:
        """Tell whether all that stands in a cell is part of a building that counts elsewhere."""
        return count_text(cell["buildings"]) == "0" and cell["code"] in self.standing

    def area(self, area_m2: float) -> str:
        """Return an area with its unit."""
        if area_m2 < 1e6:
            return f"{area_m2:,.0f} {self.words['m2']}"
        return f"{area_m2 / 1e6:,.2f} {self.words['km2']}"

    def role(self, role: str) -> str:
        """Return what a post is called."""
        return term(role, self.lang)

    def holders(self, code: str) -> str:
        """Return who holds the posts of a cell, in one line."""
        said = [p.holder or self.words["vacant"] for p in self.posts.get(code, [])]
        return self.words["comma"].join(dict.fromkeys(said))

    def posts_above(self, cell: "pd.Series[Any]") -> list[Post]:
        """Return the posts of the cells that a cell lies in, nearest first."""
        posts: list[Post] = []
        parent = text_of(cell["parent"])
        while parent:
            posts += self.posts.get(parent, [])
            parent = self.parents.get(parent, "")
        return posts


def make_content(
    plan: Plan,
    *,
    level: str,
    community: str | None,
    cells: Iterable[str] | None = None,
    contacts: Input | None,
    lang: str,
    walk: bool = False,
) -> Content:
    """Return what an atlas or cards tell.

    Parameters
    ----------
    plan
        A plan in a metric CRS.
    level
        ``small``, or ``micro`` for the leaves: a dedicated cell has no micro cells.
    community
        Code of the only community to show.
    cells
        Codes of the only cells to show: small ones, also of those that lie in them, or leaves.
    contacts
        Names and phones, as for `gridcell.staff.workbook.make_roster`.
    lang
        ``en`` or ``zh``.
    walk
        Tell in which order buildings are visited on foot.

    Raises
    ------
    InputError
        Another level or language, no such community, none of the cells, no micro cells, contacts
        without staff.
    """
    said = words_of(plan, atlas_words(lang))
    if level not in LEVELS:
        raise InputError(Message("error.level_one_of", level=level, levels=list(LEVELS)))
    if level == "micro" and plan.micro.empty:
        raise InputError(Message("error.no_micro_cells"), Hint("level", "small"))
    around = (plan.small if level == "small" else plan.leaves).sort_values("code")
    around = around.set_index("code", drop=False).rename_axis(None)
    chosen = around
    if community is not None:
        names = plan.medium[(plan.medium[["code", "community"]] == community).any(axis=1)]
        chosen = around[around["community"].isin(names["community"])]
        if chosen.empty:
            codes = plan.medium["code"].sort_values()
            raise InputError(
                Message(
                    "error.no_such_community", community=community, communities=some(codes.tolist())
                )
            )
    left_out = 0
    if cells is not None:
        every = chosen
        chosen = _chosen(plan, every, set(cells))
        shown = every["community"].isin(chosen["community"])
        left_out = int(shown.sum()) - len(chosen)
    inner = {}
    if level == "small":
        micro = plan.micro[plan.micro["parent"].isin(chosen["code"])]
        ordered = micro.drop(columns="geometry").sort_values("code")
        inner = {str(code): rows for code, rows in ordered.groupby("parent", sort=True)}
    parents = _parents(plan)
    shown = chosen["code"].tolist()
    known = {*shown, *(code for cell in shown if cell in inner for code in inner[cell]["code"])}
    above = set(chosen["parent"].map(text_of))
    while above - known - {""}:
        known |= above
        above = {parents.get(code, "") for code in above}
    standing = plan.buildings[["code", "bldg_id"]].dropna()
    standing = standing.sort_values(["code", "bldg_id"]).drop_duplicates("code")
    medium, small = plan.medium, plan.small.iloc[: None if level == "micro" else 0]
    names = [
        *zip(medium["community"], medium["name"], strict=True),
        *zip(medium["code"], medium["name"], strict=True),
        *zip(small["code"], small["name"], strict=True),
    ]
    why = say_reasons(chosen["code"], chosen["reason"], plan.findings, lang)
    return Content(
        plan=plan, lang=lang, words=said, level=level, cells=chosen, around=around,
        left_out=left_out, inner=inner, posts=_posts(plan, contacts, known), parents=parents,
        standing=dict(zip(standing["code"], standing["bldg_id"].map(text_of), strict=True)),
        names={str(code): text_of(name) for code, name in names},
        reasons={code: reason for code, reason in zip(chosen["code"], why, strict=True) if reason},
        walks=Walks.of(plan, chosen["code"].tolist()) if walk else None,
        sited=SitedPoints.of(plan),
    )  # fmt: skip


def _chosen(plan: Plan, cells: gpd.GeoDataFrame, codes: set[str]) -> gpd.GeoDataFrame:
    """Return the cells that have one of the codes, or hold a micro cell that has."""
    within = plan.micro.loc[plan.micro["code"].isin(codes), "parent"]
    chosen = cells[cells["code"].isin(codes | set(within))]
    if chosen.empty:
        raise InputError(Message("error.nothing_to_print"))
    return chosen


def count_text(number: Any) -> str:
    """Return a count, a dash where none is told."""
    return "–" if pd.isna(number) else f"{int(number):,}"


def text_of(value: object) -> str:
    """Return a text, empty where it is missing."""
    return "" if value is None or value is pd.NA or value != value else str(value)


def _posts(plan: Plan, contacts: Input | None, codes: set[str]) -> dict[str, list[Post]]:
    """Return the posts of some cells."""
    shown = [table[table["code"].isin(codes)] for table in (plan.staff, plan.vacancies)]
    nobody = plan.staff.empty and plan.vacancies.empty
    if not any(map(len, shown)) and not (nobody and contacts is not None):
        return {}
    few = replace(plan, staff=shown[0], vacancies=shown[1])
    posts: dict[str, list[Post]] = {}
    for row in post_table(few, contacts).itertuples():
        post = Post(role=str(row.role), holder=str(row.holder), vacant=bool(row.vacant))
        posts.setdefault(str(row.code), []).append(post)
    return posts


def _parents(plan: Plan) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for cells in (plan.medium, plan.small):
        pairs |= dict(zip(cells["code"], cells["parent"].map(text_of), strict=True))
    return pairs
