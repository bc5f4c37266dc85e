"""Names of columns, kinds and levels, as they are in the files that gridcell reads and writes."""

from typing import Final

LEVELS: Final = {"large": 1, "medium": 2, "small": 3, "micro": 4}
"""Number of each level; ``leaves`` holds cells of levels 3 and 4."""

CELL_LAYERS: Final = (*LEVELS, "leaves")
"""The layers of a plan that hold cells, in order."""

EXPORT_FORMATS: Final = (
    "geojson", "gpkg", "shapefile", "geoparquet", "flatgeobuf", "kml", "csv", "xlsx", "pmtiles",
    "h3",
)  # fmt: skip
"""Formats of exports, as `gridcell.export_plan` names them."""

CELL_COLUMNS: Final = (
    "code", "label", "level", "grid_type", "parent", "community", "name", "households",
    "buildings", "area_m2", "compactness", "band", "reason", "target", "band_min", "band_max",
    "estimated", "valid_from", "valid_to", "responsible", "management",
)  # fmt: skip
"""Columns of every cell layer, in order; the geometry follows. ``households``, ``buildings`` and
``estimated`` (households that are estimates) are sums over a cell's children: a building in several
slabs counts once, in the leaf with most of its households, so that a leaf may hold households and
no building. ``target``, ``band_min`` and ``band_max`` are the band that a general cell was made
for. ``valid_from`` and ``valid_to`` are dates as ``2026-01-31``: the first day of a cell as it is,
and the first on which it is no more."""

LATER_COLUMNS: Final = CELL_COLUMNS[CELL_COLUMNS.index("target") :]
"""Columns of cells that files of earlier versions may lack: all of them or none."""

BAND_FIGURES: Final = {"target": "target", "band_min": "min", "band_max": "max"}
"""Columns of cells that tell their band, and the parts of `gridcell.Band` that they hold."""

GIVEN_COLUMNS: Final = ("valid_from", "responsible", "management")
"""Columns of communities and sites that their cells take over."""

BUILDING_COLUMNS: Final = ("bldg_id", "households", "code")
"""Columns of the plan's buildings: one row a slab."""

HOUSEHOLD_COLUMNS: Final = (
    "household_id", "code", "small", "community", "how", "distance_m", "count", "reason",
)  # fmt: skip
"""Columns of the plan's households: where each is, or the reason why it is nowhere.

One row a line of the register. A line of several households (``count``) whose building is cut into
slabs has one row in each leaf that got some of them. Without a register only households outside
every community are listed, one row a building, without an id."""

STAFF_COLUMNS: Final = ("staff_id", "role", "code", "distance_m")
VACANCY_COLUMNS: Final = ("role", "code", "missing", "reason")
LINEAGE_COLUMNS: Final = ("old", "new", "event", "households", "area_m2", "operation")
"""What became of each code: a row for every new code that has land of an old one. ``event`` is a
key of `LINEAGE_EVENTS`; ``households`` and ``area_m2`` are what the two share, counted in the new
plan; ``operation`` is a number of the history. Of operations before the last, unchanged codes are
left out."""

LINEAGE_EVENTS: Final = {
    "U": "unchanged", "S": "split", "M": "merged", "X": "other", "N": "new", "R": "retired",
}  # fmt: skip

CODE_COLUMNS: Final = (
    "code", "level", "grid_type", "given", "retired", "became", "locked", "valid_from", "valid_to",
)  # fmt: skip
"""Every code of levels 3 and 4 ever given: by which operation, which ended it (missing while in
use), which codes have its land since, separated by ``;``, whether the cell is locked, and dates:
from when it was valid as first given, and the first day on which it was no more."""

UNDO_COLUMNS: Final = ("number", "state")
"""What takes edits back: the number of each, and what it changed, packed."""

HISTORY_COLUMNS: Final = ("number", "operation", "command", "inputs", "changes", "time")
"""Every operation on a plan, numbered from 1: what was asked, digests of the files and counts of
events, both as JSON, and when, where that was asked for."""

