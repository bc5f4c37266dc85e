"""A check finds every fault of a layer at its place, and nothing else, whatever the layer."""

import json
import os
import subprocess
import sys
from pathlib import Path

import dirty
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from plans import in_words, tiny_plan
from shapely.geometry import LineString, MultiPolygon, Point, Polygon, box
from strategies import coverages
from towns import PLANE

from gridcell.check import CheckReport, check_cells
from gridcell.check.buildings import find_cut_buildings
from gridcell.coverage.repair import repair_cells
from gridcell.errors import InputError, WriteError
from gridcell.formats.findings import write_findings
from gridcell.model import Finding
from gridcell_cli import main as frame

BENCH = Path(__file__).parent / "../../shared/bench"
QUARTERS = [box(0, 0, 100, 100), box(100, 0, 200, 100), box(0, 100, 100, 200),
            box(100, 100, 200, 200)]  # fmt: skip
SQUARE = box(0, 0, 200, 200)


def layer(geometries, crs=PLANE, **columns):
    shapes = np.empty(len(geometries), dtype=object)
    shapes[:] = geometries
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=crs)


def quarters(**columns):
    return layer(QUARTERS, **{"code": list("abcd"), **columns})


def land():
    return layer([shapely.segmentize(SQUARE, 100)])


def found(report, kind):
    return list(report.findings[report.findings["kind"] == kind].itertuples())


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("within", [False, True])
def test_every_fault_among_a_thousand_cells_is_found_and_none_is_invented(seed, within):
    town = dirty.dirty_cells(32, seed)
    assert {fault.name for fault in town.faults} == set(dirty.FAULTS)
    ground = town.land if within else None
    assert check_cells(town.clean, ground).ok
    assert not len(check_cells(town.clean, ground).findings)
    report = check_cells(town.cells, ground)
    invented, missed = dirty.score(report.findings, town.faults, within=within)
    assert invented["message"].tolist() == []
    assert [fault.name for fault in missed] == []
    inside = shapely.dwithin(report.pieces.geometry.array, _all_of(town.faults), 1e-6)
    assert inside.all()


def _all_of(faults):
    return shapely.union_all([fault.place for fault in faults])


@pytest.mark.parametrize("name", list(dirty.FAULTS))
def test_each_kind_of_fault_alone_is_found_whatever_the_order_of_rows(name):
    town = dirty.dirty_cells(17, 3, names=[name])
    assert town.faults
    order = np.random.default_rng(0).permutation(len(town.cells))
    shuffled = town.cells.iloc[order].set_axis([f"i{n}" for n in order])
    shuffled = shuffled.rename_geometry("shape")
    before = shuffled.copy()
    reports = [check_cells(cells, town.land) for cells in (town.cells, shuffled)]
    for report in reports:
        invented, missed = dirty.score(report.findings, town.faults, within=True)
        assert not len(invented)
        assert not missed
    if name not in {"no_code", "same_code"}:
        said = [sorted(report.findings["message"]) for report in reports]
        assert said[0] == said[1] or name == "duplicate"
    assert shuffled.equals(before)


def test_rows_without_geometry_do_not_shift_what_is_said_of_the_others():
    rows = [None, *QUARTERS, Polygon(), box(50, 50, 150, 150)]
    report = check_cells(layer(rows).set_axis(list("nabcdez")), land())
    assert sorted(f.cells for f in found(report, "overlap")) == [
        f"row {x};row z" for x in "abcd"
    ]  # fmt: skip
    assert [f.cell for f in found(report, "empty_geometry")] == ["row e", "row n"]
    assert report.figures["invalid"] == 2


