"""``gridcell repair``: any layer in, an exact coverage out, every change on the table."""

import json

import dirty
import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely
from shapely.geometry import box

from gridcell.check import check_cells
from gridcell_cli import main as frame

X, Y = 500_000.0, 2_560_000.0


def layer(*shapes, **columns):
    shapes = [shapely.affinity.translate(shape, X, Y) for shape in shapes]
    return gpd.GeoDataFrame(columns, geometry=shapes, crs="EPSG:4546")


def broken(**columns):
    """Two squares that overlap by a metre, and one around a gap of two metres beside them."""
    around = box(0, -50, 300, 200).difference(box(0, 0, 202, 100))
    shapes = box(0, 0, 101, 100), box(100, 0, 200, 100), around
    return layer(*shapes, **{"code": ["007", "b", "c"], "名称": ["荷城", None, "石"], **columns})


@pytest.fixture
def cells(tmp_path):
    broken(rank=[1, 2, 3]).to_file(tmp_path / "cells.gpkg", layer="小区")
    return tmp_path / "cells.gpkg"


@pytest.fixture
def run(capsys, monkeypatch):
    """Run the command line here; return its exit code, stdout and stderr."""
    monkeypatch.setattr(frame, "_be_quiet", lambda: None)

    def run_(*arguments):
        with pytest.raises(SystemExit) as exit_:
            frame.main(["repair", *map(str, arguments)])
        out, err = capsys.readouterr()
        return exit_.value.code, out, err

    return run_


def test_a_layer_is_repaired_told_and_written_with_all_its_columns(run, cells, tmp_path):
    code, out, err = run(cells, "-o", tmp_path / "out.gpkg")
    assert (code, err) == (0, "")
    assert "gap            200 m2  nobody ->" in out
    assert "2 pieces of land moved, 300 m2 in all; proved to be an exact coverage" in out
    assert pyogrio.list_layers(tmp_path / "out.gpkg")[:, 0].tolist() == ["小区"]
    back = pyogrio.read_dataframe(tmp_path / "out.gpkg")
    assert back["code"].tolist() == ["007", "b", "c"]
    assert back["名称"].fillna("").tolist() == ["荷城", "", "石"]
    assert back.crs == "EPSG:4546"
    assert check_cells(back).ok
    assert back.area.sum() == pytest.approx(75_000)


def test_no_moves_are_a_layer_of_texts_and_numbers_too(run, tmp_path):
    cell = gpd.GeoDataFrame(
        {"code": ["1"]}, geometry=[shapely.box(355000, 2556000, 355100, 2556100)], crs=4546
    )
    cell.to_file(tmp_path / "one.gpkg")
    files = (tmp_path / name for name in ("out.gpkg", "moves.gpkg"))
    code, _, _ = run(tmp_path / "one.gpkg", "-o", next(files), "--moves", next(files))
    assert code == 0
    info = pyogrio.read_info(tmp_path / "moves.gpkg", layer="moves")
    kinds = dict(zip(info["fields"], info["ogr_types"], strict=True))
    assert info["features"] == 0
    assert kinds == {
        **dict.fromkeys(("kind", "lost", "got", "by"), "OFTString"),
        **dict.fromkeys(("area_m2", "width_m", "margin_m"), "OFTReal"),
    }


def test_moves_are_written_as_polygons_and_told_as_json(run, cells, tmp_path):
    arguments = [cells, "-o", tmp_path / "out.parquet", "--moves", tmp_path / "moves.gpkg"]
    code, out, _ = run(*arguments, "--json", "--priority", "rank")
    assert code == 0
    told = json.loads(out)
    assert {"kind": "overlap", "by": "priority", "pieces": 1, "m2": 100.0} in told["moves"]
    (overlap,) = (move for move in told["list"] if move["kind"] == "overlap")
    assert (overlap["lost"], overlap["got"]) == ("007", "b")
    moves = pyogrio.read_dataframe(tmp_path / "moves.gpkg", layer="moves")
    assert moves["area_m2"].tolist() == pytest.approx(moves.area.tolist())
    assert sorted(moves["kind"]) == ["gap", "overlap"]
    code, out, err = run(*arguments, "--overwrite", "-q")
    assert (code, out, err) == (0, "", "")