ATOM_COLUMNS: Final = ("atom_id", "code", "kind", "households")
"""The land of a plan: its atoms, numbered from 0, and the leaf that each is part of; the geometry
follows, with every vertex."""

BORDER_COLUMNS: Final = ("a", "b", "metres", "barrier", "open", "segments")
"""What lies along the borders of atoms: a row for each run of segments along the ring of atom ``a``
beyond which there is atom ``b``, greater than ``a``, or none (missing: outside all communities).
``barrier`` is a key of `BARRIER_CLASSES` or missing, ``open`` tells whether people get across.
Sorted by ``a``, then along its rings, split where a ring begins."""

FINDING_COLUMNS: Final = (
    "kind", "severity", "cell", "cells", "community", "measure", "message",
)  # fmt: skip
"""Columns of findings; the geometry is the place, a point, or nothing. ``cells`` holds all cells
concerned, separated by ``;``, and ``cell`` the first of them."""

MESSAGE_COLUMNS: Final = ("msgid", "params")
"""What a plan keeps of the messages of its findings beside the English sentence: the key of the
text, and its values as JSON. From these they are said in other languages."""

SEVERITIES: Final = ("error", "warning", "note")
"""Worst first. Only an ``error`` breaks a rule."""

BARRIER_KINDS: Final = ("road", "river", "rail", "wall")
"""What a barrier may be in a file; with its rank it makes one of `BARRIER_CLASSES`."""

BARRIER_CLASSES: Final = {
    "arterial": 1.2, "street": 1.0, "path": 0.6, "river": 1.4, "rail": 1.2, "wall": 0.8,
}  # fmt: skip
"""Classes of barriers in the order of `Fabric.arc_barrier`, and how good a border each is: the
share of the discount on barriers (`Weights.barrier`) that a metre on it gets."""

BARRIER_RANKS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "road": {
        "arterial": (
            "arterial", "motorway", "trunk", "primary", "secondary", "1",
            "高速公路", "快速路", "主干道", "主干路", "次干道", "次干路",
        ),
        "street": (
            "street", "tertiary", "residential", "unclassified", "living_street", "road", "2",
            "支路",
        ),
        "path": (
            "path", "lane", "service", "track", "footway", "cycleway", "steps", "pedestrian",
            "bridleway", "3", "小路", "巷",
        ),
    },
    "river": {"path": ("stream", "ditch", "drain")},
}  # fmt: skip
"""Ranks that tell the class of a barrier, by its kind. Any other road is a street; rivers, rails
and walls are what their kind says, but for waters so narrow that people step across."""

