"""Help and messages in any terminal: narrow, without colours, of any code page; completion."""

import os
import subprocess
import sys

import pytest

from gridcell.words.columns import width
from gridcell_cli.main import COMMANDS
from gridcell_cli.main import main as gridcell


def help_of(*words, lang):
    with pytest.raises(SystemExit):
        gridcell([*words, "--help", "--lang", lang])


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("columns", [60, 40])
def test_help_fits_a_narrow_terminal(columns, lang, monkeypatch, capsys):
    size = os.terminal_size((columns, 24))
    monkeypatch.setattr("shutil.get_terminal_size", lambda *_, **__: size)
    # The operations of edits are a table, which is wider.
    for name in ((), *((each,) for each in COMMANDS if each != "edit")):
        help_of(*name, lang=lang)
    lines = capsys.readouterr().out.splitlines()
    wide = [line.strip() for line in lines if width(line) > columns]
    # A word cannot be broken, and neither can an option and its values.
    assert [line for line in wide if " " in line and not line.startswith(("-", "用法"))] == []
    assert not [line for line in lines if "…" in line]


def command(*words, **variables):
    return subprocess.run(
        [sys.executable, "-m", "gridcell_cli", *words], capture_output=True,
        env={**os.environ, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", **variables},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("page", "lang"), [("cp936", "en"), ("cp1252", "zh"), ("ascii", "zh"), ("utf-16", "en")]
)
def test_no_code_page_stops_a_command(page, lang):
    for words, code in (("--help",), 0), (("没有",), 2):
        done = command(*words, PYTHONIOENCODING=page, LC_ALL="C", GRIDCELL_LANG=lang)
        assert done.returncode == code
        told = (done.stdout + done.stderr).decode("utf-8")
        assert ("用法" if lang == "zh" else "Usage") in told
        assert "Traceback" not in told


def test_nothing_is_coloured(capsys, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    help_of("partition", lang="en")
    with pytest.raises(SystemExit):
        gridcell(["inspect", "nowhere.shp"])
    told = capsys.readouterr()
    assert "\x1b" not in told.out + told.err


def completed(line, number):
    done = command(
        _GRIDCELL_COMPLETE="bash_complete", COMP_WORDS=line, COMP_CWORD=str(number)
    )  # fmt: skip
    return [each.partition(",")[2] for each in done.stdout.decode("utf-8").split()]


def test_the_shell_completes_commands_options_and_values():
    assert completed("gridcell par", 1) == ["partition"]
    assert completed("gridcell partition --pref", 2) == ["--prefer"]
    assert completed("gridcell partition --prefer b", 3) == ["balance"]


def test_help_takes_little_more_than_click_itself():
    import resource

    def cpu_s(*words):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *words], capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    click = min(cpu_s("-c", "import click") for _ in range(3))
    assert min(cpu_s("-m", "gridcell_cli", "--help") for _ in range(3)) < max(0.3, 5 * click)
