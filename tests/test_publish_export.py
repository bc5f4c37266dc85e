"""Published exports in every format, and what a check of them finds."""

import dataclasses
import json
import sqlite3
import warnings

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pyogrio
import pytest
import shapely
from atlas_fonts import make_font
from plans import plan_with_few
from pmtiles.reader import MmapSource, Reader
from pypdf import PdfReader

from gridcell.disclosure.audit_files import check_published
from gridcell.disclosure.note import publication_note
from gridcell.disclosure.publication import publish_plan
from gridcell.errors import InputError
from gridcell.export import EXPORT_FORMATS, export_plan
from gridcell.folder import write_plan
from gridcell.formats.read import read_export
from gridcell.render.atlas import write_atlas
from gridcell.render.city import write_city_map
from gridcell.render.map import write_map
from gridcell.words.maps import atlas_words
from gridcell_cli.main import main

LEVELS = ("large", "medium", "small", "micro", "leaves")


@pytest.fixture(scope="module")
def few():
    return plan_with_few()


@pytest.fixture(scope="module")
def published(few, tmp_path_factory):
    """Every format, published."""
    base = tmp_path_factory.mktemp("published")
    plan = few[0]
    return {
        kind: export_plan(plan, base / kind, format=kind, publish=True) for kind in EXPORT_FORMATS
    }


@pytest.fixture(scope="module")
def folder(few, tmp_path_factory):
    base = tmp_path_factory.mktemp("plan") / "out"
    write_plan(few[0], base)
    return base


@pytest.fixture
def run(capsys):
    def run_(*arguments):
        with pytest.raises(SystemExit) as stopped:
            main([str(a) for a in arguments])
        said = capsys.readouterr()
        return stopped.value.code or 0, said.out + said.err

    return run_


@pytest.mark.parametrize("kind", EXPORT_FORMATS)
def test_every_format_hides_the_same_and_is_proven_from_its_files(few, published, kind):
    plan, leaf = few
    folder = published[kind].folder
    exported = read_export(folder)
    leaves = exported.levels["leaves"].set_index("code")["households"]
    hidden = sorted(leaves.index[leaves.isna()])
    assert leaf in hidden
    assert len(hidden) == 2
    told = leaves[leaves.notna()]
    known = plan.leaves.set_index("code")["households"]
    assert (told == known.loc[told.index]).all()
    report = check_published(folder)
    assert report.ok
    assert len(report.findings) == 0
    assert report.figures["published"]["hidden"]["leaves"] == 2


@pytest.mark.parametrize("kind", EXPORT_FORMATS)
def test_every_format_says_in_its_files_what_was_left_out(published, kind):
    export = published[kind]
    note = (export.folder / "NOTE.txt").read_text("utf-8")
    assert "Counts of 1 to 4 households are hidden" in note
    assert "1 至 4 户的数不公布" in note
    assert export.manifest["publication"]["threshold"] == 5
    folder = export.folder
    if kind in {"geojson", "h3"}:
        name = "leaves" if kind == "geojson" else "hexagons"
        assert "hidden" in json.loads((folder / f"{name}.geojson").read_text("utf-8"))["note"]
    elif kind == "gpkg":
        with sqlite3.connect(folder / "cells.gpkg") as base:
            assert "hidden" in base.execute("SELECT value FROM publication").fetchone()[0]
    elif kind == "xlsx":
        book = openpyxl.load_workbook(folder / "cells.xlsx", read_only=True)
        assert "hidden" in book["note"]["A2"].value
        book.close()
    elif kind == "kml":
        assert "<description>Published: counts only." in (folder / "leaves.kml").read_text("utf-8")
    elif kind == "flatgeobuf":
        assert b"Published: counts only." in (folder / "leaves.fgb").read_bytes()
    elif kind == "pmtiles":
        with (folder / "cells.pmtiles").open("rb") as stream:
            assert "hidden" in Reader(MmapSource(stream)).metadata()["description"]
    if kind in {"gpkg", "shapefile", "geoparquet", "flatgeobuf", "kml", "csv", "xlsx"}:
        exact = {"gpkg": "cells.gpkg", "shapefile": "leaves.shp", "flatgeobuf": "leaves.fgb",
                 "kml": "leaves.kml", "csv": "leaves.csv", "xlsx": "cells.xlsx"}  # fmt: skip
        if kind == "geoparquet":
            frame = pd.concat(map(gpd.read_parquet, folder.rglob("leaves.parquet")))
        elif kind in {"csv", "xlsx"}:
            read = pd.read_csv if kind == "csv" else pd.read_excel
            options = {} if kind == "csv" else {"sheet_name": "leaves"}
            frame = read(folder / exact[kind], **options)
        else:
            layer = {"layer": "leaves"} if kind == "gpkg" else {}
            frame = pyogrio.read_dataframe(folder / exact[kind], **layer)
        column = frame["hh_are" if kind == "shapefile" else "households_are"]
        assert column.value_counts().to_dict() == {"counted": len(frame) - 2, "hidden": 2}


