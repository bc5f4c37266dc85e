"""Coordinates that cannot be in their CRS are refused by every command that measures."""

import contextlib
import json
import sqlite3
import warnings

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from plans import tiny_plan
from shapely.geometry import box
from towns import SITE

import gridcell
from gridcell.certificate import read_certificate
from gridcell.check import check_cells
from gridcell.check.plan import compare_report
from gridcell.coverage.repair import repair_cells
from gridcell.crs import choose_crs, crs_text, horizontal, is_same_crs, parse_crs, require_units
from gridcell.errors import InputError
from gridcell.formats.geopackage import write_geopackage
from gridcell.model import Finding
from gridcell.words.messages import Message
from gridcell_cli.main import main

X, Y = 500_000.0, 2_560_000.0
FAULTS = {
    "degrees_called_metres": "look like degrees",
    "metres_called_degrees": "expected degrees",
    "swapped": "x and y look swapped",
    "degrees_without_crs": "the CRS is missing",
}


def right(crs="EPSG:4547"):
    """Return four squares of 100 m around a lake of 20 m, in a CRS."""
    lake = box(X + 90, Y + 90, X + 110, Y + 110)
    squares = [box(X + i, Y + j, X + i + 100, Y + j + 100) for i in (0, 100) for j in (0, 100)]
    frame = gpd.GeoDataFrame(
        {"code": list("abcd"), "households": 9},
        geometry=[square.difference(lake) for square in squares], crs="EPSG:4547",
    )  # fmt: skip
    return frame.to_crs(crs)


def wrong(kind, frame):
    """Return a frame with the CRS that it should not have."""
    if kind == "metres_called_degrees":
        return frame.set_crs("EPSG:4326", allow_override=True)
    frame = frame.to_crs("EPSG:4490")
    if kind == "swapped":
        return frame.set_geometry(
            gpd.GeoSeries(shapely.transform(frame.geometry.array, np.fliplr), crs=frame.crs)
        )
    crs = "EPSG:4547" if kind == "degrees_called_metres" else None
    return frame.set_crs(crs, allow_override=True)


def write(frame, path):
    with warnings.catch_warnings(action="ignore"):
        frame.to_file(path)
    return path


@pytest.fixture
def run(capsys):
    """Run the command line; return its exit code, stdout and stderr."""

    def run_(*arguments):
        with pytest.raises(SystemExit) as caught:
            main([str(a) for a in arguments])
        out, err = capsys.readouterr()
        return caught.value.code, out, err

    return run_


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    file = tmp_path_factory.mktemp("plan") / "plan.gpkg"
    write_geopackage(tiny_plan(), file)
    return file


COMMANDS = {
    "partition": ["{bad}", "-o", "{out}"],
    "partition buildings": ["{good}", "{bad}", "-o", "{out}"],
    "check": ["{bad}"],
    "check within": ["{good}", "--within", "{bad}"],
    "check buildings": ["{good}", "--buildings", "{bad}"],
    "check households": ["{good}", "--households", "{points}"],
    "repair": ["{bad}", "-o", "{out}.gpkg"],
    "repair within": ["{good}", "--within", "{bad}", "-o", "{out}.gpkg"],
    "crosswalk": ["{good}", "{bad}", "-o", "{out}.csv"],
    "crosswalk back": ["{bad}", "{good}", "-o", "{out}.csv"],
    "locate": ["{plan}", "{points}", "-o", "{out}.csv"],
    "staff": ["{plan}", "{points}", "-o", "{out}"],
}


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_that_measures_refuses_coordinates_that_cannot_be_in_their_crs(
    kind, command, plan, tmp_path, run
):
    if command == "check buildings" and kind == "degrees_without_crs":
        kind = "degrees_called_metres"  # They are taken to be where the cells are.
    points = right().assign(staff_id=list("pqrs"), household_id=list("pqrs"), roles="micro_chief")
    points = points.set_geometry(points.representative_point()).drop(columns="code")
    places = {
        "bad": write(wrong(kind, right()), tmp_path / "bad.gpkg"),
        "good": write(right(), tmp_path / "good.gpkg"),
        "points": write(wrong(kind, points), tmp_path / "points.gpkg"),
        "plan": plan,
        "out": tmp_path / "out",
    }
    code, out, err = run(command.split()[0], *(a.format(**places) for a in COMMANDS[command]))
    if command == "check households" and kind == "degrees_without_crs":
        # As buildings: in the CRS of the cells, where they are no metres.
        assert "look like degrees" in err
    else:
        assert FAULTS[kind] in err
    assert (code, out) == (3, "")
    assert ".gpkg" in err or "households" in err
    assert not list(tmp_path.glob("out*"))


