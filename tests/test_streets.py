"""The street network: people cross rivers by bridges alone, and every metre counts once."""

import itertools

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely import LineString

import gridcell
from gridcell.streets import build_network

CRS = 4546


def barriers(*lines, kinds=None, ranks=None):
    return gpd.GeoDataFrame(
        {"kind": list(kinds or ["road"] * len(lines)), "rank": ranks, "name": None},
        geometry=[LineString(line) for line in lines], crs=CRS,
    )  # fmt: skip


def network_of(*lines, **columns):
    frame = barriers(*lines, **columns)
    return build_network(frame, crs=frame.crs)


def metres(network, a, b):
    places = network.join(np.array([a, b], dtype=float))
    there, back = network.distances(places, places)[[0, 1], [1, 0]]
    assert there == pytest.approx(back, abs=1e-9)
    return there


TWO_BANKS = ([(0, 0), (100, 0)], [(0, 40), (100, 40)], [(-50, 20), (150, 20)])
BANKS = ("road", "road", "river")


def test_a_river_is_crossed_by_its_bridge_alone():
    bridge = [(100, 0), (100, 40)]
    network = network_of(*TWO_BANKS, bridge, kinds=(*BANKS, "road"))
    assert metres(network, (10, 5), (10, 35)) == pytest.approx(5 + 90 + 40 + 90 + 5)


def test_without_a_bridge_there_is_no_way_and_it_is_told():
    network = network_of(*TWO_BANKS, kinds=BANKS)
    assert (network.parts, network.linked) == (2, 0)
    assert metres(network, (10, 5), (10, 35)) == np.inf


@pytest.mark.parametrize("kind", ["rail", "wall"])
def test_parts_that_only_a_wall_or_a_railway_keeps_apart_are_linked(kind):
    network = network_of(*TWO_BANKS, kinds=("road", "road", kind))
    assert (network.parts, network.linked, network.linked_m) == (1, 1, 40.0)


@pytest.mark.parametrize("kind", ["river", "rail", "wall", "motorway"])
def test_a_place_goes_to_no_street_across_a_line_that_it_could_go_around(kind):
    line = [(-50, 5), (60, 5)]
    kinds, ranks = ["road", "road", kind], [None] * 3
    if kind == "motorway":
        kinds[2], ranks[2] = "road", "motorway_link"
    network = network_of([(0, 0), (100, 0)], [(0, 60), (100, 60)], line, kinds=kinds, ranks=ranks)
    place = network.join(np.array([[10.0, 10.0]]))
    assert place.foot.tolist() == [[10.0, 60.0]]
    assert (place.access_m.tolist(), place.over.tolist()) == ([50.0], [False])


def test_a_walled_place_goes_over_the_wall_but_never_over_a_river():
    ring = [(0, 10), (20, 10), (20, 30), (0, 30), (0, 10)]
    street = [(0, 0), (100, 0)]
    walled = network_of(street, ring, kinds=("road", "wall")).join(np.array([[10.0, 20.0]]))
    assert (walled.access_m.tolist(), walled.over.tolist()) == ([20.0], [True])
    network = network_of(street, ring, kinds=("road", "river"))
    island = network.join(np.array([[10.0, 20.0], [10.0, 5.0]]))
    assert island.reached.tolist() == [False, True]
    assert network.distances(island, island).tolist() == [[0.0, np.inf], [np.inf, 0.0]]


def test_a_street_on_the_river_itself_is_reached_from_its_bank():
    network = network_of([(0, 0), (100, 0)], [(0, 0), (100, 0)], kinds=("road", "river"))
    assert network.join(np.array([[10.0, 7.0]])).access_m.tolist() == [7.0]


