"""Findings as a layer, to look at in a GIS."""

import warnings
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import pyogrio

from gridcell.crs import is_on_earth
from gridcell.errors import WriteError
from gridcell.files.whole import require_writable, whole_file
from gridcell.formats.geopackage import dated
from gridcell.schema import MESSAGE_COLUMNS
from gridcell.words.messages import Message, joined

_GEOJSON: Final = (".geojson", ".json")
FORMATS: Final = (".gpkg", *_GEOJSON)


def write_findings(
    findings: gpd.GeoDataFrame,
    path: str | Path,
    *,
    pieces: gpd.GeoDataFrame | None = None,
    overwrite: bool = False,
) -> list[Path]:
    """Write findings as a point layer in the format that the suffix names; return the file.

    Parameters
    ----------
    findings
        From `gridcell.check.CheckReport` or `gridcell.model.findings_frame`.
    path
        A ``.gpkg`` or ``.geojson``; appears whole or not at all. GeoJSON is in longitude and
        latitude (RFC 7946).
    pieces
        Polygons of gaps, overlaps and protrusions: the layer ``pieces`` of a GeoPackage. GeoJSON
        holds the points alone.
    overwrite
        Replace a file that is there already.

    Raises
    ------
    WriteError
        The file is in the way or cannot be written; GeoJSON of findings without a CRS.
    """
    file = require_findings_file(path, overwrite=overwrite)
    suffix = file.suffix.lower()
    findings = findings.drop(columns=list(MESSAGE_COLUMNS), errors="ignore")
    options: dict[str, Any] = {}
    if suffix in _GEOJSON:
        if findings.crs is None or not is_on_earth(findings.crs):
            raise WriteError(Message("error.geojson_without_crs", file=file))
        findings, options = findings.to_crs(4326), {"RFC7946": "YES", "COORDINATE_PRECISION": 9}
    with whole_file(file, overwrite=overwrite) as part, warnings.catch_warnings(), dated():
        # A layer without a CRS is written without one.
        warnings.simplefilter("ignore")
        pyogrio.write_dataframe(
            findings, part, layer="findings", geometry_type="Point", use_arrow=False, **options
        )
        if pieces is not None and suffix == ".gpkg":
            pyogrio.write_dataframe(
                pieces, part, layer="pieces", geometry_type="MultiPolygon",
                promote_to_multi=True, use_arrow=False, append=True,
            )  # fmt: skip
    return [file]


def require_findings_file(path: str | Path, *, overwrite: bool = False) -> Path:
    """Return the path when findings can be written there, before any work.

    Raises
    ------
    WriteError
        A suffix of another format, something in the way, a folder that is missing.
    """
    file = Path(path)
    if file.suffix.lower() not in FORMATS:
        raise WriteError(
            Message(
                "error.findings_format",
                file=file,
                formats=joined("or", FORMATS[:2]),
                suffix=file.suffix,
            )
        )
    return require_writable(file, overwrite=overwrite)
