"""What each community is to reach, and numbers of cells that it cannot have."""

import dataclasses
import importlib

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import towns

from gridcell.errors import InputError, PartitionError, RulesError
from gridcell.partition import Targets, divide, set_targets
from gridcell.read import read_layers
from gridcell.rules import Rules, read_rules

STEP = importlib.import_module("gridcell.partition.divide")

CLASSES = {
    "urban": {"small": {"min": 400, "target": 500, "max": 600}},
    "rural": {
        "small": {"min": 100, "target": 200, "max": 300},
        "micro": {"min": 10, "target": 20, "max": 30},
    },
}


def land(**columns) -> gpd.GeoDataFrame:
    """Return communities of 1 km side by side."""
    n = len(next(iter(columns.values()), [None]))
    shapes = [shapely.box(5e5 + 1000 * i, 2.55e6, 5e5 + 1000 * (i + 1), 2.551e6) for i in range(n)]
    codes = [f"c{i}" for i in range(n)]
    return gpd.GeoDataFrame({"code": codes, **columns}, geometry=shapes, crs="EPSG:4545")


def bands(targets: Targets) -> list[tuple[float, ...]]:
    return list(zip(targets.low, targets.target, targets.high, strict=True))


def read(frame, rules=None):
    return read_layers(frame, rules=rules or Rules()).communities


def test_a_number_comes_before_columns_columns_before_classes_and_classes_before_the_rest():
    rules = Rules.build({"classes": CLASSES})
    table = read(
        land(
            n_small=[None, None, None, 10],
            small=[None, None, "200:250:300", "1:2:3"],
            micro=[None, None, None, "5:6.5:8"],
            **{"class": [None, "rural", "rural", "urban"]},
        ),
        rules,
    )
    small, micro = set_targets(table, np.full(4, 1000), rules)
    assert bands(small) == [(300, 400, 500), (100, 200, 300), (200, 250, 300), (75, 100, 125)]
    assert small.wanted.tolist() == [0, 0, 0, 10]
    assert bands(micro) == [(30, 40, 50), (10, 20, 30), (10, 20, 30), (5, 6.5, 8)]


def test_a_class_without_a_band_has_the_one_of_all_others():
    rules = Rules.build({"classes": CLASSES, "micro": {"min": 1, "target": 2, "max": 3}})
    small, micro = set_targets(read(land(类别=["urban"]), rules), np.array([1000]), rules)
    assert (bands(small), bands(micro)) == ([(400, 500, 600)], [(1, 2, 3)])


def test_where_the_rules_stop_at_small_cells_nothing_brings_micro_cells_back():
    rules = Rules.build({"classes": CLASSES, "micro": None})
    table = read(land(micro=["5:6:7"], n_micro=[8], **{"class": ["rural"]}), rules)
    assert set_targets(table, np.array([1000]), rules)[1] is None


def test_classes_are_read_from_the_rules_file_as_tables_or_as_text(tmp_path):
    file = tmp_path / "rules.toml"
    text = '[classes.农村]\nmicro = "10:20:30"\nsmall = { min = 1, target = 2, max = 3 }\n'
    file.write_text(text.replace("农村", '"农村"'), encoding="utf-8")
    own = read_rules(file).classes["农村"]
    assert own.small is not None
    assert own.micro is not None
    assert (own.small.target, own.micro.max) == (2, 30)
    assert Rules.build(read_rules(file).model_dump()) == read_rules(file)


@pytest.mark.parametrize(
    "own", [{"small": "1:2"}, {"small": {"min": 3, "target": 2, "max": 1}}, {"tiny": "1:2:3"}]
)
def test_a_class_with_a_bad_band_names_the_class(own):
    with pytest.raises(RulesError, match=r"classes\.rural"):
        Rules.build({"classes": {"rural": own}})


@pytest.mark.parametrize("text", ["300", "300:400", "500:400:300", "a:b:c", "1:2:3:4", "-1:2:3"])
@pytest.mark.parametrize("column", ["small", "micro"])
def test_a_band_that_is_none_names_community_column_value_and_form(column, text):
    said = rf"community 'c1': {column} is '{text}'; expected MIN:TARGET:MAX"
    with pytest.raises(InputError, match=said):
        read(land(**{column: ["30:40:50", text]}))


def test_all_bands_that_are_none_are_told_at_once():
    with pytest.raises(InputError, match="'c0': small is 'x'; community 'c2': small is 'y'"):
        read(land(small=["x", None, "y"]))


def test_a_full_width_colon_is_a_colon():
    assert read(land(small=[" 30：40：50 "]))["small"].tolist() == ["30:40:50"]


def test_bands_and_classes_survive_shuffled_rows():
    frame = land(small=["1:2:3", None, "4:5:6"], **{"class": ["a", "b", None]})
    again = read(frame.iloc[::-1])
    pd.testing.assert_frame_equal(read(frame), again)


def test_an_unknown_class_names_the_community_and_the_known_ones():
    rules = Rules.build({"classes": CLASSES})
    frame = land(**{"class": ["rural", "suburban", None]})
    said = r"community 'c1': class 'suburban'; expected one of urban, rural"
    with pytest.raises(InputError, match=said):
        read(frame, rules)
    # Layers may have been read without these rules.
    with pytest.raises(InputError, match=said):
        set_targets(read(frame), np.full(3, 100), rules)


