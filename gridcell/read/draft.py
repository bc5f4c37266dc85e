"""A rules file to begin with: which columns serve as what, and every setting with its meaning."""

import ast
import inspect
import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Final, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo as Setting

import gridcell.rules
from gridcell.arguments import checked
from gridcell.errors import InputError
from gridcell.read.inspect import LayerInfo, inspect_files
from gridcell.rules import Band, Role, Rules
from gridcell.schema import ALIASES
from gridcell.words.catalogue import text
from gridcell.words.messages import Message, say

_WIDTH: Final = 92
_LISTED: Final = 30
"""Columns that a comment lists."""


@checked
def draft_rules(
    paths: Sequence[str | Path],
    *,
    encoding: str | None = None,
    crs: Any = None,
    fields: Mapping[str, Mapping[str, str]] | None = None,
    lang: str = "en",
) -> str:
    """Return a rules file in TOML that maps the columns of files and shows every setting.

    What was found is set; the settings are comments, at their defaults, so that the file says the
    same as no file at all until somebody changes it.

    Parameters
    ----------
    paths, encoding, crs, fields
        As in `inspect_files`.
    lang
        Of the comments, ``en`` or ``zh``.

    Raises
    ------
    InputError
        A file that cannot be read, and what `inspect_files` raises.

    Examples
    --------
    `layers` are those of the example of `read_layers`, `folder` is an empty folder.

    >>> import gridcell
    >>> town = layers.communities[["code", "geometry"]].rename(columns={"code": "XZQDM"})
    >>> town.to_file(folder / "town.gpkg")
    >>> text = gridcell.draft_rules([folder / "town.gpkg"])
    >>> _ = (folder / "rules.toml").write_text(text, "utf-8")
    >>> gridcell.read_rules(folder / "rules.toml") == gridcell.Rules(
    ...     fields={"communities": {"code": "XZQDM"}}
    ... )
    True
    """
    layers = inspect_files(paths, encoding=encoding, crs=crs, fields=fields)
    if failed := [layer for layer in layers if layer.error is not None]:
        raise InputError(failed[0].fault or "", *failed[0].hints)
    names = ", ".join(dict.fromkeys(_title(layer) for layer in layers))
    lines = [
        *_prose(_said("rules_of", lang, names=names), lang),
        *_prose(_said("head", lang), lang),
        *_table(Rules, "", Rules(), lang),
        *_classes(lang),
        *_mapping(layers, lang),
    ]
    return "\n".join(lines) + "\n"


def _title(layer: LayerInfo) -> str:
    return layer.path + (f"#{layer.layer}" if layer.layer and layer.layer != layer.path else "")


def _said(key: str, lang: str, **params: object) -> str:
    return say(Message(f"draft.{key}", **params), lang)


def _prose(prose: str, lang: str, *, mark: str = "# ") -> list[str]:
    plain = prose.replace("`", "")
    # Chinese characters are twice as wide.
    wide = _WIDTH if lang == "en" else _WIDTH // 2
    return [f"{mark}{line}" for line in textwrap.wrap(plain, wide, break_on_hyphens=False)]


def _table(model: type[BaseModel], name: str, default: BaseModel, lang: str) -> Iterator[str]:
    """Yield the settings of a section as comments, those that are tables after the others."""
    inner = []
    for key, setting in model.model_fields.items():
        value = getattr(default, key)
        if isinstance(value, BaseModel) and not isinstance(value, Band):
            inner.append((key, type(value), value))
        elif model is not Rules or key not in {"fields", "classes", "staffing"}:
            yield ""
            yield from _prose(_described(model, key, setting, lang), lang)
            yield f"#{key} = {_toml(value)}"
    for key, section, value in inner:
        yield ""
        yield from _prose(_described(model, key, model.model_fields[key], lang), lang)
        yield f"[{name}{key}]"
        yield from _table(section, f"{name}{key}.", value, lang)
    if model is Rules:
        yield from _staffing(getattr(default, "staffing"), lang)  # noqa: B009 - a model of any kind


def _described(model: type[BaseModel], key: str, setting: Setting, lang: str) -> str:
    """Return what a setting means and what it may be."""
    said = _meaning(model.__name__, key, lang)
    kind = setting.annotation
    if get_origin(kind) is Literal:
        return _said("one_of", lang, text=said, values=", ".join(map(str, get_args(kind))))
    return said


