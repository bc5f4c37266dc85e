"""Operations on a plan, and the life of a code over several of them."""

import dataclasses
import json

import pandas as pd
import pytest
from plans import tiny_plan

import gridcell
from gridcell.model import empty_table
from gridcell.schema import LINEAGE_COLUMNS
from gridcell_cli import main as frame


def lineage(*rows):
    table = pd.DataFrame(
        [(old, new, event, 10, 100.0, number) for old, new, event, number in rows],
        columns=list(LINEAGE_COLUMNS),
    )
    return table.astype({"old": "str", "new": "str"})


def codes(*rows):
    table = pd.DataFrame(
        [(code, 4, "general", given, retired, None, False) for code, given, retired in rows],
        columns=["code", "level", "grid_type", "given", "retired", "became", "locked"],
    )
    table = table.reindex(columns=empty_table("codes").columns)
    return table.astype({"retired": "Int64"})


@pytest.fixture
def plan():
    """A plan whose cell A was cut in A and B, B merged with C to C, and C went into D and A."""
    return dataclasses.replace(
        tiny_plan(),
        codes=codes(("A", 1, pd.NA), ("B", 2, 3), ("C", 1, 4), ("D", 4, pd.NA), ("E", 1, pd.NA)),
        lineage=lineage(
            ("A", "A", "S", 2), ("A", "B", "S", 2),
            ("B", "C", "M", 3), ("C", "C", "M", 3),
            ("A", "A", "X", 4), ("C", "A", "X", 4), ("C", "D", "X", 4), ("E", "E", "U", 4),
        ),
    )  # fmt: skip


def steps(table):
    return list(zip(table["operation"], table["old"], table["new"], strict=True))


def test_what_led_to_a_code_is_followed_over_operations(plan):
    trace = gridcell.trace_code(plan, "D")
    assert trace.in_use
    assert trace.given == 4
    assert steps(trace.origins) == [
        (2, "A", "B"), (3, "B", "C"), (3, "C", "C"), (4, "C", "D")
    ]  # fmt: skip
    assert trace.heirs.empty


def test_what_became_of_a_code_is_followed_to_codes_of_today(plan):
    trace = gridcell.trace_code(plan, "B")
    assert (trace.in_use, trace.given, trace.retired) == (False, 2, 3)
    assert steps(trace.origins) == [(2, "A", "B")]
    assert steps(trace.heirs) == [(3, "B", "C"), (4, "C", "A"), (4, "C", "D")]


def test_a_code_that_only_stayed_has_no_chain(plan):
    trace = gridcell.trace_code(plan, "E")
    assert trace.in_use
    assert trace.origins.empty
    assert trace.heirs.empty


def test_a_plan_without_a_registry_knows_the_codes_in_use():
    plan = dataclasses.replace(tiny_plan(), codes=empty_table("codes"))
    code = plan.small["code"].iloc[0]
    assert gridcell.trace_code(plan, code).in_use
    with pytest.raises(gridcell.InputError, match="'0815' was never given"):
        gridcell.trace_code(plan, "0815")


@pytest.fixture
def run(capsys, monkeypatch, plan):
    monkeypatch.setattr(frame, "_be_quiet", lambda: None)
    monkeypatch.setattr("gridcell_cli.history.open_plan", lambda *_, **__: plan)

    def run(*arguments):
        with pytest.raises(SystemExit) as exit_:
            frame.main(["history", "plan", *arguments])
        out, err = capsys.readouterr()
        return exit_.value.code, out, err

    return run


def test_the_command_tells_a_code(run):
    code, out, _ = run("D")
    assert code == 0
    assert "D  given by operation 4, in use" in out
    assert "B -> C  merged, 10 households, 100 m2" in out
    code, out, _ = run("B", "--json")
    told = json.loads(out)
    assert told["retired"] == 3
    assert [row["new"] for row in told["heirs"]] == ["C", "A", "D"]
    code, _, err = run("0815")
    assert code == 3
    assert "never given" in err


def test_the_command_tells_the_operations(run, plan, monkeypatch):
    history = pd.DataFrame(
        {
            "number": [1, 2], "operation": ["partition", "update"],
            "command": ["partition", "update"], "inputs": ["[]", None],
            "changes": ['{"N": 5}', '{"S": 2, "U": 3}'], "time": [None, "2026-01-01T00:00:00"],
        }
    )  # fmt: skip
    told = dataclasses.replace(plan, history=history)
    monkeypatch.setattr("gridcell_cli.history.open_plan", lambda *_, **__: told)
    code, out, _ = run()
    assert code == 0
    assert out.splitlines() == [
        "   1  partition", "      5 new", "   2  update  2026-01-01T00:00:00",
        "      2 split, 3 unchanged",
    ]  # fmt: skip
    assert json.loads(run("--json")[1])[0]["changes"] == {"N": 5}
    none = dataclasses.replace(plan, history=empty_table("history"))
    monkeypatch.setattr("gridcell_cli.history.open_plan", lambda *_, **__: none)
    assert "no history" in run()[1]
