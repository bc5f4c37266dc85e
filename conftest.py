"""What examples in docstrings find: a small town, divided and written once."""

from typing import Any

import pytest
from atlas_fonts import make_font

import gridcell


@pytest.fixture(scope="session")
def example_town(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the layers and the plan of the examples of `read_layers` and `make_plan`."""
    folder = tmp_path_factory.mktemp("examples")
    town = gridcell.make_sample(households=900, seed=1, communities=1)
    layers = gridcell.read_layers(
        town.communities, town.buildings, households=town.households, sites=town.sites,
        barriers=[town.roads, town.rivers], staff=town.staff,
    )  # fmt: skip
    plan = gridcell.make_plan(layers)
    gridcell.write_plan(plan, folder / "plan")
    names = [*plan.leaves["name"], *plan.small["name"], *town.roads["name"], *town.rivers["name"]]
    font = make_font(folder / "boxes.ttf", text="".join(names))
    return {"layers": layers, "plan": plan, "plan_folder": folder / "plan", "font": font}


@pytest.fixture(autouse=True)
def example_names(request: pytest.FixtureRequest) -> None:
    """Give each example the town, and a folder of its own."""
    if isinstance(request.node, pytest.DoctestItem):
        names = request.getfixturevalue("doctest_namespace")
        names |= request.getfixturevalue("example_town")
        names["folder"] = request.getfixturevalue("tmp_path")
