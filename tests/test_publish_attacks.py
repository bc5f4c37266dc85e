"""What an attack on publications found: each of these was once told, missed or a traceback."""

import dataclasses
import json
import re

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from plans import plan_with_few

from gridcell.disclosure.audit_files import check_published
from gridcell.disclosure.publication import publish_plan
from gridcell.display.load import band_classes
from gridcell.errors import InputError
from gridcell.export import export_plan
from gridcell.render.city import write_city_map
from gridcell.rules import Band


@pytest.fixture
def few():
    return plan_with_few()


def with_wanted_numbers(plan):
    """Return the plan as if numbers of cells had been wanted of each community."""
    bands = {}
    for level in ("small", "micro"):
        cells = plan.cells(level)
        general = cells[cells["grid_type"] == "general"]
        for code, own in general.groupby("community"):
            target = float(own["households"].sum()) / len(own)
            bands[code, level] = Band(min=0.75 * target, target=target, max=1.25 * target)
    return dataclasses.replace(plan, bands=bands)


def test_a_band_made_of_the_households_on_general_land_is_not_told_where_one_is_hidden(
    few, tmp_path
):
    plan = with_wanted_numbers(few[0])
    published = publish_plan(plan, threshold=50).plan
    hidden = published.small.query("households.isna()")["community"].unique()
    assert len(hidden)
    for code in hidden:
        own = plan.bands[code, "small"].min
        assert published.report["communities"][code] == {}
        for file in write_city_map(published, tmp_path / str(code)):
            data = re.search(r'id="plan-data">(.*?)</script>', file.read_text("utf-8"), re.DOTALL)
            assert str(own) not in data.group(1)
    assert band_classes(published, "small")[1] == {"band": None, "ranges": None}


@pytest.mark.parametrize(("more", "told"), [(0, True), (3, False)])
def test_a_band_made_of_the_counts_of_an_earlier_plan_is_not_told(few, more, told):
    plan = with_wanted_numbers(few[0])
    general = plan.small[plan.small["grid_type"] == "general"]
    # What the band was made of tells how many have come or gone since.
    bands = {}
    for code, own in general.groupby("community"):
        target = (float(own["households"].sum()) + more) / len(own)
        bands[code, "small"] = Band(min=0.75 * target, target=target, max=1.25 * target)
    published = publish_plan(dataclasses.replace(plan, bands=bands), threshold=2).plan
    assert published.small["households"].notna().all()
    assert set(published.bands) == (set(bands) if told else set())


def test_the_band_of_the_rules_is_told_whatever_is_hidden(few):
    plan = few[0]
    limits = plan.rules.small
    bands = {(code, "small"): limits for code in plan.medium["code"]}
    published = publish_plan(dataclasses.replace(plan, bands=bands), threshold=50).plan
    assert published.small["households"].isna().any()
    told = {entry["small"]["band"]["min"] for entry in published.report["communities"].values()}
    assert told == {limits.min}


def test_a_crosswalk_is_proven_where_the_earlier_publication_is_not_at_hand(few, tmp_path):
    plan, leaf = few
    first, again = tmp_path / "first", tmp_path / "again"
    export_plan(plan, first, format="geojson", publish=True)
    export_plan(plan, again, format="csv", publish=True, earlier=first)
    assert check_published(again).ok
    file = again / "crosswalk.csv"
    pairs = pd.read_csv(file, dtype=str, encoding="utf-8-sig")
    assert pairs.loc[pairs["a"] == leaf, "households"].isna().all()
    pairs.loc[pairs["a"] == leaf, "households"] = "3"
    pairs.to_csv(file, index=False, encoding="utf-8-sig")
    kinds = set(check_published(again).findings["kind"])
    assert {"small_count", "recoverable"} <= kinds