@settings(max_examples=40, deadline=None)
@given(coverages(most=25), st.integers(0, 2**16))
def test_valid_coverages_are_silent_and_a_broken_one_is_told_at_the_place(cells, seed):
    rng = np.random.default_rng(seed)
    ground = layer([shapely.coverage_union_all(cells)])
    assert not len(check_cells(layer(cells), ground).findings)
    row = int(rng.integers(len(cells)))
    moved = cells.copy()
    moved[row] = shapely.affinity.translate(cells[row], *rng.uniform(1, 5, 2))
    report = check_cells(layer(moved), ground)
    assert not report.ok
    place = cells[row].symmetric_difference(moved[row])
    points = np.asarray(report.findings.geometry.array, dtype=object)
    assert (shapely.distance(points, place) < 1e-6).all()
    # Whatever was bared or covered twice lies in a piece.
    pieces = shapely.union_all(report.pieces.geometry.array, grid_size=2**-30)
    assert place.difference(pieces.buffer(1e-6)).area < 1e-4


def test_cells_that_hold_each_other_or_touch_themselves_are_no_faults():
    ring = Polygon(SQUARE.exterior, [box(50, 50, 150, 150).exterior])
    touching = Polygon([(0, 0), (60, 0), (60, 60), (0, 60)], [[(0, 0), (30, 10), (10, 30)]])
    inner = Polygon([(0, 0), (30, 10), (10, 30)])
    for cells in ([ring, box(50, 50, 150, 150)], [touching, inner]):
        report = check_cells(layer(cells), layer([shapely.coverage_union_all(cells)]))
        assert not len(report.findings)
    apart = MultiPolygon([QUARTERS[0], QUARTERS[3]])
    report = check_cells(layer([apart, *QUARTERS[1:3]]), land())
    assert report.ok
    assert [f.kind for f in report.findings.itertuples()] == ["multipart"]


def test_a_hole_is_a_warning_a_sliver_an_error_and_with_land_both_are_errors():
    ring = Polygon(SQUARE.exterior, [box(50, 50, 150, 150).exterior])
    (hole,) = found(check_cells(layer([ring])), "hole")
    assert (hole.severity, hole.measure) == ("warning", 10_000)
    (gap,) = found(check_cells(layer([ring]), layer([SQUARE])), "gap")
    assert gap.severity == "error"
    slit = Polygon(SQUARE.exterior, [box(50, 50, 150, 52).exterior])
    (sliver,) = found(check_cells(layer([slit])), "sliver")
    assert sliver.severity == "error"
    wide = Polygon(SQUARE.exterior, [box(5, 50, 195, 55).exterior])
    (sliver,) = found(check_cells(layer([wide])), "sliver")
    assert "a gap width of 5.0" in sliver.message
    (broad,) = found(check_cells(layer([ring]), gap_width=101), "sliver")
    assert broad.measure == 10_000


def test_a_cell_belongs_to_the_land_that_holds_most_of_it():
    ground = layer([box(0, 0, 200, 100), box(0, 100, 200, 200)], code=["S", "N"])
    # A point in its middle lies in the wrong one.
    bent = Polygon(
        [(0, 0), (200, 0), (200, 20), (110, 20), (110, 130), (90, 130), (90, 20), (0, 20)]
    )
    (spill,) = found(check_cells(layer([bent], code=["x"]), ground), "outside")
    assert spill.measure == pytest.approx(600)
    assert "lie outside S" in spill.message
    away = check_cells(layer([box(500, 500, 501, 501)]), ground)
    assert "lie outside the land" in found(away, "outside")[0].message


def test_a_junction_is_told_once_with_all_its_cells_and_one_beside_land_is_a_note():
    cells = layer([box(0, 0, 100, 200), box(100, 0, 200, 100), box(100, 100, 200, 200)],
                  code=list("abc"))  # fmt: skip
    report = check_cells(cells)
    (junction,) = found(report, "unmatched_border")
    assert (junction.cells, junction.geometry) == ("a;b;c", Point(100, 100))
    assert not report.figures["edge_matched"]
    exact = check_cells(quarters(), layer([SQUARE]))
    (note,) = exact.findings.itertuples()
    assert (note.kind, note.severity, note.geometry) == ("unmatched_border", "note", Point(0, 100))
    assert exact.ok
    assert exact.figures["edge_matched"]


