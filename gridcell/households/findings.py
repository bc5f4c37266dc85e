"""What is odd about household figures: counted against the register, buildings and communities."""

from collections.abc import Sequence
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridcell.coverage.holders import find_holders
from gridcell.households.entrances import unit_numbers
from gridcell.households.estimate import LIVED_IN, storeys_of, uses_of
from gridcell.model import Finding, Layers, place_of
from gridcell.rules import Households
from gridcell.words.messages import Message, counted

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

LEAST_M2: Final = 15.0
"""Floor area below which no household lives, walls and stairs included."""


def unplaced_findings(
    table: pd.DataFrame, register: pd.DataFrame, buildings: gpd.GeoDataFrame
) -> list[Finding]:
    """Return a finding for each kind of reason for which lines of the register have no building.

    Parameters are those of `unplaced`.
    """
    return [
        Finding(
            kind="household_unplaced", severity="warning", measure=float(str(what.params["n"])),
            text=Message("finding.household_unplaced", what=what),
        )
        for what in unplaced(table, register, buildings)
    ]  # fmt: skip


def unplaced(
    table: pd.DataFrame, register: pd.DataFrame, buildings: gpd.GeoDataFrame
) -> list[Message]:
    """Return how many households have no building, by the kind of reason, with an example.

    Parameters
    ----------
    table
        From `locate_lines`.
    register
        The lines as they were given, in the same order.
    buildings
        ``bldg_id``, for hints at ids that nearly match.
    """
    lost = table[(table["building"] < 0) & table["reason"].notna()]
    kinds = np.array([reason.msgid for reason in lost["reason"]], dtype=np.str_)
    told = []
    for kind in np.unique(kinds).tolist():
        rows = lost[kinds == kind]
        reason = rows["reason"].iloc[0]
        params = {
            "n": rows["count"].sum(), "household": rows["household_id"].iloc[0],
            "why": Message(kind.replace("unplaced.", "unplaced_kind.")),
        }  # fmt: skip
        hint = None
        if kind == "unplaced.unknown_id":
            hint = _hint(register.loc[lost.index, "bldg_id"], buildings["bldg_id"])
        if not reason.params:
            told.append(Message("part.unplaced", **params))
        elif hint is None:
            told.append(Message("part.unplaced_example", **params, reason=reason))
        else:
            told.append(Message("part.unplaced_hint", **params, reason=reason, hint=hint))
    return told


def register_findings(
    table: pd.DataFrame,
    register: pd.DataFrame,
    layers: Layers,
    buildings: gpd.GeoDataFrame,
    known: pd.Series,
    counts: Ints,
    rules: Households,
) -> list[Finding]:
    """Return what in the register does not go with the buildings that it names.

    Parameters
    ----------
    table
        From `locate_lines`.
    register
        The lines as they were given, in the same order.
    layers
        For the communities.
    buildings
        ``bldg_id``, ``units``, ``use`` where known.
    known
        (buildings,) figures on the buildings, NaN where there is none.
    counts
        (buildings,) households registered.
    rules
        `Households.nearest_m`.
    """
    return [
        *_differences(buildings, known, counts),
        *_unknown_entrances(table, buildings),
        *_far_points(table, register, buildings, rules.nearest_m),
        *_across(table, register, layers, buildings),
        *_empty_homes(buildings, counts),
    ]


def crowding_findings(
    buildings: gpd.GeoDataFrame, households: Ints, rules: Households
) -> list[Finding]:
    """Return a finding for each building too small for its households, by its floors.

    Parameters
    ----------
    buildings
        ``bldg_id``, ``floors``, ``height`` (metres); without either nothing is said.
    households
        (buildings,) counted, not estimated.
    rules
        Height of a storey.
    """
    floor_m2 = storeys_of(buildings, rules).to_numpy(dtype=np.float64) * buildings.area.to_numpy()
    rows = np.flatnonzero((households > 1) & (households * LEAST_M2 > floor_m2))
    return [
        Finding(
            kind="building_crowded", severity="warning", place=place,
            measure=float(households[row]),
            text=Message(
                "finding.building_crowded", building=name, n=households[row], floor=floor_m2[row],
                least=LEAST_M2,
            ),
        )
        for row, name, place in _places(buildings, rows)
    ]  # fmt: skip


