"""The texts of every language by their keys, from the catalogues in ``locale/``."""

import gettext
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from gridcell.errors import InputError

DOMAIN: Final = "gridcell"
LOCALE: Final = Path(__file__).with_name("locale")


def _languages() -> tuple[str, ...]:
    found = sorted(file.parts[-3] for file in LOCALE.glob(f"*/LC_MESSAGES/{DOMAIN}.mo"))
    return tuple(sorted(found, key="en".__ne__))


LANGUAGES: Final = _languages()
"""Output languages: one for each catalogue, English first."""


class _Catalogue(gettext.GNUTranslations):
    _catalog: dict[str | tuple[str, int], str]

    def texts(self) -> dict[str, str]:
        """Return every text by its key; the singular of those that have a plural."""
        keys = dict.fromkeys(key if isinstance(key, str) else key[0] for key in self._catalog)
        return {key: self.gettext(key) for key in keys if key}


def require_language(lang: str) -> str:
    """Return the output language.

    Raises
    ------
    InputError
        For any but `LANGUAGES`.
    """
    if lang not in LANGUAGES:
        # A message is said by a catalogue.
        from gridcell.words.messages import Message

        raise InputError(Message("error.language", given=str(lang), known=LANGUAGES))
    return lang


def notebook_language() -> str:
    """Return the language of what notebooks show: ``GRIDCELL_LANG``, else English."""
    asked = os.environ.get("GRIDCELL_LANG", "")
    return asked if asked in LANGUAGES else LANGUAGES[0]


def text(key: str, lang: str, *, n: int = 1) -> str:
    """Return a text of the catalogue, in the plural form that goes with a number.

    Parameters
    ----------
    key
        Its ``msgid``.
    lang
        One of `LANGUAGES`.
    n
        The number that the text tells; texts without a plural form are alike for all.

    Raises
    ------
    InputError
        For any other language.
    KeyError
        The catalogue has no such text.
    """
    catalogue = _catalogue(require_language(lang))
    found = catalogue.ngettext(key, key, n)
    if found == key:
        found = catalogue.gettext(key)
    if found == key:
        raise KeyError(key)
    return found


@cache
def texts(lang: str) -> Mapping[str, str]:
    """Return every text of a language by its key.

    Raises
    ------
    InputError
        For a language other than `LANGUAGES`.
    """
    return MappingProxyType(_catalogue(require_language(lang)).texts())


@cache
def section(name: str, lang: str) -> Mapping[str, str]:
    """Return the texts whose keys are ``name.…``, by what follows the dot.

    Raises
    ------
    InputError
        For a language other than `LANGUAGES`.
    """
    start = f"{name}."
    found = {k.removeprefix(start): v for k, v in texts(lang).items() if k.startswith(start)}
    return MappingProxyType(found)


@cache
def _catalogue(lang: str) -> _Catalogue:
    with (LOCALE / lang / "LC_MESSAGES" / f"{DOMAIN}.mo").open("rb") as file:
        return _Catalogue(file)
