"""Barriers: what their ranks say, and that no cell reaches over a river without a bridge."""

import dataclasses

import geopandas as gpd
import numpy as np
import pytest
import shapely
from towns import CRS, at, box, make_layers, weave

from gridcell.errors import InputError
from gridcell.fabric.barriers import CLASSES, barrier_classes, bridges
from gridcell.model import Fabric, Layers, Plan
from gridcell.partition.graph import Graph, make_graph
from gridcell.pipeline import make_plan
from gridcell.read import read_layers
from gridcell.rules import Rules
from gridcell.schema import BARRIER_CLASSES

WIDTH = 240.0
NORTH = [box(x, 75, x + 10, 85) for x in range(10, 240, 30)]
SOUTH = [box(x, 15, x + 10, 25) for x in range(10, 240, 30)]
RIVER = [(-5, 50), (245, 50)]
WATER = [(-5, 45), (245, 45), (245, 55), (-5, 55), (-5, 45)]
ACROSS = [(121, -5), (121, 105)]
RULES = Rules.build({"small": {"min": 8, "target": 10, "max": 12}, "micro": None, "search": 100})


def town_with(*barriers, kinds, ranks=None, houses=(*NORTH, *SOUTH), **inputs) -> Layers:
    """Return a town of two rows of houses with these lines, metres from its corner."""
    lines = [shapely.LineString(at(*line)) for line in barriers]
    layers = make_layers(
        [box(0, 0, WIDTH, 100)], list(houses), barriers=lines, kinds=kinds, **inputs
    )
    drawn = layers.barriers.assign(rank=ranks or [None] * len(lines), name=None)
    return dataclasses.replace(layers, barriers=drawn)


def graph_of(fabric: Fabric) -> Graph:
    return make_graph(fabric, np.arange(len(fabric.atoms)))


def pieces(layers: Layers, households=1) -> int:
    return int(graph_of(weave(layers, households)).components().max()) + 1


def plan_of(layers: Layers, households: int, rules: Rules) -> Plan:
    """Return the plan of the town, read as files would be."""
    homes = layers.buildings.drop(columns="units").assign(households=households)
    named = layers.communities.assign(code="450802001013")
    lines = layers.barriers.drop(columns="name")
    return make_plan(read_layers(named, homes, barriers=[lines], rules=rules), rules=rules)


def cells_by_bank(layers: Layers) -> tuple[set[str], set[str]]:
    """Return the codes of the cells that hold households north and south of the river."""
    plan = plan_of(layers, 5, RULES)
    assert plan.report["multipart_cells"] == 0
    assert (plan.leaves["households"] > 0).all()
    north = plan.buildings.geometry.centroid.y.to_numpy() > at((0, 50))[0][1]
    codes = plan.buildings["code"].to_numpy()
    return set(codes[north]), set(codes[~north])


# Ranks


@pytest.mark.parametrize(
    ("kind", "rank", "expected"),
    [
        ("road", "primary", "arterial"),
        ("road", " Motorway_Link ", "arterial"),
        ("road", "次干道", "arterial"),
        ("road", "1.0", "arterial"),
        ("road", "residential", "street"),
        ("road", "支路", "street"),
        ("road", "2", "street"),
        ("road", None, "street"),
        ("road", "by the mill", "street"),
        ("road", "lane", "path"),
        ("road", "footway", "path"),
        ("road", "巷", "path"),
        ("road", "3", "path"),
        ("river", None, "river"),
        ("river", "1", "river"),
        ("river", "ditch", "path"),
        ("rail", "primary", "rail"),
        ("wall", None, "wall"),
    ],
)
def test_a_rank_tells_the_class_of_a_barrier(kind, rank, expected):
    frame = gpd.GeoDataFrame({"kind": [kind], "rank": [rank]}).astype("str")
    assert CLASSES[barrier_classes(frame)[0]] == expected


def test_where_barriers_run_together_the_strongest_counts():
    layers = town_with(
        RIVER, RIVER, RIVER, kinds=["wall", "river", "road"], ranks=[None, None, "primary"]
    )
    fabric = weave(layers)
    river = fabric.arc_barrier == 1 + CLASSES.index("river")
    assert fabric.arc_length[river].sum() == pytest.approx(WIDTH, abs=1e-3)


