"""Names of columns, kinds and levels, as they are in the files that gridcell reads and writes."""

from collections.abc import Collection, Iterable
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

LOAD: Final = "load"
"""Column of cells, buildings and atoms, behind the others, in plans whose bands count loads."""
LOADED: Final = ("buildings", "atoms")
"""Inputs whose columns loads may be counted from."""
OF_LOAD: Final = "load_"
"""How columns of buildings begin that keep what loads are counted from."""

LATER_COLUMNS: Final = CELL_COLUMNS[CELL_COLUMNS.index("target") :]
"""Columns of cells that files of earlier versions may lack: all of them or none."""

BAND_FIGURES: Final = {"target": "target", "band_min": "min", "band_max": "max"}
"""Columns of cells that tell their band, and the parts of `gridcell.Band` that they hold."""


def cell_columns(names: Collection[str]) -> tuple[str, ...]:
    """Return `CELL_COLUMNS`, with `LOAD` where it is among the names of a layer's columns."""
    return (*CELL_COLUMNS, LOAD) if LOAD in names else CELL_COLUMNS


def load_columns(names: Iterable[str]) -> list[str]:
    """Return those of the columns of buildings that tell loads and what they are counted from."""
    return [name for name in names if name == LOAD or name.startswith(OF_LOAD)]


GIVEN_COLUMNS: Final = ("valid_from", "responsible", "management")
"""Columns of communities and sites that their cells take over."""

BUILDING_COLUMNS: Final = ("bldg_id", "households", "code")
"""Columns of the plan's buildings: one row a slab."""

BARRIER_COLUMNS: Final = ("kind", "rank", "name")
"""Columns of the plan's barriers."""

HOUSEHOLD_COLUMNS: Final = (
    "household_id", "code", "small", "community", "how", "distance_m", "count", "reason",
)  # fmt: skip
"""Columns of the plan's households: where each is, or the reason why it is nowhere.

One row a line of the register. A line of several households (``count``) whose building is cut into
slabs has one row in each leaf that got some of them. Without a register only households outside
every community are listed, one row a building, without an id."""

STAFF_COLUMNS: Final = ("staff_id", "role", "code", "distance_m")
VACANCY_COLUMNS: Final = ("role", "code", "missing", "reason")
WALK_COLUMNS: Final = (
    "code", "visits", "households", "metres", "minutes", "bound_m", "gap",
)  # fmt: skip
"""How far it is through a leaf, from building to building: ``bound_m`` is what no order falls
below, ``gap`` how much of ``metres`` is above it."""

VISIT_COLUMNS: Final = (
    "code", "visit", "bldg_id", "households", "leg_m", "way", "metres", "minutes",
)  # fmt: skip
"""The order in which the buildings of a leaf are visited: ``visit`` counts from 1, ``leg_m`` leads
there from the one before, on the ``street``, or ``straight`` where none leads there; ``metres`` and
``minutes`` count from the first."""

POINT_COLUMNS: Final = (
    "point_id", "tier", "code", "zone", "community", "place", "existing", "locked", "capacity",
    "households", "buildings", "mean_m", "max_m", "beyond",
)  # fmt: skip
"""Columns of the service points, by tier and id: the leaf in which each stands, the cell that it
serves (missing where that is the whole plan), the candidate that it was (id of a building, site or
point, code of a cell), whether it was given, and whether it had to stay; what it serves, how far
that is on foot, and the households that are farther than they should be."""

SERVED_COLUMNS: Final = ("tier", "point_id", "bldg_id", "households", "distance_m")
"""Who serves each building with households, a row a tier: nobody where there is no way."""

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

PARCEL_RANK: Final = "parcel"
"""Rank of walls that are but lines between parcels."""

BARRIER_KINDS: Final = ("road", "river", "rail", "wall")
"""What a barrier may be in a file; with its rank it makes one of `BARRIER_CLASSES`."""

BARRIER_CLASSES: Final = {
    "arterial": 1.2, "street": 1.0, "path": 0.6, "river": 1.4, "rail": 1.2, "wall": 0.8,
    "parcel": 0.4,
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
    "wall": {"parcel": (PARCEL_RANK,)},
}  # fmt: skip
"""Ranks that tell the class of a barrier, by its kind. Any other road is a street; rivers, rails
and walls are what their kind says, but for waters so narrow that people step across."""