@pytest.mark.parametrize("kind", ["degrees_without_crs"])
@pytest.mark.parametrize("command", ["check", "repair"])
def test_a_missing_crs_is_named_on_the_command_line(kind, command, tmp_path, run):
    bad = write(wrong(kind, right()), tmp_path / "bad.gpkg")
    more = [] if command == "check" else ["-o", tmp_path / "out.gpkg"]
    code, _, err = run(command, bad, *more)
    assert (code, err.rstrip().endswith("name it (--crs EPSG:4490)")) == (3, True)
    code, out, _ = run(command, bad, "--crs", "EPSG:4490", *more, "--json")
    assert code == 0
    told = json.loads(out)
    if command == "check":
        assert told["figures"]["hole_m2"] == pytest.approx(400, rel=1e-3)
    else:
        back = gpd.read_file(tmp_path / "out.gpkg")
        assert back.crs == "EPSG:4490"
        assert back.to_crs(4547).area.sum() == pytest.approx(39_600, rel=1e-6)


@pytest.mark.parametrize("function", [check_cells, repair_cells])
@pytest.mark.parametrize("kind", FAULTS)
def test_frames_are_refused_as_files_are(function, kind):
    bad = wrong(kind, right())
    before = bad.copy()
    with pytest.raises(InputError, match=f"^cells: .*{FAULTS[kind]}"):
        function(bad)
    with pytest.raises(InputError, match=f"^within: .*{FAULTS[kind]}"):
        function(right(), bad)
    assert bad.crs == before.crs
    assert (bad.geometry == before.geometry).all()


@pytest.mark.parametrize("frame", [right(), right("EPSG:4490"), right(3857), right(2381)])
def test_what_is_right_is_measured_alike_in_any_crs(frame):
    report = check_cells(frame)
    assert report.figures["hole_m2"] == pytest.approx(400, rel=2e-2)
    assert set(report.findings["kind"]) == {"hole"}
    assert not len(repair_cells(frame).changed)


def test_metres_without_a_crs_are_measured_in_their_own_units_and_that_is_said(tmp_path, run):
    layer = write(right().set_crs(None, allow_override=True), tmp_path / "own.gpkg")
    code, out, _ = run("check", layer)
    assert code == 0
    assert out.rstrip().endswith("measured in units of the layer's own: no CRS is named")
    code, out, _ = run("repair", layer, "-o", tmp_path / "out.gpkg")
    assert code == 0
    assert out.rstrip().endswith("measured in units of the layer's own: no CRS is named")
    code, _, err = run("crosswalk", layer, layer, "-o", tmp_path / "out.csv")
    assert (code, "the CRS is missing" in err) == (3, True)


def test_a_local_plane_says_its_unit_and_is_measured_wherever_it_begins():
    site = right().translate(-X, -Y).set_crs(SITE, allow_override=True)
    frame = right().set_geometry(site)
    assert check_cells(frame).figures["hole_m2"] == pytest.approx(400)
    assert repair_cells(frame).remarks == ()


@pytest.mark.parametrize("command", ["check", "repair"])
def test_a_wrong_zone_is_told_and_measured(command, tmp_path, run):
    zone = right().translate(38_000_000).set_crs("EPSG:4547", allow_override=True)
    layer = write(right().set_geometry(zone), tmp_path / "zone38.gpkg")
    more = [] if command == "check" else ["-o", tmp_path / "out.gpkg"]
    code, out, _ = run(command, layer, *more)
    assert code == 0
    assert "outside its area of use" in out
    assert "a zone number in front of x" in out


def test_a_few_damaged_coordinates_do_not_put_a_layer_in_doubt():
    frame = right("EPSG:4490")
    shapes = [*frame.geometry, box(5000, 5000, 5001, 5001), shapely.Polygon()]
    more = gpd.GeoDataFrame({"code": list("abcdef")}, geometry=shapes, crs=frame.crs)
    kinds = set(check_cells(more).findings["kind"])
    assert "outside_area_of_use" not in kinds


def test_heights_are_left_out_and_stay_with_the_layer():
    frame = right().set_crs("EPSG:4547+5737", allow_override=True)
    assert check_cells(frame).figures["hole_m2"] == pytest.approx(400)
    assert check_cells(frame, right().set_geometry(right().envelope)).figures["levels"] == 1
    assert repair_cells(frame).cells.crs == frame.crs
    layers = gridcell.read_layers(frame)
    assert layers.crs == pyproj.CRS(4547)


