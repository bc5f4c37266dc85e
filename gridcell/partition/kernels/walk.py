"""Walks over neighbours: what is connected."""

from numba import njit

from gridcell.partition.kernels.state import Ints


@njit(cache=True, nogil=True)
def holds_without(
    atom: int, first: Ints, neighbour: Ints, of: Ints, mark: Ints, queue: Ints, stamp: Ints
) -> bool:
    """Return whether an atom's cell stays one piece without it; it must have other atoms.

    The walk ends as soon as it has met all the atom's neighbours in the cell.

    Parameters
    ----------
    atom
        Its number.
    first, neighbour
        As in `Adjacency`.
    of
        (atoms,) cell of each.
    mark, queue, stamp
        As in `Scratch`.
    """
    stamp[0] += 1
    now = stamp[0]
    own = of[atom]
    wanted, source = 0, -1
    for k in range(first[atom], first[atom + 1]):
        j = neighbour[k]
        if of[j] == own:
            wanted += 1
            source = j
            mark[j] = -now
    if wanted <= 1:
        return wanted == 1
    mark[source] = now
    mark[atom] = now
    queue[0] = source
    wanted -= 1
    head, tail = 0, 1
    while head < tail:
        v = queue[head]
        head += 1
        for k in range(first[v], first[v + 1]):
            j = neighbour[k]
            if of[j] == own and mark[j] != now:
                if mark[j] == -now:
                    wanted -= 1
                    if wanted == 0:
                        return True
                mark[j] = now
                queue[tail] = j
                tail += 1
    return False


@njit(cache=True, nogil=True)
def gather(
    start: int, x: int, y: int, first: Ints, neighbour: Ints, of: Ints, mark: Ints, queue: Ints,
    stamp: Ints,
) -> int:  # fmt: skip
    """Put the atoms of the groups x and y that can be reached into `queue`; return how many.

    Parameters
    ----------
    start
        The atom to begin with.
    x, y
        The groups.
    first, neighbour, of, mark, queue, stamp
        As for `holds_without`.
    """
    stamp[0] += 1
    now = stamp[0]
    mark[start] = now
    queue[0] = start
    head, tail = 0, 1
    while head < tail:
        v = queue[head]
        head += 1
        for k in range(first[v], first[v + 1]):
            j = neighbour[k]
            if (of[j] == x or of[j] == y) and mark[j] != now:
                mark[j] = now
                queue[tail] = j
                tail += 1
    return tail
