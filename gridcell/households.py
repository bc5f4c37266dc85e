"""Households: counted or estimated by building, placed in slabs and cells, none lost."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridcell.arrays import fold, spread
from gridcell.model import Fabric, Finding, Layers, place_of
from gridcell.rules import Households
from gridcell.schema import HOUSEHOLD_COLUMNS

Ints = NDArray[np.int64]

NOT_LIVED_IN = (
    "agricultural", "allotment_house", "barn", "bridge", "bunker", "cabin", "carport", "chapel",
    "church", "cathedral", "civic", "commercial", "construction", "cowshed", "factory",
    "farm_auxiliary", "fire_station", "garage", "garages", "government", "grandstand", "greenhouse",
    "hangar", "hospital", "hut", "industrial", "kindergarten", "kiosk", "mosque", "office",
    "parking", "public", "religious", "retail", "roof", "ruins", "school", "service", "shed",
    "silo", "sports_hall", "stable", "storage_tank", "sty", "supermarket", "temple", "toilets",
    "tower", "train_station", "transformer_tower", "university", "warehouse",
    "agricole", "annexe", "commercial et services", "industriel", "religieux", "sportif",
    "商业", "工业", "办公", "学校", "医院", "仓库", "公共",
)  # fmt: skip
"""Uses of buildings in which an estimate counts nobody, in lower case: values of OpenStreetMap's
``building``, of the French BD TOPO, and Chinese ones."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Counted:
    """Households by building (or given atom), and where each line of the register went."""

    households: Ints
    """(buildings,) to the unit."""
    estimated: bool
    register: pd.DataFrame
    """One row a line of the register: ``household_id``, ``unit``, ``count``, ``building`` (row or
    -1), ``how``, ``distance_m``, ``reason``. No rows without a register."""
    findings: tuple[Finding, ...] = ()


def count_households(layers: Layers, rules: Households | None = None) -> Counted:
    """Return how many households each building holds: registered, counted, or estimated.

    The register counts where there is one; differences from counts on buildings are findings.
    Without any figure households are estimated from floor area, and said to be.

    Parameters
    ----------
    layers
        Checked inputs. With `Layers.atoms`, these take the place of buildings.
    rules
        How far a point may be from its building, and what estimates rest on.
    """
    rules = rules or Households()
    if layers.atoms is not None:
        return _in_atoms(layers)
    buildings = layers.buildings
    if buildings is None:
        return Counted(households=np.empty(0, np.int64), estimated=False, register=_no_register())
    known = pd.to_numeric(buildings["households"])
    if layers.households is not None:
        return _registered(layers.households, buildings, known, rules)
    if known.notna().any():
        found = []
        if unknown := int(known.isna().sum()):
            found.append(
                Finding(
                    kind="households_unknown", severity="note", measure=float(unknown),
                    message=f"{unknown} of {len(known)} buildings have no figure: counted as 0",
                )
            )  # fmt: skip
        counts = known.fillna(0).to_numpy(dtype=np.int64)
        return Counted(
            households=counts, estimated=False, register=_no_register(), findings=tuple(found)
        )
    counts = estimate_households(buildings, rules)
    note = Finding(
        kind="estimated", severity="warning", measure=float(counts.sum()),
        message=(
            f"no household figures were given: {counts.sum()} households were estimated from floor "
            f"area, {rules.m2_per_household:g} m2 each"
        ),
    )  # fmt: skip
    return Counted(households=counts, estimated=True, register=_no_register(), findings=(note,))