MOTORWAYS: Final = ("motorway", "高速公路")
"""Ranks of roads that nobody walks along."""

_BUILDING_IDS: Final = (
    "building_id", "bldgid", "楼栋编号", "楼栋编码", "楼栋代码", "楼栋ID", "楼栋号", "楼幢编号",
    "楼幢号", "建筑编号", "建筑编码", "建筑代码", "建筑ID", "建筑物编号", "建筑物编码",
    "建筑物代码", "建筑物ID", "房屋编号", "房屋编码", "房屋代码", "房屋ID", "自然幢号", "幢编号",
    "幢号", "栋号", "楼号", "门牌编号", "门牌号", "门牌号码", "门牌", "LDBH", "LDBM", "LDDM",
    "JZBH", "JZBM", "JZWBH", "JZWBM", "FWBH", "FWBM", "FWDM", "ZRZH", "LH", "MPH", "ID_BAT",
    "id_batiment", "num_batiment", "cleabs", "RNB_ID", "id_edificio", "cod_edificio", "REFCAT",
    "referencia_catastral", "UPRN", "osm_id",
)  # fmt: skip
_COUNTS: Final = (
    "总户数", "户数量", "户数合计", "户数总计", "总户", "住户数", "住户数量", "居民户数",
    "家庭户数", "常住户数", "户籍户数", "入住户数", "住宅户数", "户口数", "总户数量", "套数",
    "总套数", "住宅套数", "HS", "ZHS", "HUSHU", "HSL", "ZHSL", "JMHS", "CZHS", "HJHS", "ZZHS",
    "household_count", "num_households", "n_households", "nb_households", "number_of_households",
    "no_of_households", "hh_count", "hhs", "dwellings", "num_dwellings", "number_of_dwellings",
    "dwelling_count", "dwelling_units", "housing_units", "residential_units", "res_units",
    "units_res", "apartments", "num_apartments", "number_of_apartments", "flats", "num_flats",
    "number_of_flats", "building_flats", "NB_LOGTS", "nb_logt", "nb_log", "nb_logements",
    "nombre_de_logements", "nombre_logements", "logements", "nb_menages", "nombre_de_ménages",
    "ménages", "viviendas", "num_viviendas", "n_viviendas", "nro_viviendas", "numero_viviendas",
    "número_de_viviendas", "total_viviendas", "hogares", "num_hogares", "n_hogares",
    "numero_hogares", "número_de_hogares", "total_hogares",
)  # fmt: skip

