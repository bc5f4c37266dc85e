"""Orders of visit: the shortest up to 12 stops, near a bound beyond, along streets and bridges."""

import dataclasses
import itertools
import json
import re
import xml.etree.ElementTree as ET

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pyogrio
import pytest
import shapely
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from plans import CRS, LARGE, ORIGIN, tiny_plan
from shapely import LineString

import gridcell
from gridcell.errors import InputError, WriteError
from gridcell.schema import VISIT_COLUMNS, WALK_COLUMNS
from gridcell.visits.bound import tree_bound
from gridcell.visits.kernels import best_order, good_order, order_stops
from gridcell_cli.walk import command

LEAF = f"{LARGE}001001001"
OTHER = f"{LARGE}001001002"


def metres_of(points):
    points = np.asarray(points, dtype=float)
    return np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))


def length(d, order, *, closed=False):
    way = [*order, order[0]] if closed else list(order)
    return sum(d[a, b] for a, b in itertools.pairwise(way))


PLACES = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=6)


@given(PLACES, st.booleans())
def test_the_order_of_few_stops_is_the_shortest_of_all(points, closed):
    d = metres_of(points)
    order, total = best_order(d, closed)
    assert sorted(order) == list(range(len(d)))
    shortest = min(length(d, o, closed=closed) for o in itertools.permutations(range(len(d))))
    assert length(d, order, closed=closed) == pytest.approx(total, abs=1e-9)
    assert total == pytest.approx(shortest, abs=1e-9)


@pytest.mark.parametrize("closed", [False, True])
def test_the_search_finds_the_shortest_order_of_12_stops_and_the_bound_stays_below(closed):
    rng = np.random.default_rng(7)
    for _ in range(30):
        d = metres_of(rng.random((12, 2)) * 300)
        _, shortest = best_order(d, closed)
        order, total, bound = good_order(d, closed)
        assert sorted(order) == list(range(12))
        assert length(d, order, closed=closed) == pytest.approx(total)
        assert bound <= shortest + 1e-6
        assert total == pytest.approx(shortest)


@given(st.integers(13, 40), st.integers(0, 2**16), st.booleans())
def test_many_stops_are_visited_once_within_a_tight_bound(stops, seed, closed):
    """On a lattice many orders are equally long: the hardest case for both."""
    d = metres_of(np.random.default_rng(seed).integers(0, 8, (stops, 2)))
    order, total, bound = good_order(d, closed)
    assert sorted(order) == list(range(stops))
    assert length(d, order, closed=closed) == pytest.approx(total)
    assert total * 0.94 <= bound <= total + 1e-9


def test_the_bound_of_a_round_is_a_bound():
    d = metres_of([(0, 0), (0, 10), (10, 10), (10, 0)])
    assert tree_bound(d, 40.0) == pytest.approx(40)
    assert tree_bound(d, 50.0) <= 40 + 1e-6


def test_an_order_does_not_depend_on_the_cells_beside():
    rng = np.random.default_rng(3)
    tables = [metres_of(rng.random((n, 2))) for n in (5, 14, 1, 30)]
    count = np.array([len(d) for d in tables])

    def orders(which):
        flat = np.concatenate([tables[k].ravel() for k in which])
        size = count[list(which)]
        start = np.cumsum(size**2) - size**2
        order, metres, bound = np.empty(size.sum(), np.int64), *np.empty((2, len(size)))
        order_stops(flat, start, size, False, order, metres, bound)
        return dict(zip(which, np.split(order, np.cumsum(size)[:-1]), strict=True))

    together = orders(range(4))
    for k in range(4):
        assert orders([k])[k].tolist() == together[k].tolist()
        assert together[k][0] <= together[k][-1]


def town(houses, *lines, kinds=None, codes=None):
    """Return the tiny plan with these houses, metres from its corner, each of 3 households."""
    shapes = [shapely.box(x - 2, y - 2, x + 2, y + 2) for x, y in np.add(houses, ORIGIN)]
    buildings = gpd.GeoDataFrame(
        {
            "bldg_id": [f"b{k:02}" for k in range(len(houses))], "households": 3,
            "code": codes or [LEAF] * len(houses),
        },
        geometry=shapes, crs=CRS,
    )  # fmt: skip
    barriers = gpd.GeoDataFrame(
        {"kind": list(kinds or ["road"] * len(lines)), "rank": None, "name": None},
        geometry=[LineString(np.add(line, ORIGIN)) for line in lines], crs=CRS,
    )  # fmt: skip
    return dataclasses.replace(tiny_plan(), buildings=buildings, barriers=barriers)


STREET = [(0, 0), (400, 0)]


