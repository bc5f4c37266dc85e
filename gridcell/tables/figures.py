"""Figures as people write them in tables: with units, thousands marks, in full width."""

import re
import unicodedata
from decimal import Decimal
from typing import Final

_HOMES: Final = (
    "户", "套", "家", "households", "household", "hh", "dwellings", "dwelling", "flats",
    "apartments", "logements", "logement", "logts", "ménages", "ménage", "viviendas", "vivienda",
    "viv", "hogares", "hogar",
)  # fmt: skip
_MEASURES: Final = (
    "层", "楼", "f", "floors", "floor", "storeys", "étages", "étage", "niveaux", "plantas",
    "planta", "pisos", "米", "m", "metres", "meters", "mètres", "metros", "个", "个单元", "单元",
    "栋", "幢",
)  # fmt: skip
UNITS: Final = {"homes": frozenset(_HOMES), "measures": frozenset(_MEASURES)}
"""Units that may follow a figure, by what it counts."""

_SCALES: Final = {"百": 100, "千": 1000, "k": 1000, "万": 10_000, "萬": 10_000}
_FIGURE: Final = re.compile(
    r"(?P<number>[+-]?(?:\d{1,3}(?:[ ,']\d{3})+|\d+)(?:\.\d+)?)\s*(?P<scale>[百千k万萬]?)\s*"
    r"(?P<unit>[^\W\d_]*)\.?"
)
_ZEROS: Final = re.compile(r"([+-]?\d+),0{1,2}")
_NOTHING: Final = frozenset({"-", "--", "—", "——", "–", "/", "n/a", "null", "<null>"})


def figure_of(text: str, kind: str) -> float | None:
    """Return the number that a text tells, ``None`` where it tells none.

    Parameters
    ----------
    text
        As it is in a table.
    kind
        Whose units may follow it: a key of `UNITS`.

    Examples
    --------
    >>> [figure_of(text, "homes") for text in ("12户", "1,234", "１２", "1.2千", "0.5万", "12人")]
    [12.0, 1234.0, 12.0, 1200.0, 5000.0, None]
    """
    plain = unicodedata.normalize("NFKC", text).strip().casefold()
    if whole := _ZEROS.fullmatch(plain):
        return float(whole[1])
    found = _FIGURE.fullmatch(plain)
    if found is None or (found["unit"] and found["unit"] not in UNITS[kind]):
        return None
    number = Decimal(re.sub("[ ,']", "", found["number"]))
    return float(number * _SCALES.get(found["scale"], 1))


def says_nothing(text: str) -> bool:
    """Return whether a text stands for an empty field: a dash, a stroke, ``NULL``."""
    return text.strip().casefold() in _NOTHING
