"""What a plan knows beside its cells: typed, told by the report, and read back from it."""

import copy
import dataclasses
import json

import geopandas as gpd
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plans import FACTS, LARGE, facts, plan_with_few, tiny_plan
from shapely import box
from test_map import embedded
from towns import CORNER, CRS

from gridcell.certificate import read_certificate
from gridcell.check import compare_report
from gridcell.disclosure.publication import publish_plan
from gridcell.display.load import band_classes
from gridcell.errors import InputError
from gridcell.facts import RoleFigures, SitingFigures, StaffProof, TierFigures
from gridcell.folder import write_plan
from gridcell.formats.facts import read_facts
from gridcell.formats.geopackage import read_plan
from gridcell.model import CoverageFigures, DivisionFigures, InputRecord, StaffFigures, make_report
from gridcell.pipeline import make_plan
from gridcell.read import read_layers
from gridcell.render.city import write_city_map
from gridcell.rules import Band

PLAN = tiny_plan()
CODES = tuple(PLAN.medium["code"])

whole = st.integers(0, 10**9)
share = st.floats(0, 1).map(lambda value: round(value, 4))
metres = st.floats(0, 1e9).map(lambda value: round(value, 3))
names = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=8)


@st.composite
def bands(draw):
    low, target, high = sorted(draw(st.floats(0.5, 1e6)) for _ in range(3))
    return Band(min=low, target=target, max=high)


@st.composite
def proofs(draw, communities=True):
    return StaffProof(
        filled=draw(whole), most=draw(whole), distance_m=draw(metres), bound_m=draw(metres),
        gap=draw(share),
        communities=draw(st.dictionaries(names, proofs(communities=False), max_size=3))
        if communities else {},
    )  # fmt: skip


roles = st.builds(RoleFigures, people=whole, posts=whole, more_people=whole)
staffing = st.builds(
    StaffFigures, people=whole, posts=whole, without_post=whole, kept=whole,
    roles=st.dictionaries(names, roles, max_size=3), proof=proofs(),
)  # fmt: skip
tiers = st.builds(
    TierFigures, name=names, level=st.none() | names, goal=names, within_m=st.none() | metres,
    objective=st.none() | metres, bound=st.none() | metres,
)  # fmt: skip
siting = st.builds(
    SitingFigures, candidates=names, demand=names, straight=st.booleans(),
    tiers=st.lists(tiers, max_size=3, unique_by=lambda tier: tier.name).map(tuple),
)  # fmt: skip
places = st.tuples(st.sampled_from(CODES), st.sampled_from(["small", "micro"]))
text = st.none() | names
records = st.builds(
    InputRecord, role=names, path=names, layer=text, rows=whole, encoding=text, crs=text,
    sha256=names,
)  # fmt: skip


@st.composite
def known_plans(draw):
    """Return the tiny plan with any facts that a plan can have."""
    own = draw(st.dictionaries(places, bands()))
    return dataclasses.replace(
        PLAN,
        inputs=tuple(draw(st.lists(records, max_size=3))),
        bands=own,
        estimated=draw(whole),
        staffing=draw(st.none() | staffing),
        siting=draw(st.none() | siting),
        division=DivisionFigures(
            version=draw(names), households=draw(whole), atoms=draw(whole),
            bounds={at: draw(whole) for at in own},
            wanted={at: draw(whole) for at in own},
            barrier_share=draw(st.just({}) | st.fixed_dictionaries({"small": share})),
            seconds=draw(st.dictionaries(names.filter(lambda name: name != "total"), metres,
                                         max_size=3)),
        ),
    )  # fmt: skip


@settings(deadline=None, max_examples=30)
@given(known_plans())
def test_the_facts_of_a_plan_are_read_back_from_its_report(plan):
    assert read_facts(json.dumps(plan.report), "report") == facts(plan)


def test_what_a_publication_tells_is_read_back_from_its_report():
    for plan in (publish_plan(PLAN).plan, publish_plan(plan_with_few()[0], level="small").plan):
        assert plan.publication is not None
        assert read_facts(json.dumps(plan.report), "report") == facts(plan)
    estimated = publish_plan(dataclasses.replace(PLAN, estimated=7)).plan
    assert (estimated.estimated, estimated.is_estimated) == (0, True)
    assert read_facts(json.dumps(estimated.report), "report")["publication"].estimated


