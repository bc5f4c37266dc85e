"""Bands that count a load in place of households: an expression, counted again by every check."""

import dataclasses
import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import gridcell
from gridcell.certificate import verify_certificate
from gridcell.display.load import band_classes, words_of
from gridcell.errors import InputError, RulesError
from gridcell.households import count_households, with_loads
from gridcell.schema import CELL_COLUMNS
from gridcell.words.maps import words
from gridcell.workload import GRAIN, read_workload, share_loads

LOAD = "households + 0.5 * units + visits / 7 + street_m / 40"
RULES = {"load": LOAD, "small": "90:120:150", "micro": "20:30:40", "search": 150}


@pytest.fixture(scope="module")
def town():
    """Return a small town whose buildings say how often they are visited."""
    made = gridcell.make_sample(households=500, seed=10, communities=2)
    visits = np.arange(len(made.buildings)) * 5 % 11
    return dataclasses.replace(made, buildings=made.buildings.assign(visits=visits))


def layers_of(town, **rules):
    return gridcell.read_layers(
        town.communities, town.buildings, households=town.households, sites=town.sites,
        barriers=[town.roads, town.rivers], rules={**RULES, **rules},
    )  # fmt: skip


@pytest.fixture(scope="module")
def plan(town):
    return gridcell.make_plan(layers_of(town), rules=RULES)


@pytest.fixture(scope="module")
def folder(plan, tmp_path_factory):
    path = tmp_path_factory.mktemp("load") / "plan"
    gridcell.write_plan(plan, path)
    return path


def test_the_legend_tells_ranges_of_loads(plan):
    classes, legend = band_classes(plan, "micro")
    ranges = legend["ranges"]
    assert (ranges[2][0], ranges[4][1], ranges[6][1]) == (20, 40, None)
    assert [one[1] for one in ranges[:-1]] == [one[0] for one in ranges[1:]]
    for load, (least, most) in zip(plan.micro["load"], (ranges[k] for k in classes), strict=True):
        assert least <= load <= (np.inf if most is None else most)
    assert words_of(plan, words("en"))["per_micro"] == "Load per micro cell"


def recounted(plan, town):
    """Return the load of each leaf from the inputs, by arithmetic of its own."""
    pieces = plan.buildings
    held = pieces.groupby("bldg_id")["households"].sum()
    table = town.buildings.set_index("bldg_id").loc[held.index]
    loads = held + 0.5 * table["units"].fillna(0) + table["visits"] / 7
    return loads.round(3)


def test_a_plan_counts_loads_and_keeps_every_promise(plan, town):
    assert plan.ok
    assert gridcell.check_plan(plan) == []
    given = plan.buildings.groupby("bldg_id")["load"].sum().round(3)
    expected = recounted(plan, town)
    assert (given - expected).abs().max() <= GRAIN
    streets = plan.fabric.atoms["street_m"].sum() / 40
    inside = plan.buildings.loc[plan.buildings["code"].notna(), "load"].sum()
    assert plan.leaves["load"].sum() == pytest.approx(
        inside + streets, abs=0.001 * len(plan.fabric.atoms)
    )
    assert streets > 10


def test_bands_and_targets_hold_loads_and_households_stand_beside(plan):
    for level, (low, high) in (("small", (90, 150)), ("micro", (20, 40))):
        cells = plan.cells(level)
        general = cells[cells["grid_type"] == "general"]
        load = general["load"]
        right = np.where(load < low, "under", np.where(load > high, "over", "in"))
        assert (general["band"] == right).all()
        assert (general["band"] == "in").mean() > 0.8
        assert not np.allclose(load, general["households"])
        away = (load - (low + high) / 2).abs() / ((low + high) / 2)
        assert plan.report["balance"][level]["mean_abs_dev"] == pytest.approx(away.mean(), abs=1e-4)
    assert plan.report["load"] == {
        "expression": LOAD, "assigned": round(float(plan.leaves["load"].sum()), 3),
    }  # fmt: skip


def test_the_load_of_households_divides_as_households_do(town):
    plain = {"small": RULES["small"], "micro": None, "search": 100}
    rules = {**plain, "load": "households"}
    by_load = gridcell.make_plan(layers_of(town, **rules), rules=rules)
    by_people = gridcell.make_plan(layers_of(town, **plain, load=None), rules=plain)
    assert (by_load.leaves["load"] == by_load.leaves["households"]).all()
    pd.testing.assert_series_equal(by_load.small["band"], by_people.small["band"])
    assert list(by_people.small) == [*CELL_COLUMNS, "geometry"]
    pd.testing.assert_series_equal(by_load.small["code"], by_people.small["code"])
    assert "load" not in by_people.report