@pytest.mark.parametrize("crs", [PLANE, "EPSG:4490"])
def test_slits_open_at_the_rim_are_told_as_repair_closes_them(crs):
    west = Polygon([(0, 0), (100, 0), (100, 10), (100, 100), (0, 100)])
    east = box(102, 0, 200, 100).union(box(100, 0, 200, 10))
    cells = layer([west, east], code=["w", "e"]).to_crs(crs)
    report = check_cells(cells)
    assert report.ok
    (slit,) = found(report, "open_sliver")
    assert (slit.severity, sorted(slit.cells.split(";"))) == ("warning", ["e", "w"])
    assert slit.measure == pytest.approx(180, rel=0.05)
    assert "2 m wide" in slit.message
    moves = repair_cells(cells).moves
    assert moves["area_m2"].sum() == pytest.approx(180, rel=0.01)
    assert shapely.distance(np.asarray(moves.geometry), slit.geometry).min() == 0
    (piece,) = report.pieces.itertuples()
    assert (piece.kind, piece.width_m) == ("open_sliver", pytest.approx(2, rel=0.05))
    # Wider than asked, within land, or closed: no slit, and the last two leave nothing open.
    assert not len(found(check_cells(cells, gap_width=1.5), "open_sliver"))
    ground = layer([box(0, 0, 200, 100)]).to_crs(crs)
    assert not len(found(check_cells(cells, ground), "open_sliver"))
    assert not len(found(check_cells(repair_cells(cells).cells), "open_sliver"))


def test_short_or_wide_inlets_and_those_of_one_cell_are_no_open_slivers():
    short = [box(0, 0, 100, 100).difference(box(99, 97, 100, 100)), box(100, 0, 200, 100)]
    wide = [box(0, 0, 100, 100), box(105, 0, 200, 100).union(box(100, 0, 200, 10))]
    own = [box(0, 0, 100, 100).difference(box(50, 10, 52, 100)), box(100, 0, 200, 100)]
    for shapes in (short, wide, own):
        assert not len(found(check_cells(layer(shapes)), "open_sliver"))


def test_a_polygon_given_twice_is_one_finding_and_no_overlap():
    again = Polygon(list(QUARTERS[1].exterior.coords)[::-1])
    report = check_cells(layer([*QUARTERS, again], code=list("abcde")), land())
    (twin,) = report.findings.itertuples()
    assert (twin.kind, twin.cells) == ("duplicate_geometry", "b;e")


def test_an_invalid_polygon_is_told_with_its_crossing_and_still_covers_its_land():
    bow = Polygon([(100, 0), (200, 0), (200, 50), (199, 49), (199, 51), (200, 50), (200, 100),
                   (100, 100)])  # fmt: skip
    report = check_cells(layer([QUARTERS[0], bow, *QUARTERS[2:]], code=list("abcd")))
    (fault,) = found(report, "invalid_geometry")
    assert fault.geometry == Point(200, 50)
    assert report.pieces["area_m2"].sum() < 5


@pytest.mark.parametrize(
    ("crs", "factor"), [("EPSG:2232", 1200 / 3937), ("EPSG:4546", 1.0), (None, 1.0)]
)
def test_areas_and_widths_are_metres_in_any_unit(crs, factor):
    cells = [Polygon(SQUARE.exterior, [box(80, 80, 120, 120).exterior])]
    if crs == "EPSG:2232":
        cells = [shapely.affinity.translate(cells[0], 3_100_000, 1_700_000)]
    report = check_cells(layer(cells, crs=crs))
    (piece,) = report.pieces.itertuples()
    assert piece.area_m2 == pytest.approx(1600 * factor**2)
    assert piece.width_m == pytest.approx(40 * factor, rel=0.01)
    assert ("square units" in report.findings["message"][0]) == (crs is None)


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857", "EPSG:4490"])
def test_areas_agree_with_a_metric_projection_where_the_crs_is_none(crs):
    ring = layer([Polygon(SQUARE.exterior, [box(80, 60, 120, 120).exterior])], "EPSG:32650")
    ring = ring.set_geometry(ring.translate(450_000, 4_420_000))
    (piece,) = check_cells(ring.to_crs(crs)).pieces.itertuples()
    assert piece.area_m2 == pytest.approx(2400, rel=0.003)
    assert piece.width_m == pytest.approx(40, rel=0.01)


