"""Who is nearest: of those who answer for a cell, or of all, along the streets, as people move."""

import dataclasses
import math

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from plans import CRS, LARGE, ORIGIN, tiny_plan
from shapely import LineString

from gridcell.errors import InputError
from gridcell.formats.geopackage import write_geopackage
from gridcell.locator import LOCATED_COLUMNS, NEAREST_COLUMNS, locate, locate_file, open_locator
from gridcell.locator.present import Present
from gridcell.streets import build_network
from gridcell_cli.locate import command

X, Y = ORIGIN
LEAF = f"{LARGE}001001001"  # x 0 to 200, y 300 to 400
HOLDERS = {
    "micro": (LEAF, "micro_chief"), "small": (f"{LARGE}001001", "small_chief"),
    "medium": (f"{LARGE}001", "worker"), "other": (f"{LARGE}002", "worker"),
}  # fmt: skip


def town():
    """Return the tiny plan with streets on both banks of a river and a bridge to the east."""
    plan = tiny_plan()
    lines = [
        [(0, 390), (400, 390)], [(0, 310), (400, 310)], [(400, 390), (400, 310)],
        [(-50, 350), (450, 350)],
    ]  # fmt: skip
    barriers = gpd.GeoDataFrame(
        {"kind": ["road", "road", "road", "river"], "rank": None, "name": None},
        geometry=[LineString(np.add(line, ORIGIN)) for line in lines], crs=CRS,
    )  # fmt: skip
    staff = pd.DataFrame(
        {
            "staff_id": list(HOLDERS), "role": [role for _, role in HOLDERS.values()],
            "code": [code for code, _ in HOLDERS.values()], "distance_m": 1.0,
        }
    )  # fmt: skip
    return dataclasses.replace(plan, barriers=barriers, staff=staff)


@pytest.fixture(scope="module")
def plan():
    return town()


@pytest.fixture(scope="module")
def file(plan, tmp_path_factory):
    path = tmp_path_factory.mktemp("plan") / "plan.gpkg"
    write_geopackage(plan, path)
    return path


def positions(**places):
    """Return a table of positions from metres from the town's corner."""
    xy = np.add(list(places.values()), ORIGIN)
    return pd.DataFrame({"staff_id": list(places), "x": xy[:, 0], "y": xy[:, 1]})


NEAR_OVER_THE_RIVER = positions(micro=(100, 310), small=(300, 390), other=(101, 390))
REPORT = (X + 100, Y + 390)


def told(located):
    row = located.iloc[0] if isinstance(located, pd.DataFrame) else located
    return row["nearest"], float(row["nearest_m"])


def test_the_nearest_of_those_who_answer_is_not_the_one_across_the_river(plan, file):
    found = locate(plan, ([REPORT[0]], [REPORT[1]]), positions=NEAR_OVER_THE_RIVER)
    assert list(found) == [*LOCATED_COLUMNS, *NEAREST_COLUMNS]
    assert told(found) == ("small", 200.0)
    assert found["nearest_min"].tolist() == [2.67]
    with open_locator(file) as locator:
        assert locator.locate(*REPORT, crs=CRS).nearest is None
        locator.set_positions(NEAR_OVER_THE_RIVER)
        one = locator.locate(*REPORT, crs=CRS)
        assert (one.nearest, one.nearest_m, one.nearest_min) == ("small", 200.0, 2.67)


def test_the_nearest_of_all_may_answer_for_other_cells(plan, file):
    points = ([REPORT[0]], [REPORT[1]])
    assert told(locate(plan, points, positions=NEAR_OVER_THE_RIVER, anyone=True)) == ("other", 1.0)
    with open_locator(file) as locator:
        locator.set_positions(NEAR_OVER_THE_RIVER)
        assert locator.locate(*REPORT, crs=CRS, anyone=True).nearest == "other"
        # Outside all land nobody answers, but somebody is near.
        out = (X + 100, Y + 500)
        assert locator.locate(*out, crs=CRS).nearest is None
        assert locator.locate(*out, crs=CRS, anyone=True).nearest_m == 111.0


def test_answers_follow_people_as_they_move(file):
    with open_locator(file) as locator:
        locator.set_positions(NEAR_OVER_THE_RIVER)
        assert locator.locate(*REPORT, crs=CRS, anyone=True).nearest == "other"
        locator.move("other", X + 400, Y + 310, crs=CRS)
        locator.move("micro", X + 90, Y + 390, crs=CRS)
        for anyone in (False, True):
            found = locator.locate(*REPORT, crs=CRS, anyone=anyone)
            assert (found.nearest, found.nearest_m) == ("micro", 10.0)
        locator.move("micro", math.nan, math.nan)
        assert locator.locate(*REPORT, crs=CRS, anyone=True).nearest == "small"
        locator.move("medium", *REPORT, crs=CRS)
        assert locator.locate(*REPORT, crs=CRS).nearest_m == 0.0
        locator.set_positions(positions(small=(0, 390)))
        assert locator.locate(*REPORT, crs=CRS).nearest_m == 100.0


def test_positions_stay_when_the_plan_is_replaced(plan, tmp_path):
    path = tmp_path / "plan.gpkg"
    write_geopackage(plan, path)
    with open_locator(path) as locator:
        locator.set_positions(NEAR_OVER_THE_RIVER)
        assert locator.locate(*REPORT, crs=CRS).nearest == "small"
        staff = plan.staff[plan.staff["staff_id"] == "micro"]
        write_geopackage(dataclasses.replace(plan, staff=staff), tmp_path / "next.gpkg")
        (tmp_path / "next.gpkg").replace(path)
        assert locator.locate(*REPORT, crs=CRS).nearest == "micro"


