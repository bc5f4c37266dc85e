"""The words on sheets and cards, in English and Chinese, beside those of the map."""

from typing import Final

from gridcell.words.maps import words
from gridcell.words.terms import language_number

_WORDS: Final[dict[str, tuple[str, str]]] = {
    "atlas_small": ("Atlas of small grids", "小网格图册"),
    "atlas_micro": ("Atlas of micro grids", "微网格图册"),
    "overview": ("Overview", "总览"),
    "index": ("Index", "索引"),
    "grid": ("Grid", "网格"),
    "label": ("Label", "网格标签"),
    "page": ("Page", "页"),
    "page_n": ("p. {n}", "第{n}页"),
    "figures": ("Figures", "基本情况"),
    "posts": ("Posts", "岗位"),
    "posts_above": ("Also responsible", "上级岗位"),
    "role": ("Post", "岗位"),
    "holder": ("Held by", "责任人"),
    "vacant": ("vacant", "空缺"),
    "nobody": ("no staff in this plan", "本方案无人员信息"),
    "n_buildings": ("Buildings", "楼栋数"),
    "part": ("part", "部分"),
    "part_of": ("part of {id}", "{id} 的一部分"),
    "bldgs": ("Bldgs", "楼栋"),
    "area": ("Area", "面积"),
    "n_micro": ("Micro grids", "微网格数"),
    "in_band_note": ("{value} ({low} to {high})", "{value}（{low}～{high}户）"),
    "more": ("and {n} more", "另有{n}项"),
    "unnumbered": ("Not numbered for lack of room: {ids}", "因空间不足未标注：{ids}"),
    "shortened": (
        "Buildings carry the last {n} characters of their numbers.",
        "楼栋仅标编号末{n}位。",
    ),
    "legend_own": ("This grid", "本网格"),
    "legend_building": ("Its buildings", "本网格建筑"),
    "legend_inner": ("Micro grids and their numbers", "微网格及编号"),
    "legend_near": ("Other grids", "相邻网格"),
    "legend_community": ("Communities", "社区界线"),
    "legend_barriers": ("Road, water, railway", "道路、水面、铁路"),
    "north": ("N", "北"),
    "comma": (", ", "、"),
    "m2": ("m²", "平方米"),
    "km2": ("km²", "平方公里"),
    "card_micro": ("Micro grid contacts", "微网格联系卡"),
    "card_household": ("Contact card", "便民联系卡"),
    "household": ("Household", "户编号"),
}


def atlas_words(lang: str) -> dict[str, str]:
    """Return every word of a language by its key, those of the map among them.

    Raises
    ------
    InputError
        For a language that there is not.
    """
    said = words(lang)
    column = language_number(lang)
    return said | {key: texts[column] for key, texts in _WORDS.items()}
