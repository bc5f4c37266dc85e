"""A real QGIS opens the GeoPackages styled, with labels that it can read, and draws them."""

import itertools
import json
import subprocess
from pathlib import Path

import pyogrio
import pytest
from plans import tiny_plan

from gridcell.export import export_plan
from gridcell.formats.geopackage import write_geopackage
from gridcell.words.sentences import say_kinds

LEVELS = ("large", "medium", "small", "micro", "leaves")
LAYERS = (*LEVELS, "buildings", "barriers", "findings")
TYPED = ("small", "micro", "leaves")
NEAR, MIDDLE, FAR = "2000", "4000", "30000"
GENERAL, DEDICATED = "\"grid_type\" = 'general'", "\"grid_type\" = 'dedicated'"


@pytest.fixture(scope="module")
def python():
    """Return the Python that has QGIS: the system's, as packages of QGIS are made for it."""
    path = Path("/usr/bin/python3")
    if path.exists():
        known = subprocess.run([path, "-c", "import qgis.core"], capture_output=True)
        if known.returncode == 0:
            return path
    pytest.skip("no QGIS")


@pytest.fixture(scope="module")
def ask(python, tmp_path_factory):
    """Return what makes QGIS open layers of a file, draw them, and say what it found."""

    def ask(file, layers):
        home = tmp_path_factory.mktemp("qgis")
        script = Path(__file__).with_name("qgis_probe.py")
        said = subprocess.run(
            [python, script, file, ",".join(layers), home, NEAR, MIDDLE, FAR],
            capture_output=True, text=True, encoding="utf-8", check=False,
            env={"QT_QPA_PLATFORM": "offscreen", "HOME": str(home), "LC_ALL": "C.UTF-8",
                 "XDG_RUNTIME_DIR": str(home), "PYTHONDONTWRITEBYTECODE": "1"},
        )  # fmt: skip
        answers = [line for line in said.stdout.splitlines() if line.startswith("PROBE")]
        assert answers, said.stderr[-2000:]
        return json.loads(answers[0].removeprefix("PROBE"))

    return ask


@pytest.fixture(scope="module")
def plan():
    return tiny_plan()


@pytest.fixture(scope="module")
def found(ask, plan, tmp_path_factory):
    file = tmp_path_factory.mktemp("plan") / "plan.gpkg"
    write_geopackage(plan, file)
    return ask(file, LAYERS)


def titles(layer):
    return {rule["title"].split()[-1]: rule["features"] for rule in layer["rules"]}


def test_every_layer_opens_with_the_default_style_of_the_file(found, plan):
    for name in LAYERS:
        assert found[name]["valid"], name
        assert found[name]["features"] == len(getattr(plan, name))
        assert found[name]["renderer"] == "RuleRenderer"
        assert found[name]["labelled"] == (name not in {"buildings", "barriers"})


def test_every_feature_gets_exactly_one_symbol(found, plan):
    kinds = {name: plan.cells(name)["grid_type"].value_counts() for name in TYPED}
    for name, count in kinds.items():
        assert titles(found[name]) == {
            "General": count["general"], "Dedicated": count.get("dedicated", 0)
        }  # fmt: skip
    assert titles(found["barriers"]) == {"Road": 1, "River": 1, "Railway": 0, "Wall": 0}
    assert titles(found["findings"]) == {"Note": 1, "Warning": 1, "Error": 1}
    for name in LAYERS:
        assert sum(titles(found[name]).values()) == found[name]["features"]


def test_dedicated_grids_are_hatched_in_qgis(found):
    for name in TYPED:
        symbols = {rule["filter"]: rule["symbol"] for rule in found[name]["rules"]}
        assert symbols[DEDICATED] == ["QgsSimpleFillSymbolLayer", "QgsLinePatternFillSymbolLayer"]
        assert symbols[GENERAL] == ["QgsSimpleFillSymbolLayer"]


def test_no_expression_fails_on_any_feature(found):
    for name in LAYERS:
        looks = [found[name], *found[name]["sld"], found[name].get("second", {"errors": []})]
        assert [look["errors"] for look in looks] == [[]] * len(looks), name


def test_labels_are_numbers_households_and_names(found, plan):
    def texts(layer, number):
        return found[layer]["labels"][number]["texts"]

    assert texts("large", 0) == list(plan.large["name"])
    assert texts("medium", 0) == list(plan.medium["name"]) == ["荷城社区", "东湖社区"]
    micro = plan.micro
    numbers = [str(int(code[-3:])) for code in micro["code"]]
    with_households = [f"{n}\n{h}" for n, h in zip(numbers, micro["households"], strict=True)]
    for layer in ("micro", "leaves"):
        assert texts(layer, 0) == numbers
        assert texts(layer, 1) == with_households
    general = plan.small[plan.small["grid_type"] == "general"]
    assert texts("small", 0) == [
        f"{int(code[-3:])}\n{h}"
        for code, h in zip(general["code"], general["households"], strict=True)
    ]
    assert texts("small", 1) == texts("leaves", 2) == ["荷城中学"]
    assert texts("findings", 0) == say_kinds(plan.findings, "en")


