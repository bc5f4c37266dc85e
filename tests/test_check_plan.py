"""Whatever somebody edits in a plan afterwards, the check finds, and finds nothing else."""

import copy
import dataclasses
import json
from functools import reduce

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
import shapely
from shapely.geometry import MultiPolygon, box

import gridcell.render.map
from gridcell.cells.columns import with_band_figures
from gridcell.certificate.folder import check_plan_folder
from gridcell.check import check_plan, compare_report, prove_plan
from gridcell.check.promises.codes import check_lineage
from gridcell.errors import InputError
from gridcell.folder import write_plan
from gridcell.formats.geopackage import read_plan
from gridcell.pipeline import make_plan
from gridcell.read import read_layers
from gridcell.rules import Band, Rules
from gridcell.schema import CELL_LAYERS

CRS = "EPSG:4547"
X, Y = 500_000.0, 2_560_000.0
CODES = ["450802001013", "450802001014"]
RULES = Rules.build({
    "small": {"min": 30, "target": 40, "max": 50},
    "micro": {"min": 11, "target": 13, "max": 16},
    "search": 50,
})  # fmt: skip
LEVELS = ("large", "medium", "small", "micro", "leaves")


def house(x, y, width=10.0, height=10.0):
    return shapely.box(X + x, Y + y, X + x + width, Y + y + height)


def town():
    """Return two communities with nine houses each, one of them long, and a school."""
    land = [shapely.box(X + 100 * i, Y, X + 100 * i + 100, Y + 100) for i in range(2)]
    grid = [house(100 * c + 15 + 30 * i, 15 + 30 * j)
            for c in range(2) for j in range(3) for i in range(3)]  # fmt: skip
    homes = [*grid, house(5, 2, 90, 8)]
    return {
        "communities": gpd.GeoDataFrame(
            {"code": CODES, "name": ["荷城社区", "东湖社区"]}, geometry=land, crs=CRS
        ),
        "buildings": gpd.GeoDataFrame(
            {"bldg_id": [f"b{i:02}" for i in range(len(homes))], "households": [5] * 18 + [40]},
            geometry=homes, crs=CRS,
        ),
        "sites": gpd.GeoDataFrame(
            {"name": ["荷城中学"]}, geometry=[house(170, 70, 30, 30)], crs=CRS
        ),
    }  # fmt: skip


def register():
    """Return a household a line, and some that nobody can place."""
    homes = town()["buildings"]
    rows = homes.loc[homes.index.repeat(homes["households"]), "bldg_id"].tolist()
    rows += ["nowhere", "nowhere"]
    return pd.DataFrame({"household_id": [f"h{i:03}" for i in range(len(rows))], "bldg_id": rows})


def roster():
    return pd.DataFrame(
        {
            "staff_id": ["p1", "p2", "p3", "p4"],
            "roles": ["community_chief", "small_chief", "micro_chief", "worker"],
            "community": CODES[0],
        }
    )


@pytest.fixture(scope="module")
def sound():
    """Return a plan without its land, which tells of much that is edited here: test_plan_land."""
    inputs = {**town(), "households": register(), "staff": roster()}
    plan = make_plan(read_layers(**inputs, rules=RULES), rules=RULES)
    return dataclasses.replace(plan, fabric=None)


@pytest.fixture(scope="module")
def proofs(sound):
    """Return the proofs for edits that move nothing."""
    return prove_plan(sound)


@pytest.fixture(scope="module", autouse=True)
def quick_map():
    """Write a stand-in for the map, which has tests of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            gridcell.render.map, "write_map", lambda _, path, *, lang: path.write_text(lang)
        )
        yield


def kinds(plan, proofs=None):
    return {finding.kind for finding in check_plan(plan, proofs) if finding.severity == "error"}


def edited(plan, code, /, **values):
    """Return the plan with new values in the columns of a cell, in every layer that has it."""
    frames = {}
    for level in LEVELS:
        cells = plan.cells(level).copy()
        for name, value in values.items():
            cells.loc[cells["code"] == code, name] = value
        frames[level] = cells
    return dataclasses.replace(plan, **frames)


def changed(plan, table, row, /, **values):
    """Return the plan with new values in a row of a table or layer."""
    frame = getattr(plan, table).copy()
    for name, value in values.items():
        frame.loc[row, name] = value
    return dataclasses.replace(plan, **{table: frame})


def reported(plan, path, value):
    """Return the plan's report with another figure in it; ``None`` removes it."""
    report = copy.deepcopy(plan.report)
    *above, last = path.split(".")
    inner = reduce(dict.__getitem__, above, report)
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    return report


