"""Entrances of buildings: where along a building they stand, and which slab is theirs."""

import re
from dataclasses import replace
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridcell.arrays import apportion, run_starts, spread
from gridcell.fabric.axes import LongAxes
from gridcell.model import Fabric, Layers

Ints = NDArray[np.int64]
Reals = NDArray[np.float64]

_TOUCH: Final = 1e-3
"""Slabs that overlap by less of their building's length stand one behind the other."""
_DIGITS: Final = re.compile(r"\d+")
_HAN: Final = re.compile(r"([一二三四五六七八九])?(十)?([一二三四五六七八九])?")
_HAN_DIGITS: Final = dict(zip("一二三四五六七八九", range(1, 10), strict=True))


def unit_numbers(units: "pd.Series[str]") -> Reals:
    """Return the number in each name of an entrance: ``3``, ``3单元``, ``三单元``; else ``inf``."""
    codes, distinct = pd.factorize(units)
    numbers = np.array([_number(str(name)) for name in distinct] + [np.inf])
    return numbers[codes]


def entrance_span(table: pd.DataFrame, buildings: gpd.GeoDataFrame) -> tuple[Reals, Reals]:
    """Return along which part of its building's length the entrance of each line stands.

    Entrances are numbered from west to east along the long axis and are equally wide. Where the
    building says how many it has (``units``) and no number is beyond, the number is the place;
    else those that the register names stand side by side in their order.

    Parameters
    ----------
    table
        ``building`` (row or -1) and ``unit`` of each line, numbered from 0.
    buildings
        ``units`` where known.

    Returns
    -------
    west, east
        (lines,) from 0 at the west end to 1 at the east end; 0 and 1 without an entrance.
    """
    west, east = np.zeros(len(table)), np.ones(len(table))
    named = (table["building"] >= 0) & table["unit"].notna()
    lines = table.loc[named, ["building", "unit"]]
    if lines.empty:
        return west, east
    lines = lines.assign(number=unit_numbers(lines["unit"]))
    # 1, 01 and 1单元 are one entrance.
    lines["unit"] = lines["unit"].where(np.isinf(lines["number"]), "")
    order = lines.sort_values(["building", "number", "unit"], kind="stable")
    building = order["building"].to_numpy()
    new = np.append(False, ~order.duplicated(["building", "number", "unit"]).to_numpy()[1:])
    first = run_starts(building)
    size = np.diff(np.append(first, len(order)))
    rank = np.cumsum(new)
    place = rank - np.repeat(rank[first], size)
    several = np.repeat(np.maximum.reduceat(place, first) + 1, size)
    if "units" in buildings:
        said = buildings["units"].fillna(0).to_numpy(dtype=np.int64)[building]
        number = order["number"].to_numpy()
        fits = np.repeat(np.maximum.reduceat(np.where(number < 1, np.inf, number), first), size)
        within = fits <= said
        several = np.where(within, said, several)
        place = np.where(within, np.where(within, number, 1) - 1, place)
    rows = order.index.to_numpy()
    west[rows], east[rows] = place / several, (place + 1) / several
    return west, east


def households_along(table: pd.DataFrame) -> tuple[Ints, Reals]:
    """Return every household of placed lines as a place along its building, from west to east.

    Those of one entrance are spread over its width, ordered by id; those without an entrance over
    the whole building.

    Parameters
    ----------
    table
        `HouseholdCounts.register`, lines with a building only.

    Returns
    -------
    line, place
        (households,) position in `table`, and place from 0 to 1; by building, then place.
    """
    key = ["building", "west", "east"]
    rank = table.reset_index(drop=True).sort_values("household_id", kind="stable")
    rank = rank.iloc[np.lexsort([rank[name] for name in reversed(key)])]
    group = rank.groupby(key, sort=False)["count"]
    count = rank["count"].to_numpy()
    before, total = (group.cumsum() - rank["count"]).to_numpy(), group.transform("sum").to_numpy()
    owner, step = spread(count)
    west, east = rank["west"].to_numpy()[owner], rank["east"].to_numpy()[owner]
    place = west + (before[owner] + step + 0.5) / total[owner] * (east - west)
    order = np.lexsort((place, rank["building"].to_numpy()[owner]))
    return rank.index.to_numpy()[owner[order]], place[order]


def with_entrances(layers: Layers, register: pd.DataFrame) -> Layers:
    """Return the layers with the number of entrances from the register, where buildings lack it.

    Slabs then end between entrances, and nobody's neighbours are in another cell.

    Parameters
    ----------
    layers
        Checked inputs; with given atoms they stay as they are.
    register
        `HouseholdCounts.register`.
    """
    lines = _told(register)
    if layers.buildings is None or layers.atoms is not None or lines.empty:
        return layers
    width = (lines["east"] - lines["west"]).groupby(lines["building"]).min()
    number = (1 / width).round().astype("Int64").reindex(range(len(layers.buildings)))
    buildings = layers.buildings.copy()
    number.index = buildings.index
    known = buildings.get("units", number)
    buildings["units"] = known.astype("Int64").fillna(number)
    return replace(layers, buildings=buildings)


