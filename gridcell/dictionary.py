"""The data dictionary: what every column of every layer and table holds, its type and unit.

What a column means is in the catalogue, in every language: ``column.FRAME.NAME`` where its meaning
depends on the frame, else ``column.NAME``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from gridcell.schema import (
    ATOM_COLUMNS,
    BARRIER_COLUMNS,
    BORDER_COLUMNS,
    BUILDING_COLUMNS,
    CELL_COLUMNS,
    CELL_LAYERS,
    CODE_COLUMNS,
    FINDING_COLUMNS,
    HISTORY_COLUMNS,
    HOUSEHOLD_COLUMNS,
    LINEAGE_COLUMNS,
    LOAD,
    MESSAGE_COLUMNS,
    POINT_COLUMNS,
    SERVED_COLUMNS,
    STAFF_COLUMNS,
    UNDO_COLUMNS,
    VACANCY_COLUMNS,
    VISIT_COLUMNS,
    WALK_COLUMNS,
)
from gridcell.words.catalogue import section

ColumnType = Literal["text", "integer", "number", "boolean", "date"]

_INTEGERS: Final = frozenset({
    "level", "households", "buildings", "estimated", "count", "missing", "operation", "given",
    "retired", "number", "atom_id", "segments", "beyond", "visits", "visit",
})  # fmt: skip
_NUMBERS: Final[Mapping[str, str]] = {
    "area_m2": "m²", LOAD: "", "street_m": "m", "compactness": "", "target": "",
    "band_min": "", "band_max": "",
    "distance_m": "m", "metres": "m", "minutes": "min", "bound_m": "m", "gap": "", "leg_m": "m",
    "mean_m": "m", "max_m": "m", "capacity": "", "measure": "", "width_m": "m", "share_a": "",
    "share_b": "", "lon": "°", "lat": "°", "x": "m", "y": "m", "margin_m": "m",
    "nearest_m": "m", "within_m": "m", "nearest_min": "min",
}  # fmt: skip
"""Columns of numbers with a fraction, and their units."""
_BOOLEANS: Final = frozenset({"locked", "open", "existing", "suppressed"})
_DATES: Final = frozenset({"valid_from", "valid_to"})
_OWN_TYPES: Final[Mapping[tuple[str, str], ColumnType]] = {
    ("borders", "a"): "integer", ("borders", "b"): "integer", ("history", "operation"): "text",
    ("crosswalk_cells", "cells"): "integer",
}  # fmt: skip

_LONLAT: Final = ("lon", "lat")
_PAIRS: Final = (
    "a", "b", "relation", "area_m2", "share_a", "share_b", "buildings", "households", "suppressed",
)  # fmt: skip

FRAMES: Final[Mapping[str, Sequence[str]]] = {
    "cells": (*CELL_COLUMNS, LOAD),
    "buildings": (*BUILDING_COLUMNS, LOAD, "atom_id"),
    "barriers": BARRIER_COLUMNS,
    "findings": (*FINDING_COLUMNS, *MESSAGE_COLUMNS),
    "points": POINT_COLUMNS,
    "atoms": (*ATOM_COLUMNS, LOAD, "street_m"),
    "households": (*HOUSEHOLD_COLUMNS, "atoms"),
    "staff": STAFF_COLUMNS,
    "vacancies": VACANCY_COLUMNS,
    "served": SERVED_COLUMNS,
    "lineage": LINEAGE_COLUMNS,
    "codes": CODE_COLUMNS,
    "history": HISTORY_COLUMNS,
    "undo": UNDO_COLUMNS,
    "borders": BORDER_COLUMNS,
    "metadata": ("key", "value"),
    "exported_cells": (*CELL_COLUMNS, LOAD, "households_are", *_LONLAT),
    "fields": ("field", "column", "en", "zh"),
    "hexagons": ("h3", "households", "buildings"),
    "cells_hexagons": ("h3", "code", "community", "households"),
    "pieces": ("kind", "cells", "area_m2", "width_m"),
    "moves": ("kind", "lost", "got", "area_m2", "width_m", "by", "margin_m"),
    "crosswalk": _PAIRS,
    "crosswalk_cells": (
        "code", "area_m2", "cells", "relation", "buildings", "households", "into",
    ),
    "crosswalk_slivers": (*_PAIRS[:2], "area_m2", "width_m", *_PAIRS[4:]),
    "walks": WALK_COLUMNS,
    "visits": (*VISIT_COLUMNS, *_LONLAT),
    "point_tables": (*POINT_COLUMNS, "x", "y", *_LONLAT),
    "beyond": (
        "tier", "bldg_id", "households", "point_id", "distance_m", "within_m", "code", "small",
        "community", "x", "y",
    ),
    "located": (
        "code", "label", "large", "medium", "small", "micro", "staff", "how", "distance_m",
        "reason", "nearest", "nearest_m", "nearest_min",
    ),
}  # fmt: skip
"""Layers and tables, by the names that the dictionary has for them, and their columns in order."""

PLACES: Final[Mapping[str, tuple[str, ...]]] = {
    "cells": tuple(f"plan.gpkg: {name}" for name in CELL_LAYERS)
    + tuple(f"geojson/{name}.geojson" for name in CELL_LAYERS),
    **{
        name: (f"plan.gpkg: {name}",)
        for name in (
            "buildings", "barriers", "findings", "points", "atoms", "households", "staff",
            "vacancies", "served", "lineage", "codes", "history", "undo", "borders", "metadata",
        )
    },
    "exported_cells": ("export", "export of a publication"),
    "fields": ("fields.csv",),
    "hexagons": ("hexagons.csv", "hexagons.geojson"),
    "cells_hexagons": ("cells_hexagons.csv",),
    "pieces": ("check -o: pieces",),
    "moves": ("repair: moves",),
    "crosswalk": ("crosswalk -o: pairs", "export of a later publication: crosswalk.csv"),
    "crosswalk_cells": ("crosswalk -o: cells_a, cells_b",),
    "crosswalk_slivers": ("crosswalk -o: slivers",),
    "walks": ("walk -o: walks",),
    "visits": ("walk -o: visits",),
    "point_tables": ("place -o: points.csv",),
    "beyond": ("place -o: beyond.csv",),
    "located": ("locate -o",),
}  # fmt: skip
"""Files and layers in which each is."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a layer or table."""

    name: str
    type: ColumnType
    unit: str
    """Of its numbers; empty where they have none."""


