"""Registers as files, most of them bad: a clear error or a finding, and no household lost."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely

from gridcell.errors import GridcellError, InputError
from gridcell.households import HouseholdCounts, count_households
from gridcell.model import Layers
from gridcell.read import read_layers

X, Y = 500_000.0, 2_560_000.0
CRS = "EPSG:4547"
TITLES = ["household_id", "bldg_id", "unit", "count"]
SHARED = Path(__file__).parent / "../../shared/data"


def read(register: Any, **options: Any) -> Layers:
    """Return the layers of a street of three houses, 0010 to 0012, with this register."""
    land = gpd.GeoDataFrame(
        {"code": ["450802001013"], "name": ["a"]},
        geometry=[shapely.box(X, Y, X + 1000, Y + 100)], crs=CRS,
    )  # fmt: skip
    houses = gpd.GeoDataFrame(
        {"bldg_id": ["0010", "0011", "0012"], "units": [2, 2, 3]},
        geometry=[shapely.box(X + 100 * i, Y, X + 100 * i + 10, Y + 10) for i in range(3)],
        crs=CRS,
    )
    return read_layers(land, houses, households=register, **options)


def counts(layers: Layers, counted: HouseholdCounts) -> dict[str, int]:
    assert layers.buildings is not None
    return dict(zip(layers.buildings["bldg_id"], counted.households.tolist(), strict=True))


def placed(register: Any, **options: Any) -> dict[str, int]:
    """Return the households by building; those of the register are all there or unplaced."""
    layers = read(register, **options)
    counted = count_households(layers)
    assert layers.households is not None
    assert counted.register["count"].sum() == layers.households["count"].sum()
    lost = counted.register["building"] < 0
    assert counted.households.sum() == counted.register.loc[~lost, "count"].sum()
    assert (counted.register["reason"].notna() == lost).all()
    return counts(layers, counted)


def book(
    path: Path, rows: list[list[Any]], change: Callable[[Any], None] = lambda _sheet: None
) -> Path:
    """Write an XLSX file as people make it."""
    made = openpyxl.Workbook()
    for row in rows:
        made.active.append(row)
    change(made.active)
    made.save(path)
    return path


@pytest.mark.parametrize(
    ("data", "options"),
    [
        (b"household_id,bldg_id,unit,count\na,0010,1,2\nb,0012,,\n", {}),
        (b"household_id;bldg_id;unit;count\r\na;0010;1;2\r\nb;0012;;\r\n", {}),
        ("\ufeff户编号\t楼栋编号\t单元\t户数\na\t0010\t一单元\t2\nb\t0012\t\t\n".encode(), {}),
        ("户编号,楼栋编号,户数\na,0010,2\nb,0012,\n".encode("gbk"), {}),
        ("户编号,楼栋编号,户数\na,0010,2\nb,0012,\n".encode("utf-16"), {}),
        (
            "household_id,bldg_id,count,棟\na,0010,2,一\nb,0012,,\n".encode("big5"),
            {"encoding": "big5"},
        ),
        (b'household_id,bldg_id,count\n"a","0010","2"\n\n,,\n"b", 0012 ,\n,,\n', {}),
    ],
)
def test_registers_in_every_usual_form_say_the_same(
    tmp_path: Path, data: bytes, options: dict[str, str]
) -> None:
    file = tmp_path / "r.csv"
    file.write_bytes(data)
    assert placed(file, **options) == {"0010": 2, "0011": 0, "0012": 1}


HEAD = "household_id,bldg_id,count\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected a table with one header row"),
        (HEAD, "holds no rows"),
        ("a,b\n1,2\n", "no column household_id; the columns are a, b"),
        ("household_id,count\n1,2\n", "no place of the households"),
        ("荷城社区,,\n甲,乙,丙\na,0010,1\n", "the columns are 甲, 乙, 丙"),
        ("household_id,bldg_id,bldg_id\na,0010,0011\n", "occur twice: bldg_id"),
        ("household_id,bldg_id,户主姓名\na,0010,x\n", "look personal: 户主姓名"),
        (HEAD + ",0010,1\n", "1 rows have no household_id, first row 1"),
        (HEAD + "a,0010,zwei\n", "row 1: count is 'zwei'"),
        (HEAD + "a,0010,1\nb,0010,-3\n", "row 2: count is '-3'"),
        (HEAD + "a,0010,NaN\n", "row 1: count is 'NaN'"),
        (HEAD + "a,0010,1.5\n", "row 1: count is '1.5'"),
        (HEAD + "a,0010,1e9\n", "expected at most 100,000"),
        (HEAD + "a,0010,1,more\n", "Expected 3 fields in line 2, saw 4"),
        (HEAD + '"a,0010,1\n', "expected a table with one header row"),
        (HEAD + "a,10,1\nb,11,1\n", "leading zeros.*'10' for '0010'"),
        (HEAD + "a,x,1\n", "a building's id is such as"),
        ("household_id,lon,lat\na,22.9,111.3\n", "row 1: lat is 111.3"),
        ("household_id,x,y\na,abc,2560005\n", "row 1: x is 'abc'"),
        ("household_id;x;y\na;500005,5;2560005,5\n", "row 1: x is '500005,5'"),
        ("household_id,x,y\na,1000,1000\n", "no feature meets a community; the two extents"),
    ],
)
def test_a_register_that_is_no_use_is_one_clear_error(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "r.csv"
    file.write_text(text, "utf-8")
    with pytest.raises(InputError, match=said) as caught:
        count_households(read(file))
    assert "r.csv" in str(caught.value)
    assert caught.value.exit_code == 3
    assert "\n" not in str(caught.value)


def test_bad_lines_among_good_ones_are_findings(tmp_path: Path) -> None:
    file = tmp_path / "r.csv"
    file.write_text(
        "household_id,bldg_id,unit,count\na,0010,1,2\na,0010,1,2\nb,77,1,3\nc,,,1\nd,0011,9,1\n",
        "utf-8",
    )
    assert placed(file) == {"0010": 4, "0011": 1, "0012": 0}
    found = count_households(read(file)).findings
    assert [(f.kind, f.measure) for f in found] == [
        ("duplicate_id", 1.0), ("entrance_unknown", 1.0), ("household_unplaced", 1.0),
        ("household_unplaced", 3.0),
    ]  # fmt: skip


def test_the_order_of_lines_never_matters_not_even_with_repeated_ids() -> None:
    rng = np.random.default_rng(1)
    lines = pd.DataFrame(
        {
            "household_id": rng.choice(["a", "b", "c", "d"], 60),
            "bldg_id": rng.choice(["0010", "0011", "x", None], 60),
            "unit": rng.choice(["1", "2", "7", None], 60),
            "count": rng.integers(0, 5, 60),
        }
    )
    one = count_households(read(lines))
    two = count_households(read(lines.sample(frac=1, random_state=2)))
    pd.testing.assert_frame_equal(one.register, two.register)
    assert one.register["household_id"].is_unique
    assert [f.message for f in one.findings] == [f.message for f in two.findings]


def test_a_hundred_thousand_lines_of_nonsense_are_one_error_or_listed(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    size = 100_000
    nonsense = pd.DataFrame(
        {
            "household_id": rng.integers(0, 50_000, size).astype(str),
            "bldg_id": rng.integers(0, 10**9, size).astype(str),
            "unit": rng.random(size).astype(str),
            "count": rng.integers(0, 9, size),
        }
    )
    with pytest.raises(InputError, match="no households can be placed"):
        count_households(read(nonsense[:2000]))
    nonsense.loc[5, "bldg_id"] = "0010"
    assert sum(placed(nonsense).values()) == nonsense.loc[5, "count"]
    (tmp_path / "r.csv").write_bytes(rng.integers(0, 256, size, dtype=np.uint8).tobytes())
    with pytest.raises(GridcellError):
        read(tmp_path / "r.csv")


def test_numbers_in_sheets_are_ids_as_people_see_them(tmp_path: Path) -> None:
    def zeros(sheet: Any) -> None:
        for row in (2, 3):
            sheet.cell(row, 2).number_format = "0000"

    rows = [TITLES, [1, 10, 1, 2], [2.0, 12, 1.0, 3.0], [True, "0011", None, None]]
    assert placed(book(tmp_path / "r.xlsx", rows, zeros)) == {"0010": 2, "0011": 1, "0012": 3}
    with pytest.raises(InputError, match="'10' for '0010'"):
        count_households(read(book(tmp_path / "n.xlsx", rows[:3])))


def test_empty_rows_and_sheets_do_not_count(tmp_path: Path) -> None:
    rows = [[None] * 4, TITLES, ["a", "0010", 1, 2], [None] * 4, ["b", "0011", None, 3], []]
    file = book(tmp_path / "r.xlsx", rows, lambda sheet: sheet.parent.create_sheet("Sheet2"))
    assert placed(file) == {"0010": 2, "0011": 3, "0012": 0}


def test_dates_and_booleans_are_texts(tmp_path: Path) -> None:
    layers = read(book(tmp_path / "r.xlsx", [TITLES[:2], [dt.date(2020, 1, 2), "0010"]]))
    assert layers.households is not None
    assert layers.households["household_id"].tolist() == ["2020-01-02T00:00:00"]


def _error(sheet: Any) -> None:
    sheet["D3"].value, sheet["D3"].data_type = "#REF!", "e"


LINES: list[list[Any]] = [TITLES, ["a", "0010", 1, 2], ["b", "0011", 1, 3]]


@pytest.mark.parametrize(
    ("rows", "change", "said"),
    [
        (LINES, lambda sheet: sheet.merge_cells("B2:B3"), "#Sheet: merged cells B2:B3; unmerge"),
        (LINES, _error, "row 2: count is '#REF!'"),
        ([TITLES, ["a", "0010", 1, "=1+1"]], None, r"count is '=1\+1 \(a formula without"),
        ([], None, "the workbook is empty"),
        ([TITLES], None, "holds no rows"),
        (LINES, lambda sheet: sheet.parent.create_sheet("b").append(["x"]), "r.xlsx#SHEET"),
    ],
)
def test_sheets_of_which_nobody_can_be_sure_are_refused(
    tmp_path: Path, rows: list[list[Any]], change: Callable[[Any], None] | None, said: str
) -> None:
    file = book(tmp_path / "r.xlsx", rows, change or (lambda _sheet: None))
    with pytest.raises(InputError, match=said):
        read(file)


def test_merged_titles_above_the_table_and_valued_formulas_are_no_trouble(tmp_path: Path) -> None:
    file = book(tmp_path / "r.xlsx", LINES, lambda sheet: sheet.merge_cells("E1:F1"))
    assert placed(file) == {"0010": 2, "0011": 3, "0012": 0}


@pytest.mark.skipif(not SHARED.exists(), reason="no shared data")
def test_dwellings_of_a_real_commune_are_counted_to_the_unit() -> None:
    file = SHARED / "olemps_bdtopo_v3.gpkg"
    plain = gpd.read_file(file, layer="buildings")
    commune = gpd.read_file(file, layer="commune").rename(columns={"INSEE_COM": "code"})
    counted = count_households(read_layers(commune[["code", "geometry"]], f"{file}#buildings"))
    assert counted.households.sum() == plain["NB_LOGTS"].sum()
    assert [f.kind for f in counted.findings] == ["households_unknown"]
