"""One door: whatever way a file comes in, it is read alike, and refused alike."""

import json
import shutil
import zipfile
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
from geopandas.testing import assert_geodataframe_equal
from packing import WAYS, Parts, beside, damaged, one_file, shapefile
from plans import CRS as PLAN_CRS
from plans import tiny_plan
from test_read_layers import CRS, houses, town

from gridcell.errors import InputError
from gridcell.formats.geopackage import write_geopackage
from gridcell.locator import locate_file
from gridcell.read import inspect_files, read_layers
from gridcell.read.files import digest_input, list_layers, open_input
from gridcell_cli import main as frame

NAMES = {"bldg_id": "楼栋编号", "hh": "户数", "floors": "层数"}
SHARED = Path(__file__).parents[2] / "shared" / "data"


def buildings() -> gpd.GeoDataFrame:
    return houses(
        30, bldg_id=[f"楼栋{i:03d}" for i in range(30)], hh=[10 + i for i in range(30)],
        floors=[6] * 30,
    )  # fmt: skip


def packed(encoding: str = "gbk") -> Parts:
    return shapefile(buildings(), encoding, NAMES)


@pytest.fixture
def run(capsys, monkeypatch):
    """Run the command line here; return its exit code, stdout and stderr."""
    monkeypatch.setattr(frame, "_be_quiet", lambda: None)

    def run_(*arguments):
        with pytest.raises(SystemExit) as exit_:
            frame.main([*map(str, arguments)])
        out, err = capsys.readouterr()
        return exit_.value.code, out, err

    return run_


@pytest.mark.parametrize("encoding", ["gbk", "utf-8"])
@pytest.mark.parametrize("way", WAYS)
def test_a_shapefile_is_the_same_by_every_way_in(way: str, encoding: str, tmp_path: Path) -> None:
    parts = packed(encoding)
    plain = read_layers(town(), WAYS["plain"](tmp_path / "plain", parts))
    given = WAYS[way](tmp_path / "way", parts)
    layers = read_layers(town(), given)
    assert plain.buildings is not None
    assert plain.buildings["households"].sum() == sum(range(10, 40))
    assert "楼栋007" in set(plain.buildings["bldg_id"])
    assert_geodataframe_equal(layers.buildings, plain.buildings)
    assert layers.inputs[1].encoding == ("UTF-8" if encoding == "utf-8" else "GB18030")
    info = inspect_files([given])[0]
    assert (info.rows, info.role, info.households) == (30, "buildings", sum(range(10, 40)))
    assert info.encoding == layers.inputs[1].encoding
    assert open_input(given, "buildings").is_shapefile


@pytest.mark.parametrize("way", WAYS)
def test_the_encoding_that_is_named_is_obeyed_by_every_way_in(way: str, tmp_path: Path) -> None:
    given = WAYS[way](tmp_path, packed() | {".cpg": b"UTF-8"})
    assert open_input(given, "buildings", encoding="gbk").frame["楼栋编号"].iloc[0] == "楼栋000"
    with pytest.raises(InputError, match="is not in UTF-8"):
        open_input(given, "buildings")


@pytest.mark.parametrize("way", WAYS)
def test_a_file_cut_off_is_refused_by_every_way_in(way: str, tmp_path: Path) -> None:
    parts = packed()
    cuts = {".shp": (1, 60, 99, 100, 140, 1000, -4, -1), ".dbf": (1, 31, 33, 200, -40)}
    number = 0
    for suffix, keeps in cuts.items():
        for keep in keeps:
            number += 1
            given = WAYS[way](tmp_path / str(number), damaged(parts, suffix, keep))
            with pytest.raises(InputError, match=rf"(?i)house\{suffix}: the file is cut off|楼栋"):
                open_input(given, "buildings")


