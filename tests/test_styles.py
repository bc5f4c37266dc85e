"""The plan's GeoPackage opens styled, and stays a plan with the same bytes."""

import dataclasses
import sqlite3
import xml.etree.ElementTree as ET
from contextlib import closing

import pytest
from plans import tiny_plan

from gridcell.check import check_plan
from gridcell.export import export_plan
from gridcell.formats.geopackage import read_plan, write_geopackage
from gridcell.formats.styles import STYLES

LAYERS = {"large", "medium", "small", "micro", "leaves", "buildings", "barriers", "findings"}
SE = {"se": "http://www.opengis.net/se", "ogc": "http://www.opengis.net/ogc"}


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("styles") / "plan.gpkg"
    write_geopackage(tiny_plan(), path)
    return path


@pytest.fixture(scope="module")
def styles(file):
    with closing(sqlite3.connect(file)) as base:
        base.row_factory = sqlite3.Row
        return [dict(row) for row in base.execute(f"SELECT * FROM {STYLES}")]  # noqa: S608


def test_every_layer_has_one_default_style(styles):
    defaults = [row["f_table_name"] for row in styles if row["useAsDefault"]]
    assert sorted(defaults) == sorted(LAYERS)
    assert {row["f_table_name"] for row in styles if not row["useAsDefault"]} == {
        "small", "micro", "leaves"
    }  # fmt: skip


def test_the_table_is_the_one_that_qgis_looks_for(file, styles):
    with closing(sqlite3.connect(file)) as base:
        kind = base.execute(
            "SELECT data_type FROM gpkg_contents WHERE table_name = ?", [STYLES]
        ).fetchone()
        columns = {row[1]: row[5] for row in base.execute(f"PRAGMA table_info({STYLES})")}
        geometry = dict(base.execute("SELECT table_name, column_name FROM gpkg_geometry_columns"))
    assert kind == ("attributes",)
    assert columns["id"] == 1
    assert set(columns) >= {"styleName", "styleQML", "styleSLD", "useAsDefault", "update_time"}
    for row in styles:
        assert (row["f_table_catalog"], row["f_table_schema"]) == ("", "")
        assert row["f_geometry_column"] == geometry[row["f_table_name"]]
        assert len(row["styleName"]) <= 30


def test_qml_and_sld_draw_the_same_rules(styles):
    for row in styles:
        qml, sld = (ET.fromstring(row[name]) for name in ("styleQML", "styleSLD"))  # noqa: S314
        rules = qml.findall("renderer-v2/rules/rule")
        symbols = {s.get("name") for s in qml.findall("renderer-v2/symbols/symbol")}
        assert {rule.get("symbol") for rule in rules} == symbols
        named = [rule.findtext("se:Name", namespaces=SE) for rule in sld.iterfind(".//se:Rule", SE)]
        labels = qml.findall("labeling/rules/rule")
        assert (qml.get("labelsEnabled") == "1") == bool(labels)
        assert named == [rule.get("label") for rule in rules] + ["label"] * len(labels)
        for rule, other in zip([*rules, *labels], sld.iterfind(".//se:Rule", SE), strict=True):
            value = other.findtext(".//ogc:Literal", namespaces=SE)
            if value is not None:
                column = other.findtext(".//ogc:PropertyIsEqualTo/ogc:PropertyName", namespaces=SE)
                empty = other.findtext(".//ogc:PropertyIsNull/ogc:PropertyName", namespaces=SE)
                only = f' AND "{empty}" IS NULL' if empty else ""
                assert rule.get("filter") == f"\"{column}\" = '{value}'{only}"


@pytest.mark.parametrize("level", ["small", "leaves"])
def test_dedicated_grids_are_hatched(styles, level):
    for row in (row for row in styles if row["f_table_name"] == level):
        qml = ET.fromstring(row["styleQML"])  # noqa: S314
        rule = next(r for r in qml.iter("rule") if "'dedicated'" in str(r.get("filter")))
        symbol = next(s for s in qml.iter("symbol") if s.get("name") == rule.get("symbol"))
        assert "LinePatternFill" in {layer.get("class") for layer in symbol.findall("layer")}
        sld = ET.fromstring(row["styleSLD"])  # noqa: S314
        assert sld.find(".//se:GraphicFill", SE) is not None


def test_every_kind_and_severity_that_a_plan_knows_has_a_symbol(styles):
    def values(layer):
        row = next(r for r in styles if r["f_table_name"] == layer)
        return {node.text for node in ET.fromstring(row["styleSLD"]).iterfind(".//ogc:Literal", SE)}  # noqa: S314

    assert values("barriers") == {"road", "river", "rail", "wall"}
    assert values("findings") == {"error", "warning", "note"}
    assert values("small") == {"general", "dedicated"}


def test_a_styled_plan_is_read_as_it_was_and_has_the_same_bytes(file, tmp_path):
    write_geopackage(tiny_plan(), tmp_path / "again.gpkg")
    assert (tmp_path / "again.gpkg").read_bytes() == file.read_bytes()
    plan = read_plan(file)
    before = [f.kind for f in check_plan(tiny_plan())]
    assert [f.kind for f in check_plan(plan)] == before
    write_geopackage(dataclasses.replace(plan), tmp_path / "third.gpkg")
    assert (tmp_path / "third.gpkg").read_bytes() == file.read_bytes()


def test_an_exported_geopackage_is_styled_too(tmp_path):
    export = export_plan(tiny_plan(), tmp_path / "x", format="gpkg")
    with closing(sqlite3.connect(export.folder / "cells.gpkg")) as base:
        found = base.execute(f"SELECT f_table_name FROM {STYLES} WHERE useAsDefault")  # noqa: S608
        assert {row[0] for row in found} == {"large", "medium", "small", "micro", "leaves"}