PLACES = st.lists(st.tuples(st.integers(0, 400), st.integers(300, 400)), min_size=1, max_size=12)


@given(PLACES, st.lists(st.tuples(st.integers(0, 400), st.integers(300, 400)), max_size=9))
def test_many_points_get_the_same_answers_as_one_by_one(file, points, people):
    """All ways to an answer agree: tables of ends of streets, the R-tree, plain distances."""
    names = ["micro", "small", "medium", "other", *"abcde"]
    now = positions(**dict(zip(names, people, strict=False))) if people else positions(a=(9, 9))
    many = [points[k % len(points)] for k in range(70)]
    x, y = np.add(many, ORIGIN).T
    with open_locator(file) as locator:
        locator.set_positions(now)
        for anyone in (False, True):
            table = locator.locate(x, y, crs=CRS, anyone=anyone)
            few = locator.locate(x[: len(points)], y[: len(points)], crs=CRS, anyone=anyone)
            pd.testing.assert_frame_equal(table[: len(points)], few)
            network, places = locator._people._streets, locator._people._present.places
            if not anyone or network is None:
                continue
            metres = network.distances(network.join(np.column_stack([x, y])), places).min(axis=1)
            np.testing.assert_allclose(table["nearest_m"], metres, atol=1e-3)


def test_the_tree_looks_as_far_as_streets_are_long():
    """Sixty people across the river, straight nearer than the one on this bank."""
    river, road = [(-900, 5), (900, 5)], [(-900, 0), (900, 0)]
    frame = gpd.GeoDataFrame(
        {"kind": ["road", "road", "road", "river"], "rank": None, "name": None},
        geometry=[LineString(line) for line in (road, [(-900, 9), (900, 9)], [(900, 0), (900, 9)],
                                                river)], crs=CRS,
    )  # fmt: skip
    network = build_network(frame, crs=CRS)
    xy = np.array([*((float(k), 9.0) for k in range(60)), (-800.0, 0.0), (np.nan, np.nan)])
    present = Present(network, np.array([f"{k:03d}" for k in range(62)], dtype=object), xy)
    assert present.nearest_of_all(np.array([0.0, 0.0])) == (60, 800.0)


def test_streams_add_the_nearest_beside_the_cells(file, tmp_path):
    pd.DataFrame({"id": ["0012", "b"], "x": [REPORT[0], X], "y": [REPORT[1], Y - 900]}).to_csv(
        tmp_path / "points.csv", index=False
    )
    NEAR_OVER_THE_RIVER.rename(columns={"staff_id": "工号"}).to_csv(
        tmp_path / "now.csv", index=False
    )
    report = locate_file(
        file, tmp_path / "points.csv", tmp_path / "out.csv", positions=tmp_path / "now.csv"
    )
    table = pd.read_csv(tmp_path / "out.csv", dtype=str, keep_default_na=False)
    assert table[[*NEAREST_COLUMNS]].to_numpy().tolist() == [["small", "200", "2.67"], [""] * 3]
    assert table["id"].tolist() == ["0012", "b"]
    assert report.notes == ()
    done = CliRunner().invoke(
        command,
        [str(file), str(tmp_path / "points.csv"), "-o", str(tmp_path / "out.xlsx"), "--positions",
         str(tmp_path / "now.csv"), "--anyone", "--lang", "zh"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    sheet = openpyxl.load_workbook(tmp_path / "out.xlsx").active
    assert [cell.value for cell in sheet[1]][-3:] == [
        "最近人员", "最近人员路程（米）", "最近人员用时（分钟）",
    ]  # fmt: skip
    assert [cell.value for cell in sheet[2]][-3:] == ["other", 1, 0.01]


def test_people_without_a_post_are_told(file, tmp_path):
    pd.DataFrame({"x": [REPORT[0]], "y": [REPORT[1]]}).to_csv(tmp_path / "p.csv", index=False)
    positions(stranger=(0, 390)).to_csv(tmp_path / "now.csv", index=False)
    report = locate_file(
        file, tmp_path / "p.csv", tmp_path / "o.csv", positions=tmp_path / "now.csv"
    )
    assert [str(note) for note in report.notes] == [
        "positions: 1 person holds no post in the plan and is nearest to nothing"
    ]


def test_positions_that_cannot_be_used_are_refused(plan):
    points = ([REPORT[0]], [REPORT[1]])
    twice = positions(small=(0, 0)).iloc[[0, 0]]
    for wrong, said in (
        (twice, "several places for small"), (twice.drop(columns="staff_id"), "no column with ids"),
        (twice[["staff_id"]], "no coordinates"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=said):
            locate(plan, points, positions=wrong)
    layer = gpd.GeoDataFrame({"staff_id": ["small"]}, geometry=[shapely.Point(REPORT)])
    with pytest.raises(InputError, match="CRS"):
        locate(plan, points, positions=layer)
    layer = layer.set_crs(CRS).to_crs(4326)
    assert told(locate(plan, points, positions=layer))[0] == "small"
    done = CliRunner().invoke(command, ["p", "q", "-o", "r", "--anyone"])
    assert done.exit_code == 2


def test_without_streets_the_nearest_is_as_the_crow_flies(plan):
    bare = dataclasses.replace(plan, barriers=plan.barriers.iloc[3:])
    found = locate(bare, ([REPORT[0]], [REPORT[1]]), positions=NEAR_OVER_THE_RIVER)
    assert told(found) == ("micro", 80.0)
