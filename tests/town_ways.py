"""A wild town on the whole way: divided, written, checked, updated, edited, adopted, exported.

What must be true of each plan is counted again from the inputs, with geopandas and shapely alone.
"""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import jsonschema
import numpy as np
import pandas as pd
import shapely
from changes import draw_edit, draw_layer
from damage_bytes import Rng, pick
from shapely import affinity
from wild_towns import WildTown, wild_town

import gridcell
from gridcell.errors import InputError
from gridcell.model import Layers, Plan
from gridcell.schemas.files import read_schema

COVERING = ("large", "medium", "small", "leaves")
LATER = ("update", "update", "edit", "edit", "adopt", "export", "publish", "repair", "staff",
         "read")  # fmt: skip
FORMATS = ("geojson", "gpkg", "shapefile", "geoparquet", "flatgeobuf", "kml", "csv", "xlsx")
EDITS = ("merge", "split", "move", "swap", "nudge", "rename", "lock")
NICK_M = 0.05
"""How deep borders may run into an outline because footprints lie on no grid."""


class BrokenPromiseError(Exception):
    """What must never be true of a plan."""


def live(rng: Rng, folder: Path) -> Iterator[str]:
    """Yield what was done with a town, step by step.

    Raises
    ------
    BrokenPromiseError
        A promise that a plan does not keep.
    """
    town = wild_town(rng)
    layers = read(town)
    plan = gridcell.make_plan(layers, rules=town.rules)
    keeps_promises(plan, layers)
    counts_are_right(plan, town)
    yield "partition"
    if rng.random() < 0.1:
        _same_whatever_the_order(plan, town, rng, folder)
        yield "shuffled"
    life = _Life(plan, layers, town)
    for step in rng.choice(LATER, 2, replace=False):
        yield life.go_on(str(step), rng, folder)


def read(town: WildTown) -> Layers:
    given = town.given()
    return gridcell.read_layers(given.pop("communities"), given.pop("buildings"), **given)


@dataclass
class _Life:
    """A plan, what it is of, and what is done with it."""

    plan: Plan
    layers: Layers
    town: WildTown
    drawn: bool = False
    """Whether borders were drawn by hand as they are, and may cut buildings."""

    def go_on(self, step: str, rng: Rng, folder: Path) -> str:
        """Take a step, and return what it was."""
        try:
            getattr(self, step)(rng, folder)
        except InputError as error:
            return f"{step} refused: {error.text.msgid}"
        return step

    def keep(self, plan: Plan) -> None:
        keeps_promises(plan, self.layers, drawn=self.drawn)
        self.plan = plan

    def update(self, rng: Rng, _folder: Path) -> None:
        town = changed(self.town, rng)
        layers = read(town)
        plan = gridcell.update_plan(self.plan, layers, rules=self.plan.rules)
        self.town, self.layers, self.drawn = town, layers, False
        self.keep(plan)
        counts_are_right(plan, town)

    def edit(self, rng: Rng, _folder: Path) -> None:
        kinds = EDITS if (self.plan.small["grid_type"] == "general").any() else ("rename", "lock")
        for _ in range(3):
            with contextlib.suppress(InputError):
                edit = draw_edit(self.plan, pick(rng, list(kinds)), rng)
                self.keep(gridcell.edit_plan(self.plan, [edit]))

    def adopt(self, rng: Rng, _folder: Path) -> None:
        drawn, borders = draw_layer(self.plan, rng), pick(rng, ["snap", "exact"])
        rules = self.plan.rules
        plan = gridcell.adopt_cells(drawn, self.layers, borders=borders, rules=rules)
        self.drawn = borders == "exact"
        self.keep(plan)

    def export(self, rng: Rng, folder: Path) -> None:
        gridcell.export_plan(
            self.plan, folder / "export", format=pick(rng, list(FORMATS)), overwrite=True
        )

    def publish(self, rng: Rng, folder: Path) -> None:
        gridcell.export_plan(
            self.plan, folder / "published", format="geojson", publish=True, overwrite=True,
            threshold=int(rng.integers(2, 12)),
        )  # fmt: skip

    def repair(self, rng: Rng, _folder: Path) -> None:
        _repairs(self.plan, rng)

    def staff(self, _rng: Rng, _folder: Path) -> None:
        code = self.plan.medium["code"].iloc[0]
        roles = "micro_chief;small_chief;worker"
        roster = pd.DataFrame({"staff_id": ["a", "b"], "community": code, "roles": roles})
        self.keep(gridcell.renew_staff(self.plan, roster))

    def read(self, _rng: Rng, folder: Path) -> None:
        gridcell.write_plan(self.plan, folder / "plan", overwrite=True)
        again = gridcell.read_plan(folder / "plan")
        self.keep(again)


