"""Ids as given: found, never made up over one that is given, not spoilt without a word."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import box
from test_read_layers import CRS, X, Y, houses, kinds, town

from gridcell.errors import InputError
from gridcell.read import inspect_files, read_layers
from gridcell.read.communities import community_codes
from gridcell.read.files import open_input
from gridcell.read.footprints import first_alike
from gridcell.read.ids import short_codes
from gridcell.rules import Rules

REGISTER = pd.DataFrame({"household_id": ["h1", "h2"], "bldg_id": ["b000002", "b000002"]})


def finding(layers, kind):
    return next(f for f in layers.findings if f.kind == kind)


@pytest.mark.parametrize("name", [None, "bldg_id"])
def test_an_index_with_a_name_is_a_column(name: str | None) -> None:
    ids = [f"B{i}" for i in range(4)]
    frame = houses(4).set_index(pd.Index(ids, name=name))
    buildings = read_layers(town(), frame).buildings
    assert buildings is not None
    assert (sorted(buildings["bldg_id"]) == ids) == (name == "bldg_id")
    levels = pd.MultiIndex.from_tuples([("way", i) for i in ids], names=["element", "bldg_id"])
    assert sorted(read_layers(town(), houses(4).set_index(levels)).buildings["bldg_id"]) == ids
    assert frame.index.tolist() == ids


def test_a_column_wins_over_an_index_of_its_name() -> None:
    frame = houses(2, bldg_id=["a", "b"]).set_index(pd.Index(["x", "y"], name="bldg_id"))
    assert sorted(read_layers(town(), frame).buildings["bldg_id"]) == ["a", "b"]


def test_a_register_with_its_ids_in_the_index_is_read() -> None:
    layers = read_layers(town(), houses(3), households=REGISTER.set_index("household_id"))
    assert layers.households["household_id"].tolist() == ["h1", "h2"]


def test_ids_made_up_are_told_and_never_those_that_others_name() -> None:
    alone = read_layers(town(), houses(3))
    assert alone.buildings["bldg_id"].tolist() == ["b000001", "b000002", "b000003"]
    assert finding(alone, "surrogate_id").severity == "note"
    layers = read_layers(town(), houses(3), households=REGISTER)
    assert not set(layers.buildings["bldg_id"]) & {"b000002"}
    assert finding(layers, "surrogate_id").severity == "warning"
    assert "cannot find them" in finding(layers, "surrogate_id").message


def test_a_repeated_id_never_becomes_one_that_a_register_names() -> None:
    register = REGISTER.assign(bldg_id=["7", "7-2"])
    layers = read_layers(town(), houses(3, bldg_id=["7", "7", "9"]), households=register)
    assert sorted(layers.buildings["bldg_id"]) == ["7", "7-3", "9"]
    staff = pd.DataFrame({"staff_id": ["p"], "bldg_id": ["7-2"]})
    layers = read_layers(town(), houses(3, bldg_id=["7", "7", "9"]), staff=staff)
    assert sorted(layers.buildings["bldg_id"]) == ["7", "7-3", "9"]
    assert kinds(layers).count("duplicate_id") == 1


def test_inputs_are_listed_in_one_order_whatever_is_read_first() -> None:
    layers = read_layers(
        town(), houses(3), households=REGISTER, barriers=town().set_geometry(town().boundary)
    )
    assert [r.role for r in layers.inputs] == ["communities", "buildings", "barriers", "households"]


@pytest.mark.parametrize("text", ["4.50802E+17", "4.5e+17", "1E+15", "-4.5E+17"])
def test_ids_in_scientific_notation_are_refused_wherever_they_are(text: str) -> None:
    with pytest.raises(InputError, match=r"bldg_id is .* row 2 \(1 such rows\).*as text"):
        read_layers(town(), houses(2, bldg_id=["1", text]))
    for column in ("household_id", "bldg_id"):
        register = REGISTER.assign(**{column: ["1", text]})
        with pytest.raises(InputError, match=rf"{column} is "):
            read_layers(town(), houses(2), households=register)
    with pytest.raises(InputError, match="code is "):
        read_layers(town(2).assign(code=["1", text]))


@pytest.mark.parametrize("text", ["E+12", "12E5", "A1E+05", "1E-05", "2-1E", "1.5"])
def test_other_ids_are_left_alone(text: str) -> None:
    assert text in set(read_layers(town(), houses(2, bldg_id=["1", text])).buildings["bldg_id"])


def test_ids_rounded_by_a_spreadsheet_are_told_and_refused_where_they_collide() -> None:
    true = [f"45080200101{i:07d}" for i in range(4000, 4004)]
    excel = [text[:15] + "000" for text in true]
    floats = [str(int(float(text))) for text in true]
    assert len(set(excel)) < 4
    for spoilt in (excel, floats, np.array(true, dtype=np.float64)):
        with pytest.raises(InputError, match="look rounded by a spreadsheet"):
            read_layers(town(), houses(4, bldg_id=spoilt))
    register = pd.DataFrame({"household_id": list("abcd"), "bldg_id": excel})
    assert "rounded_id" in kinds(read_layers(town(), houses(4, bldg_id=true), households=register))
    far = [f"4508020010{i}00000000" for i in range(1, 5)]
    assert "rounded_id" in kinds(read_layers(town(), houses(4, bldg_id=far)))
    assert "rounded_id" not in kinds(read_layers(town(), houses(4, bldg_id=true)))


def test_inspect_tells_of_codes_and_ids_what_a_division_would(tmp_path) -> None:
    town(2).assign(code=["1", "1"]).to_file(tmp_path / "c.gpkg")
    houses(4, bldg_id=["0001", "0002", "0002", "0004"], floors=[6] * 4).to_file(tmp_path / "b.gpkg")
    register = pd.DataFrame({"household_id": ["1", "2", "2"], "bldg_id": ["1", "2", "0004"]})
    register.to_csv(tmp_path / "h.csv", index=False)
    areas, built, people = inspect_files([tmp_path / n for n in ("c.gpkg", "b.gpkg", "h.csv")])
    assert any("code '1' occurs more than once" in text for text in areas.remarks)
    assert any("1 bldg_id occurs more than once" in text for text in built.remarks)
    assert any("1 household_id occurs more than once: 2" in text for text in people.remarks)
    assert any("1 of 3 rows find their building in b.gpkg" in text for text in people.remarks)
    with pytest.raises(InputError, match=r"code '1' occurs more than once"):
        read_layers(tmp_path / "c.gpkg")
    pd.DataFrame({"household_id": ["1"], "bldg_id": ["4.5E+17"]}).to_csv(tmp_path / "h.csv")
    assert "4.5E+17" in inspect_files([tmp_path / "h.csv"])[0].remarks[0]


def again(frame: gpd.GeoDataFrame, rows: list[int]) -> gpd.GeoDataFrame:
    return pd.concat([frame, frame.iloc[rows]], ignore_index=True)


def test_a_building_drawn_twice_counts_once_and_is_told() -> None:
    once = houses(5, households=[10, 11, 12, 13, 14], floors=[6] * 5)
    layers = read_layers(town(), again(once, [1, 3, 3]))
    assert layers.buildings["households"].sum() == 60
    assert len(layers.buildings) == 5
    told = finding(layers, "duplicate_building")
    assert (told.measure, told.severity) == (11 + 13 + 13, "warning")
    assert "37 households" in told.message
    counted = again(once, [1]).assign(objectid=range(6))
    assert len(read_layers(town(), counted).buildings) == 5
    turned = again(once, [1])
    turned.geometry = [*once.geometry, shapely.reverse(once.geometry.iloc[1])]
    assert len(read_layers(town(), turned).buildings) == 5


@pytest.mark.parametrize("column", ["bldg_id", "floors", "entrance", "households"])
def test_buildings_of_one_footprint_that_differ_all_count_and_are_told(column: str) -> None:
    values = {"bldg_id": list("abcdef"), "floors": [6] * 5 + [7], "entrance": ["1"] * 5 + ["2"],
              "households": [10] * 5 + [11]}  # fmt: skip
    frame = again(houses(5, households=[10] * 5), [1]).assign(**{column: values[column]})
    layers = read_layers(town(), frame)
    assert len(layers.buildings) == 6
    assert layers.buildings["households"].sum() == (61 if column == "households" else 60)
    assert "all count" in finding(layers, "duplicate_building").message


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 3), st.floats(-4e-4, 4e-4)), min_size=1, max_size=12))
def test_footprints_are_alike_to_the_millimetre(drawn: list[tuple[int, float]]) -> None:
    shapes = np.array(
        [box(X + 20 * k + e, Y, X + 20 * k + 9 + e, Y + 9) for k, e in drawn], dtype=object
    )
    first = first_alike(shapes)
    names = [k for k, _ in drawn]
    assert first.tolist() == [names.index(k) for k in names]


def test_columns_that_differ_by_case_are_one_if_it_is_exact_else_refused() -> None:
    for names in (["households", "HOUSEHOLDS"], ["HOUSEHOLDS", "households"]):
        frame = houses(2, **{n: [7, 7] if n == "households" else [1, 1] for n in names})
        assert read_layers(town(), frame).buildings["households"].sum() == 14
    frame = houses(2, HOUSEHOLDS=[7, 7], Households=[1, 1])
    with pytest.raises(InputError, match="columns HOUSEHOLDS and Households could each be"):
        read_layers(town(), frame)


def test_columns_that_differ_by_case_are_a_remark_of_inspect(tmp_path) -> None:
    table = pd.DataFrame({"HOUSEHOLD_ID": ["a"], "Household_id": ["b"], "bldg_id": ["1"]})
    table.to_csv(tmp_path / "h.csv", index=False)
    assert inspect_files([tmp_path / "h.csv"])[0].error is None
    houses(2, floors=[1, 1], HH=[7, 7], Hh=[1, 1]).to_parquet(tmp_path / "b.parquet")
    assert "could each be households" in inspect_files([tmp_path / "b.parquet"])[0].remarks[0]


def test_frames_with_columns_that_nobody_can_tell_apart_are_refused() -> None:
    twice = pd.concat([houses(2, floors=[1, 2]), houses(2, floors=[1, 2])[["floors"]]], axis=1)
    with pytest.raises(InputError, match="columns that occur twice: floors"):
        read_layers(town(), twice)
    mixed = houses(2, **{"1": [1, 2]}).assign(x=1).rename(columns={"x": 1})
    with pytest.raises(InputError, match="columns that occur twice: 1"):
        read_layers(town(), mixed)
    levels = town(2)
    levels.columns = pd.MultiIndex.from_tuples([("t", n) for n in levels.columns])
    for frame in (levels, levels.set_geometry(("t", "geometry"))):
        with pytest.raises(InputError, match="column names of 2 levels"):
            read_layers(frame)
    assert len(read_layers(town(), gpd.GeoDataFrame(houses(2), crs=CRS)).buildings) == 2


def land(codes):
    shapes = [box(X + 60 * i, Y, X + 60 * (i + 1), Y + 60) for i in range(len(codes))]
    return gpd.GeoDataFrame({"code": codes}, geometry=shapes, crs=CRS)


@pytest.mark.parametrize("as_what", [int, str])
def test_codes_of_communities_that_lost_their_zeros_are_told(tmp_path, as_what) -> None:
    spoilt = land([as_what(code) for code in ("12", "1013", "2014", "9015")])
    layers = read_layers(spoilt, houses(4))
    told = finding(layers, "short_code")
    assert layers.communities["code"].tolist() == ["1013", "12", "2014", "9015"]
    assert told.severity == "warning"
    assert "1 of 4 codes" in told.message
    assert "(12 for 0012)" in told.message
    spoilt.to_file(tmp_path / "c.gpkg")
    assert told.message.partition(": ")[2] in inspect_files([tmp_path / "c.gpkg"])[0].remarks[0]


@given(st.integers(0, 2000), st.integers(2, 30))
@settings(max_examples=30, deadline=None)
def test_running_numbers_have_lost_no_zeros(first: int, count: int) -> None:
    source = open_input(land([first + i for i in range(count)]), "communities")
    codes = community_codes(source, Rules())
    assert short_codes(codes, source) == []


def test_codes_of_one_length_and_codes_with_letters_have_lost_no_zeros() -> None:
    for codes in (["0012", "1013", "2014"], ["A1", "A12", "A123"], ["450802001", "A"], ["1"]):
        assert "short_code" not in kinds(read_layers(land(codes), houses(1)))