def community_findings(
    communities: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame, households: Ints
) -> list[Finding]:
    """Return a finding for each community with other than the households it says it has.

    Above 100 % it is a warning, below a note.

    Parameters
    ----------
    communities
        ``code`` and, where known, ``households``.
    buildings, households
        Footprints and what each holds.
    """
    if "households" not in communities or communities["households"].isna().all():
        return []
    home = find_holders(buildings.geometry.to_numpy(), communities.geometry.to_numpy())
    counted = np.bincount(
        home[home >= 0], weights=households[home >= 0], minlength=len(communities)
    ).astype(np.int64)
    said = communities["households"].astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan)
    rows = np.flatnonzero(~np.isnan(said) & (said != counted))
    return [
        Finding(
            kind="community_differs", severity="warning" if counted[row] > said[row] else "note",
            community=str(code), measure=float(counted[row] - said[row]), place=place,
            text=_against("community_differs", counted[row], said[row], community=code),
        )
        for row, code, place in _places(communities, rows, name="code")
    ]  # fmt: skip


def _differences(buildings: gpd.GeoDataFrame, known: pd.Series, counts: Ints) -> list[Finding]:
    figure = known.astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan)
    differs = np.flatnonzero(~np.isnan(figure) & (figure != counts))
    if not len(differs):
        return []
    over = differs[counts[differs] > figure[differs]]
    example = int(differs[0])
    findings = [
        Finding(
            kind="register_differs", severity="warning", measure=float(len(differs)),
            place=place_of(buildings.geometry.iloc[example]),
            text=Message(
                "finding.register_differs", n=len(differs),
                over=Message("part.have_more", n=len(over)),
                building=buildings["bldg_id"].iloc[example], registered=counts[example],
                figure=figure[example], all_registered=counts[differs].sum(),
                all_figures=figure[differs].sum(),
            ),
        )
    ]  # fmt: skip
    findings += [
        Finding(
            kind="over_dwellings", severity="warning", place=place,
            measure=float(counts[row] - figure[row]),
            text=_against("over_dwellings", counts[row], figure[row], building=name),
        )
        for row, name, place in _places(buildings, over)
    ]  # fmt: skip
    return findings


def _unknown_entrances(table: pd.DataFrame, buildings: gpd.GeoDataFrame) -> list[Finding]:
    """Return a finding where lines name an entrance beyond the last one of their building."""
    if "units" not in buildings:
        return []
    lines = table[(table["building"] >= 0) & table["unit"].notna()]
    number = unit_numbers(lines["unit"])
    units = buildings["units"].fillna(0).to_numpy(dtype=np.int64)[lines["building"]]
    beyond = lines[np.isfinite(number) & (units > 0) & (number > units)]
    if beyond.empty:
        return []
    row = int(beyond["building"].iloc[0])
    return [
        Finding(
            kind="entrance_unknown", severity="warning", measure=float(beyond["count"].sum()),
            place=place_of(buildings.geometry.iloc[row]),
            text=Message(
                "finding.entrance_unknown", n=beyond["count"].sum(),
                buildings=counted("building", beyond["building"].nunique()),
                household=beyond["household_id"].iloc[0], unit=beyond["unit"].iloc[0],
                building=buildings["bldg_id"].iloc[row], units=buildings["units"].iloc[row],
            ),
        )
    ]  # fmt: skip


def _far_points(
    table: pd.DataFrame, register: pd.DataFrame, buildings: gpd.GeoDataFrame, nearest_m: float
) -> list[Finding]:
    """Return a finding where lines name a building and a point far from it."""
    xy = register[["x", "y"]].to_numpy(dtype=np.float64)
    by_id = table["how"].isin(["building", "unit"]).to_numpy()
    lines = np.flatnonzero(by_id & np.isfinite(xy).all(axis=1))
    geometry = buildings.geometry.to_numpy()
    away = shapely.distance(
        shapely.points(xy[lines]), geometry[table["building"].to_numpy()[lines]]
    )
    far = away > nearest_m
    if not far.any():
        return []
    worst = int(np.argmax(np.where(far, away, -1.0)))
    line = table.iloc[lines[worst]]
    return [
        Finding(
            kind="place_differs", severity="warning",
            measure=float(table["count"].to_numpy()[lines[far]].sum()),
            place=shapely.Point(xy[lines[worst]]),
            text=Message(
                "finding.place_differs", n=table["count"].to_numpy()[lines[far]].sum(),
                limit=nearest_m, household=line["household_id"], away=away[worst],
                building=buildings["bldg_id"].iloc[line["building"]],
            ),
        )
    ]  # fmt: skip


