"""The option ``--field``: which column of a file serves as one of ours."""

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from gridcell_cli.language import said

if TYPE_CHECKING:
    import pandas as pd

    from gridcell.words.messages import Value

_Command = TypeVar("_Command", bound=Callable[..., Any])

Fields = dict[str, dict[str, str]]
"""Columns of the files by input and our name, as ``fields`` of the rules has them."""

ENVIRONMENT: Final = "GRIDCELL_FIELD"
"""Mappings that hold where no option says otherwise, separated by ``;``."""


def option(*layers: str) -> Callable[[_Command], _Command]:
    """Return the option for a command that reads these inputs; it gets them as ``fields``."""

    def read(_ctx: click.Context, _parameter: click.Parameter, given: tuple[str, ...]) -> Fields:
        fields: Fields = {}
        # One environment serves every command: what others read is not this one's affair.
        kept = filter(None, map(str.strip, os.environ.get(ENVIRONMENT, "").split(";")))
        for text in kept:
            layer, name, column = _parsed(text, None)
            if layer in layers:
                fields.setdefault(layer, {})[name] = column
        for text in given:
            layer, name, column = _parsed(text, layers)
            fields.setdefault(layer, {})[name] = column
        return fields

    return click.option(
        "--field", "fields", metavar="LAYER.NAME=COLUMN", multiple=True, callback=read,
        help="Column to read as NAME, for example "
        f"{layers[0]}.{'lon' if layers[0].endswith('points') else 'code'}=COLUMN; repeatable.",
    )  # fmt: skip


def _parsed(text: str, layers: tuple[str, ...] | None) -> tuple[str, str, str]:
    from gridcell.schema import FIELDS

    place, equals, column = text.partition("=")
    layer, dot, name = (part.strip() for part in place.partition("."))
    where = "" if layers is not None else f"{ENVIRONMENT}: "
    if not (equals and dot and column.strip()):
        raise click.BadParameter(said("field_form", where=where, given=text))
    known = tuple(FIELDS) if layers is None else layers
    if layer not in known:
        raise click.BadParameter(
            said("field_layer", where=where, given=text, layer=layer, known=known)
        )
    if name not in FIELDS[layer]:
        raise click.BadParameter(
            said(
                "field_name", where=where, given=text, layer=layer, name=name,
                known=list(FIELDS[layer]),
            )
        )  # fmt: skip
    return layer, name, column.strip()


def as_settings(fields: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """Return the settings for `gridcell.read_rules`."""
    return {
        f"fields__{layer}__{name}": column
        for layer, names in fields.items()
        for name, column in names.items()
    }


def named(frame: "pd.DataFrame", fields: Fields, layer: str, label: "Value") -> "pd.DataFrame":
    """Return a frame whose mapped columns have our names."""
    from gridcell.read.fields import name_columns

    mapping = fields.get(layer)
    return name_columns(frame, mapping, label, layer) if mapping else frame
