"""What read_layers promises about columns, order, datum, CRS and refusals."""

import hashlib
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shapely import box

from gridcell.errors import InputError, RulesError
from gridcell.read import read_layers
from gridcell.rules import Rules

SHARED = Path(__file__).parents[2] / "shared" / "data"
CRS = "EPSG:4545"
X, Y = 500_000.0, 2_550_000.0

with np.errstate(invalid="ignore"):
    UNPLACED = shapely.Polygon([(X, Y), (np.nan, Y), (X, Y + 1)])


def town(n: int = 2, **columns: list[object]) -> gpd.GeoDataFrame:
    """Return n squares of 1 km side by side, near Guigang."""
    codes = [f"45080200100{i + 1}" for i in range(n)]
    shapes = [box(X + 1000 * i, Y, X + 1000 * (i + 1), Y + 1000) for i in range(n)]
    return gpd.GeoDataFrame({"code": codes, **columns}, geometry=shapes, crs=CRS)


def houses(n: int = 100, **columns: list[object]) -> gpd.GeoDataFrame:
    """Return n buildings of 12 m by 10 m on a grid of 40 m, inside the first square."""
    shapes = [
        box(
            X + 20 + 40 * (i % 24),
            Y + 20 + 40 * (i // 24),
            X + 32 + 40 * (i % 24),
            Y + 30 + 40 * (i // 24),
        )
        for i in range(n)
    ]
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=CRS)


def kinds(layers: object) -> list[str]:
    return [f.kind for f in layers.findings]  # type: ignore[attr-defined]


def test_columns_are_ours_whatever_the_file_calls_them() -> None:
    communities = (
        town(2).rename(columns={"code": "社区编码"}).assign(MC=["甲", None], 户数=[10, None])
    )
    layers = read_layers(communities, houses(3).assign(DYS=[1, 2, None], HH=["12", None, "0"]))
    assert list(layers.communities.columns) == [
        "code", "name", "large", "n_small", "n_micro", "small", "micro", "class", "households",
        "responsible", "management", "valid_from", "geometry",
    ]  # fmt: skip
    assert layers.communities["name"].tolist() == ["甲", "450802001002"]
    assert layers.communities["households"].fillna(-1).tolist() == [10, -1]
    assert layers.buildings is not None
    assert layers.buildings["bldg_id"].tolist() == ["b000001", "b000002", "b000003"]
    assert sorted(layers.buildings["households"].fillna(-1)) == [-1, 0, 12]
    assert layers.crs.to_epsg() == 4545


def test_the_mapping_of_the_rules_wins_over_aliases() -> None:
    rules = Rules.build({"fields": {"communities": {"code": "other"}}})
    layers = read_layers(town(2).assign(other=["B", "A"]), rules=rules)
    assert layers.communities["code"].tolist() == ["A", "B"]


def test_a_mapping_to_a_field_that_is_not_there_lists_the_fields() -> None:
    rules = Rules.build({"fields": {"communities": {"code": "XZQ"}}})
    with pytest.raises(InputError, match=r"'XZQ'.*it has code"):
        read_layers(town(), rules=rules)


@pytest.mark.parametrize("fields", [{"houses": {"a": "b"}}, {"buildings": {"code": "b"}}])
def test_a_mapping_for_unknown_inputs_or_columns_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(RulesError, match="expected one of"):
        read_layers(town(), rules=Rules.build({"fields": fields}))


def test_a_missing_code_names_the_fields_and_the_mapping() -> None:
    with pytest.raises(InputError, match=r"fields are nr, x.*fields=\{'communities': \{'code'"):
        read_layers(town().rename(columns={"code": "nr"}).assign(x=1))


@pytest.mark.parametrize("codes", [[450802001013.0, 450802001014.0], [450802001013, 450802001014]])
def test_numeric_codes_become_their_integer_text(codes: list[object]) -> None:
    layers = read_layers(town().assign(code=codes))
    assert layers.communities["code"].tolist() == ["450802001013", "450802001014"]


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (["A", "A"], r"'A' occurs more than once, in rows 1, 2"),
        (["A", "B-1"], r"row 2: code 'B-1'"),
        (["A", "社区"], r"row 2"),
        (["A", None], r"no code in row 2"),
    ],
)
def test_codes_that_are_no_unique_codes_are_listed(codes: list[object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_layers(town().assign(code=codes))


@pytest.mark.parametrize("value", [0, -1, 1.5, "many"])
def test_wanted_numbers_of_cells_are_positive_whole_numbers(value: object) -> None:
    with pytest.raises(InputError, match="row 2: n_small"):
        read_layers(town().assign(n_small=pd.Series([1, value], dtype=object)))


@pytest.mark.parametrize("value", [-1, 2.5, "twelve", float("inf")])
def test_household_counts_that_are_no_counts_name_row_and_value(value: object) -> None:
    frame = houses(3).assign(households=pd.Series([1, 2, value], dtype=object))
    with pytest.raises(InputError, match=rf"row 3: households is '{value}'"):
        read_layers(town(), frame)


def test_floors_that_do_not_parse_are_missing_and_noted_once() -> None:
    layers = read_layers(town(), houses(4).assign(floors=["2", "2;3", "3.5", "many"]))
    assert layers.buildings is not None
    assert sorted(layers.buildings["floors"].dropna()) == [2.0, 3.5]
    notes = [f for f in layers.findings if f.kind == "unread_values"]
    assert [n.measure for n in notes] == [2.0]


def test_shuffled_rows_give_identical_layers() -> None:
    communities, buildings = town(3), houses(40).assign(households=range(40))
    lines = gpd.GeoDataFrame(
        {"highway": ["a", "b"]},
        geometry=list(shapely.linestrings([[(X, Y), (X + 9, Y + 9)], [(X, Y + 5), (X + 9, Y)]])),
        crs=CRS,
    )  # fmt: skip
    one = read_layers(communities, buildings, barriers=lines)
    two = read_layers(
        communities.sample(frac=1, random_state=1), buildings.sample(frac=1, random_state=2),
        barriers=[lines.iloc[[1]], lines.iloc[[0]]],
    )  # fmt: skip
    for name in ("communities", "buildings", "barriers"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(two, name))


def test_frames_are_not_changed() -> None:
    communities, buildings = town(), houses(5).assign(households=1.0)
    before = communities.copy(), buildings.copy()
    read_layers(communities, buildings)
    pd.testing.assert_frame_equal(communities, before[0])
    pd.testing.assert_frame_equal(buildings, before[1])


def test_households_of_buildings_without_geometry_are_an_error_finding() -> None:
    frame = houses(4).assign(households=[1, 7, 3, 0])
    frame.loc[[1, 3], "geometry"] = None
    layers = read_layers(town(), frame)
    assert layers.buildings is not None
    assert layers.buildings["households"].sum() == 4
    found = [
        (f.severity, f.measure) for f in layers.findings if f.kind == "building_without_geometry"
    ]
    assert found == [("error", 7.0), ("warning", 0.0)]


def test_invalid_buildings_are_mended_and_repeated_ids_told_apart() -> None:
    bowtie = shapely.Polygon([(X, Y), (X + 10, Y + 10), (X + 10, Y), (X, Y + 10)])
    frame = houses(3).assign(bldg_id=["7", "7", "8"])
    frame.loc[2, "geometry"] = bowtie
    layers = read_layers(town(), frame)
    assert layers.buildings is not None
    assert layers.buildings.geometry.is_valid.all()
    assert sorted(layers.buildings["bldg_id"]) == ["7", "7-2", "8"]
    assert {"building_mended", "duplicate_id"} <= set(kinds(layers))


def test_buildings_as_points_are_refused() -> None:
    with pytest.raises(InputError, match=r"Point.*\(households\)"):
        read_layers(town(), houses(3).set_geometry(houses(3).centroid))


def test_heights_of_coordinates_are_dropped() -> None:
    frame = town()
    frame["geometry"] = shapely.force_3d(frame.geometry.to_numpy(), 5.0)
    assert not read_layers(frame).communities.geometry.has_z.any()


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (
            shapely.Polygon([(X, Y), (X + 9, Y + 9), (X + 9, Y), (X, Y + 9)]),
            r"'450802001002'.*x 500004",
        ),
        (None, "without a geometry: '450802001002'"),
        (shapely.Polygon(), "without a geometry"),
        (shapely.LineString([(X, Y), (X + 1, Y)]), "row 2 is a LineString"),
        (UNPLACED, "row 2 has coordinates that are not"),
    ],
)
def test_communities_of_bad_geometry_are_refused(shape: shapely.Geometry, message: str) -> None:
    frame = town()
    frame["geometry"] = np.array([frame.geometry[0], shape], dtype=object)
    with pytest.raises(InputError, match=message):
        read_layers(frame)


