"""A plan keeps its land: written, read back, checked, certified, and never published."""

import dataclasses
import sqlite3
import warnings
from contextlib import closing

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

import gridcell
from gridcell.certificate import verify_certificate
from gridcell.check import check_plan
from gridcell.errors import InputError
from gridcell.formats.geopackage import read_plan, write_geopackage
from gridcell.model import empty_table
from gridcell.read.files import list_layers
from gridcell.schema import ATOM_COLUMNS, BARRIER_CLASSES, BORDER_COLUMNS
from gridcell_cli.main import main

ARCS = (
    "xy", "arc_start", "arc_vertices", "arc_left", "arc_right", "arc_length", "arc_barrier",
    "arc_open",
)  # fmt: skip
LAND = {"atoms", "borders"}


@pytest.fixture(scope="module")
def town():
    """A small town whose large buildings are cut into slabs, with lines of several households."""
    sample = gridcell.make_sample(households=1500, seed=5, communities=2)
    register = sample.households.groupby("bldg_id", as_index=False).size()
    lines = pd.DataFrame(
        {
            "household_id": "line " + register["bldg_id"],
            "bldg_id": register["bldg_id"],
            "count": register["size"],
        }
    )
    return gridcell.read_layers(
        sample.communities, sample.buildings, households=lines, sites=sample.sites,
        barriers=[sample.roads, sample.rivers], staff=sample.staff,
    )  # fmt: skip


@pytest.fixture(scope="module")
def plan(town):
    small, micro = (gridcell.Band.parse(band) for band in ("60:90:120", "10:15:20"))
    return gridcell.make_plan(town, rules=gridcell.Rules(small=small, micro=micro))


@pytest.fixture(scope="module")
def written(plan, tmp_path_factory):
    folder = tmp_path_factory.mktemp("land")
    gridcell.write_plan(plan, folder / "plan")
    gridcell.write_plan(plan, folder / "bare", atoms=False)
    return folder


@pytest.fixture
def file(plan, tmp_path):
    """A GeoPackage of the plan, to be damaged."""
    write_geopackage(plan, tmp_path / "plan.gpkg")
    return tmp_path / "plan.gpkg"


def assert_same_land(one, two):
    for name in ARCS:
        assert np.array_equal(getattr(one, name), getattr(two, name)), name
    pd.testing.assert_frame_equal(one.atoms, two.atoms, check_exact=True)
    pd.testing.assert_frame_equal(one.pieces, two.pieces)
    assert (shapely.to_wkb(one.outlines.geometry) == shapely.to_wkb(two.outlines.geometry)).all()


def change(file, statement):
    """Damage a GeoPackage, whose triggers need functions that only GDAL has."""
    with closing(sqlite3.connect(file)) as base, base:
        named = base.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in named:
            base.execute(f'DROP TRIGGER "{name}"')
        assert base.execute(statement).rowcount > 0