def test_a_wider_gap_is_left_and_told_until_the_width_is_given(run, cells, tmp_path):
    out = tmp_path / "out.gpkg"
    code, text, _ = run(cells, "-o", out, "--gap-width", "1")
    assert code == 0
    assert pyogrio.read_dataframe(out).area.sum() == pytest.approx(74_800)
    ground = layer(box(0, -50, 300, 200), code=["L"])
    ground.to_file(tmp_path / "land.gpkg")
    land = ["--within", tmp_path / "land.gpkg", "--overwrite", "-o", out]
    code, text, _ = run(cells, *land, "--gap-width", "1")
    assert code == 0
    assert "gap width of" in text
    code, _, _ = run(cells, *land, "--gap-width", "2.5")
    assert code == 0
    assert check_cells(pyogrio.read_dataframe(out), ground).ok
    code, _, err = run(cells, *land, "--gap-width", "-1")
    assert code == 2
    assert "gap-width" in err


def test_a_cell_that_others_cover_wholly_gives_exit_code_4_and_is_named(run, tmp_path):
    twice = layer(box(0, 0, 9, 9), box(0, 0, 9, 9), code=["a", "b"])
    twice.to_file(tmp_path / "cells.gpkg")
    code, out, _ = run(tmp_path / "cells.gpkg", "-o", tmp_path / "out.gpkg")
    assert code == 4
    assert "no land left, others cover all of it: 1 (b)" in out
    assert pyogrio.read_dataframe(tmp_path / "out.gpkg").geometry.isna().tolist() == [False, True]


@pytest.mark.parametrize("suffix", ["shp", "geojson", "fgb", "parquet", "gpkg"])
def test_every_format_in_gives_every_format_out(run, tmp_path, suffix):
    town = dirty.dirty_cells(9, 0, names=["jitter", "grow", "enclave", "none"])
    if suffix == "parquet":
        town.cells.to_parquet(tmp_path / "in.parquet")
    else:
        town.cells.to_crs(4326 if suffix == "geojson" else dirty.CRS).to_file(
            tmp_path / f"in.{suffix}", engine="pyogrio"
        )
    code, _, err = run(tmp_path / f"in.{suffix}", "-o", tmp_path / f"out.{suffix}")
    assert (code, err) == (0, "")
    read = gpd.read_parquet if suffix == "parquet" else pyogrio.read_dataframe
    back = read(tmp_path / f"out.{suffix}")
    assert sorted(back["code"]) == sorted(town.cells["code"])
    kinds = set(check_cells(back).findings["kind"])
    assert kinds <= {"hole", "empty_geometry", "multipart"}


def test_a_shapefile_stays_in_its_encoding(run, tmp_path):
    broken().to_file(tmp_path / "in.shp", encoding="GB18030")
    code, _, _ = run(tmp_path / "in.shp", "-o", tmp_path / "out.shp")
    assert code == 0
    assert "石".encode("gb18030") in (tmp_path / "out.dbf").read_bytes()
    assert (tmp_path / "out.cpg").read_text().strip().upper().replace("-", "") == "GB18030"


def test_bad_input_is_refused_with_a_message_and_nothing_is_written(run, cells, tmp_path):
    out = tmp_path / "out.gpkg"
    layer(box(0, 0, 9, 9)).to_crs(4490).to_file(tmp_path / "degrees.gpkg")
    layer(box(0, 0, 9, 9)).set_geometry([None], crs=4546).to_file(tmp_path / "none.gpkg")
    (tmp_path / "table.csv").write_text("a,b\n1,2\n", "utf-8")
    for arguments, message in (
        ([tmp_path / "missing.gpkg"], "missing.gpkg"),
        ([tmp_path / "table.csv"], "expected polygons"),
        ([tmp_path / "none.gpkg"], "nothing to repair"),
        ([cells, "--priority", "weight"], "no column 'weight'"),
        ([cells, "--within", tmp_path / "degrees.gpkg"], "one CRS"),
        ([cells, "-o", tmp_path / "out.txt"], "suffix '.txt'"),
        ([cells, "-o", cells], "is there already"),
        ([cells, "--moves", tmp_path / "moves.xyz"], "suffix '.xyz'"),
    ):
        given = arguments if "-o" in arguments else [*arguments, "-o", out]
        code, text, err = run(*given)
        assert (code, text) == (3, "")
        assert err.startswith("Error: ")
        assert message in err
        assert "Traceback" not in err
        assert not out.exists()
    assert np.array_equal(pyogrio.read_dataframe(cells)["rank"], [1, 2, 3])
