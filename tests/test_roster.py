import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import click.testing
import openpyxl
import pandas as pd
import pytest
from plans import tiny_plan

from gridcell.errors import InputError, WriteError
from gridcell.folder import write_plan
from gridcell.model import Plan
from gridcell.render.map import write_map
from gridcell.staff.workbook import make_roster, write_roster
from gridcell_cli.roster import command

COMMUNITY = "450802001001"
SHEETS = ["Posts", "People", "Cells", "Vacancies", "Communities"]
NASTY = '=cmd|" /C calc"!A0'


def staffed(**changes: pd.DataFrame) -> Plan:
    """Return the tiny plan with four holders of six posts and three vacancies."""
    staff = pd.DataFrame(
        [
            ("007", "community_chief", COMMUNITY, 12.34),
            ("S1", "small_chief", f"{COMMUNITY}001", 80.0),
            ("S1", "micro_chief", f"{COMMUNITY}001001", 20.0),
            ("S1", "micro_chief", f"{COMMUNITY}002001", 50.0),
            ("S2", "micro_chief", f"{COMMUNITY}001002", None),
            ("S3", "porter", "450802001002801", 5.0),
        ],
        columns=["staff_id", "role", "code", "distance_m"],
    )
    vacancies = pd.DataFrame(
        [("worker", COMMUNITY, 2), ("micro_chief", f"{COMMUNITY}002002", 1)],
        columns=["role", "code", "missing"],
    )
    text = {"staff_id": "str", "role": "str", "code": "str"}
    tables = {
        "staff": staff.astype({**text, "distance_m": "float64"}),
        "vacancies": vacancies.astype({"role": "str", "code": "str"}),
    }
    return replace(tiny_plan(), **{**tables, **changes})


def people(*rows: tuple[str, str | None, str | None]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=["staff_id", "name", "phone"])


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> openpyxl.Workbook:
    file = tmp_path_factory.mktemp("roster") / "r.xlsx"
    contacts = people(("007", NASTY, "+86 138"), ("S1", "\t@x", "0138"), ("S9", "nobody", "1"))
    write_roster(staffed(), file, contacts=contacts)
    return openpyxl.load_workbook(file)


def column(book: openpyxl.Workbook, sheet: str, title: str) -> list[openpyxl.cell.Cell]:
    """Return the cells below a title."""
    rows = list(book[sheet].iter_rows())
    place = [cell.value for cell in rows[0]].index(title)
    return [row[place] for row in rows[1:]]


def test_every_post_is_listed_with_its_holder_or_as_vacant() -> None:
    posts = make_roster(staffed())["posts"]
    assert len(posts) == 9
    assert (posts["state"] == "vacant").sum() == 3
    assert posts["staff_id"].isna().tolist() == (posts["state"] == "vacant").tolist()
    first = posts[posts["code"] == COMMUNITY]
    assert first["role"].tolist() == ["community_chief", "worker", "worker"]


def test_the_load_of_a_person_counts_the_households_of_nested_cells_once() -> None:
    load = make_roster(staffed())["people"].set_index("staff_id")
    # The small cell of 40 + 39 holds one of the micro cells; the other, of 39, is elsewhere.
    assert load.loc["S1", ["n_posts", "n_cells", "households"]].tolist() == [3, 3, 79 + 39]
    assert load.loc["S1", "roles"] == "small_chief;micro_chief"
    assert load.loc["S1", "distance_m"] == 50.0
    assert load.loc["007", "households"] == 270


def test_every_cell_is_listed_with_its_load_and_holders() -> None:
    plan = staffed()
    cells = make_roster(plan)["cells"].set_index("code")
    assert len(cells) == sum(map(len, (plan.large, plan.medium, plan.small, plan.micro)))
    assert cells["n_held"].sum() == len(plan.staff)
    assert cells["n_vacant"].sum() == plan.vacancies["missing"].sum()
    assert cells.loc[f"{COMMUNITY}001001", "holders"] == "S1"
    assert cells.loc[COMMUNITY, ["households", "n_held", "n_vacant"]].tolist() == [270, 1, 2]


def test_the_summary_by_community_adds_up() -> None:
    plan = staffed()
    table = make_roster(plan)["communities"].set_index("community")
    assert table.loc[COMMUNITY].tolist()[1:] == [270, 7, 3, 0, 7, 3, 5, 3]
    assert table["n_small_dedicated"].tolist() == [0, 1]
    assert table["households"].sum() == plan.large["households"].sum()
    assert table["n_held"].sum() == len(plan.staff)