def layer(file, name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pyogrio.read_dataframe(file, layer=name, use_arrow=False)


# Written and read


def test_a_plan_comes_back_with_its_land_to_the_byte(plan, written, tmp_path):
    back = read_plan(written / "plan")
    assert_same_land(back.fabric, plan.fabric)
    pd.testing.assert_frame_equal(back.households, plan.households)
    pd.testing.assert_frame_equal(back.codes, plan.codes)
    pd.testing.assert_frame_equal(back.history, plan.history)
    assert list(back.buildings) == list(plan.buildings)
    gridcell.write_plan(back, tmp_path / "again")
    for name in ("plan.gpkg", "map.html"):
        assert (tmp_path / "again" / name).read_bytes() == (written / "plan" / name).read_bytes()


def test_the_layer_of_atoms_is_the_land_of_the_leaves(plan, written):
    atoms, leaves = (layer(written / "plan" / "plan.gpkg", name) for name in ("atoms", "leaves"))
    assert list(atoms) == [*ATOM_COLUMNS, "geometry"]
    assert atoms["atom_id"].tolist() == list(range(len(plan.fabric.atoms)))
    assert set(atoms["kind"]) == {"building", "slab", "open", "site"}
    land = atoms.dissolve("code", aggfunc={"households": "sum"})
    leaves = leaves.set_index("code")
    assert sorted(land.index) == sorted(leaves.index)
    assert (land["households"] == leaves["households"].reindex(land.index)).all()
    off = land.symmetric_difference(leaves.geometry.reindex(land.index))
    # Straight lines lose vertices, which lie up to .02 mm beside them.
    assert (off.area < 1e-4 * leaves.length.reindex(land.index)).all()


def test_the_table_of_borders_tells_what_atoms_share(written):
    borders = layer(written / "plan" / "plan.gpkg", "borders")
    atoms = layer(written / "plan" / "plan.gpkg", "atoms")
    assert list(borders) == list(BORDER_COLUMNS)
    assert set(borders["barrier"].dropna()) <= set(BARRIER_CLASSES)
    outer = borders["b"].isna()
    rim = shapely.length(shapely.coverage_union_all(atoms.geometry.to_numpy()))
    assert borders["metres"][outer].sum() == pytest.approx(rim, rel=1e-9)
    once = borders[~outer]
    assert (once["a"] < once["b"]).all()
    assert 2 * once["metres"].sum() + rim == pytest.approx(atoms.length.sum(), rel=1e-9)
    closed = borders[~borders["open"].astype(bool)]
    assert set(closed["barrier"]) <= {"river"}


def test_buildings_tell_the_atoms_they_stand_on(written):
    buildings = layer(written / "plan" / "plan.gpkg", "buildings")
    atoms = layer(written / "plan" / "plan.gpkg", "atoms")
    own = atoms.geometry.to_numpy()[buildings["atom_id"].to_numpy(dtype=int)]
    inside = shapely.area(shapely.intersection(buildings.geometry.to_numpy(), own))
    assert (inside > 0.5 * buildings.area).all()


def test_without_its_land_a_plan_is_what_it_was(plan, written):
    file = written / "bare" / "plan.gpkg"
    assert set(list_layers(written / "plan" / "plan.gpkg")) - set(list_layers(file)) == LAND
    assert "atom_id" not in layer(file, "buildings")
    assert "atoms" not in layer(file, "households")
    bare = read_plan(file)
    assert bare.fabric is None
    assert check_plan(bare) == []
    assert verify_errors(written / "bare") == []
    pd.testing.assert_frame_equal(bare.codes, plan.codes)
    for name in ("geojson/leaves.geojson", "map.html"):
        assert (written / "bare" / name).read_bytes() == (written / "plan" / name).read_bytes()


def test_the_land_may_be_left_unread(written):
    plan = read_plan(written / "plan", atoms=False)
    assert plan.fabric is None
    assert "atoms" not in plan.households
    assert check_plan(plan) == []


def test_the_command_leaves_the_land_out(tmp_path):
    sample = gridcell.make_sample(households=400, seed=2, communities=1)
    for name in ("communities", "buildings"):
        getattr(sample, name).to_file(tmp_path / f"{name}.gpkg")
    given = [str(tmp_path / f"{name}.gpkg") for name in ("communities", "buildings")]
    for name, flags in (("with", []), ("without", ["--no-atoms"])):
        with pytest.raises(SystemExit) as ended:
            main(["partition", *given, "-o", str(tmp_path / name), "-q", *flags])
        assert ended.value.code == 0
    layers = [set(list_layers(tmp_path / name / "plan.gpkg")) for name in ("with", "without")]
    assert layers[0] - layers[1] == LAND


def test_a_plan_of_version_0_1_0_is_read(plan, tmp_path):
    old = tmp_path / "plan.gpkg"
    bare = dataclasses.replace(plan, fabric=None, lineage=plan.lineage[["old", "new", "event"]])
    write_geopackage(bare, old)
    with closing(sqlite3.connect(old)) as base, base:
        for name in ("codes", "history"):
            base.execute(f"DROP TABLE {name}")
            for table in ("gpkg_contents", "gpkg_ogr_contents"):
                base.execute(f"DELETE FROM {table} WHERE table_name = '{name}'")  # noqa: S608
    back = read_plan(old)
    assert back.fabric is None
    assert list(back.lineage) == list(plan.lineage)
    for name in ("codes", "history"):
        pd.testing.assert_frame_equal(getattr(back, name), empty_table(name))
    assert check_plan(back) == []
    assert len(gridcell.write_plan(back, tmp_path / "new")) == 9


# Damaged


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ("DELETE FROM atoms WHERE atom_id = 7", "layer atoms: atom_id 8, expected 7"),
        ("DELETE FROM borders WHERE a = 7", "table borders: row"),
        ("UPDATE borders SET b = 99999 WHERE a = 7", "of atoms 7 and 99999, where the polygons"),
        ("UPDATE borders SET metres = metres + 1 WHERE a = 7", "metres, but its segments in"),
        ("UPDATE borders SET barrier = 'hedge' WHERE a = 7", "barrier 'hedge'; expected nothing"),
        ("UPDATE buildings SET atom_id = 99999", "layer buildings: row 1: atom_id 99999"),
    ],
)
def test_land_that_does_not_fit_together_is_told(file, damage, told):
    change(file, damage)
    with pytest.raises(InputError, match=told) as caught:
        read_plan(file)
    assert str(caught.value).startswith(str(file))
    assert read_plan(file, atoms=False).fabric is None