@settings(deadline=None, max_examples=30)
@given(known_plans())
def test_the_report_is_a_function_of_the_plan_alone(plan):
    before = copy.deepcopy(facts(plan))
    first = make_report(plan)
    assert json.loads(json.dumps(first, allow_nan=False)) == json.loads(json.dumps(plan.report))
    first["counts"]["cells"]["micro"] = -1
    first["rules"].clear()
    first["inputs"].clear()
    assert make_report(plan) != first
    assert facts(plan) == before


def test_the_report_follows_what_is_in_the_plan():
    fewer = dataclasses.replace(PLAN, micro=PLAN.micro.iloc[1:])
    assert fewer.report["counts"]["cells"]["micro"] == len(PLAN.micro) - 1
    assert not PLAN.ok
    assert PLAN.report["ok"] is False
    calm = dataclasses.replace(PLAN, findings=PLAN.findings.iloc[1:])
    assert calm.ok
    assert calm.report["ok"] is True
    assert "cut_building" not in calm.report["findings"]
    community = pd.DataFrame({"code": [None, "x"], "count": [4, 9]})
    assert dataclasses.replace(PLAN, households=community).report["households"]["unassigned"] == 4


def test_the_balance_is_about_the_targets_of_the_communities():
    own = {(code, "small"): Band(min=1, target=100, max=1000) for code in CODES}
    told = dataclasses.replace(PLAN, bands=own).report["balance"]
    general = PLAN.small[PLAN.small["grid_type"] == "general"]
    away = (general["households"] - 100).abs() / 100
    assert told["small"] == {
        "cells": 5, "in_band": 4, "mean_abs_dev": round(float(away.mean()), 4),
        "max_abs_dev": round(float(away.max()), 4),
    }  # fmt: skip
    assert told["micro"]["mean_abs_dev"] is told["micro"]["max_abs_dev"] is None


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("communities", [], "communities"),
        (f"communities.{LARGE}001.small", 3, f"communities.{LARGE}001.small"),
        (f"communities.{LARGE}001.small.band", {"min": 9, "target": 2, "max": 3}, "min <= target"),
        (f"communities.{LARGE}001.small.band.max", "many", "band.max"),
        ("households.input", "all", "households.input"),
        ("households.estimated", [], "households.estimated"),
        ("inputs", {}, "inputs"),
        ("inputs.0", "a.shp", "inputs.0"),
        ("inputs.0.rows", 1.5, "inputs.0.rows"),
        ("coverage.small.gaps", None, "coverage.small.gaps"),
        ("barrier_share.small", "half", "barrier_share.small"),
        ("seconds.cells", "long", "seconds.cells"),
        ("staff", 3, "staff"),
        ("publication", {"threshold": 5}, "publication"),
        ("version", 1, "version"),
    ],
)
def test_a_fact_of_another_kind_is_named(path, value, named):
    own = {(code, "small"): Band(min=1, target=2, max=3) for code in CODES}
    report = dataclasses.replace(PLAN, bands=own).report
    *above, last = path.split(".")
    inner = report
    for key in above:
        inner = inner[int(key) if isinstance(inner, list) else key]
    inner[int(last) if isinstance(inner, list) else last] = value
    with pytest.raises(InputError, match=r"^p: report: .*; restore the file") as caught:
        read_facts(json.dumps(report), "p: report")
    assert named in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null", '{"seconds": {"a": NaN}}'])
def test_what_is_no_report_is_refused(text):
    with pytest.raises(InputError, match=r"^p: report: "):
        read_facts(text, "p: report")


def test_a_report_without_facts_leaves_them_unknown():
    assert set(read_facts("{}", "p")) == set(FACTS)
    assert read_facts("{}", "p")["bands"] == {}
    assert read_facts("{}", "p")["division"].households is None