def estimate_households(buildings: gpd.GeoDataFrame, rules: Households | None = None) -> Ints:
    """Return households by building from footprint, floors and use.

    Floor area is footprint times floors (else height over the height of a storey, else 1). A
    building that may be lived in holds at least one household; sheds and other uses none.

    Parameters
    ----------
    buildings
        ``floors``, ``height`` (metres), ``use``, all optional; polygons in a metric CRS.
    rules
        Floor area of a household, height of a storey, smallest footprint lived in.
    """
    rules = rules or Households()
    none = pd.Series(np.nan, index=buildings.index)
    floors = pd.to_numeric(buildings.get("floors", none))
    height = pd.to_numeric(buildings.get("height", none))
    by_height = (height / rules.metres_per_floor).round().clip(lower=1)
    storeys = floors.fillna(by_height).fillna(1.0).clip(lower=1).to_numpy(dtype=np.float64)
    footprint = buildings.area.to_numpy()
    counts = np.maximum(np.round(footprint * storeys / rules.m2_per_household), 1)
    use = buildings.get("use", pd.Series("", index=buildings.index)).astype("str").str.lower()
    empty = (footprint < rules.min_footprint_m2) | use.isin(NOT_LIVED_IN).to_numpy()
    return np.where(empty, 0, counts).astype(np.int64)


def place_register(pieces: pd.DataFrame, register: pd.DataFrame) -> pd.DataFrame:
    """Return the register by piece of building.

    Entrances are numbered from west to east, as slabs are: a building's households, ordered by
    unit and id, fill its pieces one after another. A line of several households that no piece
    can hold alone becomes one row for each piece, so that figures add up to the unit.

    Parameters
    ----------
    pieces
        `Fabric.pieces`, made with the households that the register counts.
    register
        `Counted.register`.

    Returns
    -------
    pd.DataFrame
        The register in its order and on its index, with ``piece`` (row of `pieces`, or -1).
    """
    register = register.reset_index(drop=True)
    register["piece"] = np.full(len(register), -1, dtype=np.int64)
    placed = register[register["building"] >= 0]
    if placed.empty:
        return register
    ranked = placed.assign(
        number=pd.to_numeric(placed["unit"], errors="coerce").fillna(np.inf)
    ).sort_values(["building", "number", "unit", "household_id"], kind="stable")
    building, count = ranked["building"].to_numpy(), ranked["count"].to_numpy()
    before = np.cumsum(count) - count
    first = fold(building)
    before = before - np.repeat(before[first], np.diff(np.append(first, len(building))))

    # Places are numbered through: those of a piece end where those of the next begin.
    source = pieces["building"].to_numpy()
    ends = np.cumsum(pieces["households"].to_numpy())
    start = np.append(0, ends)[np.searchsorted(source, building)] + before
    last = np.searchsorted(source, building, side="right") - 1
    low = np.minimum(np.searchsorted(ends, start, side="right"), last)
    high = np.searchsorted(ends, start + np.maximum(count, 1) - 1, side="right")
    high = np.clip(high, low, last)
    line, step = spread(high - low + 1)
    piece = low[line] + step
    opening = np.append(0, ends)[piece]
    share = np.minimum(ends[piece], (start + count)[line]) - np.maximum(opening, start[line])
    share = np.where(low[line] == high[line], count[line], np.maximum(share, 0))
    rows = ranked.iloc[line].assign(piece=piece, count=share).drop(columns="number")
    rows = rows[(share > 0) | (count[line] == 0)]
    return pd.DataFrame(pd.concat([register[register["building"] < 0], rows]).sort_index())


def household_table(
    register: pd.DataFrame,
    pieces: pd.DataFrame,
    names: NDArray[np.object_],
    *,
    leaf: NDArray[np.object_],
    small: NDArray[np.object_],
    community: NDArray[np.object_],
) -> pd.DataFrame:
    """Return `schema.HOUSEHOLD_COLUMNS`: every line of the register, and every household left out.

    Without a register only households left out are listed, one row a building, without an id.

    Parameters
    ----------
    register
        From `place_register`.
    pieces
        `Fabric.pieces`.
    names
        (buildings,) their ids, for reasons.
    leaf, small, community
        Codes by atom.
    """
    if register.empty:
        register = _left_out(pieces)
    piece = register["piece"].to_numpy()
    atom = np.append(pieces["atom"].to_numpy(), -1)[piece]
    inside = atom >= 0
    reason = register["reason"].to_numpy(dtype=object, copy=True)
    outside = np.flatnonzero((piece >= 0) & ~inside)
    reason[outside] = [_outside(names[b]) for b in register["building"].to_numpy()[outside]]
    table = pd.DataFrame(
        {
            "household_id": register["household_id"],
            "code": _at(leaf, atom),
            "small": _at(small, atom),
            "community": _at(community, atom),
            "how": register["how"].where(inside),
            "distance_m": register["distance_m"].where(inside),
            "count": register["count"],
            "reason": reason,
        }
    )
    text = ["household_id", "code", "small", "community", "how", "reason"]
    table = table.astype(dict.fromkeys(text, "str") | {"distance_m": "float64", "count": "int64"})
    if not table.index.is_unique:
        # Slabs of one building may end up in one leaf: then the line is in it once.
        part = [table.index, table["code"]]
        table["count"] = table.groupby(part, dropna=False)["count"].transform("sum")
        table = table[~table.assign(line=table.index).duplicated(["line", "code"])]
    return table[list(HOUSEHOLD_COLUMNS)].reset_index(drop=True)


