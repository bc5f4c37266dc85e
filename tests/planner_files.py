"""Files that a planner might send, made by chance, and what becomes of them.

A town of four communities and 48 buildings is written under real field names of four languages,
with figures and codes as spreadsheets leave them. Read and counted, each must give the households
that are true, or one message that names the column. ``python tests/planner_files.py 1000`` tells
how many of so many files did which.
"""

import sys
import tempfile
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import shapely

from gridcell.errors import GridcellError
from gridcell.households import count_households
from gridcell.read import read_layers

CRS = "EPSG:4547"
SIDE, EACH = 400.0, 12
NAMES: dict[str, dict[str, tuple[str, ...]]] = {
    "zh": {
        "code": ("SQBM", "ZLDWDM", "村居代码", "统计代码", "行政区划代码", "XZQDM", "社区编码",
                 "OBJECTID", "SQ_KEY"),
        "bldg_id": ("楼号", "房屋编号", "幢号", "门牌号", "LDBH", "建筑物编码", "自然幢号", "JZID"),
        "households": ("总户数", "户数量", "ZHS", "户数（户）", "住户数", "户籍户数", "HS", "户 数",
                       "登记家数", "RHS"),
        "floors": ("总层数", "地上层数", "LC", "楼层数", "建筑层数"),
        "household_id": ("户编号", "户号", "序号", "住户编号", "BH_H"),
        "noise": ("SHAPE_Area", "建成年份", "人口", "XH", "备注"),
    },
    "en": {
        "code": ("osm_id", "ID", "community_code", "Area Code", "ward_code", "KEYCODE"),
        "bldg_id": ("building_id", "Bldg ID", "osm_id", "UPRN", "ref"),
        "households": ("Apartments", "building:flats", "Households", "num_dwellings",
                       "Dwelling Units", "FLATS", "hh_count", "occupied_du"),
        "floors": ("building:levels", "Storeys", "num_floors", "Floors"),
        "household_id": ("household_id", "HH ID", "ID", "case_no"),
        "noise": ("Shape_Area", "year_built", "population", "notes"),
    },
    "fr": {
        "code": ("CODE_IRIS", "INSEE_COM", "code_quartier", "ID", "CLE_Q"),
        "bldg_id": ("cleabs", "id_batiment", "RNB_ID", "ref_bat"),
        "households": ("NB_LOGTS", "nb_logements", "Nombre de logements", "Ménages", "nb_rp"),
        "floors": ("NB_ETAGES", "Nombre d'étages", "niveaux"),
        "household_id": ("id_ménage", "num_menage", "ref_men"),
        "noise": ("surface", "annee", "habitants", "remarque"),
    },
    "es": {
        "code": ("CUSEC", "código", "cod_barrio", "OBJECTID", "clave_b"),
        "bldg_id": ("REFCAT", "id_edificio", "referencia_catastral", "finca"),
        "households": ("viviendas", "num_viviendas", "Número de viviendas", "hogares", "viv_ppal"),
        "floors": ("plantas", "num_plantas", "Número de plantas", "pisos"),
        "household_id": ("id_hogar", "num_hogar", "expediente"),
        "noise": ("superficie", "anyo", "habitantes", "notas"),
    },
}  # fmt: skip
"""Field names of real files by language; the last ones of each list are nobody's standard."""
_ODD = {"code": 1, "bldg_id": 1, "households": 2, "household_id": 1}
"""How many names at the end of a list are nobody's standard."""
FIGURES = ("plain", "float", "text", "unit", "wide", "thousands", "sparse", "twice", "register")
CODES = ("text", "float", "text_float", "scientific", "lost", "zeros")


@dataclass(slots=True)
class Case:
    """Files, and what is true of them."""

    communities: Path
    buildings: Path
    register: Path | None
    truth: dict[int, int | None]
    """Households by the place of the building; ``None`` where the file has no figure."""
    columns: tuple[str, ...]
    """Columns that a message may have to name."""
    traits: dict[str, str] = field(default_factory=dict)

    @property
    def is_clear(self) -> bool:
        """Whether names and values leave nothing to ask for."""
        odd = {c for names in NAMES.values() for key in _ODD for c in names[key][-_ODD[key] :]}
        return (
            not odd & set(self.columns)
            and self.traits["figures"] != "twice"
            and self.traits["codes"] != "lost"
            and self.traits["swapped"] == "no"
            # Cut to ten bytes, some names of two columns are one.
            and not (".shp" in self.traits["b"] and "Número de viviendas" in self.columns)
            and not (".shp" in self.traits["a"] and "行政区划代码" in self.columns)
        )


