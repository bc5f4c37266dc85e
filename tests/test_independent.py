"""Every hard rule, recomputed from the written files alone: no code of the checks is used here."""

import copy
import itertools
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

from gridcell.sample import make_sample, write_sample

ROOT = Path(__file__).parents[1]
LEVELS = {"large": 1, "medium": 2, "small": 3, "micro": 4}
COVERING = ("large", "medium", "small", "leaves")
GBK = ROOT / "data" / "samples" / "gbk_cgcs2000"


@dataclass
class Output:
    """What a run was given and what it wrote."""

    communities: gpd.GeoDataFrame
    buildings: gpd.GeoDataFrame
    register: pd.DataFrame | None
    sites: int
    gpkg: dict[str, pd.DataFrame]
    geojson: dict[str, gpd.GeoDataFrame]
    report: dict


def partition(*arguments: object) -> None:
    path = os.pathsep.join([str(ROOT), str(ROOT / "cli")])
    subprocess.run(
        [sys.executable, "-m", "gridcell_cli", "partition", *map(str, arguments), "-q"],
        check=True, env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip


def read_output(folder: Path, communities, buildings, register=None, sites=0) -> Output:
    file = folder / "plan.gpkg"
    return Output(
        communities=communities,
        buildings=buildings,
        register=register,
        sites=sites,
        gpkg={
            name: pyogrio.read_dataframe(file, layer=name)
            for name in pyogrio.list_layers(file)[:, 0]
        },
        geojson={
            level: read_geojson(folder / "geojson" / f"{level}.geojson")
            for level in (*LEVELS, "leaves")
        },
        report=json.loads((folder / "report.json").read_text("utf-8")),
    )


def read_geojson(path: Path) -> gpd.GeoDataFrame:
    features = json.loads(path.read_text("utf-8"))["features"]
    return gpd.GeoDataFrame(
        pd.DataFrame([f["properties"] for f in features]),
        geometry=[shapely.geometry.shape(f["geometry"]) for f in features],
        crs=4326,
    )


@pytest.fixture(scope="module")
def town(tmp_path_factory) -> Output:
    folder = tmp_path_factory.mktemp("independent")
    sample = make_sample(households=2000, seed=1, communities=2)
    write_sample(sample, folder / "town")
    files = folder / "town"
    partition(
        files / "communities.shp", files / "buildings.shp", "-o", folder / "plan",
        "--households", files / "households.csv", "--sites", files / "sites.shp",
        "--barriers", files / "roads.shp", "--barriers", files / "rivers.shp",
        "--staff", files / "staff.csv",
    )  # fmt: skip
    return read_output(
        folder / "plan",
        pyogrio.read_dataframe(files / "communities.shp"),
        pyogrio.read_dataframe(files / "buildings.shp"),
        pd.read_csv(files / "households.csv", dtype=str),
        len(sample.sites),
    )


@pytest.fixture(scope="module")
def planners(tmp_path_factory) -> Output:
    folder = tmp_path_factory.mktemp("planners")
    partition(
        GBK / "communities.shp", GBK / "buildings.shp", "-o", folder / "plan",
        "--barriers", GBK / "roads.shp",
    )  # fmt: skip
    names = {"编码": "code", "楼栋编号": "bldg_id", "户数": "households"}
    communities, buildings = (
        pyogrio.read_dataframe(GBK / f"{name}.shp", encoding="GBK").rename(columns=names)
        for name in ("communities", "buildings")
    )
    return read_output(folder / "plan", communities, buildings)


def faults(out: Output) -> list[str]:
    """Return everything that is not as promised."""
    return [
        *land_faults("gpkg", out.gpkg),
        *land_faults("geojson", out.geojson),
        *boundary_faults(out),
        *code_faults(out),
        *column_faults(out),
        *building_faults(out),
        *household_faults(out),
        *report_faults(out),
    ]


def segments(geometry) -> Counter:
    """Count directed border segments, by their exact coordinates."""
    count: Counter = Counter()
    for ring in shapely.get_rings(shapely.get_parts(np.asarray(geometry))):
        xy = [tuple(point) for point in shapely.get_coordinates(ring).tolist()]
        count.update(itertools.pairwise(xy))
    return count


def land_faults(where: str, layers) -> list[str]:
    """Gaps, overlaps, unmatched edges, nesting, pieces, in the coordinates as they are."""
    found = []
    rims = {}
    for level in (*LEVELS, "leaves"):
        cells = layers[level]
        shape = np.asarray(cells.geometry)
        if not shapely.is_valid(shape).all() or shapely.is_empty(shape).any():
            found.append(f"{where} {level}: invalid or empty")
            return found
        # Shells run one way round, holes the other, so that each border is drawn once from
        # either side.
        turned = shapely.orient_polygons(shape)
        if where == "geojson" and not shapely.equals_identical(shape, turned).all():
            found.append(f"{where} {level}: not right-handed")
        drawn = segments(turned)
        if max(drawn.values(), default=0) > 1:
            found.append(f"{where} {level}: a border is drawn twice from one side")
        if level in COVERING:
            rims[level] = {edge for edge in drawn if edge[::-1] not in drawn}
        a, b = shapely.STRtree(shape).query(shape, predicate="intersects")
        a, b = a[a < b], b[a < b]
        over = shapely.area(shapely.intersection(shape[a], shape[b]))
        if over.size and over.max() > 1e-6 * shapely.area(shape).min():
            found.append(f"{where} {level}: overlap of {over.max()}")
    found += [
        f"{where} {level}: {len(rims[level] ^ rims['large'])} edges do not match"
        for level in COVERING
        if rims[level] != rims["large"]
    ]
    above = {"medium": "large", "small": "medium", "micro": "small", "leaves": "small"}
    for level, parents in above.items():
        land = layers[parents].set_index("code").geometry
        cells = layers[level]
        parent = cells["parent"].where(~cells["code"].isin(land.index), cells["code"])
        for code, own in cells.geometry.groupby(parent):
            union = shapely.union_all(np.asarray(own))
            rest = land[code].symmetric_difference(union).area
            if rest > 1e-9 * land[code].area:
                found.append(f"{where} {level}: {rest} of {code} left or beyond")
        divided = layers[parents].loc[layers[parents]["code"].isin(parent), "code"]
        if level != "micro" and len(divided) != len(layers[parents]):
            found.append(f"{where} {level}: a cell of {parents} without children or leaf")
        parts = shapely.get_num_geometries(np.asarray(cells.geometry))
        if (parts[(cells["grid_type"] == "general").to_numpy()] > 1).any():
            found.append(f"{where} {level}: not one piece")
    return found


def boundary_faults(out: Output) -> list[str]:
    """Communities are where they were: to the millimetre grid of the work."""
    given = out.communities.set_index("code").geometry
    drawn = out.gpkg["medium"].set_index("code").geometry
    if sorted(given.index) != sorted(drawn.index):
        return ["other communities"]
    return [
        f"boundary of {code} moved"
        for code in given.index
        if given[code].symmetric_difference(drawn[code]).area > 1e-4 * given[code].length
        or given[code].hausdorff_distance(drawn[code]) > 2e-3
    ]


def check_digit(digits: str) -> str:
    """ISO 7064 MOD 11,10, as the standard writes it."""
    product = 10
    for digit in digits:
        total = (product + int(digit)) % 10 or 10
        product = total * 2 % 11
    return str((11 - product) % 10)


def code_faults(out: Output) -> list[str]:
    found = []
    codes = pd.concat([out.gpkg[level]["code"] for level in LEVELS])
    if codes.duplicated().any():
        found.append("codes are not unique")
    widths = {"large": 9, "medium": 12, "small": 15, "micro": 18}
    for level, number in LEVELS.items():
        for cell in out.gpkg[level].itertuples():
            code = cell.code
            parent = cell.parent if number > 1 else ""
            ends = [width for width in widths.values() if width <= widths[level]]
            cut = [code[a:b] for a, b in zip([0, *ends], ends, strict=False)]
            small = int(code[12:15] or 1)
            if not (
                len(code) == widths[level]
                and code.isdigit()
                and code.startswith(parent)
                and cell.level == number
                and cell.label == "-".join([*cut, check_digit(code)])
                and (number == 1 or cell.parent == code[: ends[-2]])
                and (number == 1 or cell.community == code[:12])
                and (small >= 801) == (cell.grid_type == "dedicated")
            ):
                found.append(f"{level}: code {code}, label {cell.label}, parent {parent}")
    return found


def column_faults(out: Output) -> list[str]:
    """Figures recomputed; both formats say the same."""
    found = []
    for level in (*LEVELS, "leaves"):
        cells = out.gpkg[level].sort_values("code", ignore_index=True)
        area, rim = cells.geometry.area, cells.geometry.length
        if not np.allclose(cells["area_m2"], area) or not np.allclose(
            cells["compactness"], 4 * np.pi * area / rim**2
        ):
            found.append(f"{level}: area or compactness")
        other = out.geojson[level]
        for name in cells.columns.drop("geometry"):
            mine, its = cells[name], other[name]
            if name in ("area_m2", "compactness"):
                same = np.allclose(mine, its, atol=6e-3)
            else:
                # GeoJSON knows no whole numbers, and formats of empty columns differ.
                texts = [
                    ["" if pd.isna(value) else f"{value:g}" if isinstance(value, float) else
                     str(value) for value in column]
                    for column in (mine, its)
                ]  # fmt: skip
                same = texts[0] == texts[1]
            if not same:
                found.append(f"{level}: {name} differs between the formats")
        band = cells["band"]
        if level in ("small", "micro"):
            low, high = {"small": (300, 500), "micro": (30, 50)}[level]
            held = cells["households"]
            wanted = np.where(held < low, "under", np.where(held > high, "over", "in"))
            general = cells["grid_type"] == "general"
            if (band[general] != wanted[general]).any() or band[~general].notna().any():
                found.append(f"{level}: band")
            if (cells["reason"].notna() != band.isin(["under", "over"])).any():
                found.append(f"{level}: reason")
    return found


def building_faults(out: Output) -> list[str]:
    """No building is cut but between slabs; what is listed is what was given."""
    found = []
    listed = out.gpkg["buildings"]
    if set(listed["bldg_id"]) != set(out.buildings["bldg_id"]):
        found.append("other buildings")
    leaf = out.gpkg["leaves"].set_index("code").geometry
    whole = out.buildings.set_index("bldg_id").geometry
    for name, rows in listed.groupby("bldg_id"):
        if whole[name].symmetric_difference(shapely.union_all(rows.geometry)).area > 1e-3:
            found.append(f"building {name} has another outline")
    own = np.asarray(leaf.reindex(listed["code"]))
    outside = shapely.area(shapely.difference(np.asarray(listed.geometry), own))
    found += [f"building {name} is cut" for name in listed["bldg_id"][outside > 0.01]]
    return found


def household_faults(out: Output) -> list[str]:
    found = []
    leaves = out.gpkg["leaves"].set_index("code")
    listed = out.gpkg["buildings"]
    if not (
        listed.groupby("code")["households"].sum().reindex(leaves.index, fill_value=0)
        == leaves["households"]
    ).all():
        found.append("leaves and their buildings differ")
    for level, above in (("medium", "large"), ("small", "medium"), ("micro", "small")):
        sums = out.gpkg[level].groupby("parent")[["households", "buildings"]].sum()
        parents = out.gpkg[above].set_index("code")[["households", "buildings"]]
        if not (sums == parents.loc[sums.index]).all(axis=None):
            found.append(f"{level}: totals differ from {above}")
    figures = out.report["households"]
    total = int(out.gpkg["large"]["households"].sum())
    if out.register is None:
        given = int(out.buildings["households"].sum())
        held = listed.groupby("bldg_id")["households"].sum()
        if (held != out.buildings.set_index("bldg_id")["households"].reindex(held.index)).any():
            found.append("buildings hold other households")
    else:
        given = len(out.register)
        table = out.gpkg["households"]
        if sorted(table["household_id"]) != sorted(out.register["household_id"]):
            found.append("households are lost, or listed twice")
        if (table["code"].isna() == table["reason"].isna()).any():
            found.append("a household with neither cell nor reason, or both")
        inside = table.dropna(subset="code")
        if not (inside.groupby("code").size().reindex(leaves.index, fill_value=0)
                == leaves["households"]).all():  # fmt: skip
            found.append("leaves and their households differ")
        home = out.register.set_index("household_id")["bldg_id"].reindex(inside["household_id"])
        pairs = set(zip(listed["bldg_id"], listed["code"], strict=True))
        if not set(zip(home, inside["code"], strict=True)) <= pairs:
            found.append("a household is not where its building is")
    wrong = figures["input"] != given or figures["assigned"] != total
    if wrong or figures["input"] != figures["assigned"] + figures["unassigned"]:
        found.append(f"{given} households given, {total} in cells, reported {figures}")
    return found


def report_faults(out: Output) -> list[str]:
    report, gpkg = out.report, out.gpkg
    sites = int((gpkg["small"]["grid_type"] == "dedicated").sum())
    wanted = {
        "large": len(gpkg["large"]), "medium": len(gpkg["medium"]), "micro": len(gpkg["micro"]),
        "small_general": len(gpkg["small"]) - sites, "small_dedicated": sites,
    }  # fmt: skip
    clean = {"gaps": 0, "gap_m2": 0, "overlaps": 0, "overlap_m2": 0, "edge_matched": True}
    found = []
    if report["counts"]["cells"] != wanted or sites != out.sites:
        found.append(f"counts {report['counts']['cells']} of {wanted}, {out.sites} sites")
    if report["coverage"] != dict.fromkeys(COVERING, clean) or not report["ok"]:
        found.append(f"coverage {report['coverage']}")
    if report["cut_buildings"] or report["multipart_cells"]:
        found.append("cut buildings or scattered cells")
    for level in ("small", "micro"):
        cells = gpkg[level][gpkg[level]["grid_type"] == "general"]
        target = {"small": 400, "micro": 40}[level]
        off = (cells["households"] - target).abs() / target
        figures = report["balance"][level]
        if (
            figures["cells"] != len(cells)
            or figures["in_band"] != (cells["band"] == "in").sum()
            or abs(figures["mean_abs_dev"] - off.mean()) > 1e-4
            or abs(figures["max_abs_dev"] - off.max()) > 1e-4
            or abs(report["compactness"][level] - cells["compactness"].mean()) > 1e-4
        ):
            found.append(f"balance of {level}: {figures}")
    return found


def test_a_town_keeps_every_promise_in_its_files(town):
    assert faults(town) == []


@pytest.mark.skipif(not GBK.exists(), reason="the sample is not here")
def test_a_town_as_planners_send_it_keeps_every_promise_in_its_files(planners):
    assert faults(planners) == []


def _lose_leaf(out: Output) -> None:
    out.gpkg["leaves"] = out.gpkg["leaves"].iloc[1:].reset_index(drop=True)


def _move_vertex(out: Output) -> None:
    cells = out.geojson["leaves"]
    xy = shapely.get_coordinates(cells.geometry.iloc[3])
    xy[0] += 1e-7
    xy[-1] = xy[0]
    cells.loc[3, "geometry"] = shapely.Polygon(xy)


def _add_vertex(out: Output) -> None:
    """Put a vertex on one side of a border, where it changes no shape."""
    cells = out.gpkg["small"]
    xy = shapely.get_coordinates(cells.geometry.iloc[0])
    cells.loc[0, "geometry"] = shapely.Polygon(np.insert(xy, 1, (xy[0] + xy[1]) / 2, axis=0))


def _swap_labels(out: Output) -> None:
    cells = out.gpkg["micro"]
    cells.loc[0, "label"] = cells["label"][0][:-1] + str((int(cells["label"][0][-1]) + 1) % 10)


def _swap_households(out: Output) -> None:
    table = out.gpkg["households"]
    first, last = 0, len(table) - 1
    table.loc[[first, last], "code"] = table["code"][[last, first]].to_numpy()


def _lose_household(out: Output) -> None:
    out.gpkg["households"] = out.gpkg["households"].iloc[1:]


def _move_building(out: Output) -> None:
    shapes = out.gpkg["buildings"]
    shapes.loc[0, "geometry"] = shapely.affinity.translate(shapes.geometry.iloc[0], 30.0, 0.0)


@pytest.mark.parametrize(
    ("spoil", "scorer"),
    [
        (_lose_leaf, lambda out: land_faults("gpkg", out.gpkg)),
        (_move_vertex, lambda out: land_faults("geojson", out.geojson)),
        (_add_vertex, lambda out: land_faults("gpkg", out.gpkg)),
        (_swap_labels, code_faults),
        (_swap_households, household_faults),
        (_lose_household, household_faults),
        (_move_building, building_faults),
    ],
)
def test_the_scorer_notices_what_is_spoiled(
    town: Output, spoil: Callable[[Output], None], scorer: Callable[[Output], list[str]]
):
    broken = copy.deepcopy(town)
    spoil(broken)
    assert scorer(broken) != []