def test_a_missing_crs_names_the_option_which_then_serves() -> None:
    bare = town().set_crs(None, allow_override=True)
    with pytest.raises(InputError, match="crs='EPSG:4547'"):
        read_layers(bare)
    layers = read_layers(bare, crs=CRS)
    assert layers.crs.to_epsg() == 4545
    assert layers.inputs[0].crs == CRS


@pytest.mark.parametrize(
    ("given", "work"),
    [(4326, 4545), (4490, 4545), (3857, 4545), (32649, 32649), (4545, 4545), (4524, 4524)],
)
def test_the_work_crs_is_metric_and_the_communities_own_if_it_can_be(given: int, work: int) -> None:
    layers = read_layers(town(1).to_crs(given))
    assert layers.crs.to_epsg() == work
    assert layers.communities.area.iloc[0] == pytest.approx(1e6, rel=0.01)


def test_feet_and_degrees_abroad_get_a_utm_zone() -> None:
    square = gpd.GeoSeries([box(-104.99, 39.7, -104.98, 39.71)], crs=4326)
    for crs in (2232, 4326):
        frame = gpd.GeoDataFrame({"code": ["1"]}, geometry=square.to_crs(crs))
        assert read_layers(frame).crs.to_epsg() == 32613


def test_layers_in_another_crs_land_in_the_same_place() -> None:
    layers = read_layers(town(), houses(30).to_crs(4326))
    assert layers.buildings is not None
    assert layers.buildings.total_bounds == pytest.approx(houses(30).total_bounds, abs=1e-3)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda f: f.to_crs(4326).set_crs(4545, allow_override=True),
        lambda f: f.set_crs(4326, allow_override=True),
        lambda f: f.assign(geometry=f.translate(36_000_000)),
        lambda f: f.assign(
            geometry=shapely.transform(f.geometry.to_numpy(), lambda xy: xy[:, ::-1])
        ),
    ],
    ids=["degrees-as-metres", "metres-as-degrees", "zone-prefix", "swapped"],
)
def test_coordinates_that_cannot_be_in_their_crs_are_refused(spoil: object) -> None:
    for given in ((spoil(town()), houses()), (town(), spoil(houses()))):  # type: ignore[operator]
        with pytest.raises(InputError, match=r"degrees|zone|crs="):
            read_layers(*given)