def test_each_scale_has_one_label_for_each_cell(found):
    for name in TYPED:
        for chosen in (GENERAL, DEDICATED):
            labels = [x for x in found[name]["labels"] if x["filter"] == chosen]
            ranges = sorted((x["above"], x["below"]) for x in labels)
            assert ranges[0][0] == 0
            assert all(one[1] == two[0] for one, two in itertools.pairwise(ranges))


def test_layers_are_drawn_from_the_scale_at_which_they_can_be_told_apart(found):
    assert {name: found[name]["below"] for name in LAYERS} == {
        "large": None, "medium": None, "small": 200_000, "micro": 25_000, "leaves": 25_000,
        "buildings": 15_000, "barriers": 100_000, "findings": None,
    }  # fmt: skip
    for name in LAYERS:
        drawn = {scale: view["drawn"] for scale, view in found[name]["pictures"].items()}
        assert drawn[MIDDLE] > 100, name
        hidden = name in {"micro", "leaves", "buildings"}
        assert (drawn[FAR] == 0) == hidden, name


def test_labels_are_drawn_where_they_are_promised(found):
    shown = {
        (name, scale): view["drawn"] > found[name]["bare"][scale]["drawn"]
        or view["colours"] > found[name]["bare"][scale]["colours"]
        for name in LAYERS
        for scale, view in found[name]["pictures"].items()
    }
    assert {name for name in LAYERS if shown[name, MIDDLE]} == {
        "medium", "small", "micro", "leaves", "findings"
    }  # fmt: skip
    assert {name for name in LAYERS if shown[name, FAR]} == {"large", "medium"}


def test_all_layers_together_are_a_picture(found):
    for scale, view in found["all"]["pictures"].items():
        assert view["scale"] == pytest.approx(int(scale), rel=1e-3)
        assert view["errors"] == []
        assert view["drawn"] > 3_000
        assert view["colours"] > 100


def test_a_second_style_tells_the_bands_and_can_be_loaded(found, plan):
    for name in LAYERS:
        assert found[name]["styles"] == ["gridcell", *["户数范围 Bands"] * (name in TYPED)]
    for name in TYPED:
        second = found[name]["second"]
        assert second["read"]
        bands = plan.cells(name)["band"].value_counts()
        dedicated = (plan.cells(name)["grid_type"] == "dedicated").sum()
        assert [rule["features"] for rule in second["rules"]] == [
            bands["in"], bands["under"], bands.get("over", 0), dedicated, 0
        ]  # fmt: skip


def test_the_sld_of_every_style_is_read_with_the_same_rules(found):
    for name in LAYERS:
        looks = [found[name], *([found[name]["second"]] if name in TYPED else [])]
        assert len(found[name]["sld"]) == len(looks)
        for sld, look in zip(found[name]["sld"], looks, strict=True):
            assert sld["read"], sld["message"]
            # One rule without a filter is a single symbol to QGIS.
            if sld["renderer"] != "singleSymbol":
                assert [(r["title"], r["features"]) for r in sld["rules"]] == [
                    (r["title"], r["features"]) for r in look["rules"]
                ]
            assert [(x["above"], x["below"]) for x in sld["labels"]] == [
                (x["above"], x["below"]) for x in look["labels"]
            ]
            assert name == "large" or sld["drawn"] > 100


def test_an_exported_geopackage_opens_styled_too(ask, plan, found, tmp_path):
    export = export_plan(plan, tmp_path / "x", format="gpkg")
    exported = ask(export.folder / "cells.gpkg", LEVELS)
    for name in LEVELS:
        assert exported[name] == found[name]


def test_a_cell_whose_households_are_not_told_keeps_its_number_and_its_outline(ask, plan, tmp_path):
    export = export_plan(plan, tmp_path / "x", format="gpkg", publish=True, threshold=40)
    found = ask(export.folder / "cells.gpkg", ("leaves",))["leaves"]
    frame = pyogrio.read_dataframe(export.folder / "cells.gpkg", layer="leaves")
    hidden = frame["households"].isna()
    assert 0 < hidden.sum() < len(frame)
    general = frame[frame["grid_type"] == "general"]
    numbers = general["code"].str[-3:].astype(int).astype(str)
    told = ("\n" + general["households"].astype("Int64").astype("str")).where(~hidden, "")
    assert found["labels"][1]["texts"] == list(numbers + told)
    assert found["errors"] == found["second"]["errors"] == []
    for style in (found["second"], found["sld"][1]):
        counts = {rule["title"]: rule["features"] for rule in style["rules"]}
        assert counts["未公布 Not stated"] == general["band"].isna().sum() > 0
        assert sum(counts.values()) == len(frame)
