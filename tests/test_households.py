from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from plans import in_words
from shapely.affinity import rotate
from strategies import awkward_towns
from towns import CORNER

from gridcell.errors import InputError
from gridcell.fabric import build_fabric
from gridcell.households import (
    count_households,
    estimate_households,
    household_table,
    place_register,
    share_by_entrance,
    with_entrances,
)
from gridcell.households.entrances import entrance_span, unit_numbers
from gridcell.model import Finding, Layers
from gridcell.rules import Households

CRS = pyproj.CRS.from_epsg(4547)


def buildings(n=4, **columns):
    """Return houses of 10 m by 10 m, 100 m apart: b0, b1 … from west to east."""
    defaults = {
        "bldg_id": [f"b{i}" for i in range(n)],
        "households": pd.array([None] * n, dtype="Int64"),
    }
    shapes = [shapely.box(100 * i, 0, 100 * i + 10, 10) for i in range(n)]
    return gpd.GeoDataFrame({**defaults, **columns}, geometry=shapes, crs=CRS)


def register(*lines):
    """Return a register of (household_id, bldg_id, unit, count, x, y)."""
    names = ["household_id", "bldg_id", "unit", "count", "x", "y"]
    table = pd.DataFrame(list(lines), columns=names)
    text = {"household_id": "str", "bldg_id": "str", "unit": "str"}
    return table.astype({**text, "count": "int64", "x": "float64", "y": "float64"})


def layers(houses, people=None, **more):
    land = gpd.GeoDataFrame(
        {"code": ["1"], "name": ["1"]}, geometry=[shapely.box(-50, -50, 1000, 50)], crs=CRS
    )
    return Layers(crs=CRS, communities=land, buildings=houses, households=people, **more)


# Counting


def test_a_register_finds_buildings_by_id_then_by_point_then_by_distance():
    people = register(
        ("1", "b0", None, 1, None, None),
        ("2", "b1", "3", 1, 999, 0),
        ("3", None, None, 2, 205, 5),
        ("4", "gone", None, 1, 330, 5),
        ("5", "gone", None, 1, None, None),
        ("6", None, None, 4, None, None),
        ("7", None, None, 1, 150, 600),
    )
    counted = count_households(layers(buildings(), people))
    assert counted.households.tolist() == [1, 1, 2, 1]
    found = counted.register
    assert found["building"].tolist() == [0, 1, 2, 3, -1, -1, -1]
    assert found["how"].tolist()[:4] == ["building", "unit", "point", "nearest"]
    assert found["distance_m"].tolist()[:4] == [0, 0, 0, 20]
    assert [str(reason) for reason in found["reason"][4:]] == [
        "no building has the id 'gone'",
        "neither a building nor a point is given",
        "the nearest building is 591 m away, more than 50 m",
    ]
    assert found["reason"][:4].isna().all()


def test_every_reason_for_which_households_are_left_out_is_a_finding():
    people = register(
        ("1", "b0", None, 1, None, None),
        ("2", "x", None, 3, None, None),
        ("3", "y", None, 2, None, None),
        ("4", None, None, 1, None, None),
    )
    findings = count_households(layers(buildings(), people)).findings
    assert sorted(f.measure for f in findings) == [1.0, 5.0]
    assert {f.kind for f in findings} == {"household_unplaced"}


def test_the_register_wins_over_figures_on_buildings_and_differences_are_told():
    houses = buildings(households=pd.array([2, 1, None, None], dtype="Int64"))
    people = register(("1", "b0", None, 2, None, None), ("2", "b2", None, 7, None, None))
    counted = count_households(layers(houses, people))
    assert counted.households.tolist() == [2, 0, 7, 0]
    (finding,) = counted.findings
    assert (finding.kind, finding.measure) == ("register_differs", 1.0)
    assert "b1: 0 registered, 1 on the building" in finding.message


def test_a_point_between_two_buildings_goes_to_the_first_of_the_nearest():
    people = register(("1", None, None, 1, 55.0, 5.0))
    assert count_households(layers(buildings(), people)).households.tolist() == [1, 0, 0, 0]


def test_buildings_without_a_figure_among_others_count_nobody_and_are_told():
    houses = buildings(households=pd.array([2, None, 0, None], dtype="Int64"))
    counted = count_households(layers(houses))
    assert counted.households.tolist() == [2, 0, 0, 0]
    assert not counted.estimated
    assert [(f.kind, f.measure) for f in counted.findings] == [("households_unknown", 2.0)]