def _meaning(model: str, key: str, lang: str) -> str:
    """Return the text below a setting in the source, or its translation."""
    return _meanings()[model][key] if lang == "en" else text(f"setting.{model}.{key}", lang)


@cache
def _meanings() -> dict[str, dict[str, str]]:
    return meanings_of(gridcell.rules)


def meanings_of(module: ModuleType) -> dict[str, dict[str, str]]:
    """Return the text below each field in the source of a module, by class and field."""
    tree = ast.parse(inspect.getsource(module))
    found: dict[str, dict[str, str]] = {}
    for node in tree.body:
        if not isinstance(node, ast.ClassDef):
            continue
        said = found.setdefault(node.name, {})
        for item, below in zip(node.body, node.body[1:], strict=False):
            if (
                isinstance(item, ast.AnnAssign)
                and isinstance(item.target, ast.Name)
                and isinstance(below, ast.Expr)
                and isinstance(below.value, ast.Constant)
            ):
                said[item.target.id] = " ".join(str(below.value.value).split())
    return found


def _toml(value: object) -> str:
    if isinstance(value, Band):
        return f'"{value.min:g}:{value.target:g}:{value.max:g}"'
    if value is None:
        return '""'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_toml, value))}]"
    # A text of JSON is one of TOML, too.
    return json.dumps(value, ensure_ascii=False)


def _staffing(roles: Sequence[Role], lang: str) -> Iterator[str]:
    yield ""
    yield from _prose(_meaning("Rules", "staffing", lang), lang)
    yield from _prose(_said("of_each", lang), lang)
    for key, setting in Role.model_fields.items():
        lines = _prose(_described(Role, key, setting, lang), lang, mark="#     ")
        yield f"#   {key}: {lines[0].removeprefix('#     ')}"
        yield from lines[1:]
    for role in roles:
        yield "#[[staffing]]"
        for key, value in role.model_dump(exclude_defaults=True).items():
            yield f"#{key} = {_toml(value)}"


def _classes(lang: str) -> Iterator[str]:
    yield ""
    yield from _prose(_meaning("Rules", "classes", lang), lang)
    yield from _prose(_said("example", lang), lang)
    yield "#   [classes.urban]"
    yield '#   micro = "40:50:60"'


def _mapping(layers: Sequence[LayerInfo], lang: str) -> Iterator[str]:
    """Yield the columns of each input: those that were found, and what else there is."""
    for role, aliases in ALIASES.items():
        found = [layer for layer in layers if layer.role == role]
        if not found:
            continue
        yield ""
        title = role.capitalize() if lang == "en" else say(Message(f"input.{role}"), lang)
        names = ", ".join(_title(layer) for layer in found)
        yield from _prose(_said("layers", lang, role=title, names=names), lang)
        serving = [
            {field.meaning: field.name for field in layer.fields if field.meaning is not None}
            for layer in found
        ]
        # A mapping holds for every file of the input.
        common = {
            name: column
            for name, column in serving[0].items()
            if all(other.get(name) == column for other in serving)
        }
        if lacking := [name for name in aliases if name not in common]:
            yield from _prose(_said("not_found", lang, names=", ".join(lacking)), lang)
        for layer, columns in zip(found, serving, strict=True):
            unread = [
                f"{field.name} ({field.type})"
                for field in layer.fields
                if field.name not in columns.values()
            ]
            listed = ", ".join(unread[:_LISTED])
            if len(unread) > _LISTED:
                listed = _said("and_more", lang, names=listed, n=len(unread) - _LISTED)
            if unread:
                key = "unread_of" if len(found) > 1 else "unread"
                where = {"layer": _title(layer)} if len(found) > 1 else {}
                yield from _prose(_said(key, lang, names=listed, **where), lang)
        yield f"[fields.{role}]"
        for name, column in common.items():
            yield f"{name} = {_toml(column)}"
    for layer in layers:
        if layer.role is None:
            there = ", ".join(field.name for field in layer.fields[:_LISTED])
            yield ""
            said = _said("unknown", lang, layer=_title(layer), names=there or _said("none", lang))
            yield from _prose(said, lang)
