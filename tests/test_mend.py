"""Mending keeps the land that rings enclose, whatever their order; what is lost is told."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, MultiPolygon, Polygon, box

from gridcell import read_layers, repair_cells
from gridcell.coverage.mend import mend

SHELL, LAKE = box(0, 0, 80, 40), box(20, 10, 40, 30)


def ring(shape: Polygon) -> list[tuple[float, float]]:
    return list(shape.exterior.coords)


def one(shape: shapely.Geometry | None) -> tuple[shapely.Geometry | None, bool, bool]:
    mended = mend(np.array([shape], dtype=object))
    return mended.shapes[0], bool(mended.invalid[0]), bool(mended.doubtful[0])


@pytest.mark.parametrize(
    ("rings", "land"),
    [
        ([LAKE, SHELL], SHELL - LAKE),
        ([SHELL, SHELL], SHELL),
        ([SHELL, LAKE, LAKE], SHELL - LAKE),
        ([SHELL, LAKE, box(25, 15, 30, 20)], SHELL - LAKE | box(25, 15, 30, 20)),
        ([SHELL, box(200, 0, 210, 10)], SHELL),
        ([SHELL, box(70, 30, 90, 50)], SHELL - box(70, 30, 90, 50)),
        ([LAKE, SHELL, box(50, 10, 60, 20)], SHELL - LAKE - box(50, 10, 60, 20)),
        ([SHELL, box(10, 10, 30, 30), box(20, 10, 40, 30)], SHELL - box(10, 10, 40, 30)),
    ],
    ids=["order", "twice", "hole twice", "island", "stray", "crossing", "order of 3", "holes"],
)
def test_rings_count_by_what_lies_in_what(rings, land):
    shape = Polygon(ring(rings[0]), [ring(r) for r in rings[1:]])
    assert not shape.is_valid
    mended, invalid, doubtful = one(shape)
    assert shapely.is_valid(mended)
    assert shapely.equals(mended, land)
    assert (invalid, doubtful) == (True, False)


@pytest.mark.parametrize(
    ("rings", "area"),
    [
        ([SHELL, box(-1, -1, 81, 41)], 82 * 42 - 80 * 40),
        ([SHELL, box(0, 0, 40, 40), box(40, 0, 80, 40)], 0),
        ([SHELL, box(-1, -1, 79.5, 41)], 0.5 * 40),
    ],
    ids=["hole around", "holes over all", "hole over most"],
)
def test_where_little_is_left_people_are_told_to_look(rings, area):
    shape = Polygon(ring(rings[0]), [ring(r) for r in rings[1:]])
    mended, invalid, doubtful = one(shape)
    assert (invalid, doubtful) == (True, True)
    assert (0 if mended is None else mended.area) == pytest.approx(area)


def test_lines_enclose_nothing_and_valid_polygons_stay_as_they_are():
    assert one(LineString([(0, 0), (1, 1)])) == (None, True, False)
    assert one(Polygon([(0, 0), (5, 5), (9, 9)])) == (None, True, False)
    assert one(None) == (None, False, False)
    frame = SHELL - box(1, 1, 79, 39)
    assert one(frame) == (frame, False, False)


def test_an_outline_drawn_there_and_back_keeps_its_land():
    back = ring(SHELL)[::-1]
    assert one(Polygon([*ring(SHELL), *back]))[0].area == pytest.approx(SHELL.area)


def test_parts_that_overlap_are_united():
    mended, invalid, _ = one(MultiPolygon([SHELL, LAKE]))
    assert shapely.equals(mended, SHELL)
    assert invalid


@st.composite
def rings_in_any_order(draw: st.DrawFn) -> tuple[Polygon, list[list[tuple[float, float]]]]:
    """A polygon with lakes, and its rings in any order and direction, with strays and repeats."""
    lakes = draw(st.sets(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=6))
    holes = [ring(box(10 * x + 2, 10 * y + 2, 10 * x + 8, 10 * y + 8)) for x, y in sorted(lakes)]
    outline = ring(box(0, 0, 40, 40))
    rings = draw(st.permutations([outline, *holes]))
    rings = [r[::-1] if draw(st.booleans()) else r for r in rings]
    if draw(st.booleans()):
        rings.append(draw(st.sampled_from(rings)))
    if draw(st.booleans()):
        rings.append(ring(box(300, 0, 310, 10)))
    return Polygon(outline, holes), rings


@settings(derandomize=True, max_examples=150, deadline=None)
@given(rings_in_any_order())
def test_neither_order_nor_direction_nor_repeats_nor_strays_change_the_land(drawn):
    land, rings = drawn
    mended, _, doubtful = one(Polygon(rings[0], rings[1:]))
    assert shapely.equals(mended, land)
    assert not doubtful


@settings(derandomize=True, max_examples=100, deadline=None)
@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=3, max_size=7),
        min_size=1,
        max_size=4,
    )
)
def test_nothing_is_lost_unseen_and_no_land_lies_outside_the_rings(rings):
    mended, invalid, doubtful = one(Polygon(rings[0], rings[1:]))
    lines = shapely.union_all([LineString([*r, r[0]]) for r in rings])
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(lines)))
    enclosed = shapely.union_all(faces)
    if mended is None:
        assert not enclosed.area or doubtful
        return
    assert shapely.is_valid(mended)
    assert shapely.difference(mended, enclosed).area == pytest.approx(0, abs=1e-9)
    again, changed, _ = one(mended)
    assert again is mended
    assert not changed
    assert invalid or shapely.equals(mended, Polygon(rings[0], rings[1:]))


def layer(*shapes: Polygon) -> gpd.GeoDataFrame:
    moved = [shapely.transform(s, lambda xy: xy * 10 + [500_000, 2_500_000]) for s in shapes]
    return gpd.GeoDataFrame({"code": list("ABCD")[: len(shapes)]}, geometry=moved, crs="EPSG:4547")


def test_repair_keeps_a_community_whose_rings_are_in_the_wrong_order():
    repair = repair_cells(layer(Polygon(ring(LAKE), [ring(SHELL)]), LAKE, box(80, 0, 120, 40)))
    assert repair.ok
    assert repair.mended == ("A",)
    assert repair.cells.geometry[0].area == pytest.approx(280_000)


def test_repair_never_calls_a_layer_sound_that_lost_a_cell_by_mending():
    holes = [ring(box(0, 0, 40, 40)), ring(box(40, 0, 80, 40))]
    repair = repair_cells(layer(Polygon(ring(SHELL), holes), box(80, 0, 120, 40)))
    assert not repair.ok
    assert repair.doubtful == ("A",)
    assert repair.without == ()
    assert "look at them: 1 (A)" in repair.to_text()
    assert repair.to_dict()["doubtful"] == ["A"]


def test_buildings_and_sites_with_rings_in_the_wrong_order_are_read_with_their_land():
    communities = layer(SHELL)
    drawn = layer(Polygon(ring(LAKE), [ring(box(10, 5, 50, 35))]))
    layers = read_layers(communities, drawn.assign(households=3), sites=drawn.assign(name="s"))
    for frame in (layers.buildings, layers.sites):
        assert frame.geometry[0].area == pytest.approx(40 * 30 * 100 - 40_000)
    kinds = {found.kind: found.severity for found in layers.findings}
    assert kinds["building_mended"] == kinds["site_mended"] == "note"


def test_a_building_of_which_little_is_left_is_a_warning():
    drawn = layer(Polygon(ring(LAKE), [ring(box(19, 9, 41, 31))]))
    layers = read_layers(layer(SHELL), drawn)
    (found,) = [f for f in layers.findings if f.kind == "building_mended"]
    assert found.severity == "warning"
    assert "first row 1: look at them" in found.message
