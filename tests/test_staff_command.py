"""``gridcell staff``: a plan and a roster in, the whole plan with its staff anew out."""

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from click.testing import CliRunner
from plans import LARGE, ORIGIN, tiny_plan

from gridcell.errors import AssignmentError, InputError
from gridcell.folder import write_plan
from gridcell.formats.geopackage import read_plan
from gridcell.rules import Rules
from gridcell.staff import homes_of, renew_staff
from gridcell_cli.staff import command

A, B = f"{LARGE}001", f"{LARGE}002"
PEOPLE = [
    ("0001", "community_chief", A), ("0002", "police", A), ("0003", "worker", A),
    ("0004", "small_chief;micro_chief", A), ("0005", "micro_chief", A), ("0006", "micro_chief", B),
]  # fmt: skip


def roster(path, rows=PEOPLE, **columns):
    table = pd.DataFrame(rows, columns=["staff_id", "roles", "community"]).assign(**columns)
    table.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("staff") / "plan"
    write_plan(tiny_plan(), folder)
    return folder


def run(*arguments):
    """Return exit code, output and error of the library, as `main` tells them."""
    from gridcell.errors import GridcellError

    done = CliRunner().invoke(command, [str(a) for a in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        assert isinstance(done.exception, GridcellError), done.exception
        return done.exception.exit_code, str(done.exception)
    return done.exit_code, done.stdout if done.exit_code == 0 else done.output


def test_a_plan_is_written_again_with_its_staff_and_nothing_else_changed(folder, tmp_path):
    people = roster(tmp_path / "staff.csv")
    code, out = run(folder, people, "-o", tmp_path / "out")
    assert code == 0
    assert "6 people: 7 posts held" in out
    old, new = read_plan(folder), read_plan(tmp_path / "out")
    for level in ("large", "medium", "small", "micro", "leaves", "buildings", "barriers"):
        pd.testing.assert_frame_equal(getattr(old, level), getattr(new, level))
    assert new.staff["staff_id"].tolist() == [
        "0001",
        "0002",
        "0003",
        "0004",
        "0004",
        "0005",
        "0006",
    ]
    assert {"role", "code", "missing", "reason"} <= set(new.vacancies.columns)
    report = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
    assert report["staff"]["posts_filled"] == 7
    assert report["staff"]["vacancies"] == new.vacancies["missing"].sum()
    assert report["findings"]["staff_missing"] == (new.findings["kind"] == "staff_missing").sum()
    assert report["inputs"][-1]["role"] == "staff"
    for name in ("large", "medium", "small", "micro", "leaves"):
        file = Path("geojson") / f"{name}.geojson"
        assert (folder / file).read_bytes() == (tmp_path / "out" / file).read_bytes()


def test_posts_that_the_same_people_hold_are_told_whether_or_not_they_are_kept(folder, tmp_path):
    people = roster(tmp_path / "staff.csv")
    assert "unchanged   0 posts" in run(folder, people, "-o", tmp_path / "one")[1]
    assert "unchanged   7 posts" in run(tmp_path / "one", people, "-o", tmp_path / "two")[1]


def test_assigning_again_gives_the_same_files_and_no_findings_twice(folder, tmp_path):
    people = roster(tmp_path / "staff.csv")
    assert run(folder, people, "-o", tmp_path / "one", "-q") == (0, "")
    assert run(tmp_path / "one", people, "-o", tmp_path / "two", "-q") == (0, "")
    for name in ("plan.gpkg", "report.json", "map.html"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_keep_leaves_people_where_they_are(folder, tmp_path):
    x, y = ORIGIN
    people = roster(tmp_path / "staff.csv", x=[x] * 6, y=[y] * 6)
    run(folder, people, "-o", tmp_path / "one", "-q")
    far = roster(tmp_path / "far.csv", x=[x + 400, x, x, x + 10, x + 390, x], y=[y + 400] * 6)
    code, out = run(tmp_path / "one", far, "-o", tmp_path / "two", "--keep", "--json")
    assert (code, json.loads(out)["kept"]) == (0, 7)
    one, two = (read_plan(tmp_path / name).staff for name in ("one", "two"))
    assert one[["staff_id", "role", "code"]].equals(two[["staff_id", "role", "code"]])
    code, out = run(tmp_path / "one", far, "-o", tmp_path / "three", "--json")
    assert (code, json.loads(out)["kept"]) == (0, 0)
    assert read_plan(tmp_path / "three").staff["distance_m"].sum() < two["distance_m"].sum()


def test_other_roles_come_with_the_rules_and_stay_in_the_plan(folder, tmp_path):
    rules = tmp_path / "rules.toml"
    rules.write_text(
        '[[staffing]]\nname = "楼长"\nlevel = "micro"\nmax_cells = 2\n'
        '[fields.staff]\nroles = "什么"\n',
        "utf-8",
    )
    people = tmp_path / "staff.csv"
    pd.DataFrame({"staff_id": ["1"], "什么": ["楼长"], "community": [A]}).to_csv(
        people, index=False
    )
    code, _ = run(folder, people, "-o", tmp_path / "out", "--rules", rules)
    assert code == 0
    plan = read_plan(tmp_path / "out")
    assert plan.staff["role"].tolist() == ["楼长", "楼长"]
    assert [role.name for role in plan.rules.staffing] == ["楼长"]
    assert plan.report["rules"] == plan.rules.model_dump(mode="json")
    assert plan.rules.small == Rules().small


BAD = {
    "no ids": ("name,roles\nx,police\n", "no column staff_id"),
    "an id missing": ("staff_id,roles\n1,police\n,police\n", "no staff_id, first row 2"),
    "an id twice": ("staff_id,roles,community\n1,police,X\n1,worker,X\n", "more than once"),
    "text in numbers": ("staff_id,roles,max_cells\n1,police,two\n", "row 1: max_cells is 'two'"),
    "a negative limit": ("staff_id,roles,max_households\n1,police,-4\n", "max_households is '-4'"),
    "unknown communities": ("staff_id,roles,community\n1,police,nowhere\n", "which the plan lacks"),
    "no place": ("staff_id,roles\n1,police\n", "no community: none is named"),
    "unknown roles": (f"staff_id,roles,community\n1,mayor,{A}\n", "the unknown role 'mayor'"),
    "no roles": (f"staff_id,community\n1,{A}\n", "has no role"),
    "no rows": ("staff_id,roles,community\n", "no rows"),
    "nothing": ("", "staff.csv"),
    "latitudes of Mars": ("staff_id,roles,lon,lat\n1,police,10,230\n", "lat is 230"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_roster_is_refused_with_the_reason_and_nothing_is_written(name, folder, tmp_path):
    text, reason = BAD[name]
    (tmp_path / "staff.csv").write_text(text, "utf-8")
    code, message = run(folder, tmp_path / "staff.csv", "-o", tmp_path / "out")
    assert code == 3
    assert reason in message
    assert not (tmp_path / "out").exists()


def test_a_hundred_thousand_rows_of_nonsense_are_refused_in_one_message():
    rng = np.random.default_rng(1)
    junk = np.array(["", "police", "??", "=1+1", "村长", "a;b;c", "NaN", "0"], dtype=object)
    table = pd.DataFrame(
        {
            "staff_id": [f"n{i}" for i in range(100_000)],
            "roles": rng.choice(junk, 100_000),
            "community": [f"c{i % 30_000}" for i in range(100_000)],
            "x": rng.uniform(-1e9, 1e9, 100_000), "y": rng.uniform(-1e9, 1e9, 100_000),
        }
    )  # fmt: skip
    with pytest.raises(AssignmentError, match="nobody on it can hold a post") as caught:
        renew_staff(tiny_plan(), table)
    assert len(str(caught.value)) < 2_000
    # One sound person among them serves, and the rest are a few findings.
    table.loc[0, ["roles", "community"]] = ["police", A]
    plan = renew_staff(tiny_plan(), table)
    assert plan.staff["staff_id"].tolist() == ["n0"]
    assert 0 < (plan.findings["kind"] == "staff_community").sum() < 30


def test_no_plan_is_no_input(tmp_path):
    people = roster(tmp_path / "staff.csv")
    assert run(tmp_path / "nothing", people, "-o", tmp_path / "out")[0] == 3
    with pytest.raises(InputError, match="no such file"):
        read_plan(tmp_path / "nothing")


def test_a_home_is_the_middle_of_all_slabs_of_its_building():
    slabs = gpd.GeoDataFrame(
        {"bldg_id": ["a", "a", "b"]},
        geometry=shapely.box([0, 10, 50], 0, [10, 40, 60], 10), crs="EPSG:4546",
    )  # fmt: skip
    staff = pd.DataFrame(
        {
            "bldg_id": ["a", None, "c", "b"],
            "x": [np.nan, 7.0, np.nan, 1.0],
            "y": [np.nan, 8.0, np.nan, 1.0],
        }
    )
    homes = homes_of(staff, slabs)
    np.testing.assert_allclose(homes, [[20, 5], [7, 8], [np.nan, np.nan], [55, 5]])