def make_case(seed: int, folder: Path) -> Case:
    """Return the files of one planner, the same for a seed."""
    rng = np.random.default_rng(seed)

    def pick(values: Any) -> str:
        return str(values[int(rng.integers(len(values)))])

    lang = pick(tuple(NAMES))
    name = {key: pick(names) for key, names in NAMES[lang].items()}
    traits = {
        "lang": lang, "figures": pick(FIGURES), "codes": pick(CODES),
        "swapped": "yes" if rng.random() < 0.06 else "no",
    }  # fmt: skip
    land, built, truth = _town(rng)
    codes = [f"{450802001 + k // 2}{1 + k:03}" for k in range(4)]
    if traits["codes"] == "zeros":
        codes = [f"0{k + 1}004001" for k in range(4)]
    land[name["code"]] = _codes(codes, traits["codes"])
    floors = rng.integers(1, 30, len(built))
    built[name["floors"]] = floors
    ids = [f"{3 + k:04}" if lang == "zh" else f"B{k}" for k in range(len(built))]
    built[name["bldg_id"]] = ids
    built[name["noise"]] = rng.integers(1950, 2024, len(built))
    asked = [name["code"], name["bldg_id"], name["households"]]
    register = None
    if traits["figures"] == "register":
        asked.append(name["household_id"])
        register = _register(rng, folder, name, lang, ids, truth, pick)
    else:
        built[name["households"]] = _figures(rng, truth, traits["figures"], lang, pick)
        if traits["figures"] == "twice":
            # Of two columns both are known names, and none is ours, which comes first.
            known = [n for n in NAMES[lang]["households"][:-2] if n != "Households"]
            name["households"], other = rng.permutation(known)[:2].tolist()
            built = built.rename(columns={built.columns[-1]: name["households"]})
            asked.append(name["households"])
            built[other] = [held + 1 for held in truth.values()]
            asked.append(other)
        if traits["figures"] == "sparse":
            known = built[name["households"]].notna()
            truth = {k: truth[k] if known[k] else None for k in truth}
    one = _write(land, folder / "a", pick, traits)
    two = _write(built, folder / "b", pick, traits)
    if traits["swapped"] == "yes":
        one, two = two, one
    return Case(one, two, register, truth, tuple(asked), traits)


def judge(case: Case) -> str:
    """Return what became of the files: ``true``, ``told`` or what is wrong."""
    try:
        layers = read_layers(case.communities, case.buildings, households=case.register)
        counted = count_households(layers)
    except GridcellError as error:
        said = str(error)
        named = any(_cut(column) in said for column in case.columns) or "swapped" in said
        return "told" if named else f"refused without a column: {said}"
    assert layers.buildings is not None
    said = " ".join(finding.message for finding in (*layers.findings, *counted.findings))
    place = _places(layers.buildings.to_crs(CRS))
    if sorted(place) != sorted(case.truth):
        return "buildings are missing"
    wrong_rows = [
        row
        for row, (k, held, guess) in enumerate(
            zip(place, counted.households, counted.is_estimate, strict=True)
        )
        if (not guess and case.truth[k] != held) or (guess and case.truth[k] is not None)
    ]
    if not wrong_rows:
        some = any(held is None for held in case.truth.values())
        return "true" if not some or "have a figure" in said else "sparse figures untold"
    if "have no figure and count as 0" in said and not counted.households[wrong_rows].any():
        # Half of the buildings have figures: a register, whose gaps are told.
        return "true"
    unread = said.partition("not read")[2]
    asks = case.register is not None or counted.is_estimate.all()
    if asks and any(_cut(column) in unread for column in case.columns):
        return "told"
    return f"{len(wrong_rows)} buildings wrong: {said}"