def calm(plan):
    """Return a micro cell in the middle of its band, and an outsider."""
    inside = plan.micro[plan.micro["households"].between(11, 15)]
    outside = plan.micro[plan.micro["band"] != "in"]
    return inside.iloc[0], outside.iloc[0]


# Sound plans


def test_a_plan_with_everything_in_it_breaks_no_promise(sound):
    assert len(sound.households) > 100
    assert sound.buildings["bldg_id"].duplicated().any()
    assert len(sound.staff) == 4
    assert "dedicated" in set(sound.small["grid_type"])
    assert check_plan(sound) == []
    assert list(compare_report(sound, sound.report)) == []


def grid_of_atoms():
    squares = [house(10 * i, 10 * j) for i in range(20) for j in range(10)]
    return gpd.GeoDataFrame({"atom_id": range(200), "households": 1}, geometry=squares, crs=CRS)


@pytest.mark.parametrize(
    ("rules", "inputs"),
    [
        (RULES, town()),
        (RULES, {"communities": town()["communities"], "atoms": grid_of_atoms()}),
        (RULES, {**town(), "communities": town()["communities"].assign(n_small=[2, 1])}),
    ],
    ids=["counts", "atoms", "wanted numbers"],
)
def test_plans_of_other_inputs_break_no_promise(rules, inputs):
    assert check_plan(make_plan(read_layers(**inputs, rules=rules), rules=rules)) == []


def test_a_plan_without_micro_cells_breaks_no_promise_before_and_after_it_is_written(tmp_path):
    rules = Rules.build({**RULES.model_dump(), "micro": None})
    plan = make_plan(read_layers(**town(), rules=rules), rules=rules)
    assert check_plan(plan) == []
    write_plan(plan, tmp_path / "p")
    back = read_plan(tmp_path / "p")
    assert check_plan(back) == []
    assert check_plan_folder(back, tmp_path / "p") == []


# Cells


@pytest.mark.parametrize(
    ("column", "value", "kind"),
    [
        ("label", lambda c: c["label"][:-1] + str((int(c["label"][-1]) + 1) % 10),
         "wrong_check_character"),
        ("label", lambda c: c["label"].replace("-", "", 1), "wrong_label"),
        ("label", lambda _: None, "wrong_label"),
        ("area_m2", lambda c: c["area_m2"] * (1 + 3e-6), "wrong_area"),
        ("area_m2", lambda _: None, "wrong_area"),
        ("compactness", lambda c: c["compactness"] + 0.01, "wrong_compactness"),
        ("households", lambda c: c["households"] + 1, "totals"),
        ("buildings", lambda c: c["buildings"] + 1, "totals"),
        ("reason", lambda _: "it is a Monday", "wrong_reason"),
        ("band", lambda _: "good", "wrong_band"),
        ("level", lambda _: 3, "wrong_level"),
        ("level", lambda _: None, "wrong_level"),
        ("grid_type", lambda _: "special", "wrong_grid_type"),
    ],
)  # fmt: skip
def test_a_column_of_a_micro_cell_that_is_edited_is_found(sound, column, value, kind):
    cell, _ = calm(sound)
    found = kinds(edited(sound, cell["code"], **{column: value(cell)}))
    # A cell of another level is in a wrong place for all who refer to it.
    excused = {"level": {"wrong_parent", "wrong_leaf", "wrong_household", "outside", "overlap",
                         "gap", "totals", "wrong_band"},
               "grid_type": {"wrong_post", "share_above_100", "wrong_band"}}  # fmt: skip
    assert kind in found
    assert found <= {kind, *excused.get(column, set())}


def test_a_band_is_held_against_the_target_of_the_community(sound):
    cell, outsider = calm(sound)
    assert kinds(edited(sound, outsider["code"], reason=None)) == {"wrong_reason"}
    assert kinds(edited(sound, cell["code"], band="over", reason="why not")) >= {"wrong_band"}
    more = int(cell["households"]) + 1
    own = {**sound.bands, (cell["community"], "micro"): Band(min=more, target=more, max=more)}
    assert "wrong_band" in kinds(dataclasses.replace(sound, bands=own))


