"""Columns under the names that offices give them: found, or asked for by name, never guessed."""

import importlib.util
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
from test_read_layers import CRS, houses, town

from gridcell.errors import InputError
from gridcell.read import inspect_files, read_layers
from gridcell.read.fields import find_columns
from gridcell.read.files import open_input
from gridcell.rules import Rules
from gridcell.schema import ALIASES
from gridcell.tables.names import plain_name
from gridcell_cli import main as frame

DOCS = Path(__file__).parents[1] / "docs"


def found(role: str, **columns: list[Any]) -> dict[str, str]:
    return find_columns(open_input(pd.DataFrame(columns), role), {}, role)


@pytest.mark.parametrize(
    ("role", "name", "column"),
    [
        *[("buildings", "households", c) for c in (
            "总户数", "户数量", "ZHS", "Apartments", "building:flats", "NB_LOGTS", "viviendas",
            "住户数", "户籍户数", "nombre de logements", "Nº viviendas".replace("Nº", "N"),
            "Número de hogares", "dwellings", "ménages",
        )],
        *[("buildings", "floors", c) for c in (
            "总层数", "地上层数", "LC", "building:levels", "楼层数", "建筑层数", "nb_etages",
            "Nombre d'étages", "plantas", "Storeys",
        )],
        *[("buildings", "bldg_id", c) for c in ("楼号", "房屋编号", "门牌号", "osm_id", "ID")],
        *[("communities", "code", c) for c in (
            "SQBM", "ZLDWDM", "村居代码", "统计代码", "行政区划代码", "osm_id", "ID", "OBJECTID",
            "CODE_IRIS", "CUSEC",
        )],
        ("staff", "community", "社区"),
        ("households", "household_id", "序号"),
    ],
)  # fmt: skip
def test_names_of_offices_are_found(role: str, name: str, column: str) -> None:
    assert found(role, **{column: ["11", "12", "13"]})[name] == column


@pytest.mark.parametrize(
    "column",
    ["户数(户)", "户数（户）", "户数 [户]", "户数(户", " 户 数 ", "总户数*", "ＨＳ", "hs",
     "nb logts", "Households (n)", "NB-LOGTS", "building：flats"],
)  # fmt: skip
def test_the_writing_of_a_name_does_not_matter(column: str) -> None:
    assert found("buildings", **{column: [1, 2]})["households"] == column


@pytest.mark.parametrize("column", ["户数(空置)", "户数(2010)", "人口", "households_2010", "户主"])
def test_what_means_something_else_is_not_found(column: str) -> None:
    assert "households" not in found("buildings", **{column: [1, 2]})


def test_no_name_stands_for_two_columns_of_one_input() -> None:
    for role, names in ALIASES.items():
        plain = [plain_name(alias) for aliases in names.values() for alias in set(aliases)]
        own = [n for n in set(plain) if plain.count(n) > 1]
        several = {
            name for name in own
            if sum(name in map(plain_name, aliases) for aliases in names.values()) > 1
        }  # fmt: skip
        assert not several, role


def test_two_columns_of_households_that_differ_are_asked_for() -> None:
    given = {"户籍户数": [1, 2], "常住户数": [1, 3]}
    with pytest.raises(InputError, match="常住户数 and 户籍户数 could each be households") as fault:
        found("buildings", **given) | {}
    assert [(hint.name, hint.value) for hint in fault.value.hints] == [
        ("fields.buildings.households", "常住户数"), ("fields.buildings.households", "户籍户数"),
    ]  # fmt: skip
    assert found("buildings", **given | {"常住户数": [1, 2]})["households"] == "常住户数"
    assert found("buildings", **given | {"households": [5, 6]})["households"] == "households"
    assert found("buildings", **given | {"常住户数": [None, None]})["households"] == "户籍户数"


def test_of_several_codes_the_one_of_the_rows_counts() -> None:
    given = {"XZQDM": ["450802", "450802"], "SQBM": ["450802001", "450802002"]}
    assert found("communities", **given)["code"] == "SQBM"
    with pytest.raises(InputError, match="XZQDM and SQBM could each be code"):
        found("communities", **given | {"XZQDM": ["1", "2"]})


def test_names_of_many_meanings_serve_where_they_can_be_meant() -> None:
    assert "code" not in found("communities", ID=["1", "1"])
    assert "code" not in found("communities", ID=["1", None])
    assert "code" not in found("communities", ID=["1", "2"], OBJECTID=["3", "4"])
    assert found("communities", ID=["1", "2"], SQBM=["3", "4"])["code"] == "SQBM"
    with pytest.raises(InputError, match="no column holds the code") as fault:
        read_layers(town(2).rename(columns={"code": "ID"}).assign(OBJECTID=["7", "8"]))
    assert [hint.value for hint in fault.value.hints] == ["ID", "OBJECTID"]