def test_half_of_the_land_is_told(file):
    with closing(sqlite3.connect(file)) as base, base:
        base.execute("DROP TABLE borders")
        for table in ("gpkg_contents", "gpkg_ogr_contents"):
            base.execute(f"DELETE FROM {table} WHERE table_name = 'borders'")  # noqa: S608
    with pytest.raises(InputError, match="layers borders are missing"):
        read_plan(file)


# Checked


def kinds(plan):
    return sorted({finding.kind for finding in check_plan(plan)})


def with_atoms(plan, **columns):
    fabric = dataclasses.replace(plan.fabric, atoms=plan.fabric.atoms.assign(**columns))
    return dataclasses.replace(plan, fabric=fabric)


def test_a_sound_plan_has_sound_land(plan):
    assert check_plan(plan) == []


def test_an_atom_of_another_cell_is_told(plan):
    code = plan.fabric.atoms["code"].copy()
    empty = int(np.flatnonzero(plan.fabric.atoms["kind"] == "open")[0])
    other = code[code != code[empty]].iloc[0]
    was, code[empty] = code[empty], other
    found = check_plan(with_atoms(plan, code=code))
    assert {finding.kind for finding in found} == {"wrong_atoms"}
    assert {finding.cell for finding in found} == {was, other}
    area = plan.fabric.atoms["area_m2"][empty]
    assert f"its atoms are other land: {area:,.2f} m2 differ" in found[0].message


def test_an_atom_of_no_leaf_is_told(plan):
    code = plan.fabric.atoms["code"].copy()
    code[3] = "nowhere"
    told = [finding.message for finding in check_plan(with_atoms(plan, code=code))]
    assert "atom 3 is of nowhere, which is not a leaf" in told


def test_atoms_that_hold_others_are_told(plan):
    households = plan.fabric.atoms["households"].copy()
    at = int(np.argmax(households))
    households[at] += 2
    told = [f.message for f in check_plan(with_atoms(plan, households=households))]
    held = households[at]
    assert f"atom {at} has {held} households, its buildings {held - 2}" in told
    assert f"atom {at} has {held} households, the register {held - 2}" in told
    assert any("its atoms hold" in message for message in told)


