"""Promises of the synthetic towns: exact sums, nothing overlaps, the same bytes every time."""

import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from gridcell.errors import WriteError
from gridcell.sample import (
    Sample,
    hecheng,
    make_sample,
    planners,
    write_planners_sample,
    write_sample,
)
from gridcell.schema import PERSONAL

DATA = Path(__file__).parents[1] / "data" / "samples"
HECHENG = "450802001013"
TOWNS = st.tuples(st.integers(1, 5), st.integers(0, 6_000), st.integers(0, 2**32 - 1))


@pytest.fixture(scope="module")
def town() -> Sample:
    return hecheng()


def pairs(left: np.ndarray, right: np.ndarray, apart_m: float) -> int:
    return shapely.STRtree(left).query(right, predicate="dwithin", distance=apart_m).shape[1]


@settings(max_examples=12, deadline=None)
@given(TOWNS)
def test_a_town_has_exactly_the_households_and_communities_asked_for(
    asked: tuple[int, int, int],
) -> None:
    communities, extra, seed = asked
    households = 1_000 * communities + extra
    sample = make_sample(households=households, seed=seed, communities=communities)
    assert sample.buildings["households"].sum() == households
    assert len(sample.households) == households
    assert len(sample.communities) == communities
    assert sample.communities["code"].is_unique
    assert sample.communities["code"].is_monotonic_increasing


@settings(max_examples=8, deadline=None)
@given(TOWNS)
def test_nothing_in_a_town_overlaps_what_it_should_not(asked: tuple[int, int, int]) -> None:
    communities, extra, seed = asked
    sample = make_sample(households=1_000 * communities + extra, seed=seed, communities=communities)
    assert_apart(sample)


def assert_apart(sample: Sample) -> None:
    buildings = sample.buildings.geometry.to_numpy()
    land = sample.communities.geometry.to_numpy()
    sites = sample.sites.geometry.to_numpy()
    assert pairs(buildings, buildings, 0.1) == len(buildings), "buildings touch each other"
    assert pairs(sample.roads.geometry.to_numpy(), buildings, 3.0) == 0
    assert pairs(shapely.boundary(land), buildings, 3.0) == 0
    assert pairs(shapely.boundary(sites), buildings, 2.0) == 0
    assert pairs(sample.rivers.geometry.to_numpy(), buildings, 3.0) == 0
    assert pairs(sites, sites, 0.5) == len(sites)
    assert pairs(shapely.boundary(land), sites, 1.0) == 0
    assert pairs(sample.roads.geometry.to_numpy(), sites, 1.0) == 0
    within = shapely.STRtree(land).query(buildings, predicate="within")
    assert within.shape[1] == len(buildings), "a building is in no community"


def test_the_town_around_hecheng_has_no_overlaps_either(town: Sample) -> None:
    assert_apart(town)


@pytest.mark.parametrize("seed", [2, 16, 21, 26])
def test_communities_share_every_vertex_and_are_one_piece_each(seed: int) -> None:
    sample = make_sample(households=24_000, seed=seed, communities=6)
    land = sample.communities.geometry.to_numpy()
    union = shapely.union_all(land)
    assert shapely.coverage_is_valid(land)
    assert shapely.is_valid(land).all()
    assert set(shapely.get_type_id(land)) == {shapely.GeometryType.POLYGON}
    assert union.geom_type == "Polygon"
    assert not union.interiors
    assert union.area == pytest.approx(shapely.area(land).sum(), abs=1e-3)


def test_hecheng_is_as_ordered(town: Sample) -> None:
    frame = town.communities.set_index("code")
    assert frame.loc[HECHENG, "name"] == "荷城社区"
    assert frame.loc[HECHENG, ["n_small", "n_micro"]].tolist() == [38, 674]
    assert frame.drop(HECHENG)[["n_small", "n_micro"]].isna().all(axis=None)
    land = frame.loc[HECHENG, "geometry"]
    inside = town.buildings.within(land)
    assert town.buildings.loc[inside, "households"].sum() == 23_797
    assert town.sites.within(land).sum() == 25
    assert not (town.sites.intersects(land) & ~town.sites.within(land)).any()
    assert len(town.households) <= 45_000
    assert town.communities.crs.to_epsg() == 4546


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_another_hecheng_has_the_same_figures_and_its_sites_separate_no_land(seed: int) -> None:
    other = hecheng(seed=seed)
    frame = other.communities.set_index("code")
    assert frame.loc[HECHENG, ["n_small", "n_micro"]].tolist() == [38, 674]
    land = frame.loc[HECHENG, "geometry"]
    inside = other.buildings.within(land)
    assert other.buildings.loc[inside, "households"].sum() == 23_797
    assert other.sites.within(land).sum() == 25
    assert f"--seed {seed}" in other.command
    assert_general_land_is_whole(other)