def share_by_entrance(fabric: Fabric, layers: Layers, register: pd.DataFrame) -> Fabric:
    """Return the fabric with the households of slabs as the register has them by entrance.

    The fabric shares the households of a building among its slabs as if all entrances held
    equally many. Where the register tells the entrances, each slab gets those of the entrances
    that stand in it. A building's total stays.

    Parameters
    ----------
    fabric
        Made with the households that the register counts.
    layers
        Checked inputs; with given atoms the fabric stays as it is.
    register
        `HouseholdCounts.register`.

    Notes
    -----
    Buildings in several parts keep equal shares: nothing tells in which part an entrance is.
    """
    if layers.buildings is None or layers.atoms is not None:
        return fabric
    footprints = layers.buildings.geometry.to_numpy()
    building = fabric.pieces["building"].to_numpy()
    told = np.bincount(_told(register)["building"], minlength=len(footprints)) > 0
    shared = told & _is_cut(footprints, building)
    rows = np.flatnonzero(shared[building])
    if not len(rows):
        return fabric
    outlines = fabric.outlines.geometry.to_numpy()[rows]
    strip, begin = _strips(outlines, building[rows], footprints)

    lines = register[register["building"] >= 0]
    lines = lines[shared[lines["building"]]]
    line, place = households_along(lines)
    home = np.searchsorted(begin, _on_scale(lines["building"].to_numpy()[line], place), "right") - 1
    of_strip = np.bincount(home, minlength=len(begin)).astype(np.int64)
    households = fabric.pieces["households"].to_numpy(copy=True)
    households[rows] = apportion(of_strip, strip, shapely.area(outlines))
    return _with_households(fabric, households)


def _is_cut(footprints: NDArray[np.object_], building: Ints) -> NDArray[np.bool_]:
    """Return which buildings are one polygon and several pieces."""
    single = shapely.get_num_geometries(footprints) == 1
    cut: NDArray[np.bool_] = single & (np.bincount(building, minlength=len(footprints)) > 1)
    return cut


def _strips(
    pieces: NDArray[np.object_], building: Ints, footprints: NDArray[np.object_]
) -> tuple[Ints, Reals]:
    """Return the strips across their building that pieces make up.

    Pieces side by side are one strip: those of a bent building, or of a tower in two rows.

    Parameters
    ----------
    pieces, building
        By building, then from west to east.
    footprints
        All buildings.

    Returns
    -------
    strip, begin
        (pieces,) the strip of each, from 0; (strips,) where each begins, as `_on_scale` tells. The
        first strip of a building begins where its building does.
    """
    rows, number = np.unique(building, return_inverse=True)
    west, east = LongAxes.of(footprints[rows]).extent_of(pieces, number)
    reach = np.maximum.accumulate(_on_scale(building, east))
    opens = _on_scale(building, west) >= np.append(-np.inf, reach[:-1]) - _TOUCH
    strip = np.cumsum(opens) - 1
    first = run_starts(strip)
    begin = np.minimum.reduceat(west, first)
    begin[run_starts(building[first])] = 0.0
    return strip, _on_scale(building[first], begin)


def _on_scale(building: Ints, place: Reals) -> Reals:
    """Return places along buildings on one scale for all of them, on which none overlap."""
    scale: Reals = 2.0 * building + place
    return scale


def _with_households(fabric: Fabric, households: Ints) -> Fabric:
    """Return the fabric with other households in its pieces, and so in their atoms."""
    change = households - fabric.pieces["households"].to_numpy()
    atom = fabric.pieces["atom"].to_numpy()
    inside = atom >= 0
    more = np.bincount(atom[inside], weights=change[inside], minlength=len(fabric.atoms))
    return replace(
        fabric,
        pieces=fabric.pieces.assign(households=households),
        atoms=fabric.atoms.assign(
            households=fabric.atoms["households"].to_numpy() + more.astype(np.int64)
        ),
    )


def _told(register: pd.DataFrame) -> pd.DataFrame:
    """Return the lines of the register that say where along a building they are."""
    return register[(register["building"] >= 0) & (register["east"] - register["west"] < 1)]


def _number(name: str) -> float:
    """Return the first number in a name, in digits or Chinese up to 99; ``inf`` without any."""
    if (digits := _DIGITS.search(name)) is not None:
        return float(int(digits.group()))
    for match in _HAN.finditer(name):
        if match.group():
            tens, ten, ones = match.groups()
            if ten is None:
                return float(_HAN_DIGITS[tens])
            return float(10 * _HAN_DIGITS.get(tens, 1) + _HAN_DIGITS.get(ones, 0))
    return float("inf")
