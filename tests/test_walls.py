"""Rows of attached houses: a cell ends between rows, not through them, where the band lets it."""

import geopandas as gpd
import numpy as np
from towns import CRS, box

import gridcell
from gridcell.fabric import build_fabric
from gridcell.partition.graph import make_graph
from gridcell.partition.walls import shared_walls
from gridcell.rules import Rules

ROWS = (3, 5, 3, 5, 5, 3)
"""Attached houses in each row along a street, a metre between rows."""
HOUSES = sum(ROWS)


def row_of_house():
    return np.repeat(np.arange(len(ROWS)), ROWS)


def houses():
    for house, row in enumerate(row_of_house()):
        west = 3 + 9 * house + row
        yield box(west, 10, west + 9, 22)


def street(households, **rules):
    shapes = list(houses())
    buildings = gpd.GeoDataFrame(
        {"bldg_id": [f"b{i}" for i in range(len(shapes))], "households": households},
        geometry=shapes, crs=CRS,
    )  # fmt: skip
    land = gpd.GeoDataFrame(
        {"code": ["450899001001"]}, geometry=[box(0, 0, 11 + 9 * HOUSES, 32)], crs=CRS
    )
    rules = Rules.build({"small": "1:1000:2000", **rules})
    return gridcell.read_layers(land, buildings, rules=rules), rules


def land(layers):
    counts = layers.buildings["households"].to_numpy(dtype=np.int64)
    return build_fabric(layers, counts, np.array([[0.0, np.inf]]), rules=Rules())


def test_walls_are_those_of_different_houses_and_as_long_as_they_are():
    fabric = land(street(5)[0])
    a, _, metres = shared_walls(fabric, np.arange(len(fabric.atoms)))
    assert len(a) == HOUSES - len(ROWS)
    assert np.allclose(metres, 12, atol=0.5)
    graph = make_graph(fabric, np.arange(len(fabric.atoms)))
    plain = make_graph(fabric, np.arange(len(fabric.atoms)), searched=False)
    assert (graph.neighbour == plain.neighbour).all()
    assert (graph.length == plain.length).all()
    assert (graph.on_barrier < plain.on_barrier).sum() == 2 * len(a)
    assert graph.on_barrier.sum() < plain.on_barrier.sum() == 0


def test_cells_end_between_rows_of_attached_houses():
    # Cells of three to five houses are in the band; four are wanted, and would tear every row.
    layers, rules = street(10, micro="30:40:50")
    plan = gridcell.make_plan(layers, rules=rules)
    assert (plan.micro["band"] == "in").all()
    row = (
        plan.buildings["bldg_id"].str.slice(1).astype(int).map(lambda house: row_of_house()[house])
    )
    assert (plan.buildings.groupby(row)["code"].nunique() == 1).all()


def test_a_row_that_no_cell_can_hold_is_cut_all_the_same():
    layers, rules = street(20, micro="20:40:50")
    plan = gridcell.make_plan(layers, rules=rules)
    assert (plan.micro["band"] == "in").all()
