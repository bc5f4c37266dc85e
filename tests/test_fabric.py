"""The fabric: the land is covered once, nothing is cut, nobody is lost."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from strategies import awkward_towns
from towns import at, atoms_drawn, box, broken_promises, make_layers, town, weave

from gridcell.errors import GridcellError
from gridcell.fabric.land import Patches, divide_land
from gridcell.fabric.linework import faces_of, node, outside, relief_lines, street_lines
from gridcell.fabric.parts import match_edges
from gridcell.model import Gates
from gridcell.rules import Rules

TWO = """
    AAAAABBBBB
    AAAAABBBBB
    AAAAABBBBB
    AAAAABBBBB
    AAAAABBBBB
"""
"""Two communities of 50 m by 50 m."""

thorough = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)


def atom_at(fabric, x, y):
    """Return the atom at a point given from the corner."""
    point = shapely.Point(at((x, y))[0])
    hit = np.flatnonzero(shapely.contains(atoms_drawn(fabric), point))
    assert len(hit) == 1
    return int(hit[0])


def kinds(fabric):
    return fabric.atoms["kind"].value_counts().to_dict()


# What holds of every town


@thorough
@given(awkward_towns())
def test_any_town_is_covered_exactly_without_cutting_a_building_or_losing_a_household(case):
    layers, households = case
    fabric = weave(layers, households, band=(26, 44))
    assert broken_promises(layers, fabric, sum(households)) == []


@settings(thorough, max_examples=25)
@given(awkward_towns(given_atoms=True))
def test_given_atoms_that_fit_nothing_make_a_sound_fabric_too(case):
    layers, households = case
    fabric = weave(layers, households)
    assert broken_promises(layers, fabric, sum(households)) == []


@settings(thorough, max_examples=10)
@given(awkward_towns())
def test_the_same_town_gives_the_same_fabric(case):
    layers, households = case
    one, two = (weave(layers, households, band=(26, 44)) for _ in range(2))
    pd.testing.assert_frame_equal(one.atoms, two.atoms)
    pd.testing.assert_frame_equal(one.pieces, two.pieces)
    arrays = [f.name for f in dataclasses.fields(one) if f.name.startswith("arc_")]
    for name in ("xy", *arrays):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


@settings(thorough, max_examples=20)
@given(awkward_towns())
def test_arcs_have_different_sides_and_meet_at_their_ends_only(case):
    layers, households = case
    fabric = weave(layers, households)
    assert (fabric.arc_left != fabric.arc_right).all()
    assert (np.maximum(fabric.arc_left, fabric.arc_right) >= 0).all()
    pairs = zip(fabric.arc_start[:-1], fabric.arc_start[1:], strict=True)
    chains = [fabric.arc_vertices[a:b] for a, b in pairs]
    inner = np.concatenate([chain[1:-1] for chain in chains])
    ends = np.concatenate([chain[[0, -1]] for chain in chains])
    assert len(np.unique(inner)) == len(inner)
    assert not np.isin(inner, ends).any()
    lengths = [shapely.LineString(fabric.xy[chain]).length for chain in chains]
    np.testing.assert_allclose(fabric.arc_length, lengths, rtol=1e-9)


# Atoms and their owners


def test_a_town_without_buildings_is_cut_along_its_barriers_only():
    layers = town(TWO, barriers=[[(0, 20), (100, 20)]])
    fabric = weave(layers)
    assert fabric.atoms["area_m2"].round(3).tolist() == [1500, 1000, 1500, 1000]
    assert fabric.atoms["community"].tolist() == [0, 0, 1, 1]
    assert kinds(fabric) == {"open": 4}


def test_open_land_goes_to_the_nearest_building():
    layers = make_layers([box(0, 0, 100, 40)], [box(10, 10, 20, 30), box(80, 10, 90, 30)])
    fabric = weave(layers, [3, 4])
    assert kinds(fabric) == {"building": 2}
    assert fabric.atoms["area_m2"].tolist() == pytest.approx([2000, 2000], abs=250)
    assert atom_at(fabric, 40, 20) == fabric.pieces["atom"][0]
    assert atom_at(fabric, 60, 20) == fabric.pieces["atom"][1]


def test_land_is_not_given_across_a_barrier():
    layers = make_layers(
        [box(0, 0, 100, 40)], [box(10, 10, 20, 30), box(80, 10, 90, 30)],
        barriers=[shapely.LineString(at((30, 0), (30, 40)))],
    )  # fmt: skip
    fabric = weave(layers)
    assert sorted(fabric.atoms["area_m2"].round(2)) == [1200, 2800]
    on_barrier = fabric.arc_barrier == 2
    assert fabric.arc_length[on_barrier].sum() == pytest.approx(40, abs=1e-4)


def test_borders_carry_the_class_of_their_barrier():
    layers = make_layers(
        [box(0, 0, 90, 90)],
        barriers=[
            shapely.LineString(at((30, 0), (30, 90))), shapely.LineString(at((60, 0), (60, 90))),
        ],
        kinds=["river", "wall"],
    )  # fmt: skip
    fabric = weave(layers)
    assert sorted(np.unique(fabric.arc_barrier)) == [0, 4, 6]


def test_a_barrier_through_a_building_does_not_cut_it():
    layers = make_layers(
        [box(0, 0, 60, 60)], [box(20, 20, 40, 40)],
        barriers=[shapely.LineString(at((-5, 30), (65, 30)))],
    )  # fmt: skip
    fabric = weave(layers)
    assert broken_promises(layers, fabric, 1) == []
    assert kinds(fabric)["building"] == 1


def test_a_building_across_a_boundary_counts_where_most_of_it_stands():
    layers = make_layers([box(0, 0, 50, 50), box(50, 0, 100, 50)], [box(40, 20, 55, 40)])
    fabric = weave(layers, 9)
    home = fabric.pieces["atom"][0]
    assert fabric.atoms["community"][home] == 0
    assert fabric.atoms["households"].sum() == fabric.atoms["households"][home] == 9
    (finding,) = fabric.findings
    assert (finding.kind, finding.community, finding.measure) == (
        "building_on_boundary", "c000", pytest.approx(100),
    )  # fmt: skip
    assert "building b0" in finding.message


@pytest.mark.parametrize(("beyond", "found"), [(0.04, 0), (0.0, 0), (0.06, 1)])
def test_a_building_hardly_over_the_boundary_is_no_finding(beyond, found):
    layers = make_layers([box(0, 0, 50, 50), box(50, 0, 100, 50)], [box(40, 20, 50 + beyond, 40)])
    assert len(weave(layers).findings) == found


def test_a_building_outside_every_community_has_no_atom():
    layers = make_layers([box(0, 0, 50, 50)], [box(10, 10, 20, 20), box(70, 0, 80, 10)])
    fabric = weave(layers, [2, 5])
    assert fabric.pieces["atom"].tolist() == [0, -1]
    assert fabric.atoms["households"].tolist() == [2]


def test_of_overlapping_buildings_the_smaller_one_has_the_land():
    layers = make_layers([box(0, 0, 90, 60)], [box(10, 10, 50, 50), box(45, 20, 55, 30)])
    fabric = weave(layers, [1, 2])
    big, small = fabric.pieces["atom"]
    assert big != small
    assert atom_at(fabric, 47, 25) == small


def test_a_building_that_another_one_stands_across_makes_one_atom_with_it():
    layers = make_layers([box(0, 0, 90, 60)], [box(10, 20, 80, 30), box(40, 10, 45, 50)])
    fabric = weave(layers, [1, 2])
    assert fabric.pieces["atom"].tolist() == [0, 0]
    assert fabric.atoms["households"].tolist() == [3]


def test_a_building_under_a_copy_of_itself_keeps_its_households():
    layers = make_layers([box(0, 0, 50, 50)], [box(10, 10, 20, 20)] * 3)
    assert weave(layers, [1, 2, 4]).atoms["households"].tolist() == [7]


def test_a_building_in_a_courtyard_has_land_of_its_own():
    ring = box(10, 10, 50, 50).difference(box(20, 20, 40, 40))
    layers = make_layers([box(0, 0, 60, 60)], [ring, box(25, 25, 35, 35)])
    fabric = weave(layers, [1, 2])
    outer, inner = fabric.pieces["atom"]
    assert outer != inner
    assert fabric.atoms["area_m2"][inner] < 400


def test_atoms_are_numbered_by_community_from_north_to_south():
    fabric = weave(town(TWO, barriers=[[(0, 20), (100, 20)]]))
    assert fabric.atoms["y"].diff()[[1, 3]].lt(0).all()


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 1, 0, 2], [2, 0, 3, 1]])
def test_a_terraced_house_has_the_land_before_its_own_walls(order):
    houses = [box(10 + 10 * i, 15, 20 + 10 * i, 25) for i in order]
    fabric = weave(make_layers([box(0, 0, 60, 40)], houses))
    assert kinds(fabric) == {"building": 4}
    for house, i in zip(fabric.pieces["atom"], order, strict=True):
        for x in (11, 15, 19):
            assert atom_at(fabric, x + 10 * i, 25.2) == atom_at(fabric, x + 10 * i, 14.8) == house


# Splinters


@pytest.mark.parametrize("apart", [1e-6, 1e-5, 1e-3, 0.1, 0.4])
def test_a_barrier_digitised_twice_leaves_no_splinter(apart):
    lines = [[(0, 20), (100, 20)], [(0, 20 + apart), (100, 20 + apart)]]
    fabric = weave(town(TWO, barriers=lines))
    assert len(fabric.atoms) == 4


def test_a_real_street_between_two_barriers_stays_an_atom():
    lines = [[(0, 20), (100, 20)], [(0, 26), (100, 26)]]
    assert len(weave(town(TWO, barriers=lines)).atoms) == 6


def test_open_land_behind_a_site_without_households_joins_it():
    layers = make_layers([box(0, 0, 100, 30)], [], sites=[box(20, 0, 80, 30)])
    rules = Rules.build({"sites": {"absorb_m2": 700, "margin_m": 0}})
    assert len(weave(layers, rules=rules).atoms) == 1
    rules = Rules.build({"sites": {"absorb_m2": 500, "margin_m": 0}})
    assert len(weave(layers, rules=rules).atoms) == 3


def test_people_behind_a_site_stay_general_land():
    layers = make_layers([box(0, 0, 100, 30)], [box(5, 5, 15, 15)], sites=[box(20, 0, 80, 30)])
    fabric = weave(layers, 3)
    assert fabric.atoms["site"][fabric.pieces["atom"][0]] == -1
    assert weave(layers, 0).atoms["site"].tolist() == [0]


# Sites

AS_DRAWN = Rules.build({"sites": {"margin_m": 0}})

GROUND = box(0, 0, 200, 100)
SCHOOL = box(8, 10, 60, 92)
HOUSE = box(80, 40, 90, 50)
STREET = shapely.LineString(at((72, -5), (72, 105)))
"""12 m east of the school; the boundary is 8 to 10 m away on the other sides."""


def land_of_school(*houses, streets=(STREET,), margin=20.0):
    layers = make_layers([GROUND], [HOUSE, *houses], sites=[SCHOOL], barriers=list(streets))
    fabric = weave(layers, rules=Rules.build({"sites": {"margin_m": margin}}))
    assert broken_promises(layers, fabric, 1 + len(houses)) == []
    (site,) = np.flatnonzero(fabric.atoms["site"] == 0)
    return atoms_drawn(fabric)[site]


def differs(land, wanted):
    return shapely.symmetric_difference(land, wanted).area > 0.1


def test_the_strip_between_a_site_and_the_street_is_the_sites():
    assert not differs(land_of_school(), box(0, 0, 72, 100))


def test_a_strip_ends_straight_at_the_corners_of_its_site():
    assert not differs(land_of_school(streets=()), box(0, 0, 60, 100))


def test_a_strip_in_which_a_building_stands_stays_general_land():
    assert not differs(land_of_school(box(2, 40, 6, 44)), SCHOOL)


def test_land_wider_than_a_margin_stays_general():
    strips = shapely.union_all([box(0, 10, 8, 92), box(8, 92, 60, 100)])
    west_and_north = shapely.union_all([SCHOOL, strips])
    missing = shapely.difference(west_and_north, land_of_school(margin=9.0))
    assert missing.area < 1
    assert not differs(land_of_school(margin=5.0), SCHOOL)
    assert not differs(land_of_school(margin=0.0), SCHOOL)


def test_a_building_that_a_site_cuts_goes_where_most_of_it_stands():
    layers = make_layers(
        [box(0, 0, 99, 99)], [box(36, 20, 46, 30), box(32, 60, 42, 70)], sites=[box(0, 0, 40, 99)]
    )
    fabric = weave(layers, [1, 2])
    site = fabric.atoms["site"]
    assert site[fabric.pieces["atom"]].tolist() == [-1, 0]
    assert broken_promises(layers, fabric, 3) == []
    (finding,) = fabric.findings
    assert (finding.kind, finding.measure) == ("site_fitted", 2)


def test_a_site_has_its_own_land_and_no_more():
    layers = make_layers(
        [box(0, 0, 100, 60)], [box(5, 5, 10, 10), box(35, 30, 38, 40)], sites=[box(40, 10, 60, 50)]
    )
    fabric = weave(layers, rules=AS_DRAWN)
    assert fabric.atoms["area_m2"][fabric.atoms["site"] == 0].tolist() == pytest.approx([800])
    assert kinds(fabric) == {"building": 2, "site": 1}


def test_a_site_in_two_communities_has_a_part_in_each():
    layers = town(TWO, sites="..........\n...SSSS...\n...SSSS...\n..........\n..........")
    fabric = weave(layers, rules=AS_DRAWN)
    in_site = fabric.atoms["site"] == 0
    assert fabric.atoms["community"][in_site].tolist() == [0, 1]
    assert fabric.atoms["area_m2"][in_site].round(3).tolist() == [400, 400]
    assert [f.kind for f in fabric.findings] == ["site_in_several_communities"]


def test_a_small_share_of_a_site_stays_general_land():
    layers = make_layers([box(0, 0, 50, 50), box(50, 0, 100, 50)], sites=[box(10, 10, 51, 40)])
    fabric = weave(layers)
    assert fabric.atoms["community"][fabric.atoms["site"] == 0].tolist() == [0]
    assert {f.kind for f in fabric.findings} == {"site_part_left"}


def test_of_overlapping_sites_the_smaller_one_has_the_land():
    layers = make_layers([box(0, 0, 99, 99)], sites=[box(10, 10, 60, 60), box(50, 50, 70, 70)])
    fabric = weave(layers)
    assert fabric.atoms["site"][atom_at(fabric, 55, 55)] == 1
    assert [f.kind for f in fabric.findings] == ["sites_overlap"]


@pytest.mark.parametrize(
    ("site", "house"),
    [(box(70, 0, 80, 9), box(5, 5, 9, 9)), (box(12, 12, 18, 18), box(5, 5, 45, 45))],
)
def test_a_site_without_land_is_a_warning(site, house):
    layers = make_layers([box(0, 0, 50, 50)], [house], sites=[site])
    fabric = weave(layers)
    assert (fabric.atoms["site"] == -1).all()
    assert [f.severity for f in fabric.findings if f.kind == "site_outside"] == ["warning"]


def test_a_site_that_cuts_a_community_in_two_is_one_atom():
    layers = make_layers(
        [box(0, 0, 99, 30)], [box(5, 5, 9, 9), box(90, 5, 95, 9)], sites=[box(40, -9, 60, 40)]
    )
    fabric = weave(layers)
    assert fabric.atoms["site"].tolist().count(0) == 1
    assert len(fabric.atoms) == 3


def test_a_site_in_two_parts_is_one_atom_in_two_pieces():
    parts = shapely.union_all([box(10, 10, 20, 20), box(70, 10, 80, 20)])
    fabric = weave(make_layers([box(0, 0, 99, 30)], sites=[parts]), rules=AS_DRAWN)
    (site,) = np.flatnonzero(fabric.atoms["site"] == 0)
    assert shapely.get_num_geometries(atoms_drawn(fabric)[site]) == 2


def test_entangled_buildings_go_into_a_site_together():
    # The long building is torn by one that stands across it, which is the site's.
    layers = make_layers(
        [box(0, 0, 99, 60)], [box(25, 20, 60, 30), box(40, 5, 45, 59)], sites=[box(33, 2, 52, 59)]
    )
    fabric = weave(layers, [1, 2])
    assert broken_promises(layers, fabric, 3) == []
    site = fabric.atoms["site"][fabric.pieces["atom"]]
    assert site.tolist() == [0, 0]


def test_a_sites_splinter_makes_no_site_of_its_neighbour():
    parts = shapely.union_all([box(10, 10, 40, 40), box(80, 10, 80.5, 10.5)])
    fabric = weave(make_layers([box(0, 0, 99, 50)], [box(70, 20, 75, 30)], sites=[parts]))
    assert fabric.atoms["site"][atom_at(fabric, 85, 20)] == -1


# Slabs


def test_an_oversize_building_is_one_atom_a_slab():
    layers = make_layers([box(0, 0, 100, 40)], [box(10, 15, 90, 25)])
    fabric = weave(layers, 120, band=(30, 50))
    assert kinds(fabric) == {"slab": 3}
    assert fabric.atoms["households"].tolist() == [40, 40, 40]


@pytest.mark.parametrize("settings_", [{"fabric": {"oversize": "whole"}}, {"micro": None}])
def test_the_rules_can_leave_oversize_buildings_whole(settings_):
    layers = make_layers([box(0, 0, 100, 40)], [box(10, 15, 90, 25)])
    fabric = weave(layers, 120, band=(30, 50), rules=Rules.build(settings_))
    assert kinds(fabric) == {"building": 1}


# Given atoms


def test_given_atoms_are_the_atoms_and_have_the_land_beside_them():
    layers = make_layers([box(0, 0, 90, 30)], atoms=[box(0, 0, 30, 30), box(30, 0, 60, 30)])
    fabric = weave(layers, [500, 7], band=(30, 50))
    assert fabric.atoms["kind"].tolist() == ["given", "given"]
    assert fabric.atoms["households"].tolist() == [500, 7]
    assert fabric.atoms["area_m2"].tolist() == pytest.approx([900, 1800])
    assert fabric.findings == ()


def test_a_given_atom_larger_than_its_community_counts_where_most_of_it_lies():
    layers = make_layers([box(0, 0, 30, 30), box(30, 0, 90, 30)], atoms=[box(-9, -9, 99, 99)])
    fabric = weave(layers, 8)
    assert fabric.atoms["households"].tolist() == [0, 8]


# Lines


def crowd(columns, rows):
    corners = [(9 * i + 2, 9 * j + 2) for i in range(columns) for j in range(rows)]
    return [box(x, y, x + 6, y + 5) for x, y in corners]


def test_relief_lines_split_a_crowded_block_and_cut_no_building():
    houses = np.array(crowd(20, 15))
    streets = street_lines(np.array([box(0, 0, 190, 140)]), houses[:0], houses[:0], houses, 8.0)
    relief, crowded = relief_lines(faces_of(streets), houses)
    assert crowded.tolist() == [0]
    faces = faces_of(node(np.concatenate([streets, relief, shapely.boundary(houses)]), relief))
    _, face = shapely.STRtree(faces).query(houses, predicate="touches")
    assert np.bincount(face).max() < 100
    through = shapely.STRtree(houses).query(relief, predicate="intersects")
    assert shapely.length(shapely.intersection(relief[through[0]], houses[through[1]])).sum() == 0


def test_relief_lines_leave_no_trace_where_both_sides_have_one_owner():
    layers = make_layers([box(0, 0, 190, 140)], crowd(20, 15))
    fabric = weave(layers)
    assert broken_promises(layers, fabric, 300) == []
    assert kinds(fabric) == {"building": 300}


def test_a_block_without_a_crowd_has_no_relief_lines():
    houses = np.array(crowd(5, 5))
    streets = street_lines(np.array([box(0, 0, 190, 140)]), houses[:0], houses[:0], houses, 8.0)
    relief, crowded = relief_lines(faces_of(streets), houses)
    assert len(relief) == len(crowded) == 0


def test_lines_are_left_out_inside_footprints():
    line = shapely.LineString(at((0, 5), (40, 5)))
    inner = shapely.LineString(at((12, 5), (18, 5)))
    left = outside(np.array([line, inner]), np.array([box(10, 0, 20, 10), box(20, 0, 25, 10)]))
    assert shapely.length(left).tolist() == [25]


def test_streets_have_a_vertex_at_least_every_frontage():
    streets = street_lines(
        np.array([box(0, 0, 100, 50)]), *[np.empty(0, dtype=object)] * 3, frontage=8.0
    )
    xy, line = shapely.get_coordinates(streets, return_index=True)
    step = np.hypot(*np.diff(xy, axis=0).T)[line[1:] == line[:-1]]
    assert step.max() <= 8


def test_patches_that_overlap_are_refused():
    square = np.array([0, 1, 2, 3])
    patches = Patches(
        xy=np.array([[0, 0], [1, 0], [1, 1], [0, 1.0]]), start=np.tile(square, 2),
        stop=np.tile(np.roll(square, -1), 2), patch=np.repeat([0, 1], 4),
        face=np.array([0, 1]), label=np.array([0, 1]), gates=Gates.none(4),
    )  # fmt: skip
    with pytest.raises(GridcellError, match="could not be divided"):
        match_edges(patches)


# Crumbs of boundaries


@pytest.mark.parametrize(("side", "atoms"), [(0.001, 1), (1.9, 1), (2.1, 2)])
def test_land_too_small_to_stand_on_is_no_atom_of_its_own(side, atoms):
    """A crumb apart from its community belongs to the nearest atom of it, touching or not."""
    body, crumb = box(0, 0, 50, 50), box(60, 10, 60 + side, 10 + side)
    layers = make_layers([shapely.union_all([body, crumb]), box(60 + side, 0, 120, 50)])
    fabric = weave(layers, [])
    mine = fabric.atoms[fabric.atoms["community"] == 0]
    assert len(mine) == atoms
    assert mine["area_m2"].sum() == pytest.approx(2500 + side**2, rel=1e-12)
    assert fabric.atoms["area_m2"].min() >= 4
    told = [finding for finding in fabric.findings if finding.kind == "detached_land"]
    assert len(told) == 2 - atoms
    for finding in told:
        assert (finding.severity, finding.community) == ("note", "c000")
        assert finding.measure == pytest.approx(side**2, abs=1e-6)
        assert finding.place is not None
        assert finding.place.distance(crumb) == 0
        assert f"({side**2:.2g} m2)" in finding.message


def test_land_too_small_to_stand_on_is_told_once_a_community_at_the_largest_piece():
    pieces = [box(0, 0, 50, 50), box(60, 10, 61, 11), box(60, 20, 61.5, 21.5), box(60, 40, 61, 41)]
    (finding,) = weave(make_layers([shapely.union_all(pieces)]), []).findings
    assert finding.measure == pytest.approx(4.25)
    assert finding.place.distance(pieces[2]) == 0
    assert "3 pieces" in finding.message
    assert "4.2 m2 in all" in finding.message


def test_a_community_that_is_all_crumbs_keeps_them():
    crumbs = shapely.union_all([box(0, 0, 1.5, 1.5), box(5, 0, 6.5, 1.5)])
    fabric = weave(make_layers([crumbs, box(20, 0, 60, 50)]), [])
    assert (fabric.atoms["community"] == 0).sum() == 2


def test_land_of_a_block_that_sites_cut_off_has_no_owner_beyond_them():
    """Footprints stand beside one open piece of the block, a site around the other."""
    faces = [box(0, 0, 10, 10), box(10, 0, 20, 10), box(20, 0, 30, 10), box(60, 10, 70, 20),
             box(50, 0, 80, 30).difference(box(60, 10, 70, 20))]  # fmt: skip
    patches = divide_land(
        shapely.orient_polygons(np.array(faces, dtype=object)), np.zeros(5, dtype=np.int64),
        np.arange(5), is_open=np.array([False, True, False, True, False]),
        is_print=np.array([True, False, True, False, False]), block=np.array([0, 9, 2, 9, 4]),
    )  # fmt: skip
    assert set(patches.label[patches.face == 1]) == {0, 2}
    assert patches.label[patches.face == 3].tolist() == [-4]