@pytest.mark.parametrize("change", ["half", "column", "note"])
def test_files_changed_after_the_export_are_no_proven_publication(few, tmp_path, change):
    out = tmp_path / "out"
    export_plan(few[0], out, format="csv", publish=True)
    file = out / ("NOTE.txt" if change == "note" else "leaves.csv")
    lines = file.read_text("utf-8-sig").splitlines()
    if change == "half":
        lines = lines[: len(lines) // 2]
    elif change == "column":
        lines = [lines[0] + ",notes", *(f"{line},3 households" for line in lines[1:])]
    else:
        lines = ["nothing is hidden"]
    file.write_text("\n".join(lines) + "\n", "utf-8")
    report = check_published(out)
    assert not report.ok
    assert "changed" in set(report.findings["kind"])


@pytest.mark.parametrize("total", [10**30, "64", 64.0, True, -1, []])
def test_a_total_that_is_no_count_is_named(few, tmp_path, total):
    out = tmp_path / "out"
    export_plan(few[0], out, format="csv", publish=True)
    manifest = json.loads((out / "export.json").read_text("utf-8"))
    manifest["publication"]["households"] = total
    (out / "export.json").write_text(json.dumps(manifest), "utf-8")
    with pytest.raises(InputError, match=r"export\.json says households"):
        check_published(out)


@pytest.mark.parametrize("keep", [0.0, 0.5])
def test_cut_tiles_are_named(few, tmp_path, keep):
    out = tmp_path / "out"
    export_plan(few[0], out, format="pmtiles", publish=True)
    file = out / "cells.pmtiles"
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(InputError, match=r"cells\.pmtiles: cannot be read"):
        check_published(out)


def test_what_lies_beside_and_cannot_be_read_is_foreign(few, tmp_path):
    out = tmp_path / "out"
    export_plan(few[0], out, format="csv", publish=True)
    (out / "list.xlsx").write_text("no table", "utf-8")
    (out / "list.gpkg").write_text("no table", "utf-8")
    kinds = check_published(out).findings["kind"].value_counts().to_dict()
    assert kinds == {"foreign_file": 2}


@pytest.mark.parametrize("shape", ["bow", "none", "empty"])
def test_an_earlier_layer_without_valid_polygons_is_refused_by_row(few, tmp_path, shape):
    plan, _ = few
    cells = plan.small[["code", "households", "geometry"]].copy()
    x, y, far_x, far_y = cells.geometry.iloc[1].bounds
    shapes = {
        "bow": shapely.Polygon([(x, y), (far_x, far_y), (far_x, y), (x, far_y)]),
        "none": None, "empty": shapely.Polygon(),
    }  # fmt: skip
    cells.loc[cells.index[1], "geometry"] = shapes[shape]
    layer = tmp_path / "old.gpkg"
    gpd.GeoDataFrame(cells, crs=plan.crs).to_file(layer)
    with pytest.raises(InputError, match="row 2"):
        export_plan(plan, tmp_path / "out", format="csv", publish=True, earlier=layer)


def test_an_earlier_layer_whose_sum_is_not_told_hides_no_total(few, tmp_path):
    plan, _ = few
    layer = tmp_path / "old.gpkg"
    published = publish_plan(plan).plan
    published.leaves[["code", "households", "geometry"]].to_file(layer)
    out = tmp_path / "out"
    figures = export_plan(plan, out, format="csv", publish=True, earlier=layer).manifest
    assert figures["publication"]["hidden"]["large"] == 0
    assert figures["publication"]["households"] == int(plan.large["households"].sum())
    assert check_published(out, earlier=layer).ok


@pytest.mark.parametrize("name", ["../lib.py", "/etc/passwd", "..\\x", "C:\\x", "", "a/../../b"])
def test_a_list_of_files_outside_the_folder_is_none(few, tmp_path, name):
    out = tmp_path / "out"
    export_plan(few[0], out, format="csv", publish=True)
    manifest = json.loads((out / "export.json").read_text("utf-8"))
    manifest["files"].append({"path": name})
    (out / "export.json").write_text(json.dumps(manifest), "utf-8")
    with pytest.raises(InputError, match="is not the list of an export's files"):
        check_published(out)


def test_older_cells_that_overlap_are_refused(few, tmp_path):
    plan, _ = few
    cells = plan.small[["code", "households", "geometry"]].copy()
    cells.loc[cells.index[1], "geometry"] = cells.geometry.iloc[1].buffer(30)
    layer = tmp_path / "old.gpkg"
    cells.to_file(layer)
    with pytest.raises(InputError, match="its cells overlap"):
        export_plan(plan, tmp_path / "out", format="csv", publish=True, earlier=layer)


def test_a_crosswalk_tells_no_single_building_that_is_no_grid(few, tmp_path):
    plan, _ = few
    # Two halves of a grid with a building each, which were in grids of others before.
    earlier = plan.small[["code", "households", "geometry"]].copy()
    west, south, east, north = plan.large.total_bounds
    band = [shapely.box(west, y, east, y + 100) for y in np.arange(south, north, 100)]
    earlier = gpd.GeoDataFrame(
        {"code": [f"row{k}" for k in range(len(band))], "households": None}, geometry=band,
        crs=plan.crs,
    )  # fmt: skip
    layer = tmp_path / "old.gpkg"
    earlier.astype({"households": "Int64"}).to_file(layer)
    out = tmp_path / "out"
    export_plan(plan, out, format="csv", publish=True, earlier=layer)
    assert check_published(out, earlier=layer).ok
    pairs = pd.read_csv(out / "crosswalk.csv", dtype={"a": str, "b": str})
    several = pairs[pairs["buildings"] > 0].groupby("a")["b"].transform("size") > 1
    single = pairs.loc[several.index[several]].query("buildings == 1")
    assert single["households"].isna().all()


@pytest.mark.parametrize(("old", "new"), [("households", "homes"), (",35\n", ",3X\n")])
def test_shares_of_hexagons_that_are_no_counts_are_named(few, tmp_path, old, new):
    out = tmp_path / "out"
    export_plan(few[0], out, format="h3", resolution=7, publish=True)
    file = out / "cells_hexagons.csv"
    text = file.read_text("utf-8-sig")
    assert old in text
    file.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(InputError, match="households"):
        check_published(out)