def test_a_better_barrier_is_a_cheaper_border_and_none_is_free():
    costs = {}
    for name, (kind, rank) in {
        "arterial": ("road", "primary"), "street": ("road", None), "path": ("road", "path"),
        "river": ("river", None), "rail": ("rail", None), "wall": ("wall", None),
        "parcel": ("wall", "parcel"),
    }.items():  # fmt: skip
        # Without people the river parts nobody, and is a border like the others.
        graph = graph_of(weave(town_with(RIVER, kinds=[kind], ranks=[rank], houses=[])))
        costs[name] = float(graph.land(0.5).length[0]) / WIDTH
        assert all((graph.land(share).length > 0).all() for share in (0.5, 0.25, 0.02))
    assert costs["street"] == pytest.approx(0.5)
    for name, strength in BARRIER_CLASSES.items():
        assert costs[name] == pytest.approx(1 - 0.5 * strength), name
    assert max(BARRIER_CLASSES, key=BARRIER_CLASSES.get) == "river"


@pytest.mark.parametrize("river_first", [True, False])
def test_a_river_is_preferred_to_a_path_as_border(river_first):
    lines = [[(80, -5), (80, 105)], [(160, -5), (160, 105)], [(-5, 98), (245, 98)]]
    kinds = ["river", "road", "road"] if river_first else ["road", "river", "road"]
    layers = town_with(
        *lines, kinds=kinds, ranks=["path", "path", None],
        houses=[box(x, 40, x + 20, 60) for x in (30, 110, 190)],
    )  # fmt: skip
    rules = Rules.build(
        {"small": {"min": 10, "target": 15, "max": 20}, "micro": None, "search": 200}
    )
    plan = plan_of(layers, 10, rules)
    code = plan.buildings.sort_values("bldg_id")["code"].tolist()
    assert len(plan.small) == 2
    assert (code[0] == code[1]) is not river_first
    assert (code[1] == code[2]) is river_first


# Rivers


@pytest.mark.parametrize("river", [RIVER, WATER], ids=["line", "polygon"])
def test_no_cell_lies_on_both_banks_of_a_river_without_a_bridge(river):
    layers = town_with(river, kinds=["river"])
    assert pieces(layers) == 2
    north, south = cells_by_bank(layers)
    assert not north & south


@pytest.mark.parametrize("river", [RIVER, WATER], ids=["line", "polygon"])
def test_a_bridge_makes_one_piece_of_both_banks(river):
    assert pieces(town_with(river, ACROSS, kinds=["river", "road"])) == 1


@pytest.mark.parametrize("river", [RIVER, WATER], ids=["line", "polygon"])
def test_people_reach_the_other_bank_at_the_bridge_only(river):
    fabric = weave(town_with(river, ACROSS, kinds=["river", "road"]))
    graph = graph_of(fabric)
    north = fabric.atoms["y"].to_numpy() > at((0, 50))[0][1]
    crossing = np.flatnonzero(north[graph.owner] != north[graph.neighbour])
    far = np.abs(graph.xy[graph.owner[crossing], 0] - at((121, 0))[0][0])
    assert len(crossing)
    assert far.max() < 65


def test_streets_and_walls_part_nobody():
    assert pieces(town_with(RIVER, kinds=["road"], ranks=["primary"])) == 1
    assert pieces(town_with(RIVER, kinds=["wall"])) == 1
    assert pieces(town_with(RIVER, kinds=["rail"])) == 1


def test_a_road_that_ends_at_the_river_is_no_bridge():
    layers = town_with(RIVER, [(121, 105), (121, 50)], kinds=["river", "road"])
    assert pieces(layers) == 2


def test_roads_that_meet_on_the_river_are_a_bridge():
    halves = [[(121, 105), (121, 50)], [(121, 50), (121, -5)]]
    assert pieces(town_with(RIVER, *halves, kinds=["river", "road", "road"])) == 1


def test_a_road_along_the_river_is_no_bridge():
    along = [(60, 105), (60, 50), (180, 50), (180, 105)]
    layers = town_with(RIVER, along, kinds=["river", "road"])
    lines = layers.barriers.geometry.to_numpy()
    assert len(bridges(lines, barrier_classes(layers.barriers))) == 0


def test_a_railway_bridge_is_not_for_people():
    assert pieces(town_with(RIVER, ACROSS, kinds=["river", "rail"])) == 2


# Land without households beside the water


@pytest.mark.parametrize("river", [RIVER, WATER], ids=["line", "polygon"])
def test_a_far_bank_where_nobody_lives_is_no_cell_of_its_own(river):
    layers = town_with(river, kinds=["river"], houses=NORTH)
    assert pieces(layers) == 1
    north, south = cells_by_bank(layers)
    assert len(north) == 4
    assert not south


