"""What official layers ask for: bands, estimates, dates, who answers, in plan and exports."""

import dataclasses
import json
import shutil

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
from click.testing import CliRunner
from plans import tiny_plan
from shapely.geometry import box

import gridcell
from gridcell.cells.columns import with_band_figures
from gridcell.certificate.folder import check_plan_folder
from gridcell.check import check_plan
from gridcell.disclosure.audit import audit_tables
from gridcell.errors import InputError
from gridcell.formats.read import read_export
from gridcell.formats.shapefile import FIELDS
from gridcell.rules import WANTED_BAND
from gridcell.schema import CELL_COLUMNS, CELL_LAYERS, GIVEN_COLUMNS, LATER_COLUMNS
from gridcell.tables.values import as_date
from gridcell_cli.main import cli

RULES = gridcell.Rules(small=gridcell.Band.parse("30:40:60"), micro=gridcell.Band.parse("8:10:14"))
CRS = "EPSG:4546"


def town(*, site=True, **columns):
    """Return two communities of 36 houses each, with columns, and a school in the first."""
    x, y = 500_000.0, 2_560_000.0
    communities = gpd.GeoDataFrame(
        {"code": ["450899001001", "450899001002"], "name": ["东区", "西区"], **columns},
        geometry=[box(x, y, x + 300, y + 300), box(x + 300, y, x + 600, y + 300)], crs=CRS,
    )  # fmt: skip
    houses = [
        box(x + 50 * i + 20, y + 50 * j + 20, x + 50 * i + 30, y + 50 * j + 30)
        for i in range(12) for j in range(6)
    ]  # fmt: skip
    buildings = gpd.GeoDataFrame(
        {"bldg_id": [f"b{i}" for i in range(72)], "households": 2, "floors": 6},
        geometry=houses, crs=CRS,
    )  # fmt: skip
    school = gpd.GeoDataFrame(
        {"name": ["小学"], "责任单位": ["教育局"], "生效日期": ["1998/9/1"]},
        geometry=[box(x + 205, y + 205, x + 295, y + 295)], crs=CRS,
    )  # fmt: skip
    return communities, buildings, (school if site else None)


def divided(*, day=None, estimated=False, **columns):
    communities, buildings, school = town(**columns)
    if estimated:
        buildings = buildings.drop(columns="households")
    layers = gridcell.read_layers(communities, buildings, sites=school, rules=RULES)
    return layers, gridcell.make_plan(layers, rules=RULES, valid_from=day)


@pytest.fixture(scope="module")
def given():
    """Layers and plan of communities with an office, a class and a date."""
    return divided(责任单位=["东区居委会", None], 管理类别=["A", "B"])


def filled():
    """Return the tiny plan with something in every column."""
    plan = tiny_plan()
    target = 128.0 / 3
    bands = {
        (code, level): gridcell.Band(
            min=WANTED_BAND[0] * at, target=at, max=max(WANTED_BAND[1] * at, at)
        )
        for code in plan.medium["community"] for level, at in (("small", 400.0), ("micro", target))
    }  # fmt: skip
    frames = {}
    for level in CELL_LAYERS:
        cells = with_band_figures(plan.cells(level), bands)
        texts = {"valid_from": "2024-02-29", "valid_to": "2026-01-31",
                 "responsible": "第一街道, “=1+1”", "management": "007"}  # fmt: skip
        cells = cells.assign(estimated=cells["households"])
        for name, text in texts.items():
            cells[name] = pd.Series(text, index=cells.index, dtype="str").where(
                cells["code"] != plan.small["code"][0]
            )
        frames[level] = cells
    return dataclasses.replace(
        plan, **frames, bands=bands, estimated=int(plan.leaves["households"].sum())
    )


def kinds(plan):
    return {finding.kind for finding in check_plan(plan)}


def edited(plan, level, row, **values):
    """Return a plan with another cell, in the leaves as well."""
    code = plan.cells(level)["code"].iloc[row]
    frames = {}
    for name in CELL_LAYERS:
        cells = plan.cells(name).copy()
        for column, value in values.items():
            cells.loc[cells["code"] == code, column] = value
        frames[name] = cells
    return dataclasses.replace(plan, **frames)


