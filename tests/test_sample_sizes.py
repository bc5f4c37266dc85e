"""`gridcell sample` draws any number of households in any number of communities."""

import numpy as np
import pytest
import shapely

import gridcell
from gridcell.errors import InputError
from gridcell.sample.buildings import raise_houses
from gridcell.sample.town import _house


def of_size(households, communities, seed):
    """Draw a town and return it, after it was seen to be what was asked for."""
    town = gridcell.make_sample(households=households, communities=communities, seed=seed)
    assert len(town.households) == int(town.buildings["households"].sum()) == households
    assert town.communities["code"].is_unique
    assert len(town.communities) == town.communities["name"].nunique() == communities
    assert not town.communities.is_empty.any()
    assert town.communities.is_valid.all()
    assert town.households["bldg_id"].isin(town.buildings["bldg_id"]).all()
    assert town.staff["community"].isin(town.communities["code"]).all()
    return town


@pytest.mark.parametrize(("households", "communities", "seed"), [
    (1, 1, 0), (7, 1, 1), (399, 1, 9), (3, 10, 2), (10, 10, 1), (700, 10, 5), (401, 1, 3),
    (5_000, 12, 4), (2_000, 60, 6), (30_000, 30, 7), (300, 100, 0),
])  # fmt: skip
def test_a_town_of_any_size_is_drawn(households, communities, seed):
    of_size(households, communities, seed)


def test_a_thousand_communities_are_a_thousand():
    town = of_size(1_000, 1_000, 1)
    buildings, land = town.buildings.geometry.to_numpy(), town.communities.geometry.to_numpy()
    tree = shapely.STRtree(buildings)
    assert tree.query(buildings, predicate="dwithin", distance=0.1).shape[1] == len(buildings)
    assert not tree.query(shapely.boundary(land), predicate="dwithin", distance=2.5).size


def test_narrow_land_has_room_for_one_house():
    land = np.array([shapely.box(0, 0, 9, 60), shapely.box(0, 0, 6, 60), shapely.box(0, 0, 90, 90)])
    houses = raise_houses(land, np.array([1, 9, 400]))
    assert houses["parcel"].tolist() == [0, 2]
    assert houses["dwellings"].tolist() == [1, 330]
    assert shapely.contains_properly(land[houses["parcel"]], houses["geometry"].to_numpy()).all()
    assert shapely.area(houses["geometry"].to_numpy()) == pytest.approx([24.5, 200], abs=0.1)


def test_a_community_without_homes_gets_one_where_there_is_land():
    land = np.array([shapely.box(0, 0, 9, 60), shapely.Polygon(), shapely.box(20, 0, 50, 60)])
    nobody = raise_houses(land[:0], np.empty(0, dtype=np.int64))
    community, none = np.array([0, 1, 0]), np.empty(0, dtype=np.int64)
    raised = _house(nobody, land, community, none, np.array([12, 12]))
    assert raised["parcel"].tolist() == [2]
    assert _house(raised, land, community, none, np.array([12, 12])).equals(raised)


def test_a_parcel_of_which_nothing_is_left_is_no_place_for_a_site():
    of_size(240_000, 4, 3)


@pytest.mark.parametrize("seed", range(3))
def test_small_towns_can_be_divided(seed):
    town = of_size(60, 2, seed)
    layers = gridcell.read_layers(town.communities, town.buildings)
    plan = gridcell.make_plan(layers, rules=gridcell.Rules(search=10))
    assert plan.ok
    assert int(plan.leaves["households"].sum()) == 60


@pytest.mark.parametrize(("households", "communities"), [(0, 1), (100, 0)])
def test_nobody_and_nowhere_are_refused(households, communities):
    with pytest.raises(InputError, match="expected at least 1"):
        gridcell.make_sample(households=households, communities=communities, seed=0)