def columns_of(frame: str) -> tuple[Column, ...]:
    """Return the columns of a layer or table in their order.

    Parameters
    ----------
    frame
        A key of `FRAMES`.

    Examples
    --------
    >>> from gridcell.dictionary import columns_of, meaning
    >>> columns_of("vacancies")[2]
    Column(name='missing', type='integer', unit='')
    >>> meaning("vacancies", "missing", "en")
    'People that are missing'
    """
    return tuple(
        Column(name, _type_of(frame, name), _NUMBERS.get(name, "")) for name in FRAMES[frame]
    )


def meaning(frame: str, name: str, lang: str) -> str:
    """Return what a column holds, in a language.

    Parameters
    ----------
    frame
        A key of `FRAMES`.
    name
        The column.
    lang
        One of `gridcell.words.catalogue.LANGUAGES`.
    """
    words = section("column", lang)
    return words.get(f"{frame}.{name}") or words[name]


def title(frame: str, lang: str) -> str:
    """Return what a layer or table holds, in a language."""
    return section("frame", lang)[frame]


def _type_of(frame: str, name: str) -> ColumnType:
    if (frame, name) in _OWN_TYPES:
        return _OWN_TYPES[frame, name]
    if name in _INTEGERS:
        return "integer"
    if name in _NUMBERS:
        return "number"
    if name in _BOOLEANS:
        return "boolean"
    return "date" if name in _DATES else "text"