def _town(rng: np.random.Generator) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, dict[int, int]]:
    x, y = 500_000.0, 2_560_000.0
    land = [
        shapely.box(x + SIDE * i, y + SIDE * j, x + SIDE * (i + 1), y + SIDE * (j + 1))
        for i in range(2) for j in range(2)
    ]  # fmt: skip
    built = [
        shapely.box(px := x + 20 + 50 * (k % 15), py := y + 20 + 60 * (k // 15), px + 14, py + 12)
        for k in range(4 * EACH)
    ]
    held = rng.choice([0, 1, 8, 24, 60, 1200], len(built), p=[0.05, 0.15, 0.3, 0.3, 0.15, 0.05])
    return (
        gpd.GeoDataFrame(geometry=land, crs=CRS), gpd.GeoDataFrame(geometry=built, crs=CRS),
        dict(enumerate(held.tolist())),
    )  # fmt: skip


def _places(built: gpd.GeoDataFrame) -> list[int]:
    west, south = built.bounds["minx"].to_numpy(), built.bounds["miny"].to_numpy()
    column = np.round((west - 500_020) / 50).astype(int)
    return (column + 15 * np.round((south - 2_560_020) / 60).astype(int)).tolist()


def _codes(codes: list[str], how: str) -> list[Any]:
    if how == "float":
        return [float(code) for code in codes]
    if how == "text_float":
        return [f"{code}.0" for code in codes]
    if how == "scientific":
        return [f"{int(code):.{len(code.lstrip('0')) - 1}E}" for code in codes]
    if how == "lost":
        return [f"{int(code):.5E}" for code in codes]
    return [code.lstrip("0") if how == "zeros" else code for code in codes]


def _figures(
    rng: np.random.Generator, truth: dict[int, int], how: str, lang: str, pick: Any
) -> "pd.Series[Any]":
    unit = {"zh": "户", "en": " flats", "fr": " logements", "es": " viviendas"}[lang]
    values: list[Any] = list(truth.values())
    if how == "float":
        values = [float(value) for value in values]
    elif how == "text":
        values = [pick((f"{value}", f" {value}", f"{value}.0", f"{value},0")) for value in values]
    elif how == "unit":
        values = [f"{value}{unit}" for value in values]
    elif how == "wide":
        values = ["".join(chr(ord(c) + 0xFEE0) for c in str(value)) for value in values]
    elif how == "thousands":
        mark = pick((",", " ", "千" if lang == "zh" else ","))
        values = [
            f"{v / 1000:g}千" if mark == "千" and v >= 1000 else f"{v:,}".replace(",", mark)
            for v in values
        ]
    elif how == "sparse":
        share = float(rng.choice([0.03, 0.2, 0.4]))
        known = rng.random(len(values)) < share
        known[0] = True
        return pd.Series([v if k else None for v, k in zip(values, known, strict=True)])
    return pd.Series(values)


def _register(
    rng: np.random.Generator, folder: Path, name: dict[str, str], lang: str, ids: list[str],
    truth: dict[int, int], pick: Any,
) -> Path:  # fmt: skip
    rows: list[list[Any]] = [
        [f"h{k}", ids[k], held] for k, held in truth.items() if held
    ]  # fmt: skip
    header = [name["household_id"], name["bldg_id"], name["households"]]
    titles = [
        [],
        [["Register 2026"]],
        [["凤凰社区户籍登记表"], [], ["填表日期：2026年9月", None, "表1"]],
    ]
    top = titles[int(rng.integers(3))]
    if pick((".csv", ".xlsx")) == ".xlsx":
        path, book = folder / "r.xlsx", openpyxl.Workbook()
        for row in (*top, header, *rows):
            book.active.append(row)
        book.save(path)
        return path
    path = folder / "r.csv"
    mark = ";" if lang in ("fr", "es") else ","
    lines = [mark.join("" if c is None else str(c) for c in row) for row in (*top, header, *rows)]
    path.write_bytes("\n".join(lines).encode("gb18030" if lang == "zh" else "utf-8"))
    return path


def _write(frame: gpd.GeoDataFrame, stem: Path, pick: Any, traits: dict[str, str]) -> Path:
    frame = frame.to_crs(pick((CRS, CRS, "EPSG:4326", "EPSG:4490", "EPSG:32649")))
    kind = pick((".gpkg", ".geojson", ".parquet", ".shp"))
    traits[stem.name] = f"{kind} {frame.crs.to_string()}"
    path = stem.with_suffix(kind)
    if kind == ".parquet":
        frame.to_parquet(path)
    elif kind == ".shp":
        coding = pick(("UTF-8", "GB18030")) if traits["lang"] == "zh" else "UTF-8"
        short = {
            c: _cut(str(c), "gbk" if coding == "GB18030" else "utf-8")
            for c in frame.columns if c != "geometry"
        }  # fmt: skip
        if len(set(short.values())) < len(short):
            # Two names that are cut to one: no planner's program writes that.
            return _write(frame, stem, lambda values: str(values[0]), traits)
        frame.rename(columns=short).to_file(path, encoding=coding)
    else:
        if kind == ".geojson":
            frame = frame.to_crs(4326)
        frame.to_file(path)
    return path


def _cut(column: str, coding: str = "utf-8") -> str:
    """Return what a shapefile keeps of a name."""
    return column.encode(coding)[:10].decode(coding, errors="ignore")


def main() -> None:
    """Make and judge so many files, and tell."""
    warnings.simplefilter("ignore")
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    begin = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    became: Counter[str] = Counter()
    for seed in range(begin, begin + count):
        with tempfile.TemporaryDirectory() as folder:
            case = make_case(seed, Path(folder))
            said = judge(case)
        became[said if said in ("true", "told") else "third"] += 1
        became["told where nothing had to be asked"] += case.is_clear and said == "told"
        if said not in ("true", "told") or (case.is_clear and said == "told"):
            sys.stdout.write(f"{seed} {case.traits} {case.columns}\n  {said[:600]}\n")
    sys.stdout.write(f"{dict(became)}\n")


if __name__ == "__main__":
    main()