def test_an_end_drawn_too_short_meets_its_street():
    network = network_of([(0, 0), (100, 0)], [(50, 1.5), (50, 80)], [(90, 0), (90, 80), (50, 80)])
    assert metres(network, (0, 0), (50, 40)) == pytest.approx(90)
    river = [(40, 1), (60, 1)]
    kept = network_of(
        [(0, 0), (100, 0)], [(50, 1.5), (50, 80)], [(90, 0), (90, 80), (50, 80)], river,
        kinds=("road", "road", "road", "river"),
    )  # fmt: skip
    assert metres(kept, (0, 0), (50, 40)) == pytest.approx(90 + 80 + 40 + 40)


def test_on_one_street_the_way_is_along_it_or_around_whichever_is_shorter():
    horseshoe = [(0, 0), (0, 100), (10, 100), (10, 0)]
    assert metres(network_of(horseshoe), (0, 0), (10, 0)) == pytest.approx(210)
    assert metres(network_of(horseshoe, [(0, 0), (10, 0)]), (0, 1), (10, 1)) == pytest.approx(12)
    assert metres(network_of(horseshoe), (0, 10), (0, 30)) == pytest.approx(20)
    ring = [*horseshoe, (0, 0)]
    assert metres(network_of(ring), (1, 90), (9, 90)) == pytest.approx(1 + 10 + 10 + 10 + 1)


def test_without_roads_distances_are_straight():
    for network in (
        build_network(None, crs=barriers([(0, 0), (1, 1)]).crs),
        network_of([(0, 0), (9, 9)], kinds=["wall"]),
        network_of([(0, 0), (9, 9)], ranks=["motorway"]),
        network_of([(5, 5), (5, 5)]),
    ):
        assert network.straight
        assert metres(network, (0, 0), (30, 40)) == 50
        places = network.join(np.array([[0.0, 0.0], [30.0, 40.0]]))
        assert [x.tolist() for x in network.near(places, places, within_m=49)] == [
            [0, 1], [0, 1], [0.0, 0.0],
        ]  # fmt: skip


def test_minutes_follow_the_rule_of_the_plan(example_town):
    plan = example_town["plan"]
    assert plan.rules.walking.speed_kmh == 4.5
    assert gridcell.walking_network(plan).minutes(np.array([750.0])).tolist() == [10.0]


def test_a_plan_that_is_read_has_its_streets(example_town):
    """Two plans of one folder are compared: nothing but plan.gpkg is needed."""
    kept = gridcell.walking_network(gridcell.read_plan(example_town["plan_folder"]))
    made = gridcell.walking_network(example_town["plan"])
    assert (len(kept.lines), kept.parts) == (len(made.lines), 1)
    assert shapely.equals_exact(kept.lines, made.lines, 1e-6).all()


@pytest.mark.parametrize(("kind", "way"), [(None, 30.0), ("wall", 94.0), ("river", 94.0)])
def test_neighbours_in_a_yard_go_straight_unless_a_wall_or_a_river_is_between(kind, way):
    street, between = [(0, 0), (400, 0)], [(25, 5), (25, 200)]
    lines, kinds = ([street], ["road"]) if kind is None else ([street, between], ["road", kind])
    network = network_of(*lines, kinds=kinds)
    assert metres(network, (10, 32), (40, 32)) == way
    # Beyond 100 m people take the street, and where it is as near.
    assert metres(network, (10, 300), (111, 300)) == 701
    assert metres(network, (200, 10), (220, 10)) == 40
    places = network.join(np.array([[10.0, 32.0], [40.0, 32.0]]))
    (path,) = network.paths(places, np.array([0]), np.array([1]))
    assert path.length == way


COORDINATES = st.tuples(st.integers(0, 12), st.integers(0, 12))
LINES = st.lists(
    st.lists(COORDINATES, min_size=2, max_size=4, unique=True), min_size=1, max_size=6
)  # fmt: skip
PLACES = st.lists(COORDINATES, min_size=1, max_size=6)


