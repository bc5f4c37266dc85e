"""Communities that could not be divided, taken out of the land and of its division."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gridcell.fabric.arcs import take_arcs
from gridcell.model import Fabric
from gridcell.partition.divide import Division

Ints = NDArray[np.int64]


def leave_out(fabric: Fabric, division: Division, rows: Ints) -> tuple[Fabric, Division]:
    """Return the land and its division without some communities.

    Those that remain are numbered anew, in their order. What stood on the land of the others has
    no atom, and borders with it are borders of the whole.

    Parameters
    ----------
    fabric, division
        Of all communities.
    rows
        Rows of the communities to leave out.
    """
    home = fabric.atoms["community"].to_numpy()
    kept = ~np.isin(home, rows)
    number = np.append(np.where(kept, np.cumsum(kept) - 1, -1), -1)
    left, right = number[fabric.arc_left], number[fabric.arc_right]
    arcs = np.flatnonzero((left >= 0) | (right >= 0))
    start, vertex = take_arcs(fabric.arc_start, fabric.arc_vertices, arcs)
    land = replace(
        fabric,
        atoms=fabric.atoms[kept]
        .assign(community=home[kept] - np.searchsorted(np.sort(rows), home[kept]))
        .reset_index(drop=True),
        arc_start=start,
        arc_vertices=vertex,
        arc_left=left[arcs],
        arc_right=right[arcs],
        arc_length=fabric.arc_length[arcs],
        arc_barrier=fabric.arc_barrier[arcs],
        arc_open=fabric.arc_open[arcs],
        pieces=fabric.pieces.assign(atom=number[fabric.pieces["atom"]]),
    )
    smalls, small = np.unique(division.small[kept], return_inverse=True)
    leaves, leaf = np.unique(division.leaf[kept], return_inverse=True)
    of_small = division.community_of_small[smalls]
    return land, Division(
        small=small,
        leaf=leaf,
        small_of_leaf=np.searchsorted(smalls, division.small_of_leaf[leaves]),
        community_of_small=of_small - np.searchsorted(np.sort(rows), of_small),
        site_of_small=division.site_of_small[smalls],
        small_neighbours_tried=division.small_neighbours_tried[smalls],
        leaf_neighbours_tried=division.leaf_neighbours_tried[leaves],
    )