ALIASES: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "communities": {
        "code": (
            "code", "编码", "代码", "社区编码", "社区代码", "社区ID", "村居代码", "村居编码",
            "村社区代码", "村社区编码", "村级代码", "行政村代码", "村委会代码", "居委会代码",
            "统计代码", "统计用区划代码", "统计区划代码", "行政区代码", "行政区划代码",
            "行政区划编码", "区划代码", "区划编码", "XZQDM", "XZQHDM", "XZCDM", "SQDM", "SQBM",
            "CJDM", "QHDM", "TJDM", "TJYQHDM", "ZLDWDM", "QSDWDM", "community_code",
            "community_id", "area_code", "district_code", "ward_code", "admin_code", "adcode",
            "CODE_INSEE", "INSEE_COM", "INSEE", "CODE_IRIS", "DCOMIRIS", "code_commune",
            "code_quartier", "código", "cod_barrio", "codigo_barrio", "cod_seccion", "CUSEC",
            "CVEGEO", "cve_ageb",
        ),
        "name": (
            "name", "名称", "社区名称", "社区", "村居名称", "村社区名称", "行政村名称", "村名",
            "居委会名称", "居委会", "村居", "行政区名称", "行政区划名称", "区划名称", "XZQMC",
            "XZQHMC", "SQMC", "CJMC", "QHMC", "ZLDWMC", "QSDWMC", "MC", "community_name",
            "area_name", "ward_name", "NOM", "NOM_COM", "NOM_IRIS", "libellé", "nombre", "barrio",
            "NAME_ZH",
        ),
        "large": (
            "large", "街道编码", "街道代码", "乡镇代码", "乡镇编码", "街镇代码", "JDDM", "XZDM",
            "大网格",
        ),
        "n_small": ("n_small", "小网格数"),
        "n_micro": ("n_micro", "微网格数"),
        "small": ("small", "小格户数"),
        "micro": ("micro", "微格户数"),
        "class": ("class", "类别", "类型"),
        "households": ("households", "户数", *_COUNTS),
        "responsible": ("responsible", "责任单位", "管理单位", "责任主体"),
        "management": ("management", "管理类别", "管理类型", "管理方式"),
        "valid_from": ("valid_from", "生效日期", "启用日期", "起始日期"),
    },
    "buildings": {
        "bldg_id": ("bldg_id", *_BUILDING_IDS),
        "households": ("households", "hh", "户数", *_COUNTS),
        "floors": (
            "floors", "levels", "层数", "地上层数", "地上楼层数", "楼层", "楼层数", "总层数",
            "总楼层", "总楼层数", "建筑层数", "房屋层数", "CS", "LC", "LCS", "ZCS", "ZLC", "DSCS",
            "JZCS", "FWCS", "floor_count", "num_floors", "n_floors", "nb_floors", "no_of_floors",
            "number_of_floors", "numberOfFloorsAboveGround", "storeys", "num_storeys", "stories",
            "num_stories", "building_levels", "NB_ETAGES", "nb_etage", "nombre_étages",
            "nombre_d'étages", "étages", "nb_niveaux", "niveaux", "plantas", "num_plantas",
            "n_plantas", "número_de_plantas", "pisos", "num_pisos", "n_pisos", "número_de_pisos",
        ),
        "height": (
            "height", "height_m", "building_height", "bldg_height", "高度", "建筑高度", "楼高",
            "房屋高度", "JZGD", "GD", "HAUTEUR", "altura",
        ),
        "units": (
            "units", "entrances", "entrance_count", "单元数", "单元数量", "总单元数", "DYS",
            "stairwells", "nb_entrées", "portales", "num_portales",
        ),
        "use": (
            "use", "用途", "建筑用途", "房屋用途", "使用性质", "建筑性质", "YT", "JZYT", "FWYT",
            "building_use", "use_type", "USAGE1", "usage", "uso", "currentUse", "building",
        ),
    },
    "households": {
        "household_id": (
            "household_id", "hh_id", "hhid", "户编号", "户编码", "户号", "户ID", "家庭编号",
            "家庭编码", "户籍编号", "住户编号", "HBH", "household_no", "id_ménage", "num_menage",
            "id_hogar", "num_hogar", "cod_hogar",
        ),
        "bldg_id": ("bldg_id", *_BUILDING_IDS),
        "unit": (
            "unit", "单元", "单元号", "单元名称", "DYH", "entrance", "entrée", "escalier",
            "portal", "escalera",
        ),
        "count": ("count", "households", "户数", *_COUNTS),
        "lon": ("lon", "lng", "long", "longitude", "经度", "longitud", "JD"),
        "lat": ("lat", "latitude", "纬度", "latitud", "WD"),
        "x": ("x", "easting", "coord_x", "x_coord"),
        "y": ("y", "northing", "coord_y", "y_coord"),
    },
    "sites": {
        "site_id": ("site_id", "场所编号", "场所编码", "单位编号", "单位编码", "osm_id", "ID"),
        "name": (
            "name", "名称", "单位名称", "场所名称", "机构名称", "DWMC", "MC", "TOPONYME", "NOM",
            "nombre",
        ),
        "category": (
            "category", "类别", "类型", "场所类别", "单位类型", "amenity", "CATEGORIE",
            "catégorie", "categoría",
        ),
        "responsible": ("responsible", "责任单位", "管理单位", "责任主体"),
        "management": ("management", "管理类别", "管理类型", "管理方式"),
        "valid_from": ("valid_from", "生效日期", "启用日期", "起始日期"),
    },
    "barriers": {
        "kind": ("kind", "类型"),
        "rank": ("rank", "等级", "级别", "道路等级", "highway", "waterway", "fclass"),
        "name": ("name", "名称", "道路名称", "NOM", "nombre"),
    },
    "staff": {
        "staff_id": ("staff_id", "人员编号", "人员编码", "员工编号", "工号", "网格员编号"),
        "roles": (
            "roles", "role", "岗位", "岗位类别", "岗位名称", "职务", "职位", "角色", "rôle", "rol",
            "puesto",
        ),
        "bldg_id": ("bldg_id", *_BUILDING_IDS),
        "community": (
            "community", "社区编码", "社区代码", "社区", "所属社区", "所在社区", "村居代码",
            "村居", "community_code", "community_id",
        ),
        "max_cells": ("max_cells",),
        "max_households": ("max_households",),
        "lon": ("lon", "lng", "longitude", "经度"),
        "lat": ("lat", "latitude", "纬度"),
        "x": ("x", "easting"),
        "y": ("y", "northing"),
    },
    "service_points": {
        "point_id": (
            "point_id", "服务点编号", "服务点编码", "点位编号", "编号", "编码", "osm_id", "ID",
        ),
        "tier": ("tier", "层级", "级别", "服务点层级"),
        "locked": ("locked", "锁定", "固定", "保留"),
        "capacity": ("capacity", "容量", "服务户数", "最大户数"),
        "lon": ("lon", "lng", "longitude", "经度"),
        "lat": ("lat", "latitude", "纬度"),
        "x": ("x", "easting"),
        "y": ("y", "northing"),
    },
    "demand": {
        "bldg_id": ("bldg_id", *_BUILDING_IDS),
        "households": ("demand", "需求", "需求量", "households", "户数", *_COUNTS),
    },
    "atoms": {
        "atom_id": ("atom_id", "GEOID20", "GEOID10", "GEOID", "编码", "code"),
        "households": (
            "households", "户数", *_COUNTS, "TOTPOP", "TOTPOP20", "TOTPOP10", "population", "POP",
        ),
    },
}  # fmt: skip
"""Names under which a column is found without a mapping, as `gridcell.tables.names.plain_name` has
them: case, accents, spaces, marks and units in brackets do not matter."""