def test_without_any_figure_households_are_estimated_and_said_to_be():
    counted = count_households(layers(buildings()))
    assert counted.estimated
    assert counted.households.tolist() == [1, 1, 1, 1]
    assert [(f.kind, f.severity) for f in counted.findings] == [("estimated", "warning")]


def test_estimates_rest_on_floors_then_height_and_leave_sheds_and_schools_empty():
    houses = buildings(
        floors=[11.0, None, None, 11.0], height=[3.0, 33.0, None, None],
        use=["apartments", None, "yes", "School"],
    )  # fmt: skip
    assert estimate_households(houses).tolist() == [10, 10, 1, 0]
    assert estimate_households(houses, Households(m2_per_household=220)).tolist() == [5, 5, 1, 0]
    shed = Households(min_footprint_m2=101)
    assert estimate_households(houses, shed).tolist() == [0, 0, 0, 0]


def test_given_atoms_count_their_own_or_those_whose_points_are_in_them():
    atoms = buildings().rename(columns={"bldg_id": "atom_id"}).assign(households=[1, 2, 3, 4])
    plain = layers(None, atoms=atoms)
    assert count_households(plain).households.tolist() == [1, 2, 3, 4]
    people = register(("1", None, None, 5, 105, 5), ("2", "b3", None, 1, None, None),
                      ("3", None, None, 1, 50, 5))  # fmt: skip
    counted = count_households(layers(None, people, atoms=atoms))
    assert counted.households.tolist() == [0, 5, 0, 1]
    assert "more than 0 m" in str(counted.register["reason"][2])


def test_figures_of_communities_spread_over_hexagons_are_estimates():
    atoms = buildings().rename(columns={"bldg_id": "atom_id"}).assign(households=[1, 2, 3, 4])
    spread = Finding(kind="estimated", severity="warning", text=in_words("by area"))
    assert count_households(layers(None, atoms=atoms, findings=(spread,))).estimated


# Placing


def pieces(*rows):
    """Return (building, atom, households) as the fabric does."""
    return pd.DataFrame(rows, columns=["building", "atom", "households"])


def located(*rows):
    """Return (household_id, building, unit, count) as `count_households` does."""
    table = pd.DataFrame(rows, columns=["household_id", "building", "unit", "count"])
    kinds = {"household_id": "str", "unit": "str", "building": "int64", "count": "int64"}
    table = table.astype(kinds).assign(how="building", distance_m=0.0, reason=None)
    table["west"], table["east"] = entrance_span(table, buildings(0))
    return table


LEAF = np.array(["A", "B", "C"], dtype=object)
CODES = {"leaf": LEAF, "small": LEAF, "community": LEAF}
NAMES = np.array(["b0", "b1"], dtype=object)


def test_entrances_fill_slabs_in_the_order_of_their_numbers():
    slabs = pieces((0, 0, 2), (0, 1, 2))
    lines = located(("a", 0, "10", 1), ("b", 0, "9", 1), ("c", 0, "2", 1), ("d", 0, "1", 1))
    placed = place_register(slabs, lines)
    assert placed["piece"].tolist() == [1, 1, 0, 0]
    assert placed["household_id"].tolist() == ["a", "b", "c", "d"]


def test_a_line_of_many_households_fills_several_slabs_to_the_unit():
    slabs = pieces((0, 0, 4), (0, 1, 4), (0, 1, 4), (1, 2, 5))
    lines = located(("a", 0, None, 3), ("b", 0, None, 9), ("c", 1, None, 5))
    table = household_table(place_register(slabs, lines), slabs, NAMES, **CODES)
    assert table[["household_id", "code", "count"]].to_numpy().tolist() == [
        ["a", "A", 3], ["b", "A", 1], ["b", "B", 8], ["c", "C", 5],
    ]  # fmt: skip


def test_whoever_lives_outside_is_listed_with_the_reason_and_without_a_code():
    parts = pieces((0, 0, 1), (1, -1, 2))
    lines = located(("a", 0, None, 1), ("b", 1, None, 2), ("c", -1, None, 4))
    lines.loc[2, ["how", "reason"]] = [None, "neither"]
    table = household_table(place_register(parts, lines), parts, NAMES, **CODES)
    assert table["code"].isna().tolist() == [False, True, True]
    assert table["community"].isna().tolist() == [False, True, True]
    assert table["how"].isna().tolist() == [False, True, True]
    assert table["reason"].fillna("").tolist() == [
        "", "building b1 stands outside every community", "neither",
    ]  # fmt: skip


