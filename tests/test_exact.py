"""The best division of a few atoms: nothing that anybody can list is better."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_partition import lattice, pieces_of, targets

from gridcell.partition.exact import MOST_ATOMS, divide_exactly
from gridcell.partition.graph import Graph
from gridcell.partition.kernels import Goal
from gridcell.partition.polish import polish
from gridcell.partition.search import divide_pieces
from gridcell.rules import Rules


def partitions(n: int, count: int) -> Iterator[np.ndarray]:
    """Every way to put n atoms into `count` cells."""

    def grow(head: list[int], used: int) -> Iterator[np.ndarray]:
        if len(head) == n:
            if used == count:
                yield np.array(head)
            return
        for cell in range(min(used + 1, count)):
            yield from grow([*head, cell], max(used, cell + 1))

    yield from grow([], 0)


def cost(graph: Graph, cell: np.ndarray, goal: Goal) -> tuple[int, float]:
    """Cells out of the band, and the energy of all, written down anew from the definition."""
    land = graph.land(0.5)
    owner = graph.owner
    out, total = 0, 0.0
    for c in np.unique(cell):
        mine = cell == c
        inner = mine[owner] & mine[land.neighbour]
        weight, area = land.weight[mine].sum(), land.area[mine].sum()
        rim = land.perimeter[mine].sum() - land.length[inner].sum()
        total += goal.balance * ((weight - goal.target) / goal.target) ** 2
        total += goal.shape * rim**2 / (4 * np.pi * area)
        if not goal.low <= weight <= goal.high:
            beyond = max(goal.low - weight, weight - goal.high)
            out += 1
            total += goal.band * beyond / goal.target + goal.outside
    return out, total


def best_listed(graph: Graph, count: int, goal: Goal) -> tuple[int, float]:
    return min(
        cost(graph, cell, goal)
        for cell in partitions(len(graph), count)
        if (pieces_of(graph, cell) == 1).all()
    )


small_fields = st.tuples(
    st.sampled_from([(2, 2), (2, 3), (3, 3), (2, 4), (1, 6)]),
    st.lists(st.integers(0, 30), min_size=9, max_size=9),
    st.integers(1, 4),
    st.sampled_from([0, 2]),
)


@given(small_fields)
@settings(deadline=None, max_examples=60)
def test_nothing_that_can_be_listed_beats_the_exact_division(field) -> None:
    (rows, columns), weight, count, street = field
    graph = lattice(rows, columns, np.array(weight[: rows * columns]), street_every=street)
    target = max(1.0, graph.weight.sum() / count)
    goal = Goal(target, 0.75 * target, 1.25 * target, 2.0, 20.0, 1.0, 5.0)
    cell = divide_exactly(graph.land(0.5), count, goal)
    assert cell is not None
    assert sorted(set(cell)) == list(range(count))
    assert (pieces_of(graph, cell) == 1).all()
    assert cost(graph, cell, goal) == pytest.approx(best_listed(graph, count, goal))


def test_too_many_atoms_are_left_to_the_search() -> None:
    graph = lattice(3, 5, np.ones(15))
    goal = Goal(5.0, 4.0, 6.0, 2.0, 20.0, 1.0, 5.0)
    assert len(graph) > MOST_ATOMS
    assert divide_exactly(graph.land(0.5), 3, goal) is None


def test_cells_out_of_band_are_mended_where_their_neighbours_allow_it() -> None:
    graph = lattice(1, 6, np.array([10, 10, 10, 10, 10, 10]))
    goal = Goal(20.0, 15.0, 25.0, 2.0, 20.0, 1.0, 5.0)
    cell = np.array([0, 1, 1, 1, 2, 2])
    assert polish(graph, graph.land(0.5), cell, goal).tolist() == [0, 0, 0]
    assert cell.tolist() == [0, 0, 1, 1, 2, 2] or np.bincount(cell).tolist() == [2, 2, 2]


def test_a_cell_that_cannot_be_mended_tells_with_how_many_neighbours_that_was_tried() -> None:
    graph = lattice(1, 6, np.array([24, 24, 24, 24, 24, 24]))
    goal = Goal(36.0, 27.0, 45.0, 2.0, 20.0, 1.0, 5.0)
    cell = np.array([0, 0, 1, 1, 2, 3])
    assert (polish(graph, graph.land(0.5), cell, goal) >= 1).all()


@pytest.mark.parametrize("seed", range(4))
def test_a_small_community_gets_the_best_there_is(seed) -> None:
    weight = np.random.default_rng(seed).integers(1, 40, 9)
    graph = lattice(3, 3, weight)
    target = weight.sum() / 3
    band = targets(0.8 * target, target, 1.2 * target)
    cell = divide_pieces(
        graph, np.zeros(9, dtype=np.int64), np.array([3]), band, 0, rules=Rules(), seed=1
    ).cell
    load = np.bincount(cell, weights=graph.weight)
    reached = int(((load < 0.8 * target) | (load > 1.2 * target)).sum())
    goal = Goal(target, 0.8 * target, 1.2 * target, 2.0, 20.0, 1.0, 5.0)
    assert reached == best_listed(graph, 3, goal)[0]