def test_an_island_where_nobody_lives_goes_with_one_bank():
    island = [(100, 47), (140, 47), (140, 53), (100, 53), (100, 47)]
    layers = town_with(WATER, island, kinds=["river", "river"])
    assert pieces(layers) == 2


def test_a_pond_goes_with_its_banks():
    pond = [(45, 35), (75, 35), (75, 65), (45, 65), (45, 35)]
    graph = graph_of(weave(town_with(pond, kinds=["river"])))
    assert graph.components().max() == 0
    # Those that it touches touch each other: nobody reaches across the water.
    water = int(np.flatnonzero(np.isclose(graph.area, 900))[0])
    near = graph.neighbour[graph.first[water] : graph.first[water + 1]]
    links = set(zip(graph.owner.tolist(), graph.neighbour.tolist(), strict=True))
    assert any(all(a == b or (a, b) in links for b in near.tolist()) for a in near.tolist())


def test_a_town_without_people_is_not_cut_by_its_river():
    assert pieces(town_with(RIVER, kinds=["river"]), households=0) == 1


def test_what_a_river_cuts_off_is_rim():
    whole = graph_of(weave(town_with(RIVER, kinds=["road"])))
    cut = graph_of(weave(town_with(RIVER, kinds=["river"])))
    assert cut.rim.sum() - whole.rim.sum() == pytest.approx(2 * WIDTH, abs=1e-3)
    assert cut.rim.sum() + cut.length.sum() == pytest.approx(whole.rim.sum() + whole.length.sum())


# Given atoms


def test_given_atoms_are_parted_by_a_river_and_joined_by_a_bridge():
    atoms = [box(x, y, x + 40, y + 50) for y in (0, 50) for x in range(0, 240, 40)]
    parted = town_with(RIVER, kinds=["river"], atoms=atoms)
    joined = town_with(RIVER, ACROSS, kinds=["river", "road"], atoms=atoms)
    assert pieces(parted) == 2
    assert pieces(joined) == 1
    graph = graph_of(weave(joined))
    assert (graph.on_barrier <= graph.length * 1.4 + 1e-9).all()


def parcels_of(houses: int) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Return land, houses on one side of each, and parcels back to back, with a street's."""
    built, lots = [], [box(0, 0, 20 * houses, 10)]
    for i in range(houses):
        for y in (10, 60):
            lots.append(box(20 * i, y, 20 * i + 20, y + 50))
            built.append(box(20 * i + 2, y + 12, 20 * i + 12, y + 28))
    land = [box(0, 0, 20 * houses, 130)]
    return tuple(
        gpd.GeoDataFrame({name: values}, geometry=shapes, crs=CRS)
        for name, values, shapes in (
            ("code", ["a"], land), ("households", [10] * len(built), built),
            ("lot", range(len(lots)), lots),
        )
    )  # fmt: skip


def test_borders_between_houses_run_along_the_lines_of_their_parcels():
    land, houses, lots = parcels_of(8)
    layers = read_layers(land, houses, parcels=lots)
    assert set(layers.barriers["rank"]) == {"parcel"}
    assert layers.inputs[-1].role == "parcels"
    lines = shapely.union_all(layers.barriers.geometry.to_numpy())
    # Between neighbours, on over the pavement, and along the backs; not along the street.
    assert lines.length == pytest.approx(14 * 50 + 7 * (10 + 20) + 8 * 20, rel=0.02)
    plan = make_plan(layers)
    assert plan.ok
    rim = shapely.boundary(land.geometry.iloc[0]).buffer(0.01)
    inner = shapely.union_all(shapely.boundary(plan.micro.geometry.to_numpy())).difference(rim)
    between = inner.intersection(box(-1, 10, 999, 110))
    assert between.difference(lines.buffer(0.01)).length < 0.01 * between.length
    # Nobody needs a street to step over them, and nobody takes them for one.
    assert plan.report["barrier_share"]["micro"] == 0.0


def test_lines_of_parcels_all_count_and_points_are_refused():
    land, houses, lots = parcels_of(4)
    drawn = lots.set_geometry(lots.boundary)
    layers = read_layers(land, houses, parcels=drawn)
    assert layers.barriers.length.sum() == pytest.approx(drawn.length.sum())
    with pytest.raises(InputError, match="parcels"):
        read_layers(land, houses, parcels=lots.set_geometry(lots.centroid))
