"""Texts in the language of QGIS, from ``words.json``, which ``gridcell qgis install`` wrote."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from qgis.core import QgsApplication

_FILE = Path(__file__).with_name("words.json")
_FALLBACK = "en"


def language() -> str:
    """Return the language of QGIS where the texts are in it, else English."""
    own = str(QgsApplication.locale())[:2].lower()
    return own if own in _words() else _FALLBACK


def text(name: str) -> str:
    """Return a text of the plugin."""
    return str(_words()[language()]["texts"][name])


def has_text(name: str) -> bool:
    """Tell whether there is such a text."""
    return name in _words()[_FALLBACK]["texts"]


def help_of(command: str, option: str = "") -> str:
    """Return the help of a command or of an option of it; nothing where there is none."""
    return str(_words()[language()]["help"][command].get(option, ""))


@lru_cache(maxsize=1)
def _words() -> dict[str, Any]:
    words: dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))
    return words
