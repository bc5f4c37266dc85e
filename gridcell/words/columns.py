"""What columns mean, in English and Chinese."""

from typing import Final

from gridcell.words.terms import TERMS

MEANINGS: Final[dict[str, tuple[str, str]]] = {
    "code": ("Code, unique", "网格编码（唯一）"),
    "label": ("Code as people read it, with its check character", "编码显示（含校验码）"),
    "level": ("Level: 1 large, 2 medium, 3 small, 4 micro", "层级：1大 2中 3小 4微"),
    "grid_type": ("Type: general or dedicated", "网格类型：general综合 dedicated专属"),
    "parent": ("Code of the cell above", "上级网格编码"),
    "community": ("Code of the community", "社区编码"),
    "name": ("Name", "名称"),
    "households": ("Households", "户数"),
    "buildings": (
        "Buildings; one that is divided counts once, in the cell with most of its households",
        "楼栋数（跨格楼栋只计一次，计入其户数最多的网格）",
    ),
    "area_m2": ("Area, m²", "面积（平方米）"),
    "compactness": ("Compactness (Polsby-Popper)", "紧凑度（Polsby-Popper）"),
    "band": ("Households against the band: in, under, over", "户数范围：in达标 under不足 over超出"),
    "reason": ("Why a cell is outside its band", "超出户数范围的原因"),
    "households_are": (
        "How households are told: counted, estimated, hidden (may be few or many)",
        "户数来源：counted统计 estimated估算 hidden不公布（隐去的数可大可小）",
    ),
}

TITLES: Final[dict[str, tuple[str, str]]] = {
    "label": ("Code", "编码"),
    "grid_type": ("Type", "类型"),
    "parent": ("Part of", "上级网格"),
    "households": ("Households", "户数"),
    "buildings": ("Buildings", "楼栋数"),
    "area_m2": ("Area, m²", "面积（平方米）"),
    "band": ("Band", "户数范围"),
    "reason": ("Reason", "原因"),
}
"""Rows of a balloon, in order."""

VALUES: Final[dict[str, tuple[str, str]]] = {
    "general": ("general", "综合网格"),
    "dedicated": ("dedicated", "专属网格"),
    **{band: TERMS[band] for band in ("in", "under", "over")},
    "estimated": ("estimated", "估算"),
    "hidden": ("not published", "不公布"),
}
LEVEL_TITLES: Final[dict[str, tuple[str, str]]] = {
    "large": ("Large grids", "大网格"),
    "medium": ("Communities", "社区（中网格）"),
    "small": ("Small grids", "小网格"),
    "micro": ("Micro grids", "微网格"),
    "leaves": ("Smallest grids", "末级网格"),
}
