"""Borders in the open are taut: straight where nothing stands in the way, and clear of walls."""

import dataclasses

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import awkward_towns
from towns import atoms_drawn, box, broken_promises, make_layers, weave

from gridcell.cells.polygons import draw_cells, trace_borders
from gridcell.cells.stored import settle_fabric
from gridcell.fabric.linework import street_lines
from gridcell.fabric.taut import CLEARANCE_M, pull_taut

thorough = settings(
    max_examples=80, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)


def cells_at_random(fabric, rng, joins):
    """Return a cell of each atom, connected within its community, and fewer around them."""
    home = fabric.atoms["community"].to_numpy()
    inner = (fabric.arc_left >= 0) & (fabric.arc_right >= 0)
    a, b = fabric.arc_left[inner], fabric.arc_right[inner]
    same = home[a] == home[b]
    a, b = a[same], b[same]
    cell = np.arange(len(home))
    levels = []
    for count in (joins * len(a), joins * len(a) / 2):
        for k in rng.permutation(len(a))[: int(count)]:
            low, high = sorted((cell[a[k]], cell[b[k]]))
            cell = np.where(cell == high, low, cell)
        levels.insert(0, cell)
    return levels


def half(fabric, axis, at):
    """Return on which side of a line each atom has its middle."""
    place = fabric.atoms["xy"[axis]].to_numpy()
    return (place > at).astype(np.int64)


def border(fabric, cell):
    """Return the border between cells 0 and 1 as a line."""
    borders = trace_borders(fabric, cell)
    side = (borders.left >= 0) & (borders.right >= 0)
    (arc,) = np.flatnonzero(side)
    return shapely.LineString(
        borders.xy[borders.vertex[borders.start[arc] : borders.start[arc + 1]]]
    )


def corner(x, y):
    return shapely.get_coordinates(box(x, y, x + 1, y + 1)).min(axis=0)


def wobbly(gap=8.0):
    """Return two rows of houses that face each other and stand at different depths."""
    upper = [box(4 + 15 * i, 30 + gap / 2 + 3 * (i % 3), 14 + 15 * i, 44 + gap) for i in range(8)]
    lower = [box(4 + 15 * i, 16 - gap, 14 + 15 * i, 30 - gap / 2 - 3 * (i % 2)) for i in range(8)]
    return make_layers([box(0, 0, 124, 60)], [*upper, *lower])


@thorough
@given(awkward_towns(), st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.3, 0.7]))
def test_taut_borders_keep_every_promise_of_any_town_and_any_cells(case, seed, joins):
    layers, households = case
    fabric = weave(layers, households, band=(26, 44))
    taut = pull_taut(fabric, cells_at_random(fabric, np.random.default_rng(seed), joins))
    assert broken_promises(layers, taut, sum(households)) == []
    assert broken_promises(layers, settle_fabric(taut), sum(households)) == []


def test_a_border_between_two_rows_of_houses_is_straight():
    fabric = weave(wobbly())
    rows = half(fabric, 1, corner(0, 30)[1])
    before = border(fabric, rows)
    after = border(pull_taut(fabric, [rows]), rows)
    assert shapely.get_num_coordinates(before) > 20
    assert shapely.get_num_coordinates(after) <= 4
    assert after.length < before.length


@pytest.mark.parametrize("gap", [0.4, 2.0, 8.0])
def test_a_border_keeps_clear_of_walls_or_near_the_middle_of_a_narrow_gap(gap):
    layers = wobbly(gap)
    fabric = weave(layers)
    rows = half(fabric, 1, corner(0, 30)[1])
    after = border(pull_taut(fabric, [rows]), rows)
    away = shapely.distance(layers.buildings.geometry.to_numpy(), after).min()
    assert away > 0.25 * min(gap, 2 * CLEARANCE_M)


def test_borders_of_lower_levels_end_on_the_line_of_the_level_above():
    fabric = weave(wobbly())
    rows = half(fabric, 1, corner(0, 30)[1])
    taut = pull_taut(fabric, [rows, np.arange(len(rows))])
    alone = border(pull_taut(fabric, [rows]), rows)
    ends = trace_borders(taut, np.arange(len(rows)))
    met = shapely.points(ends.xy[np.unique(ends.vertex)])
    on_line = met[shapely.distance(met, alone) < 1e-6]
    assert len(on_line) > 10
    assert border(taut, rows).equals_exact(alone, 1e-6)


