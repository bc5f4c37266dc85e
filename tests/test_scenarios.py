"""Several plans of the same land side by side, to choose from."""

import dataclasses
import json
import shutil

import numpy as np
import pandas as pd
import pytest
import shapely

import gridcell
from gridcell_cli import main as frame

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def town():
    sample = gridcell.make_sample(households=900, seed=1, communities=1)
    return gridcell.read_layers(
        sample.communities, sample.buildings, households=sample.households, sites=sample.sites,
        barriers=[sample.roads, sample.rivers],
    )  # fmt: skip


@pytest.fixture(scope="module")
def plans(town, example_town):
    return {
        "first": example_town["plan"],
        "<i>wider": gridcell.make_plan(town, rules={"micro": "60:80:100"}),
        "moved": gridcell.edit_plan(
            example_town["plan"], [gridcell.Rename(example_town["plan"].micro["code"].iloc[0], "N")]
        ),
    }


@pytest.fixture(scope="module")
def scenarios(plans):
    return gridcell.compare_scenarios(plans)


def test_households_differ_that_share_no_cell_with_most_of_either(plans, scenarios):
    first, wider = plans["first"], plans["<i>wider"]
    stand = wider.buildings[wider.buildings["households"] > 0]
    point = shapely.point_on_surface(stand.geometry.to_numpy())
    before = []
    for each in point:
        [row] = np.flatnonzero(shapely.intersects(first.leaves.geometry.to_numpy(), each))
        before.append(first.leaves["code"].iloc[row])
    table = pd.crosstab(
        np.array(before), stand["code"].to_numpy(), stand["households"].to_numpy(), aggfunc="sum"
    ).fillna(0)  # fmt: skip
    # Ties are given to the first by code, in both directions.
    same = sum(
        table.loc[old].max()
        for old in table.index
        if (new := table.loc[old].idxmax()) is not None and table[new].idxmax() == old
    )
    differ = scenarios.figures.loc["households_differ"]
    assert differ["<i>wider"] == table.to_numpy().sum() - same > 100
    assert differ[["first", "moved"]].tolist() == [0, 0]
    held = scenarios.differing.groupby("scenario")["households"].sum()
    assert held.to_dict() == {"<i>wider": differ["<i>wider"]}


def test_codes_say_nothing_of_which_households_differ(plans):
    first = plans["first"]
    other = {}
    for _, cells in first.micro.groupby("parent"):
        other |= dict(zip(cells["code"], cells["code"][::-1], strict=True))
    frames = {
        name: getattr(first, name).assign(code=getattr(first, name)["code"].replace(other))
        for name in ("leaves", "micro", "buildings")
    }
    renamed = dataclasses.replace(first, fabric=None, **frames)
    assert gridcell.compare_scenarios({"a": first, "b": renamed}).differing.empty


def test_figures_are_those_of_each_plan(plans, scenarios):
    assert scenarios.figures.columns.tolist() == list(plans)
    assert scenarios.figures.loc["micro"].tolist() == [len(p.micro) for p in plans.values()]
    assert [len(p.micro) for p in scenarios.plans] == [len(p.micro) for p in plans.values()]
    assert "<i>" not in scenarios._repr_html_()


def test_one_plan_is_nothing_to_compare(plans):
    with pytest.raises(gridcell.InputError, match="1 plan: to compare"):
        gridcell.compare_scenarios({"first": plans["first"]})


@pytest.mark.skipif(CHROMIUM is None, reason="no browser")
def test_maps_side_by_side_show_the_same_place(scenarios, tmp_path):
    playwright = pytest.importorskip("playwright.sync_api")
    [file] = gridcell.write_scenarios(scenarios, tmp_path / "side.html")
    [again] = gridcell.write_scenarios(scenarios, tmp_path / "again.html")
    assert file.read_bytes() == again.read_bytes()
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1500, "height": 900})
        wrong: list[str] = []
        asked: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(file.as_uri())
        page.wait_for_function("() => scenarioViews.every(view => view.painter.painted)")
        assert page.locator("figcaption").all_text_contents() == list(scenarios.names)
        assert page.locator("thead th").all_text_contents() == ["", *scenarios.names]
        views = """() => scenarioViews.map(({ map }) =>
            [map.getZoom(), map.getCenter().lat.toFixed(4), map.getCenter().lng.toFixed(4)])"""
        page.evaluate("""() => {
            const [, { map, plan }] = scenarioViews;
            map.setView(L.latLngBounds(plan.bounds).getCenter(), 18);
        }""")
        seen = page.evaluate(views)
        assert seen[0] == seen[1] == seen[2]
        assert seen[0][0] == 18
        shown = "() => scenarioViews.map(view => [view.shows('names'), view.shows('differ')])"
        for name in ("names", "differ"):
            page.locator(f"input[data-layer={name}]").click()
        assert page.evaluate(shown) == [[False, False]] * 3
        box = page.locator(".ground").nth(1).bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        marked = "() => scenarioViews.map(({ map }) => map.getPane('chosen').style.display)"
        assert page.evaluate(marked) == ["", "", ""]
        assert not wrong
        assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
        browser.close()


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as end:
        frame.main([str(argument) for argument in arguments])
    return end.value.code or 0, capsys.readouterr()


def test_the_command_compares_any_number_of_plans(plans, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(frame, "_be_quiet", lambda: None)
    folders = [tmp_path / "one" / "plan", tmp_path / "two" / "plan", tmp_path / "wide"]
    for folder, plan in zip(folders, [*plans.values()][::-1], strict=True):
        folder.parent.mkdir(exist_ok=True)
        gridcell.write_plan(plan, folder, atoms=False)
    page = tmp_path / "side.html"
    code, told = run(capsys, "compare", *folders, "-o", page, "--json")
    assert code == 0, told.err
    data = json.loads(told.out)
    # Folders of one name are told apart by their paths.
    assert data["plans"] == [str(folders[0]), str(folders[1]), "wide"]
    assert {row["figure"] for row in data["figures"]} >= {"micro", "households_differ"}
    assert sum(row["households"] for row in data["differing"]) > 0
    assert "Plans side by side" in page.read_text("utf-8")
    code, told = run(capsys, "compare", *folders[:2], "--side-by-side", "--lang", "zh")
    assert code == 0
    assert "所在网格不同的户数" in told.out