def test_a_report_of_version_0_1_0_is_read():
    proof = {"filled": 5, "most": 6, "distance_m": 12.5, "bound_m": 12.0, "gap": 0.041667}
    told = {
        "ok": True, "version": "0.1.0", "crs": "EPSG:4546",
        "inputs": [{"role": "buildings", "path": "b.shp", "layer": None, "rows": 9,
                    "encoding": "UTF-8", "crs": "EPSG:4546", "sha256": "00"}],
        "rules": {}, "counts": {"cells": {"large": 1}, "atoms": 11, "households": 90},
        "households": {"input": 90, "assigned": 89, "unassigned": 1, "estimated": 90},
        "coverage": {"small": {"gaps": 0, "gap_m2": 0.0, "overlaps": 1, "overlap_m2": 0.25,
                               "edge_matched": True}},
        "communities": {"A": {
            "small": {"cells": 2, "in_band": 1, "bound": 2,
                      "band": {"min": 30.0, "target": 40.5, "max": 50.0}},
            "micro": {"cells": 0, "in_band": 0, "bound": 0, "band": None},
        }},
        "barrier_share": {"small": 0.5, "micro": 0.0},
        "staff": {"people": 7, "posts": 6, "posts_filled": 5, "vacancies": 1, "without_post": 2,
                  "kept": 3, "distance_m": {"mean": 2.5, "max": 4.0},
                  "roles": {"worker": {"people": 7, "posts": 6, "held": 5, "vacant": 1,
                                       "more_people": 1}},
                  "proof": {**proof, "communities": {"A": proof}}},
        "findings": {}, "seconds": {"fabric": 1.5, "proof": 0.25, "total": 1.75},
    }  # fmt: skip
    assert read_facts(json.dumps(told), "p") == {
        "inputs": (InputRecord(role="buildings", path="b.shp", layer=None, rows=9,
                               encoding="UTF-8", crs="EPSG:4546", sha256="00"),),
        "bands": {("A", "small"): Band(min=30, target=40.5, max=50)},
        "estimated": 90,
        "coverage": {"small": CoverageFigures(gaps=0, gap_m2=0.0, overlaps=1, overlap_m2=0.25,
                                              edge_matched=True)},
        "staffing": StaffFigures(
            people=7, posts=6, without_post=2, kept=3,
            roles={"worker": RoleFigures(people=7, posts=6, more_people=1)},
            proof=StaffProof(**proof, communities={"A": StaffProof(**proof)}),
        ),
        "division": DivisionFigures(
            version="0.1.0", households=90, atoms=11, bounds={("A", "small"): 2},
            barrier_share={"small": 0.5, "micro": 0.0}, seconds={"fabric": 1.5, "proof": 0.25},
        ),
        "publication": None,
        "siting": None,
    }  # fmt: skip


def plan_of_letters():
    """Return a plan whose communities are known by letters and whose cells hold few households."""
    west, south = CORNER
    corners = [(west + x, south + y) for x in (0, 100) for y in (0, 100)]
    squares = [box(x, y, x + 100, y + 100) for x, y in corners]
    cells = gpd.GeoDataFrame({"code": list("abcd")}, geometry=squares, crs=CRS)
    inner = cells.assign(households=9).set_geometry(cells.buffer(-30)).drop(columns="code")
    return make_plan(read_layers(cells, inner))


def test_communities_go_by_their_own_codes_and_not_by_those_of_their_cells(tmp_path):
    plan = plan_of_letters()
    assert plan.medium["code"].tolist() != plan.medium["community"].tolist() == list("abcd")
    assert (plan.ok, set(plan.small["band"])) == (True, {"under"})
    assert list(plan.report["communities"]) == list("abcd")
    write_plan(plan, tmp_path / "plan")
    again = read_plan(tmp_path / "plan")
    assert again.bands == plan.bands
    assert list(compare_report(again, plan.report)) == []
    assert read_certificate(tmp_path / "plan").proof["ok"]
    assert list(publish_plan(plan).plan.report["communities"]) == list("abcd")
    for row, page in enumerate(write_city_map(plan, tmp_path / "city")[1:]):
        shown = embedded(page.read_text("utf-8"))["levels"]["small"]["code"]
        assert shown == [plan.small["code"][row]]
    named = plan.medium["community"][0], "small"
    own = {**plan.bands, named: Band(min=1, target=2, max=3)}
    assert band_classes(dataclasses.replace(plan, bands=own), "small")[1]["band"] is None