def changed(town: WildTown, rng: Rng) -> WildTown:
    """Return the town a year later: houses gone, new, with others in them; another boundary."""
    changed = WildTown(**{**vars(town), "told": [*town.told, "changed"]})
    houses = changed.buildings
    if houses is not None and len(houses):
        gone = rng.random(len(houses)) < rng.uniform(0, 0.4)
        shapes = houses.geometry.to_numpy().copy()
        some = np.flatnonzero(rng.random(len(houses)) < 0.1)
        for row in some:
            shapes[row] = affinity.scale(shapes[row], *rng.uniform(0.5, 1.5, 2))
        houses = houses.set_geometry(gpd.GeoSeries(shapes, index=houses.index, crs=houses.crs))
        if "households" in houses and rng.random() < 0.5:
            more = houses["households"].fillna(0) + rng.integers(0, 5, len(houses))
            houses = houses.assign(households=more)
        changed.buildings = houses[~gone]
    if changed.sites is not None and rng.random() < 0.4:
        changed.sites = changed.sites.iloc[1:] if len(changed.sites) > 1 else None
    if len(changed.communities) > 1 and rng.random() < 0.2:
        changed.communities = changed.communities.iloc[1:]
    return changed


def _repairs(plan: Plan, rng: Rng) -> None:
    """Damage the leaves and have them repaired."""
    cells = plan.leaves[["code", "geometry"]].copy()
    shapes = cells.geometry.to_numpy().copy()
    row = int(rng.integers(len(shapes)))
    pieces = shapely.get_num_geometries(shapes[row])
    by = float(pick(rng, [-0.4, 0.4]))
    shapes[row] = shapely.buffer(shapes[row], by)
    # Land apart that has lost its cell touches none that could have it.
    left = shapely.get_num_geometries(shapes[row])
    if shapely.is_empty(shapes[row]) or (by < 0 and left < pieces):
        return
    cells = cells.set_geometry(gpd.GeoSeries(shapes, index=cells.index, crs=cells.crs))
    within = plan.medium[["code", "geometry"]]
    repair = gridcell.repair_cells(cells, within)
    left = gridcell.check_cells(repair.cells, within)
    if not left.ok:
        raise BrokenPromiseError(f"repaired: {left.findings['message'].tolist()[:3]}")


def _same_whatever_the_order(plan: Plan, town: WildTown, rng: Rng, folder: Path) -> None:
    other = town.shuffled(rng)
    again = gridcell.make_plan(read(other), rules=town.rules, workers=2)
    for name, made in (("one", plan), ("other", again)):
        gridcell.write_plan(made, folder / name)
    for path in sorted((folder / "one" / "geojson").iterdir()):
        if path.read_bytes() != (folder / "other" / "geojson" / path.name).read_bytes():
            raise BrokenPromiseError(f"{path.name} differs in another order of rows")
    # Messages and the map name rows of files, which are other ones.
    reports = [made.report for made in (plan, again)]
    for report in reports:
        del report["seconds"], report["inputs"]
    if reports[0] != reports[1]:
        raise BrokenPromiseError("the report differs in another order of rows")


def _none(broken: list[str], what: str) -> None:
    if broken:
        raise BrokenPromiseError(f"{what}: " + "; ".join(broken[:3]))


def keeps_promises(plan: Plan, layers: Layers, *, drawn: bool = False) -> None:
    """Hold a plan against its own checks and against plain geometry.

    Parameters
    ----------
    drawn
        Whether borders were drawn by hand as they are, and may cut buildings.
    """
    errors = [f for f in gridcell.check_plan(plan) if f.severity == "error"]
    _none([f"{f.kind} {f.text}" for f in errors], "check_plan")
    told = plan.findings[plan.findings["severity"] == "error"]
    _none([f"{kind}" for kind in told["kind"]], "findings")
    if not plan.ok:
        raise BrokenPromiseError("plan.ok is false and nothing says why")
    schema = jsonschema.Draft202012Validator(read_schema("report"))
    _none([e.message for e in schema.iter_errors(json.loads(json.dumps(plan.report)))], "report")
    _none(land_faults(plan, layers), "land")
    if not drawn and layers.atoms is None:
        _none(cut_faults(plan), "cut")