def test_buildings_elsewhere_are_refused_with_the_distance() -> None:
    far = houses(50)
    far["geometry"] = far.translate(30_000)
    with pytest.raises(InputError, match=r"no feature meets.*29.0 km.*datum"):
        read_layers(town(1), far)


def test_buildings_partly_outside_are_kept() -> None:
    some = houses(50)
    some.loc[40:, "geometry"] = some.loc[40:].translate(30_000)
    layers = read_layers(town(1), some)
    assert layers.buildings is not None
    assert len(layers.buildings) == 50


def test_barriers_are_single_lines_with_a_kind() -> None:
    river = gpd.GeoDataFrame(
        {"waterway": ["river", None], "name": ["郁江", None]},
        geometry=[shapely.LineString([(X, Y), (X + 9, Y)]), box(X, Y, X + 50, Y + 20)],
        crs=CRS,
    )
    rails = gpd.GeoDataFrame(
        {"kind": ["rail"]},
        geometry=[shapely.MultiLineString([[(X, Y), (X, Y + 9)], [(X + 1, Y), (X + 1, Y + 9)]])],
        crs=CRS,
    )
    layers = read_layers(town(), barriers=[river, rails])
    assert layers.barriers is not None
    assert set(layers.barriers.geom_type) == {"LineString"}
    assert sorted(layers.barriers["kind"]) == ["rail", "rail", "river", "road"]
    assert layers.barriers.length.sum() == pytest.approx(9 + 140 + 18)


