"""The plugin of QGIS: in a profile, it finds the command, gives it what was asked, and stops it.

What QGIS itself does with it is in ``.ci/qgis``.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

import click
import pytest

from gridcell.errors import InputError
from gridcell.words.catalogue import LANGUAGES, section
from gridcell_cli.gridcell_qgis import commands, runner
from gridcell_cli.main import cli
from gridcell_cli.main import main as gridcell
from gridcell_cli.qgis_profiles import PLUGIN, profile_folders, usual_places

INI = "[qgis]\r\nsymbolsListGroupsIndex=0\r\n\r\n[PythonPlugins]\r\nother=true\r\n"


@pytest.fixture
def profiles(tmp_path):
    for name in ("default", "planning"):
        (tmp_path / name / "QGIS").mkdir(parents=True)
        (tmp_path / name / "QGIS" / "QGIS3.ini").write_bytes(INI.encode())
    return tmp_path


def qgis(*words):
    with pytest.raises(SystemExit) as end:
        gridcell(["qgis", *map(str, words)])
    return end.value.code


def settings(profile):
    return (profile / "QGIS" / "QGIS3.ini").read_bytes().decode()


def test_the_plugin_is_put_into_the_profile_and_turned_on_and_taken_out_again(profiles):
    assert qgis("install", "--profiles", profiles, "-q") == 0
    folder = profiles / "default" / "python" / "plugins" / PLUGIN
    assert {"metadata.txt", "words.json", "command.json", "findings.qml", "__init__.py"} <= {
        file.name for file in folder.iterdir()
    }
    assert settings(profiles / "default") == INI.replace("other=", f"{PLUGIN}=true\r\nother=")
    assert settings(profiles / "planning") == INI
    assert qgis("install", "--profiles", profiles, "-q") == 0, "anew, over what is there"
    assert settings(profiles / "default").count(PLUGIN) == 1
    assert qgis("remove", "--profiles", profiles, "-q") == 0
    assert not folder.exists()
    assert settings(profiles / "default") == INI
    assert qgis("remove", "--profiles", profiles, "-q") == 3


def test_a_profile_is_named_or_the_one_that_qgis_starts_with(profiles):
    assert profile_folders(None, profiles) == [profiles / "default"]
    (profiles / "profiles.ini").write_text("[core]\ndefaultProfile=planning\n", "utf-8")
    assert profile_folders(None, profiles) == [profiles / "planning"]
    assert profile_folders("default", profiles) == [profiles / "default"]
    with pytest.raises(InputError, match="no profile other; there are: default, planning"):
        profile_folders("other", profiles)
    with pytest.raises(InputError, match="start QGIS once"):
        profile_folders(None, profiles / "nowhere")


@pytest.mark.parametrize(
    ("platform", "variables", "place"),
    [
        ("win32", {"APPDATA": "A", "USERPROFILE": "H"}, "A/QGIS/QGIS3/profiles"),
        ("darwin", {"HOME": "H"}, "H/Library/Application Support/QGIS/QGIS3/profiles"),
        ("linux", {"HOME": "H"}, "H/.local/share/QGIS/QGIS3/profiles"),
        ("linux", {"HOME": "H", "XDG_DATA_HOME": "X"}, "X/QGIS/QGIS3/profiles"),
        ("linux", {"HOME": "H", "QGIS_CUSTOM_CONFIG_PATH": "C"}, "C/profiles"),
    ],
)
def test_profiles_are_where_each_system_has_them(platform, variables, place):
    assert usual_places(variables, platform)[0] == Path(place)


def test_the_command_is_found_as_set_as_written_or_where_tools_are(tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "_WRITTEN", tmp_path / "command.json")
    tool = tmp_path / ".local" / "bin" / "gridcell"
    tool.parent.mkdir(parents=True)
    tool.write_text("#!/bin/sh\n", "utf-8")
    tool.chmod(0o755)
    environment = {"HOME": str(tmp_path), "PATH": ""}
    assert runner.find_command("", environment) == [str(tool)]
    written = {"command": [sys.executable, "-m", "gridcell_cli"]}
    (tmp_path / "command.json").write_text(json.dumps(written), "utf-8")
    assert runner.find_command("", environment) == written["command"]
    assert runner.find_command(str(tool), environment) == [str(tool)]
    (tmp_path / "command.json").write_text('{"command": ["/no/python"]}', "utf-8")
    assert runner.find_command("", environment) == [str(tool)], "after an upgrade of Python"
    tool.unlink()
    monkeypatch.setattr(runner.shutil, "which", lambda *_, **__: None)
    assert runner.find_command("", environment) is None


def test_a_python_of_its_own_gets_nothing_of_that_of_qgis():
    own = runner.clean_environment({"PYTHONHOME": "Q", "PROJ_LIB": "Q", "APPDATA": "A"}, "zh")
    assert own["APPDATA"] == "A"
    assert not {"PYTHONHOME", "PROJ_LIB"} & set(own)
    assert own["LC_ALL"] == "zh_CN.UTF-8"


@pytest.mark.parametrize("algorithm", commands.ALGORITHMS, ids=lambda each: each.command)
def test_every_parameter_is_an_option_of_the_command_and_has_its_words(algorithm):
    command = cli.get_command(click.Context(cli), algorithm.command)
    options = {name: p for p in command.params for name in p.opts if isinstance(p, click.Option)}
    for each in algorithm.parameters:
        if each.option:
            assert each.option in options
            choices = getattr(options[each.option].type, "choices", each.choices)
            assert not each.choices or set(each.choices) == set(choices)
    for lang in LANGUAGES:
        texts = section("qgis", lang)
        names = {each.name for each in algorithm.parameters}
        own = {f"param_{algorithm.command}_{name}" for name in names} & set(texts)
        shared = {name for name in names if f"param_{algorithm.command}_{name}" not in own}
        needed = {f"param_{name}" for name in shared} | {
            f"layer_{name}" for name in algorithm.shows
        }
        needed |= {f"name_{algorithm.command}", f"group_{algorithm.group}"}
        assert needed - set(texts) == set()


def test_what_was_given_becomes_a_command_line():
    (partition,) = (each for each in commands.ALGORITHMS if each.command == "partition")
    given = {
        "COMMUNITIES": "-c.shp", "BUILDINGS": "", "BARRIERS": ["a.shp", "b.shp"], "SMALL": "",
        "OVERWRITE": True, "NETWORK": False, "OUTPUT": "plan",
    }  # fmt: skip
    assert commands.options_of(partition, given) == [
        "partition", "--barriers=a.shp", "--barriers=b.shp", "--overwrite", "--output=plan", "--",
        "-c.shp",
    ]  # fmt: skip


def run(*command, cancelled=lambda: False):
    said, steps = [], []
    done = runner.run(
        list(command), {**os.environ, "PYTHONUTF8": "1"}, say=said.append,
        progress=lambda *step: steps.append(step), is_cancelled=cancelled,
    )  # fmt: skip
    return done, said, steps


def test_messages_and_progress_come_as_they_are_told():
    script = (
        "import sys\nprint('数据')\nprint('a message', file=sys.stderr)\n"
        'print(\'{"progress": {"stage": "fabric", "name": "n", "done": 1, "total": 2}}\','
        " file=sys.stderr)\nsys.exit(4)"
    )
    done, said, steps = run(sys.executable, "-c", script)
    assert (done.code, done.printed, said) == (4, ["数据"], ["a message"])
    assert steps == [(23.5, "n")]


@pytest.mark.skipif(os.name == "nt", reason="processes are ended by taskkill there")
def test_a_cancelled_command_ends_with_all_that_it_started(tmp_path):
    mark = tmp_path / "pid"
    script = (
        "import subprocess, sys, time, pathlib\n"
        f"child = subprocess.Popen([sys.executable, '-c', 'import signal, time;"
        " signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep(60)'])\n"
        f"pathlib.Path({str(mark)!r}).write_text(str(child.pid))\ntime.sleep(60)"
    )
    since = time.monotonic()
    done, _, _ = run(sys.executable, "-c", script, cancelled=mark.exists)
    assert done.cancelled
    assert time.monotonic() - since < 30
    for _ in range(50):
        try:
            os.kill(int(mark.read_text()), 0)
        except ProcessLookupError:
            return
        state = Path(f"/proc/{mark.read_text()}/stat")
        if state.exists() and state.read_text().split()[2] == "Z":
            return
        time.sleep(0.1)
    os.kill(int(mark.read_text()), signal.SIGKILL)
    pytest.fail("what the command had started went on")


def test_steps_are_lines_of_json_where_a_program_asks_for_them(capfd, monkeypatch):
    from gridcell_cli.progress import ProgressLine

    monkeypatch.setenv("GRIDCELL_PROGRESS", "json")
    with ProgressLine() as progress:
        for done in range(1001):
            progress("fabric", done, 1000)
    told = [json.loads(line)["progress"] for line in capfd.readouterr().err.splitlines()]
    assert len(told) == 101
    assert told[-1] == {"stage": "fabric", "name": "fabric", "done": 1000, "total": 1000}
    assert set(runner._STAGES) == set(section("stage", "en"))


def test_the_files_of_the_plugin_are_read_by_the_python_of_an_older_qgis():
    """QGIS brings Python 3.9 on Windows until 3.38: no newer syntax, annotations put off."""
    import ast

    for path in Path(commands.__file__).parent.glob("*.py"):
        source = path.read_text("utf-8")
        ast.parse(source, feature_version=(3, 9))
        assert "from __future__ import annotations" in source, path.name
