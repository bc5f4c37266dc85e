"""Walks over neighbours: what is connected."""

from numba import njit

from gridcell.partition.kernels.state import Adjacency, Cells, Ints, Scratch


@njit(cache=True, nogil=True)
def holds_without(atom: int, land: Adjacency, cells: Cells, scratch: Scratch) -> bool:
    """Return whether an atom's cell stays one piece without it; it must have other atoms.

    The walk ends as soon as it has met all the atom's neighbours in the cell.
    """
    scratch.stamp[0] += 1
    stamp, mark, queue = scratch.stamp[0], scratch.mark, scratch.queue
    own = cells.of[atom]
    wanted, source = 0, -1
    for k in range(land.first[atom], land.first[atom + 1]):
        j = land.neighbour[k]
        if cells.of[j] == own:
            wanted += 1
            source = j
            mark[j] = -stamp
    if wanted <= 1:
        return wanted == 1
    mark[source] = stamp
    mark[atom] = stamp
    queue[0] = source
    wanted -= 1
    head, tail = 0, 1
    while head < tail:
        v = queue[head]
        head += 1
        for k in range(land.first[v], land.first[v + 1]):
            j = land.neighbour[k]
            if cells.of[j] == own and mark[j] != stamp:
                if mark[j] == -stamp:
                    wanted -= 1
                    if wanted == 0:
                        return True
                mark[j] = stamp
                queue[tail] = j
                tail += 1
    return False


@njit(cache=True, nogil=True)
def gather(start: int, x: int, y: int, land: Adjacency, of: Ints, scratch: Scratch) -> int:
    """Put the atoms of the groups x and y that can be reached into `queue`; return how many."""
    scratch.stamp[0] += 1
    stamp, mark, queue = scratch.stamp[0], scratch.mark, scratch.queue
    mark[start] = stamp
    queue[0] = start
    head, tail = 0, 1
    while head < tail:
        v = queue[head]
        head += 1
        for k in range(land.first[v], land.first[v + 1]):
            j = land.neighbour[k]
            if (of[j] == x or of[j] == y) and mark[j] != stamp:
                mark[j] = stamp
                queue[tail] = j
                tail += 1
    return tail