def stacked(**columns):
    """Two parents side by side, each of two cells."""
    rows = [box(0, 0, 100, 200), box(100, 0, 200, 200), *QUARTERS]
    shapes = [shapely.segmentize(row, 100) for row in rows]
    values = {
        "code": ["1", "2", "11", "21", "12", "22"], "level": [3, 3, 4, 4, 4, 4],
        "parent": [None, None, "1", "2", "1", "2"], "households": [30, 70, 10, 30, 20, 40],
    }  # fmt: skip
    return layer(shapes, **{**values, **columns})


@pytest.mark.parametrize("without", [[], ["level"], ["parent"], ["level", "households"]])
def test_levels_over_each_other_are_checked_one_by_one(without):
    report = check_cells(stacked().drop(columns=without), land())
    assert not len(report.findings)
    assert report.figures["levels"] == 2


def test_levels_side_by_side_are_one_coverage():
    leaves = tiny_plan().leaves
    assert leaves["level"].nunique() == 2
    report = check_cells(leaves, tiny_plan().medium)
    assert report.ok
    assert report.figures["levels"] == 1


@pytest.mark.parametrize(
    ("columns", "kind", "cells"),
    [
        ({"parent": [None, None, "1", "2", "2", "2"]}, "code_not_nested", "12;2"),
        ({"parent": [None, None, "1", "2", "1", "9"]}, "wrong_parent", "22"),
        ({"parent": [None, None, "1", "2", "1", None]}, "wrong_parent", "22"),
        ({"parent": [None, None, "1", "2", "1", "11"]}, "wrong_parent", "22"),
        ({"households": [30, 71, 10, 30, 20, 40]}, "totals", "2"),
        ({"parent": [None, None, "1", "2", "2", "2"]}, "not_nested_geometry", "12;2"),
        ({"code": ["1", "2", "11", "21", "12", "21"]}, "duplicate_code", "21"),
        ({"code": ["1", "2", "11", "21", "12", None]}, "missing_code", "row 5"),
    ],
)
def test_codes_parents_and_sums_that_do_not_fit_are_named(columns, kind, cells):
    told = found(check_cells(stacked(**columns)), kind)
    assert [finding.cells for finding in told] == [cells]


def test_a_gap_within_a_parent_is_an_error_of_its_level():
    cells = stacked().drop(index=5)
    report = check_cells(cells)
    (gap,) = found(report, "gap")
    assert gap.message.startswith("10,000 m2 of 2 in none of its cells")


def test_parents_that_go_in_a_circle_end_in_findings():
    report = check_cells(quarters(parent=["b", "a", "a", "d"]))
    assert found(report, "wrong_parent")


def test_a_wrong_check_character_is_told_where_the_others_are_right():
    cells = dirty.clean_cells(4)
    assert not len(check_cells(cells).findings)
    label = cells.loc[3, "label"]
    cells.loc[3, "label"] = label[:-1] + str((int(label[-1]) + 1) % 10)
    cells.loc[5, "label"] = "5"
    typo, other = found(check_cells(cells), "wrong_check_character")
    assert f"expected the check character {label[-1]}" in typo.message
    assert other.cell == cells.loc[5, "code"]
    assert check_cells(quarters(label=["unit-1", "unit-2", "unit-3", "unit-4"])).ok


def test_a_column_of_classes_is_not_taken_for_codes():
    cells = layer([*QUARTERS, box(200, 0, 300, 100)], code=list("aabbb"))
    (fault,) = found(check_cells(cells), "duplicate_code")
    assert fault.severity == "warning"