# Where they come from


def test_cells_tell_the_band_that_they_were_made_for(given):
    _, plan = given
    for level in ("small", "micro"):
        cells = plan.cells(level)
        general = cells[cells["grid_type"] == "general"]
        band = getattr(RULES, level)
        assert set(general["target"]) == {float(band.target)}
        assert set(general["band_min"]) == {float(band.min)}
        assert set(general["band_max"]) == {float(band.max)}
    dedicated = plan.small[plan.small["grid_type"] == "dedicated"]
    for cells in (plan.large, plan.medium, dedicated):
        assert len(cells)
        assert cells[["target", "band_min", "band_max"]].isna().all(axis=None)


def test_a_wanted_number_of_cells_makes_a_band_of_its_own():
    _, plan = divided(n_small=[pd.NA, 3])
    own = plan.small[plan.small["community"] == "450899001002"]
    assert np.allclose(own["target"], 72 / 3)
    assert kinds(plan) == set()


def test_estimates_are_counted_where_there_are_any(given):
    assert all((given[1].cells(level)["estimated"] == 0).all() for level in CELL_LAYERS)
    _, plan = divided(estimated=True)
    assert plan.estimated > 0
    for level in CELL_LAYERS:
        cells = plan.cells(level)
        assert (cells["estimated"] == cells["households"]).all()


def test_cells_take_over_what_their_community_or_site_says(given):
    _, plan = given
    assert plan.large[list(GIVEN_COLUMNS)].isna().all(axis=None)
    east = plan.leaves["community"] == "450899001001"
    site = plan.leaves["grid_type"] == "dedicated"
    assert set(plan.leaves.loc[east & ~site, "responsible"]) == {"东区居委会"}
    assert plan.leaves.loc[~east, "responsible"].isna().all()
    assert plan.leaves.loc[
        site, ["responsible", "management", "valid_from"]
    ].to_numpy().tolist() == [["教育局", "A", "1998-09-01"]]
    assert plan.medium["management"].tolist() == ["A", "B"]
    assert plan.leaves["valid_to"].isna().all()


def test_a_date_is_that_of_cells_without_one_of_their_own():
    dates = {"valid_from": ["2001-05-01", None]}
    _, plan = divided(day="2026-01-31", **dates)
    assert plan.large["valid_from"].tolist() == ["2026-01-31"]
    assert plan.medium["valid_from"].tolist() == ["2001-05-01", "2026-01-31"]
    site = plan.leaves["grid_type"] == "dedicated"
    assert set(plan.leaves.loc[~site, "valid_from"]) == {"2026-01-31"}
    assert plan.leaves.loc[site, "valid_from"].tolist() == ["1998-09-01"]
    assert set(plan.codes["valid_from"]) == {"2026-01-31", "1998-09-01"}
    _, plan = divided(**dates)
    assert set(plan.micro.loc[plan.micro["community"] == "450899001001", "valid_from"]) == {
        "2001-05-01"
    }


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2026-01-31", "2026-01-31"), ("20260131", "2026-01-31"), ("2026/1/31", "2026-01-31"),
        ("2026年1月31日", "2026-01-31"), ("2026-01-31 00:00:00", "2026-01-31"),
        ("2026-01-31T00:00:00+08:00", "2026-01-31"), ("2026-02-30", None), ("202611", None),
        ("2026-01-31 10:30", None), ("31.1.2026", None), ("2026-01-311", None),
    ],
)  # fmt: skip
def test_dates_are_read_as_tables_hold_them(text, date):
    assert as_date(text) == date


def test_what_is_no_date_is_refused():
    communities, buildings, _ = town(valid_from=["2026-01-31", "soon"])
    with pytest.raises(InputError, match=r"row 2: valid_from is 'soon', expected a date such as"):
        gridcell.read_layers(communities, buildings)
    with pytest.raises(InputError, match=r"valid_from: '2026-13-01' is not a date"):
        divided(day="2026-13-01")