@pytest.mark.parametrize("kind", EXPORT_FORMATS)
def test_no_byte_of_a_publication_tells_reasons_or_buildings(few, tmp_path, kind):
    plan, _ = few
    secret = dataclasses.replace(
        plan, buildings=plan.buildings.assign(bldg_id="SECRET" + plan.buildings["bldg_id"]),
        micro=plan.micro.assign(reason="SECRET building holds 64 households"),
    )  # fmt: skip
    export = export_plan(secret, tmp_path / kind, format=kind, publish=True)
    for file in export.files:
        assert b"SECRET" not in file.read_bytes(), file


@pytest.fixture(scope="module")
def alike(few):
    """Two plans that differ in hidden counts alone."""
    plan, leaf = few
    hidden = publish_plan(plan).plan.leaves.query("households.isna()")["code"]
    (other,) = set(hidden) - {leaf}
    frames = {}
    for name in ("micro", "leaves", "buildings"):
        frame = getattr(plan, name).copy()
        for code, change in ((leaf, 1), (other, -1)):
            frame.loc[frame["code"] == code, "households"] += change
        frames[name] = frame
    return plan, dataclasses.replace(plan, **frames)


@pytest.mark.parametrize("kind", EXPORT_FORMATS)
def test_plans_that_differ_in_hidden_counts_alone_are_published_as_the_same_bytes(
    alike, tmp_path, kind
):
    folders = []
    for number, plan in enumerate(alike):
        export = export_plan(plan, tmp_path / str(number), format=kind, publish=True)
        folders.append([file.read_bytes() for file in export.files])
    assert folders[0] == folders[1]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_published_maps_differ_in_no_byte_either(alike, tmp_path, lang):
    pages = []
    for number, plan in enumerate(alike):
        shown = publish_plan(plan).plan
        write_map(shown, tmp_path / f"{number}.html", lang=lang)
        files = write_city_map(shown, tmp_path / f"{number}", lang=lang)
        pages.append([f.read_bytes() for f in (tmp_path / f"{number}.html", *files)])
        assert shown._repr_html_() == publish_plan(alike[0]).plan._repr_html_()
    assert pages[0] == pages[1]
    assert ("不公布" if lang == "zh" else "not published").encode() in pages[0][0]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_published_atlas_tells_no_posts_and_differs_in_no_byte_either(alike, tmp_path, lang):
    font = make_font(tmp_path / "boxes.ttf")
    books = []
    for number, plan in enumerate(alike):
        file = tmp_path / f"{number}.pdf"
        write_atlas(publish_plan(plan).plan, file, lang=lang, font=font)
        books.append(file.read_bytes())
    assert books[0] == books[1]
    pages = [page.extract_text() for page in PdfReader(tmp_path / "0.pdf").pages]
    said = atlas_words(lang)
    assert publication_note(5, lang)[:20] in pages[0].replace("\n", " ")
    assert not any(said[word] in page for page in pages for word in ("posts", "holder", "nobody"))


