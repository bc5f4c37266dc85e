"""Nothing is ever fetched from a network, whatever a file says."""

import json
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from small_files import valid

from gridcell.errors import InputError
from gridcell.formats.geopackage import is_plan, read_plan
from gridcell.read import inspect_files, read_layers
from gridcell.read.files import open_input

VRT = (
    '<OGRVRTDataSource><OGRVRTLayer name="a"><SrcDataSource>{}a.geojson</SrcDataSource>'
    "</OGRVRTLayer></OGRVRTDataSource>"
)
POINTERS = {
    "a.vrt": VRT,
    "a.geojson": VRT,
    "a.gpkg": VRT,
    "padded.vrt": f"<!--{'x' * 500}-->{VRT}",
    "cloud.vrt": VRT.replace("{}", "/vsicurl/{}"),
    "a.xml": "<OGRWFSDataSource><URL>{}wfs</URL></OGRWFSDataSource>",
    "a.gdalg.json": '{{"type": "gdal_streamed_alg", "command_line": '
    '"gdal vector pipeline ! read {}a.geojson ! limit 5"}}',
    "b.geojson": '{{"type": "FeatureCollection", "crs": {{"type": "link", "properties": '
    '{{"href": "{}crs", "type": "esriwkt"}}}}, "features": [{{"type": "Feature", "properties": '
    '{{}}, "geometry": {{"type": "Point", "coordinates": [1, 2]}}}}]}}',
}
"""Files that GDAL reads by asking a server, without a word."""


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """Yield the address of a server, and what it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(valid("geojson", "communities")[".geojson"])

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_port}/", asked
        httpd.shutdown()


@pytest.mark.parametrize("name", POINTERS)
def test_a_file_that_names_data_on_a_network_is_refused(
    name: str, server: tuple[str, list[str]], tmp_path: Path
) -> None:
    address, asked = server
    path = tmp_path / name
    path.write_text(POINTERS[name].format(address), encoding="utf-8")
    with pytest.raises(InputError, match=r"elsewhere|on a network"):
        open_input(path, "communities")
    with pytest.raises(InputError, match=r"elsewhere|on a network"):
        read_plan(path)
    assert not is_plan(path)
    assert inspect_files([path])[0].error
    assert asked == []


def test_an_archive_of_files_that_name_data_on_a_network_is_refused(
    server: tuple[str, list[str]], tmp_path: Path
) -> None:
    address, asked = server
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.vrt", VRT.format(address))
    with pytest.raises(InputError, match=r"a\.zip: a\.vrt: a GDAL VRT file"):
        open_input(tmp_path / "a.zip", "communities")
    assert asked == []


def test_an_address_that_hides_in_a_file_is_never_asked(
    server: tuple[str, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even where proxies are not to be used."""
    address, asked = server
    monkeypatch.setenv("no_proxy", "*")
    hidden = POINTERS["b.geojson"].format(address).replace('"crs"', '"\\u0063rs"')
    (tmp_path / "a.geojson").write_text(hidden, encoding="utf-8")
    assert len(open_input(tmp_path / "a.geojson", "staff").frame) == 1
    schema = f"{address}wfs?SERVICE=WFS&amp;REQUEST=DescribeFeatureType&amp;TYPENAME=a"
    (tmp_path / "a.gml").write_text(
        '<w:FeatureCollection xmlns:w="http://www.opengis.net/wfs" xmlns:a="http://a" '
        'xmlns:gml="http://www.opengis.net/gml" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'xsi:schemaLocation="http://a {schema}"><gml:featureMember><a:t gml:id="a"><a:g>'
        "<gml:Point><gml:coordinates>1,2</gml:coordinates></gml:Point></a:g></a:t>"
        "</gml:featureMember></w:FeatureCollection>",
        encoding="utf-8",
    )
    assert len(open_input(tmp_path / "a.gml", "staff").frame) == 1
    assert asked == []


def test_features_with_a_member_crs_of_their_own_are_read(tmp_path: Path) -> None:
    data = json.loads(valid("geojson", "communities")[".geojson"])
    data["crs"] = {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}
    for feature in data["features"]:
        feature["properties"] |= {"type": "link", "crs": "link"}
    (tmp_path / "a.geojson").write_text(json.dumps(data), encoding="utf-8")
    assert len(read_layers(tmp_path / "a.geojson").communities) == 4
