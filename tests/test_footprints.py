"""Footprints, slabs, and the small arithmetic under them."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from towns import NO_SLABS, at, box, make_layers

from gridcell.arrays import apportion, rows_of, run_starts, spread
from gridcell.coverage.holders import find_holders
from gridcell.fabric.footprints import (
    boundary_findings,
    cut_slabs,
    make_footprints,
    slab_count,
)

GROUND = box(0, 0, 500, 500)


def footprints(buildings, households, *, band=NO_SLABS, units=None, grounds=(GROUND,)):
    layers = make_layers(list(grounds), buildings)
    known = None if units is None else np.array(units)
    return make_footprints(
        layers.buildings.geometry.to_numpy(), np.array(households), layers.communities,
        np.array([band] * len(grounds), dtype=float), units=known,
    )  # fmt: skip


def edges(pieces):
    """Return where slabs end from west to east, metres from the corner."""
    bounds = shapely.bounds(pieces)[:, [0, 2]] - at((0, 0))[0][0]
    return [round(float(x), 6) for x in [*bounds[:, 0], bounds[-1, 1]]]


# Footprints


def test_a_building_is_one_footprint_for_each_part():
    pair = shapely.union_all([box(0, 0, 30, 10), box(40, 0, 50, 10)])
    made = footprints([pair, box(60, 0, 70, 10)], [9, 2])
    assert made.source.tolist() == [0, 0, 1]
    assert made.slab.tolist() == [0, 1, 0]
    assert sorted(made.households[:2]) == [2, 7]
    assert made.households[2] == 2
    assert made.rank.tolist() == pytest.approx([400, 400, 100])
    assert not made.slabs.any()


def test_a_footprint_is_at_home_where_most_of_it_stands():
    grounds = [box(0, 0, 50, 50), box(50, 0, 99, 50)]
    houses = [box(40, 0, 55, 9), box(49, 0, 55, 9), box(98, 0, 120, 9), box(150, 0, 160, 9)]
    assert footprints(houses, [1] * 4, grounds=grounds).home.tolist() == [0, 1, 1, -1]


def test_a_footprint_of_which_half_stands_on_each_side_is_at_home_in_the_first():
    grounds = np.array([box(0, 0, 50, 50), box(50, 0, 99, 50)])
    assert find_holders(np.array([box(40, 0, 60, 9)]), grounds).tolist() == [0]


def test_a_footprint_that_only_touches_a_community_is_nowhere():
    assert find_holders(np.array([box(50, 0, 60, 9)]), np.array([box(0, 0, 50, 50)])) == [-1]


def test_slabs_are_cut_only_above_the_band():
    made = footprints([box(0, 0, 60, 10), box(0, 20, 60, 30)], [50, 53], band=(26, 50))
    assert made.source.tolist() == [0, 1, 1]
    assert made.slabs.tolist() == [False, True, True]
    assert made.households.tolist() == [50, 27, 26]


def test_an_oversize_building_outside_every_community_stays_whole():
    assert len(footprints([box(600, 0, 660, 10)], [99], band=(30, 50)).geometry) == 1


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 400), min_size=1, max_size=6), st.integers(1, 40), st.integers(0, 9))
def test_footprints_hold_the_households_of_their_building_whatever_the_band(held, low, units):
    houses = [box(0, 20 * i, 60, 20 * i + 10) for i in range(len(held))]
    made = footprints(houses, held, band=(low, 2 * low), units=[units] * len(held))
    assert np.bincount(made.source, weights=made.households).tolist() == held
    assert np.bincount(made.source, weights=shapely.area(made.geometry)) == pytest.approx(600)
    assert made.households.max() <= max(2 * low, 1)


# Slabs


def test_slabs_lie_across_the_long_axis_from_west_to_east():
    pieces, index, share = cut_slabs(np.array([box(0, 0, 90, 10)]), np.array([3]))
    assert edges(pieces) == [0, 30, 60, 90]
    assert index.tolist() == [0, 0, 0]
    assert share.tolist() == pytest.approx([1 / 3] * 3)


@pytest.mark.parametrize("angle", [0, 30, 90, 144])
def test_slabs_tile_a_building_that_stands_askew(angle):
    house = shapely.affinity.rotate(box(0, 0, 90, 10), angle)
    pieces, _, _ = cut_slabs(np.array([house]), np.array([4]))
    assert shapely.area(pieces) == pytest.approx([225] * 4, abs=0.01)
    assert shapely.union_all(pieces).symmetric_difference(house).area < 1e-4
    assert (np.diff(shapely.get_x(shapely.centroid(pieces))) > -1e-6).all()


def test_slabs_end_between_entrances():
    pieces, _, share = cut_slabs(np.array([box(0, 0, 100, 10)]), np.array([3]), units=np.array([5]))
    assert edges(pieces) == [0, 40, 60, 100]
    assert share.tolist() == pytest.approx([0.4, 0.2, 0.4])


def test_fewer_entrances_than_slabs_do_not_matter():
    pieces, _, _ = cut_slabs(np.array([box(0, 0, 90, 10)]), np.array([3]), units=np.array([2]))
    assert edges(pieces) == [0, 30, 60, 90]


def test_a_slab_of_a_bent_building_may_be_two_pieces_that_share_by_area():
    bent = box(0, 0, 80, 40).difference(box(20, 10, 80, 40)).union(box(60, 20, 80, 40))
    bent = bent.union(box(0, 30, 80, 40))
    pieces, _, share = cut_slabs(np.array([bent]), np.array([2]))
    assert (shapely.get_type_id(pieces) == 3).all()
    assert share.sum() == pytest.approx(1)
    assert len(pieces) == 3
    assert shapely.area(pieces).sum() == pytest.approx(bent.area)


@st.composite
def rectangles(draw):
    """Return a house that stands anyhow: polygon, length, width, and the way along its length."""
    width = draw(st.floats(4, 30))
    length = width * draw(st.one_of(st.floats(1.01, 1.59), st.floats(1.61, 8)))
    angle = draw(st.floats(0, 179.9))
    house = box(0, 0, length, width)
    along = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    if along[0] < -1e-9 or (abs(along[0]) <= 1e-9 and along[1] < 0):
        along = -along
    return shapely.affinity.rotate(house, angle), length, width, along


def places(pieces, house, along):
    """Return where pieces begin and end along an axis, from the middle of the house, metres."""
    middle = shapely.get_coordinates(house.centroid)[0]
    return [
        (float(on.min()), float(on.max()))
        for on in ((shapely.get_coordinates(piece) - middle) @ along for piece in pieces)
    ]


@settings(max_examples=150, deadline=None)
@given(rectangles(), st.integers(2, 9), st.integers(0, 12))
def test_slabs_cover_their_building_once_from_west_to_east(drawn, count, units):
    house, _, _, along = drawn
    pieces, index, share = cut_slabs(
        np.array([house]), np.array([count]), units=np.array([units])
    )  # fmt: skip
    assert len(pieces) == count
    assert (index == 0).all()
    assert share.sum() == pytest.approx(1)
    assert shapely.area(pieces).sum() == pytest.approx(house.area, rel=1e-9)
    assert shapely.union_all(pieces).symmetric_difference(house).area < 1e-4
    overlap = [a.intersection(b).area for i, a in enumerate(pieces) for b in pieces[:i]]
    assert max(overlap) < 1e-4
    begins = [begin for begin, _ in places(pieces, house, along)]
    # The axes that GEOS finds this far from the origin are exact to the millimetre, no further.
    assert (np.diff(begins) > -1e-3).all()


@settings(max_examples=150, deadline=None)
@given(rectangles(), st.integers(2, 9))
def test_a_tower_of_four_slabs_or_more_is_cut_into_two_rows_and_nothing_else_is(drawn, count):
    house, length, width, along = drawn
    pieces, _, share = cut_slabs(np.array([house]), np.array([count]))
    across = np.array([-along[1], along[0]])
    deep = [end - begin for begin, end in places(pieces, house, across)]
    tower = length < 1.6 * width
    rows = 2 if tower and count >= 4 else 1
    alone = count % rows
    halves = count - alone if rows == 2 else 0
    assert deep == pytest.approx([width / 2] * halves + [width] * (count - halves), abs=1e-3)
    # Each slab has the same share of the households; one alone in its column is half as wide.
    wide = [end - begin for begin, end in places(pieces, house, along)]
    expected = [2 * length / count] * halves + [length / count] * (count - halves)
    assert wide == pytest.approx(expected, abs=1e-3)
    assert share == pytest.approx(1 / count)


@pytest.mark.parametrize(
    ("length", "count", "rows"), [(15.9, 4, 2), (16.1, 4, 1), (10.1, 3, 1), (10.1, 5, 2)]
)
def test_two_rows_begin_at_four_slabs_in_a_footprint_less_than_1_6_times_as_long_as_wide(
    length, count, rows
):
    pieces, _, _ = cut_slabs(np.array([box(0, 0, length, 10)]), np.array([count]))
    depth = shapely.bounds(pieces)[:, 3] - shapely.bounds(pieces)[:, 1]
    assert depth[0] == pytest.approx(10 / rows)
    assert depth[-1] == pytest.approx(10 if count % rows else 10 / rows)


def test_the_rows_of_a_tower_lie_one_behind_the_other_in_each_column():
    tower = box(0, 0, 12, 10)
    pieces, _, _ = cut_slabs(np.array([tower]), np.array([5]))
    boxes = (shapely.bounds(pieces) - np.tile(at((0, 0))[0], 2)).round(6).tolist()
    columns = [sorted(boxes[:2]), sorted(boxes[2:4]), boxes[4:]]
    assert columns == [
        [[0, 0, 4.8, 5], [0, 5, 4.8, 10]],
        [[4.8, 0, 9.6, 5], [4.8, 5, 9.6, 10]],
        [[9.6, 0, 12, 10]],
    ]


def test_a_tower_with_entrances_enough_is_cut_between_them_in_one_row():
    pieces, _, share = cut_slabs(np.array([box(0, 0, 12, 10)]), np.array([4]), units=np.array([6]))
    assert edges(pieces) == [0, 4, 6, 8, 12]
    assert share.tolist() == pytest.approx([1 / 3, 1 / 6, 1 / 6, 1 / 3])
    assert (shapely.bounds(pieces)[:, 3] - shapely.bounds(pieces)[:, 1]).tolist() == [10] * 4


@settings(max_examples=100, deadline=None)
@given(rectangles(), st.integers(2, 9), st.integers(0, 9))
def test_with_as_many_entrances_as_slabs_every_cut_lies_between_two_of_them(drawn, count, more):
    house, length, _, along = drawn
    units = count + more
    pieces, _, share = cut_slabs(np.array([house]), np.array([count]), units=np.array([units]))
    cuts = np.array([end for _, end in places(pieces, house, along)])
    entrances = (cuts / length + 0.5) * units
    # To the millimetre: so exact are the axes that GEOS finds, this far from the origin.
    np.testing.assert_allclose(entrances, np.round(entrances), atol=1e-3 * units / length)
    assert (np.round(entrances) == np.round(np.arange(1, count + 1) / count * units)).all()
    np.testing.assert_allclose(share * units, np.diff(np.round(entrances), prepend=0), atol=1e-6)


@settings(max_examples=100, deadline=None)
@given(rectangles(), st.integers(1, 300), st.integers(2, 40), st.integers(0, 20), st.integers(0, 9))
def test_no_slab_holds_more_than_a_micro_cell_may(drawn, held, low, more, units):
    house, _, _, _ = drawn
    made = footprints([house], [held], band=(low, low + more), units=[units])
    assert made.households.sum() == held
    assert made.households.max() <= low + more
    assert made.slabs.all() == (held > low + more)
    assert len(made.geometry) == 1 or made.slabs.all()


def test_cuts_lie_between_entrances_just_where_the_larger_slab_still_fits():
    # Two slabs of three entrances: the larger one holds two of them, 44 of 66 households.
    assert footprints([box(0, 0, 90, 10)], [66], band=(30, 44), units=[3]).households.tolist() == [
        44, 22,
    ]  # fmt: skip
    assert footprints([box(0, 0, 90, 10)], [67], band=(30, 44), units=[3]).households.tolist() == [
        34, 33,
    ]  # fmt: skip


@given(st.integers(0, 500), st.integers(1, 60), st.integers(0, 60))
def test_slabs_are_in_the_band_where_any_equal_slabs_are(held, low, more):
    held += low + more + 1
    (count,) = slab_count(np.array([held]), np.array([[low, low + more]], dtype=float), None)
    assert held / count <= low + more
    possible = [k for k in range(2, held + 1) if low <= held / k <= low + more]
    if possible:
        assert count == possible[0]


def test_slabs_of_whole_entrances_are_preferred_to_larger_ones():
    band = np.array([[26.0, 44.0]])
    assert slab_count(np.array([84]), band, np.array([3])).tolist() == [3]
    assert slab_count(np.array([84]), band, None).tolist() == [2]


def test_entrances_do_not_make_a_slab_too_large():
    made = footprints([box(0, 0, 90, 10)], [80], band=(30, 44), units=[3])
    assert made.households.tolist() == [40, 40]


def test_where_no_slabs_fit_they_are_half_cells_or_single_entrances():
    band = np.array([[30.0, 40.0]])
    assert slab_count(np.array([45]), band, None).tolist() == [3]
    assert slab_count(np.array([45]), band, np.array([2])).tolist() == [2]


# The boundary


def test_findings_name_the_building_its_home_and_what_stands_beyond():
    layers = make_layers([box(0, 0, 50, 50), box(50, 0, 99, 50)], [box(40, 0, 55, 10)])
    (finding,) = boundary_findings(
        layers.buildings.geometry.to_numpy(), np.array(["7a"], dtype=object), layers.communities
    )
    assert (finding.community, finding.measure) == ("c000", pytest.approx(50))
    assert "building 7a crosses the boundary of c000: 50 of 150 m2" in finding.message


# Arrays


@given(st.data())
def test_shares_are_whole_near_their_proportion_and_add_up(data):
    total = np.array(data.draw(st.lists(st.integers(0, 1000), min_size=1, max_size=5)))
    owner = np.sort(
        np.concatenate(
            [np.arange(len(total)), data.draw(st.lists(st.integers(0, len(total) - 1)))]
        ).astype(np.int64)
    )  # fmt: skip
    weight = np.array(
        data.draw(st.lists(st.floats(0, 100), min_size=len(owner), max_size=len(owner)))
    )
    share = apportion(total, owner, weight)
    assert np.bincount(owner, weights=share).tolist() == total.tolist()
    sums = np.bincount(owner, weights=weight)[owner]
    exact = total[owner] * weight / np.where(sums > 0, sums, 1)
    assert (np.abs(share - exact)[sums > 0] < 1 + 1e-6).all()
    assert (share >= 0).all()


def test_of_equal_remainders_the_earlier_share_gets_the_odd_one():
    assert apportion(np.array([5]), np.zeros(3, dtype=np.int64), np.ones(3)).tolist() == [2, 2, 1]
    assert apportion(np.array([3]), np.zeros(2, dtype=np.int64), np.zeros(2)).tolist() == [2, 1]


def test_runs_owners_and_rows():
    assert run_starts(np.array([4, 4, 7, 9, 9])).tolist() == [0, 2, 3]
    assert run_starts(np.array([])).tolist() == []
    owner, number = spread(np.array([2, 0, 3]))
    assert (owner.tolist(), number.tolist()) == ([0, 0, 2, 2, 2], [0, 1, 0, 1, 2])
    table = rows_of(np.array(["a", "b", "c"], dtype=object), np.array([1, 0, 1]))
    assert table.tolist() == [["b", None], ["a", "c"]]


def test_the_holder_of_most_is_the_first_of_equals_and_nobody_where_shapes_only_touch():
    left, right = box(0, 0, 50, 50), box(50, 0, 100, 50)
    land = np.array([None, left, right, right], dtype=object)
    shapes = [
        box(40, 0, 60, 9), box(40, 0, 61, 9), box(100, 0, 110, 9), box(70, 10, 80, 20),
        box(0, 0, 100, 50), None, shapely.Point(*at((25, 25))[0]), shapely.Point(*at((50, 25))[0]),
        box(-1000, -1000, 1000, 1000),
    ]  # fmt: skip
    held = find_holders(np.array(shapes, dtype=object), land)
    assert held.tolist() == [1, 2, -1, 2, 1, -1, 1, -1, 1]
    assert not len(find_holders(np.empty(0, dtype=object), land))
    assert find_holders(np.array([left]), np.empty(0, dtype=object)).tolist() == [-1]
