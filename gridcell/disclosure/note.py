"""What every published file says of itself."""

from typing import Final

_NOTES: Final = {
    "en": "Published: counts only. Tables of households, staff and buildings are left out. "
    "Counts of 1 to {most} households are hidden, and others with them, so that no sum or "
    "difference of what is published here gives them away; a hidden count may be small or large.",
    "zh": "公布版：仅含统计数，不含住户表、人员表及楼栋表。1 至 {most} 户的数不公布，"
    "并同时隐去其他部分数，使本次公布的数据任何加减都无法推出；隐去的数可大可小。",
}


def publication_note(threshold: int, lang: str = "en") -> str:
    """Return the note, in ``en`` or ``zh``."""
    return _NOTES[lang].replace("{most}", str(threshold - 1))