def test_without_a_register_only_those_left_out_are_listed():
    parts = pieces((0, 0, 1), (0, -1, 3), (1, -1, 0))
    table = household_table(place_register(parts, located()), parts, NAMES, **CODES)
    assert table["count"].tolist() == [3]
    assert table["household_id"].isna().all()
    assert table["code"].isna().all()


@st.composite
def towns(draw):
    """Return pieces and a register that agree on the households of every building."""
    lines, parts = [], []
    for building in range(draw(st.integers(1, 4))):
        counts = draw(st.lists(st.integers(0, 9), max_size=5))
        units = [draw(st.sampled_from([None, "1", "2", "12", "east"])) for _ in counts]
        rows = zip(units, counts, strict=True)
        lines += [(f"{building}-{i}", building, *row) for i, row in enumerate(rows)]
        cuts = sorted(draw(st.lists(st.integers(0, sum(counts)), max_size=4)))
        shares = np.diff([0, *cuts, sum(counts)]).tolist()
        parts += [(building, draw(st.integers(-1, 2)), share) for share in shares]
    return pieces(*parts), located(*lines)


@settings(max_examples=50, deadline=None)
@given(towns())
def test_every_piece_gets_exactly_its_households_and_every_line_stays_whole(town):
    parts, lines = town
    placed = place_register(parts, lines)
    got = np.bincount(placed["piece"], weights=placed["count"], minlength=len(parts))
    assert got.tolist() == parts["households"].tolist()
    sums = placed.groupby("household_id")["count"].sum()
    assert sums.to_dict() == dict(zip(lines["household_id"], lines["count"], strict=True))
    assert (parts["building"].to_numpy()[placed["piece"]] == placed["building"]).all()
    if len(lines):
        names = np.array([f"b{i}" for i in range(4)], dtype=object)
        table = household_table(placed, parts, names, **CODES)
        assert table["count"].sum() == lines["count"].sum()
        assert not table.duplicated(["household_id", "code"]).any()
        assert (table["code"].isna() == table["reason"].notna()).all()


@pytest.mark.parametrize("n", [0, 3])
def test_a_register_of_nobody_is_placed(n):
    lines = located(*[(str(i), -1, None, 1) for i in range(n)])
    placed = place_register(pieces((0, 0, 0)), lines)
    assert (placed["piece"] == -1).all()


# Entrances


@pytest.mark.parametrize(
    ("name", "number"),
    [("3", 3), ("03", 3), ("3单元", 3), ("第十二单元", 12), ("二十", 20), ("十", 10), ("３", 3),
     ("A座", np.inf), ("", np.inf)],
)  # fmt: skip
def test_entrances_are_numbered_in_digits_or_chinese(name, number):
    assert unit_numbers(pd.Series([name], dtype="str")).tolist() == [number]


def spans(units, *named):
    """Return where the named entrances of a building with so many stand, in sixths."""
    table = located(*[(str(i), 0, name, 1) for i, name in enumerate(named)])
    known = buildings(1, units=pd.array([units], dtype="Int64"))
    west, east = entrance_span(table, known)
    return [(round(6 * a, 9), round(6 * b, 9)) for a, b in zip(west, east, strict=True)]


def test_an_entrance_stands_where_its_number_is_among_those_of_the_building():
    assert spans(3, "3", "1单元", None, "1") == [(4, 6), (0, 2), (0, 6), (0, 2)]


def test_entrances_that_no_building_numbers_stand_side_by_side_in_their_order():
    assert spans(None, "102", "20", "B", "102") == [(2, 4), (0, 2), (4, 6), (2, 4)]
    assert spans(2, "1", "5", "3") == [(0, 2), (4, 6), (2, 4)]
    assert spans(2, "0", "1") == [(0, 3), (3, 6)]


def slabbed(house, people, units, band=(30, 50)):
    """Return fabric and register of one building whose slabs know the entrances."""
    house = gpd.GeoDataFrame(
        {"bldg_id": ["b0"], "households": pd.array([None], dtype="Int64"),
         "units": pd.array([units], dtype="Int64")},
        geometry=[house], crs=CRS,
    )  # fmt: skip
    town = layers(house, register(*people))
    counted = count_households(town)
    town = with_entrances(town, counted.register)
    fabric = build_fabric(town, counted.households, np.array([band], dtype=float))
    return fabric, share_by_entrance(fabric, town, counted.register), counted