@pytest.mark.parametrize(("households", "seed"), [(1_000, 7), (1_500, 3), (2_000, 1), (24_000, 7)])
def test_sites_separate_no_land(households: int, seed: int) -> None:
    sample = make_sample(households=households, seed=seed, communities=max(2, households // 4_000))
    assert_general_land_is_whole(sample)


def assert_general_land_is_whole(sample: Sample) -> None:
    sites = shapely.union_all(sample.sites.geometry.to_numpy())
    buildings = shapely.STRtree(sample.buildings.geometry.to_numpy())
    for land in sample.communities.geometry:
        parts = shapely.get_parts(shapely.buffer(shapely.difference(land, sites), -6.0))
        real = shapely.area(parts) >= 300.0
        real[buildings.query(parts, predicate="intersects")[0]] = True
        assert real.sum() == 1


def test_most_buildings_make_cells_or_join_others(town: Sample) -> None:
    land = town.communities.set_index("code").loc[HECHENG, "geometry"]
    homes = town.buildings[town.buildings.within(land) & (town.buildings["households"] > 0)]
    low, high = 0.75 * 23_797 / 674, 1.25 * 23_797 / 674
    misfit = homes["households"].between(high / 2, low, inclusive="neither")
    assert misfit.mean() < 0.02


def test_a_town_has_slabs_walkups_towers_and_village_houses(town: Sample) -> None:
    homes = town.buildings[town.buildings["households"] > 0]
    share = homes["households"].groupby(pd.cut(homes["households"], [0, 3, 20, 90, 400])).sum()
    share /= share.sum()
    assert share.iloc[0] > 0.01
    assert share.iloc[1] > 0.15
    assert share.iloc[2] > 0.4
    assert 0.02 < share.iloc[3] < 0.2
    assert homes.loc[homes["households"] >= 200, "floors"].between(25, 33).all()
    assert (town.buildings["units"] >= 1).all()


def test_slabs_face_south(town: Sample) -> None:
    slabs = town.buildings[town.buildings["units"] >= 3].geometry.to_numpy()
    corners = shapely.get_coordinates(slabs).reshape(-1, 5, 2)
    side = corners[:, 1] - corners[:, 0]
    assert len(slabs) > 300
    assert (np.abs(np.degrees(np.arctan2(side[:, 1], side[:, 0]))) < 23).all()
    assert (np.hypot(*side.T) > 2 * np.hypot(*(corners[:, 2] - corners[:, 1]).T)).all()


def test_every_site_has_premises_and_next_to_no_households(town: Sample) -> None:
    joined = town.buildings.sjoin(town.sites[["site_id", "geometry"]], predicate="within")
    assert set(joined["site_id"]) == set(town.sites["site_id"])
    assert joined["households"].sum() < 200
    assert town.sites["name"].is_unique
    assert set(town.sites["category"]) == {"school", "hospital", "mall", "factory", "government"}


def test_streets_meet_at_their_ends_and_some_cross_the_river(town: Sample) -> None:
    ends = shapely.get_point(
        np.repeat(town.roads.geometry.to_numpy(), 2), [0, -1] * len(town.roads)
    )
    rim = shapely.boundary(shapely.union_all(town.communities.geometry.to_numpy()))
    xy = pd.DataFrame(shapely.get_coordinates(ends)).round(3)
    alone = ~xy.duplicated(keep=False).to_numpy()
    assert (shapely.distance(ends[alone], rim) < 0.01).all()
    bridges = town.roads.crosses(town.rivers.geometry.iloc[0])
    assert 1 <= bridges.sum() <= 8
    assert set(town.roads["rank"]) == {"arterial", "street", "lane"}


def test_hecheng_lacks_the_people_that_its_readme_says(town: Sample) -> None:
    staff = town.staff[town.staff["community"] == HECHENG]
    roles = staff["roles"].str.split(";").explode().value_counts()
    assert roles.to_dict() == {
        "community_chief": 1, "worker": 2, "police": 1, "small_chief": 38, "micro_chief": 671,
        "dedicated_chief": 24,
    }  # fmt: skip
    assert staff["roles"].str.contains(";").any()
    assert set(town.staff["bldg_id"]) <= set(town.buildings["bldg_id"])
    assert town.staff["staff_id"].is_unique


def test_the_register_agrees_with_the_buildings_and_holds_nothing_personal(town: Sample) -> None:
    counted = town.households.groupby("bldg_id").size()
    given_ = town.buildings.set_index("bldg_id")["households"]
    assert counted.reindex(given_.index, fill_value=0).equals(given_.astype("int64"))
    units = town.households.groupby("bldg_id")["unit"].max()
    assert (units <= town.buildings.set_index("bldg_id")["units"].loc[units.index]).all()
    assert town.households["household_id"].is_unique
    for frame in (town.households, town.staff):
        assert not [c for c in frame.columns for part in PERSONAL if part in c]


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_town(tmp_path: Path) -> None:
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        sample = make_sample(households=2_000, seed=seed, communities=2)
        write_sample(sample, tmp_path / name)
    first = {f.name: f.read_bytes() for f in (tmp_path / "a").iterdir()}
    assert first == {f.name: f.read_bytes() for f in (tmp_path / "b").iterdir()}
    assert first["buildings.shp"] != (tmp_path / "c" / "buildings.shp").read_bytes()


def test_written_files_come_back_as_they_were(town: Sample, tmp_path: Path) -> None:
    write_sample(town, tmp_path)
    for name in ("communities", "buildings", "sites", "roads", "rivers"):
        frame = getattr(town, name)
        back = gpd.read_file(tmp_path / f"{name}.shp")
        assert list(back.columns) == list(frame.columns)
        assert all(len(c.encode()) <= 10 for c in frame.columns if c != "geometry")
        assert (tmp_path / f"{name}.cpg").read_text(encoding="ascii") == "UTF-8"
        assert back.crs.to_epsg() == 4546
        assert (back.normalize() == frame.normalize()).all()
        text = frame.select_dtypes(["object", "string"]).columns
        assert back[text].astype("object").equals(frame[text].astype("object"))
    readme = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert town.command in readme
    assert "ynthetic" in readme


@pytest.mark.skipif(sys.platform != "linux", reason="libraries on other systems round differently")
def test_the_bundled_town_is_what_the_generator_makes(town: Sample) -> None:
    folder = DATA / "hecheng"
    back = gpd.read_file(folder / "buildings.shp")
    assert back["bldg_id"].tolist() == town.buildings["bldg_id"].tolist()
    assert back["households"].tolist() == town.buildings["households"].tolist()
    made = town.buildings.normalize()
    assert back.normalize().geom_equals_exact(made, tolerance=0.01).all()
    assert sum(f.stat().st_size for f in folder.iterdir()) < 10_000_000


def test_planners_files_say_nothing_of_their_encoding() -> None:
    folder = DATA / "gbk_cgcs2000"
    assert not list(folder.glob("*.cpg"))
    for file in sorted(folder.glob("*.dbf")):
        table = file.read_bytes()
        assert table[29] == 0
        with pytest.raises(UnicodeDecodeError):
            table.decode("utf-8")
    back = gpd.read_file(folder / "buildings.shp", encoding="GBK")
    assert list(back.columns) == ["楼栋编号", "户数", "层数", "单元数", "geometry"]
    assert back["户数"].sum() == 1_500
    assert back["户数"].dtype.kind == back["层数"].dtype.kind == "i"
    assert gpd.read_file(folder / "communities.shp", encoding="GBK")["名称"].tolist() == [
        "凤凰社区", "西江社区",
    ]  # fmt: skip
    assert pyogrio.read_info(folder / "roads.shp")["crs"] == "EPSG:4525"
    assert 37_300_000 < back.total_bounds[0] < back.total_bounds[2] < 37_400_000


def test_planners_files_hold_the_town_with_the_zone_before_its_eastings(tmp_path: Path) -> None:
    sample = planners()
    write_planners_sample(sample, tmp_path)
    back = gpd.read_file(tmp_path / "buildings.shp", encoding="GBK")
    there, here = back.to_crs("EPSG:4546").normalize(), sample.buildings.normalize()
    assert there.geom_equals_exact(here, tolerance=0.001).all()


def test_a_folder_that_holds_files_is_not_overwritten_unasked(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    sample = make_sample(households=500, seed=0, communities=1)
    with pytest.raises(WriteError, match="overwrite=True"):
        write_sample(sample, tmp_path)
    assert [f.name for f in tmp_path.iterdir()] == ["mine.txt"]
    write_sample(sample, tmp_path, overwrite=True)
    assert (tmp_path / "mine.txt").exists()
    assert (tmp_path / "households.csv").exists()


def test_a_folder_that_cannot_be_made_is_a_write_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    sample = make_sample(households=500, seed=0, communities=1)
    with pytest.raises(WriteError, match="file"):
        write_sample(sample, tmp_path / "file")
    with pytest.raises(WriteError, match="file"):
        write_sample(sample, tmp_path / "file" / "below")


def test_the_command_writes_a_town_and_says_what_is_in_it(tmp_path: Path) -> None:
    command = pytest.importorskip("gridcell_cli.sample").command
    folder = tmp_path / "town"
    asked = [str(folder), "--households", "900", "--seed", "4", "--communities", "2"]
    done = CliRunner().invoke(command, [*asked, "--json"])
    assert done.exit_code == 0, done.output
    assert '"households": 900' in done.stdout
    assert len(pd.read_csv(folder / "households.csv")) == 900
    again = CliRunner().invoke(command, asked)
    assert isinstance(again.exception, WriteError)
    assert CliRunner().invoke(command, [*asked, "--overwrite", "-q"]).output == ""


@pytest.mark.parametrize("options", [[], ["--preset", "hecheng", "--households", "5"]])
def test_the_command_wants_a_number_or_a_preset(tmp_path: Path, options: list[str]) -> None:
    command = pytest.importorskip("gridcell_cli.sample").command
    done = CliRunner().invoke(command, [str(tmp_path / "town"), *options])
    assert done.exit_code == 2
    assert "--preset" in done.output
