"""Two plans of the same land side by side: figures, communities, cells that differ."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridcell.arguments import checked
from gridcell.arrays import Geometries, run_starts
from gridcell.coverage.overlay import overlay
from gridcell.crs import is_same_crs
from gridcell.display.cards import comparison_html
from gridcell.errors import InputError
from gridcell.model import Plan
from gridcell.revision.changes import ChangeList, changes_of_lineage
from gridcell.revision.lineage import lineage_of, people_pairs
from gridcell.words.messages import Message

COMMUNITY_COLUMNS: Final = (
    "community", "name", "households_a", "households_b", "small_a", "small_b", "micro_a", "micro_b",
    "in_band_a", "in_band_b", "moved",
)  # fmt: skip
"""``in_band`` counts general cells of both levels; ``moved`` are households of B on land whose leaf
has another code in A. Figures of a community that only one of the plans has are missing."""

_SLIVER_M: Final = 0.01
"""Less common land comes from rounding, or from moving B into another CRS."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Comparison:
    """What two plans of the same land come to, side by side.

    Examples
    --------
    `plan` is that of the example of `make_plan`.

    >>> import gridcell
    >>> comparison = gridcell.compare_plans(plan, plan)
    >>> comparison.figures.loc["micro", ["a", "b", "difference"]].tolist()
    [21.0, 21.0, 0.0]
    """

    a: Plan
    b: Plan
    """In the CRS of A."""
    goes_on: bool
    """Whether B goes on from A, so that its codes stand for the same cells."""
    figures: pd.DataFrame
    """``a``, ``b``, ``difference`` (b - a) by the name of the figure; missing where a plan does not
    know it. Shares and compactness are between 0 and 1."""
    communities: pd.DataFrame
    """`COMMUNITY_COLUMNS`, by community."""
    changes: ChangeList
    """The small and micro cells that differ, by their codes. Reasons are told where B goes on from
    A, else they are missing."""
    lineage: pd.DataFrame
    """Every pair of cells of the same level that share land: `gridcell.schema.LINEAGE_COLUMNS`."""

    def changed_pages(self) -> list[str]:
        """Return the small and micro cells of B that a printed atlas of A does not show any more.

        Those with another land, code, label or name, or posts with other holders, sorted. Counts
        alone make no new page: they change every day.
        """
        changed = self.changes.table
        codes = set(changed.loc[changed["change"] != "retired", "code"])
        old, new = (pd.concat([plan.small, plan.micro]) for plan in (self.a, self.b))
        told = ["code", "label", "name"]
        both = new[told].merge(old[told], on="code", suffixes=("", "_before"))
        for name in ("label", "name"):
            was = both[f"{name}_before"]
            codes |= set(both.loc[~(both[name].eq(was) | (both[name].isna() & was.isna())), "code"])
        posts = [_posts(plan) for plan in (self.a, self.b)]
        codes |= {code for code in both["code"] if posts[0].get(code) != posts[1].get(code)}
        return sorted(codes)

    def retired_pages(self) -> list[str]:
        """Return the small and micro cells of A that B does not have, sorted."""
        changed = self.changes.table
        return sorted(changed.loc[changed["change"] == "retired", "code"])

    def _repr_html_(self) -> str:
        return comparison_html(self.figures)


@checked
def compare_plans(a: Plan, b: Plan) -> Comparison:
    """Return two plans side by side: a plan and a later one, or two ways to divide the same land.

    No history is needed: which cells are the same follows from their land and their households.

    Parameters
    ----------
    a
        A plan, of any origin.
    b
        Another one of the same land. In another CRS it is moved into that of A.

    Raises
    ------
    InputError
        The plans share no land, or one is a publication, in which counts are hidden.

    Examples
    --------
    `plan` is that of the example of `make_plan`.

    >>> import gridcell
    >>> merged = gridcell.edit_plan(plan, [gridcell.Merge(*plan.micro["code"].iloc[:2])])
    >>> comparison = gridcell.compare_plans(plan, merged)
    >>> comparison.goes_on, comparison.changes.table["change"].tolist()
    (True, ['changed', 'retired'])
    """
    for name, plan in (("A", a), ("B", b)):
        if plan.publication is not None:
            raise InputError(Message("error.plan_is_publication", name=name))
    if not is_same_crs(a.crs, b.crs):
        b = _moved(b, a)
    goes_on = _goes_on(a, b)
    pairs = pd.concat(
        [*(_pairs(a, b, level) for level in ("leaves", "small")), *people_pairs(a, b)],
        ignore_index=True,
    )
    if pairs.empty:
        raise InputError(Message("error.plans_no_shared_land"))
    lineage = lineage_of(a, b, pairs, int(b.history["number"].max()) if goes_on else 1)
    changes = changes_of_lineage(a, b, lineage)
    if not goes_on:
        changes = replace(changes, table=changes.table.assign(why=None))
    return Comparison(
        a=a, b=b, goes_on=goes_on, figures=_figures(a, b),
        communities=_communities(a, b, lineage), changes=changes, lineage=lineage,
    )  # fmt: skip


