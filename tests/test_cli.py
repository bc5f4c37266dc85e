import dataclasses
import errno
import io
import json
import os
import subprocess
import sys
import time
import types
from concurrent.futures import ThreadPoolExecutor

import click
import pandas as pd
import pytest
from plans import LARGE, tiny_plan

from gridcell.errors import InputError, PartitionError, ProofError, WorkerError, WriteError
from gridcell.facts import StaffProof
from gridcell.model import DivisionFigures, InputRecord, StaffFigures
from gridcell.rules import Band
from gridcell.words.messages import Message, say
from gridcell_cli import main as frame
from gridcell_cli import options, workers
from gridcell_cli.memory import lacks_memory
from gridcell_cli.progress import ProgressLine

FINDINGS = pd.DataFrame(
    {
        "kind": ["overlap", "overlap", "under_band"],
        "severity": ["warning", "warning", "note"],
        "message": ["sites A and B overlap", "sites B and C overlap", "a note"],
    }
)


PLAN = dataclasses.replace(
    tiny_plan(),
    findings=FINDINGS,
    households=pd.DataFrame({"code": [None], "count": [3]}),
    inputs=(
        InputRecord(
            role="communities", path="荷城社区.shp", layer=None, rows=2, encoding=None, crs=None,
            sha256="",
        ),
    ),
    staff=pd.DataFrame({"staff_id": ["a", "b"], "role": "worker", "distance_m": 1.0}),
    vacancies=pd.DataFrame({"role": ["worker"], "missing": [1204]}),
    staffing=StaffFigures(
        people=4, posts=1206, without_post=0, kept=0, roles={},
        proof=StaffProof(filled=2, most=2, distance_m=2.0, bound_m=2.0, gap=0.0),
    ),
    bands={(LARGE + code, "small"): Band(min=90, target=120, max=130) for code in ("001", "002")},
    division=DivisionFigures(
        bounds={(LARGE + code, "small"): 2 for code in ("001", "002")},
        seconds={"fabric": 1.0, "partition": 2.5},
    ),
)  # fmt: skip


def run(capsys, *arguments):
    """Run the command line here; return its exit code, stdout and stderr."""
    with pytest.raises(SystemExit) as exit_:
        frame.main(arguments)
    out, err = capsys.readouterr()
    return exit_.value.code, out, err


@pytest.fixture(autouse=True)
def _own_logging(monkeypatch):
    """Keep the frame's changes to logging and streams out of the other tests."""
    monkeypatch.setattr(frame, "_be_quiet", lambda: None)


@pytest.fixture
def raising(monkeypatch):
    """Let the frame have a command ``boom`` that raises what it is given."""

    def install(error):
        @click.command()
        @options.common
        def command(**_):
            raise error

        monkeypatch.setattr(frame, "COMMANDS", ("boom",))
        monkeypatch.setitem(
            sys.modules, "gridcell_cli.boom", types.SimpleNamespace(command=command)
        )

    return install


LAYERS = types.SimpleNamespace(findings=(), atoms=None, buildings=None)


@pytest.fixture
def steps(monkeypatch):
    """Put recording stand-ins in the place of reading, dividing and writing."""
    calls = {}

    def record(name, result=None):
        def step(*args, **kwargs):
            calls[name] = (args, kwargs)
            return result

        return step

    plan = dataclasses.replace(PLAN, findings=FINDINGS.copy())
    for module, names in {
        "read": {"read_layers": record("read_layers", LAYERS)},
        "pipeline": {"make_plan": record("make_plan", plan)},
        "folder": {"require_free": record("require_free"), "write_plan": record("write_plan")},
    }.items():
        monkeypatch.setitem(sys.modules, f"gridcell.{module}", types.SimpleNamespace(**names))
    monkeypatch.setattr("gridcell_cli.partition.broken_in", lambda _: {})
    for name in ("GRIDCELL_SEED", "GRIDCELL_SMALL", "GRIDCELL_MICRO"):
        monkeypatch.delenv(name, raising=False)
    return types.SimpleNamespace(calls=calls, plan=plan)


# The frame


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError("buildings (a.gpkg): no rows"), 3),
        (WriteError("out: exists; use --overwrite"), 3),
        (ProofError("gaps"), 4),
        (PartitionError("too few atoms"), 5),
    ],
)
def test_an_error_of_ours_is_one_message_and_its_exit_code(raising, capsys, error, code):
    raising(error)
    assert run(capsys, "boom") == (code, "", f"Error: {error}\n")