SAME = [
    ("EPSG:4547", "EPSG:4547"),
    ("EPSG:4547", "EPSG:4547+5737"),
    ("EPSG:4979", "EPSG:4326"),
    ("EPSG:4326", "OGC:CRS84"),
    ("EPSG:4547", "+proj=tmerc +lon_0=114 +x_0=500000 +ellps=GRS80"),
    ("+proj=tmerc +lon_0=113.75 +ellps=krass", "+proj=tmerc +lat_0=0 +lon_0=113.75 +ellps=krass"),
    (SITE, SITE),
]
OTHER = [
    ("EPSG:4547", "EPSG:4546"), ("EPSG:4547", "EPSG:2434"), ("EPSG:4490", "EPSG:4214"),
    ("EPSG:4547", "EPSG:4490"), ("EPSG:4547", SITE), ("EPSG:2229", "EPSG:26945"),
]  # fmt: skip


def _crs(text):
    return pyproj.CRS.from_user_input(text)


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_crs_is_the_same_whatever_it_is_called(one, other):
    if "ellps=GRS80" in other:  # CGCS2000 has an ellipsoid of its own.
        other = other.replace("GRS80", "GRS80 +rf=298.257222101")
    assert is_same_crs(_crs(one), _crs(one))
    assert is_same_crs(_crs(one), _crs(other))
    assert is_same_crs(_crs(other), _crs(one))


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_another_crs_is_another(one, other):
    assert not is_same_crs(_crs(one), _crs(other))
    assert not is_same_crs(_crs(one), None)
    assert is_same_crs(None, None)


@pytest.mark.parametrize("text", sorted({t for pair in SAME + OTHER for t in pair}))
def test_the_text_of_a_crs_makes_the_same_crs(text):
    crs = _crs(text)
    assert is_same_crs(_crs(crs_text(crs)), crs)
    assert crs_text(_crs(crs_text(crs))) == crs_text(crs)
    assert len(horizontal(crs).axis_info) == 2


@pytest.mark.parametrize("text", ["EPSG:5703", "EPSG:4978"])
def test_heights_alone_and_places_in_space_are_no_crs_of_a_map(text):
    with pytest.raises(InputError, match="expected one of places on a map"):
        parse_crs(text)


@given(
    lon=st.floats(73, 135), lat=st.floats(18, 53), size=st.floats(1e-4, 5),
    crs=st.sampled_from([None, "EPSG:4547", "EPSG:3857", "EPSG:32649"]),
)  # fmt: skip
def test_no_degrees_pass_as_metres(lon, lat, size, crs):
    bounds = np.array([lon, lat, lon + size, lat + size])
    for b in (bounds, bounds[[1, 0, 3, 2]]):
        with pytest.raises(InputError):
            require_units("x", None if crs is None else _crs(crs), b)


@given(x=st.floats(2e5, 8e5), y=st.floats(1e6, 6e6), size=st.floats(1, 1e5))
def test_no_metres_pass_as_degrees(x, y, size):
    bounds = np.array([x, y, x + size, y + size])
    for crs in ("EPSG:4326", "EPSG:4490", "EPSG:4979"):
        with pytest.raises(InputError, match="expected degrees"):
            require_units("x", _crs(crs), bounds)


# What a .prj says


def as_shapefile(path, text, frame=None):
    """Write the squares as a shapefile whose ``.prj`` holds this text."""
    write(right() if frame is None else frame, path)
    path.with_suffix(".prj").write_text(text, encoding="utf-8")
    return path


UNKNOWN = ['PROJCS["Unknown"]', 'PROJCS["Unknown",', "GEOGCS[]", "", "no such thing [1]"]


@pytest.mark.parametrize("text", UNKNOWN)
@pytest.mark.parametrize("command", ["partition", "check", "repair", "inspect"])
def test_a_prj_that_cannot_be_used_is_named_and_yields_to_the_named_crs(
    text, command, tmp_path, run
):
    path = as_shapefile(tmp_path / "town.shp", text)
    more = {"partition": ["-o", tmp_path / "p"], "repair": ["-o", tmp_path / "r.gpkg"]}
    more = more.get(command, [])
    code, out, err = run(command, path, *more)
    assert code == (0 if command == "inspect" else 3)
    assert "town.prj" in (out if command == "inspect" else err)
    if command != "inspect":
        assert err.rstrip().endswith("name it (--crs EPSG:4547)")
    if command != "partition":
        code, out, _ = run(command, path, "--crs", "EPSG:4547", *more)
        assert code == 0
        assert "town.prj" not in out