@pytest.mark.parametrize("kind", ["geojson", "gpkg", "csv", "h3", "pmtiles"])
def test_a_publication_down_to_small_grids_has_no_micro_ones(alike, tmp_path, kind):
    plan = alike[0]
    swapped = plan.micro["households"].to_numpy().copy()
    swapped[:2] = swapped[1::-1]
    codes = dict(zip(plan.micro["code"], swapped, strict=True))
    other = dataclasses.replace(
        plan,
        **{
            name: getattr(plan, name).assign(
                households=[
                    codes.get(code, count)
                    for code, count in zip(
                        getattr(plan, name)["code"], getattr(plan, name)["households"], strict=True
                    )
                ]
            )
            for name in ("micro", "leaves", "buildings")
        },
    )
    files = []
    for number, given in enumerate((plan, other)):
        out = tmp_path / str(number)
        export = export_plan(given, out, format=kind, publish=True, publish_level="small")
        files.append([file.read_bytes() for file in export.files])
        assert check_published(out).ok
    assert files[0] == files[1]
    exported = read_export(tmp_path / "0")
    assert set(exported.levels["leaves"]["code"]) == set(plan.small["code"])
    assert len(exported.levels.get("micro", ())) == 0


def test_maps_and_atlases_go_down_to_small_grids_too(folder, run, tmp_path):
    font = make_font(tmp_path / "boxes.ttf")
    page, book = tmp_path / "o.html", tmp_path / "o.pdf"
    options = ["--publish", "--publish-level", "small"]
    assert run("map", folder, "-o", page, *options)[0] == 0
    assert run("atlas", folder, "-o", book, "--font", font, *options)[0] == 0
    code, said = run("atlas", folder, "-o", tmp_path / "m.pdf", "--level", "micro", *options)
    assert code == 3
    assert "no micro cells" in said
    code, said = run("map", folder, "-o", tmp_path / "n.html", "--publish-level", "small")
    assert code == 2
    assert "--publish-level: belongs to --publish" in said


def _tell(folder, code, count):
    """Put a count back into the GeoJSON of the leaves and of micro cells."""
    for level in ("micro", "leaves"):
        file = folder / f"{level}.geojson"
        data = json.loads(file.read_text("utf-8"))
        for feature in data["features"]:
            if feature["properties"]["code"] == code:
                feature["properties"]["households"] = count
        file.write_text(json.dumps(data), "utf-8")


def test_a_count_put_back_gives_the_small_one_away(few, run, tmp_path):
    plan, leaf = few
    out = tmp_path / "out"
    export_plan(plan, out, format="geojson", publish=True)
    leaves = read_export(out).levels["leaves"].set_index("code")["households"]
    (other,) = set(leaves.index[leaves.isna()]) - {leaf}
    _tell(out, other, int(plan.leaves.set_index("code")["households"][other]))
    report = check_published(out)
    assert not report.ok
    found = report.findings[report.findings["kind"] == "recoverable"]
    assert found["cell"].tolist() == [leaf]
    assert "gives 3; expected an interval of 5" in found["message"].iloc[0]
    code, said = run("check", out, "--publish")
    assert code == 4
    assert leaf in said
    _tell(out, leaf, 3)
    assert {"changed", "small_count"} == set(check_published(out).findings["kind"])


def test_what_lies_beside_the_cells_is_found(few, tmp_path):
    out = tmp_path / "out"
    export_plan(few[0], out, format="gpkg", publish=True)
    people = pd.DataFrame({"household_id": ["h1"], "code": ["x"]})
    pyogrio.write_dataframe(people, out / "cells.gpkg", layer="households", append=True)
    (out / "staff.csv").write_text("staff_id\n1\n", "utf-8")
    kinds = check_published(out).findings["kind"].value_counts().to_dict()
    assert kinds == {"private_table": 2, "foreign_file": 1, "changed": 1}


def test_one_file_of_an_export_is_checked_with_its_folder(published):
    file = published["gpkg"].folder / "cells.gpkg"
    with pytest.raises(InputError, match="is one file of an export; check its folder"):
        check_published(file)


def test_a_threshold_of_the_environment_disturbs_nothing_else(folder, run, tmp_path, monkeypatch):
    monkeypatch.setenv("GRIDCELL_THRESHOLD", "10")
    assert run("export", folder, "--format", "csv", "-o", tmp_path / "plain")[0] == 0
    assert run("export", folder, "--format", "csv", "-o", tmp_path / "few", "--publish")[0] == 0
    assert read_export(tmp_path / "few").publication["threshold"] == 10


