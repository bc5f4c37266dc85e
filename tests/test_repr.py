"""What Python shows of a plan and of layers fits a screen."""

import tomllib
from pathlib import Path

import gridcell


def test_plans_and_layers_fit_ten_lines():
    town = gridcell.make_sample(households=900, seed=1, communities=1)
    layers = gridcell.read_layers(
        town.communities, town.buildings, households=town.households, sites=town.sites,
        barriers=[town.roads], staff=town.staff,
    )  # fmt: skip
    plan = gridcell.make_plan(layers, rules=gridcell.Rules(search=20))
    for shown in (repr(layers), repr(plan)):
        assert len(shown.splitlines()) <= 10
        assert max(map(len, shown.splitlines())) <= 80
    assert f"buildings    {len(layers.buildings):,} rows" in repr(layers)
    assert "EPSG:4546" in repr(layers)
    assert "households        900 assigned, 0 not" in repr(plan)
    assert "proofs            all hold" in repr(plan)
    assert f"micro             {len(plan.micro):,} cells, " in repr(plan)


def test_the_notebook_extra_has_what_exploring_a_frame_needs():
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))
    extra = " ".join(project["project"]["optional-dependencies"]["notebook"])
    assert all(name in extra for name in ("mapclassify", "matplotlib"))
