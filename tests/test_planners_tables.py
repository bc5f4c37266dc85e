"""Figures, codes and headers as planners write them: read as meant, or refused by name."""

from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from test_read_layers import houses, town

from gridcell.errors import InputError
from gridcell.locator.rows import open_points
from gridcell.read import inspect_files, read_layers
from gridcell.read.files import open_input
from gridcell.tables.header import header_row


def households(*values: object) -> list[int]:
    built = houses(len(values), 户数=list(values))
    frame = read_layers(town(1), built).buildings
    assert frame is not None
    return sorted(frame["households"].fillna(-1).astype(int))


def test_figures_are_read_as_people_write_them() -> None:
    given = ("12户", "1,234", "１２", "1.2千", "0.5万", "12.0", " 12 ", "1 234",
             "12 Viviendas", "7套", "-", None, "12,00", "3 ménages", "2 hogares.")  # fmt: skip
    assert households(*given) == sorted([
        12, 1234, 12, 1200, 5000, 12, 12, 1234, 12, 7, -1, -1, 12, 3, 2,
    ])  # fmt: skip


@pytest.mark.parametrize(
    "text", ["12人", "12层", "约12户", "10-12", "12.5", "1.25千户半", "#REF!", "-3户"]
)
def test_what_is_no_figure_is_refused_with_its_row(text: str) -> None:
    with pytest.raises(InputError, match=r"row 2: households is"):
        households("1", text)


def test_floors_and_heights_may_have_units() -> None:
    frame = read_layers(town(1), houses(2, 层数=["6层", "6F"], 高度=["18m", "18 米"])).buildings
    assert frame is not None
    assert frame["floors"].tolist() == [6, 6]
    assert frame["height"].tolist() == [18, 18]


@pytest.mark.parametrize(
    "codes",
    [
        [450802001001.0, 450802001002.0], ["450802001001.0", "450802001002.0"],
        ["4.50802001001E+11", "4.50802001002e+11"], [" 450802001001", "450802001002 "],
    ],
)  # fmt: skip
def test_codes_that_became_numbers_are_mended_where_all_digits_are_there(
    codes: list[object],
) -> None:
    given = town(2).drop(columns="code").assign(村居代码=codes)
    assert read_layers(given).communities["code"].tolist() == ["450802001001", "450802001002"]


def test_codes_that_lost_digits_are_refused_with_their_column() -> None:
    given = town(2).drop(columns="code").assign(村居代码=["4.50802E+11", "4.50802E+11"])
    with pytest.raises(InputError, match=r"code, column 村居代码, is '4.50802E\+11' in row 1"):
        read_layers(given)


def sheet(path: Path, *rows: list[object]) -> Path:
    workbook = openpyxl.Workbook()
    for row in rows:
        workbook.active.append(row)
    workbook.save(path)
    return path


TITLES = (
    ["凤凰社区户籍登记表（2026年第三季度）"],
    ["填表日期：2026-09-30", None, None, "单位：户"],
    [],
)
ROWS = (["户编号", "楼栋编号", "单元", "户数"], ["h1", "a", "1", "2"], ["h2", "b", "1", "3"])


@pytest.mark.parametrize("titles", range(4))
@pytest.mark.parametrize("suffix", [".xlsx", ".csv", ".tsv"])
def test_titles_above_the_header_are_passed_over(titles: int, suffix: str, tmp_path: Path) -> None:
    rows = [*TITLES[:titles], *ROWS]
    path = tmp_path / f"r{suffix}"
    if suffix == ".xlsx":
        sheet(path, *map(list, rows))
    else:
        mark = "," if suffix == ".csv" else "\t"
        path.write_text("\n".join(mark.join(c or "" for c in row) for row in rows), "utf-8")
    (info,) = inspect_files([path])
    assert (info.role, info.rows, info.households) == ("households", 2, 5)
    layers = read_layers(town(1), houses(2, bldg_id=["a", "b"]), households=path)
    assert layers.households is not None
    assert layers.households["count"].tolist() == [2, 3]


def test_points_below_titles_are_located_too(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("楼栋坐标,,\n,,\nid,x,y\n1,500,600\n", "utf-8")
    with open_points(path, town(1).crs, crs=None, encoding=None, fields={}) as rows:
        (batch,) = rows.batches
    assert batch.xy.tolist() == [[500.0, 600.0]]


@pytest.mark.parametrize(
    ("rows", "number"),
    [
        ([["id"], ["a", None, "note"]], 0),
        ([["a", "b"], ["c", "d"]], 0),
        ([["户号", "楼号"], ["x", "y"]], 0),
        ([["登记表"], ["户号", "楼号"]], 1),
        ([["登记表"], ["甲", "乙"]], 0),
        ([["登记表", None, None], ["甲", "乙", "丙"]], 1),
        ([["登记表", None, None], ["1", "2", "3"]], 0),
        ([[None], [None, "甲", "乙"]], 1),
        ([["one column"], ["x"], ["y"]], 0),
        ([], 0),
    ],
)
def test_a_header_is_told_from_titles_and_rows(rows: list[list[object]], number: int) -> None:
    assert header_row(rows) == number


def test_a_frame_below_its_header_is_what_the_file_holds(tmp_path: Path) -> None:
    pd.DataFrame({"户编号": ["1"], "楼栋编号": ["a"]}).to_csv(tmp_path / "r.csv", index=False)
    assert list(open_input(tmp_path / "r.csv", "households").frame.columns) == [
        "户编号",
        "楼栋编号",
    ]


def test_files_in_the_wrong_order_are_named_as_such() -> None:
    land, built = town(1), houses(3, code=["1", "2", "3"])
    for code in ({}, {"osm_id": ["1"]}):
        with pytest.raises(InputError, match="look swapped: the polygons of the first measure"):
            read_layers(built, land.assign(**code))
    with pytest.raises(InputError, match="found a staff roster with the column 工号"):
        read_layers(land, built, households=pd.DataFrame({"工号": ["1"], "岗位": ["x"]}))
    with pytest.raises(InputError, match="found a register of households with the column 户号"):
        read_layers(land, built, staff=pd.DataFrame({"户号": ["1"], "楼号": ["x"]}))
