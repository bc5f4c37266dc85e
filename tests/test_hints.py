"""What would help is said as the reader writes it: an argument in Python, an option in a shell."""

import ast
import pickle
import re
import warnings
from pathlib import Path

import click
import geopandas as gpd
import pytest
from towns import box

import gridcell
from gridcell import errors
from gridcell.errors import GridcellError, Hint, InputError, WriteError, with_hints
from gridcell.files.whole import require_writable
from gridcell_cli.main import main
from gridcell_cli.options import as_options

LIBRARY = Path(gridcell.__file__).parent


def texts(file):
    """Return the string literals of a module with their lines, docstrings apart."""
    tree = ast.parse(file.read_text("utf-8"))
    bare = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in bare:
            yield node.lineno, node.value


@pytest.mark.parametrize("file", sorted(LIBRARY.rglob("*.py")), ids=lambda p: p.stem)
def test_no_text_of_the_library_names_an_option_of_the_command_line(file):
    named = [(line, text) for line, text in texts(file) if re.search(r"(^|\W)--[a-z]", text)]
    assert named == []


@pytest.mark.parametrize(
    "kind", [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, Exception)]
)
def test_every_error_keeps_its_message_apart_from_its_hints(kind):
    error = kind("a.shp: no CRS", Hint("crs", "EPSG:4547"), Hint("encoding"))
    assert error.message == "a.shp: no CRS"
    assert str(error) == "a.shp: no CRS (crs='EPSG:4547', encoding)"
    again = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (str(again), again.hints) == (str(error), error.hints)
    assert str(kind("plain")) == "plain"


def test_an_error_without_words_is_still_an_error():
    assert str(GridcellError()) == ""


@click.command()
@click.option("--crs")
@click.option("--heal-width")
@click.option("--overwrite", is_flag=True)
@click.option("--datum")
def some(**_):
    """Do nothing."""


@pytest.mark.parametrize(("hint", "said"), [
    (Hint("crs", "EPSG:4547"), ["--crs EPSG:4547"]),
    (Hint("crs", "+proj=utm +zone=49"), ["--crs '+proj=utm +zone=49'"]),
    (Hint("overwrite", value=True), ["--overwrite"]),
    (Hint("boundaries.heal_width", 2.5), ["--heal-width 2.5"]),
    (Hint("boundaries.heal_width"), ["--heal-width"]),
    (Hint("font", "x.otf"), []),
])  # fmt: skip
def test_the_command_line_spells_a_hint_as_its_own_option_or_leaves_it_out(hint, said):
    assert as_options([hint], some) == said


def test_messages_without_hints_stay_as_they_are():
    assert with_hints("a", []) == "a"


def two_cells(crs):
    """Return two communities side by side."""
    x, y = 500_000, 2_500_000
    squares = [box(x + 100 * k, y, x + 100 * k + 100, y + 100) for k in range(2)]
    return gpd.GeoDataFrame({"code": ["A1", "A2"]}, geometry=squares, crs=crs)


def run(capsys, *arguments):
    """Return the exit code and the message of a command."""
    with pytest.raises(SystemExit) as caught:
        main([str(a) for a in arguments])
    return caught.value.code, capsys.readouterr().err


def test_a_missing_crs_is_an_error_that_names_the_option(tmp_path, capsys):
    town = two_cells(None)
    with warnings.catch_warnings(action="ignore"):
        town.to_file(tmp_path / "town.shp", encoding="utf-8")
    code, said = run(capsys, "partition", tmp_path / "town.shp", "-o", tmp_path / "plan")
    assert code == 3
    assert "town.shp" in said
    assert said.rstrip().endswith("name it (--crs EPSG:4547)")
    with pytest.raises(InputError, match=r"\(crs='EPSG:4547'\)$"):
        gridcell.read_layers(town)


def test_what_is_in_the_way_names_the_option_and_the_argument(tmp_path, capsys):
    layer = tmp_path / "cells.gpkg"
    two_cells("EPSG:4547").to_file(layer)
    code, said = run(capsys, "repair", layer, "-o", layer)
    assert (code, said.rstrip().endswith("(--overwrite)")) == (3, True)
    with pytest.raises(WriteError, match=r"\(overwrite=True\)$"):
        require_writable(layer, overwrite=False)


def test_inspect_names_the_option_for_a_file_that_it_cannot_read(tmp_path, capsys):
    table = tmp_path / "people.csv"
    table.write_bytes(b"household_id,name\n1,\xff\xff\n")
    code, said = run(capsys, "inspect", table)
    assert (code, said.rstrip().endswith("(--encoding)")) == (3, True)