def building_table(
    fabric: Fabric, names: NDArray[np.object_], leaf: NDArray[np.object_]
) -> gpd.GeoDataFrame:
    """Return `schema.BUILDING_COLUMNS` and outlines, one row a piece; no code outside all cells.

    Parameters are those of `household_table`.
    """
    pieces = fabric.pieces
    return gpd.GeoDataFrame(
        {
            "bldg_id": pd.Series(names[pieces["building"]], dtype="str"),
            "households": pieces["households"].to_numpy(),
            "code": pd.Series(_at(leaf, pieces["atom"].to_numpy()), dtype="str"),
        },
        geometry=fabric.outlines.geometry.to_numpy(),
        crs=fabric.crs,
    )


def outside_findings(fabric: Fabric, names: NDArray[np.object_]) -> list[Finding]:
    """Return a finding for every footprint that stands outside every community."""
    rows = np.flatnonzero(fabric.pieces["atom"] < 0)
    lost = fabric.pieces.iloc[rows]
    return [
        Finding(
            kind="building_outside",
            severity="warning" if households else "note",
            measure=float(households),
            place=place_of(outline),
            message=f"{_outside(names[building])}: its {households} households are not assigned",
        )
        for building, households, outline in zip(
            lost["building"], lost["households"], fabric.outlines.geometry.iloc[rows], strict=True
        )
    ]


def _at(codes: NDArray[np.object_], atom: Ints) -> NDArray[np.object_]:
    """Return the code of each atom, ``None`` for -1."""
    out = np.full(len(atom), None, dtype=object)
    out[atom >= 0] = codes[atom[atom >= 0]]
    return out


def _outside(name: str) -> str:
    return f"building {name} stands outside every community"


def _left_out(pieces: pd.DataFrame) -> pd.DataFrame:
    """Return the households of pieces outside every community as lines of a register."""
    rows = np.flatnonzero((pieces["atom"] < 0) & (pieces["households"] > 0))
    lost = pieces.iloc[rows]
    none = np.full(len(rows), None, dtype=object)
    return pd.DataFrame(
        {
            "household_id": none,
            "count": lost["households"].to_numpy(),
            "building": lost["building"].to_numpy(),
            "how": none,
            "distance_m": np.nan,
            "reason": none,
            "piece": rows,
        }
    )


def _registered(
    register: pd.DataFrame, buildings: gpd.GeoDataFrame, known: pd.Series, rules: Households
) -> Counted:
    table = _locate(register, buildings, rules.nearest_m)
    placed = table["building"] >= 0
    counts = np.bincount(
        table.loc[placed, "building"], weights=table.loc[placed, "count"], minlength=len(buildings)
    ).astype(np.int64)
    found = []
    differs = known.notna().to_numpy() & (known.fillna(0).to_numpy(dtype=np.float64) != counts)
    if differs.any():
        example = int(np.flatnonzero(differs)[0])
        found.append(
            Finding(
                kind="register_differs", severity="warning", measure=float(differs.sum()),
                place=place_of(buildings.geometry.iloc[example]),
                message=(
                    f"the register differs from the figure on {differs.sum()} buildings, for "
                    f"example {buildings['bldg_id'].iloc[example]}: {counts[example]} registered, "
                    f"{known.iloc[example]:g} on the building; the register counts"
                ),
            )
        )  # fmt: skip
    lost = table[~placed]
    for reason, rows in lost.groupby(
        lost["reason"].str.replace(r"'.*'|[\d.]+ m\b", "…", regex=True)
    ):
        found.append(
            Finding(
                kind="household_unplaced", severity="warning",
                measure=float(rows["count"].sum()),
                message=(
                    f"{rows['count'].sum()} households could not be placed ({reason}), for example "
                    f"{rows['household_id'].iloc[0]}: they are listed with the reason"
                ),
            )
        )  # fmt: skip
    return Counted(households=counts, estimated=False, register=table, findings=tuple(found))


