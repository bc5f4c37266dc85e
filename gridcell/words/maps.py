"""The words on maps, sheets and cards."""

from typing import Final

from gridcell.words.catalogue import section

_VALUES: Final = ("general", "dedicated", "in", "under", "over")


def words(lang: str) -> dict[str, str]:
    """Return every word on maps by its key, with those for types and bands.

    Raises
    ------
    InputError
        For a language other than `LANGUAGES`.
    """
    terms = section("term", lang)
    return {key: terms[key] for key in _VALUES} | dict(section("map", lang))


def atlas_words(lang: str) -> dict[str, str]:
    """Return every word on sheets and cards by its key, those of the map among them.

    Raises
    ------
    InputError
        For a language other than `LANGUAGES`.
    """
    return words(lang) | dict(section("atlas", lang))
