"""Cells with their columns, and why some are outside their band, on towns drawn in code."""

import dataclasses

import numpy as np
import pytest
import shapely
import towns
from towns import make_layers, weave

from gridcell.cells.frames import make_cells
from gridcell.model import Fabric
from gridcell.partition import Division, Targets
from gridcell.partition.reasons import explain_leaves, explain_small
from gridcell.rules import Codes
from gridcell.schema import CELL_COLUMNS


def town(*drawings, **more):
    return with_large(towns.town(*drawings, **more))


def with_large(layers):
    communities = layers.communities.assign(large=None).astype({"large": "str"})
    return dataclasses.replace(layers, communities=communities)


def band(low, high, communities=1):
    ones = np.ones(communities)
    return Targets(
        low=low * ones, target=(low + high) / 2 * ones, high=high * ones,
        wanted=np.zeros(communities, dtype=np.int64),
    )  # fmt: skip


def division(fabric: Fabric, leaf_of, small_of_leaf) -> Division:
    """Return the division in which `leaf_of(x)` says the leaf of general land at x metres."""
    atoms = fabric.atoms
    site = atoms["site"].to_numpy()
    x = atoms["x"].to_numpy() - 500_000.0
    leaf = np.array([leaf_of(value) for value in x])
    small_of_leaf = np.array(small_of_leaf)
    own = np.flatnonzero(site >= 0)
    leaf[own] = len(small_of_leaf) + np.arange(len(own))
    n = int(small_of_leaf.max()) + 1
    small_of_leaf = np.append(small_of_leaf, n + np.arange(len(own)))
    small = small_of_leaf[leaf]
    community_of_small = np.zeros(n + len(own), dtype=np.int64)
    community_of_small[small] = atoms["community"]
    site_of_small = np.full(n + len(own), -1)
    site_of_small[small[own]] = site[own]
    return Division(
        small=small, leaf=leaf, small_of_leaf=small_of_leaf,
        community_of_small=community_of_small, site_of_small=site_of_small,
        small_neighbours_tried=np.zeros(len(site_of_small), dtype=np.int64),
        leaf_neighbours_tried=np.zeros(len(small_of_leaf), dtype=np.int64),
    )  # fmt: skip


def cells_of(layers, fabric, divided, *, small=(1, 99), micro=(1, 99)):
    names = layers.buildings["bldg_id"].to_numpy(dtype=object)
    count = len(layers.communities)
    return make_cells(
        layers, fabric, divided, rules=Codes(),
        small=explain_small(fabric, divided, band(*small, count), names),
        leaf=None if micro is None else explain_leaves(fabric, divided, band(*micro, count), names),
    )  # fmt: skip


STREET = """
aaaaaaaaaaaabbbbbbbbbbbb
aaaaaaaaaaaabbbbbbbbbbbb
aaaaaaaaaaaabbbbbbbbbbbb
"""
HOUSES = """
........................
.A..B..C..D..E..F..G..H.
........................
"""
SCHOOL = """
.....ss.................
.....ss.................
.....ss.................
"""
"""Cuts the first community in two."""


@pytest.fixture(scope="module")
def street():
    """Two communities of 120 m, four houses of 10 households in each."""
    layers = town(STREET, HOUSES)
    return layers, weave(layers, 10)


