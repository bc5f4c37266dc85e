"""Patches to atoms: connected, without splinters, the same whatever the order of edges."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from gridcell.fabric.land import Patches
from gridcell.fabric.merge import merge_patches
from gridcell.model import Gates

SQUARE_M = 0.5
"""Side of the squares that land is drawn of: a row of them is a splinter. Sums are exact."""
PLUS = ndimage.generate_binary_structure(2, 1)


def squares(owner):
    """Return patches, one a square, of a grid of owners: row 0 is the south."""
    rows, columns = owner.shape
    y, x = np.divmod(np.arange((rows + 1) * (columns + 1)), columns + 1)
    i, j = np.divmod(np.arange(owner.size), columns)
    corner = i * (columns + 1) + j
    ring = np.stack([corner, corner + 1, corner + columns + 2, corner + columns + 1], axis=1)
    return Patches(
        xy=SQUARE_M * np.column_stack([x, y]).astype(float),
        start=ring.ravel(),
        stop=np.roll(ring, -1, axis=1).ravel(),
        patch=np.repeat(np.arange(owner.size), 4),
        face=np.arange(owner.size),
        label=owner.ravel(),
        gates=Gates.none((rows + 1) * (columns + 1)),
    )


def merged(owner, community, *, n_sites=0, lived_in=None, absorb_m2=0.0, patches=None):
    """Return the atoms of a grid, and which atom each square belongs to."""
    footprints = owner.ravel() >= n_sites
    nothing = np.empty(0, dtype=np.int64)
    atoms = merge_patches(
        squares(owner) if patches is None else patches,
        community_of_face=community.ravel(),
        n_sites=n_sites,
        footprint_face=footprints,
        lived_in_face=footprints if lived_in is None else lived_in.ravel(),
        same_print=(nothing, nothing),
        absorb_m2=absorb_m2,
    )
    return atoms, atoms.atom_of_face.reshape(owner.shape)


@st.composite
def grids(draw):
    """Return owners (-1 and below for open land, 0 for a site, above for footprints), communities.

    Labels are of one community alone, as those of the fabric are.
    """
    rows, columns = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    cell = st.integers(-3, 3)
    coarse = draw(st.booleans())
    shape = ((rows + 1) // 2, (columns + 1) // 2) if coarse else (rows, columns)
    count = shape[0] * shape[1]
    drawn = np.array(draw(st.lists(cell, min_size=count, max_size=count))).reshape(shape)
    if coarse:
        drawn = np.kron(drawn, np.ones((2, 2), dtype=np.int64))[:rows, :columns]
    border = draw(st.integers(0, columns))
    community = np.broadcast_to(np.arange(columns) >= border, (rows, columns)).astype(np.int64)
    # Sites of the two communities are 0 and 1, footprints 2 to 7.
    owner = np.where(drawn >= 0, 2 * drawn + community, drawn)
    return owner, community


@settings(max_examples=300, deadline=None)
@given(grids())
def test_atoms_are_connected_and_of_one_community(drawn):
    owner, community = drawn
    atoms, number = merged(owner, community, n_sites=2)
    assert sorted(np.unique(number)) == list(range(len(atoms.area)))
    assert (atoms.community[number] == community).all()
    for atom in np.flatnonzero(atoms.site < 0):
        assert ndimage.label(number == atom, PLUS)[1] == 1
    for site in np.unique(atoms.site[atoms.site >= 0]):
        assert (atoms.site == site).sum() == 1


@settings(max_examples=300, deadline=None)
@given(grids())
def test_atoms_have_the_area_and_centre_of_their_land_and_lie_from_north_to_south(drawn):
    owner, community = drawn
    atoms, number = merged(owner, community, n_sites=2)
    index = np.arange(len(atoms.area))
    area = ndimage.sum_labels(np.ones(owner.shape), number, index) * SQUARE_M**2
    centre = np.array(ndimage.center_of_mass(np.ones(owner.shape), number, index))
    assert atoms.area.tolist() == area.tolist()
    np.testing.assert_allclose(atoms.centroid, (centre[:, ::-1] + 0.5) * SQUARE_M, atol=1e-12)
    ordered = np.lexsort((atoms.centroid[:, 0], -atoms.centroid[:, 1], atoms.community))
    assert ordered.tolist() == index.tolist()


@settings(max_examples=300, deadline=None)
@given(grids())
def test_no_splinter_stays_beside_land_that_could_have_it(drawn):
    owner, community = drawn
    atoms, number = merged(owner, community, n_sites=2)
    has_footprint = np.zeros(len(atoms.area), dtype=bool)
    has_footprint[number[owner >= 2]] = True
    rim = np.zeros(len(atoms.area) + 1)
    length = np.abs(atoms.xy[atoms.high] - atoms.xy[atoms.low]).sum(axis=1)
    for side in (atoms.left, atoms.right):
        np.add.at(rim, side, length)
    splinter = ~has_footprint & (atoms.area < 1.0)
    solid = has_footprint | ((atoms.area >= 1.0) & (2 * atoms.area >= 0.5 * rim[:-1]))
    for one, other in ((number[:, :-1], number[:, 1:]), (number[:-1], number[1:])):
        a, b = np.concatenate([one, other], axis=None), np.concatenate([other, one], axis=None)
        beside = (a != b) & (atoms.community[a] == atoms.community[b])
        assert not (splinter[a] & solid[b] & beside).any()


@settings(max_examples=150, deadline=None)
@given(grids(), st.randoms(use_true_random=False))
def test_the_order_of_edges_changes_nothing(drawn, random):
    owner, community = drawn
    patches = squares(owner)
    order = np.array(random.sample(range(len(patches.start)), len(patches.start)))
    shuffled = dataclasses.replace(
        patches, start=patches.start[order], stop=patches.stop[order], patch=patches.patch[order]
    )
    one, _ = merged(owner, community, n_sites=2)
    two, _ = merged(owner, community, n_sites=2, patches=shuffled)
    np.testing.assert_equal(dataclasses.asdict(one), dataclasses.asdict(two))


def land(*rows):
    """Return owners and communities drawn as digits for footprints, ``S`` a site, ``.`` open."""
    values = {".": -1, "S": 0, **{digit: int(digit) for digit in "123"}}
    owner = np.array([[values[mark] for mark in row] for row in rows])[::-1]
    return owner, np.zeros(owner.shape, dtype=np.int64)


def test_a_splinter_joins_the_neighbour_with_the_longest_border():
    owner, community = land("111122", "111122", "......", "333333", "333333")
    _, number = merged(owner, community, n_sites=1)
    assert set(number[2]) == {number[0, 0]}
    owner, community = land("111122", "111122", "......", "33SSSS")
    _, number = merged(owner, community, n_sites=1)
    assert set(number[1]) == {number[3, 0]}


def test_a_splinter_joins_a_site_only_where_nothing_else_touches_it():
    beside, community = land("SSSSSS", "SSSSSS", "......", "11SSSS")
    _, number = merged(beside, community, n_sites=1)
    assert set(number[1]) == {number[0, 0]}
    alone, community = land("SSSS", "SSSS", "....")
    _, number = merged(alone, community, n_sites=1)
    assert len(np.unique(number)) == 1


@pytest.mark.parametrize(("absorb_m2", "joined"), [(0.9, False), (1.0, True)])
def test_land_behind_a_site_joins_it_up_to_the_area_of_the_rules(absorb_m2, joined):
    owner, community = land("..SS11", "..SS11")
    _, number = merged(owner, community, n_sites=1, absorb_m2=absorb_m2)
    assert (number[0, 0] == number[0, 2]) == joined
    assert number[0, 5] != number[0, 2]


def test_land_behind_a_site_where_somebody_lives_stays():
    owner, community = land("11SS22", "11SS22")
    lived_in = owner == 1
    _, number = merged(owner, community, n_sites=1, absorb_m2=50.0, lived_in=lived_in)
    assert number[0, 0] != number[0, 2]
    assert number[0, 5] == number[0, 2]


def test_without_a_site_beside_it_land_where_nobody_lives_is_merged_as_any_other():
    owner, community = land("111122", "111122", "......", "333333", "333333")
    nobody = np.zeros(owner.shape, dtype=bool)
    _, number = merged(owner, community, n_sites=1, absorb_m2=50.0, lived_in=nobody)
    assert set(number[2]) == {number[0, 0]}
    assert len(np.unique(number)) == 3
