"""A plan -> for each leaf the order in which its buildings are visited, and how far that is."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from gridcell.arguments import checked
from gridcell.arrays import Geometries, run_starts, spread
from gridcell.errors import InputError
from gridcell.model import Finding, Plan
from gridcell.schema import VISIT_COLUMNS, WALK_COLUMNS
from gridcell.streets.findings import street_findings
from gridcell.streets.joined import Joined
from gridcell.streets.network import WalkingNetwork, walking_network
from gridcell.visits.kernels import order_stops
from gridcell.words.messages import Message, some

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_PAIRS: Final = 4_000_000
"""Distances of pairs of buildings that are held at once."""
_NO_WAY_M: Final = 1e6
"""What a leg off the streets costs more: as few as can be are taken."""


@dataclass(frozen=True, eq=False, kw_only=True)
class VisitingOrders:
    """Orders of visit, and how long they are.

    Examples
    --------
    `plan` is that of the example of `make_plan`.

    >>> import gridcell
    >>> orders = gridcell.visiting_orders(plan, cells=["450899001001001"])
    >>> bool((abs(orders.ways.length - orders.ways["metres"]) < 0.01).all())
    True
    """

    crs: pyproj.CRS
    cells: pd.DataFrame
    """`schema.WALK_COLUMNS`, a row a leaf, by code."""
    visits: gpd.GeoDataFrame
    """`schema.VISIT_COLUMNS`, a row a visit, by code and order; the geometry is the place."""
    findings: tuple[Finding, ...]
    """What is to be known of the streets, and of buildings that none of them reaches."""
    round_trip: bool
    """Whether each way leads back to its first building, which is then its last row, too."""
    network: WalkingNetwork
    places: Joined
    """(visits,) the places, joined to their streets."""

    @cached_property
    def ways(self) -> gpd.GeoDataFrame:
        """The line that is walked in each cell with two visits or more, by code."""
        leg = np.flatnonzero(self.visits["visit"].to_numpy() > 1)
        paths = self.network.paths(self.places, leg - 1, leg)
        code = self.visits["code"].to_numpy(dtype=object)[leg]
        lines = _chained(paths, code)
        walked = self.cells[self.cells["visits"] > 1].reset_index(drop=True)
        return gpd.GeoDataFrame(walked, geometry=lines, crs=self.crs)


@checked
def visiting_orders(
    plan: Plan, *, everything: bool = False, round_trip: bool = False,
    cells: Iterable[str] | None = None,
) -> VisitingOrders:  # fmt: skip
    """Return for each leaf the shortest order found in which its buildings are visited on foot.

    The way goes along the streets (`walking_network`), from building to building. It begins and
    ends at any two of them, since people come to a cell from anywhere, or leads back to where it
    began. Up to 12 buildings the order is the shortest there is; beyond, ``gap`` tells by how much
    it could be too long at most.

    Parameters
    ----------
    plan
        A plan with buildings.
    everything
        Visit every building; by default those with households.
    round_trip
        Lead back to the first building.
    cells
        Codes of the only cells to visit, of any level.

    Returns
    -------
    VisitingOrders
        The same for the same plan.

    Raises
    ------
    InputError
        A plan without buildings, a code of no cell.

    Notes
    -----
    Held and Karp 1962 up to 12 buildings; beyond, moves of two streets and of chains in an iterated
    local search, and the bound of Held and Karp 1970.

    Examples
    --------
    `plan` is that of the example of `make_plan`.

    >>> import gridcell
    >>> orders = gridcell.visiting_orders(plan)
    >>> len(orders.cells) == len(plan.leaves), bool((orders.cells["gap"] <= 0.03).all())
    (True, True)
    >>> orders.visits.loc[orders.visits["visit"] == 1, "leg_m"].unique().tolist()
    [0.0]
    """
    codes = plan.leaves["code"].sort_values(ignore_index=True)
    if cells is not None:
        codes = _chosen(plan, codes, list(cells))
    stops = _stops(plan, codes, everything=everything)
    network = walking_network(plan)
    places = network.join(shapely.get_coordinates(stops.geometry.to_numpy()))
    cell = pd.Index(codes).get_indexer(pd.Index(stops["code"])).astype(np.int64)
    count = np.bincount(cell, minlength=len(codes)).astype(np.int64)
    order, length, bound = _orders(network, places, count, round_trip=round_trip)
    if round_trip:
        order = _closed(order, count)
    visits = stops.iloc[order].reset_index(drop=True)
    places = places.take(order)
    visits["visit"], visits["leg_m"], along = _legs(visits, network, places)
    visits["way"] = np.where(along, "street", "straight")
    total = visits.groupby("code")["leg_m"].cumsum()
    visits["metres"] = total.round(3)
    visits["minutes"] = np.round(network.minutes(total.to_numpy()), 2)
    visits["leg_m"] = visits["leg_m"].round(3)
    measured = pd.DataFrame(
        {
            "code": codes, "visits": count,
            "households": np.bincount(cell, stops["households"], len(codes)).astype(np.int64),
            "metres": np.round(length, 3), "minutes": np.round(network.minutes(length), 2),
            "bound_m": np.round(bound, 3),
            "gap": np.round(1 - bound / np.where(length > 0, length, 1.0), 6) * (length > 0),
        }
    )  # fmt: skip
    return VisitingOrders(
        crs=plan.crs, cells=measured[list(WALK_COLUMNS)],
        visits=visits[[*VISIT_COLUMNS, "geometry"]], round_trip=round_trip, network=network,
        places=places, findings=(*street_findings(network), *_findings(visits, places, network)),
    )  # fmt: skip


def _chosen(plan: Plan, codes: "pd.Series[str]", wanted: list[str]) -> "pd.Series[str]":
    """Return the leaves that have one of the codes, or lie in a cell that has."""
    kept = np.zeros(len(codes), dtype=bool)
    leaf = plan.leaves.set_index("code")
    small = plan.small.set_index("code")
    medium = plan.medium.set_index("code")
    above = codes.map(leaf["parent"])
    parent = [codes, above, codes.map(leaf["community"])]
    parent.append(above.map(small["parent"]).fillna(above))
    parent.append(parent[-1].map(medium["parent"]))
    lost = []
    for code in wanted:
        own = np.zeros(len(codes), dtype=bool)
        for names in parent:
            own |= (names == code).to_numpy(dtype=bool, na_value=False)
        kept |= own
        if not own.any():
            lost.append(code)
    if lost:
        raise InputError(Message("error.no_such_cells", codes=some(lost)))
    return codes[kept].reset_index(drop=True)


def _stops(plan: Plan, codes: "pd.Series[str]", *, everything: bool) -> gpd.GeoDataFrame:
    """Return a row a building and leaf, in the order of codes, then of ids."""
    buildings = plan.buildings
    if buildings.empty:
        raise InputError(Message("error.plan_no_buildings"))
    buildings = buildings[buildings["code"].isin(codes)]
    households = pd.to_numeric(buildings["households"]).fillna(0).astype("int64")
    shapes = np.asarray(buildings.geometry.array, dtype=object)
    frame = pd.DataFrame(
        {
            "code": buildings["code"].to_numpy(dtype=object),
            "bldg_id": buildings["bldg_id"].to_numpy(dtype=object), "households": households,
            "area": shapely.area(shapes), "row": np.arange(len(shapes)),
        }
    )  # fmt: skip
    # Several slabs of a building in one cell are one stop: at the largest.
    frame = frame.sort_values(
        ["code", "bldg_id", "area", "row"], ascending=[True, True, False, True]
    )
    total = frame.groupby(["code", "bldg_id"], sort=False)["households"].transform("sum")
    frame = frame.assign(households=total).drop_duplicates(["code", "bldg_id"])
    if not everything:
        frame = frame[frame["households"] > 0]
    points = shapely.point_on_surface(shapes[frame["row"].to_numpy()])
    out = frame[["code", "bldg_id", "households"]].reset_index(drop=True)
    out = out.astype({"code": "str", "bldg_id": "str"})
    return gpd.GeoDataFrame(out, geometry=points, crs=plan.crs)


def _orders(
    network: WalkingNetwork, places: Joined, count: Ints, *, round_trip: bool
) -> tuple[Ints, Floats, Floats]:
    """Return the rows of places in the order of visit, cell after cell; metres and bounds."""
    order = np.empty(len(places), dtype=np.int64)
    length, bound = np.zeros(len(count)), np.zeros(len(count))
    first = np.cumsum(count) - count
    pairs = count * count
    stops = np.cumsum(pairs)
    cell = 0
    while cell < len(count):
        done = stops[cell] - pairs[cell]
        end = max(cell + 1, int(np.searchsorted(stops, done + _PAIRS, side="right")))
        part = np.flatnonzero(count[cell:end]) + cell
        owner, place = spread(pairs[part])
        size = count[part][owner]
        a, b = first[part][owner] + place // size, first[part][owner] + place % size
        half = a < b
        metres = np.zeros(len(a))
        metres[half], way = _walked(network, places, a[half], b[half])
        metres[half] += np.where(way, 0.0, _NO_WAY_M)
        start = np.cumsum(pairs[part]) - pairs[part]
        # The other half of each table is the same.
        metres[~half] = metres[(start[owner] + (place % size) * size + place // size)[~half]]
        rows = np.empty(int(count[part].sum()), dtype=np.int64)
        own_length, own_bound = np.empty(len(part)), np.empty(len(part))
        if len(part):
            order_stops(metres, start, count[part], round_trip, rows, own_length, own_bound)
        added = np.floor(own_length / _NO_WAY_M) * _NO_WAY_M
        length[part], bound[part] = own_length - added, np.maximum(own_bound - added, 0.0)
        low = first[cell]
        order[low : low + len(rows)] = rows + np.repeat(first[part], count[part])
        cell = end
    return order, length, bound


def _walked(network: WalkingNetwork, places: Joined, a: Ints, b: Ints) -> tuple[Floats, Bools]:
    """Return metres between places, and whether there is a way: else it is straight."""
    metres = network.between(places, a, b)
    lost = ~np.isfinite(metres)
    metres[lost] = np.hypot(*(places.xy[a[lost]] - places.xy[b[lost]]).T)
    return metres, ~lost


def _closed(order: Ints, count: Ints) -> Ints:
    """Return the order with the first place of each cell again as its last."""
    several = count[count > 0]
    end = np.cumsum(several)
    back = several > 1
    return np.insert(order, end[back], order[(end - several)[back]])


def _legs(
    visits: gpd.GeoDataFrame, network: WalkingNetwork, places: Joined
) -> tuple[Ints, Floats, Bools]:
    """Return the number of each visit, the metres to it, and whether these are along streets."""
    code = visits["code"].to_numpy(dtype=object)
    first = run_starts(code)
    number = np.arange(len(code)) - np.repeat(first, np.diff(np.append(first, len(code)))) + 1
    leg = np.flatnonzero(number > 1)
    metres, along = np.zeros(len(code)), np.full(len(code), not network.straight)
    metres[leg], reached = _walked(network, places, leg - 1, leg)
    along[leg] &= reached
    return number, metres, along


def _findings(
    visits: gpd.GeoDataFrame, places: Joined, network: WalkingNetwork
) -> Iterable[Finding]:
    """Return a finding for each cell in which a way is straight for want of a street."""
    if network.straight:
        return
    lost = visits[(visits["way"] == "straight").to_numpy()]
    for code, rows in lost.groupby("code", sort=True):
        yield Finding(
            kind="walk_straight", severity="warning", cell=str(code),
            measure=float(rows["leg_m"].sum()), place=rows.geometry.iloc[0],
            text=Message("finding.walk_straight", cell=str(code), n=len(rows)),
        )  # fmt: skip
    over = visits[places.over & ~visits.duplicated(["code", "bldg_id"])]
    for code, rows in over.groupby("code", sort=True):
        yield Finding(
            kind="walk_over_wall", severity="note", cell=str(code),
            measure=float(len(rows)), place=rows.geometry.iloc[0],
            text=Message("finding.walk_over_wall", cell=str(code), n=len(rows)),
        )  # fmt: skip


def _chained(paths: Geometries, code: NDArray[np.object_]) -> Geometries:
    """Return the legs of each cell as one line."""
    xy, leg = shapely.get_coordinates(paths, return_index=True)
    first = run_starts(code)
    cell = np.repeat(np.arange(len(first)), np.diff(np.append(first, len(code))))[leg]
    again = np.zeros(len(xy), dtype=bool)
    again[1:] = (xy[1:] == xy[:-1]).all(axis=1) & (cell[1:] == cell[:-1])
    # A line has two points at least, even if nobody goes anywhere.
    ends = np.append(run_starts(cell)[1:], len(cell)) - 1
    again[ends[np.bincount(cell[~again], minlength=len(first)) == 1]] = False
    return np.asarray(shapely.linestrings(xy[~again], indices=cell[~again]), dtype=object)