def test_the_id_of_a_building_is_what_the_register_calls_it() -> None:
    built = houses(3, 楼号=["1", "2", "3"], 房屋编号=["a", "b", "c"], ID=["x", "y", "z"])
    for ids in ("123", "abc", "xyz"):
        register = pd.DataFrame({"户号": ["1", "2", "3"], "楼栋编号": list(ids)})
        layers = read_layers(town(1), built, households=register)
        assert layers.buildings is not None
        assert sorted(layers.buildings["bldg_id"]) == list(ids)


def test_figures_that_nobody_reads_are_named_before_any_estimate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frame, "_be_quiet", lambda: None)
    built = houses(3, 栋内户=[4, 4, 6], 面积=[1.5, 2.5, 3.5], 层数=[2, 2, 3], 备注=["a", "b", "c"])
    town(1).to_file(tmp_path / "c.gpkg")
    built.to_file(tmp_path / "b.gpkg")
    said = "not read: 栋内户 (4 – 6), 面积 (1.5 – 3.5); where"
    assert any(said in text for text in inspect_files([tmp_path / "b.gpkg"])[0].remarks)
    with pytest.raises(SystemExit):
        frame.main(["partition", *(str(tmp_path / n) for n in ("c.gpkg", "b.gpkg")), "-o",
                    str(tmp_path / "out")])  # fmt: skip
    err = capsys.readouterr().err
    assert err.count(said) == 1
    assert "(--field buildings.households=COLUMN)" in err
    rules = Rules(fields={"buildings": {"households": "栋内户"}})
    kinds = [f.kind for f in read_layers(town(1), built, rules=rules).findings]
    assert "figures_unread" not in kinds
    register = pd.DataFrame({"户号": ["1"], "bldg_id": ["a"]})
    named = built.assign(bldg_id=list("abc"))
    kinds = [f.kind for f in read_layers(town(1), named, households=register).findings]
    assert "figures_unread" not in kinds


def test_a_layer_is_what_it_is_by_more_than_an_id(tmp_path: Path) -> None:
    houses(3, osm_id=["1", "2", "3"]).to_file(tmp_path / "b.gpkg")
    gpd.GeoDataFrame({"osm_id": ["1"]}, geometry=[town(1).geometry[0]], crs=CRS).to_file(
        tmp_path / "c.gpkg"
    )
    pd.DataFrame({"序号": ["1"], "岗位": ["micro_chief"]}).to_csv(tmp_path / "s.csv")
    pd.DataFrame({"序号": ["1"], "楼号": ["3"]}).to_csv(tmp_path / "h.csv")
    files = [tmp_path / name for name in ("b.gpkg", "c.gpkg", "s.csv", "h.csv")]
    roles = [info.role for info in inspect_files(files)]
    assert roles == ["buildings", "communities", "staff", "households"]


def test_the_page_shows_the_names_that_are_found() -> None:
    spec = importlib.util.spec_from_file_location("make_aliases", DOCS / "make_aliases.py")
    assert spec is not None
    assert spec.loader is not None
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    page = maker.PAGE.read_text("utf-8")
    assert maker.with_table(page) == page


def test_a_name_that_a_shapefile_cuts_to_that_of_two_columns_is_neither(tmp_path: Path) -> None:
    spanish = houses(3).assign(**{"Número de": [1, 2, 3]})
    spanish.to_file(tmp_path / "b.shp", encoding="UTF-8")
    (info,) = inspect_files([tmp_path / "b.shp"])
    assert [column.meaning for column in info.fields] == [None]
    (tmp_path / "b.shp").unlink()
    houses(3, building_l=[1, 2, 3]).to_file(tmp_path / "b.shp", encoding="UTF-8")
    (info,) = inspect_files([tmp_path / "b.shp"])
    assert [column.meaning for column in info.fields] == ["floors"]


def test_a_register_without_counts_tells_which_numbers_it_leaves() -> None:
    register = pd.DataFrame({"户号": ["1", "2"], "bldg_id": ["a", "b"], "登记家数": ["2", "2"]})
    layers = read_layers(town(1), houses(2, bldg_id=["a", "b"]), households=register)
    (told,) = (f for f in layers.findings if f.kind == "figures_unread")
    assert "each line counts as one household; columns of numbers" in told.message
    assert "登记家数 (2)" in told.message
