"""The land of a plan as frames: taken apart and made again, it is the same land."""

import time

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import awkward_towns
from towns import CRS, at, atoms_drawn, box, make_layers, town, weave

from gridcell.cells.polygons import LeafBorders, draw_cells, trace_borders
from gridcell.cells.stored import fabric_frames, fabric_from_frames
from gridcell.errors import InputError
from gridcell.fabric.arcs import edges_of
from gridcell.partition.graph import make_graph
from gridcell.rules import Rules
from gridcell.schema import BARRIER_CLASSES

thorough = settings(
    max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)


def buildings_of(fabric):
    """The layer of buildings that the plan of a fabric would have."""
    pieces = fabric.pieces
    atom = pd.Series(pieces["atom"], dtype="Int64")
    return gpd.GeoDataFrame(
        {
            "bldg_id": [f"b{row}" for row in pieces["building"]],
            "households": pieces["households"].to_numpy(),
            "atom_id": atom.mask(atom < 0).to_numpy(),
        },
        geometry=fabric.outlines.geometry.to_numpy(),
        crs=fabric.crs,
    )


def again(fabric):
    return fabric_from_frames(*fabric_frames(fabric), buildings_of(fabric), fabric.crs)


def edges(fabric):
    """Every segment of a border once, by place: what lies on either side, class and openness."""
    tail, head, arc = edges_of(fabric.arc_start, fabric.arc_vertices)
    a, b = fabric.xy[tail], fabric.xy[head]
    turned = (a[:, 0] > b[:, 0]) | ((a[:, 0] == b[:, 0]) & (a[:, 1] > b[:, 1]))
    left, right = fabric.arc_left[arc], fabric.arc_right[arc]
    table = np.column_stack(
        [
            np.where(turned[:, None], np.hstack([b, a]), np.hstack([a, b])),
            np.where(turned, right, left), np.where(turned, left, right),
            fabric.arc_barrier[arc], fabric.arc_open[arc],
        ]
    )  # fmt: skip
    return table[np.lexsort(table.T)]


def same_array(a, b):
    return a.dtype == b.dtype and np.array_equal(a, b)


def unlike(one, two):
    """What differs between two fabrics of the same land, however their arcs are numbered."""
    found = []
    if not np.array_equal(edges(one), edges(two)):
        found.append("edges")
    pd.testing.assert_frame_equal(
        one.atoms, two.atoms[list(one.atoms)], rtol=1e-9, atol=1e-9, check_exact=False
    )
    pd.testing.assert_frame_equal(one.pieces, two.pieces[list(one.pieces)])
    if len(one.arc_left) != len(two.arc_left):
        found.append("arcs")
    if not np.allclose(np.sort(one.arc_length), np.sort(two.arc_length), rtol=1e-12, atol=0):
        found.append("lengths")
    if not (shapely.to_wkb(one.outlines.geometry) == shapely.to_wkb(two.outlines.geometry)).all():
        found.append("outlines")
    return found


def same_graph(one, two):
    """Whether two graphs are the same, but for the order in which lengths were added up."""
    exact = ("first", "neighbour", "weight")
    near = ("length", "on_barrier", "rim", "rim_on_barrier", "area", "xy")
    return all(same_array(getattr(one, name), getattr(two, name)) for name in exact) and all(
        np.allclose(getattr(one, name), getattr(two, name), rtol=1e-9, atol=1e-9) for name in near
    )


def check_polygons(fabric):
    """The atoms are valid polygons, those that GEOS makes of the same lines."""
    n = len(fabric.atoms)
    atoms, _ = fabric_frames(fabric)
    drawn = atoms.geometry.to_numpy()
    arcs = LeafBorders(
        xy=fabric.xy, start=fabric.arc_start, vertex=fabric.arc_vertices, left=fabric.arc_left,
        right=fabric.arc_right,
    )  # fmt: skip
    assert shapely.is_valid(drawn).all()
    assert shapely.is_ccw(shapely.get_exterior_ring(shapely.get_parts(drawn))).all()
    theirs = draw_cells(arcs, np.arange(n), n)
    assert shapely.equals_exact(drawn, theirs, tolerance=0, normalize=True).all()