def test_members_cannot_be_more_than_the_households_of_a_cell_or_of_all():
    counts = {"members": [12_000, 5_000, 4_000, 3_034], "households": [11_000, 5_797, 4_000, 3_000]}
    told = found(check_cells(quarters(**counts)), "share_above_100")
    assert [finding.cell for finding in told if isinstance(finding.cell, str)] == ["a", "d"]
    assert any("24,034 members among 23,797 households, 101.0 %" in f.message for f in told)
    two = layer(QUARTERS[:2], code=list("ab"), members=[3, 2], households=[2, 2])
    assert len(found(check_cells(two), "share_above_100")) == 2
    assert len(found(check_cells(two.iloc[:1]), "share_above_100")) == 1
    odd = quarters(pet=[1, 2, 3, 4], flat=[2, 2, 2, 4])
    assert check_cells(odd).ok
    (one,) = found(check_cells(odd, shares=[("pet", "flat")]), "share_above_100")
    assert one.cell == "c"
    assert one.measure == pytest.approx(150)
    with pytest.raises(InputError, match="no column 'cat'; the layer has code, pet, flat"):
        check_cells(odd, shares=[("cat", "flat")])


@pytest.mark.parametrize(
    ("name", "values", "cells", "severity"),
    [
        ("share", [0.5, 0.9, 1.01, 1.0], ["c"], "error"),
        ("会员占比", [98.5, 100.0, 100.996, 40.0], ["c"], "error"),
        ("pct_done", [10, 20, 300, 40], ["c"], "error"),
        ("入住率", [0.8, 0.9, 0.95, 1.2], ["d"], "warning"),
        ("容积率", [0.8, 2.5, 3.1, 1.2], [], ""),
        ("vacancy_percent", [0.2, 0.5, 3.0, 0.8], [], ""),
        ("pirate", [0.2, 0.5, 3.0, 0.8], [], ""),
        ("birth_rate", [11.0, 9.0, 120.0, 8.0], [], ""),
    ],
)
def test_shares_are_told_from_percentages_and_from_other_numbers(name, values, cells, severity):
    told = found(check_cells(quarters(**{name: values})), "share_above_100")
    assert [finding.cell for finding in told] == cells
    assert {finding.severity for finding in told} <= {severity}


def test_households_in_no_cell_or_in_several_are_told_and_those_on_borders_are_not():
    cells = layer([*QUARTERS, box(150, 150, 200, 200)], code=list("abcde"))
    where = [(100, 50), (100, 100), (0, 0), (50, 50), (170, 170), (300, 50)]
    people = layer([*map(Point, where), None], household_id=[f"h{n}" for n in range(7)])
    report = check_cells(cells, households=people)
    (twice,) = found(report, "household_twice")
    assert twice.cells == "d;e"
    assert twice.message == "household h4 is in 2 cells: d, e"
    said = [f.message for f in found(report, "household_outside")]
    assert sorted(said) == ["household h5 is in no cell", "household h6 has no place"]
    table = pd.DataFrame({"x": [50.0, 999.0], "y": [50.0, 50.0]}, index=["p", "q"])
    (lost,) = found(check_cells(quarters(), households=table), "household_outside")
    assert lost.message == "household row q is in no cell"
    with pytest.raises(InputError, match="phone"):
        check_cells(quarters(), households=table.assign(phone="1"))
    with pytest.raises(InputError, match="no place"):
        check_cells(quarters(), households=table[["x"]])
    flat = layer([box(10, 10, 20, 20), box(900, 10, 901, 20)], bldg_id=["A", "B"])
    by_building = pd.DataFrame({"household_id": ["1", "2", "3"], "bldg_id": ["A", "B", "C"]})
    told = found(check_cells(quarters(), buildings=flat, households=by_building),
                 "household_outside")  # fmt: skip
    assert sorted(f.message for f in told) == [
        "household 2 is in no cell", "household 3 has no place"
    ]  # fmt: skip


def test_buildings_that_borders_cut_are_told_and_those_at_the_rim_are_not():
    houses = [box(10, 10, 20, 20), box(90, 40, 120, 60), box(-5, 10, 5, 20), box(80, 100, 90, 110)]
    report = check_cells(quarters(), buildings=layer(houses, bldg_id=list("wxyz")))
    (cut,) = found(report, "cut_building")
    assert cut.measure == pytest.approx(200)
    assert "building x" in cut.message
    assert cut.geometry.within(houses[1])
    far = quarters().set_geometry(quarters().translate(500_000, 2_560_000))
    moved = layer([shapely.affinity.translate(h, 500_000, 2_560_000) for h in houses])
    for cells, other in ((far.to_crs(4490), moved), (far, moved.to_crs(4490))):
        (cut,) = found(check_cells(cells, buildings=other), "cut_building")
        assert cut.measure == pytest.approx(200, rel=0.02)


