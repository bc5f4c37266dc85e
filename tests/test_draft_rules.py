"""`gridcell init`: a rules file that says what there is, and changes nothing."""

import os
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

import gridcell
from gridcell.read.draft import _meanings
from gridcell.rules import Rules
from gridcell_cli.init import command

SAMPLES = Path(__file__).parents[1] / "data" / "samples"
FILES = sorted((SAMPLES / "gbk_cgcs2000").glob("*.shp"))
MAPPING = {
    "communities": {"code": "编码", "name": "名称"},
    "buildings": {"bldg_id": "楼栋编号", "households": "户数", "floors": "层数", "units": "单元数"},
    "barriers": {"kind": "类型", "rank": "等级", "name": "名称"},
}


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch):
    for name in [name for name in os.environ if name.startswith("GRIDCELL_")]:
        monkeypatch.delenv(name)


def parsed(tmp_path, text):
    (tmp_path / "rules.toml").write_text(text, "utf-8")
    return gridcell.read_rules(tmp_path / "rules.toml")


def test_the_draft_is_the_mapping_of_what_was_found_and_the_defaults(tmp_path):
    assert parsed(tmp_path, gridcell.draft_rules(FILES)) == Rules(fields=MAPPING)


def test_every_setting_is_shown_at_its_default(tmp_path):
    text = gridcell.draft_rules(FILES)
    uncommented = re.sub(r"(?m)^#(?=\S)", "", text)
    assert parsed(tmp_path, uncommented) == Rules(fields=MAPPING)

    def named(model, prefix=""):
        for key, setting in model.model_fields.items():
            inner = setting.annotation
            is_section = hasattr(inner, "model_fields") and key not in {"small", "micro"}
            yield from named(inner, f"{prefix}{key}.") if is_section else [f"{prefix}{key}"]

    told = set()
    section = ""
    for line in text.splitlines():
        if head := re.match(r"\[([a-z_.]+)\]", line):
            section = head[1] + "."
        elif key := re.match(r"#([a-z_0-9]+) = ", line):
            told.add(section + key[1])
    wanted = set(named(Rules)) - {"fields", "classes", "staffing"}
    assert wanted <= told
    assert all(f"#   {key}: " in text for key in gridcell.rules.Role.model_fields)
    assert "\n#[[staffing]]\n" in text


def test_every_setting_has_a_meaning():
    def models(model):
        yield model
        for setting in model.model_fields.values():
            if hasattr(setting.annotation, "model_fields"):
                yield from models(setting.annotation)

    for model in [*models(Rules), gridcell.rules.Role]:
        if model is not gridcell.Band:
            assert set(model.model_fields) <= set(_meanings()[model.__name__]), model


def test_a_plan_is_the_same_with_the_draft_as_without(tmp_path):
    rules = parsed(tmp_path, gridcell.draft_rules(FILES))
    built, areas, roads = FILES
    plain = gridcell.read_layers(areas, built, barriers=roads)
    drafted = gridcell.read_layers(areas, built, barriers=roads, rules=rules)
    assert plain.buildings.equals(drafted.buildings)
    assert plain.communities.equals(drafted.communities)


def test_columns_that_were_not_read_are_told(tmp_path):
    table = tmp_path / "people.csv"
    table.write_text("户号,楼栋编号,门牌\n1,b1,3\n", "utf-8")
    text = gridcell.draft_rules([table])
    assert "# Columns not read: 门牌" in text
    assert "# Not found: unit, count," in text
    (tmp_path / "notes.csv").write_text("a,b\n1,2\n", "utf-8")
    assert (
        "could not be determined which input this is; its columns are a, b"
        in gridcell.draft_rules([tmp_path / "notes.csv"])
    )


def test_an_input_of_several_files_maps_what_they_share(tmp_path):
    for name, column in (("roads", "等级"), ("rivers", "级别")):
        gridcell.make_sample(households=900, seed=1, communities=1).roads.rename(
            columns={"rank": column}
        ).to_file(tmp_path / f"{name}.gpkg")
    files = [tmp_path / "rivers.gpkg", tmp_path / "roads.gpkg"]
    rules = parsed(tmp_path, gridcell.draft_rules(files))
    assert "kind" in rules.fields["barriers"]
    assert "rank" not in rules.fields["barriers"]


def test_the_command_writes_the_file_once(tmp_path):
    arguments = [*map(str, FILES), "-o", str(tmp_path / "r.toml")]
    done = CliRunner().invoke(command, arguments)
    assert done.exit_code == 0
    assert "code = 编码" in done.stderr
    assert parsed(tmp_path, (tmp_path / "r.toml").read_text("utf-8")).fields == MAPPING
    assert CliRunner().invoke(command, arguments).exit_code != 0
    named = ["--field", "communities.name=编码", "--overwrite"]
    assert CliRunner().invoke(command, [*arguments, *named]).exit_code == 0
