"""What the search works on, and the numbers it draws."""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Words = NDArray[np.uint64]


class Adjacency(NamedTuple):
    """Atoms and their borders, as compressed rows; see `gridcell.partition.graph.Graph`."""

    first: Ints
    neighbour: Ints
    length: Floats
    perimeter: Floats
    weight: Floats
    area: Floats
    home: Ints
    """(atoms,) cell of an earlier division that each should stay in, -1 for none."""
    hold: Floats
    """(atoms,) what it costs to leave it."""
    reach: Floats
    """(atoms, directions) how far each reaches in so many directions; without any, it does not
    matter whether cells are convex."""


Land = Adjacency
"""Its name in 0.1.0, which compiled code cached by that version is looked up by before it is found
to be out of date."""


class Goal(NamedTuple):
    """What a cell should be, and what it costs not to be it."""

    target: float
    low: float
    high: float
    balance: float
    band: float
    shape: float
    outside: float
    """Cost of being outside the band at all."""


class Cells(NamedTuple):
    """Which atom is where, and the figures of every cell."""

    of: Ints
    """(atoms,) number of the cell."""
    weight: Floats
    area: Floats
    perimeter: Floats
    size: Ints
    """(cells,) atoms in it."""
    energy: Floats


class Scratch(NamedTuple):
    """Room that the kernels use over and over."""

    mark: Ints
    """(atoms,) stamp of the last walk that came by."""
    queue: Ints
    """(atoms,)"""
    side: Ints
    """(atoms,) 0 but within one call."""
    stamp: Ints
    """(1,) number of the last walk."""
    state: Words
    """(1,) of the random numbers."""


@njit(cache=True, nogil=True)
def new_scratch(atoms: int, seed: int) -> Scratch:
    """Return scratch for so many atoms, its random numbers from `seed`."""
    state = np.array([np.uint64(seed) * np.uint64(2) + np.uint64(1)])
    scratch = Scratch(
        np.zeros(atoms, dtype=np.int64), np.empty(atoms, dtype=np.int64),
        np.zeros(atoms, dtype=np.int64), np.zeros(1, dtype=np.int64), state,
    )  # fmt: skip
    for _ in range(8):
        draw(state)
    return scratch


@njit(cache=True, nogil=True, inline="always")
def draw(state: Words) -> float:
    """Return the next number in [0, 1): xorshift64* (Vigna 2016, doi:10.1145/2845077)."""
    x = state[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    state[0] = x
    return np.float64((x * np.uint64(2685821657736338717)) >> np.uint64(11)) / 9007199254740992.0


@njit(cache=True, nogil=True, inline="always")
def accepts(rise: float, heat: float, state: Words) -> bool:
    """Return whether a change is made that raises the energy by `rise` (Metropolis)."""
    return rise <= 0.0 or (heat > 0.0 and draw(state) < np.exp(-rise / heat))


@njit(cache=True, nogil=True, inline="always")
def energy(weight: float, area: float, perimeter: float, goal: Goal) -> float:
    """Return the cost of a cell."""
    deviation = (weight - goal.target) / goal.target
    out = goal.balance * deviation * deviation
    if weight < goal.low:
        out += goal.band * (goal.low - weight) / goal.target + goal.outside
    elif weight > goal.high:
        out += goal.band * (weight - goal.high) / goal.target + goal.outside
    return out + goal.shape * perimeter * perimeter / (12.566370614359172 * area)


@njit(cache=True, nogil=True, inline="always")
def leaving(home: int, hold: float, x: int, y: int) -> float:
    """Return what it costs that an atom goes from x to y: less than 0 when it comes home."""
    if home == x:
        return hold
    return -hold if home == y else 0.0


@njit(cache=True, nogil=True)
def measure(land: Adjacency, of: Ints, count: int, goal: Goal) -> Cells:
    """Return the figures of all cells; `of` is kept and changed in place later."""
    first, neighbour, length = land.first, land.neighbour, land.length
    weight, area, perimeter = np.zeros(count), np.zeros(count), np.zeros(count)
    size, cost = np.zeros(count, dtype=np.int64), np.zeros(count)
    for i in range(len(of)):
        c = of[i]
        weight[c] += land.weight[i]
        area[c] += land.area[i]
        inner = 0.0
        for k in range(first[i], first[i + 1]):
            if of[neighbour[k]] == c:
                inner += length[k]
        perimeter[c] += land.perimeter[i] - inner
        size[c] += 1
    for c in range(count):
        cost[c] = energy(weight[c], area[c], perimeter[c], goal)
    return Cells(of, weight, area, perimeter, size, cost)