def test_reasons_of_vacancies_are_told_where_the_plan_has_them() -> None:
    plan = staffed()
    vacancies = plan.vacancies.assign(reason=["nobody eligible", "capacity"])
    assert make_roster(replace(plan, vacancies=vacancies))["vacancies"]["reason"].tolist() == [
        "nobody eligible", "capacity",
    ]  # fmt: skip


def test_codes_and_ids_are_text_cells_and_figures_are_numbers(book: openpyxl.Workbook) -> None:
    assert book.sheetnames == SHEETS
    for sheet in ("Posts", "Cells", "Vacancies"):
        codes = column(book, sheet, "Code")
        assert codes
        assert {(cell.data_type, cell.number_format) for cell in codes} == {("s", "@")}
    ids = [cell.value for cell in column(book, "Posts", "Staff ID")]
    assert "007" in ids
    assert {cell.data_type for cell in column(book, "Cells", "Households")} == {"n"}


def test_sheets_keep_their_header_in_sight_have_filters_and_fitting_columns(
    book: openpyxl.Workbook,
) -> None:
    for sheet in book.worksheets:
        assert sheet.freeze_panes == "A2"
        assert sheet.auto_filter.ref == sheet.dimensions
        widths = [sheet.column_dimensions[cell.column_letter].width for cell in sheet[1]]
        assert all(
            width > len(str(cell.value)) for width, cell in zip(widths, sheet[1], strict=True)
        )


def test_no_cell_runs_as_a_formula(book: openpyxl.Workbook, tmp_path: Path) -> None:
    kinds = {c.data_type for s in book.worksheets for row in s.iter_rows() for c in row}
    assert "f" not in kinds
    assert NASTY in [cell.value for cell in column(book, "People", "Name")]
    contacts = people(("007", NASTY, "+86 138"), ("S1", "\t@x", "-1 2"), ("S2", "@x", "\r1"))
    for file in write_roster(staffed(), tmp_path / "r.csv", contacts=contacts):
        table = pd.read_csv(file, dtype=str, keep_default_na=False)
        flat = [str(value) for name in table for value in table[name]]
        assert not [value for value in flat if value[:1] in tuple("=+-@\t\r")]


def test_names_and_phones_are_in_no_file_without_being_asked_for(tmp_path: Path) -> None:
    contacts = people(("007", "Wilhelmina", "0771-555"), ("S1", None, "0138"))
    plan = staffed()
    named = tmp_path / "named.csv"
    files = write_roster(plan, named, contacts=contacts)
    posts = pd.read_csv(named, dtype=str).set_index("Staff ID")
    assert posts.loc["007", ["Name", "Phone"]].tolist() == ["Wilhelmina", "0771-555"]
    assert set(posts.loc["S1", "Phone"]) == {"0138"}
    assert len(files) == 5
    others = write_roster(plan, tmp_path / "plain.csv")
    write_plan(plan, tmp_path / "plan")
    write_map(plan, tmp_path / "map.html")
    others += [tmp_path / "map.html", *(p for p in (tmp_path / "plan").rglob("*") if p.is_file())]
    for file in others:
        assert b"Wilhelmina" not in file.read_bytes()
        assert b"Phone" not in file.read_bytes()


def test_titles_and_roles_are_in_the_language_asked_for(tmp_path: Path) -> None:
    plan = staffed()
    plan = replace(plan, vacancies=plan.vacancies.assign(reason=["nobody eligible", "strike"]))
    write_roster(plan, tmp_path / "r.xlsx", lang="zh")
    book = openpyxl.load_workbook(tmp_path / "r.xlsx")
    assert book.sheetnames == ["岗位", "人员", "网格", "空缺岗位", "社区汇总"]
    roles = {cell.value for cell in column(book, "岗位", "岗位类别")}
    assert {"微网格长", "专职网格员", "porter"} <= roles
    assert {cell.value for cell in column(book, "空缺岗位", "原因")} == {"无合适人选", "strike"}
    with pytest.raises(InputError, match="language 'fr'"):
        write_roster(staffed(), tmp_path / "fr.xlsx", lang="fr")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_no_two_columns_of_a_sheet_have_one_title(tmp_path: Path, lang: str) -> None:
    write_roster(staffed(), tmp_path / "r.xlsx", lang=lang, contacts=people(("S1", "a", "1")))
    for sheet in openpyxl.load_workbook(tmp_path / "r.xlsx").worksheets:
        titles = [cell.value for cell in sheet[1]]
        assert len(set(titles)) == len(titles)
        assert not [title for title in titles if "_" in title]


