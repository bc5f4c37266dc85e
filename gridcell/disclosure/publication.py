"""A plan as it may be published: `publish_plan`."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd

from gridcell.arguments import checked
from gridcell.cells.columns import with_band_figures
from gridcell.disclosure.chain import NO_PIECES
from gridcell.disclosure.earlier import EarlierPublication, Hidden, crosswalk_of, hide_after
from gridcell.disclosure.intervals import feasibility_intervals, gives_away
from gridcell.disclosure.linked import Linked, link_earlier
from gridcell.disclosure.names import network_names
from gridcell.disclosure.network import Bools, CellTree, Network, make_cell_tree, make_network
from gridcell.disclosure.note import publication_note
from gridcell.disclosure.suppression import suppress
from gridcell.errors import Hint, InputError
from gridcell.facts import DivisionFigures, PublicationRecord
from gridcell.model import Plan, findings_frame
from gridcell.rules import WANTED_BAND, Band
from gridcell.schema import (
    BARRIER_COLUMNS,
    BUILDING_COLUMNS,
    CELL_COLUMNS,
    CELL_LAYERS,
    LEVELS,
)  # fmt: skip
from gridcell.words.catalogue import LANGUAGES
from gridcell.words.messages import Message

THRESHOLD: Final = 5
"""Fewest households that are told."""
MIN_THRESHOLD: Final = 2
PUBLISH_LEVELS: Final = ("micro", "small")
_SAME: Final = 1e-9
"""Part of a figure that rounding may change."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Publication:
    """What may be told of a plan.

    Examples
    --------
    `plan` is that of the example of `make_plan`.

    >>> import gridcell
    >>> publication = gridcell.publish_plan(plan)
    >>> publication.record.threshold, publication.record.households
    (5, 900)
    >>> len(publication.plan.households), len(publication.plan.staff)
    (0, 0)
    """

    plan: Plan
    """The cells; ``households``, ``estimated`` and ``band`` are missing where hidden, ``reason``
    everywhere, for reasons name buildings, and bands that follow from hidden counts. Households,
    staff, vacancies, findings, lineage, codes and history have no rows, buildings no households,
    and there is no land."""
    pairs: pd.DataFrame | None
    """With an earlier publication, the land that leaves of both share: ``a`` (new code), ``b`` (old
    code), ``relation``, ``area_m2``, ``share_a``, ``share_b``, ``buildings``, ``households``
    (missing where hidden), ``suppressed``; of several, with the latest."""
    exposed: tuple[str, ...] = ()
    """Names of the hidden counts that follow from what was published before, whatever is hidden
    now: cells, land that cells share. Not to be published."""

    @property
    def record(self) -> PublicationRecord:
        """What was hidden: `Plan.publication`."""
        assert self.plan.publication is not None  # noqa: S101 - `publish_plan` says it
        return self.plan.publication

    def _repr_html_(self) -> str:
        return self.plan._repr_html_()