def test_a_bug_asks_for_a_report_without_a_traceback(raising, capsys):
    raising(KeyError("x"))
    code, out, err = run(capsys, "boom")
    assert (code, out) == (1, "")
    assert "KeyError: 'x'" in err
    assert "run again with -v" in err
    assert "Traceback" not in err


def test_verbose_shows_the_traceback_of_a_bug(raising, capsys):
    raising(KeyError("x"))
    code, _, err = run(capsys, "boom", "-v")
    assert code == 1
    assert err.startswith("Traceback")


def test_an_interrupt_is_130(raising, capsys):
    raising(KeyboardInterrupt())
    code, _, err = run(capsys, "boom")
    assert code == 130
    assert "Traceback" not in err


def test_a_closed_pipe_is_quiet(raising, capsys, monkeypatch):
    raising(OSError(errno.EPIPE, "Broken pipe"))
    monkeypatch.setattr(sys, "stdout", sys.stdout)
    monkeypatch.setattr(sys, "stderr", sys.stderr)
    _, out, err = run(capsys, "boom")
    assert out + err == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ("nothing",),
        ("partition",),
        ("partition", "a.gpkg", "--nothing"),
        ("partition", "a.gpkg", "-o", "x", "--seed", "-1"),
        ("partition", "a.gpkg", "-o", "x", "--lang", "fr"),
        ("code",),
    ],
)
def test_wrong_usage_is_2(capsys, arguments):
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("Usage: gridcell")


def test_streams_speak_utf8_whatever_the_code_page(monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="cp1252"))
    frame._speak_utf8()
    sys.stdout.write("网格\udc80")
    sys.stdout.flush()
    assert raw.getvalue() == "网格?".encode()


def test_warnings_of_libraries_stay_off_stderr_and_are_told_with_v():
    script = """
import sys, types, warnings, click, logging
from gridcell_cli import main, options
@click.command()
@options.common
def command(**_):
    warnings.warn("careful", UserWarning, stacklevel=1)
    logging.getLogger("pyogrio").warning("skipped")
    click.echo("done")
main.COMMANDS = ("boom",)
sys.modules["gridcell_cli.boom"] = types.SimpleNamespace(command=command)
main.main(["boom", *sys.argv[1:]])
"""
    quiet, verbose = (
        subprocess.run(
            [sys.executable, "-c", script, *more], capture_output=True, text=True, check=True
        )
        for more in ([], ["-v"])
    )
    assert (quiet.stdout, quiet.stderr) == ("done\n", "")
    assert "careful" in verbose.stderr
    assert "pyogrio: skipped" in verbose.stderr


# gridcell code


def test_code_prints_the_parts(capsys):
    code, out, err = run(capsys, "code", "450802001-013-012-003-9")
    assert (code, err) == (0, "")
    assert "micro  450802001013012003" in out
    assert "check  right" in out


def test_code_tells_a_wrong_check_character_by_4(capsys):
    code, _, err = run(capsys, "code", "4508020010130120037")
    assert code == 4
    assert "expected '9'" in err


def test_code_tells_what_is_no_code_by_3_and_goes_on(capsys):
    code, out, err = run(capsys, "code", "--json", "x", "450802001013801")
    assert code == 3
    assert "expected 9, 12, 15, 18 digits" in err
    bad, good = json.loads(out)
    assert "error" in bad
    assert (good["grid_type"], good["level"], good["check_ok"]) == ("dedicated", 3, None)


def test_code_follows_the_widths_of_the_rules(capsys, tmp_path):
    rules = tmp_path / "rules.toml"
    rules.write_text("[codes]\nsmall_digits = 4\n", "utf-8")
    code, out, _ = run(capsys, "code", "--rules", str(rules), "4508020010130012")
    assert code == 0
    assert "small  4508020010130012" in out


# gridcell partition


SUMMARY = {
    "en": (
        "overlap: sites A and B overlap (and 1 more)\n",
        "4 of at most 4 (80.0%)           22.5%    34.2%", "10 (83.3%)", "475 assigned, 3 not",
        "staff       2 posts held, 1,204 vacant",
        "findings    2 overlap, 1 under the band", "all hold",
        "of these 3.5 for dividing",
    ),
    "zh": (
        "重叠：sites A and B overlap（另有1项）\n", "4，至多 4（80.0%）     22.5%     34.2%",
        "10（83.3%）", "已划入475户，未划入3户", "人员        在岗2个，空缺1,204个",
        "检查结果    重叠 2、户数低于范围 1", "全部通过", "其中划分 3.5 秒",
    ),
}  # fmt: skip