def test_the_same_plan_gives_the_same_bytes_whatever_the_order_of_its_rows(tmp_path: Path) -> None:
    plan = staffed()
    turned = replace(plan, staff=plan.staff[::-1], vacancies=plan.vacancies[::-1])
    for suffix in (".xlsx", ".csv"):
        one = write_roster(plan, tmp_path / f"one{suffix}")
        two = write_roster(turned, tmp_path / f"two{suffix}")
        assert [f.read_bytes() for f in one] == [f.read_bytes() for f in two]


def test_contacts_come_from_files_with_chinese_titles_and_numbers(tmp_path: Path) -> None:
    file = tmp_path / "c.xlsx"
    pd.DataFrame({"工号": ["S1"], "姓名": ["张三"], "手机": [13800000000]}).to_excel(
        file, index=False
    )
    posts = make_roster(staffed(), contacts=file)["posts"]
    assert set(posts.loc[posts["staff_id"] == "S1", "name"]) == {"张三"}
    assert set(posts.loc[posts["staff_id"] == "S1", "phone"]) == {"13800000000"}


@pytest.mark.parametrize(
    ("contacts", "said"),
    [
        (people(("S1", "a", "1"), ("S1", "b", "1")), "'S1'"),
        (pd.DataFrame({"staff_id": ["S1"]}), "name or phone"),
        (pd.DataFrame({"name": ["S1"], "phone": ["1"]}), "columns are name, phone"),
        ("nowhere.csv", "nowhere.csv"),
    ],
)
def test_contacts_that_cannot_be_used_are_refused(
    contacts: pd.DataFrame | str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=said):
        write_roster(staffed(), tmp_path / "r.xlsx", contacts=contacts)
    assert not list(tmp_path.iterdir())


def test_a_plan_without_staff_has_no_roster(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no staff"):
        write_roster(tiny_plan(), tmp_path / "r.xlsx")


def test_nobody_on_the_roster_leaves_vacancies_only(tmp_path: Path) -> None:
    plan = staffed()
    (file,) = write_roster(replace(plan, staff=plan.staff[:0]), tmp_path / "r.xlsx")
    book = openpyxl.load_workbook(file)
    assert book["Posts"].max_row == 4
    assert book["People"].max_row == 1
    (file,) = write_roster(replace(plan, vacancies=plan.vacancies[:0]), tmp_path / "s.xlsx")
    assert openpyxl.load_workbook(file)["Vacancies"].max_row == 1


def test_a_holder_of_a_cell_that_is_not_there_is_an_error() -> None:
    plan = staffed()
    strange = plan.staff.assign(code="999")
    with pytest.raises(InputError, match="'999'"):
        make_roster(replace(plan, staff=strange))


def test_files_in_the_way_and_other_formats_are_refused_before_anything_is_written(
    tmp_path: Path,
) -> None:
    (tmp_path / "r-people.csv").write_text("mine", encoding="utf-8")
    with pytest.raises(WriteError, match="r-people"):
        write_roster(staffed(), tmp_path / "r.csv")
    with pytest.raises(WriteError, match=r"\.xlsx or \.csv"):
        write_roster(staffed(), tmp_path / "r.ods")
    assert [p.name for p in tmp_path.iterdir()] == ["r-people.csv"]
    assert len(write_roster(staffed(), tmp_path / "r.csv", overwrite=True)) == 5


def test_the_command_writes_the_roster_of_a_plan(tmp_path: Path) -> None:
    write_plan(staffed(), tmp_path / "plan")
    people(("S1", "a", "1")).to_csv(tmp_path / "c.csv", index=False)
    arguments = [str(tmp_path / "plan"), "-o", str(tmp_path / "r.xlsx"), "--contacts"]
    result = click.testing.CliRunner().invoke(
        command, [*arguments, str(tmp_path / "c.csv"), "--json"], catch_exceptions=False
    )
    report = json.loads(result.stdout)
    assert (report["posts_held"], report["vacancies"]) == (6, 3)
    book = openpyxl.load_workbook(tmp_path / "r.xlsx")
    assert "a" in [cell.value for cell in column(book, "Posts", "Name")]


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_libreoffice_reads_the_codes_as_text(tmp_path: Path) -> None:
    write_roster(staffed(), tmp_path / "r.xlsx", contacts=people(("S1", "=1+1", "0138")))
    subprocess.run(
        ["soffice", "--headless", "--convert-to", "csv", "--outdir", tmp_path, tmp_path / "r.xlsx"],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    text = (tmp_path / "r.csv").read_text("utf-8")
    assert f"{COMMUNITY}001001" in text
    assert "=1+1" in text