@checked
def publish_plan(
    plan: Plan,
    *,
    threshold: int = THRESHOLD,
    level: str = "micro",
    earlier: Mapping[str, gpd.GeoDataFrame] | Sequence[EarlierPublication] | None = None,
    earlier_total: int | None = None,
) -> Publication:
    """Return a plan without people, in which no small count of households can be worked out.

    Counts of households from 1 to one below the threshold are hidden at every level, and then
    others: who adds and subtracts what is told, over levels, types and the pieces shared with an
    earlier division, still finds for each hidden count a range of values as wide as the threshold.
    See `gridcell.disclosure.suppression` for the method.

    Parameters
    ----------
    plan
        The plan.
    threshold
        Fewest households that are told, 2 or more.
    level
        The finest level that is told: ``micro``, or ``small`` to leave micro cells out, many of
        which are a single building.
    earlier
        What was published before: layers of an earlier division of the same land with ``code``,
        ``parent`` and ``households``, missing where hidden; ``leaves`` with polygons. It is taken
        to count the same households, as far as they stand on its land. Of several publications
        each as `EarlierPublication`, the latest first.
    earlier_total
        Households of the whole earlier division, where that was published; not of several.

    Raises
    ------
    InputError
        A threshold below 2; another level; divisions that share no land; cells that contradict
        their buildings; an earlier publication that was itself published after one that is not
        given.

    Examples
    --------
    `plan` is that of the example of `make_plan`. Its micro cells have about 40 households.

    >>> import gridcell
    >>> publication = gridcell.publish_plan(plan, threshold=40)
    >>> bool(publication.plan.small["households"].isna().any())
    False
    >>> bool(publication.plan.micro["households"].isna().any())
    True
    """
    if threshold < MIN_THRESHOLD:
        raise InputError(Message("error.threshold_low", given=threshold, least=MIN_THRESHOLD))
    if level not in PUBLISH_LEVELS:
        raise InputError(Message("error.level_one_of", level=level, levels=list(PUBLISH_LEVELS)))
    if level == "small":
        plan = _down_to_small(plan)
    division = make_cell_tree({name: plan.cells(name) for name in CELL_LAYERS}, None)
    given = _publications(earlier, earlier_total)
    before = [link_earlier(plan, division, each.levels, each.total) for each in given]
    hidden = _hidden(division, before, given, threshold)
    of_cell = pd.Series(hidden.cells, index=division.code)
    cells = {name: _masked(plan.cells(name), of_cell) for name in CELL_LAYERS}
    bands = _told_bands(plan, cells["small"])
    cells = {name: with_band_figures(frame, bands) for name, frame in cells.items()}
    if not _is_alike(plan.leaves):
        cells = {name: _untold(frame, "estimated") for name, frame in cells.items()}
    pairs = _pairs(before[0], hidden.pieces) if before else None
    record = PublicationRecord(
        threshold=threshold,
        households=None if hidden.total else division.known_total,
        hidden={name: int(frame["households"].isna().sum()) for name, frame in cells.items()},
        hidden_pairs=None if pairs is None else int(pairs["suppressed"].sum()),
        exposed=len(hidden.exposed),
        notes={lang: publication_note(threshold, lang) for lang in LANGUAGES},
        ok=plan.ok,
        estimated=plan.is_estimated,
        persons=plan.counts_persons,
    )
    return Publication(
        plan=dataclasses.replace(
            plan, **cells,
            barriers=_known(plan.barriers, BARRIER_COLUMNS),
            buildings=_known(plan.buildings, BUILDING_COLUMNS).assign(
                households=pd.array([pd.NA] * len(plan.buildings), dtype="Int64")
            ),
            households=plan.households.iloc[:0], staff=plan.staff.iloc[:0], fabric=None,
            lineage=plan.lineage.iloc[:0], codes=plan.codes.iloc[:0], history=plan.history.iloc[:0],
            undo=plan.undo.iloc[:0],
            vacancies=plan.vacancies.iloc[:0], findings=findings_frame([], plan.crs),
            inputs=(), bands=bands, estimated=0, staffing=None, siting=None,
            points=plan.points.iloc[:0], served=plan.served.iloc[:0],
            division=DivisionFigures(version=plan.division.version), publication=record,
        ),
        pairs=pairs, exposed=hidden.exposed,
    )  # fmt: skip


def _down_to_small(plan: Plan) -> Plan:
    """Return the plan as if its division had stopped at small cells."""
    above = plan.leaves["parent"].where(
        plan.leaves["level"] == LEVELS["micro"], plan.leaves["code"]
    )
    small = dict(zip(plan.leaves["code"], above, strict=True))
    return dataclasses.replace(
        plan, micro=plan.micro.iloc[:0], leaves=plan.small,
        buildings=plan.buildings.assign(code=plan.buildings["code"].map(small).astype("str")),
        rules=plan.rules.model_copy(update={"micro": None}),
        bands={at: band for at, band in plan.bands.items() if at[1] != "micro"},
    )  # fmt: skip


def _publications(
    earlier: Mapping[str, gpd.GeoDataFrame] | Sequence[EarlierPublication] | None,
    total: int | None,
) -> list[EarlierPublication]:
    if earlier is None:
        return []
    if isinstance(earlier, Mapping):
        return [EarlierPublication(levels=earlier, total=total)]
    return list(earlier)


