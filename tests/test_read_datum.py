"""GCJ-02 and BD-09: conversion, and the warning where a datum was mistaken."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from test_read_layers import CRS, X, Y, houses, town

from gridcell.errors import InputError
from gridcell.read import read_layers
from gridcell.read.datum import (
    bd09_to_gcj02,
    gcj02_to_bd09,
    gcj02_to_wgs84,
    parse_datums,
    wgs84_to_gcj02,
)


def test_the_published_example_is_reproduced() -> None:
    """Tian'anmen as in the tests of eviltransform and coordtransform."""
    assert wgs84_to_gcj02(np.array([[121.4666667, 31.1666667]]))[0] == pytest.approx(
        [121.47126, 31.1646], abs=2e-3
    )
    moved = wgs84_to_gcj02(np.array([[116.404, 39.915]]))[0]
    assert moved == pytest.approx([116.41024449916938, 39.91640428150164], abs=1e-9)
    assert gcj02_to_bd09(np.array([[116.404, 39.915]]))[0] == pytest.approx(
        [116.41036949371029, 39.92133699351021], abs=1e-6
    )


@settings(max_examples=50, deadline=None)
@given(st.floats(75, 134), st.floats(4, 53))
def test_the_inverse_undoes_the_shift(lon: float, lat: float) -> None:
    place = np.array([[lon, lat]])
    assert gcj02_to_wgs84(wgs84_to_gcj02(place)) == pytest.approx(place, abs=1e-9)
    assert bd09_to_gcj02(gcj02_to_bd09(place)) == pytest.approx(place, abs=1e-9)


def test_places_outside_china_are_left_alone() -> None:
    place = np.array([[9.5, 47.1]])
    assert (wgs84_to_gcj02(place) == place).all()


def shifted(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    degrees = frame.to_crs(4326)
    degrees["geometry"] = shapely.transform(degrees.geometry.to_numpy(), wgs84_to_gcj02)
    return degrees


def test_a_datum_by_layer_brings_that_layer_back() -> None:
    layers = read_layers(town(1), shifted(houses(60)), datum="communities=wgs84,buildings=gcj02")
    assert layers.buildings is not None
    assert layers.buildings.total_bounds == pytest.approx(houses(60).total_bounds, abs=1e-3)


def test_one_datum_serves_all_layers() -> None:
    layers = read_layers(shifted(town(1)), shifted(houses(60)), datum="gcj02")
    assert layers.communities.total_bounds == pytest.approx(town(1).total_bounds, abs=1e-3)


@pytest.mark.parametrize("text", ["itrf", "buildings", "houses=gcj02", "gcj02,bd09", ""])
def test_an_unknown_datum_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="datum '"):
        parse_datums(text)


def streets() -> gpd.GeoDataFrame:
    lines = [
        shapely.LineString([(X, Y + 4 + 40 * i), (X + 1000, Y + 4 + 40 * i)]) for i in range(25)
    ]
    return gpd.GeoDataFrame({"highway": ["residential"] * 25}, geometry=lines, crs=CRS)


@pytest.mark.parametrize("reverse", [False, True])
def test_a_mistaken_datum_is_noticed_with_its_offset(reverse: bool) -> None:
    communities, buildings, barriers = town(1), houses(550), streets()
    if reverse:
        communities, barriers = shifted(communities), shifted(barriers)
    else:
        buildings = shifted(buildings)
    found = [
        f
        for f in read_layers(communities, buildings, barriers=barriers).findings
        if f.kind == "datum_offset"
    ]
    assert [f.severity for f in found] == ["warning"]
    here = np.array([[X + 500, Y + 500]])
    assert found[0].measure is not None
    assert 300 < found[0].measure < 800
    assert ("buildings=gcj02" in found[0].message) is not reverse
    assert len(here)


def test_good_data_and_careless_data_raise_no_alarm() -> None:
    rng = np.random.default_rng(7)
    careless = houses(550)
    careless["geometry"] = [
        shapely.transform(g, lambda xy, d=d: xy + d)
        for g, d in zip(careless.geometry, rng.uniform(-30, 30, (550, 2)), strict=True)
    ]
    for buildings in (houses(550), careless):
        layers = read_layers(town(1), buildings, barriers=streets())
        assert "datum_offset" not in [f.kind for f in layers.findings]