def test_dates_of_a_column_of_dates_are_read(tmp_path):
    communities, buildings, _ = town(valid_from=pd.to_datetime(["2026-01-31", None]))
    communities.to_file(tmp_path / "c.gpkg")
    layers = gridcell.read_layers(tmp_path / "c.gpkg", buildings)
    assert layers.communities["valid_from"][0] == "2026-01-31"
    assert layers.communities["valid_from"].isna().tolist() == [False, True]


# In an update


def test_an_update_dates_what_changed_and_what_ended(given):
    layers, _ = given
    first = gridcell.make_plan(layers, rules=RULES, valid_from="2025-01-01")
    full = first.buildings["code"] == first.micro["code"][3]
    more = layers.buildings.copy()
    more.loc[more["bldg_id"].isin(first.buildings.loc[full, "bldg_id"]), "households"] *= 4
    newer = dataclasses.replace(layers, buildings=more)
    after = gridcell.update_plan(first, newer, valid_from="2026-01-31")
    assert kinds(after) == set()
    event = after.lineage.groupby("new")["event"].agg(set)
    unchanged = set(event[event.map(lambda events: events == {"U"})].index)
    dates = after.micro.set_index("code")["valid_from"]
    kept = dates.index.isin(unchanged)
    assert kept.any()
    assert not kept.all()
    assert set(dates[kept]) == {"2025-01-01"}
    assert set(dates[~kept]) == {"2026-01-31"}
    ended = after.codes["retired"].notna()
    assert set(after.codes.loc[ended, "valid_to"]) <= {"2026-01-31"}
    assert after.codes.loc[~ended, "valid_to"].isna().all()
    fresh = after.codes["given"] == 2
    assert set(after.codes.loc[fresh, "valid_from"]) == {"2026-01-31"}
    # The communities are where they were.
    assert set(after.medium["valid_from"]) == set(after.large["valid_from"]) == {"2025-01-01"}
    again = gridcell.update_plan(after, newer, valid_from="2027-01-01")
    for level in CELL_LAYERS:
        pd.testing.assert_frame_equal(again.cells(level), after.cells(level))
    pd.testing.assert_frame_equal(again.codes, after.codes)