@pytest.mark.parametrize("lang", SUMMARY)
def test_partition_reads_divides_writes_and_sums_up(capsys, steps, tmp_path, lang):
    out_dir = tmp_path / "out"
    code, out, err = run(
        capsys, "partition", "c.gpkg#areas", "b.shp", "-o", str(out_dir),
        "--households", "h.csv", "--sites", "s.shp", "--barriers", "r.shp", "--barriers", "w.shp",
        "--staff", "p.xlsx", "--small", "200:250:300", "--micro", "none", "--crs", "EPSG:4547",
        "--encoding", "GB18030", "--datum", "gcj02", "--heal-width", "2.5", "--seed", "7",
            "--prefer", "streets",
        "--workers", "3", "--overwrite", "--lang", lang,
    )  # fmt: skip
    warning, *told = SUMMARY[lang]
    assert (code, err) == (0, warning)
    args, options = steps.calls["read_layers"]
    assert args == ("c.gpkg#areas", "b.shp")
    assert options["barriers"] == ["r.shp", "w.shp"]
    assert (options["households"], options["sites"], options["staff"]) == (
        "h.csv", "s.shp", "p.xlsx",
    )  # fmt: skip
    assert (options["crs"], options["encoding"], options["datum"]) == (
        "EPSG:4547", "GB18030", "gcj02",
    )  # fmt: skip
    args, options = steps.calls["make_plan"]
    assert args == (LAYERS,)
    assert isinstance(options["executor"], ThreadPoolExecutor)
    rules = options["rules"]
    assert (rules.small.target, rules.micro, rules.seed) == (250, None, 7)
    assert rules.boundaries.heal_width == 2.5
    assert (rules.prefer, rules.weights.barrier) == ("streets", 0.25)
    assert steps.calls["require_free"] == ((out_dir,), {"overwrite": True})
    args, options = steps.calls["write_plan"]
    assert args == (steps.plan, out_dir)
    assert (options["overwrite"], options["lang"]) == (True, lang)
    assert [text for text in told if text not in out] == []


@pytest.mark.usefixtures("steps")
def test_partition_prints_the_report_as_json(capsys, tmp_path):
    code, out, _ = run(capsys, "partition", "c.gpkg", "-o", str(tmp_path / "out"), "--json")
    assert code == 0
    assert json.loads(out) == PLAN.report
    assert "荷城社区" in out


def test_partition_is_silent_when_told(capsys, steps, tmp_path):
    assert run(capsys, "partition", "c.gpkg", "-o", str(tmp_path / "out"), "-q") == (0, "", "")
    assert "write_plan" in steps.calls


def test_a_plan_that_breaks_a_promise_is_written_and_ends_with_4(capsys, steps, tmp_path):
    steps.plan.findings.loc[0, "severity"] = "error"
    code, out, err = run(capsys, "partition", "c.gpkg", "-o", str(tmp_path / "out"))
    assert code == 4
    assert "write_plan" in steps.calls
    assert "NOT ALL HOLD" in out
    assert "the plan breaks a promise" in err


def test_a_flag_comes_before_the_environment_and_that_before_the_rules_file(
    capsys, steps, tmp_path, monkeypatch
):
    rules = tmp_path / "rules.toml"
    rules.write_text("seed = 1\n", "utf-8")
    common = ("partition", "c.gpkg", "-q", "-o", str(tmp_path / "out"), "--rules", str(rules))

    def seed(*more):
        assert run(capsys, *common, *more)[0] == 0
        return steps.calls["make_plan"][1]["rules"].seed

    assert seed() == 1
    monkeypatch.setenv("GRIDCELL_SEED", "2")
    assert seed() == 2
    assert seed("--seed", "3") == 3


def test_rules_that_contradict_each_other_are_bad_input(capsys, steps, tmp_path):
    code, _, err = run(
        capsys, "partition", "c.gpkg", "-o", str(tmp_path / "out"), "--small", "500:400:300"
    )
    assert code == 3
    assert err.startswith("Error: rules: small: band '500:400:300'")
    assert "read_layers" not in steps.calls