def test_households_on_other_atoms_are_told(plan):
    count = plan.households["count"]
    in_several = plan.households["atoms"].str.contains(";")
    assert in_several.any()
    row = count[~in_several].idxmax()
    atom = plan.households["atoms"][row]

    def check(atoms):
        table = plan.households.copy()
        table.loc[row, "atoms"] = atoms
        return table, check_plan(dataclasses.replace(plan, households=table))

    assert check(f"{atom}:1;{atom}:{count[row] - 1}")[1] == []
    for wrong in ("99999", "x", None, f"{atom}:1", f"{atom}:1;{atom}:{count[row]}"):
        table, found = check(wrong)
        name = table["household_id"][row]
        assert any(f.message.startswith(f"household {name}") for f in found), wrong
        assert {f.kind for f in found} == {"wrong_atoms"}


def test_buildings_on_atoms_of_other_cells_are_told(plan):
    pieces = plan.fabric.pieces.copy()
    open_land = np.flatnonzero(plan.fabric.atoms["kind"] == "open")
    codes = plan.fabric.atoms["code"]
    other = next(a for a in open_land if codes[a] != plan.buildings["code"][0])
    pieces.loc[0, "atom"] = other
    broken = dataclasses.replace(plan, fabric=dataclasses.replace(plan.fabric, pieces=pieces))
    told = [finding.message for finding in check_plan(broken)]
    assert any(message.endswith("stands on an atom of another cell") for message in told)


# Certified, exported, published


def verify_errors(folder):
    return [f.message for f in verify_certificate(folder) if f.severity == "error"]


@pytest.mark.parametrize(
    ("damage", "table"),
    [
        ("UPDATE atoms SET kind = 'open' WHERE atom_id = 7", "atoms"),
        ("UPDATE borders SET metres = metres + 1e-6 WHERE a = 7", "borders"),
        ("UPDATE borders SET barrier = 'wall' WHERE a = 7", "borders"),
        ("UPDATE history SET command = 'other'", "history"),
        ("UPDATE codes SET locked = 1", "codes"),
        ("UPDATE households SET atoms = '0'", "households"),
        ("UPDATE buildings SET atom_id = 0", "buildings"),
    ],
)
def test_the_certificate_names_what_was_changed(plan, tmp_path, damage, table):
    gridcell.write_plan(plan, tmp_path / "plan")
    assert verify_errors(tmp_path / "plan") == []
    change(tmp_path / "plan" / "plan.gpkg", damage)
    told = [message for message in verify_errors(tmp_path / "plan") if "plan.gpkg" in message]
    assert len(told) == 1
    assert table in told[0]


def test_exports_hold_nothing_of_the_land(plan, tmp_path):
    for format_ in ("gpkg", "csv"):
        options = {"households": True} if format_ == "csv" else {}
        export = gridcell.export_plan(plan, tmp_path / format_, format=format_, **options)
        assert not LAND & {file.stem for file in export.files}
    assert not LAND & set(list_layers(tmp_path / "gpkg" / "cells.gpkg"))
    assert "atoms" not in pd.read_csv(tmp_path / "csv" / "households.csv")


def test_what_is_published_has_no_land(plan, tmp_path):
    public = gridcell.publish_plan(plan).plan
    assert public.fabric is None
    assert public.households.empty
    assert not {"atom_id", "atoms"} & set(public.buildings)
    for name in ("lineage", "codes", "history"):
        assert getattr(public, name).empty
    gridcell.export_plan(plan, tmp_path / "public", format="gpkg", publish=True)
    assert not LAND & set(list_layers(tmp_path / "public" / "cells.gpkg"))
    assert gridcell.check_published(tmp_path / "public").ok


def test_land_in_a_publication_is_told(plan, written, tmp_path):
    found = gridcell.check_published(written / "plan").findings
    told = found[found["kind"] == "private_table"]["message"]
    assert any("atoms" in message for message in told)
    gridcell.export_plan(plan, tmp_path / "public", format="gpkg", publish=True)
    atoms = gpd.GeoDataFrame({"code": ["1"]}, geometry=[shapely.box(0, 0, 1, 1)], crs=plan.crs)
    atoms.to_file(tmp_path / "public" / "cells.gpkg", layer="atoms")
    found = gridcell.check_published(tmp_path / "public").findings
    assert any("atoms" in message for message in found["message"])