LAST_ALIASES: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "communities": {
        "code": (
            "osm_id", "ID", "OBJECTID", "FID", "GID", "GEOID", "GEOID20", "CODE_ID", "编号", "序号",
        ),
    },
    "buildings": {"bldg_id": ("osm_id", "ID", "编号", "OBJECTID", "FID", "GID", "序号")},
    "households": {
        "household_id": ("ID", "编号", "序号", "XH", "No", "OBJECTID", "FID", "fid"),
    },
    "staff": {"staff_id": ("ID", "编号", "序号", "XH", "No")},
}  # fmt: skip
"""Names of many meanings, which serve where there is none of `ALIASES` and the column can be meant:
a value in every row, each another."""

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

YES: Final = ("true", "yes", "y", "1", "1.0", "是", "锁定", "保留", "固定")
NO: Final = ("false", "no", "n", "0", "0.0", "否", "")
"""What tables say for yes and no, in lower case."""

YEAR, MONTH, DAY = "年月日"
"""What follows the numbers of a date."""

ROLE_ALIASES: Final[dict[str, tuple[str, ...]]] = {
    "large_chief": ("大网格长", "街道网格长", "乡镇网格长"),
    "community_chief": ("中网格长", "社区网格长", "村网格长"),
    "small_chief": ("小网格长",),
    "dedicated_chief": ("专属网格长",),
    "micro_chief": ("微网格长",),
    "building_chief": ("楼栋长", "楼长"),
    "worker": ("专职网格员", "网格员", "专职工作人员"),
    "police": ("社区民警", "民警"),
}
"""What rosters call the roles that we have, beside what we call them in any language."""

ID_NUMBERS: Final = (
    "身份证", "公民身份号码", "证件号", "护照", "id_card", "idcard", "id card", "id_number",
    "id number", "passport",
)  # fmt: skip
"""Parts of names of columns that hold numbers of identity documents."""

PERSONAL: Final = (
    "姓名", "身份证", "电话", "手机", "联系方式", "民族", "宗教", "病", "残疾", "党员", "出生",
    "full_name", "first_name", "last_name", "surname", "phone", "mobile", "id_card", "id_number",
    "passport", "ethnic", "religion", "health", "disease", "disab", "birth",
)  # fmt: skip
"""Parts of column names that look personal; a household register that has one is refused."""