def test_an_unknown_kind_of_barrier_is_refused() -> None:
    line = shapely.LineString([(X, Y), (X + 9, Y)])
    frame = gpd.GeoDataFrame({"kind": ["hedge"]}, geometry=[line], crs=CRS)
    with pytest.raises(InputError, match="'hedge', expected one of road, river, rail, wall"):
        read_layers(town(), barriers=frame)


def test_sites_have_ids_and_names() -> None:
    frame = gpd.GeoDataFrame({"名称": ["学校", None]}, geometry=list(houses(2).geometry), crs=CRS)
    layers = read_layers(town(), sites=frame)
    assert layers.sites is not None
    assert sorted(layers.sites["name"]) == ["s000001", "学校"]
    assert layers.sites["site_id"].is_unique


def test_points_of_the_register_are_moved_to_the_plan_crs() -> None:
    place = gpd.GeoSeries([shapely.Point(X + 100, Y + 200)], crs=CRS).to_crs(4326)[0]
    table = pd.DataFrame(
        {"户号": ["2", "1"], "经度": [place.x, None], "纬度": [place.y, None], "count": [3, None]}
    )
    register = read_layers(town(), households=table).households
    assert register is not None
    assert register["household_id"].tolist() == ["1", "2"]
    assert register["count"].tolist() == [1, 3]
    assert register[["x", "y"]].iloc[1].tolist() == pytest.approx([X + 100, Y + 200], abs=1e-3)
    assert register["x"].isna().tolist() == [True, False]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"household_id": ["1", None], "bldg_id": ["a", "b"]}, "have no household_id"),
        ({"bldg_id": ["a", "b"]}, "no column household_id"),
        ({"household_id": ["1", "2"]}, "no place of the households"),
        ({"household_id": ["1", "2"], "lon": [23.1, 1], "lat": [109.6, 1]}, "row 1: lat is 109.6"),
        ({"household_id": ["1", "2"], "bldg_id": ["a", "b"], "count": [-1, 1]}, "row 1: count"),
        (
            {"household_id": ["1", "2"], "bldg_id": ["a", "b"], "户主姓名": "", "Mobile_No": ""},
            "户主姓名, Mobile_No.*remove them",
        ),
    ],
)
def test_registers_that_cannot_be_used_are_refused(
    columns: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        read_layers(town(), households=pd.DataFrame(columns))


def test_staff_have_roles_and_places() -> None:
    table = pd.DataFrame(
        {"工号": ["0012", "3"], "岗位": ["网格长、网格员", None],
         "community": [450802001001.0, None], "max_cells": [2, None],
         "x": [X, None], "y": [Y, None]}
    )  # fmt: skip
    staff = read_layers(town(), staff=table).staff
    assert staff is not None
    assert staff["staff_id"].tolist() == ["0012", "3"]
    assert staff["roles"].iloc[0] == "网格长;网格员"
    assert staff["community"].iloc[0] == "450802001001"
    assert staff["roles"].isna().tolist() == [False, True]


def test_given_atoms_need_households() -> None:
    blocks = houses(4).assign(GEOID20=["1", "2", "3", "4"])
    with pytest.raises(InputError, match=r"fields=\{'atoms': \{'households'"):
        read_layers(town(), atoms=blocks)
    layers = read_layers(town(), atoms=blocks.assign(TOTPOP20=[1, 2, 3, None]))
    assert "TOTPOP20 looks like persons" in layers.findings[-1].message
    atoms = layers.atoms
    assert atoms is not None
    assert atoms["households"].sum() == 6


def test_hexagons_cover_the_communities_and_keep_their_households() -> None:
    layers = read_layers(town(2, households=[101, 50]), atoms="h3:9")
    assert layers.atoms is not None
    assert layers.atoms["households"].sum() == 151
    first = layers.communities.geometry[0]
    inside = layers.atoms[layers.atoms.representative_point().within(first)]
    assert inside["households"].sum() == 101
    assert layers.atoms.area.sum() == pytest.approx(2e6)
    assert layers.atoms["atom_id"].is_unique
    assert "estimated" in kinds(layers)


def test_hexagons_count_the_points_of_the_register() -> None:
    table = pd.DataFrame(
        {"household_id": ["1", "2"], "x": [X + 10, X + 1500], "y": [Y + 10, Y + 10]}
    )
    layers = read_layers(town(2), households=table.assign(count=[2, 5]), atoms="h3:8")
    assert layers.atoms is not None
    assert layers.atoms["households"].sum() == 7
    assert layers.atoms["households"].max() == 5
    assert "estimated" not in kinds(layers)


@pytest.mark.parametrize(
    ("atoms", "message"),
    [
        ("h3:16", "from 0 to 15"),
        ("h3:x", "from 0 to 15"),
        ("h3:14", "h3:13"),
        ("h3:8", "nothing says"),
    ],
)
def test_hexagons_that_make_no_sense_are_refused(atoms: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_layers(town(), atoms=atoms)


def test_where_a_file_came_from_is_recorded(tmp_path: Path) -> None:
    path = tmp_path / "town.gpkg"
    town().to_file(path, layer="areas")
    record = read_layers(path).inputs[0]
    assert (record.role, record.path, record.layer, record.rows) == (
        "communities",
        "town.gpkg",
        "areas",
        2,
    )
    assert record.crs == CRS
    assert record.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_empty_layers_are_refused() -> None:
    with pytest.raises(InputError, match="no rows"):
        read_layers(town().iloc[:0])


def test_a_town_may_have_no_sites_and_no_barriers(tmp_path: Path) -> None:
    none = gpd.GeoDataFrame({"name": pd.Series(dtype="str")}, geometry=[], crs=CRS)
    none.to_file(tmp_path / "sites.shp", geometry_type="Polygon", engine="pyogrio")
    layers = read_layers(town(), sites=tmp_path / "sites.shp", barriers=[none])
    assert layers.sites is None
    assert layers.barriers is None
    assert [finding.kind for finding in layers.findings].count("layer_empty") == 2
    assert [record.rows for record in layers.inputs if record.role == "sites"] == [0]


@pytest.mark.skipif(not SHARED.exists(), reason="real data not at hand")
def test_a_real_commune_with_heights_is_read() -> None:
    rules = Rules.build({"fields": {"communities": {"code": "INSEE_COM"}}})
    path = SHARED / "olemps_bdtopo_v3.gpkg"
    layers = read_layers(
        f"{path}#commune", f"{path}#buildings", barriers=[f"{path}#roads", f"{path}#water"],
        sites=f"{path}#campus", rules=rules,
    )  # fmt: skip
    assert layers.buildings is not None
    assert (len(layers.buildings), layers.buildings["households"].sum()) == (2273, 1429)
    assert layers.buildings["bldg_id"].str.startswith("BATIMENT").all()
    assert layers.findings == ()
