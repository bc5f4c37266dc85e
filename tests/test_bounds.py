"""How many cells could be in the band: never fewer than any division reaches."""

import itertools

import numpy as np
import pytest
import towns
from hypothesis import given, settings
from hypothesis import strategies as st
from test_partition import lattice, pieces_of

from gridcell.partition import Targets, divide
from gridcell.partition.bounds import most_in_band, reach_of_micro, reach_of_small
from gridcell.rules import Rules


def bound(graph, count, low, high):
    piece = np.zeros(len(graph), dtype=np.int64)
    found = most_in_band(graph, piece, np.array([count]), np.array([low]), np.array([high]))
    return int(found[0])


def best_by_brute_force(graph, count, low, high):
    """The most cells in the band that any division into connected cells reaches."""
    best = 0
    for tail in itertools.product(range(count), repeat=len(graph) - 1):
        cell = np.array((0, *tail))
        load = np.bincount(cell, weights=graph.weight, minlength=count)
        inside = int(((load >= low - 1e-9) & (load <= high + 1e-9)).sum())
        if inside > best and len(set(tail) | {0}) == count and (pieces_of(graph, cell) == 1).all():
            best = inside
    return best


small_fields = st.sampled_from([(1, 7), (2, 3), (2, 4), (3, 2), (1, 5)]).flatmap(
    lambda shape: st.tuples(
        st.just(shape),
        st.lists(
            st.sampled_from([0, 1, 3, 5, 8, 20, 30]),
            min_size=shape[0] * shape[1], max_size=shape[0] * shape[1],
        ),
        st.integers(1, 4),
        st.sampled_from([(3, 9), (4, 4), (0, 7), (2.4, 2.6), (7.5, 12.5), (5, 31)]),
    )
)  # fmt: skip


@given(small_fields)
@settings(deadline=None, max_examples=120)
def test_no_division_of_a_small_field_comes_above_the_bound(field):
    shape, weight, count, (low, high) = field
    graph = lattice(*shape, weight)
    assert best_by_brute_force(graph, count, low, high) <= bound(graph, count, low, high) <= count


@pytest.mark.parametrize(
    ("weight", "count", "band", "most"),
    [
        ([10] * 4, 4, (8, 12), 4),
        ([13, 13, 9], 3, (12, 13), 2),
        ([10] * 4, 2, (5, 19), 1),
        ([10] * 4, 2, (10.2, 10.8), 0),
        # One that is too heavy has a cell of its own, and so have two that do not touch: whoever
        # joins them has the ten between them in that cell as well.
        ([50, 10, 10, 10], 4, (8, 12), 3),
        ([50, 10, 50, 10, 10], 5, (8, 12), 3),
        # Two that touch, or have nobody between them, share one.
        ([50, 50, 10, 10, 10], 4, (8, 12), 3),
        ([50, 0, 50, 10, 10, 10], 4, (8, 12), 3),
        # Too few are left between and behind heavy ones to be a cell.
        ([6, 50, 6], 3, (8, 12), 0),
        ([10, 50, 6], 3, (8, 12), 1),
    ],
)
def test_the_bound_is_reached_on_rows_where_it_can_be_counted(weight, count, band, most):
    graph = lattice(1, len(weight), weight)
    assert bound(graph, count, *band) == most == best_by_brute_force(graph, count, *band)


def test_pieces_of_land_are_bounded_by_themselves():
    graph = lattice(1, 6, [10, 10, 10, 10, 99, 10])
    piece = np.array([0, 0, 0, 1, 1, 1])
    found = most_in_band(
        graph.within(piece), piece, np.array([3, 2]), np.array([8.0, 8.0]), np.array([12.0, 12.0])
    )
    assert found.tolist() == [3, 1]


def targets(low, target, high, communities):
    ones = np.ones(communities)
    return Targets(
        low=low * ones, target=target * ones, high=high * ones,
        wanted=np.zeros(communities, dtype=np.int64),
    )  # fmt: skip


def test_a_cell_holds_its_land_together_where_its_border_became_too_short():
    """Pulled taut, the border of two atoms of one cell can become shorter than what counts."""
    field = lattice(1, 4, [10] * 4)
    apart = field.within(np.array([0, 0, 1, 1]))
    cell = np.array([0, 1, 1, 1])
    assert apart.components().tolist() == [0, 0, 1, 1]
    together = apart.held_together(cell)
    assert (pieces_of(together, cell) == 1).all()
    assert together.rim.tolist() == apart.rim.tolist()
    assert bound(together, 2, 30, 30) == 1
    assert field.held_together(cell) is field


@given(
    st.lists(st.integers(0, 60), min_size=18, max_size=18),
    st.tuples(st.integers(1, 60), st.integers(0, 60)),
)
@settings(deadline=None, max_examples=25)
def test_what_a_division_of_a_town_reaches_is_never_above_its_bound(held, band):
    layers = towns.town(
        "AAAAAABBBBBB\n" * 6,
        "a.b.c.d.e.f.\n............\ng.h.i.j.k.l.\n............\nm.n.o.p.q.r.\n............",
        sites="............\n" * 2 + "...........Z\n" + "............\n" * 3,
    )
    fabric = towns.weave(layers, held)
    low, width = band
    small = targets(3 * low, 3.5 * low, 4 * low + width, 2)
    micro = targets(low, low, low + width, 2)
    divided = divide(fabric, small, micro, codes=["a", "b"], rules=Rules(search=30))
    general = np.flatnonzero(divided.site_of_small < 0)
    for reach, cell in (
        (reach_of_small(fabric, divided, small), divided.small),
        (reach_of_micro(fabric, divided, micro), divided.leaf),
    ):
        assert reach.cells.sum() == len(np.unique(cell[np.isin(divided.small, general)]))
        assert (reach.in_band <= reach.bound).all()
        assert (reach.bound <= reach.cells).all()


def test_a_town_without_general_land_has_nothing_to_reach():
    layers = towns.town("AAAA\n" * 4, "a...\n" + "....\n" * 3, sites="SSSS\n" * 4)
    fabric = towns.weave(layers, 5)
    goal = targets(1, 2, 3, 1)
    divided = divide(fabric, goal, goal, codes=["a"], rules=Rules(search=5))
    for reach in (reach_of_small, reach_of_micro):
        found = reach(fabric, divided, goal)
        assert [found.cells[0], found.in_band[0], found.bound[0]] == [0, 0, 0]