def test_an_unpublished_export_and_a_plan_are_no_publications(few, folder, run, tmp_path):
    out = tmp_path / "out"
    export_plan(few[0], out, format="csv")
    kinds = set(check_published(out).findings["kind"])
    assert {"unpublished", "small_count", "reason_told"} <= kinds
    kinds = set(check_published(folder).findings["kind"])
    assert {"private_table", "small_count"} <= kinds
    assert run("check", folder, "--publish")[0] == 4


def test_a_redrawn_plan_is_published_so_that_both_together_tell_nothing(few, folder, run, tmp_path):
    plan, leaf = few
    first = tmp_path / "first"
    assert run("export", folder, "--format", "shapefile", "-o", first, "--publish")[0] == 0
    # The small cell and its neighbour change places, and with them a slice of land.
    small = plan.micro.set_index("code").loc[leaf, "parent"]
    grown = dataclasses.replace(plan, micro=plan.micro[plan.micro["parent"] != small])
    own = plan.small.set_index("code").loc[[small]].reset_index()
    grown = dataclasses.replace(
        grown,
        leaves=gpd.GeoDataFrame(
            pd.concat([own, plan.leaves[plan.leaves["parent"] != small]], ignore_index=True),
            crs=plan.crs,
        ).sort_values("code", ignore_index=True),
        buildings=plan.buildings.assign(
            code=[small if code.startswith(small) else code for code in plan.buildings["code"]]
        ),
    )  # fmt: skip
    again = tmp_path / "again"
    export = export_plan(grown, again, format="geojson", publish=True, earlier=first)
    assert export.manifest["publication"]["exposed"] == 0
    pairs = pd.read_csv(again / "crosswalk.csv", dtype={"a": str, "b": str})
    hidden = pairs[pairs["suppressed"]]
    assert leaf in set(hidden["b"])
    assert hidden["households"].isna().all()
    assert check_published(again, earlier=first).ok
    code, said = run("check", again, "--publish", "--older", first)
    assert code == 0, said
    # Without the earlier one in mind, one of its hidden cells may be told by a total.
    with pytest.raises(InputError, match="was itself published after another"):
        check_published(first, earlier=again)


@pytest.mark.parametrize(
    ("earlier", "message"),
    [
        ("csv", "has no polygons"),
        ("unpublished", "an export that was not published"),
        ("plan", "is a plan, no export"),
    ],
)
def test_only_a_publication_with_polygons_can_be_the_earlier_one(
    few, folder, published, tmp_path, earlier, message
):
    given = {"csv": published["csv"].folder, "unpublished": tmp_path / "u", "plan": folder}[earlier]
    if earlier == "unpublished":
        export_plan(few[0], given, format="geojson")
    with pytest.raises(InputError, match=message):
        export_plan(few[0], tmp_path / "out", format="gpkg", publish=True, earlier=given)
    assert not (tmp_path / "out").exists()


def test_a_layer_of_another_system_can_be_the_earlier_one(few, tmp_path):
    plan, _ = few
    layer = tmp_path / "old.geojson"
    cells = plan.small[["code", "households", "geometry"]]
    cells.assign(code="old" + cells["code"]).to_crs(4326).to_file(layer)
    out = tmp_path / "out"
    export_plan(plan, out, format="geojson", publish=True, earlier=layer)
    assert check_published(out, earlier=layer).ok


