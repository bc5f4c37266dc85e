"""``--field LAYER.NAME=COLUMN`` means the same wherever files are read."""

import json
import os

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from towns import CORNER, box

from gridcell.formats.geopackage import read_plan
from gridcell_cli import main as frame

BANDS = ("--small", "60:80:100", "--micro", "10:20:30")


@pytest.fixture(autouse=True)
def _own_logging(monkeypatch):
    monkeypatch.setattr(frame, "_be_quiet", lambda: None)
    for name in [name for name in os.environ if name.startswith("GRIDCELL_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def files(tmp_path):
    """Return a folder with a town whose columns are called as nobody would guess."""
    town = gpd.GeoDataFrame(
        {"KEY_A": ["450802001013"], "other": ["C2"]}, geometry=[box(0, 0, 200, 200)],
        crs="EPSG:4547",
    )  # fmt: skip
    town.to_file(tmp_path / "town.gpkg")
    places = [(20 + 50 * (k % 4), 20 + 50 * (k // 4)) for k in range(16)]
    built = gpd.GeoDataFrame(
        {"QTY": [10] * 16, "households": [1] * 16, "B_KEY": [f"b{k}" for k in range(16)]},
        geometry=[box(x, y, x + 10, y + 10) for x, y in places], crs="EPSG:4547",
    )  # fmt: skip
    built.to_file(tmp_path / "houses.gpkg")
    pd.DataFrame(
        {
            "KEY_P": ["p1", "p2"],
            "job": ["small_chief", "community_chief"],
            "area": ["450802001013"] * 2,
        }
    ).to_csv(tmp_path / "people.csv", index=False)
    pd.DataFrame({"east": [CORNER[0] + 50], "north": [CORNER[1] + 50]}).to_csv(
        tmp_path / "doors.csv", index=False
    )
    halves = [box(0, 0, 100, 200), box(100, 0, 200, 200)]
    gpd.GeoDataFrame({"KEY_G": ["W", "E"], "code": ["x", "x"]}, geometry=halves,
                     crs="EPSG:4547").to_file(tmp_path / "halves.gpkg")  # fmt: skip
    return tmp_path


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as exit_:
        frame.main(list(map(str, arguments)))
    out, err = capsys.readouterr()
    return exit_.value.code, out, err


def divide(capsys, files, *options):
    """Run partition and return its code, its households and what it said."""
    code, _, said = run(
        capsys, "partition", files / "town.gpkg", files / "houses.gpkg", "-o", files / "plan",
        *BANDS, "--overwrite", *options,
    )  # fmt: skip
    held = int(read_plan(files / "plan").leaves["households"].sum()) if code == 0 else None
    return code, held, said


CODE = ("--field", "communities.code=KEY_A")


def test_a_missing_column_names_the_option_that_then_serves(files, capsys):
    code, _, said = divide(capsys, files)
    assert (code, "name it (--field communities.code=KEY_A, --field" in said) == (3, True)
    assert divide(capsys, files, *CODE)[:2] == (0, 16)
    assert divide(capsys, files, *CODE, "--field", "buildings.households=QTY")[:2] == (0, 160)


def test_flag_comes_before_environment_before_file(files, capsys, monkeypatch):
    (files / "r.toml").write_text(
        '[fields.communities]\ncode = "KEY_A"\nname = "other"\n'
        '[fields.buildings]\nhouseholds = "households"\n',
        "utf-8",
    )
    rules = ("--rules", files / "r.toml")
    assert divide(capsys, files, *rules)[:2] == (0, 16)
    monkeypatch.setenv("GRIDCELL_FIELD", "buildings.households=QTY; points.lon=east")
    assert divide(capsys, files, *rules)[:2] == (0, 160)
    again = ("--field", "buildings.households=households")
    assert divide(capsys, files, *rules, *again)[:2] == (0, 16)
    # What the file maps beside stays.
    assert read_plan(files / "plan").medium["name"].tolist() == ["C2"]


@pytest.mark.parametrize(("given", "told"), [
    ("town.code=A", "no input 'town' here; expected one of communities, buildings"),
    ("communities.kode=A", "communities have no column 'kode'; expected one of code, name"),
    ("communities.code", "expected LAYER.NAME=COLUMN"),
    ("code=A", "expected LAYER.NAME=COLUMN"),
])  # fmt: skip
def test_what_there_is_not_is_a_usage_error_that_says_what_there_is(files, capsys, given, told):
    code, _, said = divide(capsys, files, "--field", given)
    assert code == 2
    assert told in " ".join(said.split())


def test_a_column_that_is_not_there_is_told_with_those_that_are(files, capsys):
    code, _, said = divide(capsys, files, "--field", "communities.code=KEY")
    assert code == 3
    assert "names the column 'KEY', which the file lacks; it has KEY_A, other" in said


def test_inspect_takes_it_too(files, capsys):
    both = [files / "town.gpkg", files / "houses.gpkg"]
    code, out, _ = run(capsys, "inspect", *both, *CODE, "--field", "buildings.households=QTY",
                       "--json")  # fmt: skip
    areas, built = json.loads(out)
    assert (code, areas["role"], built["role"], built["households"]) == (
        0, "communities", "buildings", 160,
    )  # fmt: skip
    assert {f["name"]: f["meaning"] for f in areas["fields"]}["KEY_A"] == "code"
    code, _, said = run(capsys, "inspect", *both, "--field", "communities.code=NONE")
    assert code == 3
    assert "'NONE', which no file has; they have KEY_A, other" in said


def test_staff_and_locate_take_it_too(files, capsys):
    assert divide(capsys, files, *CODE)[0] == 0
    code, _, said = run(capsys, "staff", files / "plan", files / "people.csv", "-o", files / "s")
    assert (code, "(--field staff.staff_id=KEY_P)" in said) == (3, True)
    named = [f"--field=staff.{pair}" for pair in
             ("staff_id=KEY_P", "roles=job", "community=area")]  # fmt: skip
    code, *_ = run(capsys, "staff", files / "plan", files / "people.csv", "-o", files / "s", *named)
    assert code == 0
    assert sorted(read_plan(files / "s").staff["staff_id"]) == ["p1", "p2"]

    locate = ("locate", files / "plan", files / "doors.csv", "-o", files / "located.csv")
    code, _, said = run(capsys, *locate)
    assert (code, "--field points.lon=COLUMN" in said) == (3, True)
    code, *_ = run(capsys, *locate, "--field=points.x=east", "--field=points.y=north")
    assert code == 0
    assert pd.read_csv(files / "located.csv")["how"].tolist() == ["inside"]


def test_drawn_cells_are_checked_repaired_adopted_and_compared_by_it(files, capsys):
    cells, named = files / "halves.gpkg", "--field=cells.code=KEY_G"
    overlapping = gpd.read_file(cells)
    overlapping.loc[0, "geometry"] = shapely.affinity.scale(overlapping.geometry[0], 1.1)
    overlapping.to_file(files / "over.gpkg")
    code, out, _ = run(capsys, "check", files / "over.gpkg", named)
    assert (code, "E and W share" in out) == (4, True)

    code, *_ = run(capsys, "repair", files / "over.gpkg", "-o", files / "fixed.gpkg", named)
    fixed = gpd.read_file(files / "fixed.gpkg")
    assert (code, fixed["KEY_G"].tolist(), fixed["code"].tolist()) == (0, ["W", "E"], ["x", "x"])

    code, *_ = run(
        capsys, "adopt", cells, "--communities", files / "town.gpkg", "--buildings",
        files / "houses.gpkg", *CODE, "--field=cells.name=KEY_G", *BANDS, "--level", "small",
        "-o", files / "adopted",
    )  # fmt: skip
    assert (code, read_plan(files / "adopted").small["name"].tolist()) == (0, ["W", "E"])

    code, *_ = run(capsys, "crosswalk", cells, files / "town.gpkg", "-o", files / "x.csv",
                   "--field=a.code=KEY_G", "--field=b.code=KEY_A")  # fmt: skip
    assert (code, pd.read_csv(files / "x.csv")["a"].tolist()) == (0, ["E", "W"])


def test_crosswalk_hints_at_the_option_that_settles_two_columns_of_codes(capsys, files):
    cells = gpd.GeoDataFrame(
        {"社区编码": ["1", "2"], "统计代码": ["8", "9"]},
        geometry=[box(0, 0, 100, 200), box(100, 0, 200, 200)], crs="EPSG:4547",
    )  # fmt: skip
    cells.to_file(files / "two.gpkg")
    asked = ("crosswalk", files / "town.gpkg", files / "two.gpkg", "-o", files / "x.csv")
    code, _, err = run(capsys, *asked, "--field", "a.code=KEY_A")
    assert code == 3
    option = "b.code=社区编码"
    assert f"--field '{option}'" in err
    code, *_ = run(capsys, *asked, "--field", "a.code=KEY_A", "--field", option)
    assert code == 0
