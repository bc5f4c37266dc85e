"""Wanted numbers of cells that no division can have, found before any search."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gridcell.errors import PartitionError
from gridcell.partition.graph import Graph
from gridcell.partition.targets import Targets
from gridcell.words.messages import Message, counted, joined

Ints = NDArray[np.int64]


def require_possible(
    graph: Graph,
    community: Ints,
    small: Targets,
    micro: Targets | None,
    codes: Sequence[str],
) -> None:
    """Raise `PartitionError` where a community cannot have its wanted number of cells.

    A cell is connected and has an atom of its own, so there are at least as many small cells as
    separate pieces of land, at least as many micro cells as small cells, and at most as many of
    either as atoms. Every number between is possible.

    Parameters
    ----------
    graph
        The general land of all communities.
    community
        (atoms,) row of the community.
    small, micro
        With the wanted numbers. Where none is wanted, nothing is impossible.
    codes
        (communities,) codes, for the message.

    Raises
    ------
    PartitionError
        Naming every such community with the nearest number that works, a line each.
    """
    n = len(codes)
    wanted = small.wanted > 0
    if micro is not None:
        wanted = wanted | (micro.wanted > 0)
    if not wanted.any():
        return
    piece = graph.components()
    home = np.empty(int(piece.max(initial=-1)) + 1, dtype=np.int64)
    home[piece] = community
    pieces = np.bincount(home, minlength=n)
    atoms = np.bincount(community, minlength=n)
    households = np.bincount(community, weights=graph.weight, minlength=n)
    # As many small cells as there will be; a wanted number is moved to the nearest possible one.
    share = np.bincount(piece, weights=graph.weight, minlength=len(home)).astype(np.float64)
    free = np.minimum(small.cells_for(share, home), np.bincount(piece, minlength=len(home)))
    cells = np.where(
        small.wanted > 0,
        np.clip(small.wanted, pieces, np.maximum(atoms, pieces)),
        np.bincount(home, weights=free, minlength=n),
    ).astype(np.int64)

    faults = []
    for row in np.flatnonzero(wanted).tolist():
        asked = [("small", int(small.wanted[row]))]
        if micro is not None:
            asked.append(("micro", int(micro.wanted[row])))
        for level, count in asked:
            least = int(pieces[row] if level == "small" else cells[row])
            why = _fault(level, count, least, int(pieces[row]), int(atoms[row]), households[row])
            if why:
                faults.append(Message("error.wanted_impossible", community=codes[row], why=why))
    if faults:
        raise PartitionError(joined("lines", faults))


def _fault(
    level: str, wanted: int, least: int, pieces: int, atoms: int, households: float
) -> Message | None:
    """Return why a number of cells is impossible and which is not; ``None`` where it is possible.

    `least` is the number of separate pieces for small cells, of small cells for micro cells.
    """
    if not wanted:
        return None
    cells = _cells(wanted, level)
    if not atoms:
        return Message(f"wanted.no_land_{level}", cells=cells)
    if not households:
        return Message(f"wanted.nobody_{level}", cells=cells)
    if wanted > atoms:
        made_of = counted("atom", atoms)
        return Message(f"wanted.few_atoms_{level}", atoms=made_of, cells=cells, most=atoms)
    if wanted >= least:
        return None
    if level == "small":
        return Message("wanted.pieces", pieces=pieces, cells=cells, least=least)
    key = "wanted.too_few_lower" if wanted >= pieces else "wanted.too_few"
    lower = {"most": wanted} if wanted >= pieces else {}
    return Message(key, cells=cells, small=_cells(least, "small"), least=least, **lower)


def _cells(count: int, level: str) -> Message:
    return counted(f"{level}_cells", count)
