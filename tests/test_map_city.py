"""A map of many pages: an overview and one page for each community."""

import dataclasses
import json
import re
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from click.testing import CliRunner
from plans import tiny_plan
from shapely.geometry import LineString, Polygon, box
from test_map import decode, embedded

from gridcell.check import prove_plan
from gridcell.errors import InputError, WriteError
from gridcell.model import Plan
from gridcell.render import city
from gridcell.render.city import page_names, write_city_map
from gridcell.render.simpler import simplify_plan
from gridcell_cli.map import command


@pytest.fixture(scope="module")
def plan() -> Plan:
    return tiny_plan()


@pytest.fixture(scope="module")
def folder(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("city") / "map"
    write_city_map(plan, path)
    return path


def content_of(path: Path) -> dict[str, object]:
    return embedded(path.read_text("utf-8"))


def test_there_is_an_overview_and_a_page_for_each_community(plan: Plan, folder: Path) -> None:
    pages = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.html"))
    names = [f"communities/community-{code}.html" for code in plan.medium["code"]]
    assert pages == [*names, "index.html"]
    overview = content_of(folder / "index.html")
    assert overview["pages"] == names
    assert overview["buildings"] is None
    assert overview["levels"]["micro"]["code"] == plan.micro["code"].tolist()


def test_every_cell_is_on_the_page_of_its_community_alone(plan: Plan, folder: Path) -> None:
    seen: dict[str, list[str]] = {"small": [], "micro": []}
    for code in plan.medium["code"]:
        page = content_of(folder / "communities" / f"community-{code}.html")
        for level, codes in seen.items():
            own = page["levels"][level]["code"]
            assert all(c.startswith(code) for c in own)
            codes += own
        assert page["title"] == plan.medium.set_index("code")["name"][code]
        assert page["home"] == "../index.html"
        assert [Path(p).name for p in page["around"]["page"]] == [
            f"community-{c}.html" for c in plan.medium["code"] if c != code
        ]
    assert {level: sorted(codes) for level, codes in seen.items()} == {
        level: sorted(plan.cells(level)["code"]) for level in seen
    }


def test_findings_and_vacancies_go_to_their_community(plan: Plan, tmp_path: Path) -> None:
    vacant = pd.DataFrame(
        {"role": ["micro_chief"], "code": [plan.micro["code"].iloc[-1]], "missing": [1],
         "reason": ["capacity"]}
    )  # fmt: skip
    write_city_map(dataclasses.replace(plan, vacancies=vacant), tmp_path / "m")
    first, second = (
        content_of(tmp_path / "m" / "communities" / f"community-{code}.html")
        for code in plan.medium["code"]
    )
    assert (len(first["findings"]["message"]), len(second["findings"]["message"])) == (2, 0)
    assert (first["vacancies"]["row"], second["vacancies"]["roles"]) == ("", ["Micro-cell chief"])


def test_the_overview_tells_of_all_findings_and_lists_the_worst(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gridcell.display.content.OVERVIEW_FINDINGS", 1)
    write_city_map(plan, tmp_path / "m")
    overview = content_of(tmp_path / "m" / "index.html")
    assert len(overview["findings"]["message"]) == 1
    assert overview["counts"]["findings"] == len(plan.findings)


def test_waters_on_a_page_end_with_the_land_around(tmp_path: Path) -> None:
    plan = tiny_plan()
    x, y = plan.medium.geometry[0].centroid.coords[0]
    lake, island = box(x - 9000, y - 50, x + 9000, y + 50), box(x - 20, y - 10, x + 9000, y + 10)
    lines = [LineString(lake.exterior.coords), LineString(island.exterior.coords)]
    plan = dataclasses.replace(
        plan,
        barriers=gpd.GeoDataFrame(
            {"kind": ["river"] * 2, "rank": [None] * 2, "name": [None] * 2},
            geometry=lines, crs=plan.crs,
        ),
    )  # fmt: skip
    for path in write_city_map(plan, tmp_path / "m")[1:]:
        barriers = content_of(path)["barriers"]
        assert decode(barriers["shape"]["rings"]) == []
        assert decode(barriers["water"]["rings"]) == [1]  # the island is cut open at the window
        xy = np.cumsum(np.reshape(decode(barriers["water"]["xy"]), (-1, 2)), axis=0) / 1e6
        water = gpd.GeoSeries([Polygon(xy)], crs=4326).to_crs(plan.crs)
        assert 0 < water.area.sum() < lake.area / 10
        assert water.buffer(1).intersects(island).all()


def test_the_same_plan_gives_the_same_pages(folder: Path, tmp_path: Path) -> None:
    for path in write_city_map(tiny_plan(), tmp_path / "again"):
        assert path.read_bytes() == (folder / path.relative_to(tmp_path / "again")).read_bytes()


def test_borders_get_simpler_until_a_page_fits(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[float] = []

    def record(plan: Plan, metres: float) -> Plan:
        tried.append(metres)
        return simplify_plan(plan, metres)

    monkeypatch.setattr(city, "simplify_plan", record)
    monkeypatch.setattr(city, "MAX_BYTES", 1000)
    with pytest.raises(WriteError, match=r"index\.html: a page of .* draw the plan as one file"):
        write_city_map(plan, tmp_path / "m")
    assert tried == list(city._OVERVIEW_M)
    assert list(tmp_path.iterdir()) == []


def test_simpler_borders_still_fit_together_on_every_level(plan: Plan) -> None:
    drawn = simplify_plan(plan, 20.0)
    assert all(coverage.holds for coverage in prove_plan(drawn).values())
    assert simplify_plan(plan, 0) is plan
    for level in ("medium", "small", "micro"):
        assert shapely.is_valid(drawn.cells(level).geometry.array).all()
        assert drawn.cells(level)["code"].equals(plan.cells(level)["code"])


def test_pages_have_names_that_every_file_system_takes() -> None:
    names = page_names(pd.Series(["con", "Ab1", "aB1", "a/b", "中"]))
    assert len({name.lower() for name in names}) == 5
    assert all(re.fullmatch(r"communities/community-[A-Za-z0-9_-]+\.html", name) for name in names)


def test_folders_with_other_things_are_spared(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.docx").write_text("x")
    with pytest.raises(WriteError, match=r"only a map is overwritten, and it holds thesis\.docx"):
        write_city_map(plan, tmp_path / "mine", overwrite=True)
    (tmp_path / "file").write_text("x")
    with pytest.raises(WriteError, match="is a file"):
        write_city_map(plan, tmp_path / "file", overwrite=True)
    with pytest.raises(InputError, match="'fr'"):
        write_city_map(plan, tmp_path / "fr", lang="fr")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "mine"]


def test_the_command_makes_a_folder_unless_the_output_ends_in_html(
    plan: Plan, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("gridcell_cli.plans.open_plan", lambda _, **_options: plan)
    for output in (f"{tmp_path}/map", f"{tmp_path}/b.html/"):
        done = CliRunner().invoke(command, ["plan.gpkg", "-o", output, "--json"])
        assert json.loads(done.stdout)["pages"] == 3
        assert (Path(output) / "index.html").is_file()
    again = CliRunner().invoke(command, ["plan.gpkg", "-o", f"{tmp_path}/map"])
    assert "overwrite=True" in str(again.exception)
    arguments = ["plan.gpkg", "-o", f"{tmp_path}/map", "--overwrite"]
    assert CliRunner().invoke(command, arguments).exit_code == 0
