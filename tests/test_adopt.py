"""Cells that somebody drew become a plan: codes, names, levels, what was changed is told."""

import dataclasses
import itertools

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import towns
from hypothesis import given, settings
from hypothesis import strategies as st

import gridcell
from gridcell.model import Plan
from gridcell.revision.drawn import read_drawn
from gridcell.revision.exact import ExactLand


@pytest.fixture(scope="module")
def layers():
    town = gridcell.make_sample(households=2400, seed=5, communities=3)
    return gridcell.read_layers(
        town.communities, town.buildings, households=town.households, sites=town.sites,
        barriers=[town.roads, town.rivers], staff=town.staff,
    )  # fmt: skip


@pytest.fixture(scope="module")
def plan(layers):
    return gridcell.make_plan(layers)


def kinds(plan: Plan) -> set[str]:
    return {kind for kind in plan.findings["kind"] if kind.startswith("drawn_")}


def rows(cells: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return cells[["code", "name", "geometry"]].copy()


def same_cells(a: Plan, b: Plan, but: set[str] = frozenset()) -> None:
    """Assert that all other cells have the same codes, and geometries to the byte."""
    for level in ("small", "micro"):
        one, two = (p.cells(level)[~p.cells(level)["code"].isin(but)] for p in (a, b))
        assert one["code"].tolist() == two["code"].tolist()
        assert one.geometry.to_wkb().tolist() == two.geometry.to_wkb().tolist()


def roughly(cells: gpd.GeoDataFrame, metres: float, seed: int) -> gpd.GeoDataFrame:
    """Return the cells as a hand draws them: few vertices, each a little off, gaps and overlaps."""
    rng = np.random.default_rng(seed)

    def off(xy):
        return xy + rng.uniform(-metres, metres, xy.shape)

    rough = []
    for shape in cells.geometry.simplify(1.0):
        parts = [shapely.Polygon(off(np.asarray(part.exterior.coords)[:-1]))
                 for part in shapely.get_parts(shape)]  # fmt: skip
        rough.append(shapely.union_all([part.buffer(0) for part in parts]))
    return cells.set_geometry(rough, crs=cells.crs)


@pytest.mark.parametrize("level", ["small", "micro", "leaves"])
def test_the_cells_of_a_plan_become_that_plan_again(layers, plan, level):
    adopted = gridcell.adopt_cells(plan.cells(level), layers)
    assert adopted.ok
    same_cells(adopted, plan)
    assert adopted.history["operation"].tolist() == ["adopt"]
    assert kinds(adopted) == {"drawn_level"}
    assert adopted.staff["staff_id"].tolist()


def test_lines_drawn_roughly_along_streets_become_the_streets(layers, plan):
    adopted = gridcell.adopt_cells(roughly(rows(plan.small), 4.0, 1), layers)
    assert adopted.ok
    both = plan.buildings.merge(adopted.buildings, on="bldg_id")
    small = both["code_x"].str.slice(0, 15) == both["code_y"].str.slice(0, 15)
    assert small.mean() > 0.97
    assert "drawn_moved" in kinds(adopted)


def test_codes_are_kept_where_they_are_valid_and_given_where_not(layers, plan):
    general = plan.small[plan.small["grid_type"] == "general"].reset_index(drop=True)
    drawn = rows(general)
    codes = general["code"].tolist()
    home = codes[0][:12]
    drawn["code"] = [f"{home}700", codes[1] + "9", "X1", *codes[3:]]
    drawn["name"] = None
    adopted = gridcell.adopt_cells(drawn, layers, level="small")
    kept = set(adopted.small["code"])
    assert {f"{home}700", *codes[3:]} <= kept
    assert codes[1] + "9" not in kept
    assert "X1" in adopted.small["name"].tolist()
    assert adopted.small["code"].is_unique
    assert "drawn_codes" in kinds(adopted)
    told = adopted.findings.loc[adopted.findings["kind"] == "drawn_codes", "measure"]
    assert told.tolist() == [2.0]


def test_names_are_kept(layers, plan):
    drawn = rows(plan.micro).assign(name=[f"net {n}" for n in range(len(plan.micro))])
    adopted = gridcell.adopt_cells(drawn, layers)
    assert adopted.micro["name"].tolist() == drawn["name"].tolist()


def test_the_level_is_told_by_households_and_said(layers, plan):
    for level in ("small", "micro"):
        cells = plan.cells(level)
        general = cells[cells["grid_type"] == "general"]
        adopted = gridcell.adopt_cells(general[["geometry"]], layers)
        said = adopted.findings.loc[adopted.findings["kind"] == "drawn_level", "message"].item()
        assert f"adopted as {level} cells" in said
        assert (adopted.cells(level)["grid_type"] == "general").sum() == len(general)


def test_micro_cells_without_small_ones_are_grouped_as_a_whole(layers, plan):
    adopted = gridcell.adopt_cells(plan.micro[["geometry"]], layers, level="micro")
    assert adopted.ok
    shapes = set(adopted.micro.geometry.to_wkb())
    assert shapes == set(plan.micro.geometry.to_wkb())
    assert (adopted.small["band"].dropna() == "in").all()


def test_micro_cells_are_grouped_by_a_column(layers, plan):
    drawn = plan.micro[["geometry", "parent"]].rename(columns={"parent": "small"})
    adopted = gridcell.adopt_cells(drawn, layers, level="micro")
    assert adopted.small["code"].tolist() == plan.small["code"].tolist()


def test_small_and_micro_cells_in_one_layer_are_both_taken(layers, plan):
    both = pd.concat([plan.small, plan.micro], ignore_index=True)
    adopted = gridcell.adopt_cells(both, layers)
    same_cells(adopted, plan)
    assert kinds(adopted) == {"drawn_level"}


def test_a_division_may_stop_at_small_cells(layers, plan):
    rules = gridcell.Rules(micro=None)
    adopted = gridcell.adopt_cells(plan.small, layers, rules=rules)
    assert adopted.ok
    assert adopted.micro.empty
    assert adopted.small["code"].tolist() == plan.small["code"].tolist()


def test_land_in_no_cell_goes_to_a_neighbour_and_is_told(layers, plan):
    drawn = rows(plan.small)
    middle = drawn.geometry.iloc[0].representative_point()
    drawn["geometry"] = drawn.geometry.difference(middle.buffer(60))
    adopted = gridcell.adopt_cells(drawn, layers)
    assert adopted.ok
    assert adopted.small["code"].tolist() == plan.small["code"].tolist()
    assert "drawn_moved" in kinds(adopted)


def test_a_community_without_cells_is_divided_by_the_search(layers, plan):
    gone = plan.small["community"].iloc[0]
    adopted = gridcell.adopt_cells(plan.small[plan.small["community"] != gone], layers)
    assert adopted.ok
    assert "drawn_missing" in kinds(adopted)
    assert (adopted.small["community"] == gone).any()


def test_a_cell_in_pieces_is_told_and_made_one(layers, plan):
    town = rows(plan.micro)
    near = plan.micro[plan.micro["parent"] == plan.micro["parent"].iloc[0]]
    a = near.index[0]
    apart = next(b for b in near.index[::-1] if not near.geometry[a].touches(near.geometry[b]))
    merged = shapely.union(near.geometry[a], near.geometry[apart])
    town = town.drop(index=apart)
    town.loc[a, "geometry"] = merged
    adopted = gridcell.adopt_cells(town, layers, level="micro")
    assert adopted.ok
    assert "drawn_in_pieces" in kinds(adopted)


def test_a_cell_across_a_boundary_becomes_one_in_each_community(layers, plan):
    smalls = plan.small[plan.small["grid_type"] == "general"]
    pairs = [
        (a, b)
        for a in smalls.index
        for b in smalls.index
        if smalls["community"][a] < smalls["community"][b]
        and smalls.geometry[a].touches(smalls.geometry[b])
    ]
    a, b = pairs[0]
    drawn = rows(smalls).drop(index=b)
    drawn.loc[a, "geometry"] = shapely.union(smalls.geometry[a], smalls.geometry[b])
    adopted = gridcell.adopt_cells(drawn, layers, level="small")
    assert adopted.ok
    assert "drawn_parted" in kinds(adopted)
    assert (adopted.small["grid_type"] == "general").sum() == len(smalls)


def test_a_table_of_buildings_is_a_division(layers, plan):
    table = pd.DataFrame(plan.buildings[["bldg_id", "code"]])
    adopted = gridcell.adopt_cells(table, layers)
    assert adopted.ok
    same = (adopted.buildings["code"] == plan.buildings["code"]).to_numpy()
    assert same.mean() > 0.97
    assert adopted.small["code"].tolist() == plan.small["code"].tolist()
    strange = pd.concat([table, pd.DataFrame({"bldg_id": ["nowhere"], "code": ["1"]})])
    assert "drawn_unknown_buildings" in kinds(gridcell.adopt_cells(strange, layers))


def test_dedicated_cells_come_of_their_column_without_any_sites(layers, plan):
    adopted = gridcell.adopt_cells(plan.small, dataclasses.replace(layers, sites=None))
    own = adopted.small["grid_type"] == "dedicated"
    assert own.sum() == (plan.small["grid_type"] == "dedicated").sum()
    assert adopted.small["code"].tolist() == plan.small["code"].tolist()


def test_the_order_of_rows_changes_nothing(layers, plan):
    drawn = rows(plan.small)
    one, two = (gridcell.adopt_cells(d, layers) for d in (drawn, drawn.iloc[::-1]))
    same_cells(one, two)
    assert one.findings["message"].tolist() == two.findings["message"].tolist()


@pytest.mark.parametrize("level", ["small", "micro", "leaves"])
def test_an_unedited_layer_changes_nothing(plan, level):
    again = gridcell.adopt_cells(plan.cells(level).to_crs(4326), plan)
    same_cells(again, plan)
    assert again.lineage.equals(plan.lineage)
    assert again.history["operation"].tolist() == ["partition", "adopt"]


def edited(plan: Plan) -> tuple[gpd.GeoDataFrame, set[str]]:
    """Return the micro cells after some work in a GIS, and which were touched."""
    cells = plan.micro.copy()
    parent = cells["parent"].value_counts().index[0]
    same = cells.index[cells["parent"] == parent]
    a = same[0]
    b = next(i for i in same[1:] if cells.geometry[a].intersection(cells.geometry[i]).length > 5)
    houses = plan.buildings.geometry.representative_point().to_numpy()
    # The first one that has houses on both sides of its middle.
    for c in cells.index[cells["parent"] != parent]:
        x0, y0, x1, y1 = cells.geometry[c].bounds
        cut = shapely.LineString([((x0 + x1) / 2, y0 - 1), ((x0 + x1) / 2 + 1, y1 + 1)])
        halves = shapely.get_parts(shapely.ops.split(cells.geometry[c], cut))
        if len(halves) == 2 and all(shapely.contains(half, houses).sum() > 1 for half in halves):
            break
    touched = {cells["code"][i] for i in (a, b, c)}
    cells.loc[a, "geometry"] = shapely.union(cells.geometry[a], cells.geometry[b])
    cells = cells.drop(index=b)
    cells.loc[c, "geometry"] = halves[0]
    more = [cells.loc[[c]].set_geometry([half], crs=cells.crs) for half in halves[1:]]
    cells = pd.concat([cells, *more], ignore_index=True)
    # Twenty vertices, each a metre off, as a hand on a mouse leaves them.
    rng = np.random.default_rng(0)
    rings = shapely.get_rings(cells.geometry.to_numpy())
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    inner = np.flatnonzero((np.diff(ring, prepend=-1) == 0) & (np.diff(ring, append=-1) == 0))
    for at in rng.choice(inner, 20).tolist():
        xy[at] += rng.uniform(-1, 1, 2)
    cells["geometry"] = shapely.make_valid(shapely.set_coordinates(cells.geometry.to_numpy(), xy))
    return cells, touched


def test_a_layer_edited_in_a_gis_comes_back(plan):
    cells, touched = edited(plan)
    after = gridcell.adopt_cells(cells, plan)
    assert after.ok
    old, new = (set(p.micro["code"]) for p in (plan, after))
    assert old - new < touched
    assert after.codes["code"].is_unique
    changed = set(
        after.lineage.loc[after.lineage["event"] != "U", ["old", "new"]].to_numpy().ravel()
    )
    assert touched <= changed
    merged = shapely.union_all(plan.micro.geometry[plan.micro["code"].isin(changed)])
    far = plan.micro["code"][plan.micro.geometry.disjoint(merged)]
    before, now = (p.micro.set_index("code").geometry[far].to_wkb() for p in (plan, after))
    assert before.equals(now)
    assert after.history["operation"].tolist() == ["partition", "adopt"]


def test_a_changed_small_cell_is_divided_with_least_change(plan):
    smalls = plan.small[plan.small["grid_type"] == "general"].reset_index(drop=True)
    a, b = smalls.geometry[0], smalls.geometry[1]
    gain = shapely.intersection(b, shapely.buffer(a, 40))
    smalls.loc[0, "geometry"] = shapely.union(a, gain)
    smalls.loc[1, "geometry"] = shapely.difference(b, gain)
    smalls.loc[2, "name"] = "Harbour"
    after = gridcell.adopt_cells(smalls, plan)
    assert after.ok
    assert "Harbour" in after.small["name"].tolist()
    touched = smalls["code"][:2].tolist()
    kept = plan.micro[~plan.micro["parent"].isin(touched)]["code"]
    assert set(kept) <= set(after.micro["code"])


def test_locks_hold_and_say_so(plan):
    cells, touched = edited(plan)
    after = gridcell.adopt_cells(cells, plan, locked=sorted(touched))
    assert after.ok
    same_cells(after, plan, but=set(plan.micro["code"]) - touched)
    assert "drawn_lock_kept" in kinds(after)
    everything = gridcell.adopt_cells(cells, plan, locked=["micro"])
    same_cells(everything, plan)
    smalls = plan.small[plan.small["grid_type"] == "general"].reset_index(drop=True)
    gain = shapely.intersection(smalls.geometry[1], shapely.buffer(smalls.geometry[0], 40))
    smalls.loc[0, "geometry"] = shapely.union(smalls.geometry[0], gain)
    smalls.loc[1, "geometry"] = shapely.difference(smalls.geometry[1], gain)
    shut = gridcell.adopt_cells(smalls, plan, locked=[smalls["code"][0]])
    same_cells(shut, plan)


def test_a_locked_micro_cell_keeps_its_small_cell(plan):
    """Its code begins with that of the small cell, which somebody dissolved."""
    smalls = plan.small[plan.small["grid_type"] == "general"]
    for a, b in itertools.permutations(smalls.index, 2):
        less = smalls["households"][a] < smalls["households"][b]
        if less and smalls.geometry[a].intersection(smalls.geometry[b]).length > 5:
            break
    both = smalls.drop(index=a)
    both.loc[b, "geometry"] = shapely.union(smalls.geometry[a], smalls.geometry[b])
    inside = plan.micro[plan.micro["parent"] == smalls["code"][a]]
    free = gridcell.adopt_cells(both, plan)
    assert not set(inside["code"]) & set(free.micro["code"])
    shut = gridcell.adopt_cells(both, plan, locked=[inside["code"].iloc[0]])
    assert shut.ok
    same_cells(shut, plan)
    assert "drawn_lock_kept" in kinds(shut)
    assert "lock_not_kept" not in shut.findings["kind"].tolist()


def test_one_community_of_a_plan_can_be_edited_alone(plan):
    home = plan.micro["community"].iloc[0]
    mine = plan.micro[plan.micro["community"] == home]
    same_cells(gridcell.adopt_cells(mine, plan), plan)


@pytest.mark.parametrize("level", ["small", "micro"])
def test_exact_borders_are_those_that_were_drawn(layers, plan, level):
    adopted = gridcell.adopt_cells(plan.cells(level), layers, borders="exact")
    assert adopted.ok
    assert adopted.small["code"].tolist() == plan.small["code"].tolist()
    for a, b in zip(adopted.cells(level).geometry, plan.cells(level).geometry, strict=True):
        assert shapely.symmetric_difference(a, b).area < 0.1


def test_land_left_out_in_two_places_is_no_cell_in_two_pieces(layers, plan):
    """A cell that nobody drew, and a corner somewhere else in its community."""
    missing = plan.micro.index[plan.micro["buildings"] == 1][0]
    home = plan.micro["community"][missing]
    rim = plan.medium.set_index("community").geometry[home].exterior
    mine = plan.micro[plan.micro["community"] == home]
    away = mine[mine.touches(rim) & ~mine.touches(mine.geometry[missing])].index[-1]
    corner = shapely.intersection(mine.geometry[away], rim).representative_point().buffer(3)
    drawn = plan.micro.drop(index=missing)
    island = plan.micro.geometry[missing].representative_point().buffer(1)
    rest = shapely.difference(drawn.geometry[away], corner)
    drawn.loc[away, "geometry"] = shapely.union(rest, island)
    layer = read_drawn(drawn, plan.crs)
    land = ExactLand.of(layer, layers, np.full(len(layer), -1))
    left = land.shapes[[not name for name in land.names]]
    assert len(left) == 2
    assert (shapely.get_num_geometries(land.shapes) == 1).all()
    adopted = gridcell.adopt_cells(drawn, layers, borders="exact")
    assert adopted.ok
    assert "drawn_missing" in kinds(adopted)


def test_exact_borders_may_cut_buildings_and_that_is_told(layers, tmp_path):
    x0, y0, x1, y1 = layers.communities.total_bounds
    side = (x1 - x0) / 4
    squares = [
        shapely.box(x, y, x + side, y + side)
        for x in np.arange(x0, x1, side)
        for y in np.arange(y0, y1, side)
    ]
    drawn = gpd.GeoDataFrame(geometry=squares, crs=layers.crs)
    adopted = gridcell.adopt_cells(drawn, layers, borders="exact", level="small")
    assert adopted.ok
    cut = adopted.findings[adopted.findings["kind"] == "cut_building"]
    assert len(cut)
    assert set(cut["severity"]) == {"warning"}
    assert {"drawn_repaired", "drawn_level"} <= kinds(adopted)
    assert gridcell.check_plan(adopted) == []
    gridcell.write_plan(adopted, tmp_path / "plan")
    assert gridcell.check_plan(gridcell.read_plan(tmp_path / "plan")) == []
    household = adopted.leaves["households"].sum() + adopted.unassigned
    assert household == 2400
    snapped = gridcell.adopt_cells(drawn, layers, level="small")
    assert "cut_building" not in set(snapped.findings["kind"])


def test_exact_borders_through_given_atoms_are_told():
    fields = towns.draw("AABBCC\nAABBCC")
    layers = towns.make_layers([towns.box(0, 0, 60, 20)], atoms=list(fields.values()))
    layers = dataclasses.replace(
        layers,
        communities=layers.communities.assign(large=None),
        atoms=layers.atoms.assign(households=[100, 100, 100]),
    )
    drawn = gpd.GeoDataFrame(
        geometry=[towns.box(0, 0, 30, 20), towns.box(30, 0, 60, 20)], crs=layers.crs
    )
    rules = gridcell.Rules(small=gridcell.Band(min=50, target=150, max=250), micro=None)
    adopted = gridcell.adopt_cells(drawn, layers, borders="exact", rules=rules, level="small")
    assert adopted.ok
    assert adopted.small["area_m2"].round(1).tolist() == [600.0, 600.0]
    assert adopted.findings["kind"].tolist().count("cut_building") == 1


def test_exact_borders_want_polygons_and_their_land(layers, plan):
    with pytest.raises(gridcell.InputError, match="has no borders"):
        gridcell.adopt_cells(
            pd.DataFrame(plan.buildings[["bldg_id", "code"]]), layers, borders="exact"
        )
    with pytest.raises(gridcell.InputError, match="is not cut anew"):
        gridcell.adopt_cells(plan.small, plan, borders="exact")


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_any_drawing_becomes_a_proven_plan(layers, seed):
    rng = np.random.default_rng(seed)
    x0, y0, x1, y1 = layers.communities.total_bounds
    count = int(rng.integers(1, 30))
    centre = rng.uniform((x0, y0), (x1, y1), (count, 2))
    size = rng.uniform(20, 400, (count, 2))
    drawn = gpd.GeoDataFrame(
        {"code": [f"{n % 7}" for n in range(count)]},
        geometry=shapely.box(*(centre - size).T, *(centre + size).T), crs=layers.crs,
    )  # fmt: skip
    level = rng.choice(["small", "micro"])
    try:
        adopted = gridcell.adopt_cells(drawn, layers, level=str(level))
    except gridcell.InputError as error:
        assert "no drawn cell has land" in str(error)  # noqa: PT017
        return
    assert adopted.ok
    assert adopted.leaves["households"].sum() + adopted.unassigned == 2400


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"borders": "rough"}, "expected snap or exact"),
        ({"level": "large"}, "expected small or micro"),
    ],
)
def test_what_there_is_not_is_refused(layers, plan, arguments, said):
    with pytest.raises(gridcell.InputError, match=said):
        gridcell.adopt_cells(plan.small, layers, **arguments)


def test_cells_elsewhere_are_refused(layers, plan):
    away = plan.small.set_geometry(plan.small.translate(1e5, 0))
    with pytest.raises(gridcell.InputError, match="no drawn cell has land"):
        gridcell.adopt_cells(away, layers)


def test_a_table_without_buildings_is_refused(layers):
    with pytest.raises(gridcell.InputError, match="a table with bldg_id"):
        gridcell.adopt_cells(pd.DataFrame({"house": [1], "net": [2]}), layers)
