"""What the values of a plan are called in each language: types, bands, roles, reasons."""

import re
from collections.abc import Callable
from typing import Final

from gridcell.errors import InputError

LANGUAGES: Final = ("en", "zh")

TERMS: Final[dict[str, tuple[str, str]]] = {
    "general": ("General grid", "综合网格"),
    "dedicated": ("Dedicated grid", "专属网格"),
    "in": ("in band", "达标"),
    "under": ("under", "不足"),
    "over": ("over", "超出"),
    "large_chief": ("Large-grid chief", "大网格长"),
    "community_chief": ("Community chief", "中网格长"),
    "small_chief": ("Small-grid chief", "小网格长"),
    "dedicated_chief": ("Dedicated-grid chief", "专属网格长"),
    "micro_chief": ("Micro-grid chief", "微网格长"),
    "building_chief": ("Building chief", "楼栋长"),
    "worker": ("Full-time worker", "专职网格员"),
    "police": ("Police officer", "社区民警"),
    "capacity": ("capacity", "承载已满"),
    "nobody eligible": ("nobody eligible", "无合适人选"),
}
"""Types of cells, bands, the usual roles and the reasons of vacancies, by `LANGUAGES`."""


def language_number(lang: str) -> int:
    """Return the place of a language in `LANGUAGES`, and so in every pair of texts.

    Raises
    ------
    InputError
        For any other language.
    """
    if lang not in LANGUAGES:
        raise InputError(f"language {lang!r}: expected one of {', '.join(LANGUAGES)}")
    return LANGUAGES.index(lang)


def term(key: str, lang: str) -> str:
    """Return a value of a plan in a language; one that is no term, as a role of your own, stays."""
    number = language_number(lang)
    return TERMS[key][number] if key in TERMS else key


def say_reason(reason: str, lang: str) -> str:
    """Return why a cell is outside its band, in a language.

    Plans keep reasons in English, as `gridcell.partition.reasons` words them. A reason that
    somebody else wrote stays as it is.

    Parameters
    ----------
    reason
        A value of the column ``reason``.
    lang
        One of `LANGUAGES`.
    """
    if language_number(lang) == 0:
        return reason
    for pattern, say in _REASONS:
        if found := pattern.fullmatch(reason):
            return say(found)
    return reason


_PIECE: Final = "this separate piece of "
_ABOVE: Final = {"its community": "本社区", "its small grid": "所在小网格"}
_COUNTED: Final = {"building": "栋楼", "atom": "个地块", "neighbour": "个相邻网格"}
_LAND: Final = f"(?P<land>(?:{_PIECE})?(?:{'|'.join(_ABOVE)}))"
_CELLS: Final = r"(?P<least>\d+) to (?P<most>\d+)"
_HELD: Final = r"(?P<n>\d+) households in (?P<k>\d+) (?P<what>building|atom)s?"


def _land(found: re.Match[str]) -> str:
    land = found["land"]
    above = _ABOVE[land.removeprefix(_PIECE)]
    return f"{above}中这一独立地块" if land.startswith(_PIECE) else above


def _held(found: re.Match[str]) -> str:
    return f"{found['k']}{_COUNTED[found['what']]}共{found['n']}户"


_REASONS: Final[list[tuple[re.Pattern[str], Callable[[re.Match[str]], str]]]] = [
    (
        re.compile(r"(?P<what>building|atom) (?P<name>.*) alone holds (?P<n>\d+) households"),
        lambda m: f"{'楼栋' if m['what'] == 'building' else '地块'}{m['name']}一处即有{m['n']}户",
    ),
    (
        re.compile(f"{_LAND} holds only (?P<n>\\d+) households"),
        lambda m: f"{_land(m)}仅有{m['n']}户",
    ),
    (
        re.compile(
            f"the (?P<n>\\d+) households of {_LAND} divide into no number of cells of {_CELLS}"
        ),
        lambda m: f"{_land(m)}共{m['n']}户，分成几个网格都无法均为{m['least']}至{m['most']}户",
    ),
    (
        re.compile("nobody lives on this land, and no neighbour can take it in"),
        lambda _: "此地无人居住，也没有相邻网格可以并入",
    ),
    (
        re.compile(
            f"{_HELD}; no division of it and (?P<tried>\\d+) neighbours? has more cells of "
            f"{_CELLS}: all were gone through"
        ),
        lambda m: (
            f"{_held(m)}；已穷尽与{m['tried']}{_COUNTED['neighbour']}的全部划法，"
            f"没有一种能让更多网格达到{m['least']}至{m['most']}户"
        ),
    ),
    (
        re.compile(f"{_HELD}; no exchange with a neighbour was found that brings it into {_CELLS}"),
        lambda m: f"{_held(m)}；未找到能使其达到{m['least']}至{m['most']}户的相邻调整",
    ),
]
"""Sentences of `gridcell.partition.reasons`, and how each is said in Chinese."""