def _locate(register: pd.DataFrame, buildings: gpd.GeoDataFrame, nearest_m: float) -> pd.DataFrame:
    """Return the register with the building of each line, how it was found, or why not."""
    table = register[["household_id", "unit", "count"]].reset_index(drop=True)
    by_id = pd.Series(np.arange(len(buildings)), index=buildings["bldg_id"].to_numpy())
    wanted = register["bldg_id"].reset_index(drop=True)
    building = wanted.map(by_id).fillna(-1).to_numpy(dtype=np.int64)
    how = np.full(len(table), None, dtype=object)
    how[building >= 0] = "building"
    how[(building >= 0) & table["unit"].notna().to_numpy()] = "unit"
    distance = np.where(building >= 0, 0.0, np.nan)
    reason = np.full(len(table), None, dtype=object)

    xy = register[["x", "y"]].to_numpy(dtype=np.float64)
    has_point = np.isfinite(xy).all(axis=1)
    rest = np.flatnonzero((building < 0) & has_point)
    if len(rest) and len(buildings):
        # Nearest covers both: inside a building the distance is 0.
        near, row, far = _nearest(buildings, xy[rest])
        ok = far <= nearest_m
        at = rest[near[ok]]
        building[at], distance[at] = row[ok], far[ok]
        how[at] = np.where(far[ok] > 0, "nearest", "point")
        reason[rest[near[~ok]]] = [
            f"the nearest building is {d:.0f} m away, more than {nearest_m:g} m" for d in far[~ok]
        ]
    lost = (building < 0) & ~has_point
    reason[lost] = [
        "neither a building nor a point is given" if pd.isna(b) else f"no building has the id '{b}'"
        for b in wanted[lost]
    ]
    return table.assign(building=building, how=how, distance_m=distance, reason=reason)


def _nearest(
    frame: gpd.GeoDataFrame, xy: NDArray[np.float64]
) -> tuple[Ints, Ints, NDArray[np.float64]]:
    """Return point, nearest row (the first of several) and distance, one entry a point."""
    pairs, far = shapely.STRtree(frame.geometry.to_numpy()).query_nearest(
        shapely.points(xy), return_distance=True
    )
    order = np.lexsort((pairs[1], pairs[0]))
    point, row, far = pairs[0][order], pairs[1][order], far[order]
    first = fold(point)
    return point[first], row[first], far[first]


def _in_atoms(layers: Layers) -> Counted:
    """Return the households of given atoms, by the register where it has points."""
    assert layers.atoms is not None  # noqa: S101
    atoms = layers.atoms
    counts = atoms["households"].to_numpy(dtype=np.int64)
    if layers.households is None:
        # Hexagons may have got the figures of whole communities, by area.
        estimated = any(finding.kind == "estimated" for finding in layers.findings)
        return Counted(households=counts, estimated=estimated, register=_no_register())
    named = atoms.assign(bldg_id=atoms["atom_id"])
    return _registered(
        layers.households, named, pd.Series(np.nan, index=named.index), Households(nearest_m=0.0)
    )


def _no_register() -> pd.DataFrame:
    columns = {
        "household_id": "str", "unit": "str", "count": "int64", "building": "int64", "how": "str",
        "distance_m": "float64", "reason": "str",
    }  # fmt: skip
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in columns.items()})