def test_a_border_around_houses_in_the_middle_goes_around_them():
    houses = [
        box(20 * i + 5, 20 * j + 5, 20 * i + 12, 20 * j + 12) for i in range(5) for j in range(5)
    ]
    layers = make_layers([box(0, 0, 100, 100)], houses)
    fabric = weave(layers)
    middle = corner(50, 50)
    away = np.abs(fabric.atoms[["x", "y"]].to_numpy() - middle).max(axis=1)
    inside = (away < 15).astype(np.int64)
    assert inside.sum() == 1
    taut = pull_taut(fabric, [inside])
    assert broken_promises(layers, taut, 25) == []
    outer, inner = draw_cells(trace_borders(taut, inside), np.arange(2), 2)
    assert shapely.get_num_interior_rings(outer) == 1
    assert 4 <= shapely.get_num_coordinates(inner) - 1 <= 8


def test_lines_that_only_speed_the_triangulation_bend_no_border():
    houses = [box(9 * i + 2, 9 * j + 2, 9 * i + 8, 9 * j + 7) for i in range(20) for j in range(15)]
    layers = make_layers([box(0, 0, 190, 140)], houses)
    fabric = weave(layers)
    for axis, at in ((0, corner(100, 0)[0]), (1, corner(0, 73)[1])):
        side = half(fabric, axis, at)
        line = border(pull_taut(fabric, [side]), side)
        # Its ends lie on points of the boundary, which are a few metres apart.
        inner = shapely.intersection(line, box(15, 15, 175, 125))
        assert np.ptp(shapely.get_coordinates(inner)[:, axis]) < 1


def test_taut_land_is_the_same_whatever_cells_are_numbered_like():
    fabric = weave(wobbly())
    rng = np.random.default_rng(3)
    upper, lower = cells_at_random(fabric, rng, 0.4)
    again = [rng.permutation(len(upper))[level] for level in (upper, lower)]
    one, two = (pull_taut(fabric, levels) for levels in ((upper, lower), again))
    for name in ("xy", "arc_start", "arc_vertices", "arc_length"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


def test_land_that_a_plan_keeps_stays_as_it_is():
    fabric = dataclasses.replace(weave(wobbly()), gates=None)
    assert pull_taut(fabric, []) is fabric


def test_atoms_tell_their_own_areas_and_middles():
    fabric = weave(wobbly())
    taut = pull_taut(fabric, [half(fabric, 1, corner(0, 30)[1])])
    drawn = atoms_drawn(taut)
    np.testing.assert_allclose(taut.atoms["area_m2"], shapely.area(drawn), rtol=1e-9)
    middle = shapely.get_coordinates(shapely.centroid(drawn))
    np.testing.assert_allclose(taut.atoms[["x", "y"]], middle, rtol=0, atol=1e-6)


def test_points_slide_along_streets_and_never_along_boundaries():
    houses = [box(x, 5 + 11 * i, x + 8, 12 + 11 * i) for x in (10, 38, 54, 84) for i in range(8)]
    layers = make_layers(
        [box(0, 0, 50, 97), box(50, 0, 100, 97)], houses,
        barriers=[shapely.LineString([corner(28, 0), corner(28, 97)])],
    )  # fmt: skip
    fabric = weave(layers)
    streets = street_lines(
        layers.communities.geometry.to_numpy(), np.empty(0, dtype=object),
        layers.barriers.geometry.to_numpy(), layers.buildings.geometry.to_numpy(), 8.0,
    )  # fmt: skip
    given_points = shapely.points(np.unique(shapely.get_coordinates(streets), axis=0))
    used = shapely.points(fabric.xy[np.unique(fabric.arc_vertices)])
    tree = shapely.STRtree(given_points)
    moved = {}
    for at in (28, 50):
        line = shapely.LineString([corner(at, 0), corner(at, 97)])
        on = used[shapely.dwithin(used, line, 1e-4)]
        moved[at] = len(on) - len(np.unique(tree.query(on, "dwithin", distance=1e-4)[0]))
    assert moved[28] > 0
    assert moved[50] == 0
