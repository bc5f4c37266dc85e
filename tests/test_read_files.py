"""Formats, encodings, codes as text, and files that are broken."""

import shutil
import warnings
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
from test_read_layers import CRS, houses, town

from gridcell.errors import InputError
from gridcell.read import read_layers

SHARED = Path(__file__).parents[2] / "shared" / "data" / "shp_kit"


def shapefile(folder: Path, encoding: str, names: dict[str, str] | None = None) -> Path:
    """Write a town with Chinese names as a shapefile without .cpg and language byte."""
    path = folder / "town.shp"
    frame = town(2, mc=["荷城社区", "石羊塘社区"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame.to_file(path, encoding=encoding, engine="pyogrio")
    (folder / "town.cpg").unlink(missing_ok=True)
    dbf = folder / "town.dbf"
    data = bytearray(dbf.read_bytes())
    data[29] = 0
    for old, new in (names or {}).items():
        start = data.index(old.encode() + b"\0")
        data[start : start + 11] = new.encode(encoding)[:10].ljust(11, b"\0")
    dbf.write_bytes(data)
    return path


def language_byte(path: Path, byte: int) -> None:
    data = bytearray(path.with_suffix(".dbf").read_bytes())
    data[29] = byte
    path.with_suffix(".dbf").write_bytes(data)


@pytest.mark.parametrize(
    "name", ["town.shp", "town.gpkg", "town.geojson", "town.fgb", "town.parquet"]
)
def test_every_format_gives_the_same_communities(tmp_path: Path, name: str) -> None:
    frame = town(2, name=["荷城社区", "石羊塘"]).assign(code=["0012", "0013"])
    path = tmp_path / name
    if name.endswith("parquet"):
        frame.to_parquet(path)
    else:
        frame.to_file(path, **({"encoding": "utf-8"} if name.endswith("shp") else {}))
    layers = read_layers(path)
    assert layers.communities["code"].tolist() == ["0012", "0013"]
    assert layers.communities["name"].tolist() == ["荷城社区", "石羊塘"]
    assert layers.communities.area.sum() == pytest.approx(2e6, rel=1e-6)


@pytest.mark.parametrize(
    ("encoding", "byte", "cpg", "option", "served"),
    [
        ("gbk", 0, None, None, "GB18030"),
        ("utf-8", 0, None, None, "UTF-8"),
        ("gbk", 0x57, None, None, "GB18030"),
        ("gbk", 0x4D, None, None, "GBK"),
        ("big5", 0, "Big-5", None, "BIG5"),
        ("gbk", 0, "936", None, "GBK"),
        ("gbk", 0x4D, "UTF-8", "gb18030", "GB18030"),
        ("big5", 0x78, None, None, "BIG5"),
    ],
)
def test_the_encoding_of_a_shapefile_is_option_cpg_byte_utf8_gb18030(
    tmp_path: Path, encoding: str, byte: int, cpg: str | None, option: str | None, served: str
) -> None:
    # Big5 has no simplified characters.
    path = tmp_path / "town.shp"
    if encoding == "big5":
        frame = town(2, mc=["荷城", "中國"])
        frame.to_file(path, encoding="big5")
        (tmp_path / "town.cpg").unlink()
    else:
        shapefile(tmp_path, encoding)
    language_byte(path, byte)
    if cpg is not None:
        path.with_suffix(".cpg").write_text(cpg)
    layers = read_layers(path, encoding=option)
    assert layers.communities["name"].iloc[0].startswith("荷城")
    assert layers.inputs[0].encoding == served


@pytest.mark.parametrize("named", ["gbk", "gb2312", "936", "54936"])
def test_files_that_claim_gbk_or_gb2312_and_hold_more_are_read_as_gb18030(
    tmp_path: Path, named: str
) -> None:
    path = tmp_path / "town.shp"
    name = "㐀村"  # Of Extension A: four bytes in GB18030, none in GBK.
    town(1, name=[name]).to_file(path, encoding="gb18030", engine="pyogrio")
    path.with_suffix(".cpg").write_text(named)
    layers = read_layers(path)
    assert layers.communities["name"].tolist() == [name]
    assert layers.inputs[0].encoding == "GB18030"


def test_field_names_in_gbk_are_understood(tmp_path: Path) -> None:
    path = shapefile(tmp_path, "gbk", {"code": "社区编码", "mc": "社区名称"})
    assert read_layers(path).communities["name"].tolist() == ["荷城社区", "石羊塘社区"]


def test_field_names_cut_at_ten_bytes_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "houses.shp"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        houses(3).assign(building_levels=[3, 4, 5]).to_file(path)
    buildings = read_layers(town(), path).buildings
    assert buildings is not None
    assert sorted(buildings["floors"]) == [3.0, 4.0, 5.0]


def test_text_cut_in_the_middle_of_a_character_loses_only_that(tmp_path: Path) -> None:
    path = shapefile(tmp_path, "utf-8")
    dbf = path.with_suffix(".dbf")
    data = dbf.read_bytes()
    full = "石羊塘社区".encode()
    dbf.write_bytes(data.replace(full, full[:-1] + b" "))
    assert read_layers(path, encoding="utf-8").communities["name"].iloc[1].startswith("石羊塘社")


def test_a_wrong_encoding_is_refused_with_the_right_one(tmp_path: Path) -> None:
    path = shapefile(tmp_path, "gbk")
    path.with_suffix(".cpg").write_text("UTF-8")
    with pytest.raises(InputError, match=r"town.cpg.*encoding='GB18030'"):
        read_layers(path)
    with pytest.raises(InputError, match="unknown encoding 'klingon'"):
        read_layers(path, encoding="klingon")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_csv_keeps_codes_as_text_in_any_usual_encoding(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "register.csv"
    path.write_bytes("户号,楼栋编号,单元\n0012,007,一单元\n0013,,NA\n".encode(encoding))
    layers = read_layers(town(), households=path)
    assert layers.households is not None
    assert layers.households["household_id"].tolist() == ["0012", "0013"]
    assert layers.households["bldg_id"].fillna("-").tolist() == ["007", "-"]
    assert layers.households["unit"].tolist() == ["一单元", "NA"]
    assert layers.inputs[1].encoding == ("GB18030" if encoding == "gb18030" else "UTF-8")


def test_xlsx_and_parquet_keep_codes_as_text(tmp_path: Path) -> None:
    table = pd.DataFrame({"household_id": ["0012", "0013"], "bldg_id": ["01", "02"], "n": [1, 2]})
    table.to_excel(tmp_path / "r.xlsx", index=False)
    table.to_parquet(tmp_path / "r.parquet")
    for name in ("r.xlsx", "r.parquet"):
        register = read_layers(town(), households=tmp_path / name).households
        assert register is not None
        assert register["household_id"].tolist() == ["0012", "0013"]
        assert register["bldg_id"].tolist() == ["01", "02"]


def test_a_sheet_among_several_must_be_named(tmp_path: Path) -> None:
    table = pd.DataFrame({"household_id": ["1"], "bldg_id": ["2"]})
    with pd.ExcelWriter(tmp_path / "r.xlsx") as book:
        table.to_excel(book, sheet_name="甲", index=False)
        table.to_excel(book, sheet_name="乙", index=False)
    with pytest.raises(InputError, match="甲, 乙"):
        read_layers(town(), households=tmp_path / "r.xlsx")
    assert read_layers(town(), households=f"{tmp_path / 'r.xlsx'}#乙").inputs[1].layer == "乙"


def test_layers_are_named_after_the_file(tmp_path: Path) -> None:
    path = tmp_path / "all.gpkg"
    town().to_file(path, layer="areas")
    houses(3).to_file(path, layer="houses")
    layers = read_layers(f"{path}#areas", f"{path}#houses")
    assert [record.layer for record in layers.inputs] == ["areas", "houses"]
    for given in (path, f"{path}#none"):
        with pytest.raises(InputError, match="areas, houses"):
            read_layers(given)


def test_broken_files_end_in_a_message(tmp_path: Path) -> None:
    folder = tmp_path / "shp"
    folder.mkdir()
    path = shapefile(folder, "gbk")
    town().to_file(tmp_path / "t.gpkg")
    (tmp_path / "cut.gpkg").write_bytes((tmp_path / "t.gpkg").read_bytes()[:5000])
    (tmp_path / "no.geojson").write_text('{"type": "FeatureCollection", "features": [{"ty')
    (tmp_path / "nan.geojson").write_text(
        '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"code":"1"},'
        '"geometry":{"type":"Polygon","coordinates":[[[0,0],[NaN,1],[1,1],[0,0]]]}}]}'
    )
    (tmp_path / "no.parquet").write_bytes(b"PAR1")
    (tmp_path / "no.xlsx").write_bytes(b"PK")
    for name in ("cut.gpkg", "no.geojson", "nan.geojson", "no.parquet", "no.xlsx", "none.shp"):
        with pytest.raises(InputError, match=name):
            read_layers(tmp_path / name)
    for suffix, keep in ((".shp", 200), (".dbf", 150), (".shp", 40), (".dbf", 10)):
        copy = tmp_path / f"c{suffix[1:]}{keep}"
        shutil.copytree(folder, copy)
        part = (copy / path.name).with_suffix(suffix)
        part.write_bytes(part.read_bytes()[:keep])
        with pytest.raises(InputError, match="cut off"):
            read_layers(copy / path.name, crs=CRS)


def test_a_shapefile_without_its_index_is_read_and_left_alone(tmp_path: Path) -> None:
    path = shapefile(tmp_path, "gbk")
    path.with_suffix(".shx").unlink()
    assert len(read_layers(path).communities) == 2
    assert not path.with_suffix(".shx").exists()


def test_the_hash_covers_all_parts_of_a_shapefile(tmp_path: Path) -> None:
    path = shapefile(tmp_path, "gbk")
    before = read_layers(path).inputs[0].sha256
    data = path.with_suffix(".dbf").read_bytes()
    path.with_suffix(".dbf").write_bytes(data.replace(b"450802001002", b"450802001009"))
    assert read_layers(path).inputs[0].sha256 != before


def test_a_frame_with_another_geometry_column_is_read() -> None:
    assert len(read_layers(town().rename_geometry("geom")).communities) == 2


@pytest.mark.skipif(not SHARED.exists(), reason="real data not at hand")
@pytest.mark.parametrize(
    "name", ["big5", "c_utm", "cell1", "chinese", "clipper", "polygon", "six_counties"]
)
def test_shapefiles_with_troubles_end_in_a_message(name: str) -> None:
    with pytest.raises(InputError):
        read_layers(SHARED / f"{name}.shp")


@pytest.mark.skipif(not SHARED.exists(), reason="real data not at hand")
@pytest.mark.parametrize(
    ("name", "served"), [("chinese", "GBK"), ("big5", "BIG5"), ("gbk", "GB18030")]
)
def test_real_encodings_are_recognised(name: str, served: str) -> None:
    from gridcell.read.files import open_input

    source = open_input(SHARED / f"{name}.dbf", "sites")
    assert source.encoding == served
    assert source.frame.iloc[0, 0] in {"简体", "简体国语", "國語"}


def test_geodataframes_and_geometries_are_one(tmp_path: Path) -> None:
    frame = pd.DataFrame(town().drop(columns="geometry"))
    with pytest.raises(InputError, match="no geometries"):
        read_layers(frame)
    assert isinstance(read_layers(town()).communities, gpd.GeoDataFrame)
    assert not list(tmp_path.iterdir())