@checked
def write_comparison(
    comparison: Comparison, path: str | Path, *, lang: str = "en", overwrite: bool = False
) -> list[Path]:
    """Write a comparison as one HTML file that needs no network; return the file.

    Figures of both plans, the cells that differ as a list, and a map with the borders of both.

    Parameters
    ----------
    comparison
        From `compare_plans`.
    path
        The file. The same comparison gives the same bytes.
    lang
        Output language, ``en`` or ``zh``.
    overwrite
        Replace a file that is there already.

    Raises
    ------
    InputError
        For another language.
    WriteError
        The file is in the way or cannot be written.

    Examples
    --------
    `plan` is that of the example of `make_plan`, `folder` is an empty folder.

    >>> import gridcell
    >>> comparison = gridcell.compare_plans(plan, plan)
    >>> [file.name for file in gridcell.write_comparison(comparison, folder / "compare.html")]
    ['compare.html']
    """
    # folium takes .3 s to import, and few programs draw.
    from gridcell.render.changes import write_changes

    changes = comparison.changes
    figures = {"kept": changes.kept, "households_moved": changes.moved}
    file = write_changes(
        changes.table, comparison.a, comparison.b, path, figures=figures,
        sides=comparison.figures, lang=lang, overwrite=overwrite,
    )  # fmt: skip
    return [file]


def _moved(plan: Plan, like: Plan) -> Plan:
    """Return a plan with the shapes that are compared in the CRS of another."""
    frames: dict[str, Any] = {
        name: getattr(plan, name).to_crs(like.crs)
        for name in ("large", "medium", "small", "micro", "leaves", "buildings", "barriers")
    }
    return replace(plan, crs=like.crs, fabric=None, **frames)


def _goes_on(a: Plan, b: Plan) -> bool:
    """Tell whether the history of B begins with that of A."""
    n = len(a.history)
    if not n or len(b.history) < n:
        return False
    if not b.history.iloc[:n].reset_index(drop=True).equals(a.history.reset_index(drop=True)):
        return False
    # Divisions by other rules begin alike: their first codes tell.
    first = {tuple(row) for row in b.codes[["code", "given"]].itertuples(index=False)}
    return first.issuperset(a.codes[["code", "given"]].itertuples(index=False, name=None))


def _pairs(a: Plan, b: Plan, level: str) -> pd.DataFrame:
    """Return ``old``, ``new``, ``households`` of B and ``area_m2`` of cells that share land."""
    old, new = a.cells(level), b.cells(level)
    one, two = (np.asarray(cells.geometry, dtype=object) for cells in (old, new))
    i, j = _same_land(one, two)
    rest_a = np.setdiff1d(np.arange(len(old)), i)
    rest_b = np.setdiff1d(np.arange(len(new)), j)
    pieces = overlay(one[rest_a], two[rest_b], _SLIVER_M)
    shared = ~pieces.is_sliver & (pieces.a >= 0) & (pieces.b >= 0)
    pair = pd.DataFrame(
        {
            "i": np.concatenate([i, rest_a[pieces.a[shared]]]),
            "j": np.concatenate([j, rest_b[pieces.b[shared]]]),
            "area_m2": np.concatenate([shapely.area(two[j]), pieces.area[shared]]),
        }
    )
    pair["households"] = 0
    alone = pair.groupby("j")["i"].transform("size") == 1
    held = pd.to_numeric(new["households"]).to_numpy(dtype=np.int64)
    pair.loc[alone, "households"] = held[pair.loc[alone, "j"]]
    cut = pair[~alone]
    pair.loc[cut.index, "households"] = _shared_out(b, level, cut, one, held)
    code_a, code_b = (cells["code"].to_numpy(dtype=object) for cells in (old, new))
    return pd.DataFrame(
        {
            "old": code_a[pair["i"]], "new": code_b[pair["j"]],
            "households": pair["households"], "area_m2": pair["area_m2"],
        }
    )  # fmt: skip