def test_no_code_ends_before_it_begins(given):
    layers, _ = given
    first = gridcell.make_plan(layers, rules=RULES, valid_from="2025-01-01")
    fewer = layers.buildings.iloc[: len(layers.buildings) // 3].reset_index(drop=True)
    newer = dataclasses.replace(layers, buildings=fewer)
    with pytest.raises(InputError, match=r"would end on 2024-12-31, before .* 2025-01-01 or later"):
        gridcell.update_plan(first, newer, valid_from="2024-12-31")
    after = gridcell.update_plan(first, newer, valid_from="2025-01-01")
    assert set(after.codes["valid_to"].dropna()) == {"2025-01-01"}


# In files


@pytest.mark.parametrize(
    "kind", ["geojson", "gpkg", "shapefile", "geoparquet", "flatgeobuf", "kml", "pmtiles"]
)
def test_every_format_is_proven_to_hold_them(tmp_path, kind):
    # What was written is read back and compared within.
    export = gridcell.export_plan(filled(), tmp_path / kind, format=kind)
    assert export.files


def test_tables_hold_them_as_they_are(tmp_path):
    plan = filled()
    gridcell.export_plan(plan, tmp_path / "csv", format="csv")
    table = pd.read_csv(tmp_path / "csv/micro.csv", dtype=str, encoding="utf-8-sig")
    assert table["target"].astype(float).tolist() == plan.micro["target"].tolist()
    assert set(table["valid_from"]) == {"2024-02-29"}
    assert set(table["management"]) == {"007"}
    told = pd.read_csv(tmp_path / "csv/fields.csv", encoding="utf-8-sig")
    assert set(LATER_COLUMNS) <= set(told.loc[told["zh"].notna(), "column"])
    gridcell.export_plan(plan, tmp_path / "xlsx", format="xlsx")
    table = pd.read_excel(tmp_path / "xlsx/cells.xlsx", sheet_name="micro", dtype=object)
    assert set(table["valid_from"]) == {"2024-02-29"}
    assert set(table["management"]) == {"007"}


def test_names_fit_into_shapefiles_each_of_its_own():
    short = [FIELDS.get(name, name) for name in CELL_COLUMNS]
    assert len(set(short)) == len(CELL_COLUMNS)
    assert all(name.isascii() and len(name) <= 10 for name in short)


def test_a_plan_keeps_them(tmp_path):
    plan = filled()
    gridcell.write_plan(plan, tmp_path / "p")
    back = gridcell.read_plan(tmp_path / "p")
    for level in CELL_LAYERS:
        pd.testing.assert_frame_equal(back.cells(level), plan.cells(level), check_like=False)
    features = json.loads((tmp_path / "p/geojson/micro.geojson").read_text("utf-8"))["features"]
    assert features[0]["properties"]["target"] == plan.micro["target"][0]
    assert features[0]["properties"]["valid_from"] == "2024-02-29"
    assert check_plan_folder(back, tmp_path / "p") == []


def as_before(folder):
    """Make of a plan's folder one that the first version could have written."""
    for level in CELL_LAYERS:
        file = folder / f"geojson/{level}.geojson"
        data = json.loads(file.read_text("utf-8"))
        for feature in data["features"]:
            for name in LATER_COLUMNS:
                del feature["properties"][name]
        file.write_text(json.dumps(data, ensure_ascii=False), "utf-8")
        frame = pyogrio.read_dataframe(folder / "plan.gpkg", layer=level)
        frame = frame.drop(columns=list(LATER_COLUMNS))
        pyogrio.write_dataframe(frame, folder / "plan.gpkg", layer=level, append=False)


@pytest.mark.parametrize("estimated", [False, True])
def test_a_plan_of_the_first_version_is_read(tmp_path, estimated):
    _, plan = divided(estimated=estimated)
    gridcell.write_plan(plan, tmp_path / "p")
    as_before(tmp_path / "p")
    back = gridcell.read_plan(tmp_path / "p")
    for level in CELL_LAYERS:
        expected = plan.cells(level).assign(
            **{name: pd.Series(None, index=plan.cells(level).index, dtype="str")
               for name in ("valid_from", "valid_to", "responsible", "management")}
        )  # fmt: skip
        pd.testing.assert_frame_equal(back.cells(level), expected)
    assert kinds(back) == set()
    assert check_plan_folder(back, tmp_path / "p") == []


def test_a_plan_with_some_of_them_is_damaged(tmp_path):
    gridcell.write_plan(filled(), tmp_path / "p")
    frame = pyogrio.read_dataframe(tmp_path / "p/plan.gpkg", layer="small").drop(columns="target")
    pyogrio.write_dataframe(frame, tmp_path / "p/plan.gpkg", layer="small", append=False)
    with pytest.raises(InputError, match="layer small: columns target are missing"):
        gridcell.read_plan(tmp_path / "p")


def test_the_command_dates_a_plan(tmp_path):
    communities, buildings, _ = town()
    communities.to_file(tmp_path / "c.gpkg")
    buildings.to_file(tmp_path / "b.gpkg")
    files = [str(tmp_path / "c.gpkg"), str(tmp_path / "b.gpkg")]
    command = ["partition", *files, "-o", str(tmp_path / "p"), "-q",
               "--small", "30:40:60", "--micro", "8:10:14", "--valid-from"]  # fmt: skip
    wrong = CliRunner().invoke(cli, [*command, "2026-02-30"])
    assert wrong.exit_code == 2
    assert "'2026-02-30' is not a date" in wrong.output
    assert CliRunner().invoke(cli, [*command, "2026-01-31"]).exit_code == 0
    plan = gridcell.read_plan(tmp_path / "p")
    assert set(plan.leaves["valid_from"]) == {"2026-01-31"}


# What is promised of them


@pytest.mark.parametrize(
    ("level", "row", "values", "kind"),
    [
        ("micro", 0, {"target": 11.0}, "wrong_band"),
        ("micro", 0, {"band_min": np.nan}, "wrong_band"),
        ("small", 0, {"band_max": 61.0}, "wrong_band"),
        ("medium", 0, {"target": 40.0}, "wrong_band"),
        ("small", -1, {"estimated": 1}, "totals"),
        ("micro", 0, {"estimated": -1}, "totals"),
        ("micro", 0, {"valid_from": "yesterday"}, "wrong_date"),
        ("micro", 0, {"valid_from": "2026/1/31"}, "wrong_date"),
        ("small", 0, {"valid_from": "2026-01-31", "valid_to": "2025-12-31"}, "wrong_date"),
    ],
)
def test_a_column_that_is_edited_is_found(given, level, row, values, kind):
    assert kinds(given[1]) == set()
    assert kinds(edited(given[1], level, row, **values)) == {kind}


def test_estimates_are_all_households_or_none(given):
    plan = given[1]
    every = {
        level: plan.cells(level).assign(estimated=plan.cells(level)["households"])
        for level in CELL_LAYERS
    }
    assert "totals" in kinds(dataclasses.replace(plan, **every))


def test_a_leaf_tells_what_its_cell_does(given):
    leaves = given[1].leaves.assign(responsible="nobody")
    assert kinds(dataclasses.replace(given[1], leaves=leaves)) == {"wrong_leaf"}


def test_dates_of_codes_are_dates_in_order(given):
    codes = given[1].codes.copy()
    codes["valid_to"] = "1998-08-31"
    codes.loc[1, "valid_from"] = "then"
    found = check_plan(dataclasses.replace(given[1], codes=codes))
    assert {f.kind for f in found} == {"wrong_date"}
    assert any("valid_from is then" in f.message for f in found)


# What a publication tells


def few(plan, code, households):
    """Return a plan with newer households in a leaf."""
    lost = int(plan.leaves.set_index("code")["households"][code]) - households
    parents = pd.concat([plan.medium, plan.small, plan.micro]).set_index("code")["parent"]
    up = [code]
    while isinstance(above := parents.get(up[-1]), str):
        up.append(above)
    frames = {}
    for level in CELL_LAYERS:
        cells = plan.cells(level).copy()
        cells.loc[cells["code"].isin(up), "households"] -= lost
        if plan.is_estimated:
            cells["estimated"] = cells["households"]
        frames[level] = cells
    buildings = plan.buildings.copy()
    own = buildings.index[buildings["code"] == code]
    buildings.loc[own, "households"] = 0
    buildings.loc[own[0], "households"] = households
    return dataclasses.replace(plan, **frames, buildings=buildings)


def test_estimates_are_hidden_with_the_households():
    plan = few(filled(), filled().micro["code"][0], 3)
    told = gridcell.publish_plan(plan).plan
    assert told.micro["households"].isna().any()
    for level in CELL_LAYERS:
        cells = told.cells(level)
        assert (cells["estimated"].isna() == cells["households"].isna()).all()
        assert (cells["estimated"] == cells["households"]).dropna().all()
    assert audit_tables({level: told.cells(level) for level in CELL_LAYERS}, threshold=5) == []


def test_parts_that_are_estimates_are_told_of_no_cell():
    plan = filled()
    half = {
        level: plan.cells(level).assign(
            estimated=plan.cells(level)["households"].where(
                plan.cells(level)["community"] == plan.medium["code"][0], 0
            )
        )
        for level in CELL_LAYERS
    }
    told = gridcell.publish_plan(dataclasses.replace(plan, **half)).plan
    assert all(told.cells(level)["estimated"].isna().all() for level in CELL_LAYERS)


def wished(plan, change=0):
    """Return a plan whose bands are those of wanted numbers of cells, of so many households."""
    bands = {}
    for level in ("small", "micro"):
        cells = plan.cells(level)
        for code, own in cells[cells["grid_type"] == "general"].groupby("community"):
            target = float(own["households"].sum() + change) / len(own)
            bands[code, level] = gridcell.Band(
                min=WANTED_BAND[0] * target, target=target, max=WANTED_BAND[1] * target
            )
    frames = {level: with_band_figures(plan.cells(level), bands) for level in CELL_LAYERS}
    return dataclasses.replace(plan, **frames, bands=bands)


def guesses(told, code):
    """Return what somebody works out of the bands: the households on general land, by level."""
    found = set()
    for level in ("small", "micro"):
        cells = told.cells(level)
        own = cells[(cells["community"] == code) & (cells["grid_type"] == "general")]
        for target in own["target"].dropna().unique():
            found.add(round(target * len(own)))
    return found


def test_the_band_of_a_wanted_number_gives_no_dedicated_cell_away(tmp_path):
    # The school of the second community holds 3: what the community has beyond its general cells.
    site = filled().small.query("grid_type == 'dedicated'")["code"].iloc[0]
    plan = wished(few(filled(), site, 3))
    code = site[:12]
    told = gridcell.publish_plan(plan).plan
    cells = told.small[told.small["community"] == code]
    assert cells["households"].isna().any()
    general = plan.small[(plan.small["community"] == code) & (plan.small["code"] != site)]
    assert guesses(plan, code) == {int(general["households"].sum())}
    assert guesses(told, code) == set()
    # Where nothing is hidden the sum is told anyway.
    other = plan.medium["code"].drop_duplicates().tolist()
    other.remove(code)
    assert guesses(told, other[0])
    for kind in ("geojson", "csv", "gpkg", "shapefile", "geoparquet", "flatgeobuf", "kml", "xlsx",
                 "pmtiles"):  # fmt: skip
        folder = tmp_path / kind
        gridcell.export_plan(plan, folder, format=kind, publish=True)
        assert gridcell.check_published(folder).ok
        for level in ("small", "micro"):
            cells = read_export(folder).levels[level]
            rows = cells[cells["code"].str.startswith(code)]
            assert "target" not in rows or rows["target"].isna().all()


def test_a_band_of_other_households_tells_nothing_of_an_earlier_publication():
    plan = wished(filled(), change=3)
    told = gridcell.publish_plan(plan).plan
    assert not told.small["households"].isna().any()
    assert told.bands == {}
    assert told.leaves["target"].isna().all()
    assert gridcell.publish_plan(wished(filled())).plan.bands == wished(filled()).bands


def test_the_audit_finds_what_these_columns_give_away():
    site = filled().small.query("grid_type == 'dedicated'")["code"].iloc[0]
    plan = wished(few(filled(), site, 3))
    told = gridcell.publish_plan(plan).plan
    levels = {level: told.cells(level) for level in CELL_LAYERS}
    assert audit_tables(levels, threshold=5) == []
    bands = {level: with_band_figures(levels[level], plan.bands) for level in ("small", "micro")}
    found = audit_tables({**levels, **bands}, threshold=5)
    assert {f.kind for f in found} == {"band_told"}
    assert {f.cell[:12] for f in found} == {site[:12]}
    parts = levels["small"].copy()
    parts["estimated"] = plan.small["estimated"].to_numpy()
    found = audit_tables({**levels, "small": parts}, threshold=5)
    assert {f.kind for f in found} == {"estimated_told"}
    some = {name: frame.assign(estimated=0) for name, frame in levels.items()}
    some = {
        name: frame.assign(estimated=frame["estimated"].where(frame["households"].notna()))
        for name, frame in some.items()
    }
    assert audit_tables(some, threshold=5) == []
    first = some["large"].index[0]
    some["large"].loc[first, "estimated"] = 7
    assert {f.kind for f in audit_tables(some, threshold=5)} == {"estimated_told"}


def test_the_same_data_give_the_same_bytes(tmp_path):
    columns = {"responsible": ["a", "b"], "valid_from": ["2026-01-31", None]}
    for name in ("one", "two"):
        gridcell.write_plan(divided(**columns)[1], tmp_path / name)
    for file in ("plan.gpkg", "geojson/leaves.geojson", "map.html"):
        one, two = ((tmp_path / name / file).read_bytes() for name in ("one", "two"))
        if file == "plan.gpkg":
            shutil.copy(tmp_path / "one" / file, tmp_path / "copy.gpkg")
            one, two = (pyogrio.read_dataframe(tmp_path / name / file, layer="leaves")
                        for name in ("one", "two"))  # fmt: skip
            pd.testing.assert_frame_equal(one, two)
        else:
            assert one == two
