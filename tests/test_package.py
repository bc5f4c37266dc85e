import ast
import importlib
import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

import gridcell
from gridcell_cli.help import GROUPS
from gridcell_cli.main import COMMANDS, cli

ROOT = Path(__file__).parent.parent


def installed():
    try:
        return importlib.metadata.distribution("gridcell")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("gridcell is not installed")


def gridcell_command(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "gridcell_cli", *arguments],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def test_the_command_gridcell_is_installed():
    (entry,) = installed().entry_points.select(group="console_scripts", name="gridcell")
    assert entry.value == "gridcell_cli.main:main"


def test_the_version_is_that_of_the_project():
    installed()
    done = gridcell_command("--version")
    assert (done.returncode, done.stdout) == (0, f"gridcell, version {gridcell.__version__}\n")
    assert importlib.metadata.version("gridcell") == gridcell.__version__


def test_a_wheel_holds_the_two_packages_and_what_they_need():
    wheel = pytest.importorskip("hatchling.builders.wheel")
    files = {
        Path(file.distribution_path).as_posix()
        for file in wheel.WheelBuilder(str(ROOT)).recurse_included_files()
    }
    assert {path.split("/")[0] for path in files} == {"gridcell", "gridcell_cli"}
    sources = {
        path.relative_to(folder).as_posix()
        for folder in (ROOT, ROOT / "cli")
        for package in ("gridcell", "gridcell_cli")
        for path in (folder / package).rglob("*")
        if path.is_file() and path.suffix not in {".pyc", ".nbi", ".nbc", ".po"}
    }
    assert files == sources
    assert "gridcell/py.typed" in files


def test_every_public_name_is_there():
    assert len(set(gridcell.__all__)) == len(gridcell.__all__)
    for name in gridcell.__all__:
        assert getattr(gridcell, name).__doc__


def test_every_public_function_and_class_has_an_example_that_runs():
    bare = [
        name
        for name in gridcell.__all__
        if callable(thing := getattr(gridcell, name))
        if not (isinstance(thing, type) and issubclass(thing, Exception))
        if ">>> " not in thing.__doc__ or "+SKIP" in thing.__doc__
    ]
    assert bare == []


PAGES = [
    *(ROOT / name for name in ("README.md", "README.zh.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]


def is_there(dotted):
    """Whether a name such as ``gridcell.rules.Rules.seed`` is a module, or something in one."""
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        try:
            thing = importlib.import_module(".".join(parts[:length]))
        except ImportError:
            continue
        for name in parts[length:]:
            if name in getattr(thing, "model_fields", {}) or name in getattr(
                thing, "__annotations__", {}
            ):
                return True
            thing = getattr(thing, name, None)
        return thing is not None
    return False


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_names_is_there(page):
    text = page.read_text("utf-8")
    names = re.findall(r"(?<![/\w])gridcell(?:\.[A-Za-z_]\w*)+", text)
    assert [name for name in names if not is_there(name)] == []
    folders = "gridcell|cli|tests|benchmarks|docs|notebooks|data"
    paths = re.findall(rf"(?<![./\w-])(?:{folders})/[\w./-]*[\w/]", text)
    assert [path for path in paths if "LANGUAGE" not in path and not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_on_a_page_have_these_options(page):
    text = page.read_text("utf-8").replace("\\\n", " ")
    context = click.Context(cli)
    wrong = []
    for line in re.findall(r"\bgridcell ([a-z]+ [^\n`#]*|[a-z]+$)", text, re.MULTILINE):
        name, *words = line.split()
        if not any(word.startswith("-") for word in words):
            continue
        command = cli.get_command(context, name)
        known = {o for p in command.params for o in (*p.opts, "--help")}
        # Of an edit, which reads the words of its operations by itself.
        known |= {"--line"} if command.context_settings.get("ignore_unknown_options") else set()
        given = re.findall(r"(?<![\w-])--?[a-z][a-z-]*", " ".join(words))
        wrong += [f"{name} {option}" for option in given if option not in known]
    assert wrong == []


def test_names_in_docstrings_are_there():
    wrong = []
    for path in sorted((ROOT / "gridcell").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                names = re.findall(r"`(gridcell(?:\.[A-Za-z_]\w*)+)`", node.value)
                wrong += [(path.name, name) for name in names if not is_there(name)]
    assert wrong == []


def test_help_lists_every_command():
    done = gridcell_command("--help")
    assert (done.returncode, done.stderr) == (0, "")
    listed = re.findall(
        r"^  (\w+)  ", done.stdout.split(f"{next(iter(GROUPS))}:\n")[1], re.MULTILINE
    )
    assert listed == list(COMMANDS)
    assert "..." not in done.stdout.replace("[ARGS]...", "")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_has_help(name):
    context = click.Context(cli)
    command = cli.get_command(context, name)
    assert command.name == name
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name


@pytest.mark.parametrize("name", COMMANDS)
def test_shared_options_are_spelt_alike(name):
    command = cli.get_command(click.Context(cli), name)
    spelling = {
        "output": {"-o", "--output"}, "quiet": {"-q", "--quiet"}, "verbose": {"-v", "--verbose"},
        "as_json": {"--json"}, "overwrite": {"--overwrite"}, "rules": {"--rules"},
        "seed": {"--seed"}, "workers": {"--workers"}, "crs": {"--crs"}, "lang": {"--lang"},
        "encoding": {"--encoding"}, "datum": {"--datum"},
    }  # fmt: skip
    options = {p.name: set(p.opts) for p in command.params if isinstance(p, click.Option)}
    assert {"quiet", "verbose"} <= set(options)
    assert {key: options[key] for key in options if key in spelling} == {
        key: spelling[key] for key in options if key in spelling
    }


def test_help_does_not_wait_for_the_libraries_behind_the_commands():
    script = """
import sys
from gridcell_cli.main import main
try:
    main(["--help"])
except SystemExit:
    print(sorted({"geopandas", "numba", "folium", "pandas"} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("call", "missing", "extra"),
    [
        ("gridcell.write_atlas(plan, 'a.pdf')", "fpdf", "print"),
        ("gridcell.write_cards(plan, 'a.pdf')", "segno", "print"),
        ("gridcell.formats.tiles.as_tiles(None, None)", "pmtiles", "tiles"),
    ],
)
def test_what_needs_an_extra_says_which(call, missing, extra):
    script = f"""
import sys
import gridcell, gridcell.formats.tiles
from gridcell import *
sys.modules[{missing!r}] = None
plan = object.__new__(gridcell.Plan)
try:
    {call}
except gridcell.InputError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, encoding="utf-8"
    )
    assert f"not installed: pip install 'gridcell[{extra}]'" in done.stdout


def test_importing_the_package_loads_only_what_is_used():
    script = """
import sys
import gridcell
assert not {"geopandas", "numba", "folium", "pandas"} & set(sys.modules)
gridcell.check_cells
print(sorted({"numba", "folium", "fpdf", "matplotlib"} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, encoding="utf-8"
    )
    assert done.stdout == "[]\n"
