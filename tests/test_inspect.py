"""gridcell inspect: what files hold and what is wrong with them."""

import json
import shutil
from pathlib import Path

import pytest
import shapely
from click.testing import CliRunner
from test_read_datum import shifted, streets
from test_read_layers import X, Y, houses, town

from gridcell.errors import InputError
from gridcell.read import inspect_files
from gridcell_cli.inspect import command


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("inspect")
    areas = town(2, 户数=[100, 200])
    areas.loc[1, "geometry"] = shapely.box(X + 900, Y, X + 2000, Y + 1000)
    areas.to_file(path / "town.gpkg", layer="areas")
    built = houses(550).assign(floors=[None, *[3] * 549])
    built.loc[1, "geometry"] = built.geometry[0]
    built.loc[2, "geometry"] = shapely.Polygon([(X, Y), (X + 10, Y + 10), (X + 10, Y), (X, Y + 10)])
    shifted(built).to_file(path / "houses.geojson")
    streets().to_file(path / "roads.fgb")
    (path / "bad.gpkg").write_bytes(b"SQLite format 3\0 and then nothing")
    (path / "register.csv").write_text("户号,楼栋编号\n0012,b1\n0013,\n", "utf-8")
    return path


def test_layers_tell_what_they_hold(folder: Path) -> None:
    areas, built, lines, register = inspect_files(
        [folder / n for n in ("town.gpkg", "houses.geojson", "roads.fgb", "register.csv")]
    )
    assert (areas.role, areas.rows, areas.crs, areas.households, areas.overlaps) == (
        "communities", 2, "EPSG:4545", 300, 1,
    )  # fmt: skip
    assert [(f.name, f.meaning) for f in areas.fields] == [("code", "code"), ("户数", "households")]
    assert (built.role, built.invalid, built.duplicates) == ("buildings", 1, 1)
    assert "row 3" in built.invalid_places[0]
    assert [(f.missing, f.meaning) for f in built.fields] == [(1, "floors")]
    assert lines.geometry_types == {"LineString": 25}
    assert (register.role, register.households, register.encoding) == ("households", 2, "UTF-8")


def test_several_files_are_compared(folder: Path) -> None:
    _, built, _ = inspect_files([folder / n for n in ("town.gpkg", "houses.geojson", "roads.fgb")])
    assert any("outside the extent" in remark for remark in built.remarks)
    assert any("buildings=gcj02" in remark for remark in built.remarks)


def test_the_command_prints_tables_and_json(folder: Path) -> None:
    done = CliRunner().invoke(command, [str(folder / "town.gpkg")])
    assert done.exit_code == 0
    for words in (
        "town.gpkg#areas",
        "communities",
        "EPSG:4545",
        "1 pairs of polygons overlap",
        "= code",
    ):
        assert words in done.stdout
    done = CliRunner().invoke(command, ["--json", str(folder / "town.gpkg")])
    assert json.loads(done.stdout)[0]["households"] == 300


def test_an_unreadable_file_ends_with_exit_code_3_after_the_others(folder: Path) -> None:
    done = CliRunner().invoke(
        command, [str(folder / n) for n in ("bad.gpkg", "town.gpkg", "none.shp")]
    )
    assert done.exit_code == 3
    assert "town.gpkg#areas" in done.stdout
    assert "bad.gpkg" in done.stderr
    assert "none.shp" in done.stderr


def test_all_layers_of_a_file_are_looked_at(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "two.gpkg"
    shutil.copyfile(folder / "town.gpkg", path)
    houses(3).to_file(path, layer="houses")
    assert [info.layer for info in inspect_files([path])] == ["areas", "houses"]
    assert [info.layer for info in inspect_files([f"{path}#houses"])] == ["houses"]


def test_a_missing_crs_is_a_remark_that_the_option_settles(tmp_path: Path) -> None:
    path = tmp_path / "town.shp"
    town().to_file(path)
    path.with_suffix(".prj").unlink()
    assert "CRS is missing" in inspect_files([path])[0].remarks[0]
    assert inspect_files([path], crs="EPSG:4545")[0].overlaps == 0
    with pytest.raises(InputError, match="EPSG:99"):
        inspect_files([path], crs="EPSG:99")
