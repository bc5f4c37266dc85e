"""What files hold is described: columns in the data dictionary, JSON in schemas."""

import json
from importlib.resources import files
from pathlib import Path

import jsonschema
import pandas as pd
import plans
import pyogrio
import pytest

import gridcell
from gridcell.certificate import certify_layer
from gridcell.dictionary import FRAMES, PLACES, columns_of, meaning, title
from gridcell.revision.script import edits_of
from gridcell.schema import CELL_LAYERS
from gridcell.schemas.files import MODELS, as_text, make_schema, read_schema
from gridcell.schemas.report import ReportFile
from gridcell.words.catalogue import LANGUAGES

# GDAL has no type of its own for truth values in every format, and none for dates in text columns.
KINDS = {
    "object": {"text", "date"}, "str": {"text", "date"}, "int64": {"integer"},
    "int32": {"integer"}, "float64": {"number", "integer"}, "bool": {"boolean"},
}  # fmt: skip


def fields(file: Path, layer: str) -> dict[str, str]:
    info = pyogrio.read_info(file, layer=layer)
    return dict(zip(info["fields"].tolist(), info["dtypes"], strict=True))


def is_described(frame: str, written: dict[str, str], *, may_lack: tuple[str, ...] = ()) -> None:
    known = {column.name: column.type for column in columns_of(frame)}
    assert [name for name in known if name in written] == list(written), frame
    assert set(known) - set(written) <= set(may_lack), frame
    for name, kind in written.items():
        assert known[name] in KINDS[kind], (frame, name, kind)