def test_houses_along_a_street_are_visited_one_after_another():
    plan = town([(300, 10), (0, 10), (200, -10), (100, 10)], STREET)
    orders = gridcell.visiting_orders(plan)
    assert orders.visits["bldg_id"].tolist() == ["b00", "b02", "b03", "b01"]
    assert orders.visits["leg_m"].tolist() == [0, 120, 120, 120]
    assert orders.visits["metres"].tolist() == [0, 120, 240, 360]
    assert orders.visits["minutes"].tolist() == [0, 1.6, 3.2, 4.8]
    walked = orders.cells[orders.cells["visits"] > 0]
    assert walked.to_dict("list") == {
        "code": [LEAF], "visits": [4], "households": [12], "metres": [360.0], "minutes": [4.8],
        "bound_m": [360.0], "gap": [0.0],
    }  # fmt: skip
    assert len(orders.cells) == len(plan.leaves)
    assert (list(orders.cells), list(orders.visits)) == (
        list(WALK_COLUMNS), [*VISIT_COLUMNS, "geometry"]
    )  # fmt: skip
    assert orders.findings == ()


def test_a_round_leads_back_to_the_first_building():
    plan = town([(300, 10), (0, 10), (200, 10)], STREET)
    orders = gridcell.visiting_orders(plan, round_trip=True)
    assert orders.visits["bldg_id"].tolist() == ["b00", "b01", "b02", "b00"]
    assert orders.cells["metres"].max() == orders.visits["metres"].iloc[-1] == 660
    (line,) = orders.ways.geometry
    assert line.is_closed
    assert line.length == pytest.approx(660)


def test_the_way_crosses_the_river_on_its_bridge_alone():
    south = [(x, -10) for x in range(0, 300, 50)]
    north = [(x, 50) for x in range(0, 300, 50)]
    river = [(-50, 20), (450, 20)]
    lines = [STREET, [(0, 40), (400, 40)], [(400, 0), (400, 40)], river]
    plan = town([*south, *north], *lines, kinds=["road", "road", "road", "river"])
    orders = gridcell.visiting_orders(plan)
    (line,) = orders.ways.geometry
    crossing = line.intersection(LineString(np.add(river, ORIGIN)))
    assert np.subtract(shapely.get_coordinates(crossing), ORIGIN).tolist() == [[400, 20]]
    assert line.length == pytest.approx(orders.cells["metres"].max())

    apart = town([*south, *north], *lines[:2], river, kinds=["road", "road", "river"])
    found = gridcell.visiting_orders(apart)
    assert [f.kind for f in found.findings] == ["streets_apart", "walk_straight"]
    assert (found.visits["way"] == "straight").sum() == 1
    assert found.visits["metres"].max() == found.cells["metres"].max()
    assert found.cells["gap"].max() == 0


def test_without_roads_the_ways_are_straight_and_it_is_told():
    orders = gridcell.visiting_orders(town([(0, 0), (30, 40)]))
    assert orders.visits["leg_m"].tolist() == [0, 50]
    assert set(orders.visits["way"]) == {"straight"}
    assert [f.kind for f in orders.findings] == ["streets_none"]


def test_a_house_behind_a_wall_is_told():
    ring = [(90, 5), (110, 5), (110, 25), (90, 25), (90, 5)]
    plan = town([(0, 10), (100, 15)], STREET, ring, kinds=["road", "wall"])
    (finding,) = gridcell.visiting_orders(plan).findings
    assert (finding.kind, finding.cell, finding.measure) == ("walk_over_wall", LEAF, 1.0)


def test_buildings_without_households_are_visited_where_everything_is():
    plan = town([(0, 10), (100, 10), (200, 10)], STREET)
    empty = plan.buildings.assign(households=[3, 0, 2])
    plan = dataclasses.replace(plan, buildings=empty)
    assert gridcell.visiting_orders(plan).visits["bldg_id"].tolist() == ["b00", "b02"]
    assert len(gridcell.visiting_orders(plan, everything=True).visits) == 3


def test_slabs_of_a_building_in_one_cell_are_one_visit():
    plan = town([(0, 10), (8, 10), (100, 10)], STREET, codes=[LEAF, LEAF, OTHER])
    plan = dataclasses.replace(plan, buildings=plan.buildings.assign(bldg_id="b"))
    orders = gridcell.visiting_orders(plan)
    assert orders.visits[["code", "households"]].to_numpy().tolist() == [[LEAF, 6], [OTHER, 3]]


@pytest.mark.parametrize(
    ("code", "leaves"), [(LEAF, 1), (LEAF[:15], 2), (LEAF[:12], 7), (LARGE, 13)]
)
def test_the_cells_of_any_level_can_be_chosen(code, leaves):
    assert len(gridcell.visiting_orders(tiny_plan(), cells=[code]).cells) == leaves


def test_what_cannot_be_visited_is_refused():
    with pytest.raises(InputError, match="no cell 99"):
        gridcell.visiting_orders(tiny_plan(), cells=[LEAF, "99"])
    plan = tiny_plan()
    with pytest.raises(InputError, match="no buildings"):
        gridcell.visiting_orders(dataclasses.replace(plan, buildings=plan.buildings.iloc[:0]))


def test_orders_do_not_depend_on_the_order_of_rows():
    rng = np.random.default_rng(5)
    plan = town(rng.integers(0, 400, (25, 2)), STREET, [(0, 200), (400, 200)], [(50, 0), (50, 200)])
    turned = dataclasses.replace(
        plan, buildings=plan.buildings.iloc[::-1], barriers=plan.barriers.iloc[::-1]
    )
    one, other = gridcell.visiting_orders(plan), gridcell.visiting_orders(turned)
    pd.testing.assert_frame_equal(one.visits, other.visits)
    pd.testing.assert_frame_equal(one.cells, other.cells)
    assert shapely.equals_exact(one.ways.geometry, other.ways.geometry, 0).all()