@pytest.mark.parametrize("version", ["WKT2_2019", "WKT2_2015", "WKT1_GDAL", "WKT1_ESRI"])
@pytest.mark.parametrize("crs", ["EPSG:4547", "EPSG:4490", "EPSG:32649"])
def test_every_wkt_that_proj_understands_is_a_crs(version, crs, tmp_path):
    frame = right(crs)
    path = as_shapefile(tmp_path / "town.shp", pyproj.CRS(crs).to_wkt(version), frame)
    (info,) = gridcell.inspect_files([path])
    assert (info.crs, info.remarks) == (crs, ())


@pytest.mark.parametrize("named", [None, "EPSG:4547"])
def test_a_crs_that_is_not_tied_to_the_earth_yields_to_the_named_one(named, tmp_path):
    path = as_shapefile(tmp_path / "town.shp", SITE)
    if named is None:
        with pytest.raises(InputError, match=r"site is damaged or not tied .*crs='EPSG:4547'"):
            gridcell.read_layers(path)
    else:
        assert gridcell.read_layers(path, crs=named).crs == named


# A CRS without a code


CUSTOM = [
    "+proj=tmerc +lon_0=113.75 +x_0=500000 +ellps=GRS80 +units=m",
    "+proj=lcc +lat_1=22 +lat_2=24 +lat_0=23 +lon_0=114 +ellps=krass +units=m",
    "EPSG:4547+5737",
    pyproj.CRS("+proj=tmerc +lon_0=113.75 +x_0=500000 +ellps=GRS80").to_wkt("WKT1_ESRI"),
]


@pytest.mark.parametrize("text", CUSTOM)
def test_a_plan_in_any_crs_is_certified_as_it_is_proven(text, tmp_path, run):
    frame = right("EPSG:4547").to_crs(horizontal(_crs(text))).set_crs(text, allow_override=True)
    inner = frame.set_geometry(frame.buffer(-30)).drop(columns="code")
    plan = gridcell.make_plan(gridcell.read_layers(frame, inner))
    assert plan.ok
    gridcell.write_plan(plan, tmp_path / "plan")
    again = gridcell.read_plan(tmp_path / "plan")
    assert is_same_crs(again.crs, plan.crs)
    told = json.loads((tmp_path / "plan/report.json").read_text("utf-8"))
    assert list(compare_report(again, told)) == []
    assert read_certificate(tmp_path / "plan").proof["ok"]
    assert run("check", tmp_path / "plan")[0] == 0


def test_partition_never_says_that_all_holds_where_its_certificate_denies_it(
    tmp_path, run, monkeypatch
):
    fault = Finding(
        kind="report_differs", severity="error", text=Message("finding.report_stranger", name="crs")
    )
    monkeypatch.setattr("gridcell.certificate.certify.check_plan", lambda *_, **__: [fault])
    squares = right()
    cells = write(squares, tmp_path / "cells.gpkg")
    inner = write(squares.set_geometry(squares.buffer(-30)), tmp_path / "inner.gpkg")
    code, out, err = run("partition", cells, inner, "-o", tmp_path / "out")
    assert (code, "all hold" in out) == (4, False)
    assert "1 report differs" in err


# A CRS that the coordinates cannot be in, and another that the user named


def mislabelled(kind, path, drawn=lambda frame: frame):
    """Write the squares with a CRS that they cannot be in; return the file and the right CRS."""
    if kind == "geojson":
        shapes = drawn(right()).to_json(drop_id=True, to_wgs84=False)
        told = json.loads(shapes)
        told.pop("crs", None)
        file = path.with_suffix(".geojson")
        file.write_text(json.dumps(told), encoding="utf-8")
        return file, "EPSG:4547"
    crs = "EPSG:4547" if kind == "metres_called_degrees" else "EPSG:4490"
    return write(drawn(wrong(kind, right())), path.with_suffix(".gpkg")), crs


MISLABELLED = ["geojson", "metres_called_degrees", "degrees_called_metres"]


@pytest.mark.parametrize("kind", MISLABELLED)
@pytest.mark.parametrize("command", ["check", "repair", "inspect", "partition"])
def test_a_named_crs_is_believed_where_the_coordinates_cannot_be_in_the_files_own(
    kind, command, tmp_path, run
):
    file, crs = mislabelled(kind, tmp_path / "bad")
    inner = right(crs).set_geometry(right().buffer(-30).to_crs(crs)).drop(columns="code")
    inner = write(inner, tmp_path / "inner.gpkg")
    more = {
        "repair": ["-o", tmp_path / "out.gpkg"],
        "partition": [inner, "-o", tmp_path / "plan"],
    }.get(command, [])
    code, out, err = run(command, file, *more)
    assert "degrees" in err + out
    assert code == (0 if command == "inspect" else 3)
    code, out, err = run(command, file, *more, "--crs", crs)
    assert code == 0
    assert "which was named" in out + err
    assert crs in out + err
    if command == "repair":
        assert gpd.read_file(tmp_path / "out.gpkg").crs == crs
    if command == "partition":
        again = gridcell.read_plan(tmp_path / "plan")
        assert again.medium.geometry.area.sum() == pytest.approx(39_600, rel=1e-4)
        assert "crs_overruled" in set(again.findings["kind"])
        assert {record.crs for record in again.inputs} == {crs}