def _same_land(a: Geometries, b: Geometries) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return the rows of cells with the very same outline in both, by row of A."""
    known = pd.Index(shapely.to_wkb(shapely.normalize(a)))
    row = known.get_indexer(pd.Index(shapely.to_wkb(shapely.normalize(b))))
    found = np.flatnonzero(row >= 0)
    order = np.argsort(row[found], kind="stable")
    return row[found][order], found[order]


def _shared_out(
    plan: Plan, level: str, cut: pd.DataFrame, old: Geometries, held: np.ndarray[Any, Any]
) -> "pd.Series[int]":
    """Return the households of the parts into which A cuts cells of B.

    Parameters
    ----------
    plan
        B.
    level
        leaves or small.
    cut
        The parts: rows of the cells ``i`` of A and ``j`` of B, ``area_m2``.
    old
        Shapes of A's cells.
    held
        Households of B's cells.
    """
    out = pd.Series(0, index=cut.index, dtype="int64")
    if cut.empty:
        return out
    cells, leaves = plan.cells(level)["code"], plan.leaves
    over = leaves["code"]
    if level == "small":
        over = leaves["code"].where(leaves["code"].isin(cells), leaves["parent"])
    home = dict(zip(leaves["code"], over, strict=True))
    stand = plan.buildings[plan.buildings["code"].notna()]
    j = pd.Index(cells).get_indexer(pd.Index(stand["code"].map(home)))
    inside = np.isin(j, cut["j"].to_numpy())
    stand, j = stand[inside], j[inside]
    wanted = np.unique(cut["i"].to_numpy())
    point = shapely.point_on_surface(np.asarray(stand.geometry, dtype=object))
    row, found = shapely.STRtree(old[wanted]).query(point, predicate="intersects")
    order = np.lexsort((found, row))
    first = order[run_starts(row[order])]
    counted = pd.DataFrame(
        {
            "i": wanted[found[first]], "j": j[row[first]],
            "households": pd.to_numeric(stand["households"]).fillna(0).to_numpy()[row[first]],
        }
    ).groupby(["i", "j"])["households"].sum()  # fmt: skip
    known = counted.reindex(pd.MultiIndex.from_frame(cut[["i", "j"]])).fillna(0)
    out[:] = known.to_numpy(dtype=np.int64)
    # Households that stand in no building go with most of the land.
    rest = pd.Series(held[cut["j"]], index=cut.index) - out.groupby(cut["j"]).transform("sum")
    most = cut.sort_values(["j", "area_m2", "i"], ascending=[True, False, True])
    first_of = most.drop_duplicates("j").index
    out[first_of] += rest[first_of]
    return out


def _posts(plan: Plan) -> dict[str, list[tuple[str, ...]]]:
    """Return role and holder of the posts of each cell, by its code."""
    held = plan.staff[["code", "role", "staff_id"]].astype("str")
    posts: dict[str, list[tuple[str, ...]]] = {}
    for code, *post in sorted(held.itertuples(index=False, name=None)):
        posts.setdefault(str(code), []).append(tuple(map(str, post)))
    return posts


def _figures(a: Plan, b: Plan) -> pd.DataFrame:
    sides = [_figures_of(plan) for plan in (a, b)]
    table = pd.DataFrame(dict(zip(("a", "b"), sides, strict=True)), dtype="float64")
    table["difference"] = (table["b"] - table["a"]).round(6)
    return table.rename_axis("figure")


def _figures_of(plan: Plan) -> dict[str, float | None]:
    report = plan.report
    severity = plan.findings["severity"].value_counts()
    counts, households = report["counts"], report["households"]
    cells = counts["cells"]
    figures: dict[str, float | None] = {
        **{name: counts[name] for name in ("communities", "buildings")},
        **{name: households[name] for name in ("assigned", "unassigned", "estimated")},
        **{name: cells[name] for name in ("small_general", "small_dedicated", "micro")},
    }
    for level in ("small", "micro"):
        reached = report["balance"][level]
        share = reached["in_band"] / reached["cells"] if reached["cells"] else None
        figures |= {
            f"{level}_in_band": share,
            f"{level}_deviation": reached["mean_abs_dev"],
            f"{level}_compactness": report["compactness"][level],
            f"{level}_on_barriers": report["barrier_share"][level],
        }
    return figures | {
        "multipart": report["multipart_cells"],
        "posts_filled": report["staff"]["posts_filled"],
        "vacancies": report["staff"]["vacancies"],
        "errors": int(severity.get("error", 0)),
        "warnings": int(severity.get("warning", 0)),
    }


def _communities(a: Plan, b: Plan, lineage: pd.DataFrame) -> pd.DataFrame:
    sides = [_communities_of(plan).add_suffix(f"_{side}") for side, plan in (("a", a), ("b", b))]
    table = pd.concat(sides, axis=1).sort_index()
    leaves = lineage[lineage["new"].isin(b.leaves["code"]) & lineage["old"].isin(a.leaves["code"])]
    other = leaves[leaves["old"] != leaves["new"]]
    home = dict(zip(b.leaves["code"], b.leaves["community"], strict=True))
    moved = other["households"].groupby(other["new"].map(home)).sum()
    names = pd.concat([a.medium, b.medium]).drop_duplicates("community", keep="last")
    table["name"] = names.set_index("community")["name"].reindex(table.index)
    table["moved"] = moved.reindex(table.index).fillna(0).astype("int64")
    return table.rename_axis("community").reset_index()[list(COMMUNITY_COLUMNS)]


def _communities_of(plan: Plan) -> pd.DataFrame:
    index = pd.Index(plan.medium["community"], dtype="str")
    figures = {"households": plan.medium.set_index("community")["households"]}
    general: list[gpd.GeoDataFrame] = []
    for level in ("small", "micro"):
        cells = plan.cells(level)
        figures[level] = cells.groupby("community").size()
        general.append(cells[cells["grid_type"] == "general"])
    both = pd.concat(general)
    figures["in_band"] = (both["band"] == "in").groupby(both["community"]).sum()
    return pd.DataFrame(
        {name: held.reindex(index).fillna(0) for name, held in figures.items()}
    ).astype("Int64")
