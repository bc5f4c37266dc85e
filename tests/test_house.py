"""The house: rooms stand in one order, and no room imports from one above it."""

import ast
from pathlib import Path

import pytest

import gridcell

PACKAGE = Path(gridcell.__file__).parent
ROOMS = (
    "version", "errors", "words", "arguments", "extras", "arrays", "texts", "borders", "crs",
    "schema", "dictionary", "facts", "workload", "files", "work", "display", "rules", "report",
    "model", "tables", "coverage", "read", "fabric", "streets", "partition", "cells", "households",
    "staff", "check", "siting", "formats", "disclosure", "locator", "crosswalk", "visits",
    "certificate", "render", "assembly", "pipeline", "shards", "revision", "folder", "export",
    "sample", "schemas",
)  # fmt: skip
"""From low to high; CONTRIBUTING.md says what each holds."""


def modules():
    return sorted(PACKAGE.rglob("*.py"))


def name_of(path):
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module):
    return module.split(".")[1] if "." in module else ""


def imported(path):
    """Every module of ours that a file imports, wherever in it."""
    known = {name_of(other) for other in modules()}
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name.startswith("gridcell"))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("gridcell"):
            for name in node.names:
                full = f"{node.module}.{name.name}"
                yield full if full in known else node.module


def test_every_room_has_its_place():
    rooms = {room_of(name_of(path)) for path in modules()} - {""}
    assert rooms == set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_no_room_imports_from_one_above_it(room):
    place = ROOMS.index(room)
    upward = [
        f"{name_of(path)} imports {other}"
        for path in modules()
        if room_of(name_of(path)) == room
        for other in imported(path)
        if room_of(other) == "" or ROOMS.index(room_of(other)) > place
    ]
    assert not upward


def definitions():
    """Where each class, function, argument and variable of ours gets its name, by that name."""
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                yield node.name, type(node), name_of(path)
            elif isinstance(node, ast.arg):
                yield node.arg, type(node), name_of(path)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id, type(node), name_of(path)


def test_no_two_classes_have_one_name():
    places = {}
    for name, kind, module in definitions():
        if kind is ast.ClassDef:
            places.setdefault(name.lstrip("_"), []).append(module)
    assert {name: held for name, held in places.items() if len(held) > 1} == {}


def test_names_are_terms_of_the_field():
    """A module called make says nothing of what it holds; the others are private metaphors."""
    assert [name for name in map(name_of, modules()) if name.endswith((".make", ".sanity"))] == []
    cute = {"Scene", "scene", "in_vain", "sanity", "fold", "older"}
    assert [(name, module) for name, _, module in definitions() if name.strip("_") in cute] == []


def test_the_map_of_the_house_names_every_room():
    text = (PACKAGE.parent / "CONTRIBUTING.md").read_text("utf-8")
    assert [room for room in ROOMS if f"`{room}`" not in text and f"`{room}/`" not in text] == []
