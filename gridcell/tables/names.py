"""Names of columns, reduced to what tells them apart."""

import re
import unicodedata
from functools import lru_cache
from typing import Final

_UNITS: Final = frozenset({
    "户", "户/栋", "户数", "套", "层", "层数", "栋", "幢", "个", "个数", "座", "单元", "m", "米",
    "metres", "meters", "mètres", "metros", "公尺", "households", "dwellings", "floors", "storeys",
    "levels", "logements", "ménages", "étages", "viviendas", "hogares", "plantas", "nb", "no", "n",
    "必填", "选填", "非必填", "*",
})  # fmt: skip
"""What may stand in brackets behind a name without changing what it means."""
_BRACKETED: Final = re.compile(
    r"(?P<name>.*?[^(\[{【〔<])\s*[(\[{【〔<]\s*(?P<unit>[^)\]}】〕>]*)[)\]}】〕>]?"
)
"""A name and what is in brackets behind it; shapefiles cut names before they close."""


@lru_cache(maxsize=4096)
def plain_name(name: str) -> str:
    """Return a name without case, accents, full width, spaces, marks, and its unit in brackets.

    Examples
    --------
    >>> plain_name("户数（户）"), plain_name(" NB_Logts "), plain_name("Nombre d'étages")
    ('户数', 'nblogts', 'nombredetages')
    """
    text = _folded(name)
    found = _BRACKETED.fullmatch(text.strip())
    if found and found["unit"].strip() in _FOLDED_UNITS:
        text = found["name"]
    return re.sub(r"[\W_]+", "", text) or text.strip()


def _folded(text: str) -> str:
    wide = unicodedata.normalize("NFKD", text)
    return "".join(c for c in wide if not unicodedata.combining(c)).casefold()


_FOLDED_UNITS: Final = frozenset(map(_folded, _UNITS))
