"""Nobody's name, phone or number is in any byte that is published."""

import dataclasses
import gzip
import json
import zipfile

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from atlas_fonts import make_font
from bytes_told import found_in
from fpdf import FPDF
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from plans import in_words, plan_with_few

from gridcell.disclosure.publication import publish_plan
from gridcell.export import export_plan
from gridcell.folder import write_plan
from gridcell.model import Finding, findings_frame
from gridcell.render.atlas import write_atlas
from gridcell.render.city import write_city_map
from gridcell.render.map import write_map
from gridcell.schema import (
    BARRIER_COLUMNS,
    BUILDING_COLUMNS,
    CELL_COLUMNS,
    CELL_LAYERS,
    EXPORT_FORMATS,
)  # fmt: skip

NAME, PHONE, HOUSEHOLD, POST = "欧阳翠花", "13800138642", "户0077赵家", "Wachtmeister-Xu"
ADDED_TO = (*CELL_LAYERS, "buildings", "barriers")
PLANTED = [NAME, PHONE, HOUSEHOLD, POST]


@pytest.fixture(scope="module")
def plan():
    """A plan with people wherever a plan may have them, and columns that somebody added."""
    plan = plan_with_few()[0]
    leaf = plan.leaves["code"].iloc[0]
    said = f"{NAME} {PHONE} {HOUSEHOLD} {POST}"
    rows = {
        "households": {"household_id": HOUSEHOLD, "code": leaf, "how": "building", "count": 1},
        "staff": {"staff_id": f"{NAME}{PHONE}", "role": POST, "code": leaf, "distance_m": 1.0},
        "vacancies": {"role": POST, "code": leaf, "missing": 1, "reason": said},
        "history": {"number": 1, "operation": "update", "command": said, "inputs": "{}"},
    }
    frames = {
        name: pd.DataFrame([row]).reindex(columns=getattr(plan, name).columns)
        for name, row in rows.items()
    }
    for name in ADDED_TO:
        frame = getattr(plan, name)
        frames[name] = frame.assign(网格员=NAME, phone=PHONE, note=said, bldg_owner=HOUSEHOLD)
        if "reason" in frame:
            frames[name]["reason"] = said
    finding = Finding(
        kind="staff_unplaced", severity="warning", text=in_words(said), place=shapely.Point(0, 0)
    )  # fmt: skip
    return dataclasses.replace(plan, **frames, findings=findings_frame([finding], plan.crs))


@pytest.fixture(scope="module")
def published(plan):
    return publish_plan(plan).plan


def files_in(folder):
    return sorted(file for file in folder.rglob("*") if file.is_file())


@pytest.fixture(scope="module")
def older(plan, tmp_path_factory):
    folder = tmp_path_factory.mktemp("older") / "old"
    export_plan(plan, folder, format="geojson", publish=True)
    return folder


@pytest.mark.parametrize("kind", EXPORT_FORMATS)
def test_no_published_export_tells_of_anybody(plan, older, tmp_path, kind):
    export_plan(plan, tmp_path, format=kind, publish=True, lang="zh", earlier=older)
    for file in files_in(tmp_path):
        assert found_in(file, PLANTED) == set(), file


def test_of_frames_nothing_is_published_but_the_columns_of_plans(plan, published):
    for name in ADDED_TO:
        assert {"网格员", "phone", "note"} <= set(getattr(plan, name).columns)
        told = getattr(published, name)
        columns = {"buildings": BUILDING_COLUMNS, "barriers": BARRIER_COLUMNS}
        assert set(told.columns) <= {*columns.get(name, CELL_COLUMNS), "geometry"}
        assert not told.astype(str).isin(PLANTED).to_numpy().any()


def test_no_published_page_tells_of_anybody(published, tmp_path):
    font = make_font(tmp_path / "boxes.ttf", text="".join(PLANTED))
    write_map(published, tmp_path / "map.html", lang="zh")
    write_city_map(published, tmp_path / "city")
    write_atlas(published, tmp_path / "atlas.pdf", lang="zh", font=font)
    for suffix in ("png", "svg"):
        code = published.small["code"].iloc[0]
        write_atlas(published, tmp_path / f"page.{suffix}", cells=[code], page=1, font=font)
    (tmp_path / "report.json").write_text(
        json.dumps(published.report, ensure_ascii=False), encoding="utf-8"
    )
    (tmp_path / "card.html").write_text(published._repr_html_(), encoding="utf-8")
    for file in files_in(tmp_path):
        assert file.name == "boxes.ttf" or found_in(file, PLANTED) == set(), file


def test_report_and_certificate_of_a_plan_tell_of_nobody(plan, tmp_path):
    write_plan(plan, tmp_path / "out")
    for name in ("report.json", "certificate.json"):
        assert found_in(tmp_path / "out" / name, PLANTED) == set(), name


def test_whatever_is_planted_is_found(tmp_path):
    """The search itself: in each way of packing that published files have."""
    said = f"{NAME} {PHONE}"
    (tmp_path / "utf16.csv").write_text(said, encoding="utf-16")
    (tmp_path / "gbk.dbf").write_text(said, encoding="gbk")
    (tmp_path / "json.html").write_text(json.dumps(said), encoding="utf-8")
    (tmp_path / "tile.mvt").write_bytes(b"head" + gzip.compress(said.encode()) + b"tail")
    with zipfile.ZipFile(tmp_path / "book.xlsx", "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/sharedStrings.xml", said)
    info = PngInfo()
    info.add_itxt("Author", said, zip=True)
    Image.fromarray(np.zeros((2, 2), dtype=np.uint8)).save(tmp_path / "page.png", pnginfo=info)
    gpd.GeoDataFrame({"who": [said] * 50}, geometry=[shapely.Point(0, 0)] * 50).to_parquet(
        tmp_path / "cells.parquet", compression="zstd"
    )
    page = FPDF()
    page.add_page()
    page.add_font("boxes", fname=make_font(tmp_path / "boxes.ttf", text=said))
    page.set_font("boxes")
    page.cell(text=said)
    page.output(str(tmp_path / "page.pdf"))
    (tmp_path / "boxes.ttf").unlink()
    for file in [f for f in files_in(tmp_path) if f.parent == tmp_path]:
        assert found_in(file, PLANTED) == {NAME, PHONE}, file