def test_hexagons_of_a_publication_come_from_what_is_told_alone(few, tmp_path):
    plan, leaf = few
    moved = plan.buildings.copy()
    own = moved["code"] == leaf
    moved.loc[own, "households"] = 0
    other = dataclasses.replace(plan, buildings=moved)
    files = []
    for number, given in enumerate((plan, other)):
        out = tmp_path / str(number)
        export_plan(given, out, format="h3", resolution=11, publish=True)
        files.append((out / "cells_hexagons.csv").read_bytes())
        shares = pd.read_csv(out / "cells_hexagons.csv", dtype={"code": str})
        assert shares[shares["code"] == leaf]["households"].isna().all()
    assert files[0] == files[1]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["export", "PLAN", "--format", "csv", "-o", "OUT", "--threshold", "9"], 2, "--publish"),
        (["export", "PLAN", "--format", "csv", "-o", "OUT", "--older", "X"], 2, "--publish"),
        (
            ["export", "PLAN", "--format", "csv", "-o", "OUT", "--publish", "--households"], 3,
            "never published",
        ),
        (["export", "PLAN", "--format", "csv", "-o", "OUT", "--publish", "--older", "X"], 3, "X"),
        (["check", "PLAN", "--older", "X"], 2, "--publish"),
        (["check", "PLAN", "--publish", "--within", "X"], 2, "--within"),
        (["check", "OUT", "--publish"], 3, "OUT"),
        (["atlas", "PLAN", "-o", "OUT", "--publish", "--cards"], 2, "people responsible"),
        (["atlas", "PLAN", "-o", "OUT", "--publish", "--contacts", "X"], 2, "people responsible"),
        (["map", "PLAN", "-o", "OUT.html", "--threshold", "3"], 2, "--publish"),
        (["map", "PLAN", "-o", "OUT.pdf"], 3, "a map is a page, .html, or a folder"),
    ],
)  # fmt: skip
def test_options_that_do_not_go_together_are_named(folder, run, tmp_path, arguments, code, message):
    known = {"PLAN": str(folder), "OUT": str(tmp_path / "OUT"), "X": str(tmp_path / "X")}
    known |= {f"OUT.{end}": str(tmp_path / f"o.{end}") for end in ("html", "pdf")}
    stopped, said = run(*(known.get(a, a) for a in arguments))
    assert stopped == code, said
    assert message in said
    assert not (tmp_path / "OUT").exists()


def test_a_publication_of_another_place_is_no_earlier_one(few, tmp_path):
    plan, _ = few
    far = dataclasses.replace(
        plan,
        **{
            name: plan.cells(name).set_geometry(plan.cells(name).translate(60_000, 0))
            for name in LEVELS
        },
    )
    out = tmp_path / "far"
    export_plan(far, out, format="geojson", publish=True)
    with pytest.raises(InputError, match="share no land"):
        export_plan(plan, tmp_path / "out", format="gpkg", publish=True, earlier=out)


def _misplaced(kind, frame):
    """Return leaves whose coordinates cannot be in their CRS, and what is said of them."""
    degrees = frame.to_crs("EPSG:4490")
    if kind == "metres_called_degrees":
        return frame.set_crs("EPSG:4326", allow_override=True), "expected degrees"
    if kind == "degrees_called_metres":
        return degrees.set_crs(frame.crs, allow_override=True), "look like degrees"
    if kind == "swapped":
        flipped = shapely.transform(degrees.geometry.array, np.fliplr)
        return degrees.set_geometry(gpd.GeoSeries(flipped, crs=degrees.crs)), "look swapped"
    if kind == "without_crs":
        return frame.set_crs(None, allow_override=True), "the CRS is missing"
    moved = frame.set_geometry(frame.translate(50_000, 0))
    return moved, "share no land"


@pytest.mark.parametrize(
    "kind",
    ["metres_called_degrees", "degrees_called_metres", "swapped", "without_crs", "elsewhere"],
)
def test_what_was_published_before_has_to_be_where_its_crs_says(kind, few, folder, run, tmp_path):
    plan = few[0]
    leaves, said = _misplaced(kind, plan.leaves[["code", "parent", "households", "geometry"]])
    with pytest.raises(InputError, match=said):
        publish_plan(plan, earlier={"leaves": leaves})
    file = tmp_path / "earlier.gpkg"
    with warnings.catch_warnings(action="ignore"):
        leaves.to_file(file)
    code, told = run(
        "export", folder, "-o", tmp_path / "out", "--format", "geojson", "--publish",
        "--older", file,
    )  # fmt: skip
    assert (code, said in told) == (3, True)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("earlier", [{}, {"leaves": 3}, {"leaves": pd.DataFrame({"code": ["a"]})}])
def test_what_was_published_before_has_polygons(earlier, few):
    with pytest.raises(InputError, match="no polygons as 'leaves'"):
        publish_plan(few[0], earlier=earlier)
    with pytest.raises(InputError, match="no column households"):
        publish_plan(few[0], earlier={"leaves": few[0].leaves[["code", "geometry"]]})