def by_hand(network, places):
    """Return distances by Floyd and Warshall, every place a node between those of its street."""
    nodes = len(network.node_xy)
    weight = np.full((nodes + 2 * len(places),) * 2, np.inf)
    stops = {edge: [(0.0, int(network.tail[edge])), (float(network.metres[edge]),
             int(network.head[edge]))] for edge in range(len(network.metres))}  # fmt: skip
    for row in range(len(places)):
        foot = nodes + row
        stops[int(places.edge[row])].append((float(places.along_m[row]), foot))
        door = foot + len(places)
        weight[foot, door] = weight[door, foot] = places.access_m[row]
    for on_edge in stops.values():
        for (s, a), (t, b) in itertools.pairwise(sorted(on_edge)):
            weight[a, b] = weight[b, a] = min(weight[a, b], t - s)
    np.fill_diagonal(weight, 0.0)
    for k in range(len(weight)):
        weight = np.minimum(weight, weight[:, k, None] + weight[None, k, :])
    metres = weight[-len(places) :, -len(places) :]
    straight = np.hypot(*(places.xy[:, None] - places.xy[None]).transpose(2, 0, 1))
    yard = (straight <= 100) & (straight < places.access_m[:, None] + places.access_m[None, :])
    return np.where(yard | (straight == 0), straight, metres)


@given(
    LINES, PLACES, st.randoms(use_true_random=False), st.sampled_from([1, 150]), st.integers(1, 30)
)
def test_distances_are_the_shortest_whatever_the_order_and_direction(
    lines, xy, random, scale, within
):
    """Towns of 12 m, and of 1.8 km, where most streets are far from most places."""
    lines, within = [[(scale * x, scale * y) for x, y in line] for line in lines], scale * within
    network = network_of(*lines)
    places = network.join(scale * np.array(xy, dtype=float))
    found = network.distances(places, places)
    np.testing.assert_allclose(found, by_hand(network, places), atol=1e-6)
    np.testing.assert_allclose(found, found.T, atol=1e-9)
    a, b = np.divmod(np.arange(len(places) ** 2), len(places))
    np.testing.assert_allclose(network.between(places, a, b), found.ravel(), atol=1e-9)

    streets = shapely.union_all(network.lines).buffer(1e-3)
    for length, path, i, j in zip(found.ravel(), network.paths(places, a, b), a, b, strict=True):
        assert [path.coords[0], path.coords[-1]] == [tuple(places.xy[i]), tuple(places.xy[j])]
        if np.isfinite(length):
            assert path.length == pytest.approx(length, abs=1e-6) or not length
            off = path.difference(streets).length
            assert off <= places.access_m[i] + places.access_m[j] + 1e-6

    origin, destination, metres = network.near(places, places, within_m=within)
    limited = np.full(found.shape, np.inf)
    limited[origin, destination] = metres
    clear = np.abs(found - within) > 1e-6
    for some in (limited, network.distances(places, places, within_m=within)):
        wanted = np.where(found <= within, found, np.inf)
        np.testing.assert_allclose(some[clear], wanted[clear], atol=1e-9)

    turned = [line[::-1] if random.random() < 0.5 else line for line in lines]
    random.shuffle(turned)
    again = network_of(*turned)
    assert (again.distances(again.join(places.xy), again.join(places.xy)) == found).all()


def test_a_way_that_leads_far_around_is_found():
    """The only bridge is 5 km away: none of its nodes is near the places."""
    lines = [[(0, 0), (5000, 0), (5000, 40), (0, 40)], [(0, 20), (4000, 20)]]
    stubs = [[(x, 0), (x, -5)] for x in range(100, 5000, 100)]
    network = network_of(*lines, *stubs, kinds=["road", "river"] + ["road"] * len(stubs))
    assert len(network.node_xy) > 50
    places = network.join(np.array([[10.0, 0.0], [10.0, 40.0]]))
    assert network.distances(places, places)[0, 1] == 2 * 4990 + 40
    pair = np.array([0]), np.array([1])
    assert network.between(places, *pair).tolist() == [2 * 4990 + 40]
    (path,) = network.paths(places, *pair)
    assert (path.length, (5000.0, 40.0) in path.coords) == (2 * 4990 + 40, True)