@pytest.mark.parametrize("kind", MISLABELLED)
def test_crosswalk_and_locate_tell_that_a_named_crs_overrules_that_of_a_file(kind, tmp_path, run):
    file, crs = mislabelled(kind, tmp_path / "bad")
    squares = right(crs)
    inner = squares.set_geometry(squares.to_crs("EPSG:4547").buffer(-30).to_crs(crs))
    sound = write(squares, tmp_path / "sound.gpkg")
    inner = write(inner.drop(columns="code"), tmp_path / "inner.gpkg")
    assert run("partition", sound, inner, "-o", tmp_path / "plan", "-q")[0] == 0
    points, _ = mislabelled(
        kind, tmp_path / "doors", lambda frame: frame.set_geometry(shapely.centroid(frame.geometry))
    )
    for command in (
        ["crosswalk", tmp_path / "plan", file, "-o", tmp_path / "pairs.csv"],
        ["locate", tmp_path / "plan", points, "-o", tmp_path / "located.csv"],
    ):
        code, _, err = run(*command, "--crs", crs)
        assert code == 0
        assert "which was named" in err
        assert crs in err
    assert "outside" not in (tmp_path / "located.csv").read_text("utf-8")


@pytest.mark.parametrize("function", [check_cells, repair_cells])
def test_frames_are_measured_in_the_named_crs_if_they_cannot_be_in_their_own(function):
    bad = wrong("metres_called_degrees", right())
    found = function(bad, crs="EPSG:4547")
    told = found.to_text() if function is repair_cells else " ".join(found.findings["message"])
    assert "cannot be in EPSG:4326" in told
    assert bad.crs == "EPSG:4326"


def test_a_named_crs_is_no_match_for_one_that_the_coordinates_can_be_in():
    for crs in ("EPSG:4547", "EPSG:4490"):
        for named in ("EPSG:4547", "EPSG:4490", "EPSG:32649"):
            layers = gridcell.read_layers(right(crs), crs=named)
            assert layers.inputs[0].crs == crs
            assert not [f for f in layers.findings if f.kind == "crs_overruled"]


@settings(deadline=None, max_examples=50)
@given(
    st.sampled_from(["EPSG:4326", "EPSG:4490", "EPSG:4547", "EPSG:32649", None]),
    st.sampled_from(["EPSG:4326", "EPSG:4547", None]),
    st.tuples(st.floats(-170, 170), st.floats(-80, 80), st.floats(0.001, 5)),
    st.booleans(),
)
def test_of_two_crs_the_own_one_counts_unless_only_the_other_is_possible(own, named, at, metres):
    x, y, size = at
    bounds = np.array([x, y, x + size, y + size])
    if metres:
        bounds = bounds * 10_000 + 2_000_000
    own, named = (None if crs is None else _crs(crs) for crs in (own, named))

    def possible(crs):
        return crs is not None and crs.is_projected == metres

    chosen = choose_crs(own, named, bounds)
    if own is None or named is None:
        assert chosen is (own or named)
    else:
        assert chosen is (named if possible(named) and not possible(own) else own)


@pytest.mark.parametrize("definition", ['PROJCS["Unknown"]', "undefined"])
def test_a_geopackage_whose_crs_cannot_be_read_yields_to_the_named_one(definition, tmp_path):
    file = write(right(), tmp_path / "town.gpkg")
    with contextlib.closing(sqlite3.connect(file)) as base, base:
        base.execute(
            "insert into gpkg_spatial_ref_sys values ('own', 99999, 'own', 99999, ?, '')",
            (definition,),
        )
        base.execute("update gpkg_contents set srs_id = 99999")
        base.execute("update gpkg_geometry_columns set srs_id = 99999")
    with pytest.raises(InputError, match=r"the CRS is missing.*crs='EPSG:4547'"):
        gridcell.read_layers(file)
    assert gridcell.read_layers(file, crs="EPSG:4547").crs == "EPSG:4547"
