"""Wanted numbers of cells that no division can have, found before any search."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gridcell.errors import PartitionError
from gridcell.partition.graph import Graph
from gridcell.partition.targets import Targets

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
                faults.append(f"community {codes[row]!r}: {why}")
    if faults:
        raise PartitionError("\n".join(faults))


def _fault(
    level: str, wanted: int, least: int, pieces: int, atoms: int, households: float
) -> str | None:
    """Return why a number of cells is impossible and which is not; ``None`` where it is possible.

    `least` is the number of separate pieces for small cells, of small cells for micro cells.
    """
    column = f"n_{level}"
    if not wanted:
        return None
    if not atoms:
        return f"its sites leave no general land for {_cells(wanted, level)}; leave {column} empty"
    if not households:
        return (
            f"no household lives on its general land, so {_cells(wanted, level)} cannot have a "
            f"target; leave {column} empty"
        )
    if wanted > atoms:
        return (
            f"{_many(atoms, 'atom')} cannot form {_cells(wanted, level)}; lower {column} to "
            f"{atoms} or divide the atoms"
        )
    if wanted >= least:
        return None
    if level == "small":
        return (
            f"its general land lies in {pieces} separate pieces, each of which needs a cell, but "
            f"{_cells(wanted, level)} wanted; raise {column} to at least {least} or leave it empty"
        )
    lower = f", or set n_small to at most {wanted}" if wanted >= pieces else ""
    return (
        f"{_cells(wanted, level)} cannot fill {_cells(least, 'small')}, each of which needs one; "
        f"raise {column} to at least {least}{lower}"
    )


def _cells(count: int, level: str) -> str:
    return _many(count, f"{level} cell")


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
