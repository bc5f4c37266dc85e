"""Several plans of the same land side by side: their figures, and the households that differ."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridcell.arguments import checked
from gridcell.coverage.holders import find_holders
from gridcell.display.cards import scenarios_html
from gridcell.errors import InputError
from gridcell.model import Plan
from gridcell.revision.compare import Comparison, compare_plans
from gridcell.words.messages import Message

DIFFERING_COLUMNS: Final = ("scenario", "bldg_id", "households", "code_first", "code", "geometry")
"""A row a building, or a part of one, whose households differ: the name of the plan that it is of,
the leaf cell of its place in the first plan, missing where there is none, and its own."""
_FEWEST: Final = 2


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Scenarios:
    """What several plans of the same land come to, the first compared with each of the others.

    Examples
    --------
    `plan` is that of the example of `make_plan`.

    >>> import gridcell
    >>> merged = gridcell.edit_plan(plan, [gridcell.Merge(*plan.micro["code"].iloc[:2])])
    >>> scenarios = gridcell.compare_scenarios({"as it is": plan, "merged": merged})
    >>> scenarios.figures.loc[["micro", "households_differ"]]
                       as it is  merged
    figure
    micro                  21.0    20.0
    households_differ       0.0    33.0
    """

    names: tuple[str, ...]
    """Of the plans, in their order."""
    comparisons: tuple[Comparison, ...]
    """Of the first plan with each of the others, which are in its CRS."""
    figures: pd.DataFrame
    """A column a plan, a row a figure: those of `Comparison.figures`, and ``households_differ``."""
    differing: gpd.GeoDataFrame
    """`DIFFERING_COLUMNS`: the households that live in another cell than in the first plan. Cells
    of two plans are the same where each holds most households of the other, whatever their codes;
    households outside such a pair differ."""

    @property
    def plans(self) -> tuple[Plan, ...]:
        """The plans, all in the CRS of the first."""
        return (self.comparisons[0].a, *(each.b for each in self.comparisons))

    def _repr_html_(self) -> str:
        return scenarios_html(self.figures)


@checked
def compare_scenarios(plans: Mapping[str, Plan]) -> Scenarios:
    """Return several plans of the same land side by side: ways to divide it, to choose from.

    Parameters
    ----------
    plans
        Two or more by their names. All are compared with the first.

    Raises
    ------
    InputError
        Fewer than two plans, or what `compare_plans` raises.

    Examples
    --------
    `plan` is that of the example of `make_plan`.

    >>> import gridcell
    >>> scenarios = gridcell.compare_scenarios({"A": plan, "again": plan})
    >>> scenarios.names, len(scenarios.differing)
    (('A', 'again'), 0)
    """
    if len(plans) < _FEWEST:
        raise InputError(Message("error.too_few_scenarios", n=len(plans)))
    names = tuple(plans)
    first, *others = plans.values()
    comparisons = tuple(compare_plans(first, other) for other in others)
    figures = pd.DataFrame(
        {
            names[0]: comparisons[0].figures["a"],
            **{n: each.figures["b"] for n, each in zip(names[1:], comparisons, strict=True)},
        }
    )
    frames = [
        _differing(each.a, each.b).assign(scenario=name)
        for name, each in zip(names[1:], comparisons, strict=True)
    ]
    found = gpd.GeoDataFrame(pd.concat(frames, ignore_index=True), crs=first.crs)
    held = found.groupby("scenario")["households"].sum().reindex(list(names)).fillna(0)
    figures.loc["households_differ"] = held.to_numpy(dtype=np.float64)
    return Scenarios(
        names=names, comparisons=comparisons, figures=figures,
        differing=found[list(DIFFERING_COLUMNS)],
    )  # fmt: skip


@checked
def write_scenarios(
    scenarios: Scenarios, path: str | Path, *, lang: str = "en", overwrite: bool = False
) -> list[Path]:
    """Write plans as one HTML file that needs no network; return the file.

    A table of their figures, and their maps side by side, which show the same view and mark the
    buildings of households that differ from the first plan.

    Parameters
    ----------
    scenarios
        From `compare_scenarios`.
    path
        The file. The same plans give the same bytes.
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
    >>> scenarios = gridcell.compare_scenarios({"A": plan, "again": plan})
    >>> [file.name for file in gridcell.write_scenarios(scenarios, folder / "both.html")]
    ['both.html']
    """
    # folium takes .3 s to import, and few programs draw.
    from gridcell.render.scenarios import write_side_by_side

    differing = scenarios.differing
    shapes = [differing.geometry[differing["scenario"] == name] for name in scenarios.names]
    plans = dict(zip(scenarios.names, scenarios.plans, strict=True))
    return [
        write_side_by_side(plans, scenarios.figures, shapes, path, lang=lang, overwrite=overwrite)
    ]


def _differing(a: Plan, b: Plan) -> gpd.GeoDataFrame:
    """Return the buildings of B whose households live in another cell than in A."""
    held = pd.to_numeric(b.buildings["households"]).fillna(0).astype("int64")
    stand = b.buildings[(held > 0) & b.buildings["code"].notna()]
    code = stand["code"].to_numpy(dtype=object)
    households = held[stand.index].to_numpy()
    point = shapely.point_on_surface(np.asarray(stand.geometry, dtype=object))
    leaf = find_holders(point, np.asarray(a.leaves.geometry, dtype=object))
    before = np.where(leaf >= 0, a.leaves["code"].to_numpy(dtype=object)[leaf], None)
    pairs = pd.DataFrame({"old": before, "new": code, "households": households}).dropna()
    shared = pairs.groupby(["old", "new"])["households"].sum().reset_index()
    shared = shared.sort_values(["households", "old", "new"], ascending=[False, True, True])
    # A pair is one cell in both plans where neither has more in common with any other.
    mutual = ~shared.duplicated("old") & ~shared.duplicated("new")
    same = set(shared.loc[mutual, ["old", "new"]].itertuples(index=False, name=None))
    differs = np.array([pair not in same for pair in zip(before, code, strict=True)], dtype=bool)
    frame = stand.loc[differs, ["bldg_id", "geometry"]].assign(
        households=households[differs], code=code[differs], code_first=before[differs]
    )
    return gpd.GeoDataFrame(frame.reset_index(drop=True), crs=b.crs)
