"""Numbers to polygons: arcs, straight borders, cells of every level."""

from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import awkward_towns
from towns import at, box, edges_match, make_layers, town, weave

from gridcell.cells.polygons import draw_cells, trace_borders
from gridcell.fabric.kernels import chain_edges, straighten

thorough = settings(
    max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)


def ints(*values):
    return np.array(values, dtype=np.int64)


def chains(start, vertex):
    return [vertex[a:b].tolist() for a, b in pairwise(start)]


# Arcs


def test_edges_are_chained_from_junction_to_junction():
    # A square 0 1 2 3 with a diagonal from 0 over 4 to 2.
    start, vertex, left, right, _ = chain_edges(
        ints(0, 1, 2, 0, 0, 2), ints(1, 2, 3, 3, 4, 4), ints(7, 7, 8, -1, 8, 7),
        ints(-1, -1, -1, 8, 7, 8), np.zeros(6, dtype=np.int64), 5,
    )  # fmt: skip
    assert chains(start, vertex) == [[0, 1, 2], [0, 3, 2], [0, 4, 2]]
    assert list(zip(left, right, strict=True)) == [(7, -1), (-1, 8), (8, 7)]


def test_a_ring_without_junctions_ends_where_it_began():
    start, vertex, left, right, _ = chain_edges(
        ints(0, 1, 0), ints(1, 2, 2), ints(5, 5, -1), ints(-1, -1, 5), ints(0, 0, 0), 3
    )
    assert chains(start, vertex) == [[0, 1, 2, 0]]
    assert (left.tolist(), right.tolist()) == ([5], [-1])


def test_an_arc_ends_where_a_barrier_begins():
    start, vertex, _, _, flag = chain_edges(
        ints(0, 1, 0), ints(1, 2, 2), ints(5, 5, -1), ints(-1, -1, 5), ints(1, 0, 0), 3
    )
    assert chains(start, vertex) == [[0, 1], [0, 2, 1]]
    assert flag.tolist() == [1, 0]


def test_vertices_on_a_straight_line_are_left_out():
    xy = np.array([[0, 0], [1, 1e-6], [2, 0], [3, 1], [4, 2.0]])
    start, vertex = straighten(ints(0, 5), ints(0, 1, 2, 3, 4), xy, 1e-5)
    assert chains(start, vertex) == [[0, 2, 4]]


def test_a_line_that_turns_back_is_left_as_it_is():
    xy = np.array([[0, 0], [3, 0], [1, 0], [4, 0.0]])
    start, vertex = straighten(ints(0, 4), ints(0, 1, 2, 3), xy, 1e-5)
    assert chains(start, vertex) == [[0, 1, 2, 3]]


@given(st.integers(0, 2**32 - 1), st.integers(2, 40))
def test_straightened_lines_keep_their_ends_and_stay_within_the_tolerance(seed, count):
    rng = np.random.default_rng(seed)
    xy = np.column_stack([np.arange(count), rng.choice([0, 1e-3, 2e-3, 0.5], count)])
    _, vertex = straighten(ints(0, count), np.arange(count), xy, 1e-3)
    assert vertex[[0, -1]].tolist() == [0, count - 1]
    line = shapely.LineString(xy[vertex])
    assert shapely.distance(line, shapely.points(xy)).max() <= 1e-3 + 1e-12


def test_a_closed_line_is_never_straightened_away():
    xy = np.array([[0, 0], [9, 0], [4, 1e-6]])
    start, vertex = straighten(ints(0, 4), ints(0, 1, 2, 0), xy, 1e-5)
    assert len(chains(start, vertex)[0]) >= 3


# Cells


def test_cells_are_unions_of_atoms_and_run_counter_clockwise():
    fabric = weave(town("AABB\nAABB", barriers=[[(0, 10), (99, 10)]]))
    borders = trace_borders(fabric, np.arange(4))
    cells = draw_cells(borders, fabric.atoms["community"].to_numpy(), 2)
    assert shapely.area(cells).round(3).tolist() == [400, 400]
    assert all(cell.exterior.is_ccw for cell in cells)


def test_a_border_on_a_straight_street_has_no_needless_vertex():
    fabric = weave(town("AAAAAAAABBBBBBBB\n" * 4))
    cells = draw_cells(trace_borders(fabric, np.arange(2)), np.arange(2), 2)
    assert shapely.get_num_coordinates(cells).tolist() == [5, 5]


def test_a_cell_around_another_has_a_hole_of_the_same_vertices():
    fabric = weave(town("AAA\nABA\nAAA"))
    outer, inner = draw_cells(trace_borders(fabric, np.arange(2)), np.arange(2), 2)
    assert len(outer.interiors) == 1
    assert set(outer.interiors[0].coords) == set(inner.exterior.coords)


def test_a_cell_in_two_pieces_is_a_multipolygon_the_larger_piece_first():
    fabric = weave(town("ABAA"))
    cells = draw_cells(trace_borders(fabric, np.arange(len(fabric.atoms))),
                       fabric.atoms["community"].to_numpy(), 2)  # fmt: skip
    assert shapely.area(shapely.get_parts(cells[0])).round(2).tolist() == [200, 100]


def test_cells_that_nobody_has_are_left_out():
    fabric = weave(town("ABC"))
    cells = draw_cells(trace_borders(fabric, np.arange(3)), ints(0, -1, 1), 2)
    assert shapely.area(cells).round(2).tolist() == [100, 100]


def test_a_vertex_where_three_cells_meet_is_in_all_of_them():
    fabric = weave(town("AABB\nCCCC"))
    cells = draw_cells(trace_borders(fabric, np.arange(3)), np.arange(3), 3)
    meeting = at((20, 10))[0]
    assert all(meeting in cell.exterior.coords for cell in cells)


@pytest.mark.parametrize("apart", [1e-5, 3e-5, 1e-4])
def test_borders_closer_than_the_tolerance_do_not_cross(apart):
    houses = [box(10, 10, 40, 20), box(10 + apart, 20, 40, 30 + apart), box(40, 10, 70, 30)]
    houses.append(shapely.affinity.translate(houses[0], apart, -apart))
    fabric = weave(make_layers([box(0, 0, 80, 40)], houses))
    n = len(fabric.atoms)
    cells = draw_cells(trace_borders(fabric, np.arange(n)), np.arange(n), n)
    assert shapely.is_valid(cells).all()
    assert edges_match(cells)


@thorough
@given(awkward_towns(), st.integers(0, 2**32 - 1))
def test_any_grouping_of_atoms_is_drawn_as_an_exact_coverage(case, seed):
    layers, households = case
    fabric = weave(layers, households)
    n = len(fabric.atoms)
    leaf = np.unique(np.random.default_rng(seed).integers(0, 5, n), return_inverse=True)[1]
    count = int(leaf.max()) + 1
    cells = draw_cells(trace_borders(fabric, leaf), np.arange(count), count)
    assert shapely.is_valid(cells).all()
    assert edges_match(cells)
    area = np.bincount(leaf, weights=fabric.atoms["area_m2"])
    np.testing.assert_allclose(shapely.area(cells), area, atol=0.02)
