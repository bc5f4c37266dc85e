"""The roster of the sample on as many cells as its README names."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gridcell.staff import homes_of, make_assignment

SAMPLE = Path(__file__).parent.parent / "data" / "samples" / "hecheng"
HECHENG = "450802001013"
SMALL, MICRO = 38, 674


@pytest.fixture(scope="module")
def town():
    """Return 荷城社区 in 38 small, 674 micro and 25 dedicated cells, and its part of the roster."""
    land = gpd.read_file(SAMPLE / "communities.shp")
    medium = land[land["code"] == HECHENG].assign(
        community=HECHENG, parent=HECHENG[:9], grid_type="general", households=23_797
    )
    buildings = gpd.read_file(SAMPLE / "buildings.shp")
    outline = medium.geometry.iloc[0]
    inside = buildings[buildings.representative_point().within(outline)]
    # Cells need not be a division here: a square around every other building does.
    at = inside.geometry.centroid.iloc[:: len(inside) // MICRO].iloc[:MICRO]
    micro = gpd.GeoDataFrame(
        {
            "code": [f"{HECHENG}{i % SMALL + 1:03d}{i // SMALL + 1:03d}" for i in range(MICRO)],
            "community": HECHENG, "grid_type": "general", "households": 30 + np.arange(MICRO) % 12,
        },
        geometry=at.buffer(20, cap_style="square").to_numpy(), crs=land.crs,
    )  # fmt: skip
    sites = gpd.read_file(SAMPLE / "sites.shp")
    sites = sites[sites.representative_point().within(outline)]
    numbers = [*range(1, SMALL + 1), *range(801, 801 + len(sites))]
    shapes = [*shapely.buffer(at.to_numpy()[:SMALL], 80), *sites.geometry]
    small = gpd.GeoDataFrame(
        {
            "code": [f"{HECHENG}{i:03d}" for i in numbers],
            "community": HECHENG, "grid_type": ["general"] * SMALL + ["dedicated"] * len(sites),
            "households": [626] * SMALL + [0] * len(sites),
        },
        geometry=shapes, crs=land.crs,
    )  # fmt: skip
    staff = pd.read_csv(SAMPLE / "staff.csv", dtype=str)
    staff = staff[staff["community"] == HECHENG].reset_index(drop=True)
    for name in ("max_cells", "max_households"):
        staff[name] = staff[name].astype("Int64")
    staff["x"] = staff["y"] = np.nan
    homes = homes_of(staff, buildings)
    return (medium, small, micro), staff, homes


@pytest.fixture(scope="module")
def done(town):
    frames, staff, homes = town
    return make_assignment(*frames, staff, homes=homes)


def test_everybody_of_the_sample_has_a_post_and_the_missing_people_are_missed(done):
    held = done.staff["role"].value_counts().to_dict()
    assert held == {
        "community_chief": 1, "small_chief": 38, "dedicated_chief": 24, "micro_chief": 671,
        "worker": 2, "police": 1,
    }  # fmt: skip
    assert done.vacancies.groupby("role")["missing"].sum().to_dict() == {
        "dedicated_chief": 1, "micro_chief": 3,
    }  # fmt: skip
    assert set(done.vacancies["reason"]) == {"capacity"}
    vacant = set(done.vacancies["role"])
    more = {n: role.more_people for n, role in done.figures.roles.items() if n in vacant}
    assert more == {"dedicated_chief": 1, "micro_chief": 3}
    assert done.figures.without_post == 0


def test_the_sample_is_solved_to_the_bound(done):
    proof = done.figures.proof
    assert proof.filled == proof.most == 737
    assert proof.distance_m == proof.bound_m
    assert list(proof.communities) == [HECHENG]


def test_nearest_first_takes_people_farther_from_home(town, done):
    """Micro chiefs of one cell each, by hand: at least a tenth more metres."""
    (_, _, micro), staff, homes = town
    able = np.flatnonzero(staff["roles"].str.contains("micro_chief"))
    limit = staff["max_households"].astype("Float64").fillna(np.inf).to_numpy(dtype=float)[able]
    place = shapely.get_coordinates(shapely.point_on_surface(micro.geometry.to_numpy()))
    away = np.hypot(*(homes[able][:, None, :] - place[None, :, :]).T).T
    away[micro["households"].to_numpy()[None, :] > limit[:, None]] = np.inf
    total = 0.0
    for _ in range(len(able)):
        person, cell = divmod(int(np.argmin(away)), away.shape[1])
        total += away[person, cell]
        away[person, :] = away[:, cell] = np.inf
    ours = done.staff.loc[done.staff["role"] == "micro_chief", "distance_m"]
    assert len(ours) == len(able)
    assert total > 1.1 * ours.sum()
