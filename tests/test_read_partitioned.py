"""Layers in partitions ``KEY=VALUE``, as engines write them, are read as one layer."""

import geopandas as gpd
import pandas as pd
import pytest
from test_read_layers import houses, town

from gridcell.errors import InputError
from gridcell.read import inspect_files, read_layers
from gridcell.read.files import digest_input, list_layers, open_input


@pytest.fixture
def folder(tmp_path):
    """Return buildings in partitions by a column that the files do not hold."""
    frame = houses(20).assign(quarter=["007"] * 12 + ["a b/c"] * 8)
    parts = tmp_path / "buildings"
    for name, (value, group) in zip(
        ("quarter=007", "quarter=a%20b%2Fc"), frame.groupby("quarter"), strict=True
    ):
        (parts / name).mkdir(parents=True)
        group.drop(columns="quarter").to_parquet(parts / name / f"part-{value[0]}.parquet")
    (parts / "_SUCCESS").touch()
    (parts / "quarter=007" / "_metadata.parquet").write_bytes(b"no layer")
    return parts


def test_they_are_one_layer_whose_folders_tell_a_column_of_text(folder):
    read = open_input(folder, "buildings")
    assert read.frame["quarter"].value_counts().to_dict() == {"007": 12, "a b/c": 8}
    assert (read.name, read.layer) == ("buildings", None)
    assert list_layers(folder) == ["buildings"]
    assert inspect_files([folder])[0].rows == 20


def test_they_give_the_same_layers_as_one_file(folder, tmp_path):
    houses(20).to_parquet(tmp_path / "one.parquet")
    one = read_layers(town(), tmp_path / "one.parquet")
    assert read_layers(town(), folder).buildings.equals(one.buildings)


def test_their_digest_changes_with_any_file(folder):
    before = digest_input(folder)
    extra = folder / "quarter=x"
    extra.mkdir()
    houses(1).to_parquet(extra / "x.parquet")
    assert digest_input(folder) != before
    assert len(open_input(folder, "buildings").frame) == 21


def test_rows_without_a_value_have_none(tmp_path):
    place = tmp_path / "t" / "in=__HIVE_DEFAULT_PARTITION__"
    place.mkdir(parents=True)
    pd.DataFrame({"household_id": ["007"]}).to_parquet(place / "t.parquet")
    frame = open_input(tmp_path / "t", "households").frame
    assert frame["in"].isna().all()
    assert frame["household_id"].tolist() == ["007"]


def test_duckdb_writes_what_is_read(tmp_path):
    duckdb = pytest.importorskip("duckdb")
    pd.DataFrame({"id": ["01", "02"], "community": ["0450", "0451"]}).to_parquet(
        tmp_path / "all.parquet"
    )
    duckdb.sql(
        f"COPY (SELECT * FROM '{(tmp_path / 'all.parquet').as_posix()}') "  # noqa: S608
        f"TO '{(tmp_path / 'out').as_posix()}' (FORMAT parquet, PARTITION_BY (community))"
    )
    frame = open_input(tmp_path / "out", "households").frame
    assert frame.sort_values("id")["community"].tolist() == ["0450", "0451"]


@pytest.mark.parametrize("crs", [4547, None])
def test_another_crs_in_a_partition_names_its_file(folder, crs):
    place = folder / "quarter=x"
    place.mkdir()
    other = gpd.GeoDataFrame(houses(1).set_crs(crs, allow_override=True))
    other.to_parquet(place / "x.parquet")
    with pytest.raises(InputError, match=r"quarter=x/x.parquet: its CRS is (EPSG:4547|–)"):
        open_input(folder, "buildings")


def test_a_layer_that_is_not_there_is_told(folder):
    with pytest.raises(InputError, match="roofs"):
        open_input(f"{folder}#roofs", "buildings")