def land_faults(plan: Plan, layers: Layers) -> list[str]:
    """Return what is wrong with the land: each level covers the communities once."""
    found = []
    land = shapely.union_all(layers.communities.geometry.to_numpy())
    for level in COVERING:
        shapes = plan.cells(level).geometry.to_numpy()
        if not shapely.is_valid(shapes).all() or shapely.is_empty(shapes).any():
            found.append(f"{level}: invalid or empty")
        away = shapely.area(shapely.symmetric_difference(land, shapely.union_all(shapes)))
        if away > 1e-3 * (1 + shapely.length(land)) + 1e-9 * shapely.area(land):
            found.append(f"{level}: {away} m2 beside the communities")
        over = shapely.area(shapes).sum() - shapely.area(shapely.union_all(shapes))
        if over > 1e-6 * (1 + shapely.area(land)):
            found.append(f"{level}: {over} m2 twice")
        codes = plan.cells(level)["code"]
        if codes.duplicated().any():
            found.append(f"{level}: codes twice")
        parent = plan.cells(level)["parent"]
        if not all(c.startswith(p) for c, p in zip(codes, parent, strict=True) if pd.notna(p)):
            found.append(f"{level}: a code does not begin with its parent's")
    return found


def cut_faults(plan: Plan) -> list[str]:
    """Return the buildings that a border between leaves runs through.

    Slabs are left out, and what other buildings overlap; the boundary of a community may cut, and
    so may borders that are locked, where a finding says so.
    """
    warned = plan.findings[plan.findings["kind"] == "cut_building"]
    told = {str(json.loads(params)["building"]) for params in warned["params"].dropna()}
    rows = plan.buildings[plan.buildings["code"].notna()]
    leaf, medium = (np.asarray(cells.geometry) for cells in (plan.leaves, plan.medium))
    rims = shapely.buffer(shapely.union_all(shapely.boundary(medium)), 2 * NICK_M)
    inner = shapely.difference(shapely.union_all(shapely.boundary(leaf)), rims)
    whole = np.asarray(rows.geometry)
    a, b = shapely.STRtree(whole).query(whole, predicate="intersects")
    over = a[(a != b) & (shapely.area(shapely.intersection(whole[a], whole[b])) > 0)]
    alone = ~rows["bldg_id"].duplicated(keep=False).to_numpy()
    alone[over] = False
    within = shapely.intersection(inner, shapely.buffer(whole, -NICK_M))
    cut = alone & (shapely.length(within) > NICK_M)
    return [f"{name} is cut" for name in rows["bldg_id"][cut] if name not in told]


def counts_are_right(plan: Plan, town: WildTown) -> None:
    """Count the households of the inputs again, and hold them against the plan."""
    held = {
        level: int(plan.cells(level)["households"].sum())
        for level in COVERING
    }  # fmt: skip
    if len(set(held.values())) > 1:
        raise BrokenPromiseError(f"levels hold {held}")
    figures = plan.report["households"]
    if figures["input"] != figures["assigned"] + figures["unassigned"]:
        raise BrokenPromiseError(f"households {figures}")
    if figures["assigned"] != held["leaves"]:
        raise BrokenPromiseError(f"{figures} reported, {held['leaves']} in the leaves")
    table = plan.households
    if (table["code"].isna() != table["reason"].notna()).any():
        raise BrokenPromiseError("a household with neither cell nor reason, or both")
    if town.households is not None:
        # One row may stand for several households, which slabs of a building share.
        given = town.households.assign(count=town.households.get("count", 1))
        sums = [frame.groupby("household_id")["count"].sum() for frame in (table, given)]
        if not sums[0].sort_index().equals(sums[1].sort_index()):
            raise BrokenPromiseError("households are lost, or listed twice")
        return
    source = town.atoms if town.atoms is not None else town.buildings
    if source is None or "households" not in source or source["households"].isna().any():
        return
    given = int(source["households"].sum())
    if given != figures["input"]:
        raise BrokenPromiseError(f"{given} households given, {figures['input']} counted")