@pytest.mark.parametrize("way", ["folder with #", "zip", "zip with others", "shz", "capitals"])
def test_every_command_reads_it_alike(way: str, run, tmp_path: Path) -> None:
    parts = packed()
    plain = WAYS["plain"](tmp_path / "plain", parts)
    given = WAYS[way](tmp_path / "way", parts)
    land = tmp_path / "land.gpkg"
    town().to_file(land)
    for name, *options in (
        ("repair", "FILE", "-o", tmp_path / "NAME.geojson", "--encoding", "gbk"),
        ("check", "FILE", "--json"),
        ("crosswalk", land, land, "--buildings", "FILE", "-o", tmp_path / "NAME.csv"),
    ):
        said = []
        for label, path in (("plain", plain), ("way", given)):
            arguments = [
                path if o == "FILE" else str(o).replace("NAME", f"{name}-{label}") for o in options
            ]
            said.append((*run(name, *arguments),))
        assert said[0][0] == said[1][0], said
        if name != "crosswalk":
            continue
        one, two = (tmp_path / f"crosswalk-{label}.csv" for label in ("plain", "way"))
        assert one.read_bytes() == two.read_bytes()
    fixed = [
        json.loads((tmp_path / f"repair-{label}.geojson").read_text(encoding="utf-8"))["features"]
        for label in ("plain", "way")
    ]
    assert fixed[0] == fixed[1]
    assert fixed[0][0]["properties"]["楼栋编号"] == "楼栋000"