def quarters(x):
    return int(x // 60)


def beside_school(x):
    return min(int(x // 60), 2)


def test_cells_of_every_level_have_all_columns_and_are_sorted_by_code(street):
    layers, fabric = street
    cells = cells_of(layers, fabric, division(fabric, quarters, [0, 0, 1, 1]))
    for level, number, count in (("large", 1, 1), ("medium", 2, 2), ("small", 3, 2),
                                 ("micro", 4, 4), ("leaves", 4, 4)):  # fmt: skip
        frame = getattr(cells, level)
        assert tuple(frame.columns) == (*CELL_COLUMNS, "geometry")
        assert len(frame) == count
        assert frame["code"].is_monotonic_increasing
        assert (frame["level"] == number).all()
        assert frame["households"].sum() == 80
        assert frame["buildings"].sum() == 8
    assert cells.micro["households"].tolist() == [20] * 4
    assert cells.large["parent"].isna().all()
    assert cells.large["community"].isna().all()
    assert cells.medium["band"].isna().all()
    assert cells.small["parent"].tolist() == cells.medium["code"].tolist()


def test_cells_are_called_after_their_community_and_number(street):
    layers, fabric = street
    named = dataclasses.replace(layers, communities=layers.communities.assign(name=["甲", "乙"]))
    cells = cells_of(named, fabric, division(fabric, quarters, [0, 0, 1, 1]))
    assert cells.medium["name"].tolist() == ["甲", "乙"]
    assert cells.small["name"].tolist() == ["甲第1小网格", "乙第1小网格"]
    assert cells.micro["name"].tolist()[1:3] == ["甲第1小网格第2微网格", "乙第1小网格第1微网格"]


def test_a_large_cell_that_nothing_names_goes_by_its_code(street):
    layers, fabric = street
    cells = cells_of(layers, fabric, division(fabric, quarters, [0, 0, 1, 1]))
    assert cells.large["name"].tolist() == cells.large["code"].tolist()


def test_without_micro_cells_the_small_ones_are_the_leaves(street):
    layers, fabric = street
    cells = cells_of(layers, fabric, division(fabric, quarters, [0, 1, 2, 3]), micro=None)
    assert cells.micro.empty
    assert tuple(cells.micro.columns) == (*CELL_COLUMNS, "geometry")
    assert cells.leaves["code"].tolist() == cells.small["code"].tolist()
    assert set(cells.leaf_of_atom) == set(cells.small["code"])


def test_a_site_is_a_dedicated_leaf_of_level_3_without_a_band():
    layers = town(STREET, HOUSES, sites=SCHOOL)
    fabric = weave(layers, 10)
    cells = cells_of(layers, fabric, division(fabric, beside_school, [0, 1, 2]))
    own = cells.small[cells.small["grid_type"] == "dedicated"]
    assert own["name"].tolist() == ["site 0"]
    assert own["code"].str.endswith("801").all()
    assert own[["band", "reason"]].isna().all(axis=None)
    assert own["code"].isin(cells.leaves["code"]).all()
    assert len(cells.micro) == 3
    shape = cells.leaves.set_index("code").geometry
    assert shape[own["code"].iloc[0]].equals(own.geometry.iloc[0])


def test_a_building_in_slabs_counts_once_where_most_of_it_lives():
    land, house = shapely.box(5e5, 2e6, 5e5 + 200, 2e6 + 60), (5e5 + 20, 2e6 + 20)
    block = shapely.box(*house, house[0] + 160, house[1] + 20)
    layers = with_large(make_layers([land], [block], units=[3]))
    fabric = weave(layers, 100, band=(20, 50))
    assert len(fabric.pieces) > 1
    shares = fabric.pieces["households"].to_numpy()
    middle = fabric.atoms["x"][fabric.pieces["atom"]].to_numpy()
    cut = (middle[0] + middle[1]) / 2 - 5e5
    cells = cells_of(layers, fabric, division(fabric, lambda x: int(x > cut), [0, 0]))
    assert cells.micro["households"].tolist() == [shares[0], shares[1:].sum()]
    most = int(np.argmax([shares[0], shares[1:].sum()]))
    assert cells.micro["buildings"].tolist() == [int(most == 0), int(most == 1)]
    assert cells.small["buildings"].tolist() == cells.large["buildings"].tolist() == [1]


# Reasons


def reasons(layers, fabric, divided, *, small=(1, 99), micro=(1, 99)):
    cells = cells_of(layers, fabric, divided, small=small, micro=micro)
    return cells.small["reason"].tolist(), cells.micro["reason"].tolist()


def test_cells_in_their_band_need_no_reason(street):
    layers, fabric = street
    small, micro = reasons(layers, fabric, division(fabric, quarters, [0, 0, 1, 1]))
    assert not any(isinstance(reason, str) for reason in small + micro)


def test_a_house_too_large_for_any_cell_is_named():
    layers = town(STREET, HOUSES)
    fabric = weave(layers, [70, 10, 10, 10, 10, 10, 10, 10])
    divided = division(fabric, lambda x: int(x > 30) + int(x > 120), [0, 0, 1])
    _, micro = reasons(layers, fabric, divided, micro=(20, 50))
    assert micro[0] == "building b0 alone holds 70 households"


def test_a_community_with_too_few_people_for_one_cell_says_so(street):
    layers, fabric = street
    small, micro = reasons(
        layers, fabric, division(fabric, quarters, [0, 0, 1, 1]), small=(50, 60), micro=(10, 30)
    )
    assert small == ["its community holds only 40 households"] * 2
    assert not any(isinstance(reason, str) for reason in micro)


def test_households_that_no_number_of_cells_divides_into_are_told(street):
    layers, fabric = street
    _, micro = reasons(layers, fabric, division(fabric, quarters, [0, 0, 1, 1]), micro=(25, 35))
    assert micro[0] == (
        "the 40 households of its small cell divide into no number of cells of 25 to 35"
    )


def test_land_cut_off_by_a_site_is_called_a_separate_piece():
    layers = town(STREET, HOUSES, sites=SCHOOL)
    fabric = weave(layers, 10)
    divided = division(fabric, beside_school, [0, 1, 2])
    small, _ = reasons(layers, fabric, divided, small=(35, 45))
    told = [reason for reason in small if isinstance(reason, str)]
    assert len(told) == 2
    for reason in told:
        assert reason.startswith("this separate piece of its community holds only ")


def test_a_cell_that_could_be_better_says_what_was_tried(street):
    layers, fabric = street
    divided = division(fabric, lambda x: int(x > 30) + int(x > 120), [0, 0, 1])
    _, micro = reasons(layers, fabric, divided, micro=(15, 25))
    assert micro[0] == (
        "10 households in 1 building; no exchange with a neighbour was found that brings it "
        "into 15 to 25"
    )