@pytest.fixture(scope="module")
def sited(example_town, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sited") / "plan"
    plan = gridcell.place_points(example_town["plan"], tiers=["home:small:300"])
    gridcell.write_plan(plan, folder)
    return folder


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_column_of_the_dictionary_has_words_in_every_language(lang: str) -> None:
    assert set(PLACES) == set(FRAMES)
    for frame in FRAMES:
        assert title(frame, lang)
        assert all(meaning(frame, column.name, lang) for column in columns_of(frame))


def test_every_layer_and_column_of_a_plan_is_in_the_dictionary(sited) -> None:
    file = sited / "plan.gpkg"
    layers = set(pyogrio.list_layers(file)[:, 0]) - {"layer_styles"}
    told = {place.removeprefix("plan.gpkg: ") for names in PLACES.values() for place in names}
    assert layers <= told
    for layer in layers:
        frame = "cells" if layer in CELL_LAYERS else layer
        is_described(frame, fields(file, layer), may_lack=("load", "street_m"))
    for level in CELL_LAYERS:
        written = fields(sited / "geojson" / f"{level}.geojson", level)
        # Of a column without any value GeoJSON does not tell the type.
        assert list(written) == [name for name in FRAMES["cells"] if name != "load"]


def test_every_column_of_what_is_exported_is_in_the_dictionary(example_town, tmp_path) -> None:
    plan = example_town["plan"]
    for name, frame, extra in (
        ("micro.csv", "exported_cells", ("households_are", "load")),
        ("fields.csv", "fields", ("field",)),
    ):  # fmt: skip
        gridcell.export_plan(plan, tmp_path / "csv", format="csv", overwrite=True)
        header = pd.read_csv(tmp_path / "csv" / name, nrows=0).columns.tolist()
        names = [column.name for column in columns_of(frame) if column.name not in extra]
        assert header == names
    gridcell.export_plan(plan, tmp_path / "h3", format="h3")
    for frame in ("hexagons", "cells_hexagons"):
        header = pd.read_csv(tmp_path / "h3" / f"{frame}.csv", nrows=0).columns.tolist()
        assert header == list(FRAMES[frame])


def test_every_column_of_what_commands_write_is_in_the_dictionary(
    example_town, sited, tmp_path
) -> None:
    plan = example_town["plan"]
    orders = gridcell.visiting_orders(plan)
    gridcell.write_visits(orders, tmp_path / "walk.gpkg")
    is_described("walks", fields(tmp_path / "walk.gpkg", "walks"))
    is_described("visits", fields(tmp_path / "walk.gpkg", "visits"), may_lack=("lon", "lat"))
    crosswalk = gridcell.make_crosswalk(plan.small, plan.leaves)
    gridcell.write_crosswalk(crosswalk, tmp_path / "crosswalk.gpkg")
    is_described("crosswalk", fields(tmp_path / "crosswalk.gpkg", "pairs"))
    is_described("crosswalk_cells", fields(tmp_path / "crosswalk.gpkg", "cells_a"))
    for name, frame in (("points", "point_tables"), ("beyond", "beyond")):
        header = pd.read_csv(sited / f"{name}.csv", nrows=0).columns.tolist()
        assert header == list(FRAMES[frame])
    check = gridcell.check_cells(plan.micro)
    assert [name for name in check.pieces if name != "geometry"] == list(FRAMES["pieces"])
    repair = gridcell.repair_cells(plan.micro)
    assert [name for name in repair.moves if name != "geometry"] == list(FRAMES["moves"])
    inside = plan.micro.geometry.iloc[:1].representative_point().set_crs(plan.crs)
    found = gridcell.locate(plan, inside)
    nearest = ("nearest", "nearest_m", "nearest_min")
    names = [name for name in FRAMES["located"] if name not in nearest]
    assert [name for name in found if name in names] == names


@pytest.mark.parametrize("name", MODELS)
def test_schemas_are_what_the_models_say_now(name: str) -> None:
    assert read_schema(name) == make_schema(name), "run: python docs/make_schemas.py"
    jsonschema.Draft202012Validator.check_schema(read_schema(name))
    text = files("gridcell.schemas").joinpath(f"{name}.schema.json").read_text("utf-8")
    assert text == as_text(make_schema(name))


def is_valid(name: str, content: object) -> None:
    jsonschema.Draft202012Validator(read_schema(name)).validate(content)


def test_reports_and_certificates_are_as_their_schemas_say(example_town, sited) -> None:
    for folder in (example_town["plan_folder"], sited):
        for name in ("report", "certificate"):
            is_valid(name, json.loads((folder / f"{name}.json").read_text("utf-8")))
    is_valid("report", json.loads(json.dumps(plans.tiny_plan().report)))
    published = gridcell.publish_plan(example_town["plan"]).plan
    is_valid("report", json.loads(json.dumps(published.report)))


def test_the_proof_of_a_certificate_is_described_whole(example_town) -> None:
    plan, folder = example_town["plan"], example_town["plan_folder"]
    of_plan = json.loads((folder / "certificate.json").read_text("utf-8"))
    figures = gridcell.check_cells(plan.micro).figures
    of_layer = json.loads(certify_layer({"ok": True, **figures}, []).to_json())
    for told in (of_plan, of_layer):
        is_valid("certificate", told)
        for key, value in told["proof"].items():
            less = {name: one for name, one in told["proof"].items() if name != key}
            for proof in (less, {**told["proof"], "more": value}, {**told["proof"], key: "x"}):
                with pytest.raises(jsonschema.ValidationError):
                    is_valid("certificate", {**told, "proof": proof})


def test_a_report_that_lacks_a_figure_is_none(example_town) -> None:
    report = json.loads(json.dumps(example_town["plan"].report))
    for key in ReportFile.model_fields:
        less = {name: value for name, value in report.items() if name != key}
        if key not in ("siting", "load"):
            with pytest.raises(jsonschema.ValidationError):
                is_valid("report", less)
    with pytest.raises(jsonschema.ValidationError):
        is_valid("report", {**report, "more": 1})


def test_an_edit_is_valid_where_it_is_read() -> None:
    edits = [
        {"operation": "merge", "a": "1", "b": "2"},
        {"operation": "split", "cell": "1", "line": [[0, 0], [1, 1]]},
        {"operation": "assign", "cells": [{"atoms": [1], "small": "new"}]},
        {"operation": "rename", "cell": "1", "name": None},
        {"operation": "undo"},
    ]
    is_valid("edits", edits)
    assert len(edits_of(edits, plans.CRS, "edits")) == len(edits)
    for wrong in ({"operation": "merge", "a": "1"}, {"operation": "melt"}, {"a": "1", "b": "2"}):
        with pytest.raises(jsonschema.ValidationError):
            is_valid("edits", [wrong])
        with pytest.raises(gridcell.InputError):
            edits_of([wrong], plans.CRS, "edits")