def test_rules_without_classes_take_any_class():
    small, _ = set_targets(read(land(类型=["城市社区"])), np.array([100]), Rules())
    assert bands(small) == [(300, 400, 500)]


# Numbers that cannot be had


def goal(wanted) -> Targets:
    ones = np.ones(len(wanted))
    return Targets(low=4 * ones, target=5 * ones, high=6 * ones, wanted=np.array(wanted))


THREE_ATOMS = towns.town("AAAAAA\n" * 3, "......\na.b.c.\n......")
FOUR_PIECES = towns.town(
    "AAAAAAAAAAAA\n" * 3,
    "............\na..b..c.d.e.\n............",
    sites="..S..S...S..\n" * 3,
)
TWO_TOWNS = towns.town("AAAAAABBBBBB\n" * 3, "............\na.b.c.d.e.f.\n............")


def impossible(layers, small, micro=None, *, held=10):
    """Return what is said about the wanted numbers, nothing where they can be had."""
    fabric = towns.weave(layers, held)
    codes = [f"45080200101{3 + i}" for i in range(len(small))]
    try:
        divided = divide(
            fabric, goal(small), None if micro is None else goal(micro), codes=codes,
            rules=Rules(search=5),
        )  # fmt: skip
    except PartitionError as error:
        return str(error)
    for row, wanted in enumerate(small):
        mine = (divided.community_of_small == row) & (divided.site_of_small < 0)
        assert wanted in (0, mine.sum())
        if micro is not None and micro[row]:
            assert np.isin(divided.small_of_leaf, np.flatnonzero(mine)).sum() == micro[row]
    return None


def test_more_cells_than_atoms_name_the_number_that_works():
    assert impossible(THREE_ATOMS, [5]) == (
        "community '450802001013': 3 atoms cannot form 5 small cells; lower n_small to 3 or divide "
        "the atoms"
    )
    assert impossible(THREE_ATOMS, [3]) is None
    assert impossible(THREE_ATOMS, [2], [4]) == (
        "community '450802001013': 3 atoms cannot form 4 micro cells; lower n_micro to 3 or divide "
        "the atoms"
    )
    assert impossible(THREE_ATOMS, [2], [3]) is None


def test_fewer_cells_than_pieces_of_land_name_the_number_that_works():
    said = impossible(FOUR_PIECES, [3])
    assert "its general land lies in 4 separate pieces, each of which needs a cell" in said
    assert "raise n_small to at least 4" in said
    assert impossible(FOUR_PIECES, [4]) is None


def test_fewer_micro_than_small_cells_name_the_numbers_that_work():
    said = impossible(THREE_ATOMS, [3], [2])
    assert "2 micro cells cannot fill 3 small cells" in said
    assert "raise n_micro to at least 3, or set n_small to at most 2" in said
    assert impossible(THREE_ATOMS, [3], [3]) is impossible(THREE_ATOMS, [2], [2]) is None
    # The number of small cells may be free, and yet it is known: one for each five households.
    assert "fill 3 small cells" in impossible(THREE_ATOMS, [0], [2], held=5)


def test_small_cells_are_not_lowered_below_the_pieces_of_land():
    said = impossible(FOUR_PIECES, [4], [3])
    assert "raise n_micro to at least 4" in said
    assert "set n_small" not in said
    # Both numbers are told, so that one correction is enough.
    both = impossible(FOUR_PIECES, [2], [3])
    assert "raise n_small to at least 4" in both
    assert "raise n_micro to at least 4" in both


def test_cells_where_nobody_lives_or_no_land_is_left_are_refused():
    said = impossible(TWO_TOWNS, [2, 2], held=[5, 5, 5, 0, 0, 0])
    assert said == (
        "community '450802001014': no household lives on its general land, so 2 small cells cannot "
        "have a target; leave n_small empty"
    )
    full = towns.town("AAAA\n" * 4, "a...\n" + "....\n" * 3, sites="SSSS\n" * 4)
    assert "leave no general land for 1 small cell; leave n_small empty" in impossible(full, [1])


def test_every_community_that_cannot_is_named_before_anything_is_searched(monkeypatch):
    monkeypatch.setattr(STEP, "divide_pieces", None)
    lines = impossible(TWO_TOWNS, [4, 9]).splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "community '450802001013'", "community '450802001014'",
    ]  # fmt: skip


@pytest.mark.parametrize("layers", [THREE_ATOMS, FOUR_PIECES], ids=["one piece", "four pieces"])
@pytest.mark.parametrize("held", [0, 1, 500])
def test_without_wanted_numbers_nothing_is_impossible(layers, held):
    assert impossible(layers, [0], [0], held=held) is None


def test_a_search_that_misses_the_number_is_told(monkeypatch):
    real = STEP.divide_pieces

    def one_cell(*args, **kwargs):
        found = real(*args, **kwargs)
        return dataclasses.replace(
            found, cell=np.zeros_like(found.cell), neighbours_tried=np.zeros(1, int)
        )

    monkeypatch.setattr(STEP, "divide_pieces", one_cell)
    assert "2 small cells are wanted, 1 could be made; set n_small to 1" in impossible(
        THREE_ATOMS, [2]
    )