def _across(
    table: pd.DataFrame, register: pd.DataFrame, layers: Layers, buildings: gpd.GeoDataFrame
) -> list[Finding]:
    """Return a note where the nearest building is in another community than the point."""
    lines = np.flatnonzero((table["how"] == "nearest").to_numpy())
    if not len(lines):
        return []
    land = layers.communities.geometry.to_numpy()
    xy = register[["x", "y"]].to_numpy(dtype=np.float64)[lines]
    rows = table["building"].to_numpy()[lines]
    home = find_holders(buildings.geometry.to_numpy()[rows], land)
    touching = np.zeros(len(lines), dtype=bool)
    point, row = shapely.STRtree(land).query(shapely.points(xy), predicate="intersects")
    somewhere = np.isin(np.arange(len(lines)), point)
    touching[point[home[point] == row]] = True
    other = somewhere & ~touching & (home >= 0)
    if not other.any():
        return []
    first = int(np.flatnonzero(other)[0])
    line, code = table.iloc[lines[first]], layers.communities["code"].iloc[home[first]]
    total = table["count"].to_numpy()[lines[other]].sum()
    return [
        Finding(
            kind="household_across", severity="note", measure=float(total),
            community=str(code), place=shapely.Point(xy[first]),
            text=Message(
                "finding.household_across", n=total, household=line["household_id"],
                building=buildings["bldg_id"].iloc[rows[first]], community=code,
                away=line["distance_m"],
            ),
        )
    ]  # fmt: skip


def _empty_homes(buildings: gpd.GeoDataFrame, counts: Ints) -> list[Finding]:
    """Return a note where buildings made to live in hold nobody by the register."""
    homes = uses_of(buildings).isin(LIVED_IN).to_numpy()
    empty = np.flatnonzero(homes & (counts == 0))
    if not len(empty):
        return []
    row = int(empty[0])
    return [
        Finding(
            kind="home_empty", severity="note", measure=float(len(empty)),
            place=place_of(buildings.geometry.iloc[row]),
            text=Message(
                "finding.home_empty", n=len(empty), total=homes.sum(),
                building=buildings["bldg_id"].iloc[row],
            ),
        )
    ]  # fmt: skip


def _hint(wanted: "pd.Series[str]", ids: "pd.Series[str]") -> Message | None:
    """Return how ids that no building has would match, if zeros and capitals did not matter."""
    lost = wanted.dropna()
    known = pd.Series(ids.to_numpy(), index=_plain(ids)).groupby(level=0).first()
    match = pd.Series(_plain(lost).map(known).to_numpy(), index=lost.index).dropna()
    if match.empty:
        return Message("part.id_such_as", id=ids.iloc[0]) if len(ids) else None
    return Message("part.id_nearly", n=len(match), lost=lost.loc[match.index[0]], id=match.iloc[0])


def _plain(ids: "pd.Series[str]") -> "pd.Series[str]":
    return ids.str.casefold().str.replace(r"\s", "", regex=True).str.replace("^0+", "", regex=True)


def _places(
    frame: gpd.GeoDataFrame, rows: Ints, *, name: str = "bldg_id"
) -> Sequence[tuple[int, str, shapely.Point]]:
    """Return row, name and a point inside, for each of the rows."""
    points = shapely.point_on_surface(frame.geometry.to_numpy()[rows])
    return list(zip(rows.tolist(), frame[name].iloc[rows].astype(str), points, strict=True))


def _against(kind: str, number: int, figure: float, **params: object) -> Message:
    """Return a number of households against another figure, with the share where there is one."""
    if figure > 0:
        share = number / figure
        return Message(f"finding.{kind}_share", n=number, figure=figure, share=share, **params)
    return Message(f"finding.{kind}", n=number, figure=figure, **params)
