"""What the values of a plan are called in each language: types, bands, roles."""

from typing import Final

from gridcell.words.catalogue import LANGUAGES, require_language

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
    return LANGUAGES.index(require_language(lang))


def term(key: str, lang: str) -> str:
    """Return a value of a plan in a language; one that is no term, as a role of your own, stays."""
    number = language_number(lang)
    return TERMS[key][number] if key in TERMS else key