def test_without_targets_cells_of_a_community_must_agree_on_the_band(sound):
    frames = {level: with_band_figures(sound.cells(level), {}) for level in CELL_LAYERS}
    bare = dataclasses.replace(sound, bands={}, **frames)
    cell, _ = calm(sound)
    assert kinds(bare) == set()
    assert kinds(edited(bare, cell["code"], band="over", reason="why not")) == {"wrong_band"}


def test_a_dedicated_cell_has_no_band_and_a_community_neither(sound):
    site = sound.small[sound.small["grid_type"] == "dedicated"]["code"].iloc[0]
    assert kinds(edited(sound, site, band="in")) == {"wrong_band"}
    assert kinds(edited(sound, sound.medium["code"][0], band="in")) == {"wrong_band"}
    assert kinds(edited(sound, sound.large["code"][0], reason="size")) == {"wrong_reason"}


def test_only_level_3_has_dedicated_cells_and_only_level_1_no_community(sound):
    assert kinds(edited(sound, sound.large["code"][0], grid_type="dedicated")) == {
        "wrong_grid_type"
    }
    assert kinds(edited(sound, sound.large["code"][0], community="x")) == {"wrong_community"}
    found = kinds(edited(sound, calm(sound)[0]["code"], community=CODES[1]))
    assert {"wrong_community", "wrong_household"} <= found


@pytest.mark.parametrize(
    ("level", "values", "kind"),
    [
        ("small", {"code": "450802001013002"}, "duplicate_code"),
        ("micro", {"code": None}, "duplicate_code"),
        ("micro", {"code": "45080200101300100Ä"}, "wrong_code"),
        ("small", {"parent": "450802001009"}, "wrong_parent"),
        ("large", {"parent": "450802001"}, "wrong_parent"),
        ("micro", {"parent": "450802001014001"}, "code_not_nested"),
        ("leaves", {"code": "450802001013999"}, "wrong_leaf"),
        ("leaves", {"name": "another"}, "wrong_leaf"),
        ("micro", {"geometry": box(0, 0, 1, 1)}, "wrong_leaf"),
        ("leaves", {"geometry": None}, "invalid_geometry"),
        ("medium", {"buildings": 1}, "totals"),
        ("micro", {"households": None}, "totals"),
    ],
)
def test_codes_parents_and_leaves_that_contradict_each_other_are_found(sound, level, values, kind):
    assert kind in kinds(changed(sound, level, 0, **values))


def test_numbers_of_cells_keep_the_ranges_of_their_type(sound):
    rules = sound.rules.model_dump()
    rules["codes"]["general_first"] = 500
    later = dataclasses.replace(sound, rules=Rules.build(rules))
    assert kinds(later) == {"wrong_code"}


@pytest.mark.parametrize("level", ["large", "medium", "small", "leaves"])
def test_a_cell_that_shrinks_is_no_longer_its_land(sound, level):
    smaller = sound.cells(level).geometry[0].buffer(-1)
    found = kinds(changed(sound, level, 0, geometry=smaller))
    assert found & {"gap", "outside"}


@pytest.mark.parametrize("level", ["small", "leaves"])
def test_a_cell_that_grows_over_another_is_named_with_it(sound, level):
    cells = sound.cells(level)
    grown = changed(sound, level, 0, geometry=cells.geometry[0].buffer(1))
    told = [f for f in check_plan(grown) if f.kind == "overlap"]
    pairs = {frozenset([f.cell, *f.others]) for f in told}
    met = cells.geometry.iloc[1:].intersection(grown.cells(level).geometry[0]).area > 1e-6
    assert pairs == {frozenset([cells["code"][0], cells["code"][k]]) for k in met.index[met]}
    assert all(f.measure > 0 for f in told)


def test_two_pieces_are_an_error_unless_the_community_is_in_two_itself(sound):
    two = MultiPolygon([house(1, 1, 1, 1), house(5, 1, 1, 1)])
    broken = changed(sound, "micro", 0, geometry=two)
    assert "multipart" in kinds(broken)
    excused = changed(broken, "medium", 0, geometry=two)
    found = {f.severity for f in check_plan(excused) if f.kind == "multipart"}
    assert found == {"warning"}


# Households, buildings, staff


def row_of(plan, *, placed):
    return plan.households.index[plan.households["code"].notna() == placed][0]


