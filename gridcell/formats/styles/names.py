"""What QGIS calls the columns of a layer, and their values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from gridcell.words.catalogue import LANGUAGES, section

_VALUES: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "grid_type": ("term", ("general", "dedicated")),
    "band": ("term", ("in", "under", "over")),
    "severity": ("severity", ()),
    "kind": ("kind", ()),
}
"""Columns whose values have names: in which section, and which of its texts; all by default."""
_BARRIERS: Final = ("rank", "name")


@dataclass(frozen=True, slots=True)
class ColumnNames:
    """Names of columns and of their values, by their keys."""

    columns: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def names_of(columns: Sequence[str], lang: str) -> ColumnNames:
    """Return what columns and their values are called; nothing in English, which the keys are."""
    if lang == LANGUAGES[0]:
        return ColumnNames()
    names = section("header", lang)
    values = {}
    for name in columns:
        if name in _VALUES:
            place, keys = _VALUES[name]
            if name == "kind" and set(_BARRIERS) <= set(columns):
                place, keys = "style", ("road", "river", "rail", "wall")
            texts = section(place, lang)
            values[name] = {key: texts[key] for key in keys or sorted(texts)}
    return ColumnNames({name: names[name] for name in columns if name in names}, values)