def entrance(unit, count, first=0):
    return [(f"{unit}-{i:03}", "b0", unit, 1, None, None) for i in range(first, first + count)]


@pytest.mark.parametrize("units", [3, None])
@pytest.mark.parametrize("degrees", [0, 30, 90, 117])
def test_every_slab_holds_the_households_of_its_own_entrances(degrees, units):
    house = rotate(shapely.box(100, 0, 160, 10), degrees)
    people = [*entrance("1", 20), *entrance("2", 60), *entrance("3", 45)]
    equal, shared, counted = slabbed(house, people, units)
    assert equal.pieces["households"].tolist() == [42, 42, 41]
    assert shared.pieces["households"].tolist() == [20, 60, 45]
    placed = place_register(shared.pieces, counted.register)
    assert placed.groupby("piece")["unit"].agg(set).tolist() == [{"1"}, {"2"}, {"3"}]
    west = shapely.get_x(shapely.centroid(shared.outlines.geometry.to_numpy()))
    assert degrees == 90 or (np.diff(west) > 0).all()


def test_households_of_atoms_follow_those_of_slabs():
    people = [*entrance("1", 20), *entrance("2", 60)]
    equal, shared, _ = slabbed(shapely.box(100, 0, 160, 10), people, 2)
    for fabric in (equal, shared):
        of_atom = np.bincount(
            fabric.pieces["atom"], fabric.pieces["households"], minlength=len(fabric.atoms)
        )
        assert of_atom.tolist() == fabric.atoms["households"].tolist()
    assert equal.atoms["households"].sum() == shared.atoms["households"].sum() == 80


def test_whoever_names_no_entrance_is_spread_over_the_whole_building():
    people = [*entrance("1", 10), *entrance("2", 30), *entrance(None, 40)]
    _, shared, _ = slabbed(shapely.box(100, 0, 160, 10), people, 2)
    assert shared.pieces["households"].tolist() == [30, 50]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 60), min_size=2, max_size=8),
    st.integers(0, 40),
    st.sampled_from([0, 30, 90, 117, 180]),
)
def test_entrances_fill_the_slabs_from_west_to_east_and_nobody_is_lost(held, unnamed, degrees):
    house = rotate(shapely.box(100, 0, 196, 12), degrees)
    people = [
        *entrance(None, unnamed),
        *(p for i, n in enumerate(held) for p in entrance(f"{i + 1}", n)),
    ]
    if not people:
        return
    equal, shared, counted = slabbed(house, people, len(held))
    slabs = shared.pieces["households"].tolist()
    assert sum(slabs) == len(people) == counted.households.sum()
    if len(slabs) == 1 or not sum(held):
        assert slabs == equal.pieces["households"].tolist()
        return
    # Each household in its place between the ends of the building, as a list from west to east.
    along = [(i + (j + 0.5) / n) / len(held) for i, n in enumerate(held) for j in range(n)]
    along += [(j + 0.5) / unnamed for j in range(unnamed)]
    axis = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
    axis *= -1 if axis[0] < -1e-9 else 1
    middle = shapely.get_coordinates(house.centroid)[0]
    ends = [
        float(((shapely.get_coordinates(piece) - middle) @ axis).max() / 96 + 0.5)
        for piece in shared.outlines.geometry
    ]
    assert (np.diff(ends) > 0).all()
    # Who lives on the cut itself may count on either side of it.
    upto = np.cumsum(slabs)
    assert all(sum(a < end - 1e-6 for a in along) <= n for end, n in zip(ends, upto, strict=True))
    assert all(n <= sum(a < end + 1e-6 for a in along) for end, n in zip(ends, upto, strict=True))


def test_a_bent_building_and_a_tower_share_the_households_of_a_strip_by_area():
    bent = shapely.box(100, 0, 160, 30).difference(shapely.box(100, 10, 150, 20))
    people = [*entrance("1", 40), *entrance("2", 80), *entrance("3", 7)]
    _, shared, _ = slabbed(bent, people, 3)
    assert shared.pieces["households"].tolist() == [20, 20, 40, 40, 7]
    tower = shapely.box(100, 0, 130, 28)
    _, shared, _ = slabbed(tower, [*entrance("1", 120), *entrance("2", 60)], 2)
    assert shared.pieces["households"].tolist() == [60, 60, 30, 30]


def test_without_entrances_in_the_register_slabs_stay_equal():
    equal, shared, _ = slabbed(shapely.box(100, 0, 160, 10), entrance(None, 90), 3)
    assert shared is equal