def test_a_plan_read_back_counts_the_same(plan, folder):
    back = gridcell.read_plan(folder)
    pd.testing.assert_series_equal(back.micro["load"], plan.micro["load"])
    assert gridcell.check_plan(back) == []
    assert back.rules.load == LOAD
    assert {finding.severity for finding in verify_certificate(folder)} <= {"note"}
    feature = json.loads((folder / "geojson/micro.geojson").read_text("utf-8"))["features"][0]
    assert feature["properties"]["load"] == plan.micro["load"].iloc[0]
    page = (folder / "map.html").read_text("utf-8")
    assert "Load per micro cell" in page


def spoilt_cells(plan):
    micro = plan.micro.assign(load=plan.micro["load"] + np.eye(1, len(plan.micro))[0])
    return dataclasses.replace(plan, micro=micro)


def spoilt_buildings(plan):
    return dataclasses.replace(plan, buildings=plan.buildings.assign(load_visits=1.0))


def spoilt_expression(plan):
    return dataclasses.replace(plan, rules=plan.rules.model_copy(update={"load": "households"}))


def spoilt_streets(plan):
    atoms = plan.fabric.atoms.assign(street_m=plan.fabric.atoms["street_m"] * 1.5)
    return dataclasses.replace(plan, fabric=dataclasses.replace(plan.fabric, atoms=atoms))


def without_loads(plan):
    return dataclasses.replace(plan, micro=plan.micro.drop(columns="load"))


@pytest.mark.parametrize(
    "spoil", [spoilt_cells, spoilt_buildings, spoilt_expression, spoilt_streets, without_loads]
)
def test_a_load_that_is_not_what_the_rules_make_of_it_is_found(plan, spoil):
    assert "wrong_load" in {finding.kind for finding in gridcell.check_plan(spoil(plan))}


def test_a_band_that_the_load_is_not_in_is_found(plan):
    micro = plan.micro.assign(band=plan.micro["band"].replace("in", "over"))
    kinds = {f.kind for f in gridcell.check_plan(dataclasses.replace(plan, micro=micro))}
    assert "wrong_band" in kinds


def test_an_update_without_changes_changes_nothing(town, folder):
    back = gridcell.read_plan(folder)
    after = gridcell.update_plan(back, layers_of(town), rules=RULES)
    pd.testing.assert_frame_equal(
        pd.DataFrame(after.micro.drop(columns="geometry")),
        pd.DataFrame(back.micro.drop(columns="geometry")),
    )
    assert after.ok


def test_an_update_follows_loads(plan, town, folder):
    more = town.buildings.assign(visits=town.buildings["visits"] + 70 * (town.buildings.index < 4))
    after = gridcell.update_plan(
        gridcell.read_plan(folder),
        layers_of(dataclasses.replace(town, buildings=more)),
        rules=RULES,
    )
    assert after.ok
    assert after.leaves["load"].sum() == pytest.approx(plan.leaves["load"].sum() + 40, abs=0.1)


def test_edits_keep_loads_and_are_taken_back(plan):
    row = plan.fabric.arc_left, plan.fabric.arc_right
    code = plan.fabric.atoms["code"].to_numpy()
    general = set(plan.micro["code"])
    parent = plan.micro.set_index("code")["parent"]
    a, b = next(
        (code[i], code[j])
        for i, j in zip(*row, strict=True)
        if min(i, j) >= 0 and code[i] != code[j] and {code[i], code[j]} <= general
        and parent[code[i]] == parent[code[j]]
    )  # fmt: skip
    merged = gridcell.edit_plan(plan, [gridcell.Merge(a, b)])
    assert merged.ok
    kept = merged.micro.set_index("code")["load"]
    both = plan.micro.set_index("code")["load"].loc[[a, b]].sum()
    assert kept[kept.index.isin([a, b])].sum() == pytest.approx(both)
    assert gridcell.check_plan(merged) == []


def test_a_publication_tells_no_load(plan):
    published = gridcell.publish_plan(plan, threshold=10).plan
    assert all("load" not in published.cells(level) for level in ("small", "micro", "leaves"))
    assert not [name for name in published.buildings if name.startswith("load")]


@pytest.mark.parametrize("kind", ["csv", "kml", "shapefile", "geoparquet", "gpkg", "flatgeobuf"])
def test_exports_carry_loads(plan, tmp_path, kind):
    gridcell.export_plan(plan, tmp_path / "out", format=kind)
    if kind == "csv":
        table = pd.read_csv(tmp_path / "out/micro.csv", dtype={"code": "str"})
        assert (table["load"].to_numpy() == plan.micro.sort_values("code")["load"].to_numpy()).all()