def test_a_town_is_sampled_inspected_divided_checked_and_drawn(capsys, tmp_path):
    town, plan = tmp_path / "town", tmp_path / "plan"
    size = ("--households", "800", "--communities", "2", "--seed", "1")
    assert run(capsys, "sample", str(town), *size, "-q") == (0, "", "")
    assert run(capsys, "inspect", str(town / "buildings.shp"))[0] == 0
    code, out, err = run(
        capsys, "partition", str(town / "communities.shp"), str(town / "buildings.shp"),
        "-o", str(plan), "--households", str(town / "households.csv"),
        "--sites", str(town / "sites.shp"), "--barriers", str(town / "roads.shp"),
        "--staff", str(town / "staff.csv"), "--small", "60:80:100", "--micro", "10:20:30", "--json",
    )  # fmt: skip
    assert (code, err) == (0, "")
    report = json.loads(out)
    assert report["ok"] is True
    assert report["households"]["assigned"] == 800
    assert report == json.loads((plan / "report.json").read_text("utf-8"))
    assert run(capsys, "check", str(plan))[0] == 0
    page = tmp_path / "again.html"
    assert run(capsys, "map", str(plan), "-o", str(page), "-q") == (0, "", "")
    assert page.stat().st_size > 10_000


# Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_shows_stages_that_take_longer_than_two_seconds(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setattr("gridcell_cli.progress.PATIENCE_S", 0.05)
    monkeypatch.setattr("gridcell_cli.progress._PAUSE_S", 0.01)
    with ProgressLine() as progress:
        progress("reading", 0, 0)
        progress("dividing", 5, 10)
        shown_by = time.monotonic() + 10
        while "dividing  50 %" not in screen.getvalue() and time.monotonic() < shown_by:
            time.sleep(0.01)
    text = screen.getvalue()
    assert "reading" not in text
    assert "dividing  50 %" in text
    assert text.endswith("\r")


@pytest.mark.parametrize(
    ("lang", "line"),
    [
        ("en", "partition  25 %  10 of 40 communities, 1 failed, 20.0 a minute, 1:30 left  30 s"),
        ("zh", "划分  25 %  社区10/40，失败1个，每分钟20.0个，剩余1:30  30 秒"),
    ],
)
def test_communities_are_told_with_rate_time_left_and_failures(monkeypatch, lang, line):
    monkeypatch.setattr("gridcell_cli.progress.language", lambda: lang)
    now = [100.0]
    monkeypatch.setattr("gridcell_cli.progress.time.monotonic", lambda: now[0])
    progress = ProgressLine()
    progress("fabric", 0, 40)
    progress("failed", 8, 40)
    progress("fabric", 8, 40)
    # Those that failed together are tried one by one; one of them fails again.
    progress("fabric", 0, 8)
    progress("failed", 1, 8)
    progress("partition", 0, 40)
    progress("partition", 10, 40)
    assert say(progress._told(30.0), lang) == line


def test_progress_says_nothing_to_a_file(monkeypatch):
    screen = io.StringIO()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setattr("gridcell_cli.progress.PATIENCE_S", 0.0)
    monkeypatch.setattr("gridcell_cli.progress._PAUSE_S", 0.01)
    with ProgressLine() as progress:
        progress("dividing", 5, 10)
        time.sleep(0.05)
    assert screen.getvalue() == ""


def test_light_commands_load_no_tables_and_no_geometry():
    script = """
import sys
from gridcell_cli import main
try:
    main.main(["code", "450802001-013-012-003-9"])
except SystemExit as end:
    print(end.code, sorted({"pandas", "geopandas", "numba", "scipy"} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "0 []"


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_no_memory_is_told_where_there_is_none_for_the_catalogue(lang, monkeypatch, capfd):
    def fail(*_, **__):
        raise MemoryError

    monkeypatch.setattr(frame, "said_in", fail)
    assert frame._explain(MemoryError(), frame.Session(lang=lang)) == 1
    told = say(Message("cli.no_memory"), lang)
    assert capfd.readouterr().err == f"{told}\n"


@pytest.mark.parametrize("words", ["libgdal.so: failed to map segment", "PROJ: out of memory"])
def test_what_libraries_say_without_memory_is_known(words):
    assert lacks_memory(ImportError(words))
    assert not lacks_memory(ImportError("Could not find/load shared object file 'libllvmlite.so'"))


def test_a_pool_that_lost_a_worker_is_told_as_that(monkeypatch):
    monkeypatch.setattr(workers, "_MANY_BUILDINGS", 0)
    land = types.SimpleNamespace(atoms=None, buildings=[1, 2], communities=[1, 2])
    with pytest.raises(WorkerError), workers.pool_of(2, land) as pool:
        pool.submit(os.abort).result()