@pytest.mark.parametrize(
    ("placed", "values", "found"),
    [
        (True, {"small": "450802001014001"}, {"wrong_household"}),
        (True, {"community": CODES[1]}, {"wrong_household"}),
        (True, {"how": "guess"}, {"wrong_household"}),
        (True, {"distance_m": -1.0}, {"wrong_household"}),
        (True, {"reason": "lost"}, {"wrong_household"}),
        (True, {"household_id": None}, {"wrong_household"}),
        (True, {"count": 2}, {"totals"}),
        (True, {"count": 0}, {"totals"}),
        (True, {"count": -1}, {"totals", "wrong_household"}),
        (True, {"code": "nowhere"}, {"unknown_code", "totals"}),
        (True, {"code": None}, {"unknown_code", "totals", "wrong_household"}),
        (False, {"reason": None}, {"unknown_code"}),
        (False, {"small": "450802001014001"}, {"wrong_household"}),
    ],
)
def test_a_household_that_is_edited_is_found(sound, proofs, placed, values, found):
    row = row_of(sound, placed=placed)
    assert kinds(changed(sound, "households", row, **values), proofs) == found


def test_a_household_listed_twice_or_removed_is_found(sound):
    row = row_of(sound, placed=True)
    twice = pd.concat([sound.households, sound.households.loc[[row]]], ignore_index=True)
    doubled = dataclasses.replace(sound, households=twice)
    assert kinds(doubled) == {"duplicate_household", "totals"}
    gone = dataclasses.replace(sound, households=sound.households.drop(index=row))
    assert kinds(gone) == {"totals"}
    unplaced = sound.households.drop(index=row_of(sound, placed=False))
    assert kinds(dataclasses.replace(sound, households=unplaced)) == {"totals"}


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"households": 6}, {"totals"}),
        ({"code": "nowhere"}, {"unknown_code", "totals"}),
        ({"code": None}, {"totals"}),
        ({"bldg_id": None}, {"wrong_building", "totals"}),
        ({"households": None}, {"wrong_building", "totals"}),
    ],
)
def test_a_building_that_is_edited_is_found(sound, proofs, values, found):
    row = sound.buildings.index[sound.buildings["bldg_id"] == "b01"][0]
    assert kinds(changed(sound, "buildings", row, **values), proofs) == found


def test_a_border_through_a_building_is_found(sound):
    row = sound.buildings.index[sound.buildings["bldg_id"] == "b01"][0]
    moved = changed(sound, "buildings", row, geometry=house(2, 2, 96, 96))
    assert "cut_building" in kinds(moved)


@pytest.mark.parametrize(
    ("table", "values", "kind"),
    [
        ("staff", {"code": "nowhere"}, "wrong_post"),
        ("staff", {"role": "wizard"}, "wrong_post"),
        ("staff", {"staff_id": None}, "wrong_post"),
        ("vacancies", {"code": "nowhere"}, "wrong_post"),
        ("vacancies", {"missing": 0}, "wrong_post"),
        ("vacancies", {"missing": 7}, "duplicate_post"),
    ],
)
def test_posts_are_those_of_cells_that_exist(sound, proofs, table, values, kind):
    assert kinds(changed(sound, table, 0, **values), proofs) == {kind}


@pytest.mark.parametrize("table", ["staff", "vacancies"])
def test_a_post_listed_twice_is_found(sound, table):
    frame = getattr(sound, table)
    twice = pd.concat([frame, frame.iloc[[0]]], ignore_index=True)
    assert kinds(dataclasses.replace(sound, **{table: twice})) == {"duplicate_post"}


# Lineage


def with_lineage(plan, *rows):
    table = pd.DataFrame(list(rows), columns=["old", "new", "event"]).astype("str")
    return dataclasses.replace(plan, lineage=table)


def lineage_kinds(plan):
    return {finding.kind for finding in check_lineage(plan)}


def test_a_lineage_tells_of_every_code_once(sound):
    a, b, c = sound.micro["code"][:3]
    good = [(a, a, "U"), ("old1", b, "S"), ("old1", c, "S"), ("old2", None, "R")]
    assert lineage_kinds(with_lineage(sound, *good)) == set()
    assert lineage_kinds(with_lineage(sound, (a, a, "U"), (None, b, "N"))) == set()
    for rows in (
        [(a, a, "U"), (a, a, "U")],
        [(a, b, "U")],
        [(a, None, "R")],
        [("old1", b, "R")],
        [("old1", "nowhere", "S")],
        [("old1", None, "S")],
        [(None, a, "S")],
        [("old1", a, "N")],
        [(None, a, "N"), (None, a, "N")],
        [(None, a, "N"), (a, b, "S")],
        [("old1", None, "R"), ("old1", a, "M")],
        [("old1", a, "Q")],
    ):
        assert lineage_kinds(with_lineage(sound, *rows)) == {"wrong_lineage"}, rows


