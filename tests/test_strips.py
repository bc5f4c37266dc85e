"""Long strips of land are cut across where streets arrive, squarely, and away from buildings."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import gridcell
from gridcell.fabric.linework import faces_of, street_lines
from gridcell.fabric.strips import cut_strips

NOTHING = np.empty(0, dtype=object)
ROAD = [(0, 0), (1000, 0)]
ARRIVING = [[(x, 0), (x, -150)] for x in (200, 400, 600, 800)]


def cuts_of(lines, land, footprints=NOTHING, sites=NOTHING):
    """Return the cuts as coordinates, (cuts, 2, 2)."""
    land = np.array([shapely.box(*land)])
    lines = np.array([shapely.LineString(line) for line in lines])
    outlines = shapely.boundary(np.asarray(sites))
    streets = street_lines(land, outlines, lines, np.asarray(footprints), 8.0)
    cuts = cut_strips(streets, faces_of(streets), np.asarray(footprints), np.asarray(sites))
    return shapely.get_coordinates(cuts).reshape(-1, 2, 2)


def test_a_bank_is_cut_where_streets_arrive_and_the_river_behind_it_as_well():
    bank = [(0, 30), (1000, 30)]
    cuts = cuts_of([ROAD, bank, *ARRIVING], (0, -150, 1000, 70))
    first = [[[x, 0], [x, 30]] for x in (200, 400, 600, 800)]
    behind = [[[x, 30], [x, 70]] for x in (200, 400, 600, 800)]
    assert cuts == pytest.approx(np.array([*first, *behind]), abs=1e-9)


def test_no_cut_is_near_a_building():
    house = shapely.box(394, 12, 406, 20)
    cuts = cuts_of([ROAD, *ARRIVING], (0, -150, 1000, 30), footprints=[house])
    assert cuts[:, 0, 0].tolist() == [200, 600, 800]
    beside = shapely.box(411, 12, 423, 20)
    cuts = cuts_of([ROAD, *ARRIVING], (0, -150, 1000, 30), footprints=[beside])
    assert cuts[:, 0, 0].tolist() == [200, 400, 600, 800]


@pytest.mark.parametrize("width", [120, 300])
def test_fields_are_no_strips(width):
    assert not len(cuts_of([ROAD, *ARRIVING], (0, -150, 1000, width)))


def test_a_site_stays_whole():
    site = shapely.box(0, 0, 1000, 30)
    assert not len(cuts_of([ROAD, *ARRIVING], (0, -150, 1000, 30), sites=[site]))


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    width=st.floats(8, 75),
    bend=st.floats(-60, 60),
    arriving=st.integers(1, 12),
)
def test_cuts_are_square_apart_and_inside(seed, width, bend, arriving):
    draw = np.random.default_rng(seed)
    x = np.linspace(0, 1000, 26)
    middle = bend * np.sin(x / 200) + draw.normal(0, 1, 26)
    near = np.column_stack([x, middle - width / 2])
    far = np.column_stack([x, middle + width / 2 + draw.normal(0, width / 30, 26)])
    places = shapely.line_interpolate_point(
        shapely.LineString(near), draw.uniform(10, 990, arriving)
    )
    streets = [[(p.x, p.y), (p.x + draw.uniform(-30, 30), -300)] for p in places]
    cuts = cuts_of([near, far, *streets], (0, -300, 1000, 300))
    face = shapely.Polygon([*near, *far[::-1]])
    lines = shapely.linestrings(cuts)
    lines = lines[shapely.within(lines, face.buffer(0.3))]
    assert not shapely.crosses(lines[:, None], lines[None, :]).any()
    assert (shapely.length(lines) < 2.5 * width).all()
    for side in (near, far):
        side = shapely.LineString(side)
        meets = shapely.get_point(shapely.shortest_line(lines, side), 1)
        assert (np.diff(np.sort(shapely.line_locate_point(side, meets))) > 49).all()


def test_each_cell_gets_what_lies_in_front_of_it():
    """Eight blocks on a road beside an empty bank: no cell holds all of it."""
    houses = [
        shapely.box(x + dx, y, x + dx + 12, y + 10)
        for x in range(20, 980, 120) for dx in (0, 30, 60) for y in (-60, -30)
    ]  # fmt: skip
    streets = [ROAD, *([(x, 0), (x, -80)] for x in range(120, 1000, 120))]
    land = gpd.GeoDataFrame(
        {"code": ["1"], "name": ["1"]}, geometry=[shapely.box(0, -80, 1000, 40)], crs=32650
    )
    buildings = gpd.GeoDataFrame(
        {"households": 6}, index=range(len(houses)), geometry=houses, crs=32650
    )
    roads = gpd.GeoDataFrame(
        {"kind": ["road"] * len(streets)}, geometry=shapely.linestrings(streets), crs=32650
    )
    plan = gridcell.make_plan(
        gridcell.read_layers(land, buildings, barriers=[roads]),
        rules={"small": "20:36:50", "micro": "none"},
    )
    assert plan.ok
    bank = shapely.box(0, 0, 1000, 40)
    share = shapely.area(shapely.intersection(plan.leaves.geometry.to_numpy(), bank))
    assert share.max() < 0.35 * bank.area
    assert plan.small["compactness"].min() > 0.4
