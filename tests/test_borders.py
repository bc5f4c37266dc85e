"""How borders look: each figure says what its definition says."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from strategies import coverages

from gridcell.borders import border_figures


def cells(*shapes, kinds=None, communities=None):
    """Return a frame of cells, general and of one community unless told otherwise."""
    geometry = np.array(shapes, dtype=object)
    return gpd.GeoDataFrame(
        {
            "grid_type": ["general"] * len(shapes) if kinds is None else kinds,
            "community": ["a"] * len(shapes) if communities is None else communities,
            "compactness": 4 * np.pi * shapely.area(geometry) / shapely.length(geometry) ** 2,
        },
        geometry=geometry,
    )


LEFT = shapely.Polygon([(0, 0), (50, 0), (50, 40), (52, 60), (50, 100), (0, 100)])
RIGHT = shapely.Polygon([(50, 0), (100, 0), (100, 100), (50, 100), (52, 60), (50, 40)])


def test_vertices_are_counted_on_borders_with_other_cells_of_the_community():
    assert border_figures(cells(LEFT, RIGHT)).vertices == 4
    assert border_figures(cells(LEFT, RIGHT, communities=["a", "b"])).vertices == 0
    assert border_figures(cells(LEFT, RIGHT, kinds=["general", "dedicated"])).vertices == 0


def test_a_neck_is_where_an_opening_takes_a_cell_apart():
    def dumbbell(width):
        bar = shapely.box(40, 20 - width / 2, 80, 20 + width / 2)
        return shapely.union_all([shapely.box(0, 0, 40, 40), bar, shapely.box(80, 0, 120, 40)])

    assert border_figures(cells(dumbbell(4))).necks == 1
    assert border_figures(cells(dumbbell(6))).necks == 0
    assert (
        border_figures(cells(shapely.MultiPolygon([LEFT, shapely.box(200, 0, 300, 9)]))).necks == 0
    )


def test_a_site_in_a_hole_is_no_hole_and_a_general_cell_is():
    ring = shapely.box(0, 0, 100, 100).difference(shapely.box(40, 40, 60, 60))
    inner = shapely.box(40, 40, 60, 60)
    assert border_figures(cells(ring, inner)).holes == 1
    assert border_figures(cells(ring, inner, kinds=["general", "dedicated"])).holes == 0


def test_tails_are_what_an_opening_by_ten_metres_leaves_out():
    square, strip = shapely.box(0, 0, 100, 100), shapely.box(100, 40, 200, 50)
    with_tail = shapely.union_all([square, strip])
    assert border_figures(cells(with_tail)).tails == pytest.approx(1000 / 11000, abs=0.01)
    assert border_figures(cells(square)).tails == pytest.approx(0, abs=0.01)


def test_hardly_compact_cells_are_counted():
    assert border_figures(cells(shapely.box(0, 0, 1000, 10), LEFT)).below_02 == 1


def test_no_cells_have_no_figures():
    none = border_figures(cells(LEFT, kinds=["dedicated"]))
    assert (none.vertices, none.below_02, none.necks, none.holes, none.tails) == (
        None,
        0,
        0,
        0,
        None,
    )


@given(coverages())
def test_the_order_of_cells_changes_no_figure(shapes):
    frame = cells(*shapes)
    assert border_figures(frame) == border_figures(frame.iloc[::-1])


def test_a_hook_is_concave_and_a_rectangle_is_not():
    hook = shapely.union_all([shapely.box(0, 0, 100, 20), shapely.box(0, 0, 20, 100)])
    assert border_figures(cells(hook)).concave == 1
    assert border_figures(cells(shapely.box(0, 0, 100, 5))).concave == 0