@pytest.mark.parametrize("name", ["p.gpkg", "p.geojson", "p.fgb", "p.parquet", "p.csv", "p.xlsx"])
def test_layers_and_tables_of_any_kind_come_in_archives_and_folders(
    name: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    table = pd.DataFrame({"household_id": ["01", "02"], "bldg_id": ["楼1", "楼2"], "count": [3, 4]})
    if path.suffix == ".csv":
        table.to_csv(path, index=False, encoding="gbk")
    elif path.suffix == ".xlsx":
        table.to_excel(path, index=False)
    else:
        points = gpd.GeoDataFrame(table, geometry=houses(2).centroid, crs=CRS)
        getattr(points, "to_parquet" if path.suffix == ".parquet" else "to_file")(path)
    plain = read_layers(town(), households=path)
    for given in (one_file(path, tmp_path / "zip"), beside(path, tmp_path / "folder")):
        for text in (given, f"{given}#p"):
            layers = read_layers(town(), households=text)
            pd.testing.assert_frame_equal(layers.households, plain.households)
            assert layers.inputs[1].encoding == plain.inputs[1].encoding


def test_points_in_archives_are_located_alike(tmp_path: Path) -> None:
    plan = tmp_path / "plan.gpkg"
    made = tiny_plan()
    write_geopackage(made, plan)
    points = made.leaves[["name"]].set_geometry(made.leaves.representative_point(), crs=PLAN_CRS)
    for name in ("p.shp", "p.gpkg", "p.geojson", "p.csv"):
        path = tmp_path / name.replace(".", "_") / name
        path.parent.mkdir()
        if name == "p.csv":
            xy = points.get_coordinates()
            pd.DataFrame(xy).assign(name=points["name"]).to_csv(path, index=False)
        else:
            points.to_file(path)
        with zipfile.ZipFile(path.with_suffix(".zip"), "w") as archive:
            for part in sorted(path.parent.glob("p.*")):
                if part.suffix != ".zip":
                    archive.write(part, part.name)
        for given in (path, path.with_suffix(".zip"), f"{path.parent}#p"):
            out = tmp_path / "out.csv"
            locate_file(plan, given, out, overwrite=True)
            found = pd.read_csv(out, dtype=str)
            assert found["code"].tolist() == made.leaves["code"].tolist()
            assert found["name"].tolist() == made.leaves["name"].tolist()


def test_several_layers_and_none_named_are_all_named(tmp_path: Path) -> None:
    given = WAYS["zip with others"](tmp_path, packed()).removesuffix("#house")
    assert list_layers(Path(given)) == ["house", "other", "third"]
    with pytest.raises(InputError, match=r"all\.zip: .*all\.zip#LAYER: house, other, third"):
        open_input(given, "buildings")
    with pytest.raises(InputError, match="no layer 'none'; it holds house, other, third"):
        open_input(f"{given}#none", "buildings")
    assert [info.layer for info in inspect_files([given])] == ["house", "other", "third"]


def test_layers_of_a_geopackage_in_an_archive_are_named_as_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "all.gpkg"
    town().to_file(path, layer="areas")
    buildings().to_file(path, layer="houses")
    given = one_file(path, tmp_path / "zip")
    assert list_layers(Path(given)) == ["areas", "houses"]
    assert len(read_layers(f"{given}#areas", f"{given}#houses").buildings) == 30
    with pytest.raises(InputError, match="areas, houses"):
        open_input(given, "communities")
    with zipfile.ZipFile(given, "a") as archive:
        for suffix, data in packed().items():
            archive.writestr(f"b{suffix}", data)
    assert list_layers(Path(given)) == ["b", "all#areas", "all#houses"]
    assert len(open_input(f"{given}#all#areas", "communities").frame) == 2


def test_the_digest_is_that_of_the_archive_or_of_the_parts(tmp_path: Path) -> None:
    parts = packed()
    plain = Path(WAYS["plain"](tmp_path / "plain", parts))
    folder = WAYS["folder with others"](tmp_path / "folder", parts)
    assert open_input(folder, "b").sha256 == open_input(plain, "b").sha256 == digest_input(plain)
    assert digest_input(Path(folder.split("#")[0]), "house") == digest_input(plain)
    archive = Path(WAYS["zip"](tmp_path / "zip", parts))
    before = open_input(archive, "b").sha256
    assert before == digest_input(archive)
    WAYS["zip"](tmp_path / "zip", parts | {".cpg": b"GBK"})
    assert open_input(archive, "b").sha256 != before


def test_barriers_in_an_archive_are_of_the_kind_that_the_file_tells(tmp_path: Path) -> None:
    lines = gpd.GeoDataFrame(geometry=town().boundary, crs=CRS)
    lines.to_file(tmp_path / "rivers.gpkg")
    given = one_file(tmp_path / "rivers.gpkg", tmp_path / "roads")
    barriers = read_layers(town(), barriers=given).barriers
    assert barriers is not None
    assert set(barriers["kind"]) == {"river"}


def test_archives_that_cannot_be_read_say_why(tmp_path: Path) -> None:
    given = Path(WAYS["zip"](tmp_path, packed()))
    whole = given.read_bytes()
    for keep in range(0, len(whole), 97):
        given.write_bytes(whole[:keep])
        with pytest.raises(InputError, match=r"house\.zip: the archive cannot be read"):
            open_input(given, "buildings")
        assert inspect_files([given])[0].error
    encrypted = bytearray(whole)
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = -1
        while (start := whole.find(mark, start + 1)) >= 0:
            encrypted[start + place] |= 1
    given.write_bytes(encrypted)
    with pytest.raises(InputError, match=r"house\.zip: house\.\w+: is encrypted"):
        open_input(given, "buildings")
    with zipfile.ZipFile(given, "w") as archive:
        archive.writestr("a/", b"")
    with pytest.raises(InputError, match="holds no layers"):
        open_input(given, "buildings")


def test_text_beyond_gbk_is_read_whatever_claims_to_be_gbk(tmp_path: Path) -> None:
    """Characters of four bytes, which GB18030 alone has: 㐀 is in no GBK."""
    houses_ = buildings().head(3).assign(bldg_id=["㐀村一", "𠮷村二", "䶮村三"])
    parts = shapefile(houses_, "gb18030", NAMES)
    for claim in ({}, {".cpg": b"936"}, {".cpg": b"GB2312"}):
        given = WAYS["zip"](tmp_path, parts | claim)
        source = open_input(given, "buildings")
        assert source.frame["楼栋编号"].tolist() == ["㐀村一", "𠮷村二", "䶮村三"]
        assert source.encoding == "GB18030"
    dbf = bytearray(parts[".dbf"])
    dbf[29] = 0x4D
    given = WAYS["plain"](tmp_path, parts | {".dbf": bytes(dbf)})
    assert open_input(given, "buildings").encoding == "GB18030"


@pytest.mark.skipif(not SHARED.exists(), reason="real data not at hand")
@pytest.mark.parametrize("name", ["gbk", "chinese", "big5"])
def test_real_tables_are_the_same_in_archives(name: str, tmp_path: Path) -> None:
    # Without the .shp that stands beside some of them, which would make a layer of the table.
    parts = [SHARED / "shp_kit" / f"{name}{suffix}" for suffix in (".dbf", ".cpg")]
    parts = [Path(shutil.copy(part, tmp_path)) for part in parts if part.exists()]
    plain = open_input(tmp_path / f"{name}.dbf", "sites")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for part in parts:
            archive.write(part, part.name)
    packed_ = open_input(tmp_path / "a.zip", "sites")
    pd.testing.assert_frame_equal(packed_.frame, plain.frame)
    assert packed_.encoding == plain.encoding