def _hidden(
    division: CellTree,
    before: Sequence[Linked],
    given: Sequence[EarlierPublication],
    threshold: int,
) -> Hidden:
    """Return what to hide of a division after what was published before."""
    if given and given[-1].pairs is not None:
        raise InputError(Message("error.earlier_incomplete", path="earlier"), Hint("earlier"))
    linked = (before[0].pieces, before[0].division) if before else (None, None)
    network = make_network(division, *linked)
    hidden, exposed = _hide(network, threshold)
    names = network_names(division, network, {}, *linked)
    alone = Hidden(
        cells=hidden[network.cells], total=bool(hidden[network.total]),
        pieces=hidden[network.pieces],
        exposed=tuple(names[row].text for row in np.flatnonzero(exposed)),
    )  # fmt: skip
    if len(before) < 2:
        return alone
    crosswalks = [
        crosswalk_of(each.pairs, *(one.division for one in before[k : k + 2]))
        for k, each in enumerate(given[:-1])
    ]
    return hide_after(division, before, [*crosswalks, NO_PIECES], alone, threshold)


def _hide(network: Network, threshold: int) -> tuple[Bools, Bools]:
    """Return which counts of a network to hide, and which of them stay exposed."""
    free = np.flatnonzero(~network.protected)
    found = suppress(
        network.tail[free], network.head[free], network.count[free], threshold=threshold,
        suppressed=~network.published[free], nonsensitive=network.nonsensitive[free],
    )  # fmt: skip
    hidden, exposed = ~network.published, np.zeros(len(network.published), dtype=np.bool_)
    hidden[free], exposed[free] = found.suppressed, found.exposed
    low, high = feasibility_intervals(
        network.tail, network.head, network.count, hidden, wanted=exposed
    )
    exposed &= gives_away(low, high, threshold=threshold, single=network.single)
    return hidden, exposed


def _masked(cells: gpd.GeoDataFrame, hidden: "pd.Series[bool]") -> gpd.GeoDataFrame:
    mask = hidden.loc[cells["code"]].to_numpy()
    # Loads are made of households; what else somebody added may be anything, and anybody's.
    out = _known(cells, CELL_COLUMNS)
    out["households"] = pd.to_numeric(out["households"]).astype("Int64").mask(mask)
    out["estimated"] = pd.to_numeric(out["estimated"]).astype("Int64").mask(mask)
    out["band"] = out["band"].mask(mask)
    out["reason"] = pd.Series(None, index=out.index, dtype="str")
    return out


def _known(frame: gpd.GeoDataFrame, columns: Sequence[str]) -> gpd.GeoDataFrame:
    """Return a layer with these of its columns alone."""
    known = {*columns, frame.geometry.name}
    return frame[[name for name in frame.columns if name in known]].copy()


def _is_alike(leaves: gpd.GeoDataFrame) -> bool:
    """Tell whether all households are estimates, or none: parts would be a second table of sums."""
    part = leaves["estimated"]
    return bool((part == leaves["households"]).all() or (part == 0).all())


def _untold(cells: gpd.GeoDataFrame, column: str) -> gpd.GeoDataFrame:
    nothing = pd.array([pd.NA] * len(cells), dtype="Int64")
    return cells.assign(**{column: nothing})


def _pairs(before: Linked, hidden: Bools) -> pd.DataFrame:
    pairs = before.pairs
    mask = np.zeros(len(pairs), dtype=np.bool_)
    mask[before.rows] = hidden
    households = pairs["households"].astype("Int64").mask(mask)
    return pairs.assign(households=households, suppressed=mask)


def _told_bands(plan: Plan, small: gpd.GeoDataFrame) -> dict[tuple[str, str], Band]:
    """Return the bands that tell nothing of what is hidden."""
    # Where a number of cells was wanted, the band is made of the households on general land, and
    # these less those of general cells are a hidden one's. A band may be that of an earlier plan,
    # and so made of counts that are not those of this one.
    untold = set(small.loc[small["households"].isna(), "community"])
    general = small[small["grid_type"] == "general"].groupby("community")["households"].sum()
    of_rules = {
        level: [getattr(rules, level) for rules in (plan.rules, *plan.rules.classes.values())]
        for level in ("small", "micro")
    }
    return {
        (code, level): band
        for (code, level), band in plan.bands.items()
        if band in of_rules[level]
        or (
            plan.rules.load is None
            and code not in untold
            and not _is_of_others(band, float(general.get(code, 0)))
        )
    }


def _is_of_others(band: Band, households: float) -> bool:
    """Tell whether a band was made of other households than these on general land."""
    shape = tuple(share * band.target for share in WANTED_BAND)
    made = np.allclose((band.min, band.max), shape, rtol=_SAME, atol=0.0)
    cells = max(households, 1.0) / band.target
    return bool(made and not (cells > 0.5 and np.isclose(cells, round(cells), rtol=_SAME)))