def test_orders_of_a_sample_are_near_their_bounds(example_town):
    orders = gridcell.visiting_orders(example_town["plan"])
    walked = orders.cells[orders.cells["visits"] > 1]
    assert walked["gap"].mean() <= 0.03
    assert len(walked) >= 4
    lengths = orders.ways.length.to_numpy()
    np.testing.assert_allclose(lengths, orders.ways["metres"], atol=0.01)


@pytest.fixture(scope="module")
def orders():
    return gridcell.visiting_orders(
        town([(300, 10), (0, 10), (200, -10), (100, 10)], STREET, codes=[LEAF] * 3 + [OTHER])
    )


def test_tables_tell_the_visits_with_codes_as_text(orders, tmp_path):
    gridcell.write_visits(orders, tmp_path / "w.csv")
    table = pd.read_csv(tmp_path / "w.csv", dtype={"code": str})
    assert list(table) == [*VISIT_COLUMNS, "lon", "lat"]
    assert table["bldg_id"].tolist() == ["b00", "b02", "b01", "b03"]
    gridcell.write_visits(orders, tmp_path / "w.xlsx", lang="zh")
    book = openpyxl.load_workbook(tmp_path / "w.xlsx")
    assert book.sheetnames == ["网格路程", "走访顺序"]
    assert book["走访顺序"]["A2"].value == LEAF


def test_layers_hold_the_lines_and_the_visits(orders, tmp_path):
    gridcell.write_visits(orders, tmp_path / "w.gpkg")
    assert pyogrio.list_layers(tmp_path / "w.gpkg")[:, 0].tolist() == ["walks", "visits"]
    walks = gpd.read_file(tmp_path / "w.gpkg", layer="walks")
    assert walks.length.round(6).tolist() == walks["metres"].tolist()
    gridcell.write_visits(orders, tmp_path / "w.geojson")
    assert json.loads((tmp_path / "w.geojson").read_text("utf-8"))["features"]


def test_phones_get_a_track_for_each_cell_and_a_waypoint_for_each_visit(orders, tmp_path):
    gridcell.write_visits(orders, tmp_path / "w.gpx", lang="zh")
    root = ET.parse(tmp_path / "w.gpx").getroot()  # noqa: S314
    names = [item.tag.split("}")[1] for item in root]
    assert names == ["wpt"] * 4 + ["trk"]
    points = gpd.read_file(tmp_path / "w.gpx", layer="waypoints")
    assert points["name"].tolist() == [f"{LEAF} 1", f"{LEAF} 2", f"{LEAF} 3", f"{OTHER} 1"]
    (track,) = gpd.read_file(tmp_path / "w.gpx", layer="tracks").to_crs(CRS).geometry
    assert track.length == pytest.approx(orders.cells["metres"].max(), abs=0.1)


def test_a_file_of_another_kind_is_refused(orders, tmp_path):
    with pytest.raises(WriteError, match=r"\.gpx"):
        gridcell.write_visits(orders, tmp_path / "w.doc")


def test_the_command_walks_through_a_plan(tmp_path):
    gridcell.write_plan(tiny_plan(), tmp_path / "p")
    done = CliRunner().invoke(command, [str(tmp_path / "p"), "-o", str(tmp_path / "w.csv")])
    assert done.exit_code == 0, done.output
    assert "13 cells, 12 buildings, 0.0 km" in done.output
    done = CliRunner().invoke(
        command,
        [str(tmp_path / "p"), "-o", str(tmp_path / "w.gpx"), "--cell", LEAF[:15], "--all",
         "--round", "--json"],
    )  # fmt: skip
    assert json.loads(done.stdout)["cells"] == 2


def test_the_atlas_shows_the_order_as_a_numbered_line(tmp_path):
    pypdf = pytest.importorskip("pypdf")
    plan = town([(20, 340), (120, 340), (50, 360)], [(0, 350), (400, 350)])
    names = {
        level: plan.cells(level).assign(name=[f"Cell {k}" for k in range(len(plan.cells(level)))])
        for level in ("large", "medium", "small", "micro", "leaves")
    }  # fmt: skip
    plan = dataclasses.replace(plan, **names)

    def text_of(page, **options):
        gridcell.write_atlas(
            plan, tmp_path / "a.pdf", level="micro", cells=[LEAF], overwrite=True, **options
        )
        return pypdf.PdfReader(tmp_path / "a.pdf").pages[page].extract_text().splitlines()

    walked, bare = text_of(-1, walk=True), text_of(-1)
    assert "On foot" in " ".join(walked)
    assert "140 m, 2 min, 3 buildings" in " ".join(walked)
    numbers = [
        len(re.findall(r"(?<![\w:,])[123](?![\w:,])", " ".join(page))) for page in (walked, bare)
    ]
    assert numbers[0] >= numbers[1] + 3
    assert "On foot" not in " ".join(bare)
