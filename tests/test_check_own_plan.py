"""A plan that gridcell made passes gridcell's check against the files that it was made of."""

import geopandas as gpd
import numpy as np
import pytest
import shapely

import gridcell
from gridcell.coverage.width import NEAR_M
from gridcell_cli import main as frame

FEET = 0.3048006096


@pytest.fixture(autouse=True)
def _own_logging(monkeypatch):
    monkeypatch.setattr(frame, "_be_quiet", lambda: None)


@pytest.fixture(scope="module")
def town():
    return gridcell.make_sample(households=1200, seed=3, communities=3)


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as exit_:
        frame.main(list(map(str, arguments)))
    return exit_.value.code, *capsys.readouterr()


def in_feet(layer, origin):
    """Return a layer moved to New York, in feet of a survey."""
    shapes = shapely.transform(
        layer.geometry.array, lambda xy: (xy - origin) / FEET + [980_000, 190_000]
    )
    return gpd.GeoDataFrame(layer.drop(columns="geometry"), geometry=shapes, crs="EPSG:2263")


def as_given(town, how):
    """Return communities and buildings as somebody might have them."""
    areas, built = town.communities, town.buildings
    if how == "feet":
        origin = areas.total_bounds[:2]
        return in_feet(areas, origin), in_feet(built, origin)
    if how == "ill fitting":
        shapes = [
            shapely.transform(shape, lambda xy, k=k: xy + 0.2 * np.sin(xy[:, ::-1] + k))
            for k, shape in enumerate(areas.geometry)
        ]
        return areas.set_geometry(shapes, crs=areas.crs), built
    return areas.to_crs(how), built.to_crs(how)


@pytest.mark.parametrize("how", ["EPSG:4546", "EPSG:4326", "EPSG:3857", "feet", "ill fitting"])
def test_every_layer_covers_its_own_input(town, tmp_path, capsys, how):
    areas, built = as_given(town, how)
    land = tmp_path / "areas.gpkg"
    areas.to_file(land)
    layers = gridcell.read_layers(land, built)
    plan = gridcell.make_plan(layers, rules=gridcell.Rules(search=50), workers=1)
    gridcell.write_plan(plan, tmp_path / "plan")
    for layer in ("large", "medium", "small", "leaves"):
        cells = f"{tmp_path / 'plan' / 'plan.gpkg'}#{layer}"
        code, out, _ = run(capsys, "check", cells, "--within", land)
        assert (code, out) == (0, "every proof holds\n"), (layer, out)


def strips(slit, along=0.0):
    """Return a land of 100 m, and two halves of it with a slit between or along its border."""
    x, y = 500_000, 2_500_000
    land = shapely.box(x, y, x + 100, y + 100)
    halves = [
        shapely.box(x, y, x + 50, y + 100 - along),
        shapely.box(x + 50 + slit, y, x + 100, y + 100 - along),
    ]
    frame = gpd.GeoDataFrame({"code": ["W", "E"]}, geometry=halves, crs="EPSG:4547")
    return frame, gpd.GeoDataFrame({"code": ["L"]}, geometry=[land], crs="EPSG:4547")


def test_what_is_below_the_noding_grid_along_the_land_is_no_finding():
    cells, land = strips(0, along=NEAR_M / 2)
    assert gridcell.check_cells(cells, land).ok
    cells, land = strips(0, along=-NEAR_M / 2)
    assert gridcell.check_cells(cells, land).ok
    cells, land = strips(0, along=2 * NEAR_M)
    assert gridcell.check_cells(cells, land).findings["kind"].unique().tolist() == ["sliver"]


def test_between_cells_nothing_is_below_a_grid():
    cells, land = strips(NEAR_M / 2)
    assert gridcell.check_cells(cells, land).findings["kind"].tolist() == ["sliver"]
    cells, land = strips(-NEAR_M / 2)
    assert gridcell.check_cells(cells, land).findings["kind"].tolist() == ["overlap"]


@pytest.mark.parametrize("name", ["town.shp", "town.csv", "town.parquet"])
def test_a_layer_that_is_not_there_is_bad_input_in_every_format(tmp_path, capsys, name):
    cells, _ = strips(0)
    if name.endswith(".csv"):
        (tmp_path / name).write_text("code\n1\n", "utf-8")
    elif name.endswith(".parquet"):
        cells.to_parquet(tmp_path / name)
    else:
        cells.to_file(tmp_path / name)
    code, _, said = run(capsys, "check", f"{tmp_path / name}#nolayer")
    assert (code, "no layer 'nolayer'; the file holds town" in said) == (3, True)
    code, out, said = run(capsys, "check", f"{tmp_path / name}#town")
    assert "no layer" not in out + said
