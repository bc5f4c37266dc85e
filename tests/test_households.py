import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gridcell.households import (
    count_households,
    estimate_households,
    household_table,
    place_register,
)
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
    assert "more than 0 m" in counted.register["reason"][2]


def test_figures_of_communities_spread_over_hexagons_are_estimates():
    atoms = buildings().rename(columns={"bldg_id": "atom_id"}).assign(households=[1, 2, 3, 4])
    spread = Finding(kind="estimated", severity="warning", message="by area")
    assert count_households(layers(None, atoms=atoms, findings=(spread,))).estimated


# Placing


def pieces(*rows):
    """Return (building, atom, households) as the fabric does."""
    return pd.DataFrame(rows, columns=["building", "atom", "households"])


def located(*rows):
    """Return (household_id, building, unit, count) as `count_households` does."""
    table = pd.DataFrame(rows, columns=["household_id", "building", "unit", "count"])
    return table.assign(how="building", distance_m=0.0, reason=None)


LEAF = np.array(["A", "B", "C"], dtype=object)
CODES = {"leaf": LEAF, "small": LEAF, "community": LEAF}
NAMES = np.array(["b0", "b1"], dtype=object)


def test_entrances_fill_slabs_in_the_order_of_their_numbers():
    slabs = pieces((0, 0, 2), (0, 1, 2))
    lines = located(("a", 0, "10", 1), ("b", 0, "9", 1), ("c", 0, None, 1), ("d", 0, "1", 1))
    placed = place_register(slabs, lines)
    assert placed["piece"].tolist() == [1, 0, 1, 0]
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
    empty = located().astype({"household_id": "str", "count": "int64", "building": "int64"})
    table = household_table(place_register(parts, empty), parts, NAMES, **CODES)
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


@given(towns())
def test_every_piece_gets_exactly_its_households_and_every_line_stays_whole(town):
    parts, lines = town
    lines = lines.astype({"household_id": "str", "unit": "str", "count": "int64"})
    lines["building"] = lines["building"].astype("int64")
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
    placed = place_register(pieces((0, 0, 0)), lines.astype({"building": "int64"}))
    assert (placed["piece"] == -1).all()