# Odd figures


def kinds(counted):
    return [finding.kind for finding in counted.findings]


def test_an_id_that_occurs_twice_counts_twice_and_is_told():
    people = register(
        ("a", "b0", None, 1, None, None), ("a", "b0", None, 1, None, None),
        ("a", "b1", None, 2, None, None), ("a-2", "b1", None, 1, None, None),
    )  # fmt: skip
    counted = count_households(layers(buildings(2), people))
    assert counted.households.tolist() == [2, 3]
    assert counted.register["household_id"].tolist() == ["a", "a-3", "a-4", "a-2"]
    assert kinds(counted) == ["duplicate_id"]
    assert "1 line repeats another in everything" in counted.findings[0].message


def test_a_building_with_more_households_than_dwellings_is_told():
    houses = buildings(2, households=pd.array([4, 2], dtype="Int64"))
    people = register(("1", "b0", None, 5, None, None), ("2", "b1", None, 2, None, None))
    counted = count_households(layers(houses, people))
    assert kinds(counted) == ["register_differs", "over_dwellings"]
    over = counted.findings[1]
    assert (over.measure, over.place.within(houses.geometry[0])) == (1.0, True)
    assert "b0: 5 households registered, 4 dwellings on the building (125%)" in over.message


def test_a_building_too_small_for_its_households_is_told():
    houses = buildings(3, households=pd.array([7, 6, 50], dtype="Int64"), floors=[1.0, 1.0, None])
    (finding,) = count_households(layers(houses)).findings
    assert finding.kind == "building_crowded"
    assert "b0 holds 7 households on 100 m2" in finding.message


def test_a_community_with_other_than_its_own_figure_is_told():
    houses = buildings(2, households=pd.array([7, 6], dtype="Int64"))
    for said, severity in ((10, "warning"), (13, None), (20, "note"), (0, "warning")):
        town = layers(houses)
        town.communities["households"] = pd.array([said], dtype="Int64")
        found = count_households(town).findings
        assert [f.severity for f in found] == ([severity] if severity else [])
    town.communities["households"] = pd.array([10], dtype="Int64")
    (finding,) = count_households(town).findings
    assert (finding.kind, finding.community, finding.measure) == ("community_differs", "1", 3.0)
    assert "(130%)" in finding.message


def test_an_entrance_beyond_the_last_one_is_told():
    houses = buildings(2, units=pd.array([2, None], dtype="Int64"))
    people = register(
        ("1", "b0", "3", 4, None, None), ("2", "b0", "2", 1, None, None),
        ("3", "b1", "9", 1, None, None),
    )  # fmt: skip
    (finding,) = count_households(layers(houses, people)).findings
    assert (finding.kind, finding.measure) == ("entrance_unknown", 4.0)
    assert "entrance 3 of building b0, which has 2" in finding.message


def test_a_point_far_from_the_building_that_is_named_is_told():
    people = register(("1", "b0", None, 1, 5, 5), ("2", "b0", None, 2, 300, 5))
    (finding,) = count_households(layers(buildings(), people)).findings
    assert (finding.kind, finding.measure) == ("place_differs", 2.0)
    assert "2, 290 m from building b0" in finding.message


def test_a_nearest_building_in_another_community_is_told():
    land = gpd.GeoDataFrame(
        {"code": ["1", "2"], "name": ["1", "2"]}, crs=CRS,
        geometry=[shapely.box(-50, -50, 130, 50), shapely.box(130, -50, 999, 50)],
    )  # fmt: skip
    people = register(("1", None, None, 3, 135, 5), ("2", None, None, 1, 120, 5))
    counted = count_households(replace(layers(buildings(), people), communities=land))
    (finding,) = counted.findings
    assert (finding.kind, finding.measure, finding.community) == ("household_across", 3.0, "1")


def test_homes_where_nobody_is_registered_are_told():
    houses = buildings(3, use=["house", "apartments", "garage"])
    people = register(("1", "b0", None, 1, None, None))
    (finding,) = count_households(layers(houses, people)).findings
    assert (finding.kind, finding.measure) == ("home_empty", 1.0)


def test_ids_that_lost_their_zeros_are_not_guessed_but_hinted_at():
    houses = buildings(2, bldg_id=["0012", "B7"])
    people = register(("1", "12", None, 1, None, None), ("2", "B7", None, 1, None, None))
    counted = count_households(layers(houses, people))
    assert counted.households.tolist() == [0, 1]
    assert "'12' for '0012'" in counted.findings[0].message