def test_a_sliver_within_the_precision_makes_no_neighbours_of_two_wings():
    # The community ends between the wings; one cell has one of them and a hair along the other.
    wings = shapely.Polygon([(-20, 0), (30, 0), (30, 8), (-10, 8), (-10, 32), (30, 32), (30, 40),
                             (-20, 40)])  # fmt: skip
    hair = shapely.Polygon([(30, 32), (30, 40), (30 - 4e-6, 40)])
    north = box(0, 20, 30, 60).difference(hair)
    south = box(0, 0, 60, 60).difference(north)
    cells = layer([north, south], code=["n", "s"], community=["a", "a"])
    building = layer([wings], bldg_id=["B"], code=["n"])
    assert find_cut_buildings(building, cells) == []
    through = layer([box(0, 0, 60, 36), box(0, 36, 60, 60)], code=["s", "n"], community=["a"] * 2)
    assert [f.measure for f in find_cut_buildings(building, through)] == [pytest.approx(360)]


def test_land_of_smaller_footprints_is_not_cut_off_where_outlines_nearly_coincide():
    """GEOS's difference without a grid takes nothing away from this part of the tower."""
    tower, part, *others = map(Polygon, (
        [(500342.70711642056, 2560184.4609526047), (500342.70712238154, 2560192.4609526047),
         (500346.5166461913, 2560192.4609526047), (500346.5166402303, 2560184.4609526047)],
        [(500346.5166461913, 2560192.4609526047), (500346.5166451773, 2560191.1001602835),
         (500345.06812, 2560186.04257), (500343.87382, 2560186.38463),
         (500345.6141228081, 2560192.4609526047)],
        [(500347.3798783377, 2560198.626153389), (500343.8738220741, 2560186.3846289963),
         (500342.6795264839, 2560186.726683417), (500346.18558274757, 2560198.96820781)],
        [(500340.36776271346, 2560174.14309379), (500343.8738220741, 2560186.3846289963),
         (500345.0681176643, 2560186.0425745756), (500341.5620583037, 2560173.8010393693)],
        [(500348.57417392795, 2560198.2840989684), (500345.0681176643, 2560186.0425745756),
         (500343.8738220741, 2560186.3846289963), (500347.3798783377, 2560198.626153389)],
        [(500349.17134938587, 2560198.113063835), (500343.9943391271, 2560180.0373421097),
         (500342.15923376137, 2560173.630004236), (500341.5620583037, 2560173.8010393693),
         (500348.57417392795, 2560198.2840989684)],
        [(500346.5166402303, 2560184.4609526047), (500346.5166461913, 2560192.4609526047),
         (500350.326170001, 2560192.4609526047), (500350.32616404, 2560184.4609526047)],
    ))  # fmt: skip
    cells = layer([part, box(500300, 2560150, 500400, 2560250).difference(part)],
                  code=["n", "o"], community=["a", "a"])  # fmt: skip
    buildings = layer([tower, *others], bldg_id=list("tabcde"), code=["o"] * 6)
    assert "t" not in [f.text.params["building"] for f in find_cut_buildings(buildings, cells)]


def test_what_is_no_layer_of_polygons_is_refused_or_found():
    with pytest.raises(InputError, match="expected GeoDataFrame"):
        check_cells(pd.DataFrame({"code": ["a"]}))
    with pytest.raises(InputError, match="gap width"):
        check_cells(quarters(), gap_width=-1)
    with pytest.raises(InputError, match="CRS"):
        check_cells(quarters(), land().to_crs(4490))
    report = check_cells(layer([LineString([(0, 0), (10, 10)]), Point(30, 30)]))
    assert [f.kind for f in report.findings.itertuples()] == ["wrong_type", "wrong_type"]
    assert check_cells(layer([])).ok
    assert check_cells(layer([], code=[]), land()).figures["gap_m2"] == 40_000