# The report


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("ok", False),
        ("ok", None),
        ("crs", "EPSG:4546"),
        ("rules.seed", 7),
        ("counts.cells.micro", 1),
        ("counts.cells.large", None),
        ("counts.communities", 3),
        ("counts.buildings", 3),
        ("counts.households", 3),
        ("households.unassigned", 0),
        ("households.assigned", 3),
        ("households.estimated", 3),
        ("coverage.leaves.gaps", 1),
        ("coverage.small.gap_m2", 0.5),
        ("coverage.small.edge_matched", False),
        ("multipart_cells", True),
        ("balance.small.cells", 9),
        ("balance.micro.in_band", 0),
        ("balance.micro.mean_abs_dev", 0.0101),
        ("balance.micro.max_abs_dev", "small"),
        ("communities.450802001013.micro.in_band", 0),
        ("communities.450802001015", {}),
        ("communities.450802001013.micro.band", None),
        ("communities.450802001013.small.band.max", "many"),
        ("compactness.small", 0.5),
        ("borders.micro.vertices", 3.5),
        ("borders.small.necks", 1),
        ("cut_buildings", 1),
        ("staff.posts_filled", 0),
        ("staff.vacancies", 0),
        ("findings.gap", 1),
    ],
)
def test_a_figure_of_the_report_that_is_edited_is_found(sound, path, value):
    found = list(compare_report(sound, reported(sound, path, value)))
    assert {f.kind for f in found} == {"report_differs"}
    assert any(path.split(".")[0] in f.message for f in found)


def leaves_of(tree, path=()):
    """Yield the path and value of every figure in a report."""
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in inner:
        if isinstance(value, (dict, list)) and value:
            yield from leaves_of(value, (*path, key))
        else:
            yield (*path, key), value


def another(value):
    """Return values of the kind that the value is not."""
    if isinstance(value, bool):
        return (not value, int(value), None)
    if isinstance(value, int):
        return (value + 1, value - 1, str(value), None)
    if isinstance(value, float):
        return (value + 0.2001, value - 0.2001, str(value), None)
    if isinstance(value, str):
        return (f"{value}x", "", 7, None)
    return (7, "x", {"x": 1}, [1])


def put(report, path, value):
    """Return the report with another value at a path."""
    report = copy.deepcopy(report)
    inner = report
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return report


def test_whatever_figure_of_a_report_is_another_is_found_and_named(sound, monkeypatch):
    report = sound.report
    monkeypatch.setattr("gridcell.check.promises.report.make_report", lambda _: report)
    paths = dict(leaves_of(report))
    assert len(paths) > 300
    for path, value in paths.items():
        for given in another(value):
            changed = put(report, path, given)
            found = list(compare_report(sound, changed))
            # Rules are read as rules: 7.0 is 7.
            if not found and path[0] == "rules":
                assert Rules.build(changed["rules"]) == sound.rules
                continue
            assert {f.kind for f in found} == {"report_differs"}, (path, given)
            assert str(path[0]) in found[0].message
    for path in paths:
        less = copy.deepcopy(report)
        inner = reduce(lambda tree, key: tree[key], path[:-1], less)
        del inner[path[-1]]
        # Of what earlier reports do not have, nothing is missed.
        may = path[0] == "rules" or path[-1] == "concave"
        assert may or list(compare_report(sound, less)), path


@pytest.mark.parametrize(
    ("path", "step"),
    [
        ("balance.micro.mean_abs_dev", 2e-4),
        ("compactness.small", -2e-4),
        ("borders.small.tails", 2e-4),
        ("barrier_share.small", 1e-4),
        ("communities.450802001013.small.band.min", 1e-3),
        ("coverage.small.gap_m2", 2e-6),
        ("staff.proof.distance_m", 1e-3),
        ("staff.proof.communities.450802001013.bound_m", -1e-3),
        ("seconds.total", 1e-3),
        ("seconds.cells", 1e-3),
    ],
)
def test_a_figure_is_compared_to_its_last_decimal(sound, path, step):
    path = path.split(".")
    true = reduce(dict.__getitem__, path, sound.report)
    (found,) = compare_report(sound, put(sound.report, path, true + step))
    assert found.message == f"report: {'.'.join(path)} is {true + step!r}, expected {true!r}"
    if path[0] in ("balance", "borders", "compactness", "coverage"):
        assert list(compare_report(sound, put(sound.report, path, true + step / 2))) == []