@pytest.mark.parametrize(
    ("load", "key"),
    [
        ("households +", "invalid.load_syntax"),
        ("households ** 2", "invalid.load_part"),
        ("__import__('os').system('true')", "invalid.load_part"),
        ("households if units else 1", "invalid.load_part"),
        ("max(street_m, 2)", "invalid.load_street"),
        ("street_m * households", "invalid.load_street"),
        ("street_m + 1 / street_m", "invalid.load_street"),
        ("households - street_m", "invalid.load_street_sign"),
        ("1e99 * units", "invalid.load_part"),
        ("x" * 301, "invalid.load_long"),
        ("(" * 150, "invalid.load_syntax"),
        ("-" * 299 + "x", None),
        (5, "string_type"),
    ],
)
def test_what_is_no_load_is_refused_by_its_key(load, key):
    if key is None:
        assert gridcell.Rules.build({"load": load}).load == load
        return
    with pytest.raises(RulesError, match="load"):
        gridcell.Rules.build({"load": load}, source="rules.toml")


def test_a_column_that_there_is_not_is_named_with_those_there_are(town):
    with pytest.raises(InputError, match=r"'calls'.*households.*street_m.*visits"):
        layers_of(town, load="households + calls")
    mapped = {"load": "households + calls", "fields": {"buildings": {"calls": "visits"}}}
    layers = layers_of(town, **mapped)
    assert layers.buildings["calls"].sum() == town.buildings["visits"].sum()
    with pytest.raises(RulesError, match="no_such"):
        gridcell.Rules.build({"load": "calls", "fields": {"buildings": {"no_such": "visits"}}})


def loaded(layers, load):
    households = count_households(layers).households
    return with_loads(layers, households, gridcell.Rules.build({**RULES, "load": load}))


@pytest.mark.parametrize("load", ["households - 1000", "households / visits", "0 * households"])
def test_a_load_that_is_no_number_names_the_building(town, load):
    with pytest.raises(InputError, match="load"):
        loaded(layers_of(town, load="visits"), load)


def test_figures_that_are_missing_are_told(town):
    part = town.buildings.assign(visits=town.buildings["visits"].where(town.buildings.index > 9))
    layers = layers_of(dataclasses.replace(town, buildings=part), load="visits")
    _, found = loaded(layers, "households + visits")
    assert [finding.message for finding in found] == [
        f"10 buildings of {len(part):,} have no visits: it counts 0 for the load"
    ]


numbers = st.floats(0, 1e4, allow_nan=False).map(lambda x: round(x, 3))


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.tuples(numbers, numbers), min_size=1, max_size=8),
    factor=st.integers(0, 50),
    divisor=st.integers(1, 9),
)
def test_an_expression_is_what_python_says_of_it(rows, factor, divisor):
    text = f"households + {factor} * (units - min(units, 2)) / {divisor} + max(1, -units)"
    columns = dict(zip(("households", "units"), np.array(rows).T, strict=True))
    found = read_workload(text).of(columns, len(rows))
    right = [h + factor * (u - min(u, 2)) / divisor + max(1, -u) for h, u in rows]
    assert np.allclose(found, right, rtol=0, atol=0.51 * GRAIN)


@settings(max_examples=60, deadline=None)
@given(loads=st.lists(numbers, min_size=1, max_size=6), data=st.data())
def test_shares_of_a_load_add_up_whatever_the_order(loads, data):
    owner = np.repeat(np.arange(len(loads)), data.draw(st.integers(1, 5)))
    weight = np.array(data.draw(st.lists(numbers, min_size=len(owner), max_size=len(owner))))
    share = share_loads(np.array(loads), owner, weight)
    order = np.array(data.draw(st.permutations(range(len(owner)))), dtype=np.int64)
    for rows in (np.arange(len(owner)), order):
        sums = np.round(np.bincount(owner[rows], weights=share[rows]), 3)
        assert sums.tolist() == np.round(loads, 3).tolist()
    assert (share >= 0).all()


def test_given_atoms_have_loads_too(town):
    land = shapely.union_all(town.communities.geometry)
    west, south, east, north = land.bounds
    xs, ys = np.linspace(west, east, 13), np.linspace(south, north, 13)
    boxes = [shapely.box(xs[i], ys[j], xs[i + 1], ys[j + 1]) for i in range(12) for j in range(12)]
    atoms = gpd.GeoDataFrame(
        {"atom_id": [f"a{i}" for i in range(144)], "households": 6, "calls": np.arange(144) % 5},
        geometry=boxes, crs=town.communities.crs,
    )  # fmt: skip
    rules = {"load": "households + calls", "small": "120:160:200", "micro": None, "search": 100}
    layers = gridcell.read_layers(town.communities, atoms=atoms, rules=rules)
    plan = gridcell.make_plan(layers, rules=rules)
    assert plan.ok
    assert plan.small["load"].sum() > plan.small["households"].sum()
