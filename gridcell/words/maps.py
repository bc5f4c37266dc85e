"""The words on maps, sheets and cards."""

import math
from collections.abc import Mapping
from typing import Final

from gridcell.words.catalogue import section

_VALUES: Final = ("general", "dedicated", "in", "under", "over")
_ROUNDING: Final = 1e-9
"""As far beyond its ends a number is in a band still."""


def words(lang: str) -> dict[str, str]:
    """Return every word on maps by its key, with those for types and bands.

    Raises
    ------
    InputError
        For a language other than `LANGUAGES`.
    """
    terms = section("term", lang)
    return {key: terms[key] for key in _VALUES} | dict(section("map", lang))


def counting(text: Mapping[str, str], what: str | None) -> dict[str, str]:
    """Return words as they are where other things than households are counted.

    Parameters
    ----------
    text
        Words by their keys; `KEY_WHAT` stands for `KEY`, where there is one.
    what
        ``persons``, ``load``, or ``None`` for households.

    Examples
    --------
    >>> counting(words("en"), "persons")["unit"], counting(words("en"), None)["unit"]
    ('pers.', 'hh')
    """
    return {key: text.get(f"{key}_{what}", said) for key, said in text.items()}


def control_words(lang: str) -> dict[str, str]:
    """Return what the controls of any map are called, by key.

    Raises
    ------
    InputError
        For a language other than `LANGUAGES`.
    """
    of_maps = section("map", lang)
    return {key: of_maps[key] for key in ("zoom_in", "zoom_out", "home", "layers")}


def atlas_words(lang: str) -> dict[str, str]:
    """Return every word on sheets and cards by its key, those of the map among them.

    Raises
    ------
    InputError
        For a language other than `LANGUAGES`.
    """
    return words(lang) | dict(section("atlas", lang))


def with_wanted(text: Mapping[str, str], households: str, low: float, high: float) -> str:
    """Return a number of households with those its band wants: whole ones, where it holds any.

    Parameters
    ----------
    text
        The words of a language, as `words` returns them.
    households
        The number, in words.
    low, high
        Ends of the band.

    Examples
    --------
    >>> with_wanted(words("en"), "771", 468.75, 781.25)
    '771, wanted 469 to 781'
    >>> with_wanted(words("en"), "2", 1.25, 1.75)
    '2, wanted 1.25 to 1.75'
    """
    fewest, most = math.ceil(low - _ROUNDING), math.floor(high + _ROUNDING)
    ends = (fewest, most) if fewest <= most else (round(low, 2), round(high, 2))
    if ends[0] == ends[1]:
        return text["wanted_exactly"].format(households=households, n=f"{ends[0]:,}")
    return text["wanted"].format(households=households, low=f"{ends[0]:,}", high=f"{ends[1]:,}")


def load_text(text: Mapping[str, str], load: float, low: float, high: float) -> str:
    """Return a load with what its band wants of it.

    Parameters
    ----------
    text
        The words of a language, as `words` returns them.
    load
        The load.
    low, high
        Ends of the band; below 0 or missing for none.

    Examples
    --------
    >>> load_text(words("en"), 42.125, 30.0, 50.0), load_text(words("en"), 1042.5, -1.0, -1.0)
    ('42.125, wanted 30 to 50', '1,042.5')
    """
    said = f"{load:,.12g}"
    if not low >= 0:
        return said
    return text["wanted"].format(households=said, low=f"{low:,.6g}", high=f"{high:,.6g}")


def with_estimated(text: Mapping[str, str], households: str, part: int | None, whole: int) -> str:
    """Return a number of households with how many of them are estimates, if any are.

    Parameters
    ----------
    text
        The words of a language, as `words` returns them.
    households
        The number, in words.
    part
        The estimates; ``None`` where it is not told how many they are.
    whole
        The number.

    Examples
    --------
    >>> with_estimated(words("en"), "771", 120, 771), with_estimated(words("en"), "9", 9, 9)
    ('771 (of these 120 estimated)', '9 (estimated)')
    """
    if part == 0:
        return households
    if part is None or part >= whole:
        return text["all_estimated"].format(households=households)
    return text["some_estimated"].format(households=households, n=f"{part:,}")