@pytest.mark.parametrize("value", [None, [], "text", 3, {"small": 3}])
def test_a_report_of_another_form_is_a_finding_and_no_crash(sound, value):
    for name in sound.report:
        found = list(compare_report(sound, {**sound.report, name: value}))
        assert {f.kind for f in found} == {"report_differs"}, name
    assert list(compare_report(sound, value))


# Facts


def with_staffing(plan, **values):
    return dataclasses.replace(plan, staffing=dataclasses.replace(plan.staffing, **values))


def with_division(plan, **values):
    return dataclasses.replace(plan, division=dataclasses.replace(plan.division, **values))


def with_coverage(plan, level, **values):
    figures = dataclasses.replace(plan.coverage[level], **values)
    return dataclasses.replace(plan, coverage={**plan.coverage, level: figures})


@pytest.mark.parametrize("level", ["large", "medium", "small", "leaves"])
@pytest.mark.parametrize(
    "values", [{"gaps": 1}, {"gap_m2": 1e-5}, {"overlaps": 1}, {"overlap_m2": 1e-5},
               {"edge_matched": False}],
)  # fmt: skip
def test_figures_of_a_proof_are_those_of_a_new_one(sound, proofs, level, values):
    assert kinds(with_coverage(sound, level, **values), proofs) == {"report_differs"}


def test_a_level_without_its_proof_is_found_where_others_have_one(sound, proofs):
    fewer = {level: sound.coverage[level] for level in ("large", "medium", "small")}
    assert kinds(dataclasses.replace(sound, coverage=fewer), proofs) == {"report_differs"}
    assert kinds(dataclasses.replace(sound, coverage={}), proofs) == set()


def test_all_households_are_estimates_or_none(sound, proofs):
    given = sound.division.households
    for number, found in ((0, set()), (given, set()), (1, {"report_differs"})):
        frames = {
            level: sound.cells(level).assign(
                estimated=sound.cells(level)["households"] if number else 0
            )
            for level in CELL_LAYERS
        }
        plan = dataclasses.replace(sound, estimated=number, **frames)
        assert kinds(plan, proofs) == found


@pytest.mark.parametrize("off", [-1, 1])
def test_what_the_inputs_hold_is_in_cells_or_listed(sound, proofs, off):
    given = sound.division.households + off
    (found,) = check_plan(with_division(sound, households=given), proofs)
    assert (found.kind, found.severity, found.measure) == ("totals", "error", 1.0)
    verb = "is" if off == -1 else "are"
    assert f"{2 + off} of {given} households {verb} in no cell, 2 are listed" in found.message


def test_every_community_has_its_bands_and_no_other_has_one(sound, proofs):
    for at in sound.bands:
        fewer = {key: band for key, band in sound.bands.items() if key != at}
        found = check_plan(dataclasses.replace(sound, bands=fewer), proofs)
        assert {f.kind for f in found} == {"report_differs", "wrong_band"}
        assert any(f"communities.{at[0]}.{at[1]}.band is None" in f.message for f in found)
    more = {**sound.bands, ("450802001015", "small"): RULES.small}
    assert kinds(dataclasses.replace(sound, bands=more), proofs) == {"report_differs"}


def test_a_bound_lies_between_the_cells_in_the_band_and_all_cells(sound, proofs):
    for (code, level), bound in sound.division.bounds.items():
        cells = sound.cells(level)
        own = cells[(cells["community"] == code) & (cells["grid_type"] == "general")]
        least, most = int((own["band"] == "in").sum()), len(own)
        assert least <= bound <= most
        for given, found in ((least, set()), (most, set()), (least - 1, {"share_above_100"}),
                             (most + 1, {"share_above_100"})):  # fmt: skip
            bounds = {**sound.division.bounds, (code, level): given}
            assert kinds(with_division(sound, bounds=bounds), proofs) == found