ALIASES: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "communities": {
        "code": (
            "code", "编码", "代码", "社区编码", "社区代码", "行政区代码", "XZQDM", "SQDM",
        ),
        "name": ("name", "名称", "社区名称", "社区", "XZQMC", "SQMC", "MC", "NOM", "NAME_ZH"),
        "large": ("large", "街道编码", "街道代码", "乡镇代码", "大网格"),
        "n_small": ("n_small", "小网格数"),
        "n_micro": ("n_micro", "微网格数"),
        "small": ("small", "小格户数"),
        "micro": ("micro", "微格户数"),
        "class": ("class", "类别", "类型"),
        "households": ("households", "户数", "总户数", "HS"),
        "responsible": ("responsible", "责任单位", "管理单位", "责任主体"),
        "management": ("management", "管理类别", "管理类型", "管理方式"),
        "valid_from": ("valid_from", "生效日期", "启用日期", "起始日期"),
    },
    "buildings": {
        "bldg_id": ("bldg_id", "building_id", "楼栋编号", "楼栋编码", "建筑编号", "osm_id"),
        "households": ("households", "hh", "户数", "住户数", "HS", "NB_LOGTS", "building_flats"),
        "floors": ("floors", "levels", "层数", "楼层", "CS", "NB_ETAGES", "building_levels"),
        "height": ("height", "高度", "HAUTEUR"),
        "units": ("units", "entrances", "单元数", "DYS"),
        "use": ("use", "用途", "USAGE1", "building"),
    },
    "households": {
        "household_id": ("household_id", "hh_id", "户编号", "户号"),
        "bldg_id": ("bldg_id", "building_id", "楼栋编号", "楼栋编码", "建筑编号"),
        "unit": ("unit", "单元", "单元号"),
        "count": ("count", "households", "户数"),
        "lon": ("lon", "lng", "longitude", "经度"),
        "lat": ("lat", "latitude", "纬度"),
        "x": ("x", "easting"),
        "y": ("y", "northing"),
    },
    "sites": {
        "site_id": ("site_id", "场所编号", "osm_id", "ID"),
        "name": ("name", "名称", "单位名称", "场所名称", "TOPONYME"),
        "category": ("category", "类别", "类型", "amenity", "CATEGORIE"),
        "responsible": ("responsible", "责任单位", "管理单位", "责任主体"),
        "management": ("management", "管理类别", "管理类型", "管理方式"),
        "valid_from": ("valid_from", "生效日期", "启用日期", "起始日期"),
    },
    "barriers": {
        "kind": ("kind", "类型"),
        "rank": ("rank", "等级", "级别", "highway", "waterway"),
        "name": ("name", "名称"),
    },
    "staff": {
        "staff_id": ("staff_id", "人员编号", "工号"),
        "roles": ("roles", "role", "岗位", "职务"),
        "bldg_id": ("bldg_id", "building_id", "楼栋编号"),
        "community": ("community", "社区编码", "社区代码"),
        "max_cells": ("max_cells",),
        "max_households": ("max_households",),
        "lon": ("lon", "lng", "经度"),
        "lat": ("lat", "纬度"),
        "x": ("x", "easting"),
        "y": ("y", "northing"),
    },
    "atoms": {
        "atom_id": ("atom_id", "GEOID20", "GEOID10", "GEOID", "编码", "code"),
        "households": (
            "households", "户数", "TOTPOP", "TOTPOP20", "TOTPOP10", "population", "POP",
        ),
    },
}  # fmt: skip
"""Names under which a column is found without a mapping; case does not matter, the first wins."""

CELL_ALIASES: Final[dict[str, tuple[str, ...]]] = {
    "code": (
        *ALIASES["communities"]["code"], "网格编码", "网格代码", "cell", "GEOID20", "GEOID10",
        "GEOID", "osm_id",
    ),
    "label": ("label", "标签"),
    "level": ("level", "层级", "网格层级", "admin_level"),
    "parent": ("parent", "上级编码", "上级代码", "上级网格编码"),
    "community": ("community", "社区编码", "社区代码"),
    "name": ("name", "名称", "网格名称", "cell_name"),
    "grid_type": ("grid_type", "网格类型"),
    "bldg_id": ALIASES["buildings"]["bldg_id"],
    "households": ALIASES["communities"]["households"],
}  # fmt: skip
"""Names under which the columns of cells that somebody drew are found, as in `ALIASES`."""

FIELDS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    **ALIASES,
    "cells": CELL_ALIASES,
    "points": {name: ALIASES["households"][name] for name in ("lon", "lat", "x", "y")},
    "a": {"code": CELL_ALIASES["code"]},
    "b": {"code": CELL_ALIASES["code"]},
}
"""Inputs and their columns, by which a mapping names them: of a division, cells that somebody drew,
points to locate, and the two sides of a crosswalk."""

YEAR, MONTH, DAY = "年月日"
"""What follows the numbers of a date."""

PERSONAL: Final = (
    "姓名", "身份证", "电话", "手机", "民族", "宗教", "病", "残疾", "党员", "出生",
    "full_name", "first_name", "last_name", "surname", "phone", "mobile", "id_card", "id_number",
    "passport", "ethnic", "religion", "health", "disease", "disab", "birth",
)  # fmt: skip
"""Parts of column names that look personal; a household register that has one is refused."""
