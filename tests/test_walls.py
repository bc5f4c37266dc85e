"""Rows of attached houses: a cell ends between rows, not through them, where the band lets it."""

import geopandas as gpd
import numpy as np
from towns import CRS, box

import gridcell
from gridcell.fabric import build_fabric
from gridcell.partition.graph import make_graph
from gridcell.partition.walls import shared_walls
from gridcell.rules import Rules

ROWS, LONG = 6, 4
"""Rows of attached houses along a street, and houses in each."""


def houses():
    for row in range(ROWS):
        for house in range(LONG):
            west = 3 + 46 * row + 9 * house
            yield box(west, 10, west + 9, 22)


def street(households, **rules):
    shapes = list(houses())
    buildings = gpd.GeoDataFrame(
        {"bldg_id": [f"b{i}" for i in range(len(shapes))], "households": households},
        geometry=shapes, crs=CRS,
    )  # fmt: skip
    land = gpd.GeoDataFrame(
        {"code": ["450899001001"]}, geometry=[box(0, 0, 46 * ROWS, 40)], crs=CRS
    )
    rules = Rules.build({"small": "1:1000:2000", **rules})
    return gridcell.read_layers(land, buildings, rules=rules), rules


def land(layers):
    counts = layers.buildings["households"].to_numpy(dtype=np.int64)
    return build_fabric(layers, counts, np.array([[0.0, np.inf]]), rules=Rules())


def test_walls_are_those_of_different_houses_and_as_long_as_they_are():
    fabric = land(street(5)[0])
    a, _, metres = shared_walls(fabric, np.arange(len(fabric.atoms)))
    assert len(a) == ROWS * (LONG - 1)
    assert np.allclose(metres, 12, atol=0.5)
    graph = make_graph(fabric, np.arange(len(fabric.atoms)))
    plain = make_graph(fabric, np.arange(len(fabric.atoms)), walls=False)
    assert (graph.neighbour == plain.neighbour).all()
    assert (graph.length == plain.length).all()
    assert (graph.on_barrier < plain.on_barrier).sum() == 2 * len(a)
    assert graph.on_barrier.sum() < plain.on_barrier.sum() == 0


def test_cells_end_between_rows_of_attached_houses():
    # Ten households a house: cells of two rows are in the band, and so are cells that tear one.
    layers, rules = street(10, micro="60:80:100")
    plan = gridcell.make_plan(layers, rules=rules)
    assert (plan.micro["band"] == "in").all()
    cells_of_row = plan.buildings.assign(
        row=((plan.buildings.centroid.x - 500_000) // 46).astype(int)
    ).groupby("row")["code"]
    assert (cells_of_row.nunique() == 1).all()


def test_a_row_that_no_cell_can_hold_is_cut_all_the_same():
    layers, rules = street(20, micro="30:40:50")
    plan = gridcell.make_plan(layers, rules=rules)
    assert (plan.micro["band"] == "in").all()
    assert len(plan.micro) == ROWS * LONG // 2