def test_a_report_is_plain_data_and_escapes_what_it_shows():
    cells = layer([*QUARTERS, box(0, 0, 100, 50)], code=["<b>", "b", "c", "d", "e"])
    report = check_cells(cells)
    told = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert told["findings"] == {"overlap": 1}
    assert {"kind", "cells", "x", "y", "measure"} <= set(told["list"][0])
    assert "&lt;b&gt;" in report._repr_html_()
    assert "<b>;" not in report._repr_html_()
    assert len(report._repr_html_()) < 20_000
    assert str(report).splitlines()[-1] == "1 error"
    many = CheckReport.of(
        [Finding(kind=f"k{n % 3}", severity="error", text=in_words(str(n))) for n in range(99)],
        None,
    )
    lines = many.to_text(most=9).splitlines()
    assert len(lines) == 13
    assert lines[3].endswith("… and 30 more")


def run(capsys, monkeypatch, *arguments):
    monkeypatch.setattr(frame, "_be_quiet", lambda: None)
    with pytest.raises(SystemExit) as exit_:
        frame.main([str(a) for a in arguments])
    return exit_.value.code, capsys.readouterr()


def test_the_command_reads_all_its_files(tmp_path, capsys, monkeypatch):
    far = quarters(some=[3, 1, 1, 1], whole=[2, 2, 2, 2])
    far = far.set_geometry(far.translate(500_000, 2_560_000))
    far.to_file(tmp_path / "cells.gpkg")
    layer([box(500_090, 2_560_040, 500_120, 2_560_060)]).to_file(tmp_path / "b.gpkg")
    (tmp_path / "h.csv").write_text("household_id,x,y\n1,500050,2560050\n2,1,1\n", "utf-8")
    arguments = ["check", tmp_path / "cells.gpkg", "--within", tmp_path / "cells.gpkg",
                 "--buildings", tmp_path / "b.gpkg", "--households", tmp_path / "h.csv",
                 "--share", "some:whole"]  # fmt: skip
    code, said = run(capsys, monkeypatch, *arguments, "--json", "-o", tmp_path / "f.geojson")
    assert code == 4
    kinds = {"cut_building": 1, "household_outside": 1, "share_above_100": 1}
    assert json.loads(said.out)["findings"] == kinds
    points = gpd.read_file(tmp_path / "f.geojson")
    assert points.crs == "EPSG:4326"
    assert set(points["kind"]) == set(kinds)
    raw = json.loads((tmp_path / "f.geojson").read_text("utf-8"))
    assert "crs" not in raw
    code, said = run(capsys, monkeypatch, *arguments[:2], "--share", "some")
    assert code == 2
    code, said = run(capsys, monkeypatch, *arguments[:2], "--share", "some:x")
    assert code == 3
    assert "no column 'x'" in said.err


def test_findings_without_a_crs_become_a_geopackage_but_no_geojson(tmp_path):
    report = check_cells(layer([SQUARE, box(0, 0, 200, 50)], crs=None))
    write_findings(report.findings, tmp_path / "f.gpkg", pieces=report.pieces)
    with pytest.raises(WriteError, match="no CRS"):
        write_findings(report.findings, tmp_path / "f.geojson")


def test_the_same_layer_gives_the_same_bytes_whatever_the_hash_seed():
    script = """
import json, dirty
from gridcell.check import check_cells
town = dirty.dirty_cells(17, 1)
print(json.dumps(check_cells(town.cells, town.land).to_dict()))
"""
    root = Path(__file__).parent
    path = os.pathsep.join([str(root), str(root.parent), str(root.parent / "cli")])
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True, encoding="utf-8",
        env={**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": path},
    )  # fmt: skip
    town = dirty.dirty_cells(17, 1)
    assert done.stdout == json.dumps(check_cells(town.cells, town.land).to_dict()) + "\n"
