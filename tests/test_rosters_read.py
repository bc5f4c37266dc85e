"""Rosters: what we write we read, in every language; what tells who people are stays outside."""

import json
import sqlite3

import pandas as pd
import pytest

import gridcell
from gridcell.errors import InputError
from gridcell.formats.geopackage import read_plan
from gridcell.rules import SIX_CHIEFS_AND_TWO_MEMBERS
from gridcell.schema import ROLE_ALIASES
from gridcell.staff.roster import spoken_roles
from gridcell.words.catalogue import LANGUAGES, section
from gridcell_cli.partition import warnings_of

CARD = "11010519491231002X"
"""The number that the standard of identity cards has as its example."""


@pytest.fixture(scope="module")
def town():
    return gridcell.make_sample(households=900, seed=1, communities=1)


@pytest.fixture(scope="module")
def plan(town):
    layers = gridcell.read_layers(
        town.communities, town.buildings, households=town.households, staff=town.staff
    )
    return gridcell.make_plan(layers, rules=gridcell.Rules(search=20))


def posts(plan):
    return plan.staff[["staff_id", "role"]].sort_values(["staff_id", "role"], ignore_index=True)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", ["r.csv", "r-people.csv", "r.xlsx"])
def test_a_roster_that_we_wrote_fills_the_same_posts(plan, tmp_path, lang, name):
    written = tmp_path / ("r.xlsx" if name.endswith("xlsx") else "r.csv")
    gridcell.write_roster(plan, written, lang=lang)
    again = gridcell.renew_staff(plan, tmp_path / name)
    assert sorted(again.staff["role"]) == sorted(plan.staff["role"])
    assert set(again.staff["staff_id"]) == set(plan.staff["staff_id"])
    assert again.vacancies["missing"].sum() == plan.vacancies["missing"].sum()


def test_every_role_has_its_words_in_every_language():
    assert set(ROLE_ALIASES) == {role.name for role in SIX_CHIEFS_AND_TWO_MEMBERS}
    for lang in LANGUAGES:
        for words in (section("term", lang), section("role", lang)):
            known = {name: words[name].lower() for name in ROLE_ALIASES if name in words}
            assert {name: spoken_roles()[said] for name, said in known.items()} == {
                name: name for name in known
            }


def test_a_role_of_the_rules_keeps_its_name(plan):
    own = gridcell.Rules.build(
        {"staffing": [{"name": "微网格长", "level": "small", "grid_type": "general"}]}
    )
    people = pd.DataFrame({"staff_id": ["a"], "roles": ["微网格长"], "社区": ["450899001001"]})
    assert gridcell.renew_staff(plan, people, rules=own).staff["role"].tolist() == ["微网格长"]


def test_a_community_is_known_by_its_name(plan):
    name = plan.medium["name"].iloc[0]
    people = pd.DataFrame({"工号": ["a"], "职务": ["社区网格长"], "社区": [name]})
    assert gridcell.renew_staff(plan, people).staff["role"].tolist() == ["community_chief"]


def test_names_and_phones_are_in_no_file_and_that_is_said(plan, tmp_path):
    people = pd.DataFrame({
        "人员编号": ["a1"], "职务": ["小网格长"], "社区编码": ["450899001001"],
        "姓名": ["王伟伟"], "电话": ["13800138000"],
    })  # fmt: skip
    renewed = gridcell.renew_staff(plan, people)
    told = renewed.findings[renewed.findings["kind"] == "staff_personal"]
    assert "姓名, 电话" in told["message"].iloc[0]
    assert any("姓名, 电话" in line for line in warnings_of(renewed.findings))
    folder = tmp_path / "plan"
    gridcell.write_plan(renewed, folder)
    with sqlite3.connect(folder / "plan.gpkg") as base:
        dump = "\n".join(base.iterdump())
    texts = [dump, *(f.read_text("utf-8") for f in folder.rglob("*.*json"))]
    texts.append((folder / "map.html").read_text("utf-8"))
    assert not any("王伟伟" in text or "13800138000" in text for text in texts)
    gridcell.write_roster(read_plan(folder), tmp_path / "r.csv", contacts=people)
    assert "王伟伟" in (tmp_path / "r.csv").read_text("utf-8")


@pytest.mark.parametrize(("column", "value"), [
    ("身份证号", "1"), ("ID_Card", "x"), ("证件号码", "2"), ("备注", CARD), ("备注", CARD.lower()),
])  # fmt: skip
def test_numbers_of_identity_cards_are_refused(plan, column, value):
    people = pd.DataFrame({"staff_id": ["a"], "roles": ["police"], column: [value]})
    with pytest.raises(InputError, match=f"column '{column}' holds numbers of identity documents"):
        gridcell.renew_staff(plan, people)


def test_they_are_refused_in_place_of_ids_and_in_registers(plan, town):
    with pytest.raises(InputError, match="identity documents"):
        gridcell.renew_staff(plan, pd.DataFrame({"staff_id": [CARD], "roles": ["police"]}))
    register = pd.DataFrame({"household_id": [CARD], "bldg_id": ["b1"]})
    with pytest.raises(InputError, match="identity documents"):
        gridcell.read_layers(town.communities, town.buildings, households=register)


def test_codes_of_cells_are_no_identity_cards(plan):
    people = pd.DataFrame({
        "staff_id": ["a"], "roles": ["police"], "community": ["450899001001"],
        "cell": [plan.micro["code"].iloc[0]],
    })  # fmt: skip
    assert len(people["cell"].iloc[0]) == len(CARD)
    assert len(gridcell.renew_staff(plan, people).staff) == 1


def test_inspect_says_the_same(tmp_path):
    table = tmp_path / "people.csv"
    table.write_text("人员编号,职务,姓名\na,民警,王\n", "utf-8")
    (layer,) = gridcell.inspect_files([table])
    assert any("姓名" in remark for remark in layer.remarks)
    table.write_text("人员编号,职务,身份证号\na,民警,1\n", "utf-8")
    (layer,) = gridcell.inspect_files([table])
    assert any("identity documents" in remark for remark in json.loads(json.dumps(layer.remarks)))
