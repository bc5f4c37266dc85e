"""Whatever somebody sends to do harm: the right result or one message, and nothing half-written."""

import json
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner
from hostile import CASES, NASTY_NAMES, Hostile

import gridcell
from gridcell_cli.main import cli

SMALL = [case for case in CASES if not case.large]


@pytest.mark.parametrize("case", SMALL, ids=[case.name for case in SMALL])
def test_a_hostile_input_is_used_as_it_is_or_refused(case: Hostile, tmp_path: Path) -> None:
    given, out = tmp_path / "in", tmp_path / "out"
    given.mkdir()
    command = case.write(given)
    before = sorted(tmp_path.rglob("*"))
    done = CliRunner().invoke(cli, [*command, "-o", str(out)])
    code = getattr(done.exception, "exit_code", done.exit_code)
    assert code == case.code, done.output[-2000:] or repr(done.exception)
    if case.code:
        said = done.output + str(done.exception)
        assert case.says in said
        assert len(said) < 4000
        assert sorted(tmp_path.rglob("*")) == before
    else:
        report = json.loads((out / "report.json").read_text("utf-8"))
        assert report["ok"]
        assert report["households"]["assigned"] + report["households"]["unassigned"] > 0
        assert sorted(tmp_path.rglob("*")) == sorted([*before, out, *out.rglob("*")])


def test_nasty_names_are_text_wherever_they_are_written(tmp_path: Path) -> None:
    case = next(case for case in CASES if case.name.startswith("markup"))
    done = CliRunner().invoke(cli, [*case.write(tmp_path), "-o", str(tmp_path / "plan")])
    assert done.exit_code == 0, done.output
    page = (tmp_path / "plan" / "map.html").read_text("utf-8")
    assert "<script>alert(1)" not in page
    assert "\u202e" not in page
    plan = gridcell.read_plan(tmp_path / "plan")
    for name in ("csv", "xlsx"):
        gridcell.export_plan(plan, tmp_path / name, format=name)
    cells = [
        cell.value
        for path in (tmp_path / "xlsx").glob("*.xlsx")
        for sheet in openpyxl.load_workbook(path)
        for row in sheet.iter_rows()
        for cell in row
        if cell.data_type == "f"
    ]
    assert cells == []
    text = "".join(p.read_text("utf-8-sig") for p in (tmp_path / "csv").glob("*.csv"))
    assert not any(f"{mark}{NASTY_NAMES[1]}" in text for mark in ("\n", ",", ',"'))
