"""The words on maps and sheets, in English and Chinese, with those for the values of a plan."""

from typing import Final

from gridcell.words.terms import TERMS, language_number

_WORDS: Final[dict[str, tuple[str, str]]] = {
    "plan": ("Service grid plan", "服务网格划分方案"),
    "large": ("Large grids", "大网格"),
    "medium": ("Communities (medium grids)", "社区（中网格）"),
    "small": ("Small grids", "小网格"),
    "small_general": ("Small grids, general", "小网格（综合）"),
    "small_dedicated": ("Dedicated grids", "专属网格"),
    "micro": ("Micro grids", "微网格"),
    "one_large": ("Large grid", "大网格"),
    "one_medium": ("Community", "社区"),
    "one_small": ("Small grid", "小网格"),
    "one_micro": ("Micro grid", "微网格"),
    "names": ("Names", "名称"),
    "outside": ("Outside the band", "超出户数范围"),
    "buildings": ("Buildings", "建筑"),
    "barriers": ("Roads, rivers, railways", "道路、河流、铁路"),
    "findings": ("Findings", "问题"),
    "findings_error": ("Findings: errors", "问题：错误"),
    "findings_warning": ("Findings: warnings", "问题：警告"),
    "findings_note": ("Findings: notes", "问题：提示"),
    "no_findings": ("none", "无"),
    "households": ("Households", "户数"),
    "unit": ("hh", "户"),
    "estimated": ("estimated", "估算"),
    "unassigned": ("Households not assigned", "未分配户数"),
    "in_band_small": ("Small grids in band", "小网格达标"),
    "in_band_micro": ("Micro grids in band", "微网格达标"),
    "of": ("of", "/"),
    "coverage": ("Exact coverage", "无缝无重叠"),
    "proven": ("proven", "已验证"),
    "disproven": ("not given", "未满足"),
    "unchecked": ("not checked", "未检查"),
    "band": ("Band", "户数范围"),
    "reason": ("Reason", "原因"),
    "error": ("error", "错误"),
    "warning": ("warning", "警告"),
    "note": ("note", "提示"),
    "search": ("Find a code or name", "查找编码或名称"),
    "legend": ("Legend", "图例"),
    "cluster": ("findings here; click to come nearer", "个问题，点击放大"),
    "more": ("more, listed in plan.gpkg", "条，见 plan.gpkg"),
    "too_many_buildings": ("too many to draw; see plan.gpkg", "数量过多，未绘制，见 plan.gpkg"),
    "precision": (
        "Drawn to about 0.1 m. Exact borders are in plan.gpkg.",
        "绘制精度约 0.1 米，精确边界见 plan.gpkg。",
    ),
    "road": ("Road", "道路"),
    "river": ("River", "河流"),
    "rail": ("Railway", "铁路"),
    "wall": ("Wall", "围墙"),
    "outside_under": ("Households under the band", "户数不足"),
    "outside_over": ("Households over the band", "户数超出"),
    "legend_general": ("General grid (neighbours differ)", "综合网格（相邻异色）"),
    "by_cell": ("Colours tell grids apart", "按网格着色"),
    "by_load": ("Colours tell households", "按户数着色"),
    "load_0": ("far under the band", "远低于范围"),
    "load_1": ("under the band", "低于范围"),
    "load_2": ("in band, lower third", "达标，偏低"),
    "load_3": ("in band, middle", "达标，居中"),
    "load_4": ("in band, upper third", "达标，偏高"),
    "load_5": ("over the band", "高于范围"),
    "load_6": ("far over the band", "远高于范围"),
    "per_small": ("Households per small grid", "小网格户数"),
    "per_micro": ("Households per micro grid", "微网格户数"),
    "own_bands": (
        "Communities have bands of their own; each grid is judged by its own.",
        "各社区户数范围不同，网格按本社区范围判断。",
    ),
    "vacancies": ("Vacancies", "空缺岗位"),
    "vacant": ("vacant", "空缺"),
    "vacant_here": ("posts vacant here; click to come nearer", "个岗位空缺，点击放大"),
    "house_colours": ("Buildings: one colour a leaf grid", "建筑：同一末级网格同色"),
    "water": ("Water", "水面"),
    "base_map": ("Base map", "底图"),
    "no_match": ("nothing found", "未找到"),
    "open_page": ("Open the page of this community", "打开该社区页面"),
    "all_communities": ("All communities", "全部社区"),
    "pages": ("Pages of the communities", "各社区页面"),
    "neighbour": ("Neighbouring community", "相邻社区"),
    "overview": (
        "Overview, drawn to about {m} m; buildings are on the pages. Exact borders: plan.gpkg.",
        "总览图，绘制精度约 {m} 米。建筑见各社区页面，精确边界见 plan.gpkg。",
    ),
    "coarse": (
        "Drawn to about {m} m. Exact borders are in plan.gpkg.",
        "绘制精度约 {m} 米，精确边界见 plan.gpkg。",
    ),
    "zoom_in": ("Zoom in", "放大"),
    "zoom_out": ("Zoom out", "缩小"),
    "layers": ("Layers", "图层"),
    "close": ("Close", "关闭"),
    "hidden": ("not published", "不公布"),
}


def words(lang: str) -> dict[str, str]:
    """Return every word of a language by its key.

    Raises
    ------
    InputError
        For a language other than `LANGUAGES`.
    """
    column = language_number(lang)
    values = {key: TERMS[key] for key in ("general", "dedicated", "in", "under", "over")}
    return {key: texts[column] for key, texts in (values | _WORDS).items()}