def test_a_register_of_which_nothing_can_be_placed_is_an_error_with_the_reasons():
    people = register(("1", "x", None, 1, None, None), ("2", None, None, 1, None, None))
    with pytest.raises(InputError, match=r"neither a building nor a .*no building has the id"):
        count_households(layers(buildings(), people))


@pytest.mark.parametrize("where", ["line", "building", "sum"])
def test_figures_that_no_building_can_hold_are_an_error(where):
    houses = buildings(2, households=pd.array([1, 100_001], dtype="Int64"))
    lines = [("1", "b1", None, 100_001, None, None)]
    if where == "sum":
        lines = [(str(i), "b1", None, 60_000, None, None) for i in range(2)]
    people = None if where == "building" else register(*lines)
    with pytest.raises(InputError, match="expected at most 100,000"):
        count_households(layers(houses, people))


@pytest.mark.parametrize("point", [(10, 5), (10, 10), (10, 0), (5, 5)])
def test_a_point_on_a_shared_border_or_vertex_falls_in_exactly_one_building(point):
    shapes = [shapely.box(0, 0, 10, 10), shapely.box(10, 0, 25, 10), shapely.box(0, 10, 25, 20)]
    houses = gpd.GeoDataFrame(
        {"bldg_id": ["a", "b", "c"], "households": pd.array([None] * 3, dtype="Int64")},
        geometry=shapes, crs=CRS,
    )  # fmt: skip
    people = register(("1", None, None, 1, *point))
    counted = count_households(layers(houses, people))
    assert counted.households.tolist() == [1, 0, 0]
    assert counted.register["how"].tolist() == ["point"]
    turned = houses[::-1].reset_index(drop=True)
    assert count_households(layers(turned, people)).households.tolist() == [0, 0, 1]


# The whole way


@st.composite
def registered_towns(draw):
    """Return an awkward town with a register as bad as can be."""
    town, _ = draw(awkward_towns())
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = len(town.buildings)
    houses = town.buildings.assign(
        bldg_id=pd.Series([f"b{i}" for i in range(n)], dtype="str"),
        households=pd.array(rng.choice([0, 5, 40], n), dtype="Int64"),
    )
    size = int(rng.integers(1, 40))
    known = houses["bldg_id"].tolist() or ["gone"]
    xy = rng.uniform(-50, 200, (size, 2)) + CORNER
    xy[rng.random(size) < 0.3] = np.nan
    lines = [
        (
            f"h{i:02}",
            rng.choice([*known, "gone"]) if rng.random() < 0.6 else None,
            rng.choice(["1", "2", "9", "x"]) if rng.random() < 0.6 else None,
            rng.choice([0, 1, 3, 40, 120]),
            *xy[i],
        )
        for i in range(size)
    ]
    return replace(town, buildings=houses, households=register(*lines))


@settings(max_examples=40, deadline=None)
@given(registered_towns())
def test_nobody_is_lost_or_counted_twice_in_any_town(town):
    try:
        counted = count_households(town)
    except InputError as error:
        assert "no households can be placed" in str(error)  # noqa: PT017
        return
    town = with_entrances(town, counted.register)
    limits = np.tile([30.0, 50.0], (len(town.communities), 1))
    fabric = build_fabric(town, counted.households, limits)
    shared = share_by_entrance(fabric, town, counted.register)
    pieces = shared.pieces
    of_building = np.bincount(
        pieces["building"], pieces["households"], minlength=len(town.buildings)
    )
    assert of_building.tolist() == counted.households.tolist()
    inside = pieces[pieces["atom"] >= 0]
    of_atom = np.bincount(inside["atom"], inside["households"], minlength=len(shared.atoms))
    assert of_atom.tolist() == shared.atoms["households"].tolist()

    atoms = np.array([f"a{i}" for i in range(len(shared.atoms))], dtype=object)
    table = household_table(
        place_register(pieces, counted.register), pieces,
        town.buildings["bldg_id"].to_numpy(dtype=object), leaf=atoms, small=atoms, community=atoms,
    )  # fmt: skip
    assert (table["code"].isna() == table["reason"].notna()).all()
    assert (table["code"].isna() == table["how"].isna()).all()
    lines = table.groupby("household_id")["count"].sum()
    assert lines.to_dict() == town.households.set_index("household_id")["count"].to_dict()
    placed = table.groupby("code")["count"].sum().reindex(atoms, fill_value=0)
    assert placed.tolist() == of_atom.tolist()