@pytest.mark.parametrize("share", [-1e-4, 1.0001])
def test_shares_and_people_are_no_more_than_the_whole(sound, proofs, share):
    for level in ("small", "micro"):
        for whole in (0.0, 0.4, 1.0):
            shares = {**sound.division.barrier_share, level: whole}
            assert kinds(with_division(sound, barrier_share=shares), proofs) == set()
        shares = {**sound.division.barrier_share, level: share}
        assert kinds(with_division(sound, barrier_share=shares), proofs) == {"share_above_100"}
    named = sound.staff["staff_id"].nunique()
    assert kinds(with_staffing(sound, people=named), proofs) == set()
    assert kinds(with_staffing(sound, people=named - 1), proofs) == {"share_above_100"}


# The files


@pytest.fixture(scope="module")
def written(sound, tmp_path_factory):
    folder = tmp_path_factory.mktemp("written") / "p"
    write_plan(sound, folder)
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def folder(written, tmp_path):
    for name, content in written.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    return tmp_path


def file_kinds(plan, folder):
    return {f.kind for f in check_plan_folder(plan, folder)}


def edit_json(file, change):
    data = json.loads(file.read_text("utf-8"))
    change(data)
    file.write_text(json.dumps(data), "utf-8")


def test_untouched_files_say_what_the_plan_says_however_they_are_laid_out(sound, folder):
    assert check_plan(read_plan(folder)) == []
    assert file_kinds(sound, folder) == set()
    for level in LEVELS:
        edit_json(folder / f"geojson/{level}.geojson", lambda data: data["features"].reverse())
    assert file_kinds(sound, folder) == set()


@pytest.mark.parametrize("name", ["map.html", "report.json", "geojson/small.geojson"])
def test_a_file_that_is_gone_is_missed(sound, folder, name):
    (folder / name).unlink()
    assert file_kinds(sound, folder) == {"missing_file"}


def set_property(name, value):
    def change(data):
        data["features"][0]["properties"][name] = value

    return change


def swap_shapes(data):
    a, b = data["features"][:2]
    a["geometry"], b["geometry"] = b["geometry"], a["geometry"]


def drop_column(data):
    for feature in data["features"]:
        del feature["properties"]["label"]


def move_vertex(data):
    data["features"][0]["geometry"]["coordinates"][0][1][0] += 5e-6


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (set_property("households", 99), {"file_differs"}),
        (set_property("households", "many"), {"file_differs"}),
        (set_property("label", "2026-01-01"), {"file_differs"}),
        (set_property("area_m2", 1.5), {"file_differs"}),
        (set_property("note", "x"), {"file_differs"}),
        (drop_column, {"file_differs"}),
        (lambda data: data["features"].pop(), {"file_differs"}),
        (lambda data: data["features"].append(data["features"][0]), {"file_differs"}),
        (lambda data: data["features"][0].update(geometry=None), {"file_differs", "file_gap"}),
        (swap_shapes, {"file_differs"}),
        (move_vertex, {"file_differs", "file_gap", "file_border", "file_overlap", "file_outside"}),
        (lambda data: data.clear(), {"file_differs"}),
    ],
)
def test_a_geojson_file_that_is_edited_is_found(sound, folder, change, found):
    edit_json(folder / "geojson/leaves.geojson", change)
    seen = file_kinds(sound, folder)
    assert "file_differs" in seen
    assert seen <= found
    assert len(seen) > 1 or found == {"file_differs"}


@pytest.mark.parametrize("text", ["", "{", "\x00\x01", "[]"])
def test_files_that_are_no_json_are_found(sound, folder, text):
    (folder / "report.json").write_text(text)
    (folder / "geojson/micro.geojson").write_text(text)
    messages = {f.message.split(":")[0] for f in check_plan_folder(sound, folder)}
    assert messages == {"report.json", "geojson/micro.geojson"}


def test_a_figure_in_report_json_that_is_edited_is_found(sound, folder):
    edit_json(folder / "report.json", lambda data: data["counts"].update(households=1))
    (finding,) = check_plan_folder(sound, folder)
    assert finding.kind == "file_differs"
    assert "counts" in finding.message


def test_a_plan_without_one_of_its_columns_is_bad_input(folder):
    frame = pyogrio.read_dataframe(folder / "plan.gpkg", layer="small").drop(columns="label")
    pyogrio.write_dataframe(frame, folder / "plan.gpkg", layer="small", append=False)
    with pytest.raises(InputError, match=r"layer small: columns label are missing"):
        read_plan(folder)
