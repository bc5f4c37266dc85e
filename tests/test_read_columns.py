"""Columns and rings as they are in files: kept, or told under which name."""

import json
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyarrow.parquet as pq
import pytest
import shapely
from packing import one_file
from test_read_layers import CRS, houses, town

from gridcell.errors import InputError
from gridcell.read import inspect_files, read_layers
from gridcell.read.files import open_input
from gridcell_cli import main as frame


def features(*rows: dict[str, object]) -> str:
    degrees = town(len(rows)).to_crs(4326)
    shapes = [json.loads(shapely.to_geojson(shape)) for shape in degrees.geometry]
    return json.dumps({
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "geometry": shape, **row}
            for row, shape in zip(rows, shapes, strict=True)
        ],
    })  # fmt: skip


def unclosed(path: Path) -> Path:
    """Write communities of which the second has a ring without its last point."""
    data = json.loads(features(*({"properties": {"code": str(k)}} for k in range(1, 4))))
    data["features"][1]["geometry"]["coordinates"][0].pop()
    path.write_text(json.dumps(data))
    return path


@pytest.mark.parametrize("ids", [[101, 102], [450802001018001, 450802001018002], ["way/1", "a"]])
def test_ids_of_features_become_a_column(ids: list[object], tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    path.write_text(features(*({"id": k, "properties": {"code": str(k)}} for k in ids)))
    for given in (path, one_file(path, tmp_path / "zip")):
        assert open_input(given, "cells").frame["id"].tolist() == ids


def test_features_without_ids_get_none(tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    path.write_text(features({"properties": {"code": "1"}}, {"properties": {"code": "2"}}))
    assert list(open_input(path, "cells").frame.columns) == ["code", "geometry"]


@pytest.mark.parametrize("last", [True, False])
def test_a_property_called_geometry_is_kept_and_told(last: bool, tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    names = ("code", "geometry") if last else ("geometry", "code")
    path.write_text(features(*({"properties": {n: f"{n} {k}" for n in names}} for k in (1, 2))))
    source = open_input(path, "cells")
    assert source.frame["geometry_1"].tolist() == ["geometry 1", "geometry 2"]
    assert source.geometries is not None
    assert (source.geometries.geom_type == "Polygon").all()
    assert "read as geometry_1" in str(source.remarks[0])
    assert any("read as geometry_1" in text for text in inspect_files([path])[0].remarks)


@pytest.mark.parametrize("own", ["R{}", 70])
def test_ids_of_features_beside_a_property_id_are_kept_and_told(
    own: object, tmp_path: Path
) -> None:
    path = tmp_path / "a.geojson"
    ids = [own.format(k) if isinstance(own, str) else 70 + k for k in (1, 2)]
    path.write_text(features(*({"id": i, "properties": {"id": k}} for k, i in enumerate(ids))))
    source = open_input(path, "cells")
    assert source.frame["id"].tolist() == [0, 1]
    assert source.frame["id_1"].tolist() == [str(i) for i in ids]
    assert "read as id_1" in str(source.remarks[0])
    path.write_text(features(*({"id": k, "properties": {"id": k}} for k in (0, 1))))
    assert open_input(path, "cells").remarks == []


def test_the_primary_geometries_count_and_the_others_are_text(tmp_path: Path) -> None:
    given = town(2).rename_geometry("shape").assign(geometry="text")
    given["door"] = gpd.GeoSeries(given["shape"].representative_point(), crs=CRS)
    path = tmp_path / "a.parquet"
    given.to_parquet(path)
    before = given.copy()
    for source in (open_input(given, "cells"), open_input(path, "cells")):
        assert source.geometries is not None
        assert source.geometries.geom_equals(town(2).geometry).all()
        assert source.frame["geometry_1"].tolist() == ["text", "text"]
        assert shapely.from_wkt(source.frame["door"]).tolist() == given["door"].tolist()
        assert len(source.remarks) == 2
    pd.testing.assert_frame_equal(pd.DataFrame(given), pd.DataFrame(before))
    assert read_layers(given).communities["code"].tolist() == town(2)["code"].tolist()


def test_a_ring_that_is_not_closed_is_named_and_closed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frame, "_be_quiet", lambda: None)
    path = unclosed(tmp_path / "a.geojson")
    info = inspect_files([path])[0]
    assert info.error is None
    assert (info.invalid, info.invalid_places) == (1, ("row 2: ring not closed",))
    with pytest.raises(InputError, match="community '2': ring not closed; mend"):
        read_layers(path)
    with pytest.raises(SystemExit):
        frame.main(["check", str(path), "--json"])
    found, err = capsys.readouterr()
    assert not err
    told = json.loads(found)
    assert (told["ok"], told["findings"]) == (True, {"unclosed_ring": 1})
    assert told["list"][0]["severity"] == "warning"
    assert "row 2: ring not closed" in told["list"][0]["message"]
    assert told["list"][0]["x"] is not None
    with pytest.raises(SystemExit):
        frame.main(["repair", str(path), "-o", str(tmp_path / "r.geojson")])
    assert "row 2: ring not closed" in capsys.readouterr().err
    assert read_layers(tmp_path / "r.geojson").communities.area.round().tolist() == [1e6] * 3


def test_rings_not_closed_are_found_in_parquet_too(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    houses(3, bldg_id=list("abc")).to_parquet(path)
    table = pq.read_table(path)
    blobs = table["geometry"].to_pylist()
    # The last point of the second ring moves away from the first one.
    blobs[1] = blobs[1][:-1] + bytes([blobs[1][-1] ^ 1])
    number = table.schema.names.index("geometry")
    pq.write_table(table.set_column(number, table.schema.field(number), [blobs]), path)
    source = open_input(path, "buildings", any_coordinates=True)
    assert source.unclosed == (1,)
    assert len(source.frame) == 3