def check_round_trip(fabric, seed=0):
    made = again(fabric)
    check_polygons(fabric)
    assert unlike(fabric, made) == []
    n = len(fabric.atoms)
    for atoms in (np.arange(n), np.arange(0, n, 2)):
        assert same_graph(make_graph(fabric, atoms), make_graph(made, atoms))
    rng = np.random.default_rng(seed)
    for leaves in {1, max(1, n // 3), n}:
        leaf = rng.permutation(np.arange(n) % leaves)
        drawn = [draw_cells(trace_borders(f, leaf), np.arange(leaves), leaves)
                 for f in (fabric, made)]  # fmt: skip
        assert (shapely.to_wkb(drawn[0]) == shapely.to_wkb(drawn[1])).all()
    twice = again(made)
    for name in ("xy", "arc_start", "arc_vertices", "arc_left", "arc_right", "arc_length",
                 "arc_barrier", "arc_open"):  # fmt: skip
        assert same_array(getattr(twice, name), getattr(made, name)), name
    pd.testing.assert_frame_equal(twice.atoms, made.atoms, check_exact=True)
    for first, second in zip(fabric_frames(fabric), fabric_frames(made), strict=True):
        if "geometry" in first:
            assert (shapely.to_wkb(first.geometry) == shapely.to_wkb(second.geometry)).all()
            first, second = (pd.DataFrame(f.drop(columns="geometry")) for f in (first, second))
        pd.testing.assert_frame_equal(first, second, check_exact=True)
    return made


@thorough
@given(awkward_towns(), st.integers(0, 2**32 - 1))
def test_land_taken_apart_and_made_again_is_the_same(drawn, seed):
    layers, households = drawn
    check_round_trip(weave(layers, households, band=(30, 50)), seed)


@settings(thorough, max_examples=15)
@given(awkward_towns(given_atoms=True), st.integers(0, 2**32 - 1))
def test_given_atoms_taken_apart_and_made_again_are_the_same(drawn, seed):
    layers, households = drawn
    check_round_trip(weave(layers, households), seed)


# Shapes of land


def parts_and_holes(fabric):
    atoms, _ = fabric_frames(fabric)
    parts = shapely.get_num_geometries(atoms.geometry)
    holes = shapely.get_num_interior_rings(shapely.get_geometry(atoms.geometry, 0))
    return int(parts.max()), int(holes.max())


def test_atoms_with_islands_and_in_several_parts():
    # A school on both sides of a shop, a house within a compound, a community around a lake.
    layers = town(
        """
        aaaaaaaa
        aaaaaaaa
        aa..aaaa
        aa..aaaa
        aaaaaaaa
        """,
        "bb.b....\n........\n......c.\n........\n........",
        sites="""
        s..s....
        s..s.ttt
        .....t.t
        .....ttt
        ........
        """,
    )
    as_drawn = Rules.build({"sites": {"margin_m": 0}})
    fabric = check_round_trip(weave(layers, 5, rules=as_drawn))
    several, holes = parts_and_holes(fabric)
    assert several == 2
    assert holes >= 1


def test_atoms_that_touch_at_a_vertex():
    # Two squares of one site meet in a corner, and so do those of the land beside them.
    layers = town(
        """
        aaaa
        aaaa
        aaaa
        aaaa
        """,
        "b...",
        sites="""
        ....
        .ss.
        s..s
        ....
        """,
    )
    fabric = check_round_trip(weave(layers, 5))
    site = fabric.atoms.index[fabric.atoms["site"] >= 0]
    assert len(site) == 1


def test_rivers_stay_closed_where_there_is_no_bridge():
    layers = make_layers(
        [box(0, 0, 200, 100)],
        [box(10, 60, 20, 70), box(10, 30, 20, 40), box(150, 60, 160, 70), box(150, 30, 160, 40)],
        barriers=[
            shapely.LineString(at((0, 50), (200, 50))),
            shapely.LineString(at((100, 0), (100, 100))),
        ],
        kinds=["river", "road"],
    )
    fabric = weave(layers, 5)
    made = check_round_trip(fabric)
    river = made.arc_barrier == 1 + list(BARRIER_CLASSES).index("river")
    assert river.any()
    assert sorted(set(made.arc_open[river])) == sorted(set(fabric.arc_open[river_of(fabric)]))
    assert made.arc_open[~river].all()
    _, borders = fabric_frames(fabric)
    assert set(borders["barrier"].dropna()) == {"river", "street"}
    metres = borders["metres"][borders["barrier"] == "river"].sum()
    assert metres == pytest.approx(fabric.arc_length[river_of(fabric)].sum(), rel=1e-12)


def river_of(fabric):
    return fabric.arc_barrier == 1 + list(BARRIER_CLASSES).index("river")


def test_slabs_and_buildings_outside_are_pieces_again():
    layers = make_layers(
        [box(0, 0, 100, 100)], [box(10, 10, 90, 20), box(10, 40, 20, 50), box(300, 0, 310, 10)]
    )
    fabric = weave(layers, [120, 4, 7], band=(30, 50))
    made = check_round_trip(fabric)
    assert made.pieces["slab"].tolist() == [0, 1, 2, 0, 0]
    assert made.pieces["atom"].iloc[-1] == -1
    assert made.pieces["bldg_id"].tolist() == ["b0", "b0", "b0", "b1", "b2"]


def test_polygons_are_the_atoms_with_every_vertex():
    fabric = weave(town("aaa\naaa\naaa", "b.b\n...\nb.b"), 5)
    atoms, borders = fabric_frames(fabric)
    off = shapely.symmetric_difference(atoms.geometry.to_numpy(), atoms_drawn(fabric))
    assert shapely.area(off).max() < 1e-3
    assert set(map(tuple, shapely.get_coordinates(atoms.geometry))) == set(
        map(tuple, fabric.xy[fabric.arc_vertices])
    )
    assert borders["segments"].sum() == len(edges(fabric))
    assert borders["metres"].sum() == pytest.approx(fabric.arc_length.sum(), rel=1e-12)
    inner = borders["b"].notna()
    assert (borders["b"][inner] > borders["a"][inner]).all()


# Frames that do not belong together


@pytest.fixture(name="frames")
def taken_apart():
    layers = town("aaaa\naaaa\naaaa", "b.b.\n....\nb..b", barriers=[[(0, 15), (40, 15)]])
    fabric = weave(layers, 5)
    return *fabric_frames(fabric), buildings_of(fabric)


def test_rows_of_atoms_may_come_in_any_order(frames):
    atoms, borders, buildings = frames
    one = fabric_from_frames(atoms, borders, buildings, CRS)
    two = fabric_from_frames(atoms.iloc[::-1], borders, buildings, CRS)
    assert unlike(one, two) == []


def test_a_missing_atom_is_told(frames):
    atoms, borders, buildings = frames
    with pytest.raises(InputError, match=r"atom_id 2, expected 1: .* without a gap"):
        fabric_from_frames(atoms.drop(index=1), borders, buildings, CRS)


def test_a_moved_vertex_is_told(frames):
    atoms, borders, buildings = frames
    atoms = atoms.set_geometry(
        [shapely.transform(s, lambda xy: xy + 1) if i == 2 else s
         for i, s in enumerate(atoms.geometry)], crs=CRS,
    )  # fmt: skip
    with pytest.raises(InputError, match=r"table borders: row \d+ is of atoms 0 and 2, where"):
        fabric_from_frames(atoms, borders, buildings, CRS)


def test_land_held_twice_is_told(frames):
    atoms, borders, buildings = frames
    shapes = atoms.geometry.to_numpy().copy()
    shapes[1] = shapes[0]
    with pytest.raises(InputError, match="atoms 0 and 1 lie over each other near"):
        fabric_from_frames(atoms.set_geometry(shapes, crs=CRS), borders, buildings, CRS)


@pytest.mark.parametrize("rows", [slice(0, -1), slice(0, 0)])
def test_missing_borders_are_told(frames, rows):
    atoms, borders, buildings = frames
    with pytest.raises(InputError, match=r"table borders: \d+ segments, expected the \d+ of"):
        fabric_from_frames(atoms, borders.iloc[rows], buildings, CRS)


def test_borders_of_unknown_atoms_are_told(frames):
    atoms, borders, buildings = frames
    borders = borders.assign(b=borders["b"].replace(3, 99))
    with pytest.raises(InputError, match=r"row \d+ is of atoms \d and 99, where the polygons"):
        fabric_from_frames(atoms, borders, buildings, CRS)


def test_unknown_barriers_are_told(frames):
    atoms, borders, buildings = frames
    borders = borders.assign(barrier="hedge")
    with pytest.raises(InputError, match="row 1: barrier 'hedge'; expected nothing or one of"):
        fabric_from_frames(atoms, borders, buildings, CRS)


def test_buildings_on_unknown_atoms_are_told(frames):
    atoms, borders, buildings = frames
    buildings = buildings.assign(atom_id=[0, 1, 2, 99])
    with pytest.raises(InputError, match="layer buildings: row 4: atom_id 99, but layer atoms"):
        fabric_from_frames(atoms, borders, buildings, CRS)


# Size


def test_a_city_of_atoms_takes_seconds():
    side = 150
    xy = np.arange(side) * 20.0
    west, south = (each.ravel() for each in np.meshgrid(xy, xy))
    squares = [box(x, y, x + 20, y + 20) for x, y in zip(west, south, strict=True)]
    layers = make_layers([box(0, 0, side * 20, side * 20)], atoms=squares)
    fabric = weave(layers, 4)
    began = time.perf_counter()
    made = again(fabric)
    # 22,500 atoms in a good second; a loop over them in Python takes tens.
    assert time.perf_counter() - began < 15
    assert len(made.atoms) == side**2
