"""Which cells are outside their band, and why, as messages that a planner can act on."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridcell.model import Fabric
from gridcell.partition.divide import Division
from gridcell.partition.rivers import neighbouring
from gridcell.partition.targets import Targets
from gridcell.schema import LOAD
from gridcell.words.messages import Message, counted
from gridcell.workload import GRAIN, load_of, sum_loads

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Verdict:
    """How each cell of a level stands to its band."""

    band: NDArray[np.object_]
    """``in``, ``under``, ``over``; ``None`` for dedicated cells."""
    reason: NDArray[np.object_]
    """A `Message` for each cell outside its band, ``None`` for the others."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class _CellsOfLevel:
    """The cells of one level and the land that they were to share."""

    cell: Ints
    """(atoms,)"""
    parent: Ints
    """(atoms,) cell of the level above: no exchange goes beyond it."""
    community: Ints
    """(cells,) row of the community."""
    dedicated: NDArray[np.bool_]
    """(cells,)"""
    above: Literal["community", "small"]
    """The level above: the text ``land.…`` names its land."""
    neighbours_tried: Ints
    """(cells,) neighbours with which every division was gone through in search of a better one."""


def explain_small(
    fabric: Fabric,
    division: Division,
    targets: Targets,
    names: NDArray[np.object_],
) -> Verdict:
    """Return the verdict on every small cell.

    Parameters
    ----------
    fabric, division, targets
        The division and what its small cells were to reach.
    names
        (buildings,) ids.
    """
    level = _CellsOfLevel(
        cell=division.small,
        parent=fabric.atoms["community"].to_numpy(),
        community=division.community_of_small,
        dedicated=division.site_of_small >= 0,
        above="community",
        neighbours_tried=division.small_neighbours_tried,
    )
    return _explain(fabric, level, targets, names)


def explain_leaves(
    fabric: Fabric,
    division: Division,
    targets: Targets,
    names: NDArray[np.object_],
) -> Verdict:
    """Return the verdict on every leaf, held against the band of micro cells.

    Parameters are those of `explain_small`, with the targets of micro cells.
    """
    level = _CellsOfLevel(
        cell=division.leaf,
        parent=division.small,
        community=division.community_of_small[division.small_of_leaf],
        dedicated=(division.site_of_small >= 0)[division.small_of_leaf],
        above="small",
        neighbours_tried=division.leaf_neighbours_tried,
    )
    return _explain(fabric, level, targets, names)


def _explain(
    fabric: Fabric,
    level: _CellsOfLevel,
    targets: Targets,
    names: NDArray[np.object_],
) -> Verdict:
    n = len(level.community)
    atom = fabric.pieces["atom"].to_numpy()
    households = load_of(fabric.pieces)
    placed = np.flatnonzero(atom >= 0)
    at = level.cell[atom[placed]]
    grain, own = (GRAIN, "_load") if LOAD in fabric.atoms else (1.0, "")
    total = np.bincount(at, weights=households[placed], minlength=n).astype(np.float64)
    if own:
        total = sum_loads(level.cell, load_of(fabric.atoms), n)
    lived_in = np.bincount(at, weights=households[placed] > 0, minlength=n).astype(np.int64)
    # The fullest piece of each cell, as an example to look at.
    order = np.lexsort((households[placed], at))
    fullest = np.full(n, -1, dtype=np.int64)
    fullest[at[order]] = placed[order]

    low, high = targets.low[level.community], targets.high[level.community]
    band = np.where(total < low - 1e-9, "under", np.where(total > high + 1e-9, "over", "in"))
    band = band.astype(object)
    band[level.dedicated] = None

    land = _GeneralLand.of(fabric, level, total)
    building = fabric.pieces["building"].to_numpy()
    what = "atom" if (fabric.atoms["kind"] == "given").any() else "building"
    reason = np.full(n, None, dtype=object)
    for c in np.flatnonzero((band == "under") | (band == "over")):
        # The least and the most that a cell in the band can hold.
        least = _whole(np.ceil(low[c] / grain - 1e-9) * grain, grain)
        most = _whole(np.floor(high[c] / grain + 1e-9) * grain, grain)
        share, held_now = _whole(land.share[c], grain), _whole(total[c], grain)
        where = Message(f"land.{level.above}" + ("" if land.whole[c] else "_piece"))
        if band[c] == "over" and lived_in[c] == 1:
            name = names[building[fullest[c]]]
            reason[c] = Message(f"reason.{what}_alone{own}", name=name, n=held_now)
        elif share < least:
            reason[c] = Message(f"reason.too_few{own}", land=where, n=share)
        elif -(-share // max(most, grain)) * least > share:
            reason[c] = Message(
                f"reason.indivisible{own}", land=where, n=share, least=least, most=most
            )
        elif held_now == 0:
            reason[c] = Message("reason.uninhabited" if not own else "reason.without_load")
        else:
            held = {
                "households": (
                    Message("count.load", load=held_now) if own
                    else counted("household", held_now)
                ),
                "places": counted(what, lived_in[c]),
                "least": least, "most": most,
            }  # fmt: skip
            tried = level.neighbours_tried[c]
            reason[c] = (
                Message(f"reason.exhausted{own}", **held, neighbours=counted("neighbour", tried))
                if tried
                else Message(f"reason.not_found{own}", **held)
            )
    return Verdict(band=band, reason=reason)


def _whole(number: float, grain: float) -> float:
    """Return a number of households as a whole one, of load to the thousandth."""
    return int(number) if grain == 1.0 else round(float(number), 3)


@dataclass(frozen=True, eq=False, slots=True)
class _GeneralLand:
    """The connected general land around each cell, within its parent."""

    share: NDArray[np.float64]
    """(cells,) households, or load, on it."""
    whole: NDArray[np.bool_]
    """(cells,) whether it is all the general land of the parent."""

    @classmethod
    def of(cls, fabric: Fabric, level: _CellsOfLevel, total: NDArray[np.float64]) -> "_GeneralLand":
        general = np.append(~level.dedicated[level.cell], [False])
        parent = np.append(level.parent, [-1])
        a, b = fabric.arc_left, fabric.arc_right
        inner = general[a] & general[b] & (parent[a] == parent[b])
        inner &= neighbouring(fabric, np.flatnonzero(general[:-1]))
        n = len(level.cell)
        links = coo_array((np.ones(inner.sum(), dtype=np.int8), (a[inner], b[inner])), shape=(n, n))
        region = connected_components(links, directed=False)[1].astype(np.int64)
        # Cells are connected, so each lies in the region of any of its atoms.
        of_cell = np.zeros(len(total), dtype=np.int64)
        of_cell[level.cell] = region
        held = sum_loads(of_cell, total, int(of_cell.max(initial=-1)) + 1)
        first = np.unique(region[general[:-1]], return_index=True)[1]
        regions = np.bincount(level.parent[general[:-1]][first], minlength=level.parent.max() + 1)
        parent_of_cell = np.zeros(len(total), dtype=np.int64)
        parent_of_cell[level.cell] = level.parent
        return cls(held[of_cell], regions[parent_of_cell] == 1)
